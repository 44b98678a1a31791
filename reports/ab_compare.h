/* reports/ab_compare.h - one metric of two strategies: every test of it, and its verdict.
 *
 * Internal to the comparison (ab.h). The order is: ab_compare() for each metric,
 * adjust the p-values over all of them, ab_reach() for each.
 */
#ifndef CHAOS_REPORTS_AB_COMPARE_H
#define CHAOS_REPORTS_AB_COMPARE_H

#include "reports/ab.h"
#include "reports/stats/paired.h"
#include "reports/stats/wilcoxon.h"

enum ab_verdict {
        AB_IDENTICAL,
        AB_EQUIVALENT,
        AB_BETTER, /* B is */
        AB_WORSE,
        AB_HIGHER, /* B is, where neither is better; explored metrics alone */
        AB_LOWER,
        AB_INCONCLUSIVE,
        AB_VERDICT_COUNT
};
extern const char *const ab_verdict_names[AB_VERDICT_COUNT];

struct ab_question {
        const struct ab_metric *metric;
        bool sequential;
        double alpha;        /* of all together, and what p_adjusted is held against */
        size_t simultaneous; /* K: questions that share alpha; 1 for explored ones */
};

struct ab_row {
        const struct ab_metric *metric;
        size_t n;                         /* pairs with data on both sides */
        struct stats_interval a, b;       /* means over those pairs, 95 % t */
        struct stats_interval difference; /* mean of A - B */
        double confidence;                /* of `difference` */
        double deviation;                 /* of d */
        bool identical;
        bool has_p;
        double p, p_adjusted; /* adjusted: filled by the caller */
        const char *test;     /* "t", "sequence", "sign", "sign sequence", "mcnemar" */
        size_t plus, zero, minus;
        bool by_signs; /* more than half of the pairs agree exactly */
        struct stats_interval nonzero_mean;
        struct stats_interval log_ratio; /* mean of log(A / B); value missing unless all > 0 */
        bool has_ranks;                  /* wilcoxon was computed */
        struct stats_wilcoxon wilcoxon;
        bool has_bca;
        struct stats_interval bca;
        size_t events_a, events_b; /* is_event */
        bool is_equivalent;        /* shown to be within +- margin */
        bool is_within;            /* B shown to be no worse than A by the margin */
        enum ab_verdict verdict;
        const char *disputed_by; /* what kept it from a verdict, or NULL */
        bool has_pairs_needed;
        size_t pairs_needed; /* that would decide, if the deviation stays */
        bool has_mde;
        double mde; /* found with a chance of 80 % by these n */
};

/* `a` and `b` have `n` entries, NaN for none. Without `deep`, no ranks and no
 * bootstrap, which cost O(n^3). False when memory is out. */
bool ab_compare(const struct ab_question *question, const double *a, const double *b, size_t n,
                bool deep, struct ab_row *out);

/* The verdict, from p_adjusted and the rest. */
void ab_reach(const struct ab_question *question, struct ab_row *row);

/* d > 0 is good for B where less is better. */
static inline double ab_benefit(const struct ab_metric *metric, double difference)
{
        return metric->better == BETTER_HIGH ? -difference : difference;
}

#endif
