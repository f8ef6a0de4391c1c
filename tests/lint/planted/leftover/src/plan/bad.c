/* Promises something. */
/* TO%DO: keep it */
