/* Making processes stand in line for a processor: for test_usage.c and test_host.c. */
#ifndef ZAP_TESTS_PROCESSOR_H
#define ZAP_TESTS_PROCESSOR_H

#include <sched.h>

/* From now on this process and those that it starts have one processor of those that it had.
 *
 * ret_before  for sched_setaffinity, to have them back
 * Returns     0, or -1 with errno
 */
static inline int keep_to_one_processor(cpu_set_t *ret_before)
{
    cpu_set_t one;
    if (sched_getaffinity(0, sizeof *ret_before, ret_before) < 0)
        return -1;
    CPU_ZERO(&one);
    for (size_t cpu = 0; CPU_COUNT(&one) == 0; cpu++)
        if (CPU_ISSET(cpu, ret_before))
            CPU_SET(cpu, &one);
    return sched_setaffinity(0, sizeof one, &one);
}

#endif
