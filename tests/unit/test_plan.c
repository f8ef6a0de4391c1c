/* plan: the tables, and every rule that makes a plan normal. Fits the limits of a hostile build. */
#include "plan/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct zap_plan empty(unsigned modules)
{
    struct zap_plan plan;
    zap_plan_init(&plan);
    plan.modules_count = (uint8_t)modules;
    return plan;
}

static void add_object(struct zap_plan *plan, unsigned kind, unsigned module, unsigned target)
{
    plan->objects[plan->objects_count++] =
        (struct zap_object){(uint8_t)kind, (uint8_t)module, (uint8_t)target};
}

static void add_global(struct zap_plan *plan, unsigned m, unsigned name, unsigned object)
{
    struct zap_module *module = &plan->modules[m];
    module->globals[module->globals_count++] =
        (struct zap_global){.name = (uint8_t)name, .object = (uint8_t)object};
}

static void add_link(struct zap_plan *plan, unsigned from, unsigned to)
{
    plan->links[plan->links_count++] = (struct zap_link){(uint8_t)from, (uint8_t)to};
}

static void add_act(struct zap_plan *plan, unsigned node, unsigned op, unsigned module,
                    unsigned name)
{
    plan->acts[plan->acts_count++] =
        (struct zap_act){(uint8_t)node, (uint8_t)op, (uint8_t)module, (uint8_t)name};
}

/* Normalize, and see that once is enough. */
static void normalize(struct zap_plan *plan)
{
    zap_plan_normalize(plan);
    assert_true(zap_plan_is_normal(plan));
}

/* This plan is normal as it is. */
static void assert_unchanged(const struct zap_plan *plan)
{
    struct zap_plan copy = *plan;
    normalize(&copy);
    assert_true(zap_plan_equal(plan, &copy));
}

static void check_token(const char *token)
{
    assert_true(strlen(token) > 0);
    assert_null(strpbrk(token, " \t\r\n#"));
}

static void name_table(void **state)
{
    (void)state;
    unsigned rows = 0;
    for (unsigned code = 0; code < 300; code++) {
        const struct zap_name_row *row = zap_name_row(code);
        if (row == NULL) {
            continue;
        }
        rows++;
        assert_in_range(code, 1, ZAP_NAME_END - 1);
        assert_int_equal(row->code, code);
        assert_ptr_equal(zap_name_find(row->token, strlen(row->token)), row);
        assert_ptr_not_equal(zap_name_find(row->token, strlen(row->token) - 1), row);
        check_token(row->token);
        assert_true(strlen(row->py) > 0);
        if (row->identifier) {
            char quoted[64] = "'";
            strcat(quoted, row->token);
            strcat(quoted, "'");
            assert_string_equal(row->py, quoted);
        }
    }
#define ZAP_NAME(code, id, token, py, cls, ident) rows--;
#include "plan/name.def"
#undef ZAP_NAME
    assert_int_equal(rows, 0);
    assert_null(zap_name_row(0));
    assert_null(zap_name_find("nosuch", 6));
    assert_null(zap_name_find("", 0));
    assert_int_equal(zap_name_find("_bc", 2)->code, ZAP_NAME_U_B);
    assert_int_equal(zap_name_row(ZAP_NAME_BUILTINS)->cls, ZAP_CLASS_BUILTINS);
}

static void value_table(void **state)
{
    (void)state;
    unsigned rows = 0;
    for (unsigned code = 0; code < 300; code++) {
        const struct zap_value_row *row = zap_value_row(code);
        if (row == NULL) {
            continue;
        }
        rows++;
        assert_int_equal(row->code, code);
        assert_ptr_equal(zap_value_find(row->token, strlen(row->token)), row);
        check_token(row->token);
        assert_true(row->weight > 0);
    }
#define ZAP_VALUE(code, id, token, place, target, links, hashable, weight, py, words) rows--;
#include "plan/value.def"
#undef ZAP_VALUE
    assert_int_equal(rows, 0);
    assert_null(zap_value_row(0));
    assert_null(zap_value_find("nod", 3));
    assert_int_equal(zap_value_row(ZAP_VALUE_NODE)->place, ZAP_PLACE_CLASS);
    assert_int_equal(zap_value_row(ZAP_VALUE_METHOD)->target, ZAP_TARGET_NODE);
    assert_true(zap_value_row(ZAP_VALUE_NODE)->hashable);
    assert_false(zap_value_row(ZAP_VALUE_LIST)->hashable);
}

/* Statements of text plans and actions share the start of a line, so no op may be called like one.
 */
static void op_table(void **state)
{
    (void)state;
    static const char *const statements[] = {"pyzap", "route",  "module", "object", "global",
                                             "link",  "script", "park",   "setting"};
    unsigned rows = 0;
    for (unsigned code = 0; code < 300; code++) {
        const struct zap_op_row *row = zap_op_row(code);
        if (row == NULL) {
            continue;
        }
        rows++;
        assert_int_equal(row->code, code);
        assert_ptr_equal(zap_op_find(row->token, strlen(row->token)), row);
        check_token(row->token);
        for (unsigned i = 0; i < sizeof statements / sizeof statements[0]; i++) {
            assert_string_not_equal(row->token, statements[i]);
        }
    }
#define ZAP_OP(code, id, token, operands, weight, own, key, other, words) rows--;
#include "plan/op.def"
#undef ZAP_OP
    assert_int_equal(rows, 0);
    assert_null(zap_op_row(0));
    assert_null(zap_op_find("loo", 3));
}

static void route_table(void **state)
{
    (void)state;
    unsigned rows = 0;
    for (unsigned code = 0; code < 300; code++) {
        const struct zap_route_row *row = zap_route_row(code);
        if (row == NULL) {
            continue;
        }
        rows++;
        assert_in_range(code, 1, 31); /* a set of routes is one uint32_t */
        assert_int_equal(row->code, code);
        assert_ptr_equal(zap_route_find(row->token, strlen(row->token)), row);
        check_token(row->token);
        assert_true(row->weight > 0);
    }
#define ZAP_ROUTE(code, id, token, weight, ends, text) rows--;
#include "plan/route.def"
#undef ZAP_ROUTE
    assert_int_equal(rows, 0);
    assert_null(zap_route_row(0));
    assert_null(zap_route_find("dropp", 5));
}

static void park_table(void **state)
{
    (void)state;
    unsigned rows = 0;
    for (unsigned code = 0; code < 300; code++) {
        const struct zap_park_row *row = zap_park_row(code);
        if (row == NULL) {
            continue;
        }
        rows++;
        assert_int_equal(row->code, code);
        assert_ptr_equal(zap_park_find(row->token, strlen(row->token)), row);
        check_token(row->token);
        assert_true(row->weight > 0);
        assert_true(row->modules || row->objects);
        assert_non_null(strstr(row->words, "{x}"));
    }
#define ZAP_PARK(code, id, token, modules, objects, weight, words) rows--;
#include "plan/park.def"
#undef ZAP_PARK
    assert_int_equal(rows, 0);
    assert_null(zap_park_row(0));
    assert_null(zap_park_find("sy", 2));
}

static void setting_table(void **state)
{
    (void)state;
    unsigned rows = 0;
    for (unsigned code = 0; code < 300; code++) {
        const struct zap_setting_row *row = zap_setting_row(code);
        if (row == NULL) {
            continue;
        }
        rows++;
        assert_in_range(code, 1, 8); /* a set of settings is one byte */
        assert_in_range(code, 1, ZAP_SETTING_END - 1);
        assert_int_equal(row->code, code);
        assert_ptr_equal(zap_setting_find(row->token, strlen(row->token)), row);
        check_token(row->token);
        assert_true(row->weight > 0);
    }
#define ZAP_SETTING(code, id, token, weight, py, words) rows--;
#include "plan/setting.def"
#undef ZAP_SETTING
    assert_int_equal(rows, 0);
    assert_null(zap_setting_row(0));
    assert_null(zap_setting_find("gc", 2));
}

static void add_park(struct zap_plan *plan, unsigned place, bool is_module, unsigned what)
{
    plan->parks[plan->parks_count++] = (struct zap_park){(uint8_t)place, is_module, (uint8_t)what};
}

/* Nothing of rule 7 stays where no interpreter ends, whatever the route. */
static void ends_only_with_their_routes(void **state)
{
    (void)state;
    for (unsigned route = 1; route < 32; route++) {
        if (zap_route_row(route) == NULL) {
            continue;
        }
        bool ends = zap_route_row(route)->ends;
        struct zap_plan plan;
        zap_plan_init(&plan);
        plan.route = (uint8_t)route;
        plan.settings = 0xff;
        plan.modules[0].unlisted = 2;
        add_object(&plan, ZAP_VALUE_INT, 0, 0);
        add_park(&plan, ZAP_PARK_SYS, true, 0);
        add_park(&plan, ZAP_PARK_C, false, 0);
        normalize(&plan);
        assert_int_equal(zap_plan_ends(&plan), ends);
        assert_int_equal(plan.settings, ends ? 0xff : 0);
        assert_int_equal(plan.modules[0].unlisted, ends);
        assert_int_equal(plan.parks_count, ends ? 2 : 0);
        assert_int_equal(plan.objects_count, ends); /* the park alone holds it */
    }
}

static void park_rules(void **state)
{
    (void)state;
    struct zap_plan plan;
    zap_plan_init(&plan);
    plan.route = ZAP_ROUTE_EXIT;
    plan.modules_count = 2;
    add_object(&plan, 0, 0, 0); /* not a kind: goes, and others move up */
    add_object(&plan, ZAP_VALUE_INT, 0, 0);
    static const struct zap_park bad[] = {
        {0, 1, 0},
        {10, 1, 0},
        {ZAP_PARK_SYS, 1, 2},
        {ZAP_PARK_SYS, 0, 2},
        {ZAP_PARK_SYS, 0, 0},
        {ZAP_PARK_SYS, 0, 255},
        {ZAP_PARK_MAIN, 0, 1},
    };
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        plan.parks_count = 1;
        plan.parks[0] = bad[i];
        struct zap_plan given = plan;
        normalize(&given);
        assert_int_equal(given.parks_count, 0);
    }
    plan.parks_count = 0;
    add_park(&plan, ZAP_PARK_SYS, false, 1);
    add_park(&plan, ZAP_PARK_SYS, false, 1); /* again */
    add_park(&plan, ZAP_PARK_SYS, true, 1);
    struct zap_plan given = plan;
    normalize(&plan);
    assert_int_equal(plan.parks_count, 2);
    assert_int_equal(plan.objects_count, 1);
    assert_int_equal(plan.parks[0].what, 0);
    assert_int_equal(plan.parks[1].what, 1);
    given.parks_count = 0;
    add_park(&given, ZAP_PARK_MAIN, true, 1);
    add_park(&given, ZAP_PARK_MAIN, true, 0);
    given.parks[1].is_module = 77;
    normalize(&given);
    assert_int_equal(given.parks_count, 1);
    assert_int_equal(given.parks[0].what, 1);
}

static void init_is_normal(void **state)
{
    (void)state;
    struct zap_plan plan;
    memset(&plan, 0xa5, sizeof plan);
    zap_plan_init(&plan);
    assert_true(zap_plan_is_normal(&plan));
    assert_int_equal(plan.modules_count, 1);
    assert_int_equal(plan.route, ZAP_ROUTE_DROP);
}

/* Rule 1. */
static void route_and_modules(void **state)
{
    (void)state;
    struct zap_plan plan;
    memset(&plan, 0, sizeof plan);
    plan.route = 200;
    plan.modules[0].globals_count = 3; /* of a module that is not there */
    normalize(&plan);
    struct zap_plan init;
    zap_plan_init(&init);
    assert_true(zap_plan_equal(&plan, &init));

    plan.modules_count = 2;
    plan.modules[1].held = 7;
    normalize(&plan);
    assert_int_equal(plan.modules_count, 2);
    assert_int_equal(plan.modules[0].held, 0);
    assert_int_equal(plan.modules[1].held, 1);
}

/* Rule 2. */
static void unassigned_kind_goes(void **state)
{
    (void)state;
    struct zap_plan plan = empty(1);
    add_object(&plan, 250, 0, 0);
    add_object(&plan, ZAP_VALUE_LIST, 0, 0);
    add_object(&plan, 0, 0, 0);
    add_object(&plan, ZAP_VALUE_INT, 0, 0);
    add_global(&plan, 0, ZAP_NAME_A, 0);
    add_global(&plan, 0, ZAP_NAME_A, 1);
    add_link(&plan, 1, 2);
    add_link(&plan, 1, 3);
    normalize(&plan);

    struct zap_plan want = empty(1);
    add_object(&want, ZAP_VALUE_LIST, 0, 0);
    add_object(&want, ZAP_VALUE_INT, 0, 0);
    add_global(&want, 0, ZAP_NAME_A, 0);
    add_link(&want, 0, 1);
    assert_true(zap_plan_equal(&plan, &want));
}

static void targets_are_earlier_nodes(void **state)
{
    (void)state;
    static const uint8_t bad_targets[] = {0 /* a list */, 2 /* itself */, 3 /* later */, 9, 255};
    for (unsigned i = 0; i < sizeof bad_targets; i++) {
        struct zap_plan plan = empty(1);
        add_object(&plan, ZAP_VALUE_LIST, 0, 0);
        add_object(&plan, ZAP_VALUE_NODE, 0, 0);
        add_object(&plan, ZAP_VALUE_CALLBACK, 0, 1);
        add_object(&plan, ZAP_VALUE_NODE, 0, 0);
        for (unsigned k = 0; k < 4; k++) {
            add_global(&plan, 0, ZAP_NAME_A + k, k);
        }
        assert_unchanged(&plan);
        plan.objects[2].target = bad_targets[i];
        normalize(&plan);
        assert_int_equal(plan.objects_count, 4);
        assert_int_equal(plan.objects[2].kind, ZAP_VALUE_NONE);
        assert_int_equal(plan.objects[2].target, 0);
    }
}

static void places(void **state)
{
    (void)state;
    struct zap_plan plan = empty(2);
    add_object(&plan, ZAP_VALUE_NODE, ZAP_ELSEWHERE, 5);
    add_object(&plan, ZAP_VALUE_NODE, 2, 0);
    add_object(&plan, ZAP_VALUE_FUNCTION, ZAP_ELSEWHERE, 0);
    add_object(&plan, ZAP_VALUE_FUNCTION, 1, 0);
    add_object(&plan, ZAP_VALUE_INT, 1, 3);
    add_object(&plan, ZAP_VALUE_NODE, 1, 0);
    for (unsigned i = 0; i < 6; i++) {
        add_global(&plan, i / 3, ZAP_NAME_A + i, i);
    }
    normalize(&plan);
    struct zap_plan want = empty(2);
    add_object(&want, ZAP_VALUE_NODE, ZAP_ELSEWHERE, 0);
    add_object(&want, ZAP_VALUE_NODE, 0, 0);
    add_object(&want, ZAP_VALUE_FUNCTION, 0, 0);
    add_object(&want, ZAP_VALUE_FUNCTION, 1, 0);
    add_object(&want, ZAP_VALUE_INT, 0, 0);
    add_object(&want, ZAP_VALUE_NODE, 1, 0);
    for (unsigned i = 0; i < 6; i++) {
        add_global(&want, i / 3, ZAP_NAME_A + i, i);
    }
    assert_true(zap_plan_equal(&plan, &want));
}

/* Rule 3. */
static void globals(void **state)
{
    (void)state;
    struct zap_plan plan = empty(2);
    add_object(&plan, ZAP_VALUE_INT, 0, 0);
    add_object(&plan, ZAP_VALUE_STR, 0, 0);
    add_global(&plan, 0, ZAP_NAME_BUILTINS, 0);
    add_global(&plan, 0, ZAP_NAME_BUILTINS, 1); /* again */
    add_global(&plan, 0, 63, 1);                /* no such name */
    add_global(&plan, 0, ZAP_NAME_A, 2);        /* no such object */
    add_global(&plan, 1, ZAP_NAME_BUILTINS, 1);
    add_global(&plan, 1, ZAP_NAME_A, 1); /* an alias */
    add_global(&plan, 1, 255, 1);
    normalize(&plan);
    struct zap_plan want = empty(2);
    add_object(&want, ZAP_VALUE_INT, 0, 0);
    add_object(&want, ZAP_VALUE_STR, 0, 0);
    add_global(&want, 0, ZAP_NAME_BUILTINS, 0);
    add_global(&want, 1, ZAP_NAME_BUILTINS, 1);
    add_global(&want, 1, ZAP_NAME_A, 1);
    assert_true(zap_plan_equal(&plan, &want));
}

static void again(void **state)
{
    (void)state;
    for (unsigned route = 0; route < 8; route++) {
        struct zap_plan plan = empty(2);
        plan.route = (uint8_t)route;
        add_object(&plan, ZAP_VALUE_INT, 0, 0);
        add_global(&plan, 0, ZAP_NAME_A, 0);
        add_global(&plan, 0, ZAP_NAME_B, 0);
        add_global(&plan, 1, ZAP_NAME_A, 0);
        plan.modules[0].globals[0].again = ZAP_AGAIN_NONE;
        plan.modules[0].globals[1].again = ZAP_AGAIN_END;
        plan.modules[1].globals[0].again = ZAP_AGAIN_INT;
        normalize(&plan);
        assert_int_equal(plan.modules[0].globals[0].again,
                         route == ZAP_ROUTE_RELOAD ? ZAP_AGAIN_NONE : ZAP_AGAIN_KEEP);
        assert_int_equal(plan.modules[0].globals[1].again, ZAP_AGAIN_KEEP);
        assert_int_equal(plan.modules[1].globals[0].again, ZAP_AGAIN_KEEP);
    }
}

/* Rule 4: from the object in the middle to each of: itself, an earlier list, an earlier int, a
 * later int. */
static void link_rules(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 256; kind++) {
        const struct zap_value_row *row = zap_value_row(kind);
        if (row == NULL || row->target == ZAP_TARGET_NODE) {
            continue; /* would need a node, and has no links */
        }
        enum { LIST, INT, FROM, LATER };
        struct zap_plan plan = empty(1);
        add_object(&plan, ZAP_VALUE_LIST, 0, 0);
        add_object(&plan, ZAP_VALUE_INT, 0, 0);
        add_object(&plan, kind, 0, 0);
        add_object(&plan, ZAP_VALUE_INT, 0, 0);
        for (unsigned i = 0; i < 4; i++) {
            add_global(&plan, 0, ZAP_NAME_A + i, i);
        }
        struct zap_plan want = plan;
        add_link(&plan, FROM, LATER);
        add_link(&plan, FROM, FROM);
        add_link(&plan, FROM, LIST);
        add_link(&plan, FROM, INT);
        normalize(&plan);
        switch (row->links) {
        case ZAP_LINKS_NO_LINKS:
            break;
        case ZAP_LINKS_ONE_EARLIER:
            add_link(&want, FROM, LIST);
            break;
        case ZAP_LINKS_MANY_EARLIER:
            add_link(&want, FROM, LIST);
            add_link(&want, FROM, INT);
            break;
        case ZAP_LINKS_ONE_EARLIER_HASHABLE:
            add_link(&want, FROM, INT);
            break;
        case ZAP_LINKS_MANY:
            add_link(&want, FROM, LATER);
            add_link(&want, FROM, FROM);
            add_link(&want, FROM, LIST);
            add_link(&want, FROM, INT);
            break;
        }
        assert_true(zap_plan_equal(&plan, &want));
    }
}

static void links_out_of_range_go(void **state)
{
    (void)state;
    struct zap_plan plan = empty(1);
    add_object(&plan, ZAP_VALUE_LIST, 0, 0);
    add_global(&plan, 0, ZAP_NAME_A, 0);
    struct zap_plan want = plan;
    add_link(&want, 0, 0);
    add_link(&plan, 1, 0);
    add_link(&plan, 0, 1);
    add_link(&plan, 255, 255);
    add_link(&plan, 0, 0);
    normalize(&plan);
    assert_true(zap_plan_equal(&plan, &want));
}

/* Rule 5. */
static void unreached_goes(void **state)
{
    (void)state;
    struct zap_plan plan = empty(1);
    add_object(&plan, ZAP_VALUE_NODE, 0, 0);             /* only a weak reference leads here */
    add_object(&plan, ZAP_VALUE_INT, 0, 0);              /* by the link of what goes */
    add_object(&plan, ZAP_VALUE_CALLBACK, 0, 0);         /* stays, about nothing */
    add_object(&plan, ZAP_VALUE_NODE, ZAP_ELSEWHERE, 0); /* by the method */
    add_object(&plan, ZAP_VALUE_METHOD, 0, 3);
    add_object(&plan, ZAP_VALUE_LIST, 0, 0);
    add_global(&plan, 0, ZAP_NAME_A, 2);
    add_global(&plan, 0, ZAP_NAME_B, 5);
    add_link(&plan, 5, 4);
    add_link(&plan, 0, 1);
    add_link(&plan, 0, 0);
    add_act(&plan, 0, ZAP_OP_RAISE, 0, 0);
    add_act(&plan, 3, ZAP_OP_KEEP, 0, 0);
    assert_int_equal(zap_plan_reached(&plan), 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5);
    normalize(&plan);
    struct zap_plan want = empty(1);
    add_object(&want, ZAP_VALUE_NONE, 0, 0);
    add_object(&want, ZAP_VALUE_NODE, ZAP_ELSEWHERE, 0);
    add_object(&want, ZAP_VALUE_METHOD, 0, 1);
    add_object(&want, ZAP_VALUE_LIST, 0, 0);
    add_global(&want, 0, ZAP_NAME_A, 0);
    add_global(&want, 0, ZAP_NAME_B, 3);
    add_link(&want, 3, 2);
    add_act(&want, 1, ZAP_OP_KEEP, 0, 0);
    assert_true(zap_plan_equal(&plan, &want));
    assert_int_equal(zap_plan_reached(&want), 0xf);
}

static void cycle_that_nothing_holds_goes(void **state)
{
    (void)state;
    struct zap_plan plan = empty(1);
    add_object(&plan, ZAP_VALUE_LIST, 0, 0);
    add_object(&plan, ZAP_VALUE_DICT, 0, 0);
    add_link(&plan, 0, 1);
    add_link(&plan, 1, 0);
    normalize(&plan);
    struct zap_plan want = empty(1);
    assert_true(zap_plan_equal(&plan, &want));
}

/* Held through a chain that goes up, and one that goes down. */
static void chains_are_reached(void **state)
{
    (void)state;
    struct zap_plan plan = empty(1);
    for (unsigned i = 0; i < 4; i++) {
        add_object(&plan, ZAP_VALUE_LIST, 0, 0);
    }
    add_global(&plan, 0, ZAP_NAME_A, 0);
    add_link(&plan, 0, 1);
    add_link(&plan, 1, 2);
    add_link(&plan, 2, 3);
    assert_unchanged(&plan);
    plan.modules[0].globals[0].object = 3;
    plan.links[0] = (struct zap_link){1, 0};
    plan.links[1] = (struct zap_link){2, 1};
    plan.links[2] = (struct zap_link){3, 2};
    assert_unchanged(&plan);
}

/* Weak references of every kind hold nothing, a method does. */
static void targets_that_hold(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 256; kind++) {
        const struct zap_value_row *row = zap_value_row(kind);
        if (row == NULL || row->target != ZAP_TARGET_NODE) {
            continue;
        }
        struct zap_plan plan = empty(1);
        add_object(&plan, ZAP_VALUE_NODE, 0, 0);
        add_object(&plan, kind, 0, 0);
        add_global(&plan, 0, ZAP_NAME_A, 1);
        normalize(&plan);
        if (kind == ZAP_VALUE_METHOD) {
            assert_int_equal(plan.objects_count, 2);
        } else {
            assert_int_equal(plan.objects_count, 1);
            assert_int_equal(plan.objects[0].kind, ZAP_VALUE_NONE);
        }
    }
}

/* Rule 6. */
static void acts(void **state)
{
    (void)state;
    struct zap_plan plan = empty(1);
    add_object(&plan, ZAP_VALUE_NODE, 0, 0);
    add_object(&plan, ZAP_VALUE_CNODE, 0, 0);
    add_global(&plan, 0, ZAP_NAME_A, 0);
    add_global(&plan, 0, ZAP_NAME_B, 1);
    struct zap_plan want = plan;
    add_act(&plan, 0, 200, 0, 0);             /* no such op */
    add_act(&plan, 1, ZAP_OP_RAISE, 0, 0);    /* not a node */
    add_act(&plan, 2, ZAP_OP_RAISE, 0, 0);    /* not there */
    add_act(&plan, 0, ZAP_OP_LOOK, 1, 1);     /* no such module */
    add_act(&plan, 0, ZAP_OP_LOOK, 0, 63);    /* no such name */
    add_act(&plan, 0, ZAP_OP_LOOK_ALL, 0, 5); /* needs no name */
    normalize(&plan);
    add_act(&want, 0, ZAP_OP_LOOK_ALL, 0, 0);
    assert_true(zap_plan_equal(&plan, &want));
    add_act(&plan, 0, ZAP_OP_RAISE, 9, 9); /* needs neither */
    normalize(&plan);
    add_act(&want, 0, ZAP_OP_RAISE, 0, 0);
    assert_true(zap_plan_equal(&plan, &want));
}

static void scripts_are_bounded(void **state)
{
    (void)state;
    struct zap_plan plan = empty(1);
    add_object(&plan, ZAP_VALUE_NODE, 0, 0);
    add_object(&plan, ZAP_VALUE_NODE, 0, 0);
    add_global(&plan, 0, ZAP_NAME_A, 0);
    add_global(&plan, 0, ZAP_NAME_B, 1);
    struct zap_plan want = plan;
    for (unsigned i = 0; i < ZAP_SCRIPT_MAX; i++) {
        add_act(&plan, 1, ZAP_OP_LOOK, 0, i + 1);
    }
    add_act(&plan, 1, ZAP_OP_RAISE, 0, 0);
    add_act(&plan, 0, ZAP_OP_KEEP, 0, 0);
    normalize(&plan);
    add_act(&want, 0, ZAP_OP_KEEP, 0, 0);
    for (unsigned i = 0; i < ZAP_SCRIPT_MAX; i++) {
        add_act(&want, 1, ZAP_OP_LOOK, 0, i + 1);
    }
    assert_true(zap_plan_equal(&plan, &want));
}

/* Rule 7. */
static void grouping_is_stable(void **state)
{
    (void)state;
    struct zap_plan plan = empty(1);
    for (unsigned i = 0; i < 3; i++) {
        add_object(&plan, ZAP_VALUE_NODE, 0, 0);
        add_global(&plan, 0, ZAP_NAME_A + i, i);
    }
    struct zap_plan want = plan;
    add_link(&plan, 2, 1);
    add_link(&plan, 0, 2);
    add_link(&plan, 2, 0);
    add_link(&plan, 0, 1);
    add_act(&plan, 2, ZAP_OP_RAISE, 0, 0);
    add_act(&plan, 0, ZAP_OP_LOOK, 0, ZAP_NAME_B);
    add_act(&plan, 2, ZAP_OP_KEEP, 0, 0);
    add_act(&plan, 0, ZAP_OP_LOOK, 0, ZAP_NAME_A);
    normalize(&plan);
    add_link(&want, 0, 2);
    add_link(&want, 0, 1);
    add_link(&want, 2, 1);
    add_link(&want, 2, 0);
    add_act(&want, 0, ZAP_OP_LOOK, 0, ZAP_NAME_B);
    add_act(&want, 0, ZAP_OP_LOOK, 0, ZAP_NAME_A);
    add_act(&want, 2, ZAP_OP_RAISE, 0, 0);
    add_act(&want, 2, ZAP_OP_KEEP, 0, 0);
    assert_true(zap_plan_equal(&plan, &want));

    struct zap_plan_index index;
    zap_plan_index(&plan, &index);
    assert_int_equal(index.link_at[0], 0);
    assert_int_equal(index.link_at[1], 2);
    assert_int_equal(index.link_at[2], 2);
    assert_int_equal(index.link_at[3], 4);
    assert_int_equal(index.act_at[0], 0);
    assert_int_equal(index.act_at[1], 2);
    assert_int_equal(index.act_at[2], 2);
    assert_int_equal(index.act_at[3], 4);
}

static void unused_is_zero(void **state)
{
    (void)state;
    struct zap_plan plan;
    memset(&plan, 0xff, sizeof plan);
    plan.modules_count = 0;
    plan.objects_count = 0;
    plan.links_count = 0;
    plan.acts_count = 0;
    plan.parks_count = 0;
    struct zap_plan init;
    zap_plan_init(&init);
    normalize(&plan);
    assert_true(zap_plan_equal(&plan, &init));
}

static void counts_over_limits_are_not_normal(void **state)
{
    (void)state;
    struct zap_plan plan = empty(ZAP_MODULES_MAX + 1);
    assert_false(zap_plan_is_normal(&plan));
    plan = empty(1);
    plan.objects_count = ZAP_OBJECTS_MAX + 1;
    assert_false(zap_plan_is_normal(&plan));
    plan = empty(1);
    plan.links_count = ZAP_LINKS_MAX + 1;
    assert_false(zap_plan_is_normal(&plan));
    plan = empty(1);
    plan.acts_count = ZAP_ACTS_MAX + 1;
    assert_false(zap_plan_is_normal(&plan));
    plan = empty(1);
    plan.parks_count = ZAP_PARKS_MAX + 1;
    assert_false(zap_plan_is_normal(&plan));
    plan = empty(1);
    plan.modules[0].globals_count = ZAP_GLOBALS_MAX + 1;
    assert_false(zap_plan_is_normal(&plan));
}

static void full_plan_is_normal(void **state)
{
    (void)state;
    struct zap_plan plan = empty(ZAP_MODULES_MAX);
    for (unsigned i = 0; i < ZAP_OBJECTS_MAX; i++) {
        add_object(&plan, ZAP_VALUE_NODE, i % ZAP_MODULES_MAX, 0);
    }
    for (unsigned m = 0; m < ZAP_MODULES_MAX; m++) {
        for (unsigned i = 0; i < ZAP_GLOBALS_MAX; i++) {
            add_global(&plan, m, 1 + i, (m * ZAP_GLOBALS_MAX + i) % ZAP_OBJECTS_MAX);
        }
    }
    for (unsigned i = 0; i < ZAP_LINKS_MAX; i++) {
        add_link(&plan, i * ZAP_OBJECTS_MAX / ZAP_LINKS_MAX, i % ZAP_OBJECTS_MAX);
    }
    for (unsigned i = 0; i < ZAP_ACTS_MAX; i++) {
        add_act(&plan, i / ZAP_SCRIPT_MAX, ZAP_OP_CLEAR, i % ZAP_MODULES_MAX, 0);
    }
    assert_unchanged(&plan);
}

static void index_finds_homes(void **state)
{
    (void)state;
    struct zap_plan plan = empty(2);
    add_object(&plan, ZAP_VALUE_LIST, 0, 0);
    add_object(&plan, ZAP_VALUE_INT, 0, 0);
    add_object(&plan, ZAP_VALUE_STR, 0, 0);
    add_global(&plan, 0, ZAP_NAME_B, 0);
    add_global(&plan, 0, ZAP_NAME_A, 0);
    add_global(&plan, 1, ZAP_NAME_C, 0);
    add_global(&plan, 1, ZAP_NAME_D, 2);
    add_link(&plan, 0, 1);
    assert_unchanged(&plan);
    struct zap_plan_index index;
    zap_plan_index(&plan, &index);
    assert_int_equal(index.home_module[0], 0);
    assert_int_equal(index.home_name[0], ZAP_NAME_B);
    assert_int_equal(index.home_name[1], 0);
    assert_int_equal(index.home_module[2], 1);
    assert_int_equal(index.home_name[2], ZAP_NAME_D);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(name_table),
        cmocka_unit_test(value_table),
        cmocka_unit_test(op_table),
        cmocka_unit_test(route_table),
        cmocka_unit_test(park_table),
        cmocka_unit_test(setting_table),
        cmocka_unit_test(ends_only_with_their_routes),
        cmocka_unit_test(park_rules),
        cmocka_unit_test(init_is_normal),
        cmocka_unit_test(route_and_modules),
        cmocka_unit_test(unassigned_kind_goes),
        cmocka_unit_test(targets_are_earlier_nodes),
        cmocka_unit_test(places),
        cmocka_unit_test(globals),
        cmocka_unit_test(again),
        cmocka_unit_test(link_rules),
        cmocka_unit_test(links_out_of_range_go),
        cmocka_unit_test(unreached_goes),
        cmocka_unit_test(cycle_that_nothing_holds_goes),
        cmocka_unit_test(chains_are_reached),
        cmocka_unit_test(targets_that_hold),
        cmocka_unit_test(acts),
        cmocka_unit_test(scripts_are_bounded),
        cmocka_unit_test(grouping_is_stable),
        cmocka_unit_test(unused_is_zero),
        cmocka_unit_test(counts_over_limits_are_not_normal),
        cmocka_unit_test(full_plan_is_normal),
        cmocka_unit_test(index_finds_homes),
    };
    return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
