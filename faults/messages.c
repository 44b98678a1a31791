/* messages.c - a queue whose messages kill their consumers, or whose consumers are slow.
 *
 * Poison is in the queue: it is given to the next consumer when one has died of
 * it, and stays there when the fault is over, until it is skipped or purged.
 */
#include "faults/fault.h"

enum { FIRST };

static const struct fault_param poison_params[] = {
        {.name = "share", .summary = "share of the messages that come", .unit = FAULT_RATIO,
         .fallback = 0.001, .min = 0, .max = 1, .ramps = true},
};

static const struct fault_param lag_params[] = {
        {.name = "factor", .summary = "on the time that a message takes", .unit = FAULT_FACTOR,
         .required = true, .min = 1, .max = 1000, .neutral = 1, .ramps = true},
};

static void poison_message_inject(struct fault_run *run)
{
        struct effect *effect = fault_effect(run, EFFECT_POISON, LAYER_QUEUE);

        effect->a = run->arguments[FIRST];
        run->measured_what = "share of messages that are poison";
        fault_effect_on_targets(run, effect);
}

const struct fault_ops fault_poison_message = {
        .name = "poison_message",
        .family = "queues and locks",
        .summary = "records come that their consumer dies of",
        .failure_type = "agent_down",
        .effect = "one consumer after the other crashes on the record, which is given to the next",
        .lifting = "no more of them come; those in the queue stay",
        .targets = FAULT_TARGET_SERVICE,
        .lives_in = LAYER_QUEUE,
        .needs = FAULT_NEEDS_QUEUE,
        .chance = FAULT_CHANCE_PER_REQUEST,
        .params = poison_params,
        .params_count = sizeof(poison_params) / sizeof(poison_params[0]),
        .inject = poison_message_inject,
        .lift = fault_lift_effects,
};

static void consumer_lag_inject(struct fault_run *run)
{
        struct effect *effect = fault_effect(run, EFFECT_SLOW, LAYER_PROCESS);

        effect->a = run->arguments[FIRST];
        run->measured_what = "messages worked on slowly";
        fault_effect_on_targets(run, effect);
}

const struct fault_ops fault_consumer_lag = {
        .name = "consumer_lag",
        .family = "queues and locks",
        .summary = "consumers of a queue are slow",
        .failure_type = "high_latency",
        .effect = "messages take longer and the queue grows",
        .lifting = "messages begun from then on take their usual time",
        .targets = FAULT_TARGET_INSTANCES,
        .lives_in = LAYER_PROCESS,
        .needs = FAULT_NEEDS_QUEUE,
        .chance = FAULT_CHANCE_PER_TARGET,
        .params = lag_params,
        .params_count = sizeof(lag_params) / sizeof(lag_params[0]),
        .inject = consumer_lag_inject,
        .lift = fault_lift_effects,
};
