/* Results, errors and questions; see answer.h. */
#include "answer.h"

#include <poll.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "card.h"

#define QUESTION_MS (10 * 60 * 1000)
#define DRAIN_MS    1000

void answer_json(struct context *c, char *json)
{
    text_add(&c->answer, json);
    text_add(&c->answer, "\n");
    free(json);
}

void answer_problems(struct context *c)
{
    const struct ship_problem *problems;
    size_t n = c->session != NULL ? ship_session_problems(c->session, &problems) : 0;
    struct text t = {0};

    if (n == 0 || c->args->json)
        return;
    card_problems(&t, &c->face->style, problems, n, text_str(&c->face->shown));
    size_t hidden = ship_session_hidden_problems(c->session);
    if (hidden > 0)
        text_addf(&t, "%zu more problem%s not shown\n", hidden, hidden == 1 ? "" : "s");
    if (c->face->kind == FACE_GITHUB)
        github_wrap(&t);
    if (c->face->kind != FACE_JSON)
        stream_write(c->face->err, text_str(&t), t.len);
    /* the error of the operation is one of them: it needs no second line */
    for (size_t i = 0; i < n; i++)
        text_addf(&c->face->shown, "%s: %s\n", problems[i].where, problems[i].text);
    text_done(&t);
}

/* The object of a failure that has no result of its own. */
static void add_error_json(struct context *c, const struct ship_error *err, int exit_code)
{
    struct ship_result r = {
        .outcome = SHIP_OUTCOME_REFUSED, .exit_code = exit_code, .downtime_ms = -1, .error = *err};

    r.action = c->command != NULL ? mem_strdup(c->command->name) : NULL;
    r.started_at_ms = r.finished_at_ms = card_now_ms();
    answer_json(c, ship_result_json(&r));
    ship_result_done(&r);
}

int answer_error(struct context *c, const struct ship_error *err, int exit_code)
{
    if (err->code == SHIP_INVALID)
        answer_problems(c);
    face_error(c->face, err, c->args->debug);
    if (c->args->json)
        add_error_json(c, err, exit_code);
    return exit_code;
}

/* Whether standard error already showed what standard output would say, or nobody asked. */
static bool wants_card(const struct context *c, const struct ship_result *r)
{
    bool was_refused = r->deployment == 0 && r->error.code != SHIP_OK && r->n_checks == 0;

    if (c->args->quiet && r->preview == NULL)
        return false;
    return !was_refused;
}

static void add_card(struct context *c, const struct ship_result *r)
{
    card_result(&c->answer, &c->style, r);
    if (r->preview != NULL)
        card_preview(&c->answer, &c->style, r);
    if (r->n_checks > 0 && (r->action != NULL && strcmp(r->action, "check") == 0))
        card_checks(&c->answer, &c->style, r);
    if (c->face->kind == FACE_GITHUB)
        github_wrap(&c->answer);
}

int answer_result(struct context *c, struct ship_result *r)
{
    int exit_code = r->exit_code;
    bool has_card = wants_card(c, r);

    if (r->error.code == SHIP_INVALID)
        answer_problems(c);
    /* A card on the same terminal says it all; elsewhere standard error must be enough. */
    if (r->error.code != SHIP_OK && (!has_card || c->args->json || !c->is_shared))
        face_error(c->face, &r->error, c->args->debug);
    face_close(c->face);
    if (c->args->json)
        answer_json(c, ship_result_json(r));
    else if (has_card)
        add_card(c, r);
    if (c->face->kind == FACE_GITHUB && (c->command->flags & COMMAND_PROGRESS) != 0)
        github_report(c->face, r);
    ship_result_done(r);
    return exit_code;
}

static bool is_yes(const char *line)
{
    return strcasecmp(line, "y") == 0 || strcasecmp(line, "yes") == 0;
}

bool answer_can_ask(const struct context *c)
{
    return !c->args->yes && isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
}

bool answer_confirm(struct context *c, const char *question)
{
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    struct text t = {0};
    char line[16];
    ssize_t n = 0;

    if (!answer_can_ask(c))
        return true;
    text_add_safe(&t, question);
    text_add(&t, " [y/N] ");
    (void)stream_write_all(STDERR_FILENO, text_str(&t), t.len, DRAIN_MS, NULL);
    text_done(&t);
    /* a signal ends the wait, too: no answer, nothing happens */
    if (poll(&in, 1, QUESTION_MS) > 0)
        n = read(STDIN_FILENO, line, sizeof line - 1);
    if (n <= 0)
        return false;
    line[n] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
    return is_yes(line);
}

int answer_unconfirmed(struct context *c)
{
    struct ship_error err = {0};

    if (c->stop != NULL && *c->stop != 0) {
        (void)ship_fail(&err, SHIP_INTERRUPTED, "interrupted by signal %d before anything changed",
                        (int)*c->stop);
        return answer_error(c, &err, 128 + (int)*c->stop);
    }
    (void)ship_fail(&err, SHIP_DENIED, "not confirmed: nothing was changed");
    (void)ship_error_hint(&err, "answer y, or give --yes");
    return answer_error(c, &err, ship_code_exit_status(SHIP_DENIED));
}
