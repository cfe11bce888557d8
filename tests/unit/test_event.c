/* The event stream: order of sinks, time stamps, messages. */
#include "shipctl/event.h"

#include "unit/assert.h"

struct recorder {
    struct ship_sink sink; /* first member */
    unsigned calls;
    int64_t at_ms;
    enum ship_level level;
    enum ship_event_kind kind;
    size_t text_len;
    char text[64]; /* the beginning */
    unsigned *order;
    unsigned turn;
};

static void record(struct ship_sink *sink, const struct ship_event *event)
{
    struct recorder *r = (struct recorder *)sink;

    r->calls++;
    r->at_ms = event->at_ms;
    r->level = event->level;
    r->kind = event->kind;
    r->text_len = strlen(event->text);
    strncpy(r->text, event->text, sizeof r->text - 1);
    r->turn = r->order != NULL ? ++*r->order : 0;
}

static void test_emit_reaches_each_sink_in_order(void **state)
{
    unsigned order = 0;
    struct recorder a = {.sink = {record}, .order = &order};
    struct recorder b = {.sink = {record}, .order = &order};
    struct ship_events events = {0};

    (void)state;
    ship_events_add(&events, &a.sink);
    ship_events_add(&events, &b.sink);
    ship_emit(&events, &(struct ship_event){.kind = SHIP_EVENT_STEP_BEGIN, .text = "x"});
    assert_int_equal(a.turn, 1);
    assert_int_equal(b.turn, 2);
    assert_int_equal(b.kind, SHIP_EVENT_STEP_BEGIN);
}

static void test_emit_fills_the_time_only_when_missing(void **state)
{
    struct recorder r = {.sink = {record}};
    struct ship_events events = {0};

    (void)state;
    ship_events_add(&events, &r.sink);
    ship_emit(&events, &(struct ship_event){.text = "", .at_ms = 42});
    assert_int_equal(r.at_ms, 42);
    ship_emit(&events, &(struct ship_event){.text = ""});
    assert_true(r.at_ms > INT64_C(1600000000000));
}

static void test_emit_without_sinks_does_nothing(void **state)
{
    struct ship_events none = {0};

    (void)state;
    ship_emit(NULL, &(struct ship_event){.text = "x"});
    ship_emit(&none, &(struct ship_event){.text = "x"});
    ship_emit_message(NULL, SHIP_LEVEL_ERROR, "x");
}

static void test_emit_message_formats_and_bounds_the_text(void **state)
{
    struct recorder r = {.sink = {record}};
    struct ship_events events = {0};

    (void)state;
    ship_events_add(&events, &r.sink);
    ship_emit_message(&events, SHIP_LEVEL_WARNING, "disk %d %%", 93);
    assert_string_equal(r.text, "disk 93 %");
    assert_int_equal(r.level, SHIP_LEVEL_WARNING);
    assert_int_equal(r.kind, SHIP_EVENT_MESSAGE);
    ship_emit_message(&events, SHIP_LEVEL_INFO, "%100000d", 1);
    assert_int_equal(r.text_len, 64 * 1024);
}

static void test_step_status_text_is_the_word_of_the_contract(void **state)
{
    static const char *const words[] = {"pending", "running", "done",  "skipped",
                                        "warned",  "failed",  "undone"};

    (void)state;
    for (size_t i = 0; i < ROWS(words); i++)
        assert_string_equal(ship_step_status_text((enum ship_step_status)i), words[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_emit_reaches_each_sink_in_order),
        cmocka_unit_test(test_emit_fills_the_time_only_when_missing),
        cmocka_unit_test(test_emit_without_sinks_does_nothing),
        cmocka_unit_test(test_emit_message_formats_and_bounds_the_text),
        cmocka_unit_test(test_step_status_text_is_the_word_of_the_contract),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
