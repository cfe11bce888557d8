/* The faces of history: end of life and `history --json`. */
#include <stdlib.h>

#include "shipctl/history.h"

#include "base/alloc.h"
#include "base/str.h"
#include "deploy/result_json.h"

static void entry_done(struct ship_history_entry *e)
{
    char *const owned[] = {e->state, e->git_sha, e->ci_run, e->strategy, e->signature};
    for (size_t i = 0; i < ARRAY_LEN(owned); i++)
        free(owned[i]);
    for (size_t i = 0; i < e->n_services; i++) {
        struct ship_history_service *s = &e->services[i];
        char *const texts[] = {s->service, s->image, s->version, s->digest, s->image_id};
        for (size_t k = 0; k < ARRAY_LEN(texts); k++)
            free(texts[k]);
    }
    free(e->services);
    for (size_t i = 0; i < e->n_spec_diff; i++)
        free(e->spec_diff[i]);
    free(e->spec_diff);
    ship_result_done(&e->result);
}

void ship_history_done(struct ship_history *h)
{
    if (!h)
        return;
    for (size_t i = 0; i < h->n; i++)
        entry_done(&h->entries[i]);
    free(h->entries);
    *h = (struct ship_history){0};
}

/* ---- JSON ---- */

static void set_services(struct json *o, const struct ship_history_entry *e)
{
    struct json *list = json_set_array(o, "services");
    for (size_t i = 0; i < e->n_services; i++) {
        const struct ship_history_service *s = &e->services[i];
        struct json *part = json_append_object(list);
        json_set_text(part, "service", s->service);
        json_set_text(part, "image", s->image);
        json_set_text(part, "version", s->version);
        json_set_text(part, "digest", s->digest);
        json_set_text(part, "image_id", s->image_id);
    }
}

static struct json *entry_json(const struct ship_history_entry *e, bool full)
{
    struct json *o = result_json(&e->result, full);
    if (e->result.exit_code < 0) { /* open: it has not ended */
        json_set(o, "outcome", json_null());
        json_set(o, "exit_code", json_null());
    }
    json_set_text(o, "state", e->state);
    json_set_text(o, "git_sha", e->git_sha);
    json_set_text(o, "ci_run", e->ci_run);
    json_set_text(o, "strategy", e->strategy);
    json_set_text(o, "signature", e->signature);
    json_set_bool(o, "is_current", e->is_current);
    json_set_bool(o, "is_target", e->is_target);
    json_set_known(o, "target", e->target_id, 0);
    if (!full)
        return o;
    json_remove(o, "audit_head");
    set_services(o, e);
    struct json *diff = json_set_array(o, "spec_diff");
    for (size_t i = 0; i < e->n_spec_diff; i++)
        json_append_text(diff, e->spec_diff[i]);
    return o;
}

char *ship_history_json(const struct ship_history *h, bool full)
{
    AUTO_PTR(json_free)
    struct json *j = full && h->n ? entry_json(&h->entries[0], true) : json_array();
    for (size_t i = 0; !full && i < h->n; i++)
        json_append(j, entry_json(&h->entries[i], false));
    return json_print(j);
}
