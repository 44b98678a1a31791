/* data_reader.c - the data layer of a service: cache, database or queue; descriptors.
 *
 * A cache's misses go over the declared call to its backend, with the timeout and
 * the pool that this has; where none is declared one is made, before the others,
 * for a cache is asked first. Topology and telemetry show it like any other.
 *
 * Also here: what a kind of fault needs to find at its target.
 */
#include "harness/scenario/loader.h"

#include <string.h>

#include "harness/sim/time.h"

enum { DESCRIPTORS_MAX = 100000000, MESSAGES_MAX = 8000000, REPLICAS_MAX = 9999 };

void load_fds(struct read_object *service, struct service_spec *out)
{
        struct read_object o;

        if (!read_child_begin(service, "fds", READ_OPTIONAL, &o))
                return;
        out->fd_per_call = 1;
        read_count(&o, "limit", READ_REQUIRED, 1, DESCRIPTORS_MAX, &out->fd_limit);
        if (read_count(&o, "per_call", READ_OPTIONAL, 1, DESCRIPTORS_MAX, &out->fd_per_call) &&
            out->fd_limit > 0 && out->fd_per_call > out->fd_limit)
                read_error(o.ctx, read_path(&o, "per_call"),
                           "above the limit: no request could be served");
        read_object_end(&o);
}

/* The edge over which misses go: a declared one, or a new first one. */
static void backend_edge(struct read_object *cache, uint32_t index, uint32_t backend,
                         struct fleet_spec *fleet, struct edge_spec *edges, struct service_spec *out)
{
        uint32_t at = out->edge_first;

        while (at < fleet->edge_count && edges[at].to != backend)
                at++;
        out->cache.edge = at;
        if (at < fleet->edge_count || fleet->edge_count == EDGES_MAX)
                return;
        out->cache.edge = out->edge_first;
        memmove(&edges[out->edge_first + 1], &edges[out->edge_first],
                out->edge_count * sizeof(*edges));
        edges[out->edge_first] = (struct edge_spec){
                .from = index,
                .to = backend,
                .probability = 1,
                .count = 1,
                .timeout_ns = TIME_NEVER,
                .retry = {0, 50 * NS_PER_MS, 2, NS_PER_S, 0.1, -1},
                .fallback_quality = 1,
                .name = arena_printf(cache->ctx->session->arena, "%s->%s",
                                     fleet->services[index].name, fleet->services[backend].name),
        };
        out->edge_count++;
        fleet->edge_count++;
}

static void load_cache(struct read_object *data, uint32_t index, struct fleet_spec *fleet,
                       struct edge_spec *edges, struct service_spec *out)
{
        struct read_object o;
        uint32_t backend;

        if (!read_child_begin(data, "cache", READ_OPTIONAL, &o))
                return;
        out->data = DATA_CACHE;
        out->cache.edge = out->edge_first;
        read_ratio(&o, "hit_ratio", READ_REQUIRED, 0, 1, &out->cache.hit_ratio);
        read_duration(&o, "warm_up", READ_OPTIONAL, 0, 24 * NS_PER_HOUR, &out->cache.warm_up_ns);
        if (read_service(&o, "backend", READ_REQUIRED, fleet, &backend)) {
                if (backend == index)
                        read_error(o.ctx, read_path(&o, "backend"), "a cache in front of itself");
                else if (fleet->services[index].name != NULL)
                        backend_edge(&o, index, backend, fleet, edges, out);
        }
        read_object_end(&o);
}

static void load_database(struct read_object *data, bool has_instances, struct service_spec *out)
{
        struct read_object o;
        uint32_t replicas;

        if (!read_child_begin(data, "database", READ_OPTIONAL, &o))
                return;
        out->data = DATA_DATABASE;
        out->database.read_share = 0.8;
        if (read_count(&o, "replicas", READ_OPTIONAL, 0, REPLICAS_MAX, &replicas)) {
                if (has_instances && replicas + 1 != out->instance_count)
                        read_error(o.ctx, read_path(&o, "replicas"),
                                   "a leader and %u replicas are not the %u instances", replicas,
                                   out->instance_count);
                out->instance_count = replicas + 1;
        }
        read_duration(&o, "lag", READ_OPTIONAL, 0, 24 * NS_PER_HOUR, &out->database.lag_ns);
        read_ratio(&o, "read_share", READ_OPTIONAL, 0, 1, &out->database.read_share);
        read_ratio(&o, "lock_share", READ_OPTIONAL, 0, 1, &out->database.lock_share);
        read_object_end(&o);
}

/* Waiting places and their discipline are the message queue's, which has `max`. */
static void refuse_places(struct read_object *service)
{
        static const char *const keys[] = {"queue", "discipline"};

        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
                if (read_has(service, keys[i]))
                        read_error(service->ctx, read_path(service, keys[i]),
                                   "without effect where messages wait in data.queue, which has "
                                   "'max' and 'order'");
}

static void load_messages(struct read_object *service, struct read_object *data,
                          struct service_spec *out)
{
        struct read_object o;
        const json_t *max;

        if (!read_child_begin(data, "queue", READ_OPTIONAL, &o))
                return;
        out->data = DATA_QUEUE;
        out->messages.redelivery_ns = 5 * NS_PER_S;
        out->messages.max = QUEUE_UNBOUNDED;
        read_bool(&o, "order", READ_OPTIONAL, &out->messages.ordered);
        read_duration(&o, "redelivery", READ_OPTIONAL, 0, 24 * NS_PER_HOUR,
                      &out->messages.redelivery_ns);
        max = read_any(&o, "max", READ_OPTIONAL);
        if (json_is_string(max) && strcmp(json_string_value(max), "unbounded") != 0)
                read_error(o.ctx, read_path(&o, "max"),
                           "a whole number or \"unbounded\" is wanted");
        else if (max != NULL && !json_is_string(max))
                read_count_at(o.ctx, max, read_path(&o, "max"), 1, MESSAGES_MAX,
                              &out->messages.max);
        refuse_places(service);
        read_object_end(&o);
}

void load_data(struct read_object *service, uint32_t index, struct fleet_spec *fleet,
               struct edge_spec *edges, struct service_spec *out)
{
        struct read_object o;
        int kinds;

        if (!read_child_begin(service, "data", READ_OPTIONAL, &o))
                return;
        kinds = read_has(&o, "cache") + read_has(&o, "database") + read_has(&o, "queue");
        if (kinds != 1)
                read_error(o.ctx, o.path, "exactly one of cache, database and queue is wanted");
        load_cache(&o, index, fleet, edges, out);
        load_database(&o, read_has(service, "instances"), out);
        load_messages(service, &o, out);
        read_object_end(&o);
}

/* ---- what faults need */

static bool has_pool(const struct fleet_spec *fleet, const struct service_spec *service)
{
        for (uint32_t i = 0; i < service->edge_count; i++)
                if (fleet->edges[service->edge_first + i].pool > 0)
                        return true;
        return false;
}

static const char needs_pool[] = "a 'pool' of connections";

/* NULL, or what is missing at the target. */
static const char *missing(const struct fault_ops *fault, const struct fleet_spec *fleet,
                           const struct target_spec *target)
{
        const struct service_spec *service;

        if (target->kind == TARGET_EDGE)
                return fault->needs != FAULT_NEEDS_POOL || fleet->edges[target->edge].pool > 0
                               ? NULL
                               : needs_pool;
        service = &fleet->services[target->service];
        switch (fault->needs) {
        case FAULT_NEEDS_FDS:
                return service->fd_limit > 0 ? NULL : "'fds'";
        case FAULT_NEEDS_POOL:
                return has_pool(fleet, service) ? NULL : needs_pool;
        case FAULT_NEEDS_CACHE:
                return service->data == DATA_CACHE ? NULL : "'data.cache'";
        case FAULT_NEEDS_DATABASE:
                return service->data == DATA_DATABASE ? NULL : "'data.database'";
        case FAULT_NEEDS_REPLICA:
                return service->data == DATA_DATABASE && service->instance_count > 1
                               ? NULL
                               : "'data.database' with a replica";
        case FAULT_NEEDS_QUEUE:
                return service->data == DATA_QUEUE ? NULL : "'data.queue'";
        case FAULT_NEEDS_DISK:
                return target->kind != TARGET_RANDOM || service->disk.size_bytes > 0 ? NULL : "a 'disk'";
        case FAULT_NEEDS_NOTHING:
        default:
                return NULL;
        }
}

/* Every service that may be drawn has to have it: a draw that does nothing would
 * be a seed without a fault. */
static void check_drawn(struct read_context *ctx, const char *path, const struct fault_ops *fault,
                        const struct fleet_spec *fleet, const struct target_spec *target)
{
        for (uint32_t i = 0; i < target->drawn_from_count; i++) {
                struct target_spec one = {.kind = TARGET_RANDOM, .service = target->drawn_from[i].service};
                const char *what = missing(fault, fleet, &one);

                if (what == NULL)
                        continue;
                read_error(ctx, path, "'%s' needs %s there, and '%s' may be drawn and has none ('of' and "
                                      "'exclude' say who may)",
                           fault->name, what, fleet->services[one.service].name);
                return;
        }
}

bool service_has_what_it_needs(const struct fault_ops *fault, const struct fleet_spec *fleet,
                               uint32_t service)
{
        struct target_spec one = {.kind = TARGET_RANDOM, .service = service};

        return missing(fault, fleet, &one) == NULL;
}

void check_fault_needs(struct read_context *ctx, const char *path, const struct fault_ops *fault,
                       const struct fleet_spec *fleet, const struct target_spec *target)
{
        const char *what;

        if (fault->needs == FAULT_NEEDS_NOTHING || read_failed(ctx->session))
                return;
        if (target->kind == TARGET_RANDOM) {
                check_drawn(ctx, path, fault, fleet, target);
                return;
        }
        what = missing(fault, fleet, target);
        if (what != NULL)
                read_error(ctx, path, "'%s' needs %s there", fault->name, what);
}
