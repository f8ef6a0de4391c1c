/* The rows of invariant.def, by code. */
#include "oracle/judge.h"

#include "base/check.h"

static const struct zap_invariant_row rows[ZAP_INVARIANT_COUNT] = {
#define ZAP_INVARIANT(id, name, statement, where, promise) {#id, name, statement, where, promise},
#include "oracle/invariant.def"
#undef ZAP_INVARIANT
};

const struct zap_invariant_row *zap_invariant_row(enum zap_invariant_code invariant)
{
    ZAP_CHECK_CMP(invariant, <, ZAP_INVARIANT_COUNT);
    return &rows[invariant];
}
