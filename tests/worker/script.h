/* Running stand-alone scripts of plans: for test_script.c and build_script.c. */
#ifndef ZAP_TESTS_WORKER_SCRIPT_H
#define ZAP_TESTS_WORKER_SCRIPT_H

#include "plan/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SCRIPT_DEADLINE_S = 60 };

/* Does what happens depend on the plan and the version alone? How deep a deallocation goes before
 * it is put off depends on what else is being deallocated. */
static inline bool script_is_deterministic(const struct zap_plan *plan)
{
    for (unsigned i = 0; i < plan->objects_count; i++) {
        if (plan->objects[i].kind == ZAP_VALUE_NEST) {
            return false;
        }
    }
    return true;
}

/* Write the script of a plan to a file. False on failure. */
static inline bool script_write(const struct zap_plan *plan, const char *path)
{
    static char text[ZAP_SOURCE_MAX];
    struct zap_str out = zap_str_init(text, sizeof text);
    zap_source_script(plan, &out);
    FILE *file = fopen(path, "w");
    return file && fputs(text, file) >= 0 && fclose(file) == 0 && !out.cut;
}

/* Run a script.
 *
 * ret_said  what it printed, as a string; cut at size
 * Returns   its wait status, or -1
 */
static inline int script_run(const char *python, const char *path, char *ret_said, size_t size)
{
    int fds[2];
    if (pipe(fds) != 0) {
        return -1;
    }
    pid_t child = fork();
    if (child == 0) {
        dup2(fds[1], STDOUT_FILENO);
        close(fds[0]);
        close(fds[1]);
        if (!freopen("/dev/null", "w", stderr)) { /* unraisable errors are what plans are made of */
            _exit(126);
        }
        setenv("PYTHONHASHSEED", "0", 1);
        /* An interpreter leaves memory to the system at its end. */
        setenv("ASAN_OPTIONS", "detect_leaks=0", 0);
        alarm(SCRIPT_DEADLINE_S);
        execl(python, python, path, (char *)NULL);
        _exit(127);
    }
    close(fds[1]);
    size_t len = 0;
    ssize_t got;
    while ((got = read(fds[0], ret_said + len, size - 1 - len)) > 0) {
        len += (size_t)got;
    }
    ret_said[len] = '\0';
    close(fds[0]);
    int status;
    return child > 0 && waitpid(child, &status, 0) == child ? status : -1;
}

/* Did a script find out that it has no end, and say so? */
static inline bool script_has_no_end(int status, const char *said)
{
    return WIFEXITED(status) && WEXITSTATUS(status) == 3 && strstr(said, "\n# endless: ");
}

/* Is this all that a script says where it cannot call _PyModule_Clear, make a subinterpreter, or
 * hold something where the plan wants it held? */
static inline bool script_has_no_route(const char *said)
{
    return strncmp(said, "# ", 2) == 0 && strstr(said, " is not available: ") != NULL;
}

#endif
