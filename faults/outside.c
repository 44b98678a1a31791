/* outside.c - what a service depends on outside of the fleet fails.
 *
 * Its own work fails for a share of requests, as it cannot do without: nothing
 * that is done to its instances helps, and a new one fails as well.
 */
#include "faults/fault.h"

enum { RATE, CODE };

static const struct fault_param outside_params[] = {
        {.name = "rate", .summary = "share of requests that fail", .unit = FAULT_RATIO,
         .fallback = 1, .min = 0, .max = 1, .ramps = true},
        {.name = "code", .summary = "status that callers see", .unit = FAULT_COUNT, .fallback = 503,
         .min = 400, .max = 599, .neutral = 503},
};

static void outside_inject(struct fault_run *run)
{
        struct effect *effect = fault_effect(run, EFFECT_ERROR, LAYER_OUTSIDE);

        effect->a = run->arguments[RATE];
        effect->code = (int)run->arguments[CODE];
        effect->retryable = true;
        run->measured_what = "share of requests failed";
        fault_effect_on_targets(run, effect);
}

const struct fault_ops fault_api_failure = {
        .name = "api_failure",
        .family = "change",
        .summary = "an interface of a third party that a service needs answers with errors",
        .failure_type = "api_failure",
        .effect = "the service's own work fails for that share of requests",
        .lifting = "no request fails by it from then on",
        .targets = FAULT_TARGET_SERVICE,
        .lives_in = LAYER_OUTSIDE,
        .chance = FAULT_CHANCE_PER_REQUEST,
        .params = outside_params,
        .params_count = sizeof(outside_params) / sizeof(outside_params[0]),
        .inject = outside_inject,
        .lift = fault_lift_effects,
};

const struct fault_ops fault_dependency_failure = {
        .name = "dependency_failure",
        .family = "change",
        .summary = "something outside of the fleet that a service depends on is not there",
        .failure_type = "dependency_failure",
        .effect = "the service's own work fails for that share of requests",
        .lifting = "no request fails by it from then on",
        .targets = FAULT_TARGET_SERVICE,
        .lives_in = LAYER_OUTSIDE,
        .chance = FAULT_CHANCE_PER_REQUEST,
        .params = outside_params,
        .params_count = sizeof(outside_params) / sizeof(outside_params[0]),
        .inject = outside_inject,
        .lift = fault_lift_effects,
};
