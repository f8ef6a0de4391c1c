/* Random plans: what a table's rows are weighted with, and what makes a teardown interesting.
 *
 * A plan is drawn front to back from one stream of numbers: the kinds of the objects, who holds
 * each (a global, or a link from another object), then links, then scripts, because a script mostly
 * speaks of names that are bound. Nothing but the config and the index goes in. Plans come out
 * nearly normal and zap_plan_normalize does the rest; what it drops is not drawn again, so every
 * plan costs the same.
 *
 * Whether a plan ends an interpreter, and by which route, its block decides (gen.h), which has a
 * stream of its own. What only such plans have is drawn after everything else, so that all plans
 * are drawn alike up to there.
 *
 * Weights of kinds, actions and routes are columns of their tables. The shares below are about the
 * structure, and each says why it is what it is. Changing one changes every plan of every seed:
 * tests/golden/update then. Never draw twice between two sequence points: compilers differ in which
 * comes first, and seeds are to mean the same everywhere.
 */
#include "plan/gen.h"

#include "base/check.h"
#include "base/rng.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A weighted row owns that many consecutive tickets: FROM is its first, and LAST makes the enum go
 * on after its last, so the running sums are constants. */
enum {
#define ZAP_VALUE(code, id, token, place, target, links, hashable, weight, py, words)              \
    KIND_FROM_##id, KIND_LAST_##id = KIND_FROM_##id + (weight)-1,
#include "plan/value.def"
#undef ZAP_VALUE
};

enum {
#define ZAP_OP(code, id, token, operands, weight, own, key, other, words)                          \
    OP_FROM_##id, OP_LAST_##id = OP_FROM_##id + (weight)-1,
#include "plan/op.def"
#undef ZAP_OP
};

static const uint8_t kind_codes[] = {
#define ZAP_VALUE(code, id, token, place, target, links, hashable, weight, py, words) code,
#include "plan/value.def"
#undef ZAP_VALUE
};

static const uint16_t kind_ends[] = {
#define ZAP_VALUE(code, id, token, place, target, links, hashable, weight, py, words)              \
    KIND_LAST_##id + 1,
#include "plan/value.def"
#undef ZAP_VALUE
};

/* Actions without a weight. */
enum {
    RARE_OPS = 0
#define ZAP_OP(code, id, token, operands, weight, own, key, other, words) +((weight) == 0)
#include "plan/op.def"
#undef ZAP_OP
};

static const uint8_t op_codes[] = {
#define ZAP_OP(code, id, token, operands, weight, own, key, other, words) code,
#include "plan/op.def"
#undef ZAP_OP
};

static const uint16_t op_ends[] = {
#define ZAP_OP(code, id, token, operands, weight, own, key, other, words) OP_LAST_##id + 1,
#include "plan/op.def"
#undef ZAP_OP
};

static const uint8_t route_codes[] = {
#define ZAP_ROUTE(code, id, token, weight, ends, text) code,
#include "plan/route.def"
#undef ZAP_ROUTE
};

static const uint8_t route_weights[] = {
#define ZAP_ROUTE(code, id, token, weight, ends, text) weight,
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

/* The rows that most globals are named from are the first ones of the table; the others are the
 * odd. */
enum { COMMON_COUNT = ZAP_NAME_U_H };
_Static_assert(ZAP_NAME_A == 1 && ZAP_NAME_U_H == 16, "a..h and _a.._h come first");
_Static_assert(COUNT(name_codes) > ZAP_GLOBALS_MAX, "a module never runs out of names");

struct gen {
    struct zap_rng rng;
    struct zap_plan *plan;
    bool is_independent; /* the plan shares the end of an interpreter with others of its block */
    unsigned nodes_count;
    uint64_t bound;                      /* objects that a global holds, or will */
    uint64_t names[ZAP_MODULES_MAX];     /* taken in each module */
    uint64_t owned[ZAP_OBJECTS_MAX];     /* objects that only a link from this one holds */
    uint8_t nodes[ZAP_OBJECTS_MAX];      /* those made so far */
    uint8_t home[ZAP_OBJECTS_MAX];       /* the module that binds it */
    uint8_t home_names[ZAP_OBJECTS_MAX]; /* and the name, 0 where none does */
};

static uint64_t bit(unsigned i)
{
    return UINT64_C(1) << i;
}

static uint32_t below(struct gen *gen, uint32_t bound)
{
    return zap_rng_below(&gen->rng, bound);
}

static bool one_in(struct gen *gen, uint32_t n)
{
    return below(gen, n) == 0;
}

/* An index into ends, weighted. Without a branch per row, because it would be mispredicted. */
static unsigned pick(struct gen *gen, const uint16_t *ends, size_t count)
{
    uint32_t ticket = below(gen, ends[count - 1]);
    unsigned row = 0;
    for (size_t i = 0; i < count; i++) {
        row += ends[i] <= ticket;
    }
    return row;
}

static uint32_t weigh_routes(uint32_t allowed)
{
    uint32_t total = 0;
    for (size_t i = 0; i < COUNT(route_codes); i++) {
        total += (allowed >> route_codes[i] & 1) * route_weights[i];
    }
    return total;
}

static uint8_t draw_weighted_route(struct zap_rng *rng, uint32_t allowed)
{
    uint32_t total = weigh_routes(allowed);
    ZAP_CHECK_CMP(total, >, 0);
    uint32_t ticket = zap_rng_below(rng, total);
    for (size_t i = 0;; i++) {
        uint32_t weight = (allowed >> route_codes[i] & 1) * route_weights[i];
        if (ticket < weight) {
            return route_codes[i];
        }
        ticket -= weight;
    }
}

/* The streams of blocks are those of the last plans there could be: no session gets that far. */
static uint8_t draw_route(struct gen *gen, const struct zap_gen_config *config, uint64_t index)
{
    uint32_t allowed = config->routes == 0 ? UINT32_MAX : config->routes;
    uint32_t ends = allowed & ZAP_ROUTES_THAT_END;
    uint32_t others = allowed & ~(uint32_t)ZAP_ROUTES_THAT_END;
    struct zap_rng block = zap_rng_init(config->seed, ~(index / ZAP_BLOCK));
    bool is_end = zap_rng_below(&block, ZAP_END_ONE_IN) == 0;
    if (weigh_routes(ends) > 0 && (is_end || weigh_routes(others) == 0)) {
        uint8_t route = draw_weighted_route(&block, ends);
        gen->is_independent = index % ZAP_BLOCK < ZAP_BLOCK - ZAP_BLOCK_ALONE;
        return route;
    }
    return draw_weighted_route(&gen->rng, others);
}

/* One module mostly: what happens between modules is rarer than what happens within one. */
static void draw_modules(struct gen *gen)
{
    uint32_t ticket = below(gen, 10);
    unsigned count = ticket < 7 ? 1 : ticket < 9 ? 2 : 3 + below(gen, 2);
    gen->plan->modules_count = (uint8_t)(count < ZAP_MODULES_MAX ? count : ZAP_MODULES_MAX);
    for (unsigned m = 0; m < gen->plan->modules_count; m++) {
        gen->plan->modules[m].held = one_in(gen, 10);
    }
}

/* Own class half of the time: that puts the dict in a cycle, and then other paths are taken. */
static uint8_t draw_class(struct gen *gen, uint8_t home)
{
    uint32_t ticket = below(gen, 10);
    unsigned modules = gen->plan->modules_count;
    if (ticket < 3) {
        return ZAP_ELSEWHERE;
    }
    if (ticket < 5 && modules > 1) {
        return (uint8_t)((home + 1 + below(gen, modules - 1)) % modules);
    }
    return home;
}

static void draw_object(struct gen *gen, unsigned i)
{
    struct zap_object *object = &gen->plan->objects[i];
    uint8_t code = kind_codes[pick(gen, kind_ends, COUNT(kind_ends))];
    if (zap_value_row(code)->target == ZAP_TARGET_NODE && gen->nodes_count == 0) {
        code = ZAP_VALUE_NODE;
    }
    const struct zap_value_row *row = zap_value_row(code);
    unsigned modules = gen->plan->modules_count;
    uint8_t home = (uint8_t)(modules == 1 ? 0 : below(gen, modules));
    object->kind = code;
    gen->home[i] = home;
    if (row->place == ZAP_PLACE_CLASS) {
        object->module = draw_class(gen, home);
    } else if (row->place == ZAP_PLACE_MODULE) {
        object->module = one_in(gen, 4) ? (uint8_t)below(gen, modules) : home;
    }
    if (row->target == ZAP_TARGET_NODE) {
        object->target = gen->nodes[below(gen, gen->nodes_count)];
    }
    if (code == ZAP_VALUE_NODE) {
        gen->nodes[gen->nodes_count++] = (uint8_t)i;
    }
    if (!one_in(gen, 8)) {
        gen->bound |= bit(i);
    }
}

/* Find an object that can hold object i by a link. It is bound, or comes earlier and is therefore
 * held already, so that a global reaches it. Where a few tries find none, a global holds i after
 * all. */
static void draw_owner(struct gen *gen, unsigned i)
{
    for (unsigned tries = 0; tries < 4; tries++) {
        unsigned owner = below(gen, gen->plan->objects_count);
        if (owner != i && (owner < i || (gen->bound & bit(owner)) != 0) &&
            zap_value_row(gen->plan->objects[owner].kind)->links == ZAP_LINKS_MANY) {
            gen->owned[owner] |= bit(i);
            return;
        }
    }
    gen->bound |= bit(i);
}

/* The row of a name. */
static unsigned row_of(uint8_t name)
{
    unsigned row = 0;
    while (name_codes[row] != name) {
        row++;
    }
    return row;
}

/* The odd names are a sixth: each then is one global in 230 or so, and a plan in a hundred has it.
 * A key that springs is rarer, because no wipe that meets one does anything else of interest. */
static unsigned draw_name(struct gen *gen)
{
    if (!one_in(gen, 6)) {
        return below(gen, COMMON_COUNT);
    }
    unsigned row = COMMON_COUNT + below(gen, COUNT(name_codes) - COMMON_COUNT);
    bool springs = name_codes[row] == ZAP_NAME_TRAP || name_codes[row] == ZAP_NAME_U_TRAP;
    return springs && !one_in(gen, 8) ? below(gen, COMMON_COUNT) : row;
}

/* A name for an object. Of the names through which the import system and attribute lookups go on to
 * a module, a module has one more often than chance would have it. */
static unsigned draw_name_for(struct gen *gen, unsigned object)
{
    if (gen->plan->objects[object].kind == ZAP_VALUE_MODULE && one_in(gen, 5)) {
        return row_of(one_in(gen, 8) ? ZAP_NAME_SPEC : ZAP_NAME_GETATTR);
    }
    return draw_name(gen);
}

/* One more global for an object, in this module or the next that has room. */
static void bind(struct gen *gen, unsigned object, unsigned module)
{
    for (unsigned tries = 0; gen->plan->modules[module].globals_count == ZAP_GLOBALS_MAX; tries++) {
        if (tries == gen->plan->modules_count) {
            return;
        }
        module = (module + 1) % gen->plan->modules_count;
    }
    unsigned row = draw_name_for(gen, object);
    while ((gen->names[module] & bit(name_codes[row])) != 0) {
        row = (row + 1) % (unsigned)COUNT(name_codes);
    }
    gen->names[module] |= bit(name_codes[row]);
    struct zap_module *to = &gen->plan->modules[module];
    to->globals[to->globals_count++] =
        (struct zap_global){.name = name_codes[row], .object = (uint8_t)object};
    if (gen->home_names[object] == 0) {
        gen->home[object] = (uint8_t)module;
        gen->home_names[object] = name_codes[row];
    }
}

/* Half of the modules bind their globals in another order than the objects were made in: the first
 * decides paths D and W, the second path G. */
static void draw_globals(struct gen *gen)
{
    struct zap_plan *plan = gen->plan;
    for (unsigned i = 0; i < plan->objects_count; i++) {
        if ((gen->bound & bit(i)) != 0) {
            bind(gen, i, gen->home[i]);
        }
        if (one_in(gen, 20)) {
            unsigned other = below(gen, plan->objects_count);
            bind(gen, other, below(gen, plan->modules_count));
        }
    }
    for (unsigned m = 0; m < plan->modules_count; m++) {
        struct zap_module *module = &plan->modules[m];
        if (one_in(gen, 2)) {
            for (unsigned i = module->globals_count; i > 1; i--) {
                unsigned other = below(gen, i);
                struct zap_global moved = module->globals[i - 1];
                module->globals[i - 1] = module->globals[other];
                module->globals[other] = moved;
            }
        }
    }
    if (plan->route == ZAP_ROUTE_RELOAD) {
        for (unsigned i = 0; i < plan->modules[0].globals_count; i++) {
            uint32_t ticket = below(gen, 4);
            plan->modules[0].globals[i].again = (uint8_t)(ticket < 2    ? ZAP_AGAIN_KEEP
                                                          : ticket == 2 ? ZAP_AGAIN_INT
                                                                        : ZAP_AGAIN_NONE);
        }
    }
}

static void add_link(struct gen *gen, unsigned from, unsigned to)
{
    struct zap_plan *plan = gen->plan;
    if (plan->links_count < ZAP_LINKS_MAX) {
        plan->links[plan->links_count++] = (struct zap_link){(uint8_t)from, (uint8_t)to};
    }
}

/* 0 to 3 links, each as likely as half of the one before. */
static void draw_links(struct gen *gen, unsigned from)
{
    enum zap_links links = zap_value_row(gen->plan->objects[from].kind)->links;
    if (links == ZAP_LINKS_NO_LINKS) {
        return;
    }
    for (unsigned to = 0; gen->owned[from] >> to != 0; to++) {
        if ((gen->owned[from] >> to & 1) != 0) {
            add_link(gen, from, to);
        }
    }
    bool many = links == ZAP_LINKS_MANY;
    unsigned targets = many ? gen->plan->objects_count : from;
    uint32_t ticket = below(gen, 16);
    /* What holds nothing is of little use, except a node. */
    unsigned count = ticket < 8 ? gen->plan->objects[from].kind != ZAP_VALUE_NODE
                                : 1 + (ticket >= 12) + (ticket >= 14);
    for (unsigned i = 0; i < count && targets > 0; i++) {
        add_link(gen, from, below(gen, targets));
    }
}

/* The module that an act speaks of: mostly where the node's class or the node itself lives. */
static uint8_t draw_act_module(struct gen *gen, unsigned node)
{
    uint32_t ticket = below(gen, 8);
    if (ticket < 4 && gen->plan->objects[node].module != ZAP_ELSEWHERE) {
        return gen->plan->objects[node].module;
    }
    return ticket < 7 ? gen->home[node] : (uint8_t)below(gen, gen->plan->modules_count);
}

/* Half of the names are bound: a quarter the node's own, so that a script takes away or replaces
 * what it lives in, a quarter any global. A call is about one that is bound, and rather about one
 * that lookups go on to. */
static void draw_act_name(struct gen *gen, struct zap_act *act)
{
    uint32_t ticket = below(gen, act->op == ZAP_OP_CALL ? 2 : 4);
    if (ticket == 0 && gen->home_names[act->node] != 0) {
        act->module = gen->home[act->node];
        act->name = gen->home_names[act->node];
        return;
    }
    act->module = draw_act_module(gen, act->node);
    const struct zap_module *module = &gen->plan->modules[act->module];
    bool has_getattr = (gen->names[act->module] & bit(ZAP_NAME_GETATTR)) != 0;
    if (act->op == ZAP_OP_CALL && has_getattr && one_in(gen, 3)) {
        act->name = ZAP_NAME_GETATTR;
    } else if (ticket <= 1 && module->globals_count > 0) {
        act->name = module->globals[below(gen, module->globals_count)].name;
    } else {
        act->name = name_codes[draw_name(gen)];
    }
}

/* inert: only looks, which change nothing; most invariants say something about such plans only. */
static uint8_t draw_op(struct gen *gen, bool inert)
{
    if (inert) {
        return one_in(gen, 5) ? ZAP_OP_LOOK_ALL : ZAP_OP_LOOK;
    }
    return op_codes[pick(gen, op_ends, COUNT(op_ends))];
}

static uint8_t draw_rare_op(struct gen *gen)
{
    unsigned left = below(gen, RARE_OPS), row = 0;
    while (zap_op_row(op_codes[row])->weight > 0 || left-- > 0) {
        row++;
    }
    return op_codes[row];
}

static void draw_act(struct gen *gen, unsigned node, uint8_t op)
{
    struct zap_plan *plan = gen->plan;
    struct zap_act act = {.node = (uint8_t)node, .op = op};
    enum zap_operands operands = zap_op_row(act.op)->operands;
    if (operands == ZAP_OPERANDS_MODULE) {
        act.module = draw_act_module(gen, node);
    } else if (operands == ZAP_OPERANDS_NAME) {
        draw_act_name(gen, &act);
    }
    plan->acts[plan->acts_count++] = act;
}

static void draw_scripts(struct gen *gen)
{
    static const uint8_t counts[16] = {0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4, UINT8_MAX};
    bool inert =
        one_in(gen, 10); /* with those that come out so by chance, a quarter of the plans */
    for (unsigned i = 0; i < gen->nodes_count; i++) {
        unsigned count = counts[below(gen, COUNT(counts))];
        if (count == UINT8_MAX) {
            count = 5 + below(gen, 4);
        }
        for (unsigned k = 0; k < count && k < ZAP_SCRIPT_MAX; k++) {
            if (gen->plan->acts_count == ZAP_ACTS_MAX) {
                return;
            }
            draw_act(gen, gen->nodes[i], draw_op(gen, inert));
        }
    }
    /* A script that never ends costs as much as a hundred plans: one plan in 200 has one. */
    if (one_in(gen, 200) && gen->nodes_count > 0 && gen->plan->acts_count < ZAP_ACTS_MAX) {
        uint8_t op = draw_rare_op(gen);
        draw_act(gen, gen->nodes[below(gen, gen->nodes_count)], op);
    }
}

/* A place that can hold a module, or else an object; weighted. */
static uint8_t draw_place(struct gen *gen, bool is_module)
{
    uint32_t weights[COUNT(place_codes)];
    uint32_t total = 0;
    for (size_t i = 0; i < COUNT(place_codes); i++) {
        const struct zap_park_row *row = zap_park_row(place_codes[i]);
        weights[i] = (is_module ? row->modules : row->objects) ? row->weight : 0;
        total += weights[i];
    }
    uint32_t ticket = below(gen, total);
    size_t i = 0;
    while (ticket >= weights[i]) {
        ticket -= weights[i++];
    }
    return place_codes[i];
}

static void add_park(struct gen *gen, uint8_t place, bool is_module, unsigned what)
{
    struct zap_plan *plan = gen->plan;
    if (plan->parks_count < ZAP_PARKS_MAX) {
        plan->parks[plan->parks_count++] =
            (struct zap_park){.place = place, .is_module = is_module, .what = (uint8_t)what};
    }
}

/* An atexit callback that holds a node runs its script: mostly it gets one. */
static void draw_object_park(struct gen *gen)
{
    unsigned what = below(gen, gen->plan->objects_count);
    uint8_t place = draw_place(gen, false);
    if (place == ZAP_PARK_ATEXIT && gen->nodes_count > 0 && !one_in(gen, 4)) {
        what = gen->nodes[below(gen, gen->nodes_count)];
    }
    add_park(gen, place, false, what);
}

static void draw_setting(struct gen *gen)
{
    uint32_t total = 0;
    for (size_t i = 0; i < COUNT(setting_codes); i++) {
        total += zap_setting_row(setting_codes[i])->weight;
    }
    uint32_t ticket = below(gen, total);
    size_t i = 0;
    while (ticket >= zap_setting_row(setting_codes[i])->weight) {
        ticket -= zap_setting_row(setting_codes[i++])->weight;
    }
    gen->plan->settings |= (uint8_t)(1u << (setting_codes[i] - 1));
}

/* What only plans have that end an interpreter. A quarter is left without parks and settings: there
 * modules go as in most programs. Half of the modules of the others are parked, since one that only
 * sys.modules holds goes before anything of interest is gone. A quarter of all
 * has settings: these hold for everything in an interpreter, and hide what others would show. */
static void draw_end(struct gen *gen)
{
    struct zap_plan *plan = gen->plan;
    for (unsigned m = 0; m < plan->modules_count; m++) {
        plan->modules[m].unlisted = one_in(gen, 5);
    }
    if (one_in(gen, 4)) {
        return;
    }
    for (unsigned m = 0; m < plan->modules_count; m++) {
        if (one_in(gen, 2)) {
            add_park(gen, draw_place(gen, true), true, m);
        }
    }
    for (unsigned count = below(gen, 3); count > 0; count--) {
        draw_object_park(gen);
    }
    if (one_in(gen, 3)) {
        for (unsigned count = 1 + below(gen, 2); count > 0; count--) {
            draw_setting(gen);
        }
    }
}

/* ZAP_SHAPE_BENCH, after the route. */
static void draw_bench(struct gen *gen)
{
    enum {
        LETTERS = ZAP_NAME_H, /* each with and without an underscore */
        NODES_MAX = ZAP_OBJECTS_MAX < ZAP_ACTS_MAX ? ZAP_OBJECTS_MAX : ZAP_ACTS_MAX,
        NODES = ZAP_GLOBALS_MAX < LETTERS ? ZAP_GLOBALS_MAX : LETTERS,
    };
    _Static_assert((int)NODES <= (int)NODES_MAX, "an object and an act for each global");
    struct zap_plan *plan = gen->plan;
    uint8_t letters[LETTERS] = {0}, order[NODES] = {0};
    for (unsigned i = 0; i < LETTERS; i++) {
        unsigned place = below(gen, i + 1);
        letters[i] = letters[place];
        letters[place] = (uint8_t)(ZAP_NAME_A + i);
    }
    for (unsigned i = 0; i < NODES; i++) {
        unsigned place = below(gen, i + 1);
        order[i] = order[place];
        order[place] = (uint8_t)i;
    }
    struct zap_module *module = &plan->modules[0];
    module->globals_count = plan->objects_count = plan->acts_count = NODES;
    for (unsigned i = 0; i < NODES; i++) {
        unsigned underscore = order[i] % 2 * (ZAP_NAME_U_A - ZAP_NAME_A);
        module->globals[i] =
            (struct zap_global){.name = (uint8_t)(letters[i] + underscore), .object = order[i]};
    }
    uint8_t home = plan->route == ZAP_ROUTE_COLLECT ? 0 : ZAP_ELSEWHERE;
    for (unsigned i = 0; i < NODES; i++) {
        plan->objects[i] = (struct zap_object){.kind = ZAP_VALUE_NODE, .module = home};
        plan->acts[i] = (struct zap_act){
            .node = (uint8_t)i, .op = ZAP_OP_LOOK, .name = module->globals[below(gen, NODES)].name};
    }
}

/* ZAP_SHAPE_RANDOM, after the route. */
static void draw_random(struct gen *gen, unsigned size)
{
    struct zap_plan *plan = gen->plan;
    draw_modules(gen);
    unsigned count = size - size / 2 + below(gen, size / 2 * 2 + 1);
    count = count < ZAP_OBJECTS_MAX ? count : ZAP_OBJECTS_MAX;
    plan->objects_count = (uint8_t)count;
    for (unsigned i = 0; i < count; i++) {
        draw_object(gen, i);
    }
    for (unsigned i = 0; i < count; i++) {
        if ((gen->bound & bit(i)) == 0) {
            draw_owner(gen, i);
        }
    }
    draw_globals(gen);
    for (unsigned i = 0; i < count; i++) {
        draw_links(gen, i);
    }
    draw_scripts(gen);
    if (zap_plan_ends(plan)) {
        draw_end(gen);
    }
}

void zap_gen_plan(const struct zap_gen_config *config, uint64_t index, struct zap_plan *ret_plan)
{
    ZAP_CHECK_CMP(config->size, <=, ZAP_SIZE_MAX);
    ZAP_CHECK_CMP(config->shape, <, ZAP_SHAPE_COUNT);
    struct gen gen = {.rng = zap_rng_init(config->seed, index), .plan = ret_plan};
    zap_plan_init(ret_plan);
    ret_plan->route = draw_route(&gen, config, index);
    if (config->shape == ZAP_SHAPE_BENCH) {
        draw_bench(&gen);
    } else {
        draw_random(&gen, config->size == 0 ? ZAP_SIZE_DEFAULT : config->size);
    }
    if (gen.is_independent) {
        zap_plan_make_independent(ret_plan);
    }
    zap_plan_normalize(ret_plan);
}
