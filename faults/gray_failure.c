/* gray_failure.c - bad to some of its callers, well to the others and to its checks.
 *
 * Of every calling service a share of the instances (at least one) finds the
 * target slow and failing, always the same ones. On instances it is their host's,
 * on an edge the network's: a replaced instance is free of it, a restarted one not.
 */
#include "faults/fault.h"

enum { SHARE, DELAY, ERROR_RATE };

static const struct fault_param gray_failure_params[] = {
        {.name = "share", .summary = "of the callers that find it bad", .unit = FAULT_RATIO,
         .fallback = 0.3, .min = 0, .max = 1},
        {.name = "delay", .summary = "added to each of their calls", .unit = FAULT_DURATION,
         .fallback = 1e9, .min = 0, .max = 3600e9, .ramps = true},
        {.name = "error_rate", .summary = "share of their calls that fail", .unit = FAULT_RATIO,
         .fallback = 0.3, .min = 0, .max = 1, .ramps = true},
};

static void gray_failure_inject(struct fault_run *run)
{
        struct effect *effect = fault_effect(run, EFFECT_GRAY, run->edge != FLEET_NO_INDEX
                                                                       ? LAYER_EDGE
                                                                       : LAYER_HOST);

        effect->a = run->arguments[ERROR_RATE];
        effect->b = run->arguments[SHARE];
        effect->delay = (struct dist){.kind = DIST_CONSTANT, .a_ns = run->arguments[DELAY]};
        run->measured_what = "share of those callers' calls failed";
        fault_effect_on_targets(run, effect);
}

const struct fault_ops fault_gray_failure = {
        .name = "gray_failure",
        .family = "compound",
        .summary = "instances, or an edge, are slow and failing for some callers only",
        .failure_type = "agent_failed",
        .effect = "the same callers find every call late, and many failed; others nothing",
        .lifting = "all callers are served alike from then on",
        .targets = FAULT_TARGET_INSTANCES | FAULT_TARGET_EDGE,
        .lives_in = LAYER_HOST,
        .lives_in_edge = LAYER_EDGE,
        .chance = FAULT_CHANCE_PER_REQUEST,
        .params = gray_failure_params,
        .params_count = sizeof(gray_failure_params) / sizeof(gray_failure_params[0]),
        .inject = gray_failure_inject,
        .lift = fault_lift_effects,
};
