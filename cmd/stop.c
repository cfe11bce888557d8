/*
 * Signals that ask to stop: see stop.h. What the handler says is made
 * beforehand, because it may run while memory is being allocated.
 */
#include "stop.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "card.h"
#include "stream.h"

#define AGAIN_MS   500
#define CLEAR_LINE "\r\033[K"

static const int stopping[] = {SIGINT, SIGTERM, SIGHUP};

/* By what dying now would leave behind. */
static const struct {
    int exit_code; /* 0 = 128 + signal */
    const char *text, *next;
} endings[] = {
    [SHIP_SETTLED] = {0,  "what serves was not touched",
                      "run the command again; it removes what was prepared"                                 },
    [SHIP_UNGUARDED] = {32, "changes are in flight",                                         "shipctl recover"},
    [SHIP_GUARDED] = {32, "changes are in flight, and the guardian brings them to an end",
                      "shipctl status"                                                                      },
};

struct parting {
    struct text out, err;
};

static struct {
    volatile sig_atomic_t number, in_flight;
    int64_t first_ms; /* of the first signal; 0 = none yet */
    int out_fd, err_fd;
    struct parting partings[ARRAY_LEN(stopping)][ARRAY_LEN(endings)];
} stop;

volatile sig_atomic_t *stop_flag(void)
{
    return &stop.number;
}

volatile sig_atomic_t *stop_in_flight(void)
{
    return &stop.in_flight;
}

/* ---- in the handler ---- */

/* What does not fit is lost: nothing may hold us up now. */
static void say(int fd, const struct text *t)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};

    if (t->len > 0 && poll(&p, 1, 0) > 0)
        (void)!write(fd, t->p, t->len);
}

static size_t index_of(int number)
{
    size_t i = 0;

    while (i + 1 < ARRAY_LEN(stopping) && stopping[i] != number)
        i++;
    return i;
}

static _Noreturn void leave(int number)
{
    size_t state = (size_t)stop.in_flight;
    const struct parting *p = &stop.partings[index_of(number)][state];

    say(stop.err_fd, &p->err);
    say(stop.out_fd, &p->out);
    _exit(endings[state].exit_code != 0 ? endings[state].exit_code : 128 + number);
}

static void on_signal(int number)
{
    int saved = errno;
    int64_t now = stream_now_ms();

    if (stop.first_ms == 0)
        stop.first_ms = now;
    else if (number != SIGHUP && now - stop.first_ms >= AGAIN_MS)
        leave(number);
    if (stop.number == 0)
        stop.number = number;
    errno = saved;
}

void stop_catch(unsigned flags)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction handle = {.sa_handler = on_signal}; /* no SA_RESTART: waits must end */

    (void)sigaction(SIGPIPE, &ignore, NULL);
    if ((flags & (COMMAND_CHANGES | COMMAND_PROGRESS)) == 0)
        return;
    for (size_t i = 0; i < ARRAY_LEN(stopping); i++)
        (void)sigaddset(&handle.sa_mask, stopping[i]);
    for (size_t i = 0; i < ARRAY_LEN(stopping); i++) {
        struct sigaction old;

        /* nohup, or a shell's background job: what was ignored stays so */
        if (sigaction(stopping[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            (void)sigaction(stopping[i], &handle, NULL);
    }
}

/* ---- beforehand ---- */

static void make_err(const struct context *c, const struct ship_error *e, struct text *t)
{
    AUTO_FREE char *literal = ship_text_json_string(e->msg);

    if (c->face->kind == FACE_JSON) {
        text_addf(t, "{\"event\":\"message\",\"level\":\"error\",\"text\":%s}\n", literal);
        return;
    }
    text_addf(t, "%sshipctl: error: %s\n  next: %s\n", c->face->kind == FACE_TTY ? CLEAR_LINE : "",
              e->msg, e->hint);
}

static void make_out(const struct context *c, const struct ship_error *e, int exit_code,
                     struct text *t)
{
    struct ship_result r = {.outcome = SHIP_OUTCOME_INTERRUPTED,
                            .exit_code = exit_code,
                            .downtime_ms = -1,
                            .started_at_ms = card_now_ms(),
                            .error = *e};
    AUTO_FREE char *json = NULL;

    r.action = mem_strdup(c->command->name);
    json = ship_result_json(&r);
    text_addf(t, "%s\n", json);
    ship_result_done(&r);
}

static void make(const struct context *c, int number, size_t state, struct parting *p)
{
    struct ship_error e = {0};
    int exit_code = endings[state].exit_code != 0 ? endings[state].exit_code : 128 + number;

    (void)ship_fail(&e, exit_code == 32 ? SHIP_INCOMPLETE : SHIP_INTERRUPTED,
                    "ended at once by signal %d (%s): %s", number, strsignal(number),
                    endings[state].text);
    (void)ship_error_hint(&e, "%s", endings[state].next);
    make_err(c, &e, &p->err);
    if (c->args->json)
        make_out(c, &e, exit_code, &p->out);
}

void stop_prepare(const struct context *c)
{
    stop.out_fd = STDOUT_FILENO;
    stop.err_fd = c->face->err->fd; /* of a terminal: one that does not block */
    for (size_t i = 0; i < ARRAY_LEN(stopping); i++)
        for (size_t state = 0; state < ARRAY_LEN(endings); state++)
            make(c, stopping[i], state, &stop.partings[i][state]);
}

void stop_reset(void)
{
    sigset_t all, old;

    (void)sigfillset(&all);
    (void)sigprocmask(SIG_BLOCK, &all, &old);
    stop.number = 0;
    stop.in_flight = SHIP_SETTLED;
    stop.first_ms = 0;
    for (size_t i = 0; i < ARRAY_LEN(stopping); i++)
        for (size_t state = 0; state < ARRAY_LEN(endings); state++) {
            text_done(&stop.partings[i][state].err);
            text_done(&stop.partings[i][state].out);
        }
    (void)sigprocmask(SIG_SETMASK, &old, NULL);
}
