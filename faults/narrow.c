/* narrow.c - lines that carry little, and connections that close slowly.
 *
 * A line carries requests of 16 KiB one after the other, at its rate; whoever
 * comes faster than it can carry waits ever longer. A connection that closes
 * slowly keeps the callee's worker after its answer: the answer is not late, but
 * the next request may be.
 */
#include "faults/fault.h"

enum { FIRST };

static const struct fault_param bandwidth_params[] = {
        {.name = "rate", .summary = "what the line carries; a request is 16 KiB",
         .unit = FAULT_BYTES_PER_S, .required = true, .min = 1, .max = 1e15, .neutral = 1e15},
};

static const struct fault_param slow_close_params[] = {
        {.name = "delay", .summary = "how long a worker is kept after its answer",
         .unit = FAULT_DURATION, .required = true, .min = 0, .max = 3600e9, .ramps = true},
};

static void bandwidth_inject(struct fault_run *run)
{
        struct effect *effect = fault_effect(run, EFFECT_BANDWIDTH, LAYER_EDGE);

        effect->a = run->arguments[FIRST];
        run->measured_what = "added delay (s)";
        fault_effect_on_targets(run, effect);
}

static void slow_close_inject(struct fault_run *run)
{
        struct effect *effect = fault_effect(run, EFFECT_SLOW_CLOSE, LAYER_EDGE);

        effect->delay = (struct dist){.kind = DIST_CONSTANT, .a_ns = run->arguments[FIRST]};
        run->measured_what = "worker kept (s)";
        fault_effect_on_targets(run, effect);
}

const struct fault_ops fault_bandwidth = {
        .name = "bandwidth",
        .family = "latency",
        .summary = "an edge, or all calls from one zone to another, share a narrow line",
        .failure_type = "high_latency",
        .effect = "requests over it queue for the line, ever longer when it is overloaded",
        .lifting = "what is sent from then on goes at once; what waits comes when it would have",
        .targets = FAULT_TARGET_EDGE | FAULT_TARGET_ZONES,
        .lives_in = LAYER_ZONE,
        .lives_in_edge = LAYER_EDGE,
        .chance = FAULT_CHANCE_PER_REQUEST,
        .params = bandwidth_params,
        .params_count = sizeof(bandwidth_params) / sizeof(bandwidth_params[0]),
        .inject = bandwidth_inject,
        .lift = fault_lift_effects,
};

const struct fault_ops fault_slow_close = {
        .name = "slow_close",
        .family = "latency",
        .summary = "connections over an edge close late",
        .failure_type = "resource_exhaustion",
        .effect = "the callee's workers are kept after their answers; its queue grows",
        .lifting = "connections close at once; those that are closing take their time",
        .targets = FAULT_TARGET_EDGE,
        .lives_in_edge = LAYER_EDGE,
        .chance = FAULT_CHANCE_PER_REQUEST,
        .params = slow_close_params,
        .params_count = sizeof(slow_close_params) / sizeof(slow_close_params[0]),
        .inject = slow_close_inject,
        .lift = fault_lift_effects,
};
