/* reports/write_journal.h - journal.jsonl: what happened, one event a line.
 *
 * The one writer that reads the record of a run instead of its result, as the
 * journal is in no other file. It streams: a line is written and forgotten.
 *
 * Lines come by replication, then arm, then time; each is
 * {"t": seconds, "run": i, "arm": ..., "type": ..., ...}, a key being there
 * only where the event has it.
 */
#ifndef CHAOS_REPORTS_WRITE_JOURNAL_H
#define CHAOS_REPORTS_WRITE_JOURNAL_H

#include "harness/run/record.h"
#include "harness/base/out_file.h"
#include "reports/text.h"

/* Begins FOLDER/journal.jsonl; the folder must exist. Then add replications in
 * order, and end with out_file_commit() or out_file_abandon(). */
bool journal_begin(struct out_file *file, const char *folder, struct out_error *error);

/* Adds the events of every arm; arms that share a record are written once
 * under each name. A failure is remembered in `file` and told by commit. */
void journal_add(struct out_file *file, const struct run_meta *meta,
                 const struct replication_record *record);

/* One line without a new line; for tests and `explain`. */
void journal_line(const struct run_meta *meta, uint32_t run, enum arm arm,
                  const struct journal_entry *entry, struct text *out);

#endif
