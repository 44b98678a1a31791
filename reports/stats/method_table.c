/* method_table.c - the rows: fields, calling the statistic, writing its answer.
 *
 * A run has three steps: the fields of the row are read and checked (method_input.c), the row's
 * function calls the library, and the answer is built with put_*, where a missing or non-finite
 * number becomes null.
 */
#include "reports/stats/method_table.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "reports/stats/bootstrap.h"
#include "reports/stats/equivalence.h"
#include "reports/stats/interval.h"
#include "reports/stats/method_input.h"
#include "reports/stats/multiple.h"
#include "reports/stats/paired.h"
#include "reports/stats/power.h"
#include "reports/stats/sample.h"
#include "reports/stats/sequential.h"
#include "reports/stats/survival.h"
#include "reports/stats/warmup.h"
#include "reports/stats/wilcoxon.h"

/* ---------------------------------------------------------------------------------- writing out */

static void put_number(json_t *out, const char *key, bool has, double value)
{
        json_object_set_new(out, key, has && isfinite(value) ? json_real(value) : json_null());
}

static void put_count(json_t *out, const char *key, size_t value)
{
        json_object_set_new(out, key, json_integer((json_int_t)value));
}

static void put_interval(json_t *out, const char *key, const struct stats_interval *interval)
{
        put_number(out, key, interval->has_value, interval->value);
        put_number(out, "low", interval->has_low, interval->low);
        put_number(out, "high", interval->has_high, interval->high);
        put_count(out, "n", interval->n);
}

/* An interval with the confidence it was asked for. */
static json_t *interval_answer(const char *key, const struct stats_interval *interval,
                               double confidence)
{
        json_t *out = json_object();

        put_interval(out, key, interval);
        put_number(out, "confidence", true, confidence);
        return out;
}

/* -------------------------------------------------------------------------------------- fields */

#define CONFIDENCE "confidence"

static const struct stats_field field_confidence = {
        .name = CONFIDENCE,
        .kind = STATS_FIELD_NUMBER,
        .summary = "two-sided confidence of the limits, between 0 and 1",
        .default_text = "0.95",
        .max = 1,
};
static const struct stats_field field_values = {
        .name = "values", .kind = STATS_FIELD_NUMBERS, .summary = "the numbers"};
static const struct stats_field field_numerators = {
        .name = "numerators", .kind = STATS_FIELD_NUMBERS, .summary = "one for each cluster"};
static const struct stats_field field_denominators = {
        .name = "denominators",
        .kind = STATS_FIELD_NUMBERS,
        .summary = "one for each cluster, at least 0",
        .max = DBL_MAX,
};
static const char *const ratio_kinds[] = {"proportion", "rate", "share", "plain", NULL};
static const struct stats_field field_ratio_kind = {
        .name = "kind",
        .kind = STATS_FIELD_CHOICE,
        .summary = "events of events, events per exposure, share of time or money, or neither",
        .default_text = "\"plain\"",
        .choices = ratio_kinds,
};
static const struct stats_field field_successes = {
        .name = "successes", .kind = STATS_FIELD_COUNT, .summary = "how many of the trials"};
static const struct stats_field field_trials = {
        .name = "trials", .kind = STATS_FIELD_COUNT, .summary = "how many trials"};
static const struct stats_field field_events = {
        .name = "events", .kind = STATS_FIELD_COUNT, .summary = "how many were seen"};
static const struct stats_field field_exposure = {
        .name = "exposure",
        .kind = STATS_FIELD_NUMBER,
        .summary = "how long was watched, in the unit of the rate",
        .max = DBL_MAX,
};
static const struct stats_field field_q = {
        .name = "q",
        .kind = STATS_FIELD_NUMBER,
        .summary = "which quantile, between 0 and 1; 0.5 is the median",
        .default_text = "0.5",
        .max = 1,
};
static const struct stats_field field_times = {
        .name = "times",
        .kind = STATS_FIELD_NUMBERS,
        .summary = "until the end or until watching stopped, at least 0",
        .max = DBL_MAX,
};
static const struct stats_field field_ended = {
        .name = "ended",
        .kind = STATS_FIELD_FLAGS,
        .summary = "for each time: true if the end was seen, false if censored",
};
static const struct stats_field field_clusters = {
        .name = "clusters",
        .kind = STATS_FIELD_COUNTS,
        .summary = "for each time: the number of its run; limits then allow for dependence within",
        .default_text = "null",
};
static const struct stats_field field_tau = {
        .name = "tau",
        .kind = STATS_FIELD_NUMBER,
        .summary = "the horizon, above 0",
        .max = DBL_MAX,
};
static const struct stats_field field_differences = {
        .name = "differences",
        .kind = STATS_FIELD_NUMBERS,
        .summary = "A - B, one for each pair; or give a and b",
        .default_text = "null",
};
static const struct stats_field field_a = {
        .name = "a",
        .kind = STATS_FIELD_NUMBERS,
        .summary = "A's numbers, in the order of b",
        .default_text = "null",
};
static const struct stats_field field_b = {
        .name = "b",
        .kind = STATS_FIELD_NUMBERS,
        .summary = "B's numbers, in the order of a",
        .default_text = "null",
};
static const struct stats_field field_replicates = {
        .name = "replicates",
        .kind = STATS_FIELD_COUNT,
        .summary = "how many resamplings",
        .default_text = "9999",
        .min = 99,
        .max = 1000000,
};
static const struct stats_field field_seed = {
        .name = "seed",
        .kind = STATS_FIELD_COUNT,
        .summary = "of the resampling",
        .default_text = "1",
};
static const struct stats_field field_replicate_means = {
        .name = "replicate_means",
        .kind = STATS_FIELD_NUMBERS,
        .summary = "the mean of each resampling, made elsewhere",
};
static const struct stats_field field_only_a = {
        .name = "only_a", .kind = STATS_FIELD_COUNT, .summary = "pairs where only A had the event"};
static const struct stats_field field_only_b = {
        .name = "only_b", .kind = STATS_FIELD_COUNT, .summary = "pairs where only B had the event"};
static const struct stats_field field_pairs = {
        .name = "pairs", .kind = STATS_FIELD_COUNT, .summary = "all pairs"};
static const struct stats_field field_p_values = {
        .name = "p_values",
        .kind = STATS_FIELD_NUMBERS_OR_NULLS,
        .summary = "from 0 to 1; null where a test could not be made",
        .max = 1,
};
static const struct stats_field field_margin = {
        .name = "margin",
        .kind = STATS_FIELD_NUMBER,
        .summary = "what may be lost, in the unit of the differences, above 0",
        .max = DBL_MAX,
};
static const char *const worse_names[] = {"positive", "negative", NULL};
static const struct stats_field field_worse = {
        .name = "worse",
        .kind = STATS_FIELD_CHOICE,
        .summary = "the sign of A - B that is bad",
        .default_text = "\"positive\"",
        .choices = worse_names,
};
static const struct stats_field field_alpha_one_sided = {
        .name = "alpha",
        .kind = STATS_FIELD_NUMBER,
        .summary = "level of each one-sided test, between 0 and 0.5",
        .default_text = "0.025",
        .max = 0.5,
};
static const struct stats_field field_alpha = {
        .name = "alpha",
        .kind = STATS_FIELD_NUMBER,
        .summary = "level of the two-sided test, between 0 and 1",
        .default_text = "0.05",
        .max = 1,
};
static const struct stats_field field_effect = {
        .name = "effect", .kind = STATS_FIELD_NUMBER, .summary = "the true mean difference"};
static const struct stats_field field_deviation = {
        .name = "deviation",
        .kind = STATS_FIELD_NUMBER,
        .summary = "standard deviation of the differences, above 0",
        .max = DBL_MAX,
};
static const struct stats_field field_pairs_of_test = {
        .name = "pairs",
        .kind = STATS_FIELD_COUNT,
        .summary = "how many pairs, at least 2",
        .min = 2,
        .max = STATS_PAIRS_MAX,
};
static const struct stats_field field_power = {
        .name = "power",
        .kind = STATS_FIELD_NUMBER,
        .summary = "chance to find the effect, between alpha and 1",
        .default_text = "0.8",
        .max = 1,
};
static const struct stats_field field_half_width = {
        .name = "half_width",
        .kind = STATS_FIELD_NUMBER,
        .summary = "how far a limit may be from the mean, above 0",
        .max = DBL_MAX,
};
static const char *const plan_names[] = {"fixed", "sequential", NULL};
static const struct stats_field field_plan = {
        .name = "plan",
        .kind = STATS_FIELD_CHOICE,
        .summary = "the t interval at a fixed number of pairs, or the confidence sequence",
        .default_text = "\"fixed\"",
        .choices = plan_names,
};
static const struct stats_field field_hypotheses = {
        .name = "count",
        .kind = STATS_FIELD_COUNT,
        .summary = "how many intervals are to hold together, at least 1",
        .min = 1,
        .max = STATS_PAIRS_MAX,
};

#define FIELDS(...)                                                                                \
        (const struct stats_field *const[])                                                        \
        {                                                                                          \
                __VA_ARGS__, NULL                                                                  \
        }

/* ------------------------------------------------------------------------------------- methods */

static json_t *run_mean_t(const struct stats_argument *arguments, char *message,
                          size_t message_size)
{
        const struct stats_argument *values = stats_input_argument(arguments, "values");
        double confidence = stats_input_number(arguments, CONFIDENCE);
        struct stats_moments m = stats_moments(values->numbers, values->n);
        struct stats_interval mean = stats_mean_t(values->numbers, values->n, confidence);
        json_t *out = interval_answer("mean", &mean, confidence);

        (void)message, (void)message_size;
        put_number(out, "deviation", values->n >= 2, m.deviation);
        return out;
}

static json_t *run_ratio(const struct stats_argument *arguments, char *message, size_t message_size)
{
        const struct stats_argument *over = stats_input_argument(arguments, "numerators");
        const struct stats_argument *under = stats_input_argument(arguments, "denominators");
        const char *kind_name = stats_input_argument(arguments, "kind")->choice;
        double confidence = stats_input_number(arguments, CONFIDENCE);
        enum stats_ratio_kind kind = STATS_RATIO_PROPORTION;
        struct stats_ratio ratio;
        const char *method;
        json_t *out;
        size_t i;

        if (!stats_input_same_length(over, under, message, message_size))
                return NULL;
        while (strcmp(ratio_kinds[kind], kind_name))
                kind++;
        for (i = 0; i < over->n && kind != STATS_RATIO_PLAIN; i++) {
                if (over->numbers[i] < 0) {
                        stats_input_refuse(
                                message, message_size,
                                "numerators[%zu]: %.12g is below 0, which a %s cannot be", i,
                                over->numbers[i], kind_name);
                        return NULL;
                }
        }
        ratio = stats_ratio_jackknife(over->numbers, under->numbers, over->n, kind, confidence);
        method = stats_ratio_method_name(ratio.method);
        out = interval_answer("ratio", &ratio.interval, confidence);
        put_number(out, "numerator", true, ratio.numerator);
        put_number(out, "denominator", true, ratio.denominator);
        json_object_set_new(out, "limits_by", method ? json_string(method) : json_null());
        return out;
}

static json_t *run_share(const struct stats_argument *arguments, char *message, size_t message_size,
                         struct stats_interval (*share)(size_t k, size_t n, double confidence))
{
        size_t successes = stats_input_count(arguments, "successes"),
               trials = stats_input_count(arguments, "trials");
        double confidence = stats_input_number(arguments, CONFIDENCE);
        struct stats_interval interval;
        json_t *out;

        if (successes > trials) {
                stats_input_refuse(message, message_size,
                                   "successes: %zu is more than the %zu trials", successes, trials);
                return NULL;
        }
        interval = share(successes, trials, confidence);
        out = interval_answer("share", &interval, confidence);
        put_count(out, "count", successes);
        return out;
}

static json_t *run_clopper_pearson(const struct stats_argument *arguments, char *message,
                                   size_t message_size)
{
        return run_share(arguments, message, message_size, stats_clopper_pearson);
}

static json_t *run_wilson(const struct stats_argument *arguments, char *message,
                          size_t message_size)
{
        return run_share(arguments, message, message_size, stats_wilson);
}

static json_t *run_poisson_rate(const struct stats_argument *arguments, char *message,
                                size_t message_size)
{
        double confidence = stats_input_number(arguments, CONFIDENCE);
        double exposure = stats_input_number(arguments, "exposure");
        struct stats_interval rate =
                stats_poisson_rate(stats_input_count(arguments, "events"), exposure, confidence);
        json_t *out = interval_answer("rate", &rate, confidence);

        (void)message, (void)message_size;
        put_number(out, "exposure", true, exposure);
        return out;
}

static json_t *run_quantile(const struct stats_argument *arguments, char *message,
                            size_t message_size)
{
        const struct stats_argument *values = stats_input_argument(arguments, "values");
        double confidence = stats_input_number(arguments, CONFIDENCE),
               q = stats_input_number(arguments, "q");
        struct stats_interval interval;
        json_t *out;

        if (!stats_sample_quantile(values->numbers, values->n, q, confidence, &interval))
                return stats_input_no_memory(message, message_size);
        out = interval_answer("quantile", &interval, confidence);
        put_number(out, "q", true, q);
        put_count(out, "n_min", stats_quantile_n_min(q));
        return out;
}

/* The curve of times and ended; NULL with a message. */
static struct stats_survival *read_survival(const struct stats_argument *arguments, char *message,
                                            size_t message_size)
{
        const struct stats_argument *times = stats_input_argument(arguments, "times");
        const struct stats_argument *ended = stats_input_argument(arguments, "ended");
        struct stats_survival *survival;

        if (!stats_input_same_length(times, ended, message, message_size))
                return NULL;
        survival = stats_survival_create(times->numbers, ended->flags, times->n);
        if (!survival)
                stats_input_no_memory(message, message_size);
        return survival;
}

static json_t *run_kaplan_meier(const struct stats_argument *arguments, char *message,
                                size_t message_size)
{
        struct stats_survival *survival = read_survival(arguments, message, message_size);
        double confidence = stats_input_number(arguments, CONFIDENCE);
        const struct stats_survival_step *steps;
        struct stats_interval at;
        json_t *out, *list, *row;
        size_t step_count, i;

        if (!survival)
                return NULL;
        out = json_object();
        list = json_array();
        steps = stats_survival_steps(survival, &step_count);
        for (i = 0; i < step_count; i++) {
                at = stats_survival_at(survival, steps[i].time, confidence);
                row = json_object();
                put_number(row, "time", true, steps[i].time);
                put_count(row, "at_risk", steps[i].at_risk);
                put_count(row, "events", steps[i].events);
                put_number(row, "survival", at.has_value, at.value);
                put_number(row, "standard_error", true,
                           steps[i].survival * sqrt(steps[i].greenwood));
                put_number(row, "low", at.has_low, at.low);
                put_number(row, "high", at.has_high, at.high);
                json_array_append_new(list, row);
        }
        json_object_set_new(out, "steps", list);
        put_count(out, "n", stats_survival_n(survival));
        put_count(out, "count", stats_survival_events(survival));
        put_number(out, "confidence", true, confidence);
        stats_survival_destroy(survival);
        return out;
}

static json_t *run_restricted_mean(const struct stats_argument *arguments, char *message,
                                   size_t message_size)
{
        const struct stats_argument *times = stats_input_argument(arguments, "times");
        const struct stats_argument *clusters = stats_input_argument(arguments, "clusters");
        struct stats_survival *survival = read_survival(arguments, message, message_size);
        double confidence = stats_input_number(arguments, CONFIDENCE),
               tau = stats_input_number(arguments, "tau");
        struct stats_restricted_mean mean;
        json_t *out = NULL;

        if (!survival)
                return NULL;
        if (clusters->given) {
                if (!stats_input_same_length(times, clusters, message, message_size))
                        goto done;
                if (!stats_restricted_mean_clustered(
                            times->numbers, stats_input_argument(arguments, "ended")->flags,
                            clusters->counts, times->n, tau, confidence, &mean)) {
                        stats_input_no_memory(message, message_size);
                        goto done;
                }
        } else {
                mean = stats_survival_restricted_mean(survival, tau, confidence);
        }
        out = interval_answer("mean", &mean.interval, confidence);
        put_number(out, "standard_error", mean.standard_error > 0, mean.standard_error);
        put_number(out, "tau", mean.interval.has_value, mean.tau);
        put_count(out, "count", mean.events);
done:
        stats_survival_destroy(survival);
        return out;
}

static json_t *run_survival_quantile(const struct stats_argument *arguments, char *message,
                                     size_t message_size)
{
        struct stats_survival *survival = read_survival(arguments, message, message_size);
        double confidence = stats_input_number(arguments, CONFIDENCE),
               q = stats_input_number(arguments, "q");
        struct stats_interval interval;
        json_t *out;

        if (!survival)
                return NULL;
        interval = stats_survival_quantile(survival, q, confidence);
        out = interval_answer("quantile", &interval, confidence);
        put_number(out, "q", true, q);
        put_count(out, "n_min", stats_quantile_n_min(q));
        put_count(out, "count", stats_survival_events(survival));
        stats_survival_destroy(survival);
        return out;
}

/* The differences, given as such or as a and b: a new array, the caller's; NULL with a message. */
static double *read_differences(const struct stats_argument *arguments, size_t *n, char *message,
                                size_t message_size)
{
        const struct stats_argument *given = stats_input_argument(arguments, "differences");
        const struct stats_argument *a = stats_input_argument(arguments, "a"),
                                    *b = stats_input_argument(arguments, "b");
        double *differences;
        size_t i;

        if (given->given ? a->given || b->given : !a->given || !b->given) {
                stats_input_refuse(
                        message, message_size,
                        "differences: give either these, or both a and b, but not a mixture");
                return NULL;
        }
        if (!given->given && !stats_input_same_length(a, b, message, message_size))
                return NULL;
        *n = given->given ? given->n : a->n;
        differences = calloc(*n + 1, sizeof(*differences));
        if (!differences) {
                stats_input_no_memory(message, message_size);
                return NULL;
        }
        for (i = 0; i < *n; i++) {
                differences[i] = given->given ? given->numbers[i] : a->numbers[i] - b->numbers[i];
                if (!isfinite(differences[i])) {
                        stats_input_refuse(message, message_size,
                                           "a[%zu]: minus b[%zu] is too large a number", i, i);
                        free(differences);
                        return NULL;
                }
        }
        return differences;
}

static json_t *run_paired_t(const struct stats_argument *arguments, char *message,
                            size_t message_size)
{
        double confidence = stats_input_number(arguments, CONFIDENCE);
        struct stats_paired_t paired;
        size_t n;
        double *differences = read_differences(arguments, &n, message, message_size);
        json_t *out;

        if (!differences)
                return NULL;
        paired = stats_paired_t(differences, n, confidence);
        free(differences);
        out = interval_answer("difference", &paired.difference, confidence);
        put_number(out, "t", paired.has_test, paired.t);
        put_number(out, "p", paired.has_test, paired.p);
        put_number(out, "deviation", paired.has_test, paired.deviation);
        put_number(out, "standard_error", paired.has_test, paired.standard_error);
        json_object_set_new(out, "identical", json_boolean(paired.identical));
        return out;
}

static json_t *run_wilcoxon(const struct stats_argument *arguments, char *message,
                            size_t message_size)
{
        double confidence = stats_input_number(arguments, CONFIDENCE);
        struct stats_wilcoxon wilcoxon;
        size_t n;
        double *differences = read_differences(arguments, &n, message, message_size);
        json_t *out;
        bool ok;

        if (!differences)
                return NULL;
        ok = stats_wilcoxon(differences, n, confidence, &wilcoxon);
        free(differences);
        if (!ok)
                return stats_input_no_memory(message, message_size);
        out = interval_answer("shift", &wilcoxon.shift, confidence);
        put_number(out, "rank_sum_plus", true, wilcoxon.rank_sum_plus);
        put_number(out, "rank_sum_minus", true, wilcoxon.rank_sum_minus);
        put_count(out, "nonzero", wilcoxon.nonzero);
        put_number(out, "p", wilcoxon.has_p, wilcoxon.p);
        json_object_set_new(out, "exact", json_boolean(wilcoxon.exact));
        return out;
}

static json_t *run_sign_test(const struct stats_argument *arguments, char *message,
                             size_t message_size)
{
        double confidence = stats_input_number(arguments, CONFIDENCE);
        struct stats_sign_test sign;
        size_t n;
        double *differences = read_differences(arguments, &n, message, message_size);
        json_t *out;
        bool ok;

        if (!differences)
                return NULL;
        ok = stats_sign_test(differences, n, confidence, &sign);
        free(differences);
        if (!ok)
                return stats_input_no_memory(message, message_size);
        out = interval_answer("nonzero_mean", &sign.nonzero_mean, confidence);
        put_number(out, "nonzero_median", sign.nonzero_median.has_value, sign.nonzero_median.value);
        put_count(out, "plus", sign.plus);
        put_count(out, "zero", sign.zero);
        put_count(out, "minus", sign.minus);
        put_number(out, "p", sign.has_p, sign.p);
        return out;
}

static json_t *run_bca(const struct stats_argument *arguments, char *message, size_t message_size)
{
        double confidence = stats_input_number(arguments, CONFIDENCE);
        size_t replicates = stats_input_count(arguments, "replicates"), n;
        double *differences = read_differences(arguments, &n, message, message_size);
        struct stats_interval mean;
        json_t *out;
        bool ok;

        if (!differences)
                return NULL;
        ok = stats_bca_mean(differences, n, confidence, replicates,
                            (uint64_t)stats_input_number(arguments, "seed"), &mean);
        free(differences);
        if (!ok)
                return stats_input_no_memory(message, message_size);
        out = interval_answer("difference", &mean, confidence);
        put_count(out, "replicates", replicates);
        put_count(out, "n_min", STATS_BCA_N_MIN);
        return out;
}

static json_t *run_bca_limits(const struct stats_argument *arguments, char *message,
                              size_t message_size)
{
        const struct stats_argument *values = stats_input_argument(arguments, "values");
        const struct stats_argument *replicates =
                stats_input_argument(arguments, "replicate_means");
        double confidence = stats_input_number(arguments, CONFIDENCE);
        struct stats_interval mean = stats_bca_limits(
                values->numbers, values->n, replicates->numbers, replicates->n, confidence);
        json_t *out = interval_answer("mean", &mean, confidence);

        (void)message, (void)message_size;
        put_count(out, "replicates", replicates->n);
        return out;
}

static json_t *run_mcnemar(const struct stats_argument *arguments, char *message,
                           size_t message_size)
{
        size_t only_a = stats_input_count(arguments, "only_a"),
               only_b = stats_input_count(arguments, "only_b");
        size_t pairs = stats_input_count(arguments, "pairs");
        double confidence = stats_input_number(arguments, CONFIDENCE);
        struct stats_mcnemar mcnemar;
        json_t *out;

        if (only_a > pairs || only_b > pairs - only_a) {
                stats_input_refuse(message, message_size,
                                   "pairs: %zu is less than only_a and only_b together (%zu)",
                                   pairs, only_a + only_b);
                return NULL;
        }
        mcnemar = stats_mcnemar(only_a, only_b, pairs, confidence);
        out = interval_answer("difference", &mcnemar.difference, confidence);
        put_number(out, "p", mcnemar.has_p, mcnemar.p);
        return out;
}

static json_t *run_variance_ratio(const struct stats_argument *arguments, char *message,
                                  size_t message_size)
{
        const struct stats_argument *a = stats_input_argument(arguments, "a"),
                                    *b = stats_input_argument(arguments, "b");
        struct stats_interval ratio;
        json_t *out;

        if (!a->given || !b->given) {
                stats_input_refuse(message, message_size,
                                   "%s: missing; variance_ratio needs a and b",
                                   a->given ? "b" : "a");
                return NULL;
        }
        if (!stats_input_same_length(a, b, message, message_size))
                return NULL;
        if (!stats_variance_ratio(a->numbers, b->numbers, a->n, &ratio))
                return stats_input_no_memory(message, message_size);
        out = json_object();
        put_number(out, "ratio", ratio.has_value, ratio.value);
        put_count(out, "n", ratio.n);
        return out;
}

static json_t *run_adjustment(const struct stats_argument *arguments, char *message,
                              size_t message_size,
                              bool (*adjust)(const double *p, size_t n, double *adjusted))
{
        const struct stats_argument *p = stats_input_argument(arguments, "p_values");
        double *adjusted = calloc(p->n + 1, sizeof(*adjusted));
        json_t *out = NULL, *list;
        size_t there = 0, i;

        if (!adjusted || !adjust(p->numbers, p->n, adjusted)) {
                stats_input_no_memory(message, message_size);
                goto done;
        }
        out = json_object();
        list = json_array();
        for (i = 0; i < p->n; i++) {
                there += !isnan(adjusted[i]);
                json_array_append_new(list,
                                      isnan(adjusted[i]) ? json_null() : json_real(adjusted[i]));
        }
        json_object_set_new(out, "adjusted", list);
        put_count(out, "n", there);
done:
        free(adjusted);
        return out;
}

static json_t *run_holm(const struct stats_argument *arguments, char *message, size_t message_size)
{
        return run_adjustment(arguments, message, message_size, stats_holm);
}

static json_t *run_benjamini_hochberg(const struct stats_argument *arguments, char *message,
                                      size_t message_size)
{
        return run_adjustment(arguments, message, message_size, stats_benjamini_hochberg);
}

static json_t *run_simultaneous(const struct stats_argument *arguments, char *message,
                                size_t message_size)
{
        size_t hypotheses = stats_input_count(arguments, "count");
        json_t *out = json_object();

        (void)message, (void)message_size;
        put_number(out, "confidence_each", true,
                   stats_simultaneous_confidence(stats_input_number(arguments, CONFIDENCE),
                                                 hypotheses));
        put_count(out, "n", hypotheses);
        return out;
}

static json_t *margin_answer(const struct stats_margin_test *test, double margin, double alpha)
{
        json_t *out = interval_answer("difference", &test->difference, 1 - 2 * alpha);

        put_number(out, "margin", true, margin);
        put_number(out, "p", test->has_p, test->p);
        json_object_set_new(out, "holds", json_boolean(test->holds));
        return out;
}

static json_t *run_noninferiority(const struct stats_argument *arguments, char *message,
                                  size_t message_size)
{
        double margin = stats_input_number(arguments, "margin"),
               alpha = stats_input_number(arguments, "alpha");
        bool positive = !strcmp(stats_input_argument(arguments, "worse")->choice, "positive");
        struct stats_margin_test test;
        size_t n;
        double *differences = read_differences(arguments, &n, message, message_size);

        if (!differences)
                return NULL;
        test = stats_noninferiority(differences, n, margin,
                                    positive ? STATS_WORSE_IF_POSITIVE : STATS_WORSE_IF_NEGATIVE,
                                    alpha);
        free(differences);
        return margin_answer(&test, margin, alpha);
}

static json_t *run_equivalence(const struct stats_argument *arguments, char *message,
                               size_t message_size)
{
        double margin = stats_input_number(arguments, "margin"),
               alpha = stats_input_number(arguments, "alpha");
        struct stats_margin_test test;
        size_t n;
        double *differences = read_differences(arguments, &n, message, message_size);

        if (!differences)
                return NULL;
        test = stats_equivalence(differences, n, margin, alpha);
        free(differences);
        return margin_answer(&test, margin, alpha);
}

static json_t *run_power(const struct stats_argument *arguments, char *message, size_t message_size)
{
        size_t pairs = stats_input_count(arguments, "pairs");
        json_t *out = json_object();

        (void)message, (void)message_size;
        put_number(out, "power", true,
                   stats_paired_power(stats_input_number(arguments, "effect"),
                                      stats_input_number(arguments, "deviation"), pairs,
                                      stats_input_number(arguments, "alpha")));
        put_count(out, "n", pairs);
        return out;
}

static bool power_above_alpha(const struct stats_argument *arguments, char *message,
                              size_t message_size)
{
        double power = stats_input_number(arguments, "power"),
               alpha = stats_input_number(arguments, "alpha");

        if (power > alpha)
                return true;
        return stats_input_refuse(message, message_size, "power: %.12g is not above alpha (%.12g)",
                                  power, alpha);
}

static json_t *run_detectable_effect(const struct stats_argument *arguments, char *message,
                                     size_t message_size)
{
        size_t pairs = stats_input_count(arguments, "pairs");
        json_t *out;

        if (!power_above_alpha(arguments, message, message_size))
                return NULL;
        out = json_object();
        put_number(out, "effect", true,
                   stats_detectable_effect(stats_input_number(arguments, "deviation"), pairs,
                                           stats_input_number(arguments, "alpha"),
                                           stats_input_number(arguments, "power")));
        put_count(out, "n", pairs);
        return out;
}

static json_t *pairs_answer(bool found, size_t pairs)
{
        json_t *out = json_object();

        json_object_set_new(out, "pairs", found ? json_integer((json_int_t)pairs) : json_null());
        put_count(out, "pairs_max", STATS_PAIRS_MAX);
        return out;
}

static json_t *run_pairs_for_effect(const struct stats_argument *arguments, char *message,
                                    size_t message_size)
{
        size_t pairs = 0;
        bool found;

        if (!power_above_alpha(arguments, message, message_size))
                return NULL;
        found = stats_pairs_for_effect(stats_input_number(arguments, "effect"),
                                       stats_input_number(arguments, "deviation"),
                                       stats_input_number(arguments, "alpha"),
                                       stats_input_number(arguments, "power"), &pairs);
        return pairs_answer(found, pairs);
}

static json_t *run_pairs_for_half_width(const struct stats_argument *arguments, char *message,
                                        size_t message_size)
{
        bool sequential = !strcmp(stats_input_argument(arguments, "plan")->choice, "sequential");
        size_t pairs = 0;
        bool found;

        (void)message, (void)message_size;
        found = (sequential ? stats_sequence_pairs_for_half_width : stats_pairs_for_half_width)(
                stats_input_number(arguments, "half_width"),
                stats_input_number(arguments, "deviation"),
                stats_input_number(arguments, CONFIDENCE), &pairs);
        return pairs_answer(found, pairs);
}

static json_t *run_sequential(const struct stats_argument *arguments, char *message,
                              size_t message_size)
{
        double confidence = stats_input_number(arguments, CONFIDENCE), log_evidence = 0;
        struct stats_sequence sequence = {0};
        struct stats_interval interval;
        size_t n, i;
        double *differences = read_differences(arguments, &n, message, message_size);
        json_t *out;
        bool has_evidence;

        if (!differences)
                return NULL;
        for (i = 0; i < n; i++)
                stats_sequence_add(&sequence, differences[i]);
        free(differences);
        interval = stats_sequence_interval(&sequence, confidence);
        has_evidence = stats_sequence_log_evidence(&sequence, &log_evidence);
        out = interval_answer("difference", &interval, confidence);
        put_number(out, "log_evidence", has_evidence, log_evidence);
        put_number(out, "p", n > 0, stats_sequence_p(&sequence));
        return out;
}

static json_t *run_mser5(const struct stats_argument *arguments, char *message, size_t message_size)
{
        const struct stats_argument *values = stats_input_argument(arguments, "values");
        struct stats_warmup warmup = stats_mser5(values->numbers, values->n);
        json_t *out = json_object();

        (void)message, (void)message_size;
        json_object_set_new(out, "truncate",
                            warmup.found ? json_integer((json_int_t)warmup.truncate) : json_null());
        put_number(out, "statistic", warmup.found, warmup.statistic);
        put_number(out, "mean", warmup.mean.has_value, warmup.mean.value);
        put_count(out, "kept", warmup.mean.n);
        put_count(out, "n", values->n);
        return out;
}

#define DIFFERENCES &field_differences, &field_a, &field_b

static const struct stats_method methods[] = {
        {"mean_t", "mean with its t interval", FIELDS(&field_values, &field_confidence),
         run_mean_t},
        {"ratio", "total over total, with limits by a jackknife over clusters",
         FIELDS(&field_numerators, &field_denominators, &field_ratio_kind, &field_confidence),
         run_ratio},
        {"clopper_pearson", "share of trials with the exact interval",
         FIELDS(&field_successes, &field_trials, &field_confidence), run_clopper_pearson},
        {"wilson", "share of trials with the score interval",
         FIELDS(&field_successes, &field_trials, &field_confidence), run_wilson},
        {"poisson_rate", "events per unit of exposure with the exact interval",
         FIELDS(&field_events, &field_exposure, &field_confidence), run_poisson_rate},
        {"quantile", "sample quantile (type 7) with a distribution-free interval",
         FIELDS(&field_values, &field_q, &field_confidence), run_quantile},
        {"kaplan_meier", "survival curve of censored times, Greenwood limits (log-log)",
         FIELDS(&field_times, &field_ended, &field_confidence), run_kaplan_meier},
        {"restricted_mean", "mean of censored times up to a horizon, by Kaplan-Meier",
         FIELDS(&field_times, &field_ended, &field_clusters, &field_tau, &field_confidence),
         run_restricted_mean},
        {"survival_quantile", "quantile of censored times, by Kaplan-Meier",
         FIELDS(&field_times, &field_ended, &field_q, &field_confidence), run_survival_quantile},
        {"paired_t", "mean of paired differences, t test", FIELDS(DIFFERENCES, &field_confidence),
         run_paired_t},
        {"wilcoxon", "exact signed-rank test with the Hodges-Lehmann shift",
         FIELDS(DIFFERENCES, &field_confidence), run_wilcoxon},
        {"sign_test", "how often above and below 0, exact test, and the size of what is not 0",
         FIELDS(DIFFERENCES, &field_confidence), run_sign_test},
        {"bca", "mean of paired differences with BCa bootstrap limits",
         FIELDS(DIFFERENCES, &field_replicates, &field_seed, &field_confidence), run_bca},
        {"bca_limits", "BCa limits of a mean from resamplings made elsewhere",
         FIELDS(&field_values, &field_replicate_means, &field_confidence), run_bca_limits},
        {"mcnemar", "an event in one of each pair: exact test, Tango's limits of the difference",
         FIELDS(&field_only_a, &field_only_b, &field_pairs, &field_confidence), run_mcnemar},
        {"variance_ratio", "what pairing gained: (var A + var B) / var(A - B)",
         FIELDS(&field_a, &field_b), run_variance_ratio},
        {"holm", "p-values adjusted so that any false claim is unlikely", FIELDS(&field_p_values),
         run_holm},
        {"benjamini_hochberg", "p-values adjusted so that few claims are false",
         FIELDS(&field_p_values), run_benjamini_hochberg},
        {"simultaneous", "confidence of each of several intervals that hold together",
         FIELDS(&field_hypotheses, &field_confidence), run_simultaneous},
        {"noninferiority", "is the mean difference no worse than a margin",
         FIELDS(DIFFERENCES, &field_margin, &field_worse, &field_alpha_one_sided),
         run_noninferiority},
        {"equivalence", "is the mean difference within a margin, two one-sided tests",
         FIELDS(DIFFERENCES, &field_margin, &field_alpha_one_sided), run_equivalence},
        {"power", "chance of a paired t test to find an effect",
         FIELDS(&field_effect, &field_deviation, &field_pairs_of_test, &field_alpha), run_power},
        {"detectable_effect", "least difference that a paired t test finds",
         FIELDS(&field_deviation, &field_pairs_of_test, &field_alpha, &field_power),
         run_detectable_effect},
        {"pairs_for_effect", "fewest pairs with which a paired t test finds an effect",
         FIELDS(&field_effect, &field_deviation, &field_alpha, &field_power), run_pairs_for_effect},
        {"pairs_for_half_width", "fewest pairs for limits this close to the mean",
         FIELDS(&field_half_width, &field_deviation, &field_plan, &field_confidence),
         run_pairs_for_half_width},
        {"sequential", "confidence sequence of the mean difference, valid at every look",
         FIELDS(DIFFERENCES, &field_confidence), run_sequential},
        {"mser5", "how many values to drop as warm-up", FIELDS(&field_values), run_mser5},
};

enum { METHOD_COUNT = sizeof(methods) / sizeof(methods[0]) };

/* -------------------------------------------------------------------------------------- lookup */

const struct stats_method *stats_method_at(size_t index)
{
        return index < METHOD_COUNT ? &methods[index] : NULL;
}

/* Edits (insert, drop, replace) that make one short name of another. */
static size_t edit_distance(const char *one, const char *other)
{
        size_t row[32], length = strlen(other), i, j, diagonal, above;

        assert(length < 32);
        for (j = 0; j <= length; j++)
                row[j] = j;
        for (i = 0; one[i]; i++) {
                diagonal = row[0];
                row[0] = i + 1;
                for (j = 1; j <= length; j++) {
                        above = row[j];
                        row[j] = diagonal + (one[i] != other[j - 1]);
                        if (above + 1 < row[j])
                                row[j] = above + 1;
                        if (row[j - 1] + 1 < row[j])
                                row[j] = row[j - 1] + 1;
                        diagonal = above;
                }
        }
        return row[length];
}

static const char *nearest_name(const char *name)
{
        size_t best = 0, least = SIZE_MAX, distance, i;

        for (i = 0; i < METHOD_COUNT; i++) {
                distance = edit_distance(name, methods[i].name);
                if (distance < least) {
                        least = distance;
                        best = i;
                }
        }
        return methods[best].name;
}

int stats_method_run(const char *name, const json_t *input, json_t **out, char *message,
                     size_t message_size)
{
        struct stats_argument arguments[STATS_FIELDS_MAX + 1] = {0};
        const struct stats_method *method = NULL;
        size_t i;

        *out = NULL;
        if (message_size)
                message[0] = '\0';
        for (i = 0; i < METHOD_COUNT; i++) {
                if (!strcmp(methods[i].name, name))
                        method = &methods[i];
        }
        if (!method) {
                stats_input_refuse(message, message_size, "no method named '%.40s' (nearest: '%s')",
                                   name, nearest_name(name));
                return -1;
        }
        if (stats_input_read(method, input, arguments, message, message_size))
                *out = method->run(arguments, message, message_size);
        if (!*out && message_size && message[0] == '\0') /* JSON itself found no memory */
                stats_input_no_memory(message, message_size);
        stats_input_release(arguments);
        return *out ? 0 : -1;
}
