/* A stand-alone script and a worker tell the same story of a plan: the independent witness.
 *
 * An ordinary interpreter without anything of ours in it runs the script, and the worker for the
 * same build (ZAP_BUILD) builds the plan from the same source. What Python code can see of the
 * trace must be what the script prints, but for what oracle/trace.c says a script cannot know, and
 * but for plans of which script.h says that they are not deterministic.
 */
#include "host/bare.h"
#include "host/player.h"
#include "oracle/script.h"
#include "plan/gen.h"
#include "plan/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "order.h"
#include "run.h"
#include "script.h"

enum { PLANS = 80, JUDGED = 120, LINE_SIZE = 4096 };

static struct zap_builds builds;
static struct zap_player player;
static const struct zap_builds_row *row;
static char script_path[] = "/tmp/pyzap-script-XXXXXX";
static char said[1024 * 1024];

static bool is_visible(unsigned kind)
{
    switch (kind) {
    case ZAP_EVENT_ROUTE:
    case ZAP_EVENT_ROUTE_END:
    case ZAP_EVENT_DEL:
    case ZAP_EVENT_DEL_END:
    case ZAP_EVENT_CNODE:
    case ZAP_EVENT_LOOK:
    case ZAP_EVENT_LOOK_ALL:
    case ZAP_EVENT_DONE:
    case ZAP_EVENT_POKED:
    case ZAP_EVENT_CALLBACK:
    case ZAP_EVENT_FINALLY:
    case ZAP_EVENT_COLLECT:
    case ZAP_EVENT_COLLECT_END:
    case ZAP_EVENT_SPAWN:
    case ZAP_EVENT_RELOADED:
    case ZAP_EVENT_FAILED:
    case ZAP_EVENT_KEPT:
        return true;
    default:
        return false;
    }
}

/* Take the fields with these beginnings out of a line. */
static void remove_fields(char *line, const char *const *fields)
{
    for (; *fields; fields++) {
        char *at = strstr(line, *fields);
        if (at) {
            size_t len = 1 + strcspn(at + 1, " ");
            memmove(at, at + len, strlen(at + len) + 1);
        }
    }
}

/* Does the script's line say what the worker's event says? */
static bool is_same(char *line, char *event)
{
    static const char *const unknown[] = {" refs=", " how=", NULL};
    static const char *const state[] = {
        " gone=", " bound=", " none=", " builtins=", " size=", NULL};
    remove_fields(event, unknown);
    if (strstr(line, " gone=yes") || strncmp(line, "cnode ", 6) == 0) {
        remove_fields(line, state);
        remove_fields(event, state);
    }
    return strcmp(line, event) == 0;
}

/* Returns how many lines agree; fails at the first that does not. */
static unsigned compare(unsigned number, const struct zap_trace *trace)
{
    unsigned same = 0;
    const char *at = said;
    for (uint32_t i = 0; i < trace->events_count; i++) {
        char line[LINE_SIZE], event[LINE_SIZE];
        if (!is_visible(trace->events[i].kind)) {
            continue;
        }
        struct zap_str line_out = zap_str_init(line, sizeof line);
        struct zap_str event_out = zap_str_init(event, sizeof event);
        size_t len = strcspn(at, "\n");
        zap_str_add_bytes(&line_out, at, len);
        zap_trace_print_event(trace, i, &event_out);
        if (!is_same(line, event)) {
            fail_msg("plan %u, line %u\nscript: %s\nworker: %s", number, same + 1, line, event);
        }
        at += len + (at[len] == '\n');
        same++;
    }
    assert_string_equal(at, "");
    return same;
}

/* In a script a code object stands for a C node, and in a free-threaded build those wait for the
 * collector. */
static bool is_comparable(const struct zap_plan *plan, const struct zap_build *build)
{
    for (unsigned i = 0; i < plan->objects_count; i++)
        if (build->nogil && plan->objects[i].kind == ZAP_VALUE_CNODE)
            return false;
    return order_is_fixed(plan, build);
}

static void scripts_and_workers_agree(void **state)
{
    (void)state;
    static struct zap_outcome outcome;
    unsigned plans = 0, lines = 0;
    for (unsigned i = 0; i < PLANS; i++) {
        const struct zap_build *build = &outcome.trace.build; /* zeros before the first plan */
        struct zap_gen_config config = {.seed = 5,
                                        .size = order_plan_size(12, build),
                                        .routes = ROUTES_WITHOUT_END}; /* see build_witness.c */
        struct zap_plan plan;
        zap_gen_plan(&config, i, &plan);
        if (!script_is_deterministic(&plan)) {
            continue;
        }
        zap_player_play(&player, &plan, &outcome);
        if (outcome.verdict == ZAP_SKIPPED || !is_comparable(&plan, build)) {
            continue;
        }
        assert_true(script_write(&plan, script_path));
        assert_int_equal(script_run(row->python, script_path, said, sizeof said), 0);
        if (script_has_no_route(said)) {
            continue; /* its worker may have it */
        }
        if (outcome.verdict != ZAP_VOID && outcome.verdict != ZAP_HELD) {
            fail_msg("plan %u: %s: %s", i, zap_verdict_row(outcome.verdict)->name, outcome.reason);
        }
        lines += compare(i, &outcome.trace);
        plans++;
    }
    print_message("%u plans, %u lines\n", plans, lines);
    assert_true(plans > PLANS / 4 && lines > 2 * plans);
}

/* ---- what scripts that bear witness say, judged ---- */

static bool write_witness(const struct zap_plan *plan)
{
    static char text[ZAP_SOURCE_MAX];
    struct zap_str out = zap_str_init(text, sizeof text);
    zap_source_repro(plan, "Bears witness.", true, &out);
    FILE *file = fopen(script_path, "w");
    return file && fputs(text, file) >= 0 && fclose(file) == 0 && !out.cut;
}

static void explain(unsigned number, const struct zap_plan *plan, const struct zap_trace *trace,
                    const struct zap_judgement *judgement)
{
    static char page[1024 * 1024], text[ZAP_TEXT_MAX];
    struct zap_str why = zap_str_init(page, sizeof page),
                   plan_text = zap_str_init(text, sizeof text);
    zap_judge_explain(plan, trace, judgement, &why);
    zap_trace_print(trace, &why);
    zap_text_print(plan, &plan_text);
    fputs(page, stdout); /* too long for a message of cmocka's */
    fail_msg("plan %u\n%s", number, text);
}

/* On CPythons without the bugs that invariants are about, no script's output breaks one; and
 * together they say something about each of those that a script can show. */
static void scripts_can_be_judged(void **state)
{
    (void)state;
    static const struct {
        enum zap_invariant_code code;
        enum zap_feature_code since; /* ZAP_FEATURE_COUNT: on all builds */
        bool needs_gil;
    } shown[] = {
        {ZAP_INVARIANT_I1, ZAP_FEATURE_COUNT, false},
        {ZAP_INVARIANT_I2, ZAP_FEATURE_COUNT, false},
        {ZAP_INVARIANT_I3, ZAP_FEATURE_COUNT, false},
        {ZAP_INVARIANT_I4, ZAP_FEATURE_COUNT, false},
        {ZAP_INVARIANT_I5, ZAP_FEATURE_COUNT, false},
        {ZAP_INVARIANT_I6, ZAP_FEATURE_COUNT, false},
        {ZAP_INVARIANT_I7, ZAP_FEATURE_COUNT, true},
        {ZAP_INVARIANT_I8, ZAP_FEATURE_SAFE_FINALIZERS, true},
        {ZAP_INVARIANT_I9, ZAP_FEATURE_SAFE_FINALIZERS, false},
        {ZAP_INVARIANT_I10, ZAP_FEATURE_SAFE_FINALIZERS, true},
        {ZAP_INVARIANT_I11, ZAP_FEATURE_SAFE_FINALIZERS, true},
        {ZAP_INVARIANT_I12, ZAP_FEATURE_SAFE_FINALIZERS, false},
        {ZAP_INVARIANT_I14, ZAP_FEATURE_COUNT, true},
        {ZAP_INVARIANT_I15, ZAP_FEATURE_COUNT, false},
        {ZAP_INVARIANT_I23, ZAP_FEATURE_COUNT, false},
        {ZAP_INVARIANT_I24, ZAP_FEATURE_COUNT, true},
        {ZAP_INVARIANT_I25, ZAP_FEATURE_COUNT, false},
        {ZAP_INVARIANT_Z1, ZAP_FEATURE_COUNT, false},
        {ZAP_INVARIANT_Z2, ZAP_FEATURE_COUNT, false},
    };
    static struct zap_outcome outcome;
    static struct zap_trace trace;
    static struct zap_bare bare;
    const struct zap_bare_config config = {
        .python = row->python, .script = script_path, .deadline_ms = SCRIPT_DEADLINE_S * 1000};
    struct zap_plan plan;
    uint64_t checks[ZAP_INVARIANT_COUNT] = {0};
    bool has_wipe = true;
    zap_plan_init(&plan);
    zap_player_play(&player, &plan, &outcome);
    const struct zap_build build = outcome.trace.build;
    assert_true(build.version != 0);
    for (unsigned i = 0; i < JUDGED; i++) {
        struct zap_gen_config gen = {.seed = 6,
                                     .size = order_plan_size(i % 2 ? 6 : 12, &build),
                                     .routes = i % 15 == 0 ? ZAP_ROUTES_THAT_END : 0};
        struct zap_judgement judgement;
        zap_gen_plan(&gen, i, &plan);
        zap_player_play(&player, &plan, &outcome);
        if (outcome.verdict == ZAP_SKIPPED && outcome.trace.build.routes >> plan.route & 1)
            continue; /* it is known what this build does then */
        assert_true(write_witness(&plan));
        zap_bare_run(&config, &bare);
        assert_int_equal(bare.end, ZAP_BARE_ENDED);
        snprintf(said, sizeof said, "%s", bare.said);
        if (script_has_no_route(said)) {
            has_wipe = false;
            continue;
        }
        zap_script_read(&plan, &build, said, &trace);
        if (script_has_no_end(bare.status, said) || trace.is_cut)
            continue; /* there is no whole trace to judge */
        zap_script_judge(&plan, &trace, &judgement);
        if (judgement.any_broken || judgement.is_harness || bare.status != 0)
            explain(i, &plan, &trace, &judgement);
        for (int k = 0; k < ZAP_INVARIANT_COUNT; k++)
            checks[k] += judgement.verdicts[k] == ZAP_HELD ? judgement.checks[k] : 0;
    }
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        bool is_wipes = shown[i].code >= ZAP_INVARIANT_I1 && shown[i].code <= ZAP_INVARIANT_I6;
        bool is_here = shown[i].since == ZAP_FEATURE_COUNT ||
                       zap_profile_has(zap_profile_of(&build), shown[i].since);
        bool is_odd = shown[i].code == ZAP_INVARIANT_I11 &&
                      zap_profile_has(zap_profile_of(&build), ZAP_FEATURE_INCREMENTAL_GC);
        print_message("%s: %u checks\n", zap_invariant_row(shown[i].code)->id,
                      (unsigned)checks[shown[i].code]);
        if (is_here && !is_odd && (has_wipe || !is_wipes) && !(build.nogil && shown[i].needs_gil))
            assert_true(checks[shown[i].code] > 0);
    }
}

/* A name that a finalizer binds anew behind the first pass is cleared by the second, whatever
 * comes before it there. */
static void a_pass_that_goes_back_is_the_second(void **state)
{
    (void)state;
    static const char text[] =
        "pyzap plan 1\nroute wipe\nmodule m0\nobject o0 = node elsewhere\n"
        "global m0 _h = o0\nglobal m0 _a = o0\nscript o0\n    bind-int m0 _h\n";
    static struct zap_outcome outcome;
    struct zap_text_error error;
    struct zap_plan plan;
    uint8_t passes[2] = {0}, name = zap_name_find("_h", 2)->code;
    unsigned count = 0;
    assert_int_equal(zap_text_parse(text, strlen(text), &plan, &error), ZAP_OK);
    zap_player_play(&player, &plan, &outcome);
    const struct zap_build *build = &outcome.trace.build;
    if (!(build->routes >> ZAP_ROUTE_WIPE & 1) || !(build->observers & ZAP_SEES_SETS))
        skip(); /* nobody sees the passes here */
    for (uint32_t i = 0; i < outcome.trace.events_count; i++) {
        const struct zap_event *event = &outcome.trace.events[i];
        if (event->kind != ZAP_EVENT_SET_NONE || event->name != name)
            continue;
        assert_in_range(count, 0, 1);
        passes[count++] = event->info;
    }
    assert_int_equal(count, 2);
    assert_int_equal(passes[0], 1);
    assert_int_equal(passes[1], 2);
}

/* What a script binds as __builtins__ is not what was there and has died, although most allocators
 * put it in the same place. */
static void what_is_made_is_not_what_was_there(void **state)
{
    (void)state;
#define PLAN(value, act)                                                                           \
    "pyzap plan 1\nroute collect\nmodule m0\nobject o0 = " value "\nobject o1 = node m0\n"         \
    "global m0 __builtins__ = o0\nglobal m0 c = o1\nscript o1\n    clear m0\n    " act "\n"
    static const char *const texts[] = {
        PLAN("node elsewhere", "bind-node m0 __builtins__"),
        PLAN("int", "bind-int m0 __builtins__"),
        PLAN("dict", "set-builtins m0"),
        PLAN("lambda m0", "bind-lambda m0 __builtins__"),
    };
#undef PLAN
    static struct zap_outcome outcome;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct zap_text_error error;
        struct zap_plan plan;
        unsigned count = 0;
        assert_int_equal(zap_text_parse(texts[i], strlen(texts[i]), &plan, &error), ZAP_OK);
        zap_player_play(&player, &plan, &outcome);
        for (uint32_t at = 0; at < outcome.trace.events_count; at++) {
            const struct zap_event *event = &outcome.trace.events[at];
            if (event->kind != ZAP_EVENT_DEL_END || event->node != 1)
                continue;
            assert_true(event->flags & ZAP_FLAG_BUILTINS);
            assert_false(event->flags & ZAP_FLAG_SAME);
            count++;
        }
        assert_int_equal(count, 1);
    }
}

static int start(void **state)
{
    (void)state;
    static struct zap_worker_config config;
    static char text[512];
    struct zap_str why = zap_str_init(text, sizeof text);
    const char *name = getenv("ZAP_BUILD");
    if (!name || zap_builds_load(ZAP_LIBEXEC_DIR, &builds, &why) != ZAP_OK) {
        print_error("%s\n", name ? text : "ZAP_BUILD is not set");
        return -1;
    }
    row = zap_builds_find(&builds, name, &why);
    int file = mkstemp(script_path);
    if (!row || file < 0) {
        print_error("%s\n", text);
        return -1;
    }
    close(file);
    zap_player_init(&player, row, &config, ZAP_RUN_FROM_SOURCE);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    zap_player_release(&player);
    zap_builds_release(&builds);
    return remove(script_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scripts_and_workers_agree),
        cmocka_unit_test(scripts_can_be_judged),
        cmocka_unit_test(a_pass_that_goes_back_is_the_second),
        cmocka_unit_test(what_is_made_is_not_what_was_there),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
