/* How the objects of a plan end, in words that are short enough for the plan's own header. */
#ifndef ZAP_ORACLE_ENDS_H
#define ZAP_ORACLE_ENDS_H

#include "oracle/trace.h"
#include "plan/text.h"

/* Four lists of words with a space between them; each may be empty. An object is called by the
 * first global that holds it ("_b"; "m1._b" where there are several modules), else by its label or
 * number
 * ("o3"); what a script made is new1, new2, ... */
struct zap_ends {
    /* In order: NAME a __del__ begins, a C node is deallocated, or a suspended generator is closed;
     * NAME() a callback of a weak reference runs; NAME! an error comes out of a __del__ (! alone:
     * out of something else). A bar stands before what happens in a later part of the route:
     * another call that wipes, the collection after the drop. Where an interpreter ends, that is
     * each phase, whose name the bar has ("emptied|"), and then each wipe and collection in it. */
    struct zap_str dies;
    struct zap_str lives; /* nodes and C nodes whose memory is not given back by the end: of
                           * an interpreter, what is held outside or leaks */
    struct zap_str sees;  /* what scripts find: NAME, NAME=None, NAME=missing; an import or a call
                           * that works, and one that does not: call-builtin, call-builtin=failed */
    struct zap_str untraced; /* nodes that died of their refcount without the reference tracer
                              * having been told; nobody where the build has no such tracer */
    /* Two or more of them were ended by the collector of a free-threaded build, which takes them as
     * they lie in memory: the order of dies, sees and untraced may be another one next time. */
    bool is_unordered;
};

/* Append to them what a trace says.
 *
 * plan    normal; the trace is of that plan
 * labels  NULL: the plan has none
 * Same    for the same plan, labels and trace: no address or count is looked at
 */
void zap_ends_describe(const struct zap_plan *plan, const struct zap_text_labels *labels,
                       const struct zap_trace *trace, struct zap_ends *ends);

#endif
