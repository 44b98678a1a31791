/* metric.c - from samples of replications to a value with its interval.
 *
 * Not here: the rows (metric_table.c), the functions they name (requests.c,
 * recovery.c, ...) and the statistics (stats/).
 */
#include "reports/metric.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/stats/sample.h"
#include "reports/stats/survival.h"

const struct kept_service *query_service(const struct metric_query *query, const struct kept *kept)
{
        uint32_t index = query->service == RECORD_NONE ? kept_fleet_index(query->meta)
                                                       : query->service;

        return &kept->arms[query->arm].services[index];
}

bool query_takes(const struct metric_query *query, const struct kept_arm *arm,
                 const struct kept_incident *incident)
{
        if (query->service != RECORD_NONE && incident->service != query->service)
                return false;
        if (query->failure_type && strcmp(query->failure_type, incident->failure_type) != 0)
                return false;
        if (query->severity && strcmp(query->severity, severity_names[incident->severity]) != 0)
                return false;
        if (!query->fault)
                return true;
        for (size_t w = 0; w < arm->window_count; w++) {
                const struct meta_fault *fault = &query->meta->faults[arm->windows[w].fault];
                if (incident->windows[w] &&
                    (!strcmp(query->fault, fault->name) || !strcmp(query->fault, fault->kind)))
                        return true;
        }
        return false;
}

/* ---- survival */

static void observe(struct observations *list, double time, bool ended, size_t cluster)
{
        if (list->count == list->room) {
                size_t room = list->room ? 2 * list->room : 64;
                double *times = realloc(list->times, room * sizeof(*times));
                if (times)
                        list->times = times;
                bool *ends = realloc(list->ended, room * sizeof(*ends));
                if (ends)
                        list->ended = ends;
                size_t *clusters = realloc(list->clusters, room * sizeof(*clusters));
                if (clusters)
                        list->clusters = clusters;
                if (!times || !ends || !clusters) {
                        list->failed = true;
                        return;
                }
                list->room = room;
        }
        list->times[list->count] = time;
        list->ended[list->count] = ended;
        list->clusters[list->count++] = cluster;
}

static void observe_all(const struct metric_row *row, const struct metric_query *query,
                        struct kept *const *all, size_t count, struct observations *out)
{
        for (size_t r = 0; r < count; r++) {
                const struct kept_arm *arm = &all[r]->arms[query->arm];
                for (size_t i = 0; i < arm->incident_count; i++) {
                        int64_t time_ns;
                        if (query_takes(query, arm, &arm->incidents[i]) &&
                            row->observe(row, &arm->incidents[i], &time_ns))
                                observe(out, seconds_of(time_ns), !arm->incidents[i].open, r);
                }
        }
}

static size_t cluster_count(const struct observations *list)
{
        size_t count = 0;

        /* They come in order of their number. */
        for (size_t i = 0; i < list->count; i++)
                count += i == 0 || list->clusters[i] != list->clusters[i - 1];
        return count;
}

static bool measure_survival(const struct metric_row *row, const struct metric_query *query,
                             struct kept *const *all, size_t count, double quantile,
                             struct measured *out)
{
        struct observations list = { 0 };
        struct stats_restricted_mean mean = { 0 };
        struct stats_survival *survival = NULL;
        double tau = seconds_of(query->meta->horizon_ns);
        bool measured = false;

        observe_all(row, query, all, count, &list);
        if (list.failed)
                goto done;
        if (!list.count) {
                measured = true;
                goto done;
        }
        if (quantile > 0) {
                survival = stats_survival_create(list.times, list.ended, list.count);
                if (!survival)
                        goto done;
                out->interval = stats_survival_quantile(survival, quantile, query->confidence);
        } else if (!stats_restricted_mean_clustered(list.times, list.ended, list.clusters,
                                                    list.count, tau, query->confidence, &mean)) {
                goto done;
        } else {
                out->interval = mean.interval;
        }
        out->interval.n = cluster_count(&list);
        out->count = list.count;
        for (size_t i = 0; i < list.count; i++)
                out->numerator += fmin(list.times[i], tau);
        out->denominator = (double)list.count;
        measured = true;
done:
        stats_survival_destroy(survival);
        free(list.times);
        free(list.ended);
        free(list.clusters);
        return measured;
}

/* ---- samples */

static void take_sample(const struct metric_row *row, const struct metric_query *query,
                        const struct kept *kept, struct metric_sample *out)
{
        sample_set(out, 0, 0, 0);
        if (!kept->arms[query->arm].run)
                return;
        if (!row->observe) {
                if (row->sample)
                        row->sample(row, query, kept, out);
                return;
        }
        const struct kept_arm *arm = &kept->arms[query->arm];
        for (size_t i = 0; i < arm->incident_count; i++) {
                int64_t time_ns;
                if (!query_takes(query, arm, &arm->incidents[i]) ||
                    !row->observe(row, &arm->incidents[i], &time_ns))
                        continue;
                out->numerator += fmin(seconds_of(time_ns), seconds_of(query->meta->horizon_ns));
                out->denominator++;
                out->count++;
        }
}

static bool has_data(const struct metric_sample *sample)
{
        return sample->denominator > 0 && isfinite(sample->numerator) &&
               isfinite(sample->denominator);
}

double metric_value_of(const struct metric_row *row, const struct metric_query *query,
                       const struct kept *kept)
{
        struct metric_sample sample;

        take_sample(row, query, kept, &sample);
        return has_data(&sample) ? sample.numerator / sample.denominator : NAN;
}

void metric_of_values(const double *values, size_t n, double confidence, struct measured *out)
{
        struct stats_moments moments = stats_moments(values, n);

        *out = (struct measured){ .interval = stats_mean_t(values, n, confidence) };
        out->no_spread = n > 1 && !moments.has_spread;
        out->numerator = stats_sum(values, n);
        out->denominator = (double)n;
        out->count = n;
}

void metric_of_amounts(const double *values, size_t n, double confidence, struct measured *out)
{
        metric_of_values(values, n, confidence, out);
        stats_interval_clamp(&out->interval, 0, HUGE_VAL);
}

/* ---- limits */

void metric_cut(const struct metric_row *row, struct stats_interval *interval)
{
        bool is_share = row->method == METHOD_PROPORTION || row->method == METHOD_SHARE;

        if (!row->is_signed)
                stats_interval_clamp(interval, 0, is_share ? 1 : HUGE_VAL);
}

static enum stats_ratio_kind ratio_kind(enum metric_method method)
{
        switch (method) {
        case METHOD_PROPORTION:
                return STATS_RATIO_PROPORTION;
        case METHOD_RATE:
                return STATS_RATIO_RATE;
        case METHOD_SHARE:
                return STATS_RATIO_SHARE;
        default:
                return STATS_RATIO_PLAIN;
        }
}

static void measure_ratio(const struct metric_row *row, const double *numerators,
                          const double *denominators, size_t n, double confidence,
                          struct measured *out)
{
        struct stats_ratio ratio = stats_ratio_jackknife(numerators, denominators, n,
                                                         ratio_kind(row->method), confidence);

        out->interval = ratio.interval;
        out->numerator = ratio.numerator;
        out->denominator = ratio.denominator;
        out->no_spread = n > 1 && ratio.method == STATS_RATIO_BY_NOTHING &&
                         ratio.interval.has_value;
}

static bool measure(const struct metric_row *row, const struct metric_query *query,
                    struct kept *const *all, size_t count, struct measured *out)
{
        double *numerators = NULL;
        double *denominators = NULL;
        uint64_t events = 0;
        size_t n = 0;
        bool measured = false;

        *out = (struct measured){ 0 };
        if (row->method == METHOD_SURVIVAL || row->method == METHOD_QUANTILE)
                return measure_survival(row, query, all, count, row->quantile, out);
        if (row->method == METHOD_POOLED) {
                struct metric_sample pooled = { 0 };
                if (!row->pool(row, query, all, count, &pooled))
                        return false;
                if (has_data(&pooled))
                        out->interval = stats_interval_value_only(
                                pooled.numerator / pooled.denominator, count);
                out->numerator = pooled.numerator;
                out->denominator = pooled.denominator;
                out->count = pooled.count;
                return true;
        }
        numerators = calloc(count + 1, sizeof(*numerators));
        denominators = calloc(count + 1, sizeof(*denominators));
        if (!numerators || !denominators)
                goto done;
        for (size_t r = 0; r < count; r++) {
                struct metric_sample sample;
                take_sample(row, query, all[r], &sample);
                if (!has_data(&sample))
                        continue;
                if (row->method == METHOD_MEAN) {
                        sample.numerator /= sample.denominator;
                        sample.denominator = 1;
                }
                numerators[n] = sample.numerator;
                denominators[n++] = sample.denominator;
                events += sample.count;
        }
        if (row->method == METHOD_MEAN)
                metric_of_values(numerators, n, query->confidence, out);
        else
                measure_ratio(row, numerators, denominators, n, query->confidence, out);
        out->count = events;
        measured = true;
done:
        free(numerators);
        free(denominators);
        return measured;
}

bool metric_measure(const struct metric_row *row, const struct metric_query *query,
                    struct kept *const *all, size_t count, struct measured *out)
{
        bool measured = measure(row, query, all, count, out);

        metric_cut(row, &out->interval);
        return measured;
}

bool metric_measure_quantile(const struct metric_row *row, const struct metric_query *query,
                             struct kept *const *all, size_t count, double quantile,
                             struct measured *out)
{
        double *values;
        size_t n = 0;
        bool measured;

        *out = (struct measured){ 0 };
        if (row->observe)
                return measure_survival(row, query, all, count, quantile, out);
        values = calloc(count + 1, sizeof(*values));
        if (!values)
                return false;
        for (size_t r = 0; r < count; r++) {
                double value = metric_value_of(row, query, all[r]);
                if (isfinite(value))
                        values[n++] = value;
        }
        measured = stats_sample_quantile(values, n, quantile, query->confidence, &out->interval);
        out->count = n;
        out->numerator = stats_sum(values, n);
        out->denominator = (double)n;
        free(values);
        return measured;
}

/* ---- result.json */

static json_t *number_or_null(bool has, double value)
{
        return has && isfinite(value) ? json_real(value) : json_null();
}

json_t *metric_json(const struct measured *measured, const char *unit)
{
        const struct stats_interval *interval = &measured->interval;
        bool has = interval->has_value && isfinite(interval->value);

        return json_pack("{s:o, s:o, s:o, s:I, s:I, s:o, s:o, s:s}",
                         "value", number_or_null(has, interval->value),
                         "low", number_or_null(has && interval->has_low, interval->low),
                         "high", number_or_null(has && interval->has_high, interval->high),
                         "n", (json_int_t)interval->n,
                         "count", (json_int_t)measured->count,
                         "numerator", number_or_null(true, measured->numerator),
                         "denominator", number_or_null(true, measured->denominator),
                         "unit", unit);
}
