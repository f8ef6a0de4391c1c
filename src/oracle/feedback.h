/* What a coverage-guided fuzzer learns from a trace, where the interpreter itself tells it nothing.
 */
#ifndef ZAP_ORACLE_FEEDBACK_H
#define ZAP_ORACLE_FEEDBACK_H

#include "oracle/trace.h"

/* A power of two: engines look at every counter after every run, so few are fast; feedback.c says
 * how full they get. */
enum { ZAP_FEEDBACK_COUNTERS = 1 << 15 };

/* Count the transitions of a run: what happened (the event, the kind of name, the state of the
 * namespace, how deep inside finalizers) after what had happened. A transition that no run before
 * had is a counter that was 0.
 *
 * trace     borrowed
 * counters  saturate at 255; those that other transitions of the same run share add up
 * Returns   how many transitions were counted
 * Same      for the same trace, on every machine and for every build
 */
uint32_t zap_feedback_count(const struct zap_trace *trace, uint8_t counters[ZAP_FEEDBACK_COUNTERS]);

#endif
