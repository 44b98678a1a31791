/* reports/ab_state.h - what a comparison holds, for the files that make it up.
 *
 * Internal: ab.c fills and judges, ab_tree.c puts it into words and JSON.
 */
#ifndef CHAOS_REPORTS_AB_STATE_H
#define CHAOS_REPORTS_AB_STATE_H

#include "reports/ab_compare.h"

enum ab_overall {
        OVERALL_IDENTICAL,
        OVERALL_EQUIVALENT,
        OVERALL_BETTER, /* the later strategy is */
        OVERALL_WORSE,
        OVERALL_TRADE_OFF,
        OVERALL_INCONCLUSIVE,
};

/* A strategy against the first. */
struct ab_comparison {
        struct ab_row *rows; /* [metric_count] */
        enum ab_overall overall;
};

struct ab {
        struct ab_settings settings;
        struct ab_metric *metrics;
        size_t metric_count, decider_count; /* those that decide come first */
        struct ab_strategy strategies[AB_STRATEGIES_MAX];
        size_t strategy_count;
        size_t pairs, room;
        uint32_t *replications; /* [pairs] */
        double **values;        /* [strategy_count + 1][metric_count * room], the last: untreated;
                                 * those of one metric lie together */
        struct {
                bool is;
                uint32_t replication;
                size_t at_s;
                double loss;
        } cut; /* the pair that the loss limit ended */
        struct ab_comparison comparisons[AB_STRATEGIES_MAX - 1];
};

/* The values of metric `m` of strategy `s` (strategy_count: untreated), `pairs` of them. */
static inline const double *ab_values(const struct ab *ab, size_t s, size_t m)
{
        return ab->values[s] + m * ab->room;
}

/* 'B' for the first comparison. */
static inline char ab_letter(size_t comparison)
{
        return (char)('B' + comparison);
}

/* Compares everything that was added. `deep`: with ranks and bootstrap. False
 * when memory is out. */
bool ab_judge(struct ab *ab, bool deep);

int ab_exit_code(enum ab_overall overall);

/* ab_tree.c */
json_t *ab_tree(const struct ab *ab, int exit_code);

#endif
