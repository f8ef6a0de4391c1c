/* A finder and loader, so that the routes about importing go through CPython's own import system.
 *
 * The loader is Python, as loaders are; what it executes as the module's code is the builder. The
 * finder answers for m0 only while such a route's plan is at work. The loader hands over the
 * module, not module.__dict__: from 3.11 on specialized bytecode finds a global named __dict__
 * there instead.
 */
#include "py/import.h"

#include "py/build.h"
#include "py/run.h"

static const char loader_source[] =
#if ZAP_PY3
    "import sys\n"
    "class Loader(object):\n"
    "    def create_module(self, spec):\n"
    "        return None\n"
    "    def exec_module(self, module):\n"
    "        z.body(module)\n"
    "class Finder(object):\n"
    "    def find_spec(self, name, path=None, target=None):\n"
    "        if z.is_plan(name):\n"
    "            return ModuleSpec(name, Loader())\n"
    "ModuleSpec = type(sys.__spec__)\n"
    "import importlib\n"
#else
    "import sys\n"
    "class Finder(object):\n"
    "    def find_module(self, name, path=None):\n"
    "        if z.is_plan(name):\n"
    "            return self\n"
    "    def load_module(self, name):\n"
    "        is_new = name not in sys.modules\n"
    "        module = sys.modules.setdefault(name, type(sys)(name))\n"
    "        try:\n"
    "            z.body(module)\n"
    "        except:\n"
    "            if is_new:\n"
    "                del sys.modules[name]\n"
    "            raise\n"
    "        return module\n"
#endif
    "sys.meta_path.insert(0, Finder())\n";

int zap_import_init(void)
{
    struct zap_session *s = &zap_session;
    PyObject *dict = PyDict_New();
    if (dict == NULL || PyDict_SetItemString(dict, "z", s->z) < 0 ||
        PyDict_SetItemString(dict, "__builtins__", s->builtins) < 0)
        return -1;
    PyObject *ran = PyRun_String(loader_source, Py_file_input, dict, dict);
    Py_XDECREF(ran);
    Py_DECREF(dict);
    return ran == NULL ? -1 : 0;
}

bool zap_import_is_plan(PyObject *name)
{
    const struct zap_session *s = &zap_session;
    if (s->plan == NULL ||
        (s->plan->route != ZAP_ROUTE_RELOAD && s->plan->route != ZAP_ROUTE_FAILED_IMPORT))
        return false;
    int is_first = PyObject_RichCompareBool(name, s->module_names[0], Py_EQ);
    if (is_first < 0)
        PyErr_Clear();
    return is_first == 1;
}

PyObject *zap_import_first(void)
{
    return PyImport_ImportModule("m0");
}

int zap_import_body(PyObject *module)
{
    struct zap_session *s = &zap_session;
    if (s->active)
        return zap_run_again(PyModule_GetDict(module));
    if (zap_build_adopt(0, module) < 0 || zap_run_contents() < 0)
        return -1;
    if (s->plan->route != ZAP_ROUTE_FAILED_IMPORT)
        return 0;
    zap_run_begin();
    PyErr_SetNone(s->error);
    return -1;
}
