/* Decision: when to act, by which rung, with whose consent. */
#include <check.h>
#include <stdio.h>

#include "tests/healer_rig.h"

static struct rig *with_bad_instance(struct rig *rig)
{
        rig_start(rig);
        rig_run(rig, 300);
        rig->instance[INSTANCE(PAYMENT, 2)].error_ratio = 0.9;
        return rig;
}

START_TEST(a_cause_less_certain_than_the_threshold_is_not_acted_on)
{
        struct rig *rig = rig_create();

        rig->config.diagnosis.confidence_threshold = 0.91; /* an outlier has 0.9 */
        with_bad_instance(rig);
        rig_run(rig, 120);
        ck_assert_uint_eq(rig->order_count, 0);
        rig_free(rig);
}
END_TEST

START_TEST(the_last_registered_ladder_wins)
{
        const struct healer_ladder first = {1, {HEALER_ACTION_CLEAN_MEMORY}};
        const struct healer_ladder second = {1, {HEALER_ACTION_REPLACE_INSTANCE}};
        struct rig *rig = with_bad_instance(rig_create());

        ck_assert_int_eq(healer_register_strategy(rig->healer, HEALER_FAILURE_EXECUTION_ERROR,
                                                  &first),
                         HEALER_OK);
        ck_assert_int_eq(healer_register_strategy(rig->healer, HEALER_FAILURE_EXECUTION_ERROR,
                                                  &second),
                         HEALER_OK);
        rig_run(rig, 30);
        ck_assert_int_eq(rig->orders[0].kind, HEALER_ACTION_REPLACE_INSTANCE);
        rig_free(rig);
}
END_TEST

START_TEST(an_action_that_this_place_has_not_is_passed_over)
{
        struct rig *rig = rig_create();

        rig->topology.actions_available =
                UINT32_MAX & ~(UINT32_C(1) << HEALER_ACTION_RESTART_INSTANCE |
                               UINT32_C(1) << HEALER_ACTION_FAILOVER);
        with_bad_instance(rig);
        rig_run(rig, 30);
        ck_assert_int_eq(rig->orders[0].kind, HEALER_ACTION_REPLACE_INSTANCE);
        rig_free(rig);
}
END_TEST

START_TEST(a_lock_is_broken_where_there_is_one_alone)
{
        const struct healer_ladder ladder = {2, {HEALER_ACTION_END_SESSION,
                                                 HEALER_ACTION_REPLACE_INSTANCE}};
        struct healer_service_info services[RIG_SERVICES];
        struct rig *rig = rig_create();

        memcpy(services, rig_services, sizeof(services));
        for (int i = 0; i < RIG_SERVICES && _i == 1; i++)
                services[i].keeps = UINT32_C(1) << HEALER_ACTION_END_SESSION;
        rig->topology.services = services;
        with_bad_instance(rig);
        ck_assert_int_eq(healer_register_strategy(rig->healer, HEALER_FAILURE_EXECUTION_ERROR, &ladder),
                         HEALER_OK);
        rig_run(rig, 30);
        ck_assert_int_eq(rig->orders[0].kind, _i == 1 ? HEALER_ACTION_END_SESSION
                                                      : HEALER_ACTION_REPLACE_INSTANCE);
        rig_free(rig);
}
END_TEST

START_TEST(nothing_runs_before_it_was_approved)
{
        struct rig *rig = rig_create();
        uint64_t episode;

        rig->config.recovery.approval_above = HEALER_SEVERITY_LOW;
        with_bad_instance(rig);
        rig_run(rig, 30);
        ck_assert_uint_eq(rig->order_count, 0);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_SUGGESTION), 1);
        episode = rig_first(rig, HEALER_NOTICE_SUGGESTION)->episode;
        ck_assert_int_eq(healer_approve(rig->healer, episode, ""), HEALER_E_RANGE);
        ck_assert_int_eq(healer_approve(rig->healer, episode + 100, "ann"), HEALER_E_NOT_FOUND);
        ck_assert_int_eq(healer_approve(rig->healer, episode, "ann"), HEALER_OK);
        ck_assert_int_eq(healer_approve(rig->healer, episode, "ann"), HEALER_E_NOT_FOUND);
        rig_step(rig);
        ck_assert_uint_eq(rig->order_count, 1);
        rig_free(rig);
}
END_TEST

START_TEST(a_rejected_or_expired_approval_calls_a_human)
{
        struct rig *rig = rig_create();

        rig->config.recovery.approval_above = HEALER_SEVERITY_LOW;
        rig->config.recovery.approval_expiry_ns = 60 * RIG_SECOND;
        with_bad_instance(rig);
        rig_run(rig, 30);
        if (_i == 0)
                ck_assert_int_eq(healer_reject(rig->healer,
                                               rig_first(rig, HEALER_NOTICE_SUGGESTION)->episode,
                                               "ann"),
                                 HEALER_OK);
        rig_run(rig, _i == 0 ? 5 : 90);
        ck_assert_uint_eq(rig->order_count, 1);
        ck_assert_int_eq(rig->orders[0].kind, HEALER_ACTION_ESCALATE);
        rig_free(rig);
}
END_TEST

START_TEST(a_switch_that_is_off_takes_its_actions_away)
{
        static const enum healer_action_kind kinds[] = {HEALER_ACTION_ROLLBACK_DEPLOYMENT,
                                                        HEALER_ACTION_SCALE_RESOURCES,
                                                        HEALER_ACTION_SET_DEGRADATION};
        const struct healer_ladder ladder = {2, {kinds[_i], HEALER_ACTION_REPLACE_INSTANCE}};
        struct rig *rig;
        int on;

        for (on = 0; on < 2; on++) {
                rig = rig_create();
                rig->config.recovery.strategies[HEALER_FAILURE_EXECUTION_ERROR] = ladder;
                rig->config.recovery.rollback = on == 1;
                rig->config.recovery.auto_scaling = on == 1;
                rig->config.degradation.enabled = on == 1;
                rig_start(rig);
                rig_event(rig, HEALER_OCCURRED_DEPLOYMENT_STARTED, PAYMENT, HEALER_NONE, 0);
                rig_event(rig, HEALER_OCCURRED_DEPLOYMENT_FINISHED, PAYMENT, HEALER_NONE, 0);
                rig_run(rig, 300);
                rig->instance[INSTANCE(PAYMENT, 2)].error_ratio = 0.9;
                rig_run(rig, 30);
                ck_assert_uint_ge(rig->order_count, 1);
                ck_assert_int_eq(rig->orders[0].kind,
                                 on == 1 ? kinds[_i] : HEALER_ACTION_REPLACE_INSTANCE);
                rig_free(rig);
        }
}
END_TEST

START_TEST(what_keeps_coming_back_starts_one_rung_further_up)
{
        struct rig *rig = rig_create();
        int round;

        rig_without_failover(rig);
        rig_start(rig);
        rig_run(rig, 300);
        for (round = 0; round < 3; round++) {
                rig->instance[INSTANCE(PAYMENT, 2)].error_ratio = 0.9;
                rig_run(rig, 20);
                rig_answer_all(rig, true);
                rig_run(rig, 120);
        }
        ck_assert_uint_eq(rig->order_count, 3);
        ck_assert_int_eq(rig->orders[0].kind, HEALER_ACTION_RESTART_INSTANCE);
        ck_assert_int_eq(rig->orders[1].kind, HEALER_ACTION_RESTART_INSTANCE);
        ck_assert_int_eq(rig->orders[2].kind, HEALER_ACTION_REPLACE_INSTANCE);
        rig_free(rig);
}
END_TEST

START_TEST(a_human_may_close_an_episode)
{
        struct rig *rig = with_bad_instance(rig_create());

        rig_run(rig, 30);
        ck_assert_int_eq(healer_close_episode(rig->healer, 999), HEALER_E_NOT_FOUND);
        ck_assert_int_eq(healer_close_episode(
                                 rig->healer,
                                 rig_first(rig, HEALER_NOTICE_EPISODE_OPENED)->episode),
                         HEALER_OK);
        rig->instance[INSTANCE(PAYMENT, 2)].error_ratio = 0;
        rig_run(rig, 60);
        ck_assert_uint_eq(healer_stats(rig->healer).episodes_open, 0);
        rig_free(rig);
}
END_TEST

/* Every failure has an answer that ends with somebody; what needs an approval is
 * decided by how grave it is alone. */
START_TEST(s2_17_each_failure_and_severity_has_its_action)
{
        struct healer_config config;
        const struct healer_ladder *ladder;
        uint32_t i;

        healer_config_defaults(&config);
        ladder = &config.recovery.strategies[_i];
        ck_assert_uint_gt(ladder->count, 0);
        ck_assert_int_eq(ladder->rungs[ladder->count - 1], HEALER_ACTION_ESCALATE);
        for (i = 0; i + 1 < ladder->count; i++)
                ck_assert(!healer_actions[ladder->rungs[i]].shows_only &&
                          ladder->rungs[i] != HEALER_ACTION_ESCALATE);
}
END_TEST

/* Every (failure, severity) reported: the orders, as a text. */
static void choices(enum healer_failure failure, enum healer_severity severity, char *out, size_t size)
{
        const struct healer_failure_seen seen = {failure, severity, NAN, 0};
        struct rig *rig = rig_create();
        uint32_t i;

        rig->config.recovery.approval_above = HEALER_SEVERITY_CRITICAL;
        rig_start(rig);
        rig_run(rig, 300);
        ck_assert_int_eq(healer_report(rig->healer, rig->now_ns, PAYMENT, INSTANCE(PAYMENT, 1), &seen,
                                       HEALER_NEVER),
                         HEALER_OK);
        rig_run(rig, 120);
        snprintf(out, size, "approval %u:", rig_count(rig, HEALER_NOTICE_SUGGESTION));
        for (i = 0; i < rig->order_count; i++)
                snprintf(out + strlen(out), size - strlen(out), " %s %u",
                         healer_actions[rig->orders[i].kind].name, rig->orders[i].instance);
        rig_free(rig);
}

START_TEST(s2_17_the_same_signal_has_the_same_choice)
{
        char one[512], again[512], graver[512];
        int severity;

        for (severity = HEALER_SEVERITY_LOW; severity < HEALER_SEVERITY_COUNT; severity++) {
                choices((enum healer_failure)_i, (enum healer_severity)severity, one, sizeof(one));
                choices((enum healer_failure)_i, (enum healer_severity)severity, again, sizeof(again));
                ck_assert_str_eq(one, again);
                if (severity == HEALER_SEVERITY_LOW)
                        memcpy(graver, one, sizeof(graver));
                else if (severity < HEALER_SEVERITY_CRITICAL)
                        ck_assert_str_eq(one, graver);
                else /* nothing is done unasked */
                        ck_assert(strstr(one, "restart") == NULL && strstr(one, "replace") == NULL);
        }
}
END_TEST

START_TEST(s2_18_a_quarter_of_errors_after_eight_seconds_is_one_incident_and_rolled_back)
{
        struct rig *rig = rig_started();
        uint32_t i;

        rig_run(rig, 300);
        rig_event(rig, HEALER_OCCURRED_DEPLOYMENT_STARTED, PAYMENT, HEALER_NONE, 0);
        rig_run(rig, 20);
        rig_event(rig, HEALER_OCCURRED_DEPLOYMENT_FINISHED, PAYMENT, HEALER_NONE, 0);
        for (i = 0; i < 3; i++) {
                rig->instance[INSTANCE(PAYMENT, i)].error_ratio = 0.25;
                rig_slow_instance(rig, INSTANCE(PAYMENT, i), 8);
        }
        rig->edge[TO_PAYMENT].error_ratio = 0.25;
        rig_slow_edge(rig, TO_PAYMENT, 8, 8.5);
        rig_run(rig, 40);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_EPISODE_OPENED), 1);
        ck_assert_uint_eq(rig->order_count, 1);
        ck_assert_int_eq(rig->orders[0].kind, HEALER_ACTION_ROLLBACK_DEPLOYMENT);
        for (i = 0; i < 3; i++)
                rig->instance[INSTANCE(PAYMENT, i)] = rig_well(INSTANCE(PAYMENT, i));
        rig->edge[TO_PAYMENT].error_ratio = 0;
        rig_slow_edge(rig, TO_PAYMENT, 0.011, 0.032);
        rig_answer_all(rig, true);
        rig_run(rig, 60);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_EPISODE_VERIFIED), 1);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_EPISODE_CLOSED), 1);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_DIAGNOSIS) > 0, 1);
        rig_free(rig);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("decision");
        TCase *tcase = tcase_create("decision");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_test(tcase, a_cause_less_certain_than_the_threshold_is_not_acted_on);
        tcase_add_test(tcase, the_last_registered_ladder_wins);
        tcase_add_test(tcase, an_action_that_this_place_has_not_is_passed_over);
        tcase_add_loop_test(tcase, a_lock_is_broken_where_there_is_one_alone, 0, 2);
        tcase_add_test(tcase, nothing_runs_before_it_was_approved);
        tcase_add_loop_test(tcase, a_rejected_or_expired_approval_calls_a_human, 0, 2);
        tcase_add_loop_test(tcase, a_switch_that_is_off_takes_its_actions_away, 0, 3);
        tcase_add_test(tcase, what_keeps_coming_back_starts_one_rung_further_up);
        tcase_add_test(tcase, a_human_may_close_an_episode);
        tcase_add_loop_test(tcase, s2_17_each_failure_and_severity_has_its_action, 0,
                            HEALER_FAILURE_COUNT);
        tcase_add_loop_test(tcase, s2_17_the_same_signal_has_the_same_choice, 0, HEALER_FAILURE_COUNT);
        tcase_add_test(tcase,
                       s2_18_a_quarter_of_errors_after_eight_seconds_is_one_incident_and_rolled_back);
        suite_add_tcase(suite, tcase);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
