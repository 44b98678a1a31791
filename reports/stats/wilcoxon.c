/* wilcoxon.c - exact signed ranks by dynamic programming, order statistics without the n^2 list.
 *
 * The distribution of the rank sum is built rank by rank: with a fair sign each rank is in the sum
 * or not, so P'(s) = (P(s) + P(s - rank)) / 2. Ranks are doubled to make shared ranks whole. All
 * terms are positive, nothing cancels, and only sums up to the one seen are carried.
 *
 * The k-th smallest of the n (n + 1) / 2 pairwise means is found by halving over the doubles
 * themselves (ordered as integers): counting how many means are at most x is one walk over the
 * sorted differences, so 64 walks find the exact value.
 */
#include "reports/stats/wilcoxon.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "reports/stats/distribution.h"
#include "reports/stats/sample.h"

/* ------------------------------------------------------------------------------- distribution */

/* P(sum of the ranks with positive sign = s) for s = 0..top, for doubled ranks; NULL when memory
 * is short. The caller frees it. */
static double *rank_sum_chances(const size_t *doubled_ranks, size_t n, size_t top)
{
        double *chance = calloc(top + 1, sizeof(*chance));
        size_t i, s;

        if (!chance)
                return NULL;
        chance[0] = 1;
        for (i = 0; i < n; i++) {
                for (s = top + 1; s-- > 0;) {
                        if (s >= doubled_ranks[i])
                                chance[s] = (chance[s] + chance[s - doubled_ranks[i]]) / 2;
                        else
                                chance[s] /= 2;
                }
        }
        return chance;
}

/* P(rank sum <= smaller), doubled and cut to 1. */
static bool exact_p(const double *ranks, size_t n, double smaller, double *p)
{
        size_t *doubled = malloc((n ? n : 1) * sizeof(*doubled));
        double *chance = NULL;
        size_t top = (size_t)(2 * smaller), i;
        bool ok = false;

        if (!doubled)
                goto done;
        for (i = 0; i < n; i++)
                doubled[i] = (size_t)(2 * ranks[i]);
        chance = rank_sum_chances(doubled, n, top);
        if (!chance)
                goto done;
        *p = fmin(2 * stats_sum(chance, top + 1), 1);
        ok = true;
done:
        free(chance);
        free(doubled);
        return ok;
}

static double approximate_p(const double *ranks, size_t n, double smaller)
{
        double mean = (double)n * (double)(n + 1) / 4;
        double variance = 0;
        size_t i;

        for (i = 0; i < n; i++)
                variance += ranks[i] * ranks[i] / 4;
        return fmin(2 * stats_normal_upper_tail((mean - smaller - 0.5) / sqrt(variance)), 1);
}

/* ---------------------------------------------------------------------------------------- test */

static bool rank_test(const double *differences, size_t n, struct stats_wilcoxon *out)
{
        double *sizes = calloc(n + 1, sizeof(*sizes));
        double *ranks = malloc((n ? n : 1) * sizeof(*ranks));
        bool *positive = malloc((n ? n : 1) * sizeof(*positive));
        bool ok = sizes && ranks && positive;
        double smaller;
        size_t m = 0, i;

        if (!ok)
                goto done;
        for (i = 0; i < n; i++) {
                if (differences[i] == 0)
                        continue;
                positive[m] = differences[i] > 0;
                sizes[m++] = fabs(differences[i]);
        }
        out->nonzero = m;
        ok = stats_midranks(sizes, m, ranks);
        if (!ok)
                goto done;
        for (i = 0; i < m; i++) {
                if (positive[i])
                        out->rank_sum_plus += ranks[i];
                else
                        out->rank_sum_minus += ranks[i];
        }
        smaller = fmin(out->rank_sum_plus, out->rank_sum_minus);
        out->has_p = n > 0;
        out->exact = m <= STATS_WILCOXON_EXACT_MAX;
        if (out->exact && out->has_p)
                ok = exact_p(ranks, m, smaller, &out->p);
        else if (out->has_p)
                out->p = approximate_p(ranks, m, smaller);
done:
        free(positive);
        free(ranks);
        free(sizes);
        return ok;
}

/* --------------------------------------------------------------------------------------- shift */

/* Doubles as integers of the same order. */
static uint64_t key_of(double value)
{
        uint64_t bits;

        memcpy(&bits, &value, sizeof(bits));
        return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static double value_of(uint64_t key)
{
        uint64_t bits = key >> 63 ? key & ~(UINT64_C(1) << 63) : ~key;
        double value;

        memcpy(&value, &bits, sizeof(value));
        return value;
}

/* Halves first: the sum of two huge differences must not overflow. */
static double pair_mean(double one, double other)
{
        return one / 2 + other / 2;
}

/* How many pairs i <= j of the sorted values have a mean of at most `limit`. */
static size_t pairs_at_most(const double *sorted, size_t n, double limit)
{
        size_t count = 0, i, j = n;

        for (i = 0; i < n; i++) {
                while (j > 0 && pair_mean(sorted[i], sorted[j - 1]) > limit)
                        j--;
                if (j <= i)
                        break;
                count += j - i;
        }
        return count;
}

/* The k-th smallest pair mean, k = 1..n (n + 1) / 2. */
static double pair_mean_of_order(const double *sorted, size_t n, size_t k)
{
        uint64_t low = key_of(sorted[0]), high = key_of(sorted[n - 1]), middle;

        while (low < high) {
                middle = low + (high - low) / 2;
                if (pairs_at_most(sorted, n, value_of(middle)) >= k)
                        high = middle;
                else
                        low = middle + 1;
        }
        return value_of(low) + 0.0; /* -0 becomes 0 */
}

/* The largest k with P(rank sum < k) <= upper without ties: the k-th average from either end is
 * the limit. 0 when there is none. */
static bool order_of_limit(size_t n, double upper, size_t *order)
{
        size_t pairs = n * (n + 1) / 2, i, s;
        double z, spread, sum = 0;
        size_t *ranks;
        double *chance;

        *order = 0;
        if (n > STATS_WILCOXON_EXACT_MAX) {
                z = stats_normal_quantile_upper(upper);
                spread = sqrt((double)pairs * (double)(2 * n + 1) / 12);
                *order = (size_t)fmax(floor((double)pairs / 2 - z * spread), 0);
                return true;
        }
        ranks = malloc((n ? n : 1) * sizeof(*ranks));
        if (!ranks)
                return false;
        for (i = 0; i < n; i++)
                ranks[i] = i + 1;
        chance = rank_sum_chances(ranks, n, pairs / 2);
        free(ranks);
        if (!chance)
                return false;
        for (s = 0; s <= pairs / 2; s++) {
                sum += chance[s];
                if (sum > upper)
                        break;
                *order = s + 1;
        }
        free(chance);
        return true;
}

static bool shift(const double *differences, size_t n, double confidence,
                  struct stats_interval *out)
{
        size_t pairs = n * (n + 1) / 2, order;
        double *sorted = malloc((n ? n : 1) * sizeof(*sorted));
        bool ok = sorted && order_of_limit(n, (1 - confidence) / 2, &order);

        *out = (struct stats_interval){.n = n};
        if (!ok || n == 0)
                goto done;
        memcpy(sorted, differences, n * sizeof(*sorted));
        stats_sort(sorted, n);
        *out = stats_interval_value_only(pair_mean(pair_mean_of_order(sorted, n, (pairs + 1) / 2),
                                                   pair_mean_of_order(sorted, n, pairs / 2 + 1)),
                                         n);
        if (order == 0)
                goto done;
        out->low = pair_mean_of_order(sorted, n, order);
        out->high = pair_mean_of_order(sorted, n, pairs + 1 - order);
        out->has_low = out->has_high = true;
done:
        free(sorted);
        return ok;
}

bool stats_wilcoxon(const double *differences, size_t n, double confidence,
                    struct stats_wilcoxon *out)
{
        assert(confidence > 0 && confidence < 1);
        *out = (struct stats_wilcoxon){.shift.n = n};
        return rank_test(differences, n, out) && shift(differences, n, confidence, &out->shift);
}
