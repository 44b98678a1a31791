/* test_verdict.c - thresholds, gates, invariants, and which exit code wins. */
#include "tests/hand_made.h"

#include <stdio.h>

#include "reports/metric.h"
#include "reports/verdict.h"

static json_int_t exit_code_of(const json_t *result)
{
        return json_integer_value(json_object_get(result, "exit_code"));
}

/* The code of a run of these worlds; they are freed. */
static json_int_t code_of(const struct run_meta *meta, struct world **worlds, size_t count)
{
        json_t *result = grade_worlds(meta, worlds, count);
        json_int_t code = exit_code_of(result);

        ck_assert_str_eq(json_string_value(json_object_get(result, "outcome")),
                         exit_code_outcome((int)code));
        json_decref(result);
        return code;
}

static json_int_t code_of_one(const struct run_meta *meta, struct world *world)
{
        return code_of(meta, &world, 1);
}

/* ---- thresholds */

static struct meta_threshold check(const char *metric, const char *op, double value)
{
        return (struct meta_threshold){ .text = "check", .metric = metric, .arm = "treated",
                                        .op = op, .value = value };
}

static json_int_t code_with(struct meta_threshold threshold, struct world *world)
{
        struct run_meta meta = hand_meta();

        meta.thresholds = &threshold;
        meta.threshold_count = 1;
        return code_of_one(&meta, world);
}

static struct world *bad_for(double seconds)
{
        struct world *world = world_new(0);

        world_incident(world, ARM_UNTREATED, FRONT, 100, 400, 400);
        world_incident(world, ARM_TREATED, FRONT, 100, 100 + seconds, 40);
        return world;
}

START_TEST(a_threshold_decides_by_its_value)
{
        ck_assert_int_eq(code_with(check("bad_seconds", "<", 30), bad_for(29)), 0);
        ck_assert_int_eq(code_with(check("bad_seconds", "<", 30), bad_for(30)), 1);
        ck_assert_int_eq(code_with(check("bad_seconds", "<=", 30), bad_for(30)), 0);
        ck_assert_int_eq(code_with(check("bad_seconds", ">", 30), bad_for(30)), 1);
        ck_assert_int_eq(code_with(check("bad_seconds", ">=", 30), bad_for(30)), 0);
        ck_assert_int_eq(code_with(check("bad_seconds", "==", 30), bad_for(30)), 0);
        ck_assert_int_eq(code_with(check("bad_seconds", "==", 31), bad_for(30)), 1);
}
END_TEST

START_TEST(no_data_fails_unless_it_may_pass)
{
        struct meta_threshold threshold = check("mttr", "<", 60);

        ck_assert_int_eq(code_with(threshold, world_new(0)), 1);
        threshold.no_data_passes = true;
        ck_assert_int_eq(code_with(threshold, world_new(0)), 0);
}
END_TEST

START_TEST(labels_choose_what_is_measured)
{
        struct meta_threshold threshold = check("bad_seconds", "==", 300);

        threshold.arm = "untreated";
        ck_assert_int_eq(code_with(threshold, bad_for(30)), 0);
        threshold = check("bad_seconds", "==", 0);
        threshold.service = "pay";
        ck_assert_int_eq(code_with(threshold, bad_for(30)), 0);
        threshold = check("failed_requests", "==", 40);
        threshold.phase = "during";
        ck_assert_int_eq(code_with(threshold, bad_for(30)), 0);
        threshold = check("failed_requests", "==", 0);
        threshold.phase = "after";
        ck_assert_int_eq(code_with(threshold, bad_for(30)), 0);
}
END_TEST

static struct world *two_kinds(void)
{
        struct world *world = world_new(0);

        world_fault(world, SLOW_PAY, 95, 130);
        world_fault(world, LEAK, 1000, 1050);
        world_incident(world, ARM_UNTREATED, FRONT, 100, 400, 500);
        world_incident(world, ARM_TREATED, FRONT, 100, 120, 40);
        world_incident(world, ARM_TREATED, FRONT, 1010, 1050, 40);
        return world;
}

START_TEST(fault_and_failure_type_choose_incidents)
{
        struct meta_threshold threshold = check("mttr", "==", 40);

        threshold.fault = "leak";
        ck_assert_int_eq(code_with(threshold, two_kinds()), 0);
        threshold.fault = "memory_leak"; /* the kind does, too */
        ck_assert_int_eq(code_with(threshold, two_kinds()), 0);
        threshold.fault = NULL;
        threshold.failure_type = "memory_leak";
        ck_assert_int_eq(code_with(threshold, two_kinds()), 0);
        threshold.failure_type = "high_latency";
        threshold.value = 20;
        ck_assert_int_eq(code_with(threshold, two_kinds()), 0);
        threshold.failure_type = NULL;
        threshold.severity = "critical"; /* half of the requests are bad */
        threshold.value = 30;
        ck_assert_int_eq(code_with(threshold, two_kinds()), 0);
        threshold.severity = "low";
        ck_assert_int_eq(code_with(threshold, two_kinds()), 1);
}
END_TEST

START_TEST(a_quantile_of_mttr_is_of_the_survival_curve)
{
        struct run_meta meta = hand_meta();
        struct meta_threshold threshold = check("mttr", "==", 20);
        struct world *world = world_new(0);

        for (unsigned i = 0; i < 21; i++) {
                world_incident(world, ARM_UNTREATED, FRONT, 100 * (i + 1), 100 * (i + 1) + 50, 50);
                world_incident(world, ARM_TREATED, FRONT, 100 * (i + 1),
                               100 * (i + 1) + (i < 5 ? 10 : i < 15 ? 20 : 40), 10);
        }
        threshold.quantile = 0.5;
        meta.thresholds = &threshold;
        meta.threshold_count = 1;
        json_t *result = grade_world(&meta, world);
        ck_assert_int_eq(exit_code_of(result), 0);
        ck_metric(result, "treated", "mttr_median", 20);
        /* p90 needs a hundred incidents. */
        ck_assert(json_is_null(json_object_get(metric_in(result, "treated", "mttr_p90"), "value")));
        json_decref(result);
}
END_TEST

static struct measured measured_as(double value, double low, double high)
{
        struct measured measured = { .interval = { .value = value, .low = low, .high = high,
                                                   .has_value = true, .has_low = true,
                                                   .has_high = true, .n = 10 } };

        return measured;
}

START_TEST(with_confidence_the_worse_bound_must_hold)
{
        struct meta_threshold below = check("mttr", "<", 60);
        struct meta_threshold above = check("availability", ">=", 0.9);
        struct measured clear = measured_as(50, 40, 59);
        struct measured broken = measured_as(70, 61, 80);
        struct measured open = measured_as(50, 40, 60);
        struct measured share = measured_as(0.95, 0.91, 0.99);

        below.confidence = above.confidence = 0.95;
        ck_assert_str_eq(verdict_check(&below, &clear), "passed");
        ck_assert_str_eq(verdict_check(&below, &broken), "failed");
        ck_assert_str_eq(verdict_check(&below, &open), "inconclusive");
        ck_assert_str_eq(verdict_check(&above, &share), "passed");
        share.interval.low = 0.89;
        ck_assert_str_eq(verdict_check(&above, &share), "inconclusive");
        share.interval.high = 0.8999;
        ck_assert_str_eq(verdict_check(&above, &share), "failed");
        share.interval.has_low = share.interval.has_high = false;
        ck_assert_str_eq(verdict_check(&above, &share), "inconclusive");
        share.no_spread = true;
        ck_assert_str_eq(verdict_check(&above, &share), "passed");
}
END_TEST

START_TEST(an_undecided_threshold_is_exit_7)
{
        struct run_meta meta = hand_meta();
        struct meta_threshold threshold = check("bad_seconds", "<", 30);
        struct world *worlds[3];

        threshold.confidence = 0.95;
        meta.thresholds = &threshold;
        meta.threshold_count = 1;
        for (unsigned i = 0; i < 3; i++)
                worlds[i] = bad_for(10 + 10 * i);
        ck_assert_int_eq(code_of(&meta, worlds, 3), 7);
        for (unsigned i = 0; i < 3; i++)
                worlds[i] = bad_for(20);
        ck_assert_int_eq(code_of(&meta, worlds, 3), 0);
        worlds[0] = bad_for(20);
        ck_assert_int_eq(code_of(&meta, worlds, 1), 7);
}
END_TEST

START_TEST(labels_that_a_metric_lacks_are_a_problem)
{
        struct meta_threshold threshold = check("bad_seconds", "<", 1);

        ck_assert_ptr_null(grade_threshold_problem(&threshold));
        threshold.phase = "during";
        ck_assert_ptr_nonnull(grade_threshold_problem(&threshold));
        threshold = check("queue_mean", "<", 1);
        ck_assert_ptr_nonnull(grade_threshold_problem(&threshold)); /* needs a service */
        threshold.service = "front";
        ck_assert_ptr_null(grade_threshold_problem(&threshold));
        threshold = check("prevention_rate", ">", 0.5);
        threshold.arm = "untreated";
        ck_assert_ptr_nonnull(grade_threshold_problem(&threshold));
        threshold = check("nonsense", ">", 0.5);
        ck_assert_ptr_nonnull(grade_threshold_problem(&threshold));
}
END_TEST

/* ---- steady state */

static struct meta_probe steady_probe(double low)
{
        return (struct meta_probe){ .name = "works", .metric = "availability", .tolerance = ">= 99%",
                                    .service = FRONT, .at_ns = TIME_NEVER, .low = low, .high = NAN };
}

static json_int_t code_of_steady(unsigned count, unsigned bad_before, unsigned bad_after)
{
        struct run_meta meta = hand_meta();
        struct meta_probe probe = steady_probe(0.9);
        struct world *worlds[40];

        meta.probes = &probe;
        meta.probe_count = 1;
        for (unsigned i = 0; i < count; i++) {
                worlds[i] = world_new(i);
                for (unsigned a = 0; a < ARM_COUNT; a++)
                        worlds[i]->probes[a][0] = (struct probe_value){ 1, 1 };
                if (i < bad_before)
                        worlds[i]->probes[ARM_UNTREATED][0].value = 0.89;
                if (i < bad_after)
                        worlds[i]->probes[ARM_TREATED][0].value_end = 0.89;
        }
        return code_of(&meta, worlds, count);
}

START_TEST(more_than_5_percent_out_of_the_steady_state_fail_the_gate)
{
        ck_assert_int_eq(code_of_steady(40, 0, 0), 0);
        ck_assert_int_eq(code_of_steady(40, 2, 0), 0);
        ck_assert_int_eq(code_of_steady(40, 3, 0), 3);
        ck_assert_int_eq(code_of_steady(10, 1, 0), 3);
}
END_TEST

START_TEST(a_steady_state_lost_at_the_end_is_a_failure)
{
        ck_assert_int_eq(code_of_steady(40, 0, 2), 0);
        ck_assert_int_eq(code_of_steady(40, 0, 3), 1);
        ck_assert_int_eq(code_of_steady(40, 3, 3), 3);
}
END_TEST

START_TEST(a_mean_out_of_tolerance_fails_the_gate_even_if_few_miss_it)
{
        struct run_meta meta = hand_meta();
        struct meta_probe probe = steady_probe(0.9);
        struct world *worlds[20];

        meta.probes = &probe;
        meta.probe_count = 1;
        for (unsigned i = 0; i < 20; i++) {
                worlds[i] = world_new(i);
                worlds[i]->probes[ARM_UNTREATED][0] = (struct probe_value){ i ? 0.91 : 0.1, 1 };
                worlds[i]->probes[ARM_TREATED][0] = (struct probe_value){ 1, 1 };
        }
        ck_assert_int_eq(code_of(&meta, worlds, 20), 3);
}
END_TEST

START_TEST(no_value_misses_the_steady_state)
{
        struct run_meta meta = hand_meta();
        struct meta_probe probe = steady_probe(0);
        struct world *world = world_new(0);

        meta.probes = &probe;
        meta.probe_count = 1;
        world->probes[ARM_UNTREATED][0] = (struct probe_value){ NAN, 1 };
        ck_assert_int_eq(code_of_one(&meta, world), 3);
}
END_TEST

START_TEST(a_probe_of_the_method_that_does_not_hold_is_a_failure)
{
        struct run_meta meta = hand_meta();
        struct meta_probe probe = steady_probe(0.9);
        struct world *world = world_new(0);

        probe.at_ns = 100 * NS_PER_S;
        meta.probes = &probe;
        meta.probe_count = 1;
        world->probes[ARM_TREATED][0].value = 0.5;
        world->probes[ARM_UNTREATED][0].value = 1;
        ck_assert_int_eq(code_of_one(&meta, world), 1);
        world = world_new(0);
        world->probes[ARM_TREATED][0].value = 0.95;
        ck_assert_int_eq(code_of_one(&meta, world), 0);
}
END_TEST

START_TEST(open_bounds_are_outside)
{
        struct run_meta meta = hand_meta();
        struct meta_probe probe = steady_probe(NAN);
        struct world *world = world_new(0);

        probe.high = 1;
        meta.probes = &probe;
        meta.probe_count = 1;
        for (unsigned a = 0; a < ARM_COUNT; a++)
                world->probes[a][0] = (struct probe_value){ 1, 1 };
        ck_assert_int_eq(code_of_one(&meta, world), 0);
        probe.high_open = true;
        world = world_new(0);
        for (unsigned a = 0; a < ARM_COUNT; a++)
                world->probes[a][0] = (struct probe_value){ 1, 1 };
        ck_assert_int_eq(code_of_one(&meta, world), 3);
}
END_TEST

START_TEST(a_calm_arm_that_is_bad_for_over_a_thousandth_is_refused)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);

        world_incident(world, ARM_CALM, FRONT, 100, 103.6, 10);
        ck_assert_int_eq(code_of_one(&meta, world), 0);
        world = world_new(0);
        world_incident(world, ARM_CALM, FRONT, 100, 103.7, 10);
        ck_assert_int_eq(code_of_one(&meta, world), 3);
}
END_TEST

/* ---- faults, stops, regression */

START_TEST(a_fault_that_touched_nothing_anywhere_is_not_effective)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);

        for (unsigned a = 0; a < ARM_COUNT; a++)
                world->faults[a][LEAK].touched = 0;
        ck_assert_int_eq(code_of_one(&meta, world), 4);

        struct world *worlds[2] = { world_new(0), world_new(1) };
        for (unsigned a = 0; a < ARM_COUNT; a++)
                worlds[0]->faults[a][LEAK].touched = 0;
        for (unsigned a = 0; a < ARM_COUNT; a++)
                worlds[1]->faults[a][LEAK].touched = a == ARM_SHADOW;
        ck_assert_int_eq(code_of(&meta, worlds, 2), 0);
}
END_TEST

START_TEST(a_stop_condition_is_exit_5_and_a_flag)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);

        world_entry(world, ARM_TREATED, JOURNAL_STOP, 100, FRONT);
        json_t *result = grade_world(&meta, world);
        ck_assert_int_eq(exit_code_of(result), 5);
        ck_assert(json_is_true(json_object_get(json_object_get(result, "flags"), "stopped")));
        json_decref(result);
}
END_TEST

/* 1 % of 100 a second for an hour, a twentieth: 180 requests. */
static json_int_t code_of_harm(unsigned treated, unsigned spread)
{
        struct run_meta meta = hand_meta();
        struct world *worlds[5];

        for (unsigned i = 0; i < 5; i++) {
                worlds[i] = world_new(i);
                world_incident(worlds[i], ARM_UNTREATED, FRONT, 100, 200, 100);
                world_incident(worlds[i], ARM_TREATED, FRONT, 100, 200, treated + spread * i);
        }
        return code_of(&meta, worlds, 5);
}

START_TEST(harm_beyond_a_twentieth_of_the_budget_is_a_regression)
{
        ck_assert_int_eq(code_of_harm(100, 0), 0);
        ck_assert_int_eq(code_of_harm(280, 0), 0);
        ck_assert_int_eq(code_of_harm(281, 0), 6);
        ck_assert_int_eq(code_of_harm(290, 1), 6);
        /* The same mean, but the interval reaches below the margin. */
        ck_assert_int_eq(code_of_harm(100, 96), 0);
}
END_TEST

START_TEST(a_broken_external_healer_is_a_failure)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);

        world->arms[ARM_TREATED].healer_failure = "did not answer";
        json_t *result = grade_world(&meta, world);
        ck_assert_int_eq(exit_code_of(result), 1);
        ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(result, "healer"),
                                                            "failures")),
                         1);
        json_decref(result);
}
END_TEST

/* ---- invariants */

static void breach(void (*breaks)(struct world *), const char *name)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);
        size_t i, broken = 0;
        json_t *entry;

        breaks(world);
        json_t *result = grade_world(&meta, world);
        ck_assert_int_eq(exit_code_of(result), 70);
        json_array_foreach(json_object_get(result, "invariants"), i, entry)
        {
                if (json_is_true(json_object_get(entry, "holds")))
                        continue;
                broken++;
                ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(entry, "name")),
                                             name));
                ck_assert_int_ge(json_integer_value(json_object_get(entry, "breaches")), 1);
                ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(entry, "detail")),
                                             "replication 0"));
        }
        ck_assert_uint_eq(broken, 1);
        json_decref(result);
}

static void lose_a_call(struct world *world)
{
        world->services[ARM_SHADOW][PAY].calls++;
}

static void lose_a_root_request(struct world *world)
{
        world->arms[ARM_CALM].root_unfinished++;
}

static void lose_an_attempt(struct world *world)
{
        world->arms[ARM_TREATED].conserved = false;
}

static void leave_the_overlay(struct world *world)
{
        world->arms[ARM_UNTREATED].overlay_after = 1;
}

static void shift_arrivals(struct world *world)
{
        world->arms[ARM_QUIET].exogenous_hash = 1;
}

static void shift_faults(struct world *world)
{
        world->arms[ARM_SHADOW].timetable_hash = 1;
}

static void break_the_fleet(struct world *world)
{
        world->arms[ARM_TREATED].broken = "too many requests in flight";
}

static void overlap_incidents(struct world *world)
{
        world_incident(world, ARM_TREATED, PAY, 100, 200, 1);
        world_incident(world, ARM_TREATED, PAY, 150, 250, 1);
}

START_TEST(every_broken_invariant_is_exit_70)
{
        breach(lose_a_call, "arrived");
        breach(lose_a_root_request, "arrived");
        breach(lose_an_attempt, "arrived");
        breach(leave_the_overlay, "overlay");
        breach(shift_arrivals, "arrivals");
        breach(shift_faults, "timetable");
        breach(break_the_fleet, "fleet");
        breach(overlap_incidents, "uptime");
}
END_TEST

START_TEST(quiet_and_calm_have_no_timetable)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);

        for (unsigned a = 0; a <= ARM_UNTREATED; a++)
                world->arms[a].timetable_hash = 99;
        ck_assert_int_eq(code_of_one(&meta, world), 0);
}
END_TEST

/* ---- which wins */

START_TEST(the_worst_wins_validity_first)
{
        static const int order[] = { 130, 70, 74, 2, 3, 4, 5, 6, 1, 7, 0 };
        const size_t count = sizeof(order) / sizeof(*order);

        for (size_t i = 0; i < count; i++)
                for (size_t k = i; k < count; k++) {
                        ck_assert_int_eq(exit_code_worse(order[i], order[k]), order[i]);
                        ck_assert_int_eq(exit_code_worse(order[k], order[i]), order[i]);
                }
        ck_assert_int_eq(exit_code_worse(143, 70), 143);
}
END_TEST

START_TEST(a_gate_that_failed_outranks_a_threshold_that_did)
{
        struct run_meta meta = hand_meta();
        struct meta_threshold threshold = check("bad_seconds", "<", 0);
        struct world *world = world_new(0);

        meta.thresholds = &threshold;
        meta.threshold_count = 1;
        world_incident(world, ARM_CALM, FRONT, 100, 200, 10);
        ck_assert_int_eq(code_of_one(&meta, world), 3);
}
END_TEST

START_TEST(an_interrupted_replication_marks_the_run)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);

        world->record.interrupted = true;
        ck_assert_int_eq(code_of_one(&meta, world), 130);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("verdict");
        TCase *tc = tcase_create("verdict");

        tcase_set_timeout(tc, 60);
        tcase_add_test(tc, a_threshold_decides_by_its_value);
        tcase_add_test(tc, no_data_fails_unless_it_may_pass);
        tcase_add_test(tc, labels_choose_what_is_measured);
        tcase_add_test(tc, fault_and_failure_type_choose_incidents);
        tcase_add_test(tc, a_quantile_of_mttr_is_of_the_survival_curve);
        tcase_add_test(tc, with_confidence_the_worse_bound_must_hold);
        tcase_add_test(tc, an_undecided_threshold_is_exit_7);
        tcase_add_test(tc, labels_that_a_metric_lacks_are_a_problem);
        tcase_add_test(tc, more_than_5_percent_out_of_the_steady_state_fail_the_gate);
        tcase_add_test(tc, a_steady_state_lost_at_the_end_is_a_failure);
        tcase_add_test(tc, a_mean_out_of_tolerance_fails_the_gate_even_if_few_miss_it);
        tcase_add_test(tc, no_value_misses_the_steady_state);
        tcase_add_test(tc, a_probe_of_the_method_that_does_not_hold_is_a_failure);
        tcase_add_test(tc, open_bounds_are_outside);
        tcase_add_test(tc, a_calm_arm_that_is_bad_for_over_a_thousandth_is_refused);
        tcase_add_test(tc, a_fault_that_touched_nothing_anywhere_is_not_effective);
        tcase_add_test(tc, a_stop_condition_is_exit_5_and_a_flag);
        tcase_add_test(tc, harm_beyond_a_twentieth_of_the_budget_is_a_regression);
        tcase_add_test(tc, a_broken_external_healer_is_a_failure);
        tcase_add_test(tc, every_broken_invariant_is_exit_70);
        tcase_add_test(tc, quiet_and_calm_have_no_timetable);
        tcase_add_test(tc, the_worst_wins_validity_first);
        tcase_add_test(tc, a_gate_that_failed_outranks_a_threshold_that_did);
        tcase_add_test(tc, an_interrupted_replication_marks_the_run);
        suite_add_tcase(suite, tc);
        SRunner *runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        int failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
