/* JUnit XML.
 *
 * There is no standard, but what all readers take: testsuites, testsuite, testcase, and in that
 * failure (a finding or a change), error (pyzap failed) or skipped (nothing was checked; a known
 * finding, for which JUnit has no other word), then system-out. Text may be anything, and XML may
 * not: what no XML can hold, which is control characters, bytes that are no UTF-8 and a few code
 * points, is written as \xNN.
 */
#include "host/junit.h"

#include "base/check.h"
#include "host/files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_SIZE = 64 * 1024 };

/* ------------------------------------------------------------------ text */

/* How many bytes the character at `s` has in UTF-8, 0 where it is none that XML can hold. */
static size_t character_len(const unsigned char *s)
{
    if (s[0] < 0x80)
        return s[0] >= 0x20 || s[0] == '\t' || s[0] == '\n';
    size_t len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80) /* the end of the text is none of these */
            return 0;
    }
    bool is_overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    bool is_beyond = s[0] == 0xf4 && s[1] > 0x8f;
    bool is_surrogate = s[0] == 0xed && s[1] > 0x9f;
    bool is_none = s[0] == 0xef && s[1] == 0xbf && s[2] >= 0xbe; /* U+FFFE, U+FFFF */
    return is_overlong || is_beyond || is_surrogate || is_none ? 0 : len;
}

/* Text for an attribute (on one line) or between tags. */
static void add_text(FILE *out, const char *text, bool is_attribute)
{
    const unsigned char *at = (const unsigned char *)text;
    while (*at) {
        size_t len = character_len(at);
        if (len == 0)
            fprintf(out, "\\x%02x", *at);
        else if (*at == '&')
            fputs("&amp;", out);
        else if (*at == '<')
            fputs("&lt;", out);
        else if (*at == '>')
            fputs("&gt;", out);
        else if (*at == '"')
            fputs("&quot;", out);
        else if (is_attribute && (*at == '\n' || *at == '\t'))
            fprintf(out, "&#%d;", *at);
        else
            fwrite(at, 1, len, out);
        at += len > 0 ? len : 1;
    }
}

static void add_attribute(FILE *out, const char *name, const char *value)
{
    fprintf(out, " %s=\"", name);
    add_text(out, value, true);
    fputc('"', out);
}

/* ------------------------------------------------------------------ cases */

/* What a case of this outcome has inside, or NULL. */
static const char *element_of(const struct zap_replay_point *point)
{
    if (point->change == ZAP_EXPECT_FAILED)
        return "error";
    if (zap_expect_is_bad(point->change))
        return "failure";
    bool is_checked = point->found.verdict == ZAP_HELD;
    return is_checked ? NULL : "skipped";
}

static void add_message(FILE *out, const struct zap_replay_point *point)
{
    char *line = malloc(LINE_SIZE);
    ZAP_CHECK(line != NULL);
    struct zap_str text = zap_str_init(line, LINE_SIZE);
    if (point->change == ZAP_EXPECT_KNOWN)
        zap_str_printf(&text, "known %s: ", point->expects->known);
    zap_replay_print_change(point, &text);
    add_attribute(out, "message", line);
    free(line);
}

static void add_case(FILE *out, const struct zap_replay_point *point)
{
    const char *element = element_of(point);
    fputs("    <testcase", out);
    add_attribute(out, "name", point->input->path);
    add_attribute(out, "classname", point->row->name);
    fprintf(out, " time=\"%.3f\">\n", (double)point->ms / 1000);
    if (element) {
        fprintf(out, "      <%s", element);
        add_message(out, point);
        if (strcmp(element, "skipped") == 0) {
            fputs("/>\n", out);
        } else {
            add_attribute(out, "type", zap_verdict_row(point->found.verdict)->name);
            fputc('>', out);
            add_text(out, point->explanation ? point->explanation : "", false);
            add_text(out, point->stack ? point->stack : "", false);
            fprintf(out, "</%s>\n", element);
        }
    }
    if (point->trace || point->tail) {
        fputs("      <system-out>", out);
        add_text(out, point->trace ? point->trace : "", false);
        add_text(out, point->tail ? point->tail : "", false);
        fputs("</system-out>\n", out);
    }
    fputs("    </testcase>\n", out);
}

/* ------------------------------------------------------------------ suites */

/* How many of a build's points (all: rows_count 1, row 0) have that element. */
static size_t count(const struct zap_replay *replay, size_t rows_count, size_t row,
                    const char *element)
{
    size_t found = 0;
    for (size_t i = row; i < replay->count; i += rows_count) {
        const char *has = element_of(&replay->points[i]);
        found += has && strcmp(has, element) == 0;
    }
    return found;
}

static double seconds(const struct zap_replay *replay, size_t rows_count, size_t row)
{
    uint64_t ms = 0;
    for (size_t i = row; i < replay->count; i += rows_count)
        ms += replay->points[i].ms;
    return (double)ms / 1000;
}

static void add_counts(FILE *out, const struct zap_replay *replay, size_t rows_count, size_t row)
{
    fprintf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\" time=\"%.3f\">\n",
            replay->count / rows_count, count(replay, rows_count, row, "failure"),
            count(replay, rows_count, row, "error"), count(replay, rows_count, row, "skipped"),
            seconds(replay, rows_count, row));
}

static void add_suite(FILE *out, const struct zap_replay *replay, size_t rows_count, size_t row)
{
    fputs("  <testsuite", out);
    add_attribute(out, "name", replay->points[row].row->name);
    add_counts(out, replay, rows_count, row);
    for (size_t i = row; i < replay->count; i += rows_count)
        add_case(out, &replay->points[i]);
    fputs("  </testsuite>\n", out);
}

enum zap_status zap_junit_write(const struct zap_replay *replay, size_t rows_count,
                                const char *path)
{
    char *bytes = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&bytes, &len);
    if (!out)
        return ZAP_E_IO;
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"pyzap replay\"", out);
    add_counts(out, replay, 1, 0);
    for (size_t row = 0; row < rows_count && replay->count > 0; row++)
        add_suite(out, replay, rows_count, row);
    fputs("</testsuites>\n", out);
    bool is_whole = !ferror(out);
    is_whole = fclose(out) == 0 && is_whole;
    if (is_whole)
        is_whole = zap_files_replace(path, bytes, len);
    int error = errno;
    free(bytes);
    errno = error;
    return is_whole ? ZAP_OK : ZAP_E_IO;
}
