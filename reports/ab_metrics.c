/* ab_metrics.c - what a comparison asks of each metric: role, direction, margin.
 *
 * Margins are facts of the scenario (its objectives, declared load and length),
 * never of the data: else a noisy experiment would allow itself more.
 *
 * Metrics that mean nothing beside one another by replication are left out:
 * quantiles over all incidents, and what pools replications.
 */
#include "reports/ab.h"

#include <string.h>

#include "reports/kept.h"
#include "reports/metric_table.h"

/* 5-experiments.md, A/B: what must not get worse, and by how much it may. */
static const struct {
        const char *name;
        double margin;
        bool per_hour; /* of the run */
        bool is_event;
} guardrails[] = {
        {"bad_seconds", 5, true, false},
        {"time_to_restore", 10, false, false},
        {"false_actions_per_week", 1, false, false},
        {"induced_incidents", 0.1, false, false},
        {"collapse_ratio", 0.05, false, true},
};
enum { GUARDRAIL_COUNT = sizeof(guardrails) / sizeof(guardrails[0]) };

#define BUDGET_SHARE 0.05

static double horizon_s(const struct run_meta *meta)
{
        return seconds_of(meta->duration_ns + max_ns(meta->cooldown_ns, 0));
}

/* 5 % of the failures that the objectives of the entry services allow. */
static double request_margin(const struct run_meta *meta)
{
        double margin = 0;

        for (uint32_t s = 0; s < meta->service_count; s++)
                if (meta->services[s].entry && meta->services[s].has_slo)
                        margin += (1 - meta->services[s].slo_target) *
                                  meta->services[s].offered_per_s * horizon_s(meta) * BUDGET_SHARE;
        return margin;
}

/* 5 % of the time that they let closed users fare badly. */
static double user_margin(const struct run_meta *meta)
{
        double margin = 0;

        for (uint32_t s = 0; s < meta->service_count; s++)
                if (meta->services[s].has_slo)
                        margin += (1 - meta->services[s].slo_target) *
                                  meta->services[s].user_count * horizon_s(meta) * BUDGET_SHARE;
        return margin;
}

static double margin_of(const struct run_meta *meta, const char *name, bool *is_event)
{
        *is_event = false;
        if (strcmp(name, "failed_requests") == 0)
                return request_margin(meta);
        if (strcmp(name, "failed_user_seconds") == 0)
                return user_margin(meta);
        if (strcmp(name, "cost") == 0)
                return meta->has_cost ? request_margin(meta) * meta->cost_failed_request : 0;
        for (size_t i = 0; i < GUARDRAIL_COUNT; i++)
                if (strcmp(guardrails[i].name, name) == 0) {
                        *is_event = guardrails[i].is_event;
                        return guardrails[i].per_hour
                                       ? guardrails[i].margin * horizon_s(meta) / 3600
                                       : guardrails[i].margin;
                }
        return 0;
}

static bool is_guardrail(const struct run_meta *meta, const char *name)
{
        /* Beside an open load, which has the primary. */
        if (strcmp(name, "failed_user_seconds") == 0)
                return user_margin(meta) > 0;
        for (size_t i = 0; i < GUARDRAIL_COUNT; i++)
                if (strcmp(guardrails[i].name, name) == 0)
                        return true;
        return false;
}

static bool is_comparable(const struct metric_row *row)
{
        return (row->scopes & SCOPE_ARM) && row->method != METHOD_QUANTILE &&
               row->method != METHOD_POOLED;
}

static const struct ab_choice *choice_of(const struct ab_choice *choices, size_t count,
                                         const char *name)
{
        for (size_t i = 0; i < count; i++)
                if (strcmp(choices[i].name, name) == 0)
                        return &choices[i];
        return NULL;
}

static struct ab_metric metric_of_row(const struct run_meta *meta, const struct metric_row *row,
                                      const char *primary, const struct ab_choice *choice)
{
        struct ab_metric metric = {.name = row->name,
                                   .unit = row->unit,
                                   .better = row->better,
                                   .role = AB_EXPLORATORY,
                                   .row = row};
        bool critical = choice != NULL && choice->critical;

        metric.margin = margin_of(meta, row->name, &metric.is_event);
        if (strcmp(row->name, primary) == 0)
                metric.role = AB_PRIMARY;
        else if (is_guardrail(meta, row->name) || critical)
                metric.role = AB_GUARDRAIL;
        if (choice != NULL && choice->has_direction)
                metric.better = choice->direction;
        if (choice != NULL && choice->has_margin)
                metric.margin = choice->margin;
        return metric;
}

const char *ab_choose_metrics(const struct run_meta *meta, const char *primary,
                              const struct ab_choice *choices, size_t choice_count,
                              struct ab_metric *out, size_t *out_count)
{
        size_t count = 0;

        if (primary == NULL)
                primary = meta->has_cost             ? "cost"
                          : kept_is_all_closed(meta) ? "failed_user_seconds"
                                                     : "failed_requests";
        for (size_t i = 0; i < choice_count; i++)
                if (metric_find(choices[i].name) == NULL ||
                    !is_comparable(metric_find(choices[i].name)))
                        return "a metric of analysis.metrics has no value of one replication";
        if (metric_find(primary) == NULL || !is_comparable(metric_find(primary)))
                return "analysis.primary has no value of one replication";
        for (int role = AB_PRIMARY; role <= AB_EXPLORATORY; role++)
                for (size_t i = 0; i < metric_row_count; i++) {
                        const struct metric_row *row = &metric_rows[i];
                        struct ab_metric metric = metric_of_row(
                                meta, row, primary, choice_of(choices, choice_count, row->name));

                        if (metric.role != (enum ab_role)role || !is_comparable(row))
                                continue;
                        if (role != AB_EXPLORATORY && metric.better == BETTER_NEITHER)
                                return "a metric that decides has no better side: give its "
                                       "direction "
                                       "in analysis.metrics";
                        if (role == AB_GUARDRAIL && !(metric.margin > 0))
                                return "a critical metric has no margin: give one in "
                                       "analysis.metrics";
                        out[count++] = metric;
                }
        *out_count = count;
        return NULL;
}
