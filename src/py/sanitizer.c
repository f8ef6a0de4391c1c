/* What AddressSanitizer and UndefinedBehaviorSanitizer do in a worker that has them in it: because
 * all of pyzap is built with them, or because its CPython is.
 *
 * A worker's death must look the same with them as without: the signals stay the kernel's, and what
 * they themselves find ends in SIGABRT, so that it is a verdict with the plan that did it. Leaks
 * are not theirs to look for: an interpreter keeps memory until the process ends, and the host
 * watches the resident size. That is for every sanitizer build, whoever runs it, and so it is not
 * left to the environment (which can still say otherwise: what ASAN_OPTIONS says comes last). Where
 * no sanitizer is linked in, nobody asks.
 *
 * Freed memory is kept back for a while, so that its use is noticed, and every call stack that ever
 * allocated or freed is kept for good. Both are cut down, or a worker would look as if it grew
 * without end.
 */
#define DEATHS                                                                                     \
    "abort_on_error=1:handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:"              \
    "handle_abort=0:"

extern const char *__asan_default_options(void);
extern const char *__ubsan_default_options(void);

const char *__asan_default_options(void)
{
    return DEATHS "detect_leaks=0:quarantine_size_mb=32:malloc_context_size=8";
}

const char *__ubsan_default_options(void)
{
    return DEATHS "print_stacktrace=1";
}
