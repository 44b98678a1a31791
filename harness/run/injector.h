/* harness/run/injector.h - puts a plan's faults into one fleet and lifts them.
 *
 * It also turns the phase of the measures (before, during, after) by the
 * plan's times, in the arms without faults too. After injector_end() nothing of
 * any fault is in force; the overlay's digest must be what it was before.
 */
#ifndef CHAOS_RUN_INJECTOR_H
#define CHAOS_RUN_INJECTOR_H

#include "harness/fleet/fleet.h"
#include "harness/run/plan.h"
#include "harness/run/record.h"

/* One play. */
struct injected {
        const struct planned_fault *planned;
        struct fault_run run;
        uint32_t *instances;
        bool active;
        int64_t started_ns, ended_ns; /* TIME_NEVER: not */
        bool *on_service;
        uint32_t attached;   /* targets that its effects were put on */
        double kept_sum;     /* measured before it was put in again */
        uint64_t kept_count;
};

struct injector {
        struct fleet *fleet;
        const struct scenario *scenario;
        const struct plan *plan;
        struct arena *arena;
        struct injected **faults; /* of the plan, then those that were added */
        uint32_t fault_count, fault_room;
        uint32_t *members;   /* room to list the places of any target in */
        uint32_t member_count;
        bool acts;           /* else: only the phases */
        uint32_t active;     /* faults in force by the plan */
        uint64_t hash;       /* of what was really done, coupled entries left out */
        uint64_t overlay_before;
        struct fault_host host; /* for kinds that ask about other entries */
        void *user;
        void (*started)(void *user, uint32_t fault);
        void (*ended)(void *user, uint32_t fault);
};

/* A play that the plan does not have; in its time, or at once when that is past.
 * `planned` must outlive the injector. False when memory is out. */
bool injector_add(struct injector *injector, const struct planned_fault *planned);

/* Schedules the plan. `arena` must outlive the injector, `fleet` too. False
 * when memory is out. `started` and `ended` are told of faults that act. */
bool injector_begin(struct injector *injector, struct arena *arena);

/* Lifts all that is in force; harmless to call again. */
void injector_end(struct injector *injector);

#endif
