/* test_metric_table.c - every row keeps the promises of a row. */
#include "tests/hand_made.h"

#include <ctype.h>

#include "reports/metric_table.h"

START_TEST(names_are_snake_case_and_unique)
{
        for (size_t i = 0; i < metric_row_count; i++) {
                const char *name = metric_rows[i].name;
                for (const char *c = name; *c; c++)
                        ck_assert_msg(islower((unsigned char)*c) || isdigit((unsigned char)*c) ||
                                              *c == '_',
                                      "%s", name);
                ck_assert_ptr_eq(metric_find(name), &metric_rows[i]);
        }
        ck_assert_ptr_null(metric_find("mtt"));
}
END_TEST

START_TEST(every_row_has_a_unit_a_definition_and_a_way_to_compute_it)
{
        for (size_t i = 0; i < metric_row_count; i++) {
                const struct metric_row *row = &metric_rows[i];
                ck_assert_msg(row->unit && *row->unit, "%s", row->name);
                ck_assert_msg(row->definition && strlen(row->definition) > 10, "%s", row->name);
                ck_assert_msg(row->scopes & (SCOPE_ARM | SCOPE_SERVICE), "%s", row->name);
                bool survival = row->method == METHOD_SURVIVAL || row->method == METHOD_QUANTILE;
                ck_assert_msg(survival == (row->observe != NULL), "%s", row->name);
                ck_assert_msg((row->method == METHOD_POOLED) == (row->pool != NULL), "%s",
                              row->name);
                ck_assert_msg((row->sample != NULL) + (row->observe != NULL) + (row->pool != NULL) ==
                                      1,
                              "%s", row->name);
                ck_assert_msg((row->method == METHOD_QUANTILE) ==
                                      (row->quantile > 0 && row->quantile < 1),
                              "%s", row->name);
        }
}
END_TEST

START_TEST(ratios_stay_within_0_and_1_whatever_happened)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);

        world_fault(world, SLOW_PAY, 100, 160);
        world_incident(world, ARM_UNTREATED, FRONT, 105, 205, 400);
        world_incident(world, ARM_TREATED, FRONT, 105, 125, 50);
        world_alarm(world, ARM_TREATED, PAY, 104, 180, 1);
        world_action(world, ARM_TREATED, RESTART, PAY, 110, 115, 1);
        json_t *result = grade_world(&meta, world);
        size_t seen = 0;

        for (size_t i = 0; i < metric_row_count; i++) {
                const struct metric_row *row = &metric_rows[i];
                if (row->method != METHOD_PROPORTION || !(row->scopes & SCOPE_ARM))
                        continue;
                const json_t *metric = metric_in(result, "treated", row->name);
                double value = field_of(metric, "value");
                if (isnan(value))
                        continue;
                ck_assert_msg(value >= 0 && value <= 1, "%s", row->name);
                ck_assert_msg(field_of(metric, "low") >= 0 && field_of(metric, "high") <= 1, "%s",
                              row->name);
                seen++;
        }
        ck_assert_uint_gt(seen, 10);
        json_decref(result);
}
END_TEST

START_TEST(metrics_stand_where_they_have_a_meaning_and_nowhere_else)
{
        struct run_meta meta = hand_meta();
        json_t *result = grade_world(&meta, world_new(0));
        const json_t *arms = json_object_get(result, "arms");

        for (unsigned a = 0; a < ARM_COUNT; a++) {
                const json_t *metrics =
                        json_object_get(json_object_get(arms, arm_names[a]), "metrics");
                bool has_healer = a == ARM_TREATED || a == ARM_SHADOW || a == ARM_QUIET;
                for (size_t i = 0; i < metric_row_count; i++) {
                        unsigned scopes = metric_rows[i].scopes;
                        bool expected = scopes & SCOPE_ARM &&
                                        (!(scopes & SCOPE_TWINS) || a == ARM_TREATED) &&
                                        (!(scopes & SCOPE_HEALER) || has_healer);
                        ck_assert_msg((json_object_get(metrics, metric_rows[i].name) != NULL) ==
                                              expected,
                                      "%s in %s", metric_rows[i].name, arm_names[a]);
                }
        }
        json_decref(result);
}
END_TEST

START_TEST(the_catalogue_lists_every_row_with_its_labels)
{
        json_t *list = metric_table_json();

        ck_assert_uint_eq(json_array_size(list), metric_row_count);
        for (size_t i = 0; i < metric_row_count; i++) {
                const json_t *entry = json_array_get(list, i);
                ck_assert_str_eq(json_string_value(json_object_get(entry, "name")),
                                 metric_rows[i].name);
                ck_assert_str_eq(json_string_value(json_object_get(entry, "definition")),
                                 metric_rows[i].definition);
        }
        json_decref(list);
}
END_TEST

START_TEST(the_metrics_of_the_specification_are_all_there)
{
        static const char *const names[] = {
                "bad_seconds", "failed_requests", "cost", "averted_harm", "mttr", "mttr_median",
                "mttr_p50", "mttr_p99", "mttr_completed", "mttr_repair", "unrecovered",
                "recovery_from_fault", "time_to_restore", "mttd", "missed_ratio",
                "detection_from_fault", "mtta", "mttf", "mtbf", "incidents", "incident_rate",
                "availability", "availability_time", "goodput", "latency_mean", "latency_p50",
                "latency_p95", "latency_p99", "latency_p999", "error_ratio", "loss_ratio",
                "timeout_ratio", "retry_amplification", "quality", "throughput", "utilization",
                "waiting_mean", "service_mean", "queue_mean", "in_system_mean", "abandonment_ratio",
                "error_budget_burn", "prevention_rate", "prediction_gain", "induced_incidents",
                "false_alarms_per_week", "false_actions_per_week", "alarm_time_ratio",
                "false_positive_rate", "false_discovery_rate", "precision", "recall", "f1",
                "lead_time", "usable_lead_ratio", "calibration_error", "healing_success_rate",
                "healing_success_verified", "healing_success_claimed", "root_cause_top1",
                "root_cause_top3", "right_target_ratio", "right_action_ratio", "harmful_actions",
                "unnecessary_actions", "collapse_ratio", "healer_failures", "manual_ratio",
                "actions", "restarts", "instance_seconds_added", "time_degraded",
                /* what the loader of scenarios takes beside them */
                "averted_bad_seconds", "averted_failed_requests", "failed_user_seconds",
        };

        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
                ck_assert_msg(metric_find(names[i]) != NULL, "%s", names[i]);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("metric_table");
        TCase *tc = tcase_create("metric_table");

        tcase_add_test(tc, names_are_snake_case_and_unique);
        tcase_add_test(tc, every_row_has_a_unit_a_definition_and_a_way_to_compute_it);
        tcase_add_test(tc, ratios_stay_within_0_and_1_whatever_happened);
        tcase_add_test(tc, metrics_stand_where_they_have_a_meaning_and_nowhere_else);
        tcase_add_test(tc, the_catalogue_lists_every_row_with_its_labels);
        tcase_add_test(tc, the_metrics_of_the_specification_are_all_there);
        suite_add_tcase(suite, tc);
        SRunner *runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        int failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
