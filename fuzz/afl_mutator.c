/* A custom mutator module for AFL++: afl-fuzz loads it (AFL_CUSTOM_MUTATOR_LIBRARY) to change, mix,
 * trim and name plans instead of bytes.
 *
 * What AFL++ 4.04c asks for is declared here, because Debian ships no headers:
 *
 * - afl_custom_fuzz: change the plan of an input; one time in MIX_ONE_IN mix it with another input
 *   first, where AFL++ offers one.
 * - afl_custom_havoc_mutation: of the changes that AFL++ makes in a row to bytes, most are changes
 *   of the plan. Only where its own havoc is at work: `pyzap fuzz` leaves that out.
 * - afl_custom_describe: what afl_custom_fuzz did last, for the name of the file that AFL++ writes.
 * - afl_custom_post_process: what the target gets, and what is stored: the canonical bytes of the
 *   plan that the bytes mean. AFL++ changes bytes too (havoc, splice, dictionary), and leaves dead
 *   ones, which would be carried along and changed in vain.
 * - afl_custom_init_trim, afl_custom_trim, afl_custom_post_trim: smaller plans (plan/shrink.h), as
 *   long as their coverage is the same. AFL++ trims while the step that post_trim returns is below
 *   what init_trim returned. How many steps there will be is not known before, so that is the most
 *   there can be, and the step after the last one is that number.
 *
 * - afl_custom_fuzz_count: how many changes each input gets before the next one's turn. Without it
 *   AFL++ doubles its own number with every find, and early on everything is one: in a minute it
 *   gets to 47 inputs of 2,196. With 512, and without its own havoc, it gets to 2,086, finds a
 *   quarter more edges, and planted bugs that it does not find otherwise.
 *
 * What is returned lies in the state until the next call of the same function; functions do not
 * share. There is one state per afl-fuzz, and everything is drawn from its seed.
 */
#include "plan/crossover.h"
#include "plan/mutate.h"
#include "plan/shrink.h"
#include "plan/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MIX_ONE_IN = 5, CHANGES_COUNT = 512, HAVOC_PERCENT = 80, NAME_SIZE = 128 };

struct state {
    struct zap_rng rng;
    uint8_t fuzzed[ZAP_WIRE_MAX];
    uint8_t havocked[ZAP_WIRE_MAX];
    uint8_t processed[ZAP_WIRE_MAX];
    uint8_t trimmed[ZAP_WIRE_MAX];
    struct zap_plan given; /* before zap_mutate with `seed` */
    uint64_t seed;
    bool is_mixed; /* given is a mix already */
    char name[NAME_SIZE];
    struct zap_shrink shrink;
    struct zap_plan candidate;
};

/* afl: the fuzzer's own state, of no use here. */
void *afl_custom_init(void *afl, unsigned int seed);
void afl_custom_deinit(void *data);
size_t afl_custom_fuzz(void *data, uint8_t *buf, size_t buf_size, uint8_t **out_buf,
                       uint8_t *add_buf, size_t add_buf_size, size_t max_size);
size_t afl_custom_havoc_mutation(void *data, uint8_t *buf, size_t buf_size, uint8_t **out_buf,
                                 size_t max_size);
uint8_t afl_custom_havoc_mutation_probability(void *data);
uint32_t afl_custom_fuzz_count(void *data, const uint8_t *buf, size_t buf_size);
const char *afl_custom_describe(void *data, size_t max_description_len);
size_t afl_custom_post_process(void *data, uint8_t *buf, size_t buf_size, uint8_t **out_buf);
int32_t afl_custom_init_trim(void *data, uint8_t *buf, size_t buf_size);
size_t afl_custom_trim(void *data, uint8_t **out_buf);
int32_t afl_custom_post_trim(void *data, uint8_t success);

void *afl_custom_init(void *afl, unsigned int seed)
{
    (void)afl;
    struct state *state = calloc(1, sizeof *state);
    if (state == NULL) {
        fprintf(stderr, "pyzap: afl-mutator: no memory\n");
        exit(2);
    }
    state->rng = zap_rng_init(seed, 0);
    zap_plan_init(&state->given);
    return state;
}

void afl_custom_deinit(void *data)
{
    free(data);
}

static size_t room(size_t max_size)
{
    return max_size < ZAP_WIRE_MAX ? max_size : ZAP_WIRE_MAX;
}

/* add_buf: another input, or NULL. */
size_t afl_custom_fuzz(void *data, uint8_t *buf, size_t buf_size, uint8_t **out_buf,
                       uint8_t *add_buf, size_t add_buf_size, size_t max_size)
{
    struct state *state = data;
    zap_wire_decode(buf, buf_size, &state->given);
    state->is_mixed = add_buf != NULL && zap_rng_below(&state->rng, MIX_ONE_IN) == 0;
    if (state->is_mixed) {
        struct zap_plan other;
        zap_wire_decode(add_buf, add_buf_size, &other);
        zap_crossover(&state->given, &other, &state->rng, &state->given);
    }
    state->seed = zap_rng_next(&state->rng);
    struct zap_rng rng = zap_rng_init(state->seed, 0);
    struct zap_plan plan = state->given;
    zap_mutate(&plan, &rng);
    *out_buf = state->fuzzed;
    return zap_mutate_fit(&plan, state->fuzzed, room(max_size));
}

uint32_t afl_custom_fuzz_count(void *data, const uint8_t *buf, size_t buf_size)
{
    (void)data;
    (void)buf;
    (void)buf_size;
    return CHANGES_COUNT;
}

size_t afl_custom_havoc_mutation(void *data, uint8_t *buf, size_t buf_size, uint8_t **out_buf,
                                 size_t max_size)
{
    struct state *state = data;
    *out_buf = state->havocked;
    return zap_mutate_wire(buf, buf_size, zap_rng_next(&state->rng), state->havocked,
                           room(max_size));
}

uint8_t afl_custom_havoc_mutation_probability(void *data)
{
    (void)data;
    return HAVOC_PERCENT;
}

const char *afl_custom_describe(void *data, size_t max_description_len)
{
    struct state *state = data;
    size_t size = max_description_len + 1;
    struct zap_str name =
        zap_str_init(state->name, size < sizeof state->name ? size : sizeof state->name);
    zap_str_add(&name, state->is_mixed ? "op:crossover+" : "op:");
    zap_mutate_describe(&state->given, state->seed, &name);
    return state->name;
}

size_t afl_custom_post_process(void *data, uint8_t *buf, size_t buf_size, uint8_t **out_buf)
{
    struct state *state = data;
    struct zap_plan plan;
    zap_wire_decode(buf, buf_size, &plan);
    *out_buf = state->processed;
    return zap_wire_encode(&plan, state->processed);
}

/* The number of the step that comes next. */
static int32_t next_step(struct state *state)
{
    bool more = zap_shrink_next(&state->shrink, &state->candidate);
    return more ? (int32_t)state->shrink.tries - 1 : ZAP_SHRINK_TRIES_MAX;
}

int32_t afl_custom_init_trim(void *data, uint8_t *buf, size_t buf_size)
{
    struct state *state = data;
    struct zap_plan plan;
    zap_wire_decode(buf, buf_size, &plan);
    zap_shrink_init(&plan, &state->shrink);
    return next_step(state) == 0 ? ZAP_SHRINK_TRIES_MAX : 0;
}

size_t afl_custom_trim(void *data, uint8_t **out_buf)
{
    struct state *state = data;
    *out_buf = state->trimmed;
    return zap_wire_encode(&state->candidate, state->trimmed);
}

/* success: the coverage was the same. */
int32_t afl_custom_post_trim(void *data, uint8_t success)
{
    struct state *state = data;
    if (success) {
        zap_shrink_accept(&state->shrink);
    } else {
        zap_shrink_reject(&state->shrink);
    }
    return next_step(state);
}
