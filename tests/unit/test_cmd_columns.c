/* Text for people: safe and clipped text, tables, styles, times. */
#include "card.h"
#include "columns.h"
#include "style.h"
#include "text.h"
#include "unit/assert.h"

static const struct style plain = {false, false};
static const struct style rich = {true, true};

static void test_columns_format_aligns_cells_and_chinese(void **state)
{
    static const struct column heads[] = {
        {"NAME", COLUMN_LEFT },
        {"SIZE", COLUMN_RIGHT},
        {"WHY",  COLUMN_LEFT }
    };
    struct columns c;
    struct text t = {0};

    (void)state;
    columns_init(&c, heads, 3);
    columns_add(&c, "app");
    columns_add(&c, "18 MB");
    columns_add(&c, "running");
    columns_add(&c, "数据库");
    columns_addf(&c, "%d B", 5);
    columns_add(&c, "");
    columns_add(&c, NULL);
    columns_add(&c, "evil\033[2J\nx");
    columns_add_tone(&c, TONE_GOOD, "end");
    columns_format(&c, &plain, 1, &t);
    assert_string_equal(text_str(&t), " NAME      SIZE  WHY\n"
                                      " app      18 MB  running\n"
                                      " 数据库     5 B  -\n"
                                      " -       evil x  end\n");
    columns_done(&c);
    text_done(&t);
}

static void test_columns_format_colours_only_the_text(void **state)
{
    static const struct column heads[] = {
        {"A", COLUMN_LEFT},
        {"B", COLUMN_LEFT}
    };
    struct columns c;
    struct text t = {0};

    (void)state;
    columns_init(&c, heads, 2);
    columns_add_tone(&c, TONE_BAD, "no");
    columns_add(&c, "x");
    columns_format(&c, &rich, 0, &t);
    assert_string_equal(text_str(&t), "\033[2mA\033[0m   \033[2mB\033[0m\n"
                                      "\033[31mno\033[0m  x\n");
    columns_done(&c);
    text_done(&t);
}

static void test_text_add_clipped_cuts_at_cells(void **state)
{
    static const struct {
        const char *in;
        size_t cells;
        const char *out, *why;
    } rows[] = {
        {"short",           10, "short",      "fits"                         },
        {"exactly10!",      10, "exactly10!", "fits exactly"                 },
        {"longer than ten", 10, "longer ...", "cut, with the ellipsis inside"},
        {"数据库服务", 7,  "数据...",  "two cells each"               },
        {"数据库服务", 6,  "数...",     "half a character does not fit"},
        {"abc",             2,  "ab",         "no room for the ellipsis"     },
        {"abc",             0,  "",           "no room at all"               },
        {"a\tb\nc",         9,  "a b c",      "one line"                     },
        {"\xFF",            9,  "\\xFF",      "invalid bytes are named"      },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct text t = {0};

        text_add_clipped(&t, rows[i].in, rows[i].cells, "...");
        if (strcmp(text_str(&t), rows[i].out) != 0)
            fail_msg("row '%s': got '%s'", rows[i].why, text_str(&t));
        text_done(&t);
    }
}

static void test_text_add_safe_lines_prefixes_each_line(void **state)
{
    struct text t = {0};

    (void)state;
    text_add_safe_lines(&t, "| ", "a\n\n\033[31mb\033[0m");
    assert_string_equal(text_str(&t), "| a\n| \n| b\n");
    text_done(&t);
    text_add_safe_lines(&t, "| ", "");
    assert_string_equal(text_str(&t), "");
    text_done(&t);
}

static void test_style_decide_follows_the_environment(void **state)
{
    static const struct {
        struct style_input in;
        bool color;
        const char *why;
    } rows[] = {
        {{.is_tty = true, .term = "xterm"},                      true,  "a terminal"              },
        {{.is_tty = false, .term = "xterm"},                     false, "a pipe"                  },
        {{.is_tty = true, .term = "dumb"},                       false, "TERM=dumb"               },
        {{.is_tty = true},                                       false, "no TERM"                 },
        {{.is_tty = true, .term = "xterm", .no_color = "1"},     false, "NO_COLOR"                },
        {{.is_tty = true, .term = "xterm", .no_color = ""},      true,  "NO_COLOR empty is unset" },
        {{.is_tty = true, .term = "xterm", .clicolor = "0"},     false, "CLICOLOR=0"              },
        {{.is_tty = true, .term = "xterm", .clicolor = "1"},     true,  "CLICOLOR=1"              },
        {{.clicolor_force = "1"},                                true,  "CLICOLOR_FORCE in a pipe"},
        {{.clicolor_force = "0"},                                false, "CLICOLOR_FORCE=0"        },
        {{.clicolor_force = "1", .no_color = "1"},               false, "NO_COLOR wins"           },
        {{.mode = COLOR_ALWAYS, .no_color = "1"},                true,  "the option wins"         },
        {{.mode = COLOR_NEVER, .is_tty = true, .term = "xterm"}, false, "the option says no"      },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        row_check(style_decide(&rows[i].in).color == rows[i].color, rows[i].why);
}

static void test_style_mark_is_ascii_without_utf8(void **state)
{
    (void)state;
    for (int m = MARK_OK; m <= MARK_CUT; m++)
        for (const char *c = style_mark(&plain, (enum mark)m); *c != '\0'; c++)
            assert_true(*c > 0);
    assert_string_equal(style_mark(&rich, MARK_OK), "✓");
}

static void test_card_ago_names_one_unit(void **state)
{
    static const struct {
        int64_t at_ms, now_ms;
        const char *out;
    } rows[] = {
        {0,      1000000,   "never"    },
        {1000,   1500,      "0 s ago"  },
        {1000,   60999,     "59 s ago" },
        {1000,   181000,    "3 min ago"},
        {1000,   7201000,   "2 h ago"  },
        {1000,   172801000, "2 d ago"  },
        {181000, 1000,      "in 3 min" },
    };
    char out[48];

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_string_equal(card_ago(rows[i].at_ms, rows[i].now_ms, out), rows[i].out);
}

static void test_card_version_shortens_the_digest(void **state)
{
    char out[256];

    (void)state;
    assert_string_equal(card_version("v1", "sha256:0123456789abcdef", out),
                        "v1 (sha256:0123456789ab)");
    assert_string_equal(card_version("v1", NULL, out), "v1");
    assert_string_equal(card_version(NULL, "sha256:0123", out), "sha256:0123");
    assert_string_equal(card_version("sha256:0123", "sha256:0123", out), "sha256:0123");
    assert_string_equal(card_version(NULL, NULL, out), "-");
}

static void test_card_problems_shows_errors_first(void **state)
{
    static const struct ship_problem problems[] = {
        {false, "shipctl.yaml:3:1",        "'x' is not used\033[2J", NULL                },
        {true,  "docker-compose.yml:12:5", "unknown key 'imag'",     "    imag: x\n    ^"},
    };
    struct text t = {0};

    (void)state;
    card_problems(&t, &plain, problems, 2, "");
    assert_string_equal(text_str(&t), "docker-compose.yml:12:5: error: unknown key 'imag'\n"
                                      "      imag: x\n"
                                      "      ^\n"
                                      "shipctl.yaml:3:1: warning: 'x' is not used\n");
    text_clear(&t);
    card_problems(&t, &plain, problems, 2, "docker-compose.yml:12:5: unknown key 'imag'\n");
    assert_string_equal(text_str(&t), "      imag: x\n"
                                      "      ^\n"
                                      "shipctl.yaml:3:1: warning: 'x' is not used\n");
    text_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns_format_aligns_cells_and_chinese),
        cmocka_unit_test(test_columns_format_colours_only_the_text),
        cmocka_unit_test(test_text_add_clipped_cuts_at_cells),
        cmocka_unit_test(test_text_add_safe_lines_prefixes_each_line),
        cmocka_unit_test(test_style_decide_follows_the_environment),
        cmocka_unit_test(test_style_mark_is_ascii_without_utf8),
        cmocka_unit_test(test_card_ago_names_one_unit),
        cmocka_unit_test(test_card_version_shortens_the_digest),
        cmocka_unit_test(test_card_problems_shows_errors_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
