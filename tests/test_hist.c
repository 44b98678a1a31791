/* test_hist.c - the log-linear histogram against exact quantiles. */
#include "harness/base/hist.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/rng.h"

enum { DURATIONS = 20001 };

static struct hist hist;
static int64_t duration_ns[DURATIONS];

static int compare_durations(const void *a, const void *b)
{
        int64_t x = *(const int64_t *)a;
        int64_t y = *(const int64_t *)b;

        return (x > y) - (x < y);
}

/* From 1024 ns up to 2^octave_max, log-uniform, sorted. */
static void fill(uint64_t stream, int octave_max)
{
        hist_reset(&hist);
        for (uint32_t i = 0; i < DURATIONS; i++) {
                double u = rng_u01(rng_draw(1, stream, RNG_DATA, i).word[0]);

                duration_ns[i] = (int64_t)exp2(10 + (octave_max - 10) * u);
                hist_add(&hist, duration_ns[i]);
        }
        qsort(duration_ns, DURATIONS, sizeof(duration_ns[0]), compare_durations);
}

START_TEST(a_quantile_is_off_by_at_most_a_64th)
{
        static const double q[] = {1e-9, 0.001, 0.01, 0.1, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1};

        for (int octave_max = 12; octave_max <= 46; octave_max++) {
                fill((uint64_t)octave_max, octave_max);
                for (size_t i = 0; i < sizeof(q) / sizeof(q[0]); i++) {
                        size_t rank = (size_t)fmax(1, ceil(q[i] * DURATIONS));
                        double exact_ns = (double)duration_ns[rank - 1];

                        ck_assert_double_le(fabs(hist_quantile_ns(&hist, q[i]) - exact_ns),
                                            exact_ns / 64);
                }
        }
}
END_TEST

START_TEST(the_rank_of_a_quantile_is_not_pushed_up_by_rounding)
{
        hist_reset(&hist);
        for (int64_t i = 1; i <= 100; i++)
                hist_add(&hist, 1024 * i * i);
        for (int percent = 1; percent <= 100; percent++) {
                uint32_t bucket = hist_index((int64_t)1024 * percent * percent);
                double ns = hist_quantile_ns(&hist, percent / 100.0);

                ck_assert_double_gt(ns, hist_bucket_low_ns(bucket));
                ck_assert_double_lt(ns, hist_bucket_low_ns(bucket + 1));
        }
}
END_TEST

START_TEST(buckets_lie_end_to_end)
{
        for (uint32_t i = 0; i + 1 < HIST_BUCKET_COUNT; i++) {
                int64_t low_ns = (int64_t)hist_bucket_low_ns(i);
                int64_t next_ns = (int64_t)hist_bucket_low_ns(i + 1);

                ck_assert_uint_eq(hist_index(low_ns), i);
                ck_assert_uint_eq(hist_index(next_ns - 1), i);
                ck_assert_uint_eq(hist_index(next_ns), i + 1);
                ck_assert_double_le((double)(next_ns - low_ns), (double)low_ns / 32);
        }
}
END_TEST

START_TEST(durations_out_of_range_go_to_the_end_buckets)
{
        ck_assert_uint_eq(hist_index(INT64_MIN), 0);
        ck_assert_uint_eq(hist_index(-1), 0);
        ck_assert_uint_eq(hist_index(0), 0);
        ck_assert_uint_eq(hist_index(1023), 0);
        ck_assert_uint_eq(hist_index((int64_t)1 << 46), HIST_BUCKET_COUNT - 1);
        ck_assert_uint_eq(hist_index(INT64_MAX), HIST_BUCKET_COUNT - 1);
        ck_assert_uint_lt(hist_index((int64_t)1 << 45), HIST_BUCKET_COUNT - 1);
}
END_TEST

START_TEST(the_mean_is_of_the_exact_durations)
{
        double sum_ns = 0;

        fill(1, 30);
        for (int i = 0; i < DURATIONS; i++)
                sum_ns += (double)duration_ns[i];
        ck_assert_double_lt(fabs(hist_mean_ns(&hist) / (sum_ns / DURATIONS) - 1), 1e-12);
}
END_TEST

START_TEST(merging_in_any_order_is_exact)
{
        static struct hist part[3], forwards, backwards;

        fill(2, 46);
        for (int i = 0; i < DURATIONS; i++)
                hist_add(&part[i * i % 3 + i % 2], duration_ns[i]);
        for (int i = 0; i < 3; i++) {
                hist_merge(&forwards, &part[i]);
                hist_merge(&backwards, &part[2 - i]);
        }
        ck_assert_mem_eq(&forwards, &hist, sizeof(hist));
        ck_assert_mem_eq(&backwards, &hist, sizeof(hist));
}
END_TEST

START_TEST(a_full_bucket_stays_full)
{
        static struct hist more;

        hist_reset(&hist);
        hist_add(&hist, 5000);
        more.bucket[hist_index(5000)] = UINT32_MAX;
        more.count = UINT32_MAX;
        hist_merge(&hist, &more);
        ck_assert_uint_eq(hist.bucket[hist_index(5000)], UINT32_MAX);
        ck_assert_uint_eq(hist.count, (uint64_t)UINT32_MAX + 1);
        ck_assert_uint_eq(hist_index((int64_t)hist_quantile_ns(&hist, 0.5)), hist_index(5000));
}
END_TEST

START_TEST(an_empty_histogram_has_no_quantile_and_no_mean)
{
        hist_add(&hist, 5000);
        hist_reset(&hist);
        ck_assert(isnan(hist_quantile_ns(&hist, 0.5)));
        ck_assert(isnan(hist_mean_ns(&hist)));
        ck_assert_uint_eq(hist.count, 0);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("hist");
        TCase *tests = tcase_create("hist");
        SRunner *runner;
        int failed;

        tcase_add_test(tests, a_quantile_is_off_by_at_most_a_64th);
        tcase_add_test(tests, the_rank_of_a_quantile_is_not_pushed_up_by_rounding);
        tcase_add_test(tests, buckets_lie_end_to_end);
        tcase_add_test(tests, durations_out_of_range_go_to_the_end_buckets);
        tcase_add_test(tests, the_mean_is_of_the_exact_durations);
        tcase_add_test(tests, merging_in_any_order_is_exact);
        tcase_add_test(tests, a_full_bucket_stays_full);
        tcase_add_test(tests, an_empty_histogram_has_no_quantile_and_no_mean);
        suite_add_tcase(suite, tests);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
