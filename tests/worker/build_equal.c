/* The same plan gives the same trace: from the builder in C and from the plan's Python source, when
 * it is run again after others, and, where it ends an interpreter, in a process of its own and in
 * one that was taken back after others (py/standby.h).
 *
 * Run once per build, with its name in ZAP_BUILD.
 */
#include "host/player.h"
#include "plan/text.h"

#include "order.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PLANS = 1500, SEED = 2, SHOWN = 3, TEXT_MAX = 4 * 1024 * 1024 };

enum { IN_C, AGAIN, FROM_SOURCE, FORKED, WAYS };
static const char *const ways[WAYS] = {
    [AGAIN] = "two runs of one plan",
    [FROM_SOURCE] = "C and source",
    [FORKED] = "a process that was taken back and one of its own",
};
static struct zap_outcome outcomes[WAYS];

/* Two refcounts are different by construction. A namespace's dict has a reference from each
 * function that was made in it, and a plan's source makes a class with two functions per node where
 * the builder makes one per module. And a node whose __del__ or atexit callback is at work has one
 * from each frame that it is `self` of: the builder's scripts are functions that these call. */
static void forget_refs(struct zap_trace *trace)
{
    bool is_open[256] = {false};
    for (uint32_t i = 0; i < trace->events_count; i++) {
        struct zap_event *event = &trace->events[i];
        bool is_dict = event->kind == ZAP_EVENT_BEFORE || event->kind == ZAP_EVENT_AFTER ||
                       event->kind == ZAP_EVENT_MODULE_GONE;
        bool is_change = event->kind == ZAP_EVENT_SET_NONE || event->kind == ZAP_EVENT_STORE ||
                         event->kind == ZAP_EVENT_UNBIND;
        if (is_dict || (is_change && is_open[event->node]))
            event->refs = 0;
        /* Up to 3.9 each frame holds what its globals have as __builtins__. */
        if (is_change && event->name == ZAP_NAME_BUILTINS)
            event->refs = 0;
        bool begins = event->kind == ZAP_EVENT_DEL || event->kind == ZAP_EVENT_ATEXIT;
        if (begins || event->kind == ZAP_EVENT_DEL_END || event->kind == ZAP_EVENT_ATEXIT_END)
            is_open[event->node] = begins;
    }
}

/* The order in which the collector's tp_clear takes garbage apart depends on every object in it,
 * classes and functions included, and those are what the two ways make differently; in a
 * free-threaded build on their addresses. So what it does goes to the end, sorted and without the
 * state of namespaces: that it happens is compared, when is not; and whether it empties a namespace
 * before the last reference goes is not compared at all. */
static bool is_clearing(const struct zap_event *event)
{
    switch (event->kind) {
    case ZAP_EVENT_FREE:
    case ZAP_EVENT_CNODE:
    case ZAP_EVENT_EMPTY:
    case ZAP_EVENT_EMPTY_END:
    case ZAP_EVENT_DICT_GONE:
    case ZAP_EVENT_MODULE_GONE:
    case ZAP_EVENT_MODULE_END:
    case ZAP_EVENT_DESTROY:
        return true;
    default:
        return false;
    }
}

static int compare_events(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct zap_event));
}

static void sort_clearing(struct zap_trace *trace)
{
    static struct zap_event clearing[ZAP_EVENTS_MAX];
    static bool collects[ZAP_EVENTS_MAX + 1]; /* of what is open: a collection, or a script? */
    uint32_t kept = 0, moved = 0, open = 0;
    for (uint32_t i = 0; i < trace->events_count; i++) {
        struct zap_event event = trace->events[i];
        if (event.kind == ZAP_EVENT_COLLECT || event.kind == ZAP_EVENT_DEL)
            collects[++open] = event.kind == ZAP_EVENT_COLLECT;
        if ((event.kind == ZAP_EVENT_COLLECT_END || event.kind == ZAP_EVENT_DEL_END) && open > 0)
            open--;
        if (collects[open] && is_clearing(&event)) {
            event.bound = event.none = event.size = event.flags = 0;
            if (event.kind != ZAP_EVENT_EMPTY && event.kind != ZAP_EVENT_EMPTY_END)
                clearing[moved++] = event;
        } else {
            trace->events[kept++] = event;
        }
    }
    qsort(clearing, moved, sizeof clearing[0], compare_events);
    memcpy(&trace->events[kept], clearing, moved * sizeof clearing[0]);
    trace->events_count = kept + moved;
}

static unsigned count_dels(const struct zap_trace *trace, uint32_t from, uint8_t node)
{
    unsigned count = 0;
    for (uint32_t i = from; i < trace->events_count; i++) {
        const struct zap_event *event = &trace->events[i];
        if (event->kind == ZAP_EVENT_DEL && event->node == node)
            count++;
    }
    return count;
}

/* Do the traces differ in nothing but the order in which a collection that is not the first calls
 * finalizers? A collection leaves what it finds alive in the order in which it got there
 * (move_unreachable in Modules/gcmodule.c, Python/gc.c from 3.13 on), and the next one calls
 * finalizers in that order. Now the builder's nodes reach the functions of their __del__ by a slot,
 * a script's by their class; and from 3.13 on a class with slots has no Py_TPFLAGS_INLINE_VALUES
 * (Objects/typeobject.c), so that attributes are one step further away, in a dict. So another node
 * can be the first that is got to: plan 990 of seed 2 is one. The same finalizers are to run. */
static bool is_another_way_to_nodes(const struct zap_trace *a, const struct zap_trace *b,
                                    uint32_t at)
{
    unsigned collections = 0, open = 0;
    for (uint32_t i = 0; i < at; i++) {
        collections += a->events[i].kind == ZAP_EVENT_COLLECT;
        open += a->events[i].kind == ZAP_EVENT_COLLECT;
        open -= a->events[i].kind == ZAP_EVENT_COLLECT_END;
    }
    if (collections < 2 || open == 0 || at >= a->events_count || at >= b->events_count)
        return false;
    const struct zap_event *one = &a->events[at], *other = &b->events[at];
    if (one->kind != ZAP_EVENT_DEL || other->kind != ZAP_EVENT_DEL || one->node == other->node)
        return false;
    for (unsigned node = 0; node < ZAP_OBJECTS_MAX; node++)
        if (count_dels(a, at, (uint8_t)node) != count_dels(b, at, (uint8_t)node))
            return false;
    return true;
}

static void show(const struct zap_plan *plan, uint64_t index, const char *what, uint32_t at,
                 const struct zap_trace *a, const struct zap_trace *b)
{
    static char text[TEXT_MAX];
    struct zap_str out = zap_str_init(text, sizeof text);
    zap_text_print(plan, &out);
    zap_str_add(&out, "  one:   ");
    if (at < a->events_count)
        zap_trace_print_event(a, at, &out);
    zap_str_add(&out, "\n  other: ");
    if (at < b->events_count)
        zap_trace_print_event(b, at, &out);
    printf("plan %" PRIu64 ": %s differ at event %" PRIu32 "\n%s\n", index, what, at, text);
}

/* Whose memory is watched, or counted in, is not taken back. */
static bool can_be_taken_back(const char *name)
{
#if defined ZAP_SANITIZE
    (void)name;
    return false;
#else
    const char *sanitize = getenv("ZAP_BUILD_SANITIZE");
    return (sanitize == NULL || strstr(sanitize, "address") == NULL) &&
           strstr(name, "-gcov") == NULL;
#endif
}

int main(void)
{
    const char *name = getenv("ZAP_BUILD");
    struct zap_builds builds;
    char why_text[256];
    struct zap_str why = zap_str_init(why_text, sizeof why_text);
    if (name == NULL || zap_builds_load(ZAP_LIBEXEC_DIR, &builds, &why) != ZAP_OK) {
        printf("ZAP_BUILD is not set, or no builds: %s\n", why_text);
        return 1;
    }
    const struct zap_builds_row *row = zap_builds_find(&builds, name, &why);
    if (row == NULL) {
        printf("%s\n", why_text);
        return 1;
    }
    struct zap_worker_config config = {0};
    struct zap_player in_c, from_source, forked;
    zap_player_init(&in_c, row, &config, 0);
    zap_player_init(&from_source, row, &config, ZAP_RUN_FROM_SOURCE);
    zap_player_init(&forked, row, &config, ZAP_RUN_FORKED | ZAP_RUN_ONCE);
    unsigned compared = 0, another_way = 0, differ = 0;
    for (uint64_t index = 0; index < PLANS; index++) {
        const struct zap_build *build = &outcomes[IN_C].trace.build; /* zeros at first */
        struct zap_gen_config gen = {.seed = SEED,
                                     .size = order_plan_size(0, build),
                                     .routes = index % 15 == 0 ? ZAP_ROUTES_THAT_END : 0};
        struct zap_plan plan;
        zap_gen_plan(&gen, index, &plan);
        zap_player_play(&in_c, &plan, &outcomes[IN_C]);
        zap_player_play(&in_c, &plan, &outcomes[AGAIN]);
        zap_player_play(&from_source, &plan, &outcomes[FROM_SOURCE]);
        unsigned ways_count = zap_plan_ends(&plan) ? WAYS : FORKED;
        if (ways_count == WAYS)
            zap_player_play(&forked, &plan, &outcomes[FORKED]);
        if (!order_is_fixed(&plan, build))
            continue;
        static const unsigned in_turn[] = {AGAIN, FORKED, FROM_SOURCE};
        for (unsigned i = 0; i < sizeof in_turn / sizeof in_turn[0]; i++) {
            unsigned way = in_turn[i];
            if (way >= ways_count)
                continue;
            if (way == FROM_SOURCE || build->nogil) {
                for (unsigned w = 0; w < ways_count; w++) {
                    forget_refs(&outcomes[w].trace);
                    sort_clearing(&outcomes[w].trace);
                }
            }
            const struct zap_trace *one = &outcomes[IN_C].trace, *other = &outcomes[way].trace;
            uint32_t at = zap_trace_diff(one, other);
            compared++;
            if (way == FROM_SOURCE && at != UINT32_MAX && is_another_way_to_nodes(one, other, at))
                another_way++;
            else if (at != UINT32_MAX && ++differ <= SHOWN)
                show(&plan, index, ways[way], at, one, other);
        }
        if (outcomes[IN_C].verdict == ZAP_HARNESS && ++differ <= SHOWN)
            printf("plan %" PRIu64 ": %s\n", index, outcomes[IN_C].reason);
    }
    uint64_t taken_back =
        in_c.worker.shared == NULL ? 0 : atomic_load(&in_c.worker.shared->taken_back);
    printf("%s: %u pairs of traces compared, %u differ; in %u more C and source get to nodes "
           "another way; %" PRIu64 " plans on standby\n",
           name, compared, differ, another_way, taken_back);
    zap_player_release(&in_c);
    zap_player_release(&from_source);
    zap_player_release(&forked);
    zap_builds_release(&builds);
    return compared > 0 && differ == 0 && (taken_back > 0) == can_be_taken_back(name) ? 0 : 1;
}
