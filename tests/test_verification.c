/* Verification: healed is what stays well. Escalation and learning besides. */
#include <check.h>

#include "tests/healer_rig.h"

/* By a restart alone: nothing follows behind it. */
static struct rig *acted_on(struct rig *rig)
{
        rig_without_failover(rig);
        rig_start(rig);
        rig_run(rig, 300);
        rig->instance[INSTANCE(PAYMENT, 2)].error_ratio = 0.9;
        rig_run(rig, 20);
        ck_assert_uint_eq(rig->order_count, 1);
        return rig;
}

START_TEST(that_an_action_reported_success_is_not_claimed_to_be_a_cure)
{
        struct rig *rig = acted_on(rig_create());

        rig_answer_all(rig, true);
        rig->instance[INSTANCE(PAYMENT, 2)].error_ratio = 0.15; /* it changed little */
        rig_run(rig, 5);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_EPISODE_CLAIMED), 0);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_EPISODE_VERIFIED), 0);
        ck_assert_uint_eq(healer_effect(rig->healer, HEALER_FAILURE_EXECUTION_ERROR,
                                        HEALER_ACTION_RESTART_INSTANCE)
                                  .tried,
                          0);
        rig_run(rig, 80);
        ck_assert_uint_eq(healer_effect(rig->healer, HEALER_FAILURE_EXECUTION_ERROR,
                                        HEALER_ACTION_RESTART_INSTANCE)
                                  .tried,
                          1);
        rig_free(rig);
}
END_TEST

START_TEST(well_counts_after_the_dwell_time)
{
        struct rig *rig = acted_on(rig_create());

        rig_answer_all(rig, true);
        rig_run(rig, 10);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_EPISODE_VERIFIED), 0);
        rig_run(rig, 10);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_EPISODE_VERIFIED), 1);
        rig_free(rig);
}
END_TEST

/* Who calls the service suffers; the healer restarts an instance of it. */
static struct rig *callers_suffer(void)
{
        struct rig *rig = rig_create();

        rig_start(rig);
        rig_run(rig, 300);
        rig->instance[INSTANCE(PAYMENT, 2)].error_ratio = 0.9;
        rig->edge[TO_PAYMENT].error_ratio = 0.3;
        rig_run(rig, 20);
        ck_assert_uint_eq(rig->order_count, 1);
        return rig;
}

START_TEST(what_ends_soon_after_an_action_is_claimed_once_it_has_stayed_so)
{
        struct rig *rig = callers_suffer();

        rig_answer_all(rig, true);
        rig->edge[TO_PAYMENT].error_ratio = 0;
        rig_run(rig, 20);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_EPISODE_CLAIMED), 0);
        rig_run(rig, 20);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_EPISODE_CLAIMED), 1);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_EPISODE_VERIFIED), 1);
        ck_assert_uint_eq(healer_stats(rig->healer).claimed, 1);
        rig_free(rig);
}
END_TEST

START_TEST(what_goes_on_long_after_an_action_and_then_ends_is_nobodys_merit)
{
        struct rig *rig = callers_suffer();

        rig_answer_all(rig, true);
        rig_run(rig, 25); /* as bad as before, until it ends by itself */
        rig->edge[TO_PAYMENT].error_ratio = 0;
        rig_run(rig, 60);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_EPISODE_CLOSED), 1);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_EPISODE_CLAIMED), 0);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_EPISODE_VERIFIED), 0);
        rig_free(rig);
}
END_TEST

START_TEST(what_was_better_before_the_action_was_done_is_nobodys_merit)
{
        struct rig *rig = callers_suffer();

        rig->edge[TO_PAYMENT].error_ratio = 0;
        rig->instance[INSTANCE(PAYMENT, 2)].error_ratio = 0;
        rig_run(rig, 15); /* the order is still under way */
        rig_answer_all(rig, true);
        rig_run(rig, 60);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_EPISODE_CLOSED), 1);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_EPISODE_CLAIMED), 0);
        rig_free(rig);
}
END_TEST

START_TEST(what_passes_by_itself_is_closed_and_not_claimed)
{
        struct rig *rig = rig_started();

        rig_run(rig, 300);
        rig_slow_edge(rig, TO_PAYMENT, 2, 2.2);
        rig_run(rig, 60);
        rig_slow_edge(rig, TO_PAYMENT, 0.011, 0.032);
        rig_run(rig, 60);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_EPISODE_OPENED), 1);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_EPISODE_CLAIMED), 0);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_EPISODE_VERIFIED), 0);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_EPISODE_CLOSED), 1);
        rig_free(rig);
}
END_TEST

START_TEST(an_open_breaker_is_not_well)
{
        struct rig *rig = rig_started();

        rig_run(rig, 300);
        rig_slow_edge(rig, TO_PAYMENT, 2, 2.2);
        rig_run(rig, 30);
        (void)healer_observe_breaker(rig->healer, TO_PAYMENT, true);
        rig->edge[TO_PAYMENT].calls = 0;
        rig_run(rig, 200);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_EPISODE_CLOSED), 0);
        (void)healer_observe_breaker(rig->healer, TO_PAYMENT, false);
        rig->edge[TO_PAYMENT] = (struct healer_edge_sample){TO_PAYMENT, 150,   0,    0,
                                                            0.011,      0.032, 0.043};
        rig_run(rig, 60);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_EPISODE_CLOSED), 1);
        rig_free(rig);
}
END_TEST

START_TEST(a_human_is_called_at_the_deadline_exactly_once)
{
        struct rig *rig = rig_started();

        rig_run(rig, 300);
        rig_slow_edge(rig, TO_PAYMENT, 2, 2.2);
        rig_run(rig, 300);
        ck_assert_uint_eq(rig->order_count, 0);
        rig_run(rig, 20);
        ck_assert_uint_eq(rig->order_count, 1);
        ck_assert_int_eq(rig->orders[0].kind, HEALER_ACTION_ESCALATE);
        rig_run(rig, 7200);
        ck_assert_uint_eq(rig->order_count, 1);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_ESCALATION), 1);
        rig_free(rig);
}
END_TEST

START_TEST(the_escalation_threshold_counts_rungs_that_failed)
{
        struct rig *rig = rig_create();
        uint32_t i;

        rig->config.escalation.threshold = 1;
        acted_on(rig);
        rig_answer_all(rig, true);
        for (i = 0; i < 20; i++) {
                rig->instance[INSTANCE(PAYMENT, 2)].error_ratio = 0.9;
                rig_step(rig);
        }
        ck_assert_uint_eq(rig->order_count, 2);
        ck_assert_int_eq(rig->orders[1].kind, HEALER_ACTION_ESCALATE);
        rig_free(rig);
}
END_TEST

START_TEST(preference_moves_by_the_learning_rate_and_stands_when_off)
{
        struct rig *rig = rig_create();
        struct healer_effect effect;

        rig->config.learning.enabled = _i == 1;
        rig->config.learning.rate = 0.2;
        acted_on(rig);
        rig_answer_all(rig, true);
        rig_run(rig, 60);
        effect = healer_effect(rig->healer, HEALER_FAILURE_EXECUTION_ERROR,
                               HEALER_ACTION_RESTART_INSTANCE);
        ck_assert_uint_eq(effect.tried, (uint64_t)_i);
        ck_assert_double_eq_tol(effect.preference, _i == 1 ? 0.6 : 0.5, 1e-12);
        rig_free(rig);
}
END_TEST

START_TEST(a_rung_that_was_learned_to_be_useless_is_passed_over)
{
        struct rig *rig = rig_create();
        bool replaced_first = false;
        uint32_t i, round, first;

        rig->config.learning.min_samples = 3;
        rig->config.learning.rate = 0.5;
        rig->config.learning.continuous_improvement = _i == 1;
        rig->config.detection.patterns = false;
        rig->config.recovery.budget_actions = 1000;
        rig->config.recovery.restarts_max = 1000;
        rig_without_failover(rig);
        rig_start(rig);
        rig_run(rig, 300);
        for (round = 0; round < 5; round++) { /* restarting never helps, replacing does */
                first = rig->order_count;
                for (i = 0; i < 60; i++) {
                        bool cured = rig->order_count > first &&
                                     rig->orders[rig->order_count - 1].kind ==
                                             HEALER_ACTION_REPLACE_INSTANCE;

                        rig->instance[INSTANCE(PAYMENT, 2)].error_ratio = cured ? 0 : 0.9;
                        rig_step(rig);
                        rig_answer_all(rig, true);
                }
                replaced_first = rig->orders[first].kind == HEALER_ACTION_REPLACE_INSTANCE;
        }
        ck_assert_int_eq(replaced_first, _i == 1);
        rig_free(rig);
}
END_TEST

START_TEST(health_is_unknown_until_something_is_known)
{
        struct rig *rig = rig_started();

        ck_assert_int_eq(healer_health_of(rig->healer, CART).status, HEALER_UNKNOWN);
        rig_run(rig, 30);
        ck_assert_int_eq(healer_health_of(rig->healer, CART).status, HEALER_HEALTHY);
        ck_assert_double_eq(healer_health_of(rig->healer, CART).score, 100);
        rig_free(rig);
}
END_TEST

START_TEST(the_penalty_table_of_the_document_gives_50)
{
        struct rig *rig = rig_create();
        int i;

        rig->config.enabled = true;
        rig_start(rig);
        for (i = 0; i < RIG_EACH; i++) {
                rig->instance[INSTANCE(CART, i)].cpu_ratio = 0.85;
                rig->instance[INSTANCE(CART, i)].memory_ratio = 0.88;
                rig->instance[INSTANCE(CART, i)].error_ratio = 0.08;
                rig_slow_instance(rig, INSTANCE(CART, i), 3.5);
        }
        rig_run(rig, 5);
        ck_assert_double_eq(healer_health_of(rig->healer, CART).score, 50);
        rig_free(rig);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("verification");
        TCase *tcase = tcase_create("verification");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_test(tcase, that_an_action_reported_success_is_not_claimed_to_be_a_cure);
        tcase_add_test(tcase, well_counts_after_the_dwell_time);
        tcase_add_test(tcase, what_ends_soon_after_an_action_is_claimed_once_it_has_stayed_so);
        tcase_add_test(tcase, what_goes_on_long_after_an_action_and_then_ends_is_nobodys_merit);
        tcase_add_test(tcase, what_was_better_before_the_action_was_done_is_nobodys_merit);
        tcase_add_test(tcase, what_passes_by_itself_is_closed_and_not_claimed);
        tcase_add_test(tcase, an_open_breaker_is_not_well);
        tcase_add_test(tcase, a_human_is_called_at_the_deadline_exactly_once);
        tcase_add_test(tcase, the_escalation_threshold_counts_rungs_that_failed);
        tcase_add_loop_test(tcase, preference_moves_by_the_learning_rate_and_stands_when_off, 0, 2);
        tcase_add_loop_test(tcase, a_rung_that_was_learned_to_be_useless_is_passed_over, 0, 2);
        tcase_add_test(tcase, health_is_unknown_until_something_is_known);
        tcase_add_test(tcase, the_penalty_table_of_the_document_gives_50);
        suite_add_tcase(suite, tcase);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
