/* multiple.h - many questions asked of one experiment.
 *
 * Twenty metrics at 5 % each give one false alarm per experiment. Holm's steps keep the chance of
 * any false claim among those that decide; Benjamini and Hochberg's keep the share of false ones
 * among those that are only explored; simultaneous limits are each drawn at 1 - alpha / K.
 *
 * A p-value that does not exist is passed as NAN; it stays NAN and is not counted.
 */
#ifndef CHAOS_STATS_MULTIPLE_H
#define CHAOS_STATS_MULTIPLE_H

#include <stdbool.h>
#include <stddef.h>

/* Adjusted p-values, in the order of `p`, into `adjusted[0..n)` (may be `p` itself): reject where
 * adjusted <= alpha. False when memory is short. */
bool stats_holm(const double *p, size_t n, double *adjusted);
bool stats_benjamini_hochberg(const double *p, size_t n, double *adjusted);

/* The confidence at which to draw each of `count` >= 1 intervals so that all hold together with
 * `confidence`: 1 - (1 - confidence) / count. */
double stats_simultaneous_confidence(double confidence, size_t count);

#endif
