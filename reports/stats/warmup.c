/* warmup.c - MSER-5 in one pass from the end.
 *
 * Going backwards, mean and squared deviations of the batches from j on are those from j + 1 on
 * with one more value (Welford), so every cut is judged in O(1). On a tie the shorter cut wins.
 */
#include "reports/stats/warmup.h"

#include "reports/stats/sample.h"

struct stats_warmup stats_mser5(const double *values, size_t n)
{
        struct stats_warmup out = {0};
        size_t batches = n / STATS_MSER_BATCH;
        size_t cut_max = batches / 2, best = 0, j;
        double mean = 0, squares = 0, best_mean = 0, least = 0;
        double batch, off, kept, statistic;

        if (batches < STATS_MSER_BATCHES_MIN)
                return out;
        for (j = batches; j-- > 0;) {
                kept = (double)(batches - j);
                batch = stats_sum(values + j * STATS_MSER_BATCH, STATS_MSER_BATCH) /
                        STATS_MSER_BATCH;
                off = batch - mean;
                mean += off / kept;
                squares += off * (batch - mean);
                statistic = squares / (kept * kept);
                if (j == cut_max || (j < cut_max && statistic <= least)) {
                        best = j;
                        least = statistic;
                        best_mean = mean;
                }
        }
        out.found = best < cut_max;
        if (!out.found)
                return out;
        out.truncate = best * STATS_MSER_BATCH;
        out.statistic = least;
        out.mean = stats_interval_value_only(best_mean, (batches - best) * STATS_MSER_BATCH);
        return out;
}
