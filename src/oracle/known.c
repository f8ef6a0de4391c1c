/* One function per kind of known crash: could this plan lead there? It must not say no of any plan
 * that does; one that says yes too often costs the time of a trial. */
#include "oracle/known.h"

/* The module that a module's own code binds to a name, or ZAP_MODULES_MAX. */
static unsigned next_of(const struct zap_plan *plan, unsigned module, uint8_t name)
{
    for (unsigned g = 0; g < plan->modules[module].globals_count; g++) {
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

/* An attribute that a module has not is looked up by the import system on the module that it makes,
 * and by `call`, which looks for a method on whatever a name holds. */
static bool has_recursion(const struct zap_plan *plan, uint8_t name)
{
    bool is_import = plan->route == ZAP_ROUTE_RELOAD || plan->route == ZAP_ROUTE_FAILED_IMPORT;
    if (is_import && leads_back(plan, 0, name))
        return true;
    bool calls = false, leads = false, holds = false;
    for (unsigned i = 0; i < plan->acts_count; i++)
        calls = calls || plan->acts[i].op == ZAP_OP_CALL;
    for (unsigned m = 0; m < plan->modules_count; m++)
        leads = leads || leads_back(plan, m, name);
    for (unsigned i = 0; i < plan->objects_count; i++)
        holds = holds || plan->objects[i].kind == ZAP_VALUE_MODULE;
    return calls && leads && holds;
}

enum zap_feature_code zap_known_suspect(const struct zap_plan *plan, zap_profile profile)
{
    if (zap_profile_has(profile, ZAP_FEATURE_SPEC_RECURSION) && has_recursion(plan, ZAP_NAME_SPEC))
        return ZAP_FEATURE_SPEC_RECURSION;
    if (zap_profile_has(profile, ZAP_FEATURE_GETATTR_RECURSION) &&
        has_recursion(plan, ZAP_NAME_GETATTR))
        return ZAP_FEATURE_GETATTR_RECURSION;
    return ZAP_FEATURE_COUNT;
}
