/* A trace as counters of transitions.
 *
 * A symbol is what matters of one event; a transition is a symbol and the event before it. Numbers
 * of objects, single names and refcounts are left out: they tell plans apart, not behaviours, and
 * every plan would be new. The depth of finalizers inside finalizers is in, because each further
 * level takes one more object that brings down the next: it is what leads step by step to plans
 * that no single change of a plan would reach.
 *
 * The entries that a namespace has before the route are the plan and no behaviour, so they do not
 * count.
 */
#include "oracle/feedback.h"

enum { DEPTH_MAX = 7, NO_NAME = 7 };

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

/* 6 bits kind, 3 kind of name, 2 who, 2 how, 6 state, 3 flags, 1 whether a node, 3 depth, 6 info */
static uint64_t symbol_of(const struct zap_event *event, uint32_t depth)
{
    const struct zap_name_row *name = zap_name_row(event->name);
    uint64_t symbol = event->kind;
    symbol = symbol << 3 | (name == NULL ? NO_NAME : (uint32_t)name->cls);
    symbol = symbol << 2 | by_of(event);
    symbol = symbol << 2 | (event->how & 3u);
    symbol = symbol << 6 | state_of(event);
    symbol = symbol << 3 | (event->flags & 7u);
    symbol = symbol << 1 | (event->node != ZAP_NO_NODE);
    symbol = symbol << 3 | (depth < DEPTH_MAX ? depth : DEPTH_MAX);
    return symbol << 6 | (event->info & 63u);
}

/* The finalizer of splitmix64: every bit of the input matters to every bit of the output. */
static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint32_t zap_feedback_count(const struct zap_trace *trace, uint8_t counters[ZAP_FEEDBACK_COUNTERS])
{
    uint32_t depth = 0, counted = 0;
    uint64_t before = 0; /* kind, who and how of the event before */
    for (uint32_t i = 0; i < trace->events_count; i++) {
        const struct zap_event *event = &trace->events[i];
        if (event->kind == ZAP_EVENT_ENTRY) {
            continue;
        }
        if (event->kind == ZAP_EVENT_DEL) {
            depth++;
        }
        uint64_t transition = before << 40 ^ symbol_of(event, depth);
        uint8_t *counter = &counters[mix(transition) & (ZAP_FEEDBACK_COUNTERS - 1)];
        *counter = (uint8_t)(*counter + (*counter != UINT8_MAX));
        counted++;
        before = (uint64_t)event->kind << 4 | by_of(event) << 2 | (event->how & 3u);
        if (event->kind == ZAP_EVENT_DEL_END && depth > 0) {
            depth--;
        }
    }
    return counted;
}
