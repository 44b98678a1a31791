/* test_policy_configs.c - every bad field of the smaller policies is refused by its name.
 *
 * A line sets one field of sound defaults to one bad value; the check must begin
 * with that field's name, and create must refuse it and make nothing.
 */
#include "healer/event_ring.h"
#include "healer/fallback.h"
#include "healer/health_check.h"
#include "healer/outlier.h"
#include "healer/registry.h"
#include "healer/restart.h"
#include "policy_main.h"

#include <math.h>
#include <string.h>

#define NO_TIME
#define AT_0 0,
#define REFUSED(what, now, field, bad)                                                             \
        do {                                                                                       \
                struct healer_##what##_config c = healer_##what##_config_defaults();               \
                struct healer_##what *made = (void *)&c;                                           \
                const char *reason;                                                                \
                                                                                                   \
                SOUND;                                                                             \
                reason = healer_##what##_config_check(&c);                                         \
                ck_assert_msg(!reason, "the defaults are not sound: %s", reason);                  \
                c.field = bad;                                                                     \
                reason = healer_##what##_config_check(&c);                                         \
                ck_assert_msg(reason && !strncmp(reason, #field, strlen(#field)), "%s = %s: %s",   \
                              #field, #bad, reason ? reason : "accepted");                         \
                ck_assert_int_eq(healer_##what##_create(&c, now &made), HEALER_E_RANGE);           \
                ck_assert_ptr_null(made);                                                          \
        } while (0)

#define SOUND (void)0
START_TEST(bulkhead)
{
        REFUSED(bulkhead, NO_TIME, max_concurrent, 1000001);
        REFUSED(bulkhead, NO_TIME, max_queue, 65537);
        REFUSED(bulkhead, NO_TIME, max_wait_ns, 0);
        REFUSED(bulkhead, NO_TIME, threads, 2);
}
END_TEST

START_TEST(outlier)
{
        REFUSED(outlier, AT_0, members, 0);
        REFUSED(outlier, AT_0, members, 100001);
        REFUSED(outlier, AT_0, failures_in_row, 0);
        REFUSED(outlier, AT_0, calls_min, 0);
        REFUSED(outlier, AT_0, failure_percent, 0);
        REFUSED(outlier, AT_0, failure_percent, (double)NAN);
        REFUSED(outlier, AT_0, ejected_max_percent, 101);
        REFUSED(outlier, AT_0, panic_percent, -1);
        REFUSED(outlier, AT_0, sweep_ns, 0);
        REFUSED(outlier, AT_0, out_for_ns, 0);
        REFUSED(outlier, AT_0, out_for_max_ns, 1);
        REFUSED(outlier, AT_0, threads, 2);
}
END_TEST

START_TEST(restart)
{
        REFUSED(restart, AT_0, children, 0);
        REFUSED(restart, AT_0, children, 65);
        REFUSED(restart, AT_0, strategy, 99);
        REFUSED(restart, AT_0, intensity_max, 0);
        REFUSED(restart, AT_0, intensity_ns, 0);
        REFUSED(restart, AT_0, wait_first_ns, 0);
        REFUSED(restart, AT_0, wait_max_ns, 1);
        REFUSED(restart, AT_0, wait_multiplier, 0);
        REFUSED(restart, AT_0, wait_multiplier, (double)NAN);
        REFUSED(restart, AT_0, good_after_ns, 0);
}
END_TEST

START_TEST(event_ring_and_registry)
{
        REFUSED(event_ring, NO_TIME, capacity, 0);
        REFUSED(event_ring, NO_TIME, capacity, 1000);
        REFUSED(event_ring, NO_TIME, subscribers_max, 1025);
        REFUSED(registry, NO_TIME, capacity, 0);
        REFUSED(registry, NO_TIME, capacity, 4194305);
}
END_TEST
#undef SOUND

static struct healer_fallback_handler handler;
static bool nothing(void *ctx, const struct healer_fallback_call *call, void **value)
{
        (void)ctx, (void)call, (void)value;
        return true;
}
static void set_handler(struct healer_fallback_config *c)
{
        handler = healer_fallback_handler_defaults();
        handler.name = "a";
        handler.call = nothing;
        c->handlers = &handler;
        c->handler_count = 1;
}
#define SOUND set_handler(&c)
START_TEST(fallback)
{
        REFUSED(fallback, NO_TIME, handler_count, 0);
        REFUSED(fallback, NO_TIME, handler_count, 33);
        REFUSED(fallback, NO_TIME, cascade, 2);
        REFUSED(fallback, NO_TIME, threads, 2);
}
END_TEST
#undef SOUND

#define CHECK_REFUSED(bad_field, bad)                                                              \
        do {                                                                                       \
                struct healer_check_config c = healer_check_config_defaults(HEALER_CHECK_LIVENESS); \
                const char *reason;                                                                \
                                                                                                   \
                ck_assert_ptr_null(healer_check_config_check(&c));                                 \
                c.bad_field = bad;                                                                 \
                reason = healer_check_config_check(&c);                                            \
                ck_assert_msg(reason && !strncmp(reason, #bad_field, strlen(#bad_field)), "%s: %s", \
                              #bad_field, reason ? reason : "accepted");                           \
                ck_assert_int_eq(healer_checks_add(checks, &c, 0, NULL), HEALER_E_RANGE);          \
        } while (0)

START_TEST(health_check)
{
        struct healer_checks_config config = healer_checks_config_defaults();
        struct healer_checks *checks;

        ck_assert_int_eq(healer_checks_create(&config, &checks), HEALER_OK);
        CHECK_REFUSED(kind, 9);
        CHECK_REFUSED(failure_threshold, 0);
        CHECK_REFUSED(success_threshold, 0);
        CHECK_REFUSED(success_threshold, 2);
        CHECK_REFUSED(period_ns, 0);
        CHECK_REFUSED(timeout_ns, 0);
        CHECK_REFUSED(first_after_ns, -1);
        healer_checks_destroy(checks);
}
END_TEST

POLICY_MAIN("policy_configs", bulkhead, outlier, restart, event_ring_and_registry, fallback,
            health_check)
