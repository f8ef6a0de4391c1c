/* Expectations in the header of a text plan.
 *
 *   # expect VERSIONS OUTCOME [known REFERENCE] [because WORDS]
 *   #        a comment that is indented by three spaces or more goes on with the line above it
 *
 *   VERSIONS   X.Y, X.Y.Z, A..B, A.., ..B, with commas between them; each may end in t (only
 *              free-threaded builds), d (only debug builds) or td
 *   OUTCOME    a verdict, or several with `or` between them (then the reason says what decides):
 *              HELD, VOID, SKIPPED, BROKEN and the invariants, CRASHED, TIMED_OUT or EXHAUSTED and
 *              how the signature begins; then, each as ends.h has it and only if it is to be the
 *              same: dies NAME..., lives NAME..., sees WORD..., untraced NAME...; `nothing` for
 * none known      the finding is known: https://..., or FILE:FUNCTION where nobody has reported it
 *
 * The header is the comments that stand right after the first line. Any comment whose first word is
 * "expect", however it is written, is an expectation or a mistake: prose that looks like one, and
 * an expectation that no machine reads, are what this must not allow. A line for a kind of build
 * (td before t before d) comes before one for all; two lines of one kind for one version are a
 * mistake. `dies` without `lives` says that nothing lives.
 */
#include "host/expect.h"

#include "base/check.h"
#include "oracle/ends.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(ZAP_INVARIANT_COUNT <= 64, "a set of invariants is a uint64_t");

static const char keyword[] = "expect", nothing[] = "nothing";

/* ------------------------------------------------------------------ words */

struct word {
    const char *start;
    size_t len;
    unsigned line, column;
};

/* Reads words of one expectation, over the ends of its lines. */
struct cursor {
    const char *at, *end;
    const char *line_start;
    unsigned line;
    struct zap_text_error *error;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool is_word(struct word word, const char *text)
{
    return word.len == strlen(text) && memcmp(word.start, text, word.len) == 0;
}

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && is_blank(*at))
        at++;
    return at;
}

static const char *end_of_line(const char *at, const char *end)
{
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    return newline ? newline : end;
}

/* Where a comment's text begins, or NULL where this line is none. */
static const char *comment_at(const char *line, const char *end)
{
    const char *at = skip_blanks(line, end);
    return at < end && *at == '#' ? at + 1 : NULL;
}

/* Where an expectation's words begin after the keyword, or NULL where this line is none. */
static const char *expectation_at(const char *line, const char *end)
{
    const char *at = comment_at(line, end);
    if (!at)
        return NULL;
    at = skip_blanks(at, end);
    for (size_t i = 0; keyword[i]; i++, at++) {
        if (at >= end || tolower((unsigned char)*at) != keyword[i])
            return NULL;
    }
    return at >= end || *at == '\n' || *at == ':' || is_blank(*at) ? at : NULL;
}

/* Where a line that goes on with the one above it does so, or NULL. */
static const char *more_at(const char *line, const char *end)
{
    enum { INDENT = 3 };
    const char *at = comment_at(line, end);
    if (!at)
        return NULL;
    const char *text = skip_blanks(at, end);
    return text - at >= INDENT && text < end && *text != '\n' && !expectation_at(line, end) ? text
                                                                                            : NULL;
}

/* The next word; empty at the end. Commas end a word and belong to it. */
static struct word next_word(struct cursor *c)
{
    for (;;) {
        c->at = skip_blanks(c->at, c->end);
        if (c->at < c->end && *c->at != '\n')
            break;
        const char *next = c->at < c->end ? c->at + 1 : c->end;
        const char *more = next < c->end ? more_at(next, c->end) : NULL;
        if (!more)
            break;
        c->line_start = next;
        c->line++;
        c->at = more;
    }
    struct word word = {c->at, 0, c->line, (unsigned)(c->at - c->line_start) + 1};
    while (c->at < c->end && *c->at != '\n' && !is_blank(*c->at))
        c->at++;
    word.len = (size_t)(c->at - word.start);
    return word;
}

static bool fail(struct cursor *c, struct word word, const char *fmt, ...) ZAP_PRINTF(3, 4);
static bool fail(struct cursor *c, struct word word, const char *fmt, ...)
{
    enum { SHOWN_MAX = 24 };
    va_list args;
    va_start(args, fmt);
    char what[120];
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    c->error->line = word.line;
    c->error->column = word.column;
    if (word.len == 0)
        snprintf(c->error->what, sizeof c->error->what, "expected %s, found the end of the line",
                 what);
    else
        snprintf(c->error->what, sizeof c->error->what, "expected %s, found \"%.*s\"%s", what,
                 (int)(word.len < SHOWN_MAX ? word.len : SHOWN_MAX), word.start,
                 word.len > SHOWN_MAX ? "..." : "");
    return false;
}

/* ------------------------------------------------------------------ versions */

/* A number of at most three digits; false where there is none. */
static bool take_number(const char **at, const char *end, uint32_t *ret_number)
{
    const char *start = *at;
    uint32_t number = 0;
    while (*at < end && isdigit((unsigned char)**at) && *at - start < 3)
        number = number * 10 + (uint32_t)(*(*at)++ - '0');
    *ret_number = number;
    return *at > start && number <= UINT8_MAX;
}

/* X.Y or X.Y.Z, as the first and the last version that it means. */
static bool take_version(const char **at, const char *end, uint32_t *ret_from, uint32_t *ret_to)
{
    uint32_t major, minor, micro;
    if (!take_number(at, end, &major) || *at == end || **at != '.')
        return false;
    ++*at;
    if (!take_number(at, end, &minor))
        return false;
    *ret_from = major << 16 | minor << 8;
    *ret_to = *ret_from | UINT8_MAX;
    if (end - *at >= 2 && (*at)[0] == '.' && isdigit((unsigned char)(*at)[1])) {
        ++*at;
        if (!take_number(at, end, &micro))
            return false;
        *ret_from = *ret_to = *ret_from | micro;
    }
    return true;
}

static bool take_range(const char *at, const char *end, struct zap_expect_range *ret_range)
{
    struct zap_expect_range range = {.from = 0, .to = UINT32_MAX};
    uint32_t first, last;
    bool is_open_left = end - at >= 2 && at[0] == '.' && at[1] == '.';
    if (!is_open_left) {
        if (!take_version(&at, end, &range.from, &range.to))
            return false;
    }
    if (end - at >= 2 && at[0] == '.' && at[1] == '.') {
        at += 2;
        range.to = UINT32_MAX;
        if (at < end && isdigit((unsigned char)*at)) {
            if (!take_version(&at, end, &first, &last))
                return false;
            range.to = last;
        }
    }
    if (at < end && *at == 't') {
        range.kind |= ZAP_EXPECT_NOGIL;
        at++;
    }
    if (at < end && *at == 'd') {
        range.kind |= ZAP_EXPECT_DEBUG;
        at++;
    }
    *ret_range = range;
    return at == end && range.from <= range.to;
}

static bool add_range(struct cursor *c, struct word word, struct zap_expect_row *row)
{
    struct zap_expect_range range;
    if (!take_range(word.start, word.start + word.len, &range))
        return fail(c, word, "versions (3.8, 3.8.1, 3.8..3.12, 3.13.., ..3.7; t or d at the end)");
    struct zap_expect_range *ranges =
        realloc(row->ranges, (row->ranges_count + 1) * sizeof *row->ranges);
    ZAP_CHECK(ranges != NULL);
    row->ranges = ranges;
    ranges[row->ranges_count++] = range;
    return true;
}

/* Ranges with commas between them, and perhaps spaces after these. */
static bool parse_versions(struct cursor *c, struct zap_expect_row *row)
{
    for (;;) {
        struct word word = next_word(c);
        for (;;) {
            const char *comma = memchr(word.start, ',', word.len);
            struct word part = word;
            part.len = comma ? (size_t)(comma - word.start) : word.len;
            if (!add_range(c, part, row))
                return false;
            if (!comma)
                return true;
            word.start += part.len + 1;
            word.column += (unsigned)part.len + 1;
            word.len -= part.len + 1;
            if (word.len == 0)
                break;
        }
    }
}

/* ------------------------------------------------------------------ verdicts and lists */

static bool is_death(enum zap_verdict verdict)
{
    return verdict == ZAP_CRASHED || verdict == ZAP_TIMED_OUT || verdict == ZAP_EXHAUSTED;
}

static bool find_verdict(struct word word, enum zap_verdict *ret_verdict)
{
    for (int i = 0; i < ZAP_VERDICT_COUNT; i++) {
        if (i != ZAP_HARNESS && is_word(word, zap_verdict_row((enum zap_verdict)i)->name)) {
            *ret_verdict = (enum zap_verdict)i;
            return true;
        }
    }
    return false;
}

static bool find_invariant(struct word word, uint64_t *ret_bit)
{
    for (int i = 0; i < ZAP_INVARIANT_COUNT; i++) {
        if (is_word(word, zap_invariant_row((enum zap_invariant_code)i)->id)) {
            *ret_bit = UINT64_C(1) << i;
            return true;
        }
    }
    return false;
}

static bool is_keyword(struct word word)
{
    static const char *const words[] = {"or",       "dies",  "lives",  "sees",
                                        "untraced", "known", "because"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (is_word(word, words[i]))
            return true;
    }
    return word.len == 0;
}

/* One verdict with what belongs to it. ret_next: the word after it. */
static bool parse_verdict(struct cursor *c, struct zap_expect_verdict *ret_verdict,
                          struct word *ret_next)
{
    struct word word = next_word(c);
    struct zap_expect_verdict verdict = {.verdict = ZAP_VOID};
    if (!find_verdict(word, &verdict.verdict))
        return fail(c, word, "HELD, VOID, SKIPPED, BROKEN, CRASHED, TIMED_OUT or EXHAUSTED");
    word = next_word(c);
    if (verdict.verdict == ZAP_BROKEN) {
        uint64_t bit;
        while (!is_keyword(word)) {
            if (!find_invariant(word, &bit))
                return fail(c, word, "an invariant (I1, I2, ...; see `pyzap show --help`)");
            verdict.broken |= bit;
            word = next_word(c);
        }
        if (verdict.broken == 0)
            return fail(c, word, "the invariants that are broken");
    } else if (is_death(verdict.verdict) && !is_keyword(word)) {
        if (word.len >= sizeof verdict.signature)
            return fail(c, word, "a signature");
        memcpy(verdict.signature, word.start, word.len);
        word = next_word(c);
    }
    *ret_verdict = verdict;
    *ret_next = word;
    return true;
}

static bool parse_verdicts(struct cursor *c, struct zap_expect_row *row, struct word *ret_next)
{
    struct word word;
    for (;;) {
        if (!parse_verdict(c, &row->verdicts[row->verdicts_count], &word))
            return false;
        row->verdicts_count++;
        *ret_next = word;
        if (!is_word(word, "or"))
            return true;
        if (row->verdicts_count == ZAP_EXPECT_VERDICTS_MAX)
            return fail(c, word, "at most %d verdicts", ZAP_EXPECT_VERDICTS_MAX);
    }
}

/* Words up to the next keyword, or to the end, with one space between them. */
static char *take_words(struct cursor *c, bool to_the_end, struct word *ret_next)
{
    struct word word = next_word(c);
    size_t len = 0, size = 1;
    char *text = calloc(1, size);
    ZAP_CHECK(text != NULL);
    while (word.len > 0 && (to_the_end || !is_keyword(word))) {
        char *longer = realloc(text, size += word.len + 1);
        ZAP_CHECK(longer != NULL);
        text = longer;
        len += (size_t)snprintf(text + len, size - len, "%s%.*s", len > 0 ? " " : "", (int)word.len,
                                word.start);
        word = next_word(c);
    }
    *ret_next = word;
    return text;
}

/* A list of words into its place; `nothing` is an empty one. */
static bool parse_list(struct cursor *c, struct word name, char **place, struct word *ret_next)
{
    if (*place)
        return fail(c, name, "\"%.*s\" once", (int)name.len, name.start);
    *place = take_words(c, false, ret_next);
    if (!**place)
        return fail(c, *ret_next, "names after %.*s, or \"%s\"", (int)name.len, name.start,
                    nothing);
    if (strcmp(*place, nothing) == 0)
        **place = '\0';
    return true;
}

static bool parse_known(struct cursor *c, struct zap_expect_row *row, struct word *ret_next)
{
    struct word word = next_word(c);
    const char *colon = memchr(word.start, ':', word.len);
    bool is_link = word.len > 8 && strncmp(word.start, "https://", 8) == 0;
    bool is_place =
        colon && colon > word.start && colon + 1 < word.start + word.len && colon[1] != '/';
    if (!is_link && !is_place)
        return fail(c, word, "https://... or FILE:FUNCTION after known");
    row->known = strndup(word.start, word.len);
    ZAP_CHECK(row->known != NULL);
    *ret_next = next_word(c);
    return true;
}

static char **list_of(struct zap_expect_row *row, struct word word)
{
    return is_word(word, "dies")       ? &row->dies
           : is_word(word, "lives")    ? &row->lives
           : is_word(word, "sees")     ? &row->sees
           : is_word(word, "untraced") ? &row->untraced
                                       : NULL;
}

static bool has_finding(const struct zap_expect_row *row)
{
    for (size_t i = 0; i < row->verdicts_count; i++) {
        if (zap_verdict_row(row->verdicts[i].verdict)->is_finding)
            return true;
    }
    return false;
}

/* What only the whole line shows. */
static bool check_row(struct cursor *c, const struct zap_expect_row *row, struct word at)
{
    if (has_finding(row) && !row->known)
        return fail(c, at, "known (who expects a finding says where it is reported)");
    if (row->known && !has_finding(row))
        return fail(c, at, "known only with a finding");
    if ((row->known || row->verdicts_count > 1) && !(row->because && row->because[0]))
        return fail(c, at, "because and the reason");
    return true;
}

/* Everything after the keyword. */
static bool parse_row(struct cursor *c, struct zap_expect_row *row)
{
    struct word word;
    if (!parse_versions(c, row) || !parse_verdicts(c, row, &word))
        return false;
    while (word.len > 0) {
        char **list = list_of(row, word);
        if (list) {
            if (!parse_list(c, word, list, &word))
                return false;
        } else if (is_word(word, "known") && !row->known) {
            if (!parse_known(c, row, &word))
                return false;
        } else if (is_word(word, "because")) {
            row->because = take_words(c, true, &word);
            if (!row->because[0])
                return fail(c, word, "a reason after because");
        } else {
            return fail(c, word, "or, dies, lives, sees, untraced, known or because");
        }
    }
    return check_row(c, row, word);
}

/* ------------------------------------------------------------------ whole headers */

static bool overlap(const struct zap_expect_row *a, const struct zap_expect_row *b)
{
    for (size_t i = 0; i < a->ranges_count; i++) {
        for (size_t j = a == b ? i + 1 : 0; j < b->ranges_count; j++) {
            const struct zap_expect_range *one = &a->ranges[i], *other = &b->ranges[j];
            if (one->kind == other->kind && one->from <= other->to && other->from <= one->to)
                return true;
        }
    }
    return false;
}

static bool add_row(struct cursor *c, struct zap_expect *expect, struct word at)
{
    struct zap_expect_row *rows =
        realloc(expect->rows, (expect->rows_count + 1) * sizeof *expect->rows);
    ZAP_CHECK(rows != NULL);
    expect->rows = rows;
    struct zap_expect_row *row = &rows[expect->rows_count];
    memset(row, 0, sizeof *row);
    row->line = c->line;
    expect->rows_count++;
    if (!parse_row(c, row))
        return false;
    for (size_t i = 0; i < expect->rows_count; i++) {
        if (overlap(&rows[i], row))
            return fail(c, at, "versions that no line expects yet (see line %u)", rows[i].line);
    }
    return true;
}

static bool parse(struct cursor *c, struct zap_expect *expect)
{
    bool is_header = true;
    c->at = end_of_line(c->at, c->end);
    while (c->at < c->end) {
        c->line_start = ++c->at;
        c->line++;
        const char *words = expectation_at(c->at, c->end);
        struct word at = {c->at, 0, c->line, 1};
        is_header = is_header && comment_at(c->at, c->end);
        if (words) {
            at.start = words - strlen(keyword);
            at.len = strlen(keyword);
            at.column = (unsigned)(at.start - c->line_start) + 1;
            c->at = words;
            if (!is_word(at, keyword) || (words < c->end && *words == ':'))
                return fail(c, at, "\"%s\" and versions, or a comment with another first word",
                            keyword);
            if (!is_header)
                return fail(c, at, "expectations right after the first line, above the plan");
            if (!add_row(c, expect, at))
                return false;
        }
        c->at = end_of_line(c->at, c->end);
    }
    return true;
}

enum zap_status zap_expect_parse(const char *text, size_t len, struct zap_expect *ret_expect,
                                 struct zap_text_error *ret_error)
{
    struct cursor cursor = {
        .at = text, .end = text + len, .line_start = text, .line = 1, .error = ret_error};
    struct zap_expect expect = {0};
    if (!parse(&cursor, &expect)) {
        zap_expect_release(&expect);
        return ZAP_E_SYNTAX;
    }
    *ret_expect = expect;
    return ZAP_OK;
}

void zap_expect_release_row(struct zap_expect_row *row)
{
    free(row->ranges);
    free(row->dies);
    free(row->lives);
    free(row->sees);
    free(row->untraced);
    free(row->known);
    free(row->because);
    memset(row, 0, sizeof *row);
}

void zap_expect_release(struct zap_expect *expect)
{
    for (size_t i = 0; i < expect->rows_count; i++)
        zap_expect_release_row(&expect->rows[i]);
    free(expect->rows);
    memset(expect, 0, sizeof *expect);
}

/* ------------------------------------------------------------------ outcomes */

/* What is longer is cut, with a mark that makes it differ from what anybody would write. */
enum { LIST_MAX = 16 * 1024 };

static char *keep_list(const struct zap_str *list)
{
    char *kept = NULL;
    if (list->len == 0)
        return NULL;
    int len = asprintf(&kept, "%s%s", list->data, list->cut ? " ..." : "");
    ZAP_CHECK_CMP(len, >, 0);
    return kept;
}

static void take_ends(const struct zap_plan *plan, const struct zap_text_labels *labels,
                      const struct zap_trace *trace, struct zap_expect_found *found)
{
    char *page = malloc(4 * LIST_MAX);
    ZAP_CHECK(page != NULL);
    struct zap_ends ends = {
        .dies = zap_str_init(page, LIST_MAX),
        .lives = zap_str_init(page + LIST_MAX, LIST_MAX),
        .sees = zap_str_init(page + 2 * LIST_MAX, LIST_MAX),
        .untraced = zap_str_init(page + 3 * LIST_MAX, LIST_MAX),
    };
    zap_ends_describe(plan, labels, trace, &ends);
    found->dies = keep_list(&ends.dies);
    found->lives = keep_list(&ends.lives);
    found->sees = keep_list(&ends.sees);
    found->untraced = keep_list(&ends.untraced);
    found->is_unordered = ends.is_unordered;
    free(page);
}

void zap_expect_take(const struct zap_plan *plan, const struct zap_text_labels *labels,
                     const struct zap_outcome *outcome, struct zap_expect_found *ret_found)
{
    struct zap_expect_found found = {
        .verdict = outcome->verdict,
        .is_unrun = outcome->verdict == ZAP_SKIPPED && !outcome->has_judgement,
        .has_ends = outcome->has_judgement && outcome->verdict != ZAP_HARNESS,
    };
    for (int i = 0; i < ZAP_INVARIANT_COUNT && outcome->verdict == ZAP_BROKEN; i++) {
        if (outcome->judgement.verdicts[i] == ZAP_BROKEN)
            found.broken |= UINT64_C(1) << i;
    }
    if (is_death(outcome->verdict))
        memcpy(found.signature, outcome->signature, sizeof found.signature);
    if (found.has_ends)
        take_ends(plan, labels, &outcome->trace, &found);
    *ret_found = found;
}

void zap_expect_release_found(struct zap_expect_found *found)
{
    free(found->dies);
    free(found->lives);
    free(found->sees);
    free(found->untraced);
    memset(found, 0, sizeof *found);
}

/* ------------------------------------------------------------------ comparing */

unsigned zap_expect_kind(const struct zap_build *build)
{
    return (build->debug ? ZAP_EXPECT_DEBUG : 0u) | (build->nogil ? ZAP_EXPECT_NOGIL : 0u);
}

const struct zap_expect_row *zap_expect_find(const struct zap_expect *expect, uint32_t version,
                                             unsigned kind)
{
    const struct zap_expect_row *best = NULL;
    unsigned best_kind = 0;
    for (size_t i = 0; i < expect->rows_count; i++) {
        const struct zap_expect_row *row = &expect->rows[i];
        for (size_t j = 0; j < row->ranges_count; j++) {
            const struct zap_expect_range *range = &row->ranges[j];
            bool is_for_it = version >= range->from && version <= range->to &&
                             (range->kind & kind) == range->kind;
            if (is_for_it && (!best || range->kind > best_kind)) {
                best = row;
                best_kind = range->kind;
            }
        }
    }
    return best;
}

static bool is_verdict(const struct zap_expect_verdict *expected,
                       const struct zap_expect_found *found)
{
    if (expected->verdict != found->verdict)
        return false;
    if (expected->verdict == ZAP_BROKEN)
        return expected->broken == found->broken;
    return strncmp(found->signature, expected->signature, strlen(expected->signature)) == 0;
}

/* The word at *at, of *ret_len bytes, which is moved to the next; NULL at the end. */
static const char *cut_word(const char **at, size_t *ret_len)
{
    const char *word = *at + strspn(*at, " ");
    *ret_len = strcspn(word, " ");
    *at = word + *ret_len;
    return *ret_len > 0 ? word : NULL;
}

static size_t count_word(const char *list, const char *word, size_t word_len)
{
    size_t count = 0, len;
    const char *one;
    while ((one = cut_word(&list, &len)) != NULL)
        count += len == word_len && memcmp(one, word, len) == 0;
    return count;
}

/* The same words as often, in any order? */
static bool are_words(const char *a, const char *b)
{
    size_t len;
    const char *word;
    if (strlen(a) != strlen(b))
        return false;
    for (const char *at = a; (word = cut_word(&at, &len)) != NULL;) {
        if (count_word(a, word, len) != count_word(b, word, len))
            return false;
    }
    return true;
}

static bool is_list(const char *expected, const char *found, bool is_unordered)
{
    found = found ? found : "";
    if (!expected)
        return true;
    return is_unordered ? are_words(expected, found) : strcmp(expected, found) == 0;
}

static bool are_ends(const struct zap_expect_row *row, const struct zap_expect_found *found)
{
    if (!found->has_ends)
        return true;
    const char *lives = row->dies && !row->lives ? "" : row->lives;
    return is_list(row->dies, found->dies, found->is_unordered) &&
           is_list(lives, found->lives, false) &&
           is_list(row->sees, found->sees, found->is_unordered) &&
           is_list(row->untraced, found->untraced, found->is_unordered);
}

bool zap_expect_is_same(const struct zap_expect_found *a, const struct zap_expect_found *b)
{
    bool is_unordered = a->is_unordered && b->is_unordered;
    return a->verdict == b->verdict && a->broken == b->broken && a->has_ends == b->has_ends &&
           strcmp(a->signature, b->signature) == 0 &&
           is_list(a->dies ? a->dies : "", b->dies, is_unordered) &&
           is_list(a->lives ? a->lives : "", b->lives, false) &&
           is_list(a->sees ? a->sees : "", b->sees, is_unordered) &&
           is_list(a->untraced ? a->untraced : "", b->untraced, is_unordered);
}

enum zap_expect_change zap_expect_compare(const struct zap_expect_row *row,
                                          const struct zap_expect_found *found)
{
    bool is_finding = zap_verdict_row(found->verdict)->is_finding;
    bool is_expected = false, only_findings = true;
    if (found->verdict == ZAP_HARNESS)
        return ZAP_EXPECT_FAILED;
    if (found->is_unrun)
        return ZAP_EXPECT_UNRUN;
    if (!row)
        return is_finding ? ZAP_EXPECT_NEW : ZAP_EXPECT_NONE;
    for (size_t i = 0; i < row->verdicts_count; i++) {
        is_expected = is_expected || is_verdict(&row->verdicts[i], found);
        only_findings = only_findings && zap_verdict_row(row->verdicts[i].verdict)->is_finding;
    }
    if (is_expected && are_ends(row, found))
        return is_finding ? ZAP_EXPECT_KNOWN : ZAP_EXPECT_SAME;
    return only_findings && !is_finding ? ZAP_EXPECT_GONE : ZAP_EXPECT_CHANGED;
}

const char *zap_expect_word(enum zap_expect_change change)
{
    switch (change) {
    case ZAP_EXPECT_SAME:
        return "same";
    case ZAP_EXPECT_KNOWN:
        return "known";
    case ZAP_EXPECT_UNRUN:
        return "skipped";
    case ZAP_EXPECT_NONE:
        return "none";
    case ZAP_EXPECT_NEW:
        return "new";
    case ZAP_EXPECT_CHANGED:
        return "changed";
    case ZAP_EXPECT_GONE:
        return "gone";
    case ZAP_EXPECT_FAILED:
        break;
    }
    return "failed";
}

bool zap_expect_is_bad(enum zap_expect_change change)
{
    return change == ZAP_EXPECT_NEW || change == ZAP_EXPECT_CHANGED || change == ZAP_EXPECT_GONE ||
           change == ZAP_EXPECT_FAILED;
}

/* ------------------------------------------------------------------ printing */

static void print_verdict(enum zap_verdict verdict, uint64_t broken, const char *signature,
                          struct zap_str *out)
{
    zap_str_add(out, zap_verdict_row(verdict)->name);
    for (int i = 0; i < ZAP_INVARIANT_COUNT; i++) {
        if (broken >> i & 1)
            zap_str_printf(out, " %s", zap_invariant_row((enum zap_invariant_code)i)->id);
    }
    if (signature[0])
        zap_str_printf(out, " %s", signature);
}

static void print_list(const char *name, const char *list, struct zap_str *out)
{
    if (list)
        zap_str_printf(out, " %s %s", name, list[0] ? list : nothing);
}

void zap_expect_print(const struct zap_expect_row *row, struct zap_str *out)
{
    for (size_t i = 0; i < row->verdicts_count; i++) {
        zap_str_add(out, i > 0 ? " or " : "");
        print_verdict(row->verdicts[i].verdict, row->verdicts[i].broken, row->verdicts[i].signature,
                      out);
    }
    print_list("dies", row->dies, out);
    print_list("lives", row->lives, out);
    print_list("sees", row->sees, out);
    print_list("untraced", row->untraced, out);
    if (row->known)
        zap_str_printf(out, " known %s", row->known);
    if (row->because)
        zap_str_printf(out, " because %s", row->because);
}

void zap_expect_print_found(const struct zap_expect_found *found, struct zap_str *out)
{
    print_verdict(found->verdict, found->broken, found->signature, out);
    if (!found->has_ends)
        return;
    print_list("dies", found->dies ? found->dies : "", out);
    print_list("lives", found->lives, out);
    print_list("sees", found->sees, out);
    print_list("untraced", found->untraced, out);
}

/* ------------------------------------------------------------------ rewriting */

/* How many bytes of whole lines at `at` belong to one expectation; 0: none begins there. */
static size_t expectation_len(const char *at, const char *end)
{
    const char *line = at;
    if (!expectation_at(at, end))
        return 0;
    do {
        line = end_of_line(line, end);
        line += line < end;
    } while (line < end && more_at(line, end));
    return (size_t)(line - at);
}

void zap_expect_replace(const char *text, size_t len, const char *lines, struct zap_str *out)
{
    const char *end = text + len;
    const char *at = end_of_line(text, end);
    at += at < end;
    zap_str_add_bytes(out, text, (size_t)(at - text));
    bool is_put = false;
    const char *first = at;
    while (first < end && comment_at(first, end) && !expectation_at(first, end)) {
        first = end_of_line(first, end);
        first += first < end;
    }
    while (at < end && comment_at(at, end)) {
        size_t expectation = expectation_len(at, end);
        if (at == first) {
            zap_str_add(out, lines);
            is_put = true;
        }
        if (expectation == 0) {
            const char *next = end_of_line(at, end);
            next += next < end;
            zap_str_add_bytes(out, at, (size_t)(next - at));
            at = next;
        } else {
            at += expectation;
        }
    }
    if (!is_put)
        zap_str_add(out, lines);
    zap_str_add_bytes(out, at, (size_t)(end - at));
}
