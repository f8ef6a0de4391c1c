/* Stacks in words: what a frame is called, whose it is, and what of a stack tells crashes apart.
 *
 * Whose a frame is decides what a crash is called, so it goes by what is sure. A system library is
 * told by its name, our code by the path of its compile unit, or by its prefix where there is no
 * debug information; all else in a worker is CPython. Of CPython, what only reports that something
 * is wrong counts as system: every fatal error ends there, whoever is to blame.
 */
#include "host/stack.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    TOP = 3,
    PERIOD_MAX = 100,   /* of a recursion, in frames */
    REPORTED_MAX = 256, /* frames, by a sanitizer */
};

/* ------------------------------------------------------------------ whose */

/* Functions that have no part in what went wrong. A name that ends in '*' is a prefix. */
static const char *const reporters[] = {
    /* CPython's fatal errors: Python/pylifecycle.c */
    "Py_FatalError",
    "_Py_FatalError*",
    "fatal_error*",
    "_Py_FatalRefcountError*", /* 3.8 on: Objects/object.c */
    /* its assertions: Objects/object.c; the C library's are in the C library */
    "_PyObject_AssertFailed",
    "_PyObject_ASSERT_FAILED_MSG",
    "_Py_NegativeRefcount",
    /* its debugging allocator, which checks blocks for whoever frees them: Objects/obmalloc.c */
    "_PyMem_Debug*",
    "_PyObject_Debug*",
    /* where a sanitizer is linked statically */
    "__asan_*",
    "__tsan_*",
    "__ubsan_*",
    "__sanitizer_*",
    "__interceptor_*",
    "___interceptor_*",
    "__interception*",
    "_ZN6__asan*",
    "_ZN6__tsan*",
    "_ZN7__ubsan*",
    "_ZN11__sanitizer*",
    "_ZN14__interception*",
    /* where every process begins */
    "_start",
};

/* ... and of ours, where no debug information says so. */
static const char *const our_names[] = {"zap_*", "__wrap_*", "main"};

static bool is_listed(const char *name, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(list[i]);
        bool is_prefix = list[i][len - 1] == '*';
        if (is_prefix ? strncmp(name, list[i], len - 1) == 0 : strcmp(name, list[i]) == 0)
            return true;
    }
    return false;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Extension modules have no "lib" before their names, and the worker has not either. */
static bool is_system_module(const char *module)
{
    const char *name = base_name(module);
    bool is_library = strncmp(name, "lib", 3) == 0 && strstr(name, ".so");
    return (is_library && strncmp(name, "libpython", 9) != 0) || strncmp(name, "ld-", 3) == 0 ||
           strncmp(name, "ld.so", 5) == 0 || name[0] == '['; /* [vdso] */
}

/* The last part of a path that begins with folder/; NULL where there is none. */
static const char *find_folder(const char *path, const char *folder)
{
    size_t len = strlen(folder);
    const char *last = NULL;
    for (const char *at = path; (at = strstr(at, folder)) != NULL; at++) {
        if ((at == path || at[-1] == '/') && at[len] == '/')
            last = at;
    }
    return last;
}

/* The part of a path that is the same in every copy of our source tree; NULL: not one of ours.
 * CPython has folders of such names nowhere; a path to it may, so the file has to be in them. */
static const char *our_part(const char *path)
{
    static const char *const folders[] = {"src/base", "src/plan",     "src/oracle",   "src/py",
                                          "src/host", "tests/worker", "tests/unit",   "tests/prop",
                                          "fuzz",     "tests/fuzz",   "tests/witness"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        const char *part = find_folder(path, folders[i]);
        if (part && !strchr(part + strlen(folders[i]) + 1, '/'))
            return part;
    }
    return NULL;
}

/* The part of a path that is the same in every copy of CPython's; NULL: not one of them. */
static const char *cpythons_part(const char *path)
{
    static const char *const folders[] = {"Objects", "Python", "Modules",
                                          "Include", "Parser", "Programs"};
    const char *part = NULL;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0] && !part; i++)
        part = find_folder(path, folders[i]);
    return part;
}

static enum zap_stack_whose whose(const struct zap_stack_place *place, const char *function)
{
    const char *unit = place->unit ? place->unit : place->source;
    if (place->module && is_system_module(place->module))
        return ZAP_STACK_SYSTEM;
    if (!function[0])
        return ZAP_STACK_UNKNOWN;
    if (is_listed(function, reporters, sizeof reporters / sizeof reporters[0]))
        return ZAP_STACK_SYSTEM;
    if (unit ? our_part(unit) != NULL
             : is_listed(function, our_names, sizeof our_names / sizeof our_names[0]))
        return ZAP_STACK_OURS;
    if (!place->module && unit && !cpythons_part(unit)) /* a report may name sources alone */
        return ZAP_STACK_SYSTEM;
    return ZAP_STACK_CPYTHON;
}

/* ------------------------------------------------------------------ what it is called */

/* From CPython's or our own folders on; else the file alone. */
static const char *tidy_path(const char *path)
{
    const char *part = our_part(path);
    if (!part)
        part = cpythons_part(path);
    return part ? part : base_name(path);
}

void zap_stack_name(const struct zap_stack_place *place, struct zap_stack_frame *ret_frame)
{
    memset(ret_frame, 0, sizeof *ret_frame);
    /* "subtype_dealloc.part.0", "raise@@GLIBC_2.2.5": no name in C has such characters. */
    struct zap_str function = zap_str_init(ret_frame->function, sizeof ret_frame->function);
    if (place->function)
        zap_str_add_bytes(&function, place->function, strcspn(place->function, ".@"));
    struct zap_str file = zap_str_init(ret_frame->file, sizeof ret_frame->file);
    if (place->source && function.len > 0) {
        zap_str_add(&file, tidy_path(place->source));
        if (place->line)
            zap_str_printf(&file, ":%u", place->line);
    } else if (place->module) {
        zap_str_add(&file, base_name(place->module));
        if (function.len == 0)
            zap_str_printf(&file, "+0x%" PRIx64, place->offset);
    }
    ret_frame->whose = whose(place, ret_frame->function);
}

/* ------------------------------------------------------------------ overflows */

/* Order of frames by what they run, not by where in it they are. */
static int compare(const struct zap_stack_frame *a, const struct zap_stack_frame *b)
{
    int order = strcmp(a->function, b->function);
    return order != 0 || a->function[0] ? order : strcmp(a->file, b->file);
}

/* How many frames from the first on are a repetition of the first `period`. */
static uint32_t repeated(const struct zap_stack_frame *frames, uint32_t count, uint32_t period)
{
    uint32_t len = period;
    while (len < count && compare(&frames[len], &frames[len - period]) == 0)
        len++;
    return len;
}

/* What repeats is not all of it: the innermost frames may be of something that it calls, and the
 * outermost of what called it. */
static bool find_period(const struct zap_stack_frame *frames, uint32_t count, uint32_t *ret_start,
                        uint32_t *ret_period)
{
    for (uint32_t start = 0; start < count / 2; start++) {
        uint32_t left = count - start;
        for (uint32_t period = 1; period <= left / 2 && period <= PERIOD_MAX; period++) {
            uint32_t len = repeated(frames + start, left, period);
            if (len >= 2 * period && len >= count / 2) {
                *ret_start = start;
                *ret_period = period;
                return true;
            }
        }
    }
    return false;
}

/* Does the cycle read smaller when it begins at a than when it begins at b? */
static bool is_smaller(const struct zap_stack_frame *cycle, uint32_t period, uint32_t a, uint32_t b)
{
    for (uint32_t i = 0; i < period; i++) {
        int order = compare(&cycle[(a + i) % period], &cycle[(b + i) % period]);
        if (order != 0)
            return order < 0;
    }
    return false;
}

void zap_stack_fold(const struct zap_stack_frame *frames, uint32_t count, bool is_overflow,
                    struct zap_stack *ret_stack)
{
    uint32_t start = 0, period = count, first = 0;
    memset(ret_stack, 0, sizeof *ret_stack);
    ret_stack->is_overflow = is_overflow;
    if (is_overflow && find_period(frames, count, &start, &period)) {
        for (uint32_t i = 1; i < period; i++)
            first = is_smaller(frames + start, period, i, first) ? i : first;
    }
    for (uint32_t i = 0; i < period && i < ZAP_STACK_MAX; i++)
        ret_stack->frames[ret_stack->count++] = frames[start + (first + i) % period];
}

/* ------------------------------------------------------------------ sanitizers' reports */

/* Text up to a character, or to the end of the line. */
static void copy_until(const char *text, const char *ends, char *ret, size_t size)
{
    struct zap_str out = zap_str_init(ret, size);
    zap_str_add_bytes(&out, text, strcspn(text, ends));
}

/* "path (/usr/lib/libx.so+0x12)": the part in parentheses is cut off. */
static void parse_module(char *text, struct zap_stack_place *place)
{
    char *open = strrchr(text, '('), *plus = open ? strstr(open, "+0x") : NULL;
    if (!plus)
        return;
    place->module = open + 1;
    place->offset = strtoull(plus + 1, NULL, 16);
    *plus = '\0';
    *open = '\0';
    if (open > text && open[-1] == ' ')
        open[-1] = '\0';
}

/* "/src/Objects/dictobject.c:1234:5": numbers are cut off from the right. */
static void parse_source(char *path, struct zap_stack_place *place)
{
    place->source = path;
    for (int i = 0; i < 2; i++) {
        char *colon = strrchr(path, ':');
        if (!colon || !colon[1] || colon[1 + strspn(colon + 1, "0123456789")] != '\0')
            return;
        place->line = (unsigned)strtoul(colon + 1, NULL, 10);
        *colon = '\0';
    }
}

/* "#1 0x55d0c0 in insertdict /src/Objects/dictobject.c:1234:5", "#2 0x7f01 (/lib/libx.so+0x12)",
 * "#3 main /src/x.c:12 (worker+0x12) (BuildId: 12ab)". line: after the '#' */
static void parse_frame(const char *line, struct zap_stack_frame *ret_frame)
{
    char function[128] = "", where[1024];
    struct zap_stack_place place = {.function = function};
    line += strspn(line, "0123456789");
    line += strspn(line, " ");
    if (strncmp(line, "0x", 2) == 0) {
        line += strcspn(line, " \n");
        line += strspn(line, " ");
        if (strncmp(line, "in ", 3) == 0)
            line += 3;
    }
    if (*line != '(') {
        copy_until(line, " (\n", function, sizeof function);
        line += strcspn(line, " \n");
        line += strspn(line, " ");
    }
    copy_until(line, "\n", where, sizeof where);
    char *build_id = strstr(where, " (BuildId: ");
    if (build_id)
        *build_id = '\0';
    parse_module(where, &place);
    if (where[0] && strcmp(where, "<null>") != 0)
        parse_source(where, &place);
    zap_stack_name(&place, ret_frame);
}

bool zap_stack_parse(const char *report, struct zap_stack *ret_stack)
{
    struct zap_stack_frame frames[REPORTED_MAX];
    uint32_t count = 0;
    const char *word = strstr(report, "stack-overflow on ");
    bool is_overflow = word && !memchr(report, '\n', (size_t)(word - report));
    for (const char *line = report; *line;) {
        const char *text = line + strspn(line, " ");
        bool is_frame = text[0] == '#' && text[1] >= '0' && text[1] <= '9';
        if (is_frame && count < REPORTED_MAX)
            parse_frame(text + 1, &frames[count++]);
        else if (!is_frame && count > 0)
            break;
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    zap_stack_fold(frames, count, is_overflow, ret_stack);
    return count > 0;
}

/* ------------------------------------------------------------------ in words */

static bool is_dealloc(const char *function)
{
    static const char end[] = "_dealloc";
    size_t len = strlen(function), end_len = sizeof end - 1;
    return len >= end_len && strcmp(function + len - end_len, end) == 0;
}

/* Whoever happens to drop the last reference to an object has no part in what its deallocation does
 * wrong: nobody above that counts. (_Py_Dealloc is inlined in places, and says nothing anyway.)
 * Only where deallocation itself is all that is known, its callers are better than nothing. */
void zap_stack_top(const struct zap_stack *stack, struct zap_str *out)
{
    unsigned named = 0;
    for (uint32_t i = 0; i < stack->count && named < TOP; i++) {
        const struct zap_stack_frame *frame = &stack->frames[i];
        if (frame->whose != ZAP_STACK_CPYTHON || !frame->function[0] ||
            (named > 0 && strcmp(frame->function, "_Py_Dealloc") == 0))
            continue;
        zap_str_printf(out, "%s%s", named ? " < " : "", frame->function);
        named++;
        if (named > 1 && is_dealloc(frame->function))
            break;
    }
}

void zap_stack_print(const struct zap_stack *stack, struct zap_str *out)
{
    for (uint32_t i = 0; i < stack->count; i++) {
        const struct zap_stack_frame *frame = &stack->frames[i];
        zap_str_printf(out, "#%-2u %s%s%s\n", (unsigned)i,
                       frame->function[0] ? frame->function : "?", frame->file[0] ? "  " : "",
                       frame->file);
    }
    if (stack->is_overflow)
        zap_str_add(out, "and so on, until the C stack is full\n");
}
