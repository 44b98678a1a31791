/* memory_leak.c - the process loses memory, by time or by request.
 *
 * Lifting stops the leak; what was lost stays lost until the process ends. A
 * restart ends the leak on that instance: the fault lives in the process. (Bad
 * code that leaks again from the start is a bad version.)
 */
#include "faults/fault.h"

enum { RATE, PER_REQUEST };

static const struct fault_param memory_leak_params[] = {
        {.name = "rate", .summary = "memory lost a second", .unit = FAULT_BYTES_PER_S, .min = 0,
         .max = 1e12, .ramps = true},
        {.name = "per_request", .summary = "memory lost a request", .unit = FAULT_BYTES, .min = 0,
         .max = 1e12, .ramps = true},
};

static void memory_leak_inject(struct fault_run *run)
{
        struct effect *effect = fault_effect(run, EFFECT_LEAK, LAYER_PROCESS);

        effect->a = run->arguments[RATE];
        effect->b = run->arguments[PER_REQUEST];
        run->measured_what = "memory leaked (bytes)";
        fault_effect_on_targets(run, effect);
}

const struct fault_ops fault_memory_leak = {
        .name = "memory_leak",
        .family = "resources",
        .summary = "instances lose memory steadily until the process is killed",
        .failure_type = "memory_leak",
        .effect = "memory grows; above 85 % of the limit work slows, above the limit the process is killed",
        .lifting = "nothing more is lost; what was lost comes back with a new process only",
        .targets = FAULT_TARGET_INSTANCES,
        .lives_in = LAYER_PROCESS,
        .chance = FAULT_CHANCE_PER_TARGET,
        .one_of = "rate per_request",
        .params = memory_leak_params,
        .params_count = sizeof(memory_leak_params) / sizeof(memory_leak_params[0]),
        .inject = memory_leak_inject,
        .lift = fault_lift_effects,
};
