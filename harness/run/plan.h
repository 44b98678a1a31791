/* harness/run/plan.h - what is to happen in one replication, fixed beforehand.
 *
 * Times and targets of timed faults, drawn from the fault's own streams: the
 * same in every arm, whatever any healer does. Targets are places in a service
 * ("its second instance"), not processes, so that they are the same where an
 * instance was replaced before.
 */
#ifndef CHAOS_RUN_PLAN_H
#define CHAOS_RUN_PLAN_H

#include "harness/scenario/scenario.h"

struct planned_fault {
        const struct method_spec *entry;
        uint64_t stream;     /* of its chance */
        int64_t start_ns;
        int64_t end_ns;      /* its duration's end; without one at once or that of the scenario */
        uint32_t *places;    /* in the service, ascending */
        uint32_t place_count;
};

struct plan {
        struct planned_fault *faults; /* faults of the method, in its order */
        uint32_t fault_count;
        int64_t first_ns;    /* start of the first fault; the duration's end without any */
        uint64_t hash;       /* of timetable and targets */
};

/* The plan of one replication, in `arena`. False when memory is out. */
bool plan_make(const struct scenario *scenario, uint64_t key, struct arena *arena,
               struct plan *out);

/* One step of the hash of timetable and targets. */
uint64_t plan_hash_step(uint64_t hash, const struct planned_fault *fault, int64_t started_ns);

#endif
