/* test_feature.c - features cost and are worth something; low priorities are shed first.
 *
 * The fleet: one service, 2 instances of 4 workers, 20 ms a request; 100/s.
 */
#include "tests/fleet_builder.h"

#include <check.h>
#include <math.h>

#include "harness/fleet/model.h"

static const struct feature_spec features[] = {
        {"recommendations", 0.3, 0.2, 100, 1},
        {"search", 0.2, 0.4, 400, 3},
        {"tracing", 2, 0, 50, 0}, /* off by default */
};

static struct builder b;
static struct books books;
static struct fleet *fleet;
static struct effect effects[2];

static void setup(void)
{
        struct service_spec *shop;

        build_begin(&b);
        memset(&books, 0, sizeof(books));
        shop = build_service(&b, "shop", constant(20 * NS_PER_MS));
        shop->instance_count = 2;
        shop->concurrency = 4;
        shop->features = features;
        shop->feature_count = 3;
        build_load(&b, "users", 0, 100);
}

static void begin(void)
{
        fleet = build_fleet(&b, 1, 0);
}

static void teardown(void)
{
        books_free(&books);
        build_end(&b);
}

static void run_for(int64_t seconds)
{
        ck_assert(fleet_run_until(fleet, fleet_now(fleet) + seconds * NS_PER_S));
}

static double work_of(int64_t seconds)
{
        uint64_t work = fleet->services[0].work_sum;
        uint64_t done = fleet->services[0].measure.completed;

        run_for(seconds);
        return (double)(fleet->services[0].work_sum - work) * 1e-9 /
               (double)(fleet->services[0].measure.completed - done);
}

static void flip(int n, uint32_t feature)
{
        effects[n] = (struct effect){.kind = EFFECT_CONFIG,
                                     .layer = LAYER_CONFIG,
                                     .rank = (uint32_t)n,
                                     .stream = 7u + (uint64_t)n,
                                     .ramp_down_from_ns = TIME_NEVER,
                                     .setting = {.parameter = PARAMETER_FEATURE, .number = feature}};
        fleet_effect_on_service(fleet, 0, &effects[n]);
}

START_TEST(with_what_is_on_by_default_all_is_as_declared)
{
        begin();
        ck_assert_double_eq_tol(work_of(50), 0.020, 1e-3);
        ck_assert_float_eq(fleet->services[0].level_quality, 1);
        ck_assert(books_close(&books, &b, fleet));
        ck_assert_uint_eq(books_outcome(&books, 0, CALL_DEGRADED), 0);
}
END_TEST

START_TEST(a_level_switches_off_what_it_says_and_cost_and_quality_follow)
{
        static const struct {
                double level, work_s, quality;
        } steps[] = {{1, 0.014, 0.8}, {2, 0.014, 0.8}, {3, 0.010, 0.4}, {0, 0.020, 1}};

        begin();
        for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
                build_act(fleet, ACTION_SET_DEGRADATION, 0, FLEET_NO_INDEX, steps[i].level);
                run_for(5);
                ck_assert_double_eq_tol(work_of(50), steps[i].work_s, 2e-4);
                ck_assert_double_eq_tol((double)fleet->services[0].level_quality, steps[i].quality, 1e-6);
        }
        ck_assert(books_close(&books, &b, fleet));
}
END_TEST

static void set_level(double level, struct fleet_level left)
{
        fleet_act(fleet, &(struct fleet_action){.id = 1,
                                                .kind = ACTION_SET_DEGRADATION,
                                                .instance = FLEET_NO_INDEX,
                                                .edge = FLEET_NO_INDEX,
                                                .amount = level,
                                                .level = left});
        run_for(5);
}

/* What the order names goes by the order, the rest by what is declared. */
START_TEST(an_order_says_which_features_its_level_leaves_out_and_what_they_are_worth_at_least)
{
        static const struct {
                uint32_t named, off;
                double asked, work_s, quality;
        } cases[] = {
                {1, 1, 0.1, 0.014, 0.8},      /* the first, named */
                {1, 0, 0.1, 0.020, 1},        /* kept, though its level would leave it out */
                {3, 3, 0.1, 0.010, 0.4},      /* both */
                {3, 3, 0.5, 0.014, 0.8},      /* no further than to what is asked for */
        };

        begin();
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                set_level(1, (struct fleet_level){true, 1, 1, cases[i].asked, 0, cases[i].named,
                                                  cases[i].off});
                ck_assert_double_eq_tol(work_of(50), cases[i].work_s, 2e-4);
                ck_assert_double_eq_tol((double)fleet->services[0].level_quality, cases[i].quality,
                                        1e-6);
        }
        set_level(0, (struct fleet_level){true, 0.1, 0.1, 0.1, 1, 3, 3});
        ck_assert_double_eq_tol(work_of(50), 0.020, 2e-4); /* full service is whole */
        ck_assert(books_close(&books, &b, fleet));
}
END_TEST

START_TEST(a_flip_switches_what_is_on_off_and_what_is_off_on)
{
        begin();
        flip(0, 1);
        run_for(1);
        ck_assert_double_eq_tol(work_of(50), 0.016, 2e-4);
        ck_assert_double_eq_tol((double)fleet->services[0].level_quality, 0.6, 1e-6);
        flip(1, 2);
        run_for(1);
        ck_assert_double_eq_tol(work_of(50), 0.056, 1e-3);
        ck_assert_uint_eq(effects[1].touched, 2);
        fleet_effect_lift(fleet, &effects[0]);
        build_act(fleet, ACTION_ROLLBACK_CONFIG, 0, FLEET_NO_INDEX, 0);
        run_for(5);
        ck_assert_double_eq_tol(work_of(50), 0.020, 2e-4);
        ck_assert(books_close(&books, &b, fleet));
        ck_assert_uint_gt(books_outcome(&books, 0, CALL_DEGRADED), 5000);
}
END_TEST

START_TEST(a_flip_twice_is_none)
{
        begin();
        flip(0, 1);
        flip(1, 1);
        ck_assert_double_eq(fleet->services[0].feature_factor, 1);
        fleet_effect_lift(fleet, &effects[0]);
        ck_assert_double_eq_tol(fleet->services[0].feature_factor, 0.8, 1e-9);
        fleet_effect_lift(fleet, &effects[1]);
        ck_assert_double_eq(fleet->services[0].feature_factor, 1);
        run_for(5);
        ck_assert(books_close(&books, &b, fleet));
}
END_TEST

/* ---- admission */

static const struct load_class mix[] = {
        {"batch", 0.3, 50, 1}, {"usual", 0.5, 250, 1}, {"paying", 0.2, 450, 1}};

/* Requests of each class that were let in, by asking as arrivals would. */
static void admit(double share, uint32_t count, double in[3])
{
        static const double shares[] = {0.3, 0.5, 0.2};
        uint32_t asked[3] = {0};

        in[0] = in[1] = in[2] = 0;
        fleet->services[0].admit_share = share;
        for (uint32_t i = 0; i < count; i++) {
                double u = rng_u01(rng_draw(1, 2, RNG_CALL, i).word[0]);
                uint32_t k = u < shares[0] ? 0 : u < shares[0] + shares[1] ? 1 : 2;

                asked[k]++;
                in[k] += admission_lets_in(fleet, &fleet->services[0], mix[k].priority);
        }
        for (int k = 0; k < 3; k++)
                in[k] /= asked[k];
}

START_TEST(the_lowest_priority_is_shed_first_and_the_share_is_kept)
{
        static const struct {
                double share, in[3];
        } cases[] = {{0.9, {2.0 / 3, 1, 1}}, {0.7, {0, 1, 1}}, {0.45, {0, 0.5, 1}}, {0.1, {0, 0, 0.5}}};
        double in[3];

        b.loads[0].classes = mix;
        b.loads[0].class_count = 3;
        begin();
        admit(cases[_i].share, 20000, in);
        for (int k = 0; k < 3; k++)
                ck_assert_double_eq_tol(in[k], cases[_i].in[k], 0.06);
        ck_assert_double_eq_tol(0.3 * in[0] + 0.5 * in[1] + 0.2 * in[2], cases[_i].share,
                                0.02 * cases[_i].share + 0.005);
        run_for(1);
        ck_assert(books_close(&books, &b, fleet));
}
END_TEST

START_TEST(where_all_are_alike_every_other_is_let_in)
{
        begin();
        fleet->services[0].admit_share = 0.5;
        for (int i = 0; i < 10; i++)
                ck_assert_int_eq(admission_lets_in(fleet, &fleet->services[0], 250), i % 2);
        run_for(1);
        ck_assert(books_close(&books, &b, fleet));
}
END_TEST

START_TEST(shedding_load_refuses_the_unimportant)
{
        uint64_t rejected;

        b.loads[0].classes = mix;
        b.loads[0].class_count = 3;
        begin();
        build_act(fleet, ACTION_SHED_LOAD, 0, FLEET_NO_INDEX, 0.3);
        run_for(200);
        rejected = fleet->services[0].measure.rejected;
        ck_assert(books_close(&books, &b, fleet));
        ck_assert_double_eq_tol((double)rejected / 20000, 0.3, 0.02);
}
END_TEST

static Suite *suite(void)
{
        Suite *s = suite_create("feature");
        TCase *t = tcase_create("all");

        tcase_add_checked_fixture(t, setup, teardown);
        tcase_add_test(t, with_what_is_on_by_default_all_is_as_declared);
        tcase_add_test(t, a_level_switches_off_what_it_says_and_cost_and_quality_follow);
        tcase_add_test(t, an_order_says_which_features_its_level_leaves_out_and_what_they_are_worth_at_least);
        tcase_add_test(t, a_flip_switches_what_is_on_off_and_what_is_off_on);
        tcase_add_test(t, a_flip_twice_is_none);
        tcase_add_loop_test(t, the_lowest_priority_is_shed_first_and_the_share_is_kept, 0, 4);
        tcase_add_test(t, where_all_are_alike_every_other_is_let_in);
        tcase_add_test(t, shedding_load_refuses_the_unimportant);
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
