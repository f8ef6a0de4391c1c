/* What the fuzz targets share: the way to the engine and what happens to a verdict.
 *
 * A target is LLVMFuzzerTestOneInput in a file of its own; the engine that calls it is chosen by
 * the linker (cmake/Fuzz.cmake), and nothing here knows which it is.
 *
 * Environment
 * - PYZAP_FUZZ_SEEN=FILE: the campaign's file of what was found already (seen.h); without it every
 *   finding traps
 * - PYZAP_FUZZ_FEEDBACK=off: to measure what transitions are worth, they are not told to the
 * engine, but for one counter that always moves
 * - PYZAP_PLANT=BUG: in targets with planted bugs (src/py/plant.def)
 */
#ifndef ZAP_FUZZ_FUZZ_H
#define ZAP_FUZZ_FUZZ_H

#include "oracle/judge.h"

/* Declared here because no engine has a header that does. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* Start CPython and the way to the engine. Ends the process with status 70 and one line on stderr
 * where CPython does not start, or where a trial plan moves no counter that it should: a fuzzer
 * that is told nothing runs for weeks and finds nothing. Returns 0. */
int zap_fuzz_start(bool has_edges);

/* The plan that bytes mean, for a target of plans that end an interpreter, or of those that do not:
 * one of the other sort has the nearest route of this one. ret_plan: normal. */
void zap_fuzz_plan(const uint8_t *bytes, size_t len, bool ends, struct zap_plan *ret_plan);

/* Run a plan, tell the engine what it did, and trap with the reason on stderr where it broke a
 * promise; abort where pyzap itself failed.
 *
 * plan     normal
 * Returns  the trace: borrowed, until the next run
 */
const struct zap_trace *zap_fuzz_run(const struct zap_plan *plan);

/* Run it once more, and trap where that does anything else. Not on a free-threaded build, whose
 * collector takes garbage in the order of addresses, which no run repeats; and not a plan that
 * binds
 * __builtins__ itself: when that object has died, another may have its address, and then a trace
 * says that it is still the same.
 *
 * first  what zap_fuzz_run returned for this plan
 */
void zap_fuzz_run_again(const struct zap_plan *plan, const struct zap_trace *first);

/* True for one input in `every` (a power of two), by its bytes alone. */
bool zap_fuzz_is_sample(const uint8_t *bytes, size_t len, uint32_t every);

#endif
