/* sequential.h - an interval that may be looked at after every pair.
 *
 * A t interval looked at again and again until it excludes 0 will do so at last, whatever the
 * truth. A confidence sequence holds for all n at once: the chance that the true mean is *ever*
 * outside is at most alpha, so one may stop when one likes, for any reason.
 *
 * The model: d[1], d[2], ... normal, mean mu and deviation sigma unknown. The likelihood ratio of
 * a mean that is normally distributed around m in units of sigma (variance 1 / c^2), against m
 * itself, with the scale integrated out (dr / r), is, with S the sum and V the sum of squares of
 * d - m,
 *
 *     M_n(m) = sqrt(c^2 / (n + c^2)) * (1 - S^2 / ((n + c^2) V))^(-n / 2),     M_1 = 1.
 *
 * It is a martingale for the true mean and so (Ville) ever exceeds 1 / alpha with chance at most
 * alpha. Solved for m: with K = (alpha^2 c^2 / (n + c^2))^(1 / n), the sequence is
 *
 *     mean +- sqrt((1 - K) (n + c^2) Q / (n (K (n + c^2) - c^2))),  Q = sum (d - mean)^2,
 *
 * and the whole line while K (n + c^2) <= c^2 (n < 5 at 95 %). It depends on the data only
 * through t, so neither unit nor scale matters. Sources: Robbins 1970, Lai 1976 (t sequences by
 * invariance), Wang and Ramdas 2024, "Anytime-valid t-tests and confidence sequences for Gaussian
 * means with unknown variance" (the normal mixture).
 *
 * With c^2 = 1 and 95 % the limits are finite from the 5th pair on, and 1.64 times as far from the
 * mean as t limits at 30 pairs, 1.76 times at 300: that is the price of looking at will.
 *
 * Exact for normal differences. For skewed ones the first few looks are not covered (with
 * exponential differences and looks from the 2nd pair on, 14 % of sequences err instead of 5 %;
 * with looks from the 30th on, 4 %): begin to look at 30 pairs.
 */
#ifndef CHAOS_STATS_SEQUENTIAL_H
#define CHAOS_STATS_SEQUENTIAL_H

#include <stdbool.h>
#include <stddef.h>

#include "reports/stats/interval.h"

/* The running state; all zero at the start. Plain data, copy it as you like. */
struct stats_sequence {
        size_t n;
        double mean;
        double squares;          /* Q above */
        double log_evidence_max; /* the largest log M_n(0) so far, >= 0 */
};

/* Takes in the next difference; finite. O(1). */
void stats_sequence_add(struct stats_sequence *sequence, double difference);

/* The interval now; has no limits while they are infinite or the differences show no spread. All
 * differences 0: 0 to 0 from n = 2 on. */
struct stats_interval stats_sequence_interval(const struct stats_sequence *sequence,
                                              double confidence);

/* log M_n(0) now: evidence against a mean of 0. False without spread. */
bool stats_sequence_log_evidence(const struct stats_sequence *sequence, double *log_evidence);

/* p-value that holds at every n: 1 / the largest M so far. 1 at the start. */
double stats_sequence_p(const struct stats_sequence *sequence);

/* Distance of the limits from the mean for n differences with sample deviation `deviation`;
 * infinite for the first few n. */
double stats_sequence_half_width(size_t n, double deviation, double confidence);

/* The fewest pairs for which that is at most `half_width` > 0; false beyond STATS_PAIRS_MAX (in
 * power.h). */
bool stats_sequence_pairs_for_half_width(double half_width, double deviation, double confidence,
                                         size_t *pairs);

#endif
