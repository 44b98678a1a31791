/* test_detmath.c - log, exp, pow, the normal and the gamma family against
 * libm's long doubles, and their bits against a pinned hash. */
#include "harness/base/detmath.h"

#include <check.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/gamma.h"
#include "harness/base/rng.h"

enum { ARGUMENTS = 1000000 };

static double uniform(uint32_t stream, uint32_t i)
{
        return rng_u01(rng_draw(1, stream, RNG_DATA, i).word[0]);
}

static double between(double min, double max, uint32_t stream, uint32_t i)
{
        return min + (max - min) * uniform(stream, i);
}

/* How many units in the last place of `exact` the value is off. */
static double ulps_off(double value, long double exact)
{
        double rounded = fabs((double)exact);
        double ulp = nextafter(rounded, INFINITY) - rounded;

        if (!isfinite(value))
                return INFINITY;
        return (double)(fabsl((long double)value - exact) / ulp);
}

static double any_positive(uint32_t i)
{
        uint64_t bits = 1 + rng_draw(2, 1, RNG_DATA, i).word[0] % 0x7fefffffffffffff;
        double x;

        memcpy(&x, &bits, sizeof(x));
        return x;
}

START_TEST(log_is_within_one_ulp)
{
        for (uint32_t i = 0; i < ARGUMENTS; i++) {
                double x = i % 4 == 0   ? any_positive(i)
                           : i % 4 == 1 ? uniform(1, i)
                           : i % 4 == 2 ? between(0.98, 1.02, 2, i)
                                        : 1 + between(-1e-7, 1e-7, 3, i);

                if (ulps_off(det_log(x), logl(x)) > 1)
                        ck_abort_msg("log(%a) is %a", x, det_log(x));
        }
}
END_TEST

START_TEST(log_of_special_values)
{
        ck_assert(det_log(1) == 0);
        ck_assert(det_log(0) == -INFINITY);
        ck_assert(det_log(-0.0) == -INFINITY);
        ck_assert(det_log(INFINITY) == INFINITY);
        ck_assert(isnan(det_log(-1)));
        ck_assert(isnan(det_log(-INFINITY)));
        ck_assert(isnan(det_log(NAN)));
        ck_assert(ulps_off(det_log(0x1p-1074), logl(0x1p-1074L)) <= 1);
        ck_assert(ulps_off(det_log(DBL_MIN), logl(DBL_MIN)) <= 1);
        ck_assert(ulps_off(det_log(DBL_MAX), logl(DBL_MAX)) <= 1);
        ck_assert(ulps_off(det_log(nextafter(1, 0)), logl(nextafter(1, 0))) <= 1);
        ck_assert(ulps_off(det_log(nextafter(1, 2)), logl(nextafter(1, 2))) <= 1);
}
END_TEST

START_TEST(exp_is_within_one_ulp)
{
        for (uint32_t i = 0; i < ARGUMENTS; i++) {
                double x = i % 4 == 0   ? between(-708, 709.7, 1, i)
                           : i % 4 == 1 ? between(-1, 1, 2, i)
                           : i % 4 == 2 ? between(-1e-5, 1e-5, 3, i)
                                        : between(-745.1, -708, 4, i);

                if (ulps_off(det_exp(x), expl(x)) > 1)
                        ck_abort_msg("exp(%a) is %a", x, det_exp(x));
        }
}
END_TEST

START_TEST(exp_of_special_values)
{
        ck_assert(det_exp(0) == 1);
        ck_assert(det_exp(-0.0) == 1);
        ck_assert(det_exp(0x1p-1074) == 1);
        ck_assert(det_exp(-0x1p-60) == 1);
        ck_assert(det_exp(INFINITY) == INFINITY);
        ck_assert(det_exp(-INFINITY) == 0);
        ck_assert(isnan(det_exp(NAN)));
        ck_assert(isfinite(det_exp(0x1.62e42fefa39efp+9)));
        ck_assert(det_exp(0x1.62e42fefa39f0p+9) == INFINITY);
        ck_assert(det_exp(1e300) == INFINITY);
        ck_assert(det_exp(-745.13) == 0x1p-1074);
        ck_assert(det_exp(-745.14) == 0);
        ck_assert(det_exp(-1e300) == 0);
}
END_TEST

START_TEST(pow_is_within_one_ulp)
{
        for (uint32_t i = 0; i < ARGUMENTS; i++) {
                double x = i % 4 == 0   ? any_positive(i)
                           : i % 4 == 1 ? uniform(1, i)
                           : i % 4 == 2 ? 1 + between(-1e-3, 1e-3, 2, i)
                                        : between(0, 100, 3, i);
                double y = i % 4 == 1 ? between(-10, 10, 4, i)
                                      : between(-744, 709, 5, i) / (double)logl(x);
                long double exact = powl(x, y);

                if (exact > DBL_MAX || exact < 0x1p-1074L || x == 1)
                        continue;
                if (ulps_off(det_pow(x, y), exact) > 1)
                        ck_abort_msg("pow(%a, %a) is %a", x, y, det_pow(x, y));
        }
}
END_TEST

START_TEST(pow_of_special_values)
{
        static const double x[] = {0,           0x1p-1074, DBL_MIN, 0.5,     1 - 0x1p-53, 1,
                                   1 + 0x1p-52, 2,         3,       DBL_MAX, INFINITY,    NAN};
        static const double y[] = {0,       -0.0, 1,     -1,     0.5,      -0.5,      2,  1e-300,
                                   -1e-300, 1e18, 1e300, -1e300, INFINITY, -INFINITY, NAN};

        for (size_t i = 0; i < sizeof(x) / sizeof(x[0]); i++) {
                for (size_t j = 0; j < sizeof(y) / sizeof(y[0]); j++) {
                        double value = det_pow(x[i], y[j]);
                        double exact = (double)powl(x[i], y[j]);

                        if (isnan(exact) ? isnan(value) : value == exact)
                                continue;
                        if (!isfinite(exact) || ulps_off(value, powl(x[i], y[j])) > 1)
                                ck_abort_msg("pow(%a, %a) is %a, not %a", x[i], y[j], value, exact);
                }
        }
        ck_assert(isnan(det_pow(-1, 2)));
        ck_assert(det_pow(-1, 0) == 1);
}
END_TEST

START_TEST(whole_powers_are_exact)
{
        for (int i = 0; i <= 22; i++) {
                double exact = 1;

                for (int k = 0; k < i; k++)
                        exact *= 10;
                ck_assert(det_pow(10, i) == exact);
                ck_assert(det_pow(2, i) == (double)(1 << i));
                ck_assert(det_pow(exact, 1) == exact);
        }
}
END_TEST

/* The share of a standard normal below z, from libm. */
static long double normal_below(long double z)
{
        return 0.5L * erfcl(-z / sqrtl(2));
}

START_TEST(probit_inverts_the_normal)
{
        for (uint32_t i = 0; i < 100000; i++) {
                double u = i % 2 == 0 ? uniform(1, i) : ldexp(uniform(2, i), -(int)(i % 50));
                double z = det_probit(u);
                long double density = expl(-0.5L * z * z) / 2.50662827463100050242L;
                long double off = (normal_below(z) - u) / density;

                if (fabsl(off) > 2e-15L * fmaxl(fabsl(z), 0.1L))
                        ck_abort_msg("probit(%a) is %.17g, off by %Lg", u, z, off);
        }
        ck_assert(det_probit(0.5) == 0);
        ck_assert(det_probit(0.25) == -det_probit(0.75));
        ck_assert(det_probit(0x1p-53) == -det_probit(1 - 0x1p-53));
        ck_assert(det_probit(0) == -INFINITY && det_probit(1) == INFINITY);
        ck_assert(isnan(det_probit(-0.1)) && isnan(det_probit(1.1)) && isnan(det_probit(NAN)));
}
END_TEST

START_TEST(log_gamma_agrees_with_libm)
{
        for (uint32_t i = 0; i < 100000; i++) {
                double a = ldexp(1 + uniform(1, i), (int)(i % 60) - 30);
                long double exact = lgammal(a);

                if (fabsl(gamma_log(a) - exact) > 1e-14L * fmaxl(1, fabsl(exact)))
                        ck_abort_msg("log gamma(%a) is %.17g, not %.17Lg", a, gamma_log(a), exact);
        }
}
END_TEST

START_TEST(gamma_shares_of_whole_shapes_are_poisson_sums)
{
        for (int shape = 1; shape <= 60; shape++) {
                for (double x = 0.25; x < 200; x *= 1.25) {
                        struct gamma_shares shares = gamma_shares(shape, x);
                        long double term = expl(-x);
                        long double above = 0, below = 0;
                        int n;

                        for (n = 0; n < shape; n++, term *= x / n)
                                above += term;
                        for (; term > below * 1e-20L; n++, term *= x / n)
                                below += term;
                        ck_assert_ldouble_lt(fabsl(shares.above - above), 1e-12L * above + 1e-15L);
                        ck_assert_ldouble_lt(fabsl(shares.below - below), 1e-12L * below + 1e-15L);
                }
        }
        ck_assert(gamma_shares(2, 0).below == 0 && gamma_shares(2, 0).above == 1);
}
END_TEST

START_TEST(half_a_shape_is_the_error_function)
{
        for (double x = 1e-6; x < 300; x *= 1.1) {
                struct gamma_shares shares = gamma_shares(0.5, x);
                long double root = sqrtl(x);

                ck_assert_ldouble_lt(fabsl(shares.below - erfl(root)), 1e-13L * erfl(root));
                if (x > 1.5)
                        ck_assert_ldouble_lt(fabsl(shares.above - erfcl(root)),
                                             1e-12L * erfcl(root));
        }
}
END_TEST

START_TEST(large_gamma_quantiles_are_solutions)
{
        static const double shape[] = {1000, 2500, 20000};

        for (size_t i = 0; i < sizeof(shape) / sizeof(shape[0]); i++) {
                for (double z = -8; z <= 8; z += 0.25) {
                        double slope;
                        double x = gamma_large_quantile(shape[i], z, &slope);
                        struct gamma_shares shares = gamma_shares(shape[i], x);
                        long double off = z < 0 ? shares.below - normal_below(z)
                                                : normal_below(-z) - shares.above;
                        double step = 1e-4, ignored;
                        double after = gamma_large_quantile(shape[i], z + step, &ignored);
                        double before = gamma_large_quantile(shape[i], z - step, &ignored);

                        off /= gamma_density_times_x(shape[i], x);
                        ck_assert_ldouble_lt(fabsl(off), 1e-9L);
                        ck_assert_double_lt(fabs((after - before) / (2 * step) / slope - 1), 1e-6);
                }
        }
}
END_TEST

static uint64_t add_bits(uint64_t hash, double value)
{
        uint64_t bits;

        memcpy(&bits, &value, sizeof(bits));
        return hash_mix(hash, bits);
}

/* The same for every compiler, level and processor. It may change when an
 * algorithm does, and then every golden result changes with it. */
START_TEST(bits_are_the_pinned_ones)
{
        static const uint64_t pinned[5] = {
                0xfcbb47549c6aa8db, 0xe21bc45a96914fe8, 0x871effa76997baf4,
                0x834d225a28662a84, 0x07aeae51e13330bc,
        };
        uint64_t hash[5] = {0};

        for (uint32_t i = 0; i < 100000; i++) {
                double x = any_positive(i);
                double u = uniform(1, i);

                hash[0] = add_bits(add_bits(hash[0], det_log(x)), det_log(u));
                hash[1] = add_bits(hash[1], det_exp(between(-746, 710, 2, i)));
                hash[2] = add_bits(hash[2], det_pow(u, between(-700, 700, 3, i)));
                hash[3] = add_bits(hash[3], det_probit(u));
                if (i % 10 == 0) {
                        double shape = between(0.1, 30, 4, i);

                        hash[4] = add_bits(hash[4], gamma_log(shape));
                        hash[4] = add_bits(hash[4], gamma_shares(shape, 60 * u).below);
                }
        }
        for (int i = 0; i < 5; i++)
                ck_assert_msg(hash[i] == pinned[i], "hash %d is 0x%016" PRIx64, i, hash[i]);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("detmath");
        TCase *tests = tcase_create("detmath");
        SRunner *runner;
        int failed;

        tcase_add_test(tests, log_is_within_one_ulp);
        tcase_add_test(tests, log_of_special_values);
        tcase_add_test(tests, exp_is_within_one_ulp);
        tcase_add_test(tests, exp_of_special_values);
        tcase_add_test(tests, pow_is_within_one_ulp);
        tcase_add_test(tests, pow_of_special_values);
        tcase_add_test(tests, whole_powers_are_exact);
        tcase_add_test(tests, probit_inverts_the_normal);
        tcase_add_test(tests, log_gamma_agrees_with_libm);
        tcase_add_test(tests, gamma_shares_of_whole_shapes_are_poisson_sums);
        tcase_add_test(tests, half_a_shape_is_the_error_function);
        tcase_add_test(tests, large_gamma_quantiles_are_solutions);
        tcase_add_test(tests, bits_are_the_pinned_ones);
        suite_add_tcase(suite, tests);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
