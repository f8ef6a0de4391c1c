/* Many texts that have much in common, kept together so that what they share is there once. */
#ifndef ZAP_HOST_LINES_H
#define ZAP_HOST_LINES_H

#include <stddef.h>
#include <stdint.h>

/* So many lines of the table, from the first one on. */
struct zap_lines_run {
    uint32_t first, count;
};

struct zap_lines_row {
    char *text; /* owned; without its newline, and NUL-terminated, though NULs may be in it */
    size_t len;
    uint64_t hash;
    uint32_t earlier; /* the row before it with such a hash, and 1 more; 0: none */
};

/* Zeroed: no text was added. */
struct zap_lines {
    struct zap_lines_row *rows; /* owned */
    size_t count, size;
    uint32_t *heads; /* owned: by hash, the newest row and 1 more; 0: none */
};

/* Add a text: its lines are those of the runs, one after the other, with newlines between them.
 *
 * text      borrowed
 * ret_runs  owned by the caller (free)
 * Returns   how many runs; at least one
 * Same      for the same texts in the same order
 */
size_t zap_lines_add(struct zap_lines *lines, const char *text, size_t len,
                     struct zap_lines_run **ret_runs);

void zap_lines_release(struct zap_lines *lines);

#endif
