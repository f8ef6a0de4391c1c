/* What frames are called, whose they are, what is left of an overflow, and what a sanitizer's
 * report says (src/host/stack.c). */
#include "host/stack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WORKER "/opt/pyzap/libexec/pyzap/worker-3.11.7"

static const struct {
    struct zap_stack_place place;
    const char *function, *file;
    enum zap_stack_whose whose;
} names[] = {
    {{"insertdict", WORKER, "./Objects/dictobject.c", NULL, 1234, 0},
     "insertdict",
     "Objects/dictobject.c:1234",
     ZAP_STACK_CPYTHON},
    {{"subtype_dealloc.part.0", WORKER, "/b/Python-3.8/Objects/typeobject.c", NULL, 1, 0},
     "subtype_dealloc",
     "Objects/typeobject.c:1",
     ZAP_STACK_CPYTHON},
    {{"f.constprop.0.isra.0", WORKER, NULL, NULL, 0, 0}, "f", "worker-3.11.7", ZAP_STACK_CPYTHON},
    {{"f.lto_priv.0.cold", WORKER, NULL, NULL, 0, 0}, "f", "worker-3.11.7", ZAP_STACK_CPYTHON},
    /* the line is of a function that was put into another: that one's file decides whose it is */
    {{"gc_collect", WORKER, "/b/Include/internal/pycore_gc.h", "/b/Modules/gcmodule.c", 7, 0},
     "gc_collect",
     "Include/internal/pycore_gc.h:7",
     ZAP_STACK_CPYTHON},
    {{"on_del", WORKER, "/b/Include/object.h", "/home/x/pyzap/src/py/cnode.c", 7, 0},
     "on_del",
     "Include/object.h:7",
     ZAP_STACK_OURS},
    {{"zap_run", WORKER, "/home/x/pyzap/src/py/run.c", NULL, 7, 0},
     "zap_run",
     "src/py/run.c:7",
     ZAP_STACK_OURS},
    {{"judge", WORKER, "/home/x/src/oracle/judge.c", NULL, 7, 0},
     "judge",
     "src/oracle/judge.c:7",
     ZAP_STACK_OURS},
    {{"misbehave", "/b/fake_worker", "/p/tests/worker/fake_worker.c", NULL, 7, 0},
     "misbehave",
     "tests/worker/fake_worker.c:7",
     ZAP_STACK_OURS},
    /* a CPython that lies in a folder of such a name */
    {{"insertdict", WORKER, "/home/x/src/py/Objects/dictobject.c", NULL, 7, 0},
     "insertdict",
     "Objects/dictobject.c:7",
     ZAP_STACK_CPYTHON},
    /* without debug information */
    {{"zap_run", WORKER, NULL, NULL, 0, 0}, "zap_run", "worker-3.11.7", ZAP_STACK_OURS},
    {{"__wrap_PyDict_SetItem", WORKER, NULL, NULL, 0, 0},
     "__wrap_PyDict_SetItem",
     "worker-3.11.7",
     ZAP_STACK_OURS},
    {{"main", WORKER, NULL, NULL, 0, 0}, "main", "worker-3.11.7", ZAP_STACK_OURS},
    {{"PyDict_SetItem", "/usr/lib/libpython3.13.so.1.0", NULL, NULL, 0, 0},
     "PyDict_SetItem",
     "libpython3.13.so.1.0",
     ZAP_STACK_CPYTHON},
    {{"array_item", "/usr/lib/python3.11/lib-dynload/array.cpython-311-x86_64-linux-gnu.so", NULL,
      NULL, 0, 0},
     "array_item",
     "array.cpython-311-x86_64-linux-gnu.so",
     ZAP_STACK_CPYTHON},
    /* what only reports */
    {{"fatal_error", WORKER, "Python/pylifecycle.c", NULL, 3, 0},
     "fatal_error",
     "Python/pylifecycle.c:3",
     ZAP_STACK_SYSTEM},
    {{"_Py_FatalErrorFunc", WORKER, NULL, NULL, 0, 0},
     "_Py_FatalErrorFunc",
     "worker-3.11.7",
     ZAP_STACK_SYSTEM},
    {{"_PyObject_AssertFailed", WORKER, NULL, NULL, 0, 0},
     "_PyObject_AssertFailed",
     "worker-3.11.7",
     ZAP_STACK_SYSTEM},
    {{"__asan_report_load8", WORKER, NULL, NULL, 0, 0},
     "__asan_report_load8",
     "worker-3.11.7",
     ZAP_STACK_SYSTEM},
    {{"raise@@GLIBC_2.2.5", "/lib/libc.so.6", NULL, NULL, 0, 0},
     "raise",
     "libc.so.6",
     ZAP_STACK_SYSTEM},
    {{"__libc_start_main", "/lib/libc.so.6", "../csu/libc-start.c", NULL, 9, 0},
     "__libc_start_main",
     "libc-start.c:9",
     ZAP_STACK_SYSTEM},
    /* a sanitizer's report may name the source alone */
    {{"__libc_start_main_impl", NULL, "../csu/libc-start.c", NULL, 9, 0},
     "__libc_start_main_impl",
     "libc-start.c:9",
     ZAP_STACK_SYSTEM},
    {{"insertdict", NULL, "Objects/dictobject.c", NULL, 9, 0},
     "insertdict",
     "Objects/dictobject.c:9",
     ZAP_STACK_CPYTHON},
    {{"", "[vdso]", NULL, NULL, 0, 0x12}, "", "[vdso]+0x12", ZAP_STACK_SYSTEM},
    {{"_dl_open", "/lib64/ld-linux-x86-64.so.2", NULL, NULL, 0, 0},
     "_dl_open",
     "ld-linux-x86-64.so.2",
     ZAP_STACK_SYSTEM},
    /* no symbol */
    {{"", WORKER, NULL, NULL, 0, 0x1234}, "", "worker-3.11.7+0x1234", ZAP_STACK_UNKNOWN},
    {{NULL, NULL, NULL, NULL, 0, 0x1234}, "", "", ZAP_STACK_UNKNOWN},
};

static void frames_have_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct zap_stack_frame frame;
        zap_stack_name(&names[i].place, &frame);
        assert_string_equal(frame.function, names[i].function);
        assert_string_equal(frame.file, names[i].file);
        if (frame.whose != names[i].whose)
            fail_msg("%s in %s is of %u", frame.function, frame.file, (unsigned)frame.whose);
    }
}

static void long_names_are_cut(void **state)
{
    (void)state;
    char name[300], path[700];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    snprintf(path, sizeof path, "/a/%s/Objects/%s.c", name, name);
    struct zap_stack_frame frame;
    zap_stack_name(&(struct zap_stack_place){name, WORKER, path, NULL, 5, 0}, &frame);
    assert_int_equal(strlen(frame.function), sizeof frame.function - 1);
    assert_int_equal(strlen(frame.file), sizeof frame.file - 1);
}

/* ------------------------------------------------------------------ overflows */

static struct zap_stack_frame frames[256];

/* A frame per letter of the text, the pattern again and again between `inner` and `outer`. */
static uint32_t make_frames(const char *inner, const char *pattern, uint32_t turn, uint32_t count,
                            const char *outer)
{
    uint32_t n = 0;
    memset(frames, 0, sizeof frames);
    for (size_t i = 0; inner[i]; i++)
        frames[n++].function[0] = inner[i];
    for (uint32_t i = 0; i < count; i++) {
        frames[n].function[0] = pattern[(turn + i) % strlen(pattern)];
        snprintf(frames[n].file, sizeof frames[n].file, "x.c:%u", (unsigned)n);
        n++;
    }
    for (size_t i = 0; outer[i]; i++)
        frames[n++].function[0] = outer[i];
    return n;
}

/* One letter for each frame. */
static const char *fold(uint32_t count, bool is_overflow)
{
    static char text[ZAP_STACK_MAX + 1];
    struct zap_stack stack;
    zap_stack_fold(frames, count, is_overflow, &stack);
    assert_int_equal(stack.is_overflow, is_overflow);
    for (uint32_t i = 0; i < stack.count; i++)
        text[i] = stack.frames[i].function[0] ? stack.frames[i].function[0] : '?';
    text[stack.count] = '\0';
    return text;
}

static void what_repeats_is_kept_once(void **state)
{
    (void)state;
    for (uint32_t turn = 0; turn < 7; turn++) {
        assert_string_equal(fold(make_frames("", "a", turn, 256, ""), true), "a");
        assert_string_equal(fold(make_frames("", "ba", turn, 256, ""), true), "ab");
        assert_string_equal(fold(make_frames("", "bcbad", turn, 256, ""), true), "adbcb");
        /* it hit the end in something that it calls, or was not deep */
        assert_string_equal(fold(make_frames("xyz", "cab", turn, 253, ""), true), "abc");
        assert_string_equal(fold(make_frames("xa", "cab", turn, 60, "main"), true), "abc");
        /* the same letter twice in a turn, and the smallest beginning is not unique at first */
        assert_string_equal(fold(make_frames("", "abac", turn, 256, ""), true), "abac");
    }
}

static void what_does_not_repeat_is_kept_as_it_is(void **state)
{
    (void)state;
    assert_string_equal(fold(make_frames("abc", "d", 0, 1, "ef"), true), "abcdef");
    assert_string_equal(fold(make_frames("", "ab", 0, 100, ""), false),
                        "abababababababababababababababab");
    assert_string_equal(fold(0, true), "");
    assert_string_equal(fold(0, false), "");
    /* longer than there is room for: the smallest beginning still */
    char pattern[50];
    for (int i = 0; i < 49; i++)
        pattern[i] = (char)('0' + (i + 20) % 49);
    pattern[49] = '\0';
    assert_string_equal(fold(make_frames("", pattern, 3, 256, ""), true),
                        "0123456789:;<=>?@ABCDEFGHIJKLMNO");
}

/* Frames without a name are told apart by where they are. */
static void places_repeat_too(void **state)
{
    (void)state;
    struct zap_stack stack;
    memset(frames, 0, sizeof frames);
    for (unsigned i = 0; i < 64; i++)
        snprintf(frames[i].file, sizeof frames[i].file, "lib.so+0x%u", 9 - i % 2);
    zap_stack_fold(frames, 64, true, &stack);
    assert_int_equal(stack.count, 2);
    assert_string_equal(stack.frames[0].file, "lib.so+0x8");
}

/* ------------------------------------------------------------------ reports */

static void assert_stack(const char *report, bool is_overflow, const char *expected)
{
    char text[2048];
    struct zap_stack stack;
    struct zap_str out = zap_str_init(text, sizeof text);
    assert_true(zap_stack_parse(report, &stack));
    assert_int_equal(stack.is_overflow, is_overflow);
    zap_stack_print(&stack, &out);
    assert_string_equal(text, expected);
}

static void reports_are_read(void **state)
{
    (void)state;
    assert_stack("ERROR: AddressSanitizer: heap-use-after-free on address 0x60 at pc 0x1\n"
                 "READ of size 8 at 0x60 thread T0\n"
                 "    #0 0x55d0c0 in insertdict /b/Python-3.11/Objects/dictobject.c:1234\n"
                 "    #1 0x55d0c1 in PyDict_SetItem Objects/dictobject.c:12:5\n"
                 "    #2 0x55d0c2 in zap_wipe /my src (2)/pyzap/src/py/route.c:3\n"
                 "    #3 0x7f0001 in f (/usr/lib/libz.so.1+0xabc) (BuildId: 12ab)\n"
                 "    #4 0x7f0002  (/usr/lib/libz.so.1+0xabd)\n"
                 "    #5 0x7f0003 in __libc_start_main ../csu/libc-start.c:9\n"
                 "    #6 0x7f0004 in _start (/usr/bin/x+0x1)\n"
                 "\n"
                 "0x60 is located 0 bytes inside of 8-byte region\n"
                 "freed by thread T0 here:\n"
                 "    #0 0x55d0c0 in free (/usr/lib/libasan.so.8+0x1)\n",
                 false,
                 "#0  insertdict  Objects/dictobject.c:1234\n"
                 "#1  PyDict_SetItem  Objects/dictobject.c:12\n"
                 "#2  zap_wipe  src/py/route.c:3\n"
                 "#3  f  libz.so.1\n"
                 "#4  ?  libz.so.1+0xabd\n"
                 "#5  __libc_start_main  libc-start.c:9\n"
                 "#6  _start  x\n");
    assert_stack("WARNING: ThreadSanitizer: data race (pid=12)\n"
                 "  Write of size 8 at 0x7b by main thread:\n"
                 "    #0 memcpy <null> (libtsan.so.2+0x4d)\n"
                 "    #1 list_dealloc /b/Objects/listobject.c:377 (worker+0x12)\n"
                 "  Previous write\n",
                 false,
                 "#0  memcpy  libtsan.so.2\n"
                 "#1  list_dealloc  Objects/listobject.c:377\n");
    assert_stack("x.c:1:2: runtime error: load of null pointer\n"
                 "    #0 0x1 in list_dealloc.part.0 Objects/listobject.c:377:9\n",
                 false, "#0  list_dealloc  Objects/listobject.c:377\n");
    assert_stack("ERROR: AddressSanitizer: stack-overflow on address 0x7ffe (pc 0x1 bp 0x2)\n"
                 "    #0 0x1 in b x.c:1\n    #1 0x1 in a x.c:2\n    #2 0x1 in b x.c:1\n"
                 "    #3 0x1 in a x.c:2\n    #4 0x1 in b x.c:1\n    #5 0x1 in a x.c:2\n",
                 true, "#0  a  x.c:2\n#1  b  x.c:1\nand so on, until the C stack is full\n");
}

static void other_text_is_no_report(void **state)
{
    (void)state;
    struct zap_stack stack;
    assert_false(zap_stack_parse("", &stack));
    assert_false(zap_stack_parse("Fatal Python error: oh no\n#not a frame\n # 1\n", &stack));
    assert_int_equal(stack.count, 0);
    /* cut short anywhere */
    static const char frame[] =
        "    #0 0x55d0c0 in insertdict /b/Objects/dictobject.c:1234:5 (x+0x1)";
    for (size_t i = 0; i < sizeof frame; i++) {
        char *text = strndup(frame, i);
        assert_int_equal(zap_stack_parse(text, &stack), i > 5);
        free(text);
    }
}

/* ------------------------------------------------------------------ in words */

static void the_top_is_cpythons(void **state)
{
    (void)state;
    struct zap_stack stack = {.count = 6};
    static const struct zap_stack_frame all[] = {
        {"memcpy", "libc.so.6", ZAP_STACK_SYSTEM},          {"", "x+0x1", ZAP_STACK_CPYTHON},
        {"insertdict", "Objects/x.c:1", ZAP_STACK_CPYTHON}, {"zap_x", "", ZAP_STACK_OURS},
        {"PyDict_SetItem", "", ZAP_STACK_CPYTHON},          {"wipe", "", ZAP_STACK_CPYTHON}};
    memcpy(stack.frames, all, sizeof all);
    char text[200];
    struct zap_str out = zap_str_init(text, sizeof text);
    zap_stack_top(&stack, &out);
    assert_string_equal(text, "insertdict < PyDict_SetItem < wipe");
    out = zap_str_init(text, sizeof text);
    zap_stack_print(&stack, &out);
    assert_non_null(strstr(text, "#1  ?  x+0x1\n#2  insertdict  Objects/x.c:1\n#3  zap_x\n"));
    stack.count = 1;
    out = zap_str_init(text, sizeof text);
    zap_stack_top(&stack, &out);
    assert_string_equal(text, "");
}

static void who_drops_a_reference_does_not_count(void **state)
{
    (void)state;
    static const struct {
        const char *functions[5], *top;
    } rows[] = {
        {{"settle", "subtype_dealloc", "_Py_Dealloc", "insertdict"}, "settle < subtype_dealloc"},
        {{"settle", "subtype_dealloc", "_PyEval_EvalFrameDefault"}, "settle < subtype_dealloc"},
        {{"settle", "_Py_Dealloc", "insertdict"}, "settle < insertdict"},
        {{"subtype_dealloc", "_Py_Dealloc", "insertdict", "PyDict_SetItem"},
         "subtype_dealloc < insertdict < PyDict_SetItem"},
        {{"subtype_dealloc", "dict_dealloc", "insertdict"}, "subtype_dealloc < dict_dealloc"},
        {{"_Py_Dealloc", "insertdict"}, "_Py_Dealloc < insertdict"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct zap_stack stack = {0};
        while (stack.count < 5 && rows[i].functions[stack.count]) {
            struct zap_stack_frame *frame = &stack.frames[stack.count];
            frame->whose = ZAP_STACK_CPYTHON;
            strcpy(frame->function, rows[i].functions[stack.count++]);
        }
        char text[200];
        struct zap_str out = zap_str_init(text, sizeof text);
        zap_stack_top(&stack, &out);
        assert_string_equal(text, rows[i].top);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_have_names),
        cmocka_unit_test(long_names_are_cut),
        cmocka_unit_test(what_repeats_is_kept_once),
        cmocka_unit_test(what_does_not_repeat_is_kept_as_it_is),
        cmocka_unit_test(places_repeat_too),
        cmocka_unit_test(reports_are_read),
        cmocka_unit_test(other_text_is_no_report),
        cmocka_unit_test(the_top_is_cpythons),
        cmocka_unit_test(who_drops_a_reference_does_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
