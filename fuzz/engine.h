/* The way from a run to whichever engine is linked in: counters, and the AFL++ runtime's map. */
#ifndef ZAP_FUZZ_ENGINE_H
#define ZAP_FUZZ_ENGINE_H

#include "oracle/feedback.h"

/* The counters of transitions, for the run at work. */
uint8_t *zap_engine_transitions(void);

/* How many of the interpreter's own edge counters there are (0: libpython is not instrumented), and
 * how many of them are not 0. */
size_t zap_engine_edges(void);
size_t zap_engine_edges_moved(void);

/* Before the first run: forget what the start of the interpreter counted; from now on a deadly
 * signal tells the engine what was counted before it kills. */
void zap_engine_start(void);

/* A route begins: forget the edges that building the plan's modules moved. They are about what a
 * plan is made of, and about what the process had made before (code is compiled once); a teardown
 * is what is to be explored. */
void zap_engine_forget_edges(void);

/* Before the first fork: wait until all other threads of this process sleep, a second at most.
 * libFuzzer starts one just before the first input; a child that is forked while that one allocates
 * gets ASan's locks as they are then, and waits for them for ever. */
void zap_engine_wait_for_threads(void);

/* Edges that a child of this process moved: the child keeps them where its parent, which has done
 * so before the fork, takes them. */
void zap_engine_share_edges(void);
void zap_engine_keep_edges(void);
void zap_engine_take_edges(void);

/* A run is over: the engine gets what was counted, where it does not look by itself. */
void zap_engine_flush(void);

#endif
