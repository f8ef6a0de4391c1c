/* Plans as bytes: for fuzzers, for the pipe to a worker, for archives. wire.c describes the
 * format. */
#ifndef ZAP_PLAN_WIRE_H
#define ZAP_PLAN_WIRE_H

#include "plan/plan.h"

/* No normal plan needs more bytes than this. */
enum {
    ZAP_WIRE_MAX = 1 + ZAP_MODULES_MAX * (2 + ZAP_GLOBALS_MAX * 4) + ZAP_OBJECTS_MAX * 4 +
                   ZAP_LINKS_MAX * 3 + ZAP_ACTS_MAX * 5 + ZAP_PARKS_MAX * 4 +
                   ((int)ZAP_SETTING_END - 1) * 2 + ZAP_MODULES_MAX * 2
};

/* The plan that these bytes mean. Total: every byte string means one; a byte that is no code is a
 * no-op and a record cut short at the end is ignored.
 *
 * bytes     borrowed; len may be 0, and may be far more than ZAP_WIRE_MAX: what is over a limit
 *           is ignored
 * ret_plan  normal
 */
void zap_wire_decode(const uint8_t *bytes, size_t len, struct zap_plan *ret_plan);

/* The canonical bytes of a normal plan: decode(encode(p)) is p.
 *
 * Returns how many bytes were written, at most ZAP_WIRE_MAX.
 */
size_t zap_wire_encode(const struct zap_plan *plan, uint8_t ret_bytes[ZAP_WIRE_MAX]);

#endif
