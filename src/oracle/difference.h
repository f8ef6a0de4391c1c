/* What two builds did differently with one plan, and which rows of feature.def account for it.
 *
 * Traces of different builds are compared as views: what all builds of a comparison can see, and of
 * each event what does not differ by construction. Views are aligned by their longest common
 * subsequence of events; what is left over is the difference. Each event of it is explained by a
 * feature that one of the builds has and the other has not, where a row of difference.def says that
 * the feature bears on such an event at such a place, or because it follows from one that is
 * (see difference.c). What is not explained that way is told as unexplained, never passed over.
 */
#ifndef ZAP_ORACLE_DIFFERENCE_H
#define ZAP_ORACLE_DIFFERENCE_H

#include "oracle/profile.h"

/* Make a trace a view, in place.
 *
 * observers  ZAP_SEES_* that all builds of the comparison have
 */
void zap_difference_view(const struct zap_plan *plan, uint32_t observers, struct zap_trace *trace);

bool zap_difference_is_same(const struct zap_trace *a, const struct zap_trace *b);

enum { ZAP_DIFFERENCE_SIDES = 2, ZAP_DIFFERENCE_WINDOW = 384 };

/* One event of a view that has no partner in the other view. */
struct zap_difference_mark {
    bool is_different;
    bool is_direct;   /* a row of difference.def says so; else it follows from another one */
    uint8_t feature;  /* that explains it; ZAP_FEATURE_ALL_COUNT: none */
    uint16_t partner; /* in the other view, where !is_different */
};

/* Big: keep it on the heap. Read by everybody, written by difference.c. */
struct zap_difference {
    const struct zap_trace *sides[ZAP_DIFFERENCE_SIDES]; /* borrowed, views */
    struct zap_difference_mark marks[ZAP_DIFFERENCE_SIDES][ZAP_EVENTS_MAX];
    uint32_t different[ZAP_DIFFERENCE_SIDES]; /* how many events */
    uint32_t unexplained;                     /* of both sides */
    zap_profile features;                     /* that explain the others */
    /* The first events that differ, of an unexplained one where there are such: their kinds; 0:
     * this side has none there. */
    uint8_t first_kinds[ZAP_DIFFERENCE_SIDES];
    uint16_t table[ZAP_DIFFERENCE_WINDOW + 1][ZAP_DIFFERENCE_WINDOW + 1]; /* scratch */
};

/* Compare two views of one plan.
 *
 * plan            normal
 * older, newer    borrowed for the life of the difference; views for the same observers
 * ret_difference  all of it is set
 * Same            for the same plan and views, on every machine
 */
void zap_difference_find(const struct zap_plan *plan, const struct zap_trace *older,
                         const struct zap_trace *newer, struct zap_difference *ret_difference);

/* The text of a feature's row in difference.def: on which events it bears. NULL: on none. */
const char *zap_difference_why(enum zap_feature_code feature);

#endif
