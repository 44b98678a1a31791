/* test_rate_limit.c - the token bucket to the nanosecond, cycles, windows. */
#include "healer/rate_limit.h"
#include "model_ops.h"
#include "policy_main.h"

#include <pthread.h>
#include <stdatomic.h>

static struct healer_rate_limit *make(uint32_t kind, uint32_t permits, uint32_t burst, int64_t wait)
{
        struct healer_rate_limit_config c = healer_rate_limit_config_defaults();
        struct healer_rate_limit *l;

        c.kind = kind;
        c.permits = permits;
        c.burst = burst;
        c.max_wait_ns = wait;
        ck_assert_int_eq(healer_rate_limit_create(&c, 0, &l), HEALER_OK);
        return l;
}

START_TEST(the_bucket_gives_its_burst_then_one_per_interval_exactly)
{
        struct healer_rate_limit *l = make(HEALER_RATE_TOKEN_BUCKET, 10, 5, 0);
        int64_t again;

        for (int i = 0; i < 5; i++)
                ck_assert_int_eq(healer_rate_limit_acquire(l, 1, 0, &again), HEALER_RATE_OK);
        ck_assert_int_eq(healer_rate_limit_acquire(l, 1, 0, &again), HEALER_RATE_REJECT);
        ck_assert_int_eq(again, 100 * NS_MS);
        ck_assert_int_eq(healer_rate_limit_acquire(l, 1, 100 * NS_MS - 1, &again),
                         HEALER_RATE_REJECT);
        ck_assert_int_eq(healer_rate_limit_acquire(l, 1, 100 * NS_MS, &again), HEALER_RATE_OK);
        ck_assert_uint_eq(healer_rate_limit_left(l, 350 * NS_MS), 2);
        ck_assert_int_eq(healer_rate_limit_acquire(l, 6, 100 * NS_S, &again), HEALER_RATE_TOO_MANY);
        ck_assert_int_eq(healer_rate_limit_acquire(l, 5, 100 * NS_S, &again), HEALER_RATE_OK);
        healer_rate_limit_destroy(l);
}
END_TEST

START_TEST(reserve_answers_the_wait_and_reserves_nothing_when_it_would_be_too_long)
{
        struct healer_rate_limit *l = make(HEALER_RATE_TOKEN_BUCKET, 10, 1, 150 * NS_MS);
        int64_t wait;

        ck_assert_int_eq(healer_rate_limit_reserve(l, 1, 0, &wait), HEALER_RATE_OK);
        ck_assert_int_eq(wait, 0);
        ck_assert_int_eq(healer_rate_limit_reserve(l, 1, 0, &wait), HEALER_RATE_OK);
        ck_assert_int_eq(wait, 100 * NS_MS);
        for (int i = 0; i < 5; i++) {
                ck_assert_int_eq(healer_rate_limit_reserve(l, 1, 0, &wait), HEALER_RATE_REJECT);
                ck_assert_int_eq(wait, 200 * NS_MS);
        }
        healer_rate_limit_give_back(l, 1);
        ck_assert_int_eq(healer_rate_limit_reserve(l, 1, 0, &wait), HEALER_RATE_OK);
        ck_assert_int_eq(wait, 100 * NS_MS);
        healer_rate_limit_destroy(l);
}
END_TEST

/* The slow model keeps every admission; `config` is the kind. */
static const char *const kinds[] = {"acquire"};
static struct model_op draw(const void *config, uint64_t (*random)(uint64_t *), uint64_t *state)
{
        uint64_t how = random(state) % 20;

        (void)config;
        return (struct model_op){.arg = 1,
                                 .after_ns = how < 8    ? 0
                                             : how < 18 ? (int64_t)(random(state) % 200) * NS_MS
                                             : how < 19 ? NS_S
                                                        : NS_S - 1};
}

static long play(const void *config, const struct model_op *ops, size_t count, FILE *trace)
{
        uint32_t kind = *(const uint32_t *)config;
        struct healer_rate_limit *l = make(kind, 10, 4, 0);
        int64_t *times = malloc((count + 1) * sizeof(*times)), now = 0, level_at = 0;
        double tokens = 4;
        size_t admitted = 0;
        long failed = -1;

        ck_assert_ptr_nonnull(times);
        for (size_t i = 0; i < count && failed < 0; i++) {
                int64_t again;
                bool want, got;
                uint32_t in = 0;

                now += ops[i].after_ns;
                if (kind == HEALER_RATE_TOKEN_BUCKET) {
                        tokens += (double)(now - level_at) / (100.0 * NS_MS);
                        tokens = tokens > 4 ? 4 : tokens;
                        level_at = now;
                        want = tokens >= 1 - 1e-6;
                        tokens -= want;
                } else {
                        for (size_t k = admitted; k-- > 0;) {
                                if (kind == HEALER_RATE_FIXED_CYCLE
                                            ? times[k] / NS_S != now / NS_S
                                            : now - times[k] >= NS_S)
                                        break;
                                in++;
                        }
                        want = in < 10;
                }
                got = healer_rate_limit_acquire(l, 1, now, &again) == HEALER_RATE_OK;
                if (want)
                        times[admitted++] = now;
                if (trace)
                        fprintf(trace, "#   at %lld: %d/%d (real/model)\n", (long long)now, got,
                                want);
                if (got != want)
                        failed = (long)i;
        }
        free(times);
        healer_rate_limit_destroy(l);
        return failed;
}

START_TEST(a_million_random_steps_per_kind_agree_with_the_slow_model)
{
        struct model_suite suite = {"rate_limit", kinds, play, draw};

        for (uint32_t kind = 0; kind < HEALER_RATE_KIND_COUNT; kind++)
                ck_assert_int_eq(model_check(&suite, &kind, kind, 1000000, 500), 0);
}
END_TEST

START_TEST(time_that_goes_back_stands_still)
{
        struct healer_rate_limit *l = make(HEALER_RATE_TOKEN_BUCKET, 10, 1, 0);
        uint64_t rejected, back;
        int64_t again;

        ck_assert_int_eq(healer_rate_limit_acquire(l, 1, 100 * NS_S, &again), HEALER_RATE_OK);
        ck_assert_int_eq(healer_rate_limit_acquire(l, 1, 0, &again), HEALER_RATE_REJECT);
        ck_assert_int_eq(again, 100 * NS_MS);
        healer_rate_limit_counts(l, &rejected, &back);
        ck_assert_uint_eq(back, 1);
        ck_assert_uint_eq(rejected, 1);
        healer_rate_limit_destroy(l);
}
END_TEST

START_TEST(a_step_back_is_counted_also_where_there_are_tokens)
{
        struct healer_rate_limit_config c = healer_rate_limit_config_defaults();
        uint64_t rejected, went_back;
        struct healer_rate_limit *l;

        ck_assert_int_eq(healer_rate_limit_create(&c, 0, &l), HEALER_OK);
        for (int i = 0; i < 3; i++)
                ck_assert_int_eq(healer_rate_limit_acquire(l, 1, 10 * NS_S - i * 10 * NS_MS, NULL),
                                 HEALER_RATE_OK);
        healer_rate_limit_counts(l, &rejected, &went_back);
        ck_assert_uint_eq(went_back, 2);
        /* all three at 10 s: 47 are left then, and no more for the steps back */
        ck_assert_uint_eq(healer_rate_limit_left(l, 8 * NS_S), 47);
        healer_rate_limit_destroy(l);
}
END_TEST

START_TEST(bad_configurations_are_refused_by_name)
{
        struct healer_rate_limit_config good = healer_rate_limit_config_defaults(), c = good;

        c.kind = 9;
        ck_assert_ptr_nonnull(strstr(healer_rate_limit_config_check(&c), "kind"));
        c = good;
        c.permits = 0;
        ck_assert_ptr_nonnull(strstr(healer_rate_limit_config_check(&c), "permits"));
        c = good;
        c.burst = 0;
        ck_assert_ptr_nonnull(strstr(healer_rate_limit_config_check(&c), "burst"));
        c = good;
        c.period_ns = 10;
        ck_assert_ptr_nonnull(strstr(healer_rate_limit_config_check(&c), "period_ns"));
        c = good;
        c.max_wait_ns = -1;
        ck_assert_ptr_nonnull(strstr(healer_rate_limit_config_check(&c), "max_wait_ns"));
}
END_TEST

static struct healer_rate_limit *common;
static _Atomic uint32_t passed;
static void *grab(void *arg)
{
        int64_t again;

        (void)arg;
        for (int i = 0; i < 20000; i++)
                if (healer_rate_limit_acquire(common, 1, NS_S / 2, &again) == HEALER_RATE_OK)
                        atomic_fetch_add(&passed, 1);
        return NULL;
}

START_TEST(threads_together_get_exactly_what_there_is)
{
        for (uint32_t kind = 0; kind < HEALER_RATE_KIND_COUNT; kind++) {
                pthread_t threads[4];

                common = make(kind, 1000, 1000, 0);
                passed = 0;
                for (int i = 0; i < 4; i++)
                        ck_assert_int_eq(pthread_create(&threads[i], NULL, grab, NULL), 0);
                for (int i = 0; i < 4; i++)
                        pthread_join(threads[i], NULL);
                ck_assert_uint_eq(passed, 1000);
                healer_rate_limit_destroy(common);
        }
}
END_TEST

POLICY_MAIN("rate_limit", a_step_back_is_counted_also_where_there_are_tokens,
            the_bucket_gives_its_burst_then_one_per_interval_exactly,
            reserve_answers_the_wait_and_reserves_nothing_when_it_would_be_too_long,
            a_million_random_steps_per_kind_agree_with_the_slow_model,
            time_that_goes_back_stands_still, bad_configurations_are_refused_by_name,
            threads_together_get_exactly_what_there_is)
