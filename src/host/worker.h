/* One worker process: started, spoken to, watched, and classified when it dies.
 *
 * A worker that is gone has given back its process, pipes and descriptors; its shared block can
 * still be read until zap_worker_release. Nothing here waits for a worker except where it says so.
 */
#ifndef ZAP_HOST_WORKER_H
#define ZAP_HOST_WORKER_H

#include "base/status.h"
#include "host/death.h"
#include "host/usage.h"

#include <sys/types.h>

enum {
    ZAP_WORKER_DEADLINE_MS = 10 * 1000,
    ZAP_WORKER_HELLO_MS = 30 * 1000, /* an interpreter under valgrind on a busy machine */
    ZAP_WORKER_MEMORY_KIB = 1024 * 1024,
};

/* How to start and watch a worker; zero means the default. */
struct zap_worker_config {
    const char *path;     /* of the executable; borrowed for the worker's life */
    uint32_t deadline_ms; /* so long without progress of a command, though a processor was free */
    uint32_t hello_ms;
    uint32_t memory_kib; /* resident; not RLIMIT_AS, which sanitizers cannot live with */
};

/* What became of a worker since the last look. */
enum zap_worker_news {
    ZAP_WORKER_NOTHING,
    ZAP_WORKER_HELLO,   /* worker->build is set; commands may be sent */
    ZAP_WORKER_FINDING, /* it waits for zap_worker_answer */
    ZAP_WORKER_DONE,    /* with its command */
    ZAP_WORKER_DEATH,   /* gone; worker->death says why */
};

/* What tells that a worker gets on. */
struct zap_worker_progress {
    uint64_t index, plans, waits;
    uint32_t phase, events_count;
};

/* Zeroed: there is no worker. Read by everybody, written by worker.c. */
struct zap_worker {
    struct zap_worker_config config;
    pid_t pid; /* 0: gone */
    struct zap_shared *shared;
    struct zap_build build; /* as hello said it; what is in shared can be damaged later */
    bool has_hello;
    bool is_busy;            /* with a command */
    uint32_t command_kind;   /* of that command, enum zap_command_kind */
    uint64_t from, count;    /* of that command, if it is RUN */
    off_t command_errors_at; /* how much it had written before */
    uint32_t start_kib;      /* resident at hello */
    uint32_t resident_kib;   /* now */
    struct zap_death death;  /* set by ZAP_WORKER_DEATH */

    int commands, reports, errors;
    uint8_t buffer[sizeof(struct zap_report) + sizeof(struct zap_judgement)];
    size_t buffered; /* bytes of a report that has not come whole */
    struct zap_worker_progress progress;
    int64_t progress_at_ms;
    int64_t queued_ns; /* of the time since then, with no processor free */
    struct zap_usage usage;
    uint64_t sampled_index; /* the plan at work at the last sample, and ... */
    uint32_t before_kib;    /* ... the size when an earlier plan was last seen at work */
    char detail[200];
};

/* Start a worker. It dies with this process.
 *
 * ret_worker  all of it is set; release it when it is gone
 * Returns     ZAP_OK or ZAP_E_IO (errno)
 */
enum zap_status zap_worker_start(const struct zap_worker_config *config,
                                 struct zap_worker *ret_worker);

/* Give it a command; one at a time, after hello.
 *
 * wire     borrowed; PLAN: command->wire_len bytes
 * Returns  ZAP_OK, or ZAP_E_GONE where it does not listen any more: the next look says why
 */
enum zap_status zap_worker_send(struct zap_worker *worker, const struct zap_command *command,
                                const uint8_t *wire);

/* After FINDING: ZAP_GO_ON or ZAP_STOP. */
void zap_worker_answer(struct zap_worker *worker, char answer);

/* Look what a worker that is there has to say, without waiting (but for the few milliseconds that a
 * process takes to die). To be called when worker->reports has something to read and at least every
 * 100 ms.
 *
 * now_ms         zap_clock_ms()
 * ret_report     set with FINDING and DONE
 * ret_judgement  set with FINDING, and with DONE of PLAN; checked: no field is out of range
 */
enum zap_worker_news zap_worker_look(struct zap_worker *worker, int64_t now_ms,
                                     struct zap_report *ret_report,
                                     struct zap_judgement *ret_judgement);

/* Wait until it has something to say; then as zap_worker_look. Ends, because deadlines do. */
enum zap_worker_news zap_worker_wait(struct zap_worker *worker, struct zap_report *ret_report,
                                     struct zap_judgement *ret_judgement);

/* Ask a worker that is not busy to end, and wait for it, one second at most; then kill it.
 * worker->death says VOID where it ended as it should. */
void zap_worker_quit(struct zap_worker *worker);

/* End it at once, without a verdict. Fine with one that is gone. */
void zap_worker_kill(struct zap_worker *worker);

/* Kill it if it is there, and give back the rest. Fine with a zeroed one. */
void zap_worker_release(struct zap_worker *worker);

/* Copy the trace of the plan at work, as far as it can be believed: a dying worker may have written
 * anywhere. Counts are in range, every event is of a known kind with known names. */
void zap_worker_copy_trace(const struct zap_worker *worker, struct zap_trace *ret_trace);

#endif
