/* test_restart_api.c - a platform that is asked for restarts, and a service that may
 * answer its probe or not. */
#include "healer/restart_api.h"
#include "policy_main.h"

#include <string.h>

enum { ASKED_MAX = 256 };

static struct platform {
        int status;            /* what it answers */
        int64_t well_after_ns; /* of the restart; HEALER_NEVER: never */
        int64_t now_ns, restarted_ns;
        int64_t asked_ns[ASKED_MAX];
        uint32_t asked, ends;
        enum healer_restart_api_end last;
        int last_status;
        struct healer_restart_api *calls_back;
        enum healer_err back;
} platform;

static int asks(void *ctx, const char *service, const char *key)
{
        struct platform *p = ctx;
        int64_t next_ns;

        ck_assert_str_eq(service, "cart");
        ck_assert_str_eq(key, "secret");
        ck_assert_uint_lt(p->asked, ASKED_MAX);
        p->asked_ns[p->asked++] = p->now_ns;
        p->restarted_ns = p->now_ns;
        if (p->calls_back != NULL)
                p->back = healer_restart_api_failed(p->calls_back, p->now_ns, &next_ns);
        return p->status;
}

static bool probes(void *ctx, const char *service)
{
        struct platform *p = ctx;

        (void)service;
        return p->well_after_ns != HEALER_NEVER && p->now_ns - p->restarted_ns >= p->well_after_ns;
}

static void ends(void *ctx, enum healer_restart_api_end end, int status)
{
        struct platform *p = ctx;

        p->ends++;
        p->last = end;
        p->last_status = status;
}

static struct healer_restart_api_config config_of(int status, int64_t well_after_ns)
{
        struct healer_restart_api_config c = healer_restart_api_config_defaults();

        platform = (struct platform){.status = status, .well_after_ns = well_after_ns};
        c.service = "cart";
        c.key = "secret";
        c.ask = asks;
        c.probe = probes;
        c.on_end = ends;
        c.ctx = &platform;
        return c;
}

static struct healer_restart_api *make(const struct healer_restart_api_config *config)
{
        struct healer_restart_api *api;

        ck_assert_int_eq(healer_restart_api_create(config, 0, &api), HEALER_OK);
        return api;
}

/* Until nothing is under way. */
static void run(struct healer_restart_api *api, int64_t next_ns)
{
        while (next_ns != HEALER_NEVER) {
                ck_assert_int_ge(next_ns, platform.now_ns);
                platform.now_ns = next_ns;
                ck_assert_int_eq(healer_restart_api_poll(api, platform.now_ns, &next_ns),
                                 HEALER_OK);
        }
}

START_TEST(s2_09_without_a_key_nobody_is_asked_and_the_error_says_so)
{
        static const char *const none[] = {NULL, ""};
        int64_t next_ns;

        for (int i = 0; i < 2; i++) {
                struct healer_restart_api_config c = config_of(200, 0);
                struct healer_restart_api *api;

                c.key = none[i];
                api = make(&c);
                for (uint32_t k = 1; k <= 20; k++) { /* nothing of the budget is spent */
                        ck_assert_int_eq(healer_restart_api_failed(api, k * NS_S, &next_ns),
                                         HEALER_E_NOT_FOUND);
                        ck_assert_int_eq(next_ns, HEALER_NEVER);
                        ck_assert_uint_eq(platform.ends, k);
                        ck_assert_int_eq(platform.last, HEALER_RESTART_API_NO_KEY);
                }
                ck_assert_str_eq(healer_restart_api_end_name(platform.last), "no API key");
                ck_assert_int_eq(healer_restart_api_poll(api, 900 * NS_S, &next_ns), HEALER_OK);
                ck_assert_uint_eq(platform.asked, 0);
                healer_restart_api_destroy(api);
        }
}
END_TEST

START_TEST(s2_09_a_restart_has_helped_when_the_service_answers_its_probe)
{
        static const int taken[] = {200, 202};
        int64_t next_ns;

        for (int i = 0; i < 2; i++) {
                struct healer_restart_api_config c = config_of(taken[i], 12 * NS_S);
                struct healer_restart_api *api = make(&c);

                ck_assert_int_eq(healer_restart_api_failed(api, 0, &next_ns), HEALER_OK);
                ck_assert_int_eq(next_ns, 10 * NS_S);
                ck_assert_int_eq(healer_restart_api_failed(api, NS_S, &next_ns), HEALER_E_EXISTS);
                ck_assert_int_eq(healer_restart_api_poll(api, 10 * NS_S - 1, &next_ns), HEALER_OK);
                ck_assert_uint_eq(platform.asked, 0);
                run(api, next_ns);
                ck_assert_uint_eq(platform.asked, 1);
                ck_assert_int_eq(platform.asked_ns[0], 10 * NS_S);
                ck_assert_int_eq(platform.now_ns, 25 * NS_S); /* third probe */
                ck_assert_uint_eq(platform.ends, 1);
                ck_assert_int_eq(platform.last, HEALER_RESTART_API_RECOVERED);
                ck_assert_int_eq(platform.last_status, taken[i]);
                healer_restart_api_destroy(api);
        }
}
END_TEST

/* Answers that refuse, and a service that never comes back, are no success. */
START_TEST(s2_09_what_does_not_help_is_asked_for_so_often_and_then_a_human_is)
{
        static const int status[] = {0, 201, 204, 401, 429, 500, 200};
        int64_t next_ns;

        for (size_t i = 0; i < sizeof(status) / sizeof(status[0]); i++) {
                struct healer_restart_api_config c =
                        config_of(status[i], status[i] == 200 ? HEALER_NEVER : 0);
                struct healer_restart_api *api;
                struct healer_restart_api_stats stats;

                c.restarts_max = 3;
                api = make(&c);
                ck_assert_int_eq(healer_restart_api_failed(api, 0, &next_ns), HEALER_OK);
                run(api, next_ns);
                stats = healer_restart_api_stats(api);
                ck_assert_uint_eq(stats.asked, 3);
                ck_assert_uint_eq(stats.refused, status[i] == 200 ? 0 : 3);
                ck_assert_uint_eq(stats.not_well, status[i] == 200 ? 3 : 0);
                ck_assert_uint_eq(platform.ends, 1);
                ck_assert_int_eq(platform.last, HEALER_RESTART_API_ESCALATED);
                ck_assert_int_eq(platform.last_status, status[i]);
                healer_restart_api_destroy(api);
        }
}
END_TEST

/* It comes up after each restart, answers its probe, and dies 20 s later. */
START_TEST(s2_09_a_crash_loop_gets_n_restarts_a_window_and_then_a_human)
{
        struct healer_restart_api_config c = config_of(202, 0);
        struct healer_restart_api *api;
        enum healer_err err = HEALER_OK;
        int64_t next_ns;

        c.restarts_max = 4;
        c.wait_max_ns = c.wait_first_ns;
        api = make(&c);
        for (int i = 0; i < 50; i++) {
                err = healer_restart_api_failed(api, platform.now_ns, &next_ns);
                ck_assert_int_eq(err, i < 4 ? HEALER_OK : HEALER_E_REFUSED);
                ck_assert_uint_eq(platform.ends, i < 4 ? (uint32_t)i : 5); /* called once */
                run(api, next_ns);
                platform.now_ns += 20 * NS_S;
        }
        ck_assert_uint_eq(platform.asked, 4);
        ck_assert_int_eq(platform.last, HEALER_RESTART_API_ESCALATED);
        platform.now_ns += 3600 * NS_S; /* time alone mends nothing */
        ck_assert_int_eq(healer_restart_api_failed(api, platform.now_ns, &next_ns),
                         HEALER_E_REFUSED);
        ck_assert_int_eq(healer_restart_api_reset(api, platform.now_ns), HEALER_OK);
        ck_assert_int_eq(healer_restart_api_failed(api, platform.now_ns, &next_ns), HEALER_OK);
        run(api, next_ns);
        ck_assert_uint_eq(platform.asked, 5);
        ck_assert_int_eq(platform.last, HEALER_RESTART_API_RECOVERED);
        healer_restart_api_destroy(api);
}
END_TEST

START_TEST(s2_09_failures_further_apart_than_the_window_are_all_restarted)
{
        struct healer_restart_api_config c = config_of(202, 0);
        struct healer_restart_api *api;
        int64_t next_ns;

        c.restarts_max = 1;
        api = make(&c);
        for (uint32_t i = 0; i < 50; i++) {
                platform.now_ns = i * 601 * NS_S;
                ck_assert_int_eq(healer_restart_api_failed(api, platform.now_ns, &next_ns),
                                 HEALER_OK);
                run(api, next_ns);
                ck_assert_uint_eq(platform.asked, i + 1);
        }
        healer_restart_api_destroy(api);
}
END_TEST

/* The waits grow to 300 s, which moves that restart towards those that follow: seven
 * were wanted in more than an hour, and would have been asked for in less. */
START_TEST(s2_09_no_window_whatever_has_more_restarts_than_allowed)
{
        static const int64_t failed_s[] = {0,    600,  1210, 1840, 2510, 3260, 4150,
                                           5050, 5750, 6450, 7150, 7170, 7751};
        const uint32_t count = sizeof(failed_s) / sizeof(failed_s[0]);
        struct healer_restart_api_config c = config_of(202, 0);
        struct healer_restart_api *api;
        int64_t next_ns;

        c.restarts_max = 6;
        c.window_ns = 3600 * NS_S;
        api = make(&c);
        for (uint32_t i = 0; i < count; i++) {
                platform.now_ns = failed_s[i] * NS_S;
                ck_assert_int_eq(healer_restart_api_failed(api, platform.now_ns, &next_ns),
                                 HEALER_OK);
                run(api, next_ns);
        }
        ck_assert_uint_eq(platform.asked, count);
        ck_assert_int_eq(platform.asked_ns[6], (4150 + 300) * NS_S);
        ck_assert_int_eq(platform.asked_ns[12], platform.asked_ns[6] + c.window_ns + 1);
        for (uint32_t i = 6; i < count; i++)
                ck_assert_int_gt(platform.asked_ns[i] - platform.asked_ns[i - 6], c.window_ns);
        healer_restart_api_destroy(api);
}
END_TEST

START_TEST(a_callback_does_not_get_back_in)
{
        struct healer_restart_api_config c = config_of(200, 0);
        struct healer_restart_api *api = make(&c);
        int64_t next_ns;

        platform.calls_back = api;
        ck_assert_int_eq(healer_restart_api_failed(api, 0, &next_ns), HEALER_OK);
        run(api, next_ns);
        ck_assert_int_eq(platform.back, HEALER_E_BUSY);
        healer_restart_api_destroy(api);
}
END_TEST

#define BAD(field, value)                                                                          \
        do {                                                                                       \
                struct healer_restart_api_config bad = config_of(200, 0);                          \
                struct healer_restart_api *made = (void *)&bad;                                    \
                                                                                                   \
                bad.field = value;                                                                 \
                ck_assert_int_eq(strncmp(healer_restart_api_config_check(&bad), #field,            \
                                         strlen(#field)), 0);                                      \
                ck_assert_int_eq(healer_restart_api_create(&bad, 0, &made), HEALER_E_RANGE);       \
                ck_assert_ptr_null(made);                                                          \
        } while (0)

START_TEST(a_bad_configuration_is_refused_by_the_name_of_its_field)
{
        struct healer_restart_api_config c = config_of(200, 0);
        struct healer_restart_api *api;

        BAD(restarts_max, 0);
        BAD(restarts_max, 1001);
        BAD(window_ns, 0);
        BAD(wait_first_ns, 0);
        BAD(wait_max_ns, NS_S);
        BAD(probe_every_ns, 0);
        BAD(probe_timeout_ns, NS_S);
        BAD(service, NULL);
        BAD(service, "");
        BAD(ask, NULL);
        BAD(probe, NULL);
        c.size = 1;
        ck_assert_int_eq(healer_restart_api_create(&c, 0, &api), HEALER_E_SIZE);
        healer_restart_api_destroy(NULL);
}
END_TEST

POLICY_MAIN("restart_api", s2_09_without_a_key_nobody_is_asked_and_the_error_says_so,
            s2_09_a_restart_has_helped_when_the_service_answers_its_probe,
            s2_09_what_does_not_help_is_asked_for_so_often_and_then_a_human_is,
            s2_09_a_crash_loop_gets_n_restarts_a_window_and_then_a_human,
            s2_09_failures_further_apart_than_the_window_are_all_restarted,
            s2_09_no_window_whatever_has_more_restarts_than_allowed,
            a_callback_does_not_get_back_in,
            a_bad_configuration_is_refused_by_the_name_of_its_field)
