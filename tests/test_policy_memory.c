/* test_policy_memory.c - every create, with every one of its allocations failing in turn.
 *
 * The allocator fails the n-th request, n = 0, 1, ... until the create succeeds.
 * Before that it must answer HEALER_E_NOMEM with nothing made and nothing leaked.
 */
#include "healer/adaptive.h"
#include "healer/error_rate.h"
#include "healer/heal_rules.h"
#include "healer/health_check.h"
#include "healer/outlier.h"
#include "healer/recover.h"
#include "healer/registry.h"
#include "healer/restart.h"
#include "healer/restart_api.h"
#include "healer/trend_guard.h"
#include "policy_main.h"

#include <stdlib.h>

static long countdown, held, asked;
static void *fail_one(void *ctx, size_t size)
{
        void *memory;

        (void)ctx;
        asked++;
        if (countdown-- == 0)
                return NULL;
        memory = malloc(size);
        held += memory != NULL;
        return memory;
}
static void give_back(void *ctx, void *memory)
{
        (void)ctx;
        held -= memory != NULL;
        free(memory);
}
static const struct healer_allocator failing = {fail_one, give_back, NULL};

static int64_t no_time(void *ctx)
{
        (void)ctx;
        return 0;
}
static void no_wait(void *ctx, int64_t until_ns)
{
        (void)ctx, (void)until_ns;
}
static const char *no_type(void *ctx, int32_t code)
{
        (void)ctx, (void)code;
        return NULL;
}
static int no_answer(void *ctx, const char *service, const char *key)
{
        (void)ctx, (void)service, (void)key;
        return 0;
}
static bool no_probe(void *ctx, const char *service)
{
        (void)ctx, (void)service;
        return false;
}
static bool heals(void *ctx, const struct healer_recover_failure *failure, void **value)
{
        (void)ctx, (void)failure, (void)value;
        return true;
}

/* A row makes one object with `failing` and destroys what it made. */
#define MAKES(what, prepare, ...)                                                                  \
        static enum healer_err make_##what(void)                                                   \
        {                                                                                          \
                struct healer_##what##_config c = healer_##what##_config_defaults();               \
                struct healer_##what *made = (void *)&c; /* to be seen cleared */                  \
                enum healer_err err;                                                               \
                                                                                                   \
                c.allocator = &failing;                                                            \
                prepare;                                                                           \
                err = healer_##what##_create(&c, __VA_ARGS__ & made);                              \
                if (err != HEALER_OK)                                                              \
                        ck_assert_ptr_null(made);                                                  \
                healer_##what##_destroy(made);                                                     \
                return err;                                                                        \
        }
#define NOW 0,

static const struct healer_fallback_handler handlers[2] = {
        {.name = "a", .max_concurrent = 1, .time_limit_ns = HEALER_NEVER},
        {.name = "b", .max_concurrent = 1, .time_limit_ns = HEALER_NEVER},
};
static const char *const needs_a[] = {"a"};
static const struct healer_feature features[2] = {{.name = "a"},
                                                  {.name = "b", .needs = needs_a, .needs_count = 1}};
static struct healer_rule rule;

MAKES(throttle, (void)0, NOW)
MAKES(breaker, (void)0, NOW)
MAKES(bulkhead, c.max_queue = 4, )
MAKES(checks, (void)0, )
MAKES(degrade, (void)0, NOW)
MAKES(event_ring, (void)0, )
MAKES(fallback, (c.handlers = handlers, c.handler_count = 2), )
MAKES(outlier, (void)0, NOW)
MAKES(protect, c.now = no_time, )
MAKES(rate_limit, (void)0, NOW)
MAKES(error_rate, (void)0, )
MAKES(heal_rules, (void)0, )
MAKES(recover, (c.now = no_time, c.wait = no_wait, c.type_of = no_type,
                c.handlers[HEALER_RECOVER_HEAL] = heals), )
MAKES(registry, (void)0, )
MAKES(restart, (void)0, NOW)
MAKES(restart_api, (c.service = "a", c.ask = no_answer, c.probe = no_probe), NOW)
MAKES(ladder, (void)0, )
MAKES(retry_budget, (void)0, NOW)
MAKES(retry, (void)0, )
MAKES(rules, (rule = healer_rule_low_score(5), c.rules = &rule, c.rule_count = 1,
              c.metric_count = 1), )
MAKES(shed, (void)0, NOW)
MAKES(trend_guard, (void)0, )

static enum healer_err make_features(void)
{
        struct healer_features_config c = healer_features_config_defaults();
        struct healer_features *made = (void *)&c;
        enum healer_err err;

        c.allocator = &failing;
        c.features = features;
        c.feature_count = 2;
        c.level_count = 5;
        err = healer_features_create(&c, 0, NULL, &made);
        if (err != HEALER_OK)
                ck_assert_ptr_null(made);
        healer_features_destroy(made);
        return err;
}
static enum healer_err make_adaptive(void)
{
        struct healer_adaptive_config c = healer_adaptive_config_defaults(HEALER_ADAPTIVE_VEGAS);
        struct healer_adaptive *made = (void *)&c;
        enum healer_err err;

        c.allocator = &failing;
        err = healer_adaptive_create(&c, 0, &made);
        if (err != HEALER_OK)
                ck_assert_ptr_null(made);
        healer_adaptive_destroy(made);
        return err;
}
static enum healer_err make_cancel(void)
{
        struct healer_cancel *made = (void *)&rule;
        enum healer_err err = healer_cancel_create(&failing, NULL, NULL, &made);

        if (err != HEALER_OK)
                ck_assert_ptr_null(made);
        healer_cancel_destroy(made);
        return err;
}
/* What makes an object later on, when its place is first used. */
static enum healer_err make_names(void)
{
        struct healer_registry_config c = healer_registry_config_defaults();
        struct healer_retry_budget *budget = NULL;
        struct healer_breaker *breaker = NULL;
        struct healer_registry *r;
        enum healer_err err;

        c.allocator = &failing;
        err = healer_registry_create(&c, &r);
        if (err == HEALER_OK)
                err = healer_registry_breaker(r, "a", 0, &breaker);
        if (err == HEALER_OK)
                err = healer_registry_budget(r, "a", 0, &budget);
        if (breaker && !budget) /* the failure of one leaves the others usable */
                healer_breaker_trip(breaker, 1);
        healer_registry_destroy(r);
        return err;
}

static enum healer_err (*const makes[])(void) = {
        make_adaptive, make_throttle,   make_breaker,  make_bulkhead, make_degrade,
        make_event_ring, make_fallback, make_checks, make_outlier, make_protect,
        make_rate_limit, make_recover,  make_registry, make_restart,  make_ladder,
        make_retry_budget, make_retry,  make_rules,    make_shed,     make_trend_guard,
        make_features, make_cancel,     make_names,    make_error_rate, make_heal_rules,
        make_restart_api,
};

START_TEST(each_allocation_failing_in_turn_is_answered_and_nothing_leaks)
{
        for (size_t i = 0; i < sizeof(makes) / sizeof(makes[0]); i++) {
                enum healer_err err;
                long n = 0;

                do {
                        countdown = n;
                        asked = held = 0;
                        err = makes[i]();
                        ck_assert_int_eq(held, 0);
                        ck_assert_msg(err == (asked > n ? HEALER_E_NOMEM : HEALER_OK),
                                      "row %zu, allocation %ld: %s", i, n, healer_err_text(err));
                } while (asked > n++);
                ck_assert_msg(n > 1, "row %zu allocates nothing through its allocator", i);
        }
}
END_TEST

POLICY_MAIN("policy_memory", each_allocation_failing_in_turn_is_answered_and_nothing_leaks)
