/* bootstrap.c - resampling with Philox, and the BCa correction.
 *
 * With z0 the normal score of the share of replicates below the mean and a = sum(e^3) / (6
 * sum(e^2)^1.5) over the deviations e, the limit for the normal score z is the quantile of the
 * replicates at Phi(z0 + (z0 + z) / (1 - a (z0 + z))).
 *
 * That probability is always handled as its smaller tail, counted from the nearer end of the sorted
 * replicates, and replicates equal to the mean count half: so a negated sample takes the same
 * steps with the ends exchanged, and its limits are the negated ones to the last bit.
 */
#include "reports/stats/bootstrap.h"

#include <Random123/philox.h>
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "reports/stats/distribution.h"
#include "reports/stats/sample.h"

enum { DRAWS_PER_BLOCK = 4 };

/* Four indices below n < 2^32 from one block; the product of 32 random bits and n, high half. */
static void draw_indices(uint64_t seed, uint64_t replicate, uint64_t block, size_t n,
                         size_t *indices)
{
        philox2x64_ctr_t counter = {{replicate, block}};
        philox2x64_key_t key = {{seed}};
        philox2x64_ctr_t bits = philox2x64(counter, key);
        size_t i;

        for (i = 0; i < DRAWS_PER_BLOCK; i++)
                indices[i] = (size_t)((bits.v[i / 2] >> (i % 2 * 32) & 0xffffffff) * n >> 32);
}

static double mean_of_resample(const double *values, size_t n, uint64_t seed, uint64_t replicate)
{
        size_t indices[DRAWS_PER_BLOCK];
        double sum = 0;
        size_t i;

        for (i = 0; i < n; i++) {
                if (i % DRAWS_PER_BLOCK == 0)
                        draw_indices(seed, replicate, i / DRAWS_PER_BLOCK, n, indices);
                sum += values[indices[i % DRAWS_PER_BLOCK]];
        }
        return sum / (double)n;
}

/* Normal score of the share of replicates below `mean`; infinite if all lie on one side. */
static double bias_score(const double *replicates, size_t count, double mean)
{
        size_t below = 0, above = 0, i;
        double tail;

        for (i = 0; i < count; i++) {
                below += replicates[i] < mean;
                above += replicates[i] > mean;
        }
        tail = ((double)(below < above ? below : above) + (double)(count - below - above) / 2) /
               (double)count;
        if (tail <= 0)
                return below < above ? -HUGE_VAL : HUGE_VAL;
        return below < above ? -stats_normal_quantile_upper(tail)
                             : stats_normal_quantile_upper(tail);
}

static double acceleration(const double *values, const struct stats_moments *m)
{
        double cubes = 0, off;
        size_t i;

        for (i = 0; i < m->n; i++) {
                off = (values[i] - m->mean) / m->deviation;
                cubes += off * off * off;
        }
        return cubes / (6 * pow((double)(m->n - 1), 1.5));
}

/* The replicate `rank` places from the low end, or the high one (rank 1 is the outermost). */
static double replicate_at(const double *sorted, size_t count, size_t rank, bool from_high)
{
        return from_high ? sorted[count - rank] : sorted[rank - 1];
}

/* Quantile of the sorted replicates at the normal score `score`. */
static double replicate_quantile(const double *sorted, size_t count, double score)
{
        bool from_high = score > 0;
        double tail = stats_normal_upper_tail(fabs(score));
        double position = (double)(count + 1) * tail;
        size_t rank = (size_t)position;
        double outer, inner, share;

        if (rank == 0)
                return replicate_at(sorted, count, 1, from_high);
        if (rank >= count)
                return replicate_at(sorted, count, count, from_high);
        outer = stats_normal_quantile_upper((double)rank / (double)(count + 1));
        inner = stats_normal_quantile_upper((double)(rank + 1) / (double)(count + 1));
        share = (fabs(score) - outer) / (inner - outer);
        outer = replicate_at(sorted, count, rank, from_high);
        inner = replicate_at(sorted, count, rank + 1, from_high);
        return outer + share * (inner - outer);
}

static bool corrected_score(double z, double bias, double skew, double *score)
{
        double stretch = 1 - skew * (bias + z);

        *score = bias + (bias + z) / stretch;
        return stretch > 0 && isfinite(*score);
}

struct stats_interval stats_bca_limits(const double *values, size_t n, double *replicates,
                                       size_t replicate_count, double confidence)
{
        struct stats_moments m = stats_moments(values, n);
        struct stats_interval out = {.n = n};
        double z, bias, skew, score;

        assert(confidence > 0 && confidence < 1);
        if (n == 0)
                return out;
        out = stats_interval_value_only(m.mean, n);
        if (!out.has_value || !m.has_spread || replicate_count == 0)
                return out;
        stats_sort(replicates, replicate_count);
        z = stats_normal_quantile_upper((1 - confidence) / 2);
        bias = bias_score(replicates, replicate_count, m.mean);
        skew = acceleration(values, &m);
        out.has_low = corrected_score(-z, bias, skew, &score);
        if (out.has_low)
                out.low = replicate_quantile(replicates, replicate_count, score);
        out.has_high = corrected_score(z, bias, skew, &score);
        if (out.has_high)
                out.high = replicate_quantile(replicates, replicate_count, score);
        return out;
}

static bool all_zero(const struct stats_moments *m)
{
        return m->n >= 2 && m->mean == 0 && m->squares == 0;
}

bool stats_bca_mean(const double *values, size_t n, double confidence, size_t replicates,
                    uint64_t seed, struct stats_interval *out)
{
        struct stats_moments m = stats_moments(values, n);
        double *means;
        size_t i;

        assert(replicates >= 99 && n < UINT32_MAX);
        *out = (struct stats_interval){.n = n};
        if (n > 0)
                *out = all_zero(&m) ? stats_interval_around(0, 0, n)
                                    : stats_interval_value_only(m.mean, n);
        if (n < STATS_BCA_N_MIN || !m.has_spread)
                return true;
        means = malloc(replicates * sizeof(*means));
        if (!means)
                return false;
        for (i = 0; i < replicates; i++)
                means[i] = mean_of_resample(values, n, seed, i);
        *out = stats_bca_limits(values, n, means, replicates, confidence);
        free(means);
        return true;
}
