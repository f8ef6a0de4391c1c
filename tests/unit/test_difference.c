/* What differs between traces of two builds, and what explains it; traces written as text. */
#include "oracle/difference.h"
#include "oracle/trace_text.h"
#include "plan/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEES "sees=sets,dict-gone,unraisable,ends\n"
#define BUILD(version)                                                                             \
    "build " version " version=" version " level=final debug=no nogil=no static=yes "

static const char on_2_7[] = BUILD("2.7.18") SEES;
static const char on_3_6[] = BUILD("3.6.15") SEES;
static const char on_3_7[] = BUILD("3.7.16") SEES;
static const char on_3_8[] = BUILD("3.8.18") SEES;
static const char on_3_9[] = BUILD("3.9.18") SEES;
static const char on_3_10[] = BUILD("3.10.13") SEES;
static const char on_3_11[] = BUILD("3.11.7") SEES;
static const char on_3_11_debug[] =
    "build 3.11.2-debug version=3.11.2 level=final debug=yes nogil=no static=yes " SEES;
static const char on_3_12[] = BUILD("3.12.1") SEES;
static const char on_3_13[] = BUILD("3.13.0") SEES;

static const char source[] =
    "pyzap plan 1\nroute drop\nmodule m\nobject x = node m\nobject y = cnode\n"
    "global m a = x\nglobal m _b = y\n";

static struct zap_trace sides[2];
static struct zap_difference difference;

static void read_trace(const char *text, struct zap_trace *trace)
{
    bool is_first = true;
    memset(trace, 0, sizeof *trace);
    for (; *text; is_first = false) {
        char line[512], said[256];
        size_t len = strcspn(text, "\n");
        struct zap_str what = zap_str_init(said, sizeof said);
        snprintf(line, sizeof line, "%.*s", (int)len, text);
        if (zap_trace_text_add(trace, is_first, line, &what) != ZAP_OK)
            fail_msg("%s: %s", line, said);
        text += len + (text[len] == '\n');
    }
}

/* Compare what two builds did, as `pyzap compare` does. */
static void compare(const char *plan_text, const char *older, const char *older_events,
                    const char *newer, const char *newer_events)
{
    static char text[2][8192];
    struct zap_plan plan;
    struct zap_text_error error;
    if (zap_text_parse(plan_text, strlen(plan_text), &plan, &error) != ZAP_OK)
        fail_msg("line %u: %s", error.line, error.what);
    snprintf(text[0], sizeof text[0], "%s%s", older, older_events);
    snprintf(text[1], sizeof text[1], "%s%s", newer, newer_events);
    for (int s = 0; s < 2; s++)
        read_trace(text[s], &sides[s]);
    uint32_t observers = sides[0].build.observers & sides[1].build.observers;
    for (int s = 0; s < 2; s++)
        zap_difference_view(&plan, observers, &sides[s]);
    zap_difference_find(&plan, &sides[0], &sides[1], &difference);
}

static void assert_explained_by(enum zap_feature_code feature)
{
    assert_int_equal(difference.unexplained, 0);
    assert_true(difference.features == UINT64_C(1) << feature);
}

#define DIES                                                                                       \
    "del o0 m0 refs=0 how=refcount bound=- none=a,_b builtins=same size=7\n"                       \
    "del-end o0 m0 refs=0 how=refcount bound=- none=a,_b builtins=same size=7 pending=no\n"        \
    "free o0\n"

static void test_equal_traces_do_not_differ(void **state)
{
    (void)state;
    compare(source, on_3_6, "route kind=drop\n" DIES, on_3_7, "route kind=drop\n" DIES);
    assert_true(zap_difference_is_same(&sides[0], &sides[1]));
    assert_int_equal(difference.different[0] + difference.different[1], 0);
    assert_int_equal(difference.unexplained, 0);
    assert_true(difference.features == 0);
}

static void test_refcounts_and_own_names_are_no_behaviour(void **state)
{
    (void)state;
    compare(source, on_3_6,
            "route kind=drop\nentry m0 name=__spec__ - refs=0 seen=none at=0\n"
            "entry m0 name=a o0 refs=1 seen=bound at=1\n"
            "before m0 refs=6 bound=a none=__spec__ builtins=same size=9\n",
            on_3_7,
            "route kind=drop\nentry m0 name=a o0 refs=2 seen=bound at=0\n"
            "before m0 refs=5 bound=a none=- builtins=same size=7\n");
    assert_true(zap_difference_is_same(&sides[0], &sides[1]));
}

static void test_what_one_observer_alone_tells_is_left_out(void **state)
{
    (void)state;
    compare(source, on_3_7, "route kind=drop\n" DIES,
            BUILD("3.13.0") "sees=sets,dict-gone,destroy,unraisable,ends\n",
            "route kind=drop\ndestroy - o0 kind=node\n" DIES);
    assert_true(zap_difference_is_same(&sides[0], &sides[1]));
}

static void test_a_drop_that_wipes_is_explained(void **state)
{
    (void)state;
    compare(source, on_2_7,
            "route kind=drop\nmodule-gone m0 refs=6\n"
            "set-none m0 name=a pass=2 by=interpreter o0 refs=1 seen=bound\n" DIES
            "module-end m0\nafter m0 refs=2 bound=- none=a,_b builtins=same size=7 unchanged=yes\n",
            on_3_6,
            "route kind=drop\nmodule-gone m0 refs=6\nmodule-end m0\n"
            "after m0 refs=2 bound=a,_b none=- builtins=same size=7 unchanged=yes\n");
    assert_explained_by(ZAP_FEATURE_ZAP_ON_DEALLOC);
    assert_true(difference.different[0] == 5 && difference.different[1] == 1);
}

/* The same versions, which differ by that very feature: but nothing of it is at work here. */
/* What a drop does in 2.7 is no matter of the order of names, although that is another one, too. */
static void test_what_happens_comes_before_its_order(void **state)
{
    (void)state;
#define ENTRY(name) "entry m0 name=" name " - refs=1 seen=bound at=0\n"
#define GONE(more)  "module-gone m0 refs=1\n" more "module-end m0\n"
    compare(source, on_2_7,
            ENTRY("_b") ENTRY("a") "route kind=drop\n" GONE(
                "set-none m0 name=_b pass=1 by=interpreter - refs=0 seen=bound\n"),
            on_3_6, ENTRY("a") ENTRY("_b") "route kind=drop\n" GONE(""));
    assert_int_equal(difference.unexplained, 0);
    for (uint32_t i = 0; i < sides[0].events_count; i++)
        if (sides[0].events[i].kind == ZAP_EVENT_SET_NONE)
            assert_int_equal(difference.marks[0][i].feature, ZAP_FEATURE_ZAP_ON_DEALLOC);
    assert_true(zap_profile_has(difference.features, ZAP_FEATURE_ZAP_ON_DEALLOC));
    assert_true(zap_profile_has(difference.features, ZAP_FEATURE_DICT_INSERTION_ORDER));
#undef GONE
#undef ENTRY
}

static void test_a_feature_elsewhere_explains_nothing(void **state)
{
    (void)state;
    compare(source, on_2_7, "route kind=drop\n" DIES, on_3_6, "route kind=drop\n");
    assert_int_equal(difference.unexplained, 3);
    assert_true(difference.features == 0);
    assert_int_equal(difference.first_kinds[0], ZAP_EVENT_DEL);
    assert_int_equal(difference.first_kinds[1], 0);
}

static void test_versions_without_that_feature_explain_nothing(void **state)
{
    (void)state;
    compare(source, on_3_6, "route kind=drop\nmodule-gone m0 refs=6\n" DIES "module-end m0\n",
            on_3_7, "route kind=drop\nmodule-gone m0 refs=6\nmodule-end m0\n");
    assert_int_equal(difference.unexplained, 3);
}

static void test_what_follows_from_an_explained_event_is_explained(void **state)
{
    (void)state;
    /* It is found in a namespace that was wiped, by a script that runs later. */
    compare(
        source, on_2_7,
        "route kind=drop\nmodule-gone m0 refs=6\n"
        "set-none m0 name=_b pass=1 by=interpreter o1 refs=2 seen=bound\nmodule-end m0\n"
        "look o0 m0 name=_b seen=none\n",
        on_3_6,
        "route kind=drop\nmodule-gone m0 refs=6\nmodule-end m0\nlook o0 m0 name=_b seen=bound\n");
    assert_explained_by(ZAP_FEATURE_ZAP_ON_DEALLOC);
    /* Before the cause there is no consequence. */
    compare(
        source, on_2_7,
        "route kind=drop\nlook o0 m0 name=_b seen=none\nmodule-gone m0 refs=6\n"
        "set-none m0 name=_b pass=1 by=interpreter o1 refs=2 seen=bound\nmodule-end m0\n",
        on_3_6,
        "route kind=drop\nlook o0 m0 name=_b seen=bound\nmodule-gone m0 refs=6\nmodule-end m0\n");
    assert_int_equal(difference.unexplained, 2);
}

static void test_changes_that_only_a_watcher_sees(void **state)
{
    (void)state;
    compare(source, on_3_11, "route kind=reload\n", on_3_12,
            "route kind=reload\nstore m0 name=a by=route o0 refs=2 seen=bound\n");
    assert_explained_by(ZAP_FEATURE_DICT_WATCHER);
    /* The wipe's own changes are seen by all. */
    compare(source, on_3_11, "route kind=wipe\nwipe m0 call=first\n", on_3_12,
            "route kind=wipe\nwipe m0 call=first\n"
            "set-none m0 name=a pass=2 by=interpreter o0 refs=2 seen=bound\n");
    assert_int_equal(difference.unexplained, 1);
}

static void test_an_import_asks_the_namespace_on_2_7(void **state)
{
    (void)state;
    static const char refused[] = "route kind=drop\ndone o0 op=import-new worked=no\n";
    static const char works[] = "route kind=drop\ndone o0 op=import-new worked=yes\n";
    static const char beside_package[] =
        "pyzap plan 1\nroute drop\nmodule m\nobject x = node m\nobject y = cnode\n"
        "global m a = x\nglobal m __package__ = y\n";
    compare(beside_package, on_2_7, refused, on_3_6, works);
    assert_explained_by(ZAP_FEATURE_IMPORT_IS_ABSOLUTE);
    compare(source, on_2_7, refused, on_3_6, works);
    assert_int_equal(difference.unexplained, 2);
}

static void test_a_reload_asks_getattr(void **state)
{
    (void)state;
    static const char same[] = "route kind=reload\nreloaded m0 same=yes\n";
    static const char failed[] = "route kind=reload\nreloaded m0 same=no\n";
    static const char beside_getattr[] =
        "pyzap plan 1\nroute reload\nmodule m\nobject x = int\nglobal m __getattr__ = x\n";
    static const char without[] =
        "pyzap plan 1\nroute reload\nmodule m\nobject x = int\nglobal m a = x\n";
    compare(beside_getattr, on_3_6, same, on_3_7, failed);
    assert_explained_by(ZAP_FEATURE_MODULE_GETATTR);
    compare(without, on_3_6, same, on_3_7, failed);
    assert_int_equal(difference.unexplained, 2);
}

/* The order of tracking is that of a later collection, and neither of the first one nor of what
 * happens on one side only. */
static void test_tracking_explains_an_order_alone(void **state)
{
    (void)state;
#define DEL(node) "del " node " m0 refs=1 how=gc bound=a,_b none=- builtins=same size=2\n"
#define FIRST     "collect by=o5\ncollect-end by=o5\n"
    compare(source, on_3_12, "route kind=collect\n" FIRST DEL("o0") DEL("o1"), on_3_13,
            "route kind=collect\n" FIRST DEL("o1") DEL("o0"));
    assert_explained_by(ZAP_FEATURE_MODULE_DICT_TRACKED);
    compare(source, on_3_12, "route kind=collect\n" DEL("o0") DEL("o1"), on_3_13,
            "route kind=collect\n" DEL("o1") DEL("o0"));
    assert_int_equal(difference.unexplained, 2);
    compare(source, on_3_12, "route kind=collect\n" FIRST DEL("o0"), on_3_13,
            "route kind=collect\n" FIRST);
    assert_int_equal(difference.unexplained, 1);
#undef FIRST
#undef DEL
}

/* What a debug build holds while it deallocates. */
static void test_debug_builds_get_to_things_another_way(void **state)
{
    (void)state;
#define FIRST  "collect by=o5\ncollect-end by=o5\n"
#define SECOND "collect by=route\n"
    compare(source, on_3_11, "route kind=collect\n" FIRST SECOND "free o0\ncnode o1 m0 gone=yes\n",
            on_3_11_debug, "route kind=collect\n" FIRST SECOND "cnode o1 m0 gone=yes\nfree o0\n");
    assert_explained_by(ZAP_FEATURE_DEALLOC_HOLDS_TYPE);
    compare(source, on_3_11, "route kind=collect\n" SECOND "free o0\ncnode o1 m0 gone=yes\n",
            on_3_11_debug, "route kind=collect\n" SECOND "cnode o1 m0 gone=yes\nfree o0\n");
    assert_int_equal(difference.unexplained, 2);
#undef FIRST
#undef SECOND
}

static const char exits[] = "pyzap plan 1\nroute exit\nmodule m\nobject x = node m\n"
                            "global m a = x\npark object x c\n";

/* What the last collection takes, it takes when builtins have been wiped. */
static void test_the_last_collection_explains_nothing_before_it(void **state)
{
    (void)state;
#define PAST "phase kind=builtins-wiped\n"
    compare(exits, on_3_9, "route kind=exit\n" PAST, on_3_10, "route kind=exit\n" PAST "free o0\n");
    assert_explained_by(ZAP_FEATURE_LATE_ROOTS_COLLECTED);
    compare(exits, on_3_9, "route kind=exit\n" PAST, on_3_10, "route kind=exit\nfree o0\n" PAST);
    assert_int_equal(difference.unexplained, 1);
#undef PAST
}

static void test_errors_of_atexit_callbacks(void **state)
{
    (void)state;
    static const char with_callback[] = "pyzap plan 1\nroute exit\nmodule m\nobject x = node m\n"
                                        "global m a = x\npark object x atexit\n";
    static const char nothing[] = "route kind=exit\n", told[] = "route kind=exit\nunraisable -\n";
    compare(with_callback, on_3_9, nothing, on_3_10, told);
    assert_explained_by(ZAP_FEATURE_ATEXIT_UNRAISABLE);
    compare(exits, on_3_9, nothing, on_3_10, told);
    assert_int_equal(difference.unexplained, 1);
}

static void test_collections_that_cannot_be_seen(void **state)
{
    (void)state;
#define SEEN "collect by=interpreter\ncollect-end by=interpreter\n"
    compare(exits, on_3_9, "route kind=exit\n", on_3_10, "route kind=exit\n" SEEN);
    assert_explained_by(ZAP_FEATURE_COLLECTS_UNSEEN);
    compare(exits, on_3_10, "route kind=exit\n", on_3_11, "route kind=exit\n" SEEN);
    assert_int_equal(difference.unexplained, 2);
#undef SEEN
}

static void test_atexit_of_subinterpreters(void **state)
{
    (void)state;
#define PLAN(route)                                                                                \
    "pyzap plan 1\nroute " route "\nmodule m\nobject x = node m\nobject y = node m\n"              \
    "global m a = y\npark object x atexit\n"
#define CALLED "atexit o0\natexit-end o0\n"
    compare(PLAN("subinterp"), on_3_6, "route kind=subinterp\n", on_3_7,
            "route kind=subinterp\n" CALLED "free o0\n");
    assert_explained_by(ZAP_FEATURE_SUBINTERP_RUNS_ATEXIT);
    compare(PLAN("subinterp"), on_3_6, "route kind=subinterp\n", on_3_7,
            "route kind=subinterp\n" CALLED "free o1\n");
    assert_int_equal(difference.unexplained, 1);
    compare(PLAN("exit"), on_3_6, "route kind=exit\n", on_3_7, "route kind=exit\n" CALLED);
    assert_int_equal(difference.unexplained, 2);
    /* What its script takes out of sys.modules is not met there. */
    compare(PLAN("subinterp") "script x\n    unlist m\n", on_3_6,
            "route kind=subinterp\nunlisted m0 as=itself\n", on_3_7,
            "route kind=subinterp\n" CALLED);
    assert_explained_by(ZAP_FEATURE_SUBINTERP_RUNS_ATEXIT);
    compare(PLAN("subinterp"), on_3_6, "route kind=subinterp\nunlisted m0 as=itself\n", on_3_7,
            "route kind=subinterp\n" CALLED);
    assert_int_equal(difference.unexplained, 1);
    /* Who keeps itself has a class, which holds a namespace. */
    compare(PLAN("subinterp") "script x\n    keep\n", on_3_6, "route kind=subinterp\nfree o1\n",
            on_3_7, "route kind=subinterp\n" CALLED);
    assert_explained_by(ZAP_FEATURE_SUBINTERP_RUNS_ATEXIT);
    compare(PLAN("subinterp") "script x\n    raise\n", on_3_6, "route kind=subinterp\nfree o1\n",
            on_3_7, "route kind=subinterp\n" CALLED);
    assert_int_equal(difference.unexplained, 1);
    /* What goes by its script runs sooner, and what that finds is about its own module. */
#define DONE(worked)                                                                               \
    "del o1 m0 refs=1 how=refcount bound=- none=- builtins=same size=1\n"                          \
    "done o1 op=call-builtin worked=" worked "\n"
    compare(PLAN("subinterp") "script x\n    clear m\n", on_3_6,
            "route kind=subinterp\n" DONE("no"), on_3_7, "route kind=subinterp\n" DONE("yes"));
    assert_explained_by(ZAP_FEATURE_SUBINTERP_RUNS_ATEXIT);
    compare(PLAN("subinterp"), on_3_6, "route kind=subinterp\n" DONE("no"), on_3_7,
            "route kind=subinterp\n" DONE("yes"));
    assert_int_equal(difference.unexplained, 2);
#undef DONE
#undef CALLED
#undef PLAN
}

static void test_weak_references_that_were_garbage(void **state)
{
    (void)state;
    static const char plan[] = "pyzap plan 1\nroute collect\nmodule m\nobject x = node m\n"
                               "object y = callback x\nglobal m a = x\nglobal m b = y\n";
#define CALLED "callback o1 how=refcount\n"
#define PAST   "route kind=collect\ncollect by=o0\ncollect-end by=o0\n"
    compare(plan, on_3_7, PAST CALLED, on_3_8, PAST);
    assert_explained_by(ZAP_FEATURE_GARBAGE_WEAKREFS_CLEARED);
    compare(plan, on_3_7, "route kind=collect\ncollect by=o0\n" CALLED "collect-end by=o0\n",
            on_3_8, PAST);
    assert_explained_by(ZAP_FEATURE_GARBAGE_WEAKREFS_CLEARED);
    compare(plan, on_3_7, "route kind=collect\n" CALLED, on_3_8, "route kind=collect\n");
    assert_int_equal(difference.unexplained, 1);
#undef PAST
#undef CALLED
}

static void test_frames_explain_an_order_alone(void **state)
{
    (void)state;
#define FIRST "collect by=o5\ncollect-end by=o5\ncollect by=route\n"
#define FREE  "free o0\n"
#define GONE  "cnode o1 m0 gone=yes\n"
    compare(source, on_3_6, "route kind=collect\n" FIRST FREE GONE, on_3_7,
            "route kind=collect\n" FIRST GONE FREE);
    assert_explained_by(ZAP_FEATURE_FRAMES_UNTRACKED);
    compare(source, on_3_10, "route kind=collect\n" FIRST FREE GONE, on_3_11,
            "route kind=collect\n" FIRST GONE FREE);
    assert_explained_by(ZAP_FEATURE_FRAMES_BORROW_GLOBALS);
    compare(source, on_3_6, "route kind=collect\n" FIRST FREE GONE, on_3_7,
            "route kind=collect\n" FIRST GONE);
    assert_int_equal(difference.unexplained, 1);
#undef GONE
#undef FREE
#undef FIRST
}

static void test_lost_builtins_explain_what_comes_after(void **state)
{
    (void)state;
    static const char plan[] = "pyzap plan 1\nroute subinterp\nmodule m\nobject x = node m\n"
                               "global m a = x\nscript x\n    call-builtin\n";
#define ROUTE "route kind=subinterp\n"
#define LOST  "phase kind=builtins-wiped\n"
    compare(plan, on_3_8, ROUTE LOST "free o0\n", on_3_9, ROUTE LOST);
    assert_explained_by(ZAP_FEATURE_SUBINTERP_LOSES_BUILTINS);
    compare(plan, on_3_8, ROUTE "free o0\n" LOST, on_3_9, ROUTE LOST);
    assert_int_equal(difference.unexplained, 1);
#undef LOST
#undef ROUTE
}

static void test_a_callback_beside_a_nest(void **state)
{
    (void)state;
    static const char plan[] = "pyzap plan 1\nroute drop\nmodule m\nobject x = node elsewhere\n"
                               "object y = nest\nobject c = callback x\nobject z = node m\n"
                               "object d = callback z\nglobal m a = y\nglobal m b = c\n"
                               "global m c = z\nglobal m d = d\nlink y -> x\n";
    compare(plan, on_3_12, "route kind=drop\n", on_3_13,
            "route kind=drop\ncallback o2 how=refcount\n");
    assert_explained_by(ZAP_FEATURE_TRASHCAN_BY_STACK);
    compare(plan, on_3_12, "route kind=drop\n", on_3_13,
            "route kind=drop\ncallback o4 how=refcount\n");
    assert_int_equal(difference.unexplained, 1);
}

/* A module in a nest goes when the nest does, and so what holds a nest is freed before or after. */
static void test_a_module_in_a_nest(void **state)
{
    (void)state;
#define PLAN(held)                                                                                 \
    "pyzap plan 1\nroute drop\nmodule m\nmodule n\nobject z = " held "\nobject y = nest\n"         \
    "object x = node elsewhere\nglobal m a = x\nlink x -> y\nlink y -> z\n"
#define GONE "module-gone m1 refs=1\nmodule-end m1\n"
#define FREE "free o2\n"
    compare(PLAN("module n"), on_3_12, "route kind=drop\n" FREE GONE, on_3_13,
            "route kind=drop\n" GONE FREE);
    assert_explained_by(ZAP_FEATURE_TRASHCAN_BY_STACK);
    compare(PLAN("module n"), on_3_12, "route kind=drop\n", on_3_13, "route kind=drop\n" GONE);
    assert_explained_by(ZAP_FEATURE_TRASHCAN_BY_STACK);
    compare(PLAN("module m"), on_3_12, "route kind=drop\n", on_3_13, "route kind=drop\n" GONE);
    assert_int_equal(difference.unexplained, 2);
#undef FREE
#undef GONE
#undef PLAN
}

/* Where a name that is new goes, and what a clearing under way still meets, is the order of the
 * dict. */
static void test_new_names_make_another_order(void **state)
{
    (void)state;
#define NEW(seen)  "wipe m0 call=first\nset-none m0 name=a pass=0 by=o0 - refs=0 seen=" seen "\n"
#define LATE(pass) "set-none m0 name=_b pass=" pass " by=interpreter - refs=0 seen=bound\n"
    compare(source, on_2_7, "route kind=wipe\n" NEW("missing") LATE("1"), on_3_6,
            "route kind=wipe\n" NEW("missing") LATE("2"));
    assert_explained_by(ZAP_FEATURE_DICT_INSERTION_ORDER);
    compare(source, on_2_7, "route kind=wipe\n" NEW("none") LATE("1"), on_3_6,
            "route kind=wipe\n" NEW("none") LATE("2"));
    assert_int_equal(difference.unexplained, 2);
    /* Nor need the new name be one that a trace shows. */
#define AGAIN_PLAN(op)                                                                             \
    "pyzap plan 1\nroute wipe\nmodule m\nobject x = node m\nglobal m a = x\nscript x\n    " op "\n"
#define AGAIN(more)                                                                                \
    "route kind=wipe\nwipe m0 call=first\n" more "wipe-end m0 call=first pending=no\n"
    compare(AGAIN_PLAN("bind-again m"), on_2_7, AGAIN(""), on_3_6, AGAIN("free o1\n"));
    assert_explained_by(ZAP_FEATURE_DICT_INSERTION_ORDER);
    compare(AGAIN_PLAN("collect"), on_2_7, AGAIN(""), on_3_6, AGAIN("free o1\n"));
    assert_int_equal(difference.unexplained, 1);
    compare(AGAIN_PLAN("bind-node m __spec__"), on_2_7, AGAIN(""), on_3_6, AGAIN("free o1\n"));
    assert_explained_by(ZAP_FEATURE_DICT_INSERTION_ORDER);
    compare(AGAIN_PLAN("look m __spec__"), on_2_7, AGAIN(""), on_3_6, AGAIN("free o1\n"));
    assert_int_equal(difference.unexplained, 1);
#undef AGAIN
#undef AGAIN_PLAN
#undef LATE
#undef NEW
}

/* Of the interpreter's own names a view tells only what scripts see. */
static void test_a_look_at_a_name_of_the_interpreters(void **state)
{
    (void)state;
#define PLAN(name)                                                                                 \
    "pyzap plan 1\nroute wipe\nmodule m\nobject x = node m\nglobal m a = x\nscript x\n    look "   \
    "m " name "\n"
#define IN(name, seen)                                                                             \
    "route kind=wipe\nwipe m0 call=first\nlook o0 m0 name=" name " seen=" seen "\n"
    compare(PLAN("__name__"), on_2_7, IN("__name__", "bound"), on_3_6, IN("__name__", "none"));
    assert_explained_by(ZAP_FEATURE_DICT_INSERTION_ORDER);
    compare(PLAN("b"), on_2_7, IN("b", "bound"), on_3_6, IN("b", "none"));
    assert_int_equal(difference.unexplained, 2);
    compare(PLAN("__builtins__"), on_2_7, IN("__builtins__", "bound"), on_3_6,
            IN("__builtins__", "none"));
    assert_int_equal(difference.unexplained, 2);
#undef IN
#undef PLAN
}

static void test_long_names_are_constants(void **state)
{
    (void)state;
#define PLAN(name)                                                                                 \
    "pyzap plan 1\nroute drop\nmodule m\nobject x = node m\nglobal m a = x\nscript x\n"            \
    "    bind-self m " name "\n"
#define IN(unchanged)                                                                              \
    "route kind=drop\nafter m0 refs=1 bound=a none=- builtins=same size=1 unchanged=" unchanged "\n"
    compare(PLAN("\"n\"*200"), on_3_6, IN("no"), on_3_7, IN("yes"));
    assert_explained_by(ZAP_FEATURE_LONG_STRINGS_FOLDED);
    compare(PLAN("b"), on_3_6, IN("no"), on_3_7, IN("yes"));
    assert_int_equal(difference.unexplained, 2);
#undef IN
#undef PLAN
}

/* What a collection has left alone, because one finalizer brought something back, is there later.
 */
static void test_what_a_collection_left_goes_later(void **state)
{
    (void)state;
#define COLLECTED(more) "route kind=collect\ncollect by=route\n" more "collect-end by=route\n"
    compare(source, on_3_8, COLLECTED("resurrect o0 refs=1\n"), on_3_9,
            COLLECTED("resurrect o0 refs=1\n") "dict-gone m0\n");
    assert_explained_by(ZAP_FEATURE_ONE_KEEPS_ALL);
    compare(source, on_3_8, COLLECTED("spawn o2\n"), on_3_9,
            COLLECTED("spawn o2\n") "dict-gone m0\n");
    assert_explained_by(ZAP_FEATURE_ONE_KEEPS_ALL);
    compare(source, on_3_8, COLLECTED("resurrect o0 refs=1\n"), on_3_9,
            COLLECTED("resurrect o0 refs=1\n") "cnode o1 m0 gone=yes\n");
    assert_explained_by(ZAP_FEATURE_ONE_KEEPS_ALL);
    compare(source, on_3_8, COLLECTED(""), on_3_9, COLLECTED("") "cnode o1 m0 gone=yes\n");
    assert_int_equal(difference.unexplained, 1);
    compare(source, on_3_8, COLLECTED(""), on_3_9, COLLECTED("") "dict-gone m0\n");
    assert_int_equal(difference.unexplained, 1);
    compare(source, on_3_8, COLLECTED("resurrect o0 refs=1\n"), on_3_9,
            COLLECTED("resurrect o0 refs=1\n") "done o0 op=look worked=yes\n");
    assert_int_equal(difference.unexplained, 1);
#undef COLLECTED
}

/* Without a second __del__, what came back goes when it is let go of. */
static void test_what_came_back_goes(void **state)
{
    (void)state;
    compare(source, on_2_7, "route kind=drop\nresurrect o0 refs=1\n", on_3_6,
            "route kind=drop\nfree o0\n");
    assert_explained_by(ZAP_FEATURE_SAFE_FINALIZERS);
    compare(source, on_2_7, "route kind=drop\n", on_3_6, "route kind=drop\nfree o0\n");
    assert_int_equal(difference.unexplained, 1);
    assert_true(difference.features == 0);
}

/* What happens to an object happens to what it holds, through lists and methods too, but not
 * through what would show it. */
static void test_effects_pass_through_what_shows_nothing(void **state)
{
    (void)state;
#define PLAN(middle)                                                                               \
    "pyzap plan 1\nroute wipe\nmodule m\nobject x = node m\nobject y = list\nobject z = " middle   \
    "\nobject w = method x\nglobal m u\"u\" = y\nglobal m a = x\nlink y -> z\nlink z -> w\n"
#define SET "set-none m0 name=u\"u\" pass=2 by=interpreter o1 refs=2 seen=bound\n"
    compare(PLAN("list"), on_2_7, "route kind=wipe\n", on_3_6, "route kind=wipe\n" SET "free o0\n");
    assert_explained_by(ZAP_FEATURE_ONLY_NATIVE_STR);
    compare(PLAN("node elsewhere"), on_2_7, "route kind=wipe\n", on_3_6,
            "route kind=wipe\n" SET "free o0\n");
    assert_int_equal(difference.unexplained, 1);
#undef SET
#undef PLAN
}

static void test_names_of_sys_differ_from_build_to_build(void **state)
{
    (void)state;
#define PLAN(place)                                                                                \
    "pyzap plan 1\nroute exit\nmodule m\nobject x = node m\nobject y = node m\n"                   \
    "park object x sys\npark object y " place "\n"
#define WIPE(call, first, last)                                                                    \
    "route kind=exit\nwipe - call=" call "\nfree " first "\nfree " last "\nwipe-end - call=" call  \
    " pending=no\n"
    compare(PLAN("sys"), on_2_7, WIPE("sys", "o0", "o1"), on_2_7, WIPE("sys", "o1", "o0"));
    assert_explained_by(ZAP_FEATURE_SYS_IN_HASH_ORDER);
    compare(PLAN("thread"), on_2_7, WIPE("sys", "o0", "o1"), on_2_7, WIPE("sys", "o1", "o0"));
    assert_int_equal(difference.unexplained, 2);
    compare(PLAN("sys"), on_3_6, WIPE("sys", "o0", "o1"), on_3_6, WIPE("sys", "o1", "o0"));
    assert_int_equal(difference.unexplained, 2);
#undef WIPE
#undef PLAN
}

/* An object may be a module, which goes without a word of the object. */
static void test_effects_reach_modules(void **state)
{
    (void)state;
#define PLAN(held)                                                                                 \
    "pyzap plan 1\nroute exit\nmodule m\nmodule n\nobject x = " held "\nglobal m a = x\n"
#define WIPE                                                                                       \
    "wipe m0 call=first\nset-none m0 name=a pass=2 by=interpreter o0 refs=2 seen=bound\n"          \
    "wipe-end m0 call=first pending=no\n"
#define GONE "module-gone m1 refs=1\ndict-gone m1\nmodule-end m1\n"
    compare(PLAN("module n"), on_3_7, "route kind=exit\n", on_3_8, "route kind=exit\n" WIPE GONE);
    assert_explained_by(ZAP_FEATURE_SURVIVORS_REVERSED);
    compare(PLAN("list"), on_3_7, "route kind=exit\n", on_3_8, "route kind=exit\n" WIPE GONE);
    assert_int_equal(difference.unexplained, 3);
#undef GONE
#undef WIPE
#undef PLAN
}

/* The order of wipes at the end shows in how modules are after them, which names or none. */
static void test_survivors_in_another_order(void **state)
{
    (void)state;
#define WIPED(m)                                                                                   \
    "wipe " m " call=first\nwipe-end " m " call=first pending=no\n"                                \
    "after " m " refs=1 bound=- none=- builtins=same size=1 unchanged=yes\n"
    static const char two[] = "pyzap plan 1\nroute exit\nmodule m\nmodule n\n";
    compare(two, on_3_7, "route kind=exit\n" WIPED("m0") WIPED("m1"), on_3_8,
            "route kind=exit\n" WIPED("m1") WIPED("m0"));
    assert_explained_by(ZAP_FEATURE_SURVIVORS_REVERSED);
    compare(two, on_3_8, "route kind=exit\n" WIPED("m0") WIPED("m1"), on_3_9,
            "route kind=exit\n" WIPED("m1") WIPED("m0"));
    assert_int_equal(difference.unexplained, 6);
#undef WIPED
}

/* From 3.10 on a function has builtins of its own: what is bound as __builtins__ goes earlier, or
 * is held by a function that was made meanwhile. */
static void test_captured_builtins(void **state)
{
    (void)state;
#define PLAN(acts)                                                                                 \
    "pyzap plan 1\nroute wipe\nmodule m\nobject x = node m\nobject y = node m\n"                   \
    "global m a = x\nglobal m b = y\n" acts
#define LOOK "look o0 m0 name=a seen=bound\n"
#define GOES "del o2 m0 refs=1 how=refcount bound=a none=- builtins=missing size=1\nfree o2\n"
#define IN   "route kind=wipe\ndel o0 m0 refs=1 how=refcount bound=a none=- builtins=same size=1\n"
    compare(
        PLAN(
            "script y\n    bind-node m __builtins__\nscript x\n    del-builtins m\n    look m a\n"),
        on_3_9, IN LOOK GOES, on_3_10, IN GOES LOOK);
    assert_explained_by(ZAP_FEATURE_BUILTINS_CAPTURED);
    compare(PLAN("script y\n    bind-node m b\nscript x\n    del-builtins m\n    look m a\n"),
            on_3_9, IN LOOK GOES, on_3_10, IN GOES LOOK);
    assert_int_equal(difference.unexplained, 2);
    compare(PLAN("script x\n    bind-self m __builtins__\n    bind-lambda m b\n"), on_3_9, IN,
            on_3_10, IN "resurrect o0 refs=2\n");
    assert_explained_by(ZAP_FEATURE_BUILTINS_CAPTURED);
    compare(PLAN("script x\n    bind-self m b\n"), on_3_9, IN, on_3_10, IN "resurrect o0 refs=2\n");
    assert_int_equal(difference.unexplained, 1);
    /* What is held so may be new, ... */
#define NEW(name) PLAN("script x\n    bind-node m " name "\n")
    compare(NEW("__builtins__"), on_3_9, IN GOES "look o0 m0 name=a seen=bound\n", on_3_10,
            IN "look o0 m0 name=a seen=bound\n" GOES);
    assert_explained_by(ZAP_FEATURE_BUILTINS_CAPTURED);
    compare(NEW("c"), on_3_9, IN GOES, on_3_10, IN);
    assert_int_equal(difference.unexplained, 2);
#undef NEW
    /* ... and a module. */
#define MODULE(name)                                                                               \
    PLAN("object l = list\nobject n = module m\nlink l -> n\nglobal m " name " = l\n")
    compare(MODULE("__builtins__"), on_3_9, IN "module-gone m0 refs=1\n", on_3_10, IN);
    assert_explained_by(ZAP_FEATURE_BUILTINS_CAPTURED);
    compare(MODULE("c"), on_3_9, IN "module-gone m0 refs=1\n", on_3_10, IN);
    assert_int_equal(difference.unexplained, 1);
#undef MODULE
#undef IN
#undef GOES
#undef LOOK
#undef PLAN
}

/* What a script has made is nobody's in the plan, and has the next number. */
static void test_what_scripts_make_is_numbered_on(void **state)
{
    (void)state;
    static const char plan[] = "pyzap plan 1\nroute subinterp\nmodule m\nobject x = node m\n"
                               "global m a = x\npark object x atexit\nscript x\n    new\n";
#define MADE(node) "spawn " node "\nfree " node "\n"
#define CALLED     "atexit o0\n" MADE("o1") "atexit-end o0\n"
#define PHASES     "phase kind=sys\nphase kind=removing\nphase kind=emptied\n"
    compare(plan, on_3_6, "route kind=subinterp\n" PHASES MADE("o1"), on_3_7,
            "route kind=subinterp\n" CALLED PHASES MADE("o70"));
    assert_explained_by(ZAP_FEATURE_SUBINTERP_RUNS_ATEXIT);
    compare(plan, on_3_6, "route kind=subinterp\n", on_3_7, "route kind=subinterp\n" MADE("o70"));
    assert_int_equal(difference.unexplained, 2);
#undef PHASES
#undef CALLED
#undef MADE
}

/* Which name of sys goes first is nothing that a dict in the order of hashes promises. */
static void test_the_wipe_of_sys_begins_with_the_wipe(void **state)
{
    (void)state;
#define WIPE  "route kind=exit\nwipe - call=sys\n"
#define PHASE "phase kind=sys-wiped\n"
    compare(exits, on_2_7, WIPE PHASE "free o0\n", on_2_7, WIPE "free o0\n" PHASE);
    assert_int_equal(difference.different[0] + difference.different[1], 0);
    compare(exits, on_3_6, WIPE PHASE "free o0\n", on_3_6, WIPE "free o0\n" PHASE);
    assert_int_equal(difference.unexplained, 2);
#undef PHASE
#undef WIPE
}

static void test_long_traces_are_aligned_in_windows(void **state)
{
    (void)state;
    struct zap_plan plan;
    zap_plan_init(&plan);
    memset(sides, 0, sizeof sides);
    uint32_t count = 3000;
    for (int s = 0; s < 2; s++) {
        for (uint32_t i = 0; i < count; i++) {
            struct zap_event *event = &sides[s].events[sides[s].events_count++];
            *event = (struct zap_event){
                .kind = ZAP_EVENT_POKED, .module = ZAP_NO_MODULE, .node = (uint8_t)(i * 7 % 41)};
            if (i % 500 == (s ? 499 : 250)) { /* only here */
                event->kind = ZAP_EVENT_KEPT;
                event->node = (uint8_t)(100 + i / 500);
            }
        }
    }
    zap_difference_find(&plan, &sides[0], &sides[1], &difference);
    assert_int_equal(difference.different[0], 12);
    assert_int_equal(difference.different[1], 12);
    assert_int_equal(difference.unexplained, 24);
}

static void test_rows_that_bear_say_why(void **state)
{
    (void)state;
    assert_non_null(zap_difference_why(ZAP_FEATURE_ZAP_ON_DEALLOC));
    assert_null(zap_difference_why(ZAP_FEATURE_REF_TRACER));
    for (unsigned f = 0; f < ZAP_FEATURE_ALL_COUNT; f++) {
        const struct zap_feature_row *row = zap_feature_row((enum zap_feature_code)f);
        assert_true(row->reference[0] && row->text[0]);
        /* What only comparisons ask for has to be asked for. */
        if (f >= ZAP_FEATURE_COUNT && !zap_difference_why((enum zap_feature_code)f))
            fail_msg("%s bears on nothing", row->id);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_traces_do_not_differ),
        cmocka_unit_test(test_refcounts_and_own_names_are_no_behaviour),
        cmocka_unit_test(test_what_one_observer_alone_tells_is_left_out),
        cmocka_unit_test(test_a_drop_that_wipes_is_explained),
        cmocka_unit_test(test_what_happens_comes_before_its_order),
        cmocka_unit_test(test_a_feature_elsewhere_explains_nothing),
        cmocka_unit_test(test_versions_without_that_feature_explain_nothing),
        cmocka_unit_test(test_what_follows_from_an_explained_event_is_explained),
        cmocka_unit_test(test_changes_that_only_a_watcher_sees),
        cmocka_unit_test(test_an_import_asks_the_namespace_on_2_7),
        cmocka_unit_test(test_a_reload_asks_getattr),
        cmocka_unit_test(test_tracking_explains_an_order_alone),
        cmocka_unit_test(test_debug_builds_get_to_things_another_way),
        cmocka_unit_test(test_the_last_collection_explains_nothing_before_it),
        cmocka_unit_test(test_errors_of_atexit_callbacks),
        cmocka_unit_test(test_collections_that_cannot_be_seen),
        cmocka_unit_test(test_atexit_of_subinterpreters),
        cmocka_unit_test(test_weak_references_that_were_garbage),
        cmocka_unit_test(test_frames_explain_an_order_alone),
        cmocka_unit_test(test_lost_builtins_explain_what_comes_after),
        cmocka_unit_test(test_a_callback_beside_a_nest),
        cmocka_unit_test(test_new_names_make_another_order),
        cmocka_unit_test(test_a_look_at_a_name_of_the_interpreters),
        cmocka_unit_test(test_a_module_in_a_nest),
        cmocka_unit_test(test_names_of_sys_differ_from_build_to_build),
        cmocka_unit_test(test_effects_reach_modules),
        cmocka_unit_test(test_survivors_in_another_order),
        cmocka_unit_test(test_captured_builtins),
        cmocka_unit_test(test_long_names_are_constants),
        cmocka_unit_test(test_what_a_collection_left_goes_later),
        cmocka_unit_test(test_what_came_back_goes),
        cmocka_unit_test(test_effects_pass_through_what_shows_nothing),
        cmocka_unit_test(test_what_scripts_make_is_numbered_on),
        cmocka_unit_test(test_the_wipe_of_sys_begins_with_the_wipe),
        cmocka_unit_test(test_long_traces_are_aligned_in_windows),
        cmocka_unit_test(test_rows_that_bear_say_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
