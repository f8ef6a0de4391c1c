/* Calls Python without its header. */
extern void Py_Initialize(void);
extern void zap_bad_too(void);

void zap_bad_too(void)
{
    Py_Initialize();
}
