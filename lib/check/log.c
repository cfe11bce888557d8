/*
 * log: a container's log holds none of the forbidden words.
 *
 * Reads what the container wrote so far, for `watch` long as well: once a
 * second what is new. service: default each deployed one. deny: words, matched anywhere in a line,
 * or `/regex/`; allow: the same, a line that matches one is fine. Up to max_lines lines are shown.
 * PASS: no such line. FAIL: at least one (final: it can not be unwritten).
 * UNKNOWN: no container, or its log can not be read to the end in time.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "check/scan.h"
#include "check/types.h"

#define WATCH_SLICE_MS 1000
/* Enough to know it is bad; a container that only writes errors must not hold us. */
#define HITS_MAX 1000

struct log_config {
    char *service;
    struct scan_patterns deny, allow;
    int64_t watch_ms, max_lines;
};

static const struct field log_fields[] = {
    {.key = "service",
     .kind = FIELD_STRING,
     .offset = offsetof(struct log_config, service),
     .min = 1,
     .max = 255,
     .fallback = ""},
    {.key = "deny",
     .kind = FIELD_CUSTOM,
     .offset = offsetof(struct log_config, deny),
     .fallback = NULL,
     .custom = scan_patterns_decode,
     .custom_done = scan_patterns_done},
    {.key = "allow",
     .kind = FIELD_CUSTOM,
     .offset = offsetof(struct log_config, allow),
     .fallback = "",
     .custom = scan_patterns_decode,
     .custom_done = scan_patterns_done},
    {.key = "watch",
     .kind = FIELD_MS,
     .offset = offsetof(struct log_config, watch_ms),
     .min = 0,
     .max = 3600000,
     .fallback = "0"},
    {.key = "max_lines",
     .kind = FIELD_INT,
     .offset = offsetof(struct log_config, max_lines),
     .min = 1,
     .max = 1000,
     .fallback = "20"},
    {0},
};

/* One reading of one container's log. */
struct reading {
    const struct check_env *env;
    const struct log_config *cfg;
    const struct check_target *target;
    struct scan scan;
    int64_t deadline_ms, hits;
    bool late;
    char first[256];
};

static void on_hit(void *ctx, const char *text)
{
    struct reading *r = ctx;
    char origin[300];
    struct ship_event event = {
        .kind = SHIP_EVENT_OUTPUT,
        .level = SHIP_LEVEL_INFO,
        .service = r->target->service,
        .origin = origin,
        .text = text,
    };

    if (r->hits++ == 0)
        (void)snprintf(r->first, sizeof r->first, "%s", text);
    if (r->hits > r->cfg->max_lines)
        return;
    (void)snprintf(origin, sizeof origin, "log %s", r->target->service);
    ship_emit(r->env->events, &event);
}

static int on_bytes(void *ctx, int is_stderr, const char *p, size_t len)
{
    struct reading *r = ctx;

    scan_feed(&r->scan, is_stderr, p, len);
    r->late = clock_now_ms(r->env->clock) >= r->deadline_ms;
    return r->late || r->hits >= HITS_MAX || clock_stop_signal(r->env->clock) != 0;
}

static int judge_reading(const struct reading *r, struct check_result *ret)
{
    if (r->hits > 0) {
        ret->final = true;
        return check_say(ret, CHECK_FAIL, "%s%" PRId64 " forbidden line%s in the log of '%s': %s",
                         r->hits >= HITS_MAX ? "at least " : "", r->hits, r->hits == 1 ? "" : "s",
                         r->target->service, r->first);
    }
    if (r->late)
        return check_say(ret, CHECK_UNKNOWN, "log of '%s' not read to its end in time",
                         r->target->service);
    return 1;
}

static int read_log(struct reading *r, const char *since, struct check_result *ret,
                    struct ship_error *err)
{
    struct runtime *rt = r->env->runtime;
    struct log_request req = {.since = since, .tail = -1};

    r->scan = (struct scan){.deny = &r->cfg->deny,
                            .allow = &r->cfg->allow,
                            .redact = check_redact(r->env),
                            .found = on_hit,
                            .ctx = r};
    if (rt->ops->logs(rt, r->target->container_id, &req, on_bytes, r, r->deadline_ms, err) < 0) {
        scan_done(&r->scan);
        /* What was found before the engine went silent stays found. */
        return r->hits > 0 && err->code != SHIP_INTERRUPTED ? judge_reading(r, ret)
                                                            : check_unknown(ret, err);
    }
    if (!r->late)
        scan_finish(&r->scan);
    scan_done(&r->scan);
    if (clock_wait(r->env->clock, 0, CLOCK_NEVER, err) < 0)
        return check_unknown(ret, err);
    return judge_reading(r, ret);
}

/*
 * Each wanted container once. since NULL: all of its log. Not from StartedAt: the engine notes that
 * a moment after the process began, and the first lines are older.
 */
static int read_all(const struct check_env *env, const struct log_config *cfg, const char *since,
                    int64_t deadline_ms, struct check_result *ret, struct ship_error *err)
{
    size_t seen = 0;

    for (size_t i = 0; i < env->n_targets; i++) {
        const struct check_target *target = &env->targets[i];
        struct reading r = {.env = env, .cfg = cfg, .target = target, .deadline_ms = deadline_ms};
        int rc;

        if (!check_target_wanted(target, cfg->service) || !target->container_id)
            continue;
        seen++;
        rc = read_log(&r, since, ret, err);
        if (rc <= 0)
            return rc;
    }
    if (seen == 0)
        return check_say(ret, CHECK_UNKNOWN, "no container of service '%s'",
                         cfg->service ? cfg->service : "(deployed)");
    return 1;
}

static int log_run(const struct check_env *env, const void *config, int64_t deadline_ms,
                   struct check_result *ret, struct ship_error *err)
{
    const struct log_config *cfg = config;
    int64_t end = clock_deadline(env->clock, cfg->watch_ms);
    int64_t read_at = clock_epoch_ms(env->clock), left = cfg->watch_ms;
    int rc = read_all(env, cfg, NULL, deadline_ms, ret, err);

    /* Counted down by what was waited, so that a clock that stands still ends the loop, too. */
    for (; rc == 1 && left > 0; left -= WATCH_SLICE_MS) {
        char since[32];

        if (clock_wait(env->clock, clock_earlier(left, WATCH_SLICE_MS),
                       clock_earlier(end, deadline_ms), err) < 0)
            return check_unknown(ret, err);
        /* The second before the last reading once more: what is read twice was clean then. */
        (void)snprintf(since, sizeof since, "%" PRId64, read_at / 1000 - 1);
        read_at = clock_epoch_ms(env->clock);
        rc = read_all(env, cfg, since, deadline_ms, ret, err);
    }
    return rc == 1 ? check_say(ret, CHECK_PASS, "no forbidden line in the log") : rc;
}

static int64_t log_takes_ms(const void *config)
{
    const struct log_config *cfg = config;

    return cfg->watch_ms;
}

static void log_validate(const void *config, const struct yaml_node *node, struct field_ctx *ctx)
{
    const struct log_config *cfg = config;

    if (cfg->deny.n == 0 && ctx->problems->n_errors == 0)
        yaml_problem_add(ctx->problems, YAML_ERROR, &node->mark, "%s: 'deny' is empty", ctx->where);
}

const struct check_type check_log = {
    .name = "log",
    .phases = CHECK_HEALTH | CHECK_POST,
    .summary = "The log of the container holds none of the forbidden words.",
    .fields = log_fields,
    .config_size = sizeof(struct log_config),
    .validate = log_validate,
    .takes_ms = log_takes_ms,
    .run = log_run,
};
