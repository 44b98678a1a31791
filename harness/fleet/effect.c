/* effect.c - faults' effects: kept on their targets, worked out per request.
 *
 * A target has a list of links, ordered by the effects' rank, so that what
 * several effects make together does not depend on who came first. Without
 * effects the hot path pays for one null check.
 */
#include <math.h>

#include "harness/base/detmath.h"
#include "harness/fleet/data_layer.h"
#include "harness/fleet/model.h"

/* The effects on an instance, then those on its service. */
struct walk {
        struct effect_link *link, *then;
};

static struct walk walk_of(const struct fleet *fleet, const struct instance *instance)
{
        return (struct walk){instance->effects, fleet->services[instance->service].effects};
}

static struct effect *walk_next(struct walk *walk)
{
        struct effect *effect;

        if (walk->link == NULL) {
                walk->link = walk->then;
                walk->then = NULL;
        }
        if (walk->link == NULL)
                return NULL;
        effect = walk->link->effect;
        walk->link = walk->link->next;
        return effect;
}

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

double effect_scale(const struct fleet *fleet, const struct effect *effect)
{
        return effect_scale_at(effect, fleet->now);
}

enum { SLOT_NS = 100 * 1000 * 1000, SLOTS_BACK_MAX = 4096 };

/* The normal distribution function, to 1e-7 (Abramowitz and Stegun 26.2.17). */
static double normal_share(double z)
{
        double x = fabs(z), t = 1 / (1 + 0.2316419 * x);
        double tail = 0.3989422804014327 * det_exp(-0.5 * x * x) * t *
                      (0.319381530 +
                       t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));

        return z > 0 ? 1 - tail : tail;
}

/* The normal variate of the present slot: a first-order autoregression, each step
 * with chance of its own, so that who asks when changes nothing. */
static double slot_variate(struct fleet *fleet, struct effect *effect)
{
        int64_t slot = (fleet->now - effect->ramp_from_ns) / SLOT_NS;
        double step = sqrt(1 - effect->correlation * effect->correlation);

        if (slot - effect->slot > SLOTS_BACK_MAX && effect->correlation < 0.99)
                effect->slot = slot - SLOTS_BACK_MAX; /* what was before is long forgotten */
        for (; effect->slot <= slot; effect->slot++) {
                struct rng_block block = rng_draw(fleet->key, effect->stream, RNG_NETWORK,
                                                  (uint32_t)effect->slot);
                double z = det_probit(rng_u01(block.word[0]));

                effect->slot_z = effect->slot == 0 ? z
                                                   : effect->correlation * effect->slot_z + step * z;
        }
        return effect->slot_z;
}

/* A uniform of one message's own, moved towards that of its slot. */
static double correlated(struct fleet *fleet, struct effect *effect, double u)
{
        if (effect->correlation <= 0)
                return u;
        u = normal_share(sqrt(effect->correlation) * slot_variate(fleet, effect) +
                         sqrt(1 - effect->correlation) * det_probit(u));
        return u < 1e-12 ? 1e-12 : u > 1 - 1e-12 ? 1 - 1e-12 : u;
}

int64_t effect_delay_of(struct fleet *fleet, struct effect *effect, uint64_t uid)
{
        struct rng_block block = rng_draw(fleet->key, hash_mix(uid, effect->stream), RNG_FAULT, 0);
        double delay_ns, spread;

        if (rng_u01_32((uint32_t)block.word[1]) >= effect->probability)
                return 0;
        spread = correlated(fleet, effect, rng_u01_32((uint32_t)(block.word[1] >> 32)));
        delay_ns = dist_quantile_ns(&effect->delay,
                                    correlated(fleet, effect, rng_u01(block.word[0]))) +
                   effect->jitter_ns * (2.0 * spread - 1.0);
        if (effect->normal_sd_ns > 0)
                delay_ns += effect->normal_sd_ns * det_probit(spread);
        delay_ns *= effect_scale(fleet, effect);
        if (delay_ns < 0.5)
                return 0;
        effect->touched++;
        effect->measured_sum += delay_ns * 1e-9;
        effect->measured_count++;
        return (int64_t)(delay_ns + 0.5);
}

int64_t effect_edge_delay_ns(struct fleet *fleet, const struct edge *edge, uint64_t uid)
{
        int64_t sum_ns = 0;

        for (struct effect_link *link = edge->effects; link != NULL; link = link->next)
                if (link->effect->kind == EFFECT_EDGE_DELAY)
                        sum_ns += effect_delay_of(fleet, link->effect, uid);
        return sum_ns;
}

static int64_t instance_delays_ns(struct fleet *fleet, const struct instance *instance,
                                  enum effect_kind kind, uint64_t uid)
{
        struct walk walk = walk_of(fleet, instance);
        int64_t sum_ns = 0;

        for (struct effect *effect; (effect = walk_next(&walk)) != NULL;)
                if (effect->kind == kind)
                        sum_ns += effect_delay_of(fleet, effect, uid);
        return sum_ns;
}

int64_t effect_host_delay_ns(struct fleet *fleet, const struct instance *instance, uint64_t uid)
{
        return instance_delays_ns(fleet, instance, EFFECT_HOST_DELAY, uid);
}

int64_t effect_io_delay_ns(struct fleet *fleet, const struct instance *instance, uint64_t uid)
{
        return instance_delays_ns(fleet, instance, EFFECT_IO_DELAY, uid);
}

/* Whether an effect with the share `a` hits a request; told and counted. */
bool effect_hits(struct fleet *fleet, struct effect *effect, uint64_t uid)
{
        struct rng_block block = rng_draw(fleet->key, hash_mix(uid, effect->stream), RNG_FAULT, 0);

        effect->measured_count++;
        if (rng_u01(block.word[0]) >= effect->a * effect->probability * effect_scale(fleet, effect))
                return false;
        effect->touched++;
        effect->measured_sum += 1;
        return true;
}

bool effect_error(struct fleet *fleet, const struct instance *instance, uint64_t uid, bool *final)
{
        struct walk walk = walk_of(fleet, instance);
        bool failed = false;

        for (struct effect *effect; (effect = walk_next(&walk)) != NULL;) {
                if (effect->kind != EFFECT_ERROR || !effect_hits(fleet, effect, uid))
                        continue;
                *final = *final || !effect->retryable;
                failed = true;
                if (effect->layer == LAYER_OUTSIDE)
                        instance_says(fleet, (uint32_t)(instance - fleet->instances),
                                      "call to the provider failed: service unavailable");
        }
        return failed;
}

/* ---- attempts that fail on their way */

static bool list_hits(struct fleet *fleet, const struct effect_link *link, enum effect_kind kind,
                      uint64_t uid)
{
        bool hit = false;

        for (; link != NULL; link = link->next)
                if (link->effect->kind == kind)
                        hit = effect_hits(fleet, link->effect, uid) || hit;
        return hit;
}

bool effect_refused(struct fleet *fleet, const struct edge *edge, uint64_t uid)
{
        bool by_edge = list_hits(fleet, edge->effects, EFFECT_REFUSE, uid);

        return list_hits(fleet, fleet->services[edge->to].effects, EFFECT_REFUSE, uid) || by_edge;
}

/* A chain of two states with the share `a` of its time in the bad one, which
 * lasts `b` messages on average. */
static bool burst_hits(struct fleet *fleet, struct effect *effect)
{
        double rate = effect->a * effect->probability * effect_scale(fleet, effect);
        struct rng_block block = rng_draw(fleet->key, effect->stream + (effect->messages >> 32),
                                          RNG_NETWORK, (uint32_t)effect->messages);
        double u = rng_u01(block.word[0]);

        effect->messages++;
        if (rate >= 1)
                effect->in_burst = true;
        else if (effect->in_burst)
                effect->in_burst = u >= 1.0 / effect->b;
        else
                effect->in_burst = u < rate / (effect->b * (1.0 - rate));
        effect->measured_count++;
        effect->touched += effect->in_burst;
        effect->measured_sum += effect->in_burst;
        return effect->in_burst;
}

/* Whether a message from one zone to another is lost on the border. */
static bool border_loses(struct fleet *fleet, uint32_t from_zone, uint32_t to_zone, uint64_t uid)
{
        bool lost;

        if (fleet->zone_links == 0 || from_zone == to_zone)
                return false;
        lost = list_hits(fleet, fleet->zone_effects[from_zone], EFFECT_ZONE_OUT, uid);
        return list_hits(fleet, fleet->zone_effects[to_zone], EFFECT_ZONE_IN, uid) || lost;
}

bool effect_loses(struct fleet *fleet, struct effect *effect, uint64_t uid)
{
        return effect->b > 1 ? burst_hits(fleet, effect) : effect_hits(fleet, effect, uid);
}

bool effect_request_lost(struct fleet *fleet, const struct edge *edge, uint32_t from_zone,
                         uint32_t to_zone, uint64_t uid)
{
        bool lost = border_loses(fleet, from_zone, to_zone, uid);

        for (struct effect_link *link = edge->effects; link != NULL; link = link->next)
                if (link->effect->kind == EFFECT_REQUEST_LOSS)
                        lost = effect_loses(fleet, link->effect, uid) || lost;
        if (fleet->border_effects != NULL)
                lost = way_border_hits(fleet, EFFECT_REQUEST_LOSS, from_zone, to_zone, uid) || lost;
        return lost;
}

bool effect_answer_lost(struct fleet *fleet, const struct edge *edge,
                        const struct instance *instance, uint32_t from_zone, uint32_t to_zone,
                        uint64_t uid)
{
        struct walk walk = walk_of(fleet, instance);
        uint64_t answer = hash_mix(uid, 0x616e73u);
        bool lost = border_loses(fleet, from_zone, to_zone, answer);

        lost = list_hits(fleet, edge->effects, EFFECT_ANSWER_LOSS, answer) || lost;
        if (fleet->border_effects != NULL) /* a call's way there is from its caller */
                lost = way_border_hits(fleet, EFFECT_ANSWER_LOSS, to_zone, from_zone, answer) || lost;
        for (struct effect *effect; (effect = walk_next(&walk)) != NULL;)
                if (effect->kind == EFFECT_ANSWER_LOSS)
                        lost = effect_hits(fleet, effect, answer) || lost;
        return lost;
}

/* ---- resources */

double effect_cpu_seen(struct fleet *fleet, const struct instance *instance)
{
        struct walk walk = walk_of(fleet, instance);
        double load = 0;

        for (struct effect *effect; (effect = walk_next(&walk)) != NULL;)
                if (effect->kind == EFFECT_CPU && effect->b == 0)
                        load += effect->a * effect_scale(fleet, effect);
        return load;
}

double effect_cpu_load(struct fleet *fleet, const struct instance *instance)
{
        struct walk walk = walk_of(fleet, instance);
        double load = 0;

        for (struct effect *effect; (effect = walk_next(&walk)) != NULL;)
                if (effect->kind == EFFECT_CPU)
                        load += effect->a * effect_scale(fleet, effect);
        return load;
}

double effect_memory_bytes(struct fleet *fleet, const struct instance *instance)
{
        double limit = instance_memory_limit(&fleet->services[instance->service], instance);
        double bytes = 0;
        struct walk walk = walk_of(fleet, instance);

        for (struct effect *effect; (effect = walk_next(&walk)) != NULL;)
                if (effect->kind == EFFECT_MEMORY)
                        bytes += (effect->a + effect->b * limit) * effect_scale(fleet, effect);
        return bytes;
}

uint32_t effect_workers(struct fleet *fleet, const struct instance *instance, uint32_t workers)
{
        struct walk walk = walk_of(fleet, instance);
        double left = 1;

        for (struct effect *effect; (effect = walk_next(&walk)) != NULL;)
                if (effect->kind == EFFECT_THREADS)
                        left *= 1 - effect->a * effect_scale(fleet, effect);
        return left >= 1 ? workers : (uint32_t)(left * workers + 0.5);
}

double effect_start_factor(struct fleet *fleet, const struct instance *instance)
{
        struct walk walk = walk_of(fleet, instance);
        double factor = 1;

        for (struct effect *effect; (effect = walk_next(&walk)) != NULL;)
                if (effect->kind == EFFECT_SLOW_START)
                        factor *= effect->a;
        return factor;
}

double effect_leaked_bytes(struct fleet *fleet, const struct instance *instance, int64_t from_ns)
{
        double seconds = (double)(fleet->now - from_ns) * 1e-9, sum = 0;
        struct walk walk = walk_of(fleet, instance);

        for (struct effect *effect; (effect = walk_next(&walk)) != NULL;) {
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

double effect_filled_bytes(struct fleet *fleet, const struct instance *instance, int64_t from_ns,
                           double room)
{
        double seconds = (double)(fleet->now - from_ns) * 1e-9, sum = 0;
        struct walk walk = walk_of(fleet, instance);

        for (struct effect *effect; (effect = walk_next(&walk)) != NULL;) {
                double bytes;

                if (effect->kind != EFFECT_DISK_FILL)
                        continue;
                bytes = effect->a * seconds * 0.5 *
                        (effect_scale_at(effect, from_ns) + effect_scale(fleet, effect));
                if (bytes > room - sum)
                        bytes = room > sum ? room - sum : 0;
                effect->measured_sum += bytes;
                sum += bytes;
        }
        return sum;
}

double effect_quota_share(struct fleet *fleet, const struct service *service, bool *gone)
{
        double share = 1;

        for (struct effect_link *link = service->effects; link != NULL; link = link->next) {
                if (link->effect->kind != EFFECT_QUOTA)
                        continue;
                share *= 1 - link->effect->a * effect_scale(fleet, link->effect);
                *gone = *gone || link->effect->b != 0;
        }
        return share;
}

void effect_quota_refused(struct service *service)
{
        for (struct effect_link *link = service->effects; link != NULL; link = link->next)
                if (link->effect->kind == EFFECT_QUOTA) {
                        link->effect->touched++;
                        link->effect->measured_sum += 1;
                }
}

void effect_leak_request(struct fleet *fleet, struct instance *instance)
{
        struct walk walk = walk_of(fleet, instance);

        for (struct effect *effect; (effect = walk_next(&walk)) != NULL;) {
                double bytes;

                if (effect->kind != EFFECT_LEAK || effect->b == 0)
                        continue;
                bytes = effect->b * effect_scale(fleet, effect);
                instance->leaked_bytes += bytes;
                effect->measured_sum += bytes;
        }
}

/* ---- clocks */

double effect_clock_offset_s(const struct fleet *fleet, const struct instance *instance)
{
        double sum = 0;

        for (struct effect_link *link = instance->effects; link != NULL; link = link->next)
                if (link->effect->kind == EFFECT_CLOCK)
                        sum += link->effect->a * effect_scale(fleet, link->effect) +
                               link->effect->b * (double)(fleet->now - link->effect->ramp_from_ns) *
                                       1e-9;
        return sum;
}

double effect_clock_rate(const struct fleet *fleet, const struct instance *instance)
{
        double sum = 0;

        (void)fleet;
        for (struct effect_link *link = instance->effects; link != NULL; link = link->next)
                if (link->effect->kind == EFFECT_CLOCK)
                        sum += link->effect->b;
        return sum;
}

void effect_clock_told(const struct instance *instance)
{
        for (struct effect_link *link = instance->effects; link != NULL; link = link->next)
                link->effect->touched += link->effect->kind == EFFECT_CLOCK;
}

/* ---- clients */

double effect_surge(struct fleet *fleet, const struct edge *edge)
{
        double factor = 1;

        for (struct effect_link *link = edge->effects; link != NULL; link = link->next)
                if (link->effect->kind == EFFECT_SURGE)
                        factor *= 1 + (link->effect->a - 1) * effect_scale(fleet, link->effect);
        return factor;
}

void effect_surge_arrived(struct edge *edge)
{
        for (struct effect_link *link = edge->effects; link != NULL; link = link->next)
                link->effect->touched += link->effect->kind == EFFECT_SURGE;
}

uint32_t effect_retries(struct fleet *fleet, const struct edge *edge, bool count)
{
        uint32_t most = 0;

        for (struct effect_link *link = edge->effects; link != NULL; link = link->next) {
                struct effect *effect = link->effect;
                uint32_t retries;

                if (effect->kind != EFFECT_RETRIES)
                        continue;
                retries = (uint32_t)(effect->a * effect_scale(fleet, effect) + 0.5);
                if (retries > most)
                        most = retries;
                effect->touched += count;
        }
        return most;
}

/* ---- instances that go down and up */

bool effect_zone_is_out(const struct fleet *fleet, uint32_t zone)
{
        for (struct effect_link *link = fleet->zone_effects[zone]; link != NULL; link = link->next)
                if (link->effect->kind == EFFECT_HELD_DOWN)
                        return true;
        return false;
}

static void release(struct fleet *fleet, uint32_t index)
{
        fleet->instances[index].held_down--;
        instance_try_start(fleet, index);
}

static void hold(struct fleet *fleet, uint32_t index)
{
        struct instance *instance = &fleet->instances[index];

        instance->held_down++;
        instance_cancel_start(fleet, index);
}

static void pulse_at(struct fleet *fleet, int64_t at_ns, uint32_t index, const struct effect *effect);

/* Where in its turn an effect is that comes and goes: its bad part is the first
 * of every turn. The next change is due in `*left_ns`. */
static bool in_bad_part(const struct fleet *fleet, const struct effect *effect, int64_t *left_ns)
{
        int64_t bad_ns = (int64_t)(effect->a * 1e9);
        int64_t turn_ns = (int64_t)(effect->b * 1e9);
        int64_t at_ns;

        if (effect->kind == EFFECT_FLAP)
                turn_ns += bad_ns;
        if (turn_ns <= bad_ns) { /* no good part at all */
                *left_ns = TIME_NEVER;
                return true;
        }
        at_ns = (fleet->now - effect->ramp_from_ns) % turn_ns;
        *left_ns = at_ns < bad_ns ? bad_ns - at_ns : turn_ns - at_ns;
        return at_ns < bad_ns;
}

static void pulse(struct fleet *fleet, uint32_t index, struct effect_link *link)
{
        struct effect *effect = link->effect;
        int64_t left_ns;
        bool bad = in_bad_part(fleet, effect, &left_ns);

        if (left_ns != TIME_NEVER)
                pulse_at(fleet, fleet->now + left_ns, index, effect);
        if (bad == link->on)
                return;
        link->on = bad; /* before it acts: what it does may take the link away */
        effect->touched += bad;
        if (effect->kind == EFFECT_STOP) {
                if (bad)
                        instance_stand_still(fleet, index);
                else
                        instance_go_on(fleet, index);
        } else if (bad) {
                hold(fleet, index);
                instance_exit(fleet, index, 137, false, "flapping");
        } else {
                release(fleet, index);
        }
}

/* A change of some effect on an instance is due: finds out which by itself, so
 * that it does no harm when the effect is long gone. */
static void pulse_due(void *user, uint32_t index)
{
        struct fleet *fleet = user;
        struct instance *instance = &fleet->instances[index];
        struct effect_link *link = instance->effects;

        while (link != NULL) {
                struct effect_link *next = link->next;
                int64_t left_ns;

                if ((link->effect->kind == EFFECT_STOP || link->effect->kind == EFFECT_FLAP) &&
                    in_bad_part(fleet, link->effect, &left_ns) != link->on) {
                        pulse(fleet, index, link);
                        link = fleet->instances[index].effects; /* it may be another list now */
                        continue;
                }
                if (link->effect->kind == EFFECT_LOOP && instance->state == INSTANCE_UP &&
                    fleet->now >= (instance->up_since_ns > link->effect->ramp_from_ns
                                           ? instance->up_since_ns
                                           : link->effect->ramp_from_ns) +
                                          (int64_t)(link->effect->a * 1e9)) {
                        link->effect->touched++;
                        instance_exit(fleet, index, 139, false, "crashed again");
                        return;
                }
                link = next;
        }
}

static void pulse_at(struct fleet *fleet, int64_t at_ns, uint32_t index, const struct effect *effect)
{
        fleet_schedule(fleet, at_ns, hash_mix(hash_mix(0x50554cu, index), effect->stream), pulse_due,
                       fleet, index);
}

void effect_instance_up(struct fleet *fleet, uint32_t index)
{
        struct instance *instance = &fleet->instances[index];

        for (struct effect_link *link = instance->effects; link != NULL; link = link->next)
                if (link->effect->kind == EFFECT_LOOP)
                        pulse_at(fleet, fleet->now + (int64_t)(link->effect->a * 1e9), index,
                                 link->effect);
        if (instance->hung + instance->zombies > 0)
                instance_mood(fleet, index);
}

/* ---- links */

static struct effect_link **target_links(struct fleet *fleet, enum effect_place place,
                                         uint32_t index)
{
        switch (place) {
        case ON_EDGE:
                return &fleet->edges[index].effects;
        case ON_SERVICE:
                return &fleet->services[index].effects;
        case ON_ZONE:
                return &fleet->zone_effects[index];
        case ON_HEALER:
                return &fleet->healer_effects;
        case ON_BORDER:
                return &fleet->border_effects;
        case ON_INSTANCE:
        default:
                return &fleet->instances[index].effects;
        }
}

static struct effect_link *attach(struct fleet *fleet, enum effect_place place, uint32_t index,
                                  struct effect *effect)
{
        struct effect_link **at = target_links(fleet, place, index);
        struct effect_link *link = fleet->link_free;

        lanes_end(fleet);
        while (*at != NULL && (*at)->effect->rank <= effect->rank) {
                if ((*at)->effect == effect)
                        return NULL;
                at = &(*at)->next;
        }
        if (link != NULL) {
                fleet->link_free = link->next;
        } else {
                link = ARENA_NEW(&fleet->arena, struct effect_link);
                if (link == NULL) {
                        fleet_break(fleet, "out of memory");
                        return NULL;
                }
        }
        link->effect = effect;
        link->next = *at;
        link->on = false;
        *at = link;
        fleet->way_links += place != ON_BORDER && way_is_on(effect->kind);
        data_effect_came(fleet, place, index, effect);
        return link;
}

/* Those that are in no list: version.c keeps them. */
static bool is_of_version(const struct effect *effect)
{
        return effect->kind == EFFECT_RELEASE || effect->kind == EFFECT_CONFIG;
}

static bool takes_memory(const struct effect *effect)
{
        return effect->kind == EFFECT_LEAK || effect->kind == EFFECT_MEMORY;
}

/* Integrals that an effect bends are brought up to now before it changes. */
static void touch_instance(struct fleet *fleet, uint32_t index, const struct effect *effect)
{
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a link has its effect */
        if (effect->kind == EFFECT_CPU)
                instance_cpu_touch(fleet, &fleet->instances[index]);
        else if (effect->kind == EFFECT_LEAK)
                instance_leak_now(fleet, &fleet->instances[index]);
        else if (effect->kind == EFFECT_DISK_FILL)
                stock_touch(fleet, index);
}

static void touch_service(struct fleet *fleet, uint32_t service, const struct effect *effect)
{
        for (uint32_t i = 0; i < fleet->services[service].member_count; i++)
                touch_instance(fleet, fleet->services[service].members[i], effect);
}

/* What an effect on an instance keeps beside the list, put right when it goes. */
static void left_instance(struct fleet *fleet, uint32_t index, const struct effect *effect, bool on)
{
        struct instance *instance = &fleet->instances[index];

        switch (effect->kind) {
        case EFFECT_HELD_DOWN:
                release(fleet, index);
                break;
        case EFFECT_FLAP:
                if (on)
                        release(fleet, index);
                break;
        case EFFECT_STOP:
                if (on)
                        instance_go_on(fleet, index);
                break;
        case EFFECT_HUNG:
                instance->hung--;
                instance_go_on(fleet, index);
                instance_mood(fleet, index);
                break;
        case EFFECT_ZOMBIE:
                instance->zombies--;
                instance_mood(fleet, index);
                break;
        case EFFECT_THREADS:
                instance_start_waiting(fleet, index);
                break;
        case EFFECT_CLOCK:
                fleet->clock_links--;
                break;
        default:
                break;
        }
}

/* Takes one link off; what a kind keeps beside the list is put right here. */
static void detach(struct fleet *fleet, struct effect_link **at, enum effect_place place,
                   uint32_t index)
{
        struct effect_link *link = *at;
        struct effect *effect = link->effect;
        bool on = link->on;

        if (place == ON_INSTANCE)
                touch_instance(fleet, index, effect);
        else if (place == ON_SERVICE)
                touch_service(fleet, index, effect);
        else if (place == ON_ZONE || place == ON_BORDER)
                fleet->zone_links--;
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): the same */
        if (place == ON_BORDER || way_is_on(effect->kind))
                fleet->way_links--;
        if (takes_memory(effect))
                fleet->leak_links--;
        *at = link->next;
        link->next = fleet->link_free;
        link->effect = NULL;
        fleet->link_free = link;
        if (place == ON_INSTANCE)
                left_instance(fleet, index, effect, on);
        else if (place == ON_SERVICE)
                controller_effect_off(fleet, index, effect);
        if (effect->kind == EFFECT_HEALER_DOWN) {
                fleet->healer_down--;
                channel_host_changed(fleet, false);
        }
        data_effect_left(fleet, place, index, effect);
        if (effect->kind == EFFECT_SURGE) {
                fleet->surge_links--;
                load_surge_changed(fleet, index - fleet->spec->edge_count);
        }
}

void fleet_effect_on_edge(struct fleet *fleet, uint32_t edge, struct effect *effect)
{
        if (is_of_version(effect))
                version_effect_on(fleet, fleet->edges[edge].from, edge, effect);
        else
                attach(fleet, ON_EDGE, edge, effect);
}

void fleet_effect_on_load(struct fleet *fleet, uint32_t load, struct effect *effect)
{
        if (attach(fleet, ON_EDGE, fleet->spec->edge_count + load, effect) == NULL ||
            effect->kind != EFFECT_SURGE)
                return;
        fleet->surge_links++;
        load_surge_changed(fleet, load);
}

bool fleet_effect_on_clients(struct fleet *fleet, uint32_t service, struct effect *effect)
{
        bool any = false;

        for (uint32_t i = 0; i < fleet->spec->load_count; i++) {
                if (fleet->spec->loads[i].to != service)
                        continue;
                fleet_effect_on_load(fleet, i, effect);
                any = true;
        }
        return any;
}

void fleet_effect_on_service(struct fleet *fleet, uint32_t service, struct effect *effect)
{
        if (is_of_version(effect)) {
                version_effect_on(fleet, service, NONE, effect);
                return;
        }
        touch_service(fleet, service, effect);
        if (attach(fleet, ON_SERVICE, service, effect) == NULL)
                return;
        controller_effect_on(fleet, service, effect);
        if (!takes_memory(effect))
                return;
        fleet->leak_links++;
        effect->touched++;
}

void fleet_effect_on_border(struct fleet *fleet, struct effect *effect)
{
        if (attach(fleet, ON_BORDER, 0, effect) == NULL)
                return;
        fleet->zone_links++; /* losses */
        fleet->way_links++;  /* delays */
}

void fleet_effect_on_healer(struct fleet *fleet, struct effect *effect)
{
        bool was_up = fleet->healer_down == 0;

        if (attach(fleet, ON_HEALER, 0, effect) == NULL || effect->kind != EFFECT_HEALER_DOWN)
                return;
        fleet->healer_down++;
        effect->touched++;
        channel_host_changed(fleet, was_up);
}

void fleet_effect_on_zone(struct fleet *fleet, uint32_t zone, struct effect *effect)
{
        if (attach(fleet, ON_ZONE, zone, effect) == NULL)
                return;
        fleet->zone_links++;
        for (uint32_t i = 0; effect->kind == EFFECT_HELD_DOWN && i < fleet->instance_count; i++) {
                if (fleet->instances[i].zone != zone || fleet->instances[i].state == INSTANCE_GONE)
                        continue;
                instance_exit(fleet, i, 137, false, "its zone is out");
                fleet_effect_on_instance(fleet, i, effect);
                effect->touched++;
        }
}

void fleet_effect_on_instance(struct fleet *fleet, uint32_t index, struct effect *effect)
{
        struct instance *instance = &fleet->instances[index];
        struct effect_link *link;

        if (instance->state == INSTANCE_GONE)
                return;
        touch_instance(fleet, index, effect);
        link = attach(fleet, ON_INSTANCE, index, effect);
        if (link == NULL)
                return;
        switch (effect->kind) {
        case EFFECT_LEAK:
        case EFFECT_MEMORY:
                fleet->leak_links++;
                effect->touched++;
                break;
        case EFFECT_HELD_DOWN:
                hold(fleet, index);
                break;
        case EFFECT_HUNG:
                instance->hung++;
                instance_stand_still(fleet, index);
                instance_mood(fleet, index);
                effect->touched++;
                break;
        case EFFECT_ZOMBIE:
                instance->zombies++;
                instance_mood(fleet, index);
                effect->touched++;
                break;
        case EFFECT_CPU:
        case EFFECT_DISK_FILL:
        case EFFECT_THREADS:
        case EFFECT_SLOW_START:
                effect->touched++;
                break;
        case EFFECT_CLOCK:
                fleet->clock_links++;
                if (effect->c == 1)
                        clock_jumped(fleet, index, effect);
                break;
        case EFFECT_LOOP:
                pulse_at(fleet, fleet->now + (int64_t)(effect->a * 1e9), index, effect);
                break;
        case EFFECT_STOP:
        case EFFECT_FLAP:
                pulse(fleet, index, link);
                break;
        default:
                break;
        }
}

/* What makes a process exit by itself is not ended by that. */
static bool survives_exit(const struct effect *effect)
{
        return effect->kind == EFFECT_LOOP || effect->kind == EFFECT_SLOW_START;
}

static void detach_if(struct fleet *fleet, enum effect_place place, uint32_t index,
                      const struct effect *effect, uint32_t layers, bool exited)
{
        struct effect_link **at = target_links(fleet, place, index);

        while (*at != NULL) {
                if ((*at)->effect == effect ||
                    (effect == NULL && (layers & LAYER_BIT((*at)->effect->layer)) &&
                     !(exited && survives_exit((*at)->effect)))) {
                        detach(fleet, at, place, index);
                        /* What went with it may have changed the list: from its head again. */
                        at = target_links(fleet, place, index);
                } else {
                        at = &(*at)->next;
                }
        }
}

static uint32_t place_count(const struct fleet *fleet, enum effect_place place)
{
        switch (place) {
        case ON_EDGE:
                return fleet->edge_count;
        case ON_SERVICE:
                return fleet->service_count;
        case ON_ZONE:
                return fleet->spec->zone_count;
        case ON_HEALER:
        case ON_BORDER:
                return 1;
        case ON_INSTANCE:
        default:
                return fleet->instance_count;
        }
}

void fleet_effect_lift(struct fleet *fleet, struct effect *effect)
{
        if (is_of_version(effect)) {
                version_effect_lift(fleet, effect);
                return;
        }
        for (int place = ON_EDGE; place <= ON_BORDER; place++)
                for (uint32_t i = 0; i < place_count(fleet, (enum effect_place)place); i++)
                        detach_if(fleet, (enum effect_place)place, i, effect, 0, false);
}

static bool has_link(const struct effect_link *link, const struct effect *effect)
{
        while (link != NULL && link->effect != effect)
                link = link->next;
        return link != NULL;
}

uint32_t fleet_effect_count(const struct fleet *fleet, const struct effect *effect)
{
        uint32_t count = 0;

        if (is_of_version(effect))
                return version_effect_attached(fleet, effect);
        for (uint32_t i = 0; i < fleet->edge_count; i++)
                count += has_link(fleet->edges[i].effects, effect);
        for (uint32_t i = 0; i < fleet->instance_count; i++)
                count += has_link(fleet->instances[i].effects, effect);
        for (uint32_t i = 0; i < fleet->service_count; i++)
                count += has_link(fleet->services[i].effects, effect);
        for (uint32_t i = 0; i < fleet->spec->zone_count; i++)
                count += has_link(fleet->zone_effects[i], effect);
        return count;
}

bool fleet_effect_attached(const struct fleet *fleet, const struct effect *effect)
{
        bool found = false;

        if (is_of_version(effect))
                return version_effect_attached(fleet, effect);
        for (uint32_t i = 0; i < fleet->edge_count && !found; i++)
                found = has_link(fleet->edges[i].effects, effect);
        for (uint32_t i = 0; i < fleet->instance_count && !found; i++)
                found = has_link(fleet->instances[i].effects, effect);
        for (uint32_t i = 0; i < fleet->service_count && !found; i++)
                found = has_link(fleet->services[i].effects, effect);
        for (uint32_t i = 0; i < fleet->spec->zone_count && !found; i++)
                found = has_link(fleet->zone_effects[i], effect);
        return found || has_link(fleet->healer_effects, effect) ||
               has_link(fleet->border_effects, effect);
}

void effect_reset_layers(struct fleet *fleet, struct instance *instance, uint32_t layers)
{
        detach_if(fleet, ON_INSTANCE, (uint32_t)(instance - fleet->instances), NULL, layers, false);
}

void effect_reset_on_service(struct fleet *fleet, uint32_t service, uint32_t layers)
{
        detach_if(fleet, ON_SERVICE, service, NULL, layers, false);
        for (uint32_t i = 0; i < fleet->services[service].member_count; i++)
                detach_if(fleet, ON_INSTANCE, fleet->services[service].members[i], NULL, layers, false);
}

void effect_reset_pool(struct fleet *fleet, uint32_t instance, uint32_t edge)
{
        struct effect_link **at = target_links(fleet, ON_INSTANCE, instance);

        while (*at != NULL) {
                const struct effect *effect = (*at)->effect;

                if (effect->layer == LAYER_POOL &&
                    (edge == FLEET_NO_INDEX || effect->edge == FLEET_NO_INDEX || effect->edge == edge))
                        detach(fleet, at, ON_INSTANCE, instance);
                else
                        at = &(*at)->next;
        }
}

void effect_process_exited(struct fleet *fleet, struct instance *instance)
{
        detach_if(fleet, ON_INSTANCE, (uint32_t)(instance - fleet->instances), NULL,
                  LAYER_BIT(LAYER_PROCESS) | LAYER_BIT(LAYER_POOL), true);
}

bool effect_reset_service_layers(struct fleet *fleet, uint32_t service, uint32_t layers)
{
        const struct effect_link *link = fleet->services[service].effects;

        while (link != NULL && !(layers & LAYER_BIT(link->effect->layer)))
                link = link->next;
        detach_if(fleet, ON_SERVICE, service, NULL, layers, false);
        return link != NULL;
}

void effect_reset_service(struct fleet *fleet, uint32_t service)
{
        for (uint32_t i = 0; i < fleet->edge_count; i++)
                if (fleet->edges[i].to == service || fleet->edges[i].from == service)
                        detach_if(fleet, ON_EDGE, i, NULL, UINT32_MAX, false);
        detach_if(fleet, ON_SERVICE, service, NULL, UINT32_MAX, false);
        version_reset_service(fleet, service);
        for (uint32_t i = 0; i < fleet->services[service].member_count; i++) {
                uint32_t member = fleet->services[service].members[i];

                detach_if(fleet, ON_ZONE, fleet->instances[member].zone, NULL, UINT32_MAX, false);
                detach_if(fleet, ON_INSTANCE, member, NULL, UINT32_MAX, false);
        }
}

/* Effects that come and go are in force in their good part too. */
static uint32_t links_on(const struct effect_link *link, enum effect_kind kind)
{
        uint32_t count = 0;

        for (; link != NULL; link = link->next)
                count += link->on && link->effect->kind == kind;
        return count;
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
        uint32_t held = 0, states = 0;

        for (uint32_t i = 0; i < fleet->edge_count; i++)
                digest = digest_links(digest, hash_mix(1, i), fleet->edges[i].effects);
        for (uint32_t i = 0; i < fleet->instance_count; i++) {
                const struct instance *instance = &fleet->instances[i];

                digest = digest_links(digest, hash_mix(2, i), instance->effects);
                held += instance->held_down - links_on(instance->effects, EFFECT_FLAP);
                states += instance->hung + instance->zombies + instance->stopped -
                          links_on(instance->effects, EFFECT_STOP);
        }
        for (uint32_t i = 0; i < fleet->service_count; i++)
                digest = digest_links(digest, hash_mix(3, i), fleet->services[i].effects);
        for (uint32_t i = 0; i < fleet->spec->zone_count; i++)
                digest = digest_links(digest, hash_mix(4, i), fleet->zone_effects[i]);
        digest = digest_links(digest, hash_mix(5, fleet->healer_down), fleet->healer_effects);
        digest = digest_links(digest, hash_mix(6, fleet->way_links), fleet->border_effects);
        if (states + fleet->zone_links + fleet->surge_links > 0)
                digest = hash_mix(digest, hash_mix(states, hash_mix(fleet->zone_links,
                                                                    fleet->surge_links)));
        if (fleet->clock_links > 0)
                digest = hash_mix(digest, fleet->clock_links);
        digest = version_digest(fleet, digest);
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

uint32_t fleet_load_count(const struct fleet *fleet)
{
        return fleet->spec->load_count;
}

uint32_t fleet_load_service(const struct fleet *fleet, uint32_t load)
{
        return fleet->spec->loads[load].to;
}

uint32_t fleet_service_caller(const struct fleet *fleet, uint32_t service, uint32_t n)
{
        for (uint32_t s = 0; s < fleet->service_count; s++)
                for (uint32_t i = 0; i < fleet->spec->edge_count; i++)
                        if (fleet->edges[i].from == s && fleet->edges[i].to == service) {
                                if (n-- == 0)
                                        return s;
                                break;
                        }
        return FLEET_NO_INDEX;
}

void fleet_schedule_fault(struct fleet *fleet, int64_t at_ns, uint64_t ident,
                          void (*fn)(void *user, uint32_t index), void *user, uint32_t index)
{
        fleet_schedule(fleet, at_ns, hash_mix(0x434153u, ident), fn, user, index);
}
