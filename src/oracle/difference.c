/* Views of traces, their alignment, and what explains what is left over.
 *
 * An event is explained directly where difference.def has a row for it: a feature that one side has
 * and the other has not bears on that kind of event at that place. Or it follows from an event that
 * is explained (`follow`): it happened inside of it; it is the same thing at another time; it shows
 * a namespace that an explained event changed before; or it is about an object that an explained
 * event ended or did not end, or that such an object held. Nothing else is an explanation: in
 * particular not that two versions differ by some feature that has nothing to do with the event.
 *
 * The alignment is exact within windows of ZAP_DIFFERENCE_WINDOW events behind what both views have
 * in common, so that it needs no allocation; of each window that is not the last, the first half is
 * kept.
 */
#include "oracle/difference.h"

#include "base/check.h"

#include <string.h>

#define BIT(name) (UINT64_C(1) << (name))

/* What happens around an event. */
enum place {
    IN_DROP = 1,       /* a module object is being deallocated */
    IN_WIPE = 2,       /* a namespace is being wiped */
    IN_COLLECTION = 4, /* ... or the collector is the one that does it */
    IN_SCRIPT = 8,
    AFTER_DROP = 16,       /* the event's module has been deallocated */
    AT_END = 32,           /* an interpreter has begun to end */
    IN_HASH_ORDER = 64,    /* the two sides may have the names of a module in another order */
    SECOND_DEL = 128,      /* or something of an object that had its __del__ called twice by now */
    PAST_BUILTINS = 256,   /* builtins have been wiped, the interpreter's own state goes */
    PAST_COLLECTION = 512, /* a collection is over */
    PAST_REVIVAL = 1024    /* and in one a finalizer has brought something back */
};

struct side {
    const struct zap_plan *plan;
    const struct zap_trace *view, *other; /* the other side's */
    uint16_t places[ZAP_EVENTS_MAX];
    uint16_t parents[ZAP_EVENTS_MAX]; /* + 1; 0: none */
};

/* ------------------------------------------------------------------ views */

/* Names that the interpreter binds by itself in a new module, where the plan binds them not. Which
 * they are, and where they stand among the others, depends on the version (MODULE_HAS_SPEC in
 * contrast.def) and would show in the namespaces of every plan: they are left out, but for scripts
 * that look at them. */
static uint64_t own_names(const struct zap_plan *plan, unsigned module)
{
    uint64_t names = BIT(ZAP_NAME_BUILTINS) | BIT(ZAP_NAME_NAME) | BIT(ZAP_NAME_DOC) |
                     BIT(ZAP_NAME_SPEC) | BIT(ZAP_NAME_FILE) | BIT(ZAP_NAME_PACKAGE) |
                     BIT(ZAP_NAME_LOADER);
    for (unsigned g = 0; module < plan->modules_count && g < plan->modules[module].globals_count;
         g++)
        names &= ~BIT(plan->modules[module].globals[g].name);
    return names;
}

/* The observer without which a build has no such event; 0: every build has it. */
static uint32_t observer_of(const struct zap_event *event)
{
    switch (event->kind) {
    case ZAP_EVENT_SET_NONE:
    case ZAP_EVENT_STORE:
    case ZAP_EVENT_UNBIND:
        return ZAP_SEES_SETS;
    case ZAP_EVENT_EMPTY:
    case ZAP_EVENT_EMPTY_END:
    case ZAP_EVENT_DICT_GONE:
        return ZAP_SEES_DICT_GONE;
    case ZAP_EVENT_DESTROY:
        return ZAP_SEES_DESTROY;
    case ZAP_EVENT_UNRAISABLE:
        return ZAP_SEES_UNRAISABLE;
    case ZAP_EVENT_UNLISTED:
        return ZAP_SEES_ENDS;
    case ZAP_EVENT_WIPE:
    case ZAP_EVENT_WIPE_END:
        return event->info > 2 || event->info == 0 ? (uint32_t)ZAP_SEES_ENDS : 0;
    case ZAP_EVENT_COLLECT:
    case ZAP_EVENT_COLLECT_END:
        return event->by == ZAP_BY_INTERPRETER ? (uint32_t)ZAP_SEES_ENDS : 0;
    default:
        return 0;
    }
}

static bool is_about_own_name(const struct zap_event *event, uint64_t own)
{
    switch (event->kind) {
    case ZAP_EVENT_ENTRY:
    case ZAP_EVENT_SET_NONE:
    case ZAP_EVENT_STORE:
    case ZAP_EVENT_UNBIND:
        return event->name == ZAP_NAME_NO || (own & BIT(event->name)) != 0;
    default:
        return false;
    }
}

/* That a namespace of the interpreter's is wiped is seen by one of its names. What goes before and
 * after that name depends, where a dict has the order of hashes, on the dict's size, and so on how
 * many names there are (Debian's sys has one more, _multiarch): there it begins with the wipe. */
static void put_with_wipe(struct zap_trace *trace, uint32_t i)
{
    struct zap_event phase = trace->events[i];
    if (phase.kind != ZAP_EVENT_PHASE ||
        (phase.info != ZAP_END_SYS_WIPED && phase.info != ZAP_END_BUILTINS_WIPED) ||
        zap_profile_has(zap_profile_of(&trace->build), ZAP_FEATURE_DICT_INSERTION_ORDER))
        return;
    uint32_t at = i;
    while (at > 0 && (trace->events[at - 1].kind != ZAP_EVENT_WIPE ||
                      trace->events[at - 1].module != ZAP_NO_MODULE))
        at--;
    if (at == 0)
        return;
    memmove(&trace->events[at + 1], &trace->events[at], (i - at) * sizeof trace->events[0]);
    trace->events[at] = phase;
}

void zap_difference_view(const struct zap_plan *plan, uint32_t observers, struct zap_trace *trace)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < trace->events_count; i++) {
        struct zap_event event = trace->events[i];
        uint64_t own = own_names(plan, event.module);
        uint32_t observer = observer_of(&event);
        if ((observer & ~observers) != 0 || is_about_own_name(&event, own))
            continue;
        /* Who holds a reference meanwhile (a frame, a cache, the evaluation stack) is the version's
         * own business, and what a count of 0 leads to has events of its own. */
        event.refs = 0;
        /* It counts the names that are left out. So does an entry's position. */
        event.size = 0;
        if (event.kind == ZAP_EVENT_ENTRY)
            event.info = 0;
        event.bound &= ~own;
        event.none &= ~own;
        trace->events[kept] = event;
        put_with_wipe(trace, kept++);
    }
    trace->events_count = kept;
}

static bool is_equal(const struct zap_event *a, const struct zap_event *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

bool zap_difference_is_same(const struct zap_trace *a, const struct zap_trace *b)
{
    return a->events_count == b->events_count && a->is_cut == b->is_cut &&
           memcmp(a->events, b->events, a->events_count * sizeof a->events[0]) == 0;
}

/* ------------------------------------------------------------------ alignment */

static void pair(struct zap_difference *d, uint32_t a, uint32_t b)
{
    d->marks[0][a].is_different = d->marks[1][b].is_different = false;
    d->marks[0][a].partner = (uint16_t)b;
    d->marks[1][b].partner = (uint16_t)a;
}

/* Align events from a and b on, `rows` and `columns` of them; keep what is within half of them,
 * unless they are the last. Returns in a and b where to go on. */
static void align_window(struct zap_difference *d, uint32_t *a, uint32_t *b, uint32_t rows,
                         uint32_t columns, bool is_last)
{
    const struct zap_event *left = d->sides[0]->events + *a, *right = d->sides[1]->events + *b;
    memset(d->table[rows], 0, sizeof d->table[rows]);
    for (uint32_t i = rows; i-- > 0;) {
        d->table[i][columns] = 0;
        for (uint32_t j = columns; j-- > 0;) {
            uint16_t down = d->table[i + 1][j], across = d->table[i][j + 1];
            d->table[i][j] = is_equal(&left[i], &right[j]) ? (uint16_t)(d->table[i + 1][j + 1] + 1)
                             : down >= across              ? down
                                                           : across;
        }
    }
    uint32_t i = 0, j = 0;
    while (i < rows && j < columns && (is_last || (i < rows / 2 + 1 && j < columns / 2 + 1))) {
        if (is_equal(&left[i], &right[j])) {
            pair(d, *a + i, *b + j);
            i++;
            j++;
        } else if (d->table[i + 1][j] >= d->table[i][j + 1]) {
            i++;
        } else {
            j++;
        }
    }
    *a += i;
    *b += j;
}

static void align(struct zap_difference *d)
{
    uint32_t a = 0, b = 0, a_end = d->sides[0]->events_count, b_end = d->sides[1]->events_count;
    while (a < a_end && b < b_end && is_equal(&d->sides[0]->events[a], &d->sides[1]->events[b]))
        pair(d, a++, b++);
    while (a < a_end && b < b_end &&
           is_equal(&d->sides[0]->events[a_end - 1], &d->sides[1]->events[b_end - 1]))
        pair(d, --a_end, --b_end);
    while (a < a_end && b < b_end) {
        uint32_t rows = a_end - a, columns = b_end - b;
        bool is_last = rows <= ZAP_DIFFERENCE_WINDOW && columns <= ZAP_DIFFERENCE_WINDOW;
        align_window(d, &a, &b, rows < ZAP_DIFFERENCE_WINDOW ? rows : ZAP_DIFFERENCE_WINDOW,
                     columns < ZAP_DIFFERENCE_WINDOW ? columns : ZAP_DIFFERENCE_WINDOW, is_last);
        if (is_last)
            return;
    }
}

/* ------------------------------------------------------------------ places */

static uint8_t closer_of(const struct zap_event *event)
{
    switch (event->kind) {
    case ZAP_EVENT_WIPE:
        return ZAP_EVENT_WIPE_END;
    case ZAP_EVENT_MODULE_GONE:
        return ZAP_EVENT_MODULE_END;
    case ZAP_EVENT_COLLECT:
        return ZAP_EVENT_COLLECT_END;
    case ZAP_EVENT_DEL:
        return ZAP_EVENT_DEL_END;
    case ZAP_EVENT_ATEXIT:
        return ZAP_EVENT_ATEXIT_END;
    case ZAP_EVENT_EMPTY:
        return event->how == ZAP_HOW_CALL ? 0 : ZAP_EVENT_EMPTY_END;
    default:
        return 0;
    }
}

static uint16_t place_within(const struct zap_event *event)
{
    switch (event->kind) {
    case ZAP_EVENT_WIPE:
        return IN_WIPE;
    case ZAP_EVENT_MODULE_GONE:
        return IN_DROP;
    case ZAP_EVENT_COLLECT:
    case ZAP_EVENT_EMPTY:
        return IN_COLLECTION;
    case ZAP_EVENT_DEL:
    case ZAP_EVENT_ATEXIT:
        return IN_SCRIPT;
    default:
        return 0;
    }
}

static void find_places(struct side *side)
{
    enum { DEPTH_MAX = 128 };
    bool comes_back = false;
    uint16_t open[DEPTH_MAX], within[DEPTH_MAX + 1] = {0};
    uint8_t dels[UINT8_MAX + 1] = {0};
    unsigned depth = 0, dropped = 0;
    bool is_at_end = false;
    uint16_t past = 0;
    for (uint32_t i = 0; i < side->view->events_count; i++) {
        const struct zap_event *event = &side->view->events[i];
        is_at_end = is_at_end || event->kind == ZAP_EVENT_PHASE ||
                    event->kind == ZAP_EVENT_UNLISTED || event->kind == ZAP_EVENT_ATEXIT ||
                    (zap_plan_ends(side->plan) && event->kind == ZAP_EVENT_ROUTE);
        for (unsigned up = depth; up-- > 0;) {
            const struct zap_event *opener = &side->view->events[open[up]];
            if (closer_of(opener) == event->kind && opener->module == event->module &&
                opener->node == event->node) {
                depth = up;
                side->parents[i] = (uint16_t)(open[up] + 1);
                break;
            }
        }
        uint16_t place = within[depth];
        if (side->parents[i] == 0 && depth > 0)
            side->parents[i] = (uint16_t)(open[depth - 1] + 1);
        if (event->kind == ZAP_EVENT_MODULE_GONE && event->module < 32)
            dropped |= 1u << event->module;
        if (event->kind == ZAP_EVENT_DEL && dels[event->node] < UINT8_MAX)
            dels[event->node]++;
        place |= event->module < 32 && (dropped >> event->module & 1) ? AFTER_DROP : 0;
        place |= is_at_end ? AT_END : 0;
        /* What a finalizer makes brings back its class. */
        bool brings_back = event->kind == ZAP_EVENT_RESURRECT || event->kind == ZAP_EVENT_SPAWN;
        comes_back = comes_back || (brings_back && (within[depth] & IN_COLLECTION) != 0);
        if (event->kind == ZAP_EVENT_COLLECT_END)
            past |= comes_back ? PAST_COLLECTION | PAST_REVIVAL : PAST_COLLECTION;
        if (event->kind == ZAP_EVENT_PHASE && event->info >= ZAP_END_BUILTINS_WIPED)
            past |= PAST_BUILTINS;
        place |= past;
        place |= event->node != ZAP_NO_NODE && dels[event->node] > 1 ? SECOND_DEL : 0;
        place |= event->kind == ZAP_EVENT_MODULE_GONE || event->kind == ZAP_EVENT_MODULE_END
                     ? IN_DROP
                     : 0;
        place |= event->kind == ZAP_EVENT_COLLECT || event->kind == ZAP_EVENT_EMPTY ||
                         event->kind == ZAP_EVENT_EMPTY_END || event->kind == ZAP_EVENT_COLLECT_END
                     ? IN_COLLECTION
                     : 0;
        place |= event->kind == ZAP_EVENT_WIPE || event->kind == ZAP_EVENT_WIPE_END ? IN_WIPE : 0;
        side->places[i] = place;
        if (closer_of(event) && depth < DEPTH_MAX) {
            within[depth + 1] = within[depth] | place_within(event);
            open[depth++] = (uint16_t)i;
        }
    }
}

/* The names of a module before the route, in dict order. */
static unsigned layout(const struct zap_trace *view, unsigned module, uint8_t *names)
{
    unsigned count = 0;
    for (uint32_t i = 0; i < view->events_count && count < 64; i++) {
        if (view->events[i].kind == ZAP_EVENT_ENTRY && view->events[i].module == module)
            names[count++] = view->events[i].name;
    }
    return count;
}

enum { ANYONE = -1 };

/* Is there such an act, in a script of this node, about this module? Each may be ANYONE. */
static bool has_act(const struct zap_plan *plan, enum zap_op_code op, int node, int module)
{
    for (unsigned i = 0; i < plan->acts_count; i++) {
        const struct zap_act *act = &plan->acts[i];
        if (act->op == op && (node == ANYONE || act->node == node) &&
            (module == ANYONE || act->module == module))
            return true;
    }
    return false;
}

/* ... about one of these names? */
static bool has_act_on(const struct zap_plan *plan, enum zap_op_code op, int module, uint64_t names)
{
    for (unsigned i = 0; i < plan->acts_count; i++) {
        const struct zap_act *act = &plan->acts[i];
        if (act->op == op && (module == ANYONE || act->module == module) &&
            (names & BIT(act->name)))
            return true;
    }
    return false;
}

static bool binds_by_script(const struct zap_plan *plan, unsigned module, uint64_t names)
{
    static const enum zap_op_code ops[] = {ZAP_OP_BIND_INT, ZAP_OP_BIND_NONE, ZAP_OP_BIND_NODE,
                                           ZAP_OP_BIND_SELF, ZAP_OP_BIND_LAMBDA};
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
        if (has_act_on(plan, ops[i], (int)module, names))
            return true;
    return false;
}

/* Does a script add a name to a module? Where it goes is the dict's order, too. That it binds one
 * of the interpreter's own is not in the view. */
static bool is_added_to(const struct zap_plan *plan, const struct zap_trace *view, unsigned module)
{
    if (has_act(plan, ZAP_OP_GROW, ANYONE, (int)module) ||
        has_act(plan, ZAP_OP_BIND_AGAIN, ANYONE, (int)module) ||
        binds_by_script(plan, module, own_names(plan, module) & ~BIT(ZAP_NAME_BUILTINS)))
        return true;
    for (uint32_t i = 0; i < view->events_count; i++)
        if ((view->events[i].kind == ZAP_EVENT_STORE ||
             view->events[i].kind == ZAP_EVENT_SET_NONE) &&
            view->events[i].module == module && view->events[i].how == ZAP_SEEN_MISSING)
            return true;
    return false;
}

static void find_order(const struct zap_plan *plan, struct side *sides)
{
    for (unsigned m = 0; m < plan->modules_count; m++) {
        uint8_t names[2][64] = {{0}};
        layout(sides[0].view, m, names[0]);
        layout(sides[1].view, m, names[1]);
        if (memcmp(names[0], names[1], sizeof names[0]) == 0 &&
            !is_added_to(plan, sides[0].view, m) && !is_added_to(plan, sides[1].view, m))
            continue;
        for (int s = 0; s < 2; s++) {
            for (uint32_t i = 0; i < sides[s].view->events_count; i++)
                sides[s].places[i] |= IN_HASH_ORDER;
        }
    }
}

/* ------------------------------------------------------------------ where features bear */

struct spot {
    const struct side *side;
    const struct zap_event *event;
    uint16_t place;
};

/* The event that another one of its view happens in, or NULL. */
static const struct zap_event *parent_of(const struct side *side, const struct zap_event *event)
{
    uint16_t parent = side->parents[event - side->view->events];
    return parent == 0 ? NULL : &side->view->events[parent - 1];
}

static bool is_twin(const struct zap_event *a, const struct zap_event *b)
{
    return a->kind == b->kind && a->module == b->module && a->node == b->node && a->name == b->name;
}

/* Does it happen on the other side, too? */
static bool is_on_both(const struct spot *s)
{
    for (uint32_t i = 0; i < s->side->other->events_count; i++)
        if (is_twin(s->event, &s->side->other->events[i]))
            return true;
    return false;
}

static bool is_dropped(const struct spot *s)
{
    return (s->place & IN_DROP) != 0 ||
           ((s->place & AFTER_DROP) != 0 &&
            (s->event->kind == ZAP_EVENT_AFTER || s->event->kind == ZAP_EVENT_DICT_GONE));
}

static bool is_collected(const struct spot *s)
{
    const struct zap_event *event = s->event;
    bool is_del = event->kind == ZAP_EVENT_DEL || event->kind == ZAP_EVENT_DEL_END;
    return (s->place & IN_COLLECTION) != 0 || (is_del && event->how != ZAP_HOW_REFCOUNT);
}

static bool is_module_going(const struct zap_event *event)
{
    return event->kind == ZAP_EVENT_DICT_GONE || event->kind == ZAP_EVENT_MODULE_GONE ||
           event->kind == ZAP_EVENT_MODULE_END;
}

static bool is_going(const struct zap_event *event)
{
    return event->kind == ZAP_EVENT_FREE || event->kind == ZAP_EVENT_CNODE ||
           is_module_going(event);
}

/* In a collection, or what that left to go later because something came back. */
static bool is_collected_or_left(const struct spot *s)
{
    return is_collected(s) || ((s->place & PAST_REVIVAL) != 0 && is_going(s->event));
}

/* Does the other side bring an object back? */
static bool comes_back_on_other(const struct spot *s)
{
    for (uint32_t i = 0; i < s->side->other->events_count; i++) {
        const struct zap_event *event = &s->side->other->events[i];
        if (event->kind == ZAP_EVENT_RESURRECT && event->node == s->event->node)
            return true;
    }
    return false;
}

/* Without a second __del__, what came back once just goes. */
static bool is_finalized(const struct spot *s)
{
    return is_collected(s) || (s->place & SECOND_DEL) != 0 ||
           (s->event->kind == ZAP_EVENT_FREE && comes_back_on_other(s));
}

static bool is_callback(const struct spot *s)
{
    return s->event->kind == ZAP_EVENT_CALLBACK;
}

static bool is_callback_met_by_collection(const struct spot *s)
{
    return is_callback(s) && (s->place & (IN_COLLECTION | PAST_COLLECTION)) != 0;
}

static bool is_look(const struct zap_event *event)
{
    return event->kind == ZAP_EVENT_LOOK || event->kind == ZAP_EVENT_LOOK_ALL;
}

static bool is_without_builtins(const struct spot *s)
{
    uint8_t kind = s->event->kind;
    return (s->place & IN_SCRIPT) != 0 &&
           (kind == ZAP_EVENT_DONE || kind == ZAP_EVENT_UNRAISABLE ||
            (is_look(s->event) && s->event->name == ZAP_NAME_BUILTINS));
}

static bool is_unicode(const struct spot *s)
{
    const struct zap_name_row *row = zap_name_row(s->event->name);
    return row && (row->cls == ZAP_CLASS_UNICODE || row->cls == ZAP_CLASS_UNICODE_U);
}

static bool is_builtins_nul(const struct spot *s)
{
    return s->event->name == ZAP_NAME_BUILTINS_0;
}

static bool is_announcement(const struct spot *s)
{
    return s->event->kind == ZAP_EVENT_DESTROY;
}

static bool is_drop_or_collected(const struct spot *s)
{
    return is_dropped(s) || is_collected(s);
}

static bool is_at_end(const struct spot *s)
{
    return (s->place & AT_END) != 0;
}

static bool is_past_builtins(const struct spot *s)
{
    return (s->place & PAST_BUILTINS) != 0;
}

/* In a wipe, or how a module is after it. */
static bool is_wiped_at_end(const struct spot *s)
{
    return is_at_end(s) && ((s->place & IN_WIPE) != 0 || s->event->kind == ZAP_EVENT_AFTER);
}

static bool is_collected_at_end(const struct spot *s)
{
    return is_at_end(s) && (is_collected(s) || s->event->kind == ZAP_EVENT_GARBAGE);
}

static bool is_at_end_of_subinterp(const struct spot *s)
{
    return is_at_end(s) && s->side->plan->route != ZAP_ROUTE_EXIT;
}

/* When builtins are gone, what scripts find then, and what goes meanwhile. */
static bool is_without_builtins_at_end(const struct spot *s)
{
    bool is_phase = s->event->kind == ZAP_EVENT_PHASE && s->event->info == ZAP_END_BUILTINS_WIPED;
    return is_at_end_of_subinterp(s) &&
           (is_phase || is_past_builtins(s) || (s->place & IN_SCRIPT) != 0);
}

/* `grow` takes out the first two names. */
static bool is_first_name(const struct spot *s)
{
    return s->event->kind == ZAP_EVENT_UNBIND &&
           has_act(s->side->plan, ZAP_OP_GROW, s->event->by, ANYONE);
}

/* One of several things that an object holds by a dict, and lets go of in its order. */
static bool is_held_beside_others(const struct spot *s)
{
    const struct zap_plan *plan = s->side->plan;
    for (unsigned i = 0; i < plan->links_count; i++) {
        unsigned from = plan->links[i].from, beside = 0;
        uint8_t kind = plan->objects[from].kind;
        if (plan->links[i].to != s->event->node ||
            (kind != ZAP_VALUE_NODE && kind != ZAP_VALUE_DICT))
            continue;
        for (unsigned k = 0; k < plan->links_count; k++)
            beside += plan->links[k].from == from;
        if (beside > 1)
            return true;
    }
    return false;
}

/* Is it in a script, and is there one that lets go of a whole namespace? */
static bool is_let_go(const struct spot *s)
{
    return (s->place & IN_SCRIPT) != 0 && has_act(s->side->plan, ZAP_OP_CLEAR, ANYONE, ANYONE);
}

/* Does the other side have the same names there, in another order? */
static bool is_in_another_order(const struct spot *s)
{
    struct zap_event turned = *s->event;
    turned.flags ^= ZAP_FLAG_X;
    for (uint32_t i = 0; i < s->side->other->events_count; i++)
        if (s->event->kind == ZAP_EVENT_AFTER && is_equal(&turned, &s->side->other->events[i]))
            return true;
    return false;
}

/* A key of 200 characters is there again, and is or is not the same string object. */
static bool is_bound_by_long_name(const struct spot *s)
{
    return is_in_another_order(s) && binds_by_script(s->side->plan, s->event->module,
                                                     BIT(ZAP_NAME_LONG) | BIT(ZAP_NAME_U_LONG));
}

/* A script that runs in a wipe looks at a name of the interpreter's own, of which a view does not
 * tell when it is wiped. */
static bool is_look_at_own(const struct spot *s)
{
    uint64_t own = own_names(s->side->plan, s->event->module) & ~BIT(ZAP_NAME_BUILTINS);
    return s->event->kind == ZAP_EVENT_LOOK && (s->place & (IN_DROP | IN_WIPE)) != 0 &&
           (own & BIT(s->event->name)) != 0 && is_on_both(s);
}

static bool is_in_hash_order(const struct spot *s)
{
    uint8_t kind = s->event->kind;
    bool is_names = kind == ZAP_EVENT_ENTRY || kind == ZAP_EVENT_AFTER ||
                    (s->place & (IN_DROP | IN_WIPE)) != 0 || is_first_name(s) || is_let_go(s);
    return ((s->place & IN_HASH_ORDER) != 0 && is_names) || is_held_beside_others(s) ||
           is_in_another_order(s) || is_look_at_own(s);
}

/* One of several things that sys or builtins hold, while these are wiped. */
static bool is_in_wipe_of_sys(const struct spot *s)
{
    const struct zap_plan *plan = s->side->plan;
    const struct zap_event *event = s->event;
    if (zap_plan_parks_in(plan, ZAP_PARK_SYS) < 2 && zap_plan_parks_in(plan, ZAP_PARK_BUILTINS) < 2)
        return false;
    while (event && (event->kind != ZAP_EVENT_WIPE || event->module != ZAP_NO_MODULE))
        event = parent_of(s->side, event);
    return event && is_on_both(s);
}

static bool is_module_attribute(const struct spot *s)
{
    return s->event->name == ZAP_NAME_SPEC || s->event->name == ZAP_NAME_LOADER ||
           s->event->name == ZAP_NAME_PACKAGE;
}

static bool is_set_by_route(const struct spot *s)
{
    uint8_t kind = s->event->kind;
    return s->event->by == ZAP_BY_ROUTE &&
           (kind == ZAP_EVENT_STORE || kind == ZAP_EVENT_UNBIND || kind == ZAP_EVENT_SET_NONE);
}

/* These objects and what they hold, and so on through those of `through`: bit per object. */
static uint64_t reach(const struct zap_plan *plan, uint64_t held, uint64_t through)
{
    for (uint64_t before = 0; before != held;) {
        before = held;
        for (unsigned i = 0; i < plan->links_count; i++) {
            if (held & through & BIT(plan->links[i].from))
                held |= BIT(plan->links[i].to);
        }
        for (unsigned i = 0; i < plan->objects_count; i++) {
            if ((held & through & BIT(i)) && plan->objects[i].kind == ZAP_VALUE_METHOD)
                held |= BIT(plan->objects[i].target);
        }
    }
    return held;
}

static uint64_t with_held(const struct zap_plan *plan, uint64_t held)
{
    return reach(plan, held, UINT64_MAX);
}

/* Is it an event of one of these objects? */
static bool is_among(const struct spot *s, uint64_t objects)
{
    return s->event->node < ZAP_OBJECTS_MAX && (objects & BIT(s->event->node)) != 0;
}

/* Does a plan bind one of these names, or does a script have to do with it? */
static bool binds(const struct zap_plan *plan, uint64_t names)
{
    for (unsigned m = 0; m < plan->modules_count; m++)
        for (unsigned g = 0; g < plan->modules[m].globals_count; g++)
            if (names & BIT(plan->modules[m].globals[g].name))
                return true;
    for (unsigned i = 0; i < plan->acts_count; i++)
        if (names & BIT(plan->acts[i].name))
            return true;
    return false;
}

/* What the objects hold that a plan binds to these names, or that bind themselves, themselves
 * included. */
static uint64_t held_as(const struct zap_plan *plan, uint64_t names)
{
    uint64_t held = 0;
    for (unsigned m = 0; m < plan->modules_count; m++) {
        for (unsigned g = 0; g < plan->modules[m].globals_count; g++) {
            if (names & BIT(plan->modules[m].globals[g].name))
                held |= BIT(plan->modules[m].globals[g].object);
        }
    }
    for (unsigned i = 0; i < plan->acts_count; i++) {
        const struct zap_act *act = &plan->acts[i];
        if (act->op == ZAP_OP_BIND_SELF && (names & BIT(act->name)))
            held |= BIT(act->node);
    }
    return with_held(plan, held);
}

/* Is it the end of a module that one of these objects is? */
static bool is_end_of_module(const struct spot *s, uint64_t objects)
{
    const struct zap_plan *plan = s->side->plan;
    if (s->event->kind != ZAP_EVENT_MODULE_GONE && s->event->kind != ZAP_EVENT_MODULE_END)
        return false;
    for (unsigned i = 0; i < plan->objects_count; i++)
        if ((objects & BIT(i)) && plan->objects[i].kind == ZAP_VALUE_MODULE &&
            plan->objects[i].module == s->event->module)
            return true;
    return false;
}

static bool is_held_as(const struct spot *s, uint64_t names)
{
    uint64_t held = held_as(s->side->plan, names);
    return is_among(s, held) || is_end_of_module(s, held);
}

/* What a script looks at before or after what was __builtins__ goes, where it lets go of that. */
static bool is_look_beside_builtins(const struct spot *s)
{
    const struct zap_plan *plan = s->side->plan;
    bool lets_go = has_act(plan, ZAP_OP_DEL_BUILTINS, s->event->node, ANYONE) ||
                   has_act(plan, ZAP_OP_SET_BUILTINS, s->event->node, ANYONE);
    return is_look(s->event) && is_on_both(s) && lets_go && binds(plan, BIT(ZAP_NAME_BUILTINS));
}

static bool is_spawned(const struct spot *s)
{
    return s->event->node != ZAP_NO_NODE && s->event->node >= s->side->plan->objects_count;
}

/* A new node, where a script binds one as __builtins__: which of them it is, a plan does not say.
 */
static bool is_spawned_as_builtins(const struct spot *s)
{
    return is_spawned(s) &&
           has_act_on(s->side->plan, ZAP_OP_BIND_NODE, ANYONE, BIT(ZAP_NAME_BUILTINS));
}

static bool is_about_builtins(const struct spot *s)
{
    return is_held_as(s, BIT(ZAP_NAME_BUILTINS)) || is_spawned_as_builtins(s) ||
           is_without_builtins(s) || is_look_beside_builtins(s);
}

/* What is in a nest, and the callbacks of weak references to it: these may go first, or last; and
 * what holds a nest is freed before or after that. */
static bool is_nested(const struct spot *s)
{
    const struct zap_plan *plan = s->side->plan;
    uint64_t nests = 0, holders = 0;
    for (unsigned i = 0; i < plan->objects_count; i++)
        nests |= plan->objects[i].kind == ZAP_VALUE_NEST ? BIT(i) : 0;
    for (unsigned i = 0; i < plan->objects_count; i++)
        holders |= (with_held(plan, BIT(i)) & nests) != 0 ? BIT(i) : 0;
    uint64_t held = with_held(plan, nests);
    return is_among(s, held) || is_end_of_module(s, held) ||
           (s->event->kind == ZAP_EVENT_FREE && is_among(s, holders)) ||
           (is_callback(s) && (held & BIT(plan->objects[s->event->node].target)) != 0);
}

/* A reload, and what its import system does to the module's own attributes. */
static bool is_reload(const struct spot *s)
{
    const uint64_t attributes = BIT(ZAP_NAME_SPEC) | BIT(ZAP_NAME_LOADER) | BIT(ZAP_NAME_PACKAGE) |
                                BIT(ZAP_NAME_NAME) | BIT(ZAP_NAME_FILE) | BIT(ZAP_NAME_DOC);
    if (s->side->plan->route != ZAP_ROUTE_RELOAD)
        return false;
    return s->event->kind == ZAP_EVENT_RELOADED || is_set_by_route(s) ||
           is_held_as(s, attributes) || ((s->event->bound | s->event->none) & attributes) != 0;
}

static bool is_left_by_import(const struct spot *s)
{
    return s->event->kind == ZAP_EVENT_AFTER &&
           (has_act(s->side->plan, ZAP_OP_IMPORT, ANYONE, ANYONE) ||
            has_act(s->side->plan, ZAP_OP_IMPORT_NEW, ANYONE, ANYONE));
}

static bool is_odd_key(uint8_t name)
{
    const struct zap_name_row *row = zap_name_row(name);
    return row && (row->cls == ZAP_CLASS_NONSTR || name == ZAP_NAME_SUB || name == ZAP_NAME_U_SUB ||
                   name == ZAP_NAME_TRAP || name == ZAP_NAME_U_TRAP);
}

static bool is_among_odd_keys(const struct spot *s)
{
    uint64_t odd = 0;
    for (uint8_t name = 0; name < ZAP_NAME_END; name++)
        odd |= is_odd_key(name) ? BIT(name) : 0;
    return (s->place & IN_WIPE) != 0 && binds(s->side->plan, odd);
}

/* Of a collection, what comes after the finalizers. */
static bool is_cleared(const struct spot *s)
{
    switch (s->event->kind) {
    case ZAP_EVENT_EMPTY:
    case ZAP_EVENT_EMPTY_END:
    case ZAP_EVENT_DICT_GONE:
    case ZAP_EVENT_MODULE_GONE:
    case ZAP_EVENT_MODULE_END:
    case ZAP_EVENT_DESTROY:
    case ZAP_EVENT_FREE:
    case ZAP_EVENT_CNODE:
    case ZAP_EVENT_FINALLY:
        return (s->place & IN_COLLECTION) != 0;
    default:
        return false;
    }
}

/* Is it but the order in which a collection clears? A dict whose turn comes late may be gone by
 * then, and is not cleared at all. */
static bool is_clearing_order(const struct spot *s)
{
    bool is_dict = s->event->kind == ZAP_EVENT_EMPTY || s->event->kind == ZAP_EVENT_EMPTY_END;
    return is_cleared(s) && (is_dict || is_on_both(s));
}

/* A collection leaves what it finds alive in the order in which it got there (move_unreachable in
 * Modules/gcmodule.c, Python/gc.c from 3.13 on), and the next one calls finalizers and clears in
 * that order. */
static bool is_ordered_by_collection(const struct spot *s)
{
    bool is_del = s->event->kind == ZAP_EVENT_DEL || s->event->kind == ZAP_EVENT_DEL_END;
    bool is_finalizing_order = is_del && s->event->how != ZAP_HOW_REFCOUNT && is_on_both(s);
    return (s->place & (AT_END | PAST_COLLECTION)) != 0 &&
           (is_finalizing_order || is_clearing_order(s));
}

static bool is_ordered_by_tracking(const struct spot *s)
{
    return is_ordered_by_collection(s) || is_clearing_order(s);
}

static bool is_asked_of_getattr(const struct spot *s)
{
    return s->side->plan->route == ZAP_ROUTE_RELOAD &&
           binds(s->side->plan, BIT(ZAP_NAME_GETATTR)) &&
           (s->event->kind == ZAP_EVENT_RELOADED || is_set_by_route(s));
}

static bool is_import_beside_package(const struct spot *s)
{
    return s->event->kind == ZAP_EVENT_DONE &&
           (s->event->info == ZAP_OP_IMPORT || s->event->info == ZAP_OP_IMPORT_NEW) &&
           binds(s->side->plan, BIT(ZAP_NAME_PACKAGE) | BIT(ZAP_NAME_NAME));
}

static bool is_collect_at_end(const struct spot *s)
{
    bool is_call = s->event->kind == ZAP_EVENT_COLLECT || s->event->kind == ZAP_EVENT_COLLECT_END;
    return is_call && s->event->by == ZAP_BY_INTERPRETER && is_at_end(s) && !is_past_builtins(s);
}

static bool is_error_of_atexit(const struct spot *s)
{
    return s->event->kind == ZAP_EVENT_UNRAISABLE && s->event->node == ZAP_NO_NODE &&
           is_at_end(s) && zap_plan_parks_in(s->side->plan, ZAP_PARK_ATEXIT) > 0;
}

/* The module of an event, or of the script that it happens in. */
static unsigned module_about(const struct spot *s)
{
    const struct zap_event *event = s->event;
    while (event && event->module == ZAP_NO_MODULE)
        event = parent_of(s->side, event);
    return event ? event->module : ZAP_NO_MODULE;
}

/* What an object holds, and where its script keeps it, by its class all that is in the namespace of
 * its module. */
static uint64_t held_if_kept(const struct zap_plan *plan, unsigned node)
{
    uint64_t held = BIT(node);
    unsigned module = plan->objects[node].module;
    bool is_kept = has_act(plan, ZAP_OP_KEEP, (int)node, ANYONE) ||
                   has_act(plan, ZAP_OP_BIND_SELF, (int)node, ANYONE);
    for (unsigned g = 0;
         is_kept && module < plan->modules_count && g < plan->modules[module].globals_count; g++)
        held |= BIT(plan->modules[module].globals[g].object);
    return with_held(plan, held);
}

/* Is it about what an atexit callback holds, or what its script does something about? */
static bool is_about_atexit(const struct spot *s, const struct zap_park *park)
{
    const struct zap_plan *plan = s->side->plan;
    bool is_removing = s->event->kind == ZAP_EVENT_PHASE && s->event->info == ZAP_END_REMOVING;
    unsigned module = module_about(s);
    if (park->is_module)
        return s->event->module == park->what;
    for (unsigned i = 0; i < plan->acts_count; i++)
        if (plan->acts[i].node == park->what && module < plan->modules_count &&
            plan->acts[i].module == module)
            return true;
    return is_among(s, held_if_kept(plan, park->what)) ||
           (is_removing && has_act(plan, ZAP_OP_UNLIST, park->what, ANYONE));
}

/* A callback that a subinterpreter calls, and what goes with it. */
static bool is_atexit_of_subinterp(const struct spot *s)
{
    const struct zap_plan *plan = s->side->plan;
    bool is_call = s->event->kind == ZAP_EVENT_ATEXIT || s->event->kind == ZAP_EVENT_ATEXIT_END;
    for (unsigned i = 0; is_at_end_of_subinterp(s) && i < plan->parks_count; i++)
        if (plan->parks[i].place == ZAP_PARK_ATEXIT &&
            (is_call || is_about_atexit(s, &plan->parks[i])))
            return true;
    return false;
}

static bool is_error_at_end(const struct spot *s)
{
    return is_at_end(s) && s->event->kind == ZAP_EVENT_UNRAISABLE;
}

static const struct {
    enum zap_feature_code feature;
    bool (*holds)(const struct spot *spot);
    const char *text;
} rows[] = {
#define ZAP_BEARS(feature, place, text) {ZAP_FEATURE_##feature, place, text},
#include "oracle/difference.def"
#undef ZAP_BEARS
};
enum { ROWS_COUNT = sizeof rows / sizeof rows[0] };

const char *zap_difference_why(enum zap_feature_code feature)
{
    for (unsigned i = 0; i < ROWS_COUNT; i++)
        if (rows[i].feature == feature)
            return rows[i].text;
    return NULL;
}

/* What may explain how two builds differ: what one of them has alone, and what makes builds of one
 * version differ. */
static zap_profile candidates_for(const struct side *sides)
{
    zap_profile a = zap_profile_of(&sides[0].view->build);
    zap_profile b = zap_profile_of(&sides[1].view->build);
    return (a ^ b) | (a & UINT64_C(1) << ZAP_FEATURE_SYS_IN_HASH_ORDER);
}

/* The features of which some row bears on an event. */
static zap_profile features_for(const struct side *side, uint32_t i, zap_profile candidates)
{
    const struct spot spot = {side, &side->view->events[i], side->places[i]};
    zap_profile features = 0;
    for (unsigned r = 0; r < ROWS_COUNT; r++) {
        if (zap_profile_has(candidates, rows[r].feature) && rows[r].holds(&spot))
            features |= UINT64_C(1) << rows[r].feature;
    }
    return features;
}

/* As few features as a greedy choice needs: the one that bears on most events first. */
static void explain_directly(const struct side *sides, zap_profile candidates,
                             struct zap_difference *d)
{
    while (candidates != 0) {
        uint32_t counts[ZAP_FEATURE_ALL_COUNT] = {0}, best = ZAP_FEATURE_ALL_COUNT;
        for (int s = 0; s < 2; s++) {
            for (uint32_t i = 0; i < sides[s].view->events_count; i++) {
                const struct zap_difference_mark *mark = &d->marks[s][i];
                if (!mark->is_different || mark->feature != ZAP_FEATURE_ALL_COUNT)
                    continue;
                zap_profile features = features_for(&sides[s], i, candidates);
                for (uint32_t f = 0; f < ZAP_FEATURE_ALL_COUNT; f++)
                    counts[f] += (uint32_t)(features >> f & 1);
            }
        }
        for (uint32_t f = 0; f < ZAP_FEATURE_ALL_COUNT; f++)
            if (counts[f] > 0 && (best == ZAP_FEATURE_ALL_COUNT || counts[f] > counts[best]))
                best = f;
        if (best == ZAP_FEATURE_ALL_COUNT)
            return;
        for (int s = 0; s < 2; s++) {
            for (uint32_t i = 0; i < sides[s].view->events_count; i++) {
                struct zap_difference_mark *mark = &d->marks[s][i];
                if (mark->is_different && mark->feature == ZAP_FEATURE_ALL_COUNT &&
                    features_for(&sides[s], i, UINT64_C(1) << best) != 0) {
                    mark->feature = (uint8_t)best;
                    mark->is_direct = true;
                }
            }
        }
        candidates &= ~(UINT64_C(1) << best);
    }
}

/* ------------------------------------------------------------------ what follows from what */

static bool is_change(const struct zap_event *event)
{
    switch (event->kind) {
    case ZAP_EVENT_SET_NONE:
    case ZAP_EVENT_STORE:
    case ZAP_EVENT_UNBIND:
    case ZAP_EVENT_EMPTY:
    case ZAP_EVENT_DICT_GONE:
    case ZAP_EVENT_MODULE_GONE:
        return true;
    default:
        return false;
    }
}

static bool shows_namespace(const struct zap_event *event)
{
    const char *fields = zap_event_row(event->kind)->fields;
    return strchr(fields, 's') != NULL || strchr(fields, 'v') != NULL;
}

/* What explained events have done so far, as far as others can follow from it: feature + 1. */
struct effects {
    uint8_t spaces[UINT8_MAX + 1]; /* by module: its namespace was changed, or was not */
    uint8_t nodes[UINT8_MAX + 1];  /* by object: it ended, or did not */
    uint8_t ends[ZAP_MODULES_MAX]; /* by module: an object ended that is that module */
    uint8_t spawned;               /* one was made, or was not: later ones have other numbers */
};

/* Is there an event when such an object goes? */
static bool shows_its_end(const struct zap_object *object)
{
    return object->kind == ZAP_VALUE_NODE || object->kind == ZAP_VALUE_CNODE ||
           object->kind == ZAP_VALUE_GENERATOR || object->kind == ZAP_VALUE_MODULE;
}

/* An object, what it holds, and who is told when it goes. What shows nothing itself passes it on.
 */
static void affect(const struct zap_plan *plan, uint8_t node, uint8_t feature,
                   struct effects *effects)
{
    if (effects->nodes[node] == 0)
        effects->nodes[node] = (uint8_t)(feature + 1);
    if (node >= plan->objects_count)
        return; /* a script has made it: it holds nothing */
    uint64_t through = BIT(node), affected;
    for (unsigned i = 0; i < plan->objects_count; i++)
        through |= shows_its_end(&plan->objects[i]) ? 0 : BIT(i);
    affected = reach(plan, BIT(node), through);
    for (unsigned i = 0; i < plan->objects_count; i++) {
        const struct zap_object *object = &plan->objects[i];
        bool is_told = object->kind == ZAP_VALUE_CALLBACK || object->kind == ZAP_VALUE_OUTSIDE;
        bool is_affected = (affected & BIT(i)) != 0 || (is_told && object->target == node);
        if (is_affected && effects->nodes[i] == 0)
            effects->nodes[i] = (uint8_t)(feature + 1);
        if (is_affected && object->kind == ZAP_VALUE_MODULE && effects->ends[object->module] == 0)
            effects->ends[object->module] = (uint8_t)(feature + 1);
    }
}

static void take_effect(const struct zap_plan *plan, const struct zap_event *event, uint8_t feature,
                        struct effects *effects)
{
    /* What the plan has under a name that changes. */
    bool has_name =
        is_change(event) && event->name != ZAP_NAME_NO && event->module < plan->modules_count;
    for (unsigned g = 0; has_name && g < plan->modules[event->module].globals_count; g++) {
        const struct zap_global *global = &plan->modules[event->module].globals[g];
        if (global->name == event->name)
            affect(plan, global->object, feature, effects);
    }
    if (event->kind == ZAP_EVENT_STORE && event->by < plan->objects_count)
        affect(plan, event->by, feature, effects); /* it may have stored itself */
    if (is_change(event) && event->module != ZAP_NO_MODULE && effects->spaces[event->module] == 0)
        effects->spaces[event->module] = (uint8_t)(feature + 1);
    if (event->kind == ZAP_EVENT_SPAWN && effects->spawned == 0)
        effects->spawned = (uint8_t)(feature + 1);
    if (event->node == ZAP_NO_NODE)
        return;
    /* A script that runs on one side only changes what it is about, in ways that have no event. */
    bool runs_script = event->kind == ZAP_EVENT_DEL || event->kind == ZAP_EVENT_ATEXIT;
    for (unsigned i = 0; runs_script && i < plan->acts_count; i++) {
        const struct zap_act *act = &plan->acts[i];
        if (act->node == event->node && act->module < ZAP_MODULES_MAX &&
            effects->spaces[act->module] == 0)
            effects->spaces[act->module] = (uint8_t)(feature + 1);
    }
    affect(plan, event->node, feature, effects);
}

/* Where in the other view an event would stand: behind the last partner before it. */
static uint32_t other_place(const struct zap_difference *d, int s, uint32_t i)
{
    while (i-- > 0)
        if (!d->marks[s][i].is_different)
            return d->marks[s][i].partner + 1u;
    return 0;
}

static bool is_explained(const struct zap_difference_mark *mark)
{
    return mark->is_different && mark->feature != ZAP_FEATURE_ALL_COUNT;
}

/* An explained event between two places of a view, or ZAP_FEATURE_ALL_COUNT. */
static uint8_t explained_between(const struct zap_difference *d, int s, uint32_t a, uint32_t b)
{
    for (uint32_t i = a < b ? a : b; i < (a < b ? b : a) && i < d->sides[s]->events_count; i++)
        if (is_explained(&d->marks[s][i]))
            return d->marks[s][i].feature;
    return ZAP_FEATURE_ALL_COUNT;
}

/* A feature that bears on an event between two places of a view, or ZAP_FEATURE_ALL_COUNT. */
static uint8_t bears_between(const struct side *sides, int s, uint32_t a, uint32_t b)
{
    zap_profile candidates = candidates_for(sides);
    for (uint32_t i = a < b ? a : b; i < (a < b ? b : a) && i < sides[s].view->events_count; i++) {
        zap_profile features = features_for(&sides[s], i, candidates);
        for (uint8_t f = 0; f < ZAP_FEATURE_ALL_COUNT; f++)
            if (features >> f & 1)
                return f;
    }
    return ZAP_FEATURE_ALL_COUNT;
}

/* The same event at another time: what explains that there, or what it has changed places with.
 * (Which of two events that swapped is the one left over is the alignment's choice.) */
static uint8_t follow_twin(const struct side *sides, const struct zap_difference *d, int s,
                           uint32_t i)
{
    const struct zap_event *event = &sides[s].view->events[i];
    for (uint32_t t = 0; t < sides[!s].view->events_count; t++) {
        const struct zap_difference_mark *mark = &d->marks[!s][t];
        if (!mark->is_different || !is_twin(event, &sides[!s].view->events[t]))
            continue;
        if (is_explained(mark))
            return mark->feature;
        uint8_t feature = explained_between(d, !s, other_place(d, s, i), t);
        if (feature == ZAP_FEATURE_ALL_COUNT)
            feature = explained_between(d, s, other_place(d, !s, t), i);
        if (feature == ZAP_FEATURE_ALL_COUNT)
            feature = bears_between(sides, !s, other_place(d, s, i), t);
        if (feature != ZAP_FEATURE_ALL_COUNT)
            return feature;
    }
    return ZAP_FEATURE_ALL_COUNT;
}

static uint8_t follow_one(const struct side *sides, const struct zap_difference *d, int s,
                          uint32_t i, const struct effects *effects)
{
    const struct zap_event *event = &sides[s].view->events[i];
    uint16_t parent = sides[s].parents[i];
    if (parent > 0 && is_explained(&d->marks[s][parent - 1]))
        return d->marks[s][parent - 1].feature;
    uint8_t feature = follow_twin(sides, d, s, i);
    if (feature != ZAP_FEATURE_ALL_COUNT)
        return feature;
    bool is_of_module = shows_namespace(event) || event->kind == ZAP_EVENT_MODULE_GONE ||
                        event->kind == ZAP_EVENT_MODULE_END || event->kind == ZAP_EVENT_DESTROY ||
                        event->kind == ZAP_EVENT_EMPTY || event->kind == ZAP_EVENT_EMPTY_END ||
                        event->kind == ZAP_EVENT_DICT_GONE || event->kind == ZAP_EVENT_UNLISTED;
    if (event->module != ZAP_NO_MODULE && is_of_module && effects->spaces[event->module] > 0)
        return (uint8_t)(effects->spaces[event->module] - 1);
    if (is_module_going(event) && event->module < ZAP_MODULES_MAX &&
        effects->ends[event->module] > 0)
        return (uint8_t)(effects->ends[event->module] - 1);
    if (event->node != ZAP_NO_NODE && effects->nodes[event->node] > 0)
        return (uint8_t)(effects->nodes[event->node] - 1);
    bool is_spawned = event->node != ZAP_NO_NODE && event->node >= sides[s].plan->objects_count;
    return is_spawned && effects->spawned > 0 ? (uint8_t)(effects->spawned - 1)
                                              : ZAP_FEATURE_ALL_COUNT;
}

/* From an event on, those without a partner in a row. */
static uint32_t end_of_hunk(const struct zap_difference *d, int s, uint32_t i)
{
    while (i < d->sides[s]->events_count && d->marks[s][i].is_different)
        i++;
    return i;
}

/* One pass over both views, hunk by hunk: what a hunk's explained events do can be seen in all of
 * it, and behind. Returns whether anything new was explained. */
static bool follow(const struct zap_plan *plan, const struct side *sides, struct zap_difference *d)
{
    struct effects effects = {{0}, {0}, {0}, 0};
    bool is_any = false;
    uint32_t at[2] = {0, 0};
    while (at[0] < sides[0].view->events_count || at[1] < sides[1].view->events_count) {
        uint32_t end[2] = {end_of_hunk(d, 0, at[0]), end_of_hunk(d, 1, at[1])};
        for (int s = 0; s < 2; s++) {
            for (uint32_t i = at[s]; i < end[s]; i++)
                if (is_explained(&d->marks[s][i]))
                    take_effect(plan, &sides[s].view->events[i], d->marks[s][i].feature, &effects);
        }
        for (int s = 0; s < 2; s++) {
            for (uint32_t i = at[s]; i < end[s]; i++) {
                struct zap_difference_mark *mark = &d->marks[s][i];
                if (is_explained(mark))
                    continue;
                mark->feature = follow_one(sides, d, s, i, &effects);
                is_any = is_any || is_explained(mark);
                if (is_explained(mark))
                    take_effect(plan, &sides[s].view->events[i], mark->feature, &effects);
            }
        }
        at[0] = end[0] + (end[0] < sides[0].view->events_count);
        at[1] = end[1] + (end[1] < sides[1].view->events_count);
    }
    return is_any;
}

/* ------------------------------------------------------------------ all of it */

static void sum_up(struct zap_difference *d)
{
    for (int s = 0; s < 2; s++) {
        for (uint32_t i = 0; i < d->sides[s]->events_count; i++) {
            const struct zap_difference_mark *mark = &d->marks[s][i];
            d->different[s] += mark->is_different;
            if (!mark->is_different)
                continue;
            if (mark->feature == ZAP_FEATURE_ALL_COUNT)
                d->unexplained++;
            else
                d->features |= UINT64_C(1) << mark->feature;
        }
    }
    for (int s = 0; s < 2; s++) {
        for (uint32_t i = 0; i < d->sides[s]->events_count && d->first_kinds[s] == 0; i++) {
            const struct zap_difference_mark *mark = &d->marks[s][i];
            if (mark->is_different &&
                (d->unexplained == 0 || mark->feature == ZAP_FEATURE_ALL_COUNT))
                d->first_kinds[s] = d->sides[s]->events[i].kind;
        }
    }
}

void zap_difference_find(const struct zap_plan *plan, const struct zap_trace *older,
                         const struct zap_trace *newer, struct zap_difference *ret_difference)
{
    struct zap_difference *d = ret_difference;
    struct side sides[2] = {{.plan = plan, .view = older, .other = newer},
                            {.plan = plan, .view = newer, .other = older}};
    memset(d, 0, offsetof(struct zap_difference, table));
    for (int s = 0; s < 2; s++) {
        d->sides[s] = sides[s].view;
        for (uint32_t i = 0; i < sides[s].view->events_count; i++)
            d->marks[s][i] = (struct zap_difference_mark){.is_different = true,
                                                          .feature = ZAP_FEATURE_ALL_COUNT};
        find_places(&sides[s]);
    }
    find_order(plan, sides);
    align(d);
    /* What happens comes before the order in which it does: that bears on most of a teardown. */
    zap_profile order = UINT64_C(1) << ZAP_FEATURE_DICT_INSERTION_ORDER;
    explain_directly(sides, candidates_for(sides) & ~order, d);
    explain_directly(sides, candidates_for(sides) & order, d);
    while (follow(plan, sides, d))
        ;
    sum_up(d);
}
