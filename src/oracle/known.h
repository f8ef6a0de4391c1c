/* Plans that may be known to crash a range of CPython versions.
 *
 * A crash takes the worker with it, and the same one a hundred times a minute hides others; so does
 * what never ends. Each kind is a feature row with its reference, and is kept in corpus/regress as
 * plans that expect it. Workers skip such plans, unless they are told to run them (ZAP_RUN_KNOWN),
 * as `pyzap replay` does with those that say what to expect.
 *
 * Which plans those are is found out by running them, as exactly as that: a stack overflow by a
 * copy of the worker, in which the plans named here are tried (py/trial.h); anything else by the
 * worker itself, in the moment before it happens (py/run.h:zap_run_avoids).
 */
#ifndef ZAP_ORACLE_KNOWN_H
#define ZAP_ORACLE_KNOWN_H

#include "oracle/profile.h"

/* The feature because of which a build with this profile may overflow its stack when it runs this
 * plan, or ZAP_FEATURE_COUNT, where that is out of the question. plan: normal. */
enum zap_feature_code zap_known_suspect(const struct zap_plan *plan, zap_profile profile);

#endif
