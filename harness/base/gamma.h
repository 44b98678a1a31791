/* harness/base/gamma.h - the gamma function's family, with the same bits
 * everywhere.
 *
 * The gamma distribution of scale 1 with `shape` > 0: shares, density and
 * quantiles, made from det_log() and det_exp() alone. For tables and exact
 * moments, not for inner loops: a call takes 0.1 to a few microseconds.
 */
#ifndef CHAOS_BASE_GAMMA_H
#define CHAOS_BASE_GAMMA_H

/* log(gamma(a)), a > 0; within 1e-14 of max(1, its value). */
double gamma_log(double a);

/* The shares below and above x (x >= 0); they sum up to 1, the smaller is
 * within 1e-12 of its own value for shapes up to 1000. */
struct gamma_shares {
        double below, above;
};
struct gamma_shares gamma_shares(double shape, double x);

/* x times the density at x. */
double gamma_density_times_x(double shape, double x);

/* For shapes of GAMMA_LARGE and more: the quantile whose normal counterpart is
 * z (|z| <= 8.3), by Temme's expansion; within 1e-9 of its value. `*slope`
 * becomes its derivative by z. */
#define GAMMA_LARGE 1000.0
double gamma_large_quantile(double shape, double z, double *slope);

#endif
