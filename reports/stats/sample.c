/* sample.c - compensated sums, two-pass moments, quantiles of type 7, midranks.
 *
 * The variance takes two passes (mean first), with the sum of the deviations taken off again; the
 * one-pass formula loses all digits when the mean is large against the spread.
 *
 * Not here: anything with a probability in it (interval.c and on).
 */
#include "reports/stats/sample.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

double stats_sum(const double *values, size_t n)
{
        double sum = 0, lost = 0;
        double next;
        size_t i;

        for (i = 0; i < n; i++) {
                next = sum + values[i];
                if (fabs(sum) >= fabs(values[i]))
                        lost += (sum - next) + values[i];
                else
                        lost += (values[i] - next) + sum;
                sum = next;
        }
        return sum + lost;
}

static bool all_equal(const double *values, size_t n)
{
        size_t i;

        for (i = 1; i < n; i++) {
                if (values[i] != values[0])
                        return false;
        }
        return true;
}

struct stats_moments stats_moments(const double *values, size_t n)
{
        struct stats_moments m = {.n = n};
        double off, squares = 0, rest = 0;
        size_t i;

        if (n == 0)
                return m;
        if (all_equal(values, n)) { /* the quotient sum / n could miss it by an ulp */
                m.mean = values[0];
                return m;
        }
        m.mean = stats_sum(values, n) / (double)n;
        for (i = 0; i < n; i++) {
                off = values[i] - m.mean;
                squares += off * off;
                rest += off;
        }
        m.squares = squares - rest * rest / (double)n;
        m.deviation = sqrt(m.squares / (double)(n - 1));
        m.standard_error = m.deviation / sqrt((double)n);
        m.has_spread = m.standard_error > 10 * DBL_EPSILON * fabs(m.mean);
        return m;
}

static int compare_doubles(const void *left, const void *right)
{
        double a = *(const double *)left, b = *(const double *)right;

        return (a > b) - (a < b);
}

void stats_sort(double *values, size_t n)
{
        if (n > 1)
                qsort(values, n, sizeof(*values), compare_doubles);
}

double stats_sorted_quantile(const double *sorted, size_t n, double q)
{
        double position = (double)(n - 1) * q;
        size_t below = (size_t)floor(position);
        double share = position - (double)below;

        if (below + 1 >= n)
                return sorted[n - 1];
        if (sorted[below] == sorted[below + 1])
                return sorted[below];
        return sorted[below] * (1 - share) + sorted[below + 1] * share;
}

size_t stats_quantile_n_min(double q)
{
        return (size_t)ceil(10 / (1 - q) * (1 - 1e-12)); /* 10 / (1 - 0.99) is 1000.0000000000009 */
}

struct ranked {
        double value;
        size_t index;
};

static int compare_ranked(const void *left, const void *right)
{
        const struct ranked *a = left, *b = right;

        if (a->value != b->value)
                return a->value < b->value ? -1 : 1;
        return (a->index > b->index) - (a->index < b->index);
}

bool stats_midranks(const double *values, size_t n, double *ranks)
{
        struct ranked *order = malloc((n ? n : 1) * sizeof(*order));
        size_t i, j, k;

        if (!order)
                return false;
        for (i = 0; i < n; i++)
                order[i] = (struct ranked){.value = values[i], .index = i};
        qsort(order, n, sizeof(*order), compare_ranked);
        for (i = 0; i < n; i = j) {
                for (j = i + 1; j < n && order[j].value == order[i].value; j++)
                        ;
                for (k = i; k < j; k++)
                        ranks[order[k].index] = (double)(i + 1 + j) / 2;
        }
        free(order);
        return true;
}
