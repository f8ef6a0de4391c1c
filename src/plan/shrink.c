/* Enumerates smaller candidates of a plan: delta debugging, then simplifications.
 *
 * There is a list of passes, each with a way to change a plan at one of a number of places. Passes
 * about things of which there are many begin with all of them at once, then halves, quarters, ...
 * and single ones. What a change leaves behind is cleaned up by zap_plan_normalize, so a change is
 * free to break rules. A candidate that did not get smaller, or that was rejected before, is not
 * given out. A candidate that is accepted is the plan that the next ones are made from, and the
 * walk goes on at the same place, where something else is now.
 *
 * The walk begins again after the last pass, and is over when a whole round has brought nothing. It
 * ends, because every candidate that is accepted has a smaller measure; and because of
 * ZAP_SHRINK_TRIES_MAX, for which there is also room to remember everything that was rejected.
 *
 * The route is one more thing to be made simpler. Who asks knows what must stay the same: a broken
 * promise about wipes is not broken by a drop, and a crash that any route shows is easier to
 * understand, and to believe, where nothing but `del` is needed for it.
 */
#include "plan/shrink.h"

#include "base/check.h"
#include "base/hash.h"
#include "plan/wire.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ------------------------------------------------------------------ the measure */

/* Kinds that any object may become, the simplest first; all other kinds come after them. */
static const uint8_t simple_kinds[] = {ZAP_VALUE_INT,  ZAP_VALUE_NONE, ZAP_VALUE_CNODE,
                                       ZAP_VALUE_LIST, ZAP_VALUE_NODE, ZAP_VALUE_FUNCTION};

/* Actions that any other with the same operands may become. */
static const uint8_t simple_ops[] = {ZAP_OP_LOOK,  ZAP_OP_BIND_INT, ZAP_OP_UNBIND, ZAP_OP_LOOK_ALL,
                                     ZAP_OP_CLEAR, ZAP_OP_KEEP,     ZAP_OP_RAISE,  ZAP_OP_COLLECT};

/* What takes the fewest words to tell somebody, and the least of the C API, comes first. Those that
 * end an interpreter come last, though one of them needs no C API: a plan that gets by without such
 * an end is not to get one, because each try would cost a thousand times as much. */
static const uint8_t simple_routes[] = {
    ZAP_ROUTE_DROP, ZAP_ROUTE_COLLECT,     ZAP_ROUTE_RELOAD, ZAP_ROUTE_FAILED_IMPORT,
    ZAP_ROUTE_WIPE, ZAP_ROUTE_WIPE_UNHELD, ZAP_ROUTE_EXIT,   ZAP_ROUTE_SUBINTERP};

/* Places that are told in few words and are there in every version, before all others. */
static const uint8_t simple_places[] = {ZAP_PARK_SYS, ZAP_PARK_BUILTINS, ZAP_PARK_MODULES,
                                        ZAP_PARK_ATEXIT, ZAP_PARK_CODECS};

/* Where a code stands in a list; at its end where it does not. */
static unsigned rank(const uint8_t *codes, unsigned count, unsigned code)
{
    unsigned at = 0;
    while (at < count && codes[at] != code) {
        at++;
    }
    return at;
}

/* A class from elsewhere is the simplest, because it waits for no collection. */
static unsigned place_cost(const struct zap_object *object)
{
    if (zap_value_row(object->kind)->place != ZAP_PLACE_CLASS) {
        return object->module;
    }
    return object->module == ZAP_ELSEWHERE ? 0 : object->module + 1u;
}

/* Names cost their code: name.def begins with a, b, c, then _a, _b, _c, and the odd ones follow. A
 * park costs more than a global of any name, which has as many bytes. */
static unsigned cost_of(const struct zap_plan *plan)
{
    unsigned cost = rank(simple_routes, COUNT(simple_routes), plan->route);
    for (unsigned m = 0; m < plan->modules_count; m++) {
        const struct zap_module *module = &plan->modules[m];
        cost += module->held;
        for (unsigned i = 0; i < module->globals_count; i++) {
            cost += module->globals[i].name + (unsigned)module->globals[i].again;
        }
    }
    for (unsigned i = 0; i < plan->objects_count; i++) {
        cost += rank(simple_kinds, COUNT(simple_kinds), plan->objects[i].kind);
        cost += place_cost(&plan->objects[i]);
    }
    for (unsigned i = 0; i < plan->parks_count; i++) {
        cost += ZAP_NAME_END + rank(simple_places, COUNT(simple_places), plan->parks[i].place);
        cost += plan->parks[i].is_module ? plan->parks[i].what : 0u;
    }
    for (unsigned i = 0; i < plan->acts_count; i++) {
        cost += rank(simple_ops, COUNT(simple_ops), plan->acts[i].op);
        cost += plan->acts[i].name + (unsigned)plan->acts[i].module;
    }
    return cost;
}

enum {
    COST_BITS = 16,
    COST_MAX = (int)COUNT(simple_routes) +
               ZAP_MODULES_MAX * (1 + ZAP_GLOBALS_MAX * (ZAP_NAME_END + (int)ZAP_AGAIN_END)) +
               ZAP_OBJECTS_MAX * ((int)COUNT(simple_kinds) + ZAP_MODULES_MAX) +
               ZAP_PARKS_MAX * (ZAP_NAME_END + (int)COUNT(simple_places) + ZAP_MODULES_MAX) +
               ZAP_ACTS_MAX * ((int)COUNT(simple_ops) + ZAP_NAME_END + ZAP_MODULES_MAX),
};
_Static_assert(COST_MAX < 1 << COST_BITS, "a cost never outweighs a byte");
_Static_assert(ZAP_WIRE_MAX < 1 << (32 - COST_BITS), "a measure fits");

uint32_t zap_shrink_measure(const struct zap_plan *plan)
{
    uint8_t wire[ZAP_WIRE_MAX];
    return (uint32_t)zap_wire_encode(plan, wire) << COST_BITS | cost_of(plan);
}

/* ------------------------------------------------------------------ leaving out */

/* The names of a module that a global or an act of anybody uses. */
static uint64_t used_names(const struct zap_plan *plan, unsigned m)
{
    uint64_t used = 0;
    for (unsigned i = 0; i < plan->modules[m].globals_count; i++) {
        used |= UINT64_C(1) << plan->modules[m].globals[i].name;
    }
    for (unsigned i = 0; i < plan->acts_count; i++) {
        if (plan->acts[i].module == m) {
            used |= UINT64_C(1) << plan->acts[i].name;
        }
    }
    return used;
}

/* The first name of a class that is not used; ZAP_NAME_NO where there is none. */
static unsigned free_name(uint64_t used, enum zap_name_class cls)
{
    for (unsigned code = 1; code < ZAP_NAME_END; code++) {
        const struct zap_name_row *row = zap_name_row(code);
        if (row != NULL && row->cls == cls && (used >> code & 1) == 0) {
            return code;
        }
    }
    return ZAP_NAME_NO;
}

/* Drop the parks that have no place (0). */
static void close_parks(struct zap_plan *plan)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < plan->parks_count; i++) {
        if (plan->parks[i].place != 0) {
            plan->parks[kept++] = plan->parks[i];
        }
    }
    plan->parks_count = (uint8_t)kept;
}

/* Drop modules[m]: its names and parks go; what is defined there moves elsewhere, or to the first
 * module. */
static void drop_module(struct zap_plan *plan, unsigned m)
{
    memmove(&plan->modules[m], &plan->modules[m + 1],
            (plan->modules_count - m - 1u) * sizeof plan->modules[0]);
    plan->modules_count--;
    for (unsigned i = 0; i < plan->objects_count; i++) {
        struct zap_object *object = &plan->objects[i];
        if (object->module == ZAP_ELSEWHERE || object->module < m) {
            continue;
        }
        if (object->module > m) {
            object->module--;
        } else {
            object->module = object->kind == ZAP_VALUE_NODE ? ZAP_ELSEWHERE : 0;
        }
    }
    unsigned kept = 0;
    for (unsigned i = 0; i < plan->acts_count; i++) {
        struct zap_act act = plan->acts[i];
        if (act.module == m && zap_op_row(act.op)->operands != ZAP_OPERANDS_NONE) {
            continue;
        }
        act.module = (uint8_t)(act.module - (act.module > m));
        plan->acts[kept++] = act;
    }
    plan->acts_count = (uint8_t)kept;
    for (unsigned i = 0; i < plan->parks_count; i++) {
        struct zap_park *park = &plan->parks[i];
        if (park->is_module && park->what == m) {
            park->place = 0; /* not a code */
        }
        park->what = (uint8_t)(park->what - (park->is_module && park->what > m));
    }
    close_parks(plan);
}

static void leave_out_module(struct zap_plan *plan, unsigned at, unsigned count)
{
    (void)count;
    drop_module(plan, at);
}

static unsigned modules_to_drop(const struct zap_plan *plan)
{
    return plan->modules_count > 1 ? plan->modules_count : 0;
}

/* Speak of a module by another number and of one of its names by another; ZAP_NAME_NO: of all. */
static void rename_acts(struct zap_plan *plan, unsigned from, unsigned old, unsigned to,
                        unsigned new)
{
    for (unsigned i = 0; i < plan->acts_count; i++) {
        struct zap_act *act = &plan->acts[i];
        bool has_module = zap_op_row(act->op)->operands != ZAP_OPERANDS_NONE;
        if (has_module && act->module == from && (old == ZAP_NAME_NO || act->name == old)) {
            act->module = (uint8_t)to;
            act->name = (uint8_t)(old == ZAP_NAME_NO ? act->name : new);
        }
    }
}

/* What module at + 1 has and defines becomes that of module at; of two globals of one name the
 * second gets a new one. */
static void merge_modules(struct zap_plan *plan, unsigned at, unsigned count)
{
    (void)count;
    const struct zap_module *from = &plan->modules[at + 1];
    struct zap_module *to = &plan->modules[at];
    uint64_t used = used_names(plan, at);
    for (unsigned i = 0; i < from->globals_count && to->globals_count < ZAP_GLOBALS_MAX; i++) {
        struct zap_global global = from->globals[i];
        unsigned new = global.name;
        if (used >> new & 1) {
            new = free_name(used | used_names(plan, at + 1), zap_name_row(new)->cls);
        }
        rename_acts(plan, at + 1, global.name, at, new);
        used |= UINT64_C(1) << new;
        global.name = (uint8_t) new;
        to->globals[to->globals_count++] = global;
    }
    for (unsigned i = 0; i < plan->objects_count; i++) {
        if (plan->objects[i].module == at + 1) {
            plan->objects[i].module = (uint8_t)at;
        }
    }
    rename_acts(plan, at + 1, ZAP_NAME_NO, at, ZAP_NAME_NO);
    for (unsigned i = 0; i < plan->parks_count; i++) {
        struct zap_park *park = &plan->parks[i];
        park->what = (uint8_t)(park->what - (park->is_module && park->what == at + 1));
    }
    drop_module(plan, at + 1);
}

static unsigned modules_to_merge(const struct zap_plan *plan)
{
    return plan->modules_count - 1u;
}

static void drop_objects(struct zap_plan *plan, unsigned at, unsigned count)
{
    for (unsigned i = at; i < at + count; i++) {
        plan->objects[i].kind = 0; /* not a code */
    }
}

static unsigned objects_count(const struct zap_plan *plan)
{
    return plan->objects_count;
}

/* The globals of all modules, as if they stood in one row. */
static unsigned globals_count(const struct zap_plan *plan)
{
    unsigned count = 0;
    for (unsigned m = 0; m < plan->modules_count; m++) {
        count += plan->modules[m].globals_count;
    }
    return count;
}

static void drop_globals(struct zap_plan *plan, unsigned at, unsigned count)
{
    unsigned number = 0;
    for (unsigned m = 0; m < plan->modules_count; m++) {
        for (unsigned i = 0; i < plan->modules[m].globals_count; i++, number++) {
            if (number >= at && number < at + count) {
                plan->modules[m].globals[i].name = 0; /* not a code */
            }
        }
    }
}

/* Drop a global, and let scripts that speak of it speak of another one of its module. */
static void replace_global(struct zap_plan *plan, unsigned at, unsigned count)
{
    (void)count;
    unsigned m = 0;
    while (at >= plan->modules[m].globals_count) {
        at -= plan->modules[m++].globals_count;
    }
    struct zap_module *module = &plan->modules[m];
    if (module->globals_count < 2) {
        return;
    }
    uint8_t old = module->globals[at].name;
    for (unsigned i = 0; i < plan->acts_count; i++) {
        struct zap_act *act = &plan->acts[i];
        if (act->module == m && act->name == old) {
            act->name = module->globals[at == 0 ? 1 : 0].name;
        }
    }
    module->globals[at].name = 0; /* not a code */
}

static void drop_links(struct zap_plan *plan, unsigned at, unsigned count)
{
    memmove(&plan->links[at], &plan->links[at + count],
            (plan->links_count - at - count) * sizeof plan->links[0]);
    plan->links_count = (uint8_t)(plan->links_count - count);
}

static unsigned links_count(const struct zap_plan *plan)
{
    return plan->links_count;
}

static void drop_acts(struct zap_plan *plan, unsigned at, unsigned count)
{
    for (unsigned i = at; i < at + count; i++) {
        plan->acts[i].op = 0; /* not a code */
    }
}

static unsigned acts_count(const struct zap_plan *plan)
{
    return plan->acts_count;
}

static void drop_parks(struct zap_plan *plan, unsigned at, unsigned count)
{
    for (unsigned i = at; i < at + count; i++) {
        plan->parks[i].place = 0; /* not a code */
    }
}

static unsigned parks_count(const struct zap_plan *plan)
{
    return plan->parks_count;
}

/* Let a global hold what a park holds. */
static void bind_parked(struct zap_plan *plan, unsigned at, unsigned count)
{
    (void)count;
    struct zap_park *park = &plan->parks[at];
    for (unsigned m = 0; !park->is_module && m < plan->modules_count; m++) {
        struct zap_module *module = &plan->modules[m];
        unsigned name = free_name(used_names(plan, m), ZAP_CLASS_PUBLIC);
        if (module->globals_count < ZAP_GLOBALS_MAX && name != ZAP_NAME_NO) {
            module->globals[module->globals_count++] =
                (struct zap_global){.name = (uint8_t)name, .object = park->what};
            park->place = 0; /* not a code */
            return;
        }
    }
}

/* The settings that a plan has, in the order of their codes. */
static void drop_settings(struct zap_plan *plan, unsigned at, unsigned count)
{
    unsigned number = 0;
    for (unsigned code = 1; code < ZAP_SETTING_END; code++) {
        if (zap_plan_has_setting(plan, code)) {
            unsigned bit = number >= at && number < at + count ? 1u << (code - 1) : 0;
            plan->settings &= (uint8_t)~bit;
            number++;
        }
    }
}

static unsigned settings_count(const struct zap_plan *plan)
{
    return (unsigned)__builtin_popcount(plan->settings);
}

/* Who held `from` holds `to`. */
static void redirect(struct zap_plan *plan, unsigned from, unsigned to)
{
    for (unsigned m = 0; m < plan->modules_count; m++) {
        for (unsigned i = 0; i < plan->modules[m].globals_count; i++) {
            struct zap_global *global = &plan->modules[m].globals[i];
            global->object = (uint8_t)(global->object == from ? to : global->object);
        }
    }
    for (unsigned i = 0; i < plan->links_count; i++) {
        struct zap_link *link = &plan->links[i];
        link->to = (uint8_t)(link->to == from ? to : link->to);
    }
    for (unsigned i = 0; i < plan->parks_count; i++) {
        struct zap_park *park = &plan->parks[i];
        park->what = (uint8_t)(!park->is_module && park->what == from ? to : park->what);
    }
}

/* Hold what a container or a bound method holds, instead of it. */
static void bypass(struct zap_plan *plan, unsigned at, unsigned count)
{
    (void)count;
    if (at < plan->links_count) {
        redirect(plan, plan->links[at].from, plan->links[at].to);
        return;
    }
    unsigned i = at - plan->links_count;
    if (plan->objects[i].kind == ZAP_VALUE_METHOD) {
        redirect(plan, i, plan->objects[i].target);
    }
}

static unsigned bypasses_count(const struct zap_plan *plan)
{
    return plan->links_count + (unsigned)plan->objects_count;
}

/* The last object before `at` that is as this one; `at` where there is none. */
static unsigned twin_of(const struct zap_plan *plan, unsigned at)
{
    for (unsigned i = at; i > 0; i--) {
        if (plan->objects[i - 1].kind == plan->objects[at].kind) {
            return i - 1;
        }
    }
    return at;
}

/* One object where there were two of a kind, with the scripts and links of both. */
static void fold_object(struct zap_plan *plan, unsigned at, unsigned count)
{
    (void)count;
    unsigned twin = twin_of(plan, at);
    redirect(plan, at, twin);
    for (unsigned i = 0; i < plan->links_count; i++) {
        struct zap_link *link = &plan->links[i];
        link->from = (uint8_t)(link->from == at ? twin : link->from);
    }
    for (unsigned i = 0; i < plan->objects_count; i++) {
        struct zap_object *object = &plan->objects[i];
        bool has_target = zap_value_row(object->kind)->target == ZAP_TARGET_NODE;
        object->target = (uint8_t)(has_target && object->target == at ? twin : object->target);
    }
    for (unsigned i = 0; i < plan->acts_count; i++) {
        plan->acts[i].node = (uint8_t)(plan->acts[i].node == at ? twin : plan->acts[i].node);
    }
    plan->objects[at].kind = twin == at ? plan->objects[at].kind : 0; /* not a code */
}

/* ------------------------------------------------------------------ simplifying */

static void simplify_route(struct zap_plan *plan, unsigned at, unsigned count)
{
    (void)count;
    plan->route = simple_routes[at];
}

static unsigned routes_count(const struct zap_plan *plan)
{
    return rank(simple_routes, COUNT(simple_routes), plan->route);
}

static void simplify_op(struct zap_plan *plan, unsigned at, unsigned count)
{
    (void)count;
    struct zap_act *act = &plan->acts[at / COUNT(simple_ops)];
    unsigned op = simple_ops[at % COUNT(simple_ops)];
    if (zap_op_row(op)->operands == zap_op_row(act->op)->operands) {
        act->op = (uint8_t)op;
    }
}

static unsigned ops_count(const struct zap_plan *plan)
{
    return plan->acts_count * (unsigned)COUNT(simple_ops);
}

static void simplify_kind(struct zap_plan *plan, unsigned at, unsigned count)
{
    (void)count;
    plan->objects[at / COUNT(simple_kinds)].kind = simple_kinds[at % COUNT(simple_kinds)];
}

static unsigned kinds_count(const struct zap_plan *plan)
{
    return plan->objects_count * (unsigned)COUNT(simple_kinds);
}

/* Two places for each object: a class comes from elsewhere, anything is of the first module. */
static void simplify_place(struct zap_plan *plan, unsigned at, unsigned count)
{
    (void)count;
    struct zap_object *object = &plan->objects[at / 2];
    bool is_elsewhere = at % 2 == 0 && zap_value_row(object->kind)->place == ZAP_PLACE_CLASS;
    object->module = is_elsewhere ? ZAP_ELSEWHERE : 0;
}

static unsigned places_count(const struct zap_plan *plan)
{
    return plan->objects_count * 2u;
}

static void simplify_park(struct zap_plan *plan, unsigned at, unsigned count)
{
    (void)count;
    struct zap_park *park = &plan->parks[at / COUNT(simple_places)];
    uint8_t place = simple_places[at % COUNT(simple_places)];
    const struct zap_park_row *row = zap_park_row(place);
    if (park->is_module ? row->modules : row->objects) {
        park->place = place;
    }
}

static unsigned simple_parks_count(const struct zap_plan *plan)
{
    return plan->parks_count * (unsigned)COUNT(simple_places);
}

static void park_first(struct zap_plan *plan, unsigned at, unsigned count)
{
    (void)count;
    plan->parks[at].what = plan->parks[at].is_module ? 0 : plan->parks[at].what;
}

static void list_again(struct zap_plan *plan, unsigned at, unsigned count)
{
    (void)count;
    plan->modules[at].unlisted = 0;
}

static void let_go(struct zap_plan *plan, unsigned at, unsigned count)
{
    (void)count;
    plan->modules[at].held = 0;
}

static unsigned modules_count(const struct zap_plan *plan)
{
    return plan->modules_count;
}

static void keep_again(struct zap_plan *plan, unsigned at, unsigned count)
{
    (void)count;
    plan->modules[0].globals[at].again = ZAP_AGAIN_KEEP;
}

static unsigned again_count(const struct zap_plan *plan)
{
    return plan->modules[0].globals_count;
}

static void aim_at_first(struct zap_plan *plan, unsigned at, unsigned count)
{
    (void)count;
    plan->acts[at].module = 0;
}

/* Speak of the name that the module binds first. */
static void aim_at_first_name(struct zap_plan *plan, unsigned at, unsigned count)
{
    (void)count;
    struct zap_act *act = &plan->acts[at];
    const struct zap_module *module = &plan->modules[act->module];
    if (act->name != ZAP_NAME_NO && module->globals_count > 0) {
        act->name = module->globals[0].name;
    }
}

/* Which name of which module; globals first, then acts. Returns ZAP_NAME_NO for an act without. */
static unsigned name_at(const struct zap_plan *plan, unsigned number, unsigned *ret_module)
{
    for (unsigned m = 0; m < plan->modules_count; m++) {
        if (number < plan->modules[m].globals_count) {
            *ret_module = m;
            return plan->modules[m].globals[number].name;
        }
        number -= plan->modules[m].globals_count;
    }
    *ret_module = plan->acts[number].module;
    return plan->acts[number].name;
}

/* Two new names for each: an ordinary one, and one of its own class; wherever it is used. */
static void simplify_name(struct zap_plan *plan, unsigned at, unsigned count)
{
    (void)count;
    unsigned m;
    unsigned old = name_at(plan, at / 2, &m);
    const struct zap_name_row *row = zap_name_row(old);
    if (row == NULL) {
        return;
    }
    unsigned new = free_name(used_names(plan, m), at % 2 == 0 ? ZAP_CLASS_PUBLIC : row->cls);
    if (new == ZAP_NAME_NO) {
        return;
    }
    for (unsigned i = 0; i < plan->modules[m].globals_count; i++) {
        struct zap_global *global = &plan->modules[m].globals[i];
        global->name = (uint8_t)(global->name == old ? new : global->name);
    }
    for (unsigned i = 0; i < plan->acts_count; i++) {
        struct zap_act *act = &plan->acts[i];
        act->name = (uint8_t)(act->module == m && act->name == old ? new : act->name);
    }
}

static unsigned names_count(const struct zap_plan *plan)
{
    return 2 * (globals_count(plan) + plan->acts_count);
}

/* ------------------------------------------------------------------ the walk */

/* change() is called with a normal plan, at < places(plan) and 1 <= count <= places(plan) - at;
 * count is more than 1 only where there are chunks. */
static const struct pass {
    unsigned (*places)(const struct zap_plan *plan);
    void (*change)(struct zap_plan *plan, unsigned at, unsigned count);
    bool has_chunks;
} passes[] = {
    {routes_count, simplify_route, false},  {modules_to_drop, leave_out_module, false},
    {objects_count, drop_objects, true},    {globals_count, drop_globals, true},
    {acts_count, drop_acts, true},          {links_count, drop_links, true},
    {parks_count, drop_parks, true},        {settings_count, drop_settings, true},
    {parks_count, bind_parked, false},      {modules_to_merge, merge_modules, false},
    {globals_count, replace_global, false}, {bypasses_count, bypass, false},
    {objects_count, fold_object, false},    {kinds_count, simplify_kind, false},
    {places_count, simplify_place, false},  {modules_count, let_go, false},
    {modules_count, list_again, false},     {simple_parks_count, simplify_park, false},
    {parks_count, park_first, false},       {again_count, keep_again, false},
    {acts_count, aim_at_first, false},      {acts_count, aim_at_first_name, false},
    {ops_count, simplify_op, false},        {names_count, simplify_name, false},
};
enum { PASSES_COUNT = COUNT(passes) };

/* Of the wire bytes. Should two plans ever share one, a candidate is left out. */
static uint64_t hash_of(const struct zap_plan *plan)
{
    uint8_t wire[ZAP_WIRE_MAX];
    size_t len = zap_wire_encode(plan, wire);
    return zap_hash_bytes(wire, len);
}

static bool was_rejected(const struct zap_shrink *shrink, const struct zap_plan *plan)
{
    uint64_t hash = hash_of(plan);
    for (uint32_t i = 0; i < shrink->rejected_count; i++) {
        if (shrink->rejected[i] == hash) {
            return true;
        }
    }
    return false;
}

void zap_shrink_init(const struct zap_plan *plan, struct zap_shrink *ret_shrink)
{
    memset(ret_shrink, 0, sizeof *ret_shrink);
    ret_shrink->best = *plan;
    ret_shrink->passes_left = PASSES_COUNT;
}

/* All places were seen: the same pass with smaller chunks, or the next one. */
static void turn(struct zap_shrink *shrink)
{
    shrink->at = 0;
    shrink->chunk /= 2;
    if (shrink->chunk == 0) {
        shrink->pass = (shrink->pass + 1) % PASSES_COUNT;
        shrink->passes_left--;
    }
}

bool zap_shrink_next(struct zap_shrink *shrink, struct zap_plan *ret_candidate)
{
    ZAP_CHECK(!shrink->is_waiting);
    uint32_t measure = zap_shrink_measure(&shrink->best);
    while (shrink->passes_left > 0 && shrink->tries < ZAP_SHRINK_TRIES_MAX) {
        const struct pass *pass = &passes[shrink->pass];
        unsigned places = pass->places(&shrink->best);
        if (shrink->chunk == 0) { /* the pass begins */
            shrink->chunk = pass->has_chunks && places > 0 ? places : 1;
        }
        if (shrink->at >= places) {
            turn(shrink);
            continue;
        }
        unsigned left = places - shrink->at;
        shrink->candidate = shrink->best;
        pass->change(&shrink->candidate, shrink->at, shrink->chunk < left ? shrink->chunk : left);
        zap_plan_normalize(&shrink->candidate);
        if (zap_shrink_measure(&shrink->candidate) < measure &&
            !was_rejected(shrink, &shrink->candidate)) {
            shrink->tries++;
            shrink->is_waiting = true;
            *ret_candidate = shrink->candidate;
            return true;
        }
        shrink->at += shrink->chunk;
    }
    return false;
}

void zap_shrink_accept(struct zap_shrink *shrink)
{
    ZAP_CHECK(shrink->is_waiting);
    shrink->is_waiting = false;
    shrink->best = shrink->candidate;
    /* The rest of this pass, all others, and what this one had seen before. */
    shrink->passes_left = PASSES_COUNT + 1;
}

void zap_shrink_reject(struct zap_shrink *shrink)
{
    ZAP_CHECK(shrink->is_waiting);
    ZAP_CHECK_CMP(shrink->rejected_count, <, ZAP_SHRINK_TRIES_MAX);
    shrink->is_waiting = false;
    shrink->rejected[shrink->rejected_count++] = hash_of(&shrink->candidate);
    shrink->at += shrink->chunk;
}
