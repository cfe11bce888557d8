/* The retention rule: see prune_rule.h. Nothing here can fail. */
#include "deploy/prune_rule.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/image_ref.h"
#include "compose/compose.h"

#define KEY_MAX ((size_t)64 * 1024)

void prune_facts_done(struct prune_facts *f)
{
    for (size_t i = 0; i < f->n_items; i++) {
        strv_done(&f->items[i].refs);
        free(f->items[i].version);
        free(f->items[i].why);
    }
    for (size_t i = 0; i < f->n_versions; i++) {
        free(f->versions[i].key);
        free(f->versions[i].version);
    }
    free(f->items);
    free(f->versions);
    free(f->rows);
    *f = (struct prune_facts){0};
}

static const char *find_pin(const struct prune_rule *rule, const char *version)
{
    for (size_t i = 0; version && i < rule->pins->n; i++)
        if (fnmatch(rule->pins->v[i], version, 0) == 0)
            return rule->pins->v[i];
    return NULL;
}

static bool is_ours(const struct prune_rule *rule, const struct ledger_image *r)
{
    return str_eq(r->app, rule->app) && str_eq(r->environment, rule->environment);
}

/* ---- versions ---- */

static size_t find_or_add_version(struct prune_facts *f, char *key, const char *version)
{
    for (size_t i = 0; i < f->n_versions; i++) {
        if (!str_eq(f->versions[i].key, key))
            continue;
        free(key);
        return i;
    }
    f->versions = xreallocarray(f->versions, f->n_versions + 1, sizeof *f->versions);
    f->versions[f->n_versions] =
        (struct prune_version){.key = key, .version = xstrdup_or_null(version)};
    return f->n_versions++;
}

/* The services of one deployment stand together: rows [first, end). */
static size_t end_of_deployment(const struct ledger_images *r, size_t first)
{
    size_t end = first;
    while (end < r->n && r->rows[end].deployment == r->rows[first].deployment)
        end++;
    return end;
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *deployed_key(const struct ledger_images *r, size_t first, size_t end)
{
    AUTO(strv_done) struct strv parts = {0};
    struct buf key = BUF_INIT(KEY_MAX);
    for (size_t i = first; i < end; i++) {
        const struct ledger_image *row = &r->rows[i];
        const char *what = row->digest ? row->digest : row->image_id ? row->image_id : row->version;
        strv_take(&parts, xasprintf("%s=%s", row->service, what ? what : ""));
    }
    qsort(parts.v, parts.n, sizeof *parts.v, compare_text);
    for (size_t i = 0; i < parts.n; i++)
        buf_addf(&key, "%s\n", parts.v[i]);
    return buf_steal(&key);
}

static void add_deployment(const struct prune_rule *rule, const struct ledger_images *r,
                           size_t first, size_t end, struct prune_facts *f)
{
    const struct ledger_image *row = &r->rows[first];
    size_t index = find_or_add_version(f, deployed_key(r, first, end), row->version);
    struct prune_version *v = &f->versions[index];
    v->is_current = v->is_current || row->is_current;
    if (!v->pin)
        v->pin = find_pin(rule, row->version);
    f->rows = xreallocarray(f->rows, f->n_rows + 1, sizeof *f->rows);
    f->rows[f->n_rows++] = (struct prune_row){.deployment = row->deployment, .version = index};
}

void prune_rule_versions(const struct prune_rule *rule, const struct ledger_images *recorded,
                         struct prune_facts *ret)
{
    for (size_t i = 0, end; i < recorded->n; i = end) {
        end = end_of_deployment(recorded, i);
        if (is_ours(rule, &recorded->rows[i]) && recorded->rows[i].succeeded)
            add_deployment(rule, recorded, i, end, ret);
    }
    for (size_t i = 0; i < ret->n_versions; i++) {
        struct prune_version *v = &ret->versions[i];
        v->is_kept = (int64_t)i < rule->keep || v->is_current || v->pin;
        if (v->is_kept && !v->is_current)
            v->rank = ++ret->n_targets;
    }
}

/* ---- items ---- */

char *prune_repository(const char *text)
{
    struct image_ref ref;
    struct ship_error ignored = {0};
    return xstrdup(image_ref_parse(text, &ref, &ignored) == 0 ? ref.repository : text);
}

static void take_refs(struct prune_item *item, const struct strv *refs, const struct strv *repos)
{
    for (size_t i = 0; i < refs->n; i++) {
        struct image_ref ref;
        struct ship_error ignored = {0};
        if (image_ref_parse(refs->v[i], &ref, &ignored) < 0)
            continue; /* "<none>:<none>" */
        if (strv_has(repos, ref.repository))
            strv_add(&item->refs, refs->v[i]);
        else
            item->is_shared = true;
    }
}

void prune_rule_items(const struct image_list *images, const struct strv *repositories,
                      struct prune_facts *ret)
{
    ret->items = xcalloc(images->n + 1, sizeof *ret->items);
    for (size_t i = 0; i < images->n; i++) {
        struct prune_item item = {.image = &images->rows[i]};
        take_refs(&item, &images->rows[i].tags, repositories);
        take_refs(&item, &images->rows[i].digests, repositories);
        if (item.refs.n)
            ret->items[ret->n_items++] = item;
    }
}

/* ---- judging ---- */

static void stays(struct prune_item *item, char *why)
{
    item->why = why;
}

static void goes(struct prune_item *item, char *why)
{
    item->why = why;
    item->remove = true;
}

static bool has_digest(const struct image_row *image, const char *digest)
{
    for (size_t i = 0; digest && i < image->digests.n; i++) {
        const char *at = strchr(image->digests.v[i], '@');
        if (at && str_eq(at + 1, digest))
            return true;
    }
    return false;
}

static bool is_image_of(const struct prune_item *item, const struct ledger_image *r)
{
    return (r->image_id && str_eq(r->image_id, item->image->id)) ||
           has_digest(item->image, r->digest);
}

static bool judge_by_containers(struct prune_item *item, const struct container_list *list)
{
    const struct container_row *found = NULL;
    for (size_t i = 0; i < list->n; i++) {
        const struct container_row *c = &list->rows[i];
        if (!str_eq(c->image_id, item->image->id) && !strv_has(&item->refs, c->image))
            continue;
        if (!found || c->state == CONTAINER_RUNNING)
            found = c;
    }
    if (!found)
        return false;
    stays(item, found->state == CONTAINER_RUNNING
                    ? xasprintf("running in container '%s'", found->name)
                    : xasprintf("used by container '%s' (%s)", found->name,
                                container_state_text(found->state)));
    return true;
}

static bool judge_by_others(const struct prune_rule *rule, struct prune_item *item,
                            const struct ledger_images *recorded)
{
    for (size_t i = 0; i < recorded->n; i++) {
        const struct ledger_image *r = &recorded->rows[i];
        if (is_ours(rule, r) || !is_image_of(item, r))
            continue;
        stays(item, xasprintf("used by app '%s' (%s)", r->app, r->environment));
        return true;
    }
    return false;
}

static size_t version_of(const struct prune_facts *f, int64_t deployment)
{
    for (size_t i = 0; i < f->n_rows; i++)
        if (f->rows[i].deployment == deployment)
            return f->rows[i].version;
    return SIZE_MAX;
}

static void keep_version(const struct prune_facts *f, struct prune_item *item,
                         const struct prune_version *v)
{
    stays(item, v->is_current ? xstrdup("current version")
                : v->pin      ? xasprintf("pinned by '%s'", v->pin)
                              : xasprintf("rollback target %zu of %zu", v->rank, f->n_targets));
}

static char *beyond(const struct prune_rule *rule)
{
    return xasprintf("beyond the last %lld", (long long)rule->keep);
}

/* The newest recorded service of the app that ran this image, or NULL. */
static const struct ledger_image *find_known(const struct prune_rule *rule,
                                             const struct prune_item *item,
                                             const struct ledger_images *recorded)
{
    for (size_t i = 0; i < recorded->n; i++)
        if (is_ours(rule, &recorded->rows[i]) && is_image_of(item, &recorded->rows[i]))
            return &recorded->rows[i];
    return NULL;
}

static bool judge_by_versions(const struct prune_rule *rule, struct prune_item *item,
                              const struct ledger_images *recorded, const struct prune_facts *f)
{
    for (size_t i = 0; i < recorded->n && !item->why; i++) {
        const struct ledger_image *r = &recorded->rows[i];
        if (!is_ours(rule, r) || !is_image_of(item, r))
            continue;
        size_t index = version_of(f, r->deployment);
        if (index == SIZE_MAX)
            stays(item, xasprintf("needed by operation %lld", (long long)r->deployment));
        else if (f->versions[index].is_kept)
            keep_version(f, item, &f->versions[index]);
    }
    return item->why != NULL;
}

/* The tag of "repo:tag", or NULL. */
static const char *tag_of(const char *ref)
{
    const char *slash = strrchr(ref, '/');
    const char *colon = strchr(slash ? slash : ref, ':');
    return strchr(ref, '@') || !colon ? NULL : colon + 1;
}

static bool judge_by_pins(const struct prune_rule *rule, struct prune_item *item)
{
    for (size_t i = 0; i < item->refs.n; i++) {
        const char *pin = find_pin(rule, tag_of(item->refs.v[i]));
        if (!pin)
            continue;
        stays(item, xasprintf("pinned by '%s'", pin));
        return true;
    }
    return false;
}

void prune_rule_judge(const struct prune_rule *rule, const struct ledger_images *recorded,
                      const struct container_list *containers, struct prune_facts *f)
{
    for (size_t i = 0; i < f->n_items; i++) {
        struct prune_item *item = &f->items[i];
        const struct ledger_image *known = find_known(rule, item, recorded);
        if (known)
            item->version = xstrdup_or_null(known->version);
        if (judge_by_containers(item, containers) || judge_by_versions(rule, item, recorded, f) ||
            judge_by_others(rule, item, recorded) || judge_by_pins(rule, item))
            continue;
        if (known)
            goes(item, beyond(rule));
    }
}

/* ---- history ---- */

static bool has_tag(const struct prune_item *item, const char *tag)
{
    for (size_t i = 0; i < item->refs.n; i++)
        if (str_eq(tag_of(item->refs.v[i]), tag))
            return true;
    return false;
}

/*
 * A tag alone proves little: somebody may have built an image under it by hand. So it counts when
 * the image came from a registry, or the deployment was of a local image, too.
 */
static bool explains(const struct ledger_deployment *d, const struct prune_item *item)
{
    if (has_digest(item->image, d->to_digest))
        return true;
    return d->to_version && has_tag(item, d->to_version) &&
           (item->image->digests.n > 0 || !d->to_digest);
}

size_t prune_rule_unexplained(const struct prune_facts *f)
{
    size_t n = 0;
    for (size_t i = 0; i < f->n_items; i++)
        n += !f->items[i].why;
    return n;
}

size_t prune_rule_learn(const struct prune_rule *rule, const struct ledger_deployment *d,
                        struct prune_facts *f)
{
    size_t left = 0;
    for (size_t i = 0; i < f->n_items; i++) {
        struct prune_item *item = &f->items[i];
        if (item->why)
            continue;
        if (!explains(d, item)) {
            left++;
            continue;
        }
        item->version = xstrdup_or_null(d->to_version);
        if (ledger_state_is_open(d->state))
            stays(item, xasprintf("needed by operation %lld", (long long)d->id));
        else
            goes(item, str_eq(d->outcome, "succeeded") ? beyond(rule) : xstrdup("never succeeded"));
    }
    return left;
}

void prune_rule_finish(struct prune_facts *f)
{
    for (size_t i = 0; i < f->n_items; i++) {
        struct prune_item *item = &f->items[i];
        if (!item->why)
            stays(item, xstrdup("not deployed by shipctl"));
        if (!item->version)
            item->version = xstrdup_or_null(tag_of(item->refs.v[0]));
    }
}
