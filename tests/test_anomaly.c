/* test_anomaly.c - the streaming anomaly detector keeps what its header says. */
#include "healer/anomaly.h"

#include <check.h>

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/effort.h"

#define SECOND INT64_C(1000000000)

enum { NOISES = EFFORT(30, 5), STEPS = EFFORT(200, 40) };
#define MINUTE (60 * SECOND)
#define DAY (1440 * MINUTE)
#define EPOCH (INT64_C(1400000000) * SECOND)

/* ---- a small deterministic source of noise ---- */

struct noise {
        uint64_t state;
};

static double noise_unit(struct noise *noise)
{
        uint64_t x = noise->state += UINT64_C(0x9e3779b97f4a7c15);

        x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
        x ^= x >> 31;
        return ((double)(x >> 11) + 0.5) * 0x1p-53;
}

static double noise_normal(struct noise *noise)
{
        double u = noise_unit(noise), v = noise_unit(noise);

        return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

static struct healer_anomaly *make(void)
{
        struct healer_anomaly_config config = healer_anomaly_config_defaults();
        struct healer_anomaly *anomaly;

        ck_assert_int_eq(healer_anomaly_create(&config, &anomaly), HEALER_OK);
        return anomaly;
}

static struct healer_anomaly_result feed(struct healer_anomaly *anomaly, int64_t at_ns,
                                         double value)
{
        struct healer_anomaly_result result;

        ck_assert_int_eq(healer_anomaly_update(anomaly, at_ns, value, &result), HEALER_OK);
        ck_assert(result.score >= 0 && result.score <= 1);
        ck_assert(isfinite(result.surprise));
        ck_assert(result.alarm == (result.score >= HEALER_ANOMALY_ALARM_SCORE));
        return result;
}

static int alarms_on_noise(uint64_t seed, int rows, int64_t step_ns, bool irregular)
{
        struct healer_anomaly *anomaly = make();
        struct noise noise = {seed};
        int64_t at_ns = EPOCH;
        int alarms = 0;

        for (int i = 0; i < rows; i++) {
                alarms += feed(anomaly, at_ns, 100 + 10 * noise_normal(&noise)).alarm;
                at_ns += irregular ? (int64_t)((double)step_ns * 2 * noise_unit(&noise)) : step_ns;
        }
        healer_anomaly_destroy(anomaly);
        return alarms;
}

/* ---- life cycle ---- */

START_TEST(the_defaults_are_sound)
{
        struct healer_anomaly_config config = healer_anomaly_config_defaults();

        ck_assert_ptr_null(healer_anomaly_config_check(&config));
        ck_assert_uint_eq(config.size, sizeof(config));
}
END_TEST

static void refuse(struct healer_anomaly_config config, const char *field)
{
        struct healer_anomaly *anomaly = (struct healer_anomaly *)&config;
        const char *words = healer_anomaly_config_check(&config);

        ck_assert_ptr_nonnull(words);
        ck_assert_msg(strncmp(words, field, strlen(field)) == 0, "%s", words);
        ck_assert_int_eq(healer_anomaly_create(&config, &anomaly), HEALER_E_RANGE);
        ck_assert_ptr_null(anomaly);
}

START_TEST(a_field_out_of_range_is_refused_by_name)
{
        const struct healer_anomaly_config sane = healer_anomaly_config_defaults();
        struct healer_anomaly_config config;

        config = sane, config.enabled = 2, refuse(config, "enabled:");
        config = sane, config.sensitivity = 0, refuse(config, "sensitivity:");
        config = sane, config.sensitivity = 10.1, refuse(config, "sensitivity:");
        config = sane, config.sensitivity = (double)NAN, refuse(config, "sensitivity:");
        config = sane, config.season_ns = -1, refuse(config, "season_ns:");
        config = sane, config.season_ns = 287, refuse(config, "season_ns:");
        config = sane, config.season_ns = INT64_MAX / 7 + 1, refuse(config, "season_ns:");
        config = sane, config.silence_rows = 1000001, refuse(config, "silence_rows:");
}
END_TEST

START_TEST(a_config_of_another_size_is_refused)
{
        struct healer_anomaly_config config = healer_anomaly_config_defaults();
        struct healer_anomaly *anomaly;

        config.size--;
        ck_assert_int_eq(healer_anomaly_create(&config, &anomaly), HEALER_E_SIZE);
        ck_assert_ptr_null(anomaly);
}
END_TEST

struct counted {
        int allocated, released;
        bool refuse;
};

static void *counted_alloc(void *ctx, size_t size)
{
        struct counted *counted = ctx;

        if (counted->refuse)
                return NULL;
        counted->allocated++;
        return malloc(size);
}

static void counted_release(void *ctx, void *memory)
{
        ((struct counted *)ctx)->released++;
        free(memory);
}

START_TEST(memory_is_taken_once_at_create_and_given_back)
{
        struct counted counted = {0};
        struct healer_allocator allocator = {counted_alloc, counted_release, &counted};
        struct healer_anomaly_config config = healer_anomaly_config_defaults();
        struct healer_anomaly *anomaly;
        struct noise noise = {7};

        config.allocator = &allocator;
        ck_assert_int_eq(healer_anomaly_create(&config, &anomaly), HEALER_OK);
        for (int i = 0; i < 20000; i++)
                feed(anomaly, EPOCH + i * MINUTE, noise_normal(&noise));
        ck_assert_int_eq(counted.allocated, 1);
        healer_anomaly_destroy(anomaly);
        ck_assert_int_eq(counted.released, 1);
        ck_assert_uint_le(healer_anomaly_bytes(), 20 * 1024);

        counted.refuse = true;
        ck_assert_int_eq(healer_anomaly_create(&config, &anomaly), HEALER_E_NOMEM);
        ck_assert_ptr_null(anomaly);
        healer_anomaly_destroy(NULL);
}
END_TEST

/* ---- what it sees ---- */

START_TEST(a_step_of_four_sigma_is_caught_within_three_rows)
{
        int caught = 0;

        for (uint64_t seed = 1; seed <= STEPS; seed++) {
                struct healer_anomaly *anomaly = make();
                struct noise noise = {seed * 7919};
                bool alarm = false;

                for (int i = 0; i < 2003; i++) {
                        double step = i >= 2000 ? 4 : 0;
                        bool now = feed(anomaly, EPOCH + i * 5 * MINUTE,
                                        100 + 10 * (step + noise_normal(&noise)))
                                           .alarm;

                        alarm = alarm || (i >= 2000 && now);
                }
                caught += alarm;
                healer_anomaly_destroy(anomaly);
        }
        ck_assert_msg(caught * 100 >= 95 * STEPS, "caught %d of %d", caught, STEPS);
}
END_TEST

/* At most one false alarm in 10 000 rows on average, at any sampling. */
START_TEST(stationary_noise_is_nearly_silent_at_any_sampling_interval)
{
        static const int64_t steps_ns[] = {SECOND, 60 * SECOND, 300 * SECOND, 3600 * SECOND};

        for (size_t k = 0; k < sizeof(steps_ns) / sizeof(steps_ns[0]); k++) {
                int alarms = 0;

                for (uint64_t seed = 1; seed <= NOISES; seed++)
                        alarms += alarms_on_noise(seed * 104729, 10000, steps_ns[k], false);
                ck_assert_msg(alarms <= NOISES, "%d alarms in %d times 10 000 rows, every %lld s",
                              alarms, NOISES, (long long)(steps_ns[k] / SECOND));
        }
}
END_TEST

START_TEST(irregular_sampling_does_not_raise_alarms)
{
        int alarms = 0;

        for (uint64_t seed = 1; seed <= NOISES; seed++)
                alarms += alarms_on_noise(seed * 15485863, 10000, 300 * SECOND, true);
        ck_assert_msg(alarms <= NOISES, "%d alarms in %d times 10 000 rows", alarms, NOISES);
}
END_TEST

START_TEST(switched_off_it_is_silent)
{
        struct healer_anomaly_config config = healer_anomaly_config_defaults();
        struct healer_anomaly *anomaly;

        config.enabled = 0;
        ck_assert_int_eq(healer_anomaly_create(&config, &anomaly), HEALER_OK);
        for (int i = 0; i < 1000; i++)
                ck_assert(feed(anomaly, EPOCH + i * MINUTE, i == 900 ? 1e9 : i % 3).score == 0);
        healer_anomaly_destroy(anomaly);
}
END_TEST

START_TEST(one_alarm_then_silence_for_as_many_rows_as_configured)
{
        struct healer_anomaly_config config = healer_anomaly_config_defaults();
        struct healer_anomaly *anomaly;
        struct noise noise = {11};
        int first = -1, second = -1, silenced = 0;

        config.silence_rows = 40;
        ck_assert_int_eq(healer_anomaly_create(&config, &anomaly), HEALER_OK);
        for (int i = 0; i < 1300; i++) {
                double outlier = i >= 1000 ? 1000.0 * (i - 990) : 0;
                struct healer_anomaly_result result =
                        feed(anomaly, EPOCH + i * MINUTE, outlier + noise_normal(&noise));

                if (i >= 1000 && result.alarm && first < 0)
                        first = i;
                else if (i >= 1000 && result.alarm && second < 0)
                        second = i;
                silenced += i >= 1000 && i < 1041 && result.silenced;
        }
        ck_assert_int_eq(first, 1000);
        ck_assert_int_ge(second < 0 ? 1041 : second, 1041);
        ck_assert_int_gt(silenced, 0);
        healer_anomaly_destroy(anomaly);
}
END_TEST

START_TEST(a_constant_series_is_silent_until_it_changes)
{
        struct healer_anomaly *anomaly = make();

        for (int i = 0; i < 5000; i++)
                ck_assert(feed(anomaly, EPOCH + i * MINUTE, 0.1).score == 0);
        ck_assert(feed(anomaly, EPOCH + 5000 * MINUTE, 0.11).alarm);
        healer_anomaly_destroy(anomaly);
}
END_TEST

START_TEST(rounding_in_a_constant_series_is_no_change)
{
        struct healer_anomaly *anomaly = make();

        for (int i = 0; i < 5000; i++)
                ck_assert(!feed(anomaly, EPOCH + i * MINUTE,
                                i % 7 ? 1.1 : 1.1 * (1 + DBL_EPSILON))
                                   .alarm);
        healer_anomaly_destroy(anomaly);
}
END_TEST

START_TEST(missing_values_score_nothing_and_teach_nothing)
{
        struct healer_anomaly *with = make(), *without = make();
        static const double missing[] = {NAN, INFINITY, -INFINITY};
        struct noise noise = {3};

        for (int i = 0; i < 3000; i++) {
                double value = noise_normal(&noise) + (i == 2500 ? 20 : 0);
                struct healer_anomaly_result a, b;

                if (i % 5 == 0)
                        ck_assert(feed(with, EPOCH + i * MINUTE, missing[i / 5 % 3]).score == 0);
                a = feed(with, EPOCH + i * MINUTE, value);
                b = feed(without, EPOCH + i * MINUTE, value);
                ck_assert(a.score == b.score);
        }
        healer_anomaly_destroy(with);
        healer_anomaly_destroy(without);
}
END_TEST

START_TEST(time_going_back_is_refused_and_teaches_nothing)
{
        struct healer_anomaly *with = make(), *without = make();
        struct noise noise = {5};

        for (int i = 0; i < 2000; i++) {
                double value = noise_normal(&noise);
                struct healer_anomaly_result result;

                ck_assert(feed(with, EPOCH + i * MINUTE, value).score ==
                          feed(without, EPOCH + i * MINUTE, value).score);
                ck_assert_int_eq(
                        healer_anomaly_update(with, EPOCH + i * MINUTE - 1, 1e6, &result),
                        HEALER_E_RANGE);
                ck_assert(result.score == 0 && !result.alarm);
        }
        healer_anomaly_destroy(with);
        healer_anomaly_destroy(without);
}
END_TEST

/* A busy half of each day, as services have it. */
static double daily_load(int64_t at_ns, struct noise *noise)
{
        int64_t minute = at_ns / MINUTE % 1440;

        return (minute >= 480 && minute < 1080 ? 80 : 20) + 2 * noise_normal(noise);
}

START_TEST(a_daily_pattern_is_expected_and_its_absence_is_not)
{
        struct healer_anomaly *anomaly = make();
        struct noise noise = {17};
        int alarms = 0, alarms_flat_day = 0;

        for (int row = 0; row < 288 * 16; row++) {
                int64_t at_ns = 16000 * DAY + row * 5 * MINUTE;
                int day = row / 288;
                double value = day == 14 ? 20 + 2 * noise_normal(&noise)
                                         : daily_load(at_ns, &noise);
                bool alarm = feed(anomaly, at_ns, value).alarm;

                alarms += alarm && day >= 3 && day < 14;
                alarms_flat_day += alarm && day == 14;
        }
        ck_assert_msg(alarms <= 1, "%d alarms on ordinary days", alarms);
        ck_assert_int_ge(alarms_flat_day, 1);
        healer_anomaly_destroy(anomaly);
}
END_TEST

START_TEST(without_a_season_the_same_absence_is_not_seen_as_seasonal)
{
        struct healer_anomaly_config config = healer_anomaly_config_defaults();
        struct healer_anomaly *anomaly;
        struct noise noise = {17};
        const uint32_t seasonal = 7U << HEALER_ANOMALY_SEASON_9;

        config.season_ns = 0;
        ck_assert_int_eq(healer_anomaly_create(&config, &anomaly), HEALER_OK);
        for (int row = 0; row < 288 * 15; row++) {
                int64_t at_ns = 16000 * DAY + row * 5 * MINUTE;
                double value = row >= 288 * 14 ? 20.0 : daily_load(at_ns, &noise);

                ck_assert_uint_eq(feed(anomaly, at_ns, value).voters & seasonal, 0);
        }
        healer_anomaly_destroy(anomaly);
}
END_TEST

START_TEST(slow_drift_is_followed)
{
        struct healer_anomaly *anomaly = make();
        struct noise noise = {23};
        int alarms = 0;

        for (int i = 0; i < 20000; i++)
                alarms += feed(anomaly, EPOCH + i * 5 * MINUTE,
                               100 + 0.001 * i + noise_normal(&noise))
                                  .alarm;
        ck_assert_msg(alarms <= 8, "%d alarms", alarms);
        healer_anomaly_destroy(anomaly);
}
END_TEST

START_TEST(a_gap_is_told_and_is_no_alarm_by_itself)
{
        struct healer_anomaly *anomaly = make();
        struct noise noise = {29};
        int64_t at_ns = EPOCH;
        int gaps = 0, alarms = 0;

        for (int i = 0; i < 6000; i++) {
                struct healer_anomaly_result result;

                at_ns += i && i % 1000 == 0 ? 11 * 300 * SECOND : 300 * SECOND;
                result = feed(anomaly, at_ns, 50 + noise_normal(&noise));
                gaps += result.gap;
                alarms += result.alarm;
        }
        ck_assert_int_eq(gaps, 5);
        ck_assert_int_le(alarms, 2);
        healer_anomaly_destroy(anomaly);
}
END_TEST

START_TEST(units_do_not_matter)
{
        struct healer_anomaly *plain = make(), *scaled = make();
        struct noise noise = {31};

        for (int i = 0; i < 5000; i++) {
                double value = 10 + noise_normal(&noise) + (i % 900 == 899 ? 15 : 0);
                double a = feed(plain, EPOCH + i * 5 * MINUTE, value).score;
                double b = feed(scaled, EPOCH + i * 5 * MINUTE, value * 0x1p-40).score;

                ck_assert_double_eq_tol(a, b, 1e-6);
        }
        healer_anomaly_destroy(plain);
        healer_anomaly_destroy(scaled);
}
END_TEST

START_TEST(a_value_is_judged_before_it_is_learned)
{
        double last = 0;

        for (double size = 6; size < 100; size *= 2) {
                struct healer_anomaly *anomaly = make();
                struct noise noise = {37};
                double surprise;

                for (int i = 0; i < 1000; i++)
                        feed(anomaly, EPOCH + i * MINUTE, noise_normal(&noise));
                surprise = feed(anomaly, EPOCH + 1000 * MINUTE, size).surprise;
                ck_assert_double_gt(surprise, last);
                last = surprise;
                healer_anomaly_destroy(anomaly);
        }
}
END_TEST

START_TEST(higher_sensitivity_asks_for_less_surprise)
{
        struct healer_anomaly_config config = healer_anomaly_config_defaults();
        double needed[2];

        for (int i = 0; i < 2; i++) {
                struct healer_anomaly *anomaly;

                config.sensitivity = i ? 2 : 1;
                ck_assert_int_eq(healer_anomaly_create(&config, &anomaly), HEALER_OK);
                needed[i] = feed(anomaly, EPOCH, 1).needed;
                healer_anomaly_destroy(anomaly);
        }
        ck_assert_double_eq_tol(needed[0], 2 * needed[1], 1e-12);
}
END_TEST

START_TEST(the_largest_numbers_and_times_do_no_harm)
{
        static const double wild[] = {DBL_MAX, -DBL_MAX, DBL_MIN, -0.0, 1e-320, 1e308, 0, 5};
        struct healer_anomaly *anomaly = make();
        struct noise noise = {41};

        feed(anomaly, INT64_MIN, 1);
        for (int i = 0; i < 3000; i++)
                feed(anomaly, EPOCH + i, wild[(size_t)(noise_unit(&noise) * 8)]);
        feed(anomaly, INT64_MAX, DBL_MAX);
        feed(anomaly, INT64_MAX, 0);
        healer_anomaly_destroy(anomaly);
}
END_TEST

START_TEST(every_test_has_a_name)
{
        for (uint32_t i = 0; i < HEALER_ANOMALY_TEST_COUNT; i++)
                for (uint32_t j = 0; j < i; j++)
                        ck_assert_str_ne(healer_anomaly_test_name(i), healer_anomaly_test_name(j));
        ck_assert_str_eq(healer_anomaly_test_name(HEALER_ANOMALY_TEST_COUNT), "none");
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("anomaly");
        TCase *tests = tcase_create("anomaly");
        SRunner *runner;
        int failed;

        tcase_add_test(tests, the_defaults_are_sound);
        tcase_add_test(tests, a_field_out_of_range_is_refused_by_name);
        tcase_add_test(tests, a_config_of_another_size_is_refused);
        tcase_add_test(tests, memory_is_taken_once_at_create_and_given_back);
        tcase_add_test(tests, a_step_of_four_sigma_is_caught_within_three_rows);
        tcase_add_test(tests, stationary_noise_is_nearly_silent_at_any_sampling_interval);
        tcase_add_test(tests, irregular_sampling_does_not_raise_alarms);
        tcase_add_test(tests, switched_off_it_is_silent);
        tcase_add_test(tests, one_alarm_then_silence_for_as_many_rows_as_configured);
        tcase_add_test(tests, a_constant_series_is_silent_until_it_changes);
        tcase_add_test(tests, rounding_in_a_constant_series_is_no_change);
        tcase_add_test(tests, missing_values_score_nothing_and_teach_nothing);
        tcase_add_test(tests, time_going_back_is_refused_and_teaches_nothing);
        tcase_add_test(tests, a_daily_pattern_is_expected_and_its_absence_is_not);
        tcase_add_test(tests, without_a_season_the_same_absence_is_not_seen_as_seasonal);
        tcase_add_test(tests, slow_drift_is_followed);
        tcase_add_test(tests, a_gap_is_told_and_is_no_alarm_by_itself);
        tcase_add_test(tests, units_do_not_matter);
        tcase_add_test(tests, a_value_is_judged_before_it_is_learned);
        tcase_add_test(tests, higher_sensitivity_asks_for_less_surprise);
        tcase_add_test(tests, the_largest_numbers_and_times_do_no_harm);
        tcase_add_test(tests, every_test_has_a_name);
        suite_add_tcase(suite, tests);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
