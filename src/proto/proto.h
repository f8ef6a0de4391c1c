/* What the host and a worker say to each other.
 *
 * The host makes a memfd that holds one struct zap_shared and starts the worker executable with it
 * as descriptor ZAP_FD_SHARED, and with two pipes: commands in, reports out. A worker says hello by
 * filling shared->build and sending REPORT_HELLO. From then on it does one command after the other,
 * and ends at COMMAND_QUIT or when the pipe is closed. Whatever a worker is doing when it dies
 * stands in the shared block: that is what the block is for. Worker and host are built together and
 * refuse each other where ZAP_PROTO or the size of the block, which grows with every table,
 * differs; nothing here is stored.
 */
#ifndef ZAP_PROTO_PROTO_H
#define ZAP_PROTO_PROTO_H

#include "oracle/judge.h"
#include "plan/gen.h"
#include "plan/wire.h"

#include <stdatomic.h>

enum {
    ZAP_PROTO = 5,
    ZAP_FD_SHARED = 3,
    ZAP_FD_COMMANDS = 4,
    ZAP_FD_REPORTS = 5,
};

/* What the worker is at. A death in GEN or JUDGE is ours: HARNESS. */
enum zap_phase {
    ZAP_PHASE_START, /* of the interpreter */
    ZAP_PHASE_IDLE,
    ZAP_PHASE_GEN,
    ZAP_PHASE_BUILD,
    ZAP_PHASE_ROUTE,
    ZAP_PHASE_JUDGE,
    ZAP_PHASE_CLEAN,
    ZAP_PHASE_CANARY,
};

enum {
    ZAP_CRASH_FRAMES_MAX = 256, /* enough to see what repeats in a stack that overflows */
    ZAP_CRASH_MAPS_MAX = 16 * 1024,
};

/* Where a worker was when a signal ended it, in the words of its own signal handler (py/crash.h):
 * zeros where it had none to say, and cut anywhere where saying it was too much. */
struct zap_crash {
    _Atomic uint32_t signal; /* that it dies of; 0: of none, or nothing is known */
    uint64_t address;        /* that the signal is about; 0: of none */
    uint64_t stack_pointer;  /* 0: not known on this machine */
    _Atomic uint32_t frames_count;
    uint64_t frames[ZAP_CRASH_FRAMES_MAX]; /* innermost first; each in the call, not after it */
    _Atomic uint32_t maps_len;
    char maps[ZAP_CRASH_MAPS_MAX]; /* the lines of /proc/self/maps where there is code */
};

/* Written by the worker alone but for `stop`; read by the host at any time, and after the worker's
 * death. The counters are since the start of the process. */
struct zap_shared {
    _Atomic uint32_t stop; /* set by the host: end the command after the plan at work, with DONE */
    uint32_t proto;        /* ZAP_PROTO, set by the worker before REPORT_HELLO */
    uint32_t size;         /* of this struct, in bytes; the same */
    _Atomic uint32_t phase;
    _Atomic uint64_t index;      /* of the plan at work (COMMAND_RUN) */
    _Atomic uint64_t plans;      /* finished */
    _Atomic uint64_t waits;      /* for plans whose deadline is the worker's own */
    _Atomic uint64_t taken_back; /* plans that ended an interpreter in a child that stays */
    _Atomic uint64_t checks;
    _Atomic uint64_t findings;                    /* plans with a broken invariant */
    _Atomic uint64_t verdicts[ZAP_VERDICT_COUNT]; /* of plan x invariant; HARNESS: of plans */
    _Atomic uint64_t held[ZAP_INVARIANT_COUNT];   /* per invariant */
    _Atomic uint64_t broken[ZAP_INVARIANT_COUNT];
    _Atomic uint64_t shows[ZAP_FEATURE_COUNT];
    char harness[120]; /* the first HARNESS reason, or "" */
    uint32_t wire_len; /* COMMAND_PLAN: the plan at work */
    uint8_t wire[ZAP_WIRE_MAX];
    struct zap_trace
        trace; /* of the plan at work, as far as it has got; trace.build is the hello */
    struct zap_crash crash;
};

enum zap_command_kind {
    ZAP_COMMAND_RUN = 1, /* plans from..from+count of a session */
    ZAP_COMMAND_PLAN,    /* one plan, given as wire bytes */
    ZAP_COMMAND_CANARY,  /* misbehave */
    ZAP_COMMAND_QUIT,
    ZAP_COMMAND_BARE, /* the loop that plans of ZAP_SHAPE_BENCH are measured against (py/bare.h) */
};

/* Deliberate deaths, which prove that the host sees the real ones. */
enum zap_canary {
    ZAP_CANARY_SEGV = 1,
    ZAP_CANARY_ABORT, /* Py_FatalError */
    ZAP_CANARY_EXIT,  /* _exit(0) */
    ZAP_CANARY_HANG,
    ZAP_CANARY_MEMORY, /* allocates and touches memory until it is stopped */
    ZAP_CANARY_BROKEN, /* a planted invariant break: one finding must come back */
    ZAP_CANARY_END,
};

/* COMMAND_PLAN and COMMAND_RUN: */
enum {
    ZAP_RUN_FROM_SOURCE = 1,  /* build from the plan's Python source instead of in C */
    ZAP_RUN_ALL_ISOLATED = 2, /* collect before every plan, whether it needs it or not */
    ZAP_RUN_KNOWN = 4,        /* even a plan that is known to crash this build */
    /* Neither try a suspect nor follow a row of instances to its end, but skip the plan: for
     * engines, to which such plans look rich, and cost hundreds of others. */
    ZAP_RUN_SHORT = 8,
    ZAP_RUN_ALONE = 16,  /* each plan that ends an interpreter in an end of its own */
    ZAP_RUN_FORKED = 32, /* ... and in a process of its own, not one that was taken back */
    ZAP_RUN_ONCE = 64,   /* no second run in another interpreter of the same process */
};

/* The exit status of a worker that met a plan without end. It says so on stderr first. */
enum { ZAP_EXIT_ENDLESS = 75 };

struct zap_command {
    uint32_t kind;
    uint32_t flags;
    struct zap_gen_config gen; /* RUN */
    uint64_t from, count;      /* RUN; BARE: count rounds */
    uint32_t route;            /* BARE */
    uint32_t canary;           /* CANARY */
    uint32_t wire_len;         /* PLAN: so many bytes follow, at most ZAP_WIRE_MAX */
};

enum zap_report_kind {
    ZAP_REPORT_HELLO = 1,
    ZAP_REPORT_FINDING, /* RUN: a plan broke something; stands in shared->trace until ACK is read */
    ZAP_REPORT_DONE, /* the command is done; PLAN: shared->trace holds the trace, judgement follows
                      */
};

/* A report; for FINDING, and for DONE of a PLAN, one struct zap_judgement follows. After a FINDING
 * the worker waits for one byte on the command pipe, so that the host can copy the trace; it goes
 * on when the byte is ZAP_GO_ON and ends the command (with DONE) when it is ZAP_STOP. */
struct zap_report {
    uint32_t kind;
    uint32_t resident_kib; /* now */
    uint64_t index; /* FINDING: of the plan; DONE of BARE: rounds, fewer than asked for where the
                     * worker has not that route */
};
enum { ZAP_GO_ON = 'g', ZAP_STOP = 's' };

/* What host and fuzz targets share: the file that PYZAP_FUZZ_SEEN names (fuzz/seen.h), zeros at
 * first, new for each campaign. It is a table of 64-bit slots: the upper bits are a signature, the
 * lower ones how often it was told of; a slot that is 0 is free. */
enum { ZAP_SEEN_SIZE = 65536, ZAP_SEEN_COUNT_BITS = 16 };

#endif
