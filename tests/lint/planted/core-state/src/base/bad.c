/* Counts its calls. */
extern int zap_bad(void);

int zap_bad(void)
{
    static int calls;

    return ++calls;
}
