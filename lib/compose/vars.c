/* Ordered set of variables with an open-addressing index. Nothing here can fail. */
#include "compose/vars.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"

#define SLOTS_MIN 64

/* FNV-1a */
static size_t hash_name(const char *name)
{
    uint64_t h = UINT64_C(14695981039346656037);

    for (const unsigned char *p = (const unsigned char *)name; *p; p++)
        h = (h ^ *p) * UINT64_C(1099511628211);
    return (size_t)(h ^ (h >> 32));
}

/* Slot that holds the name, or the free one where it belongs. */
static size_t find_slot(const struct vars *vs, const char *name)
{
    size_t i = hash_name(name) & (vs->n_slots - 1);

    while (vs->slots[i] && strcmp(vs->v[vs->slots[i] - 1].name, name) != 0)
        i = (i + 1) & (vs->n_slots - 1);
    return i;
}

static void grow_slots(struct vars *vs)
{
    free(vs->slots);
    vs->n_slots = vs->n_slots ? vs->n_slots * 2 : SLOTS_MIN;
    vs->slots = xcalloc(vs->n_slots, sizeof *vs->slots);
    for (size_t i = 0; i < vs->n; i++)
        vs->slots[find_slot(vs, vs->v[i].name)] = i + 1;
}

void vars_done(struct vars *vs)
{
    for (size_t i = 0; i < vs->n; i++) {
        free(vs->v[i].name);
        free(vs->v[i].value);
    }
    free(vs->v);
    free(vs->slots);
    *vs = (struct vars){0};
}

long vars_index(const struct vars *vs, const char *name)
{
    if (!vs->n_slots)
        return -1;
    return (long)vs->slots[find_slot(vs, name)] - 1;
}

const char *vars_get(const struct vars *vs, const char *name)
{
    long i = vars_index(vs, name);

    return i < 0 ? NULL : vs->v[i].value;
}

void vars_set(struct vars *vs, const char *name, const char *value)
{
    long i = vars_index(vs, name);

    if (i >= 0) {
        char *copy = xstrdup_or_null(value);
        free(vs->v[i].value);
        vs->v[i].value = copy;
        return;
    }
    if (vs->n * 2 >= vs->n_slots)
        grow_slots(vs);
    size_t slot = find_slot(vs, name);
    ARRAY_GROW(vs->v, vs->n, vs->cap);
    vs->v[vs->n] = (struct var){.name = xstrdup(name), .value = xstrdup_or_null(value)};
    vs->n++;
    vs->slots[slot] = vs->n;
}

void vars_set_default(struct vars *vs, const char *name, const char *value)
{
    if (vars_index(vs, name) < 0)
        vars_set(vs, name, value);
}

void vars_set_pair(struct vars *vs, const char *pair)
{
    const char *eq = strchr(pair, '=');

    if (!eq || eq == pair)
        return;
    AUTO_FREE char *name = xstrndup(pair, (size_t)(eq - pair));
    vars_set(vs, name, eq + 1);
}

void vars_add_defaults(struct vars *dst, const struct vars *src)
{
    for (size_t i = 0; i < src->n; i++)
        vars_set_default(dst, src->v[i].name, src->v[i].value);
}
