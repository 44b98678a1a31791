/* test_data_layer.c - pools, descriptors, caches, databases and queues, each by itself.
 *
 * Every test closes the books, which checks conservation, Little's law and that
 * what pools and descriptors count is what calls have. Closed forms with many
 * seeds are in tests/validation/data_layer.c.
 */
#include "tests/fleet_builder.h"

#include <check.h>
#include <math.h>

#include "harness/fleet/data_layer.h"

enum { FRONT, BACK };

static struct builder b;
static struct books books;
static struct fleet *fleet;
static struct effect effect;

static struct effect *effect_of(enum effect_kind kind, enum fleet_layer layer, double a)
{
        effect = (struct effect){.kind = kind, .layer = layer, .stream = 1000, .probability = 1, .a = a,
                                 .edge = FLEET_NO_INDEX, .ramp_down_from_ns = TIME_NEVER};
        return &effect;
}

/* Front calls back; neither ever queues. */
static void setup(void)
{
        build_begin(&b);
        memset(&books, 0, sizeof(books));
        build_service(&b, "front", constant(NS_PER_MS))->concurrency = 1000;
        build_service(&b, "back", constant(10 * NS_PER_MS))->concurrency = 1000;
        build_call(&b, FRONT, BACK)->timeout_ns = NS_PER_S;
        build_load(&b, "users", FRONT, 50);
        b.telemetry = true;
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

static void run_to(int64_t seconds)
{
        ck_assert(fleet_run_until(fleet, seconds * NS_PER_S));
}

static void close_books(void)
{
        ck_assert(books_close(&books, &b, fleet));
}

static void act(enum fleet_action_kind kind, uint32_t service, uint32_t edge)
{
        fleet_act(fleet, &(struct fleet_action){.id = 1, .kind = kind, .service = service,
                                                .instance = FLEET_NO_INDEX, .edge = edge});
}

static double share_of(uint32_t service, enum call_outcome outcome)
{
        return (double)books_outcome(&books, service, outcome) / (double)books_ended(&books, service);
}

/* ---- pools */

START_TEST(a_call_waits_for_a_connection_and_no_more_are_open_than_the_pool_has)
{
        b.edges[0].pool = 2;
        b.services[BACK].service_time = constant(30 * NS_PER_MS); /* 1.5 connections in use */
        begin();
        run_to(200);
        ck_assert_uint_le(fleet->services[BACK].inside, 2);
        ck_assert_double_le(b.last_sample[0].pool_ratio, 1);
        ck_assert_double_gt(b.last_sample[0].pool_ratio, 0);
        ck_assert(isnan(b.last_sample[1].pool_ratio));
        close_books();
        ck_assert_double_eq_tol(books.services[BACK].busy_area_s / 200, 1.5, 0.05);
        /* The callee sees no wait, the caller does. */
        ck_assert_double_eq(books.services[BACK].queue_area_s, 0);
        ck_assert_double_gt(books_latency_s(&books, BACK), 0.035);
        ck_assert_double_eq(share_of(BACK, CALL_OK), 1);
}
END_TEST

START_TEST(without_a_connection_a_call_fails_at_its_timeout)
{
        b.edges[0].pool = 1;
        b.edges[0].timeout_ns = 200 * NS_PER_MS;
        b.services[BACK].service_time = constant(100 * NS_PER_MS); /* five times what it can do */
        begin();
        run_to(100);
        ck_assert_uint_gt(fleet->instances[0].holdings->pools[0].waiting, 5);
        close_books();
        ck_assert_double_gt(share_of(BACK, CALL_TIMEOUT), 0.75);
        ck_assert_double_eq_tol(share_of(BACK, CALL_OK) + share_of(BACK, CALL_TIMEOUT), 1, 1e-9);
        ck_assert_double_eq_tol(books_latency_s(&books, BACK), 0.2, 0.02);
}
END_TEST

START_TEST(a_pool_that_is_large_enough_changes_nothing)
{
        uint64_t sum[2];

        for (int with = 0; with < 2; with++) {
                b.edges[0].pool = with == 1 ? 1000 : 0;
                begin();
                run_to(100);
                close_books();
                sum[with] = books.services[FRONT].phase[0].latency.sum_ns;
                books_free(&books);
        }
        ck_assert_uint_eq(sum[0], sum[1]);
}
END_TEST

START_TEST(dropped_connections_fail_their_share_until_somebody_renews_the_pool)
{
        uint64_t failed;

        b.edges[0].pool = 100;
        begin();
        run_to(10);
        ck_assert_uint_eq(fleet_pool_drop(fleet, FLEET_NO_INDEX, 0, 0.3, 7), 30);
        run_to(210);
        failed = books.services == NULL ? fleet->services[BACK].measure.phase[0].outcome[CALL_ERROR] : 0;
        ck_assert_double_eq_tol((double)failed / (200 * 50), 0.3, 3 * sqrt(0.21 / 1e4));
        switch (_i) {
        case 0:
                act(ACTION_RECONNECT, FRONT, 0);
                break;
        case 1:
                act(ACTION_RECONNECT, BACK, FLEET_NO_INDEX); /* as its callers' */
                break;
        case 2:
                fleet_instance_kill(fleet, 0, 139, "test"); /* a new process has a new pool */
                break;
        default:
                act(ACTION_RESTART_SERVICE, FRONT, FLEET_NO_INDEX);
                break;
        }
        run_to(250);
        failed = fleet->services[BACK].measure.phase[0].outcome[CALL_ERROR];
        run_to(350);
        close_books();
        ck_assert_uint_eq(books_outcome(&books, BACK, CALL_ERROR), failed);
}
END_TEST

START_TEST(a_restart_of_the_callee_renews_nothing)
{
        uint64_t failed;

        b.edges[0].pool = 100;
        begin();
        run_to(10);
        fleet_pool_drop(fleet, FLEET_NO_INDEX, 0, 1, 7);
        build_act(fleet, ACTION_RESTART_INSTANCE, BACK, 1, 0);
        run_to(50);
        failed = fleet->services[BACK].measure.phase[0].outcome[CALL_ERROR];
        run_to(100);
        ck_assert_uint_gt(fleet->services[BACK].measure.phase[0].outcome[CALL_ERROR], failed + 2000);
        close_books();
}
END_TEST

START_TEST(taken_connections_come_back_when_the_effect_is_lifted_or_the_pool_renewed)
{
        uint64_t ok;

        b.edges[0].pool = 10;
        b.edges[0].timeout_ns = 100 * NS_PER_MS;
        begin();
        fleet_effect_on_instance(fleet, 0, effect_of(EFFECT_CONNECTIONS, LAYER_POOL, 1));
        run_to(20);
        ck_assert_double_eq(b.last_sample[0].pool_ratio, 1);
        ck_assert_double_eq_tol(b.last_sample[0].connection_failures, 250, 4 * 16);
        ck_assert_uint_eq(fleet->services[BACK].measure.phase[0].outcome[CALL_OK], 0);
        if (_i == 0)
                fleet_effect_lift(fleet, &effect);
        else
                act(ACTION_RECONNECT, FRONT, 0);
        run_to(22);
        ck_assert(!fleet_effect_attached(fleet, &effect));
        ok = fleet->services[BACK].measure.phase[0].outcome[CALL_TIMEOUT];
        run_to(50);
        close_books();
        ck_assert_uint_eq(books_outcome(&books, BACK, CALL_TIMEOUT), ok);
        ck_assert_uint_gt(books_outcome(&books, BACK, CALL_OK), 1300);
}
END_TEST

START_TEST(calls_of_a_dead_process_that_wait_for_a_connection_end)
{
        b.edges[0].pool = 1;
        b.edges[0].timeout_ns = TIME_NEVER;
        b.services[BACK].service_time = constant(NS_PER_S);
        begin();
        run_to(10);
        ck_assert_uint_gt(fleet->instances[0].holdings->pools[0].waiting, 100);
        fleet_instance_kill(fleet, 0, 139, "test");
        run_to(11);
        ck_assert_uint_eq(fleet->instances[0].holdings->pools[0].waiting, 0);
        run_to(30);
        close_books();
}
END_TEST

/* ---- descriptors */

START_TEST(descriptors_limit_what_is_inside_and_what_is_out)
{
        b.services[FRONT].fd_limit = 21;
        b.services[FRONT].fd_per_call = 2; /* ten requests and calls */
        b.services[BACK].service_time = constant(30 * NS_PER_MS);
        begin();
        for (int64_t at = 1; at < 100; at++) {
                fleet_run_until(fleet, at * NS_PER_S);
                ck_assert_uint_le(fleet->instances[0].inside.length +
                                          fleet->instances[0].holdings->calls_out, 10);
        }
        ck_assert_double_le(b.last_sample[0].fd_ratio, 1);
        ck_assert_double_gt(b.last_sample[0].fd_ratio, 0);
        ck_assert(isnan(b.last_sample[1].fd_ratio));
        close_books();
        ck_assert_uint_gt(books_ended(&books, FRONT), 4000);
}
END_TEST

START_TEST(without_descriptors_nothing_is_accepted_until_they_are_back)
{
        b.services[BACK].fd_limit = 100;
        b.services[BACK].fd_per_call = 1;
        begin();
        fleet_effect_on_instance(fleet, 1, effect_of(EFFECT_DESCRIPTORS, LAYER_PROCESS, 1));
        run_to(20);
        ck_assert_double_eq(b.last_sample[1].fd_ratio, 1);
        ck_assert_uint_eq(fleet->services[BACK].measure.completed, 0);
        ck_assert_uint_gt(fleet->services[BACK].measure.phase[0].outcome[CALL_TIMEOUT], 900);
        if (_i == 0)
                fleet_effect_lift(fleet, &effect);
        else
                build_act(fleet, ACTION_RESTART_INSTANCE, BACK, 1, 0);
        run_to(100);
        ck_assert(!fleet_effect_attached(fleet, &effect));
        close_books();
        ck_assert_uint_gt(books_outcome(&books, BACK, CALL_OK), 3300);
}
END_TEST

/* ---- caches */

static void with_cache(double hit_ratio, int64_t warm_up_s)
{
        b.services[FRONT].data = DATA_CACHE;
        b.services[FRONT].cache = (struct cache_spec){hit_ratio, warm_up_s * NS_PER_S, 0};
        begin();
}

START_TEST(misses_alone_call_the_backend)
{
        double n;

        with_cache(0.9, 100);
        run_to(400);
        close_books();
        n = (double)books_ended(&books, FRONT);
        ck_assert_double_eq_tol((double)books_ended(&books, BACK) / n, 0.1, 3 * sqrt(0.09 / n));
}
END_TEST

START_TEST(a_cold_cache_misses_as_its_warm_up_says)
{
        double n, expected, extra;

        with_cache(0.9, 100);
        run_to(10);
        switch (_i) {
        case 0:
                act(ACTION_CLEAR_CACHE, FRONT, FLEET_NO_INDEX);
                run_to(11);
                extra = 50 * 0.9 * 100 / 2; /* a triangle */
                break;
        case 1:
                fleet_cache_lose(fleet, 0, 0.5);
                extra = 50 * 0.9 * 50 * 0.5 / 2;
                break;
        case 2: /* for 40 s it can hold a half, and then it warms up from there */
                fleet_effect_on_instance(fleet, 0, effect_of(EFFECT_CACHE, LAYER_CACHE, 0.5));
                run_to(50);
                fleet_effect_lift(fleet, &effect);
                extra = 50 * 0.9 * (40 * 0.5 + 50 * 0.5 / 2);
                break;
        default:
                build_act(fleet, ACTION_RESTART_INSTANCE, FRONT, 0, 0);
                run_to(16);
                extra = 50 * 0.9 * 100 / 2;
                break;
        }
        run_to(300);
        close_books();
        n = (double)books_outcome(&books, FRONT, CALL_OK);
        expected = 0.1 * n + extra;
        ck_assert_double_eq_tol((double)books_ended(&books, BACK), expected, 4 * sqrt(expected));
}
END_TEST

/* ---- databases */

static void with_database(uint32_t instances)
{
        b.services[BACK].data = DATA_DATABASE;
        b.services[BACK].instance_count = instances;
        b.services[BACK].database = (struct database_spec){.read_share = 0.8};
}

START_TEST(writes_go_to_the_leader_and_reads_to_all)
{
        double n;

        with_database(4);
        begin();
        run_to(400);
        n = (double)fleet->services[BACK].measure.completed;
        /* a fifth of the calls, and a quarter of the others */
        ck_assert_double_eq_tol((double)fleet->instances[1].requests / n, 0.2 + 0.8 / 4, 0.015);
        ck_assert_double_eq_tol((double)fleet->instances[2].requests / n, 0.8 / 4, 0.015);
        close_books();
        ck_assert_double_eq(share_of(BACK, CALL_OK), 1);
}
END_TEST

START_TEST(a_read_is_stale_where_its_row_was_written_within_the_lag)
{
        double n, expected, writes_per_row_s = 50 * 0.2 / DATABASE_ROWS;

        with_database(4);
        b.services[BACK].database.lag_ns = _i == 0 ? 20 * NS_PER_S : 0;
        begin();
        if (_i == 1)
                fleet_effect_on_service(fleet, BACK, effect_of(EFFECT_LAG, LAYER_LEADER, 20));
        run_to(1000);
        if (_i == 1)
                fleet_effect_lift(fleet, &effect);
        close_books();
        n = (double)books_ended(&books, BACK);
        expected = 0.8 * 0.75 * (1 - exp(-20 * writes_per_row_s));
        ck_assert_double_eq_tol(share_of(BACK, CALL_DEGRADED), expected, 4 * sqrt(expected / n));
        ck_assert_double_eq_tol(share_of(FRONT, CALL_DEGRADED), share_of(BACK, CALL_DEGRADED), 1e-4);
        if (_i == 1)
                ck_assert_uint_eq(effect.touched, books_outcome(&books, BACK, CALL_DEGRADED));
}
END_TEST

START_TEST(a_follower_takes_over_when_the_leader_stays_away)
{
        uint32_t leader;

        with_database(3);
        b.services[BACK].supervisor = _i == 0 ? SUPERVISOR_NEVER : SUPERVISOR_ALWAYS;
        begin();
        run_to(10);
        leader = fleet->services[BACK].database->leader;
        ck_assert_uint_eq(leader, 1);
        fleet_instance_kill(fleet, leader, 139, "test");
        run_to(15);
        ck_assert_uint_gt(fleet->services[BACK].measure.phase[0].outcome[CALL_LOST], 20);
        run_to(30);
        leader = fleet->services[BACK].database->leader;
        ck_assert_uint_eq(leader, _i == 0 ? 2 : 1); /* who is back within ten seconds leads on */
        close_books();
}
END_TEST

START_TEST(a_leader_that_drains_or_is_failed_over_hands_over_at_once)
{
        with_database(3);
        begin();
        run_to(10);
        build_act(fleet, _i == 0 ? ACTION_RESTART_SERVICE : ACTION_FAILOVER, BACK, 1, 0);
        run_to(60);
        if (_i == 1)
                ck_assert_uint_eq(fleet->services[BACK].database->leader, 2);
        close_books();
        ck_assert_double_eq(share_of(BACK, CALL_OK), 1);
}
END_TEST

START_TEST(a_failover_takes_its_time_and_writes_fail_meanwhile)
{
        double failed;

        with_database(3);
        begin();
        run_to(10);
        ck_assert(fleet_database_failover(fleet, BACK, 40 * NS_PER_S));
        run_to(49);
        ck_assert_uint_eq(fleet->services[BACK].database->leader, NONE);
        run_to(51);
        ck_assert_uint_ne(fleet->services[BACK].database->leader, NONE);
        failed = (double)fleet->services[BACK].measure.phase[0].outcome[CALL_LOST];
        /* a fifth of 50/s for 40 s, and some reads at the dead leader until it is back */
        ck_assert_double_gt(failed, 0.2 * 50 * 40 - 4 * 20);
        run_to(60);
        failed = (double)fleet->services[BACK].measure.phase[0].outcome[CALL_LOST];
        run_to(100);
        close_books();
        ck_assert_double_eq((double)books_outcome(&books, BACK, CALL_LOST), failed);
}
END_TEST

START_TEST(one_write_at_a_time_has_the_lock)
{
        double rho, wait;

        with_database(1);
        b.services[BACK].database.read_share = 0;
        b.services[BACK].database.lock_share = 0.5; /* 25/s of 10 ms each: M/D/1 */
        begin();
        run_to(1000);
        close_books();
        rho = 0.25;
        wait = rho / (1 - rho) / 2 * 0.010;
        ck_assert_double_eq_tol(books_latency_s(&books, BACK) - 0.010, 0.5 * wait, 0.05 * wait);
}
END_TEST

START_TEST(a_session_keeps_its_share_of_the_writes_waiting_until_it_ends)
{
        b.edges[0].timeout_ns = 300 * NS_PER_MS;
        with_database(3);
        begin();
        run_to(10);
        fleet_effect_on_service(fleet, BACK, effect_of(EFFECT_SESSION, LAYER_LOCK, 1));
        run_to(110);
        ck_assert_double_eq_tol((double)fleet->services[BACK].measure.phase[0].outcome[CALL_TIMEOUT],
                                0.2 * 50 * 100, 4 * 32);
        ck_assert_uint_gt(fleet->instances[1].busy, 800); /* they wait with their workers */
        if (_i == 0)
                act(ACTION_END_SESSION, BACK, FLEET_NO_INDEX);
        else
                fleet_effect_lift(fleet, &effect);
        run_to(120);
        ck_assert(!fleet_effect_attached(fleet, &effect));
        ck_assert_uint_lt(fleet->instances[1].busy, 10);
        close_books();
}
END_TEST

START_TEST(a_leader_that_dies_gives_the_lock_away)
{
        with_database(2);
        b.services[BACK].database = (struct database_spec){.read_share = 0, .lock_share = 1};
        b.services[BACK].service_time = constant(15 * NS_PER_MS);
        begin();
        for (int64_t at = 5; at < 100; at += 5) {
                run_to(at);
                fleet_instance_kill(fleet, 1 + at % 2, 139, "test");
        }
        run_to(800);
        ck_assert_uint_lt(fleet->services[BACK].inside, 30);
        close_books();
}
END_TEST

START_TEST(two_leaders_fall_out_and_taking_one_away_loses_rows)
{
        uint64_t degraded, failed, lost = 0;
        uint32_t rival;

        with_database(3);
        begin();
        run_to(10);
        fleet_effect_on_service(fleet, BACK, effect_of(EFFECT_SPLIT, LAYER_LEADER, 0));
        run_to(110);
        rival = fleet->services[BACK].database->rival;
        ck_assert_uint_ne(rival, NONE);
        degraded = fleet->services[BACK].measure.phase[0].outcome[CALL_DEGRADED];
        failed = fleet->services[BACK].measure.phase[0].outcome[CALL_ERROR];
        ck_assert_uint_gt(degraded, 200);
        ck_assert_uint_gt(failed, 100);
        if (_i == 0)
                build_act(fleet, ACTION_FAILOVER, BACK, rival, 0);
        run_to(115);
        for (uint32_t i = 0; i < DATABASE_ROWS; i++)
                lost += fleet->services[BACK].database->side[i] == ROW_LOST;
        if (_i == 0)
                ck_assert_uint_gt(lost, 100);
        else
                ck_assert_uint_eq(lost, 0);
        fleet_effect_lift(fleet, &effect);
        failed = fleet->services[BACK].measure.phase[0].outcome[CALL_ERROR];
        run_to(120);
        if (_i == 0) /* what is lost stays lost until it is restored */
                ck_assert_uint_gt(fleet->services[BACK].measure.phase[0].outcome[CALL_ERROR], failed + 10);
        act(ACTION_RESTORE_STATE, BACK, FLEET_NO_INDEX);
        run_to(122);
        failed = fleet->services[BACK].measure.phase[0].outcome[CALL_ERROR];
        run_to(150);
        ck_assert_uint_eq(fleet->services[BACK].measure.phase[0].outcome[CALL_ERROR], failed);
        close_books();
}
END_TEST

START_TEST(bad_data_is_found_by_the_caller_alone)
{
        double n;

        b.edges[0].retry = (struct retry_spec){3, NS_PER_MS, 1, NS_PER_S, 0, -1};
        begin();
        fleet_effect_on_service(fleet, BACK, effect_of(EFFECT_CORRUPT, LAYER_DATA, 0.3));
        run_to(400);
        ck_assert_double_eq(b.last_sample[1].error_ratio, 0);
        ck_assert_double_gt(b.last_edge[0].error_ratio, 0.1);
        act(ACTION_RESTORE_STATE, BACK, FLEET_NO_INDEX);
        run_to(402);
        ck_assert(!fleet_effect_attached(fleet, &effect));
        close_books();
        n = (double)books_ended(&books, BACK);
        ck_assert_double_eq_tol(share_of(BACK, CALL_ERROR), 0.3 * 400 / 402, 4 * sqrt(0.21 / n));
        ck_assert_uint_eq(books.services[BACK].attempts, books.services[BACK].calls); /* and not tried again */
        /* Each bad answer is found and told, and none after the data was restored. */
        ck_assert_uint_eq(effect.touched, books_outcome(&books, BACK, CALL_ERROR));
        ck_assert_double_eq(effect.measured_sum, (double)effect.touched);
}
END_TEST

/* ---- queues */

static void with_queue(double work_s)
{
        b.services[BACK].data = DATA_QUEUE;
        b.services[BACK].messages = (struct queue_spec){false, 5 * NS_PER_S, QUEUE_UNBOUNDED};
        b.services[BACK].service_time = constant((int64_t)(work_s * 1e9));
        b.services[BACK].concurrency = 1;
        b.services[BACK].instance_count = 2;
}

START_TEST(a_producer_does_not_wait_for_the_work)
{
        with_queue(0.030); /* 1.5 of 2 consumers */
        begin();
        run_to(500);
        close_books();
        ck_assert_double_eq_tol(books_latency_s(&books, FRONT), 0.001, 1e-6);
        ck_assert_double_gt(books_latency_s(&books, BACK), 0.035); /* the lag */
        ck_assert_double_eq_tol(books.services[BACK].busy_area_s / 500, 1.5, 0.03);
        ck_assert_double_eq(share_of(BACK, CALL_OK), 1);
}
END_TEST

START_TEST(a_backlog_grows_is_seen_and_drains_at_the_rates_difference)
{
        with_queue(0.010); /* 200/s against 50/s */
        begin();
        fleet_effect_on_instance(fleet, 1, effect_of(EFFECT_SLOW, LAYER_PROCESS, 1e6));
        fleet_effect_on_instance(fleet, 2, &effect);
        run_to(60);
        ck_assert_double_eq_tol(fleet->services[BACK].waiting, 60 * 50, 4 * 55);
        ck_assert_double_eq_tol(b.last_sample[1].queue_depth * 2, 60 * 50, 4 * 55 + 250);
        for (uint32_t i = 1; i <= 2; i++)
                build_act(fleet, ACTION_RESTART_INSTANCE, BACK, i, 0);
        run_to(68); /* both are back at 66 s; what they had comes back by 71 s */
        ck_assert_double_gt(fleet->services[BACK].waiting, 2500);
        run_to(66 + 3300 / 150 + 4);
        ck_assert_uint_lt(fleet->services[BACK].waiting, 30);
        ck_assert_uint_eq(fleet->services[BACK].measure.lost, 0);
        close_books();
}
END_TEST

START_TEST(a_message_whose_consumer_dies_is_delivered_again_and_none_is_lost)
{
        with_queue(0.030);
        b.services[BACK].messages.ordered = _i == 1;
        b.services[BACK].service_time = constant(10 * NS_PER_MS);
        begin();
        for (int64_t at = 5; at < 200; at += 5) {
                run_to(at);
                fleet_instance_kill(fleet, 1 + (at / 5) % 2, 139, "test");
        }
        run_to(800);
        close_books();
        ck_assert_uint_eq(books.services[BACK].lost, 0);
        ck_assert_uint_gt(books.services[BACK].started, books.services[BACK].completed);
        ck_assert_uint_le(books.services[BACK].unfinished, 10);
        ck_assert_double_eq(share_of(BACK, CALL_OK), 1);
}
END_TEST

START_TEST(where_order_is_kept_one_message_is_in_work)
{
        with_queue(0.015);
        b.services[BACK].messages.ordered = true;
        begin();
        for (int64_t at = 1; at < 100; at++) {
                run_to(at);
                ck_assert_uint_le(fleet->services[BACK].busy, 1);
        }
        close_books();
        ck_assert_double_eq_tol(books.services[BACK].busy_area_s / 99, 0.75, 0.05);
}
END_TEST

START_TEST(a_full_queue_refuses_and_its_producers_feel_it)
{
        with_queue(0.080); /* 25/s against 50/s */
        b.services[BACK].messages.max = 100;
        begin();
        run_to(400);
        ck_assert_uint_le(fleet->services[BACK].waiting, 100);
        close_books();
        ck_assert_double_eq_tol(share_of(FRONT, CALL_ERROR), 0.5, 0.02);
        ck_assert_double_eq_tol((double)books.services[BACK].dropped /
                                        (double)books.services[BACK].arrived, 0.5, 0.02);
}
END_TEST

START_TEST(poison_kills_one_consumer_after_the_other_until_it_is_taken_out)
{
        uint64_t exits = 0, later = 0;

        with_queue(0.010);
        begin();
        fleet_effect_on_service(fleet, BACK, effect_of(EFFECT_POISON, LAYER_QUEUE, 1));
        run_to(1);
        fleet_effect_lift(fleet, &effect); /* some fifty are in the queue */
        run_to(300);
        for (size_t i = 0; i < b.event_count; i++)
                exits += b.events[i].kind == FLEET_EVENT_PROCESS_EXITED;
        ck_assert_uint_gt(exits, 4);
        if (_i == 0) {
                act(ACTION_PURGE_QUEUE, BACK, FLEET_NO_INDEX);
                run_to(302);
                ck_assert_uint_gt(fleet->services[BACK].measure.lost, 5000);
        } else {
                for (int i = 0; i < 60; i++)
                        act(ACTION_SKIP_MESSAGE, BACK, FLEET_NO_INDEX);
                run_to(302);
                ck_assert_uint_eq(fleet->services[BACK].measure.lost, 60);
        }
        run_to(700); /* crash-loop back-off and one in work */
        for (size_t i = 0; i < b.event_count; i++)
                later += b.events[i].kind == FLEET_EVENT_PROCESS_EXITED &&
                         b.events[i].at_ns > 320 * NS_PER_S;
        ck_assert_uint_le(later, 3);
        run_to(1100);
        ck_assert_uint_lt(fleet->services[BACK].waiting, 20);
        close_books();
}
END_TEST

START_TEST(clients_of_a_queue_are_answered_when_the_message_is_stored)
{
        build_end(&b);
        build_begin(&b);
        build_service(&b, "jobs", constant(100 * NS_PER_MS));
        b.services[0].data = DATA_QUEUE;
        b.services[0].messages = (struct queue_spec){false, NS_PER_S, QUEUE_UNBOUNDED};
        build_load(&b, "users", 0, 0);
        b.loads[0].process = LOAD_CLOSED;
        b.loads[0].users = 5;
        b.loads[0].think_time = constant(NS_PER_S);
        begin();
        run_to(100);
        close_books();
        ck_assert_double_eq_tol((double)books.totals.root_requests, 500, 10);
        ck_assert_uint_eq(books.totals.root_outcome[CALL_OK] + books.totals.root_unfinished,
                          books.totals.root_requests);
}
END_TEST

START_TEST(actions_on_what_is_not_there_fail_and_say_why)
{
        static const enum fleet_action_kind kinds[] = {ACTION_RECONNECT, ACTION_CLEAR_CACHE,
                                                       ACTION_PURGE_QUEUE, ACTION_SKIP_MESSAGE,
                                                       ACTION_END_SESSION};

        begin();
        act(kinds[_i], BACK, FLEET_NO_INDEX);
        run_to(5);
        ck_assert_uint_eq(b.result_count, 1);
        ck_assert(!b.results[0].ok);
        ck_assert_str_ne(b.results[0].reason, "");
        ck_assert(!fleet_spec_allows(&b.spec, kinds[_i]));
        close_books();
}
END_TEST

static Suite *suite(void)
{
        Suite *s = suite_create("data_layer");
        TCase *t = tcase_create("all");

        tcase_add_checked_fixture(t, setup, teardown);
        tcase_add_test(t, a_call_waits_for_a_connection_and_no_more_are_open_than_the_pool_has);
        tcase_add_test(t, without_a_connection_a_call_fails_at_its_timeout);
        tcase_add_test(t, a_pool_that_is_large_enough_changes_nothing);
        tcase_add_loop_test(t, dropped_connections_fail_their_share_until_somebody_renews_the_pool, 0, 4);
        tcase_add_test(t, a_restart_of_the_callee_renews_nothing);
        tcase_add_loop_test(t, taken_connections_come_back_when_the_effect_is_lifted_or_the_pool_renewed, 0, 2);
        tcase_add_test(t, calls_of_a_dead_process_that_wait_for_a_connection_end);
        tcase_add_test(t, descriptors_limit_what_is_inside_and_what_is_out);
        tcase_add_loop_test(t, without_descriptors_nothing_is_accepted_until_they_are_back, 0, 2);
        tcase_add_test(t, misses_alone_call_the_backend);
        tcase_add_loop_test(t, a_cold_cache_misses_as_its_warm_up_says, 0, 4);
        tcase_add_test(t, writes_go_to_the_leader_and_reads_to_all);
        tcase_add_loop_test(t, a_read_is_stale_where_its_row_was_written_within_the_lag, 0, 2);
        tcase_add_loop_test(t, a_follower_takes_over_when_the_leader_stays_away, 0, 2);
        tcase_add_loop_test(t, a_leader_that_drains_or_is_failed_over_hands_over_at_once, 0, 2);
        tcase_add_test(t, a_failover_takes_its_time_and_writes_fail_meanwhile);
        tcase_add_test(t, one_write_at_a_time_has_the_lock);
        tcase_add_loop_test(t, a_session_keeps_its_share_of_the_writes_waiting_until_it_ends, 0, 2);
        tcase_add_test(t, a_leader_that_dies_gives_the_lock_away);
        tcase_add_loop_test(t, two_leaders_fall_out_and_taking_one_away_loses_rows, 0, 2);
        tcase_add_test(t, bad_data_is_found_by_the_caller_alone);
        tcase_add_test(t, a_producer_does_not_wait_for_the_work);
        tcase_add_test(t, a_backlog_grows_is_seen_and_drains_at_the_rates_difference);
        tcase_add_loop_test(t, a_message_whose_consumer_dies_is_delivered_again_and_none_is_lost, 0, 2);
        tcase_add_test(t, where_order_is_kept_one_message_is_in_work);
        tcase_add_test(t, a_full_queue_refuses_and_its_producers_feel_it);
        tcase_add_loop_test(t, poison_kills_one_consumer_after_the_other_until_it_is_taken_out, 0, 2);
        tcase_add_test(t, clients_of_a_queue_are_answered_when_the_message_is_stored);
        tcase_add_loop_test(t, actions_on_what_is_not_there_fail_and_say_why, 0, 5);
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
