/* The learned predictor: stumps and cases. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "healer/heal_watch.h"
#include "healer/model.h"
#include "tests/noise.h"

enum { ROWS = 3000 };

static double rows[ROWS][HEALER_FEATURE_COUNT];
static bool failed[ROWS];

/* Fails when memory reaches the end, or when processors do while errors are there. */
static void draw(uint64_t seed, size_t count)
{
        struct noise noise = {seed};
        size_t i;
        int f;

        for (i = 0; i < count; i++) {
                for (f = 0; f < HEALER_FEATURE_COUNT; f++)
                        rows[i][f] = noise_unit(&noise);
                rows[i][HEALER_FEATURE_MEMORY_REACH] = 1.5 * noise_unit(&noise);
                failed[i] = rows[i][HEALER_FEATURE_MEMORY_REACH] > 1.2 ||
                            (rows[i][HEALER_FEATURE_CPU_REACH] > 0.9 &&
                             rows[i][HEALER_FEATURE_ERRORS] > 0.5);
                if (noise_unit(&noise) < 0.03)
                        failed[i] = !failed[i];
        }
}

static struct healer_training training(size_t count)
{
        return (struct healer_training){.rows = (const double(*)[HEALER_FEATURE_COUNT])rows,
                                        .failed = failed, .count = count, .stumps = 60,
                                        .rate = 0.3, .rows_min = 10};
}

START_TEST(what_was_trained_is_right_on_rows_it_has_not_seen)
{
        struct healer_training t;
        struct healer_model model;
        int i, right = 0, found = 0, there = 0;

        draw(1, ROWS);
        t = training(ROWS);
        ck_assert_int_eq(healer_model_train(&t, &model), HEALER_OK);
        ck_assert_ptr_null(healer_model_check(&model));
        draw(2, ROWS);
        for (i = 0; i < ROWS; i++) {
                bool said = healer_model_probability(&model, rows[i]) >= 0.5;

                right += said == failed[i];
                there += failed[i];
                found += said && failed[i];
        }
        ck_assert_int_ge(right, ROWS * 92 / 100);
        ck_assert_int_ge(found, there * 70 / 100);
}
END_TEST

START_TEST(its_probabilities_are_frequencies)
{
        struct healer_training t;
        struct healer_model model;
        double said[5] = {0}, was[5] = {0}, n[5] = {0}, p;
        int i, b;

        draw(3, ROWS);
        t = training(ROWS);
        ck_assert_int_eq(healer_model_train(&t, &model), HEALER_OK);
        draw(4, ROWS);
        for (i = 0; i < ROWS; i++) {
                p = healer_model_probability(&model, rows[i]);
                b = (int)fmin(4, p * 5);
                said[b] += p;
                was[b] += failed[i];
                n[b]++;
        }
        for (b = 0; b < 5; b++) {
                if (n[b] > 100)
                        ck_assert_double_eq_tol(said[b] / n[b], was[b] / n[b], 0.2);
        }
}
END_TEST

START_TEST(the_same_rows_give_the_same_model)
{
        struct healer_model one, other;
        struct healer_training t;

        draw(5, 500);
        t = training(500);
        ck_assert_int_eq(healer_model_train(&t, &one), HEALER_OK);
        ck_assert_int_eq(healer_model_train(&t, &other), HEALER_OK);
        ck_assert_int_eq(memcmp(&one, &other, sizeof(one)), 0);
}
END_TEST

START_TEST(rows_of_one_kind_teach_nothing)
{
        struct healer_model model;
        struct healer_training t;

        draw(6, 200);
        memset(failed, 0, sizeof(failed));
        t = training(200);
        ck_assert_int_eq(healer_model_train(&t, &model), HEALER_E_RANGE);
        t.stumps = 0;
        failed[0] = true;
        ck_assert_int_eq(healer_model_train(&t, &model), HEALER_E_RANGE);
}
END_TEST

START_TEST(a_model_that_cannot_be_is_refused)
{
        struct healer_model model = {.count = 1, .stumps = {{HEALER_FEATURE_COUNT, 0, 0, 0}}};

        ck_assert_ptr_nonnull(healer_model_check(&model));
        model.stumps[0].feature = 0;
        ck_assert_ptr_null(healer_model_check(&model));
        model.stumps[0].limit = NAN;
        ck_assert_ptr_nonnull(healer_model_check(&model));
        model.count = HEALER_STUMPS_MAX + 1;
        ck_assert_ptr_nonnull(healer_model_check(&model));
}
END_TEST

/* An episode: a memory, a latency and an error level in noise; two kinds end badly. */
static bool episode(struct noise *noise, double features[HEALER_FEATURE_COUNT])
{
        int kind = (int)(4 * noise_unit(noise));

        memset(features, 0, HEALER_FEATURE_COUNT * sizeof(*features));
        features[HEALER_FEATURE_MEMORY] = 0.4 + 0.04 * noise_normal(noise);
        features[HEALER_FEATURE_CPU] = 0.3 + 0.04 * noise_normal(noise);
        features[HEALER_FEATURE_LATENCY_REACH] = 0.2 + 0.04 * noise_normal(noise);
        if (kind == 0)
                features[HEALER_FEATURE_MEMORY_REACH] = 0.9 + 0.08 * noise_normal(noise);
        if (kind == 1)
                features[HEALER_FEATURE_LATENCY_REACH] = 0.8 + 0.08 * noise_normal(noise);
        if (kind == 2)
                features[HEALER_FEATURE_CPU] = 0.6 + 0.05 * noise_normal(noise); /* harmless */
        return kind < 2;
}

START_TEST(s0_20_twenty_labelled_episodes_give_recall_and_precision_of_seven_tenths)
{
        struct healer_cases *cases = calloc(1, sizeof(*cases));
        struct noise noise = {(uint64_t)_i + 1};
        struct healer_case one = {.failure = 3};
        double features[HEALER_FEATURE_COUNT];
        int i, there = 0, said = 0, found = 0;
        uint32_t failure;

        for (i = 0; i < 20; i++) {
                one.failed = episode(&noise, one.features);
                healer_cases_add(cases, &one);
        }
        for (i = 0; i < 400; i++) {
                bool fails = episode(&noise, features);
                bool foreseen = healer_cases_likeness(cases, features, &failure) >= 0.5;

                there += fails;
                said += foreseen;
                found += fails && foreseen;
                if (foreseen)
                        ck_assert_uint_eq(failure, 3);
        }
        ck_assert_int_ge(found * 10, there * 7);
        ck_assert_int_ge(found * 10, said * 7);
        free(cases);
}
END_TEST

/* ---- healing that changes */

START_TEST(s4_21_a_sudden_fall_of_the_heal_rate_is_seen_within_20_results)
{
        struct healer_heal_watch watch = {0};
        struct noise noise = {(uint64_t)_i + 1};
        int i, at = 0;

        for (i = 0; i < 60; i++)
                ck_assert_int_ne(healer_heal_watch_result(&watch, noise_unit(&noise) < 0.97, 30),
                                 HEALER_HEAL_FAILS_MORE);
        for (i = 1; i <= 20 && at == 0; i++) {
                if (healer_heal_watch_result(&watch, noise_unit(&noise) < 0.4, 30) ==
                    HEALER_HEAL_FAILS_MORE)
                        at = i;
        }
        ck_assert_int_gt(at, 0);
}
END_TEST

START_TEST(s4_21_healings_that_take_twice_as_long_are_seen_within_20_results)
{
        struct healer_heal_watch watch = {0};
        struct noise noise = {(uint64_t)_i + 100};
        enum healer_heal_change change = HEALER_HEAL_SAME;
        int i;

        for (i = 0; i < 60; i++)
                ck_assert_int_eq(healer_heal_watch_result(&watch, true,
                                                          30 * exp(0.3 * noise_normal(&noise))),
                                 HEALER_HEAL_SAME);
        for (i = 1; i <= 20 && change == HEALER_HEAL_SAME; i++)
                change = healer_heal_watch_result(&watch, true,
                                                  60 * exp(0.3 * noise_normal(&noise)));
        ck_assert_int_eq(change, HEALER_HEAL_SLOWER);
}
END_TEST

START_TEST(s4_21_healing_as_usual_is_seldom_called_odd)
{
        struct noise noise = {7};
        int i, round, odd = 0;

        for (round = 0; round < 10; round++) {
                struct healer_heal_watch watch = {0};

                for (i = 0; i < 1000; i++)
                        odd += healer_heal_watch_result(&watch, noise_unit(&noise) < 0.9,
                                                        30 * exp(0.3 * noise_normal(&noise))) !=
                               HEALER_HEAL_SAME;
        }
        ck_assert_int_le(odd, 20); /* of 10 000 */
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("model");
        TCase *tests = tcase_create("model");
        SRunner *runner = srunner_create(suite);
        int bad;

        tcase_add_test(tests, what_was_trained_is_right_on_rows_it_has_not_seen);
        tcase_add_test(tests, its_probabilities_are_frequencies);
        tcase_add_test(tests, the_same_rows_give_the_same_model);
        tcase_add_test(tests, rows_of_one_kind_teach_nothing);
        tcase_add_test(tests, a_model_that_cannot_be_is_refused);
        tcase_add_loop_test(
                tests, s0_20_twenty_labelled_episodes_give_recall_and_precision_of_seven_tenths, 0,
                10);
        tcase_add_loop_test(tests,
                            s4_21_a_sudden_fall_of_the_heal_rate_is_seen_within_20_results, 0, 20);
        tcase_add_loop_test(tests,
                            s4_21_healings_that_take_twice_as_long_are_seen_within_20_results, 0,
                            20);
        tcase_add_test(tests, s4_21_healing_as_usual_is_seldom_called_odd);
        suite_add_tcase(suite, tests);
        srunner_run_all(runner, CK_ENV);
        bad = srunner_ntests_failed(runner);
        srunner_free(runner);
        return bad == 0 ? 0 : 1;
}
