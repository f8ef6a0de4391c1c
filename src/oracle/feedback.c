/* A trace as counters.
 *
 * Three things are counted of each event: the event itself with all that matters of it; the kind of
 * event, the kind of name and the state of the namespace, after the event before and, where an
 * interpreter ends, in the phase that its end is in, because one thing is many behaviours there;
 * and the pair of kinds at this depth of finalizers inside finalizers. The depth is in because each
 * further level takes one more object that brings down the next: it is what leads step by step to
 * plans that no single change of a plan would reach. One counter for all of that together would be
 * news with nearly every plan (13,400 values in 11,700 plans of a fuzzer's corpus; the three
 * together have 5,400), and a corpus in which everything is news guides nowhere.
 *
 * For the same reason numbers of objects, single names and refcounts are left out, and how often
 * a thing happens: they tell plans apart, not behaviours. What a namespace is before the route
 * is the plan and no behaviour either.
 */
#include "oracle/feedback.h"

#include "base/hash.h"

enum { DEPTH_MAX = 7, NO_NAME = 7 };
enum what { EVENT, TRANSITION, DEPTH };

/* Some of everything, none of everything, and which kinds of name: 6 bits. */
static uint32_t state_of(const struct zap_event *event)
{
    uint64_t underscore = zap_names_underscore();
    if ((event->flags & ZAP_FLAG_NO_STATE) != 0) {
        return 1;
    }
    return 2u | (uint32_t)((event->bound & underscore) != 0) << 2 |
           (uint32_t)((event->bound & ~underscore) != 0) << 3 |
           (uint32_t)((event->none & underscore) != 0) << 4 |
           (uint32_t)((event->none & ~underscore) != 0) << 5;
}

static uint32_t by_of(const struct zap_event *event)
{
    return event->by == ZAP_BY_ROUTE ? 0u : event->by == ZAP_BY_INTERPRETER ? 1u : 2u;
}

/* 3 bits; NO_NAME for a key that is not in the table. */
static uint32_t name_of(const struct zap_event *event)
{
    const struct zap_name_row *row = zap_name_row(event->name);
    return row == NULL ? NO_NAME : (uint32_t)row->cls;
}

/* All that matters of an event: 6 bits kind, 3 kind of name, 2 who, 2 how, 6 state, 3 flags, 1
 * whether a node, 3 depth, 6 info. */
static uint64_t symbol_of(const struct zap_event *event, uint32_t depth)
{
    uint64_t symbol = event->kind;
    symbol = symbol << 3 | name_of(event);
    symbol = symbol << 2 | by_of(event);
    symbol = symbol << 2 | (event->how & 3u);
    symbol = symbol << 6 | state_of(event);
    symbol = symbol << 3 | (event->flags & 7u);
    symbol = symbol << 1 | (event->node != ZAP_NO_NODE);
    symbol = symbol << 3 | depth;
    return symbol << 6 | (event->info & 63u);
}

static void count(uint8_t *counters, enum what what, uint64_t value)
{
    counters[zap_hash_mix(value << 2 | what) & (ZAP_FEEDBACK_COUNTERS - 1)] = 1;
}

uint32_t zap_feedback_count(const struct zap_trace *trace, uint8_t counters[ZAP_FEEDBACK_COUNTERS])
{
    uint32_t depth = 0, counted = 0, phase = 0;
    uint64_t before = 0; /* the kind of the event before */
    for (uint32_t i = 0; i < trace->events_count; i++) {
        const struct zap_event *event = &trace->events[i];
        uint64_t kind = event->kind;
        if (kind == ZAP_EVENT_ENTRY || kind == ZAP_EVENT_BEFORE) {
            continue;
        }
        depth += kind == ZAP_EVENT_DEL;
        uint32_t level = depth < DEPTH_MAX ? depth : DEPTH_MAX;
        count(counters, EVENT, symbol_of(event, level));
        phase = kind == ZAP_EVENT_PHASE ? event->info & 7u : phase;
        count(counters, TRANSITION,
              (((before << 6 | kind) << 3 | name_of(event)) << 6 | state_of(event)) << 3 | phase);
        count(counters, DEPTH, (before << 6 | kind) << 3 | level);
        counted++;
        before = kind;
        depth -= kind == ZAP_EVENT_DEL_END && depth > 0;
    }
    return counted;
}
