/* test_truth.c - causes, alarms against three truths, false actions, healing, predictions. */
#include "tests/hand_made.h"

#include <stdio.h>

static const json_t *list_in(const json_t *result, const char *arm, const char *list)
{
        return json_object_get(json_object_get(json_object_get(result, "arms"), arm), list);
}

static const char *text_in(const json_t *node, const char *key)
{
        const char *text = json_string_value(json_object_get(node, key));

        return text ? text : "";
}

/* ---- causes */

static size_t faults_of_incident_after(double fault_end_s)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);

        world_fault(world, SLOW_PAY, 100, fault_end_s);
        world_incident(world, ARM_TREATED, FRONT, 300, 320, 5);
        json_t *result = grade_world(&meta, world);
        size_t count = json_array_size(
                json_object_get(json_array_get(list_in(result, "treated", "incidents"), 0), "faults"));
        json_decref(result);
        return count;
}

START_TEST(a_fault_causes_what_begins_within_60_s_of_its_end)
{
        ck_assert_uint_eq(faults_of_incident_after(241), 1);
        ck_assert_uint_eq(faults_of_incident_after(239), 0);
}
END_TEST

START_TEST(a_fault_is_not_attributed_to_a_service_that_does_not_reach_it)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);

        world_fault(world, SLOW_PAY, 100, 160);
        world_incident(world, ARM_TREATED, FRONT, 110, 120, 5);
        world_incident(world, ARM_TREATED, CART, 110, 120, 5);
        json_t *result = grade_world(&meta, world);
        const json_t *incidents = list_in(result, "treated", "incidents");

        ck_assert_str_eq(text_in(json_array_get(incidents, 0), "failure_type"), "high_latency");
        ck_assert_double_eq(field_of(json_array_get(incidents, 0), "f"), 100);
        ck_assert_str_eq(text_in(json_array_get(incidents, 1), "failure_type"), "spontaneous");
        ck_assert(json_is_null(json_object_get(json_array_get(incidents, 1), "f")));
        json_decref(result);
}
END_TEST

START_TEST(the_clock_runs_from_the_last_fault_before_the_onset)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);

        world_fault(world, LEAK, 50, 3000);
        world_fault(world, SLOW_PAY, 100, 160);
        world_incident(world, ARM_TREATED, FRONT, 90, 95, 5);
        world_incident(world, ARM_TREATED, FRONT, 130, 150, 5);
        json_t *result = grade_world(&meta, world);
        const json_t *incidents = list_in(result, "treated", "incidents");

        ck_assert_double_eq(field_of(json_array_get(incidents, 0), "f"), 50);
        ck_assert_double_eq(field_of(json_array_get(incidents, 1), "f"), 100);
        ck_assert_str_eq(text_in(json_array_get(incidents, 1), "failure_type"), "high_latency");
        ck_assert_uint_eq(json_array_size(json_object_get(json_array_get(incidents, 1), "faults")),
                          2);
        json_decref(result);
}
END_TEST

START_TEST(a_decoy_causes_nothing)
{
        struct run_meta meta = hand_meta();
        struct meta_fault faults[FAULTS];
        struct world *world = world_new(0);

        memcpy(faults, hand_faults, sizeof(faults));
        faults[SLOW_PAY].harmful = false;
        meta.faults = faults;
        world_fault(world, SLOW_PAY, 100, 160);
        world_incident(world, ARM_TREATED, FRONT, 110, 120, 5);
        world_alarm(world, ARM_TREATED, PAY, 130, 140, 1);
        json_t *result = grade_world(&meta, world);

        ck_assert_str_eq(text_in(json_array_get(list_in(result, "treated", "incidents"), 0),
                                 "failure_type"),
                         "spontaneous");
        ck_assert_str_eq(text_in(json_array_get(list_in(result, "treated", "episodes"), 0), "truth"),
                         "nothing");
        json_decref(result);
}
END_TEST

/* ---- detection */

START_TEST(detection_is_the_first_attributed_alarm)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);

        world_fault(world, SLOW_PAY, 95, 160);
        world_incident(world, ARM_TREATED, FRONT, 100, 200, 5);
        world_alarm(world, ARM_TREATED, CART, 102, 110, 1);
        world_alarm(world, ARM_TREATED, PAY, 112, 190, 2);
        world_alarm(world, ARM_TREATED, FRONT, 115, 190, 3);
        world_action(world, ARM_TREATED, RESTART, PAY, 120, 125, 2);
        json_t *result = grade_world(&meta, world);

        /* cart is called by front too, but has no part in the fault. */
        ck_metric(result, "treated", "mttd", 12);
        ck_metric(result, "treated", "mtta", 8);
        ck_metric(result, "treated", "detection_from_fault", 17);
        ck_metric(result, "treated", "mttr_repair", 88);
        ck_metric(result, "treated", "missed_ratio", 0);
        json_decref(result);
}
END_TEST

START_TEST(an_alarm_before_the_onset_counts_0_and_a_late_one_is_none)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);

        world_incident(world, ARM_TREATED, FRONT, 100, 200, 5);
        world_incident(world, ARM_TREATED, FRONT, 1000, 1100, 5);
        world_alarm(world, ARM_TREATED, FRONT, 90, 150, 1);
        world_alarm(world, ARM_TREATED, FRONT, 1101, 1200, 2);
        json_t *result = grade_world(&meta, world);
        const json_t *mttd = metric_in(result, "treated", "mttd");

        ck_assert_double_eq(field_of(mttd, "value"), 0);
        ck_assert_int_eq(json_integer_value(json_object_get(mttd, "count")), 1);
        ck_metric(result, "treated", "missed_ratio", 0.5);
        json_decref(result);
}
END_TEST

/* ---- alarms against three truths */

static void truth_of_alarm(void (*arrange)(struct world *), const char *expected)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);

        arrange(world);
        json_t *result = grade_world(&meta, world);
        const json_t *episode = json_array_get(list_in(result, "treated", "episodes"), 0);
        const char *truth = text_in(episode, "truth");
        bool is_false = !strcmp(expected, "nothing");

        ck_assert_str_eq(truth, expected);
        ck_metric(result, "treated", "false_alarms_per_week",
                  is_false ? 7 * 24 / 3.0 : 0); /* one in three service-hours */
        ck_metric(result, "treated", "false_discovery_rate", is_false);
        json_decref(result);
}

static void alarm_alone(struct world *world)
{
        world_alarm(world, ARM_TREATED, PAY, 100, 130, 1);
}

static void alarm_that_prevented(struct world *world)
{
        world_alarm(world, ARM_TREATED, PAY, 100, 130, 1);
        world_incident(world, ARM_UNTREATED, PAY, 120, 180, 5);
}

static void alarm_seen_in_shadow(struct world *world)
{
        world_alarm(world, ARM_TREATED, PAY, 100, 130, 1);
        world_incident(world, ARM_SHADOW, PAY, 120, 180, 5);
}

static void alarm_on_an_unhurt_service(struct world *world)
{
        world_alarm(world, ARM_TREATED, PAY, 100, 130, 1);
        world_incident(world, ARM_UNTREATED, CART, 120, 180, 5);
}

static void alarm_on_a_latent_fault(struct world *world)
{
        world_alarm(world, ARM_TREATED, PAY, 100, 130, 1);
        world_fault(world, SLOW_PAY, 90, 140);
}

static void alarm_on_a_callers_latent_fault(struct world *world)
{
        world_alarm(world, ARM_TREATED, FRONT, 100, 130, 1);
        world_fault(world, SLOW_PAY, 90, 140);
}

static void alarm_on_a_sibling_of_the_fault(struct world *world)
{
        world_alarm(world, ARM_TREATED, CART, 100, 130, 1);
        world_fault(world, SLOW_PAY, 90, 140);
}

static void instance_goes(struct world *world, const char *state, const char *cause)
{
        struct journal_entry *entry = world_entry(world, ARM_TREATED, JOURNAL_INSTANCE_STATE, 95, PAY);

        entry->instance = 3;
        entry->kind = state;
        entry->text = cause;
        entry = world_entry(world, ARM_TREATED, JOURNAL_INSTANCE_STATE, 140, PAY);
        entry->instance = 3;
        entry->kind = "up";
        alarm_alone(world);
}

static void alarm_on_a_crashed_instance(struct world *world)
{
        instance_goes(world, "down", "crash");
}

static void alarm_on_a_hung_instance(struct world *world)
{
        instance_goes(world, "hung", "fault");
}

static void alarm_on_a_benign_restart(struct world *world)
{
        instance_goes(world, "down", "background restart");
}

static void alarm_on_ones_own_restart(struct world *world)
{
        instance_goes(world, "down", "action");
}

static void alarm_on_a_booting_instance(struct world *world)
{
        instance_goes(world, "booting", "crash");
}

static void alarm_on_a_bad_version(struct world *world)
{
        struct journal_entry *entry = world_entry(world, ARM_TREATED, JOURNAL_DEPLOYMENT, 50, PAY);

        entry->kind = "started";
        entry->text = "v2";
        entry->value = 1;
        alarm_alone(world);
}

static void alarm_after_the_bad_version(struct world *world)
{
        struct journal_entry *entry = world_entry(world, ARM_TREATED, JOURNAL_DEPLOYMENT, 10, PAY);

        entry->kind = "started";
        entry->text = "v2";
        entry->value = 1;
        entry = world_entry(world, ARM_TREATED, JOURNAL_DEPLOYMENT, 60, PAY);
        entry->kind = "finished";
        entry->text = "v1";
        alarm_alone(world);
}

START_TEST(an_alarm_is_true_when_users_are_hurt_there)
{
        truth_of_alarm(alarm_that_prevented, "impact");
        truth_of_alarm(alarm_seen_in_shadow, "impact");
}
END_TEST

START_TEST(an_alarm_is_latent_when_something_is_really_wrong_there)
{
        truth_of_alarm(alarm_on_a_latent_fault, "latent");
        truth_of_alarm(alarm_on_a_callers_latent_fault, "latent");
        truth_of_alarm(alarm_on_a_crashed_instance, "latent");
        truth_of_alarm(alarm_on_a_hung_instance, "latent");
        truth_of_alarm(alarm_on_a_bad_version, "latent");
}
END_TEST

START_TEST(an_alarm_about_nothing_is_false)
{
        truth_of_alarm(alarm_alone, "nothing");
        truth_of_alarm(alarm_on_an_unhurt_service, "nothing");
        truth_of_alarm(alarm_on_a_sibling_of_the_fault, "nothing");
        truth_of_alarm(alarm_on_a_benign_restart, "nothing");
        truth_of_alarm(alarm_on_ones_own_restart, "nothing");
        truth_of_alarm(alarm_on_a_booting_instance, "nothing");
        truth_of_alarm(alarm_after_the_bad_version, "nothing");
}
END_TEST

START_TEST(an_episode_is_one_alarm_and_true_when_any_of_it_is)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);

        world_incident(world, ARM_UNTREATED, PAY, 120, 180, 5);
        world_alarm(world, ARM_TREATED, CART, 100, 110, 1);
        world_alarm(world, ARM_TREATED, PAY, 110, 130, 1);
        world_alarm(world, ARM_TREATED, CART, 2000, 2010, 2);
        world_action(world, ARM_TREATED, RESTART, CART, 101, 102, 1);
        world_action(world, ARM_TREATED, RESTART, CART, 2001, 2002, 2);
        json_t *result = grade_world(&meta, world);

        ck_metric(result, "treated", "alarms", 2);
        ck_metric(result, "treated", "false_discovery_rate", 0.5);
        ck_assert_int_eq(json_integer_value(json_object_get(
                                 metric_in(result, "treated", "false_actions_per_week"), "count")),
                         1);
        json_decref(result);
}
END_TEST

START_TEST(alarms_of_no_episode_belong_to_the_one_that_is_open_about_them)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);
        struct journal_entry *entry;

        /* front is hurt by pay: two alarms, one story, blamed on the callee. */
        world_incident(world, ARM_TREATED, FRONT, 95, 180, 5);
        world_alarm(world, ARM_TREATED, FRONT, 100, 190, 0);
        world_alarm(world, ARM_TREATED, PAY, 100, 190, 0);
        world_alarm(world, ARM_TREATED, CART, 2000, 2050, 0); /* another matter */
        for (unsigned i = 0; i < 2; i++) {
                entry = world_entry(world, ARM_TREATED, JOURNAL_EPISODE, i ? 200 : 100, PAY);
                entry->episode = 9;
                entry->kind = i ? "closed" : "opened";
        }
        /* Late, but its story is true. */
        world_action(world, ARM_TREATED, RESTART, PAY, 240, 245, 9);
        json_t *result = grade_world(&meta, world);

        ck_metric(result, "treated", "alarms", 2);
        ck_metric(result, "treated", "false_discovery_rate", 0.5);
        ck_assert_int_eq(json_integer_value(json_object_get(
                                 metric_in(result, "treated", "false_actions_per_week"), "count")),
                         0);
        ck_assert_uint_eq(json_array_size(list_in(result, "treated", "episodes")), 2);
        json_decref(result);
}
END_TEST

START_TEST(an_action_without_an_alarm_is_judged_by_itself)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);

        /* A restart every so often: one happens to fall on an incident. */
        world_action(world, ARM_TREATED, RESTART, PAY, 100, 105, 0);
        world_action(world, ARM_TREATED, RESTART, PAY, 2000, 2005, 0);
        world_action(world, ARM_TREATED, RESTART, PAY, 3500, 3505, 0)->held_back = true;
        world_incident(world, ARM_UNTREATED, PAY, 2100, 2180, 5);
        json_t *result = grade_world(&meta, world);
        const json_t *rate = metric_in(result, "treated", "false_actions_per_week");

        ck_assert_int_eq(json_integer_value(json_object_get(rate, "count")), 1);
        ck_metric(result, "treated", "actions", 2);
        ck_metric(result, "treated", "alarms", 0);
        ck_no_data(metric_in(result, "treated", "false_discovery_rate"));
        json_decref(result);
}
END_TEST

/* What was taken in time is given back when all is well: one episode, about something. */
START_TEST(giving_back_is_of_the_episode_in_which_it_was_taken)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);

        world_action(world, ARM_TREATED, RESTART, PAY, 2050, 2051, 7);
        world_action(world, ARM_TREATED, RESTART, PAY, 3500, 3501, _i == 0 ? 7 : 8);
        world_incident(world, ARM_UNTREATED, PAY, 2100, 2180, 5);
        json_t *result = grade_world(&meta, world);

        ck_assert_int_eq(json_integer_value(json_object_get(
                                 metric_in(result, "treated", "false_actions_per_week"), "count")),
                         _i);
        json_decref(result);
}
END_TEST

START_TEST(in_quiet_only_the_fleets_own_noise_makes_an_alarm_true)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);

        world_fault(world, SLOW_PAY, 100, 160);
        world_incident(world, ARM_UNTREATED, PAY, 100, 180, 5);
        world_incident(world, ARM_CALM, CART, 500, 520, 5);
        world_alarm(world, ARM_QUIET, PAY, 110, 130, 1);
        world_alarm(world, ARM_QUIET, CART, 505, 530, 2);
        json_t *result = grade_world(&meta, world);

        ck_metric(result, "quiet", "false_discovery_rate", 0.5);
        json_decref(result);
}
END_TEST

START_TEST(false_positive_rate_counts_minutes_in_which_nothing_was_wrong)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);

        /* Three services for 60 minutes. pay: 600 s of fault and 30 s around, 11
         * minutes (600..1230 s: cells 10 to 20) are left out. A false alarm on
         * cart touches the minutes 30, 31 and 32. */
        world_fault(world, SLOW_PAY, 600, 1200);
        world_alarm(world, ARM_TREATED, CART, 1830, 1970, 1);
        json_t *result = grade_world(&meta, world);
        const json_t *rate = metric_in(result, "treated", "false_positive_rate");

        ck_assert_double_eq(field_of(rate, "numerator"), 3);
        /* front calls pay, so the same minutes are left out there. */
        ck_assert_double_eq(field_of(rate, "denominator"), 60 + 49 + 49);
        ck_assert_double_eq(field_of(service_metric_in(result, "treated", "cart",
                                                       "false_positive_rate"),
                                     "value"),
                            3.0 / 60);
        ck_metric(result, "treated", "alarm_time_ratio", 140.0 / (3 * 3600));
        json_decref(result);
}
END_TEST

START_TEST(a_false_alarm_in_a_minute_with_a_real_fault_is_in_no_rate)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);

        /* The fault and its 30 s around end at 1210 s, the alarm is raised in
         * what is left of that minute. */
        world_fault(world, LEAK, 600, 1180);
        world_alarm(world, ARM_TREATED, CART, 1220, 1240, 1);
        json_t *result = grade_world(&meta, world);
        const json_t *rate = service_metric_in(result, "treated", "cart", "false_positive_rate");

        ck_metric(result, "treated", "alarms", 1);
        ck_metric(result, "treated", "false_discovery_rate", 1);
        ck_assert_double_eq(field_of(rate, "numerator"), 0);
        ck_assert_double_eq(field_of(rate, "denominator"), 60 - 11);
        json_decref(result);
}
END_TEST

START_TEST(time_under_two_alarms_at_once_counts_once)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);
        struct journal_entry *entry;

        for (unsigned i = 0; i < 2; i++) {
                entry = world_entry(world, ARM_TREATED, JOURNAL_ALARM, 100 + 50 * i, CART);
                entry->id = 1000 + i;
                entry->episode = 1;
        }
        for (unsigned i = 0; i < 2; i++)
                world_entry(world, ARM_TREATED, JOURNAL_ALARM_CLEARED, 200 + 50 * i, CART)->id =
                        1000 + i;
        json_t *result = grade_world(&meta, world);

        ck_metric(result, "treated", "alarm_time_ratio", 150.0 / (3 * 3600));
        json_decref(result);
}
END_TEST

START_TEST(an_alarm_that_stays_on_is_right_only_while_something_is_there)
{
        struct run_meta meta = hand_meta(); /* an hour, a window of ten minutes */
        struct world *world = world_new(0);
        json_t *result;

        world_fault(world, SLOW_PAY, 700, 800);
        world_incident(world, ARM_TREATED, FRONT, 700, 800, 50);
        world_incident(world, ARM_SHADOW, FRONT, 700, 800, 50);
        world_incident(world, ARM_UNTREATED, FRONT, 700, 800, 50);
        world_alarm(world, ARM_TREATED, FRONT, 0, HOUR_S, 1);
        result = grade_world(&meta, world);
        /* Said in six windows; right in the second, and by the first, which begins
         * before and is judged whole. */
        ck_assert_double_eq(field_of(metric_in(result, "treated", "alarms"), "value"), 6);
        ck_assert_double_eq(field_of(metric_in(result, "treated", "false_alarms_per_week"), "count"),
                            4);
        ck_assert_double_gt(field_of(metric_in(result, "treated", "false_positive_rate"), "value"),
                            0);
        json_decref(result);
}
END_TEST

START_TEST(an_alarm_is_on_until_it_is_cleared_or_the_run_ends)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);

        world_entry(world, ARM_TREATED, JOURNAL_ALARM, 3500, CART)->id = 5000;
        json_t *result = grade_world(&meta, world);

        ck_metric(result, "treated", "alarm_time_ratio", 100.0 / (3 * 3600));
        json_decref(result);
}
END_TEST

/* ---- predictions */

static void predict(struct world *world, enum arm arm, uint32_t service, double at_s,
                    double confidence)
{
        struct journal_entry *entry = world_entry(world, arm, JOURNAL_PREDICTION, at_s, service);

        entry->confidence = confidence;
        entry->kind = "memory_leak";
}

START_TEST(predictions_are_judged_by_what_comes_in_shadow)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);

        world_incident(world, ARM_SHADOW, CART, 1000, 1100, 50);
        world_incident(world, ARM_UNTREATED, CART, 1000, 1100, 50);
        predict(world, ARM_SHADOW, CART, 300, 0.8);  /* 700 s before: too early */
        predict(world, ARM_SHADOW, CART, 900, 0.8);  /* true */
        predict(world, ARM_SHADOW, CART, 980, 0.8);  /* 20 s: less than minimum_lead */
        predict(world, ARM_SHADOW, CART, 1050, 0.8); /* it is already there */
        predict(world, ARM_SHADOW, PAY, 900, 0.8);   /* of another service */
        predict(world, ARM_SHADOW, CART, 3200, 0.8); /* its window goes beyond the end */
        json_t *result = grade_world(&meta, world);

        ck_metric(result, "treated", "prediction_true", 1);
        ck_metric(result, "treated", "prediction_false", 2);
        ck_metric(result, "treated", "prediction_during", 2);
        ck_metric(result, "treated", "prediction_unevaluable", 1);
        ck_metric(result, "treated", "precision", 1.0 / 3);
        ck_metric(result, "treated", "recall", 1);
        ck_metric(result, "treated", "f1", 2 * (1.0 / 3) / (1 + 1.0 / 3));
        ck_metric(result, "treated", "lead_time", 100);
        ck_metric(result, "treated", "usable_lead_ratio", 1);
        /* 80 % said of three, one came true. */
        ck_metric(result, "treated", "calibration_error", (3 * 0.8 - 1) / 3);
        json_decref(result);
}
END_TEST

START_TEST(a_component_that_dies_makes_a_prediction_true)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);
        struct journal_entry *entry;

        predict(world, ARM_SHADOW, CART, 100, 0.9);
        entry = world_entry(world, ARM_SHADOW, JOURNAL_INSTANCE_STATE, 400, CART);
        entry->instance = 5;
        entry->kind = "down";
        entry->text = "oom";
        json_t *result = grade_world(&meta, world);

        ck_metric(result, "treated", "precision", 1);
        ck_no_data(metric_in(result, "treated", "recall"));
        json_decref(result);
}
END_TEST

START_TEST(what_is_said_and_over_before_the_warm_up_ends_is_in_no_metric)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);
        json_t *result;

        world_alarm(world, ARM_TREATED, PAY, -100, -50, 1);
        world_action(world, ARM_TREATED, RESTART, PAY, -90, -80, 1);
        world_entry(world, ARM_TREATED, JOURNAL_PREDICTION, -70, PAY)->id = 1;
        world_entry(world, ARM_SHADOW, JOURNAL_PREDICTION, -70, PAY)->id = 1;
        world_alarm(world, ARM_TREATED, CART, -20, 30, 2);
        result = grade_world(&meta, world);
        /* The one that is still on at 0 counts. */
        ck_assert_double_eq(field_of(metric_in(result, "treated", "false_alarms_per_week"), "count"),
                            1);
        ck_assert_double_eq(field_of(metric_in(result, "treated", "actions"), "value"), 0);
        ck_assert_double_eq(field_of(metric_in(result, "treated", "precision"), "n"), 0);
        json_decref(result);
}
END_TEST

/* The alarm about the first, still on at 0, was right. */
START_TEST(an_incident_that_was_over_before_the_warm_up_ended_is_in_no_metric)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);
        json_t *result;

        for (unsigned a = 0; a < ARM_COUNT; a++) {
                world_incident(world, (enum arm)a, FRONT, -130, 1, 9);
                world->incidents[a][0].restored_ns = -20 * NS_PER_S;
                world_incident(world, (enum arm)a, FRONT, -10, 20, 8);
                world_incident(world, (enum arm)a, CART, -130, 1, 9);
                world->incidents[a][2].restored_ns = -100 * NS_PER_S;
                world_incident(world, (enum arm)a, CART, 500, 540, 7);
        }
        world_alarm(world, ARM_TREATED, FRONT, -40, 30, 1);
        world_alarm(world, ARM_TREATED, CART, 510, 530, 2);
        result = grade_world(&meta, world);
        ck_metric(result, "treated", "incidents", 2);
        ck_metric(result, "untreated", "incidents", 2);
        ck_metric(result, "treated", "mttr", (20 + 40) / 2.0);
        ck_assert_double_eq(
                field_of(metric_in(result, "treated", "prevention_rate"), "denominator"), 2);
        ck_assert_double_eq(
                field_of(metric_in(result, "treated", "false_alarms_per_week"), "count"), 0);
        json_decref(result);
}
END_TEST

START_TEST(an_oracle_has_recall_1)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);

        for (unsigned i = 0; i < 5; i++) {
                world_incident(world, ARM_SHADOW, FRONT, 200 + 600 * i, 220 + 600 * i, 5);
                predict(world, ARM_SHADOW, FRONT, 100 + 600 * i, 1);
        }
        json_t *result = grade_world(&meta, world);

        ck_metric(result, "treated", "recall", 1);
        ck_metric(result, "treated", "precision", 1);
        ck_metric(result, "treated", "calibration_error", 0);
        json_decref(result);
}
END_TEST

START_TEST(always_predicting_has_the_base_rate_as_precision)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);
        unsigned right = 0;
        unsigned said = 0;

        meta.minimum_lead_ns = 0;
        meta.prediction_window_ns = 100 * NS_PER_S;
        world_incident(world, ARM_SHADOW, FRONT, 1000, 1000.5, 5);
        for (unsigned t = 5; t < 3500; t += 10) {
                predict(world, ARM_SHADOW, FRONT, t, 0.5);
                right += t <= 1000 && t >= 900;
                said++;
        }
        json_t *result = grade_world(&meta, world);

        ck_assert_uint_eq(right, 10);
        ck_metric(result, "treated", "precision", (double)right / said);
        json_decref(result);
}
END_TEST

/* ---- healing */

struct healing {
        double true_rate, verified, claimed;
};

static void stage(struct world *world, uint64_t episode, const char *kind, double at_s)
{
        struct journal_entry *entry = world_entry(world, ARM_TREATED, JOURNAL_EPISODE, at_s, PAY);

        entry->episode = episode;
        entry->kind = kind;
}

static struct healing healing_of(struct world *world, int64_t horizon_s)
{
        struct run_meta meta = hand_meta();
        struct healing healing;

        meta.horizon_ns = horizon_s * NS_PER_S;
        json_t *result = grade_world(&meta, world);
        healing.true_rate = field_of(metric_in(result, "treated", "healing_success_rate"), "value");
        healing.verified =
                field_of(metric_in(result, "treated", "healing_success_verified"), "value");
        healing.claimed = field_of(metric_in(result, "treated", "healing_success_claimed"), "value");
        json_decref(result);
        return healing;
}

static struct world *acted_on(double restored_s, double untreated_restored_s)
{
        struct world *world = world_new(0);

        world_fault(world, SLOW_PAY, 95, 110);
        world_incident(world, ARM_TREATED, PAY, 100, restored_s, 50);
        if (untreated_restored_s > 0)
                world_incident(world, ARM_UNTREATED, PAY, 100, untreated_restored_s,
                               untreated_restored_s > restored_s ? 90 : 50);
        world_alarm(world, ARM_TREATED, PAY, 105, 140, 1);
        world_action(world, ARM_TREATED, RESTART, PAY, 110, 115, 1);
        stage(world, 1, "claimed", 120);
        return world;
}

START_TEST(healed_is_ended_in_time_and_better_than_untreated)
{
        struct healing healing = healing_of(acted_on(130, 200), 60);

        ck_assert_double_eq(healing.true_rate, 1);
        ck_assert_double_eq(healing.claimed, 1);
        ck_assert_double_eq(healing.verified, 0);
}
END_TEST

START_TEST(what_ends_as_soon_without_healing_was_not_healed)
{
        struct healing healing = healing_of(acted_on(130, 130), 60);

        ck_assert_double_eq(healing.true_rate, 0);
        ck_assert_double_eq(healing.claimed, 1);
}
END_TEST

START_TEST(what_ends_after_the_horizon_was_not_healed)
{
        ck_assert_double_eq(healing_of(acted_on(180, 400), 60).true_rate, 0);
        ck_assert_double_eq(healing_of(acted_on(-1, -1), 60).true_rate, 0);
}
END_TEST

START_TEST(what_an_episode_did_before_there_was_anything_stays_false)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);

        world_action(world, ARM_TREATED, RESTART, PAY, 500, 501, 7);
        world_action(world, ARM_TREATED, RESTART, PAY, 2050, 2051, 7);
        world_incident(world, ARM_UNTREATED, PAY, 2100, 2180, 5);
        json_t *result = grade_world(&meta, world);

        ck_assert_int_eq(json_integer_value(json_object_get(
                                 metric_in(result, "treated", "false_actions_per_week"), "count")),
                         1);
        json_decref(result);
}
END_TEST

/* One episode about an incident of users and one within; bad requests of each, healed and not. */
static struct healing felt_and_inner(uint64_t felt, uint64_t felt_untreated, uint64_t inner,
                                     uint64_t inner_untreated, double inner_restored_s)
{
        struct world *world = world_new(0);

        world_fault(world, SLOW_PAY, 95, 110);
        world_incident(world, ARM_TREATED, FRONT, 100, 130, felt);
        world_incident(world, ARM_UNTREATED, FRONT, 100, 130, felt_untreated);
        world_incident(world, ARM_TREATED, PAY, 100, inner_restored_s, inner);
        world_incident(world, ARM_UNTREATED, PAY, 100, 130, inner_untreated);
        world_alarm(world, ARM_TREATED, PAY, 105, 140, 1);
        world_alarm(world, ARM_TREATED, FRONT, 105, 140, 1);
        world_action(world, ARM_TREATED, RESTART, PAY, 110, 115, 1);
        return healing_of(world, 60);
}

START_TEST(healed_is_what_users_felt_less_of_though_an_inner_service_refused_more)
{
        ck_assert_double_eq(felt_and_inner(50, 90, 90, 50, 130).true_rate, 1);
        ck_assert_double_eq(felt_and_inner(90, 50, 50, 90, 130).true_rate, 0);
        /* ... and only when the inner one is well again, too */
        ck_assert_double_eq(felt_and_inner(50, 90, 90, 50, 200).true_rate, 0);
}
END_TEST

START_TEST(prevention_is_healing_too)
{
        struct world *world = world_new(0);

        world_fault(world, LEAK, 50, 2000);
        world_action(world, ARM_TREATED, RESTART, CART, 110, 115, 1);
        world_incident(world, ARM_UNTREATED, CART, 400, 500, 50);
        ck_assert_double_eq(healing_of(world, 600).true_rate, 1);
}
END_TEST

START_TEST(acting_about_nothing_is_not_healing)
{
        struct world *world = world_new(0);

        world_alarm(world, ARM_TREATED, PAY, 100, 130, 1);
        world_action(world, ARM_TREATED, RESTART, PAY, 110, 115, 1);
        stage(world, 1, "claimed", 120);
        stage(world, 1, "verified", 121);

        struct healing healing = healing_of(world, 600);
        ck_assert_double_eq(healing.true_rate, 0);
        ck_assert_double_eq(healing.verified, 1);
}
END_TEST

START_TEST(acting_on_a_fault_that_hurts_nobody_is_left_out)
{
        struct world *world = world_new(0);

        world_fault(world, SLOW_PAY, 95, 300);
        world_alarm(world, ARM_TREATED, PAY, 100, 130, 1);
        world_action(world, ARM_TREATED, RESTART, PAY, 110, 115, 1);
        ck_assert(isnan(healing_of(world, 600).true_rate));
}
END_TEST

START_TEST(right_is_what_resets_the_layer_that_the_fault_lives_in)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);

        world_fault(world, LEAK, 100, 400);
        world_action(world, ARM_TREATED, RESTART, CART, 110, 115, 1);  /* right, right place */
        world_action(world, ARM_TREATED, SCALE, CART, 120, 125, 2);    /* wrong, right place */
        world_action(world, ARM_TREATED, RESTART, PAY, 130, 135, 3);   /* wrong place */
        world_action(world, ARM_TREATED, ESCALATE, CART, 140, 145, 4); /* no cure of its own */
        world_action(world, ARM_TREATED, RESTART, CART, 2000, 2005, 5); /* no fault: not judged */
        json_t *result = grade_world(&meta, world);

        ck_metric(result, "treated", "right_target_ratio", 2.0 / 3);
        ck_metric(result, "treated", "right_action_ratio", 1.0 / 2);
        json_decref(result);
}
END_TEST

START_TEST(where_only_a_human_cures_no_action_is_right_or_wrong)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);

        world_fault(world, SLOW_PAY, 100, 400);
        world_action(world, ARM_TREATED, RESTART, PAY, 110, 115, 1);
        json_t *result = grade_world(&meta, world);

        ck_no_data(metric_in(result, "treated", "right_action_ratio"));
        ck_metric(result, "treated", "right_target_ratio", 1);
        json_decref(result);
}
END_TEST

START_TEST(the_cause_is_right_when_it_names_where_the_fault_acts)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);
        static const uint32_t said[3] = { FRONT, CART, PAY };

        world_fault(world, SLOW_PAY, 95, 160);
        world_incident(world, ARM_TREATED, FRONT, 100, 150, 50);
        world_alarm(world, ARM_TREATED, FRONT, 105, 140, 1);
        for (uint32_t rank = 1; rank <= 3; rank++) {
                struct journal_entry *entry = world_entry(world, ARM_TREATED, JOURNAL_DIAGNOSIS,
                                                          106, said[rank - 1]);
                entry->rank = rank;
                entry->episode = 1;
        }
        json_t *result = grade_world(&meta, world);

        ck_metric(result, "treated", "root_cause_top1", 0);
        ck_metric(result, "treated", "root_cause_top3", 1);
        json_decref(result);
}
END_TEST

START_TEST(an_incident_that_a_human_touched_is_manual)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);

        world_incident(world, ARM_UNTREATED, FRONT, 100, 900, 50);
        world_incident(world, ARM_UNTREATED, FRONT, 2000, 2100, 50);
        world_entry(world, ARM_UNTREATED, JOURNAL_ESCALATION, 2010, FRONT)->kind = "paged";
        world_entry(world, ARM_UNTREATED, JOURNAL_ESCALATION, 800, FRONT)->kind = "responded";
        json_t *result = grade_world(&meta, world);

        ck_metric(result, "untreated", "manual_ratio", 0.5);
        json_decref(result);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("truth");
        TCase *tc = tcase_create("truth");

        tcase_set_timeout(tc, 60);
        tcase_add_test(tc, a_fault_causes_what_begins_within_60_s_of_its_end);
        tcase_add_test(tc, a_fault_is_not_attributed_to_a_service_that_does_not_reach_it);
        tcase_add_test(tc, the_clock_runs_from_the_last_fault_before_the_onset);
        tcase_add_test(tc, a_decoy_causes_nothing);
        tcase_add_test(tc, detection_is_the_first_attributed_alarm);
        tcase_add_test(tc, an_alarm_before_the_onset_counts_0_and_a_late_one_is_none);
        tcase_add_test(tc, an_alarm_is_true_when_users_are_hurt_there);
        tcase_add_test(tc, an_alarm_is_latent_when_something_is_really_wrong_there);
        tcase_add_test(tc, an_alarm_about_nothing_is_false);
        tcase_add_test(tc, an_episode_is_one_alarm_and_true_when_any_of_it_is);
        tcase_add_test(tc, alarms_of_no_episode_belong_to_the_one_that_is_open_about_them);
        tcase_add_test(tc, an_action_without_an_alarm_is_judged_by_itself);
        tcase_add_loop_test(tc, giving_back_is_of_the_episode_in_which_it_was_taken, 0, 2);
        tcase_add_test(tc, what_an_episode_did_before_there_was_anything_stays_false);
        tcase_add_test(tc, in_quiet_only_the_fleets_own_noise_makes_an_alarm_true);
        tcase_add_test(tc, false_positive_rate_counts_minutes_in_which_nothing_was_wrong);
        tcase_add_test(tc, a_false_alarm_in_a_minute_with_a_real_fault_is_in_no_rate);
        tcase_add_test(tc, time_under_two_alarms_at_once_counts_once);
        tcase_add_test(tc, an_alarm_is_on_until_it_is_cleared_or_the_run_ends);
        tcase_add_test(tc, an_alarm_that_stays_on_is_right_only_while_something_is_there);
        tcase_add_test(tc, predictions_are_judged_by_what_comes_in_shadow);
        tcase_add_test(tc, a_component_that_dies_makes_a_prediction_true);
        tcase_add_test(tc, what_is_said_and_over_before_the_warm_up_ends_is_in_no_metric);
        tcase_add_test(tc, an_incident_that_was_over_before_the_warm_up_ended_is_in_no_metric);
        tcase_add_test(tc, an_oracle_has_recall_1);
        tcase_add_test(tc, always_predicting_has_the_base_rate_as_precision);
        tcase_add_test(tc, healed_is_ended_in_time_and_better_than_untreated);
        tcase_add_test(tc, what_ends_as_soon_without_healing_was_not_healed);
        tcase_add_test(tc, what_ends_after_the_horizon_was_not_healed);
        tcase_add_test(tc, healed_is_what_users_felt_less_of_though_an_inner_service_refused_more);
        tcase_add_test(tc, prevention_is_healing_too);
        tcase_add_test(tc, acting_about_nothing_is_not_healing);
        tcase_add_test(tc, acting_on_a_fault_that_hurts_nobody_is_left_out);
        tcase_add_test(tc, right_is_what_resets_the_layer_that_the_fault_lives_in);
        tcase_add_test(tc, where_only_a_human_cures_no_action_is_right_or_wrong);
        tcase_add_test(tc, the_cause_is_right_when_it_names_where_the_fault_acts);
        tcase_add_test(tc, an_incident_that_a_human_touched_is_manual);
        suite_add_tcase(suite, tc);
        SRunner *runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        int failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
