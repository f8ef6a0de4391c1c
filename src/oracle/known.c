/* One function per kind of known crash: does this plan lead there? It must not say yes of any plan
 * that does not, or something else would go unseen. */
#include "oracle/known.h"

/* The module that a module's own code binds to a name, or ZAP_MODULES_MAX. */
static unsigned next_of(const struct zap_plan *plan, unsigned module, uint8_t name)
{
    for (unsigned g = 0; module < plan->modules_count && g < plan->modules[module].globals_count;
         g++) {
        const struct zap_global *global = &plan->modules[module].globals[g];
        const struct zap_object *object = &plan->objects[global->object];
        if (global->name == name && object->kind == ZAP_VALUE_MODULE)
            return object->module;
    }
    return ZAP_MODULES_MAX;
}

/* From there, does the same name lead from module to module without end? */
static bool leads_back(const struct zap_plan *plan, unsigned module, uint8_t name)
{
    unsigned at = module;
    for (unsigned steps = 0; steps < ZAP_MODULES_MAX && at < ZAP_MODULES_MAX; steps++)
        at = next_of(plan, at, name);
    return at < ZAP_MODULES_MAX;
}

/* Does a script look for a method on a module from which the name leads back? `call` does, on
 * whatever it finds: in the module it asks, or, where another namespace is bound to __builtins__,
 * in any. No script binds a name to a module, so that is what the plan has bound it to. */
static bool is_called(const struct zap_plan *plan, uint8_t name)
{
    for (unsigned i = 0; i < plan->acts_count; i++) {
        for (unsigned m = 0; m < plan->modules_count && plan->acts[i].op == ZAP_OP_CALL; m++) {
            if (leads_back(plan, next_of(plan, m, plan->acts[i].name), name))
                return true;
        }
    }
    return false;
}

/* A reload asks a module that is bound to __spec__ for its name. */
static unsigned asked_by_reload(const struct zap_plan *plan)
{
    return plan->route == ZAP_ROUTE_RELOAD ? next_of(plan, 0, ZAP_NAME_SPEC) : ZAP_MODULES_MAX;
}

static bool has_recursion(const struct zap_plan *plan, uint8_t name)
{
    return leads_back(plan, asked_by_reload(plan), name) || is_called(plan, name);
}

enum zap_feature_code zap_known_crash(const struct zap_plan *plan, zap_profile profile)
{
    if (zap_profile_has(profile, ZAP_FEATURE_SPEC_RECURSION) && has_recursion(plan, ZAP_NAME_SPEC))
        return ZAP_FEATURE_SPEC_RECURSION;
    if (zap_profile_has(profile, ZAP_FEATURE_GETATTR_RECURSION) &&
        has_recursion(plan, ZAP_NAME_GETATTR))
        return ZAP_FEATURE_GETATTR_RECURSION;
    return ZAP_FEATURE_COUNT;
}
