/* error.c - the process answers some requests with an error.
 *
 * The share that fails is rate x probability. It lives in the process: a
 * restarted instance is free of it. A process with a stale credential fails
 * everything that way: one that begins afterwards has the new one.
 */
#include "faults/fault.h"

enum { RATE, CODE, RETRYABLE };

static const struct fault_param error_params[] = {
        {.name = "rate", .summary = "share of requests that fail", .unit = FAULT_RATIO,
         .fallback = 1, .min = 0, .max = 1, .ramps = true},
        {.name = "code", .summary = "status that callers see", .unit = FAULT_COUNT, .fallback = 500,
         .min = 400, .max = 599, .neutral = 500},
        {.name = "retryable", .summary = "whether callers may try again", .unit = FAULT_BOOL,
         .fallback = 1, .min = 0, .max = 1, .neutral = 1},
};

static void error_inject(struct fault_run *run)
{
        struct effect *effect = fault_effect(run, EFFECT_ERROR, LAYER_PROCESS);

        effect->a = run->arguments[RATE];
        effect->retryable = run->arguments[RETRYABLE] != 0;
        effect->code = (int)run->arguments[CODE];
        run->measured_what = "share of requests failed";
        fault_effect_on_targets(run, effect);
}

const struct fault_ops fault_error = {
        .name = "error",
        .family = "errors",
        .summary = "instances answer a share of their requests with an error",
        .failure_type = "execution_error",
        .effect = "the service's own work fails for that share of requests",
        .lifting = "no request fails by it from then on",
        .targets = FAULT_TARGET_INSTANCES,
        .lives_in = LAYER_PROCESS,
        .chance = FAULT_CHANCE_PER_REQUEST,
        .params = error_params,
        .params_count = sizeof(error_params) / sizeof(error_params[0]),
        .inject = error_inject,
        .lift = fault_lift_effects,
};

static void credential_stale_inject(struct fault_run *run)
{
        struct effect *effect = fault_effect(run, EFFECT_ERROR, LAYER_PROCESS);

        effect->a = 1;
        effect->code = 401;
        run->measured_what = "share of requests failed";
        fault_effect_on_targets(run, effect);
}

const struct fault_ops fault_credential_stale = {
        .name = "credential_stale",
        .family = "queues and locks",
        .summary = "a credential was rotated, and running processes keep the old one",
        .failure_type = "execution_error",
        .effect = "their work fails; a process that begins has the new one",
        .lifting = "the old one is taken again",
        .targets = FAULT_TARGET_INSTANCES,
        .lives_in = LAYER_PROCESS,
        .chance = FAULT_CHANCE_PER_REQUEST,
        .inject = credential_stale_inject,
        .lift = fault_lift_effects,
};
