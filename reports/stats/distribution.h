/* distribution.h - tails and quantiles of the distributions that tests and intervals need.
 *
 * Everything here is a pure function of its arguments. Tails are asked for as tails (the small
 * side), so that a p-value of 1e-40 keeps its digits. Arguments outside the stated ranges are the
 * caller's bug and are asserted.
 *
 * Good to about 1e-13 relative for the tails and quantiles met in practice (tests hold them to
 * 1e-10 against R from 1 to 1e7 degrees of freedom or trials).
 */
#ifndef CHAOS_STATS_DISTRIBUTION_H
#define CHAOS_STATS_DISTRIBUTION_H

#include <stddef.h>

/* P(Z > z) of the standard normal. */
double stats_normal_upper_tail(double z);

/* The z with P(Z > z) = upper, 0 < upper < 1. stats_normal_quantile_upper(0.025) = 1.96. */
double stats_normal_quantile_upper(double upper);

/* P(T > t) of Student's t, degrees > 0. Negating t gives exactly one minus this. */
double stats_t_upper_tail(double t, double degrees);

/* P(|T| > |t|): the two-sided p-value of a t statistic. */
double stats_t_two_sided(double t, double degrees);

/* The t with P(T > t) = upper, 0 < upper < 1, degrees > 0. */
double stats_t_quantile_upper(double upper, double degrees);

/* P(|T| > critical) of the noncentral t with `degrees` > 0 and noncentrality `shift`: the power of
 * a two-sided t test whose critical value is `critical` >= 0. */
double stats_t_noncentral_two_sided(double critical, double degrees, double shift);

/* P(T > critical) of the noncentral t: the power of a one-sided test. */
double stats_t_noncentral_upper(double critical, double degrees, double shift);

/* P(X <= x) and P(X > x) of the beta distribution, 0 <= x <= 1, a > 0, b > 0. */
double stats_beta_lower_tail(double x, double a, double b);
double stats_beta_upper_tail(double x, double a, double b);

/* The x with P(X <= x) = lower (or P(X > x) = upper), 0 < tail < 1. */
double stats_beta_quantile_lower(double lower, double a, double b);
double stats_beta_quantile_upper(double upper, double a, double b);

/* P(X <= x) and P(X > x) of the gamma distribution with this shape > 0 and scale 1, x >= 0. */
double stats_gamma_lower_tail(double x, double shape);
double stats_gamma_upper_tail(double x, double shape);

/* The x with P(X <= x) = lower (or P(X > x) = upper), 0 < tail < 1. */
double stats_gamma_quantile_lower(double lower, double shape);
double stats_gamma_quantile_upper(double upper, double shape);

/* P(K <= k) of the binomial with `n` trials and chance `p`, 0 <= p <= 1. */
double stats_binomial_lower_tail(size_t k, size_t n, double p);

#endif
