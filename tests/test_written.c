/* Rules that people wrote and procedures, in a supervisor that runs: before the ladder. */
#include <check.h>
#include <stdio.h>

#include "tests/healer_rig.h"

static void write_rule(struct rig *rig, const char *name, const char *condition, const char *action,
                       int32_t priority)
{
        struct healer_written_rule *rule =
                &rig->config.recovery.rules[rig->config.recovery.rule_count++];

        snprintf(rule->name, sizeof(rule->name), "%s", name);
        snprintf(rule->condition, sizeof(rule->condition), "%s", condition);
        snprintf(rule->action, sizeof(rule->action), "%s", action);
        rule->priority = priority;
        rule->enabled = true;
}

/* One instance answers with errors: execution_error of payment, high. */
static void begin(struct rig *rig)
{
        rig_start(rig);
        rig_run(rig, 300);
        rig->instance[INSTANCE(PAYMENT, 2)].error_ratio = 0.9;
        rig->edge[TO_PAYMENT].error_ratio = 0.3;
}

START_TEST(s2_24_the_rule_of_the_highest_priority_that_fits_is_tried_before_the_ladder)
{
        struct rig *rig = rig_create();

        write_rule(rig, "all", "error_type_contains=error", "clear_cache", 10);
        write_rule(rig, "payment", "component_equals=payment and severity_gte=medium",
                   "garbage_collect", 60);
        write_rule(rig, "cart", "component_equals=cart", "reload_config", 90);
        begin(rig);
        rig_run(rig, 20);
        ck_assert_uint_eq(rig->order_count, 1);
        ck_assert_int_eq(rig->orders[0].kind, HEALER_ACTION_CLEAN_MEMORY);
        ck_assert_uint_eq(rig->orders[0].service, PAYMENT);
        rig_free(rig);
}
END_TEST

START_TEST(a_rule_that_did_not_help_is_tried_once_and_then_the_ladder)
{
        struct rig *rig = rig_create();
        uint32_t i, by_rule = 0;

        write_rule(rig, "payment", "component_equals=payment", "garbage_collect", 50);
        rig->config.recovery.verify_timeout_ns = 20 * RIG_SECOND;
        begin(rig);
        for (i = 0; i < 60; i++) {
                rig_step(rig);
                rig_answer_all(rig, true);
                rig->instance[INSTANCE(PAYMENT, 2)].error_ratio = 0.9; /* nothing helps */
        }
        for (i = 0; i < rig->order_count; i++)
                by_rule += rig->orders[i].kind == HEALER_ACTION_CLEAN_MEMORY;
        ck_assert_uint_eq(by_rule, 1);
        ck_assert_uint_ge(rig->order_count, 2);
        ck_assert_int_ne(rig->orders[1].kind, HEALER_ACTION_CLEAN_MEMORY);
        rig_free(rig);
}
END_TEST

START_TEST(a_rule_can_call_a_human_at_once_or_leave_a_failure_alone)
{
        struct rig *rig = rig_create();

        write_rule(rig, "payment", "severity_gte=low",
                   _i == 0 ? "escalate_alert" : "log_and_continue", 50);
        begin(rig);
        rig_run(rig, 30);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_EPISODE_OPENED), 1);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_ESCALATION), _i == 0);
        ck_assert_uint_eq(rig->order_count, _i == 0); /* the call for a human */
        rig_free(rig);
}
END_TEST

START_TEST(a_rule_too_waits_for_approval)
{
        struct rig *rig = rig_create();

        write_rule(rig, "payment", "component_equals=payment", "garbage_collect", 50);
        rig->config.recovery.approval_above = HEALER_SEVERITY_LOW;
        begin(rig);
        rig_run(rig, 20);
        ck_assert_uint_eq(rig->order_count, 0);
        for (uint64_t id = 1; id < 100; id++) {
                if (healer_approve(rig->healer, id, "somebody") == HEALER_OK)
                        break;
        }
        rig_run(rig, 10);
        ck_assert_uint_eq(rig->order_count, 1);
        ck_assert_int_eq(rig->orders[0].kind, HEALER_ACTION_CLEAN_MEMORY);
        rig_free(rig);
}
END_TEST

/* cpu_spike, high: look closer, then x 1.3; of the steps each once, in their order. */
START_TEST(the_steps_of_a_procedure_are_all_taken_in_order_before_the_ladder)
{
        static const struct healer_failure_seen seen = {HEALER_FAILURE_CPU_SPIKE,
                                                        HEALER_SEVERITY_HIGH, NAN, 0};
        struct rig *rig = rig_create();
        const struct healer_command *order;

        rig->config.recovery.procedures = true;
        rig_start(rig);
        rig_run(rig, 100);
        ck_assert_int_eq(healer_report(rig->healer, rig->now_ns, CART, HEALER_NONE, &seen,
                                       HEALER_NEVER),
                         HEALER_OK);
        for (int i = 0; i < 30; i++) {
                rig_step(rig);
                rig_answer_all(rig, true);
        }
        ck_assert_uint_ge(rig->order_count, 3);
        ck_assert_int_eq(rig->orders[0].kind, HEALER_ACTION_ENABLE_MONITORING);
        order = &rig->orders[1];
        ck_assert_int_eq(order->kind, HEALER_ACTION_INCREASE_RESOURCES);
        ck_assert_double_eq(order->amount, 1.3);
        ck_assert_int_ne(rig->orders[2].kind, HEALER_ACTION_ENABLE_MONITORING);
        ck_assert_int_ne(rig->orders[2].kind, HEALER_ACTION_INCREASE_RESOURCES);
        rig_free(rig);
}
END_TEST

START_TEST(without_them_the_ladder_begins_at_once)
{
        struct rig *rig = rig_create();

        begin(rig);
        rig_run(rig, 20);
        ck_assert_uint_eq(rig->order_count, 1);
        ck_assert_int_ne(rig->orders[0].kind, HEALER_ACTION_CLEAN_MEMORY);
        rig_free(rig);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("written");
        TCase *tcase = tcase_create("written");
        SRunner *runner;
        int failed;

        tcase_add_test(tcase,
                       s2_24_the_rule_of_the_highest_priority_that_fits_is_tried_before_the_ladder);
        tcase_add_test(tcase, a_rule_that_did_not_help_is_tried_once_and_then_the_ladder);
        tcase_add_loop_test(tcase, a_rule_can_call_a_human_at_once_or_leave_a_failure_alone, 0, 2);
        tcase_add_test(tcase, a_rule_too_waits_for_approval);
        tcase_add_test(tcase, the_steps_of_a_procedure_are_all_taken_in_order_before_the_ladder);
        tcase_add_test(tcase, without_them_the_ladder_begins_at_once);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
