/* Can this libpython be embedded? Starts and ends an interpreter, the way a worker does.
 *
 * With ZAP_STATIC it also wipes a module, with PyDict_SetItem wrapped as in a worker, and fails
 * unless it sees the wipe's store: a library built as one unit (LTO) would hide it, and the worker
 * with it would miss events without a word. FindPythons.cmake compiles, links and runs this for
 * every build found; the home is given by PYTHONHOME. No worker, so not in src/.
 *
 * Exit status 0 it can, 2 the interpreter does not start, 3 the wrapping does not work.
 */
#include <Python.h>

#if ZAP_STATIC
extern void _PyModule_Clear(PyObject *module);
extern int __real_PyDict_SetItem(PyObject *dict, PyObject *key, PyObject *value);
extern int __wrap_PyDict_SetItem(PyObject *dict, PyObject *key, PyObject *value);

static int stores_seen;

int __wrap_PyDict_SetItem(PyObject *dict, PyObject *key, PyObject *value)
{
    stores_seen++;
    return __real_PyDict_SetItem(dict, key, value);
}
#endif

int main(void)
{
    PyObject *module; /* borrowed */

    Py_Initialize();
    module = PyImport_AddModule("zap_probe");
    if (module == NULL || PyModule_AddIntConstant(module, "name", 1) != 0)
        return 2;
#if ZAP_STATIC
    stores_seen = 0;
    Py_INCREF(module);
    _PyModule_Clear(module);
    if (stores_seen == 0)
        return 3;
#endif
    Py_Finalize();
    return 0;
}
