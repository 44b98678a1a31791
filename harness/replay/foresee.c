/* foresee.c - see foresee.h. */
#include "harness/replay/foresee.h"

#include <math.h>
#include <string.h>

#include "healer/forecast.h"
#include "healer/line.h"

#define PERCENT_FROM 1.5
#define RISE_MIN 0.02 /* of the limit, over the samples */
#define REACHED 0.95
#define APART 24.0    /* samples between the centres of both means */

static double limit_of(enum healer_metric metric, const struct healer_config *config)
{
        switch (metric) {
        case HEALER_METRIC_MEMORY:
        case HEALER_METRIC_DISK:
        case HEALER_METRIC_FDS:
        case HEALER_METRIC_POOL:
        case HEALER_METRIC_TOKENS:
        case HEALER_METRIC_CPU:
                return 1;
        case HEALER_METRIC_COUNT:
                return NAN;
        default:
                return config->detection.thresholds[metric].critical;
        }
}

void foresee_init(struct foresee *foresee, const char *metric, const struct healer_config *config)
{
        enum healer_metric known = metric == NULL ? HEALER_METRIC_COUNT : healer_metric_of(metric);

        memset(foresee, 0, sizeof(*foresee));
        foresee->limit = limit_of(known, config);
        foresee->ratio = known < HEALER_METRIC_COUNT && healer_metrics[known].ratio;
}

static void score(struct foresee *foresee, int64_t at_ns, double value)
{
        if (value >= REACHED * foresee->limit) {
                foresee->right++;
                foresee->stands = false;
        } else if (at_ns > foresee->eta_ns &&
                   at_ns - foresee->eta_ns > (foresee->eta_ns - foresee->said_ns) / 2) {
                foresee->wrong++;
                foresee->stands = false;
        }
}

static void keep(struct foresee *foresee, int64_t at_ns, double value)
{
        uint64_t slot = foresee->count++ % FORESEE_SAMPLES;

        if (foresee->ratio && value > PERCENT_FROM && foresee->limit < PERCENT_FROM)
                foresee->limit *= 100;
        foresee->at_ns[slot] = at_ns;
        foresee->value[slot] = value;
        if (foresee->count == 1)
                foresee->quick = foresee->slow = value;
        foresee->quick += (value - foresee->quick) / 8;
        foresee->slow += (value - foresee->slow) / 32;
}

/* In the order of time; how many. */
static uint32_t unroll(const struct foresee *foresee, int64_t *at_ns, double *value)
{
        uint32_t have = foresee->count < FORESEE_SAMPLES ? (uint32_t)foresee->count
                                                         : FORESEE_SAMPLES;
        uint32_t i;

        for (i = 0; i < have; i++) {
                at_ns[i] = foresee->at_ns[(foresee->count - have + i) % FORESEE_SAMPLES];
                value[i] = foresee->value[(foresee->count - have + i) % FORESEE_SAMPLES];
        }
        return have;
}

/* At three times its present pace it would not get there: a fit is a waste. */
static bool hopeless(const struct foresee *foresee, int64_t at_ns, const struct healer_config *config)
{
        double step = (foresee->quick - foresee->slow) / APART, interval_ns;
        uint64_t before = (foresee->count - 2) % FORESEE_SAMPLES;

        if (foresee->count < 16 || step <= 0)
                return true;
        interval_ns = fmax(1, (double)(at_ns - foresee->at_ns[before]));
        return foresee->quick + 3 * step * (double)config->prediction.horizon_ns / interval_ns <
               foresee->limit;
}

bool foresee_row(struct foresee *foresee, const struct healer_config *config, int64_t at_ns,
                 double value)
{
        int64_t at[FORESEE_SAMPLES];
        double values[FORESEE_SAMPLES], eta_s, similarity;
        struct healer_line line;
        uint32_t have;

        if (isnan(foresee->limit) || !config->prediction.enabled ||
            !config->prediction.sources[HEALER_SOURCE_TRENDS])
                return false;
        keep(foresee, at_ns, value);
        if (foresee->stands)
                score(foresee, at_ns, value);
        if (foresee->stands || hopeless(foresee, at_ns, config))
                return false;
        have = unroll(foresee, at, values);
        if (!healer_line_fit(at, values, have, &line) || !(line.slope_per_s > 0) ||
            line.value >= foresee->limit || line.rise < RISE_MIN * foresee->limit)
                return false;
        eta_s = healer_line_time_to(&line, foresee->limit, NULL, NULL);
        if (eta_s * 1e9 > (double)config->prediction.horizon_ns)
                return false;
        similarity = line.likeness;
        if (line.slope_low < 0.5 * line.slope_per_s)
                similarity *= fmax(0, line.slope_low / (0.5 * line.slope_per_s));
        foresee->confidence = healer_confidence(similarity, (double)foresee->right + 1,
                                                (double)foresee->wrong + 1, 0);
        if (foresee->confidence < config->prediction.confidence_threshold)
                return false;
        foresee->stands = true;
        foresee->said++;
        foresee->said_ns = at_ns;
        foresee->eta_ns = at_ns + (int64_t)(eta_s * 1e9);
        return true;
}
