/* test_stats_sequential.c - the confidence sequence. */
#include "tests/stats_reference.h"

#include <Random123/philox.h>

#include "reports/stats/distribution.h"
#include "reports/stats/power.h"
#include "reports/stats/sequential.h"

static double normal(uint64_t experiment, uint64_t draw)
{
        philox2x64_ctr_t counter = {{experiment, draw}};
        philox2x64_key_t key = {{20240607}};

        return stats_normal_quantile_upper(((double)(philox2x64(counter, key).v[0] >> 11) + 0.5) /
                                           9007199254740992.0);
}

START_TEST(the_sequence_is_that_of_its_definition_in_r)
{
        stats_reference_check("sequential.json");
}
END_TEST

START_TEST(swapping_a_and_b_mirrors_every_sign_exactly)
{
        struct stats_sequence one = {0}, other = {0};
        struct stats_interval limits, mirrored;
        size_t i;

        for (i = 0; i < 200; i++) {
                stats_sequence_add(&one, normal(1, i) + 0.3);
                stats_sequence_add(&other, -(normal(1, i) + 0.3));
                limits = stats_sequence_interval(&one, 0.95);
                mirrored = stats_sequence_interval(&other, 0.95);
                ck_assert(limits.value == -mirrored.value);
                ck_assert(limits.low == -mirrored.high && limits.high == -mirrored.low);
                ck_assert(stats_sequence_p(&one) == stats_sequence_p(&other));
        }
}
END_TEST

START_TEST(evidence_passes_1_over_alpha_just_when_0_leaves_the_limits)
{
        struct stats_sequence sequence;
        struct stats_interval limits;
        double log_evidence;
        size_t experiment, i, outside = 0;

        for (experiment = 0; experiment < 20; experiment++) {
                sequence = (struct stats_sequence){0};
                for (i = 0; i < 300; i++) {
                        stats_sequence_add(&sequence, normal(experiment, i) + 0.25);
                        limits = stats_sequence_interval(&sequence, 0.95);
                        if (!limits.has_low)
                                continue;
                        ck_assert(stats_sequence_log_evidence(&sequence, &log_evidence));
                        ck_assert((log_evidence > log(20)) == (limits.low > 0 || limits.high < 0));
                        outside += log_evidence > log(20);
                }
        }
        ck_assert_uint_gt(outside, 1000);
}
END_TEST

START_TEST(unit_and_scale_do_not_matter)
{
        struct stats_sequence one = {0}, other = {0};
        size_t i;

        for (i = 0; i < 50; i++) {
                stats_sequence_add(&one, normal(3, i));
                stats_sequence_add(&other, 1024 * normal(3, i));
        }
        ck_assert(stats_sequence_interval(&one, 0.95).high * 1024 ==
                  stats_sequence_interval(&other, 0.95).high);
        ck_assert(stats_sequence_p(&one) == stats_sequence_p(&other));
}
END_TEST

START_TEST(none_one_or_equal_differences_have_no_limits)
{
        struct stats_sequence sequence = {0};
        double log_evidence;

        ck_assert(!stats_sequence_interval(&sequence, 0.95).has_value);
        ck_assert(stats_sequence_p(&sequence) == 1);
        stats_sequence_add(&sequence, 0.1);
        ck_assert(stats_sequence_interval(&sequence, 0.95).value == 0.1);
        stats_sequence_add(&sequence, 0.1);
        stats_sequence_add(&sequence, 0.1);
        ck_assert(!stats_sequence_interval(&sequence, 0.95).has_low);
        ck_assert(!stats_sequence_log_evidence(&sequence, &log_evidence));
        ck_assert(stats_sequence_p(&sequence) == 1);
}
END_TEST

START_TEST(all_zero_is_zero_to_zero)
{
        struct stats_sequence sequence = {0};
        struct stats_interval limits;

        stats_sequence_add(&sequence, 0);
        stats_sequence_add(&sequence, 0);
        limits = stats_sequence_interval(&sequence, 0.95);
        ck_assert(limits.has_low && limits.has_high && limits.low == 0 && limits.high == 0);
        ck_assert(stats_sequence_p(&sequence) == 1);
}
END_TEST

START_TEST(looking_often_costs_width_and_that_much)
{
        size_t n, pairs;
        double ratio;

        for (n = 30; n <= 300; n *= 10) {
                ratio = stats_sequence_half_width(n, 1, 0.95) /
                        (stats_t_quantile_upper(0.025, (double)(n - 1)) / sqrt((double)n));
                ck_assert(ratio > 1.4 && ratio < 1.8);
        }
        ck_assert(isinf(stats_sequence_half_width(2, 1, 0.95)));
        ck_assert(stats_sequence_pairs_for_half_width(0.2, 1, 0.95, &pairs));
        ck_assert(stats_sequence_half_width(pairs, 1, 0.95) <= 0.2);
        ck_assert(stats_sequence_half_width(pairs - 1, 1, 0.95) > 0.2);
        ck_assert(!stats_sequence_pairs_for_half_width(1e-9, 1, 0.95, &pairs));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("stats_sequential");
        TCase *tests = tcase_create("all");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tests);
        tcase_add_test(tests, the_sequence_is_that_of_its_definition_in_r);
        tcase_add_test(tests, swapping_a_and_b_mirrors_every_sign_exactly);
        tcase_add_test(tests, evidence_passes_1_over_alpha_just_when_0_leaves_the_limits);
        tcase_add_test(tests, unit_and_scale_do_not_matter);
        tcase_add_test(tests, none_one_or_equal_differences_have_no_limits);
        tcase_add_test(tests, all_zero_is_zero_to_zero);
        tcase_add_test(tests, looking_often_costs_width_and_that_much);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
