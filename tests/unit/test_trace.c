/* Traces as text, and their comparison. The expected text here is the format: what changes it
 * changes every stored trace and what stand-alone scripts print. */
#include "oracle/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct zap_trace trace;
static char text[256 * 1024];

static int reset(void **state)
{
    (void)state;
    memset(&trace, 0, sizeof(trace));
    trace.build.version = 3 << 16 | 11 << 8 | 7;
    trace.build.level = 0xf;
    strcpy(trace.build.name, "3.11.7");
    return 0;
}

/* The next event of the trace, with the members that a worker leaves alone set as it does. */
static struct zap_event *add(enum zap_event_code kind)
{
    struct zap_event *event = &trace.events[trace.events_count++];
    *event =
        (struct zap_event){.kind = (uint8_t)kind, .module = ZAP_NO_MODULE, .node = ZAP_NO_NODE};
    return event;
}

static const char *print_last(void)
{
    struct zap_str str = zap_str_init(text, sizeof(text));
    zap_trace_print_event(&trace, trace.events_count - 1, &str);
    assert_false(str.cut);
    return text;
}

static const char *print_all(void)
{
    struct zap_str str = zap_str_init(text, sizeof(text));
    zap_trace_print(&trace, &str);
    assert_false(str.cut);
    return text;
}

static void prints_every_field(void **state)
{
    (void)state;
    struct zap_event *event = add(ZAP_EVENT_DEL);
    event->node = 3;
    event->module = 0;
    event->refs = 1;
    event->flags = ZAP_FLAG_BUILTINS | ZAP_FLAG_SAME;
    event->size = 7;
    event->bound = UINT64_C(1) << ZAP_NAME_A | UINT64_C(1) << ZAP_NAME_U_B;
    event->none = UINT64_C(1) << ZAP_NAME_C;
    assert_string_equal(print_last(),
                        "del o3 m0 refs=1 how=refcount bound=a,_b none=c builtins=same size=7");
    event->flags = ZAP_FLAG_BUILTINS;
    event->how = ZAP_HOW_GC;
    event->bound = event->none = 0;
    assert_string_equal(print_last(),
                        "del o3 m0 refs=1 how=gc bound=- none=- builtins=other size=7");
    event->flags = 0;
    event->how = ZAP_HOW_GC_CLEAR;
    assert_string_equal(print_last(),
                        "del o3 m0 refs=1 how=gc-clear bound=- none=- builtins=missing size=7");
    event->flags = ZAP_FLAG_NO_STATE;
    event->module = ZAP_NO_MODULE;
    event->how = ZAP_HOW_CALL;
    assert_string_equal(print_last(), "del o3 - refs=1 how=call gone=yes");

    event = add(ZAP_EVENT_SET_NONE);
    event->module = 1;
    event->name = ZAP_NAME_U_A;
    event->info = 1;
    event->by = ZAP_BY_INTERPRETER;
    event->node = 4;
    event->refs = 2;
    assert_string_equal(print_last(),
                        "set-none m1 name=_a pass=1 by=interpreter o4 refs=2 seen=missing");
    event->by = 7;
    event->info = 0;
    event->name = ZAP_NAME_TUPLE;
    assert_string_equal(print_last(),
                        "set-none m1 name=tuple(1,2) pass=0 by=o7 o4 refs=2 seen=missing");
    event->by = ZAP_BY_ROUTE;
    event->name = ZAP_NAME_NO;
    event->node = ZAP_NO_NODE;
    assert_string_equal(print_last(),
                        "set-none m1 name=other pass=0 by=route - refs=2 seen=missing");

    event = add(ZAP_EVENT_LOOK);
    event->node = 2;
    event->module = 0;
    event->name = ZAP_NAME_EMPTY;
    event->how = ZAP_SEEN_MISSING;
    assert_string_equal(print_last(), "look o2 m0 name=\"\" seen=missing");
    event->how = ZAP_SEEN_NONE;
    assert_string_equal(print_last(), "look o2 m0 name=\"\" seen=none");
    event->how = ZAP_SEEN_BOUND;
    assert_string_equal(print_last(), "look o2 m0 name=\"\" seen=bound");
}

static void words_infos_and_flags(void **state)
{
    (void)state;
    add(ZAP_EVENT_ROUTE)->info = ZAP_ROUTE_COLLECT;
    assert_string_equal(print_last(), "route kind=collect");
    add(ZAP_EVENT_ROUTE_END);
    assert_string_equal(print_last(), "route-end pending=no");
    add(ZAP_EVENT_DEL_END)->flags = ZAP_FLAG_X | ZAP_FLAG_NO_STATE;
    assert_string_equal(print_last(), "del-end - - refs=0 how=refcount gone=yes pending=yes");
    struct zap_event *event = add(ZAP_EVENT_WIPE);
    event->module = 0;
    assert_string_equal(print_last(), "wipe m0 call=none");
    event->info = 1;
    assert_string_equal(print_last(), "wipe m0 call=first");
    event->info = 2;
    assert_string_equal(print_last(), "wipe m0 call=second");
    event = add(ZAP_EVENT_DONE);
    event->node = 1;
    event->info = ZAP_OP_BUILTIN;
    event->flags = ZAP_FLAG_X;
    assert_string_equal(print_last(), "done o1 op=call-builtin worked=yes");
    event = add(ZAP_EVENT_ENTRY);
    event->module = 0;
    event->name = ZAP_NAME_A;
    event->how = ZAP_SEEN_NONE;
    event->refs = 70000;
    event->info = 12;
    assert_string_equal(print_last(), "entry m0 name=a - refs=70000 seen=none at=12");
    event = add(ZAP_EVENT_DESTROY);
    event->module = 2;
    event->info = 2;
    assert_string_equal(print_last(), "destroy m2 - kind=dict");
}

/* The end of an interpreter has words of its own, and one for each of its phases. */
static void words_an_end(void **state)
{
    (void)state;
    static const char *const phases[] = {
        [ZAP_END_FINALIZING] = "phase kind=finalizing",
        [ZAP_END_SYS] = "phase kind=sys",
        [ZAP_END_REMOVING] = "phase kind=removing",
        [ZAP_END_EMPTIED] = "phase kind=emptied",
        [ZAP_END_SYS_WIPED] = "phase kind=sys-wiped",
        [ZAP_END_BUILTINS_WIPED] = "phase kind=builtins-wiped",
        [ZAP_END_OVER] = "phase kind=over",
    };
    for (unsigned phase = ZAP_END_FINALIZING; phase <= ZAP_END_OVER; phase++) {
        add(ZAP_EVENT_PHASE)->info = (uint8_t)phase;
        assert_string_equal(print_last(), phases[phase]);
    }
    add(ZAP_EVENT_PHASE)->info = ZAP_END_OVER + 1;
    assert_string_equal(print_last(), "phase kind=8");
    struct zap_event *event = add(ZAP_EVENT_UNLISTED);
    event->module = 1;
    assert_string_equal(print_last(), "unlisted m1 as=itself");
    event->info = 1;
    assert_string_equal(print_last(), "unlisted m1 as=another");
    event->info = 2;
    assert_string_equal(print_last(), "unlisted m1 as=main");
    event = add(ZAP_EVENT_WIPE);
    event->info = 3;
    assert_string_equal(print_last(), "wipe - call=sys");
    event->info = 4;
    assert_string_equal(print_last(), "wipe - call=builtins");
    add(ZAP_EVENT_ATEXIT);
    assert_string_equal(print_last(), "atexit -");
    add(ZAP_EVENT_ATEXIT_END)->node = 3;
    assert_string_equal(print_last(), "atexit-end o3");
    add(ZAP_EVENT_SENTINEL)->flags = ZAP_FLAG_X;
    assert_string_equal(print_last(), "sentinel alive=yes");
    add(ZAP_EVENT_GARBAGE);
    assert_string_equal(print_last(), "garbage");
}

/* Each observer is one bit, has one word, and the words come in the order of the bits. */
static void words_observers(void **state)
{
    (void)state;
    static const struct {
        uint32_t bit;
        const char *token;
    } rows[] = {
#define ZAP_OBSERVER(bit, id, token, text) {ZAP_SEES_##id, token},
#include "oracle/observer.def"
#undef ZAP_OBSERVER
    };
    enum { COUNT = sizeof(rows) / sizeof(rows[0]) };
    for (unsigned i = 0; i < COUNT; i++) {
        assert_int_equal(rows[i].bit, 1u << i);
        assert_string_equal(zap_observer_token(i), rows[i].token);
    }
    assert_null(zap_observer_token(COUNT));
    assert_null(zap_observer_token(31));
    assert_null(zap_observer_token(UINT32_MAX));
    trace.build.observers = (1u << COUNT) - 1;
    assert_non_null(strstr(print_all(), " sees=sets,dict-gone,destroy,unraisable,ends\n"));
}

/* A trace can come from the shared memory of a worker that was killed in the middle of a store. */
static void prints_what_no_worker_writes(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 256; kind++) {
        reset(NULL);
        struct zap_event *event = add(ZAP_EVENT_DEL);
        memset(event, 0xff, sizeof(*event));
        event->kind = (uint8_t)kind;
        event->flags = 0;
        const char *line = print_last();
        assert_true(strlen(line) > 0);
        assert_null(strchr(line, '\n'));
        print_all();
    }
    reset(NULL);
    add(ZAP_EVENT_ROUTE)->info = 200;
    assert_string_equal(print_last(), "route kind=200");
    add(ZAP_EVENT_WIPE)->info = 9;
    assert_string_equal(print_last(), "wipe - call=9");
    trace.events_count = UINT32_MAX;
    print_all();
}

/* Who splits a line at spaces and at the first = of a word gets the fields back. */
static void every_row_splits(void **state)
{
    (void)state;
    unsigned rows = 0;
    for (unsigned kind = 0; kind < ZAP_EVENT_END; kind++) {
        const struct zap_event_row *row = zap_event_row(kind);
        if (!row) {
            continue;
        }
        rows++;
        assert_int_equal(row->code, kind);
        assert_int_equal(strchr(row->fields, 'i') != NULL, row->info[0] != '\0');
        assert_int_equal(strchr(row->fields, 'x') != NULL, row->flag[0] != '\0');
        assert_int_equal(strspn(row->fields, "mnopbrhsvix"), strlen(row->fields));
        reset(NULL);
        struct zap_event *event = add((enum zap_event_code)kind);
        for (unsigned name = 1; name < ZAP_NAME_END; name++) {
            event->bound |= zap_name_row(name) ? UINT64_C(1) << name : 0;
        }
        const char *line = print_last();
        size_t words = 1;
        for (const char *c = line; *c; c++) {
            words += *c == ' ';
        }
        size_t state_words = strchr(row->fields, 's') ? 3 : 0;
        assert_int_equal(words, 1 + strlen(row->fields) + state_words);
    }
    assert_true(rows >= 43);
    assert_null(zap_event_row(ZAP_EVENT_END));
    assert_null(zap_event_row(0));
}

static void indents_by_what_is_open(void **state)
{
    (void)state;
    struct zap_event *event;
    trace.build.observers = ZAP_SEES_SETS | ZAP_SEES_UNRAISABLE;
    trace.build.debug = 1;
    add(ZAP_EVENT_ROUTE)->info = ZAP_ROUTE_WIPE;
    (event = add(ZAP_EVENT_WIPE))->module = 0;
    event->info = 1;
    (event = add(ZAP_EVENT_SET_NONE))->module = 0;
    event->name = ZAP_NAME_A;
    event->by = ZAP_BY_INTERPRETER;
    event->info = 2;
    event->node = 1;
    event->refs = 1;
    (event = add(ZAP_EVENT_DEL))->node = 1;
    event->module = 0;
    event->flags = ZAP_FLAG_NO_STATE;
    (event = add(ZAP_EVENT_EMPTY))->module = 0;
    event->how = ZAP_HOW_CALL;
    (event = add(ZAP_EVENT_LOOK))->node = 1;
    event->module = 0;
    event->name = ZAP_NAME_A;
    (event = add(ZAP_EVENT_DEL_END))->node = 1;
    event->module = 0;
    event->flags = ZAP_FLAG_NO_STATE;
    add(ZAP_EVENT_FREE)->node = 1;
    (event = add(ZAP_EVENT_WIPE_END))->module = 0;
    event->info = 1;
    add(ZAP_EVENT_ROUTE_END);
    assert_string_equal(print_all(),
                        "build 3.11.7 version=3.11.7 level=final debug=yes nogil=no static=no "
                        "sees=sets,unraisable\n"
                        "route kind=wipe\n"
                        "wipe m0 call=first\n"
                        "  set-none m0 name=a pass=2 by=interpreter o1 refs=1 seen=missing\n"
                        "  del o1 m0 refs=0 how=refcount gone=yes\n"
                        "    empty m0 how=call\n"
                        "    look o1 m0 name=a seen=missing\n"
                        "  del-end o1 m0 refs=0 how=refcount gone=yes pending=no\n"
                        "  free o1\n"
                        "wipe-end m0 call=first pending=no\n"
                        "route-end pending=no\n");
}

static void ends_close_only_what_they_fit(void **state)
{
    (void)state;
    add(ZAP_EVENT_COLLECT)->by = ZAP_BY_ROUTE;
    add(ZAP_EVENT_DEL)->node = 1;
    add(ZAP_EVENT_DEL_END)->node = 2; /* of nothing */
    add(ZAP_EVENT_FREE)->node = 3;
    add(ZAP_EVENT_COLLECT_END)->by = ZAP_BY_ROUTE; /* closes o1's too */
    add(ZAP_EVENT_FREE)->node = 1;
    add(ZAP_EVENT_ATEXIT)->node = 1;
    add(ZAP_EVENT_ATEXIT_END)->node = 2; /* of nothing */
    add(ZAP_EVENT_ATEXIT_END)->node = 1;
    trace.events[1].flags = trace.events[2].flags = ZAP_FLAG_NO_STATE;
    trace.is_cut = 1;
    const char *all = print_all();
    assert_string_equal(strchr(all, '\n') + 1,
                        "collect by=route\n"
                        "  del o1 - refs=0 how=refcount gone=yes\n"
                        "    del-end o2 - refs=0 how=refcount gone=yes pending=no\n"
                        "    free o3\n"
                        "collect-end by=route\n"
                        "free o1\n"
                        "atexit o1\n"
                        "  atexit-end o2\n"
                        "atexit-end o1\n"
                        "cut after 9 events: more happened\n");
}

static void the_longest_text_fits(void **state)
{
    (void)state;
    static char large[ZAP_TRACE_TEXT_MAX];
    trace.is_cut = 1;
    while (trace.events_count < ZAP_EVENTS_MAX) {
        struct zap_event *event = add(ZAP_EVENT_DEL_END);
        memset(event, 0xff, sizeof(*event));
        event->kind = trace.events_count <= 64 ? ZAP_EVENT_DEL : ZAP_EVENT_AFTER;
        event->flags = ZAP_FLAG_BUILTINS;
    }
    memset(&trace.build, 0xff, sizeof(trace.build));
    struct zap_str str = zap_str_init(large, sizeof(large));
    zap_trace_print(&trace, &str);
    assert_false(str.cut);
    unsigned lines = 0;
    for (const char *c = large; *c; c++) {
        lines += *c == '\n';
    }
    assert_int_equal(lines, 1 + ZAP_EVENTS_MAX + 1);
}

static void prints_a_state(void **state)
{
    (void)state;
    struct zap_str str = zap_str_init(text, sizeof(text));
    zap_trace_print_state(0, 0, &str);
    assert_string_equal(text, "-");
    str = zap_str_init(text, sizeof(text));
    zap_trace_print_state(UINT64_C(1) << ZAP_NAME_A | UINT64_C(1) << ZAP_NAME_U1,
                          UINT64_C(1) << ZAP_NAME_U_B, &str);
    assert_string_equal(text, "a _b=None _");
}

static void diff_finds_the_first_difference(void **state)
{
    (void)state;
    static struct zap_trace other;
    for (uint8_t i = 0; i < 4; i++) {
        add(ZAP_EVENT_DEL)->node = i;
    }
    other = trace;
    other.build.version = 2 << 16 | 7 << 8 | 18;
    assert_int_equal(zap_trace_diff(&trace, &other), UINT32_MAX);
    other.events[2].refs++;
    assert_int_equal(zap_trace_diff(&trace, &other), 2);
    other = trace;
    other.events_count = 3;
    assert_int_equal(zap_trace_diff(&trace, &other), 3);
    assert_int_equal(zap_trace_diff(&other, &trace), 3);
    other = trace;
    other.is_cut = 1;
    assert_int_equal(zap_trace_diff(&trace, &other), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(prints_every_field, reset),
        cmocka_unit_test_setup(words_infos_and_flags, reset),
        cmocka_unit_test_setup(words_an_end, reset),
        cmocka_unit_test_setup(words_observers, reset),
        cmocka_unit_test_setup(prints_what_no_worker_writes, reset),
        cmocka_unit_test_setup(every_row_splits, reset),
        cmocka_unit_test_setup(indents_by_what_is_open, reset),
        cmocka_unit_test_setup(ends_close_only_what_they_fit, reset),
        cmocka_unit_test_setup(the_longest_text_fits, reset),
        cmocka_unit_test_setup(prints_a_state, reset),
        cmocka_unit_test_setup(diff_finds_the_first_difference, reset),
    };
    return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
