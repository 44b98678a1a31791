/* reports/database.h - results in an SQLite file, for queries and over many runs.
 *
 * One row a run in `runs`; below it replications, arms, incidents, episodes,
 * actions and predictions as they come, `metrics` and `thresholds` when it ends.
 * database.sql says what the columns are; queries to begin with are in the README of this folder.
 *
 * Replications are written in batches, one transaction each, so a crash at any
 * point leaves a file that opens and holds only whole replications. WAL mode and
 * a busy timeout let several processes write to one file. Until a run has ended,
 * each replication's record lies beside it, so that another process can go on
 * where this one stopped; then the records go.
 *
 * Every text is a bound parameter. A call that fails leaves one message; after
 * that the database does nothing more, so that a full disk costs no result.
 */
#ifndef CHAOS_REPORTS_DATABASE_H
#define CHAOS_REPORTS_DATABASE_H

#include <jansson.h>

#include "harness/base/out_file.h"
#include "harness/run/record.h"

struct database;
struct kept;

/* Opens or makes the file. False with a message (exit 74) when it cannot be
 * used, is no database of ours, or one of a newer program. */
bool database_open(const char *path, struct database **out, struct out_error *error);
/* For database_results() alone: makes and changes nothing, neither the file nor its tables (but
 * settles what a killed process left beside it), and is content with a file, a folder or a
 * disk that may only be read. */
bool database_open_to_read(const char *path, struct database **out, struct out_error *error);
/* What waits is not written: database_flush() before. NULL is fine. */
void database_close(struct database *database);

/* ---- a run */

struct database_run {
        const struct run_meta *meta; /* outlives the run */
        const char *strategy;        /* as it was asked for */
        const char *circumstances;   /* what else must be the same to go on with a run */
        const char *folder, *date;   /* of the results; when it began */
        uint32_t first, count;       /* replications [first, first + count) */
        int64_t comparison;          /* id of the first strategy's run; 0: none */
};

/* What was there of a run that is the same in everything that matters. */
struct database_past {
        bool finished; /* ended, and nothing is left to do */
        int exit_code; /* if so */
        uint32_t held; /* replications from `first` on, without a gap */
};

/* A new run, or with `past` the newest one of the same scenario, seed, strategy,
 * version and first replication, if there is one; `*past` says how far it
 * came. `*id` is its row. */
bool database_begin(struct database *database, const struct database_run *run,
                    struct database_past *past, int64_t *id, struct out_error *error);

/* The record of a replication, as record_encode() made it; to be freed. NULL
 * with a message. */
unsigned char *database_record(struct database *database, int64_t id, uint32_t replication,
                               size_t *count, struct out_error *error);

/* A replication. `kept` lives until the next flush; `record` (may be NULL) is
 * taken over, from malloc(). */
bool database_add(struct database *database, int64_t id, const struct run_meta *meta,
                  const struct kept *kept, unsigned char *record, size_t record_bytes,
                  struct out_error *error);

/* Writes what waits. */
bool database_flush(struct database *database, struct out_error *error);

/* Ends a run: its metrics, thresholds, outcome. `whole` false: it was
 * interrupted, and its records stay for another to go on. */
bool database_end(struct database *database, int64_t id, const json_t *result,
                  const json_t *run_facts, bool whole, struct out_error *error);

/* ---- reading */

/* The runs that ended, oldest first: a list of results with as much in them as a
 * trend needs, each with its run.json as "run_facts" and the words for people as
 * "name". NULL with a message. */
json_t *database_results(struct database *database, struct out_error *error);

#endif
