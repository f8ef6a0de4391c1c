/* What a fuzzer learns from a trace: which differences between traces are news, and which are not.
 */
#include "oracle/feedback.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct zap_trace trace;
static uint8_t counters[ZAP_FEEDBACK_COUNTERS], others[ZAP_FEEDBACK_COUNTERS];

static int reset(void **state)
{
    (void)state;
    memset(&trace, 0, sizeof trace);
    memset(counters, 0, sizeof counters);
    memset(others, 0, sizeof others);
    return 0;
}

static struct zap_event *add(enum zap_event_code kind)
{
    struct zap_event *event = &trace.events[trace.events_count++];
    *event =
        (struct zap_event){.kind = (uint8_t)kind, .module = ZAP_NO_MODULE, .node = ZAP_NO_NODE};
    return event;
}

/* A small teardown: a node under a name goes, and its script looks at another. */
static void make_teardown(void)
{
    trace.events_count = 0;
    add(ZAP_EVENT_ROUTE)->info = ZAP_ROUTE_DROP;
    add(ZAP_EVENT_ENTRY)->name = ZAP_NAME_A;
    add(ZAP_EVENT_BEFORE)->bound = UINT64_C(1) << ZAP_NAME_A;
    add(ZAP_EVENT_DEL)->bound = UINT64_C(1) << ZAP_NAME_A;
    add(ZAP_EVENT_LOOK)->name = ZAP_NAME_A;
    add(ZAP_EVENT_DEL_END)->bound = UINT64_C(1) << ZAP_NAME_A;
    add(ZAP_EVENT_ROUTE_END);
}

/* Do others have a counter that counters have not? */
static bool is_news(void)
{
    memset(others, 0, sizeof others);
    zap_feedback_count(&trace, others);
    for (size_t i = 0; i < ZAP_FEEDBACK_COUNTERS; i++)
        if (others[i] != 0 && counters[i] == 0)
            return true;
    return false;
}

static void counts_each_event(void **state)
{
    (void)state;
    make_teardown();
    assert_int_equal(zap_feedback_count(&trace, counters), 5); /* not what was before the route */
    unsigned moved = 0;
    for (size_t i = 0; i < ZAP_FEEDBACK_COUNTERS; i++) {
        moved += counters[i];
        assert_true(counters[i] <= 1);
    }
    assert_int_equal(moved, 3 * 5);
}

static void is_the_same_for_the_same(void **state)
{
    (void)state;
    make_teardown();
    zap_feedback_count(&trace, counters);
    assert_false(is_news());
}

/* Numbers, single names and refcounts tell plans apart, not behaviours. */
static void ignores_what_is_no_behaviour(void **state)
{
    (void)state;
    make_teardown();
    zap_feedback_count(&trace, counters);
    trace.events[1].name = ZAP_NAME_INT;
    trace.events[3].refs = 7;
    trace.events[3].size = 9;
    trace.events[4].name = ZAP_NAME_H;
    trace.events[3].bound = UINT64_C(1) << ZAP_NAME_B;
    assert_false(is_news());
}

static void sees_what_matters(void **state)
{
    (void)state;
    make_teardown();
    zap_feedback_count(&trace, counters);
    struct zap_event *look = &trace.events[4], *del = &trace.events[3];
    const struct zap_event old_look = *look, old_del = *del;

    look->name = ZAP_NAME_U_A; /* another kind of name */
    assert_true(is_news());
    *look = old_look;
    look->how = ZAP_SEEN_NONE; /* another value */
    assert_true(is_news());
    *look = old_look;
    del->how = ZAP_HOW_GC; /* another reason */
    assert_true(is_news());
    *del = old_del;
    del->none = UINT64_C(1) << ZAP_NAME_U_A; /* another state of the namespace */
    assert_true(is_news());
    *del = old_del;
    del->flags = ZAP_FLAG_NO_STATE;
    assert_true(is_news());
    *del = old_del;
    trace.events[0].info = ZAP_ROUTE_WIPE;
    assert_true(is_news());
    trace.events[0].info = ZAP_ROUTE_DROP;
    *look = *del; /* the same events in another order */
    *del = old_look;
    assert_true(is_news());
    *del = old_del;
    *look = old_look;
    assert_false(is_news());
}

/* Each further finalizer inside a finalizer is news, up to the eighth, which returns to a seventh.
 */
static void sees_depth(void **state)
{
    (void)state;
    for (unsigned depth = 1; depth <= 12; depth++) {
        trace.events_count = 0;
        add(ZAP_EVENT_ROUTE);
        for (unsigned i = 0; i < depth; i++)
            add(ZAP_EVENT_DEL);
        for (unsigned i = 0; i < depth; i++)
            add(ZAP_EVENT_DEL_END);
        assert_int_equal(is_news(), depth <= 8);
        zap_feedback_count(&trace, counters);
    }
}

/* Where an interpreter ends, the same thing in another phase is news, although what comes right
 * before it is the same. */
static void sees_phases(void **state)
{
    (void)state;
    for (unsigned phase = 0; phase <= ZAP_END_OVER; phase++) {
        trace.events_count = 0;
        if (phase > 0)
            add(ZAP_EVENT_PHASE)->info = (uint8_t)phase;
        add(ZAP_EVENT_COLLECT)->by = ZAP_BY_INTERPRETER;
        zap_feedback_count(&trace, counters);
        add(ZAP_EVENT_DEL);
        assert_true(is_news());
        zap_feedback_count(&trace, counters);
        assert_false(is_news());
    }
}

/* Each way in which one of the end's own events can be is news. */
static void sees_the_events_of_an_end(void **state)
{
    (void)state;
    static const enum zap_event_code kinds[] = {
        ZAP_EVENT_UNLISTED, ZAP_EVENT_ATEXIT,   ZAP_EVENT_ATEXIT_END,
        ZAP_EVENT_GARBAGE,  ZAP_EVENT_SENTINEL, ZAP_EVENT_WIPE,
    };
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const struct zap_event_row *row = zap_event_row(kinds[i]);
        trace.events_count = 0;
        struct zap_event *event = add(kinds[i]);
        assert_true(is_news());
        assert_int_equal(zap_feedback_count(&trace, counters), 1);
        assert_false(is_news());
        if (row->info[0]) {
            event->info = 2; /* as __main__; a second wipe */
            assert_true(is_news());
            event->info = 0;
        }
        if (strchr(row->fields, 'o')) {
            event->node = 1;
            assert_true(is_news());
            event->node = ZAP_NO_NODE;
        }
        if (row->flag[0]) {
            event->flags = ZAP_FLAG_X;
            assert_true(is_news());
        }
    }
}

/* How often a thing happens is no news; that it happens again is. */
static void counts_once(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++)
        add(ZAP_EVENT_FREE);
    zap_feedback_count(&trace, counters);
    for (unsigned i = 0; i < 1000; i++)
        add(ZAP_EVENT_FREE);
    assert_false(is_news());
}

/* Whatever a damaged trace holds. */
static void is_total(void **state)
{
    (void)state;
    uint64_t noise = 1;
    trace.events_count = ZAP_EVENTS_MAX;
    uint8_t *bytes = (uint8_t *)trace.events;
    for (size_t i = 0; i < sizeof trace.events; i++) {
        noise = noise * UINT64_C(6364136223846793005) + 1442695040888963407u;
        bytes[i] = (uint8_t)(noise >> 56);
    }
    assert_true(zap_feedback_count(&trace, counters) > ZAP_EVENTS_MAX - 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(counts_each_event, reset),
        cmocka_unit_test_setup(is_the_same_for_the_same, reset),
        cmocka_unit_test_setup(ignores_what_is_no_behaviour, reset),
        cmocka_unit_test_setup(sees_what_matters, reset),
        cmocka_unit_test_setup(sees_depth, reset),
        cmocka_unit_test_setup(sees_phases, reset),
        cmocka_unit_test_setup(sees_the_events_of_an_end, reset),
        cmocka_unit_test_setup(counts_once, reset),
        cmocka_unit_test_setup(is_total, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
