/* gen: same seed same plan, every row reachable, and the shares that make plans worth running.
 *
 * test_gen           runs the tests
 * test_gen --golden  prints what this build's lines of tests/golden/gen.txt should be
 */
#include "plan/gen.h"
#include "plan/wire.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { PLANS = 30000 };

#ifdef ZAP_HOSTILE
static const char limits[] = "hostile";
#else
static const char limits[] = "usual";
#endif

/* What a build with these limits is held to. Seeds and indexes of every size, and the ends of their
 * ranges. */
static const struct {
    uint64_t seed;
    uint64_t index;
    uint8_t size;
    bool ends; /* only routes that end an interpreter */
} golden[] = {
    {0, 0, 0, false},
    {1, 0, 0, false},
    {1, 1, 0, false},
    {1, 2, 0, false},
    {1, 1000000, 0, false},
    {UINT64_MAX, UINT64_MAX, 0, false},
    {UINT64_C(0x123456789abcdef0), 7, 0, false},
    {1, 0, 1, false},
    {1, 5, 16, false},
    {1, 6, 32, false},
    {2, 6, 32, false},
    {3, 0, 0, true},
};
enum { GOLDEN_COUNT = sizeof golden / sizeof golden[0] };

/* FNV-1a over the wire bytes, which are the same on every machine, of 100 plans. */
static uint64_t golden_hash(unsigned row)
{
    struct zap_gen_config config = {.seed = golden[row].seed, .size = golden[row].size};
    config.routes = golden[row].ends ? ZAP_ROUTES_THAT_END : 0;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (uint64_t i = 0; i < 100; i++) {
        struct zap_plan plan;
        uint8_t bytes[ZAP_WIRE_MAX];
        zap_gen_plan(&config, golden[row].index + i, &plan);
        size_t len = zap_wire_encode(&plan, bytes);
        for (size_t k = 0; k < len; k++) {
            hash = (hash ^ bytes[k]) * UINT64_C(0x100000001b3);
        }
    }
    return hash;
}

static void golden_line(unsigned row, char *ret_line, size_t size)
{
    snprintf(ret_line, size, "%s seed %" PRIu64 " index %" PRIu64 " size %u%s: %016" PRIx64 "\n",
             limits, golden[row].seed, golden[row].index, golden[row].size,
             golden[row].ends ? " ends" : "", golden_hash(row));
}

/* A changed line means that every stored seed now stands for other plans: tests/golden/update, and
 * say so in the commit. */
static void as_in_golden_file(void **state)
{
    (void)state;
    FILE *file = fopen(ZAP_TEST_DIR "/golden/gen.txt", "r");
    assert_non_null(file);
    unsigned row = 0;
    char line[128];
    char want[128];
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, limits, sizeof limits - 1) == 0) {
            assert_true(row < GOLDEN_COUNT);
            golden_line(row++, want, sizeof want);
            assert_string_equal(line, want);
        }
    }
    fclose(file);
    assert_int_equal(row, GOLDEN_COUNT);
}

static void same_seed_same_plan(void **state)
{
    (void)state;
    const struct zap_gen_config config = {.seed = 11};
    const struct zap_gen_config spelled = {
        .seed = 11, .size = ZAP_SIZE_DEFAULT, .routes = UINT32_MAX};
    for (uint64_t i = 0; i < 1000; i++) {
        struct zap_plan a;
        struct zap_plan b;
        memset(&a, 0, sizeof a);
        memset(&b, 0xff, sizeof b);
        zap_gen_plan(&config, i, &a);
        zap_gen_plan(&spelled, i, &b);
        assert_true(zap_plan_is_normal(&a));
        assert_true(zap_plan_equal(&a, &b));
    }
}

/* Few plans are the same, whether the index or the seed moves. */
static void plans_differ(void **state)
{
    (void)state;
    unsigned same = 0;
    for (uint64_t i = 0; i < 1000; i++) {
        const struct zap_gen_config config = {.seed = i};
        const struct zap_gen_config next = {.seed = i + 1};
        struct zap_plan a;
        struct zap_plan b;
        zap_gen_plan(&config, 0, &a);
        zap_gen_plan(&config, 1, &b);
        same += zap_plan_equal(&a, &b);
        zap_gen_plan(&next, 0, &b);
        same += zap_plan_equal(&a, &b);
    }
    assert_in_range(same, 0, 100);
}

static void only_allowed_routes(void **state)
{
    (void)state;
    for (unsigned code = 0; code < 32; code++) {
        if (zap_route_row(code) == NULL) {
            continue;
        }
        const struct zap_gen_config config = {.seed = 3, .routes = UINT32_C(1) << code};
        for (uint64_t i = 0; i < 200; i++) {
            struct zap_plan plan;
            zap_gen_plan(&config, i, &plan);
            assert_int_equal(plan.route, code);
        }
    }
    const struct zap_gen_config two = {.seed = 3,
                                       .routes = 1u << ZAP_ROUTE_DROP | 1u << ZAP_ROUTE_RELOAD};
    unsigned drops = 0;
    for (uint64_t i = 0; i < 1000; i++) {
        struct zap_plan plan;
        zap_gen_plan(&two, i, &plan);
        assert_true(plan.route == ZAP_ROUTE_DROP || plan.route == ZAP_ROUTE_RELOAD);
        drops += plan.route == ZAP_ROUTE_DROP;
    }
    assert_in_range(drops, 600, 820); /* weights 10 and 4 */
}

/* All plans of a block end an interpreter by one route, or none of them does; and those that do not
 * are what they are where no plan does. */
static void ends_come_in_blocks(void **state)
{
    (void)state;
    enum { BLOCKS = 120000 };
    const struct zap_gen_config all = {.seed = 6, .size = 1};
    const struct zap_gen_config others = {
        .seed = 6, .size = 1, .routes = ~(uint32_t)ZAP_ROUTES_THAT_END};
    unsigned ends = 0;
    unsigned routes[32] = {0};
    for (uint64_t block = 0; block < BLOCKS; block++) {
        struct zap_plan first;
        zap_gen_plan(&all, block * ZAP_BLOCK, &first);
        ends += zap_plan_ends(&first);
        routes[first.route] += zap_plan_ends(&first);
        for (uint64_t i = 1; i < ZAP_BLOCK; i += block < 200 ? 1 : ZAP_BLOCK - 2) {
            struct zap_plan plan;
            struct zap_plan other;
            zap_gen_plan(&all, block * ZAP_BLOCK + i, &plan);
            zap_gen_plan(&others, block * ZAP_BLOCK + i, &other);
            assert_false(zap_plan_ends(&other));
            if (zap_plan_ends(&first)) {
                assert_int_equal(plan.route, first.route);
            } else {
                assert_true(zap_plan_equal(&plan, &other));
            }
        }
    }
    assert_in_range(ends, BLOCKS / ZAP_END_ONE_IN * 9 / 10, BLOCKS / ZAP_END_ONE_IN * 11 / 10);
    assert_in_range(routes[ZAP_ROUTE_EXIT], ends * 45 / 100, ends * 55 / 100); /* weights 2, 1, 1 */
    assert_in_range(routes[ZAP_ROUTE_SUBINTERP], ends / 5, ends * 3 / 10);
    assert_in_range(routes[ZAP_ROUTE_SUBINTERP_GIL], ends / 5, ends * 3 / 10);
}

/* Their blocks have other routes where fewer are allowed, and it is the same blocks. */
static void blocks_of_allowed_routes(void **state)
{
    (void)state;
    const struct zap_gen_config all = {.seed = 7};
    const struct zap_gen_config some = {.seed = 7,
                                        .routes = 1u << ZAP_ROUTE_DROP | 1u << ZAP_ROUTE_SUBINTERP};
    const struct zap_gen_config two = {.seed = 7,
                                       .routes = 1u << ZAP_ROUTE_EXIT | 1u << ZAP_ROUTE_SUBINTERP};
    unsigned exits = 0;
    for (uint64_t i = 0; i < 1000 * ZAP_BLOCK; i += ZAP_BLOCK) {
        struct zap_plan a;
        struct zap_plan b;
        zap_gen_plan(&all, i, &a);
        zap_gen_plan(&some, i, &b);
        assert_int_equal(b.route, zap_plan_ends(&a) ? ZAP_ROUTE_SUBINTERP : ZAP_ROUTE_DROP);
        zap_gen_plan(&two, i, &b);
        assert_true(b.route == ZAP_ROUTE_EXIT || b.route == ZAP_ROUTE_SUBINTERP);
        exits += b.route == ZAP_ROUTE_EXIT;
    }
    assert_in_range(exits, 600, 730);
}

/* What comes with the end of an interpreter is drawn last. */
static void ends_are_drawn_last(void **state)
{
    (void)state;
    const struct zap_gen_config exits = {.seed = 8, .routes = 1u << ZAP_ROUTE_EXIT};
    const struct zap_gen_config subs = {.seed = 8, .routes = 1u << ZAP_ROUTE_SUBINTERP};
    for (uint64_t i = 0; i < 1000; i++) {
        struct zap_plan a;
        struct zap_plan b;
        zap_gen_plan(&exits, i, &a);
        zap_gen_plan(&subs, i, &b);
        b.route = a.route;
        assert_true(zap_plan_equal(&a, &b));
    }
}

static void size_is_about_objects(void **state)
{
    (void)state;
    for (unsigned size = ZAP_SIZE_MIN; size <= ZAP_SIZE_MAX; size++) {
        const struct zap_gen_config config = {.seed = 4, .size = (uint8_t)size};
        unsigned objects = 0;
        for (uint64_t i = 0; i < 1000; i++) {
            struct zap_plan plan;
            zap_gen_plan(&config, i, &plan);
            assert_true(plan.objects_count >= 1);
            objects += plan.objects_count;
        }
        if (size + size / 2 <= ZAP_GLOBALS_MAX) {
            assert_in_range(objects, size * 900, size * 1100);
        } else { /* one module cannot hold all, and mostly there is one */
            assert_true(objects > (size < ZAP_GLOBALS_MAX ? size : ZAP_GLOBALS_MAX) * 900);
        }
    }
}

/* What 30,000 plans of the default size have in them. */
static struct {
    unsigned routes[256];
    unsigned kinds[256];
    unsigned ops[256];
    unsigned names[256];
    unsigned act_names[256];
    unsigned modules[ZAP_MODULES_MAX + 1];
    unsigned again[ZAP_AGAIN_END];
    unsigned globals;
    unsigned modules_all;
    unsigned held;
    unsigned inert;
    unsigned aliases;
    unsigned acts_on_names;
    unsigned acts_on_bound_names;
    unsigned own_name_rebound; /* a script binds or unbinds its own node's name */
    unsigned full_scripts;
    unsigned classes_elsewhere;
    unsigned classes_home;
    unsigned classes_other;
} seen;

/* And what 30,000 that end an interpreter have besides. */
static struct {
    unsigned routes[256];
    unsigned places[2][256];
    unsigned settings[256];
    unsigned bare; /* no parks, no settings */
    unsigned with_settings;
    unsigned modules;
    unsigned parked_modules;
    unsigned unlisted;
    unsigned parked_objects;
    unsigned called_nodes; /* nodes that atexit has */
} ended;

static void count_end(const struct zap_plan *plan)
{
    ended.routes[plan->route]++;
    ended.bare += plan->parks_count == 0 && plan->settings == 0;
    ended.with_settings += plan->settings != 0;
    for (unsigned m = 0; m < plan->modules_count; m++) {
        ended.modules++;
        ended.unlisted += plan->modules[m].unlisted;
    }
    for (unsigned code = 1; code < ZAP_SETTING_END; code++) {
        ended.settings[code] += zap_plan_has_setting(plan, code);
    }
    for (unsigned i = 0; i < plan->parks_count; i++) {
        const struct zap_park *park = &plan->parks[i];
        ended.places[park->is_module][park->place]++;
        ended.parked_modules += park->is_module;
        ended.parked_objects += !park->is_module;
        ended.called_nodes += park->place == ZAP_PARK_ATEXIT && !park->is_module &&
                              plan->objects[park->what].kind == ZAP_VALUE_NODE;
    }
}

static bool is_look(unsigned op)
{
    return op == ZAP_OP_LOOK || op == ZAP_OP_LOOK_ALL;
}

static void count_acts(const struct zap_plan *plan, const struct zap_plan_index *index,
                       const uint64_t *bound)
{
    bool inert = true;
    for (unsigned i = 0; i < plan->acts_count; i++) {
        const struct zap_act *act = &plan->acts[i];
        seen.ops[act->op]++;
        inert = inert && is_look(act->op);
        if (act->name == 0) {
            continue;
        }
        seen.act_names[act->name]++;
        seen.acts_on_names++;
        seen.acts_on_bound_names += (bound[act->module] >> act->name & 1) != 0;
        seen.own_name_rebound += !is_look(act->op) && act->name == index->home_name[act->node] &&
                                 act->module == index->home_module[act->node];
    }
    seen.inert += inert;
}

static int count_rows(void **state)
{
    (void)state;
    const struct zap_gen_config config = {.seed = 1};
    for (uint64_t i = 0; i < PLANS; i++) {
        struct zap_plan plan;
        struct zap_plan_index index;
        uint64_t bound[ZAP_MODULES_MAX] = {0};
        zap_gen_plan(&config, i, &plan);
        zap_plan_index(&plan, &index);
        seen.routes[plan.route]++;
        seen.modules[plan.modules_count]++;
        for (unsigned m = 0; m < plan.modules_count; m++) {
            const struct zap_module *module = &plan.modules[m];
            seen.modules_all++;
            seen.held += module->held;
            for (unsigned k = 0; k < module->globals_count; k++) {
                const struct zap_global *global = &module->globals[k];
                seen.globals++;
                seen.names[global->name]++;
                bound[m] |= UINT64_C(1) << global->name;
                seen.aliases += index.home_module[global->object] != m ||
                                index.home_name[global->object] != global->name;
                if (plan.route == ZAP_ROUTE_RELOAD && m == 0) {
                    seen.again[global->again]++;
                }
            }
        }
        for (unsigned k = 0; k < plan.objects_count; k++) {
            const struct zap_object *object = &plan.objects[k];
            seen.kinds[object->kind]++;
            if (object->kind == ZAP_VALUE_NODE) {
                seen.full_scripts += index.act_at[k + 1] - index.act_at[k] == ZAP_SCRIPT_MAX;
                if (object->module == ZAP_ELSEWHERE) {
                    seen.classes_elsewhere++;
                } else if (object->module == index.home_module[k]) {
                    seen.classes_home++;
                } else {
                    seen.classes_other++;
                }
            }
        }
        count_acts(&plan, &index, bound);
    }
    const struct zap_gen_config ends = {.seed = 2, .routes = ZAP_ROUTES_THAT_END};
    for (uint64_t i = 0; i < PLANS; i++) {
        struct zap_plan plan;
        zap_gen_plan(&ends, i * ZAP_BLOCK + i, &plan); /* of many blocks */
        count_end(&plan);
    }
    return 0;
}

static void every_row_is_reached(void **state)
{
    (void)state;
    for (unsigned code = 0; code < 256; code++) {
        bool ends = zap_route_row(code) != NULL && zap_route_row(code)->ends;
        if (!ends) { /* those are rare among all */
            assert_true((zap_route_row(code) != NULL) == (seen.routes[code] > 0));
        }
        assert_true((zap_value_row(code) != NULL) == (seen.kinds[code] > 0));
        assert_true((zap_op_row(code) != NULL) == (seen.ops[code] > 0));
        assert_true((zap_name_row(code) != NULL) == (seen.names[code] > 0));
        assert_true((zap_name_row(code) != NULL) == (seen.act_names[code] > 0));
        const struct zap_park_row *park = zap_park_row(code);
        assert_true((park != NULL && park->objects) == (ended.places[0][code] > 0));
        assert_true((park != NULL && park->modules) == (ended.places[1][code] > 0));
        assert_true((zap_setting_row(code) != NULL) == (ended.settings[code] > 0));
        assert_true(ends == (ended.routes[code] > 0));
    }
    for (unsigned i = 1; i <= ZAP_MODULES_MAX; i++) {
        assert_true(seen.modules[i] > 0);
    }
    for (unsigned i = 0; i < ZAP_AGAIN_END; i++) {
        assert_true(seen.again[i] > 0);
    }
    assert_true(seen.full_scripts > 0);
}

static void odd_names_are_not_too_rare(void **state)
{
    (void)state;
    for (unsigned code = 0; code < ZAP_NAME_END; code++) {
        if (zap_name_row(code) != NULL) {
            bool springs = code == ZAP_NAME_TRAP || code == ZAP_NAME_U_TRAP;
            assert_true(seen.names[code] >= seen.globals / (springs ? 3000 : 300));
        }
    }
}

/* In percent, with room for small limits and for weights that move a little. */
static void assert_share(unsigned part, unsigned whole, unsigned low, unsigned high)
{
    assert_true(whole > 0);
    assert_in_range(100.0 * part / whole, low, high);
}

static void shares(void **state)
{
    (void)state;
    assert_share(seen.inert, PLANS, 20, 40);
    assert_share(seen.modules[1], PLANS, 65, 75);
    assert_share(seen.modules[2], PLANS, 15, 35);
    assert_share(seen.held, seen.modules_all, 8, 12);
    assert_share(seen.aliases, seen.globals, 2, 8);
    assert_share(seen.again[ZAP_AGAIN_KEEP],
                 seen.again[ZAP_AGAIN_KEEP] + seen.again[ZAP_AGAIN_INT] +
                     seen.again[ZAP_AGAIN_NONE],
                 45, 55);
    assert_share(seen.acts_on_bound_names, seen.acts_on_names, 45, 75);
    assert_share(seen.own_name_rebound, PLANS, 10, 100);
    assert_share(seen.classes_elsewhere, seen.kinds[ZAP_VALUE_NODE], 25, 35);
    assert_share(seen.classes_home, seen.kinds[ZAP_VALUE_NODE], 45, 70);
    assert_share(seen.classes_other, seen.kinds[ZAP_VALUE_NODE], 3, 25);
    assert_share(ended.bare, PLANS, 25, 40);
    assert_share(ended.with_settings, PLANS, 1, 3); /* of the plans that share no end, a quarter */
    assert_share(ended.unlisted, ended.modules, 17, 23);
    assert_share(ended.parked_modules, ended.modules, 30, 42);
    assert_share(ended.parked_objects, PLANS, 55, 80);
    assert_share(ended.called_nodes, ended.places[0][ZAP_PARK_ATEXIT], 60, 100);
}

static void bench_shape(void **state)
{
    (void)state;
    enum { NODES = ZAP_GLOBALS_MAX < 8 ? ZAP_GLOBALS_MAX : 8 };
    unsigned routes = 0;
    unsigned repeats = 0;
    uint64_t names_seen = 0;
    uint64_t first_looks = 0;
    struct zap_plan before = {0};
    for (uint64_t i = 0; i < 2000; i++) {
        const struct zap_gen_config config = {
            .seed = 5, .shape = ZAP_SHAPE_BENCH, .routes = i % 15 == 0 ? ZAP_ROUTES_THAT_END : 0};
        struct zap_plan plan;
        zap_gen_plan(&config, i, &plan);
        assert_true(zap_plan_is_normal(&plan));
        routes |= 1u << plan.route;
        assert_int_equal(plan.modules_count, 1);
        assert_int_equal(plan.modules[0].held, 0);
        assert_int_equal(plan.modules[0].globals_count, NODES);
        assert_int_equal(plan.objects_count, NODES);
        assert_int_equal(plan.acts_count, NODES);
        assert_int_equal(plan.links_count, 0);
        assert_int_equal(plan.parks_count, 0);
        assert_int_equal(plan.settings, 0);
        assert_int_equal(plan.modules[0].unlisted, 0);
        uint64_t names = 0;
        uint64_t objects = 0;
        unsigned underscores = 0;
        for (unsigned k = 0; k < NODES; k++) {
            const struct zap_global *global = &plan.modules[0].globals[k];
            names |= UINT64_C(1) << global->name;
            objects |= UINT64_C(1) << global->object;
            underscores += zap_name_row(global->name)->cls == ZAP_CLASS_UNDERSCORE;
        }
        assert_int_equal(objects, (UINT64_C(1) << NODES) - 1);
        assert_int_equal(underscores, NODES / 2);
        for (unsigned k = 0; k < NODES; k++) {
            assert_int_equal(plan.objects[k].kind, ZAP_VALUE_NODE);
            assert_int_equal(plan.objects[k].module,
                             plan.route == ZAP_ROUTE_COLLECT ? 0 : ZAP_ELSEWHERE);
            assert_int_equal(plan.acts[k].node, k);
            assert_int_equal(plan.acts[k].op, ZAP_OP_LOOK);
            assert_true((names >> plan.acts[k].name & 1) != 0);
        }
        names_seen |= names;
        first_looks |= UINT64_C(1) << plan.acts[0].name;
        before.route = plan.route;
        repeats += zap_plan_equal(&plan, &before);
        before = plan;
    }
    assert_int_equal(names_seen, UINT64_C(0x1fffe));
    assert_int_equal(first_looks, UINT64_C(0x1fffe));
    assert_true(repeats < 4); /* where limits are tiny it can happen */
    for (unsigned code = 0; code < 32; code++) {
        assert_int_equal(routes >> code & 1, zap_route_row(code) != NULL);
    }
}

static int print_golden(void)
{
    for (unsigned row = 0; row < GOLDEN_COUNT; row++) {
        char line[128];
        golden_line(row, line, sizeof line);
        fputs(line, stdout);
    }
    return fflush(stdout) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--golden") == 0) {
        return print_golden();
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_in_golden_file),
        cmocka_unit_test(same_seed_same_plan),
        cmocka_unit_test(plans_differ),
        cmocka_unit_test(only_allowed_routes),
        cmocka_unit_test(ends_come_in_blocks),
        cmocka_unit_test(blocks_of_allowed_routes),
        cmocka_unit_test(ends_are_drawn_last),
        cmocka_unit_test(size_is_about_objects),
        cmocka_unit_test(every_row_is_reached),
        cmocka_unit_test(odd_names_are_not_too_rare),
        cmocka_unit_test(shares),
        cmocka_unit_test(bench_shape),
    };
    return cmocka_run_group_tests_name("gen", tests, count_rows, NULL);
}
