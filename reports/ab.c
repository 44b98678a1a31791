/* ab.c - values of all pairs, when to stop, and the verdict over all metrics.
 *
 * The rule that stops is asked after every pair. It first looks at the means
 * alone, which is cheap; only when these would decide everything are ranks and
 * bootstrap asked, and a verdict that they dispute goes on.
 *
 * Not here: the tests of one metric (ab_compare.c), which metrics there are
 * (ab_metrics.c), words and JSON (ab_tree.c).
 */
#include "reports/ab.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/ab_state.h"
#include "reports/stats/multiple.h"
#include "reports/verdict.h"

struct ab *ab_create(const struct ab_settings *settings, const struct ab_metric *metrics,
                     size_t metric_count, const struct ab_strategy *strategies,
                     size_t strategy_count)
{
        struct ab *ab = calloc(1, sizeof(*ab));

        if (ab == NULL)
                return NULL;
        ab->settings = *settings;
        ab->metric_count = metric_count;
        ab->strategy_count = strategy_count;
        memcpy(ab->strategies, strategies, strategy_count * sizeof(*strategies));
        ab->metrics = calloc(metric_count, sizeof(*metrics));
        ab->values = calloc(strategy_count + 1, sizeof(*ab->values));
        if (ab->metrics == NULL || ab->values == NULL)
                goto fail;
        memcpy(ab->metrics, metrics, metric_count * sizeof(*metrics));
        while (ab->decider_count < metric_count &&
               metrics[ab->decider_count].role != AB_EXPLORATORY)
                ab->decider_count++;
        for (size_t c = 0; c + 1 < strategy_count; c++) {
                ab->comparisons[c].rows = calloc(metric_count, sizeof(struct ab_row));
                if (ab->comparisons[c].rows == NULL)
                        goto fail;
        }
        return ab;
fail:
        ab_destroy(ab);
        return NULL;
}

void ab_destroy(struct ab *ab)
{
        if (ab == NULL)
                return;
        for (size_t s = 0; ab->values != NULL && s <= ab->strategy_count; s++)
                free(ab->values[s]);
        for (size_t c = 0; c + 1 < ab->strategy_count; c++)
                free(ab->comparisons[c].rows);
        free(ab->values);
        free(ab->replications);
        free(ab->metrics);
        free(ab);
}

/* ---- adding */

static bool make_room(struct ab *ab)
{
        size_t room = ab->room == 0 ? 64 : ab->room * 2;
        uint32_t *replications;

        if (ab->pairs < ab->room)
                return true;
        replications = realloc(ab->replications, room * sizeof(*replications));
        if (replications == NULL)
                return false;
        ab->replications = replications;
        for (size_t s = 0; s <= ab->strategy_count; s++) {
                double *bigger = calloc(room * ab->metric_count, sizeof(*bigger));

                if (bigger == NULL)
                        return false;
                for (size_t m = 0; m < ab->metric_count && ab->pairs > 0; m++)
                        memcpy(bigger + m * room, ab->values[s] + m * ab->room,
                               ab->pairs * sizeof(*bigger));
                free(ab->values[s]);
                ab->values[s] = bigger;
        }
        ab->room = room;
        return true;
}

bool ab_add_values(struct ab *ab, uint32_t replication, const double *values,
                   const double *untreated)
{
        if (!make_room(ab))
                return false;
        for (size_t m = 0; m < ab->metric_count; m++) {
                for (size_t s = 0; s < ab->strategy_count; s++)
                        ab->values[s][m * ab->room + ab->pairs] = values[s * ab->metric_count + m];
                ab->values[ab->strategy_count][m * ab->room + ab->pairs] =
                        untreated != NULL ? untreated[m] : NAN;
        }
        ab->replications[ab->pairs++] = replication;
        return true;
}

bool ab_add(struct ab *ab, const struct run_meta *meta, const struct kept *const *kept)
{
        double *values = calloc((ab->strategy_count + 1) * ab->metric_count, sizeof(*values));
        double *untreated;
        bool ok;

        if (values == NULL)
                return false;
        untreated = values + ab->strategy_count * ab->metric_count;
        for (size_t m = 0; m < ab->metric_count; m++) {
                const struct metric_row *row = ab->metrics[m].row;
                struct metric_query query = {.meta = meta,
                                             .arm = ARM_TREATED,
                                             .service = RECORD_NONE,
                                             .phase = KEPT_WHOLE,
                                             .confidence = 0.95};

                for (size_t s = 0; s < ab->strategy_count; s++)
                        values[s * ab->metric_count + m] = metric_value_of(row, &query, kept[s]);
                query.arm = ARM_UNTREATED;
                untreated[m] = row->scopes & (SCOPE_TWINS | SCOPE_HEALER)
                                       ? NAN
                                       : metric_value_of(row, &query, kept[0]);
        }
        ok = ab_add_values(ab, kept[0]->replication, values, untreated);
        free(values);
        return ok;
}

/* ---- judging */

static struct ab_question question_of(const struct ab *ab, size_t m)
{
        bool decides = m < ab->decider_count;

        return (struct ab_question){
                .metric = &ab->metrics[m],
                .sequential = ab->settings.stopping != AB_FIXED || ab->settings.max_loss > 0,
                .alpha = 1 - ab->settings.confidence,
                .simultaneous = decides ? ab->decider_count * (ab->strategy_count - 1) : 1,
        };
}

/* Rows [from, to) of all comparisons, adjusted together. */
static bool adjust(struct ab *ab, size_t from, size_t to,
                   bool (*method)(const double *p, size_t n, double *adjusted))
{
        size_t comparisons = ab->strategy_count - 1, width = to - from, at = 0;
        double *p = calloc(comparisons * width + 1, sizeof(*p));
        bool ok = p != NULL;

        for (size_t c = 0; ok && c < comparisons; c++)
                for (size_t m = from; m < to; m++) {
                        const struct ab_row *row = &ab->comparisons[c].rows[m];

                        p[at++] = row->has_p ? row->p : NAN;
                }
        ok = ok && (at == 0 || method(p, at, p));
        at = 0;
        for (size_t c = 0; ok && c < comparisons; c++)
                for (size_t m = from; m < to; m++)
                        ab->comparisons[c].rows[m].p_adjusted = p[at++];
        free(p);
        return ok;
}

/* All that decide agree exactly, and so does all else that was measured. */
static bool all_identical(const struct ab *ab, const struct ab_row *rows)
{
        bool measured = false;

        for (size_t m = 0; m < ab->metric_count; m++) {
                if (rows[m].n > 0 && !rows[m].identical)
                        return false;
                measured = measured || rows[m].n > 0;
        }
        return measured;
}

static enum ab_overall overall_of(const struct ab *ab, const struct ab_row *rows)
{
        size_t better = 0, worse = 0, open = 0;

        if (all_identical(ab, rows))
                return OVERALL_IDENTICAL;
        if (rows[0].n < AB_PAIRS_TO_DECIDE)
                return OVERALL_INCONCLUSIVE;
        for (size_t m = 0; m < ab->decider_count; m++) {
                better += rows[m].verdict == AB_BETTER;
                worse += rows[m].verdict == AB_WORSE;
                /* A guardrail without data has nothing to guard. */
                open += rows[m].verdict == AB_INCONCLUSIVE &&
                        (rows[m].metric->role == AB_PRIMARY ||
                         (rows[m].n > 0 && (!rows[m].is_within || rows[m].disputed_by != NULL)));
        }
        if (worse > 0)
                return better > 0 ? OVERALL_TRADE_OFF : OVERALL_WORSE;
        if (open > 0)
                return OVERALL_INCONCLUSIVE;
        return better > 0 ? OVERALL_BETTER : OVERALL_EQUIVALENT;
}

bool ab_judge(struct ab *ab, bool deep)
{
        size_t last = deep ? ab->metric_count : ab->decider_count;

        for (size_t c = 0; c + 1 < ab->strategy_count; c++)
                for (size_t m = 0; m < last; m++) {
                        struct ab_question question = question_of(ab, m);

                        if (!ab_compare(&question, ab_values(ab, 0, m), ab_values(ab, c + 1, m),
                                        ab->pairs, deep, &ab->comparisons[c].rows[m]))
                                return false;
                }
        if (!adjust(ab, 0, ab->decider_count, stats_holm) ||
            (deep && !adjust(ab, ab->decider_count, ab->metric_count, stats_benjamini_hochberg)))
                return false;
        for (size_t c = 0; c + 1 < ab->strategy_count; c++) {
                for (size_t m = 0; m < last; m++) {
                        struct ab_question question = question_of(ab, m);

                        ab_reach(&question, &ab->comparisons[c].rows[m]);
                }
                if (deep)
                        ab->comparisons[c].overall = overall_of(ab, ab->comparisons[c].rows);
        }
        return true;
}

/* ---- when to stop */

static bool all_decided(const struct ab *ab)
{
        for (size_t c = 0; c + 1 < ab->strategy_count; c++)
                for (size_t m = 0; m < ab->decider_count; m++)
                        if (ab->comparisons[c].rows[m].verdict == AB_INCONCLUSIVE &&
                            ab->comparisons[c].rows[m].n > 0)
                                return false;
        return true;
}

static bool all_narrow(const struct ab *ab)
{
        for (size_t c = 0; c + 1 < ab->strategy_count; c++) {
                const struct stats_interval *primary = &ab->comparisons[c].rows[0].difference;

                if (!primary->has_low || !primary->has_high ||
                    primary->high - primary->low >= ab->settings.width)
                        return false;
        }
        return true;
}

/* The deciders alone, with ranks and bootstrap. */
static bool judge_deciders(struct ab *ab)
{
        size_t all = ab->metric_count;
        bool ok;

        ab->metric_count = ab->decider_count;
        ok = ab_judge(ab, true);
        ab->metric_count = all;
        return ok;
}

/* A - B of the primary; 0 where one of them has no data. */
static double primary_difference(const struct ab *ab, size_t comparison, size_t pair)
{
        double a = ab_values(ab, 0, 0)[pair], b = ab_values(ab, comparison + 1, 0)[pair];

        return isfinite(a) && isfinite(b) ? a - b : 0;
}

double ab_loss(const struct ab *ab)
{
        double most = 0;

        if (ab->cut.is)
                return ab->cut.loss;
        for (size_t c = 0; c + 1 < ab->strategy_count; c++) {
                double sum = 0;

                for (size_t i = 0; i < ab->pairs; i++)
                        sum += primary_difference(ab, c, i);
                most = fmax(most, fabs(sum));
        }
        return most;
}

/* How much was lost by the worst comparison when so many seconds of this pair are over. */
static double loss_at(double *sums, size_t comparisons)
{
        double most = 0;

        for (size_t c = 0; c < comparisons; c++)
                most = fmax(most, fabs(sums[c]));
        return most;
}

bool ab_watch(struct ab *ab, uint32_t replication, const double *lost, size_t seconds)
{
        size_t comparisons = ab->strategy_count - 1;
        double sums[AB_STRATEGIES_MAX] = {0};

        for (size_t c = 0; c < comparisons; c++)
                for (size_t i = 0; i < ab->pairs; i++)
                        sums[c] += primary_difference(ab, c, i);
        for (size_t t = 0; t <= seconds; t++) {
                if (loss_at(sums, comparisons) + ab->settings.loss_ahead > ab->settings.max_loss &&
                    t < seconds) {
                        ab->cut.is = true;
                        ab->cut.replication = replication;
                        ab->cut.at_s = t;
                        ab->cut.loss = loss_at(sums, comparisons);
                        return true;
                }
                for (size_t c = 0; t < seconds && c < comparisons; c++)
                        sums[c] += lost[t] - lost[(c + 1) * seconds + t];
        }
        return false;
}

/* Looks at both sides alike, as all that stops does. */
bool ab_may_lose_too_much(const struct ab *ab)
{
        double worst = 0;

        if (!(ab->settings.max_loss > 0))
                return false;
        if (ab->settings.loss_ahead > 0)
                return ab->cut.is;
        for (size_t c = 0; c + 1 < ab->strategy_count; c++)
                for (size_t i = 0; i < ab->pairs; i++)
                        worst = fmax(worst, fabs(primary_difference(ab, c, i)));
        return ab_loss(ab) + 2 * worst > ab->settings.max_loss;
}

bool ab_enough(struct ab *ab)
{
        if (ab_may_lose_too_much(ab))
                return true;
        if (ab->settings.stopping == AB_FIXED || ab->pairs < ab->settings.pairs_min)
                return ab->pairs >= ab->settings.pairs_max;
        if (ab->pairs >= ab->settings.pairs_max)
                return true;
        if (!ab_judge(ab, false))
                return false;
        if (ab->settings.stopping == AB_PRECISION)
                return all_narrow(ab);
        return all_decided(ab) && judge_deciders(ab) && all_decided(ab);
}

/* ---- the result */

int ab_exit_code(enum ab_overall overall)
{
        switch (overall) {
        case OVERALL_IDENTICAL:
        case OVERALL_EQUIVALENT:
        case OVERALL_BETTER:
                return EXIT_PASSED;
        case OVERALL_WORSE:
        case OVERALL_TRADE_OFF:
                return EXIT_REGRESSION;
        case OVERALL_INCONCLUSIVE:
                break;
        }
        return EXIT_INCONCLUSIVE;
}

json_t *ab_result(struct ab *ab, int *exit_code)
{
        int code = EXIT_PASSED;

        if (!ab_judge(ab, true))
                return NULL;
        for (size_t c = 0; c + 1 < ab->strategy_count; c++)
                code = exit_code_worse(code, ab_exit_code(ab->comparisons[c].overall));
        *exit_code = code;
        return ab_tree(ab, code);
}
