/*
 * A proxy between a client and the engine that writes down what is created.
 *
 *   record LISTEN ENGINE OUT
 *
 * LISTEN and ENGINE are UNIX socket paths. Every byte passes unchanged in both directions, so
 * keep-alive, chunked answers and hijacked streams work. Of each POST .../create and .../connect
 * one line goes to OUT: {"request": "METHOD PATH", "body": BODY}. One process serves one
 * connection. Ends on SIGTERM; a request it cannot parse ends the connection with a message.
 */
#include <ctype.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/str.h"

#define HEADER_BYTES_MAX 65536u
#define BODY_BYTES_MAX   (4u * 1024 * 1024)
#define PIECE            65536

enum part { PART_HEADER, PART_BODY, PART_CHUNK_SIZE, PART_CHUNK, PART_TRAILER, PART_STREAM };

/* The client's side of one connection, taken apart. */
struct reader {
    enum part part;
    struct buf text; /* header, size or trailer line so far */
    struct buf body; /* of a request that is written down */
    char *request;   /* "POST /v1.41/containers/create?name=x" */
    int64_t left;    /* bytes of the body or chunk still to come */
    bool wanted;
    int out;
};

static bool is_wanted(const char *request)
{
    AUTO_FREE char *path = xstrndup(request, strcspn(request, "?"));

    return str_starts(path, "POST ") && (str_ends(path, "/create") || str_ends(path, "/connect")) &&
           !strstr(path, "/exec/");
}

/* One write per line: the processes share the file. */
static void write_down(struct reader *r)
{
    AUTO(buf_done) struct buf line = BUF_INIT(BODY_BYTES_MAX + HEADER_BYTES_MAX);

    while (r->body.len > 0 && isspace((unsigned char)r->body.p[r->body.len - 1]))
        buf_truncate(&r->body, r->body.len - 1);
    buf_addf(&line, "{\"request\":\"%s\",\"body\":%s}\n", r->request,
             r->body.len > 0 ? r->body.p : "null");
    if (file_write_all(r->out, line.p, line.len) < 0)
        perror("record: output");
}

static void finish_request(struct reader *r)
{
    if (r->wanted)
        write_down(r);
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

static void read_header(struct reader *r)
{
    const char *length = header_value(&r->text, "Content-Length");
    const char *coding = header_value(&r->text, "Transfer-Encoding");
    size_t path = strcspn(r->text.p, " ") + 1;
    size_t end = path < r->text.len ? path + strcspn(r->text.p + path, " ") : r->text.len;

    free(r->request);
    r->request = xstrndup(r->text.p, end);
    r->wanted = is_wanted(r->request);
    r->left = length ? strtoll(length, NULL, 10) : 0;
    if (header_value(&r->text, "Upgrade"))
        r->part = PART_STREAM;
    else if (coding && strncasecmp(coding, "chunked", strlen("chunked")) == 0)
        r->part = PART_CHUNK_SIZE;
    else
        r->part = PART_BODY;
    buf_reset(&r->text);
    if (r->part == PART_BODY && r->left == 0)
        finish_request(r);
}

/* The line or header is complete. */
static void read_text(struct reader *r)
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
            finish_request(r);
        break;
    case PART_BODY:
    case PART_CHUNK:
    case PART_STREAM:
        break;
    }
    buf_reset(&r->text);
}

static size_t take_text(struct reader *r, const char *p, size_t len)
{
    const char *end = memchr(p, '\n', len);
    size_t n = end ? (size_t)(end - p) + 1 : len;

    if (buf_add(&r->text, p, n) < 0) {
        (void)fprintf(stderr, "record: a header of more than %u bytes\n", HEADER_BYTES_MAX);
        exit(1);
    }
    if (end && (r->part != PART_HEADER || str_ends(r->text.p, "\r\n\r\n")))
        read_text(r);
    return n;
}

static size_t take_body(struct reader *r, const char *p, size_t len)
{
    size_t n = (uint64_t)r->left < len ? (size_t)r->left : len;
    int64_t line_end = r->part == PART_CHUNK ? (int64_t)strlen("\r\n") : 0;
    int64_t data = r->left - line_end;

    if (r->wanted && data > 0)
        buf_add(&r->body, p, (uint64_t)data < n ? (size_t)data : n);
    r->left -= (int64_t)n;
    if (r->left == 0 && r->part == PART_BODY)
        finish_request(r);
    else if (r->left == 0)
        r->part = PART_CHUNK_SIZE;
    return n;
}

static void take(struct reader *r, const char *p, size_t len)
{
    while (len > 0 && r->part != PART_STREAM) {
        size_t n = r->part == PART_BODY || r->part == PART_CHUNK ? take_body(r, p, len)
                                                                 : take_text(r, p, len);
        p += n;
        len -= n;
    }
}

/* What is there to read goes to the other side. False: an end. */
static bool pass(int from, int to, struct reader *r)
{
    char piece[PIECE];
    ssize_t n = read(from, piece, sizeof piece);

    if (n > 0 && r)
        take(r, piece, (size_t)n);
    if (n <= 0) {
        shutdown(to, SHUT_WR);
        return false;
    }
    return file_write_all(to, piece, (size_t)n) == 0;
}

static struct sockaddr_un address_of(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    return address;
}

static _Noreturn void serve(int client, const char *engine, int out)
{
    struct sockaddr_un address = address_of(engine);
    int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct pollfd ends[] = {
        {.fd = client, .events = POLLIN},
        {.fd = server, .events = POLLIN},
    };
    struct reader r = {
        .out = out, .text = BUF_INIT(HEADER_BYTES_MAX), .body = BUF_INIT(BODY_BYTES_MAX)};

    if (server < 0 || connect(server, (struct sockaddr *)&address, sizeof address) < 0) {
        perror("record: engine");
        exit(1);
    }
    while ((ends[0].fd >= 0 || ends[1].fd >= 0) && poll(ends, 2, -1) > 0) {
        if (ends[0].revents && !pass(client, server, &r))
            ends[0].fd = -1;
        /* without the engine nothing the client says has an effect */
        if (ends[1].revents && !pass(server, client, NULL))
            break;
    }
    free(r.request);
    buf_done(&r.text);
    buf_done(&r.body);
    exit(0);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        (void)fputs("usage: record LISTEN ENGINE OUT\n", stderr);
        return 2;
    }
    struct sockaddr_un address = address_of(argv[1]);
    int out = open(argv[3], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (out < 0 || listener < 0 ||
        bind(listener, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(listener, SOMAXCONN) < 0) {
        perror("record");
        return 1;
    }
    (void)signal(SIGCHLD, SIG_IGN); /* the kernel reaps */
    (void)signal(SIGPIPE, SIG_IGN);
    for (;;) {
        int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (client >= 0 && fork() == 0)
            serve(client, argv[2], out);
        if (client >= 0)
            close(client);
    }
}
