/* heal_bridge_store.c - opening a simulated healer's store, and taking up from it. */
#include "harness/run/heal_bridge_store.h"

#include <stdio.h>
#include <stdlib.h>

#include "harness/sim/time.h"
#include "healer/store/store.h"

#define LEDGER_BATCH 1000 /* a run is over soon: few transactions, since many may write */
#define LEDGER_FLUSH_NS (3600 * NS_PER_S)

/* What people wrote down stands in ai_healing_rules. */
static void keep_rules(struct healer_store *store, const struct strategy *strategy, int64_t now_ns)
{
        const struct healer_config *config = &strategy->healer;

        for (uint32_t i = 0; store != NULL && i < config->recovery.rule_count; i++) {
                const struct healer_written_rule *from = &config->recovery.rules[i];
                const struct healer_heal_rule rule = {.name = from->name,
                                                      .condition = from->condition,
                                                      .action = from->action,
                                                      .priority = from->priority,
                                                      .enabled = from->enabled};

                (void)healer_store_heal_rule(store, now_ns, &rule);
        }
}

static struct healer_store *open_one(const char *path, const struct strategy *strategy,
                                     const struct healer_world *world,
                                     const struct healer_topology *topology, uint64_t session)
{
        struct healer_store_config config = healer_store_config_defaults();
        struct healer_store *store = NULL;
        char reason[256];

        if (path == NULL)
                return NULL;
        config.path = path;
        config.source = world->store_name;
        config.batch_size = strategy->store.batch_size;
        config.flush_interval_ns = strategy->store.flush_interval_ns;
        if (path == strategy->store.ledger) {
                config.batch_size = LEDGER_BATCH;
                config.flush_interval_ns = LEDGER_FLUSH_NS;
        }
        config.queue_max = config.batch_size > 1024 ? config.batch_size : 1024;
        config.retention_ns = strategy->store.retention_ns;
        config.checks_retention_ns = strategy->healer.health.retention_ns;
        config.busy_ns = 20 * NS_PER_S;
        config.resume = session != 0;
        config.session = session;
        config.topology = topology;
        config.healer = &strategy->healer;
        config.say = strategy->store.say;
        config.say_ctx = strategy->store.say_ctx;
        if (healer_store_open(&config, world->now_ns, reason, sizeof(reason), &store) != HEALER_OK &&
            config.say != NULL)
                config.say(config.say_ctx, reason);
        keep_rules(store, strategy, world->now_ns);
        return store;
}

struct healer_store **heal_stores_next(struct heal_stores *stores, struct healer_store **at)
{
        for (; at < stores->each + HEAL_STORES; at++)
                if (*at != NULL)
                        return at;
        return NULL;
}

bool heal_stores_any(struct heal_stores *stores)
{
        return heal_stores_next(stores, stores->each) != NULL;
}

void heal_stores_open(struct heal_stores *stores, const struct strategy *strategy,
                      const struct healer_world *world, const struct healer_topology *topology,
                      uint64_t session)
{
        stores->each[HEAL_STORE_OWN] =
                open_one(strategy->store.path, strategy, world, topology, session);
        stores->each[HEAL_STORE_LEDGER] =
                open_one(strategy->store.ledger, strategy, world, topology, 0);
}

void heal_stores_close(struct heal_stores *stores)
{
        HEAL_EACH_STORE(store, stores)
                healer_store_close(*store);
        *stores = (struct heal_stores){{NULL}};
}

void heal_stores_abandon(struct heal_stores *stores)
{
        HEAL_EACH_STORE(store, stores)
                healer_store_abandon(*store);
        *stores = (struct heal_stores){{NULL}};
}

uint64_t heal_store_session(struct healer_store *store)
{
        return store == NULL ? 0 : healer_store_stats(store).session;
}

int heal_store_take_up(struct healer_store *store, struct healer *healer, int64_t now_ns,
                       const char **why)
{
        struct healer_open *open = malloc(sizeof(*open));
        int count = -1;

        if (open == NULL || healer_store_recall(store, open) != HEALER_OK)
                *why = "its store could not be read";
        else if (healer_open_import(healer, now_ns, open) != HEALER_OK)
                *why = "what its store says fits no healer here";
        else
                count = (int)open->episode_count;
        free(open);
        return count;
}
