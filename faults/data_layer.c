/* data_layer.c - databases lose their leader, lag, lock or split; caches go cold; data rots.
 *
 * A leader that died and a cache that went cold are states that stay for the
 * fleet to mend when the fault is over; lag, a lock that is held, two leaders and
 * bad data end with it.
 */
#include "faults/fault.h"

enum { FIRST };

static const struct fault_param failover_params[] = {
        {.name = "time", .summary = "how long nobody leads", .unit = FAULT_DURATION,
         .fallback = 30e9, .min = 0, .max = 86400e9},
};

static const struct fault_param lag_params[] = {
        {.name = "lag", .summary = "how much further behind the replicas are",
         .unit = FAULT_DURATION, .fallback = 30e9, .min = 0, .max = 86400e9, .ramps = true},
};

static const struct fault_param cache_params[] = {
        {.name = "share", .summary = "share of its content that is lost", .unit = FAULT_RATIO,
         .fallback = 1, .min = 0, .max = 1},
};

static const struct fault_param lock_params[] = {
        {.name = "share", .summary = "share of the writes that need what the session holds",
         .unit = FAULT_RATIO, .fallback = 1, .min = 0, .max = 1, .ramps = true},
};

static const struct fault_param corruption_params[] = {
        {.name = "rate", .summary = "share of answers that fail validation", .unit = FAULT_RATIO,
         .required = true, .min = 0, .max = 1, .ramps = true},
};

static void database_failover_inject(struct fault_run *run)
{
        run->touched += fleet_database_failover(run->fleet, run->service,
                                                (int64_t)run->arguments[FIRST]);
        run->measured_what = "leaders lost";
}

const struct fault_ops fault_database_failover = {
        .name = "database_failover",
        .family = "data layer",
        .summary = "the leader of a database dies, and the next is long in coming",
        .failure_type = "database_connection",
        .effect = "writes fail until a replica leads; what the leader had in work is lost",
        .lifting = "nothing: the election goes its way",
        .targets = FAULT_TARGET_SERVICE,
        .lives_in = LAYER_LEADER,
        .needs = FAULT_NEEDS_DATABASE,
        .chance = FAULT_CHANCE_PER_TARGET,
        .instant = true,
        .params = failover_params,
        .params_count = sizeof(failover_params) / sizeof(failover_params[0]),
        .inject = database_failover_inject,
        .lift = fault_lift_effects,
};

static void replica_lag_inject(struct fault_run *run)
{
        struct effect *effect = fault_effect(run, EFFECT_LAG, LAYER_LEADER);

        effect->a = run->arguments[FIRST] * 1e-9;
        run->measured_what = "stale reads";
        fault_effect_on_targets(run, effect);
}

const struct fault_ops fault_replica_lag = {
        .name = "replica_lag",
        .family = "data layer",
        .summary = "the replicas of a database fall behind",
        .failure_type = "task_failed",
        .effect = "reads at a replica of what was written meanwhile are stale (quality 0.5)",
        .lifting = "the replicas have caught up",
        .targets = FAULT_TARGET_SERVICE,
        .lives_in = LAYER_LEADER,
        .needs = FAULT_NEEDS_REPLICA,
        .chance = FAULT_CHANCE_PER_TARGET,
        .params = lag_params,
        .params_count = sizeof(lag_params) / sizeof(lag_params[0]),
        .inject = replica_lag_inject,
        .lift = fault_lift_effects,
};

/* Without a duration the content is gone once; with one it cannot be held. */
static void cache_loss_inject(struct fault_run *run)
{
        struct effect *effect;

        run->measured_what = "caches that lost their content";
        if (run->arguments[FIRST] == 0)
                return;
        if (!run->has_end) {
                for (uint32_t i = 0; i < run->instance_count; i++)
                        run->touched += fleet_cache_lose(run->fleet, run->instances[i],
                                                         run->arguments[FIRST]);
                return;
        }
        effect = fault_effect(run, EFFECT_CACHE, LAYER_CACHE);
        effect->a = run->arguments[FIRST];
        fault_effect_on_targets(run, effect);
}

const struct fault_ops fault_cache_loss = {
        .name = "cache_loss",
        .family = "data layer",
        .summary = "caches lose what they hold",
        .failure_type = "resource_exhaustion",
        .effect = "misses go to the backend, more than it may be able to bear",
        .lifting = "the caches warm up again from what they could hold",
        .targets = FAULT_TARGET_INSTANCES,
        .lives_in = LAYER_CACHE,
        .needs = FAULT_NEEDS_CACHE,
        .chance = FAULT_CHANCE_PER_TARGET,
        .instant = true,
        .params = cache_params,
        .params_count = sizeof(cache_params) / sizeof(cache_params[0]),
        .inject = cache_loss_inject,
        .lift = fault_lift_effects,
};

static void lock_contention_inject(struct fault_run *run)
{
        struct effect *effect = fault_effect(run, EFFECT_SESSION, LAYER_LOCK);

        effect->a = run->arguments[FIRST];
        run->measured_what = "share of writes that waited for the session";
        fault_effect_on_targets(run, effect);
}

const struct fault_ops fault_lock_contention = {
        .name = "lock_contention",
        .family = "queues and locks",
        .summary = "a session of a database holds a lock and does not end",
        .failure_type = "task_timeout",
        .effect = "writes that need the lock wait with their workers",
        .lifting = "the session ends, and who waited goes on",
        .targets = FAULT_TARGET_SERVICE,
        .lives_in = LAYER_LOCK,
        .needs = FAULT_NEEDS_DATABASE,
        .chance = FAULT_CHANCE_PER_REQUEST,
        .params = lock_params,
        .params_count = sizeof(lock_params) / sizeof(lock_params[0]),
        .inject = lock_contention_inject,
        .lift = fault_lift_effects,
};

static void split_brain_inject(struct fault_run *run)
{
        struct effect *effect = fault_effect(run, EFFECT_SPLIT, LAYER_LEADER);

        run->measured_what = "writes in conflict and stale reads";
        fault_effect_on_targets(run, effect);
}

const struct fault_ops fault_split_brain = {
        .name = "split_brain",
        .family = "queues and locks",
        .summary = "a database has two leaders",
        .failure_type = "quorum_loss",
        .effect = "each takes half of the writes; a write to what the other wrote fails, a read is "
                  "stale; taking one of them away loses what it alone has",
        .lifting = "both sides are brought together",
        .targets = FAULT_TARGET_SERVICE,
        .lives_in = LAYER_LEADER,
        .needs = FAULT_NEEDS_REPLICA,
        .chance = FAULT_CHANCE_PER_TARGET,
        .inject = split_brain_inject,
        .lift = fault_lift_effects,
};

static void data_corruption_inject(struct fault_run *run)
{
        struct effect *effect = fault_effect(run, EFFECT_CORRUPT, LAYER_DATA);

        effect->a = run->arguments[FIRST];
        run->measured_what = "share of answers that failed validation";
        fault_effect_on_targets(run, effect);
}

const struct fault_ops fault_data_corruption = {
        .name = "data_corruption",
        .family = "errors",
        .summary = "what a service has stored is partly bad",
        .failure_type = "execution_error",
        .effect = "callers find that share of its answers invalid, and at a second try again; the "
                  "service itself does not notice",
        .lifting = "the data is good again",
        .targets = FAULT_TARGET_SERVICE,
        .lives_in = LAYER_DATA,
        .chance = FAULT_CHANCE_PER_REQUEST,
        .destructive = true,
        .params = corruption_params,
        .params_count = sizeof(corruption_params) / sizeof(corruption_params[0]),
        .inject = data_corruption_inject,
        .lift = fault_lift_effects,
};
