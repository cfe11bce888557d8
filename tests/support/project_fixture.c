/* A project to look at (see project_fixture.h). Ends the process on a failure of its own. */
#include "support/project_fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/encode.h"
#include "base/file.h"
#include "support/ledger_fixture.h"

static struct project *project_of(struct runtime *rt)
{
    return (struct project *)rt;
}

static char *mutable(const char *s)
{
    return (char *)(uintptr_t)s;
}

/* ---- what our slots add to the fake runtime ---- */

static struct project_container *find(struct project *p, const char *id)
{
    const struct fake_container *c = fake_find(&p->fake, id);

    for (size_t i = 0; i < FAKE_MAX; i++)
        if (p->containers[i].fake && p->containers[i].fake == c)
            return &p->containers[i];
    return NULL;
}

static void replace(char **where, const char *with)
{
    free(*where);
    *where = xstrdup(with);
}

static int project_inspect(struct runtime *rt, const char *id, struct container *ret,
                           int64_t deadline_ms, struct ship_error *err)
{
    struct project *p = project_of(rt);
    struct project_container *c = find(p, id);

    if (p->base.inspect(rt, id, ret, deadline_ms, err) < 0)
        return -1;
    if (!c)
        return 0;
    replace(&ret->image, c->image);
    replace(&ret->image_id, c->image_id);
    replace(&ret->restart_policy, c->policy);
    ret->started_at_ms = c->started_at_ms;
    return 0;
}

static int project_list(struct runtime *rt, const struct strv *labels, bool all,
                        struct container_list *ret, int64_t deadline_ms, struct ship_error *err)
{
    struct project *p = project_of(rt);

    if (p->base.list(rt, labels, all, ret, deadline_ms, err) < 0)
        return -1;
    for (size_t i = 0; i < ret->n; i++) {
        struct project_container *c = find(p, ret->rows[i].id);

        if (!c)
            continue;
        replace(&ret->rows[i].image, c->image);
        replace(&ret->rows[i].image_id, c->image_id);
    }
    return 0;
}

static int project_image_list(struct runtime *rt, struct image_list *ret, int64_t deadline_ms,
                              struct ship_error *err)
{
    struct project *p = project_of(rt);

    if (p->base.image_list(rt, ret, deadline_ms, err) < 0)
        return -1;
    ret->rows = xcalloc(p->n_images + 1, sizeof *ret->rows);
    for (; ret->n < p->n_images; ret->n++) {
        const struct image_row *from = &p->images[ret->n];
        struct image_row *to = &ret->rows[ret->n];

        to->id = xstrdup(from->id);
        to->size_bytes = from->size_bytes;
        strv_copy(&to->tags, &from->tags);
        strv_copy(&to->digests, &from->digests);
    }
    return 0;
}

static int project_image_inspect(struct runtime *rt, const char *ref, struct image *ret,
                                 int64_t deadline_ms, struct ship_error *err)
{
    struct project *p = project_of(rt);

    for (size_t i = 0; i < p->n_images; i++)
        if (str_eq(p->images[i].id, ref) || strv_has(&p->images[i].tags, ref))
            return p->base.image_inspect(rt, ref, ret, deadline_ms, err);
    return ship_fail(err, SHIP_NOT_FOUND, "no such image '%s'", ref);
}

/* ---- the clock: a session copies its clock, the fake one must not be copied ---- */

static struct fake_clock *ticking; /* of the newest project */

static int64_t now_ms(const struct clock *c)
{
    (void)c;
    return clock_now_ms(&ticking->clock);
}

static int64_t epoch_ms(const struct clock *c)
{
    (void)c;
    return clock_epoch_ms(&ticking->clock);
}

static void sleep_ms(const struct clock *c, int64_t ms)
{
    (void)c;
    ticking->clock.sleep_ms(&ticking->clock, ms);
}

/* ---- life ---- */

void project_write(const struct project *p, const char *name, const char *text)
{
    AUTO_FREE char *path = xasprintf("%s/%s", p->dir, name);
    struct ship_error err = {0};

    MUST(file_replace(path, text, strlen(text), 0600, &err), &err);
}

struct project *project_new(const char *plan, const char *compose)
{
    struct project *p = xcalloc(1, sizeof *p);
    const char *tmp = getenv("TMPDIR");
    char *dir = xasprintf("%s/project-XXXXXX", tmp ? tmp : "/tmp");

    fixture_must(mkdtemp(dir) != NULL, "mkdtemp", NULL);
    p->dir = dir;
    fake_clock_init(&p->clock);
    fake_runtime_init(&p->fake, &p->clock.clock);
    p->base = p->fake.ops;
    p->fake.ops.inspect = project_inspect;
    p->fake.ops.list = project_list;
    p->fake.ops.image_list = project_image_list;
    p->fake.ops.image_inspect = project_image_inspect;
    if (plan)
        project_write(p, "shipctl.yaml", plan);
    if (compose)
        project_write(p, "docker-compose.yml", compose);
    strv_take(&p->environ, xasprintf("SHIPCTL_STATE_DIR=%s/state", dir));
    p->options = (struct ship_options){.dir = dir, .environ = (const char *const *)p->environ.v};
    p->s = ship_session_new(&p->options);
    ticking = &p->clock;
    p->s->patient = (struct clock){.now_ms = now_ms, .epoch_ms = epoch_ms, .sleep_ms = sleep_ms};
    p->s->clock = p->s->patient;
    p->s->clock.stop = &p->clock.stop_value;
    p->s->runtime = &p->fake.rt;
    p->l = ledger_open(p->s->state_dir, LEDGER_WRITE, &p->err);
    fixture_must(p->l != NULL, "ledger", &p->err);
    return p;
}

static void remove_dir(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;

    while (d && (e = readdir(d))) {
        AUTO_FREE char *path = xasprintf("%s/%s", dir, e->d_name);

        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && unlink(path))
            remove_dir(path);
    }
    if (d)
        closedir(d);
    (void)rmdir(dir);
}

void project_free(struct project *p)
{
    ship_session_free(p->s);
    ledger_close(p->l);
    fake_runtime_done(&p->fake);
    for (size_t i = 0; i < FAKE_MAX; i++) {
        free(p->containers[i].image);
        free(p->containers[i].image_id);
        free(p->containers[i].labels);
        free(p->images[i].id);
        strv_done(&p->images[i].tags);
        strv_done(&p->images[i].digests);
    }
    strv_done(&p->environ);
    remove_dir(p->dir);
    free(p->dir);
    free(p);
}

char *project_digest(const char *name)
{
    char hex[SHA256_HEX_SIZE];

    sha256_hex(name, strlen(name), hex);
    return xasprintf("sha256:%s", hex);
}

/* ---- the ledger ---- */

static const char *or_else(const char *s, const char *other)
{
    return s ? s : other;
}

static int64_t begin(struct project *p, const struct project_version *v, const char *digest)
{
    struct ledger_deployment d = {.app = mutable(or_else(v->app, "shop")),
                                  .environment = mutable(or_else(v->environment, "production")),
                                  .project = mutable("shop"),
                                  .action = mutable(v->target_id ? "rollback" : "deploy"),
                                  .to_version = mutable(v->version),
                                  .to_digest = mutable(digest),
                                  .target_id = v->target_id,
                                  .from_id = v->from_id,
                                  .actor = mutable("wei"),
                                  .reason = mutable("because"),
                                  .started_at_ms = clock_epoch_ms(&p->clock.clock)};

    MUST(ledger_begin(p->l, &d, &p->err), &p->err);
    return d.id;
}

int64_t project_deploy(struct project *p, const struct project_version *v)
{
    AUTO_FREE char *digest = project_digest(or_else(v->digest, v->version));
    AUTO_FREE char *id = xasprintf("sha256:id-%s", or_else(v->image_id, v->version));
    const char *repository = or_else(v->repository, PROJECT_REPOSITORY);
    AUTO_FREE char *image = xasprintf("%s:%s", repository, v->version);
    int64_t n = begin(p, v, digest);
    struct ledger_service service = {.service = mutable(or_else(v->service, "app")),
                                     .image = image,
                                     .repository = mutable(repository),
                                     .version = mutable(v->version),
                                     .digest = digest,
                                     .image_id = id,
                                     .spec_json = mutable(v->spec)};
    struct ledger_end end = {.state = LEDGER_CLEANED,
                             .outcome = "succeeded",
                             .finished_at_ms = clock_epoch_ms(&p->clock.clock),
                             .downtime_ms = -1};

    MUST(ledger_put_service(p->l, n, &service, &p->err), &p->err);
    if (v->is_open)
        return n;
    MUST(ledger_commit(p->l, n, end.finished_at_ms, -1, &p->err), &p->err);
    MUST(ledger_end(p->l, n, &end, &p->err), &p->err);
    return n;
}

int64_t project_fail(struct project *p, const struct project_version *v)
{
    AUTO_FREE char *digest = project_digest(or_else(v->digest, v->version));
    int64_t n = begin(p, v, digest);
    struct ledger_end end = {.state = LEDGER_ROLLED_BACK,
                             .outcome = "rolled_back",
                             .exit_code = 20,
                             .error = "it did not answer",
                             .finished_at_ms = clock_epoch_ms(&p->clock.clock),
                             .downtime_ms = 900};

    MUST(ledger_end(p->l, n, &end, &p->err), &p->err);
    return n;
}

/* ---- the engine ---- */

struct project_container *project_container(struct project *p, const char *service,
                                            const char *name, const char *version)
{
    struct project_container *c = &p->containers[p->fake.n_containers];

    c->fake = fake_add(&p->fake, name);
    c->image = xasprintf("%s:%s", PROJECT_REPOSITORY, version);
    c->image_id = xasprintf("sha256:id-%s", version);
    c->policy = "always";
    c->started_at_ms = clock_epoch_ms(&p->clock.clock) - 60000;
    if (service)
        c->labels = xasprintf("{\"com.docker.compose.project\":\"shop\","
                              "\"com.docker.compose.service\":\"%s\","
                              "\"com.docker.compose.container-number\":\"1\"}",
                              service);
    c->fake->labels = c->labels;
    return c;
}

struct image_row *project_image(struct project *p, const char *id, const char *tag,
                                const char *digest_name)
{
    AUTO_FREE char *digest = digest_name ? project_digest(digest_name) : NULL;
    struct image_row *row = &p->images[p->n_images++];

    *row = (struct image_row){.id = xasprintf("sha256:id-%s", id), .size_bytes = 100};
    if (tag)
        strv_add(&row->tags, tag);
    if (digest)
        strv_take(&row->digests, xasprintf("%s@%s", PROJECT_REPOSITORY, digest));
    return row;
}
