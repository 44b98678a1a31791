/* test_lane.c - requests that were worked out ahead leave the same bytes behind. */
#include <check.h>

#include "tests/both_ways.h"

static bool by_lane(const struct fleet *fleet)
{
        return fleet->lane_capacity > 0;
}

static struct service_spec *leaf(uint32_t instances, double rho, struct dist work)
{
        struct service_spec *service;

        build_begin(&b);
        b.telemetry = true;
        service = build_service(&b, "leaf", work);
        service->instance_count = instances;
        service->slo = (struct slo_spec){true, 0.9, 100 * NS_PER_MS, 1, 10 * NS_PER_S, 20};
        build_load(&b, "users", 0, 100 * rho * instances);
        return service;
}

START_TEST(one_queue)
{
        leaf(1, 0.9, exponential(10 * NS_PER_MS));
        same_both_ways(NULL, by_lane);
}
END_TEST

START_TEST(an_overload_that_never_empties)
{
        leaf(2, 1.2, exponential(10 * NS_PER_MS));
        same_both_ways(NULL, by_lane);
}
END_TEST

START_TEST(many_queues_of_two_sources)
{
        leaf(7, 0.5, exponential(10 * NS_PER_MS));
        build_load(&b, "others", 0, 130);
        same_both_ways(NULL, by_lane);
}
END_TEST

START_TEST(equal_work_and_ties)
{
        leaf(3, 0.8, constant(10 * NS_PER_MS));
        same_both_ways(NULL, by_lane);
}
END_TEST

START_TEST(beside_a_chain)
{
        leaf(3, 0.8, exponential(10 * NS_PER_MS));
        build_service(&b, "front", exponential(5 * NS_PER_MS));
        build_service(&b, "back", exponential(5 * NS_PER_MS));
        build_call(&b, 1, 2)->timeout_ns = 20 * NS_PER_MS;
        build_load(&b, "guests", 1, 80);
        same_both_ways(NULL, by_lane);
}
END_TEST

static void dies(struct fleet *fleet)
{
        fleet_instance_kill(fleet, 1, 137, "test");
}

START_TEST(a_process_that_dies)
{
        leaf(3, 0.9, exponential(10 * NS_PER_MS));
        same_both_ways(dies, by_lane);
}
END_TEST

static void restarts(struct fleet *fleet)
{
        build_act(fleet, ACTION_RESTART_INSTANCE, 0, 2, 0);
}

START_TEST(an_action)
{
        leaf(3, 0.9, exponential(10 * NS_PER_MS));
        same_both_ways(restarts, by_lane);
}
END_TEST

static struct effect slow;

static void slow_ends(void *fleet, uint32_t unused)
{
        (void)unused;
        fleet_effect_lift(fleet, &slow);
}

static void slows(struct fleet *fleet)
{
        slow = (struct effect){
                .kind = EFFECT_CPU, .probability = 1, .ramp_down_from_ns = TIME_NEVER, .a = 3};
        fleet_effect_on_instance(fleet, 0, &slow);
        fleet_schedule(fleet, 30 * NS_PER_S, 77, slow_ends, fleet, 0);
}

START_TEST(a_fault_that_comes_and_goes)
{
        leaf(2, 0.8, exponential(10 * NS_PER_MS));
        same_both_ways(slows, by_lane);
}
END_TEST

static void crowd(struct fleet *fleet)
{
        load_crowd(fleet, 0, 0.5);
        fleet_load_burst(fleet, 0, 0.05, 9);
}

START_TEST(a_crowd)
{
        leaf(2, 0.6, exponential(10 * NS_PER_MS));
        same_both_ways(crowd, by_lane);
}
END_TEST

static void phases(struct fleet *fleet)
{
        fleet_set_phase(fleet, PHASE_DURING);
}

START_TEST(another_phase)
{
        leaf(2, 0.9, exponential(10 * NS_PER_MS));
        same_both_ways(phases, by_lane);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("lane");
        TCase *t = tcase_create("all");
        SRunner *runner;
        int failed;

        tcase_set_timeout(t, 60);
        tcase_add_test(t, one_queue);
        tcase_add_test(t, an_overload_that_never_empties);
        tcase_add_test(t, many_queues_of_two_sources);
        tcase_add_test(t, equal_work_and_ties);
        tcase_add_test(t, beside_a_chain);
        tcase_add_test(t, a_process_that_dies);
        tcase_add_test(t, an_action);
        tcase_add_test(t, a_fault_that_comes_and_goes);
        tcase_add_test(t, a_crowd);
        tcase_add_test(t, another_phase);
        suite_add_tcase(s, t);
        runner = srunner_create(s);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
