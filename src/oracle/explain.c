/* A plan in words.
 *
 * The first half of the text repeats the plan: names, objects, scripts. The second half says how
 * each module's globals will go, which depends on who refers to the module's dict when it is
 * dropped:
 *
 *     Z  up to 3.3, the module object goes: its names are set to None in two passes
 *     D  3.4 on, the module object goes and nobody else refers to its dict: dict order
 *     G  3.4 on, the dict hangs off a cycle: only the collector can free it, finalizers first
 *     W  every version, somebody wipes the namespace: two passes
 *
 * So the objects are put into a graph of strong references, closed transitively, and a module whose
 * dict a cycle reaches is G. A class is always in a cycle (with its own __mro__ and descriptors),
 * and it reaches the globals of its methods: a module whose class is in use anywhere is G.
 *
 * When an interpreter ends, what decides is what can still be reached when it wipes the modules
 * that are left: from places that go later, or never. Places are therefore put into the order in
 * which they go.
 *
 * This describes the plan as built. Scripts change the graph while it falls apart; the text says
 * that they can, and does not follow them.
 */
#include "oracle/explain.h"

#include <string.h>

/* ---- pieces of text ---- */

/* Append a row's words with {m}, {n} and {t} or {x} filled in. */
static void add_pattern(const char *pattern, const char *module, const char *name,
                        const char *target, struct zap_str *out)
{
    while (*pattern) {
        size_t len = strcspn(pattern, "{");
        zap_str_add_bytes(out, pattern, len);
        pattern += len;
        if (*pattern == '{') {
            zap_str_add(out, pattern[1] == 'm' ? module : pattern[1] == 'n' ? name : target);
            pattern += strlen("{m}");
        }
    }
}

/* "m3" or "o12", by value. */
struct label {
    char text[8];
};

static struct label label_of(char letter, unsigned number)
{
    struct label label;
    struct zap_str str = zap_str_init(label.text, sizeof(label.text));
    zap_str_printf(&str, "%c%u", letter, number);
    return label;
}

static const char *name_token(unsigned name)
{
    return zap_name_row(name)->token;
}

/* Append "o1", "o1 and o2", "o1, o2 and o3": the item number `i` of `count`. */
static void add_separator(unsigned i, unsigned count, struct zap_str *out)
{
    if (i > 0) {
        zap_str_add(out, i + 1 == count ? " and " : ", ");
    }
}

/* Append the objects of a set, which is not empty. */
static void add_objects(uint64_t objects, struct zap_str *out)
{
    unsigned count = (unsigned)__builtin_popcountll(objects);
    unsigned i = 0;
    for (unsigned object = 0; object < ZAP_OBJECTS_MAX; object++) {
        if ((objects >> object) & 1) {
            add_separator(i++, count, out);
            zap_str_printf(out, "o%u", object);
        }
    }
}

/* ---- the graph of strong references ---- */

/* A vertex: an object's number, or one of these plus a module's number. */
enum {
    DICT_AT = ZAP_OBJECTS_MAX,
    MODULE_AT = DICT_AT + ZAP_MODULES_MAX,
    VERTICES_MAX = MODULE_AT + ZAP_MODULES_MAX,
};
_Static_assert(VERTICES_MAX <= 64, "a set of vertices is one uint64_t");

#define BIT(vertex) (UINT64_C(1) << (vertex))

struct graph {
    uint64_t edges[VERTICES_MAX];
    uint64_t reach[VERTICES_MAX]; /* by one edge or more */
    uint64_t on_cycle;            /* what cycles reach, those of classes included */
    uint64_t kept; /* what a dict that is held reaches, or a module that is not dropped */
};

/* The vertex that an object refers to by its kind, links aside, or VERTICES_MAX. */
static unsigned referent_of(const struct zap_object *object)
{
    const struct zap_value_row *row = zap_value_row(object->kind);
    if (row->target == ZAP_TARGET_NODE) {
        /* all other kinds with a target refer to it weakly */
        return object->kind == ZAP_VALUE_METHOD ? object->target : VERTICES_MAX;
    }
    if (row->place == ZAP_PLACE_NOWHERE || object->module == ZAP_ELSEWHERE) {
        return VERTICES_MAX;
    }
    return object->module + (unsigned)(object->kind == ZAP_VALUE_MODULE ? MODULE_AT : DICT_AT);
}

/* Is there a class of a module behind this object? */
static bool has_class(const struct zap_object *object)
{
    return (object->kind == ZAP_VALUE_NODE && object->module != ZAP_ELSEWHERE) ||
           object->kind == ZAP_VALUE_CLASS;
}

static struct graph graph_of(const struct zap_plan *plan)
{
    struct graph graph = {0};
    for (unsigned m = 0; m < plan->modules_count; m++) {
        graph.edges[MODULE_AT + m] |= BIT(DICT_AT + m);
        for (unsigned g = 0; g < plan->modules[m].globals_count; g++) {
            graph.edges[DICT_AT + m] |= BIT(plan->modules[m].globals[g].object);
        }
    }
    for (unsigned o = 0; o < plan->objects_count; o++) {
        unsigned referent = referent_of(&plan->objects[o]);
        graph.edges[o] |= referent < VERTICES_MAX ? BIT(referent) : 0;
    }
    for (unsigned l = 0; l < plan->links_count; l++) {
        graph.edges[plan->links[l].from] |= BIT(plan->links[l].to);
    }
    memcpy(graph.reach, graph.edges, sizeof(graph.reach));
    for (unsigned via = 0; via < VERTICES_MAX; via++) {
        for (unsigned from = 0; from < VERTICES_MAX; from++) {
            graph.reach[from] |= (graph.reach[from] & BIT(via)) ? graph.reach[via] : 0;
        }
    }
    for (unsigned vertex = 0; vertex < VERTICES_MAX; vertex++) {
        if (graph.reach[vertex] & BIT(vertex)) {
            graph.on_cycle |= graph.reach[vertex];
        }
    }
    for (unsigned o = 0; o < plan->objects_count; o++) {
        if (has_class(&plan->objects[o])) {
            unsigned dict = DICT_AT + plan->objects[o].module;
            graph.on_cycle |= BIT(dict) | graph.reach[dict];
        }
    }
    for (unsigned m = 0; m < plan->modules_count; m++) {
        bool stays = plan->modules[m].held || (plan->route == ZAP_ROUTE_FAILED_IMPORT && m > 0);
        graph.kept |= stays ? BIT(DICT_AT + m) | graph.reach[DICT_AT + m] : 0;
    }
    return graph;
}

/* ---- what the plan is ---- */

static void add_object(const struct zap_plan *plan, const struct zap_plan_index *index, unsigned o,
                       struct zap_str *out)
{
    const struct zap_object *object = &plan->objects[o];
    const struct zap_value_row *row = zap_value_row(object->kind);
    zap_str_printf(out, "o%u, ", o);
    if (object->kind == ZAP_VALUE_NODE && object->module == ZAP_ELSEWHERE) {
        zap_str_add(out, "an instance of a class that no module of the plan defines");
    } else {
        add_pattern(row->words, label_of('m', object->module).text, "",
                    label_of('o', object->target).text, out);
    }
    unsigned from = index->link_at[o], to = index->link_at[o + 1];
    for (unsigned l = from; l < to; l++) {
        zap_str_add(out, l == from ? "; it holds " : "");
        add_separator(l - from, to - from, out);
        zap_str_printf(out, "o%u", plan->links[l].to);
    }
}

static void add_modules(const struct zap_plan *plan, const struct zap_plan_index *index,
                        struct zap_str *out)
{
    uint64_t named = 0;
    for (unsigned m = 0; m < plan->modules_count; m++) {
        const struct zap_module *module = &plan->modules[m];
        zap_str_printf(out, "\nm%u%s%s %s\n", m,
                       !module->unlisted ? ""
                       : module->held    ? ", which was taken out of sys.modules and"
                                         : ", which was taken out of sys.modules,",
                       !module->held ? ""
                       : module->unlisted
                           ? " whose __dict__ somebody else holds until the route is over,"
                           : ", whose __dict__ somebody else holds until the route is over,",
                       module->globals_count ? "binds, in this order:" : "binds no names.");
        for (unsigned g = 0; g < module->globals_count; g++) {
            const struct zap_global *global = &module->globals[g];
            zap_str_printf(out, "    %s = ", name_token(global->name));
            if (named & BIT(global->object)) {
                zap_str_printf(out, "o%u, which is also %s of m%u", global->object,
                               name_token(index->home_name[global->object]),
                               index->home_module[global->object]);
            } else {
                add_object(plan, index, global->object, out);
                named |= BIT(global->object);
            }
            zap_str_add(out, global->again == ZAP_AGAIN_INT    ? "; the second time, an int"
                             : global->again == ZAP_AGAIN_NONE ? "; the second time, None"
                                                               : "");
            zap_str_add(out, "\n");
        }
    }
    bool is_first = true;
    for (unsigned o = 0; o < plan->objects_count; o++) {
        if (!(named & BIT(o))) {
            zap_str_add(out, is_first ? "\nObjects without a name of their own:\n" : "");
            zap_str_add(out, "    ");
            add_object(plan, index, o, out);
            zap_str_add(out, "\n");
            is_first = false;
        }
    }
}

static void add_act(const struct zap_plan *plan, const struct zap_act *act, struct zap_str *out)
{
    const struct zap_op_row *row = zap_op_row(act->op);
    zap_str_add(out, "    ");
    add_pattern(row->words, label_of('m', act->module).text,
                row->operands == ZAP_OPERANDS_NAME ? name_token(act->name) : "", "", out);
    if (row->operands != ZAP_OPERANDS_NONE && act->op != ZAP_OP_UNLIST &&
        plan->objects[act->node].module != act->module) {
        zap_str_add(out, ", through sys.modules");
    }
    zap_str_add(out, "\n");
}

static void add_scripts(const struct zap_plan *plan, const struct zap_plan_index *index,
                        struct zap_str *out)
{
    uint64_t silent = 0;
    for (unsigned o = 0; o < plan->objects_count; o++) {
        if (plan->objects[o].kind != ZAP_VALUE_NODE) {
            continue;
        }
        if (index->act_at[o] == index->act_at[o + 1]) {
            silent |= BIT(o);
            continue;
        }
        zap_str_printf(out, "\nThe __del__ of o%u\n", o);
        for (unsigned a = index->act_at[o]; a < index->act_at[o + 1]; a++) {
            add_act(plan, &plan->acts[a], out);
            if (plan->acts[a].op == ZAP_OP_RAISE && a + 1 < index->act_at[o + 1]) {
                zap_str_add(out, "    and never gets to what follows:\n");
            }
        }
    }
    if (silent) {
        zap_str_add(out, "\nThe __del__ of ");
        add_objects(silent, out);
        zap_str_add(out, " only records that it ran.\n");
    }
}

/* What holds what beside the modules, in that order, and what the interpreter is like. */
static void add_surroundings(const struct zap_plan *plan, struct zap_str *out)
{
    for (unsigned i = 0; i < plan->parks_count; i++) {
        const struct zap_park *park = &plan->parks[i];
        zap_str_add(out, i == 0 ? "\nBeside the modules\n    " : "    ");
        add_pattern(zap_park_row(park->place)->words, "", "",
                    label_of(park->is_module ? 'm' : 'o', park->what).text, out);
        zap_str_add(out, "\n");
    }
    zap_str_add(out, plan->settings != 0 ? "\nWhen the interpreter ends\n" : "");
    for (unsigned code = 1; code < ZAP_SETTING_END; code++) {
        if (zap_plan_has_setting(plan, code)) {
            zap_str_printf(out, "    %s\n", zap_setting_row(code)->words);
        }
    }
}

/* ---- what to expect ---- */

/* The pass that sets a name to None: 1, 2, or 3 for neither.
 *
 * is_old  as 2.7 does it
 */
static unsigned pass_of(unsigned name, bool is_old)
{
    const struct zap_name_row *row = zap_name_row(name);
    switch (row->cls) {
    case ZAP_CLASS_UNDERSCORE:
        return 1;
    case ZAP_CLASS_PUBLIC:
        return 2;
    case ZAP_CLASS_BUILTINS:
    case ZAP_CLASS_NONSTR:
        return 3;
    case ZAP_CLASS_UNICODE:
    case ZAP_CLASS_BUILTINS_NUL:
        return is_old ? 3 : 2;
    case ZAP_CLASS_UNICODE_U:
        return is_old ? 3 : 1;
    }
    return 3;
}

/* Append a module's names of one pass, or of all (0), in the order in which they are bound. None is
 * not set to None again. Appends nothing and returns false where there is no such name. */
static bool add_pass(const struct zap_plan *plan, unsigned m, unsigned pass, bool is_old,
                     const char *before, const char *after, struct zap_str *out)
{
    const struct zap_module *module = &plan->modules[m];
    unsigned names[ZAP_GLOBALS_MAX];
    unsigned count = 0;
    for (unsigned g = 0; g < module->globals_count; g++) {
        const struct zap_global *global = &module->globals[g];
        bool is_none = plan->objects[global->object].kind == ZAP_VALUE_NONE;
        if (pass == 0 || (pass_of(global->name, is_old) == pass && (pass == 3 || !is_none))) {
            names[count++] = global->name;
        }
    }
    for (unsigned i = 0; i < count; i++) {
        zap_str_add(out, i == 0 ? before : "");
        add_separator(i, count, out);
        zap_str_add(out, name_token(names[i]));
    }
    zap_str_add(out, count ? after : "");
    return count > 0;
}

/* Append the two passes over a module's names. */
static void add_passes(const struct zap_plan *plan, unsigned m, bool is_old, struct zap_str *out)
{
    bool first = add_pass(plan, m, 1, is_old, " Pass 1 sets ", " to None.", out);
    bool second = add_pass(plan, m, 2, is_old, first ? " Pass 2 sets " : " Only pass 2 sets any: ",
                           first ? " to None." : ".", out);
    if (!first && !second) {
        zap_str_add(out, " Of the plan's names there is none to set to None.");
    } else if (!second) {
        zap_str_add(out, " Pass 2 finds none of the plan's names.");
    }
    add_pass(plan, m, 3, is_old, " It leaves alone ", ".", out);
}

/* The objects that refer to the dict of module m, or to the module. */
static uint64_t holders_of(const struct zap_plan *plan, const struct graph *graph, unsigned m)
{
    uint64_t holders = 0;
    for (unsigned o = 0; o < plan->objects_count; o++) {
        holders |= (graph->edges[o] & (BIT(DICT_AT + m) | BIT(MODULE_AT + m))) ? BIT(o) : 0;
    }
    return holders;
}

static bool is_one(uint64_t set)
{
    return (set & (set - 1)) == 0;
}

/* Append why a cycle reaches the dict of module m, which one does. */
static void add_cycle(const struct zap_plan *plan, const struct graph *graph, unsigned m,
                      struct zap_str *out)
{
    uint64_t holders = holders_of(plan, graph, m);
    uint64_t closing = holders & graph->reach[DICT_AT + m];
    uint64_t classed = 0;
    for (unsigned o = 0; o < plan->objects_count; o++) {
        bool is_its = has_class(&plan->objects[o]) && plan->objects[o].module == m;
        classed |= is_its ? BIT(o) : 0;
    }
    if (classed) {
        zap_str_printf(out, "m%u defines the class of ", m);
        add_objects(classed, out);
        zap_str_add(out, ", so its dict is in a cycle");
    } else if (closing) {
        zap_str_printf(out, "m%u's own names lead to ", m);
        add_objects(closing, out);
        zap_str_printf(out, ", and %s back to its dict, so that is in a cycle",
                       is_one(closing) ? "that leads" : "those lead");
    } else {
        zap_str_printf(out, "m%u's dict hangs off a cycle, by way of ", m);
        add_objects(holders, out);
        zap_str_add(out, ", so it goes with that");
    }
}

/* Append how a module goes that is dropped. */
static void add_dropped(const struct zap_plan *plan, const struct graph *graph, unsigned m,
                        struct zap_str *out)
{
    unsigned dict = DICT_AT + m;
    uint64_t holders = holders_of(plan, graph, m);
    zap_str_add(out, "\n");
    if (plan->modules[m].held) {
        zap_str_printf(out,
                       "m%u's dict is held, so from 3.4 on the module object goes alone, and every "
                       "name stays as it was until the route is over.",
                       m);
    } else if (graph->kept & BIT(dict)) {
        zap_str_printf(
            out,
            "m%u's dict can be reached from what stays until the route is over, so from 3.4 on "
            "it does too.",
            m);
    } else if (graph->on_cycle & BIT(dict)) {
        add_cycle(plan, graph, m, out);
        zap_str_add(out,
                    " and only the collector can free it (path G, 3.4 on). Every __del__ finds "
                    "all names in place, underscore or not; afterwards the dict is emptied.");
        if (plan->route != ZAP_ROUTE_COLLECT) {
            zap_str_add(out,
                        " This route does not collect, so all of it is still there at its end.");
        }
    } else {
        zap_str_printf(out,
                       "No cycle reaches m%u's dict, so it goes with its last reference (path D, "
                       "3.4 on)",
                       m);
        if (!add_pass(plan, m, 0, false,
                      ", and its values go in dict order, underscore or not: ", ".", out)) {
            zap_str_add(out, ".");
        }
        if (holders) {
            zap_str_add(out, " That is not before ");
            add_objects(holders, out);
            zap_str_add(out, is_one(holders) ? " is gone." : " are gone.");
        } else {
            zap_str_add(out, " No destructor can look at its names any more.");
        }
    }
    zap_str_add(out, "\n\n");
    if (graph->reach[dict] & BIT(MODULE_AT + m)) {
        zap_str_printf(out,
                       "In 2.7 m%u waits for the collector too, because the module object itself "
                       "is in that cycle.\n",
                       m);
    } else {
        zap_str_printf(out,
                       "In 2.7 m%u is cleared in two passes, in hash order, when the module "
                       "object goes (path Z).",
                       m);
        add_passes(plan, m, true, out);
        zap_str_add(out, "\n");
    }
}

static void add_all_dropped(const struct zap_plan *plan, const struct graph *graph, unsigned count,
                            struct zap_str *out)
{
    for (unsigned m = 0; m < count; m++) {
        add_dropped(plan, graph, m, out);
    }
    zap_str_add(out, "\nFree-threaded builds leave every module to the collector.\n");
}

static void add_wiped(const struct zap_plan *plan, struct zap_str *out)
{
    for (unsigned m = 0; m < plan->modules_count; m++) {
        zap_str_printf(out,
                       "\nm%u is wiped (path W), in the order in which names were bound from 3.6 "
                       "on, in hash order before.",
                       m);
        add_passes(plan, m, false, out);
        bool is_odd = false;
        for (unsigned g = 0; g < plan->modules[m].globals_count; g++) {
            unsigned name = plan->modules[m].globals[g].name;
            is_odd |= pass_of(name, true) != pass_of(name, false);
        }
        if (is_odd) {
            add_pass(plan, m, 3, true, " In 2.7 it leaves alone ", ".", out);
        }
        zap_str_add(out, "\n");
    }
    zap_str_add(out,
                "\nA __del__ that runs meanwhile finds its own name and those before it None, and "
                "the later ones in place. __builtins__ stays. The second call finds nothing to "
                "do.\n");
}

static void add_reloaded(const struct zap_plan *plan, struct zap_str *out)
{
    const struct zap_module *module = &plan->modules[0];
    bool is_any = false;
    zap_str_add(out,
                "\nThe code of m0 runs again, in the same module and the same dict. Nothing is "
                "cleared;");
    for (unsigned g = 0; g < module->globals_count; g++) {
        if (module->globals[g].again != ZAP_AGAIN_KEEP) {
            zap_str_printf(out, "%s %s",
                           is_any ? ","
                                  : " old values go one by one, as these names are bound again:",
                           name_token(module->globals[g].name));
            is_any = true;
        }
    }
    zap_str_add(out, is_any ? ".\n" : " and no name is bound again.\n");
}

/* When a place lets go, in the order of 3.4 and newer (Python/pylifecycle.c:finalize_modules). */
enum stay {
    STAY_ATEXIT,
    STAY_LISTED,
    STAY_BUILTINS,
    STAY_WIPES, /* the first that are still there when modules are wiped */
    STAY_SYS = STAY_WIPES,
    STAY_STATE,
    STAY_EVER,
};

static enum stay stay_of(uint8_t place)
{
    switch ((enum zap_park_code)place) {
    case ZAP_PARK_ATEXIT:
        return STAY_ATEXIT;
    case ZAP_PARK_MODULES:
    case ZAP_PARK_MAIN:
        return STAY_LISTED;
    case ZAP_PARK_BUILTINS:
        return STAY_BUILTINS;
    case ZAP_PARK_SYS:
        return STAY_SYS;
    case ZAP_PARK_THREAD:
    case ZAP_PARK_CONTEXT:
    case ZAP_PARK_CODECS:
        return STAY_STATE;
    case ZAP_PARK_C:
        break;
    }
    return STAY_EVER;
}

/* What can be reached from places that let go as late as this or later, and, if from STAY_WIPES on,
 * from dicts that somebody holds. */
static uint64_t staying(const struct zap_plan *plan, const struct graph *graph, enum stay stay)
{
    uint64_t set = graph->kept;
    for (unsigned i = 0; i < plan->parks_count; i++) {
        const struct zap_park *park = &plan->parks[i];
        unsigned vertex = park->what + (unsigned)(park->is_module ? MODULE_AT : 0);
        set |= stay_of(park->place) >= stay ? BIT(vertex) | graph->reach[vertex] : 0;
    }
    return set;
}

static bool is_listed(const struct zap_plan *plan, unsigned m)
{
    bool is_listed = !plan->modules[m].unlisted;
    for (unsigned i = 0; i < plan->parks_count; i++) {
        const struct zap_park *park = &plan->parks[i];
        is_listed |= park->is_module && park->what == m && stay_of(park->place) == STAY_LISTED;
    }
    return is_listed;
}

/* Append how a module goes when the interpreter ends, 3.4 on. */
static void add_ended(const struct zap_plan *plan, const struct graph *graph, unsigned m,
                      struct zap_str *out)
{
    uint64_t stays = staying(plan, graph, STAY_WIPES);
    uint64_t stays_long = staying(plan, graph, STAY_BUILTINS); /* or longer */
    const char *when = stays_long & BIT(MODULE_AT + m) ? "when builtins loses what was added to it"
                                                       : "when sys.modules lets go of it";
    zap_str_add(out, "\n");
    if (!is_listed(plan, m)) {
        zap_str_printf(out,
                       "m%u is not in sys.modules, so the interpreter never wipes it: it goes with "
                       "its last reference%s.",
                       m,
                       stays & BIT(MODULE_AT + m)
                           ? ", which is one that is still there when all others are wiped"
                           : "");
    } else if (stays & BIT(MODULE_AT + m)) {
        zap_str_printf(out,
                       "m%u is still there when sys.modules has let go of it, so it is wiped (path "
                       "W).",
                       m);
        add_passes(plan, m, false, out);
    } else if ((stays_long & BIT(DICT_AT + m)) && !(stays_long & BIT(MODULE_AT + m))) {
        zap_str_printf(out,
                       "m%u goes %s, but its dict can be reached from what stays longer, so nobody "
                       "wipes it: every name is as it was until that goes, too.",
                       m, when);
    } else if (graph->on_cycle & BIT(DICT_AT + m)) {
        add_cycle(plan, graph, m, out);
        zap_str_printf(out,
                       " and only a collection can free it (path G): the first one after m%u is "
                       "gone, which is %s. Every __del__ finds all names in place, underscore or "
                       "not.",
                       m, when);
    } else {
        zap_str_printf(out, "m%u goes %s (path D)", m, when);
        add_pass(plan, m, 0, false, ", and its values go in dict order, underscore or not: ", "",
                 out);
        zap_str_add(out, ".");
    }
    zap_str_add(out, "\n");
}

/* Append until when the parked objects stay. */
static void add_stays(const struct zap_plan *plan, struct zap_str *out)
{
    static const char *const until[] = {
        [STAY_ATEXIT] = "until the atexit callbacks are over",
        [STAY_LISTED] = "until sys.modules is cleared",
        [STAY_BUILTINS] = "until builtins loses what was added to it",
        [STAY_SYS] = "until sys is wiped",
        [STAY_STATE] = "until the interpreter's own state goes",
        [STAY_EVER] = "for ever",
    };
    for (unsigned stay = STAY_ATEXIT; stay <= STAY_EVER; stay++) {
        uint64_t objects = 0;
        for (unsigned i = 0; i < plan->parks_count; i++) {
            bool is_it = !plan->parks[i].is_module && stay_of(plan->parks[i].place) == stay;
            objects |= is_it ? BIT(plan->parks[i].what) : 0;
        }
        if (objects != 0) {
            zap_str_add(out, "\n");
            add_objects(objects, out);
            zap_str_printf(out, is_one(objects) ? " stays %s%s.\n" : " stay %s%s.\n",
                           stay == STAY_EVER ? "" : "at least ", until[stay]);
        }
    }
}

/* Append what goes before the modules do. */
static void add_before_modules(const struct zap_plan *plan, struct zap_str *out)
{
    bool has_atexit = false;
    for (unsigned i = 0; i < plan->parks_count; i++) {
        has_atexit |= plan->parks[i].place == ZAP_PARK_ATEXIT;
    }
    if (has_atexit) {
        zap_str_add(out, "\nFirst the atexit callbacks are called, the last one first");
        zap_str_add(out, plan->route == ZAP_ROUTE_EXIT ? "." : "; before 3.7 they are not.");
    }
    if (plan->route != ZAP_ROUTE_EXIT) {
        zap_str_add(out, has_atexit ? " There" : "\nThere");
        zap_str_add(out, " is no collection before modules go: what is garbage already goes in the "
                         "first one after that.\n");
    } else if (zap_plan_has_setting(plan, ZAP_SETTING_GC_ON)) {
        zap_str_add(out, has_atexit ? " Then" : "\nFirst");
        zap_str_add(out, " there is a full collection, with all modules in place.\n");
    } else {
        zap_str_add(out, has_atexit ? " Then" : "\nFirst");
        zap_str_add(out, " there is a full collection, with all modules in place, up to 3.5 and "
                         "from 3.14.0 to 3.14.4 only, because automatic collections are off.\n");
    }
}

static void add_end(const struct zap_plan *plan, const struct graph *graph, struct zap_str *out)
{
    add_before_modules(plan, out);
    zap_str_add(
        out, "\nFrom 3.4 on, entries of sys.modules become None in their order, then it is "
             "cleared, and builtins loses what was added to it. After a full collection, modules "
             "that were entries and are still there are wiped: the last entry first from 3.8 on, "
             "the first one before. Then sys is wiped, then builtins, and after another full "
             "collection the interpreter's own state goes.\n");
    for (unsigned m = 0; m < plan->modules_count; m++) {
        add_ended(plan, graph, m, out);
    }
    add_stays(plan, out);
    zap_str_add(out,
                "\nA __del__ that runs once sys.meta_path is None can import nothing new. One that "
                "runs when builtins is wiped finds every builtin None, and nobody hears of its "
                "errors.\n"
                "\nIn 2.7 __main__ is wiped first, then all other modules in hash order, those "
                "that only sys.modules holds before the rest, then sys, then builtins. No "
                "collection follows, so cycles that are left stay.\n"
                "\nFree-threaded builds leave every module that is not wiped to the collector.\n");
}

/* Append what is in a cycle that no module is part of, and the order of the collector's work. */
static void add_collector(const struct zap_plan *plan, const struct graph *graph,
                          struct zap_str *out)
{
    uint64_t alone = 0;
    uint64_t nodes = 0;
    for (unsigned o = 0; o < plan->objects_count; o++) {
        bool is_in_dicts = false;
        for (unsigned m = 0; m < plan->modules_count; m++) {
            is_in_dicts |=
                (graph->reach[o] & BIT(DICT_AT + m)) && (graph->reach[DICT_AT + m] & BIT(o));
        }
        alone |= (graph->reach[o] & BIT(o)) && !is_in_dicts ? BIT(o) : 0;
        nodes |= plan->objects[o].kind == ZAP_VALUE_NODE ? BIT(o) : 0;
    }
    if (alone) {
        zap_str_add(out, "\n");
        add_objects(alone, out);
        zap_str_add(out, is_one(alone) ? " is in a cycle without any module, and waits"
                                       : " are in cycles without any module, and wait");
        zap_str_add(out, " for the collector.");
        zap_str_add(out, (alone & nodes) ? " In 2.7 a __del__ in a cycle never runs.\n" : "\n");
    }
    if (plan->route == ZAP_ROUTE_COLLECT && nodes) {
        zap_str_add(out,
                    "\nThe finalizers that the collector runs come in about the order in which "
                    "the objects were made: ");
        add_objects(nodes, out);
        zap_str_add(out, ".\n");
    }
}

/* Break the long lines of what was appended after the first `from` bytes, at spaces. */
static void wrap(struct zap_str *out, size_t from)
{
    enum { WIDTH = 96 };
    size_t line = from;
    size_t space = 0; /* the last one of the line; 0: none yet */
    for (size_t at = from; at < out->len; at++) {
        if (out->data[at] == '\n') {
            line = at + 1;
            space = 0;
        } else if (out->data[at] == ' ') {
            space = at;
        }
        if (at - line >= WIDTH && at >= line && space) {
            out->data[space] = '\n';
            line = space + 1;
            space = 0;
        }
    }
}

void zap_explain_plan(const struct zap_plan *plan, struct zap_str *out)
{
    const struct zap_route_row *route = zap_route_row(plan->route);
    struct zap_plan_index index;
    zap_plan_index(plan, &index);
    struct graph graph = graph_of(plan);
    zap_str_printf(out, "%u module%s and %u object%s, by the route %s: %s.\n", plan->modules_count,
                   plan->modules_count == 1 ? "" : "s", plan->objects_count,
                   plan->objects_count == 1 ? "" : "s", route->token, route->text);
    add_modules(plan, &index, out);
    add_scripts(plan, &index, out);
    add_surroundings(plan, out);
    size_t from = out->len;
    zap_str_add(out, "\nWhat to expect, if no script interferes:\n");
    switch (plan->route) {
    case ZAP_ROUTE_WIPE:
    case ZAP_ROUTE_WIPE_UNHELD:
        add_wiped(plan, out);
        break;
    case ZAP_ROUTE_RELOAD:
        add_reloaded(plan, out);
        break;
    case ZAP_ROUTE_FAILED_IMPORT:
        zap_str_printf(out,
                       "\nThe code of m0 raises at its end, so the import takes m0 out of "
                       "sys.modules and drops it.%s\n",
                       plan->modules_count > 1 ? " The others stay." : "");
        add_all_dropped(plan, &graph, 1, out);
        break;
    case ZAP_ROUTE_EXIT:
    case ZAP_ROUTE_SUBINTERP:
    case ZAP_ROUTE_SUBINTERP_GIL:
        add_end(plan, &graph, out);
        break;
    default:
        add_all_dropped(plan, &graph, plan->modules_count, out);
        break;
    }
    add_collector(plan, &graph, out);
    wrap(out, from);
}
