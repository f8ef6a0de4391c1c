/* Changes a plan step by step: another route, another name, one object more, one link less.
 *
 * There is a list of kinds of step, each with a weight and a function that changes a plan at a
 * place it draws. What a step leaves behind is cleaned up by zap_plan_normalize, so a step is free
 * to break rules, and one that finds nothing to do simply returns: a plan that stayed as it was is
 * noticed, and another step drawn.
 *
 * Where gen draws what is common, this draws what is rare: every kind of object and every action
 * are as likely as any other, except that a node is what an object is most often, because only
 * nodes do something. Operands are drawn from what the plan has already (names that are bound, the
 * name a node itself lives under, names that another script speaks of), because steps come one by
 * one, and rows that are to work together must find each other.
 *
 * From the empty plan, steps lead to every plan: each thing that a plan can have is added by one
 * kind, and each order is reached by swaps. Weights let plans grow slowly from small ones and
 * shrink from big ones: dropping is as likely as adding, and takes more with it.
 *
 * Never draw twice between two sequence points: compilers differ in which comes first.
 */
#include "plan/mutate.h"

#include "base/check.h"
#include "plan/gen.h"
#include "plan/wire.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { NO_OBJECT = ZAP_OBJECTS_MAX };

static const uint8_t kind_codes[] = {
#define ZAP_VALUE(code, id, token, place, target, links, hashable, weight, py, words) code,
#include "plan/value.def"
#undef ZAP_VALUE
};

static const uint8_t op_codes[] = {
#define ZAP_OP(code, id, token, operands, weight, own, key, other, words) code,
#include "plan/op.def"
#undef ZAP_OP
};

static const uint8_t route_codes[] = {
#define ZAP_ROUTE(code, id, token, weight, ends, text) code,
#include "plan/route.def"
#undef ZAP_ROUTE
};

static const uint8_t place_codes[] = {
#define ZAP_PARK(code, id, token, modules, objects, weight, words) code,
#include "plan/park.def"
#undef ZAP_PARK
};

static const uint8_t setting_codes[] = {
#define ZAP_SETTING(code, id, token, weight, py, words) code,
#include "plan/setting.def"
#undef ZAP_SETTING
};

static const uint8_t name_codes[] = {
#define ZAP_NAME(code, id, token, py, cls, ident) code,
#include "plan/name.def"
#undef ZAP_NAME
};

/* a..h and _a.._h come first, as for gen. */
enum { COMMON_COUNT = ZAP_NAME_U_H };
_Static_assert(ZAP_NAME_A == 1 && ZAP_NAME_U_H == 16, "a..h and _a.._h come first");
_Static_assert(COUNT(name_codes) > ZAP_GLOBALS_MAX, "a module never runs out of names");

/* ------------------------------------------------------------------ drawing */

static unsigned below(struct zap_rng *rng, unsigned bound)
{
    return zap_rng_below(rng, bound);
}

static bool one_in(struct zap_rng *rng, unsigned n)
{
    return below(rng, n) == 0;
}

static uint8_t draw_module(const struct zap_plan *plan, struct zap_rng *rng)
{
    return (uint8_t)below(rng, plan->modules_count);
}

/* One of those that fit, or NO_OBJECT. */
static unsigned draw_fitting(const struct zap_plan *plan, struct zap_rng *rng,
                             bool (*fits)(const struct zap_object *object))
{
    uint8_t fitting[ZAP_OBJECTS_MAX];
    unsigned count = 0;
    for (unsigned i = 0; i < plan->objects_count; i++) {
        fitting[count] = (uint8_t)i;
        count += fits(&plan->objects[i]);
    }
    return count > 0 ? fitting[below(rng, count)] : NO_OBJECT;
}

static bool is_anything(const struct zap_object *object)
{
    (void)object;
    return true;
}

static bool is_node(const struct zap_object *object)
{
    return object->kind == ZAP_VALUE_NODE;
}

static bool has_place(const struct zap_object *object)
{
    return zap_value_row(object->kind)->place != ZAP_PLACE_NOWHERE;
}

static bool has_target(const struct zap_object *object)
{
    return zap_value_row(object->kind)->target != ZAP_TARGET_NOTHING;
}

static bool may_link(const struct zap_object *object)
{
    return zap_value_row(object->kind)->links != ZAP_LINKS_NO_LINKS;
}

static bool may_link_anywhere(const struct zap_object *object)
{
    return zap_value_row(object->kind)->links == ZAP_LINKS_MANY;
}

static unsigned draw_object(const struct zap_plan *plan, struct zap_rng *rng)
{
    return draw_fitting(plan, rng, is_anything);
}

/* A global of any module, or NULL. */
static struct zap_global *draw_global(struct zap_plan *plan, struct zap_rng *rng,
                                      unsigned *ret_module)
{
    unsigned count = 0;
    for (unsigned m = 0; m < plan->modules_count; m++) {
        count += plan->modules[m].globals_count;
    }
    if (count == 0) {
        return NULL;
    }
    unsigned at = below(rng, count);
    unsigned m = 0;
    while (at >= plan->modules[m].globals_count) {
        at -= plan->modules[m++].globals_count;
    }
    *ret_module = m;
    return &plan->modules[m].globals[at];
}

/* NULL where there is none. */
static struct zap_act *draw_act(struct zap_plan *plan, struct zap_rng *rng)
{
    return plan->acts_count > 0 ? &plan->acts[below(rng, plan->acts_count)] : NULL;
}

/* A row of name.def; the odd ones are a third. */
static unsigned draw_name_row(struct zap_rng *rng)
{
    return below(rng, one_in(rng, 3) ? (unsigned)COUNT(name_codes) : COMMON_COUNT);
}

/* A name that the module does not have; of the class of `like`, where that is not NULL and the
 * class has one to spare. */
static uint8_t draw_free_name(const struct zap_module *module, struct zap_rng *rng,
                              const struct zap_name_row *like)
{
    uint64_t taken = 0;
    for (unsigned i = 0; i < module->globals_count; i++) {
        taken |= UINT64_C(1) << module->globals[i].name;
    }
    uint64_t fitting = like != NULL ? zap_names_of(1u << like->cls) & ~taken : 0;
    if (fitting == 0) {
        fitting = ~taken;
    }
    unsigned row = draw_name_row(rng);
    while ((fitting >> name_codes[row] & 1) == 0) {
        row = (row + 1) % (unsigned)COUNT(name_codes);
    }
    return name_codes[row];
}

static uint8_t draw_kind(const struct zap_plan *plan, struct zap_rng *rng)
{
    uint8_t kind = one_in(rng, 3) ? ZAP_VALUE_NODE : kind_codes[below(rng, COUNT(kind_codes))];
    bool in_vain = zap_value_row(kind)->target == ZAP_TARGET_NODE &&
                   draw_fitting(plan, rng, is_node) == NO_OBJECT;
    return in_vain ? ZAP_VALUE_NODE : kind;
}

/* The module of an object that has a place. */
static uint8_t draw_place(const struct zap_plan *plan, struct zap_rng *rng, uint8_t kind)
{
    bool is_class = zap_value_row(kind)->place == ZAP_PLACE_CLASS;
    return is_class && one_in(rng, 3) ? (uint8_t)ZAP_ELSEWHERE : draw_module(plan, rng);
}

/* Where a node lives: the first global that holds it. Returns whether there is one. */
static bool find_home(const struct zap_plan *plan, unsigned node, struct zap_act *ret_act)
{
    for (unsigned m = 0; m < plan->modules_count; m++) {
        const struct zap_module *module = &plan->modules[m];
        for (unsigned i = 0; i < module->globals_count; i++) {
            if (module->globals[i].object == node) {
                ret_act->module = (uint8_t)m;
                ret_act->name = module->globals[i].name;
                return true;
            }
        }
    }
    return false;
}

/* Mostly where the node's class is, because code of the module itself runs otherwise than code from
 * elsewhere. */
static uint8_t draw_act_module(const struct zap_plan *plan, struct zap_rng *rng, unsigned node)
{
    uint8_t own = plan->objects[node].module;
    return own != ZAP_ELSEWHERE && !one_in(rng, 3) ? own : draw_module(plan, rng);
}

/* A module, and a name there: a quarter the node's own, three eighths one that is bound, an eighth
 * one that another act speaks of, a quarter any. */
static void draw_act_name(const struct zap_plan *plan, struct zap_rng *rng, struct zap_act *act)
{
    unsigned ticket = below(rng, 8);
    if (ticket < 2 && find_home(plan, act->node, act)) {
        return;
    }
    if (ticket == 2 && plan->acts_count > 0) {
        const struct zap_act *other = &plan->acts[below(rng, plan->acts_count)];
        if (other->name != ZAP_NAME_NO) {
            act->module = other->module;
            act->name = other->name;
            return;
        }
    }
    act->module = draw_act_module(plan, rng, act->node);
    const struct zap_module *module = &plan->modules[act->module];
    if (ticket < 6 && module->globals_count > 0) {
        act->name = module->globals[below(rng, module->globals_count)].name;
    } else {
        act->name = name_codes[draw_name_row(rng)];
    }
}

/* The operands that its op needs and that it does not have. */
static void complete_act(const struct zap_plan *plan, struct zap_rng *rng, struct zap_act *act,
                         bool has_module)
{
    enum zap_operands operands = zap_op_row(act->op)->operands;
    if (operands == ZAP_OPERANDS_NAME && act->name == ZAP_NAME_NO) {
        draw_act_name(plan, rng, act);
    } else if (operands == ZAP_OPERANDS_MODULE && !has_module) {
        act->module = draw_act_module(plan, rng, act->node);
    }
}

/* ------------------------------------------------------------------ the whole */

/* One in eight that ends an interpreter, because such plans cost so much more than others. */
static void change_route(struct zap_plan *plan, struct zap_rng *rng)
{
    bool ends = one_in(rng, 8);
    unsigned row = below(rng, COUNT(route_codes));
    while (zap_route_row(route_codes[row])->ends != ends) {
        row = (row + 1) % (unsigned)COUNT(route_codes);
    }
    plan->route = route_codes[row];
}

/* Something new, small enough to be understood. */
static void replace_all(struct zap_plan *plan, struct zap_rng *rng)
{
    struct zap_gen_config config = {.seed = zap_rng_next(rng)};
    config.size = (uint8_t)(ZAP_SIZE_MIN + below(rng, ZAP_SIZE_DEFAULT));
    zap_gen_plan(&config, 0, plan);
}

/* ------------------------------------------------------------------ globals */

/* One more global for an object; where the module is full, another one gives way. */
static void bind(struct zap_plan *plan, struct zap_rng *rng, unsigned m, unsigned object)
{
    struct zap_module *module = &plan->modules[m];
    unsigned count = module->globals_count;
    if (count == ZAP_GLOBALS_MAX) {
        module->globals[below(rng, count)].object = (uint8_t)object;
        return;
    }
    uint8_t name = draw_free_name(module, rng, NULL);
    unsigned at = one_in(rng, 2) ? count : below(rng, count + 1);
    memmove(&module->globals[at + 1], &module->globals[at],
            (count - at) * sizeof module->globals[0]);
    module->globals[at] = (struct zap_global){.name = name, .object = (uint8_t)object};
    module->globals_count++;
}

static void add_global(struct zap_plan *plan, struct zap_rng *rng)
{
    unsigned object = draw_object(plan, rng);
    if (object != NO_OBJECT) {
        bind(plan, rng, draw_module(plan, rng), object);
    }
}

static void drop_global(struct zap_plan *plan, struct zap_rng *rng)
{
    unsigned m;
    struct zap_global *global = draw_global(plan, rng, &m);
    if (global != NULL) {
        global->name = ZAP_NAME_NO;
    }
}

/* Half of the time to a name of the same class, and half of the time acts speak of the new name. */
static void rename_global(struct zap_plan *plan, struct zap_rng *rng)
{
    unsigned m;
    struct zap_global *global = draw_global(plan, rng, &m);
    if (global == NULL) {
        return;
    }
    uint8_t old = global->name;
    const struct zap_name_row *like = one_in(rng, 2) ? zap_name_row(old) : NULL;
    global->name = draw_free_name(&plan->modules[m], rng, like);
    if (one_in(rng, 2)) {
        return;
    }
    for (unsigned i = 0; i < plan->acts_count; i++) {
        struct zap_act *act = &plan->acts[i];
        if (act->module == m && act->name == old) {
            act->name = global->name;
        }
    }
}

static void retarget_global(struct zap_plan *plan, struct zap_rng *rng)
{
    unsigned m;
    struct zap_global *global = draw_global(plan, rng, &m);
    if (global != NULL) {
        global->object = (uint8_t)draw_object(plan, rng);
    }
}

/* To a place at the end of another module, or a copy of it. */
static void move_global(struct zap_plan *plan, struct zap_rng *rng)
{
    unsigned from;
    struct zap_global *global = draw_global(plan, rng, &from);
    if (global == NULL || plan->modules_count == 1) {
        return;
    }
    unsigned other = below(rng, plan->modules_count - 1u);
    struct zap_module *to = &plan->modules[other + (other >= from)];
    if (to->globals_count == ZAP_GLOBALS_MAX) {
        return;
    }
    to->globals[to->globals_count++] = *global;
    if (!one_in(rng, 3)) {
        global->name = ZAP_NAME_NO;
    }
}

static void exchange_globals(struct zap_module *module, unsigned i, unsigned k)
{
    struct zap_global moved = module->globals[i];
    module->globals[i] = module->globals[k];
    module->globals[k] = moved;
}

static void swap_globals(struct zap_plan *plan, struct zap_rng *rng)
{
    struct zap_module *module = &plan->modules[draw_module(plan, rng)];
    if (module->globals_count > 1) {
        unsigned i = below(rng, module->globals_count);
        unsigned k = below(rng, module->globals_count);
        exchange_globals(module, i, k);
    }
}

static void shuffle_globals(struct zap_plan *plan, struct zap_rng *rng)
{
    struct zap_module *module = &plan->modules[draw_module(plan, rng)];
    for (unsigned i = module->globals_count; i > 1; i--) {
        exchange_globals(module, i - 1, below(rng, i));
    }
}

static void change_again(struct zap_plan *plan, struct zap_rng *rng)
{
    struct zap_module *module = &plan->modules[0];
    if (plan->route == ZAP_ROUTE_RELOAD && module->globals_count > 0) {
        unsigned at = below(rng, module->globals_count);
        module->globals[at].again = (uint8_t)below(rng, ZAP_AGAIN_END);
    }
}

/* ------------------------------------------------------------------ modules */

static void toggle_held(struct zap_plan *plan, struct zap_rng *rng)
{
    plan->modules[draw_module(plan, rng)].held ^= 1;
}

/* One more module, empty or with about half of what another one has, taken from it or shared. */
static void add_module(struct zap_plan *plan, struct zap_rng *rng)
{
    if (plan->modules_count == ZAP_MODULES_MAX) {
        return;
    }
    struct zap_module *from = &plan->modules[draw_module(plan, rng)];
    struct zap_module *to = &plan->modules[plan->modules_count++];
    unsigned ticket = below(rng, 3);
    for (unsigned i = 0; ticket > 0 && i < from->globals_count; i++) {
        if (one_in(rng, 2)) {
            to->globals[to->globals_count++] = from->globals[i];
            from->globals[i].name = ticket == 1 ? ZAP_NAME_NO : from->globals[i].name;
        }
    }
}

static uint8_t folded(uint8_t module, unsigned from, unsigned to)
{
    if (module == ZAP_ELSEWHERE) {
        return module;
    }
    unsigned now = module == from ? to : module;
    return (uint8_t)(now - (now > from));
}

/* One module less: what was defined there, or is said of it, is now of another one. Half of the
 * time its globals move there, too; of two of one name the first stays. */
static void fold_module(struct zap_plan *plan, struct zap_rng *rng)
{
    if (plan->modules_count == 1) {
        return;
    }
    unsigned m = draw_module(plan, rng);
    unsigned other = below(rng, plan->modules_count - 1u);
    unsigned to = other + (other >= m);
    const struct zap_module *gone = &plan->modules[m];
    struct zap_module *stays = &plan->modules[to];
    bool moves = one_in(rng, 2);
    for (unsigned i = 0; moves && i < gone->globals_count; i++) {
        if (stays->globals_count < ZAP_GLOBALS_MAX) {
            stays->globals[stays->globals_count++] = gone->globals[i];
        }
    }
    for (unsigned i = 0; i < plan->objects_count; i++) {
        plan->objects[i].module = folded(plan->objects[i].module, m, to);
    }
    for (unsigned i = 0; i < plan->acts_count; i++) {
        plan->acts[i].module = folded(plan->acts[i].module, m, to);
    }
    for (unsigned i = 0; i < plan->parks_count; i++) {
        struct zap_park *park = &plan->parks[i];
        park->what = park->is_module ? folded(park->what, m, to) : park->what;
    }
    memmove(&plan->modules[m], &plan->modules[m + 1],
            (plan->modules_count - m - 1u) * sizeof plan->modules[0]);
    plan->modules_count--;
}

/* ------------------------------------------------------------------ links */

static void link_up(struct zap_plan *plan, unsigned from, unsigned to)
{
    if (plan->links_count < ZAP_LINKS_MAX) {
        plan->links[plan->links_count++] = (struct zap_link){(uint8_t)from, (uint8_t)to};
    }
}

static void add_link(struct zap_plan *plan, struct zap_rng *rng)
{
    unsigned from = draw_fitting(plan, rng, may_link);
    if (from != NO_OBJECT) {
        link_up(plan, from, draw_object(plan, rng));
    }
}

static void drop_link(struct zap_plan *plan, struct zap_rng *rng)
{
    if (plan->links_count > 0) {
        unsigned at = below(rng, plan->links_count);
        plan->links_count--;
        memmove(&plan->links[at], &plan->links[at + 1],
                (plan->links_count - at) * sizeof plan->links[0]);
    }
}

static void redirect_link(struct zap_plan *plan, struct zap_rng *rng)
{
    if (plan->links_count > 0) {
        unsigned at = below(rng, plan->links_count);
        plan->links[at].to = (uint8_t)draw_object(plan, rng);
    }
}

static void move_link(struct zap_plan *plan, struct zap_rng *rng)
{
    if (plan->links_count > 0) {
        unsigned at = below(rng, plan->links_count);
        plan->links[at].from = (uint8_t)draw_fitting(plan, rng, may_link);
    }
}

static void swap_links(struct zap_plan *plan, struct zap_rng *rng)
{
    if (plan->links_count > 1) {
        unsigned at = below(rng, plan->links_count - 1u);
        uint8_t to = plan->links[at].to;
        plan->links[at].to = plan->links[at + 1].to;
        plan->links[at + 1].to = to;
    }
}

/* A way back for a link, or a ring of two, which may be the same one. */
static void add_cycle(struct zap_plan *plan, struct zap_rng *rng)
{
    if (plan->links_count > 0 && one_in(rng, 2)) {
        unsigned at = below(rng, plan->links_count);
        link_up(plan, plan->links[at].to, plan->links[at].from);
        return;
    }
    unsigned one = draw_fitting(plan, rng, may_link_anywhere);
    unsigned other = draw_fitting(plan, rng, may_link_anywhere);
    if (one != NO_OBJECT) {
        link_up(plan, one, other);
    }
    if (one != other) {
        link_up(plan, other, one);
    }
}

/* ------------------------------------------------------------------ objects */

/* Give an object a holder: a third of the time another object, where one can hold it. */
static void hold(struct zap_plan *plan, struct zap_rng *rng, unsigned object)
{
    unsigned holder = NO_OBJECT;
    if (one_in(rng, 3) && plan->links_count < ZAP_LINKS_MAX) {
        holder = draw_fitting(plan, rng, may_link_anywhere);
    }
    if (holder != NO_OBJECT && holder != object) {
        link_up(plan, holder, object);
    } else {
        bind(plan, rng, draw_module(plan, rng), object);
    }
}

/* Give it what its kind needs; where kinds are equal, what it has is kept. */
static void equip(struct zap_plan *plan, struct zap_rng *rng, unsigned i, uint8_t kind)
{
    struct zap_object *object = &plan->objects[i];
    const struct zap_value_row *row = zap_value_row(kind);
    if (row->place != ZAP_PLACE_NOWHERE && (object->kind == 0 || !has_place(object))) {
        object->module = draw_place(plan, rng, kind);
    }
    if (row->target == ZAP_TARGET_NODE && (object->kind == 0 || !has_target(object))) {
        object->target = (uint8_t)draw_fitting(plan, rng, is_node);
    }
    object->kind = kind;
}

/* The number of one more object of this kind, after all others, or NO_OBJECT. */
static unsigned make_object(struct zap_plan *plan, struct zap_rng *rng, uint8_t kind)
{
    if (plan->objects_count == ZAP_OBJECTS_MAX) {
        return NO_OBJECT;
    }
    struct zap_object blank = {0};
    plan->objects[plan->objects_count] = blank;
    equip(plan, rng, plan->objects_count, kind);
    return plan->objects_count++;
}

/* A container that holds nothing is of little use; a node often holds nothing. */
static void add_object(struct zap_plan *plan, struct zap_rng *rng)
{
    uint8_t kind = draw_kind(plan, rng);
    unsigned others = plan->objects_count;
    unsigned i = make_object(plan, rng, kind);
    if (i == NO_OBJECT) {
        return;
    }
    if (may_link(&plan->objects[i]) && others > 0 && (kind != ZAP_VALUE_NODE || one_in(rng, 3))) {
        for (unsigned links = 1 + below(rng, 2); links > 0; links--) {
            link_up(plan, i, below(rng, others));
        }
    }
    hold(plan, rng, i);
}

/* Put a container between a global and what it holds. */
static void wrap_object(struct zap_plan *plan, struct zap_rng *rng)
{
    static const uint8_t wrappers[] = {ZAP_VALUE_LIST, ZAP_VALUE_TUPLE, ZAP_VALUE_DICT,
                                       ZAP_VALUE_SET,  ZAP_VALUE_NODE,  ZAP_VALUE_CELL,
                                       ZAP_VALUE_NEST};
    unsigned m;
    struct zap_global *global = draw_global(plan, rng, &m);
    if (global == NULL || plan->links_count == ZAP_LINKS_MAX) {
        return;
    }
    unsigned i = make_object(plan, rng, wrappers[below(rng, COUNT(wrappers))]);
    if (i != NO_OBJECT) {
        link_up(plan, i, global->object);
        global->object = (uint8_t)i;
    }
}

/* Append an act, unless there is no room. */
static void append_act(struct zap_plan *plan, struct zap_act act)
{
    if (plan->acts_count < ZAP_ACTS_MAX) {
        plan->acts[plan->acts_count++] = act;
    }
}

/* Append what one object does to what another one does. */
static void append_script(struct zap_plan *plan, unsigned from, unsigned to)
{
    unsigned count = plan->acts_count;
    for (unsigned i = 0; i < count; i++) {
        if (plan->acts[i].node == from) {
            struct zap_act act = plan->acts[i];
            act.node = (uint8_t)to;
            append_act(plan, act);
        }
    }
}

static void copy_object(struct zap_plan *plan, struct zap_rng *rng)
{
    unsigned from = draw_object(plan, rng);
    if (from == NO_OBJECT || plan->objects_count == ZAP_OBJECTS_MAX) {
        return;
    }
    unsigned to = plan->objects_count++;
    plan->objects[to] = plan->objects[from];
    unsigned count = plan->links_count;
    for (unsigned i = 0; i < count; i++) {
        if (plan->links[i].from == from) {
            link_up(plan, to, plan->links[i].to);
        }
    }
    append_script(plan, from, to);
    hold(plan, rng, to);
}

static void drop_object(struct zap_plan *plan, struct zap_rng *rng)
{
    unsigned i = draw_object(plan, rng);
    if (i != NO_OBJECT) {
        plan->objects[i].kind = 0; /* not a code */
    }
}

static void change_kind(struct zap_plan *plan, struct zap_rng *rng)
{
    unsigned i = draw_object(plan, rng);
    if (i != NO_OBJECT) {
        uint8_t kind = draw_kind(plan, rng);
        equip(plan, rng, i, kind);
    }
}

static void change_place(struct zap_plan *plan, struct zap_rng *rng)
{
    unsigned i = draw_fitting(plan, rng, has_place);
    if (i != NO_OBJECT) {
        plan->objects[i].module = draw_place(plan, rng, plan->objects[i].kind);
    }
}

static void retarget_object(struct zap_plan *plan, struct zap_rng *rng)
{
    unsigned i = draw_fitting(plan, rng, has_target);
    if (i == NO_OBJECT) {
        return;
    }
    unsigned target = draw_fitting(plan, rng, is_node);
    if (target < i) {
        plan->objects[i].target = (uint8_t)target;
    }
}

static void exchange_numbers(uint8_t *number, unsigned i, unsigned k)
{
    if (*number == i) {
        *number = (uint8_t)k;
    } else if (*number == k) {
        *number = (uint8_t)i;
    }
}

/* Make them in another order. */
static void swap_objects(struct zap_plan *plan, struct zap_rng *rng)
{
    if (plan->objects_count < 2) {
        return;
    }
    unsigned i = below(rng, plan->objects_count);
    unsigned k = one_in(rng, 2) ? (i + 1) % plan->objects_count : draw_object(plan, rng);
    struct zap_object moved = plan->objects[i];
    plan->objects[i] = plan->objects[k];
    plan->objects[k] = moved;
    for (unsigned m = 0; m < plan->modules_count; m++) {
        for (unsigned g = 0; g < plan->modules[m].globals_count; g++) {
            exchange_numbers(&plan->modules[m].globals[g].object, i, k);
        }
    }
    for (unsigned o = 0; o < plan->objects_count; o++) {
        if (has_target(&plan->objects[o])) {
            exchange_numbers(&plan->objects[o].target, i, k);
        }
    }
    for (unsigned l = 0; l < plan->links_count; l++) {
        exchange_numbers(&plan->links[l].from, i, k);
        exchange_numbers(&plan->links[l].to, i, k);
    }
    for (unsigned a = 0; a < plan->acts_count; a++) {
        exchange_numbers(&plan->acts[a].node, i, k);
    }
    for (unsigned p = 0; p < plan->parks_count; p++) {
        if (!plan->parks[p].is_module) {
            exchange_numbers(&plan->parks[p].what, i, k);
        }
    }
}

/* ------------------------------------------------------------------ scripts */

/* Where the script of a node begins, and how long it is. */
static unsigned find_script(const struct zap_plan *plan, unsigned node, unsigned *ret_len)
{
    unsigned at = 0;
    while (at < plan->acts_count && plan->acts[at].node < node) {
        at++;
    }
    unsigned end = at;
    while (end < plan->acts_count && plan->acts[end].node == node) {
        end++;
    }
    *ret_len = end - at;
    return at;
}

/* At the end of a script, or anywhere in it; instead of another act where there is no room. */
static void insert_act(struct zap_plan *plan, struct zap_rng *rng, struct zap_act act)
{
    unsigned len;
    unsigned at = find_script(plan, act.node, &len);
    if (len == ZAP_SCRIPT_MAX || plan->acts_count == ZAP_ACTS_MAX) {
        if (len > 0) {
            plan->acts[at + below(rng, len)] = act;
        }
        return;
    }
    at += one_in(rng, 2) ? len : below(rng, len + 1);
    memmove(&plan->acts[at + 1], &plan->acts[at], (plan->acts_count - at) * sizeof plan->acts[0]);
    plan->acts[at] = act;
    plan->acts_count++;
}

static void add_act(struct zap_plan *plan, struct zap_rng *rng)
{
    unsigned node = draw_fitting(plan, rng, is_node);
    if (node != NO_OBJECT) {
        struct zap_act act = {.node = (uint8_t)node, .op = op_codes[below(rng, COUNT(op_codes))]};
        complete_act(plan, rng, &act, false);
        insert_act(plan, rng, act);
    }
}

/* One more node, which brings down what a global holds: so chains of finalizers grow. Of other
 * steps that takes three, and only the last one shows. */
static void add_trigger(struct zap_plan *plan, struct zap_rng *rng)
{
    unsigned m;
    const struct zap_global *global = draw_global(plan, rng, &m);
    if (global == NULL) {
        return;
    }
    struct zap_act act = {.op = ZAP_OP_UNBIND, .module = (uint8_t)m, .name = global->name};
    unsigned node = make_object(plan, rng, ZAP_VALUE_NODE);
    if (node != NO_OBJECT) {
        act.node = (uint8_t)node;
        insert_act(plan, rng, act);
        bind(plan, rng, m, node);
    }
}

static void drop_act(struct zap_plan *plan, struct zap_rng *rng)
{
    struct zap_act *act = draw_act(plan, rng);
    if (act != NULL) {
        act->op = 0; /* not a code */
    }
}

static void change_op(struct zap_plan *plan, struct zap_rng *rng)
{
    struct zap_act *act = draw_act(plan, rng);
    if (act != NULL) {
        bool has_module = zap_op_row(act->op)->operands != ZAP_OPERANDS_NONE;
        act->op = op_codes[below(rng, COUNT(op_codes))];
        complete_act(plan, rng, act, has_module);
    }
}

static void change_act_name(struct zap_plan *plan, struct zap_rng *rng)
{
    struct zap_act *act = draw_act(plan, rng);
    if (act != NULL && act->name != ZAP_NAME_NO) {
        draw_act_name(plan, rng, act);
    }
}

static void change_act_module(struct zap_plan *plan, struct zap_rng *rng)
{
    struct zap_act *act = draw_act(plan, rng);
    if (act != NULL) {
        act->module = draw_module(plan, rng);
    }
}

static void swap_acts(struct zap_plan *plan, struct zap_rng *rng)
{
    if (plan->acts_count > 1) {
        unsigned at = below(rng, plan->acts_count - 1u);
        struct zap_act moved = plan->acts[at];
        plan->acts[at] = plan->acts[at + 1];
        plan->acts[at + 1] = moved;
        plan->acts[at + 1].node = plan->acts[at].node;
        plan->acts[at].node = moved.node;
    }
}

/* To another script. */
static void move_act(struct zap_plan *plan, struct zap_rng *rng)
{
    struct zap_act *act = draw_act(plan, rng);
    if (act != NULL) {
        act->node = (uint8_t)draw_fitting(plan, rng, is_node);
    }
}

static void copy_act(struct zap_plan *plan, struct zap_rng *rng)
{
    const struct zap_act *from = draw_act(plan, rng);
    if (from != NULL) {
        struct zap_act act = *from;
        act.node = (uint8_t)draw_fitting(plan, rng, is_node);
        insert_act(plan, rng, act);
    }
}

static void clear_script(struct zap_plan *plan, unsigned node)
{
    for (unsigned i = 0; i < plan->acts_count; i++) {
        if (plan->acts[i].node == node) {
            plan->acts[i].op = 0; /* not a code */
        }
    }
    zap_plan_normalize(plan);
}

static void drop_script(struct zap_plan *plan, struct zap_rng *rng)
{
    const struct zap_act *act = draw_act(plan, rng);
    if (act != NULL) {
        clear_script(plan, act->node);
    }
}

static void copy_script(struct zap_plan *plan, struct zap_rng *rng)
{
    const struct zap_act *act = draw_act(plan, rng);
    if (act == NULL) {
        return;
    }
    unsigned from = act->node;
    unsigned to = draw_fitting(plan, rng, is_node);
    if (to != from) {
        clear_script(plan, to);
        append_script(plan, from, to);
    }
}

/* ------------------------------------------------------------------ the end of an interpreter */

/* A module or an object; half of the time the one, half the other, where there is an object. */
static void draw_parked(const struct zap_plan *plan, struct zap_rng *rng, struct zap_park *park)
{
    park->is_module = plan->objects_count == 0 || one_in(rng, 2);
    park->what = park->is_module ? draw_module(plan, rng) : (uint8_t)draw_object(plan, rng);
}

/* A place that can hold it. */
static void draw_park_place(struct zap_rng *rng, struct zap_park *park)
{
    unsigned i = below(rng, COUNT(place_codes));
    const struct zap_park_row *row = zap_park_row(place_codes[i]);
    while (!(park->is_module ? row->modules : row->objects)) {
        i = (i + 1) % (unsigned)COUNT(place_codes);
        row = zap_park_row(place_codes[i]);
    }
    park->place = place_codes[i];
}

static void add_park(struct zap_plan *plan, struct zap_rng *rng)
{
    if (zap_plan_ends(plan) && plan->parks_count < ZAP_PARKS_MAX) {
        struct zap_park *park = &plan->parks[plan->parks_count++];
        draw_parked(plan, rng, park);
        draw_park_place(rng, park);
    }
}

static void drop_park(struct zap_plan *plan, struct zap_rng *rng)
{
    if (plan->parks_count > 0) {
        plan->parks[below(rng, plan->parks_count)].place = 0; /* not a code */
    }
}

/* Another place for it, or something else there; a place that can not hold that is changed, too. */
static void change_park(struct zap_plan *plan, struct zap_rng *rng)
{
    if (plan->parks_count == 0) {
        return;
    }
    struct zap_park *park = &plan->parks[below(rng, plan->parks_count)];
    if (one_in(rng, 2)) {
        draw_park_place(rng, park);
        return;
    }
    draw_parked(plan, rng, park);
    const struct zap_park_row *row = zap_park_row(park->place);
    if (!(park->is_module ? row->modules : row->objects)) {
        draw_park_place(rng, park);
    }
}

/* Make them in another order. */
static void swap_parks(struct zap_plan *plan, struct zap_rng *rng)
{
    if (plan->parks_count > 1) {
        unsigned at = below(rng, plan->parks_count - 1u);
        struct zap_park moved = plan->parks[at];
        plan->parks[at] = plan->parks[at + 1];
        plan->parks[at + 1] = moved;
    }
}

static void toggle_setting(struct zap_plan *plan, struct zap_rng *rng)
{
    if (zap_plan_ends(plan)) {
        plan->settings ^= (uint8_t)(1u << (setting_codes[below(rng, COUNT(setting_codes))] - 1));
    }
}

static void toggle_unlisted(struct zap_plan *plan, struct zap_rng *rng)
{
    if (zap_plan_ends(plan)) {
        plan->modules[draw_module(plan, rng)].unlisted ^= 1;
    }
}

/* ------------------------------------------------------------------ steps */

/* change() gets a normal plan and leaves its counts within their limits. */
static const struct kind {
    const char *name;
    uint8_t weight;
    void (*change)(struct zap_plan *plan, struct zap_rng *rng);
} kinds[] = {
    {"route", 4, change_route},
    {"fresh", 9, replace_all},
    {"add-global", 5, add_global},
    {"drop-global", 5, drop_global},
    {"rename-global", 6, rename_global},
    {"retarget-global", 4, retarget_global},
    {"move-global", 3, move_global},
    {"swap-globals", 4, swap_globals},
    {"shuffle-globals", 1, shuffle_globals},
    {"again", 3, change_again},
    {"held", 3, toggle_held},
    {"add-module", 2, add_module},
    {"fold-module", 3, fold_module},
    {"add-link", 5, add_link},
    {"drop-link", 5, drop_link},
    {"redirect-link", 3, redirect_link},
    {"move-link", 2, move_link},
    {"swap-links", 1, swap_links},
    {"add-cycle", 3, add_cycle},
    {"add-object", 9, add_object},
    {"wrap-object", 3, wrap_object},
    {"copy-object", 2, copy_object},
    {"drop-object", 6, drop_object},
    {"change-kind", 5, change_kind},
    {"change-place", 5, change_place},
    {"retarget-object", 2, retarget_object},
    {"swap-objects", 3, swap_objects},
    {"add-act", 12, add_act},
    {"add-trigger", 4, add_trigger},
    {"drop-act", 5, drop_act},
    {"change-op", 5, change_op},
    {"change-act-name", 5, change_act_name},
    {"change-act-module", 2, change_act_module},
    {"swap-acts", 2, swap_acts},
    {"move-act", 2, move_act},
    {"copy-act", 2, copy_act},
    {"drop-script", 2, drop_script},
    {"copy-script", 2, copy_script},
    {"add-park", 6, add_park},
    {"drop-park", 4, drop_park},
    {"change-park", 5, change_park},
    {"swap-parks", 1, swap_parks},
    {"setting", 3, toggle_setting},
    {"unlisted", 2, toggle_unlisted},
};

/* Of the steps drawn for the empty plan, one in eight finds something to do; for others, most. */
enum { TRIES_MAX = 120 };

struct steps {
    unsigned count;
    uint8_t kinds[ZAP_MUTATE_STEPS_MAX];
};

static unsigned draw_step(struct zap_rng *rng)
{
    unsigned total = 0;
    for (unsigned i = 0; i < COUNT(kinds); i++) {
        total += kinds[i].weight;
    }
    unsigned ticket = below(rng, total);
    unsigned kind = 0;
    while (ticket >= kinds[kind].weight) {
        ticket -= kinds[kind++].weight;
    }
    return kind;
}

static void mutate(struct zap_plan *plan, struct zap_rng *rng, struct steps *ret_steps)
{
    static const uint8_t counts[8] = {1, 1, 1, 1, 2, 2, 3, ZAP_MUTATE_STEPS_MAX};
    const struct zap_plan given = *plan;
    unsigned wanted = counts[below(rng, COUNT(counts))];
    ret_steps->count = 0;
    for (unsigned tries = 0; tries < TRIES_MAX && ret_steps->count < wanted; tries++) {
        const struct zap_plan before = *plan;
        unsigned kind = draw_step(rng);
        kinds[kind].change(plan, rng);
        if (zap_plan_equal(plan, &before)) {
            continue;
        }
        zap_plan_normalize(plan);
        if (zap_plan_equal(plan, &given)) { /* there and back, or nowhere */
            ret_steps->count = 0;
        } else if (!zap_plan_equal(plan, &before)) {
            ret_steps->kinds[ret_steps->count++] = (uint8_t)kind;
        }
    }
}

void zap_mutate(struct zap_plan *plan, struct zap_rng *rng)
{
    struct steps steps;
    mutate(plan, rng, &steps);
}

const char *zap_mutate_kind_name(unsigned kind)
{
    return kind < COUNT(kinds) ? kinds[kind].name : NULL;
}

void zap_mutate_step(struct zap_plan *plan, unsigned kind, struct zap_rng *rng)
{
    ZAP_CHECK_CMP(kind, <, COUNT(kinds));
    kinds[kind].change(plan, rng);
    zap_plan_normalize(plan);
}

void zap_mutate_describe(const struct zap_plan *plan, uint64_t seed, struct zap_str *out)
{
    struct zap_plan changed = *plan;
    struct zap_rng rng = zap_rng_init(seed, 0);
    struct steps steps;
    mutate(&changed, &rng, &steps);
    if (steps.count == 0) {
        zap_str_add(out, "nothing");
    }
    for (unsigned i = 0; i < steps.count; i++) {
        zap_str_add(out, i > 0 ? "+" : "");
        zap_str_add(out, kinds[steps.kinds[i]].name);
    }
}

/* ------------------------------------------------------------------ bytes */

/* The next thing that goes when a plan is too big. Returns false where nothing is left. */
static bool lose_something(struct zap_plan *plan)
{
    if (plan->acts_count > 0 && plan->objects_count == 1) {
        plan->acts_count--;
    } else if (plan->objects_count > 0) {
        plan->objects[plan->objects_count - 1].kind = 0; /* not a code */
    } else if (plan->modules_count > 1) {
        plan->modules_count--;
    } else if (plan->parks_count > 0) {
        plan->parks_count--;
    } else if (plan->settings != 0) {
        plan->settings &= (uint8_t)(plan->settings - 1);
    } else if (plan->modules[0].unlisted) {
        plan->modules[0].unlisted = 0;
    } else {
        return false;
    }
    zap_plan_normalize(plan);
    return true;
}

size_t zap_mutate_fit(struct zap_plan *plan, uint8_t *ret_bytes, size_t size)
{
    uint8_t wire[ZAP_WIRE_MAX];
    size_t len = zap_wire_encode(plan, wire);
    while (len > size && lose_something(plan)) {
        len = zap_wire_encode(plan, wire);
    }
    if (len > size) {
        plan->modules[0].held = 0;
        len = 1;
    }
    if (size == 0) {
        plan->route = ZAP_ROUTE_DROP;
        return 0;
    }
    memcpy(ret_bytes, wire, len);
    return len;
}

size_t zap_mutate_wire(const uint8_t *bytes, size_t len, uint64_t seed, uint8_t *ret_bytes,
                       size_t size)
{
    struct zap_plan plan;
    struct zap_rng rng = zap_rng_init(seed, 0);
    zap_wire_decode(bytes, len, &plan);
    zap_mutate(&plan, &rng);
    return zap_mutate_fit(&plan, ret_bytes, size);
}
