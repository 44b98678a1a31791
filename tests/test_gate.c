/* One healer, many threads: fed, ticked and looked at at once; callbacks one at a
 * time, with no lock held, and none of them gets back in. */
#include <check.h>

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "healer/healer.h"

enum { FEEDERS = 4, TICKERS = 2, INSTANCES = 8, ROUNDS = 400 };
#define SECOND_NS INT64_C(1000000000)

static const struct healer_service_info services[] = {
        {.name = "shop", .workers = 4, .restart_ns = 5 * SECOND_NS, .boot_ns = 10 * SECOND_NS}};
static const struct healer_edge_info edges[] = {{.name = "people->shop", .from = HEALER_NONE, .to = 0}};
static struct healer_instance_info instances[INSTANCES];

static struct healer *healer;
static _Atomic int64_t now_ns;
static _Atomic uint32_t inside, most_inside, notes, orders, refused, fed, ticks;
static bool slow_action;

static void enter_callback(void)
{
        uint32_t count = atomic_fetch_add(&inside, 1) + 1;
        uint32_t most = atomic_load(&most_inside);

        while (count > most && !atomic_compare_exchange_weak(&most_inside, &most, count))
                continue;
}

static void try_to_get_in(void)
{
        int64_t next;

        if (healer_tick(healer, 0, &next) == HEALER_E_BUSY &&
            healer_observe_breaker(healer, 0, false) == HEALER_E_BUSY)
                atomic_fetch_add(&refused, 1);
        (void)healer_stats(healer); /* looking is allowed */
}

static void note(void *user, const struct healer_notice *notice)
{
        (void)user;
        (void)notice;
        enter_callback();
        atomic_fetch_add(&notes, 1);
        try_to_get_in();
        atomic_fetch_sub(&inside, 1);
}

static void act(void *user, const struct healer_command *command)
{
        const struct timespec a_while = {.tv_nsec = 200 * 1000 * 1000};
        uint32_t before;

        (void)user;
        (void)command;
        enter_callback();
        atomic_fetch_add(&orders, 1);
        try_to_get_in();
        before = atomic_load(&fed);
        if (slow_action) {
                nanosleep(&a_while, NULL);
                ck_assert_uint_gt(atomic_load(&fed), before); /* others went on meanwhile */
        }
        atomic_fetch_sub(&inside, 1);
}

static void set_up(void)
{
        const struct healer_callbacks callbacks = {NULL, act, note};
        struct healer_topology topology = {.services = services, .service_count = 1, .edges = edges,
                                           .edge_count = 1, .instances = instances,
                                           .instance_count = INSTANCES,
                                           .actions_available = UINT32_MAX};
        struct healer_config config;

        for (int i = 0; i < INSTANCES; i++)
                instances[i] = (struct healer_instance_info){0, "shop"};
        healer_config_defaults(&config);
        ck_assert_int_eq(healer_create(&config, &topology, &callbacks, NULL, 0, &healer), HEALER_OK);
        atomic_store(&now_ns, 0);
        atomic_store(&notes, 0);
        atomic_store(&orders, 0);
        atomic_store(&refused, 0);
        atomic_store(&fed, 0);
        atomic_store(&ticks, 0);
        atomic_store(&most_inside, 0);
        slow_action = false;
}

static void tear_down(void)
{
        healer_destroy(healer);
}

/* A quarter of the instances fails its work after a while. */
static void *feed(void *which)
{
        uint32_t mine = *(const uint32_t *)which;

        while (atomic_load(&ticks) < TICKERS * ROUNDS) {
                int64_t at_ns = atomic_load(&now_ns);

                for (uint32_t i = mine; i < INSTANCES; i += FEEDERS) {
                        const struct healer_instance_sample sample = {
                                .instance = i, .cpu_ratio = 0.2, .memory_ratio = 0.3,
                                .disk_ratio = NAN, .fd_ratio = NAN, .pool_ratio = NAN,
                                .token_ratio = NAN, .throughput_per_s = 50,
                                .error_ratio = i < 2 && at_ns > 60 * SECOND_NS ? 0.9 : 0,
                                .latency_p50_s = 0.01, .latency_p95_s = 0.02, .latency_p99_s = 0.03};

                        ck_assert_int_eq(healer_observe_instance(healer, at_ns, &sample), HEALER_OK);
                        atomic_fetch_add(&fed, 1);
                }
                (void)healer_stats(healer);
                (void)healer_health_of(healer, 0);
                nanosleep(&(struct timespec){.tv_nsec = 300000}, NULL);
        }
        return NULL;
}

static void *tick(void *unused)
{
        (void)unused;
        for (int round = 0; round < ROUNDS; round++) {
                int64_t next;

                ck_assert_int_eq(healer_tick(healer, atomic_fetch_add(&now_ns, SECOND_NS), &next),
                                 HEALER_OK);
                atomic_fetch_add(&ticks, 1);
                nanosleep(&(struct timespec){.tv_nsec = 300000}, NULL);
        }
        return NULL;
}

static void all_at_once(void)
{
        pthread_t threads[FEEDERS + TICKERS];
        uint32_t numbers[FEEDERS];

        for (uint32_t i = 0; i < FEEDERS; i++) {
                numbers[i] = i;
                ck_assert_int_eq(pthread_create(&threads[i], NULL, feed, &numbers[i]), 0);
        }
        for (uint32_t i = 0; i < TICKERS; i++)
                ck_assert_int_eq(pthread_create(&threads[FEEDERS + i], NULL, tick, NULL), 0);
        for (uint32_t i = 0; i < FEEDERS + TICKERS; i++)
                ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}

START_TEST(many_threads_feed_one_healer_and_it_still_acts)
{
        all_at_once();
        ck_assert_uint_gt(atomic_load(&fed), INSTANCES);
        ck_assert_uint_eq(atomic_load(&ticks), TICKERS * ROUNDS);
        ck_assert_uint_gt(atomic_load(&orders), 0);
        ck_assert_uint_eq(healer_stats(healer).orders, atomic_load(&orders));
}
END_TEST

START_TEST(callbacks_are_made_one_at_a_time_and_none_gets_back_in)
{
        all_at_once();
        ck_assert_uint_eq(atomic_load(&most_inside), 1);
        ck_assert_uint_gt(atomic_load(&notes), 0);
        ck_assert_uint_eq(atomic_load(&refused), atomic_load(&notes) + atomic_load(&orders));
}
END_TEST

START_TEST(no_lock_is_held_while_an_action_runs)
{
        slow_action = true;
        all_at_once();
        ck_assert_uint_gt(atomic_load(&orders), 0);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("gate");
        TCase *tcase = tcase_create("gate");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_test(tcase, many_threads_feed_one_healer_and_it_still_acts);
        tcase_add_test(tcase, callbacks_are_made_one_at_a_time_and_none_gets_back_in);
        tcase_add_test(tcase, no_lock_is_held_while_an_action_runs);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed != 0;
}
