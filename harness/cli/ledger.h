/* harness/cli/ledger.h - `--db` and `--resume`: what a command does with a database.
 *
 * A run, or a comparison as one run a strategy, is entered when it begins, each
 * replication as it comes, its outcome when all files are written. When the
 * database fails, that is said once and costs exit code 74; the run goes on.
 *
 * With --resume the replications that are there whole are handed over as if they
 * had just been run, and the rest is run; one that has ended, and whose files
 * are still there, is not run again.
 */
#ifndef CHAOS_CLI_LEDGER_H
#define CHAOS_CLI_LEDGER_H

#include "harness/cli/options.h"
#include "harness/run/run.h"
#include "reports/database.h"

struct ledger {
        struct database *database; /* NULL: none was asked for, or it failed before */
        bool resume, failed;
        struct out_error error;
        /* of the run at work */
        uint32_t count; /* strategies; 0: none at work */
        int64_t ids[RUN_HEALERS_MAX];
        const struct run_meta *metas[RUN_HEALERS_MAX];
        uint32_t first, held;
};

/* Before anything runs. An exit code, after a message. */
int ledger_open(struct ledger *ledger, const struct options *options);
void ledger_close(struct ledger *ledger);

struct ledger_run {
        const struct run_meta *const *metas; /* [count], live until the end */
        const char *const *strategies;       /* [count], as they were asked for */
        uint32_t strategy_count;
        const char *folder;
        uint32_t first, count; /* replications wanted */
        const char *rule;      /* when to stop, "" for a fixed number */
};

/* True when nothing is left to do: all of it was run, its result.json is there.
 * Else `ledger->held` says how many replications need not be run again. */
bool ledger_begin(struct ledger *ledger, const struct ledger_run *run);

/* Hands over those that are held, one at a time, until `enough` (may be NULL)
 * says so. The number handed over; fewer than held when the database failed or
 * memory is out: the rest is to be run. */
uint32_t ledger_replay(struct ledger *ledger, struct text_pool *texts, void *user,
                       void (*sink)(void *user, const struct replication_record *records),
                       bool (*enough)(void *user));

/* One replication: a record and what was kept of it for each strategy. */
void ledger_add(struct ledger *ledger, const struct replication_record *records,
                const struct kept *const *kept);

/* The run has ended: a result for each strategy. After it, or without it,
 * ledger_leave() before grades and metas go. */
void ledger_end(struct ledger *ledger, json_t *const *results, const json_t *run_facts,
                bool whole);
void ledger_leave(struct ledger *ledger);

/* Worsened by what happened to the database. */
int ledger_code(const struct ledger *ledger, int code);

#endif
