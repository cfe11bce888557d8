/* shipctl status: the questions; status_card.c draws the answer. */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "answer.h"
#include "card.h"
#include "command.h"
#include "status_card.h"

#define DAY_MS       INT64_C(86400000)
#define WATCH_LEAST  500
#define IDLE_MS      10000
#define CLEAR_SCREEN "\033[H\033[2J"

static const struct opt rows[] = {
    {.name = "watch",
     .kind = OPT_DURATION,
     .offset = offsetof(struct args, watch_ms),
     .metavar = "DUR",
     .help = "look again every DUR (default 2s) until interrupted",
     .min = WATCH_LEAST,
     .max = DAY_MS,
     .optional = "2s"},
    {.name = "wait",
     .kind = OPT_DURATION,
     .offset = offsetof(struct args, wait_ms),
     .metavar = "DUR",
     .help = "wait up to DUR (default 1m) until healthy",
     .min = 1,
     .max = DAY_MS,
     .optional = "1m"},
};

static const char *const examples[] = {
    "shipctl status",
    "what runs, since when, by whom, and what drifted",
    "shipctl status --watch=5s",
    "the same, redrawn every five seconds",
    "shipctl status --wait=2m -q && echo up",
    "wait until healthy, for scripts",
    NULL,
};

static void add_status(struct context *c, const struct ship_status *st)
{
    if (c->args->json)
        answer_json(c, ship_status_json(st));
    else if (!c->args->quiet)
        status_card(&c->answer, &c->style, st, card_now_ms());
}

static int look(struct context *c, struct ship_error *err, bool *ret_failed)
{
    struct ship_status st = {0};
    int rc = c->args->wait_ms > 0 ? ship_status_wait(c->session, c->args->wait_ms, &st, err)
                                  : ship_status(c->session, &st, err);

    *ret_failed = err->code != SHIP_OK;
    if (!*ret_failed)
        add_status(c, &st);
    ship_status_done(&st);
    return rc;
}

static bool is_stopped(const struct context *c)
{
    return c->stop != NULL && *c->stop != 0;
}

/* Sleep until the next look; a signal or a vanished reader ends it. */
static void pause_for(int64_t ms)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = 0};

    (void)poll(&out, 1, (int)ms);
}

/* On a terminal the screen is redrawn; elsewhere one answer follows the other. */
static int watch(struct context *c)
{
    bool is_tty = isatty(STDOUT_FILENO) == 1;
    int rc = 0;

    while (!is_stopped(c)) {
        struct ship_error err = {0};
        bool failed;

        text_clear(&c->answer);
        if (is_tty && !c->args->json)
            text_add(&c->answer, CLEAR_SCREEN);
        rc = look(c, &err, &failed);
        if (failed)
            return answer_error(c, &err, rc);
        if (!is_tty && !c->args->json)
            text_add(&c->answer, "\n");
        if (stream_write_all(STDOUT_FILENO, text_str(&c->answer), c->answer.len, IDLE_MS, c->stop) <
            0)
            break;
        text_clear(&c->answer);
        pause_for(c->args->watch_ms);
    }
    text_clear(&c->answer);
    return is_stopped(c) ? 128 + (int)*c->stop : rc;
}

static int check(const struct args *args, struct ship_error *err)
{
    if (args->watch_ms > 0 && args->wait_ms > 0)
        return ship_fail(err, SHIP_USAGE, "--watch and --wait exclude each other");
    return 0;
}

static int run(struct context *c)
{
    struct ship_error err = {0};
    bool failed;
    int rc;

    if (c->args->watch_ms > 0)
        return watch(c);
    rc = look(c, &err, &failed);
    return failed ? answer_error(c, &err, rc) : rc;
}

const struct command command_status = {
    .name = "status",
    .summary = "what runs now, since when, by whom, healthy or not",
    .words = "",
    .flags = COMMAND_SESSION,
    .options = {rows, ARRAY_LEN(rows)},
    .examples = examples,
    .notes = "Exit status 0 healthy, 3 unhealthy or not running, 4 never deployed, 11 the engine\n"
             "does not answer (what the ledger knows is shown).",
    .check = check,
    .run = run,
};
