/* interval.c - means, proportions, rates, ratios of totals and quantiles with their intervals.
 *
 * The jackknife of a ratio needs no second pass over the events: leaving out cluster i is
 * (N - n_i) / (D - d_i). Its spread is that of these n quotients.
 *
 * Each interval has one place that turns numbers into limits (stats_interval_around or limit_*),
 * and there whatever is not finite becomes missing.
 *
 * Not here: intervals of survival curves (survival.c) and of differences (paired.c).
 */
#include "reports/stats/interval.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/stats/distribution.h"
#include "reports/stats/sample.h"

struct stats_interval stats_interval_value_only(double value, size_t n)
{
        struct stats_interval out = {.n = n};

        if (isfinite(value)) {
                out.value = value;
                out.has_value = true;
        }
        return out;
}

static void set_low(struct stats_interval *interval, double low)
{
        interval->has_low = interval->has_value && isfinite(low);
        interval->low = interval->has_low ? low : 0;
}

static void set_high(struct stats_interval *interval, double high)
{
        interval->has_high = interval->has_value && isfinite(high);
        interval->high = interval->has_high ? high : 0;
}

struct stats_interval stats_interval_around(double value, double half, size_t n)
{
        struct stats_interval out = stats_interval_value_only(value, n);

        set_low(&out, value - half);
        set_high(&out, value + half);
        return out;
}

void stats_interval_clamp(struct stats_interval *interval, double low, double high)
{
        if (interval->has_low)
                interval->low = fmin(fmax(interval->low, low), high);
        if (interval->has_high)
                interval->high = fmin(fmax(interval->high, low), high);
}

static double upper_of(double confidence)
{
        assert(confidence > 0 && confidence < 1);
        return (1 - confidence) / 2;
}

struct stats_interval stats_mean_t(const double *values, size_t n, double confidence)
{
        struct stats_moments m = stats_moments(values, n);
        double upper = upper_of(confidence);

        if (n == 0)
                return (struct stats_interval){.n = 0};
        if (!m.has_spread)
                return stats_interval_value_only(m.mean, n);
        return stats_interval_around(
                m.mean, stats_t_quantile_upper(upper, (double)(n - 1)) * m.standard_error, n);
}

/* Exact limits for `k` of `n`, which the jackknife's fallback has as doubles. */
static struct stats_interval clopper_pearson(double k, double n, double confidence)
{
        struct stats_interval out = stats_interval_value_only(k / n, 0);
        double upper = upper_of(confidence);

        set_low(&out, k <= 0 ? 0 : stats_beta_quantile_lower(upper, k, n - k + 1));
        set_high(&out, k >= n ? 1 : stats_beta_quantile_upper(upper, k + 1, n - k));
        return out;
}

struct stats_interval stats_clopper_pearson(size_t k, size_t n, double confidence)
{
        struct stats_interval out = {.n = n};

        assert(k <= n);
        if (n == 0)
                return out;
        out = clopper_pearson((double)k, (double)n, confidence);
        out.n = n;
        return out;
}

struct stats_interval stats_wilson(size_t k, size_t n, double confidence)
{
        struct stats_interval out = {.n = n};
        double z = stats_normal_quantile_upper(upper_of(confidence));
        double trials = (double)n, share, centre, half;

        assert(k <= n);
        if (n == 0)
                return out;
        share = (double)k / trials;
        centre = ((double)k + z * z / 2) / (trials + z * z);
        half = z / (trials + z * z) * sqrt((double)k * (double)(n - k) / trials + z * z / 4);
        out = stats_interval_value_only(share, n);
        set_low(&out, k == 0 ? 0 : centre - half);
        set_high(&out, k == n ? 1 : centre + half);
        return out;
}

static struct stats_interval poisson_rate(double count, double exposure, double confidence)
{
        struct stats_interval out = stats_interval_value_only(count / exposure, 0);
        double upper = upper_of(confidence);

        set_low(&out, count <= 0 ? 0 : stats_gamma_quantile_lower(upper, count) / exposure);
        set_high(&out, stats_gamma_quantile_upper(upper, count + 1) / exposure);
        return out;
}

struct stats_interval stats_poisson_rate(size_t count, double exposure, double confidence)
{
        struct stats_interval out = {.n = count};

        assert(exposure >= 0);
        if (exposure == 0)
                return out;
        out = poisson_rate((double)count, exposure, confidence);
        out.n = count;
        return out;
}

/* ---------------------------------------------------------------------------- ratio of totals */

static bool has_data(double numerator, double denominator)
{
        return numerator != 0 || denominator != 0;
}

/* Standard error of the ratio over the clusters with data; 0 where the clusters show no spread or
 * one of them holds the whole denominator. */
static double jackknife_error(const double *numerators, const double *denominators, size_t n,
                              const struct stats_ratio *ratio)
{
        double clusters = (double)ratio->interval.n;
        double without, off, sum = 0, squares = 0;
        size_t i;

        for (i = 0; i < n; i++) {
                if (!has_data(numerators[i], denominators[i]))
                        continue;
                without =
                        (ratio->numerator - numerators[i]) / (ratio->denominator - denominators[i]);
                if (!isfinite(without))
                        return 0;
                off = without - ratio->interval.value;
                sum += off;
                squares += off * off;
        }
        squares -= sum * sum / clusters;
        if (squares <= 0)
                return 0;
        return sqrt(squares * (clusters - 1) / clusters);
}

static void jackknife_limits(struct stats_ratio *ratio, double error, double confidence)
{
        double t = stats_t_quantile_upper(upper_of(confidence), (double)(ratio->interval.n - 1));

        ratio->interval =
                stats_interval_around(ratio->interval.value, t * error, ratio->interval.n);
        ratio->method = STATS_RATIO_BY_JACKKNIFE;
}

/* Limits as if every event were independent, where the kind has such. */
static void exact_limits(struct stats_ratio *ratio, enum stats_ratio_kind kind, double confidence)
{
        size_t n = ratio->interval.n;

        if (kind == STATS_RATIO_PROPORTION && ratio->numerator <= ratio->denominator) {
                ratio->interval = clopper_pearson(ratio->numerator, ratio->denominator, confidence);
                ratio->method = STATS_RATIO_BY_CLOPPER_PEARSON;
        } else if (kind == STATS_RATIO_RATE) {
                ratio->interval = poisson_rate(ratio->numerator, ratio->denominator, confidence);
                ratio->method = STATS_RATIO_BY_POISSON;
        }
        ratio->interval.n = n;
}

struct stats_ratio stats_ratio_jackknife(const double *numerators, const double *denominators,
                                         size_t n, enum stats_ratio_kind kind, double confidence)
{
        struct stats_ratio ratio = {.numerator = stats_sum(numerators, n),
                                    .denominator = stats_sum(denominators, n)};
        size_t clusters = 0, i;
        double error = 0;

        for (i = 0; i < n; i++)
                clusters += has_data(numerators[i], denominators[i]);
        ratio.interval.n = clusters;
        if (!(ratio.denominator > 0))
                return ratio;
        ratio.interval = stats_interval_value_only(ratio.numerator / ratio.denominator, clusters);
        if (clusters > 1)
                error = jackknife_error(numerators, denominators, n, &ratio);
        if (error > 1e-14 * fabs(ratio.interval.value))
                jackknife_limits(&ratio, error, confidence);
        else
                exact_limits(&ratio, kind, confidence);
        if (kind == STATS_RATIO_PROPORTION || kind == STATS_RATIO_SHARE)
                stats_interval_clamp(&ratio.interval, 0, 1);
        else if (kind == STATS_RATIO_RATE)
                stats_interval_clamp(&ratio.interval, 0, HUGE_VAL);
        return ratio;
}

const char *stats_ratio_method_name(enum stats_ratio_method method)
{
        static const char *const names[] = {
                [STATS_RATIO_BY_NOTHING] = NULL,
                [STATS_RATIO_BY_JACKKNIFE] = "jackknife",
                [STATS_RATIO_BY_CLOPPER_PEARSON] = "clopper_pearson",
                [STATS_RATIO_BY_POISSON] = "poisson",
        };

        return names[method];
}

/* ---------------------------------------------------------------------------- sample quantile */

/* The number of order statistics below the low limit: the largest l with P(K < l) <= upper, where
 * K, the number of values below the quantile, is binomial(n, q). The l-th order statistic is then
 * the limit; 0 means there is none. */
static size_t order_of_limit(size_t n, double q, double upper)
{
        size_t low = 0, high = n, middle; /* P(K < low) <= upper < P(K < high + 1) */

        while (low < high) {
                middle = low + (high - low + 1) / 2;
                if (stats_binomial_lower_tail(middle - 1, n, q) <= upper)
                        low = middle;
                else
                        high = middle - 1;
        }
        return low;
}

bool stats_sample_quantile(const double *values, size_t n, double q, double confidence,
                           struct stats_interval *out)
{
        double upper = upper_of(confidence);
        double *sorted;
        size_t order;

        assert(q > 0 && q < 1);
        *out = (struct stats_interval){.n = n};
        if (n < stats_quantile_n_min(q))
                return true;
        sorted = malloc(n * sizeof(*sorted));
        if (!sorted)
                return false;
        memcpy(sorted, values, n * sizeof(*sorted));
        stats_sort(sorted, n);
        *out = stats_interval_value_only(stats_sorted_quantile(sorted, n, q), n);
        order = order_of_limit(n, q, upper);
        if (order > 0)
                set_low(out, sorted[order - 1]);
        order = order_of_limit(n, 1 - q, upper);
        if (order > 0)
                set_high(out, sorted[n - order]);
        free(sorted);
        return true;
}
