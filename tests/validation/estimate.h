/* tests/validation/estimate.h - a claim about a mean, judged by its own spread.
 *
 * Replications with different seeds are independent, so their spread is the
 * estimator's own variance, autocorrelation inside a run included. A figure of
 * theory is accepted when it lies in the t interval of the replications at a
 * level that is shared out over all comparisons of the program (Bonferroni):
 * a right simulator fails one run of the program in a thousand (and since
 * seeds are fixed, either always or never). Below 30 replications are few; a
 * normal quantile would be too narrow, hence the t.
 */
#ifndef TESTS_VALIDATION_ESTIMATE_H
#define TESTS_VALIDATION_ESTIMATE_H

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

#include <gsl/gsl_cdf.h>

#include "tests/effort.h"

/* Replications of a system. With a sanitizer, eight times slower, memory is what the
 * run shows, and fewer do: the interval is as much wider. */
enum { SEEDS = EFFORT(30, 4) };

enum { COMPARISONS_MAX = 200 };

static int comparisons, comparisons_failed;

struct estimate {
        double sum, square;
        int count;
};

static inline void estimate_add(struct estimate *e, double value)
{
        e->sum += value;
        e->square += value * value;
        e->count++;
}

static inline double estimate_mean(const struct estimate *e)
{
        return e->sum / e->count;
}

/* Standard error of the mean. */
static inline double estimate_error(const struct estimate *e)
{
        double mean = estimate_mean(e);
        double variance = (e->square - e->count * mean * mean) / (e->count - 1);

        return sqrt(variance > 0 ? variance / e->count : 0);
}

/* One TAP line; returns whether theory lies in the interval. */
static inline bool agrees(const char *what, const struct estimate *e, double theory)
{
        double t = gsl_cdf_tdist_Pinv(1 - 0.0005 / COMPARISONS_MAX, e->count - 1);
        double half = t * estimate_error(e) + 1e-9 * fabs(theory);
        bool ok = fabs(estimate_mean(e) - theory) <= half;

        printf("%s %d - %s # theory %.6g, seen %.6g +- %.2g (%d runs)\n", ok ? "ok" : "not ok",
               ++comparisons, what, theory, estimate_mean(e), half, e->count);
        comparisons_failed += !ok;
        return ok;
}

/* One TAP line for a claim that is right or wrong. */
static inline bool claims(const char *what, bool ok)
{
        printf("%s %d - %s\n", ok ? "ok" : "not ok", ++comparisons, what);
        comparisons_failed += !ok;
        return ok;
}

static inline int estimates_end(void)
{
        printf("1..%d\n", comparisons);
        return comparisons_failed > 0 || comparisons > COMPARISONS_MAX;
}

#endif
