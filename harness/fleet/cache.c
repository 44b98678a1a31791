/* cache.c - what a cache spares its backend, and what it costs when it is cold.
 *
 * A request that misses calls the backend; a hit does not. Each instance has a
 * cache of its own, in its memory: a new process begins with an empty one, and
 * its hit ratio grows linearly from nothing to `hit_ratio` over `warm_up`, so that
 * meanwhile the backend is called 1 / (1 - hit_ratio) times as often at worst. That
 * growth is one number, the instant at which the cache would have been empty.
 *
 * A cache that has lost a share of what it held goes on from what is left.
 */
#include "harness/fleet/data_layer.h"

static const struct cache_spec *cache_of(const struct fleet *fleet, const struct instance *instance)
{
        const struct service_spec *spec = fleet->services[instance->service].spec;

        return spec->data == DATA_CACHE ? &spec->cache : NULL;
}

double cache_warmth(const struct fleet *fleet, const struct instance *instance)
{
        const struct cache_spec *cache = cache_of(fleet, instance);
        int64_t age_ns = fleet->now - instance->holdings->cold_at_ns;

        if (cache->warm_up_ns <= 0 || age_ns >= cache->warm_up_ns)
                return 1;
        return age_ns <= 0 ? 0 : (double)age_ns / (double)cache->warm_up_ns;
}

void cache_empty(struct fleet *fleet, struct instance *instance, double share)
{
        const struct cache_spec *cache = cache_of(fleet, instance);

        if (cache == NULL || share <= 0)
                return;
        instance->holdings->cold_at_ns =
                fleet->now - (int64_t)(cache_warmth(fleet, instance) * (1 - share) *
                                       (double)cache->warm_up_ns);
}

bool cache_hits(struct fleet *fleet, const struct req *req, uint32_t at, uint32_t done)
{
        const struct instance *instance = &fleet->instances[req->instance];
        double ratio = cache_of(fleet, instance)->hit_ratio * cache_warmth(fleet, instance);
        struct rng_block block = rng_draw(fleet->key, req->uid, RNG_CACHE, at << 16 | done);

        if (instance_has_effects(fleet, instance))
                ratio *= effect_cache_left(fleet, instance);
        return rng_u01(block.word[0]) < ratio;
}

uint64_t fleet_cache_lose(struct fleet *fleet, uint32_t index, double share)
{
        struct instance *instance = &fleet->instances[index];

        if (share <= 0 || instance->holdings == NULL || cache_of(fleet, instance) == NULL ||
            instance->state == INSTANCE_GONE)
                return 0;
        cache_empty(fleet, instance, share);
        return 1;
}
