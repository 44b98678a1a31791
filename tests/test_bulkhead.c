/* test_bulkhead.c - permits, the fair queue, hand-over races, limits that move. */
#include "healer/bulkhead.h"
#include "healer/hlr_base.h"
#include "model_ops.h"
#include "policy_main.h"

#include <pthread.h>
#include <stdatomic.h>

static struct healer_bulkhead *make(uint32_t permits, uint32_t queue, int64_t wait)
{
        struct healer_bulkhead_config c = healer_bulkhead_config_defaults();
        struct healer_bulkhead *b;

        c.max_concurrent = permits;
        c.max_queue = queue;
        c.max_wait_ns = wait;
        ck_assert_int_eq(healer_bulkhead_create(&c, &b), HEALER_OK);
        return b;
}

START_TEST(zero_permits_refuse_everything)
{
        struct healer_bulkhead *b = make(0, 5, HEALER_NEVER);
        struct healer_bulkhead_waiter w = {0};

        ck_assert_int_eq(healer_bulkhead_enter(b, &w, 0), HEALER_BULKHEAD_REJECT_FULL);
        healer_bulkhead_leave(b); /* a permit never taken adds none */
        ck_assert_int_eq(healer_bulkhead_enter(b, NULL, 0), HEALER_BULKHEAD_REJECT_FULL);
        healer_bulkhead_destroy(b);
}
END_TEST

static int woken[8];
static void wake(void *ctx)
{
        ++*(int *)ctx;
}

START_TEST(waiters_are_served_first_in_first_out_and_nobody_overtakes)
{
        struct healer_bulkhead *b = make(1, 3, HEALER_NEVER);
        struct healer_bulkhead_waiter w[4] = {{0}};

        ck_assert_int_eq(healer_bulkhead_enter(b, NULL, 0), HEALER_BULKHEAD_OK);
        for (int i = 0; i < 3; i++) {
                w[i].wake = wake;
                w[i].ctx = &woken[i];
                ck_assert_int_eq(healer_bulkhead_enter(b, &w[i], 0), HEALER_BULKHEAD_QUEUED);
        }
        ck_assert_int_eq(healer_bulkhead_enter(b, &w[3], 0), HEALER_BULKHEAD_REJECT_QUEUE_FULL);
        for (int i = 0; i < 3; i++) {
                healer_bulkhead_leave(b);
                ck_assert_int_eq(woken[i], 1);
                ck_assert_int_eq(healer_bulkhead_enter(b, NULL, 0), HEALER_BULKHEAD_REJECT_FULL);
                ck_assert_int_eq(healer_bulkhead_poll(b, &w[i], 0), HEALER_BULKHEAD_OK);
                if (i < 2)
                        ck_assert_int_eq(healer_bulkhead_poll(b, &w[i + 1], 0),
                                         HEALER_BULKHEAD_QUEUED);
        }
        healer_bulkhead_leave(b);
        ck_assert_int_eq(healer_bulkhead_enter(b, NULL, 0), HEALER_BULKHEAD_OK);
        healer_bulkhead_destroy(b);
}
END_TEST

START_TEST(a_permit_handed_over_as_the_time_runs_out_is_not_lost)
{
        struct healer_bulkhead *b = make(1, 2, 10);
        struct healer_bulkhead_waiter w[2] = {{0}};
        struct healer_bulkhead_counts n;

        ck_assert_int_eq(healer_bulkhead_enter(b, NULL, 0), HEALER_BULKHEAD_OK);
        ck_assert_int_eq(healer_bulkhead_enter(b, &w[0], 0), HEALER_BULKHEAD_QUEUED);
        healer_bulkhead_leave(b);
        ck_assert_int_eq(healer_bulkhead_poll(b, &w[0], 1000), HEALER_BULKHEAD_OK);
        ck_assert_int_eq(healer_bulkhead_enter(b, &w[0], 1000), HEALER_BULKHEAD_QUEUED);
        healer_bulkhead_leave(b);
        ck_assert_int_eq(healer_bulkhead_give_up(b, &w[0]), HEALER_BULKHEAD_OK);
        ck_assert_int_eq(healer_bulkhead_enter(b, &w[1], 2000), HEALER_BULKHEAD_QUEUED);
        ck_assert_int_eq(healer_bulkhead_poll(b, &w[1], 2009), HEALER_BULKHEAD_QUEUED);
        ck_assert_int_eq(healer_bulkhead_poll(b, &w[1], 2010), HEALER_BULKHEAD_TIMED_OUT);
        ck_assert_int_eq(healer_bulkhead_poll(b, &w[1], 2011), HEALER_BULKHEAD_GONE);
        healer_bulkhead_leave(b);
        healer_bulkhead_counts(b, &n);
        ck_assert_uint_eq(n.in_flight, 0);
        ck_assert_uint_eq(n.waiting, 0);
        healer_bulkhead_destroy(b);
}
END_TEST

START_TEST(a_lowered_limit_shrinks_as_permits_return_and_a_raised_one_wakes)
{
        struct healer_bulkhead *b = make(4, 2, HEALER_NEVER);
        struct healer_bulkhead_waiter w[2] = {{0}};
        struct healer_bulkhead_counts n;

        for (int i = 0; i < 4; i++)
                ck_assert_int_eq(healer_bulkhead_enter(b, NULL, 0), HEALER_BULKHEAD_OK);
        ck_assert_int_eq(healer_bulkhead_set_limit(b, 2), HEALER_OK);
        for (int i = 0; i < 2; i++)
                ck_assert_int_eq(healer_bulkhead_enter(b, &w[i], 0), HEALER_BULKHEAD_QUEUED);
        healer_bulkhead_leave(b);
        healer_bulkhead_leave(b);
        ck_assert_int_eq(healer_bulkhead_poll(b, &w[0], 0), HEALER_BULKHEAD_QUEUED);
        healer_bulkhead_leave(b);
        ck_assert_int_eq(healer_bulkhead_poll(b, &w[0], 0), HEALER_BULKHEAD_OK);
        ck_assert_int_eq(healer_bulkhead_set_limit(b, 3), HEALER_OK);
        ck_assert_int_eq(healer_bulkhead_poll(b, &w[1], 0), HEALER_BULKHEAD_OK);
        healer_bulkhead_counts(b, &n);
        ck_assert_uint_eq(n.in_flight, 3);
        ck_assert_int_eq(healer_bulkhead_set_limit(b, 1000001), HEALER_E_RANGE);
        healer_bulkhead_destroy(b);
}
END_TEST

/* The slow model: an array of waiters in order. */
enum { WAITERS = 8 };
static const char *const kinds[] = {"enter", "leave", "poll", "give_up", "set_limit"};

static struct model_op draw(const void *config, uint64_t (*random)(uint64_t *), uint64_t *state)
{
        (void)config;
        return (struct model_op){.kind = (uint32_t)(random(state) % 16) * 5 / 16,
                                 .arg = (uint32_t)(random(state) % WAITERS),
                                 .after_ns = (int64_t)(random(state) % 4)};
}

struct slow {
        uint32_t limit, in_flight, queue[WAITERS], queued;
        bool granted[WAITERS];
        int64_t until[WAITERS], now;
};

static void slow_hand_over(struct slow *m)
{
        while (m->queued && m->in_flight < m->limit) {
                m->granted[m->queue[0]] = true;
                memmove(m->queue, m->queue + 1, --m->queued * sizeof(m->queue[0]));
                m->in_flight++;
        }
}

static int slow_at(const struct slow *m, uint32_t who)
{
        for (uint32_t i = 0; i < m->queued; i++)
                if (m->queue[i] == who)
                        return (int)i;
        return -1;
}

static enum healer_bulkhead_verdict slow_settle(struct slow *m, uint32_t who, bool out,
                                                enum healer_bulkhead_verdict verdict)
{
        int at = slow_at(m, who);

        if (m->granted[who]) {
                m->granted[who] = false;
                return HEALER_BULKHEAD_OK;
        }
        if (at < 0)
                return HEALER_BULKHEAD_GONE;
        if (!out)
                return HEALER_BULKHEAD_QUEUED;
        m->queued--;
        memmove(m->queue + at, m->queue + at + 1, (m->queued - (uint32_t)at) * sizeof(m->queue[0]));
        return verdict;
}

static long play(const void *config, const struct model_op *ops, size_t count, FILE *trace)
{
        const uint32_t *queue = config; /* its length */
        struct healer_bulkhead *b = make(3, *queue, 20);
        struct healer_bulkhead_waiter w[WAITERS] = {{0}};
        struct slow m = {.limit = 3};
        long failed = -1;

        for (size_t i = 0; i < count && failed < 0; i++) {
                uint32_t who = ops[i].arg;
                enum healer_bulkhead_verdict got = 0, want = 0;
                struct healer_bulkhead_counts n;

                m.now += ops[i].after_ns;
                if (ops[i].kind == 0) {
                        if (m.granted[who] || slow_at(&m, who) >= 0)
                                continue;
                        if (!m.queued && m.in_flight < m.limit)
                                m.in_flight++;
                        else if (m.limit == 0 || *queue == 0)
                                want = HEALER_BULKHEAD_REJECT_FULL;
                        else if (m.queued + (uint32_t)(m.granted[0] + m.granted[1] + m.granted[2] +
                                                       m.granted[3] + m.granted[4] + m.granted[5] +
                                                       m.granted[6] + m.granted[7]) >=
                                 5)
                                want = HEALER_BULKHEAD_REJECT_QUEUE_FULL;
                        else {
                                want = HEALER_BULKHEAD_QUEUED;
                                m.until[who] = m.now + 20;
                                m.queue[m.queued++] = who;
                                slow_hand_over(&m);
                        }
                        got = healer_bulkhead_enter(b, &w[who], m.now);
                } else if (ops[i].kind == 1) {
                        uint32_t handed = 0;

                        for (int k = 0; k < WAITERS; k++)
                                handed += m.granted[k];
                        if (m.in_flight <= handed)
                                continue; /* nobody is running */
                        m.in_flight--;
                        slow_hand_over(&m);
                        healer_bulkhead_leave(b);
                } else if (ops[i].kind == 2) {
                        want = slow_settle(&m, who, m.now >= m.until[who],
                                           HEALER_BULKHEAD_TIMED_OUT);
                        got = healer_bulkhead_poll(b, &w[who], m.now);
                } else if (ops[i].kind == 3) {
                        want = slow_settle(&m, who, true, HEALER_BULKHEAD_GONE);
                        got = healer_bulkhead_give_up(b, &w[who]);
                } else {
                        m.limit = who % 5;
                        slow_hand_over(&m);
                        ck_assert_int_eq(healer_bulkhead_set_limit(b, m.limit), HEALER_OK);
                }
                healer_bulkhead_counts(b, &n);
                if (trace)
                        fprintf(trace, "#   %s(%u): %d/%d in flight %u/%u waiting %u/%u\n",
                                kinds[ops[i].kind], who, (int)got, (int)want, n.in_flight,
                                m.in_flight, n.waiting, m.queued);
                if (got != want || n.in_flight != m.in_flight || n.waiting != m.queued)
                        failed = (long)i;
        }
        healer_bulkhead_destroy(b);
        return failed;
}

START_TEST(a_cap_is_a_second_limit_and_lifting_it_hands_over)
{
        struct healer_bulkhead_config c = healer_bulkhead_config_defaults();
        struct healer_bulkhead_counts n;

        for (c.max_queue = 0; c.max_queue < 2; c.max_queue++) {
                struct healer_bulkhead_waiter w = {0};
                struct healer_bulkhead *b;

                ck_assert_int_eq(healer_bulkhead_create(&c, &b), HEALER_OK);
                healer_bulkhead_set_cap(b, 2);
                ck_assert_int_eq(healer_bulkhead_enter(b, NULL, 0), HEALER_BULKHEAD_OK);
                ck_assert_int_eq(healer_bulkhead_enter(b, NULL, 0), HEALER_BULKHEAD_OK);
                ck_assert_int_eq(healer_bulkhead_enter(b, NULL, 0), HEALER_BULKHEAD_REJECT_FULL);
                if (c.max_queue)
                        ck_assert_int_eq(healer_bulkhead_enter(b, &w, 0), HEALER_BULKHEAD_QUEUED);
                healer_bulkhead_set_cap(b, 0);
                if (c.max_queue)
                        ck_assert_int_eq(healer_bulkhead_poll(b, &w, 0), HEALER_BULKHEAD_OK);
                else
                        ck_assert_int_eq(healer_bulkhead_enter(b, NULL, 0), HEALER_BULKHEAD_OK);
                healer_bulkhead_counts(b, &n);
                ck_assert_uint_eq(n.in_flight, 3);
                ck_assert_uint_eq(n.limit, 10);
                ck_assert_uint_eq(n.cap, 0);
                for (int i = 0; i < 3; i++)
                        healer_bulkhead_leave(b);
                healer_bulkhead_destroy(b);
        }
}
END_TEST

START_TEST(giving_back_what_was_never_taken_adds_no_permit)
{
        struct healer_bulkhead_config c = healer_bulkhead_config_defaults();

        for (c.max_queue = 0; c.max_queue < 2; c.max_queue++) {
                struct healer_bulkhead_counts n;
                struct healer_bulkhead *b;

                ck_assert_int_eq(healer_bulkhead_create(&c, &b), HEALER_OK);
                for (int i = 0; i < 3; i++)
                        healer_bulkhead_leave(b);
                healer_bulkhead_counts(b, &n);
                ck_assert_uint_eq(n.in_flight, 0);
                for (int i = 0; i < 10; i++)
                        ck_assert_int_eq(healer_bulkhead_enter(b, NULL, 0), HEALER_BULKHEAD_OK);
                ck_assert_int_eq(healer_bulkhead_enter(b, NULL, 0), HEALER_BULKHEAD_REJECT_FULL);
                healer_bulkhead_destroy(b);
        }
}
END_TEST

START_TEST(a_million_random_steps_agree_with_the_slow_model)
{
        struct model_suite suite = {"bulkhead", kinds, play, draw};

        static const uint32_t queues[] = {5, 0};

        for (int i = 0; i < 2; i++)
                ck_assert_int_eq(model_check(&suite, &queues[i], 11, 1000000, 200), 0);
}
END_TEST

static struct healer_bulkhead *common;
static _Atomic int running, most;

static void *work(void *arg)
{
        uint64_t random = (uint64_t)(uintptr_t)arg;

        for (int i = 0; i < 100000; i++) {
                struct healer_bulkhead_waiter w = {0};
                enum healer_bulkhead_verdict v = healer_bulkhead_enter(common, &w, i);
                int now;

                for (int turn = 0; v == HEALER_BULKHEAD_QUEUED; turn++)
                        v = model_random(&random) % 64 ? healer_bulkhead_poll(common, &w, i + turn)
                                                       : healer_bulkhead_give_up(common, &w);
                if (v != HEALER_BULKHEAD_OK)
                        continue;
                now = atomic_fetch_add(&running, 1) + 1;
                if (now > atomic_load(&most))
                        atomic_store(&most, now);
                for (uint64_t spin = model_random(&random) % 32; spin > 0; spin--)
                        atomic_load(&running);
                atomic_fetch_sub(&running, 1);
                healer_bulkhead_leave(common);
        }
        return NULL;
}

static struct hlr_lanes lanes;
static pthread_barrier_t all_here;
static void *find_lane(void *arg)
{
        uint32_t *mine = arg;

        pthread_barrier_wait(&all_here);
        *mine = hlr_lane(&lanes, true);
        pthread_barrier_wait(&all_here); /* all six are alive at once */
        return *mine == hlr_lane(&lanes, true) ? arg : NULL;
}

START_TEST(a_lane_has_one_thread_and_who_finds_none_shares_the_common_one)
{
        uint32_t found[6], threads_in[HLR_LANES + 1] = {0};
        pthread_t threads[6];
        void *same;

        ck_assert_int_eq(pthread_barrier_init(&all_here, NULL, 6), 0);
        for (int i = 0; i < 6; i++)
                ck_assert_int_eq(pthread_create(&threads[i], NULL, find_lane, &found[i]), 0);
        for (int i = 0; i < 6; i++) {
                pthread_join(threads[i], &same);
                ck_assert_ptr_nonnull(same);
                threads_in[found[i]]++;
        }
        for (int i = 0; i < HLR_LANES; i++)
                ck_assert_uint_eq(threads_in[i], 1);
        ck_assert_uint_eq(threads_in[HLR_COMMON_LANE], 2);
        ck_assert_uint_eq(hlr_lane(&lanes, false), 0);
}
END_TEST

/* Six threads: more than there are lanes, so that some share the common one. */
START_TEST(threads_never_exceed_the_limit_and_lose_no_permit)
{
        static const uint32_t queues[] = {3, 0};

        for (int mode = 0; mode < 2; mode++) {
                const int limit = mode ? 1 : 2;
                struct healer_bulkhead_counts n;
                pthread_t threads[6];

                common = make(limit, queues[mode], 1000);
                atomic_store(&most, 0);
                for (uintptr_t i = 0; i < 6; i++)
                        ck_assert_int_eq(pthread_create(&threads[i], NULL, work, (void *)(i + 1)),
                                         0);
                for (int i = 0; i < 6; i++)
                        pthread_join(threads[i], NULL);
                healer_bulkhead_counts(common, &n);
                ck_assert_int_gt(most, 0);
                ck_assert_int_le(most, limit);
                ck_assert_uint_eq(n.in_flight, 0);
                ck_assert_uint_eq(n.waiting, 0);
                for (int i = 0; i < limit; i++) /* and all of them are to be had again */
                        ck_assert_int_eq(healer_bulkhead_enter(common, NULL, 0),
                                         HEALER_BULKHEAD_OK);
                ck_assert_int_eq(healer_bulkhead_enter(common, NULL, 0),
                                 HEALER_BULKHEAD_REJECT_FULL);
                healer_bulkhead_destroy(common);
        }
}
END_TEST

POLICY_MAIN("bulkhead", a_lane_has_one_thread_and_who_finds_none_shares_the_common_one,
            a_cap_is_a_second_limit_and_lifting_it_hands_over,
            giving_back_what_was_never_taken_adds_no_permit, zero_permits_refuse_everything,
            waiters_are_served_first_in_first_out_and_nobody_overtakes,
            a_permit_handed_over_as_the_time_runs_out_is_not_lost,
            a_lowered_limit_shrinks_as_permits_return_and_a_raised_one_wakes,
            a_million_random_steps_agree_with_the_slow_model,
            threads_never_exceed_the_limit_and_lose_no_permit)
