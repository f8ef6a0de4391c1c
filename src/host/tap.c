/* TAP version 13: a line for each point, and for those that are not ok a YAML block that says why.
 *
 * A description may hold no '#', which would begin a directive, and nothing that ends a line. Text
 * that comes from elsewhere stands in the YAML as blocks, which need no quoting.
 */
#include "host/tap.h"

#include <ctype.h>
#include "base/check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_SIZE = 64 * 1024 };

/* Text as a YAML block: every line indented, none lost. */
static void print_block(const char *key, const char *text, FILE *out)
{
    fprintf(out, "  %s: |\n", key);
    while (*text) {
        size_t len = strcspn(text, "\n");
        fprintf(out, "    %.*s\n", (int)len, text);
        text += len + (text[len] == '\n');
    }
}

static void print_comment(const char *text, FILE *out)
{
    while (*text) {
        size_t len = strcspn(text, "\n");
        fprintf(out, "# %.*s\n", (int)len, text);
        text += len + (text[len] == '\n');
    }
}

static void print_description(const char *path, const char *build, FILE *out)
{
    for (; *path; path++)
        fputc(*path == '#' || *path == '\\' || iscntrl((unsigned char)*path) ? '_' : *path, out);
    fprintf(out, " on %s", build);
}

static void print_invariants(uint64_t broken, FILE *out)
{
    const char *comma = "";
    fputs("  invariants: [", out);
    for (int i = 0; i < ZAP_INVARIANT_COUNT; i++) {
        if (broken >> i & 1) {
            fprintf(out, "%s%s", comma, zap_invariant_row((enum zap_invariant_code)i)->id);
            comma = ", ";
        }
    }
    fputs("]\n", out);
}

static void print_difference(const struct zap_replay_point *point, FILE *out)
{
    char *line = malloc(LINE_SIZE);
    ZAP_CHECK(line != NULL);
    struct zap_str text = zap_str_init(line, LINE_SIZE);
    if (point->expects) {
        zap_expect_print(point->expects, &text);
        fprintf(out, "  line: %u\n", point->expects->line);
        print_block("expected", line, out);
        text = zap_str_init(line, LINE_SIZE);
    }
    zap_expect_print_found(&point->found, &text);
    print_block("found", line, out);
    free(line);
}

static void print_details(const struct zap_replay_point *point, FILE *out)
{
    const struct zap_expect_found *found = &point->found;
    fprintf(out, "  ---\n  verdict: %s\n  change: %s\n", zap_verdict_row(found->verdict)->name,
            zap_expect_word(point->change));
    if (point->change == ZAP_EXPECT_GONE)
        fputs("  message: known, but no longer happens, record it with --update --reason\n", out);
    if (point->change != ZAP_EXPECT_FAILED)
        print_difference(point, out);
    if (found->signature[0])
        fprintf(out, "  signature: %s\n", found->signature);
    if (point->reason)
        print_block("reason", point->reason, out);
    if (found->broken)
        print_invariants(found->broken, out);
    if (point->explanation)
        print_block("explanation", point->explanation, out);
    if (point->stack)
        print_block("stack", point->stack, out);
    if (point->tail)
        print_block("printed", point->tail, out);
    fputs("  ...\n", out);
}

static const char *result(const struct zap_replay_point *point)
{
    bool is_ok = !zap_expect_is_bad(point->change) && point->change != ZAP_EXPECT_KNOWN;
    return is_ok ? "ok" : "not ok";
}

void zap_tap_begin(size_t count, FILE *out)
{
    fprintf(out, "TAP version 13\n1..%zu\n", count);
}

void zap_tap_point(const struct zap_replay_point *point, FILE *out)
{
    enum zap_verdict verdict = point->found.verdict;
    bool is_bad = zap_expect_is_bad(point->change);
    fprintf(out, "%s %zu - ", result(point), point->number);
    print_description(point->input->path, point->row->name, out);
    if (point->change == ZAP_EXPECT_KNOWN)
        fprintf(out,
                " # TO"
                "DO known %s",
                point->expects->known);
    else if (!is_bad && (verdict == ZAP_SKIPPED || verdict == ZAP_VOID))
        fprintf(out, " # SKIP %s", point->reason ? point->reason : "");
    fputc('\n', out);
    if (is_bad || point->change == ZAP_EXPECT_KNOWN)
        print_details(point, out);
    if (point->trace)
        print_comment(point->trace, out);
    fflush(out);
}
