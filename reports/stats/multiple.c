/* multiple.c - step-down and step-up adjustment of p-values.
 *
 * Both sort the p-values and walk once: Holm upwards with (m - i) p and a running maximum,
 * Benjamini-Hochberg downwards with (m / (i + 1)) p and a running minimum. Equal p-values get
 * equal results whatever their order.
 */
#include "reports/stats/multiple.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

struct entry {
        double p;
        size_t index;
};

static int compare_entries(const void *left, const void *right)
{
        const struct entry *a = left, *b = right;

        if (a->p != b->p)
                return a->p < b->p ? -1 : 1;
        return (a->index > b->index) - (a->index < b->index);
}

/* The p-values that exist, ascending; the others become NAN in `adjusted`. NULL when memory is
 * short. */
static struct entry *sorted_entries(const double *p, size_t n, double *adjusted, size_t *count)
{
        struct entry *entries = malloc((n ? n : 1) * sizeof(*entries));
        size_t i;

        *count = 0;
        if (!entries)
                return NULL;
        for (i = 0; i < n; i++) {
                if (isnan(p[i]))
                        adjusted[i] = NAN;
                else
                        entries[(*count)++] = (struct entry){.p = p[i], .index = i};
        }
        qsort(entries, *count, sizeof(*entries), compare_entries);
        return entries;
}

bool stats_holm(const double *p, size_t n, double *adjusted)
{
        size_t count, i;
        struct entry *entries = sorted_entries(p, n, adjusted, &count);
        double worst = 0;

        if (!entries)
                return false;
        for (i = 0; i < count; i++) {
                worst = fmax(worst, fmin(entries[i].p * (double)(count - i), 1));
                adjusted[entries[i].index] = worst;
        }
        free(entries);
        return true;
}

bool stats_benjamini_hochberg(const double *p, size_t n, double *adjusted)
{
        size_t count, i;
        struct entry *entries = sorted_entries(p, n, adjusted, &count);
        double best = 1;

        if (!entries)
                return false;
        for (i = count; i > 0; i--) {
                best = fmin(best, entries[i - 1].p * ((double)count / (double)i));
                adjusted[entries[i - 1].index] = best;
        }
        free(entries);
        return true;
}

double stats_simultaneous_confidence(double confidence, size_t count)
{
        assert(count >= 1);
        return 1 - (1 - confidence) / (double)count;
}
