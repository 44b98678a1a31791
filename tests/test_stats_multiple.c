/* test_stats_multiple.c - p-values of many questions. */
#include "tests/stats_reference.h"

#include "reports/stats/multiple.h"

START_TEST(adjusted_p_values_are_those_of_r)
{
        stats_reference_check("multiple.json");
}
END_TEST

START_TEST(adjusting_never_lowers_a_p_value_or_changes_their_order)
{
        const double p[] = {0.2, 0.001, 0.04, 0.04, 0.9, 0.011, 0};
        double holm[7], bh[7];
        size_t i, j;

        ck_assert(stats_holm(p, 7, holm));
        ck_assert(stats_benjamini_hochberg(p, 7, bh));
        for (i = 0; i < 7; i++) {
                ck_assert(holm[i] >= bh[i] && bh[i] >= p[i] && holm[i] <= 1);
                for (j = 0; j < 7; j++) {
                        ck_assert(p[i] > p[j] || holm[i] <= holm[j]);
                        ck_assert(p[i] > p[j] || bh[i] <= bh[j]);
                }
        }
}
END_TEST

START_TEST(a_missing_p_value_is_not_counted)
{
        const double with[] = {NAN, 0.01, NAN, 0.04};
        double adjusted[4];

        ck_assert(stats_holm(with, 4, adjusted));
        ck_assert(isnan(adjusted[0]) && isnan(adjusted[2]));
        ck_assert(adjusted[1] == 0.02 && adjusted[3] == 0.04);
        ck_assert(stats_benjamini_hochberg(with, 0, adjusted));
}
END_TEST

START_TEST(values_may_be_adjusted_in_place)
{
        double p[] = {0.03, 0.01, 0.02}, apart[3];

        ck_assert(stats_holm(p, 3, apart));
        ck_assert(stats_holm(p, 3, p));
        ck_assert_mem_eq(p, apart, sizeof(p));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("stats_multiple");
        TCase *tests = tcase_create("all");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tests);
        tcase_add_test(tests, adjusted_p_values_are_those_of_r);
        tcase_add_test(tests, adjusting_never_lowers_a_p_value_or_changes_their_order);
        tcase_add_test(tests, a_missing_p_value_is_not_counted);
        tcase_add_test(tests, values_may_be_adjusted_in_place);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
