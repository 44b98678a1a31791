/* test_relay.c - requests that pass a chain of services as one record leave the same
 * bytes behind as calls and reqs do. */
#include <check.h>

#include "tests/both_ways.h"

static bool by_relay(const struct fleet *fleet)
{
        return fleet->relay_count > 0;
}

static struct load_spec *chain_of(uint32_t services, uint32_t instances, double rho,
                                  struct dist work)
{
        static const char *const names[] = {"front", "middle", "back", "far"};
        struct load_spec *load;

        build_begin(&b);
        policies = NULL;
        b.telemetry = true;
        for (uint32_t i = 0; i < services; i++) {
                struct service_spec *service = build_service(&b, names[i], work);

                service->instance_count = instances;
                service->hold = HOLD_WORK;
        }
        b.services[0].slo = (struct slo_spec){true, 0.9, 60 * NS_PER_MS, 1, 10 * NS_PER_S, 20};
        for (uint32_t i = 0; i + 1 < services; i++)
                build_call(&b, i, i + 1)->balancing = i == 0 ? BALANCE_RANDOM : BALANCE_ROUND_ROBIN;
        load = build_load(&b, "users", 0, 100 * rho * instances);
        load->timeout_ns = 80 * NS_PER_MS;
        load->retry.max = 2;
        load->retry.initial_ns = NS_PER_MS;
        return load;
}

static void chain(uint32_t instances, double rho)
{
        chain_of(3, instances, rho, exponential(10 * NS_PER_MS));
}

START_TEST(impatient_clients_of_three_services)
{
        chain(4, 0.6);
        same_both_ways(NULL, by_relay);
}
END_TEST

START_TEST(four_services_and_one)
{
        chain_of(4, 3, 0.5, exponential(10 * NS_PER_MS));
        same_both_ways(NULL, by_relay);
        chain_of(1, 3, 0.5, exponential(10 * NS_PER_MS));
        same_both_ways(NULL, by_relay);
}
END_TEST

START_TEST(equal_work_and_ties)
{
        chain_of(3, 2, 0.7, constant(10 * NS_PER_MS));
        same_both_ways(NULL, by_relay);
}
END_TEST

START_TEST(an_overload_that_never_empties)
{
        chain(2, 1.1);
        same_both_ways(NULL, by_relay);
}
END_TEST

START_TEST(classes_of_requests)
{
        static const struct load_class classes[] = {{"cheap", 0.7, 100, 0.5},
                                                    {"dear", 0.3, 400, 2}};
        struct load_spec *load = chain_of(3, 4, 0.5, exponential(10 * NS_PER_MS));

        load->classes = classes;
        load->class_count = 2;
        same_both_ways(NULL, by_relay);
}
END_TEST

/* Ordinary calls come to the middle, from a caller that keeps its worker. */
START_TEST(others_come_in_half_way)
{
        chain(3, 0.4);
        build_service(&b, "side", exponential(5 * NS_PER_MS))->instance_count = 3;
        build_call(&b, 3, 1)->timeout_ns = 30 * NS_PER_MS;
        build_load(&b, "guests", 3, 60);
        same_both_ways(NULL, by_relay);
}
END_TEST

/* What it calls besides is no relay's way: ordinary requests meet relays at "back". */
START_TEST(ordinary_requests_meet_relays)
{
        chain(3, 0.3);
        build_service(&b, "side", exponential(5 * NS_PER_MS))->instance_count = 2;
        build_call(&b, 3, 2)->count = 2;
        build_load(&b, "guests", 3, 40);
        same_both_ways(NULL, by_relay);
}
END_TEST

START_TEST(closed_users)
{
        struct load_spec *load;

        chain(3, 0.3);
        load = build_load(&b, "people", 0, 0);
        load->process = LOAD_CLOSED;
        load->users = 40;
        load->think_time = exponential(500 * NS_PER_MS);
        same_both_ways(NULL, by_relay);
}
END_TEST

static void dies(struct fleet *fleet)
{
        fleet_instance_kill(fleet, 4, 137, "test");
}

START_TEST(a_process_in_the_middle_dies)
{
        chain(3, 0.6);
        same_both_ways(dies, by_relay);
}
END_TEST

static void restarts(struct fleet *fleet)
{
        build_act(fleet, ACTION_RESTART_INSTANCE, 2, 7, 0);
}

START_TEST(an_action)
{
        chain(3, 0.6);
        same_both_ways(restarts, by_relay);
}
END_TEST

static struct effect effect;

static void effect_ends(void *fleet, uint32_t unused)
{
        (void)unused;
        fleet_effect_lift(fleet, &effect);
}

static void effect_for_10_s(struct fleet *fleet, enum effect_kind kind, double size)
{
        effect = (struct effect){.kind = kind,
                                 .probability = 1,
                                 .ramp_down_from_ns = TIME_NEVER,
                                 .delay = constant(5 * NS_PER_MS),
                                 .a = size};
        fleet_schedule(fleet, 30 * NS_PER_S, 77, effect_ends, fleet, 0);
}

static void slows(struct fleet *fleet)
{
        effect_for_10_s(fleet, EFFECT_CPU, 2);
        fleet_effect_on_instance(fleet, 4, &effect);
}

START_TEST(a_slow_instance_that_gets_well)
{
        chain(3, 0.5);
        same_both_ways(slows, by_relay);
}
END_TEST

static void delays(struct fleet *fleet)
{
        effect_for_10_s(fleet, EFFECT_EDGE_DELAY, 1);
        fleet_effect_on_edge(fleet, 1, &effect);
}

START_TEST(a_slow_edge_that_gets_well)
{
        chain(3, 0.5);
        same_both_ways(delays, by_relay);
}
END_TEST

static void crowd(struct fleet *fleet)
{
        load_crowd(fleet, 0, 0.5);
        fleet_load_burst(fleet, 0, 0.05, 9);
}

START_TEST(a_crowd)
{
        chain(3, 0.4);
        same_both_ways(crowd, by_relay);
}
END_TEST

START_TEST(restarts_deployments_and_jobs_of_daily_life)
{
        static struct background_spec daily[] = {
                {BACKGROUND_GOOD_DEPLOYMENT, 0.05, FLEET_NO_INDEX, 0, 0, 0},
                {BACKGROUND_BENIGN_RESTART, 0.1, FLEET_NO_INDEX, 0, 0, 0},
                {BACKGROUND_BATCH_JOB, 0.1, FLEET_NO_INDEX, 0.5, 0, 3 * NS_PER_S},
                {BACKGROUND_FLASH_CROWD, 0.05, FLEET_NO_INDEX, 0, 1.5, 5 * NS_PER_S},
        };

        chain(3, 0.5);
        b.spec.background = daily;
        b.spec.background_count = sizeof(daily) / sizeof(daily[0]);
        same_both_ways(NULL, by_relay);
}
END_TEST

/* A guard on every call inside: no more than 4 at a time, and the answer counts. */
static uint64_t guard_refusals;

static void guard_settings(void *state, uint32_t edge, struct policy_edge_settings *out)
{
        (void)state;
        (void)edge;
        memset(out, 0, sizeof(*out));
        out->guarded = true;
        out->has_retry = true;
        out->retry = (struct retry_spec){1, NS_PER_MS, 2, NS_PER_S, 0.5, 0.2};
}

static enum policy_verdict guard_admits(void *state, uint32_t edge, int64_t now_ns,
                                        uint32_t priority, struct policy_ticket *ticket,
                                        struct policy_turn *turn)
{
        uint32_t *out = state;

        (void)priority;
        (void)turn;
        if (out[edge] >= 4) {
                guard_refusals++;
                return POLICY_REJECT_BULKHEAD;
        }
        out[edge]++;
        ticket->word[0] = (uint64_t)now_ns;
        return POLICY_ADMIT;
}

static void guard_hears(void *state, uint32_t edge, int64_t now_ns, struct policy_ticket *ticket,
                        enum policy_outcome outcome, int64_t latency_ns)
{
        uint32_t *out = state;

        ck_assert_int_eq((int64_t)ticket->word[0], now_ns - latency_ns);
        mix(&outcome, sizeof(outcome));
        mix(&latency_ns, sizeof(latency_ns));
        ck_assert_uint_gt(out[edge], 0);
        out[edge]--;
}

static uint32_t guard_keeps(void *state, uint32_t edge, struct policy_ticket *ticket)
{
        (void)state;
        (void)edge;
        (void)ticket;
        return 0;
}

static bool guard_is_still(void *state, struct policy_transition *out)
{
        (void)state;
        (void)out;
        return false;
}

static const struct fleet_policy_ops guard = {
        .settings = guard_settings,
        .admit = guard_admits,
        .report = guard_hears,
        .hand_over = guard_keeps,
        .next_transition = guard_is_still,
};

START_TEST(guards_turn_some_away)
{
        chain(3, 0.5);
        policies = &guard;
        guard_refusals = 0;
        same_both_ways(NULL, by_relay);
        ck_assert_uint_gt(guard_refusals, 100);
        chain(3, 0.5);
        policies = &guard;
        same_both_ways(dies, by_relay);
}
END_TEST

static void sheds(struct fleet *fleet)
{
        build_act(fleet, ACTION_SHED_LOAD, 1, FLEET_NO_INDEX, 0.5);
}

START_TEST(a_service_that_sheds_load)
{
        chain(3, 0.5);
        same_both_ways(sheds, by_relay);
}
END_TEST

START_TEST(a_balancer_that_looks_at_lengths_sees_all_requests)
{
        for (uint64_t seed = 1; seed <= 2; seed++) {
                struct fleet *fleet;
                struct books books;

                chain(3, 0.5);
                b.edges[1].balancing = BALANCE_LEAST_OUTSTANDING;
                fleet = build_fleet(&b, seed, NS_PER_S);
                ck_assert(fleet_run_until(fleet, 10 * NS_PER_S));
                ck_assert_uint_eq(fleet->relay_count, 0); /* nothing goes that way */
                ck_assert(books_close(&books, &b, fleet));
                books_free(&books);
                build_end(&b);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("relay");
        TCase *t = tcase_create("all");
        SRunner *runner;
        int failed;

        tcase_set_timeout(t, 60);
        tcase_add_test(t, impatient_clients_of_three_services);
        tcase_add_test(t, four_services_and_one);
        tcase_add_test(t, equal_work_and_ties);
        tcase_add_test(t, an_overload_that_never_empties);
        tcase_add_test(t, classes_of_requests);
        tcase_add_test(t, others_come_in_half_way);
        tcase_add_test(t, ordinary_requests_meet_relays);
        tcase_add_test(t, closed_users);
        tcase_add_test(t, a_process_in_the_middle_dies);
        tcase_add_test(t, an_action);
        tcase_add_test(t, a_slow_instance_that_gets_well);
        tcase_add_test(t, a_slow_edge_that_gets_well);
        tcase_add_test(t, a_crowd);
        tcase_add_test(t, restarts_deployments_and_jobs_of_daily_life);
        tcase_add_test(t, guards_turn_some_away);
        tcase_add_test(t, a_service_that_sheds_load);
        tcase_add_test(t, a_balancer_that_looks_at_lengths_sees_all_requests);
        suite_add_tcase(s, t);
        runner = srunner_create(s);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
