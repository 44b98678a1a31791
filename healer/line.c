/* line.c - Theil-Sen over eight points, middle and floor; see line.h.
 *
 * The rank interval for n points: half the pairs less 1.645 standard deviations
 * of Kendall's S. The line of the floor is taken where it is the clearer one,
 * which costs a second look and doubles the chance that noise is believed; what
 * is asked of a leak is set with that in mind (tests/test_line.c counts).
 *
 * Not here: what a limit is, and how sure a prediction is (forecast.c).
 */
#include "healer/line.h"

#include <math.h>
#include <string.h>

enum { PARTS = 8, POINTS_MAX = 15, PAIRS_MAX = POINTS_MAX * (POINTS_MAX - 1) / 2 };

#define LEAK_LIKENESS 0.82
#define LEAK_RISE_SPREADS 3.0
#define LEAK_SLOPE_SHARE 0.5 /* the interval reaches no further down */
#define LOAD_SPREAD_MIN 0.1 /* a load that varies less explains nothing */

struct samples {
        double at_s[HEALER_LINE_SAMPLES_MAX]; /* before the newest, so <= 0 */
        double value[HEALER_LINE_SAMPLES_MAX], beside[HEALER_LINE_SAMPLES_MAX];
        uint32_t count;
        int64_t newest_ns;
};

struct points {
        double at_s[POINTS_MAX], middle[POINTS_MAX], floor[POINTS_MAX], beside[POINTS_MAX];
        uint32_t count;
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

static double sorted_median(const double *values, uint32_t count)
{
        /* NOLINTNEXTLINE(clang-analyzer-core.*): no caller has none */
        return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

static bool gather(const int64_t *at_ns, const double *values, const double *beside,
                   uint32_t count, struct samples *out)
{
        uint32_t i;

        out->count = 0;
        out->newest_ns = INT64_MIN;
        if (count > HEALER_LINE_SAMPLES_MAX)
                return false;
        for (i = 0; i < count; i++) {
                if (!isnan(values[i]) && at_ns[i] > out->newest_ns)
                        out->newest_ns = at_ns[i];
        }
        for (i = 0; i < count; i++) {
                if (isnan(values[i]))
                        continue;
                out->at_s[out->count] = ((double)at_ns[i] - (double)out->newest_ns) / 1e9;
                out->value[out->count] = values[i];
                out->beside[out->count] = beside != NULL && !isnan(beside[i]) ? beside[i] : 0;
                out->count++;
        }
        return out->count >= HEALER_LINE_SAMPLES_MIN;
}

/* The oldest samples that do not fill a part are left out. */
static void cut(const struct samples *s, struct points *p)
{
        double part[HEALER_LINE_SAMPLES_MAX / PARTS];
        uint32_t parts = s->count <= POINTS_MAX ? s->count : PARTS;
        uint32_t size = s->count / parts;
        uint32_t first = s->count - size * parts;
        uint32_t i, k, from;

        p->count = parts;
        for (i = 0; i < parts; i++) {
                from = first + i * size;
                p->at_s[i] = 0;
                for (k = 0; k < size; k++) {
                        part[k] = s->value[from + k];
                        p->at_s[i] += s->at_s[from + k] / size;
                }
                sort(part, size);
                p->middle[i] = sorted_median(part, size);
                p->floor[i] = part[size / 4];
                for (k = 0; k < size; k++)
                        part[k] = s->beside[from + k];
                sort(part, size);
                p->beside[i] = sorted_median(part, size);
        }
}

static bool line_through(const struct points *p, const double *values, struct healer_line *out)
{
        double slopes[PAIRS_MAX], off[POINTS_MAX];
        uint32_t n = p->count, pairs = 0, i, k, reach;
        int up = 0;

        if (n < 2)
                return false;
        for (i = 0; i < n; i++) {
                for (k = i + 1; k < n; k++) {
                        if (!(p->at_s[k] > p->at_s[i]))
                                return false;
                        up += (values[k] > values[i]) - (values[k] < values[i]);
                        slopes[pairs++] = (values[k] - values[i]) / (p->at_s[k] - p->at_s[i]);
                }
        }
        sort(slopes, pairs);
        reach = (uint32_t)((pairs - 1.645 * sqrt(n * (n - 1.0) * (2.0 * n + 5) / 18)) / 2);
        out->slope_per_s = sorted_median(slopes, pairs);
        out->slope_low = slopes[reach];
        out->slope_high = slopes[pairs - 1 - reach];
        out->likeness = up > 0 ? (double)up / pairs : 0;
        for (i = 0; i < n; i++)
                off[i] = values[i] - out->slope_per_s * p->at_s[i];
        sort(off, n);
        out->value = sorted_median(off, n);
        for (i = 0; i < n; i++)
                off[i] = fabs(values[i] - out->value - out->slope_per_s * p->at_s[i]);
        sort(off, n);
        out->noise = sorted_median(off, n);
        out->rise = -p->at_s[0] * out->slope_per_s;
        return true;
}

/* How the floor lies below the middle on the way is no part of its rise. */
static bool better_line(const struct points *p, struct healer_line *out)
{
        struct healer_line floor = {0};

        out->by_floor = false;
        if (!line_through(p, p->middle, out) || !line_through(p, p->floor, &floor))
                return false;
        if (floor.likeness > out->likeness && floor.slope_low > 0 &&
            floor.slope_low / floor.slope_per_s >
                    (out->slope_per_s > 0 ? out->slope_low / out->slope_per_s : 0)) {
                floor.value = fmax(floor.value, out->value);
                *out = floor;
                out->by_floor = true;
        }
        return true;
}

/* Median distance of the samples from the line. */
static double spread_about(const struct samples *s, const struct healer_line *line)
{
        double off[HEALER_LINE_SAMPLES_MAX];
        uint32_t i;

        for (i = 0; i < s->count; i++)
                off[i] = fabs(s->value[i] - line->value - line->slope_per_s * s->at_s[i]);
        sort(off, s->count);
        return sorted_median(off, s->count);
}

bool healer_line_fit(const int64_t *at_ns, const double *values, uint32_t count,
                      struct healer_line *out)
{
        struct samples samples;
        struct points points;

        memset(out, 0, sizeof(*out));
        if (!gather(at_ns, values, NULL, count, &samples))
                return false;
        cut(&samples, &points);
        if (!better_line(&points, out))
                return false;
        out->newest_ns = samples.newest_ns;
        out->samples = samples.count;
        out->spread = spread_about(&samples, out);
        return true;
}

/* ---- beside another signal */

/* y = a + b t + c x over the points; b and its standard error. False when t and
 * x go hand in hand so closely that neither can be told from the other. */
static bool partial_slope(const struct points *p, double *slope, double *error)
{
        double n = p->count, t = 0, x = 0, y = 0, tt = 0, xx = 0, tx = 0, ty = 0, xy = 0, yy = 0;
        double det, load_slope, left;
        uint32_t i;

        for (i = 0; i < p->count; i++) {
                t += p->at_s[i] / n;
                x += p->beside[i] / n;
                y += p->middle[i] / n;
        }
        for (i = 0; i < p->count; i++) {
                tt += (p->at_s[i] - t) * (p->at_s[i] - t);
                xx += (p->beside[i] - x) * (p->beside[i] - x);
                tx += (p->at_s[i] - t) * (p->beside[i] - x);
                ty += (p->at_s[i] - t) * (p->middle[i] - y);
                xy += (p->beside[i] - x) * (p->middle[i] - y);
                yy += (p->middle[i] - y) * (p->middle[i] - y);
        }
        det = tt * xx - tx * tx;
        if (!(det > 1e-6 * tt * xx) || n < 5)
                return false;
        *slope = (ty * xx - xy * tx) / det;
        load_slope = (xy * tt - ty * tx) / det;
        left = fmax(0, yy - *slope * ty - load_slope * xy) / (n - 3);
        *error = sqrt(left * xx / det);
        return true;
}

static bool varies(const struct points *p)
{
        double low = p->beside[0], high = p->beside[0];
        uint32_t i;

        for (i = 1; i < p->count; i++) {
                low = fmin(low, p->beside[i]);
                high = fmax(high, p->beside[i]);
        }
        return high - low > LOAD_SPREAD_MIN * fmax(fabs(high), fabs(low));
}

bool healer_line_fit_beside(const int64_t *at_ns, const double *values, const double *beside,
                             uint32_t count, struct healer_line *out)
{
        struct samples samples;
        struct points points;
        struct healer_line load;
        double slope, error, keep;

        memset(out, 0, sizeof(*out));
        if (!gather(at_ns, values, beside, count, &samples))
                return false;
        cut(&samples, &points);
        if (!better_line(&points, out))
                return false;
        out->newest_ns = samples.newest_ns;
        out->samples = samples.count;
        out->spread = spread_about(&samples, out);
        if (!varies(&points) || !line_through(&points, points.beside, &load) ||
            !(out->slope_per_s > 0))
                return true;
        if (!partial_slope(&points, &slope, &error)) {
                slope = 0;
                error = 0;
        }
        keep = slope > 0 ? fmax(0, 1 - 2 * error / slope) : 0;
        keep = fmin(keep, fmax(0, slope / out->slope_per_s));
        /* What rises while the load does not rise is no load's doing. */
        keep = fmax(keep, 1 - 2 * load.likeness);
        out->likeness *= fmin(1, keep);
        if (slope > 0 && slope < out->slope_per_s) {
                out->slope_low = fmin(out->slope_low, slope - 1.645 * error);
                out->slope_per_s = slope;
        }
        return true;
}

/* ---- what a line says */

double healer_line_time_to(const struct healer_line *trend, double limit, double *low_s,
                            double *high_s)
{
        double left = limit - trend->value;

        if (left <= 0) {
                if (low_s != NULL)
                        *low_s = 0;
                if (high_s != NULL)
                        *high_s = 0;
                return 0;
        }
        if (low_s != NULL)
                *low_s = trend->slope_high > 0
                                 ? fmax(0, left - trend->noise) / trend->slope_high
                                 : (double)INFINITY;
        if (high_s != NULL)
                *high_s = trend->slope_low > 0 ? (left + trend->noise) / trend->slope_low
                                               : (double)INFINITY;
        return trend->slope_per_s > 0 ? left / trend->slope_per_s : (double)INFINITY;
}

bool healer_line_is_leak(const struct healer_line *trend)
{
        return trend->samples >= HEALER_LINE_SAMPLES_MIN && trend->likeness > LEAK_LIKENESS &&
               trend->slope_low > LEAK_SLOPE_SHARE * trend->slope_per_s &&
               trend->slope_per_s > 0 && trend->rise > LEAK_RISE_SPREADS * trend->spread;
}
