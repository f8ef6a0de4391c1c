/* A judgement in words, for the file beside a finding and for `pyzap show`. */
#include "oracle/judge.h"

#include <inttypes.h>

enum { EVENTS_AROUND = 6 };

static void explain_broken(const struct zap_trace *trace, const struct zap_judgement *judgement,
                           enum zap_invariant_code invariant, struct zap_str *out)
{
    const struct zap_invariant_row *row = zap_invariant_row(invariant);
    uint32_t at = judgement->at[invariant];
    zap_str_printf(out, "%s %s is broken.\n", row->id, row->name);
    zap_str_printf(out, "  statement  %s\n", row->statement);
    zap_str_printf(out, "  holds      %s\n", row->where);
    zap_str_printf(out, "  promised   %s\n", row->promise);
    zap_str_printf(out, "  broken at  event %" PRIu32 " of %" PRIu32 ":\n", at,
                   trace->events_count);
    uint32_t from = at > EVENTS_AROUND ? at - EVENTS_AROUND : 0;
    for (uint32_t i = from; i <= at && i < trace->events_count; i++) {
        zap_str_printf(out, "%s %5" PRIu32 "  ", i == at ? "  >>" : "    ", i);
        zap_trace_print_event(trace, i, out);
        zap_str_add(out, "\n");
    }
    zap_str_add(out, "\n");
}

void zap_judge_explain(const struct zap_plan *plan, const struct zap_trace *trace,
                       const struct zap_judgement *judgement, struct zap_str *out)
{
    if (judgement->is_harness) {
        zap_str_printf(out, "pyzap itself failed: %s. This says nothing about CPython.\n",
                       judgement->harness);
        return;
    }
    unsigned counts[ZAP_VERDICT_COUNT] = {0};
    uint64_t checks = 0;
    for (unsigned i = 0; i < ZAP_INVARIANT_COUNT; i++) {
        counts[judgement->verdicts[i]]++;
        checks += judgement->checks[i];
    }
    zap_str_printf(
        out,
        "route %s on CPython %s: %" PRIu64 " checks; of %u invariants %u held, %u are broken, "
        "%u say nothing about this run, %u cannot be seen on this build.\n\n",
        zap_route_row(plan->route)->token, trace->build.name, checks, (unsigned)ZAP_INVARIANT_COUNT,
        counts[ZAP_HELD], counts[ZAP_BROKEN], counts[ZAP_VOID], counts[ZAP_SKIPPED]);
    for (unsigned i = 0; i < ZAP_INVARIANT_COUNT; i++)
        if (judgement->verdicts[i] == ZAP_BROKEN)
            explain_broken(trace, judgement, (enum zap_invariant_code)i, out);
    for (unsigned f = 0; f < ZAP_FEATURE_COUNT; f++) {
        if (judgement->shows[f] == 0)
            continue;
        const struct zap_feature_row *row = zap_feature_row((enum zap_feature_code)f);
        zap_str_printf(out, "By design, and against the documentation: %s.\n  see        %s\n",
                       row->text, row->reference);
    }
}
