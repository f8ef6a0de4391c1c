/* What became of a plan's objects, as words.
 *
 * One pass over the trace. A word is printed when its event comes, so the order is the trace's; a
 * bar is owed from the moment a later part of the route begins, and paid by the next word. The end
 * of an interpreter has its phases for parts, and in these its collections and wipes; a phase is
 * named, because which of them come first at all depends on the version. What lives is what the
 * plan or a script made and no event took away. Only kinds, names and numbers of objects are looked
 * at: the rest of an event depends on more than the order of things.
 */
#include "oracle/ends.h"

#include <string.h>

enum { NAME_SIZE = 96, SET_WORDS = (UINT8_MAX + 1) / 64 };

struct work {
    const struct zap_plan *plan;
    const struct zap_text_labels *labels;
    const struct zap_trace *trace;
    struct zap_plan_index index;
    struct zap_ends *ends;
    bool owes_bar;
    char phase[NAME_SIZE]; /* that the bar is to name, or empty */
    bool any_wipe;
    unsigned collecting, collected; /* collections at work; what they ended */
    uint8_t last;                   /* the node of the last word of `dies`, or ZAP_NO_NODE */
    uint64_t made[SET_WORDS], gone[SET_WORDS], told[SET_WORDS];
};

static void put(uint64_t *set, unsigned i)
{
    set[i / 64] |= UINT64_C(1) << i % 64;
}

static bool has(const uint64_t *set, unsigned i)
{
    return set[i / 64] >> i % 64 & 1;
}

/* ------------------------------------------------------------------ names */

static void add_module(const struct work *w, unsigned module, struct zap_str *out)
{
    if (w->plan->modules_count < 2 || module >= w->plan->modules_count)
        return;
    if (w->labels && w->labels->modules[module][0])
        zap_str_printf(out, "%s.", w->labels->modules[module]);
    else
        zap_str_printf(out, "m%u.", module);
}

/* Could this label be taken for a global's name? */
static bool is_global(const struct zap_plan *plan, const char *label)
{
    const struct zap_name_row *row = zap_name_find(label, strlen(label));
    for (unsigned m = 0; row && m < plan->modules_count; m++) {
        for (unsigned g = 0; g < plan->modules[m].globals_count; g++) {
            if (plan->modules[m].globals[g].name == row->code)
                return true;
        }
    }
    return false;
}

static void add_object(const struct work *w, unsigned object, struct zap_str *out)
{
    if (object == ZAP_NO_NODE)
        return;
    if (object >= w->plan->objects_count) {
        zap_str_printf(out, "new%u", object - w->plan->objects_count + 1);
        return;
    }
    const char *label = w->labels ? w->labels->objects[object] : "";
    const struct zap_name_row *home = zap_name_row(w->index.home_name[object]);
    if (home) {
        add_module(w, w->index.home_module[object], out);
        zap_str_add(out, home->token);
    } else if (label[0] && !is_global(w->plan, label)) {
        zap_str_add(out, label);
    } else {
        zap_str_printf(out, "o%u", object);
    }
}

/* ------------------------------------------------------------------ words */

static void add_word(struct zap_str *out, const char *word)
{
    zap_str_add(out, out->len > 0 ? " " : "");
    zap_str_add(out, word);
}

static void add_end(struct work *w, uint8_t object, const char *mark)
{
    char word[NAME_SIZE];
    struct zap_str text = zap_str_init(word, sizeof word);
    add_object(w, object, &text);
    zap_str_add(&text, mark);
    if (w->owes_bar) {
        add_word(&w->ends->dies, w->phase);
        zap_str_add(&w->ends->dies, "|");
    }
    w->owes_bar = false;
    w->phase[0] = '\0';
    w->collected += w->collecting > 0;
    add_word(&w->ends->dies, word);
    w->last = mark[0] ? ZAP_NO_NODE : object;
}

/* An error belongs to the __del__ that it comes out of; the word for that may stand there already.
 */
static void add_error(struct work *w, uint8_t object)
{
    if (object != ZAP_NO_NODE && object == w->last && !w->owes_bar)
        zap_str_add(&w->ends->dies, "!");
    else
        add_end(w, object, "!");
    w->last = ZAP_NO_NODE;
}

static void add_look(struct work *w, const struct zap_event *event)
{
    char word[NAME_SIZE];
    struct zap_str text = zap_str_init(word, sizeof word);
    const struct zap_name_row *row = zap_name_row(event->name);
    add_module(w, event->module, &text);
    zap_str_add(&text, row ? row->token : "?");
    zap_str_add(&text, event->how == ZAP_SEEN_BOUND  ? ""
                       : event->how == ZAP_SEEN_NONE ? "=None"
                                                     : "=missing");
    add_word(&w->ends->sees, word);
}

static void add_done(struct work *w, const struct zap_event *event)
{
    char word[NAME_SIZE];
    struct zap_str text = zap_str_init(word, sizeof word);
    const struct zap_op_row *row = zap_op_row(event->info);
    zap_str_add(&text, row ? row->token : "?");
    zap_str_add(&text, event->flags & ZAP_FLAG_X ? "" : "=failed");
    add_word(&w->ends->sees, word);
}

static void add_del(struct work *w, const struct zap_event *event)
{
    bool has_tracer = w->trace->build.observers & ZAP_SEES_DESTROY;
    char word[NAME_SIZE];
    struct zap_str text = zap_str_init(word, sizeof word);
    if (has_tracer && event->how == ZAP_HOW_REFCOUNT && !has(w->told, event->node)) {
        add_object(w, event->node, &text);
        add_word(&w->ends->untraced, word);
    }
    add_end(w, event->node, "");
}

/* The word of event.def. */
static void begin_phase(struct work *w, const struct zap_event *event)
{
    char line[NAME_SIZE];
    struct zap_str text = zap_str_init(line, sizeof line);
    zap_trace_print_one(event, &text);
    const char *word = strchr(line, '=');
    if (word != NULL)
        memcpy(w->phase, word + 1, strlen(word + 1) + 1);
    w->owes_bar = true;
}

static void step(struct work *w, const struct zap_event *event)
{
    switch (event->kind) {
    case ZAP_EVENT_PHASE:
        begin_phase(w, event);
        break;
    case ZAP_EVENT_WIPE:
        w->owes_bar = w->owes_bar || w->any_wipe || zap_plan_ends(w->plan);
        w->any_wipe = true;
        break;
    case ZAP_EVENT_COLLECT:
        w->owes_bar = w->owes_bar || event->by == ZAP_BY_ROUTE || event->by == ZAP_BY_INTERPRETER;
        w->collecting++;
        break;
    case ZAP_EVENT_COLLECT_END:
        w->collecting -= w->collecting > 0;
        break;
    case ZAP_EVENT_SPAWN:
        put(w->made, event->node);
        break;
    case ZAP_EVENT_DESTROY:
        put(w->told, event->node);
        break;
    case ZAP_EVENT_DEL:
        add_del(w, event);
        break;
    case ZAP_EVENT_CNODE:
        put(w->gone, event->node);
        add_end(w, event->node, "");
        break;
    case ZAP_EVENT_FREE:
        put(w->gone, event->node);
        break;
    case ZAP_EVENT_FINALLY:
        add_end(w, event->node, "");
        break;
    case ZAP_EVENT_CALLBACK:
        add_end(w, event->node, "()");
        break;
    case ZAP_EVENT_UNRAISABLE:
        add_error(w, event->node);
        break;
    case ZAP_EVENT_LOOK:
        add_look(w, event);
        break;
    case ZAP_EVENT_DONE:
        add_done(w, event);
        break;
    }
}

void zap_ends_describe(const struct zap_plan *plan, const struct zap_text_labels *labels,
                       const struct zap_trace *trace, struct zap_ends *ends)
{
    struct work w = {
        .plan = plan, .labels = labels, .trace = trace, .ends = ends, .last = ZAP_NO_NODE};
    zap_plan_index(plan, &w.index);
    for (unsigned i = 0; i < plan->objects_count; i++) {
        if (plan->objects[i].kind == ZAP_VALUE_NODE || plan->objects[i].kind == ZAP_VALUE_CNODE)
            put(w.made, i);
    }
    for (uint32_t i = 0; i < trace->events_count; i++)
        step(&w, &trace->events[i]);
    ends->is_unordered = trace->build.nogil && w.collected > 1;
    for (unsigned i = 0; i < ZAP_NO_NODE; i++) {
        char word[NAME_SIZE];
        struct zap_str text = zap_str_init(word, sizeof word);
        if (!has(w.made, i) || has(w.gone, i))
            continue;
        add_object(&w, i, &text);
        add_word(&ends->lives, word);
    }
}
