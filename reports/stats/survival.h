/* survival.h - times to an event of which some were still running when we stopped looking.
 *
 * Recovery times are such: an incident open at the end of a run is known to have lasted at least
 * that long. Leaving it out, or taking that time as its end, would both flatter a healer. The
 * Kaplan-Meier curve S(t), the share still open at t, uses all of them.
 *
 * Observation i has times[i] >= 0 and ended[i]: true when the event was seen at that time, false
 * when watching stopped there (right-censored). Among equal times events come before censoring.
 *
 * The mean of such times cannot be known beyond what was watched, so it is the *restricted mean*,
 * the area under S up to tau: the mean of min(time, tau).
 *
 * Life cycle: stats_survival_create, any number of questions, stats_survival_destroy. Creating
 * costs O(n log n), each question O(steps) except the clustered ones.
 */
#ifndef CHAOS_STATS_SURVIVAL_H
#define CHAOS_STATS_SURVIVAL_H

#include <stdbool.h>
#include <stddef.h>

#include "reports/stats/interval.h"

struct stats_survival_step {
        double time;      /* of at least one event */
        size_t at_risk;   /* neither ended nor censored before it */
        size_t events;    /* ended at it */
        double survival;  /* S just after it */
        double greenwood; /* sum of d / (r (r - d)) so far; variance of S is S^2 times this.
                             Meaningless once survival is 0 and then as before it */
};

struct stats_survival; /* opaque */

/* Copies what it needs. NULL when memory is short. n may be 0: every answer is then missing. */
struct stats_survival *stats_survival_create(const double *times, const bool *ended, size_t n);
void stats_survival_destroy(struct stats_survival *survival);

size_t stats_survival_n(const struct stats_survival *survival);      /* observations */
size_t stats_survival_events(const struct stats_survival *survival); /* of them ended */

/* The steps in order of time; owned by `survival`. */
const struct stats_survival_step *stats_survival_steps(const struct stats_survival *survival,
                                                       size_t *count);

/* S(t) with its Greenwood interval on the log(-log) scale, which stays inside [0, 1]. No limits
 * where S is 1 or 0. */
struct stats_interval stats_survival_at(const struct stats_survival *survival, double time,
                                        double confidence);

struct stats_restricted_mean {
        struct stats_interval interval; /* n = observations, or clusters: see the call */
        double tau;                     /* the horizon really used; 0 when there is no value */
        double standard_error;          /* 0 when there are no limits */
        size_t events;                  /* that ended by tau */
};

/* Restricted mean up to tau > 0, with Greenwood's variance and a normal interval cut to [0, tau].
 *
 * When the longest observation is censored before tau, S is unknown beyond it: the `tau` used and
 * returned is then that time. No value without observations; no limits when the variance is 0 (no
 * event by tau, or all at one time). Takes all observations as independent. */
struct stats_restricted_mean stats_survival_restricted_mean(const struct stats_survival *survival,
                                                            double tau, double confidence);

/* The same mean for observations that come in clusters (incidents of one seed), cluster[i] being
 * any number that names it: the limits come from a jackknife over clusters with t, so incidents of
 * one run may depend on each other. `n` = clusters. With fewer than two clusters there are no
 * limits. Where leaving one cluster out shortens what is watched, its longest time counts as the
 * end of its curve up to tau. O(clusters x n log n); false when memory is short. */
bool stats_restricted_mean_clustered(const double *times, const bool *ended, const size_t *clusters,
                                     size_t n, double tau, double confidence,
                                     struct stats_restricted_mean *out);

/* The time by which the share q (0 < q < 1) had ended: least t with S(t) <= 1 - q, or the middle
 * of the flat piece where S is just 1 - q, as R does. Its interval inverts the log(-log) limits of
 * S (Brookmeyer and Crowley). `n` = observations.
 *
 * No value when S does not come down to 1 - q, or with fewer than stats_quantile_n_min(q)
 * observations (20 for the median, 1000 for p99); a limit that the curve's limits do not reach is
 * missing. */
struct stats_interval stats_survival_quantile(const struct stats_survival *survival, double q,
                                              double confidence);

#endif
