/* bench_stats_null.c - do the verdict methods keep their word?
 *
 * A thousand experiments in which nothing is different: each method may claim a difference in at
 * most alpha of them, plus three standard deviations for the thousand being few. The sequential
 * one is looked at after every single pair. Then experiments with the difference planted that the
 * method itself says it finds in 80 %. And intervals: how often they miss the truth.
 *
 * Rows marked "shown" have no bound: they are what happens outside a method's assumptions.
 *
 * All draws come from one seed, so the figures are the same every time; the exit status is 1 if a
 * bound is broken. Last, what the dear methods cost.
 */
#include <Random123/philox.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "reports/stats/bootstrap.h"
#include "reports/stats/distribution.h"
#include "reports/stats/equivalence.h"
#include "reports/stats/interval.h"
#include "reports/stats/multiple.h"
#include "reports/stats/paired.h"
#include "reports/stats/power.h"
#include "reports/stats/sequential.h"
#include "reports/stats/survival.h"
#include "reports/stats/wilcoxon.h"

enum {
        EXPERIMENTS = 1000,
        PAIRS = 30,
        PAIRS_MANY = 100,
        PAIRS_MAX = 300,
        METRICS = 6,
};

static const double ALPHA = 0.05;
static const double FOUND = 0.8;

/* -------------------------------------------------------------------------------------- draws */

struct draws {
        uint64_t stream, next;
};

static double uniform(struct draws *draws)
{
        philox2x64_ctr_t counter = {{draws->stream, draws->next++}};
        philox2x64_key_t key = {{UINT64_C(0x6e756c6c)}};

        return ((double)(philox2x64(counter, key).v[0] >> 11) + 0.5) / 9007199254740992.0;
}

static double draw_normal(struct draws *draws)
{
        return stats_normal_quantile_upper(uniform(draws));
}

/* Symmetric with heavy tails, deviation 1. */
static double draw_laplace(struct draws *draws)
{
        double u = uniform(draws) - 0.5;

        return (u < 0 ? -1 : 1) * -log(1 - 2 * fabs(u)) / sqrt(2);
}

/* Skewed, mean 0, deviation 1. */
static double draw_exponential(struct draws *draws)
{
        return -log(uniform(draws)) - 1;
}

/* Mostly no difference at all, else one of a few whole numbers: zeros and ties. */
static double draw_rare(struct draws *draws)
{
        double u = uniform(draws);

        if (u < 0.6)
                return 0;
        return (uniform(draws) < 0.5 ? -1 : 1) * ceil((u - 0.6) * 10);
}

typedef double draw_function(struct draws *draws);

/* ---------------------------------------------------------------------------------- experiments */

struct trial {
        double values[PAIRS_MAX];
        size_t n;
        double effect; /* the true mean */
        struct draws draws;
};

static void fill(struct trial *trial, draw_function *draw, size_t n, double effect)
{
        size_t i;

        trial->n = n;
        trial->effect = effect;
        for (i = 0; i < n; i++)
                trial->values[i] = draw(&trial->draws) + effect;
}

/* Did the method claim what it looks for? */
typedef bool claim_function(struct trial *trial);

static bool claim_paired_t(struct trial *trial)
{
        struct stats_paired_t paired = stats_paired_t(trial->values, trial->n, 1 - ALPHA);

        return paired.has_test && paired.p <= ALPHA;
}

static bool claim_wilcoxon(struct trial *trial)
{
        struct stats_wilcoxon wilcoxon;

        return stats_wilcoxon(trial->values, trial->n, 1 - ALPHA, &wilcoxon) && wilcoxon.p <= ALPHA;
}

static bool claim_shift_limits(struct trial *trial)
{
        struct stats_wilcoxon wilcoxon;

        return stats_wilcoxon(trial->values, trial->n, 1 - ALPHA, &wilcoxon) &&
               (wilcoxon.shift.low > 0 || wilcoxon.shift.high < 0);
}

static bool claim_sign(struct trial *trial)
{
        struct stats_sign_test sign;

        return stats_sign_test(trial->values, trial->n, 1 - ALPHA, &sign) && sign.p <= ALPHA;
}

static bool claim_bca(struct trial *trial)
{
        struct stats_interval mean;

        return stats_bca_mean(trial->values, trial->n, 1 - ALPHA, 1999, trial->draws.stream,
                              &mean) &&
               (mean.low > 0 || mean.high < 0);
}

static bool peek_from(const struct trial *trial, size_t first)
{
        struct stats_sequence sequence = {0};
        struct stats_interval limits;
        size_t i;

        for (i = 0; i < trial->n; i++) {
                stats_sequence_add(&sequence, trial->values[i]);
                limits = stats_sequence_interval(&sequence, 1 - ALPHA);
                if (i + 1 >= first && limits.has_low && (limits.low > 0 || limits.high < 0))
                        return true;
        }
        return false;
}

/* Looks after every pair, from the second on. */
static bool claim_sequential(struct trial *trial)
{
        return peek_from(trial, 2);
}

/* Looks after every pair from the 30th on, as `ab` does. */
static bool claim_sequential_late(struct trial *trial)
{
        return peek_from(trial, PAIRS);
}

/* The same with t limits: what looking costs those who do not count it. */
static bool claim_peeking_t(struct trial *trial)
{
        size_t n;

        for (n = PAIRS; n <= trial->n; n++) {
                if (stats_paired_t(trial->values, n, 1 - ALPHA).p <= ALPHA)
                        return true;
        }
        return false;
}

/* Six metrics, Holm: any claim is a false one. */
static bool claim_any_of_six(struct trial *trial)
{
        double p[METRICS];
        size_t i;

        for (i = 0; i < METRICS; i++) {
                fill(trial, draw_normal, PAIRS, 0);
                p[i] = stats_paired_t(trial->values, trial->n, 1 - ALPHA).p;
        }
        stats_holm(p, METRICS, p);
        for (i = 0; i < METRICS; i++) {
                if (p[i] <= ALPHA)
                        return true;
        }
        return false;
}

/* The true mean lies on the margin, so "not worse" is false. */
static bool claim_noninferior(struct trial *trial)
{
        return stats_noninferiority(trial->values, trial->n, trial->effect, STATS_WORSE_IF_POSITIVE,
                                    ALPHA)
                .holds;
}

static bool claim_equivalent(struct trial *trial)
{
        return stats_equivalence(trial->values, trial->n, trial->effect, ALPHA).holds;
}

static bool claim_mcnemar(struct trial *trial)
{
        size_t only_a = 0, only_b = 0, i;

        for (i = 0; i < trial->n; i++) {
                bool a = uniform(&trial->draws) < 0.2, b = uniform(&trial->draws) < 0.2;

                only_a += a && !b;
                only_b += b && !a;
        }
        return stats_mcnemar(only_a, only_b, trial->n, 1 - ALPHA).p <= ALPHA;
}

static bool miss_mcnemar_limits(struct trial *trial)
{
        struct stats_interval difference;
        size_t only_a = 0, only_b = 0, i;

        for (i = 0; i < trial->n; i++) {
                bool a = uniform(&trial->draws) < 0.15, b = uniform(&trial->draws) < 0.05;

                only_a += a && !b;
                only_b += b && !a;
        }
        difference = stats_mcnemar(only_a, only_b, trial->n, 1 - ALPHA).difference;
        return difference.low > 0.1 || difference.high < 0.1;
}

/* ------------------------------------------------------------------------------------ coverage */

static bool miss_clopper_pearson(struct trial *trial)
{
        struct stats_interval share;
        size_t k = 0, i;

        for (i = 0; i < trial->n; i++)
                k += uniform(&trial->draws) < 0.1;
        share = stats_clopper_pearson(k, trial->n, 1 - ALPHA);
        return share.low > 0.1 || share.high < 0.1;
}

static bool miss_poisson(struct trial *trial)
{
        struct stats_interval rate;
        double at = 0;
        size_t events = 0;

        while ((at -= log(uniform(&trial->draws))) < 4)
                events++;
        rate = stats_poisson_rate(events, 4, 1 - ALPHA);
        return rate.low > 1 || rate.high < 1;
}

/* Thirty runs, each with its own chance around 0.1: the requests of a run are not independent. */
static bool miss_ratio(struct trial *trial)
{
        double lost[PAIRS] = {0}, all[PAIRS];
        struct stats_interval ratio;
        size_t i, j;

        for (i = 0; i < PAIRS; i++) {
                double chance = 0.05 + 0.1 * uniform(&trial->draws);

                all[i] = 50 + floor(100 * uniform(&trial->draws));
                for (j = 0; j < (size_t)all[i]; j++)
                        lost[i] += uniform(&trial->draws) < chance;
        }
        ratio = stats_ratio_jackknife(lost, all, PAIRS, STATS_RATIO_PROPORTION, 1 - ALPHA).interval;
        return ratio.low > 0.1 || ratio.high < 0.1;
}

/* Times to recovery with mean 1, watched for 0.5 to 2.5, restricted to 1.5; runs of five share a
 * factor when they are clustered. */
static bool miss_restricted_mean(struct trial *trial, bool clustered)
{
        double times[PAIRS_MAX], factor = 1, watched, truth = 0, tau = 1.5, x;
        bool ended[PAIRS_MAX];
        size_t clusters[PAIRS_MAX], i;
        struct stats_restricted_mean mean;
        struct stats_survival *survival;

        for (i = 0; i < trial->n; i++) {
                clusters[i] = i / 5;
                if (clustered && i % 5 == 0)
                        factor = 0.4 + 1.2 * uniform(&trial->draws);
                times[i] = -log(uniform(&trial->draws)) * factor;
                watched = 0.5 + 2 * uniform(&trial->draws);
                ended[i] = times[i] <= watched;
                times[i] = fmin(times[i], watched);
        }
        for (x = 0.4 + 0.0006; x < 1.6; x += 0.0012) /* mean over the factor of its own mean */
                truth += x * (1 - exp(-tau / x)) * 0.001;
        if (!clustered)
                truth = 1 - exp(-tau);
        if (clustered) {
                stats_restricted_mean_clustered(times, ended, clusters, trial->n, tau, 1 - ALPHA,
                                                &mean);
        } else {
                survival = stats_survival_create(times, ended, trial->n);
                mean = stats_survival_restricted_mean(survival, tau, 1 - ALPHA);
                stats_survival_destroy(survival);
        }
        return mean.interval.low > truth || mean.interval.high < truth;
}

static bool miss_restricted_mean_independent(struct trial *trial)
{
        return miss_restricted_mean(trial, false);
}

static bool miss_restricted_mean_clustered(struct trial *trial)
{
        return miss_restricted_mean(trial, true);
}

static bool miss_survival_median(struct trial *trial)
{
        double times[PAIRS_MAX], watched;
        bool ended[PAIRS_MAX];
        struct stats_survival *survival;
        struct stats_interval median;
        size_t i;

        for (i = 0; i < trial->n; i++) {
                times[i] = -log(uniform(&trial->draws));
                watched = 0.5 + 2 * uniform(&trial->draws);
                ended[i] = times[i] <= watched;
                times[i] = fmin(times[i], watched);
        }
        survival = stats_survival_create(times, ended, trial->n);
        median = stats_survival_quantile(survival, 0.5, 1 - ALPHA);
        stats_survival_destroy(survival);
        return (median.has_low && median.low > log(2)) || (median.has_high && median.high < log(2));
}

/* ---------------------------------------------------------------------------------------- rows */

enum bound {
        AT_MOST_ALPHA,
        AT_LEAST_FOUND,
        SHOWN,
};

struct row {
        const char *what;
        claim_function *claim;
        draw_function *draw;
        size_t n;
        double effect; /* NAN: the detectable effect for n pairs */
        enum bound bound;
};

static const struct row rows[] = {
        {"paired t, normal", claim_paired_t, draw_normal, PAIRS, 0, AT_MOST_ALPHA},
        {"paired t, Laplace", claim_paired_t, draw_laplace, PAIRS, 0, AT_MOST_ALPHA},
        {"paired t, 60 % zeros and ties", claim_paired_t, draw_rare, PAIRS, 0, AT_MOST_ALPHA},
        {"paired t, exponential", claim_paired_t, draw_exponential, PAIRS, 0, SHOWN},
        {"Wilcoxon, normal", claim_wilcoxon, draw_normal, PAIRS, 0, AT_MOST_ALPHA},
        {"Wilcoxon, Laplace", claim_wilcoxon, draw_laplace, PAIRS, 0, AT_MOST_ALPHA},
        {"Wilcoxon, 60 % zeros and ties", claim_wilcoxon, draw_rare, PAIRS, 0, AT_MOST_ALPHA},
        {"Hodges-Lehmann limits, normal", claim_shift_limits, draw_normal, PAIRS, 0, AT_MOST_ALPHA},
        {"Hodges-Lehmann limits, zeros and ties", claim_shift_limits, draw_rare, PAIRS, 0,
         AT_MOST_ALPHA},
        {"sign test, 60 % zeros", claim_sign, draw_rare, PAIRS, 0, AT_MOST_ALPHA},
        {"BCa, normal", claim_bca, draw_normal, PAIRS_MANY, 0, AT_MOST_ALPHA},
        {"BCa, Laplace", claim_bca, draw_laplace, PAIRS_MANY, 0, AT_MOST_ALPHA},
        {"BCa, exponential", claim_bca, draw_exponential, PAIRS_MANY, 0, SHOWN},
        {"McNemar", claim_mcnemar, NULL, PAIRS_MANY, 0, AT_MOST_ALPHA},
        {"Holm, any of six metrics", claim_any_of_six, NULL, PAIRS, 0, AT_MOST_ALPHA},
        {"non-inferiority at the margin", claim_noninferior, draw_normal, PAIRS, 0.7,
         AT_MOST_ALPHA},
        {"equivalence at the margin", claim_equivalent, draw_normal, PAIRS, 0.7, AT_MOST_ALPHA},
        {"sequential, looked at 300 times", claim_sequential, draw_normal, PAIRS_MAX, 0,
         AT_MOST_ALPHA},
        {"sequential, Laplace", claim_sequential, draw_laplace, PAIRS_MAX, 0, AT_MOST_ALPHA},
        {"sequential, from 30 pairs on", claim_sequential_late, draw_normal, PAIRS_MAX, 0,
         AT_MOST_ALPHA},
        {"sequential from 30, zeros and ties", claim_sequential_late, draw_rare, PAIRS_MAX, 0,
         AT_MOST_ALPHA},
        {"sequential from 30, exponential", claim_sequential_late, draw_exponential, PAIRS_MAX, 0,
         AT_MOST_ALPHA},
        {"sequential from the 2nd, exponential", claim_sequential, draw_exponential, PAIRS_MAX, 0,
         SHOWN},
        {"paired t, looked at 270 times", claim_peeking_t, draw_normal, PAIRS_MAX, 0, SHOWN},
        {"Clopper-Pearson misses", miss_clopper_pearson, NULL, PAIRS_MANY, 0, AT_MOST_ALPHA},
        {"Poisson misses", miss_poisson, NULL, PAIRS, 0, AT_MOST_ALPHA},
        {"ratio by jackknife misses", miss_ratio, NULL, PAIRS, 0, AT_MOST_ALPHA},
        {"restricted mean misses", miss_restricted_mean_independent, NULL, PAIRS_MANY, 0,
         AT_MOST_ALPHA},
        {"restricted mean, clustered, misses", miss_restricted_mean_clustered, NULL, PAIRS_MAX, 0,
         AT_MOST_ALPHA},
        {"survival median misses", miss_survival_median, NULL, PAIRS_MANY, 0, AT_MOST_ALPHA},
        {"McNemar limits (Tango) miss", miss_mcnemar_limits, NULL, PAIRS_MANY, 0, AT_MOST_ALPHA},
        {"paired t finds its 30-pair MDE", claim_paired_t, draw_normal, PAIRS, NAN, AT_LEAST_FOUND},
        {"paired t finds its 100-pair MDE", claim_paired_t, draw_normal, PAIRS_MANY, NAN,
         AT_LEAST_FOUND},
        {"Wilcoxon finds the 100-pair MDE of t", claim_wilcoxon, draw_normal, PAIRS_MANY, NAN,
         SHOWN},
        {"sequential finds 0.25 deviations by 300", claim_sequential, draw_normal, PAIRS_MAX, 0.25,
         AT_LEAST_FOUND},
        {"sequential finds 0.5 deviations by 100", claim_sequential, draw_normal, PAIRS_MANY, 0.5,
         AT_LEAST_FOUND},
};

/* Three standard deviations of a share of EXPERIMENTS. */
static double slack(double share)
{
        return 3 * sqrt(share * (1 - share) / EXPERIMENTS);
}

static bool run_row(const struct row *row, uint64_t number)
{
        double effect =
                isnan(row->effect) ? stats_detectable_effect(1, row->n, ALPHA, FOUND) : row->effect;
        double share, limit = 0;
        size_t claims = 0, i;
        bool ok = true;

        for (i = 0; i < EXPERIMENTS; i++) {
                struct trial trial = {.n = row->n,
                                      .effect = effect,
                                      .draws = {.stream = number * EXPERIMENTS + i}};

                if (row->draw)
                        fill(&trial, row->draw, row->n, effect);
                claims += row->claim(&trial);
        }
        share = (double)claims / EXPERIMENTS;
        printf("%-42s n=%-4zu %6.3f", row->what, row->n, share);
        if (row->bound == AT_MOST_ALPHA) {
                limit = ALPHA + slack(ALPHA);
                ok = share <= limit;
                printf("  <= %.3f %s\n", limit, ok ? "ok" : "BROKEN");
        } else if (row->bound == AT_LEAST_FOUND) {
                limit = FOUND - slack(FOUND);
                ok = share >= limit;
                printf("  >= %.3f %s\n", limit, ok ? "ok" : "BROKEN");
        } else {
                printf("  shown\n");
        }
        return ok;
}

/* ---------------------------------------------------------------------------------------- cost */

static double seconds(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void print_costs(void)
{
        struct trial trial = {.draws = {.stream = UINT64_MAX}};
        struct stats_wilcoxon wilcoxon;
        struct stats_interval mean;
        double start = seconds();

        fill(&trial, draw_normal, PAIRS_MAX, 0.1);
        stats_wilcoxon(trial.values, PAIRS_MAX, 0.95, &wilcoxon);
        printf("exact Wilcoxon with shift, 300 pairs: %.1f ms (p %.6g)\n",
               (seconds() - start) * 1e3, wilcoxon.p);
        start = seconds();
        stats_bca_mean(trial.values, PAIRS_MAX, 0.95, STATS_BCA_REPLICATES, 1, &mean);
        printf("BCa, 300 pairs, %d resamplings: %.1f ms (%.6g to %.6g)\n", STATS_BCA_REPLICATES,
               (seconds() - start) * 1e3, mean.low, mean.high);
}

int main(void)
{
        bool ok = true;
        size_t i;

        printf("%d experiments a row, alpha %.2f\n", EXPERIMENTS, ALPHA);
        for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                ok = run_row(&rows[i], i) && ok;
        print_costs();
        return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
