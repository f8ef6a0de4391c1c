/* Running a plan in a child first, because it may well not survive. */
#ifndef ZAP_PY_TRIAL_H
#define ZAP_PY_TRIAL_H

#include "py/session.h"

/* Does this plan overflow the C stack? A copy of this process runs it and is gone; this one is left
 * as it was, but for the trace in the shared block.
 *
 * plan     normal
 * flags    ZAP_RUN_*
 * Returns  false where it does not, where it dies of anything else, and where there can be no copy
 */
bool zap_trial_overflows(const struct zap_plan *plan, uint32_t flags);

#endif
