/* refusal.c - attempts that fail before they reach anybody.
 *
 * A reset connection lives on the edge; a name that does not resolve and a
 * certificate that has expired live in the platform: whoever calls the service
 * is hit, clients too, and neither a new process nor a new instance helps. The
 * caller hears of it at once and may try again.
 */
#include "faults/fault.h"

enum { RATE };

static const struct fault_param rate_params[] = {
        {.name = "rate", .summary = "share of attempts that fail", .unit = FAULT_RATIO,
         .fallback = 1, .min = 0, .max = 1, .ramps = true},
};

static void refuse(struct fault_run *run, enum fleet_layer layer, double rate)
{
        struct effect *effect = fault_effect(run, EFFECT_REFUSE, layer);

        effect->a = rate;
        run->measured_what = "share of attempts refused";
        fault_effect_on_targets(run, effect);
}

static void connection_reset_inject(struct fault_run *run)
{
        refuse(run, LAYER_EDGE, run->arguments[RATE]);
}

static void dns_failure_inject(struct fault_run *run)
{
        refuse(run, LAYER_PLATFORM, run->arguments[RATE]);
}

static void certificate_expiry_inject(struct fault_run *run)
{
        refuse(run, LAYER_PLATFORM, 1);
}

const struct fault_ops fault_connection_reset = {
        .name = "connection_reset",
        .family = "errors",
        .summary = "a share of the connections over an edge is reset",
        .failure_type = "network_timeout",
        .effect = "attempts over the edge fail at once for that share",
        .lifting = "attempts go through from then on",
        .targets = FAULT_TARGET_EDGE,
        .lives_in_edge = LAYER_EDGE,
        .chance = FAULT_CHANCE_PER_REQUEST,
        .params = rate_params,
        .params_count = sizeof(rate_params) / sizeof(rate_params[0]),
        .inject = connection_reset_inject,
        .lift = fault_lift_effects,
};

const struct fault_ops fault_dns_failure = {
        .name = "dns_failure",
        .family = "errors",
        .summary = "the name of a service does not resolve",
        .failure_type = "network_timeout",
        .effect = "attempts to reach the service fail at once, whoever calls; on an edge only its caller's do",
        .lifting = "attempts go through from then on",
        .targets = FAULT_TARGET_SERVICE | FAULT_TARGET_EDGE,
        .lives_in = LAYER_PLATFORM,
        .lives_in_edge = LAYER_PLATFORM,
        .chance = FAULT_CHANCE_PER_REQUEST,
        .params = rate_params,
        .params_count = sizeof(rate_params) / sizeof(rate_params[0]),
        .inject = dns_failure_inject,
        .lift = fault_lift_effects,
};

const struct fault_ops fault_certificate_expiry = {
        .name = "certificate_expiry",
        .family = "errors",
        .summary = "the certificate of a service has expired",
        .failure_type = "configuration_error",
        .effect = "nobody can connect to the service",
        .lifting = "attempts go through from then on",
        .targets = FAULT_TARGET_SERVICE,
        .lives_in = LAYER_PLATFORM,
        .chance = FAULT_CHANCE_PER_REQUEST,
        .inject = certificate_expiry_inject,
        .lift = fault_lift_effects,
};
