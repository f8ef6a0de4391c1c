/* The AFL++ module, called as afl-fuzz 4.04c calls it: loaded by its path, one state, buffers that
 * stay until the next call, trimming by steps. ZAP_AFL_MUTATOR is the module. Fits the limits of a
 * hostile build. */
#include "base/rng.h"
#include "plan/gen.h"
#include "plan/shrink.h"
#include "plan/wire.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { INPUTS = 64, CALLS = 20000, MAX_FILE = 1024 * 1024 };

static struct {
    void *(*init)(void *afl, unsigned int seed);
    void (*deinit)(void *data);
    size_t (*fuzz)(void *data, uint8_t *buf, size_t buf_size, uint8_t **out_buf, uint8_t *add_buf,
                   size_t add_buf_size, size_t max_size);
    size_t (*havoc)(void *data, uint8_t *buf, size_t buf_size, uint8_t **out_buf, size_t max_size);
    uint8_t (*havoc_probability)(void *data);
    const char *(*describe)(void *data, size_t max_description_len);
    size_t (*post_process)(void *data, uint8_t *buf, size_t buf_size, uint8_t **out_buf);
    int32_t (*init_trim)(void *data, uint8_t *buf, size_t buf_size);
    size_t (*trim)(void *data, uint8_t **out_buf);
    int32_t (*post_trim)(void *data, uint8_t success);
} module;

static struct input {
    uint8_t *bytes; /* exactly as many, so that a sanitizer sees one too far */
    size_t len;
    struct zap_plan plan;
} inputs[INPUTS];

static void find(void *library, const char *name, void *ret_function)
{
    void *symbol = dlsym(library, name);
    if (symbol == NULL) {
        fail_msg("no %s", name);
    }
    memcpy(ret_function, &symbol, sizeof symbol);
}

static int load(void **state)
{
    (void)state;
    void *library = dlopen(ZAP_AFL_MUTATOR, RTLD_NOW);
    if (library == NULL) {
        print_error("%s\n", dlerror());
        return -1;
    }
    find(library, "afl_custom_init", &module.init);
    find(library, "afl_custom_deinit", &module.deinit);
    find(library, "afl_custom_fuzz", &module.fuzz);
    find(library, "afl_custom_havoc_mutation", &module.havoc);
    find(library, "afl_custom_havoc_mutation_probability", &module.havoc_probability);
    find(library, "afl_custom_describe", &module.describe);
    find(library, "afl_custom_post_process", &module.post_process);
    find(library, "afl_custom_init_trim", &module.init_trim);
    find(library, "afl_custom_trim", &module.trim);
    find(library, "afl_custom_post_trim", &module.post_trim);
    const struct zap_gen_config config = {.seed = 20};
    for (unsigned i = 0; i < INPUTS; i++) {
        uint8_t wire[ZAP_WIRE_MAX];
        zap_gen_plan(&config, i, &inputs[i].plan);
        inputs[i].len = zap_wire_encode(&inputs[i].plan, wire);
        inputs[i].bytes = malloc(inputs[i].len);
        if (inputs[i].bytes == NULL) {
            return -1;
        }
        memcpy(inputs[i].bytes, wire, inputs[i].len);
    }
    return 0;
}

static int unload(void **state)
{
    (void)state;
    for (unsigned i = 0; i < INPUTS; i++) {
        free(inputs[i].bytes);
    }
    return 0; /* afl-fuzz does not close the module either */
}

static void assert_canonical(const uint8_t *bytes, size_t len, struct zap_plan *ret_plan)
{
    uint8_t wire[ZAP_WIRE_MAX];
    zap_wire_decode(bytes, len, ret_plan);
    assert_int_equal(zap_wire_encode(ret_plan, wire), len);
    assert_memory_equal(bytes, wire, len);
}

/* Two independent modules of the same seed say the same; what they returned is not touched by other
 * calls; the input is left alone. */
static void fuzzing(void **state)
{
    (void)state;
    void *one = module.init(NULL, 7), *same = module.init(NULL, 7), *other = module.init(NULL, 8);
    unsigned changed = 0, as_other = 0, mixed = 0;
    for (unsigned call = 0; call < CALLS; call++) {
        struct input *input = &inputs[call % INPUTS];
        struct input *partner = call % 7 == 0 ? NULL : &inputs[call * 5 % INPUTS];
        uint8_t *partner_bytes = partner != NULL ? partner->bytes : NULL;
        size_t partner_len = partner != NULL ? partner->len : 0;
        uint8_t *out = NULL, *out_same = NULL, *out_other = NULL;
        size_t len =
            module.fuzz(one, input->bytes, input->len, &out, partner_bytes, partner_len, MAX_FILE);
        size_t len_same = module.fuzz(same, input->bytes, input->len, &out_same, partner_bytes,
                                      partner_len, MAX_FILE);
        size_t len_other = module.fuzz(other, input->bytes, input->len, &out_other, partner_bytes,
                                       partner_len, MAX_FILE);
        struct zap_plan plan;
        assert_true(len > 0);
        assert_canonical(out, len, &plan);
        changed += !zap_plan_equal(&plan, &input->plan);
        assert_int_equal(len, len_same);
        assert_memory_equal(out, out_same, len);
        as_other += len == len_other && memcmp(out, out_other, len) == 0;

        uint8_t *processed = NULL, *havocked = NULL;
        size_t processed_len = module.post_process(one, out, len, &processed);
        assert_int_equal(processed_len, len);
        assert_memory_equal(processed, out_same, len);
        module.havoc(one, input->bytes, input->len, &havocked, MAX_FILE);
        module.havoc(same, input->bytes, input->len, &havocked, MAX_FILE);
        const char *what = module.describe(one, 100);
        assert_memory_equal(out, out_same, len);

        assert_int_equal(strncmp(what, "op:", 3), 0);
        assert_int_equal(strspn(what, "abcdefghijklmnopqrstuvwxyz-+:"), strlen(what));
        assert_true(strlen(what) > 3);
        bool is_mixed = strncmp(what, "op:crossover+", 13) == 0;
        assert_false(is_mixed && partner == NULL);
        mixed += is_mixed;
        uint8_t given[ZAP_WIRE_MAX];
        assert_int_equal(zap_wire_encode(&input->plan, given), input->len);
        assert_memory_equal(input->bytes, given, input->len);
    }
    print_message("%u of %u changed, %u mixed\n", changed, CALLS, mixed);
    assert_true(changed > CALLS / 100 * 99);
    assert_in_range(mixed, CALLS / 10, CALLS / 4);
    assert_in_range(as_other, 0, CALLS / 10);
    module.deinit(one);
    module.deinit(same);
    module.deinit(other);
}

static void what_was_done_is_said_in_any_length(void **state)
{
    (void)state;
    void *data = module.init(NULL, 1);
    assert_non_null(module.describe(data, 40)); /* before anything was done */
    for (unsigned call = 0; call < 500; call++) {
        uint8_t *out;
        struct input *input = &inputs[call % INPUTS];
        module.fuzz(data, input->bytes, input->len, &out, input->bytes, input->len, MAX_FILE);
        char whole[256];
        strncpy(whole, module.describe(data, sizeof whole - 1), sizeof whole - 1);
        whole[sizeof whole - 1] = '\0';
        for (size_t most = 1; most < 60; most++) {
            const char *what = module.describe(data, most);
            assert_true(strlen(what) <= most);
            assert_int_equal(strncmp(what, whole, strlen(what)), 0);
        }
    }
    module.deinit(data);
}

static void results_fit(void **state)
{
    (void)state;
    void *data = module.init(NULL, 2);
    for (size_t most = 1; most < 400; most++) {
        struct input *input = &inputs[most % INPUTS];
        uint8_t *out = NULL;
        size_t len =
            module.fuzz(data, input->bytes, input->len, &out, inputs[0].bytes, inputs[0].len, most);
        assert_in_range(len, 1, most);
        assert_non_null(out);
        len = module.havoc(data, input->bytes, input->len, &out, most);
        assert_in_range(len, 1, most);
        assert_non_null(out);
    }
    module.deinit(data);
}

static void havoc_is_asked_for_sometimes(void **state)
{
    (void)state;
    void *data = module.init(NULL, 3);
    unsigned changed = 0;
    assert_in_range(module.havoc_probability(data), 1, 99);
    for (unsigned call = 0; call < 1000; call++) {
        struct input *input = &inputs[call % INPUTS];
        struct zap_plan plan;
        uint8_t *out = NULL;
        size_t len = module.havoc(data, input->bytes, input->len, &out, MAX_FILE);
        assert_canonical(out, len, &plan);
        changed += !zap_plan_equal(&plan, &input->plan);
    }
    assert_true(changed > 990);
    module.deinit(data);
}

/* Whatever bytes AFL++ makes, the target gets a plan without dead bytes, and never nothing. */
static void bytes_become_canonical(void **state)
{
    (void)state;
    void *data = module.init(NULL, 4);
    struct zap_rng rng = zap_rng_init(1, 1);
    for (unsigned call = 0; call < 2000; call++) {
        size_t len = zap_rng_below(&rng, call % 10 == 0 ? 20000 : 300);
        uint8_t *junk = malloc(len);
        assert_true(junk != NULL || len == 0);
        for (size_t i = 0; i < len; i++) {
            uint64_t value = zap_rng_next(&rng);
            junk[i] = (uint8_t)(value >> 56 >> (value & 7));
        }
        struct zap_plan meant, got;
        uint8_t *out = NULL;
        zap_wire_decode(junk, len, &meant);
        size_t out_len = module.post_process(data, junk, len, &out);
        assert_true(out_len > 0);
        assert_canonical(out, out_len, &got);
        assert_true(zap_plan_equal(&meant, &got));
        free(junk);
    }
    module.deinit(data);
}

/* ------------------------------------------------------------------ trimming */

static bool has_look(const struct zap_plan *plan)
{
    for (unsigned i = 0; i < plan->acts_count; i++) {
        if (plan->acts[i].op == ZAP_OP_LOOK) {
            return true;
        }
    }
    return false;
}

static bool anything(const struct zap_plan *plan)
{
    (void)plan;
    return true;
}

static bool nothing(const struct zap_plan *plan)
{
    (void)plan;
    return false;
}

/* As afl-fuzz trims an input: the last one that had the same coverage stays. Returns the number of
 * runs. */
static unsigned trim(void *data, struct input *input, bool (*same)(const struct zap_plan *plan),
                     struct zap_plan *ret_plan)
{
    unsigned runs = 0;
    int32_t step = 0;
    *ret_plan = input->plan;
    int32_t steps = module.init_trim(data, input->bytes, input->len);
    assert_true(steps >= 0);
    while (step < steps) {
        uint8_t *out = NULL, *other = NULL;
        struct zap_plan plan;
        size_t len = module.trim(data, &out);
        assert_non_null(out);
        assert_in_range(len, 1, input->len);
        assert_canonical(out, len, &plan);
        module.post_process(data, out, len, &other); /* on its way to the target */
        assert_memory_equal(out, other, len);
        bool is_same = same(&plan);
        if (is_same) {
            *ret_plan = plan;
        }
        int32_t next = module.post_trim(data, is_same);
        assert_true(next > step);
        step = next;
        runs++;
        assert_in_range(runs, 1, ZAP_SHRINK_TRIES_MAX);
    }
    return runs;
}

static void trimming_is_shrinking(void **state)
{
    (void)state;
    static struct zap_shrink shrink;
    void *data = module.init(NULL, 5);
    unsigned tried = 0, most = 0;
    for (unsigned i = 0; i < INPUTS; i++) {
        struct zap_plan trimmed, candidate, expected;
        trim(data, &inputs[i], nothing, &trimmed);
        assert_true(zap_plan_equal(&trimmed, &inputs[i].plan));
        trim(data, &inputs[i], anything, &trimmed);
        zap_plan_init(&expected);
        assert_true(zap_plan_equal(&trimmed, &expected));
        if (!has_look(&inputs[i].plan)) {
            continue;
        }
        unsigned runs = trim(data, &inputs[i], has_look, &trimmed);
        zap_shrink_init(&inputs[i].plan, &shrink);
        while (zap_shrink_next(&shrink, &candidate)) {
            if (has_look(&candidate)) {
                zap_shrink_accept(&shrink);
            } else {
                zap_shrink_reject(&shrink);
            }
        }
        assert_true(zap_plan_equal(&trimmed, &shrink.best));
        assert_int_equal(runs, shrink.tries);
        most = runs > most ? runs : most;
        tried++;
    }
    print_message("%u plans trimmed, %u runs at most\n", tried, most);
    assert_true(tried > 5);
    module.deinit(data);
}

static void what_is_smallest_is_not_trimmed(void **state)
{
    (void)state;
    void *data = module.init(NULL, 6);
    uint8_t wire[ZAP_WIRE_MAX];
    struct zap_plan plan;
    zap_plan_init(&plan);
    size_t len = zap_wire_encode(&plan, wire);
    assert_int_equal(module.init_trim(data, wire, len), 0);
    assert_int_equal(module.init_trim(data, wire, 0), 0);
    module.deinit(data);
}

/* afl-fuzz stops in the middle when it is interrupted, or the target is lost. */
static void trimming_may_be_given_up(void **state)
{
    (void)state;
    void *data = module.init(NULL, 7);
    struct zap_plan first, second;
    uint8_t *out;
    assert_true(module.init_trim(data, inputs[1].bytes, inputs[1].len) > 0);
    size_t len = module.trim(data, &out);
    zap_wire_decode(out, len, &first);
    assert_true(module.init_trim(data, inputs[2].bytes, inputs[2].len) > 0);
    module.trim(data, &out);
    module.post_trim(data, 1);
    assert_true(module.init_trim(data, inputs[1].bytes, inputs[1].len) > 0);
    len = module.trim(data, &out);
    zap_wire_decode(out, len, &second);
    assert_true(zap_plan_equal(&first, &second));
    module.deinit(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fuzzing),
        cmocka_unit_test(what_was_done_is_said_in_any_length),
        cmocka_unit_test(results_fit),
        cmocka_unit_test(havoc_is_asked_for_sometimes),
        cmocka_unit_test(bytes_become_canonical),
        cmocka_unit_test(trimming_is_shrinking),
        cmocka_unit_test(what_is_smallest_is_not_trimmed),
        cmocka_unit_test(trimming_may_be_given_up),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
