/* Invariants over (plan, trace). */
#ifndef ZAP_ORACLE_JUDGE_H
#define ZAP_ORACLE_JUDGE_H

#include "oracle/profile.h"

enum zap_verdict {
#define ZAP_VERDICT(code, id, is_finding, text) ZAP_##id = code,
#include "oracle/verdict.def"
#undef ZAP_VERDICT
    ZAP_VERDICT_COUNT,
};

struct zap_verdict_row {
    const char *name;
    bool is_finding;
    const char *text;
};
const struct zap_verdict_row *zap_verdict_row(enum zap_verdict verdict);

enum zap_invariant_code {
#define ZAP_INVARIANT(id, name, statement, where, promise) ZAP_INVARIANT_##id,
#include "oracle/invariant.def"
#undef ZAP_INVARIANT
    ZAP_INVARIANT_COUNT,
};

struct zap_invariant_row {
    const char *id;        /* "I1" */
    const char *name;      /* "wipe-two-pass" */
    const char *statement; /* one sentence */
    const char *where;     /* versions and paths, in words */
    const char *promise;   /* documentation, PEP, source comment, or "observed only" */
};
const struct zap_invariant_row *zap_invariant_row(enum zap_invariant_code invariant);

/* What one run says about every invariant. */
struct zap_judgement {
    uint8_t verdicts[ZAP_INVARIANT_COUNT]; /* enum zap_verdict: VOID, HELD, BROKEN or SKIPPED */
    uint32_t at[ZAP_INVARIANT_COUNT];      /* BROKEN: the event that breaks it */
    uint32_t checks[ZAP_INVARIANT_COUNT];  /* how many single comparisons were made */
    /* How often each departure from the documentation showed; 1 for what a plan was skipped for. */
    uint32_t shows[ZAP_FEATURE_COUNT];
    bool any_broken;
    bool is_harness;     /* the trace itself is impossible or cut: our fault */
    const char *harness; /* why, a constant string; NULL unless is_harness */
};

/* Judge a run.
 *
 * plan, trace    borrowed; the trace is of that plan
 * ret_judgement  all of it is set
 * Same           for the same plan and trace, on every machine
 */
void zap_judge(const struct zap_plan *plan, const struct zap_trace *trace,
               struct zap_judgement *ret_judgement);

/* Append a finding in words: what was promised, by whom, what happened instead, at which event. */
void zap_judge_explain(const struct zap_plan *plan, const struct zap_trace *trace,
                       const struct zap_judgement *judgement, struct zap_str *out);

/* May another interpreter follow in the same process, and is held to what the first one did? Not
 * where it would meet what a class of the first has left in the method cache (STALE_TYPE_CACHE):
 * that is freed memory. Nor without a GIL, where addresses make the order. */
bool zap_judge_is_repeatable(const struct zap_trace *first);

/* Judge I29 by the trace of a second run of the same plan, in an interpreter after the first one;
 * of a first run that is not repeatable nothing is said.
 *
 * judgement  of the first run, as zap_judge has made it
 */
void zap_judge_again(const struct zap_trace *first, const struct zap_trace *second,
                     struct zap_judgement *judgement);

#endif
