/* connections.c - connections and file descriptors run out, or break unnoticed.
 *
 * With an edge as target it is that edge's pool in all instances of the caller;
 * with instances as target all pools that these have. What is taken comes back
 * when the fault ends. A connection that was dropped stays dead: the pool hands it
 * out, the call on it fails, and so on until the pool is renewed.
 */
#include "faults/fault.h"

enum { SHARE };

static const struct fault_param taken_params[] = {
        {.name = "share", .summary = "share of them that is taken and not given back",
         .unit = FAULT_RATIO, .fallback = 1, .min = 0, .max = 1, .ramps = true},
};

static const struct fault_param dropped_params[] = {
        {.name = "share", .summary = "share of the connections that break", .unit = FAULT_RATIO,
         .fallback = 1, .min = 0, .max = 1},
};

static void fd_exhaustion_inject(struct fault_run *run)
{
        struct effect *effect = fault_effect(run, EFFECT_DESCRIPTORS, LAYER_PROCESS);

        effect->a = run->arguments[SHARE];
        run->measured_what = "instances without descriptors";
        fault_effect_on_targets(run, effect);
}

const struct fault_ops fault_fd_exhaustion = {
        .name = "fd_exhaustion",
        .family = "resources",
        .summary = "the process opens files and does not close them",
        .failure_type = "resource_exhaustion",
        .effect = "requests and calls without a descriptor wait until their timeout",
        .lifting = "the descriptors are free again",
        .targets = FAULT_TARGET_INSTANCES,
        .lives_in = LAYER_PROCESS,
        .needs = FAULT_NEEDS_FDS,
        .chance = FAULT_CHANCE_PER_TARGET,
        .params = taken_params,
        .params_count = sizeof(taken_params) / sizeof(taken_params[0]),
        .inject = fd_exhaustion_inject,
        .lift = fault_lift_effects,
};

static void connection_pool_exhaustion_inject(struct fault_run *run)
{
        struct effect *effect = fault_effect(run, EFFECT_CONNECTIONS, LAYER_POOL);

        effect->a = run->arguments[SHARE];
        effect->edge = run->edge;
        run->measured_what = "instances without connections";
        if (run->edge != FLEET_NO_INDEX)
                fleet_effect_on_callers(run->fleet, run->edge, effect);
        for (uint32_t i = 0; i < run->instance_count; i++)
                fleet_effect_on_instance(run->fleet, run->instances[i], effect);
}

const struct fault_ops fault_connection_pool_exhaustion = {
        .name = "connection_pool_exhaustion",
        .family = "resources",
        .summary = "connections of a pool are taken and not given back",
        .failure_type = "database_connection",
        .effect = "calls wait for the connections that are left, until their timeout",
        .lifting = "the connections are free again",
        .targets = FAULT_TARGET_EDGE | FAULT_TARGET_INSTANCES,
        .lives_in = LAYER_POOL,
        .lives_in_edge = LAYER_POOL,
        .needs = FAULT_NEEDS_POOL,
        .chance = FAULT_CHANCE_PER_TARGET,
        .params = taken_params,
        .params_count = sizeof(taken_params) / sizeof(taken_params[0]),
        .inject = connection_pool_exhaustion_inject,
        .lift = fault_lift_effects,
};

static void connection_drop_inject(struct fault_run *run)
{
        run->measured_what = "connections dropped";
        if (run->edge != FLEET_NO_INDEX)
                run->touched += fleet_pool_drop(run->fleet, FLEET_NO_INDEX, run->edge,
                                                run->arguments[SHARE], run->stream);
        for (uint32_t i = 0; i < run->instance_count; i++)
                run->touched += fleet_pool_drop(run->fleet, run->instances[i], FLEET_NO_INDEX,
                                                run->arguments[SHARE], run->stream);
}

const struct fault_ops fault_connection_drop = {
        .name = "connection_drop",
        .family = "data layer",
        .summary = "connections of a pool break, and the pool does not notice",
        .failure_type = "database_connection",
        .effect = "calls that get a dead connection fail at once",
        .lifting = "nothing: the connections stay dead until the pool is renewed",
        .targets = FAULT_TARGET_EDGE | FAULT_TARGET_INSTANCES,
        .lives_in = LAYER_POOL,
        .lives_in_edge = LAYER_POOL,
        .needs = FAULT_NEEDS_POOL,
        .chance = FAULT_CHANCE_PER_TARGET,
        .instant = true,
        .params = dropped_params,
        .params_count = sizeof(dropped_params) / sizeof(dropped_params[0]),
        .inject = connection_drop_inject,
        .lift = fault_lift_effects,
};
