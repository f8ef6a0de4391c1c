/* Putting objects where the collector does not look. */
#ifndef ZAP_PY_FREEZE_H
#define ZAP_PY_FREEZE_H

#include "py/session.h"

/* Every object that the collector knows now is ignored by all collections to come. To be called
 * right after a full collection. GIL held; what goes wrong is cleared: then collections are slower,
 * no more.
 *
 * CPython Modules/gcmodule.c:gc_freeze_impl (3.7 on)
 */
void zap_freeze(void);

#endif
