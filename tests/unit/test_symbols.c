/* Names for program counters (src/host/symbols.c): of this very program, and of nothing at all. */
#include "host/symbols.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct zap_crash crash;

/* A crash with these lines of maps and no frame yet. */
static void set_maps(const char *text)
{
    memset(&crash, 0, sizeof crash);
    crash.signal = SIGSEGV;
    crash.maps_len = (uint32_t)strlen(text);
    assert_true(crash.maps_len <= sizeof crash.maps);
    memcpy(crash.maps, text, crash.maps_len);
}

/* ... and those of this process, where there is code. */
static void set_own_maps(void)
{
    static char text[sizeof crash.maps + 1];
    char line[1024];
    size_t len = 0;
    FILE *file = fopen("/proc/self/maps", "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        size_t line_len = strlen(line);
        if (strstr(line, " r-xp ") && len + line_len < sizeof text) {
            memcpy(text + len, line, line_len + 1);
            len += line_len;
        }
    }
    fclose(file);
    set_maps(text);
}

static void add_frame(uintptr_t pc)
{
    crash.frames[crash.frames_count] = pc;
    crash.frames_count++;
}

__attribute__((noinline)) static int static_function(int x)
{
    return x * 3 + (int)strlen("x");
}

static int (*volatile pointer)(int) = static_function;

/* The last address of this program's code that is mapped: the rest of a page, which no symbol
 * covers. */
static uintptr_t end_of_code(void)
{
    char *line = strstr(crash.maps, "/test_symbols");
    assert_non_null(line);
    while (line > crash.maps && line[-1] != '\n')
        line--;
    unsigned long start, end;
    assert_int_equal(sscanf(line, "%lx-%lx", &start, &end), 2);
    return end - 1;
}

static void functions_have_names(void **state)
{
    (void)state;
    struct zap_stack stack, again;
    assert_int_equal(pointer(1), 4);
    for (int i = 0; i < 2; i++) {
        set_own_maps();
        add_frame((uintptr_t)pointer + 1);
        add_frame((uintptr_t)set_own_maps + 5);
        add_frame((uintptr_t)getpid + 1);
        add_frame(end_of_code());
        add_frame(1);
        zap_symbols_stack(&crash, i == 0 ? &stack : &again);
    }
    assert_memory_equal(&stack, &again, sizeof stack); /* from memory the second time */
    assert_int_equal(stack.count, 5);
    assert_string_equal(stack.frames[0].function, "static_function");
    assert_int_equal(strncmp(stack.frames[0].file, "tests/unit/test_symbols.c:", 26), 0);
    assert_int_equal(stack.frames[0].whose, ZAP_STACK_OURS);
    assert_string_equal(stack.frames[1].function, "set_own_maps");
    assert_int_equal(stack.frames[2].whose, ZAP_STACK_SYSTEM);
    assert_string_equal(stack.frames[3].function, "");
    assert_int_equal(strncmp(stack.frames[3].file, "test_symbols+0x", 15), 0);
    assert_int_equal(stack.frames[3].whose, ZAP_STACK_UNKNOWN);
    assert_string_equal(stack.frames[4].function, "");
    assert_string_equal(stack.frames[4].file, "");

    zap_symbols_release();
    zap_symbols_stack(&crash, &again);
    assert_memory_equal(&stack, &again, sizeof stack);
}

/* Files that are not there, or are none to read; and none at all. */
static void files_may_be_anything(void **state)
{
    (void)state;
    char folder[] = "/tmp/pyzap-symbols-XXXXXX", fifo[64], empty[64], maps[1024];
    assert_non_null(mkdtemp(folder));
    snprintf(fifo, sizeof fifo, "%s/fifo", folder);
    snprintf(empty, sizeof empty, "%s/empty", folder);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    FILE *file = fopen(empty, "w");
    assert_non_null(file);
    fclose(file);
    snprintf(maps, sizeof maps,
             "1000-2000 r-xp 00000000 00:00 1                 /nowhere/lib x.so\n"
             "2000-3000 r-xp 00000100 00:00 1                 %s\n"
             "3000-4000 r-xp 00000000 00:00 1                 %s\n"
             "4000-5000 r-xp 00000000 00:00 1                 /tmp\n"
             "5000-6000 r-xp 00000000 00:00 0                 [vdso]\n"
             "6000-7000 r-xp 00000000 00:00 0 \n",
             fifo, empty);
    set_maps(maps);
    for (uintptr_t pc = 0x1010; pc < 0x8000; pc += 0x1000)
        add_frame(pc);
    struct zap_stack stack;
    zap_symbols_stack(&crash, &stack);
    static const char *const files[] = {
        "lib x.so+0x10", "fifo+0x110", "empty+0x10", "tmp+0x10", "[vdso]+0x10", "", ""};
    assert_int_equal(stack.count, 7);
    for (uint32_t i = 0; i < stack.count; i++) {
        assert_string_equal(stack.frames[i].function, "");
        assert_string_equal(stack.frames[i].file, files[i]);
        assert_int_equal(stack.frames[i].whose,
                         i == 0 || i == 4 ? ZAP_STACK_SYSTEM : ZAP_STACK_UNKNOWN);
    }
    unlink(fifo);
    unlink(empty);
    rmdir(folder);
}

static void a_damaged_block_says_nothing(void **state)
{
    (void)state;
    struct zap_stack stack;
    set_maps("");
    crash.frames_count = ZAP_CRASH_FRAMES_MAX + 1;
    zap_symbols_stack(&crash, &stack);
    assert_int_equal(stack.count, 0);
    set_maps("");
    crash.maps_len = UINT32_MAX;
    add_frame(5);
    zap_symbols_stack(&crash, &stack);
    assert_int_equal(stack.count, 0);
    memset(&crash, 0, sizeof crash); /* no signal */
    add_frame(5);
    zap_symbols_stack(&crash, &stack);
    assert_int_equal(stack.count, 0);

    /* any bytes: it ends, and no frame has more than it may */
    memset(&crash, 0x41, sizeof crash);
    crash.frames_count = ZAP_CRASH_FRAMES_MAX;
    crash.maps_len = ZAP_CRASH_MAPS_MAX;
    zap_symbols_stack(&crash, &stack);
    assert_in_range(stack.count, 1, ZAP_STACK_MAX);
    uint32_t random = 1;
    for (int round = 0; round < 200; round++) {
        set_own_maps();
        for (uint32_t i = 0; i < crash.maps_len; i++) {
            random = random * 1664525 + 1013904223;
            if (random >> 24 == 0)
                crash.maps[i] = (char)(random >> 8);
        }
        for (int i = 0; i < 20; i++)
            add_frame((uintptr_t)pointer + (uintptr_t)i * 999);
        zap_symbols_stack(&crash, &stack);
        assert_int_equal(stack.count, 20);
    }
}

/* A worker that makes up files without end does not fill the memory. */
static void there_is_an_end_to_names(void **state)
{
    (void)state;
    struct zap_stack stack;
    for (int i = 0; i < 1000; i++) {
        char maps[64];
        snprintf(maps, sizeof maps, "1000-2000 r-xp 00000000 00:00 1 /nowhere/%d\n", i);
        set_maps(maps);
        add_frame(0x1000 + (uintptr_t)i);
        zap_symbols_stack(&crash, &stack);
        snprintf(maps, sizeof maps, "%d+0x%x", i, (unsigned)i);
        assert_string_equal(stack.frames[0].file, maps);
    }
}

/* The fault where the stack would have grown next, and others. */
static void an_overflow_is_near_the_stack_pointer(void **state)
{
    (void)state;
    static const struct {
        uint64_t address, stack_pointer;
        bool is_overflow;
    } cases[] = {{0x7ffe0000, 0x7ffe0008, true},
                 {0x7ffe0100, 0x7ffe0008, true},
                 {0x7ffe0008, 0x7ffe0008, true},
                 {0x7ffd0000, 0x7ffe0008, false},
                 {0x70000000, 0x7ffe0008, false},
                 {64, 0x7ffe0008, false},
                 {64, 64, false},
                 {0, 0, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct zap_stack stack;
        set_maps("");
        crash.address = cases[i].address;
        crash.stack_pointer = cases[i].stack_pointer;
        for (int j = 0; j < 20; j++)
            add_frame(5);
        zap_symbols_stack(&crash, &stack);
        assert_int_equal(stack.is_overflow, cases[i].is_overflow);
        assert_int_equal(stack.count, cases[i].is_overflow ? 1 : 20);
        crash.signal = SIGABRT;
        zap_symbols_stack(&crash, &stack);
        assert_false(stack.is_overflow);
    }
}

static int release(void **state)
{
    (void)state;
    zap_symbols_release();
    zap_symbols_release();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_have_names),
        cmocka_unit_test(files_may_be_anything),
        cmocka_unit_test(a_damaged_block_says_nothing),
        cmocka_unit_test(there_is_an_end_to_names),
        cmocka_unit_test(an_overflow_is_near_the_stack_pointer),
    };
    return cmocka_run_group_tests(tests, NULL, release);
}
