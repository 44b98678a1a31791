/* The healer's own logarithm and exponential: near libm's, and pinned. */
#include <check.h>
#include <math.h>
#include <stdint.h>

#include "healer/hlr_math.h"

static double apart(double a, double b)
{
        return fabs(a - b) / (fabs(b) > 1e-300 ? fabs(b) : 1e-300);
}

START_TEST(log_and_exp_agree_with_libm_to_a_few_ulp)
{
        uint64_t state = 1;

        for (int i = 0; i < 200000; i++) {
                double u, x;

                state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
                u = (double)(state >> 11) * 0x1p-53;
                x = ldexp(0.5 + u, (int)(state % 200) - 100);
                ck_assert(fabs(hlr_log(x) - log(x)) <= 1e-15 * (1 + fabs(log(x))));
                ck_assert(apart(hlr_exp(1400 * (u - 0.5)), exp(1400 * (u - 0.5))) < 1e-13);
        }
}
END_TEST

START_TEST(exact_values_are_exact)
{
        ck_assert(hlr_log(1) == 0);
        ck_assert(hlr_exp(0) == 1);
        ck_assert(hlr_exp(-701) == 0);
        ck_assert(isinf(hlr_exp(701)));
}
END_TEST

START_TEST(one_undoes_the_other)
{
        for (double x = 1e-6; x < 1e6; x *= 1.37)
                ck_assert(apart(hlr_exp(hlr_log(x)), x) < 1e-13);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("hlr_math");
        TCase *tcase = tcase_create("hlr_math");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_test(tcase, log_and_exp_agree_with_libm_to_a_few_ulp);
        tcase_add_test(tcase, exact_values_are_exact);
        tcase_add_test(tcase, one_undoes_the_other);
        suite_add_tcase(suite, tcase);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
