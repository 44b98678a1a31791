/* test_fallback.c - order, cascade, empty values, bulkheads and time limits. */
#include "healer/fallback.h"
#include "policy_main.h"

#include <string.h>

static int asked[8], asked_n;
static int64_t clock_ns;
static struct healer_fallback *inner;
static int64_t now(void *ctx)
{
        (void)ctx;
        return clock_ns;
}
struct say {
        int id, ok, takes, again;
        void *value;
};
static bool handler(void *ctx, const struct healer_fallback_call *call, void **value)
{
        struct say *s = ctx;

        asked[asked_n++] = s->id;
        clock_ns += s->takes;
        if (s->again) { /* once more, from inside: the bulkhead of one refuses */
                s->again = 0;
                ck_assert_int_eq(healer_fallback_run(inner, call).outcome, HEALER_FALLBACK_REFUSED);
        }
        *value = s->value;
        return s->ok;
}
static bool cannot(void *ctx, const struct healer_fallback_call *call)
{
        (void)ctx;
        (void)call;
        return false;
}

static struct healer_fallback *make(struct healer_fallback_handler *h, uint32_t n, uint32_t cascade)
{
        struct healer_fallback_config c = healer_fallback_config_defaults();
        struct healer_fallback *f;

        c.handlers = h;
        c.handler_count = n;
        c.cascade = cascade;
        c.now = now;
        asked_n = 0;
        ck_assert_int_eq(healer_fallback_create(&c, &f), HEALER_OK);
        return f;
}

static struct healer_fallback_handler with(const char *name, int priority, struct say *s)
{
        struct healer_fallback_handler h = healer_fallback_handler_defaults();

        h.name = name;
        h.priority = priority;
        h.call = handler;
        h.ctx = s;
        return h;
}

static const struct healer_fallback_call call = {.deadline_ns = HEALER_NEVER, .level = 3};

START_TEST(s3_17_ascending_priority_and_the_result_tells_handler_and_level)
{
        int answer = 1;
        struct say a = {1, 0, 0, 0, NULL}, b = {2, 1, 0, 0, &answer}, c = {3, 1, 0, 0, NULL};
        struct healer_fallback_handler h[3] = {with("c", 9, &c), with("a", 1, &a), with("b", 5, &b)};
        struct healer_fallback *f = make(h, 3, 1);
        struct healer_fallback_result r = healer_fallback_run(f, &call);

        ck_assert_int_eq(asked_n, 2);
        ck_assert_int_eq(asked[0], 1);
        ck_assert_int_eq(asked[1], 2);
        ck_assert_int_eq(r.outcome, HEALER_FALLBACK_SUCCESS);
        ck_assert_ptr_eq(r.value, &answer);
        ck_assert_str_eq(r.name, "b");
        ck_assert_uint_eq(r.handler, 2);
        ck_assert_uint_eq(r.level, 3);
        ck_assert_uint_eq(healer_fallback_count(f, 1, HEALER_FALLBACK_FAILED), 1);
        healer_fallback_destroy(f);
}
END_TEST

START_TEST(s3_17_without_cascade_it_stops_after_the_first_and_there_is_one_pass_only)
{
        struct say a = {1, 0, 0, 0, NULL}, b = {2, 0, 0, 0, NULL};
        struct healer_fallback_handler h[2] = {with("a", 1, &a), with("b", 5, &b)};
        struct healer_fallback *f = make(h, 2, 0);

        ck_assert_int_eq(healer_fallback_run(f, &call).outcome, HEALER_FALLBACK_FAILED);
        ck_assert_int_eq(asked_n, 1);
        healer_fallback_destroy(f);
        f = make(h, 2, 1);
        ck_assert_uint_eq(healer_fallback_run(f, &call).tried, 2);
        ck_assert_int_eq(asked_n, 2);
        healer_fallback_destroy(f);
}
END_TEST

START_TEST(s3_17_an_empty_value_is_a_success_and_missing_is_its_own_outcome)
{
        struct say a = {1, 1, 0, 0, NULL};
        struct healer_fallback_handler h[2] = {with("gone", 0, &a), with("a", 1, &a)};
        struct healer_fallback_result r;
        struct healer_fallback *f;

        h[0].call = NULL;
        f = make(h, 2, 0); /* a missing one is not tried: no cascade needed */
        r = healer_fallback_run(f, &call);
        ck_assert_int_eq(r.outcome, HEALER_FALLBACK_SUCCESS);
        ck_assert_ptr_null(r.value);
        healer_fallback_destroy(f);
        h[1].can_handle = cannot;
        f = make(h, 2, 1);
        r = healer_fallback_run(f, &call);
        ck_assert_int_eq(r.outcome, HEALER_FALLBACK_MISSING);
        ck_assert_uint_eq(r.handler, UINT32_MAX);
        healer_fallback_destroy(f);
}
END_TEST

START_TEST(each_handler_has_its_own_bulkhead_and_time_limit)
{
        struct say a = {1, 1, 0, 1, NULL}, slow = {2, 1, 11, 0, &clock_ns};
        struct healer_fallback_handler h = with("a", 1, &a);
        struct healer_fallback_result r;

        h.max_concurrent = 1;
        inner = make(&h, 1, 1);
        ck_assert_int_eq(healer_fallback_run(inner, &call).outcome, HEALER_FALLBACK_SUCCESS);
        healer_fallback_destroy(inner);
        h = with("slow", 1, &slow);
        h.time_limit_ns = 10;
        inner = make(&h, 1, 1);
        r = healer_fallback_run(inner, &call);
        ck_assert_int_eq(r.outcome, HEALER_FALLBACK_FAILED);
        ck_assert_ptr_null(r.value);
        slow.takes = 10;
        ck_assert_int_eq(healer_fallback_run(inner, &call).outcome, HEALER_FALLBACK_SUCCESS);
        healer_fallback_destroy(inner);
}
END_TEST

POLICY_MAIN("fallback", s3_17_ascending_priority_and_the_result_tells_handler_and_level,
            s3_17_without_cascade_it_stops_after_the_first_and_there_is_one_pass_only,
            s3_17_an_empty_value_is_a_success_and_missing_is_its_own_outcome,
            each_handler_has_its_own_bulkhead_and_time_limit)
