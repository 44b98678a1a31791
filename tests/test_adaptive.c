/* test_adaptive.c - each limit rule by its numbers, and the client throttle. */
#include "healer/adaptive.h"
#include "model_ops.h"
#include "policy_main.h"

#include <math.h>

/* One window: n calls in flight at once, each with that round trip; the last
 * to end closes it. */
static uint32_t window(struct healer_adaptive *a, int n, int64_t rtt, int drops, int64_t *now)
{
        int in = 0;

        for (int i = 0; i < n; i++)
                in += healer_adaptive_acquire(a);
        for (int i = 0; i < in; i++)
                healer_adaptive_release(
                        a, i < drops ? HEALER_ADAPTIVE_DROPPED : HEALER_ADAPTIVE_OK, rtt,
                        i + 1 < in ? *now : *now + NS_S);
        *now += NS_S;
        return healer_adaptive_limit(a);
}

static struct healer_adaptive *make(enum healer_adaptive_kind kind, uint32_t first)
{
        struct healer_adaptive_config c = healer_adaptive_config_defaults(kind);
        struct healer_adaptive *a;

        c.limit_first = first;
        c.samples_min = 1;
        ck_assert_int_eq(healer_adaptive_create(&c, 0, &a), HEALER_OK);
        return a;
}

START_TEST(aimd_adds_one_only_when_half_used_and_cuts_a_tenth_on_drop_or_5_s)
{
        struct healer_adaptive *a = make(HEALER_ADAPTIVE_AIMD, 100);
        int64_t now = 0;

        ck_assert_uint_eq(window(a, 50, NS_MS, 0, &now), 101);
        ck_assert_uint_eq(window(a, 50, NS_MS, 0, &now), 101); /* 2 x 50 < 101 */
        ck_assert_uint_eq(window(a, 60, 5 * NS_S, 0, &now), 102);
        ck_assert_uint_eq(window(a, 60, 5 * NS_S + 1, 0, &now), 91);
        ck_assert_uint_eq(window(a, 10, NS_MS, 1, &now), 82);
        for (int i = 0; i < 50; i++)
                window(a, 10, NS_MS, 1, &now);
        ck_assert_uint_eq(healer_adaptive_limit(a), 20);
        for (int i = 0; i < 500; i++)
                window(a, 200, NS_MS, 0, &now);
        ck_assert_uint_eq(healer_adaptive_limit(a), 200);
        healer_adaptive_destroy(a);
}
END_TEST

START_TEST(a_window_needs_1_s_and_10_samples)
{
        struct healer_adaptive_config c = healer_adaptive_config_defaults(HEALER_ADAPTIVE_AIMD);
        struct healer_adaptive *a;

        ck_assert_int_eq(healer_adaptive_create(&c, 0, &a), HEALER_OK);
        for (int i = 0; i < 100; i++) { /* enough samples, too early */
                ck_assert(healer_adaptive_acquire(a));
                healer_adaptive_release(a, HEALER_ADAPTIVE_OK, 6 * NS_S, NS_S - 1);
        }
        ck_assert_uint_eq(healer_adaptive_limit(a), 20);
        healer_adaptive_destroy(a);
        c.limit_first = 100;
        ck_assert_int_eq(healer_adaptive_create(&c, 0, &a), HEALER_OK);
        for (int i = 0; i < 10; i++) { /* late enough, the tenth sample closes */
                ck_assert_uint_eq(healer_adaptive_limit(a), 100);
                ck_assert(healer_adaptive_acquire(a));
                healer_adaptive_release(a, HEALER_ADAPTIVE_OK, 6 * NS_S, 2 * NS_S);
        }
        ck_assert_uint_eq(healer_adaptive_limit(a), 90);
        healer_adaptive_destroy(a);
}
END_TEST

START_TEST(vegas_moves_by_the_queue_in_steps_of_log10)
{
        struct healer_adaptive *a = make(HEALER_ADAPTIVE_VEGAS, 100);
        int64_t now = 0;

        /* log10 100 = 2. queue 0: + 12 */
        ck_assert_uint_eq(window(a, 100, 100 * NS_MS, 0, &now), 112);
        /* queue = ceil(112 (1 - 100/103)) = 4, below 3 log10 112 = 6.1: + 2.05 */
        ck_assert_uint_eq(window(a, 112, 103 * NS_MS, 0, &now), 114);
        /* queue = ceil(114 (1 - 1/1.1)) = 11, between 6.2 and 12.3: held */
        ck_assert_uint_eq(window(a, 114, 110 * NS_MS, 0, &now), 114);
        /* queue 57: - 2.06 */
        ck_assert_uint_eq(window(a, 114, 200 * NS_MS, 0, &now), 111);
        ck_assert_uint_eq(window(a, 5, 100 * NS_MS, 0, &now), 111); /* hardly used: held */
        ck_assert_uint_eq(window(a, 5, 100 * NS_MS, 1, &now), 109); /* a drop always counts */
        healer_adaptive_destroy(a);
}
END_TEST

START_TEST(gradient2_adds_the_queue_only_at_gradient_1_and_shrinks_on_drops)
{
        struct healer_adaptive *a = make(HEALER_ADAPTIVE_GRADIENT2, 100);
        int64_t now = 0;

        /* g 1: 80 + 0.2 (100 + 4) = 100.8; again: 101.6 */
        ck_assert_uint_eq(window(a, 100, 100 * NS_MS, 0, &now), 100);
        ck_assert_uint_eq(window(a, 100, 100 * NS_MS, 0, &now), 101);
        ck_assert_uint_eq(window(a, 10, 100 * NS_MS, 0, &now), 101); /* below L/2: held */
        /* a drop: g 0.5: 0.9 x 101.6 = 91.44 */
        ck_assert_uint_eq(window(a, 10, 100 * NS_MS, 1, &now), 91);
        /* long = mean(4 x 100, 300) = 140; g = 1.5 x 140/300 = 0.7: 0.94 x 91.44 = 85.95 */
        ck_assert_uint_eq(window(a, 91, 300 * NS_MS, 0, &now), 85);
        healer_adaptive_destroy(a);
}
END_TEST

START_TEST(never_more_in_flight_than_the_limit)
{
        struct healer_adaptive *a = make(HEALER_ADAPTIVE_AIMD, 20);

        for (int i = 0; i < 20; i++)
                ck_assert(healer_adaptive_acquire(a));
        ck_assert(!healer_adaptive_acquire(a));
        ck_assert_uint_eq(healer_adaptive_rejected(a), 1);
        healer_adaptive_release(a, HEALER_ADAPTIVE_IGNORED, 0, 0);
        ck_assert(healer_adaptive_acquire(a));
        healer_adaptive_destroy(a);
}
END_TEST

START_TEST(the_throttle_refuses_by_the_formula_capped_at_0_9_over_120_s)
{
        struct healer_throttle_config c = healer_throttle_config_defaults();
        struct healer_throttle *t;
        uint64_t state = 5;
        int refused = 0;

        ck_assert_int_eq(healer_throttle_create(&c, 0, &t), HEALER_OK);
        for (int i = 0; i < 100; i++) {
                ck_assert(healer_throttle_admit(t, 0.999, 0));
                healer_throttle_accepted(t, 0);
        }
        ck_assert_double_eq(healer_throttle_refuse_ratio(t, 0), 0);
        for (int i = 0; i < 200; i++)
                (void)!healer_throttle_admit(t, 0.9999, NS_S);
        /* 300 requests, 100 accepts: (300 - 200) / 301 */
        ck_assert_double_eq_tol(healer_throttle_refuse_ratio(t, NS_S), 100.0 / 301, 1e-12);
        for (int i = 0; i < 100000; i++)
                refused += !healer_throttle_admit(
                        t, (double)(model_random(&state) >> 11) * 0x1p-53, 2 * NS_S);
        ck_assert_double_eq(healer_throttle_refuse_ratio(t, 2 * NS_S), 0.9);
        ck_assert_int_gt(refused, 89000);
        ck_assert_int_lt(refused, 91000);
        ck_assert_double_eq(healer_throttle_refuse_ratio(t, 123 * NS_S), 0);
        healer_throttle_destroy(t);
}
END_TEST

START_TEST(bad_configurations_are_refused_by_name)
{
        struct healer_adaptive_config c = healer_adaptive_config_defaults(HEALER_ADAPTIVE_AIMD);
        struct healer_throttle_config t = healer_throttle_config_defaults();

        c.limit_first = 5;
        ck_assert_ptr_nonnull(strstr(healer_adaptive_config_check(&c), "limit_first"));
        c.limit_first = 20;
        c.backoff_ratio = NAN;
        ck_assert_ptr_nonnull(strstr(healer_adaptive_config_check(&c), "backoff_ratio"));
        t.k = 0;
        ck_assert_ptr_nonnull(strstr(healer_throttle_config_check(&t), "k:"));
        t = healer_throttle_config_defaults();
        t.refuse_max = 1.01;
        ck_assert_ptr_nonnull(strstr(healer_throttle_config_check(&t), "refuse_max:"));
}
END_TEST

POLICY_MAIN("adaptive", aimd_adds_one_only_when_half_used_and_cuts_a_tenth_on_drop_or_5_s,
            a_window_needs_1_s_and_10_samples, vegas_moves_by_the_queue_in_steps_of_log10,
            gradient2_adds_the_queue_only_at_gradient_1_and_shrinks_on_drops,
            never_more_in_flight_than_the_limit,
            the_throttle_refuses_by_the_formula_capped_at_0_9_over_120_s,
            bad_configurations_are_refused_by_name)
