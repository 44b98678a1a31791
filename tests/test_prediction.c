/* Prediction: a leak and what only looks like one. */
#include <check.h>

#include "tests/healer_rig.h"

#define CASE INSTANCE(CART, 1)

static uint32_t predictions(const struct rig *rig)
{
        return rig_count(rig, HEALER_NOTICE_PREDICTION);
}

/* Cheap noise of a fixed seed. */
static double noise(uint32_t *state)
{
        *state = *state * 1664525u + 1013904223u;
        return (double)(*state >> 8) / 16777216.0 - 0.5;
}

START_TEST(the_time_of_the_end_is_foreseen_within_a_tenth)
{
        struct rig *rig = rig_started();
        const struct healer_notice *p;
        double rate_per_s = 0.0008, expected_s;

        rig_run(rig, 300);
        while (predictions(rig) == 0 && rig->now_ns < 3600 * RIG_SECOND) {
                rig->instance[CASE].memory_ratio += rate_per_s * 5;
                rig_step(rig);
        }
        p = rig_first(rig, HEALER_NOTICE_PREDICTION);
        ck_assert_ptr_nonnull(p);
        expected_s = (1 - rig->instance[CASE].memory_ratio) / rate_per_s;
        ck_assert_double_eq_tol((double)(p->eta_ns - rig->now_ns) / 1e9, expected_s,
                                expected_s / 10);
        ck_assert_double_ge(p->confidence, 0.7);
        ck_assert_uint_eq(p->instance, CASE);
        rig_free(rig);
}
END_TEST

START_TEST(noise_is_no_leak)
{
        struct rig *rig = rig_started();
        uint32_t state = 7;
        int i;

        for (i = 0; i < 17280; i++) {
                rig->instance[CASE].memory_ratio = 0.7 + 0.2 * noise(&state);
                rig_step(rig);
        }
        ck_assert_uint_eq(predictions(rig), 0);
        rig_free(rig);
}
END_TEST

START_TEST(a_step_is_no_leak)
{
        struct rig *rig = rig_started();
        uint32_t state = 3;
        int i;

        for (i = 0; i < 1000; i++) {
                rig->instance[CASE].memory_ratio =
                        (i > 200 && i < 260 ? 0.7 : 0.5) + 0.01 * noise(&state);
                rig_step(rig);
        }
        ck_assert_uint_eq(predictions(rig), 0);
        rig_free(rig);
}
END_TEST

START_TEST(a_slow_precursor_that_stops_is_not_believed)
{
        struct rig *rig = rig_started();
        int i;

        for (i = 0; i < 2000; i++) { /* 1 % a minute, ending at 80 % */
                rig->instance[CASE].memory_ratio = fmin(0.8, 0.4 + 0.01 * i * 5 / 60);
                rig_step(rig);
        }
        ck_assert_uint_eq(predictions(rig), 0);
        ck_assert_uint_eq(rig->order_count, 0);
        rig_free(rig);
}
END_TEST

START_TEST(a_sawtooth_that_climbs_is_a_leak)
{
        struct rig *rig = rig_started();
        int i;

        rig_run(rig, 300);
        for (i = 0; i < 120 && predictions(rig) == 0; i++) {
                rig->instance[CASE].memory_ratio = 0.45 + 0.004 * i + 0.02 * (i % 5);
                rig_step(rig);
        }
        ck_assert_uint_eq(predictions(rig), 1);
        rig_free(rig);
}
END_TEST

static void leak_everywhere(struct rig *rig, int steps)
{
        int i, k;

        for (i = 0; i < steps; i++) {
                for (k = 0; k < RIG_EACH; k++)
                        rig->instance[INSTANCE(CART, k)].memory_ratio += 0.0045;
                rig_step(rig);
        }
}

START_TEST(a_service_that_leaks_everywhere_is_restarted_one_by_one)
{
        struct rig *rig = rig_started();
        bool seen[RIG_EACH] = {false, false, false};
        uint32_t i;

        rig_run(rig, 300);
        leak_everywhere(rig, 60);
        for (i = 0; i < 3; i++) {
                ck_assert_uint_eq(rig->order_count, i + 1);
                ck_assert_uint_eq(healer_stats(rig->healer).orders_open, 1);
                ck_assert(rig->orders[i].preventive);
                seen[rig->orders[i].instance % RIG_EACH] = true;
                rig_answer(rig, i, true);
                leak_everywhere(rig, 6);
        }
        ck_assert(seen[0] && seen[1] && seen[2]);
        rig_free(rig);
}
END_TEST

START_TEST(off_means_off)
{
        struct rig *rig = rig_create();

        if (_i == 0)
                rig->config.prediction.enabled = false;
        else if (_i == 1)
                rig->config.prediction.sources[HEALER_SOURCE_TRENDS] = false;
        else
                rig->config.prediction.confidence_threshold =
                        rig->config.prediction.auto_apply = 0.99;
        rig_start(rig);
        rig_run(rig, 300);
        leak_everywhere(rig, 90);
        ck_assert_uint_eq(predictions(rig), 0);
        ck_assert_uint_eq(rig->order_count, 0);
        rig_free(rig);
}
END_TEST

START_TEST(below_auto_apply_it_is_said_and_not_done)
{
        struct rig *rig = rig_create();

        rig->config.prediction.auto_apply = 0.95;
        rig_start(rig);
        rig_run(rig, 300);
        leak_everywhere(rig, 90);
        ck_assert_uint_eq(predictions(rig), 3);
        ck_assert_uint_eq(rig->order_count, 0);
        rig_free(rig);
}
END_TEST

START_TEST(a_preventive_action_that_did_nothing_is_not_verified_and_calls_nobody)
{
        const struct healer_result ok = {0, true, ""};
        struct rig *rig = rig_started();
        struct healer_result result = ok;
        uint32_t i;

        rig_run(rig, 300);
        for (i = 0; i < 75; i++) {
                rig->instance[CASE].memory_ratio += 0.0045;
                rig_step(rig);
                for (; rig->answered < rig->order_count; rig->answered++) {
                        result.id = rig->orders[rig->answered].id; /* held back: nothing done */
                        (void)healer_observe_result(rig->healer, rig->now_ns, &result);
                }
        }
        ck_assert_uint_ge(rig->order_count, 1);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_EPISODE_VERIFIED), 0);
        ck_assert_uint_ge(rig_count(rig, HEALER_NOTICE_EPISODE_FAILED), 1);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_ESCALATION), 0);
        rig_free(rig);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("prediction");
        TCase *tcase = tcase_create("prediction");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_test(tcase, the_time_of_the_end_is_foreseen_within_a_tenth);
        tcase_add_test(tcase, noise_is_no_leak);
        tcase_add_test(tcase, a_step_is_no_leak);
        tcase_add_test(tcase, a_slow_precursor_that_stops_is_not_believed);
        tcase_add_test(tcase, a_sawtooth_that_climbs_is_a_leak);
        tcase_add_test(tcase, a_service_that_leaks_everywhere_is_restarted_one_by_one);
        tcase_add_loop_test(tcase, off_means_off, 0, 3);
        tcase_add_test(tcase, below_auto_apply_it_is_said_and_not_done);
        tcase_add_test(tcase, a_preventive_action_that_did_nothing_is_not_verified_and_calls_nobody);
        suite_add_tcase(suite, tcase);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
