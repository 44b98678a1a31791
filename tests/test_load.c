/* test_load.c - who comes, when, and that nothing else changes it. */
#include "tests/fleet_builder.h"

#include <check.h>
#include <math.h>

#include "harness/fleet/model.h"

static struct builder b;
static struct books books;
static struct fleet *fleet;
static struct load_spec *load;

/* A service that answers at once, so that a second's judged are its arrivals. */
static void setup(void)
{
        build_begin(&b);
        memset(&books, 0, sizeof(books));
        build_service(&b, "only", constant(1000))->concurrency = 1000;
        load = build_load(&b, "users", 0, 100);
}

static void teardown(void)
{
        books_free(&books);
        build_end(&b);
}

static void run_to(int64_t warmup_s, int64_t seconds)
{
        fleet = build_fleet(&b, 1, warmup_s * NS_PER_S);
        ck_assert(fleet_run_until(fleet, seconds * NS_PER_S));
        ck_assert(books_close(&books, &b, fleet));
}

/* Arrivals in [from, to) seconds. */
static double came(size_t from, size_t to)
{
        double sum = 0;

        for (size_t i = from; i < to; i++)
                sum += books.services[0].seconds[i].good + books.services[0].seconds[i].bad;
        return sum;
}

/* Within 4.5 standard deviations of a Poisson count. */
static void assert_poisson(double count, double mean)
{
        ck_assert_double_eq_tol(count, mean, 4.5 * sqrt(mean) + 1);
}

START_TEST(poisson_arrivals_have_their_mean_and_variance)
{
        double mean, square = 0;

        run_to(10, 2000);
        mean = came(0, 2000) / 2000;
        for (size_t i = 0; i < 2000; i++)
                square += pow(came(i, i + 1) - mean, 2);
        assert_poisson(came(0, 2000), 200000);
        ck_assert_double_eq_tol(square / 1999 / mean, 1, 4.5 * sqrt(2.0 / 1999));
}
END_TEST

START_TEST(constant_arrivals_come_evenly)
{
        load->process = LOAD_CONSTANT;
        run_to(0, 100);
        for (size_t i = 1; i < 99; i++)
                ck_assert_double_eq_tol(came(i, i + 1), 100, 1);
}
END_TEST

static const struct load_step steps[] = {
        {20 * NS_PER_S, 3}, {40 * NS_PER_S, 0}, {60 * NS_PER_S, 0.5},
};

/* Each shape with the arrivals that it promises in four parts of 100 s. */
static const struct shape_case {
        struct load_profile profile;
        size_t from[4], to[4];
        double expected[4]; /* in units of the base rate, seconds */
} shapes[] = {
        {{.shape = SHAPE_STEPS, .steps = steps, .step_count = 3},
         {0, 20, 40, 60}, {20, 40, 60, 100}, {20, 60, 0, 20}},
        {{.shape = SHAPE_SURGE, .at_ns = 30 * NS_PER_S, .for_ns = 20 * NS_PER_S, .factor = 4},
         {0, 30, 50, 70}, {30, 50, 70, 100}, {30, 80, 20, 30}},
        {{.shape = SHAPE_RAMP, .from = 0, .to = 2, .over_ns = 80 * NS_PER_S},
         {0, 40, 80, 90}, {40, 80, 90, 100}, {20, 60, 20, 20}},
        {{.shape = SHAPE_RAMP, .from = 1, .to = 0, .over_ns = 40 * NS_PER_S},
         {0, 20, 41, 60}, {20, 40, 60, 100}, {15, 5, 0, 0}},
        /* rising from its mean: (1/4 + 1/2pi) of the period in the first quarter */
        {{.shape = SHAPE_SINE, .period_ns = 100 * NS_PER_S, .amplitude = 1},
         {0, 25, 50, 75}, {25, 50, 75, 100}, {40.9155, 40.9155, 9.0845, 9.0845}},
        {{.shape = SHAPE_SINE, .period_ns = 100 * NS_PER_S, .amplitude = 1, .phase = 0.75},
         {0, 25, 50, 75}, {25, 50, 75, 100}, {9.0845, 40.9155, 40.9155, 9.0845}},
};

START_TEST(a_profile_shapes_the_rate)
{
        const struct shape_case *shape = &shapes[_i / 2];
        bool even = _i % 2;

        load->process = even ? LOAD_CONSTANT : LOAD_POISSON;
        load->profile = shape->profile;
        run_to(_i % 3 == 0 ? 20 : 0, 100);
        for (int part = 0; part < 4; part++) {
                double expected = 100 * shape->expected[part];
                double count = came(shape->from[part], shape->to[part]);

                if (even)
                        ck_assert_double_eq_tol(count, expected, 3);
                else
                        assert_poisson(count, expected);
        }
}
END_TEST

START_TEST(a_trace_of_counts_is_a_rate_held_over_each_step_and_starts_over)
{
        static const double count[] = {100, 0, 400, 50, 1000};

        load->process = LOAD_TRACE;
        load->trace = (struct load_trace){.count = count, .length = 5, .step_ns = 10 * NS_PER_S,
                                          .total_ns = 50 * NS_PER_S, .offset_ns = _i * 20 * NS_PER_S};
        run_to(10, 1000);
        /* t = -10 s is `offset` into the trace */
        for (int step = 0; step < 5; step++) {
                double sum = 0;

                for (size_t lap = 0; lap < 20; lap++) {
                        size_t from = 50 * lap + (size_t)((10 * step - 20 * _i - 10 + 100) % 50);

                        sum += came(from, from + 10);
                }
                assert_poisson(sum, 20 * count[step]);
        }
}
END_TEST

START_TEST(a_trace_of_instants_is_kept_to_the_nanosecond_and_starts_over)
{
        static const int64_t at[] = {0, 1500 * NS_PER_MS, 1600 * NS_PER_MS, 8 * NS_PER_S};

        load->process = LOAD_TRACE;
        load->trace = (struct load_trace){.at_ns = at, .length = 4, .total_ns = 10 * NS_PER_S,
                                          .offset_ns = _i * 5 * NS_PER_S};
        run_to(0, 100);
        for (size_t second = 0; second < 100; second++) {
                size_t within = (second + 5 * (size_t)_i) % 10;

                ck_assert_double_eq(came(second, second + 1),
                                    within == 0 || within == 8 ? 1 : within == 1 ? 2 : 0);
        }
}
END_TEST

START_TEST(a_trace_of_nothing_ends)
{
        static const double count[] = {0, 0};

        load->process = LOAD_TRACE;
        load->trace = (struct load_trace){.count = count, .length = 2, .step_ns = NS_PER_HOUR,
                                          .total_ns = 2 * NS_PER_HOUR};
        run_to(0, 100);
        ck_assert_uint_eq(books.services[0].calls, 0);
}
END_TEST

START_TEST(a_modulated_source_has_the_mean_of_its_states_and_bursts)
{
        static const double rates[] = {10, 300};
        static const int64_t means[] = {20 * NS_PER_S, 5 * NS_PER_S};
        double mean = (10 * 20 + 300 * 5) / 25.0, square = 0;

        load->process = LOAD_MMPP;
        load->mmpp_rates_per_s = rates;
        load->mmpp_means_ns = means;
        load->mmpp_count = 2;
        run_to(0, 20000);
        /* 800 cycles: the time in a burst has a relative spread of about sqrt(2 / 800) */
        ck_assert_double_eq_tol(came(0, 20000) / 20000, mean, mean * 4.5 * 0.05);
        for (size_t i = 0; i < 20000; i++)
                square += pow(came(i, i + 1) - mean, 2) / 20000;
        ck_assert_double_gt(square / mean, 20); /* a Poisson process has 1 */
}
END_TEST

START_TEST(closed_users_think_and_wait)
{
        double cycle;

        load->process = LOAD_CLOSED;
        load->users = 50;
        load->think_time = exponential(2 * NS_PER_S);
        b.services[0].service_time = exponential(500 * NS_PER_MS);
        run_to(60, 4000);
        cycle = 50 * 4000.0 / (double)books.services[0].calls;
        ck_assert_double_eq_tol(cycle, 2.5, 4.5 * sqrt(2 * 2 + 0.25) / sqrt(80000.0));
        /* never more inside than there are users */
        ck_assert_uint_le(books.services[0].unfinished, 50);
}
END_TEST

/* One user who thinks for 1 s; the service takes 1 ms but 500 ms from 10 s to 20 s,
 * where only 200 ms are well. */
static double failed_user_s(double until_s)
{
        double failed_s;

        load->process = LOAD_CLOSED;
        load->users = 1;
        load->think_time = constant(NS_PER_S);
        b.services[0].slo = (struct slo_spec){true, 0.9, 200 * NS_PER_MS, 1, 10 * NS_PER_S, 20};
        b.services[0].service_time = constant(NS_PER_MS);
        fleet = build_fleet(&b, 1, 0);
        for (int part = 1; part <= 3; part++) {
                double to_s = fmin(part * 10, until_s);

                b.services[0].service_time = constant((part == 2 ? 500 : 1) * NS_PER_MS);
                if (to_s > (part - 1) * 10)
                        ck_assert(fleet_run_until(fleet, (int64_t)(to_s * 1e9)));
        }
        failed_s = (double)load_failed_user_ns(fleet) * 1e-9;
        ck_assert(books_close(&books, &b, fleet));
        ck_assert_double_eq(books.totals.failed_user_s, failed_s);
        return failed_s;
}

/* Requests begin at 1, 2.001, ... 10.009 (too old at 10.209), 11.509, ... 20.509 (good at 20.510). */
START_TEST(a_user_is_failed_from_a_bad_request_to_the_next_good_one)
{
        static const struct {
                double until_s, failed_s;
        } cases[] = {
                {9, 0},           {10.2, 0}, /* not too old yet */
                {10.309, 0.1},               /* waits too long just now */
                {11, 0.791},                 /* thinks about it */
                {19, 8.791},      {30, 10.301},
        };

        ck_assert_double_eq_tol(failed_user_s(cases[_i].until_s), cases[_i].failed_s, 1e-9);
}
END_TEST

START_TEST(classes_come_with_their_shares_and_costs)
{
        static const struct load_class classes[] = {{"cheap", 0.75, 100, 1}, {"dear", 0.25, 400, 3}};

        load->classes = classes;
        load->class_count = 2;
        b.services[0].service_time = constant(NS_PER_MS);
        run_to(0, 500);
        ck_assert_double_eq_tol(books.services[0].busy_area_s / (double)books.services[0].started,
                                0.0015, 0.000001 * 1000 * 2 * 0.433 * 4.5 / sqrt(50000.0) + 1e-7);
}
END_TEST

START_TEST(a_crowd_comes_besides_and_goes)
{
        fleet = build_fleet(&b, 1, 0);
        fleet_run_until(fleet, 50 * NS_PER_S);
        load_crowd(fleet, 0, 2.0);
        fleet_run_until(fleet, 100 * NS_PER_S);
        load_crowd(fleet, 0, 0);
        fleet_run_until(fleet, 150 * NS_PER_S);
        ck_assert(books_close(&books, &b, fleet));
        assert_poisson(came(0, 50), 5000);
        assert_poisson(came(50, 100), 15000);
        assert_poisson(came(100, 150), 5000);
}
END_TEST

START_TEST(the_same_requests_come_whatever_else_happens)
{
        uint64_t hash[4];

        load->profile = shapes[_i].profile;
        for (int world = 0; world < 4; world++) {
                fleet = build_fleet(&b, 1, 10 * NS_PER_S);
                if (world == 1)
                        fleet_instance_kill(fleet, 0, 139, "test");
                fleet_run_until(fleet, 20 * NS_PER_S);
                if (world == 2)
                        load_crowd(fleet, 0, 1);
                if (world == 3)
                        build_act(fleet, ACTION_SHED_LOAD, 0, FLEET_NO_INDEX, 0.5);
                fleet_run_until(fleet, 100 * NS_PER_S);
                ck_assert(books_close(&books, &b, fleet));
                hash[world] = books.totals.arrival_hash;
                books_free(&books);
                ck_assert_uint_eq(hash[world], hash[0]);
        }
        ck_assert_uint_ne(hash[0], 0);
}
END_TEST

START_TEST(a_source_is_not_moved_by_another_source)
{
        uint64_t first[2];

        for (int i = 0; i < 2; i++) {
                if (i == 1)
                        build_load(&b, "others", 0, 33);
                fleet = build_fleet(&b, 1, 0);
                fleet_run_until(fleet, 60 * NS_PER_S);
                first[i] = fleet->sources[0].hash;
                ck_assert(books_close(&books, &b, fleet));
                books_free(&books);
        }
        ck_assert_uint_eq(first[0], first[1]);
}
END_TEST

static Suite *suite(void)
{
        Suite *s = suite_create("load");
        TCase *t = tcase_create("all");

        tcase_add_checked_fixture(t, setup, teardown);
        tcase_add_test(t, poisson_arrivals_have_their_mean_and_variance);
        tcase_add_test(t, constant_arrivals_come_evenly);
        tcase_add_loop_test(t, a_profile_shapes_the_rate, 0, 12);
        tcase_add_loop_test(t, a_trace_of_counts_is_a_rate_held_over_each_step_and_starts_over, 0, 3);
        tcase_add_loop_test(t, a_trace_of_instants_is_kept_to_the_nanosecond_and_starts_over, 0, 2);
        tcase_add_test(t, a_trace_of_nothing_ends);
        tcase_add_test(t, a_modulated_source_has_the_mean_of_its_states_and_bursts);
        tcase_add_test(t, closed_users_think_and_wait);
        tcase_add_loop_test(t, a_user_is_failed_from_a_bad_request_to_the_next_good_one, 0, 6);
        tcase_add_test(t, classes_come_with_their_shares_and_costs);
        tcase_add_test(t, a_crowd_comes_besides_and_goes);
        tcase_add_loop_test(t, the_same_requests_come_whatever_else_happens, 0, 6);
        tcase_add_test(t, a_source_is_not_moved_by_another_source);
        suite_add_tcase(s, t);
        return s;
}

int main(void)
{
        SRunner *runner = srunner_create(suite());
        int failed;

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed != 0;
}
