/* For tools/bench: whatever an engine asks for is a plan of ZAP_SHAPE_BENCH, drawn by the engine's
 * own seed. So its loop, its feedback and its bookkeeping are at work as always, and every run
 * costs what one round of the bare loop costs CPython. One file for both engines: libFuzzer's hook,
 * and AFL++'s module when it is linked as one.
 *
 * PYZAP_BENCH_ROUTE=R in the environment: the plans' route; default drop. */
#include "plan/gen.h"
#include "plan/wire.h"

#include <stdlib.h>
#include <string.h>

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);
void *afl_custom_init(void *afl, unsigned int seed);
size_t afl_custom_fuzz(void *state, uint8_t *bytes, size_t len, uint8_t **ret_bytes, uint8_t *add,
                       size_t add_len, size_t max_len);
void afl_custom_deinit(void *state);

static unsigned route(void)
{
    const char *text = getenv("PYZAP_BENCH_ROUTE");
    const struct zap_route_row *row = text == NULL ? NULL : zap_route_find(text, strlen(text));
    return row == NULL ? ZAP_ROUTE_DROP : row->code;
}

static size_t draw(uint64_t index, uint8_t *ret_bytes, size_t size)
{
    uint8_t wire[ZAP_WIRE_MAX];
    struct zap_plan plan;
    struct zap_gen_config config = {
        .seed = 1, .shape = ZAP_SHAPE_BENCH, .routes = UINT32_C(1) << route()};
    zap_gen_plan(&config, index, &plan);
    size_t len = zap_wire_encode(&plan, wire);
    len = len < size ? len : size;
    memcpy(ret_bytes, wire, len);
    return len;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    (void)size;
    return draw(seed, data, max_size);
}

static uint64_t afl_index;

void *afl_custom_init(void *afl, unsigned int seed)
{
    (void)afl;
    afl_index = seed;
    return &afl_index;
}

size_t afl_custom_fuzz(void *state, uint8_t *bytes, size_t len, uint8_t **ret_bytes, uint8_t *add,
                       size_t add_len, size_t max_len)
{
    static uint8_t wire[ZAP_WIRE_MAX];
    (void)state, (void)bytes, (void)len, (void)add, (void)add_len;
    *ret_bytes = wire;
    return draw(afl_index++, wire, max_len < sizeof wire ? max_len : sizeof wire);
}

void afl_custom_deinit(void *state)
{
    (void)state;
}
