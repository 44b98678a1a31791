/* Protections on edges, as the fleet carries them out: who waits, for how long, and
 * what the breaker hears of it. Queues and paces against theory:
 * tests/validation/guards.c. */
#include "harness/run/guards.h"

#include <check.h>

#include "harness/fleet/data_layer.h"
#include "harness/fleet/model.h"
#include "tests/fleet_builder.h"

static struct builder b;
static struct books books;
static struct guards *guards;
static struct fleet *fleet;
static struct edge_protection protection;
static struct strategy_rule bulkhead, rate_limit, breaker, fallback, shedding;

/* front -> back, which takes a second for each; one call every `every_ns`. */
static void setup(void)
{
        memset(&protection, 0, sizeof(protection));
        bulkhead = (struct strategy_rule){.on = true};
        bulkhead.bulkhead.max_concurrent = 1;
        bulkhead.bulkhead.max_wait_ns = HEALER_NEVER;
        rate_limit = (struct strategy_rule){.on = true};
        rate_limit.rate_limit.burst = 1;
        breaker = (struct strategy_rule){.on = true};
        breaker.breaker = healer_breaker_config_defaults();
        fallback = (struct strategy_rule){.on = true};
        fallback.fallback.enabled = true;
        shedding = (struct strategy_rule){.on = true};
        build_begin(&b);
        build_service(&b, "front", constant(1))->concurrency = 100000;
        build_service(&b, "back", constant(NS_PER_S))->concurrency = 1000;
        build_call(&b, 0, 1);
        guards = guards_create(1, 1);
        ck_assert_ptr_nonnull(guards);
}

static void teardown(void)
{
        guards_destroy(guards);
        build_end(&b);
}

static void begin(double rate_per_s)
{
        build_load(&b, "users", 0, rate_per_s)->process = LOAD_CONSTANT;
        fleet = build_fleet(&b, 1, 0);
        ck_assert(guards_set(guards, &protection, 0));
        fleet_set_policies(fleet, &guards_policy_ops, guards);
}

static void run_to_s(double at_s)
{
        ck_assert(fleet_run_until(fleet, (int64_t)(at_s * (double)NS_PER_S)));
}

static void change_rules(int64_t now_ns)
{
        ck_assert(guards_set(guards, &protection, now_ns));
        fleet_policy_changed(fleet, 0);
}

static uint32_t at_work(void)
{
        return fleet->instances[1].busy;
}

START_TEST(a_place_is_waited_for_as_long_as_the_rule_says)
{
        bulkhead.bulkhead.max_queue = 10;
        bulkhead.bulkhead.max_wait_ns = 2500 * NS_PER_MS;
        protection.rules[STRATEGY_BULKHEAD] = &bulkhead;
        begin(2); /* twice what one at a time can do: 1 s each */
        run_to_s(20.1);
        ck_assert_uint_eq(at_work(), 1);
        ck_assert(books_close(&books, &b, fleet));
        /* Half of them get a place; the others left after 2.5 s, the last 5 wait still. */
        ck_assert_uint_eq(books_outcome(&books, 1, CALL_OK), 19);
        ck_assert_uint_ge(books_outcome(&books, 1, CALL_REJECTED), 14);
        ck_assert_uint_le(books_outcome(&books, 1, CALL_REJECTED), 16);
        books_free(&books);
}
END_TEST

START_TEST(a_full_queue_refuses_at_once)
{
        bulkhead.bulkhead.max_queue = 3;
        protection.rules[STRATEGY_BULKHEAD] = &bulkhead;
        begin(100);
        run_to_s(0.995);
        ck_assert_uint_eq(at_work(), 1);
        ck_assert_uint_ge(fleet_edge_refused(fleet, 0), 94); /* all but one at work and three */
        ck_assert_uint_le(fleet_edge_refused(fleet, 0), 96);
        ck_assert(books_close(&books, &b, fleet));
        books_free(&books);
}
END_TEST

/* What such a call is said to hold before it claims anything is nobody's. */
START_TEST(a_call_that_waits_for_a_place_has_claimed_no_connection)
{
        uint32_t waiting = 0;

        bulkhead.bulkhead.max_queue = 10;
        protection.rules[STRATEGY_BULKHEAD] = &bulkhead;
        b.edges[0].timeout_ns = 5 * NS_PER_S;
        b.edges[0].pool = 4;
        begin(10);
        run_to_s(20.95);
        for (uint32_t c = 0; c < fleet->call_count && c < fleet->claim_capacity; c++)
                if (fleet->calls[c].state == CALL_WAITING && fleet->calls[c].holds == CALL_IS_TIMED) {
                        memset(&fleet->claims[c], 0xff, sizeof(fleet->claims[c]));
                        waiting++;
                }
        ck_assert_uint_gt(waiting, 0);
        ck_assert_ptr_null(data_check(fleet));
        ck_assert(books_close(&books, &b, fleet));
        books_free(&books);
}
END_TEST

/* Its own time limit is over before its turn: a timeout, and no work for the callee. */
START_TEST(a_time_limit_runs_while_a_bulkhead_makes_wait)
{
        bulkhead.bulkhead.max_queue = 1000;
        protection.rules[STRATEGY_BULKHEAD] = &bulkhead;
        protection.rules[STRATEGY_BREAKER] = &breaker;
        b.edges[0].timeout_ns = 1500 * NS_PER_MS;
        b.services[1].service_time = constant(100 * NS_PER_S);
        begin(10);
        run_to_s(30);
        ck_assert(!guards_breaker_open(guards, 0)); /* the callee failed one of them */
        ck_assert(books_close(&books, &b, fleet));
        ck_assert_uint_ge(books_outcome(&books, 1, CALL_TIMEOUT), 284);
        ck_assert_uint_eq(books.services[1].arrived, 1);
        books_free(&books);
}
END_TEST

START_TEST(a_time_limit_does_not_run_while_a_rate_limit_paces)
{
        b.services[1].service_time = constant(NS_PER_MS);
        rate_limit.rate_limit.rate_per_s = 5;
        rate_limit.rate_limit.max_wait_ns = (_i == 0 ? 2 : 0) * NS_PER_S;
        protection.rules[STRATEGY_RATE_LIMIT] = &rate_limit;
        b.edges[0].timeout_ns = 50 * NS_PER_MS;
        begin(10); /* twice the pace: the wait grows to 2 s, then every other one is refused */
        run_to_s(30);
        ck_assert(books_close(&books, &b, fleet));
        ck_assert_uint_eq(books_outcome(&books, 1, CALL_TIMEOUT), 0);
        ck_assert_uint_ge(books_outcome(&books, 1, CALL_OK), 149);
        ck_assert_uint_le(books_outcome(&books, 1, CALL_OK), 151);
        ck_assert_double_eq_tol(books.services[0].system_area_s, _i == 0 ? 30 * 10 : 0, 50);
        books_free(&books);
}
END_TEST

START_TEST(who_waited_for_the_old_rules_is_asked_by_the_new_ones)
{
        bulkhead.bulkhead.max_queue = 1000;
        protection.rules[STRATEGY_BULKHEAD] = &bulkhead;
        begin(10);
        run_to_s(5.05);
        ck_assert_uint_eq(at_work(), 1);
        if (_i == 0)
                protection.rules[STRATEGY_BULKHEAD] = NULL;
        else
                bulkhead.bulkhead.max_concurrent = 20;
        change_rules(5050 * NS_PER_MS);
        run_to_s(5.06);
        ck_assert_uint_ge(at_work(), _i == 0 ? 44 : 20);
        ck_assert_uint_le(at_work(), _i == 0 ? 46 : 21);
        run_to_s(12);
        ck_assert(books_close(&books, &b, fleet)); /* nobody was lost on the way */
        ck_assert_uint_eq(books_outcome(&books, 1, CALL_LOST), 0);
        books_free(&books);
}
END_TEST

START_TEST(a_fallback_acts_if_its_kind_is_in_the_order)
{
        b.services[1].error_rate = 1;
        b.edges[0].fallback = FALLBACK_CACHED;
        b.edges[0].fallback_quality = 0.5;
        fallback.fallback.kinds = 1u << (_i == 0 ? FALLBACK_CACHED : FALLBACK_STATIC);
        protection.rules[STRATEGY_FALLBACK] = &fallback;
        begin(10);
        run_to_s(10);
        ck_assert(books_close(&books, &b, fleet));
        ck_assert_uint_eq(books_outcome(&books, 0, CALL_DEGRADED) > 80, _i == 0);
        ck_assert_uint_eq(books_outcome(&books, 0, CALL_ERROR) > 80, _i == 1);
        books_free(&books);
}
END_TEST

/* Twenty workers, work that takes longer the more of it there is: an adaptive limit
 * comes down from far too many, a fixed one of as many does not. */
START_TEST(adaptive_shedding_finds_what_the_callee_can_do)
{
        uint32_t most = 0;

        b.services[1].service_time = constant(100 * NS_PER_MS);
        b.services[1].concurrency = 20;
        shedding.shedding.kind = (uint32_t)_i;
        shedding.shedding.limit = 400;
        protection.rules[STRATEGY_SHEDDING] = &shedding;
        b.edges[0].timeout_ns = NS_PER_S;
        b.edges[0].cancel_on_timeout = true;
        begin(300); /* 200 a second is what it can do */
        run_to_s(120);
        for (int i = 0; i < 100; i++) {
                uint32_t inside;

                run_to_s(120 + i);
                inside = fleet->instances[1].inside.length + fleet->instances[1].queue.length;
                most = inside > most ? inside : most;
        }
        if (_i == STRATEGY_SHED_PRIORITY)
                ck_assert_uint_gt(most, 230);
        else
                ck_assert_uint_lt(most, 205); /* 200 inside are a second, the time limit */
        ck_assert(books_close(&books, &b, fleet));
        books_free(&books);
}
END_TEST

static Suite *suite(void)
{
        Suite *s = suite_create("guards");
        TCase *t = tcase_create("edges");

        tcase_set_timeout(t, 60);
        tcase_add_checked_fixture(t, setup, teardown);
        tcase_add_test(t, a_place_is_waited_for_as_long_as_the_rule_says);
        tcase_add_test(t, a_full_queue_refuses_at_once);
        tcase_add_test(t, a_call_that_waits_for_a_place_has_claimed_no_connection);
        tcase_add_test(t, a_time_limit_runs_while_a_bulkhead_makes_wait);
        tcase_add_loop_test(t, a_time_limit_does_not_run_while_a_rate_limit_paces, 0, 2);
        tcase_add_loop_test(t, who_waited_for_the_old_rules_is_asked_by_the_new_ones, 0, 2);
        tcase_add_loop_test(t, a_fallback_acts_if_its_kind_is_in_the_order, 0, 2);
        tcase_add_loop_test(t, adaptive_shedding_finds_what_the_callee_can_do, 0, 4);
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
