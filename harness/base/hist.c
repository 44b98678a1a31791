/* hist.c - reading and merging log-linear histograms.
 *
 * Adding is inline in hist.h. A quantile walks the buckets once, about a
 * microsecond; nobody asks for one in the inner loop.
 */
#include "harness/base/hist.h"

#include <assert.h>
#include <math.h>
#include <string.h>

void hist_merge(struct hist *to, const struct hist *from)
{
        to->count += from->count;
        to->sum_ns += from->sum_ns;
        for (uint32_t i = 0; i < HIST_BUCKET_COUNT; i++) {
                if (__builtin_add_overflow(to->bucket[i], from->bucket[i], &to->bucket[i]))
                        to->bucket[i] = UINT32_MAX;
        }
}

void hist_reset(struct hist *hist)
{
        memset(hist, 0, sizeof(*hist));
}

double hist_bucket_low_ns(uint32_t index)
{
        uint32_t octave = HIST_OCTAVE_MIN + (index >> HIST_STEP_BITS);
        uint64_t step = index & ((1u << HIST_STEP_BITS) - 1);

        return (double)((((uint64_t)1 << HIST_STEP_BITS) + step) << (octave - HIST_STEP_BITS));
}

/* The rank of the q-quantile, 1..count. 0.07 * 100 is a little above 7 in
 * doubles; without taking off that last bit its rank would be 8. */
static uint64_t quantile_rank(double q, uint64_t count)
{
        double share = q * (double)count;
        double rank = ceil(share - share * 0x1p-52);

        if (rank < 1)
                return 1;
        return rank < (double)count ? (uint64_t)rank : count;
}

double hist_quantile_ns(const struct hist *hist, double q)
{
        uint64_t seen = 0;
        uint64_t rank;
        uint32_t i;

        assert(q > 0 && q <= 1);
        if (hist->count == 0)
                return NAN;
        rank = quantile_rank(q, hist->count);
        for (i = 0; i < HIST_BUCKET_COUNT - 1; i++) {
                seen += hist->bucket[i];
                if (seen >= rank)
                        break;
        }
        return (hist_bucket_low_ns(i) + hist_bucket_low_ns(i + 1)) / 2;
}

double hist_mean_ns(const struct hist *hist)
{
        if (hist->count == 0)
                return NAN;
        return (double)hist->sum_ns / (double)hist->count;
}
