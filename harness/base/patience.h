/* harness/base/patience.h - how long something has been waited for, whatever the clock does.
 *
 * A time limit that asks a clock how late it is fires at once where the clock leaps
 * (a machine that was suspended), and never where it stands still or goes back. So
 * time is taken in steps, between one look and the next: a step is never less than
 * what was slept in it, and never PATIENCE_LEAP_NS more. For limits on waiting in
 * short sleeps; whoever works for long between two looks gives a leap of their own.
 *
 * It reads no clock: the caller passes the time in.
 */
#ifndef CHAOS_BASE_PATIENCE_H
#define CHAOS_BASE_PATIENCE_H

#include <stdint.h>

#define PATIENCE_LEAP_NS INT64_C(1000000000)

struct patience {
        int64_t seen_ns, spent_ns;
};

static inline struct patience patience_begin(int64_t now_ns)
{
        return (struct patience){.seen_ns = now_ns};
}

/* What has been spent since the beginning. Of the time since the last look at least `slept_ns`
 * are believed, and at most `leap_ns` more. */
static inline int64_t patience_spent_within_ns(struct patience *patience, int64_t now_ns,
                                               int64_t slept_ns, int64_t leap_ns)
{
        int64_t step_ns = 0;

        if (now_ns > patience->seen_ns &&
            __builtin_sub_overflow(now_ns, patience->seen_ns, &step_ns))
                step_ns = INT64_MAX;
        patience->seen_ns = now_ns;
        if (step_ns > slept_ns + leap_ns)
                step_ns = slept_ns + leap_ns;
        patience->spent_ns += step_ns < slept_ns ? slept_ns : step_ns;
        return patience->spent_ns;
}

static inline int64_t patience_spent_ns(struct patience *patience, int64_t now_ns, int64_t slept_ns)
{
        return patience_spent_within_ns(patience, now_ns, slept_ns, PATIENCE_LEAP_NS);
}

#endif
