/* effect_data.c - effects on the data layer: connections, caches, databases, queues.
 *
 * As effect.c: worked out when a request passes, from all effects on the target.
 * What has to happen at the moment an effect comes or goes is here too.
 */
#include "harness/fleet/data_layer.h"

/* The next effect of a kind on an instance or its service. */
static struct effect *next_of(const struct fleet *fleet, const struct instance *instance,
                              enum effect_kind kind, const struct effect_link **link, bool *whole)
{
        for (;;) {
                if (*link == NULL) {
                        if (*whole)
                                return NULL;
                        *whole = true;
                        *link = fleet->services[instance->service].effects;
                        continue;
                }
                struct effect *effect = (*link)->effect;

                *link = (*link)->next;
                if (effect->kind == kind)
                        return effect;
        }
}

/* What is left of 1 after the shares of all effects of a kind. */
static double left_of(struct fleet *fleet, const struct instance *instance, enum effect_kind kind,
                      uint32_t edge)
{
        const struct effect_link *link = instance->effects;
        bool whole = false;
        double left = 1;

        for (struct effect *e; (e = next_of(fleet, instance, kind, &link, &whole)) != NULL;)
                if (edge == FLEET_NO_INDEX || e->edge == FLEET_NO_INDEX || e->edge == edge)
                        left *= 1 - e->a * effect_scale(fleet, e);
        return left;
}

uint32_t effect_connections_taken(struct fleet *fleet, const struct instance *instance,
                                  uint32_t edge, uint32_t size)
{
        return (uint32_t)((1 - left_of(fleet, instance, EFFECT_CONNECTIONS, edge)) * size + 0.5);
}

double effect_descriptors_taken(struct fleet *fleet, const struct instance *instance)
{
        return 1 - left_of(fleet, instance, EFFECT_DESCRIPTORS, FLEET_NO_INDEX);
}

double effect_cache_left(struct fleet *fleet, const struct instance *instance)
{
        return left_of(fleet, instance, EFFECT_CACHE, FLEET_NO_INDEX);
}

double effect_slowdown(struct fleet *fleet, const struct instance *instance)
{
        const struct effect_link *link = instance->effects;
        bool whole = false;
        double factor = 1;

        for (struct effect *e; (e = next_of(fleet, instance, EFFECT_SLOW, &link, &whole)) != NULL;) {
                factor *= 1 + (e->a - 1) * effect_scale(fleet, e);
                e->touched++;
        }
        return factor;
}

bool effect_corrupts(struct fleet *fleet, const struct instance *instance, uint64_t uid)
{
        const struct effect_link *link = instance->effects;
        bool whole = false, corrupt = false;

        for (struct effect *e; (e = next_of(fleet, instance, EFFECT_CORRUPT, &link, &whole)) != NULL;)
                corrupt = effect_hits(fleet, e, uid) || corrupt;
        return corrupt;
}

/* ---- on a service */

int64_t effect_lag_ns(struct fleet *fleet, uint32_t service)
{
        double lag_s = 0;

        for (struct effect_link *link = fleet->services[service].effects; link != NULL; link = link->next)
                if (link->effect->kind == EFFECT_LAG)
                        lag_s += link->effect->a * effect_scale(fleet, link->effect);
        return (int64_t)(lag_s * 1e9);
}

static void touch(struct fleet *fleet, uint32_t service, enum effect_kind kind)
{
        for (struct effect_link *link = fleet->services[service].effects; link != NULL; link = link->next)
                if (link->effect->kind == kind) {
                        link->effect->touched++;
                        link->effect->measured_sum += 1;
                        link->effect->measured_count++;
                }
}

void effect_lag_hit(struct fleet *fleet, uint32_t service)
{
        touch(fleet, service, EFFECT_LAG);
}

void effect_split_hit(struct fleet *fleet, uint32_t service)
{
        touch(fleet, service, EFFECT_SPLIT);
}

static bool any_hits(struct fleet *fleet, uint32_t service, enum effect_kind kind, uint64_t uid)
{
        bool hit = false;

        for (struct effect_link *link = fleet->services[service].effects; link != NULL; link = link->next)
                if (link->effect->kind == kind)
                        hit = effect_hits(fleet, link->effect, uid) || hit;
        return hit;
}

bool effect_session_blocks(struct fleet *fleet, uint32_t service, uint64_t uid)
{
        return any_hits(fleet, service, EFFECT_SESSION, uid);
}

bool effect_poisons(struct fleet *fleet, uint32_t service, uint64_t uid)
{
        return any_hits(fleet, service, EFFECT_POISON, uid);
}

bool effect_edge_answer_lost(struct fleet *fleet, const struct edge *edge, uint64_t uid)
{
        bool lost = false;

        for (struct effect_link *link = edge->effects; link != NULL; link = link->next)
                if (link->effect->kind == EFFECT_ANSWER_LOSS)
                        lost = effect_hits(fleet, link->effect, hash_mix(uid, 0x616e73u)) || lost;
        return lost;
}

void fleet_effect_on_callers(struct fleet *fleet, uint32_t edge, struct effect *effect)
{
        const struct service *caller = &fleet->services[fleet->edges[edge].from];

        for (uint32_t i = 0; i < caller->member_count; i++)
                fleet_effect_on_instance(fleet, caller->members[i], effect);
}

/* ---- coming and going */

static bool takes_holdings(const struct effect *effect)
{
        return effect->kind == EFFECT_CONNECTIONS || effect->kind == EFFECT_DESCRIPTORS;
}

void data_effect_came(struct fleet *fleet, enum effect_place place, uint32_t index,
                      struct effect *effect)
{
        if (takes_holdings(effect)) {
                fleet->holding_links++;
                effect->touched++;
        } else if (effect->kind == EFFECT_SPLIT && place == ON_SERVICE) {
                database_split(fleet, index);
        } else if (effect->kind == EFFECT_CACHE) {
                effect->touched++;
        }
}

void data_effect_left(struct fleet *fleet, enum effect_place place, uint32_t index,
                      const struct effect *effect)
{
        if (takes_holdings(effect)) {
                fleet->holding_links--;
                if (place == ON_INSTANCE && fleet->instances[index].holdings != NULL)
                        holdings_wake(fleet, index);
        } else if (effect->kind == EFFECT_CACHE && place == ON_INSTANCE) {
                /* It warms up again from what it could hold. */
                fleet_cache_lose(fleet, index, effect->a * effect_scale(fleet, effect));
        } else if (effect->kind == EFFECT_SPLIT && place == ON_SERVICE) {
                database_joined(fleet, index);
        } else if (effect->kind == EFFECT_SESSION && place == ON_SERVICE) {
                database_wake(fleet, index);
        }
}
