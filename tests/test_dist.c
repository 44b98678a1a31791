/* test_dist.c - quantiles against GSL's distribution functions, means and SCVs
 * against sums over the quantiles, draws by Kolmogorov and Smirnov. Linked with
 * --wrap=malloc,calloc, so that the heap can be made to run out. */
#include "harness/base/dist.h"

#include <check.h>
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/arena.h"
#include "harness/base/rng.h"

static int heap_calls_left = -1; /* below 0: no limit */

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

static bool heap_is_out(void)
{
        if (heap_calls_left == 0)
                return true;
        if (heap_calls_left > 0)
                heap_calls_left--;
        return false;
}

void *__wrap_calloc(size_t count, size_t size)
{
        return heap_is_out() ? NULL : __real_calloc(count, size);
}

void *__wrap_malloc(size_t size)
{
        return heap_is_out() ? NULL : __real_malloc(size);
}

/* ---- what the distributions should be ---- */

struct truth {
        double below, above, density; /* at one x */
};

static struct truth exponential_truth(const struct dist *d, double x)
{
        return (struct truth){gsl_cdf_exponential_P(x, d->a_ns), gsl_cdf_exponential_Q(x, d->a_ns),
                              gsl_ran_exponential_pdf(x, d->a_ns)};
}

static struct truth lognormal_truth(const struct dist *d, double x)
{
        return (struct truth){gsl_cdf_lognormal_P(x, d->p, d->q),
                              gsl_cdf_lognormal_Q(x, d->p, d->q),
                              gsl_ran_lognormal_pdf(x, d->p, d->q)};
}

static struct truth uniform_truth(const struct dist *d, double x)
{
        return (struct truth){gsl_cdf_flat_P(x, d->a_ns, d->b_ns),
                              gsl_cdf_flat_Q(x, d->a_ns, d->b_ns), 1 / (d->b_ns - d->a_ns)};
}

static struct truth normal_truth(const struct dist *d, double x)
{
        return (struct truth){gsl_cdf_gaussian_P(x - d->a_ns, d->b_ns),
                              gsl_cdf_gaussian_Q(x - d->a_ns, d->b_ns),
                              gsl_ran_gaussian_pdf(x - d->a_ns, d->b_ns)};
}

static struct truth gamma_truth(const struct dist *d, double x)
{
        double scale = d->a_ns / d->p;

        return (struct truth){gsl_cdf_gamma_P(x, d->p, scale), gsl_cdf_gamma_Q(x, d->p, scale),
                              gsl_ran_gamma_pdf(x, d->p, scale)};
}

static struct truth weibull_truth(const struct dist *d, double x)
{
        return (struct truth){gsl_cdf_weibull_P(x, d->a_ns, d->p),
                              gsl_cdf_weibull_Q(x, d->a_ns, d->p),
                              gsl_ran_weibull_pdf(x, d->a_ns, d->p)};
}

static struct truth pareto_truth(const struct dist *d, double x)
{
        return (struct truth){gsl_cdf_pareto_P(x, d->p, d->a_ns),
                              gsl_cdf_pareto_Q(x, d->p, d->a_ns),
                              gsl_ran_pareto_pdf(x, d->p, d->a_ns)};
}

static struct truth hyper_truth(const struct dist *d, double x)
{
        struct truth truth = {0, 0, 0};

        for (size_t i = 0; i < d->branch_count; i++) {
                double p = d->branches[i].probability;
                double mean = d->branches[i].mean_ns;

                truth.below -= p * expm1(-x / mean);
                truth.above += p * exp(-x / mean);
                truth.density += p * exp(-x / mean) / mean;
        }
        return truth;
}

static const struct dist_branch two_branches[] = {{0.9, 1e6}, {0.1, 2e7}};
static const struct dist_branch three_branches[] = {{0.5, 1e3}, {0.49, 1e6}, {0.01, 1e9}};

static const struct sample_kind {
        const char *name;
        struct dist dist;
        struct truth (*truth)(const struct dist *d, double x);
        bool heavy; /* its tail holds much of its variance */
} samples[] = {
        {"exponential", {.kind = DIST_EXPONENTIAL, .a_ns = 3e6}, exponential_truth, false},
        {"lognormal, cv 0.1", {.kind = DIST_LOGNORMAL, .p = 15, .q = 0.1}, lognormal_truth, false},
        {"lognormal, cv 1", {.kind = DIST_LOGNORMAL, .p = 15, .q = 0.83}, lognormal_truth, false},
        {"lognormal, cv 7", {.kind = DIST_LOGNORMAL, .p = 15, .q = 2}, lognormal_truth, true},
        {"lognormal, cv 90", {.kind = DIST_LOGNORMAL, .p = 15, .q = 3}, lognormal_truth, true},
        {"uniform", {.kind = DIST_UNIFORM, .a_ns = 1e6, .b_ns = 5e6}, uniform_truth, false},
        {"normal", {.kind = DIST_NORMAL, .a_ns = 1e6, .b_ns = 2e5}, normal_truth, false},
        {"normal, much cut", {.kind = DIST_NORMAL, .a_ns = 1e6, .b_ns = 1e6}, normal_truth, false},
        {"normal, half cut", {.kind = DIST_NORMAL, .a_ns = 0, .b_ns = 1e6}, normal_truth, false},
        {"gamma, cv 10", {.kind = DIST_GAMMA, .a_ns = 1e6, .p = 0.01}, gamma_truth, true},
        {"gamma, cv 2", {.kind = DIST_GAMMA, .a_ns = 1e6, .p = 0.25}, gamma_truth, false},
        {"gamma, cv 1", {.kind = DIST_GAMMA, .a_ns = 1e6, .p = 1}, gamma_truth, false},
        {"gamma, cv 0.5", {.kind = DIST_GAMMA, .a_ns = 1e6, .p = 4}, gamma_truth, false},
        {"gamma, cv 0.05", {.kind = DIST_GAMMA, .a_ns = 1e6, .p = 400}, gamma_truth, false},
        {"gamma, cv 0.02", {.kind = DIST_GAMMA, .a_ns = 1e6, .p = 2500}, gamma_truth, false},
        {"weibull, long", {.kind = DIST_WEIBULL, .a_ns = 1e6, .p = 0.7}, weibull_truth, false},
        {"weibull, short", {.kind = DIST_WEIBULL, .a_ns = 1e6, .p = 3}, weibull_truth, false},
        {"pareto", {.kind = DIST_PARETO, .a_ns = 1e6, .p = 6}, pareto_truth, false},
        {"pareto, heavy", {.kind = DIST_PARETO, .a_ns = 1e6, .p = 1.5}, pareto_truth, true},
        {"erlang 1", {.kind = DIST_ERLANG, .a_ns = 1e6, .p = 1}, gamma_truth, false},
        {"erlang 3", {.kind = DIST_ERLANG, .a_ns = 1e6, .p = 3}, gamma_truth, false},
        {"erlang 100", {.kind = DIST_ERLANG, .a_ns = 1e6, .p = 100}, gamma_truth, false},
        {"hyperexponential",
         {.kind = DIST_HYPEREXPONENTIAL, .branches = two_branches, .branch_count = 2},
         hyper_truth,
         false},
        {"hyperexponential, wide",
         {.kind = DIST_HYPEREXPONENTIAL, .branches = three_branches, .branch_count = 3},
         hyper_truth,
         true},
};

enum { SAMPLES = sizeof(samples) / sizeof(samples[0]) };

static struct arena arena;

static void open_arena(void)
{
        heap_calls_left = -1;
        arena_init(&arena);
}

static void close_arena(void)
{
        arena_release(&arena);
}

static struct dist prepared(const struct sample_kind *sample)
{
        struct dist dist = sample->dist;

        ck_assert(dist_prepare(&dist, &arena));
        return dist;
}

static double uniform(uint32_t i)
{
        return rng_u01(rng_draw(1, 1, RNG_DATA, i).word[0]);
}

/* ---- quantiles ---- */

/* How far the quantile of u is from the true one, in ns, by the share on the
 * nearer side (the other has lost its digits). */
static double off_ns(const struct sample_kind *sample, const struct dist *dist, double u)
{
        double x = dist_quantile_ns(dist, u);
        struct truth truth = sample->truth(dist, x);

        if (x <= 0) /* cut, or so near 0 that doubles end */
                return truth.below >= u || truth.density <= 0 ? 0
                                                              : (u - truth.below) / truth.density;
        if (truth.density <= 0)
                return 0;
        return (u < 0.5 ? truth.below - u : (1 - u) - truth.above) / truth.density;
}

static void check_quantile(const struct sample_kind *sample, const struct dist *dist, double u)
{
        double off = fabs(off_ns(sample, dist, u));
        double mean_ns = dist_mean_ns(dist);

        /* GSL's own distribution functions are off by some 1e-12 of x. */
        if (!(off <= 1e-6 * mean_ns + 1e-11 * dist_quantile_ns(dist, u)))
                ck_abort_msg("%s: the quantile of %a, %.17g, is off by %g of the mean",
                             sample->name, u, dist_quantile_ns(dist, u), off / mean_ns);
}

START_TEST(quantiles_are_within_a_millionth_of_the_mean)
{
        const struct sample_kind *sample = &samples[_i];
        struct dist dist = prepared(sample);

        for (uint32_t i = 0; i < 20000; i++)
                check_quantile(sample, &dist, uniform(i));
}
END_TEST

START_TEST(the_tails_are_as_good_down_to_the_last_uniform)
{
        const struct sample_kind *sample = &samples[_i];
        struct dist dist = prepared(sample);

        for (uint32_t i = 0; i < 5000; i++) {
                double w = ldexp(1 + uniform(i), -2 - (int)(i % 51));

                check_quantile(sample, &dist, w);
                check_quantile(sample, &dist, 1 - w);
        }
        check_quantile(sample, &dist, rng_u01(0));
        check_quantile(sample, &dist, rng_u01(UINT64_MAX));
        check_quantile(sample, &dist, 0.5);
}
END_TEST

/* Visits u in growing order: the ends of every cell there could be, and three
 * values in between; down to 2^-53 on both sides. */
enum { CELLS = 256, OCTAVES = 52, PLACES = 4, VISITS = 2 * CELLS * OCTAVES * PLACES };

static double visit(uint32_t i)
{
        uint32_t half = VISITS / 2;
        uint32_t k = i < half ? i : VISITS - 1 - i;
        int octave = (int)(k / (CELLS * PLACES));
        double step = (double)(k % (CELLS * PLACES)) / (CELLS * PLACES);
        double w = ldexp(1 + step, octave - 53);

        return i < half ? w : 1 - w;
}

START_TEST(quantiles_never_fall)
{
        const struct sample_kind *sample = &samples[_i];
        struct dist dist = prepared(sample);
        double last_ns = 0;

        for (uint32_t i = 0; i < VISITS; i++) {
                double ns = dist_quantile_ns(&dist, visit(i));

                /* Less than a ns: draws are rounded to whole ones. */
                if (ns < last_ns - 1e-13 * last_ns)
                        ck_abort_msg("%s: falls from %.17g to %.17g at %a", sample->name, last_ns,
                                     ns, visit(i));
                last_ns = ns;
        }
}
END_TEST

START_TEST(quantiles_do_not_jump)
{
        const struct sample_kind *sample = &samples[_i];
        struct dist dist = prepared(sample);

        for (uint32_t i = 0; i < VISITS; i += PLACES) {
                double u = visit(i);
                double before = u - 0x1p-52; /* the next uniform */
                double ns = dist_quantile_ns(&dist, u);
                double rise = ns - dist_quantile_ns(&dist, before);
                double density = sample->truth(&dist, ns).density;
                double true_rise = density > 0 && ns > 0 ? (u - before) / density : INFINITY;

                if (u < 0x1p-40 || u > 1 - 0x1p-40)
                        continue; /* neighbours here are far apart in the tail */
                if (rise > 4 * true_rise + 1e-13 * (ns + dist_mean_ns(&dist)))
                        ck_abort_msg("%s: jumps by %g at %a", sample->name, rise, u);
        }
}
END_TEST

/* ---- moments ---- */

START_TEST(mean_and_scv_are_those_of_the_quantiles)
{
        enum { STRATA = 1 << 20 };
        const struct sample_kind *sample = &samples[_i];
        struct dist dist = prepared(sample);
        double mean_ns = dist_mean_ns(&dist);
        double sum = 0, square_sum = 0;

        if (sample->heavy)
                return; /* the strata miss what lies in the last of them */
        for (uint32_t i = 0; i < STRATA; i++) {
                double ratio = dist_quantile_ns(&dist, (i + 0.5) / STRATA) / mean_ns;

                sum += ratio;
                square_sum += (ratio - 1) * (ratio - 1);
        }
        ck_assert_double_lt(fabs(sum / STRATA - 1), 1e-5);
        ck_assert_double_lt(fabs(square_sum / STRATA / dist_scv(&dist) - 1), 2e-3);
}
END_TEST

static void check_moments(struct dist dist, double mean_ns, double scv)
{
        ck_assert_double_le(fabs(dist_mean_ns(&dist) - mean_ns), 1e-13 * mean_ns);
        ck_assert_double_le(fabs(dist_scv(&dist) - scv), 1e-12 * scv);
}

START_TEST(mean_and_scv_agree_with_the_textbook)
{
        const double pi = acos(-1);
        double values_ns[] = {8e3, 2e3, 4e3, 2e3};

        check_moments(dist_constant(5000), 5000, 0);
        check_moments((struct dist){.kind = DIST_EXPONENTIAL, .a_ns = 7}, 7, 1);
        check_moments((struct dist){.kind = DIST_LOGNORMAL, .p = 10, .q = 3}, exp(14.5), expm1(9));
        check_moments((struct dist){.kind = DIST_LOGNORMAL, .p = 10, .q = 1e-4}, exp(10 + 0.5e-8),
                      expm1(1e-8));
        check_moments((struct dist){.kind = DIST_UNIFORM, .a_ns = 0, .b_ns = 6}, 3, 1.0 / 3);
        check_moments((struct dist){.kind = DIST_NORMAL, .a_ns = 0, .b_ns = 10}, 10 / sqrt(2 * pi),
                      pi - 1);
        check_moments((struct dist){.kind = DIST_NORMAL, .a_ns = 100, .b_ns = 10}, 100, 0.01);
        check_moments((struct dist){.kind = DIST_NORMAL, .a_ns = 100, .b_ns = 0}, 100, 0);
        check_moments((struct dist){.kind = DIST_GAMMA, .a_ns = 9, .p = 0.25}, 9, 4);
        check_moments((struct dist){.kind = DIST_ERLANG, .a_ns = 9, .p = 4}, 9, 0.25);
        check_moments((struct dist){.kind = DIST_WEIBULL, .a_ns = 9, .p = 1}, 9, 1);
        check_moments((struct dist){.kind = DIST_WEIBULL, .a_ns = 9, .p = 2}, 9 * sqrt(pi) / 2,
                      4 / pi - 1);
        check_moments((struct dist){.kind = DIST_WEIBULL, .a_ns = 9, .p = 0.5}, 18, 5);
        check_moments((struct dist){.kind = DIST_PARETO, .a_ns = 9, .p = 3}, 13.5, 1.0 / 3);
        check_moments((struct dist){.kind = DIST_HYPEREXPONENTIAL,
                                    .branches = two_branches,
                                    .branch_count = 2},
                      2.9e6, 2 * (0.9 + 40) / (2.9 * 2.9) - 1);
        check_moments(
                (struct dist){.kind = DIST_EMPIRICAL, .values_ns = values_ns, .value_count = 4},
                4e3, 6.0 / 16);
}
END_TEST

START_TEST(a_variance_that_does_not_exist_is_infinite)
{
        struct dist dist = {.kind = DIST_PARETO, .a_ns = 1e6, .p = 2};

        ck_assert(dist_scv(&dist) == INFINITY);
        dist.p = 1.5;
        ck_assert(dist_scv(&dist) == INFINITY);
        ck_assert_double_lt(fabs(dist_mean_ns(&dist) - 3e6), 1e-6);
}
END_TEST

/* ---- draws ---- */

static int compare_doubles(const void *a, const void *b)
{
        double x = *(const double *)a;
        double y = *(const double *)b;

        return (x > y) - (x < y);
}

START_TEST(draws_have_the_distribution)
{
        enum { DRAWS = 20000 };
        static double ns[DRAWS];
        const struct sample_kind *sample = &samples[_i];
        struct dist dist = prepared(sample);
        double distance = 0;

        for (uint32_t i = 0; i < DRAWS; i++)
                ns[i] = (double)dist_sample_ns(&dist, uniform(1000000 + i));
        qsort(ns, DRAWS, sizeof(ns[0]), compare_doubles);
        for (uint32_t i = 0; i < DRAWS; i++) {
                double below = sample->truth(&dist, ns[i]).below;

                if (ns[i] < 1000)
                        continue; /* cut at 0, or steps of a ns */
                distance = fmax(distance, fabs(below - (double)i / DRAWS));
                distance = fmax(distance, fabs(below - (i + 1.0) / DRAWS));
        }
        /* Kolmogorov and Smirnov: 1.95 is passed once in a thousand. */
        if (distance * sqrt(DRAWS) > 1.95)
                ck_abort_msg("%s: distance %g", sample->name, distance * sqrt(DRAWS));
}
END_TEST

START_TEST(the_normal_is_cut_at_0)
{
        struct dist dist = {.kind = DIST_NORMAL, .a_ns = 1e6, .b_ns = 1e6};

        ck_assert(dist_prepare(&dist, &arena));
        ck_assert(dist_quantile_ns(&dist, 1e-9) == 0);
        ck_assert(dist_quantile_ns(&dist, 0.15) == 0); /* 15.87 % lie below 0 */
        ck_assert(dist_quantile_ns(&dist, 0.16) > 0);
}
END_TEST

START_TEST(empirical_values_are_equally_likely_in_any_order)
{
        double values_ns[] = {300, 100, 200, 100, 500};
        struct dist dist = {.kind = DIST_EMPIRICAL, .values_ns = values_ns, .value_count = 5};
        int count[6] = {0};

        ck_assert(dist_prepare(&dist, &arena));
        for (int i = 0; i < 5000; i++)
                count[dist_sample_ns(&dist, (i + 0.5) / 5000) / 100]++;
        ck_assert_int_eq(count[1], 2000);
        ck_assert_int_eq(count[2], 1000);
        ck_assert_int_eq(count[3], 1000);
        ck_assert_int_eq(count[5], 1000);
        ck_assert_int_eq(dist_sample_ns(&dist, rng_u01(0)), 100);
        ck_assert_int_eq(dist_sample_ns(&dist, rng_u01(UINT64_MAX)), 500);
        ck_assert_int_eq(dist_sample_ns(&dist, nextafter(1, 0)), 500);
}
END_TEST

START_TEST(draws_are_rounded_to_the_nearest_ns)
{
        double values_ns[] = {0.5 - 0x1p-54, 1.5, 7.25, 0x1p52 + 1};
        struct dist dist = {.kind = DIST_EMPIRICAL, .values_ns = values_ns, .value_count = 4};

        ck_assert(dist_prepare(&dist, &arena));
        ck_assert_int_eq(dist_sample_ns(&dist, 0.1), 0);
        ck_assert_int_eq(dist_sample_ns(&dist, 0.3), 2);
        ck_assert_int_eq(dist_sample_ns(&dist, 0.6), 7);
        ck_assert_int_eq(dist_sample_ns(&dist, 0.9), ((int64_t)1 << 52) + 1);
}
END_TEST

START_TEST(draws_stay_below_1e18)
{
        struct dist dist = {.kind = DIST_PARETO, .a_ns = 1e9, .p = 1.01};

        ck_assert_int_eq(dist_sample_ns(&dist, rng_u01(UINT64_MAX)), 1000000000000000000);
        ck_assert_int_lt(dist_sample_ns(&dist, 0.5), 2000000000);
}
END_TEST

START_TEST(a_branch_of_no_time_is_an_atom_at_0)
{
        static const struct dist_branch branches[] = {{0.3, 0}, {0.7, 1e6}};
        struct dist dist = {.kind = DIST_HYPEREXPONENTIAL, .branches = branches, .branch_count = 2};

        ck_assert(dist_prepare(&dist, &arena));
        ck_assert_int_eq(dist_sample_ns(&dist, 1e-6), 0);
        ck_assert_int_eq(dist_sample_ns(&dist, 0.2), 0);
        ck_assert_double_lt(fabs(dist_quantile_ns(&dist, 0.65) - 1e6 * log(2)), 1);
}
END_TEST

START_TEST(every_failing_allocation_is_reported)
{
        for (int calls = 0; calls < 10; calls++) {
                struct dist dist = samples[1].dist;
                bool ok;

                arena_release(&arena);
                heap_calls_left = calls;
                ok = dist_prepare(&dist, &arena);
                heap_calls_left = -1;
                ck_assert(ok == (calls >= 3)); /* draft, table, arena */
                ck_assert((dist.table != NULL) == ok);
        }
}
END_TEST

/* The same for every compiler, level and processor. */
START_TEST(draws_are_the_pinned_ones)
{
        uint64_t hash = 0;

        for (size_t k = 0; k < SAMPLES; k++) {
                struct dist dist = prepared(&samples[k]);

                for (uint32_t i = 0; i < 10000; i++) {
                        double ns = dist_quantile_ns(&dist, uniform(i));
                        uint64_t bits;

                        memcpy(&bits, &ns, sizeof(bits));
                        hash = hash_mix(hash, bits);
                }
        }
        ck_assert_msg(hash == 0x1648ebaa6c6b82d5, "the hash is 0x%016" PRIx64, hash);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("dist");
        TCase *tests = tcase_create("dist");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tests, open_arena, close_arena);
        tcase_add_loop_test(tests, quantiles_are_within_a_millionth_of_the_mean, 0, SAMPLES);
        tcase_add_loop_test(tests, the_tails_are_as_good_down_to_the_last_uniform, 0, SAMPLES);
        tcase_add_loop_test(tests, quantiles_never_fall, 0, SAMPLES);
        tcase_add_loop_test(tests, quantiles_do_not_jump, 0, SAMPLES);
        tcase_add_loop_test(tests, mean_and_scv_are_those_of_the_quantiles, 0, SAMPLES);
        tcase_add_test(tests, mean_and_scv_agree_with_the_textbook);
        tcase_add_test(tests, a_variance_that_does_not_exist_is_infinite);
        tcase_add_loop_test(tests, draws_have_the_distribution, 0, SAMPLES);
        tcase_add_test(tests, the_normal_is_cut_at_0);
        tcase_add_test(tests, empirical_values_are_equally_likely_in_any_order);
        tcase_add_test(tests, draws_are_rounded_to_the_nearest_ns);
        tcase_add_test(tests, draws_stay_below_1e18);
        tcase_add_test(tests, a_branch_of_no_time_is_an_atom_at_0);
        tcase_add_test(tests, every_failing_allocation_is_reported);
        tcase_add_test(tests, draws_are_the_pinned_ones);
        suite_add_tcase(suite, tests);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
