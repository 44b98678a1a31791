/* paired.c - paired t, sign test, exact McNemar, variance ratio.
 *
 * Symmetry under swapping A and B is by construction: sums and moments negate exactly, p-values
 * are taken of |t| or of the smaller count, and McNemar's lower limit is minus the upper limit of
 * the swapped table.
 */
#include "reports/stats/paired.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "reports/stats/distribution.h"
#include "reports/stats/sample.h"

static bool all_zero(const double *values, size_t n)
{
        size_t i;

        for (i = 0; i < n; i++) {
                if (values[i] != 0)
                        return false;
        }
        return n > 0;
}

struct stats_paired_t stats_paired_t(const double *differences, size_t n, double confidence)
{
        struct stats_paired_t out = {.difference = stats_mean_t(differences, n, confidence),
                                     .identical = all_zero(differences, n)};
        struct stats_moments m = stats_moments(differences, n);

        if (out.identical) {
                out.has_test = n >= 2;
                out.p = out.has_test ? 1 : 0;
                out.difference = out.has_test ? stats_interval_around(0, 0, n)
                                              : stats_interval_value_only(0, n);
                return out;
        }
        if (!out.difference.has_low || !m.has_spread)
                return out;
        out.deviation = m.deviation;
        out.standard_error = m.standard_error;
        out.t = m.mean / m.standard_error;
        out.p = stats_t_two_sided(out.t, (double)(n - 1));
        out.has_test = true;
        return out;
}

/* Two-sided p of `fewer` against `more` under a fair coin. */
static double fair_coin_p(size_t one, size_t other)
{
        size_t fewer = one < other ? one : other;

        return fmin(2 * stats_binomial_lower_tail(fewer, one + other, 0.5), 1);
}

bool stats_sign_test(const double *differences, size_t n, double confidence,
                     struct stats_sign_test *out)
{
        double *nonzero = calloc(n + 1, sizeof(*nonzero));
        size_t kept = 0, i;

        *out = (struct stats_sign_test){.has_p = n > 0};
        if (!nonzero)
                return false;
        for (i = 0; i < n; i++) {
                out->plus += differences[i] > 0;
                out->minus += differences[i] < 0;
                if (differences[i] != 0)
                        nonzero[kept++] = differences[i];
        }
        out->zero = n - kept;
        if (out->has_p)
                out->p = fair_coin_p(out->plus, out->minus);
        out->nonzero_mean = stats_mean_t(nonzero, kept, confidence);
        if (kept) {
                stats_sort(nonzero, kept);
                out->nonzero_median =
                        stats_interval_value_only(stats_sorted_quantile(nonzero, kept, 0.5), kept);
        }
        free(nonzero);
        return true;
}

/* Tango's score statistic for a true difference `delta` of the shares. */
static double tango_score(double only_a, double only_b, double pairs, double delta)
{
        double linear = -only_a - only_b + (2 * pairs - only_a + only_b) * delta;
        double constant = -only_b * delta * (1 - delta);
        double root = sqrt(fmax(linear * linear - 8 * pairs * constant, 0));
        double share_b; /* of the only-B cell, the larger root of 2 n q^2 + linear q + constant */
        double variance;

        if (linear > 0)
                share_b = root + linear > 0 ? -2 * constant / (root + linear) : 0;
        else
                share_b = (root - linear) / (4 * pairs);
        variance = pairs * (2 * share_b + delta * (1 - delta));
        if (!(variance > 0))
                return only_a - only_b < pairs * delta ? -HUGE_VAL : HUGE_VAL;
        return (only_a - only_b - pairs * delta) / sqrt(variance);
}

static double tango_upper(double only_a, double only_b, double pairs, double z)
{
        double low = (only_a - only_b) / pairs, high = 1, middle;

        while (true) {
                middle = low + (high - low) / 2;
                if (!(middle > low && middle < high))
                        return middle;
                if (tango_score(only_a, only_b, pairs, middle) > -z)
                        low = middle;
                else
                        high = middle;
        }
}

struct stats_mcnemar stats_mcnemar(size_t only_a, size_t only_b, size_t pairs, double confidence)
{
        struct stats_mcnemar out = {.difference.n = pairs};
        double a = (double)only_a, b = (double)only_b, n = (double)pairs;
        double z;

        assert(confidence > 0 && confidence < 1 && only_a <= pairs && only_b <= pairs - only_a);
        if (pairs == 0)
                return out;
        z = stats_normal_quantile_upper((1 - confidence) / 2);
        out.difference = stats_interval_value_only((a - b) / n, pairs);
        out.difference.low = -tango_upper(b, a, n, z);
        out.difference.high = tango_upper(a, b, n, z);
        out.difference.has_low = out.difference.has_high = true;
        out.p = fair_coin_p(only_a, only_b);
        out.has_p = true;
        return out;
}

bool stats_variance_ratio(const double *a, const double *b, size_t n, struct stats_interval *out)
{
        double *differences = malloc((n ? n : 1) * sizeof(*differences));
        struct stats_moments of_d;
        size_t i;

        *out = (struct stats_interval){.n = n};
        if (!differences)
                return false;
        for (i = 0; i < n; i++)
                differences[i] = a[i] - b[i];
        of_d = stats_moments(differences, n);
        if (of_d.has_spread)
                *out = stats_interval_value_only(
                        (stats_moments(a, n).squares + stats_moments(b, n).squares) / of_d.squares,
                        n);
        free(differences);
        return true;
}
