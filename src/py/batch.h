/* Several plans in one interpreter that ends: whose plan is at work.
 *
 * What zap_session says of the plan at work is exchanged when another one's object is met. Outside
 * of such an end there is one plan, number 0, and nothing here does anything. A hook that has
 * entered a plan leaves it again before it returns: the one before may be in the middle of a
 * script.
 */
#ifndef ZAP_PY_BATCH_H
#define ZAP_PY_BATCH_H

#include "py/session.h"

extern unsigned zap_batch_count; /* plans; 1: the usual */

/* From now on there are `count` plans, 1..ZAP_BATCH_MAX; the one at work is number 0. */
void zap_batch_begin(unsigned count);

/* Make plan `run` the one at work. Returns the one that was. */
unsigned zap_batch_exchange(unsigned run);

static inline unsigned zap_batch_enter(unsigned run)
{
    return ZAP_LIKELY(run == zap_session.run) ? run : zap_batch_exchange(run);
}

static inline void zap_batch_leave(unsigned before)
{
    (void)zap_batch_enter(before);
}

/* The same for the plan that an object, a namespace or a module belongs to; where that is none, the
 * one at work stays. Identity only. */
unsigned zap_batch_find_node(const PyObject *obj);
unsigned zap_batch_find_dict(const PyObject *dict);
unsigned zap_batch_find_module(const PyObject *module);

static inline unsigned zap_batch_enter_node(const PyObject *obj)
{
    return ZAP_LIKELY(zap_batch_count == 1) ? 0 : zap_batch_enter(zap_batch_find_node(obj));
}

static inline unsigned zap_batch_enter_dict(const PyObject *dict)
{
    return ZAP_LIKELY(zap_batch_count == 1) ? 0 : zap_batch_enter(zap_batch_find_dict(dict));
}

static inline unsigned zap_batch_enter_module(const PyObject *module)
{
    return ZAP_LIKELY(zap_batch_count == 1) ? 0 : zap_batch_enter(zap_batch_find_module(module));
}

/* Call for every plan, which is the one at work meanwhile. */
void zap_batch_each(void (*call)(void *context), void *context);

/* A number that tells objects of different plans apart (weak references, generators, ...), and
 * back: enters the plan. */
static inline long zap_batch_number(uint8_t number)
{
    return (long)(zap_session.run << 8 | number);
}

static inline unsigned zap_batch_enter_number(long number)
{
    return zap_batch_enter((unsigned)number >> 8);
}

#endif
