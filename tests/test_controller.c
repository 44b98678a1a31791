/* test_controller.c - the platform by itself: placing, checks, autoscaling.
 *
 * The fleet: front calls back (3 instances, 4 workers each, timeout 1 s); 50
 * requests/s, of 2 ms each, unless a test says otherwise.
 */
#include "tests/fleet_builder.h"

#include <check.h>
#include <math.h>

#include "harness/fleet/model.h"

enum { FRONT, BACK };

static struct builder b;
static struct books books;
static struct fleet *fleet;
static struct effect effects[2];

static void setup(void)
{
        build_begin(&b);
        memset(&books, 0, sizeof(books));
        build_service(&b, "front", exponential(2 * NS_PER_MS))->concurrency = 64;
        build_service(&b, "back", exponential(2 * NS_PER_MS))->concurrency = 4;
        b.services[BACK].instance_count = 3;
        b.services[BACK].health_check = (struct health_check_spec){5 * NS_PER_S, NS_PER_S, 3, 1};
        build_call(&b, FRONT, BACK)->timeout_ns = NS_PER_S;
        build_load(&b, "users", FRONT, 50);
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

static void close_books(void)
{
        ck_assert(books_close(&books, &b, fleet));
}

static struct effect *on_back(int n, enum effect_kind kind, double a)
{
        effects[n] = (struct effect){.kind = kind,
                                     .layer = kind == EFFECT_PLACEMENT ? LAYER_PLATFORM
                                                                       : LAYER_CONTROLLER,
                                     .rank = (uint32_t)n,
                                     .stream = 7u + (uint64_t)n,
                                     .probability = 1,
                                     .a = a,
                                     .ramp_down_from_ns = TIME_NEVER};
        fleet_effect_on_service(fleet, BACK, &effects[n]);
        return &effects[n];
}

static void scaler(enum scale_metric metric, double target, uint32_t min, uint32_t max)
{
        b.services[BACK].autoscaler =
                (struct autoscaler_spec){true, metric, target, min, max, 30 * NS_PER_S};
}

static void act(enum fleet_action_kind kind)
{
        build_act(fleet, kind, BACK, FLEET_NO_INDEX, 0);
}

static uint32_t staying(void)
{
        return service_staying(fleet, BACK);
}

/* ---- placing */

START_TEST(where_nothing_can_be_placed_a_restart_or_a_replacement_makes_it_worse)
{
        begin();
        on_back(0, EFFECT_PLACEMENT, 0);
        run_for(20);
        ck_assert_uint_eq(effects[0].touched, 0);
        ck_assert_uint_eq(fleet->services[BACK].up, 3); /* who runs, runs */
        build_act(fleet, ACTION_RESTART_INSTANCE, BACK, 1, 0);
        build_act(fleet, ACTION_REPLACE_INSTANCE, BACK, 2, 0);
        run_for(100);
        ck_assert_uint_eq(fleet->services[BACK].up, 1);
        ck_assert_uint_eq(effects[0].touched, 2);
        ck_assert(!b.results[0].ok);
        fleet_effect_lift(fleet, &effects[0]);
        run_for(20);
        ck_assert_uint_eq(fleet->services[BACK].up, 3);
        close_books();
}
END_TEST

START_TEST(a_start_that_was_under_way_is_stopped_and_made_up_for)
{
        b.services[BACK].supervisor = _i == 0 ? SUPERVISOR_ALWAYS : SUPERVISOR_NEVER;
        begin();
        build_act(fleet, ACTION_RESTART_INSTANCE, BACK, 1, 0);
        run_for(3);
        on_back(0, EFFECT_PLACEMENT, 0);
        run_for(60);
        ck_assert_int_eq(fleet_instance_state(fleet, 1), INSTANCE_DOWN);
        if (_i == 1) /* ordered again while it could not be done */
                build_act(fleet, ACTION_RESTART_INSTANCE, BACK, 1, 0);
        run_for(60);
        fleet_effect_lift(fleet, &effects[0]);
        run_for(10);
        ck_assert_int_eq(fleet_instance_state(fleet, 1), INSTANCE_UP);
        close_books();
}
END_TEST

/* ---- checks */

START_TEST(a_readiness_check_that_lies_leaves_nobody_to_send_to)
{
        begin();
        on_back(0, EFFECT_READINESS, 0);
        run_for(30);
        ck_assert_uint_eq(fleet->services[BACK].routable_count, 0);
        ck_assert_uint_eq(fleet->services[BACK].up, 3);
        ck_assert_uint_eq(effects[0].touched, 3);
        if (_i == 0) {
                fleet_effect_lift(fleet, &effects[0]);
                run_for(10);
        } else {
                act(ACTION_DISABLE_HEALTH_CHECK);
                run_for(2);
                ck_assert(b.results[0].ok);
                ck_assert(!fleet_effect_attached(fleet, &effects[0]));
        }
        ck_assert_uint_eq(fleet->services[BACK].routable_count, 3);
        close_books();
        ck_assert_uint_gt(books_outcome(&books, BACK, CALL_LOST), 500);
}
END_TEST

START_TEST(a_liveness_check_that_lies_kills_again_and_again)
{
        begin();
        on_back(0, EFFECT_LIVENESS, 0);
        run_for(14);
        ck_assert_uint_eq(effects[0].touched, 0); /* three checks have to fail */
        run_for(100);
        ck_assert_uint_ge(effects[0].touched, 6);
        fleet_effect_lift(fleet, &effects[0]);
        run_for(100);
        ck_assert_uint_eq(fleet->services[BACK].up, 3);
        close_books();
}
END_TEST

START_TEST(checks_that_were_switched_off_eject_nobody_for_ten_minutes)
{
        begin();
        act(ACTION_DISABLE_HEALTH_CHECK);
        run_for(10);
        b.services[BACK].supervisor = SUPERVISOR_NEVER;
        fleet_instance_kill(fleet, 1, 139, "test");
        run_for(500);
        ck_assert_uint_eq(fleet->services[BACK].routable_count, 3); /* the dead one too */
        run_for(120);
        ck_assert_uint_eq(fleet->services[BACK].routable_count, 2);
        close_books();
}
END_TEST

/* ---- autoscaling */

START_TEST(it_follows_its_target_up_and_down)
{
        static const enum scale_metric metrics[] = {SCALE_BY_UTILIZATION, SCALE_BY_CPU};

        /* 400/s of 20 ms are 8 workers: 4 instances at a half. */
        b.services[BACK].service_time = exponential(20 * NS_PER_MS);
        b.loads[0].rate_per_s = 400;
        b.loads[0].profile = (struct load_profile){
                .shape = SHAPE_SURGE, .factor = 0.25, .at_ns = 600 * NS_PER_S, .for_ns = NS_PER_HOUR};
        scaler(metrics[_i], 0.5, 1, 10);
        begin();
        run_for(300);
        ck_assert_uint_ge(staying(), 4);
        ck_assert_uint_le(staying(), 5);
        run_for(700);
        ck_assert_uint_le(staying(), 2);
        close_books();
        ck_assert_double_gt(books.services[BACK].instance_area_s, 2.0 * 1000);
        ck_assert_double_lt(books.services[BACK].instance_area_s, 5.0 * 1000);
}
END_TEST

/* One worker, first come first served, and clients alone call it: it could be
 * worked out ahead, and the scaler still has to see it busy. */
START_TEST(it_sees_a_leaf_at_work_too)
{
        b.services[FRONT].concurrency = 1;
        b.services[FRONT].instance_count = 2;
        b.services[FRONT].edge_count = 0;
        b.spec.edge_count = 0;
        b.services[FRONT].service_time = exponential(36 * NS_PER_MS);
        b.services[FRONT].autoscaler = (struct autoscaler_spec){
                true, SCALE_BY_UTILIZATION, 0.5, 1, 10, 30 * NS_PER_S};
        begin();
        run_for(200); /* 50/s of 36 ms are 1.8 workers */
        ck_assert_uint_ge(service_staying(fleet, FRONT), 3);
        ck_assert_uint_le(service_staying(fleet, FRONT), 5);
        close_books();
}
END_TEST

START_TEST(it_stays_within_its_bounds_and_waits_for_its_cool_down)
{
        int64_t last_ns = INT64_MIN;

        b.telemetry = true;
        b.services[BACK].service_time = exponential(100 * NS_PER_MS);
        b.services[BACK].queue_max = 50;
        b.loads[0].rate_per_s = 300;
        scaler(SCALE_BY_QUEUE, 0.1, 2, 6);
        begin();
        run_for(400);
        ck_assert_uint_eq(staying(), 6);
        for (size_t i = 0; i < b.event_count; i++)
                if (b.events[i].kind == FLEET_EVENT_INSTANCE_ADDED) {
                        ck_assert(last_ns == INT64_MIN || b.events[i].at_ns == last_ns ||
                                  b.events[i].at_ns - last_ns >= 30 * NS_PER_S);
                        last_ns = b.events[i].at_ns;
                }
        close_books();
}
END_TEST

START_TEST(a_stuck_one_does_nothing_and_can_be_stopped)
{
        b.services[BACK].service_time = exponential(100 * NS_PER_MS);
        b.services[BACK].queue_max = 50;
        b.loads[0].rate_per_s = 110;
        scaler(SCALE_BY_UTILIZATION, 0.5, 1, 10);
        begin();
        on_back(0, EFFECT_SCALER, 0);
        run_for(100);
        ck_assert_uint_eq(staying(), 3);
        ck_assert_uint_ge(effects[0].touched, 5);
        act(ACTION_STOP_CONTROLLER);
        run_for(100);
        ck_assert(b.results[0].ok);
        ck_assert(!fleet_effect_attached(fleet, &effects[0]));
        ck_assert_uint_eq(staying(), 3); /* stopped, whatever ailed it */
        run_for(620);
        ck_assert_uint_gt(staying(), 3); /* and well when it comes back */
        close_books();
}
END_TEST

START_TEST(one_that_shrinks_takes_all_but_one)
{
        scaler(SCALE_BY_UTILIZATION, 0.5, 3, 3);
        begin();
        on_back(0, EFFECT_SCALER, 1);
        run_for(120);
        ck_assert_uint_eq(staying(), 1);
        ck_assert_uint_eq(effects[0].touched, 2);
        fleet_effect_lift(fleet, &effects[0]);
        run_for(120);
        ck_assert_uint_eq(staying(), 3);
        close_books();
}
END_TEST

START_TEST(where_nothing_acts_nothing_can_be_stopped)
{
        b.services[BACK].health_check.period_ns = 0;
        begin();
        act(ACTION_STOP_CONTROLLER);
        act(ACTION_DISABLE_HEALTH_CHECK);
        run_for(2);
        ck_assert(!b.results[0].ok && !b.results[1].ok);
        close_books();
}
END_TEST

static Suite *suite(void)
{
        Suite *s = suite_create("controller");
        TCase *t = tcase_create("all");

        tcase_add_checked_fixture(t, setup, teardown);
        tcase_add_test(t, where_nothing_can_be_placed_a_restart_or_a_replacement_makes_it_worse);
        tcase_add_loop_test(t, a_start_that_was_under_way_is_stopped_and_made_up_for, 0, 2);
        tcase_add_loop_test(t, a_readiness_check_that_lies_leaves_nobody_to_send_to, 0, 2);
        tcase_add_test(t, a_liveness_check_that_lies_kills_again_and_again);
        tcase_add_test(t, checks_that_were_switched_off_eject_nobody_for_ten_minutes);
        tcase_add_loop_test(t, it_follows_its_target_up_and_down, 0, 2);
        tcase_add_test(t, it_sees_a_leaf_at_work_too);
        tcase_add_test(t, it_stays_within_its_bounds_and_waits_for_its_cool_down);
        tcase_add_test(t, a_stuck_one_does_nothing_and_can_be_stopped);
        tcase_add_test(t, one_that_shrinks_takes_all_but_one);
        tcase_add_test(t, where_nothing_acts_nothing_can_be_stopped);
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
