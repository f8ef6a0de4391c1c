/* A plan in words.
 *
 * The first half of the text repeats the plan: names, objects, scripts. The second half says how
 * each module's globals will go, which depends on who refers to the module's dict when the module
 * is dropped:
 *
 *     Z  module object deallocated, up to 3.3: its names are set to None in two passes
 *     D  module object deallocated, 3.4 on, and nobody else refers to its dict: values go in dict
 * order G  the dict hangs off a cycle: only the collector can free it, and finalizers run first W
 * somebody wipes the namespace: two passes, every version
 *
 * So the objects are put into a graph of strong references, closed transitively, and a module's
 * dict that a cycle reaches is G. A class is always in a cycle (with its own __mro__ and
 * descriptors), and it reaches the globals of its methods: a module whose class is in use anywhere
 * is G.
 *
 * This describes the plan as built. Scripts change the graph while it falls apart; the text says
 * that they can, and does not follow them.
 */
#include "oracle/explain.h"

#include <string.h>

/* ---- words for the rows of the tables ---- */

/* {m} the module, {t} the target. A kind without words here goes by its token. */
static const char *const value_words[] = {
    [ZAP_VALUE_NONE] = "None",
    [ZAP_VALUE_INT] = "an int",
    [ZAP_VALUE_BIGINT] = "an int of many digits",
    [ZAP_VALUE_FLOAT] = "a float",
    [ZAP_VALUE_STR] = "a str",
    [ZAP_VALUE_LIST] = "a list",
    [ZAP_VALUE_TUPLE] = "a tuple",
    [ZAP_VALUE_DICT] = "a dict",
    [ZAP_VALUE_SET] = "a set",
    [ZAP_VALUE_NODE] = "an instance of a class that {m} defines",
    [ZAP_VALUE_CNODE] = "a C node, which only records that it is deallocated",
    [ZAP_VALUE_FUNCTION] = "a function of {m}",
    [ZAP_VALUE_LAMBDA] = "a lambda of {m}",
    [ZAP_VALUE_CLASS] = "a class of {m} with a method",
    [ZAP_VALUE_METHOD] = "a bound method of {t}",
    [ZAP_VALUE_MODULE] = "the module {m} itself",
    [ZAP_VALUE_WEAKREF] = "a weak reference to {t}",
    [ZAP_VALUE_CALLBACK] = "a weak reference to {t} with a callback",
    [ZAP_VALUE_GENERATOR] = "a generator of {m}, suspended inside try/finally",
    [ZAP_VALUE_CELL] = "a closure cell",
    [ZAP_VALUE_GLOBALS] = "the __dict__ of {m}",
    [ZAP_VALUE_NEST] = "a nest of 60 tuples",
    [ZAP_VALUE_OUTSIDE] = "None, for a weak reference to {t} with a callback that is held outside",
};

/* {m} the module, {n} the name, both where the action has them. */
static const char *const op_words[] = {
    [ZAP_OP_LOOK] = "looks at {n} in {m}",
    [ZAP_OP_LOOK_ALL] = "looks at every name of {m}",
    [ZAP_OP_BIND_INT] = "binds {n} in {m} to a fresh int",
    [ZAP_OP_BIND_NONE] = "binds {n} in {m} to None",
    [ZAP_OP_BIND_NODE] = "binds {n} in {m} to a new node",
    [ZAP_OP_BIND_SELF] = "binds {n} in {m} to itself, so it lives on",
    [ZAP_OP_BIND_LAMBDA] = "binds {n} in {m} to a lambda",
    [ZAP_OP_UNBIND] = "deletes {n} in {m}",
    [ZAP_OP_KEEP] = "puts itself into a list outside, so it lives on",
    [ZAP_OP_RAISE] = "raises an exception",
    [ZAP_OP_COLLECT] = "runs a full collection",
    [ZAP_OP_IMPORT] = "imports a module that is loaded",
    [ZAP_OP_IMPORT_NEW] = "imports a module that is not loaded",
    [ZAP_OP_BUILTIN] = "calls a builtin",
    [ZAP_OP_CALL] = "calls a method of {n} in {m}",
    [ZAP_OP_DEL_BUILTINS] = "deletes __builtins__ in {m}",
    [ZAP_OP_SET_BUILTINS] = "binds __builtins__ in {m} to an empty dict",
    [ZAP_OP_UNLIST] = "removes {m} from sys.modules",
    [ZAP_OP_CLEAR] = "clears the dict of {m}",
    [ZAP_OP_GROW] = "deletes the first names of {m} and adds others until its dict is resized",
    [ZAP_OP_WEAKREF] = "makes a weak reference to itself and keeps that outside",
    [ZAP_OP_NEW] = "makes a new instance of its own class",
};

/* Append a pattern with {m}, {n} and {t} filled in; what is NULL is not in the pattern. */
static void add_pattern(const char *pattern, const char *module, const char *name,
                        const char *target, struct zap_str *out)
{
    while (*pattern) {
        size_t len = strcspn(pattern, "{");
        zap_str_add_bytes(out, pattern, len);
        pattern += len;
        if (*pattern == '{') {
            const char *text = pattern[1] == 'm' ? module : pattern[1] == 'n' ? name : target;
            zap_str_add(out, text ? text : "?");
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
    const struct zap_name_row *row = zap_name_row(name);
    return row ? row->token : "?";
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
    uint64_t cyclic;              /* on a cycle, or in one with a class of its own */
    uint64_t on_cycle;            /* what `cyclic` reaches */
    uint64_t kept;                /* what somebody else's hold on a dict reaches */
};

/* The vertex that an object refers to by its kind, links aside, or VERTICES_MAX. */
static unsigned referent_of(const struct zap_object *object)
{
    const struct zap_value_row *row = zap_value_row(object->kind);
    if (!row) {
        return VERTICES_MAX;
    }
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
            graph.cyclic |= BIT(vertex);
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
        if (plan->modules[m].held) {
            graph.kept |= BIT(DICT_AT + m) | graph.reach[DICT_AT + m];
        }
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
    } else if (object->kind < sizeof(value_words) / sizeof(value_words[0]) &&
               value_words[object->kind]) {
        add_pattern(value_words[object->kind], label_of('m', object->module).text, NULL,
                    label_of('o', object->target).text, out);
    } else {
        zap_str_printf(out, "of kind %s", row ? row->token : "?");
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
        zap_str_printf(
            out, "\nm%u%s %s\n", m,
            module->held ? ", whose __dict__ somebody else holds until the route is over," : "",
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
    const char *token = row ? row->token : "?";
    bool is_worded = act->op < sizeof(op_words) / sizeof(op_words[0]) && op_words[act->op];
    zap_str_add(out, "    ");
    add_pattern(is_worded ? op_words[act->op] : token, label_of('m', act->module).text,
                name_token(act->name), NULL, out);
    if (row && row->operands != ZAP_OPERANDS_NONE && act->op != ZAP_OP_UNLIST &&
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
        }
    }
    if (silent) {
        zap_str_add(out, "\nThe __del__ of ");
        add_objects(silent, out);
        zap_str_add(out, " only records that it ran.\n");
    }
}

/* ---- what to expect ---- */

/* Append the names of a module that fall into a pass (1, 2; 3: neither, because their class is left
 * alone; 0: all), or nothing. Returns how many. */
static unsigned add_pass(const struct zap_plan *plan, unsigned m, unsigned pass, const char *before,
                         const char *after, struct zap_str *out)
{
    const struct zap_module *module = &plan->modules[m];
    unsigned chosen[ZAP_GLOBALS_MAX];
    unsigned count = 0;
    for (unsigned g = 0; g < module->globals_count; g++) {
        const struct zap_name_row *row = zap_name_row(module->globals[g].name);
        bool is_none = plan->objects[module->globals[g].object].kind == ZAP_VALUE_NONE;
        unsigned its = 2;
        if (row && (row->cls == ZAP_CLASS_UNDERSCORE || row->cls == ZAP_CLASS_UNICODE_U)) {
            its = 1;
        } else if (row && (row->cls == ZAP_CLASS_BUILTINS || row->cls == ZAP_CLASS_NONSTR)) {
            its = 3;
        }
        if (pass == 0 || (its == pass && (!is_none || pass == 3))) {
            chosen[count++] = module->globals[g].name;
        }
    }
    for (unsigned i = 0; i < count; i++) {
        zap_str_add(out, i == 0 ? before : "");
        add_separator(i, count, out);
        zap_str_add(out, name_token(chosen[i]));
    }
    zap_str_add(out, count ? after : "");
    return count;
}

/* Append the two passes over a module's names. */
static void add_passes(const struct zap_plan *plan, unsigned m, struct zap_str *out)
{
    unsigned first = add_pass(plan, m, 1, " Pass 1 sets ", " to None.", out);
    if (first == 0) {
        zap_str_add(out, " Pass 1 finds nothing.");
    }
    unsigned second = add_pass(plan, m, 2, " Pass 2 sets ", " to None.", out);
    if (second == 0) {
        zap_str_add(out, " Pass 2 finds nothing of the plan's.");
    }
    add_pass(plan, m, 3, " Left alone: ", ".", out);
}

/* Append why a cycle reaches the dict of module m. Returns false where none does. */
static bool add_cycle(const struct zap_plan *plan, const struct graph *graph, unsigned m,
                      struct zap_str *out)
{
    unsigned dict = DICT_AT + m;
    if (!(graph->on_cycle & BIT(dict))) {
        return false;
    }
    uint64_t classed = 0, closing = 0, outside = 0;
    for (unsigned o = 0; o < plan->objects_count; o++) {
        if (has_class(&plan->objects[o]) && plan->objects[o].module == m) {
            classed |= BIT(o);
        }
        bool refers = graph->edges[o] & (BIT(dict) | BIT(MODULE_AT + m));
        if (refers && (graph->reach[dict] & BIT(o))) {
            closing |= BIT(o);
        } else if (refers) {
            outside |= BIT(o);
        }
    }
    if (classed) {
        zap_str_printf(out, "m%u defines the class of ", m);
        add_objects(classed, out);
        zap_str_add(out, ", so its dict is in a cycle");
    } else if (closing) {
        zap_str_printf(out, "m%u's own globals lead to ", m);
        add_objects(closing, out);
        zap_str_printf(out, ", which refer%s back to m%u's dict: a cycle",
                       (closing & (closing - 1)) ? "" : "s", m);
    } else {
        zap_str_printf(out, "m%u's dict hangs off a cycle", m);
        if (outside) {
            zap_str_add(out, " by way of ");
            add_objects(outside, out);
        }
    }
    return true;
}

/* Append how a module goes that is dropped. */
static void add_dropped(const struct zap_plan *plan, const struct graph *graph, unsigned m,
                        bool is_collected, struct zap_str *out)
{
    unsigned dict = DICT_AT + m;
    zap_str_add(out, "\n  ");
    if (plan->modules[m].held) {
        zap_str_printf(out,
                       "m%u's dict is held, so from 3.4 on the module object goes alone and every "
                       "name stays as it was until the route is over.",
                       m);
    } else if (graph->kept & BIT(dict)) {
        zap_str_printf(
            out,
            "m%u's dict can be reached from a dict that is held, so from 3.4 on it stays "
            "as it was until the route is over.",
            m);
    } else if (add_cycle(plan, graph, m, out)) {
        zap_str_add(out,
                    " and only the collector can free it (path G, 3.4 on). Every __del__ finds all "
                    "names in place, whatever underscores they begin with; afterwards the dict is "
                    "emptied.");
        if (!is_collected) {
            zap_str_add(out,
                        " This route does not collect, so all of it is still there at the end, "
                        "unless a script collects.");
        }
    } else {
        zap_str_printf(out,
                       "No cycle reaches m%u's dict, so it goes with the last reference (path "
                       "D, 3.4 on)",
                       m);
        if (add_pass(plan, m, 0, ", and its values in dict order, underscore or not: ", ".", out) ==
            0) {
            zap_str_add(out, ".");
        }
        uint64_t holders = 0;
        for (unsigned o = 0; o < plan->objects_count; o++) {
            holders |= (graph->edges[o] & (BIT(dict) | BIT(MODULE_AT + m))) ? BIT(o) : 0;
        }
        if (holders) {
            zap_str_add(out, " That is not before ");
            add_objects(holders, out);
            zap_str_printf(out, " %s gone.", (holders & (holders - 1)) ? "are" : "is");
        } else {
            zap_str_add(out, " By then no destructor can look at its names any more.");
        }
    }
    zap_str_add(out, "\n  In 2.7, ");
    if (graph->reach[dict] & BIT(MODULE_AT + m)) {
        zap_str_printf(out,
                       "m%u is in a cycle with its own module object, and waits for the "
                       "collector.\n",
                       m);
    } else {
        zap_str_add(out,
                    "the module object's end clears it in two passes, in hash order (path Z):");
        add_passes(plan, m, out);
        zap_str_add(out, "\n");
    }
}

static void add_expectation(const struct zap_plan *plan, const struct graph *graph,
                            struct zap_str *out)
{
    bool is_collected = plan->route == ZAP_ROUTE_COLLECT;
    unsigned dropped_count = plan->route == ZAP_ROUTE_FAILED_IMPORT ? 1 : plan->modules_count;
    zap_str_add(out, "\nWhat to expect, if no script interferes:\n");
    switch (plan->route) {
    case ZAP_ROUTE_WIPE:
        for (unsigned m = 0; m < plan->modules_count; m++) {
            zap_str_printf(out,
                           "\n  m%u is wiped (path W) in dict order: insertion order from 3.6 "
                           "on, hash order before.",
                           m);
            add_passes(plan, m, out);
            zap_str_add(out, "\n");
        }
        zap_str_add(out, "\n  A __del__ that runs meanwhile finds its own name and those before it "
                         "None, and the later ones in place. __builtins__ stays. The second call "
                         "finds nothing to do.\n");
        break;
    case ZAP_ROUTE_RELOAD: {
        unsigned again_count = 0;
        zap_str_add(out, "\n  The code of m0 runs again in the same module and the same dict. "
                         "Nothing is cleared;");
        for (unsigned g = 0; g < plan->modules[0].globals_count; g++) {
            if (plan->modules[0].globals[g].again != ZAP_AGAIN_KEEP) {
                zap_str_printf(
                    out, "%s %s",
                    again_count == 0 ? " the old values go one by one as these are bound:" : ",",
                    name_token(plan->modules[0].globals[g].name));
                again_count++;
            }
        }
        zap_str_add(out, again_count ? ".\n" : " and nothing is bound again.\n");
        break;
    }
    case ZAP_ROUTE_FAILED_IMPORT:
        zap_str_add(out, "\n  The code of m0 raises at its end, so the import takes m0 out of "
                         "sys.modules and drops it.\n");
        /* fall through */
    default:
        for (unsigned m = 0; m < dropped_count; m++) {
            add_dropped(plan, graph, m, is_collected, out);
        }
        zap_str_add(out, "\n  Free-threaded builds leave every module to the collector.\n");
    }
    uint64_t dicts = 0;
    for (unsigned m = 0; m < plan->modules_count; m++) {
        dicts |= (graph->cyclic & BIT(DICT_AT + m));
    }
    uint64_t alone = 0, nodes = 0;
    for (unsigned o = 0; o < plan->objects_count; o++) {
        bool is_cyclic = (graph->cyclic & BIT(o)) != 0;
        bool is_through_dict = false;
        for (unsigned m = 0; m < plan->modules_count; m++) {
            is_through_dict |= (graph->reach[o] & BIT(DICT_AT + m)) &&
                               (graph->reach[DICT_AT + m] & BIT(o)) && (dicts & BIT(DICT_AT + m));
        }
        alone |= is_cyclic && !is_through_dict ? BIT(o) : 0;
        nodes |= plan->objects[o].kind == ZAP_VALUE_NODE ? BIT(o) : 0;
    }
    if (alone) {
        zap_str_add(out, "\n  ");
        add_objects(alone, out);
        zap_str_printf(out, " %s in a cycle of %s own: only the collector can free that.%s\n",
                       (alone & (alone - 1)) ? "are" : "is",
                       (alone & (alone - 1)) ? "their" : "its",
                       (alone & nodes) ? " In 2.7 a __del__ in a cycle never runs." : "");
    }
    if (is_collected && nodes) {
        zap_str_add(out, "\n  Where the collector runs several finalizers, they come in about the "
                         "order in which the objects were made: ");
        add_objects(nodes, out);
        zap_str_add(out, ".\n");
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
                   plan->objects_count == 1 ? "" : "s", route ? route->token : "?",
                   route ? route->text : "?");
    add_modules(plan, &index, out);
    add_scripts(plan, &index, out);
    add_expectation(plan, &graph, out);
}
