/* Could this plan overflow the C stack? An attribute that a module has not is looked for by way of
 * its
 * __getattr__ and of its __spec__, and if those lead back to it, for ever. So it takes a module
 * that leads back, and somebody who looks.
 *
 * It must not say no of any plan that does; one that says yes too often costs the time of a trial.
 */
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

/* Does any module's name lead from module to module without end? */
static bool leads_anywhere(const struct zap_plan *plan, uint8_t name)
{
    for (unsigned m = 0; m < plan->modules_count; m++)
        if (leads_back(plan, m, name))
            return true;
    return false;
}

/* `call` looks for a method on whatever a name holds: is that a module? Where names that a
 * namespace has not come from another one (up to 3.9), the name may be one of any module. */
static bool calls_module(const struct zap_plan *plan, bool of_any)
{
    for (unsigned i = 0; i < plan->acts_count; i++) {
        const struct zap_act *act = &plan->acts[i];
        for (unsigned m = 0; act->op == ZAP_OP_CALL && m < plan->modules_count; m++)
            if ((of_any || m == act->module) && next_of(plan, m, act->name) < ZAP_MODULES_MAX)
                return true;
    }
    return false;
}

/* The import system looks for attributes on what m0 has as __spec__. */
static bool imports_by_module(const struct zap_plan *plan)
{
    bool is_import = plan->route == ZAP_ROUTE_RELOAD || plan->route == ZAP_ROUTE_FAILED_IMPORT;
    return is_import && next_of(plan, 0, ZAP_NAME_SPEC) < ZAP_MODULES_MAX;
}

enum zap_feature_code zap_known_suspect(const struct zap_plan *plan, zap_profile profile)
{
    static const struct {
        enum zap_feature_code feature;
        uint8_t name;
    } kinds[] = {
        {ZAP_FEATURE_SPEC_RECURSION, ZAP_NAME_SPEC},
        {ZAP_FEATURE_GETATTR_RECURSION, ZAP_NAME_GETATTR},
    };
    bool of_any = !zap_profile_has(profile, ZAP_FEATURE_BUILTINS_CAPTURED);
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (zap_profile_has(profile, kinds[i].feature) && leads_anywhere(plan, kinds[i].name) &&
            (imports_by_module(plan) || calls_module(plan, of_any)))
            return kinds[i].feature;
    return ZAP_FEATURE_COUNT;
}
