/* test_outlier.c - ejection, its bounds, its end, and panic. */
#include "healer/outlier.h"
#include "policy_main.h"

static struct healer_outlier *make(uint32_t members, double max_percent, double panic)
{
        struct healer_outlier_config c = healer_outlier_config_defaults();
        struct healer_outlier *o;

        c.members = members;
        c.ejected_max_percent = max_percent;
        c.panic_percent = panic;
        ck_assert_int_eq(healer_outlier_create(&c, 0, &o), HEALER_OK);
        return o;
}
static void fail_n(struct healer_outlier *o, uint32_t member, int n, int64_t now)
{
        for (int i = 0; i < n; i++)
                healer_outlier_report(o, member, false, now);
}

START_TEST(five_failures_in_a_row_eject_for_30_s_times_the_count_up_to_300)
{
        struct healer_outlier *o = make(20, 10, 0);
        int64_t now = 0;

        fail_n(o, 3, 4, now);
        healer_outlier_report(o, 3, true, now);
        fail_n(o, 3, 4, now);
        ck_assert(healer_outlier_allows(o, 3, now));
        fail_n(o, 3, 1, now);
        for (int count = 1; count < 13; count++) {
                int64_t out = (count < 10 ? 30 * count : 300) * NS_S;

                ck_assert(!healer_outlier_allows(o, 3, now + out - 1));
                ck_assert(healer_outlier_allows(o, 3, now + out));
                healer_outlier_sweep(o, now + out);
                now += out;
                healer_outlier_report(o, 3, false, now); /* no healthy sweep in between */
                fail_n(o, 3, 4, now);
                ck_assert_uint_eq(healer_outlier_multiplier(o, 3), (uint32_t)count + 1);
        }
        healer_outlier_destroy(o);
}
END_TEST

START_TEST(the_multiplier_falls_on_healthy_sweeps)
{
        struct healer_outlier *o = make(20, 10, 0);

        fail_n(o, 3, 5, 0);
        healer_outlier_sweep(o, 30 * NS_S);
        ck_assert_uint_eq(healer_outlier_multiplier(o, 3), 1);
        healer_outlier_sweep(o, 40 * NS_S);
        ck_assert_uint_eq(healer_outlier_multiplier(o, 3), 0);
        healer_outlier_destroy(o);
}
END_TEST

START_TEST(eighty_five_percent_of_at_least_fifty_calls_eject_at_the_sweep)
{
        struct healer_outlier *o = make(20, 10, 0);

        for (int i = 0; i < 49; i++) /* too few */
                healer_outlier_report(o, 1, i % 7 == 0, 0);
        for (int i = 0; i < 100; i++) { /* 85 % failed, never five in a row */
                healer_outlier_report(o, 2, false, 0);
                if (i % 4 == 3)
                        healer_outlier_report(o, 2, true, 0);
        }
        ck_assert(healer_outlier_allows(o, 2, 0));
        healer_outlier_sweep(o, 10 * NS_S);
        ck_assert(healer_outlier_allows(o, 2, 10 * NS_S)); /* 100 of 125: 80 % */
        healer_outlier_destroy(o);

        {
                struct healer_outlier_config c = healer_outlier_config_defaults();

                c.members = 20;
                c.failures_in_row = 1000;
                ck_assert_int_eq(healer_outlier_create(&c, 0, &o), HEALER_OK);
                for (int i = 0; i < 60; i++)
                        healer_outlier_report(o, 2, i < 9, 0); /* exactly 85 % */
                for (int i = 0; i < 49; i++)
                        healer_outlier_report(o, 1, false, 0);
                healer_outlier_sweep(o, 10 * NS_S);
                ck_assert(!healer_outlier_allows(o, 2, 10 * NS_S));
                ck_assert(healer_outlier_allows(o, 1, 10 * NS_S));
                healer_outlier_destroy(o);
        }
}
END_TEST

START_TEST(at_most_ten_percent_but_at_least_one_are_out)
{
        struct healer_outlier *o = make(20, 10, 0), *small = make(3, 10, 0);

        for (uint32_t i = 0; i < 20; i++)
                fail_n(o, i, 5, 0);
        ck_assert_uint_eq(healer_outlier_ejected(o), 2);
        for (uint32_t i = 0; i < 3; i++)
                fail_n(small, i, 5, 0);
        ck_assert_uint_eq(healer_outlier_ejected(small), 1);
        healer_outlier_destroy(o);
        healer_outlier_destroy(small);
}
END_TEST

START_TEST(panic_asks_everybody_again)
{
        struct healer_outlier *o = make(4, 100, 50);

        fail_n(o, 0, 5, 0);
        fail_n(o, 1, 5, 0);
        ck_assert(!healer_outlier_allows(o, 0, 0)); /* exactly half is left: no panic */
        fail_n(o, 2, 5, 0);
        ck_assert(healer_outlier_panics(o));
        ck_assert(healer_outlier_allows(o, 0, 0));
        healer_outlier_destroy(o);
}
END_TEST

POLICY_MAIN("outlier", five_failures_in_a_row_eject_for_30_s_times_the_count_up_to_300,
            the_multiplier_falls_on_healthy_sweeps,
            eighty_five_percent_of_at_least_fifty_calls_eject_at_the_sweep,
            at_most_ten_percent_but_at_least_one_are_out, panic_asks_everybody_again)
