/* timeout.c - the process never answers a share of its requests.
 *
 * The work is done and the worker is free again, but the answer is never sent:
 * the process itself sees no error, its caller waits out the timeout. An edge
 * without one gives up after 127 s, as a connection does.
 */
#include "faults/fault.h"

enum { RATE };

static const struct fault_param timeout_params[] = {
        {.name = "rate", .summary = "share of requests without an answer", .unit = FAULT_RATIO,
         .fallback = 1, .min = 0, .max = 1, .ramps = true},
};

static void timeout_inject(struct fault_run *run)
{
        struct effect *effect = fault_effect(run, EFFECT_ANSWER_LOSS, LAYER_PROCESS);

        effect->a = run->arguments[RATE];
        run->measured_what = "share of answers never sent";
        fault_effect_on_targets(run, effect);
}

const struct fault_ops fault_timeout = {
        .name = "timeout",
        .family = "errors",
        .summary = "instances never answer a share of their requests",
        .failure_type = "network_timeout",
        .effect = "callers wait out their timeout for that share of requests",
        .lifting = "every request is answered from then on",
        .targets = FAULT_TARGET_INSTANCES,
        .lives_in = LAYER_PROCESS,
        .chance = FAULT_CHANCE_PER_REQUEST,
        .params = timeout_params,
        .params_count = sizeof(timeout_params) / sizeof(timeout_params[0]),
        .inject = timeout_inject,
        .lift = fault_lift_effects,
};
