/* test_stats_paired.c - paired t, signs, McNemar: values, missing ones, and the A-B mirror. */
#include "tests/stats_reference.h"

#include "reports/stats/paired.h"
#include "reports/stats/sample.h"

enum { PAIRS = 47 };

static double differences[PAIRS], mirrored[PAIRS];

static void make_pairs(void)
{
        size_t i;

        for (i = 0; i < PAIRS; i++) {
                differences[i] = i % 9 == 0 ? 0 : 13 * sin((double)i * 2.3) + 0.1 * (double)i;
                mirrored[i] = -differences[i];
        }
}

static void assert_mirrored(const struct stats_interval *one, const struct stats_interval *other)
{
        ck_assert(one->value == -other->value);
        ck_assert(one->low == -other->high && one->high == -other->low);
        ck_assert(one->has_value && one->has_low && one->has_high);
        ck_assert(other->has_low && other->has_high);
}

START_TEST(tests_of_pairs_are_those_of_r)
{
        stats_reference_check("paired.json");
}
END_TEST

START_TEST(swapping_a_and_b_mirrors_every_sign_exactly)
{
        struct stats_paired_t one, other;
        struct stats_sign_test signs, mirrored_signs;
        struct stats_mcnemar events, mirrored_events;
        size_t a, b;

        make_pairs();
        one = stats_paired_t(differences, PAIRS, 0.95);
        other = stats_paired_t(mirrored, PAIRS, 0.95);
        assert_mirrored(&one.difference, &other.difference);
        ck_assert(one.t == -other.t && one.p == other.p && one.has_test);
        ck_assert(stats_sign_test(differences, PAIRS, 0.95, &signs));
        ck_assert(stats_sign_test(mirrored, PAIRS, 0.95, &mirrored_signs));
        assert_mirrored(&signs.nonzero_mean, &mirrored_signs.nonzero_mean);
        ck_assert(signs.plus == mirrored_signs.minus && signs.minus == mirrored_signs.plus);
        ck_assert(signs.p == mirrored_signs.p);
        ck_assert(signs.nonzero_median.value == -mirrored_signs.nonzero_median.value);
        for (a = 0; a <= 12; a++) {
                for (b = 0; a + b <= 12; b++) {
                        events = stats_mcnemar(a, b, 12, 0.95);
                        mirrored_events = stats_mcnemar(b, a, 12, 0.95);
                        assert_mirrored(&events.difference, &mirrored_events.difference);
                        ck_assert(events.p == mirrored_events.p);
                }
        }
}
END_TEST

START_TEST(identical_data_is_zero_throughout)
{
        const double zero[] = {0, 0, 0, 0};
        struct stats_paired_t paired = stats_paired_t(zero, 4, 0.95);
        struct stats_sign_test signs;
        struct stats_interval ratio;

        ck_assert(paired.identical && paired.has_test && paired.t == 0 && paired.p == 1);
        ck_assert(paired.difference.has_low && paired.difference.low == 0);
        ck_assert(paired.difference.has_high && paired.difference.high == 0);
        ck_assert(stats_sign_test(zero, 4, 0.95, &signs));
        ck_assert(signs.zero == 4 && signs.p == 1 && !signs.nonzero_mean.has_value);
        ck_assert(stats_variance_ratio(zero, zero, 4, &ratio));
        ck_assert(!ratio.has_value);
}
END_TEST

START_TEST(none_one_or_constant_differences_have_no_test)
{
        const double constant[] = {2.5, 2.5, 2.5};
        struct stats_paired_t paired = stats_paired_t(NULL, 0, 0.95);
        struct stats_sign_test signs;

        ck_assert(!paired.difference.has_value && !paired.has_test && !paired.identical);
        paired = stats_paired_t(constant, 1, 0.95);
        ck_assert(paired.difference.value == 2.5 && !paired.difference.has_low);
        ck_assert(!paired.has_test && paired.p == 0 && !paired.identical);
        paired = stats_paired_t(constant, 3, 0.95);
        ck_assert(paired.difference.value == 2.5 && !paired.difference.has_low);
        ck_assert(!paired.has_test && !paired.identical);
        ck_assert(stats_sign_test(NULL, 0, 0.95, &signs));
        ck_assert(!signs.has_p);
        ck_assert(!stats_mcnemar(0, 0, 0, 0.95).has_p);
}
END_TEST

START_TEST(no_collapse_of_30_does_not_prove_that_collapses_are_as_rare)
{
        struct stats_mcnemar events = stats_mcnemar(0, 0, 30, 0.95);

        ck_assert(events.p == 1 && events.difference.value == 0);
        ck_assert(events.difference.high > 0.1 && events.difference.low < -0.1);
        ck_assert(stats_mcnemar(0, 0, 300, 0.95).difference.high < 0.05);
        ck_assert(stats_mcnemar(12, 0, 12, 0.95).difference.high == 1);
}
END_TEST

START_TEST(common_random_numbers_show_as_a_variance_ratio)
{
        const double a[] = {10, 20, 30, 40}, close[] = {11, 19, 31, 41};
        struct stats_interval ratio;

        ck_assert(stats_variance_ratio(a, close, 4, &ratio));
        ck_assert(ratio.has_value && ratio.value > 100);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("stats_paired");
        TCase *tests = tcase_create("all");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tests);
        tcase_add_test(tests, tests_of_pairs_are_those_of_r);
        tcase_add_test(tests, swapping_a_and_b_mirrors_every_sign_exactly);
        tcase_add_test(tests, identical_data_is_zero_throughout);
        tcase_add_test(tests, none_one_or_constant_differences_have_no_test);
        tcase_add_test(tests, no_collapse_of_30_does_not_prove_that_collapses_are_as_rare);
        tcase_add_test(tests, common_random_numbers_show_as_a_variance_ratio);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
