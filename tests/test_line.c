/* Lines through noisy series, and what they say of the end. */
#include <check.h>
#include <stdlib.h>

#include "healer/line.h"
#include "tests/noise.h"

#define SECOND INT64_C(1000000000)

enum { WINDOW = 64 };

static int64_t at_ns[HEALER_LINE_SAMPLES_MAX];
static double value[HEALER_LINE_SAMPLES_MAX], load[HEALER_LINE_SAMPLES_MAX];

static void every(int64_t step_ns, uint32_t count)
{
        uint32_t i;

        for (i = 0; i < count; i++)
                at_ns[i] = 1000 * SECOND + i * step_ns;
}

START_TEST(s0_19_a_ramp_ends_when_it_said_it_would_at_any_sampling_rate)
{
        static const double steps_s[] = {1, 5, 60, 7.3};
        struct noise noise = {11};
        struct healer_line trend;
        double rate_per_s, low_s, high_s, eta_s, true_s;
        int i, round, inside = 0, rounds = 0;

        every((int64_t)(steps_s[_i] * 1e9), WINDOW);
        for (round = 0; round < 50; round++) {
                rate_per_s = 0.3 / (WINDOW * steps_s[_i]);
                for (i = 0; i < WINDOW; i++)
                        value[i] = 0.3 + rate_per_s * steps_s[_i] * i +
                                   0.008 * noise_normal(&noise);
                ck_assert(healer_line_fit(at_ns, value, WINDOW, &trend));
                eta_s = healer_line_time_to(&trend, 1, &low_s, &high_s);
                true_s = (1 - 0.3) / rate_per_s - steps_s[_i] * (WINDOW - 1);
                ck_assert_double_eq_tol(eta_s, true_s, 0.15 * true_s);
                inside += low_s <= true_s && true_s <= high_s;
                rounds++;
        }
        ck_assert_int_ge(inside, rounds * 8 / 10); /* an interval of 90 % */
}
END_TEST

START_TEST(irregular_sampling_and_missing_values_change_little)
{
        struct noise noise = {5};
        struct healer_line trend;
        double t = 0;
        int i;

        for (i = 0; i < WINDOW; i++) {
                t += 10 * noise_unit(&noise);
                at_ns[i] = (int64_t)(t * 1e9);
                value[i] = i % 5 == 3 ? NAN : 0.2 + 0.001 * t;
        }
        ck_assert(healer_line_fit(at_ns, value, WINDOW, &trend));
        ck_assert_double_eq_tol(trend.slope_per_s, 0.001, 2e-5);
        ck_assert_double_eq_tol(trend.likeness, 1, 1e-9);
}
END_TEST

START_TEST(s2_03_nine_points_say_nothing_and_ten_do)
{
        struct healer_line trend;
        int i;

        every(5 * SECOND, 10);
        for (i = 0; i < 10; i++)
                value[i] = 0.3 + 0.01 * i;
        ck_assert(!healer_line_fit(at_ns, value, 9, &trend));
        ck_assert(healer_line_fit(at_ns, value, 10, &trend));
        ck_assert(healer_line_is_leak(&trend));
}
END_TEST

START_TEST(s2_03_a_slow_leak_under_a_sawtooth_is_found)
{
        struct noise noise = {(uint64_t)_i};
        struct healer_line trend;
        int i, found = 0, round;

        for (round = 0; round < 20; round++) {
                every(5 * SECOND, WINDOW);
                for (i = 0; i < WINDOW; i++)
                        value[i] = 0.4 + 0.002 * i + 0.10 * ((i + 3 * round) % (5 + _i)) / (5 + _i) +
                                   0.005 * noise_normal(&noise);
                found += healer_line_fit(at_ns, value, WINDOW, &trend) &&
                         healer_line_is_leak(&trend);
        }
        ck_assert_int_ge(found, 16);
}
END_TEST

/* white, red (AR 0.5), a sawtooth that goes nowhere, a staircase that comes back */
static double stationary(int kind, int i, double last, struct noise *noise)
{
        switch (kind) {
        case 0:
                return 0.6 + 0.05 * noise_normal(noise);
        case 1:
                return 0.6 + 0.3 * (last - 0.6) + 0.05 * noise_normal(noise);
        case 2:
                return 0.5 + 0.02 * (i % 11) + 0.01 * noise_normal(noise);
        default:
                return 0.5 + 0.1 * ((i / 16) % 2) + 0.01 * noise_normal(noise);
        }
}

START_TEST(s2_03_stationary_noise_is_called_a_leak_once_in_a_thousand_windows_at_most)
{
        struct noise noise = {99 + (uint64_t)_i};
        struct healer_line trend;
        int i, window, wrong = 0, windows = 4000;
        double last = 0.6;

        every(5 * SECOND, WINDOW);
        for (window = 0; window < windows; window++) {
                for (i = 0; i < WINDOW; i++)
                        value[i] = last = stationary(_i, i + 7 * window, last, &noise);
                wrong += healer_line_fit(at_ns, value, WINDOW, &trend) &&
                         healer_line_is_leak(&trend);
        }
        ck_assert_int_le(wrong, windows / 1000);
}
END_TEST

START_TEST(what_the_load_explains_is_no_leak)
{
        struct noise noise = {3};
        struct healer_line trend, alone;
        int i, round, believed = 0;

        every(5 * SECOND, WINDOW);
        for (round = 0; round < 200; round++) {
                for (i = 0; i < WINDOW; i++) { /* the morning: load and memory climb together */
                        load[i] = 20 + 30 * (i + 0.001 * round) / WINDOW + noise_normal(&noise);
                        value[i] = 0.3 + 0.01 * load[i] + 0.003 * noise_normal(&noise);
                }
                ck_assert(healer_line_fit_beside(at_ns, value, load, WINDOW, &trend));
                ck_assert(healer_line_fit(at_ns, value, WINDOW, &alone));
                ck_assert_double_gt(alone.likeness, 0.8);
                believed += trend.likeness > 0.7 && trend.slope_low > 0;
        }
        ck_assert_int_le(believed, 2);
}
END_TEST

START_TEST(a_leak_under_a_steady_load_is_one_beside_it_too)
{
        struct noise noise = {8};
        struct healer_line trend;
        int i;

        every(5 * SECOND, WINDOW);
        for (i = 0; i < WINDOW; i++) {
                load[i] = 50 + 10 * noise_normal(&noise);
                value[i] = 0.3 + 0.0005 * load[i] + 0.003 * i;
        }
        ck_assert(healer_line_fit_beside(at_ns, value, load, WINDOW, &trend));
        ck_assert_double_gt(trend.likeness, 0.7);
        ck_assert(healer_line_is_leak(&trend));
}
END_TEST

START_TEST(time_standing_still_is_no_line)
{
        struct healer_line trend;
        int i;

        for (i = 0; i < WINDOW; i++) {
                at_ns[i] = 5 * SECOND;
                value[i] = i;
        }
        ck_assert(!healer_line_fit(at_ns, value, WINDOW, &trend));
        ck_assert(!healer_line_fit(at_ns, value, HEALER_LINE_SAMPLES_MAX + 1, &trend));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("line");
        TCase *tests = tcase_create("line");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_loop_test(tests, s0_19_a_ramp_ends_when_it_said_it_would_at_any_sampling_rate, 0,
                            4);
        tcase_add_test(tests, irregular_sampling_and_missing_values_change_little);
        tcase_add_test(tests, s2_03_nine_points_say_nothing_and_ten_do);
        tcase_add_loop_test(tests, s2_03_a_slow_leak_under_a_sawtooth_is_found, 0, 8);
        tcase_add_loop_test(
                tests, s2_03_stationary_noise_is_called_a_leak_once_in_a_thousand_windows_at_most,
                0, 4);
        tcase_add_test(tests, what_the_load_explains_is_no_leak);
        tcase_add_test(tests, a_leak_under_a_steady_load_is_one_beside_it_too);
        tcase_add_test(tests, time_standing_still_is_no_line);
        suite_add_tcase(suite, tests);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
