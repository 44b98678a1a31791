/* power.c - power of the paired t test, solved for n or for the effect by halving. */
#include "reports/stats/power.h"

#include <assert.h>
#include <math.h>

#include "reports/stats/distribution.h"

double stats_paired_power(double effect, double deviation, size_t n, double alpha)
{
        double degrees = (double)(n - 1);

        assert(n >= 2 && deviation > 0 && alpha > 0 && alpha < 1);
        return stats_t_noncentral_two_sided(stats_t_quantile_upper(alpha / 2, degrees), degrees,
                                            fabs(effect) / deviation * sqrt((double)n));
}

double stats_detectable_effect(double deviation, size_t n, double alpha, double power)
{
        double low = 0, high = 1, middle; /* in deviations */

        assert(deviation > 0 && power > alpha && power < 1);
        while (stats_paired_power(high, 1, n, alpha) < power)
                high *= 2;
        while (true) {
                middle = low + (high - low) / 2;
                if (!(middle > low && middle < high))
                        return middle * deviation;
                if (stats_paired_power(middle, 1, n, alpha) < power)
                        low = middle;
                else
                        high = middle;
        }
}

/* Fewest pairs for which `enough` holds, which must stay true from there on. */
struct question {
        bool (*enough)(const struct question *question, size_t pairs);
        double size, deviation, alpha, power;
};

static bool fewest_pairs(const struct question *question, size_t *pairs)
{
        size_t low = 1, high = 2, middle; /* low is too few */

        while (!question->enough(question, high)) {
                if (high >= STATS_PAIRS_MAX)
                        return false;
                low = high;
                high = high > STATS_PAIRS_MAX / 2 ? STATS_PAIRS_MAX : high * 2;
        }
        while (high - low > 1) {
                middle = low + (high - low) / 2;
                if (question->enough(question, middle))
                        high = middle;
                else
                        low = middle;
        }
        *pairs = high;
        return true;
}

static bool has_power(const struct question *question, size_t pairs)
{
        return stats_paired_power(question->size, question->deviation, pairs, question->alpha) >=
               question->power;
}

bool stats_pairs_for_effect(double effect, double deviation, double alpha, double power,
                            size_t *pairs)
{
        struct question question = {.enough = has_power,
                                    .size = effect,
                                    .deviation = deviation,
                                    .alpha = alpha,
                                    .power = power};

        assert(power > alpha && power < 1);
        return fewest_pairs(&question, pairs);
}

static bool is_narrow(const struct question *question, size_t pairs)
{
        return stats_t_quantile_upper(question->alpha / 2, (double)(pairs - 1)) *
                       question->deviation / sqrt((double)pairs) <=
               question->size;
}

bool stats_pairs_for_half_width(double half_width, double deviation, double confidence,
                                size_t *pairs)
{
        struct question question = {.enough = is_narrow,
                                    .size = half_width,
                                    .deviation = deviation,
                                    .alpha = 1 - confidence};

        assert(half_width > 0 && deviation > 0);
        return fewest_pairs(&question, pairs);
}
