/* The interpreter of a fuzz target: what a worker has, with the shared block in this process's own
 * memory and nobody to report to. */
#include "py/embed.h"

#include "py/bare.h"
#include "py/interp.h"
#include "py/plant.h"
#include "py/run.h"

#include <stdio.h>
#include <sys/mman.h>

int zap_embed_start(void)
{
    /* Shared with the children that routes which end an interpreter are taken in. */
    struct zap_shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        perror("pyzap: no shared memory");
        return -1;
    }
    zap_session.shared = shared;
    zap_session.trace = &shared->trace;
#ifdef ZAP_PLANT
    zap_plant_init();
#endif
    return zap_interp_start();
}

void zap_embed_on_route(void (*on_route)(void))
{
    zap_session.on_route = on_route;
}

void zap_embed_on_end(void (*in_child)(void), void (*in_parent)(void))
{
    zap_session.on_end_in_child = in_child;
    zap_session.on_end_in_parent = in_parent;
}

const struct zap_trace *zap_embed_run(const struct zap_plan *plan, uint32_t flags,
                                      struct zap_judgement *ret_judgement)
{
    zap_run_or_skip(plan, flags, ret_judgement);
    return zap_session.trace;
}

uint64_t zap_embed_bare(unsigned route, uint64_t count)
{
    return zap_bare_run(route, count);
}
