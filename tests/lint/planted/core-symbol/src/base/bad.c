/* Asks the environment. */
#include <stdlib.h>

extern const char *zap_bad(void);

const char *zap_bad(void)
{
    return getenv("HOME");
}
