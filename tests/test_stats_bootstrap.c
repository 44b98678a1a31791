/* test_stats_bootstrap.c - BCa limits. */
#include "tests/stats_reference.h"

#include "reports/stats/bootstrap.h"

enum { N = 60 };

static double values[N], negated[N];

static void make_skewed(void)
{
        size_t i;

        for (i = 0; i < N; i++) {
                values[i] = exp(2 * sin((double)i * 2.3)) - 1;
                negated[i] = -values[i];
        }
}

START_TEST(limits_from_given_replicates_are_those_of_r)
{
        stats_reference_check("bootstrap.json");
}
END_TEST

START_TEST(swapping_a_and_b_mirrors_every_sign_exactly)
{
        struct stats_interval one, other;

        make_skewed();
        ck_assert(stats_bca_mean(values, N, 0.95, 9999, 7, &one));
        ck_assert(stats_bca_mean(negated, N, 0.95, 9999, 7, &other));
        ck_assert(one.has_low && one.has_high);
        ck_assert(one.value == -other.value);
        ck_assert(one.low == -other.high && one.high == -other.low);
}
END_TEST

START_TEST(the_same_seed_gives_the_same_limits_and_another_nearly)
{
        struct stats_interval one, again, other;

        make_skewed();
        ck_assert(stats_bca_mean(values, N, 0.95, 9999, 7, &one));
        ck_assert(stats_bca_mean(values, N, 0.95, 9999, 7, &again));
        ck_assert(stats_bca_mean(values, N, 0.95, 9999, 8, &other));
        ck_assert(one.low == again.low && one.high == again.high);
        ck_assert(one.low != other.low);
        ck_assert_double_eq_tol(one.low, other.low, 0.1 * (one.high - one.low));
        ck_assert_double_eq_tol(one.high, other.high, 0.1 * (one.high - one.low));
}
END_TEST

START_TEST(limits_lean_the_way_the_data_do)
{
        struct stats_interval bca, t;

        make_skewed();
        ck_assert(stats_bca_mean(values, N, 0.95, 9999, 7, &bca));
        t = stats_mean_t(values, N, 0.95);
        ck_assert(bca.low > t.low && bca.high > t.value);
        ck_assert(bca.high - bca.value > bca.value - bca.low);
        ck_assert_double_eq_tol((bca.high - bca.low) / (t.high - t.low), 1, 0.15);
}
END_TEST

START_TEST(too_few_or_constant_values_have_no_limits)
{
        const double zero[N] = {0};
        double constant[N];
        struct stats_interval mean;
        size_t i;

        make_skewed();
        for (i = 0; i < N; i++)
                constant[i] = 3.5;
        ck_assert(stats_bca_mean(NULL, 0, 0.95, 999, 1, &mean));
        ck_assert(!mean.has_value);
        ck_assert(stats_bca_mean(values, STATS_BCA_N_MIN - 1, 0.95, 999, 1, &mean));
        ck_assert(mean.has_value && !mean.has_low && !mean.has_high);
        ck_assert(stats_bca_mean(values, STATS_BCA_N_MIN, 0.95, 999, 1, &mean));
        ck_assert(mean.has_low && mean.has_high);
        ck_assert(stats_bca_mean(constant, N, 0.95, 999, 1, &mean));
        ck_assert(mean.value == 3.5 && !mean.has_low && !mean.has_high);
        ck_assert(stats_bca_mean(zero, N, 0.95, 999, 1, &mean));
        ck_assert(mean.has_low && mean.low == 0 && mean.has_high && mean.high == 0);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("stats_bootstrap");
        TCase *tests = tcase_create("all");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tests);
        tcase_add_test(tests, limits_from_given_replicates_are_those_of_r);
        tcase_add_test(tests, swapping_a_and_b_mirrors_every_sign_exactly);
        tcase_add_test(tests, the_same_seed_gives_the_same_limits_and_another_nearly);
        tcase_add_test(tests, limits_lean_the_way_the_data_do);
        tcase_add_test(tests, too_few_or_constant_values_have_no_limits);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
