/* What stand-alone scripts print, read and judged: a bug that shows in the lines is found by the
 * invariant that it breaks, and lines without one break none. */
#include "oracle/script.h"
#include "plan/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NONES "__name__,__doc__,__spec__,__package__,__loader__"

static const char wipe_plan[] = "pyzap plan 1\nroute wipe\nmodule m0\nobject o0 = cnode\n"
                                "object o1 = node m0\nobject o2 = int\nglobal m0 b = o1\n"
                                "global m0 _a = o0\nglobal m0 c = o2\n"
                                "script o1\n    call-builtin\n    raise\n";

/* As 3.11.7 prints them; WITH(changes) makes others of them. */
static const char wipe_lines[] =
    "route kind=wipe\n"
    "entry m0 name=__name__ - refs=0 seen=bound at=0\n"
    "entry m0 name=__doc__ - refs=0 seen=none at=1\n"
    "entry m0 name=__package__ - refs=0 seen=none at=2\n"
    "entry m0 name=__loader__ - refs=0 seen=none at=3\n"
    "entry m0 name=__spec__ - refs=0 seen=none at=4\n"
    "entry m0 name=__builtins__ - refs=0 seen=bound at=5\n"
    "entry m0 name=b o1 refs=1 seen=bound at=6\n"
    "entry m0 name=_a o0 refs=1 seen=bound at=7\n"
    "entry m0 name=c - refs=0 seen=bound at=8\n"
    "before m0 refs=1 bound=b,c,_a,__builtins__,__name__ "
    "none=__doc__,__spec__,__package__,__loader__ builtins=same size=9\n"
    "wipe m0 call=first\n"
    "cnode o0 m0 bound=b,c,__builtins__,__name__ "
    "none=_a,__doc__,__spec__,__package__,__loader__ builtins=same size=9\n"
    "del o1 m0 bound=c,__builtins__ none=b,_a," NONES " builtins=same size=9\n"
    "done o1 op=call-builtin worked=yes\n"
    "del-end o1 m0 bound=c,__builtins__ none=b,_a," NONES " builtins=same size=9 pending=no\n"
    "Exception ignored in: <function n1_del at 0x7fe0cd041bc0>\n"
    "Traceback (most recent call last):\n"
    "Z.Error: \n"
    "wipe-end m0 call=first pending=no\n"
    "after m0 refs=1 bound=__builtins__ none=b,c,_a," NONES " builtins=same size=9 unchanged=yes\n"
    "wipe m0 call=second\n"
    "wipe-end m0 call=second pending=no\n"
    "after m0 refs=1 bound=__builtins__ none=b,c,_a," NONES " builtins=same size=9 unchanged=yes\n"
    "route-end pending=no\n";

static const char collect_plan[] = "pyzap plan 1\nroute collect\nmodule m0\nobject o0 = cnode\n"
                                   "object o1 = node m0\nobject o2 = cnode\nobject o3 = node m0\n"
                                   "global m0 b = o1\nglobal m0 _a = o0\nglobal m0 c = o2\n"
                                   "global m0 d = o3\n";
static const char collect_lines[] =
    "route kind=collect\n"
    "entry m0 name=__builtins__ - refs=0 seen=bound at=0\n"
    "entry m0 name=b o1 refs=1 seen=bound at=1\n"
    "entry m0 name=_a o0 refs=1 seen=bound at=2\n"
    "entry m0 name=c o2 refs=1 seen=bound at=3\n"
    "entry m0 name=d o3 refs=1 seen=bound at=4\n"
    "before m0 refs=2 bound=b,c,d,_a,__builtins__ none=- builtins=same size=5\n"
    "module-gone m0 refs=2\n"
    "module-end m0\n"
    "collect by=route\n"
    "del o1 m0 bound=b,c,d,_a,__builtins__ none=- builtins=same size=5\n"
    "del-end o1 m0 bound=b,c,d,_a,__builtins__ none=- builtins=same size=5 pending=no\n"
    "del o3 m0 bound=b,c,d,_a,__builtins__ none=- builtins=same size=5\n"
    "del-end o3 m0 bound=b,c,d,_a,__builtins__ none=- builtins=same size=5 pending=no\n"
    "cnode o0 m0 gone=yes\n"
    "cnode o2 m0 gone=yes\n"
    "collect-end by=route\n"
    "route-end pending=no\n";

static const char drop_plan[] = "pyzap plan 1\nroute drop\nmodule m0\nmodule m1 held\n"
                                "object o0 = cnode\nobject o1 = node elsewhere\n"
                                "global m0 b = o1\nglobal m0 _a = o0\n";
static const char drop_lines[] =
    "route kind=drop\n"
    "entry m0 name=b o1 refs=1 seen=bound at=0\n"
    "entry m0 name=_a o0 refs=1 seen=bound at=1\n"
    "before m0 refs=1 bound=b,_a none=- builtins=missing size=2\n"
    "entry m1 name=__builtins__ - refs=0 seen=bound at=0\n"
    "before m1 refs=2 bound=__builtins__ none=- builtins=same size=1\n"
    "module-gone m0 refs=1\n"
    "del o1 m0 gone=yes\n"
    "del-end o1 m0 gone=yes pending=no\n"
    "cnode o0 m0 gone=yes\n"
    "module-end m0\n"
    "module-gone m1 refs=2\n"
    "module-end m1\n"
    "after m1 refs=1 bound=__builtins__ none=- builtins=same size=1 unchanged=yes\n"
    "route-end pending=no\n";

static const char reload_plan[] = "pyzap plan 1\nroute reload\nmodule m0\nobject o0 = cnode\n"
                                  "object o1 = node elsewhere\nglobal m0 b = o1 again int\n"
                                  "global m0 _a = o0 again int\n";
static const char reload_lines[] =
    "route kind=reload\n"
    "entry m0 name=b o1 refs=1 seen=bound at=0\n"
    "entry m0 name=_a o0 refs=1 seen=bound at=1\n"
    "before m0 refs=3 bound=b,_a none=- builtins=missing size=2\n"
    "store m0 name=b by=route o1 refs=1 seen=bound\n"
    "del o1 m0 bound=b,_a none=- builtins=missing size=2\n"
    "del-end o1 m0 bound=b,_a none=- builtins=missing size=2 pending=no\n"
    "store m0 name=_a by=route o0 refs=1 seen=bound\n"
    "cnode o0 m0 bound=b,_a none=- builtins=missing size=2\n"
    "reloaded m0 same=yes\n"
    "after m0 refs=1 bound=b,_a none=- builtins=missing size=2 unchanged=yes\n"
    "route-end pending=no\n";

static struct zap_trace trace, part;
static char said[16 * 1024];
static const struct zap_build build = {.version = 3 << 16 | 11 << 8 | 7, .level = 0xf};

static void parse(const char *text, struct zap_plan *ret_plan)
{
    struct zap_text_error error;
    assert_int_equal(zap_text_parse(text, strlen(text), ret_plan, &error), ZAP_OK);
}

static void judge(const char *plan_text, const char *lines, struct zap_judgement *ret_judgement)
{
    struct zap_plan plan;
    parse(plan_text, &plan);
    zap_script_read(&plan, &build, lines, &trace);
    zap_script_judge(&plan, &trace, ret_judgement);
    assert_false(ret_judgement->is_harness);
}

/* The lines, with the first `from` replaced by `to`. */
static const char *changed(const char *lines, const char *from, const char *to)
{
    const char *at = strstr(lines, from);
    assert_non_null(at);
    struct zap_str out = zap_str_init(said, sizeof said);
    zap_str_add_bytes(&out, lines, (size_t)(at - lines));
    zap_str_add(&out, to);
    zap_str_add(&out, at + strlen(from));
    assert_false(out.cut);
    return said;
}

static void what_is_whole_breaks_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *plan, *lines;
        enum zap_invariant_code held[8];
    } cases[] = {
        {wipe_plan,
         wipe_lines,
         {ZAP_INVARIANT_I1, ZAP_INVARIANT_I2, ZAP_INVARIANT_I3, ZAP_INVARIANT_I4, ZAP_INVARIANT_I5,
          ZAP_INVARIANT_I6, ZAP_INVARIANT_I14, ZAP_INVARIANT_I25}},
        {collect_plan,
         collect_lines,
         {ZAP_INVARIANT_I9, ZAP_INVARIANT_I10, ZAP_INVARIANT_I11, ZAP_INVARIANT_I12,
          ZAP_INVARIANT_I12, ZAP_INVARIANT_I12, ZAP_INVARIANT_I12, ZAP_INVARIANT_I12}},
        {drop_plan,
         drop_lines,
         {ZAP_INVARIANT_I7, ZAP_INVARIANT_I8, ZAP_INVARIANT_I12, ZAP_INVARIANT_I12,
          ZAP_INVARIANT_I12, ZAP_INVARIANT_I12, ZAP_INVARIANT_I12, ZAP_INVARIANT_I12}},
        {reload_plan,
         reload_lines,
         {ZAP_INVARIANT_I14, ZAP_INVARIANT_I23, ZAP_INVARIANT_I23, ZAP_INVARIANT_I23,
          ZAP_INVARIANT_I23, ZAP_INVARIANT_I23, ZAP_INVARIANT_I23, ZAP_INVARIANT_I23}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct zap_judgement judgement;
        judge(cases[i].plan, cases[i].lines, &judgement);
        for (int k = 0; k < ZAP_INVARIANT_COUNT; k++) {
            if (judgement.verdicts[k] == ZAP_BROKEN)
                fail_msg("%s: %s", cases[i].plan,
                         zap_invariant_row((enum zap_invariant_code)k)->id);
        }
        for (size_t k = 0; k < 8; k++)
            assert_int_equal(judgement.verdicts[cases[i].held[k]], ZAP_HELD);
        assert_int_equal(judgement.verdicts[ZAP_INVARIANT_I26], ZAP_SKIPPED);
        assert_int_equal(judgement.verdicts[ZAP_INVARIANT_I27], ZAP_SKIPPED);
    }
}

static const struct {
    const char *plan, *lines;
    enum zap_invariant_code broken;
    const char *from, *to;
} bugs[] = {
    /* b before _a */
    {wipe_plan, wipe_lines, ZAP_INVARIANT_I1,
     "cnode o0 m0 bound=b,c,__builtins__,__name__ "
     "none=_a,__doc__,__spec__,__package__,__loader__ builtins=same size=9\n"
     "del o1 m0 bound=c,__builtins__ none=b,_a," NONES " builtins=same size=9\n",
     "del o1 m0 bound=c,_a,__builtins__ none=b," NONES " builtins=same size=9\n"},
    /* c before b, whose destructor sees that */
    {wipe_plan, wipe_lines, ZAP_INVARIANT_I14, "del o1 m0 bound=c,__builtins__ none=b,_a,",
     "del o1 m0 bound=__builtins__ none=b,c,_a,"},
    /* c stays */
    {wipe_plan, wipe_lines, ZAP_INVARIANT_I3, "after m0 refs=1 bound=__builtins__ none=b,c,_a,",
     "after m0 refs=1 bound=c,__builtins__ none=b,_a,"},
    /* another order of the keys */
    {wipe_plan, wipe_lines, ZAP_INVARIANT_I3, "unchanged=yes", "unchanged=no"},
    /* c is deleted */
    {wipe_plan, wipe_lines, ZAP_INVARIANT_I3,
     "after m0 refs=1 bound=__builtins__ none=b,c,_a," NONES " builtins=same size=9 unchanged=yes",
     "after m0 refs=1 bound=__builtins__ none=b,_a," NONES " builtins=same size=8 unchanged=no"},
    {wipe_plan, wipe_lines, ZAP_INVARIANT_I4,
     "after m0 refs=1 bound=__builtins__ none=b,c,_a," NONES " builtins=same",
     "after m0 refs=1 bound=__builtins__ none=b,c,_a," NONES " builtins=other"},
    /* its own name is still there */
    {wipe_plan, wipe_lines, ZAP_INVARIANT_I5, "del o1 m0 bound=c,__builtins__ none=b,_a,",
     "del o1 m0 bound=b,c,__builtins__ none=_a,"},
    /* the second call destroys something */
    {wipe_plan, wipe_lines, ZAP_INVARIANT_I6, "wipe m0 call=second\n",
     "wipe m0 call=second\ndel o7 m0 gone=yes\ndel-end o7 m0 gone=yes pending=no\n"},
    {wipe_plan, wipe_lines, ZAP_INVARIANT_I15,
     "Exception ignored in: <function n1_del at 0x7fe0cd041bc0>\n", ""},
    {wipe_plan, wipe_lines, ZAP_INVARIANT_I25, "worked=yes", "worked=no"},
    {wipe_plan, wipe_lines, ZAP_INVARIANT_I13, "route-end", "free o5\nroute-end"},
    /* what the collector's finalizers see */
    {collect_plan, collect_lines, ZAP_INVARIANT_I9, "del o3 m0 bound=b,c,d,_a,__builtins__ none=-",
     "del o3 m0 bound=c,d,_a,__builtins__ none=b"},
    {collect_plan, collect_lines, ZAP_INVARIANT_I10, "cnode o0 m0 gone=yes\ncnode o2 m0 gone=yes\n",
     "cnode o2 m0 gone=yes\ncnode o0 m0 gone=yes\n"},
    {collect_plan, collect_lines, ZAP_INVARIANT_I10, "cnode o2 m0 gone=yes\n", ""},
    {collect_plan, collect_lines, ZAP_INVARIANT_I12, "collect-end",
     "del o1 m0 gone=yes\ndel-end o1 m0 gone=yes pending=no\ncollect-end"},
    {collect_plan, collect_lines, ZAP_INVARIANT_I11,
     "del o1 m0 bound=b,c,d,_a,__builtins__ none=- builtins=same size=5\n",
     "del o3 m0 bound=b,c,d,_a,__builtins__ none=- builtins=same size=5\n"
     "del-end o3 m0 bound=b,c,d,_a,__builtins__ none=- builtins=same size=5 pending=no\n"
     "del o1 m0 bound=b,c,d,_a,__builtins__ none=- builtins=same size=5\n"},
    {drop_plan, drop_lines, ZAP_INVARIANT_I7,
     "after m1 refs=1 bound=__builtins__ none=- builtins=same size=1",
     "after m1 refs=1 bound=- none=- builtins=missing size=0"},
    {drop_plan, drop_lines, ZAP_INVARIANT_I8,
     "del o1 m0 gone=yes\ndel-end o1 m0 gone=yes pending=no\ncnode o0 m0 gone=yes\n",
     "cnode o0 m0 gone=yes\ndel o1 m0 gone=yes\ndel-end o1 m0 gone=yes pending=no\n"},
    {drop_plan, drop_lines, ZAP_INVARIANT_I8, "cnode o0 m0 gone=yes\n", ""},
    {reload_plan, reload_lines, ZAP_INVARIANT_I14, "cnode o0 m0 bound=b,_a none=- ",
     "kept o1\ncnode o0 m0 bound=b,_a none=- "},
    {reload_plan, reload_lines, ZAP_INVARIANT_I23, "same=yes", "same=no"},
    {reload_plan, reload_lines, ZAP_INVARIANT_I23, "after m0 refs=1 bound=b,_a none=- ",
     "after m0 refs=1 bound=b none=_a "},
};

static void a_bug_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bugs / sizeof bugs[0]; i++) {
        struct zap_judgement judgement;
        judge(bugs[i].plan, changed(bugs[i].lines, bugs[i].from, bugs[i].to), &judgement);
        if (judgement.verdicts[bugs[i].broken] != ZAP_BROKEN)
            fail_msg("%s is not broken with \"%s\"", zap_invariant_row(bugs[i].broken)->id,
                     bugs[i].to);
    }
}

/* In 2.7 a module that somebody else holds is cleared behind the script's back. */
static void what_nobody_can_know_is_not_judged(void **state)
{
    (void)state;
    const struct zap_build old = {.version = 2 << 16 | 7 << 8 | 18, .level = 0xf};
    struct zap_judgement judgement;
    struct zap_plan plan;
    parse(drop_plan, &plan);
    const char *lines = changed(drop_lines, "module-gone m1 refs=2\nmodule-end m1\n", "");
    char copy[sizeof drop_lines];
    snprintf(copy, sizeof copy, "%s", lines);
    lines = changed(copy, "after m1 refs=1 bound=__builtins__", "after m1 refs=1 bound=-");
    zap_script_read(&plan, &old, lines, &trace);
    zap_script_judge(&plan, &trace, &judgement);
    assert_false(judgement.any_broken);
}

/* A worker's trace of a wipe of two ints in the wrong order: nothing dies, so a script sees nothing
 * of it; of C nodes it does. */
static void what_takes_more_than_python_is_named(void **state)
{
    (void)state;
    static const char *const kinds[] = {"int", "cnode"};
    for (unsigned k = 0; k < 2; k++) {
        char text[256], needs[256];
        struct zap_plan plan;
        struct zap_judgement judgement;
        snprintf(text, sizeof text,
                 "pyzap plan 1\nroute wipe\nmodule m\nobject x = %s\nobject y = %s\n"
                 "global m a = x\nglobal m b = y\n",
                 kinds[k], kinds[k]);
        parse(text, &plan);
        memset(&trace, 0, sizeof trace);
        trace.build = build;
        trace.build.version = 3 << 16 | 12 << 8;
        trace.build.observers = ZAP_SEES_SETS;
        struct zap_event *at = trace.events;
        uint64_t a = UINT64_C(1) << ZAP_NAME_A, b = UINT64_C(1) << ZAP_NAME_B;
        uint8_t x = k ? 0 : ZAP_NO_NODE, y = k ? 1 : ZAP_NO_NODE;
        const struct zap_event none = {.module = 0, .node = ZAP_NO_NODE};
        *at = none, at->kind = ZAP_EVENT_ENTRY, at->name = ZAP_NAME_A, at->node = x;
        at->how = ZAP_SEEN_BOUND, at++->refs = 1;
        *at = none, at->kind = ZAP_EVENT_ENTRY, at->name = ZAP_NAME_B, at->node = y;
        at->how = ZAP_SEEN_BOUND, at->info = 1, at++->refs = 1;
        *at = none, at->kind = ZAP_EVENT_BEFORE, at->bound = a | b, at++->size = 2;
        *at = none, at->kind = ZAP_EVENT_WIPE, at++->info = 1;
        for (unsigned second = 0; second < 2; second++) {
            *at = none, at->kind = ZAP_EVENT_SET_NONE, at->by = ZAP_BY_INTERPRETER, at->info = 2;
            at->name = second ? ZAP_NAME_A : ZAP_NAME_B, at->node = second ? x : y;
            at->how = ZAP_SEEN_BOUND, at++->refs = 1;
            if (k) {
                *at = none, at->kind = ZAP_EVENT_CNODE, at->node = second ? x : y;
                at->bound = second ? 0 : a, at->none = second ? a | b : b, at++->size = 2;
            }
        }
        *at = none, at->kind = ZAP_EVENT_WIPE_END, at++->info = 1;
        *at = none, at->kind = ZAP_EVENT_AFTER, at->none = a | b, at->size = 2;
        at++->flags = ZAP_FLAG_X;
        trace.events_count = (uint32_t)(at - trace.events);
        zap_judge(&plan, &trace, &judgement);
        assert_int_equal(judgement.verdicts[ZAP_INVARIANT_I2], ZAP_BROKEN);

        zap_script_part(&plan, &trace, &part);
        zap_script_judge(&plan, &part, &judgement);
        assert_int_equal(judgement.verdicts[ZAP_INVARIANT_I2], k ? ZAP_BROKEN : ZAP_HELD);
        struct zap_str out = zap_str_init(needs, sizeof needs);
        zap_script_needs(&plan, &trace, ZAP_INVARIANT_I2, &part, &out);
        assert_string_equal(needs, "PyDict_Watch");
        trace.build.version = 3 << 16 | 11 << 8;
        out = zap_str_init(needs, sizeof needs);
        zap_script_needs(&plan, &trace, ZAP_INVARIANT_I2, &part, &out);
        assert_string_equal(needs, "calls of PyDict_SetItem and PyDict_DelItem, wrapped");
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_whole_breaks_nothing),
        cmocka_unit_test(a_bug_is_found),
        cmocka_unit_test(what_nobody_can_know_is_not_judged),
        cmocka_unit_test(what_takes_more_than_python_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
