/* test_fleet.c - what becomes of requests, instances and actions.
 *
 * Each test builds a small fleet (fleet_builder.h), changes one thing and looks
 * at one effect. Every fleet's books are closed, so conservation and Little's
 * law are checked in all of them. Against closed forms: tests/validation/.
 */
#include "tests/fleet_builder.h"

#include <check.h>
#include <math.h>

#include "harness/fleet/model.h"

static struct builder b;
static struct books books;

static void setup(void)
{
        build_begin(&b);
        memset(&books, 0, sizeof(books));
}

static void teardown(void)
{
        books_free(&books);
        build_end(&b);
}

/* Runs to `seconds` after the warm-up and closes the books. */
static void run_to(struct fleet *fleet, int64_t seconds)
{
        ck_assert(fleet_run_until(fleet, seconds * NS_PER_S));
        ck_assert(books_close(&books, &b, fleet));
}

/* Arrivals at given instants since the start, each once. */
static void arrivals_at(struct load_spec *load, const int64_t *at_ns, size_t count)
{
        load->process = LOAD_TRACE;
        load->trace = (struct load_trace){.at_ns = at_ns, .length = count, .total_ns = NS_PER_HOUR};
}

/* ---- what becomes of a request */

START_TEST(an_unhindered_request_takes_its_service_time)
{
        static const int64_t at[] = {NS_PER_S};

        build_service(&b, "only", constant(10 * NS_PER_MS));
        arrivals_at(build_load(&b, "users", 0, 1), at, 1);
        run_to(build_fleet(&b, 1, 0), 5);
        ck_assert_uint_eq(books_outcome(&books, 0, CALL_OK), 1);
        ck_assert_double_eq_tol(books_latency_s(&books, 0), 0.010, 1e-9);
        ck_assert_uint_eq(books.totals.root_requests, 1);
        ck_assert_uint_eq(books.totals.root_unfinished, 0);
}
END_TEST

START_TEST(a_request_that_finds_the_queue_full_is_dropped)
{
        static const int64_t at[] = {0, 1, 2, 3};

        build_service(&b, "only", constant(NS_PER_S))->queue_max = 2;
        arrivals_at(build_load(&b, "users", 0, 1), at, 4);
        run_to(build_fleet(&b, 1, 0), 10);
        ck_assert_uint_eq(books_outcome(&books, 0, CALL_OK), 3);
        ck_assert_uint_eq(books_outcome(&books, 0, CALL_DROPPED), 1);
        ck_assert_uint_eq(books.services[0].dropped, 1);
}
END_TEST

START_TEST(a_queue_of_nothing_makes_a_loss_system)
{
        static const int64_t at[] = {0, 1};

        build_service(&b, "only", constant(NS_PER_S))->queue_max = 0;
        arrivals_at(build_load(&b, "users", 0, 1), at, 2);
        run_to(build_fleet(&b, 1, 0), 10);
        ck_assert_uint_eq(books_outcome(&books, 0, CALL_DROPPED), 1);
}
END_TEST

START_TEST(requests_of_the_warm_up_are_in_no_count)
{
        build_service(&b, "only", exponential(5 * NS_PER_MS));
        build_load(&b, "users", 0, 100);
        run_to(build_fleet(&b, 1, 30 * NS_PER_S), 0);
        ck_assert_uint_eq(books.services[0].calls, 0);
        ck_assert_uint_eq(books.services[0].arrived, 0);
        ck_assert_uint_eq(books.totals.root_requests, 0);
        ck_assert_double_eq_tol(books.services[0].busy_area_s, 0, 1e-9);
}
END_TEST

START_TEST(a_warm_up_need_not_be_of_whole_seconds)
{
        build_service(&b, "only", exponential(5 * NS_PER_MS))->slo.present = true;
        build_load(&b, "users", 0, 100);
        run_to(build_fleet(&b, 1, 1500 * NS_PER_MS), 10);
        ck_assert_uint_gt(books.services[0].calls, 800);
        ck_assert_uint_eq(books.services[0].second_count, 10);
}
END_TEST

START_TEST(what_is_inside_at_the_end_is_unfinished)
{
        static const int64_t at[] = {0, 1, 2};

        build_service(&b, "only", constant(4 * NS_PER_S));
        arrivals_at(build_load(&b, "users", 0, 1), at, 3);
        run_to(build_fleet(&b, 1, 0), 5);
        ck_assert_uint_eq(books_outcome(&books, 0, CALL_OK), 1);
        ck_assert_uint_eq(books.services[0].unfinished, 2);
        ck_assert_uint_eq(books.totals.root_unfinished, 2);
}
END_TEST

START_TEST(own_errors_come_with_their_rate)
{
        double share;

        build_service(&b, "only", exponential(NS_PER_MS))->error_rate = 0.2;
        build_load(&b, "users", 0, 200);
        run_to(build_fleet(&b, 1, 0), 100);
        share = (double)books_outcome(&books, 0, CALL_ERROR) / (double)books_ended(&books, 0);
        ck_assert_double_eq_tol(share, 0.2, 4 * sqrt(0.16 / 20000));
}
END_TEST

/* ---- timeouts */

START_TEST(work_goes_on_after_its_caller_has_timed_out)
{
        static const int64_t at[] = {0, 1};
        struct load_spec *load;

        build_service(&b, "only", constant(NS_PER_S));
        load = build_load(&b, "users", 0, 1);
        arrivals_at(load, at, 2);
        load->timeout_ns = 500 * NS_PER_MS;
        run_to(build_fleet(&b, 1, 0), 5);
        ck_assert_uint_eq(books_outcome(&books, 0, CALL_TIMEOUT), 2);
        ck_assert_uint_eq(books.services[0].completed, 2);
        ck_assert_double_eq_tol(books.services[0].busy_area_s, 2.0, 1e-6);
        ck_assert_double_eq_tol(books_latency_s(&books, 0), 0.5, 1e-9);
}
END_TEST

START_TEST(cancel_on_timeout_takes_the_work_back)
{
        static const int64_t at[] = {0, 1};
        struct load_spec *load;

        build_service(&b, "only", constant(NS_PER_S));
        load = build_load(&b, "users", 0, 1);
        arrivals_at(load, at, 2);
        load->timeout_ns = 500 * NS_PER_MS;
        load->cancel_on_timeout = true;
        run_to(build_fleet(&b, 1, 0), 5);
        ck_assert_uint_eq(books.services[0].completed, 0);
        ck_assert_uint_eq(books.services[0].abandoned, 2);
        ck_assert_double_eq_tol(books.services[0].busy_area_s, 0.5, 1e-6);
}
END_TEST

START_TEST(an_answer_at_the_last_moment_is_no_timeout)
{
        static const int64_t at[] = {0};
        struct load_spec *load;

        build_service(&b, "only", constant(NS_PER_S - 1));
        load = build_load(&b, "users", 0, 1);
        arrivals_at(load, at, 1);
        load->timeout_ns = NS_PER_S;
        run_to(build_fleet(&b, 1, 0), 5);
        ck_assert_uint_eq(books_outcome(&books, 0, CALL_OK), 1);
}
END_TEST

START_TEST(a_shortened_timeout_is_in_force_at_once)
{
        static const int64_t at[] = {0, 5 * NS_PER_S};
        struct fleet *fleet;

        build_service(&b, "front", constant(NS_PER_MS));
        build_service(&b, "back", constant(2 * NS_PER_S));
        build_call(&b, 0, 1)->timeout_ns = 60 * NS_PER_S;
        arrivals_at(build_load(&b, "users", 0, 1), at, 2);
        fleet = build_fleet(&b, 1, 0);
        fleet_run_until(fleet, 3 * NS_PER_S);
        fleet_act(fleet, &(struct fleet_action){.kind = ACTION_ADJUST_TIMEOUT, .service = 0,
                                                .instance = FLEET_NO_INDEX, .edge = 0, .amount = 0.01});
        run_to(fleet, 100);
        ck_assert(b.results[0].ok);
        ck_assert_uint_eq(books_outcome(&books, 1, CALL_OK), 1);
        ck_assert_uint_eq(books_outcome(&books, 1, CALL_TIMEOUT), 1);
        ck_assert_double_eq_tol(books_latency_s(&books, 1), (2 + 0.6) / 2, 1e-6);
}
END_TEST

/* ---- retries */

START_TEST(a_call_is_tried_again_as_often_as_allowed)
{
        static const int64_t at[] = {0};
        struct load_spec *load;

        build_service(&b, "only", constant(NS_PER_MS))->error_rate = 1;
        load = build_load(&b, "users", 0, 1);
        arrivals_at(load, at, 1);
        load->retry = (struct retry_spec){3, 100 * NS_PER_MS, 2, NS_PER_S, 0, -1};
        run_to(build_fleet(&b, 1, 0), 5);
        ck_assert_uint_eq(books.services[0].attempts, 4);
        ck_assert_uint_eq(books.services[0].calls, 1);
        ck_assert_uint_eq(books_outcome(&books, 0, CALL_ERROR), 1);
        /* 4 x 1 ms of work and back-offs of 100, 200 and 400 ms */
        ck_assert_double_eq_tol(books_latency_s(&books, 0), 0.704, 1e-6);
}
END_TEST

START_TEST(back_off_stops_growing_at_its_most)
{
        static const int64_t at[] = {0};
        struct load_spec *load;

        build_service(&b, "only", constant(NS_PER_MS))->error_rate = 1;
        load = build_load(&b, "users", 0, 1);
        arrivals_at(load, at, 1);
        load->retry = (struct retry_spec){4, 100 * NS_PER_MS, 10, 150 * NS_PER_MS, 0, -1};
        run_to(build_fleet(&b, 1, 0), 5);
        ck_assert_double_eq_tol(books_latency_s(&books, 0), 0.005 + 0.1 + 3 * 0.15, 1e-6);
}
END_TEST

START_TEST(a_budget_bounds_retries_to_a_share_of_calls)
{
        struct load_spec *load;
        double retries;

        build_service(&b, "only", constant(NS_PER_MS))->error_rate = 1;
        load = build_load(&b, "users", 0, 100);
        load->retry = (struct retry_spec){5, NS_PER_MS, 1, NS_PER_S, 0, 0.2};
        run_to(build_fleet(&b, 1, 0), 100);
        retries = (double)(books.services[0].attempts - books.services[0].calls);
        /* a fifth, and the ten that a budget begins with */
        ck_assert_double_le(retries, 0.2 * (double)books.services[0].calls + 10);
        ck_assert_double_ge(retries, 0.2 * (double)books.services[0].calls - 2);
}
END_TEST

/* ---- fallbacks and calls */

static void front_and_back(struct dist front, struct dist back)
{
        build_service(&b, "front", front);
        build_service(&b, "back", back);
}

START_TEST(a_fallback_answers_for_a_failed_callee)
{
        static const int64_t at[] = {0};
        struct edge_spec *edge;

        front_and_back(constant(NS_PER_MS), constant(NS_PER_MS));
        b.services[1].error_rate = 1;
        b.services[0].slo = (struct slo_spec){true, 0.9, TIME_NEVER, 0.5, 10 * NS_PER_S, 1};
        edge = build_call(&b, 0, 1);
        edge->fallback = FALLBACK_STATIC;
        edge->fallback_quality = 0.6;
        arrivals_at(build_load(&b, "users", 0, 1), at, 1);
        run_to(build_fleet(&b, 1, 0), 5);
        ck_assert_uint_eq(books_outcome(&books, 0, CALL_DEGRADED), 1);
        ck_assert_uint_eq(books.services[1].fallbacks, 1);
        ck_assert_double_eq_tol(books.services[0].phase[0].quality_sum, 0.6, 1e-6);
        ck_assert_double_eq(books_good(&books, 0), 1); /* good enough for the caller's caller */
        ck_assert_double_eq(books_good(&books, 1), 0); /* and bad for the callee */
}
END_TEST

START_TEST(calls_one_after_the_other_add_up)
{
        static const int64_t at[] = {0};

        front_and_back(constant(NS_PER_MS), constant(10 * NS_PER_MS));
        build_call(&b, 0, 1)->count = 3;
        arrivals_at(build_load(&b, "users", 0, 1), at, 1);
        run_to(build_fleet(&b, 1, 0), 5);
        ck_assert_uint_eq(books_outcome(&books, 1, CALL_OK), 3);
        ck_assert_double_eq_tol(books_latency_s(&books, 0), 0.031, 1e-9);
}
END_TEST

START_TEST(parallel_calls_take_as_long_as_the_longest)
{
        static const int64_t at[] = {0};

        front_and_back(constant(NS_PER_MS), constant(10 * NS_PER_MS));
        b.services[1].concurrency = 2;
        build_service(&b, "other", constant(30 * NS_PER_MS));
        build_call(&b, 0, 1)->mode = CALL_PARALLEL;
        b.edges[0].count = 2;
        build_call(&b, 0, 2)->mode = CALL_PARALLEL;
        build_call(&b, 0, 1); /* in sequence, after both */
        arrivals_at(build_load(&b, "users", 0, 1), at, 1);
        run_to(build_fleet(&b, 1, 0), 5);
        ck_assert_uint_eq(books_outcome(&books, 1, CALL_OK), 3);
        ck_assert_double_eq_tol(books_latency_s(&books, 0), 0.001 + 0.030 + 0.010, 1e-9);
}
END_TEST

START_TEST(a_failed_part_fails_the_whole_and_what_follows_is_not_called)
{
        static const int64_t at[] = {0};

        front_and_back(constant(NS_PER_MS), constant(NS_PER_MS));
        build_service(&b, "other", constant(NS_PER_MS));
        b.services[1].error_rate = 1;
        build_call(&b, 0, 1);
        build_call(&b, 0, 2);
        arrivals_at(build_load(&b, "users", 0, 1), at, 1);
        run_to(build_fleet(&b, 1, 0), 5);
        ck_assert_uint_eq(books_outcome(&books, 0, CALL_ERROR), 1);
        ck_assert_uint_eq(books.services[2].calls, 0);
}
END_TEST

START_TEST(a_call_is_made_with_its_probability)
{
        front_and_back(constant(10000), constant(10000));
        build_call(&b, 0, 1)->probability = 0.3;
        build_load(&b, "users", 0, 200);
        run_to(build_fleet(&b, 1, 0), 100);
        ck_assert_double_eq_tol((double)books.services[1].calls / (double)books.services[0].calls,
                                0.3, 4 * sqrt(0.21 / 20000));
}
END_TEST

START_TEST(a_network_takes_its_way_there_and_back)
{
        static const int64_t at[] = {0};

        front_and_back(constant(NS_PER_MS), constant(NS_PER_MS));
        b.zones[0].latency_ns = 250000;
        b.spec.zone_latency_ns = 7 * NS_PER_MS;
        b.services[1].zones = &b.zone_order[1];
        build_service(&b, "near", constant(NS_PER_MS));
        build_call(&b, 0, 1);
        build_call(&b, 0, 2);
        arrivals_at(build_load(&b, "users", 0, 1), at, 1);
        run_to(build_fleet(&b, 1, 0), 5);
        ck_assert_double_eq_tol(books_latency_s(&books, 0), 0.003 + 0.014 + 0.0005, 1e-9);
}
END_TEST

START_TEST(a_held_worker_waits_for_its_calls_and_a_freed_one_does_not)
{
        static const int64_t at[] = {0, 1};

        front_and_back(constant(NS_PER_MS), constant(100 * NS_PER_MS));
        b.services[0].hold = _i == 0 ? HOLD_CALL : HOLD_WORK;
        b.services[1].concurrency = 2;
        build_call(&b, 0, 1);
        arrivals_at(build_load(&b, "users", 0, 1), at, 2);
        run_to(build_fleet(&b, 1, 0), 5);
        /* held: the second waits 101 ms for the first; freed: 1 ms */
        ck_assert_double_eq_tol(books_latency_s(&books, 0),
                                _i == 0 ? (0.101 + 0.202) / 2 : (0.101 + 0.102) / 2, 1e-6);
        ck_assert_double_eq_tol(books.services[0].busy_area_s, _i == 0 ? 0.202 : 0.002, 1e-6);
}
END_TEST

START_TEST(a_slow_leaf_exhausts_held_workers_and_not_freed_ones)
{
        struct edge_spec *edge;
        double goodput;

        front_and_back(exponential(2 * NS_PER_MS), exponential(2 * NS_PER_MS));
        b.services[0].hold = _i == 0 ? HOLD_CALL : HOLD_WORK;
        b.services[0].concurrency = 10;
        b.services[0].queue_max = 20;
        b.services[1].concurrency = 1000;
        b.services[1].service_time = exponential(NS_PER_S); /* 500 times as slow */
        edge = build_call(&b, 0, 1);
        edge->probability = 0.2; /* four of five do not need it at all */
        build_load(&b, "users", 0, 200);
        run_to(build_fleet(&b, 1, 10 * NS_PER_S), 60);
        goodput = (double)books_outcome(&books, 0, CALL_OK) / (double)books_ended(&books, 0);
        if (_i == 0)
                ck_assert_double_lt(goodput, 0.35); /* 10 workers / 0.202 s = 50 of 200 a second */
        else
                ck_assert_double_gt(goodput, 0.999);
}
END_TEST

/* ---- balancing */

static void many_instances(uint32_t count, enum fleet_balancing balancing)
{
        front_and_back(constant(1000), exponential(50 * NS_PER_MS));
        b.services[0].hold = HOLD_WORK;
        b.services[1].instance_count = count;
        build_call(&b, 0, 1)->balancing = balancing;
        build_load(&b, "users", 0, 140);
}

static double mean_wait_s(enum fleet_balancing balancing)
{
        double wait;

        build_end(&b);
        build_begin(&b);
        many_instances(10, balancing);
        run_to(build_fleet(&b, 3, 10 * NS_PER_S), 200);
        wait = books.services[1].queue_area_s / (double)books.services[1].started;
        books_free(&books);
        return wait;
}

START_TEST(who_looks_at_the_queues_waits_less_than_who_does_not)
{
        double random = mean_wait_s(BALANCE_RANDOM);
        double robin = mean_wait_s(BALANCE_ROUND_ROBIN);
        double two = mean_wait_s(BALANCE_POWER_OF_TWO);
        double least = mean_wait_s(BALANCE_LEAST_OUTSTANDING);

        ck_assert_double_lt(robin, random);
        ck_assert_double_lt(two, robin);
        ck_assert_double_lt(least, two);
}
END_TEST

static uint64_t instance_requests(struct fleet *fleet, uint32_t instance)
{
        return fleet->instances[instance].requests;
}

START_TEST(round_robin_gives_everybody_the_same)
{
        struct fleet *fleet;
        uint64_t least = UINT64_MAX, most = 0;

        many_instances(4, BALANCE_ROUND_ROBIN);
        b.services[1].service_time = constant(1000);
        fleet = build_fleet(&b, 1, 0);
        fleet_run_until(fleet, 60 * NS_PER_S);
        for (uint32_t i = 1; i <= 4; i++) {
                uint64_t requests = instance_requests(fleet, i);

                least = requests < least ? requests : least;
                most = requests > most ? requests : most;
        }
        ck_assert_uint_le(most - least, 1);
        ck_assert_uint_gt(least, 1500);
        ck_assert(books_close(&books, &b, fleet));
}
END_TEST

START_TEST(random_choice_is_even)
{
        struct fleet *fleet;
        double chi2 = 0, expected, all = 0;

        many_instances(10, BALANCE_RANDOM);
        b.services[1].service_time = constant(1000);
        fleet = build_fleet(&b, 1, 0);
        fleet_run_until(fleet, 200 * NS_PER_S);
        for (uint32_t i = 1; i <= 10; i++)
                all += (double)instance_requests(fleet, i);
        expected = all / 10;
        for (uint32_t i = 1; i <= 10; i++)
                chi2 += pow((double)instance_requests(fleet, i) - expected, 2) / expected;
        ck_assert_double_lt(chi2, 27.9); /* 9 degrees of freedom, 99.9 % */
        ck_assert(books_close(&books, &b, fleet));
}
END_TEST

/* ---- health checks, crashes, the supervisor */

START_TEST(a_dead_instance_is_ejected_after_its_checks_failed_and_taken_back)
{
        struct fleet *fleet;
        uint64_t before;

        build_service(&b, "only", constant(NS_PER_MS));
        b.services[0].instance_count = 2;
        b.services[0].restart_time_ns = 40 * NS_PER_S;
        b.services[0].health_check = (struct health_check_spec){5 * NS_PER_S, NS_PER_S, 3, 1};
        b.telemetry = true;
        build_load(&b, "users", 0, 50);
        fleet = build_fleet(&b, 1, 0);
        fleet_run_until(fleet, 10 * NS_PER_S);
        fleet_instance_kill(fleet, 0, 139, "test");
        ck_assert_uint_eq(fleet->services[0].routable_count, 2);
        fleet_run_until(fleet, 19 * NS_PER_S);
        ck_assert_uint_eq(fleet->services[0].routable_count, 2);
        fleet_run_until(fleet, 26 * NS_PER_S); /* three checks, 5 s apart, at the latest */
        ck_assert_uint_eq(fleet->services[0].routable_count, 1);
        before = books_outcome(&(struct books){.services = &fleet->services[0].measure}, 0, CALL_LOST);
        ck_assert_uint_gt(before, 200);
        fleet_run_until(fleet, 49 * NS_PER_S);
        ck_assert_uint_eq(books_outcome(&(struct books){.services = &fleet->services[0].measure}, 0,
                                        CALL_LOST), before);
        fleet_run_until(fleet, 56 * NS_PER_S);
        ck_assert_uint_eq(fleet->services[0].routable_count, 2);
        ck_assert(books_close(&books, &b, fleet));
}
END_TEST

START_TEST(a_crash_loses_what_is_in_flight)
{
        static const int64_t at[] = {0, 1, 2};
        struct fleet *fleet;

        build_service(&b, "only", constant(NS_PER_S));
        arrivals_at(build_load(&b, "users", 0, 1), at, 3);
        fleet = build_fleet(&b, 1, 0);
        fleet_run_until(fleet, 500 * NS_PER_MS);
        fleet_instance_kill(fleet, 0, 139, "test");
        run_to(fleet, 20);
        ck_assert_uint_eq(books_outcome(&books, 0, CALL_LOST), 3);
        ck_assert_uint_eq(books.services[0].lost, 3);
}
END_TEST

START_TEST(the_supervisor_backs_off_from_0_over_10_s_doubling_to_300_s)
{
        static const int64_t wait_s[] = {0, 10, 20, 40, 80, 160, 300, 300};
        struct fleet *fleet;
        int64_t now_s = 10;

        build_service(&b, "only", constant(NS_PER_MS));
        build_load(&b, "users", 0, 1);
        fleet = build_fleet(&b, 1, 0);
        for (uint32_t i = 0; i < 8; i++) {
                fleet_run_until(fleet, now_s * NS_PER_S);
                fleet_instance_kill(fleet, 0, 139, "test");
                fleet_run_until(fleet, (now_s + wait_s[i] + 30) * NS_PER_S);
                ck_assert_int_eq(build_state_at(&b, 0, INSTANCE_UP, i),
                                 (now_s + wait_s[i] + 5) * NS_PER_S);
                now_s += wait_s[i] + 30;
        }
        /* Ten minutes of good life forgive everything. */
        fleet_run_until(fleet, (now_s + 700) * NS_PER_S);
        fleet_instance_kill(fleet, 0, 139, "test");
        fleet_run_until(fleet, (now_s + 800) * NS_PER_S);
        ck_assert_int_eq(build_state_at(&b, 0, INSTANCE_UP, 8), (now_s + 705) * NS_PER_S);
        ck_assert(books_close(&books, &b, fleet));
}
END_TEST

START_TEST(without_a_supervisor_a_dead_process_stays_dead_until_restarted)
{
        struct fleet *fleet;

        build_service(&b, "only", constant(NS_PER_MS))->supervisor = SUPERVISOR_NEVER;
        build_load(&b, "users", 0, 1);
        fleet = build_fleet(&b, 1, 0);
        fleet_run_until(fleet, 10 * NS_PER_S);
        fleet_instance_kill(fleet, 0, 139, "test");
        fleet_run_until(fleet, 500 * NS_PER_S);
        ck_assert_int_eq(fleet_instance_state(fleet, 0), INSTANCE_DOWN);
        build_act(fleet, ACTION_RESTART_INSTANCE, 0, 0, 0);
        fleet_run_until(fleet, 520 * NS_PER_S);
        ck_assert_int_eq(fleet_instance_state(fleet, 0), INSTANCE_UP);
        ck_assert_uint_eq(b.result_count, 1);
        ck_assert(b.results[0].ok);
        ck_assert_int_eq(b.results[0].finished_at_ns, 506 * NS_PER_S); /* 1 s actuator + 5 s start */
        ck_assert(books_close(&books, &b, fleet));
}
END_TEST

START_TEST(a_leak_ends_in_an_out_of_memory_kill)
{
        struct effect leak = {.kind = EFFECT_LEAK, .layer = LAYER_PROCESS, .probability = 1,
                              .a = 1e6, .ramp_down_from_ns = TIME_NEVER};
        struct fleet *fleet;

        build_service(&b, "only", constant(NS_PER_MS));
        b.services[0].memory_base_bytes = 50000000;
        b.services[0].memory_limit_bytes = 150000000;
        b.telemetry = true;
        build_load(&b, "users", 0, 10);
        fleet = build_fleet(&b, 1, 0);
        fleet_run_until(fleet, 10 * NS_PER_S);
        fleet_effect_on_instance(fleet, 0, &leak);
        fleet_run_until(fleet, 109 * NS_PER_S);
        ck_assert_int_eq(fleet_instance_state(fleet, 0), INSTANCE_UP);
        ck_assert_double_eq_tol(b.last_sample[0].memory_ratio, 145.0 / 150, 1e-6);
        fleet_run_until(fleet, 112 * NS_PER_S); /* full after 100 s */
        ck_assert_int_eq(fleet_instance_state(fleet, 0), INSTANCE_DOWN);
        ck_assert(!fleet_effect_attached(fleet, &leak));
        fleet_run_until(fleet, 200 * NS_PER_S);
        ck_assert_int_eq(fleet_instance_state(fleet, 0), INSTANCE_UP);
        ck_assert_double_eq_tol(leak.measured_sum, 1e8, 2e6);
        fleet_effect_lift(fleet, &leak);
        ck_assert(books_close(&books, &b, fleet));
        ck_assert_double_eq(b.last_sample[0].memory_ratio, 1.0 / 3);
}
END_TEST

START_TEST(memory_above_85_percent_slows_work_to_a_third_at_the_limit)
{
        struct effect leak = {.kind = EFFECT_LEAK, .layer = LAYER_PROCESS, .probability = 1,
                              .b = 1, .ramp_down_from_ns = TIME_NEVER};
        static const int64_t at[] = {0, NS_PER_S, 2 * NS_PER_S};
        static const double used[] = {0.85, 0.925, 0.999999};
        struct fleet *fleet;

        build_service(&b, "only", constant(100 * NS_PER_MS))->memory_limit_bytes = 1000000000;
        arrivals_at(build_load(&b, "users", 0, 1), at, 3);
        fleet = build_fleet(&b, 1, 0);
        for (int i = 0; i < 3; i++) {
                int64_t from = fleet->services[0].measure.phase[0].latency.sum_ns;

                fleet_run_until(fleet, at[i]);
                fleet->instances[0].leaked_bytes = used[i] * 1e9;
                fleet_run_until(fleet, at[i] + 900 * NS_PER_MS);
                ck_assert_double_eq_tol((double)(fleet->services[0].measure.phase[0].latency.sum_ns - from),
                                        1e8 * (1 + 2 * (used[i] - 0.85) / 0.15), 2e4);
        }
        (void)leak;
        ck_assert(books_close(&books, &b, fleet));
}
END_TEST

START_TEST(a_fresh_process_is_slow_and_warms_up)
{
        static const int64_t at[] = {15 * NS_PER_S, 20 * NS_PER_S, 25 * NS_PER_S};
        static const double factor[] = {3, 2, 1};
        struct fleet *fleet;
        uint64_t before = 0;

        build_service(&b, "only", constant(100 * NS_PER_MS));
        b.services[0].warm_up_factor = 3;
        b.services[0].warm_up_ns = 10 * NS_PER_S;
        arrivals_at(build_load(&b, "users", 0, 1), at, 3);
        fleet = build_fleet(&b, 1, 0);
        fleet_run_until(fleet, 10 * NS_PER_S);
        fleet_instance_kill(fleet, 0, 139, "test"); /* up again at 15 s */
        for (int i = 0; i < 3; i++) {
                uint64_t sum;

                fleet_run_until(fleet, at[i] + 4 * NS_PER_S);
                sum = fleet->services[0].measure.phase[0].latency.sum_ns;
                ck_assert_double_eq_tol((double)(sum - before), factor[i] * 1e8, 10);
                before = sum;
        }
        ck_assert(books_close(&books, &b, fleet));
}
END_TEST

START_TEST(more_workers_than_cores_slow_what_starts)
{
        static const int64_t at[] = {0, 1, 2, 3};

        build_service(&b, "only", constant(NS_PER_S));
        b.services[0].concurrency = 4;
        b.services[0].cpu_cores = 2;
        arrivals_at(build_load(&b, "users", 0, 1), at, 4);
        run_to(build_fleet(&b, 1, 0), 10);
        /* 1st and 2nd at full speed, 3rd 3/2, 4th 4/2 as slow */
        ck_assert_double_eq_tol(books_latency_s(&books, 0), (1 + 1 + 1.5 + 2) / 4, 1e-6);
}
END_TEST

START_TEST(a_wait_for_a_call_asks_no_cpu)
{
        static const int64_t at[] = {0, NS_PER_S, 2 * NS_PER_S, 3 * NS_PER_S};

        front_and_back(constant(100 * NS_PER_MS), constant(10 * NS_PER_S));
        b.services[0].concurrency = 4;
        b.services[0].cpu_cores = 1;
        b.services[1].concurrency = 4;
        build_call(&b, 0, 1);
        arrivals_at(build_load(&b, "users", 0, 1), at, 4);
        run_to(build_fleet(&b, 1, 0), 30);
        ck_assert_double_eq_tol(books_latency_s(&books, 0), 10.1, 1e-6);
}
END_TEST

/* ---- actions */

START_TEST(a_drain_loses_nothing_not_even_what_is_on_its_way)
{
        struct fleet *fleet;

        front_and_back(constant(1000), exponential(20 * NS_PER_MS));
        b.services[0].hold = HOLD_WORK;
        b.services[1].instance_count = 3;
        b.services[1].zones = &b.zone_order[1];
        b.spec.zone_latency_ns = 50 * NS_PER_MS;
        build_call(&b, 0, 1);
        build_load(&b, "users", 0, 60);
        fleet = build_fleet(&b, (uint64_t)_i, 0);
        for (int64_t i = 0; i < 20; i++) {
                fleet_run_until(fleet, (10 + 20 * i) * NS_PER_S + i * 7 * NS_PER_MS);
                instance_drain(fleet, 1 + (uint32_t)i % 3, false, "test");
        }
        run_to(fleet, 420);
        ck_assert_uint_eq(books_outcome(&books, 0, CALL_OK), books_ended(&books, 0));
        ck_assert_uint_eq(books.services[1].lost, 0);
        ck_assert_int_ne(build_state_at(&b, 1, INSTANCE_UP, 6), TIME_NEVER);
}
END_TEST

START_TEST(a_drain_ends_after_30_s_even_if_work_does_not)
{
        static const int64_t at[] = {0};
        struct fleet *fleet;

        build_service(&b, "only", constant(300 * NS_PER_S));
        arrivals_at(build_load(&b, "users", 0, 1), at, 1);
        fleet = build_fleet(&b, 1, 0);
        fleet_run_until(fleet, 10 * NS_PER_S);
        instance_drain(fleet, 0, false, "test");
        run_to(fleet, 60);
        ck_assert_int_eq(build_state_at(&b, 0, INSTANCE_DOWN, 0), 40 * NS_PER_S);
        ck_assert_uint_eq(books_outcome(&books, 0, CALL_LOST), 1);
}
END_TEST

static uint32_t works_now(struct fleet *fleet, uint32_t service)
{
        uint32_t up = 0;

        for (uint32_t i = 0; i < fleet->services[service].member_count; i++)
                up += fleet->instances[fleet->services[service].members[i]].state == INSTANCE_UP;
        return up;
}

START_TEST(a_rolling_restart_keeps_all_but_one_and_touches_each_once)
{
        struct fleet *fleet;
        uint32_t least = 4;

        build_service(&b, "only", exponential(10 * NS_PER_MS))->instance_count = 4;
        build_load(&b, "users", 0, 100);
        fleet = build_fleet(&b, 1, 0);
        fleet_run_until(fleet, 10 * NS_PER_S);
        build_act(fleet, ACTION_RESTART_SERVICE, 0, FLEET_NO_INDEX, 0);
        for (int64_t i = 100; i < 900; i++) {
                fleet_run_until(fleet, i * 100 * NS_PER_MS);
                least = works_now(fleet, 0) < least ? works_now(fleet, 0) : least;
        }
        ck_assert_uint_eq(least, 3);
        ck_assert_uint_eq(b.result_count, 1);
        ck_assert(b.results[0].ok);
        for (uint32_t i = 0; i < 4; i++) {
                ck_assert_int_ne(build_state_at(&b, i, INSTANCE_DOWN, 0), TIME_NEVER);
                ck_assert_int_eq(build_state_at(&b, i, INSTANCE_DOWN, 1), TIME_NEVER);
        }
        ck_assert(books_close(&books, &b, fleet));
        ck_assert_uint_eq(books_outcome(&books, 0, CALL_OK), books_ended(&books, 0));
}
END_TEST

START_TEST(scaling_out_boots_and_scaling_in_takes_away_as_many_as_asked)
{
        struct fleet *fleet;

        build_service(&b, "only", exponential(10 * NS_PER_MS))->instance_count = 4;
        build_load(&b, "users", 0, 100);
        fleet = build_fleet(&b, 1, 0);
        fleet_run_until(fleet, 10 * NS_PER_S);
        build_act(fleet, ACTION_SCALE_RESOURCES, 0, FLEET_NO_INDEX, 2);
        fleet_run_until(fleet, 25 * NS_PER_S);
        ck_assert_uint_eq(works_now(fleet, 0), 4);
        fleet_run_until(fleet, 27 * NS_PER_S); /* 1 s actuator + 15 s boot */
        ck_assert_uint_eq(works_now(fleet, 0), 6);
        ck_assert_uint_eq(b.result_count, 1);
        build_act(fleet, ACTION_SCALE_RESOURCES, 0, FLEET_NO_INDEX, -3);
        fleet_run_until(fleet, 60 * NS_PER_S);
        ck_assert_uint_eq(fleet->services[0].member_count, 3);
        build_act(fleet, ACTION_SCALE_RESOURCES, 0, FLEET_NO_INDEX, -60);
        fleet_run_until(fleet, 100 * NS_PER_S);
        ck_assert_uint_eq(fleet->services[0].member_count, 1); /* the last one stays */
        ck_assert(books_close(&books, &b, fleet));
        ck_assert_uint_eq(books_outcome(&books, 0, CALL_OK), books_ended(&books, 0));
        /* 4 to 11 s, 6 to 28 s, 3 to 61 s, 1 to 100 s, give or take the drains */
        ck_assert_double_eq_tol(books.totals.instance_seconds, 4 * 11 + 6 * 17 + 3 * 33 + 39, 1.0);
}
END_TEST

START_TEST(a_replacement_is_a_new_instance_and_the_old_one_goes)
{
        struct fleet *fleet;

        build_service(&b, "only", exponential(10 * NS_PER_MS))->instance_count = 2;
        build_load(&b, "users", 0, _i == 0 ? 10 : 120); /* with room the old one goes at once */
        fleet = build_fleet(&b, 1, 0);
        fleet_run_until(fleet, 10 * NS_PER_S);
        build_act(fleet, ACTION_REPLACE_INSTANCE, 0, 1, 0);
        fleet_run_until(fleet, 14 * NS_PER_S);
        ck_assert_uint_eq(works_now(fleet, 0), _i == 0 ? 1 : 2);
        fleet_run_until(fleet, 90 * NS_PER_S);
        ck_assert_int_eq(fleet_instance_state(fleet, 1), INSTANCE_GONE);
        ck_assert_int_eq(fleet_instance_state(fleet, 2), INSTANCE_UP);
        ck_assert_uint_eq(fleet->services[0].member_count, 2);
        ck_assert_uint_eq(b.result_count, 1);
        ck_assert(b.results[0].ok);
        ck_assert(books_close(&books, &b, fleet));
        ck_assert_uint_eq(books_outcome(&books, 0, CALL_LOST), 0);
}
END_TEST

START_TEST(failover_takes_an_instance_out_for_ten_minutes)
{
        struct fleet *fleet;

        build_service(&b, "only", exponential(NS_PER_MS))->instance_count = 2;
        build_load(&b, "users", 0, 20);
        fleet = build_fleet(&b, 1, 0);
        build_act(fleet, ACTION_FAILOVER, 0, 0, 0);
        fleet_run_until(fleet, 2 * NS_PER_S);
        ck_assert_uint_eq(fleet->services[0].routable_count, 1);
        build_act(fleet, ACTION_FAILOVER, 0, 1, 0); /* nobody left to take it */
        fleet_run_until(fleet, 600 * NS_PER_S);
        ck_assert(!b.results[1].ok);
        ck_assert_uint_eq(fleet->services[0].routable_count, 1);
        fleet_run_until(fleet, 602 * NS_PER_S);
        ck_assert_uint_eq(fleet->services[0].routable_count, 2);
        ck_assert(books_close(&books, &b, fleet));
}
END_TEST

START_TEST(a_degraded_service_admits_the_share_of_its_level_within_2_percent)
{
        static const double share[] = {1, 0.75, 0.5, 0.25, 0.1};
        static const double quality[] = {1, 0.85, 0.75, 0.6, 0.5};
        struct fleet *fleet;
        double admitted;

        build_service(&b, "only", exponential(NS_PER_MS))->instance_count = 3;
        build_load(&b, "users", 0, 200);
        fleet = build_fleet(&b, 1, 10 * NS_PER_S);
        fleet_run_until(fleet, -5 * NS_PER_S);
        build_act(fleet, ACTION_SET_DEGRADATION, 0, FLEET_NO_INDEX, _i);
        run_to(fleet, 60);
        admitted = 1 - (double)books_outcome(&books, 0, CALL_REJECTED) / (double)books_ended(&books, 0);
        ck_assert_double_eq_tol(admitted, share[_i], 0.02);
        ck_assert_double_eq_tol(books.services[0].phase[0].quality_sum /
                                        (double)(books_outcome(&books, 0, CALL_OK) +
                                                 books_outcome(&books, 0, CALL_DEGRADED)),
                                quality[_i], 1e-6);
        ck_assert_double_eq_tol(books.totals.degraded_s, _i == 0 ? 0 : 60, 1e-6);
}
END_TEST

START_TEST(a_degraded_services_calls_end_at_the_shortened_limit_of_its_level)
{
        static const double factor[] = {1, 0.8, 0.6, 0.4, 0.2};
        struct fleet *fleet;

        b.telemetry = true;
        build_service(&b, "front", constant(NS_PER_MS))->concurrency = 64;
        build_service(&b, "back", constant(20 * NS_PER_S))->concurrency = 4096;
        build_call(&b, 0, 1)->timeout_ns = NS_PER_S;
        build_load(&b, "users", 0, 20);
        fleet = build_fleet(&b, 1, 10 * NS_PER_S);
        fleet_run_until(fleet, -5 * NS_PER_S);
        build_act(fleet, ACTION_SET_DEGRADATION, 0, FLEET_NO_INDEX, _i);
        run_to(fleet, 30);
        ck_assert_double_eq_tol(b.last_edge[0].timeout_ratio, 1, 1e-9);
        ck_assert_double_eq_tol(b.last_edge[0].latency_p50_s, factor[_i],
                                0.09 * factor[_i]); /* the monitor's buckets */
}
END_TEST

START_TEST(a_degraded_service_works_at_no_more_than_its_levels_requests_at_once)
{
        static const uint32_t limit[] = {16, 10, 5, 2, 1};
        uint32_t most = 0;
        struct fleet *fleet;

        build_service(&b, "only", constant(100 * NS_PER_MS))->concurrency = 16;
        build_load(&b, "users", 0, 300); /* more than 16 workers can do */
        b.services[0].queue_max = 8;
        fleet = build_fleet(&b, 1, 10 * NS_PER_S);
        fleet_run_until(fleet, -5 * NS_PER_S);
        build_act(fleet, ACTION_SET_DEGRADATION, 0, FLEET_NO_INDEX, _i);
        for (int step = 1; step <= 1000; step++) {
                fleet_run_until(fleet, step * 10 * NS_PER_MS);
                if (fleet->instances[0].busy > most)
                        most = fleet->instances[0].busy;
        }
        ck_assert_uint_eq(most, limit[_i]);
        run_to(fleet, 12);
}
END_TEST

static void set_level(struct fleet *fleet, double level, struct fleet_level left)
{
        fleet_act(fleet, &(struct fleet_action){.id = 1,
                                                .kind = ACTION_SET_DEGRADATION,
                                                .instance = FLEET_NO_INDEX,
                                                .edge = FLEET_NO_INDEX,
                                                .amount = level,
                                                .level = left});
}

/* An answer is never worth more than the level's is by itself: that is the fleet's to say. */
START_TEST(a_level_leaves_what_its_order_says_but_no_better_answers)
{
        struct fleet *fleet;
        double admitted;

        build_service(&b, "only", exponential(NS_PER_MS))->instance_count = 3;
        build_load(&b, "users", 0, 200);
        fleet = build_fleet(&b, 1, 10 * NS_PER_S);
        fleet_run_until(fleet, -5 * NS_PER_S);
        set_level(fleet, 1, (struct fleet_level){true, 0.4, 0.5, _i == 0 ? 0.99 : 0.3, 2, 0, 0});
        run_to(fleet, 60);
        admitted = 1 - (double)books_outcome(&books, 0, CALL_REJECTED) / (double)books_ended(&books, 0);
        ck_assert_double_eq_tol(admitted, 0.4, 0.02);
        ck_assert_double_eq_tol(books.services[0].phase[0].quality_sum /
                                        (double)(books_outcome(&books, 0, CALL_OK) +
                                                 books_outcome(&books, 0, CALL_DEGRADED)),
                                _i == 0 ? 0.85 : 0.3, 1e-6);
}
END_TEST

START_TEST(an_orders_level_has_its_own_time_limit_and_places_and_absurd_ones_are_refused)
{
        struct fleet *fleet;
        uint32_t most = 0;

        b.telemetry = true;
        build_service(&b, "front", constant(NS_PER_MS))->concurrency = 64;
        build_service(&b, "back", constant(20 * NS_PER_S))->concurrency = 4096;
        build_call(&b, 0, 1)->timeout_ns = NS_PER_S;
        build_load(&b, "users", 0, 20);
        fleet = build_fleet(&b, 1, 10 * NS_PER_S);
        fleet_run_until(fleet, -5 * NS_PER_S);
        set_level(fleet, 2, (struct fleet_level){true, 0, 1, 1, 0, 0, 0});
        set_level(fleet, 2, (struct fleet_level){true, 1, NAN, 1, 0, 0, 0});
        set_level(fleet, 2, (struct fleet_level){true, 1, 1, 1.5, 0, 0, 0});
        fleet_run_until(fleet, -3 * NS_PER_S);
        ck_assert_uint_eq(fleet->services[0].level, 0);
        set_level(fleet, 1, (struct fleet_level){true, 1, 0.5, 1, 3, 0, 0});
        for (int step = 1; step <= 1000; step++) {
                fleet_run_until(fleet, step * 10 * NS_PER_MS);
                if (fleet->instances[0].busy > most)
                        most = fleet->instances[0].busy;
        }
        run_to(fleet, 30);
        ck_assert_uint_eq(most, 3);
        ck_assert_double_eq_tol(b.last_edge[0].latency_p50_s, 0.5, 0.05);
}
END_TEST

/* ---- a place on an edge is the work's */

struct places {
        uint32_t taken, most, limit, refused, handed, given;
};

static void places_settings(void *state, uint32_t edge, struct policy_edge_settings *out)
{
        (void)state;
        memset(out, 0, sizeof(*out));
        out->guarded = edge == 0;
}

static enum policy_verdict places_admit(void *state, uint32_t edge, int64_t now_ns, uint32_t priority,
                                        struct policy_ticket *ticket, struct policy_turn *turn)
{
        struct places *places = state;

        (void)edge, (void)now_ns, (void)priority, (void)turn;
        if (places->taken == places->limit) {
                places->refused++;
                return POLICY_REJECT_BULKHEAD;
        }
        places->taken++;
        ticket->word[0] = 1;
        return POLICY_ADMIT;
}

static void places_report(void *state, uint32_t edge, int64_t now_ns, struct policy_ticket *ticket,
                          enum policy_outcome outcome, int64_t latency_ns)
{
        struct places *places = state;

        (void)edge, (void)now_ns, (void)outcome, (void)latency_ns;
        places->taken -= ticket->word[0] == 1;
}

static uint32_t places_hand_over(void *state, uint32_t edge, struct policy_ticket *ticket)
{
        struct places *places = state;

        (void)edge;
        ticket->word[0] = 0;
        places->handed++;
        return 7;
}

static void places_give_back(void *state, uint32_t edge, uint32_t permit)
{
        struct places *places = state;

        (void)edge;
        ck_assert_uint_eq(permit, 7);
        places->given++;
        places->taken--;
}

static bool places_next(void *state, struct policy_transition *out)
{
        (void)state, (void)out;
        return false;
}

START_TEST(s3_14_a_place_comes_back_when_the_work_ends_and_not_when_its_caller_gives_up)
{
        static const struct fleet_policy_ops ops = {.settings = places_settings,
                                                    .admit = places_admit,
                                                    .report = places_report,
                                                    .hand_over = places_hand_over,
                                                    .give_back = places_give_back,
                                                    .next_transition = places_next};
        struct places places = {.limit = 2};
        struct fleet *fleet;

        build_service(&b, "front", constant(NS_PER_MS))->concurrency = 64;
        build_service(&b, "back", constant(NS_PER_S))->concurrency = 64;
        build_call(&b, 0, 1)->timeout_ns = 100 * NS_PER_MS;
        b.edges[0].cancel_on_timeout = _i == 1;
        build_load(&b, "users", 0, 50);
        fleet = build_fleet(&b, 1, 0);
        fleet_set_policies(fleet, &ops, &places);
        for (int step = 1; step <= 3000; step++) {
                fleet_run_until(fleet, step * 10 * NS_PER_MS);
                if (fleet->instances[1].busy > places.most)
                        places.most = fleet->instances[1].busy;
        }
        ck_assert_uint_eq(places.most, 2); /* 20 without: ten a second begin in 100 ms */
        ck_assert_uint_gt(places.refused, 0);
        if (_i == 1) { /* the work is cancelled with the call */
                ck_assert_uint_eq(places.handed, 0);
        } else {
                ck_assert_uint_ge(places.handed, 50); /* 30 s of two at once, a second each */
                ck_assert_uint_ge(places.given, places.handed - 2);
        }
        run_to(fleet, 31);
}
END_TEST

START_TEST(shedding_refuses_its_share_and_0_ends_it)
{
        struct fleet *fleet;
        uint64_t rejected, ended;

        build_service(&b, "only", exponential(NS_PER_MS));
        build_load(&b, "users", 0, 200);
        fleet = build_fleet(&b, 1, 10 * NS_PER_S);
        fleet_run_until(fleet, -5 * NS_PER_S);
        build_act(fleet, ACTION_SHED_LOAD, 0, FLEET_NO_INDEX, 0.3);
        fleet_run_until(fleet, 50 * NS_PER_S);
        rejected = fleet->services[0].measure.phase[0].outcome[CALL_REJECTED];
        ended = fleet->services[0].measure.phase[0].latency.count;
        ck_assert_double_eq_tol((double)rejected / (double)ended, 0.3, 0.02);
        build_act(fleet, ACTION_SHED_LOAD, 0, FLEET_NO_INDEX, 0);
        fleet_run_until(fleet, 51 * NS_PER_S);
        rejected = fleet->services[0].measure.phase[0].outcome[CALL_REJECTED];
        run_to(fleet, 90);
        ck_assert_uint_le(books_outcome(&books, 0, CALL_REJECTED) - rejected, 1);
}
END_TEST

START_TEST(an_escalation_mends_what_nothing_else_could_after_the_human_s_time)
{
        struct effect error = {.kind = EFFECT_ERROR, .layer = LAYER_OUTSIDE, .probability = 1,
                               .a = 1, .retryable = true, .ramp_down_from_ns = TIME_NEVER};
        struct fleet *fleet;

        build_service(&b, "only", exponential(NS_PER_MS))->supervisor = SUPERVISOR_NEVER;
        b.services[0].instance_count = 2;
        build_load(&b, "users", 0, 20);
        fleet = build_fleet(&b, 1, 0);
        fleet_run_until(fleet, 10 * NS_PER_S);
        fleet_effect_on_instance(fleet, 0, &error);
        fleet_instance_kill(fleet, 1, 139, "test");
        build_act(fleet, ACTION_ESCALATE, 0, FLEET_NO_INDEX, 0);
        fleet_run_until(fleet, 190 * NS_PER_S); /* 1 s + 60 s + 120 s later */
        ck_assert(fleet_effect_attached(fleet, &error));
        fleet_run_until(fleet, 197 * NS_PER_S);
        ck_assert(!fleet_effect_attached(fleet, &error));
        ck_assert_int_eq(fleet_instance_state(fleet, 1), INSTANCE_UP);
        ck_assert(books_close(&books, &b, fleet));
        ck_assert_uint_eq(books.totals.human_pages, 1);
}
END_TEST

START_TEST(a_burning_budget_pages_the_human_who_watches)
{
        struct fleet *fleet;

        build_service(&b, "only", exponential(NS_PER_MS))->slo.present = true;
        b.services[0].error_rate = 0.5;
        b.people = _i == 1;
        b.duration_ns = 10 * NS_PER_MIN;
        build_load(&b, "users", 0, 20);
        fleet = build_fleet(&b, 1, 0);
        run_to(fleet, 120);
        ck_assert_uint_eq(books.totals.human_pages, (uint64_t)_i);
}
END_TEST

START_TEST(an_action_on_nobody_fails_with_a_word)
{
        static const double absurd[] = {1e300, -1e300, 1e10};
        struct fleet *fleet;

        build_service(&b, "only", exponential(NS_PER_MS));
        build_load(&b, "users", 0, 20);
        b.spec.actuators[ACTION_SHED_LOAD].failure_rate = 0.5;
        fleet = build_fleet(&b, 1, 0);
        build_act(fleet, ACTION_RESTART_INSTANCE, 0, 99, 0);
        build_act(fleet, ACTION_RESTART_SERVICE, 7, FLEET_NO_INDEX, 0);
        build_act(fleet, ACTION_SHED_LOAD, 0, 99999, 0.1);
        build_act(fleet, ACTION_KIND_COUNT, 0, FLEET_NO_INDEX, 0);
        build_act(fleet, ACTION_SET_DEGRADATION, 0, FLEET_NO_INDEX, NAN);
        build_act(fleet, ACTION_SCALE_RESOURCES, 0, FLEET_NO_INDEX, NAN);
        for (int i = 0; i < 3; i++) {
                build_act(fleet, ACTION_SCALE_RESOURCES, 0, FLEET_NO_INDEX, absurd[i]);
                build_act(fleet, ACTION_SET_DEGRADATION, 0, FLEET_NO_INDEX, absurd[i]);
        }
        fleet_run_until(fleet, 5 * NS_PER_S);
        ck_assert_uint_eq(b.result_count, 12);
        for (size_t i = 0; i < b.result_count; i++) {
                ck_assert(!b.results[i].ok);
                ck_assert_str_ne(b.results[i].reason, "");
        }
        ck_assert_uint_eq(works_now(fleet, 0), 1);
        ck_assert(books_close(&books, &b, fleet));
}
END_TEST

START_TEST(an_actuator_fails_with_its_rate)
{
        struct fleet *fleet;
        int failed = 0;

        build_service(&b, "only", exponential(NS_PER_MS));
        build_load(&b, "users", 0, 1);
        b.spec.actuators[ACTION_SHED_LOAD].failure_rate = 0.25;
        fleet = build_fleet(&b, 1, 0);
        for (int64_t i = 0; i < 250; i++) {
                fleet_run_until(fleet, i * 10 * NS_PER_S);
                build_act(fleet, ACTION_SHED_LOAD, 0, FLEET_NO_INDEX, 0);
        }
        run_to(fleet, 2600);
        ck_assert_uint_eq(b.result_count, 250);
        for (size_t i = 0; i < 250; i++)
                failed += !b.results[i].ok;
        ck_assert_double_eq_tol(failed / 250.0, 0.25, 4 * sqrt(0.25 * 0.75 / 250));
}
END_TEST

/* One act, and what came of it `seconds` later. */
static bool acted(struct fleet *fleet, int64_t *now_s, int64_t seconds, struct fleet_action action)
{
        size_t before = b.result_count;

        fleet_act(fleet, &action);
        *now_s += seconds;
        fleet_run_until(fleet, *now_s * NS_PER_S);
        ck_assert_uint_eq(b.result_count, before + 1);
        return b.results[before].ok;
}

static bool is_well(struct fleet *fleet, int64_t *now_s, uint32_t instance)
{
        return acted(fleet, now_s, 2,
                     (struct fleet_action){.kind = ACTION_HEALTH_CHECK, .instance = instance});
}

START_TEST(s1_16_a_restarted_service_has_new_processes_that_answer_their_probe)
{
        struct effect hang[2] = {{.kind = EFFECT_HUNG, .layer = LAYER_PROCESS, .probability = 1,
                                  .ramp_down_from_ns = TIME_NEVER}};
        uint32_t epoch[3];
        struct fleet *fleet;
        int64_t now_s = 10;

        hang[1] = hang[0];
        build_service(&b, "only", constant(NS_PER_MS))->instance_count = 3;
        build_load(&b, "users", 0, 20);
        fleet = build_fleet(&b, 1, 0);
        fleet_run_until(fleet, now_s * NS_PER_S);
        fleet_effect_on_instance(fleet, 0, &hang[0]);
        fleet_effect_on_instance(fleet, 2, &hang[1]);
        for (uint32_t i = 0; i < 3; i++) {
                epoch[i] = fleet->instances[i].epoch;
                ck_assert_int_eq(is_well(fleet, &now_s, i), i == 1);
        }
        ck_assert(acted(fleet, &now_s, 200,
                        (struct fleet_action){.kind = ACTION_RESTART_SERVICE,
                                              .instance = FLEET_NO_INDEX}));
        for (uint32_t i = 0; i < 3; i++) {
                ck_assert_uint_eq(fleet->instances[i].epoch, epoch[i] + 1);
                ck_assert(is_well(fleet, &now_s, i));
        }
        for (int i = 0; i < 2; i++) {
                ck_assert(!fleet_effect_attached(fleet, &hang[i]));
                fleet_effect_lift(fleet, &hang[i]);
        }
        ck_assert(books_close(&books, &b, fleet));
}
END_TEST

START_TEST(s1_17_more_instances_end_a_queue_and_amounts_have_bounds)
{
        static const double refused[] = {0, 0.5, -0.5, 65, -65};
        const struct fleet_action grow = {
                .kind = ACTION_SCALE_RESOURCES, .instance = FLEET_NO_INDEX, .amount = 2};
        struct fleet_action absurd = grow;
        struct fleet *fleet;
        int64_t now_s = 60;
        double queued;

        build_service(&b, "only", exponential(10 * NS_PER_MS));
        b.telemetry = true;
        build_load(&b, "users", 0, 150); /* half as much again as one can do */
        fleet = build_fleet(&b, 1, 0);
        fleet_run_until(fleet, now_s * NS_PER_S);
        queued = b.last_sample[0].queue_depth;
        ck_assert_double_gt(queued, 2000);
        ck_assert_double_gt(b.last_sample[0].latency_p50_s, 1);
        for (int i = 0; i < 5; i++) {
                absurd.amount = refused[i];
                ck_assert(!acted(fleet, &now_s, 2, absurd));
                ck_assert_uint_eq(works_now(fleet, 0), 1);
        }
        ck_assert(acted(fleet, &now_s, 120, grow));
        ck_assert_uint_eq(works_now(fleet, 0), 3);
        ck_assert_double_lt(b.last_sample[0].queue_depth, 50);
        ck_assert_double_lt(b.last_sample[0].latency_p50_s, 0.1);
        ck_assert(books_close(&books, &b, fleet));
}
END_TEST

START_TEST(s1_17_larger_limits_are_in_force_at_once_up_to_twice_the_declared)
{
        struct fleet_action more = {.kind = ACTION_INCREASE_RESOURCES,
                                    .instance = FLEET_NO_INDEX};
        struct fleet *fleet;
        int64_t now_s = 20;
        double cpu, slow_s, factor = 1;

        build_service(&b, "only", constant(10 * NS_PER_MS));
        b.services[0].concurrency = 16;
        b.services[0].cpu_cores = 4;
        b.services[0].memory_base_bytes = 64 << 20;
        b.services[0].memory_limit_bytes = 128 << 20;
        b.telemetry = true;
        build_load(&b, "users", 0, 380); /* 95% of what four cores can do */
        fleet = build_fleet(&b, 1, 0);
        fleet_run_until(fleet, now_s * NS_PER_S);
        ck_assert_double_eq_tol(b.last_sample[0].memory_ratio, 0.5, 1e-9);
        cpu = b.last_sample[0].cpu_ratio;
        slow_s = b.last_sample[0].latency_p95_s;
        for (int i = 0; i < 3; i++) {
                ck_assert(acted(fleet, &now_s, 20, more));
                factor *= i == 0 ? 1.25 : more.amount;
                more.amount = 1.25 - 0.0625 * i; /* 1.25, then 1.1875 */
                ck_assert_double_eq_tol(b.last_sample[0].memory_ratio, 0.5 / factor, 1e-6);
                ck_assert_double_lt(b.last_sample[0].cpu_ratio, cpu);
                cpu = b.last_sample[0].cpu_ratio;
        }
        ck_assert_double_lt(b.last_sample[0].latency_p95_s, 0.8 * slow_s);
        more.amount = 1; /* nothing more, and more than a host has: refused */
        ck_assert(!acted(fleet, &now_s, 20, more));
        more.amount = 2.5;
        ck_assert(!acted(fleet, &now_s, 20, more));
        ck_assert_double_eq(fleet->services[0].cpu_cores, 4 * factor);
        more.amount = 1.5; /* would be 2.8 times what was declared: the hosts have 2 */
        ck_assert(acted(fleet, &now_s, 20, more));
        ck_assert_double_eq_tol(b.last_sample[0].memory_ratio, 0.5 / 2, 1e-6);
        ck_assert_double_eq(fleet->services[0].cpu_cores, 8);
        ck_assert(!acted(fleet, &now_s, 20, more));
        ck_assert_double_eq(fleet->services[0].cpu_cores, 8);
        ck_assert(books_close(&books, &b, fleet));
}
END_TEST

/* A caller that waits 1 s for what takes 1.4 s, or 1.6 s. */
START_TEST(s1_19_a_timeout_is_in_force_at_half_as_much_again)
{
        static const int64_t at[] = {0, 10 * NS_PER_S};
        struct fleet *fleet;
        int64_t now_s = 5;

        build_service(&b, "front", constant(NS_PER_MS));
        build_service(&b, "back", constant((_i == 0 ? 1400 : 1600) * NS_PER_MS));
        build_call(&b, 0, 1)->timeout_ns = NS_PER_S;
        arrivals_at(build_load(&b, "users", 0, 1), at, 2);
        fleet = build_fleet(&b, 1, 0);
        fleet_run_until(fleet, now_s * NS_PER_S);
        ck_assert_int_eq(fleet->edges[0].timeout_ns, NS_PER_S);
        ck_assert(acted(fleet, &now_s, 2,
                        (struct fleet_action){.kind = ACTION_ADJUST_TIMEOUT,
                                              .instance = FLEET_NO_INDEX,
                                              .amount = 1.5}));
        ck_assert_int_eq(fleet->edges[0].timeout_ns, 3 * NS_PER_S / 2);
        run_to(fleet, 20);
        ck_assert_uint_eq(books_outcome(&books, 1, CALL_TIMEOUT), _i == 0 ? 1 : 2);
        ck_assert_uint_eq(books_outcome(&books, 1, CALL_OK), _i == 0 ? 1 : 0);
        ck_assert_double_eq_tol(books_latency_s(&books, 1), (1 + (_i == 0 ? 1.4 : 1.5)) / 2, 1e-6);
}
END_TEST

/* A zombie is by definition well to whoever only asks. */
START_TEST(s1_19_a_check_says_what_an_instance_answers)
{
        struct effect states[2] = {{.kind = EFFECT_HUNG, .layer = LAYER_PROCESS, .probability = 1,
                                    .ramp_down_from_ns = TIME_NEVER}};
        struct fleet *fleet;
        int64_t now_s = 10;

        states[1] = states[0];
        states[1].kind = EFFECT_ZOMBIE;
        build_service(&b, "only", constant(NS_PER_MS))->instance_count = 4;
        b.services[0].supervisor = SUPERVISOR_NEVER;
        build_load(&b, "users", 0, 20);
        fleet = build_fleet(&b, 1, 0);
        fleet_run_until(fleet, now_s * NS_PER_S);
        for (uint32_t i = 0; i < 4; i++)
                ck_assert(is_well(fleet, &now_s, i));
        fleet_effect_on_instance(fleet, 1, &states[0]);
        fleet_effect_on_instance(fleet, 2, &states[1]);
        fleet_instance_kill(fleet, 3, 139, "test");
        ck_assert(is_well(fleet, &now_s, 0));
        ck_assert(!is_well(fleet, &now_s, 1)); /* hung */
        ck_assert(is_well(fleet, &now_s, 2));
        ck_assert(!is_well(fleet, &now_s, 3)); /* down */
        ck_assert_str_eq(b.results[b.result_count - 1].reason, "the check failed");
        fleet_effect_lift(fleet, &states[0]);
        fleet_effect_lift(fleet, &states[1]);
        build_act(fleet, ACTION_RESTART_INSTANCE, 0, 3, 0);
        now_s += 4;
        fleet_run_until(fleet, now_s * NS_PER_S);
        ck_assert(!is_well(fleet, &now_s, 3)); /* it starts */
        now_s += 4;
        fleet_run_until(fleet, now_s * NS_PER_S);
        for (uint32_t i = 0; i < 4; i++)
                ck_assert(is_well(fleet, &now_s, i));
        ck_assert(books_close(&books, &b, fleet));
}
END_TEST

/* ---- telemetry */

START_TEST(samples_tell_what_was)
{
        struct fleet *fleet;

        build_service(&b, "only", exponential(10 * NS_PER_MS))->error_rate = 0.1;
        b.telemetry = true;
        b.spec.telemetry.interval_ns = 100 * NS_PER_S;
        build_load(&b, "users", 0, 50);
        fleet = build_fleet(&b, 1, 0);
        run_to(fleet, 1001);
        ck_assert_uint_eq(b.batches, 10);
        ck_assert_double_eq_tol(b.last_sample[0].cpu_ratio, 0.5, 0.05);
        ck_assert_double_eq_tol(b.last_sample[0].throughput_per_s, 50, 3);
        ck_assert_double_eq_tol(b.last_sample[0].error_ratio, 0.1, 0.02);
        /* M/M/1: sojourn exponential with mean 20 ms; the sketch is off by an eighth */
        ck_assert_double_eq_tol(b.last_sample[0].latency_p50_s, 0.020 * log(2), 0.004);
        ck_assert_double_eq_tol(b.last_sample[0].latency_p99_s, 0.020 * log(100), 0.025);
        ck_assert_uint_eq(b.last_edge[0].calls, (uint64_t)(b.last_sample[0].throughput_per_s * 100 + 0.5));
        ck_assert(isnan(b.last_sample[0].memory_ratio));
}
END_TEST

/* A healer that cannot see them cannot act on a limit of seconds. */
START_TEST(samples_tell_latencies_of_minutes)
{
        const double median_s[] = {0.001, 2, 30, 600};
        struct fleet *fleet;

        build_service(&b, "only", constant((int64_t)(median_s[_i] * (double)NS_PER_S)));
        b.services[0].concurrency = 1000;
        b.services[0].cpu_cores = 1000;
        b.telemetry = true;
        b.spec.telemetry.interval_ns = 1000 * NS_PER_S;
        build_load(&b, "users", 0, 0.5);
        fleet = build_fleet(&b, 1, 0);
        run_to(fleet, 2001);
        ck_assert_uint_eq(b.batches, 2);
        ck_assert_double_eq_tol(b.last_sample[0].latency_p50_s, median_s[_i], median_s[_i] / 8);
        ck_assert_double_eq_tol(b.last_sample[0].latency_p99_s, median_s[_i], median_s[_i] / 8);
}
END_TEST

START_TEST(s1_19_monitoring_becomes_denser_for_ten_minutes)
{
        struct fleet *fleet;

        build_service(&b, "only", exponential(NS_PER_MS));
        b.telemetry = true;
        build_load(&b, "users", 0, 5);
        fleet = build_fleet(&b, 1, 0);
        build_act(fleet, ACTION_ENABLE_MONITORING, 0, FLEET_NO_INDEX, 0);
        run_to(fleet, 1000);
        /* one of 5 s, 596 of 1 s up to 601 s, then one each 5 s */
        ck_assert_uint_eq(b.batches, 1 + 596 + 79);
}
END_TEST

START_TEST(the_same_key_gives_the_same_run_and_another_one_another)
{
        uint64_t hash[3], events[3];

        for (int i = 0; i < 3; i++) {
                struct edge_spec *edge;

                build_end(&b);
                build_begin(&b);
                front_and_back(exponential(5 * NS_PER_MS), exponential(5 * NS_PER_MS));
                b.services[1].instance_count = 3;
                edge = build_call(&b, 0, 1);
                edge->timeout_ns = 20 * NS_PER_MS;
                edge->retry = (struct retry_spec){2, NS_PER_MS, 2, NS_PER_S, 0.5, 0.2};
                build_load(&b, "users", 0, 100);
                run_to(build_fleet(&b, i == 2 ? 8 : 7, 10 * NS_PER_S), 60);
                hash[i] = hash_mix(books.totals.arrival_hash, books.services[0].phase[0].latency.sum_ns);
                events[i] = books.totals.events;
                books_free(&books);
        }
        ck_assert_uint_eq(hash[0], hash[1]);
        ck_assert_uint_eq(events[0], events[1]);
        ck_assert_uint_ne(hash[0], hash[2]);
}
END_TEST

static Suite *suite(void)
{
        Suite *s = suite_create("fleet");
        TCase *t = tcase_create("all");

        tcase_add_checked_fixture(t, setup, teardown);
        tcase_add_test(t, an_unhindered_request_takes_its_service_time);
        tcase_add_test(t, a_request_that_finds_the_queue_full_is_dropped);
        tcase_add_test(t, a_queue_of_nothing_makes_a_loss_system);
        tcase_add_test(t, requests_of_the_warm_up_are_in_no_count);
        tcase_add_test(t, a_warm_up_need_not_be_of_whole_seconds);
        tcase_add_test(t, what_is_inside_at_the_end_is_unfinished);
        tcase_add_test(t, own_errors_come_with_their_rate);
        tcase_add_test(t, work_goes_on_after_its_caller_has_timed_out);
        tcase_add_test(t, cancel_on_timeout_takes_the_work_back);
        tcase_add_test(t, an_answer_at_the_last_moment_is_no_timeout);
        tcase_add_test(t, a_shortened_timeout_is_in_force_at_once);
        tcase_add_test(t, a_call_is_tried_again_as_often_as_allowed);
        tcase_add_test(t, back_off_stops_growing_at_its_most);
        tcase_add_test(t, a_budget_bounds_retries_to_a_share_of_calls);
        tcase_add_test(t, a_fallback_answers_for_a_failed_callee);
        tcase_add_test(t, calls_one_after_the_other_add_up);
        tcase_add_test(t, parallel_calls_take_as_long_as_the_longest);
        tcase_add_test(t, a_failed_part_fails_the_whole_and_what_follows_is_not_called);
        tcase_add_test(t, a_call_is_made_with_its_probability);
        tcase_add_test(t, a_network_takes_its_way_there_and_back);
        tcase_add_loop_test(t, a_held_worker_waits_for_its_calls_and_a_freed_one_does_not, 0, 2);
        tcase_add_loop_test(t, a_slow_leaf_exhausts_held_workers_and_not_freed_ones, 0, 2);
        tcase_add_test(t, who_looks_at_the_queues_waits_less_than_who_does_not);
        tcase_add_test(t, round_robin_gives_everybody_the_same);
        tcase_add_test(t, random_choice_is_even);
        tcase_add_test(t, a_dead_instance_is_ejected_after_its_checks_failed_and_taken_back);
        tcase_add_test(t, a_crash_loses_what_is_in_flight);
        tcase_add_test(t, the_supervisor_backs_off_from_0_over_10_s_doubling_to_300_s);
        tcase_add_test(t, without_a_supervisor_a_dead_process_stays_dead_until_restarted);
        tcase_add_test(t, a_leak_ends_in_an_out_of_memory_kill);
        tcase_add_test(t, memory_above_85_percent_slows_work_to_a_third_at_the_limit);
        tcase_add_test(t, a_fresh_process_is_slow_and_warms_up);
        tcase_add_test(t, more_workers_than_cores_slow_what_starts);
        tcase_add_test(t, a_wait_for_a_call_asks_no_cpu);
        tcase_add_loop_test(t, a_drain_loses_nothing_not_even_what_is_on_its_way, 1, 4);
        tcase_add_test(t, a_drain_ends_after_30_s_even_if_work_does_not);
        tcase_add_test(t, a_rolling_restart_keeps_all_but_one_and_touches_each_once);
        tcase_add_test(t, scaling_out_boots_and_scaling_in_takes_away_as_many_as_asked);
        tcase_add_loop_test(t, a_replacement_is_a_new_instance_and_the_old_one_goes, 0, 2);
        tcase_add_test(t, failover_takes_an_instance_out_for_ten_minutes);
        tcase_add_loop_test(t, a_degraded_service_admits_the_share_of_its_level_within_2_percent, 0, 5);
        tcase_add_loop_test(t, a_degraded_services_calls_end_at_the_shortened_limit_of_its_level,
                            0, 5);
        tcase_add_loop_test(
                t, a_degraded_service_works_at_no_more_than_its_levels_requests_at_once, 0, 5);
        tcase_add_loop_test(t, a_level_leaves_what_its_order_says_but_no_better_answers, 0, 2);
        tcase_add_test(t, an_orders_level_has_its_own_time_limit_and_places_and_absurd_ones_are_refused);
        tcase_add_loop_test(
                t, s3_14_a_place_comes_back_when_the_work_ends_and_not_when_its_caller_gives_up, 0,
                2);
        tcase_add_test(t, shedding_refuses_its_share_and_0_ends_it);
        tcase_add_test(t, an_escalation_mends_what_nothing_else_could_after_the_human_s_time);
        tcase_add_loop_test(t, a_burning_budget_pages_the_human_who_watches, 0, 2);
        tcase_add_test(t, an_action_on_nobody_fails_with_a_word);
        tcase_add_test(t, an_actuator_fails_with_its_rate);
        tcase_add_test(t, s1_16_a_restarted_service_has_new_processes_that_answer_their_probe);
        tcase_add_test(t, s1_17_more_instances_end_a_queue_and_amounts_have_bounds);
        tcase_add_test(t, s1_17_larger_limits_are_in_force_at_once_up_to_twice_the_declared);
        tcase_add_loop_test(t, s1_19_a_timeout_is_in_force_at_half_as_much_again, 0, 2);
        tcase_add_test(t, s1_19_a_check_says_what_an_instance_answers);
        tcase_add_test(t, samples_tell_what_was);
        tcase_add_loop_test(t, samples_tell_latencies_of_minutes, 0, 4);
        tcase_add_test(t, s1_19_monitoring_becomes_denser_for_ten_minutes);
        tcase_add_test(t, the_same_key_gives_the_same_run_and_another_one_another);
        suite_add_tcase(s, t);
        return s;
}

int main(void)
{
        SRunner *runner = srunner_create(suite());
        int failed;

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed != 0;
}
