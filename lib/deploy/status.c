/*
 * Status: what runs, since when, by whom, healthy or not.
 *
 * Order, fast to slow: plan, ledger, lock, compose files, engine (one list,
 * then one inspect per container, whose control group tells CPU and memory).
 * Everything has one deadline, so an engine that hangs costs LOOK_MS and the
 * rest still comes from the ledger. What can go wrong: plan invalid (10),
 * ledger damaged (11); compose files that do not load are drift, not a failure.
 */
#include "shipctl/status.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/image_ref.h"
#include "deploy/hide.h"
#include "deploy/lock.h"
#include "deploy/look.h"
#include "deploy/rollback_target.h"
#include "deploy/target.h"
#include "docker/cgroup.h"

#define LOOK_MS       4500 /* the promise is 5 s for the whole command */
#define STATS_MS      1500 /* of LOOK_MS, for statistics the engine has to make */
#define WAIT_SLICE_MS 1000
#define NS_PER_MS     1e6

/* ---- the ledger ---- */

static void take_current(struct look *l)
{
    struct ship_status *st = l->st;
    const struct ledger_deployment *d = &l->current;
    st->deployment = d->id;
    st->version = xstrdup_or_null(d->to_version);
    st->digest = xstrdup_or_null(d->to_digest);
    st->deployed_at_ms = d->finished_at_ms;
    st->actor = xstrdup_or_null(d->actor);
    st->reason = xstrdup_or_null(d->reason);
}

/* Also the way back of a failed deployment ends with a proof. */
static int read_newest_end(struct look *l, struct ship_error *err)
{
    AUTO(ledger_deployments_done) struct ledger_deployments ds = {0};
    struct ledger_query q = {
        .app = l->s->plan->app, .environment = l->s->plan->environment, .limit = 1};
    if (ledger_list(l->s->ledger, &q, &ds, err) < 0)
        return -1;
    l->proven_at_ms = l->current.finished_at_ms;
    if (ds.n && ds.rows[0].finished_at_ms > l->proven_at_ms)
        l->proven_at_ms = ds.rows[0].finished_at_ms;
    return 0;
}

static int read_ledger(struct look *l, struct ship_error *err)
{
    struct ship_session *s = l->s;
    int rc = session_need_ledger(s, LEDGER_READ, err);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    rc = ledger_current(s->ledger, s->plan->app, s->plan->environment, &l->current, err);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    take_current(l);
    if (read_newest_end(l, err) < 0)
        return -1;
    return ledger_services_read(s->ledger, l->current.id, &l->recorded, err);
}

const struct ledger_service *look_recorded(const struct look *l, const char *service)
{
    for (size_t i = 0; i < l->recorded.n; i++)
        if (str_eq(l->recorded.rows[i].service, service))
            return &l->recorded.rows[i];
    return NULL;
}

/* ---- an operation that runs or was interrupted ---- */

static void take_lock_text(struct ship_status *st, const struct lock_text *t)
{
    st->operation.action = xstrdup(t->action[0] ? t->action : "operation");
    st->operation.version = t->version[0] ? xstrdup(t->version) : NULL;
    st->operation.step = t->step[0] ? xstrdup(t->step) : NULL;
    st->operation.actor = t->actor[0] ? xstrdup(t->actor) : NULL;
    st->operation.since_ms = t->since_ms;
    st->operation.pid = t->pid;
}

static void take_open_row(struct ship_status *st, const struct ledger_deployment *d)
{
    st->operation.deployment = d->id;
    st->operation.state = xstrdup(ledger_state_text(d->state));
    if (st->operation.action) /* the lock's text is newer */
        return;
    st->operation.action = xstrdup(d->action);
    st->operation.version = xstrdup_or_null(d->to_version);
    st->operation.step = xstrdup_or_null(d->last_step);
    st->operation.actor = xstrdup_or_null(d->actor);
    st->operation.since_ms = d->started_at_ms;
}

static int read_operation(struct look *l, struct ship_error *err)
{
    const struct plan *p = l->s->plan;
    struct lock_text text;
    if (lock_peek(&(struct lock_scope){l->s->state_dir, p->app, p->environment}, &text))
        take_lock_text(l->st, &text);
    if (!l->s->ledger)
        return 0;
    AUTO(ledger_deployment_done) struct ledger_deployment open = {0};
    int rc = ledger_open_operation(l->s->ledger, p->app, p->environment, &open, err);
    if (rc == 0)
        take_open_row(l->st, &open);
    return rc < 0 ? -1 : 0;
}

/* ---- what a rollback would restore ---- */

/* The rule of `rollback` without a version; the containers decide whether the current one serves.
 */
static void find_previous(struct look *l)
{
    AUTO(ledger_deployment_done) struct ledger_deployment d = {0};
    struct ship_error ignored = {0};
    bool serves = rollback_target_serves(&l->op.containers, &l->current);
    if (!l->current.id ||
        rollback_target_find(l->s->ledger, &l->current, serves, &d, &ignored) != 0)
        return;
    l->st->previous.version = xstrdup_or_null(d.to_version);
    l->st->previous.deployment = d.id;
}

static void look_for_previous_image(struct look *l)
{
    struct runtime *rt = l->s->runtime;
    AUTO(ledger_services_done) struct ledger_services services = {0};
    struct ship_error ignored = {0};
    if (!l->st->previous.deployment ||
        ledger_services_read(l->s->ledger, l->st->previous.deployment, &services, &ignored) < 0)
        return;
    for (size_t i = 0; i < services.n; i++) {
        AUTO(image_done) struct image image = {0};
        const char *id = services.rows[i].image_id;
        if (!id || rt->ops->image_inspect(rt, id, &image, l->deadline_ms, &ignored) < 0)
            return;
    }
    l->st->previous.image_is_local = services.n > 0;
}

/* ---- compose files ---- */

static void add_drift_of_files(struct look *l, const struct ship_error *err)
{
    struct ship_status *st = l->st;
    st->drift = xreallocarray(st->drift, st->n_drift + 1, sizeof *st->drift);
    st->drift[st->n_drift++] =
        (struct ship_drift){.kind = xstrdup("config"),
                            .text = xasprintf("the compose files do not load: %s", err->msg),
                            .hint = xstrdup("shipctl check")};
}

static void list_deployed(struct look *l)
{
    struct ship_error err = {0};
    if (l->s->compose && targets_list(l->s, &l->deployed, &err) == 0)
        return;
    if (l->s->compose)
        add_drift_of_files(l, &err);
    for (size_t i = 0; i < l->recorded.n; i++)
        strv_add(&l->deployed, l->recorded.rows[i].service);
}

/* Broken files must not hide what runs. */
static void read_files(struct look *l)
{
    struct ship_error err = {0};
    if (session_need_compose(l->s, NULL, &err) < 0)
        add_drift_of_files(l, &err);
    const char *project = l->s->compose         ? compose_name(l->s->compose)
                          : l->s->plan->project ? l->s->plan->project
                          : l->current.project  ? l->current.project
                                                : NULL;
    l->st->project = xstrdup_or_null(project);
    list_deployed(l);
}

/* ---- services ---- */

static struct ship_status_service *add_service(struct look *l, const char *service)
{
    struct ship_status *st = l->st;
    st->services = xreallocarray(st->services, st->n_services + 1, sizeof *st->services);
    l->inspected = xreallocarray(l->inspected, st->n_services + 1, sizeof *l->inspected);
    l->inspected[st->n_services] = (struct container){0};
    struct ship_status_service *svc = &st->services[st->n_services++];
    *svc = (struct ship_status_service){.service = xstrdup(service),
                                        .deployed = strv_has(&l->deployed, service),
                                        .cpu_pct = -1,
                                        .memory_bytes = -1,
                                        .memory_limit_bytes = -1};
    return svc;
}

static char *version_of(const struct container *c)
{
    const char *label = container_label(c, LABEL_VERSION);
    struct image_ref ref;
    struct ship_error ignored = {0};
    if (label)
        return xstrdup(label);
    if (image_ref_parse(c->image, &ref, &ignored) < 0 || (!ref.tag[0] && !ref.digest[0]))
        return NULL;
    return xstrdup(ref.tag[0] ? ref.tag : ref.digest);
}

static char *digest_of(const struct look *l, const struct container *c, const char *service)
{
    const char *label = container_label(c, LABEL_DIGEST);
    const struct ledger_service *known = look_recorded(l, service);
    if (label)
        return xstrdup(label);
    return known && str_eq(known->image_id, c->image_id) ? xstrdup_or_null(known->digest) : NULL;
}

static void take_container(struct look *l, struct ship_status_service *svc,
                           const struct container *c)
{
    svc->image = xstrdup(c->image);
    svc->version = version_of(c);
    svc->digest = digest_of(l, c, svc->service);
    svc->state = xstrdup(container_state_text(c->state));
    svc->health = xstrdup(container_health_text(c->health));
    svc->started_at_ms = c->running ? c->started_at_ms : 0;
    svc->restarts = c->restart_count;
    svc->exit_code = c->exit_code;
    svc->oom_killed = c->oom_killed;
    svc->memory_limit_bytes = json_i64(c->doc, "HostConfig.Memory", 0);
}

/* From the control group; only where that can not be read from the engine, which may take long. */
static int read_usage(struct look *l, const struct container *c, struct cgroup_usage *ret)
{
    struct runtime *rt = l->s->runtime;
    struct container_stats stats = {0};
    struct ship_error ignored = {0};
    if (cgroup_usage_read("", json_i64(c->doc, "State.Pid", 0), c->id, ret) == 0)
        return 0;
    if (clock_left_ms(rt->clock, l->stats_deadline_ms) == 0 ||
        rt->ops->stats(rt, c->id, &stats, l->stats_deadline_ms, &ignored) < 0)
        return -1;
    *ret = (struct cgroup_usage){.cpu_total_ns = stats.cpu_total_ns,
                                 .memory_bytes = stats.memory_bytes};
    return 0;
}

/*
 * One sample says how much processor time was used, not when: without waiting for a second one the
 * honest figure is the average since the container started.
 */
static void take_usage(struct look *l, struct ship_status_service *svc, const struct container *c)
{
    struct cgroup_usage usage = {0};
    if (read_usage(l, c, &usage) < 0)
        return;
    int64_t up_ms = clock_epoch_ms(&l->s->clock) - svc->started_at_ms;
    svc->memory_bytes = usage.memory_bytes;
    if (svc->started_at_ms > 0 && up_ms > 0)
        svc->cpu_pct = (double)usage.cpu_total_ns / ((double)up_ms * NS_PER_MS) * 100.0;
}

/* -1: the engine is gone. A container that vanished meanwhile counts as missing. */
static int look_at(struct look *l, const struct container_row *row, const char *service,
                   struct ship_error *err)
{
    struct runtime *rt = l->s->runtime;
    struct container c = {0};
    struct ship_error e = {0};
    if (rt->ops->inspect(rt, row->id, &c, l->deadline_ms, &e) < 0) {
        if (e.code == SHIP_NOT_FOUND)
            return 0;
        *err = e;
        return -1;
    }
    struct ship_status_service *svc = add_service(l, service);
    svc->container = xstrdup(c.name);
    take_container(l, svc, &c);
    l->inspected[l->st->n_services - 1] = c;
    if (c.state == CONTAINER_RUNNING)
        take_usage(l, svc, &c);
    return 0;
}

static int look_at_service(struct look *l, const char *service, struct ship_error *err)
{
    size_t before = l->st->n_services;
    for (size_t i = 0; i < l->op.containers.n; i++)
        if (operation_is_live_of(&l->op, &l->op.containers.rows[i], service) &&
            look_at(l, &l->op.containers.rows[i], service, err) < 0)
            return -1;
    if (l->st->n_services == before)
        add_service(l, service)->state = xstrdup("missing");
    return 0;
}

static int look_at_services(struct look *l, struct ship_error *err)
{
    if (!l->s->compose) {
        for (size_t i = 0; i < l->deployed.n; i++)
            if (look_at_service(l, l->deployed.v[i], err) < 0)
                return -1;
        return 0;
    }
    for (size_t i = 0; i < compose_services(l->s->compose); i++)
        if (look_at_service(l, compose_service_at(l->s->compose, i)->name, err) < 0)
            return -1;
    return 0;
}

/* ---- the engine ---- */

static const char *compose_version(const struct container_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        const char *v = container_row_label(&list->rows[i], "com.docker.compose.version");
        if (v)
            return v;
    }
    return NULL;
}

static int look_at_engine(struct look *l, struct ship_error *err)
{
    if (!l->st->project)
        return 0;
    if (session_need_runtime(l->s, err) < 0)
        return -1;
    struct runtime *rt = l->s->runtime;
    AUTO(strv_done) struct strv labels = {0};
    strv_take(&labels, xasprintf("com.docker.compose.project=%s", l->st->project));
    if (rt->ops->list(rt, &labels, true, &l->op.containers, l->deadline_ms, err) < 0 ||
        look_at_services(l, err) < 0)
        return -1;
    l->op.family = compose_family_of(compose_version(&l->op.containers));
    if (l->s->compose)
        targets_set_peers(&l->op);
    find_previous(l);
    look_for_previous_image(l);
    return 0;
}

/* Services not looked at yet, from the ledger. */
static void fill_from_ledger(struct look *l)
{
    for (size_t i = 0; i < l->recorded.n; i++) {
        const struct ledger_service *r = &l->recorded.rows[i];
        bool seen = false;
        for (size_t k = 0; k < l->st->n_services; k++)
            seen = seen || str_eq(l->st->services[k].service, r->service);
        if (seen)
            continue;
        struct ship_status_service *svc = add_service(l, r->service);
        svc->deployed = true;
        svc->image = xstrdup_or_null(r->image);
        svc->version = xstrdup_or_null(r->version);
        svc->digest = xstrdup_or_null(r->digest);
        svc->state = xstrdup("unknown");
    }
}

/* ---- the verdict ---- */

/*
 * Docker's first probe comes only after its interval, which may be minutes: until then a container
 * that started before the newest operation ended (a deployment, or the way back of a failed one),
 * and has not restarted since, was proven by it.
 */
static bool proven_by_deployment(const struct look *l, const struct container *c)
{
    return l->current.id && c->restart_count == 0 && c->started_at_ms > 0 &&
           c->started_at_ms <= l->proven_at_ms;
}

static bool container_is_healthy(const struct look *l, const struct container *c)
{
    if (!c->id || c->state != CONTAINER_RUNNING || c->health == HEALTH_UNHEALTHY)
        return false;
    return c->health != HEALTH_STARTING || proven_by_deployment(l, c);
}

static bool has_all_replicas(const struct look *l, const char *service)
{
    const struct compose_service *svc =
        l->s->compose ? compose_service_find(l->s->compose, service) : NULL;
    int64_t n = 0;
    for (size_t i = 0; i < l->st->n_services; i++)
        n += str_eq(l->st->services[i].service, service) && l->st->services[i].container;
    return n >= (svc ? svc->replicas : 1);
}

static bool all_healthy(const struct look *l)
{
    for (size_t i = 0; i < l->deployed.n; i++)
        if (!has_all_replicas(l, l->deployed.v[i]))
            return false;
    for (size_t i = 0; i < l->st->n_services; i++)
        if (l->st->services[i].deployed && !container_is_healthy(l, &l->inspected[i]))
            return false;
    return l->deployed.n > 0;
}

static int verdict(const struct look *l)
{
    if (l->st->engine_error)
        return ship_code_exit_status(SHIP_UNREACHABLE);
    if (!l->current.id)
        return ship_code_exit_status(SHIP_NEVER_DEPLOYED);
    return l->st->healthy ? 0 : ship_code_exit_status(SHIP_UNHEALTHY);
}

/* ---- one look ---- */

static void look_init(struct look *l, struct ship_session *s, struct ship_status *st)
{
    *st = (struct ship_status){0};
    *l = (struct look){.s = s, .st = st};
    l->op = (struct operation){.s = s, .lock = LOCK_INIT, .guardian_fd = -1};
    l->deadline_ms = clock_deadline(&s->clock, LOOK_MS);
    l->stats_deadline_ms = clock_deadline(&s->clock, STATS_MS);
}

static void look_done(struct look *l)
{
    for (size_t i = 0; i < l->st->n_services; i++)
        container_done(&l->inspected[i]);
    free(l->inspected);
    strv_done(&l->deployed);
    ledger_services_done(&l->recorded);
    ledger_deployment_done(&l->current);
    operation_done(&l->op);
}

static int look_at_all(struct look *l, struct ship_error *err)
{
    struct ship_error engine = {0};
    if (session_need_plan(l->s, err) < 0)
        return -1;
    l->st->app = xstrdup(l->s->plan->app);
    l->st->environment = xstrdup(l->s->plan->environment);
    if (read_ledger(l, err) < 0 || read_operation(l, err) < 0)
        return ship_error_wrap(err, "ledger");
    read_files(l);
    if (look_at_engine(l, &engine) < 0) {
        l->st->engine_error = xstrdup(engine.msg);
        fill_from_ledger(l);
        find_previous(l);
        return 0;
    }
    l->st->healthy = all_healthy(l);
    look_find_drift(l);
    return 0;
}

/* ret_ids: containers of deployed services, as the engine's events name them. */
static int look_once(struct ship_session *s, struct ship_status *ret, struct strv *ret_ids,
                     struct ship_error *err)
{
    struct look l;
    look_init(&l, s, ret);
    int rc = look_at_all(&l, err);
    redact_error(s->redact, err);
    hide_in_status(s->redact, ret);
    ret->exit_code = rc < 0 ? ship_code_exit_status(err->code) : verdict(&l);
    for (size_t i = 0; l.inspected && i < ret->n_services; i++)
        if (ret->services[i].deployed && l.inspected[i].id)
            strv_add(ret_ids, l.inspected[i].id);
    look_done(&l);
    return rc;
}

int ship_status(struct ship_session *s, struct ship_status *ret, struct ship_error *err)
{
    AUTO(strv_done) struct strv ids = {0};
    look_once(s, ret, &ids, err); /* the exit status says it all */
    return ret->exit_code;
}

/* ---- waiting ---- */

/*
 * Until something happened to one of the containers. The slice covers what the engine has no event
 * for (a container created meanwhile, the ledger) and the gap before the first subscription.
 */
static int wait_for_change(struct ship_session *s, const struct strv *ids, int64_t deadline_ms,
                           struct ship_error *err)
{
    const struct clock *clock = &s->clock;
    int64_t end = clock_earlier(deadline_ms, clock_deadline(clock, WAIT_SLICE_MS));
    struct engine_event event;
    struct ship_error e = {0};
    int rc = 1;
    if (ids->n && s->runtime)
        rc = s->runtime->ops->wait_event(s->runtime, (const char *const *)ids->v, ids->n, &event,
                                         end, &e);
    if (rc == 0)
        return 0;
    /* No events to be had, or the deadline of the slice: sleep out what is left of it. */
    return clock_wait(clock, clock_left_ms(clock, end), end, err);
}

int ship_status_wait(struct ship_session *s, int64_t timeout_ms, struct ship_status *ret,
                     struct ship_error *err)
{
    int64_t deadline = clock_deadline(&s->clock, timeout_ms);
    for (;;) {
        AUTO(strv_done) struct strv ids = {0};
        int rc = look_once(s, ret, &ids, err);
        if (rc < 0 || ret->exit_code == 0 || clock_left_ms(&s->clock, deadline) == 0)
            return ret->exit_code;
        if (wait_for_change(s, &ids, deadline, err) < 0)
            return ret->exit_code = 128 + clock_stop_signal(&s->clock);
        ship_status_done(ret);
    }
}
