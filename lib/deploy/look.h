/*
 * A look: what `status` found in ledger, compose files and engine, before it
 * is judged. status.c fills it, status_drift.c compares its three sources.
 */
#ifndef SHIP_DEPLOY_LOOK_H
#define SHIP_DEPLOY_LOOK_H

#include "shipctl/status.h"

#include "deploy/operation.h"

struct look {
    struct ship_session *s;
    struct ship_status *st;
    struct operation op;              /* containers, family and peers only; no lock, no row */
    struct ledger_deployment current; /* id 0 = never deployed */
    struct ledger_services recorded;  /* of current */
    int64_t proven_at_ms;        /* end of the newest operation: what started before was proven */
    struct strv deployed;        /* services that carry the app's version */
    struct container *inspected; /* one for each st->services, zeroed = none or not seen */
    int64_t deadline_ms;         /* of the whole look */
    int64_t stats_deadline_ms;   /* after it figures stay unknown */
};

/* Compare the sources, append to st->drift. Only with an engine that answered. */
void look_find_drift(struct look *l);
/* What the ledger recorded for a service, or NULL. */
const struct ledger_service *look_recorded(const struct look *l, const char *service);

#endif
