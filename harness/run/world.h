/* harness/run/world.h - one arm of one replication: a fleet, its faults, its healer.
 *
 * The world carries telemetry to the healer (late, as the fleet's channel is),
 * the healer's orders to the fleet, and everything into the journal. It judges
 * for itself whether an action is preventive, and in the shadow arm holds those
 * back. Single-threaded; worlds of one run are advanced by different threads at
 * different times, never by two at once.
 */
#ifndef CHAOS_RUN_WORLD_H
#define CHAOS_RUN_WORLD_H

#include "harness/run/healer_face.h"
#include "harness/run/plan.h"
#include "harness/run/record.h"
#include "harness/run/text_pool.h"

struct world;

/* What one episode did of one kind to one target, all through the run. */
struct knockout {
        uint64_t episode;
        uint32_t action, service, instance;
        bool placebo; /* it is done, but PLACEBO_NS later */
};
#define PLACEBO_NS NS_PER_S

struct world_options {
        const struct scenario *scenario;
        const struct plan *plan;      /* must outlive the world */
        enum arm arm;
        uint64_t key;
        int64_t bin_ns;
        const struct healer_ops *healer; /* NULL: none */
        const void *healer_config;
        struct text_pool *texts;      /* must outlive the records */
        bool journal_telemetry;       /* also what the monitor saw */
        /* Is shown each entry as it is written, and telemetry where there is any; changes
         * nothing. May be NULL. */
        void (*watch)(void *user, const struct journal_entry *entry);
        void *watch_user;
        const struct knockout *without; /* NULL: everything is done; else not copied */
        /* This world is what entries with `when` and stop conditions look at: it
         * finds out when their faults come and where the replication is cut. */
        bool leads;
        bool may_stop; /* by stop conditions; a reference healer beside the run may not */
        /* Else: the plays that the leading world found, to be repeated here. Must
         * outlive the world, as the plan. */
        const struct planned_fault *const *coupled;
        uint32_t coupled_count;
};

/* NULL when memory is out. */
struct world *world_create(const struct world_options *options);
void world_destroy(struct world *world);

/* Simulates up to `until_ns`; false when the world broke. */
bool world_advance(struct world *world, int64_t until_ns);

int64_t world_time(const struct world *world);

/* Of a leading world: what `when` entries played so far, in order of events. The
 * array is the world's until it goes on; the plays live as long as the world. */
const struct planned_fault *const *world_coupled(const struct world *world, uint32_t *count);
/* Where a stop condition ended it; TIME_NEVER: none did. It then goes no further. */
int64_t world_stopped_ns(const struct world *world);
/* The replication was stopped where this world is now; noted in its journal, once. */
void world_mark_stopped(struct world *world, const struct world *by);

/* Every entry service is good and has no incident open. */
bool world_is_good(const struct world *world);

/* Preventive actions ordered so far: while it is 0 the shadow is the treated
 * world, to the byte. */
uint64_t world_preventive_count(const struct world *world);

/* What was done so far, each thing once, in order; at most `room` of them are
 * put into `out`. The number of all. Actions that only look are left out. */
size_t world_deeds(const struct world *world, struct knockout *out, size_t room);

/* Lifts all faults and closes the books. The record is the caller's
 * (arm_record_free()); it refers to the scenario. NULL when memory is out. To
 * be called once; only world_destroy() may follow. */
struct arm_record *world_finish(struct world *world);
void arm_record_free(struct arm_record *record, const struct scenario *scenario);

#endif
