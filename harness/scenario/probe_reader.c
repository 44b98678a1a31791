/* probe_reader.c - what is watched, and what of it is acceptable.
 *
 * A tolerance always says what is acceptable: "< 400ms", ">= 99%", [low, high].
 * Its unit is the metric's.
 */
#include "harness/scenario/loader.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/nearest.h"
#include "harness/scenario/metric_value.h"
#include "harness/sim/time.h"

enum { PROBES_MAX = 1000 };

const char *const scenario_probe_metrics[] = {
        "availability", "error_ratio",  "timeout_ratio", "goodput",
        "throughput",   "latency_mean", "latency_p50",   "latency_p95",
        "latency_p99",  "latency_p999", "queue_mean",    "utilization",
        NULL,
};

static enum metric_unit unit_of(const char *metric)
{
        if (strncmp(metric, "latency_", 8) == 0)
                return METRIC_SECONDS;
        if (strcmp(metric, "goodput") == 0 || strcmp(metric, "throughput") == 0)
                return METRIC_PER_S;
        return strcmp(metric, "queue_mean") == 0 ? METRIC_COUNT : METRIC_RATIO;
}

/* "< 400ms" */
static void read_comparison(struct read_context *ctx, const char *path, const char *text,
                            enum metric_unit unit, struct probe_spec *out)
{
        const char *at = text + strspn(text, " ");
        size_t length = strspn(at, "<>=!");
        struct quantity_error error;
        char excerpt[DIAG_EXCERPT_SIZE];
        double value;
        bool below = *at == '<', strict = length == 1;

        if ((*at != '<' && *at != '>') || length > 2 || (length == 2 && at[1] != '=')) {
                read_error(ctx, path,
                           "'%s' does not begin with <, <=, > or >=", diag_excerpt(excerpt, text));
                return;
        }
        if (!metric_value_parse(at + length, unit, &value, &error)) {
                read_error(ctx, path, "%s", error.text);
                return;
        }
        if (below) {
                out->high = value;
                out->high_open = strict;
        } else {
                out->low = value;
                out->low_open = strict;
        }
}

/* A bound of [low, high]: a number without unit, or a text with one. */
static bool read_bound(struct read_context *ctx, const json_t *json, const char *path,
                       enum metric_unit unit, double *out)
{
        struct quantity_error error;

        if (json_is_number(json) && unit != METRIC_SECONDS && unit != METRIC_PER_S)
                return read_number_at(ctx, json, path, 0, unit == METRIC_RATIO ? 1 : 1e18, out);
        if (!json_is_string(json)) {
                read_wrong_type(ctx, path, json, metric_unit_wants(unit));
                return false;
        }
        if (metric_value_parse(json_string_value(json), unit, out, &error))
                return true;
        read_error(ctx, path, "%s", error.text);
        return false;
}

static void read_tolerance(struct read_object *probe, enum metric_unit unit, struct probe_spec *out)
{
        const json_t *json = read_any(probe, "tolerance", READ_REQUIRED);
        const char *path = read_path(probe, "tolerance");
        struct arena *arena = probe->ctx->session->arena;
        char *text;

        if (json == NULL)
                return;
        if (json_is_string(json)) {
                out->tolerance_text = arena_text(arena, json_string_value(json));
                read_comparison(probe->ctx, path, json_string_value(json), unit, out);
                return;
        }
        if (!json_is_array(json) || json_array_size(json) != 2) {
                read_error(probe->ctx, path,
                           "a text like \"< 400ms\" or a list [low, high] is wanted");
                return;
        }
        if ((text = json_dumps(json, JSON_REAL_PRECISION(12))) != NULL)
                out->tolerance_text = arena_text(arena, text);
        free(text);
        if (read_bound(probe->ctx, json_array_get(json, 0), json_path_index(arena, path, 0), unit,
                       &out->low) &&
            read_bound(probe->ctx, json_array_get(json, 1), json_path_index(arena, path, 1), unit,
                       &out->high) &&
            out->low > out->high)
                read_error(probe->ctx, path, "low is above high: nothing is acceptable");
}

void load_probe_keys(struct read_object *o, const struct fleet_spec *fleet, struct probe_spec *out)
{
        struct arena *arena = o->ctx->session->arena;
        uint32_t metric = 0;

        *out = (struct probe_spec){
                .service = FLEET_NO_INDEX,
                .window_ns = 30 * NS_PER_S,
                .low = -INFINITY,
                .high = INFINITY,
                .metric = scenario_probe_metrics[0],
        };
        read_text(o, "name", READ_OPTIONAL, &out->name);
        read_any(o, "tolerance", READ_OPTIONAL);
        if (read_choice(o, "metric", READ_REQUIRED, scenario_probe_metrics, &metric)) {
                out->metric = scenario_probe_metrics[metric];
                read_tolerance(o, unit_of(out->metric), out);
        }
        read_service(o, "service", READ_OPTIONAL, fleet, &out->service);
        read_duration(o, "window", READ_OPTIONAL, NS_PER_S, 24 * NS_PER_HOUR, &out->window_ns);
        if (out->name == NULL && out->service != FLEET_NO_INDEX)
                out->name = arena_printf(arena, "%s of %s", out->metric,
                                         fleet->services[out->service].name);
        else if (out->name == NULL)
                out->name = arena_text(arena, out->metric);
}

void load_probe(struct read_context *ctx, const json_t *json, const char *path,
                const struct fleet_spec *fleet, struct probe_spec *out)
{
        struct read_object o;

        if (!read_object_begin(ctx, json, path, &o))
                return;
        load_probe_keys(&o, fleet, out);
        read_object_end(&o);
}

/* What it looks back on before the first fault must not be from before the world began. */
static void check_baseline(struct read_context *ctx, const char *path,
                           const struct probe_spec *probe, int64_t warmup_ns)
{
        char window[QUANTITY_TEXT_SIZE], warmup[QUANTITY_TEXT_SIZE];

        if (probe->window_ns > warmup_ns)
                read_error(ctx, json_path_key(ctx->session->arena, path, "window"),
                           "%s is longer than the warm-up (%s): before the first fault there may be "
                           "nothing so old to look back on",
                           quantity_format_duration(window, probe->window_ns),
                           quantity_format_duration(warmup, warmup_ns));
}

void load_steady_state(struct read_object *scenario, struct scenario *out)
{
        struct read_object o;
        struct arena *arena = scenario->ctx->session->arena;
        struct probe_spec *probes;
        const json_t *list;

        if (!read_child_begin(scenario, "steady_state", READ_OPTIONAL, &o))
                return;
        read_text(&o, "title", READ_OPTIONAL, &out->steady_title);
        list = read_list(&o, "probes", READ_REQUIRED, PROBES_MAX);
        probes = ARENA_ARRAY(arena, struct probe_spec, json_array_size(list));
        for (size_t i = 0; probes != NULL && i < json_array_size(list); i++) {
                const char *path = json_path_index(arena, read_path(&o, "probes"), i);

                load_probe(o.ctx, json_array_get(list, i), path, &out->fleet, &probes[i]);
                check_baseline(o.ctx, path, &probes[i], out->warmup_ns);
                for (size_t j = 0; j < i && probes[i].name != NULL; j++)
                        if (probes[j].name != NULL && strcmp(probes[j].name, probes[i].name) == 0)
                                read_error(o.ctx, path, "a second probe named '%s'",
                                           probes[i].name);
        }
        if (list != NULL && json_array_size(list) == 0)
                read_error(o.ctx, read_path(&o, "probes"), "the list is empty");
        if (probes != NULL) {
                out->steady = probes;
                out->steady_count = json_array_size(list);
        }
        read_object_end(&o);
}
