/* A plan: one test case. Modules with ordered globals, the objects those hold, links between the
 * objects, a script for each node's __del__, and a route. Pure data: no pointers, no Python.
 *
 * Every field is a uint8_t, so two plans are equal exactly when memcmp says so, provided both are
 * normal (zap_plan_normalize), which every plan that comes from a decoder, a parser or gen is.
 */
#ifndef ZAP_PLAN_PLAN_H
#define ZAP_PLAN_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Limits. A hostile build makes them tiny, so that every edge is met all the time. */
#ifdef ZAP_HOSTILE
enum {
    ZAP_MODULES_MAX = 2,
    ZAP_GLOBALS_MAX = 4, /* of one module */
    ZAP_OBJECTS_MAX = 6,
    ZAP_LINKS_MAX = 4,
    ZAP_ACTS_MAX = 6,   /* of all scripts together */
    ZAP_SCRIPT_MAX = 2, /* actions of one node */
    ZAP_PARKS_MAX = 3,
};
#else
enum {
    ZAP_MODULES_MAX = 4,
    ZAP_GLOBALS_MAX = 24,
    ZAP_OBJECTS_MAX = 48,
    ZAP_LINKS_MAX = 64,
    ZAP_ACTS_MAX = 96,
    ZAP_SCRIPT_MAX = 8,
    ZAP_PARKS_MAX = 12,
};
#endif

/* The class of a node is defined in no module of the plan, but in one that is never torn down. */
#define ZAP_ELSEWHERE 0xffu

/* The module that import-new imports: in every standard library, small, and not loaded at start. */
#define ZAP_NEW_MODULE "colorsys"

enum zap_name_code {
    ZAP_NAME_NO = 0, /* a key that is not in the table */
#define ZAP_NAME(code, id, token, py, cls, ident) ZAP_NAME_##id = code,
#include "plan/name.def"
#undef ZAP_NAME
    ZAP_NAME_END = 64, /* codes are below this */
};

enum zap_name_class {
    ZAP_CLASS_UNDERSCORE,
    ZAP_CLASS_PUBLIC,
    ZAP_CLASS_BUILTINS,
    ZAP_CLASS_NONSTR,
    ZAP_CLASS_UNICODE,
    ZAP_CLASS_UNICODE_U,
    ZAP_CLASS_BUILTINS_NUL,
};

enum zap_value_code {
#define ZAP_VALUE(code, id, token, place, target, links, hashable, weight, py, words)              \
    ZAP_VALUE_##id = code,
#include "plan/value.def"
#undef ZAP_VALUE
};

enum zap_place { ZAP_PLACE_NOWHERE, ZAP_PLACE_MODULE, ZAP_PLACE_CLASS };
enum zap_target { ZAP_TARGET_NOTHING, ZAP_TARGET_NODE };
enum zap_links {
    ZAP_LINKS_NO_LINKS,
    ZAP_LINKS_ONE_EARLIER,
    ZAP_LINKS_MANY_EARLIER,
    ZAP_LINKS_ONE_EARLIER_HASHABLE,
    ZAP_LINKS_MANY,
};

enum zap_op_code {
#define ZAP_OP(code, id, token, operands, weight, own, key, other, words) ZAP_OP_##id = code,
#include "plan/op.def"
#undef ZAP_OP
};

enum zap_operands { ZAP_OPERANDS_NONE, ZAP_OPERANDS_MODULE, ZAP_OPERANDS_NAME };

enum zap_route_code {
#define ZAP_ROUTE(code, id, token, weight, ends, text) ZAP_ROUTE_##id = code,
#include "plan/route.def"
#undef ZAP_ROUTE
};

/* Bit per code: those that end an interpreter. */
enum {
    ZAP_ROUTES_THAT_END = 0
#define ZAP_ROUTE(code, id, token, weight, ends, text) | (ends) << (code)
#include "plan/route.def"
#undef ZAP_ROUTE
};

enum zap_park_code {
#define ZAP_PARK(code, id, token, modules, objects, weight, words) ZAP_PARK_##id = code,
#include "plan/park.def"
#undef ZAP_PARK
};

enum zap_setting_code {
#define ZAP_SETTING(code, id, token, weight, py, words) ZAP_SETTING_##id = code,
#include "plan/setting.def"
#undef ZAP_SETTING
    ZAP_SETTING_END = 9,
};

/* What the second run of a module's code (route reload) does with a global. */
enum zap_again { ZAP_AGAIN_KEEP, ZAP_AGAIN_INT, ZAP_AGAIN_NONE, ZAP_AGAIN_END };

struct zap_global {
    uint8_t name;   /* enum zap_name_code; once per module */
    uint8_t object; /* index into objects; two globals with the same object are aliases */
    uint8_t again;  /* enum zap_again; KEEP unless the route is reload and the module the first */
};

struct zap_module {
    uint8_t held;     /* 1: somebody else holds its __dict__ until the route is over */
    uint8_t unlisted; /* 1: not in sys.modules; 0 unless the route ends an interpreter */
    uint8_t globals_count;
    struct zap_global globals[ZAP_GLOBALS_MAX]; /* in the order they are bound */
};

struct zap_object {
    uint8_t kind;   /* enum zap_value_code */
    uint8_t module; /* see `place` in value.def */
    uint8_t target; /* see `target` in value.def */
};

struct zap_link {
    uint8_t from; /* index into objects */
    uint8_t to;
};

struct zap_act {
    uint8_t node;   /* index into objects, of kind NODE */
    uint8_t op;     /* enum zap_op_code */
    uint8_t module; /* operands MODULE and NAME, else 0 */
    uint8_t name;   /* operands NAME, else 0 */
};

/* Somewhere else than in a module of the plan something is held (park.def). */
struct zap_park {
    uint8_t place;     /* enum zap_park_code */
    uint8_t is_module; /* 1: `what` is a module's number, 0: an object's */
    uint8_t what;
};

struct zap_plan {
    uint8_t route;    /* enum zap_route_code */
    uint8_t settings; /* bit code - 1 for each enum zap_setting_code */
    uint8_t modules_count;
    uint8_t objects_count;
    uint8_t links_count;
    uint8_t acts_count;
    uint8_t parks_count; /* parks and settings: none unless the route ends an interpreter */
    struct zap_module modules[ZAP_MODULES_MAX];
    struct zap_object objects[ZAP_OBJECTS_MAX]; /* in the order they are made */
    struct zap_link links[ZAP_LINKS_MAX];       /* grouped by `from`, ascending, then as given */
    struct zap_act acts[ZAP_ACTS_MAX];          /* grouped by `node`, ascending, then in order */
    struct zap_park parks[ZAP_PARKS_MAX];       /* in the order in which they are made */
};

/* The names of some classes, as a set. classes: bit per enum zap_name_class. A constant where
 * `classes` is one. */
static inline uint64_t zap_names_of(unsigned classes)
{
    return UINT64_C(0)
#define ZAP_NAME(code, id, token, py, cls, ident)                                                  \
    | (uint64_t)((classes >> ZAP_CLASS_##cls) & 1) << code
#include "plan/name.def"
#undef ZAP_NAME
        ;
}

/* Those that the first pass of a wipe is about. */
static inline uint64_t zap_names_underscore(void)
{
    return zap_names_of(1u << ZAP_CLASS_UNDERSCORE | 1u << ZAP_CLASS_UNICODE_U);
}

/* Rows of the tables, by code. NULL for a code that is not assigned. */
struct zap_name_row {
    uint8_t code;
    const char *token; /* in text plans */
    const char *py;    /* the key, as a Python expression */
    enum zap_name_class cls;
    bool identifier; /* then token is that identifier */
};
struct zap_value_row {
    uint8_t code;
    const char *token;
    enum zap_place place;
    enum zap_target target;
    enum zap_links links;
    bool hashable;
    uint8_t weight;
    const char *py;
    const char *words;
};
struct zap_op_row {
    uint8_t code;
    const char *token;
    enum zap_operands operands;
    uint8_t weight;
    const char *own, *key, *other;
    const char *words;
};
struct zap_route_row {
    uint8_t code;
    const char *token;
    uint8_t weight;
    bool ends; /* an interpreter */
    const char *text;
};
struct zap_park_row {
    uint8_t code;
    const char *token;
    bool modules, objects;
    uint8_t weight;
    const char *words;
};
struct zap_setting_row {
    uint8_t code;
    const char *token;
    uint8_t weight;
    const char *py;
    const char *words;
};
const struct zap_name_row *zap_name_row(unsigned code);
const struct zap_value_row *zap_value_row(unsigned code);
const struct zap_op_row *zap_op_row(unsigned code);
const struct zap_route_row *zap_route_row(unsigned code);
const struct zap_park_row *zap_park_row(unsigned code);
const struct zap_setting_row *zap_setting_row(unsigned code);

/* The row whose token is the `len` bytes at `token`, or NULL. */
const struct zap_name_row *zap_name_find(const char *token, size_t len);
const struct zap_value_row *zap_value_find(const char *token, size_t len);
const struct zap_op_row *zap_op_find(const char *token, size_t len);
const struct zap_route_row *zap_route_find(const char *token, size_t len);
const struct zap_park_row *zap_park_find(const char *token, size_t len);
const struct zap_setting_row *zap_setting_find(const char *token, size_t len);

/* Does the plan's route end an interpreter? */
bool zap_plan_ends(const struct zap_plan *plan);

/* Can a plan share the end of an interpreter with others: is nothing that it does felt by them? It
 * has no settings and no __main__, and its scripts neither collect, nor import what is not loaded,
 * nor make rows of instances without end. zap_plan_make_independent takes such things out; the plan
 * may not be normal afterwards. */
bool zap_plan_is_independent(const struct zap_plan *plan);
void zap_plan_make_independent(struct zap_plan *plan);

static inline bool zap_plan_has_setting(const struct zap_plan *plan, enum zap_setting_code setting)
{
    return (plan->settings >> (setting - 1) & 1) != 0;
}

/* What a place holds, modules and objects. */
static inline unsigned zap_plan_parks_in(const struct zap_plan *plan, enum zap_park_code place)
{
    unsigned count = 0;
    for (unsigned i = 0; i < plan->parks_count; i++)
        count += plan->parks[i].place == place;
    return count;
}

/* An empty plan: one module, no globals, route drop. Normal. */
void zap_plan_init(struct zap_plan *plan);

/* Make a plan keep every rule written in this header and in the tables, changing as little as
 * possible.
 *
 * What breaks a rule is dropped (a link out of a number, a second global of one name, an action of
 * what is not a node), an object that no module reaches is dropped with what belongs to it and the
 * rest renumbered, unused fields become 0, links and actions are grouped. Weak references reach
 * nothing.
 * plan    counts within their limits, anything in the fields
 * Same    idempotent; never makes a plan bigger
 */
void zap_plan_normalize(struct zap_plan *plan);

/* Is it normal already? */
bool zap_plan_is_normal(const struct zap_plan *plan);

/* The objects that globals and parks reach, one bit each: through links and a bound method's
 * target, but not through weak references. What is not among them could be dropped.
 *
 * plan  fields within their counts; need not be normal
 */
uint64_t zap_plan_reached(const struct zap_plan *plan);

bool zap_plan_equal(const struct zap_plan *a, const struct zap_plan *b);

/* Where a plan's grouped parts start: acts[act_at[i]] .. acts[act_at[i + 1]] is the script of
 * object i, links likewise; home_module/home_name is the first global that holds object i itself
 * (home_name is 0 where none does). Set up to act_at[objects_count] and
 * link_at[objects_count], and for the plan's objects. */
struct zap_plan_index {
    uint8_t act_at[ZAP_OBJECTS_MAX + 1];
    uint8_t link_at[ZAP_OBJECTS_MAX + 1];
    uint8_t home_module[ZAP_OBJECTS_MAX];
    uint8_t home_name[ZAP_OBJECTS_MAX];
};
void zap_plan_index(const struct zap_plan *plan, struct zap_plan_index *ret_index);

#endif
