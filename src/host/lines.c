/* A table of lines, and texts as runs of it.
 *
 * Scripts of findings are mostly the same prelude, and reports repeat scripts. As in LZ77, a text
 * is looked up in what is there already, longest match first, and what matches nothing is appended.
 * A match of fewer than MATCH_MIN lines is no match: a lone blank line costs less as a copy than as
 * two runs more in each text that shares its surroundings.
 */
#include "host/lines.h"

#include "base/check.h"
#include "base/hash.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { HEADS_COUNT = 1 << 15, MATCH_MIN = 3, TRIES_MAX = 48 };

/* A text's own lines, before it is known where they are in the table. */
struct piece {
    const char *text;
    size_t len;
    uint64_t hash;
};

static size_t split(const char *text, size_t len, struct piece **ret_pieces)
{
    size_t count = 1;
    for (size_t i = 0; i < len; i++)
        count += text[i] == '\n';
    struct piece *pieces = calloc(count, sizeof *pieces);
    ZAP_CHECK(pieces != NULL);
    const char *at = text, *end = text + len;
    for (size_t i = 0; i < count; i++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t here = newline ? (size_t)(newline - at) : (size_t)(end - at);
        pieces[i] = (struct piece){at, here, zap_hash_mix(zap_hash_bytes(at, here))};
        at += here + (newline != NULL);
    }
    *ret_pieces = pieces;
    return count;
}

static void append(struct zap_lines *lines, const struct piece *piece)
{
    if (lines->count == lines->size) {
        lines->size = lines->size ? 2 * lines->size : 1024;
        lines->rows = realloc(lines->rows, lines->size * sizeof *lines->rows);
        ZAP_CHECK(lines->rows != NULL);
    }
    if (!lines->heads) {
        lines->heads = calloc(HEADS_COUNT, sizeof *lines->heads);
        ZAP_CHECK(lines->heads != NULL);
    }
    uint32_t *head = &lines->heads[piece->hash % HEADS_COUNT];
    struct zap_lines_row *row = &lines->rows[lines->count++];
    *row = (struct zap_lines_row){.len = piece->len, .hash = piece->hash, .earlier = *head};
    row->text = malloc(piece->len + 1);
    ZAP_CHECK(row->text != NULL);
    memcpy(row->text, piece->text, piece->len);
    row->text[piece->len] = '\0';
    *head = (uint32_t)lines->count;
}

/* How many of the pieces stand in the table from that row on. */
static size_t match_at(const struct zap_lines *lines, size_t at, const struct piece *pieces,
                       size_t count)
{
    size_t len = 0;
    while (len < count && at + len < lines->count) {
        const struct zap_lines_row *row = &lines->rows[at + len];
        if (row->hash != pieces[len].hash || row->len != pieces[len].len ||
            memcmp(row->text, pieces[len].text, row->len) != 0)
            break;
        len++;
    }
    return len;
}

/* The longest of the newest matches; count 0 where there is none worth a run, which one of a whole
 * text always is. */
static struct zap_lines_run find(const struct zap_lines *lines, const struct piece *pieces,
                                 size_t count, bool is_whole)
{
    struct zap_lines_run best = {0};
    uint32_t at = lines->heads ? lines->heads[pieces[0].hash % HEADS_COUNT] : 0;
    for (int tries = 0; at > 0 && tries < TRIES_MAX && best.count < count; tries++) {
        size_t len = match_at(lines, at - 1, pieces, count);
        if (len > best.count)
            best = (struct zap_lines_run){at - 1, (uint32_t)len};
        at = lines->rows[at - 1].earlier;
    }
    if (best.count < MATCH_MIN && !(is_whole && best.count == count))
        best.count = 0;
    return best;
}

size_t zap_lines_add(struct zap_lines *lines, const char *text, size_t len,
                     struct zap_lines_run **ret_runs)
{
    struct piece *pieces;
    size_t count = split(text, len, &pieces), runs_count = 0;
    struct zap_lines_run *runs = calloc(count, sizeof *runs);
    ZAP_CHECK(runs != NULL);
    for (size_t i = 0; i < count;) {
        struct zap_lines_run run = find(lines, pieces + i, count - i, i == 0);
        if (run.count == 0) {
            run = (struct zap_lines_run){(uint32_t)lines->count, 1};
            append(lines, &pieces[i]);
        }
        struct zap_lines_run *last = runs_count > 0 ? &runs[runs_count - 1] : NULL;
        if (last && last->first + last->count == run.first)
            last->count += run.count;
        else
            runs[runs_count++] = run;
        i += run.count;
    }
    free(pieces);
    *ret_runs = runs;
    return runs_count;
}

void zap_lines_release(struct zap_lines *lines)
{
    for (size_t i = 0; i < lines->count; i++)
        free(lines->rows[i].text);
    free(lines->rows);
    free(lines->heads);
    *lines = (struct zap_lines){0};
}
