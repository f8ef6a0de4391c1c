/* oracle/witness: what was told held against a trace, event by event. Both are literals; what
 * interpreters really tell is tests/worker/build_witness.c. */
#include "oracle/witness.h"

#include "oracle/trace_text.h"
#include "plan/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char plan_text[] = "pyzap plan 1\n"
                                "route exit\n"
                                "module m0\n"
                                "module m1\n"
                                "object o0 = node m0\n"
                                "object o1 = node elsewhere\n"
                                "global m0 _a = o0\n"
                                "global m1 b = o1\n"
                                "park module m0 modules\n"
                                "park module m0 c\n";

static const char *const events[] = {
    "build 3.11.7 version=3.11.7 level=final debug=no nogil=no static=yes sees=sets",
    "route kind=exit",
    "phase kind=finalizing",
    "phase kind=sys",
    "phase kind=removing",
    "unlisted m0 as=itself",
    "unlisted m1 as=itself",
    "module-gone m1 refs=1",
    "del o1 m1 refs=1 how=refcount gone=yes",
    "del-end o1 m1 refs=1 how=refcount gone=yes pending=no",
    "module-end m1",
    "unlisted m0 as=another",
    "phase kind=emptied",
    "collect by=interpreter",
    "collect-end by=interpreter",
    "wipe m0 call=first",
    "set-none m0 name=_a pass=1 by=interpreter o0 refs=1 seen=bound",
    "del o0 m0 refs=1 how=refcount bound=__name__ none=_a builtins=same size=3",
    "del-end o0 m0 refs=1 how=refcount bound=__name__ none=_a builtins=same size=3 pending=no",
    "set-none m0 name=__name__ pass=2 by=interpreter - refs=0 seen=bound",
    "wipe-end m0 call=first pending=no",
    "wipe m0 call=second",
    "wipe-end m0 call=second pending=no",
    "wipe - call=sys",
    "wipe-end - call=sys pending=no",
    "phase kind=sys-wiped",
    "wipe - call=builtins",
    "wipe-end - call=builtins pending=no",
    "phase kind=over",
    "route-end pending=no",
};
enum { EVENTS = sizeof events / sizeof events[0] };

static const char told[] = "import 'os' # <class>\n"
                           "# destroy m0\n" /* before the route: of nobody's interest */
                           "route kind=exit\n"
                           "# clear sys.path\n"
                           "# cleanup[2] removing os\n"
                           "# cleanup[2] removing m0\n"
                           "# cleanup[2] removing m1\n"
                           "# destroy m1\n"
                           "del o1 m1 gone=yes\n"
                           "del-end o1 m1 gone=yes pending=no\n"
                           "# cleanup[2] removing zap_park0\n"
                           "# destroy os\n"
                           "# cleanup[3] wiping zap_park0\n"
                           "#   clear[1] _a\n"
                           "del o0 m0 bound=__name__ none=_a builtins=same size=3\n"
                           "del-end o0 m0 bound=__name__ none=_a builtins=same size=3 pending=no\n"
                           "#   clear[2] __name__\n"
                           "# cleanup[3] wiping m0\n"
                           "# cleanup[3] wiping os\n"
                           "#   clear[2] __name__\n"
                           "# cleanup[3] wiping sys\n"
                           "#   clear[1] _a\n"
                           "# cleanup[3] wiping builtins\n";

static struct zap_plan plan;
static struct zap_trace trace;
static char why[4096];

static int start(void **state)
{
    (void)state;
    struct zap_text_error error;
    if (zap_text_parse(plan_text, strlen(plan_text), &plan, &error) != ZAP_OK) {
        print_error("line %u: %s\n", error.line, error.what);
        return -1;
    }
    for (unsigned i = 0; i < EVENTS; i++) {
        struct zap_str words = zap_str_init(why, sizeof why);
        if (zap_trace_text_add(&trace, i == 0, events[i], &words) != ZAP_OK) {
            print_error("%s: %s\n", events[i], why);
            return -1;
        }
    }
    trace.build.observers |= ZAP_SEES_ENDS; /* which the text leaves out */
    return 0;
}

static struct zap_witness hear(const struct zap_trace *of, const char *said)
{
    struct zap_witness witness;
    struct zap_str words = zap_str_init(why, sizeof why);
    why[0] = '\0';
    zap_witness_compare(&plan, of, said, &words, &witness);
    return witness;
}

static void both_agree(void **state)
{
    (void)state;
    struct zap_witness witness = hear(&trace, told);
    assert_string_equal(why, "");
    assert_int_equal(witness.end, ZAP_WITNESS_AGREES);
    assert_int_equal(witness.lines, 15);
    assert_int_equal(witness.narrated, 10);
    assert_int_equal(witness.ordered, 16);
}

/* Which events nothing tells of: one of these more or less is nothing to see. */
static bool is_untold(const struct zap_event *event)
{
    return event->kind == ZAP_EVENT_PHASE || event->kind == ZAP_EVENT_MODULE_END ||
           event->kind == ZAP_EVENT_COLLECT || event->kind == ZAP_EVENT_COLLECT_END ||
           event->kind == ZAP_EVENT_WIPE_END || event->kind == ZAP_EVENT_ROUTE_END;
}

static void a_wrong_event_disagrees(void **state)
{
    (void)state;
    static struct zap_trace wrong;
    for (uint32_t i = 0; i < trace.events_count; i++) {
        if (is_untold(&trace.events[i]))
            continue;
        size_t behind = (trace.events_count - i - 1) * sizeof trace.events[0];
        wrong = trace; /* one is missing */
        memmove(&wrong.events[i], &wrong.events[i + 1], behind);
        wrong.events_count--;
        assert_int_equal(hear(&wrong, told).end, ZAP_WITNESS_DISAGREES);
        wrong = trace; /* one too many */
        memmove(&wrong.events[i + 1], &trace.events[i], behind + sizeof trace.events[0]);
        wrong.events_count++;
        assert_int_equal(hear(&wrong, told).end, ZAP_WITNESS_DISAGREES);
        uint32_t next = i + 1;
        while (next < trace.events_count && is_untold(&trace.events[next]))
            next++;
        if (next < trace.events_count) { /* two the wrong way round */
            wrong = trace;
            wrong.events[i] = trace.events[next];
            wrong.events[next] = trace.events[i];
            assert_int_equal(hear(&wrong, told).end, ZAP_WITNESS_DISAGREES);
        }
    }
}

static void a_wrong_field_disagrees(void **state)
{
    (void)state;
    static struct zap_trace wrong;
    unsigned count = 0;
    for (uint32_t i = 0; i < trace.events_count; i++) {
        wrong = trace;
        struct zap_event *event = &wrong.events[i];
        switch (event->kind) {
        case ZAP_EVENT_UNLISTED:
            event->info = (uint8_t)(1 - event->info);
            break;
        case ZAP_EVENT_MODULE_GONE:
            event->module = 0;
            break;
        case ZAP_EVENT_WIPE:
            if (event->module == ZAP_NO_MODULE)
                event->info = (uint8_t)(7 - event->info); /* sys for builtins */
            else
                event->module = 1;
            break;
        case ZAP_EVENT_SET_NONE:
            event->name = ZAP_NAME_U_B;
            break;
        case ZAP_EVENT_DEL:
        case ZAP_EVENT_DEL_END:
            event->node = (uint8_t)(1 - event->node);
            break;
        case ZAP_EVENT_PHASE: /* late: behind the module that is destroyed */
            if (event->info != ZAP_END_REMOVING)
                continue;
            memmove(event, event + 1, 3 * sizeof *event);
            event[3] = trace.events[i];
            break;
        default:
            continue;
        }
        assert_int_equal(hear(&wrong, told).end, ZAP_WITNESS_DISAGREES);
        count++;
    }
    assert_true(count > 10);
}

static void a_wrong_pass_disagrees(void **state)
{
    (void)state;
    static struct zap_trace wrong;
    for (uint32_t i = 0; i < trace.events_count; i++) {
        wrong = trace;
        if (wrong.events[i].kind != ZAP_EVENT_SET_NONE)
            continue;
        wrong.events[i].info = (uint8_t)(3 - wrong.events[i].info);
        bool is_inferred = trace.events[i].name == ZAP_NAME_NAME; /* see saw_pass_two */
        assert_int_equal(hear(&wrong, told).end,
                         is_inferred ? ZAP_WITNESS_AGREES : ZAP_WITNESS_DISAGREES);
    }
}

static void what_disagrees_is_told(void **state)
{
    (void)state;
    static struct zap_trace wrong;
    wrong = trace;
    wrong.events[6].info = 1; /* module-gone m1 comes next */
    wrong.events[6].module = 0;
    hear(&wrong, told);
    assert_non_null(strstr(why, "told:  # destroy m1\ntrace: "));
    hear(&trace, "");
    assert_string_equal(why, "told:  nothing more\ntrace: route kind=exit\n");
}

static void what_cannot_be_shown_is_no_agreement(void **state)
{
    (void)state;
    static struct zap_trace other;
    assert_int_equal(
        hear(&trace, "# park c is not available: this interpreter has no ctypes\n").end,
        ZAP_WITNESS_NOT_SHOWN);
    assert_string_equal(why, "park c is not available: this interpreter has no ctypes");
    other = trace;
    other.is_cut = 1;
    assert_int_equal(hear(&other, told).end, ZAP_WITNESS_NOT_SHOWN);
    plan.settings = 1 << (ZAP_SETTING_GC_ON - 1);
    assert_int_equal(hear(&trace, told).end, ZAP_WITNESS_NOT_SHOWN);
    plan.settings = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_agree),
        cmocka_unit_test(a_wrong_event_disagrees),
        cmocka_unit_test(a_wrong_field_disagrees),
        cmocka_unit_test(a_wrong_pass_disagrees),
        cmocka_unit_test(what_disagrees_is_told),
        cmocka_unit_test(what_cannot_be_shown_is_no_agreement),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
