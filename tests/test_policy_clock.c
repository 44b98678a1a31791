/* test_policy_clock.c - jumps of the machine's wall clock change nothing.
 *
 * Every reading of the wall clock in this binary - time(), gettimeofday(),
 * clock_gettime(CLOCK_REALTIME) - goes through the linker's wraps below, which
 * let it jump by an hour forth and back at each reading. One script is played
 * with and without that: what the policies answer must be the same. And jumps
 * of the clock that a caller does pass in: back, time stands still.
 */
#include "healer/protect.h"
#include "healer/restart.h"
#include "model_ops.h"
#include "policy_main.h"

#include <sys/time.h>
#include <time.h>

static int jumping;
static long readings;

static long jump_s(void)
{
        readings++;
        return jumping ? (readings % 2 ? 3600 : -3600) : 0;
}

/* named by the linker */
time_t __real_time(time_t *t);
time_t __wrap_time(time_t *t);
int __real_clock_gettime(clockid_t id, struct timespec *t);
int __wrap_clock_gettime(clockid_t id, struct timespec *t);
int __real_gettimeofday(struct timeval *t, void *zone);
int __wrap_gettimeofday(struct timeval *t, void *zone);

time_t __wrap_time(time_t *t)
{
        time_t now = __real_time(NULL) + jump_s();

        if (t)
                *t = now;
        return now;
}
int __wrap_clock_gettime(clockid_t id, struct timespec *t)
{
        int err = __real_clock_gettime(id, t);

        if (id == CLOCK_REALTIME)
                t->tv_sec += jump_s();
        return err;
}
int __wrap_gettimeofday(struct timeval *t, void *zone)
{
        int err = __real_gettimeofday(t, zone);

        t->tv_sec += jump_s();
        return err;
}

static int64_t virtual_ns;
static uint64_t random_state, trace;
static int64_t now(void *ctx)
{
        (void)ctx;
        return virtual_ns;
}
static void wait_until(void *ctx, int64_t until_ns, struct healer_cancel *cancel)
{
        (void)ctx, (void)cancel;
        virtual_ns = until_ns;
}
static int32_t call(void *ctx, const struct healer_attempt *attempt, void **value)
{
        (void)attempt;
        *value = ctx;
        virtual_ns += (int64_t)(model_random(&random_state) % 50) * NS_MS;
        return model_random(&random_state) % 3 == 0;
}
static void note(uint64_t x)
{
        trace = (trace ^ x) * UINT64_C(0x100000001b3);
}

/* All the policies around a flaky call for half an hour; a hash of all answers. */
static uint64_t play(void)
{
        struct healer_protect_config c = healer_protect_config_defaults();
        struct healer_breaker_config bc = healer_breaker_config_defaults();
        struct healer_rate_limit_config lc = healer_rate_limit_config_defaults();
        struct healer_bulkhead_config kc = healer_bulkhead_config_defaults();
        struct healer_retry_config rc = healer_retry_config_defaults();
        struct healer_degrade_config dc = healer_degrade_config_defaults();
        struct healer_protect *p;

        virtual_ns = 0;
        random_state = 17;
        trace = 0;
        bc.mode = HEALER_BREAKER_TIME_RATE;
        bc.open_for_ns = 5 * NS_S;
        bc.open_jitter_ratio = .5;
        c.now = now;
        c.wait = wait_until;
        c.timeout_ns = 40 * NS_MS;
        ck_assert_int_eq(healer_breaker_create(&bc, 0, &c.breaker), HEALER_OK);
        ck_assert_int_eq(healer_rate_limit_create(&lc, 0, &c.rate_limit), HEALER_OK);
        ck_assert_int_eq(healer_bulkhead_create(&kc, &c.bulkhead), HEALER_OK);
        ck_assert_int_eq(healer_retry_create(&rc, &c.retry), HEALER_OK);
        ck_assert_int_eq(healer_degrade_create(&dc, 0, &c.degrade), HEALER_OK);
        ck_assert_int_eq(healer_protect_create(&c, &p), HEALER_OK);
        while (virtual_ns < 1800 * NS_S) {
                struct healer_protect_request request = {
                        .priority = (uint32_t)(model_random(&random_state) % 500)};
                struct healer_protect_result r = healer_protect_call(p, call, NULL, &request);

                note((uint64_t)r.err << 32 | r.attempts << 8 | r.layer);
                note((uint64_t)r.retry_after_ns);
                note((uint64_t)virtual_ns);
                note(healer_degrade_update(c.degrade, (double)(model_random(&random_state) % 100),
                                           virtual_ns));
                note(healer_breaker_state(c.breaker));
                virtual_ns += 100 * NS_MS;
        }
        healer_protect_destroy(p);
        healer_degrade_destroy(c.degrade);
        healer_retry_destroy(c.retry);
        healer_bulkhead_destroy(c.bulkhead);
        healer_rate_limit_destroy(c.rate_limit);
        healer_breaker_destroy(c.breaker);
        return trace;
}

START_TEST(prove_4_jumps_of_an_hour_of_the_wall_clock_change_nothing)
{
        struct timespec a, b;
        uint64_t quiet, jumped;

        jumping = 0;
        quiet = play();
        jumping = 1;
        readings = 0;
        clock_gettime(CLOCK_REALTIME, &a); /* it does jump */
        clock_gettime(CLOCK_REALTIME, &b);
        ck_assert_int_ge(labs((long)(a.tv_sec - b.tv_sec)), 7100);
        jumped = play();
        jumping = 0;
        ck_assert_uint_eq(quiet, jumped);
        ck_assert_int_eq(readings, 2); /* and nobody has looked at it */
}
END_TEST

START_TEST(a_callers_clock_that_goes_back_an_hour_stands_still_and_wedges_nothing)
{
        struct healer_breaker_config bc = healer_breaker_config_defaults();
        struct healer_breaker_ticket t;
        struct healer_breaker_snapshot s;
        struct healer_breaker *b;
        const int64_t hour = 3600 * NS_S;

        ck_assert_int_eq(healer_breaker_create(&bc, hour, &b), HEALER_OK);
        healer_breaker_trip(b, hour);
        ck_assert_int_eq(healer_breaker_acquire(b, 0, &t), HEALER_BREAKER_REJECT_OPEN);
        ck_assert_int_eq(t.retry_after_ns, 60 * NS_S);
        healer_breaker_snapshot(b, hour, &s);
        ck_assert_uint_eq(s.time_went_back, 1);
        ck_assert_int_eq(s.retry_at_ns, hour + 60 * NS_S);
        /* an hour forth is an hour gone by: a trial, and what it leads to */
        ck_assert_int_eq(healer_breaker_acquire(b, 2 * hour, &t), HEALER_BREAKER_OK);
        healer_breaker_success(b, &t, hour);
        ck_assert_int_eq(healer_breaker_acquire(b, hour, &t), HEALER_BREAKER_OK);
        healer_breaker_success(b, &t, hour);
        ck_assert_int_eq(healer_breaker_state(b), HEALER_BREAKER_CLOSED);
        healer_breaker_destroy(b);
}
END_TEST

POLICY_MAIN("policy_clock", prove_4_jumps_of_an_hour_of_the_wall_clock_change_nothing,
            a_callers_clock_that_goes_back_an_hour_stands_still_and_wedges_nothing)
