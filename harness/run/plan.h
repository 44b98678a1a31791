/* harness/run/plan.h - what is to happen in one replication, fixed beforehand.
 *
 * An entry of the method is played once, or as often as its timing says; each
 * play has its own name ("flaky", "flaky #2"), and its chance is that of the
 * name. So a play that is written out as an entry with its name, time and
 * targets (plan_words.h) does the same again, and an entry more moves no draw
 * of another.
 *
 * Times and targets of timed faults are the same in every arm, whatever any
 * healer does. Targets are places in a service ("its second instance"), not
 * processes, so that they are the same where an instance was replaced before.
 * With evaluation.replay_trigger each harmful play comes once more, as "NAME again",
 * on the same places: the whole timetable from PLAN_REPLAY_AFTER_NS after the last of
 * them is over (or, where one has no end of its own, after it began).
 *
 * Entries with `when`, and those after them, are not in the plan: their plays
 * are made while the treated arm runs, by plan_triggered().
 */
#ifndef CHAOS_RUN_PLAN_H
#define CHAOS_RUN_PLAN_H

#include "harness/base/diag.h"
#include "harness/scenario/scenario.h"
#include "harness/sim/time.h"

struct planned_fault {
        const struct method_spec *entry;
        const char *name;    /* of this play */
        uint32_t number;     /* of the entry among the faults of the method */
        uint64_t stream;     /* of its chance */
        int64_t start_ns;
        int64_t end_ns;      /* its duration's end; without one at once or that of the scenario */
        uint32_t *services;  /* of each place; NULL: all in the target's service */
        uint32_t *places;    /* in the service, ascending */
        uint32_t place_count;
        bool spared;         /* chance left its one target, a service or an edge or none, alone */
};

struct plan {
        struct planned_fault *faults; /* plays in the order of the method, then of time */
        uint32_t fault_count;
        int64_t *probes_at_ns; /* by index in the method; of probes */
        int64_t first_ns;    /* start of the first fault; the duration's end without any */
        uint64_t hash;       /* of timetable and targets */
        int64_t replay_ns;   /* start of the first replay; TIME_NEVER: none */
        uint32_t replays_left_out; /* they would begin after the duration */
};

#define PLAN_REPLAY_AFTER_NS (5 * NS_PER_MIN)

/* The plan of one replication, in `arena`. False when memory is out. */
bool plan_make(const struct scenario *scenario, uint64_t key, struct arena *arena,
               struct plan *out);

/* The service of a play's i-th place. */
uint32_t planned_service(const struct planned_fault *fault, uint32_t index);

/* How many plays of each entry with `when`, and of those after it, there were. */
struct plan_counts {
        uint32_t *plays; /* by ordinal */
};

/* An event has happened for which `entry` (of the method, with `when`) waits: its
 * play at `start_ns` and those of the entries that come after it, given to
 * `add` one by one, in arena memory. Plays after the end of the duration are
 * left out. False when memory is out. */
bool plan_triggered(const struct scenario *scenario, uint64_t key, struct arena *arena,
                    struct plan_counts *counts, const struct method_spec *entry, int64_t start_ns,
                    void *user, bool (*add)(void *user, struct planned_fault *fault));

/* One step of the hash of timetable and targets. */
uint64_t plan_hash_step(uint64_t hash, const struct planned_fault *fault, int64_t started_ns);

/* Whether any entry waits for what a healer does. */
bool plan_is_coupled(const struct scenario *scenario);

/* Refuses a scenario in which more faults are in force at once than its `safety`
 * allows, in one of these replications; entries with `when` count from the start
 * to the end of the run. What is to be run needs the approval that it asks for, and
 * is not to be in production. False: something was added to `diags`. */
enum plan_purpose { PLAN_TO_READ, PLAN_TO_RUN, PLAN_TO_RUN_APPROVED };

bool plan_check_safety(const struct scenario *scenario, uint32_t first, uint32_t count,
                       enum plan_purpose purpose, struct diag_list *diags);

#endif
