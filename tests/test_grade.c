/* test_grade.c - the result document, from records whose metrics are known by hand. */
#include "tests/hand_made.h"

#include <stdio.h>

/* ---- the headline */

START_TEST(what_healing_saved_is_untreated_less_treated)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);

        world_fault(world, SLOW_PAY, 100, 160);
        world_incident(world, ARM_UNTREATED, FRONT, 105, 205, 400);
        world_incident(world, ARM_SHADOW, FRONT, 105, 145, 150);
        world_incident(world, ARM_TREATED, FRONT, 105, 125, 50);
        json_t *result = grade_world(&meta, world);

        ck_metric(result, "untreated", "bad_seconds", 100);
        ck_metric(result, "untreated", "failed_requests", 400);
        ck_metric(result, "treated", "bad_seconds", 20);
        ck_metric(result, "treated", "averted_harm", 350);
        ck_metric(result, "treated", "averted_bad_seconds", 80);
        ck_metric(result, "treated", "availability", 1000.0 / 1050);
        ck_metric(result, "treated", "availability_time", 3580.0 / 3600);
        ck_metric(result, "treated", "mttr", 20);
        ck_metric(result, "treated", "recovery_from_fault", 25);
        ck_metric(result, "treated", "time_to_restore", 20);
        ck_metric(result, "untreated", "time_to_restore", 100);
        json_decref(result);
}
END_TEST

START_TEST(the_waterfall_goes_from_untreated_to_what_is_left)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);
        static const struct {
                const char *part;
                double requests, seconds;
        } parts[] = { { "untreated", 400, 100 }, { "reaction", 250, 60 }, { "prediction", 100, 20 },
                      { "self_made", 7, 3 }, { "left", 50, 20 } };

        world_incident(world, ARM_UNTREATED, FRONT, 105, 205, 400);
        world_incident(world, ARM_SHADOW, FRONT, 105, 145, 150);
        world_incident(world, ARM_TREATED, FRONT, 105, 125, 50);
        world_incident(world, ARM_QUIET, FRONT, 10, 13, 7);
        json_t *result = grade_world(&meta, world);
        const json_t *waterfall = json_object_get(result, "waterfall");

        for (size_t i = 0; i < 5; i++) {
                const json_t *seconds = json_object_get(waterfall, "bad_seconds");
                ck_assert_double_eq(field_of(json_object_get(waterfall, parts[i].part), "value"),
                                    parts[i].requests);
                ck_assert_double_eq(field_of(json_object_get(seconds, parts[i].part), "value"),
                                    parts[i].seconds);
        }
        json_decref(result);
}
END_TEST

START_TEST(overlapping_incidents_of_two_entries_hurt_users_once)
{
        struct run_meta meta = hand_meta();
        struct meta_service services[SERVICES];
        struct world *world = world_new(0);

        memcpy(services, hand_services, sizeof(services));
        services[PAY].entry = true;
        meta.services = services;
        world_incident(world, ARM_TREATED, FRONT, 100, 200, 10);
        world_incident(world, ARM_TREATED, PAY, 150, 260, 10);
        json_t *result = grade_world(&meta, world);

        ck_metric(result, "treated", "bad_seconds", 160);
        ck_assert_double_eq(field_of(service_metric_in(result, "treated", "pay", "bad_seconds"),
                                     "value"),
                            110);
        json_decref(result);
}
END_TEST

START_TEST(means_have_t_intervals_over_replications)
{
        struct run_meta meta = hand_meta();
        struct world *worlds[3];

        for (uint32_t i = 0; i < 3; i++) {
                worlds[i] = world_new(i);
                world_incident(worlds[i], ARM_TREATED, FRONT, 100, 120 + 10 * (i + 1), 5);
        }
        json_t *result = grade_worlds(&meta, worlds, 3);
        const json_t *metric = metric_in(result, "treated", "bad_seconds");

        ck_assert_double_eq(field_of(metric, "value"), 40);
        /* 4.302653 * 10 / sqrt(3) */
        ck_assert_double_eq_tol(field_of(metric, "low"), 40 - 24.841377, 1e-5);
        ck_assert_double_eq_tol(field_of(metric, "high"), 40 + 24.841377, 1e-5);
        ck_assert_int_eq(json_integer_value(json_object_get(metric, "n")), 3);
        ck_assert_int_eq(json_integer_value(json_object_get(metric, "count")), 3);
        ck_assert_str_eq(json_string_value(json_object_get(metric, "unit")), "s");
        json_decref(result);
}
END_TEST

/* ---- the pathologies */

START_TEST(a_better_healer_whose_remaining_incidents_are_longer_is_not_worse)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);

        /* Nine short ones and a long one; the healer prevents the short ones.
         * A mean over the incidents that are left is longer than before. */
        for (unsigned i = 0; i < 9; i++) {
                double at = 100 + 200.0 * i;
                struct journal_entry *started, *ended;
                static const enum arm faulted[] = { ARM_TREATED, ARM_SHADOW, ARM_UNTREATED };
                for (unsigned k = 0; k < 3; k++) {
                        started = world_entry(world, faulted[k], JOURNAL_FAULT_STARTED, at, PAY);
                        started->ref = SLOW_PAY;
                        ended = world_entry(world, faulted[k], JOURNAL_FAULT_ENDED, at + 10, PAY);
                        ended->ref = SLOW_PAY;
                }
                world_incident(world, ARM_UNTREATED, FRONT, at, at + 10, 20);
        }
        world_fault(world, LEAK, 2500, 2700);
        world_incident(world, ARM_UNTREATED, FRONT, 2500, 2700, 400);
        world_incident(world, ARM_TREATED, FRONT, 2500, 2690, 390);
        json_t *result = grade_world(&meta, world);

        ck_metric(result, "untreated", "mttr", 29);
        ck_metric(result, "treated", "mttr", 190);
        ck_metric(result, "untreated", "time_to_restore", 29);
        ck_metric(result, "treated", "time_to_restore", 19);
        ck_metric(result, "treated", "prevention_rate", 0.9);
        ck_assert_double_gt(field_of(metric_in(result, "treated", "averted_bad_seconds"), "value"), 0);
        json_decref(result);
}
END_TEST

START_TEST(everything_prevented_is_prevention_1_and_no_mttr)
{
        struct run_meta meta = hand_meta();
        struct world *worlds[2];

        for (uint32_t i = 0; i < 2; i++) {
                worlds[i] = world_new(i);
                world_fault(worlds[i], LEAK, 100, 300);
                world_incident(worlds[i], ARM_UNTREATED, FRONT, 150, 300, 100);
                world_incident(worlds[i], ARM_SHADOW, FRONT, 150, 180, 20);
        }
        json_t *result = grade_worlds(&meta, worlds, 2);
        const json_t *rate = metric_in(result, "treated", "prevention_rate");

        ck_metric(result, "treated", "prevention_rate", 1);
        ck_assert_double_eq(field_of(json_object_get(rate, "by_reaction"), "value"), 0);
        ck_assert_double_eq(field_of(json_object_get(rate, "by_prediction"), "value"), 1);
        /* Two of two: Clopper and Pearson, 0.025^(1/2). */
        ck_assert_double_eq_tol(field_of(rate, "low"), sqrt(0.025), 1e-9);
        ck_no_data(metric_in(result, "treated", "mttr"));
        ck_no_data(metric_in(result, "treated", "mttd"));
        ck_metric(result, "treated", "bad_seconds", 0);
        ck_metric(result, "treated", "time_to_restore", 0);
        ck_metric(result, "treated", "unrecovered", 0);
        json_decref(result);
}
END_TEST

START_TEST(a_total_outage_is_censored_not_forgotten)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);

        meta.horizon_ns = 600 * NS_PER_S;
        world_fault(world, SLOW_PAY, 100, 160);
        world_incident(world, ARM_UNTREATED, FRONT, 100, 200, 10);
        world_incident(world, ARM_TREATED, FRONT, 100, 160, 10);
        world_incident(world, ARM_TREATED, FRONT, 1600, -1, 1000);
        json_t *result = grade_world(&meta, world);

        /* Of two, one ended after 60 s and one was never seen to end: half of
         * the time 60 s, half the horizon. */
        ck_metric(result, "treated", "mttr", (60 + 600) / 2.0);
        ck_metric(result, "treated", "mttr_completed", 60);
        ck_metric(result, "treated", "unrecovered", 1);
        ck_metric(result, "treated", "collapse_ratio", 1);
        ck_metric(result, "untreated", "collapse_ratio", 0);
        ck_metric(result, "treated", "bad_seconds", 60 + 2000);
        const json_t *incidents = json_object_get(
                json_object_get(json_object_get(result, "arms"), "treated"), "incidents");
        ck_assert(json_is_null(json_object_get(json_array_get(incidents, 1), "r")));
        ck_assert_double_eq(field_of(json_array_get(incidents, 1), "end"), 3600);
        json_decref(result);
}
END_TEST

START_TEST(one_that_was_watched_only_briefly_does_not_shorten_the_mean)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);

        world_incident(world, ARM_TREATED, FRONT, 100, 1100, 10);
        world_incident(world, ARM_TREATED, FRONT, 3300, -1, 10);
        json_t *result = grade_world(&meta, world);

        /* At least 300 s, and of those that lasted 300 s all lasted 1000 s. */
        ck_metric(result, "treated", "mttr", 1000);
        json_decref(result);
}
END_TEST

START_TEST(limits_are_cut_to_what_can_be_but_not_those_of_differences)
{
        struct run_meta meta = hand_meta();
        struct world *worlds[2];

        for (uint32_t i = 0; i < 2; i++) {
                worlds[i] = world_new(i);
                world_incident(worlds[i], ARM_TREATED, FRONT, 100, 110 + 10 * i, 5);
                world_incident(worlds[i], ARM_UNTREATED, FRONT, 100, 120 - 10 * i, 5);
        }
        json_t *result = grade_worlds(&meta, worlds, 2);
        const json_t *seconds = metric_in(result, "treated", "bad_seconds");
        const json_t *averted = metric_in(result, "treated", "averted_bad_seconds");

        /* 10 and 20 s: 15 +- 12.7 * 5 */
        ck_assert_double_eq(field_of(seconds, "value"), 15);
        ck_assert_double_eq(field_of(seconds, "low"), 0);
        ck_assert_double_gt(field_of(seconds, "high"), 70);
        ck_assert_double_eq(field_of(averted, "value"), 0);
        ck_assert_double_lt(field_of(averted, "low"), -50);
        ck_assert_double_eq(result_number(result, "waterfall.bad_seconds.left.low"), 0);
        ck_assert_double_lt(result_number(result, "waterfall.bad_seconds.prediction.low"), -50);
        json_decref(result);
}
END_TEST

/* front: level 2 from before the run on, 1 at 600 s, 0 at 900 s; pay: level 3 from
 * 1000 s to 1060 s and 1 from then on; cart is never degraded. */
START_TEST(s0_33_times_per_level_sum_to_the_run_and_falls_are_per_minute_of_them)
{
        static const struct {
                uint32_t service;
                double at_s, level;
        } changes[] = {{FRONT, -30, 2}, {FRONT, 500, 2}, {FRONT, 600, 1}, {FRONT, 900, 0},
                       {PAY, 1000, 3},  {PAY, 1030, 3},  {PAY, 1060, 1}};
        static const double expected_s[] = {2700 + 1000 + 3600, 300 + 2540, 600, 60, 0};
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);
        double sum_s = 0;

        for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
                world_entry(world, ARM_TREATED, JOURNAL_DEGRADATION_CHANGED, changes[i].at_s,
                            changes[i].service)
                        ->value = changes[i].level;
        json_t *result = grade_world(&meta, world);

        for (unsigned level = 0; level < 5; level++) {
                char name[40];
                double time_s;

                snprintf(name, sizeof(name), "degradation_time_level%u", level);
                time_s = field_of(metric_in(result, "treated", name), "value");
                ck_assert_double_eq_tol(time_s, expected_s[level], 1e-6);
                sum_s += time_s;
        }
        ck_assert_double_eq_tol(sum_s, (double)SERVICES * HOUR_S, 1e-6);
        /* three falls in 600 + 300 + 60 + 2540 s */
        ck_assert_double_eq_tol(
                field_of(metric_in(result, "treated", "degradation_recovery_rate"), "value"),
                3 / (3500.0 / 60), 1e-9);
        ck_assert_double_eq(
                field_of(metric_in(result, "treated", "degradation_level_at_end"), "value"), 1);
        /* set again at 500 and 1030 s: no change */
        ck_assert_double_eq(
                field_of(metric_in(result, "treated", "degradation_changes"), "value"), 4);
        ck_no_data(metric_in(result, "quiet", "degradation_recovery_rate"));
        ck_assert_double_eq(
                field_of(metric_in(result, "quiet", "degradation_time_level0"), "value"),
                (double)SERVICES * HOUR_S);
        json_decref(result);
}
END_TEST

START_TEST(no_incidents_are_null_with_n_0_and_valid_zeros)
{
        struct run_meta meta = hand_meta();
        json_t *result = grade_world(&meta, world_new(0));
        static const char *const absent[] = { "mttr", "mttr_median", "mttr_completed", "mttd",
                                              "missed_ratio", "mtta", "time_to_restore",
                                              "prevention_rate", "prediction_gain", "precision",
                                              "recall", "f1", "lead_time", "calibration_error",
                                              "healing_success_rate", "false_discovery_rate",
                                              "root_cause_top1", "harmful_actions", "cost",
                                              "breaker_half_open_success", "manual_ratio" };

        for (size_t i = 0; i < sizeof(absent) / sizeof(*absent); i++)
                ck_no_data(metric_in(result, "treated", absent[i]));
        ck_metric(result, "treated", "bad_seconds", 0);
        ck_metric(result, "treated", "failed_requests", 0);
        ck_metric(result, "treated", "false_alarms_per_week", 0);
        ck_metric(result, "treated", "false_positive_rate", 0);
        /* 0 seen in three service-hours still allows 3.689 / 3 an hour. */
        ck_assert_double_eq_tol(field_of(metric_in(result, "treated", "incident_rate"), "high"),
                                3.6888794541139363 / 3, 1e-9);
        json_decref(result);
}
END_TEST

START_TEST(identical_arms_differ_by_exactly_0)
{
        struct run_meta meta = hand_meta();
        struct world *worlds[3];

        for (uint32_t i = 0; i < 3; i++) {
                worlds[i] = world_new(i);
                world_fault(worlds[i], SLOW_PAY, 100, 160);
                world_incident(worlds[i], ARM_UNTREATED, FRONT, 101.1 + i, 170.7 + 0.1 * i, 33 + i);
                worlds[i]->record.arms[ARM_TREATED] = &worlds[i]->arms[ARM_UNTREATED];
                worlds[i]->record.arms[ARM_SHADOW] = &worlds[i]->arms[ARM_UNTREATED];
        }
        json_t *result = grade_worlds(&meta, worlds, 3);
        const json_t *waterfall = json_object_get(result, "waterfall");

        ck_assert_double_eq(field_of(metric_in(result, "treated", "averted_harm"), "value"), 0);
        ck_assert_double_eq(field_of(metric_in(result, "treated", "averted_bad_seconds"), "value"), 0);
        ck_assert_double_eq(field_of(metric_in(result, "treated", "prevention_rate"), "value"), 0);
        ck_assert_double_eq(field_of(metric_in(result, "treated", "induced_incidents"), "value"), 0);
        ck_assert_double_eq(field_of(json_object_get(waterfall, "reaction"), "value"), 0);
        ck_assert_double_eq(field_of(json_object_get(waterfall, "prediction"), "value"), 0);
        json_decref(result);
}
END_TEST

/* ---- requests and queues */

START_TEST(queueing_figures_are_time_averages)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);
        struct service_measure *pay = &world->services[ARM_TREATED][PAY];

        pay->arrived = 1000;
        pay->started = 900;
        pay->completed = 800;
        pay->abandoned = 100;
        pay->service_sum_s = 400;
        pay->queue_area_s = 7200;
        pay->busy_area_s = 1800;
        pay->worker_area_s = 3600;
        pay->system_area_s = 9000;
        for (unsigned i = 0; i < 900; i++)
                hist_add(&pay->waiting, 2 * NS_PER_S);
        json_t *result = grade_world(&meta, world);
        static const struct {
                const char *metric;
                double value;
        } expected[] = { { "throughput", 800.0 / 3600 }, { "utilization", 0.5 },
                         { "waiting_mean", 2 }, { "service_mean", 0.5 }, { "queue_mean", 2 },
                         { "in_system_mean", 2.5 }, { "abandonment_ratio", 0.1 } };

        for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++)
                ck_assert_double_eq_tol(field_of(service_metric_in(result, "treated", "pay",
                                                                   expected[i].metric),
                                                 "value"),
                                        expected[i].value, 1e-9);
        /* 900 are enough for p95 and too few for p99. */
        ck_assert_double_eq_tol(field_of(service_metric_in(result, "treated", "pay", "waiting_p95"),
                                         "value"),
                                2, 2.0 / 32);
        ck_no_data(service_metric_in(result, "treated", "pay", "waiting_p99"));
        json_decref(result);
}
END_TEST

START_TEST(outcomes_make_ratios_and_phases_keep_apart)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);
        struct phase_measure *after = &world->services[ARM_TREATED][FRONT].phase[PHASE_AFTER];

        world->services[ARM_TREATED][FRONT].calls += 1000;
        world->arms[ARM_TREATED].root_requests += 1000;
        after->outcome[CALL_OK] = 600;
        after->outcome[CALL_DEGRADED] = 200;
        after->outcome[CALL_TIMEOUT] = 100;
        after->outcome[CALL_DROPPED] = 60;
        after->outcome[CALL_LOST] = 40;
        for (unsigned i = 0; i < CALL_OUTCOME_COUNT; i++)
                world->arms[ARM_TREATED].root_outcome[i] += after->outcome[i];
        after->good = 800;
        after->bad = 200;
        after->quality_sum = 600 + 200 * 0.5;
        after->seconds = 100;
        json_t *result = grade_world(&meta, world);
        const json_t *phases = json_object_get(
                json_object_get(json_object_get(result, "arms"), "treated"), "phases");
        const json_t *metrics = json_object_get(json_object_get(phases, "after"), "metrics");

        ck_assert_double_eq(field_of(json_object_get(metrics, "availability"), "value"), 0.8);
        ck_assert_double_eq(field_of(json_object_get(metrics, "error_ratio"), "value"), 0.2);
        ck_assert_double_eq(field_of(json_object_get(metrics, "timeout_ratio"), "value"), 0.1);
        ck_assert_double_eq(field_of(json_object_get(metrics, "loss_ratio"), "value"), 0.1);
        ck_assert_double_eq(field_of(json_object_get(metrics, "quality"), "value"), 700.0 / 800);
        ck_assert_double_eq(field_of(json_object_get(metrics, "goodput"), "value"), 8);
        ck_no_data(json_object_get(json_object_get(json_object_get(phases, "before"), "metrics"),
                                   "availability"));
        ck_metric(result, "treated", "availability", 0.9);
        json_decref(result);
}
END_TEST

START_TEST(users_who_are_never_served_have_none_of_their_time_and_not_less)
{
        struct run_meta meta = hand_meta();
        struct meta_service services[SERVICES];
        struct world *world = world_new(0);
        json_t *result;

        memcpy(services, hand_services, sizeof(services));
        services[FRONT].user_count = 5;
        meta.services = services;
        world->arms[ARM_TREATED].end_ns = 1077 * NS_PER_MS;
        world->arms[ARM_TREATED].failed_user_s = (double)(5 * 1077 * NS_PER_MS) * 1e-9;
        result = grade_world(&meta, world);
        ck_metric(result, "treated", "user_availability", 0);
        ck_assert_double_ge(field_of(json_object_get(json_object_get(json_object_get(
                json_object_get(result, "arms"), "treated"), "metrics"), "user_availability"), "value"), 0);
        json_decref(result);
}
END_TEST

START_TEST(a_burning_budget_says_when_it_would_have_paged)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);
        struct second_bucket *seconds = calloc(HOUR_S, sizeof(*seconds));

        /* One in five fails for 100 s: in any 5 min window at most 100 / 300 of
         * a fifth, 6.7 % of all, 6.67 times the budget of 1 %. */
        for (unsigned t = 0; t < HOUR_S; t++)
                seconds[t] = t >= 1000 && t < 1100 ? (struct second_bucket){ 8, 2 }
                                                   : (struct second_bucket){ 10, 0 };
        world->services[ARM_TREATED][FRONT].seconds = seconds;
        /* Less than an hour, so that the short window alone counts. */
        world->services[ARM_TREATED][FRONT].second_count = 3000;
        json_t *result = grade_world(&meta, world);

        free(seconds);
        ck_metric(result, "treated", "error_budget_burn", 100 * 0.2 / 300 / 0.01);
        const json_t *burn = json_object_get(
                json_object_get(json_object_get(result, "arms"), "treated"), "burn");
        ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(burn, 0),
                                                            "replications_paged")),
                         0);
        /* 30 min and 1: 100 * 0.2 / 1800 / 0.01 = 1.1 never reaches 6; 6 h and
         * 1: a run so short has 0.67 % bad at most over what there was. */
        ck_metric(result, "treated", "error_budget_burn_6h", 100 * 0.2 / 1100 / 0.01);
        json_decref(result);
}
END_TEST

/* ---- the document */

START_TEST(the_document_has_the_keys_in_their_order)
{
        static const char *const keys[] = { "schema", "scenario", "seed", "runs", "command",
                                            "outcome", "exit_code", "thresholds", "steady_state",
                                            "services", "faults", "arms", "healer", "variables",
                                            "flags", "waterfall", "analytics", "ab", "attribution",
                                            "floor", "learning", "invariants", "harness" };
        struct run_meta meta = hand_meta();
        json_t *result = grade_world(&meta, world_new(0));
        const char *key;
        json_t *value;
        size_t i = 0;

        json_object_foreach(result, key, value)
        {
                ck_assert_uint_lt(i, sizeof(keys) / sizeof(*keys));
                ck_assert_str_eq(key, keys[i++]);
        }
        ck_assert_uint_eq(i, sizeof(keys) / sizeof(*keys));
        ck_assert_str_eq(json_string_value(json_object_get(result, "schema")),
                         "chaos-run/result/1");
        json_decref(result);
}
END_TEST

START_TEST(the_same_records_give_the_same_bytes)
{
        struct run_meta meta = hand_meta();
        char *text[2];

        for (unsigned i = 0; i < 2; i++) {
                struct world *world = world_new(0);
                world_fault(world, SLOW_PAY, 100, 160);
                world_incident(world, ARM_UNTREATED, FRONT, 101.7, 170.3, 33);
                world_alarm(world, ARM_TREATED, PAY, 104, 180, 1);
                json_t *result = grade_world(&meta, world);
                text[i] = json_dumps(result, JSON_REAL_PRECISION(12));
                json_decref(result);
        }
        ck_assert_str_eq(text[0], text[1]);
        ck_assert_ptr_null(strstr(text[0], "nan"));
        ck_assert_ptr_null(strstr(text[0], "inf"));
        free(text[0]);
        free(text[1]);
}
END_TEST

START_TEST(words_of_the_healer_outlive_the_record)
{
        struct run_meta meta = hand_meta();
        struct grade *grade = grade_create(&meta);
        struct world *world = world_new(0);
        char type[] = "odd_type", severity[] = "odd_severity";

        world_alarm(world, ARM_TREATED, PAY, 104, 180, 1);
        world->journal[ARM_TREATED][0].kind = type;
        world->journal[ARM_TREATED][0].severity = severity;
        ck_assert(grade_add(grade, &world->record));
        memset(type, 0xff, sizeof(type) - 1);
        memset(severity, 0xff, sizeof(severity) - 1);
        free(world);
        json_t *result = grade_result(grade);
        ck_assert_ptr_nonnull(result);
        const json_t *episode = json_array_get(
                json_object_get(json_object_get(json_object_get(result, "arms"), "treated"),
                                "episodes"),
                0);
        ck_assert_str_eq(json_string_value(json_object_get(episode, "failure_type")), "odd_type");
        ck_assert_str_eq(json_string_value(json_object_get(episode, "severity")), "odd_severity");
        json_decref(result);
        grade_destroy(grade);
}
END_TEST

START_TEST(a_seed_above_63_bits_is_a_text)
{
        struct run_meta meta = hand_meta();

        meta.seed = UINT64_MAX;
        json_t *result = grade_world(&meta, world_new(0));
        ck_assert_str_eq(json_string_value(json_object_get(result, "seed")),
                         "18446744073709551615");
        json_decref(result);
}
END_TEST

START_TEST(nothing_graded_is_a_document_too)
{
        struct run_meta meta = hand_meta();
        struct grade *grade = grade_create(&meta);

        grade_interrupt(grade, 143);
        json_t *result = grade_result(grade);
        ck_assert_ptr_nonnull(result);
        ck_assert_str_eq(json_string_value(json_object_get(result, "outcome")), "interrupted");
        ck_assert_int_eq(json_integer_value(json_object_get(result, "exit_code")), 143);
        json_decref(result);
        grade_destroy(grade);
}
END_TEST

/* Every metric of every arm at every scope: a number or null, and n beside it. */
static size_t check_metrics(const json_t *node)
{
        size_t count = 0;
        const char *key;
        json_t *value;
        size_t i;

        if (json_is_object(node) && json_object_get(node, "numerator")) {
                static const char *const fields[] = { "value", "low", "high", "n", "count",
                                                      "numerator", "denominator", "unit" };
                for (i = 0; i < 8; i++)
                        ck_assert_ptr_nonnull(json_object_get(node, fields[i]));
                ck_assert(json_is_null(json_object_get(node, "value")) ==
                          (json_integer_value(json_object_get(node, "n")) == 0 ||
                           json_is_null(json_object_get(node, "value"))));
                if (json_integer_value(json_object_get(node, "n")) == 0)
                        ck_assert(json_is_null(json_object_get(node, "value")));
                count++;
        }
        json_object_foreach((json_t *)(uintptr_t)node, key, value) count += check_metrics(value);
        json_array_foreach(node, i, value) count += check_metrics(value);
        return count;
}

START_TEST(every_metric_object_is_whole)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);

        world_fault(world, SLOW_PAY, 100, 160);
        world_incident(world, ARM_TREATED, FRONT, 105, 125, 50);
        json_t *result = grade_world(&meta, world);
        ck_assert_uint_gt(check_metrics(result), 500);
        json_decref(result);
}
END_TEST

START_TEST(values_of_every_replication_add_up_to_the_metric)
{
        struct run_meta meta = hand_meta();
        struct grade *grade = grade_create(&meta);
        struct value_table table;
        double sum = 0;
        size_t found = 0;

        for (uint32_t i = 0; i < 4; i++) {
                struct world *world = world_new(i);
                world_incident(world, ARM_TREATED, FRONT, 100, 110 + i, 50 + i);
                ck_assert(grade_add(grade, &world->record));
                free(world);
        }
        value_table_init(&table);
        ck_assert(grade_replication_values(grade, &table));
        for (size_t i = 0; i < table.count; i++)
                if (!strcmp(table.rows[i].arm, "treated") && !*table.rows[i].service &&
                    !strcmp(table.rows[i].metric, "failed_requests")) {
                        sum += table.rows[i].value;
                        found++;
                }
        json_t *result = grade_result(grade);
        ck_assert_uint_eq(found, 4);
        ck_metric(result, "treated", "failed_requests", sum / 4);
        json_decref(result);
        value_table_release(&table);
        grade_destroy(grade);
}
END_TEST

START_TEST(the_mean_series_leaves_out_bins_without_data)
{
        struct run_meta meta = hand_meta();
        struct grade *grade = grade_create(&meta);
        struct series_bin bins[2][2] = {
                { { .calls = 10, .good = 10, .latency_p50_s = 1, .latency_p95_s = 1,
                    .latency_p99_s = 1 },
                  { .latency_p50_s = NAN, .latency_p95_s = NAN, .latency_p99_s = NAN } },
                { { .calls = 10, .good = 5, .bad = 5, .latency_p50_s = 3, .latency_p95_s = 3,
                    .latency_p99_s = 3 },
                  { .calls = 1, .good = 1, .latency_p50_s = 8, .latency_p95_s = 8,
                    .latency_p99_s = 8 } },
        };
        struct series series;

        for (uint32_t i = 0; i < 2; i++) {
                struct world *world = world_new(i);
                for (unsigned a = 0; a < ARM_COUNT; a++)
                        for (unsigned s = 0; s < SERVICES; s++)
                                world->services[a][s].bin_ns = 10 * NS_PER_S;
                world->services[ARM_TREATED][FRONT].bins = bins[i];
                world->services[ARM_TREATED][FRONT].bin_count = 2;
                ck_assert(grade_add(grade, &world->record));
                free(world);
        }
        series_init(&series);
        ck_assert(grade_series(grade, &series));
        const struct series_line *mean = series_find(&series, "mean", "treated", "", "latency_p50");
        const struct series_line *first = series_find(&series, "0", "treated", "", "availability");
        ck_assert_ptr_nonnull(mean);
        ck_assert_ptr_nonnull(first);
        ck_assert_uint_eq(mean->count, 2);
        ck_assert_double_eq(mean->t_s[1], 10);
        ck_assert_double_eq(mean->value[0], 2);
        ck_assert_double_eq(mean->value[1], 8);
        ck_assert_double_eq(first->value[0], 1);
        ck_assert(isnan(first->value[1]));
        series_release(&series);
        grade_destroy(grade);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("grade");
        TCase *tc = tcase_create("grade");

        tcase_set_timeout(tc, 60);
        tcase_add_test(tc, what_healing_saved_is_untreated_less_treated);
        tcase_add_test(tc, the_waterfall_goes_from_untreated_to_what_is_left);
        tcase_add_test(tc, users_who_are_never_served_have_none_of_their_time_and_not_less);
        tcase_add_test(tc, overlapping_incidents_of_two_entries_hurt_users_once);
        tcase_add_test(tc, means_have_t_intervals_over_replications);
        tcase_add_test(tc, limits_are_cut_to_what_can_be_but_not_those_of_differences);
        tcase_add_test(tc, a_better_healer_whose_remaining_incidents_are_longer_is_not_worse);
        tcase_add_test(tc, everything_prevented_is_prevention_1_and_no_mttr);
        tcase_add_test(tc, a_total_outage_is_censored_not_forgotten);
        tcase_add_test(tc, one_that_was_watched_only_briefly_does_not_shorten_the_mean);
        tcase_add_test(tc, s0_33_times_per_level_sum_to_the_run_and_falls_are_per_minute_of_them);
        tcase_add_test(tc, no_incidents_are_null_with_n_0_and_valid_zeros);
        tcase_add_test(tc, identical_arms_differ_by_exactly_0);
        tcase_add_test(tc, queueing_figures_are_time_averages);
        tcase_add_test(tc, outcomes_make_ratios_and_phases_keep_apart);
        tcase_add_test(tc, a_burning_budget_says_when_it_would_have_paged);
        tcase_add_test(tc, the_document_has_the_keys_in_their_order);
        tcase_add_test(tc, the_same_records_give_the_same_bytes);
        tcase_add_test(tc, words_of_the_healer_outlive_the_record);
        tcase_add_test(tc, a_seed_above_63_bits_is_a_text);
        tcase_add_test(tc, nothing_graded_is_a_document_too);
        tcase_add_test(tc, every_metric_object_is_whole);
        tcase_add_test(tc, values_of_every_replication_add_up_to_the_metric);
        tcase_add_test(tc, the_mean_series_leaves_out_bins_without_data);
        suite_add_tcase(suite, tc);
        SRunner *runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        int failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
