/* Diagnosis (diagnosis.c by what survey.c sees): the culprit, not its victims; which of its
 * parts. */
#include <check.h>

#include "tests/healer_rig.h"

static const struct healer_notice *diagnosis(const struct rig *rig)
{
        return rig_last(rig, HEALER_NOTICE_DIAGNOSIS);
}

static void make_bad(struct rig *rig, int service, double errors)
{
        int i;

        for (i = 0; i < RIG_EACH; i++)
                rig->instance[INSTANCE(service, i)].error_ratio = errors;
}

START_TEST(errors_deep_down_are_followed_to_their_source)
{
        struct rig *rig = rig_started();

        rig_run(rig, 300);
        make_bad(rig, PAYMENT, 0.5);
        make_bad(rig, CHECKOUT, 0.5);
        make_bad(rig, FRONTEND, 0.3);
        rig->edge[TO_PAYMENT].error_ratio = 0.5;
        rig->edge[TO_CHECKOUT].error_ratio = 0.5;
        rig->edge[TO_FRONTEND].error_ratio = 0.3;
        rig_run(rig, 30);
        ck_assert_ptr_nonnull(diagnosis(rig));
        ck_assert_uint_eq(rig_likeliest(rig)->service, PAYMENT);
        ck_assert_int_eq(rig_likeliest(rig)->failure, HEALER_FAILURE_EXECUTION_ERROR);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_EPISODE_OPENED), 1);
        rig_free(rig);
}
END_TEST

/* The callee is well, and the callers find no connection to it. */
START_TEST(a_pool_without_good_connections_is_renewed)
{
        struct rig *rig = rig_started();
        int i;

        for (i = 0; i < RIG_EACH; i++)
                rig->instance[INSTANCE(CHECKOUT, i)].pool_ratio = 0.2;
        rig_run(rig, 300);
        for (i = 0; i < RIG_EACH; i++) {
                if (_i == 0)
                        rig->instance[INSTANCE(CHECKOUT, i)].pool_ratio = 1;
                else
                        rig->instance[INSTANCE(CHECKOUT, i)].connection_failures = 20;
        }
        rig->edge[TO_PAYMENT].error_ratio = 0.4;
        rig_run(rig, 40);
        ck_assert_ptr_nonnull(rig_likeliest(rig));
        ck_assert_int_eq(rig_likeliest(rig)->failure, HEALER_FAILURE_DATABASE_CONNECTION);
        ck_assert_uint_eq(rig_likeliest(rig)->edge, TO_PAYMENT);
        ck_assert_uint_eq(rig->order_count, 1); /* once for all that fail */
        ck_assert_int_eq(rig->orders[0].kind, HEALER_ACTION_RECONNECT);
        ck_assert_uint_eq(rig->orders[0].edge, TO_PAYMENT);
        rig_free(rig);
}
END_TEST

START_TEST(an_instance_without_descriptors_is_restarted)
{
        struct rig *rig = rig_started();
        int i;

        for (i = 0; i < RIG_EACH; i++)
                rig->instance[INSTANCE(CART, i)].fd_ratio = 0.3;
        rig_run(rig, 300);
        rig->instance[INSTANCE(CART, 1)].fd_ratio = 1;
        rig->instance[INSTANCE(CART, 1)].throughput_per_s = 0;
        rig->edge[TO_CART].timeout_ratio = 0.3;
        rig->edge[TO_CART].error_ratio = 0.3;
        rig_run(rig, 40);
        ck_assert_ptr_nonnull(rig_likeliest(rig));
        ck_assert_int_eq(rig_likeliest(rig)->failure, HEALER_FAILURE_AGENT_FAILED);
        ck_assert_uint_ge(rig->order_count, 1);
        ck_assert_int_eq(rig->orders[0].kind, HEALER_ACTION_RESTART_INSTANCE);
        ck_assert_uint_eq(rig->orders[0].instance, INSTANCE(CART, 1));
        rig_free(rig);
}
END_TEST

START_TEST(two_causes_at_once_are_two_episodes)
{
        struct rig *rig = rig_started();

        rig_run(rig, 300);
        rig->instance[INSTANCE(PAYMENT, 0)].error_ratio = 0.9;
        rig->instance[INSTANCE(CART, 0)].error_ratio = 0.9;
        rig->edge[TO_PAYMENT].error_ratio = 0.3;
        rig->edge[TO_CART].error_ratio = 0.3;
        rig_run(rig, 30);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_EPISODE_OPENED), 2);
        rig_free(rig);
}
END_TEST

START_TEST(bad_on_the_heels_of_a_deployment_is_the_deployments_fault)
{
        struct rig *rig = rig_started();

        rig_run(rig, 300);
        rig_event(rig, HEALER_OCCURRED_DEPLOYMENT_STARTED, CART, HEALER_NONE, 0);
        rig_run(rig, 30);
        make_bad(rig, CART, 0.4);
        rig->edge[TO_CART].error_ratio = 0.4;
        rig_event(rig, HEALER_OCCURRED_DEPLOYMENT_FINISHED, CART, HEALER_NONE, 0);
        rig_run(rig, 30);
        ck_assert_int_eq(rig_likeliest(rig)->failure, HEALER_FAILURE_DEPLOYMENT_FAILURE);
        ck_assert_int_eq(rig->orders[0].kind, HEALER_ACTION_ROLLBACK_DEPLOYMENT);
        rig_free(rig);
}
END_TEST

START_TEST(a_deployment_long_ago_is_not_to_blame)
{
        struct rig *rig = rig_started();

        rig_event(rig, HEALER_OCCURRED_DEPLOYMENT_STARTED, CART, HEALER_NONE, 0);
        rig_event(rig, HEALER_OCCURRED_DEPLOYMENT_FINISHED, CART, HEALER_NONE, 0);
        rig_run(rig, 300);
        make_bad(rig, CART, 0.4);
        rig->edge[TO_CART].error_ratio = 0.4;
        rig_run(rig, 30);
        ck_assert_int_eq(rig_likeliest(rig)->failure, HEALER_FAILURE_EXECUTION_ERROR);
        rig_free(rig);
}
END_TEST

START_TEST(a_change_of_configuration_before_it_is_the_cause)
{
        struct rig *rig = rig_started();

        rig_run(rig, 300);
        rig_event(rig, HEALER_OCCURRED_CONFIG_CHANGED, CART, HEALER_NONE, 0);
        make_bad(rig, CART, 0.4);
        rig->edge[TO_CART].error_ratio = 0.4;
        rig_run(rig, 30);
        ck_assert_int_eq(rig_likeliest(rig)->failure, HEALER_FAILURE_CONFIGURATION_ERROR);
        rig_free(rig);
}
END_TEST

START_TEST(bad_only_where_a_deployment_has_been_is_the_deployments_fault)
{
        struct rig *rig = rig_started();

        rig_run(rig, 300);
        rig_event(rig, HEALER_OCCURRED_DEPLOYMENT_STARTED, CART, HEALER_NONE, 0);
        if (_i == 0) /* else it is an old one that is bad, whatever goes on beside it */
                rig_event(rig, HEALER_OCCURRED_PROCESS_STARTED, CART, INSTANCE(CART, 0), 0);
        rig->instance[INSTANCE(CART, 0)].error_ratio = 0.5;
        rig->edge[TO_CART].error_ratio = 0.2;
        rig_run(rig, 30);
        ck_assert_int_eq(rig_likeliest(rig)->failure, _i == 0 ? HEALER_FAILURE_DEPLOYMENT_FAILURE
                                                          : HEALER_FAILURE_EXECUTION_ERROR);
        if (_i == 0)
                ck_assert_int_eq(rig->orders[0].kind, HEALER_ACTION_ROLLBACK_DEPLOYMENT);
        rig_free(rig);
}
END_TEST

START_TEST(calls_that_fail_after_their_caller_was_configured_are_the_configurations_fault)
{
        struct rig *rig = rig_started();

        rig_run(rig, 300);
        rig_event(rig, HEALER_OCCURRED_CONFIG_CHANGED, _i == 0 ? FRONTEND : CART, HEALER_NONE, 0);
        rig->edge[TO_CART].error_ratio = 0.5;
        rig->edge[TO_CART].timeout_ratio = 0.5;
        rig_run(rig, 30);
        ck_assert_int_eq(rig_likeliest(rig)->failure, _i == 0 ? HEALER_FAILURE_CONFIGURATION_ERROR
                                                          : HEALER_FAILURE_NETWORK_TIMEOUT);
        if (_i == 0) {
                ck_assert_uint_eq(rig_likeliest(rig)->service, FRONTEND);
                ck_assert_int_eq(rig->orders[0].kind, HEALER_ACTION_ROLLBACK_CONFIG);
                ck_assert_uint_eq(rig->orders[0].service, FRONTEND);
        }
        rig_free(rig);
}
END_TEST

START_TEST(late_and_busy_everywhere_is_too_much_work)
{
        struct rig *rig = rig_started();
        int i;

        rig_run(rig, 300);
        for (i = 0; i < RIG_EACH; i++) {
                rig_slow_instance(rig, INSTANCE(CART, i), 0.8);
                rig->instance[INSTANCE(CART, i)].cpu_ratio = 0.99;
        }
        rig_slow_edge(rig, TO_CART, 0.8, 0.9);
        rig_run(rig, 30);
        ck_assert_int_eq(rig_likeliest(rig)->failure, HEALER_FAILURE_RESOURCE_EXHAUSTION);
        ck_assert_uint_eq(rig_likeliest(rig)->service, CART);
        rig_free(rig);
}
END_TEST

START_TEST(a_slow_instance_with_busy_cores_is_a_cpu_spike)
{
        struct rig *rig = rig_started();

        rig_run(rig, 300);
        rig_slow_instance(rig, INSTANCE(CART, 2), 0.8);
        rig->instance[INSTANCE(CART, 2)].cpu_ratio = 0.99;
        rig_slow_edge(rig, TO_CART, 0.02, 0.9);
        rig_run(rig, 30);
        ck_assert_int_eq(rig_likeliest(rig)->failure, HEALER_FAILURE_CPU_SPIKE);
        ck_assert_uint_eq(rig_likeliest(rig)->instance, INSTANCE(CART, 2));
        rig_free(rig);
}
END_TEST

START_TEST(a_breaker_that_keeps_calls_off_points_down_the_graph)
{
        struct rig *rig = rig_started();

        rig_run(rig, 300);
        rig->edge[TO_PAYMENT].calls = 0;
        rig->edge[TO_CHECKOUT].error_ratio = 0.5;
        make_bad(rig, CHECKOUT, 0.5);
        (void)healer_observe_breaker(rig->healer, TO_PAYMENT, true);
        rig_run(rig, 30);
        ck_assert_uint_eq(rig_likeliest(rig)->service, PAYMENT);
        ck_assert_uint_eq(rig->order_count, 0);
        rig_free(rig);
}
END_TEST

START_TEST(without_diagnosis_the_symptom_is_the_cause)
{
        struct rig *rig = rig_create();

        rig->config.diagnosis.enabled = false;
        rig_start(rig);
        rig_run(rig, 300);
        make_bad(rig, CHECKOUT, 0.5);
        rig->edge[TO_PAYMENT].error_ratio = 0.5;
        rig_run(rig, 30);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_EPISODE_OPENED), 2);
        rig_free(rig);
}
END_TEST

static const struct {
        const char *text;
        enum healer_failure failure;
} messages[] = {
        {"java.lang.OutOfMemoryError: heap overflow", HEALER_FAILURE_MEMORY_EXHAUSTION},
        {"Out of memory: killed process 4711", HEALER_FAILURE_MEMORY_EXHAUSTION},
        {"possible memory leak in worker", HEALER_FAILURE_MEMORY_LEAK},
        {"connection timeout to database", HEALER_FAILURE_DATABASE_CONNECTION},
        {"CPU usage high: 97%", HEALER_FAILURE_CPU_SPIKE},
        {"network timeout after 3000 ms", HEALER_FAILURE_NETWORK_TIMEOUT},
        {"503 Service Unavailable", HEALER_FAILURE_API_FAILURE},
        {"deployment failed: image not pulled", HEALER_FAILURE_DEPLOYMENT_FAILURE},
        {"invalid configuration value for port", HEALER_FAILURE_CONFIGURATION_ERROR},
        {"Module not found: left-pad", HEALER_FAILURE_DEPENDENCY_FAILURE},
        {"quota exceeded for project", HEALER_FAILURE_QUOTA_EXCEEDED},
        {"write: No space left on device", HEALER_FAILURE_DISK_FULL},
        {"misconfigured informational notice", HEALER_FAILURE_UNKNOWN},
        {"", HEALER_FAILURE_UNKNOWN},
        {NULL, HEALER_FAILURE_UNKNOWN},
};

START_TEST(messages_are_classified_by_whole_words)
{
        ck_assert_int_eq(healer_classify_text(messages[_i].text), messages[_i].failure);
}
END_TEST

/* The confidence of a diagnosis follows from the kind of evidence alone. */
START_TEST(s1_15_the_confidence_matches_the_evidence)
{
        static const double wanted[] = {0.9, 0.82, 0.88, 0.88, 0.95, 0.8};
        struct rig *rig = rig_started();
        int i, bad = _i == 0 ? 1 : _i == 4 || _i == 5 ? 0 : RIG_EACH;

        rig_run(rig, 300);
        if (_i == 2)
                rig_event(rig, HEALER_OCCURRED_DEPLOYMENT_STARTED, PAYMENT, HEALER_NONE, 0);
        if (_i == 3)
                rig_event(rig, HEALER_OCCURRED_CONFIG_CHANGED, PAYMENT, HEALER_NONE, 0);
        if (_i == 4)
                rig_crash(rig, INSTANCE(PAYMENT, 0));
        if (_i == 5)
                rig_slow_edge(rig, TO_PAYMENT, 3, 3.3);
        for (i = 0; i < bad; i++)
                rig->instance[INSTANCE(PAYMENT, i)].error_ratio = 0.5;
        rig_run(rig, 30);
        ck_assert_ptr_nonnull(rig_first(rig, HEALER_NOTICE_DIAGNOSIS));
        ck_assert_double_eq_tol(rig_first(rig, HEALER_NOTICE_DIAGNOSIS)->confidence, wanted[_i], 1e-9);
        rig_free(rig);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("diagnosis");
        TCase *tcase = tcase_create("diagnosis");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_test(tcase, errors_deep_down_are_followed_to_their_source);
        tcase_add_loop_test(tcase, a_pool_without_good_connections_is_renewed, 0, 2);
        tcase_add_test(tcase, an_instance_without_descriptors_is_restarted);
        tcase_add_test(tcase, two_causes_at_once_are_two_episodes);
        tcase_add_test(tcase, bad_on_the_heels_of_a_deployment_is_the_deployments_fault);
        tcase_add_test(tcase, a_deployment_long_ago_is_not_to_blame);
        tcase_add_test(tcase, a_change_of_configuration_before_it_is_the_cause);
        tcase_add_test(tcase, late_and_busy_everywhere_is_too_much_work);
        tcase_add_loop_test(tcase, bad_only_where_a_deployment_has_been_is_the_deployments_fault, 0, 2);
        tcase_add_loop_test(tcase, calls_that_fail_after_their_caller_was_configured_are_the_configurations_fault, 0, 2);
        tcase_add_test(tcase, a_slow_instance_with_busy_cores_is_a_cpu_spike);
        tcase_add_test(tcase, a_breaker_that_keeps_calls_off_points_down_the_graph);
        tcase_add_test(tcase, without_diagnosis_the_symptom_is_the_cause);
        tcase_add_loop_test(tcase, messages_are_classified_by_whole_words, 0, 15);
        tcase_add_loop_test(tcase, s1_15_the_confidence_matches_the_evidence, 0, 6);
        suite_add_tcase(suite, tcase);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
