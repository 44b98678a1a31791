/* change.c - what was changed is what is wrong: a version or a configuration.
 *
 * A bad version goes through the service instance by instance, as a good one
 * does, and is in force where its process runs: a restart brings it back, the
 * version before ends it. Its end deploys that version, unless somebody has. A
 * bad configuration is in force at once, and its end puts the one before back.
 *
 * What changes nothing is not deployed at all.
 */
#include "faults/fault.h"

enum { ERROR_RATE, SLOWDOWN, LEAK, CANARY_SHARE };
enum { PARAMETER, VALUE };
enum { PER_INSTANCE };
enum { FEATURE };

static const struct fault_param deployment_params[] = {
        {.name = "error_rate", .summary = "share of its requests that fail", .unit = FAULT_RATIO,
         .min = 0, .max = 1},
        {.name = "slowdown", .summary = "on its own time", .unit = FAULT_FACTOR, .fallback = 1,
         .min = 0.001, .max = 1000, .neutral = 1},
        {.name = "leak", .summary = "memory it loses a second", .unit = FAULT_BYTES_PER_S,
         .min = 0, .max = 1e12},
        {.name = "canary_share", .summary = "of the instances that get it, rounded up",
         .unit = FAULT_RATIO, .fallback = 1, .min = 0, .max = 1},
};

static const struct fault_param configuration_params[] = {
        {.name = "parameter", .summary = "a key of the service, or of the call",
         .unit = FAULT_PARAMETER, .required = true},
        {.name = "value", .summary = "what it is set to", .unit = FAULT_VALUE, .required = true},
};

static const struct fault_param flip_params[] = {
        {.name = "feature", .summary = "that is switched: off if it was on, on if it was off",
         .unit = FAULT_FEATURE, .required = true},
};

static const struct fault_param peer_params[] = {
        {.name = "per_instance", .summary = "share of own time more, for every other instance",
         .unit = FAULT_SHARE, .required = true, .min = 0, .max = 100},
};

static void deploy(struct fault_run *run, struct release release)
{
        struct effect *effect = fault_effect(run, EFFECT_RELEASE, LAYER_VERSION);

        effect->release = release;
        if (release.share > 0 &&
            (release.error_rate > 0 || release.slowdown != 1 || release.leak_bytes_per_s > 0 ||
             release.peer_cost > 0))
                fault_effect_on_targets(run, effect);
}

static void bad_deployment_inject(struct fault_run *run)
{
        run->measured_what = run->arguments[ERROR_RATE] > 0 ? "share of requests failed"
                             : run->arguments[LEAK] > 0     ? "memory leaked (bytes)"
                                                            : "processes that ran it";
        deploy(run, (struct release){.error_rate = run->arguments[ERROR_RATE],
                                     .slowdown = run->arguments[SLOWDOWN],
                                     .leak_bytes_per_s = run->arguments[LEAK],
                                     .share = run->arguments[CANARY_SHARE]});
}

const struct fault_ops fault_bad_deployment = {
        .name = "bad_deployment",
        .family = "change",
        .summary = "a version that fails, is slow or leaks is deployed",
        .failure_type = "deployment_failure",
        .effect = "instances that run it fail a share of their requests, are slower or lose memory; a restart brings it back",
        .lifting = "the version before is deployed, unless it is in force already",
        .targets = FAULT_TARGET_SERVICE,
        .lives_in = LAYER_VERSION,
        .chance = FAULT_CHANCE_PER_TARGET,
        .params = deployment_params,
        .params_count = sizeof(deployment_params) / sizeof(deployment_params[0]),
        .inject = bad_deployment_inject,
        .lift = fault_lift_effects,
};

static void bad_configuration_inject(struct fault_run *run)
{
        struct effect *effect = fault_effect(run, EFFECT_CONFIG, LAYER_CONFIG);

        effect->setting = (struct setting){
                .parameter = (enum parameter_kind)run->arguments[PARAMETER],
                .number = run->arguments[VALUE],
        };
        if (run->dist != NULL)
                effect->setting.dist = *run->dist;
        run->measured_what = "instances that got it";
        fault_effect_on_targets(run, effect);
}

const struct fault_ops fault_bad_configuration = {
        .name = "bad_configuration",
        .family = "change",
        .summary = "a key of a service, or of one of its calls, is set to something that does not work",
        .failure_type = "configuration_error",
        .effect = "the value is in force at once, on all instances; on a call it is its caller's",
        .lifting = "what was set before is in force again, unless it is already",
        .targets = FAULT_TARGET_SERVICE | FAULT_TARGET_EDGE,
        .lives_in = LAYER_CONFIG,
        .lives_in_edge = LAYER_CONFIG,
        .chance = FAULT_CHANCE_PER_TARGET,
        .params = configuration_params,
        .params_count = sizeof(configuration_params) / sizeof(configuration_params[0]),
        .inject = bad_configuration_inject,
        .lift = fault_lift_effects,
};

static void feature_flag_flip_inject(struct fault_run *run)
{
        struct effect *effect = fault_effect(run, EFFECT_CONFIG, LAYER_CONFIG);

        effect->setting = (struct setting){.parameter = PARAMETER_FEATURE,
                                           .number = run->arguments[FEATURE]};
        run->measured_what = "instances that got it";
        fault_effect_on_targets(run, effect);
}

const struct fault_ops fault_feature_flag_flip = {
        .name = "feature_flag_flip",
        .family = "change",
        .summary = "a feature is switched off that was on, or on that was off",
        .failure_type = "configuration_error",
        .effect = "off: answers are worth less and come sooner; on, though off by default: work takes longer by its cost",
        .lifting = "the flag is as before",
        .targets = FAULT_TARGET_SERVICE,
        .lives_in = LAYER_CONFIG,
        .chance = FAULT_CHANCE_PER_TARGET,
        .params = flip_params,
        .params_count = sizeof(flip_params) / sizeof(flip_params[0]),
        .needs = FAULT_NEEDS_FEATURES,
        .inject = feature_flag_flip_inject,
        .lift = fault_lift_effects,
};

static void peer_cost_inject(struct fault_run *run)
{
        run->measured_what = "processes that ran it";
        deploy(run, (struct release){.slowdown = 1, .peer_cost = run->arguments[PER_INSTANCE], .share = 1});
}

const struct fault_ops fault_peer_cost = {
        .name = "peer_cost",
        .family = "queues and locks",
        .summary = "a version in which every instance costs every other is deployed",
        .failure_type = "high_latency",
        .effect = "own time grows with the number of instances: scaling out makes it worse",
        .lifting = "the version before is deployed, unless it is in force already",
        .targets = FAULT_TARGET_SERVICE,
        .lives_in = LAYER_VERSION,
        .chance = FAULT_CHANCE_PER_TARGET,
        .params = peer_params,
        .params_count = sizeof(peer_params) / sizeof(peer_params[0]),
        .inject = peer_cost_inject,
        .lift = fault_lift_effects,
};
