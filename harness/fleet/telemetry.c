/* telemetry.c - what a monitor sees, once an interval.
 *
 * Counters of the interval become samples; loss and noise belong to the
 * channel and have streams of their own, by target and interval.
 */
#include <math.h>
#include <string.h>

#include "harness/base/detmath.h"
#include "harness/fleet/data_layer.h"
#include "harness/fleet/model.h"

const char *const fleet_event_names[FLEET_EVENT_KIND_COUNT] = {
        "heartbeat_missed",    "heartbeat_back", "process_exited", "process_started",
        "deployment_started",  "deployment_finished", "config_changed", "health_check",
        "error_message",       "instance_added", "instance_removed",
};

void instance_cpu_add(struct fleet *fleet, struct instance *instance)
{
        const struct service *service = &fleet->services[instance->service];
        double cores = instance_cores(service, instance), demand;

        demand = instance->batch_load;
        if (instance->stopped == 0)
                demand += instance->working * service->spec->cpu_share;
        if (instance_has_effects(fleet, instance))
                demand += effect_cpu_seen(fleet, instance) * cores;
        if (demand > cores)
                demand = cores;
        instance->cpu_area_s += demand * (double)(fleet->now - instance->cpu_at_ns) * 1e-9;
        instance->cpu_at_ns = fleet->now;
}

double instance_cpu_ratio(struct fleet *fleet, const struct instance *instance)
{
        const struct service *service = &fleet->services[instance->service];
        double cores = instance_cores(service, instance), demand = instance->batch_load;

        if (instance->state == INSTANCE_DOWN || instance->state == INSTANCE_BOOTING)
                return 0;
        if (instance->stopped == 0)
                demand += instance->working * service->spec->cpu_share;
        if (instance_has_effects(fleet, instance))
                demand += effect_cpu_seen(fleet, instance) * cores;
        return demand < cores ? demand / cores : 1;
}

/* Noise on every value of one sample: factors around 1. */
struct channel {
        struct fleet *fleet;
        uint64_t identity;
        uint32_t index, draw;
};

static double seen(struct channel *channel, double value)
{
        double cv = channel->fleet->spec->telemetry.noise_cv;
        struct rng_block block;
        double factor;

        if (cv <= 0 || isnan(value))
                return value;
        block = rng_draw(channel->fleet->key, hash_mix(channel->identity, channel->index),
                         RNG_TELEMETRY, 1 + channel->draw++);
        factor = 1.0 + cv * det_probit(rng_u01(block.word[0]));
        return factor > 0 ? value * factor : 0;
}

static bool lost(const struct channel *channel, uint32_t service)
{
        double loss = channel->fleet->spec->telemetry.loss;

        if (channel->fleet->healer_effects != NULL &&
            channel_drops(channel->fleet, service, channel->identity, channel->index))
                return true;
        if (loss <= 0)
                return false;
        return rng_u01(rng_draw(channel->fleet->key, hash_mix(channel->identity, channel->index),
                                RNG_TELEMETRY, 0)
                               .word[0]) < loss;
}

static double ratio(uint64_t part, uint64_t all)
{
        return all == 0 ? NAN : (double)part / (double)all;
}

static double capped(double share)
{
        return share > 1.0 ? 1.0 : share;
}

/* Of messages every consumer sees its part. */
static double queue_depth(const struct fleet *fleet, const struct service *service, uint32_t index)
{
        if (service->messages == NULL)
                return fleet->instances[index].queue.length + lane_waiting(fleet, index) +
                       relay_waiting(fleet, index);
        return (double)messages_depth(service->messages) / (service->up > 0 ? service->up : 1);
}

static bool has_pool(const struct fleet *fleet, const struct service_spec *spec)
{
        for (uint32_t i = 0; i < spec->edge_count; i++)
                if (fleet->spec->edges[spec->edge_first + i].pool > 0)
                        return true;
        return false;
}

static void sample_instance(struct fleet *fleet, uint32_t index, double seconds,
                            struct channel *channel, struct instance_sample *out)
{
        struct instance *instance = &fleet->instances[index];
        struct service *service = &fleet->services[instance->service];
        double answers = (double)instance->answers;

        *out = (struct instance_sample){
                .instance = index,
                .service = instance->service,
                .cpu_ratio = capped(seen(channel, instance->cpu_area_s / (seconds * instance_cores(service, instance)))),
                .memory_ratio = NAN,
                .disk_ratio = seen(channel, stock_disk_ratio(fleet, index)),
                .fd_ratio = NAN,
                .pool_ratio = NAN,
                .token_ratio = seen(channel, stock_token_ratio(fleet, index)),
                .queue_depth = seen(channel, queue_depth(fleet, service, index)),
                .throughput_per_s = seen(channel, answers / seconds),
                .error_ratio = capped(seen(channel, ratio(instance->errors, instance->answers))),
                .latency_p50_s = seen(channel, sketch_quantile_s(instance->sketch, 0.50)),
                .latency_p95_s = seen(channel, sketch_quantile_s(instance->sketch, 0.95)),
                .latency_p99_s = seen(channel, sketch_quantile_s(instance->sketch, 0.99)),
                .connection_failures = seen(channel, instance->refused),
                .requests = instance->requests,
        };
        if (service->memory_limit_bytes > 0)
                out->memory_ratio = seen(channel, instance_memory_bytes(fleet, instance) /
                                                          instance_memory_limit(service, instance));
        if (instance->holdings == NULL)
                return;
        if (service->spec->fd_limit > 0)
                out->fd_ratio = capped(seen(channel, descriptors_ratio(fleet, instance)));
        if (has_pool(fleet, service->spec))
                out->pool_ratio = capped(seen(channel, pools_ratio(fleet, instance)));
}

static void instance_interval_reset(struct instance *instance)
{
        instance->cpu_area_s = 0;
        instance->answers = 0;
        instance->errors = 0;
        instance->refused = 0;
        memset(instance->sketch, 0, sizeof(*instance->sketch));
}

static size_t sample_instances(struct fleet *fleet, double seconds, uint32_t interval)
{
        size_t count = 0;

        if (fleet->sample_capacity < fleet->instance_count) {
                struct instance_sample *bigger =
                        realloc(fleet->samples, fleet->instance_count * sizeof(*bigger));

                if (bigger == NULL) {
                        fleet_break(fleet, "out of memory");
                        return 0;
                }
                fleet->samples = bigger;
                fleet->sample_capacity = fleet->instance_count;
        }
        for (uint32_t i = 0; i < fleet->instance_count; i++) {
                struct instance *instance = &fleet->instances[i];
                struct channel channel = {fleet, hash_text(instance->name), interval, 0};

                if (instance->state == INSTANCE_GONE)
                        continue;
                instance_cpu_touch(fleet, instance);
                /* A dead or stuck process reports nothing. */
                if (instance->state != INSTANCE_DOWN && instance->state != INSTANCE_BOOTING &&
                    instance->state != INSTANCE_HUNG && !lost(&channel, instance->service)) {
                        sample_instance(fleet, i, seconds, &channel, &fleet->samples[count]);
                        if (fleet->healer_effects != NULL)
                                channel_tampers_instance(fleet, &fleet->samples[count],
                                                         channel.identity, interval);
                        count++;
                }
                instance_interval_reset(instance);
        }
        return count;
}

static size_t sample_edges(struct fleet *fleet, uint32_t interval)
{
        size_t count = 0;

        for (uint32_t i = 0; i < fleet->edge_count; i++) {
                struct edge *edge = &fleet->edges[i];
                struct channel channel = {fleet, edge->name_hash, interval, 0};

                if (edge->calls > 0 && !lost(&channel, fleet_edge_reporter(fleet, i))) {
                        fleet->edge_samples[count] = (struct edge_sample){
                                .edge = i,
                                .calls = edge->calls,
                                .error_ratio = capped(seen(&channel, ratio(edge->failures, edge->calls))),
                                .timeout_ratio = capped(seen(&channel, ratio(edge->timeouts, edge->calls))),
                                .latency_p50_s = seen(&channel, sketch_quantile_s(&edge->sketch, 0.50)),
                                .latency_p95_s = seen(&channel, sketch_quantile_s(&edge->sketch, 0.95)),
                                .latency_p99_s = seen(&channel, sketch_quantile_s(&edge->sketch, 0.99)),
                        };
                        if (fleet->healer_effects != NULL)
                                channel_tampers_edge(fleet, &fleet->edge_samples[count],
                                                     channel.identity, interval);
                        count++;
                }
                edge->calls = 0;
                edge->failures = 0;
                edge->timeouts = 0;
                memset(&edge->sketch, 0, sizeof(edge->sketch));
        }
        return count;
}

void telemetry_interval_end(struct fleet *fleet)
{
        struct telemetry_batch batch = {.from_ns = fleet->telemetry_from_ns, .to_ns = fleet->now};
        double seconds = (double)(batch.to_ns - batch.from_ns) * 1e-9;
        uint32_t interval = (uint32_t)((uint64_t)(fleet->now - fleet->start_ns) / NS_PER_S);

        batch.instance_count = sample_instances(fleet, seconds, interval);
        batch.instances = fleet->samples;
        batch.edge_count = sample_edges(fleet, interval);
        batch.edges = fleet->edge_samples;
        fleet->telemetry_from_ns = fleet->now;
        if (fleet->options.host.telemetry != NULL)
                fleet->options.host.telemetry(fleet->options.host.user, &batch);
        event_queue_push(&fleet->queue,
                         fleet->now + (fleet->now < fleet->detail_until_ns
                                               ? fleet->spec->telemetry.detail_interval_ns
                                               : fleet->spec->telemetry.interval_ns),
                         2, event_payload(EV_TELEMETRY, 0, 0));
}

bool telemetry_init(struct fleet *fleet)
{
        if (!fleet->options.telemetry)
                return true;
        fleet->edge_samples = ARENA_ARRAY(&fleet->arena, struct edge_sample, fleet->edge_count);
        fleet->telemetry_from_ns = fleet->start_ns;
        event_queue_push(&fleet->queue, fleet->start_ns + fleet->spec->telemetry.interval_ns, 2,
                         event_payload(EV_TELEMETRY, 0, 0));
        return fleet->edge_samples != NULL;
}
