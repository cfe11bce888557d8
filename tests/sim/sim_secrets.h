/*
 * The secret of the simulated project (I11): the app prints it when it starts, the engine repeats
 * it when it refuses something, and nothing that shipctl says or records may hold it.
 */
#ifndef TESTS_SIM_SECRETS_H
#define TESTS_SIM_SECRETS_H

#define SIM_SECRET_NAME   "DB_PASSWORD"
#define SIM_SECRET        "sim-canary-5f2c"
#define SIM_SECRET_BASE64 "eDpzaW0tY2FuYXJ5LTVmMmM=" /* of "x:" and it */
/* What the app prints. */
#define SIM_SECRET_LOG "starting\n" SIM_SECRET_NAME "=" SIM_SECRET "\n!auth " SIM_SECRET_BASE64 "\n"

struct sqlite3;

/* Breaks I11 when the text, which may be NULL, holds it. */
void secrets_look(const char *where, const char *text);
/* The same for a text of the heap, which is freed. */
void secrets_look_and_free(const char *where, char *text);
/* Every value of the ledger but the specifications, which a rollback needs. */
void secrets_look_at_ledger(struct sqlite3 *db);

#endif
