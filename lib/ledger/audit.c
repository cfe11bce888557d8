/*
 * The hash chain over what happened.
 *
 * hash = SHA-256 over length-prefixed fields, never over re-serialised JSON:
 * previous hash (the ledger's uuid for the first row), seq, time, deployment,
 * event, actor, body. It shows edits by somebody who cannot rewrite the whole
 * chain; the head printed at each deployment anchors it outside. The body of
 * an "end" is the row as it was closed, so an edited row of `deployments`
 * shows as well.
 */
#include "ledger/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/encode.h"
#include "base/str.h"
#include "ledger/row.h"

#define HEAD_DIGITS 12

/* One row of the chain as text, in the order it is hashed. Strings are borrowed. */
struct link {
    int64_t seq, at_ms, deployment;
    const char *event, *actor, *body, *prev_hash;
};

/* 8 bytes of length, low byte first, then the bytes; NULL has the length of all ones. */
static void hash_text(struct sha256 *sha, const char *text)
{
    uint64_t len = text ? (uint64_t)strlen(text) : UINT64_MAX;
    unsigned char prefix[8];

    for (size_t i = 0; i < sizeof prefix; i++)
        prefix[i] = (unsigned char)(len >> (8 * i));
    sha256_add(sha, prefix, sizeof prefix);
    if (text)
        sha256_add(sha, text, (size_t)len);
}

static void hash_number(struct sha256 *sha, int64_t v)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%" PRId64, v);
    hash_text(sha, text);
}

static void hash_link(const struct link *k, char out[SHA256_HEX_SIZE])
{
    struct sha256 *sha = sha256_new();

    hash_text(sha, "shipctl audit 1");
    hash_text(sha, k->prev_hash);
    hash_number(sha, k->seq);
    hash_number(sha, k->at_ms);
    hash_number(sha, k->deployment);
    hash_text(sha, k->event);
    hash_text(sha, k->actor);
    hash_text(sha, k->body);
    sha256_finish_hex(sha, out);
}

/* Hash and number of the newest row; for an empty chain the uuid and 0. */
static int newest(struct ledger *l, char **ret_hash, int64_t *ret_seq, struct ship_error *err)
{
    if (db_number(l, "SELECT max(seq) FROM audit", NO_VALS, ret_seq, err) ||
        db_text(l, "SELECT hash FROM audit ORDER BY seq DESC LIMIT 1", NO_VALS, ret_hash, err))
        return -1;
    if (!*ret_hash)
        *ret_hash = xstrdup(l->uuid);
    return 0;
}

int audit_append(struct ledger *l, const char *event, int64_t at_ms,
                 const struct ledger_deployment *d, struct ship_error *err)
{
    AUTO_FREE char *body = row_json(&table_deployments, d);
    AUTO_FREE char *prev = NULL;
    char hash[SHA256_HEX_SIZE];
    struct link k = {.at_ms = at_ms, .deployment = d->id, .event = event, .actor = d->actor_json};

    if (newest(l, &prev, &k.seq, err))
        return -1;
    k.seq++;
    k.body = body;
    k.prev_hash = prev;
    hash_link(&k, hash);
    return db_run(l,
                  "INSERT INTO audit (seq, at_ms, deployment_id, event, actor_json, body_json,"
                  " prev_hash, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                  VALS(VAL_I(k.seq), VAL_I(k.at_ms), VAL_I(k.deployment), VAL_T(k.event),
                       VAL_T(k.actor), VAL_T(k.body), VAL_T(k.prev_hash), VAL_T(hash)),
                  NULL, err);
}

int ledger_audit_head(struct ledger *l, char ret[LEDGER_HEAD_SIZE], struct ship_error *err)
{
    AUTO_FREE char *hash = NULL;

    if (db_ready(l, err) ||
        db_text(l, "SELECT hash FROM audit ORDER BY seq DESC LIMIT 1", NO_VALS, &hash, err))
        return -1;
    (void)snprintf(ret, LEDGER_HEAD_SIZE, "%.*s", HEAD_DIGITS, hash ? hash : "");
    return 0;
}

/* ---- verification: one pass, memory independent of the length ---- */

struct verify {
    const char *head; /* wanted prefix, NULL = none */
    bool is_head_found;
    int64_t rows;   /* verified so far = seq of the last one */
    int64_t opened; /* begin and reconstruct events */
    char prev[SHA256_HEX_SIZE];
};

static const char *text_at(sqlite3_stmt *s, int at)
{
    return (const char *)sqlite3_column_text(s, at);
}

static int bad_row(int64_t seq, const char *what, struct ship_error *err)
{
    ship_fail(err, SHIP_UNVERIFIED, "audit row %lld: %s", (long long)seq, what);
    return ship_error_hint(err, "compare with a backup: rows before it are as they were recorded");
}

static bool is_event(const char *event, const char *a, const char *b)
{
    return str_eq(event, a) || str_eq(event, b);
}

/* A closed row never changes again (but for is_current and pruned): body and row must agree. */
static int compare_row(struct ledger *l, const struct link *k, struct ship_error *err)
{
    struct ledger_deployment d = {0};
    AUTO_FREE char *now = NULL;
    int got =
        row_select(l, &table_deployments, "WHERE id = ?1", VALS(VAL_I(k->deployment)), &d, err);

    if (got < 0)
        return -1;
    if (got == 0)
        now = row_json(&table_deployments, &d);
    ledger_deployment_done(&d);
    if (str_eq(now, k->body))
        return 0;
    ship_fail(err, SHIP_UNVERIFIED, "deployment %lld differs from what audit row %lld recorded",
              (long long)k->deployment, (long long)k->seq);
    return ship_error_hint(err, "the row was edited after the deployment ended");
}

static int verify_link(struct ledger *l, struct verify *v, const struct link *k, const char *hash,
                       struct ship_error *err)
{
    char expect[SHA256_HEX_SIZE];

    if (k->seq != v->rows + 1)
        return bad_row(v->rows + 1, "missing", err);
    if (!str_eq(k->prev_hash, v->prev))
        return bad_row(k->seq, "does not follow the row before it", err);
    hash_link(k, expect);
    if (!str_eq(hash, expect))
        return bad_row(k->seq, "was changed", err);
    if (is_event(k->event, "end", "reconstruct") && compare_row(l, k, err))
        return -1;
    v->rows++;
    v->opened += is_event(k->event, "begin", "reconstruct") ? 1 : 0;
    v->is_head_found = v->is_head_found || (v->head && str_starts(expect, v->head));
    memcpy(v->prev, expect, sizeof v->prev);
    return 0;
}

static int verify_all(struct ledger *l, struct verify *v, struct ship_error *err)
{
    AUTO(stmt_done)
    sqlite3_stmt *s = db_prepare(l,
                                 "SELECT seq, at_ms, deployment_id, event, actor_json, body_json,"
                                 " prev_hash, hash FROM audit ORDER BY seq",
                                 err);
    int got = s ? 1 : -1;

    while (got == 1 && (got = db_step(l, s, err)) == 1) {
        struct link k = {.seq = sqlite3_column_int64(s, 0),
                         .at_ms = sqlite3_column_int64(s, 1),
                         .deployment = sqlite3_column_int64(s, 2),
                         .event = text_at(s, 3),
                         .actor = text_at(s, 4),
                         .body = text_at(s, 5),
                         .prev_hash = text_at(s, 6)};

        if (verify_link(l, v, &k, text_at(s, 7), err))
            return -1;
    }
    return got;
}

/* Rows cut off the end take their deployments' opening events with them. */
static int compare_count(struct ledger *l, const struct verify *v, struct ship_error *err)
{
    int64_t deployments = 0;

    if (db_number(l, "SELECT count(*) FROM deployments", NO_VALS, &deployments, err))
        return -1;
    if (deployments == v->opened)
        return 0;
    return ship_fail(err, SHIP_UNVERIFIED, "audit records %lld deployments, the ledger holds %lld",
                     (long long)v->opened, (long long)deployments);
}

static int check_head_form(const char *head, struct ship_error *err)
{
    size_t len = strlen(head);

    if (len >= HEAD_DIGITS && len < SHA256_HEX_SIZE && strspn(head, "0123456789abcdef") == len)
        return 0;
    return ship_fail(err, SHIP_USAGE, "audit head '%.80s' is not 12 to 64 hex digits", head);
}

int ledger_audit_verify(struct ledger *l, const char *head, int64_t *ret_rows,
                        struct ship_error *err)
{
    struct verify v = {.head = head};

    (void)snprintf(v.prev, sizeof v.prev, "%s", l->uuid);
    if ((head && check_head_form(head, err)) || db_ready(l, err) || verify_all(l, &v, err) ||
        compare_count(l, &v, err))
        return -1;
    if (head && !v.is_head_found) {
        ship_fail(err, SHIP_UNVERIFIED, "audit head '%s' is not in the chain of %lld rows", head,
                  (long long)v.rows);
        return ship_error_hint(err, "rows were cut off, or the head belongs to another ledger");
    }
    *ret_rows = v.rows;
    return 0;
}
