/* Known findings, for sessions: what is known of a build is counted apart and never told as new.
 *
 * What is known stands in plans whose header expects a finding (host/expect.h). Before a session
 * each of them is run once on the very build that is tested, so that the signature to look for is
 * the one that this build gives, and so that it is seen when a known finding no longer happens.
 */
#ifndef ZAP_HOST_KNOWNS_H
#define ZAP_HOST_KNOWNS_H

#include "host/builds.h"
#include "host/input.h"

/* The plans. Zeroed: nothing is known. */
struct zap_knowns {
    struct zap_inputs inputs; /* owned; those that expect a finding somewhere */
};

/* One of them on one build. */
struct zap_known {
    const struct zap_input *input;      /* borrowed */
    const struct zap_expect_row *row;   /* borrowed; the line that is for the build; row->known says
                                         * where it is reported */
    enum zap_expect_change change;      /* KNOWN: it happens; GONE: no longer, which is news;
                                         * SAME: not this time, which the line allows; CHANGED:
                                         * something else does; FAILED: pyzap could not tell */
    enum zap_verdict verdict;           /* what it came to; a finding where change is KNOWN */
    char signature[ZAP_SIGNATURE_SIZE]; /* of that */
    char reason[256];                   /* one line; "" for none */
};

/* All that are for one build. Zeroed: none is. */
struct zap_knowns_of {
    struct zap_known *items; /* owned */
    size_t count;
};

/* Read the plans.
 *
 * folder      of plans; NULL: `regress` beside the workers, where there is one
 * ret_knowns  release it; untouched on failure
 * ret_why     on failure: one line
 * Returns     ZAP_OK, or ZAP_E_SYNTAX where something in the folder is no plan, or no folder is
 * there
 */
enum zap_status zap_knowns_load(const char *folder, const struct zap_builds *builds,
                                struct zap_knowns *ret_knowns, struct zap_str *ret_why);

void zap_knowns_release(struct zap_knowns *knowns);

/* Run each plan that expects a finding of this build once, known or not to oracle/known.h.
 *
 * knowns   borrowed, as long as *ret_of
 * build    from a hello of that row
 * worker   without path
 * ret_of   zap_knowns_forget
 */
void zap_knowns_learn(const struct zap_knowns *knowns, const struct zap_builds_row *row,
                      const struct zap_build *build, const struct zap_worker_config *worker,
                      struct zap_knowns_of *ret_of);

void zap_knowns_forget(struct zap_knowns_of *of);

/* Is a finding on that build a known one? A death is, where verdict and signature are the same. A
 * signature that says nothing but how a process ends (SIGSEGV, timeout, memory), and one of a
 * broken invariant, do not tell one cause from another: there the plan has to be the same as well.
 *
 * signature  as in struct zap_known; of BROKEN: the id of the first invariant that is
 * plan       normal, made as small as can be; NULL where that is still to be done, which matches
 *            only what the signature alone tells
 * Returns    the one that it is, or NULL
 */
const struct zap_known *zap_knowns_match(const struct zap_knowns_of *of, enum zap_verdict verdict,
                                         const char *signature, const struct zap_plan *plan);

/* The same for a finding that is filed and was made small: with the min.plan of its folder. */
const struct zap_known *zap_knowns_match_filed(const struct zap_knowns_of *of,
                                               enum zap_verdict verdict, const char *signature,
                                               const char *folder);

#endif
