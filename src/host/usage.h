/* What a process and its children take of this machine: memory, and how long they stood in line for
 * a processor.
 *
 * A deadline is about what a process does, not about what else the machine has to do: time in which
 * it was ready to run and no processor was free counts for nobody. What Linux does not tell (a
 * kernel without scheduler statistics, another machine on the same processors, swapping) counts as
 * if it had run.
 */
#ifndef ZAP_HOST_USAGE_H
#define ZAP_HOST_USAGE_H

#include <stdint.h>
#include <sys/types.h>

enum { ZAP_USAGE_PROCESSES_MAX = 32 /* of one worker; the youngest of more are not looked at */ };

/* Zeroed: no sample yet. Read by everybody, written by usage.c. */
struct zap_usage {
    uint32_t resident_kib; /* of the largest; 0 where it cannot be told */
    int64_t queued_ns;     /* since the sample before */
    int64_t sampled_at_ms; /* to be set when the process begins */
    struct {
        pid_t pid;
        int64_t queued_ns; /* in its life */
    } seen[ZAP_USAGE_PROCESSES_MAX];
};

/* Take a sample of a child of ours that is not waited for, and of its own children. No more can
 * have been queued than time has gone by since the last sample; of several that were, the longest
 * counts, as they do one thing together.
 *
 * now_ms  zap_clock_ms()
 */
void zap_usage_sample(struct zap_usage *usage, pid_t pid, int64_t now_ms);

#endif
