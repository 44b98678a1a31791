/* test_stats_warmup.c - where the warm-up ends. */
#include "tests/stats_reference.h"

#include "reports/stats/warmup.h"

START_TEST(cuts_are_those_of_the_definition_in_r)
{
        stats_reference_check("warmup.json");
}
END_TEST

START_TEST(equal_values_need_no_cut_and_too_few_have_none)
{
        double values[60] = {0};
        struct stats_warmup warmup = stats_mser5(values, 60);

        ck_assert(warmup.found && warmup.truncate == 0 && warmup.statistic == 0);
        ck_assert(warmup.mean.has_value && warmup.mean.n == 60);
        warmup = stats_mser5(values, 49);
        ck_assert(!warmup.found && !warmup.mean.has_value);
        ck_assert(!stats_mser5(NULL, 0).found);
}
END_TEST

START_TEST(a_run_that_never_settles_has_no_cut)
{
        double values[500];
        size_t i;

        for (i = 0; i < 500; i++)
                values[i] = (double)i;
        ck_assert(!stats_mser5(values, 500).found);
}
END_TEST

START_TEST(a_start_from_empty_is_cut_off)
{
        double values[500];
        struct stats_warmup warmup;
        size_t i;

        for (i = 0; i < 500; i++)
                values[i] = (i < 100 ? (double)i / 10 : 10) + sin((double)i * 2.3);
        warmup = stats_mser5(values, 500);
        ck_assert(warmup.found && warmup.truncate >= 75 && warmup.truncate <= 120);
        ck_assert_double_eq_tol(warmup.mean.value, 10, 0.1);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("stats_warmup");
        TCase *tests = tcase_create("all");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tests);
        tcase_add_test(tests, cuts_are_those_of_the_definition_in_r);
        tcase_add_test(tests, equal_values_need_no_cut_and_too_few_have_none);
        tcase_add_test(tests, a_run_that_never_settles_has_no_cut);
        tcase_add_test(tests, a_start_from_empty_is_cut_off);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
