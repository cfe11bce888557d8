/*
 * Progress in a GitHub Actions log: one group per operation, annotations for
 * warnings and errors, foreign output where the runner reads no commands.
 *
 * The runner takes any line that begins with "::" (after white space) as a
 * command, on standard output and standard error. So a line of ours never
 * begins with foreign text, and output of containers and hooks stands between
 * stop-commands and a token they cannot guess.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "shipctl/text.h"

#include "render.h"

#define PROGRESS_MS  10000
#define TOKEN_BYTES  16
#define TOKEN_MAX    (2 * TOKEN_BYTES + 1)
#define FILE_IDLE_MS 1000
#define SUMMARY_MAX  (1024u * 1024)

static void random_token(char out[TOKEN_MAX])
{
    unsigned char bytes[TOKEN_BYTES] = {0};

    /* a kernel without randomness is no kernel that runs containers; zeros would only be guessable
     */
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        (void)snprintf((char *)bytes, sizeof bytes, "%ld", (long)getpid());
    for (size_t i = 0; i < TOKEN_BYTES; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

void github_add_data(struct text *t, const char *foreign)
{
    AUTO_FREE char *safe = ship_text_sanitize(foreign, strlen(foreign));

    for (const char *c = safe; *c != '\0'; c++) {
        if (*c == '%')
            text_add(t, "%25");
        else if (*c == '\n')
            text_add(t, "%0A");
        else if (*c == '\r')
            text_add(t, "%0D");
        else
            text_addn(t, c, 1);
    }
}

void github_wrap(struct text *t)
{
    char token[TOKEN_MAX];
    struct text wrapped = {0};

    random_token(token);
    text_addf(&wrapped, "::stop-commands::%s\n%s", token, text_str(t));
    text_addf(&wrapped, "%s::%s::\n", t->len > 0 && t->p[t->len - 1] != '\n' ? "\n" : "", token);
    text_done(t);
    *t = wrapped;
}

static void open_group(struct face *f, const char *title, struct text *out)
{
    if (f->is_group_open)
        return;
    text_add(out, "::group::");
    github_add_data(out, title);
    text_add(out, "\n");
    f->is_group_open = true;
}

static void close_group(struct face *f, struct text *out)
{
    if (f->is_group_open)
        text_add(out, "::endgroup::\n");
    f->is_group_open = false;
}

static void annotate(const char *command, const char *text, struct text *out)
{
    text_addf(out, "::%s title=shipctl::", command);
    github_add_data(out, text);
    text_add(out, "\n");
}

static void on_message(const struct ship_event *e, struct text *out)
{
    static const char *const commands[] = {[SHIP_LEVEL_DEBUG] = "debug",
                                           [SHIP_LEVEL_WARNING] = "warning",
                                           [SHIP_LEVEL_ERROR] = "error"};

    if (e->level == SHIP_LEVEL_INFO) {
        text_add_safe_lines(out, "| ", e->text);
    } else if (e->level == SHIP_LEVEL_DEBUG) {
        text_add(out, "::debug::");
        github_add_data(out, e->text);
        text_add(out, "\n");
    } else {
        annotate(commands[e->level], e->text, out);
    }
}

static void on_output(const struct ship_event *e, struct text *out)
{
    struct text block = {0};

    text_add_safe(&block, e->origin != NULL ? e->origin : "output");
    text_add(&block, ":\n");
    text_add_safe_lines(&block, "  ", e->text);
    github_wrap(&block);
    text_add(out, text_str(&block));
    text_done(&block);
}

static void on_step_end(const struct ship_event *e, struct text *out)
{
    char took[SHIP_TEXT_MAX];

    text_addf(out, "%s: %s", e->step != NULL ? e->step : "step", ship_step_status_text(e->status));
    if (e->text[0] != '\0') {
        text_add(out, ", ");
        text_add_safe(out, e->text);
    }
    text_addf(out, " (%s)\n", ship_text_duration(e->duration_ms, took));
}

static void on_operation_end(struct face *f, const struct ship_event *e, struct text *out)
{
    close_group(f, out);
    if (e->status == SHIP_STEP_FAILED && strstr(text_str(&f->shown), e->text) == NULL) {
        annotate("error", e->text, out);
        face_note_error(f, e);
    } else if (e->status != SHIP_STEP_FAILED) {
        text_add_safe_lines(out, "| ", e->text);
    }
}

static void on_step_progress(struct face *f, const struct ship_event *e, struct text *out)
{
    struct text progress = {0};

    if (!face_is_due(f, PROGRESS_MS))
        return;
    face_progress_text(f, e, &progress);
    text_addf(out, "%s: ", f->step);
    text_add_safe(out, text_str(&progress));
    text_add(out, "\n");
    text_done(&progress);
}

void render_github(struct ship_sink *sink, const struct ship_event *e)
{
    struct face *f = (struct face *)sink;
    struct text out = {0};

    if (!face_wants(f, e))
        return;
    switch (e->kind) {
    case SHIP_EVENT_OPERATION_BEGIN:
        open_group(f, e->text, &out);
        break;
    case SHIP_EVENT_STEP_BEGIN:
        open_group(f, "shipctl", &out);
        face_step_begin(f, e->step);
        face_is_due(f, 0);
        break;
    case SHIP_EVENT_STEP_PROGRESS:
        on_step_progress(f, e, &out);
        break;
    case SHIP_EVENT_STEP_END:
        on_step_end(e, &out);
        break;
    case SHIP_EVENT_MESSAGE:
        face_note_error(f, e);
        on_message(e, &out);
        break;
    case SHIP_EVENT_OUTPUT:
        on_output(e, &out);
        break;
    case SHIP_EVENT_OPERATION_END:
        on_operation_end(f, e, &out);
        break;
    }
    if (out.len > 0)
        face_write(f, &out);
    text_done(&out);
}

void render_github_close(struct face *f)
{
    struct text out = {0};

    close_group(f, &out);
    if (out.len > 0)
        face_write(f, &out);
    text_done(&out);
}

static void add_table_cell(struct text *t, const char *foreign)
{
    AUTO_FREE char *safe = ship_text_sanitize(foreign, strlen(foreign));

    text_add(t, " ");
    for (const char *c = safe; *c != '\0'; c++) {
        if (*c == '|')
            text_add(t, "\\|");
        else if (*c == '\n')
            text_add(t, "<br>");
        else if (*c == '<')
            text_add(t, "&lt;");
        else
            text_addn(t, c, 1);
    }
    text_add(t, " |");
}

static void add_row(struct text *t, const char *label, const char *foreign)
{
    if (foreign == NULL || *foreign == '\0')
        return;
    text_addf(t, "| %s |", label);
    add_table_cell(t, foreign);
    text_add(t, "\n");
}

void github_summary(const struct ship_result *r, struct text *out)
{
    char took[SHIP_TEXT_MAX];
    char number[32];

    text_add(out, "### shipctl ");
    text_add_safe(out, r->action != NULL ? r->action : "deploy");
    text_add(out, " ");
    text_add_safe(out, r->app != NULL ? r->app : "");
    text_addf(out, ": %s\n\n| | |\n| --- | --- |\n", ship_outcome_text(r->outcome));
    add_row(out, "environment", r->environment);
    add_row(out, "from", r->from.version);
    add_row(out, "to", r->to.version);
    add_row(out, "digest", r->to.digest);
    add_row(out, "duration", ship_text_duration(r->duration_ms, took));
    if (r->downtime_ms >= 0)
        add_row(out, "downtime", ship_text_duration(r->downtime_ms, took));
    if (r->deployment > 0) {
        (void)snprintf(number, sizeof number, "%" PRId64, r->deployment);
        add_row(out, "deployment", number);
    }
    add_row(out, "error", r->error.msg);
    add_row(out, "next", r->error.hint);
    add_row(out, "rollback", r->rollback);
    text_add(out, "\n");
}

static void add_output(struct text *t, const char *name, const char *foreign, const char *delimiter)
{
    text_addf(t, "%s<<%s\n", name, delimiter);
    text_add_safe(t, foreign != NULL ? foreign : "");
    text_addf(t, "\n%s\n", delimiter);
}

void github_outputs(const struct ship_result *r, const char *delimiter, struct text *out)
{
    text_addf(out, "outcome=%s\nexit_code=%d\ndeployment=%" PRId64 "\n",
              ship_outcome_text(r->outcome), r->exit_code, r->deployment);
    add_output(out, "version", r->to.version, delimiter);
    add_output(out, "digest", r->to.digest, delimiter);
    add_output(out, "previous", r->from.version, delimiter);
}

static void append_to(struct face *f, const char *variable, const struct text *t)
{
    const char *path = getenv(variable);
    struct text message = {0};
    int fd;

    if (path == NULL || *path == '\0' || t->len > SUMMARY_MAX)
        return;
    fd = open(path, O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 || stream_write_all(fd, text_str(t), t->len, FILE_IDLE_MS, NULL) < 0) {
        text_addf(&message, "cannot write $%s ('%s'): %s; ignoring", variable, path,
                  strerror(errno));
        face_message(f, SHIP_LEVEL_WARNING, text_str(&message));
    }
    if (fd >= 0)
        close(fd);
    text_done(&message);
}

void github_report(struct face *f, const struct ship_result *r)
{
    char token[TOKEN_MAX];
    struct text summary = {0};
    struct text outputs = {0};

    random_token(token);
    github_summary(r, &summary);
    github_outputs(r, token, &outputs);
    append_to(f, "GITHUB_STEP_SUMMARY", &summary);
    append_to(f, "GITHUB_OUTPUT", &outputs);
    text_done(&summary);
    text_done(&outputs);
}
