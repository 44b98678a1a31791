/* clocks.c - the clock of a host is wrong.
 *
 * By an offset that is there from the start, that grows, or that comes in one
 * jump. It lives in the host: a new process asks the same clock.
 */
#include "faults/fault.h"

enum { FIRST };

static const struct fault_param offset_params[] = {
        {.name = "offset", .summary = "that the clock is ahead of the right time",
         .unit = FAULT_DURATION, .required = true, .min = 0, .max = 366.0 * 86400e9, .ramps = true},
};

static const struct fault_param jump_params[] = {
        {.name = "offset", .summary = "by which the clock jumps ahead", .unit = FAULT_DURATION,
         .required = true, .min = 0, .max = 366.0 * 86400e9},
};

static const struct fault_param drift_params[] = {
        {.name = "rate", .summary = "by which the clock runs fast", .unit = FAULT_SHARE,
         .required = true, .min = 0, .max = 100},
};

static struct effect *clock_effect(struct fault_run *run)
{
        run->measured_what = "calls refused or given up";
        return fault_effect(run, EFFECT_CLOCK, LAYER_HOST);
}

static void clock_skew_inject(struct fault_run *run)
{
        struct effect *effect = clock_effect(run);

        effect->a = run->arguments[FIRST] * 1e-9;
        fault_effect_on_targets(run, effect);
}

const struct fault_ops fault_clock_skew = {
        .name = "clock_skew",
        .family = "time",
        .summary = "the clock of a host is ahead",
        .failure_type = "execution_error",
        .effect = "calls from and to instances there are refused when the clocks are more than a minute apart",
        .lifting = "the clock is right again",
        .targets = FAULT_TARGET_INSTANCES,
        .lives_in = LAYER_HOST,
        .chance = FAULT_CHANCE_PER_TARGET,
        .params = offset_params,
        .params_count = sizeof(offset_params) / sizeof(offset_params[0]),
        .inject = clock_skew_inject,
        .lift = fault_lift_effects,
};

static void clock_jump_inject(struct fault_run *run)
{
        struct effect *effect = clock_effect(run);

        effect->a = run->arguments[FIRST] * 1e-9;
        effect->c = 1;
        fault_effect_on_targets(run, effect);
}

const struct fault_ops fault_clock_jump = {
        .name = "clock_jump",
        .family = "time",
        .summary = "the clock of a host jumps ahead",
        .failure_type = "task_timeout",
        .effect = "what instances there wait for times out at once as far as the jump reaches; more than a minute ahead, calls are refused",
        .lifting = "the clock is right again",
        .targets = FAULT_TARGET_INSTANCES,
        .lives_in = LAYER_HOST,
        .chance = FAULT_CHANCE_PER_TARGET,
        .params = jump_params,
        .params_count = sizeof(jump_params) / sizeof(jump_params[0]),
        .inject = clock_jump_inject,
        .lift = fault_lift_effects,
};

static void clock_drift_inject(struct fault_run *run)
{
        struct effect *effect = clock_effect(run);

        effect->b = run->arguments[FIRST];
        fault_effect_on_targets(run, effect);
}

const struct fault_ops fault_clock_drift = {
        .name = "clock_drift",
        .family = "time",
        .summary = "the clock of a host runs fast",
        .failure_type = "task_timeout",
        .effect = "timeouts of instances there come early, and once the clock is a minute ahead calls are refused",
        .lifting = "the clock is right again, and runs as it should",
        .targets = FAULT_TARGET_INSTANCES,
        .lives_in = LAYER_HOST,
        .chance = FAULT_CHANCE_PER_TARGET,
        .params = drift_params,
        .params_count = sizeof(drift_params) / sizeof(drift_params[0]),
        .inject = clock_drift_inject,
        .lift = fault_lift_effects,
};
