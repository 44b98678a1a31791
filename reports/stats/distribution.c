/* distribution.c - tails by continued fractions, quantiles by a guarded Newton search.
 *
 * Beta and gamma tails carry all the others: t is a beta tail, the exact binomial and Poisson
 * limits are beta and gamma quantiles. Their leading factor (a density) is computed from Loader's
 * deviances, not as exp(a log x + b log(1 - x) - ...): with 1e7 requests the three logarithms
 * cancel and would leave eight digits.
 *
 * Why not GSL's own: gsl_cdf_beta_P is NaN from 1e7 trials on and right to nine digits at 1e6, and
 * gsl_cdf_beta_Qinv(0.025, 4, 1e8) calls the error handler that ends the process. GSL is used where
 * it is exact and total: the normal distribution.
 *
 * A tail costs O(sqrt(a + b)) steps, a quantile about ten tails.
 */
#include "reports/stats/distribution.h"

#include <assert.h>
#include <float.h>
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdbool.h>

enum {
        FRACTION_TERMS_MAX = 2000000, /* sqrt(1e12): beyond any count we meet */
        SEARCH_STEPS_MAX = 400,
        POWER_PANELS = 24,
        POWER_NODES = 10,
};

static const double LOG_SQRT_2PI = 0.918938533204672741780329736406;
static const double TWO_PI = 6.283185307179586476925286766559;

/* -------------------------------------------------------------------------- densities, Loader */

/* log(n!) minus Stirling's formula for it. */
static double stirling_error(double n)
{
        double nn = n * n;

        if (n < 16)
                return lgamma(n + 1) - (n + 0.5) * log(n) + n - LOG_SQRT_2PI;
        return (1.0 / 12 -
                (1.0 / 360 - (1.0 / 1260 - (1.0 / 1680 - (1.0 / 1188) / nn) / nn) / nn) / nn) /
               n;
}

/* x log(x / mean) + mean - x, without cancellation where x is near the mean. */
static double deviance(double x, double mean)
{
        double v, term, sum, next;
        int j;

        if (fabs(x - mean) >= 0.1 * (x + mean))
                return x * log(x / mean) + mean - x;
        v = (x - mean) / (x + mean);
        sum = (x - mean) * v;
        term = 2 * x * v;
        for (j = 1; j < 1000; j++) {
                term *= v * v;
                next = sum + term / (2 * j + 1);
                if (next == sum)
                        break;
                sum = next;
        }
        return sum;
}

/* Gamma(a + b + 1) / (Gamma(a + 1) Gamma(b + 1)) x^a y^b, with y = 1 - x. */
static double binomial_density(double a, double b, double x, double y)
{
        double n = a + b;
        double log_density;

        log_density = stirling_error(n) - stirling_error(a) - stirling_error(b) -
                      deviance(a, n * x) - deviance(b, n * y);
        return exp(log_density) * sqrt(n / (TWO_PI * a * b));
}

/* mean^x e^-mean / Gamma(x + 1). */
static double poisson_density(double x, double mean)
{
        return exp(-stirling_error(x) - deviance(x, mean)) / sqrt(TWO_PI * x);
}

/* ------------------------------------------------------------------------------------- normal */

double stats_normal_upper_tail(double z)
{
        return gsl_cdf_ugaussian_Q(z);
}

double stats_normal_quantile_upper(double upper)
{
        assert(upper > 0 && upper < 1);
        return gsl_cdf_ugaussian_Qinv(upper);
}

/* --------------------------------------------------------------------------------------- beta */

static double away_from_zero(double value)
{
        return fabs(value) < DBL_MIN ? DBL_MIN : value;
}

/* The continued fraction of the incomplete beta function by Didonato and Morris (1992), evaluated
 * by Lentz's method, for x <= a / (a + b). It takes y = 1 - x beside x: the more usual fraction in
 * x alone loses the digits of a y of 1e-8, which is what a few events of 1e8 requests give. */
static double beta_fraction(double x, double y, double a, double b)
{
        double lambda = x < y ? a - (a + b) * x : (a + b) * y - b;
        double value = away_from_zero(a / (a + 1) * (lambda + 1));
        double c = value, d = 0;
        double numerator, denominator, below, factor, n;

        for (n = 1; n < FRACTION_TERMS_MAX; n++) {
                below = a + 2 * n - 1;
                numerator = (a + n - 1) / below * ((a + b + n - 1) / below) * n * (b - n) * x * x;
                denominator = n + n * (b - n) * x / below +
                              (a + n) / (below + 2) * (lambda + 1 + n * (1 + y));
                d = 1 / away_from_zero(denominator + numerator * d);
                c = away_from_zero(denominator + numerator / c);
                factor = c * d;
                value *= factor;
                if (fabs(factor - 1) < 2 * DBL_EPSILON)
                        break;
        }
        return 1 / value;
}

/* P(X <= x) where x = 1 - y; both are passed because one of them may be tiny. */
static double beta_tail(double x, double y, double a, double b)
{
        double density;

        if (x <= 0)
                return 0;
        if (y <= 0)
                return 1;
        density = binomial_density(a, b, x, y) * a * b / (a + b);
        if (x <= a / (a + b))
                return fmin(density * beta_fraction(x, y, a, b), 1);
        return fmax(1 - density * beta_fraction(y, x, b, a), 0);
}

double stats_beta_lower_tail(double x, double a, double b)
{
        assert(a > 0 && b > 0);
        return beta_tail(x, 1 - x, a, b);
}

double stats_beta_upper_tail(double x, double a, double b)
{
        assert(a > 0 && b > 0);
        return beta_tail(1 - x, x, b, a);
}

/* -------------------------------------------------------------------------------------- gamma */

/* P(X <= x) by its power series; for x < shape + 1. */
static double gamma_series(double x, double shape)
{
        double sum = 1, term = 1;
        double k;

        for (k = 1; k < FRACTION_TERMS_MAX; k++) {
                term *= x / (shape + k);
                sum += term;
                if (term < sum * DBL_EPSILON / 4)
                        break;
        }
        return poisson_density(shape, x) * sum;
}

/* P(X > x) by its continued fraction; for x >= shape + 1. */
static double gamma_fraction(double x, double shape)
{
        double b = x + 1 - shape;
        double c = 1 / DBL_MIN;
        double d = 1 / away_from_zero(b);
        double value = d;
        double factor, an, k;

        for (k = 1; k < FRACTION_TERMS_MAX; k++) {
                an = -k * (k - shape);
                b += 2;
                d = 1 / away_from_zero(an * d + b);
                c = away_from_zero(b + an / c);
                factor = d * c;
                value *= factor;
                if (fabs(factor - 1) < 2 * DBL_EPSILON)
                        break;
        }
        return poisson_density(shape, x) * shape * value;
}

double stats_gamma_lower_tail(double x, double shape)
{
        assert(shape > 0);
        if (x <= 0)
                return 0;
        return x < shape + 1 ? fmin(gamma_series(x, shape), 1)
                             : fmax(1 - gamma_fraction(x, shape), 0);
}

double stats_gamma_upper_tail(double x, double shape)
{
        assert(shape > 0);
        if (x <= 0)
                return 1;
        return x < shape + 1 ? fmax(1 - gamma_series(x, shape), 0)
                             : fmin(gamma_fraction(x, shape), 1);
}

/* ------------------------------------------------------------------------------------------ t */

/* P(T > t) for t >= 0. The beta argument is degrees / (degrees + t^2); its complement is passed
 * too, since for small t it holds all the digits. */
static double t_tail_of_positive(double t, double degrees)
{
        double tt = t * t;
        double x = degrees / (degrees + tt);
        double y = tt / (degrees + tt);

        if (isinf(tt))
                return 0;
        return beta_tail(x, y, degrees / 2, 0.5) / 2;
}

double stats_t_upper_tail(double t, double degrees)
{
        assert(degrees > 0);
        return t >= 0 ? t_tail_of_positive(t, degrees) : 1 - t_tail_of_positive(-t, degrees);
}

double stats_t_two_sided(double t, double degrees)
{
        assert(degrees > 0);
        return fmin(2 * t_tail_of_positive(fabs(t), degrees), 1);
}

/* ---------------------------------------------------------------------------------- quantiles */

/* A tail as a function of x, and whether it grows with x. */
struct tail {
        double (*at)(double x, const struct tail *tail);
        double first, second; /* parameters of the distribution */
        double wanted;
        bool grows;
};

static bool is_below(const struct tail *tail, double x)
{
        double value = tail->at(x, tail);

        return tail->grows ? value < tail->wanted : value > tail->wanted;
}

/* The x in [low, high] where the tail is `wanted`: secant steps on log(tail) kept inside a
 * bracket that at least halves every third step, until no double lies between its ends or the
 * step is below rounding. */
static double find_quantile(const struct tail *tail, double low, double high)
{
        double at_low = log(fmax(tail->at(low, tail), DBL_MIN)) - log(tail->wanted);
        double at_high = log(fmax(tail->at(high, tail), DBL_MIN)) - log(tail->wanted);
        double width_before = high - low;
        double x, at_x;
        int step;

        for (step = 0; step < SEARCH_STEPS_MAX; step++) {
                x = low + (high - low) * (at_low / (at_low - at_high));
                if (step % 3 == 2) {
                        if (high - low > width_before / 8)
                                x = low + (high - low) / 2;
                        width_before = high - low;
                }
                if (!(x > low && x < high))
                        x = low + (high - low) / 2;
                if (!(x > low && x < high) || high - low <= 2 * DBL_EPSILON * fabs(x))
                        break;
                at_x = log(fmax(tail->at(x, tail), DBL_MIN)) - log(tail->wanted);
                if (at_x == 0)
                        return x;
                if ((at_x < 0) == tail->grows) {
                        low = x;
                        at_low = at_x;
                        at_high /= 2; /* Illinois: so that neither end stays for ever */
                } else {
                        high = x;
                        at_high = at_x;
                        at_low /= 2;
                }
        }
        return low + (high - low) / 2;
}

/* Widens [low, high] upwards until it holds the quantile. */
static double upper_bracket(const struct tail *tail, double start)
{
        double high = start;

        while (is_below(tail, high) && high < DBL_MAX / 4)
                high *= 2;
        return high;
}

/* Lowers the start of the bracket towards 0, so that the search works with relative steps. */
static double lower_bracket(const struct tail *tail, double start)
{
        double low = start;

        while (!is_below(tail, low) && low > DBL_MIN * 16)
                low /= 16;
        return low;
}

static double t_tail_at(double x, const struct tail *tail)
{
        return t_tail_of_positive(x, tail->first);
}

double stats_t_quantile_upper(double upper, double degrees)
{
        struct tail tail = {.at = t_tail_at, .first = degrees, .wanted = upper, .grows = false};
        double start;

        assert(upper > 0 && upper < 1 && degrees > 0);
        if (upper > 0.5)
                return -stats_t_quantile_upper(1 - upper, degrees);
        if (upper == 0.5)
                return 0;
        /* Heavier tails than the normal: the normal quantile is a lower bound. */
        start = stats_normal_quantile_upper(upper);
        return find_quantile(&tail, lower_bracket(&tail, start),
                             upper_bracket(&tail, start * (1 + 1 / degrees) + DBL_MIN));
}

static double beta_lower_at(double x, const struct tail *tail)
{
        return stats_beta_lower_tail(x, tail->first, tail->second);
}

static double beta_upper_at(double x, const struct tail *tail)
{
        return stats_beta_upper_tail(x, tail->first, tail->second);
}

static double beta_quantile(const struct tail *tail)
{
        double mean = tail->first / (tail->first + tail->second);

        if (is_below(tail, mean))
                return find_quantile(tail, mean, 1);
        return find_quantile(tail, lower_bracket(tail, mean), mean);
}

double stats_beta_quantile_lower(double lower, double a, double b)
{
        struct tail tail = {
                .at = beta_lower_at, .first = a, .second = b, .wanted = lower, .grows = true};

        assert(lower > 0 && lower < 1 && a > 0 && b > 0);
        return beta_quantile(&tail);
}

double stats_beta_quantile_upper(double upper, double a, double b)
{
        struct tail tail = {
                .at = beta_upper_at, .first = a, .second = b, .wanted = upper, .grows = false};

        assert(upper > 0 && upper < 1 && a > 0 && b > 0);
        return beta_quantile(&tail);
}

static double gamma_lower_at(double x, const struct tail *tail)
{
        return stats_gamma_lower_tail(x, tail->first);
}

static double gamma_upper_at(double x, const struct tail *tail)
{
        return stats_gamma_upper_tail(x, tail->first);
}

static double gamma_quantile(const struct tail *tail)
{
        return find_quantile(tail, lower_bracket(tail, tail->first),
                             upper_bracket(tail, tail->first));
}

double stats_gamma_quantile_lower(double lower, double shape)
{
        struct tail tail = {.at = gamma_lower_at, .first = shape, .wanted = lower, .grows = true};

        assert(lower > 0 && lower < 1 && shape > 0);
        return gamma_quantile(&tail);
}

double stats_gamma_quantile_upper(double upper, double shape)
{
        struct tail tail = {.at = gamma_upper_at, .first = shape, .wanted = upper, .grows = false};

        assert(upper > 0 && upper < 1 && shape > 0);
        return gamma_quantile(&tail);
}

double stats_binomial_lower_tail(size_t k, size_t n, double p)
{
        assert(p >= 0 && p <= 1);
        if (k >= n)
                return 1;
        return stats_beta_upper_tail(p, (double)k + 1, (double)(n - k));
}

/* ------------------------------------------------------------------------------- noncentral t */

/* Density of s = sqrt(chi-squared / degrees), nearly normal around 1 with deviation
 * 1 / sqrt(2 degrees). */
static double chi_density(double s, double degrees)
{
        double half = degrees / 2;

        return 2 * sqrt(half / TWO_PI) * exp(-stirling_error(half) - half * deviance(1, s * s)) / s;
}

/* The positive half of the nodes of 20-point Gauss-Legendre quadrature, with their weights. */
static const double gauss[POWER_NODES][2] = {
        {0.99312859918509492479, 0.017614007139152118312},
        {0.96397192727791379127, 0.040601429800386941331},
        {0.91223442825132590587, 0.06267204833410906357},
        {0.83911697182221882339, 0.083276741576704748725},
        {0.74633190646015079261, 0.10193011981724043504},
        {0.63605368072651502545, 0.11819453196151841731},
        {0.510867001950827098, 0.1316886384491766269},
        {0.37370608871541956067, 0.14209610931838205133},
        {0.22778585114164507808, 0.14917298647260374679},
        {0.076526521133497333755, 0.1527533871307258507},
};

struct noncentral {
        double critical, degrees, shift;
        bool two_sided;
};

/* The chance to pass `critical` at this s, times the density of s. */
static double passing_at(const struct noncentral *question, double s)
{
        double chance = stats_normal_upper_tail(question->critical * s - question->shift);

        if (question->two_sided)
                chance += stats_normal_upper_tail(question->critical * s + question->shift);
        return chi_density(s, question->degrees) * chance;
}

/* The normal tail beyond critical * s, averaged over s. Fourteen deviations to either side hold
 * all but 1e-20 of the density. */
static double noncentral_tail(const struct noncentral *question)
{
        double reach = 14 / sqrt(2 * question->degrees);
        double low = fmax(0, 1 - reach), high = 1 + reach;
        double half = (high - low) / POWER_PANELS / 2;
        double middle, sum = 0;
        size_t panel, i;

        assert(question->degrees > 0);
        for (panel = 0; panel < POWER_PANELS; panel++) {
                middle = low + half * (double)(2 * panel + 1);
                for (i = 0; i < POWER_NODES; i++) {
                        sum += half * gauss[i][1] *
                               (passing_at(question, middle - half * gauss[i][0]) +
                                passing_at(question, middle + half * gauss[i][0]));
                }
        }
        return fmin(sum, 1);
}

double stats_t_noncentral_two_sided(double critical, double degrees, double shift)
{
        struct noncentral question = {critical, degrees, shift, true};

        return noncentral_tail(&question);
}

double stats_t_noncentral_upper(double critical, double degrees, double shift)
{
        struct noncentral question = {critical, degrees, shift, false};

        return noncentral_tail(&question);
}
