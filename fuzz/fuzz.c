/* Running plans for an engine.
 *
 * The verdicts are those of a worker; what differs is the way they are told. An engine understands
 * two things, a return and a death, so a broken invariant traps. Every other thing that can happen
 * to a process (a crash, a hang, too much memory) is the engine's own business to see.
 */
#include "fuzz.h"

#include "engine.h"
#include "seen.h"

#include "base/hash.h"
#include "plan/wire.h"
#include "py/embed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_FAILED = 70 };

static bool has_feedback = true;

static uint64_t hash(const void *data, size_t len)
{
    return zap_hash_mix(zap_hash_bytes(data, len)); /* its low and its high bits are used */
}

bool zap_fuzz_is_sample(const uint8_t *bytes, size_t len, uint32_t every)
{
    return (hash(bytes, len) & (every - 1)) == 0;
}

/* One module, one node whose script looks at a name, and a drop: something happens on every build.
 */
static void make_trial(struct zap_plan *ret_plan)
{
    zap_plan_init(ret_plan);
    ret_plan->objects_count = 1;
    ret_plan->objects[0] =
        (struct zap_object){.kind = ZAP_VALUE_NODE, .module = ZAP_ELSEWHERE, .target = 0};
    ret_plan->modules[0].globals_count = 1;
    ret_plan->modules[0].globals[0] = (struct zap_global){.name = ZAP_NAME_A, .object = 0};
    ret_plan->acts_count = 1;
    ret_plan->acts[0] = (struct zap_act){.node = 0, .op = ZAP_OP_LOOK, .name = ZAP_NAME_A};
    zap_plan_normalize(ret_plan);
}

static void refuse(const char *why)
{
    fprintf(stderr, "pyzap: this fuzz target refuses to start: %s\n", why);
    exit(EXIT_FAILED);
}

int zap_fuzz_start(bool has_edges)
{
    const char *feedback = getenv("PYZAP_FUZZ_FEEDBACK");
    if (feedback != NULL && strcmp(feedback, "off") != 0 && feedback[0] != '\0') {
        fprintf(stderr, "pyzap: PYZAP_FUZZ_FEEDBACK=%s: expected off, or nothing\n", feedback);
        exit(2);
    }
    has_feedback = feedback == NULL || feedback[0] == '\0';
    zap_seen_start();
    if (zap_embed_start() < 0)
        exit(EXIT_FAILED);
    struct zap_plan trial;
    struct zap_judgement judgement;
    make_trial(&trial);
    zap_embed_on_route(zap_engine_forget_edges);
    zap_engine_share_edges();
    zap_embed_on_end(zap_engine_keep_edges, zap_engine_take_edges);
    zap_engine_start();
    const struct zap_trace *trace = zap_embed_run(&trial, ZAP_RUN_SHORT, &judgement);
    if (zap_feedback_count(trace, zap_engine_transitions()) == 0)
        refuse("a trial plan was run and no transition was recorded");
    if (has_edges && zap_engine_edges_moved() == 0)
        refuse("libpython is said to count edges, and a trial plan moved none; build it again "
               "(tools/build-cpython --help)");
    zap_engine_start();
    return 0;
}

void zap_fuzz_plan(const uint8_t *bytes, size_t len, bool ends, struct zap_plan *ret_plan)
{
    zap_wire_decode(bytes, len, ret_plan);
    if (zap_plan_ends(ret_plan) == ends)
        return;
    ret_plan->route = ends ? ZAP_ROUTE_EXIT : ZAP_ROUTE_COLLECT;
    zap_plan_normalize(ret_plan);
}

/* The first invariant that broke, which is what findings are told apart by when they are filed. */
static uint64_t signature_of(const struct zap_judgement *judgement)
{
    unsigned first = 0;
    while (first + 1 < ZAP_INVARIANT_COUNT && judgement->verdicts[first] != ZAP_BROKEN)
        first++;
    return hash(&first, sizeof first);
}

static void tell(const struct zap_plan *plan, const struct zap_trace *trace,
                 const struct zap_judgement *judgement)
{
    static char page[256 * 1024];
    struct zap_str text = zap_str_init(page, sizeof page);
    zap_judge_explain(plan, trace, judgement, &text);
    fprintf(stderr, "pyzap: BROKEN on CPython %s\n%s\n", trace->build.name, page);
    fflush(stderr);
}

const struct zap_trace *zap_fuzz_run(const struct zap_plan *plan)
{
    static struct zap_judgement judgement;
    static bool may_fork;
    if (zap_plan_ends(plan) && !may_fork) {
        zap_engine_wait_for_threads();
        may_fork = true;
    }
    const struct zap_trace *trace = zap_embed_run(plan, ZAP_RUN_SHORT, &judgement);
    if (has_feedback)
        zap_feedback_count(trace, zap_engine_transitions());
    else
        zap_engine_transitions()[0] = 1;
    if (judgement.is_harness) {
        fprintf(stderr, "pyzap: HARNESS: %s\n", judgement.harness);
        abort();
    }
    if (judgement.any_broken && !zap_seen_enough(signature_of(&judgement))) {
        tell(plan, trace, &judgement);
        __builtin_trap();
    }
    zap_engine_flush();
    return trace;
}

static bool binds_builtins(const struct zap_plan *plan)
{
    for (unsigned m = 0; m < plan->modules_count; m++)
        for (unsigned i = 0; i < plan->modules[m].globals_count; i++)
            if (plan->modules[m].globals[i].name == ZAP_NAME_BUILTINS)
                return true;
    return false;
}

void zap_fuzz_run_again(const struct zap_plan *plan, const struct zap_trace *first)
{
    static const char claim[] = "the same plan does the same every time";
    static struct zap_trace before;
    static struct zap_judgement judgement;
    if (first->build.nogil || binds_builtins(plan))
        return;
    before.events_count = first->events_count;
    before.is_cut = first->is_cut;
    memcpy(before.events, first->events, first->events_count * sizeof first->events[0]);
    const struct zap_trace *trace = zap_embed_run(plan, ZAP_RUN_SHORT, &judgement);
    uint32_t at = zap_trace_diff(&before, trace);
    if (at == UINT32_MAX || zap_seen_enough(hash(claim, sizeof claim)))
        return;
    fprintf(stderr, "pyzap: not so on CPython %s: %s; the traces differ from event %u on\n",
            trace->build.name, claim, (unsigned)at);
    fflush(stderr);
    __builtin_trap();
}
