/* test_shed.c - exactly a share of the load, the important part first. */
#include "healer/shed.h"
#include "model_ops.h"
#include "policy_main.h"

#include <math.h>

static struct healer_shed *make(void)
{
        struct healer_shed_config c = healer_shed_config_defaults();
        struct healer_shed *s;

        ck_assert_int_eq(healer_shed_create(&c, 0, &s), HEALER_OK);
        return s;
}

/* Sends `n` requests, a millisecond apart, of the mix; answers the share let in. */
static double send(struct healer_shed *s, const uint32_t mix[HEALER_PRIORITY_CLASSES], int n,
                   double capacity, int64_t *now_ns, struct healer_shed_counts *counts)
{
        uint64_t random = 11, total = 0, in = 0;
        struct healer_shed_counts before;

        for (uint32_t k = 0; k < HEALER_PRIORITY_CLASSES; k++)
                total += mix[k];
        healer_shed_counts(s, &before);
        for (int i = 0; i < n; i++) {
                uint64_t at = model_random(&random) % total;
                uint32_t class = 0;

                while (at >= mix[class])
                        at -= mix[class++];
                in += healer_shed_admit(s, class * 100 + (uint32_t)i % 100, capacity, *now_ns);
                *now_ns += NS_MS;
        }
        healer_shed_counts(s, counts);
        for (uint32_t k = 0; k < HEALER_PRIORITY_CLASSES; k++) {
                counts->admitted[k] -= before.admitted[k];
                counts->shed[k] -= before.shed[k];
        }
        return (double)in / n;
}

START_TEST(rule_3_the_total_is_within_2_percent_of_any_capacity_for_any_mix)
{
        uint64_t random = 5;

        for (int round = 0; round < 60; round++) {
                struct healer_shed *s = make();
                struct healer_shed_counts counts;
                uint32_t mix[HEALER_PRIORITY_CLASSES];
                double capacity = (double)(1 + model_random(&random) % 99) / 100;
                int64_t now_ns = 0;

                for (int k = 0; k < (int)HEALER_PRIORITY_CLASSES; k++)
                        mix[k] = model_random(&random) % 4 ? (uint32_t)(model_random(&random) % 100)
                                                           : 0;
                mix[round % 5]++;
                send(s, mix, 2000, capacity, &now_ns, &counts);
                ck_assert_double_le(
                        fabs(send(s, mix, 20000, capacity, &now_ns, &counts) - capacity), .02);
                healer_shed_destroy(s);
        }
}
END_TEST

START_TEST(rule_3_all_above_the_cut_off_class_none_below_it)
{
        static const uint32_t even[HEALER_PRIORITY_CLASSES] = {1, 1, 1, 1, 1};
        struct healer_shed *s = make();
        struct healer_shed_counts counts;
        int64_t now_ns = 0;

        send(s, even, 12000, .5, &now_ns, &counts);
        send(s, even, 20000, .5, &now_ns, &counts); /* two classes whole, half of the third */
        ck_assert_uint_eq(counts.admitted[0] + counts.admitted[1], 0);
        ck_assert_uint_eq(counts.shed[3] + counts.shed[4], 0);
        ck_assert_double_eq_tol((double)counts.admitted[2],
                                (double)(counts.admitted[2] + counts.shed[2]) / 2, 200);
        healer_shed_destroy(s);
}
END_TEST

START_TEST(rule_3_a_changed_mix_is_right_again_within_a_window)
{
        static const uint32_t low[HEALER_PRIORITY_CLASSES] = {1, 0, 0, 0, 0};
        static const uint32_t high[HEALER_PRIORITY_CLASSES] = {0, 0, 0, 0, 1};
        struct healer_shed *s = make();
        struct healer_shed_counts counts;
        int64_t now_ns = 0;

        ck_assert_double_eq_tol(send(s, low, 20000, .25, &now_ns, &counts), .25, .02);
        send(s, high, 11000, .25, &now_ns, &counts);
        ck_assert_double_eq_tol(send(s, high, 20000, .25, &now_ns, &counts), .25, .02);
        healer_shed_destroy(s);
}
END_TEST

START_TEST(rule_3_no_randomness_the_same_requests_get_the_same_answers)
{
        struct healer_shed *a = make(), *b = make();
        uint64_t random = 9;

        for (int64_t i = 0; i < 50000; i++) {
                uint32_t priority = (uint32_t)(model_random(&random) % 500);

                ck_assert_int_eq(healer_shed_admit(a, priority, .6, i * NS_MS),
                                 healer_shed_admit(b, priority, .6, i * NS_MS));
        }
        healer_shed_destroy(a);
        healer_shed_destroy(b);
}
END_TEST

START_TEST(absurd_priorities_capacities_and_times_are_taken_as_the_nearest_sane_ones)
{
        struct healer_shed *s = make();

        ck_assert(healer_shed_admit(s, UINT32_MAX, 1, INT64_MAX));
        ck_assert(healer_shed_admit(s, 499, (double)NAN, INT64_MIN));
        ck_assert(healer_shed_admit(s, 499, 2, 0));
        ck_assert(!healer_shed_admit(s, 0, 0, 0));
        ck_assert(!healer_shed_admit(s, 499, -1, 0));
        healer_shed_destroy(s);
}
END_TEST

START_TEST(bad_configurations_are_refused_by_name)
{
        struct healer_shed_config c = healer_shed_config_defaults();
        struct healer_shed *s;

        c.window_ns = 0;
        ck_assert_str_eq(healer_shed_config_check(&c), "window_ns: must be 1 ms..1 d");
        ck_assert_int_eq(healer_shed_create(&c, 0, &s), HEALER_E_RANGE);
        ck_assert_ptr_null(s);
        c = healer_shed_config_defaults();
        c.threads = 2;
        ck_assert_str_eq(healer_shed_config_check(&c), "threads: no such choice");
}
END_TEST

POLICY_MAIN("shed", rule_3_the_total_is_within_2_percent_of_any_capacity_for_any_mix,
            rule_3_all_above_the_cut_off_class_none_below_it,
            rule_3_a_changed_mix_is_right_again_within_a_window,
            rule_3_no_randomness_the_same_requests_get_the_same_answers,
            absurd_priorities_capacities_and_times_are_taken_as_the_nearest_sane_ones,
            bad_configurations_are_refused_by_name)
