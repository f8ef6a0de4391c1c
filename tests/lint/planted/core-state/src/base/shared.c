/* Lets everybody write. */
extern int zap_bad_limit;

int zap_bad_limit = 7;
