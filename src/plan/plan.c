/* The plan itself: its tables by code and by token, and the rules that make a plan normal.
 *
 * The rules, in the order in which zap_plan_normalize applies them. Each can only take something
 * away or make an object NONE, and none brings back a reason for an earlier one, so one call is
 * enough:
 *
 *  1. The route is assigned, else it is drop. There is at least one module. held is 0 or 1.
 *  2. An object's kind is assigned, else the object is dropped. Where the kind has a target, that
 *     is an earlier object of kind NODE, else the object becomes NONE. `module` is a module of the
 *     plan (place CLASS: or ZAP_ELSEWHERE), else 0. Fields that the kind does not use are 0.
 *  3. A global has an assigned name, an object that was not dropped, and is the first of its name
 *     in its module. Every row of name.def is a legal name, __builtins__ too. `again` is KEEP
 *     unless the route is reload and the module is the first.
 *  4. A link starts and ends at objects that were not dropped, and value.def says of the first
 *     one's kind how many links it has and where they go: the first ones that fit stay.
 *  5. An object that no global and no park reaches, through links and a bound method's target, is
 *     dropped with its links; a weak reference to it becomes NONE. Weak references reach nothing,
 *     so nothing that stays can have led to what goes.
 *  6. An act belongs to a NODE that stays; its op is assigned, as are its operands, else it is
 *     dropped. Operands that the op does not use are 0. A node has at most ZAP_SCRIPT_MAX.
 *  7. Unless the route ends an interpreter there are no parks, no settings, and no module that is
 *     unlisted. A park has an assigned place that can hold what it holds, which is a module of the
 *     plan or an object that was not dropped (and is reached thereby); it is the first of its like,
 *     and of place MAIN the first of all. unlisted is 0 or 1, settings are assigned.
 *  8. Objects keep their order when they are renumbered, so "earlier" stays true. Links and acts
 *     are grouped by object. Everything beyond a count is 0, so memcmp is equality.
 *
 * Sets of objects are one uint64_t, and every loop runs over a count, never over a limit: this is
 * run for every plan that is generated.
 */
#include "plan/plan.h"

#include "base/check.h"

#include <string.h>

_Static_assert(ZAP_OBJECTS_MAX <= 64, "a set of objects is one uint64_t");
_Static_assert(ZAP_MODULES_MAX < ZAP_ELSEWHERE, "no module is number ZAP_ELSEWHERE");

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A row is unassigned where token is NULL. */
static const struct zap_name_row names[ZAP_NAME_END] = {
#define ZAP_NAME(code, id, token, py, cls, ident)                                                  \
    [code] = {code, token, py, ZAP_CLASS_##cls, ident},
#include "plan/name.def"
#undef ZAP_NAME
};

static const struct zap_value_row values[] = {
#define ZAP_VALUE(code, id, token, place, target, links, hashable, weight, py, words)              \
    [code] = {                                                                                     \
        code, token, ZAP_PLACE_##place, ZAP_TARGET_##target, ZAP_LINKS_##links, hashable, weight,  \
        py,   words},
#include "plan/value.def"
#undef ZAP_VALUE
};

static const struct zap_op_row ops[] = {
#define ZAP_OP(code, id, token, operands, weight, own, key, other, words)                          \
    [code] = {code, token, ZAP_OPERANDS_##operands, weight, own, key, other, words},
#include "plan/op.def"
#undef ZAP_OP
};

static const struct zap_route_row routes[] = {
#define ZAP_ROUTE(code, id, token, weight, ends, text) [code] = {code, token, weight, ends, text},
#include "plan/route.def"
#undef ZAP_ROUTE
};

static const struct zap_park_row parks[] = {
#define ZAP_PARK(code, id, token, modules, objects, weight, words)                                 \
    [code] = {code, token, modules, objects, weight, words},
#include "plan/park.def"
#undef ZAP_PARK
};

static const struct zap_setting_row settings[] = {
#define ZAP_SETTING(code, id, token, weight, py, words) [code] = {code, token, weight, py, words},
#include "plan/setting.def"
#undef ZAP_SETTING
};

static bool is_token(const char *row_token, const char *token, size_t len)
{
    return row_token != NULL && strlen(row_token) == len && memcmp(row_token, token, len) == 0;
}

const struct zap_name_row *zap_name_row(unsigned code)
{
    return code < COUNT(names) && names[code].token != NULL ? &names[code] : NULL;
}

const struct zap_value_row *zap_value_row(unsigned code)
{
    return code < COUNT(values) && values[code].token != NULL ? &values[code] : NULL;
}

const struct zap_op_row *zap_op_row(unsigned code)
{
    return code < COUNT(ops) && ops[code].token != NULL ? &ops[code] : NULL;
}

const struct zap_route_row *zap_route_row(unsigned code)
{
    return code < COUNT(routes) && routes[code].token != NULL ? &routes[code] : NULL;
}

const struct zap_park_row *zap_park_row(unsigned code)
{
    return code < COUNT(parks) && parks[code].token != NULL ? &parks[code] : NULL;
}

const struct zap_setting_row *zap_setting_row(unsigned code)
{
    return code < COUNT(settings) && settings[code].token != NULL ? &settings[code] : NULL;
}

const struct zap_name_row *zap_name_find(const char *token, size_t len)
{
    for (size_t i = 0; i < COUNT(names); i++) {
        if (is_token(names[i].token, token, len)) {
            return &names[i];
        }
    }
    return NULL;
}

const struct zap_value_row *zap_value_find(const char *token, size_t len)
{
    for (size_t i = 0; i < COUNT(values); i++) {
        if (is_token(values[i].token, token, len)) {
            return &values[i];
        }
    }
    return NULL;
}

const struct zap_op_row *zap_op_find(const char *token, size_t len)
{
    for (size_t i = 0; i < COUNT(ops); i++) {
        if (is_token(ops[i].token, token, len)) {
            return &ops[i];
        }
    }
    return NULL;
}

const struct zap_route_row *zap_route_find(const char *token, size_t len)
{
    for (size_t i = 0; i < COUNT(routes); i++) {
        if (is_token(routes[i].token, token, len)) {
            return &routes[i];
        }
    }
    return NULL;
}

const struct zap_park_row *zap_park_find(const char *token, size_t len)
{
    for (size_t i = 0; i < COUNT(parks); i++) {
        if (is_token(parks[i].token, token, len)) {
            return &parks[i];
        }
    }
    return NULL;
}

const struct zap_setting_row *zap_setting_find(const char *token, size_t len)
{
    for (size_t i = 0; i < COUNT(settings); i++) {
        if (is_token(settings[i].token, token, len)) {
            return &settings[i];
        }
    }
    return NULL;
}

bool zap_plan_ends(const struct zap_plan *plan)
{
    return routes[plan->route].ends;
}

/* Does everything in the interpreter feel this action? */
static bool is_felt(const struct zap_act *act)
{
    return act->op == ZAP_OP_COLLECT || act->op == ZAP_OP_IMPORT_NEW ||
           act->op == ZAP_OP_BIND_AGAIN || act->op == ZAP_OP_NEW_AGAIN;
}

bool zap_plan_is_independent(const struct zap_plan *plan)
{
    bool is_felt_by_others = plan->settings != 0;
    for (unsigned i = 0; i < plan->parks_count; i++) {
        is_felt_by_others |= plan->parks[i].place == ZAP_PARK_MAIN;
    }
    for (unsigned i = 0; i < plan->acts_count; i++) {
        is_felt_by_others |= is_felt(&plan->acts[i]);
    }
    return !is_felt_by_others;
}

void zap_plan_make_independent(struct zap_plan *plan)
{
    unsigned parks_kept = 0;
    unsigned acts_kept = 0;
    plan->settings = 0;
    for (unsigned i = 0; i < plan->parks_count; i++) {
        if (plan->parks[i].place != ZAP_PARK_MAIN) {
            plan->parks[parks_kept++] = plan->parks[i];
        }
    }
    for (unsigned i = 0; i < plan->acts_count; i++) {
        if (!is_felt(&plan->acts[i])) {
            plan->acts[acts_kept++] = plan->acts[i];
        }
    }
    plan->parks_count = (uint8_t)parks_kept;
    plan->acts_count = (uint8_t)acts_kept;
}

void zap_plan_init(struct zap_plan *plan)
{
    memset(plan, 0, sizeof *plan);
    plan->route = ZAP_ROUTE_DROP;
    plan->modules_count = 1;
}

static uint64_t bit(unsigned i)
{
    return UINT64_C(1) << i;
}

static uint64_t bits_below(unsigned count)
{
    return count < 64 ? bit(count) - 1 : UINT64_MAX;
}

static bool has(uint64_t set, unsigned i)
{
    return i < 64 && (set & bit(i)) != 0;
}

/* Rule 2. Returns the objects whose kind is assigned. */
static uint64_t normalize_objects(struct zap_plan *plan)
{
    uint64_t valid = 0;
    uint64_t nodes = 0; /* among those already seen, which are the earlier ones */
    for (unsigned i = 0; i < plan->objects_count; i++) {
        struct zap_object *object = &plan->objects[i];
        const struct zap_value_row *row = zap_value_row(object->kind);
        if (row == NULL) {
            continue;
        }
        valid |= bit(i);
        if (row->target == ZAP_TARGET_NODE && !has(nodes, object->target)) {
            *object = (struct zap_object){.kind = ZAP_VALUE_NONE};
            continue;
        }
        if (row->target == ZAP_TARGET_NOTHING) {
            object->target = 0;
        }
        if (row->place == ZAP_PLACE_NOWHERE ||
            (object->module >= plan->modules_count &&
             !(row->place == ZAP_PLACE_CLASS && object->module == ZAP_ELSEWHERE))) {
            object->module = 0;
        }
        if (object->kind == ZAP_VALUE_NODE) {
            nodes |= bit(i);
        }
    }
    return valid;
}

/* Rule 3. */
static void normalize_globals(struct zap_plan *plan, uint64_t valid)
{
    for (unsigned m = 0; m < plan->modules_count; m++) {
        struct zap_module *module = &plan->modules[m];
        bool again = m == 0 && plan->route == ZAP_ROUTE_RELOAD;
        uint64_t seen = 0;
        unsigned kept = 0;
        module->held = module->held != 0;
        for (unsigned i = 0; i < module->globals_count; i++) {
            struct zap_global global = module->globals[i];
            if (zap_name_row(global.name) == NULL || has(seen, global.name) ||
                !has(valid, global.object)) {
                continue;
            }
            if (!again || global.again >= ZAP_AGAIN_END) {
                global.again = ZAP_AGAIN_KEEP;
            }
            seen |= bit(global.name);
            module->globals[kept++] = global;
        }
        module->globals_count = (uint8_t)kept;
    }
}

/* May a link go from an object of kind `from` that has `count` links already? */
static bool link_fits(const struct zap_plan *plan, struct zap_link link, unsigned count)
{
    switch (values[plan->objects[link.from].kind].links) {
    case ZAP_LINKS_NO_LINKS:
        return false;
    case ZAP_LINKS_ONE_EARLIER:
        return link.to < link.from && count == 0;
    case ZAP_LINKS_MANY_EARLIER:
        return link.to < link.from;
    case ZAP_LINKS_ONE_EARLIER_HASHABLE:
        return link.to < link.from && count == 0 && values[plan->objects[link.to].kind].hashable;
    case ZAP_LINKS_MANY:
        return true;
    }
    return false;
}

/* Does an earlier park make this one meaningless? */
static bool is_repeated(const struct zap_plan *plan, unsigned count, struct zap_park park)
{
    for (unsigned i = 0; i < count; i++) {
        const struct zap_park *other = &plan->parks[i];
        if (other->place == park.place &&
            (park.place == ZAP_PARK_MAIN ||
             (other->is_module == park.is_module && other->what == park.what))) {
            return true;
        }
    }
    return false;
}

/* Rule 7. */
static void normalize_ends(struct zap_plan *plan, uint64_t valid)
{
    bool ends = zap_plan_ends(plan);
    unsigned kept = 0;
    uint8_t assigned = 0;
    for (unsigned m = 0; m < plan->modules_count; m++) {
        plan->modules[m].unlisted = ends && plan->modules[m].unlisted != 0;
    }
    for (unsigned code = 1; code < ZAP_SETTING_END; code++) {
        assigned |= (uint8_t)((zap_setting_row(code) != NULL) << (code - 1));
    }
    plan->settings = ends ? plan->settings & assigned : 0;
    for (unsigned i = 0; ends && i < plan->parks_count; i++) {
        struct zap_park park = plan->parks[i];
        const struct zap_park_row *row = zap_park_row(park.place);
        park.is_module = park.is_module != 0;
        if (row != NULL && (park.is_module ? row->modules : row->objects) &&
            (park.is_module ? park.what < plan->modules_count : has(valid, park.what)) &&
            !is_repeated(plan, kept, park)) {
            plan->parks[kept++] = park;
        }
    }
    plan->parks_count = (uint8_t)kept;
}

/* Rule 4, except the grouping. */
static void normalize_links(struct zap_plan *plan, uint64_t valid)
{
    uint8_t count[ZAP_OBJECTS_MAX] = {0};
    unsigned kept = 0;
    for (unsigned i = 0; i < plan->links_count; i++) {
        struct zap_link link = plan->links[i];
        if (has(valid, link.from) && has(valid, link.to) &&
            link_fits(plan, link, count[link.from])) {
            count[link.from]++;
            plan->links[kept++] = link;
        }
    }
    plan->links_count = (uint8_t)kept;
}

uint64_t zap_plan_reached(const struct zap_plan *plan)
{
    uint64_t reached = 0;
    for (unsigned m = 0; m < plan->modules_count; m++) {
        const struct zap_module *module = &plan->modules[m];
        for (unsigned i = 0; i < module->globals_count; i++) {
            reached |= bit(module->globals[i].object);
        }
    }
    for (unsigned i = 0; i < plan->parks_count; i++) {
        reached |= plan->parks[i].is_module ? 0 : bit(plan->parks[i].what);
    }
    uint64_t all = bits_below(plan->objects_count);
    if ((reached & all) == all) {
        return reached;
    }
    uint64_t to[ZAP_OBJECTS_MAX] = {0};
    for (unsigned i = 0; i < plan->links_count; i++) {
        to[plan->links[i].from] |= bit(plan->links[i].to);
    }
    for (unsigned i = 0; i < plan->objects_count; i++) {
        if (plan->objects[i].kind == ZAP_VALUE_METHOD) {
            to[i] |= bit(plan->objects[i].target);
        }
    }
    uint64_t before;
    do { /* downwards, because most links go to earlier objects: two rounds are typical */
        before = reached;
        for (unsigned i = plan->objects_count; i-- > 0;) {
            reached |= has(reached, i) ? to[i] : 0;
        }
    } while (reached != before);
    return reached;
}

/* Rule 6, except the grouping. */
static void normalize_acts(struct zap_plan *plan, uint64_t kept_objects)
{
    uint8_t count[ZAP_OBJECTS_MAX] = {0};
    unsigned kept = 0;
    for (unsigned i = 0; i < plan->acts_count; i++) {
        struct zap_act act = plan->acts[i];
        const struct zap_op_row *row = zap_op_row(act.op);
        if (row == NULL || !has(kept_objects, act.node) ||
            plan->objects[act.node].kind != ZAP_VALUE_NODE || count[act.node] == ZAP_SCRIPT_MAX) {
            continue;
        }
        if (row->operands == ZAP_OPERANDS_NONE) {
            act.module = 0;
        } else if (act.module >= plan->modules_count) {
            continue;
        }
        if (row->operands != ZAP_OPERANDS_NAME) {
            act.name = 0;
        } else if (zap_name_row(act.name) == NULL) {
            continue;
        }
        count[act.node]++;
        plan->acts[kept++] = act;
    }
    plan->acts_count = (uint8_t)kept;
}

/* Drop the objects that are not in `kept` (rules 5 and 7); no global and no act refers to one. */
static void renumber(struct zap_plan *plan, uint64_t kept)
{
    uint8_t number[ZAP_OBJECTS_MAX] = {0};
    unsigned count = 0;
    for (unsigned i = 0; i < plan->objects_count; i++) {
        if (!has(kept, i)) {
            continue;
        }
        struct zap_object object = plan->objects[i];
        if (values[object.kind].target == ZAP_TARGET_NODE) {
            if (has(kept, object.target)) {
                object.target = number[object.target];
            } else {
                object = (struct zap_object){.kind = ZAP_VALUE_NONE};
            }
        }
        number[i] = (uint8_t)count;
        plan->objects[count++] = object;
    }
    plan->objects_count = (uint8_t)count;
    for (unsigned m = 0; m < plan->modules_count; m++) {
        struct zap_module *module = &plan->modules[m];
        for (unsigned i = 0; i < module->globals_count; i++) {
            module->globals[i].object = number[module->globals[i].object];
        }
    }
    count = 0;
    for (unsigned i = 0; i < plan->links_count; i++) {
        struct zap_link link = plan->links[i];
        if (has(kept, link.from)) {
            plan->links[count++] = (struct zap_link){number[link.from], number[link.to]};
        }
    }
    plan->links_count = (uint8_t)count;
    for (unsigned i = 0; i < plan->acts_count; i++) {
        plan->acts[i].node = number[plan->acts[i].node];
    }
    for (unsigned i = 0; i < plan->parks_count; i++) {
        struct zap_park *park = &plan->parks[i];
        park->what = park->is_module ? park->what : number[park->what];
    }
}

/* Turn counts[i] into where group i starts when the groups lie one after the other. */
static void count_to_start(uint8_t *counts, unsigned groups)
{
    unsigned at = 0;
    for (unsigned i = 0; i < groups; i++) {
        unsigned count = counts[i];
        counts[i] = (uint8_t)at;
        at += count;
    }
}

/* A stable counting sort; most plans come grouped already, and then it only looks. */
static void group_links(struct zap_plan *plan)
{
    bool grouped = true;
    for (unsigned i = 1; i < plan->links_count; i++) {
        grouped = grouped && plan->links[i - 1].from <= plan->links[i].from;
    }
    if (grouped) {
        return;
    }
    uint8_t start[ZAP_OBJECTS_MAX] = {0};
    for (unsigned i = 0; i < plan->links_count; i++) {
        start[plan->links[i].from]++;
    }
    count_to_start(start, plan->objects_count);
    struct zap_link given[ZAP_LINKS_MAX];
    memcpy(given, plan->links, sizeof given);
    for (unsigned i = 0; i < plan->links_count; i++) {
        plan->links[start[given[i].from]++] = given[i];
    }
}

static void group_acts(struct zap_plan *plan)
{
    bool grouped = true;
    for (unsigned i = 1; i < plan->acts_count; i++) {
        grouped = grouped && plan->acts[i - 1].node <= plan->acts[i].node;
    }
    if (grouped) {
        return;
    }
    uint8_t start[ZAP_OBJECTS_MAX] = {0};
    for (unsigned i = 0; i < plan->acts_count; i++) {
        start[plan->acts[i].node]++;
    }
    count_to_start(start, plan->objects_count);
    struct zap_act given[ZAP_ACTS_MAX];
    memcpy(given, plan->acts, sizeof given);
    for (unsigned i = 0; i < plan->acts_count; i++) {
        plan->acts[start[given[i].node]++] = given[i];
    }
}

static void clear_unused(struct zap_plan *plan)
{
    for (unsigned m = 0; m < plan->modules_count; m++) {
        struct zap_module *module = &plan->modules[m];
        memset(&module->globals[module->globals_count], 0,
               (ZAP_GLOBALS_MAX - (size_t)module->globals_count) * sizeof module->globals[0]);
    }
    memset(&plan->modules[plan->modules_count], 0,
           (ZAP_MODULES_MAX - (size_t)plan->modules_count) * sizeof plan->modules[0]);
    memset(&plan->objects[plan->objects_count], 0,
           (ZAP_OBJECTS_MAX - (size_t)plan->objects_count) * sizeof plan->objects[0]);
    memset(&plan->links[plan->links_count], 0,
           (ZAP_LINKS_MAX - (size_t)plan->links_count) * sizeof plan->links[0]);
    memset(&plan->acts[plan->acts_count], 0,
           (ZAP_ACTS_MAX - (size_t)plan->acts_count) * sizeof plan->acts[0]);
    memset(&plan->parks[plan->parks_count], 0,
           (ZAP_PARKS_MAX - (size_t)plan->parks_count) * sizeof plan->parks[0]);
}

static bool counts_fit(const struct zap_plan *plan)
{
    if (plan->modules_count > ZAP_MODULES_MAX || plan->objects_count > ZAP_OBJECTS_MAX ||
        plan->links_count > ZAP_LINKS_MAX || plan->acts_count > ZAP_ACTS_MAX ||
        plan->parks_count > ZAP_PARKS_MAX) {
        return false;
    }
    for (unsigned m = 0; m < plan->modules_count; m++) {
        if (plan->modules[m].globals_count > ZAP_GLOBALS_MAX) {
            return false;
        }
    }
    return true;
}

void zap_plan_normalize(struct zap_plan *plan)
{
    ZAP_CHECK(counts_fit(plan));
    if (zap_route_row(plan->route) == NULL) {
        plan->route = ZAP_ROUTE_DROP;
    }
    if (plan->modules_count == 0) {
        memset(&plan->modules[0], 0, sizeof plan->modules[0]);
        plan->modules_count = 1;
    }
    uint64_t valid = normalize_objects(plan);
    normalize_globals(plan, valid);
    normalize_links(plan, valid);
    normalize_ends(plan, valid);
    uint64_t kept = zap_plan_reached(plan);
    normalize_acts(plan, kept);
    if (kept != bits_below(plan->objects_count)) {
        renumber(plan, kept);
    }
    group_links(plan);
    group_acts(plan);
    clear_unused(plan);
}

bool zap_plan_is_normal(const struct zap_plan *plan)
{
    if (!counts_fit(plan)) {
        return false;
    }
    struct zap_plan normal = *plan;
    zap_plan_normalize(&normal);
    return zap_plan_equal(plan, &normal);
}

bool zap_plan_equal(const struct zap_plan *a, const struct zap_plan *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

void zap_plan_index(const struct zap_plan *plan, struct zap_plan_index *ret_index)
{
    unsigned count = plan->objects_count;
    unsigned act = 0;
    unsigned link = 0;
    for (unsigned i = 0; i < count; i++) {
        ret_index->act_at[i] = (uint8_t)act;
        ret_index->link_at[i] = (uint8_t)link;
        ret_index->home_module[i] = ret_index->home_name[i] = 0;
        for (; act < plan->acts_count && plan->acts[act].node == i; act++) {
        }
        for (; link < plan->links_count && plan->links[link].from == i; link++) {
        }
    }
    ret_index->act_at[count] = (uint8_t)act;
    ret_index->link_at[count] = (uint8_t)link;
    for (unsigned m = 0; m < plan->modules_count; m++) {
        const struct zap_module *module = &plan->modules[m];
        for (unsigned i = 0; i < module->globals_count; i++) {
            const struct zap_global *global = &module->globals[i];
            if (ret_index->home_name[global->object] == 0) {
                ret_index->home_module[global->object] = (uint8_t)m;
                ret_index->home_name[global->object] = global->name;
            }
        }
    }
}
