/* Whose plan is at work, where several share the end of an interpreter.
 *
 * The plan at work has the first part of zap_session for its own; those of the others are kept
 * here. Exchanging them costs two copies of some kilobytes, and is rare, because an interpreter
 * tears down one module after the other. Who owns an object is found by looking through all plans:
 * there are few objects, and comparing addresses is quick.
 */
#include "py/batch.h"

#include <stddef.h>
#include <string.h>

enum { PART_SIZE = offsetof(struct zap_session, shared) };

static struct zap_session parts[ZAP_BATCH_MAX]; /* of those that are not at work */

unsigned zap_batch_count = 1;

void zap_batch_begin(unsigned count)
{
    ZAP_CHECK(count >= 1 && count <= ZAP_BATCH_MAX);
    zap_batch_count = count;
    for (unsigned run = 0; run < count; run++) {
        memset(&parts[run], 0, PART_SIZE);
        parts[run].run = run;
    }
    zap_session.run = 0;
}

unsigned zap_batch_exchange(unsigned run)
{
    unsigned before = zap_session.run;
    memcpy(&parts[before], &zap_session, PART_SIZE);
    memcpy(&zap_session, &parts[run], PART_SIZE);
    return before;
}

static const struct zap_session *part(unsigned run)
{
    return run == zap_session.run ? &zap_session : &parts[run];
}

unsigned zap_batch_find_node(const PyObject *obj)
{
    for (unsigned i = 0; i < zap_batch_count; i++) {
        unsigned run = (zap_session.run + i) % zap_batch_count; /* mostly the one at work */
        const struct zap_session *s = part(run);
        for (uint32_t n = 0; n < s->nodes_count; n++)
            if (s->nodes[n] == obj)
                return run;
    }
    return zap_session.run;
}

unsigned zap_batch_find_dict(const PyObject *dict)
{
    for (unsigned i = 0; i < zap_batch_count; i++) {
        unsigned run = (zap_session.run + i) % zap_batch_count;
        const struct zap_session *s = part(run);
        for (unsigned m = 0; m < s->spaces_count; m++)
            if (s->spaces[m].dict == dict)
                return run;
    }
    return zap_session.run;
}

unsigned zap_batch_find_module(const PyObject *module)
{
    for (unsigned i = 0; i < zap_batch_count; i++) {
        unsigned run = (zap_session.run + i) % zap_batch_count;
        const struct zap_session *s = part(run);
        for (unsigned m = 0; m < s->spaces_count; m++)
            if (s->spaces[m].module == module)
                return run;
    }
    return zap_session.run;
}

void zap_batch_each(void (*call)(void *context), void *context)
{
    unsigned before = zap_session.run;
    for (unsigned run = 0; run < zap_batch_count; run++) {
        (void)zap_batch_enter(run);
        call(context);
    }
    zap_batch_leave(before);
}
