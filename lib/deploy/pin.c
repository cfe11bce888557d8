/*
 * Pin: see pin.h.
 *
 * The files are read again at the moment of writing: an edit somebody made
 * while the deployment ran is kept. What can go wrong: the version is supplied
 * by the environment or by a tag of text and variables; nothing is written.
 */
#include "deploy/pin.h"

#include <stdlib.h>

#include "base/alloc.h"

struct pins {
    struct compose_pin *list;
    size_t n;
};

static void pins_done(struct pins *p)
{
    for (size_t i = 0; i < p->n; i++)
        compose_pin_done(&p->list[i]);
    free(p->list);
}

static enum compose_pin_mode mode_of(const struct plan *p)
{
    return p->pin == PLAN_PIN_ENV       ? COMPOSE_PIN_ENV
           : p->pin == PLAN_PIN_COMPOSE ? COMPOSE_PIN_FILE
                                        : COMPOSE_PIN_AUTO;
}

/* Edits against the files as they are, without our version in place. */
static int plan_pins(struct operation *op, struct pins *ret, struct ship_error *err)
{
    struct compose_options o = {.dir = op->s->plan->dir,
                                .files = &op->s->plan->compose,
                                .project_name = op->s->plan->project,
                                .profiles = &op->s->plan->profiles,
                                .environ = op->s->opt.environ,
                                .redact = op->s->redact};
    struct yaml_problems ignored = {0};
    AUTO_PTR(compose_free) struct compose_project *p = compose_load(&o, &ignored, err);
    yaml_problems_done(&ignored);
    if (!p)
        return -1;
    ret->list = xcalloc(op->n_targets + 1, sizeof *ret->list);
    for (size_t i = 0; i < op->n_targets; i++) {
        const struct compose_pin_want want = {op->targets[i].service, op->targets[i].image,
                                              mode_of(op->s->plan)};
        if (compose_pin_plan(p, &want, ret->list, ret->n, &ret->list[ret->n], err) < 0)
            return -1;
        ret->n++;
    }
    return 0;
}

int pin_check(struct operation *op, struct ship_error *err)
{
    if (op->s->plan->pin == PLAN_PIN_NONE)
        return 0;
    AUTO(pins_done) struct pins pins = {0};
    struct ship_error e = {0};
    if (plan_pins(op, &pins, &e) == 0)
        return 0;
    if (op->s->plan->pin != PLAN_PIN_AUTO) {
        *err = e;
        return ship_error_wrap(err, "pin");
    }
    op->pin_refused = true;
    operation_warn(op,
                   "the version can not be written back, so the next `docker compose up` will undo "
                   "this deployment: %s",
                   e.msg);
    return 0;
}

int pin_all(struct operation *op, struct ship_error *err)
{
    if (op->s->plan->pin == PLAN_PIN_NONE)
        return 0;
    AUTO(pins_done) struct pins pins = {0};
    if (plan_pins(op, &pins, err) < 0)
        return -1;
    for (size_t i = 0; i < pins.n; i++) {
        if (!pins.list[i].changes)
            continue;
        int rc = op->row.id ? mutate_pin(&op->mutate, &pins.list[i], err)
                            : compose_pin_apply(&pins.list[i], err);
        if (rc < 0)
            return -1;
    }
    return 0;
}

int pin_list(struct operation *op, struct strv *ret, struct ship_error *err)
{
    if (op->s->plan->pin == PLAN_PIN_NONE)
        return 0;
    AUTO(pins_done) struct pins pins = {0};
    if (plan_pins(op, &pins, err) < 0)
        return -1;
    for (size_t i = 0; i < pins.n; i++)
        if (pins.list[i].changes)
            strv_add(ret, pins.list[i].what);
    return 0;
}
