/* The supervisor as a whole: from telemetry to verified healing. */
#include <check.h>

#include "tests/healer_rig.h"

START_TEST(a_calm_fleet_is_left_alone)
{
        struct rig *rig = rig_started();

        rig_run(rig, 3600);
        ck_assert_uint_eq(rig->order_count, 0);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_ALARM), 0);
        ck_assert_uint_eq(healer_stats(rig->healer).dropped, 0);
        rig_free(rig);
}
END_TEST

START_TEST(a_slow_instance_loses_its_traffic_is_replaced_and_the_cure_verified)
{
        struct rig *rig = rig_started();

        rig_run(rig, 300);
        rig_slow_instance(rig, INSTANCE(CART, 1), 0.8);
        rig_slow_edge(rig, TO_CART, 0.012, 0.85);
        rig_slow_edge(rig, TO_FRONTEND, 0.012, 0.9);
        rig_run(rig, 30);
        ck_assert_uint_eq(rig->order_count, 1);
        ck_assert_int_eq(rig->orders[0].kind, HEALER_ACTION_FAILOVER);
        ck_assert_uint_eq(rig->orders[0].service, CART);
        ck_assert_uint_eq(rig->orders[0].instance, INSTANCE(CART, 1));
        rig_slow_edge(rig, TO_CART, 0.011, 0.032);
        rig_slow_edge(rig, TO_FRONTEND, 0.011, 0.032);
        rig_answer_all(rig, true);
        ck_assert_uint_eq(rig->order_count, 2);
        ck_assert_int_eq(rig->orders[1].kind, HEALER_ACTION_REPLACE_INSTANCE);
        ck_assert_uint_eq(rig->orders[1].instance, INSTANCE(CART, 1));
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_EPISODE_CLAIMED), 0);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_EPISODE_VERIFIED), 0);
        rig_answer_all(rig, true);
        rig_run(rig, 60);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_EPISODE_VERIFIED), 1);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_EPISODE_CLOSED), 1);
        ck_assert_uint_eq(rig->order_count, 2);
        ck_assert_uint_eq(healer_stats(rig->healer).episodes_open, 0);
        rig_free(rig);
}
END_TEST

START_TEST(a_bad_way_is_no_reason_to_restart_anybody)
{
        struct rig *rig = rig_started();

        rig_run(rig, 300);
        rig_slow_edge(rig, TO_PAYMENT, 2.0, 2.1);
        rig_slow_edge(rig, TO_CHECKOUT, 1.5, 2.2);
        rig_slow_instance(rig, INSTANCE(CHECKOUT, 0), 1.6);
        rig_slow_instance(rig, INSTANCE(CHECKOUT, 1), 1.6);
        rig_slow_instance(rig, INSTANCE(CHECKOUT, 2), 1.6);
        rig_run(rig, 120);
        ck_assert_uint_eq(rig->order_count, 0);
        ck_assert_ptr_nonnull(rig_first(rig, HEALER_NOTICE_DIAGNOSIS));
        ck_assert_uint_eq(rig_first(rig, HEALER_NOTICE_DIAGNOSIS)->service, PAYMENT);
        ck_assert_uint_eq(rig_first(rig, HEALER_NOTICE_DIAGNOSIS)->edge, TO_PAYMENT);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_EPISODE_OPENED), 1);
        rig_free(rig);
}
END_TEST

START_TEST(an_erring_instance_is_moved_away_from_and_its_callers_are_not)
{
        struct rig *rig = rig_started();
        int i;

        rig_run(rig, 300);
        rig->instance[INSTANCE(PAYMENT, 2)].error_ratio = 0.9;
        rig->edge[TO_PAYMENT].error_ratio = 0.3;
        rig->edge[TO_CHECKOUT].error_ratio = 0.3;
        for (i = 0; i < RIG_EACH; i++)
                rig->instance[INSTANCE(CHECKOUT, i)].error_ratio = 0.3;
        rig_run(rig, 30);
        ck_assert_uint_eq(rig->order_count, 1);
        ck_assert_int_eq(rig->orders[0].kind, HEALER_ACTION_FAILOVER);
        ck_assert_uint_eq(rig->orders[0].instance, INSTANCE(PAYMENT, 2));
        rig_free(rig);
}
END_TEST

/* Two stories end: a move that helps, and a crash that the platform mends. */
START_TEST(every_episode_that_ends_is_in_the_account)
{
        struct healer_analytics_config config = healer_analytics_config_defaults();
        struct healer_analytics_report *report = malloc(sizeof(*report));
        struct healer_analytics *analytics;
        struct rig *rig = rig_started();
        int i;

        ck_assert_int_eq(healer_analytics_create(&config, &analytics), HEALER_OK);
        ck_assert_int_eq(healer_set_analytics(rig->healer, analytics), HEALER_OK);
        rig_run(rig, 300);
        rig->instance[INSTANCE(PAYMENT, 2)].error_ratio = 0.9;
        rig->edge[TO_PAYMENT].error_ratio = 0.3;
        rig_run(rig, 30);
        ck_assert_uint_eq(rig->order_count, 1);
        rig_answer_all(rig, true);
        rig->instance[INSTANCE(PAYMENT, 2)].error_ratio = 0;
        rig->edge[TO_PAYMENT].error_ratio = 0;
        for (i = 0; i < 60 && healer_stats(rig->healer).episodes_open > 0; i++)
                rig_run(rig, 10);
        rig_crash(rig, INSTANCE(CART, 0));
        rig_run(rig, 10);
        rig_comes_back(rig, INSTANCE(CART, 0));
        rig_run(rig, 120);
        ck_assert_int_eq(healer_analytics_report(analytics, rig->now_ns, HEALER_NEVER, report),
                         HEALER_OK);
        ck_assert_uint_eq(report->failures, 2);
        ck_assert_uint_eq(report->attempts, 1);
        ck_assert_uint_eq(report->successes, healer_stats(rig->healer).verified);
        ck_assert_uint_eq(report->successes, 1);
        ck_assert_str_eq(report->strategies[0].name, "replace_instance");
        ck_assert_str_eq(report->timeline[1].actions[0], "failover");
        ck_assert_double_gt(report->mttr_s, 0);
        ck_assert_double_lt(report->mttr_s, 60); /* without the dwell after it */
        rig_free(rig);
        healer_analytics_destroy(analytics);
        free(report);
}
END_TEST

START_TEST(a_crash_is_left_to_the_platform_while_it_copes)
{
        struct rig *rig = rig_started();

        rig_run(rig, 300);
        rig_crash(rig, INSTANCE(CART, 0));
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_ALARM), 1);
        rig_run(rig, 10);
        rig_comes_back(rig, INSTANCE(CART, 0));
        rig_run(rig, 120);
        ck_assert_uint_eq(rig->order_count, 0);
        ck_assert_uint_eq(healer_stats(rig->healer).episodes_open, 0);
        rig_free(rig);
}
END_TEST

START_TEST(a_process_that_stays_away_is_replaced)
{
        struct rig *rig = rig_started();

        rig_run(rig, 300);
        rig_crash(rig, INSTANCE(CART, 0));
        rig_run(rig, 30);
        ck_assert_uint_eq(rig->order_count, 1);
        ck_assert_int_eq(rig->orders[0].kind, HEALER_ACTION_REPLACE_INSTANCE);
        ck_assert_uint_eq(rig->orders[0].instance, INSTANCE(CART, 0));
        rig_free(rig);
}
END_TEST

START_TEST(planned_changes_are_no_failures)
{
        struct rig *rig = rig_started();
        int round, i;

        rig_run(rig, 300);
        for (round = 0; round < 50; round++) {
                rig_event(rig, HEALER_OCCURRED_DEPLOYMENT_STARTED, CART, HEALER_NONE, 0);
                for (i = 0; i < RIG_EACH; i++) {
                        rig->alive[INSTANCE(CART, i)] = false;
                        rig_event(rig, HEALER_OCCURRED_PROCESS_EXITED, CART, INSTANCE(CART, i), 0);
                        rig_event(rig, HEALER_OCCURRED_HEARTBEAT_MISSED, CART, INSTANCE(CART, i),
                                  0);
                        rig_run(rig, 20);
                        rig_comes_back(rig, INSTANCE(CART, i));
                        rig_slow_instance(rig, INSTANCE(CART, i), 0.3);
                        rig_run(rig, 10);
                        rig->instance[INSTANCE(CART, i)] = rig_well(INSTANCE(CART, i));
                }
                rig_event(rig, HEALER_OCCURRED_DEPLOYMENT_FINISHED, CART, HEALER_NONE, 0);
                rig_run(rig, 120);
        }
        ck_assert_uint_eq(rig->order_count, 0);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_ALARM), 0);
        rig_free(rig);
}
END_TEST

START_TEST(a_leak_is_foreseen_and_its_instance_restarted_before_it_ends)
{
        struct rig *rig = rig_started();
        int i;

        rig_run(rig, 300);
        for (i = 0; i < 100 && rig->order_count == 0; i++) {
                rig->instance[INSTANCE(CART, 1)].memory_ratio = 0.4 + 0.0045 * i;
                rig_step(rig);
        }
        ck_assert_uint_eq(rig->order_count, 1);
        ck_assert(rig->orders[0].preventive);
        ck_assert_uint_ne(rig->orders[0].prediction, 0);
        ck_assert_int_eq(rig->orders[0].kind, HEALER_ACTION_RESTART_INSTANCE);
        ck_assert_uint_eq(rig->orders[0].instance, INSTANCE(CART, 1));
        ck_assert_double_lt(rig->instance[INSTANCE(CART, 1)].memory_ratio, 0.85);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_PREDICTION), 1);
        rig_free(rig);
}
END_TEST

START_TEST(what_does_not_help_goes_up_the_ladder_to_a_human_once)
{
        struct rig *rig = rig_started();
        uint32_t i, humans = 0;
        bool moved = false, replaced = false;

        rig_run(rig, 300);
        rig->edge[TO_PAYMENT].error_ratio = 0.3;
        for (i = 0; i < 200; i++) {
                rig->instance[INSTANCE(PAYMENT, 2)].error_ratio = 0.9;
                rig_step(rig);
                if (rig->order_count > 0 && rig->answered < rig->order_count &&
                    rig->orders[rig->answered].kind != HEALER_ACTION_ESCALATE)
                        rig_answer_all(rig, true);
        }
        for (i = 0; i < rig->order_count; i++) {
                moved = moved || rig->orders[i].kind == HEALER_ACTION_FAILOVER;
                replaced = replaced || rig->orders[i].kind == HEALER_ACTION_REPLACE_INSTANCE;
                humans += rig->orders[i].kind == HEALER_ACTION_ESCALATE;
        }
        ck_assert(moved);
        ck_assert(replaced);
        ck_assert_uint_eq(humans, 1);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_ESCALATION), 1);
        ck_assert_uint_lt(rig->order_count, 10);
        rig_free(rig);
}
END_TEST

static enum healer_err reentry;

static void call_back_in(void *user, const struct healer_notice *notice)
{
        struct rig *rig = user;
        int64_t next;

        (void)notice;
        reentry = healer_tick(rig->healer, rig->now_ns, &next);
}

START_TEST(a_callback_that_calls_back_in_is_told_busy)
{
        struct rig *rig = rig_create();
        const struct healer_callbacks callbacks = {rig, NULL, call_back_in};

        ck_assert_int_eq(healer_create(&rig->config, &rig->topology, &callbacks, NULL, 0,
                                       &rig->healer),
                         HEALER_OK);
        rig_run(rig, 60);
        reentry = HEALER_OK;
        rig_crash(rig, INSTANCE(CART, 0));
        ck_assert_int_eq(reentry, HEALER_E_BUSY);
        rig_free(rig);
}
END_TEST

START_TEST(without_auto_heal_there_are_suggestions_and_no_orders)
{
        struct rig *rig = rig_create();

        rig->config.auto_heal = false;
        rig_start(rig);
        rig_run(rig, 300);
        rig->instance[INSTANCE(PAYMENT, 2)].error_ratio = 0.9;
        rig_run(rig, 900);
        ck_assert_uint_eq(rig->order_count, 0);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_SUGGESTION), 1);
        rig_free(rig);
}
END_TEST

START_TEST(a_healer_that_is_off_says_nothing)
{
        struct rig *rig = rig_create();

        rig->config.enabled = false;
        rig_start(rig);
        rig->instance[INSTANCE(PAYMENT, 2)].error_ratio = 0.9;
        rig_run(rig, 900);
        ck_assert_uint_eq(rig->notice_count + rig->order_count, 0);
        ck_assert_int_eq(rig->next_ns, HEALER_NEVER);
        rig_free(rig);
}
END_TEST

START_TEST(time_that_goes_back_stands_still_and_is_counted)
{
        struct rig *rig = rig_started();
        int64_t next;

        rig_run(rig, 60);
        ck_assert_int_eq(healer_tick(rig->healer, rig->now_ns - 1, &next), HEALER_OK);
        ck_assert_uint_eq(healer_stats(rig->healer).time_went_back, 1);
        rig_free(rig);
}
END_TEST

START_TEST(samples_of_nobody_are_counted_and_ignored)
{
        struct rig *rig = rig_started();
        struct healer_instance_sample sample = rig_well(99999);

        ck_assert_int_eq(healer_observe_instance(rig->healer, 1, &sample), HEALER_E_RANGE);
        ck_assert_uint_eq(healer_stats(rig->healer).dropped, 1);
        rig_free(rig);
}
END_TEST

static int allocations_left;

static void *scarce_alloc(void *ctx, size_t size)
{
        (void)ctx;
        if (allocations_left-- <= 0)
                return NULL;
        return malloc(size);
}

static void scarce_release(void *ctx, void *memory)
{
        (void)ctx;
        free(memory);
}

START_TEST(every_allocation_may_fail_at_create)
{
        const struct healer_allocator scarce = {scarce_alloc, scarce_release, NULL};
        const struct healer_callbacks callbacks = {NULL, NULL, NULL};
        struct rig *rig = rig_create();
        enum healer_err err = HEALER_E_NOMEM;
        int n;

        for (n = 0; err == HEALER_E_NOMEM && n < 100; n++) {
                allocations_left = n;
                err = healer_create(&rig->config, &rig->topology, &callbacks, &scarce, 0,
                                    &rig->healer);
                if (err != HEALER_OK)
                        ck_assert_ptr_null(rig->healer);
        }
        ck_assert_int_eq(err, HEALER_OK);
        ck_assert_int_gt(n, 3);
        rig_free(rig);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("healer");
        TCase *tcase = tcase_create("healer");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_test(tcase, a_calm_fleet_is_left_alone);
        tcase_add_test(tcase,
                       a_slow_instance_loses_its_traffic_is_replaced_and_the_cure_verified);
        tcase_add_test(tcase, a_bad_way_is_no_reason_to_restart_anybody);
        tcase_add_test(tcase, an_erring_instance_is_moved_away_from_and_its_callers_are_not);
        tcase_add_test(tcase, every_episode_that_ends_is_in_the_account);
        tcase_add_test(tcase, a_crash_is_left_to_the_platform_while_it_copes);
        tcase_add_test(tcase, a_process_that_stays_away_is_replaced);
        tcase_add_test(tcase, planned_changes_are_no_failures);
        tcase_add_test(tcase, a_leak_is_foreseen_and_its_instance_restarted_before_it_ends);
        tcase_add_test(tcase, what_does_not_help_goes_up_the_ladder_to_a_human_once);
        tcase_add_test(tcase, a_callback_that_calls_back_in_is_told_busy);
        tcase_add_test(tcase, without_auto_heal_there_are_suggestions_and_no_orders);
        tcase_add_test(tcase, a_healer_that_is_off_says_nothing);
        tcase_add_test(tcase, time_that_goes_back_stands_still_and_is_counted);
        tcase_add_test(tcase, samples_of_nobody_are_counted_and_ignored);
        tcase_add_test(tcase, every_allocation_may_fail_at_create);
        suite_add_tcase(suite, tcase);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
