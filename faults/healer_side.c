/* healer_side.c - the healer's eyes, hands and host fail.
 *
 * Nothing here touches a request: these act on the channel that carries telemetry,
 * on the actuators and on the host of whatever heals, by the fleet's public face.
 * Without a healer they do nothing at all. A decoy goes on in all arms, as benign
 * life does: it looks like the start of a failure and comes to nothing.
 */
#include "faults/fault.h"

enum { FIRST, SECOND, THIRD };

/* As in enum channel_metric, after "all ratios". */
static const char *const lied_metrics[] = {"all_ratios", "cpu", "memory", "disk", "fds", "pool",
                                           "tokens", "error_rate", NULL};
/* As in enum channel_metric. */
static const char *const decoy_metrics[] = {"cpu", "memory", "disk", "fds", "pool", "tokens",
                                            "error_rate", NULL};
/* As in enum fleet_action_kind, after "all". */
static const char *const actions[] = {
        "all", "restart_instance", "restart_service", "replace_instance", "failover",
        "rollback_deployment", "rollback_config", "restore_state", "reconnect", "clear_cache",
        "clean_memory", "scale_resources", "increase_resources", "shed_load", "set_degradation",
        "adjust_timeout", "free_disk", "purge_queue", "skip_message", "end_session",
        "stop_controller", "disable_health_check", "enable_monitoring", "health_check",
        "escalate", NULL,
};

static const struct fault_param drop_params[] = {
        {.name = "share", .summary = "share of samples and events that never come",
         .unit = FAULT_RATIO, .fallback = 1, .min = 0, .max = 1, .ramps = true},
};

static const struct fault_param delay_params[] = {
        {.name = "delay", .summary = "added to the way of samples and events", .unit = FAULT_DURATION,
         .fallback = 60e9, .min = 0, .max = 3600e9, .ramps = true},
};

static const struct fault_param noise_params[] = {
        {.name = "cv", .summary = "coefficient of variation of a factor on every value",
         .unit = FAULT_FACTOR, .fallback = 0.5, .min = 0, .max = 100, .ramps = true},
};

static const struct fault_param lie_params[] = {
        {.name = "metric", .summary = "what is lied about", .unit = FAULT_CHOICE, .fallback = 0,
         .max = CHANNEL_METRIC_COUNT, .choices = lied_metrics},
        {.name = "value", .summary = "the constant that is read instead", .unit = FAULT_RATIO,
         .required = true, .min = 0, .max = 1},
};

static const struct fault_param decoy_params[] = {
        {.name = "metric", .summary = "what seems to rise", .unit = FAULT_CHOICE,
         .fallback = CHANNEL_MEMORY, .max = CHANNEL_METRIC_COUNT - 1, .choices = decoy_metrics},
        {.name = "slope", .summary = "by how much, in parts of the whole per time",
         .unit = FAULT_RATIO_PER_S, .fallback = 0.01 / 60, .min = 0, .max = 1},
        {.name = "stops_at", .summary = "where the rise ends", .unit = FAULT_RATIO,
         .fallback = 0.8, .min = 0, .max = 1},
};

static const struct fault_param fail_params[] = {
        {.name = "rate", .summary = "share of actions that fail", .unit = FAULT_RATIO,
         .fallback = 1, .min = 0, .max = 1, .ramps = true},
        {.name = "action", .summary = "which actions", .unit = FAULT_CHOICE, .fallback = 0,
         .max = ACTION_KIND_COUNT, .choices = actions},
};

static const struct fault_param slow_params[] = {
        {.name = "factor", .summary = "on the actuator's time", .unit = FAULT_FACTOR,
         .fallback = 5, .min = 1, .max = 1000, .neutral = 1, .ramps = true},
        {.name = "action", .summary = "which actions", .unit = FAULT_CHOICE, .fallback = 0,
         .max = ACTION_KIND_COUNT, .choices = actions},
};

static const struct fault_param crash_params[] = {
        {.name = "for", .summary = "how long its host is down; a shorter duration of the entry ends it",
         .unit = FAULT_DURATION, .fallback = 60e9, .min = 1e6, .max = 24 * 3600e9},
};

static struct effect *put(struct fault_run *run, enum effect_kind kind, const char *measured)
{
        struct effect *effect = fault_effect(run, kind, LAYER_HEALER);

        effect->a = run->arguments[FIRST];
        effect->c = CHANNEL_ALL;
        run->measured_what = measured;
        return effect;
}

static void telemetry_drop_inject(struct fault_run *run)
{
        fault_effect_on_targets(run, put(run, EFFECT_TELEMETRY_DROP, "share of samples and events lost"));
}

static void telemetry_delay_inject(struct fault_run *run)
{
        struct effect *effect = put(run, EFFECT_TELEMETRY_DELAY, "added delay (s)");

        effect->a *= 1e-9;
        fault_effect_on_targets(run, effect);
}

static void telemetry_noise_inject(struct fault_run *run)
{
        fault_effect_on_targets(run, put(run, EFFECT_TELEMETRY_NOISE, "mean relative error of a value"));
}

static void telemetry_lie_inject(struct fault_run *run)
{
        struct effect *effect = put(run, EFFECT_TELEMETRY_LIE, "value read");

        effect->b = run->arguments[SECOND];
        if (run->arguments[FIRST] > 0)
                effect->c = (uint32_t)run->arguments[FIRST] - 1;
        fault_effect_on_targets(run, effect);
}

static void decoy_precursor_inject(struct fault_run *run)
{
        struct effect *effect = put(run, EFFECT_DECOY, "mean rise of the reading");

        effect->c = (uint32_t)run->arguments[FIRST];
        effect->a = run->arguments[SECOND];
        effect->b = run->arguments[THIRD];
        fault_effect_on_targets(run, effect);
}

static void choose_action(const struct fault_run *run, struct effect *effect)
{
        if (run->arguments[SECOND] > 0)
                effect->c = (uint32_t)run->arguments[SECOND] - 1;
}

static void actuator_fail_inject(struct fault_run *run)
{
        struct effect *effect = put(run, EFFECT_ACTUATOR_FAIL, "share of actions failed");

        choose_action(run, effect);
        fault_effect_on_targets(run, effect);
}

static void actuator_slow_inject(struct fault_run *run)
{
        struct effect *effect = put(run, EFFECT_ACTUATOR_SLOW, "factor on the actuator's time");

        choose_action(run, effect);
        fault_effect_on_targets(run, effect);
}

static void healer_crash_inject(struct fault_run *run)
{
        fault_effect_on_targets(run, put(run, EFFECT_HEALER_DOWN, "times down"));
}

const struct fault_ops fault_telemetry_drop = {
        .name = "telemetry_drop",
        .family = "on the healer",
        .summary = "samples and events are lost on their way to the healer",
        .effect = "the healer sees that share less of what happens",
        .lifting = "what is sent from then on arrives",
        .targets = FAULT_TARGET_SERVICE | FAULT_TARGET_NONE,
        .lives_in = LAYER_HEALER,
        .chance = FAULT_CHANCE_PER_REQUEST,
        .destructive = true,
        .params = drop_params,
        .params_count = sizeof(drop_params) / sizeof(drop_params[0]),
        .inject = telemetry_drop_inject,
        .lift = fault_lift_effects,
};

const struct fault_ops fault_telemetry_delay = {
        .name = "telemetry_delay",
        .family = "on the healer",
        .summary = "samples and events are late on their way to the healer",
        .effect = "the healer sees what was, not what is",
        .lifting = "what is sent from then on comes in its usual time",
        .targets = FAULT_TARGET_SERVICE | FAULT_TARGET_NONE,
        .lives_in = LAYER_HEALER,
        .chance = FAULT_CHANCE_PER_TARGET,
        .destructive = true,
        .params = delay_params,
        .params_count = sizeof(delay_params) / sizeof(delay_params[0]),
        .inject = telemetry_delay_inject,
        .lift = fault_lift_effects,
};

const struct fault_ops fault_telemetry_noise = {
        .name = "telemetry_noise",
        .family = "on the healer",
        .summary = "values that the healer sees are noisy",
        .effect = "every value is seen with a factor around 1",
        .lifting = "values are as true as declared again",
        .targets = FAULT_TARGET_SERVICE | FAULT_TARGET_NONE,
        .lives_in = LAYER_HEALER,
        .chance = FAULT_CHANCE_PER_TARGET,
        .destructive = true,
        .params = noise_params,
        .params_count = sizeof(noise_params) / sizeof(noise_params[0]),
        .inject = telemetry_noise_inject,
        .lift = fault_lift_effects,
};

const struct fault_ops fault_telemetry_lie = {
        .name = "telemetry_lie",
        .family = "on the healer",
        .summary = "a sensor reads the same whatever is true",
        .effect = "the healer sees a constant",
        .lifting = "values are what was measured again",
        .targets = FAULT_TARGET_SERVICE | FAULT_TARGET_NONE,
        .lives_in = LAYER_HEALER,
        .chance = FAULT_CHANCE_PER_TARGET,
        .destructive = true,
        .params = lie_params,
        .params_count = sizeof(lie_params) / sizeof(lie_params[0]),
        .inject = telemetry_lie_inject,
        .lift = fault_lift_effects,
};

const struct fault_ops fault_decoy_precursor = {
        .name = "decoy_precursor",
        .family = "on the healer",
        .summary = "a reading rises as before a failure, and nothing comes of it; in all arms",
        .effect = "the healer sees a rise that stops",
        .lifting = "readings are what was measured again",
        .targets = FAULT_TARGET_SERVICE | FAULT_TARGET_NONE,
        .lives_in = LAYER_HEALER,
        .chance = FAULT_CHANCE_PER_TARGET,
        .destructive = true,
        .everywhere = true,
        .params = decoy_params,
        .params_count = sizeof(decoy_params) / sizeof(decoy_params[0]),
        .inject = decoy_precursor_inject,
        .lift = fault_lift_effects,
};

const struct fault_ops fault_actuator_fail = {
        .name = "actuator_fail",
        .family = "on the healer",
        .summary = "actions fail",
        .effect = "that share of the healer's actions has no effect and is told as failed",
        .lifting = "actions succeed as declared again",
        .targets = FAULT_TARGET_NONE,
        .lives_in = LAYER_HEALER,
        .chance = FAULT_CHANCE_PER_REQUEST,
        .destructive = true,
        .params = fail_params,
        .params_count = sizeof(fail_params) / sizeof(fail_params[0]),
        .inject = actuator_fail_inject,
        .lift = fault_lift_effects,
};

const struct fault_ops fault_actuator_slow = {
        .name = "actuator_slow",
        .family = "on the healer",
        .summary = "actions take longer",
        .effect = "the actuator's own time is that many times as long",
        .lifting = "actions ordered from then on take their usual time",
        .targets = FAULT_TARGET_NONE,
        .lives_in = LAYER_HEALER,
        .chance = FAULT_CHANCE_PER_TARGET,
        .destructive = true,
        .params = slow_params,
        .params_count = sizeof(slow_params) / sizeof(slow_params[0]),
        .inject = actuator_slow_inject,
        .lift = fault_lift_effects,
};

const struct fault_ops fault_healer_crash = {
        .name = "healer_crash",
        .family = "on the healer",
        .summary = "the host of the healer is down; it comes back knowing nothing",
        .effect = "no alarm, no action; the protections on edges go on",
        .lifting = "the healer starts clean, or takes up what its store has, and sets its protections anew",
        .targets = FAULT_TARGET_NONE,
        .lives_in = LAYER_HEALER,
        .chance = FAULT_CHANCE_PER_TARGET,
        .destructive = true,
        .lasts = "for",
        .params = crash_params,
        .params_count = sizeof(crash_params) / sizeof(crash_params[0]),
        .inject = healer_crash_inject,
        .lift = fault_lift_effects,
};
