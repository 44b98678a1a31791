/* harness/base/dist.h - distributions of durations, one uniform a variate.
 *
 * Every variate comes from one uniform by inversion, so that common random
 * numbers stay in step: exponential, uniform, Weibull, Pareto by formula (with
 * det_log and det_exp, never libm's), empirical by picking a value, the others
 * from a quantile table made once by dist_prepare(). A table is monotone and
 * continuous, its error <= 1e-6 of the mean, tails included.
 *
 * A distribution is plain data. dist_prepare() must have been called before
 * dist_sample_ns(); both are pure afterwards and may be shared by threads.
 */
#ifndef CHAOS_BASE_DIST_H
#define CHAOS_BASE_DIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/detmath.h"

struct arena;

enum dist_kind {
        DIST_CONSTANT,         /* a_ns */
        DIST_EXPONENTIAL,      /* a_ns = mean */
        DIST_LOGNORMAL,        /* mu, sigma of the logarithm (of ns) in p, q */
        DIST_UNIFORM,          /* a_ns = min, b_ns = max */
        DIST_NORMAL,           /* a_ns = mean, b_ns = sd; cut at 0 */
        DIST_GAMMA,            /* a_ns = mean, p = shape (1 / cv^2) */
        DIST_WEIBULL,          /* a_ns = scale, p = shape */
        DIST_PARETO,           /* a_ns = min, p = alpha (> 1) */
        DIST_ERLANG,           /* a_ns = mean, p = k */
        DIST_HYPEREXPONENTIAL, /* branches */
        DIST_EMPIRICAL,        /* values_ns, sorted on preparing; each equally likely */
};

struct dist_table;

struct dist_branch {
        double probability;
        double mean_ns;
};

struct dist {
        enum dist_kind kind;
        double a_ns, b_ns;
        double p, q;
        const struct dist_branch *branches;
        size_t branch_count;
        double *values_ns;
        size_t value_count;
        const struct dist_table *table; /* set by dist_prepare() where the kind needs one */
};

static inline struct dist dist_constant(int64_t ns)
{
        return (struct dist){.kind = DIST_CONSTANT, .a_ns = (double)ns};
}

/* Makes the table, in `arena`, which must outlive `dist`, and sorts `values_ns`
 * in place. `branches` and `values_ns` stay the caller's and must outlive `dist`
 * too. False when memory is out. Parameters were checked by whoever read them:
 * finite, shapes and means > 0, at least one branch or value, probabilities
 * >= 0 with a sum > 0 (they are taken as shares of it). */
bool dist_prepare(struct dist *dist, struct arena *arena);

/* The value below which a share `u` (0 < u < 1) lies, in ns, >= 0. */
double dist_quantile_ns(const struct dist *dist, double u);

/* The exact mean in ns (of the normal: after the cut at 0). */
double dist_mean_ns(const struct dist *dist);

/* Squared coefficient of variation, exact; for Pollaczek-Khinchine tests.
 * Infinity where the variance is. */
double dist_scv(const struct dist *dist);

/* dist_quantile_ns() rounded to the nearest ns and kept below 1e18. */
int64_t dist_sample_any_ns(const struct dist *dist, double u);

#define DIST_SAMPLE_NS_MAX 1e18

/* `ns` >= 0. */
static inline int64_t dist_round_ns(double ns)
{
        int64_t whole;

        if (!(ns < DIST_SAMPLE_NS_MAX))
                return (int64_t)DIST_SAMPLE_NS_MAX;
        whole = (int64_t)ns;
        return whole + (ns - (double)whole >= 0.5);
}

/* Of an exponential one, from the logarithm of 1 - u. */
static inline int64_t dist_exponential_ns(const struct dist *dist, double log_rest)
{
        return dist_round_ns(-dist->a_ns * log_rest);
}

static inline int64_t dist_sample_ns(const struct dist *dist, double u)
{
        /* The usual one, and most of the cost of a simulated hop: without detours. */
        if (dist->kind == DIST_EXPONENTIAL)
                return dist_exponential_ns(dist, det_log(1 - u));
        return dist_sample_any_ns(dist, u);
}

#endif
