/* detmath.c - log, exp, pow and the normal quantile with the same bits
 * everywhere.
 *
 * log: x = 2^k * z with z in [0.69, 1.38), and a table has for z's cell a short
 * number `inverse` near 1 / z and its exact logarithm. r = z * inverse - 1 is
 * below 2^-8 and known without error as a sum of two doubles, since halves of z
 * times a short number fit a double. Then log x = k log 2 - log(inverse) +
 * log(1 + r), the last by its series. Around 1 the inverse is 1, so that
 * nothing cancels and the error stays below an ulp there as well.
 *
 * exp: x = n log(2)/128 + r; 2^(n/128) is a table's value times a power of two,
 * exp(r) its series up to r^5.
 *
 * pow: the same two, with the logarithm as a sum of two doubles (about 2^-67
 * of its value off), for its error is multiplied by up to 745.
 *
 * Only + - * / and comparisons on doubles, and moves of their bits; no FMA, no
 * table made at run time, no rounding mode but the usual one. 0.52 ulp at most
 * was seen for log, exp and pow of normal doubles. About 5 ns each when nothing
 * waits for them and 20 ns when something does, pow 20 ns; 5 KiB of tables.
 *
 * Not here: sqrt and ceil, which are exact or correctly rounded in any libm.
 */
#include "harness/base/detmath.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "harness/base/detmath_tables.h"

/* x87 would keep longer intermediates. 0, 1 and 16 differ in what they do to
 * narrower types only. */
_Static_assert(FLT_EVAL_METHOD == 0 || FLT_EVAL_METHOD == 1 || FLT_EVAL_METHOD == 16,
               "doubles must be evaluated as doubles");

#define LN2_HI 0x1.62e42fefa3800p-1 /* a multiple of 2^-42: k * LN2_HI is exact */
#define LN2_LO 0x1.ef35793c76730p-45

#define EXP_STEP_HI 0x1.62e42fef80000p-8 /* log(2) / 128; n * EXP_STEP_HI is exact */
#define EXP_STEP_LO 0x1.1cf79abc9e3b4p-43
#define EXP_STEPS_PER_UNIT 0x1.71547652b82fep+7
#define EXP_MAX 710.0  /* exp() of this is infinity, of the next below not always */
#define EXP_MIN (-746.0) /* exp() of this is 0 */

static uint64_t bits_of(double x)
{
        uint64_t bits;

        memcpy(&bits, &x, sizeof(bits));
        return bits;
}

static double double_of(uint64_t bits)
{
        double x;

        memcpy(&x, &bits, sizeof(x));
        return x;
}

/* The upper 32 bits of a double's 53; what remains has 21. */
static double upper_32(double x)
{
        return double_of(bits_of(x) & ~UINT64_C(0x1fffff));
}

/* The upper 26 bits; squares and products of such halves are exact. */
static double upper_26(double x)
{
        return double_of(bits_of(x) & ~UINT64_C(0x7ffffff));
}

/* x = 2^exponent * (1 + r + r_tail) / cell->inverse, for finite x > 0. */
struct log_parts {
        double exponent;
        const struct log_cell *cell;
        double r, r_tail;
};

static struct log_parts split_for_log(double x)
{
        uint64_t bits = bits_of(x);
        uint64_t offset;
        struct log_parts parts;
        int64_t exponent = 0;
        double z, upper, lower;

        if (bits < UINT64_C(0x0010000000000000)) { /* subnormal */
                bits = bits_of(x * 0x1p52);
                exponent = -52;
        }
        offset = bits - LOG_OFFSET_BITS;
        exponent += (int64_t)offset >> 52;
        z = double_of(bits - (offset & UINT64_C(0xfff0000000000000)));

        parts.exponent = (double)exponent;
        parts.cell = &log_cell[(offset >> (52 - LOG_CELL_BITS)) % LOG_CELL_COUNT];
        upper = upper_32(z) * parts.cell->inverse - 1;
        lower = (z - upper_32(z)) * parts.cell->inverse;
        parts.r = upper + lower;
        parts.r_tail = lower - (parts.r - upper);
        return parts;
}

static double log_of_special(double x)
{
        if (x == 0)
                return -INFINITY;
        return x > 0 ? x : NAN; /* infinity; below 0 or NaN */
}

double det_log(double x)
{
        struct log_parts p;
        double r, r2, series, coarse, sum, rest;

        if (!(x > 0 && x <= DBL_MAX))
                return log_of_special(x);
        p = split_for_log(x);
        r = p.r;
        r2 = r * r;
        series = r2 * ((-0.5 + r * (1.0 / 3)) +
                       r2 * ((-0.25 + r * 0.2) + r2 * (-1.0 / 6 + r * (1.0 / 7))));
        coarse = p.exponent * LN2_HI + p.cell->log_hi;
        sum = coarse + r;
        rest = (coarse - sum) + r;
        rest += p.exponent * LN2_LO + p.cell->log_lo + p.r_tail;
        return sum + (rest + series);
}

/* 2^exponent * value for a value near 1 and a result that may be subnormal. */
static double scale_carefully(double value, int64_t exponent)
{
        int64_t half = exponent / 2;

        return value * double_of((uint64_t)(half + 1023) << 52) *
               double_of((uint64_t)(exponent - half + 1023) << 52);
}

/* exp(x + tail) for |tail| far below |x|. */
static double exp_of_sum(double x, double tail)
{
        double n, r, r2, series, value;
        const struct exp_step *step;
        int64_t steps;
        int64_t exponent;

        if (x > EXP_MAX)
                return INFINITY;
        if (x < EXP_MIN)
                return 0;

        n = x * EXP_STEPS_PER_UNIT + 0x1.8p52; /* rounds to a whole number */
        n -= 0x1.8p52;
        steps = (int64_t)n;
        step = &exp_step[(uint64_t)steps % EXP_STEP_COUNT];
        exponent = (steps - (int64_t)((uint64_t)steps % EXP_STEP_COUNT)) / EXP_STEP_COUNT;

        r = (x - n * EXP_STEP_HI) - n * EXP_STEP_LO + tail;
        r2 = r * r;
        series = r + r2 * ((0.5 + r * (1.0 / 6)) + r2 * (1.0 / 24 + r * (1.0 / 120)));
        value = step->value + step->value * (step->tail + series);
        if (exponent > -1022 && exponent < 1023)
                return value * double_of((uint64_t)(exponent + 1023) << 52);
        return scale_carefully(value, exponent);
}

double det_exp(double x)
{
        if (x != x)
                return x;
        return exp_of_sum(x, 0);
}

/* log(x) = *hi + *lo, about 2^-67 of it off; for finite x > 0. */
static void log_as_sum(double x, double *hi, double *lo)
{
        struct log_parts p = split_for_log(x);
        double r = p.r;
        double half = upper_26(r);
        double square_hi = -0.5 * (half * half);
        double square_lo = -0.5 * ((r - half) * (r + half));
        double cube = r * r * r *
                      ((1.0 / 3 - r * 0.25) +
                       r * r *
                               ((0.2 - r * (1.0 / 6)) +
                                r * r * ((1.0 / 7 - r * 0.125) + r * r * (1.0 / 9))));
        double coarse = p.exponent * LN2_HI + p.cell->log_hi;
        double sum = coarse + r;
        double rest = (coarse - sum) + r;
        double sum2 = sum + square_hi;
        double tail;

        rest += (sum - sum2) + square_hi;
        /* r_tail also stands in the square: (r + t)^2 / 2 = r^2 / 2 + r t. */
        tail = p.exponent * LN2_LO + p.cell->log_lo + (p.r_tail - r * p.r_tail) + square_lo + cube;
        rest += tail;
        *hi = sum2 + rest;
        *lo = (sum2 - *hi) + rest;
}

static double pow_of_special(double x, double y)
{
        if (y == 0 || x == 1)
                return 1;
        if (!(x >= 0) || y != y)
                return NAN;
        if (x == 0)
                return y > 0 ? 0 : INFINITY;
        if (x > DBL_MAX)
                return y > 0 ? INFINITY : 0;
        return (x > 1) == (y > 0) ? INFINITY : 0; /* |y| is huge */
}

double det_pow(double x, double y)
{
        double log_hi, log_lo, log_half, y_half, hi, lo;

        /* |log x| is 0 or above 2^-54: beyond 2^64 every y overflows or underflows. */
        if (!(x > 0 && x <= DBL_MAX && x != 1 && y > -0x1p64 && y < 0x1p64 && y != 0))
                return pow_of_special(x, y);
        if (y > -0x1p-64 && y < 0x1p-64)
                return 1;

        log_as_sum(x, &log_hi, &log_lo);
        log_half = upper_26(log_hi);
        y_half = upper_26(y);
        hi = y * log_hi;
        lo = ((y_half * log_half - hi) + y_half * (log_hi - log_half) + (y - y_half) * log_half) +
             (y - y_half) * (log_hi - log_half) + y * log_lo;
        return exp_of_sum(hi, lo);
}

/* AS 241 gives each region as a ratio of two polynomials of degree 7. */
static double ratio_7(const double *over, const double *under, double x)
{
        double a = over[7];
        double b = under[7];

        for (int i = 6; i >= 0; i--) {
                a = a * x + over[i];
                b = b * x + under[i];
        }
        return a / b;
}

static const double centre_over[8] = {
        3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
        1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
        3.3430575583588128105e4, 2.5090809287301226727e3,
};
static const double centre_under[8] = {
        1.0,
        4.2313330701600911252e1,
        6.8718700749205790830e2,
        5.3941960214247511077e3,
        2.1213794301586595867e4,
        3.9307895800092710610e4,
        2.8729085735721942674e4,
        5.2264952788528545610e3,
};
static const double middle_over[8] = {
        1.42343711074968357734e0,  4.63033784615654529590e0,  5.76949722146069140550e0,
        3.64784832476320460504e0,  1.27045825245236838258e0,  2.41780725177450611770e-1,
        2.27238449892691845833e-2, 7.74545014278341407640e-4,
};
static const double middle_under[8] = {
        1.0,
        2.05319162663775882187e0,
        1.67638483018380384940e0,
        6.89767334985100004550e-1,
        1.48103976427480074590e-1,
        1.51986665636164571966e-2,
        5.47593808499534494600e-4,
        1.05075007164441684324e-9,
};
static const double far_over[8] = {
        6.65790464350110377720e0,  5.46378491116411436990e0,  1.78482653991729133580e0,
        2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
        2.71155556874348757815e-5, 2.01033439929228813265e-7,
};
static const double far_under[8] = {
        1.0,
        5.99832206555887937690e-1,
        1.36929880922735805310e-1,
        1.48753612908506148525e-2,
        7.86869131145613259100e-4,
        1.84631831751005468180e-5,
        1.42151175831644588870e-7,
        2.04426310338993978564e-15,
};

double det_probit(double u)
{
        double q = u - 0.5;
        double r, z;

        if (q >= -0.425 && q <= 0.425)
                return q * ratio_7(centre_over, centre_under, 0.180625 - q * q);
        if (!(u > 0 && u < 1))
                return u == 0 ? -INFINITY : u == 1 ? INFINITY : NAN;
        r = sqrt(-det_log(q < 0 ? u : 1 - u));
        if (r <= 5)
                z = ratio_7(middle_over, middle_under, r - 1.6);
        else
                z = ratio_7(far_over, far_under, r - 5);
        return q < 0 ? -z : z;
}
