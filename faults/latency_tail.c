/* latency_tail.c - a small share of calls takes much longer: the tail.
 *
 * As `latency`, with the share in its own hands: of all calls, `share` times
 * the entry's probability is late by the whole delay and the others are not.
 */
#include "faults/fault.h"

enum { SHARE, DELAY };

static const struct fault_param latency_tail_params[] = {
        {.name = "share", .summary = "share of calls that are late", .unit = FAULT_RATIO,
         .fallback = 0.01, .min = 0, .max = 1},
        {.name = "delay", .summary = "added to each of them", .unit = FAULT_DURATION,
         .required = true, .min = 0, .max = 3600e9, .ramps = true},
};

static void latency_tail_inject(struct fault_run *run)
{
        bool edge = run->edge != FLEET_NO_INDEX || run->between_zones;
        struct effect *effect = fault_effect(run, edge ? EFFECT_EDGE_DELAY : EFFECT_HOST_DELAY,
                                             edge ? LAYER_EDGE : LAYER_HOST);

        effect->delay = (struct dist){.kind = DIST_CONSTANT, .a_ns = run->arguments[DELAY]};
        effect->probability *= run->arguments[SHARE];
        run->measured_what = "added delay of touched calls (s)";
        fault_effect_on_targets(run, effect);
}

const struct fault_ops fault_latency_tail = {
        .name = "latency_tail",
        .family = "latency",
        .summary = "a share of the calls over an edge, or of the answers of instances, is late",
        .failure_type = "high_latency",
        .effect = "that share of calls comes later by the delay, the others do not",
        .lifting = "the delay is gone for every message that is sent from then on",
        .targets = FAULT_TARGET_EDGE | FAULT_TARGET_INSTANCES | FAULT_TARGET_ZONES,
        .lives_in = LAYER_HOST,
        .lives_in_edge = LAYER_EDGE,
        .chance = FAULT_CHANCE_PER_REQUEST,
        .params = latency_tail_params,
        .params_count = sizeof(latency_tail_params) / sizeof(latency_tail_params[0]),
        .inject = latency_tail_inject,
        .lift = fault_lift_effects,
};
