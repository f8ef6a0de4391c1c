/* narration: lines of -vv from several versions, and the order in which they have to come. */
#include "oracle/narration.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static zap_profile profile_of(unsigned major, unsigned minor)
{
    const struct zap_build build = {.version = major << 16 | minor << 8};
    return zap_profile_of(&build);
}

static void check_line(const char *line, enum zap_told_kind kind, unsigned pass, const char *text)
{
    struct zap_told told;
    assert_true(zap_narration_next(&line, &told));
    assert_int_equal(told.kind, kind);
    assert_int_equal(told.pass, pass);
    assert_int_equal(told.len, strlen(text));
    assert_memory_equal(told.text, text, told.len);
    assert_string_equal(line, "");
}

static void every_format_is_known(void **state)
{
    (void)state;
    check_line("# clear __builtin__._\n", ZAP_TOLD_CLEAR, 0, "__builtin__._");
    check_line("# clear sys.audit hooks\n", ZAP_TOLD_CLEAR, 0, "sys.audit hooks");
    check_line("# restore sys.stderr\n", ZAP_TOLD_RESTORE, 0, "sys.stderr");
    check_line("# cleanup __main__\n", ZAP_TOLD_WIPING, 0, "__main__");
    check_line("# cleanup[1] m0\n", ZAP_TOLD_WIPING, 1, "m0");
    check_line("# cleanup[2] m0\n", ZAP_TOLD_WIPING, 2, "m0");
    check_line("# cleanup[2] removing zap_park3\n", ZAP_TOLD_REMOVING, 0, "zap_park3");
    check_line("# destroy m0\n", ZAP_TOLD_DESTROY, 0, "m0");
    check_line("# cleanup[3] wiping sys\n", ZAP_TOLD_WIPING, 0, "sys");
    check_line("#   clear[1] _a\n", ZAP_TOLD_NAME, 1, "_a");
    check_line("#   clear[2] \n", ZAP_TOLD_NAME, 2, ""); /* the empty name */
    check_line("#   clear[2] a b", ZAP_TOLD_NAME, 2, "a b");
    check_line("# cleanup ints: 7 unfreed ints\n", ZAP_TOLD_NOTHING, 0,
               "# cleanup ints: 7 unfreed ints");
}

static void other_lines_are_nobodys(void **state)
{
    (void)state;
    check_line("del o1 m0 gone=yes\n", ZAP_TOLD_NOTHING, 0, "del o1 m0 gone=yes");
    check_line("# trying /usr/lib/python3/os.py\n", ZAP_TOLD_NOTHING, 0,
               "# trying /usr/lib/python3/os.py");
    check_line("import 'os' # <object>\n", ZAP_TOLD_NOTHING, 0, "import 'os' # <object>");
    check_line("\n", ZAP_TOLD_NOTHING, 0, "");
    struct zap_told told;
    const char *end = "";
    assert_false(zap_narration_next(&end, &told));
}

/* Recorded: 2.7.18, 3.7.16 and 3.13.0, with most modules left out. */
static const char old[] = "# clear __builtin__._\n"
                          "# clear sys.path\n"
                          "# clear sys.exitfunc\n"
                          "# restore sys.stdin\n"
                          "# cleanup __main__\n"
                          "#   clear[2] sys\n"
                          "# cleanup[1] encodings\n"
                          "#   clear[1] _cache\n"
                          "#   clear[2] codecs\n"
                          "# cleanup[1] m0\n"
                          "#   clear[2] b\n"
                          "#   clear[1] _c\n" /* of m1, which dies then */
                          "# cleanup[2] codecs\n"
                          "# cleanup sys\n"
                          "#   clear[1] _getframe\n"
                          "# cleanup __builtin__\n"
                          "# cleanup ints: 6 unfreed ints\n"
                          "# cleanup floats\n";
static const char middle[] = "# clear builtins._\n"
                             "# clear sys.path\n"
                             "# clear sys.meta_path\n"
                             "# restore sys.stderr\n"
                             "# cleanup[2] removing builtins\n"
                             "# cleanup[2] removing m0\n"
                             "# destroy m0\n"
                             "# cleanup[2] removing m1\n"
                             "del o0 m1 gone=yes\n"
                             "# cleanup[3] wiping m1\n"
                             "#   clear[1] _a\n"
                             "#   clear[2] __name__\n"
                             "#   clear[2] _a\n"
                             "# cleanup[3] wiping sys\n"
                             "#   clear[1] _getframe\n"
                             "# cleanup[3] wiping builtins\n"
                             "#   clear[2] len\n";
static const char new[] = "# clear sys.path_importer_cache\n"
                          "# clear builtins._\n"
                          "# clear sys.path\n"
                          "# restore sys.stderr\n"
                          "# cleanup[2] removing m0\n"
                          "# cleanup[2] removing zap_park0\n"
                          "# cleanup[3] wiping zap_park0\n"
                          "#   clear[2] a\n"
                          "# cleanup[3] wiping m0\n"
                          "# cleanup[3] wiping sys\n"
                          "# cleanup[3] wiping builtins\n"
                          "# destroy sys.monitoring\n"
                          "# clear sys.meta_path\n"
                          "# clear sys.modules\n"
                          "# destroy builtins\n"
                          "# clear sys.audit hooks\n";

static void the_order_is_kept(void **state)
{
    (void)state;
    char text[512];
    struct zap_str why = zap_str_init(text, sizeof text);
    uint32_t count;
    assert_true(zap_narration_keeps_order(old, profile_of(2, 7), &why, &count));
    assert_int_equal(count, 16);
    assert_true(zap_narration_keeps_order(middle, profile_of(3, 7), &why, &count));
    assert_int_equal(count, 16);
    assert_true(zap_narration_keeps_order(new, profile_of(3, 13), &why, &count));
    assert_int_equal(count, 16);
    assert_string_equal(text, "");
}

/* Take a line out of a narration and put it behind another. */
static const char *moved(const char *narration, const char *line, const char *behind)
{
    static char text[2048];
    const char *from = strstr(narration, line), *to = strstr(narration, behind);
    size_t len = strlen(line);
    assert_non_null(from);
    assert_non_null(to);
    struct zap_str out = zap_str_init(text, sizeof text);
    for (const char *at = narration; *at; at++) {
        if (at == from)
            at += len;
        if (!*at)
            break;
        zap_str_add_bytes(&out, at, 1);
        if (at + 1 == to + strlen(behind))
            zap_str_add(&out, line);
    }
    return text;
}

static void check_wrong(const char *narration, unsigned major, unsigned minor, const char *wrong)
{
    char text[512];
    struct zap_str why = zap_str_init(text, sizeof text);
    uint32_t count;
    assert_false(zap_narration_keeps_order(narration, profile_of(major, minor), &why, &count));
    assert_string_equal(text, wrong);
}

static void what_breaks_the_order_is_found(void **state)
{
    (void)state;
    check_wrong(moved(middle, "# clear sys.path\n", "# destroy m0\n"), 3, 7,
                "\"# clear sys.path\": names of sys are cleared before modules are, or after all");
    check_wrong(moved(middle, "# restore sys.stderr\n", "# destroy m0\n"), 3, 7,
                "\"# restore sys.stderr\": files are restored before modules are cleared");
    check_wrong(moved(middle, "# cleanup[2] removing m0\n", "#   clear[1] _a\n"), 3, 7,
                "\"# cleanup[2] removing m0\": modules are removed before any is cleared");
    check_wrong(moved(middle, "#   clear[1] _a\n", "#   clear[2] __name__\n"), 3, 7,
                "\"#   clear[1] _a\": the second pass had begun");
    check_wrong(moved(middle, "#   clear[1] _a\n", "# destroy m0\n"), 3, 7,
                "\"#   clear[1] _a\": nothing is being cleared");
    check_wrong(moved(new, "# cleanup[2] removing m0\n", "# destroy builtins\n"), 3, 13,
                "\"# cleanup[3] wiping m0\": it was not removed from sys.modules");
    check_wrong(moved(new, "# cleanup[3] wiping sys\n", "# cleanup[3] wiping builtins\n"), 3, 13,
                "\"# cleanup[3] wiping sys\": it was the turn of others");
    check_wrong(moved(new, "# cleanup[3] wiping m0\n", "# cleanup[3] wiping sys\n"), 3, 13,
                "\"# cleanup[3] wiping m0\": it was the turn of others");
    check_wrong(moved(old, "# cleanup[1] m0\n", "# cleanup[2] codecs\n"), 2, 7,
                "\"# cleanup[1] m0\": it was the turn of others");
    check_wrong(moved(old, "# cleanup __main__\n", "# cleanup sys\n"), 2, 7,
                "\"# cleanup __main__\": it was the turn of others");
    check_wrong(old, 3, 7, "\"# cleanup __main__\": it was not removed from sys.modules");
    check_wrong(new, 2, 7, "\"# cleanup[2] removing m0\": this version does not tell of that");
    check_wrong("", 3, 7, "the narration ends before builtins are cleared");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_is_known),
        cmocka_unit_test(other_lines_are_nobodys),
        cmocka_unit_test(the_order_is_kept),
        cmocka_unit_test(what_breaks_the_order_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
