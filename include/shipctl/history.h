/*
 * History: what the ledger remembers, newest first, or one deployment in full.
 * Reads the ledger only: no engine, no compose file.
 */
#ifndef SHIPCTL_HISTORY_H
#define SHIPCTL_HISTORY_H

#include "shipctl/deploy.h"
#include "shipctl/session.h"

struct ship_history_query {
    int64_t limit;       /* >= 1 */
    int64_t since_ms;    /* UTC epoch ms; 0 = no limit */
    bool failed;         /* only what did not succeed */
    const char *version; /* exact; NULL = any */
    bool all_apps;       /* every app and environment of this ledger; else the plan's */
};

/*
 * One deployment; result.steps, checks and evidence are filled by ship_history_show only. One that
 * has not ended (it runs, or waits for recovery) has exit_code -1; its state says how far it got.
 */
struct ship_history_entry {
    struct ship_result result;
    char *state; /* ledger state: "cleaned", "rolled_back", "switching" ... */
    char *git_sha, *ci_run, *strategy, *signature;
    bool is_current, is_target; /* serves now; rollback may use it */
    int64_t target_id;          /* rollback: number of the deployment it restored; 0 */
    /* ship_history_show only */
    struct ship_history_service {
        char *service, *image, *version, *digest, *image_id;
    } * services;
    size_t n_services;
    char **spec_diff; /* lines "+ environment LOG_LEVEL", "~ image ..."; values masked */
    size_t n_spec_diff;
};
struct ship_history {
    struct ship_history_entry *entries;
    size_t n;
};

/*
 * 0 or the exit status of err. No ledger yet: 0 with n == 0. Without a plan file in the session's
 * directory (and none named): every app of the ledger, as with all_apps.
 */
int ship_history(struct ship_session *s, const struct ship_history_query *query,
                 struct ship_history *ret, struct ship_error *err);
/* One deployment by number, of any app; 16 when there is none. Needs no plan. */
int ship_history_show(struct ship_session *s, int64_t deployment, struct ship_history *ret,
                      struct ship_error *err);
/* Verify the audit chain; head may be NULL. ret_rows = rows checked. */
int ship_history_verify(struct ship_session *s, const char *head, int64_t *ret_rows,
                        struct ship_error *err);
void ship_history_done(struct ship_history *h);
/* Array of the contract; `full`: one object with steps and checks. */
char *ship_history_json(const struct ship_history *h, bool full);

#endif
