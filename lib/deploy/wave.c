/* Waves of containers: see wave.h. What can go wrong: an image, or any of the mutations. */
#include "deploy/wave.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "deploy/image.h"
#include "deploy/spec.h"
#include "strategy/mutation_batch.h"

#define SECRETS_MAX (8u * 1024 * 1024)

void wave_add(struct wave *w, const struct compose_service *svc, int number, const char *id)
{
    w->items = xreallocarray(w->items, w->n + 1, sizeof *w->items);
    w->items[w->n++] = (struct wave_item){
        .svc = svc, .number = number, .id = xstrdup_or_null(id), .tar = BUF_INIT(SECRETS_MAX)};
}

void wave_add_new(struct wave *w, const struct compose_service *svc, const struct replacement *r)
{
    wave_add(w, svc, r->number, r->new_id);
    struct wave_item *it = &w->items[w->n - 1];
    it->is_new = true;
    buf_add(&it->tar, r->secrets.p, r->secrets.len);
}

bool wave_has(const struct wave *w, const char *service)
{
    for (size_t i = 0; i < w->n; i++)
        if (str_eq(w->items[i].svc->name, service))
            return true;
    return false;
}

void wave_done(struct wave *w)
{
    for (size_t i = 0; i < w->n; i++) {
        image_done(&w->items[i].image);
        free(w->items[i].name);
        free(w->items[i].id);
        json_free(w->items[i].body);
        json_free(w->items[i].connects);
        buf_done(&w->items[i].tar);
    }
    free(w->items);
    *w = (struct wave){0};
}

/* ---- what is sent ---- */

/* Many services of one image are one question. */
static const struct image *look_image(struct operation *op, const struct wave *w,
                                      struct wave_item *it, struct ship_error *err)
{
    for (const struct wave_item *other = w->items; other < it; other++)
        if (other->image.id &&
            str_eq(compose_service_image(other->svc), compose_service_image(it->svc)))
            return &other->image;
    return image_look(op, it->svc, &it->image, err) < 0 ? NULL : &it->image;
}

static int specify(struct operation *op, const struct wave *w, struct wave_item *it,
                   struct ship_error *err)
{
    const struct compose_service *svc = it->svc;
    const struct image *image = look_image(op, w, it, err);
    if (!image)
        return -1;
    it->name = compose_container_name(op->s->compose, svc->name, it->number);
    struct compose_create create = {.api_minor = op->engine.api_minor,
                                    .number = it->number,
                                    .final_name = it->name,
                                    .image_id = image->id,
                                    .family = op->family,
                                    .image_inspect = image->doc,
                                    .peers = op->peers,
                                    .n_peers = op->n_peers};
    it->body = compose_create_body(op->s->compose, svc->name, &create, err);
    if (!it->body)
        return -1;
    it->connects = compose_connect_bodies(op->s->compose, svc->name, &create, err);
    if (!it->connects)
        return -1;
    spec_label(op, NULL, it->body);
    return 0;
}

static int specify_all(struct operation *op, struct wave *w, struct ship_error *err)
{
    for (size_t i = 0; i < w->n; i++) {
        struct wave_item *it = &w->items[i];
        if (it->is_new)
            continue;
        if ((!it->id && specify(op, w, it, err) < 0) ||
            compose_secrets_tar(op->s->compose, it->svc->name, &it->tar, err) < 0)
            return ship_error_wrap(err, "service '%s'", it->svc->name);
    }
    return 0;
}

/* ---- one batch after the other ---- */

static int create_all(struct operation *op, struct wave *w, struct ship_error *err)
{
    AUTO(mutation_batch_done) struct mutation_batch b = {0};
    for (size_t i = 0; i < w->n; i++) {
        struct wave_item *it = &w->items[i];
        struct mutation_create m = {.service = it->svc->name,
                                    .name = it->name,
                                    .platform = it->svc->platform,
                                    .body = it->body,
                                    .keep = true};
        if (!it->id)
            it->index = mutation_batch_create(&b, &m);
    }
    if (mutation_batch_run(&op->mutate, &b, err) < 0)
        return -1;
    for (size_t i = 0; i < w->n; i++)
        if (!w->items[i].id)
            w->items[i].id = xstrdup(mutation_batch_id(&b, w->items[i].index));
    return 0;
}

static const struct json *nth(const struct json *list, size_t n)
{
    const struct json *item = json_first(list);
    while (item && n--)
        item = json_next(item);
    return item;
}

/* A container joins its networks one after the other, as the file orders them. */
static int connect_all(struct operation *op, const struct wave *w, struct ship_error *err)
{
    for (size_t round = 0;; round++) {
        AUTO(mutation_batch_done) struct mutation_batch b = {0};
        for (size_t i = 0; i < w->n; i++) {
            const struct wave_item *it = &w->items[i];
            const struct json *connect = nth(it->connects, round);
            if (connect)
                mutation_batch_connect(&b, it->svc->name, it->id, connect);
        }
        if (b.n == 0)
            return 0;
        if (mutation_batch_run(&op->mutate, &b, err) < 0)
            return -1;
    }
}

static void start_after(const struct wave *w, const struct wave_item *it,
                        struct mutation_batch *starts)
{
    for (size_t d = 0; d < it->svc->n_depends_on; d++)
        for (const struct wave_item *other = w->items; other < w->items + w->n; other++)
            if (str_eq(other->svc->name, it->svc->depends_on[d].service))
                mutation_batch_after(starts, it->index, other->index);
}

/* Engines let two starts pick the same port of a range: never two at a time. */
static void start_ranges_in_turn(const struct wave *w, struct mutation_batch *starts)
{
    const struct wave_item *earlier = NULL;
    for (const struct wave_item *it = w->items; it < w->items + w->n; it++) {
        if (!it->svc->has_port_ranges)
            continue;
        if (earlier)
            mutation_batch_after(starts, it->index, earlier->index);
        earlier = it;
    }
}

static int start_all(struct operation *op, const struct wave *w, struct ship_error *err)
{
    AUTO(mutation_batch_done) struct mutation_batch secrets = {0};
    AUTO(mutation_batch_done) struct mutation_batch starts = {0};
    for (size_t i = 0; i < w->n; i++) {
        struct wave_item *it = &w->items[i];
        mutation_batch_secrets(&secrets, it->svc->name, it->id, &it->tar);
        it->index = mutation_batch_start(&starts, it->svc->name, it->id, !it->is_new);
    }
    for (size_t i = 0; i < w->n; i++)
        start_after(w, &w->items[i], &starts);
    start_ranges_in_turn(w, &starts);
    if (mutation_batch_run(&op->mutate, &secrets, err) < 0)
        return -1;
    return mutation_batch_run(&op->mutate, &starts, err);
}

int wave_make(struct operation *op, struct wave *w, struct ship_error *err)
{
    if (specify_all(op, w, err) < 0 || create_all(op, w, err) < 0 || connect_all(op, w, err) < 0)
        return -1;
    return start_all(op, w, err);
}
