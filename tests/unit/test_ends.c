/* The words for how a plan's objects end, from traces written as text. */
#include "oracle/ends.h"
#include "oracle/trace_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char build[] = "build 3.13.0 version=3.13.0 level=final debug=no nogil=no static=yes "
                            "sees=sets,dict-gone,destroy,unraisable\n";
static const char free_threaded[] =
    "build 3.13.5t version=3.13.5 level=final debug=no nogil=yes static=yes "
    "sees=sets,dict-gone,destroy,unraisable\n";

static struct zap_trace trace;

static void read_trace(const char *text)
{
    bool is_first = true;
    memset(&trace, 0, sizeof trace);
    for (; *text; is_first = false) {
        char line[512], said[256];
        size_t len = strcspn(text, "\n");
        struct zap_str what = zap_str_init(said, sizeof said);
        snprintf(line, sizeof line, "%.*s", (int)len, text);
        if (zap_trace_text_add(&trace, is_first, line, &what) != ZAP_OK)
            fail_msg("%s: %s", line, said);
        text += len + (text[len] == '\n');
    }
}

/* What a plan and a trace say, each list after its name: "dies ...; lives ...". */
static const char *describe(const char *source, const char *first, const char *events)
{
    static char page[4096], lists[4][1024], text[8192];
    struct zap_plan plan;
    struct zap_text_labels labels;
    struct zap_text_error error;
    if (zap_text_parse_labels(source, strlen(source), &plan, &labels, &error) != ZAP_OK)
        fail_msg("line %u: %s", error.line, error.what);
    snprintf(text, sizeof text, "%s%s", first, events);
    read_trace(text);
    struct zap_ends ends = {
        .dies = zap_str_init(lists[0], sizeof lists[0]),
        .lives = zap_str_init(lists[1], sizeof lists[1]),
        .sees = zap_str_init(lists[2], sizeof lists[2]),
        .untraced = zap_str_init(lists[3], sizeof lists[3]),
    };
    zap_ends_describe(&plan, &labels, &trace, &ends);
    struct zap_str out = zap_str_init(page, sizeof page);
    zap_str_printf(&out, "dies %s; lives %s; sees %s; untraced %s%s", lists[0], lists[1], lists[2],
                   lists[3], ends.is_unordered ? "; unordered" : "");
    return page;
}

static const char one_module[] = "pyzap plan 1\nroute wipe\nmodule m\n"
                                 "object leaf = cnode\nobject b = node m\nobject x = node m\n"
                                 "object watch = outside-callback x\nobject g = generator m\n"
                                 "link b -> leaf\nlink x -> b\n"
                                 "global m _a = x\nglobal m b = watch\nglobal m \"\\xe9\" = g\n"
                                 "global m c = x\n";

#define STATE          " bound=- none=- builtins=missing size=0"
#define DEL(node, how) "del " node " m0 refs=1 how=" how STATE "\n"
#define CNODE(node)    "cnode " node " m0" STATE "\n"

static void things_have_names(void **state)
{
    (void)state;
    /* x by its first global, leaf by its label, b by its number: its label is a global's name */
    assert_string_equal(describe(one_module, build,
                                 "destroy - o2 kind=node\n" DEL("o2", "refcount") DEL("o1", "gc")
                                     CNODE("o0") "finally o4\n"
                                                 "callback o3 how=refcount\n"
                                                 "spawn o5\nspawn o6\n"
                                                 "free o5\n"),
                        "dies _a o1 leaf \"\\xe9\" b(); lives o1 _a new2; sees ; untraced ");
}

static void modules_are_told_apart(void **state)
{
    (void)state;
    assert_string_equal(
        describe("pyzap plan 1\nroute drop\nmodule one\nmodule two\n"
                 "object x = cnode\nobject y = cnode\nobject z = list\n"
                 "object l = cnode\nlink z -> l\n"
                 "global one a = x\nglobal two a = y\nglobal two b = z\n",
                 build, CNODE("o0") CNODE("o1") CNODE("o3") "look o1 m1 name=b seen=none\n"),
        "dies one.a two.a l; lives ; sees two.b=None; untraced ");
}

static void parts_of_the_route_have_bars(void **state)
{
    (void)state;
    assert_string_equal(
        describe(one_module, build,
                 "wipe m0 call=first\n" CNODE(
                     "o0") "wipe-end m0 call=first pending=no\n"
                           "wipe m0 call=second\nwipe-end m0 call=second pending=no\n"
                           "collect by=o2\ncollect-end by=o2\ncollect by=route\n" DEL("o1", "gc")
                               DEL("o2", "gc") "collect-end by=route\n"),
        "dies leaf | o1 _a; lives o1 _a; sees ; untraced ");
}

static void errors_stand_with_what_raised_them(void **state)
{
    (void)state;
    assert_string_equal(
        describe(one_module, build,
                 "destroy - o2 kind=node\n" DEL("o2", "refcount") "unraisable o2\n" DEL("o1", "gc")
                     CNODE("o0") "unraisable o1\nunraisable -\n"),
        "dies _a! o1 leaf o1! !; lives o1 _a; sees ; untraced ");
}

static void scripts_see(void **state)
{
    (void)state;
    assert_string_equal(
        describe(one_module, build,
                 "look o2 m0 name=_a seen=bound\nlook o2 m0 name=b seen=none\n"
                 "look o2 m0 name=\"\\xe9\" seen=missing\ndone o2 op=call-builtin worked=no\n"
                 "done o2 op=import-loaded worked=yes\n"),
        "dies ; lives leaf o1 _a; sees _a b=None \"\\xe9\"=missing call-builtin=failed "
        "import-loaded; untraced ");
}

static void what_the_tracer_misses_is_told(void **state)
{
    (void)state;
    static const char events[] =
        DEL("o2", "refcount") "destroy - o1 kind=node\n" DEL("o1", "refcount");
    assert_string_equal(describe(one_module, build, events),
                        "dies _a o1; lives leaf o1 _a; sees ; untraced _a");
    assert_string_equal(
        describe(one_module,
                 "build 3.11.7 version=3.11.7 level=final debug=no nogil=no static=yes "
                 "sees=sets,dict-gone,unraisable\n",
                 events),
        "dies _a o1; lives leaf o1 _a; sees ; untraced ");
    assert_string_equal(describe(one_module, build, DEL("o2", "gc") DEL("o1", "gc-clear")),
                        "dies _a o1; lives leaf o1 _a; sees ; untraced ");
}

static const char an_end[] = "pyzap plan 1\nroute exit\nmodule m\nmodule n held\n"
                             "object x = node elsewhere\nobject y = cnode\nobject c = cnode\n"
                             "object z = node m\nobject u = node elsewhere\nobject v = cnode\n"
                             "global m a = x\nglobal m b = z\nglobal n d = v\n"
                             "park object y builtins\npark object c c\npark object u atexit\n";

/* An interpreter ends in parts: its phases, and the collections and wipes in them. */
static void phases_are_named(void **state)
{
    (void)state;
    assert_string_equal(describe(an_end, build,
                                 "atexit o4\nlook o4 m0 name=a seen=bound\natexit-end o4\n" DEL(
                                     "o4",
                                     "refcount") "free o4\nphase kind=finalizing\nphase "
                                                 "kind=sys\nphase kind=removing\n"
                                                 "unlisted m0 as=itself\n" DEL(
                                                     "o0",
                                                     "refcount") "free o0\n"
                                                                 "phase kind=emptied\n" CNODE("o1") "collect by=interpreter\n" DEL(
                                                                     "o3",
                                                                     "gc") "done o3 op=import-new "
                                                                           "worked=no\nfree "
                                                                           "o3\ngarbage\n"
                                                                           "collect-end "
                                                                           "by=interpreter\n" CNODE(
                                                                               "o5") "wipe - "
                                                                                     "call="
                                                                                     "sys\nphase "
                                                                                     "kind=sys-"
                                                                                     "wiped\nwipe-"
                                                                                     "end - "
                                                                                     "call=sys "
                                                                                     "pending=no\n"
                                                                                     "phase "
                                                                                     "kind="
                                                                                     "over\nroute-"
                                                                                     "end "
                                                                                     "pending="
                                                                                     "no\n"),
                        "dies u removing| m.a emptied| y | m.b n.d; lives c; sees m.a "
                        "import-new=failed; "
                        "untraced u m.a");
}

/* Nothing is left of an interpreter but what is held outside, or leaks. */
static void what_an_end_leaves_lives(void **state)
{
    (void)state;
    assert_string_equal(
        describe(
            an_end, build,
            "phase kind=emptied\nwipe m0 call=first\n" DEL("o0", "refcount") "free o0\n" DEL(
                "o3",
                "refcount") "free o3\nwipe-end m0 call=first pending=no\n"
                            "wipe m1 call=first\n" CNODE(
                                "o5") "wipe-end m1 call=first pending=no\n"
                                      "wipe - call=sys\nphase kind=sys-wiped\n" DEL(
                                          "o4",
                                          "refcount") "free o4\nwipe-end - call=sys pending=no\n"
                                                      "phase kind=over\nroute-end pending=no\n"),
        "dies emptied| m.a m.b | n.d sys-wiped| u; lives y c; sees ; "
        "untraced m.a m.b u");
}

static void a_collector_without_order_is_told(void **state)
{
    (void)state;
    static const char two[] = "collect by=route\n" DEL("o2", "gc") DEL("o1", "gc");
    static const char one[] =
        DEL("o2", "gc") "collect by=route\n" DEL("o1", "gc") "collect-end by=route\n" CNODE("o0");
    assert_non_null(strstr(describe(one_module, free_threaded, two), "; unordered"));
    assert_null(strstr(describe(one_module, free_threaded, one), "; unordered"));
    assert_null(strstr(describe(one_module, build, two), "; unordered"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(things_have_names),
        cmocka_unit_test(modules_are_told_apart),
        cmocka_unit_test(parts_of_the_route_have_bars),
        cmocka_unit_test(errors_stand_with_what_raised_them),
        cmocka_unit_test(scripts_see),
        cmocka_unit_test(what_the_tracer_misses_is_told),
        cmocka_unit_test(phases_are_named),
        cmocka_unit_test(what_an_end_leaves_lives),
        cmocka_unit_test(a_collector_without_order_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
