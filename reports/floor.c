/* floor.c - one row a reference healer, and the share of what was avertable. */
#include "reports/floor.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/metric_table.h"
#include "reports/report.h"
#include "reports/stats/interval.h"
#include "reports/verdict.h"

enum { NAME_COLUMNS = 25, CELL_COLUMNS = 13 };

/* What is told of each, and the heads on the screen. */
static const struct {
        const char *metric, *head;
} told[] = {
        { "failed_requests", "failed" },
        { "bad_seconds", "bad" },
        { "averted_harm", "averted" },
        { "prevention_rate", "prevented" },
        { "self_made_harm", NULL },
        { "cost", NULL },
        { "false_alarms_per_week", NULL },
        { "false_actions_per_week", NULL },
        { "induced_incidents", NULL },
        { "collapse_ratio", NULL },
        { "actions", NULL },
};
enum { TOLD_COUNT = sizeof(told) / sizeof(*told) };

/* A healer that is none says and does nothing, so that has no value of it. */
static json_t *metrics_json(const struct grade *grade)
{
        json_t *metrics = json_object();

        for (size_t i = 0; metrics && i < TOLD_COUNT; i++) {
                json_t *metric = grade_metric_json(grade, told[i].metric);

                if (!metric || json_object_set_new(metrics, told[i].metric, metric) < 0) {
                        json_decref(metrics);
                        return NULL;
                }
        }
        return metrics;
}

static double averted(const struct graded *graded, size_t r)
{
        const struct metric_query query = { .meta = graded->meta,
                                            .arm = ARM_TREATED,
                                            .service = RECORD_NONE,
                                            .phase = KEPT_WHOLE,
                                            .confidence = 0.95 };

        return metric_value_of(metric_find("averted_harm"), &query, graded->all[r]);
}

static json_t *share_json(const struct grade *strategy, const struct grade *ceiling)
{
        struct graded own, most;
        struct measured measured = { 0 };
        double *numerators, *denominators;
        struct stats_ratio ratio;
        double total = 0;
        size_t n = 0;

        grade_look(strategy, &own);
        grade_look(ceiling, &most);
        numerators = calloc(own.count + 1, sizeof(*numerators));
        denominators = calloc(own.count + 1, sizeof(*denominators));
        for (size_t r = 0; numerators && denominators && r < own.count && r < most.count; r++) {
                double a = averted(&own, r);
                double b = averted(&most, r);
                if (!isfinite(a) || !isfinite(b))
                        continue;
                numerators[n] = a;
                denominators[n++] = b;
                total += b;
        }
        /* Where even the oracle averts nothing there is no share of it. */
        if (total > 0) {
                ratio = stats_ratio_jackknife(numerators, denominators, n, STATS_RATIO_PLAIN, 0.95);
                measured.interval = ratio.interval;
                measured.numerator = ratio.numerator;
                measured.denominator = ratio.denominator;
                measured.count = n;
        }
        free(numerators);
        free(denominators);
        return metric_json(&measured, "ratio");
}

json_t *floor_json(const struct grade *strategy, const struct floor_entry *entries, size_t count)
{
        json_t *healers = json_array();
        json_t *share = NULL;

        for (size_t i = 0; healers && i < count; i++) {
                json_array_append_new(healers, json_pack("{s:s, s:s, s:o}", "name", entries[i].name,
                                                         "summary", entries[i].summary, "metrics",
                                                         metrics_json(entries[i].grade)));
                if (entries[i].is_ceiling)
                        share = share_json(strategy, entries[i].grade);
        }
        return json_pack("{s:o, s:o}", "averted_share", share ? share : json_null(), "healers",
                         healers);
}

/* ---- the screen */

static void add_cell(struct text *out, const json_t *metrics, const char *metric)
{
        struct text value;
        const json_t *row = json_object_get(metrics, metric);
        double number = result_number(row, "value");

        text_init(&value);
        if (isnan(number))
                text_add(&value, "no data");
        else if (!strcmp(result_text(row, "unit"), "requests"))
                text_count(&value, round(number));
        else
                text_value(&value, number, result_text(row, "unit"));
        for (size_t width = text_columns(text_bytes(&value)); width < CELL_COLUMNS; width++)
                text_add(out, " ");
        text_add(out, text_bytes(&value));
        text_release(&value);
}

static void add_row(struct text *out, const char *name, const json_t *metrics)
{
        text_cell(out, name, NAME_COLUMNS);
        for (size_t i = 0; i < TOLD_COUNT; i++)
                if (told[i].head)
                        add_cell(out, metrics, told[i].metric);
        text_add(out, "\n");
}

void floor_screen(const json_t *result, struct text *out)
{
        const json_t *floor = result_at(result, "floor");
        double share = result_number(floor, "averted_share.value");
        json_t *healer;
        size_t i;

        if (!json_is_object(floor))
                return;
        text_cell(out, "Beside the references", NAME_COLUMNS);
        for (i = 0; i < TOLD_COUNT; i++)
                if (told[i].head)
                        text_addf(out, "%*s", CELL_COLUMNS, told[i].head);
        text_add(out, "\n");
        add_row(out, result_text(result, "healer.name"), result_at(result, "arms.treated.metrics"));
        json_array_foreach(json_object_get(floor, "healers"), i, healer)
                add_row(out, result_text(healer, "name"), json_object_get(healer, "metrics"));
        if (isnan(share)) {
                text_add(out, "Nothing that the oracle could avert.\n");
                return;
        }
        text_add(out, "Of what the oracle averts, ");
        text_value(out, share, "ratio");
        text_add(out, " was averted");
        if (!isnan(result_number(floor, "averted_share.low"))) {
                text_add(out, " (");
                text_range(out, result_number(floor, "averted_share.low"),
                           result_number(floor, "averted_share.high"), "ratio");
                text_add(out, ")");
        }
        text_add(out, ".\n");
}
