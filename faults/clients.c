/* clients.c - the load itself is the fault.
 *
 * On a load source, or on all that call an entry service. What comes besides
 * has streams of its own: the usual requests come as they would have. Nothing
 * done to the fleet ends it; taking load off, or adding room, is what helps.
 */
#include "faults/fault.h"

enum { FIRST, SECOND };

static const struct fault_param surge_params[] = {
        {.name = "factor", .summary = "on the rate of requests", .unit = FAULT_FACTOR,
         .required = true, .min = 1, .max = 1000, .neutral = 1, .ramps = true},
};

static const struct fault_param retry_params[] = {
        {.name = "retries", .summary = "attempts more that a client makes, 50 to 150 ms apart",
         .unit = FAULT_COUNT, .fallback = 10, .min = 0, .max = 1000, .ramps = true},
};

static const struct fault_param herd_params[] = {
        {.name = "share", .summary = "of what a source brings in 10 s, or of its users",
         .unit = FAULT_SHARE, .fallback = 1, .min = 0, .max = 100},
};

static const struct fault_param poison_params[] = {
        {.name = "share", .summary = "of the requests that kill who works on them",
         .unit = FAULT_RATIO, .required = true, .min = 0, .max = 1, .ramps = true},
};

static const struct fault_param costly_params[] = {
        {.name = "share", .summary = "of the requests that cost more", .unit = FAULT_RATIO,
         .required = true, .min = 0, .max = 1, .ramps = true},
        {.name = "factor", .summary = "on their work, at every service", .unit = FAULT_FACTOR,
         .required = true, .min = 1, .max = 1000, .neutral = 1},
};

static void poison_request_inject(struct fault_run *run)
{
        struct effect *effect = fault_effect(run, EFFECT_DEADLY, LAYER_CLIENT);

        effect->a = run->arguments[FIRST];
        run->measured_what = "share of requests that kill";
        fault_effect_on_targets(run, effect);
}

static void costly_request_inject(struct fault_run *run)
{
        struct effect *effect = fault_effect(run, EFFECT_COSTLY, LAYER_CLIENT);

        effect->a = run->arguments[FIRST];
        effect->b = run->arguments[SECOND];
        run->measured_what = "share of requests that cost more";
        fault_effect_on_targets(run, effect);
}

static void traffic_surge_inject(struct fault_run *run)
{
        struct effect *effect = fault_effect(run, EFFECT_SURGE, LAYER_CLIENT);

        effect->a = run->arguments[FIRST];
        run->measured_what = "requests besides";
        fault_effect_on_targets(run, effect);
}

static void retry_storm_inject(struct fault_run *run)
{
        struct effect *effect = fault_effect(run, EFFECT_RETRIES, LAYER_CLIENT);

        effect->a = run->arguments[FIRST];
        run->measured_what = "retries besides";
        fault_effect_on_targets(run, effect);
}

static void thundering_herd_inject(struct fault_run *run)
{
        run->measured_what = "requests at once";
        for (uint32_t i = 0; i < fleet_load_count(run->fleet); i++)
                if (run->load == i || (run->load == FLEET_NO_INDEX &&
                                       fleet_load_service(run->fleet, i) == run->service))
                        run->touched += fleet_load_burst(run->fleet, i, run->arguments[FIRST],
                                                         run->stream);
}

const struct fault_ops fault_traffic_surge = {
        .name = "traffic_surge",
        .family = "load",
        .summary = "clients make many times their requests",
        .failure_type = "resource_exhaustion",
        .effect = "more requests come from the load source",
        .lifting = "the requests besides stop coming",
        .targets = FAULT_TARGET_LOAD | FAULT_TARGET_SERVICE,
        .lives_in = LAYER_CLIENT,
        .chance = FAULT_CHANCE_PER_TARGET,
        .params = surge_params,
        .params_count = sizeof(surge_params) / sizeof(surge_params[0]),
        .inject = traffic_surge_inject,
        .lift = fault_lift_effects,
};

const struct fault_ops fault_retry_storm = {
        .name = "retry_storm",
        .family = "load",
        .summary = "clients try again at once and without limit",
        .failure_type = "resource_exhaustion",
        .effect = "every request that fails comes back that many times",
        .lifting = "clients are as patient as declared again",
        .targets = FAULT_TARGET_LOAD | FAULT_TARGET_SERVICE,
        .lives_in = LAYER_CLIENT,
        .chance = FAULT_CHANCE_PER_TARGET,
        .params = retry_params,
        .params_count = sizeof(retry_params) / sizeof(retry_params[0]),
        .inject = retry_storm_inject,
        .lift = fault_lift_effects,
};

const struct fault_ops fault_thundering_herd = {
        .name = "thundering_herd",
        .family = "load",
        .summary = "a crowd comes all at once",
        .failure_type = "resource_exhaustion",
        .effect = "as many requests as usual in 10 s come in one moment",
        .lifting = "nothing: it is over as soon as it has come",
        .targets = FAULT_TARGET_LOAD | FAULT_TARGET_SERVICE,
        .lives_in = LAYER_CLIENT,
        .chance = FAULT_CHANCE_PER_TARGET,
        .instant = true,
        .params = herd_params,
        .params_count = sizeof(herd_params) / sizeof(herd_params[0]),
        .inject = thundering_herd_inject,
        .lift = fault_lift_effects,
};

const struct fault_ops fault_poison_request = {
        .name = "poison_request",
        .family = "load",
        .summary = "some requests of clients kill the process that works on them",
        .failure_type = "agent_down",
        .effect = "instances crash one after the other; a client that tries again kills the next",
        .lifting = "no new request kills; what is dead is the platform's to start",
        .targets = FAULT_TARGET_LOAD | FAULT_TARGET_SERVICE,
        .lives_in = LAYER_CLIENT,
        .chance = FAULT_CHANCE_PER_REQUEST,
        .params = poison_params,
        .params_count = sizeof(poison_params) / sizeof(poison_params[0]),
        .inject = poison_request_inject,
        .lift = fault_lift_effects,
};

const struct fault_ops fault_costly_request = {
        .name = "costly_request",
        .family = "load",
        .summary = "some requests of clients cost many times the work",
        .failure_type = "cpu_spike",
        .effect = "workers are kept longer, at the entry and wherever it calls",
        .lifting = "requests that come from then on cost what they did",
        .targets = FAULT_TARGET_LOAD | FAULT_TARGET_SERVICE,
        .lives_in = LAYER_CLIENT,
        .chance = FAULT_CHANCE_PER_REQUEST,
        .params = costly_params,
        .params_count = sizeof(costly_params) / sizeof(costly_params[0]),
        .inject = costly_request_inject,
        .lift = fault_lift_effects,
};
