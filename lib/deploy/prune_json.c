/* The faces of a prune report: end of life and `prune --json`. */
#include <stdlib.h>

#include "shipctl/prune.h"

#include "base/alloc.h"
#include "deploy/result_json.h"

void ship_prune_done(struct ship_prune_report *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->n_images; i++) {
        char *const owned[] = {r->images[i].image, r->images[i].version, r->images[i].image_id,
                               r->images[i].why};
        for (size_t k = 0; k < ARRAY_LEN(owned); k++)
            free(owned[k]);
    }
    for (size_t i = 0; i < r->n_warnings; i++)
        free(r->warnings[i]);
    free(r->images);
    free(r->warnings);
    free(r->app);
    free(r->environment);
    *r = (struct ship_prune_report){0};
}

char *ship_prune_json(const struct ship_prune_report *r)
{
    AUTO_PTR(json_free) struct json *o = json_object();
    json_set_i64(o, "schema", RESULT_SCHEMA);
    json_set_text(o, "app", r->app);
    json_set_text(o, "environment", r->environment);
    json_set_bool(o, "dry_run", r->dry_run);
    json_set_i64(o, "keep", r->keep);
    json_set_i64(o, "freed_bytes", r->freed_bytes);
    struct json *list = json_set_array(o, "images");
    for (size_t i = 0; i < r->n_images; i++) {
        struct json *image = json_append_object(list);
        json_set_text(image, "image", r->images[i].image);
        json_set_text(image, "version", r->images[i].version);
        json_set_text(image, "image_id", r->images[i].image_id);
        json_set_known(image, "size_bytes", r->images[i].size_bytes, -1);
        json_set_bool(image, "removed", r->images[i].removed);
        json_set_text(image, "why", r->images[i].why);
    }
    struct json *warnings = json_set_array(o, "warnings");
    for (size_t i = 0; i < r->n_warnings; i++)
        json_append_text(warnings, r->warnings[i]);
    return json_print(o);
}
