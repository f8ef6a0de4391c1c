/* Traces read back from their text: whatever zap_trace_print_event writes means the event that it
 * was written of, and nothing else means anything. */
#include "base/rng.h"
#include "oracle/trace_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct zap_trace trace, again;
static char text[64 * 1024];
static char what[4096];

static uint8_t some_byte(struct zap_rng *rng)
{
    return (uint8_t)zap_rng_below(rng, 256);
}

/* Small and large numbers, and the largest. */
static uint32_t some_number(struct zap_rng *rng)
{
    uint32_t shift = zap_rng_below(rng, 33);
    return shift == 32 ? UINT32_MAX : (uint32_t)(zap_rng_next(rng) >> 32) >> shift;
}

static uint64_t some_names(struct zap_rng *rng)
{
    switch (zap_rng_below(rng, 4)) {
    case 0:
        return 0;
    case 1:
        return UINT64_C(1) << zap_rng_below(rng, ZAP_NAME_END);
    case 2:
        return zap_rng_next(rng);
    default:
        return UINT64_MAX;
    }
}

static void draw_state(struct zap_rng *rng, struct zap_event *event)
{
    static const uint8_t flags[] = {0, ZAP_FLAG_BUILTINS, ZAP_FLAG_BUILTINS | ZAP_FLAG_SAME,
                                    ZAP_FLAG_NO_STATE};
    event->flags |= flags[zap_rng_below(rng, 4)];
    if (event->flags & ZAP_FLAG_NO_STATE)
        return;
    event->bound = some_names(rng);
    event->none = some_names(rng);
    event->size = some_number(rng);
}

/* Any event of a kind: every member that it uses has any value that it can have, and no other has.
 */
static void draw_event(struct zap_rng *rng, const struct zap_event_row *row,
                       struct zap_event *ret_event)
{
    struct zap_event event = {.kind = row->code, .module = ZAP_NO_MODULE, .node = ZAP_NO_NODE};
    for (const char *field = row->fields; *field; field++) {
        switch (*field) {
        case 'm':
            event.module = some_byte(rng);
            break;
        case 'n':
            event.name = (uint8_t)zap_rng_below(rng, ZAP_NAME_END);
            break;
        case 'o':
            event.node = some_byte(rng);
            break;
        case 'p':
        case 'i':
            event.info = some_byte(rng);
            break;
        case 'b':
            event.by = some_byte(rng);
            break;
        case 'r':
            event.refs = some_number(rng);
            break;
        case 'h':
        case 'v':
            event.how = zap_rng_below(rng, 2) ? some_byte(rng) : (uint8_t)zap_rng_below(rng, 5);
            break;
        case 's':
            draw_state(rng, &event);
            break;
        case 'x':
            event.flags |= zap_rng_below(rng, 2) ? ZAP_FLAG_X : 0;
            break;
        default:
            fail_msg("%s has a field %c", row->token, *field);
        }
    }
    *ret_event = event;
}

static void every_event_comes_back(void **state)
{
    (void)state;
    for (unsigned code = 0; code < ZAP_EVENT_END; code++) {
        const struct zap_event_row *row = zap_event_row(code);
        for (unsigned i = 0; row != NULL && i < 2000; i++) {
            struct zap_rng rng = zap_rng_init(code, i);
            struct zap_event event;
            draw_event(&rng, row, &trace.events[0]);
            struct zap_str str = zap_str_init(text, sizeof text);
            struct zap_str out = zap_str_init(what, sizeof what);
            zap_trace_print_event(&trace, 0, &str);
            if (zap_trace_text_event(text, &event, &out) != ZAP_OK)
                fail_msg("%s: %s", text, what);
            assert_memory_equal(&event, &trace.events[0], sizeof event);
        }
    }
}

static void draw_build(struct zap_rng *rng, struct zap_build *build)
{
    static const char *const names[] = {"3.11.7", "2.7.18-debian-dbg", "x"};
    strcpy(build->name, names[zap_rng_below(rng, 3)]);
    build->version = (uint32_t)zap_rng_next(rng) & 0xffffff;
    build->debug = zap_rng_below(rng, 2) != 0;
    build->nogil = zap_rng_below(rng, 2) != 0;
    build->level = zap_rng_below(rng, 2) ? (uint8_t)(0xa + zap_rng_below(rng, 6)) : some_byte(rng);
    build->is_static = zap_rng_below(rng, 2) != 0;
    build->observers = zap_rng_below(rng, 16);
}

/* Indentation, the line about the build and the line about a cut included. */
static void every_trace_comes_back(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 300; i++) {
        struct zap_rng rng = zap_rng_init(7, i);
        memset(&trace, 0, sizeof trace);
        memset(&again, 0, sizeof again);
        draw_build(&rng, &trace.build);
        unsigned count = zap_rng_below(&rng, 30);
        while (trace.events_count < count) {
            const struct zap_event_row *row = zap_event_row(zap_rng_below(&rng, ZAP_EVENT_END));
            if (row != NULL)
                draw_event(&rng, row, &trace.events[trace.events_count++]);
        }
        trace.is_cut = zap_rng_below(&rng, 2);
        struct zap_str str = zap_str_init(text, sizeof text);
        zap_trace_print(&trace, &str);
        assert_false(str.cut);
        bool is_first = true;
        for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
            struct zap_str out = zap_str_init(what, sizeof what);
            if (zap_trace_text_add(&again, is_first, line, &out) != ZAP_OK)
                fail_msg("%s: %s", line, what);
            is_first = false;
        }
        assert_memory_equal(&again, &trace, sizeof again);
    }
}

#define DEL "del o0 m0 refs=1 how=gc bound=a none=_a builtins=same size=2"
#define BUILD                                                                                      \
    "build 3.11.7 version=3.11.7 level=final debug=no nogil=no static=yes sees=sets,destroy"

/* No part of a line can be left out, doubled, or be anything else. */
static void no_other_line_is_an_event(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *why;
    } wrong[] = {
        {"", "word 1: expected an event"},
        {"dell", "word 1: expected an event"},
        {"del", "word 2: expected field o of del, found nothing"},
        {"del m0", "word 2: expected field o of del, found m0"},
        {"del o0", "word 3: expected field m"},
        {"del o0 m256", "word 3: expected field m"},
        {"del o0 m0x", "word 3: expected field m"},
        {"del o0 m-1", "word 3: expected field m"},
        {"del o0 -0", "word 3: expected field m"},
        {"del o0 m0 refs=4294967296", "word 4: expected field r"},
        {"del o0 m0 refs=1 how=when", "word 5: expected field h"},
        {"del o0 m0 refs=1 how=gc bound=a,zz", "word 6: expected field s"},
        {"del o0 m0 refs=1 how=gc bound=a, none=-", "word 6: expected field s"},
        {"del o0 m0 refs=1 how=gc bound=a none=_a builtins=3 size=2", "word 6: expected field s"},
        {"del o0 m0 refs=1 how=gc none=_a bound=a builtins=same size=2",
         "word 6: expected field s"},
        {"del o0 m0 refs=1 how=gc bound=a none=_a builtins=same", "word 6: expected field s"},
        {DEL " ", "word 10: expected no more"},
        {DEL " pending=no", "word 10: expected no more, found pending=no"},
        {"del o0 m00 refs=1 how=gc gone=yes", "this would be printed as: del o0 m0 "},
        {"del o0 m255 refs=1 how=gc gone=yes", "this would be printed as: del o0 - "},
        {"del o0 m0 refs=01 how=gc gone=yes", "this would be printed as: del o0 m0 refs=1 "},
        {"del o0 m0 refs=1 how=1 gone=yes", "this would be printed as: del o0 m0 refs=1 how=gc "},
        {"del o0 m0 refs=1 how=gc gone=yess", "this would be printed as"},
        {"del o0 m0 refs=1 how=gc bound=_a,a none=- builtins=same size=2", "bound=a,_a"},
        {"del o0 m0 refs=1 how=gc bound=a,a none=- builtins=same size=2", "bound=a none"},
        {"look o0 m0 name=a,b seen=none", "word 4: expected field n"},
        {"look o0 m0 name= seen=none", "word 4: expected field n"},
        {"route kind=dorp", "word 2: expected field i"},
        {"route kind=1", "this would be printed as: route kind=drop"},
        {"done o0 op=call-builtin worked=maybe", "word 4: expected field x"},
        {"done o0 op=call-builtin pending=no", "word 4: expected field x"},
        {"wipe m0 call=third", "word 3: expected field i"},
        {"wipe - call=3", "this would be printed as: wipe - call=sys"},
        {"phase", "word 2: expected field i"},
        {"phase kind=begun", "word 2: expected field i"},
        {"phase kind=0", "this would be printed as: phase kind=-"},
        {"phase kind=7", "this would be printed as: phase kind=over"},
        {"unlisted m0 as=none", "word 3: expected field i"},
        {"atexit", "word 2: expected field o"},
        {"sentinel alive=maybe", "word 2: expected field x"},
        {"garbage o0", "word 2: expected no more"},
        {"store m0 name=a by=o300 - refs=0 seen=none", "word 4: expected field b"},
        {"store m0 name=a by=nobody - refs=0 seen=none", "word 4: expected field b"},
    };
    struct zap_event event;
    memset(&event, 0xab, sizeof event);
    struct zap_event untouched = event;
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct zap_str out = zap_str_init(what, sizeof what);
        if (zap_trace_text_event(wrong[i].line, &event, &out) == ZAP_OK)
            fail_msg("taken: %s", wrong[i].line);
        if (strstr(what, wrong[i].why) == NULL)
            fail_msg("%s: %s, not %s", wrong[i].line, what, wrong[i].why);
        assert_memory_equal(&event, &untouched, sizeof event);
    }
    struct zap_str out = zap_str_init(what, sizeof what);
    memset(text, 'a', 5000);
    text[5000] = '\0';
    assert_int_equal(zap_trace_text_event(text, &event, &out), ZAP_E_SYNTAX);
    assert_string_equal(what, "no event is that long");
    assert_int_equal(zap_trace_text_event(DEL, &event, &out), ZAP_OK);
}

static void no_other_line_is_a_build(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "build",
        "route kind=drop",
        "build 3.11.7",
        "build 3.11.7 version=3.11 level=final debug=no nogil=no static=yes sees=-",
        "build 3.11.7 version=3.11.7x level=final debug=no nogil=no static=yes sees=-",
        "build 3.11.7 version=3.11.256 level=final debug=no nogil=no static=yes sees=-",
        "build 3.11.7 version=3.11.7 level=last debug=no nogil=no static=yes sees=-",
        "build 3.11.7 version=3.11.7 level=15 debug=no nogil=no static=yes sees=-",
        "build 3.11.7 version=3.11.7 level=final debug=maybe nogil=no static=yes sees=-",
        "build 3.11.7 version=3.11.7 level=final nogil=no debug=no static=yes sees=-",
        "build 3.11.7 version=3.11.7 level=final debug=no nogil=no static=yes",
        "build 3.11.7 version=3.11.7 level=final debug=no nogil=no static=yes sees=",
        "build 3.11.7 version=3.11.7 level=final debug=no nogil=no static=yes sees=destroy,sets",
        "build 3.11.7 version=3.11.7 level=final debug=no nogil=no static=yes sees=sets,ghosts",
        BUILD " ",
        "xbuild 3.11.7",
    };
    memset(&trace, 0, sizeof trace);
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct zap_str out = zap_str_init(what, sizeof what);
        if (zap_trace_text_add(&trace, true, wrong[i], &out) == ZAP_OK)
            fail_msg("taken: %s", wrong[i]);
        assert_true(out.len > 0);
        assert_int_equal(trace.build.version, 0);
    }
}

static void nothing_follows_the_end(void **state)
{
    (void)state;
    struct zap_str out = zap_str_init(what, sizeof what);
    memset(&trace, 0, sizeof trace);
    assert_int_equal(zap_trace_text_add(&trace, true, BUILD, &out), ZAP_OK);
    assert_int_equal(zap_trace_text_add(&trace, false, BUILD, &out), ZAP_E_SYNTAX);
    const char *cut = "cut after 1 events: more happened";
    assert_int_equal(zap_trace_text_add(&trace, false, cut, &out), ZAP_E_SYNTAX);
    assert_int_equal(zap_trace_text_add(&trace, false, " \t" DEL, &out), ZAP_OK);
    assert_int_equal(zap_trace_text_add(&trace, false, cut, &out), ZAP_OK);
    assert_true(trace.is_cut);
    assert_int_equal(trace.events_count, 1);
    assert_int_equal(zap_trace_text_add(&trace, false, cut, &out), ZAP_E_SYNTAX);
    assert_int_equal(zap_trace_text_add(&trace, false, DEL, &out), ZAP_E_SYNTAX);
    trace.is_cut = 0;
    trace.events_count = ZAP_EVENTS_MAX;
    assert_int_equal(zap_trace_text_add(&trace, false, DEL, &out), ZAP_E_SYNTAX);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_event_comes_back),    cmocka_unit_test(every_trace_comes_back),
        cmocka_unit_test(no_other_line_is_an_event), cmocka_unit_test(no_other_line_is_a_build),
        cmocka_unit_test(nothing_follows_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
