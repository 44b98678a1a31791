/* healer/line.h - a robust line through the last samples of one signal.
 *
 * Up to 15 samples stand for themselves; more are cut into eight parts of equal
 * size, each with its median and, apart from that, its floor (lower quartile):
 * one wild sample moves nothing, and under the teeth of a saw the floor still
 * rises. The slope is the median of the slopes between all pairs of points
 * (Theil-Sen), the interval holds the true slope of a line with noise in nine
 * cases of ten (Sen's, by rank). `likeness` is the share of rising pairs less
 * that of falling ones (Kendall): a line gives 1, a step that stays about a half,
 * a saw that goes nowhere about 0.
 *
 * Samples may come at any rate and irregularly; NaN ones are passed over.
 *
 * Where a second signal is given that explains the first (memory that follows
 * the number of requests), the slope is what time explains beside it, by least
 * squares over the points, and likeness falls with what cannot be told apart.
 *
 * No state, no allocation: 6 KiB of stack, 1 to 3 us.
 */
#ifndef HEALER_LINE_H
#define HEALER_LINE_H

#include "healer/err.h"

#include <stdbool.h>
#include <stdint.h>

HEALER_BEGIN_DECLS

enum { HEALER_LINE_SAMPLES_MIN = 10, HEALER_LINE_SAMPLES_MAX = 256 };

struct healer_line {
        double slope_per_s, slope_low, slope_high;
        double value;    /* of the line at the newest sample */
        double rise;     /* of the line over the samples */
        double likeness; /* 0..1; 0 when it does not rise */
        double noise;    /* median distance of the points from the line */
        double spread;   /* the same of the samples */
        int64_t newest_ns;
        uint32_t samples;
        bool by_floor;   /* the floor told it, not the middle */
};

/* False with fewer than HEALER_LINE_SAMPLES_MIN numbers, with more samples than
 * _MAX, or when time does not go on between the points. */
HEALER_API bool healer_line_fit(const int64_t *at_ns, const double *values, uint32_t count,
                                 struct healer_line *out);
/* The same, for what `beside` does not explain. */
HEALER_API bool healer_line_fit_beside(const int64_t *at_ns, const double *values,
                                        const double *beside, uint32_t count,
                                        struct healer_line *out);

/* Seconds until the line reaches `limit`, from its newest sample; 0 when it has,
 * INFINITY when it never will. The interval is that of the slope: `low_s` may be
 * 0, `high_s` INFINITY; both may be NULL. */
HEALER_API double healer_line_time_to(const struct healer_line *trend, double limit,
                                       double *low_s, double *high_s);

/* A leak: ten samples or more, a likeness above 0.82 (nine of ten pairs of points
 * rise), an interval of the slope that ends above half of it, and a rise of more
 * than three times the spread of the samples. Noise that goes nowhere passes once in
 * a thousand windows at most; 70 % of rising steps, the older rule, passed often. */
HEALER_API bool healer_line_is_leak(const struct healer_line *trend);

HEALER_END_DECLS

#endif
