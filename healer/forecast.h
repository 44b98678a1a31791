/* healer/forecast.h - the rules by which predictions are made, each by itself.
 *
 * Confidence = 0.5 similarity + 0.3 accuracy + 0.2 recency, at most 1. Similarity
 * is how much the present looks like the pattern; accuracy the share of earlier
 * predictions of its kind that came true (a half where there are none); recency
 * falls with the age of the evidence: 1 below a minute, 0.8 below 5, 0.6 below
 * 10, 0.4 below 30, then 0.2.
 *
 * Risk is the older rule beside it: a leak counts 0.4, an error rate that has
 * doubled 0.3, processors above 85 % and rising 0.25, a latency on its way to
 * twice its usual value 0.2. Above 0.5 a failure is due within the hour, above
 * 0.3 within six, above 0.1 within a day. Where a line says when, the band is the
 * line's, since a sum of points cannot know.
 *
 * Pure functions over what the caller holds: no state, no allocation, O(samples).
 */
#ifndef HEALER_FORECAST_H
#define HEALER_FORECAST_H

#include "healer/err.h"
#include "healer/line.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

HEALER_BEGIN_DECLS

/* 0.5 for an age below 0, which is an age nobody knows. */
HEALER_API double healer_recency(int64_t age_ns);
/* Of outcomes; 0.5 where there are none. */
HEALER_API double healer_accuracy(double right, double wrong);
HEALER_API double healer_confidence(double similarity, double right, double wrong,
                                    int64_t age_ns);

/* ---- detectors over series, oldest first; NaN is passed over */

/* The last value is more than twice the first of the last ten; ten needed, and a
 * last value of at least `floor`: a doubling of next to nothing says nothing. */
HEALER_API bool healer_error_doubling(const double *ratios, uint32_t count, double floor);
/* The last value is above 0.85, the mean of the last three above 0.80, and the
 * last five lie above the five before them by more than their spread: flat is
 * not rising, however high. */
HEALER_API bool healer_cpu_exhaustion(const double *ratios, uint32_t count);
/* A latency that climbs steadily: 3 % a minute or more of its level at the start
 * of the samples, and not at twice that level yet. */
HEALER_API bool healer_latency_decay(const struct healer_line *trend);

/* ---- risk and bands */

enum healer_reason {
        HEALER_REASON_LEAK = 1,
        HEALER_REASON_ERRORS = 2,
        HEALER_REASON_CPU = 4,
        HEALER_REASON_LATENCY = 8,
        HEALER_REASON_QUEUE = 16,
        HEALER_REASON_DISK = 32,
        HEALER_REASON_HANDLES = 64, /* descriptors, connections, tokens */
        HEALER_REASON_HEARTBEAT = 128
};

enum healer_band { HEALER_BAND_NONE, HEALER_BAND_DAY, HEALER_BAND_SIX_HOURS, HEALER_BAND_HOUR };

HEALER_API double healer_risk_of(uint32_t reasons);
/* By the risk alone: above 0.5, 0.3, 0.1. */
HEALER_API enum healer_band healer_band_of_risk(double risk);
/* By the time to failure: below 1 h, 6 h, 24 h. */
HEALER_API enum healer_band healer_band_of_time(double seconds);
HEALER_API const char *healer_band_name(enum healer_band band);
/* "leak, error rate doubling"; cut to `size` bytes. */
HEALER_API void healer_reasons_text(uint32_t reasons, char *text, size_t size);

/* ---- joint evidence */

/* Signs that are independent of one another, each with a similarity 0..1: what
 * they are worth together. One alone keeps its worth; two weak ones that point to
 * the same place raise each other. Signs below 0.5 count nothing. */
HEALER_API double healer_joint(const double *similarities, uint32_t count);

HEALER_END_DECLS

#endif
