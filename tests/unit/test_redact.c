/* The redactor: what is a secret, every form of it, every place where a piece of text may end. */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/redact.h"
#include "unit/assert.h"

#define SECRET "C4nary-k8s_value.7"

/* Text after the filter; heap. */
static char *filtered(struct redact *r, const char *text, size_t len, bool is_cut)
{
    struct buf out = BUF_INIT(1u << 20);

    if (!redact_text(r, text, len, is_cut, &out))
        (void)buf_add(&out, text, len);
    return buf_steal(&out);
}

static void check_text(struct redact *r, const char *text, const char *expect, const char *why)
{
    AUTO_FREE char *got = filtered(r, text, strlen(text), false);

    if (strcmp(got, expect) != 0)
        fail_msg("row '%s': '%s' became '%s', expected '%s'", why, text, got, expect);
}

static struct redact *with(const char *secret)
{
    struct redact *r = redact_new(NULL, NULL);

    redact_add(r, secret, strlen(secret));
    return r;
}

/* ---- forms ---- */

static const struct {
    const char *secret, *text, *expect, *why;
} forms[] = {
    {SECRET,                    "a " SECRET " b",                                "a *** b",     "as it is"                      },
    {SECRET,                    SECRET,                                          "***",         "nothing else"                  },
    {SECRET,                    SECRET SECRET,                                   "***",         "twice without a gap"           },
    {SECRET,                    "[" SECRET "][" SECRET "]",                      "[***][***]",  "twice"                         },
    {"s3cr3t",                  "x733363723374y",                                "x***y",       "hex"                           },
    {"k\xC3\xA9y-0001",         "k\xC3\xA9y-0001 6BC3A9792D30303031",            "*** ***",     "hex, upper case"               },
    {"p@ss w/rd",               "p%40ss%20w%2Frd p%40ss%20w%2frd p%40ss+w%2Frd", "*** *** ***", "percent"                       },
    {"p@ss'(w)rd",              "p%40ss'(w)rd p%40ss%27%28w%29rd",               "*** ***",     "encodeURIComponent and RFC"    },
    {"p@ss/w;rd",               "p%40ss/w%3Brd p%40ss%2Fw;rd",                   "*** ***",     "Python's quote, Go's userinfo" },
    {"a\"b\\c/d<e",             "\"a\\\"b\\\\c/d<e\"",                           "\"***\"",     "JSON"                          },
    {"a\"b\\c/d<e",             "a\\\"b\\\\c/d\\u003ce",                         "***",         "JSON of Go"                    },
    {"a\"b\\c/d<e",             "a\\\"b\\\\c\\/d<e",                             "***",         "JSON of PHP"                   },
    {"pr\xC3\xBC"
     "fung1",              "pr\\u00fcfung1",                                "***",         "JSON in ASCII"                 },
    {"key\xF0\x9F\x94\x91"
     "key",                "key\\ud83d\\udd11key",                          "***",         "JSON in ASCII, surrogates"     },
    {"tab\there1",              "tab\\there1",                                   "***",         "JSON, control characters"      },
    {"bad\xFF"
     "byte",               "bad\\xFFbyte",                                  "***",         "sanitised"                     },
    {"abcde",                   "abcde",                                         "abcde",       "shorter than six is not hidden"},
    {"abcdef",                  "abcdef",                                        "***",         "six is"                        },
    {"  padded-value \r\n",     "[padded-value]",                                "[***]",       "blanks around it do not count" },
    {"line-one\nline-two\nx\n", "line-two, line-one, x",                         "***, ***, x", "each line of a file"           },
};

static void test_text_hides_each_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(forms); i++) {
        AUTO_PTR(redact_free) struct redact *r = with(forms[i].secret);
        check_text(r, forms[i].text, forms[i].expect, forms[i].why);
    }
}

/* Whatever stands before and behind it: the characters that depend on the secret are gone. */
static void test_text_hides_base64_at_any_offset(void **state)
{
    static const char secret[] = "c4nary?>?>~~\xFE\xFFtail0";
    char *(*const encoders[])(const void *p, size_t len) = {base64_encode, base64url_encode};

    (void)state;
    AUTO_PTR(redact_free) struct redact *r = with(secret);
    for (size_t before = 0; before < 7; before++) {
        for (size_t behind = 0; behind < 7; behind++) {
            AUTO_FREE char *plain =
                xasprintf("%.*s%s%.*s", (int)before, "user:ab", secret, (int)behind, "-suffix");
            for (size_t e = 0; e < ROWS(encoders); e++) {
                AUTO_FREE char *text = encoders[e](plain, strlen(plain));
                AUTO_FREE char *got = filtered(r, text, strlen(text), false);
                /* at most two characters are shared with a neighbour at each end */
                size_t left = strlen(got) - strlen("***");
                size_t most = ((before + behind) * 8 + 5) / 6 + 2 + 3;
                if (!strstr(got, "***") || left > most)
                    fail_msg("%zu before, %zu behind: '%s' became '%s'", before, behind, text, got);
            }
        }
    }
}

/* ---- several secrets ---- */

static void test_text_with_overlapping_secrets_leaves_no_tail(void **state)
{
    static const struct {
        const char *secrets[3], *text, *expect, *why;
    } rows[] = {
        {{"abcdefgh", "efghijkl"}, "<abcdefghijkl>", "<***>",   "one ends inside the other"        },
        {{"abcdef", "abcdefghij"}, "<abcdefghij>",   "<***>",   "one is the beginning of the other"},
        {{"abcdef", "abcdefghij"}, "<abcdefgh>",     "<***gh>", "only the shorter one is there"    },
        {{"defghi", "abcdefghij"}, "<abcdefghij>",   "<***>",   "one is inside the other"          },
        {{"abcabc"},               "<abcabcabc>",    "<***>",   "overlaps itself"                  },
        {{"abcdef", "ghijkl"},     "<abcdefghijkl>", "<***>",   "side by side"                     },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO_PTR(redact_free) struct redact *r = redact_new(NULL, NULL);
        for (size_t k = 0; k < 3 && rows[i].secrets[k]; k++)
            redact_add(r, rows[i].secrets[k], strlen(rows[i].secrets[k]));
        check_text(r, rows[i].text, rows[i].expect, rows[i].why);
    }
}

static void test_text_with_many_secrets_finds_each(void **state)
{
    AUTO_PTR(redact_free) struct redact *r = redact_new(NULL, NULL);

    (void)state;
    for (int i = 0; i < 3000; i++) {
        AUTO_FREE char *secret = xasprintf("same-prefix-%d-x", i);
        redact_add(r, secret, strlen(secret));
    }
    for (int i = 0; i < 3000; i += 7) {
        AUTO_FREE char *text = xasprintf("[same-prefix-%d-x]", i);
        check_text(r, text, "[***]", "one of many");
    }
    check_text(r, "[same-prefix-3000-x]", "[same-prefix-3000-x]", "not one of them");
}

static void test_text_with_a_secret_beyond_the_piece_size_is_hidden(void **state)
{
    size_t len = 3 * REDACT_PIECE_MAX + 77;
    AUTO_FREE char *secret = xmalloc(len + 1);

    (void)state;
    for (size_t i = 0; i < len; i++)
        secret[i] = (char)('a' + (i * i + i / 7) % 26);
    secret[len] = '\0';
    AUTO_PTR(redact_free) struct redact *r = with(secret);
    AUTO_FREE char *text = xasprintf("<%s>", secret);
    AUTO_FREE char *got = filtered(r, text, strlen(text), false);
    assert_string_equal(got, "<***>");
}

static void test_text_with_nul_bytes_is_searched_to_its_end(void **state)
{
    static const char text[] = "a\0b " SECRET "\0" SECRET " c";
    AUTO_PTR(redact_free) struct redact *r = with(SECRET);
    AUTO(buf_done) struct buf out = BUF_INIT(1000);

    (void)state;
    assert_true(redact_text(r, text, sizeof text - 1, false, &out));
    assert_int_equal(out.len, strlen("a0b ***0*** c"));
    assert_memory_equal(out.p, "a\0b ***\0*** c", out.len);
}

static void test_text_without_secrets_leaves_out_alone(void **state)
{
    AUTO_PTR(redact_free) struct redact *r = with(SECRET);
    AUTO(buf_done) struct buf out = BUF_INIT(1000);

    (void)state;
    assert_false(redact_text(r, "nothing here", 12, true, &out));
    assert_false(redact_text(r, "", 0, true, &out));
    assert_false(redact_text(NULL, SECRET, strlen(SECRET), true, &out));
    assert_int_equal(out.len, 0);
}

/* ---- what was cut ---- */

static void test_text_that_was_cut_hides_a_beginning(void **state)
{
    AUTO_PTR(redact_free) struct redact *r = with(SECRET);

    (void)state;
    for (size_t n = 0; n <= strlen(SECRET); n++) {
        AUTO_FREE char *text = xasprintf("value: %.*s", (int)n, SECRET);
        AUTO_FREE char *cut = filtered(r, text, strlen(text), true);
        AUTO_FREE char *whole = filtered(r, text, strlen(text), false);
        assert_string_equal(cut, n < REDACT_MIN ? text : "value: ***");
        assert_string_equal(whole, n < strlen(SECRET) ? text : "value: ***");
    }
}

static void test_error_hides_a_secret_at_its_limit(void **state)
{
    AUTO_PTR(redact_free) struct redact *r = with(SECRET);

    (void)state;
    for (size_t at = sizeof((struct ship_error *)0)->msg - 30; at < 1030; at++) {
        AUTO_FREE char *fill = xcalloc(1, at + 1);
        struct ship_error err = {0};
        memset(fill, 'x', at);
        ship_fail(&err, SHIP_ENGINE, "%s%s and more and more and more", fill, SECRET);
        ship_error_hint(&err, "try %s", SECRET);
        redact_error(r, &err);
        assert_null(strstr(err.msg, "C4nary"));
        assert_string_equal(err.hint, "try ***");
    }
}

static void test_own_replaces_the_string(void **state)
{
    AUTO_PTR(redact_free) struct redact *r = with(SECRET);
    char *none = NULL;
    AUTO_FREE char *text = xstrdup("password " SECRET);

    (void)state;
    redact_own(r, &none);
    redact_own(r, &text);
    assert_null(none);
    assert_string_equal(text, "password ***");
}

/* ---- places ---- */

static void test_text_hides_places_nobody_registered(void **state)
{
    static const struct {
        const char *text, *expect, *why;
    } rows[] = {
        {"postgres://shop:hunter2@db:5432/x",                                         "postgres://shop:***@db:5432/x",        "URL"                 },
        {"redis://:pw@cache",                                                         "redis://:***@cache",                   "no user, short"      },
        {"a://u:p@ss@h b",                                                            "a://u:***@h b",                        "an @ in the password"},
        {"http://host:8080/path",                                                     "http://host:8080/path",                "a port is none"      },
        {"http://host:8080/@x",                                                       "http://host:8080/@x",                  "an @ in the path"    },
        {"see http://h: then a@b",                                                    "see http://h: then a@b",               "an @ further on"     },
        {"://:@",                                                                     "://:@",                                "empty"               },
        {"Authorization: Bearer abc.def",                                             "Authorization: Bearer ***",            "header"              },
        {"authorization=abc",                                                         "authorization=***",                    "no scheme"           },
        {"{\"Authorization\": \"Basic dTpw\", \"a\": 1}",
         "{\"Authorization\": \"Basic ***\", \"a\": 1}",                                                                      "in JSON"             },
        {"Authorization: authorization: x",                                           "Authorization: authorization: ***",    "repeated"            },
        {"engine said DB_PASSWORD=hunter22 and more",                                 "engine said DB_PASSWORD=*** and more",
         "assigned"                                                                                                                                 },
        {"a=1;API_TOKEN=\"x y zzz\";b=2",                                             "a=1;API_TOKEN=\"***\";b=2",            "assigned, quoted"    },
        {"\"PGPASSWORD=hunter22\",\"A=hunter22\"",                                    "\"PGPASSWORD=***\",\"A=hunter22\"",
         "in a list"                                                                                                                                },
        {"PASSWORD=${DB_PASSWORD:?not set}",                                          "PASSWORD=${DB_PASSWORD:?not set}",     "a reference"         },
        {"TOKEN_FILE=/run/token TOKEN=short",                                         "TOKEN_FILE=/run/token TOKEN=short",
         "a setting; short"                                                                                                                         },
        {"=hunter22 ==",                                                              "=hunter22 ==",                         "no name"             },
        {"authorization failed",                                                      "authorization failed",                 "only the word"       },
        {"Authorization:\nnext",                                                      "Authorization:\nnext",                 "empty header"        },
        {"k: -----BEGIN PRIVATE KEY-----\nMIIB\nAAo=\n-----END PRIVATE KEY-----\nok", "k: ***\nok",
         "PEM"                                                                                                                                      },
        {"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIB",           "***",                                  "without end"         },
        {"-----BEGIN EC PRIVATE KEY-----\nMIIB\nall is well\nMIIB",                   "***all is well\nMIIB",
         "broken off"                                                                                                                               },
        {"-----BEGIN PRIVATE KEY-----\\nMII\\n-----END PRIVATE KEY-----\\n",          "***\\n",                               "one line"            },
        {"-----BEGIN CERTIFICATE-----\nMIIB",                                         "-----BEGIN CERTIFICATE-----\nMIIB",    "not private"         },
    };

    (void)state;
    AUTO_PTR(redact_free) struct redact *r = redact_new(NULL, NULL);
    for (size_t i = 0; i < ROWS(rows); i++)
        check_text(r, rows[i].text, rows[i].expect, rows[i].why);
}

/* ---- streams ---- */

static void collect_out(void *ctx, const char *p, size_t len)
{
    (void)buf_add(ctx, p, len);
}

static void check_split(struct redact *r, const char *text, const size_t at[2], const char *expect)
{
    AUTO(buf_done) struct buf out = BUF_INIT(1u << 20);
    struct redact_stream s;
    size_t len = strlen(text);

    redact_stream_init(&s, r, collect_out, &out);
    redact_stream_add(&s, text, at[0]);
    redact_stream_add(&s, text + at[0], at[1] - at[0]);
    redact_stream_add(&s, text + at[1], len - at[1]);
    redact_stream_finish(&s);
    if (strcmp(out.p, expect) != 0)
        fail_msg("split at %zu and %zu: '%s'", at[0], at[1], out.p);
}

static void test_stream_split_anywhere_equals_the_whole(void **state)
{
    static const char text[] =
        "PW=" SECRET "\nurl postgres://u:pw@h/\nQzRuYXJ5LWs4c192YWx1ZS43 43346e6172792d6b38735f7661"
        "6c75652e37\n-----BEGIN PRIVATE KEY-----\nMII=\n-----END PRIVATE KEY-----\n"
        "Authorization: Bearer x\nend " SECRET;
    static const char expect[] =
        "PW=***\nurl postgres://u:***@h/\n*** ***\n***\nAuthorization: Bearer ***\nend ***";
    AUTO_PTR(redact_free) struct redact *r = with(SECRET);

    (void)state;
    check_text(r, text, expect, "the whole");
    for (size_t a = 0; a < sizeof text; a++)
        for (size_t b = a; b < sizeof text; b += 5)
            check_split(r, text, (const size_t[]){a, b}, expect);
}

static void test_stream_byte_by_byte_equals_the_whole(void **state)
{
    static const char text[] = "x" SECRET "y\n" SECRET SECRET "\n\n" SECRET;
    AUTO_PTR(redact_free) struct redact *r = with(SECRET);
    AUTO(buf_done) struct buf out = BUF_INIT(1000);
    struct redact_stream s;

    (void)state;
    redact_stream_init(&s, r, collect_out, &out);
    for (size_t i = 0; i < sizeof text - 1; i++)
        redact_stream_add(&s, text + i, 1);
    redact_stream_finish(&s);
    assert_string_equal(out.p, "x***y\n***\n\n***");
}

/* A line longer than what waits: a secret lies across each place where it may be divided. */
static void test_stream_of_an_endless_line_hides_secrets(void **state)
{
    AUTO_PTR(redact_free) struct redact *r = with(SECRET);

    (void)state;
    for (size_t at = REDACT_WAIT_MAX - 40; at < REDACT_WAIT_MAX + 10; at++) {
        AUTO(buf_done) struct buf text = BUF_INIT(1u << 20), out = BUF_INIT(1u << 20);
        struct redact_stream s;
        for (size_t i = 0; i < at; i++)
            (void)buf_addc(&text, 'x');
        (void)buf_adds(&text, SECRET SECRET "yyyy");
        for (size_t i = 0; i < at; i++)
            (void)buf_addc(&text, 'z');
        redact_stream_init(&s, r, collect_out, &out);
        for (size_t i = 0; i < text.len; i += 1000)
            redact_stream_add(&s, text.p + i, text.len - i < 1000 ? text.len - i : 1000);
        redact_stream_finish(&s);
        assert_null(strstr(out.p, "C4n"));
        assert_non_null(strstr(out.p, "x***yyyyz"));
        assert_int_equal(out.len, 2 * at + strlen("***yyyy"));
    }
}

/* As much as may wait is between the two ends of a key, which nothing may divide. */
static void test_stream_hides_a_key_wherever_it_begins(void **state)
{
    static const char key[] =
        "-----BEGIN PRIVATE KEY-----\nMIIB\nAAo=\n-----END PRIVATE KEY-----\n";
    AUTO_PTR(redact_free) struct redact *r = with(SECRET);

    (void)state;
    for (size_t lines = REDACT_WAIT_MAX / 8 - 10; lines < REDACT_WAIT_MAX / 8 + 2; lines++) {
        AUTO(buf_done) struct buf text = BUF_INIT(1u << 20), out = BUF_INIT(1u << 20);
        struct redact_stream s;
        for (size_t i = 0; i < lines; i++)
            (void)buf_adds(&text, "1234567\n");
        (void)buf_adds(&text, key);
        redact_stream_init(&s, r, collect_out, &out);
        for (size_t i = 0; i < text.len; i++)
            redact_stream_add(&s, text.p + i, 1);
        redact_stream_finish(&s);
        assert_int_equal(out.len, 8 * lines + strlen("***\n"));
    }
}

static void test_stream_of_keys_without_end_is_searched_in_linear_time(void **state)
{
    AUTO_PTR(redact_free) struct redact *r = with(SECRET);
    AUTO(buf_done) struct buf out = BUF_INIT(1u << 22);
    struct redact_stream s;
    clock_t began = clock();

    (void)state;
    redact_stream_init(&s, r, collect_out, &out);
    for (size_t i = 0; i < 1u << 20; i += 2) {
        if (i % 4096 == 0)
            redact_stream_add(&s, "-----BEGIN PRIVATE KEY-----\n", 28);
        redact_stream_add(&s, "A\n", 2);
    }
    redact_stream_finish(&s);
    assert_null(strstr(out.p, "A\n"));
    /* seconds; searching again for each line takes minutes */
    assert_true((clock() - began) / CLOCKS_PER_SEC < 20);
}

static void test_stream_without_a_redactor_passes_everything(void **state)
{
    AUTO(buf_done) struct buf out = BUF_INIT(1000);
    struct redact_stream s;

    (void)state;
    redact_stream_init(&s, NULL, collect_out, &out);
    redact_stream_add(&s, SECRET, strlen(SECRET));
    redact_stream_finish(&s);
    assert_string_equal(out.p, SECRET);
}

/* ---- names ---- */

static void test_is_secret_tells_by_name_and_value(void **state)
{
    static const struct {
        const char *name, *value;
        bool is_secret;
    } rows[] = {
        {"POSTGRES_PASSWORD",          "hunter2",                           true },
        {"PGPASSWORD",                 "hunter2",                           true },
        {"MYSQL_PWD",                  "hunter2",                           true },
        {"REDISCLI_AUTH",              "a1b2c3",                            true },
        {"SECRET_KEY_BASE",            "a1b2c3",                            true },
        {"API_KEY",                    "sk_live_1",                         true },
        {"apiKey",                     "sk_live_1",                         true },
        {"accessToken",                "abcdef",                            true },
        {"GITHUB_TOKEN",               "ghp_abc",                           true },
        {"AWS_SECRET_ACCESS_KEY",      "wJalrXUtnFEMI/K7MDENG",             true },
        {"SENTRY_DSN",                 "https://abc@o1.example.com/1",      true },
        {"SLACK_WEBHOOK_URL",          "https://hooks.example.com/T0/B0/x", true },
        {"db.password",                "production",                        true },
        {"Authorization",              "Bearer x",                          true },
        {"TOKENS",                     "abcdef",                            true },
        {"PASSWORD2",                  "abcdef",                            true },
        {"NODE_ENV",                   "production",                        false},
        {"PORT",                       "8080",                              false},
        {"POSTGRES_PASSWORD_FILE",     "/run/secrets/db",                   false},
        {"TOKEN_TTL",                  "360000",                            false},
        {"CACHE_KEY",                  "shop-cache",                        false},
        {"SIGNING_KEY",                "/etc/shop/signing.key",             false},
        {"AUTH",                       "disabled",                          false},
        {"MYSQL_RANDOM_ROOT_PASSWORD", "enabled",                           false},
        {"PUBLIC_KEY",                 "ssh-ed25519 AAAA",                  false},
        {"MONKEY",                     "gr8 ape",                           false},
        {"KEYBOARD_LAYOUT",            "de-1234",                           false},
        {"AUTHOR",                     "Wei 123",                           false},
        {"SECRETARY",                  "Ana 123",                           false},
        {"PASSENGERS",                 "12 or more",                        false},
        {"PWD",                        "/srv/Secret1",                      false},
        {"SSH_AUTH_SOCK",              "/run/ssh-X/agent.1",                false},
        {"TOKENIZER",                  "whitespace",                        false},
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        row_check(redact_is_secret(rows[i].name, rows[i].value) == rows[i].is_secret, rows[i].name);
}

static void test_add_pair_takes_passwords_out_of_values(void **state)
{
    static const struct {
        const char *pair, *text, *expect, *why;
    } rows[] = {
        {"DATABASE_URL=postgres://shop:hunter22@db/x", "auth of hunter22 at db",
         "auth of *** at db",                                                                  "the password of a URL, wherever it is"},
        {"U=amqp://a:p%40ss%21w@mq",                   "p@ss!w p%40ss%21w",      "*** ***",    "and what it means"                    },
        {"CONN=host=db password=hunter22 user=x",      "hunter22",               "***",        "libpq"                                },
        {"CONN=Server=db;Password=hunter22;User=x",    "hunter22 Server",        "*** Server", "ADO"                                  },
        {"NODE_ENV=production",                        "production",             "production", "a setting"                            },
        {"PORT=808080",                                "808080",                 "808080",     "a number"                             },
        {"NAME_ONLY",                                  "NAME_ONLY",              "NAME_ONLY",  "no value"                             },
        {"X_AUTHORIZATION=Basic dXNlcjpodW50ZXIyMg==", "hunter22",               "***",        "what base64 holds"                    },
        {"API_TOKEN=Bearer abcdef1",                   "abcdef1",                "***",        "without its scheme"                   },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO_PTR(redact_free) struct redact *r = redact_new(NULL, NULL);
        redact_add_pair(r, rows[i].pair);
        check_text(r, rows[i].text, rows[i].expect, rows[i].why);
    }
}

static void test_add_json_takes_members_and_lists(void **state)
{
    static const char doc[] =
        "{\"services\":{\"a\":{\"environment\":{\"DB_PASSWORD\":\"from-map1\","
        "\"MODE\":\"production\"},\"secrets\":[{\"source\":\"db_password\"}]}},"
        "\"Env\":[\"API_TOKEN=from-list1\",\"PATH=/usr/bin\"]}";
    struct ship_error err = {0};
    AUTO_PTR(json_free) struct json *j = json_parse(doc, sizeof doc - 1, "doc", &err);
    AUTO_PTR(redact_free) struct redact *r = redact_new(NULL, NULL);

    (void)state;
    redact_add_json(r, j);
    redact_add_json(r, NULL);
    check_text(r, "from-map1 from-list1 production /usr/bin db_password",
               "*** *** production /usr/bin db_password", "document");
}

static void test_keep_saves_the_names_of_things(void **state)
{
    AUTO_PTR(redact_free) struct redact *r = with("postgres");

    (void)state;
    redact_add(r, "postgres-9x", 11);
    check_text(r, "cannot pull postgres", "cannot pull ***", "before");
    redact_keep(r, "registry.example.com/postgres");
    check_text(r, "cannot pull postgres", "cannot pull postgres", "the name of an image");
    check_text(r, "postgres-9x", "***", "a secret that only begins so");
}

static void test_assigned_finds_the_value_of_a_line(void **state)
{
    static const struct {
        const char *line;
        size_t at; /* 0: none */
    } rows[] = {
        {"      DB_PASSWORD: hunter2",  19},
        {"      - DB_PASSWORD=hunter2", 20},
        {"\"api_key\": x",              11},
        {"env: {A: b, API_KEY: [x]}",   21},
        {"url=http://h DB_PASSWORD=x",  25},
        {"NODE_ENV: production",        0 },
        {"no separator PASSWORD",       0 },
        {"PASSWORD_FILE: /run/x",       0 },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        size_t len = strlen(rows[i].line);
        row_check(redact_assigned(rows[i].line, len) == (rows[i].at ? rows[i].at : len),
                  rows[i].line);
    }
}

/* ---- when ---- */

static void collect_more(struct redact *r, void *ctx)
{
    int *calls = ctx;
    AUTO_FREE char *secret = xasprintf("collected-%d", ++*calls);

    redact_add(r, secret, strlen(secret));
}

static void test_collect_is_called_when_needed_and_after_stale(void **state)
{
    int calls = 0;
    AUTO_PTR(redact_free) struct redact *r = redact_new(collect_more, &calls);

    (void)state;
    redact_add(r, SECRET, strlen(SECRET));
    assert_int_equal(calls, 0);
    check_text(r, "collected-1 " SECRET, "*** ***", "first text");
    check_text(r, "collected-2", "collected-2", "not called again");
    redact_stale(r);
    check_text(r, "collected-2 collected-1", "*** ***", "after stale");
    assert_int_equal(calls, 2);
}

static void *add_and_filter(void *ctx)
{
    for (int i = 0; i < 200; i++) {
        AUTO_FREE char *secret = xasprintf("thread-secret-%d", i);
        redact_add(ctx, secret, strlen(secret));
        AUTO_FREE char *got = filtered(ctx, secret, strlen(secret), false);
        if (strcmp(got, "***") != 0)
            return ctx;
    }
    return NULL;
}

static void test_threads_may_add_and_filter_at_once(void **state)
{
    AUTO_PTR(redact_free) struct redact *r = redact_new(NULL, NULL);
    pthread_t threads[8];

    (void)state;
    for (size_t i = 0; i < ROWS(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_and_filter, r), 0);
    for (size_t i = 0; i < ROWS(threads); i++) {
        void *failed;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_hides_each_form),
        cmocka_unit_test(test_text_hides_base64_at_any_offset),
        cmocka_unit_test(test_text_with_overlapping_secrets_leaves_no_tail),
        cmocka_unit_test(test_text_with_many_secrets_finds_each),
        cmocka_unit_test(test_text_with_a_secret_beyond_the_piece_size_is_hidden),
        cmocka_unit_test(test_text_with_nul_bytes_is_searched_to_its_end),
        cmocka_unit_test(test_text_without_secrets_leaves_out_alone),
        cmocka_unit_test(test_text_that_was_cut_hides_a_beginning),
        cmocka_unit_test(test_error_hides_a_secret_at_its_limit),
        cmocka_unit_test(test_own_replaces_the_string),
        cmocka_unit_test(test_text_hides_places_nobody_registered),
        cmocka_unit_test(test_stream_split_anywhere_equals_the_whole),
        cmocka_unit_test(test_stream_byte_by_byte_equals_the_whole),
        cmocka_unit_test(test_stream_of_an_endless_line_hides_secrets),
        cmocka_unit_test(test_stream_hides_a_key_wherever_it_begins),
        cmocka_unit_test(test_stream_of_keys_without_end_is_searched_in_linear_time),
        cmocka_unit_test(test_stream_without_a_redactor_passes_everything),
        cmocka_unit_test(test_is_secret_tells_by_name_and_value),
        cmocka_unit_test(test_add_pair_takes_passwords_out_of_values),
        cmocka_unit_test(test_add_json_takes_members_and_lists),
        cmocka_unit_test(test_keep_saves_the_names_of_things),
        cmocka_unit_test(test_assigned_finds_the_value_of_a_line),
        cmocka_unit_test(test_collect_is_called_when_needed_and_after_stale),
        cmocka_unit_test(test_threads_may_add_and_filter_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
