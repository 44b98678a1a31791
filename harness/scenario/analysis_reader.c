/* analysis_reader.c - how strategies are to be compared.
 *
 *     "analysis": {"confidence": 0.95, "primary": "bad_seconds", "max_runs": 200,
 *                  "max_loss": "20min",
 *                  "metrics": [{"name": "latency_p99", "direction": "lower",
 *                               "critical": true, "margin": "20ms"}]}
 *
 * Which metrics can be compared at all is the comparison's business; here their
 * names and units are checked.
 */
#include "harness/scenario/loader.h"

#include <string.h>

#include "harness/base/nearest.h"
#include "harness/scenario/metric_value.h"

enum { ANALYSIS_METRICS_MAX = 100, ANALYSIS_RUNS_MAX = 1000000 };

static const char *const direction_names[] = {"lower", "higher", NULL};

static const struct metric_name *read_metric(struct read_object *o, const char *key,
                                             enum read_need need, const char **out)
{
        const struct metric_name *metric;
        struct nearest nearest;
        const char *name;

        if (!read_text(o, key, need, &name))
                return NULL;
        metric = metric_name_find(name);
        if (metric != NULL) {
                *out = metric->name;
                return metric;
        }
        nearest_begin(&nearest, name);
        for (size_t i = 0; metric_names[i].name != NULL; i++)
                nearest_offer(&nearest, metric_names[i].name);
        read_unknown_name(o->ctx, read_path(o, key), "metric", name, nearest.best);
        return NULL;
}

/* A number above 0, or a text with the metric's unit. */
static bool read_difference(struct read_object *o, const char *key,
                            const struct metric_name *metric, const char *meaning, double *out)
{
        const json_t *json = read_any(o, key, READ_OPTIONAL);
        struct quantity_error error;

        if (json == NULL || metric == NULL)
                return false;
        if (json_is_number(json)) {
                *out = json_number_value(json);
        } else if (!json_is_string(json)) {
                read_wrong_type(o->ctx, read_path(o, key), json, "a value of that metric");
                return false;
        } else if (!metric_value_parse(json_string_value(json), metric->unit, out, &error)) {
                read_error(o->ctx, read_path(o, key), "%s", error.text);
                return false;
        }
        if (!(*out > 0))
                read_error(o->ctx, read_path(o, key), "%s", meaning);
        return true;
}

static void load_metric(struct read_context *ctx, const json_t *json, const char *path,
                        struct analysis_metric *out)
{
        struct read_object o;
        uint32_t direction = 0;

        if (!read_object_begin(ctx, json, path, &o))
                return;
        const struct metric_name *metric = read_metric(&o, "name", READ_REQUIRED, &out->name);
        out->has_direction =
                read_choice(&o, "direction", READ_OPTIONAL, direction_names, &direction);
        out->higher_is_better = direction == 1;
        read_bool(&o, "critical", READ_OPTIONAL, &out->critical);
        out->has_margin = read_difference(&o, "margin", metric,
                                          "a margin is above 0: the least difference that matters",
                                          &out->margin);
        read_object_end(&o);
}

static void load_metrics(struct read_object *analysis, struct analysis_spec *out)
{
        const json_t *list = read_list(analysis, "metrics", READ_OPTIONAL, ANALYSIS_METRICS_MAX);
        struct arena *arena = analysis->ctx->session->arena;
        struct analysis_metric *metrics =
                ARENA_ARRAY(arena, struct analysis_metric, json_array_size(list) + 1);

        if (list == NULL || metrics == NULL)
                return;
        out->metrics = metrics;
        out->metric_count = json_array_size(list);
        for (size_t i = 0; i < out->metric_count; i++) {
                const char *path = json_path_index(arena, read_path(analysis, "metrics"), i);

                load_metric(analysis->ctx, json_array_get(list, i), path, &metrics[i]);
                for (size_t k = 0; k < i && metrics[i].name != NULL; k++)
                        if (metrics[k].name == metrics[i].name)
                                read_error(analysis->ctx, path, "'%s' stands in the list twice",
                                           metrics[i].name);
        }
}

void load_analysis(struct read_object *scenario, struct analysis_spec *out)
{
        struct read_object o;

        *out = (struct analysis_spec){.confidence = 0.95, .max_runs = 300};
        if (!read_child_begin(scenario, "analysis", READ_OPTIONAL, &o))
                return;
        if (read_ratio(&o, "confidence", READ_OPTIONAL, 0, 1, &out->confidence) &&
            (out->confidence < 0.5 || out->confidence >= 1))
                read_error(o.ctx, read_path(&o, "confidence"),
                           "outside 0.5..1 (1 itself is never reached)");
        const struct metric_name *primary =
                read_metric(&o, "primary", READ_OPTIONAL, &out->primary);
        if (primary != NULL)
                read_difference(&o, "max_loss", primary, "a loss limit is above 0", &out->max_loss);
        else if (read_any(&o, "max_loss", READ_OPTIONAL) != NULL)
                read_error(o.ctx, read_path(&o, "max_loss"),
                           "of which metric is for `primary` to say");
        load_metrics(&o, out);
        read_count(&o, "max_runs", READ_OPTIONAL, 2, ANALYSIS_RUNS_MAX, &out->max_runs);
        read_object_end(&o);
}
