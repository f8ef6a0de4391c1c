/* Has its own taste. */
extern int zap_bad(void);

int zap_bad( void ) { return 1; }
