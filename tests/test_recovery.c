/* Recovery: limits, repeats, late results, taking back. */
#include <check.h>

#include "tests/healer_rig.h"

static uint32_t open_orders(const struct rig *rig)
{
        return healer_stats(rig->healer).orders_open;
}

static void make_bad(struct rig *rig, int service, int count)
{
        int i;

        for (i = 0; i < count; i++)
                rig->instance[INSTANCE(service, i)].error_ratio = 0.9;
}

START_TEST(instances_are_taken_one_after_the_other)
{
        struct rig *rig = rig_started();

        int i;

        rig_run(rig, 300);
        for (i = 0; i < 3; i++)
                rig->instance[INSTANCE(PAYMENT, i)].error_ratio = 0.5;
        rig_run(rig, 60);
        ck_assert_uint_eq(rig->order_count, 1);
        rig_answer(rig, 0, true);
        rig_step(rig);
        ck_assert_uint_eq(rig->order_count, 2);
        ck_assert_uint_ne(rig->orders[0].instance, rig->orders[1].instance);
        rig_free(rig);
}
END_TEST

/* Who answers nobody well is missed by nobody: the quorum is there already. */
START_TEST(those_that_serve_nobody_are_taken_at_once)
{
        struct rig *rig = rig_started();

        rig_run(rig, 300);
        make_bad(rig, PAYMENT, 3);
        rig_run(rig, 30);
        ck_assert_uint_eq(rig->order_count, 3);
        ck_assert_int_eq(rig->orders[0].kind, HEALER_ACTION_RESTART_INSTANCE);
        ck_assert_int_eq(rig->orders[2].kind, HEALER_ACTION_RESTART_INSTANCE);
        rig_free(rig);
}
END_TEST

static void dies_for_want_of_memory(struct rig *rig, uint32_t instance)
{
        const struct healer_occurrence event = {.at_ns = rig->now_ns,
                                                .kind = HEALER_OCCURRED_PROCESS_EXITED,
                                                .service = instance / RIG_EACH,
                                                .instance = instance,
                                                .code = 137,
                                                .oom = true,
                                                .text = ""};

        rig->alive[instance] = false;
        ck_assert_int_eq(healer_observe_event(rig->healer, &event), HEALER_OK);
}

static uint32_t times(const struct rig *rig, enum healer_action_kind kind, uint32_t instance)
{
        uint32_t i, count = 0;

        for (i = 0; i < rig->order_count; i++)
                count += rig->orders[i].kind == kind && rig->orders[i].instance == instance;
        return count;
}

/* Moving its traffic away ends what users feel; the replacement comes behind it. */
START_TEST(one_of_several_is_moved_away_from_and_replaced_behind_it)
{
        struct rig *rig = rig_started();

        rig_run(rig, 300);
        make_bad(rig, PAYMENT, 1);
        rig_run(rig, 15);
        ck_assert_uint_eq(rig->order_count, 1);
        ck_assert_int_eq(rig->orders[0].kind, HEALER_ACTION_FAILOVER);
        rig_answer(rig, 0, true);
        rig_step(rig);
        ck_assert_uint_eq(rig->order_count, 2);
        ck_assert_int_eq(rig->orders[1].kind, HEALER_ACTION_REPLACE_INSTANCE);
        ck_assert_uint_eq(rig->orders[1].instance, INSTANCE(PAYMENT, 0));
        rig_free(rig);
}
END_TEST

/* Out of memory again on the same host: the platform's restart was no cure, and ours
 * would be none either. */
START_TEST(what_dies_again_for_want_of_memory_is_not_restarted_once_more)
{
        struct rig *rig = rig_started();
        int death;

        rig_run(rig, 300);
        for (death = 0; death < 2; death++) {
                dies_for_want_of_memory(rig, INSTANCE(CART, 0));
                rig_run(rig, 5);
                if (death == 0)
                        rig_comes_back(rig, INSTANCE(CART, 0));
        }
        ck_assert_uint_eq(times(rig, HEALER_ACTION_RESTART_INSTANCE, INSTANCE(CART, 0)), 0);
        ck_assert_uint_eq(times(rig, HEALER_ACTION_REPLACE_INSTANCE, INSTANCE(CART, 0)), 1);
        rig_free(rig);
}
END_TEST

START_TEST(at_most_so_many_at_once_and_the_rest_waits_for_its_turn)
{
        struct rig *rig = rig_create();

        rig->config.recovery.max_concurrent = 2;
        rig_start(rig);
        rig_run(rig, 300);
        make_bad(rig, PAYMENT, 1);
        make_bad(rig, CART, 1);
        make_bad(rig, CHECKOUT, 1);
        rig_run(rig, 25);
        ck_assert_uint_eq(open_orders(rig), 2);
        rig_answer(rig, 0, true);
        rig_step(rig);
        ck_assert_uint_eq(rig->order_count, 3);
        rig_free(rig);
}
END_TEST

START_TEST(a_failed_action_is_repeated_after_2_4_and_8_seconds)
{
        static const int64_t waits_s[] = {2, 4, 8};
        struct rig *rig = rig_create();
        int64_t answered;
        uint32_t k;

        rig->config.detection.interval_ns = RIG_SECOND;
        rig->step_ns = RIG_SECOND;
        rig_start(rig);
        rig_run(rig, 300);
        make_bad(rig, PAYMENT, 1);
        while (rig->order_count == 0)
                rig_step(rig);
        for (k = 0; k < 3; k++) {
                rig_answer(rig, k, false);
                answered = rig->now_ns;
                while (rig->order_count == k + 1)
                        rig_step(rig);
                ck_assert_int_eq(rig->now_ns - answered, waits_s[k] * RIG_SECOND);
                ck_assert_int_eq(rig->orders[k + 1].kind, HEALER_ACTION_FAILOVER);
        }
        rig_answer(rig, 3, false); /* that was the third repeat */
        rig_run(rig, 20);
        ck_assert_uint_eq(rig->order_count, 5);
        ck_assert_int_eq(rig->orders[4].kind, HEALER_ACTION_RESTART_INSTANCE);
        rig_free(rig);
}
END_TEST

START_TEST(s1_20_waits_are_capped_and_the_episode_is_open_until_the_last_try)
{
        struct rig *rig = rig_create();
        int64_t waited, answered;
        uint32_t k;

        rig->config.recovery.max_retry_attempts = 10;
        rig->config.recovery.budget_actions = 1000;
        rig->config.recovery.restarts_max = 1000;
        rig->config.escalation.timeout_ns = 86400 * RIG_SECOND;
        rig->config.detection.interval_ns = RIG_SECOND;
        rig->step_ns = RIG_SECOND;
        rig_start(rig);
        rig_run(rig, 300);
        make_bad(rig, PAYMENT, 1);
        while (rig->order_count == 0)
                rig_step(rig);
        for (k = 0; k < 10; k++) {
                rig_answer(rig, k, false);
                answered = rig->now_ns;
                while (rig->order_count == k + 1)
                        rig_step(rig);
                waited = (rig->now_ns - answered) / RIG_SECOND;
                ck_assert_int_eq(waited, k < 8 ? 2 << k : 300);
                ck_assert_int_eq(rig->orders[k + 1].kind, HEALER_ACTION_FAILOVER);
                ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_EPISODE_CLOSED), 0);
                ck_assert_uint_eq(healer_stats(rig->healer).episodes_open, 1);
        }
        rig_free(rig);
}
END_TEST

START_TEST(a_late_action_keeps_its_place_until_it_ends)
{
        struct rig *rig = rig_started();

        rig_run(rig, 300);
        make_bad(rig, PAYMENT, 1);
        rig_run(rig, 20);
        ck_assert_uint_eq(rig->order_count, 1);
        rig_run(rig, 100);
        ck_assert_uint_eq(healer_stats(rig->healer).orders_late, 1);
        ck_assert_uint_eq(open_orders(rig), 1);
        ck_assert_uint_eq(rig->order_count, 1); /* nothing else on that instance */
        rig_answer(rig, 0, true);
        ck_assert_uint_eq(open_orders(rig), 0);
        rig_free(rig);
}
END_TEST

START_TEST(the_budget_ends_in_a_human)
{
        struct rig *rig = rig_create();
        uint32_t i, humans = 0, others = 0;

        rig->config.recovery.budget_actions = 3;
        rig->config.escalation.threshold = 100;
        rig_start(rig);
        rig_run(rig, 300);
        for (i = 0; i < 400; i++) {
                make_bad(rig, PAYMENT, 1);
                make_bad(rig, CART, 1);
                make_bad(rig, CHECKOUT, 1);
                rig_step(rig);
                rig_answer_all(rig, true);
        }
        for (i = 0; i < rig->order_count; i++) {
                if (rig->orders[i].kind == HEALER_ACTION_ESCALATE)
                        humans++;
                else
                        others++;
        }
        ck_assert_uint_eq(others, 3);
        ck_assert_uint_ge(humans, 1);
        ck_assert_uint_le(humans, 3);
        ck_assert_uint_gt(healer_stats(rig->healer).budget_refusals, 0);
        rig_free(rig);
}
END_TEST

START_TEST(an_instance_is_not_restarted_for_ever)
{
        const struct healer_ladder only_restart = {1, {HEALER_ACTION_RESTART_INSTANCE}};
        struct rig *rig = rig_create();
        uint32_t i, restarts = 0;

        rig->config.recovery.strategies[HEALER_FAILURE_EXECUTION_ERROR] = only_restart;
        rig->config.recovery.restarts_max = 2;
        rig->config.escalation.threshold = 1000;
        rig->config.escalation.timeout_ns = 86400 * RIG_SECOND;
        rig_start(rig);
        rig_run(rig, 300);
        for (i = 0; i < 600; i++) { /* an hour less the start: comes back after each cure */
                if (i % 40 == 0)
                        make_bad(rig, PAYMENT, 1);
                rig_step(rig);
                rig_answer_all(rig, true);
        }
        for (i = 0; i < rig->order_count; i++)
                restarts += rig->orders[i].kind == HEALER_ACTION_RESTART_INSTANCE;
        ck_assert_uint_eq(restarts, 2);
        rig_free(rig);
}
END_TEST

START_TEST(s1_16_a_service_is_restarted_only_so_often_and_then_a_human_is_called)
{
        const struct healer_ladder only_restart = {1, {HEALER_ACTION_RESTART_SERVICE}};
        struct rig *rig = rig_create();
        uint32_t i, k, restarts = 0, humans = 0, seen = 0;

        rig->config.recovery.strategies[HEALER_FAILURE_EXECUTION_ERROR] = only_restart;
        rig->config.recovery.restarts_max = 3;
        rig->config.escalation.threshold = 1000;
        rig->config.escalation.timeout_ns = 86400 * RIG_SECOND;
        rig_start(rig);
        rig_run(rig, 300);
        for (i = 0; i < 600; i++) { /* 50 minutes: bad again soon after each cure */
                if (i % 40 == 0)
                        make_bad(rig, PAYMENT, RIG_EACH);
                rig_step(rig);
                rig_answer_all(rig, true);
                for (; seen < rig->order_count; seen++) {
                        humans += rig->orders[seen].kind == HEALER_ACTION_ESCALATE;
                        ck_assert(humans == 0 || restarts == 3); /* not before */
                        if (rig->orders[seen].kind != HEALER_ACTION_RESTART_SERVICE)
                                continue;
                        restarts++;
                        for (k = INSTANCE(PAYMENT, 0); k < INSTANCE(PAYMENT, RIG_EACH); k++)
                                rig->instance[k] = rig_well(k);
                }
        }
        ck_assert_uint_eq(restarts, 3);
        ck_assert_uint_ge(humans, 1);
        ck_assert_uint_gt(healer_stats(rig->healer).budget_refusals, 0);
        rig_free(rig);
}
END_TEST

START_TEST(s1_19_a_timeout_is_raised_by_half_and_a_check_asks_an_instance)
{
        static const enum healer_action_kind kinds[] = {HEALER_ACTION_ADJUST_TIMEOUT,
                                                        HEALER_ACTION_HEALTH_CHECK};
        const struct healer_ladder ladder = {1, {kinds[_i]}};
        struct rig *rig = rig_create();
        int failure;

        for (failure = 0; failure < HEALER_FAILURE_COUNT; failure++)
                rig->config.recovery.strategies[failure] = ladder;
        rig_start(rig);
        rig_run(rig, 300);
        make_bad(rig, PAYMENT, 1);
        rig_run(rig, 60);
        ck_assert_uint_ge(rig->order_count, 1);
        ck_assert_int_eq(rig->orders[0].kind, kinds[_i]);
        if (_i == 0)
                ck_assert_double_eq(rig->orders[0].amount, 1.5);
        else
                ck_assert_uint_eq(rig->orders[0].instance, INSTANCE(PAYMENT, 0));
        rig_free(rig);
}
END_TEST

/* What an action takes away is no failure; a question takes nothing away. */
START_TEST(a_crash_while_an_instance_is_only_asked_is_seen)
{
        const enum healer_action_kind kind =
                _i == 0 ? HEALER_ACTION_RESTART_INSTANCE : HEALER_ACTION_HEALTH_CHECK;
        const struct healer_ladder ladder = {1, {kind}};
        struct rig *rig = rig_create();
        uint32_t i, dead = 0;

        rig->config.recovery.strategies[HEALER_FAILURE_EXECUTION_ERROR] = ladder;
        rig_start(rig);
        rig_run(rig, 300);
        make_bad(rig, PAYMENT, 1);
        while (rig->order_count == 0)
                rig_step(rig);
        ck_assert_int_eq(rig->orders[0].kind, kind);
        rig_crash(rig, INSTANCE(PAYMENT, 0));
        rig_run(rig, 25);
        for (i = 0; i < rig->notice_count; i++)
                dead += rig->notices[i].kind == HEALER_NOTICE_ALARM &&
                        (rig->notices[i].failure == HEALER_FAILURE_AGENT_DOWN ||
                         rig->notices[i].failure == HEALER_FAILURE_AGENT_FAILED);
        ck_assert_int_eq(dead > 0, _i == 1);
        rig_free(rig);
}
END_TEST

START_TEST(a_level_of_degradation_is_taken_back_step_by_step)
{
        const struct healer_ladder ladder = {1, {HEALER_ACTION_SET_DEGRADATION}};
        struct rig *rig = rig_create();
        int i;

        rig->config.recovery.strategies[HEALER_FAILURE_RESOURCE_EXHAUSTION] = ladder;
        rig_start(rig);
        rig_run(rig, 300);
        for (i = 0; i < RIG_EACH; i++) {
                rig_slow_instance(rig, INSTANCE(CART, i), 0.8);
                rig->instance[INSTANCE(CART, i)].cpu_ratio = 0.99;
        }
        rig_run(rig, 20);
        ck_assert_uint_eq(rig->order_count, 1);
        ck_assert_double_eq(rig->orders[0].amount, 1);
        for (i = 0; i < RIG_EACH; i++)
                rig->instance[INSTANCE(CART, i)] = rig_well(INSTANCE(CART, i));
        rig_answer_all(rig, true);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_DEGRADATION), 1);
        rig_run(rig, 120);
        ck_assert_uint_eq(rig->order_count, 2);
        ck_assert_int_eq(rig->orders[1].kind, HEALER_ACTION_SET_DEGRADATION);
        ck_assert_double_eq(rig->orders[1].amount, 0);
        rig_answer_all(rig, true);
        rig_run(rig, 600);
        ck_assert_uint_eq(rig->order_count, 2);
        rig_free(rig);
}
END_TEST

START_TEST(results_of_nobody_change_nothing)
{
        const struct healer_result result = {12345, true, ""};
        struct rig *rig = rig_started();

        rig_run(rig, 60);
        ck_assert_int_eq(healer_observe_result(rig->healer, rig->now_ns, &result), HEALER_OK);
        ck_assert_uint_eq(healer_stats(rig->healer).orders_ok, 0);
        rig_free(rig);
}
END_TEST

START_TEST(a_restart_by_others_that_did_not_help_is_not_taken_for_a_mend)
{
        struct rig *rig = rig_started();

        rig_run(rig, 300);
        /* First only the way to it is seen to be slow... */
        rig->edge[TO_PAYMENT].latency_p50_s = 2;
        rig->edge[TO_PAYMENT].latency_p95_s = 3;
        rig->edge[TO_PAYMENT].latency_p99_s = 4;
        rig_run(rig, 30);
        ck_assert_uint_eq(rig->order_count, 0);
        /* ... then a routine deployment restarts an instance of it, and the
         * new process is the slow one: its host is. */
        rig_event(rig, HEALER_OCCURRED_PROCESS_EXITED, PAYMENT, INSTANCE(PAYMENT, 1), 0);
        rig_comes_back(rig, INSTANCE(PAYMENT, 1));
        rig->instance[INSTANCE(PAYMENT, 1)].latency_p50_s = 2;
        rig->instance[INSTANCE(PAYMENT, 1)].latency_p95_s = 3;
        rig->instance[INSTANCE(PAYMENT, 1)].latency_p99_s = 4;
        rig_run(rig, 45);
        ck_assert_uint_ge(rig->order_count, 1);
        ck_assert_uint_eq(rig->orders[0].instance, INSTANCE(PAYMENT, 1));
        rig_free(rig);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("recovery");
        TCase *tcase = tcase_create("recovery");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_test(tcase, instances_are_taken_one_after_the_other);

        tcase_add_test(tcase, those_that_serve_nobody_are_taken_at_once);

        tcase_add_test(tcase, one_of_several_is_moved_away_from_and_replaced_behind_it);

        tcase_add_test(tcase, what_dies_again_for_want_of_memory_is_not_restarted_once_more);
        tcase_add_test(tcase, at_most_so_many_at_once_and_the_rest_waits_for_its_turn);
        tcase_add_test(tcase, a_failed_action_is_repeated_after_2_4_and_8_seconds);
        tcase_add_test(tcase, s1_20_waits_are_capped_and_the_episode_is_open_until_the_last_try);
        tcase_add_test(tcase, a_late_action_keeps_its_place_until_it_ends);
        tcase_add_test(tcase, the_budget_ends_in_a_human);
        tcase_add_test(tcase, an_instance_is_not_restarted_for_ever);
        tcase_add_test(tcase,
                       s1_16_a_service_is_restarted_only_so_often_and_then_a_human_is_called);
        tcase_add_loop_test(tcase, s1_19_a_timeout_is_raised_by_half_and_a_check_asks_an_instance,
                            0, 2);
        tcase_add_loop_test(tcase, a_crash_while_an_instance_is_only_asked_is_seen, 0, 2);
        tcase_add_test(tcase, a_level_of_degradation_is_taken_back_step_by_step);
        tcase_add_test(tcase, results_of_nobody_change_nothing);
        tcase_add_test(tcase, a_restart_by_others_that_did_not_help_is_not_taken_for_a_mend);
        suite_add_tcase(suite, tcase);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
