/* fuzz/libfuzzer_mutator.c, called as libFuzzer calls it; this file plays LLVMFuzzerMutate. Fits
 * the limits of a hostile build. */
#include "plan/gen.h"
#include "plan/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CALLS = 8000 };

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t size1, const uint8_t *data2,
                                 size_t size2, uint8_t *out, size_t max_out_size,
                                 unsigned int seed);

/* What LLVMFuzzerMutate does from now on. */
static struct {
    const uint8_t *bytes; /* it puts these in; NULL: it leaves everything */
    size_t len;
    unsigned calls;
} engine;

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size)
{
    engine.calls++;
    assert_true(size <= max_size);
    if (engine.bytes == NULL) {
        return size;
    }
    size_t len = engine.len < max_size ? engine.len : max_size;
    memcpy(data, engine.bytes, len);
    return len;
}

static void draw_plan(uint64_t index, struct zap_plan *ret_plan)
{
    const struct zap_gen_config config = {.seed = 31};
    zap_gen_plan(&config, index, ret_plan);
}

static void assert_canonical(const uint8_t *bytes, size_t len, struct zap_plan *ret_plan)
{
    uint8_t wire[ZAP_WIRE_MAX];
    zap_wire_decode(bytes, len, ret_plan);
    assert_int_equal(zap_wire_encode(ret_plan, wire), len);
    assert_memory_equal(bytes, wire, len);
}

/* The bytes of a plan in exactly `size` bytes of memory, as libFuzzer has them. */
static uint8_t *place(const struct zap_plan *plan, size_t size, size_t *ret_len)
{
    uint8_t wire[ZAP_WIRE_MAX];
    *ret_len = zap_wire_encode(plan, wire);
    uint8_t *data = malloc(size);
    assert_non_null(data);
    assert_true(*ret_len <= size);
    memcpy(data, wire, *ret_len);
    return data;
}

static void plans_are_changed_in_place(void **state)
{
    (void)state;
    unsigned changed = 0;
    memset(&engine, 0, sizeof engine);
    for (unsigned seed = 0; seed < CALLS; seed++) {
        struct zap_plan plan, mutated, again;
        size_t len;
        draw_plan(seed % 100, &plan);
        uint8_t *data = place(&plan, ZAP_WIRE_MAX, &len);
        size_t mutated_len = LLVMFuzzerCustomMutator(data, len, ZAP_WIRE_MAX, seed);
        assert_canonical(data, mutated_len, &mutated);
        free(data);
        data = place(&plan, ZAP_WIRE_MAX, &len);
        mutated_len = LLVMFuzzerCustomMutator(data, len, ZAP_WIRE_MAX, seed);
        assert_canonical(data, mutated_len, &again);
        free(data);
        assert_true(zap_plan_equal(&mutated, &again));
        changed += !zap_plan_equal(&plan, &mutated);
    }
    assert_true(changed > CALLS / 100 * 99);
    print_message("the engine's turn %u times in %u\n", engine.calls, 2 * CALLS);
    assert_in_range(engine.calls, 2 * CALLS / 16, 2 * CALLS / 4);
}

/* What the engine makes of the bytes comes through, without its dead bytes. */
static void the_engine_plays_too(void **state)
{
    (void)state;
    uint8_t wire[ZAP_WIRE_MAX], noisy[ZAP_WIRE_MAX + 5];
    struct zap_plan theirs;
    draw_plan(1000, &theirs);
    size_t their_len = zap_wire_encode(&theirs, wire);
    memcpy(noisy, wire, their_len);
    memcpy(noisy + their_len, "\xf0\xf1\xf2\xf3\x02", 5);
    memset(&engine, 0, sizeof engine);
    engine.bytes = noisy;
    engine.len = their_len + 5;
    unsigned through = 0;
    for (unsigned seed = 0; seed < CALLS; seed++) {
        struct zap_plan plan, mutated;
        size_t len;
        draw_plan(seed % 100, &plan);
        uint8_t *data = place(&plan, sizeof noisy, &len);
        unsigned calls = engine.calls;
        size_t mutated_len = LLVMFuzzerCustomMutator(data, len, sizeof noisy, seed);
        assert_canonical(data, mutated_len, &mutated);
        free(data);
        if (engine.calls > calls) {
            assert_true(zap_plan_equal(&mutated, &theirs));
            through++;
        }
    }
    assert_in_range(through, CALLS / 16, CALLS / 4);
}

static void results_fit(void **state)
{
    (void)state;
    memset(&engine, 0, sizeof engine);
    for (unsigned seed = 0; seed < CALLS; seed++) {
        struct zap_plan one, other;
        size_t one_len, other_len;
        draw_plan(seed % 100, &one);
        draw_plan(seed % 99 + 100, &other);
        uint8_t wire[ZAP_WIRE_MAX];
        size_t size = zap_wire_encode(&one, wire) + seed % 3;
        uint8_t *data = place(&one, size, &one_len);
        uint8_t *data_other = place(&other, ZAP_WIRE_MAX, &other_len);
        size_t out_size = 1 + seed % 300;
        uint8_t *out = malloc(out_size);
        assert_non_null(out);
        assert_in_range(
            LLVMFuzzerCustomCrossOver(data, one_len, data_other, other_len, out, out_size, seed), 1,
            out_size);
        assert_in_range(LLVMFuzzerCustomMutator(data, one_len, size, seed), 1, size);
        free(out);
        free(data_other);
        free(data);
    }
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

/* All plain things of a plan become of one kind. */
static void mark(struct zap_plan *plan, uint8_t kind)
{
    for (unsigned i = 0; i < plan->objects_count; i++) {
        if (plan->objects[i].kind != ZAP_VALUE_NODE) {
            plan->objects[i].kind = kind;
        }
    }
    zap_plan_normalize(plan);
}

static void two_plans_meet(void **state)
{
    (void)state;
    unsigned tried = 0, changed = 0, met = 0;
    for (unsigned seed = 0; seed < CALLS; seed++) {
        struct zap_plan one, other, mixed;
        uint8_t one_wire[ZAP_WIRE_MAX], other_wire[ZAP_WIRE_MAX], out[ZAP_WIRE_MAX];
        draw_plan(seed % 100, &one);
        draw_plan(seed % 99 + 100, &other);
        mark(&one, ZAP_VALUE_BIGINT);
        mark(&other, ZAP_VALUE_FLOAT);
        size_t one_len = zap_wire_encode(&one, one_wire);
        size_t other_len = zap_wire_encode(&other, other_wire);
        size_t len = LLVMFuzzerCustomCrossOver(one_wire, one_len, other_wire, other_len, out,
                                               sizeof out, seed);
        assert_canonical(out, len, &mixed);
        changed += !zap_plan_equal(&one, &mixed);
        if (has_kind(&one, ZAP_VALUE_BIGINT) && has_kind(&other, ZAP_VALUE_FLOAT)) {
            tried++;
            met += has_kind(&mixed, ZAP_VALUE_BIGINT) && has_kind(&mixed, ZAP_VALUE_FLOAT);
        }
    }
    print_message("%u of %u hold something of both\n", met, tried);
    assert_true(changed > CALLS / 100 * 98);
    assert_true(tried > CALLS / 10);
    assert_true(met > tried / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_are_changed_in_place),
        cmocka_unit_test(the_engine_plays_too),
        cmocka_unit_test(results_fit),
        cmocka_unit_test(two_plans_meet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
