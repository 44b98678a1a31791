/* ab_compare.c - the tests of one metric, and what follows from them.
 *
 * Which p decides: McNemar for an event; signs where more than half of the
 * pairs agree exactly or all differ by the same; else t. Sequentially, the
 * mixture sequence takes the place of t, and of the others a sequence of signs:
 * the likelihood ratio of "the next sign is + with a chance learnt so far"
 * against one half, which is a martingale too.
 *
 * A verdict needs the decision and the agreement of those who assume less:
 * Wilcoxon's shift and p at the plain level, and from 50 pairs on the bootstrap.
 *
 * Not here: which metrics there are, adjusting over them, and the verdict over
 * all of them (ab.c).
 */
#include "reports/ab_compare.h"

#include <math.h>
#include <stdlib.h>

#include "reports/stats/bootstrap.h"
#include "reports/stats/equivalence.h"
#include "reports/stats/power.h"
#include "reports/stats/sequential.h"

#define MDE_POWER 0.8
/* Ranks have to agree with the mean, and see 3/pi of what it sees in normal
 * differences: a detectable effect is larger by the root of that. */
#define RANKS_TOO 1.0233267079464885
enum { BOOTSTRAP_SEED = 1 };

const char *const ab_verdict_names[AB_VERDICT_COUNT] = {
        "identical", "equivalent", "B better", "B worse", "B higher", "B lower", "inconclusive",
};

struct pairs {
        double *a, *b, *d;
        size_t n;
};

static bool take_pairs(const double *a, const double *b, size_t n, struct pairs *out)
{
        out->n = 0;
        out->a = calloc(3 * n + 1, sizeof(*out->a));
        if (out->a == NULL)
                return false;
        out->b = out->a + n;
        out->d = out->b + n;
        for (size_t i = 0; i < n; i++) {
                if (!isfinite(a[i]) || !isfinite(b[i]))
                        continue;
                out->a[out->n] = a[i];
                out->b[out->n] = b[i];
                out->d[out->n++] = a[i] - b[i];
        }
        return true;
}

/* p of "plus and minus are as likely", valid at every n. */
static double sign_sequence_p(const double *d, size_t n)
{
        double evidence = 1, most = 1, plus = 0, minus = 0;

        for (size_t i = 0; i < n; i++) {
                if (d[i] == 0)
                        continue;
                evidence *= 2 * ((d[i] > 0 ? plus : minus) + 1) / (plus + minus + 2);
                *(d[i] > 0 ? &plus : &minus) += 1;
                most = fmax(most, evidence);
        }
        return 1 / most;
}

static struct stats_sequence sequence_of(const struct pairs *pairs)
{
        struct stats_sequence sequence = {0};

        for (size_t i = 0; i < pairs->n; i++)
                stats_sequence_add(&sequence, pairs->d[i]);
        return sequence;
}

static struct stats_interval wider(struct stats_interval one, const struct stats_interval *other)
{
        if (other->has_low && other->low < one.low)
                one.low = other->low;
        if (other->has_high && other->high > one.high)
                one.high = other->high;
        return one;
}

static void count_events(const struct pairs *pairs, size_t *only_a, size_t *only_b)
{
        *only_a = *only_b = 0;
        for (size_t i = 0; i < pairs->n; i++) {
                *only_a += pairs->a[i] > pairs->b[i];
                *only_b += pairs->b[i] > pairs->a[i];
        }
}

/* The mean difference with limits at `confidence`. An event that was seen on
 * neither side, or on both sides alike, has limits too, which those of a mean
 * would not. */
static struct stats_interval difference_of(const struct ab_question *question,
                                           const struct pairs *pairs, double confidence)
{
        struct stats_sequence sequence = sequence_of(pairs);
        struct stats_interval mean =
                question->sequential ? stats_sequence_interval(&sequence, confidence)
                                     : stats_paired_t(pairs->d, pairs->n, confidence).difference;
        struct stats_interval events;
        size_t only_a, only_b;

        if (!question->metric->is_event || pairs->n == 0)
                return mean;
        count_events(pairs, &only_a, &only_b);
        events = stats_mcnemar(only_a, only_b, pairs->n, confidence).difference;
        return question->sequential ? wider(events, &mean) : events;
}

static void test_difference(const struct ab_question *question, const struct pairs *pairs,
                            const struct stats_paired_t *t, const struct stats_sign_test *signs,
                            struct ab_row *row)
{
        struct stats_sequence sequence = sequence_of(pairs);
        size_t only_a, only_b;

        row->by_signs = !question->metric->is_event && row->zero * 2 > row->n;
        row->has_p = row->n >= 1;
        if (question->sequential && (question->metric->is_event || row->by_signs || !t->has_test)) {
                row->test = "sign sequence";
                row->p = sign_sequence_p(pairs->d, pairs->n);
        } else if (question->metric->is_event) {
                count_events(pairs, &only_a, &only_b);
                row->test = "mcnemar";
                row->p = row->n == 0 ? 1 : stats_mcnemar(only_a, only_b, pairs->n, 0.95).p;
        } else if (row->by_signs || !t->has_test) {
                row->test = "sign";
                row->p = signs->p;
        } else if (question->sequential) {
                row->test = "sequence";
                row->p = stats_sequence_p(&sequence);
        } else {
                row->test = "t";
                row->p = t->p;
        }
}

/* Mean of log(A / B), where every value is above 0. */
static bool compare_logs(const struct pairs *pairs, struct stats_interval *out)
{
        double *logs = calloc(pairs->n + 1, sizeof(*logs));
        bool positive = pairs->n > 0;

        if (logs == NULL)
                return false;
        for (size_t i = 0; i < pairs->n; i++) {
                positive = positive && pairs->a[i] > 0 && pairs->b[i] > 0;
                if (positive)
                        logs[i] = log(pairs->a[i]) - log(pairs->b[i]);
        }
        if (positive)
                *out = stats_mean_t(logs, pairs->n, 0.95);
        free(logs);
        return true;
}

static bool within(const struct stats_interval *interval, double margin)
{
        return interval->has_low && interval->has_high && interval->low > -margin &&
               interval->high < margin;
}

/* Whether B is shown to be no worse, and no different, by the margin: each side
 * at alpha / K, so by limits at 1 - 2 alpha / K. */
static void test_margin(const struct ab_question *question, const struct pairs *pairs,
                        struct ab_row *row)
{
        double margin = question->metric->margin;
        double each = question->alpha / (double)question->simultaneous;
        struct stats_interval limits;
        bool less_is_better = question->metric->better != BETTER_HIGH;

        if (!(margin > 0) || row->n < 2)
                return;
        limits = difference_of(question, pairs, 1 - 2 * each);
        row->is_equivalent = within(&limits, margin);
        row->is_within =
                row->identical || (less_is_better ? limits.has_low && limits.low > -margin
                                                  : limits.has_high && limits.high < margin);
}

static bool look_deeper(const struct ab_question *question, const struct pairs *pairs,
                        struct ab_row *row)
{
        double confidence = 1 - question->alpha;

        row->has_ranks = true;
        if (!stats_wilcoxon(pairs->d, pairs->n, confidence, &row->wilcoxon) ||
            !compare_logs(pairs, &row->log_ratio))
                return false;
        if (question->metric->role == AB_EXPLORATORY || pairs->n < STATS_BCA_N_MIN)
                return true;
        row->has_bca = true;
        return stats_bca_mean(pairs->d, pairs->n, confidence, STATS_BCA_REPLICATES, BOOTSTRAP_SEED,
                              &row->bca);
}

/* How many pairs would decide: enough to keep 0 out, or the margin. */
static void size_up(const struct ab_question *question, struct ab_row *row)
{
        double mean = fabs(row->difference.value), margin = question->metric->margin;
        double half = margin > 0 ? fmax(mean, margin - mean) : mean;
        double se = row->n > 0 ? row->deviation / sqrt((double)row->n) : 0;
        double level = 1 - row->confidence;

        if (row->n < 2 || !(row->deviation > 0))
                return;
        if (half > 0)
                row->has_pairs_needed =
                        question->sequential
                                ? stats_sequence_pairs_for_half_width(
                                          half, row->deviation, row->confidence, &row->pairs_needed)
                                : stats_pairs_for_half_width(half, row->deviation, row->confidence,
                                                             &row->pairs_needed);
        if (row->pairs_needed < AB_PAIRS_TO_DECIDE)
                row->pairs_needed = AB_PAIRS_TO_DECIDE;
        /* As many as there are did not do, whatever the deviation promises. */
        if (row->pairs_needed <= row->n)
                row->pairs_needed = row->n + 1;
        row->mde = question->sequential
                           ? stats_sequence_half_width(row->n, row->deviation, row->confidence) +
                                     0.8416212335729143 * se /* of the normal, at MDE_POWER */
                           : stats_detectable_effect(row->deviation, row->n, level, MDE_POWER);
        row->mde *= RANKS_TOO;
        row->has_mde = isfinite(row->mde);
}

bool ab_compare(const struct ab_question *question, const double *a, const double *b, size_t n,
                bool deep, struct ab_row *out)
{
        struct pairs pairs;
        struct stats_sign_test signs;
        struct stats_paired_t t;
        bool ok = false;

        *out = (struct ab_row){.metric = question->metric, .verdict = AB_INCONCLUSIVE, .test = ""};
        if (!take_pairs(a, b, n, &pairs))
                return false;
        out->n = pairs.n;
        out->confidence = 1 - question->alpha / (double)question->simultaneous;
        out->a = stats_mean_t(pairs.a, pairs.n, 0.95);
        out->b = stats_mean_t(pairs.b, pairs.n, 0.95);
        if (question->metric->row != NULL) {
                metric_cut(question->metric->row, &out->a);
                metric_cut(question->metric->row, &out->b);
        }
        t = stats_paired_t(pairs.d, pairs.n, out->confidence);
        out->identical = t.identical;
        out->deviation = t.deviation;
        out->difference = difference_of(question, &pairs, out->confidence);
        if (!stats_sign_test(pairs.d, pairs.n, 0.95, &signs))
                goto done;
        out->plus = signs.plus;
        out->zero = signs.zero;
        out->minus = signs.minus;
        out->nonzero_mean = signs.nonzero_mean;
        for (size_t i = 0; question->metric->is_event && i < pairs.n; i++) {
                out->events_a += pairs.a[i] > 0;
                out->events_b += pairs.b[i] > 0;
        }
        test_difference(question, &pairs, &t, &signs, out);
        out->p_adjusted = out->p;
        test_margin(question, &pairs, out);
        ok = !deep || look_deeper(question, &pairs, out);
        size_up(question, out);
done:
        free(pairs.a);
        return ok;
}

/* ---- the verdict */

static int sign_of(double value)
{
        return (value > 0) - (value < 0);
}

/* Who does not agree that the mean differs, in that direction. */
static const char *who_disputes_a_difference(const struct ab_question *question,
                                             const struct ab_row *row)
{
        int side = sign_of(row->difference.value);

        if (row->plus != row->minus && (row->by_signs || row->metric->is_event) &&
            sign_of((double)row->plus - (double)row->minus) != side)
                return "signs";
        if (row->has_ranks && !row->by_signs && !row->metric->is_event &&
            (sign_of(row->wilcoxon.shift.value) != side || row->wilcoxon.p > question->alpha))
                return "ranks";
        /* Holm may claim more than limits at alpha / K; what is printed must agree. */
        if (!row->by_signs && !row->metric->is_event && row->difference.has_low &&
            row->difference.has_high &&
            (side > 0 ? row->difference.low <= 0 : row->difference.high >= 0))
                return "interval";
        if (row->has_bca && !row->by_signs && row->bca.has_low && row->bca.has_high &&
            (side > 0 ? row->bca.low <= 0 : row->bca.high >= 0))
                return "bootstrap";
        return NULL;
}

static const char *who_disputes_equivalence(const struct ab_row *row)
{
        double margin = row->metric->margin;

        if (row->has_ranks && fabs(row->wilcoxon.shift.value) >= margin)
                return "ranks";
        if (row->has_bca && row->bca.has_low && row->bca.has_high && !within(&row->bca, margin))
                return "bootstrap";
        return NULL;
}

static enum ab_verdict side_of(const struct ab_row *row)
{
        double benefit = ab_benefit(row->metric, row->difference.value);

        if (row->metric->better == BETTER_NEITHER)
                return row->difference.value > 0 ? AB_LOWER : AB_HIGHER;
        return benefit > 0 ? AB_BETTER : AB_WORSE;
}

void ab_reach(const struct ab_question *question, struct ab_row *row)
{
        row->verdict = AB_INCONCLUSIVE;
        row->disputed_by = NULL;
        if (row->n > 0 && row->identical) {
                row->verdict = AB_IDENTICAL;
                return;
        }
        if (row->n < AB_PAIRS_TO_DECIDE)
                return;
        if (row->is_equivalent) {
                row->disputed_by = who_disputes_equivalence(row);
                row->verdict = row->disputed_by == NULL ? AB_EQUIVALENT : AB_INCONCLUSIVE;
        } else if (row->has_p && row->p_adjusted <= question->alpha && row->difference.value != 0) {
                row->disputed_by = who_disputes_a_difference(question, row);
                row->verdict = row->disputed_by == NULL ? side_of(row) : AB_INCONCLUSIVE;
        }
}
