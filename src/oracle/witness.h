/* The independent witness: what an ordinary interpreter tells of a plan, held against a worker's
 * trace.
 *
 * The interpreter runs the plan's stand-alone script with -vv, unbuffered, stdout and stderr into
 * one pipe. So its own narration (oracle/narration.h) and the script's lines come in the order in
 * which things happened. From a trace follows what must be told, in which order; nothing else may
 * be.
 */
#ifndef ZAP_ORACLE_WITNESS_H
#define ZAP_ORACLE_WITNESS_H

#include "base/str.h"
#include "oracle/trace.h"

enum zap_witness_end {
    ZAP_WITNESS_AGREES,
    ZAP_WITNESS_DISAGREES,
    ZAP_WITNESS_NOT_SHOWN, /* it can say nothing about this plan, or not on this build */
};

struct zap_witness {
    enum zap_witness_end end;
    uint32_t lines;    /* how many were compared, and agree */
    uint32_t narrated; /* those of them that CPython itself tells */
    uint32_t ordered;  /* lines of the interpreter's end whose order was checked (I16) */
};

/* Is a plan one that no witness can show, whatever it tells? NULL: it can be shown. Otherwise why
 * not, in words. */
const char *zap_witness_cannot_show(const struct zap_plan *plan, const struct zap_build *build);

/* Hold what was told against a trace.
 *
 * plan   normal
 * trace  a worker's, of the same build, made from source (ZAP_RUN_FROM_SOURCE)
 * told   borrowed; all that the interpreter printed, as a string, NUL bytes replaced
 * why    unless they agree: what was told and what should have been, or why nothing can be said, is
 *        appended, as one line or a few
 */
void zap_witness_compare(const struct zap_plan *plan, const struct zap_trace *trace,
                         const char *told, struct zap_str *why, struct zap_witness *ret_witness);

#endif
