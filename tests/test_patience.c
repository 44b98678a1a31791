/* Tests of harness/base/patience.h: a limit comes when it has been waited for, whatever the clock does. */
#include <check.h>
#include <stdlib.h>

#include "harness/base/patience.h"

#define MS INT64_C(1000000)
#define S INT64_C(1000000000)
#define YEAR (365 * 24 * 3600 * S)

START_TEST(with_a_good_clock_it_is_what_the_clock_says)
{
        struct patience patience = patience_begin(5 * S);

        ck_assert_int_eq(patience_spent_ns(&patience, 5 * S + 300 * MS, 300 * MS), 300 * MS);
        ck_assert_int_eq(patience_spent_ns(&patience, 6 * S, 500 * MS), S); /* slept longer than asked */
        ck_assert_int_eq(patience_spent_ns(&patience, 6 * S, 0), S);
}
END_TEST

START_TEST(a_clock_that_stands_still_does_not_hold_it_up)
{
        struct patience patience = patience_begin(7);

        for (int i = 1; i <= 50; i++)
                ck_assert_int_eq(patience_spent_ns(&patience, 7, 100 * MS), i * 100 * MS);
}
END_TEST

START_TEST(a_clock_that_goes_back_costs_nothing)
{
        struct patience patience = patience_begin(YEAR);

        ck_assert_int_eq(patience_spent_ns(&patience, 0, 100 * MS), 100 * MS);
        ck_assert_int_eq(patience_spent_ns(&patience, 200 * MS, 100 * MS), 300 * MS);
        ck_assert_int_eq(patience_spent_ns(&patience, -YEAR, 0), 300 * MS);
}
END_TEST

START_TEST(a_leap_counts_as_a_second)
{
        struct patience patience = patience_begin(0);

        ck_assert_int_eq(patience_spent_ns(&patience, YEAR, 100 * MS), S + 100 * MS);
        ck_assert_int_eq(patience_spent_ns(&patience, INT64_MAX, 0), 2 * S + 100 * MS);
        ck_assert_int_eq(patience_spent_ns(&patience, INT64_MIN, 0), 2 * S + 100 * MS);
        ck_assert_int_eq(patience_spent_ns(&patience, INT64_MAX, 0), 3 * S + 100 * MS);
}
END_TEST

START_TEST(who_works_long_between_two_looks_may_say_so)
{
        struct patience patience = patience_begin(0);

        ck_assert_int_eq(patience_spent_within_ns(&patience, 50 * S, 0, 60 * S), 50 * S);
        ck_assert_int_eq(patience_spent_within_ns(&patience, YEAR, 0, 60 * S), 110 * S);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("patience");
        TCase *tests = tcase_create("clocks");
        SRunner *runner;
        int failed;

        tcase_add_test(tests, with_a_good_clock_it_is_what_the_clock_says);
        tcase_add_test(tests, a_clock_that_stands_still_does_not_hold_it_up);
        tcase_add_test(tests, a_clock_that_goes_back_costs_nothing);
        tcase_add_test(tests, a_leap_counts_as_a_second);
        tcase_add_test(tests, who_works_long_between_two_looks_may_say_so);
        suite_add_tcase(suite, tests);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
