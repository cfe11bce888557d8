/* The reader of HTTP/1.1 answers: every answer whole and cut after every byte. */
#include "net/http1.h"
#include "unit/assert.h"

struct seen {
    struct buf body;
    size_t headers;
    bool stop;
};

static void on_header(void *ctx, const char *name, const char *value)
{
    struct seen *s = ctx;

    (void)name, (void)value;
    s->headers++;
}

static int on_body(void *ctx, const char *p, size_t len)
{
    struct seen *s = ctx;

    (void)buf_add(&s->body, p, len);
    return s->stop ? -1 : 0;
}

static void begin(struct http1 *h, struct seen *s)
{
    buf_init(&s->body, 1000);
    http1_reset(h);
    h->on_header = on_header;
    h->on_body = on_body;
    h->ctx = s;
}

static const struct row {
    const char *answer;
    bool is_head, eof;
    enum http1_state state;
    int status;
    bool keep;
    const char *body;
    const char *why;
} rows[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",                                          false, false, HTTP1_DONE, 200, true,  "hi",
     "counted body"                                                                                                                                                               },
    {"HTTP/1.1 200 OK\nContent-Length:2\n\nhi",                                                 false, false, HTTP1_DONE, 200, true,  "hi",
     "bare line feeds"                                                                                                                                                            },
    {"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",                                               false, false, HTTP1_DONE, 200, true,  "",
     "no reason phrase"                                                                                                                                                           },
    {"HTTP/1.1 204 No Content\r\n\r\n",                                                         false, false, HTTP1_DONE, 204, true,  "",             "no content"                },
    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",                                  false, false, HTTP1_DONE, 304, true,
     "",                                                                                                                                              "not modified has no body"  },
    {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",                                            true,  false, HTTP1_DONE, 200, true,  "",
     "answer to HEAD"                                                                                                                                                             },
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\nA;x=y\r\n0123456789\r\n0\r\n"
     "X: y\r\n\r\n",                                                                       false, false, HTTP1_DONE, 200, true,  "hi0123456789", "chunks, extension, trailer"},
    {"HTTP/1.1 200 OK\r\n\r\nto the end",                                                       false, true,  HTTP1_DONE, 200, false, "to the end",
     "body until the connection ends"                                                                                                                                             },
    {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi",                                          false, false, HTTP1_DONE, 200, false, "hi",
     "1.0 is not kept"                                                                                                                                                            },
    {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",                       false, false, HTTP1_DONE,
     200,                                                                                                                      false, "",             "close"                     },
    {"HTTP/1.1 100 Continue\r\nX: y\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\nx",
     false,                                                                                            false, HTTP1_DONE, 201, true,  "x",            "an interim answer first"   },
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi",                     false, false,
     HTTP1_DONE,                                                                                                          200, true,  "hi",           "the same length twice"     },
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi",                     false, false, HTTP1_BAD,
     200,                                                                                                                      true,  "",             "two lengths"               },
    {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",                                           false, false, HTTP1_BAD,  200, true,  "",
     "negative length"                                                                                                                                                            },
    {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",                         false, false, HTTP1_BAD,
     200,                                                                                                                      true,  "",             "length beyond 63 bits"     },
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",                                      false, false, HTTP1_BAD,  200, true,  "",
     "encoding nobody asked for"                                                                                                                                                  },
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",                            false, false, HTTP1_BAD,  200,
     true,                                                                                                                            "",             "chunk size is no number"   },
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi!",                           false, true,  HTTP1_BAD,  200,
     true,                                                                                                                            "hi",           "chunk longer than its size"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi",                                          false, true,  HTTP1_BAD,  200, true,  "hi",
     "connection ended within the body"                                                                                                                                           },
    {"HTTP/1.1 200 OK\r\nContent-",                                                             false, true,  HTTP1_BAD,  200, true,  "",
     "connection ended within the headers"                                                                                                                                        },
    {"",                                                                                        false, true,  HTTP1_BAD,  0,   false, "",             "connection ended at once"  },
    {"SSH-2.0-OpenSSH",                                                                         false, false, HTTP1_BAD,  0,   false, "",             "another protocol, no line" },
    {"HTTP/2 200\r\n\r\n",                                                                      false, false, HTTP1_BAD,  0,   false, "",             "another version"           },
    {"HTTP/1.1 20 OK\r\n\r\n",                                                                  false, false, HTTP1_BAD,  0,   false, "",             "status of two digits"      },
    {"HTTP/1.1 2000 OK\r\n\r\n",                                                                false, false, HTTP1_BAD,  0,   false, "",             "status of four digits"     },
    {"HTTP/1.1 101 Switching\r\n\r\n",                                                          false, false, HTTP1_BAD,  0,   true,  "",             "another protocol"          },
};

static void check_row(const struct row *r, size_t piece)
{
    struct http1 h = {0};
    struct seen s = {0};
    size_t len = strlen(r->answer);

    begin(&h, &s);
    h.is_head = r->is_head;
    for (size_t at = 0; at < len; at += piece)
        (void)http1_feed(&h, r->answer + at, len - at < piece ? len - at : piece);
    if (r->eof)
        http1_eof(&h);
    row_check(h.state == r->state, r->why);
    row_check(h.status == r->status, r->why);
    row_check(r->state != HTTP1_DONE || h.keep == r->keep, r->why);
    row_check(strcmp(s.body.p, r->body) == 0, r->why);
    buf_done(&s.body);
    http1_done(&h);
}

static void test_feed_of_answers_in_pieces_of_any_size_ends_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        for (size_t piece = 1; piece <= 40; piece++)
            check_row(&rows[i], piece);
}

static void test_feed_leaves_what_follows_the_answer(void **state)
{
    static const char two[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 500";
    struct http1 h = {0};
    struct seen s = {0};

    (void)state;
    begin(&h, &s);
    assert_int_equal(http1_feed(&h, two, sizeof two - 1), sizeof two - 1 - strlen("HTTP/1.1 500"));
    assert_int_equal(h.state, HTTP1_DONE);
    assert_int_equal(s.headers, 1);
    buf_done(&s.body);
    http1_done(&h);
}

static void test_feed_of_headers_without_end_is_too_large(void **state)
{
    static const char *const lines[] = {"X: y\r\n", "xxxxxx"};

    (void)state;
    for (size_t i = 0; i < ROWS(lines); i++) {
        struct http1 h = {0};
        struct seen s = {0};
        size_t fed = 0;
        begin(&h, &s);
        (void)http1_feed(&h, "HTTP/1.1 200 OK\r\n", 17);
        while (!http1_ended(&h) && fed < 2 * HTTP1_HEADERS_MAX)
            fed += http1_feed(&h, lines[i], strlen(lines[i]));
        assert_int_equal(h.state, HTTP1_TOO_LARGE);
        assert_true(fed <= HTTP1_HEADERS_MAX + 10);
        buf_done(&s.body);
        http1_done(&h);
    }
}

static void test_feed_of_interim_answers_without_end_is_too_large(void **state)
{
    struct http1 h = {0};
    struct seen s = {0};

    (void)state;
    begin(&h, &s);
    for (size_t i = 0; i < HTTP1_HEADERS_MAX && !http1_ended(&h); i++)
        (void)http1_feed(&h, "HTTP/1.1 102 Busy\r\n\r\n", 21);
    assert_int_equal(h.state, HTTP1_TOO_LARGE);
    buf_done(&s.body);
    http1_done(&h);
}

static void test_feed_stops_when_the_sink_asks(void **state)
{
    struct http1 h = {0};
    struct seen s = {.stop = true};

    (void)state;
    begin(&h, &s);
    (void)http1_feed(&h, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhi", 40);
    assert_int_equal(h.state, HTTP1_CUT);
    buf_done(&s.body);
    http1_done(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_feed_of_answers_in_pieces_of_any_size_ends_the_same),
        cmocka_unit_test(test_feed_leaves_what_follows_the_answer),
        cmocka_unit_test(test_feed_of_headers_without_end_is_too_large),
        cmocka_unit_test(test_feed_of_interim_answers_without_end_is_too_large),
        cmocka_unit_test(test_feed_stops_when_the_sink_asks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
