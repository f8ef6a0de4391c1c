/* From a script's lines to a trace.
 *
 * The theory: a script's lines are a trace's with gaps. Fields that Python code cannot know are put
 * in as follows. `how`: a __del__ that is called inside a collection, and not inside another
 * __del__, is the collector's where finalizers come before clearing (3.4 on), and where no script
 * has let go of anything in this collection; all others are by refcount. `refs` of a __del__ is 1.
 *
 * Events that Python code cannot see are the interpreter's: the names that a wipe sets to None, and
 * the dict that a collection empties. Between two lines with the state of a namespace, the names
 * that have become None were set to None, in an order that nobody saw. They are put in in the order
 * that CPython promises, so an order is found broken only where no order of what was not seen could
 * make it whole. A node whose one reference was the namespace, and which dies, has lost its name,
 * whatever the namespace says. That way a trace from a script never breaks an invariant that was
 * kept; it can only fail to show one that was not.
 *
 * Where the script cannot know that a namespace is being cleared (up to 3.3, when a module is
 * deallocated behind its back) its states are taken out.
 *
 * When an interpreter ends, hardly anything of what it does can be told from what a script prints:
 * not how far it has got, nor what it wipes or collects. There only those invariants are judged
 * that speak of what scripts do print (`by_prints`).
 */
#include "oracle/script.h"

#include "base/check.h"
#include "oracle/trace_text.h"

#include <string.h>

#define BIT(name) (UINT64_C(1) << (name))

enum { LINE_MAX = 1280, ENTRIES_MAX = 64 };

struct layout {
    uint64_t bound, none; /* as far as is known */
    uint64_t changed;     /* names that a script changed */
    uint8_t entries_count;
    struct {
        uint8_t name, node;
        uint32_t refs;
    } entries[ENTRIES_MAX];
    bool is_wiping;
    bool is_behind;   /* names were cleared since its state was last seen, and a script runs */
    bool is_blind;    /* it may be cleared without a line */
    bool is_emptying; /* by the collector */
};

struct reader {
    const struct zap_plan *plan;
    struct zap_trace *trace;
    zap_profile profile;
    int depth;         /* of __del__ calls */
    uint32_t outer_at; /* the event at which the outermost of them began */
    int collecting;    /* depth of collections */
    bool is_muddled;   /* a script has let go of something in this collection */
    bool unlists;      /* scripts remove modules from sys.modules, and say nothing */
    bool is_part;      /* of a worker's trace, which says what a key's trap does */
    bool imports;      /* scripts import, which 2.7 notes in the namespace of who does it */
    struct layout layouts[ZAP_MODULES_MAX];
};

static bool has(const struct reader *r, enum zap_feature_code feature)
{
    return zap_profile_has(r->profile, feature);
}

static bool has_state(const struct zap_event *event)
{
    const struct zap_event_row *row = zap_event_row(event->kind);
    return strchr(row->fields, 's') != NULL && !(event->flags & ZAP_FLAG_NO_STATE) &&
           event->module < ZAP_MODULES_MAX;
}

static void append(struct reader *r, const struct zap_event *event)
{
    if (r->trace->events_count == ZAP_EVENTS_MAX)
        r->trace->is_cut = 1;
    else
        r->trace->events[r->trace->events_count++] = *event;
}

/* Put in what happened before the script at work began. */
static void append_before(struct reader *r, const struct zap_event *event)
{
    struct zap_trace *trace = r->trace;
    uint32_t at = r->outer_at, count = trace->events_count;
    if (r->depth == 0 || count == ZAP_EVENTS_MAX || at > count) {
        append(r, event);
        return;
    }
    memmove(&trace->events[at + 1], &trace->events[at], (count - at) * sizeof *event);
    trace->events[at] = *event;
    trace->events_count++;
    r->outer_at++;
}

/* ---- what the interpreter did between two lines ---- */

static void set_by_interpreter(struct reader *r, uint8_t module, uint8_t name, bool is_gone)
{
    struct layout *layout = &r->layouts[module];
    uint8_t pass = (zap_names_underscore() >> name & 1) != 0 ? 1 : 2, how = ZAP_SEEN_MISSING;
    if (layout->bound & BIT(name))
        how = ZAP_SEEN_BOUND;
    else if (layout->none & BIT(name))
        how = ZAP_SEEN_NONE;
    struct zap_event event = {
        .kind = is_gone ? ZAP_EVENT_UNBIND : ZAP_EVENT_SET_NONE,
        .module = module,
        .name = name,
        .node = ZAP_NO_NODE,
        .by = ZAP_BY_INTERPRETER,
        .how = how,
        .info = is_gone ? 0 : pass,
    };
    /* In a dict that scripts have changed, nobody knows in which order it gets to the names. */
    for (unsigned i = 0; i < layout->entries_count && !layout->changed; i++) {
        if (layout->entries[i].name == name) {
            event.node = layout->entries[i].node;
            event.refs = layout->entries[i].refs;
        }
    }
    append_before(r, &event);
    layout->bound &= ~BIT(name);
    layout->none = is_gone ? layout->none & ~BIT(name) : layout->none | BIT(name);
}

/* Those of a set of names that one pass is about: first in the order of the dict, then what scripts
 * have added. */
static void set_in_pass(struct reader *r, uint8_t module, uint64_t names, uint64_t gone)
{
    struct layout *layout = &r->layouts[module];
    for (unsigned i = 0; i < layout->entries_count; i++) {
        uint8_t name = layout->entries[i].name;
        if (names >> name & 1)
            set_by_interpreter(r, module, name, (gone >> name & 1) != 0);
        names &= ~BIT(name);
    }
    for (uint8_t name = 0; name < ZAP_NAME_END; name++) {
        if (names >> name & 1)
            set_by_interpreter(r, module, name, (gone >> name & 1) != 0);
    }
}

/* The names that the interpreter must have cleared by the time of this event. */
static void catch_up(struct reader *r, uint8_t module, const struct zap_event *event)
{
    struct layout *layout = &r->layouts[module];
    uint64_t gone = (layout->bound | layout->none) & ~(event->bound | event->none);
    uint64_t names = gone | (event->none & ~layout->none);
    bool is_death = event->kind == ZAP_EVENT_DEL || event->kind == ZAP_EVENT_CNODE;
    for (unsigned i = 0; is_death && i < layout->entries_count; i++) {
        uint64_t bit = BIT(layout->entries[i].name);
        if (layout->entries[i].node == event->node && layout->entries[i].refs == 1 &&
            (layout->bound & bit) && !(layout->changed & bit))
            names |= bit;
    }
    names &= ~BIT(ZAP_NAME_NO);
    set_in_pass(r, module, names & zap_names_underscore(), gone);
    set_in_pass(r, module, names & ~zap_names_underscore(), gone);
}

static void empty(struct reader *r, uint8_t module, enum zap_event_code kind)
{
    const struct zap_event event = {
        .kind = (uint8_t)kind, .module = module, .node = ZAP_NO_NODE, .how = ZAP_HOW_GC_CLEAR};
    append(r, &event);
    r->layouts[module].is_emptying = kind == ZAP_EVENT_EMPTY;
    if (kind == ZAP_EVENT_EMPTY)
        r->layouts[module].bound = r->layouts[module].none = 0;
}

/* A C node that a namespace alone held dies in a collection: the collector empties the namespace.
 */
static void may_empty(struct reader *r, const struct zap_event *event)
{
    bool can_tell = r->collecting > 0 && r->depth == 0 && has(r, ZAP_FEATURE_SAFE_FINALIZERS) &&
                    !has(r, ZAP_FEATURE_DEFERRED_REFCOUNTS);
    for (uint8_t m = 0; can_tell && m < r->plan->modules_count; m++) {
        struct layout *layout = &r->layouts[m];
        for (unsigned i = 0; i < layout->entries_count && !layout->is_emptying; i++) {
            if (layout->entries[i].node == event->node && layout->entries[i].refs == 1 &&
                !layout->changed && !r->plan->modules[m].held)
                empty(r, m, ZAP_EVENT_EMPTY);
        }
    }
}

/* ---- following the lines ---- */

static void note_change(struct layout *layout, const struct zap_event *event)
{
    uint64_t bit = BIT(event->name);
    layout->changed |= bit;
    layout->bound &= ~bit;
    layout->none &= ~bit;
    if (event->kind == ZAP_EVENT_STORE)
        layout->bound |= bit;
    else if (event->kind == ZAP_EVENT_SET_NONE)
        layout->none |= bit;
}

static void note_entry(struct layout *layout, const struct zap_event *event)
{
    if (layout->entries_count == ENTRIES_MAX)
        return;
    layout->entries[layout->entries_count].name = event->name;
    layout->entries[layout->entries_count].node = event->node;
    layout->entries[layout->entries_count++].refs = event->refs;
}

static void note(struct reader *r, const struct zap_event *event)
{
    struct layout *layout =
        event->module < r->plan->modules_count ? &r->layouts[event->module] : NULL;
    switch (event->kind) {
    case ZAP_EVENT_DEL:
        if (r->depth++ == 0)
            r->outer_at = r->trace->events_count - 1;
        break;
    case ZAP_EVENT_DEL_END:
        r->depth -= r->depth > 0;
        r->is_muddled = r->is_muddled || r->unlists;
        break;
    case ZAP_EVENT_COLLECT:
        r->collecting++;
        r->is_muddled = false;
        break;
    case ZAP_EVENT_STORE:
    case ZAP_EVENT_SET_NONE:
    case ZAP_EVENT_UNBIND:
    case ZAP_EVENT_EMPTY:
        r->is_muddled = true;
        break;
    case ZAP_EVENT_COLLECT_END:
        r->collecting -= r->collecting > 0;
        break;
    default:
        break;
    }
    if (!layout)
        return;
    switch (event->kind) {
    case ZAP_EVENT_ENTRY:
        note_entry(layout, event);
        break;
    case ZAP_EVENT_BEFORE:
        layout->bound = event->bound;
        layout->none = event->none;
        layout->is_blind = has(r, ZAP_FEATURE_ZAP_ON_DEALLOC) && r->plan->route != ZAP_ROUTE_WIPE &&
                           r->plan->route != ZAP_ROUTE_RELOAD;
        break;
    case ZAP_EVENT_STORE:
    case ZAP_EVENT_SET_NONE:
    case ZAP_EVENT_UNBIND:
        note_change(layout, event);
        break;
    case ZAP_EVENT_EMPTY:
        layout->changed = UINT64_MAX;
        layout->bound = layout->none = 0;
        break;
    case ZAP_EVENT_WIPE:
        layout->is_wiping = true;
        break;
    case ZAP_EVENT_MODULE_GONE:
        layout->is_wiping = has(r, ZAP_FEATURE_ZAP_ON_DEALLOC);
        layout->is_blind = false;
        break;
    case ZAP_EVENT_WIPE_END:
    case ZAP_EVENT_MODULE_END:
        layout->is_wiping = false;
        break;
    default:
        break;
    }
}

/* ---- one line ---- */

/* The line with the fields that a script leaves out. */
static void complete(const char *line, bool is_gc, struct zap_str *out)
{
    bool is_del = strncmp(line, "del ", 4) == 0, is_end = strncmp(line, "del-end ", 8) == 0;
    size_t fields = strncmp(line, "callback ", 9) == 0 ? 2 : is_del || is_end ? 3 : 0;
    size_t len = 0;
    for (size_t i = 0; i < fields; i++) {
        len += line[len] == ' ';
        len += strcspn(line + len, " ");
    }
    zap_str_add_bytes(out, line, len);
    if (is_del || is_end)
        zap_str_add(out, " refs=1");
    if (fields > 0)
        zap_str_add(out, is_gc ? " how=gc" : " how=refcount");
    zap_str_add(out, line + len);
}

/* Is this __del__ the collector's? */
static bool is_by_gc(const struct reader *r, const char *line)
{
    int depth = r->depth - (strncmp(line, "del-end ", 8) == 0);
    return r->collecting > 0 && depth == 0 && !r->is_muddled && has(r, ZAP_FEATURE_SAFE_FINALIZERS);
}

static bool parse(const struct reader *r, const char *line, size_t len, struct zap_event *ret_event)
{
    char text[LINE_MAX], whole[LINE_MAX + 32], what[256];
    if (len >= sizeof text)
        return false;
    memcpy(text, line, len);
    text[len] = '\0';
    struct zap_str completed = zap_str_init(whole, sizeof whole);
    complete(text, is_by_gc(r, text), &completed);
    struct zap_str out = zap_str_init(what, sizeof what);
    struct zap_event event;
    if (zap_trace_text_event(whole, &event, &out) != ZAP_OK)
        return false;
    bool has_module = strchr(zap_event_row(event.kind)->fields, 'm') != NULL;
    if (has_module && event.module != ZAP_NO_MODULE && event.module >= r->plan->modules_count)
        return false;
    *ret_event = event;
    return true;
}

/* "Exception ignored in: <function n3_del at ...>", in the words of any version: the node, or
 * ZAP_NO_NODE. */
static uint8_t ignored_in(const char *line, size_t len)
{
    static const char begin[] = "Exception ", mark[] = "_del";
    if (len < sizeof begin || strncmp(line, begin, sizeof begin - 1) != 0)
        return ZAP_NO_NODE;
    for (const char *at = line + sizeof begin; at + sizeof mark <= line + len; at++) {
        unsigned node = 0, factor = 1;
        const char *digit = at;
        for (; strncmp(at, mark, sizeof mark - 1) == 0 && digit[-1] >= '0' && digit[-1] <= '9' &&
               factor <= 100;
             digit--, factor *= 10)
            node += (unsigned)(digit[-1] - '0') * factor;
        if (digit < at && digit[-1] == 'n' && node < ZAP_NODES_MAX)
            return (uint8_t)node;
    }
    return ZAP_NO_NODE;
}

/* CPython tells of an exception after the script has said that it leaves, and the trace before. */
static void add_unraisable(struct reader *r, uint8_t node)
{
    struct zap_trace *trace = r->trace;
    for (uint32_t i = trace->events_count; i > 0; i--) {
        struct zap_event *event = &trace->events[i - 1];
        if (event->kind == ZAP_EVENT_ROUTE_END)
            return; /* the interpreter's own end is no part of the plan */
        if (event->kind != ZAP_EVENT_DEL_END || event->node != node)
            continue;
        const struct zap_event unraisable = {
            .kind = ZAP_EVENT_UNRAISABLE, .module = ZAP_NO_MODULE, .node = node};
        const struct zap_event last = trace->events[trace->events_count - 1];
        memmove(event + 1, event, (trace->events_count - i) * sizeof *event);
        *event = unraisable;
        append(r, &last);
        return;
    }
}

/* An import statement in 2.7 binds __package__ to None where it runs, if that is not there. */
static void may_have_imported(struct reader *r, const struct zap_event *event)
{
    struct layout *layout = &r->layouts[event->module];
    bool is_new = (event->none & ~layout->none & ~layout->bound & BIT(ZAP_NAME_PACKAGE)) != 0;
    if (!is_new || !r->imports || r->depth == 0 || !has(r, ZAP_FEATURE_ZAP_ON_DEALLOC))
        return;
    const struct zap_event set = {
        .kind = ZAP_EVENT_SET_NONE,
        .module = event->module,
        .name = ZAP_NAME_PACKAGE,
        .node = ZAP_NO_NODE,
        .by = event->node,
        .how = ZAP_SEEN_MISSING,
    };
    append(r, &set);
    note_change(layout, &set);
}

/* A key takes itself out: the line says that, and no other does. */
static void spring(struct reader *r, const struct zap_event *event)
{
    const struct zap_event unbind = {
        .kind = ZAP_EVENT_UNBIND,
        .module = event->module,
        .name = event->name,
        .node = ZAP_NO_NODE,
        .by = ZAP_BY_KEY,
        .how = r->layouts[event->module].bound & BIT(event->name) ? ZAP_SEEN_BOUND : ZAP_SEEN_NONE,
    };
    append(r, &unbind);
    note_change(&r->layouts[event->module], &unbind);
}

static bool is_end_of_wipe(const struct reader *r, const struct zap_event *event)
{
    return event->kind == ZAP_EVENT_WIPE_END ||
           (event->kind == ZAP_EVENT_MODULE_END && has(r, ZAP_FEATURE_ZAP_ON_DEALLOC));
}

/* The object that the plan binds to a name, which a script says of nodes only. */
static uint8_t object_of(const struct zap_module *module, uint8_t name)
{
    for (unsigned g = 0; g < module->globals_count; g++) {
        if (module->globals[g].name == name)
            return module->globals[g].object;
    }
    return ZAP_NO_NODE;
}

/* next: the event on the next line, or NULL */
static void take(struct reader *r, struct zap_event *event, const struct zap_event *next)
{
    if (event->kind == ZAP_EVENT_COLLECT_END && r->collecting == 1) {
        for (uint8_t m = 0; m < r->plan->modules_count; m++) {
            if (r->layouts[m].is_emptying)
                empty(r, m, ZAP_EVENT_EMPTY_END);
        }
    }
    if (event->kind == ZAP_EVENT_CNODE)
        may_empty(r, event);
    uint8_t m = event->module;
    if (m < r->plan->modules_count) {
        struct layout *layout = &r->layouts[m];
        if (layout->is_blind && (event->kind == ZAP_EVENT_AFTER || event->kind == ZAP_EVENT_LOOK ||
                                 event->kind == ZAP_EVENT_LOOK_ALL))
            return;
        if (layout->is_blind && has_state(event)) {
            event->flags = (uint8_t)((event->flags & ZAP_FLAG_X) | ZAP_FLAG_NO_STATE);
            event->bound = event->none = event->size = 0;
        }
        if (layout->is_behind && event->kind == ZAP_EVENT_LOOK)
            return; /* nobody knows what it had to find */
        if (layout->is_wiping && has_state(event) && (r->depth == 0 || layout->is_behind)) {
            catch_up(r, m, event);
            layout->is_behind = false;
        }
        if (has_state(event))
            may_have_imported(r, event);
        bool is_told = next && next->kind == ZAP_EVENT_AFTER && next->module == m;
        if (layout->is_wiping && is_end_of_wipe(r, event) && is_told)
            catch_up(r, m, next);
        if (event->kind == ZAP_EVENT_MODULE_END && layout->is_wiping && !is_told)
            layout->is_blind = true; /* what was cleared last */
    }
    for (uint8_t i = 0; i < r->plan->modules_count && event->kind == ZAP_EVENT_DEL; i++)
        r->layouts[i].is_behind =
            r->layouts[i].is_behind ||
            (r->depth == 0 && r->layouts[i].is_wiping && !(has_state(event) && m == i));
    struct zap_event whole = *event;
    if (event->kind == ZAP_EVENT_ENTRY && event->node == ZAP_NO_NODE && m < r->plan->modules_count)
        whole.node = object_of(&r->plan->modules[m], event->name);
    append(r, &whole);
    note(r, event);
    if (event->kind == ZAP_EVENT_TRAP && m < r->plan->modules_count && !r->is_part)
        spring(r, event);
    for (uint8_t i = 0; i < r->plan->modules_count && r->depth == 0; i++)
        r->layouts[i].is_behind = false; /* the next state is asked for anyway */
}

static size_t line_len(const char *line)
{
    return strcspn(line, "\n");
}

static void look_at_acts(struct reader *r)
{
    for (unsigned i = 0; i < r->plan->acts_count; i++) {
        uint8_t op = r->plan->acts[i].op;
        r->unlists = r->unlists || op == ZAP_OP_UNLIST;
        r->imports = r->imports || op == ZAP_OP_IMPORT || op == ZAP_OP_IMPORT_NEW;
    }
}

void zap_script_read(const struct zap_plan *plan, const struct zap_build *build, const char *said,
                     struct zap_trace *ret_trace)
{
    struct reader r = {.plan = plan, .trace = ret_trace, .profile = zap_profile_of(build)};
    look_at_acts(&r);
    ret_trace->build = *build;
    ret_trace->build.observers = ZAP_SEES_SETS | ZAP_SEES_UNRAISABLE;
    ret_trace->events_count = ret_trace->is_cut = 0;
    for (const char *line = said; *line;) {
        struct zap_event event, next;
        size_t len = line_len(line);
        const char *rest = line + len + (line[len] == '\n');
        uint8_t node = ignored_in(line, len);
        if (node != ZAP_NO_NODE)
            add_unraisable(&r, node);
        else if (parse(&r, line, len, &event))
            take(&r, &event, parse(&r, rest, line_len(rest), &next) ? &next : NULL);
        line = rest;
    }
}

/* ---- judging ---- */

/* What a worker sees by means that Python code does not have, and what a trace without it lacks. */
static const struct {
    const char *api;
    const char *before; /* the same where CPython has no such API: the feature is not there */
    enum zap_feature_code feature; /* ZAP_FEATURE_COUNT: all have it */
    uint32_t observers;
    uint64_t kinds;  /* of events */
    uint8_t skipped; /* the invariant that is about this very means, + 1 */
    bool is_of_ends; /* a means only where an interpreter ends */
} means[] = {
    {"PyDict_Watch", "calls of PyDict_SetItem and PyDict_DelItem, wrapped",
     ZAP_FEATURE_DICT_WATCHER, ZAP_SEES_SETS,
     BIT(ZAP_EVENT_SET_NONE) | BIT(ZAP_EVENT_STORE) | BIT(ZAP_EVENT_UNBIND), ZAP_INVARIANT_I26 + 1,
     false},
    {"PyRefTracer_SetTracer", "", ZAP_FEATURE_REF_TRACER, ZAP_SEES_DESTROY, BIT(ZAP_EVENT_DESTROY),
     ZAP_INVARIANT_I27 + 1, false},
    {"tp_clear and tp_dealloc of dict", "", ZAP_FEATURE_COUNT, ZAP_SEES_DICT_GONE,
     BIT(ZAP_EVENT_EMPTY) | BIT(ZAP_EVENT_EMPTY_END) | BIT(ZAP_EVENT_DICT_GONE), 0, false},
    {"tp_dealloc of the dict that is being wiped", "", ZAP_FEATURE_COUNT, 0,
     BIT(ZAP_EVENT_DEAD_DICT), ZAP_INVARIANT_Z5 + 1, false},
    {"tp_dealloc of module", "", ZAP_FEATURE_COUNT, 0,
     BIT(ZAP_EVENT_MODULE_GONE) | BIT(ZAP_EVENT_MODULE_END), 0, false},
    {"tp_free of the class", "", ZAP_FEATURE_COUNT, 0,
     BIT(ZAP_EVENT_FREE) | BIT(ZAP_EVENT_RESURRECT), 0, false},
    {"PyErr_WriteUnraisable", "", ZAP_FEATURE_COUNT, ZAP_SEES_UNRAISABLE, BIT(ZAP_EVENT_UNRAISABLE),
     0, false},
    {"calls of _PyModule_Clear and _PyModule_ClearDict, wrapped", "", ZAP_FEATURE_COUNT,
     ZAP_SEES_ENDS, BIT(ZAP_EVENT_WIPE) | BIT(ZAP_EVENT_WIPE_END), 0, true},
    {"calls of PyGC_Collect and _PyGC_CollectNoFail, wrapped", "", ZAP_FEATURE_COUNT, 0,
     BIT(ZAP_EVENT_COLLECT) | BIT(ZAP_EVENT_COLLECT_END) | BIT(ZAP_EVENT_GARBAGE), 0, true},
    {"PyImport_GetModuleDict and PySys_GetObject, where no Python code runs", "", ZAP_FEATURE_COUNT,
     0, BIT(ZAP_EVENT_PHASE) | BIT(ZAP_EVENT_UNLISTED), 0, true},
};
enum { MEANS_COUNT = sizeof means / sizeof means[0] };

/* Where an interpreter ends: what a script prints is all that these speak of. */
static const uint64_t by_prints =
    BIT(ZAP_INVARIANT_I12) | BIT(ZAP_INVARIANT_I28) | BIT(ZAP_INVARIANT_Z6);

void zap_script_judge(const struct zap_plan *plan, const struct zap_trace *trace,
                      struct zap_judgement *ret_judgement)
{
    zap_judge(plan, trace, ret_judgement);
    ret_judgement->any_broken = false;
    for (int i = 0; i < ZAP_INVARIANT_COUNT; i++)
        if (zap_plan_ends(plan) && !(by_prints >> i & 1))
            ret_judgement->verdicts[i] = ZAP_SKIPPED;
    for (size_t i = 0; i < MEANS_COUNT; i++) {
        if (means[i].skipped)
            ret_judgement->verdicts[means[i].skipped - 1] = ZAP_SKIPPED;
    }
    for (int i = 0; i < ZAP_INVARIANT_COUNT; i++)
        ret_judgement->any_broken |= ret_judgement->verdicts[i] == ZAP_BROKEN;
}

/* Does a script print this event? */
static bool is_printed(const struct zap_event *event)
{
    switch (event->kind) {
    case ZAP_EVENT_STORE:
    case ZAP_EVENT_SET_NONE:
    case ZAP_EVENT_UNBIND:
        return event->by != ZAP_BY_INTERPRETER;
    case ZAP_EVENT_EMPTY:
        return event->how == ZAP_HOW_CALL;
    case ZAP_EVENT_EMPTY_END:
    case ZAP_EVENT_DICT_GONE:
    case ZAP_EVENT_FREE:
    case ZAP_EVENT_RESURRECT:
    case ZAP_EVENT_DESTROY:
        return false;
    default:
        return true;
    }
}

void zap_script_part(const struct zap_plan *plan, const struct zap_trace *trace,
                     struct zap_trace *ret_trace)
{
    struct reader r = {.plan = plan, .trace = ret_trace, .profile = zap_profile_of(&trace->build)};
    r.is_part = true;
    look_at_acts(&r);
    ret_trace->build = trace->build;
    ret_trace->build.observers = ZAP_SEES_SETS | (trace->build.observers & ZAP_SEES_UNRAISABLE);
    ret_trace->events_count = ret_trace->is_cut = 0;
    for (uint32_t i = 0; i < trace->events_count; i++) {
        if (!is_printed(&trace->events[i]))
            continue;
        struct zap_event event = trace->events[i];
        uint32_t next = i + 1;
        while (next < trace->events_count && !is_printed(&trace->events[next]))
            next++;
        take(&r, &event, next < trace->events_count ? &trace->events[next] : NULL);
    }
}

/* The trace as it is without these means. */
static void leave_out(const struct zap_trace *trace, size_t i, struct zap_trace *ret_trace)
{
    ret_trace->build = trace->build;
    ret_trace->build.observers &= ~means[i].observers;
    ret_trace->events_count = 0;
    ret_trace->is_cut = trace->is_cut;
    for (uint32_t at = 0; at < trace->events_count; at++) {
        if (!(means[i].kinds >> trace->events[at].kind & 1))
            ret_trace->events[ret_trace->events_count++] = trace->events[at];
    }
}

void zap_script_needs(const struct zap_plan *plan, const struct zap_trace *trace,
                      enum zap_invariant_code invariant, struct zap_trace *scratch,
                      struct zap_str *out)
{
    const char *separator = "";
    for (size_t i = 0; i < MEANS_COUNT && invariant != ZAP_INVARIANT_I29; i++) {
        struct zap_judgement judgement;
        if (means[i].is_of_ends && !zap_plan_ends(plan))
            continue;
        leave_out(trace, i, scratch);
        if (scratch->events_count == trace->events_count)
            continue; /* it was of no use here */
        zap_judge(plan, scratch, &judgement);
        if (judgement.verdicts[invariant] == ZAP_BROKEN && means[i].skipped != invariant + 1)
            continue;
        bool has_api = means[i].feature == ZAP_FEATURE_COUNT ||
                       zap_profile_has(zap_profile_of(&trace->build), means[i].feature);
        zap_str_printf(out, "%s%s", separator, has_api ? means[i].api : means[i].before);
        separator = " and ";
    }
    if (!*separator && zap_plan_ends(plan))
        zap_str_add(out, "what runs when the interpreter has ended");
    else if (!*separator)
        zap_str_add(out, "Py_REFCNT, or PyErr_Occurred, where no Python code runs");
}
