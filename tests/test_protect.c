/* test_protect.c - the order of the layers around one call, and who cancels what. */
#include "healer/protect.h"
#include "policy_main.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

static int64_t clock_ns;
static int calls, fail_first, takes, value_of;
static int64_t seen_deadline;
static struct healer_cancel *cancel;
static int64_t now(void *ctx)
{
        (void)ctx;
        return clock_ns;
}
static void wait_for(void *ctx, int64_t until, struct healer_cancel *c)
{
        (void)ctx;
        if (c && cancel) { /* the caller gives up in the middle of the wait */
                clock_ns += (until - clock_ns) / 2;
                healer_cancel_set(cancel);
                return;
        }
        clock_ns = until;
}
static int32_t op(void *ctx, const struct healer_attempt *a, void **value)
{
        (void)ctx;
        calls++;
        clock_ns += takes;
        seen_deadline = a->deadline_ns;
        if (calls <= fail_first)
                return 500 + calls;
        *value = &value_of;
        return 0;
}
static bool backup(void *ctx, const struct healer_fallback_call *call, void **value)
{
        (void)call;
        *value = ctx;
        return true;
}

static struct healer_protect_config base(void)
{
        struct healer_protect_config c = healer_protect_config_defaults();

        c.now = now;
        c.wait = wait_for;
        calls = fail_first = takes = 0;
        clock_ns = 0;
        return c;
}
static struct healer_retry *retries(void)
{
        struct healer_retry_config c = healer_retry_config_defaults();
        struct healer_retry *r;

        c.jitter = HEALER_RETRY_JITTER_NONE;
        ck_assert_int_eq(healer_retry_create(&c, &r), HEALER_OK);
        return r;
}
static struct healer_breaker *breaker(void)
{
        struct healer_breaker_config c = healer_breaker_config_defaults();
        struct healer_breaker *b;

        ck_assert_int_eq(healer_breaker_create(&c, 0, &b), HEALER_OK);
        return b;
}
static struct healer_protect_result go(const struct healer_protect_config *c,
                                       const struct healer_protect_request *request)
{
        struct healer_protect_result r;
        struct healer_protect *p;

        ck_assert_msg(!healer_protect_config_check(c), "%s", healer_protect_config_check(c));
        ck_assert_int_eq(healer_protect_create(c, &p), HEALER_OK);
        r = healer_protect_call(p, op, NULL, request);
        healer_protect_destroy(p);
        return r;
}

START_TEST(s2_22_s3_10_a_call_failing_twice_then_succeeding_returns_its_own_value)
{
        struct healer_protect_config c = base();
        struct healer_protect_result r;

        c.retry = retries();
        fail_first = 2;
        r = go(&c, NULL);
        ck_assert_int_eq(r.err, HEALER_OK);
        ck_assert_ptr_eq(r.value, &value_of);
        ck_assert_uint_eq(r.attempts, 3);
        ck_assert_int_eq(clock_ns, 3 * NS_S);
        healer_retry_destroy(c.retry);
}
END_TEST

START_TEST(s3_01_an_open_breaker_returns_its_own_code_and_the_fallback_runs)
{
        struct healer_protect_config c = base();
        struct healer_fallback_handler h = healer_fallback_handler_defaults();
        struct healer_fallback_config fc = healer_fallback_config_defaults();
        struct healer_protect_result r;
        int stale = 1;

        c.breaker = breaker();
        healer_breaker_trip(c.breaker, 0);
        r = go(&c, NULL);
        ck_assert_int_eq(r.err, HEALER_E_REFUSED);
        ck_assert_int_eq(r.layer, HEALER_LAYER_BREAKER);
        ck_assert_int_eq(r.breaker_verdict, HEALER_BREAKER_REJECT_OPEN);
        ck_assert_int_eq(r.retry_after_ns, 60 * NS_S);
        ck_assert_int_eq(calls, 0);
        h.call = backup;
        h.ctx = &stale;
        fc.handlers = &h;
        fc.handler_count = 1;
        ck_assert_int_eq(healer_fallback_create(&fc, &c.fallback), HEALER_OK);
        r = go(&c, NULL);
        ck_assert_int_eq(r.err, HEALER_OK);
        ck_assert(r.from_fallback);
        ck_assert_ptr_eq(r.value, &stale);
        ck_assert_int_eq(calls, 0);
        healer_fallback_destroy(c.fallback);
        healer_breaker_destroy(c.breaker);
}
END_TEST

START_TEST(a_refusal_further_in_cancels_the_tickets_taken_further_out)
{
        struct healer_bulkhead_config bc = healer_bulkhead_config_defaults();
        struct healer_rate_limit_config rc = healer_rate_limit_config_defaults();
        struct healer_protect_config c = base();
        struct healer_breaker_snapshot s;
        struct healer_protect_result r;

        bc.max_concurrent = 0;
        c.wait = NULL;
        c.breaker = breaker();
        ck_assert_int_eq(healer_bulkhead_create(&bc, &c.bulkhead), HEALER_OK);
        ck_assert_int_eq(healer_rate_limit_create(&rc, 0, &c.rate_limit), HEALER_OK);
        for (int i = 0; i < 20; i++) {
                r = go(&c, NULL);
                ck_assert_int_eq(r.err, HEALER_E_REFUSED);
                ck_assert_int_eq(r.layer, HEALER_LAYER_BULKHEAD);
        }
        healer_breaker_snapshot(c.breaker, 0, &s);
        ck_assert_uint_eq(s.lifetime.cancelled, 20);
        ck_assert_uint_eq(s.lifetime.failed, 0); /* no failure of the target */
        ck_assert_uint_eq(s.state, HEALER_BREAKER_CLOSED);
        ck_assert_uint_eq(healer_rate_limit_left(c.rate_limit, 0), 50);
        healer_breaker_destroy(c.breaker);
        healer_bulkhead_destroy(c.bulkhead);
        healer_rate_limit_destroy(c.rate_limit);
}
END_TEST

START_TEST(a_late_value_is_not_used_and_counts_as_a_failure_of_the_target)
{
        struct healer_protect_config c = base();
        struct healer_breaker_snapshot s;
        struct healer_protect_result r;

        c.breaker = breaker();
        c.timeout_ns = 10;
        takes = 11;
        r = go(&c, NULL);
        ck_assert_int_eq(r.err, HEALER_E_TIMEOUT);
        ck_assert_int_eq(r.layer, HEALER_LAYER_TIMEOUT);
        ck_assert_ptr_null(r.value);
        healer_breaker_snapshot(c.breaker, clock_ns, &s);
        ck_assert_uint_eq(s.lifetime.failed, 1);
        takes = 10;
        ck_assert_int_eq(go(&c, NULL).err, HEALER_OK);
        healer_breaker_destroy(c.breaker);
}
END_TEST

START_TEST(the_deadline_holds_over_all_attempts_and_the_breaker_counts_each)
{
        struct healer_protect_config c = base();
        struct healer_breaker_snapshot s;
        struct healer_protect_result r;

        c.retry = retries();
        c.breaker = breaker();
        c.deadline_ns = 2 * NS_S;
        fail_first = 99;
        r = go(&c, NULL);
        ck_assert_int_eq(r.err, HEALER_E_FAILED);
        ck_assert_int_eq(r.code, 502);
        ck_assert_int_eq(r.retry_verdict, HEALER_RETRY_STOP_DEADLINE);
        ck_assert_uint_eq(r.attempts, 2);
        ck_assert_int_eq(seen_deadline, 2 * NS_S);
        healer_breaker_snapshot(c.breaker, clock_ns, &s);
        ck_assert_uint_eq(s.lifetime.failed, 2);
        healer_retry_destroy(c.retry);
        healer_breaker_destroy(c.breaker);
}
END_TEST

START_TEST(a_cancel_in_the_middle_of_a_wait_ends_the_call)
{
        struct healer_protect_config c = base();
        struct healer_call_context context = {0, 0, NULL};
        struct healer_protect_request request = {.context = &context};
        struct healer_protect_result r;

        ck_assert_int_eq(healer_cancel_create(NULL, NULL, NULL, &cancel), HEALER_OK);
        context.cancel = cancel;
        c.retry = retries();
        fail_first = 99;
        r = go(&c, &request);
        ck_assert_int_eq(r.err, HEALER_E_CANCELLED);
        ck_assert_int_eq(calls, 1);
        ck_assert_int_eq(clock_ns, NS_S / 2);
        ck_assert_uint_eq(context.retry_layers, 0);
        healer_retry_destroy(c.retry);
        healer_cancel_destroy(cancel);
        cancel = NULL;
}
END_TEST

START_TEST(s0_13_the_protected_call_ends_at_the_shortened_limit_of_the_level)
{
        struct healer_degrade_config dc = healer_degrade_config_defaults();
        struct healer_protect_config c = base();
        struct healer_protect_request request = {.priority = 499};
        struct healer_protect_result r;

        ck_assert_int_eq(healer_degrade_create(&dc, 0, &c.degrade), HEALER_OK);
        c.timeout_ns = 1000;
        takes = 201;
        ck_assert_int_eq(go(&c, &request).err, HEALER_OK);
        healer_degrade_update(c.degrade, 99, clock_ns);
        for (int i = 0; i < 20; i++) {
                r = go(&c, &request);
                if (r.layer != HEALER_LAYER_DEGRADE) {
                        ck_assert_int_eq(r.err, HEALER_E_TIMEOUT);
                        break;
                }
        }
        ck_assert_int_eq(r.layer, HEALER_LAYER_TIMEOUT);
        healer_degrade_destroy(c.degrade);
}
END_TEST

/* A call that takes `takes` unless the host's timer stops it before. */
static int64_t stop_at;
static int limits_set, limits_lifted;
static void set_timer(void *ctx, const struct healer_attempt *attempt, int64_t deadline_ns)
{
        (void)ctx;
        ck_assert_ptr_nonnull(attempt);
        stop_at = deadline_ns;
        limits_set += deadline_ns != HEALER_NEVER;
        limits_lifted += deadline_ns == HEALER_NEVER;
}
static int32_t stoppable(void *ctx, const struct healer_attempt *a, void **value)
{
        (void)ctx, (void)a;
        calls++;
        if (clock_ns + takes > stop_at) {
                clock_ns = stop_at;
                return 110;
        }
        clock_ns += takes;
        *value = &value_of;
        return 0;
}

START_TEST(s0_13_a_call_that_can_be_stopped_really_ends_at_the_shortened_limit_of_each_level)
{
        static const int64_t want_ns[5] = {1000, 800, 600, 400, 200};
        struct healer_protect_request request = {.priority = 499};
        struct healer_degrade_config dc = healer_degrade_config_defaults();
        struct healer_protect_config c = base();
        struct healer_protect *p;

        ck_assert_int_eq(healer_degrade_create(&dc, 0, &c.degrade), HEALER_OK);
        c.timeout_ns = 1000;
        c.limit = set_timer;
        limits_set = limits_lifted = 0;
        ck_assert_int_eq(healer_protect_create(&c, &p), HEALER_OK);
        for (uint32_t level = 0; level < 5; level++) {
                struct healer_protect_result r;
                int64_t began_ns;

                ck_assert_int_eq(healer_degrade_set(c.degrade, level, HEALER_DEGRADE_BY_HAND, NULL,
                                                    HEALER_NEVER, clock_ns),
                                 HEALER_OK);
                takes = 5000;
                do { /* until one is let in */
                        began_ns = clock_ns;
                        r = healer_protect_call(p, stoppable, NULL, &request);
                } while (r.layer == HEALER_LAYER_DEGRADE);
                ck_assert_int_eq(clock_ns - began_ns, want_ns[level]);
                ck_assert_int_eq(r.err, HEALER_E_FAILED);
                ck_assert_int_eq(r.code, 110);
                takes = (int)want_ns[level];
                do
                        r = healer_protect_call(p, stoppable, NULL, &request);
                while (r.layer == HEALER_LAYER_DEGRADE);
                ck_assert_int_eq(r.err, HEALER_OK);
        }
        ck_assert_int_eq(limits_set, 10);
        ck_assert_int_eq(limits_lifted, 10);
        healer_protect_destroy(p);
        healer_degrade_destroy(c.degrade);
}
END_TEST

/* ---- S0-15: a hundred workers ---- */

enum { WORKERS = 100, CALLS_EACH = 40 };

static struct healer_protect *shared_protect;
static _Atomic int in_flight, peak, made;
static int32_t slow_work(void *ctx, const struct healer_attempt *a, void **value)
{
        int now_in = atomic_fetch_add(&in_flight, 1) + 1, seen = atomic_load(&peak);

        (void)ctx, (void)a, (void)value;
        atomic_fetch_add(&made, 1);
        while (now_in > seen && !atomic_compare_exchange_weak(&peak, &seen, now_in))
                ;
        for (int i = 0; i < 3; i++)
                sched_yield();
        atomic_fetch_sub(&in_flight, 1);
        return 0;
}
static void *work(void *arg)
{
        struct healer_protect_request request = {.priority = 499};

        for (int i = 0; i < CALLS_EACH; i++)
                healer_protect_call(shared_protect, slow_work, NULL, &request);
        return arg;
}
static int64_t still(void *ctx)
{
        (void)ctx;
        return 1;
}

START_TEST(s0_15_peak_in_flight_never_exceeds_the_levels_limit_under_100_workers)
{
        static const int limits[5] = {60, 10, 5, 2, 1};
        struct healer_protect_config c = base();
        struct healer_degrade_config dc = healer_degrade_config_defaults();
        struct healer_bulkhead_config kc = healer_bulkhead_config_defaults();

        kc.max_concurrent = 60;
        c.now = still;
        ck_assert_int_eq(healer_degrade_create(&dc, 0, &c.degrade), HEALER_OK);
        ck_assert_int_eq(healer_bulkhead_create(&kc, &c.bulkhead), HEALER_OK);
        ck_assert_int_eq(healer_protect_create(&c, &shared_protect), HEALER_OK);
        for (uint32_t level = 0; level < 5; level++) {
                struct healer_bulkhead_counts counts;
                pthread_t threads[WORKERS];

                ck_assert_int_eq(healer_degrade_set(c.degrade, level, HEALER_DEGRADE_BY_HAND, NULL,
                                                    HEALER_NEVER, 1),
                                 HEALER_OK);
                atomic_store(&peak, 0);
                atomic_store(&made, 0);
                for (int i = 0; i < WORKERS; i++)
                        ck_assert_int_eq(pthread_create(&threads[i], NULL, work, NULL), 0);
                for (int i = 0; i < WORKERS; i++)
                        pthread_join(threads[i], NULL);
                ck_assert_int_gt(atomic_load(&made), 0);
                ck_assert_int_le(atomic_load(&peak), limits[level]);
                healer_bulkhead_counts(c.bulkhead, &counts);
                ck_assert_uint_eq(counts.in_flight, 0);
                ck_assert_uint_eq(counts.limit, 60);
        }
        healer_protect_destroy(shared_protect);
        healer_bulkhead_destroy(c.bulkhead);
        healer_degrade_destroy(c.degrade);
}
END_TEST

/* ---- S0-08: a dependency is gone, and a thousand clients retry ---- */

enum { CLIENTS = 1000, OUTAGE_S = 600, TICKS_PER_S = 10 };

struct client {
        struct healer_breaker *breaker; /* NULL: none */
        struct healer_retry_run run;
        int64_t next_ns;
        bool in_run;
        bool probed;
};

/* The whole outage; `first_probes` counts each client's first trial by the second. */
static uint64_t outage(bool with_breaker, double jitter, uint32_t first_probes[OUTAGE_S])
{
        static struct client clients[CLIENTS];
        struct healer_retry_config rc = healer_retry_config_defaults();
        struct healer_breaker_config bc = healer_breaker_config_defaults();
        struct healer_retry *retry;
        uint64_t downstream = 0;

        memset(first_probes, 0, OUTAGE_S * sizeof(first_probes[0]));
        memset(clients, 0, sizeof(clients));
        rc.jitter_ratio = 0; /* all in step: the worst herd there is */
        ck_assert_int_eq(healer_retry_create(&rc, &retry), HEALER_OK);
        for (int i = 0; i < CLIENTS && with_breaker; i++) {
                bc.seed = (uint64_t)i;
                bc.open_jitter_ratio = jitter;
                ck_assert_int_eq(healer_breaker_create(&bc, 0, &clients[i].breaker), HEALER_OK);
        }
        for (int64_t tick = 0; tick < OUTAGE_S * TICKS_PER_S; tick++)
                for (int i = 0; i < CLIENTS; i++) {
                        struct client *client = &clients[i];
                        struct healer_retry_failure failure = {.retryable = 1, .hint_ns = -1};
                        struct healer_breaker_ticket t = {0};
                        int64_t now_ns = tick * (NS_S / TICKS_PER_S), wait_ns;

                        if (client->next_ns > now_ns)
                                continue;
                        if (!client->in_run)
                                healer_retry_begin(retry, &client->run, NULL, HEALER_NEVER, now_ns);
                        if (client->breaker && healer_breaker_acquire(client->breaker, now_ns, &t)) {
                                failure.refused = 1;
                                failure.retry_after_ns = t.retry_after_ns;
                        } else {
                                downstream++;
                                if (t.state == HEALER_BREAKER_HALF_OPEN && !client->probed) {
                                        client->probed = true;
                                        first_probes[now_ns / NS_S]++;
                                }
                                if (client->breaker)
                                        healer_breaker_failure(client->breaker, &t, 1, now_ns);
                        }
                        client->in_run = healer_retry_next(retry, &client->run, &failure, now_ns,
                                                           &wait_ns) == HEALER_RETRY_AGAIN;
                        if (!client->in_run)
                                healer_retry_end(retry, &client->run, false);
                        client->next_ns = now_ns + (client->in_run ? wait_ns : NS_S);
                }
        for (int i = 0; i < CLIENTS; i++)
                healer_breaker_destroy(clients[i].breaker);
        healer_retry_destroy(retry);
        return downstream;
}

START_TEST(s0_08_with_1000_retrying_clients_the_breaker_takes_90_percent_and_jitter_spreads_the_trials)
{
        static uint32_t in_step[OUTAGE_S], spread[OUTAGE_S];
        uint64_t without = outage(false, 0, spread);
        uint64_t with = outage(true, 0, in_step), jittered = outage(true, .5, spread);
        uint32_t herd = 0, most = 0, probed = 0;

        ck_assert_uint_le(with * 10, without);
        ck_assert_uint_le(jittered * 10, without);
        for (int s = 0; s < OUTAGE_S; s++) {
                herd = in_step[s] > herd ? in_step[s] : herd;
                most = spread[s] > most ? spread[s] : most;
                probed += spread[s];
        }
        ck_assert_uint_eq(probed, CLIENTS);
        ck_assert_uint_eq(herd, CLIENTS); /* without jitter they all come in one second */
        ck_assert_uint_le(most, CLIENTS / 10);
}
END_TEST

/* One permit that somebody else has: the call waits in the queue until a bound ends that. */
START_TEST(a_wait_for_a_permit_ends_by_the_queues_bound_the_deadline_or_a_cancel)
{
        struct healer_bulkhead_config bc = healer_bulkhead_config_defaults();
        struct healer_call_context context = {0, 0, NULL};
        struct healer_protect_request request = {.context = &context};
        struct healer_protect_config c;
        struct healer_protect_result r;
        struct healer_bulkhead_counts counts;

        bc.max_concurrent = 1;
        bc.max_queue = 1;
        for (int way = 0; way < 3; way++) {
                c = base();
                bc.max_wait_ns = way == 0 ? NS_S : HEALER_NEVER;
                context = (struct healer_call_context){0, 0, NULL};
                c.deadline_ns = way == 0 ? HEALER_NEVER : way == 1 ? 2 * NS_S : 4 * NS_S;
                if (way == 2) {
                        ck_assert_int_eq(healer_cancel_create(NULL, NULL, NULL, &cancel), HEALER_OK);
                        context.cancel = cancel;
                }
                ck_assert_int_eq(healer_bulkhead_create(&bc, &c.bulkhead), HEALER_OK);
                ck_assert_int_eq(healer_bulkhead_enter(c.bulkhead, NULL, 0), HEALER_BULKHEAD_OK);
                r = go(&c, &request);
                ck_assert_int_ne(r.err, HEALER_OK);
                ck_assert_int_eq(r.layer, HEALER_LAYER_BULKHEAD);
                ck_assert_int_eq(calls, 0);
                ck_assert_int_eq(clock_ns, way == 0 ? NS_S : 2 * NS_S);
                healer_bulkhead_counts(c.bulkhead, &counts);
                ck_assert_uint_eq(counts.waiting, 0);
                ck_assert_uint_eq(counts.in_flight, 1); /* the other's */
                healer_bulkhead_leave(c.bulkhead);
                healer_bulkhead_destroy(c.bulkhead);
                healer_cancel_destroy(cancel);
                cancel = NULL;
        }
}
END_TEST

/* No token is left: a call that would wait too long, or is given up, is none, and gives its token back. */
START_TEST(a_wait_for_a_token_ends_by_its_bound_the_deadline_or_a_cancel)
{
        struct healer_rate_limit_config rc = healer_rate_limit_config_defaults();
        struct healer_call_context context = {0, 0, NULL};
        struct healer_protect_request request = {.context = &context};
        struct healer_protect_config c;
        struct healer_protect_result r;

        for (int way = 0; way < 3; way++) {
                int64_t wait_ns;
                double left;

                c = base();
                rc.max_wait_ns = way == 0 ? 0 : 3600 * NS_S;
                context = (struct healer_call_context){0, 0, NULL};
                c.deadline_ns = way == 1 ? 1 : HEALER_NEVER;
                ck_assert_int_eq(healer_rate_limit_create(&rc, 0, &c.rate_limit), HEALER_OK);
                while (healer_rate_limit_acquire(c.rate_limit, 1, 0, &wait_ns) == HEALER_RATE_OK)
                        ;
                if (way == 2) {
                        ck_assert_int_eq(healer_cancel_create(NULL, NULL, NULL, &cancel), HEALER_OK);
                        context.cancel = cancel;
                }
                left = (double)healer_rate_limit_left(c.rate_limit, 0);
                r = go(&c, &request);
                ck_assert_int_ne(r.err, HEALER_OK);
                ck_assert_int_eq(r.layer, HEALER_LAYER_RATE_LIMIT);
                ck_assert_int_eq(calls, 0);
                ck_assert_double_eq((double)healer_rate_limit_left(c.rate_limit, 0), left);
                healer_rate_limit_destroy(c.rate_limit);
                healer_cancel_destroy(cancel);
                cancel = NULL;
        }
}
END_TEST

START_TEST(retries_without_a_way_to_wait_are_refused)
{
        struct healer_protect_config c = base();

        c.retry = retries();
        c.wait = NULL;
        ck_assert_ptr_nonnull(strstr(healer_protect_config_check(&c), "wait"));
        healer_retry_destroy(c.retry);
        c = base();
        c.now = NULL;
        ck_assert_ptr_nonnull(strstr(healer_protect_config_check(&c), "now"));
}
END_TEST

POLICY_MAIN("protect", s2_22_s3_10_a_call_failing_twice_then_succeeding_returns_its_own_value,
            s3_01_an_open_breaker_returns_its_own_code_and_the_fallback_runs,
            a_refusal_further_in_cancels_the_tickets_taken_further_out,
            a_late_value_is_not_used_and_counts_as_a_failure_of_the_target,
            the_deadline_holds_over_all_attempts_and_the_breaker_counts_each,
            a_cancel_in_the_middle_of_a_wait_ends_the_call,
            s0_13_the_protected_call_ends_at_the_shortened_limit_of_the_level,
            s0_13_a_call_that_can_be_stopped_really_ends_at_the_shortened_limit_of_each_level,
            s0_15_peak_in_flight_never_exceeds_the_levels_limit_under_100_workers,
            s0_08_with_1000_retrying_clients_the_breaker_takes_90_percent_and_jitter_spreads_the_trials,
            a_wait_for_a_permit_ends_by_the_queues_bound_the_deadline_or_a_cancel,
            a_wait_for_a_token_ends_by_its_bound_the_deadline_or_a_cancel,
            retries_without_a_way_to_wait_are_refused)
