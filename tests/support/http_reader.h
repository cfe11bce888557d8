/*
 * One direction of an HTTP/1.1 connection, taken apart as its bytes pass by: where a message
 * begins, what its first line says, where it ends.
 */
#ifndef TESTS_SUPPORT_HTTP_READER_H
#define TESTS_SUPPORT_HTTP_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define HTTP_HEADER_BYTES_MAX 65536u
#define HTTP_BODY_BYTES_MAX   (4u * 1024 * 1024)

enum http_part { PART_HEADER, PART_BODY, PART_CHUNK_SIZE, PART_CHUNK, PART_TRAILER, PART_STREAM };

struct http_reader {
    enum http_part part;
    bool is_answer;   /* an answer without a length goes on to the connection's end */
    bool is_bodyless; /* the next answer has no body, whatever its header says: HEAD */
    bool keeps_body;  /* of the message at hand; on_header sets it */
    struct buf text;  /* header, size or trailer line so far */
    struct buf body;  /* what was kept */
    char *first;      /* "POST /v1.41/containers/create?name=x" or "HTTP/1.1 200" */
    int64_t left;     /* bytes of the body or chunk still to come */
    unsigned ended;   /* whole messages so far */
    void (*on_header)(struct http_reader *r); /* NULL: nothing */
    void (*on_end)(struct http_reader *r);
    void *ctx; /* of the two */
};

#define HTTP_READER_INIT                                                                           \
    {                                                                                              \
        .text = BUF_INIT(HTTP_HEADER_BYTES_MAX), .body = BUF_INIT(HTTP_BODY_BYTES_MAX)             \
    }

void http_reader_done(struct http_reader *r);

/* The next byte is the first of a message. */
bool http_reader_is_between(const struct http_reader *r);

/* Ends the program with a message for a header that is too long. */
void http_reader_take(struct http_reader *r, const char *p, size_t len);

#endif
