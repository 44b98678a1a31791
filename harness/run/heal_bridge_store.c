/* heal_bridge_store.c - opening a simulated healer's store, and taking up from it. */
#include "harness/run/heal_bridge_store.h"

#include <stdio.h>
#include <stdlib.h>

#include "harness/sim/time.h"
#include "healer/store/store.h"

struct healer_store *heal_store_open(const struct strategy *strategy,
                                     const struct healer_world *world,
                                     const struct healer_topology *topology, uint64_t session)
{
        struct healer_store_config config = healer_store_config_defaults();
        struct healer_store *store = NULL;
        char reason[256];

        if (strategy->store.path == NULL)
                return NULL;
        config.path = strategy->store.path;
        config.source = world->store_name;
        config.batch_size = strategy->store.batch_size;
        config.queue_max = config.batch_size > 1024 ? config.batch_size : 1024;
        config.flush_interval_ns = strategy->store.flush_interval_ns;
        config.retention_ns = strategy->store.retention_ns;
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
        return store;
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
