/* heal_watch.c - two-sided cumulative sums over rate and duration; see heal_watch.h.
 *
 * A result counts 1 or 0; the sum against failing gathers usual - result - 0.15, so
 * that a fall from 90 % to 40 % adds 0.35 a result and passes 2.5 after seven. In
 * units of its own deviation it would be slow exactly where success is usual.
 * Durations are compared as logarithms over their spread.
 */
#include "healer/heal_watch.h"

#include "healer/hlr_math.h"

#include <math.h>
#include <string.h>

enum { LEARN = 20 };

#define RATE_ALLOWANCE 0.15
#define RATE_LIMIT 3.0
#define TIME_ALLOWANCE 0.75
#define TIME_LIMIT 7.0
#define SPREAD_MIN 0.1
#define USUAL_RATE 0.01
#define NOW_RATE 0.15

static double gather(double sum, double step)
{
        return fmax(0, sum + step);
}

static enum healer_heal_change changed(struct healer_heal_watch *watch,
                                       enum healer_heal_change change)
{
        double rate_now = watch->rate_now, duration_now_s = watch->duration_now_s;

        memset(watch, 0, sizeof(*watch));
        watch->rate_now = rate_now;
        watch->duration_now_s = duration_now_s;
        return change;
}

static enum healer_heal_change judge_rate(struct healer_heal_watch *watch, bool succeeded)
{
        double value = succeeded ? 1 : 0;
        double step = watch->results <= LEARN ? 1 / (double)watch->results : USUAL_RATE;

        if (watch->results > LEARN) {
                watch->worse = gather(watch->worse, watch->rate_usual - value - RATE_ALLOWANCE);
                watch->better = gather(watch->better, value - watch->rate_usual - RATE_ALLOWANCE);
        }
        watch->rate_usual += step * (value - watch->rate_usual);
        if (watch->worse > RATE_LIMIT)
                return HEALER_HEAL_FAILS_MORE;
        return watch->better > RATE_LIMIT ? HEALER_HEAL_FAILS_LESS : HEALER_HEAL_SAME;
}

static enum healer_heal_change judge_time(struct healer_heal_watch *watch, double duration_s)
{
        double value = hlr_log(duration_s), off, step;

        watch->durations++;
        if (watch->durations == 1)
                watch->duration_usual = value;
        step = watch->durations <= LEARN ? 1 / (double)watch->durations : USUAL_RATE;
        off = value - watch->duration_usual;
        if (watch->durations > LEARN) {
                double units = off / fmax(SPREAD_MIN, watch->duration_spread);

                units = fmax(-5, fmin(5, units)); /* one wild result is no change */
                watch->slower = gather(watch->slower, units - TIME_ALLOWANCE);
                watch->faster = gather(watch->faster, -units - TIME_ALLOWANCE);
        }
        watch->duration_usual += step * off;
        /* mean distance, made a standard deviation */
        watch->duration_spread += step * (1.2533 * fabs(off) - watch->duration_spread);
        if (watch->slower > TIME_LIMIT)
                return HEALER_HEAL_SLOWER;
        return watch->faster > TIME_LIMIT ? HEALER_HEAL_FASTER : HEALER_HEAL_SAME;
}

enum healer_heal_change healer_heal_watch_result(struct healer_heal_watch *watch, bool succeeded,
                                                 double duration_s)
{
        enum healer_heal_change change;

        watch->results++;
        watch->rate_now += NOW_RATE * ((succeeded ? 1.0 : 0.0) - watch->rate_now);
        change = judge_rate(watch, succeeded);
        if (change == HEALER_HEAL_SAME && duration_s > 0 && isfinite(duration_s)) {
                watch->duration_now_s += NOW_RATE * (duration_s - watch->duration_now_s);
                change = judge_time(watch, duration_s);
        }
        return change == HEALER_HEAL_SAME ? change : changed(watch, change);
}
