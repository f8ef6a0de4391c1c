/* Plans on several builds side by side: who behaves as whom, where behaviour changes from one build
 * to the next, and which classes of such changes there are. */
#ifndef ZAP_HOST_COMPARE_H
#define ZAP_HOST_COMPARE_H

#include "host/player.h"
#include "oracle/difference.h"

enum { ZAP_COMPARE_BUILDS_MAX = 64 };

enum zap_compare_end {
    ZAP_COMPARE_RAN,
    ZAP_COMPARE_LEFT_OUT, /* not run there, or not to the end, for the reason given */
    ZAP_COMPARE_DIED,
    ZAP_COMPARE_FAILED, /* pyzap's own failure */
};

/* One plan on one build. */
struct zap_compare_run {
    const struct zap_builds_row *row;
    enum zap_compare_end end;
    char why[256];                      /* one line; "" for RAN */
    char signature[ZAP_SIGNATURE_SIZE]; /* of DIED, else "" */
    enum zap_verdict verdict;           /* of DIED */
    struct zap_build build;             /* of RAN and DIED */
    struct zap_judgement judgement;     /* of RAN */
    struct zap_trace *view;             /* owned; of RAN, else NULL; as long as its events are */
    size_t group; /* of RAN and DIED: equal behaviour, numbered in order of builds */
};

/* Behaviour changes between two builds that are neighbours in the order of builds. */
struct zap_compare_change {
    size_t older, newer; /* indices into runs */
};

/* One plan on all builds. */
struct zap_compared {
    uint64_t index;
    const struct zap_plan *plan; /* borrowed */
    size_t runs_count, groups_count, changes_count;
    struct zap_compare_run runs[ZAP_COMPARE_BUILDS_MAX];
    /* Each pair of groups once. */
    struct zap_compare_change changes[ZAP_COMPARE_BUILDS_MAX];
};

/* All pointers are borrowed. */
struct zap_compare_config {
    const struct zap_builds_row *const *rows; /* in order of versions */
    size_t rows_count;                        /* 1 to ZAP_COMPARE_BUILDS_MAX */
    struct zap_worker_config worker;          /* without path */
    uint32_t flags;                           /* ZAP_RUN_* */
    const volatile sig_atomic_t *interrupted; /* not 0: end soon; NULL: nobody interrupts */
    uint64_t plans_count;
    size_t jobs; /* builds at work at one time; 0: all */
    /* Plan number i, from 0 on; asked for once each, in order. ret_plan: normal. */
    void (*plan)(void *context, uint64_t i, struct zap_plan *ret_plan);
    /* What became of it; in order, whatever the number of jobs. */
    void (*take)(void *context, const struct zap_compared *compared);
    void *context;
};

/* Run all plans on all builds. Returns how many were compared: fewer only after an interrupt. */
uint64_t zap_compare_run(const struct zap_compare_config *config);

/* A class of changes: explained by the same features, and begun by the same kinds of events. */
struct zap_compare_class {
    zap_profile features;
    bool is_unexplained;                    /* something of it is */
    uint8_t kinds[2];                       /* of the first events that differ; 0: none there */
    char signatures[2][ZAP_SIGNATURE_SIZE]; /* one of the two, or both, dies that way */
};

/* ret_difference: scratch, and what was found, where both ran. */
void zap_compare_classify(const struct zap_plan *plan, const struct zap_compare_run *older,
                          const struct zap_compare_run *newer,
                          struct zap_difference *ret_difference,
                          struct zap_compare_class *ret_class);

bool zap_compare_is_same_class(const struct zap_compare_class *a,
                               const struct zap_compare_class *b);

/* Make a plan smaller while it shows the same class of change between two builds.
 *
 * plan  in: normal, and of that class; out: the smallest found
 */
void zap_compare_shrink(const struct zap_compare_config *config, const struct zap_builds_row *older,
                        const struct zap_builds_row *newer, const struct zap_compare_class *goal,
                        struct zap_plan *plan);

#endif
