/* sequential.c - the scale-invariant normal-mixture confidence sequence, one difference at a time.
 *
 * The powers are taken as logarithms: 1 - K is -expm1(log K), exact also when n is large and K
 * next to 1. Mean and squares are updated by Welford's rule, which negates with the data.
 */
#include "reports/stats/sequential.h"

#include <assert.h>
#include <float.h>
#include <math.h>

#include "reports/stats/power.h"

static const double C_SQUARED = 1;

void stats_sequence_add(struct stats_sequence *sequence, double difference)
{
        double off = difference - sequence->mean;
        double log_evidence;

        sequence->n++;
        sequence->mean += off / (double)sequence->n;
        sequence->squares += off * (difference - sequence->mean);
        if (stats_sequence_log_evidence(sequence, &log_evidence))
                sequence->log_evidence_max = fmax(sequence->log_evidence_max, log_evidence);
}

static double deviation_of(const struct stats_sequence *sequence)
{
        return sequence->n < 2 ? 0 : sqrt(sequence->squares / (double)(sequence->n - 1));
}

static bool has_spread(const struct stats_sequence *sequence)
{
        double error = deviation_of(sequence) / sqrt((double)sequence->n);

        return sequence->n >= 2 && isfinite(error) &&
               error > 10 * DBL_EPSILON * fabs(sequence->mean);
}

bool stats_sequence_log_evidence(const struct stats_sequence *sequence, double *log_evidence)
{
        double n = (double)sequence->n;
        double level, share; /* S^2 / V / n, the share of the mean in the sum of squares */

        if (!has_spread(sequence))
                return false;
        level = n * sequence->mean * sequence->mean;
        share = level / (level + sequence->squares);
        *log_evidence =
                (log(C_SQUARED / (n + C_SQUARED)) - n * log1p(-share * (n / (n + C_SQUARED)))) / 2;
        return isfinite(*log_evidence);
}

double stats_sequence_p(const struct stats_sequence *sequence)
{
        return exp(-sequence->log_evidence_max);
}

double stats_sequence_half_width(size_t n, double deviation, double confidence)
{
        double alpha = 1 - confidence;
        double count = (double)n;
        double log_k, above;

        assert(n >= 1 && confidence > 0 && confidence < 1);
        log_k = (2 * log(alpha) + log(C_SQUARED / (count + C_SQUARED))) / count;
        above = exp(log_k) * (count + C_SQUARED) - C_SQUARED;
        if (above <= 0)
                return HUGE_VAL;
        return deviation *
               sqrt(-expm1(log_k) * (count + C_SQUARED) * ((count - 1) / count) / above);
}

struct stats_interval stats_sequence_interval(const struct stats_sequence *sequence,
                                              double confidence)
{
        size_t n = sequence->n;

        if (n == 0)
                return (struct stats_interval){.n = 0};
        if (n >= 2 && sequence->mean == 0 && sequence->squares == 0)
                return stats_interval_around(0, 0, n);
        if (!has_spread(sequence))
                return stats_interval_value_only(sequence->mean, n);
        return stats_interval_around(
                sequence->mean, stats_sequence_half_width(n, deviation_of(sequence), confidence),
                n);
}

bool stats_sequence_pairs_for_half_width(double half_width, double deviation, double confidence,
                                         size_t *pairs)
{
        size_t low = 1, high = 2, middle;

        assert(half_width > 0 && deviation > 0);
        while (stats_sequence_half_width(high, deviation, confidence) > half_width) {
                if (high >= STATS_PAIRS_MAX)
                        return false;
                low = high;
                high = high > STATS_PAIRS_MAX / 2 ? STATS_PAIRS_MAX : high * 2;
        }
        while (high - low > 1) {
                middle = low + (high - low) / 2;
                if (stats_sequence_half_width(middle, deviation, confidence) > half_width)
                        low = middle;
                else
                        high = middle;
        }
        *pairs = high;
        return true;
}
