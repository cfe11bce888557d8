/* The column tables: which member of which struct is which column. */
#include "base/alloc.h"
#include "ledger/row.h"

#define TEXT(type, member)                                                                         \
    {                                                                                              \
#member, offsetof(struct type, member), COL_TEXT, 0                                        \
    }
#define LATE(type, member)                                                                         \
    {                                                                                              \
#member, offsetof(struct type, member), COL_TEXT, COL_LATE                                 \
    }
#define I64(type, member)                                                                          \
    {                                                                                              \
#member, offsetof(struct type, member), COL_I64, 0                                         \
    }
#define KIND(type, member, kind)                                                                   \
    {                                                                                              \
#member, offsetof(struct type, member), kind, 0                                            \
    }
#define AS(sql, type, member, kind)                                                                \
    {                                                                                              \
        sql, offsetof(struct type, member), kind, 0                                                \
    }

/* clang-format off */
static const struct col deployment_cols[] = {
    KIND(ledger_deployment, id, COL_REF),
    TEXT(ledger_deployment, app),
    TEXT(ledger_deployment, environment),
    LATE(ledger_deployment, project),
    TEXT(ledger_deployment, action),
    KIND(ledger_deployment, state, COL_STATE),
    TEXT(ledger_deployment, outcome),
    KIND(ledger_deployment, exit_code, COL_INT),
    LATE(ledger_deployment, from_version),
    LATE(ledger_deployment, from_digest),
    LATE(ledger_deployment, to_version),
    LATE(ledger_deployment, to_digest),
    {"from_id", offsetof(struct ledger_deployment, from_id), COL_REF, COL_LATE},
    {"target_id", offsetof(struct ledger_deployment, target_id), COL_REF, COL_LATE},
    LATE(ledger_deployment, actor),
    LATE(ledger_deployment, actor_json),
    LATE(ledger_deployment, host),
    LATE(ledger_deployment, reason),
    LATE(ledger_deployment, strategy),
    LATE(ledger_deployment, plan_hash),
    LATE(ledger_deployment, compose_hash),
    LATE(ledger_deployment, git_sha),
    LATE(ledger_deployment, ci_run),
    LATE(ledger_deployment, error),
    LATE(ledger_deployment, last_step),
    LATE(ledger_deployment, signature),
    LATE(ledger_deployment, warnings_json),
    I64(ledger_deployment, started_at_ms),
    I64(ledger_deployment, finished_at_ms),
    I64(ledger_deployment, downtime_ms),
    {"is_current", offsetof(struct ledger_deployment, is_current), COL_BOOL, COL_VOLATILE},
    {"pruned", offsetof(struct ledger_deployment, pruned), COL_BOOL, COL_VOLATILE},
};

static const struct col service_cols[] = {
    TEXT(ledger_service, service),
    TEXT(ledger_service, image),
    TEXT(ledger_service, repository),
    TEXT(ledger_service, version),
    TEXT(ledger_service, digest),
    TEXT(ledger_service, image_id),
    TEXT(ledger_service, platform),
    TEXT(ledger_service, spec_json),
    TEXT(ledger_service, spec_sha256),
};

static const struct col step_cols[] = {
    KIND(ledger_step, seq, COL_INT),
    TEXT(ledger_step, name),
    TEXT(ledger_step, status),
    TEXT(ledger_step, message),
    I64(ledger_step, started_at_ms),
    I64(ledger_step, duration_ms),
};

static const struct col check_cols[] = {
    TEXT(ledger_check, phase),
    TEXT(ledger_check, check_id),
    TEXT(ledger_check, type),
    TEXT(ledger_check, status),
    TEXT(ledger_check, message),
    KIND(ledger_check, required, COL_BOOL),
    I64(ledger_check, tries),
    I64(ledger_check, duration_ms),
};

static const struct col evidence_cols[] = {
    TEXT(ledger_evidence, kind),
    TEXT(ledger_evidence, service),
    TEXT(ledger_evidence, text),
};

static const struct col journal_cols[] = {
    I64(ledger_journal, seq),
    TEXT(ledger_journal, kind),
    TEXT(ledger_journal, service),
    TEXT(ledger_journal, args_json),
    TEXT(ledger_journal, observed_json),
    TEXT(ledger_journal, outcome),
    I64(ledger_journal, intent_at_ms),
    I64(ledger_journal, done_at_ms),
};

static const struct col image_cols[] = {
    AS("d.id", ledger_image, deployment, COL_I64),
    AS("d.app", ledger_image, app, COL_TEXT),
    AS("d.environment", ledger_image, environment, COL_TEXT),
    AS("coalesce(s.version, d.to_version)", ledger_image, version, COL_TEXT),
    AS("s.service", ledger_image, service, COL_TEXT),
    AS("s.image", ledger_image, image, COL_TEXT),
    AS("s.repository", ledger_image, repository, COL_TEXT),
    AS("s.digest", ledger_image, digest, COL_TEXT),
    AS("s.image_id", ledger_image, image_id, COL_TEXT),
    AS("d.is_current", ledger_image, is_current, COL_BOOL),
    AS("d.outcome = 'succeeded'", ledger_image, succeeded, COL_BOOL),
    AS("d.finished_at_ms", ledger_image, finished_at_ms, COL_I64),
};
/* clang-format on */

#define TABLE(name, key, columns, type, member)                                                    \
    {                                                                                              \
        .from = (name), .conflict = (key), .cols = (columns), .n = ARRAY_LEN(columns),             \
        .size = sizeof(struct type), .is_member = (member)                                         \
    }

const struct table table_deployments =
    TABLE("deployments", NULL, deployment_cols, ledger_deployment, false);
const struct table table_services =
    TABLE("services", "deployment_id, service", service_cols, ledger_service, true);
const struct table table_steps = TABLE("steps", "deployment_id, seq", step_cols, ledger_step, true);
const struct table table_checks = TABLE("checks", NULL, check_cols, ledger_check, true);
const struct table table_evidence = TABLE("evidence", NULL, evidence_cols, ledger_evidence, true);
const struct table table_journal = TABLE("journal", NULL, journal_cols, ledger_journal, true);
/* CROSS JOIN fixes the order: the few kept deployments first, then their services. */
const struct table table_images =
    TABLE("deployments d CROSS JOIN services s ON s.deployment_id = d.id", NULL, image_cols,
          ledger_image, false);
