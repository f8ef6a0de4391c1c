/* Plans that are known to crash a range of CPython versions.
 *
 * A crash takes the worker with it, and the same one a hundred times a minute hides others. Each
 * kind here is a feature row with its reference, and is kept in corpus/regress as a plan that
 * `pyzap replay` reports as skipped on the builds that it crashes, and runs on all others.
 */
#ifndef ZAP_ORACLE_KNOWN_H
#define ZAP_ORACLE_KNOWN_H

#include "oracle/profile.h"

/* The feature because of which a build with this profile is known to crash when it runs this plan,
 * or ZAP_FEATURE_COUNT. plan: normal. */
enum zap_feature_code zap_known_crash(const struct zap_plan *plan, zap_profile profile);

#endif
