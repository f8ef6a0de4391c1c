/* mutate and crossover: laws on random plans, what random walks meet, and bytes within any size.
 * Fits the limits of a hostile build. */
#include "plan/crossover.h"
#include "plan/gen.h"
#include "plan/mutate.h"
#include "plan/wire.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* LONG_WALK: where limits are tiny, the last row is met after 280,000 steps. */
enum { PLANS = 20000, WALK = 200000, LONG_WALK = 3 * WALK };

/* One in five ends an interpreter. */
static void draw_plan(uint64_t index, struct zap_plan *ret_plan)
{
    const struct zap_gen_config config = {.seed = 4242,
                                          .size = index % 4 != 0 ? 0 : ZAP_SIZE_MAX,
                                          .routes = index % 5 != 0 ? 0 : ZAP_ROUTES_THAT_END};
    zap_gen_plan(&config, index, ret_plan);
}

static unsigned count_kinds(void)
{
    unsigned count = 0;
    while (zap_mutate_kind_name(count) != NULL) {
        count++;
    }
    return count;
}

static unsigned count_globals(const struct zap_plan *plan)
{
    unsigned count = 0;
    for (unsigned m = 0; m < plan->modules_count; m++) {
        count += plan->modules[m].globals_count;
    }
    return count;
}

/* ------------------------------------------------------------------ mutate */

static void every_kind_of_step_does_something(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < count_kinds(); kind++) {
        unsigned changed = 0;
        struct zap_rng rng = zap_rng_init(kind, 7);
        for (uint64_t index = 0; index < PLANS / 10; index++) {
            struct zap_plan plan, changed_plan;
            draw_plan(index, &plan);
            changed_plan = plan;
            zap_mutate_step(&changed_plan, kind, &rng);
            assert_true(zap_plan_is_normal(&changed_plan));
            changed += !zap_plan_equal(&plan, &changed_plan);
        }
        print_message("%-18s changes %2u%%\n", zap_mutate_kind_name(kind),
                      changed * 100 / (PLANS / 10));
        assert_true(changed > PLANS / 10 / 50);
    }
}

static void kinds_have_names_for_files(void **state)
{
    (void)state;
    unsigned count = count_kinds();
    assert_true(count > 0);
    for (unsigned i = 0; i < count; i++) {
        const char *name = zap_mutate_kind_name(i);
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz-"), strlen(name));
        assert_in_range(strlen(name), 1, 20);
        for (unsigned k = 0; k < i; k++) {
            assert_string_not_equal(name, zap_mutate_kind_name(k));
        }
    }
}

static void a_mutation_differs(void **state)
{
    (void)state;
    struct zap_rng rng = zap_rng_init(1, 2);
    unsigned same = 0;
    for (uint64_t index = 0; index < PLANS; index++) {
        struct zap_plan plan, mutated;
        if (index % 10 == 0) {
            zap_plan_init(&plan);
        } else {
            draw_plan(index, &plan);
        }
        mutated = plan;
        zap_mutate(&mutated, &rng);
        assert_true(zap_plan_is_normal(&mutated));
        same += zap_plan_equal(&plan, &mutated);
    }
    print_message("%u of %u mutations changed nothing\n", same, PLANS);
    assert_in_range(same, 0, PLANS / 1000);
}

/* What a walk has met. */
struct met {
    uint64_t names, kinds, ops, routes, acts_names, act_modules, again, classes, modules;
    uint64_t places[2], settings;
    bool held, shared, cycle, full_script, elsewhere, unlisted, three_parks, later_first;
};

static uint64_t bit(unsigned i)
{
    return UINT64_C(1) << i;
}

static void meet(const struct zap_plan *plan, struct met *met)
{
    met->routes |= bit(plan->route);
    met->modules |= bit(plan->modules_count);
    uint64_t seen = 0;
    for (unsigned m = 0; m < plan->modules_count; m++) {
        met->held = met->held || plan->modules[m].held != 0;
        met->unlisted = met->unlisted || plan->modules[m].unlisted != 0;
        for (unsigned i = 0; i < plan->modules[m].globals_count; i++) {
            const struct zap_global *global = &plan->modules[m].globals[i];
            met->names |= bit(global->name);
            met->again |= bit(global->again);
            met->shared = met->shared || (seen & bit(global->object)) != 0;
            seen |= bit(global->object);
        }
    }
    for (unsigned i = 0; i < plan->objects_count; i++) {
        met->kinds |= bit(plan->objects[i].kind);
        if (plan->objects[i].kind == ZAP_VALUE_NODE) {
            bool elsewhere = plan->objects[i].module == ZAP_ELSEWHERE;
            met->elsewhere = met->elsewhere || elsewhere;
            met->classes |= elsewhere ? 0 : bit(plan->objects[i].module);
        }
    }
    for (unsigned i = 0; i < plan->links_count; i++) {
        met->cycle = met->cycle || plan->links[i].from <= plan->links[i].to;
    }
    met->settings |= plan->settings;
    met->three_parks = met->three_parks || plan->parks_count == 3;
    for (unsigned i = 0; i < plan->parks_count; i++) {
        const struct zap_park *park = &plan->parks[i];
        met->places[park->is_module] |= bit(park->place);
        met->later_first = met->later_first || (i > 0 && park->place < park[-1].place);
    }
    for (unsigned i = 0; i < plan->acts_count; i++) {
        met->ops |= bit(plan->acts[i].op);
        met->acts_names |= bit(plan->acts[i].name);
        met->act_modules |= bit(plan->acts[i].module);
        met->full_script =
            met->full_script || (i + 1 >= ZAP_SCRIPT_MAX &&
                                 plan->acts[i].node == plan->acts[i + 1 - ZAP_SCRIPT_MAX].node);
    }
}

static bool meets_all(const struct met *met)
{
    uint64_t names = 0, kinds = 0, ops = 0, routes = 0, places[2] = {0}, settings = 0;
    for (unsigned code = 0; code < 64; code++) {
        const struct zap_park_row *park = zap_park_row(code);
        places[0] |= park != NULL && park->objects ? bit(code) : 0;
        places[1] |= park != NULL && park->modules ? bit(code) : 0;
        settings |= zap_setting_row(code) != NULL ? bit(code - 1) : 0;
        names |= zap_name_row(code) != NULL ? bit(code) : 0;
        kinds |= zap_value_row(code) != NULL ? bit(code) : 0;
        ops |= zap_op_row(code) != NULL ? bit(code) : 0;
        routes |= zap_route_row(code) != NULL ? bit(code) : 0;
    }
    uint64_t modules = bit(ZAP_MODULES_MAX) - 1;
    return met->names == names && met->kinds == kinds && met->ops == ops && met->routes == routes &&
           met->acts_names == (names | bit(ZAP_NAME_NO)) && met->act_modules == modules &&
           met->classes == modules && met->modules == modules << 1 &&
           met->again == bit(ZAP_AGAIN_END) - 1 && met->held && met->shared && met->cycle &&
           met->full_script && met->elsewhere && met->places[0] == places[0] &&
           met->places[1] == places[1] && met->settings == settings && met->unlisted &&
           met->three_parks && met->later_first;
}

/* The steps alone get everywhere from the empty plan: without replacing a plan by a random one. */
static void a_walk_from_the_empty_plan_meets_every_row(void **state)
{
    (void)state;
    struct zap_plan plan;
    struct met met = {0};
    struct zap_rng rng = zap_rng_init(3, 3);
    unsigned count = count_kinds();
    unsigned steps = 0;
    zap_plan_init(&plan);
    for (; steps < LONG_WALK && !meets_all(&met); steps++) {
        unsigned kind = zap_rng_below(&rng, count);
        if (strcmp(zap_mutate_kind_name(kind), "fresh") != 0) {
            zap_mutate_step(&plan, kind, &rng);
            meet(&plan, &met);
        }
    }
    print_message("all met after %u steps\n", steps);
    assert_true(meets_all(&met));

    memset(&met, 0, sizeof met);
    zap_plan_init(&plan);
    for (steps = 0; steps < WALK && !meets_all(&met); steps++) {
        zap_mutate(&plan, &rng);
        meet(&plan, &met);
    }
    print_message("all met after %u mutations\n", steps);
    assert_true(meets_all(&met));
}

/* Nobody wants a corpus of the biggest plans, nor one of empty ones. */
static void a_walk_stays_between_the_limits(void **state)
{
    (void)state;
    struct zap_plan plan;
    struct zap_rng rng = zap_rng_init(5, 5);
    unsigned long objects = 0, globals = 0, links = 0, acts = 0, modules = 0, full = 0, empty = 0;
    unsigned long ends = 0, parks = 0;
    zap_plan_init(&plan);
    for (unsigned i = 0; i < WALK; i++) {
        zap_mutate(&plan, &rng);
        objects += plan.objects_count;
        globals += count_globals(&plan);
        links += plan.links_count;
        acts += plan.acts_count;
        modules += plan.modules_count;
        full += plan.objects_count == ZAP_OBJECTS_MAX;
        empty += plan.objects_count == 0;
        ends += zap_plan_ends(&plan);
        parks += plan.parks_count;
    }
    print_message("on average %.1f modules, %.1f globals, %.1f objects, %.1f links, %.1f acts; "
                  "%lu of %u full, %lu empty; %lu end an interpreter, with %.1f parks\n",
                  (double)modules / WALK, (double)globals / WALK, (double)objects / WALK,
                  (double)links / WALK, (double)acts / WALK, full, WALK, empty, ends,
                  (double)parks / (double)ends);
    assert_in_range(ends, WALK / 40, WALK / 10); /* they cost too much to be many */
    assert_in_range(parks / ends, 0, ZAP_PARKS_MAX / 2);
    assert_in_range(objects / WALK, 1, ZAP_OBJECTS_MAX / 2);
    assert_in_range(acts / WALK, 0, ZAP_ACTS_MAX / 2);
    assert_in_range(empty, 0, WALK / 4);
}

static void it_is_told_what_was_done(void **state)
{
    (void)state;
    char text[ZAP_MUTATE_STEPS_MAX * 24];
    unsigned steps_seen[ZAP_MUTATE_STEPS_MAX + 1] = {0};
    for (uint64_t seed = 0; seed < 1000; seed++) {
        struct zap_plan plan;
        draw_plan(seed, &plan);
        struct zap_str str = zap_str_init(text, sizeof text);
        zap_mutate_describe(&plan, seed, &str);
        assert_false(str.cut);
        unsigned steps = 0;
        for (char *name = strtok(text, "+"); name != NULL; name = strtok(NULL, "+")) {
            unsigned kind = 0;
            while (zap_mutate_kind_name(kind) != NULL &&
                   strcmp(zap_mutate_kind_name(kind), name) != 0) {
                kind++;
            }
            assert_non_null(zap_mutate_kind_name(kind));
            steps++;
        }
        assert_in_range(steps, 1, ZAP_MUTATE_STEPS_MAX);
        steps_seen[steps]++;
    }
    for (unsigned i = 1; i <= ZAP_MUTATE_STEPS_MAX; i++) {
        assert_true(steps_seen[i] > 0);
    }
}

/* One name of a kind: then exactly that step was done. */
static void what_is_told_is_what_zap_mutate_does(void **state)
{
    (void)state;
    unsigned checked = 0;
    for (uint64_t seed = 0; seed < 3000; seed++) {
        struct zap_plan plan, mutated;
        draw_plan(seed, &plan);
        mutated = plan;
        struct zap_rng rng = zap_rng_init(seed, 0);
        zap_mutate(&mutated, &rng);
        char text[ZAP_MUTATE_STEPS_MAX * 24];
        struct zap_str str = zap_str_init(text, sizeof text);
        zap_mutate_describe(&plan, seed, &str);
        if (strcmp(text, "route") == 0) {
            assert_int_not_equal(mutated.route, plan.route);
            checked++;
        } else if (strcmp(text, "drop-link") == 0) {
            assert_true(mutated.links_count < plan.links_count);
            checked++;
        } else if (strcmp(text, "held") == 0) {
            unsigned differ = 0;
            for (unsigned m = 0; m < plan.modules_count; m++) {
                differ += plan.modules[m].held != mutated.modules[m].held;
            }
            assert_int_equal(differ, 1);
            checked++;
        }
    }
    assert_true(checked > 50);
}

static unsigned find_kind(const char *name)
{
    unsigned kind = 0;
    while (zap_mutate_kind_name(kind) != NULL && strcmp(zap_mutate_kind_name(kind), name) != 0) {
        kind++;
    }
    assert_non_null(zap_mutate_kind_name(kind));
    return kind;
}

/* A park stays with what it is about, whatever number that gets. */
static void parks_follow_what_they_hold(void **state)
{
    (void)state;
    struct zap_rng rng = zap_rng_init(6, 6);
    unsigned moved = 0, folded = 0;
    for (unsigned i = 0; i < 1000; i++) {
        struct zap_plan plan;
        zap_plan_init(&plan);
        plan.route = ZAP_ROUTE_EXIT;
        plan.modules_count = 2;
        plan.modules[1].held = 1;
        plan.objects_count = 2;
        plan.objects[0].kind = ZAP_VALUE_INT;
        plan.objects[1].kind = ZAP_VALUE_STR;
        plan.parks_count = 3;
        plan.parks[0] = (struct zap_park){ZAP_PARK_SYS, 0, 1};
        plan.parks[1] = (struct zap_park){ZAP_PARK_SYS, 1, 1};
        plan.parks[2] = (struct zap_park){ZAP_PARK_C, 0, 0};
        zap_plan_normalize(&plan);
        assert_int_equal(plan.parks_count, 3);
        struct zap_plan given = plan;
        zap_mutate_step(&plan, find_kind("swap-objects"), &rng);
        assert_int_equal(plan.objects[plan.parks[0].what].kind, ZAP_VALUE_STR);
        assert_int_equal(plan.objects[plan.parks[2].what].kind, ZAP_VALUE_INT);
        moved += plan.parks[0].what == 0;
        plan = given;
        zap_mutate_step(&plan, find_kind("fold-module"), &rng);
        assert_int_equal(plan.modules_count, 1);
        assert_int_equal(plan.parks_count, 3); /* of the module that is left, either way */
        folded += plan.modules[0].held;
    }
    assert_in_range(moved, 100, 999);
    assert_in_range(folded, 100, 900);
}

/* ------------------------------------------------------------------ crossover */

static bool has_op(const struct zap_plan *plan, unsigned op)
{
    for (unsigned i = 0; i < plan->acts_count; i++) {
        if (plan->acts[i].op == op) {
            return true;
        }
    }
    return false;
}

static bool has_kind(const struct zap_plan *plan, unsigned kind)
{
    for (unsigned i = 0; i < plan->objects_count; i++) {
        if (plan->objects[i].kind == kind) {
            return true;
        }
    }
    return false;
}

/* Mark a plan: plain things become of one kind, and all acts the same. */
static void mark(struct zap_plan *plan, uint8_t kind, uint8_t op)
{
    for (unsigned i = 0; i < plan->objects_count; i++) {
        if (plan->objects[i].kind != ZAP_VALUE_NODE) {
            plan->objects[i].kind = kind;
        }
    }
    for (unsigned i = 0; i < plan->acts_count; i++) {
        plan->acts[i].op = op;
    }
    zap_plan_normalize(plan);
}

static void crossover_takes_from_both(void **state)
{
    (void)state;
    struct zap_rng rng = zap_rng_init(8, 8);
    unsigned tried = 0, same_a = 0, from_a = 0, from_b = 0, new_modules = 0, routes_b = 0,
             routes = 0;
    for (uint64_t index = 0; index < PLANS; index++) {
        struct zap_plan a, b, mixed;
        draw_plan(index, &a);
        draw_plan(index + PLANS, &b);
        mark(&a, ZAP_VALUE_INT, ZAP_OP_KEEP);
        mark(&b, ZAP_VALUE_STR, ZAP_OP_RAISE);
        zap_crossover(&a, &b, &rng, &mixed);
        assert_true(zap_plan_is_normal(&mixed));
        assert_true(mixed.route == a.route || mixed.route == b.route);
        if (a.route != b.route) {
            routes++;
            routes_b += mixed.route == b.route;
        }
        if (!has_kind(&a, ZAP_VALUE_INT) || !has_op(&a, ZAP_OP_KEEP) ||
            !has_kind(&b, ZAP_VALUE_STR) || !has_op(&b, ZAP_OP_RAISE)) {
            continue;
        }
        tried++;
        same_a += zap_plan_equal(&a, &mixed);
        from_a += has_kind(&mixed, ZAP_VALUE_INT) || has_op(&mixed, ZAP_OP_KEEP);
        from_b += has_kind(&mixed, ZAP_VALUE_STR) || has_op(&mixed, ZAP_OP_RAISE);
        new_modules += mixed.modules_count > a.modules_count;
    }
    print_message("%u tried: %u have something of a, %u of b, %u are a, %u have more modules\n",
                  tried, from_a, from_b, same_a, new_modules);
    assert_true(tried > PLANS / 10);
    assert_true(from_a > tried * 19ul / 20);
    assert_true(from_b > tried * 19ul / 20);
    assert_in_range(same_a, 0, tried / 20);
    assert_true(new_modules > tried / 50);
    assert_in_range(routes_b * 100 / routes, 40, 60);
}

static void crossover_with_the_empty_plan(void **state)
{
    (void)state;
    struct zap_plan empty, plan, mixed;
    struct zap_rng rng = zap_rng_init(9, 9);
    unsigned grew = 0;
    zap_plan_init(&empty);
    for (uint64_t index = 0; index < 500; index++) {
        draw_plan(index, &plan);
        zap_crossover(&plan, &empty, &rng, &mixed);
        mixed.route = plan.route;
        zap_plan_normalize(&mixed);
        if (mixed.parks_count == plan.parks_count) { /* else there may be less that is held */
            assert_int_equal(mixed.objects_count, plan.objects_count);
        }
        zap_crossover(&empty, &plan, &rng, &mixed);
        assert_true(zap_plan_is_normal(&mixed));
        grew += mixed.objects_count > 0;
    }
    assert_true(grew > 450);
}

/* Leave only parks of modules, and of objects of this kind. */
static void unpark_others(struct zap_plan *plan, unsigned kind)
{
    for (unsigned i = 0; i < plan->parks_count; i++) {
        struct zap_park *park = &plan->parks[i];
        if (!park->is_module && plan->objects[park->what].kind != kind) {
            park->place = 0; /* not a code */
        }
    }
    zap_plan_normalize(plan);
}

/* Both have parks and settings, and what comes of them fits the new plan. */
static void crossover_mixes_ends(void **state)
{
    (void)state;
    struct zap_rng rng = zap_rng_init(10, 10);
    unsigned tried = 0, more = 0, both = 0, unlisted = 0, gone = 0, kept = 0, grafted = 0;
    for (uint64_t index = 0; index < PLANS; index++) {
        struct zap_plan a, b, mixed;
        draw_plan(index * 5, &a);
        draw_plan(index % 2 != 0 ? (index + PLANS) * 5 : index + PLANS, &b);
        for (unsigned m = 0; m < a.modules_count; m++) {
            a.modules[m].unlisted = 0;
        }
        a.settings = 1;
        b.settings = zap_plan_ends(&b) ? 2 : 0;
        mark(&a, ZAP_VALUE_INT, ZAP_OP_KEEP);
        mark(&b, ZAP_VALUE_STR, ZAP_OP_RAISE);
        unpark_others(&a, 0);
        unpark_others(&b, ZAP_VALUE_STR);
        zap_crossover(&a, &b, &rng, &mixed);
        assert_true(zap_plan_is_normal(&mixed));
        if (!zap_plan_ends(&mixed)) {
            gone++;
            continue;
        }
        kept += !zap_plan_ends(&b);
        for (unsigned i = 0; i < mixed.parks_count; i++) {
            const struct zap_park *park = &mixed.parks[i];
            assert_true(park->is_module || mixed.objects[park->what].kind == ZAP_VALUE_STR);
            grafted += !park->is_module;
        }
        if (zap_plan_ends(&b)) {
            tried++;
            more += mixed.parks_count > a.parks_count;
            both += mixed.settings == 3;
            for (unsigned m = 0; m < mixed.modules_count; m++) {
                unlisted += mixed.modules[m].unlisted;
            }
        }
    }
    print_message("%u tried: %u have more parks, %u both settings; %u unlisted, %u lost all\n",
                  tried, more, both, unlisted, gone);
    assert_true(more > tried / 10);
    assert_in_range(both * 100 / tried, 28, 38);
    assert_true(unlisted > tried / 100);
    assert_true(gone > 0 && kept > 0 && grafted > 0);
}

static void crossover_into_one_of_the_two(void **state)
{
    (void)state;
    for (uint64_t index = 0; index < 500; index++) {
        struct zap_plan a, b, mixed, in_a, in_b;
        draw_plan(index, &a);
        draw_plan(index + 1, &b);
        struct zap_rng rng = zap_rng_init(index, 1), rng_a = rng, rng_b = rng;
        in_a = a;
        in_b = b;
        zap_crossover(&a, &b, &rng, &mixed);
        zap_crossover(&in_a, &b, &rng_a, &in_a);
        zap_crossover(&a, &in_b, &rng_b, &in_b);
        assert_true(zap_plan_equal(&mixed, &in_a));
        assert_true(zap_plan_equal(&mixed, &in_b));
    }
}

/* ------------------------------------------------------------------ bytes */

enum { GUARD = 0xc3, ROOM = ZAP_WIRE_MAX + 64 };

/* Are these the canonical bytes of a plan, or the route alone, and nothing written behind them? */
static void assert_good_bytes(const uint8_t *bytes, size_t len, size_t size)
{
    struct zap_plan plan;
    uint8_t canonical[ZAP_WIRE_MAX];
    assert_true(len <= size);
    for (size_t i = len; i < ROOM; i++) {
        assert_int_equal(bytes[i], GUARD);
    }
    zap_wire_decode(bytes, len, &plan);
    size_t canonical_len = zap_wire_encode(&plan, canonical);
    if (len < canonical_len) { /* the route alone, or not even that */
        assert_true(size < canonical_len);
        assert_int_equal(len, size > 0);
        assert_int_equal(plan.objects_count, 0);
        assert_int_equal(plan.modules_count, 1);
    } else {
        assert_int_equal(len, canonical_len);
        assert_memory_equal(bytes, canonical, len);
    }
}

static void bytes_fit_any_size(void **state)
{
    (void)state;
    uint8_t given[ZAP_WIRE_MAX], out[ROOM], again[ROOM];
    for (uint64_t seed = 0; seed < 3000; seed++) {
        struct zap_plan plan;
        draw_plan(seed * 4, &plan);
        size_t len = zap_wire_encode(&plan, given);
        size_t size = seed < ROOM ? (size_t)seed : (size_t)(seed % 64);
        memset(out, GUARD, sizeof out);
        size_t out_len = zap_mutate_wire(given, len, seed, out, size);
        assert_good_bytes(out, out_len, size);
        memset(again, GUARD, sizeof again);
        assert_int_equal(zap_mutate_wire(given, len, seed, again, size), out_len);
        assert_memory_equal(out, again, sizeof out);

        draw_plan(seed + 1, &plan);
        uint8_t other[ZAP_WIRE_MAX];
        size_t other_len = zap_wire_encode(&plan, other);
        memset(out, GUARD, sizeof out);
        out_len = zap_crossover_wire(given, len, other, other_len, seed, out, size);
        assert_good_bytes(out, out_len, size);
        memset(again, GUARD, sizeof again);
        assert_int_equal(zap_crossover_wire(given, len, other, other_len, seed, again, size),
                         out_len);
        assert_memory_equal(out, again, sizeof out);
    }
}

/* Exactly the room that was promised, so that a sanitizer sees one byte too many. */
static void bytes_fit_exact_memory(void **state)
{
    (void)state;
    uint8_t given[ZAP_WIRE_MAX];
    for (size_t size = 0; size < 300; size++) {
        struct zap_plan plan;
        draw_plan(size, &plan);
        size_t len = zap_wire_encode(&plan, given);
        uint8_t *out = malloc(size);
        uint8_t *in = malloc(len);
        assert_true(in != NULL && (out != NULL || size == 0));
        memcpy(in, given, len);
        assert_true(zap_mutate_wire(in, len, size, out, size) <= size);
        assert_true(zap_crossover_wire(in, len, in, len / 2, size, out, size) <= size);
        free(in);
        free(out);
    }
}

static void bytes_may_be_changed_in_place(void **state)
{
    (void)state;
    uint8_t a[ZAP_WIRE_MAX], b[ZAP_WIRE_MAX], out[ROOM], place[2 * ROOM];
    for (uint64_t seed = 0; seed < 1000; seed++) {
        struct zap_plan plan;
        draw_plan(seed, &plan);
        size_t a_len = zap_wire_encode(&plan, a);
        draw_plan(seed + 1000, &plan);
        size_t b_len = zap_wire_encode(&plan, b);
        size_t shift = (size_t)(seed % 5);

        size_t len = zap_mutate_wire(a, a_len, seed, out, sizeof out);
        memcpy(place, a, a_len);
        assert_int_equal(zap_mutate_wire(place, a_len, seed, place + shift, sizeof out), len);
        assert_memory_equal(place + shift, out, len);

        len = zap_crossover_wire(a, a_len, b, b_len, seed, out, sizeof out);
        memcpy(place, a, a_len);
        assert_int_equal(
            zap_crossover_wire(place, a_len, b, b_len, seed, place + shift, sizeof out), len);
        assert_memory_equal(place + shift, out, len);
        memcpy(place + shift, b, b_len);
        assert_int_equal(
            zap_crossover_wire(a, a_len, place + shift, b_len, seed, place, sizeof out), len);
        assert_memory_equal(place, out, len);
    }
}

static void any_bytes_are_mutated(void **state)
{
    (void)state;
    uint8_t junk[600], out[ROOM];
    struct zap_rng rng = zap_rng_init(11, 11);
    for (uint64_t seed = 0; seed < 2000; seed++) {
        size_t len = zap_rng_below(&rng, sizeof junk + 1);
        for (size_t i = 0; i < len; i++) {
            uint64_t value = zap_rng_next(&rng);
            junk[i] = (uint8_t)(value >> 56 >> (value & 7));
        }
        memset(out, GUARD, sizeof out);
        size_t out_len = zap_mutate_wire(junk, len, seed, out, ROOM);
        assert_good_bytes(out, out_len, ROOM);
        memset(out, GUARD, sizeof out);
        out_len = zap_crossover_wire(junk, len, junk + len / 2, len - len / 2, seed, out, ROOM);
        assert_good_bytes(out, out_len, ROOM);
    }
    assert_true(zap_mutate_wire(junk, 0, 1, out, ROOM) > 0);
}

static void fitting_leaves_what_fits(void **state)
{
    (void)state;
    uint8_t wire[ZAP_WIRE_MAX], out[ROOM];
    for (uint64_t index = 0; index < 300; index++) {
        struct zap_plan plan, fitted;
        draw_plan(index, &plan);
        size_t len = zap_wire_encode(&plan, wire);
        size_t step = len > 200 ? 7 : 1;
        for (size_t size = 0; size <= len + 1; size += step) {
            fitted = plan;
            size_t out_len = zap_mutate_fit(&fitted, out, size);
            assert_true(out_len <= size);
            assert_true(zap_plan_is_normal(&fitted));
            assert_int_equal(fitted.route, size > 0 ? plan.route : ZAP_ROUTE_DROP);
            struct zap_plan back;
            zap_wire_decode(out, out_len, &back);
            assert_true(zap_plan_equal(&fitted, &back));
            if (size >= len) {
                assert_true(zap_plan_equal(&fitted, &plan));
                assert_int_equal(out_len, len);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_step_does_something),
        cmocka_unit_test(kinds_have_names_for_files),
        cmocka_unit_test(a_mutation_differs),
        cmocka_unit_test(a_walk_from_the_empty_plan_meets_every_row),
        cmocka_unit_test(a_walk_stays_between_the_limits),
        cmocka_unit_test(it_is_told_what_was_done),
        cmocka_unit_test(what_is_told_is_what_zap_mutate_does),
        cmocka_unit_test(parks_follow_what_they_hold),
        cmocka_unit_test(crossover_takes_from_both),
        cmocka_unit_test(crossover_with_the_empty_plan),
        cmocka_unit_test(crossover_mixes_ends),
        cmocka_unit_test(crossover_into_one_of_the_two),
        cmocka_unit_test(bytes_fit_any_size),
        cmocka_unit_test(bytes_fit_exact_memory),
        cmocka_unit_test(bytes_may_be_changed_in_place),
        cmocka_unit_test(any_bytes_are_mutated),
        cmocka_unit_test(fitting_leaves_what_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
