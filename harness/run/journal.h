/* harness/run/journal.h - the ordered record of what happened in one arm.
 *
 * Grows on the heap; texts are the run's text pool's, so that an entry may
 * outlive whoever said it. Writing never fails to the caller: when memory is
 * out the journal remembers it and the run is void.
 */
#ifndef CHAOS_RUN_JOURNAL_H
#define CHAOS_RUN_JOURNAL_H

#include "harness/run/record.h"
#include "harness/run/text_pool.h"

struct journal {
        struct journal_entry *entries;
        size_t count, capacity;
        struct text_pool *texts;
        bool failed;
};

void journal_init(struct journal *journal, struct text_pool *texts);
void journal_release(struct journal *journal);

/* An entry with nothing set: indices RECORD_NONE, texts "", numbers NaN. */
struct journal_entry journal_blank(int64_t at_ns, enum journal_type type);

/* Appends a copy; its texts are the pool's. */
void journal_write(struct journal *journal, const struct journal_entry *entry);

/* By time, then by order of writing. */
void journal_sort(struct journal *journal);

#endif
