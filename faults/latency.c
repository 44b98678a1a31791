/* latency.c - calls over one edge, or answers of some instances, take longer.
 *
 * On an edge the delay is in the network: added to the request's way, whoever
 * serves it. On instances it is their host's: the answers come late, the work
 * itself is not slower, and a replaced instance is free of it.
 *
 * The spread (jitter, or all of an exponential delay) of a message is a mix of a
 * chance of its own and of its 100 ms slot's, which is AR(1): `correlation` c is
 * that of two messages in one slot, c^(k+1) of two that are k slots apart, and the
 * distribution of one message alone is the same whatever c is.
 *
 * Two of these on one target sum up and may be lifted in any order.
 */
#include "faults/fault.h"
#include "harness/sim/time.h"

enum { DELAY, JITTER, DISTRIBUTION, CORRELATION };
enum { SHAPE_UNIFORM, SHAPE_NORMAL, SHAPE_EXPONENTIAL };

static const char *const shapes[] = {"uniform", "normal", "exponential", NULL};

static const struct fault_param latency_params[] = {
        {.name = "delay", .summary = "added to every touched call", .unit = FAULT_DURATION,
         .required = true, .min = 0, .max = 3600e9, .ramps = true},
        {.name = "jitter", .summary = "spread around the delay: evenly by +-jitter, or the standard deviation of a normal one",
         .unit = FAULT_DURATION, .min = 0, .max = 3600e9, .ramps = true},
        {.name = "distribution", .summary = "shape of the added delay; exponential has `delay` as its mean and takes no jitter",
         .unit = FAULT_CHOICE, .fallback = SHAPE_UNIFORM, .max = SHAPE_EXPONENTIAL, .choices = shapes},
        {.name = "correlation", .summary = "of the spread of two calls in one slot of 100 ms, and from slot to slot",
         .unit = FAULT_RATIO, .min = 0, .max = 1},
};

static void latency_inject(struct fault_run *run)
{
        bool edge = run->edge != FLEET_NO_INDEX || run->between_zones;
        struct effect *effect = fault_effect(run, edge ? EFFECT_EDGE_DELAY : EFFECT_HOST_DELAY,
                                             edge ? LAYER_EDGE : LAYER_HOST);
        double delay = run->arguments[DELAY];

        effect->delay = (struct dist){.kind = DIST_CONSTANT, .a_ns = delay};
        if (run->arguments[DISTRIBUTION] == SHAPE_EXPONENTIAL)
                effect->delay.kind = DIST_EXPONENTIAL;
        else if (run->arguments[DISTRIBUTION] == SHAPE_NORMAL)
                effect->normal_sd_ns = run->arguments[JITTER];
        else
                effect->jitter_ns = run->arguments[JITTER];
        effect->correlation = run->arguments[CORRELATION];
        run->measured_what = "added delay (s)";
        fault_effect_on_targets(run, effect);
}

const struct fault_ops fault_latency = {
        .name = "latency",
        .family = "latency",
        .summary = "adds delay and jitter to calls over an edge, or to the answers of instances",
        .failure_type = "high_latency",
        .effect = "calls over the edge, or answers of the instances, come later by the delay",
        .lifting = "the delay is gone for every message that is sent from then on",
        .targets = FAULT_TARGET_EDGE | FAULT_TARGET_INSTANCES | FAULT_TARGET_ZONES,
        .lives_in = LAYER_HOST,
        .lives_in_edge = LAYER_EDGE,
        .chance = FAULT_CHANCE_PER_REQUEST,
        .params = latency_params,
        .params_count = sizeof(latency_params) / sizeof(latency_params[0]),
        .inject = latency_inject,
        .lift = fault_lift_effects,
};
