/*
 * Drift: where ledger, compose files and engine disagree, each with the next
 * command. Every finder looks at one pair of sources; none of them fails: what
 * can not be compared is left out.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "deploy/look.h"
#include "deploy/names.h"

static struct ship_drift *add(struct look *l, const char *kind, const char *service,
                              const char *fmt, ...) SHIP_PRINTF(4, 5);

static struct ship_drift *add(struct look *l, const char *kind, const char *service,
                              const char *fmt, ...)
{
    struct ship_status *st = l->st;
    AUTO(buf_done) struct buf text = BUF_INIT(2048);
    va_list ap;
    va_start(ap, fmt);
    buf_vaddf(&text, fmt, ap);
    va_end(ap);
    st->drift = xreallocarray(st->drift, st->n_drift + 1, sizeof *st->drift);
    struct ship_drift *d = &st->drift[st->n_drift++];
    *d = (struct ship_drift){
        .service = xstrdup_or_null(service), .kind = xstrdup(kind), .text = buf_steal(&text)};
    return d;
}

/* How to get the state the ledger records, or the first deployment. */
static char *deploy_hint(const struct look *l, const char *version)
{
    return version                 ? xasprintf("shipctl deploy %s", version)
           : l->current.to_version ? xasprintf("shipctl deploy %s", l->current.to_version)
                                   : xstrdup("shipctl deploy VERSION");
}

static char *repair_hint(const struct look *l, const struct ship_status_service *svc)
{
    return svc->deployed ? deploy_hint(l, NULL)
                         : xasprintf("docker compose up -d %s", svc->service);
}

/* ---- engine against ledger ---- */

static void find_version(struct look *l, const struct ship_status_service *svc,
                         const struct container *c)
{
    const struct ledger_service *r = look_recorded(l, svc->service);
    if (!r || !svc->deployed)
        return;
    if (svc->version && r->version && !str_eq(svc->version, r->version)) {
        add(l, "version", svc->service, "container '%s' runs %s, the ledger says %s", c->name,
            svc->version, r->version)
            ->hint = deploy_hint(l, r->version);
        return;
    }
    if (r->image_id && !str_eq(c->image_id, r->image_id))
        add(l, "image", svc->service,
            "container '%s' runs another image of %s (%.19s) than the ledger records (%.19s)",
            c->name, svc->version ? svc->version : "the version", c->image_id, r->image_id)
            ->hint = deploy_hint(l, r->version);
}

static const struct json *replica_body(const struct json *spec, const char *name)
{
    for (const struct json *o = json_first(json_get(spec, "replicas")); o; o = json_next(o))
        if (str_eq(json_str(o, "name"), name))
            return json_get(o, "body");
    return NULL;
}

static const char *policy_word(const char *policy)
{
    return str_empty(policy) ? "no" : policy;
}

/* A parked container whose policy was not restored, or `docker update` by hand. */
static void find_policy(struct look *l, const struct ship_status_service *svc,
                        const struct container *c)
{
    const struct ledger_service *r = look_recorded(l, svc->service);
    struct ship_error ignored = {0};
    if (!r || !r->spec_json)
        return;
    AUTO_PTR(json_free)
    struct json *spec = json_parse(r->spec_json, strlen(r->spec_json), "specification", &ignored);
    const struct json *body = replica_body(spec, c->name);
    if (!body)
        return;
    const char *want = policy_word(json_str(body, "HostConfig.RestartPolicy.Name"));
    const char *have = policy_word(c->restart_policy);
    if (!str_eq(want, have))
        add(l, "restart-policy", svc->service, "container '%s' has restart policy '%s', not '%s'",
            c->name, have, want)
            ->hint = xasprintf("docker update --restart=%s %s", want, c->name);
}

/* ---- engine against itself ---- */

/* A one-shot service that ended well has done its work. */
static bool has_ended_well(const struct container *c)
{
    return c->state == CONTAINER_EXITED && c->exit_code == 0 &&
           (str_empty(c->restart_policy) || str_eq(c->restart_policy, "no") ||
            str_eq(c->restart_policy, "on-failure"));
}

static void find_stopped(struct look *l, const struct ship_status_service *svc,
                         const struct container *c)
{
    bool up = c->state == CONTAINER_RUNNING;
    if (up || (!svc->deployed && has_ended_well(c)))
        return;
    if (c->state == CONTAINER_EXITED || c->state == CONTAINER_DEAD)
        add(l, "stopped", svc->service, "container '%s' is %s with exit code %lld%s", c->name,
            svc->state, (long long)c->exit_code, c->oom_killed ? " (out of memory)" : "")
            ->hint = repair_hint(l, svc);
    else
        add(l, "stopped", svc->service, "container '%s' is %s, not running", c->name, svc->state)
            ->hint = c->state == CONTAINER_PAUSED       ? xasprintf("docker unpause %s", c->name)
                     : c->state == CONTAINER_RESTARTING ? xasprintf("docker logs %s", c->name)
                                                        : repair_hint(l, svc);
}

static void find_missing(struct look *l, const struct ship_status_service *svc)
{
    add(l, "missing", svc->service, "service '%s' has no container", svc->service)->hint =
        repair_hint(l, svc);
}

/* ---- engine against compose files ---- */

static bool file_agrees(struct look *l, const struct ship_status_service *svc,
                        const struct compose_version *v)
{
    const char *reads = v->tag[0] ? v->tag : v->digest[0] ? v->digest : "latest";
    if (!svc->version || str_eq(reads, svc->version))
        return true;
    add(l, "version", svc->service,
        "the compose file reads %s, %s runs: the next `docker compose up` replaces it", reads,
        svc->version)
        ->hint = deploy_hint(l, svc->version);
    return false;
}

/* Only comparable when the file has the running version in place. */
static void find_config(struct look *l, const struct ship_status_service *svc,
                        const struct container *c)
{
    struct ship_error ignored = {0};
    const char *label = container_label(c, "com.docker.compose.config-hash");
    const struct compose_hash_with with = {l->op.family, l->op.peers, l->op.n_peers};
    char hash[SHA256_HEX_SIZE];
    if (!label || compose_config_hash(l->s->compose, svc->service, &with, hash, &ignored) < 0)
        return;
    if (!str_eq(label, hash))
        add(l, "config", svc->service,
            "the compose file has changed since container '%s' was created", c->name)
            ->hint = repair_hint(l, svc);
}

static void find_file(struct look *l, const struct ship_status_service *svc,
                      const struct container *c)
{
    struct compose_version v;
    struct ship_error ignored = {0};
    if (!l->s->compose || !compose_service_find(l->s->compose, svc->service))
        return;
    if (svc->deployed && (compose_service_version(l->s->compose, svc->service, &v, &ignored) < 0 ||
                          !file_agrees(l, svc, &v)))
        return;
    find_config(l, svc, c);
}

/* ---- containers nobody asked for ---- */

static void find_leftover(struct look *l, const struct container_row *row, const char *service)
{
    if (l->st->operation.action) /* they belong to it */
        return;
    add(l, "extra", service, "container '%s' was left behind by an earlier operation", row->name)
        ->hint = xstrdup("the next deployment or rollback that succeeds removes it");
}

static bool is_deployed(const struct look *l, const char *service)
{
    for (size_t i = 0; i < l->st->n_services; i++)
        if (str_eq(l->st->services[i].service, service))
            return l->st->services[i].deployed;
    return false;
}

static void find_surplus(struct look *l, const struct container_row *row,
                         const struct compose_service *svc)
{
    const char *text = container_row_label(row, "com.docker.compose.container-number");
    int64_t number;
    if (text && str_to_i64(text, &number) == 0 && number > svc->replicas)
        add(l, "extra", svc->name, "container '%s' is number %lld, the compose file asks for %lld",
            row->name, (long long)number, (long long)svc->replicas)
            ->hint = is_deployed(l, svc->name) ? deploy_hint(l, NULL)
                                               : xasprintf("docker compose up -d %s", svc->name);
}

/* `docker compose up` died between creating a replacement and naming it. */
static void find_half_finished(struct look *l, const struct container_row *row, const char *service)
{
    bool alone = operation_is_stranded(&l->op, row);
    add(l, "half-finished", service, "container '%s' is a replacement that docker compose %s",
        row->name, alone ? "did not rename" : "did not finish")
        ->hint = alone || row->state == CONTAINER_CREATED
                     ? xstrdup("the next deployment that succeeds repairs it")
                     : xasprintf("see whether it serves, then: docker rm -f %s", row->name);
}

static void find_unwanted(struct look *l, const struct container_row *row)
{
    const char *service = container_row_label(row, "com.docker.compose.service");
    if (!service || str_eq(container_row_label(row, "com.docker.compose.oneoff"), "True"))
        return;
    if (name_is_ours(row->name)) {
        find_leftover(l, row, service);
        return;
    }
    if (name_behind_temporary(row->name)) {
        find_half_finished(l, row, service);
        return;
    }
    const struct compose_service *svc =
        l->s->compose ? compose_service_find(l->s->compose, service) : NULL;
    if (svc)
        find_surplus(l, row, svc);
    else if (l->s->compose)
        add(l, "orphan", service, "container '%s' belongs to no active service of the compose file",
            row->name)
            ->hint = xasprintf("when nobody needs it: docker rm -f %s", row->name);
}

void look_find_drift(struct look *l)
{
    for (size_t i = 0; i < l->st->n_services; i++) {
        const struct ship_status_service *svc = &l->st->services[i];
        const struct container *c = &l->inspected[i];
        if (!c->id && l->current.id)
            find_missing(l, svc);
        if (!c->id)
            continue;
        find_stopped(l, svc, c);
        find_version(l, svc, c);
        find_policy(l, svc, c);
        find_file(l, svc, c);
    }
    for (size_t i = 0; i < l->op.containers.n; i++)
        find_unwanted(l, &l->op.containers.rows[i]);
}
