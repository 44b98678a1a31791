/* test_stats_wilcoxon.c - exact signed ranks and the Hodges-Lehmann shift. */
#include "tests/stats_reference.h"

#include "reports/stats/wilcoxon.h"

START_TEST(ranks_and_shifts_are_those_of_r)
{
        stats_reference_check("wilcoxon.json");
}
END_TEST

START_TEST(swapping_a_and_b_mirrors_every_sign_exactly)
{
        double differences[61], mirrored[61];
        struct stats_wilcoxon one, other;
        size_t n, i;

        for (i = 0; i < 61; i++) {
                differences[i] = round(8 * sin((double)i * 2.3) + 0.05 * (double)i) / 3;
                mirrored[i] = -differences[i];
        }
        for (n = 1; n <= 61; n++) {
                ck_assert(stats_wilcoxon(differences, n, 0.95, &one));
                ck_assert(stats_wilcoxon(mirrored, n, 0.95, &other));
                ck_assert(one.p == other.p && one.has_p);
                ck_assert(one.rank_sum_plus == other.rank_sum_minus);
                ck_assert(one.shift.value == -other.shift.value);
                ck_assert(one.shift.low == -other.shift.high);
                ck_assert(one.shift.high == -other.shift.low);
                ck_assert(one.shift.has_low == (n >= 6));
        }
}
END_TEST

START_TEST(all_zero_is_p_1_and_none_has_no_p)
{
        const double zero[8] = {0}, balanced[] = {-1, 1};
        struct stats_wilcoxon wilcoxon;

        ck_assert(stats_wilcoxon(zero, 8, 0.95, &wilcoxon));
        ck_assert(wilcoxon.has_p && wilcoxon.p == 1 && wilcoxon.nonzero == 0);
        ck_assert(wilcoxon.shift.value == 0 && wilcoxon.shift.low == 0);
        ck_assert(!signbit(wilcoxon.shift.value));
        ck_assert(stats_wilcoxon(balanced, 2, 0.95, &wilcoxon));
        ck_assert(wilcoxon.shift.value == 0 && !signbit(wilcoxon.shift.value));
        ck_assert(stats_wilcoxon(NULL, 0, 0.95, &wilcoxon));
        ck_assert(!wilcoxon.has_p && !wilcoxon.shift.has_value);
}
END_TEST

START_TEST(adding_zeros_leaves_p_and_pulls_the_shift_in)
{
        const double values[] = {1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0};
        struct stats_wilcoxon without, with;

        ck_assert(stats_wilcoxon(values, 8, 0.95, &without));
        ck_assert(stats_wilcoxon(values, 14, 0.95, &with));
        ck_assert(without.p == with.p);
        ck_assert(with.shift.value < without.shift.value);
}
END_TEST

START_TEST(one_catastrophe_moves_the_mean_and_not_the_shift)
{
        double values[30];
        struct stats_wilcoxon before, after;
        size_t i;

        for (i = 0; i < 30; i++)
                values[i] = 1 + 0.1 * (double)i;
        ck_assert(stats_wilcoxon(values, 30, 0.95, &before));
        values[29] = 1e9;
        ck_assert(stats_wilcoxon(values, 30, 0.95, &after));
        ck_assert_double_eq_tol(before.shift.value, after.shift.value, 0.1);
        ck_assert(before.p == after.p);
}
END_TEST

START_TEST(beyond_the_exact_limit_the_approximation_joins_on)
{
        double values[STATS_WILCOXON_EXACT_MAX + 1];
        struct stats_wilcoxon exact, approximate;
        size_t i;

        for (i = 0; i <= STATS_WILCOXON_EXACT_MAX; i++)
                values[i] = sin((double)i * 1.234) + 0.04;
        values[STATS_WILCOXON_EXACT_MAX] = 1e-9; /* of rank 1: moves the sums least */
        ck_assert(stats_wilcoxon(values, STATS_WILCOXON_EXACT_MAX, 0.95, &exact));
        ck_assert(stats_wilcoxon(values, STATS_WILCOXON_EXACT_MAX + 1, 0.95, &approximate));
        ck_assert(exact.exact && !approximate.exact);
        ck_assert_double_eq_tol(exact.p / approximate.p, 1, 0.02);
        ck_assert_double_eq_tol(exact.shift.low, approximate.shift.low, 0.005);
        ck_assert_double_eq_tol(exact.shift.high, approximate.shift.high, 0.005);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("stats_wilcoxon");
        TCase *tests = tcase_create("all");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tests);
        tcase_add_test(tests, ranks_and_shifts_are_those_of_r);
        tcase_add_test(tests, swapping_a_and_b_mirrors_every_sign_exactly);
        tcase_add_test(tests, all_zero_is_p_1_and_none_has_no_p);
        tcase_add_test(tests, adding_zeros_leaves_p_and_pulls_the_shift_in);
        tcase_add_test(tests, one_catastrophe_moves_the_mean_and_not_the_shift);
        tcase_add_test(tests, beyond_the_exact_limit_the_approximation_joins_on);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
