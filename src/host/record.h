/* Outcomes written into plans as what is expected of them: for `pyzap replay --update`. */
#ifndef ZAP_HOST_RECORD_H
#define ZAP_HOST_RECORD_H

#include "host/replay.h"

struct zap_record_config {
    struct zap_replay_config replay; /* what to run; take is not called */
    const struct zap_builds *builds; /* all there are: expectations of those that do not run stay */
    const char *reason;              /* for every new outcome */
    const char *reference;           /* for every finding that has none yet; may be NULL */
};

/* What became of one plan. */
struct zap_record {
    bool is_written;
    int status;     /* ZAP_EXIT_OK, or why it was not recorded: see session.h for the numbers */
    char why[1024]; /* one line, where it was not */
};

/* Run all plans twice on the builds, and rewrite the expectation lines of those text plans whose
 * outcome is not what is expected, or of which nothing is expected. Nothing is recorded of a plan
 * that fails, that does not do the same twice, that is not in a text file of its own, whose new
 * finding has no reference, or whose line is also for a build that did not run.
 *
 * Returns  one for each input, in order; owned by the caller (free)
 */
struct zap_record *zap_record_run(const struct zap_record_config *config);

/* One build's say, for the lines of a plan. */
struct zap_record_case {
    uint32_t version;
    unsigned kind;                        /* bits ZAP_EXPECT_* */
    const struct zap_expect_row *expects; /* as the file has it, or NULL */
    const struct zap_expect_found *found; /* NULL: it did not run */
};

/* Append the expectation lines that say what the cases found, and leave alone what they say nothing
 * about. A line goes from the first to the last version that agree, over those between that nobody
 * has seen; the newest stays open; where versions differ, the line ends with the series, or with
 * the version where both are of one series.
 *
 * old        the file's
 * reference  may be NULL where no case is a finding without one
 */
void zap_record_print(const struct zap_expect *old, const struct zap_record_case *cases,
                      size_t count, const char *reason, const char *reference, struct zap_str *out);

#endif
