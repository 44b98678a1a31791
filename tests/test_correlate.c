/* Correlation: the score of two failures, and which of many are one incident. */
#include <check.h>
#include <stdio.h>

#include "healer/correlate.h"
#include "tests/healer_rig.h"

enum { NOBODY = -1 };

/* Worked out by hand from the table in correlate.h; the first one is a memory leak of
 * component 1, high, with tags 1 and 2, at 10000 s. */
static const struct {
        enum healer_failure failure;
        int component;
        enum healer_severity severity;
        uint64_t tags;
        int64_t later_s;
        double wanted;
        bool related;
} cases[] = {
        {HEALER_FAILURE_MEMORY_LEAK, 1, HEALER_SEVERITY_HIGH, 0x6, 0, 1.0, true},
        {HEALER_FAILURE_MEMORY_LEAK, 1, HEALER_SEVERITY_HIGH, 0x6, 299, 1.0, true},
        {HEALER_FAILURE_MEMORY_LEAK, 1, HEALER_SEVERITY_HIGH, 0x6, 300, 0.9, true},
        {HEALER_FAILURE_MEMORY_LEAK, 1, HEALER_SEVERITY_HIGH, 0x6, 899, 0.9, true},
        {HEALER_FAILURE_MEMORY_LEAK, 1, HEALER_SEVERITY_HIGH, 0x6, 900, 0.8, true},
        {HEALER_FAILURE_MEMORY_LEAK, 1, HEALER_SEVERITY_HIGH, 0x6, 3600, 0.8, true},
        {HEALER_FAILURE_MEMORY_LEAK, 1, HEALER_SEVERITY_HIGH, 0x6, 3601, 0, false},
        {HEALER_FAILURE_MEMORY_LEAK, 1, HEALER_SEVERITY_HIGH, 0x6, -299, 1.0, true},
        {HEALER_FAILURE_MEMORY_LEAK, 1, HEALER_SEVERITY_CRITICAL, 0x6, 0, 1.0, true},
        {HEALER_FAILURE_MEMORY_LEAK, 1, HEALER_SEVERITY_MEDIUM, 0x6, 0, 1.0, true},
        {HEALER_FAILURE_MEMORY_LEAK, 1, HEALER_SEVERITY_LOW, 0x6, 0, 0.9, true},
        {HEALER_FAILURE_MEMORY_LEAK, 1, HEALER_SEVERITY_HIGH, 0x2, 0, 0.9, true},
        {HEALER_FAILURE_MEMORY_LEAK, 1, HEALER_SEVERITY_HIGH, 0xa, 0, 0.8 + 0.2 / 3, true},
        {HEALER_FAILURE_MEMORY_LEAK, 1, HEALER_SEVERITY_HIGH, 0, 0, 0.8, true},
        {HEALER_FAILURE_MEMORY_LEAK, 2, HEALER_SEVERITY_HIGH, 0, 0, 0.6, true},
        {HEALER_FAILURE_MEMORY_LEAK, 2, HEALER_SEVERITY_HIGH, 0, 300, 0.5, false},
        {HEALER_FAILURE_MEMORY_LEAK, 2, HEALER_SEVERITY_LOW, 0, 0, 0.5, false},
        {HEALER_FAILURE_MEMORY_LEAK, 1, HEALER_SEVERITY_LOW, 0, 900, 0.5, false},
        {HEALER_FAILURE_MEMORY_LEAK, NOBODY, HEALER_SEVERITY_HIGH, 0, 0, 0.6, true},
        {HEALER_FAILURE_CPU_SPIKE, 1, HEALER_SEVERITY_HIGH, 0, 0, 0.5, false},
        {HEALER_FAILURE_CPU_SPIKE, 1, HEALER_SEVERITY_HIGH, 0x2, 0, 0.6, true},
        {HEALER_FAILURE_CPU_SPIKE, 1, HEALER_SEVERITY_HIGH, 0x6, 300, 0.6, true},
        {HEALER_FAILURE_CPU_SPIKE, 1, HEALER_SEVERITY_HIGH, 0x6, 900, 0.5, false},
        {HEALER_FAILURE_CPU_SPIKE, 2, HEALER_SEVERITY_HIGH, 0x6, 0, 0.5, false},
        {HEALER_FAILURE_CPU_SPIKE, 2, HEALER_SEVERITY_LOW, 0x8, 3600, 0, false},
};
enum { CASES = sizeof(cases) / sizeof(cases[0]) };

START_TEST(s1_13_the_score_of_two_is_that_worked_out_by_hand_both_ways)
{
        const struct healer_happening first = {10000 * RIG_SECOND, HEALER_FAILURE_MEMORY_LEAK,
                                               HEALER_SEVERITY_HIGH, 1, 0x6};
        const struct healer_happening second = {(10000 + cases[_i].later_s) * RIG_SECOND,
                                                cases[_i].failure, cases[_i].severity,
                                                (uint32_t)cases[_i].component, cases[_i].tags};
        const struct healer_happening both[] = {first, second};
        uint32_t incident[2];

        ck_assert_double_eq_tol(healer_correlation(&first, &second), cases[_i].wanted, 1e-12);
        ck_assert_double_eq(healer_correlation(&first, &second),
                            healer_correlation(&second, &first));
        ck_assert_uint_eq(healer_related_count(both, 2, 0), cases[_i].related);
        ck_assert_uint_eq(healer_related_count(both, 2, 1), cases[_i].related);
        ck_assert_uint_eq(healer_correlate(both, 2, NULL, 0, 0, incident),
                          cases[_i].related ? 1 : 2);
}
END_TEST

START_TEST(what_nobody_can_name_and_nobody_has_is_not_the_same)
{
        const struct healer_happening one = {0, HEALER_FAILURE_UNKNOWN, HEALER_SEVERITY_LOW,
                                             UINT32_MAX, 0};

        ck_assert_double_eq_tol(healer_correlation(&one, &one), 0.3, 1e-12);
        ck_assert_uint_eq(healer_related_count(&one, 1, 0), 0);
        ck_assert_uint_eq(healer_related_count(&one, 1, 1), 0);
        ck_assert_uint_eq(healer_correlate(NULL, 0, NULL, 0, 0, NULL), 0);
}
END_TEST

START_TEST(times_at_the_ends_of_the_scale_are_far_apart)
{
        const struct healer_happening both[] = {
                {INT64_MIN, HEALER_FAILURE_CPU_SPIKE, HEALER_SEVERITY_HIGH, 1, 1},
                {INT64_MAX, HEALER_FAILURE_CPU_SPIKE, HEALER_SEVERITY_HIGH, 1, 1},
        };

        ck_assert_double_eq(healer_correlation(&both[0], &both[1]), 0);
}
END_TEST

/* 0 -> 1 -> 2 -> 3, and 4 -> 5 apart from them. */
static const struct healer_cascade_edge chain[] = {{0, 1}, {1, 2}, {2, 3}, {4, 5}};

/* Symptoms of other types and severities at each step: no two have a score above 0.5. */
START_TEST(s1_13_a_fault_that_comes_up_the_call_graph_is_one_incident)
{
        const struct healer_happening spread[] = {
                {1000 * RIG_SECOND, HEALER_FAILURE_MEMORY_EXHAUSTION, HEALER_SEVERITY_CRITICAL, 3,
                 0},
                {1020 * RIG_SECOND, HEALER_FAILURE_EXECUTION_ERROR, HEALER_SEVERITY_HIGH, 2, 0},
                {1060 * RIG_SECOND, HEALER_FAILURE_NETWORK_TIMEOUT, HEALER_SEVERITY_MEDIUM, 1, 0},
                {1300 * RIG_SECOND, HEALER_FAILURE_HIGH_LATENCY, HEALER_SEVERITY_LOW, 0, 0},
                /* at that time, elsewhere */
                {1010 * RIG_SECOND, HEALER_FAILURE_MEMORY_EXHAUSTION, HEALER_SEVERITY_CRITICAL, 5,
                 0},
        };
        uint32_t incident[5], i;

        ck_assert_uint_eq(healer_correlate(spread, 5, chain, 4, 0, incident), 2);
        for (i = 0; i < 4; i++)
                ck_assert_uint_eq(incident[i], 0);
        ck_assert_uint_eq(incident[4], 4);
        /* without the graph there is the score alone, and it takes like for like */
        ck_assert_uint_eq(healer_correlate(spread, 5, NULL, 0, 0, incident), 4);
        ck_assert_uint_eq(incident[4], 0);
}
END_TEST

START_TEST(a_caller_that_fell_ill_before_or_long_after_has_it_from_elsewhere)
{
        static const struct {
                int64_t later_s;
                uint32_t incidents;
        } later[] = {{-11, 2}, {-10, 1}, {0, 1}, {299, 1}, {300, 2}};
        const struct healer_happening both[] = {
                {1000 * RIG_SECOND, HEALER_FAILURE_DISK_FULL, HEALER_SEVERITY_HIGH, 3, 0},
                {(1000 + later[_i].later_s) * RIG_SECOND, HEALER_FAILURE_HIGH_LATENCY,
                 HEALER_SEVERITY_HIGH, 2, 0},
        };
        uint32_t incident[2];

        ck_assert_uint_eq(healer_correlate(both, 2, chain, 4, 10 * RIG_SECOND, incident),
                          later[_i].incidents);
}
END_TEST

/* Both ends first, then what joins them. */
START_TEST(what_comes_late_joins_what_seemed_two)
{
        const struct healer_happening late[] = {
                {1000 * RIG_SECOND, HEALER_FAILURE_DISK_FULL, HEALER_SEVERITY_HIGH, 3, 0},
                {1040 * RIG_SECOND, HEALER_FAILURE_HIGH_LATENCY, HEALER_SEVERITY_LOW, 1, 0},
                {1020 * RIG_SECOND, HEALER_FAILURE_TASK_TIMEOUT, HEALER_SEVERITY_HIGH, 2, 0},
        };
        uint32_t incident[3];

        ck_assert_uint_eq(healer_correlate(late, 2, chain, 4, 0, incident), 2);
        ck_assert_uint_eq(healer_correlate(late, 3, chain, 4, 0, incident), 1);
        ck_assert_uint_eq(incident[1], 0);
        ck_assert_uint_eq(incident[2], 0);
}
END_TEST

/* ---- the supervisor's own alarms and episodes */

static void errors(struct rig *rig, int service, uint32_t edge, double ratio)
{
        int i;

        for (i = 0; i < RIG_EACH; i++)
                rig->instance[INSTANCE(service, i)].error_ratio = ratio;
        rig->edge[edge].error_ratio = ratio;
}

/* The alarms that were raised, in groups; how many incidents. */
static uint32_t incidents_of(const struct rig *rig, uint32_t *alarms)
{
        static const struct healer_cascade_edge calls[] = {
                {FRONTEND, CART}, {FRONTEND, CHECKOUT}, {CHECKOUT, PAYMENT}};
        struct healer_happening happenings[64];
        uint32_t incident[64], i, count = 0, since = 0;

        for (i = 0; i < rig->notice_count && count < 64; i++) {
                const struct healer_notice *notice = &rig->notices[i];

                if (notice->kind != HEALER_NOTICE_ALARM)
                        continue;
                since++;
                happenings[count++] =
                        (struct healer_happening){since * 5 * RIG_SECOND, notice->failure,
                                                  notice->severity, notice->service, 0};
        }
        *alarms = count;
        return healer_correlate(happenings, count, calls, 3, 30 * RIG_SECOND, incident);
}

START_TEST(s1_13_a_fault_that_spreads_step_by_step_is_one_episode_and_one_incident)
{
        struct rig *rig = rig_started();
        uint32_t alarms;

        rig_run(rig, 300);
        errors(rig, PAYMENT, TO_PAYMENT, 0.5);
        rig_run(rig, 20);
        errors(rig, CHECKOUT, TO_CHECKOUT, 0.5);
        rig_run(rig, 20);
        errors(rig, FRONTEND, TO_FRONTEND, 0.5);
        rig_run(rig, 40);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_EPISODE_OPENED), 1);
        ck_assert_uint_eq(rig_first(rig, HEALER_NOTICE_EPISODE_OPENED)->service, PAYMENT);
        ck_assert_uint_eq(incidents_of(rig, &alarms), 1);
        ck_assert_uint_ge(alarms, 3);
        rig_free(rig);
}
END_TEST

START_TEST(two_faults_that_have_nothing_to_do_with_each_other_are_two_of_both)
{
        struct rig *rig = rig_started();
        uint32_t alarms;

        rig_run(rig, 300);
        rig->instance[INSTANCE(PAYMENT, 0)].error_ratio = 0.9;
        rig->instance[INSTANCE(CART, 0)].error_ratio = 0.9;
        rig_run(rig, 30);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_EPISODE_OPENED), 2);
        ck_assert_uint_eq(incidents_of(rig, &alarms), 2);
        ck_assert_uint_ge(alarms, 2);
        rig_free(rig);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("correlate");
        TCase *tcase = tcase_create("correlate");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_loop_test(tcase, s1_13_the_score_of_two_is_that_worked_out_by_hand_both_ways, 0,
                            CASES);
        tcase_add_test(tcase, what_nobody_can_name_and_nobody_has_is_not_the_same);
        tcase_add_test(tcase, times_at_the_ends_of_the_scale_are_far_apart);
        tcase_add_test(tcase, s1_13_a_fault_that_comes_up_the_call_graph_is_one_incident);
        tcase_add_loop_test(
                tcase, a_caller_that_fell_ill_before_or_long_after_has_it_from_elsewhere, 0, 5);
        tcase_add_test(tcase, what_comes_late_joins_what_seemed_two);
        tcase_add_test(tcase,
                       s1_13_a_fault_that_spreads_step_by_step_is_one_episode_and_one_incident);
        tcase_add_test(tcase, two_faults_that_have_nothing_to_do_with_each_other_are_two_of_both);
        suite_add_tcase(suite, tcase);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
