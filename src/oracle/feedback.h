/* What a coverage-guided fuzzer learns from a trace, where the interpreter itself tells it nothing.
 */
#ifndef ZAP_ORACLE_FEEDBACK_H
#define ZAP_ORACLE_FEEDBACK_H

#include "oracle/trace.h"

/* A power of two. Engines look at every counter after every run, so few are fast; a third of these
 * are ever used (feedback.c). */
enum { ZAP_FEEDBACK_COUNTERS = 1 << 14 };

/* Set the counters of what happened in a run: events, kinds of name, states of the namespace, after
 * what had happened before, and how deep inside finalizers. A behaviour that no run before had is a
 * counter that was 0.
 *
 * trace     borrowed
 * counters  set to 1; the others are left alone
 * Returns   how many events were counted
 * Same      for the same trace, on every machine and for every build
 */
uint32_t zap_feedback_count(const struct zap_trace *trace, uint8_t counters[ZAP_FEEDBACK_COUNTERS]);

#endif
