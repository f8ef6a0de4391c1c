/* Texts that are kept as runs of a table of lines come back as they were, and what they share is
 * there once (src/host/lines.c). */
#include "host/lines.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TEXT_MAX = 4096 };

/* The text that runs mean. */
static size_t join(const struct zap_lines *lines, const struct zap_lines_run *runs, size_t count,
                   char *out)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < runs[i].count; j++) {
            assert_in_range(runs[i].first + j, 0, lines->count - 1);
            const struct zap_lines_row *row = &lines->rows[runs[i].first + j];
            if (i + j > 0)
                out[len++] = '\n';
            memcpy(out + len, row->text, row->len);
            len += row->len;
        }
    }
    return len;
}

/* Add a text and hold it against itself; returns how many runs it takes. */
static size_t add(struct zap_lines *lines, const char *text, size_t len)
{
    static char back[2 * TEXT_MAX];
    struct zap_lines_run *runs;
    size_t count = zap_lines_add(lines, text, len, &runs);
    assert_int_equal(join(lines, runs, count, back), len);
    assert_memory_equal(back, text, len);
    free(runs);
    return count;
}

static void texts_come_back(void **state)
{
    (void)state;
    static const char *const texts[] = {"",     "\n",     "a",         "a\n",
                                        "a\nb", "\n\n\n", "a\nb\nc\n", "b\nc\n"};
    struct zap_lines lines = {0};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        add(&lines, texts[i], strlen(texts[i]));
    add(&lines, "a\0b\nc\0", 6); /* a file may hold NULs */
    zap_lines_release(&lines);
}

/* Lines of few kinds, so that there is much to find, in texts that begin and end anywhere. */
static void random_texts_come_back(void **state)
{
    (void)state;
    struct zap_lines lines = {0};
    struct zap_rng rng = zap_rng_init(1, 0);
    size_t all = 0;
    for (int i = 0; i < 300; i++) {
        char text[TEXT_MAX];
        size_t len = 0;
        for (uint32_t left = zap_rng_below(&rng, 60); left > 0; left--)
            len += (size_t)snprintf(text + len, sizeof text - len, "%.*s\n",
                                    (int)zap_rng_below(&rng, 5), "line");
        all += len;
        add(&lines, text, len);
    }
    assert_true(lines.count < all / 5);
    zap_lines_release(&lines);
}

static void what_is_shared_is_there_once(void **state)
{
    (void)state;
    char text[TEXT_MAX], more[TEXT_MAX];
    size_t len = 0;
    for (int i = 0; i < 100; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, i % 3 ? "line %d\n" : "\n", i);
    struct zap_lines lines = {0};
    assert_int_equal(add(&lines, text, len), 1);
    size_t count = lines.count;
    assert_int_equal(add(&lines, text, len), 1);
    assert_int_equal(lines.count, count);
    int more_len = snprintf(more, sizeof more, "# about it\n%.*s# the end", (int)len, text);
    assert_int_equal(add(&lines, more, (size_t)more_len), 3);
    assert_int_equal(lines.count, count + 2);
    zap_lines_release(&lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_come_back),
        cmocka_unit_test(random_texts_come_back),
        cmocka_unit_test(what_is_shared_is_there_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
