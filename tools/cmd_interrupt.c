/* Ctrl-C: the first signal ends a command in good order, a later one has its ordinary effect, and
 * workers die with their host.
 *
 * One interruption can arrive as two signals: timeout(1) sends one to its child and one to the
 * whole process group. So what comes within half a second of the first is the first.
 */
#include "cmd.h"

#include <signal.h>
#include <stddef.h>
#include <time.h>

enum { SAME_MS = 500 };

volatile sig_atomic_t zap_cmd_interrupted;
static struct timespec first_at; /* written before zap_cmd_interrupted is set, read after */

static void on_interrupt(int number)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (!zap_cmd_interrupted) {
        first_at = now;
        zap_cmd_interrupted = number;
        return;
    }
    long since_ms =
        (now.tv_sec - first_at.tv_sec) * 1000 + (now.tv_nsec - first_at.tv_nsec) / 1000000;
    if (since_ms < SAME_MS)
        return;
    signal(number, SIG_DFL);
    raise(number); /* delivered when this handler is left */
}

void zap_cmd_catch_interrupts(void)
{
    struct sigaction action = {.sa_handler = on_interrupt};
    sigaddset(&action.sa_mask, SIGINT); /* so that the handler does not interrupt itself */
    sigaddset(&action.sa_mask, SIGTERM);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}
