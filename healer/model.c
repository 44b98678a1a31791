/* model.c - boosting stumps on binned features, and nearest cases; see model.h.
 *
 * Each round looks at the gradient of the logistic loss (label less probability)
 * by bin of each feature, takes the limit that explains most of it, and gives
 * each side Newton's step times the rate. Bins lie between the smallest and
 * largest value by rank of a sample of the rows, so that an outlier takes one.
 *
 * Cases: distance over features in their own scale (most are shares), kernel
 * exp(-d^2 / 2 h^2) with h a fifth of a unit; likeness is the failed ones' share
 * of the weight near by, times how near the nearest failed one is.
 */
#include "healer/model.h"

#include "healer/hlr_base.h"
#include "healer/hlr_math.h"

#include <math.h>
#include <string.h>

enum { BINS = 32, SAMPLE = 512 };

#define SMOOTH 4.0 /* second derivatives added to each side: few rows move little */
#define WIDTH 0.2
#define SAME_DISTANCE 0.02

const char *const healer_feature_names[HEALER_FEATURE_COUNT] = {
        [HEALER_FEATURE_MEMORY] = "memory",
        [HEALER_FEATURE_MEMORY_REACH] = "memory_reach",
        [HEALER_FEATURE_DISK] = "disk",
        [HEALER_FEATURE_DISK_REACH] = "disk_reach",
        [HEALER_FEATURE_FDS] = "fds",
        [HEALER_FEATURE_FDS_REACH] = "fds_reach",
        [HEALER_FEATURE_POOL] = "pool",
        [HEALER_FEATURE_POOL_REACH] = "pool_reach",
        [HEALER_FEATURE_TOKENS] = "tokens",
        [HEALER_FEATURE_TOKENS_REACH] = "tokens_reach",
        [HEALER_FEATURE_CPU] = "cpu",
        [HEALER_FEATURE_CPU_REACH] = "cpu_reach",
        [HEALER_FEATURE_QUEUE] = "queue",
        [HEALER_FEATURE_QUEUE_REACH] = "queue_reach",
        [HEALER_FEATURE_ERRORS] = "errors",
        [HEALER_FEATURE_ERRORS_REACH] = "errors_reach",
        [HEALER_FEATURE_LATENCY] = "latency",
        [HEALER_FEATURE_LATENCY_REACH] = "latency_reach",
        [HEALER_FEATURE_LOAD] = "load",
        [HEALER_FEATURE_GAPS] = "gaps",
        [HEALER_FEATURE_EXITS] = "exits",
        [HEALER_FEATURE_CHANGED] = "changed",
        [HEALER_FEATURE_PEERS] = "peers",
};

/* ---- asking */

static double chance(double log_odds)
{
        return 1 / (1 + hlr_exp(-log_odds));
}

double healer_model_probability(const struct healer_model *model,
                                const double features[HEALER_FEATURE_COUNT])
{
        double log_odds = model->bias;
        uint32_t i;

        for (i = 0; i < model->count; i++)
                log_odds += features[model->stumps[i].feature] >= model->stumps[i].limit
                                    ? model->stumps[i].high
                                    : model->stumps[i].low;
        return chance(log_odds);
}

const char *healer_model_check(const struct healer_model *model)
{
        const struct healer_stump *stump;
        uint32_t i;

        if (model->count > HEALER_STUMPS_MAX)
                return "more stumps than a model has";
        if (!isfinite(model->bias))
                return "bias: must be finite";
        for (i = 0; i < model->count; i++) {
                stump = &model->stumps[i];
                if (stump->feature >= HEALER_FEATURE_COUNT)
                        return "a stump asks a feature that is none";
                if (!isfinite(stump->limit) || !isfinite(stump->low) || !isfinite(stump->high))
                        return "a stump's numbers must be finite";
        }
        return NULL;
}

/* ---- training */

struct work {
        const struct healer_training *training;
        double edges[HEALER_FEATURE_COUNT][BINS]; /* limits; the first `edge_count` of them */
        uint32_t edge_count[HEALER_FEATURE_COUNT];
        uint8_t (*bins)[HEALER_FEATURE_COUNT];    /* how many limits a value reaches */
        double *log_odds;
};

static void sort(double *values, uint32_t count)
{
        double moved;
        uint32_t i, k;

        for (i = 1; i < count; i++) {
                moved = values[i];
                for (k = i; k > 0 && values[k - 1] > moved; k--)
                        values[k] = values[k - 1];
                values[k] = moved;
        }
}

static double known(double value)
{
        return isnan(value) ? -(double)INFINITY : value;
}

static void find_edges(struct work *work, uint32_t feature)
{
        const struct healer_training *t = work->training;
        size_t step = t->count / SAMPLE + 1;
        double sample[SAMPLE + 1], edge;
        uint32_t count = 0, b;
        size_t i;

        for (i = 0; i < t->count && count < SAMPLE; i += step) {
                if (isfinite(t->rows[i][feature]))
                        sample[count++] = t->rows[i][feature];
        }
        /* The rare kind decides, and the sample may have missed it. */
        for (i = 0; i < t->count && count > 0 && count <= SAMPLE; i++) {
                if (t->failed[i] && isfinite(t->rows[i][feature]) &&
                    t->rows[i][feature] > sample[count - 1])
                        sample[count - 1] = t->rows[i][feature];
        }
        sort(sample, count);
        work->edge_count[feature] = 0;
        for (b = 1; b < BINS && count > 1; b++) {
                edge = sample[(size_t)b * (count - 1) / BINS + 1 < count
                                      ? (size_t)b * (count - 1) / BINS + 1
                                      : count - 1];
                if (edge > sample[0] && (work->edge_count[feature] == 0 ||
                                         edge > work->edges[feature][work->edge_count[feature] - 1]))
                        work->edges[feature][work->edge_count[feature]++] = edge;
        }
}

static void put_in_bins(struct work *work)
{
        const struct healer_training *t = work->training;
        uint32_t feature;
        uint8_t bin;
        size_t i;

        for (feature = 0; feature < HEALER_FEATURE_COUNT; feature++)
                find_edges(work, feature);
        for (i = 0; i < t->count; i++) {
                for (feature = 0; feature < HEALER_FEATURE_COUNT; feature++) {
                        for (bin = 0; bin < work->edge_count[feature] &&
                                      known(t->rows[i][feature]) >= work->edges[feature][bin];
                             bin++)
                                ;
                        work->bins[i][feature] = bin;
                }
        }
}

struct side {
        double gradient, weight, rows;
};

static double gain(const struct side *side)
{
        return side->gradient * side->gradient / (side->weight + SMOOTH);
}

/* The best stump for the present gradient; false when none explains anything. */
static bool best_stump(const struct work *work, struct healer_stump *out)
{
        struct side(*sums)[BINS + 1];
        struct side table[HEALER_FEATURE_COUNT][BINS + 1];
        struct side all = {0, 0, 0}, low, high;
        const struct healer_training *t = work->training;
        double p, best = 1e-9, now;
        uint32_t feature, b;
        size_t i;

        memset(table, 0, sizeof(table));
        sums = table;
        for (i = 0; i < t->count; i++) {
                p = chance(work->log_odds[i]);
                all.gradient += t->failed[i] - p;
                all.weight += p * (1 - p);
                all.rows++;
                for (feature = 0; feature < HEALER_FEATURE_COUNT; feature++) {
                        sums[feature][work->bins[i][feature]].gradient += t->failed[i] - p;
                        sums[feature][work->bins[i][feature]].weight += p * (1 - p);
                        sums[feature][work->bins[i][feature]].rows++;
                }
        }
        for (feature = 0; feature < HEALER_FEATURE_COUNT; feature++) {
                low = (struct side){0, 0, 0};
                for (b = 0; b < work->edge_count[feature]; b++) {
                        low.gradient += sums[feature][b].gradient;
                        low.weight += sums[feature][b].weight;
                        low.rows += sums[feature][b].rows;
                        high = (struct side){all.gradient - low.gradient, all.weight - low.weight,
                                             all.rows - low.rows};
                        if (low.rows < t->rows_min || high.rows < t->rows_min)
                                continue;
                        now = gain(&low) + gain(&high) - gain(&all);
                        if (now <= best)
                                continue;
                        best = now;
                        out->feature = feature;
                        out->limit = work->edges[feature][b];
                        out->low = t->rate * low.gradient / (low.weight + SMOOTH);
                        out->high = t->rate * high.gradient / (high.weight + SMOOTH);
                }
        }
        return best > 1e-9;
}

static void boost(struct work *work, struct healer_model *model)
{
        const struct healer_training *t = work->training;
        struct healer_stump *stump;
        size_t i;

        for (i = 0; i < t->count; i++)
                work->log_odds[i] = model->bias;
        while (model->count < t->stumps) {
                stump = &model->stumps[model->count];
                if (!best_stump(work, stump))
                        return;
                model->count++;
                for (i = 0; i < t->count; i++)
                        work->log_odds[i] += known(t->rows[i][stump->feature]) >= stump->limit
                                                     ? stump->high
                                                     : stump->low;
        }
}

enum healer_err healer_model_train(const struct healer_training *training,
                                   struct healer_model *out)
{
        struct work *work;
        size_t failures = 0, i, bins_at, odds_at, bytes;

        memset(out, 0, sizeof(*out));
        for (i = 0; i < training->count; i++)
                failures += training->failed[i];
        if (training->stumps < 1 || training->stumps > HEALER_STUMPS_MAX ||
            !(training->rate > 0 && training->rate <= 1) || failures == 0 ||
            failures == training->count || training->count > SIZE_MAX / 4096)
                return HEALER_E_RANGE;
        odds_at = (sizeof(*work) + 15) / 16 * 16;
        bins_at = odds_at + training->count * sizeof(double);
        bytes = bins_at + training->count * HEALER_FEATURE_COUNT;
        work = hlr_alloc(training->allocator, bytes);
        if (work == NULL)
                return HEALER_E_NOMEM;
        work->training = training;
        work->log_odds = (double *)(void *)((char *)work + odds_at);
        work->bins = (uint8_t(*)[HEALER_FEATURE_COUNT])(void *)((char *)work + bins_at);
        out->rows = training->count;
        out->failures = failures;
        out->bias = hlr_log((double)failures / (double)(training->count - failures));
        put_in_bins(work);
        boost(work, out);
        hlr_free(training->allocator, work);
        return out->count > 0 ? HEALER_OK : HEALER_E_RANGE;
}

/* ---- cases */

static double distance_squared(const double *a, const double *b)
{
        double sum = 0, step;
        int i;

        for (i = 0; i < HEALER_FEATURE_COUNT; i++) {
                step = (isnan(a[i]) ? 0 : a[i]) - (isnan(b[i]) ? 0 : b[i]);
                step = fmax(-1, fmin(1, step)); /* one feature alone is not all */
                sum += step * step;
        }
        return sum;
}

/* Whether a situation like that has gone well. */
static bool went_well(const struct healer_cases *cases, const double *features)
{
        uint32_t well = cases->count[0] < HEALER_CASES_MAX ? cases->count[0] : HEALER_CASES_MAX;
        uint32_t i;

        for (i = 0; i < well; i++) {
                if (distance_squared(cases->kept[0][i].features, features) < WIDTH * WIDTH)
                        return true;
        }
        return false;
}

void healer_cases_add(struct healer_cases *cases, const struct healer_case *one)
{
        struct healer_case *kept = cases->kept[one->failed];
        uint32_t *count = &cases->count[one->failed];
        uint32_t have = *count < HEALER_CASES_MAX ? *count : HEALER_CASES_MAX;
        uint32_t i;

        if (one->failed && went_well(cases, one->features))
                return;
        for (i = 0; i < have; i++) {
                if (distance_squared(kept[i].features, one->features) <
                    SAME_DISTANCE * SAME_DISTANCE) {
                        kept[i] = *one;
                        return;
                }
        }
        kept[*count % HEALER_CASES_MAX] = *one;
        /* Counts stay small enough to be kept in a file for ever. */
        *count = *count + 1 < 2 * HEALER_CASES_MAX ? *count + 1 : HEALER_CASES_MAX;
}

double healer_cases_likeness(const struct healer_cases *cases,
                             const double features[HEALER_FEATURE_COUNT], uint32_t *failure)
{
        double weight[2] = {0, 0}, nearest = 0, w;
        uint32_t kind, i, have;

        *failure = 0;
        if (cases->count[0] < HEALER_CASES_MIN || cases->count[1] < HEALER_CASES_MIN)
                return 0;
        for (kind = 0; kind < 2; kind++) {
                have = cases->count[kind] < HEALER_CASES_MAX ? cases->count[kind]
                                                             : HEALER_CASES_MAX;
                for (i = 0; i < have; i++) {
                        if (kind == 1 && went_well(cases, cases->kept[1][i].features))
                                continue; /* known only since */
                        w = hlr_exp(-distance_squared(cases->kept[kind][i].features, features) /
                                    (2 * WIDTH * WIDTH));
                        weight[kind] += w / have; /* neither kind wins by number */
                        if (kind == 1 && w > nearest) {
                                nearest = w;
                                *failure = cases->kept[1][i].failure;
                        }
                }
        }
        if (!(weight[1] > 0))
                return 0;
        return weight[1] / (weight[0] + weight[1]) * fmin(1, 2 * nearest);
}
