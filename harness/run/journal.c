/* journal.c - entries in an array. */
#include "harness/run/journal.h"

#include <math.h>
#include <stdlib.h>

void journal_init(struct journal *journal, struct text_pool *texts)
{
        *journal = (struct journal){.texts = texts};
}

void journal_release(struct journal *journal)
{
        free(journal->entries);
        *journal = (struct journal){0};
}

struct journal_entry journal_blank(int64_t at_ns, enum journal_type type)
{
        return (struct journal_entry){
                .at_ns = at_ns,
                .type = type,
                .service = RECORD_NONE,
                .instance = RECORD_NONE,
                .edge = RECORD_NONE,
                .ref = RECORD_NONE,
                .action = RECORD_NONE,
                .kind = "",
                .severity = "",
                .metric = "",
                .text = "",
                .more = "",
                .value = NAN,
                .limit = NAN,
                .confidence = NAN,
                .eta_ns = TIME_NEVER,
        };
}

static const char *kept(struct journal *journal, const char *text)
{
        const char *copy = text_pool_keep(journal->texts, text);

        if (copy != NULL)
                return copy;
        journal->failed = true;
        return "";
}

void journal_write(struct journal *journal, const struct journal_entry *entry)
{
        struct journal_entry *at;

        if (journal->count == journal->capacity) {
                size_t capacity = journal->capacity * 2 + 64;
                struct journal_entry *bigger =
                        realloc(journal->entries, capacity * sizeof(*bigger));

                if (bigger == NULL) {
                        journal->failed = true;
                        return;
                }
                journal->entries = bigger;
                journal->capacity = capacity;
        }
        at = &journal->entries[journal->count];
        *at = *entry;
        at->sequence = (uint32_t)journal->count++;
        at->kind = kept(journal, entry->kind);
        at->severity = kept(journal, entry->severity);
        at->metric = kept(journal, entry->metric);
        at->text = kept(journal, entry->text);
        at->more = kept(journal, entry->more);
}

static int by_time(const void *left, const void *right)
{
        const struct journal_entry *a = left, *b = right;

        if (a->at_ns != b->at_ns)
                return a->at_ns < b->at_ns ? -1 : 1;
        return a->sequence < b->sequence ? -1 : a->sequence > b->sequence;
}

void journal_sort(struct journal *journal)
{
        if (journal->count > 1)
                qsort(journal->entries, journal->count, sizeof(*journal->entries), by_time);
}
