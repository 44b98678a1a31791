/* Doing no harm: what does not help is undone and not repeated, what passes by
 * itself is left alone, and who works against us is stopped first. */
#include <check.h>

#include "tests/healer_rig.h"

/* The configuration of what is measured by harm: one ladder for one failure. */
static struct rig *with_ladder(enum healer_failure failure, enum healer_action_kind first,
                               enum healer_action_kind second)
{
        struct rig *rig = rig_create();

        rig->config.recovery.strategies[failure] =
                (struct healer_ladder){2, {first, second}};
        rig->config.learning.continuous_improvement = true;
        rig->config.prediction.enabled = false;
        rig_start(rig);
        rig_run(rig, 300);
        return rig;
}

/* More work than payment has: busy, late, and users feel it. */
static void overload(struct rig *rig, double users_fail)
{
        int i;

        for (i = 0; i < RIG_EACH; i++) {
                rig->instance[INSTANCE(PAYMENT, i)].cpu_ratio = 1;
                rig_slow_instance(rig, INSTANCE(PAYMENT, i), 4);
        }
        rig_slow_edge(rig, TO_PAYMENT, 4, 4.4);
        rig->edge[TO_FRONTEND].error_ratio = users_fail;
}

static void all_well(struct rig *rig)
{
        int i;

        for (i = 0; i < RIG_EACH; i++)
                rig->instance[INSTANCE(PAYMENT, i)] = rig_well(INSTANCE(PAYMENT, i));
        rig_slow_edge(rig, TO_PAYMENT, 0.011, 0.032);
        rig->edge[TO_FRONTEND].error_ratio = 0;
}

static uint32_t orders_of(const struct rig *rig, enum healer_action_kind kind)
{
        uint32_t i, count = 0;

        for (i = 0; i < rig->order_count; i++)
                count += rig->orders[i].kind == kind;
        return count;
}

static const struct healer_command *last_of(const struct rig *rig, enum healer_action_kind kind)
{
        uint32_t i;

        for (i = rig->order_count; i > 0; i--)
                if (rig->orders[i - 1].kind == kind)
                        return &rig->orders[i - 1];
        return NULL;
}

static void go_on(struct rig *rig, int64_t seconds)
{
        int64_t end = rig->now_ns + seconds * RIG_SECOND;

        while (rig->now_ns < end) {
                rig_step(rig);
                rig_answer_all(rig, true);
        }
}

START_TEST(a_measure_on_a_service_is_ordered_once)
{
        struct rig *rig = with_ladder(HEALER_FAILURE_RESOURCE_EXHAUSTION, HEALER_ACTION_SHED_LOAD,
                                      HEALER_ACTION_ESCALATE);

        overload(rig, 0.4);
        rig_run(rig, 15);
        rig_answer_all(rig, true);
        overload(rig, 0.2); /* it helps, and is not the end of it */
        go_on(rig, 40);
        ck_assert_uint_eq(orders_of(rig, HEALER_ACTION_SHED_LOAD), 1);
        rig_free(rig);
}
END_TEST

START_TEST(a_measure_that_did_not_help_goes_back_and_is_not_repeated)
{
        struct rig *rig = with_ladder(HEALER_FAILURE_RESOURCE_EXHAUSTION, HEALER_ACTION_SHED_LOAD,
                                      HEALER_ACTION_ESCALATE);

        overload(rig, 0.4);
        go_on(rig, 50);
        ck_assert_uint_eq(orders_of(rig, HEALER_ACTION_SHED_LOAD), 2);
        ck_assert_double_gt(rig->orders[0].amount, 0);
        ck_assert_double_eq(last_of(rig, HEALER_ACTION_SHED_LOAD)->amount, 0);
        go_on(rig, 120);
        all_well(rig);
        go_on(rig, 60);
        overload(rig, 0.4); /* the same once more */
        go_on(rig, 100);
        ck_assert_uint_eq(orders_of(rig, HEALER_ACTION_SHED_LOAD), 2);
        rig_free(rig);
}
END_TEST

START_TEST(a_measure_that_makes_it_worse_goes_back_sooner)
{
        struct rig *rig = with_ladder(HEALER_FAILURE_RESOURCE_EXHAUSTION, HEALER_ACTION_SHED_LOAD,
                                      HEALER_ACTION_ESCALATE);

        overload(rig, 0.2);
        while (rig->order_count == 0)
                rig_step(rig);
        rig_answer_all(rig, true);
        overload(rig, 0.5);
        go_on(rig, 20);
        ck_assert_uint_eq(orders_of(rig, HEALER_ACTION_SHED_LOAD), 2);
        ck_assert_double_eq(last_of(rig, HEALER_ACTION_SHED_LOAD)->amount, 0);
        rig_free(rig);
}
END_TEST

/* Its refusals keep the alarm alive when the cause has gone: only a trial shows it. */
START_TEST(a_measure_that_helped_is_taken_back_on_trial)
{
        struct rig *rig = with_ladder(HEALER_FAILURE_RESOURCE_EXHAUSTION, HEALER_ACTION_SHED_LOAD,
                                      HEALER_ACTION_ESCALATE);
        double shed = 0;

        overload(rig, 0.6);
        while (rig->order_count == 0)
                rig_step(rig);
        rig_answer_all(rig, true);
        for (int step = 0; step < 120; step++) {
                if (last_of(rig, HEALER_ACTION_SHED_LOAD) != NULL)
                        shed = last_of(rig, HEALER_ACTION_SHED_LOAD)->amount;
                /* at first the overload is real: the less is shed the worse it gets */
                overload(rig, step < 60 ? (shed > 0.29 ? 0.3 : 0.6) : shed);
                if (step >= 60 && !(shed > 0))
                        all_well(rig);
                rig_step(rig);
                rig_answer_all(rig, true);
                if (step == 59)
                        ck_assert_double_gt(shed, 0.1); /* each trial was taken back */
        }
        ck_assert_double_eq(shed, 0);
        rig_free(rig);
}
END_TEST

START_TEST(what_is_bad_again_after_its_renewal_lives_elsewhere)
{
        struct rig *rig = rig_create();
        uint32_t k;

        rig_without_failover(rig);
        rig_start(rig);
        rig_run(rig, 300);
        for (k = 0; k < 40; k++) { /* whatever is done to an instance, it is bad again */
                rig->instance[INSTANCE(PAYMENT, 1)].error_ratio = 0.9;
                rig_step(rig);
                rig_answer_all(rig, true);
        }
        ck_assert_uint_eq(orders_of(rig, HEALER_ACTION_RESTART_INSTANCE), 1);
        ck_assert_uint_eq(orders_of(rig, HEALER_ACTION_REPLACE_INSTANCE), 1);
        rig_free(rig);
}
END_TEST

START_TEST(what_recovers_while_it_waits_for_its_turn_is_left_alone)
{
        struct rig *rig = rig_create();

        rig->config.recovery.max_concurrent = 1;
        rig_without_failover(rig);
        rig_start(rig);
        rig_run(rig, 300);
        rig->instance[INSTANCE(PAYMENT, 0)].error_ratio = 0.9;
        rig_run(rig, 20);
        ck_assert_uint_eq(rig->order_count, 1); /* it takes its time */
        rig->instance[INSTANCE(CART, 0)].error_ratio = 0.9;
        rig_run(rig, 20);
        rig->instance[INSTANCE(CART, 0)].error_ratio = _i == 1 ? 0 : 0.9;
        rig_step(rig);
        rig_answer_all(rig, true);
        rig_run(rig, 60);
        ck_assert_uint_eq(rig->order_count, _i == 1 ? 1 : 2);
        rig_free(rig);
}
END_TEST

START_TEST(tokens_that_are_gone_are_no_reason_to_restart)
{
        struct rig *rig = rig_started();
        int i;

        rig_run(rig, 300);
        for (i = 0; i < RIG_EACH; i++) {
                rig->instance[INSTANCE(PAYMENT, i)].token_ratio = 1;
                rig->instance[INSTANCE(PAYMENT, i)].error_ratio = 0.8;
        }
        rig_run(rig, 120);
        ck_assert_uint_eq(rig->order_count, 0);
        ck_assert_int_eq(rig_last(rig, HEALER_NOTICE_DIAGNOSIS)->failure,
                         HEALER_FAILURE_TOKEN_EXHAUSTION);
        rig_free(rig);
}
END_TEST

START_TEST(checks_that_fail_where_all_else_is_well_are_switched_off)
{
        struct rig *rig = rig_started();
        int i;

        rig_run(rig, 300);
        for (i = 0; i < RIG_EACH; i++)
                rig_event(rig, HEALER_OCCURRED_HEALTH_CHECK, CART, INSTANCE(CART, i), 0);
        rig_run(rig, 40);
        ck_assert_uint_eq(rig->order_count, 1);
        ck_assert_int_eq(rig->orders[0].kind, HEALER_ACTION_DISABLE_HEALTH_CHECK);
        rig_free(rig);
}
END_TEST

static void bad_configuration(struct rig *rig)
{
        int i;

        rig_event(rig, HEALER_OCCURRED_CONFIG_CHANGED, PAYMENT, HEALER_NONE, 0);
        for (i = 0; i < RIG_EACH; i++)
                rig->instance[INSTANCE(PAYMENT, i)].error_ratio = 0.5;
        rig->edge[TO_PAYMENT].error_ratio = 0.5;
}

START_TEST(who_puts_a_bad_configuration_back_is_stopped_first)
{
        struct rig *rig = rig_started();
        int i;

        rig_run(rig, 300);
        bad_configuration(rig);
        rig_run(rig, 20);
        ck_assert_int_eq(rig->orders[0].kind, HEALER_ACTION_ROLLBACK_CONFIG);
        rig_answer_all(rig, true);
        for (i = 0; i < RIG_EACH; i++)
                rig->instance[INSTANCE(PAYMENT, i)].error_ratio = 0;
        rig->edge[TO_PAYMENT].error_ratio = 0;
        go_on(rig, 60);
        bad_configuration(rig);
        go_on(rig, 30);
        ck_assert_uint_ge(rig->order_count, 3);
        ck_assert_int_eq(rig->orders[1].kind, HEALER_ACTION_STOP_CONTROLLER);
        ck_assert_int_eq(rig->orders[2].kind, HEALER_ACTION_ROLLBACK_CONFIG);
        rig_free(rig);
}
END_TEST

START_TEST(of_several_places_one_is_tried_before_more_are_given_up)
{
        struct rig *rig = rig_started();

        rig_run(rig, 300);
        rig_crash(rig, INSTANCE(PAYMENT, 0));
        rig_crash(rig, INSTANCE(PAYMENT, 1));
        rig_run(rig, 60);
        ck_assert_uint_eq(orders_of(rig, HEALER_ACTION_REPLACE_INSTANCE), 1);
        rig_answer_all(rig, true);
        rig_run(rig, 10);
        ck_assert_uint_eq(orders_of(rig, HEALER_ACTION_REPLACE_INSTANCE), 2);
        rig_free(rig);
}
END_TEST

/* A breaker around the remedies of a component: it opens when they do not help, and
 * closes after one that did. */
START_TEST(s2_25_remedies_that_do_not_help_stop_until_one_did)
{
        struct rig *rig = rig_create();
        uint32_t first, i;

        rig->config.recovery.strategies[HEALER_FAILURE_EXECUTION_ERROR] =
                (struct healer_ladder){2, {HEALER_ACTION_RESTART_INSTANCE, HEALER_ACTION_ESCALATE}};
        rig->config.detection.patterns = false;
        rig->config.prediction.enabled = false;
        rig_start(rig);
        rig_run(rig, 300);
        for (i = 0; i < 60; i++) { /* five minutes in which restarting helps nobody */
                rig->instance[INSTANCE(PAYMENT, 1)].error_ratio = 0.9;
                rig_step(rig);
                rig_answer_all(rig, true);
        }
        ck_assert_uint_eq(orders_of(rig, HEALER_ACTION_RESTART_INSTANCE), 1);
        rig->instance[INSTANCE(PAYMENT, 1)].error_ratio = 0;
        go_on(rig, 700); /* over, and forgotten */
        rig->instance[INSTANCE(PAYMENT, 1)].error_ratio = 0.9;
        go_on(rig, 60); /* this time it helps: rig_answer() mends it */
        ck_assert_uint_eq(orders_of(rig, HEALER_ACTION_RESTART_INSTANCE), 2);
        ck_assert_uint_ge(rig_count(rig, HEALER_NOTICE_EPISODE_VERIFIED), 1);
        first = rig->order_count;
        rig->instance[INSTANCE(PAYMENT, 2)].error_ratio = 0.9;
        go_on(rig, 60); /* closed: at once */
        ck_assert_uint_gt(rig->order_count, first);
        ck_assert_int_eq(rig->orders[first].kind, HEALER_ACTION_RESTART_INSTANCE);
        rig_free(rig);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("harm");
        TCase *tests = tcase_create("harm");
        SRunner *runner;
        int failed;

        tcase_add_test(tests, a_measure_on_a_service_is_ordered_once);
        tcase_add_test(tests, a_measure_that_did_not_help_goes_back_and_is_not_repeated);
        tcase_add_test(tests, a_measure_that_makes_it_worse_goes_back_sooner);
        tcase_add_test(tests, a_measure_that_helped_is_taken_back_on_trial);
        tcase_add_test(tests, what_is_bad_again_after_its_renewal_lives_elsewhere);
        tcase_add_loop_test(tests, what_recovers_while_it_waits_for_its_turn_is_left_alone, 0, 2);
        tcase_add_test(tests, tokens_that_are_gone_are_no_reason_to_restart);
        tcase_add_test(tests, checks_that_fail_where_all_else_is_well_are_switched_off);
        tcase_add_test(tests, who_puts_a_bad_configuration_back_is_stopped_first);
        tcase_add_test(tests, s2_25_remedies_that_do_not_help_stop_until_one_did);
        tcase_add_test(tests, of_several_places_one_is_tried_before_more_are_given_up);
        suite_add_tcase(suite, tests);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
