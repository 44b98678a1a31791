/* exec_write.c - messages of both ends, written. */
#include "harness/run/exec_protocol.h"

#include <math.h>
#include <stdio.h>

#include "harness/run/exec_words.h"
#include "harness/sim/time.h"

const char *const exec_fallback_names[] = {
        [FALLBACK_NONE] = "none", [FALLBACK_STATIC] = "static", [FALLBACK_CACHED] = "cached", NULL};

#define INSTANCE_VALUE(name, field) {name, offsetof(struct instance_sample, field)}
const struct exec_value exec_instance_values[] = {
        INSTANCE_VALUE("cpu", cpu_ratio),
        INSTANCE_VALUE("memory", memory_ratio),
        INSTANCE_VALUE("disk", disk_ratio),
        INSTANCE_VALUE("fds", fd_ratio),
        INSTANCE_VALUE("pool", pool_ratio),
        INSTANCE_VALUE("tokens", token_ratio),
        INSTANCE_VALUE("queue", queue_depth),
        INSTANCE_VALUE("throughput", throughput_per_s),
        INSTANCE_VALUE("error_ratio", error_ratio),
        INSTANCE_VALUE("latency_p50", latency_p50_s),
        INSTANCE_VALUE("latency_p95", latency_p95_s),
        INSTANCE_VALUE("latency_p99", latency_p99_s),
        INSTANCE_VALUE("connection_failures", connection_failures),
};
const size_t exec_instance_value_count =
        sizeof(exec_instance_values) / sizeof(exec_instance_values[0]);

#define EDGE_VALUE(name, field) {name, offsetof(struct edge_sample, field)}
const struct exec_value exec_edge_values[] = {
        EDGE_VALUE("error_ratio", error_ratio),
        EDGE_VALUE("timeout_ratio", timeout_ratio),
        EDGE_VALUE("latency_p50", latency_p50_s),
        EDGE_VALUE("latency_p95", latency_p95_s),
        EDGE_VALUE("latency_p99", latency_p99_s),
};
const size_t exec_edge_value_count = sizeof(exec_edge_values) / sizeof(exec_edge_values[0]);

double exec_value_of(const void *sample, const struct exec_value *value)
{
        return *(const double *)(const void *)((const char *)sample + value->offset);
}

/* ---- small parts */

static void put_measured(struct json_line *line, const char *key, double value)
{
        if (isfinite(value))
                json_put_number(line, key, value);
}

static void put_service(struct json_line *line, const struct exec_names *names, uint32_t service)
{
        if (service < names->spec->service_count)
                json_put_text(line, "service", names->spec->services[service].name);
}

static void put_place(struct json_line *line, const struct exec_names *names, uint32_t service,
                      uint32_t instance, uint32_t edge)
{
        put_service(line, names, service);
        if (instance < names->instance_count)
                json_put_text(line, "instance", names->instances[instance].name);
        if (edge < names->edge_count)
                json_put_text(line, "edge", names->edges[edge]);
}

static void put_word(struct json_line *line, const char *key, const char *word)
{
        if (word != NULL && word[0] != '\0')
                json_put_text(line, key, word);
}

static void put_id(struct json_line *line, const char *key, uint64_t id)
{
        if (id != 0)
                json_put_count(line, key, id);
}

/* ---- hello */

static void write_service(struct json_line *line, const struct service_spec *service)
{
        json_open(line, NULL, '{');
        json_put_text(line, "name", service->name);
        json_put_count(line, "concurrency", service->concurrency);
        if (service->queue_max != QUEUE_UNBOUNDED)
                json_put_count(line, "queue", service->queue_max);
        json_put_number(line, "cpu_cores", service->cpu_cores);
        if (service->memory_limit_bytes > 0)
                json_put_count(line, "memory_limit", (uint64_t)service->memory_limit_bytes);
        json_put_bool(line, "critical", service->critical);
        json_put_seconds(line, "restart_time", service->restart_time_ns);
        json_put_seconds(line, "boot_time", service->boot_time_ns);
        if (service->feature_count > 0) {
                json_open(line, "features", '[');
                for (uint32_t i = 0; i < service->feature_count; i++)
                        json_put_text(line, NULL, service->features[i].name);
                json_close(line, ']');
        }
        if (service->slo.present) {
                json_open(line, "slo", '{');
                json_put_number(line, "target", service->slo.target);
                if (service->slo.latency_ns != TIME_NEVER)
                        json_put_seconds(line, "latency", service->slo.latency_ns);
                json_close(line, '}');
        }
        json_close(line, '}');
}

static void write_instance(struct json_line *line, const struct exec_names *names,
                           const struct healer_instance *instance)
{
        json_open(line, NULL, '{');
        json_put_text(line, "name", instance->name);
        put_service(line, names, instance->service);
        if (instance->zone < names->spec->zone_count)
                json_put_text(line, "zone", names->spec->zones[instance->zone].name);
        put_word(line, "version", instance->version);
        json_close(line, '}');
}

static void write_edge(struct json_line *line, const struct exec_names *names, uint32_t index)
{
        const struct fleet_spec *spec = names->spec;
        bool declared = index < spec->edge_count;
        uint32_t to = declared ? spec->edges[index].to : spec->loads[index - spec->edge_count].to;

        json_open(line, NULL, '{');
        json_put_text(line, "name", names->edges[index]);
        if (declared)
                json_put_text(line, "from", spec->services[spec->edges[index].from].name);
        else
                json_put_null(line, "from");
        json_put_text(line, "to", spec->services[to].name);
        if (declared)
                json_put_text(line, "fallback", exec_fallback_names[spec->edges[index].fallback]);
        json_close(line, '}');
}

static void write_actions(struct json_line *line)
{
        json_open(line, "actions", '[');
        for (int kind = 0; kind < ACTION_KIND_COUNT; kind++) {
                const struct fleet_action_row *row = &fleet_action_rows[kind];

                if (!row->supported)
                        continue;
                json_open(line, NULL, '{');
                json_put_text(line, "name", row->name);
                json_put_text(line, "target", row->needs_instance ? "instance" : "service");
                json_put_seconds(line, "usual_time", row->default_time_ns);
                json_close(line, '}');
        }
        json_close(line, ']');
}

void exec_write_hello(struct json_line *line, const struct exec_names *names, uint64_t key,
                      int64_t now_ns)
{
        char seed[24];

        snprintf(seed, sizeof(seed), "%llu", (unsigned long long)key);
        json_line_empty(line);
        json_open(line, NULL, '{');
        json_put_count(line, "hello", EXEC_PROTOCOL_VERSION);
        json_put_seconds(line, "t", now_ns);
        json_put_text(line, "seed", seed); /* 64 bits are too many for a number */
        json_open(line, "topology", '{');
        json_open(line, "zones", '[');
        for (uint32_t i = 0; i < names->spec->zone_count; i++)
                json_put_text(line, NULL, names->spec->zones[i].name);
        json_close(line, ']');
        json_open(line, "services", '[');
        for (uint32_t i = 0; i < names->spec->service_count; i++)
                write_service(line, &names->spec->services[i]);
        json_close(line, ']');
        json_open(line, "instances", '[');
        for (uint32_t i = 0; i < names->instance_count; i++)
                write_instance(line, names, &names->instances[i]);
        json_close(line, ']');
        json_open(line, "edges", '[');
        for (uint32_t i = 0; i < names->edge_count; i++)
                write_edge(line, names, i);
        json_close(line, ']');
        json_close(line, '}');
        write_actions(line);
        json_close(line, '}');
}

/* ---- a wake-up */

static void write_instance_sample(struct json_line *line, const struct exec_names *names,
                                  const struct instance_sample *sample)
{
        json_open(line, NULL, '{');
        json_put_text(line, "instance", names->instances[sample->instance].name);
        for (size_t i = 0; i < exec_instance_value_count; i++)
                put_measured(line, exec_instance_values[i].name,
                             exec_value_of(sample, &exec_instance_values[i]));
        json_put_count(line, "requests", sample->requests);
        json_close(line, '}');
}

static void write_edge_sample(struct json_line *line, const struct exec_names *names,
                              const struct edge_sample *sample)
{
        json_open(line, NULL, '{');
        json_put_text(line, "edge", names->edges[sample->edge]);
        json_put_count(line, "calls", sample->calls);
        for (size_t i = 0; i < exec_edge_value_count; i++)
                put_measured(line, exec_edge_values[i].name,
                             exec_value_of(sample, &exec_edge_values[i]));
        json_close(line, '}');
}

static void write_batch(struct json_line *line, const struct exec_names *names,
                        const struct telemetry_batch *batch)
{
        json_open(line, NULL, '{');
        json_put_seconds(line, "from", batch->from_ns);
        json_put_seconds(line, "to", batch->to_ns);
        json_open(line, "instances", '[');
        for (size_t i = 0; i < batch->instance_count; i++)
                write_instance_sample(line, names, &batch->instances[i]);
        json_close(line, ']');
        json_open(line, "edges", '[');
        for (size_t i = 0; i < batch->edge_count; i++)
                write_edge_sample(line, names, &batch->edges[i]);
        json_close(line, ']');
        json_close(line, '}');
}

static void write_event(struct json_line *line, const struct exec_names *names,
                        const struct fleet_event *event)
{
        json_open(line, NULL, '{');
        json_put_seconds(line, "t", event->at_ns);
        json_put_text(line, "event", fleet_event_names[event->kind]);
        put_place(line, names, event->service, event->instance, event->edge);
        if (event->code < 0)
                json_put_number(line, "code", event->code);
        else if (event->code > 0)
                json_put_count(line, "code", (uint64_t)event->code);
        if (event->oom)
                json_put_bool(line, "oom", true);
        put_word(line, "text", event->text);
        json_close(line, '}');
}

static void write_result(struct json_line *line, const struct exec_names *names,
                         const struct fleet_action_result *result)
{
        json_open(line, NULL, '{');
        json_put_count(line, "id", result->id);
        json_put_text(line, "action", fleet_action_rows[result->kind].name);
        put_place(line, names, result->service, result->instance, FLEET_NO_INDEX);
        json_put_seconds(line, "started", result->started_at_ns);
        json_put_seconds(line, "finished", result->finished_at_ns);
        json_put_bool(line, "ok", result->ok);
        put_word(line, "reason", result->reason);
        json_close(line, '}');
}

static bool write_new_instances(struct json_line *line, struct exec_names *names,
                                const struct healer_wake *wake)
{
        if (wake->instance_count <= names->instance_count)
                return true;
        json_open(line, "instances", '[');
        while (names->instance_count < wake->instance_count) {
                const struct healer_instance *fresh = &wake->instances[names->instance_count];

                if (!exec_names_add(names, fresh))
                        return false;
                write_instance(line, names, fresh);
        }
        json_close(line, ']');
        return true;
}

bool exec_write_wake(struct json_line *line, struct exec_names *names,
                     const struct healer_wake *wake)
{
        json_line_empty(line);
        json_open(line, NULL, '{');
        json_put_seconds(line, "t", wake->now_ns);
        if (!write_new_instances(line, names, wake))
                return false;
        json_open(line, "telemetry", '[');
        for (size_t i = 0; i < wake->batch_count; i++)
                write_batch(line, names, &wake->batches[i]);
        json_close(line, ']');
        json_open(line, "events", '[');
        for (size_t i = 0; i < wake->event_count; i++)
                write_event(line, names, &wake->events[i]);
        json_close(line, ']');
        json_open(line, "results", '[');
        for (size_t i = 0; i < wake->result_count; i++)
                write_result(line, names, &wake->results[i]);
        json_close(line, ']');
        json_open(line, "breakers", '[');
        for (uint32_t i = 0; i < names->edge_count; i++)
                if (wake->breaker_open[i])
                        json_put_text(line, NULL, names->edges[i]);
        json_close(line, ']');
        json_close(line, '}');
        return true;
}

/* ---- an answer */

static void write_note(struct json_line *line, const struct exec_names *names,
                       const struct healer_note *note)
{
        json_open(line, NULL, '{');
        put_id(line, "id", note->id);
        put_id(line, "episode", note->episode);
        put_word(line, "state", healer_note_rows[note->kind].state);
        put_word(line, "type", note->type);
        put_place(line, names, note->service, note->instance, note->edge);
        put_word(line, "severity", note->severity);
        put_word(line, "metric", note->metric);
        put_measured(line, "value", note->value);
        put_measured(line, "limit", note->limit);
        put_measured(line, "confidence", note->confidence);
        put_id(line, "rank", note->rank);
        if (note->eta_ns != TIME_NEVER)
                json_put_seconds(line, "eta", note->eta_ns);
        put_word(line, "context", note->context);
        json_close(line, '}');
}

static void write_notes(struct json_line *line, const struct exec_names *names,
                        const struct healer_answer *answer, enum healer_list list)
{
        bool open = false;

        for (size_t i = 0; i < answer->note_count; i++) {
                if (healer_note_rows[answer->notes[i].kind].list != list)
                        continue;
                if (!open)
                        json_open(line, healer_list_names[list], '[');
                open = true;
                write_note(line, names, &answer->notes[i]);
        }
        if (open)
                json_close(line, ']');
}

static void write_features(struct json_line *line, const struct service_spec *service,
                           const char *key, uint32_t named)
{
        if (named == 0)
                return;
        json_open(line, key, '[');
        for (uint32_t i = 0; i < service->feature_count; i++)
                if ((named >> i & 1) != 0)
                        json_put_text(line, NULL, service->features[i].name);
        json_close(line, ']');
}

static void write_level(struct json_line *line, const struct exec_names *names,
                        const struct fleet_action *action)
{
        const struct fleet_level *level = &action->level;
        const struct service_spec *service = &names->spec->services[action->service];

        json_open(line, "settings", '{');
        json_put_number(line, "capacity", level->capacity);
        json_put_number(line, "timeout", level->timeout);
        json_put_number(line, "quality", level->quality);
        if (level->concurrency > 0)
                json_put_count(line, "concurrency", level->concurrency);
        write_features(line, service, "off", level->named & level->off);
        write_features(line, service, "on", level->named & ~level->off);
        json_close(line, '}');
}

static void write_order(struct json_line *line, const struct exec_names *names,
                        const struct healer_order *order)
{
        json_open(line, NULL, '{');
        json_put_count(line, "id", order->action.id);
        json_put_text(line, "action", fleet_action_rows[order->action.kind].name);
        put_place(line, names, order->action.service, order->action.instance, order->action.edge);
        if (order->action.amount != 0)
                json_put_number(line, "amount", order->action.amount);
        if (order->action.level.given)
                write_level(line, names, &order->action);
        put_id(line, "episode", order->episode);
        put_id(line, "prediction", order->prediction);
        if (order->preventive)
                json_put_bool(line, "preventive", true);
        json_close(line, '}');
}

static void write_policies(struct json_line *line, const struct exec_names *names,
                           const struct healer_answer *answer)
{
        json_open(line, "policies", '{');
        for (size_t i = 0; i < answer->protection_count; i++) {
                const struct edge_protection *protection = &answer->protections[i];

                json_open(line, names->edges[protection->edge], '{');
                for (int policy = 0; policy < STRATEGY_POLICY_COUNT; policy++)
                        if (protection->rules[policy] != NULL)
                                strategy_rule_write(protection->rules[policy],
                                                    (enum strategy_policy)policy, line);
                json_close(line, '}');
        }
        json_close(line, '}');
}

void exec_write_answer(struct json_line *line, const struct exec_names *names,
                       const struct healer_answer *answer)
{
        json_line_empty(line);
        json_open(line, NULL, '{');
        for (int list = 0; list < LIST_COUNT; list++)
                write_notes(line, names, answer, (enum healer_list)list);
        if (answer->protection_count > 0)
                write_policies(line, names, answer);
        if (answer->order_count > 0) {
                json_open(line, "actions", '[');
                for (size_t i = 0; i < answer->order_count; i++)
                        write_order(line, names, &answer->orders[i]);
                json_close(line, ']');
        }
        if (answer->next_wake_ns == TIME_NEVER)
                json_put_null(line, "next_wake");
        else
                json_put_seconds(line, "next_wake", answer->next_wake_ns);
        json_close(line, '}');
}
