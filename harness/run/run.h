/* harness/run/run.h - all replications of a scenario, all arms, in parallel.
 *
 * Threads share nothing but the scenario: each advances one world at a time.
 * Replications are handed to the sink in order of their number, whichever was
 * ready first, so nothing that follows depends on the number of threads.
 *
 * Arms that would be identical are run once: without faults `treated` is
 * `quiet`; without a healer `treated` is `untreated`; and `shadow` is
 * `treated` as long as no preventive action was ordered. The record's arms then
 * point to one arm_record.
 *
 * Several healers may be given, to be compared: each replication then has the
 * arms without a healer once and the others once a healer. All of them go on
 * until the last is well, so that they are measured over the same time.
 */
#ifndef CHAOS_RUN_H
#define CHAOS_RUN_H

#include <signal.h>

#include "harness/run/healer_face.h"
#include "harness/run/record.h"
#include "harness/run/text_pool.h"
#include "harness/scenario/scenario.h"

struct run_progress {
        uint32_t replications_done, replications;
        double virtual_s_done, virtual_s; /* over all arms, as far as known */
};

enum { RUN_HEALERS_MAX = 10 };

struct run_healer {
        const struct healer_ops *ops; /* NULL: none */
        const void *config;
};

struct run_options {
        const struct scenario *scenario;
        const struct healer_ops *healer; /* NULL: none */
        const void *healer_config;
        /* Instead of the two above: 1..RUN_HEALERS_MAX side by side; 0: not asked. */
        const struct run_healer *healers;
        uint32_t healer_count;
        /* Not 0: healers from this index on only follow. They are measured over the same
         * time, but it is the others that decide how long; and they have no shadow of
         * their own where one would differ. */
        uint32_t followers_from;
        uint32_t shadows_to; /* followers below this index have their shadow nevertheless */
        /* Knock-out: treated of the first healer again, twice for each thing it did. */
        bool attribute;
        /* The first replication's journal also has what the monitor saw, in all arms. */
        bool journal_telemetry;
        /* Is shown the journal of the first replication's treated arm as it is written, and
         * what its monitor saw, from the one thread that runs it. May be NULL. */
        void (*watch)(void *user, const struct journal_entry *entry);
        void *watch_user;
        struct text_pool *texts;      /* must outlive the records */
        uint32_t first, count;           /* replications [first, first + count) */
        uint32_t jobs;                   /* threads, >= 1 */
        const volatile sig_atomic_t *stop; /* not 0: end soon, hand over what is whole */
        void *user;
        /* One replication at a time, from any thread: a record for each healer, in
         * their order. Arms without a healer are the same arm_record in all of
         * them. All are freed when it returns. */
        void (*sink)(void *user, const struct replication_record *records);
        /* Asked after each sink: true when no further replication is wanted, which
         * is as if `count` ended there. NULL: never. */
        bool (*enough)(void *user);
        /* From any thread, at most a few times a second. May be NULL. */
        void (*progress)(void *user, const struct run_progress *progress);
};

enum run_status {
        RUN_OK,
        RUN_INTERRUPTED, /* `stop` was set: not all replications were handed over */
        RUN_NO_MEMORY,
};

enum run_status run_scenario(const struct run_options *options);

/* What reports need to know of a scenario; made once. The result refers to the
 * scenario and lives in its own memory: run_meta_free(). NULL: no memory. */
struct run_meta *run_meta_make(const struct scenario *scenario, bool healer_acts,
                               const char *healer_name, const char *healer_digest,
                               const char *version);
void run_meta_free(struct run_meta *meta);

/* Width of the series' bins for a run of that length: at most ~180 of them. */
int64_t run_bin_ns(const struct scenario *scenario);

#endif
