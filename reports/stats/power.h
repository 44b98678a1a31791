/* power.h - how many pairs, and how small a difference they can show.
 *
 * For the two-sided paired t test at level `alpha` (0..1, both exclusive) on differences with
 * standard deviation `deviation` > 0. Exact: the noncentral t distribution, both tails.
 */
#ifndef CHAOS_STATS_POWER_H
#define CHAOS_STATS_POWER_H

#include <stdbool.h>
#include <stddef.h>

enum { STATS_PAIRS_MAX = 1000000000 }; /* beyond it "n that would decide" is no answer */

/* The chance to find a true mean difference of `effect` with n >= 2 pairs. */
double stats_paired_power(double effect, double deviation, size_t n, double alpha);

/* The least difference, > 0, found with chance `power` (alpha < power < 1) by n >= 2 pairs: the
 * minimum detectable effect. */
double stats_detectable_effect(double deviation, size_t n, double alpha, double power);

/* The fewest pairs, >= 2, that find `effect` with chance `power`; false if more than
 * STATS_PAIRS_MAX would be needed, as for an effect of 0. */
bool stats_pairs_for_effect(double effect, double deviation, double alpha, double power,
                            size_t *pairs);

/* The fewest pairs, >= 2, whose t interval at `confidence` is at most `half_width` > 0 to either
 * side if the deviation stays; false beyond STATS_PAIRS_MAX. */
bool stats_pairs_for_half_width(double half_width, double deviation, double confidence,
                                size_t *pairs);

#endif
