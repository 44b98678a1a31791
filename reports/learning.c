/* learning.c - cold and warm side by side, and the curve from one to the other.
 *
 * Not here: learning (harness/run/heal_train.h) and who runs it (run_command.c,
 * train_command.c).
 */
#include "reports/learning.h"

#include <math.h>
#include <string.h>

#include "reports/headline.h"
#include "reports/metric_words.h"
#include "reports/report.h"

enum { NAME_COLUMNS = 24, CELL_COLUMNS = 13, RANGE_COLUMNS = 28 };

static json_t *metrics_json(const struct grade *grade)
{
        json_t *metrics = json_object();

        for (size_t i = 0; i < learning_row_count; i++)
                json_object_set_new(metrics, learning_rows[i].metric,
                                    grade_metric_json(grade, learning_rows[i].metric));
        return metrics;
}

static json_t *differences_json(const struct grade *grade, const struct grade *other)
{
        json_t *metrics = json_object();

        for (size_t i = 0; i < learning_row_count; i++)
                json_object_set_new(metrics, learning_rows[i].metric,
                                    grade_difference_json(grade, other, learning_rows[i].metric));
        return metrics;
}

json_t *learning_json(const struct grade *warm, const struct grade *cold, const char *digest)
{
        return json_pack("{s:s, s:o, s:o, s:o}", "initial_state", digest, "cold",
                         metrics_json(cold), "warm", metrics_json(warm), "cold_less_warm",
                         differences_json(warm, cold));
}

json_t *learning_curve_json(const struct learning_point *points, size_t count)
{
        json_t *list = json_array();

        for (size_t i = 0; i < count; i++)
                json_array_append_new(
                        list, json_pack("{s:s, s:I, s:s, s:I, s:o, s:o}", "scenario",
                                        points[i].scenario, "step", (json_int_t)points[i].step,
                                        "learned_from", points[i].learned_from, "situations",
                                        (json_int_t)points[i].situations, "metrics",
                                        metrics_json(points[i].grade), "cold_less_this",
                                        differences_json(points[i].grade, points[i].cold)));
        return json_pack("{s:o}", "points", list);
}

/* ---- text */

static void add_cell(struct text *out, const json_t *metric, size_t columns)
{
        struct metric_value value = metric_of(metric);
        struct text words;

        text_init(&words);
        text_metric_value(&words, &value);
        for (size_t width = text_columns(text_bytes(&words)); width < columns; width++)
                text_add(out, " ");
        text_add(out, text_bytes(&words));
        text_release(&words);
}

static void add_difference(struct text *out, const json_t *metric)
{
        struct metric_value value = metric_of(metric);
        struct text words;

        text_init(&words);
        learning_difference(&words, &value);
        for (size_t width = text_columns(text_bytes(&words)); width < RANGE_COLUMNS; width++)
                text_add(out, " ");
        text_add(out, text_bytes(&words));
        text_release(&words);
}

void learning_screen(const json_t *result, struct text *out)
{
        const json_t *learning = result_at(result, "learning");

        if (!json_is_object(learning))
                return;
        text_cell(out, "Learned beforehand", NAME_COLUMNS);
        text_addf(out, "%*s%*s%*s\n", CELL_COLUMNS, "cold", CELL_COLUMNS, "warm", RANGE_COLUMNS,
                  "cold less warm");
        for (size_t i = 0; i < learning_row_count; i++) {
                const char *metric = learning_rows[i].metric;

                text_cell(out, learning_rows[i].title, NAME_COLUMNS);
                add_cell(out, json_object_get(json_object_get(learning, "cold"), metric),
                         CELL_COLUMNS);
                add_cell(out, json_object_get(json_object_get(learning, "warm"), metric),
                         CELL_COLUMNS);
                add_difference(out, json_object_get(json_object_get(learning, "cold_less_warm"),
                                                    metric));
                text_add(out, "\n");
        }
}

/* ---- the curve */

static const char *learned_from(const json_t *point)
{
        const char *name = result_text(point, "learned_from");

        return *name == '\0' ? "nothing (cold)" : name;
}

void learning_curve_screen(const json_t *curve, struct text *out)
{
        const char *scenario = "";
        json_t *point;
        size_t i;

        json_array_foreach(json_object_get(curve, "points"), i, point)
        {
                if (strcmp(scenario, result_text(point, "scenario")) != 0) {
                        scenario = result_text(point, "scenario");
                        text_add(out, "on ");
                        text_cell(out, scenario, NAME_COLUMNS - 3);
                        text_addf(out, "%*s%*s%*s\n", CELL_COLUMNS, "failed", CELL_COLUMNS,
                                  "prevented", RANGE_COLUMNS, "fewer failed than cold");
                }
                text_addf(out, " %2lld ", (long long)json_integer_value(json_object_get(point, "step")));
                text_cell(out, learned_from(point), NAME_COLUMNS - 4);
                add_cell(out, result_at(point, "metrics.failed_requests"), CELL_COLUMNS);
                add_cell(out, result_at(point, "metrics.prevention_rate"), CELL_COLUMNS);
                add_difference(out, result_at(point, "cold_less_this.failed_requests"));
                text_add(out, "\n");
        }
}

void learning_curve_markdown(const json_t *curve, struct text *out)
{
        json_t *point;
        size_t i;

        text_add(out, "# Learning curve\n\nAfter each step, what was learned so far is graded on the "
                      "seeds of the scenario itself, from which nothing was learned.\n\n"
                      "| scenario | step | learned from, besides");
        for (size_t m = 0; m < learning_row_count; m++)
                text_addf(out, " | %s", learning_rows[m].title);
        text_add(out, " | fewer failed than cold |\n|---|---:|---");
        for (size_t m = 0; m <= learning_row_count; m++)
                text_add(out, "|---:");
        text_add(out, "|\n");
        json_array_foreach(json_object_get(curve, "points"), i, point)
        {
                struct metric_value gained =
                        metric_of(result_at(point, "cold_less_this.failed_requests"));

                text_add(out, "| ");
                text_markdown(out, result_text(point, "scenario"));
                text_addf(out, " | %lld | ",
                          (long long)json_integer_value(json_object_get(point, "step")));
                text_markdown(out, learned_from(point));
                for (size_t m = 0; m < learning_row_count; m++) {
                        struct metric_value value = metric_of(json_object_get(
                                json_object_get(point, "metrics"), learning_rows[m].metric));

                        text_add(out, " | ");
                        text_metric_value(out, &value);
                }
                text_add(out, " | ");
                learning_difference(out, &gained);
                text_add(out, " |\n");
        }
        text_addf(out, "\n%s\n", metric_limits_words);
}

static void add_number(struct text *out, const json_t *metric, const char *key)
{
        double number = result_number(metric, key);

        text_add(out, ",");
        if (!isnan(number))
                text_number(out, number);
}

void learning_curve_csv(const json_t *curve, struct text *out)
{
        static const char *const numbers[] = { "value", "low", "high", "n" };
        json_t *point;
        size_t i;

        text_add(out, "scenario,step,learned_from,situations,metric,unit,value,low,high,n,"
                      "cold_less_this,cold_less_this_low,cold_less_this_high,cold_less_this_n\n");
        json_array_foreach(json_object_get(curve, "points"), i, point)
        {
                for (size_t m = 0; m < learning_row_count; m++) {
                        const char *name = learning_rows[m].metric;
                        const json_t *metric = json_object_get(json_object_get(point, "metrics"), name);
                        const json_t *gain =
                                json_object_get(json_object_get(point, "cold_less_this"), name);

                        text_csv(out, result_text(point, "scenario"));
                        text_addf(out, ",%lld,",
                                  (long long)json_integer_value(json_object_get(point, "step")));
                        text_csv(out, result_text(point, "learned_from"));
                        text_addf(out, ",%lld,%s,%s",
                                  (long long)json_integer_value(json_object_get(point, "situations")),
                                  name, result_text(metric, "unit"));
                        for (size_t k = 0; k < 4; k++)
                                add_number(out, metric, numbers[k]);
                        for (size_t k = 0; k < 4; k++)
                                add_number(out, gain, numbers[k]);
                        text_add(out, "\n");
                }
        }
}
