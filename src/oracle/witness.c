/* Two accounts of one run, line by line.
 *
 * Both sides are read as a sequence of things (struct thing): on one side from the events of the
 * trace, on the other from the lines of the narration. What only one side can know is no thing:
 * refcounts, what the interpreter does to modules that are none of the plan, names whose line
 * CPython cannot print. The first thing that is not the same ends the comparison.
 *
 *   event of the trace                  told
 *   UNLISTED                            # cleanup[2] removing NAME         3.4 on
 *   MODULE_GONE                         # destroy NAME                     3.4 on
 *   WIPE, when an interpreter ends      # cleanup[3] wiping NAME           before 3.4: # cleanup[1]
 * NAME, ... SET_NONE by the interpreter         #   clear[1] NAME what Python code sees a line of
 * the script PHASE                               whether sys.path was cleared, a module removed or
 * one wiped by then
 *
 * A key that takes itself out of its namespace does so between its line and its event, so of these
 * names nothing is compared.
 *
 * A line about a name does not say whose it is. From 3.4 on it is of the module that is being
 * wiped. Before, a module is also cleared when it dies, in the middle of another's clearing; so
 * when an interpreter of such a version ends, names are compared up to the end's beginning and
 * inside the clearing of plan's modules, and while one dies that has just been cleared. Modules are
 * cleared there in the order of sys.modules, which is that of hashes and depends on all that it
 * holds: where the first difference is which of two modules is cleared, nothing is shown.
 */
#include "oracle/witness.h"

#include "oracle/narration.h"

#include <string.h>

enum { LINE_MAX = 4096, NAME_MAX = 512 };

/* Copy a text, cut where it does not fit. */
static void set_text(char *to, size_t size, const char *text)
{
    struct zap_str out = zap_str_init(to, size);
    zap_str_add(&out, text);
}

/* ---- what cannot be shown ---- */

static bool has_kind(const struct zap_plan *plan, uint8_t kind)
{
    for (unsigned i = 0; i < plan->objects_count; i++)
        if (plan->objects[i].kind == kind)
            return true;
    return false;
}

static bool has_op(const struct zap_plan *plan, uint8_t op)
{
    for (unsigned i = 0; i < plan->acts_count; i++)
        if (plan->acts[i].op == op)
            return true;
    return false;
}

/* Can __builtins__ be something whose end is told? */
static bool has_odd_builtins(const struct zap_plan *plan)
{
    for (unsigned m = 0; m < plan->modules_count; m++)
        for (unsigned g = 0; g < plan->modules[m].globals_count; g++)
            if (plan->modules[m].globals[g].name == ZAP_NAME_BUILTINS)
                return true;
    for (unsigned i = 0; i < plan->acts_count; i++) {
        const struct zap_act *act = &plan->acts[i];
        if (act->name == ZAP_NAME_BUILTINS &&
            (act->op == ZAP_OP_BIND_NODE || act->op == ZAP_OP_BIND_SELF))
            return true;
    }
    return false;
}

static unsigned tellers(const struct zap_plan *plan)
{
    static const uint8_t kinds[] = {ZAP_VALUE_NODE, ZAP_VALUE_CNODE, ZAP_VALUE_CALLBACK,
                                    ZAP_VALUE_OUTSIDE, ZAP_VALUE_GENERATOR};
    unsigned count = 0;
    for (unsigned i = 0; i < plan->objects_count; i++)
        if (memchr(kinds, plan->objects[i].kind, sizeof kinds))
            count++;
    return count;
}

const char *zap_witness_cannot_show(const struct zap_plan *plan, const struct zap_build *build)
{
    if (has_kind(plan, ZAP_VALUE_NEST))
        return "how deep a deallocation goes before it is put off depends on what else is at work";
    if (has_op(plan, ZAP_OP_NEW_AGAIN) ||
        (has_op(plan, ZAP_OP_BIND_AGAIN) && has_op(plan, ZAP_OP_CLEAR)))
        return "where the recursion limit ends a row of instances depends on what calls __del__";
    if (zap_plan_has_setting(plan, ZAP_SETTING_GC_ON))
        return "when a collection comes by itself depends on what else was allocated";
    bool is_inside = zap_plan_ends(plan) && plan->route != ZAP_ROUTE_EXIT;
    if (is_inside &&
        zap_plan_parks_in(plan, ZAP_PARK_CONTEXT) + zap_plan_parks_in(plan, ZAP_PARK_THREAD) > 0)
        return "what runs in a subinterpreter has a thread state of its own, which goes before the "
               "end";
    if (zap_profile_has(zap_profile_of(build), ZAP_FEATURE_ZAP_ON_DEALLOC) &&
        zap_plan_parks_in(plan, ZAP_PARK_ATEXIT) > 1 && has_op(plan, ZAP_OP_RAISE))
        return "atexit stops at an exception that it cannot print, and workers have no sys.stderr";
    if (!zap_profile_has(zap_profile_of(build), ZAP_FEATURE_BUILTINS_CAPTURED) &&
        has_odd_builtins(plan))
        return "the frame of a __del__ holds what __builtins__ was until after its last line";
    if (build->nogil && has_kind(plan, ZAP_VALUE_CNODE))
        return "a code object stands for a C node, and waits for the collector without a GIL";
    if (build->nogil && (plan->modules_count > 1 || tellers(plan) > 1))
        return "without a GIL garbage is collected in the order of addresses";
    return NULL;
}

/* ---- things ---- */

enum thing_kind {
    THING_END, /* there is nothing more */
    THING_SCRIPT,
    THING_REMOVING,
    THING_DESTROY,
    THING_WIPING, /* module: ZAP_NO_MODULE for sys and builtins, which `text` names */
    THING_NAME,
};

struct thing {
    enum thing_kind kind;
    uint8_t module;
    uint8_t as;           /* REMOVING: as the info of UNLISTED */
    uint8_t pass;         /* NAME */
    bool is_first_of_two; /* NAME, from a trace: no name that is not for pass 1 has gone before */
    uint8_t name;         /* NAME, from a trace: enum zap_name_code */
    uint8_t phase;        /* enum zap_end_phase: how far the end has got */
    char text[LINE_MAX];  /* SCRIPT: the line; NAME and WIPING, as told: the name */
    const char *line;     /* as told: the whole line */
};

struct sides {
    const struct zap_plan *plan;
    const struct zap_trace *trace;
    zap_profile profile;
    bool is_old; /* before 3.4 */
    bool ends;   /* the plan's route ends an interpreter */
    bool has_phases;

    /* of the trace */
    uint32_t event;
    uint8_t phase;
    bool is_in_wipe;    /* of a module of the plan */
    uint8_t just_wiped; /* or ZAP_NO_MODULE, as below */
    uint8_t
        dying; /* before 3.4: a module that dies because its clearing is over, or ZAP_NO_MODULE */
    bool saw_pass_two[ZAP_MODULES_MAX];

    /* of what is told */
    const char *at;
    uint8_t told_phase;
    bool has_begun, is_over;
    bool is_foreign; /* the clearing at work is of no module of the plan */
};

/* Which kinds of events are lines of the script. */
static const bool is_of_script[ZAP_EVENT_END] = {
    [ZAP_EVENT_ROUTE] = true,    [ZAP_EVENT_ROUTE_END] = true,   [ZAP_EVENT_DEL] = true,
    [ZAP_EVENT_DEL_END] = true,  [ZAP_EVENT_CNODE] = true,       [ZAP_EVENT_LOOK] = true,
    [ZAP_EVENT_LOOK_ALL] = true, [ZAP_EVENT_DONE] = true,        [ZAP_EVENT_POKED] = true,
    [ZAP_EVENT_CALLBACK] = true, [ZAP_EVENT_FINALLY] = true,     [ZAP_EVENT_COLLECT] = true,
    [ZAP_EVENT_SPAWN] = true,    [ZAP_EVENT_COLLECT_END] = true, [ZAP_EVENT_RELOADED] = true,
    [ZAP_EVENT_FAILED] = true,   [ZAP_EVENT_KEPT] = true,        [ZAP_EVENT_TRAP] = true,
    [ZAP_EVENT_ATEXIT] = true,   [ZAP_EVENT_ATEXIT_END] = true,  [ZAP_EVENT_DEAD_KEY] = true,
    [ZAP_EVENT_SENTINEL] = true,
};

static bool is_script_event(const struct sides *s, const struct zap_event *event)
{
    if (event->kind == ZAP_EVENT_ROUTE_END)
        return !s->ends; /* nothing is left that could say it */
    if (event->kind == ZAP_EVENT_COLLECT || event->kind == ZAP_EVENT_COLLECT_END)
        return event->by != ZAP_BY_INTERPRETER;
    return is_of_script[event->kind];
}

/* ---- names, as CPython prints them ---- */

/* Append a code point in UTF-8. */
static void add_utf8(unsigned point, struct zap_str *out)
{
    char bytes[3];
    size_t len = 0;
    if (point < 0x80) {
        bytes[len++] = (char)point;
    } else if (point < 0x800) {
        bytes[len++] = (char)(0xc0 | point >> 6);
        bytes[len++] = (char)(0x80 | (point & 0x3f));
    } else {
        bytes[len++] = (char)(0xe0 | point >> 12);
        bytes[len++] = (char)(0x80 | (point >> 6 & 0x3f));
        bytes[len++] = (char)(0x80 | (point & 0x3f));
    }
    zap_str_add_bytes(out, bytes, len);
}

static unsigned hex_of(const char *digits, size_t count)
{
    unsigned value = 0;
    for (size_t i = 0; i < count; i++) {
        const char *digit = strchr("0123456789abcdef", digits[i]);
        value = value * 16 + (digit ? (unsigned)(digit - "0123456789abcdef") : 0);
    }
    return value;
}

/* The text of a str literal's inside, up to the quote, or a NUL in it. native: of 2.7, where \u is
 * two letters and \x a byte. False where it has a lone surrogate, which no line can hold. */
static bool add_literal(const char *at, bool native, struct zap_str *out)
{
    for (; *at && *at != '\''; at++) {
        if (*at != '\\' || (native && at[1] == 'u')) {
            zap_str_add_bytes(out, at, 1);
        } else if (at[1] == '0') {
            return true;
        } else {
            size_t digits = at[1] == 'x' ? 2 : 4;
            unsigned point = hex_of(at + 2, digits);
            if (point >= 0xd800 && point < 0xe000)
                return false;
            if (native)
                zap_str_add_bytes(out, &(char){(char)point}, 1);
            else
                add_utf8(point, out);
            at += 1 + digits;
        }
    }
    return true;
}

/* What the line about a name says of it; false where there is no line. The expressions are those of
 * name.def: a literal, a class called with one, or one times a number. */
static bool add_name(const struct sides *s, uint8_t name, struct zap_str *out)
{
    const struct zap_name_row *row = zap_name_row(name);
    const char *quote = row ? strchr(row->py, '\'') : NULL;
    if (!quote)
        return false; /* an object that is no str is not cleared */
    bool native = zap_profile_has(s->profile, ZAP_FEATURE_ONLY_NATIVE_STR);
    const char *factor = strstr(quote, "' * ");
    unsigned times = 1;
    if (factor) {
        times = 0;
        for (const char *digit = factor + 4; *digit >= '0' && *digit <= '9'; digit++)
            times = times * 10 + (unsigned)(*digit - '0');
    }
    bool is_printed = true;
    for (unsigned i = 0; i < times; i++)
        is_printed = add_literal(quote + 1, native, out);
    return is_printed;
}

/* Is there a line about this name that can be compared? */
static bool has_line(const struct sides *s, uint8_t name)
{
    char text[NAME_MAX];
    struct zap_str out = zap_str_init(text, sizeof text);
    return name == ZAP_NAME_NO ||
           (name != ZAP_NAME_TRAP && name != ZAP_NAME_U_TRAP && add_name(s, name, &out));
}

/* Can a name of the trace be the one that was told? */
static bool is_name(const struct sides *s, uint8_t name, const char *told)
{
    char text[NAME_MAX];
    if (name != ZAP_NAME_NO) {
        struct zap_str out = zap_str_init(text, sizeof text);
        return add_name(s, name, &out) && strcmp(text, told) == 0;
    }
    for (uint8_t other = 1; other < ZAP_NAME_END; other++) {
        struct zap_str out = zap_str_init(text, sizeof text);
        if (add_name(s, other, &out) && strcmp(text, told) == 0)
            return false;
    }
    return true;
}

/* ---- what must be told ---- */

/* Is a name of the plan set to None where that is told of, and told of as the plan's? */
static bool is_told_name(const struct sides *s, const struct zap_event *event)
{
    bool is_pass = event->by == ZAP_BY_INTERPRETER && (event->info == 1 || event->info == 2);
    bool is_here = !s->ends || s->is_in_wipe || s->dying != ZAP_NO_MODULE ||
                   (s->is_old && s->phase < ZAP_END_SYS);
    return is_pass && is_here && has_line(s, event->name);
}

static void begin_passes(struct sides *s, const struct zap_event *event)
{
    if (event->module < ZAP_MODULES_MAX)
        s->saw_pass_two[event->module] = false;
}

/* Had the second pass begun, as far as a worker can tell? It does not see passes but names: one
 * that is left over from the first pass, and goes first in the second, it takes for one of the
 * first. */
static bool saw_pass_two(struct sides *s, const struct zap_event *event)
{
    bool saw = event->module < ZAP_MODULES_MAX && s->saw_pass_two[event->module];
    if (event->module < ZAP_MODULES_MAX && event->by == ZAP_BY_INTERPRETER && event->info == 2)
        s->saw_pass_two[event->module] = true;
    return saw;
}

/* Does a phase come in its turn? Not the loss of builtins by a subinterpreter that has lost its
 * modules. */
static bool is_in_turn(const struct sides *s, uint8_t phase)
{
    return phase != ZAP_END_BUILTINS_WIPED || s->phase >= ZAP_END_SYS_WIPED ||
           s->plan->route == ZAP_ROUTE_EXIT ||
           !zap_profile_has(s->profile, ZAP_FEATURE_SUBINTERP_LOSES_BUILTINS);
}

static bool thing_of_event(struct sides *s, const struct zap_event *event, struct thing *ret_thing)
{
    struct zap_str text = zap_str_init(ret_thing->text, sizeof ret_thing->text);
    uint8_t just_wiped = s->just_wiped;
    if (event->kind != ZAP_EVENT_UNLISTED && event->kind != ZAP_EVENT_AFTER)
        s->just_wiped = event->kind == ZAP_EVENT_WIPE_END ? event->module : ZAP_NO_MODULE;
    ret_thing->module = event->module;
    ret_thing->phase = s->phase;
    if (is_script_event(s, event)) {
        ret_thing->kind = THING_SCRIPT;
        zap_trace_print_one(event, &text);
        return true;
    }
    switch (event->kind) {
    case ZAP_EVENT_PHASE:
        if (is_in_turn(s, event->info))
            s->phase = event->info;
        return false;
    case ZAP_EVENT_UNLISTED:
        ret_thing->kind = THING_REMOVING;
        ret_thing->as = event->info;
        return !s->is_old;
    case ZAP_EVENT_MODULE_GONE:
        ret_thing->kind = THING_DESTROY;
        begin_passes(s, event);
        if (s->is_old && s->dying == ZAP_NO_MODULE && just_wiped == event->module)
            s->dying = event->module;
        return !s->is_old;
    case ZAP_EVENT_WIPE:
        begin_passes(s, event);
        ret_thing->kind = THING_WIPING;
        s->is_in_wipe = event->module != ZAP_NO_MODULE;
        zap_str_add(&text, event->info == 3 ? "sys" : event->info == 4 ? "builtins" : "");
        return s->ends;
    case ZAP_EVENT_WIPE_END:
        s->is_in_wipe = false;
        return false;
    case ZAP_EVENT_MODULE_END:
        if (s->dying == event->module)
            s->dying = ZAP_NO_MODULE;
        return false;
    case ZAP_EVENT_SET_NONE:
        ret_thing->kind = THING_NAME;
        ret_thing->pass = event->info;
        ret_thing->name = event->name;
        ret_thing->is_first_of_two = !saw_pass_two(s, event);
        return (s->trace->build.observers & ZAP_SEES_SETS) && is_told_name(s, event);
    default:
        return false;
    }
}

static void next_of_trace(struct sides *s, struct thing *ret_thing)
{
    while (s->event < s->trace->events_count)
        if (thing_of_event(s, &s->trace->events[s->event++], ret_thing))
            return;
    ret_thing->kind = THING_END;
}

/* ---- what was told ---- */

static bool number_behind(const char *text, const char *begins, unsigned limit,
                          unsigned *ret_number)
{
    size_t len = strlen(begins);
    unsigned number = 0;
    if (strncmp(text, begins, len) != 0 || !text[len])
        return false;
    for (const char *digit = text + len; *digit; digit++) {
        if (*digit < '0' || *digit > '9' || number > limit)
            return false;
        number = number * 10 + (unsigned)(*digit - '0');
    }
    *ret_number = number;
    return number < limit;
}

/* The module that a park holds, as one or as an object; ZAP_NO_MODULE: none. */
static uint8_t module_of(const struct zap_plan *plan, const struct zap_park *park)
{
    if (park->is_module)
        return park->what;
    const struct zap_object *object = &plan->objects[park->what];
    return object->kind == ZAP_VALUE_MODULE ? object->module : ZAP_NO_MODULE;
}

/* The module of the plan that is listed under a name, and as what; ZAP_NO_MODULE: none is. */
static uint8_t listed_as(const struct zap_plan *plan, const char *name, uint8_t *ret_as)
{
    unsigned number;
    uint8_t module = ZAP_NO_MODULE;
    *ret_as = 0;
    if (number_behind(name, "m", plan->modules_count, &number))
        return (uint8_t)number;
    if (number_behind(name, "zap_park", plan->parks_count, &number) &&
        plan->parks[number].place == ZAP_PARK_MODULES) {
        *ret_as = 1;
        return module_of(plan, &plan->parks[number]);
    }
    for (unsigned i = 0; i < plan->parks_count && strcmp(name, "__main__") == 0; i++)
        if (plan->parks[i].place == ZAP_PARK_MAIN)
            module = plan->parks[i].what;
    *ret_as = 2;
    return module;
}

static bool is_sys_or_builtins(const struct zap_told *told, const char *name)
{
    return told->pass == 0 && (strcmp(name, "sys") == 0 || strcmp(name, "builtins") == 0);
}

static bool thing_of_narration(struct sides *s, const struct zap_told *told, struct thing *thing)
{
    bool sees_ends = (s->trace->build.observers & ZAP_SEES_ENDS) != 0;
    thing->module = listed_as(s->plan, thing->text, &thing->as);
    bool is_ours = thing->module != ZAP_NO_MODULE;
    switch (told->kind) {
    case ZAP_TOLD_CLEAR:
        if (strcmp(thing->text, "sys.path") == 0)
            s->told_phase = ZAP_END_SYS;
        return false;
    case ZAP_TOLD_REMOVING:
        thing->kind = THING_REMOVING;
        s->told_phase = ZAP_END_REMOVING;
        return is_ours && sees_ends && s->ends;
    case ZAP_TOLD_DESTROY:
        thing->kind = THING_DESTROY;
        return is_ours && thing->as == 0;
    case ZAP_TOLD_WIPING:
        if (strcmp(thing->text, "__builtin__") == 0)
            set_text(thing->text, sizeof thing->text, "builtins");
        thing->kind = THING_WIPING;
        s->is_foreign = !is_ours;
        if (is_ours)
            thing->text[0] = '\0';
        s->told_phase = s->is_old ? ZAP_END_SYS : ZAP_END_EMPTIED;
        return s->ends && sees_ends && (is_ours || is_sys_or_builtins(told, thing->text));
    case ZAP_TOLD_NAME:
        thing->kind = THING_NAME;
        thing->pass = told->pass;
        if (strcmp(thing->text, "t") == 0 || strcmp(thing->text, "_t") == 0)
            return false; /* a trap's */
        if (s->is_old && s->told_phase >= ZAP_END_SYS && s->is_foreign)
            return false;
        return !s->is_foreign && (s->trace->build.observers & ZAP_SEES_SETS);
    default:
        return false;
    }
}

/* The row of the event that a line of the script is about; NULL: it is none. */
static const struct zap_event_row *row_of_line(const char *line)
{
    size_t len = strcspn(line, " ");
    for (unsigned code = 0; *line && code < ZAP_EVENT_END; code++) {
        const struct zap_event_row *row = zap_event_row(code);
        if (row && is_of_script[code] && strlen(row->token) == len &&
            strncmp(line, row->token, len) == 0)
            return row;
    }
    return NULL;
}

static bool thing_of_line(struct sides *s, const char *line, const struct zap_told *told,
                          struct thing *thing)
{
    struct zap_str text = zap_str_init(thing->text, sizeof thing->text);
    zap_str_add_bytes(&text, told->text, told->len);
    thing->line = line;
    thing->module = ZAP_NO_MODULE;
    if (told->kind != ZAP_TOLD_NOTHING)
        return s->has_begun && thing_of_narration(s, told, thing);
    const struct zap_event_row *row = row_of_line(thing->text);
    if (!row)
        return false;
    thing->kind = THING_SCRIPT;
    s->has_begun = true;
    s->is_over = row->code == ZAP_EVENT_ROUTE_END;
    return true;
}

static void next_told(struct sides *s, struct thing *ret_thing)
{
    struct zap_told told;
    for (const char *line = s->at; !s->is_over && zap_narration_next(&s->at, &told); line = s->at) {
        bool is_thing = thing_of_line(s, line, &told, ret_thing);
        ret_thing->phase = s->told_phase;
        if (is_thing)
            return;
    }
    ret_thing->kind = THING_END;
}

/* ---- side by side ---- */

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

/* Does the script's line say what the worker's event says? A namespace that has left sys.modules
 * has no state for a script that belongs elsewhere. */
static bool is_same_line(const char *told, const char *from_trace)
{
    static const char *const unknown[] = {" refs=", " how=", NULL};
    static const char *const state[] = {
        " gone=", " bound=", " none=", " builtins=", " size=", NULL};
    char line[LINE_MAX], event[LINE_MAX];
    set_text(line, sizeof line, told);
    set_text(event, sizeof event, from_trace);
    remove_fields(event, unknown);
    if (strstr(line, " gone=yes") || strncmp(line, "cnode ", 6) == 0) {
        remove_fields(line, state);
        remove_fields(event, state);
    }
    return strcmp(line, event) == 0;
}

static bool is_same_thing(const struct sides *s, const struct thing *told,
                          const struct thing *event)
{
    if (told->kind != event->kind)
        return false;
    switch (told->kind) {
    case THING_END:
        return true;
    case THING_SCRIPT:
        return is_same_line(told->text, event->text);
    case THING_REMOVING:
        return told->module == event->module && told->as == event->as;
    case THING_DESTROY:
        return told->module == event->module;
    case THING_WIPING:
        return told->module == event->module && strcmp(told->text, event->text) == 0;
    case THING_NAME:
        return is_name(s, event->name, told->text) &&
               (told->pass == event->pass ||
                (told->pass == 2 && event->pass == 1 && event->is_first_of_two));
    }
    return false;
}

/* Had the end got as far by then, on both sides? What is told marks the beginning of a phase whose
 * end the trace marks, so only this can be asked. */
static bool is_same_phase(const struct sides *s, const struct thing *told,
                          const struct thing *event)
{
    uint8_t t = told->phase, e = event->phase;
    if (!s->has_phases || told->kind == THING_END)
        return true;
    if ((t >= ZAP_END_SYS) != (e >= ZAP_END_SYS))
        return false;
    if (s->is_old)
        return true;
    if (told->kind != THING_REMOVING && (t >= ZAP_END_REMOVING) != (e >= ZAP_END_REMOVING))
        return false;
    return (t < ZAP_END_EMPTIED || e >= ZAP_END_EMPTIED) &&
           (e < ZAP_END_SYS_WIPED || t >= ZAP_END_EMPTIED);
}

static void explain(const struct sides *s, const struct thing *told, const struct thing *event,
                    bool is_phase, struct zap_str *why)
{
    zap_str_add(why, "told:  ");
    if (told->kind == THING_END)
        zap_str_add(why, "nothing more");
    else
        zap_str_add_bytes(why, told->line, strcspn(told->line, "\n"));
    zap_str_add(why, "\ntrace: ");
    if (event->kind == THING_END)
        zap_str_add(why, "nothing more");
    else
        zap_trace_print_event(s->trace, s->event - 1, why);
    if (is_phase)
        zap_str_printf(
            why,
            "\nand the end of the interpreter had got elsewhere: phase %u told, %u in the trace",
            told->phase, event->phase);
    zap_str_add(why, "\n");
}

/* A script that cannot do what the plan says tells so, and ends; or it finds out that it has no
 * end. */
static bool is_given_up(const char *told, struct zap_str *why)
{
    struct zap_told line;
    for (const char *at = told; zap_narration_next(&at, &line);) {
        if (strncmp(line.text, "# park ", 7) != 0 && strncmp(line.text, "# route ", 8) != 0 &&
            strncmp(line.text, "# endless: ", 11) != 0)
            continue;
        zap_str_add_bytes(why, line.text + 2, line.len - 2);
        return true;
    }
    return false;
}

/* Where the interpreter begins to end: after the last line of the script that comes before that. */
static const char *end_of_interpreter(const struct sides *s, const char *told)
{
    struct zap_told line;
    for (const char *at = s->ends ? told : s->at; zap_narration_next(&at, &line);)
        if (!s->ends || strncmp(line.text, "route ", 6) == 0)
            return at;
    return told;
}

void zap_witness_compare(const struct zap_plan *plan, const struct zap_trace *trace,
                         const char *told, struct zap_str *why, struct zap_witness *ret_witness)
{
    struct sides s = {.plan = plan,
                      .trace = trace,
                      .profile = zap_profile_of(&trace->build),
                      .ends = zap_plan_ends(plan),
                      .just_wiped = ZAP_NO_MODULE,
                      .dying = ZAP_NO_MODULE,
                      .at = told};
    struct thing line = {.kind = THING_END}, event = {.kind = THING_END};
    s.is_old = zap_profile_has(s.profile, ZAP_FEATURE_ZAP_ON_DEALLOC);
    for (uint32_t i = 0; i < trace->events_count; i++)
        s.has_phases = s.has_phases || trace->events[i].kind == ZAP_EVENT_PHASE;
    *ret_witness = (struct zap_witness){.end = ZAP_WITNESS_NOT_SHOWN};
    const char *cannot = zap_witness_cannot_show(plan, &trace->build);
    for (uint32_t i = 0; !cannot && s.ends && i < trace->events_count; i++)
        if (trace->events[i].kind == ZAP_EVENT_TRAP)
            cannot = "a script cannot know from which namespace a key is to take itself out then";
    if (!cannot && trace->is_cut)
        cannot = "more happens than a trace holds";
    if (cannot)
        zap_str_add(why, cannot);
    if (cannot || is_given_up(told, why))
        return;
    ret_witness->end = ZAP_WITNESS_DISAGREES;
    do {
        next_told(&s, &line);
        next_of_trace(&s, &event);
        bool is_same = is_same_thing(&s, &line, &event);
        if (s.is_old && line.kind == THING_WIPING && event.kind == THING_WIPING && !is_same) {
            ret_witness->end = ZAP_WITNESS_NOT_SHOWN;
            zap_str_add(
                why,
                "modules are cleared in the hash order of sys.modules, which holds others too");
            return;
        }
        if (!is_same || !is_same_phase(&s, &line, &event)) {
            explain(&s, &line, &event, is_same, why);
            return;
        }
        ret_witness->lines += line.kind != THING_END;
        ret_witness->narrated += line.kind != THING_END && line.kind != THING_SCRIPT;
    } while (line.kind != THING_END);
    if (ret_witness->lines == 0) {
        zap_str_add(why, "nothing was told at all\n");
        return;
    }
    if (!zap_narration_keeps_order(end_of_interpreter(&s, told), s.profile, why,
                                   &ret_witness->ordered)) {
        zap_str_add(why, "\n");
        return;
    }
    ret_witness->end = ZAP_WITNESS_AGREES;
}
