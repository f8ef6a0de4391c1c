/* The folder of plans that fuzzing begins with and adds to.
 *
 * It belongs to people: they may put anything there, and what they put there stays. Every byte
 * string means a plan, so every file of a plan's size counts, whatever it is called; *.plan are
 * read as text. What pyzap and its engines add is called HASH.zap, by the hash of the plan's
 * canonical bytes, so that the same plan is there once; and that alone is ever removed, by making
 * the corpus smaller.
 */
#ifndef ZAP_HOST_CORPUS_H
#define ZAP_HOST_CORPUS_H

#include "base/status.h"
#include "base/str.h"

#include <limits.h>
#include <stdint.h>

struct zap_corpus {
    char dir[PATH_MAX];
    size_t left_alone; /* files and folders that are no plans: too large, devices, ... */
    char left_alone_example[NAME_MAX + 1];
};

/* Make the folder if there is none, see that it can be written, and add the seeds that it lacks.
 *
 * seeds    folder of *.zap files
 * ret_why  on failure: one line
 * Returns  ZAP_OK, or ZAP_E_IO where the folder cannot be used
 */
enum zap_status zap_corpus_open(const char *dir, const char *seeds, struct zap_corpus *ret_corpus,
                                struct zap_str *ret_why);

/* Wait until no other pyzap changes the corpus: between this and the release it is ours.
 *
 * Returns  a descriptor to close, or -1 with errno
 */
int zap_corpus_lock(const struct zap_corpus *corpus);

/* Copy each plan once, in canonical bytes, into an empty folder that is made: nothing that is there
 * can surprise an engine. There is at least one.
 *
 * Returns  ZAP_OK or ZAP_E_IO (errno)
 */
enum zap_status zap_corpus_copy(const struct zap_corpus *corpus, const char *to, size_t *ret_count);

/* Add what an engine has put into a folder. One that is not there is empty.
 *
 * Returns  ZAP_OK or ZAP_E_IO (errno): then nothing is lost, but not all of it is added
 */
enum zap_status zap_corpus_take(const struct zap_corpus *corpus, const char *from);

/* Remove what is not needed any more.
 *
 * who    for whom the corpus was made smaller, fit for a file name; what it needs is remembered
 *        in DIR/.kept, because another engine or build may need other plans
 * input  folder of the plans that were looked at, as zap_corpus_copy left it
 * kept   folder of those of them that are enough
 * Returns ZAP_OK or ZAP_E_IO (errno); nothing is removed that is not known to be unneeded
 */
enum zap_status zap_corpus_shrink(const struct zap_corpus *corpus, const char *who,
                                  const char *input, const char *kept);

/* How many different plans there are. */
enum zap_status zap_corpus_count(const struct zap_corpus *corpus, size_t *ret_count);

/* The hash that names a plan's file. */
uint64_t zap_corpus_hash(const uint8_t *bytes, size_t len);

#endif
