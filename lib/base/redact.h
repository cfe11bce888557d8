/*
 * Secrets kept out of what is shown and stored: a registry of values and one filter.
 *
 * Whoever reads a secret (environment, registry credentials, a recorded specification) adds it;
 * whoever hands out text that others wrote (events, errors, results, the ledger) filters it. A
 * secret becomes REDACT_MARK wherever it is found: as it is, in base64 (standard and URL, at any
 * offset), percent-encoded, escaped for JSON, in hex, or sanitised; of a value of several lines
 * each line is a secret. Hidden without being known are the password in
 * `scheme://user:password@`, what stands behind `Authorization:` and behind `DB_PASSWORD=`, and PEM
 * private keys.
 *
 * Values below REDACT_MIN bytes are not hidden: they stand in ordinary words, and the marks would
 * tell where. The table of what is searched is made when the first text is filtered, so a command
 * that shows nothing foreign pays nothing. Every function may be called by any thread; `r` may be
 * NULL (nothing is added, nothing is found). Nothing here can fail.
 */
#ifndef SHIP_BASE_REDACT_H
#define SHIP_BASE_REDACT_H

#include <stdbool.h>
#include <stddef.h>

#include "shipctl/error.h"

#include "base/auto.h"
#include "base/buf.h"

#define REDACT_MARK       "***"
#define REDACT_MIN        6
#define REDACT_PIECE_MAX  4096 /* a longer line is searched in pieces of this size */
#define REDACT_VALUES_MAX 16384
#define REDACT_BYTES_MAX  (1024u * 1024) /* of all values; what is beyond is not hidden */

struct json;
struct redact;

/* collect: called before the first text is filtered, and again after redact_stale; may be NULL. */
struct redact *redact_new(void (*collect)(struct redact *r, void *ctx), void *ctx);
void redact_free(struct redact *r); /* overwrites what it knew */
AUTO_PTR_DEFINE(redact_free, struct redact)

/* What collect reads has changed. */
void redact_stale(struct redact *r);

/* ---- what is a secret ---- */

/* A secret, whatever it is called. */
void redact_add(struct redact *r, const char *value, size_t len);
/*
 * A variable: its value is a secret when the name says so (redact_is_secret); passwords inside the
 * value (URL, `password=...`) are in any case.
 */
void redact_add_named(struct redact *r, const char *name, const char *value);
void redact_add_pair(struct redact *r, const char *pair); /* "NAME=value" */
/* Every member "name": "value" and every "NAME=value" of a list, at any depth. */
void redact_add_json(struct redact *r, const struct json *j);
/* X-Registry-Auth, Authorization: "Basic <base64>", "Bearer <token>". */
void redact_add_credentials(struct redact *r, const char *value);
/* The name of something that is shown all the time: a secret that is a part of it is none. */
void redact_keep(struct redact *r, const char *text);

/* Does the name say that the value is secret, and does the value not look like a plain word? */
bool redact_is_secret(const char *name, const char *value);

/* ---- the filter ---- */

/*
 * Append text to out with the secrets replaced; false: there are none, out is left alone. is_cut:
 * the text may end in the middle of a secret.
 */
bool redact_text(struct redact *r, const char *text, size_t len, bool is_cut, struct buf *out);
/* The same in place for an owned string; NULL stays NULL. */
void redact_own(struct redact *r, char **text);
/* In place, for texts cut at `size`. */
void redact_field(struct redact *r, char *field, size_t size);
void redact_error(struct redact *r, struct ship_error *err);
/* A line of a configuration file: where the first value of a secret's name begins (`NAME: value`,
 * `NAME=value`), or len. NUL-terminated, perhaps behind len. */
size_t redact_assigned(const char *line, size_t len);

/*
 * Text that comes in pieces: whole lines are filtered together and handed out late, when
 * REDACT_WAIT_MAX bytes wait or at the end. Order: init, add ..., finish.
 */
#define REDACT_WAIT_MAX (32u * 1024)
struct redact_stream {
    struct redact *redact;
    void (*out)(void *ctx, const char *p, size_t len);
    void *ctx;
    struct buf waiting;
    size_t hidden; /* the first bytes of waiting are part of a secret that was replaced */
};
void redact_stream_init(struct redact_stream *s, struct redact *r,
                        void (*out)(void *ctx, const char *p, size_t len), void *ctx);
void redact_stream_add(struct redact_stream *s, const char *p, size_t len);
void redact_stream_finish(struct redact_stream *s); /* hands out the rest and frees */

#endif
