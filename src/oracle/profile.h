/* Which features (feature.def) hold for a build. */
#ifndef ZAP_ORACLE_PROFILE_H
#define ZAP_ORACLE_PROFILE_H

#include "oracle/trace.h"

enum zap_feature_code {
#define ZAP_FEATURE(id, since, until, builds, departs, reference, text) ZAP_FEATURE_##id,
#include "oracle/feature.def"
    ZAP_FEATURE_COUNT, /* of those that judges ask for */
    ZAP_FEATURE_LAST = ZAP_FEATURE_COUNT - 1,
#include "oracle/contrast.def"
#undef ZAP_FEATURE
    ZAP_FEATURE_ALL_COUNT, /* with those that only comparisons ask for */
};

/* Bit per enum zap_feature_code. */
typedef uint64_t zap_profile;

zap_profile zap_profile_of(const struct zap_build *build);

static inline bool zap_profile_has(zap_profile profile, enum zap_feature_code feature)
{
    return (profile >> feature) & 1;
}

struct zap_feature_row {
    const char *id;
    uint32_t since, until; /* as struct zap_build.version; until is exclusive */
    bool departs;          /* CPython does by design what its documentation says it does not */
    const char *reference;
    const char *text;
};
const struct zap_feature_row *zap_feature_row(enum zap_feature_code feature);

#endif
