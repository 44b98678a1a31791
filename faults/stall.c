/* stall.c - processes that stand still, or work for nobody.
 *
 * A hung process and one that is paused accept requests and answer none, send
 * no heartbeat and pass no check; both go on where they were once it is over.
 * They differ in what the world calls them. `gc_pause` stands still so shortly
 * that no check notices. A zombie passes its checks and fails its work. All
 * live in the process: a new one is free of it.
 */
#include "faults/fault.h"

enum { PAUSE, EVERY };

static const struct fault_param gc_pause_params[] = {
        {.name = "pause", .summary = "how long the process stands still", .unit = FAULT_DURATION,
         .required = true, .min = 0, .max = 3600e9},
        {.name = "every", .summary = "from the beginning of one pause to that of the next",
         .unit = FAULT_DURATION, .required = true, .min = 1e6, .max = 3600e9},
};

static void hang_inject(struct fault_run *run)
{
        struct effect *effect = fault_effect(run, EFFECT_HUNG, LAYER_PROCESS);

        run->measured_what = "instances hung";
        fault_effect_on_targets(run, effect);
}

const struct fault_ops fault_hang = {
        .name = "hang",
        .family = "instances",
        .summary = "the process accepts requests and never answers",
        .failure_type = "agent_failed",
        .effect = "what is inside waits; no heartbeat, and health checks fail",
        .lifting = "the process goes on where it was",
        .targets = FAULT_TARGET_INSTANCES,
        .lives_in = LAYER_PROCESS,
        .chance = FAULT_CHANCE_PER_TARGET,
        .inject = hang_inject,
        .lift = fault_lift_effects,
};

static void pause_inject(struct fault_run *run)
{
        struct effect *effect = fault_effect(run, EFFECT_HUNG, LAYER_PROCESS);

        run->measured_what = "instances paused";
        fault_effect_on_targets(run, effect);
}

const struct fault_ops fault_pause = {
        .name = "pause",
        .family = "instances",
        .summary = "the process stands still as a whole",
        .failure_type = "heartbeat_failed",
        .effect = "what is inside waits; no heartbeat, and health checks fail",
        .lifting = "the process goes on where it was",
        .targets = FAULT_TARGET_INSTANCES,
        .lives_in = LAYER_PROCESS,
        .chance = FAULT_CHANCE_PER_TARGET,
        .inject = pause_inject,
        .lift = fault_lift_effects,
};

static void zombie_inject(struct fault_run *run)
{
        struct effect *effect = fault_effect(run, EFFECT_ZOMBIE, LAYER_PROCESS);

        run->measured_what = "instances that became zombies";
        fault_effect_on_targets(run, effect);
}

const struct fault_ops fault_zombie = {
        .name = "zombie",
        .family = "instances",
        .summary = "the process passes its health checks and fails its work",
        .failure_type = "task_failed",
        .effect = "every request to it is answered with an error",
        .lifting = "the process works again",
        .targets = FAULT_TARGET_INSTANCES,
        .lives_in = LAYER_PROCESS,
        .chance = FAULT_CHANCE_PER_TARGET,
        .inject = zombie_inject,
        .lift = fault_lift_effects,
};

static void gc_pause_inject(struct fault_run *run)
{
        struct effect *effect;

        run->measured_what = "pauses";
        if (run->arguments[PAUSE] <= 0)
                return;
        effect = fault_effect(run, EFFECT_STOP, LAYER_PROCESS);
        effect->a = run->arguments[PAUSE] * 1e-9;
        effect->b = run->arguments[EVERY] * 1e-9;
        fault_effect_on_targets(run, effect);
}

const struct fault_ops fault_gc_pause = {
        .name = "gc_pause",
        .family = "resources",
        .summary = "the process stands still shortly, again and again",
        .failure_type = "high_latency",
        .effect = "work in the process takes longer by the pauses that fall into it",
        .lifting = "the process stands still no more",
        .targets = FAULT_TARGET_INSTANCES,
        .lives_in = LAYER_PROCESS,
        .chance = FAULT_CHANCE_PER_TARGET,
        .params = gc_pause_params,
        .params_count = sizeof(gc_pause_params) / sizeof(gc_pause_params[0]),
        .inject = gc_pause_inject,
        .lift = fault_lift_effects,
};
