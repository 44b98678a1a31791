/* network.c - messages that are lost.
 *
 * A lost message costs its caller the timeout; an edge without one gives up
 * after 127 s. `packet_loss` loses requests on their way; in bursts by a chain
 * of two states that has the same share over time. `partition` loses all, on an
 * edge or on the border of a zone. Clients sit in the zone of whom they call, so
 * a zone that is cut off still hears them.
 */
#include "faults/fault.h"

enum { RATE, BURST };
enum { DIRECTION };
enum { BOTH, FROM, TO };

static const char *const directions[] = {"both", "from", "to", NULL};

static const struct fault_param packet_loss_params[] = {
        {.name = "rate", .summary = "share of requests that are lost", .unit = FAULT_RATIO,
         .required = true, .min = 0, .max = 1, .ramps = true},
        {.name = "burst", .summary = "mean number of requests lost in a row; 1: each by itself",
         .unit = FAULT_FACTOR, .fallback = 1, .min = 1, .max = 1e6, .neutral = 1},
};

static const struct fault_param packet_duplicate_params[] = {
        {.name = "rate", .summary = "share of requests that arrive twice", .unit = FAULT_RATIO,
         .required = true, .min = 0, .max = 1, .ramps = true},
};

static const struct fault_param partition_params[] = {
        {.name = "direction", .summary = "messages that are lost: those from the target, those to it, or both",
         .unit = FAULT_CHOICE, .fallback = BOTH, .max = TO, .choices = directions},
};

static void packet_loss_inject(struct fault_run *run)
{
        struct effect *effect = fault_effect(run, EFFECT_REQUEST_LOSS, LAYER_EDGE);

        effect->a = run->arguments[RATE];
        effect->b = run->arguments[BURST];
        run->measured_what = "share of requests lost";
        fault_effect_on_targets(run, effect);
}

static void packet_duplicate_inject(struct fault_run *run)
{
        struct effect *effect = fault_effect(run, EFFECT_DUPLICATE, LAYER_EDGE);

        effect->a = run->arguments[RATE];
        run->measured_what = "share of requests that arrived twice";
        fault_effect_on_targets(run, effect);
}

static void cut(struct fault_run *run, enum effect_kind kind, enum fleet_layer layer)
{
        struct effect *effect = fault_effect(run, kind, layer);

        effect->a = 1;
        fault_effect_on_targets(run, effect);
}

/* Between healer and fleet: what is sent is lost for ever, nothing is kept back. */
static void cut_off_healer(struct fault_run *run)
{
        bool from_target = run->arguments[DIRECTION] != TO;
        bool to_target = run->arguments[DIRECTION] != FROM;

        if (run->from_fleet ? to_target : from_target)
                cut(run, EFFECT_HEALER_DEAF, LAYER_HEALER);
        if (run->from_fleet ? from_target : to_target)
                cut(run, EFFECT_HEALER_MUTE, LAYER_HEALER);
        run->measured_what = "share of messages lost";
}

static void partition_inject(struct fault_run *run)
{
        bool edge = run->edge != FLEET_NO_INDEX || run->between_zones;
        enum fleet_layer layer = edge ? LAYER_EDGE : LAYER_ZONE;

        if (run->on_healer) {
                cut_off_healer(run);
                return;
        }
        if (run->arguments[DIRECTION] != FROM)
                cut(run, edge ? EFFECT_REQUEST_LOSS : EFFECT_ZONE_IN, layer);
        if (run->arguments[DIRECTION] != TO)
                cut(run, edge ? EFFECT_ANSWER_LOSS : EFFECT_ZONE_OUT, layer);
        run->measured_what = "share of messages lost";
}

const struct fault_ops fault_packet_loss = {
        .name = "packet_loss",
        .family = "network",
        .summary = "requests over an edge are lost",
        .failure_type = "network_timeout",
        .effect = "that share of attempts costs the timeout",
        .lifting = "nothing is lost from then on",
        .targets = FAULT_TARGET_EDGE | FAULT_TARGET_ZONES,
        .lives_in = LAYER_ZONE,
        .lives_in_edge = LAYER_EDGE,
        .chance = FAULT_CHANCE_PER_REQUEST,
        .params = packet_loss_params,
        .params_count = sizeof(packet_loss_params) / sizeof(packet_loss_params[0]),
        .inject = packet_loss_inject,
        .lift = fault_lift_effects,
};

const struct fault_ops fault_packet_duplicate = {
        .name = "packet_duplicate",
        .family = "network",
        .summary = "requests over an edge arrive twice",
        .failure_type = "resource_exhaustion",
        .effect = "the callee works twice on that share of requests, the second time for nobody",
        .lifting = "each request arrives once from then on",
        .targets = FAULT_TARGET_EDGE | FAULT_TARGET_ZONES,
        .lives_in = LAYER_ZONE,
        .lives_in_edge = LAYER_EDGE,
        .chance = FAULT_CHANCE_PER_REQUEST,
        .params = packet_duplicate_params,
        .params_count = sizeof(packet_duplicate_params) / sizeof(packet_duplicate_params[0]),
        .inject = packet_duplicate_inject,
        .lift = fault_lift_effects,
};

const struct fault_ops fault_partition = {
        .name = "partition",
        .family = "network",
        .summary = "messages over an edge, over the border of a zone, or between healer and fleet are lost",
        .failure_type = "network_timeout",
        .effect = "calls over the edge or the border cost the timeout",
        .lifting = "messages pass from then on; what was lost stays lost",
        .targets = FAULT_TARGET_EDGE | FAULT_TARGET_ZONE | FAULT_TARGET_ZONES | FAULT_TARGET_HEALER,
        .lives_in = LAYER_ZONE,
        .lives_in_edge = LAYER_EDGE,
        .chance = FAULT_CHANCE_PER_REQUEST,
        .params = partition_params,
        .params_count = sizeof(partition_params) / sizeof(partition_params[0]),
        .inject = partition_inject,
        .lift = fault_lift_effects,
};
