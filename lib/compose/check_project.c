/* Checks across services and resources: sources of secrets, dependency cycles. */
#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/str.h"
#include "compose/load.h"

static void check_source(struct loader *l, const struct yaml_node *resource, const char *section)
{
    static const char *const sources[] = {"file", "environment", "content"};
    size_t n = 0;

    if (tree_is_true(resource, "external")) {
        diag_error(&l->diag, COMPOSE_CLASS_refused, &yaml_get(resource, "external")->mark,
                   "'%s.%s' is external, which needs Swarm; use 'file' or 'environment'", section,
                   resource->key);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(sources); i++)
        n += yaml_get(resource, sources[i]) != NULL;
    if (n != 1 && !(l->lost & (str_eq(section, "configs") ? LOST_CONFIGS : LOST_SECRETS)))
        diag_error(&l->diag, COMPOSE_CLASS_exclusive_sources, &resource->key_mark,
                   "'%s.%s' needs exactly one of file, environment%s", section, resource->key,
                   str_eq(section, "configs") ? " and content" : "");
}

void resolve_check_resources(struct loader *l, const struct yaml_node *model)
{
    static const char *const sections[] = {"secrets", "configs"};

    for (size_t s = 0; s < ARRAY_LEN(sections); s++) {
        const struct yaml_node *map = yaml_get(model, sections[s]);
        for (size_t i = 0; map && i < map->n; i++)
            check_source(l, map->items[i], sections[s]);
    }
}

/* ---- cycles: depth-first, at most COMPOSE_SERVICES_MAX deep ---- */

enum colour { WHITE, GREY, BLACK };

struct walk {
    struct loader *l;
    const struct yaml_node *services;
    struct vars index; /* service -> position */
    enum colour *colours;
    size_t *stack;
    size_t depth;
};

static void report_cycle(struct walk *w, size_t start, const struct yaml_node *at)
{
    AUTO(buf_done) struct buf text = BUF_INIT(512);
    size_t from = 0;

    while (w->stack[from] != start)
        from++;
    for (size_t i = from; i < w->depth; i++)
        buf_addf(&text, "%s -> ", w->services->items[w->stack[i]]->key);
    buf_adds(&text, w->services->items[start]->key);
    diag_error(&w->l->diag, COMPOSE_CLASS_dependency_cycle, &at->key_mark,
               "services depend on each other in a circle: %s", text.p);
}

static void visit(struct walk *w, size_t i)
{
    const struct yaml_node *deps = yaml_get(w->services->items[i], "depends_on");

    w->colours[i] = GREY;
    w->stack[w->depth++] = i;
    for (size_t k = 0; deps && k < deps->n; k++) {
        long to = vars_index(&w->index, deps->items[k]->key);
        if (to < 0)
            continue;
        if (w->colours[to] == GREY)
            report_cycle(w, (size_t)to, deps->items[k]);
        else if (w->colours[to] == WHITE)
            visit(w, (size_t)to);
    }
    w->depth--;
    w->colours[i] = BLACK;
}

void resolve_check_cycles(struct loader *l, struct yaml_node *services)
{
    AUTO_FREE enum colour *colours = xcalloc(services->n + 1, sizeof *colours);
    AUTO_FREE size_t *stack = xcalloc(services->n + 1, sizeof *stack);
    struct walk w = {.l = l, .services = services, .colours = colours, .stack = stack};

    for (size_t i = 0; i < services->n; i++)
        vars_set(&w.index, services->items[i]->key, NULL);
    for (size_t i = 0; i < services->n; i++) {
        if (colours[i] == WHITE)
            visit(&w, i);
    }
    vars_done(&w.index);
}
