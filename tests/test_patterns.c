/* What comes before what, what comes back, and who falls ill together. */
#include <check.h>

#include "healer/patterns.h"
#include "tests/noise.h"

#define SECOND INT64_C(1000000000)
#define HOUR (3600 * SECOND)

enum { PRESSURE = 1, SLOW = 9, SILENT = 18, UNRELATED = 20, DOWN = 2, LEAK = 12 };

static struct healer_patterns *make(uint32_t places)
{
        struct healer_patterns_config config = healer_patterns_config_defaults();
        struct healer_patterns *patterns;

        ck_assert_int_eq(healer_patterns_create(&config, places, &patterns), HEALER_OK);
        return patterns;
}

/* pressure, slow 30 s later, down another 60 s later, each some seconds off */
static int64_t story(struct healer_patterns *patterns, int64_t at_ns, uint32_t place,
                     struct noise *noise, bool fails)
{
        healer_patterns_sign(patterns, at_ns, place, PRESSURE);
        at_ns += (int64_t)((30 + 4 * noise_unit(noise)) * 1e9);
        healer_patterns_sign(patterns, at_ns, place, SLOW);
        at_ns += (int64_t)((60 + 6 * noise_unit(noise)) * 1e9);
        if (fails)
                healer_patterns_failure(patterns, at_ns, place, DOWN);
        return at_ns;
}

START_TEST(s0_18_a_sequence_that_came_before_failures_is_recognised_and_nothing_else)
{
        struct healer_patterns *patterns = make(3);
        struct healer_pattern_match match[4];
        struct noise noise = {1};
        int64_t at_ns = 0;
        int i;

        for (i = 0; i < 6; i++)
                at_ns = story(patterns, at_ns + HOUR, (uint32_t)i % 2, &noise, true);
        at_ns += HOUR;
        /* nothing is there now */
        ck_assert_uint_eq(healer_patterns_match(patterns, at_ns, 0, match, 4), 0);
        healer_patterns_sign(patterns, at_ns, 0, UNRELATED);
        ck_assert_uint_eq(healer_patterns_match(patterns, at_ns, 0, match, 4), 0);
        healer_patterns_sign(patterns, at_ns + 5 * SECOND, 2, PRESSURE);
        healer_patterns_sign(patterns, at_ns + 35 * SECOND, 2, SLOW);
        ck_assert_uint_eq(healer_patterns_match(patterns, at_ns + 36 * SECOND, 2, match, 4), 1);
        ck_assert_uint_eq(match[0].failure, DOWN);
        ck_assert_double_ge(match[0].similarity, 0.85);
        ck_assert_int_gt(match[0].due_ns, at_ns + 90 * SECOND);
        ck_assert_int_lt(match[0].due_ns, at_ns + 105 * SECOND);
        /* elsewhere nothing */
        ck_assert_uint_eq(healer_patterns_match(patterns, at_ns + 36 * SECOND, 1, match, 4), 0);
        /* and when its time has gone by twice over, no longer */
        ck_assert_uint_eq(healer_patterns_match(patterns, at_ns + 300 * SECOND, 2, match, 4), 0);
        healer_patterns_destroy(patterns);
}
END_TEST

START_TEST(signs_that_mostly_come_to_nothing_predict_nothing)
{
        struct healer_patterns *patterns = make(1);
        struct healer_pattern_match match[4];
        struct noise noise = {2};
        int64_t at_ns = 0;
        int i;

        for (i = 0; i < 30; i++)
                at_ns = story(patterns, at_ns + HOUR, 0, &noise, i % 4 == 0);
        (void)story(patterns, at_ns + HOUR, 0, &noise, false);
        ck_assert_uint_eq(healer_patterns_match(patterns, at_ns + HOUR + 40 * SECOND, 0, match, 4),
                          0);
        healer_patterns_destroy(patterns);
}
END_TEST

START_TEST(signs_of_different_types_can_be_certain)
{
        /* the original's sequences of mixed types could not reach 0.7 */
        struct healer_patterns *patterns = make(1);
        struct noise noise = {3};
        int64_t at_ns = 0;
        uint32_t i, sure = 0;

        for (i = 0; i < 20; i++)
                at_ns = story(patterns, at_ns + HOUR, 0, &noise, true);
        for (i = 0; i < healer_patterns_count(patterns); i++)
                sure += healer_patterns_at(patterns, i)->length == 2 &&
                        healer_patterns_at(patterns, i)->followed == 20;
        ck_assert_uint_ge(sure, 1);
        healer_patterns_destroy(patterns);
}
END_TEST

START_TEST(s1_09_the_third_time_is_recurring_with_its_period)
{
        struct healer_patterns *patterns = make(2);
        struct healer_recurrence recurrence;
        int i;

        for (i = 0; i < 3; i++) {
                ck_assert(!healer_patterns_recurs(patterns, 1, LEAK, &recurrence));
                healer_patterns_failure(patterns, (i * 1200 + (i == 1 ? 20 : 0)) * SECOND, 1, LEAK);
        }
        ck_assert(healer_patterns_recurs(patterns, 1, LEAK, &recurrence));
        ck_assert_uint_eq(recurrence.times, 3);
        ck_assert_double_eq_tol(recurrence.period_s, 1200, 1);
        ck_assert_int_eq(recurrence.next_ns, 3600 * SECOND);
        ck_assert(!healer_patterns_recurs(patterns, 0, LEAK, &recurrence));
        ck_assert(!healer_patterns_recurs(patterns, 1, DOWN, &recurrence));
        healer_patterns_destroy(patterns);
}
END_TEST

START_TEST(irregular_failures_have_no_period)
{
        struct healer_patterns *patterns = make(1);
        struct healer_recurrence recurrence;
        static const int64_t at_s[] = {0, 100, 5000, 5200, 20000};
        int i;

        for (i = 0; i < 5; i++)
                healer_patterns_failure(patterns, at_s[i] * SECOND, 0, DOWN);
        ck_assert(!healer_patterns_recurs(patterns, 0, DOWN, &recurrence));
        healer_patterns_destroy(patterns);
}
END_TEST

START_TEST(s4_22_two_coupled_places_are_found_and_independent_ones_are_not)
{
        int wrong = 0, found = 0, round;

        for (round = 0; round < 50; round++) {
                struct healer_patterns *patterns = make(4);
                struct noise noise = {(uint64_t)round + 1};
                int64_t at_ns[4], now_ns = 0;
                uint32_t a, b, p;
                double lift;

                for (p = 0; p < 4; p++)
                        at_ns[p] = (int64_t)(noise_unit(&noise) * 300e9);
                while (now_ns < 12 * HOUR) { /* each about every ten minutes; 0 draws 1 along */
                        p = 0;
                        for (a = 1; a < 4; a++)
                                p = at_ns[a] < at_ns[p] ? a : p;
                        now_ns = at_ns[p];
                        healer_patterns_sign(patterns, now_ns, p, SLOW);
                        if (p == 0)
                                at_ns[1] = now_ns + (int64_t)(1e9 + 6e9 * noise_unit(&noise));
                        at_ns[p] = now_ns + (int64_t)(-log(noise_unit(&noise)) * 600e9);
                }
                found += healer_patterns_coupled(patterns, 0, 1, &lift) && lift > 1.5;
                for (a = 0; a < 4; a++)
                        for (b = a + 1; b < 4; b++)
                                wrong += !(a == 0 && b == 1) &&
                                         healer_patterns_coupled(patterns, a, b, NULL);
                healer_patterns_destroy(patterns);
        }
        ck_assert_int_ge(found, 48);
        ck_assert_int_le(wrong, 3); /* of 250 pairs */
}
END_TEST

START_TEST(s4_22_an_injected_daily_cycle_is_found_and_none_where_there_is_none)
{
        struct healer_patterns *daily = make(1), *even = make(1);
        struct noise noise = {6};
        int64_t at_ns;
        int day, hour, i;

        for (day = 0; day < 7; day++) {
                for (hour = 0; hour < 24; hour++) {
                        for (i = 0; i < (hour == 9 ? 12 : 2); i++) {
                                at_ns = (day * 24 + hour) * HOUR + i * 250 * SECOND;
                                healer_patterns_sign(daily, at_ns, 0, SLOW);
                        }
                        for (i = 0; i < 3; i++) {
                                at_ns = (day * 24 + hour) * HOUR +
                                        (int64_t)((i + noise_unit(&noise)) * 1100e9);
                                healer_patterns_sign(even, at_ns, 0, SLOW);
                        }
                }
        }
        ck_assert_uint_eq(healer_patterns_hours(daily), 1u << 9);
        ck_assert_uint_eq(healer_patterns_hours(even), 0);
        healer_patterns_destroy(daily);
        healer_patterns_destroy(even);
}
END_TEST

START_TEST(memory_is_bounded_and_what_is_useful_stays)
{
        struct healer_patterns *patterns = make(1);
        struct healer_pattern_match match[4];
        struct noise noise = {9};
        int64_t at_ns = 0;
        int i;

        for (i = 0; i < 10; i++)
                at_ns = story(patterns, at_ns + HOUR, 0, &noise, true);
        for (i = 0; i < 3000; i++) { /* a flood of accidents */
                at_ns += 700 * SECOND;
                healer_patterns_sign(patterns, at_ns, 0, 25 + (uint32_t)(30 * noise_unit(&noise)));
                healer_patterns_sign(patterns, at_ns + 1, 0,
                                     25 + (uint32_t)(30 * noise_unit(&noise)));
                healer_patterns_failure(patterns, at_ns + 20 * SECOND, 0,
                                        (uint32_t)(20 * noise_unit(&noise)) + 3);
        }
        ck_assert_uint_le(healer_patterns_count(patterns), HEALER_PATTERNS_MAX);
        healer_patterns_sign(patterns, at_ns + HOUR, 0, PRESSURE);
        healer_patterns_sign(patterns, at_ns + HOUR + 30 * SECOND, 0, SLOW);
        ck_assert_uint_ge(
                healer_patterns_match(patterns, at_ns + HOUR + 31 * SECOND, 0, match, 4), 1);
        ck_assert_uint_eq(match[0].failure, DOWN);
        healer_patterns_destroy(patterns);
}
END_TEST

START_TEST(rows_that_cannot_be_are_refused)
{
        struct healer_patterns *patterns = make(1);
        struct healer_pattern row = {.length = 1, .signs = {1, 0, 0}, .failure = 2, .seen = 4,
                                     .followed = 3, .lead_mean_s = 60};
        struct healer_pattern bad;

        ck_assert_int_eq(healer_patterns_add(patterns, &row), HEALER_OK);
        ck_assert_int_eq(healer_patterns_add(patterns, &row), HEALER_E_RANGE); /* twice */
        bad = row;
        bad.length = 4;
        ck_assert_int_eq(healer_patterns_add(patterns, &bad), HEALER_E_RANGE);
        bad = row;
        bad.followed = 5;
        ck_assert_int_eq(healer_patterns_add(patterns, &bad), HEALER_E_RANGE);
        bad = row;
        bad.signs[0] = HEALER_SIGNS_MAX;
        ck_assert_int_eq(healer_patterns_add(patterns, &bad), HEALER_E_RANGE);
        bad = row;
        bad.lead_mean_s = NAN;
        ck_assert_int_eq(healer_patterns_add(patterns, &bad), HEALER_E_RANGE);
        healer_patterns_destroy(patterns);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("patterns");
        TCase *tests = tcase_create("patterns");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_test(tests,
                       s0_18_a_sequence_that_came_before_failures_is_recognised_and_nothing_else);
        tcase_add_test(tests, signs_that_mostly_come_to_nothing_predict_nothing);
        tcase_add_test(tests, signs_of_different_types_can_be_certain);
        tcase_add_test(tests, s1_09_the_third_time_is_recurring_with_its_period);
        tcase_add_test(tests, irregular_failures_have_no_period);
        tcase_add_test(tests, s4_22_two_coupled_places_are_found_and_independent_ones_are_not);
        tcase_add_test(tests,
                       s4_22_an_injected_daily_cycle_is_found_and_none_where_there_is_none);
        tcase_add_test(tests, memory_is_bounded_and_what_is_useful_stays);
        tcase_add_test(tests, rows_that_cannot_be_are_refused);
        suite_add_tcase(suite, tests);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
