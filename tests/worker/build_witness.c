/* The witness agrees with a build's traces, and with nothing else: an event that is left out, told
 * twice or told too early makes it disagree.
 *
 * `pyzap replay --witness` hears it on many plans (test build.NAME.witness); this asks whether it
 * would notice. Run once per build, with its name in ZAP_BUILD.
 */
#include "host/bare.h"
#include "host/player.h"
#include "oracle/witness.h"
#include "plan/gen.h"
#include "plan/source.h"

#include "order.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PLANS = 40, SEED = 3, WHY_MAX = 16 * 1024 };

static struct zap_outcome outcome;
static struct zap_trace planted;
static struct zap_bare bare;
static char source[ZAP_SOURCE_MAX], why[WHY_MAX];

static enum zap_witness_end hear(const struct zap_plan *plan, const struct zap_trace *trace,
                                 struct zap_witness *ret_witness)
{
    struct zap_str words = zap_str_init(why, sizeof why);
    zap_witness_compare(plan, trace, bare.said, &words, ret_witness);
    return ret_witness->end;
}

/* Events that are told whatever else happens. (Of names and modules it depends.) */
static bool is_told(const struct zap_event *event)
{
    switch (event->kind) {
    case ZAP_EVENT_DEL:
    case ZAP_EVENT_DEL_END:
    case ZAP_EVENT_CNODE:
    case ZAP_EVENT_LOOK:
    case ZAP_EVENT_LOOK_ALL:
    case ZAP_EVENT_DONE:
    case ZAP_EVENT_POKED:
    case ZAP_EVENT_CALLBACK:
    case ZAP_EVENT_FINALLY:
    case ZAP_EVENT_SPAWN:
    case ZAP_EVENT_KEPT:
    case ZAP_EVENT_ATEXIT:
    case ZAP_EVENT_ATEXIT_END:
        return true;
    default:
        return false;
    }
}

/* Can it be told by CPython itself? What was is counted. */
static bool is_narrated(const struct zap_event *event)
{
    return event->kind == ZAP_EVENT_UNLISTED || event->kind == ZAP_EVENT_MODULE_GONE ||
           event->kind == ZAP_EVENT_SET_NONE || event->kind == ZAP_EVENT_WIPE;
}

static void leave_out(uint32_t at)
{
    planted = outcome.trace;
    planted.events_count--;
    memmove(&planted.events[at], &planted.events[at + 1],
            (planted.events_count - at) * sizeof planted.events[0]);
}

static void tell_twice(uint32_t at)
{
    planted = outcome.trace;
    memmove(&planted.events[at + 1], &planted.events[at],
            (planted.events_count - at) * sizeof planted.events[0]);
    planted.events_count++;
}

/* Change one thing that can be seen. */
static void falsify(uint32_t at)
{
    planted = outcome.trace;
    struct zap_event *event = &planted.events[at];
    if (event->kind == ZAP_EVENT_LOOK)
        event->how = event->how == ZAP_SEEN_NONE ? ZAP_SEEN_BOUND : ZAP_SEEN_NONE;
    else if (event->kind == ZAP_EVENT_DONE)
        event->flags ^= ZAP_FLAG_X;
    else if (strchr(zap_event_row(event->kind)->fields, 'o'))
        event->node = event->node == 0 ? 1 : 0;
}

static unsigned noticed, narrated, missed;

/* What is planted has to be noticed. */
static void check(const struct zap_plan *plan, unsigned number, const char *what, uint32_t at)
{
    struct zap_witness witness;
    if (hear(plan, &planted, &witness) == ZAP_WITNESS_DISAGREES) {
        noticed++;
        return;
    }
    char text[1024];
    struct zap_str event = zap_str_init(text, sizeof text);
    zap_trace_print_event(&outcome.trace, at, &event);
    if (missed++ < 5)
        printf("plan %u: %s: not noticed: %s\n", number, what, text);
}

/* told: how much of the plan CPython itself tells: each of these has to be missed. */
static void plant(const struct zap_plan *plan, unsigned number, uint32_t told)
{
    uint32_t here = 0;
    for (uint32_t at = 0; at < outcome.trace.events_count; at++) {
        const struct zap_event *event = &outcome.trace.events[at];
        if (is_told(event)) {
            leave_out(at);
            check(plan, number, "left out", at);
            tell_twice(at);
            check(plan, number, "told twice", at);
            falsify(at);
            check(plan, number, "falsified", at);
        }
        if (is_narrated(event)) {
            struct zap_witness witness;
            leave_out(at);
            here += hear(plan, &planted, &witness) != ZAP_WITNESS_AGREES;
        }
    }
    narrated += here;
    if (here < told && missed++ < 5)
        printf("plan %u: of %u events that CPython tells of only %u are missed\n", number,
               (unsigned)told, (unsigned)here);
}

static bool run_script(const struct zap_plan *plan, const char *python)
{
    char path[] = "/tmp/pyzap-witness-XXXXXX";
    struct zap_str out = zap_str_init(source, sizeof source);
    zap_source_script(plan, &out);
    int file = mkstemp(path);
    bool is_written = file >= 0 && write(file, source, out.len) == (ssize_t)out.len;
    const struct zap_bare_config config = {
        .python = python, .script = path, .is_verbose = true, .deadline_ms = 60 * 1000};
    if (is_written)
        zap_bare_run(&config, &bare);
    if (file >= 0) {
        close(file);
        unlink(path);
    }
    return is_written && bare.end == ZAP_BARE_ENDED;
}

int main(void)
{
    static char text[512];
    struct zap_builds builds;
    struct zap_str words = zap_str_init(text, sizeof text);
    const char *name = getenv("ZAP_BUILD");
    if (!name || zap_builds_load(ZAP_LIBEXEC_DIR, &builds, &words) != ZAP_OK) {
        printf("ZAP_BUILD is not set, or no builds: %s\n", text);
        return 1;
    }
    const struct zap_builds_row *row = zap_builds_find(&builds, name, &words);
    if (!row) {
        printf("%s\n", text);
        return 1;
    }
    const struct zap_worker_config config = {0};
    struct zap_player player;
    zap_player_init(&player, row, &config, ZAP_RUN_FROM_SOURCE);
    unsigned plans = 0;
    for (unsigned i = 0; i < PLANS; i++) {
        const struct zap_build *build = &outcome.trace.build; /* zeros before the first plan */
        const struct zap_gen_config gen = {.seed = SEED,
                                           .size = order_plan_size(0, build),
                                           .routes = i % 2 ? 1u << ZAP_ROUTE_EXIT
                                                           : 1u << ZAP_ROUTE_COLLECT |
                                                                 1u << ZAP_ROUTE_DROP};
        struct zap_plan plan;
        struct zap_witness witness;
        zap_gen_plan(&gen, i, &plan);
        zap_player_play(&player, &plan, &outcome);
        if (!outcome.has_judgement || zap_witness_cannot_show(&plan, build) ||
            outcome.trace.events_count >= ZAP_EVENTS_MAX || !run_script(&plan, row->python) ||
            hear(&plan, &outcome.trace, &witness) == ZAP_WITNESS_NOT_SHOWN)
            continue;
        if (witness.end == ZAP_WITNESS_DISAGREES) {
            printf("plan %u: the witness disagrees\n%s", i, why);
            missed++;
            continue;
        }
        plans++;
        plant(&plan, i, witness.narrated);
    }
    printf("%s: %u plans, %u planted mistakes noticed, %u events of CPython's own missed, %u not "
           "noticed\n",
           name, plans, noticed, narrated, missed);
    zap_player_release(&player);
    zap_builds_release(&builds);
    return plans > 0 && noticed > plans && narrated > plans && missed == 0 ? 0 : 1;
}
