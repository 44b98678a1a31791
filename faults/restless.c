/* restless.c - instances that die or come back in other ways than they should.
 *
 * A crash loop and a slow start outlive the exits of their own process and its
 * restarts by the platform (a broken local state does); a restart that somebody
 * orders starts from a clean one and ends them. Flapping lives in the host.
 */
#include "faults/fault.h"

enum { LIFE };
enum { FACTOR };
enum { UP, DOWN };

static const struct fault_param crash_loop_params[] = {
        {.name = "life", .summary = "how long the process lives each time", .unit = FAULT_DURATION,
         .fallback = 20e9, .min = 1e6, .max = 3600e9},
};

static const struct fault_param slow_start_params[] = {
        {.name = "factor", .summary = "on the time that the process needs to start",
         .unit = FAULT_FACTOR, .fallback = 5, .min = 1, .max = 1000, .neutral = 1},
};

static const struct fault_param flap_params[] = {
        {.name = "up", .summary = "how long the host lets the process run", .unit = FAULT_DURATION,
         .required = true, .min = 1e6, .max = 3600e9},
        {.name = "down", .summary = "how long it then keeps it down", .unit = FAULT_DURATION,
         .required = true, .min = 1e6, .max = 3600e9},
};

static void oom_kill_inject(struct fault_run *run)
{
        struct effect *held = NULL;

        if (run->has_end)
                held = fault_effect(run, EFFECT_HELD_DOWN, LAYER_HOST);
        for (uint32_t i = 0; i < run->instance_count; i++) {
                fleet_instance_oom(run->fleet, run->instances[i]);
                run->touched++;
        }
        run->measured_what = "instances killed";
        if (held != NULL)
                fault_effect_on_targets(run, held);
}

static void zone_outage_inject(struct fault_run *run)
{
        run->measured_what = "instances lost";
        fault_effect_on_targets(run, fault_effect(run, EFFECT_HELD_DOWN, LAYER_ZONE));
}

const struct fault_ops fault_oom_kill = {
        .name = "oom_kill",
        .family = "instances",
        .summary = "the platform kills the process for want of memory",
        .failure_type = "memory_exhaustion",
        .effect = "what was in flight is lost; with a duration the process cannot start on its host before the end",
        .lifting = "the host lets it start again",
        .targets = FAULT_TARGET_INSTANCES,
        .lives_in = LAYER_PROCESS,
        .chance = FAULT_CHANCE_PER_TARGET,
        .instant = true,
        .inject = oom_kill_inject,
        .lift = fault_lift_effects,
};

static void crash_loop_inject(struct fault_run *run)
{
        struct effect *effect = fault_effect(run, EFFECT_LOOP, LAYER_PROCESS);

        effect->a = run->arguments[LIFE] * 1e-9;
        run->measured_what = "crashes";
        fault_effect_on_targets(run, effect);
}

const struct fault_ops fault_crash_loop = {
        .name = "crash_loop",
        .family = "instances",
        .summary = "the process dies again shortly after every start",
        .failure_type = "agent_failed",
        .effect = "requests in flight are lost each time; the platform waits longer and longer before it starts it",
        .lifting = "the process lives on",
        .targets = FAULT_TARGET_INSTANCES,
        .lives_in = LAYER_PROCESS,
        .chance = FAULT_CHANCE_PER_TARGET,
        .params = crash_loop_params,
        .params_count = sizeof(crash_loop_params) / sizeof(crash_loop_params[0]),
        .inject = crash_loop_inject,
        .lift = fault_lift_effects,
};

static void slow_start_inject(struct fault_run *run)
{
        struct effect *effect;

        run->measured_what = "instances that would start slowly";
        if (run->arguments[FACTOR] == 1)
                return;
        effect = fault_effect(run, EFFECT_SLOW_START, LAYER_PROCESS);
        effect->a = run->arguments[FACTOR];
        fault_effect_on_targets(run, effect);
}

const struct fault_ops fault_slow_start = {
        .name = "slow_start",
        .family = "instances",
        .summary = "a process that the platform starts again needs much longer",
        .failure_type = "task_timeout",
        .effect = "after a crash the instance is missing for longer",
        .lifting = "the next start takes its usual time",
        .targets = FAULT_TARGET_INSTANCES,
        .lives_in = LAYER_PROCESS,
        .chance = FAULT_CHANCE_PER_TARGET,
        .params = slow_start_params,
        .params_count = sizeof(slow_start_params) / sizeof(slow_start_params[0]),
        .inject = slow_start_inject,
        .lift = fault_lift_effects,
};

static void instance_flap_inject(struct fault_run *run)
{
        struct effect *effect = fault_effect(run, EFFECT_FLAP, LAYER_HOST);

        effect->a = run->arguments[DOWN] * 1e-9;
        effect->b = run->arguments[UP] * 1e-9;
        run->measured_what = "times it went down";
        fault_effect_on_targets(run, effect);
}

const struct fault_ops fault_instance_flap = {
        .name = "instance_flap",
        .family = "instances",
        .summary = "an instance goes down and up and down again",
        .failure_type = "agent_down",
        .effect = "requests in flight are lost each time it goes down",
        .lifting = "the host lets it run",
        .targets = FAULT_TARGET_INSTANCES,
        .lives_in = LAYER_HOST,
        .chance = FAULT_CHANCE_PER_TARGET,
        .params = flap_params,
        .params_count = sizeof(flap_params) / sizeof(flap_params[0]),
        .inject = instance_flap_inject,
        .lift = fault_lift_effects,
};

const struct fault_ops fault_zone_outage = {
        .name = "zone_outage",
        .family = "instances",
        .summary = "every instance in a zone dies, and none can start there",
        .failure_type = "quorum_loss",
        .effect = "the zone's capacity is gone; the platform places new instances elsewhere",
        .lifting = "the zone lets its instances start again",
        .targets = FAULT_TARGET_ZONE,
        .lives_in = LAYER_ZONE,
        .chance = FAULT_CHANCE_PER_TARGET,
        .destructive = true,
        .inject = zone_outage_inject,
        .lift = fault_lift_effects,
};
