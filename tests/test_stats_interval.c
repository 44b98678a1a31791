/* test_stats_interval.c - means, shares, rates, ratios and quantiles with their intervals. */
#include "tests/stats_reference.h"

#include "reports/stats/interval.h"
#include "reports/stats/sample.h"

static void assert_missing(const struct stats_interval *interval, size_t n)
{
        ck_assert(!interval->has_value && !interval->has_low && !interval->has_high);
        ck_assert(interval->value == 0 && interval->low == 0 && interval->high == 0);
        ck_assert_uint_eq(interval->n, n);
}

static void assert_value_only(const struct stats_interval *interval, double value, size_t n)
{
        ck_assert(interval->has_value && !interval->has_low && !interval->has_high);
        ck_assert(interval->value == value);
        ck_assert_uint_eq(interval->n, n);
}

START_TEST(intervals_are_those_of_r)
{
        stats_reference_check("interval.json");
}
END_TEST

START_TEST(nothing_has_no_mean_and_one_or_equal_values_have_no_limits)
{
        const double constant[] = {0.1, 0.1, 0.1};
        const double nearly[] = {0.3, 0.1 + 0.2, 0.3};
        struct stats_interval mean;

        mean = stats_mean_t(NULL, 0, 0.95);
        assert_missing(&mean, 0);
        mean = stats_mean_t(constant, 1, 0.95);
        assert_value_only(&mean, 0.1, 1);
        mean = stats_mean_t(constant, 3, 0.95);
        assert_value_only(&mean, 0.1, 3);
        mean = stats_mean_t(nearly, 3, 0.95);
        ck_assert(mean.has_value && !mean.has_low && !mean.has_high);
}
END_TEST

START_TEST(what_overflows_is_missing_and_not_infinite)
{
        const double huge[] = {1e308, 1e308, -1e308, 1.5e308};
        const double wide[] = {1e200, -1e200, 3e199};
        const double one = 1, tiny = 1e-320;
        struct stats_interval mean = stats_mean_t(huge, 4, 0.95);
        struct stats_ratio ratio;

        ck_assert(isfinite(mean.value) && isfinite(mean.low) && isfinite(mean.high));
        mean = stats_mean_t(wide, 3, 0.95);
        ck_assert(isfinite(mean.value) && isfinite(mean.low) && isfinite(mean.high));
        ratio = stats_ratio_jackknife(&one, &tiny, 1, STATS_RATIO_RATE, 0.95);
        assert_missing(&ratio.interval, 1);
        mean = stats_poisson_rate(3, 1e-320, 0.95);
        assert_missing(&mean, 3);
}
END_TEST

START_TEST(no_trials_and_no_exposure_have_no_rate)
{
        struct stats_interval share = stats_clopper_pearson(0, 0, 0.95);

        assert_missing(&share, 0);
        share = stats_wilson(0, 0, 0.95);
        assert_missing(&share, 0);
        share = stats_poisson_rate(0, 0, 0.95);
        assert_missing(&share, 0);
}
END_TEST

START_TEST(none_seen_still_allows_what_the_spec_says)
{
        struct stats_interval rate = stats_poisson_rate(0, 1, 0.95);
        struct stats_interval share = stats_clopper_pearson(0, 30, 0.95);

        ck_assert_double_eq_tol(rate.high, 3.689, 0.0005);
        ck_assert_double_eq_tol(share.high, 0.12, 0.005);
        ck_assert(rate.low == 0 && share.low == 0);
}
END_TEST

START_TEST(failures_mirror_successes)
{
        size_t k;

        for (k = 0; k <= 40; k++) {
                struct stats_interval one = stats_clopper_pearson(k, 40, 0.95);
                struct stats_interval other = stats_clopper_pearson(40 - k, 40, 0.95);

                ck_assert_double_eq_tol(one.low, 1 - other.high, 1e-13);
                one = stats_wilson(k, 40, 0.95);
                other = stats_wilson(40 - k, 40, 0.95);
                ck_assert_double_eq_tol(one.low, 1 - other.high, 1e-13);
                ck_assert(one.low <= one.value && one.value <= one.high);
        }
}
END_TEST

START_TEST(a_ratio_without_spread_falls_back_to_what_its_kind_allows)
{
        const double halves[] = {1, 1, 1}, twos[] = {2, 2, 2};
        struct stats_ratio ratio;

        ratio = stats_ratio_jackknife(halves, twos, 3, STATS_RATIO_PLAIN, 0.95);
        assert_value_only(&ratio.interval, 0.5, 3);
        ck_assert_int_eq(ratio.method, STATS_RATIO_BY_NOTHING);
        ratio = stats_ratio_jackknife(halves, twos, 3, STATS_RATIO_SHARE, 0.95);
        assert_value_only(&ratio.interval, 0.5, 3);
        ratio = stats_ratio_jackknife(halves, twos, 3, STATS_RATIO_PROPORTION, 0.95);
        ck_assert_int_eq(ratio.method, STATS_RATIO_BY_CLOPPER_PEARSON);
        ck_assert(ratio.interval.has_low && ratio.interval.low > 0.1);
        ck_assert(ratio.interval.high < 0.9);
        ratio = stats_ratio_jackknife(halves, twos, 1, STATS_RATIO_RATE, 0.95);
        ck_assert_int_eq(ratio.method, STATS_RATIO_BY_POISSON);
        ck_assert_uint_eq(ratio.interval.n, 1);
}
END_TEST

START_TEST(a_ratio_of_nothing_is_missing_and_totals_stay)
{
        const double zero[] = {0, 0}, some[] = {3, 4};
        struct stats_ratio ratio = stats_ratio_jackknife(zero, zero, 2, STATS_RATIO_RATE, 0.95);

        assert_missing(&ratio.interval, 0);
        ratio = stats_ratio_jackknife(some, zero, 2, STATS_RATIO_PLAIN, 0.95);
        assert_missing(&ratio.interval, 2);
        ck_assert(ratio.numerator == 7 && ratio.denominator == 0);
}
END_TEST

START_TEST(limits_of_a_proportion_stay_between_0_and_1)
{
        const double lost[] = {0, 0, 9}, all[] = {10, 10, 10};
        struct stats_ratio ratio =
                stats_ratio_jackknife(lost, all, 3, STATS_RATIO_PROPORTION, 0.95);

        ck_assert_int_eq(ratio.method, STATS_RATIO_BY_JACKKNIFE);
        ck_assert(ratio.interval.low == 0 && ratio.interval.high <= 1);
        ratio = stats_ratio_jackknife(lost, all, 3, STATS_RATIO_PLAIN, 0.95);
        ck_assert(ratio.interval.low < 0);
}
END_TEST

START_TEST(a_replication_without_data_is_not_counted)
{
        const double over[] = {1, 0, 3, 2}, under[] = {5, 0, 6, 9};
        const double over_less[] = {1, 3, 2}, under_less[] = {5, 6, 9};
        struct stats_ratio one = stats_ratio_jackknife(over, under, 4, STATS_RATIO_PLAIN, 0.95);
        struct stats_ratio other =
                stats_ratio_jackknife(over_less, under_less, 3, STATS_RATIO_PLAIN, 0.95);

        ck_assert_uint_eq(one.interval.n, 3);
        ck_assert(one.interval.low == other.interval.low);
        ck_assert(one.interval.high == other.interval.high);
}
END_TEST

START_TEST(a_quantile_is_shown_from_ten_values_beyond_it_on)
{
        double values[1000];
        struct stats_interval quantile;
        size_t i;

        ck_assert_uint_eq(stats_quantile_n_min(0.5), 20);
        ck_assert_uint_eq(stats_quantile_n_min(0.9), 100);
        ck_assert_uint_eq(stats_quantile_n_min(0.95), 200);
        ck_assert_uint_eq(stats_quantile_n_min(0.99), 1000);
        ck_assert_uint_eq(stats_quantile_n_min(0.999), 10000);
        for (i = 0; i < 1000; i++)
                values[i] = (double)(i * 7 % 1000);
        ck_assert(stats_sample_quantile(values, 999, 0.99, 0.95, &quantile));
        assert_missing(&quantile, 999);
        ck_assert(stats_sample_quantile(values, 1000, 0.99, 0.95, &quantile));
        ck_assert(quantile.has_low && quantile.has_high);
        ck_assert(quantile.low < quantile.value && quantile.value < quantile.high);
}
END_TEST

START_TEST(negated_values_negate_the_mean_and_swap_its_limits_exactly)
{
        double values[37], negated[37];
        struct stats_interval one, other;
        size_t i;

        for (i = 0; i < 37; i++) {
                values[i] = sin((double)i * 1.7) * 1e3 + 0.1;
                negated[i] = -values[i];
        }
        one = stats_mean_t(values, 37, 0.95);
        other = stats_mean_t(negated, 37, 0.95);
        ck_assert(one.value == -other.value && one.low == -other.high && one.high == -other.low);
}
END_TEST

START_TEST(a_sum_keeps_what_a_large_value_would_swallow)
{
        const double values[] = {1e16, 1, 1, 1, -1e16};

        ck_assert(stats_sum(values, 5) == 3);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("stats_interval");
        TCase *tests = tcase_create("all");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tests);
        tcase_add_test(tests, intervals_are_those_of_r);
        tcase_add_test(tests, nothing_has_no_mean_and_one_or_equal_values_have_no_limits);
        tcase_add_test(tests, what_overflows_is_missing_and_not_infinite);
        tcase_add_test(tests, no_trials_and_no_exposure_have_no_rate);
        tcase_add_test(tests, none_seen_still_allows_what_the_spec_says);
        tcase_add_test(tests, failures_mirror_successes);
        tcase_add_test(tests, a_ratio_without_spread_falls_back_to_what_its_kind_allows);
        tcase_add_test(tests, a_ratio_of_nothing_is_missing_and_totals_stay);
        tcase_add_test(tests, limits_of_a_proportion_stay_between_0_and_1);
        tcase_add_test(tests, a_replication_without_data_is_not_counted);
        tcase_add_test(tests, a_quantile_is_shown_from_ten_values_beyond_it_on);
        tcase_add_test(tests, negated_values_negate_the_mean_and_swap_its_limits_exactly);
        tcase_add_test(tests, a_sum_keeps_what_a_large_value_would_swallow);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
