/* paired.h - is A different from B, when both ran on the same seeds?
 *
 * Every test here looks at the differences d[i] = A - B, one for each seed. A positive difference
 * means that A's number is the larger; what is better is the caller's business. Swapping A and B
 * negates every difference, t and limit exactly and leaves every p the same to the last bit.
 *
 * All d exactly 0 is `identical`: difference 0 with limits 0 and 0, t = 0, p = 1. All d equal but
 * not 0 shows no spread: the difference stands without limits, t or p. What is missing has its
 * has_ flag false and is 0; nothing is ever NaN.
 *
 * p-values are two-sided. wilcoxon.h and bootstrap.h have the tests that assume less.
 */
#ifndef CHAOS_STATS_PAIRED_H
#define CHAOS_STATS_PAIRED_H

#include <stdbool.h>
#include <stddef.h>

#include "reports/stats/interval.h"

struct stats_paired_t {
        struct stats_interval difference; /* mean of d; n = pairs */
        double deviation;                 /* sample standard deviation of d */
        double standard_error;
        double t, p; /* t on n - 1 degrees */
        bool has_test;
        bool identical; /* n >= 1 and every d exactly 0 */
};

/* The paired t test of mean difference 0. No test and no limits for n < 2. */
struct stats_paired_t stats_paired_t(const double *differences, size_t n, double confidence);

struct stats_sign_test {
        size_t plus, zero, minus;             /* how many d are above, at, below 0 */
        double p;                             /* exact, zeros left out; 1 when all are 0 */
        bool has_p;                           /* n >= 1 */
        struct stats_interval nonzero_mean;   /* of the d that are not 0; n = how many */
        struct stats_interval nonzero_median; /* value only */
};

/* Counts signs and sizes up what is not 0. For metrics where most pairs agree exactly, mean and
 * ranks say little: how often and, then, by how much. False when memory is short. */
bool stats_sign_test(const double *differences, size_t n, double confidence,
                     struct stats_sign_test *out);

struct stats_mcnemar {
        struct stats_interval difference; /* (only_a - only_b) / pairs; n = pairs */
        double p;                         /* exact: binomial on the discordant pairs */
        bool has_p;                       /* pairs >= 1 */
};

/* An event that a run has or has not (a collapse): `only_a` pairs where only A had it, `only_b`
 * where only B had it, of `pairs` >= only_a + only_b. The limits are Tango's score limits (1998),
 * which stay right when no pair disagrees: 0 and 0 of 30 leave -0.114 to 0.114 at 0.95. */
struct stats_mcnemar stats_mcnemar(size_t only_a, size_t only_b, size_t pairs, double confidence);

/* What common random numbers saved: (var A + var B) / var(A - B), the factor by which independent
 * runs would have needed more pairs. Value only; missing when the differences have no spread or
 * n < 2. False when memory is short. */
bool stats_variance_ratio(const double *a, const double *b, size_t n, struct stats_interval *out);

#endif
