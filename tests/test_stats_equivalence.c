/* test_stats_equivalence.c - margins ruled out, or not. */
#include "tests/stats_reference.h"

#include "reports/stats/equivalence.h"

enum { PAIRS = 40 };

static double differences[PAIRS], mirrored[PAIRS];

static void make_pairs(void)
{
        size_t i;

        for (i = 0; i < PAIRS; i++) {
                differences[i] = 5 * sin((double)i * 2.3) + 0.4;
                mirrored[i] = -differences[i];
        }
}

START_TEST(margin_tests_are_those_of_r)
{
        stats_reference_check("equivalence.json");
}
END_TEST

START_TEST(swapping_a_and_b_mirrors_every_sign_exactly)
{
        struct stats_margin_test one, other;

        make_pairs();
        one = stats_noninferiority(differences, PAIRS, 2, STATS_WORSE_IF_POSITIVE, 0.025);
        other = stats_noninferiority(mirrored, PAIRS, 2, STATS_WORSE_IF_NEGATIVE, 0.025);
        ck_assert(one.p == other.p && one.holds == other.holds);
        ck_assert(one.difference.low == -other.difference.high);
        ck_assert(one.difference.high == -other.difference.low);
        one = stats_equivalence(differences, PAIRS, 2, 0.025);
        other = stats_equivalence(mirrored, PAIRS, 2, 0.025);
        ck_assert(one.p == other.p && one.holds == other.holds);
}
END_TEST

START_TEST(it_holds_just_when_the_limits_are_within_the_margin)
{
        struct stats_margin_test test;
        double margin;
        size_t held = 0;

        make_pairs();
        for (margin = 0.05; margin < 4; margin += 0.05) {
                test = stats_noninferiority(differences, PAIRS, margin, STATS_WORSE_IF_POSITIVE,
                                            0.025);
                ck_assert(test.holds == (test.difference.high < margin));
                test = stats_noninferiority(differences, PAIRS, margin, STATS_WORSE_IF_NEGATIVE,
                                            0.025);
                ck_assert(test.holds == (test.difference.low > -margin));
                test = stats_equivalence(differences, PAIRS, margin, 0.025);
                ck_assert(test.holds ==
                          (test.difference.high < margin && test.difference.low > -margin));
                held += test.holds;
        }
        ck_assert_uint_gt(held, 10);
        ck_assert_uint_lt(held, 70);
}
END_TEST

START_TEST(identical_holds_and_what_has_no_spread_does_not)
{
        const double zero[] = {0, 0, 0}, constant[] = {0.5, 0.5, 0.5};
        struct stats_margin_test test = stats_equivalence(zero, 3, 1, 0.025);

        ck_assert(test.holds && !test.has_p);
        test = stats_equivalence(zero, 1, 1, 0.025);
        ck_assert(!test.holds && !test.has_p);
        test = stats_equivalence(constant, 3, 1, 0.025);
        ck_assert(!test.holds && !test.has_p && test.difference.value == 0.5);
        test = stats_noninferiority(NULL, 0, 1, STATS_WORSE_IF_POSITIVE, 0.025);
        ck_assert(!test.holds && !test.has_p && !test.difference.has_value);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("stats_equivalence");
        TCase *tests = tcase_create("all");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tests);
        tcase_add_test(tests, margin_tests_are_those_of_r);
        tcase_add_test(tests, swapping_a_and_b_mirrors_every_sign_exactly);
        tcase_add_test(tests, it_holds_just_when_the_limits_are_within_the_margin);
        tcase_add_test(tests, identical_holds_and_what_has_no_spread_does_not);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
