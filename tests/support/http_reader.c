/* HTTP messages as they pass by: see http_reader.h. */
#include "support/http_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/str.h"

void http_reader_done(struct http_reader *r)
{
    free(r->first);
    buf_done(&r->text);
    buf_done(&r->body);
}

bool http_reader_is_between(const struct http_reader *r)
{
    return r->part == PART_HEADER && r->text.len == 0;
}

static void finish_message(struct http_reader *r)
{
    r->ended++;
    if (r->on_end)
        r->on_end(r);
    buf_reset(&r->body);
    r->part = PART_HEADER;
}

/* Value of a header, without blanks before it; NULL if absent. */
static const char *header_value(const struct buf *header, const char *name)
{
    for (const char *line = strchr(header->p, '\n'); line; line = strchr(line, '\n')) {
        line++;
        size_t len = strlen(name);
        if (strncasecmp(line, name, len) == 0 && line[len] == ':')
            return line + len + 1 + strspn(line + len + 1, " \t");
    }
    return NULL;
}

/* Without a length a request has no body, and an answer goes on to the end. */
static enum http_part part_without_length(const struct http_reader *r)
{
    bool is_empty = r->is_bodyless || str_ends(r->first, " 204") || str_ends(r->first, " 304");

    return r->is_answer && !is_empty ? PART_STREAM : PART_BODY;
}

static void read_header(struct http_reader *r)
{
    const char *length = header_value(&r->text, "Content-Length");
    const char *coding = header_value(&r->text, "Transfer-Encoding");
    size_t second = strcspn(r->text.p, " ") + 1;
    size_t end = second < r->text.len ? second + strcspn(r->text.p + second, " ") : r->text.len;

    free(r->first);
    r->first = xstrndup(r->text.p, end);
    r->left = length && !r->is_bodyless ? strtoll(length, NULL, 10) : 0;
    if (header_value(&r->text, "Upgrade"))
        r->part = PART_STREAM;
    else if (coding && strncasecmp(coding, "chunked", strlen("chunked")) == 0)
        r->part = PART_CHUNK_SIZE;
    else
        r->part = length ? PART_BODY : part_without_length(r);
    buf_reset(&r->text);
    if (r->on_header)
        r->on_header(r);
    if (r->part == PART_BODY && r->left == 0)
        finish_message(r);
}

/* The line or header is complete. */
static void read_text(struct http_reader *r)
{
    bool is_blank = r->text.len <= strlen("\r\n");

    switch (r->part) {
    case PART_HEADER:
        read_header(r);
        return;
    case PART_CHUNK_SIZE:
        r->left = strtoll(r->text.p, NULL, 16);
        /* the chunk's own line end comes with it */
        r->part = r->left == 0 ? PART_TRAILER : PART_CHUNK;
        r->left += r->left > 0 ? (int64_t)strlen("\r\n") : 0;
        break;
    case PART_TRAILER:
        if (is_blank)
            finish_message(r);
        break;
    case PART_BODY:
    case PART_CHUNK:
    case PART_STREAM:
        break;
    }
    buf_reset(&r->text);
}

static size_t take_text(struct http_reader *r, const char *p, size_t len)
{
    const char *end = memchr(p, '\n', len);
    size_t n = end ? (size_t)(end - p) + 1 : len;

    if (buf_add(&r->text, p, n) < 0) {
        (void)fprintf(stderr, "record: a header of more than %u bytes\n", HTTP_HEADER_BYTES_MAX);
        exit(1);
    }
    if (end && (r->part != PART_HEADER || str_ends(r->text.p, "\r\n\r\n")))
        read_text(r);
    return n;
}

static size_t take_body(struct http_reader *r, const char *p, size_t len)
{
    size_t n = (uint64_t)r->left < len ? (size_t)r->left : len;
    int64_t line_end = r->part == PART_CHUNK ? (int64_t)strlen("\r\n") : 0;
    int64_t data = r->left - line_end;

    if (r->keeps_body && data > 0)
        buf_add(&r->body, p, (uint64_t)data < n ? (size_t)data : n);
    r->left -= (int64_t)n;
    if (r->left == 0 && r->part == PART_BODY)
        finish_message(r);
    else if (r->left == 0)
        r->part = PART_CHUNK_SIZE;
    return n;
}

void http_reader_take(struct http_reader *r, const char *p, size_t len)
{
    while (len > 0 && r->part != PART_STREAM) {
        size_t n = r->part == PART_BODY || r->part == PART_CHUNK ? take_body(r, p, len)
                                                                 : take_text(r, p, len);
        p += n;
        len -= n;
    }
}
