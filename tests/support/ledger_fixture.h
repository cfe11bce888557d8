/*
 * A ledger in a scratch directory, sample rows, and a raw connection that may break things.
 *
 *     static int setup(void **state)    { return fixture_setup(state); }
 *     struct fixture *f = *state;       f->l is open for writing
 */
#ifndef TESTS_SUPPORT_LEDGER_FIXTURE_H
#define TESTS_SUPPORT_LEDGER_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ledger/ledger.h"

struct fixture {
    char *dir;        /* state directory; owned */
    char *path;       /* dir/ledger.db; owned */
    struct ledger *l; /* open for writing, or NULL */
    struct ship_error err;
};

/* cmocka set-up and tear-down: a fresh directory, with and without an open ledger in it. */
int fixture_setup(void **state);
int fixture_setup_empty(void **state);
int fixture_teardown(void **state);

/* End the process with the message unless ok; works in forked children, where cmocka does not. */
void fixture_must(bool ok, const char *what, const struct ship_error *err);
#define MUST(call, err) fixture_must((call) == 0, #call, (err))

/* Close and open again. */
void fixture_reopen(struct fixture *f, enum ledger_mode mode);

/* A deployment of shop in production with every text set; strings are constants. */
struct ledger_deployment fixture_deployment(const char *to_version);
struct ledger_service fixture_service(const char *service, const char *spec);
/* Begin; begin and commit; begin, commit and clean. Return the id. */
int64_t fixture_begin(struct ledger *l, const char *to_version);
int64_t fixture_commit(struct ledger *l, const char *to_version);
int64_t fixture_success(struct ledger *l, const char *to_version);
int64_t fixture_failure(struct ledger *l, const char *to_version);
struct ledger_end fixture_end(enum ledger_state state, const char *outcome, int exit_code);

/* A ledger with every kind of row; its first deployment is pruned, its last is open. */
void fixture_fill(struct ledger *l);
/*
 * Call every read function on a file that may be damaged. Each must work, or fail with a code for
 * damage; anything else ends the process. Returns the number of reads that failed.
 */
size_t fixture_read_all(struct ledger *l);
/* Is this how opening or reading a damaged file may fail? */
bool fixture_is_damage(const struct ship_error *err);

/* Run SQL behind the ledger's back; ends the process on an error. */
void fixture_raw(const char *path, const char *sql);
/* First column of the first row; heap string, caller frees. "" for none. */
char *fixture_raw_text(const char *path, const char *sql);

/* Whole file into a heap block. */
char *fixture_read_file(const char *path, size_t *ret_len);
void fixture_write_file(const char *path, const char *data, size_t len);
bool fixture_file_has(const char *path, const char *needle);

#endif
