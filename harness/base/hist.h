/* harness/base/hist.h - a log-linear histogram of durations.
 *
 * 32 linear steps an octave: a quantile is off by at most 1/64 of its value.
 * Durations below 1024 ns share the first bucket; those of 2^46 ns (19.5 h) and
 * above share the last. Fixed size, no allocation, adding is a few
 * instructions. All of it is whole numbers, so histograms add up exactly, in
 * any order: up to 2^32 - 1 durations a bucket and 584 years in all.
 */
#ifndef CHAOS_BASE_HIST_H
#define CHAOS_BASE_HIST_H

#include <stdint.h>

enum {
        HIST_STEP_BITS = 5,
        HIST_OCTAVE_MIN = 10,
        HIST_OCTAVE_MAX = 45,
        HIST_BUCKET_COUNT = (HIST_OCTAVE_MAX - HIST_OCTAVE_MIN + 1) << HIST_STEP_BITS,
};

struct hist {
        uint64_t count;
        uint64_t sum_ns; /* of the exact durations, not of the buckets */
        uint32_t bucket[HIST_BUCKET_COUNT];
};

/* The bucket of a duration; a negative one counts as 0. */
static inline uint32_t hist_index(int64_t ns)
{
        uint64_t v = ns < (int64_t)1 << HIST_OCTAVE_MIN ? (uint64_t)1 << HIST_OCTAVE_MIN : (uint64_t)ns;
        uint32_t octave = 63u - (uint32_t)__builtin_clzll(v);
        uint32_t step = (uint32_t)(v >> (octave - HIST_STEP_BITS)) & ((1u << HIST_STEP_BITS) - 1);

        if (octave > HIST_OCTAVE_MAX)
                return HIST_BUCKET_COUNT - 1;
        return ((octave - HIST_OCTAVE_MIN) << HIST_STEP_BITS) + step;
}

/* For one duration that goes into several: `index` is hist_index(ns). */
static inline void hist_add_at(struct hist *hist, uint32_t index, int64_t ns)
{
        hist->count++;
        hist->sum_ns += ns > 0 ? (uint64_t)ns : 0;
        hist->bucket[index]++;
}

static inline void hist_add(struct hist *hist, int64_t ns)
{
        hist_add_at(hist, hist_index(ns), ns);
}

/* Adds `from` to `to`. A bucket that would pass 2^32 - 1 stays there. */
void hist_merge(struct hist *to, const struct hist *from);

/* The q-quantile (0 < q <= 1) in ns: the middle of the bucket that holds the
 * ceil(q * count)-th smallest duration. NaN when the histogram is empty. */
double hist_quantile_ns(const struct hist *hist, double q);

/* NaN when empty. */
double hist_mean_ns(const struct hist *hist);

void hist_reset(struct hist *hist);

/* The smallest duration of a bucket, in ns. */
double hist_bucket_low_ns(uint32_t index);

#endif
