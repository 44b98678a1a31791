/* test_restart.c - backoff, intensity, strategies, and the ladder. */
#include "healer/restart.h"
#include "policy_main.h"

static struct healer_restart *make(uint32_t children, uint32_t strategy, uint32_t intensity)
{
        struct healer_restart_config c = healer_restart_config_defaults();
        struct healer_restart *r;

        c.children = children;
        c.strategy = strategy;
        c.intensity_max = intensity;
        ck_assert_int_eq(healer_restart_create(&c, 0, &r), HEALER_OK);
        return r;
}

START_TEST(waits_double_from_10_to_300_s_and_fall_back_after_600_s_good)
{
        static const int64_t want[] = {10, 20, 40, 80, 160, 300, 300};
        struct healer_restart *r = make(1, 0, 1000);
        int64_t now = 0;

        for (int i = 0; i < 7; i++) {
                struct healer_restart_plan p = healer_restart_failed(r, 0, now);

                ck_assert_int_eq(p.wait_ns, want[i] * NS_S);
                now += p.wait_ns + NS_S;
        }
        now += 598 * NS_S; /* up for 599 s */
        ck_assert_int_eq(healer_restart_failed(r, 0, now).wait_ns, 300 * NS_S);
        now += 900 * NS_S; /* up for 600 s */
        ck_assert_int_eq(healer_restart_failed(r, 0, now).wait_ns, 10 * NS_S);
        healer_restart_destroy(r);
}
END_TEST

START_TEST(more_than_i_restarts_of_age_up_to_p_escalate)
{
        struct healer_restart *r = make(2, 0, 3);

        for (int i = 0; i < 3; i++)
                ck_assert_int_eq(healer_restart_failed(r, i & 1, 0).answer, HEALER_RESTART_THESE);
        ck_assert_int_eq(healer_restart_failed(r, 0, 600 * NS_S).answer, HEALER_RESTART_ESCALATE);
        ck_assert_int_eq(healer_restart_failed(r, 0, 9000 * NS_S).answer, HEALER_RESTART_ESCALATE);
        healer_restart_reset(r, 9000 * NS_S);
        ck_assert_int_eq(healer_restart_failed(r, 0, 9000 * NS_S).answer, HEALER_RESTART_THESE);
        healer_restart_destroy(r);
        r = make(1, 0, 3); /* one nanosecond older than P does not count */
        for (int i = 0; i < 3; i++)
                (void)healer_restart_failed(r, 0, 0);
        ck_assert_int_eq(healer_restart_failed(r, 0, 600 * NS_S + 1).answer, HEALER_RESTART_THESE);
        healer_restart_destroy(r);
}
END_TEST

START_TEST(one_for_one_one_for_all_and_rest_for_one)
{
        static const uint64_t want[3] = {1 << 2, 0x1f, 0x1c};

        for (uint32_t s = 0; s < 3; s++) {
                struct healer_restart *r = make(5, s, 3);

                ck_assert_uint_eq(healer_restart_failed(r, 2, 0).children, want[s]);
                healer_restart_destroy(r);
        }
        {
                struct healer_restart *r = make(64, HEALER_RESTART_ONE_FOR_ALL, 3);

                ck_assert_uint_eq(healer_restart_failed(r, 63, 0).children, UINT64_MAX);
                healer_restart_destroy(r);
        }
}
END_TEST

static struct healer_ladder *make_ladder(uint32_t places)
{
        struct healer_ladder_config c = healer_ladder_config_defaults();
        struct healer_ladder *l;

        c.incidents_max = places;
        ck_assert_int_eq(healer_ladder_create(&c, &l), HEALER_OK);
        return l;
}

START_TEST(the_ladder_climbs_step_by_step_to_the_page_and_ends)
{
        struct healer_ladder *l = make_ladder(4);
        struct healer_ladder_answer a = healer_ladder_open(l, 7, 0);

        for (int step = 0; step < HEALER_LADDER_STEPS; step++) {
                ck_assert_int_eq(a.verdict, HEALER_LADDER_TRY);
                ck_assert_int_eq(a.step, step);
                ck_assert_int_eq(healer_ladder_open(l, 7, step).verdict, HEALER_LADDER_DUPLICATE);
                a = healer_ladder_report(l, 7, a.step, false, step);
        }
        ck_assert_int_eq(a.verdict, HEALER_LADDER_EXHAUSTED);
        ck_assert_int_eq(healer_ladder_report(l, 7, HEALER_LADDER_PAGE, true, 9).verdict,
                         HEALER_LADDER_UNKNOWN);
        healer_ladder_destroy(l);
}
END_TEST

START_TEST(a_step_out_of_time_has_failed_and_a_cooling_step_is_skipped)
{
        struct healer_ladder *l = make_ladder(4);
        struct healer_ladder_answer a = healer_ladder_open(l, 7, 0);
        uint64_t key;
        int64_t next;

        ck_assert(!healer_ladder_poll(l, 30 * NS_S - 1, &key, &a, &next));
        ck_assert_int_eq(next, 30 * NS_S);
        ck_assert(healer_ladder_poll(l, 30 * NS_S, &key, &a, &next));
        ck_assert_uint_eq(key, 7);
        ck_assert_int_eq(a.step, HEALER_LADDER_FALLBACK);
        ck_assert_int_eq(healer_ladder_report(l, 7, HEALER_LADDER_RETRY, true, 31 * NS_S).verdict,
                         HEALER_LADDER_UNKNOWN); /* late */
        a = healer_ladder_report(l, 7, HEALER_LADDER_FALLBACK, false, 31 * NS_S);
        a = healer_ladder_report(l, 7, HEALER_LADDER_DEGRADE, false, 31 * NS_S);
        ck_assert_int_eq(a.step, HEALER_LADDER_RESTART);
        ck_assert_int_eq(
                healer_ladder_report(l, 7, HEALER_LADDER_RESTART, true, 32 * NS_S).verdict,
                HEALER_LADDER_HEALED);
        a = healer_ladder_open(l, 7, 40 * NS_S); /* again: restart cools down for 60 s */
        a = healer_ladder_report(l, 7, HEALER_LADDER_RETRY, false, 40 * NS_S);
        a = healer_ladder_report(l, 7, HEALER_LADDER_FALLBACK, false, 40 * NS_S);
        a = healer_ladder_report(l, 7, HEALER_LADDER_DEGRADE, false, 91 * NS_S - 1);
        ck_assert_int_eq(a.step, HEALER_LADDER_FAILOVER);
        healer_ladder_destroy(l);
}
END_TEST

START_TEST(the_table_is_bounded_and_a_closed_incident_gives_its_place)
{
        struct healer_ladder *l = make_ladder(2);

        ck_assert_int_eq(healer_ladder_open(l, 1, 0).verdict, HEALER_LADDER_TRY);
        ck_assert_int_eq(healer_ladder_open(l, 2, 0).verdict, HEALER_LADDER_TRY);
        ck_assert_int_eq(healer_ladder_open(l, 3, 0).verdict, HEALER_LADDER_FULL);
        ck_assert_int_eq(healer_ladder_report(l, 1, HEALER_LADDER_RETRY, true, 1).verdict,
                         HEALER_LADDER_HEALED);
        ck_assert_int_eq(healer_ladder_open(l, 3, 2).verdict, HEALER_LADDER_TRY);
        healer_ladder_destroy(l);
}
END_TEST

POLICY_MAIN("restart", waits_double_from_10_to_300_s_and_fall_back_after_600_s_good,
            more_than_i_restarts_of_age_up_to_p_escalate,
            one_for_one_one_for_all_and_rest_for_one,
            the_ladder_climbs_step_by_step_to_the_page_and_ends,
            a_step_out_of_time_has_failed_and_a_cooling_step_is_skipped,
            the_table_is_bounded_and_a_closed_incident_gives_its_place)
