/* test_registry.c - the same name is the same object, from any thread. */
#include "healer/registry.h"
#include "model_ops.h"
#include "policy_main.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

static struct healer_registry *make(uint32_t capacity)
{
        struct healer_registry_config c = healer_registry_config_defaults();
        struct healer_registry *r;

        c.capacity = capacity;
        ck_assert_int_eq(healer_registry_create(&c, &r), HEALER_OK);
        return r;
}

START_TEST(s3_04_get_or_create_totals_and_counts_by_state)
{
        struct healer_registry *r = make(10);
        uint32_t by_state[HEALER_BREAKER_STATE_COUNT];
        struct healer_breaker *a, *b, *again;
        struct healer_retry_budget *x, *y;
        const char *name;

        ck_assert_int_eq(healer_registry_breaker(r, "a", 0, &a), HEALER_OK);
        ck_assert_int_eq(healer_registry_breaker(r, "b", 0, &b), HEALER_OK);
        ck_assert_int_eq(healer_registry_breaker(r, "a", 0, &again), HEALER_OK);
        ck_assert_ptr_eq(a, again);
        ck_assert_ptr_ne(a, b);
        healer_breaker_trip(a, 0);
        ck_assert_int_eq(healer_breaker_state(b), HEALER_BREAKER_CLOSED); /* S0-05 */
        healer_registry_states(r, by_state);
        ck_assert_uint_eq(by_state[HEALER_BREAKER_CLOSED], 1);
        ck_assert_uint_eq(by_state[HEALER_BREAKER_OPEN], 1);
        ck_assert_double_eq(healer_registry_score(r, 0), 100);
        ck_assert(healer_registry_at(r, 1, &name, &again));
        ck_assert_str_eq(name, "b");
        healer_registry_reset_all(r, 1);
        ck_assert_int_eq(healer_breaker_state(a), HEALER_BREAKER_CLOSED);
        ck_assert_int_eq(healer_registry_remove_breaker(r, "a"), HEALER_OK);
        ck_assert_ptr_null(healer_registry_find_breaker(r, "a"));
        ck_assert_int_eq(healer_registry_breaker(r, "a", 0, &again), HEALER_OK);
        ck_assert_ptr_ne(a, again);
        ck_assert_int_eq(healer_registry_budget(r, "pool", 0, &x), HEALER_OK);
        ck_assert_int_eq(healer_registry_budget(r, "pool", 0, &y), HEALER_OK);
        ck_assert_ptr_eq(x, y);
        ck_assert_int_eq(healer_registry_breaker(r, "", 0, &a), HEALER_E_RANGE);
        healer_registry_destroy(r);
}
END_TEST

START_TEST(a_full_registry_says_so_and_a_taken_name_is_not_configured_anew)
{
        struct healer_breaker_config c = healer_breaker_config_aggressive();
        struct healer_registry *r = make(2);
        struct healer_breaker *b;

        ck_assert_int_eq(healer_registry_add_breaker(r, "a", &c, 0, &b), HEALER_OK);
        ck_assert_int_eq(healer_registry_add_breaker(r, "a", &c, 0, &b), HEALER_E_EXISTS);
        ck_assert_int_eq(healer_registry_set_default(r, &c), HEALER_OK);
        ck_assert_int_eq(healer_registry_breaker(r, "b", 0, &b), HEALER_OK);
        ck_assert_int_eq(healer_registry_breaker(r, "c", 0, &b), HEALER_E_FULL);
        ck_assert_ptr_null(b);
        healer_registry_destroy(r);
}
END_TEST

static struct healer_registry *common;
enum { KEYS = 1000, ROUNDS = 20 };
static void *use(void *arg)
{
        char name[32];

        for (int round = 0; round < ROUNDS; round++)
                for (int i = 0; i < KEYS; i++) {
                        struct healer_breaker_ticket t;
                        struct healer_breaker *b;

                        snprintf(name, sizeof(name), "key-%d", i);
                        ck_assert_int_eq(healer_registry_breaker(common, name, 0, &b), HEALER_OK);
                        ck_assert_int_eq(healer_breaker_acquire(b, 0, &t), HEALER_BREAKER_OK);
                        healer_breaker_success(b, &t, 0);
                }
        return arg;
}

START_TEST(s0_05_eight_threads_on_1000_keys_sums_exact)
{
        struct healer_breaker *b;
        pthread_t threads[8];
        const char *name;
        uint32_t n = 0;

        common = make(KEYS);
        for (int i = 0; i < 8; i++)
                ck_assert_int_eq(pthread_create(&threads[i], NULL, use, NULL), 0);
        for (int i = 0; i < 8; i++)
                pthread_join(threads[i], NULL);
        for (; healer_registry_at(common, n, &name, &b); n++) {
                struct healer_breaker_snapshot s;

                healer_breaker_snapshot(b, 0, &s);
                ck_assert_uint_eq(s.lifetime.ok, 8 * ROUNDS);
        }
        ck_assert_uint_eq(n, KEYS);
        healer_registry_destroy(common);
}
END_TEST

/* CPU time of 20000 look-ups of ten names among `count`, best of five. */
static int64_t cost_among(uint32_t count)
{
        struct healer_registry *r = make(count);
        struct healer_retry_budget *budget;
        int64_t best_ns = INT64_MAX;
        char name[32], hot[10][32];

        for (uint32_t i = 0; i < count; i++) {
                snprintf(name, sizeof(name), "resource-%u", i);
                ck_assert_int_eq(healer_registry_budget(r, name, 0, &budget), HEALER_OK);
                if (i % (count / 10) == 0)
                        memcpy(hot[i / (count / 10)], name, sizeof(name));
        }
        for (int round = 0; round < 5; round++) {
                struct timespec from, to;
                int64_t ns;

                clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
                for (int i = 0; i < 20000; i++)
                        ck_assert(!healer_registry_budget(r, hot[i % 10], 0, &budget));
                clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
                ns = (to.tv_sec - from.tv_sec) * NS_S + (to.tv_nsec - from.tv_nsec);
                best_ns = ns < best_ns ? ns : best_ns;
        }
        healer_registry_destroy(r);
        return best_ns;
}

/* A search that grew with the names would take thousands of times as long; the
 * bound leaves room for caches and for a machine with other things to do. */
START_TEST(s0_05_the_cost_is_flat_from_10_to_100000_keys)
{
        int64_t few_ns = cost_among(10), many_ns = cost_among(100000);

        ck_assert_msg(many_ns < 20 * few_ns, "%lld ns against %lld ns", (long long)many_ns,
                      (long long)few_ns);
}
END_TEST

POLICY_MAIN("registry", s3_04_get_or_create_totals_and_counts_by_state,
            a_full_registry_says_so_and_a_taken_name_is_not_configured_anew,
            s0_05_eight_threads_on_1000_keys_sums_exact,
            s0_05_the_cost_is_flat_from_10_to_100000_keys)
