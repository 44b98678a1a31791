/* Detection: thresholds, dwell, hysteresis, evidence, what is planned. */
#include <check.h>

#include "tests/healer_rig.h"

static uint32_t alarms(const struct rig *rig)
{
        return rig_count(rig, HEALER_NOTICE_ALARM);
}

START_TEST(an_alarm_waits_for_the_dwell_time)
{
        struct rig *rig = rig_started();

        rig_run(rig, 300);
        rig->edge[TO_PAYMENT].error_ratio = 0.07; /* a warning */
        rig_run(rig, 10);
        ck_assert_uint_eq(alarms(rig), 0);
        rig_run(rig, 5);
        ck_assert_uint_eq(alarms(rig), 1);
        ck_assert_uint_eq(rig_first(rig, HEALER_NOTICE_ALARM)->service, PAYMENT);
        ck_assert_uint_eq(rig_first(rig, HEALER_NOTICE_ALARM)->edge, TO_PAYMENT);
        ck_assert_int_eq(rig_first(rig, HEALER_NOTICE_ALARM)->failure,
                         HEALER_FAILURE_EXECUTION_ERROR);
        rig_free(rig);
}
END_TEST

START_TEST(what_is_critical_waits_half_as_long)
{
        struct rig *rig = rig_started();

        rig_run(rig, 300);
        rig->edge[TO_PAYMENT].error_ratio = 0.15;
        rig_run(rig, 5);
        ck_assert_uint_eq(alarms(rig), 0);
        rig_run(rig, 5);
        ck_assert_uint_eq(alarms(rig), 1);
        rig_free(rig);
}
END_TEST

/* Half of the calls, and many of them: that is no chance. */
START_TEST(what_is_beyond_doubt_waits_for_nothing)
{
        struct rig *rig = rig_started();

        rig_run(rig, 300);
        rig->edge[TO_PAYMENT].error_ratio = 0.5;
        rig_run(rig, 5);
        ck_assert_uint_eq(alarms(rig), 1);
        rig_free(rig);
}
END_TEST

/* Who asks for a minute and a half means it: all but the usual 10 s of it holds. */
START_TEST(a_dwell_longer_than_the_usual_holds_beyond_doubt_too)
{
        struct rig *rig = rig_create();

        rig->config.detection.dwell_ns = 90 * RIG_SECOND;
        rig_start(rig);
        rig_run(rig, 300);
        rig->edge[TO_PAYMENT].error_ratio = 0.5;
        rig_run(rig, 40); /* half of it less half of the usual, from the first bad sample on */
        ck_assert_uint_eq(alarms(rig), 0);
        rig_run(rig, 10);
        ck_assert_uint_eq(alarms(rig), 1);
        rig_free(rig);
}
END_TEST

START_TEST(a_few_calls_are_never_beyond_doubt)
{
        struct rig *rig = rig_started();

        rig->edge[TO_PAYMENT].calls = 30;
        rig_run(rig, 300);
        rig->edge[TO_PAYMENT].error_ratio = 0.5; /* 15 of 30 */
        rig_run(rig, 5);
        ck_assert_uint_eq(alarms(rig), 0);
        rig_run(rig, 5);
        ck_assert_uint_eq(alarms(rig), 1);
        rig_free(rig);
}
END_TEST

/* A process that is silent while users feel something needs a third of the time. */
START_TEST(silence_needs_less_time_where_something_is_felt)
{
        int felt;

        for (felt = 0; felt < 2; felt++) {
                struct rig *rig = rig_started();

                rig_run(rig, 300);
                rig->alive[INSTANCE(CART, 0)] = false;
                rig_event(rig, HEALER_OCCURRED_HEARTBEAT_MISSED, CART, INSTANCE(CART, 0), 0);
                rig->edge[TO_CHECKOUT].error_ratio = felt ? 0.07 : 0;
                rig_run(rig, 10);
                ck_assert_uint_eq(alarms(rig), (uint32_t)felt);
                rig_run(rig, 10);
                ck_assert_uint_ge(alarms(rig), 1);
                rig_free(rig);
        }
}
END_TEST

/* The word that it is back may be lost; that it answers is word enough. */
START_TEST(who_answers_is_alive_whatever_was_said_before)
{
        struct rig *rig = rig_started();

        rig_run(rig, 300);
        rig_event(rig, HEALER_OCCURRED_PROCESS_EXITED, PAYMENT, INSTANCE(PAYMENT, 0), 0);
        rig_run(rig, 300);
        ck_assert_uint_eq(alarms(rig), 0);
        ck_assert_uint_eq(rig->order_count, 0);
        rig_free(rig);
}
END_TEST

/* So is that it answers though it missed its heartbeats; who does not answer is silent. */
START_TEST(who_answers_long_after_it_was_missed_is_not_silent)
{
        struct rig *rig = rig_create();

        rig->topology.actions_available = 0;
        rig_start(rig);
        rig_run(rig, 300);
        rig_event(rig, HEALER_OCCURRED_HEARTBEAT_MISSED, CART, INSTANCE(CART, 0), 0);
        if (_i == 1)
                rig->instance[INSTANCE(CART, 0)].throughput_per_s = 0;
        rig_run(rig, 300);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_ALARM_CLEARED), _i == 0);
        rig_free(rig);
}
END_TEST

/* Where nearly all telemetry is lost, whoever is missed may be as well as the others. */
START_TEST(a_silence_in_which_nobody_is_heard_is_no_reason_to_act)
{
        struct rig *rig = rig_started();
        uint32_t i;

        rig_run(rig, 300);
        for (i = 1; i < (_i == 0 ? RIG_INSTANCES : 4); i++)
                rig->alive[i] = false;
        rig_run(rig, 30);
        rig_event(rig, HEALER_OCCURRED_HEARTBEAT_MISSED, CART, INSTANCE(CART, 0), 0);
        rig->alive[INSTANCE(CART, 0)] = false;
        rig_run(rig, 120);
        ck_assert_uint_eq(rig->order_count > 0, _i == 1);
        rig_free(rig);
}
END_TEST

START_TEST(the_warning_limit_is_inclusive)
{
        struct rig *rig = rig_started();

        rig_run(rig, 300);
        rig->edge[TO_PAYMENT].error_ratio = 0.0499;
        rig_run(rig, 60);
        ck_assert_uint_eq(alarms(rig), 0);
        rig->edge[TO_PAYMENT].error_ratio = 0.05;
        rig_run(rig, 15);
        ck_assert_uint_eq(alarms(rig), 1);
        rig_free(rig);
}
END_TEST

START_TEST(a_value_around_its_limit_does_not_flap)
{
        struct rig *rig = rig_started();
        int i;

        rig_run(rig, 300);
        rig->edge[TO_PAYMENT].error_ratio = 0.052;
        rig_run(rig, 20);
        for (i = 0; i < 100; i++) {
                rig->edge[TO_PAYMENT].error_ratio = i % 2 == 0 ? 0.048 : 0.052;
                rig_step(rig);
        }
        ck_assert_uint_eq(alarms(rig), 1);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_ALARM_CLEARED), 0);
        rig->edge[TO_PAYMENT].error_ratio = 0.01;
        rig_run(rig, 15);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_ALARM_CLEARED), 1);
        rig_free(rig);
}
END_TEST

START_TEST(single_errors_among_few_calls_are_chance)
{
        struct rig *rig = rig_started();
        int i;

        rig_run(rig, 300);
        for (i = 0; i < 1000; i++) { /* one error in ten calls, now and then */
                rig->edge[TO_PAYMENT].calls = 10;
                rig->edge[TO_PAYMENT].error_ratio = i % 7 == 0 ? 0.1 : 0;
                rig_step(rig);
        }
        ck_assert_uint_eq(alarms(rig), 0);
        rig_free(rig);
}
END_TEST

START_TEST(a_late_answer_among_four_is_chance)
{
        struct rig *rig = rig_started();

        rig_run(rig, 300);
        rig->edge[TO_PAYMENT].calls = 4;
        rig_slow_edge(rig, TO_PAYMENT, 0.011, 3.0);
        rig_run(rig, 600);
        ck_assert_uint_eq(alarms(rig), 0);
        rig_free(rig);
}
END_TEST

START_TEST(latency_is_judged_by_the_objective_where_there_is_one)
{
        struct healer_service_info services[RIG_SERVICES];
        struct rig *rig = rig_create();

        memcpy(services, rig_services, sizeof(services));
        services[PAYMENT].slo_latency_ns = RIG_SECOND / 10;
        rig->topology.services = services;
        rig->config.detection.anomaly = false;
        rig_start(rig);
        rig_run(rig, 300);
        rig_slow_edge(rig, TO_PAYMENT, 0.05, 0.11);
        rig_slow_edge(rig, TO_CART, 0.05, 0.11);
        rig_run(rig, 30);
        ck_assert_uint_eq(alarms(rig), 1);
        ck_assert_uint_eq(rig_first(rig, HEALER_NOTICE_ALARM)->service, PAYMENT);
        rig_free(rig);
}
END_TEST

START_TEST(latency_far_above_the_usual_is_seen_and_can_be_switched_off)
{
        struct rig *rig = rig_create();

        rig->config.detection.anomaly = _i == 1;
        rig_start(rig);
        rig_run(rig, 300);
        rig_slow_edge(rig, TO_CART, 0.2, 0.6);
        rig_run(rig, 60);
        ck_assert_uint_eq(alarms(rig), (uint32_t)_i);
        rig_free(rig);
}
END_TEST

START_TEST(a_place_that_is_slow_by_nature_is_not_sick)
{
        struct rig *rig = rig_create();

        rig_slow_edge(rig, TO_PAYMENT, 1.8, 1.9); /* below the limit of 2 s while learning */
        rig_start(rig);
        rig_run(rig, 300);
        rig_slow_edge(rig, TO_PAYMENT, 2.0, 2.2);
        rig_run(rig, 300);
        ck_assert_uint_eq(alarms(rig), 0);
        rig_free(rig);
}
END_TEST

START_TEST(busy_cores_alone_are_no_alarm)
{
        struct rig *rig = rig_started();

        rig_run(rig, 300);
        rig->instance[INSTANCE(CART, 0)].cpu_ratio = 0.99;
        rig_run(rig, 600);
        ck_assert_uint_eq(alarms(rig), 0);
        rig_free(rig);
}
END_TEST

START_TEST(memory_at_its_limit_is_an_alarm_before_the_kill)
{
        struct rig *rig = rig_create();

        rig->config.prediction.enabled = false;
        rig_start(rig);
        rig_run(rig, 300);
        rig->instance[INSTANCE(CART, 0)].memory_ratio = 0.96;
        rig_run(rig, 10);
        ck_assert_uint_eq(alarms(rig), 1);
        ck_assert_int_eq(rig_first(rig, HEALER_NOTICE_ALARM)->failure,
                         HEALER_FAILURE_MEMORY_EXHAUSTION);
        rig_free(rig);
}
END_TEST

START_TEST(silence_of_a_living_process_is_an_alarm)
{
        struct rig *rig = rig_started();

        rig_run(rig, 300);
        rig->alive[INSTANCE(CART, 0)] = false;
        rig_event(rig, HEALER_OCCURRED_HEARTBEAT_MISSED, CART, INSTANCE(CART, 0), 0);
        rig_run(rig, 10);
        ck_assert_uint_eq(alarms(rig), 0);
        rig_run(rig, 5);
        ck_assert_uint_eq(alarms(rig), 1);
        ck_assert_int_eq(rig_first(rig, HEALER_NOTICE_ALARM)->failure,
                         HEALER_FAILURE_HEARTBEAT_FAILED);
        rig_free(rig);
}
END_TEST

START_TEST(an_orderly_exit_is_no_alarm_until_it_is_overdue)
{
        struct rig *rig = rig_started();

        rig_run(rig, 300);
        rig->alive[INSTANCE(CART, 0)] = false;
        rig_event(rig, HEALER_OCCURRED_PROCESS_EXITED, CART, INSTANCE(CART, 0), 0);
        rig_run(rig, 90);
        ck_assert_uint_eq(alarms(rig), 0);
        rig_run(rig, 30); /* 60 s + twice the 20 s that a start may take */
        ck_assert_uint_eq(alarms(rig), 1);
        rig_free(rig);
}
END_TEST

START_TEST(a_custom_metric_joins_by_name)
{
        struct rig *rig = rig_started();
        int i;

        rig_run(rig, 300);
        for (i = 0; i < 4; i++) {
                (void)healer_observe_custom(rig->healer, rig->now_ns, CART, 0.5);
                rig_step(rig);
        }
        ck_assert_uint_eq(alarms(rig), 1);
        ck_assert_int_eq(rig_first(rig, HEALER_NOTICE_ALARM)->metric, HEALER_METRIC_DRIFT);
        rig_free(rig);
}
END_TEST

START_TEST(an_alarm_is_one_for_each_component_and_type)
{
        struct rig *rig = rig_started();
        int i;

        rig_run(rig, 300);
        rig->edge[TO_CART].error_ratio = 0.5;
        for (i = 0; i < RIG_EACH; i++)
                rig->instance[INSTANCE(CART, i)].error_ratio = 0.5;
        rig_run(rig, 120);
        ck_assert_uint_eq(alarms(rig), 1);
        rig_free(rig);
}
END_TEST

START_TEST(the_interval_limits_how_often_samples_are_judged)
{
        struct rig *rig = rig_create();

        rig->config.detection.interval_ns = 60 * RIG_SECOND;
        rig_start(rig);
        rig_run(rig, 300);
        rig->edge[TO_CART].error_ratio = 0.15;
        rig_run(rig, 30);
        ck_assert_uint_eq(alarms(rig), 0);
        rig_run(rig, 60);
        ck_assert_uint_eq(alarms(rig), 1);
        rig_free(rig);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("detection");
        TCase *tcase = tcase_create("detection");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_test(tcase, an_alarm_waits_for_the_dwell_time);
        tcase_add_test(tcase, what_is_critical_waits_half_as_long);
        tcase_add_test(tcase, what_is_beyond_doubt_waits_for_nothing);
        tcase_add_test(tcase, a_dwell_longer_than_the_usual_holds_beyond_doubt_too);
        tcase_add_test(tcase, a_few_calls_are_never_beyond_doubt);
        tcase_add_test(tcase, silence_needs_less_time_where_something_is_felt);
        tcase_add_test(tcase, who_answers_is_alive_whatever_was_said_before);
        tcase_add_loop_test(tcase, who_answers_long_after_it_was_missed_is_not_silent, 0, 2);
        tcase_add_loop_test(tcase, a_silence_in_which_nobody_is_heard_is_no_reason_to_act, 0, 2);
        tcase_add_test(tcase, the_warning_limit_is_inclusive);
        tcase_add_test(tcase, a_value_around_its_limit_does_not_flap);
        tcase_add_test(tcase, single_errors_among_few_calls_are_chance);
        tcase_add_test(tcase, a_late_answer_among_four_is_chance);
        tcase_add_test(tcase, latency_is_judged_by_the_objective_where_there_is_one);
        tcase_add_loop_test(tcase, latency_far_above_the_usual_is_seen_and_can_be_switched_off, 0,
                            2);
        tcase_add_test(tcase, a_place_that_is_slow_by_nature_is_not_sick);
        tcase_add_test(tcase, busy_cores_alone_are_no_alarm);
        tcase_add_test(tcase, memory_at_its_limit_is_an_alarm_before_the_kill);
        tcase_add_test(tcase, silence_of_a_living_process_is_an_alarm);
        tcase_add_test(tcase, an_orderly_exit_is_no_alarm_until_it_is_overdue);
        tcase_add_test(tcase, a_custom_metric_joins_by_name);
        tcase_add_test(tcase, an_alarm_is_one_for_each_component_and_type);
        tcase_add_test(tcase, the_interval_limits_how_often_samples_are_judged);
        suite_add_tcase(suite, tcase);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
