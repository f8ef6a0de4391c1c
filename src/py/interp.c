/* Starting CPython the same way on every machine: no site, no user environment, a fixed hash seed,
 * its own standard library wherever that is, and nothing of ours that a plan could meet.
 *
 * The heap is collected and frozen (3.7 on) when everything that lives as long as the process has
 * been made: a collection then looks at a plan's own objects only.
 */
#include "py/interp.h"

#include "py/api.h"
#include "py/build.h"
#include "py/cnode.h"
#include "py/end.h"
#include "py/import.h"
#include "py/observe.h"
#include "py/route.h"
#include "py/run.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

#ifdef ZAP_PYTHON_BESIDE
/* Python's home came along with the executable, wherever that is now. Where /proc does not say,
 * CPython finds none and does not start. */
static void set_home_beside(void)
{
    char home[PATH_MAX + sizeof ZAP_PYTHON_BESIDE];
    ssize_t len = readlink("/proc/self/exe", home, PATH_MAX);
    while (len > 0 && home[len - 1] != '/')
        len--;
    memcpy(home + (len > 0 ? len : 0), ZAP_PYTHON_BESIDE, sizeof ZAP_PYTHON_BESIDE);
    setenv("PYTHONHOME", home, 1);
}
#endif

/* Take every PYTHON* variable out of the environment: they are for the user's own interpreters. */
static void clean_environment(void)
{
    char **to = environ;
    for (char **from = environ; *from != NULL; from++)
        if (strncmp(*from, "PYTHON", 6) != 0)
            *to++ = *from;
    *to = NULL;
    setenv("PYTHONHASHSEED", "0", 1); /* dict order is hash order before 3.6; sets everywhere */
#if defined ZAP_PYTHON_BESIDE
    set_home_beside();
#elif defined ZAP_PYTHON_HOME
    setenv("PYTHONHOME", ZAP_PYTHON_HOME, 1);
#elif defined ZAP_PYTHON_PATH
    setenv("PYTHONPATH", ZAP_PYTHON_PATH, 1);
#endif
    setenv("PYTHONNOUSERSITE", "1", 1);
    setenv("PYTHONDONTWRITEBYTECODE", "1", 1);
}

static int initialize(void)
{
#if ZAP_HAS_CONFIG
    PyConfig config;
    PyConfig_InitPythonConfig(&config);
    config.site_import = 0;
    config.install_signal_handlers = 0;
    config.parse_argv = 0;
    PyStatus status = Py_InitializeFromConfig(&config);
    PyConfig_Clear(&config);
    if (PyStatus_Exception(status)) {
        fprintf(stderr, "pyzap worker: Python does not start: %s\n",
                status.err_msg == NULL ? "no reason given" : status.err_msg);
        return -1;
    }
#else
    Py_NoSiteFlag = 1;
    Py_InitializeEx(0);
    /* An unraisable error is written to sys.stderr. Without one it goes through the same code and
     * is dropped at its end, which is what newer versions do with our hook. */
    PySys_SetObject("stderr", NULL);
#endif
    return 0;
}

static PyObject *attribute_of(const char *module_name, const char *name)
{
    PyObject *module = PyImport_ImportModule(module_name);
    PyObject *value = module == NULL ? NULL : PyObject_GetAttrString(module, name);
    Py_XDECREF(module);
    return value;
}

int zap_interp_prepare(void)
{
    struct zap_session *s = &zap_session;
    PyObject *disable = attribute_of("gc", "disable");
    PyObject *disabled = disable == NULL ? NULL : PyObject_CallObject(disable, NULL);
    if (disabled == NULL)
        return -1;
    Py_DECREF(disabled);
    Py_DECREF(disable);
    s->gc_collect = attribute_of("gc", "collect");
    s->gc_garbage = attribute_of("gc", "garbage");
    s->gc_freeze = attribute_of("gc", "freeze");
    if (s->gc_freeze == NULL)
        PyErr_Clear(); /* before 3.7: freeze.c does without */
    s->builtins = attribute_of(ZAP_PY_BUILTINS, "__dict__");
    s->sys_modules = attribute_of("sys", "modules");
    s->sys_dict = attribute_of("sys", "__dict__");
    s->empty_tuple = PyTuple_New(0);
    if (s->gc_collect == NULL || s->gc_garbage == NULL || s->builtins == NULL ||
        s->sys_modules == NULL || s->sys_dict == NULL || s->empty_tuple == NULL)
        return -1;
    if (zap_cnode_init() < 0 || zap_api_init() < 0 || zap_build_init() < 0 ||
        zap_import_init() < 0 || zap_end_init() < 0)
        return -1;
    int sees = zap_observe_install();
    if (sees < 0)
        return -1;
    s->trace->build.observers = (uint32_t)sees;
    /* A first import fills caches that a second finds full: plans are to find the same every time.
     */
    PyObject *warm = PyImport_ImportModule(ZAP_NEW_MODULE);
    Py_XDECREF(warm);
    if (warm == NULL || PyDict_DelItemString(s->sys_modules, ZAP_NEW_MODULE) < 0)
        return -1;
    s->cache_grew = true;
    zap_run_collect();
    return 0;
}

static void describe(struct zap_build *build)
{
    build->version = ZAP_BUILD_VERSION;
    build->level = PY_RELEASE_LEVEL;
    build->debug = ZAP_DEBUG;
    build->nogil = ZAP_NOGIL;
    build->is_static = ZAP_STATIC;
    build->routes = zap_route_bits();
    snprintf(build->name, sizeof build->name, "%s", ZAP_BUILD_NAME);
    snprintf(build->banner, sizeof build->banner, "%s", Py_GetVersion());
    for (char *c = build->banner; *c != '\0'; c++)
        if (*c == '\n')
            *c = ' ';
}

int zap_interp_restart(void)
{
    return initialize() < 0 ? -1 : zap_interp_prepare();
}

int zap_interp_start(void)
{
    clean_environment();
    describe(&zap_session.trace->build);
    if (initialize() < 0)
        return -1;
    if (zap_interp_prepare() < 0) {
        fprintf(stderr, "pyzap worker: cannot prepare the interpreter\n");
        if (PyErr_Occurred())
            PyErr_Print();
        return -1;
    }
    zap_session.profile = zap_profile_of(&zap_session.trace->build);
    return 0;
}
