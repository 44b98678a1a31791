/* test_stats_survival.c - censored times: the curve, its restricted mean and its quantiles. */
#include "tests/stats_reference.h"

#include "reports/stats/survival.h"

static const double times_1_to_4[] = {1, 2, 3, 4};

START_TEST(curves_means_and_quantiles_are_those_of_r)
{
        stats_reference_check("survival.json");
}
END_TEST

START_TEST(without_censoring_the_restricted_mean_is_the_mean)
{
        const double times[] = {4, 1, 7.5, 2, 2};
        const bool ended[] = {true, true, true, true, true};
        struct stats_survival *survival = stats_survival_create(times, ended, 5);
        struct stats_restricted_mean mean = stats_survival_restricted_mean(survival, 100, 0.95);

        ck_assert_double_eq_tol(mean.interval.value, 3.3, 1e-14);
        ck_assert(mean.tau == 100);
        mean = stats_survival_restricted_mean(survival, 2.5, 0.95);
        ck_assert_double_eq_tol(mean.interval.value, (2.5 + 1 + 2.5 + 2 + 2) / 5, 1e-14);
        ck_assert_uint_eq(mean.events, 3);
        stats_survival_destroy(survival);
}
END_TEST

START_TEST(beyond_the_last_censored_time_nothing_is_claimed)
{
        const bool ended[] = {true, true, false, false};
        struct stats_survival *survival = stats_survival_create(times_1_to_4, ended, 4);
        struct stats_restricted_mean mean = stats_survival_restricted_mean(survival, 10, 0.95);
        struct stats_interval at = stats_survival_at(survival, 4.5, 0.95);

        ck_assert(mean.tau == 4);
        ck_assert_double_eq_tol(mean.interval.value, 1 + 0.75 + 1, 1e-14);
        ck_assert(!at.has_value && !at.has_low && !at.has_high);
        at = stats_survival_at(survival, 4, 0.95);
        ck_assert(at.value == 0.5);
        stats_survival_destroy(survival);
}
END_TEST

START_TEST(no_incident_gives_no_value_and_all_censored_no_limits)
{
        const bool none[] = {false, false, false, false};
        struct stats_survival *survival = stats_survival_create(NULL, NULL, 0);
        struct stats_restricted_mean mean = stats_survival_restricted_mean(survival, 10, 0.95);
        struct stats_interval quantile = stats_survival_quantile(survival, 0.5, 0.95);

        ck_assert(!mean.interval.has_value && mean.interval.n == 0 && mean.tau == 0);
        ck_assert(!quantile.has_value);
        ck_assert(!stats_survival_at(survival, 1, 0.95).has_value);
        stats_survival_destroy(survival);
        survival = stats_survival_create(times_1_to_4, none, 4);
        mean = stats_survival_restricted_mean(survival, 3, 0.95);
        ck_assert(mean.interval.has_value && mean.interval.value == 3);
        ck_assert(!mean.interval.has_low && !mean.interval.has_high);
        ck_assert_uint_eq(mean.events, 0);
        stats_survival_destroy(survival);
        stats_survival_destroy(NULL);
}
END_TEST

START_TEST(one_or_equal_times_have_no_limits)
{
        const double equal[] = {5, 5, 5};
        const bool ended[] = {true, true, true};
        struct stats_survival *survival = stats_survival_create(equal, ended, 3);
        struct stats_restricted_mean mean = stats_survival_restricted_mean(survival, 10, 0.95);

        ck_assert(mean.interval.value == 5 && !mean.interval.has_low && !mean.interval.has_high);
        stats_survival_destroy(survival);
        survival = stats_survival_create(equal, ended, 1);
        mean = stats_survival_restricted_mean(survival, 10, 0.95);
        ck_assert(mean.interval.value == 5 && !mean.interval.has_low);
        stats_survival_destroy(survival);
}
END_TEST

START_TEST(a_time_of_zero_counts)
{
        const double times[] = {0, 0, 2, 4};
        const bool ended[] = {true, false, true, true};
        struct stats_survival *survival = stats_survival_create(times, ended, 4);
        struct stats_restricted_mean mean = stats_survival_restricted_mean(survival, 10, 0.95);

        ck_assert_double_eq_tol(mean.interval.value, 0.75 * 3, 1e-14);
        stats_survival_destroy(survival);
}
END_TEST

START_TEST(a_quantile_needs_ten_beyond_it_and_to_be_reached)
{
        double times[40];
        bool ended[40];
        struct stats_survival *survival;
        struct stats_interval median;
        size_t i;

        for (i = 0; i < 40; i++) {
                times[i] = (double)(i + 1);
                ended[i] = i < 19;
        }
        survival = stats_survival_create(times, ended, 19);
        ck_assert(!stats_survival_quantile(survival, 0.5, 0.95).has_value);
        stats_survival_destroy(survival);
        survival = stats_survival_create(times, ended, 40); /* S stays at 21/40 */
        median = stats_survival_quantile(survival, 0.5, 0.95);
        ck_assert(!median.has_value && !median.has_low && !median.has_high);
        ck_assert_uint_eq(median.n, 40);
        stats_survival_destroy(survival);
        ended[19] = ended[20] = true; /* 19/40: reached, its upper limit is not */
        survival = stats_survival_create(times, ended, 40);
        median = stats_survival_quantile(survival, 0.5, 0.95);
        ck_assert(median.has_value && median.has_low && !median.has_high);
        ck_assert(median.high == 0);
        stats_survival_destroy(survival);
}
END_TEST

START_TEST(clusters_of_one_are_a_plain_jackknife_and_one_cluster_has_no_limits)
{
        const double times[] = {4, 1, 7.5, 2, 3};
        const bool ended[] = {true, true, true, true, true};
        const size_t single[] = {9, 4, 100, 7, 5}, same[] = {3, 3, 3, 3, 3};
        struct stats_restricted_mean mean;

        /* Without censoring the jackknife error of a mean is the usual one. */
        ck_assert(stats_restricted_mean_clustered(times, ended, single, 5, 100, 0.95, &mean));
        ck_assert_double_eq_tol(mean.interval.value, 3.5, 1e-14);
        ck_assert_double_eq_tol(mean.standard_error, sqrt(25 / 4.0 / 5), 1e-12);
        ck_assert_uint_eq(mean.interval.n, 5);
        ck_assert(stats_restricted_mean_clustered(times, ended, same, 5, 100, 0.95, &mean));
        ck_assert(mean.interval.has_value && !mean.interval.has_low && mean.interval.n == 1);
        ck_assert(stats_restricted_mean_clustered(NULL, NULL, NULL, 0, 100, 0.95, &mean));
        ck_assert(!mean.interval.has_value && mean.interval.n == 0);
}
END_TEST

START_TEST(dependence_within_runs_widens_the_clustered_limits)
{
        double times[100];
        bool ended[100];
        size_t clusters[100], i;
        struct stats_survival *survival;
        struct stats_restricted_mean naive, clustered;

        for (i = 0; i < 100; i++) { /* ten incidents a run, all as long as each other */
                clusters[i] = i / 10;
                times[i] = 10 + 3 * (double)(clusters[i] * 7 % 10) + 0.01 * (double)(i % 10);
                ended[i] = true;
        }
        survival = stats_survival_create(times, ended, 100);
        naive = stats_survival_restricted_mean(survival, 60, 0.95);
        stats_survival_destroy(survival);
        ck_assert(
                stats_restricted_mean_clustered(times, ended, clusters, 100, 60, 0.95, &clustered));
        ck_assert(clustered.interval.value == naive.interval.value);
        ck_assert(clustered.standard_error > 2.5 * naive.standard_error);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("stats_survival");
        TCase *tests = tcase_create("all");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tests);
        tcase_add_test(tests, curves_means_and_quantiles_are_those_of_r);
        tcase_add_test(tests, without_censoring_the_restricted_mean_is_the_mean);
        tcase_add_test(tests, beyond_the_last_censored_time_nothing_is_claimed);
        tcase_add_test(tests, no_incident_gives_no_value_and_all_censored_no_limits);
        tcase_add_test(tests, one_or_equal_times_have_no_limits);
        tcase_add_test(tests, a_time_of_zero_counts);
        tcase_add_test(tests, a_quantile_needs_ten_beyond_it_and_to_be_reached);
        tcase_add_test(tests, clusters_of_one_are_a_plain_jackknife_and_one_cluster_has_no_limits);
        tcase_add_test(tests, dependence_within_runs_widens_the_clustered_limits);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
