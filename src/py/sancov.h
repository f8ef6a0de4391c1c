/* Edge counters of code that is compiled with -fsanitize=fuzzer-no-link, where no engine takes
 * them. */
#ifndef ZAP_PY_SANCOV_H
#define ZAP_PY_SANCOV_H

#include <stddef.h>
#include <stdint.h>

enum { ZAP_SANCOV_RANGES_MAX = 64 };

/* One byte for each edge of one executable or shared library: counts of how often it was taken,
 * modulo 256.
 */
struct zap_sancov_range {
    uint8_t *start;
    uint8_t *stop;
};

/* The counters that are in this process. They were announced by constructors before main; a shared
 * library that is loaded later announces its own then.
 *
 * ret_ranges  the first max of them, not empty, none twice; borrowed for as long as their code is
 * loaded Returns     how many there are, up to ZAP_SANCOV_RANGES_MAX; 0 where nothing is
 * instrumented, and where an engine (libFuzzer) took them instead.
 */
size_t zap_sancov_ranges(struct zap_sancov_range *ret_ranges, size_t max);

#endif
