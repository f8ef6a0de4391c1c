/* Expectations: what a plan's header says that it does, by version of CPython.
 *
 * They are comment lines among those right after `pyzap plan 1`, so that a text plan stays one
 * thing that people read and machines check; expect.c describes the grammar:
 *
 *   # expect 2.7..3.7, 3.13..  HELD dies a _b
 *   # expect 3.8..3.12         CRASHED SIGSEGV known Objects/moduleobject.c:module_getattro
 *   #                          because the C stack overflows
 */
#ifndef ZAP_HOST_EXPECT_H
#define ZAP_HOST_EXPECT_H

#include "base/status.h"
#include "host/player.h"
#include "plan/text.h"

enum { ZAP_EXPECT_VERDICTS_MAX = 4 };

/* For which builds a line or a part of it is; the more bits, the more it counts, and t more than d.
 */
enum { ZAP_EXPECT_DEBUG = 1, ZAP_EXPECT_NOGIL = 2, ZAP_EXPECT_KINDS = 4 };

struct zap_expect_range {
    uint32_t from, to; /* versions as in struct zap_build, both inclusive */
    uint8_t kind;      /* bits ZAP_EXPECT_*; 0: for all builds */
};

struct zap_expect_verdict {
    enum zap_verdict verdict;           /* not HARNESS */
    uint64_t broken;                    /* BROKEN: bit per invariant */
    char signature[ZAP_SIGNATURE_SIZE]; /* of a death: how it begins; else "" */
};

/* One line. The lists of words are as ends.h has them, NULL where the line does not say. */
struct zap_expect_row {
    unsigned line; /* in the file, from 1 */
    struct zap_expect_range *ranges;
    size_t ranges_count;
    struct zap_expect_verdict verdicts[ZAP_EXPECT_VERDICTS_MAX];
    size_t verdicts_count;
    char *dies, *lives, *sees, *untraced;
    char *known;   /* a link or FILE:FUNCTION, or NULL */
    char *because; /* or NULL */
};

/* Zeroed: nothing is expected. */
struct zap_expect {
    struct zap_expect_row *rows; /* owned */
    size_t rows_count;
};

/* What became of a plan on a build, in the same terms. */
struct zap_expect_found {
    enum zap_verdict verdict;
    bool is_unrun;   /* SKIPPED because the build can not run it: nothing was seen */
    uint64_t broken; /* BROKEN: bit per invariant */
    char signature[ZAP_SIGNATURE_SIZE];
    bool has_ends;                        /* the run came to its end */
    char *dies, *lives, *sees, *untraced; /* owned; NULL for nothing */
    bool is_unordered;                    /* as in ends.h: their order does not count */
};

/* Expectation and outcome held against each other. */
enum zap_expect_change {
    ZAP_EXPECT_SAME,    /* as expected, and no finding */
    ZAP_EXPECT_KNOWN,   /* as expected: a known finding */
    ZAP_EXPECT_UNRUN,   /* the build can not run it */
    ZAP_EXPECT_NONE,    /* nothing is expected, and nothing found */
    ZAP_EXPECT_NEW,     /* nothing is expected: a finding */
    ZAP_EXPECT_CHANGED, /* not as expected */
    ZAP_EXPECT_GONE,    /* a known finding no longer happens */
    ZAP_EXPECT_FAILED,  /* HARNESS: nothing is known */
};

/* The expectations in a plan's header.
 *
 * text        borrowed; a text plan
 * ret_expect  zap_expect_release; untouched on failure
 * ret_error   set on failure only
 * Returns     ZAP_OK, or ZAP_E_SYNTAX where a line that begins with `# expect` is none
 */
enum zap_status zap_expect_parse(const char *text, size_t len, struct zap_expect *ret_expect,
                                 struct zap_text_error *ret_error);

void zap_expect_release(struct zap_expect *expect);
void zap_expect_release_row(struct zap_expect_row *row);

/* The line that is for a build, or NULL. */
const struct zap_expect_row *zap_expect_find(const struct zap_expect *expect, uint32_t version,
                                             unsigned kind);

/* What became of a plan, in the terms of a line.
 *
 * plan       the one that was played; labels as in ends.h
 * ret_found  all of it is set; zap_expect_release_found
 */
void zap_expect_take(const struct zap_plan *plan, const struct zap_text_labels *labels,
                     const struct zap_outcome *outcome, struct zap_expect_found *ret_found);

void zap_expect_release_found(struct zap_expect_found *found);

/* A build's kind: bits ZAP_EXPECT_*. */
unsigned zap_expect_kind(const struct zap_build *build);

/* row: NULL where nothing is expected. */
enum zap_expect_change zap_expect_compare(const struct zap_expect_row *row,
                                          const struct zap_expect_found *found);

/* Did the same thing happen twice? */
bool zap_expect_is_same(const struct zap_expect_found *a, const struct zap_expect_found *b);

/* In one word: "same", "known", ... */
const char *zap_expect_word(enum zap_expect_change change);

/* Is there something that a person has to look at? */
bool zap_expect_is_bad(enum zap_expect_change change);

/* Append what a line expects, as it could be written: "HELD dies a _b known ... because ...", and
 * what was found, as such a line would say it. */
void zap_expect_print(const struct zap_expect_row *row, struct zap_str *out);
void zap_expect_print_found(const struct zap_expect_found *found, struct zap_str *out);

/* Append a text plan with other expectations: these lines stand where the first of the old ones
 * did, or at the end of the header; all else is as it was, byte for byte.
 *
 * lines  whole lines, each ending in a newline
 */
void zap_expect_replace(const char *text, size_t len, const char *lines, struct zap_str *out);

#endif
