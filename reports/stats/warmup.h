/* warmup.h - how much of the start of a run to leave out of its averages.
 *
 * A run begins with empty queues and cold caches; averages over it are biased towards that.
 * MSER-5 (White 1997) takes the values in batches of 5 and drops as many batches as make the
 * standard error of the mean of the rest least.
 */
#ifndef CHAOS_STATS_WARMUP_H
#define CHAOS_STATS_WARMUP_H

#include <stdbool.h>
#include <stddef.h>

#include "reports/stats/interval.h"

enum {
        STATS_MSER_BATCH = 5,
        STATS_MSER_BATCHES_MIN = 10,
};

struct stats_warmup {
        size_t truncate;            /* values to drop: a multiple of 5 */
        double statistic;           /* squared standard error at the best cut */
        struct stats_interval mean; /* of the whole batches kept; value only, n = values */
        bool found;                 /* see below */
};

/* The cut for n values in order of time. Looks at the first half of the batches only; values
 * beyond the last whole batch count for nothing. Not found (and all else 0) with fewer than
 * STATS_MSER_BATCHES_MIN batches, or when the best cut is the last one looked at: the run was then
 * still settling. Values all the same give a cut of 0. O(n). */
struct stats_warmup stats_mser5(const double *values, size_t n);

#endif
