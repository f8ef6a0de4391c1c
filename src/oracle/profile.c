/* Which rows of feature.def and contrast.def hold for a build: its version is in the row's range,
 * and the build is of the row's sort.
 *
 * A pre-release counts as the release it leads to, because rows know no levels: what changed
 * between two betas of one version shows as a finding on the first of them.
 */
#include "oracle/profile.h"

#include "base/check.h"

/* The builds column. */
enum builds { ANY, GIL, NOGIL, DEBUG };

struct entry {
    struct zap_feature_row row;
    enum builds builds;
};

static const struct entry entries[ZAP_FEATURE_ALL_COUNT] = {
#define ZAP_FEATURE(id, since, until, builds, departs, reference, text)                            \
    {{#id, since, until, departs, reference, text}, builds},
#include "oracle/feature.def"
#include "oracle/contrast.def"
#undef ZAP_FEATURE
};

_Static_assert(ZAP_FEATURE_ALL_COUNT <= 64, "a profile is one uint64_t");

static bool is_of_sort(const struct zap_build *build, enum builds builds)
{
    switch (builds) {
    case ANY:
        return true;
    case GIL:
        return !build->nogil;
    case NOGIL:
        return build->nogil;
    case DEBUG:
        return build->debug;
    }
    return false;
}

zap_profile zap_profile_of(const struct zap_build *build)
{
    zap_profile profile = 0;
    for (unsigned i = 0; i < ZAP_FEATURE_ALL_COUNT; i++) {
        const struct entry *entry = &entries[i];
        if (build->version >= entry->row.since && build->version < entry->row.until &&
            is_of_sort(build, entry->builds)) {
            profile |= UINT64_C(1) << i;
        }
    }
    return profile;
}

const struct zap_feature_row *zap_feature_row(enum zap_feature_code feature)
{
    ZAP_CHECK_CMP(feature, <, ZAP_FEATURE_ALL_COUNT);
    return &entries[feature].row;
}
