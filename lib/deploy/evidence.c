/* Evidence of a failure: see evidence.h. Bounds: 50 log lines, 32 KiB a container. */
#include "deploy/evidence.h"

#include <stdlib.h>

#include "base/alloc.h"

#define LOG_LINES      50
#define LOG_BYTES      (32u * 1024)
#define EVIDENCE_BYTES (128u * 1024)
#define LOG_MS         5000

static void keep_tail(void *ctx, const char *p, size_t len)
{
    struct buf *b = ctx;
    if (len > LOG_BYTES) {
        p += len - LOG_BYTES;
        len = LOG_BYTES;
    }
    if (b->len + len > LOG_BYTES)
        buf_consume(b, b->len + len - LOG_BYTES);
    buf_add(b, p, len);
}

static int filter(void *ctx, int is_stderr, const char *p, size_t len)
{
    struct redact_stream *streams = ctx;
    redact_stream_add(&streams[is_stderr ? 1 : 0], p, len);
    return 0;
}

/* A program that fails likes to print its environment. */
static void read_log(struct operation *op, const char *id, struct buf *out)
{
    struct runtime *rt = op->s->runtime;
    struct log_request req = {.tail = LOG_LINES};
    struct ship_error err = {0};
    struct redact_stream streams[2]; /* stdout, stderr */
    for (size_t i = 0; i < ARRAY_LEN(streams); i++)
        redact_stream_init(&streams[i], op->s->redact, keep_tail, out);
    int rc = rt->ops->logs(rt, id, &req, filter, streams, clock_deadline(rt->clock, LOG_MS), &err);
    for (size_t i = 0; i < ARRAY_LEN(streams); i++)
        redact_stream_finish(&streams[i]);
    if (rc < 0)
        buf_addf(out, "(the log could not be read: %s)", err.msg);
}

static void describe_state(const struct container *c, struct buf *out)
{
    char code[32] = "no exit code"; /* the engine forgets it when it starts the container again */
    if (c->state != CONTAINER_RUNNING)
        (void)snprintf(code, sizeof code, "exit code %lld", (long long)c->exit_code);
    buf_addf(out, "container '%s': %s, %s, OOM-killed: %s, restarts: %lld", c->name,
             container_state_text(c->state), code, c->oom_killed ? "yes" : "no",
             (long long)c->restart_count);
    if (c->health != HEALTH_NONE)
        buf_addf(out, ", health: %s (failing streak %lld)", container_health_text(c->health),
                 (long long)c->health_failing);
    if (!str_empty(c->state_error))
        buf_addf(out, ", engine: %s", c->state_error);
    buf_addc(out, '\n');
}

static void keep(struct operation *op, const char *kind, const char *service, const char *text)
{
    struct ship_error err = {0};
    if (op->row.id && text[0] &&
        ledger_put_evidence(op->s->ledger, op->row.id, kind, service, text, &err) < 0)
        operation_warn(op, "cannot keep the %s of service '%s' in the ledger: %s; ignoring", kind,
                       service, err.msg);
}

static void show(struct operation *op, const char *service, const char *text)
{
    AUTO_FREE char *origin = xasprintf("log %s", service);
    struct ship_event e = {
        .kind = SHIP_EVENT_OUTPUT, .service = service, .origin = origin, .text = text};
    if (text[0])
        ship_emit(op->s->opt.events, &e);
}

static void collect_one(struct operation *op, const struct replacement *r, struct buf *out)
{
    struct runtime *rt = op->s->runtime;
    AUTO(container_done) struct container c = {0};
    AUTO(buf_done) struct buf state = BUF_INIT(LOG_BYTES);
    AUTO(buf_done) struct buf log = BUF_INIT(LOG_BYTES);
    struct ship_error err = {0};
    if (!r->new_id ||
        rt->ops->inspect(rt, r->new_id, &c, clock_deadline(rt->clock, LOG_MS), &err) < 0)
        return;
    describe_state(&c, &state);
    keep(op, "state", r->service, state.p);
    if (c.health_output)
        keep(op, "health", r->service, c.health_output);
    read_log(op, c.id, &log);
    keep(op, "log", r->service, log.p);
    show(op, r->service, log.p);
    buf_adds(out, state.p);
    if (c.health_output)
        buf_addf(out, "last health check: %s\n", c.health_output);
    if (log.len)
        buf_addf(out, "last log lines:\n%s\n", log.p);
}

void evidence_collect(struct operation *op)
{
    AUTO(buf_done) struct buf out = BUF_INIT(EVIDENCE_BYTES);
    const struct clock *clock = op->s->runtime->clock;
    op->s->runtime->clock = &op->s->patient; /* also after Ctrl-C */
    for (size_t i = 0; i < op->n_reps; i++)
        collect_one(op, &op->reps[i], &out);
    op->s->runtime->clock = clock;
    if (out.len)
        op->res->evidence = buf_steal(&out);
}
