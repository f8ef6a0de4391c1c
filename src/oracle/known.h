/* Plans that are known to crash a range of CPython versions.
 *
 * A crash takes the worker with it, and the same one a hundred times a minute hides others. Each
 * kind here is a feature row with its reference, and is kept in corpus/regress as plans that expect
 * the crash. Workers skip such plans, unless they are told to run them (ZAP_RUN_KNOWN), as `pyzap
 * replay` does with those that say what to expect.
 */
#ifndef ZAP_ORACLE_KNOWN_H
#define ZAP_ORACLE_KNOWN_H

#include "oracle/profile.h"

/* The feature because of which a build with this profile is known to crash when it runs this plan,
 * or ZAP_FEATURE_COUNT. plan: normal. */
enum zap_feature_code zap_known_crash(const struct zap_plan *plan, zap_profile profile);

#endif
