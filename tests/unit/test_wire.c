/* wire: what bytes mean, including those that mean little. Fits the limits of a hostile build. */
#include "plan/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The tags and codes are written as numbers here on purpose: they are a file format. */
enum { DROP = 1, WIPE = 3, RELOAD = 4, EXIT = 6, SUBINTERP = 7 };
enum { MODULE = 1, GLOBAL, OBJECT, LINK, ACT, PARK, SETTING, UNLISTED };
enum { INT = 2, LIST = 6, NODE = 10, CNODE = 11, FUNCTION = 12, CALLBACK = 18 };
enum { LOOK = 1, RAISE = 10 };
enum { A = 1, B = 2, U_A = 9 };
enum { SYS = 1, MAIN = 4, ATEXIT = 7, CODECS = 9 };
enum { STDERR_NONE = 1, GC_ON = 8 };

#define DECODE(plan, ...)                                                                          \
    do {                                                                                           \
        static const uint8_t given[] = {__VA_ARGS__};                                              \
        decode(given, sizeof given, plan);                                                         \
    } while (0)

/* From memory that ends where the bytes do. */
static void decode(const uint8_t *bytes, size_t len, struct zap_plan *ret_plan)
{
    uint8_t *exact = malloc(len > 0 ? len : 1);
    assert_non_null(exact);
    memcpy(exact, bytes, len);
    memset(ret_plan, 0xa5, sizeof *ret_plan);
    zap_wire_decode(exact, len, ret_plan);
    free(exact);
    assert_true(zap_plan_is_normal(ret_plan));
}

static void assert_bytes(const struct zap_plan *plan, const uint8_t *want, size_t want_len)
{
    uint8_t bytes[ZAP_WIRE_MAX];
    assert_int_equal(zap_wire_encode(plan, bytes), want_len);
    assert_memory_equal(bytes, want, want_len);
}

static void nothing_is_the_empty_plan(void **state)
{
    (void)state;
    struct zap_plan plan;
    struct zap_plan init;
    zap_plan_init(&init);
    decode((const uint8_t *)"", 0, &plan);
    assert_true(zap_plan_equal(&plan, &init));
    DECODE(&plan, DROP);
    assert_true(zap_plan_equal(&plan, &init));
    static const uint8_t want[] = {DROP, MODULE, 0};
    assert_bytes(&plan, want, sizeof want);
}

static void every_route_byte(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 256; i++) {
        uint8_t byte = (uint8_t)i;
        struct zap_plan plan;
        decode(&byte, 1, &plan);
        assert_int_equal(plan.route, zap_route_row(i) != NULL ? i : DROP);
    }
}

static void canonical_bytes(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {
        RELOAD,                        //
        MODULE, 0,                     //
        GLOBAL, A,        0,     2,    //
        GLOBAL, U_A,      2,     0,    //
        MODULE, 1,                     //
        GLOBAL, A,        3,     0,    //
        OBJECT, NODE,     1,     0,    //
        OBJECT, LIST,     0,     0,    //
        OBJECT, NODE,     255,   0,    //
        OBJECT, CALLBACK, 0,     2,    //
        LINK,   0,        1,           //
        LINK,   1,        0,           //
        ACT,    0,        LOOK,  1, B, //
        ACT,    2,        RAISE, 0, 0, //
    };
    struct zap_plan plan;
    decode(bytes, sizeof bytes, &plan);
    assert_int_equal(plan.route, RELOAD);
    assert_int_equal(plan.modules_count, 2);
    assert_int_equal(plan.modules[0].globals_count, 2);
    assert_int_equal(plan.modules[0].globals[0].again, ZAP_AGAIN_NONE);
    assert_int_equal(plan.modules[1].held, 1);
    assert_int_equal(plan.objects_count, 4);
    assert_int_equal(plan.objects[0].module, 1);
    assert_int_equal(plan.objects[2].module, ZAP_ELSEWHERE);
    assert_int_equal(plan.objects[3].target, 2);
    assert_int_equal(plan.links_count, 2);
    assert_int_equal(plan.acts_count, 2);
    assert_int_equal(plan.acts[0].name, B);
    assert_bytes(&plan, bytes, sizeof bytes);
}

static void canonical_bytes_of_ends(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {
        EXIT,                        //
        MODULE,   0,                 //
        GLOBAL,   A,           0, 0, //
        MODULE,   1,                 //
        OBJECT,   INT,         0, 0, //
        OBJECT,   NODE,        0, 0, //
        PARK,     ATEXIT,      0, 1, //
        PARK,     CODECS,      1, 1, //
        PARK,     SYS,         1, 0, //
        SETTING,  STDERR_NONE,       //
        SETTING,  GC_ON,             //
        UNLISTED, 0,                 //
        UNLISTED, 1,                 //
    };
    struct zap_plan plan;
    decode(bytes, sizeof bytes, &plan);
    assert_int_equal(plan.route, EXIT);
    assert_int_equal(plan.modules[0].unlisted, 1);
    assert_int_equal(plan.modules[1].unlisted, 1);
    assert_int_equal(plan.modules[1].held, 1);
    assert_int_equal(plan.objects_count, 2);
    assert_int_equal(plan.settings, 0x81);
    assert_int_equal(plan.parks_count, 3);
    assert_int_equal(plan.parks[0].place, ATEXIT);
    assert_int_equal(plan.parks[0].is_module, 0);
    assert_int_equal(plan.parks[0].what, 1);
    assert_int_equal(plan.parks[1].is_module, 1);
    assert_bytes(&plan, bytes, sizeof bytes);
}

/* Before what they are about, with numbers and flags that are too big, and twice. */
static void ends_in_any_order(void **state)
{
    (void)state;
    struct zap_plan plan;
    DECODE(&plan, SUBINTERP, UNLISTED, 201, SETTING, GC_ON, PARK, SYS, 77, 9, PARK, ATEXIT, 0, 202,
           PARK, MAIN, 1, 0, PARK, MAIN, 1, 1, PARK, SYS, 1, 1, SETTING, GC_ON, UNLISTED, 1, MODULE,
           0, MODULE, 0, OBJECT, NODE, 0, 0);
    static const uint8_t want[] = {
        SUBINTERP, MODULE, 0, MODULE, 0,    OBJECT, NODE, 0, 0,       PARK,  SYS,      1, 1,
        PARK,      ATEXIT, 0, 0,      PARK, MAIN,   1,    0, SETTING, GC_ON, UNLISTED, 1,
    };
    assert_bytes(&plan, want, sizeof want);
    /* of modules alone there can be parks, too */
    DECODE(&plan, EXIT, PARK, ATEXIT, 1, 200, PARK, SYS, 0, 0);
    static const uint8_t alone[] = {EXIT, MODULE, 0, PARK, ATEXIT, 1, 0};
    assert_bytes(&plan, alone, sizeof alone);
}

/* Nor does anything stay of them with another route, or of what is not assigned. */
static void ends_that_mean_nothing(void **state)
{
    (void)state;
    struct zap_plan plan;
    DECODE(&plan, WIPE, UNLISTED, 0, SETTING, GC_ON, PARK, SYS, 1, 0);
    static const uint8_t want[] = {WIPE, MODULE, 0};
    assert_bytes(&plan, want, sizeof want);
    DECODE(&plan, EXIT, SETTING, 0, SETTING, 9, SETTING, 255, PARK, 0, 1, 0, PARK, 10, 1, 0, PARK,
           255, 1, 0, PARK, SYS, 0, 0, PARK, SYS, 1);
    static const uint8_t bare[] = {EXIT, MODULE, 0};
    assert_bytes(&plan, bare, sizeof bare);
}

/* Records in any order, and before the first module record. */
static void order_of_records_is_free(void **state)
{
    (void)state;
    struct zap_plan plan;
    DECODE(&plan, WIPE, ACT, 0, LOOK, 1, A, GLOBAL, A, 0, 0, MODULE, 1, GLOBAL, B, 1, 0, OBJECT,
           NODE, 0, 0, OBJECT, INT, 0, 0, LINK, 0, 1);
    static const uint8_t want[] = {
        WIPE, MODULE, 0,      GLOBAL, A, 0, 0,    MODULE, 1, GLOBAL, B, 1,    0, OBJECT, NODE,
        0,    0,      OBJECT, INT,    0, 0, LINK, 0,      1, ACT,    0, LOOK, 1, A,
    };
    assert_bytes(&plan, want, sizeof want);
}

static void numbers_wrap(void **state)
{
    (void)state;
    struct zap_plan plan;
    /* two objects, one module; 255 is ELSEWHERE for a node and a number for a function */
    DECODE(&plan, DROP, GLOBAL, A, 102, 0, GLOBAL, B, 255, 0, OBJECT, NODE, 255, 7, OBJECT,
           FUNCTION, 255, 7, LINK, 254, 5, ACT, 8, LOOK, 99, B);
    static const uint8_t want[] = {
        DROP, MODULE, 0,        GLOBAL, A, 0,    0, GLOBAL, B,   1, 0,    OBJECT, NODE, 255,
        0,    OBJECT, FUNCTION, 0,      0, LINK, 0, 1,      ACT, 0, LOOK, 0,      B,
    };
    assert_bytes(&plan, want, sizeof want);
}

static void targets_wrap(void **state)
{
    (void)state;
    struct zap_plan plan;
    DECODE(&plan, DROP, GLOBAL, A, 0, 0, GLOBAL, B, 1, 0, OBJECT, NODE, 0, 0, OBJECT, CALLBACK, 0,
           200);
    assert_int_equal(plan.objects[1].kind, CALLBACK);
    assert_int_equal(plan.objects[1].target, 0);
}

/* Codes that are not assigned make a record mean nothing; one byte that is no tag is skipped. */
static void unassigned_is_nothing(void **state)
{
    (void)state;
    struct zap_plan plan;
    DECODE(&plan, DROP, 0, 200, OBJECT, INT, 0, 0, OBJECT, 0, 0, 0, OBJECT, 222, 1, 1, OBJECT, NODE,
           0, 0, 9, GLOBAL, 0, 0, 0, GLOBAL, 63, 0, 0, GLOBAL, 255, 0, 0, GLOBAL, A, 0, 0, GLOBAL,
           B, 1, 0, 255, ACT, 1, 0, 0, 0, ACT, 1, 99, 0, 0, ACT, 1, LOOK, 0, 77, ACT, 1, RAISE, 0,
           77);
    static const uint8_t want[] = {
        DROP, MODULE, 0, GLOBAL, A,    0, 0, GLOBAL, B, 1,     0, OBJECT,
        INT,  0,      0, OBJECT, NODE, 0, 0, ACT,    1, RAISE, 0, 0,
    };
    assert_bytes(&plan, want, sizeof want);
}

/* Cut anywhere, a plan stays a plan, and never one with more in it. */
static void cut_short(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {
        DROP, OBJECT, NODE, 0,    0, OBJECT, CNODE, 0, 0,    GLOBAL, A, 0,      0, GLOBAL,
        B,    1,      0,    LINK, 0, 1,      ACT,   0, LOOK, 0,      A, MODULE, 1,
    };
    unsigned size_before = 0;
    for (size_t len = 0; len <= sizeof bytes; len++) {
        struct zap_plan plan;
        decode(bytes, len, &plan);
        unsigned size = 0u + plan.modules_count + plan.objects_count +
                        plan.modules[0].globals_count + plan.links_count + plan.acts_count;
        assert_true(size >= size_before);
        size_before = size;
    }
    assert_int_equal(size_before, 2 + 2 + 2 + 1 + 1);
}

static void over_the_limits_is_ignored(void **state)
{
    (void)state;
    enum { TIMES = 300 };
    static uint8_t bytes[1 + TIMES * (2 + 4 + 4 + 3 + 5)];
    uint8_t *out = bytes;
    *out++ = DROP;
    for (unsigned i = 0; i < TIMES; i++) {
        const uint8_t records[] = {
            OBJECT,     NODE,  0,    0,          GLOBAL, (uint8_t)(1 + i % 40),
            (uint8_t)i, 0,     LINK, (uint8_t)i, 0,      ACT,
            (uint8_t)i, RAISE, 0,    0,
        };
        memcpy(out, records, sizeof records);
        out += sizeof records;
    }
    for (unsigned i = 0; i < TIMES; i++) {
        *out++ = MODULE;
        *out++ = 1;
    }
    assert_int_equal(out - bytes, sizeof bytes);
    struct zap_plan plan;
    decode(bytes, sizeof bytes, &plan);
    assert_int_equal(plan.modules_count, ZAP_MODULES_MAX);
    assert_int_equal(plan.modules[0].held, 0);
    assert_int_equal(plan.modules[ZAP_MODULES_MAX - 1].held, 1);
    assert_int_equal(plan.modules[0].globals_count, ZAP_GLOBALS_MAX);
    static uint8_t parks[1 + TIMES * 4] = {EXIT};
    for (unsigned i = 0; i < TIMES; i++) {
        const uint8_t park[] = {PARK, (uint8_t)(1 + i % 9), 1, 0};
        memcpy(parks + 1 + 4 * i, park, sizeof park);
    }
    decode(parks, sizeof parks, &plan);
    assert_int_equal(plan.parks_count, ZAP_PARKS_MAX < 9 ? ZAP_PARKS_MAX : 9);
}

static void full_plan_fits(void **state)
{
    (void)state;
    struct zap_plan plan;
    zap_plan_init(&plan);
    plan.modules_count = ZAP_MODULES_MAX;
    plan.objects_count = ZAP_OBJECTS_MAX;
    plan.links_count = ZAP_LINKS_MAX;
    plan.acts_count = ZAP_ACTS_MAX;
    plan.route = EXIT;
    plan.settings = 0xff;
    plan.parks_count = ZAP_PARKS_MAX;
    for (unsigned i = 0; i < ZAP_PARKS_MAX; i++) {
        plan.parks[i] = (struct zap_park){SYS, 0, (uint8_t)(i % ZAP_OBJECTS_MAX)};
    }
    for (unsigned m = 0; m < ZAP_MODULES_MAX; m++) {
        plan.modules[m].globals_count = ZAP_GLOBALS_MAX;
        plan.modules[m].unlisted = 1;
        for (unsigned i = 0; i < ZAP_GLOBALS_MAX; i++) {
            plan.modules[m].globals[i].name = (uint8_t)(i + 1);
        }
    }
    plan.modules[0].globals[0].object = ZAP_OBJECTS_MAX - 1;
    for (unsigned i = 0; i < ZAP_OBJECTS_MAX; i++) {
        plan.objects[i].kind = NODE;
    }
    for (unsigned i = 0; i < ZAP_LINKS_MAX; i++) {
        plan.links[i] = (struct zap_link){ZAP_OBJECTS_MAX - 1, (uint8_t)(i % ZAP_OBJECTS_MAX)};
    }
    for (unsigned i = 0; i < ZAP_ACTS_MAX; i++) {
        plan.acts[i] = (struct zap_act){.node = (uint8_t)(i / ZAP_SCRIPT_MAX), .op = RAISE};
    }
    zap_plan_normalize(&plan);
    bool all_reached = ZAP_LINKS_MAX >= ZAP_OBJECTS_MAX;
    assert_true(!all_reached || plan.objects_count == ZAP_OBJECTS_MAX);
    uint8_t bytes[ZAP_WIRE_MAX];
    size_t len = zap_wire_encode(&plan, bytes);
    if (all_reached) {
        assert_int_equal(len, ZAP_WIRE_MAX);
    }
    struct zap_plan back;
    decode(bytes, len, &back);
    assert_true(zap_plan_equal(&plan, &back));
}

static void huge_and_silly(void **state)
{
    (void)state;
    enum { LEN = 64 * 1024 };
    uint8_t *bytes = malloc(LEN);
    assert_non_null(bytes);
    for (unsigned byte = 0; byte < 256; byte++) {
        struct zap_plan plan;
        memset(bytes, (int)byte, LEN);
        decode(bytes, LEN, &plan);
    }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_the_empty_plan),
        cmocka_unit_test(every_route_byte),
        cmocka_unit_test(canonical_bytes),
        cmocka_unit_test(canonical_bytes_of_ends),
        cmocka_unit_test(ends_in_any_order),
        cmocka_unit_test(ends_that_mean_nothing),
        cmocka_unit_test(order_of_records_is_free),
        cmocka_unit_test(numbers_wrap),
        cmocka_unit_test(targets_wrap),
        cmocka_unit_test(unassigned_is_nothing),
        cmocka_unit_test(cut_short),
        cmocka_unit_test(over_the_limits_is_ignored),
        cmocka_unit_test(full_plan_fits),
        cmocka_unit_test(huge_and_silly),
    };
    return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
