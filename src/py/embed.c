/* The interpreter of a fuzz target: what a worker has, with the shared block in this process's own
 * memory and nobody to report to. */
#include "py/embed.h"

#include "py/bare.h"
#include "py/interp.h"
#include "py/plant.h"
#include "py/run.h"

int zap_embed_start(void)
{
    static struct zap_shared shared;
    zap_session.shared = &shared;
    zap_session.trace = &shared.trace;
#ifdef ZAP_PLANT
    zap_plant_init();
#endif
    return zap_interp_start();
}

void zap_embed_on_route(void (*on_route)(void))
{
    zap_session.on_route = on_route;
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
