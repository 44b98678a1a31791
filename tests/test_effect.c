/* test_effect.c - what a fault does to requests, and that nothing of it stays. */
#include "tests/fleet_builder.h"

#include <check.h>
#include <math.h>

#include "harness/fleet/model.h"

enum { FRONT, BACK };

static struct builder b;
static struct books books;
static struct fleet *fleet;
static struct effect effects[3];

static struct effect effect_of(enum effect_kind kind, enum fleet_layer layer, uint32_t rank)
{
        return (struct effect){.kind = kind, .layer = layer, .rank = rank, .stream = 1000 + rank,
                               .probability = 1, .retryable = true, .code = 500,
                               .ramp_down_from_ns = TIME_NEVER};
}

static struct effect delay_of(int64_t ns, uint32_t rank)
{
        struct effect effect = effect_of(EFFECT_EDGE_DELAY, LAYER_EDGE, rank);

        effect.delay = constant(ns);
        return effect;
}

/* Two tiers that never queue, so that what is added is seen as it is. */
static void setup(void)
{
        build_begin(&b);
        memset(&books, 0, sizeof(books));
        build_service(&b, "front", constant(10 * NS_PER_MS))->concurrency = 1000;
        build_service(&b, "back", constant(10 * NS_PER_MS))->concurrency = 1000;
        b.services[BACK].instance_count = 3;
        build_call(&b, FRONT, BACK);
        build_load(&b, "users", FRONT, 100);
        fleet = build_fleet(&b, 1, 0);
}

static void teardown(void)
{
        books_free(&books);
        build_end(&b);
}

static double added_s(void)
{
        fleet_run_until(fleet, 100 * NS_PER_S);
        ck_assert(books_close(&books, &b, fleet));
        return books_latency_s(&books, FRONT) - 0.020;
}

START_TEST(an_added_delay_is_seen_within_5_percent)
{
        effects[0] = delay_of(50 * NS_PER_MS, 0);
        switch (_i) {
        case 0:
                break;
        case 1:
                effects[0].jitter_ns = 20e6;
                break;
        case 2:
                effects[0].normal_sd_ns = 10e6;
                break;
        case 3:
                effects[0].delay.kind = DIST_EXPONENTIAL;
                break;
        default:
                effects[0].delay.a_ns = 100e6;
                effects[0].probability = 0.5;
                break;
        }
        fleet_effect_on_edge(fleet, 0, &effects[0]);
        ck_assert_double_eq_tol(added_s(), 0.050, 0.0025);
        ck_assert_double_eq_tol(effects[0].measured_sum / (double)effects[0].measured_count,
                                _i == 4 ? 0.1 : 0.05, 0.0025);
}
END_TEST

START_TEST(delays_on_one_edge_add_up_and_are_lifted_in_any_order)
{
        uint64_t before = fleet_overlay_digest(fleet);
        uint64_t with[3];

        for (uint32_t i = 0; i < 3; i++) {
                effects[i] = delay_of((int64_t)(i + 1) * 10 * NS_PER_MS, 2 - i);
                fleet_effect_on_edge(fleet, 0, &effects[i]);
                with[i] = fleet_overlay_digest(fleet);
        }
        ck_assert_uint_ne(with[0], before);
        ck_assert_uint_ne(with[1], with[0]);
        ck_assert_double_eq_tol(added_s(), 0.060, 1e-6);
        books_free(&books);
        fleet = build_fleet(&b, 1, 0);
        for (uint32_t i = 0; i < 3; i++)
                fleet_effect_on_edge(fleet, 0, &effects[i]);
        fleet_effect_lift(fleet, &effects[1]);
        fleet_effect_lift(fleet, &effects[0]);
        fleet_effect_lift(fleet, &effects[2]);
        ck_assert_uint_eq(fleet_overlay_digest(fleet), before);
        ck_assert_double_eq_tol(added_s(), 0, 1e-9);
}
END_TEST

START_TEST(what_effects_make_together_does_not_depend_on_who_came_first)
{
        double sum[2];

        for (int order = 0; order < 2; order++) {
                for (uint32_t i = 0; i < 2; i++) {
                        effects[i] = delay_of(10 * NS_PER_MS, i);
                        effects[i].delay.kind = DIST_EXPONENTIAL;
                }
                fleet_effect_on_edge(fleet, 0, &effects[order]);
                fleet_effect_on_edge(fleet, 0, &effects[1 - order]);
                sum[order] = added_s();
                books_free(&books);
                fleet = build_fleet(&b, 1, 0);
        }
        ck_assert_double_eq(sum[0], sum[1]);
        fleet_destroy(fleet);
}
END_TEST

START_TEST(a_delay_ends_exactly_when_it_is_lifted)
{
        effects[0] = delay_of(50 * NS_PER_MS, 0);
        fleet_effect_on_edge(fleet, 0, &effects[0]);
        fleet_run_until(fleet, 50 * NS_PER_S);
        fleet_effect_lift(fleet, &effects[0]);
        ck_assert(!fleet_effect_attached(fleet, &effects[0]));
        fleet_run_until(fleet, 100 * NS_PER_S);
        ck_assert_uint_eq(effects[0].touched, (uint64_t)effects[0].measured_count);
        ck_assert(books_close(&books, &b, fleet));
        ck_assert_double_eq_tol(books_latency_s(&books, FRONT) - 0.020,
                                0.050 * (double)effects[0].touched /
                                        (double)books_ended(&books, FRONT), 1e-4);
}
END_TEST

START_TEST(a_host_s_delay_makes_answers_late_and_work_no_slower)
{
        effects[0] = effect_of(EFFECT_HOST_DELAY, LAYER_HOST, 0);
        effects[0].delay = constant(30 * NS_PER_MS);
        for (uint32_t i = 1; i <= 3; i++)
                fleet_effect_on_instance(fleet, i, &effects[0]);
        ck_assert_double_eq_tol(added_s(), 0.030, 1e-6);
        ck_assert_double_eq_tol(books.services[BACK].busy_area_s /
                                        (double)books.services[BACK].completed, 0.010, 1e-4);
}
END_TEST

START_TEST(an_effect_ramps_up_and_down)
{
        double sum;

        effects[0] = delay_of(100 * NS_PER_MS, 0);
        effects[0].ramp_for_ns = 50 * NS_PER_S; /* mean 50 ms over the first half */
        effects[0].ramp_down_from_ns = 50 * NS_PER_S;
        effects[0].ramp_down_for_ns = 25 * NS_PER_S; /* 50 ms over a quarter, then nothing */
        fleet_effect_on_edge(fleet, 0, &effects[0]);
        sum = added_s();
        ck_assert_double_eq_tol(sum, 0.050 * 0.75, 0.002);
}
END_TEST

START_TEST(the_share_of_errors_is_the_rate_within_3_sigma)
{
        double n, share;

        effects[0] = effect_of(EFFECT_ERROR, LAYER_PROCESS, 0);
        effects[0].a = 0.5;
        effects[0].probability = 0.4;
        effects[1] = effect_of(EFFECT_ERROR, LAYER_PROCESS, 1);
        effects[1].a = 0.25;
        for (uint32_t e = 0; e <= (uint32_t)_i; e++)
                for (uint32_t i = 1; i <= 3; i++)
                        fleet_effect_on_instance(fleet, i, &effects[e]);
        fleet_run_until(fleet, 200 * NS_PER_S);
        ck_assert(books_close(&books, &b, fleet));
        n = (double)books_ended(&books, BACK);
        share = _i == 0 ? 0.2 : 1 - 0.8 * 0.75;
        ck_assert_double_eq_tol((double)books_outcome(&books, BACK, CALL_ERROR) / n, share,
                                3 * sqrt(share * (1 - share) / n));
        ck_assert_double_eq_tol(effects[0].measured_sum / (double)effects[0].measured_count, 0.2,
                                3 * sqrt(0.16 / n));
}
END_TEST

START_TEST(an_error_that_is_final_is_not_tried_again)
{
        build_end(&b);
        fleet_destroy(fleet);
        build_begin(&b);
        build_service(&b, "only", constant(NS_PER_MS));
        build_load(&b, "users", 0, 10)->retry = (struct retry_spec){3, NS_PER_MS, 1, NS_PER_S, 0, -1};
        fleet = build_fleet(&b, 1, 0);
        effects[0] = effect_of(EFFECT_ERROR, LAYER_PROCESS, 0);
        effects[0].a = 1;
        effects[0].retryable = _i == 1;
        fleet_effect_on_instance(fleet, 0, &effects[0]);
        fleet_run_until(fleet, 100 * NS_PER_S);
        ck_assert(books_close(&books, &b, fleet));
        ck_assert_double_eq_tol((double)books.services[0].attempts / (double)books.services[0].calls,
                                _i == 1 ? 4 : 1, 0.01);
}
END_TEST

START_TEST(a_held_instance_starts_when_it_is_let_go)
{
        uint64_t before = fleet_overlay_digest(fleet);

        effects[0] = effect_of(EFFECT_HELD_DOWN, LAYER_HOST, 0);
        effects[1] = effect_of(EFFECT_HELD_DOWN, LAYER_HOST, 1);
        fleet_run_until(fleet, 10 * NS_PER_S);
        fleet_instance_kill(fleet, 1, 139, "test");
        fleet_effect_on_instance(fleet, 1, &effects[0]);
        fleet_effect_on_instance(fleet, 1, &effects[1]);
        build_act(fleet, ACTION_RESTART_INSTANCE, BACK, 1, 0);
        fleet_run_until(fleet, 100 * NS_PER_S);
        ck_assert_int_eq(fleet_instance_state(fleet, 1), INSTANCE_DOWN);
        ck_assert(!b.results[0].ok); /* a restart does not help */
        fleet_effect_lift(fleet, &effects[1]);
        fleet_run_until(fleet, 120 * NS_PER_S);
        ck_assert_int_eq(fleet_instance_state(fleet, 1), INSTANCE_DOWN);
        fleet_effect_lift(fleet, &effects[0]);
        fleet_run_until(fleet, 126 * NS_PER_S);
        ck_assert_int_eq(fleet_instance_state(fleet, 1), INSTANCE_UP);
        ck_assert_uint_eq(fleet_overlay_digest(fleet), before);
        ck_assert(books_close(&books, &b, fleet));
}
END_TEST

/* ---- cures */

/* Which action takes an effect in which layer off an instance of `back`. */
static const struct cure {
        enum fleet_layer layer;
        enum fleet_action_kind action;
        bool cured;
} cures[] = {
        {LAYER_PROCESS, ACTION_RESTART_INSTANCE, true},
        {LAYER_POOL, ACTION_RESTART_INSTANCE, true},
        {LAYER_HOST, ACTION_RESTART_INSTANCE, false},
        {LAYER_OUTSIDE, ACTION_RESTART_INSTANCE, false},
        {LAYER_PROCESS, ACTION_RESTART_SERVICE, true},
        {LAYER_HOST, ACTION_RESTART_SERVICE, false},
        {LAYER_PROCESS, ACTION_REPLACE_INSTANCE, true},
        {LAYER_HOST, ACTION_REPLACE_INSTANCE, true},
        {LAYER_DISK, ACTION_REPLACE_INSTANCE, true},
        {LAYER_HOST, ACTION_ESCALATE, true},
        {LAYER_OUTSIDE, ACTION_ESCALATE, true},
        {LAYER_HOST, ACTION_SCALE_RESOURCES, false},
        {LAYER_PROCESS, ACTION_SHED_LOAD, false},
        {LAYER_PROCESS, ACTION_CLEAN_MEMORY, false},
};

START_TEST(an_action_cures_what_lives_in_a_layer_that_it_resets_and_nothing_else)
{
        const struct cure *cure = &cures[_i];
        uint64_t before = fleet_overlay_digest(fleet);
        bool by_instance = fleet_action_rows[cure->action].needs_instance;

        effects[0] = effect_of(EFFECT_ERROR, cure->layer, 0);
        effects[0].a = 1;
        fleet_effect_on_instance(fleet, 1, &effects[0]);
        fleet_run_until(fleet, 10 * NS_PER_S);
        build_act(fleet, cure->action, BACK, by_instance ? 1 : FLEET_NO_INDEX, 0.5 + 0.5 * (cure->action == ACTION_SCALE_RESOURCES));
        fleet_run_until(fleet, 300 * NS_PER_S);
        ck_assert_uint_eq(b.result_count, 1);
        ck_assert(b.results[0].ok);
        ck_assert_int_eq(!fleet_effect_attached(fleet, &effects[0]), cure->cured);
        if (cure->cured)
                ck_assert_uint_eq(fleet_overlay_digest(fleet), before);
        fleet_effect_lift(fleet, &effects[0]); /* also when nothing of it is left */
        ck_assert_uint_eq(fleet_overlay_digest(fleet), before);
        ck_assert(books_close(&books, &b, fleet));
}
END_TEST

START_TEST(an_effect_on_a_target_that_dies_is_restored_too)
{
        uint64_t before = fleet_overlay_digest(fleet);

        effects[0] = effect_of(EFFECT_LEAK, LAYER_PROCESS, 0);
        effects[0].a = 1000;
        effects[1] = effect_of(EFFECT_HOST_DELAY, LAYER_HOST, 1);
        effects[1].delay = constant(NS_PER_MS);
        effects[2] = effect_of(EFFECT_HELD_DOWN, LAYER_HOST, 2);
        for (int e = 0; e < 3; e++)
                for (uint32_t i = 1; i <= 2; i++)
                        fleet_effect_on_instance(fleet, i, &effects[e]);
        fleet_run_until(fleet, 10 * NS_PER_S);
        fleet_instance_kill(fleet, 1, 137, "test");
        build_act(fleet, ACTION_REPLACE_INSTANCE, BACK, 2, 0);
        fleet_run_until(fleet, 200 * NS_PER_S);
        ck_assert_int_eq(fleet_instance_state(fleet, 2), INSTANCE_GONE);
        /* An effect that is put on what is gone sticks to nothing. */
        fleet_effect_on_instance(fleet, 2, &effects[0]);
        for (int e = 0; e < 3; e++)
                fleet_effect_lift(fleet, &effects[e]);
        ck_assert_uint_eq(fleet_overlay_digest(fleet), before);
        ck_assert(books_close(&books, &b, fleet));
}
END_TEST

START_TEST(a_leak_is_measured_in_bytes_and_by_whom)
{
        effects[0] = effect_of(EFFECT_LEAK, LAYER_PROCESS, 0);
        effects[0].a = 1000;
        effects[1] = effect_of(EFFECT_LEAK, LAYER_PROCESS, 1);
        effects[1].a = 3000;
        effects[1].ramp_for_ns = 100 * NS_PER_S;
        fleet_effect_on_instance(fleet, 1, &effects[0]);
        fleet_effect_on_instance(fleet, 1, &effects[1]);
        fleet_run_until(fleet, 100 * NS_PER_S);
        fleet_effect_lift(fleet, &effects[0]);
        fleet_effect_lift(fleet, &effects[1]);
        ck_assert_double_eq_tol(effects[0].measured_sum, 100e3, 1);
        ck_assert_double_eq_tol(effects[1].measured_sum, 150e3, 1);
        ck_assert_double_eq_tol(fleet->instances[1].leaked_bytes, 250e3, 1); /* stays */
        build_act(fleet, ACTION_CLEAN_MEMORY, BACK, 1, 0);
        fleet_run_until(fleet, 110 * NS_PER_S);
        ck_assert_double_eq_tol(fleet->instances[1].leaked_bytes, 125e3, 1);
        ck_assert(books_close(&books, &b, fleet));
}
END_TEST

START_TEST(a_fault_changes_nothing_of_requests_that_it_does_not_touch)
{
        uint64_t hash[2], front[2];

        for (int i = 0; i < 2; i++) {
                if (i == 1) {
                        fleet = build_fleet(&b, 1, 0);
                        effects[0] = delay_of(50 * NS_PER_MS, 0);
                        effects[0].probability = 1e-12; /* in force, and touches nobody */
                        fleet_effect_on_edge(fleet, 0, &effects[0]);
                }
                fleet_run_until(fleet, 100 * NS_PER_S);
                ck_assert(books_close(&books, &b, fleet));
                hash[i] = books.totals.arrival_hash;
                front[i] = books.services[FRONT].phase[0].latency.sum_ns;
                books_free(&books);
        }
        ck_assert_uint_eq(hash[0], hash[1]);
        ck_assert_uint_eq(front[0], front[1]);
}
END_TEST

static Suite *suite(void)
{
        Suite *s = suite_create("effect");
        TCase *t = tcase_create("all");

        tcase_add_checked_fixture(t, setup, teardown);
        tcase_add_loop_test(t, an_added_delay_is_seen_within_5_percent, 0, 5);
        tcase_add_test(t, delays_on_one_edge_add_up_and_are_lifted_in_any_order);
        tcase_add_test(t, what_effects_make_together_does_not_depend_on_who_came_first);
        tcase_add_test(t, a_delay_ends_exactly_when_it_is_lifted);
        tcase_add_test(t, a_host_s_delay_makes_answers_late_and_work_no_slower);
        tcase_add_test(t, an_effect_ramps_up_and_down);
        tcase_add_loop_test(t, the_share_of_errors_is_the_rate_within_3_sigma, 0, 2);
        tcase_add_loop_test(t, an_error_that_is_final_is_not_tried_again, 0, 2);
        tcase_add_test(t, a_held_instance_starts_when_it_is_let_go);
        tcase_add_loop_test(t, an_action_cures_what_lives_in_a_layer_that_it_resets_and_nothing_else,
                            0, sizeof(cures) / sizeof(cures[0]));
        tcase_add_test(t, an_effect_on_a_target_that_dies_is_restored_too);
        tcase_add_test(t, a_leak_is_measured_in_bytes_and_by_whom);
        tcase_add_test(t, a_fault_changes_nothing_of_requests_that_it_does_not_touch);
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
