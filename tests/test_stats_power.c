/* test_stats_power.c - power, detectable effect, pairs needed. */
#include "tests/stats_reference.h"

#include "reports/stats/power.h"

START_TEST(power_and_pairs_are_those_of_r)
{
        stats_reference_check("power.json");
}
END_TEST

START_TEST(without_an_effect_power_is_alpha)
{
        size_t n;

        for (n = 2; n < 100000; n *= 3)
                ck_assert_double_eq_tol(stats_paired_power(0, 2, n, 0.05), 0.05, 1e-12);
}
END_TEST

START_TEST(the_detectable_effect_has_just_the_power_asked_for)
{
        size_t n;

        for (n = 2; n < 1000; n *= 2) {
                double effect = stats_detectable_effect(3, n, 0.05, 0.8);

                ck_assert_double_eq_tol(stats_paired_power(effect, 3, n, 0.05), 0.8, 1e-11);
                ck_assert_double_eq_tol(stats_paired_power(-effect, 3, n, 0.05), 0.8, 1e-11);
        }
}
END_TEST

START_TEST(one_pair_fewer_would_not_do)
{
        size_t pairs;

        ck_assert(stats_pairs_for_effect(0.37, 1, 0.05, 0.8, &pairs));
        ck_assert(stats_paired_power(0.37, 1, pairs, 0.05) >= 0.8);
        ck_assert(stats_paired_power(0.37, 1, pairs - 1, 0.05) < 0.8);
}
END_TEST

START_TEST(what_no_number_of_pairs_shows_has_no_answer)
{
        size_t pairs;

        ck_assert(!stats_pairs_for_effect(0, 1, 0.05, 0.8, &pairs));
        ck_assert(!stats_pairs_for_effect(1e-9, 1, 0.05, 0.8, &pairs));
        ck_assert(!stats_pairs_for_half_width(1e-9, 1, 0.95, &pairs));
        ck_assert(isfinite(stats_detectable_effect(1e-320, 30, 0.05, 0.8)));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("stats_power");
        TCase *tests = tcase_create("all");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tests);
        tcase_add_test(tests, power_and_pairs_are_those_of_r);
        tcase_add_test(tests, without_an_effect_power_is_alpha);
        tcase_add_test(tests, the_detectable_effect_has_just_the_power_asked_for);
        tcase_add_test(tests, one_pair_fewer_would_not_do);
        tcase_add_test(tests, what_no_number_of_pairs_shows_has_no_answer);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
