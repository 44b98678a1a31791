/* test_retry.c - delays exact to the nanosecond, each reason to stop, budgets. */
#include "healer/retry.h"
#include "model_ops.h"
#include "policy_main.h"

#include <math.h>

static struct healer_retry_run run;
static const struct healer_retry_failure plain = {.code = 5, .retryable = 1, .hint_ns = -1};

static struct healer_retry *make(const struct healer_retry_config *c)
{
        struct healer_retry *r;

        ck_assert_ptr_null(healer_retry_config_check(c));
        ck_assert_int_eq(healer_retry_create(c, &r), HEALER_OK);
        return r;
}

START_TEST(s3_16_default_delays_are_exactly_those_of_the_specification)
{
        struct healer_retry_config c = healer_retry_config_defaults();
        static const int64_t low[] = {1, 2, 4, 8, 16};

        for (uint32_t n = 1; n <= 5; n++) {
                ck_assert_int_eq(healer_retry_delay_ns(&c, n, 0), low[n - 1] * NS_S);
                ck_assert_int_le(llabs(healer_retry_delay_ns(&c, n, 0.5) -
                                       (low[n - 1] * NS_S + low[n - 1] * NS_S / 20)),
                                 1);
        }
        for (uint32_t n = 6; n < 40; n++) {
                ck_assert_int_eq(healer_retry_delay_ns(&c, n, 0), 27272727272);
                ck_assert_int_le(healer_retry_delay_ns(&c, n, 0.9999999), 30 * NS_S);
                ck_assert_int_gt(healer_retry_delay_ns(&c, n, 0.9999999), 29999 * NS_MS);
        }
}
END_TEST

START_TEST(s3_16_constant_linear_exponential_without_jitter_are_exact)
{
        struct healer_retry_config c = healer_retry_config_defaults();

        c.jitter = HEALER_RETRY_JITTER_NONE;
        for (uint32_t n = 1; n <= 100; n++) {
                c.backoff = HEALER_RETRY_CONSTANT;
                ck_assert_int_eq(healer_retry_delay_ns(&c, n, .7), NS_S);
                c.backoff = HEALER_RETRY_LINEAR;
                ck_assert_int_eq(healer_retry_delay_ns(&c, n, .7), (n < 30 ? n : 30) * NS_S);
                c.backoff = HEALER_RETRY_EXPONENTIAL;
                ck_assert_int_eq(healer_retry_delay_ns(&c, n, .7),
                                 n <= 5 ? (int64_t)(1 << (n - 1)) * NS_S : 30 * NS_S);
        }
}
END_TEST

START_TEST(every_jitter_stays_in_its_band_for_any_n_up_to_2_to_31)
{
        static const uint32_t ns[] = {1, 2, 3, 5, 31, 32, 63, 64, 1000, 1u << 20, (1u << 31) - 1,
                                      1u << 31, UINT32_MAX};
        uint64_t state = 7;

        for (uint32_t jitter = 0; jitter < HEALER_RETRY_JITTER_COUNT; jitter++)
                for (uint32_t backoff = 0; backoff < HEALER_RETRY_BACKOFF_COUNT; backoff++)
                        for (int i = 0; i < 20000; i++) {
                                struct healer_retry_config c = healer_retry_config_defaults();
                                uint32_t n = i < 13 ? ns[i] : 1 + (uint32_t)model_random(&state);
                                double u = (double)(model_random(&state) >> 11) * 0x1p-53;
                                int64_t before = (int64_t)(model_random(&state) >> 2), d, bare;

                                c.jitter = jitter;
                                c.backoff = backoff;
                                c.initial_ns = (int64_t)(model_random(&state) >>
                                                         (1 + model_random(&state) % 62));
                                c.max_ns = c.initial_ns +
                                           (int64_t)((model_random(&state) >> 1) %
                                                     (uint64_t)(INT64_MAX - c.initial_ns));
                                c.multiplier = 1 + u * 10;
                                c.jitter_ratio = (double)(model_random(&state) % 101) / 100;
                                d = healer_retry_delay_after_ns(&c, n ? n : 1, before, u);
                                ck_assert_int_ge(d, 0);
                                ck_assert_int_le(d, c.max_ns);
                                c.jitter = HEALER_RETRY_JITTER_NONE;
                                bare = healer_retry_delay_ns(&c, n ? n : 1, u);
                                if (jitter == HEALER_RETRY_JITTER_FULL)
                                        ck_assert_int_le(d, bare);
                                if (jitter == HEALER_RETRY_JITTER_EQUAL)
                                        ck_assert_int_ge(d, (int64_t)((double)bare * .4999999) - 1);
                                if (jitter == HEALER_RETRY_JITTER_ADD) /* never less than d(n) */
                                        ck_assert_int_ge(
                                                d, (int64_t)(fmin((double)bare,
                                                                  (double)c.max_ns /
                                                                          (1 + c.jitter_ratio)) *
                                                             .9999999) - 1);
                        }
}
END_TEST

START_TEST(waits_at_the_cap_are_still_spread)
{
        struct healer_retry_config c = healer_retry_config_defaults();

        ck_assert_int_gt(healer_retry_delay_ns(&c, 20, .9) - healer_retry_delay_ns(&c, 20, .1),
                         2 * NS_S);
}
END_TEST

START_TEST(the_same_seed_gives_the_same_waits_and_another_others)
{
        struct healer_retry_config c = healer_retry_config_defaults();
        int64_t waits[3][10];

        c.max_attempts = 11;
        for (int k = 0; k < 3; k++) {
                struct healer_retry *r;

                c.seed = k == 2 ? 99 : 1;
                r = make(&c);
                healer_retry_begin(r, &run, NULL, HEALER_NEVER, 0);
                for (int i = 0; i < 10; i++)
                        ck_assert_int_eq(healer_retry_next(r, &run, &plain, 0, &waits[k][i]),
                                         HEALER_RETRY_AGAIN);
                healer_retry_end(r, &run, false);
                healer_retry_destroy(r);
        }
        ck_assert_mem_eq(waits[0], waits[1], sizeof(waits[0]));
        ck_assert_mem_ne(waits[0], waits[2], sizeof(waits[0]));
}
END_TEST

static uint32_t exhausted;
static void on_exhausted(void *ctx, uint32_t attempts, int32_t code)
{
        (void)ctx;
        ck_assert_int_eq(code, 5);
        exhausted = attempts;
}

START_TEST(the_db_preset_reconnects_at_1_3_7_15_31_s_and_then_escalates)
{
        struct healer_retry_config c = healer_retry_config_db_reconnect();
        static const int64_t at[] = {1, 3, 7, 15, 31};
        struct healer_retry *r;
        int64_t now = 0, wait;

        c.on_exhausted = on_exhausted;
        r = make(&c);
        healer_retry_begin(r, &run, NULL, HEALER_NEVER, 0);
        for (int i = 0; i < 5; i++) {
                ck_assert_int_eq(healer_retry_next(r, &run, &plain, now, &wait), HEALER_RETRY_AGAIN);
                now += wait;
                ck_assert_int_eq(now, at[i] * NS_S);
        }
        ck_assert_int_eq(healer_retry_next(r, &run, &plain, now, &wait), HEALER_RETRY_STOP_ATTEMPTS);
        ck_assert_uint_eq(exhausted, 6);
        healer_retry_destroy(r);
}
END_TEST

START_TEST(max_attempts_counts_the_first_call)
{
        struct healer_retry_config c = healer_retry_config_defaults();
        struct healer_retry *r = make(&c);
        int64_t wait;

        healer_retry_begin(r, &run, NULL, HEALER_NEVER, 0);
        ck_assert_int_eq(healer_retry_next(r, &run, &plain, 0, &wait), HEALER_RETRY_AGAIN);
        ck_assert_int_eq(healer_retry_next(r, &run, &plain, 0, &wait), HEALER_RETRY_AGAIN);
        ck_assert_int_eq(healer_retry_next(r, &run, &plain, 0, &wait), HEALER_RETRY_STOP_ATTEMPTS);
        healer_retry_destroy(r);
}
END_TEST

START_TEST(each_reason_stops)
{
        struct healer_retry_config c = healer_retry_config_defaults();
        struct healer_call_context context = {0, 0, NULL};
        struct healer_retry_failure f = plain;
        struct healer_retry_counts counts;
        struct healer_retry *r;
        int64_t wait;

        c.jitter = HEALER_RETRY_JITTER_NONE;
        r = make(&c);
        healer_retry_begin(r, &run, NULL, HEALER_NEVER, 0);
        f.retryable = 0;
        ck_assert_int_eq(healer_retry_next(r, &run, &f, 0, &wait), HEALER_RETRY_STOP_CODE);
        /* a wait that ends at the deadline leaves no time for the attempt */
        healer_retry_begin(r, &run, NULL, NS_S, 0);
        ck_assert_int_eq(healer_retry_next(r, &run, &plain, 0, &wait), HEALER_RETRY_STOP_DEADLINE);
        healer_retry_begin(r, &run, NULL, NS_S + 1, 0);
        ck_assert_int_eq(healer_retry_next(r, &run, &plain, 0, &wait), HEALER_RETRY_AGAIN);
        /* a breaker that will ask again only after the deadline */
        f = plain;
        f.refused = 1;
        f.retry_after_ns = 60 * NS_S;
        healer_retry_begin(r, &run, NULL, 60 * NS_S, 0);
        ck_assert_int_eq(healer_retry_next(r, &run, &f, 0, &wait), HEALER_RETRY_STOP_BREAKER);
        healer_retry_begin(r, &run, NULL, 61 * NS_S, 0);
        ck_assert_int_eq(healer_retry_next(r, &run, &f, 0, &wait), HEALER_RETRY_AGAIN);
        ck_assert_int_eq(wait, 60 * NS_S);
        f.retry_after_ns = HEALER_NEVER; /* forced open: waiting is in vain, deadline or not */
        healer_retry_begin(r, &run, NULL, HEALER_NEVER, 0);
        ck_assert_int_eq(healer_retry_next(r, &run, &f, 0, &wait), HEALER_RETRY_STOP_BREAKER);
        /* the caller's wish */
        ck_assert_int_eq(healer_cancel_create(NULL, NULL, NULL, &context.cancel), HEALER_OK);
        healer_retry_begin(r, &run, &context, HEALER_NEVER, 0);
        healer_cancel_set(context.cancel);
        ck_assert_int_eq(healer_retry_next(r, &run, &plain, 0, &wait), HEALER_RETRY_STOP_CANCELLED);
        healer_retry_end(r, &run, false);
        healer_retry_counts(r, &counts);
        ck_assert_uint_eq(counts.stops[HEALER_RETRY_STOP_CODE], 1);
        ck_assert_uint_eq(counts.stops[HEALER_RETRY_STOP_BREAKER], 2);
        ck_assert_uint_eq(counts.stops[HEALER_RETRY_STOP_CANCELLED], 1);
        healer_cancel_destroy(context.cancel);
        healer_retry_destroy(r);
}
END_TEST

START_TEST(a_server_hint_replaces_the_delay_clamped_to_max)
{
        struct healer_retry_config c = healer_retry_config_defaults();
        struct healer_retry_failure f = plain;
        struct healer_retry *r = make(&c);
        int64_t wait;

        healer_retry_begin(r, &run, NULL, HEALER_NEVER, 0);
        f.hint_ns = 0;
        ck_assert_int_eq(healer_retry_next(r, &run, &f, 0, &wait), HEALER_RETRY_AGAIN);
        ck_assert_int_eq(wait, 0);
        f.hint_ns = 3600 * NS_S;
        ck_assert_int_eq(healer_retry_next(r, &run, &f, 0, &wait), HEALER_RETRY_AGAIN);
        ck_assert_int_eq(wait, 30 * NS_S);
        healer_retry_destroy(r);
}
END_TEST

START_TEST(only_one_layer_retries_and_nesting_is_reported)
{
        struct healer_event_ring_config rc = healer_event_ring_config_defaults();
        struct healer_retry_config c = healer_retry_config_defaults();
        struct healer_call_context context = {0, 0, NULL};
        struct healer_retry_run inner;
        struct healer_event_ring *ring;
        struct healer_retry_counts counts;
        struct healer_event e;
        struct healer_retry *r;
        int64_t wait;

        ck_assert_int_eq(healer_event_ring_create(&rc, &ring), HEALER_OK);
        c.events = ring;
        r = make(&c);
        healer_retry_begin(r, &run, &context, HEALER_NEVER, 0);
        healer_retry_begin(r, &inner, &context, HEALER_NEVER, 0);
        ck_assert_int_eq(healer_retry_next(r, &inner, &plain, 0, &wait), HEALER_RETRY_STOP_NESTED);
        healer_retry_end(r, &inner, false);
        ck_assert_int_eq(healer_retry_next(r, &run, &plain, 0, &wait), HEALER_RETRY_AGAIN);
        healer_retry_end(r, &run, false);
        ck_assert_uint_eq(context.retry_layers, 0);
        healer_retry_counts(r, &counts);
        ck_assert_uint_eq(counts.nested, 1);
        ck_assert_int_eq(healer_event_ring_pop(ring, &e), HEALER_OK);
        ck_assert_uint_eq(e.type, HEALER_EVENT_RETRY_NESTED);
        healer_retry_destroy(r);
        healer_event_ring_destroy(ring);
}
END_TEST

START_TEST(the_ratio_budget_gives_a_fifth_and_the_reserve_and_credits_die_after_10_s)
{
        struct healer_retry_budget_config c = healer_retry_budget_config_defaults();
        struct healer_retry_budget *b;
        int taken = 0;

        ck_assert_int_eq(healer_retry_budget_create(&c, 0, &b), HEALER_OK);
        for (int i = 0; i < 1000; i++)
                healer_retry_budget_first_attempt(b, 0);
        while (healer_retry_budget_take(b, 0))
                taken++;
        ck_assert_int_eq(taken, 300); /* 200 earned, 10 a second for 10 s */
        for (taken = 0; healer_retry_budget_take(b, 9 * NS_S);)
                taken++;
        ck_assert_int_eq(taken, 0);
        for (taken = 0; healer_retry_budget_take(b, 10 * NS_S);)
                taken++;
        ck_assert_int_eq(taken, 100); /* all credits and takings are gone, the reserve is back */
        healer_retry_budget_destroy(b);
}
END_TEST

START_TEST(grpc_tokens_10_less_1_per_failure_need_more_than_half)
{
        struct healer_retry_budget_config c = healer_retry_budget_config_defaults();
        struct healer_retry_budget *b;

        c.kind = HEALER_RETRY_BUDGET_TOKENS;
        ck_assert_int_eq(healer_retry_budget_create(&c, 0, &b), HEALER_OK);
        for (int i = 0; i < 4; i++)
                healer_retry_budget_outcome(b, true);
        ck_assert(healer_retry_budget_take(b, 0)); /* 6 left */
        healer_retry_budget_outcome(b, true);
        ck_assert(!healer_retry_budget_take(b, 0)); /* exactly half */
        healer_retry_budget_outcome(b, false);
        ck_assert(healer_retry_budget_take(b, 0)); /* 5.1 */
        for (int i = 0; i < 1000; i++)
                healer_retry_budget_outcome(b, false);
        ck_assert_double_eq_tol(healer_retry_budget_left(b, 0), 10, 1e-9);
        healer_retry_budget_destroy(b);
}
END_TEST

START_TEST(an_empty_budget_stops_a_run)
{
        struct healer_retry_budget_config bc = healer_retry_budget_config_defaults();
        struct healer_retry_config c = healer_retry_config_defaults();
        struct healer_retry *r;
        int64_t wait;

        bc.reserve_per_s = 0;
        ck_assert_int_eq(healer_retry_budget_create(&bc, 0, &c.budget), HEALER_OK);
        r = make(&c);
        for (int i = 0; i < 5; i++)
                healer_retry_begin(r, &run, NULL, HEALER_NEVER, 0);
        ck_assert_int_eq(healer_retry_next(r, &run, &plain, 0, &wait), HEALER_RETRY_AGAIN);
        ck_assert_int_eq(healer_retry_next(r, &run, &plain, 0, &wait), HEALER_RETRY_STOP_BUDGET);
        healer_retry_destroy(r);
        healer_retry_budget_destroy(c.budget);
}
END_TEST

START_TEST(bad_configurations_are_refused_by_name)
{
        struct healer_retry_config good = healer_retry_config_defaults(), c;
        struct healer_retry_budget_config b = healer_retry_budget_config_defaults();
        struct healer_retry *r;

#define REFUSED(field, value)                                                                      \
        do {                                                                                       \
                c = good;                                                                          \
                c.field = (value);                                                                 \
                ck_assert_ptr_nonnull(healer_retry_config_check(&c));                              \
                ck_assert_ptr_nonnull(strstr(healer_retry_config_check(&c), #field));              \
                ck_assert_int_eq(healer_retry_create(&c, &r), HEALER_E_RANGE);                     \
        } while (0)
        REFUSED(max_attempts, 0);
        REFUSED(backoff, 9);
        REFUSED(jitter, 9);
        REFUSED(initial_ns, -1);
        REFUSED(max_ns, 1);
        REFUSED(multiplier, 0.9);
        REFUSED(multiplier, NAN);
        REFUSED(jitter_ratio, 1.1);
        REFUSED(threads, 3);
        b.ratio = NAN;
        ck_assert_ptr_nonnull(strstr(healer_retry_budget_config_check(&b), "ratio"));
        b = healer_retry_budget_config_defaults();
        b.credit_for_ns = 0;
        ck_assert_ptr_nonnull(strstr(healer_retry_budget_config_check(&b), "credit_for_ns"));
}
END_TEST

POLICY_MAIN("retry", s3_16_default_delays_are_exactly_those_of_the_specification,
            s3_16_constant_linear_exponential_without_jitter_are_exact,
            every_jitter_stays_in_its_band_for_any_n_up_to_2_to_31,
            waits_at_the_cap_are_still_spread,
            the_same_seed_gives_the_same_waits_and_another_others,
            the_db_preset_reconnects_at_1_3_7_15_31_s_and_then_escalates,
            max_attempts_counts_the_first_call, each_reason_stops,
            a_server_hint_replaces_the_delay_clamped_to_max,
            only_one_layer_retries_and_nesting_is_reported,
            the_ratio_budget_gives_a_fifth_and_the_reserve_and_credits_die_after_10_s,
            grpc_tokens_10_less_1_per_failure_need_more_than_half, an_empty_budget_stops_a_run,
            bad_configurations_are_refused_by_name)
