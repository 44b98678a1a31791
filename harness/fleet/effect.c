/* effect.c - faults' effects: kept on their targets, worked out per request.
 *
 * A target has a list of links, ordered by the effects' rank, so that what
 * several effects make together does not depend on who came first. Without
 * effects the hot path pays for one null check.
 */
#include "harness/base/detmath.h"
#include "harness/fleet/model.h"

/* How much of its full size an effect has at an instant, 0..1. */
static double effect_scale_at(const struct effect *effect, int64_t at_ns)
{
        double scale = 1.0;

        if (effect->ramp_for_ns > 0 && at_ns < effect->ramp_from_ns + effect->ramp_for_ns)
                scale = (double)(at_ns - effect->ramp_from_ns) / (double)effect->ramp_for_ns;
        if (effect->ramp_down_from_ns != TIME_NEVER && at_ns > effect->ramp_down_from_ns) {
                double down = 1.0 - (double)(at_ns - effect->ramp_down_from_ns) /
                                            (double)effect->ramp_down_for_ns;

                scale = down < 0 ? 0 : down < scale ? down : scale;
        }
        return scale;
}

static double effect_scale(const struct fleet *fleet, const struct effect *effect)
{
        return effect_scale_at(effect, fleet->now);
}

static int64_t delays_ns(struct fleet *fleet, const struct effect_link *link, enum effect_kind kind,
                         uint64_t uid)
{
        int64_t sum_ns = 0;

        for (; link != NULL; link = link->next) {
                struct effect *effect = link->effect;
                struct rng_block block;
                double delay_ns;

                if (effect->kind != kind)
                        continue;
                block = rng_draw(fleet->key, hash_mix(uid, effect->stream), RNG_FAULT, 0);
                if (rng_u01_32((uint32_t)block.word[1]) >= effect->probability)
                        continue;
                delay_ns = dist_quantile_ns(&effect->delay, rng_u01(block.word[0])) +
                           effect->jitter_ns *
                                   (2.0 * rng_u01_32((uint32_t)(block.word[1] >> 32)) - 1.0);
                if (effect->normal_sd_ns > 0)
                        delay_ns += effect->normal_sd_ns *
                                    det_probit(rng_u01_32((uint32_t)(block.word[1] >> 32)));
                delay_ns *= effect_scale(fleet, effect);
                if (delay_ns < 0.5)
                        continue;
                effect->touched++;
                effect->measured_sum += delay_ns * 1e-9;
                effect->measured_count++;
                sum_ns += (int64_t)(delay_ns + 0.5);
        }
        return sum_ns;
}

int64_t effect_edge_delay_ns(struct fleet *fleet, const struct edge *edge, uint64_t uid)
{
        return delays_ns(fleet, edge->effects, EFFECT_EDGE_DELAY, uid);
}

int64_t effect_host_delay_ns(struct fleet *fleet, const struct instance *instance, uint64_t uid)
{
        return delays_ns(fleet, instance->effects, EFFECT_HOST_DELAY, uid);
}

bool effect_error(struct fleet *fleet, const struct instance *instance, uint64_t uid, bool *final)
{
        bool failed = false;

        for (struct effect_link *link = instance->effects; link != NULL; link = link->next) {
                struct effect *effect = link->effect;
                struct rng_block block;
                double rate;

                if (effect->kind != EFFECT_ERROR)
                        continue;
                block = rng_draw(fleet->key, hash_mix(uid, effect->stream), RNG_FAULT, 0);
                rate = effect->a * effect->probability * effect_scale(fleet, effect);
                effect->measured_count++;
                if (rng_u01(block.word[0]) >= rate)
                        continue;
                effect->touched++;
                effect->measured_sum += 1;
                *final = *final || !effect->retryable;
                failed = true;
        }
        return failed;
}

double effect_leaked_bytes(struct fleet *fleet, const struct instance *instance, int64_t from_ns)
{
        double seconds = (double)(fleet->now - from_ns) * 1e-9, sum = 0;

        for (struct effect_link *link = instance->effects; link != NULL; link = link->next) {
                struct effect *effect = link->effect;
                double bytes;

                if (effect->kind != EFFECT_LEAK || effect->a <= 0)
                        continue;
                /* Ramps are straight lines: the mean of both ends is exact. */
                bytes = effect->a * seconds * 0.5 *
                        (effect_scale_at(effect, from_ns) + effect_scale(fleet, effect));
                effect->measured_sum += bytes;
                sum += bytes;
        }
        return sum;
}

void effect_leak_request(struct fleet *fleet, struct instance *instance)
{
        for (struct effect_link *link = instance->effects; link != NULL; link = link->next) {
                double bytes;

                if (link->effect->kind != EFFECT_LEAK || link->effect->b == 0)
                        continue;
                bytes = link->effect->b * effect_scale(fleet, link->effect);
                instance->leaked_bytes += bytes;
                link->effect->measured_sum += bytes;
        }
}

/* ---- links */

static struct effect_link **target_links(struct fleet *fleet, bool is_edge, uint32_t index)
{
        return is_edge ? &fleet->edges[index].effects : &fleet->instances[index].effects;
}

static void attach(struct fleet *fleet, bool is_edge, uint32_t index, struct effect *effect)
{
        struct effect_link **at = target_links(fleet, is_edge, index);
        struct effect_link *link = fleet->link_free;

        while (*at != NULL && (*at)->effect->rank <= effect->rank) {
                if ((*at)->effect == effect)
                        return;
                at = &(*at)->next;
        }
        if (link != NULL) {
                fleet->link_free = link->next;
        } else {
                link = ARENA_NEW(&fleet->arena, struct effect_link);
                if (link == NULL) {
                        fleet_break(fleet, "out of memory");
                        return;
                }
        }
        link->effect = effect;
        link->next = *at;
        *at = link;
}

/* Takes one link off; what a kind keeps beside the list is put right here. */
static void detach(struct fleet *fleet, struct effect_link **at, bool is_edge, uint32_t index)
{
        struct effect_link *link = *at;
        struct effect *effect = link->effect;

        if (!is_edge && effect->kind == EFFECT_LEAK) {
                instance_leak_now(fleet, &fleet->instances[index]);
                fleet->leak_links--;
        }
        *at = link->next;
        link->next = fleet->link_free;
        link->effect = NULL;
        fleet->link_free = link;
        if (!is_edge && effect->kind == EFFECT_HELD_DOWN) {
                fleet->instances[index].held_down--;
                instance_try_start(fleet, index);
        }
}

void fleet_effect_on_edge(struct fleet *fleet, uint32_t edge, struct effect *effect)
{
        attach(fleet, true, edge, effect);
}

void fleet_effect_on_instance(struct fleet *fleet, uint32_t index, struct effect *effect)
{
        struct instance *instance = &fleet->instances[index];

        if (instance->state == INSTANCE_GONE)
                return;
        if (effect->kind == EFFECT_LEAK) {
                instance_leak_now(fleet, instance);
                fleet->leak_links++;
                effect->touched++;
        }
        if (effect->kind == EFFECT_HELD_DOWN) {
                instance->held_down++;
                if (instance->timer == TIMER_UP) {
                        instance->timer = TIMER_NONE;
                        instance->timer_generation++;
                }
        }
        attach(fleet, false, index, effect);
}

static void detach_if(struct fleet *fleet, bool is_edge, uint32_t index,
                      const struct effect *effect, uint32_t layers)
{
        struct effect_link **at = target_links(fleet, is_edge, index);

        while (*at != NULL) {
                if ((*at)->effect == effect ||
                    (effect == NULL && (layers & LAYER_BIT((*at)->effect->layer)))) {
                        detach(fleet, at, is_edge, index);
                        /* The pool may not have moved, but be sure of the head. */
                        at = target_links(fleet, is_edge, index);
                } else {
                        at = &(*at)->next;
                }
        }
}

void fleet_effect_lift(struct fleet *fleet, struct effect *effect)
{
        for (uint32_t i = 0; i < fleet->edge_count; i++)
                detach_if(fleet, true, i, effect, 0);
        for (uint32_t i = 0; i < fleet->instance_count; i++)
                detach_if(fleet, false, i, effect, 0);
}

bool fleet_effect_attached(const struct fleet *fleet, const struct effect *effect)
{
        for (uint32_t i = 0; i < fleet->edge_count; i++)
                for (struct effect_link *link = fleet->edges[i].effects; link; link = link->next)
                        if (link->effect == effect)
                                return true;
        for (uint32_t i = 0; i < fleet->instance_count; i++)
                for (struct effect_link *link = fleet->instances[i].effects; link; link = link->next)
                        if (link->effect == effect)
                                return true;
        return false;
}

void effect_reset_layers(struct fleet *fleet, struct instance *instance, uint32_t layers)
{
        detach_if(fleet, false, (uint32_t)(instance - fleet->instances), NULL, layers);
}

void effect_reset_service(struct fleet *fleet, uint32_t service)
{
        for (uint32_t i = 0; i < fleet->edge_count; i++)
                if (fleet->edges[i].to == service || fleet->edges[i].from == service)
                        detach_if(fleet, true, i, NULL, UINT32_MAX);
        for (uint32_t i = 0; i < fleet->services[service].member_count; i++)
                detach_if(fleet, false, fleet->services[service].members[i], NULL, UINT32_MAX);
}

static uint64_t digest_links(uint64_t digest, uint64_t target, const struct effect_link *link)
{
        for (; link != NULL; link = link->next) {
                digest = hash_mix(digest, target);
                digest = hash_mix(digest, hash_mix(link->effect->stream, link->effect->kind));
                digest = hash_mix(digest, hash_mix(link->effect->rank, link->effect->layer));
        }
        return digest;
}

uint64_t fleet_overlay_digest(const struct fleet *fleet)
{
        uint64_t digest = 0x6f7665726c6179u;
        uint32_t held = 0;

        for (uint32_t i = 0; i < fleet->edge_count; i++)
                digest = digest_links(digest, hash_mix(1, i), fleet->edges[i].effects);
        for (uint32_t i = 0; i < fleet->instance_count; i++) {
                digest = digest_links(digest, hash_mix(2, i), fleet->instances[i].effects);
                held += fleet->instances[i].held_down;
        }
        return hash_mix(digest, hash_mix(held, fleet->leak_links));
}

/* ---- targets */

uint32_t fleet_service_instances(const struct fleet *fleet, uint32_t service, uint32_t *out,
                                 uint32_t max)
{
        const struct service *s = &fleet->services[service];
        uint32_t count = s->member_count < max ? s->member_count : max;

        for (uint32_t i = 0; i < count; i++)
                out[i] = s->members[i];
        return s->member_count;
}

uint32_t fleet_instance_zone(const struct fleet *fleet, uint32_t instance)
{
        return fleet->instances[instance].zone;
}

uint32_t fleet_instance_service(const struct fleet *fleet, uint32_t instance)
{
        return fleet->instances[instance].service;
}
