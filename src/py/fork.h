/* Children of this process. Needs no Python.h. */
#ifndef ZAP_PY_FORK_H
#define ZAP_PY_FORK_H

#include <sys/types.h>

/* fork(), with nothing unwritten in both. The child is killed when this process dies, and ends at
 * once where that has happened already. */
pid_t zap_fork(void);

/* Wait for its end. Returns what waitpid() says of it, 0 where it is no child of ours. */
int zap_fork_wait(pid_t child);

/* In the child: what it says on stderr is for nobody. */
void zap_fork_be_quiet(void);

#endif
