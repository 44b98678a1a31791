/* reports/metric.h - what a metric is, and how one is computed over replications.
 *
 * A metric is a row: name, unit, which way is better, definition, and a
 * function that takes one replication to a sample: a numerator, a denominator
 * and the number of events they stand for. The method says how samples become
 * a value with its interval:
 *
 *   METHOD_MEAN        mean over replications of numerator / denominator, t
 *   METHOD_PROPORTION  totals over totals, events among events
 *   METHOD_RATE        totals over totals, events per exposure
 *   METHOD_SHARE       totals over totals, a share of time
 *   METHOD_PLAIN       totals over totals, any other quotient
 *   METHOD_SURVIVAL    restricted mean by Kaplan and Meier up to the horizon
 *   METHOD_QUANTILE    quantile of the same curve
 *   METHOD_POOLED      over all replications at once, by a function of its own
 *
 * Ratios have the jackknife over replications, the exact interval of their
 * kind where replications show no spread. Limits of all of them are cut to what
 * the metric can be: 0 and more, a share at most 1, unless it is a difference.
 * What is cut off cannot be the truth, so the interval holds as often as before.
 * Nothing measured is no value and n = 0; no number is ever NaN or infinite.
 */
#ifndef CHAOS_REPORTS_METRIC_H
#define CHAOS_REPORTS_METRIC_H

#include <jansson.h>

#include "reports/kept.h"
#include "reports/stats/interval.h"

enum metric_method {
        METHOD_MEAN,
        METHOD_PROPORTION,
        METHOD_RATE,
        METHOD_SHARE,
        METHOD_PLAIN,
        METHOD_SURVIVAL,
        METHOD_QUANTILE,
        METHOD_POOLED,
};

enum metric_better { BETTER_LOW, BETTER_HIGH, BETTER_NEITHER };

/* Where a metric has a meaning. */
enum metric_scope {
        SCOPE_ARM = 1,      /* a whole arm */
        SCOPE_SERVICE = 2,  /* one service */
        SCOPE_PHASE = 4,    /* before, during, after faults */
        SCOPE_INCIDENT = 8, /* by fault, failure type, severity */
        SCOPE_HEALER = 16,  /* only arms with a healer */
        SCOPE_TWINS = 32,   /* only treated: it compares arms */
};

/* What is asked: all fields but `meta` and `arm` narrow it down. */
struct metric_query {
        const struct run_meta *meta;
        enum arm arm;
        uint32_t service; /* RECORD_NONE: the whole arm */
        unsigned phase;   /* KEPT_WHOLE: all */
        const char *fault, *failure_type, *severity; /* NULL: any; fault: name or kind */
        double confidence;
};

struct metric_sample {
        double numerator, denominator; /* denominator 0: nothing to measure here */
        uint64_t count;                /* events */
};

struct metric_row;

/* A list of times that ended or were still running, for survival. */
struct observations {
        double *times;
        bool *ended;
        size_t *clusters;
        size_t count, room;
        bool failed;
};

struct metric_row {
        const char *name, *unit, *definition;
        enum metric_better better;
        enum metric_method method;
        unsigned scopes;
        void (*sample)(const struct metric_row *row, const struct metric_query *query,
                       const struct kept *kept, struct metric_sample *out);
        int which;       /* for functions that serve several rows */
        bool is_signed;  /* a difference: below 0 has a meaning */
        double quantile; /* METHOD_QUANTILE */
        /* survival: one incident's time */
        bool (*observe)(const struct metric_row *row, const struct kept_incident *incident,
                        int64_t *time_ns);
        /* METHOD_POOLED */
        bool (*pool)(const struct metric_row *row, const struct metric_query *query,
                     struct kept *const *all, size_t count, struct metric_sample *out);
};

struct measured {
        struct stats_interval interval; /* n: replications with data */
        double numerator, denominator;
        uint64_t count;
        bool no_spread; /* two or more replications, all the same: no interval is right */
};

/* What `row` says of these replications. False when memory is out. */
bool metric_measure(const struct metric_row *row, const struct metric_query *query,
                    struct kept *const *all, size_t count, struct measured *out);

/* Cuts limits to what the row's values can be. */
void metric_cut(const struct metric_row *row, struct stats_interval *interval);

/* A quantile of the row's survival curve instead of its mean, or, for rows
 * without one, of the replications' values. */
bool metric_measure_quantile(const struct metric_row *row, const struct metric_query *query,
                             struct kept *const *all, size_t count, double quantile,
                             struct measured *out);

/* One replication's value; NaN: nothing measured. */
double metric_value_of(const struct metric_row *row, const struct metric_query *query,
                       const struct kept *kept);

/* The metric object of result.json; a new reference, NULL when memory is out. */
json_t *metric_json(const struct measured *measured, const char *unit);

/* Mean of any values with its t interval, as a metric: for what is in no row.
 * `n` values, all finite. */
void metric_of_values(const double *values, size_t n, double confidence, struct measured *out);

/* The same of times, counts and the like: its limits are not below 0. */
void metric_of_amounts(const double *values, size_t n, double confidence, struct measured *out);

/* Whether an incident is one that the query asks for. */
bool query_takes(const struct metric_query *query, const struct kept_arm *arm,
                 const struct kept_incident *incident);

/* The counts that the query asks for: a service's, or the fleet's. */
const struct kept_service *query_service(const struct metric_query *query, const struct kept *kept);

static inline void sample_set(struct metric_sample *out, double numerator, double denominator,
                              uint64_t count)
{
        *out = (struct metric_sample){ numerator, denominator, count };
}

#endif
