/* Judging a trace: one walk through it, with a model of every namespace at hand.
 *
 * The model (struct space) is what a namespace must hold if only announced changes change it. It
 * starts from the layout recorded before the route and follows the events. Whatever a destructor
 * sees is held against it. Preconditions are observed too: a wipe is "inert" when no script changed
 * the namespace between its begin and its end, not when the plan's scripts look harmless.
 *
 * What is deliberately not done: no prediction of the whole trace, and no judgement where the trace
 * says too little. Then the invariant stays VOID, which is counted and shown, and is not a pass.
 */
#include "oracle/judge.h"

#include "base/check.h"

#include <string.h>

#define BIT(name) (UINT64_C(1) << (name))

/* Names that the import system itself binds when it makes or reloads a module. */
#define IMPORT_NAMES                                                                               \
    (BIT(ZAP_NAME_NAME) | BIT(ZAP_NAME_DOC) | BIT(ZAP_NAME_SPEC) | BIT(ZAP_NAME_FILE) |            \
     BIT(ZAP_NAME_PACKAGE) | BIT(ZAP_NAME_LOADER))

enum {
    ENTRIES_MAX = 64,
    /* Deallocations that may be nested before CPython's trashcan puts one off: 50 levels of
     * containers from 2.7 to 3.12 (Include/cpython/object.h:_PyTrash_UNWIND_LEVEL), more in newer
     * ones. An instance and its dict are two levels. Half of it leaves room for what encloses the
     * objects of a plan. */
    NESTING_SAFE = 24,
};

enum wiping { WIPING_NOT, WIPING_FIRST, WIPING_SECOND, WIPING_ON_DEALLOC };

struct entry {
    uint8_t name, node, seen;
    uint8_t next; /* of the same node, + 1; 0: none */
    uint32_t refs;
};

struct space {
    /* the model */
    uint64_t bound, none;
    uint32_t size;
    bool is_builtins_same; /* as far as is known, '__builtins__' is what it was */
    bool has_dict;         /* its dict has not begun to die */

    /* the layout before the route */
    uint32_t entries_count;
    struct entry entries[ENTRIES_MAX];
    uint8_t place_of[ZAP_NAME_END];    /* name -> entry, ENTRIES_MAX: none */
    uint8_t first_of[ZAP_OBJECTS_MAX]; /* node -> its first entry, + 1; 0: none */
    bool had_builtins;
    bool has_odd_builtins; /* the plan itself binds '__builtins__' to something else */
    bool is_rearranged;    /* keys were added or deleted since: places say nothing any more */
    bool was_changed;      /* some name was changed by a script or by the module's code */
    bool is_unknown_bound; /* a name outside the table may be bound */
    bool has_sprung;       /* in this wipe a key took itself out */

    /* the clearing at work, and the last one */
    enum wiping wiping;
    bool is_inert;
    uint64_t wipe_eligible; /* names that a value stood for when it began */
    uint64_t wipe_set;      /* names that it has set to None */
    bool wipe_saw_pass_two;
    uint32_t wipe_last_place; /* + 1; in this pass */
    bool wipe_is_over;        /* a first wipe was completed, and the next AFTER is about it */
    bool is_wiped_clean;      /* ... and left nothing for a second one */

    /* the dying dict */
    bool is_dying;        /* inside module dealloc, and nothing else held the dict */
    uint32_t dying_place; /* + 1, of the last direct value that died */
    bool dying_saw_public;
    bool is_emptying;        /* inside the collector's tp_clear of the dict */
    uint32_t emptying_place; /* + 1 */
    bool was_collected;      /* the collector emptied it */
    bool was_zapped;         /* its module was deallocated by a version that wipes then */
    bool was_dropped;        /* its module was deallocated */
    bool is_dict_announced;  /* by the reference tracer */

    /* the end of an interpreter */
    uint32_t first_unlisted, last_unlisted; /* + 1: which of the entries of sys.modules it was */
    bool was_cleared;                       /* a wipe of it has begun */
};

struct walk {
    const struct zap_plan *plan;
    const struct zap_trace *trace;
    struct zap_judgement *judgement;
    zap_profile profile;
    uint32_t at; /* the event at hand */
    bool has_gil;
    bool sees_sets;
    bool sees_destroy;
    uint8_t dels[ZAP_NODES_MAX];      /* how often __del__ was entered */
    uint8_t how[ZAP_NODES_MAX];       /* of the last __del__ */
    bool is_dead[ZAP_NODES_MAX];      /* freed, or a C node deallocated */
    bool is_kept[ZAP_NODES_MAX];      /* put into the list outside */
    bool is_announced[ZAP_NODES_MAX]; /* by the reference tracer, since its last __del__ */
    uint8_t raised[ZAP_NODES_MAX];    /* unraisable errors reported in its __del__ */
    uint8_t calls[ZAP_OBJECTS_MAX];   /* of a weak reference's callback */

    /* a refcount that went to zero by the last change of a namespace: who must die next */
    uint8_t due;
    int scripts;            /* __del__ calls at work */
    int dying;              /* nodes between __del__ and memory given back */
    int containers;         /* of the plan: more levels of nesting */
    uint8_t phases;         /* bit per enum zap_end_phase that has come */
    uint32_t unlisted;      /* entries of sys.modules seen to go */
    uint32_t unlisted_rank; /* of the last one: 0 __main__, 1 + m its own name, then other names */
    uint32_t last_cleared;  /* + 1: the entry of the module that was wiped last */
    bool any_cleared;       /* a module of the plan was wiped by the end of an interpreter */
    bool is_sys_cleared, is_builtins_cleared;
    bool sees_ends;
    bool is_gc_unseen;     /* collections can take place without an event */
    bool saw_garbage;      /* GARBAGE has come */
    bool was_new_imported; /* a script has loaded the module that was not loaded */
    bool script_collected; /* a script has run a collection */
    int collecting;        /* depth of collections */
    int collections;       /* begun */
    uint32_t gc_last;      /* + 1: the node that the first collection finalized last */
    /* in this collection, a public name's node was finalized */
    bool gc_saw_public[ZAP_MODULES_MAX];
    /* A reload needs its module in sys.modules and the import system's own attributes of it. */
    bool is_reload_odd;
    uint32_t reload_last; /* + 1: the global that the reload bound last */
    uint64_t reload_bound;
    uint64_t eligible;                    /* names that a wipe sets to None */
    uint64_t raises;                      /* objects whose script raises */
    uint64_t imports;                     /* objects whose script imports */
    bool has_nest;                        /* a value nests deeper than the trashcan allows */
    bool has_again;                       /* scripts make instances that run scripts, without end */
    struct space spaces[ZAP_MODULES_MAX]; /* last: only those of the plan are set up */
};

static void check(struct walk *w, enum zap_invariant_code invariant, bool holds)
{
    struct zap_judgement *j = w->judgement;
    j->checks[invariant]++;
    if (ZAP_LIKELY(holds)) {
        if (j->verdicts[invariant] == ZAP_VOID)
            j->verdicts[invariant] = ZAP_HELD;
        return;
    }
    if (j->verdicts[invariant] != ZAP_BROKEN)
        j->at[invariant] = w->at;
    j->verdicts[invariant] = ZAP_BROKEN;
    j->any_broken = true;
}

static void harness(struct walk *w, const char *why)
{
    if (!w->judgement->is_harness)
        w->judgement->harness = why;
    w->judgement->is_harness = true;
}

static bool has(const struct walk *w, enum zap_feature_code feature)
{
    return zap_profile_has(w->profile, feature);
}

/* ---- names ---- */

static bool is_underscore(uint8_t name)
{
    return (zap_names_underscore() >> name & 1) != 0;
}

/* The names that a wipe sets to None; those outside the table are of `grow`: an ordinary str. */
static uint64_t eligible_names(zap_profile profile)
{
    uint64_t names =
        BIT(ZAP_NAME_NO) | zap_names_of(1u << ZAP_CLASS_UNDERSCORE | 1u << ZAP_CLASS_PUBLIC);
    if (!zap_profile_has(profile, ZAP_FEATURE_ONLY_NATIVE_STR))
        names |= zap_names_of(1u << ZAP_CLASS_UNICODE | 1u << ZAP_CLASS_UNICODE_U);
    if (!zap_profile_has(profile, ZAP_FEATURE_STRCMP_BUILTINS))
        names |= BIT(ZAP_NAME_BUILTINS_0);
    return names;
}

static bool is_eligible(const struct walk *w, uint8_t name)
{
    return (w->eligible >> name & 1) != 0;
}

static uint64_t eligible_of(const struct walk *w, uint64_t names)
{
    return w->eligible & names;
}

/* ---- the model against what was seen ---- */

static bool import_changes(const struct walk *w, uint8_t module)
{
    return module == 0 &&
           (w->plan->route == ZAP_ROUTE_RELOAD || w->plan->route == ZAP_ROUTE_FAILED_IMPORT);
}

static bool state_agrees(const struct walk *w, const struct zap_event *event)
{
    const struct space *space = &w->spaces[event->module];
    uint64_t ignored = import_changes(w, event->module) ? IMPORT_NAMES : 0;
    return ((event->bound ^ space->bound) & ~ignored) == 0 &&
           ((event->none ^ space->none) & ~ignored) == 0 &&
           (event->size == space->size || ignored != 0);
}

/* The state that an event carries, held against the model. */
static void check_state(struct walk *w, const struct zap_event *event)
{
    if ((event->flags & ZAP_FLAG_NO_STATE) || event->module == ZAP_NO_MODULE || !w->sees_sets)
        return;
    struct space *space = &w->spaces[event->module];
    if (!space->has_dict)
        return;
    bool agrees = state_agrees(w, event);
    check(w, ZAP_INVARIANT_Z1, agrees);
    if (space->wiping != WIPING_NOT && event->kind != ZAP_EVENT_LOOK_ALL) {
        check(w, ZAP_INVARIANT_I5, agrees);
        if (space->is_builtins_same && space->had_builtins)
            check(w, ZAP_INVARIANT_I4,
                  (event->flags & ZAP_FLAG_BUILTINS) && (event->flags & ZAP_FLAG_SAME));
    }
}

/* ---- before the route ---- */

static void on_entry(struct walk *w, const struct zap_event *event)
{
    struct space *space = &w->spaces[event->module];
    if (space->entries_count >= ENTRIES_MAX) {
        harness(w, "more entries than a namespace can have");
        return;
    }
    space->entries[space->entries_count] =
        (struct entry){event->name, event->node, event->how, 0, event->refs};
    if (event->node < ZAP_OBJECTS_MAX) {
        uint8_t *link = &space->first_of[event->node];
        while (*link != 0)
            link = &space->entries[*link - 1].next;
        *link = (uint8_t)(space->entries_count + 1);
    }
    space->place_of[event->name] = (uint8_t)space->entries_count;
    if (event->name == ZAP_NAME_BUILTINS && event->node != ZAP_NO_NODE)
        space->has_odd_builtins = true;
    space->entries_count++;
}

static void on_before(struct walk *w, const struct zap_event *event)
{
    struct space *space = &w->spaces[event->module];
    space->bound = event->bound;
    space->none = event->none;
    space->size = event->size;
    space->had_builtins = (event->flags & ZAP_FLAG_BUILTINS) != 0;
    space->is_builtins_same = true;
    space->has_dict = true;
    if (event->size != space->entries_count)
        harness(w, "a namespace was not recorded whole");
}

/* ---- changes ---- */

static bool is_by_script(const struct zap_event *event)
{
    return event->by != ZAP_BY_INTERPRETER;
}

/* Deallocations at work are few enough for each to take place at once. */
static bool is_shallow(const struct walk *w)
{
    return !w->has_nest && 2 * w->dying + w->containers < NESTING_SAFE;
}

/* A value was replaced or deleted in a namespace: if that was its last reference, it is due. */
static void becomes_due(struct walk *w, const struct zap_event *event)
{
    if (event->node == ZAP_NO_NODE || event->refs != 1 || !w->has_gil || !is_shallow(w))
        return;
    if (w->dels[event->node] != 0 || w->is_dead[event->node])
        return;
    w->due = event->node;
}

/* The order in which a wipe goes through the names. */
static void check_wipe_order(struct walk *w, struct space *space, uint8_t name)
{
    bool underscore = is_underscore(name);
    if (!underscore && !space->wipe_saw_pass_two) {
        space->wipe_saw_pass_two = true;
        space->wipe_last_place = 0;
    }
    check(w, ZAP_INVARIANT_I1, !underscore || !space->wipe_saw_pass_two);
    check(w, ZAP_INVARIANT_P1, !underscore || !space->wipe_saw_pass_two);
    uint32_t place = space->place_of[name];
    if (name == ZAP_NAME_NO || place >= space->entries_count)
        return;
    check(w, ZAP_INVARIANT_I2, place + 1 > space->wipe_last_place);
    space->wipe_last_place = place + 1;
}

static void by_interpreter(struct walk *w, const struct zap_event *event, struct space *space)
{
    if (space->wiping == WIPING_NOT) {
        /* Nobody clears this namespace now: not on drop, not in a collection, not on reload. */
        if (has(w, ZAP_FEATURE_SAFE_FINALIZERS))
            check(w, w->collecting ? ZAP_INVARIANT_I9 : ZAP_INVARIANT_I7, false);
        if (w->plan->route == ZAP_ROUTE_RELOAD)
            check(w, ZAP_INVARIANT_I23, false);
        return;
    }
    if (space->wiping == WIPING_SECOND && space->is_wiped_clean)
        check(w, ZAP_INVARIANT_I6, false);
    if (event->kind != ZAP_EVENT_SET_NONE) {
        /* A wipe sets to None and does nothing else: names stay, so that the dict does not change
         * under the loop. */
        check(w, ZAP_INVARIANT_I3, false);
        return;
    }
    check(w, event->name == ZAP_NAME_BUILTINS ? ZAP_INVARIANT_I4 : ZAP_INVARIANT_I3,
          is_eligible(w, event->name));
    if (!space->is_inert)
        return;
    check(w, ZAP_INVARIANT_I26,
          !(space->wipe_set & BIT(event->name)) || event->name == ZAP_NAME_NO);
    space->wipe_set |= BIT(event->name);
    check_wipe_order(w, space, event->name);
}

/* Something else than the interpreter changes a namespace: what a wipe does to it is no longer
 * pure. */
static void script_changes(struct space *space)
{
    space->was_changed = true;
    space->is_inert = false;
    space->wipe_is_over = false;
    space->is_wiped_clean = false;
}

/* The module's code runs again, and binds what it binds in the order in which it is written. (What
 * the import system binds is no global of the plan, or the plan is odd.) */
static void check_again(struct walk *w, const struct zap_event *event)
{
    const struct zap_module *module = &w->plan->modules[0];
    for (uint32_t g = 0; g < module->globals_count && !w->is_reload_odd; g++) {
        if (module->globals[g].name != event->name)
            continue;
        check(w, ZAP_INVARIANT_I23,
              module->globals[g].again != ZAP_AGAIN_KEEP && g + 1 > w->reload_last);
        w->reload_last = g + 1;
        w->reload_bound |= BIT(event->name);
    }
}

/* A script begins that nobody can watch: from now on any namespace may have changed, in any way. */
static void may_have_changed(struct walk *w)
{
    for (unsigned m = 0; m < w->plan->modules_count; m++) {
        struct space *space = &w->spaces[m];
        script_changes(space);
        space->is_rearranged = true;
        space->is_unknown_bound = true;
        space->is_builtins_same = false;
    }
}

static void on_change(struct walk *w, const struct zap_event *event)
{
    struct space *space = &w->spaces[event->module];
    uint64_t bit = BIT(event->name);
    bool is_known = event->name != ZAP_NAME_NO;
    bool was_there = event->how != ZAP_SEEN_MISSING;
    if (event->kind == ZAP_EVENT_UNBIND) {
        space->bound &= ~bit;
        space->none &= ~bit;
        space->size -= was_there;
        space->is_rearranged = true;
    } else {
        space->size += !was_there;
        if (!was_there)
            space->is_rearranged = true;
        if (event->kind == ZAP_EVENT_SET_NONE) {
            space->bound &= ~bit;
            space->none |= is_known ? bit : 0;
        } else {
            space->bound |= is_known ? bit : 0;
            space->none &= ~bit;
            space->is_unknown_bound |= !is_known;
        }
    }
    if (event->by == ZAP_BY_ROUTE && w->plan->route == ZAP_ROUTE_RELOAD && event->module == 0)
        check_again(w, event);
    if (is_by_script(event)) {
        script_changes(space);
        if (event->name == ZAP_NAME_BUILTINS)
            space->is_builtins_same = false;
    } else {
        by_interpreter(w, event, space);
    }
    becomes_due(w, event);
}

/* Is there a living object, kept by its __del__, whose functions have this namespace? */
static bool is_needed(const struct walk *w, uint8_t module)
{
    for (unsigned i = 0; i < w->plan->objects_count; i++) {
        const struct zap_object *object = &w->plan->objects[i];
        if (object->kind == ZAP_VALUE_NODE && object->module == module && w->is_kept[i] &&
            !w->is_dead[i])
            return true;
    }
    return false;
}

static void on_empty(struct walk *w, const struct zap_event *event)
{
    struct space *space = &w->spaces[event->module];
    space->bound = space->none = 0;
    space->size = 0;
    space->is_unknown_bound = false;
    space->wipe_is_over = false;
    if (event->how == ZAP_HOW_GC_CLEAR) {
        space->is_emptying = true;
        space->is_inert = false; /* if a wipe is at work: what it borrows has become garbage */
        space->emptying_place = 0;
        space->was_collected = true;
        if (has(w, ZAP_FEATURE_SAFE_FINALIZERS))
            check(w, ZAP_INVARIANT_Z3, !is_needed(w, event->module));
        /* The collector only ever empties what is unreachable. */
        if (w->plan->modules[event->module].held)
            check(w, ZAP_INVARIANT_I7, false);
    } else {
        space->is_rearranged = true;
        script_changes(space);
    }
    space->is_builtins_same = false;
}

static void on_empty_end(struct walk *w, const struct zap_event *event)
{
    struct space *space = &w->spaces[event->module];
    space->is_emptying = false;
    if (space->was_changed || !has(w, ZAP_FEATURE_SAFE_FINALIZERS) || w->has_nest || !w->has_gil)
        return;
    for (uint32_t i = 0; i < space->entries_count; i++) {
        const struct entry *entry = &space->entries[i];
        if (entry->node != ZAP_NO_NODE && entry->refs == 1 &&
            w->plan->objects[entry->node].kind == ZAP_VALUE_CNODE)
            check(w, ZAP_INVARIANT_I10, w->is_dead[entry->node]);
    }
}

/* ---- the end of an interpreter ---- */

enum { CLEARING_SYS = 3, UNLISTED_ITSELF = 0, UNLISTED_MAIN = 2 }; /* see event.def */

static bool has_come(const struct walk *w, enum zap_end_phase phase)
{
    return (w->phases >> phase & 1) != 0;
}

/* The module that is __main__, or -1. */
static int main_module(const struct zap_plan *plan)
{
    for (unsigned i = 0; i < plan->parks_count; i++)
        if (plan->parks[i].place == ZAP_PARK_MAIN)
            return plan->parks[i].what;
    return -1;
}

/* Can a script make garbage live on, or something new of it? Where one keeps all, another plan's
 * script, too. */
static bool can_resurrect(const struct walk *w)
{
    const struct zap_plan *plan = w->plan;
    if (w->trace->is_shared && has(w, ZAP_FEATURE_ONE_KEEPS_ALL))
        return true;
    for (unsigned i = 0; i < plan->acts_count; i++) {
        switch (plan->acts[i].op) {
        case ZAP_OP_KEEP:
        case ZAP_OP_BIND_SELF:
        case ZAP_OP_BIND_LAMBDA:
        case ZAP_OP_BIND_NODE:
        case ZAP_OP_BIND_AGAIN:
        case ZAP_OP_NEW_AGAIN:
        case ZAP_OP_NEW:
            return true;
        default:
            break;
        }
    }
    return false;
}

/* Is there anything in the plan that keeps a node from being finalized, or may make it live on?
 * What C code or a held namespace leads to is never let go of. */
static bool may_outlive(const struct walk *w)
{
    const struct zap_plan *plan = w->plan;
    for (unsigned m = 0; m < plan->modules_count; m++)
        if (plan->modules[m].held)
            return true;
    for (unsigned i = 0; i < plan->parks_count; i++)
        if (plan->parks[i].place == ZAP_PARK_C)
            return true;
    return can_resurrect(w);
}

/* Is there anything that can hold a module when sys.modules is empty? Modules and what they hold
 * are one heap of garbage otherwise, if not gone already: the collection leaves none to be wiped.
 */
static bool can_survive(const struct walk *w)
{
    for (unsigned i = 0; i < w->plan->parks_count; i++) {
        uint8_t place = w->plan->parks[i].place;
        if (place != ZAP_PARK_BUILTINS && place != ZAP_PARK_MODULES && place != ZAP_PARK_MAIN)
            return true;
    }
    return !w->has_gil || may_outlive(w);
}

/* Which late roots a build lets go of for good, garbage included. */
static bool has_late_roots(const struct zap_plan *plan)
{
    for (unsigned i = 0; i < plan->parks_count; i++)
        if (plan->parks[i].place == ZAP_PARK_THREAD || plan->parks[i].place == ZAP_PARK_CONTEXT ||
            plan->parks[i].place == ZAP_PARK_CODECS || plan->parks[i].place == ZAP_PARK_ATEXIT)
            return true;
    return false;
}

/* May the collector leave all garbage to a later collection, since some of it came back? */
static bool may_keep_all(const struct walk *w)
{
    return has(w, ZAP_FEATURE_ONE_KEEPS_ALL) && can_resurrect(w);
}

/* The end is over: everything has happened that was to happen. */
static void on_over(struct walk *w)
{
    const struct zap_plan *plan = w->plan;
    if (w->sees_ends)
        check(w, ZAP_INVARIANT_I21, w->is_sys_cleared && w->is_builtins_cleared);
    if (has(w, ZAP_FEATURE_SURVIVORS_WIPED) && !may_keep_all(w))
        check(w, ZAP_INVARIANT_I30, w->saw_garbage);
    bool is_immortal = has(w, ZAP_FEATURE_IMMORTAL_WITH_THREADS) &&
                       zap_plan_has_setting(plan, ZAP_SETTING_THREAD_ENDED);
    if (!has(w, ZAP_FEATURE_SAFE_FINALIZERS) || is_immortal || may_outlive(w) ||
        (has_late_roots(plan) && !has(w, ZAP_FEATURE_LATE_ROOTS_COLLECTED)))
        return;
    for (unsigned i = 0; i < plan->objects_count; i++)
        if (plan->objects[i].kind == ZAP_VALUE_NODE)
            check(w, ZAP_INVARIANT_I13, w->dels[i] != 0);
}

static void on_phase(struct walk *w, const struct zap_event *event)
{
    if (event->info == 0 || event->info > ZAP_END_OVER) {
        harness(w, "a phase that is not known");
        return;
    }
    uint8_t later = (uint8_t)(UINT8_MAX << event->info); /* itself included */
    uint8_t unordered = 0;
    if (!has(w, ZAP_FEATURE_SURVIVORS_WIPED)) /* sys.modules is emptied last, entry by entry */
        unordered |= 1u << ZAP_END_REMOVING | 1u << ZAP_END_EMPTIED;
    if (w->plan->route != ZAP_ROUTE_EXIT && has(w, ZAP_FEATURE_SUBINTERP_LOSES_BUILTINS))
        unordered |= 1u << ZAP_END_BUILTINS_WIPED;
    if (!(unordered >> event->info & 1))
        check(w, ZAP_INVARIANT_I16, (w->phases & later & ~unordered) == 0);
    w->phases |= (uint8_t)(1u << event->info);
    if (event->info != ZAP_END_OVER)
        return;
    /* REMOVING goes by without an event where no module of the plan is an entry. */
    uint8_t all = 1u << ZAP_END_SYS | 1u << ZAP_END_SYS_WIPED | 1u << ZAP_END_BUILTINS_WIPED;
    if (w->plan->route == ZAP_ROUTE_EXIT)
        all |= 1u << ZAP_END_FINALIZING;
    if (has(w, ZAP_FEATURE_SURVIVORS_WIPED))
        all |= 1u << ZAP_END_EMPTIED;
    if (w->sees_ends)
        check(w, ZAP_INVARIANT_I16, (w->phases & all) == all);
    on_over(w);
}

/* An entry of sys.modules goes. */
static void on_unlisted(struct walk *w, const struct zap_event *event)
{
    struct space *space = &w->spaces[event->module];
    uint32_t rank = event->info == UNLISTED_MAIN     ? 0
                    : event->info == UNLISTED_ITSELF ? 1u + event->module
                                                     : 1u + ZAP_MODULES_MAX;
    w->unlisted++;
    space->last_unlisted = w->unlisted;
    if (space->first_unlisted == 0)
        space->first_unlisted = w->unlisted;
    if (has(w, ZAP_FEATURE_SURVIVORS_WIPED))
        check(w, ZAP_INVARIANT_I18, rank >= w->unlisted_rank);
    w->unlisted_rank = rank;
}

/* A cycle that was garbage before is collected: by the first collection that there is. (An
 * automatic one comes without an event, and at any time.) */
static void on_garbage(struct walk *w)
{
    bool is_on = zap_plan_has_setting(w->plan, ZAP_SETTING_GC_ON);
    bool is_exit = w->plan->route == ZAP_ROUTE_EXIT;
    w->saw_garbage = true;
    if (w->script_collected || (is_on && w->collecting == 0) || may_keep_all(w))
        return;
    if (is_exit &&
        (is_on || has(w, ZAP_FEATURE_COLLECTS_DISABLED) || has(w, ZAP_FEATURE_INCREMENTAL_GC)))
        check(w, ZAP_INVARIANT_I30, !has_come(w, ZAP_END_SYS));
    else if (has(w, ZAP_FEATURE_SURVIVORS_WIPED))
        check(w, ZAP_INVARIANT_I30,
              has_come(w, ZAP_END_EMPTIED) && !w->any_cleared && !has_come(w, ZAP_END_SYS_WIPED));
}

/* Is there an attribute of builtins that holds the object? */
static bool is_in_builtins(const struct zap_plan *plan, uint8_t object)
{
    for (unsigned i = 0; i < plan->parks_count; i++)
        if (plan->parks[i].place == ZAP_PARK_BUILTINS && !plan->parks[i].is_module &&
            plan->parks[i].what == object)
            return true;
    return false;
}

/* Does anything else? */
static bool is_elsewhere_too(const struct zap_plan *plan, uint8_t object)
{
    for (unsigned i = 0; i < plan->parks_count; i++)
        if (plan->parks[i].place != ZAP_PARK_BUILTINS && !plan->parks[i].is_module &&
            plan->parks[i].what == object)
            return true;
    for (unsigned m = 0; m < plan->modules_count; m++)
        for (unsigned g = 0; g < plan->modules[m].globals_count; g++)
            if (plan->modules[m].globals[g].object == object)
                return true;
    for (unsigned i = 0; i < plan->links_count; i++)
        if (plan->links[i].to == object)
            return true;
    for (unsigned i = 0; i < plan->objects_count; i++)
        if (plan->objects[i].kind == ZAP_VALUE_METHOD && plan->objects[i].target == object)
            return true;
    return false;
}

/* A node or C node of the plan dies while an interpreter ends. */
static void check_builtins_turn(struct walk *w, uint8_t object)
{
    if (!has(w, ZAP_FEATURE_SURVIVORS_WIPED) || !is_in_builtins(w->plan, object))
        return;
    check(w, ZAP_INVARIANT_I20, has_come(w, ZAP_END_EMPTIED));
    if (w->has_gil && w->sees_ends && !is_elsewhere_too(w->plan, object))
        check(w, ZAP_INVARIANT_I20, !w->any_cleared && !w->is_sys_cleared);
}

/* ---- wipes ---- */

static void begin_wipe(struct walk *w, struct space *space, enum wiping wiping)
{
    space->wiping = wiping;
    space->is_inert = !space->is_rearranged;
    space->wipe_set = 0;
    space->wipe_saw_pass_two = false;
    space->wipe_last_place = 0;
    space->wipe_eligible = eligible_of(w, space->bound);
}

static void end_wipe(struct walk *w, const struct zap_event *event, struct space *space)
{
    if (space->wiping == WIPING_SECOND) {
        if (space->is_wiped_clean)
            check(w, ZAP_INVARIANT_I6, true);
    } else {
        if (space->is_inert && w->sees_sets)
            check(w, ZAP_INVARIANT_I26, (space->wipe_eligible & ~space->wipe_set) == 0);
        space->wipe_is_over = space->is_inert;
    }
    if (space->has_sprung)
        check(w, ZAP_INVARIANT_Z4, true);
    space->has_sprung = false;
    space->wiping = WIPING_NOT;
    if (event->kind == ZAP_EVENT_WIPE_END && w->plan->route == ZAP_ROUTE_WIPE_UNHELD)
        check(w, ZAP_INVARIANT_Z5, true);
    if (event->kind == ZAP_EVENT_WIPE_END)
        check(w, ZAP_INVARIANT_I15, !(event->flags & ZAP_FLAG_X));
}

/* A key takes itself out of the namespace that is being wiped. */
static void on_trap(struct walk *w, const struct zap_event *event)
{
    w->spaces[event->module].has_sprung = true;
    if (!w->sees_sets)
        may_have_changed(w);
}

/* The dict that is being wiped would be gone, but its end was put off. What the wipe does with it
 * from here on is not seen, and says nothing. */
static void on_dead_dict(struct walk *w, const struct zap_event *event)
{
    struct space *space = &w->spaces[event->module];
    check(w, ZAP_INVARIANT_Z5, false);
    space->is_dying = false;
    space->is_inert = false;
}

/* The place of a module that is wiped, among the entries that sys.modules had; + 1. */
static uint32_t entry_wiped(const struct walk *w, const struct space *space)
{
    return has(w, ZAP_FEATURE_SURVIVORS_REVERSED) ? space->last_unlisted : space->first_unlisted;
}

/* Sys is about to be wiped: all modules that are to be wiped have been. */
static void check_survivors(struct walk *w)
{
    /* The collection clears the weak reference to a module that is garbage before it calls a
     * finalizer, so one that lives on all the same is not found, and not wiped. */
    if (!has(w, ZAP_FEATURE_SURVIVORS_WIPED) || can_resurrect(w))
        return;
    for (unsigned m = 0; m < w->plan->modules_count; m++) {
        const struct space *space = &w->spaces[m];
        if (space->last_unlisted != 0)
            check(w, ZAP_INVARIANT_I19, space->was_cleared || space->was_dropped);
    }
}

/* Somebody wipes because an interpreter ends: survivors, then sys, then builtins. */
static void on_clearing(struct walk *w, const struct zap_event *event)
{
    if (event->module == ZAP_NO_MODULE) {
        bool is_sys = event->info == CLEARING_SYS;
        check(w, ZAP_INVARIANT_I21, is_sys ? !w->is_builtins_cleared : w->is_sys_cleared);
        if (is_sys)
            check_survivors(w);
        if (is_sys)
            w->is_sys_cleared = true;
        else
            w->is_builtins_cleared = true;
        return;
    }
    struct space *space = &w->spaces[event->module];
    check(w, ZAP_INVARIANT_I21, !w->is_sys_cleared && !w->is_builtins_cleared);
    bool is_first = !space->was_cleared;
    if (!has(w, ZAP_FEATURE_SURVIVORS_WIPED)) {
        if (!w->any_cleared && main_module(w->plan) >= 0)
            check(w, ZAP_INVARIANT_I18, main_module(w->plan) == event->module);
    } else {
        bool is_held = can_survive(w),
             was_in_builtins = zap_plan_parks_in(w->plan, ZAP_PARK_BUILTINS) > 0;
        check(w, ZAP_INVARIANT_I19, space->last_unlisted != 0 && (is_held || was_in_builtins));
        if (!is_held && was_in_builtins) /* which has let go of everything by now */
            check(w, ZAP_INVARIANT_I20, false);
        uint32_t entry = entry_wiped(w, space);
        if (is_first && entry != 0 && w->last_cleared != 0)
            check(w, ZAP_INVARIANT_I17,
                  has(w, ZAP_FEATURE_SURVIVORS_REVERSED) ? entry < w->last_cleared
                                                         : entry > w->last_cleared);
        if (is_first)
            w->last_cleared = entry;
    }
    space->was_cleared = true;
    w->any_cleared = true;
}

static void on_wipe(struct walk *w, const struct zap_event *event)
{
    if (zap_plan_ends(w->plan))
        on_clearing(w, event);
    if (event->module == ZAP_NO_MODULE)
        return;
    begin_wipe(w, &w->spaces[event->module], event->info == 1 ? WIPING_FIRST : WIPING_SECOND);
}

/* What a completed inert wipe left. */
static void check_wiped(struct walk *w, const struct zap_event *event, struct space *space)
{
    uint64_t left = eligible_of(w, event->bound);
    check(w, ZAP_INVARIANT_I3, left == 0);
    check(w, ZAP_INVARIANT_I3, (event->flags & ZAP_FLAG_X) != 0);
    for (uint32_t i = 0; i < space->entries_count; i++) {
        const struct entry *entry = &space->entries[i];
        if (entry->name == ZAP_NAME_NO || is_eligible(w, entry->name) ||
            entry->seen != ZAP_SEEN_BOUND)
            continue;
        check(w, entry->name == ZAP_NAME_BUILTINS ? ZAP_INVARIANT_I4 : ZAP_INVARIANT_I3,
              (event->bound & BIT(entry->name)) != 0 || space->was_changed);
    }
    if (space->had_builtins && space->is_builtins_same)
        check(w, ZAP_INVARIANT_I4, (event->flags & ZAP_FLAG_SAME) != 0);
}

static void on_after(struct walk *w, const struct zap_event *event)
{
    struct space *space = &w->spaces[event->module];
    if (space->wipe_is_over)
        check_wiped(w, event, space);
    space->wipe_is_over = false;
    space->is_wiped_clean = !space->is_unknown_bound && eligible_of(w, event->bound) == 0;
    if (!space->has_dict || !w->sees_sets)
        return;
    bool agrees = state_agrees(w, event);
    check(w, ZAP_INVARIANT_Z1, agrees);
    if (space->was_dropped && !space->was_zapped)
        check(w, ZAP_INVARIANT_I7, agrees);
    if (space->was_zapped && !space->was_changed)
        check(w, ZAP_INVARIANT_I7, eligible_of(w, event->bound) == 0);
    if (w->plan->route == ZAP_ROUTE_RELOAD && event->module == 0)
        check(w, ZAP_INVARIANT_I23, agrees);
}

/* ---- modules and dicts go ---- */

/* Is this a collection, as far as can be known? */
static bool may_be_in_gc(const struct walk *w)
{
    return w->collecting > 0 || w->is_gc_unseen;
}

static void on_module_gone(struct walk *w, const struct zap_event *event)
{
    struct space *space = &w->spaces[event->module];
    space->was_dropped = true;
    if (has(w, ZAP_FEATURE_ZAP_ON_DEALLOC)) {
        space->was_zapped = true;
        begin_wipe(w, space, WIPING_ON_DEALLOC);
        return;
    }
    /* Nobody else holds the dict: it dies now. (In a collection the module may have been cleared
     * before, and the one reference is somebody else's.) */
    space->is_dying =
        event->refs == 1 && !may_be_in_gc(w) && !space->is_rearranged && !space->was_changed;
    space->dying_place = 0;
    space->dying_saw_public = false;
}

static void on_module_end(struct walk *w, const struct zap_event *event)
{
    struct space *space = &w->spaces[event->module];
    if (space->wiping == WIPING_ON_DEALLOC)
        end_wipe(w, event, space);
    if (space->is_dying && w->has_gil && is_shallow(w)) {
        for (uint32_t i = 0; i < space->entries_count; i++) {
            const struct entry *entry = &space->entries[i];
            if (entry->node == ZAP_NO_NODE || entry->refs != 1)
                continue;
            unsigned kind = w->plan->objects[entry->node].kind;
            if (kind == ZAP_VALUE_CNODE)
                check(w, ZAP_INVARIANT_I8, w->is_dead[entry->node]);
            else if (kind == ZAP_VALUE_NODE)
                check(w, ZAP_INVARIANT_I8, w->dels[entry->node] != 0);
        }
    }
    space->is_dying = false;
}

/* ---- deaths ---- */

/* The first entry that holds a node, + 1; 0: none. */
static uint32_t first_entry(const struct space *space, uint8_t node)
{
    return node < ZAP_OBJECTS_MAX ? space->first_of[node] : 0;
}

/* A direct value of a dying or emptied dict goes: is it its turn? */
static void check_turn(struct walk *w, uint8_t node)
{
    for (unsigned m = 0; m < w->plan->modules_count; m++) {
        struct space *space = &w->spaces[m];
        if (!space->is_dying && !space->is_emptying)
            continue;
        for (uint32_t at = first_entry(space, node); at != 0; at = space->entries[at - 1].next) {
            const uint32_t i = at - 1;
            const struct entry *entry = &space->entries[i];
            if (entry->refs != 1)
                continue;
            if (space->is_dying && w->has_gil && is_shallow(w)) {
                check(w, ZAP_INVARIANT_I8, i + 1 > space->dying_place);
                space->dying_place = i + 1;
                if (!is_underscore(entry->name)) {
                    space->dying_saw_public = true;
                } else if (space->dying_saw_public) {
                    bool by_design = has(w, ZAP_FEATURE_DROP_IGNORES_UNDERSCORE);
                    check(w, ZAP_INVARIANT_P1, by_design);
                    w->judgement->shows[ZAP_FEATURE_DROP_IGNORES_UNDERSCORE] += by_design;
                    space->dying_saw_public = false; /* once per module */
                }
            }
            if (space->is_emptying && !space->was_changed && !w->has_nest &&
                w->plan->objects[node].kind == ZAP_VALUE_CNODE &&
                has(w, ZAP_FEATURE_SAFE_FINALIZERS)) {
                check(w, ZAP_INVARIANT_I10, i + 1 > space->emptying_place);
                space->emptying_place = i + 1;
            }
        }
    }
}

/* The collector finalizes a node: underscore names first, says the language reference. */
static void check_gc_turn(struct walk *w, uint8_t node)
{
    for (unsigned m = 0; m < w->plan->modules_count; m++) {
        const struct space *space = &w->spaces[m];
        for (uint32_t at = first_entry(space, node); at != 0; at = space->entries[at - 1].next) {
            const uint32_t i = at - 1;
            if (space->was_changed)
                continue;
            if (!is_underscore(space->entries[i].name)) {
                w->gc_saw_public[m] = true;
            } else if (w->gc_saw_public[m]) {
                bool by_design = has(w, ZAP_FEATURE_COLLECT_IGNORES_UNDERSCORE);
                check(w, ZAP_INVARIANT_P1, by_design);
                w->judgement->shows[ZAP_FEATURE_COLLECT_IGNORES_UNDERSCORE] += by_design;
                w->gc_saw_public[m] = false; /* once per module and collection */
            }
        }
    }
}

/* Surviving a collection can change an object's place in the collector's list: one that was taken
 * for garbage at first is put back at the end. So this is about the first collection. */
static void check_gc_order(struct walk *w, uint8_t node)
{
    if (w->collections != 1 || !w->has_gil || !has(w, ZAP_FEATURE_SAFE_FINALIZERS) ||
        has(w, ZAP_FEATURE_INCREMENTAL_GC) || zap_plan_has_setting(w->plan, ZAP_SETTING_GC_ON))
        return;
    check(w, ZAP_INVARIANT_I11, node + 1u > w->gc_last);
    w->gc_last = node + 1u;
}

/* What had to come right after a last reference went. */
static void check_due(struct walk *w, const struct zap_event *event)
{
    if (w->due == ZAP_NO_NODE || event->kind == ZAP_EVENT_DESTROY ||
        event->kind == ZAP_EVENT_CALLBACK || event->kind == ZAP_EVENT_PHASE)
        return;
    bool is_it =
        (event->kind == ZAP_EVENT_DEL || event->kind == ZAP_EVENT_CNODE) && event->node == w->due;
    check(w, ZAP_INVARIANT_I14, is_it);
    w->due = ZAP_NO_NODE;
}

/* Something is destroyed: not because a namespace without values is wiped. */
static void check_second_wipe(struct walk *w)
{
    for (unsigned m = 0; m < w->plan->modules_count; m++) {
        const struct space *space = &w->spaces[m];
        if (space->wiping == WIPING_SECOND && space->is_wiped_clean)
            check(w, ZAP_INVARIANT_I6, false);
    }
}

static bool is_own(const struct walk *w, const struct zap_event *event)
{
    return event->node < w->plan->objects_count && event->module != ZAP_NO_MODULE &&
           w->plan->objects[event->node].kind == ZAP_VALUE_NODE &&
           w->plan->objects[event->node].module == event->module;
}

static bool has_script(const struct walk *w, uint8_t node)
{
    for (unsigned i = 0; i < w->plan->acts_count; i++)
        if (w->plan->acts[i].node == node)
            return true;
    return false;
}

/* The numbers are used up: nothing can be said of this one, but what it does counts. */
static void on_unnumbered_del(struct walk *w, const struct zap_event *event)
{
    if (!w->has_again)
        harness(w, "a __del__ of a node that is not known");
    check_second_wipe(w);
    w->scripts++;
    if (!w->sees_sets)
        may_have_changed(w);
    if (event->how != ZAP_HOW_GC)
        w->dying++;
}

static void on_del(struct walk *w, const struct zap_event *event)
{
    uint8_t node = event->node;
    if (node >= ZAP_NODES_MAX) {
        on_unnumbered_del(w, event);
        return;
    }
    check_state(w, event);
    check_second_wipe(w);
    if (w->dels[node] == 0 && node < w->plan->objects_count)
        check_builtins_turn(w, node);
    if (has(w, ZAP_FEATURE_SAFE_FINALIZERS)) {
        check(w, ZAP_INVARIANT_I12, w->dels[node] == 0);
        if (event->how == ZAP_HOW_GC && is_own(w, event) && w->sees_sets)
            check(w, ZAP_INVARIANT_I9,
                  !(event->flags & ZAP_FLAG_NO_STATE) && state_agrees(w, event));
        /* The collector calls all finalizers before it takes anything apart: a node needs its
         * class, and the class its module's namespace. */
        if (w->collecting > 0 && is_own(w, event) && w->dels[node] == 0 && w->sees_sets)
            check(w, ZAP_INVARIANT_I9, !w->spaces[event->module].was_collected);
    }
    if (has(w, ZAP_FEATURE_REF_TRACER) && w->sees_destroy && w->has_gil &&
        event->how != ZAP_HOW_GC &&
        (w->scripts == 0 || !has(w, ZAP_FEATURE_TRACER_MISSES_BYTECODE))) {
        check(w, ZAP_INVARIANT_I27, w->is_announced[node]);
        w->is_announced[node] = false;
    }
    w->scripts++;
    if (!w->sees_sets && (w->has_again || has_script(w, node)))
        may_have_changed(w);
    if (event->how == ZAP_HOW_GC) {
        check_gc_turn(w, node);
        check_gc_order(w, node);
    }
    if (event->how != ZAP_HOW_GC && w->dels[node] == 0)
        check_turn(w, node);
    if (w->dels[node] < UINT8_MAX)
        w->dels[node]++;
    w->how[node] = event->how;
    w->raised[node] = 0;
    if (event->how != ZAP_HOW_GC)
        w->dying++;
}

/* A callback's script is a node's, and changes what that changes; but the node is not finalized. */
static void on_atexit(struct walk *w, const struct zap_event *event)
{
    w->scripts++;
    if (!w->sees_sets && (w->has_again || has_script(w, event->node)))
        may_have_changed(w);
}

/* Is an error that nobody can catch still told to us? */
static bool has_hook(const struct walk *w)
{
    return !zap_plan_has_setting(w->plan, ZAP_SETTING_HOOK_NONE) &&
           !zap_plan_has_setting(w->plan, ZAP_SETTING_HOOK_RAISES) &&
           !has_come(w, ZAP_END_SYS_WIPED) && !w->is_sys_cleared;
}

static void on_del_end(struct walk *w, const struct zap_event *event)
{
    uint8_t node = event->node;
    w->scripts--;
    check(w, ZAP_INVARIANT_I15, !(event->flags & ZAP_FLAG_X));
    check_state(w, event);
    /* Its script runs to the first `raise`, unless __del__ was called more often than scripts run.
     * (A row of instances without end is ended by a RecursionError, wherever that comes up.) */
    if (node < w->plan->objects_count && !w->has_again &&
        (w->trace->build.observers & ZAP_SEES_UNRAISABLE) && w->dels[node] == 1 && has_hook(w) &&
        !(has(w, ZAP_FEATURE_WARNING_LEAVES_ERROR) && (w->imports >> node & 1)))
        check(w, ZAP_INVARIANT_I15, w->raised[node] == (w->raises >> node & 1));
    if (event->how != ZAP_HOW_GC && event->refs > 1)
        w->dying--; /* it lives on; at 1 (2.7: 0) it goes on dying */
}

static void on_free(struct walk *w, const struct zap_event *event)
{
    uint8_t node = event->node;
    check(w, ZAP_INVARIANT_I13, w->dels[node] != 0);
    for (unsigned i = 0; i < w->plan->objects_count; i++)
        if (w->plan->objects[i].kind == ZAP_VALUE_OUTSIDE && w->plan->objects[i].target == node)
            check(w, ZAP_INVARIANT_Z6, w->calls[i] != 0);
    check(w, ZAP_INVARIANT_Z3, !w->is_kept[node]);
    w->is_dead[node] = true;
    if (w->dying > 0)
        w->dying--;
}

static void on_cnode(struct walk *w, const struct zap_event *event)
{
    check_state(w, event);
    check_second_wipe(w);
    check_turn(w, event->node);
    check_builtins_turn(w, event->node);
    w->is_dead[event->node] = true;
    if (event->module == ZAP_NO_MODULE || (event->flags & ZAP_FLAG_NO_STATE))
        return;
    const struct space *space = &w->spaces[event->module];
    if (space->is_emptying && has(w, ZAP_FEATURE_SAFE_FINALIZERS))
        check(w, ZAP_INVARIANT_I10, event->size == 0 || space->was_changed);
}

static void on_callback(struct walk *w, const struct zap_event *event)
{
    if (event->node >= w->plan->objects_count)
        return;
    check(w, ZAP_INVARIANT_Z6, w->calls[event->node] == 0);
    w->calls[event->node] = 1;
    uint8_t target = w->plan->objects[event->node].target;
    bool del_first = has(w, ZAP_FEATURE_DEL_BEFORE_CALLBACK);
    if (w->dels[target] != 0) {
        /* Finalized, then its weak references go: only when the last reference went, and only where
         * __del__ comes first. */
        check(w, ZAP_INVARIANT_I24, del_first && w->how[target] != ZAP_HOW_GC);
        return;
    }
    /* Not finalized yet: right before 3.4, and in a collection, which clears the weak references to
     * all of its garbage first. (The garbage may then still die by refcount, when a script takes it
     * apart.) */
    if (!del_first || w->collecting > 0 || !w->is_gc_unseen)
        check(w, ZAP_INVARIANT_I24, !del_first || w->collecting > 0);
}

/* ---- scripts ---- */

static void on_look(struct walk *w, const struct zap_event *event)
{
    if (!is_own(w, event) || !w->sees_sets)
        return;
    const struct space *space = &w->spaces[event->module];
    if (import_changes(w, event->module) && (IMPORT_NAMES & BIT(event->name)))
        return;
    enum zap_seen expected = space->bound & BIT(event->name)  ? ZAP_SEEN_BOUND
                             : space->none & BIT(event->name) ? ZAP_SEEN_NONE
                                                              : ZAP_SEEN_MISSING;
    /* What is not there is looked for in the builtins, and up to 3.9 those are whatever is bound to
     * __builtins__ when __del__ is called: another namespace of the plan, perhaps. */
    if (expected == ZAP_SEEN_MISSING && !has(w, ZAP_FEATURE_BUILTINS_CAPTURED) &&
        (space->has_odd_builtins || !space->is_builtins_same))
        return;
    /* The end of an interpreter begins with builtins._ = None; from 3.4 on that goes together with
     * what else was added to builtins. */
    if (expected == ZAP_SEEN_MISSING && event->name == ZAP_NAME_U1 && has_come(w, ZAP_END_SYS)) {
        check(w, ZAP_INVARIANT_Z2, event->how != ZAP_SEEN_BOUND);
        return;
    }
    check(w, ZAP_INVARIANT_Z2, event->how == expected);
}

static void on_done(struct walk *w, const struct zap_event *event)
{
    bool worked = (event->flags & ZAP_FLAG_X) != 0;
    bool is_late = has_come(w, ZAP_END_REMOVING) || has_come(w, ZAP_END_EMPTIED);
    if (event->info == ZAP_OP_IMPORT_NEW) {
        /* Once loaded, it is found until its own entry goes. */
        if (is_late && has(w, ZAP_FEATURE_SURVIVORS_WIPED) && !w->was_new_imported)
            check(w, ZAP_INVARIANT_I22, !worked);
        w->was_new_imported = w->was_new_imported || worked;
    }
    if (event->info != ZAP_OP_BUILTIN || event->node >= w->plan->objects_count ||
        w->is_builtins_cleared || has_come(w, ZAP_END_BUILTINS_WIPED))
        return;
    uint8_t module = w->plan->objects[event->node].module;
    bool is_in_place = module == ZAP_ELSEWHERE ||
                       (w->spaces[module].is_builtins_same && !w->spaces[module].has_odd_builtins);
    if (has(w, ZAP_FEATURE_BUILTINS_CAPTURED) || is_in_place)
        check(w, ZAP_INVARIANT_I25, worked);
}

/* A direct value of a dying dict is announced: the dict has to have been. */
static void check_announced(struct walk *w, uint8_t node)
{
    for (unsigned m = 0; m < w->plan->modules_count; m++) {
        const struct space *space = &w->spaces[m];
        for (uint32_t i = 0; space->is_dying && i < space->entries_count; i++)
            if (space->entries[i].node == node && space->entries[i].refs == 1)
                check(w, ZAP_INVARIANT_I27, space->is_dict_announced);
    }
}

static void on_destroy(struct walk *w, const struct zap_event *event)
{
    bool is_ordered = w->has_gil && !may_be_in_gc(w); /* tp_clear has an order of its own */
    if (event->info == 3) {
        if (event->node >= ZAP_NODES_MAX)
            return;
        w->is_announced[event->node] = true;
        if (is_ordered)
            check_announced(w, event->node);
        return;
    }
    if (event->module >= w->plan->modules_count)
        return;
    struct space *space = &w->spaces[event->module];
    if (is_ordered)
        check(w, ZAP_INVARIANT_I27, event->info == 2 ? space->was_dropped : space->has_dict);
    if (event->info == 2)
        space->is_dict_announced = true;
}

static void on_reloaded(struct walk *w, const struct zap_event *event)
{
    if (w->is_reload_odd)
        return;
    check(w, ZAP_INVARIANT_I23, (event->flags & ZAP_FLAG_X) != 0);
    const struct zap_module *module = &w->plan->modules[0];
    for (uint32_t g = 0; g < module->globals_count && w->sees_sets; g++)
        if (module->globals[g].again == ZAP_AGAIN_INT)
            check(w, ZAP_INVARIANT_I23, (w->reload_bound & BIT(module->globals[g].name)) != 0);
}

/* ---- the walk ---- */

static void step(struct walk *w, const struct zap_event *event)
{
    check_due(w, event);
    switch ((enum zap_event_code)event->kind) {
    case ZAP_EVENT_ENTRY:
        on_entry(w, event);
        break;
    case ZAP_EVENT_BEFORE:
        on_before(w, event);
        break;
    case ZAP_EVENT_AFTER:
        on_after(w, event);
        break;
    case ZAP_EVENT_WIPE:
        on_wipe(w, event);
        break;
    case ZAP_EVENT_TRAP:
        on_trap(w, event);
        break;
    case ZAP_EVENT_DEAD_DICT:
        on_dead_dict(w, event);
        break;
    case ZAP_EVENT_DEAD_KEY:
        check(w, ZAP_INVARIANT_Z4, false);
        break;
    case ZAP_EVENT_WIPE_END:
        if (event->module != ZAP_NO_MODULE)
            end_wipe(w, event, &w->spaces[event->module]);
        break;
    case ZAP_EVENT_SET_NONE:
    case ZAP_EVENT_STORE:
    case ZAP_EVENT_UNBIND:
        on_change(w, event);
        break;
    case ZAP_EVENT_EMPTY:
        on_empty(w, event);
        break;
    case ZAP_EVENT_EMPTY_END:
        on_empty_end(w, event);
        break;
    case ZAP_EVENT_DICT_GONE:
        w->spaces[event->module].has_dict = false;
        break;
    case ZAP_EVENT_MODULE_GONE:
        on_module_gone(w, event);
        break;
    case ZAP_EVENT_MODULE_END:
        on_module_end(w, event);
        break;
    case ZAP_EVENT_DEL:
        on_del(w, event);
        break;
    case ZAP_EVENT_DEL_END:
        on_del_end(w, event);
        break;
    case ZAP_EVENT_FREE:
        on_free(w, event);
        break;
    case ZAP_EVENT_CNODE:
        on_cnode(w, event);
        break;
    case ZAP_EVENT_LOOK:
        on_look(w, event);
        break;
    case ZAP_EVENT_LOOK_ALL:
        check_state(w, event);
        break;
    case ZAP_EVENT_DONE:
        on_done(w, event);
        break;
    case ZAP_EVENT_CALLBACK:
        on_callback(w, event);
        break;
    case ZAP_EVENT_UNRAISABLE:
        if (event->node < ZAP_NODES_MAX)
            w->raised[event->node]++;
        break;
    case ZAP_EVENT_COLLECT:
        w->collecting++;
        w->collections++;
        w->script_collected = w->script_collected || event->by != ZAP_BY_INTERPRETER;
        memset(w->gc_saw_public, 0, sizeof w->gc_saw_public);
        break;
    case ZAP_EVENT_COLLECT_END:
        w->collecting--;
        break;
    case ZAP_EVENT_DESTROY:
        on_destroy(w, event);
        break;
    case ZAP_EVENT_RELOADED:
        on_reloaded(w, event);
        break;
    case ZAP_EVENT_KEPT:
        if (event->node < ZAP_NODES_MAX)
            w->is_kept[event->node] = true;
        break;
    case ZAP_EVENT_ATEXIT:
        on_atexit(w, event);
        break;
    case ZAP_EVENT_ATEXIT_END:
        w->scripts--;
        break;
    case ZAP_EVENT_PHASE:
        on_phase(w, event);
        break;
    case ZAP_EVENT_UNLISTED:
        on_unlisted(w, event);
        break;
    case ZAP_EVENT_SENTINEL:
        check(w, ZAP_INVARIANT_I28, (event->flags & ZAP_FLAG_X) != 0);
        break;
    case ZAP_EVENT_GARBAGE:
        on_garbage(w);
        break;
    case ZAP_EVENT_ROUTE_END:
        check(w, ZAP_INVARIANT_I15, !(event->flags & ZAP_FLAG_X));
        break;
    case ZAP_EVENT_ROUTE:
    case ZAP_EVENT_RESURRECT:
    case ZAP_EVENT_POKED:
    case ZAP_EVENT_FINALLY:
    case ZAP_EVENT_SPAWN:
    case ZAP_EVENT_FAILED:
    case ZAP_EVENT_END:
        break;
    }
}

static void look_at_plan(struct walk *w)
{
    for (unsigned i = 0; i < w->plan->objects_count; i++) {
        switch (w->plan->objects[i].kind) {
        case ZAP_VALUE_LIST:
        case ZAP_VALUE_TUPLE:
        case ZAP_VALUE_DICT:
        case ZAP_VALUE_SET:
        case ZAP_VALUE_CELL:
        case ZAP_VALUE_METHOD:
        case ZAP_VALUE_GENERATOR:
            w->containers++;
            break;
        case ZAP_VALUE_NEST:
            w->has_nest = true;
            break;
        default:
            break;
        }
    }
    for (unsigned i = 0; i < w->plan->acts_count; i++) {
        if (w->plan->acts[i].op == ZAP_OP_UNLIST)
            w->is_reload_odd = true;
        if (w->plan->acts[i].op == ZAP_OP_RAISE)
            w->raises |= BIT(w->plan->acts[i].node);
        if (w->plan->acts[i].op == ZAP_OP_IMPORT || w->plan->acts[i].op == ZAP_OP_IMPORT_NEW ||
            w->plan->acts[i].op == ZAP_OP_ENCODE)
            w->imports |= BIT(w->plan->acts[i].node);
        if (w->plan->acts[i].op == ZAP_OP_BIND_AGAIN || w->plan->acts[i].op == ZAP_OP_NEW_AGAIN)
            w->has_again = true;
    }
    for (unsigned g = 0; g < w->plan->modules[0].globals_count; g++)
        if ((IMPORT_NAMES | BIT(ZAP_NAME_GETATTR)) & BIT(w->plan->modules[0].globals[g].name))
            w->is_reload_odd = true;
}

static void skip(struct zap_judgement *judgement, const uint8_t *invariants, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (judgement->verdicts[invariants[i]] == ZAP_VOID)
            judgement->verdicts[invariants[i]] = ZAP_SKIPPED;
}

/* What this build cannot see is said to be skipped, not void. */
static void skip_unseen(struct walk *w)
{
    static const uint8_t by_sets[] = {ZAP_INVARIANT_I1, ZAP_INVARIANT_I2,  ZAP_INVARIANT_I5,
                                      ZAP_INVARIANT_I9, ZAP_INVARIANT_I14, ZAP_INVARIANT_I26,
                                      ZAP_INVARIANT_Z1, ZAP_INVARIANT_Z2};
    static const uint8_t by_ends[] = {ZAP_INVARIANT_I17, ZAP_INVARIANT_I18, ZAP_INVARIANT_I19,
                                      ZAP_INVARIANT_I20, ZAP_INVARIANT_I21};
    if (!w->sees_sets)
        skip(w->judgement, by_sets, sizeof by_sets);
    if (!w->sees_ends && zap_plan_ends(w->plan))
        skip(w->judgement, by_ends, sizeof by_ends);
}

void zap_judge(const struct zap_plan *plan, const struct zap_trace *trace,
               struct zap_judgement *ret_judgement)
{
    struct walk w;
    memset(&w, 0, offsetof(struct walk, spaces) + plan->modules_count * sizeof w.spaces[0]);
    memset(ret_judgement, 0, sizeof *ret_judgement);
    w.plan = plan;
    w.trace = trace;
    w.judgement = ret_judgement;
    w.profile = zap_profile_of(&trace->build);
    w.has_gil = !has(&w, ZAP_FEATURE_DEFERRED_REFCOUNTS);
    w.sees_sets = (trace->build.observers & ZAP_SEES_SETS) != 0;
    w.eligible = eligible_names(w.profile);
    w.sees_ends = (trace->build.observers & ZAP_SEES_ENDS) != 0;
    w.sees_destroy = (trace->build.observers & ZAP_SEES_DESTROY) != 0;
    w.is_gc_unseen =
        zap_plan_ends(plan) && (!w.sees_ends || zap_plan_has_setting(plan, ZAP_SETTING_GC_ON));
    w.due = ZAP_NO_NODE;
    for (unsigned m = 0; m < plan->modules_count; m++)
        memset(w.spaces[m].place_of, ENTRIES_MAX, sizeof w.spaces[m].place_of);
    look_at_plan(&w);
    for (w.at = 0; w.at < trace->events_count; w.at++)
        step(&w, &trace->events[w.at]);
    /* What was recorded is true and without a gap: of a long row of instances, its beginning. */
    if (trace->is_cut && !w.has_again)
        harness(&w, "more events than a trace can hold");
    skip_unseen(&w);
}

/* Has a collection finalized something that was still there when all was over? */
static bool outlives_finalizer(const struct zap_trace *trace)
{
    bool was_finalized[ZAP_NODES_MAX] = {0};
    for (uint32_t i = 0; i < trace->events_count; i++) {
        const struct zap_event *event = &trace->events[i];
        bool is_del = event->kind == ZAP_EVENT_DEL && event->how == ZAP_HOW_GC;
        if (event->node < ZAP_NODES_MAX && (is_del || event->kind == ZAP_EVENT_FREE))
            was_finalized[event->node] = is_del;
    }
    return memchr(was_finalized, true, sizeof was_finalized) != NULL;
}

/* Without a GIL every module waits for a collection, which takes things in the order of their
 * addresses (Python/gc_free_threading.c visits the allocator's heaps). */
bool zap_judge_is_repeatable(const struct zap_trace *first)
{
    zap_profile profile = zap_profile_of(&first->build);
    if (zap_profile_has(profile, ZAP_FEATURE_DEFERRED_REFCOUNTS))
        return false;
    return !zap_profile_has(profile, ZAP_FEATURE_STALE_TYPE_CACHE) || !outlives_finalizer(first);
}

void zap_judge_again(const struct zap_trace *first, const struct zap_trace *second,
                     struct zap_judgement *judgement)
{
    if (!zap_judge_is_repeatable(first))
        return;
    uint32_t at = zap_trace_diff(first, second);
    bool is_same = at == UINT32_MAX;
    judgement->checks[ZAP_INVARIANT_I29]++;
    judgement->verdicts[ZAP_INVARIANT_I29] = is_same ? ZAP_HELD : ZAP_BROKEN;
    if (!is_same) {
        /* Where the second goes on after the first's end, that end. */
        judgement->at[ZAP_INVARIANT_I29] =
            at < first->events_count || at == 0 ? at : first->events_count - 1;
        judgement->any_broken = true;
    }
}
