/* test_fates.c - what became of untreated's incidents, one fate each. */
#include "tests/hand_made.h"

#include <stdio.h>

static const char *fate_of(const json_t *result, const char *arm, size_t i)
{
        const json_t *incidents =
                json_object_get(json_object_get(json_object_get(result, "arms"), arm), "incidents");
        const char *fate =
                json_string_value(json_object_get(json_array_get(incidents, i), "fate"));

        return fate ? fate : "none";
}

/* One of untreated, [1000, 1100) with 100 bad requests, against one of treated. */
static const char *fate_against(double from_s, double to_s, uint64_t bad, const char **own)
{
        static char fates[2][16];
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);

        world_incident(world, ARM_UNTREATED, FRONT, 1000, 1100, 100);
        if (bad)
                world_incident(world, ARM_TREATED, FRONT, from_s, to_s, bad);
        json_t *result = grade_world(&meta, world);
        snprintf(fates[0], sizeof(fates[0]), "%s", fate_of(result, "untreated", 0));
        snprintf(fates[1], sizeof(fates[1]), "%s", fate_of(result, "treated", 0));
        if (own)
                *own = fates[1];
        json_decref(result);
        return fates[0];
}

START_TEST(one_incident_against_one_has_the_fate_of_its_size)
{
        ck_assert_str_eq(fate_against(0, 0, 0, NULL), "prevented");
        ck_assert_str_eq(fate_against(1000, 1050, 90, NULL), "mitigated");
        ck_assert_str_eq(fate_against(1000, 1100, 91, NULL), "unchanged");
        ck_assert_str_eq(fate_against(1000, 1100, 109, NULL), "unchanged");
        ck_assert_str_eq(fate_against(1000, 1100, 110, NULL), "worsened");
}
END_TEST

START_TEST(a_later_onset_is_postponed)
{
        ck_assert_str_eq(fate_against(1030, 1100, 50, NULL), "mitigated");
        ck_assert_str_eq(fate_against(1031, 1100, 50, NULL), "postponed");
        ck_assert_str_eq(fate_against(1131, 1200, 50, NULL), "prevented");
}
END_TEST

START_TEST(thirty_seconds_around_are_still_around)
{
        const char *own;

        ck_assert_str_eq(fate_against(900, 971, 10, NULL), "mitigated");
        ck_assert_str_eq(fate_against(900, 969, 10, &own), "prevented");
        ck_assert_str_eq(own, "induced");
}
END_TEST

START_TEST(another_service_is_another_matter)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);

        world_incident(world, ARM_UNTREATED, FRONT, 1000, 1100, 100);
        world_incident(world, ARM_TREATED, PAY, 1000, 1100, 100);
        json_t *result = grade_world(&meta, world);

        ck_assert_str_eq(fate_of(result, "untreated", 0), "prevented");
        ck_assert_str_eq(fate_of(result, "treated", 0), "induced");
        ck_metric(result, "treated", "induced_incidents", 1);
        ck_metric(result, "treated", "prevention_rate", 1);
        json_decref(result);
}
END_TEST

START_TEST(three_incidents_merged_into_one_are_neither_prevented_nor_fewer)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);

        for (unsigned i = 0; i < 3; i++)
                world_incident(world, ARM_UNTREATED, FRONT, 1000 + 200 * i, 1050 + 200 * i, 100);
        world_incident(world, ARM_TREATED, FRONT, 1000, 1460, 900);
        json_t *result = grade_world(&meta, world);
        const json_t *fates = json_object_get(
                json_object_get(json_object_get(result, "arms"), "treated"), "fates");

        for (size_t i = 0; i < 3; i++)
                ck_assert_str_eq(fate_of(result, "untreated", i), "merged");
        ck_assert_int_eq(json_integer_value(json_object_get(fates, "merged")), 3);
        ck_metric(result, "treated", "prevention_rate", 0);
        ck_metric(result, "treated", "induced_incidents", 0);
        /* By count alone treated would look better, 1 against 3. */
        ck_assert_double_lt(field_of(metric_in(result, "treated", "averted_harm"), "value"), 0);
        json_decref(result);
}
END_TEST

START_TEST(a_twin_still_down_from_the_fault_before_makes_no_induced_incident)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);

        /* Untreated never recovers from the first fault; treated does, and so
         * is hit by the second. */
        world_incident(world, ARM_UNTREATED, FRONT, 1000, -1, 5000);
        world_incident(world, ARM_TREATED, FRONT, 1000, 1020, 50);
        world_incident(world, ARM_TREATED, FRONT, 2000, 2020, 50);
        json_t *result = grade_world(&meta, world);

        ck_assert_str_eq(fate_of(result, "untreated", 0), "mitigated");
        ck_assert_str_eq(fate_of(result, "treated", 0), "none");
        ck_assert_str_eq(fate_of(result, "treated", 1), "exposed");
        ck_metric(result, "treated", "induced_incidents", 0);
        json_decref(result);
}
END_TEST

START_TEST(inside_an_older_incident_of_treated_is_exposed)
{
        ck_assert_str_eq(fate_against(900, 1200, 500, NULL), "exposed");
}
END_TEST

START_TEST(prevention_splits_by_what_shadow_has)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);

        world_incident(world, ARM_UNTREATED, FRONT, 1000, 1100, 100); /* by reaction */
        world_incident(world, ARM_UNTREATED, FRONT, 2000, 2100, 100); /* by prediction */
        world_incident(world, ARM_SHADOW, FRONT, 2050, 2060, 10);
        world_incident(world, ARM_UNTREATED, FRONT, 3000, 3100, 100); /* not at all */
        world_incident(world, ARM_SHADOW, FRONT, 3000, 3020, 10);
        world_incident(world, ARM_SHADOW, FRONT, 3400, 3420, 10); /* a second gain */
        world_incident(world, ARM_TREATED, FRONT, 3000, 3010, 10);
        json_t *result = grade_world(&meta, world);
        const json_t *rate = metric_in(result, "treated", "prevention_rate");

        ck_metric(result, "treated", "prevention_rate", 2.0 / 3);
        ck_assert_double_eq(field_of(json_object_get(rate, "by_reaction"), "value"), 1.0 / 3);
        ck_assert_double_eq(field_of(json_object_get(rate, "by_prediction"), "value"), 1.0 / 3);
        ck_metric(result, "treated", "prediction_gain", 2.0 / 3);
        json_decref(result);
}
END_TEST

START_TEST(quiet_against_calm_is_induced_too)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);

        world_incident(world, ARM_CALM, FRONT, 100, 110, 5);
        world_incident(world, ARM_QUIET, FRONT, 100, 110, 5);
        world_incident(world, ARM_QUIET, FRONT, 1000, 1010, 5);
        json_t *result = grade_world(&meta, world);

        ck_metric(result, "quiet", "induced_incidents", 1);
        ck_metric(result, "treated", "self_made_harm", 5);
        ck_metric(result, "treated", "self_made_bad_seconds", 10);
        json_decref(result);
}
END_TEST

START_TEST(fates_add_up_in_every_arrangement)
{
        struct run_meta meta = hand_meta();
        uint32_t chance = 12345;

        for (unsigned round = 0; round < 200; round++) {
                struct world *world = world_new(round);
                for (unsigned a = ARM_TREATED; a <= ARM_UNTREATED; a++) {
                        double at = 0;
                        for (unsigned i = 0; i < 8; i++) {
                                chance = chance * 1664525 + 1013904223;
                                at += 31 + (chance >> 16) % 150;
                                double from = at;
                                chance = chance * 1664525 + 1013904223;
                                at += 1 + (chance >> 16) % 200;
                                world_incident(world, (enum arm)a, FRONT, from, at,
                                               1 + (chance >> 20) % 50);
                        }
                }
                json_t *result = grade_world(&meta, world);
                const json_t *fates = json_object_get(
                        json_object_get(json_object_get(result, "arms"), "treated"), "fates");
                json_int_t sum = 0;
                const char *name;
                json_t *count;
                json_object_foreach((json_t *)(uintptr_t)fates, name, count) sum +=
                        json_integer_value(count);
                ck_assert_int_eq(sum, 8);
                ck_assert_str_ne(json_string_value(json_object_get(result, "outcome")), "internal");
                json_decref(result);
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("fates");
        TCase *tc = tcase_create("fates");

        tcase_set_timeout(tc, 60);
        tcase_add_test(tc, one_incident_against_one_has_the_fate_of_its_size);
        tcase_add_test(tc, a_later_onset_is_postponed);
        tcase_add_test(tc, thirty_seconds_around_are_still_around);
        tcase_add_test(tc, another_service_is_another_matter);
        tcase_add_test(tc, three_incidents_merged_into_one_are_neither_prevented_nor_fewer);
        tcase_add_test(tc, a_twin_still_down_from_the_fault_before_makes_no_induced_incident);
        tcase_add_test(tc, inside_an_older_incident_of_treated_is_exposed);
        tcase_add_test(tc, prevention_splits_by_what_shadow_has);
        tcase_add_test(tc, quiet_against_calm_is_induced_too);
        tcase_add_test(tc, fates_add_up_in_every_arrangement);
        suite_add_tcase(suite, tc);
        SRunner *runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        int failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
