/* The rows of verdict.def, by code. */
#include "base/check.h"
#include "oracle/judge.h"

static const struct zap_verdict_row rows[ZAP_VERDICT_COUNT] = {
#define ZAP_VERDICT(code, id, is_finding, text) [code] = {#id, is_finding, text},
#include "oracle/verdict.def"
#undef ZAP_VERDICT
};

const struct zap_verdict_row *zap_verdict_row(enum zap_verdict verdict)
{
    ZAP_CHECK_CMP(verdict, <, ZAP_VERDICT_COUNT);
    return &rows[verdict];
}
