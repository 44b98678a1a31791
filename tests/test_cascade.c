/* Cascades traced to their origin, and leaks against a baseline. */
#include <check.h>

#include <stdlib.h>
#include <string.h>

#include "healer/alloc.h"
#include "healer/cascade.h"
#include "healer/leak.h"
#include "tests/noise.h"

#define SECOND INT64_C(1000000000)

enum { SERVICES = 12, EDGES_MAX = 40 };

/* A random graph of layers: callers have lower numbers. */
static uint32_t draw_graph(struct noise *noise, struct healer_cascade_edge *edges)
{
        uint32_t count = 0, from, to;

        for (from = 0; from < SERVICES; from++)
                for (to = from + 1; to < SERVICES && count < EDGES_MAX; to++)
                        if (noise_unit(noise) < 0.25)
                                edges[count++] = (struct healer_cascade_edge){from, to};
        return count;
}

/* Spreads from `origin` to callers, each some seconds later, seen at a monitor's
 * intervals of 5 s. The true order is in `order`; how many fell ill. */
static uint32_t spread(struct noise *noise, const struct healer_cascade_edge *edges,
                       uint32_t edge_count, uint32_t origin, int64_t *seen_ns, uint32_t *order)
{
        int64_t truly[SERVICES];
        uint32_t i, e, count = 0, round;

        for (i = 0; i < SERVICES; i++)
                truly[i] = seen_ns[i] = HEALER_NEVER;
        truly[origin] = 100 * SECOND;
        for (round = 0; round < SERVICES; round++)
                for (e = 0; e < edge_count; e++) {
                        int64_t at_ns = truly[edges[e].to] == HEALER_NEVER
                                                ? HEALER_NEVER
                                                : truly[edges[e].to] +
                                                          (int64_t)((6 + 20 * noise_unit(noise)) * 1e9);

                        if (truly[edges[e].from] == HEALER_NEVER && at_ns != HEALER_NEVER)
                                truly[edges[e].from] = at_ns;
                }
        for (i = 0; i < SERVICES; i++) {
                uint32_t k;

                if (truly[i] == HEALER_NEVER)
                        continue;
                seen_ns[i] = (truly[i] / (5 * SECOND) + 1) * 5 * SECOND +
                             (int64_t)(noise_unit(noise) * 5e9);
                for (k = count; k > 0 && truly[order[k - 1]] > truly[i]; k--)
                        order[k] = order[k - 1];
                order[k] = i;
                count++;
        }
        return count;
}

START_TEST(s4_23_origin_and_order_of_a_cascade_are_recovered)
{
        struct healer_cascade_edge edges[EDGES_MAX];
        struct healer_cascade traced;
        struct noise noise = {5};
        int64_t seen_ns[SERVICES];
        uint32_t order[SERVICES], edge_count, count, origin, a, b, place[SERVICES];
        int round, rounds = 0, origins = 0, pairs = 0, right = 0;

        for (round = 0; round < 400; round++) {
                edge_count = draw_graph(&noise, edges);
                origin = SERVICES / 2 + (uint32_t)(noise_unit(&noise) * SERVICES / 2);
                count = spread(&noise, edges, edge_count, origin, seen_ns, order);
                if (count < 3)
                        continue;
                ck_assert_int_eq(healer_cascade_trace(seen_ns, SERVICES, edges, edge_count,
                                                      10 * SECOND, &traced),
                                 HEALER_OK);
                ck_assert_uint_eq(traced.count, count);
                rounds++;
                origins += traced.origin == origin;
                for (a = 0; a < count; a++)
                        place[traced.order[a]] = a;
                for (a = 0; a < count; a++)
                        for (b = a + 1; b < count; b++) {
                                pairs++;
                                right += place[order[a]] < place[order[b]];
                        }
        }
        ck_assert_int_gt(rounds, 200);
        ck_assert_int_ge(origins * 10, rounds * 8);
        ck_assert_int_ge(right * 10, pairs * 8);
}
END_TEST

START_TEST(two_cascades_at_once_are_two)
{
        static const struct healer_cascade_edge edges[] = {{0, 1}, {2, 3}};
        static const int64_t sick_ns[] = {20 * SECOND, 10 * SECOND, 35 * SECOND, 15 * SECOND};
        struct healer_cascade traced;

        ck_assert_int_eq(healer_cascade_trace(sick_ns, 4, edges, 2, SECOND, &traced), HEALER_OK);
        ck_assert_uint_eq(traced.origins, 2);
        ck_assert_uint_eq(traced.origin, 1);
        ck_assert_uint_eq(traced.depth[0], 0);
}
END_TEST

START_TEST(a_monitor_that_saw_the_origin_late_does_not_mislead)
{
        static const struct healer_cascade_edge edges[] = {{0, 1}};
        static const int64_t sick_ns[] = {10 * SECOND, 13 * SECOND}; /* the callee's 3 s later */
        struct healer_cascade traced;

        ck_assert_int_eq(healer_cascade_trace(sick_ns, 2, edges, 1, 5 * SECOND, &traced),
                         HEALER_OK);
        ck_assert_uint_eq(traced.origin, 1);
        ck_assert_int_eq(healer_cascade_trace(sick_ns, 2, edges, 1, SECOND, &traced), HEALER_OK);
        ck_assert_uint_eq(traced.origin, 0);
}
END_TEST

START_TEST(nonsense_is_refused_and_health_has_no_origin)
{
        static const struct healer_cascade_edge nowhere[] = {{0, 7}};
        static const int64_t well[] = {HEALER_NEVER, HEALER_NEVER};
        struct healer_cascade traced;

        ck_assert_int_eq(healer_cascade_trace(well, 2, nowhere, 1, 0, &traced), HEALER_E_RANGE);
        ck_assert_int_eq(healer_cascade_trace(well, 2, NULL, 0, 0, &traced), HEALER_OK);
        ck_assert_uint_eq(traced.origin, UINT32_MAX);
        ck_assert_uint_eq(traced.count, 0);
}
END_TEST

/* ---- leaks */

struct pool {
        uint64_t bytes, garbage, cache, errors, errors_kept;
};

static uint64_t counted(void *user)
{
        return ((struct pool *)user)->bytes;
}

static uint64_t collect(void *user)
{
        struct pool *pool = user;
        uint64_t gone = pool->garbage;

        pool->bytes -= gone;
        pool->garbage = 0;
        return gone;
}

static uint64_t drop_cache(void *user)
{
        struct pool *pool = user;
        uint64_t gone = pool->cache;

        pool->bytes -= gone;
        pool->cache = 0;
        return gone;
}

static uint64_t trim_errors(void *user)
{
        struct pool *pool = user;
        uint64_t gone = pool->errors - pool->errors_kept;

        pool->bytes -= gone;
        pool->errors = pool->errors_kept;
        return gone;
}

#define MB UINT64_C(1000000)

START_TEST(s2_12_151_of_100_is_a_leak_149_is_not_and_the_first_sight_is_the_baseline)
{
        struct healer_leak leak = {0};

        ck_assert(!healer_leak_check(&leak, 100 * MB, NULL).leak);
        ck_assert_uint_eq(leak.baseline_bytes, 100 * MB);
        ck_assert(!healer_leak_check(&leak, 149 * MB, NULL).leak);
        ck_assert(!healer_leak_check(&leak, 150 * MB, NULL).leak);
        ck_assert(healer_leak_check(&leak, 151 * MB, NULL).leak);
        ck_assert_uint_eq(leak.baseline_bytes, 100 * MB); /* nothing was cleaned */
}
END_TEST

START_TEST(s2_12_four_steps_free_what_the_allocator_counts_and_keep_the_evidence)
{
        struct pool pool = {151 * MB, 20 * MB, 15 * MB, 10 * MB, 2 * MB};
        const struct healer_leak_cleanup cleanup = {&pool, counted,
                                                    {collect, drop_cache, trim_errors}};
        struct healer_leak leak = {.baseline_bytes = 100 * MB};
        struct healer_leak_report report = healer_leak_check(&leak, pool.bytes, &cleanup);

        ck_assert(report.leak && report.cleaned);
        ck_assert_uint_eq(report.steps_taken, 4);
        ck_assert_double_eq_tol(report.freed_mb, 43, 1e-9);
        ck_assert_uint_eq(report.before_bytes - report.after_bytes, 43 * MB);
        ck_assert_uint_eq(leak.baseline_bytes, 108 * MB);
        ck_assert_uint_eq(pool.errors, 2 * MB);
}
END_TEST

START_TEST(a_hard_limit_cleans_without_growth)
{
        struct pool pool = {600 * MB, 5 * MB, 0, 0, 0};
        const struct healer_leak_cleanup cleanup = {&pool, counted, {collect, NULL, NULL}};
        struct healer_leak leak = {.limit_bytes = 500 * MB};
        struct healer_leak_report report = healer_leak_check(&leak, pool.bytes, &cleanup);

        ck_assert(!report.leak && report.over_limit && report.cleaned);
        ck_assert_uint_eq(report.steps_taken, 2);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("cascade");
        TCase *tests = tcase_create("cascade");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_test(tests, s4_23_origin_and_order_of_a_cascade_are_recovered);
        tcase_add_test(tests, two_cascades_at_once_are_two);
        tcase_add_test(tests, a_monitor_that_saw_the_origin_late_does_not_mislead);
        tcase_add_test(tests, nonsense_is_refused_and_health_has_no_origin);
        tcase_add_test(
                tests, s2_12_151_of_100_is_a_leak_149_is_not_and_the_first_sight_is_the_baseline);
        tcase_add_test(tests,
                       s2_12_four_steps_free_what_the_allocator_counts_and_keep_the_evidence);
        tcase_add_test(tests, a_hard_limit_cleans_without_growth);
        suite_add_tcase(suite, tests);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
