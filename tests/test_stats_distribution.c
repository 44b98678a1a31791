/* test_stats_distribution.c - tails and quantiles against R, and against each other. */
#include "tests/stats_reference.h"

#include "reports/stats/distribution.h"

/* Calls the function that a row of distribution.json names. */
static double call(const char *name, const double *x)
{
        if (!strcmp(name, "t_quantile_upper"))
                return stats_t_quantile_upper(x[0], x[1]);
        if (!strcmp(name, "t_upper_tail"))
                return stats_t_upper_tail(x[0], x[1]);
        if (!strcmp(name, "beta_quantile_lower"))
                return stats_beta_quantile_lower(x[0], x[1], x[2]);
        if (!strcmp(name, "beta_quantile_upper"))
                return stats_beta_quantile_upper(x[0], x[1], x[2]);
        if (!strcmp(name, "gamma_quantile_lower"))
                return stats_gamma_quantile_lower(x[0], x[1]);
        if (!strcmp(name, "gamma_quantile_upper"))
                return stats_gamma_quantile_upper(x[0], x[1]);
        if (!strcmp(name, "binomial_lower_tail"))
                return stats_binomial_lower_tail((size_t)x[0], (size_t)x[1], x[2]);
        ck_assert_str_eq(name, "t_noncentral_upper");
        return stats_t_noncentral_upper(x[0], x[1], x[2]);
}

START_TEST(tails_and_quantiles_are_those_of_r)
{
        json_t *root = stats_reference_load("distribution.json"), *row, *entry;
        double x[3], got, expected;
        const char *name;
        size_t i, j;

        json_array_foreach(root, i, row)
        {
                json_array_foreach(json_object_get(row, "arguments"), j, entry) x[j] =
                        json_number_value(entry);
                name = json_string_value(json_object_get(row, "function"));
                got = call(name, x);
                expected = json_number_value(json_object_get(row, "expected"));
                ck_assert_msg(fabs(got - expected) <= 1e-10 * fabs(expected),
                              "%s(%.17g, %.17g, ...) is %.17g, R has %.17g", name, x[0], x[1], got,
                              expected);
        }
        json_decref(root);
}
END_TEST

START_TEST(a_quantile_has_the_tail_it_was_asked_for)
{
        const double shapes[] = {0.3, 1, 2.5, 17, 420, 33333};
        double upper, x;
        size_t i, j;

        for (i = 0; i < 6; i++) {
                for (upper = 1e-12; upper < 0.9; upper *= 3.7) {
                        x = stats_t_quantile_upper(upper, shapes[i]);
                        ck_assert_double_eq_tol(stats_t_upper_tail(x, shapes[i]) / upper, 1, 1e-12);
                        x = stats_gamma_quantile_upper(upper, shapes[i]);
                        ck_assert_double_eq_tol(stats_gamma_upper_tail(x, shapes[i]) / upper, 1,
                                                1e-11);
                        for (j = 0; j < 6; j++) {
                                x = stats_beta_quantile_lower(upper, shapes[i], shapes[j]);
                                if (x < 1e-290 ||
                                    x > 0.999) /* next to 1 doubles are too far apart */
                                        continue;
                                ck_assert_double_eq_tol(
                                        stats_beta_lower_tail(x, shapes[i], shapes[j]) / upper, 1,
                                        1e-9);
                        }
                }
        }
}
END_TEST

START_TEST(negating_t_exchanges_the_tails)
{
        double t;

        for (t = 0.001; t < 1e4; t *= 3.3) {
                ck_assert(stats_t_two_sided(t, 29) == stats_t_two_sided(-t, 29));
                ck_assert(stats_t_upper_tail(-t, 29) == 1 - stats_t_upper_tail(t, 29));
                ck_assert(stats_t_quantile_upper(0.975, t) ==
                          -stats_t_quantile_upper(1 - 0.975, t));
        }
        ck_assert(stats_t_upper_tail(0, 5) == 0.5);
        ck_assert(stats_t_quantile_upper(0.5, 5) == 0);
}
END_TEST

START_TEST(the_far_ends_stay_finite)
{
        ck_assert(stats_t_two_sided(1e200, 5) >= 0);
        ck_assert(stats_t_two_sided(1e150, 1) > 0);
        ck_assert(stats_t_two_sided(HUGE_VAL, 5) == 0);
        ck_assert(isfinite(stats_t_quantile_upper(1e-300, 2)));
        ck_assert(stats_beta_lower_tail(0, 2, 3) == 0 && stats_beta_lower_tail(1, 2, 3) == 1);
        ck_assert(stats_gamma_lower_tail(1e300, 2) == 1 && stats_gamma_upper_tail(1e300, 2) == 0);
        ck_assert(stats_t_noncentral_two_sided(2, 29, 1e6) > 1 - 1e-12);
        ck_assert(stats_binomial_lower_tail(30, 30, 0.2) == 1);
}
END_TEST

START_TEST(without_a_shift_the_noncentral_t_is_the_t)
{
        double degrees;

        for (degrees = 1; degrees < 1e6; degrees *= 4) {
                ck_assert_double_eq_tol(stats_t_noncentral_two_sided(2, degrees, 0),
                                        stats_t_two_sided(2, degrees), 1e-12);
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("stats_distribution");
        TCase *tests = tcase_create("all");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tests);
        tcase_add_test(tests, tails_and_quantiles_are_those_of_r);
        tcase_add_test(tests, a_quantile_has_the_tail_it_was_asked_for);
        tcase_add_test(tests, negating_t_exchanges_the_tails);
        tcase_add_test(tests, the_far_ends_stay_finite);
        tcase_add_test(tests, without_a_shift_the_noncentral_t_is_the_t);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
