/* test_breaker.c - every rule of the circuit breaker, then random sequences
 * against a slow model, then threads.
 *
 * A test's name begins with the rule it holds: rule_4 is the fourth of the
 * breaker's rules, s0_03 a row of the checklist.
 */
#include "healer/breaker.h"
#include "model_ops.h"
#include "tests/effort.h"

#include <check.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>

#define S INT64_C(1000000000)
#define MS INT64_C(1000000)

static struct healer_breaker *make(const struct healer_breaker_config *c)
{
        struct healer_breaker *b = NULL;

        ck_assert_msg(healer_breaker_config_check(c) == NULL, "%s", healer_breaker_config_check(c));
        ck_assert_int_eq(healer_breaker_create(c, 0, &b), HEALER_OK);
        return b;
}

static struct healer_breaker *make_default(void)
{
        struct healer_breaker_config c = healer_breaker_config_defaults();

        return make(&c);
}

static enum healer_breaker_verdict call(struct healer_breaker *b, bool ok, int64_t now)
{
        struct healer_breaker_ticket t;
        enum healer_breaker_verdict v = healer_breaker_acquire(b, now, &t);

        if (v != HEALER_BREAKER_OK)
                return v;
        if (ok)
                healer_breaker_success(b, &t, now);
        else
                healer_breaker_failure(b, &t, 7, now);
        return v;
}

static void fail_times(struct healer_breaker *b, int n, int64_t now)
{
        for (int i = 0; i < n; i++)
                ck_assert_int_eq(call(b, false, now), HEALER_BREAKER_OK);
}

static struct healer_breaker_snapshot snap(struct healer_breaker *b, int64_t now)
{
        struct healer_breaker_snapshot s;

        healer_breaker_snapshot(b, now, &s);
        return s;
}

#define ck_state(b, want) ck_assert_int_eq(healer_breaker_state(b), HEALER_BREAKER_##want)

/* ---- rule 1: defaults, presets, configurations ---- */

START_TEST(rule_1_defaults_are_5_2_60s_3_60s)
{
        struct healer_breaker_config c = healer_breaker_config_defaults();

        ck_assert_uint_eq(c.failure_threshold, 5);
        ck_assert_uint_eq(c.success_threshold, 2);
        ck_assert_int_eq(c.open_for_ns, 60 * S);
        ck_assert_uint_eq(c.half_open_max_calls, 3);
        ck_assert_int_eq(c.window_ns, 60 * S);
        ck_assert_uint_eq(c.min_calls, 10);
        ck_assert_double_eq(c.failure_rate_percent, 50);
        ck_assert_double_eq(c.slow_call_rate_percent, 50);
        ck_assert_double_eq(c.open_multiplier, 1);
}
END_TEST

static void check_preset(struct healer_breaker_config c, int failures, int successes, int64_t open)
{
        struct healer_breaker *b = make(&c);

        fail_times(b, failures - 1, 0);
        ck_state(b, CLOSED);
        fail_times(b, 1, 0);
        ck_state(b, OPEN);
        ck_assert_int_eq(call(b, true, open - 1), HEALER_BREAKER_REJECT_OPEN);
        for (int i = 0; i < successes; i++) {
                ck_assert(healer_breaker_state(b) != HEALER_BREAKER_CLOSED);
                ck_assert_int_eq(call(b, true, open), HEALER_BREAKER_OK);
        }
        ck_state(b, CLOSED);
        healer_breaker_destroy(b);
}

START_TEST(rule_1_s0_02_both_presets_trip_at_their_own_limits)
{
        check_preset(healer_breaker_config_defaults(), 5, 2, 60 * S);
        check_preset(healer_breaker_config_conservative(), 10, 3, 300 * S);
        check_preset(healer_breaker_config_aggressive(), 3, 2, 30 * S);
}
END_TEST

struct bad {
        const char *reason; /* how it must begin */
        void (*spoil)(struct healer_breaker_config *c);
};
#define BAD(field, statement)                                                                      \
        static void spoil_##field(struct healer_breaker_config *c)                                 \
        {                                                                                          \
                statement;                                                                         \
        }
BAD(mode, c->mode = 99)
BAD(failure_threshold, c->failure_threshold = 0)
BAD(success_threshold, c->success_threshold = 0)
BAD(half_open_max_calls, c->half_open_max_calls = 0)
BAD(half_open_below_success, c->success_threshold = 4)
BAD(quota, c->quota = 9)
BAD(open_for_ns, c->open_for_ns = 0)
BAD(window_ns, c->window_ns = 0)
BAD(window_count, c->window_count = 0)
BAD(buckets, c->buckets = 9)
BAD(min_calls, c->min_calls = 0)
BAD(threads, c->threads = 7)
BAD(failure_rate_percent, c->failure_rate_percent = 0)
BAD(failure_rate_nan, c->failure_rate_percent = NAN)
BAD(failure_rate_high, c->failure_rate_percent = 100.5)
BAD(slow_call_ns, c->slow_call_ns = -1)
BAD(slow_call_rate_percent, c->slow_call_rate_percent = -1)
BAD(fast_failure_ns, c->fast_failure_ns = -1)
BAD(open_multiplier, c->open_multiplier = 0.5)
BAD(open_multiplier_inf, c->open_multiplier = INFINITY)
BAD(open_for_max_ns, c->open_for_max_ns = S)
BAD(open_jitter_ratio, c->open_jitter_ratio = NAN)
BAD(half_open_sample, (c->quota = HEALER_BREAKER_QUOTA_TOTAL, c->half_open_sample = 4))
BAD(automatic, c->automatic = 2)
BAD(probe_lease_ns, c->probe_lease_ns = -1)
BAD(half_open_max_wait_ns, c->half_open_max_wait_ns = -1)
BAD(half_open_wait_closes, c->half_open_wait_closes = 2)
BAD(partial_steps, c->partial_steps = 8)
BAD(partial_dwell_ns, c->partial_dwell_ns = 0)

static const struct bad bads[] = {
        {"mode:", spoil_mode},
        {"failure_threshold:", spoil_failure_threshold},
        {"success_threshold:", spoil_success_threshold},
        {"half_open_max_calls:", spoil_half_open_max_calls},
        {"half_open_max_calls: must not be below success_threshold", spoil_half_open_below_success},
        {"quota:", spoil_quota},
        {"open_for_ns:", spoil_open_for_ns},
        {"window_ns:", spoil_window_ns},
        {"window_count:", spoil_window_count},
        {"buckets:", spoil_buckets},
        {"min_calls:", spoil_min_calls},
        {"threads:", spoil_threads},
        {"failure_rate_percent:", spoil_failure_rate_percent},
        {"failure_rate_percent:", spoil_failure_rate_nan},
        {"failure_rate_percent:", spoil_failure_rate_high},
        {"slow_call_ns:", spoil_slow_call_ns},
        {"slow_call_rate_percent:", spoil_slow_call_rate_percent},
        {"fast_failure_ns:", spoil_fast_failure_ns},
        {"open_multiplier:", spoil_open_multiplier},
        {"open_multiplier:", spoil_open_multiplier_inf},
        {"open_for_max_ns:", spoil_open_for_max_ns},
        {"open_jitter_ratio:", spoil_open_jitter_ratio},
        {"half_open_sample:", spoil_half_open_sample},
        {"automatic:", spoil_automatic},
        {"probe_lease_ns:", spoil_probe_lease_ns},
        {"half_open_max_wait_ns:", spoil_half_open_max_wait_ns},
        {"half_open_wait_closes:", spoil_half_open_wait_closes},
        {"partial_steps:", spoil_partial_steps},
        {"partial_dwell_ns:", spoil_partial_dwell_ns},
};

START_TEST(every_bad_field_is_refused_by_name)
{
        for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
                struct healer_breaker_config c = healer_breaker_config_defaults();
                struct healer_breaker *b = (struct healer_breaker *)&c;
                const char *reason;

                bads[i].spoil(&c);
                reason = healer_breaker_config_check(&c);
                ck_assert_ptr_nonnull(reason);
                ck_assert_msg(strncmp(reason, bads[i].reason, strlen(bads[i].reason)) == 0,
                              "wanted '%s', got '%s'", bads[i].reason, reason);
                ck_assert_int_eq(healer_breaker_create(&c, 0, &b), HEALER_E_RANGE);
                ck_assert_ptr_null(b);
        }
}
END_TEST

START_TEST(a_config_of_unknown_size_is_refused)
{
        struct healer_breaker_config c = healer_breaker_config_defaults();
        struct healer_breaker *b;

        c.size = sizeof(c) + 8;
        ck_assert_int_eq(healer_breaker_create(&c, 0, &b), HEALER_E_SIZE);
        c.size = 0;
        ck_assert_int_eq(healer_breaker_create(&c, 0, &b), HEALER_E_SIZE);
        ck_assert_ptr_null(b);
}
END_TEST

static void *no_memory(void *ctx, size_t size)
{
        (void)ctx;
        (void)size;
        return NULL;
}

START_TEST(no_memory_is_an_answer)
{
        struct healer_allocator none = {.alloc = no_memory};
        struct healer_breaker_config c = healer_breaker_config_defaults();
        struct healer_breaker *b;

        c.allocator = &none;
        ck_assert_int_eq(healer_breaker_create(&c, 0, &b), HEALER_E_NOMEM);
        ck_assert_ptr_null(b);
}
END_TEST

/* ---- rule 2: trip modes ---- */

START_TEST(rule_2_s0_02_four_failures_stay_closed_and_the_fifth_opens)
{
        struct healer_breaker *b = make_default();

        fail_times(b, 4, 0);
        ck_state(b, CLOSED);
        fail_times(b, 1, 0);
        ck_state(b, OPEN);
        healer_breaker_destroy(b);
}
END_TEST

START_TEST(rule_2_a_success_in_between_restarts_the_row)
{
        struct healer_breaker *b = make_default();

        fail_times(b, 4, 0);
        call(b, true, 0);
        fail_times(b, 4, 0);
        ck_state(b, CLOSED);
        fail_times(b, 1, 0);
        ck_state(b, OPEN);
        healer_breaker_destroy(b);
}
END_TEST

START_TEST(rule_2_s3_02_a_failure_exactly_a_window_old_does_not_count)
{
        struct healer_breaker *b = make_default();

        fail_times(b, 1, 0);
        fail_times(b, 4, 60 * S);
        ck_state(b, CLOSED);
        fail_times(b, 1, 60 * S);
        ck_state(b, OPEN);
        healer_breaker_destroy(b);

        b = make_default();
        fail_times(b, 1, 0);
        fail_times(b, 4, 60 * S - 1);
        ck_state(b, OPEN);
        healer_breaker_destroy(b);
}
END_TEST

START_TEST(rule_2_consecutive_counts_failures_of_any_age)
{
        struct healer_breaker_config c = healer_breaker_config_defaults();
        struct healer_breaker *b;

        c.mode = HEALER_BREAKER_CONSECUTIVE;
        b = make(&c);
        for (int i = 0; i < 5; i++)
                fail_times(b, 1, i * 1000 * S);
        ck_state(b, OPEN);
        healer_breaker_destroy(b);
}
END_TEST

START_TEST(rule_2_windowed_count_ignores_successes_in_between)
{
        struct healer_breaker_config c = healer_breaker_config_defaults();
        struct healer_breaker *b;

        c.mode = HEALER_BREAKER_WINDOWED_COUNT;
        b = make(&c);
        for (int i = 0; i < 5; i++) {
                ck_state(b, CLOSED);
                call(b, true, i * S);
                call(b, false, i * S);
        }
        ck_state(b, OPEN);
        healer_breaker_destroy(b);
}
END_TEST

static struct healer_breaker_config rate_config(uint32_t mode)
{
        struct healer_breaker_config c = healer_breaker_config_defaults();

        c.mode = mode;
        return c;
}

static const uint32_t rate_modes[] = {HEALER_BREAKER_COUNT_RATE, HEALER_BREAKER_TIME_RATE};

START_TEST(rule_2_a_rate_trips_at_exactly_half_once_there_are_min_calls)
{
        struct healer_breaker_config c = rate_config(rate_modes[_i]);
        struct healer_breaker *b = make(&c);

        for (int i = 0; i < 5; i++)
                call(b, false, 0);
        for (int i = 0; i < 4; i++)
                call(b, true, 0);
        ck_state(b, CLOSED); /* nine calls, 56 % failed: too few to judge */
        ck_assert(isnan(snap(b, 0).failure_rate_percent));
        call(b, true, 0); /* judged after a success too: 5 of 10 */
        ck_state(b, OPEN);
        healer_breaker_destroy(b);
}
END_TEST

START_TEST(rule_2_slow_is_strictly_longer_and_a_slow_failure_counts_in_both)
{
        struct healer_breaker_config c = rate_config(rate_modes[_i]);
        struct healer_breaker *b;
        struct healer_breaker_ticket t;

        c.slow_call_ns = 100 * MS;
        c.failure_rate_percent = 100;
        b = make(&c);
        for (int i = 0; i < 20; i++) {
                ck_assert_int_eq(healer_breaker_acquire(b, 0, &t), HEALER_BREAKER_OK);
                healer_breaker_success(b, &t, 100 * MS);
        }
        ck_state(b, CLOSED);
        ck_assert_uint_eq(snap(b, 0).window_slow, 0);
        for (int i = 0; i < 20; i++) {
                ck_state(b, CLOSED);
                ck_assert_int_eq(healer_breaker_acquire(b, 100 * MS, &t), HEALER_BREAKER_OK);
                if (i == 0)
                        healer_breaker_failure(b, &t, 1, 200 * MS + 1);
                else
                        healer_breaker_success(b, &t, 200 * MS + 1);
        }
        ck_state(b, OPEN); /* 20 of 40 slow */
        ck_assert_uint_eq(snap(b, S).lifetime.slow_failed, 1);
        ck_assert_uint_eq(snap(b, S).lifetime.slow_ok, 19);
        ck_assert_uint_eq(snap(b, S).lifetime.failed, 1);
        healer_breaker_destroy(b);
}
END_TEST

START_TEST(rule_2_min_calls_is_clamped_to_the_window_of_count_rate)
{
        struct healer_breaker_config c = rate_config(HEALER_BREAKER_COUNT_RATE);
        struct healer_breaker *b;

        c.window_count = 4;
        c.min_calls = 100;
        b = make(&c);
        fail_times(b, 3, 0);
        ck_state(b, CLOSED);
        fail_times(b, 1, 0);
        ck_state(b, OPEN);
        healer_breaker_destroy(b);
}
END_TEST

START_TEST(rule_2_count_rate_forgets_the_outcome_a_window_ago)
{
        struct healer_breaker_config c = rate_config(HEALER_BREAKER_COUNT_RATE);
        struct healer_breaker *b;

        c.window_count = 10;
        b = make(&c);
        for (int i = 0; i < 4; i++)
                call(b, false, 0);
        for (int i = 0; i < 10; i++)
                call(b, true, 0);
        ck_assert_uint_eq(snap(b, 0).window_failed, 0);
        ck_assert_uint_eq(snap(b, 0).window_calls, 10);
        fail_times(b, 4, 0);
        ck_state(b, CLOSED);
        fail_times(b, 1, 0);
        ck_state(b, OPEN);
        healer_breaker_destroy(b);
}
END_TEST

/* ---- rule 3: time windows ---- */

START_TEST(rule_3_an_entry_goes_when_its_bucket_is_a_full_window_old)
{
        struct healer_breaker_config c = rate_config(HEALER_BREAKER_TIME_RATE);
        struct healer_breaker *b = make(&c);

        for (int i = 0; i < 4; i++)
                call(b, false, 500 * MS); /* bucket 0 */
        for (int i = 0; i < 5; i++)
                call(b, true, 1500 * MS); /* bucket 1 */
        ck_assert_uint_eq(snap(b, 60 * S - 1).window_calls, 9);
        ck_assert_uint_eq(snap(b, 60 * S).window_calls, 5);
        call(b, true, 60 * S);
        ck_assert_uint_eq(snap(b, 60 * S).window_failed, 0);
        ck_assert_uint_eq(snap(b, 60 * S).window_calls, 6);
        ck_assert_uint_eq(snap(b, 61 * S).window_calls, 1);
        healer_breaker_destroy(b);
}
END_TEST

START_TEST(rule_3_idle_time_expires_everything)
{
        struct healer_breaker_config c = rate_config(HEALER_BREAKER_TIME_RATE);
        struct healer_breaker *b = make(&c);

        fail_times(b, 9, 0);
        ck_assert_uint_eq(snap(b, 1000 * S).window_calls, 0);
        fail_times(b, 9, 1000 * S);
        ck_state(b, CLOSED);
        ck_assert_uint_eq(snap(b, 1000 * S).window_calls, 9);
        healer_breaker_destroy(b);
}
END_TEST

START_TEST(rule_3_success_needs_no_clock_in_the_default_mode)
{
        struct healer_breaker *b = make_default();
        struct healer_breaker_ticket t;

        call(b, false, 1000 * S);
        ck_assert(!healer_breaker_needs_now(b));
        ck_assert_int_eq(healer_breaker_acquire(b, 0, &t), HEALER_BREAKER_OK);
        healer_breaker_success(b, &t, 0);
        ck_assert_uint_eq(snap(b, 1000 * S).time_went_back, 0);
        ck_assert_uint_eq(snap(b, 1000 * S).row, 0);
        fail_times(b, 5, 1000 * S);
        ck_assert(healer_breaker_needs_now(b));
        healer_breaker_destroy(b);
}
END_TEST

/* One failure each 10 ms that takes so long; how many until it opens, at most 200. */
static int failures_until_open(struct healer_breaker *b, int64_t takes_ns)
{
        struct healer_breaker_ticket t;
        int n = 0;

        for (int64_t now_ns = 0; n < 200 && snap(b, now_ns).state == HEALER_BREAKER_CLOSED; n++) {
                ck_assert_int_eq(healer_breaker_acquire(b, now_ns, &t), HEALER_BREAKER_OK);
                now_ns += takes_ns;
                healer_breaker_failure(b, &t, 7, now_ns);
        }
        return n;
}

START_TEST(rule_2_failures_that_hold_nobody_up_open_no_breaker_in_any_mode)
{
        struct healer_breaker_config c = healer_breaker_config_defaults();
        struct healer_breaker_snapshot told;
        struct healer_breaker *b;

        c.mode = (uint32_t)_i;
        c.fast_failure_ns = 10 * MS;
        b = make(&c);
        ck_assert_int_eq(failures_until_open(b, 10 * MS - 1), 200);
        told = snap(b, 2 * S);
        ck_state(b, CLOSED);
        ck_assert_uint_eq(told.lifetime.failed, 200); /* they are failures all the same */
        ck_assert_int_eq(told.last_failure_code, 7);
        ck_assert_int_eq(told.last_failure_at_ns, 200 * (10 * MS - 1));
        healer_breaker_destroy(b);
        b = make(&c);
        ck_assert_int_lt(failures_until_open(b, 10 * MS), 20); /* no sooner counts */
        ck_state(b, OPEN);
        healer_breaker_destroy(b);
}
END_TEST

START_TEST(rule_3_acquire_needs_a_clock_only_where_durations_are_looked_at)
{
        struct healer_breaker_config c = healer_breaker_config_defaults();

        for (c.mode = 0; c.mode < HEALER_BREAKER_MODE_COUNT; c.mode++)
                for (c.slow_call_ns = 0; c.slow_call_ns <= S; c.slow_call_ns += S) {
                        struct healer_breaker_ticket t;
                        struct healer_breaker *b, *with;

                        ck_assert_int_eq(healer_breaker_create(&c, 1000 * S, &b), HEALER_OK);
                        ck_assert_int_eq(healer_breaker_needs_now(b), c.slow_call_ns != 0);
                        c.fast_failure_ns = 1;
                        ck_assert(healer_breaker_needs_now(with = make(&c)));
                        healer_breaker_destroy(with);
                        c.fast_failure_ns = 0;
                        if (!c.slow_call_ns) {
                                ck_assert_int_eq(healer_breaker_acquire(b, 0, &t),
                                                 HEALER_BREAKER_OK);
                                healer_breaker_success(b, &t, 1001 * S);
                                ck_assert_uint_eq(snap(b, 1001 * S).time_went_back, 0);
                                ck_assert_uint_eq(snap(b, 1001 * S).lifetime.slow_ok, 0);
                        }
                        healer_breaker_trip(b, 1002 * S);
                        ck_assert(healer_breaker_needs_now(b));
                        healer_breaker_destroy(b);
                }
}
END_TEST

/* ---- rule 4: open ---- */

START_TEST(rule_4_s0_03_open_for_exactly_elapsed_admits_one_trial)
{
        struct healer_breaker *b = make_default();
        struct healer_breaker_ticket t;

        fail_times(b, 5, 0);
        ck_assert_int_eq(healer_breaker_acquire(b, 59999 * MS, &t), HEALER_BREAKER_REJECT_OPEN);
        ck_assert_int_eq(t.retry_after_ns, 1 * MS);
        ck_assert_int_eq(healer_breaker_acquire(b, 60 * S - 1, &t), HEALER_BREAKER_REJECT_OPEN);
        ck_assert_int_eq(t.retry_after_ns, 1);
        ck_assert_int_eq(healer_breaker_acquire(b, 60 * S, &t), HEALER_BREAKER_OK);
        ck_state(b, HALF_OPEN);
        ck_assert_uint_eq(snap(b, 60 * S).trials_in_flight, 1);
        healer_breaker_destroy(b);
}
END_TEST

START_TEST(rule_4_refused_calls_and_late_failures_never_move_the_deadline)
{
        struct healer_breaker *b = make_default();
        struct healer_breaker_ticket late, t;

        ck_assert_int_eq(healer_breaker_acquire(b, 0, &late), HEALER_BREAKER_OK);
        fail_times(b, 5, 0);
        for (int i = 1; i < 50; i++)
                ck_assert_int_eq(healer_breaker_acquire(b, i * S, &t), HEALER_BREAKER_REJECT_OPEN);
        healer_breaker_failure(b, &late, 1, 50 * S);
        ck_assert_int_eq(snap(b, 50 * S).retry_at_ns, 60 * S);
        ck_assert_uint_eq(snap(b, 50 * S).lifetime.late, 1);
        ck_assert_int_eq(healer_breaker_acquire(b, 60 * S, &t), HEALER_BREAKER_OK);
        healer_breaker_destroy(b);
}
END_TEST

static int64_t reopen(struct healer_breaker *b, int64_t now)
{
        ck_assert_int_eq(call(b, false, now), HEALER_BREAKER_OK);
        ck_state(b, OPEN);
        return snap(b, now).retry_at_ns - now;
}

START_TEST(rule_4_open_time_grows_by_the_multiplier_to_max_and_starts_again_after_a_close)
{
        struct healer_breaker_config c = healer_breaker_config_defaults();
        struct healer_breaker *b;
        int64_t now = 0;

        c.open_multiplier = 2;
        c.open_for_max_ns = 200 * S;
        b = make(&c);
        fail_times(b, 5, 0);
        now = 60 * S;
        ck_assert_int_eq(reopen(b, now), 120 * S);
        now += 120 * S;
        ck_assert_int_eq(reopen(b, now), 200 * S);
        now += 200 * S;
        ck_assert_int_eq(reopen(b, now), 200 * S);
        now += 200 * S;
        call(b, true, now);
        call(b, true, now);
        ck_state(b, CLOSED);
        fail_times(b, 5, now);
        ck_assert_int_eq(snap(b, now).retry_at_ns - now, 60 * S);
        healer_breaker_destroy(b);
}
END_TEST

START_TEST(rule_4_s0_08_jitter_spreads_the_trials_of_many_breakers_and_follows_the_seed)
{
        struct healer_breaker_config c = healer_breaker_config_defaults();
        int64_t first = INT64_MAX, last = 0, again;

        c.open_jitter_ratio = 0.5;
        for (uint64_t seed = 0; seed < 1000; seed++) {
                struct healer_breaker *b;

                c.seed = seed;
                b = make(&c);
                fail_times(b, 5, 0);
                again = snap(b, 0).retry_at_ns;
                ck_assert_int_ge(again, 60 * S);
                ck_assert_int_lt(again, 90 * S);
                first = again < first ? again : first;
                last = again > last ? again : last;
                healer_breaker_destroy(b);
                b = make(&c);
                fail_times(b, 5, 0);
                ck_assert_int_eq(snap(b, 0).retry_at_ns, again);
                healer_breaker_destroy(b);
        }
        ck_assert_int_lt(first, 61 * S);
        ck_assert_int_gt(last, 89 * S);
}
END_TEST

START_TEST(rule_4_poll_opens_the_way_only_if_automatic)
{
        struct healer_breaker_config c = healer_breaker_config_defaults();
        struct healer_breaker *b = make(&c);

        fail_times(b, 5, 0);
        ck_assert_int_eq(healer_breaker_poll(b, 61 * S), HEALER_NEVER);
        ck_state(b, OPEN);
        healer_breaker_destroy(b);
        c.automatic = 1;
        b = make(&c);
        fail_times(b, 5, 0);
        ck_assert_int_eq(healer_breaker_poll(b, 1 * S), 60 * S);
        ck_state(b, OPEN);
        healer_breaker_poll(b, 60 * S);
        ck_state(b, HALF_OPEN);
        ck_assert_uint_eq(snap(b, 60 * S).trials_in_flight, 0);
        healer_breaker_destroy(b);
}
END_TEST

/* ---- rule 5: half-open ---- */

static struct healer_breaker *half_open(const struct healer_breaker_config *c)
{
        struct healer_breaker_config with = *c;
        struct healer_breaker *b;

        with.automatic = 1;
        b = make(&with);
        healer_breaker_trip(b, 0);
        healer_breaker_poll(b, c->open_for_ns);
        ck_state(b, HALF_OPEN);
        return b;
}

START_TEST(rule_5_s0_04_of_ten_parallel_trials_three_are_admitted)
{
        struct healer_breaker_config c = healer_breaker_config_defaults();
        struct healer_breaker *b = half_open(&c);
        struct healer_breaker_ticket t[10];
        int admitted = 0;

        for (int i = 0; i < 10; i++)
                admitted += healer_breaker_acquire(b, 60 * S, &t[i]) == HEALER_BREAKER_OK;
        ck_assert_int_eq(admitted, 3);
        ck_assert_uint_eq(snap(b, 60 * S).lifetime.rejected[HEALER_BREAKER_REJECT_PROBES], 7);
        healer_breaker_destroy(b);
}
END_TEST

START_TEST(rule_5_ended_ignored_and_cancelled_trials_give_their_place_back)
{
        struct healer_breaker_config c = healer_breaker_config_defaults();
        struct healer_breaker *b;
        struct healer_breaker_ticket t[3], extra;

        c.success_threshold = 3;
        b = half_open(&c);
        for (int i = 0; i < 3; i++)
                ck_assert_int_eq(healer_breaker_acquire(b, 60 * S, &t[i]), HEALER_BREAKER_OK);
        healer_breaker_success(b, &t[0], 60 * S);
        healer_breaker_ignore(b, &t[1]);
        healer_breaker_cancel(b, &t[2]);
        ck_assert_uint_eq(snap(b, 60 * S).trials_in_flight, 0);
        for (int i = 0; i < 3; i++)
                ck_assert_int_eq(healer_breaker_acquire(b, 60 * S, &t[i]), HEALER_BREAKER_OK);
        ck_assert_int_eq(healer_breaker_acquire(b, 60 * S, &extra), HEALER_BREAKER_REJECT_PROBES);
        healer_breaker_success(b, &t[0], 60 * S);
        ck_state(b, HALF_OPEN);
        healer_breaker_success(b, &t[1], 60 * S);
        ck_state(b, CLOSED);
        healer_breaker_destroy(b);
}
END_TEST

START_TEST(rule_5_the_first_failed_trial_reopens_at_once)
{
        struct healer_breaker_config c = healer_breaker_config_defaults();
        struct healer_breaker *b = half_open(&c);

        call(b, true, 60 * S);
        ck_assert_int_eq(call(b, false, 61 * S), HEALER_BREAKER_OK);
        ck_state(b, OPEN);
        ck_assert_int_eq(snap(b, 61 * S).retry_at_ns, 121 * S);
        ck_assert_uint_eq(snap(b, 61 * S).reopens, 1);
        healer_breaker_destroy(b);
}
END_TEST

START_TEST(rule_5_a_total_quota_admits_so_many_trials_per_phase)
{
        struct healer_breaker_config c = healer_breaker_config_defaults();
        struct healer_breaker *b;
        struct healer_breaker_ticket t;

        c.quota = HEALER_BREAKER_QUOTA_TOTAL;
        c.success_threshold = 3;
        b = half_open(&c);
        ck_assert_int_eq(call(b, true, 60 * S), HEALER_BREAKER_OK);
        ck_assert_int_eq(call(b, true, 60 * S), HEALER_BREAKER_OK);
        ck_assert_int_eq(healer_breaker_acquire(b, 60 * S, &t), HEALER_BREAKER_OK);
        ck_assert_int_eq(call(b, true, 60 * S), HEALER_BREAKER_REJECT_PROBES);
        healer_breaker_ignore(b, &t);
        ck_assert_int_eq(call(b, true, 60 * S), HEALER_BREAKER_OK);
        ck_state(b, CLOSED);
        healer_breaker_destroy(b);
}
END_TEST

START_TEST(rule_5_sampling_judges_the_rate_after_n_trials)
{
        struct healer_breaker_config c = healer_breaker_config_defaults();
        struct healer_breaker *b;

        c.half_open_sample = 4;
        b = half_open(&c);
        call(b, false, 60 * S);
        call(b, true, 60 * S);
        call(b, true, 60 * S);
        ck_state(b, HALF_OPEN);
        call(b, true, 60 * S);
        ck_state(b, CLOSED);
        healer_breaker_destroy(b);
        b = half_open(&c);
        for (int i = 0; i < 4; i++)
                call(b, i < 2, 60 * S);
        ck_state(b, OPEN); /* exactly half */
        healer_breaker_destroy(b);
}
END_TEST

START_TEST(rule_5_a_trial_that_fails_at_once_closes_what_was_opened_for_holding_calls)
{
        struct healer_breaker_config c = healer_breaker_config_defaults();
        struct healer_breaker_ticket t;
        struct healer_breaker *b;

        c.fast_failure_ns = S;
        c.success_threshold = 1;
        b = half_open(&c);
        ck_assert_int_eq(healer_breaker_acquire(b, 60 * S, &t), HEALER_BREAKER_OK);
        healer_breaker_failure(b, &t, 1, 60 * S + MS);
        ck_state(b, CLOSED);
        healer_breaker_destroy(b);
        b = half_open(&c);
        ck_assert_int_eq(healer_breaker_acquire(b, 60 * S, &t), HEALER_BREAKER_OK);
        healer_breaker_failure(b, &t, 1, 61 * S);
        ck_state(b, OPEN);
        healer_breaker_destroy(b);
}
END_TEST

START_TEST(rule_5_slow_trials_fail_only_if_slow_calls_trip)
{
        struct healer_breaker_config c = healer_breaker_config_defaults();
        struct healer_breaker_ticket t;
        struct healer_breaker *b;

        c.slow_call_ns = MS;
        b = half_open(&c);
        ck_assert_int_eq(healer_breaker_acquire(b, 60 * S, &t), HEALER_BREAKER_OK);
        healer_breaker_success(b, &t, 61 * S);
        ck_state(b, HALF_OPEN);
        healer_breaker_destroy(b);
        c.mode = HEALER_BREAKER_TIME_RATE;
        b = half_open(&c);
        ck_assert_int_eq(healer_breaker_acquire(b, 60 * S, &t), HEALER_BREAKER_OK);
        healer_breaker_success(b, &t, 61 * S);
        ck_state(b, OPEN);
        healer_breaker_destroy(b);
}
END_TEST

/* ---- rule 6: leases and the longest wait ---- */

START_TEST(rule_6_an_unreported_trial_loses_its_place_when_the_lease_ends)
{
        struct healer_breaker_config c = healer_breaker_config_defaults();
        struct healer_breaker *b = half_open(&c);
        struct healer_breaker_ticket hung[3], t;

        for (int i = 0; i < 3; i++)
                ck_assert_int_eq(healer_breaker_acquire(b, 60 * S, &hung[i]), HEALER_BREAKER_OK);
        ck_assert_int_eq(healer_breaker_acquire(b, 120 * S - 1, &t), HEALER_BREAKER_REJECT_PROBES);
        ck_assert_int_eq(t.retry_after_ns, 1);
        ck_assert_int_eq(healer_breaker_acquire(b, 120 * S, &t), HEALER_BREAKER_OK);
        ck_assert_uint_eq(snap(b, 120 * S).lifetime.leased_out, 3);
        healer_breaker_failure(b, &hung[0], 1, 121 * S); /* late: decides nothing */
        ck_state(b, HALF_OPEN);
        ck_assert_uint_eq(snap(b, 121 * S).lifetime.late, 1);
        healer_breaker_success(b, &t, 121 * S);
        ck_assert_int_eq(call(b, true, 121 * S), HEALER_BREAKER_OK);
        ck_state(b, CLOSED);
        healer_breaker_destroy(b);
}
END_TEST

START_TEST(rule_6_the_lease_is_the_calls_own_timeout_if_it_has_one)
{
        struct healer_breaker_config c = healer_breaker_config_defaults();
        struct healer_breaker_ticket t;
        struct healer_breaker *b;

        c.half_open_max_calls = 2;
        b = half_open(&c);
        ck_assert_int_eq(healer_breaker_acquire_for(b, 2 * S, 60 * S, &t), HEALER_BREAKER_OK);
        ck_assert_int_eq(healer_breaker_poll(b, 60 * S), 62 * S);
        healer_breaker_poll(b, 62 * S);
        ck_assert_uint_eq(snap(b, 62 * S).trials_in_flight, 0);
        healer_breaker_destroy(b);
        c.probe_lease_ns = 5 * S;
        b = half_open(&c);
        ck_assert_int_eq(healer_breaker_acquire_for(b, 2 * S, 60 * S, &t), HEALER_BREAKER_OK);
        ck_assert_int_eq(healer_breaker_poll(b, 60 * S), 65 * S);
        healer_breaker_destroy(b);
}
END_TEST

START_TEST(rule_6_half_open_without_a_decision_ends_as_configured)
{
        struct healer_breaker_config c = healer_breaker_config_defaults();
        struct healer_breaker *b;

        c.half_open_max_wait_ns = 10 * S;
        b = half_open(&c);
        healer_breaker_poll(b, 70 * S - 1);
        ck_state(b, HALF_OPEN);
        ck_assert_int_eq(call(b, true, 70 * S), HEALER_BREAKER_REJECT_OPEN);
        ck_state(b, OPEN);
        healer_breaker_destroy(b);
        c.half_open_wait_closes = 1;
        b = half_open(&c);
        healer_breaker_poll(b, 70 * S);
        ck_state(b, CLOSED);
        healer_breaker_destroy(b);
}
END_TEST

/* ---- rule 7: generations ---- */

START_TEST(rule_7_every_transition_raises_the_generation_and_clears_the_new_states_counters)
{
        struct healer_breaker *b = make_default();
        uint64_t before = snap(b, 0).generation;

        fail_times(b, 4, 0);
        healer_breaker_reset(b, 0);
        ck_assert_uint_eq(snap(b, 0).generation, before + 1);
        fail_times(b, 4, 0);
        ck_state(b, CLOSED);
        fail_times(b, 1, 0);
        ck_assert_uint_eq(snap(b, 0).generation, before + 2);
        healer_breaker_destroy(b);
}
END_TEST

START_TEST(rule_7_a_report_of_another_generation_counts_as_late_and_decides_nothing)
{
        struct healer_breaker *b = make_default();
        struct healer_breaker_ticket t[8];

        for (int i = 0; i < 8; i++)
                ck_assert_int_eq(healer_breaker_acquire(b, 0, &t[i]), HEALER_BREAKER_OK);
        healer_breaker_reset(b, 0);
        for (int i = 0; i < 8; i++)
                healer_breaker_failure(b, &t[i], 1, 0);
        ck_state(b, CLOSED);
        ck_assert_uint_eq(snap(b, 0).lifetime.late, 8);
        ck_assert_uint_eq(snap(b, 0).lifetime.failed, 8);
        ck_assert_uint_eq(snap(b, 0).row, 0);
        healer_breaker_destroy(b);
}
END_TEST

START_TEST(rule_7_a_second_report_has_no_effect_and_is_counted)
{
        struct healer_breaker_config c = healer_breaker_config_defaults();
        struct healer_breaker *b = half_open(&c);
        struct healer_breaker_ticket t, copy;

        ck_assert_int_eq(healer_breaker_acquire(b, 60 * S, &t), HEALER_BREAKER_OK);
        copy = t;
        healer_breaker_success(b, &t, 60 * S);
        healer_breaker_success(b, &t, 60 * S);
        ck_assert_uint_eq(snap(b, 60 * S).lifetime.reported_twice, 1);
        healer_breaker_success(b, &copy, 60 * S); /* not even by a copy of a trial's ticket */
        ck_state(b, HALF_OPEN);
        ck_assert_uint_eq(snap(b, 60 * S).lifetime.trials_ok, 1);
        healer_breaker_destroy(b);
}
END_TEST

/* ---- rule 8: ignored results and hands ---- */

START_TEST(rule_8_ignored_results_touch_nothing_but_a_counter)
{
        struct healer_breaker *b = make_default();
        struct healer_breaker_ticket t;

        fail_times(b, 4, 0);
        ck_assert_int_eq(healer_breaker_acquire(b, 0, &t), HEALER_BREAKER_OK);
        healer_breaker_ignore(b, &t);
        ck_assert_uint_eq(snap(b, 0).row, 4);
        ck_assert_uint_eq(snap(b, 0).lifetime.ignored, 1);
        fail_times(b, 1, 0);
        ck_state(b, OPEN);
        healer_breaker_destroy(b);
}
END_TEST

typedef void hand(struct healer_breaker *, int64_t);

static void bring_to(struct healer_breaker *b, int state)
{
        healer_breaker_reset(b, 0);
        if (state == HEALER_BREAKER_OPEN || state == HEALER_BREAKER_HALF_OPEN ||
            state == HEALER_BREAKER_PARTIAL)
                healer_breaker_trip(b, 0);
        if (state == HEALER_BREAKER_HALF_OPEN || state == HEALER_BREAKER_PARTIAL)
                healer_breaker_poll(b, 60 * S);
        if (state == HEALER_BREAKER_PARTIAL) {
                call(b, true, 60 * S);
                call(b, true, 60 * S);
        }
        if (state == HEALER_BREAKER_FORCED_OPEN)
                healer_breaker_force_open(b, 0);
        if (state == HEALER_BREAKER_DISABLED)
                healer_breaker_disable(b, 0);
        if (state == HEALER_BREAKER_METRICS_ONLY)
                healer_breaker_metrics_only(b, 0);
        ck_assert_int_eq(healer_breaker_state(b), state);
}

START_TEST(rule_8_hand_controls_are_legal_from_every_state_idempotent_and_logged)
{
        struct healer_breaker_config c = healer_breaker_config_defaults();
        static hand *const hands[] = {healer_breaker_force_open, healer_breaker_disable,
                                      healer_breaker_metrics_only, healer_breaker_trip};
        static const int targets[] = {HEALER_BREAKER_FORCED_OPEN, HEALER_BREAKER_DISABLED,
                                      HEALER_BREAKER_METRICS_ONLY, HEALER_BREAKER_OPEN};

        c.automatic = 1;
        c.partial_steps = 3;
        for (int state = 0; state < HEALER_BREAKER_STATE_COUNT; state++)
                for (int h = 0; h < 4; h++) {
                        struct healer_breaker *b = make(&c);
                        struct healer_breaker_snapshot first;
                        int want = targets[h];

                        bring_to(b, state);
                        if (want == HEALER_BREAKER_OPEN && state == HEALER_BREAKER_FORCED_OPEN)
                                want = HEALER_BREAKER_FORCED_OPEN; /* trip weakens nothing */
                        hands[h](b, 60 * S);
                        ck_assert_int_eq(healer_breaker_state(b), want);
                        first = snap(b, 60 * S);
                        if (state != want)
                                ck_assert_uint_eq(first.transitions[state][want], 1);
                        hands[h](b, 61 * S);
                        ck_assert_uint_eq(snap(b, 61 * S).generation, first.generation);
                        healer_breaker_destroy(b);
                }
}
END_TEST

START_TEST(rule_8_s0_07_s3_05_reset_is_a_fresh_closed_from_every_state)
{
        struct healer_breaker_config c = healer_breaker_config_defaults();

        c.automatic = 1;
        c.partial_steps = 3;
        for (int state = 0; state < HEALER_BREAKER_STATE_COUNT; state++) {
                struct healer_breaker *b = make(&c);
                struct healer_breaker_snapshot s;
                uint64_t logged;

                fail_times(b, 4, 0);
                bring_to(b, state);
                logged = snap(b, 60 * S).transitions[state][HEALER_BREAKER_CLOSED];
                healer_breaker_reset(b, 60 * S);
                s = snap(b, 60 * S);
                ck_assert_uint_eq(s.state, HEALER_BREAKER_CLOSED);
                ck_assert_uint_eq(s.transitions[state][HEALER_BREAKER_CLOSED], logged + 1);
                ck_assert_uint_eq(s.since_reset.failed, 0);
                ck_assert_uint_eq(s.since_reset.ok, 0);
                ck_assert_uint_eq(s.row, 0);
                ck_assert_uint_eq(s.reopens, 0);
                ck_assert_int_eq(s.last_failure_code, 0);
                ck_assert_uint_eq(s.lifetime.failed, 4); /* what is exported never falls */
                fail_times(b, 4, 60 * S);
                ck_state(b, CLOSED);
                healer_breaker_destroy(b);
        }
}
END_TEST

START_TEST(rule_8_s3_05_forced_open_holds_until_released)
{
        struct healer_breaker *b = make_default();
        struct healer_breaker_ticket t;

        healer_breaker_force_open(b, 0);
        ck_assert_int_eq(healer_breaker_acquire(b, 1000000 * S, &t), HEALER_BREAKER_REJECT_FORCED);
        ck_assert_int_eq(t.retry_after_ns, HEALER_NEVER);
        ck_assert_int_eq(healer_breaker_poll(b, 1000001 * S), HEALER_NEVER);
        healer_breaker_reset(b, 1000002 * S);
        ck_assert_int_eq(call(b, true, 1000002 * S), HEALER_BREAKER_OK);
        healer_breaker_destroy(b);
}
END_TEST

START_TEST(rule_8_disabled_watches_nothing_and_metrics_only_never_trips)
{
        struct healer_breaker_config c = rate_config(HEALER_BREAKER_COUNT_RATE);
        struct healer_breaker *b = make(&c);

        healer_breaker_disable(b, 0);
        fail_times(b, 50, 0);
        ck_assert_uint_eq(snap(b, 0).window_calls, 0);
        healer_breaker_metrics_only(b, 0);
        fail_times(b, 50, 0);
        ck_state(b, METRICS_ONLY);
        ck_assert_uint_eq(snap(b, 0).window_failed, 50);
        ck_assert_double_eq(snap(b, 0).failure_rate_percent, 100);
        healer_breaker_destroy(b);
}
END_TEST

/* ---- rule 9: export and partial level ---- */

START_TEST(rule_9_s0_06_s0_32_export_equals_a_replay_of_the_event_log)
{
        struct healer_event_ring_config rc = healer_event_ring_config_defaults();
        struct healer_breaker_config c = healer_breaker_config_defaults();
        struct healer_event_ring *ring;
        struct healer_event e;
        struct healer_breaker *b;
        struct healer_breaker_snapshot s;
        int64_t in_state[HEALER_BREAKER_STATE_COUNT] = {0}, since = 0, now = 0;
        uint64_t pairs[HEALER_BREAKER_STATE_COUNT][HEALER_BREAKER_STATE_COUNT] = {{0}};
        uint64_t generation = 1, random = 1;
        uint32_t state = HEALER_BREAKER_CLOSED;

        rc.capacity = 65536;
        ck_assert_int_eq(healer_event_ring_create(&rc, &ring), HEALER_OK);
        c.events = ring;
        c.id = 42;
        c.failure_threshold = 3;
        c.partial_steps = 3;
        b = make(&c);
        for (int i = 0; i < 20000; i++) {
                now += (int64_t)(model_random(&random) % (uint64_t)(5 * S));
                call(b, model_random(&random) % 100 < 60, now);
        }
        while (healer_event_ring_pop(ring, &e) == HEALER_OK) {
                ck_assert_uint_eq(e.source_id, 42);
                ck_assert_uint_eq(e.from, state);
                ck_assert_uint_eq(e.generation, ++generation);
                in_state[state] += e.at_ns - since;
                pairs[e.from][e.to]++;
                since = e.at_ns;
                state = e.to;
        }
        in_state[state] += now - since;
        s = snap(b, now);
        ck_assert_uint_eq(s.state, state);
        ck_assert_uint_eq(s.generation, generation);
        ck_assert_uint_gt(pairs[HEALER_BREAKER_CLOSED][HEALER_BREAKER_OPEN], 10);
        for (int i = 0; i < HEALER_BREAKER_STATE_COUNT; i++) {
                ck_assert_int_eq(s.in_state_ns[i], in_state[i]);
                for (int j = 0; j < HEALER_BREAKER_STATE_COUNT; j++)
                        ck_assert_uint_eq(s.transitions[i][j], pairs[i][j]);
        }
        ck_assert_double_eq_tol(s.half_open_success_ratio,
                                (double)s.lifetime.trials_ok /
                                        (double)(s.lifetime.trials_ok + s.lifetime.trials_failed),
                                1e-12);
        healer_breaker_destroy(b);
        healer_event_ring_destroy(ring);
}
END_TEST

START_TEST(rule_9_s3_05_the_score_formula_is_exact)
{
        struct healer_breaker *b = make_default();

        ck_assert_uint_eq(snap(b, 0).score, 100);
        for (int i = 0; i < 3; i++)
                call(b, i != 0, 0);
        ck_assert_uint_eq(snap(b, 0).score, 67);
        fail_times(b, 5, 0); /* 2 of 8, open */
        ck_assert_uint_eq(snap(b, 0).score, 6);
        ck_assert_int_eq(call(b, true, 60 * S), HEALER_BREAKER_OK); /* 3 of 9, half-open */
        ck_assert_uint_eq(snap(b, 60 * S).score, 17);
        healer_breaker_destroy(b);
}
END_TEST

START_TEST(rule_9_counts_by_outcome_reason_and_last_failure)
{
        struct healer_breaker *b = make_default();
        struct healer_breaker_ticket t;
        struct healer_breaker_snapshot s;

        call(b, true, S);
        ck_assert_int_eq(healer_breaker_acquire(b, S, &t), HEALER_BREAKER_OK);
        healer_breaker_cancel(b, &t);
        fail_times(b, 5, 2 * S);
        call(b, true, 3 * S);
        healer_breaker_force_open(b, 4 * S);
        call(b, true, 5 * S);
        s = snap(b, 5 * S);
        ck_assert_uint_eq(s.lifetime.ok, 1);
        ck_assert_uint_eq(s.lifetime.failed, 5);
        ck_assert_uint_eq(s.lifetime.cancelled, 1);
        ck_assert_uint_eq(s.lifetime.rejected[HEALER_BREAKER_REJECT_OPEN], 1);
        ck_assert_uint_eq(s.lifetime.rejected[HEALER_BREAKER_REJECT_FORCED], 1);
        ck_assert_int_eq(s.last_failure_code, 7);
        ck_assert_int_eq(s.last_failure_at_ns, 2 * S);
        ck_assert_int_eq(s.in_state_for_ns, S);
        healer_breaker_destroy(b);
}
END_TEST

static int admitted_of(struct healer_breaker *b, int n, int64_t now)
{
        int admitted = 0;

        for (int i = 0; i < n; i++)
                admitted += call(b, true, now) == HEALER_BREAKER_OK;
        return admitted;
}

START_TEST(rule_9_s0_37_the_partial_level_admits_25_50_75_100_percent_and_steps_back)
{
        struct healer_breaker_config c = healer_breaker_config_defaults();
        struct healer_breaker *b;
        int64_t now = 60 * S;

        c.partial_steps = 3;
        b = half_open(&c);
        call(b, true, now);
        call(b, true, now);
        ck_state(b, PARTIAL);
        ck_assert_int_eq(admitted_of(b, 400, now), 100);
        ck_assert_int_eq(admitted_of(b, 400, now + 10 * S - 1), 100);
        now += 10 * S;
        ck_assert_int_eq(admitted_of(b, 400, now), 200);
        ck_assert_uint_eq(snap(b, now).partial_percent, 50);
        now += 10 * S;
        ck_assert_int_eq(admitted_of(b, 400, now), 300);
        for (int failed = 0; failed < 5;) /* a burst: one step back */
                failed += call(b, false, now) == HEALER_BREAKER_OK;
        ck_state(b, PARTIAL);
        ck_assert_int_eq(admitted_of(b, 400, now), 200);
        now += 10 * S;
        ck_assert_int_eq(admitted_of(b, 400, now), 300);
        now += 10 * S;
        ck_assert_int_eq(admitted_of(b, 400, now), 400);
        ck_state(b, CLOSED);
        healer_breaker_destroy(b);

        b = half_open(&c); /* a burst on the lowest step opens */
        now = 60 * S;
        call(b, true, now);
        call(b, true, now);
        for (int failed = 0; failed < 5;)
                failed += call(b, false, now) == HEALER_BREAKER_OK;
        ck_state(b, OPEN);
        healer_breaker_destroy(b);
}
END_TEST

START_TEST(s0_01_a_scripted_run_goes_closed_open_half_open_closed_at_the_expected_times)
{
        struct healer_event_ring_config rc = healer_event_ring_config_defaults();
        struct healer_breaker_config c = healer_breaker_config_defaults();
        static const struct {
                uint32_t to, cause;
                int64_t at_ns;
        } want[] = {
                {HEALER_BREAKER_OPEN, HEALER_BREAKER_BY_FAILURES, 5 * S},
                {HEALER_BREAKER_HALF_OPEN, HEALER_BREAKER_BY_ELAPSED, 65 * S},
                {HEALER_BREAKER_CLOSED, HEALER_BREAKER_BY_TRIALS_GOOD, 66 * S},
        };
        struct healer_event_ring *ring;
        struct healer_breaker *b;
        struct healer_event e;

        ck_assert_int_eq(healer_event_ring_create(&rc, &ring), HEALER_OK);
        c.events = ring;
        b = make(&c);
        for (int i = 1; i <= 80; i++)
                call(b, i > 5, i * S);
        for (size_t i = 0; i < 3; i++) {
                ck_assert_int_eq(healer_event_ring_pop(ring, &e), HEALER_OK);
                ck_assert_uint_eq(e.to, want[i].to);
                ck_assert_uint_eq(e.cause, want[i].cause);
                ck_assert_int_eq(e.at_ns, want[i].at_ns);
        }
        ck_assert_int_eq(healer_event_ring_pop(ring, &e), HEALER_E_NOT_FOUND);
        healer_breaker_destroy(b);
        healer_event_ring_destroy(ring);
}
END_TEST

/* ---- time ---- */

START_TEST(time_that_goes_back_stands_still_and_is_counted)
{
        struct healer_breaker *b = make_default();

        fail_times(b, 4, 100 * S);
        fail_times(b, 1, 10 * S);
        ck_state(b, OPEN);
        ck_assert_int_eq(snap(b, 100 * S).retry_at_ns, 160 * S);
        ck_assert_uint_gt(snap(b, 100 * S).time_went_back, 0);
        ck_assert_int_eq(call(b, true, INT64_MIN), HEALER_BREAKER_REJECT_OPEN);
        healer_breaker_destroy(b);
}
END_TEST

START_TEST(absurd_times_saturate)
{
        struct healer_breaker_config c = healer_breaker_config_defaults();
        struct healer_breaker *b;

        c.open_for_ns = INT64_MAX;
        c.open_multiplier = 1000;
        c.open_jitter_ratio = 10;
        b = make(&c);
        fail_times(b, 5, INT64_MAX - 1);
        ck_state(b, OPEN);
        ck_assert_int_eq(snap(b, INT64_MAX - 1).retry_at_ns, HEALER_NEVER);
        ck_assert_int_eq(call(b, true, INT64_MAX - 1), HEALER_BREAKER_REJECT_OPEN);
        healer_breaker_destroy(b);
}
END_TEST

static void hook(void *ctx, const struct healer_event *event)
{
        struct healer_breaker **b = ctx;

        if (event->to == HEALER_BREAKER_OPEN) /* call back in, from inside */
                healer_breaker_reset(*b, event->at_ns);
}

START_TEST(a_transition_callback_may_call_back_into_the_breaker)
{
        struct healer_breaker_config c = healer_breaker_config_defaults();
        struct healer_breaker *b = NULL;

        c.on_transition = hook;
        c.on_transition_ctx = &b;
        b = make(&c);
        fail_times(b, 5, 0);
        ck_state(b, CLOSED);
        ck_assert_uint_eq(snap(b, 0).transitions[HEALER_BREAKER_OPEN][HEALER_BREAKER_CLOSED], 1);
        healer_breaker_destroy(b);
}
END_TEST

/* ---- the model ---- */

enum { OP_ACQUIRE = 0, OP_SUCCESS, OP_FAILURE, OP_IGNORE, OP_CANCEL, OP_POLL, OP_HAND, OP_KINDS };
static const char *const op_names[] = {"acquire", "success", "failure", "ignore",
                                       "cancel",  "poll",    "hand"};
enum { TICKETS = 12, ENTRIES = 4096 };

struct entry {
        int64_t at;
        bool failed, slow;
};

/* Says everything as the rules say it, keeps every outcome, and counts anew each time. */
struct model {
        const struct healer_breaker_config *c;
        int64_t now, entered, retry_at;
        uint32_t state, step, reopens;
        uint64_t generation;
        struct entry entries[ENTRIES];
        int entries_n;
        uint32_t trials_ok, trials_failed, admitted_total;
        uint64_t partial_seen;
        uint64_t late, leased_out, twice;
        struct {
                bool live, trial_running;
                uint64_t generation;
                uint32_t state;
                int64_t started, lease_ends;
        } tickets[TICKETS];
};

static void model_go(struct model *m, uint32_t to, uint32_t step)
{
        double ns = (double)m->c->open_for_ns;

        if (to == HEALER_BREAKER_OPEN) {
                if (m->state == HEALER_BREAKER_HALF_OPEN)
                        m->reopens++;
                for (uint32_t i = 0; i < m->reopens; i++)
                        ns = fmin(ns * m->c->open_multiplier, (double)m->c->open_for_max_ns);
                m->retry_at = m->now + (int64_t)ns;
        } else if (to != HEALER_BREAKER_HALF_OPEN && to != HEALER_BREAKER_FORCED_OPEN) {
                m->reopens = 0;
        }
        m->state = to;
        m->step = step;
        m->entered = m->now;
        m->generation++;
        m->entries_n = 0;
        m->trials_ok = m->trials_failed = m->admitted_total = 0;
        m->partial_seen = 0;
        for (int i = 0; i < TICKETS; i++)
                m->tickets[i].trial_running = false;
}

static void model_close(struct model *m)
{
        if (m->c->partial_steps)
                model_go(m, HEALER_BREAKER_PARTIAL, 1);
        else
                model_go(m, HEALER_BREAKER_CLOSED, 0);
}

static uint32_t model_places(const struct model *m)
{
        uint32_t n = 0;

        if (m->c->quota == HEALER_BREAKER_QUOTA_TOTAL)
                return m->admitted_total;
        for (int i = 0; i < TICKETS; i++)
                n += m->tickets[i].trial_running;
        return n;
}

static uint32_t model_end_leases(struct model *m)
{
        uint32_t ended = 0;

        for (int i = 0; i < TICKETS; i++)
                if (m->tickets[i].trial_running && m->tickets[i].lease_ends <= m->now) {
                        m->tickets[i].trial_running = false;
                        m->admitted_total--;
                        m->leased_out++;
                        ended++;
                }
        return ended;
}

/* What time alone does; `by_call`: an acquire, else a poll. */
static void model_time(struct model *m, bool by_call)
{
        if (m->state == HEALER_BREAKER_OPEN && m->now >= m->retry_at &&
            (by_call || m->c->automatic))
                model_go(m, HEALER_BREAKER_HALF_OPEN, 0);
        else if (m->state == HEALER_BREAKER_HALF_OPEN && m->c->half_open_max_wait_ns &&
                 m->now - m->entered >= m->c->half_open_max_wait_ns) {
                if (m->c->half_open_wait_closes)
                        model_close(m);
                else
                        model_go(m, HEALER_BREAKER_OPEN, 0);
        } else if (m->state == HEALER_BREAKER_HALF_OPEN && !by_call) {
                model_end_leases(m);
        } else if (m->state == HEALER_BREAKER_PARTIAL &&
                   m->now - m->entered >= m->c->partial_dwell_ns) {
                if (m->step >= m->c->partial_steps)
                        model_go(m, HEALER_BREAKER_CLOSED, 0);
                else
                        model_go(m, HEALER_BREAKER_PARTIAL, m->step + 1);
        }
}

static enum healer_breaker_verdict model_acquire(struct model *m, int i)
{
        model_time(m, true);
        if (m->state == HEALER_BREAKER_OPEN)
                return HEALER_BREAKER_REJECT_OPEN;
        if (m->state == HEALER_BREAKER_FORCED_OPEN)
                return HEALER_BREAKER_REJECT_FORCED;
        if (m->state == HEALER_BREAKER_HALF_OPEN) {
                if (model_places(m) >= m->c->half_open_max_calls && !model_end_leases(m))
                        return HEALER_BREAKER_REJECT_PROBES;
                m->admitted_total++;
                m->tickets[i].trial_running = true;
                m->tickets[i].lease_ends =
                        m->now + (m->c->probe_lease_ns ? m->c->probe_lease_ns : m->c->open_for_ns);
        }
        if (m->state == HEALER_BREAKER_PARTIAL) {
                double share = (double)m->step / (m->c->partial_steps + 1);
                uint64_t n = m->partial_seen++;

                if (!(floor((double)(n + 1) * share + 1e-9) > floor((double)n * share + 1e-9)))
                        return HEALER_BREAKER_REJECT_PARTIAL;
        }
        m->tickets[i].live = true;
        m->tickets[i].generation = m->generation;
        m->tickets[i].state = m->state;
        m->tickets[i].started = m->now;
        return HEALER_BREAKER_OK;
}

static bool model_trips(struct model *m)
{
        const struct healer_breaker_config *c = m->c;
        uint32_t n = 0, failed = 0, slow = 0, row = 0;
        int64_t bucket = c->window_ns / c->buckets;

        if (c->mode == HEALER_BREAKER_COUNT_RATE || c->mode == HEALER_BREAKER_TIME_RATE) {
                uint32_t least = c->min_calls;

                if (c->mode == HEALER_BREAKER_COUNT_RATE && least > c->window_count)
                        least = c->window_count;
                for (int i = m->entries_n - 1; i >= 0; i--) {
                        if (c->mode == HEALER_BREAKER_COUNT_RATE && n == c->window_count)
                                break;
                        if (c->mode == HEALER_BREAKER_TIME_RATE &&
                            m->now / bucket - m->entries[i].at / bucket >= (int64_t)c->buckets)
                                break;
                        n++;
                        failed += m->entries[i].failed;
                        slow += m->entries[i].slow;
                }
                return n >= least && (failed * 100.0 >= c->failure_rate_percent * n ||
                                      (slow && slow * 100.0 >= c->slow_call_rate_percent * n));
        }
        if (!m->entries_n || !m->entries[m->entries_n - 1].failed)
                return false;
        for (int i = m->entries_n - 1; i >= 0; i--) {
                if (!m->entries[i].failed) {
                        if (c->mode == HEALER_BREAKER_WINDOWED_COUNT)
                                continue;
                        break;
                }
                if (c->mode != HEALER_BREAKER_CONSECUTIVE &&
                    m->now - m->entries[i].at >= c->window_ns)
                        break;
                row++;
        }
        return row >= c->failure_threshold;
}

static void model_report(struct model *m, int i, bool failed)
{
        const struct healer_breaker_config *c = m->c;
        int64_t took_ns = m->now - m->tickets[i].started;
        bool slow = c->slow_call_ns && took_ns > c->slow_call_ns;

        if (took_ns < c->fast_failure_ns)
                failed = false;
        if (!m->tickets[i].live) {
                m->twice++;
                return;
        }
        m->tickets[i].live = false;
        if (m->tickets[i].generation != m->generation) {
                m->late++;
        } else if (m->state == HEALER_BREAKER_HALF_OPEN) {
                uint32_t done;

                if (!m->tickets[i].trial_running) {
                        m->late++;
                        return;
                }
                m->tickets[i].trial_running = false;
                if (slow && (c->mode == HEALER_BREAKER_COUNT_RATE ||
                             c->mode == HEALER_BREAKER_TIME_RATE))
                        failed = true;
                m->trials_ok += !failed;
                m->trials_failed += failed;
                done = m->trials_ok + m->trials_failed;
                if (c->half_open_sample) {
                        if (done >= c->half_open_sample) {
                                if (100.0 * m->trials_failed >= c->failure_rate_percent * done)
                                        model_go(m, HEALER_BREAKER_OPEN, 0);
                                else
                                        model_close(m);
                        }
                } else if (failed) {
                        model_go(m, HEALER_BREAKER_OPEN, 0);
                } else if (m->trials_ok >= c->success_threshold) {
                        model_close(m);
                }
        } else if (m->state != HEALER_BREAKER_DISABLED) {
                if (m->entries_n == ENTRIES) {
                        memmove(m->entries, m->entries + ENTRIES / 2,
                                ENTRIES / 2 * sizeof(m->entries[0]));
                        m->entries_n = ENTRIES / 2;
                }
                m->entries[m->entries_n++] = (struct entry){m->now, failed, slow};
                if (m->state != HEALER_BREAKER_METRICS_ONLY && model_trips(m)) {
                        if (m->state == HEALER_BREAKER_PARTIAL && m->step > 1)
                                model_go(m, HEALER_BREAKER_PARTIAL, m->step - 1);
                        else
                                model_go(m, HEALER_BREAKER_OPEN, 0);
                }
        }
}

static void model_drop(struct model *m, int i)
{
        if (!m->tickets[i].live) {
                m->twice++;
                return;
        }
        m->tickets[i].live = false;
        if (m->tickets[i].trial_running) {
                m->tickets[i].trial_running = false;
                m->admitted_total--;
        }
}

static void model_hand(struct model *m, uint32_t which)
{
        static const uint32_t to[] = {HEALER_BREAKER_OPEN, HEALER_BREAKER_FORCED_OPEN,
                                      HEALER_BREAKER_DISABLED, HEALER_BREAKER_METRICS_ONLY,
                                      HEALER_BREAKER_CLOSED};

        if (which == 0 && (m->state == HEALER_BREAKER_OPEN || m->state == HEALER_BREAKER_FORCED_OPEN))
                return;
        if (which != 4 && m->state == to[which])
                return;
        model_go(m, to[which], 0);
}

static struct model_op draw_breaker_op(const void *config, uint64_t (*random)(uint64_t *),
                                       uint64_t *state)
{
        const struct healer_breaker_config *c = config;
        static const uint32_t kinds[32] = {
                OP_ACQUIRE, OP_ACQUIRE, OP_ACQUIRE, OP_ACQUIRE, OP_ACQUIRE, OP_ACQUIRE, OP_ACQUIRE,
                OP_ACQUIRE, OP_ACQUIRE, OP_ACQUIRE, OP_SUCCESS, OP_SUCCESS, OP_SUCCESS, OP_SUCCESS,
                OP_SUCCESS, OP_SUCCESS, OP_SUCCESS, OP_FAILURE, OP_FAILURE, OP_FAILURE, OP_FAILURE,
                OP_FAILURE, OP_FAILURE, OP_FAILURE, OP_FAILURE, OP_FAILURE, OP_IGNORE,  OP_CANCEL,
                OP_POLL,    OP_POLL,    OP_POLL,    OP_HAND};
        struct model_op op = {.kind = kinds[random(state) % 32],
                              .arg = (uint32_t)(random(state) % TICKETS)};
        uint64_t how = random(state) % 100;

        /* mostly small steps, often exactly a limit, at times long idleness */
        if (how < 50)
                op.after_ns = 0;
        else if (how < 85)
                op.after_ns = (int64_t)(random(state) % 1000) * MS;
        else if (how < 93)
                op.after_ns = c->open_for_ns - (int64_t)(random(state) % 2);
        else if (how < 99)
                op.after_ns = c->window_ns - (int64_t)(random(state) % 2);
        else
                op.after_ns = 1000 * S;
        if (op.kind == OP_HAND) {
                op.arg = (uint32_t)(random(state) % 40);
                if (op.arg > 4)
                        op.kind = OP_POLL; /* hands are rare, or nothing else would happen */
        }
        return op;
}

static long play_breaker(const void *config, const struct model_op *ops, size_t count, FILE *trace)
{
        const struct healer_breaker_config *c = config;
        static hand *const hands[] = {healer_breaker_trip, healer_breaker_force_open,
                                      healer_breaker_disable, healer_breaker_metrics_only,
                                      healer_breaker_reset};
        struct healer_breaker_ticket t[TICKETS];
        struct healer_breaker *b = make(c);
        struct model *m = calloc(1, sizeof(*m));
        long failed = -1;

        ck_assert_ptr_nonnull(m);
        memset(t, 0, sizeof(t));
        m->c = c;
        m->generation = 1;
        for (size_t i = 0; i < count && failed < 0; i++) {
                const struct model_op *op = &ops[i];
                enum healer_breaker_verdict got = HEALER_BREAKER_OK, want = HEALER_BREAKER_OK;
                struct healer_breaker_snapshot s;

                m->now += op->after_ns;
                if (op->kind == OP_ACQUIRE) {
                        if (m->tickets[op->arg].live)
                                continue;
                        want = model_acquire(m, (int)op->arg);
                        got = healer_breaker_acquire(b, m->now, &t[op->arg]);
                } else if (op->kind == OP_SUCCESS || op->kind == OP_FAILURE) {
                        model_report(m, (int)op->arg, op->kind == OP_FAILURE);
                        if (op->kind == OP_SUCCESS)
                                healer_breaker_success(b, &t[op->arg], m->now);
                        else
                                healer_breaker_failure(b, &t[op->arg], 1, m->now);
                } else if (op->kind == OP_IGNORE || op->kind == OP_CANCEL) {
                        model_drop(m, (int)op->arg);
                        if (op->kind == OP_IGNORE)
                                healer_breaker_ignore(b, &t[op->arg]);
                        else
                                healer_breaker_cancel(b, &t[op->arg]);
                } else if (op->kind == OP_POLL) {
                        model_time(m, false);
                        healer_breaker_poll(b, m->now);
                } else {
                        model_hand(m, op->arg);
                        hands[op->arg](b, m->now);
                }
                healer_breaker_snapshot(b, m->now, &s);
                if (trace)
                        fprintf(trace,
                                "#   %zu: %s: state %u/%u generation %llu/%llu verdict %d/%d "
                                "late %llu/%llu (real/model)\n",
                                i, op_names[op->kind], s.state, m->state,
                                (unsigned long long)s.generation,
                                (unsigned long long)m->generation, (int)got, (int)want,
                                (unsigned long long)s.lifetime.late, (unsigned long long)m->late);
                if (got != want || s.state != m->state || s.generation != m->generation ||
                    s.lifetime.late != m->late || s.lifetime.leased_out != m->leased_out ||
                    s.lifetime.reported_twice != m->twice || s.reopens != m->reopens ||
                    (m->state == HEALER_BREAKER_OPEN && s.retry_at_ns != m->retry_at) ||
                    (m->state == HEALER_BREAKER_HALF_OPEN &&
                     (s.trials_in_flight != model_places(m) ||
                      s.trials_in_flight > c->half_open_max_calls)))
                        failed = (long)i;
        }
        free(m);
        healer_breaker_destroy(b);
        return failed;
}

static struct healer_breaker_config model_config(int mode, int variant)
{
        struct healer_breaker_config c = healer_breaker_config_defaults();

        c.mode = (uint32_t)mode;
        c.window_ns = 10 * S;
        c.buckets = 10;
        c.window_count = 7;
        c.min_calls = 4;
        c.open_for_ns = 4 * S;
        c.slow_call_ns = 600 * MS;
        c.failure_threshold = 3;
        c.threads = variant & 1 ? HEALER_THREADS_ONE : HEALER_THREADS_MANY;
        if (variant >= 2) {
                c.open_multiplier = 2;
                c.open_for_max_ns = 20 * S;
                c.partial_steps = 3;
                c.partial_dwell_ns = 2 * S;
                c.automatic = 1;
                c.probe_lease_ns = 3 * S;
        }
        if (variant >= 4) {
                c.half_open_sample = 3;
                c.half_open_max_wait_ns = 9 * S;
                c.quota = HEALER_BREAKER_QUOTA_TOTAL;
                c.half_open_wait_closes = variant & 1;
        }
        if (variant & 1)
                c.fast_failure_ns = 300 * MS;
        return c;
}

START_TEST(a_million_random_steps_per_mode_agree_with_the_slow_model)
{
        struct model_suite suite = {"breaker", op_names, play_breaker, draw_breaker_op};

        for (int variant = 0; variant < 6; variant++) {
                struct healer_breaker_config c = model_config(_i, variant);

                ck_assert_int_eq(model_check(&suite, &c, 1000003u * (unsigned)(_i * 6 + variant),
                                             170000, 500),
                                 0);
        }
}
END_TEST

/* ---- threads ---- */

struct arena {
        struct healer_breaker *b;
        _Atomic int64_t now;
        _Atomic int in_flight_trials;
        _Atomic int most_trials;
        _Atomic uint64_t ok, failed, ignored, rejected;
        _Atomic int stop;
        uint32_t max_trials;
};

static void *hammer(void *arg)
{
        struct arena *a = arg;
        uint64_t random = (uint64_t)(uintptr_t)&random;
        uint64_t newest_generation = 0;

        for (int i = 0; i < EFFORT(60000, 10000); i++) {
                struct healer_breaker_ticket t;
                int64_t now = atomic_fetch_add(&a->now, 3 * MS);
                uint64_t r = model_random(&random);
                int trials = 0;

                if (healer_breaker_acquire(a->b, now, &t) != HEALER_BREAKER_OK) {
                        atomic_fetch_add(&a->rejected, 1);
                        continue;
                }
                ck_assert_uint_ge(t.generation, newest_generation);
                newest_generation = t.generation;
                if (t.state == HEALER_BREAKER_HALF_OPEN) {
                        struct healer_breaker_snapshot s;

                        healer_breaker_snapshot(a->b, now, &s);
                        if (s.state == HEALER_BREAKER_HALF_OPEN)
                                trials = (int)s.trials_in_flight;
                        if (trials > atomic_load(&a->most_trials))
                                atomic_store(&a->most_trials, trials);
                }
                if (r % 16 == 0) {
                        atomic_fetch_add(&a->ignored, 1);
                        healer_breaker_ignore(a->b, &t);
                } else if (r >> 8 & 1) {
                        atomic_fetch_add(&a->failed, 1);
                        healer_breaker_failure(a->b, &t, 1, now);
                } else {
                        atomic_fetch_add(&a->ok, 1);
                        healer_breaker_success(a->b, &t, now);
                }
        }
        return NULL;
}

START_TEST(threads_on_one_breaker_keep_the_quota_the_sums_and_a_way_out)
{
        struct healer_breaker_config c = model_config(_i, 0);
        struct healer_breaker_snapshot s;
        pthread_t threads[8];
        struct arena a;

        memset(&a, 0, sizeof(a));
        c.open_for_ns = 200 * MS;
        c.partial_steps = 3;
        c.partial_dwell_ns = 100 * MS;
        a.b = make(&c);
        a.max_trials = c.half_open_max_calls;
        for (int i = 0; i < 8; i++)
                ck_assert_int_eq(pthread_create(&threads[i], NULL, hammer, &a), 0);
        for (int i = 0; i < 8; i++)
                pthread_join(threads[i], NULL);
        healer_breaker_snapshot(a.b, a.now, &s);
        ck_assert_int_le(a.most_trials, (int)c.half_open_max_calls);
        ck_assert_uint_eq(s.lifetime.ok, a.ok);
        ck_assert_uint_eq(s.lifetime.failed, a.failed);
        ck_assert_uint_eq(s.lifetime.ignored, a.ignored);
        ck_assert_uint_eq(s.lifetime.rejected[1] + s.lifetime.rejected[2] + s.lifetime.rejected[4],
                          a.rejected);
        ck_assert_uint_gt(s.generation, 100);
        /* not wedged: whatever state this is, good calls close it */
        for (int64_t i = 0, now = a.now + 100 * S; i < 1000; i++, now += 10 * MS)
                call(a.b, true, now);
        ck_state(a.b, CLOSED);
        healer_breaker_destroy(a.b);
}
END_TEST

static Suite *suite(void)
{
        Suite *s = suite_create("breaker");
        TCase *t = tcase_create("rules");

        tcase_set_tags(t, "one_thread");
        tcase_add_test(t, rule_1_defaults_are_5_2_60s_3_60s);
        tcase_add_test(t, rule_1_s0_02_both_presets_trip_at_their_own_limits);
        tcase_add_test(t, every_bad_field_is_refused_by_name);
        tcase_add_test(t, a_config_of_unknown_size_is_refused);
        tcase_add_test(t, no_memory_is_an_answer);
        tcase_add_test(t, rule_2_s0_02_four_failures_stay_closed_and_the_fifth_opens);
        tcase_add_test(t, rule_2_a_success_in_between_restarts_the_row);
        tcase_add_test(t, rule_2_s3_02_a_failure_exactly_a_window_old_does_not_count);
        tcase_add_test(t, rule_2_consecutive_counts_failures_of_any_age);
        tcase_add_test(t, rule_2_windowed_count_ignores_successes_in_between);
        tcase_add_loop_test(t, rule_2_a_rate_trips_at_exactly_half_once_there_are_min_calls, 0, 2);
        tcase_add_loop_test(t, rule_2_slow_is_strictly_longer_and_a_slow_failure_counts_in_both, 0,
                            2);
        tcase_add_test(t, rule_2_min_calls_is_clamped_to_the_window_of_count_rate);
        tcase_add_test(t, rule_2_count_rate_forgets_the_outcome_a_window_ago);
        tcase_add_test(t, rule_3_an_entry_goes_when_its_bucket_is_a_full_window_old);
        tcase_add_test(t, rule_3_idle_time_expires_everything);
        tcase_add_test(t, rule_3_success_needs_no_clock_in_the_default_mode);
        tcase_add_test(t, rule_3_acquire_needs_a_clock_only_where_durations_are_looked_at);
        tcase_add_loop_test(t, rule_2_failures_that_hold_nobody_up_open_no_breaker_in_any_mode, 0,
                            HEALER_BREAKER_MODE_COUNT);
        tcase_add_test(t, rule_5_a_trial_that_fails_at_once_closes_what_was_opened_for_holding_calls);
        tcase_add_test(t, rule_4_s0_03_open_for_exactly_elapsed_admits_one_trial);
        tcase_add_test(t, rule_4_refused_calls_and_late_failures_never_move_the_deadline);
        tcase_add_test(
                t, rule_4_open_time_grows_by_the_multiplier_to_max_and_starts_again_after_a_close);
        tcase_add_test(t,
                       rule_4_s0_08_jitter_spreads_the_trials_of_many_breakers_and_follows_the_seed);
        tcase_add_test(t, rule_4_poll_opens_the_way_only_if_automatic);
        tcase_add_test(t, rule_5_s0_04_of_ten_parallel_trials_three_are_admitted);
        tcase_add_test(t, rule_5_ended_ignored_and_cancelled_trials_give_their_place_back);
        tcase_add_test(t, rule_5_the_first_failed_trial_reopens_at_once);
        tcase_add_test(t, rule_5_a_total_quota_admits_so_many_trials_per_phase);
        tcase_add_test(t, rule_5_sampling_judges_the_rate_after_n_trials);
        tcase_add_test(t, rule_5_slow_trials_fail_only_if_slow_calls_trip);
        tcase_add_test(t, rule_6_an_unreported_trial_loses_its_place_when_the_lease_ends);
        tcase_add_test(t, rule_6_the_lease_is_the_calls_own_timeout_if_it_has_one);
        tcase_add_test(t, rule_6_half_open_without_a_decision_ends_as_configured);
        tcase_add_test(
                t, rule_7_every_transition_raises_the_generation_and_clears_the_new_states_counters);
        tcase_add_test(t,
                       rule_7_a_report_of_another_generation_counts_as_late_and_decides_nothing);
        tcase_add_test(t, rule_7_a_second_report_has_no_effect_and_is_counted);
        tcase_add_test(t, rule_8_ignored_results_touch_nothing_but_a_counter);
        tcase_add_test(t, rule_8_hand_controls_are_legal_from_every_state_idempotent_and_logged);
        tcase_add_test(t, rule_8_s0_07_s3_05_reset_is_a_fresh_closed_from_every_state);
        tcase_add_test(t, rule_8_s3_05_forced_open_holds_until_released);
        tcase_add_test(t, rule_8_disabled_watches_nothing_and_metrics_only_never_trips);
        tcase_add_test(t, rule_9_s0_06_s0_32_export_equals_a_replay_of_the_event_log);
        tcase_add_test(t, rule_9_s3_05_the_score_formula_is_exact);
        tcase_add_test(t, rule_9_counts_by_outcome_reason_and_last_failure);
        tcase_add_test(
                t, rule_9_s0_37_the_partial_level_admits_25_50_75_100_percent_and_steps_back);
        tcase_add_test(
                t, s0_01_a_scripted_run_goes_closed_open_half_open_closed_at_the_expected_times);
        tcase_add_test(t, time_that_goes_back_stands_still_and_is_counted);
        tcase_add_test(t, absurd_times_saturate);
        tcase_add_test(t, a_transition_callback_may_call_back_into_the_breaker);
        suite_add_tcase(s, t);
        t = tcase_create("model");
        tcase_set_tags(t, "one_thread");
        tcase_set_timeout(t, 120);
        tcase_add_loop_test(t, a_million_random_steps_per_mode_agree_with_the_slow_model, 0,
                            HEALER_BREAKER_MODE_COUNT);
        suite_add_tcase(s, t);
        t = tcase_create("threads");
        tcase_set_timeout(t, 120);
        tcase_add_loop_test(t, threads_on_one_breaker_keep_the_quota_the_sums_and_a_way_out, 0,
                            HEALER_BREAKER_MODE_COUNT);
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
