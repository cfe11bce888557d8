/* The faces: golden text of one operation, through a pipe as the program writes it. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "render.h"
#include "unit/assert.h"

#define AT_MS INT64_C(1795224054000) /* 2026-11-21T01:20:54Z */

static int64_t fake_now;

static int64_t fake_now_ms(void)
{
    return fake_now;
}

struct fixture {
    struct stream err;
    struct face face;
    int fds[2];
    char out[16384];
};

static void begin(struct fixture *x, const struct face_options *o, bool unicode, bool color)
{
    const struct style style = {.color = color, .unicode = unicode};

    assert_int_equal(pipe2(x->fds, O_CLOEXEC | O_NONBLOCK), 0);
    stream_open(&x->err, x->fds[1], NULL);
    face_open(&x->face, o, &x->err, style);
    x->face.now_ms = fake_now_ms;
    x->face.width = 60;
    fake_now = 1000;
}

/* What was written since the last call. */
static const char *written(struct fixture *x)
{
    ssize_t n = read(x->fds[0], x->out, sizeof x->out - 1);

    x->out[n > 0 ? n : 0] = '\0';
    return x->out;
}

static void end(struct fixture *x)
{
    face_done(&x->face);
    stream_close(&x->err, 0);
    close(x->fds[0]);
    close(x->fds[1]);
}

static void emit(struct fixture *x, struct ship_event e)
{
    struct ship_events events = {.sinks = {&x->face.sink}, .n_sinks = 1};

    if (e.text == NULL)
        e.text = "";
    e.at_ms = AT_MS;
    ship_emit(&events, &e);
}

static void step(struct fixture *x, const char *name, enum ship_step_status status,
                 const char *text, int64_t took_ms)
{
    emit(x, (struct ship_event){.kind = SHIP_EVENT_STEP_BEGIN, .step = name});
    emit(x, (struct ship_event){.kind = SHIP_EVENT_STEP_END,
                                .step = name,
                                .status = status,
                                .text = text,
                                .duration_ms = took_ms});
}

static void progress(struct fixture *x, uint64_t done)
{
    emit(x, (struct ship_event){.kind = SHIP_EVENT_STEP_PROGRESS,
                                .step = "pull",
                                .service = "app",
                                .unit = SHIP_UNIT_BYTES,
                                .done = done,
                                .total = 20000000,
                                .text = "Downloading"});
}

/* An operation with everything that can happen. */
static void play(struct fixture *x)
{
    emit(x,
         (struct ship_event){.kind = SHIP_EVENT_OPERATION_BEGIN, .text = "deploy shop v1 -> v2"});
    step(x, "pull", SHIP_STEP_DONE, "20 MB", 6100);
    step(x, "backup", SHIP_STEP_SKIPPED, "", 0);
    emit(x, (struct ship_event){.kind = SHIP_EVENT_MESSAGE,
                                .level = SHIP_LEVEL_WARNING,
                                .text = "50% of\nthe disk"});
    step(x, "health", SHIP_STEP_FAILED, "status 503", 20);
    emit(x, (struct ship_event){.kind = SHIP_EVENT_OUTPUT,
                                .origin = "log app",
                                .text = "ERROR\033[2J bad\n::error::evil\n"});
    emit(x, (struct ship_event){.kind = SHIP_EVENT_OPERATION_END,
                                .status = SHIP_STEP_FAILED,
                                .text = "v2 failed; v1 serves"});
}

static void test_render_plain_writes_one_line_per_fact(void **state)
{
    const struct face_options o = {.kind = FACE_PLAIN, .shows_progress = true};
    struct fixture x;

    (void)state;
    begin(&x, &o, true, true);
    play(&x);
    assert_string_equal(written(&x), "2026-11-21T01:20:54Z deploy shop v1 -> v2\n"
                                     "2026-11-21T01:20:54Z pull: done, 20 MB (6.1 s)\n"
                                     "2026-11-21T01:20:54Z warning: 50% of the disk\n"
                                     "2026-11-21T01:20:54Z health: failed, status 503 (20 ms)\n"
                                     "2026-11-21T01:20:54Z error: v2 failed; v1 serves\n");
    end(&x);
}

static void test_render_plain_verbose_shows_skipped_steps_and_output(void **state)
{
    const struct face_options o = {.kind = FACE_PLAIN, .shows_progress = true, .is_verbose = true};
    struct fixture x;

    (void)state;
    begin(&x, &o, true, true);
    play(&x);
    (void)written(&x);
    assert_contains(x.out, "Z backup: skipped\n");
    assert_contains(x.out, "Z log app | ERROR bad\n2026-11-21T01:20:54Z log app | ::error::evil\n");
    assert_null(strchr(x.out, '\033'));
    end(&x);
}

static void test_render_plain_quiet_leaves_warnings(void **state)
{
    const struct face_options o = {.kind = FACE_PLAIN, .shows_progress = true, .is_quiet = true};
    struct fixture x;

    (void)state;
    begin(&x, &o, true, true);
    play(&x);
    assert_string_equal(written(&x), "2026-11-21T01:20:54Z warning: 50% of the disk\n");
    end(&x);
}

static void test_render_plain_progress_is_rare(void **state)
{
    const struct face_options o = {.kind = FACE_PLAIN, .shows_progress = true};
    struct fixture x;

    (void)state;
    begin(&x, &o, true, true);
    emit(&x, (struct ship_event){.kind = SHIP_EVENT_STEP_BEGIN, .step = "pull"});
    for (int i = 0; i < 60; i++) {
        fake_now += 100;
        progress(&x, (uint64_t)i * 100000);
    }
    assert_string_equal(written(&x), "2026-11-21T01:20:54Z pull: app: 4.9 MB / 20 MB\n");
    end(&x);
}

static void test_render_tty_ascii_shows_one_line_per_step(void **state)
{
    const struct face_options o = {.kind = FACE_TTY, .shows_progress = true};
    struct fixture x;

    (void)state;
    begin(&x, &o, false, false);
    play(&x);
    assert_string_equal(written(&x), "deploy shop v1 -> v2\n"
                                     ".. pull         "
                                     "\r\033[Kok pull         20 MB  6.1 s\n"
                                     ".. backup       "
                                     "\r\033[K"
                                     "warning: 50% of the disk\n"
                                     ".. health       "
                                     "\r\033[K!! health       status 503\n"
                                     "!! v2 failed; v1 serves\n");
    end(&x);
}

static void test_render_tty_redraws_at_most_ten_times_a_second(void **state)
{
    const struct face_options o = {.kind = FACE_TTY, .shows_progress = true};
    struct fixture x;
    size_t redraws = 0;

    (void)state;
    begin(&x, &o, true, true);
    emit(&x, (struct ship_event){.kind = SHIP_EVENT_STEP_BEGIN, .step = "pull"});
    (void)written(&x);
    for (int i = 0; i < 1000; i++) {
        fake_now += 1;
        progress(&x, (uint64_t)i * 1000);
    }
    (void)written(&x);
    for (const char *c = x.out; (c = strstr(c, "\r\033[K")) != NULL; c++)
        redraws++;
    assert_in_range(redraws, 9, 10);
    end(&x);
}

static void test_render_tty_progress_names_bytes_rate_and_time(void **state)
{
    const struct face_options o = {.kind = FACE_TTY, .shows_progress = true};
    struct fixture x;

    (void)state;
    begin(&x, &o, false, false);
    emit(&x, (struct ship_event){.kind = SHIP_EVENT_STEP_BEGIN, .step = "pull"});
    progress(&x, 0);
    fake_now += 2000;
    (void)written(&x);
    progress(&x, 12000000);
    assert_string_equal(written(&x), "\r\033[K.. pull         app: 12 MB / 20 MB, 6.0 MB/s  2.0 s");
    fake_now += 1000;
    emit(&x, (struct ship_event){.kind = SHIP_EVENT_STEP_PROGRESS,
                                 .unit = SHIP_UNIT_TRIES,
                                 .done = 3,
                                 .total = 10,
                                 .text = "status 503"});
    assert_string_equal(written(&x), "\r\033[K.. pull         try 3/10: status 503  3.0 s");
    end(&x);
}

static void test_render_tty_never_wraps(void **state)
{
    const struct face_options o = {.kind = FACE_TTY, .shows_progress = true};
    struct fixture x;
    char text[600];

    (void)state;
    begin(&x, &o, false, false);
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    emit(&x, (struct ship_event){.kind = SHIP_EVENT_STEP_BEGIN, .step = "pull"});
    (void)written(&x);
    emit(&x, (struct ship_event){.kind = SHIP_EVENT_STEP_PROGRESS, .text = text});
    assert_true(strlen(written(&x)) - strlen("\r\033[K") < 60);
    emit(&x, (struct ship_event){.kind = SHIP_EVENT_STEP_PROGRESS, .text = "数\r\033[31m据"});
    end(&x);
}

static void test_render_tty_leaves_the_end_to_the_card(void **state)
{
    const struct face_options o = {.kind = FACE_TTY, .shows_progress = true, .leaves_end = true};
    struct fixture x;
    struct ship_error err = {0};

    (void)state;
    begin(&x, &o, false, false);
    emit(&x, (struct ship_event){
                 .kind = SHIP_EVENT_OPERATION_END, .status = SHIP_STEP_FAILED, .text = "refused"});
    assert_string_equal(written(&x), "");
    (void)ship_fail(&err, SHIP_LOCKED, "refused");
    face_error(&x.face, &err, false);
    assert_string_equal(written(&x), "error: refused\n");
    end(&x);
}

static void test_face_error_says_it_once(void **state)
{
    const struct face_options o = {.kind = FACE_PLAIN, .shows_progress = true};
    struct fixture x;
    struct ship_error err = {0};

    (void)state;
    begin(&x, &o, false, false);
    emit(&x, (struct ship_event){
                 .kind = SHIP_EVENT_MESSAGE, .level = SHIP_LEVEL_ERROR, .text = "status 503"});
    emit(&x, (struct ship_event){.kind = SHIP_EVENT_OPERATION_END,
                                 .status = SHIP_STEP_FAILED,
                                 .text = "v2 failed"});
    (void)written(&x);
    (void)ship_fail(&err, SHIP_UNPROVEN, "status 503");
    (void)ship_error_hint(&err, "shipctl history 42");
    face_error(&x.face, &err, false);
    assert_contains(written(&x), "Z next: shipctl history 42\n");
    assert_null(strstr(x.out, "status 503"));
    end(&x);
}

static void test_render_none_shows_messages_without_time(void **state)
{
    const struct face_options o = {.kind = FACE_TTY};
    struct fixture x;
    struct ship_error err = {0};

    (void)state;
    begin(&x, &o, false, false);
    play(&x);
    assert_string_equal(written(&x), "shipctl: warning: 50% of the disk\n");
    (void)ship_fail(&err, SHIP_NOT_FOUND, "no deployment 9");
    (void)ship_error_hint(&err, "shipctl history");
    face_error(&x.face, &err, false);
    assert_string_equal(written(&x), "shipctl: error: no deployment 9\n  next: shipctl history\n");
    face_error(&x.face, &err, false);
    assert_string_equal(written(&x), "  next: shipctl history\n");
    end(&x);
}

static void test_render_json_writes_one_object_per_line(void **state)
{
    const struct face_options o = {.kind = FACE_JSON, .shows_progress = true};
    struct fixture x;

    (void)state;
    begin(&x, &o, true, true);
    step(&x, "pull", SHIP_STEP_DONE, "20 \"MB\"", 6100);
    progress(&x, 5);
    emit(&x,
         (struct ship_event){.kind = SHIP_EVENT_OUTPUT, .origin = "log app", .text = "a\033[2J\n"});
    assert_string_equal(
        written(&x),
        "{\"event\":\"step_begin\",\"at\":\"2026-11-21T01:20:54Z\",\"step\":\"pull\",\"text\":\"\"}"
        "\n"
        "{\"event\":\"step_end\",\"at\":\"2026-11-21T01:20:54Z\",\"step\":\"pull\","
        "\"status\":\"done\",\"duration_ms\":6100,\"text\":\"20 \\\"MB\\\"\"}\n"
        "{\"event\":\"step_progress\",\"at\":\"2026-11-21T01:20:54Z\",\"step\":\"pull\","
        "\"service\":\"app\",\"unit\":\"bytes\",\"done\":5,\"total\":20000000,"
        "\"text\":\"Downloading\"}\n"
        "{\"event\":\"output\",\"at\":\"2026-11-21T01:20:54Z\",\"origin\":\"log app\","
        "\"text\":\"a\\u001b[2J\\n\"}\n");
    end(&x);
}

static void test_render_github_groups_and_annotates(void **state)
{
    const struct face_options o = {.kind = FACE_GITHUB, .shows_progress = true};
    struct fixture x;

    (void)state;
    begin(&x, &o, true, true);
    play(&x);
    assert_string_equal(written(&x), "::group::deploy shop v1 -> v2\n"
                                     "pull: done, 20 MB (6.1 s)\n"
                                     "::warning title=shipctl::50%25 of%0Athe disk\n"
                                     "health: failed, status 503 (20 ms)\n"
                                     "::endgroup::\n"
                                     "::error title=shipctl::v2 failed; v1 serves\n");
    end(&x);
}

static void test_render_github_output_stands_between_stop_commands(void **state)
{
    const struct face_options o = {.kind = FACE_GITHUB, .shows_progress = true, .is_verbose = true};
    struct fixture x;
    char token[33] = "";
    char closing[64];
    const char *at;

    (void)state;
    begin(&x, &o, true, true);
    play(&x);
    at = strstr(written(&x), "::stop-commands::");
    assert_non_null(at);
    (void)snprintf(token, sizeof token, "%s", at + strlen("::stop-commands::"));
    assert_int_equal(strspn(token, "0123456789abcdef"), 32);
    (void)snprintf(closing, sizeof closing, "  ::error::evil\n::%s::\n", token);
    assert_contains(at, closing);
    end(&x);
}

static void test_github_wrap_uses_a_new_token_each_time(void **state)
{
    struct text a = {0};
    struct text b = {0};

    (void)state;
    text_add(&a, "x");
    text_add(&b, "x");
    github_wrap(&a);
    github_wrap(&b);
    assert_string_not_equal(text_str(&a), text_str(&b));
    assert_contains(text_str(&a), "\nx\n::");
    text_done(&a);
    text_done(&b);
}

static void test_github_outputs_and_summary_are_inert(void **state)
{
    struct ship_result r = {.action = (char[]){"deploy"},
                            .app = (char[]){"shop"},
                            .outcome = SHIP_OUTCOME_ROLLED_BACK,
                            .exit_code = 20,
                            .deployment = 42,
                            .duration_ms = 1000,
                            .downtime_ms = -1,
                            .to = {.version = (char[]){"v2\noutcome=succeeded"}},
                            .from = {.version = (char[]){"v1"}}};
    struct text t = {0};

    (void)state;
    (void)ship_fail(&r.error, SHIP_UNPROVEN, "a|b <img>\nc");
    github_outputs(&r, "EOF", &t);
    assert_string_equal(text_str(&t), "outcome=rolled_back\nexit_code=20\ndeployment=42\n"
                                      "version<<EOF\nv2 outcome=succeeded\nEOF\n"
                                      "digest<<EOF\n\nEOF\nprevious<<EOF\nv1\nEOF\n");
    text_clear(&t);
    github_summary(&r, &t);
    assert_contains(text_str(&t), "### shipctl deploy shop: rolled_back\n");
    assert_contains(text_str(&t), "| error | a\\|b &lt;img><br>c |\n");
    text_done(&t);
}

static void test_face_detect_picks_by_environment(void **state)
{
    static const struct {
        const char *github, *ci, *term, *why;
        enum face_kind kind;
        bool is_tty;
    } rows[] = {
        {NULL,   NULL, "xterm", "a terminal",                 FACE_TTY,    true },
        {NULL,   "1",  "xterm", "a terminal of a CI",         FACE_PLAIN,  true },
        {NULL,   NULL, "dumb",  "a dumb terminal",            FACE_PLAIN,  true },
        {NULL,   NULL, NULL,    "an unknown terminal",        FACE_PLAIN,  true },
        {NULL,   NULL, "xterm", "a pipe",                     FACE_PLAIN,  false},
        {"true", "1",  NULL,    "the runner",                 FACE_GITHUB, false},
        {"true", NULL, "xterm", "the runner with a terminal", FACE_GITHUB, true },
        {"1",    NULL, "xterm", "only 'true' is the runner",  FACE_TTY,    true },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        row_check(face_detect(rows[i].is_tty, rows[i].github, rows[i].ci, rows[i].term) ==
                      rows[i].kind,
                  rows[i].why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_render_plain_writes_one_line_per_fact),
        cmocka_unit_test(test_render_plain_verbose_shows_skipped_steps_and_output),
        cmocka_unit_test(test_render_plain_quiet_leaves_warnings),
        cmocka_unit_test(test_render_plain_progress_is_rare),
        cmocka_unit_test(test_render_tty_ascii_shows_one_line_per_step),
        cmocka_unit_test(test_render_tty_redraws_at_most_ten_times_a_second),
        cmocka_unit_test(test_render_tty_progress_names_bytes_rate_and_time),
        cmocka_unit_test(test_render_tty_never_wraps),
        cmocka_unit_test(test_render_tty_leaves_the_end_to_the_card),
        cmocka_unit_test(test_face_error_says_it_once),
        cmocka_unit_test(test_render_none_shows_messages_without_time),
        cmocka_unit_test(test_render_json_writes_one_object_per_line),
        cmocka_unit_test(test_render_github_groups_and_annotates),
        cmocka_unit_test(test_render_github_output_stands_between_stop_commands),
        cmocka_unit_test(test_github_wrap_uses_a_new_token_each_time),
        cmocka_unit_test(test_github_outputs_and_summary_are_inert),
        cmocka_unit_test(test_face_detect_picks_by_environment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
