/* forecast.c - confidence, detectors, bands; see forecast.h.
 *
 * Joint evidence is a noisy or over what each sign has above the level that noise
 * reaches by itself: 1 - (1 - a)(1 - b) of the signs as they stand would make a
 * certainty of any two accidents.
 */
#include "healer/forecast.h"

#include <math.h>
#include <string.h>

#define MINUTE_NS (INT64_C(60) * 1000000000)

double healer_recency(int64_t age_ns)
{
        if (age_ns < 0)
                return 0.5;
        if (age_ns < MINUTE_NS)
                return 1.0;
        if (age_ns < 5 * MINUTE_NS)
                return 0.8;
        if (age_ns < 10 * MINUTE_NS)
                return 0.6;
        return age_ns < 30 * MINUTE_NS ? 0.4 : 0.2;
}

double healer_accuracy(double right, double wrong)
{
        return right + wrong > 0 ? right / (right + wrong) : 0.5;
}

double healer_confidence(double similarity, double right, double wrong, int64_t age_ns)
{
        return fmin(1, 0.5 * similarity + 0.3 * healer_accuracy(right, wrong) +
                               0.2 * healer_recency(age_ns));
}

/* ---- detectors */

enum { LAST = 10 };

/* The last ten numbers, oldest first; false when there are fewer. */
static bool last_ten(const double *values, uint32_t count, double *out)
{
        uint32_t have = LAST;

        while (count > 0 && have > 0) {
                if (!isnan(values[--count]))
                        out[--have] = values[count];
        }
        return have == 0;
}

static double mean(const double *values, uint32_t count)
{
        double sum = 0;
        uint32_t i;

        for (i = 0; i < count; i++)
                sum += values[i] / count;
        return sum;
}

bool healer_error_doubling(const double *ratios, uint32_t count, double floor)
{
        double last[LAST];

        return last_ten(ratios, count, last) && last[LAST - 1] >= floor &&
               last[LAST - 1] > 2 * last[0];
}

bool healer_cpu_exhaustion(const double *ratios, uint32_t count)
{
        double last[LAST], before, after, spread = 0;
        uint32_t i;

        if (!last_ten(ratios, count, last))
                return false;
        before = mean(last, 5);
        after = mean(last + 5, 5);
        for (i = 0; i < 5; i++)
                spread = fmax(spread, fmax(fabs(last[i] - before), fabs(last[i + 5] - after)));
        return last[LAST - 1] > 0.85 && mean(last + LAST - 3, 3) > 0.80 &&
               after - before > fmax(0.02, spread);
}

bool healer_latency_decay(const struct healer_line *trend)
{
        double start = trend->value - trend->rise;

        return start > 0 && trend->likeness > 0.7 && trend->slope_low > 0 &&
               trend->slope_per_s * 60 >= 0.03 * start && trend->value < 2 * start;
}

/* ---- risk and bands */

static const struct {
        uint32_t reason;
        double weight;
        const char *name;
} reasons_known[] = {
        {HEALER_REASON_LEAK, 0.4, "memory leak"},
        {HEALER_REASON_ERRORS, 0.3, "error rate doubling"},
        {HEALER_REASON_CPU, 0.25, "processors near exhaustion and rising"},
        {HEALER_REASON_LATENCY, 0.2, "latency growing"},
        {HEALER_REASON_QUEUE, 0.3, "backlog growing"},
        {HEALER_REASON_DISK, 0.4, "disk filling"},
        {HEALER_REASON_HANDLES, 0.3, "handles running out"},
        {HEALER_REASON_HEARTBEAT, 0.2, "heartbeats missing"},
};

double healer_risk_of(uint32_t reasons)
{
        double risk = 0;
        size_t i;

        for (i = 0; i < sizeof(reasons_known) / sizeof(reasons_known[0]); i++) {
                if (reasons & reasons_known[i].reason)
                        risk += reasons_known[i].weight;
        }
        return fmin(1, risk);
}

enum healer_band healer_band_of_risk(double risk)
{
        if (risk > 0.5)
                return HEALER_BAND_HOUR;
        if (risk > 0.3)
                return HEALER_BAND_SIX_HOURS;
        return risk > 0.1 ? HEALER_BAND_DAY : HEALER_BAND_NONE;
}

enum healer_band healer_band_of_time(double seconds)
{
        if (!(seconds < 86400))
                return HEALER_BAND_NONE;
        if (seconds < 3600)
                return HEALER_BAND_HOUR;
        return seconds < 6 * 3600 ? HEALER_BAND_SIX_HOURS : HEALER_BAND_DAY;
}

const char *healer_band_name(enum healer_band band)
{
        static const char *const names[] = {"none", "6-24 h", "1-6 h", "<1 h"};

        return (unsigned)band < sizeof(names) / sizeof(names[0]) ? names[band] : "none";
}

void healer_reasons_text(uint32_t reasons, char *text, size_t size)
{
        size_t i, used = 0, length;

        if (size == 0)
                return;
        text[0] = '\0';
        for (i = 0; i < sizeof(reasons_known) / sizeof(reasons_known[0]); i++) {
                if (!(reasons & reasons_known[i].reason))
                        continue;
                length = strlen(reasons_known[i].name);
                if (used + length + 3 > size)
                        return;
                if (used > 0) {
                        memcpy(text + used, ", ", 3);
                        used += 2;
                }
                memcpy(text + used, reasons_known[i].name, length + 1);
                used += length;
        }
}

/* ---- joint evidence */

double healer_joint(const double *similarities, uint32_t count)
{
        const double base = 0.5;
        double doubt = 1, best = 0;
        uint32_t i;

        for (i = 0; i < count; i++) {
                best = fmax(best, similarities[i]);
                if (similarities[i] > base)
                        doubt *= 1 - (similarities[i] - base) / (1 - base);
        }
        return best <= base ? best : base + (1 - base) * (1 - doubt);
}
