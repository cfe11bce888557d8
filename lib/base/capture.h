/* Output of a program, bounded: its first and its last bytes. Used by proc.c. */
#ifndef SHIP_BASE_CAPTURE_H
#define SHIP_BASE_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/redact.h"

struct capture {
    struct buf head; /* the first bytes */
    char *tail;      /* ring of the last bytes, owned; NULL until the head is full */
    size_t tail_max;
    size_t tail_len; /* bytes in the ring */
    size_t tail_at;  /* where the next byte goes */
    uint64_t left_out;
    struct redact_stream filter; /* in front of all that */
};

/* redact: what is kept is filtered before it is cut; NULL keeps it as it is. */
void capture_init(struct capture *c, size_t head_max, size_t tail_max, struct redact *redact);
void capture_done(struct capture *c);
void capture_add(struct capture *c, const char *p, size_t len);

/* Head, "[... N bytes left out ...]" when there is a gap, tail. out is initialised here. */
void capture_finish(struct capture *c, struct buf *out);

#endif
