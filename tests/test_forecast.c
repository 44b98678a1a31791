/* The rules of prediction, each by its edges. */
#include <check.h>
#include <string.h>

#include "healer/forecast.h"
#include "tests/noise.h"

#define SECOND INT64_C(1000000000)
#define MINUTE (60 * SECOND)

/* similarity, right, wrong, age in s (-1: unknown), and what comes of it by hand */
static const struct {
        double similarity, right, wrong, age_s, confidence;
} by_hand[] = {
        {0.8, 0, 0, 10, 0.75},          /* no history: .4 + .15 + .2 */
        {0.8, 8, 2, 10, 0.84},          /* .4 + .24 + .2 */
        {1.0, 10, 0, 0, 1.0},           /* all there is */
        {1.4, 10, 0, 0, 1.0},           /* and no more: the cap */
        {0.6, 1, 3, 59.999, 0.575},     /* .3 + .075 + .2: just below a minute */
        {0.6, 1, 3, 60, 0.535},         /* .3 + .075 + .16: a minute */
        {0.6, 1, 3, 300, 0.495},        /* .3 + .075 + .12: five */
        {0.6, 1, 3, 600, 0.455},        /* .3 + .075 + .08: ten */
        {0.6, 1, 3, 1800, 0.415},       /* .3 + .075 + .04: thirty */
        {0.9, 3, 1, -1, 0.775},         /* .45 + .225 + .1: nobody knows how old */
};

START_TEST(s0_23_ten_cases_by_hand)
{
        int64_t age_ns = by_hand[_i].age_s < 0 ? -1 : (int64_t)(by_hand[_i].age_s * 1e9);

        ck_assert_double_eq_tol(healer_confidence(by_hand[_i].similarity, by_hand[_i].right,
                                                  by_hand[_i].wrong, age_ns),
                                by_hand[_i].confidence, 1e-9);
}
END_TEST

START_TEST(s2_06_the_edges_of_the_bands_are_exact)
{
        ck_assert_int_eq(healer_band_of_risk(0.5), HEALER_BAND_SIX_HOURS);
        ck_assert_int_eq(healer_band_of_risk(0.5 + 1e-12), HEALER_BAND_HOUR);
        ck_assert_int_eq(healer_band_of_risk(0.3), HEALER_BAND_DAY);
        ck_assert_int_eq(healer_band_of_risk(0.3 + 1e-12), HEALER_BAND_SIX_HOURS);
        ck_assert_int_eq(healer_band_of_risk(0.1), HEALER_BAND_NONE);
        ck_assert_int_eq(healer_band_of_risk(0.1 + 1e-12), HEALER_BAND_DAY);
        ck_assert_int_eq(healer_band_of_time(3599.9), HEALER_BAND_HOUR);
        ck_assert_int_eq(healer_band_of_time(3600), HEALER_BAND_SIX_HOURS);
        ck_assert_int_eq(healer_band_of_time(6 * 3600.0), HEALER_BAND_DAY);
        ck_assert_int_eq(healer_band_of_time(86400), HEALER_BAND_NONE);
        ck_assert_str_eq(healer_band_name(HEALER_BAND_HOUR), "<1 h");
}
END_TEST

START_TEST(s2_06_a_band_comes_with_its_reasons)
{
        char text[128];

        healer_reasons_text(HEALER_REASON_LEAK | HEALER_REASON_CPU, text, sizeof(text));
        ck_assert_str_eq(text, "memory leak, processors near exhaustion and rising");
        healer_reasons_text(HEALER_REASON_LEAK | HEALER_REASON_CPU, text, 16);
        ck_assert_str_eq(text, "memory leak");
        ck_assert_double_eq_tol(healer_risk_of(HEALER_REASON_LEAK), 0.4, 1e-12);
        ck_assert_double_eq_tol(healer_risk_of(UINT32_MAX), 1, 1e-12);
}
END_TEST

START_TEST(s2_04_errors_that_double_raise_the_risk_by_three_tenths)
{
        double ratios[10] = {0.02, 0.02, 0.02, 0.03, 0.03, 0.03, 0.035, 0.04, 0.04, 0.05};

        ck_assert(healer_error_doubling(ratios, 10, 0.01));
        ck_assert(!healer_error_doubling(ratios, 9, 0.01));
        ratios[9] = 0.04; /* twice is not more than twice */
        ck_assert(!healer_error_doubling(ratios, 10, 0.01));
        ratios[0] = 0.0001;
        ratios[9] = 0.0005; /* five times next to nothing */
        ck_assert(!healer_error_doubling(ratios, 10, 0.01));
        ck_assert_double_eq_tol(healer_risk_of(HEALER_REASON_ERRORS), 0.3, 1e-12);
}
END_TEST

START_TEST(s2_04_processors_that_fill_up_raise_it_by_a_quarter_and_flat_ones_do_not)
{
        double rising[12], flat[12];
        struct noise noise = {4};
        int i;

        for (i = 0; i < 12; i++) {
                rising[i] = 0.70 + 0.02 * i;
                flat[i] = 0.92 + 0.01 * noise_normal(&noise);
        }
        ck_assert(healer_cpu_exhaustion(rising, 12));
        ck_assert(!healer_cpu_exhaustion(flat, 12));
        ck_assert(!healer_cpu_exhaustion(rising, 8)); /* at 84 % by then, and too few */
        for (i = 0; i < 12; i++)
                rising[i] -= 0.10; /* rising, but far from full */
        ck_assert(!healer_cpu_exhaustion(rising, 12));
        ck_assert_double_eq_tol(healer_risk_of(HEALER_REASON_CPU), 0.25, 1e-12);
}
END_TEST

START_TEST(s2_05_five_percent_a_minute_is_found_before_it_has_doubled)
{
        struct noise noise = {(uint64_t)_i + 1};
        struct healer_line trend;
        int64_t at_ns[64];
        double value[64], level;
        int i, n, found_at = -1;

        for (n = 64; n < 400 && found_at < 0; n++) { /* a sample every 5 s, drift from the 64th on */
                for (i = 0; i < 64; i++) {
                        level = n - 63 + i < 64 ? 0 : (n - 63 + i - 64) * 5 / 60.0;
                        at_ns[i] = (n - 63 + i) * 5 * SECOND;
                        value[i] = 0.02 * (1 + 0.05 * level) * (1 + 0.05 * noise_normal(&noise));
                }
                if (healer_line_fit(at_ns, value, 64, &trend) && healer_latency_decay(&trend))
                        found_at = n;
        }
        ck_assert_int_gt(found_at, 0);
        ck_assert_double_lt(1 + 0.05 * (found_at - 64) * 5 / 60.0, 2);
}
END_TEST

START_TEST(s0_39_two_weak_signs_are_worth_more_than_either_and_one_is_worth_itself)
{
        const double alone[] = {0.62}, two[] = {0.66, 0.64}, noise[] = {0.3, 0.35, 0.2};

        ck_assert_double_eq_tol(healer_joint(alone, 1), 0.62, 1e-12);
        ck_assert_double_gt(healer_joint(two, 2), 0.7);
        ck_assert_double_eq_tol(healer_joint(noise, 3), 0.35, 1e-12);
        ck_assert_double_le(healer_joint(two, 2), 1);
}
END_TEST

/* Two signals that drift weakly together, against each alone: who speaks first, and
 * how often where nothing drifts. */
START_TEST(s0_39_joint_evidence_is_earlier_with_one_false_alarm_more_at_most)
{
        struct noise noise = {77};
        struct healer_line a, b;
        int64_t at_ns[64];
        double va[64], vb[64], both[2];
        int round, n, i, drift, first_alone, first_joint;
        int earlier = 0, later = 0, false_alone = 0, false_joint = 0;

        for (round = 0; round < 120; round++) {
                drift = round % 2;
                first_alone = first_joint = 1000;
                for (n = 0; n < 120; n += 4) {
                        for (i = 0; i < 64; i++) {
                                double t = fmax(0, n - 63 + i) * drift;

                                at_ns[i] = (n + i) * 5 * SECOND;
                                va[i] = 0.5 + 0.0006 * t + 0.03 * noise_normal(&noise);
                                vb[i] = 0.5 + 0.0006 * t + 0.03 * noise_normal(&noise);
                        }
                        if (!healer_line_fit(at_ns, va, 64, &a) ||
                            !healer_line_fit(at_ns, vb, 64, &b))
                                continue;
                        both[0] = a.slope_low > 0 ? a.likeness : 0;
                        both[1] = b.slope_low > 0 ? b.likeness : 0;
                        if (fmax(both[0], both[1]) >= 0.8 && n < first_alone)
                                first_alone = n;
                        if (healer_joint(both, 2) >= 0.8 && n < first_joint)
                                first_joint = n;
                }
                if (drift) {
                        earlier += first_joint < first_alone;
                        later += first_joint > first_alone;
                } else {
                        false_alone += first_alone < 1000;
                        false_joint += first_joint < 1000;
                }
        }
        ck_assert_int_gt(earlier, later);
        ck_assert_int_eq(later, 0);
        ck_assert_int_ge(earlier, 6);
        ck_assert_int_le(false_joint, false_alone + 1);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("forecast");
        TCase *tests = tcase_create("forecast");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_loop_test(tests, s0_23_ten_cases_by_hand, 0, 10);
        tcase_add_test(tests, s2_06_the_edges_of_the_bands_are_exact);
        tcase_add_test(tests, s2_06_a_band_comes_with_its_reasons);
        tcase_add_test(tests, s2_04_errors_that_double_raise_the_risk_by_three_tenths);
        tcase_add_test(tests,
                       s2_04_processors_that_fill_up_raise_it_by_a_quarter_and_flat_ones_do_not);
        tcase_add_loop_test(tests, s2_05_five_percent_a_minute_is_found_before_it_has_doubled, 0,
                            20);
        tcase_add_test(tests,
                       s0_39_two_weak_signs_are_worth_more_than_either_and_one_is_worth_itself);
        tcase_add_test(tests, s0_39_joint_evidence_is_earlier_with_one_false_alarm_more_at_most);
        suite_add_tcase(suite, tests);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
