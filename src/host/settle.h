/* What becomes of a finding that is filed as it was found: it is made smaller, examined, and filed
 * again; or set apart, where it never happens again. */
#ifndef ZAP_HOST_SETTLE_H
#define ZAP_HOST_SETTLE_H

#include "host/examine.h"
#include "host/finding.h"

struct zap_settle_config {
    const char *dir;
    struct zap_examine_config examine;
};

enum zap_settle_end {
    ZAP_SETTLED,
    ZAP_SETTLED_OLD,        /* the folder of an earlier session shows it already */
    ZAP_SETTLED_FLAKY,      /* it did not happen again, neither smaller nor as it was found */
    ZAP_SETTLE_INTERRUPTED, /* it stays as it is filed */
    ZAP_SETTLE_FAILED,      /* pyzap's own failure: why */
    ZAP_SETTLE_UNWRITTEN,   /* it could not be filed: why */
};

struct zap_settled {
    enum zap_settle_end end;
    bool is_earlier;     /* what an earlier session filed is what there is now */
    char path[PATH_MAX]; /* where it is now */
    unsigned runs, reproduced;
    char why[400]; /* one line */
};

/* Settle a finding. Takes its time; an interrupt ends it.
 *
 * facts      as given to zap_finding_file_first, of which the folder is `path`; trace and
 *            judgement or death are those of the time that it was met
 * was_there  as that said
 */
void zap_settle(const struct zap_settle_config *config, const struct zap_finding_facts *facts,
                const char *path, bool was_there, struct zap_settled *ret_settled);

#endif
