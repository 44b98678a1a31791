/* test_way.c - what befalls requests on their way, and what clients do, by numbers.
 *
 * Front calls back at 50 requests a second; each test says what the callee, the
 * line or the other callers should show, and compares.
 */
#include "faults/fault.h"
#include "tests/fleet_builder.h"

#include <check.h>
#include <math.h>

#include "harness/fleet/model.h"

enum { FRONT, BACK };
enum { MESSAGE_BYTES = 16 * 1024 };

static struct builder b;
static struct books books;
static struct fleet *fleet;
static struct fault_run run;

enum aim { AT_EDGE, AT_BACK, AT_LOAD, AT_ZONES };

static void setup(void)
{
        build_begin(&b);
        memset(&books, 0, sizeof(books));
        build_service(&b, "front", exponential(NS_PER_MS))->concurrency = 64;
        build_service(&b, "back", exponential(2 * NS_PER_MS))->concurrency = 16;
        b.services[FRONT].instance_count = 3;
        b.services[BACK].instance_count = 3;
        b.services[BACK].zone_count = 3;
        build_call(&b, FRONT, BACK);
        build_load(&b, "users", FRONT, 50);
}

static void teardown(void)
{
        books_free(&books);
        build_end(&b);
}

static void begin(void)
{
        fleet = build_fleet(&b, 1, 0);
}

static void inject(const char *kind, enum aim aim, double a, double second, double c, double d)
{
        static double arguments[4];
        static const uint32_t back[] = {3};

        arguments[0] = a;
        arguments[1] = second;
        arguments[2] = c;
        arguments[3] = d;
        run = (struct fault_run){.ops = fault_find(kind), .fleet = fleet, .arguments = arguments,
                                 .probability = 1, .stream = 77, .now_ns = fleet_now(fleet),
                                 .has_end = true, .edge = aim == AT_EDGE ? 0 : FLEET_NO_INDEX,
                                 .load = aim == AT_LOAD ? 0 : FLEET_NO_INDEX,
                                 .service = FLEET_NO_INDEX, .zone = FLEET_NO_INDEX,
                                 .between_zones = aim == AT_ZONES, .to_zone = 1,
                                 .instances = back, .instance_count = aim == AT_BACK};
        ck_assert_ptr_nonnull(run.ops);
        run.ops->inject(&run);
}

static void run_for(int64_t seconds)
{
        ck_assert(fleet_run_until(fleet, fleet_now(fleet) + seconds * NS_PER_S));
}

static void close_books(void)
{
        ck_assert(books_close(&books, &b, fleet));
}

static double measured(void)
{
        return run.effects[0].measured_sum / (double)run.effects[0].measured_count;
}

/* ---- lines */

START_TEST(a_narrow_line_is_a_queue_of_its_own)
{
        double send_s = 0.010, calm;

        begin();
        run_for(1000);
        close_books();
        calm = books_latency_s(&books, BACK);
        books_free(&books);
        begin();
        /* 50/s at 10 ms each: half used, M/D/1 waits rho s / 2 (1 - rho) */
        inject("bandwidth", AT_EDGE, MESSAGE_BYTES / send_s, 0, 0, 0);
        run_for(2000);
        close_books();
        ck_assert_double_eq_tol(measured(), send_s + 0.5 * send_s / (2 * 0.5), 0.05 * 0.015);
        ck_assert_double_eq_tol(books_latency_s(&books, BACK) - calm, 0.015, 0.05 * 0.015);
}
END_TEST

START_TEST(an_overloaded_line_waits_ever_longer)
{
        b.edges[0].timeout_ns = NS_PER_S;
        begin();
        inject("bandwidth", AT_EDGE, MESSAGE_BYTES * 25.0, 0, 0, 0);
        run_for(100);
        /* twice what it carries: after 100 s the last one waits for 100 s */
        ck_assert_double_eq_tol((double)(run.effects[0].busy_until_ns - fleet_now(fleet)) * 1e-9, 100, 6);
        ck_assert_double_eq_tol((double)fleet->services[BACK].measure.arrived, 2500, 5);
        close_books();
}
END_TEST

START_TEST(what_arrives_twice_is_worked_on_twice_and_answered_once)
{
        begin();
        inject("packet_duplicate", AT_EDGE, 0.3, 0, 0, 0);
        run_for(2000);
        run.ops->lift(&run);
        run_for(1);
        close_books();
        ck_assert_double_eq_tol((double)books.services[BACK].completed /
                                        (double)books.services[BACK].attempts,
                                1.3, 3 * sqrt(0.21 / 1e5));
        ck_assert_double_eq_tol(measured(), 0.3, 3 * sqrt(0.21 / 1e5));
        ck_assert_uint_eq(books_outcome(&books, BACK, CALL_OK), books_ended(&books, BACK));
}
END_TEST

START_TEST(a_slow_close_keeps_the_worker_and_not_the_answer)
{
        double calm;

        begin();
        run_for(1000);
        close_books();
        calm = books_latency_s(&books, FRONT);
        books_free(&books);
        begin();
        inject("slow_close", AT_EDGE, 100e6, 0, 0, 0);
        run_for(1000);
        close_books();
        ck_assert_double_eq_tol(books_latency_s(&books, FRONT), calm, 0.01 * calm);
        ck_assert_double_eq_tol(books.services[BACK].busy_area_s / books.services[BACK].observed_s,
                                50 * 0.102, 0.05 * 5.1);
}
END_TEST

START_TEST(a_line_between_two_zones_is_theirs_alone)
{
        b.edges[0].timeout_ns = 100 * NS_PER_MS;
        begin();
        /* front is all in a; of back one instance each is in a, b and c */
        inject("packet_loss", AT_ZONES, 1, 1, 0, 0);
        run_for(200);
        ck_assert_uint_eq(fleet->instances[4].requests, 0);
        ck_assert_uint_gt(fleet->instances[3].requests, 3000);
        ck_assert_uint_gt(fleet->instances[5].requests, 3000);
        run.ops->lift(&run);
        run_for(100);
        ck_assert_uint_gt(fleet->instances[4].requests, 1500);
        close_books();
}
END_TEST

/* ---- correlation */

/* Delays of messages by the time of their slot, from the effect itself. */
static double correlation_at(int64_t lag_slots, double correlation)
{
        struct effect *effect = &run.effects[0];
        double x, y, sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0;
        enum { N = 20000 };
        static double first[N], second[N];

        begin();
        inject("latency", AT_EDGE, 100e6, 10e6, 1 /* normal */, correlation);
        for (int i = 0; i < N; i++) {
                fleet->now = (int64_t)i * 20 * 100 * NS_PER_MS; /* far from one another */
                first[i] = (double)effect_delay_of(fleet, effect, hash_mix(1, (uint64_t)i));
                fleet->now += lag_slots * 100 * NS_PER_MS + 30 * NS_PER_MS;
                second[i] = (double)effect_delay_of(fleet, effect, hash_mix(2, (uint64_t)i));
        }
        for (int i = 0; i < N; i++) {
                x = first[i] - 100e6;
                y = second[i] - 100e6;
                sx += x;
                sy += y;
                sxx += x * x;
                syy += y * y;
                sxy += x * y;
        }
        /* the distribution of one message is what it is without correlation */
        ck_assert_double_eq_tol(sx / N, 0, 10e6 * 0.1);
        ck_assert_double_eq_tol(sqrt(sxx / N), 10e6, 10e6 * 0.05);
        fleet->now = 0;
        run.ops->lift(&run);
        close_books();
        books_free(&books);
        return (sxy / N - sx / N * (sy / N)) / sqrt((sxx / N) * (syy / N));
}

START_TEST(spread_is_correlated_in_a_slot_and_from_slot_to_slot)
{
        ck_assert_double_eq_tol(correlation_at(0, 0), 0, 0.03);
        ck_assert_double_eq_tol(correlation_at(0, 0.6), 0.6, 0.03);
        ck_assert_double_eq_tol(correlation_at(1, 0.6), 0.36, 0.04);
        ck_assert_double_eq_tol(correlation_at(3, 0.6), 0.1296, 0.04);
}
END_TEST

/* ---- gray failure */

START_TEST(a_share_of_the_callers_finds_it_bad_always_the_same)
{
        b.edges[0].balancing = BALANCE_RANDOM; /* else who calls whom is settled */
        b.loads[0].balancing = BALANCE_RANDOM;
        begin();
        inject("gray_failure", AT_BACK, 0.3, 0, 0.5, 0);
        run_for(2000);
        close_books();
        /* one of three callers (0.3 of 3, rounded up), one of three callees, half */
        ck_assert_double_eq_tol((double)books_outcome(&books, BACK, CALL_ERROR) /
                                        (double)books_ended(&books, BACK),
                                0.5 / 9, 4 * sqrt(0.055 / 1e5));
        ck_assert_double_eq_tol(measured(), 0.5, 4 * sqrt(0.25 / 11000));
}
END_TEST

/* ---- clients */

START_TEST(a_poisoned_request_kills_and_kills_again)
{
        uint32_t exits = 0;

        b.loads[0].retry = (struct retry_spec){2, 10 * NS_PER_MS, 1, NS_PER_S, 0, -1};
        b.loads[0].rate_per_s = 0.01;
        begin();
        inject("poison_request", AT_LOAD, 1, 0, 0, 0);
        run_for(2000);
        for (size_t i = 0; i < b.note_count; i++)
                exits += b.notes[i].kind == FLEET_NOTE_INSTANCE_STATE &&
                         b.notes[i].state == INSTANCE_DOWN &&
                         strcmp(b.notes[i].text, "killed by a request") == 0;
        /* each is poison at all three attempts; instances that are still down for the
         * last one cannot die again */
        ck_assert_uint_gt(exits, (uint32_t)run.effects[0].touched / 3);
        ck_assert_uint_eq(run.effects[0].touched % 3, 0);
        ck_assert_uint_gt(run.effects[0].touched, 30);
        close_books();
        ck_assert_uint_eq(books_outcome(&books, FRONT, CALL_OK), 0);
}
END_TEST

START_TEST(costly_requests_cost_their_factor_everywhere)
{
        begin();
        inject("costly_request", AT_LOAD, 0.3, 5, 0, 0);
        run_for(2000);
        close_books();
        for (uint32_t s = FRONT; s <= BACK; s++)
                ck_assert_double_eq_tol(books.services[s].service_sum_s /
                                                (double)books.services[s].started,
                                        (s == FRONT ? 0.001 : 0.002) * (0.7 + 0.3 * 5),
                                        (s == FRONT ? 0.001 : 0.002) * 2.2 * 0.05);
}
END_TEST

START_TEST(patience_is_drawn_for_each_attempt)
{
        /* exponential patience against a constant answer: e^(-50 ms / 100 ms) wait long enough */
        b.services[BACK].service_time = constant(0);
        b.services[FRONT].service_time = constant(50 * NS_PER_MS);
        b.loads[0].has_patience = true;
        b.loads[0].patience = exponential(100 * NS_PER_MS);
        begin();
        run_for(2000);
        close_books();
        ck_assert_double_eq_tol((double)books_outcome(&books, FRONT, CALL_OK) /
                                        (double)books_ended(&books, FRONT),
                                exp(-0.5), 4 * sqrt(0.24 / 1e5));
}
END_TEST

START_TEST(a_source_balances_as_it_is_told)
{
        b.services[FRONT].service_time = exponential(100 * NS_PER_MS);
        b.loads[0].balancing = BALANCE_RANDOM;
        begin();
        run_for(1000);
        ck_assert_uint_ne(fleet->instances[0].requests, fleet->instances[1].requests);
        close_books();
        books_free(&books);
        b.loads[0].balancing = BALANCE_ROUND_ROBIN;
        begin();
        ck_assert_uint_eq(fleet->edges[1].balancing, BALANCE_ROUND_ROBIN);
        run_for(1000);
        ck_assert_int_le(llabs((long long)fleet->instances[0].requests -
                               (long long)fleet->instances[1].requests),
                         20);
        close_books();
}
END_TEST

/* ---- surges of clients that have no rate */

START_TEST(a_surge_of_users_brings_more_users_and_takes_them_away)
{
        double usual, more;

        b.loads[0].process = LOAD_CLOSED;
        b.loads[0].users = 100;
        b.loads[0].think_time = exponential(2 * NS_PER_S);
        begin();
        run_for(500);
        usual = (double)fleet->services[FRONT].measure.calls;
        inject("traffic_surge", AT_LOAD, 3, 0, 0, 0);
        run_for(500);
        more = (double)fleet->services[FRONT].measure.calls - usual;
        ck_assert_double_eq_tol(more / usual, 3, 0.1);
        ck_assert_double_eq_tol((double)run.effects[0].touched / more, 2.0 / 3, 0.02);
        run.ops->lift(&run);
        run_for(30); /* the last ones think */
        usual = (double)fleet->services[FRONT].measure.calls;
        run_for(500);
        ck_assert_double_eq_tol((double)fleet->services[FRONT].measure.calls - usual, 500 * 50,
                                4 * sqrt(25000));
        close_books();
}
END_TEST

START_TEST(a_surge_of_users_may_come_again)
{
        b.loads[0].process = LOAD_CLOSED;
        b.loads[0].users = 10;
        b.loads[0].think_time = constant(NS_PER_S);
        begin();
        for (int i = 0; i < 5; i++) {
                inject("traffic_surge", AT_LOAD, 2, 0, 0, 0);
                run_for(10);
                run.ops->lift(&run);
                run_for(i % 2); /* some are back before the others have left */
        }
        ck_assert_uint_eq(fleet->sources[2].crowd_capacity, 10);
        run_for(20);
        for (uint32_t k = 0; k < 10; k++)
                ck_assert(!fleet->sources[2].crowd_users[k].here);
        close_books();
}
END_TEST

START_TEST(a_surge_of_instants_comes_at_the_same_instants)
{
        static const int64_t at_ns[] = {0, NS_PER_S / 4, NS_PER_S / 2};

        b.loads[0].process = LOAD_TRACE;
        b.loads[0].trace = (struct load_trace){.at_ns = at_ns, .length = 3, .total_ns = NS_PER_S};
        begin();
        run_for(100);
        ck_assert_uint_eq(fleet->services[FRONT].measure.calls, 300);
        inject("traffic_surge", AT_LOAD, 2.5, 0, 0, 0);
        run_for(400);
        ck_assert_double_eq_tol((double)fleet->services[FRONT].measure.calls, 300 + 1200 * 2.5,
                                4 * sqrt(1200 * 0.25));
        ck_assert_uint_eq(run.effects[0].touched, fleet->services[FRONT].measure.calls - 1500);
        run.ops->lift(&run);
        run_for(100);
        ck_assert_uint_eq(fleet->services[FRONT].measure.calls - 1500 - run.effects[0].touched, 300);
        close_books();
}
END_TEST

static Suite *suite(void)
{
        Suite *s = suite_create("way");
        TCase *t = tcase_create("all");

        tcase_set_timeout(t, 60);
        tcase_add_checked_fixture(t, setup, teardown);
        tcase_add_test(t, a_narrow_line_is_a_queue_of_its_own);
        tcase_add_test(t, an_overloaded_line_waits_ever_longer);
        tcase_add_test(t, what_arrives_twice_is_worked_on_twice_and_answered_once);
        tcase_add_test(t, a_slow_close_keeps_the_worker_and_not_the_answer);
        tcase_add_test(t, a_line_between_two_zones_is_theirs_alone);
        tcase_add_test(t, spread_is_correlated_in_a_slot_and_from_slot_to_slot);
        tcase_add_test(t, a_share_of_the_callers_finds_it_bad_always_the_same);
        tcase_add_test(t, a_poisoned_request_kills_and_kills_again);
        tcase_add_test(t, costly_requests_cost_their_factor_everywhere);
        tcase_add_test(t, patience_is_drawn_for_each_attempt);
        tcase_add_test(t, a_source_balances_as_it_is_told);
        tcase_add_test(t, a_surge_of_users_brings_more_users_and_takes_them_away);
        tcase_add_test(t, a_surge_of_users_may_come_again);
        tcase_add_test(t, a_surge_of_instants_comes_at_the_same_instants);
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
