/* Deliberate deaths: see enum zap_canary. */
#ifndef ZAP_PY_CANARY_H
#define ZAP_PY_CANARY_H

#include "py/session.h"

/* Misbehave. Returns only for ZAP_CANARY_BROKEN, with a trace of a plan that breaks an invariant.
 */
void zap_canary_sing(enum zap_canary canary, struct zap_judgement *ret_judgement);

#endif
