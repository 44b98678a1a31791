/* platform.c - the platform itself is what is wrong.
 *
 * A blocked placement lets nothing start: a restart or a replacement then only
 * takes away. Misrouted attempts reach somebody who knows nothing of them.
 * Checks that lie, a scaler that is stuck or shrinks, and an actor that undoes
 * every repair live in a controller, which can be stopped.
 */
#include "faults/fault.h"
#include "harness/fleet/fleet.h"

enum { FIRST };
enum { UNDOES, EVERY };

static const char *const health_modes[] = {"liveness", "readiness", NULL};
static const char *const scaler_modes[] = {"stuck", "shrink", NULL};

static const struct fault_param misroute_params[] = {
        {.name = "share", .summary = "of the attempts that go to the wrong place",
         .unit = FAULT_RATIO, .required = true, .min = 0, .max = 1, .ramps = true},
};

static const struct fault_param health_params[] = {
        {.name = "mode", .summary = "which check lies", .unit = FAULT_CHOICE, .required = true,
         .max = 1, .choices = health_modes},
};

static const struct fault_param scaler_params[] = {
        {.name = "mode", .summary = "what it does instead of its work", .unit = FAULT_CHOICE,
         .required = true, .max = 1, .choices = scaler_modes},
};

static const struct fault_param actor_params[] = {
        {.name = "undoes", .summary = "entry whose repair is undone", .unit = FAULT_ENTRY,
         .required = true},
        {.name = "every", .summary = "how often it looks", .unit = FAULT_DURATION,
         .fallback = 120e9, .min = 1e9, .max = 86400e9},
};

static void placement_blocked_inject(struct fault_run *run)
{
        run->measured_what = "starts refused";
        fault_effect_on_targets(run, fault_effect(run, EFFECT_PLACEMENT, LAYER_PLATFORM));
}

const struct fault_ops fault_placement_blocked = {
        .name = "placement_blocked",
        .family = "platform",
        .summary = "no process of a service can start",
        .failure_type = "resource_exhaustion",
        .effect = "what exits, is restarted or is replaced does not come back; new instances do not come up",
        .lifting = "what waits to start does",
        .targets = FAULT_TARGET_SERVICE,
        .lives_in = LAYER_PLATFORM,
        .chance = FAULT_CHANCE_PER_TARGET,
        .inject = placement_blocked_inject,
        .lift = fault_lift_effects,
};

static void misroute_inject(struct fault_run *run)
{
        struct effect *effect = fault_effect(run, EFFECT_REFUSE, LAYER_PLATFORM);

        effect->a = run->arguments[FIRST];
        run->measured_what = "share of attempts misrouted";
        fault_effect_on_targets(run, effect);
}

const struct fault_ops fault_misroute = {
        .name = "misroute",
        .family = "platform",
        .summary = "a share of the attempts to a service goes to the wrong place",
        .failure_type = "network_timeout",
        .effect = "whoever they reach does not know them, and says so at once",
        .lifting = "attempts reach the service from then on",
        .targets = FAULT_TARGET_SERVICE,
        .lives_in = LAYER_PLATFORM,
        .chance = FAULT_CHANCE_PER_REQUEST,
        .params = misroute_params,
        .params_count = sizeof(misroute_params) / sizeof(misroute_params[0]),
        .inject = misroute_inject,
        .lift = fault_lift_effects,
};

static void health_check_fault_inject(struct fault_run *run)
{
        bool liveness = run->arguments[FIRST] == 0;

        run->measured_what = liveness ? "well instances killed" : "well instances ejected";
        fault_effect_on_targets(run, fault_effect(run, liveness ? EFFECT_LIVENESS : EFFECT_READINESS,
                                                  LAYER_CONTROLLER));
}

const struct fault_ops fault_health_check_fault = {
        .name = "health_check_fault",
        .family = "platform",
        .summary = "the checks of a service fail where all is well",
        .failure_type = "agent_down",
        .effect = "liveness: well processes are killed again and again; readiness: balancers send nothing to anybody",
        .lifting = "checks tell the truth again",
        .targets = FAULT_TARGET_SERVICE,
        .lives_in = LAYER_CONTROLLER,
        .chance = FAULT_CHANCE_PER_TARGET,
        .params = health_params,
        .params_count = sizeof(health_params) / sizeof(health_params[0]),
        .needs = FAULT_NEEDS_HEALTH_CHECK,
        .inject = health_check_fault_inject,
        .lift = fault_lift_effects,
};

static void autoscaler_fault_inject(struct fault_run *run)
{
        struct effect *effect = fault_effect(run, EFFECT_SCALER, LAYER_CONTROLLER);

        effect->a = run->arguments[FIRST];
        run->measured_what = effect->a == 0 ? "decisions not made" : "instances taken away";
        fault_effect_on_targets(run, effect);
}

const struct fault_ops fault_autoscaler_fault = {
        .name = "autoscaler_fault",
        .family = "platform",
        .summary = "the autoscaler of a service does nothing, or the wrong thing",
        .failure_type = "resource_exhaustion",
        .effect = "stuck: the service does not follow its load; shrink: an instance goes at every decision",
        .lifting = "it decides by its metric again",
        .targets = FAULT_TARGET_SERVICE,
        .lives_in = LAYER_CONTROLLER,
        .chance = FAULT_CHANCE_PER_TARGET,
        .params = scaler_params,
        .params_count = sizeof(scaler_params) / sizeof(scaler_params[0]),
        .needs = FAULT_NEEDS_AUTOSCALER,
        .inject = autoscaler_fault_inject,
        .lift = fault_lift_effects,
};

/* `started_ms` tells a look of an earlier injection from those of this one. */
static void look_again(void *user, uint32_t started_ms)
{
        struct fault_run *run = user;

        if ((uint32_t)(run->now_ns / 1000000) != started_ms || run->effect_count == 0 ||
            !fleet_effect_attached(run->fleet, &run->effects[0]))
                return;
        run->effects[0].touched++;
        run->effects[0].measured_count++;
        run->effects[0].measured_sum += run->host->reapply(run->host->user, run->texts[UNDOES]);
        fleet_schedule(run->fleet, fleet_now(run->fleet) + (int64_t)run->arguments[EVERY],
                       run->stream, look_again, run, started_ms);
}

static void reapplying_actor_inject(struct fault_run *run)
{
        struct effect *effect = fault_effect(run, EFFECT_ACTOR, LAYER_CONTROLLER);

        run->measured_what = "share of looks that undid a repair";
        if (run->host == NULL)
                return;
        if (run->service != FLEET_NO_INDEX)
                fleet_effect_on_service(run->fleet, run->service, effect);
        for (uint32_t i = 0; run->service == FLEET_NO_INDEX && i < run->host->service_count; i++)
                if (run->host->is_on(run->host->user, run->texts[UNDOES], i))
                        fleet_effect_on_service(run->fleet, i, effect);
        fleet_schedule(run->fleet, run->now_ns + (int64_t)run->arguments[EVERY], run->stream,
                       look_again, run, (uint32_t)(run->now_ns / 1000000));
}

const struct fault_ops fault_reapplying_actor = {
        .name = "reapplying_actor",
        .family = "platform",
        .summary = "somebody puts another fault back in whenever it was mended",
        .failure_type = "configuration_error",
        .effect = "a cure of the other entry lasts until the actor's next look, while that entry is in force",
        .lifting = "what is mended stays so",
        .targets = FAULT_TARGET_SERVICE | FAULT_TARGET_NONE,
        .lives_in = LAYER_CONTROLLER,
        .chance = FAULT_CHANCE_PER_TARGET,
        .params = actor_params,
        .params_count = sizeof(actor_params) / sizeof(actor_params[0]),
        .inject = reapplying_actor_inject,
        .lift = fault_lift_effects,
};
