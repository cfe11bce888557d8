/* Results: their words and their end of life. Everything in a result is owned by it. */
#include <assert.h>
#include <stdlib.h>

#include "shipctl/deploy.h"

#include "base/alloc.h"

static const char *const outcomes[] = {
#define OUTCOME_TEXT(name, text) [name] = (text),
    SHIP_OUTCOMES(OUTCOME_TEXT)
#undef OUTCOME_TEXT
};

const char *ship_outcome_text(enum ship_outcome o)
{
    assert((size_t)o < ARRAY_LEN(outcomes));
    return outcomes[o];
}

static void steps_done(struct ship_result *r)
{
    for (size_t i = 0; i < r->n_steps; i++) {
        free(r->steps[i].name);
        free(r->steps[i].message);
    }
    free(r->steps);
}

static void checks_done(struct ship_result *r)
{
    for (size_t i = 0; i < r->n_checks; i++) {
        struct ship_result_check *c = &r->checks[i];
        char *const owned[] = {c->id, c->type, c->phase, c->status, c->message};
        for (size_t k = 0; k < ARRAY_LEN(owned); k++)
            free(owned[k]);
    }
    free(r->checks);
}

static void preview_free(struct ship_preview *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->n_actions; i++) {
        free(p->actions[i].verb);
        free(p->actions[i].object);
        free(p->actions[i].detail);
    }
    for (size_t i = 0; i < p->n_env; i++) {
        free(p->env[i].service);
        free(p->env[i].name);
    }
    for (size_t i = 0; i < p->n_images; i++) {
        free(p->images[i].service);
        free(p->images[i].image);
        free(p->images[i].old_digest);
        free(p->images[i].new_digest);
    }
    free(p->actions);
    free(p->env);
    free(p->images);
    free(p->disk_path);
    free(p);
}

void ship_result_done(struct ship_result *r)
{
    if (!r)
        return;
    char *const owned[] = {r->app,         r->environment, r->action,    r->from.version,
                           r->from.digest, r->to.version,  r->to.digest, r->actor,
                           r->reason,      r->rollback,    r->evidence};
    for (size_t i = 0; i < ARRAY_LEN(owned); i++)
        free(owned[i]);
    steps_done(r);
    checks_done(r);
    for (size_t i = 0; i < r->n_warnings; i++)
        free(r->warnings[i]);
    free(r->warnings);
    preview_free(r->preview);
    *r = (struct ship_result){0};
}
