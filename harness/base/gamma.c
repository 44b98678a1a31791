/* gamma.c - log-gamma, incomplete gamma, and quantiles of large shapes.
 *
 * log-gamma: Stirling's series from 10 up, the recurrence below.
 *
 * Shares: the power series up to x = shape + 1, the continued fraction (by
 * Lentz's method) beyond; both need some ten square roots of shape terms.
 * Their common factor x^a e^-x / gamma(a) is taken around its peak when the
 * shape is large, where the plain formula would lose log10(shape) digits.
 *
 * Quantiles of large shapes: Temme's uniform expansion turned round (N. M.
 * Temme, Math. Comp. 58 (1992)). eta = z / sqrt(a) + e1(eta) / a + e2 / a^2,
 * and x = a * lambda(eta), each by its series around 0, where eta stays for
 * large shapes. No iteration and no sum of a thousand terms.
 */
#include "harness/base/gamma.h"

#include <assert.h>
#include <math.h>

#include "harness/base/detmath.h"

#define STIRLING_MIN 10.0
#define LOG_SQRT_2PI 0.91893853320467274178

/* log(gamma(a)) - ((a - 1/2) log(a) - a + log(sqrt(2 pi))), a >= STIRLING_MIN. */
static double stirling_rest(double a)
{
        double s = 1 / (a * a);

        return (1.0 / 12 -
                s * (1.0 / 360 -
                     s * (1.0 / 1260 -
                          s * (1.0 / 1680 -
                               s * (1.0 / 1188 - s * (691.0 / 360360 - s * (1.0 / 156))))))) /
               a;
}

double gamma_log(double a)
{
        double product = 1;

        assert(a > 0);
        for (; a < STIRLING_MIN; a += 1)
                product *= a;
        return (a - 0.5) * det_log(a) - a + LOG_SQRT_2PI + stirling_rest(a) - det_log(product);
}

double gamma_density_times_x(double shape, double x)
{
        double log_density;

        if (x <= 0)
                return 0;
        if (shape < STIRLING_MIN)
                log_density = shape * det_log(x) - x - gamma_log(shape);
        else
                log_density = shape * det_log(x / shape) - (x - shape) + 0.5 * det_log(shape) -
                              LOG_SQRT_2PI - stirling_rest(shape);
        return det_exp(log_density);
}

/* The share below x as a multiple of x times the density; x <= shape + 1. */
static double series(double shape, double x)
{
        double term = 1 / shape;
        double sum = term;

        for (double n = shape + 1; term > sum * 0x1p-54; n += 1) {
                term *= x / n;
                sum += term;
        }
        return sum;
}

/* The share above x as a multiple of x times the density; x >= shape + 1. */
static double fraction(double shape, double x)
{
        double b = x + 1 - shape;
        double c = INFINITY;
        double d = 1 / b;
        double value = d;
        double factor = 2;

        for (double n = 1; fabs(factor - 1) > 0x1p-52; n += 1) {
                double a = -n * (n - shape);

                b += 2;
                c = b + a / c;
                d = 1 / (b + a * d);
                factor = c * d;
                value *= factor;
        }
        return value;
}

struct gamma_shares gamma_shares(double shape, double x)
{
        double density = gamma_density_times_x(shape, x);
        double share;

        if (x < shape + 1) {
                share = density > 0 ? density * series(shape, x) : 0;
                if (share > 1)
                        share = 1;
                return (struct gamma_shares){share, 1 - share};
        }
        share = density > 0 ? density * fraction(shape, x) : 0;
        return (struct gamma_shares){1 - share, share};
}

/* (lambda - 1) / eta, where lambda - 1 - log(lambda) = eta^2 / 2. */
static double lambda_slope(double eta)
{
        return 1 +
               eta * (1.0 / 3 +
                      eta * (1.0 / 36 +
                             eta * (-1.0 / 270 +
                                    eta * (1.0 / 4320 +
                                           eta * (1.0 / 17010 + eta * (-139.0 / 5443200 +
                                                                       eta * (1.0 / 204120)))))));
}

double gamma_large_quantile(double shape, double z, double *slope)
{
        double root = sqrt(shape);
        double e = z / root;
        double e1 = -1.0 / 3 +
                    e * (1.0 / 36 + e * (1.0 / 1620 + e * (-7.0 / 6480 + e * (5.0 / 18144))));
        double e1_slope = 1.0 / 36 + e * (2.0 / 1620 + e * (-21.0 / 6480 + e * (20.0 / 18144)));
        double e2 = -7.0 / 405 + e * (-7.0 / 2592 + e * (533.0 / 204120));
        double eta = e + (e1 + e2 / shape) / shape;
        double s = lambda_slope(eta);
        double lambda = 1 + eta * s;

        assert(shape >= GAMMA_LARGE);
        *slope = root * (lambda / s) * (1 + e1_slope / shape);
        return shape * lambda;
}
