/*
 * What the engine streams: concatenated JSON objects (pull, events) and multiplexed log frames.
 *
 * Both take bytes as they arrive, in pieces of any size, and hold no more than their limit.
 */
#ifndef SHIP_DOCKER_STREAM_H
#define SHIP_DOCKER_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"

/* ---- JSON objects one after the other ---- */

#define JSON_STREAM_OBJECT_MAX (1024u * 1024)

/* Takes one object, borrowed. Non-zero stops. */
typedef int (*json_stream_sink)(void *ctx, const struct json *object);

enum json_stream_fault {
    JSON_STREAM_OK,
    JSON_STREAM_STOPPED, /* the sink said so */
    JSON_STREAM_LARGE,   /* an object over JSON_STREAM_OBJECT_MAX */
    JSON_STREAM_BAD,     /* not JSON, or a value that is no object */
};

struct json_stream {
    struct buf pending; /* the object being received, without bytes before its brace */
    json_stream_sink sink;
    void *ctx;
    size_t depth; /* open brackets; 0 = between objects */
    bool in_string, escaped;
    enum json_stream_fault fault;
};

void json_stream_init(struct json_stream *s, json_stream_sink sink, void *ctx);
void json_stream_done(struct json_stream *s);
/* 0, or -1 with s->fault set; stays so. */
int json_stream_feed(struct json_stream *s, const char *p, size_t len);
/* No object is left half received. */
bool json_stream_complete(const struct json_stream *s);

/* ---- log frames: {stream, 0, 0, 0, length big-endian} payload ---- */

#define LOG_FRAME_MAX (64u * 1024 * 1024) /* longer lengths mean that we lost the framing */

/* Takes payload bytes in order; non-zero stops. */
typedef int (*frame_sink)(void *ctx, int is_stderr, const char *p, size_t len);

struct log_frames {
    frame_sink sink;
    void *ctx;
    bool raw; /* TTY: no frames, all is stdout */
    unsigned char header[8];
    size_t header_len;
    uint32_t left; /* payload bytes of the current frame still to come */
    bool bad;      /* not a frame stream */
};

void log_frames_init(struct log_frames *f, bool raw, frame_sink sink, void *ctx);
/* 0; 1 = the sink stopped; -1 = bad frame (f->bad). */
int log_frames_feed(struct log_frames *f, const char *p, size_t len);
/* The stream may end here. */
bool log_frames_complete(const struct log_frames *f);

#endif
