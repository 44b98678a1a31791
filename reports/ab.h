/* reports/ab.h - is strategy B better than A? Paired, on the same replications.
 *
 * Strategies run on the same seeds; every replication gives each of them one
 * value per metric. What is compared is d = A - B by replication, so that all
 * that chance did to both alike is gone. With more than two strategies, each
 * one is compared with the first.
 *
 * One primary metric and some guardrails decide; the rest is explored. Each of
 * those that decide has a margin in its own unit, fixed beforehand: a smaller
 * difference does not matter. All claims that decide hold together at the
 * level of `confidence` (Holm, limits at 1 - alpha / K); among those that are
 * explored the share of false ones is held there (Benjamini and Hochberg).
 *
 * Sequentially, intervals and p-values are those of the mixture confidence
 * sequence, which may be looked at after every pair; with a fixed number of
 * pairs they are those of the paired t test. A metric whose pairs mostly agree
 * exactly is tested by signs, an event (collapse) by McNemar. Where ranks or
 * the bootstrap dispute what the mean says, the verdict is `inconclusive`.
 *
 * Exchanging A and B negates every difference and limit and changes no p, no
 * number of pairs: the rule that stops looks at both sides alike.
 */
#ifndef CHAOS_REPORTS_AB_H
#define CHAOS_REPORTS_AB_H

#include <jansson.h>

#include "reports/metric.h"

enum { AB_PAIRS_MIN = 30, AB_PAIRS_MAX = 300, AB_STRATEGIES_MAX = 8 };
/* Below this no exact test can reach 5 %, so nothing is decided. */
enum { AB_PAIRS_TO_DECIDE = 6 };

enum ab_role { AB_PRIMARY, AB_GUARDRAIL, AB_EXPLORATORY };

struct ab_metric {
        const char *name, *unit;
        enum metric_better better;
        enum ab_role role;
        double margin;                /* in `unit`; 0: none, then it is never `equivalent` */
        bool is_event;                /* 0 or 1 in each replication, and rare */
        const struct metric_row *row; /* where values come from; NULL in tests */
};

enum ab_stopping {
        AB_SEQUENTIAL, /* until all that decide are decided */
        AB_PRECISION,  /* until the primary's interval is narrower than `width` */
        AB_FIXED,      /* pairs_max, whatever comes */
};

/* What a scenario's `analysis` says of a metric. */
struct ab_choice {
        const char *name;
        bool has_direction, critical, has_margin;
        enum metric_better direction;
        double margin;
};

struct ab_settings {
        double confidence; /* 0.5..1, exclusive */
        enum ab_stopping stopping;
        size_t pairs_min, pairs_max; /* pairs_min: before it nothing stops */
        double width;                /* AB_PRECISION: of the whole interval, > 0 */
        double max_loss;             /* of the primary, summed over pairs; 0: no limit */
        double loss_ahead; /* above 0: pairs are watched (ab_watch); what a second may lose at most */
        const struct run_meta *meta; /* seed, warm-up, horizon for the design line; NULL: unknown */
        const char *command; /* that repeats the run: "chaos-run f.json --seed 1"; for people */
};

struct ab_strategy {
        const char *name, *digest;
};

/* The metrics of a comparison, in the order of the metric table but for those
 * that decide, which come first. `primary` NULL: cost where the scenario prices
 * things, failed_user_seconds where all load is closed, else failed_requests. `out` has room for metric_row_count entries.
 * NULL, or what is wrong with `primary` or a choice, as static text. */
const char *ab_choose_metrics(const struct run_meta *meta, const char *primary,
                              const struct ab_choice *choices, size_t choice_count,
                              struct ab_metric *out, size_t *out_count);

struct ab;

/* Metrics and strategies (2..AB_STRATEGIES_MAX) are copied, their texts are not.
 * The first metric is the primary. NULL when memory is out. */
struct ab *ab_create(const struct ab_settings *settings, const struct ab_metric *metrics,
                     size_t metric_count, const struct ab_strategy *strategies,
                     size_t strategy_count);
void ab_destroy(struct ab *ab);

/* One replication: values[s * metric_count + m], NaN where nothing was measured;
 * `untreated`, by metric, may be NULL. False when memory is out: good for
 * ab_destroy() alone then. */
bool ab_add_values(struct ab *ab, uint32_t replication, const double *values,
                   const double *untreated);

/* The same from what was kept of it, one for each strategy. */
bool ab_add(struct ab *ab, const struct run_meta *meta, const struct kept *const *kept);

/* Whether the rule that stops is met. False too when memory is out. */
bool ab_enough(struct ab *ab);

/* Before a pair is added: `lost`[s * seconds + t] is what strategy s lost of the primary in second t
 * of that replication. True when the pair has to be cut, at the end of the last second after which
 * another one (of `loss_ahead`) could not exceed the limit: what was lost until then is counted, the
 * pair is not to be added, and nothing more is run. So the limit is never passed, not even by the
 * first pair. That the pair is left out is no bias: the sequence's limits hold at every number of pairs. */
bool ab_watch(struct ab *ab, uint32_t replication, const double *lost, size_t seconds);

/* What the worse of two strategies lost in the primary to the other over all
 * pairs so far, the most of all comparisons. */
double ab_loss(const struct ab *ab);

/* With a limit, whatever the rule, nothing more is run when a pair was cut, or, where
 * pairs are not watched, when one twice as bad as the worst so far could exceed it:
 * only a worse one, or the first, can. As
 * that is a look after every pair, what decides is then judged by the confidence
 * sequence. */
bool ab_may_lose_too_much(const struct ab *ab);

/* The `ab` object of result.json, with `verdict`, `exit_code` and `sentence`;
 * `*exit_code` is 0, 6 or 7 (the worst comparison). A new reference; NULL when
 * memory is out. */
json_t *ab_result(struct ab *ab, int *exit_code);

#endif
