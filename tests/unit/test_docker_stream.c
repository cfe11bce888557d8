/*
 * Stream decoders: concatenated JSON and log frames, cut at every place, with bad input.
 */
#include "docker/stream.h"
#include "unit/assert.h"

/* ---- JSON ---- */

struct taken {
    struct buf text;
    int stop_after;
};

static int take(void *ctx, const struct json *object)
{
    struct taken *t = ctx;
    AUTO_FREE char *text = json_print(object);

    (void)buf_addf(&t->text, "%s;", text);
    return t->stop_after > 0 && --t->stop_after == 0;
}

/* Feed text in pieces of `piece` bytes. */
static enum json_stream_fault feed(const char *text, size_t len, size_t piece, struct taken *t,
                                   bool *ret_complete)
{
    struct json_stream s;

    json_stream_init(&s, take, t);
    for (size_t at = 0; at < len; at += piece)
        if (json_stream_feed(&s, text + at, len - at < piece ? len - at : piece) != 0)
            break;
    enum json_stream_fault fault = s.fault;
    *ret_complete = json_stream_complete(&s);
    json_stream_done(&s);
    return fault;
}

static void test_json_stream_in_pieces_of_any_size_gives_the_same(void **state)
{
    static const struct {
        const char *in, *out;
        enum json_stream_fault fault;
        bool complete;
        const char *why;
    } rows[] = {
        {"{\"a\":1}\r\n{\"b\":2}\r\n", "{\"a\":1};{\"b\":2};",    JSON_STREAM_OK,  true,  "lines"        },
        {"{\"a\":1}{\"b\":2}",         "{\"a\":1};{\"b\":2};",    JSON_STREAM_OK,  true,  "no breaks"    },
        {"{\"a\":\n{\"b\":[1,\n2]}}",  "{\"a\":{\"b\":[1,2]}};",  JSON_STREAM_OK,  true,
         "breaks inside"                                                                                 },
        {"{\"a\":\"}{\\\"\\\\\"}",     "{\"a\":\"}{\\\"\\\\\"};", JSON_STREAM_OK,  true,
         "braces in text"                                                                                },
        {"",                           "",                        JSON_STREAM_OK,  true,  "nothing"      },
        {" \t\r\n ",                   "",                        JSON_STREAM_OK,  true,  "blanks"       },
        {"{\"a\":1}{\"b\"",            "{\"a\":1};",              JSON_STREAM_OK,  false, "cut"          },
        {"{\"a\":1}x",                 "{\"a\":1};",              JSON_STREAM_BAD, false, "garbage"      },
        {"[1]",                        "",                        JSON_STREAM_BAD, false, "array"        },
        {"1",                          "",                        JSON_STREAM_BAD, false, "number"       },
        {"{]",                         "",                        JSON_STREAM_BAD, false, "wrong bracket"},
        {"{\"a\":tru}",                "",                        JSON_STREAM_BAD, false, "bad word"     },
        {"{\"a\":\"\\u0000\"}",        "",                        JSON_STREAM_BAD, false, "NUL escape"   },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        for (size_t piece = 1; piece <= 40; piece++) {
            struct taken t = {.text = BUF_INIT(1000)};
            bool complete;
            enum json_stream_fault fault =
                feed(rows[i].in, strlen(rows[i].in), piece, &t, &complete);
            row_check(fault == rows[i].fault && complete == rows[i].complete, rows[i].why);
            row_check(strcmp(t.text.p, rows[i].out) == 0, rows[i].why);
            buf_done(&t.text);
        }
}

static void test_json_stream_with_nul_byte_is_bad(void **state)
{
    struct taken t = {.text = BUF_INIT(1000)};
    bool complete;

    (void)state;
    assert_int_equal(feed("\0{}", 3, 3, &t, &complete), JSON_STREAM_BAD);
    assert_int_equal(feed("{\"a\":\"\0\"}", 9, 3, &t, &complete), JSON_STREAM_BAD);
    buf_done(&t.text);
}

static void test_json_stream_stops_when_the_sink_says_so(void **state)
{
    struct taken t = {.text = BUF_INIT(1000), .stop_after = 1};
    bool complete;

    (void)state;
    assert_int_equal(feed("{}{}", 4, 4, &t, &complete), JSON_STREAM_STOPPED);
    assert_string_equal(t.text.p, "{};");
    buf_done(&t.text);
}

static void test_json_stream_object_over_the_limit_is_refused(void **state)
{
    AUTO_FREE char *big = xmalloc(JSON_STREAM_OBJECT_MAX + 2);
    struct taken t = {.text = BUF_INIT(JSON_STREAM_OBJECT_MAX * 2)};
    bool complete;

    (void)state;
    memset(big, 'x', JSON_STREAM_OBJECT_MAX + 2);
    /* No strings but pieces of a document: NOLINTBEGIN(bugprone-not-null-terminated-result) */
    memcpy(big, "{\"a\":\"", 6);
    memcpy(big + JSON_STREAM_OBJECT_MAX - 2, "\"}", 2);
    assert_int_equal(feed(big, JSON_STREAM_OBJECT_MAX, 4096, &t, &complete), JSON_STREAM_OK);
    assert_true(complete);
    big[JSON_STREAM_OBJECT_MAX - 2] = big[JSON_STREAM_OBJECT_MAX - 1] = 'x';
    memcpy(big + JSON_STREAM_OBJECT_MAX, "\"}", 2);
    /* NOLINTEND(bugprone-not-null-terminated-result) */
    assert_int_equal(feed(big, JSON_STREAM_OBJECT_MAX + 2, 4096, &t, &complete), JSON_STREAM_LARGE);
    buf_done(&t.text);
}

static void test_json_stream_deep_nesting_is_refused(void **state)
{
    AUTO(buf_done) struct buf deep = BUF_INIT(10000);
    struct taken t = {.text = BUF_INIT(1000)};
    bool complete;

    (void)state;
    for (int i = 0; i < 1000; i++)
        (void)buf_adds(&deep, "{\"a\":");
    (void)buf_adds(&deep, "1");
    for (int i = 0; i < 1000; i++)
        (void)buf_adds(&deep, "}");
    assert_int_equal(feed(deep.p, deep.len, 100, &t, &complete), JSON_STREAM_BAD);
    buf_done(&t.text);
}

/* ---- frames ---- */

static int collect(void *ctx, int is_stderr, const char *p, size_t len)
{
    struct taken *t = ctx;

    for (size_t i = 0; i < len; i++)
        (void)buf_addf(&t->text, "%d%c", is_stderr, p[i]);
    return t->stop_after > 0 && --t->stop_after == 0;
}

#define OUT(n) "\1\0\0\0\0\0\0" n
#define ERR(n) "\2\0\0\0\0\0\0" n

static void test_log_frames_in_pieces_of_any_size_give_the_same(void **state)
{
    static const struct {
        const char *in;
        size_t len;
        bool raw;
        const char *out;
        int rc;
        bool complete;
        const char *why;
    } rows[] = {
        {OUT("\2") "ab" ERR("\1") "c", 19, false, "0a0b1c",    0,  true,  "two frames"    },
        {"\0\0\0\0\0\0\0\1x",          9,  false, "0x",        0,  true,  "stdin's number"},
        {OUT("\0") OUT("\1") "z",      17, false, "0z",        0,  true,  "empty frame"   },
        {"",                           0,  false, "",          0,  true,  "nothing"       },
        {OUT("\5") "ab",               10, false, "0a0b",      0,  false, "payload cut"   },
        {"\1\0\0",                     3,  false, "",          0,  false, "header cut"    },
        {"\3\0\0\0\0\0\0\1x",          9,  false, "",          -1, false, "stream 3"      },
        {"\1\0\0\1\0\0\0\1x",          9,  false, "",          -1, false, "reserved bytes"},
        {"\1\0\0\0\x7f\0\0\0x",        9,  false, "",          -1, false, "2 GiB frame"   },
        {"plain text\n",               11, false, "",          -1, false, "no frames"     },
        {"\1ab",                       3,  true,  "0\0010a0b", 0,  true,  "terminal"      },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        for (size_t piece = 1; piece <= 20; piece++) {
            struct taken t = {.text = BUF_INIT(1000)};
            struct log_frames f;
            int rc = 0;
            log_frames_init(&f, rows[i].raw, collect, &t);
            for (size_t at = 0; at < rows[i].len && rc == 0; at += piece)
                rc = log_frames_feed(&f, rows[i].in + at,
                                     rows[i].len - at < piece ? rows[i].len - at : piece);
            row_check(rc == rows[i].rc, rows[i].why);
            row_check(log_frames_complete(&f) == rows[i].complete, rows[i].why);
            row_check(strcmp(t.text.p, rows[i].out) == 0, rows[i].why);
            buf_done(&t.text);
        }
}

static void test_log_frames_stop_when_the_sink_says_so(void **state)
{
    struct taken t = {.text = BUF_INIT(100), .stop_after = 1};
    struct log_frames f;

    (void)state;
    log_frames_init(&f, false, collect, &t);
    assert_int_equal(log_frames_feed(&f, OUT("\1") "a" OUT("\1") "b", 18), 1);
    assert_string_equal(t.text.p, "0a");
    buf_done(&t.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_stream_in_pieces_of_any_size_gives_the_same),
        cmocka_unit_test(test_json_stream_with_nul_byte_is_bad),
        cmocka_unit_test(test_json_stream_stops_when_the_sink_says_so),
        cmocka_unit_test(test_json_stream_object_over_the_limit_is_refused),
        cmocka_unit_test(test_json_stream_deep_nesting_is_refused),
        cmocka_unit_test(test_log_frames_in_pieces_of_any_size_give_the_same),
        cmocka_unit_test(test_log_frames_stop_when_the_sink_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
