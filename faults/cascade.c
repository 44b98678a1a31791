/* cascade.c - one failure after the other, up the call graph.
 *
 * The first kind hits the target; each of the others hits, a delay later, all
 * instances of a service that calls the one before, the first such service that
 * was not hit yet. Where nobody calls, the chain ends. The parts are faults like
 * any other, with their default arguments, and are lifted together.
 */
#include <stdlib.h>

#include "faults/fault.h"

enum { KINDS, DELAY };

struct part {
        struct fault_run run;
        double arguments[FAULT_ARGUMENT_MAX];
        uint32_t *instances;
        uint32_t service;
};

struct cascade {
        struct part parts[FAULT_KINDS_MAX];
        uint32_t count;
};

static const struct fault_param cascade_params[] = {
        {.name = "kinds", .summary = "what happens to the target, to who calls it, and so on",
         .unit = FAULT_KINDS, .required = true, .max = 281474976710655},
        {.name = "delay", .summary = "from one to the next", .unit = FAULT_DURATION,
         .fallback = 30e9, .min = 0, .max = 24 * 3600e9},
};

static void begin_part(struct fault_run *run, struct cascade *cascade, const uint32_t *instances,
                       uint32_t count, uint32_t service)
{
        struct part *part = &cascade->parts[cascade->count];
        const struct fault_ops *ops = fault_kinds_at(run->arguments[KINDS], cascade->count);

        part->instances = malloc((count + 1) * sizeof(*part->instances));
        if (part->instances == NULL)
                return; /* the chain ends here */
        for (uint32_t i = 0; i < count; i++)
                part->instances[i] = instances[i];
        for (size_t i = 0; i < ops->params_count; i++)
                part->arguments[i] = ops->params[i].fallback;
        part->service = service;
        part->run = (struct fault_run){
                .ops = ops, .fleet = run->fleet, .host = run->host, .arguments = part->arguments,
                .probability = run->probability, .rank = run->rank,
                .stream = run->stream + cascade->count + 1, .now_ns = run->now_ns, .has_end = run->has_end,
                .edge = FLEET_NO_INDEX, .load = FLEET_NO_INDEX, .service = FLEET_NO_INDEX,
                .zone = FLEET_NO_INDEX, .instances = part->instances, .instance_count = count,
        };
        cascade->count++;
        run->touched += count;
        ops->inject(&part->run);
}

static bool was_hit(const struct cascade *cascade, uint32_t service)
{
        for (uint32_t i = 0; i < cascade->count; i++)
                if (cascade->parts[i].service == service)
                        return true;
        return false;
}

static void next_part(void *user, uint32_t number)
{
        struct fault_run *run = user;
        struct cascade *cascade = run->state;
        uint32_t below, caller, n = 0, count, *members;

        if (cascade == NULL || cascade->count != number)
                return; /* lifted meanwhile, or the chain has ended */
        below = cascade->parts[number - 1].service;
        do
                caller = fleet_service_caller(run->fleet, below, n++);
        while (caller != FLEET_NO_INDEX && was_hit(cascade, caller));
        if (caller == FLEET_NO_INDEX)
                return;
        count = fleet_service_instances(run->fleet, caller, NULL, 0);
        members = malloc((count + 1) * sizeof(*members));
        if (members == NULL)
                return;
        fleet_service_instances(run->fleet, caller, members, count);
        begin_part(run, cascade, members, count, caller);
        free(members);
}

static void cascade_inject(struct fault_run *run)
{
        struct cascade *cascade = calloc(1, sizeof(*cascade));

        run->state = cascade;
        run->measured_what = "instances hit";
        if (cascade == NULL || run->instance_count == 0 ||
            fault_kinds_at(run->arguments[KINDS], 0) == NULL)
                return;
        begin_part(run, cascade, run->instances, run->instance_count,
                   fleet_instance_service(run->fleet, run->instances[0]));
        for (uint32_t i = 1; fault_kinds_at(run->arguments[KINDS], i) != NULL; i++)
                fleet_schedule_fault(run->fleet,
                                     run->now_ns + (int64_t)(run->arguments[DELAY] * i),
                                     run->stream + i, next_part, run, i);
}

static void cascade_lift(struct fault_run *run)
{
        struct cascade *cascade = run->state;

        for (uint32_t i = cascade == NULL ? 0 : cascade->count; i-- > 0;) {
                cascade->parts[i].run.ops->lift(&cascade->parts[i].run);
                free(cascade->parts[i].instances);
        }
        free(cascade);
        run->state = NULL;
}

const struct fault_ops fault_cascade = {
        .name = "cascade",
        .family = "compound",
        .summary = "a chain of faults, from a service up to who calls it",
        .failure_type = "dependency_failure",
        .effect = "one kind after the other, each on the callers of the one before",
        .lifting = "all of them are lifted, the last first",
        .targets = FAULT_TARGET_INSTANCES,
        .lives_in = LAYER_PROCESS,
        .chance = FAULT_CHANCE_PER_TARGET,
        .params = cascade_params,
        .params_count = sizeof(cascade_params) / sizeof(cascade_params[0]),
        .inject = cascade_inject,
        .lift = cascade_lift,
};
