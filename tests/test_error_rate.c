/* test_error_rate.c - the rate is that of the calls of the last window, whenever asked. */
#include "healer/error_rate.h"
#include "tests/healer_rig.h"
#include "tests/policy_main.h"

#include <math.h>
#include <string.h>

enum { TOLD = 5000 };

static struct healer_error_rate *made(const struct healer_error_rate_config *config)
{
        const struct healer_error_rate_config defaults = healer_error_rate_config_defaults();
        struct healer_error_rate *monitor;

        ck_assert_int_eq(healer_error_rate_create(config != NULL ? config : &defaults, &monitor),
                         HEALER_OK);
        return monitor;
}

static struct healer_error_rate_view viewed(struct healer_error_rate *monitor, int64_t now_ns)
{
        struct healer_error_rate_view view;

        healer_error_rate_view(monitor, now_ns, &view);
        return view;
}

static uint64_t next_random(uint64_t *state)
{
        *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return *state >> 33;
}

/* Bursts, gaps longer than the window, many at one instant: against a count of all
 * that was told, made anew each time. */
START_TEST(s1_04_the_rate_is_exact_at_every_instant)
{
        static struct {
                int64_t at_ns;
                uint64_t calls, failed;
        } told[TOLD];
        struct healer_error_rate_config c = healer_error_rate_config_defaults();
        struct healer_error_rate *monitor;
        struct healer_error_rate_view view;
        uint64_t random = 7, calls, failed;
        int64_t now_ns = 0;
        int levels[4] = {0};

        c.window_ns = 20 * NS_S;
        monitor = made(&c);
        for (int i = 0; i < TOLD; i++) {
                if (next_random(&random) % 4 != 0)
                        now_ns += (int64_t)(next_random(&random) % 300) * NS_MS;
                told[i].at_ns = now_ns;
                told[i].calls = next_random(&random) % 40;
                told[i].failed = told[i].calls *
                                 (next_random(&random) % (uint64_t)(i % 1000 / 10 + 1)) / 400;
                ck_assert_int_eq(
                        healer_error_rate_add(monitor, now_ns, told[i].calls, told[i].failed),
                        HEALER_OK);
                if (next_random(&random) % 3 == 0)
                        now_ns += (int64_t)(next_random(&random) % 1000000);
                if (next_random(&random) % 500 == 0)
                        now_ns += 25 * NS_S;
                view = viewed(monitor, now_ns);
                calls = failed = 0;
                for (int k = i; k >= 0 && told[k].at_ns > now_ns - c.window_ns; k--) {
                        calls += told[k].calls;
                        failed += told[k].failed;
                }
                ck_assert_uint_eq(view.calls, calls);
                ck_assert_uint_eq(view.failed, failed);
                ck_assert_uint_eq(view.exact, 1);
                if (calls > 0)
                        ck_assert_double_eq(view.ratio, (double)failed / (double)calls);
                else
                        ck_assert_double_nan(view.ratio);
                levels[view.level]++;
        }
        for (int level = 0; level < 4; level++)
                ck_assert_int_gt(levels[level], 0); /* it has seen all of them */
        healer_error_rate_destroy(monitor);
}
END_TEST

/* A window that is emptied every five minutes would forget at 300 s what was at 299. */
START_TEST(s1_04_the_window_slides_and_a_call_counts_for_exactly_its_length)
{
        struct healer_error_rate *monitor = made(NULL);

        ck_assert_int_eq(healer_error_rate_add(monitor, 299 * NS_S, 10, 10), HEALER_OK);
        ck_assert_int_eq(healer_error_rate_add(monitor, 301 * NS_S, 90, 0), HEALER_OK);
        ck_assert_double_eq(viewed(monitor, 301 * NS_S).ratio, 0.1);
        ck_assert_double_eq(viewed(monitor, 599 * NS_S - 1).ratio, 0.1);
        ck_assert_double_eq(viewed(monitor, 599 * NS_S).ratio, 0);
        ck_assert_uint_eq(viewed(monitor, 601 * NS_S - 1).calls, 90);
        ck_assert_int_eq(viewed(monitor, 601 * NS_S).level, HEALER_ERROR_UNKNOWN);
        healer_error_rate_destroy(monitor);
}
END_TEST

START_TEST(s1_04_five_percent_warns_and_ten_is_critical_each_at_its_edge)
{
        static const struct {
                uint64_t calls, failed;
                enum healer_error_level level;
        } rows[] = {
                {100, 0, HEALER_ERROR_FINE},
                {100, 4, HEALER_ERROR_FINE},
                {1000000, 49999, HEALER_ERROR_FINE},
                {1000000, 50000, HEALER_ERROR_WARNING},
                {100, 5, HEALER_ERROR_WARNING},
                {60, 3, HEALER_ERROR_WARNING},
                {1000000, 99999, HEALER_ERROR_WARNING},
                {1000000, 100000, HEALER_ERROR_CRITICAL},
                {30, 3, HEALER_ERROR_CRITICAL},
                {1, 1, HEALER_ERROR_CRITICAL},
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct healer_error_rate *monitor = made(NULL);

                ck_assert_int_eq(healer_error_rate_add(monitor, 0, rows[i].calls, rows[i].failed),
                                 HEALER_OK);
                ck_assert_msg(viewed(monitor, 1).level == rows[i].level, "%d of %d",
                              (int)rows[i].failed, (int)rows[i].calls);
                healer_error_rate_destroy(monitor);
        }
}
END_TEST

START_TEST(too_few_calls_are_no_evidence)
{
        struct healer_error_rate_config c = healer_error_rate_config_defaults();
        struct healer_error_rate *monitor;

        c.calls_min = 20;
        monitor = made(&c);
        ck_assert_int_eq(healer_error_rate_add(monitor, 0, 19, 19), HEALER_OK);
        ck_assert_int_eq(viewed(monitor, 0).level, HEALER_ERROR_UNKNOWN);
        ck_assert_int_eq(healer_error_rate_add(monitor, 0, 1, 0), HEALER_OK);
        ck_assert_int_eq(viewed(monitor, 0).level, HEALER_ERROR_CRITICAL);
        healer_error_rate_destroy(monitor);
}
END_TEST

/* As a metric of a healer: 5 of 100 raise one alarm, with the rate as its value; 10 are
 * graver; 4 are none. */
START_TEST(s1_04_as_a_monitor_of_a_healer_it_alarms_with_the_exact_rate)
{
        for (int failed = 4; failed <= 10; failed += failed == 4 ? 1 : 5) {
                struct rig *rig = rig_started();
                struct healer_error_rate *monitor = made(NULL);
                struct healer_monitor_info info = {
                        .size = sizeof(info),
                        .service = CART,
                        .name = "cart.error_rate",
                        .failure = HEALER_FAILURE_API_FAILURE,
                        .warning = healer_error_rate_config_defaults().warning,
                        .critical = healer_error_rate_config_defaults().critical,
                        .interval_ns = 5 * NS_S,
                };
                uint32_t index;

                ck_assert_int_eq(healer_register_monitor(rig->healer, &info, &index), HEALER_OK);
                for (int i = 0; i < 130; i++) {
                        ck_assert_int_eq(healer_error_rate_add(monitor, rig->now_ns, 100,
                                                               i < 65 ? 0 : (uint64_t)failed),
                                         HEALER_OK);
                        (void)healer_observe_monitor(rig->healer, rig->now_ns, index,
                                                     viewed(monitor, rig->now_ns).ratio);
                        rig_step(rig);
                }
                ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_ALARM), failed >= 5);
                if (failed >= 5) {
                        const struct healer_notice *alarm = rig_first(rig, HEALER_NOTICE_ALARM);

                        ck_assert_uint_eq(alarm->monitor, index);
                        ck_assert_int_eq(alarm->failure, HEALER_FAILURE_API_FAILURE);
                        ck_assert_double_ge(alarm->value, 0.05);
                        ck_assert_double_eq(alarm->limit, 0.05);
                }
                healer_error_rate_destroy(monitor);
                rig_free(rig);
        }
}
END_TEST

START_TEST(when_there_are_more_instants_than_places_it_says_so_until_it_is_exact_again)
{
        struct healer_error_rate_config c = healer_error_rate_config_defaults();
        struct healer_error_rate *monitor;

        c.entries_max = 2;
        c.window_ns = 10 * NS_S;
        monitor = made(&c);
        for (int64_t s = 1; s <= 3; s++)
                ck_assert_int_eq(healer_error_rate_add(monitor, s * NS_S, 10, 1), HEALER_OK);
        ck_assert_uint_eq(viewed(monitor, 3 * NS_S).calls, 20);
        ck_assert_uint_eq(viewed(monitor, 3 * NS_S).calls_early, 10);
        ck_assert_uint_eq(viewed(monitor, 11 * NS_S - 1).exact, 0);
        ck_assert_uint_eq(viewed(monitor, 11 * NS_S).exact, 1);
        ck_assert_uint_eq(viewed(monitor, 11 * NS_S).calls, 20);
        healer_error_rate_destroy(monitor);
}
END_TEST

START_TEST(odd_times_and_counts_do_no_harm)
{
        struct healer_error_rate *monitor = made(NULL);

        ck_assert_int_eq(viewed(monitor, INT64_MIN).level, HEALER_ERROR_UNKNOWN);
        ck_assert_int_eq(healer_error_rate_add(monitor, 0, 1, 2), HEALER_E_RANGE);
        ck_assert_int_eq(healer_error_rate_add(monitor, 0, UINT64_MAX, 2), HEALER_E_RANGE);
        ck_assert_int_eq(healer_error_rate_add(monitor, 50 * NS_S, UINT32_MAX, 0), HEALER_OK);
        ck_assert_int_eq(healer_error_rate_add(monitor, 50 * NS_S, UINT32_MAX, 7), HEALER_OK);
        ck_assert_int_eq(healer_error_rate_add(monitor, 40 * NS_S, 1, 1), HEALER_OK); /* back */
        ck_assert_uint_eq(viewed(monitor, 50 * NS_S).calls, 2 * (uint64_t)UINT32_MAX + 1);
        ck_assert_uint_eq(viewed(monitor, 50 * NS_S).failed, 8);
        ck_assert_uint_eq(viewed(monitor, 50 * NS_S).steps_back, 1);
        ck_assert_uint_eq(viewed(monitor, 350 * NS_S).calls, 0);
        ck_assert_int_eq(healer_error_rate_add(monitor, INT64_MAX, 1, 0), HEALER_OK);
        (void)viewed(monitor, INT64_MAX);
        healer_error_rate_destroy(monitor);
        healer_error_rate_destroy(NULL);
}
END_TEST

#define REFUSED(field, bad)                                                                        \
        do {                                                                                       \
                struct healer_error_rate_config c = healer_error_rate_config_defaults();           \
                struct healer_error_rate *monitor = (void *)&c;                                    \
                                                                                                   \
                c.field = bad;                                                                     \
                ck_assert_ptr_nonnull(healer_error_rate_config_check(&c));                         \
                ck_assert(!strncmp(healer_error_rate_config_check(&c), #field, strlen(#field)));   \
                ck_assert_int_eq(healer_error_rate_create(&c, &monitor), HEALER_E_RANGE);          \
                ck_assert_ptr_null(monitor);                                                       \
        } while (0)

START_TEST(what_is_wrong_is_refused_by_its_name)
{
        REFUSED(entries_max, 0);
        REFUSED(entries_max, 1000001);
        REFUSED(window_ns, 0);
        REFUSED(warning, 0);
        REFUSED(warning, (double)NAN);
        REFUSED(critical, .04);
        REFUSED(critical, 1.1);
        REFUSED(calls_min, 0);
}
END_TEST

POLICY_MAIN("error_rate", s1_04_the_rate_is_exact_at_every_instant,
            s1_04_the_window_slides_and_a_call_counts_for_exactly_its_length,
            s1_04_five_percent_warns_and_ten_is_critical_each_at_its_edge,
            too_few_calls_are_no_evidence,
            s1_04_as_a_monitor_of_a_healer_it_alarms_with_the_exact_rate,
            when_there_are_more_instants_than_places_it_says_so_until_it_is_exact_again,
            odd_times_and_counts_do_no_harm, what_is_wrong_is_refused_by_its_name)
