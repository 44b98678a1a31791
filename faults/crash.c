/* crash.c - the process dies; with a duration it cannot start before its end.
 *
 * Who starts it again is the platform's supervisor, a healer or nobody. With a
 * duration the host refuses to start it meanwhile; another host would not.
 */
#include "faults/fault.h"

static void crash_inject(struct fault_run *run)
{
        struct effect *held = NULL;

        if (run->has_end)
                held = fault_effect(run, EFFECT_HELD_DOWN, LAYER_HOST);
        for (uint32_t i = 0; i < run->instance_count; i++) {
                fleet_instance_kill(run->fleet, run->instances[i], 139, "crashed");
                run->touched++;
        }
        run->measured_what = "instances crashed";
        if (held != NULL)
                fault_effect_on_targets(run, held);
}

const struct fault_ops fault_crash = {
        .name = "crash",
        .family = "instances",
        .summary = "the process dies; with a duration it cannot start on its host before the end",
        .failure_type = "agent_down",
        .effect = "what was in flight is lost; calls to it are refused until it is ejected or back",
        .lifting = "the host lets it start again",
        .targets = FAULT_TARGET_INSTANCES,
        .lives_in = LAYER_PROCESS,
        .chance = FAULT_CHANCE_PER_TARGET,
        .instant = true,
        .inject = crash_inject,
        .lift = fault_lift_effects,
};
