/* Between the files of the redactor: encoded forms, places that need no registration. */
#ifndef SHIP_BASE_REDACT_PARTS_H
#define SHIP_BASE_REDACT_PARTS_H

#include <stdbool.h>
#include <stddef.h>

typedef void redact_take(void *ctx, const char *p, size_t len);

/* Every form in which a value is searched, itself included; some of them may be equal. */
void redact_forms(const char *value, size_t len, redact_take *take, void *ctx);

struct redact_span {
    size_t from, to; /* empty: from == to */
};

/* The password of a URL whose "://" stands at `at`. */
struct redact_span redact_url_password(const char *text, size_t len, size_t at);
/* The value of an `Authorization` header whose name begins at `at`. */
struct redact_span redact_authorization(const char *text, size_t len, size_t at);
/* The value that is assigned to a secret's name by the `=` at `at`. */
struct redact_span redact_assignment(const char *text, size_t len, size_t at);
/*
 * The PEM private key that begins at `at`. is_open: it is not complete, and nothing says that it
 * has ended.
 */
struct redact_span redact_private_key(const char *text, size_t len, size_t at, bool *is_open);

#endif
