/* sample.h - what a list of numbers says about itself: sum, mean, spread, order, quantiles.
 *
 * Sums are compensated and run in index order, so they neither depend on the compiler nor lose
 * digits when a million small values meet a large one. Negating every value negates every sum,
 * mean and quantile exactly; the comparisons of two strategies rely on that.
 *
 * Values must be finite. Nothing is kept and the input is never changed.
 */
#ifndef CHAOS_STATS_SAMPLE_H
#define CHAOS_STATS_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>

struct stats_moments {
        size_t n;
        double mean;           /* 0 when n = 0 */
        double squares;        /* sum of squared deviations from the mean */
        double deviation;      /* sample standard deviation, 0 when n < 2 */
        double standard_error; /* of the mean, 0 when n < 2 */
        bool has_spread;       /* n >= 2 and the values differ by more than rounding */
};

/* Neumaier's compensated sum; 0 for none. */
double stats_sum(const double *values, size_t n);

/* Mean and spread. Values all equal, or equal up to rounding (standard error below ten units in
 * the last place of the mean), have no spread: nothing can be divided by it. */
struct stats_moments stats_moments(const double *values, size_t n);

/* Sorts ascending, in place. Equal values keep no order, -0 and 0 are equal. */
void stats_sort(double *values, size_t n);

/* The q-quantile (0 <= q <= 1) of n >= 1 values that are sorted ascending, interpolated between
 * order statistics at (n - 1) q: Hyndman and Fan's type 7, R's default. */
double stats_sorted_quantile(const double *sorted, size_t n, double q);

/* The least n with n (1 - q) >= 10, the number of values below which a q-quantile is not shown:
 * 20 for the median, 1000 for the 99th percentile. 0 <= q < 1. */
size_t stats_quantile_n_min(double q);

/* Ranks of the values, 1 for the least, tied values sharing the mean of their ranks; written to
 * `ranks[0..n)`. False when memory is short. */
bool stats_midranks(const double *values, size_t n, double *ranks);

#endif
