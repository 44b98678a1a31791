/* interval.h - an estimate and the interval around it.
 *
 * Every estimate comes as a value with two limits, each of which may be missing: a mean of nothing
 * has no value, a single run no interval, a median that was reached while its upper limit was not
 * has only a lower one. What is missing is 0 in the struct and null in any output; no field is
 * ever NaN or infinite. `n` is what the estimate rests on and is printed beside it.
 *
 * `confidence` is two-sided, strictly between 0 and 1: 0.95 leaves 2.5 % on each side. One limit
 * of a 0.95 interval is thus a one-sided limit at 0.975.
 *
 * Pure functions; no state. The ones that need memory (noted) return false when there is none.
 */
#ifndef CHAOS_STATS_INTERVAL_H
#define CHAOS_STATS_INTERVAL_H

#include <stdbool.h>
#include <stddef.h>

struct stats_interval {
        double value, low, high;
        bool has_value, has_low, has_high;
        size_t n; /* values, clusters, trials or events: each function says which */
};

/* A value with limits at value - half and value + half. A part that is not finite is missing; a
 * missing value has no limits. */
struct stats_interval stats_interval_around(double value, double half, size_t n);

/* A value without limits; missing if not finite. */
struct stats_interval stats_interval_value_only(double value, size_t n);

/* Cuts the limits to [low, high], for what cannot be outside by its meaning. */
void stats_interval_clamp(struct stats_interval *interval, double low, double high);

/* Mean of n finite values with its t interval. No value for n = 0; no limits for n = 1 or when all
 * values are the same (no spread seen: the interval would claim certainty). */
struct stats_interval stats_mean_t(const double *values, size_t n, double confidence);

/* k successes of n trials, k <= n: the share with Clopper and Pearson's exact interval. The limit
 * on the side that was never seen is the exact one of the two-sided interval: 0 of 30 has
 * high = 1 - 0.025^(1/30) = 0.116. No value for n = 0. `n` = trials. */
struct stats_interval stats_clopper_pearson(size_t k, size_t n, double confidence);

/* The same with Wilson's score interval: shorter, right on average instead of in every case. */
struct stats_interval stats_wilson(size_t k, size_t n, double confidence);

/* `count` events in `exposure` > 0 (hours, weeks): events per unit with the exact Poisson interval.
 * 0 events have high = 3.689 / exposure at 0.95. No value when exposure is 0. `n` = count. */
struct stats_interval stats_poisson_rate(size_t count, double exposure, double confidence);

/* What a ratio of totals is made of; decides its bounds and what replaces the jackknife when the
 * clusters show no spread. */
enum stats_ratio_kind {
        STATS_RATIO_PROPORTION, /* events among events, 0..1; else Clopper-Pearson */
        STATS_RATIO_RATE,       /* events per exposure, >= 0; else exact Poisson */
        STATS_RATIO_SHARE,      /* a share of time or money, 0..1; else no limits */
        STATS_RATIO_PLAIN,      /* any other quotient; else no limits */
};

enum stats_ratio_method {
        STATS_RATIO_BY_NOTHING, /* no limits */
        STATS_RATIO_BY_JACKKNIFE,
        STATS_RATIO_BY_CLOPPER_PEARSON,
        STATS_RATIO_BY_POISSON,
};

struct stats_ratio {
        struct stats_interval interval; /* n = clusters with data */
        double numerator, denominator;  /* the totals */
        enum stats_ratio_method method; /* where the limits come from */
};

/* Total of numerators over total of denominators, where entry i comes from one cluster (one seed).
 *
 * Clusters where both are 0 have no data and are left out. The limits are those of the jackknife
 * that leaves out one cluster at a time, with t on n - 1 degrees, cut to the bounds of `kind`;
 * what happens within a cluster may be as dependent as it likes. With one cluster, or no spread
 * over the clusters, the totals are taken as independent events and the exact limits of `kind`
 * apply; `method` says so. No value when the total denominator is 0.
 *
 * Denominators must be >= 0 and numerators of a PROPORTION, RATE or SHARE too. */
struct stats_ratio stats_ratio_jackknife(const double *numerators, const double *denominators,
                                         size_t n, enum stats_ratio_kind kind, double confidence);

/* "jackknife", "clopper_pearson", "poisson", or NULL for no limits. */
const char *stats_ratio_method_name(enum stats_ratio_method method);

/* The q-quantile (0 < q < 1) of the sample, type 7, with the distribution-free interval between
 * two order statistics that covers at least `confidence` with at least half the error on either
 * side; a limit that no order statistic reaches is missing. No value below
 * stats_quantile_n_min(q) values. Allocates; false when memory is short. */
bool stats_sample_quantile(const double *values, size_t n, double q, double confidence,
                           struct stats_interval *out);

#endif
