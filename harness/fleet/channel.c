/* channel.c - what faults do to the healer's side of the fleet.
 *
 * Between fleet and healer lie the channel that carries samples and events, the
 * actuators that carry out orders, and the host that the healer runs on. Effects
 * on them stand in one list of the fleet (ON_HEALER), each for one service's
 * telemetry or for all. No request is ever touched: an arm without a healer goes
 * on byte for byte as it would.
 *
 * A sample is tampered with in a fixed order: decoys raise what is measured,
 * noise spreads it, lies replace it. Chance is keyed by target and interval.
 *
 * Not here: the declared loss, noise and delay of the channel (telemetry.c, and
 * the run for the delay), and what a healer makes of it.
 */
#include <math.h>

#include "harness/base/detmath.h"
#include "harness/fleet/model.h"

static bool is_about(const struct effect *effect, uint32_t service)
{
        return effect->service == FLEET_NO_INDEX || effect->service == service;
}

/* Whether an effect with the share `a` hits what is named so; told and counted. */
static bool hits(struct fleet *fleet, struct effect *effect, uint64_t identity, uint32_t index)
{
        struct rng_block block = rng_draw(fleet->key, hash_mix(identity, effect->stream), RNG_FAULT,
                                          index);
        bool hit = rng_u01(block.word[0]) <
                   effect->a * effect->probability * effect_scale(fleet, effect);

        effect->measured_count++;
        effect->measured_sum += hit;
        effect->touched += hit;
        return hit;
}

/* ---- samples and events */

uint32_t fleet_edge_reporter(const struct fleet *fleet, uint32_t edge)
{
        return fleet->edges[edge].from == NONE ? fleet->edges[edge].to : fleet->edges[edge].from;
}

bool channel_drops(struct fleet *fleet, uint32_t service, uint64_t identity, uint32_t index)
{
        bool dropped = false;

        for (struct effect_link *link = fleet->healer_effects; link != NULL; link = link->next)
                if (link->effect->kind == EFFECT_TELEMETRY_DROP && is_about(link->effect, service))
                        dropped = hits(fleet, link->effect, identity, index) || dropped;
        return dropped;
}

static double *ratio_of(struct instance_sample *sample, enum channel_metric metric)
{
        switch (metric) {
        case CHANNEL_CPU:
                return &sample->cpu_ratio;
        case CHANNEL_MEMORY:
                return &sample->memory_ratio;
        case CHANNEL_DISK:
                return &sample->disk_ratio;
        case CHANNEL_FDS:
                return &sample->fd_ratio;
        case CHANNEL_POOL:
                return &sample->pool_ratio;
        case CHANNEL_TOKENS:
                return &sample->token_ratio;
        case CHANNEL_ERROR_RATE:
        case CHANNEL_METRIC_COUNT:
        default:
                return &sample->error_ratio;
        }
}

/* The reading rises from what it is since the fault or the process began,
 * whichever is later, as a leak's would; and stops. */
static void decoy(struct fleet *fleet, struct effect *effect, struct instance_sample *sample)
{
        const struct instance *instance = &fleet->instances[sample->instance];
        int64_t from_ns = instance->up_since_ns > effect->ramp_from_ns ? instance->up_since_ns
                                                                       : effect->ramp_from_ns;
        double *value = ratio_of(sample, (enum channel_metric)effect->c);
        double risen;

        if (isnan(*value))
                return;
        risen = *value + effect->a * (double)(fleet->now - from_ns) * 1e-9;
        if (risen > effect->b)
                risen = effect->b;
        if (!(risen > *value))
                return;
        effect->touched++;
        effect->measured_sum += risen - *value;
        effect->measured_count++;
        *value = risen;
}

struct noise {
        struct fleet *fleet;
        struct effect *effect;
        uint64_t identity;
        uint32_t index, draw;
        bool touched;
};

static void blur(struct noise *noise, double *value, bool ratio)
{
        struct rng_block block = rng_draw(noise->fleet->key,
                                          hash_mix(hash_mix(noise->identity, noise->index),
                                                   noise->effect->stream),
                                          RNG_TELEMETRY, noise->draw++);
        double factor = 1 + noise->effect->a * effect_scale(noise->fleet, noise->effect) *
                                    det_probit(rng_u01(block.word[0]));

        if (isnan(*value) || *value == 0 || noise->effect->a == 0)
                return;
        factor = factor > 0 ? factor : 0;
        *value *= factor;
        if (ratio && *value > 1)
                *value = 1;
        noise->touched = true;
        noise->effect->measured_sum += fabs(factor - 1);
        noise->effect->measured_count++;
}

static void blur_instance(struct noise *noise, struct instance_sample *sample)
{
        for (int metric = 0; metric < CHANNEL_METRIC_COUNT; metric++)
                blur(noise, ratio_of(sample, (enum channel_metric)metric), true);
        blur(noise, &sample->queue_depth, false);
        blur(noise, &sample->throughput_per_s, false);
        blur(noise, &sample->latency_p50_s, false);
        blur(noise, &sample->latency_p95_s, false);
        blur(noise, &sample->latency_p99_s, false);
        blur(noise, &sample->connection_failures, false);
        noise->effect->touched += noise->touched;
}

/* What nobody measures is not lied about either. */
static bool lie(const struct effect *effect, double *value)
{
        if (isnan(*value))
                return false;
        *value = effect->b;
        return true;
}

static void lie_instance(struct effect *effect, struct instance_sample *sample)
{
        bool lied = false;

        for (uint32_t metric = 0; metric < CHANNEL_METRIC_COUNT; metric++)
                if (effect->c == CHANNEL_ALL || effect->c == metric)
                        lied = lie(effect, ratio_of(sample, (enum channel_metric)metric)) || lied;
        effect->touched += lied;
        effect->measured_sum += lied ? effect->b : 0;
        effect->measured_count += lied;
}

void channel_tampers_instance(struct fleet *fleet, struct instance_sample *sample, uint64_t identity,
                              uint32_t index)
{
        static const enum effect_kind order[] = {EFFECT_DECOY, EFFECT_TELEMETRY_NOISE,
                                                 EFFECT_TELEMETRY_LIE};

        for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
                for (struct effect_link *link = fleet->healer_effects; link != NULL;
                     link = link->next) {
                        struct effect *effect = link->effect;
                        struct noise noise = {fleet, effect, identity, index, 0, false};

                        if (effect->kind != order[i] || !is_about(effect, sample->service))
                                continue;
                        if (effect->kind == EFFECT_DECOY)
                                decoy(fleet, effect, sample);
                        else if (effect->kind == EFFECT_TELEMETRY_NOISE)
                                blur_instance(&noise, sample);
                        else
                                lie_instance(effect, sample);
                }
}

void channel_tampers_edge(struct fleet *fleet, struct edge_sample *sample, uint64_t identity,
                          uint32_t index)
{
        uint32_t service = fleet_edge_reporter(fleet, sample->edge);

        for (struct effect_link *link = fleet->healer_effects; link != NULL; link = link->next) {
                struct effect *effect = link->effect;
                struct noise noise = {fleet, effect, identity, index, 0, false};

                if (effect->kind != EFFECT_TELEMETRY_NOISE || !is_about(effect, service))
                        continue;
                blur(&noise, &sample->error_ratio, true);
                blur(&noise, &sample->timeout_ratio, true);
                blur(&noise, &sample->latency_p50_s, false);
                blur(&noise, &sample->latency_p95_s, false);
                blur(&noise, &sample->latency_p99_s, false);
                effect->touched += noise.touched;
        }
        for (struct effect_link *link = fleet->healer_effects; link != NULL; link = link->next) {
                struct effect *effect = link->effect;
                bool lied;

                if (effect->kind != EFFECT_TELEMETRY_LIE || !is_about(effect, service) ||
                    (effect->c != CHANNEL_ALL && effect->c != CHANNEL_ERROR_RATE))
                        continue;
                lied = lie(effect, &sample->error_ratio);
                effect->touched += lied;
                effect->measured_sum += lied ? effect->b : 0;
                effect->measured_count += lied;
        }
}

int64_t fleet_telemetry_delay_ns(struct fleet *fleet, uint32_t service)
{
        int64_t delay_ns = fleet->spec->telemetry.delay_ns;

        for (struct effect_link *link = fleet->healer_effects; link != NULL; link = link->next) {
                struct effect *effect = link->effect;
                double late_s;

                if (effect->kind != EFFECT_TELEMETRY_DELAY || !is_about(effect, service))
                        continue;
                late_s = effect->a * effect_scale(fleet, effect);
                if (late_s <= 0)
                        continue;
                delay_ns += (int64_t)(late_s * 1e9);
                effect->touched++;
                effect->measured_sum += late_s;
                effect->measured_count++;
        }
        return delay_ns;
}

bool fleet_telemetry_delay_varies(const struct fleet *fleet)
{
        for (struct effect_link *link = fleet->healer_effects; link != NULL; link = link->next)
                if (link->effect->kind == EFFECT_TELEMETRY_DELAY)
                        return true;
        return false;
}

/* ---- the line itself */

/* Whether an effect takes this message: the chance of its number, one after another. */
static bool takes_message(struct fleet *fleet, struct effect *effect)
{
        uint64_t number = effect->messages++;
        bool taken = effect->probability >= 1 ||
                     rng_u01(rng_draw(fleet->key, effect->stream + (number >> 32), RNG_NETWORK,
                                      (uint32_t)number)
                                     .word[0]) < effect->probability;

        effect->touched += taken;
        effect->measured_sum += taken;
        effect->measured_count++;
        return taken;
}

static bool line_is_cut(struct fleet *fleet, enum effect_kind kind)
{
        bool cut = false;

        for (struct effect_link *link = fleet->healer_effects; link != NULL; link = link->next)
                if (link->effect->kind == kind)
                        cut = takes_message(fleet, link->effect) || cut;
        return cut;
}

bool fleet_healer_hears(struct fleet *fleet)
{
        return !line_is_cut(fleet, EFFECT_HEALER_DEAF);
}

bool fleet_healer_is_heard(struct fleet *fleet)
{
        return !line_is_cut(fleet, EFFECT_HEALER_MUTE);
}

void channel_host_changed(struct fleet *fleet, bool was_up)
{
        bool up = fleet->healer_down == 0;

        if (up != was_up && fleet->options.host.healer_host != NULL)
                fleet->options.host.healer_host(fleet->options.host.user, up);
}

bool fleet_instance_is_silent(const struct fleet *fleet, uint32_t instance)
{
        return !fleet->instances[instance].beating;
}

/* ---- actuators */

int64_t fleet_actuator_time_ns(struct fleet *fleet, enum fleet_action_kind kind)
{
        int64_t time_ns = fleet->spec->actuators[kind].time_ns;
        double factor = 1;

        for (struct effect_link *link = fleet->healer_effects; link != NULL; link = link->next) {
                struct effect *effect = link->effect;

                if (effect->kind != EFFECT_ACTUATOR_SLOW ||
                    (effect->c != CHANNEL_ALL && effect->c != (uint32_t)kind) || effect->a == 1)
                        continue;
                factor *= 1 + (effect->a - 1) * effect_scale(fleet, effect);
                effect->touched++;
                effect->measured_sum += effect->a;
                effect->measured_count++;
        }
        return factor == 1 ? time_ns : (int64_t)((double)time_ns * factor);
}

/* One draw for all causes: the same chance in arms that order the same. */
bool fleet_actuator_fails(struct fleet *fleet, const struct fleet_action *action)
{
        uint64_t target = action->instance == FLEET_NO_INDEX
                                  ? fleet->services[action->service].name_hash
                                  : hash_text(fleet->instances[action->instance].name);
        uint64_t identity = hash_mix(target, (uint64_t)action->kind);
        uint32_t second = (uint32_t)((uint64_t)(fleet->now - fleet->start_ns) / NS_PER_S);
        double rate = fleet->spec->actuators[action->kind].failure_rate;
        bool fails = rate > 0 && rng_u01(rng_draw(fleet->key, identity, RNG_ACTUATOR, second)
                                                 .word[0]) < rate;

        for (struct effect_link *link = fleet->healer_effects; link != NULL; link = link->next) {
                struct effect *effect = link->effect;

                if (effect->kind == EFFECT_ACTUATOR_FAIL &&
                    (effect->c == CHANNEL_ALL || effect->c == (uint32_t)action->kind))
                        fails = hits(fleet, effect, identity, second) || fails;
        }
        return fails;
}
