/* service_reader.c - services and the calls between them.
 *
 * Two passes: names first, so that a call may go to a service further down,
 * then everything else. Edges of all services end up in one array, grouped by
 * caller in the order of the file.
 *
 * Not here: whether the calls come to an end (call_graph.c).
 */
#include "harness/scenario/loader.h"

#include <string.h>

#include "harness/sim/time.h"

enum {
        INSTANCES_MAX = 10000,
        INSTANCES_TOTAL_MAX = 100000,
        WORKERS_MAX = 100000,
        QUEUE_MAX = 10000000,
        CONNECTIONS_MAX = 1000000,
        CALLS_MAX = 256,
        RETRIES_MAX = 1000,
};

#define SIZE_LIMIT_BYTES ((int64_t)1 << 50)

static const char *const discipline_names[] = {"fifo", "lifo", "codel", NULL};
static const char *const hold_names[] = {"call", "work", NULL};
static const char *const mode_names[] = {"sequential", "parallel", NULL};
const char *const balancing_names[] = {"round_robin", "random", "least_outstanding",
                                              "power_of_two", NULL};
static const char *const fallback_names[] = {"none", "static", "cached", NULL};
static const char *const supervisor_names[] = {"always", "never", NULL};

void read_retries(struct read_object *object, const char *key, struct retry_spec *out)
{
        struct read_object o, backoff;

        *out = (struct retry_spec){
                .initial_ns = 50 * NS_PER_MS,
                .factor = 2,
                .max_delay_ns = NS_PER_S,
                .jitter = 0.1,
                .budget = -1,
        };
        if (!read_child_begin(object, key, READ_OPTIONAL, &o))
                return;
        read_count(&o, "max", READ_REQUIRED, 0, RETRIES_MAX, &out->max);
        read_ratio(&o, "budget", READ_OPTIONAL, 0, 1000, &out->budget);
        if (read_child_begin(&o, "backoff", READ_OPTIONAL, &backoff)) {
                read_duration(&backoff, "initial", READ_OPTIONAL, 0, NS_PER_HOUR, &out->initial_ns);
                read_number(&backoff, "factor", READ_OPTIONAL, 1, 1000, &out->factor);
                if (out->max_delay_ns < out->initial_ns)
                        out->max_delay_ns = out->initial_ns;
                if (read_duration(&backoff, "max", READ_OPTIONAL, 0, 24 * NS_PER_HOUR,
                                  &out->max_delay_ns) &&
                    out->max_delay_ns < out->initial_ns)
                        read_error(backoff.ctx, read_path(&backoff, "max"),
                                   "below the initial delay");
                read_ratio(&backoff, "jitter", READ_OPTIONAL, 0, 1, &out->jitter);
                read_object_end(&backoff);
        }
        read_object_end(&o);
}

static void load_edge_fallback(struct read_object *call, struct edge_spec *out)
{
        struct read_object o;
        uint32_t kind = FALLBACK_NONE;

        out->fallback_quality = 1;
        if (!read_child_begin(call, "fallback", READ_OPTIONAL, &o))
                return;
        if (read_choice(&o, "kind", READ_REQUIRED, fallback_names, &kind))
                out->fallback = (enum fleet_fallback_kind)kind;
        read_ratio(&o, "quality", kind == FALLBACK_NONE ? READ_OPTIONAL : READ_REQUIRED, 0, 1,
                   &out->fallback_quality);
        read_object_end(&o);
}

static void load_call(struct read_context *ctx, const json_t *json, const char *path, uint32_t from,
                      const struct fleet_spec *fleet, struct edge_spec *out)
{
        struct arena *arena = ctx->session->arena;
        const char *from_name = fleet->services[from].name;
        struct read_object o;
        uint32_t choice;

        *out = (struct edge_spec){
                .from = from, .to = from, .probability = 1, .count = 1, .timeout_ns = TIME_NEVER};
        if (!read_object_begin(ctx, json, path, &o))
                return;
        if (read_service(&o, "to", READ_REQUIRED, fleet, &out->to) && from_name != NULL)
                out->name = arena_printf(arena, "%s->%s", from_name, fleet->services[out->to].name);
        read_ratio(&o, "probability", READ_OPTIONAL, 0, 1, &out->probability);
        read_count(&o, "count", READ_OPTIONAL, 1, 1000, &out->count);
        if (read_choice(&o, "mode", READ_OPTIONAL, mode_names, &choice))
                out->mode = (enum fleet_call_mode)choice;
        read_duration(&o, "timeout", READ_OPTIONAL, NS_PER_US, 24 * NS_PER_HOUR, &out->timeout_ns);
        read_retries(&o, "retries", &out->retry);
        if (read_choice(&o, "load_balancing", READ_OPTIONAL, balancing_names, &choice))
                out->balancing = (enum fleet_balancing)choice;
        load_edge_fallback(&o, out);
        read_bool(&o, "cancel_on_timeout", READ_OPTIONAL, &out->cancel_on_timeout);
        read_count(&o, "pool", READ_OPTIONAL, 1, CONNECTIONS_MAX, &out->pool);
        read_object_end(&o);
}

static void load_calls(struct read_object *service, uint32_t index, struct fleet_spec *fleet,
                       struct edge_spec *edges, struct service_spec *out)
{
        const json_t *list = read_list(service, "calls", READ_OPTIONAL, CALLS_MAX);
        struct arena *arena = service->ctx->session->arena;
        const char *path = read_path(service, "calls");

        out->edge_first = fleet->edge_count;
        for (size_t i = 0; i < json_array_size(list); i++) {
                const char *call_path = json_path_index(arena, path, i);
                struct edge_spec *edge = &edges[fleet->edge_count];

                if (fleet->edge_count == EDGES_MAX)
                        return;
                load_call(service->ctx, json_array_get(list, i), call_path, index, fleet, edge);
                for (uint32_t j = out->edge_first; j < fleet->edge_count && edge->name != NULL; j++)
                        if (edges[j].name != NULL && edges[j].to == edge->to)
                                read_error(service->ctx, json_path_key(arena, call_path, "to"),
                                           "a second call to '%s' ('count' makes several)",
                                           fleet->services[edge->to].name);
                fleet->edge_count++;
                out->edge_count++;
        }
}

static void load_slo(struct read_object *service, struct slo_spec *out)
{
        struct read_object o;

        *out = (struct slo_spec){
                .target = 0.99,
                .latency_ns = TIME_NEVER,
                .quality = 1,
                .window_ns = 10 * NS_PER_S,
                .min_requests = 20,
        };
        if (!read_child_begin(service, "slo", READ_OPTIONAL, &o))
                return;
        out->present = true;
        read_ratio(&o, "target", READ_OPTIONAL, 0, 1, &out->target);
        read_duration(&o, "latency", READ_OPTIONAL, NS_PER_US, NS_PER_HOUR, &out->latency_ns);
        read_ratio(&o, "quality", READ_OPTIONAL, 0, 1, &out->quality);
        read_duration(&o, "window", READ_OPTIONAL, NS_PER_S, NS_PER_HOUR, &out->window_ns);
        if (out->window_ns % NS_PER_S != 0)
                read_error(o.ctx, read_path(&o, "window"), "not a whole number of seconds");
        read_count(&o, "min_requests", READ_OPTIONAL, 1, 1000000, &out->min_requests);
        read_object_end(&o);
}

static void load_memory(struct read_object *service, struct service_spec *out)
{
        struct read_object o;

        if (!read_child_begin(service, "memory", READ_OPTIONAL, &o))
                return;
        read_size(&o, "base", READ_OPTIONAL, 0, SIZE_LIMIT_BYTES, &out->memory_base_bytes);
        read_size(&o, "per_request", READ_OPTIONAL, 0, SIZE_LIMIT_BYTES,
                  &out->memory_per_request_bytes);
        if (read_size(&o, "limit", READ_OPTIONAL, 1, SIZE_LIMIT_BYTES, &out->memory_limit_bytes) &&
            out->memory_limit_bytes <= out->memory_base_bytes)
                read_error(o.ctx, read_path(&o, "limit"),
                           "not above the base: no instance could start");
        read_object_end(&o);
}

static void load_cpu(struct read_object *service, struct service_spec *out)
{
        struct read_object o;

        out->cpu_cores = out->concurrency;
        out->cpu_share = 1;
        if (!read_child_begin(service, "cpu", READ_OPTIONAL, &o))
                return;
        read_number(&o, "cores", READ_OPTIONAL, 0.001, 100000, &out->cpu_cores);
        read_ratio(&o, "share", READ_OPTIONAL, 0.001, 1, &out->cpu_share);
        read_object_end(&o);
}

static void load_disk(struct read_object *service, struct disk_spec *out)
{
        struct read_object o;

        if (!read_child_begin(service, "disk", READ_OPTIONAL, &o))
                return;
        read_size(&o, "size", READ_REQUIRED, 1, SIZE_LIMIT_BYTES, &out->size_bytes);
        read_size(&o, "per_request", READ_OPTIONAL, 0, SIZE_LIMIT_BYTES, &out->per_request_bytes);
        if (read_size(&o, "used", READ_OPTIONAL, 0, SIZE_LIMIT_BYTES, &out->used_bytes) &&
            out->used_bytes > out->size_bytes && out->size_bytes > 0)
                read_error(o.ctx, read_path(&o, "used"), "more than its size");
        read_object_end(&o);
}

static void load_quota(struct read_object *service, struct quota_spec *out)
{
        static const char *const scopes[] = {"service", "instance", NULL};
        struct read_object o;
        uint32_t limit = 0, scope = 0;

        if (!read_child_begin(service, "quota", READ_OPTIONAL, &o))
                return;
        read_count(&o, "limit", READ_REQUIRED, 1, 1000000000, &limit);
        read_duration(&o, "window", READ_REQUIRED, NS_PER_MS, LOADER_TIME_MAX_NS, &out->window_ns);
        out->cost = 1;
        if (read_number(&o, "cost", READ_OPTIONAL, 0, 1e9, &out->cost) && out->cost > limit &&
            limit > 0)
                read_error(o.ctx, read_path(&o, "cost"), "more than the limit: every request would fail");
        read_choice(&o, "scope", READ_OPTIONAL, scopes, &scope);
        out->limit = limit;
        out->per_instance = scope == 1;
        read_object_end(&o);
}

static void load_health(struct read_object *service, struct service_spec *out)
{
        struct read_object o;
        uint32_t restart;

        out->health_check = (struct health_check_spec){
                .period_ns = 5 * NS_PER_S, .timeout_ns = NS_PER_S, .failures = 3, .successes = 1};
        if (read_child_begin(service, "supervisor", READ_OPTIONAL, &o)) {
                if (read_choice(&o, "restart", READ_REQUIRED, supervisor_names, &restart))
                        out->supervisor = (enum fleet_supervisor)restart;
                read_object_end(&o);
        }
        if (read_child_begin(service, "health_check", READ_OPTIONAL, &o)) {
                read_duration(&o, "period", READ_OPTIONAL, 0, NS_PER_HOUR,
                              &out->health_check.period_ns);
                read_duration(&o, "timeout", READ_OPTIONAL, NS_PER_MS, NS_PER_HOUR,
                              &out->health_check.timeout_ns);
                read_count(&o, "failures", READ_OPTIONAL, 1, 1000, &out->health_check.failures);
                read_count(&o, "successes", READ_OPTIONAL, 1, 1000, &out->health_check.successes);
                read_object_end(&o);
        }
}

static void load_queue(struct read_object *service, struct service_spec *out)
{
        const json_t *json = read_any(service, "queue", READ_OPTIONAL);
        const char *path = read_path(service, "queue"), *text = json_string_value(json);

        out->queue_max = QUEUE_UNBOUNDED;
        if (text != NULL && strcmp(text, "unbounded") != 0)
                read_error(service->ctx, path, "a whole number or \"unbounded\" is wanted");
        else if (json != NULL && text == NULL)
                read_count_at(service->ctx, json, path, 0, QUEUE_MAX, &out->queue_max);
}

static void load_warm_up(struct read_object *service, struct service_spec *out)
{
        struct read_object o;

        out->warm_up_factor = 1;
        if (!read_child_begin(service, "warm_up", READ_OPTIONAL, &o))
                return;
        read_number(&o, "factor", READ_REQUIRED, 1, 1000, &out->warm_up_factor);
        read_duration(&o, "time", READ_REQUIRED, 0, 24 * NS_PER_HOUR, &out->warm_up_ns);
        read_object_end(&o);
}

/* Instances go round these; all zones by default. */
static void load_service_zones(struct read_object *service, const struct fleet_spec *fleet,
                               struct service_spec *out)
{
        struct arena *arena = service->ctx->session->arena;
        const json_t *list = read_list(service, "zones", READ_OPTIONAL, fleet->zone_count);
        uint32_t count = list != NULL ? (uint32_t)json_array_size(list) : fleet->zone_count;
        uint32_t *zones = ARENA_ARRAY(arena, uint32_t, count);

        if (zones == NULL)
                return;
        out->zones = zones;
        out->zone_count = count;
        for (uint32_t i = 0; i < count; i++) {
                const char *path, *name;

                zones[i] = list == NULL ? i : 0;
                if (list == NULL)
                        continue;
                path = json_path_index(arena, read_path(service, "zones"), i);
                if (!read_text_at(service->ctx, json_array_get(list, i), path, &name))
                        continue;
                zones[i] = find_zone(fleet, name);
                if (zones[i] == FLEET_NO_INDEX)
                        read_unknown_name(service->ctx, path, "zone", name, NULL);
        }
        if (count == 0)
                read_error(service->ctx, read_path(service, "zones"), "the list is empty");
}

static void load_autoscaler(struct read_object *service, struct service_spec *out)
{
        static const char *const metrics[] = {"utilization", "cpu", "queue", NULL};
        struct autoscaler_spec *spec = &out->autoscaler;
        struct read_object o;
        uint32_t metric = SCALE_BY_UTILIZATION;

        *spec = (struct autoscaler_spec){
                .target = 0.6, .min = out->instance_count, .max = out->instance_count, .cooldown_ns = NS_PER_MIN};
        if (!read_child_begin(service, "autoscaler", READ_OPTIONAL, &o))
                return;
        spec->present = true;
        read_choice(&o, "metric", READ_REQUIRED, metrics, &metric);
        spec->metric = (enum scale_metric)metric;
        if (spec->metric == SCALE_BY_QUEUE)
                read_number(&o, "target", READ_REQUIRED, 0.001, 1e6, &spec->target);
        else
                read_ratio(&o, "target", READ_REQUIRED, 0.01, 1, &spec->target);
        read_count(&o, "min", READ_OPTIONAL, 1, INSTANCES_MAX, &spec->min);
        read_count(&o, "max", READ_REQUIRED, 1, INSTANCES_MAX, &spec->max);
        if (spec->min > spec->max)
                read_error(o.ctx, read_path(&o, "max"), "below the smallest number (%u)", spec->min);
        else if (out->instance_count < spec->min || out->instance_count > spec->max)
                read_error(o.ctx, o.path, "the %u instances at the start are not from %u to %u",
                           out->instance_count, spec->min, spec->max);
        read_duration(&o, "cooldown", READ_OPTIONAL, 0, 24 * NS_PER_HOUR, &spec->cooldown_ns);
        read_object_end(&o);
}

/* The keys of a service but `name`, which was read before. */
static void load_service(struct read_object *o, uint32_t index, struct fleet_spec *fleet,
                         struct edge_spec *edges, struct service_spec *out)
{
        uint32_t choice;

        read_any(o, "name", READ_OPTIONAL);
        read_any(o, "description", READ_OPTIONAL);
        read_dist(o, "service_time", READ_REQUIRED, 24 * NS_PER_HOUR, &out->service_time);
        out->instance_count = 1;
        read_count(o, "instances", READ_OPTIONAL, 1, INSTANCES_MAX, &out->instance_count);
        load_service_zones(o, fleet, out);
        out->concurrency = 1;
        read_count(o, "concurrency", READ_OPTIONAL, 1, WORKERS_MAX, &out->concurrency);
        load_queue(o, out);
        if (read_choice(o, "discipline", READ_OPTIONAL, discipline_names, &choice))
                out->discipline = (enum fleet_discipline)choice;
        if (read_choice(o, "hold", READ_OPTIONAL, hold_names, &choice))
                out->hold = (enum fleet_hold)choice;
        load_calls(o, index, fleet, edges, out);
        read_ratio(o, "error_rate", READ_OPTIONAL, 0, 1, &out->error_rate);
        out->restart_time_ns = 5 * NS_PER_S;
        out->boot_time_ns = 15 * NS_PER_S;
        read_duration(o, "restart_time", READ_OPTIONAL, 0, 24 * NS_PER_HOUR, &out->restart_time_ns);
        read_duration(o, "boot_time", READ_OPTIONAL, 0, 24 * NS_PER_HOUR, &out->boot_time_ns);
        load_warm_up(o, out);
        read_bool(o, "critical", READ_OPTIONAL, &out->critical);
        load_cpu(o, out);
        load_memory(o, out);
        load_disk(o, &out->disk);
        load_quota(o, &out->quota);
        load_fds(o, out);
        load_data(o, index, fleet, edges, out);
        load_slo(o, &out->slo);
        load_health(o, out);
        load_autoscaler(o, out);
        load_features(o, out);
        load_versions(o, out);
        read_object_end(o);
}

static void load_names(struct read_context *ctx, const json_t *list, const char *path,
                       struct service_spec *services, struct fleet_spec *fleet)
{
        struct arena *arena = ctx->session->arena;

        fleet->services = services;
        for (uint32_t i = 0; i < json_array_size(list); i++) {
                const json_t *json = json_array_get(list, i);
                const char *service_path = json_path_index(arena, path, i), *name_path;
                struct read_object o;

                fleet->service_count = i + 1;
                if (!json_is_object(json) || !read_object_begin(ctx, json, service_path, &o))
                        continue;
                name_path = read_path(&o, "name");
                if (!read_text(&o, "name", READ_REQUIRED, &services[i].name))
                        continue;
                if (strlen(services[i].name) > 64 ||
                    strpbrk(services[i].name, " {}=,\"\\/*>\t\r\n") != NULL)
                        read_error(ctx, name_path,
                                   "a service's name has at most 64 bytes and none of blank "
                                   "{}=,\"\\/*>");
                if (find_service(fleet, services[i].name) != i)
                        read_error(ctx, name_path, "a second service named '%s'", services[i].name);
        }
}

static size_t count_calls(const json_t *list)
{
        size_t count = 0, index;
        json_t *service;

        json_array_foreach((json_t *)(uintptr_t)list, index, service) count +=
                json_array_size(json_object_get(service, "calls")) +
                json_is_object(json_object_get(service, "data")); /* misses of a cache */
        return count < EDGES_MAX ? count : EDGES_MAX;
}

void load_services(struct read_context *ctx, const json_t *list, const char *path,
                   struct fleet_spec *out)
{
        struct arena *arena = ctx->session->arena;
        uint32_t count = (uint32_t)json_array_size(list);
        struct service_spec *services = ARENA_ARRAY(arena, struct service_spec, count);
        struct edge_spec *edges = ARENA_ARRAY(arena, struct edge_spec, count_calls(list) + 1);
        uint64_t instances = 0;

        if (services == NULL || edges == NULL)
                return;
        if (count == 0)
                read_error(ctx, path, "the list is empty");
        out->edges = edges;
        load_names(ctx, list, path, services, out);
        for (uint32_t i = 0; i < count; i++) {
                struct read_object o;

                services[i].edge_first = out->edge_count;
                if (read_object_begin(ctx, json_array_get(list, i), json_path_index(arena, path, i),
                                      &o))
                        load_service(&o, i, out, edges, &services[i]);
                instances += services[i].instance_count;
        }
        if (out->edge_count == EDGES_MAX)
                read_error(ctx, path, "%d calls or more, which is too many", EDGES_MAX);
        if (instances > INSTANCES_TOTAL_MAX)
                read_error(ctx, path, "%llu instances in all, above the %d allowed",
                           (unsigned long long)instances, INSTANCES_TOTAL_MAX);
        if (!read_failed(ctx->session))
                check_call_graph(ctx, path, out);
}
