/* test_health_check.c - thresholds in a row, timeouts, the gate, and who restarts. */
#include "healer/health_check.h"
#include "policy_main.h"

static struct healer_checks *make(void)
{
        struct healer_checks_config c = healer_checks_config_defaults();
        struct healer_checks *s;

        ck_assert_int_eq(healer_checks_create(&c, &s), HEALER_OK);
        return s;
}
static uint32_t add(struct healer_checks *s, enum healer_check_kind kind, int64_t now)
{
        struct healer_check_config c = healer_check_config_defaults(kind);
        uint32_t i;

        ck_assert_int_eq(healer_checks_add(s, &c, now, &i), HEALER_OK);
        return i;
}
static void run_all(struct healer_checks *s, int64_t now, bool ok)
{
        struct healer_check_run run;
        int64_t next;

        while (healer_checks_next(s, now, &run, &next))
                ck_assert_int_eq(healer_checks_report(s, &run, ok, now), HEALER_OK);
}

START_TEST(nothing_known_is_unknown_and_not_in_service)
{
        struct healer_checks *s = make();

        ck_assert_int_eq(healer_checks_status(s, 0).live, HEALER_CHECK_UNKNOWN);
        ck_assert(!healer_checks_status(s, 0).in_service);
        add(s, HEALER_CHECK_LIVENESS, 0);
        ck_assert_int_eq(healer_checks_status(s, 0).live, HEALER_CHECK_UNKNOWN);
        ck_assert(!healer_checks_status(s, 0).in_service);
        run_all(s, 0, true);
        ck_assert(healer_checks_status(s, 0).in_service);
        healer_checks_destroy(s);
}
END_TEST

START_TEST(three_failures_in_a_row_make_it_unhealthy_and_liveness_asks_for_one_restart)
{
        struct healer_checks *s = make();

        add(s, HEALER_CHECK_LIVENESS, 0);
        run_all(s, 0, false);
        run_all(s, 10 * NS_S, false);
        run_all(s, 20 * NS_S, true);
        run_all(s, 30 * NS_S, false);
        run_all(s, 40 * NS_S, false);
        ck_assert_int_eq(healer_checks_status_of(s, 0), HEALER_CHECK_HEALTHY);
        run_all(s, 50 * NS_S, false);
        ck_assert_int_eq(healer_checks_status_of(s, 0), HEALER_CHECK_UNHEALTHY);
        ck_assert(healer_checks_status(s, 50 * NS_S).restart);
        healer_checks_restarted(s, 51 * NS_S);
        ck_assert(!healer_checks_status(s, 51 * NS_S).restart);
        ck_assert_int_eq(healer_checks_status_of(s, 0), HEALER_CHECK_UNKNOWN);
        run_all(s, 51 * NS_S, true); /* the check itself has survived the restart */
        ck_assert(healer_checks_status(s, 51 * NS_S).in_service);
        healer_checks_destroy(s);
}
END_TEST

START_TEST(readiness_never_restarts)
{
        struct healer_checks *s = make();

        add(s, HEALER_CHECK_READINESS, 0);
        for (int i = 0; i < 50; i++)
                run_all(s, i * 10 * NS_S, false);
        ck_assert_int_eq(healer_checks_status_of(s, 0), HEALER_CHECK_UNHEALTHY);
        ck_assert(!healer_checks_status(s, 500 * NS_S).restart);
        ck_assert(!healer_checks_status(s, 500 * NS_S).in_service);
        healer_checks_destroy(s);
}
END_TEST

START_TEST(the_startup_gate_holds_the_others_back_until_it_has_passed)
{
        struct healer_checks *s = make();
        struct healer_check_run run;
        int64_t next;

        add(s, HEALER_CHECK_LIVENESS, 0);
        add(s, HEALER_CHECK_STARTUP, 0);
        ck_assert(healer_checks_next(s, 0, &run, &next));
        ck_assert_uint_eq(run.check, 1);
        ck_assert_int_eq(healer_checks_report(s, &run, false, 0), HEALER_OK);
        ck_assert(!healer_checks_next(s, 5 * NS_S, &run, &next));
        ck_assert_int_eq(next, 10 * NS_S);
        ck_assert(healer_checks_next(s, 10 * NS_S, &run, &next));
        ck_assert_int_eq(healer_checks_report(s, &run, true, 10 * NS_S), HEALER_OK);
        ck_assert(healer_checks_next(s, 10 * NS_S, &run, &next));
        ck_assert_uint_eq(run.check, 0);
        healer_checks_destroy(s);
}
END_TEST

START_TEST(s3_06_a_slow_check_neither_overlaps_nor_blocks_and_its_late_report_is_ignored)
{
        struct healer_checks *s = make();
        struct healer_check_run slow, other, again;
        int64_t next;

        add(s, HEALER_CHECK_LIVENESS, 0);
        ck_assert(healer_checks_next(s, 0, &slow, &next));
        ck_assert(!healer_checks_next(s, NS_S / 2, &again, &next));
        ck_assert_int_eq(next, NS_S); /* its timeout */
        add(s, HEALER_CHECK_READINESS, NS_S / 2); /* after the start */
        ck_assert(healer_checks_next(s, NS_S / 2, &other, &next));
        ck_assert_uint_eq(other.check, 1);
        ck_assert_int_eq(healer_checks_report(s, &slow, true, 2 * NS_S), HEALER_E_TIMEOUT);
        ck_assert_int_eq(healer_checks_status_of(s, 0), HEALER_CHECK_UNKNOWN);
        for (int i = 1; i < 3; i++) /* timeouts are failures in a row */
                ck_assert(healer_checks_next(s, i * 10 * NS_S, &slow, &next));
        while (healer_checks_next(s, 21 * NS_S, &other, &next))
                ;
        ck_assert(healer_checks_status(s, 23 * NS_S).restart);
        ck_assert_int_eq(healer_checks_status_of(s, 0), HEALER_CHECK_UNHEALTHY);
        healer_checks_destroy(s);
}
END_TEST

START_TEST(s3_06_checks_registered_before_and_after_the_start_survive_a_restart)
{
        struct healer_checks *s = make();
        struct healer_check_run run;
        int64_t next;
        uint32_t ran[2] = {0, 0};

        add(s, HEALER_CHECK_LIVENESS, 0);
        run_all(s, 0, true);
        add(s, HEALER_CHECK_READINESS, 5 * NS_S); /* it runs already */
        for (int i = 0; i < 3; i++)
                healer_checks_restarted(s, (10 + i) * NS_S);
        ck_assert_int_eq(healer_checks_status_of(s, 0), HEALER_CHECK_UNKNOWN);
        ck_assert_int_eq(healer_checks_status_of(s, 1), HEALER_CHECK_UNKNOWN);
        for (int i = 0; i < 50; i++) {
                while (healer_checks_next(s, (20 + i) * NS_S, &run, &next)) {
                        ran[run.check]++;
                        ck_assert_int_eq(healer_checks_report(s, &run, true, (20 + i) * NS_S),
                                         HEALER_OK);
                }
        }
        ck_assert_uint_eq(ran[0], 5);
        ck_assert_uint_eq(ran[1], 5);
        ck_assert(healer_checks_status(s, 70 * NS_S).in_service);
        healer_checks_destroy(s);
}
END_TEST

POLICY_MAIN("health_check", nothing_known_is_unknown_and_not_in_service,
            three_failures_in_a_row_make_it_unhealthy_and_liveness_asks_for_one_restart,
            readiness_never_restarts, the_startup_gate_holds_the_others_back_until_it_has_passed,
            s3_06_a_slow_check_neither_overlaps_nor_blocks_and_its_late_report_is_ignored,
            s3_06_checks_registered_before_and_after_the_start_survive_a_restart)
