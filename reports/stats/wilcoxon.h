/* wilcoxon.h - the signed-rank test and the shift that goes with it: means without the normal law.
 *
 * One catastrophic run can carry a mean. Ranks cannot be carried so, and where the two disagree on
 * a verdict the experiment says `inconclusive`.
 *
 * The test: zeros are left out (Wilcoxon's way), tied |d| share the mean of their ranks, and p is
 * exact given those ranks: the share of all 2^m sign patterns whose smaller rank sum is at most
 * the one seen. Above STATS_WILCOXON_EXACT_MAX non-zero differences it is the normal approximation
 * with tie and continuity correction, and `exact` is false.
 *
 * The shift: Hodges and Lehmann's median of all (d[i] + d[j]) / 2, i <= j, over all n differences,
 * zeros too (leaving those out would overstate it). Its limits are two order statistics of the
 * same averages, chosen by the exact distribution without ties; ties only make the closed interval
 * cover more. With so few pairs that none reaches `confidence` (n < 6 at 0.95) there are none.
 *
 * Negating d negates the shift and its limits exactly and leaves p the same.
 */
#ifndef CHAOS_STATS_WILCOXON_H
#define CHAOS_STATS_WILCOXON_H

#include <stdbool.h>
#include <stddef.h>

#include "reports/stats/interval.h"

enum { STATS_WILCOXON_EXACT_MAX = 500 };

struct stats_wilcoxon {
        struct stats_interval shift; /* n = all differences */
        double rank_sum_plus;        /* of the positive differences */
        double rank_sum_minus;
        size_t nonzero; /* differences that were ranked */
        double p;       /* 1 when all are zero */
        bool has_p;     /* n >= 1 */
        bool exact;
};

/* O(n^3) time for the exact p (10 ms for 300), O(n^2) memory. False when memory is short. */
bool stats_wilcoxon(const double *differences, size_t n, double confidence,
                    struct stats_wilcoxon *out);

#endif
