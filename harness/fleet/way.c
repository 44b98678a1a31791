/* way.c - what may befall a request between its caller and its work.
 *
 * Narrow lines, messages that arrive twice, connections that close slowly, lines
 * between two zones, instances that are bad to some of their callers only, and
 * requests that kill who serves them. All of it is effects of faults; the hot
 * path asks here while `way_links` says that one is in force, and never else.
 *
 * A narrow line is a queue of its own: messages of MESSAGE_BYTES go one after
 * the other, and whoever comes faster than it can carry waits ever longer.
 *
 * Callers are named by their place in their service's order of hashes, so that a
 * share of three callers is never none of them.
 */
#include "harness/fleet/model.h"

enum { MESSAGE_BYTES = 16 * 1024 };

bool way_is_on(enum effect_kind kind)
{
        return kind == EFFECT_BANDWIDTH || kind == EFFECT_DUPLICATE || kind == EFFECT_SLOW_CLOSE ||
               kind == EFFECT_GRAY || kind == EFFECT_DEADLY;
}

static bool draw_hits(struct fleet *fleet, struct effect *effect, uint64_t uid, double share)
{
        struct rng_block block = rng_draw(fleet->key, hash_mix(uid, effect->stream), RNG_FAULT, 0);

        return rng_u01(block.word[0]) < share * effect->probability * effect_scale(fleet, effect);
}

/* ---- narrow lines */

static int64_t line_delay_ns(struct fleet *fleet, struct effect *effect, uint64_t uid)
{
        int64_t from_ns = effect->busy_until_ns > fleet->now ? effect->busy_until_ns : fleet->now;
        int64_t delay_ns;

        if (effect->probability < 1 && !draw_hits(fleet, effect, uid, 1))
                return 0;
        effect->busy_until_ns = from_ns + (int64_t)(MESSAGE_BYTES / effect->a * 1e9);
        delay_ns = effect->busy_until_ns - fleet->now;
        effect->touched++;
        effect->measured_sum += (double)delay_ns * 1e-9;
        effect->measured_count++;
        return delay_ns;
}

/* ---- bad to some */

static bool caller_is_chosen(struct fleet *fleet, const struct effect *effect, uint32_t caller,
                             uint64_t client)
{
        const struct service *service;
        uint64_t own;
        uint32_t before = 0;

        if (caller == NONE) /* a client: each by itself */
                return rng_u01(rng_draw(fleet->key, hash_mix(client, effect->stream),
                                        RNG_FAULT_TARGET, 1)
                                       .word[0]) < effect->b;
        service = &fleet->services[fleet->instances[caller].service];
        own = hash_mix(effect->stream, fleet->instances[caller].number);
        for (uint32_t i = 0; i < service->member_count; i++)
                before += hash_mix(effect->stream, fleet->instances[service->members[i]].number) < own;
        return before < effect->b * service->member_count;
}

static int64_t gray_delay_ns(struct fleet *fleet, struct effect *effect, struct req *req,
                             uint32_t caller)
{
        double delay_ns;

        if (!caller_is_chosen(fleet, effect, caller, fleet->calls[req->call].uid) ||
            (effect->probability < 1 && !draw_hits(fleet, effect, hash_mix(req->uid, 2), 1)))
                return 0;
        delay_ns = effect->delay.a_ns * effect_scale(fleet, effect);
        effect->measured_count++;
        if (rng_u01_32((uint32_t)hash_mix(req->uid, effect->stream)) <
            effect->a * effect_scale(fleet, effect)) {
                req->doom = DOOM_FAILS;
                effect->measured_sum += 1;
                effect->touched++;
        } else if (delay_ns >= 0.5) {
                effect->touched++;
        }
        return (int64_t)(delay_ns + 0.5);
}

/* ---- on the way there */

struct trip {
        uint32_t caller, instance;
        int64_t delay_ns, narrowest_ns;
        bool twice;
};

static void take_effect(struct fleet *fleet, struct effect *effect, struct req *req,
                        struct trip *trip, bool border)
{
        int64_t line_ns;

        switch (effect->kind) {
        case EFFECT_EDGE_DELAY:
                if (border) /* those of edges are the hot path's own */
                        trip->delay_ns += effect_delay_of(fleet, effect, req->uid);
                break;
        case EFFECT_BANDWIDTH:
                line_ns = line_delay_ns(fleet, effect, req->uid);
                if (line_ns > trip->narrowest_ns)
                        trip->narrowest_ns = line_ns;
                break;
        case EFFECT_DUPLICATE:
                effect->measured_count++;
                if (draw_hits(fleet, effect, req->uid, effect->a)) {
                        effect->measured_sum += 1;
                        effect->touched++;
                        trip->twice = true;
                }
                break;
        case EFFECT_GRAY:
                trip->delay_ns += gray_delay_ns(fleet, effect, req, trip->caller);
                break;
        case EFFECT_DEADLY:
                /* the request is it, whoever tries it and how often */
                effect->measured_count++;
                if (draw_hits(fleet, effect, fleet->calls[req->call].uid, effect->a)) {
                        effect->measured_sum += 1;
                        effect->touched++;
                        req->doom = DOOM_KILLS;
                }
                break;
        default:
                break;
        }
}

/* Whether a call from one zone to another is on the line of an effect. */
static bool is_on_line(const struct effect *effect, uint32_t from_zone, uint32_t to_zone)
{
        return effect->from_zone == from_zone && effect->to_zone == to_zone;
}

int64_t way_sent(struct fleet *fleet, uint32_t index, uint32_t caller)
{
        struct req *req = &fleet->reqs[index];
        const struct instance *instance = &fleet->instances[req->instance];
        struct trip trip = {.caller = caller, .instance = req->instance};
        struct effect_link *link;

        for (link = fleet->edges[req->edge].effects; link != NULL; link = link->next)
                take_effect(fleet, link->effect, req, &trip, false);
        for (link = instance->effects; link != NULL; link = link->next)
                if (link->effect->kind == EFFECT_GRAY)
                        take_effect(fleet, link->effect, req, &trip, false);
        for (link = fleet->border_effects; link != NULL && caller != NONE; link = link->next)
                if (is_on_line(link->effect, fleet->instances[caller].zone, instance->zone))
                        take_effect(fleet, link->effect, req, &trip, true);
        trip.delay_ns += trip.narrowest_ns;
        if (trip.twice) {
                int64_t network_ns = 0;

                if (caller != NONE)
                        network_ns = fleet->instances[caller].zone == instance->zone
                                             ? fleet->spec->zones[instance->zone].latency_ns
                                             : fleet->spec->zone_latency_ns;
                req_repeat(fleet, index, trip.delay_ns + network_ns + NS_PER_US);
        }
        return trip.delay_ns;
}

bool way_border_hits(struct fleet *fleet, enum effect_kind kind, uint32_t from_zone,
                     uint32_t to_zone, uint64_t uid)
{
        bool hit = false;

        for (struct effect_link *link = fleet->border_effects; link != NULL; link = link->next)
                if (link->effect->kind == kind && is_on_line(link->effect, from_zone, to_zone))
                        hit = effect_loses(fleet, link->effect, uid) || hit;
        return hit;
}

/* ---- after the answer */

int64_t way_close_ns(struct fleet *fleet, uint32_t edge, uint64_t uid)
{
        int64_t sum_ns = 0;

        for (struct effect_link *link = fleet->edges[edge].effects; link != NULL; link = link->next)
                if (link->effect->kind == EFFECT_SLOW_CLOSE)
                        sum_ns += effect_delay_of(fleet, link->effect, hash_mix(uid, 3));
        return sum_ns;
}

/* ---- clients */

double way_cost(struct fleet *fleet, uint32_t edge, uint64_t uid)
{
        double cost = 1;

        for (struct effect_link *link = fleet->edges[edge].effects; link != NULL; link = link->next) {
                struct effect *effect = link->effect;

                if (effect->kind != EFFECT_COSTLY)
                        continue;
                effect->measured_count++;
                if (!draw_hits(fleet, effect, uid, effect->a))
                        continue;
                effect->measured_sum += 1;
                effect->touched += effect->b != 1;
                cost *= effect->b;
        }
        return cost;
}
