/* Reader of HTTP/1.1 answers (contract: http1.h). */
#include "net/http1.h"

#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/str.h"

#define BLANKS " \t\r\n"

void http1_reset(struct http1 *h)
{
    struct buf line = h->line;

    if (line.max == 0)
        buf_init(&line, HTTP1_HEADERS_MAX);
    buf_reset(&line);
    *h = (struct http1){.line = line};
}

void http1_done(struct http1 *h)
{
    buf_done(&h->line);
}

bool http1_ended(const struct http1 *h)
{
    return h->state >= HTTP1_DONE;
}

/* ---- lines ---- */

static void trim(const char **p, size_t *len)
{
    while (*len > 0 && strchr(BLANKS, (*p)[0])) {
        (*p)++;
        (*len)--;
    }
    while (*len > 0 && strchr(BLANKS, (*p)[*len - 1]))
        (*len)--;
}

/* "HTTP/1.1 204 No Content" */
static enum http1_state take_status(struct http1 *h, const char *line)
{
    const char *digits = line + strlen("HTTP/1.1 ");

    if (!str_starts(line, "HTTP/1.") || (line[7] != '0' && line[7] != '1') || line[8] != ' ' ||
        strspn(digits, "0123456789") != 3 || digits[0] == '0' || !strchr(" ", digits[3]))
        return HTTP1_BAD;
    h->interim = (digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0');
    h->keep = line[7] == '1';
    h->chunked = h->has_length = false;
    if (h->interim >= 200)
        h->status = h->interim;
    return HTTP1_HEADERS;
}

/* Digits of the base only, no sign, no overflow. */
static int parse_count(const char *s, unsigned base, uint64_t *ret)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t n = 0;

    if (*s == '\0')
        return -1;
    for (; *s; s++) {
        char lower = (char)(*s >= 'A' && *s <= 'F' ? *s - 'A' + 'a' : *s);
        const char *at = strchr(digits, lower);
        if (at == NULL || (unsigned)(at - digits) >= base || n > (INT64_MAX - 15) / base)
            return -1;
        n = n * base + (unsigned)(at - digits);
    }
    *ret = n;
    return 0;
}

static enum http1_state take_length(struct http1 *h, const char *value)
{
    uint64_t n;

    if (parse_count(value, 10, &n) != 0 || (h->has_length && n != h->left))
        return HTTP1_BAD;
    h->has_length = true;
    h->left = n;
    return HTTP1_HEADERS;
}

/* Headers that say where the answer ends. */
static enum http1_state take_framing(struct http1 *h, const char *name, const char *value)
{
    if (strcasecmp(name, "Content-Length") == 0)
        return take_length(h, value);
    if (strcasecmp(name, "Transfer-Encoding") == 0) {
        h->chunked = strcasecmp(value, "chunked") == 0;
        return h->chunked || strcasecmp(value, "identity") == 0 ? HTTP1_HEADERS : HTTP1_BAD;
    }
    if (strcasecmp(name, "Connection") == 0 && strcasecmp(value, "close") == 0)
        h->keep = false;
    return HTTP1_HEADERS;
}

static enum http1_state take_header(struct http1 *h, const char *line)
{
    const char *colon = strchr(line, ':');

    /* A line that continues the one before, or none at all: obsolete, and nobody needs them. */
    if (colon == NULL || colon == line)
        return HTTP1_HEADERS;
    const char *value = colon + 1;
    size_t len = strlen(value);
    trim(&value, &len);
    AUTO_FREE char *name = xstrndup(line, (size_t)(colon - line));
    AUTO_FREE char *text = xstrndup(value, len);
    if (h->interim >= 200 && h->on_header)
        h->on_header(h->ctx, name, text);
    return h->interim >= 200 ? take_framing(h, name, text) : HTTP1_HEADERS;
}

/* The empty line after the headers. */
static enum http1_state begin_body(struct http1 *h)
{
    if (h->interim == 101)
        return HTTP1_BAD; /* nobody asked for another protocol */
    if (h->interim < 200)
        return HTTP1_STATUS;
    if (h->is_head || h->status == 204 || h->status == 304)
        return HTTP1_DONE;
    if (h->chunked)
        return HTTP1_CHUNK_SIZE;
    if (h->has_length)
        return h->left > 0 ? HTTP1_COUNTED : HTTP1_DONE;
    h->keep = false;
    return HTTP1_UNTIL_EOF;
}

static enum http1_state take_chunk_size(struct http1 *h, char *line)
{
    line[strcspn(line, "; \t")] = '\0';
    if (parse_count(line, 16, &h->left) != 0)
        return HTTP1_BAD;
    return h->left > 0 ? HTTP1_CHUNK : HTTP1_TRAILERS;
}

static enum http1_state take_line(struct http1 *h, char *line)
{
    bool is_empty = *line == '\0';

    switch (h->state) {
    case HTTP1_STATUS:
        return take_status(h, line);
    case HTTP1_HEADERS:
        return is_empty ? begin_body(h) : take_header(h, line);
    case HTTP1_CHUNK_SIZE:
        return take_chunk_size(h, line);
    case HTTP1_CHUNK_END:
        return is_empty ? HTTP1_CHUNK_SIZE : HTTP1_BAD;
    case HTTP1_TRAILERS:
        return is_empty ? HTTP1_DONE : HTTP1_TRAILERS;
    case HTTP1_COUNTED:
    case HTTP1_UNTIL_EOF:
    case HTTP1_CHUNK:
    case HTTP1_DONE:
    case HTTP1_BAD:
    case HTTP1_TOO_LARGE:
    case HTTP1_CUT:
    default:
        return HTTP1_BAD;
    }
}

/* A peer that speaks no HTTP need not send a line: judge by its first bytes. */
static bool is_no_status(const struct http1 *h)
{
    static const char proto[] = "HTTP/";
    size_t n = h->line.len < sizeof proto - 1 ? h->line.len : sizeof proto - 1;

    return h->state == HTTP1_STATUS && memcmp(h->line.p, proto, n) != 0;
}

static size_t feed_line(struct http1 *h, const char *p, size_t len)
{
    const char *end = memchr(p, '\n', len);
    size_t n = end ? (size_t)(end - p) + 1 : len;
    bool counts = h->state != HTTP1_CHUNK_SIZE && h->state != HTTP1_CHUNK_END;

    if (buf_add(&h->line, p, n) != 0 || (counts && (h->header_bytes += n) > HTTP1_HEADERS_MAX)) {
        h->state = HTTP1_TOO_LARGE;
        return n;
    }
    if (is_no_status(h) || memchr(p, '\0', n)) {
        h->state = HTTP1_BAD;
        return n;
    }
    if (end == NULL)
        return n;
    size_t keep = h->line.len - 1;
    if (keep > 0 && h->line.p[keep - 1] == '\r')
        keep--;
    buf_truncate(&h->line, keep);
    h->state = take_line(h, h->line.p);
    buf_reset(&h->line);
    return n;
}

/* ---- body ---- */

static size_t feed_body(struct http1 *h, const char *p, size_t len)
{
    size_t n = h->state == HTTP1_UNTIL_EOF || len < h->left ? len : (size_t)h->left;

    if (h->on_body && h->on_body(h->ctx, p, n) != 0) {
        h->state = HTTP1_CUT;
        return n;
    }
    if (h->state == HTTP1_UNTIL_EOF)
        return n;
    h->left -= n;
    if (h->left == 0)
        h->state = h->state == HTTP1_CHUNK ? HTTP1_CHUNK_END : HTTP1_DONE;
    return n;
}

size_t http1_feed(struct http1 *h, const char *p, size_t len)
{
    size_t at = 0;

    while (at < len && !http1_ended(h)) {
        bool body =
            h->state == HTTP1_COUNTED || h->state == HTTP1_UNTIL_EOF || h->state == HTTP1_CHUNK;
        at += body ? feed_body(h, p + at, len - at) : feed_line(h, p + at, len - at);
    }
    return at;
}

void http1_eof(struct http1 *h)
{
    if (!http1_ended(h))
        h->state = h->state == HTTP1_UNTIL_EOF ? HTTP1_DONE : HTTP1_BAD;
}
