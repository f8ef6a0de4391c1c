/* A process that takes itself back to where it was: what fork() gives anew, for a tenth of its
 * price where what costs is the first touch of each page. Needs no Python.h.
 *
 * Taken back is all private memory that can be written, except the stack; what was mapped, unmapped
 * or allocated since; what signals do; descriptors that were opened. Not taken back is what others
 * see: files, shared memory, time.
 */
#ifndef ZAP_PY_REWIND_H
#define ZAP_PY_REWIND_H

#include <stdbool.h>

/* Remember where the process is, in place of what was remembered before. It has one thread.
 *
 * Returns false where that is not possible: no /proc, or a sanitizer's or valgrind's memory.
 */
bool zap_rewind_mark(void);

/* Go there. To be called from the function that called zap_rewind_mark(), whose frame stays as it
 * is; pointers to what was allocated since point nowhere.
 *
 * Returns false where that is not possible, because threads are left, or something that was there
 * before is gone and is no memory: the process is good for nothing but its end then.
 */
bool zap_rewind(void);

#endif
