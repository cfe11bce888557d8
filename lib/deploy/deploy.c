/* The public entrances: deploy, rollback, recover. Each is one operation with its table. */
#include "shipctl/deploy.h"

#include "deploy/hide.h"
#include "deploy/operation.h"
#include "deploy/record.h"
#include "deploy/recover.h"

static int end_dry_run(const struct ship_result *r, bool exit_code)
{
    return r->exit_code == 0 && exit_code && r->preview && r->preview->has_changes ? 100
                                                                                   : r->exit_code;
}

int ship_deploy(struct ship_session *s, const struct ship_deploy_request *request,
                struct ship_result *ret)
{
    AUTO(operation_done) struct operation op;
    operation_init(&op, s, ret, "deploy");
    op.wanted = request->version;
    op.dry_run = request->dry_run;
    op.force = request->force;
    op.strict = request->strict;
    operation_run(&op, deploy_steps);
    hide_in_result(s->redact, ret);
    return ret->exit_code = end_dry_run(ret, request->exit_code);
}

int ship_rollback(struct ship_session *s, const struct ship_rollback_request *request,
                  struct ship_result *ret)
{
    AUTO(operation_done) struct operation op;
    operation_init(&op, s, ret, "rollback");
    op.wanted = request->version;
    op.rollback = true;
    op.rollback_to = request->to;
    op.dry_run = request->dry_run;
    op.strict = request->strict;
    operation_run(&op, rollback_steps);
    hide_in_result(s->redact, ret);
    return ret->exit_code = end_dry_run(ret, request->exit_code);
}

int ship_recover(struct ship_session *s, struct ship_result *ret)
{
    AUTO(operation_done) struct operation op;
    operation_init(&op, s, ret, "recover");
    int status = recover_run(&op);
    hide_in_result(s->redact, ret);
    return status;
}
