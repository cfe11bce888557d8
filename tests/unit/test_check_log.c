/* Forbidden words in logs: frames, long lines, exceptions, watching, speed of the scanner. */
#include <stdio.h>

#include "check/scan.h"
#include "support/check_case.h"
#include "unit/assert.h"

#define YAML "{type: log, deny: [ERROR, \"/^panic: [0-9]+$/\"], allow: [\"ERROR_RATE=0\"]}"

static void test_log_line_rows(void **state)
{
    static const struct {
        const char *log;
        enum check_status status;
        const char *part, *why;
    } rows[] = {
        {NULL,                    CHECK_PASS, "no forbidden line",                                  "empty"                  },
        {"started\nlistening\n",  CHECK_PASS, "",                                                   "clean"                  },
        {"a\nERROR: no db\nb\n",  CHECK_FAIL, "1 forbidden line in the log of 'app': ERROR: no db",
         "one"                                                                                                               },
        {"ERROR 1\nx\nERROR 2\n", CHECK_FAIL, "2 forbidden lines",                                  "two, the first is shown"},
        {"ERROR without newline", CHECK_FAIL, "without newline",                                    "the last line counts"   },
        {"ERROR_RATE=0\n",        CHECK_PASS, "",                                                   "an allowed line"        },
        {"ERROR_RATE=0\nERROR\n", CHECK_FAIL, "1 forbidden",                                        "next to a forbidden one"},
        {"error\n",               CHECK_PASS, "",                                                   "case matters"           },
        {"panic: 42\n",           CHECK_FAIL, "panic: 42",                                          "regular expression"     },
        {"don't panic: 42\n",     CHECK_PASS, "",                                                   "anchored to the line"   },
        {"panic: 42\r\n",         CHECK_FAIL, "panic",                                              "lines of another world" },
        {"\n\n\nERROR\n",         CHECK_FAIL, "1 forbidden",                                        "empty lines"            },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        for (size_t chunk = 0; chunk < 8; chunk++) {
            struct check_case c;

            check_case_init(&c);
            check_case_target(&c, "app", true)->log = rows[i].log;
            c.fake.log_chunk = chunk; /* every cut gives the same verdict */
            check_case_expect(&c, YAML, rows[i].status, rows[i].part, rows[i].why);
            check_case_done(&c);
        }
}

static void test_log_hit_is_final_and_stderr_counts(void **state)
{
    struct check_case c;
    struct fake_container *app;
    struct check_result r;

    (void)state;
    check_case_init(&c);
    app = check_case_target(&c, "app", true);
    /* Halves on different streams are not one word. */
    app->log = "ERR";
    app->log_stderr = "OR\n";
    check_case_expect(&c, YAML, CHECK_PASS, "", "two streams");
    app->log_stderr = "ERROR\n";
    check_case_load(&c, YAML);
    r = check_case_try(&c);
    assert_int_equal(r.status, CHECK_FAIL);
    assert_true(r.final);
    assert_true(fake_called(&c.fake, "logs app -"));
    check_case_done(&c);
}

static void test_log_reads_deployed_services_only_unless_named(void **state)
{
    struct check_case c;

    (void)state;
    check_case_init(&c);
    check_case_target(&c, "db", false)->log = "ERROR\n";
    check_case_target(&c, "app", true);
    check_case_expect(&c, "{type: log, deny: ERROR}", CHECK_PASS, "", "db is not deployed");
    check_case_expect(&c, "{type: log, deny: ERROR, service: db}", CHECK_FAIL, "'db'", "named");
    check_case_expect(&c, "{type: log, deny: ERROR, service: x}", CHECK_UNKNOWN, "no container",
                      "unknown service");
    check_case_done(&c);
}

struct lines {
    struct ship_sink sink;
    size_t n;
};

static void count_output(struct ship_sink *sink, const struct ship_event *event)
{
    struct lines *l = (struct lines *)sink;

    assert_int_equal(event->kind, SHIP_EVENT_OUTPUT);
    assert_string_equal(event->origin, "log app");
    l->n++;
}

static void test_log_shows_max_lines_and_gives_up_on_a_flood(void **state)
{
    struct check_case c;
    struct lines lines = {.sink = {.emit = count_output}};
    struct ship_events events = {.sinks = {&lines.sink}, .n_sinks = 1};
    AUTO(buf_done) struct buf flood = BUF_INIT(1 << 20);

    (void)state;
    for (int i = 0; i < 5000; i++)
        (void)buf_addf(&flood, "ERROR %d\n", i);
    check_case_init(&c);
    c.env.events = &events;
    c.fake.log_chunk = 100;
    check_case_target(&c, "app", true)->log = flood.p;
    check_case_expect(&c, "{type: log, deny: ERROR, max_lines: 3}", CHECK_FAIL, "at least 10",
                      "more than enough");
    assert_int_equal(lines.n, 3);
    check_case_done(&c);
}

static void test_log_watch_reads_again_every_second(void **state)
{
    struct check_case c;

    (void)state;
    check_case_init(&c);
    check_case_target(&c, "app", true);
    c.timeout_ms = 10000;
    check_case_expect(&c, "{type: log, deny: ERROR, watch: 3s}", CHECK_PASS, "", "clean");
    assert_int_equal(c.clock.slept_ms, 3000);
    assert_int_equal(fake_calls(&c.fake, "logs app"), 4);
    assert_int_equal(c.checks.items[0].type->takes_ms(c.checks.items[0].config), 3000);
    c.clock.stop_value = SIGTERM;
    assert_int_equal(check_case_try_fails(&c), SHIP_INTERRUPTED);
    check_case_done(&c);
}

static void test_log_engine_failure_is_unknown_unless_something_was_found(void **state)
{
    struct check_case c;

    (void)state;
    check_case_init(&c);
    check_case_target(&c, "app", true);
    fake_fail(&c.fake, "logs", SHIP_TIMEOUT, "engine is slow");
    check_case_expect(&c, YAML, CHECK_UNKNOWN, "engine is slow", "nothing was read");
    c.fake.containers[0].log = "ERROR\n";
    check_case_expect(&c, YAML, CHECK_FAIL, "forbidden", "found before the engine went silent");
    check_case_done(&c);
}

static void test_log_out_of_time_is_unknown(void **state)
{
    struct check_case c;

    (void)state;
    check_case_init(&c);
    check_case_target(&c, "app", true)->log = "a\nb\n";
    c.fake.log_chunk = 2;
    c.timeout_ms = 0;
    check_case_expect(&c, YAML, CHECK_UNKNOWN, "not read to its end", "cut");
    check_case_done(&c);
}

static void test_log_bad_keys_are_problems(void **state)
{
    static const char *const rows[] = {
        "{type: log}",
        "{type: log, deny: []}",
        "{type: log, deny: [\"/(/\"]}",
        "{type: log, deny: {a: b}}",
        "{type: log, deny: [\"\"]}",
        "{type: log, deny: [[a]]}",
    };
    struct check_case c;

    (void)state;
    check_case_init(&c);
    for (size_t i = 0; i < ROWS(rows); i++) {
        check_case_decode(&c, rows[i]);
        row_check(c.problems.n_errors == 1, rows[i]);
    }
    check_case_done(&c);
}

/* ---- the scanner ---- */

struct found {
    size_t n;
    char first[SCAN_TEXT_MAX];
};

static void on_found(void *ctx, const char *text)
{
    struct found *f = ctx;

    if (f->n++ == 0)
        (void)snprintf(f->first, sizeof f->first, "%s", text);
}

static void test_scan_finds_a_word_anywhere_in_an_endless_line(void **state)
{
    struct scan_pattern word = {.word = xstrdup("ERROR"), .len = 5};
    struct scan_patterns deny = {.items = &word, .n = 1, .longest = 5}, none = {0};
    /* around the edges of the windows */
    static const size_t places[] = {0,
                                    SCAN_LINE_MAX - 6,
                                    SCAN_LINE_MAX - 5,
                                    SCAN_LINE_MAX - 3,
                                    SCAN_LINE_MAX - 1,
                                    SCAN_LINE_MAX,
                                    SCAN_LINE_MAX + 1,
                                    3 * SCAN_LINE_MAX - 10};
    size_t len = 4 * SCAN_LINE_MAX;
    AUTO_FREE char *line = xmalloc(len);

    (void)state;
    for (size_t i = 0; i < ROWS(places); i++)
        for (size_t chunk = 4096; chunk <= 16384 + 7; chunk += 12295) {
            struct found f = {0};
            struct scan s = {.deny = &deny, .allow = &none, .found = on_found, .ctx = &f};

            memset(line, 'x', len);
            for (size_t b = 0; b < 5; b++)
                line[places[i] + b] = "ERROR"[b];
            for (size_t at = 0; at < len; at += chunk)
                scan_feed(&s, 0, line + at, len - at < chunk ? len - at : chunk);
            scan_finish(&s);
            scan_done(&s);
            assert_int_equal(f.n, 1);
            assert_contains(f.first, "ERROR");
        }
    free(word.word);
}

static void test_scan_is_fast_enough(void **state)
{
    struct scan_pattern words[] = {
        {.word = xstrdup("ERROR"), .len = 5},
        {.word = xstrdup("FATAL"), .len = 5}
    };
    struct scan_patterns deny = {.items = words, .n = 2, .longest = 5}, none = {0};
    struct found f = {0};
    struct scan s = {.deny = &deny, .allow = &none, .found = on_found, .ctx = &f};
    AUTO(buf_done) struct buf text = BUF_INIT(1 << 20);
    int64_t start, ms;

    (void)state;
    while (text.len < 32000)
        (void)buf_adds(&text, "2026-11-21T01:20:54Z INFO request served in 12 ms path=/api/v1/x\n");
    start = clock_now_ms(&clock_real);
    for (int i = 0; i < 2000; i++)
        scan_feed(&s, 0, text.p, text.len);
    ms = clock_now_ms(&clock_real) - start;
    scan_done(&s);
    print_message("scanned %.0f MB/s\n", (double)text.len * 2000 / 1e3 / (double)(ms ? ms : 1));
    assert_int_equal(f.n, 0);
    /* A tenth of the figure wanted of an optimised build: sanitizers and busy machines. */
    assert_true(ms < 64 * 1000 / 30);
    free(words[0].word);
    free(words[1].word);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_line_rows),
        cmocka_unit_test(test_log_hit_is_final_and_stderr_counts),
        cmocka_unit_test(test_log_reads_deployed_services_only_unless_named),
        cmocka_unit_test(test_log_shows_max_lines_and_gives_up_on_a_flood),
        cmocka_unit_test(test_log_watch_reads_again_every_second),
        cmocka_unit_test(test_log_engine_failure_is_unknown_unless_something_was_found),
        cmocka_unit_test(test_log_out_of_time_is_unknown),
        cmocka_unit_test(test_log_bad_keys_are_problems),
        cmocka_unit_test(test_scan_finds_a_word_anywhere_in_an_endless_line),
        cmocka_unit_test(test_scan_is_fast_enough),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
