/* bootstrap.h - BCa limits for a mean difference: what the data's own shape says about its mean.
 *
 * Pairs are drawn again with replacement many times, and the limits are quantiles of the means so
 * got, moved for bias and skew (Efron 1987, "bias-corrected and accelerated"). Unlike t limits they
 * may lie unevenly around the mean, as skewed costs ask for. Shown from STATS_BCA_N_MIN pairs on;
 * with fewer the tails are not in the data.
 *
 * Draws come from a counter-based generator (Philox 2x64), keyed by `seed`, counted by (replicate,
 * draw): no state, the same on every machine, and negating the data negates the limits exactly.
 */
#ifndef CHAOS_STATS_BOOTSTRAP_H
#define CHAOS_STATS_BOOTSTRAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reports/stats/interval.h"

enum {
        STATS_BCA_N_MIN = 50,
        STATS_BCA_REPLICATES = 9999, /* the usual number: 0.025 (9999 + 1) is whole */
};

/* Mean of n values with BCa limits from `replicates` >= 99 resamplings. Without limits for
 * n < STATS_BCA_N_MIN or values without spread; all exactly 0 with n >= 2 give 0 to 0. `n` =
 * values. O(n replicates). False when memory is short. */
bool stats_bca_mean(const double *values, size_t n, double confidence, size_t replicates,
                    uint64_t seed, struct stats_interval *out);

/* The last step alone: BCa limits of the mean of `values` from given means of resamplings, which
 * are sorted in place. Quantiles between two replicates are interpolated on the normal scale. */
struct stats_interval stats_bca_limits(const double *values, size_t n, double *replicates,
                                       size_t replicate_count, double confidence);

#endif
