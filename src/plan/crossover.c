/* Grafts a part of one plan into another one.
 *
 * The part is a set of objects of b that is closed: with an object comes what it links to and what
 * it targets. They are made after those of a, in their order, so "earlier" stays true. Each of b's
 * modules becomes a new one or one of a's; with the objects come the globals that hold them, their
 * links and their scripts, all renumbered. A name that the module has already is bound to the new
 * object half of the time, so that scripts of a meet objects of b. What is left over at the top of
 * the part, held by nobody, gets a global of its own. Often a link is drawn across.
 *
 * Where the new plan ends an interpreter, the objects' parks come with them, half of those of the
 * modules that they come from, and the settings of either plan or of both.
 *
 * Or only scripts are taken: nodes of a do what nodes of b do.
 *
 * A plan that is full would take nothing in. So room is made first, for half a plan at most, by
 * dropping random parts of a.
 */
#include "plan/crossover.h"

#include "base/check.h"
#include "plan/mutate.h"
#include "plan/wire.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { NO_OBJECT = ZAP_OBJECTS_MAX };

static const uint8_t name_codes[] = {
#define ZAP_NAME(code, id, token, py, cls, ident) code,
#include "plan/name.def"
#undef ZAP_NAME
};
_Static_assert(COUNT(name_codes) > ZAP_GLOBALS_MAX, "a module never runs out of names");

static uint64_t bit(unsigned i)
{
    return UINT64_C(1) << i;
}

static bool has(uint64_t set, unsigned i)
{
    return (set >> i & 1) != 0;
}

static bool one_in(struct zap_rng *rng, unsigned n)
{
    return zap_rng_below(rng, n) == 0;
}

/* ------------------------------------------------------------------ which part */

/* What the objects of a set need, with them. */
static uint64_t close_set(const struct zap_plan *plan, uint64_t set)
{
    uint64_t before;
    do {
        before = set;
        for (unsigned i = 0; i < plan->links_count; i++) {
            set |= has(set, plan->links[i].from) ? bit(plan->links[i].to) : 0;
        }
        for (unsigned i = 0; i < plan->objects_count; i++) {
            bool needs =
                has(set, i) && zap_value_row(plan->objects[i].kind)->target == ZAP_TARGET_NODE;
            set |= needs ? bit(plan->objects[i].target) : 0;
        }
    } while (set != before);
    return set;
}

/* What one module holds, one object, or about half of all. */
static uint64_t draw_part(const struct zap_plan *plan, struct zap_rng *rng)
{
    uint64_t set = bit(zap_rng_below(rng, plan->objects_count));
    uint32_t ticket = zap_rng_below(rng, 3);
    if (ticket == 0) {
        const struct zap_module *module = &plan->modules[zap_rng_below(rng, plan->modules_count)];
        for (unsigned i = 0; i < module->globals_count; i++) {
            set |= bit(module->globals[i].object);
        }
    } else if (ticket == 1) {
        set |= zap_rng_next(rng) & (bit(plan->objects_count) - 1);
    }
    return close_set(plan, set);
}

/* ------------------------------------------------------------------ room for it */

static unsigned count_set(uint64_t set)
{
    unsigned count = 0;
    for (; set != 0; set &= set - 1) {
        count++;
    }
    return count;
}

static unsigned at_most(unsigned count, unsigned most)
{
    return count < most ? count : most;
}

/* Drop random objects, links and acts until there is room for what a set has, or for half a plan.
 */
static void make_room(struct zap_plan *plan, const struct zap_plan *from, uint64_t set,
                      struct zap_rng *rng)
{
    unsigned objects = at_most(count_set(set), ZAP_OBJECTS_MAX / 2);
    unsigned links = 0;
    for (unsigned i = 0; i < from->links_count; i++) {
        links += has(set, from->links[i].from);
    }
    links = at_most(links, ZAP_LINKS_MAX / 2);
    unsigned acts = 0;
    for (unsigned i = 0; i < from->acts_count; i++) {
        acts += has(set, from->acts[i].node);
    }
    acts = at_most(acts, ZAP_ACTS_MAX / 2);
    while (plan->objects_count > ZAP_OBJECTS_MAX - objects) {
        plan->objects[zap_rng_below(rng, plan->objects_count)].kind = 0; /* not a code */
        zap_plan_normalize(plan);
    }
    while (plan->links_count > ZAP_LINKS_MAX - links) {
        plan->links[zap_rng_below(rng, plan->links_count)].from = NO_OBJECT;
        zap_plan_normalize(plan);
    }
    while (plan->acts_count > ZAP_ACTS_MAX - acts) {
        plan->acts[zap_rng_below(rng, plan->acts_count)].op = 0; /* not a code */
        zap_plan_normalize(plan);
    }
}

/* ------------------------------------------------------------------ the graft */

struct graft {
    struct zap_plan *plan;
    const struct zap_plan *from;
    struct zap_rng *rng;
    unsigned first;                  /* number of the first new object */
    uint64_t set;                    /* the objects of `from` that come */
    uint8_t object[ZAP_OBJECTS_MAX]; /* their new numbers */
    uint8_t module[ZAP_MODULES_MAX]; /* the new number of each module of `from` */
};

static bool holds_any(const struct zap_module *module, uint64_t set)
{
    for (unsigned i = 0; i < module->globals_count; i++) {
        if (has(set, module->globals[i].object)) {
            return true;
        }
    }
    return false;
}

static void map_modules(struct graft *graft)
{
    struct zap_plan *plan = graft->plan;
    unsigned old_count = plan->modules_count;
    ZAP_CHECK_CMP(graft->from->modules_count, <=, ZAP_MODULES_MAX);
    for (unsigned m = 0; m < graft->from->modules_count; m++) {
        const struct zap_module *module = &graft->from->modules[m];
        if (plan->modules_count < ZAP_MODULES_MAX && holds_any(module, graft->set) &&
            one_in(graft->rng, 3)) {
            graft->module[m] = plan->modules_count++;
            plan->modules[graft->module[m]].held = module->held;
            plan->modules[graft->module[m]].unlisted = module->unlisted;
        } else {
            graft->module[m] = (uint8_t)zap_rng_below(graft->rng, old_count);
        }
    }
}

/* What has no room stays away. */
static void graft_objects(struct graft *graft)
{
    struct zap_plan *plan = graft->plan;
    graft->first = plan->objects_count;
    for (unsigned i = 0; i < graft->from->objects_count; i++) {
        if (!has(graft->set, i)) {
            continue;
        }
        if (plan->objects_count == ZAP_OBJECTS_MAX) {
            graft->set &= bit(i) - 1;
            return;
        }
        struct zap_object object = graft->from->objects[i];
        if (object.module != ZAP_ELSEWHERE) {
            object.module = graft->module[object.module];
        }
        if (zap_value_row(object.kind)->target == ZAP_TARGET_NODE) {
            object.target = graft->object[object.target]; /* came earlier */
        }
        graft->object[i] = plan->objects_count;
        plan->objects[plan->objects_count++] = object;
    }
}

static void graft_links(struct graft *graft)
{
    struct zap_plan *plan = graft->plan;
    for (unsigned i = 0; i < graft->from->links_count; i++) {
        struct zap_link link = graft->from->links[i];
        if (has(graft->set, link.from) && has(graft->set, link.to) &&
            plan->links_count < ZAP_LINKS_MAX) {
            plan->links[plan->links_count++] =
                (struct zap_link){graft->object[link.from], graft->object[link.to]};
        }
    }
}

static void graft_acts(struct graft *graft)
{
    struct zap_plan *plan = graft->plan;
    for (unsigned i = 0; i < graft->from->acts_count; i++) {
        struct zap_act act = graft->from->acts[i];
        if (has(graft->set, act.node) && plan->acts_count < ZAP_ACTS_MAX) {
            act.node = graft->object[act.node];
            act.module = graft->module[act.module];
            plan->acts[plan->acts_count++] = act;
        }
    }
}

/* Bind a name that may be taken, in a module that may be full. */
static void bind(struct zap_module *module, struct zap_rng *rng, struct zap_global global)
{
    for (unsigned i = 0; i < module->globals_count; i++) {
        if (module->globals[i].name == global.name) {
            if (one_in(rng, 2)) {
                module->globals[i] = global;
            }
            return;
        }
    }
    unsigned at = module->globals_count;
    if (at < ZAP_GLOBALS_MAX) {
        module->globals_count++;
    } else {
        at = zap_rng_below(rng, at);
    }
    module->globals[at] = global;
}

static void graft_globals(struct graft *graft)
{
    for (unsigned m = 0; m < graft->from->modules_count; m++) {
        const struct zap_module *module = &graft->from->modules[m];
        for (unsigned i = 0; i < module->globals_count; i++) {
            struct zap_global global = module->globals[i];
            if (has(graft->set, global.object)) {
                global.object = graft->object[global.object];
                bind(&graft->plan->modules[graft->module[m]], graft->rng, global);
            }
        }
    }
}

/* What has no room stays away, as does what can not be with this route. */
static void graft_parks(struct graft *graft)
{
    struct zap_plan *plan = graft->plan;
    for (unsigned i = 0; zap_plan_ends(plan) && i < graft->from->parks_count; i++) {
        struct zap_park park = graft->from->parks[i];
        bool comes = park.is_module ? one_in(graft->rng, 2) : has(graft->set, park.what);
        if (comes && plan->parks_count < ZAP_PARKS_MAX) {
            park.what = park.is_module ? graft->module[park.what] : graft->object[park.what];
            plan->parks[plan->parks_count++] = park;
        }
    }
}

/* A name that a module does not have. */
static uint8_t draw_free_name(const struct zap_module *module, struct zap_rng *rng)
{
    uint64_t taken = 0;
    for (unsigned i = 0; i < module->globals_count; i++) {
        taken |= bit(module->globals[i].name);
    }
    unsigned row = zap_rng_below(rng, COUNT(name_codes));
    while (has(taken, name_codes[row])) {
        row = (row + 1) % (unsigned)COUNT(name_codes);
    }
    return name_codes[row];
}

/* New objects that nobody holds get a global; the last ones first, because they hold others. */
static void hold_the_rest(struct graft *graft)
{
    struct zap_plan *plan = graft->plan;
    uint64_t reached = zap_plan_reached(plan);
    for (unsigned i = plan->objects_count; i-- > graft->first;) {
        if (!has(reached, i)) {
            struct zap_module *module =
                &plan->modules[zap_rng_below(graft->rng, plan->modules_count)];
            struct zap_global global = {.object = (uint8_t)i};
            global.name = draw_free_name(module, graft->rng);
            bind(module, graft->rng, global);
            reached = zap_plan_reached(plan);
        }
    }
}

/* One of those from `from` on and before `end` that may hold anything, or NO_OBJECT. */
static unsigned draw_holder(const struct zap_plan *plan, struct zap_rng *rng, unsigned from,
                            unsigned end)
{
    uint8_t fitting[ZAP_OBJECTS_MAX];
    unsigned count = 0;
    for (unsigned i = from; i < end; i++) {
        fitting[count] = (uint8_t)i;
        count += zap_value_row(plan->objects[i].kind)->links == ZAP_LINKS_MANY;
    }
    return count > 0 ? fitting[zap_rng_below(rng, count)] : NO_OBJECT;
}

/* From an old object to a new one, or the other way. */
static void link_across(struct graft *graft)
{
    struct zap_plan *plan = graft->plan;
    unsigned first = graft->first;
    unsigned end = plan->objects_count;
    if (first == 0 || first == end || plan->links_count == ZAP_LINKS_MAX) {
        return;
    }
    bool is_back = one_in(graft->rng, 2);
    unsigned from = is_back ? draw_holder(plan, graft->rng, first, end)
                            : draw_holder(plan, graft->rng, 0, first);
    unsigned to =
        is_back ? zap_rng_below(graft->rng, first) : first + zap_rng_below(graft->rng, end - first);
    if (from != NO_OBJECT) {
        plan->links[plan->links_count++] = (struct zap_link){(uint8_t)from, (uint8_t)to};
    }
}

static void graft_part(struct zap_plan *plan, const struct zap_plan *from, struct zap_rng *rng)
{
    struct graft graft = {.plan = plan, .from = from, .rng = rng};
    graft.set = draw_part(from, rng);
    make_room(plan, from, graft.set, rng);
    map_modules(&graft);
    graft_objects(&graft);
    graft_links(&graft);
    graft_acts(&graft);
    graft_globals(&graft);
    graft_parks(&graft);
    hold_the_rest(&graft);
    if (one_in(rng, 2)) {
        link_across(&graft);
    }
}

/* ------------------------------------------------------------------ scripts only */

static void drop_script(struct zap_plan *plan, unsigned node)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < plan->acts_count; i++) {
        if (plan->acts[i].node != node) {
            plan->acts[kept++] = plan->acts[i];
        }
    }
    plan->acts_count = (uint8_t)kept;
}

/* Half of the nodes of a plan do what a node of another plan does, and the first one does in any
 * case. Returns false where there is no node or no script. */
static bool graft_scripts(struct zap_plan *plan, const struct zap_plan *from, struct zap_rng *rng)
{
    bool did = false;
    for (unsigned i = 0; from->acts_count > 0 && i < plan->objects_count; i++) {
        if (plan->objects[i].kind != ZAP_VALUE_NODE || (did && one_in(rng, 2))) {
            continue;
        }
        did = true;
        drop_script(plan, i);
        unsigned node = from->acts[zap_rng_below(rng, from->acts_count)].node;
        for (unsigned k = 0; k < from->acts_count && plan->acts_count < ZAP_ACTS_MAX; k++) {
            struct zap_act act = from->acts[k];
            if (act.node == node) {
                act.node = (uint8_t)i;
                act.module = (uint8_t)(act.module % plan->modules_count);
                plan->acts[plan->acts_count++] = act;
            }
        }
    }
    return did;
}

/* ------------------------------------------------------------------ both */

void zap_crossover(const struct zap_plan *a, const struct zap_plan *b, struct zap_rng *rng,
                   struct zap_plan *ret_plan)
{
    struct zap_plan plan = *a;
    if (one_in(rng, 2)) {
        plan.route = b->route;
    }
    if (zap_plan_ends(&plan)) {
        uint32_t ticket = zap_rng_below(rng, 3);
        plan.settings =
            (uint8_t)((ticket != 0 ? a->settings : 0) | (ticket != 1 ? b->settings : 0));
    }
    if (b->objects_count > 0 && !(one_in(rng, 4) && graft_scripts(&plan, b, rng))) {
        graft_part(&plan, b, rng);
    }
    zap_plan_normalize(&plan);
    *ret_plan = plan;
}

size_t zap_crossover_wire(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len,
                          uint64_t seed, uint8_t *ret_bytes, size_t size)
{
    struct zap_plan one;
    struct zap_plan other;
    struct zap_rng rng = zap_rng_init(seed, 0);
    zap_wire_decode(a, a_len, &one);
    zap_wire_decode(b, b_len, &other);
    zap_crossover(&one, &other, &rng, &one);
    return zap_mutate_fit(&one, ret_bytes, size);
}
