/* test_stock.c - disks that fill and tokens that run out.
 *
 * One service of two instances, one load of 100 evenly spread requests a second,
 * so that what is written and used can be counted by hand.
 */
#include "faults/fault.h"
#include "tests/fleet_builder.h"

#include <check.h>
#include <math.h>

#include "harness/fleet/model.h"

static struct builder b;
static struct books books;
static struct fleet *fleet;
static struct fault_run run;
static const uint32_t both[] = {0, 1};

static void setup(void)
{
        build_begin(&b);
        memset(&books, 0, sizeof(books));
        build_service(&b, "store", constant(NS_PER_MS))->concurrency = 8;
        b.services[0].instance_count = 2;
        build_load(&b, "writers", 0, 100)->process = LOAD_CONSTANT;
        b.telemetry = true;
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

static void inject(const char *kind, bool whole, double argument)
{
        static double arguments[1];

        arguments[0] = argument;
        run = (struct fault_run){.ops = fault_find(kind), .fleet = fleet, .arguments = arguments,
                                 .probability = 1, .stream = 77, .now_ns = fleet_now(fleet),
                                 .has_end = true, .edge = FLEET_NO_INDEX, .load = FLEET_NO_INDEX,
                                 .service = whole ? 0 : FLEET_NO_INDEX, .zone = FLEET_NO_INDEX,
                                 .instances = both, .instance_count = whole ? 0 : 2};
        ck_assert_ptr_nonnull(run.ops);
        run.ops->inject(&run);
}

static void run_for(int64_t seconds)
{
        ck_assert(fleet_run_until(fleet, fleet_now(fleet) + seconds * NS_PER_S));
}

static uint64_t ended(enum call_outcome outcome)
{
        uint64_t sum = 0;

        for (int p = 0; p < PHASE_COUNT; p++)
                sum += fleet->services[0].measure.phase[p].outcome[outcome];
        return sum;
}

static void close_books(void)
{
        ck_assert(books_close(&books, &b, fleet));
}

START_TEST(a_disk_takes_what_fits_and_fails_the_rest)
{
        b.services[0].disk = (struct disk_spec){1000, 10, 500};
        begin();
        run_for(10);
        /* 500 bytes free, 10 a request, two instances */
        ck_assert_uint_eq(ended(CALL_OK), 100);
        ck_assert_uint_ge(ended(CALL_ERROR), 899);
        ck_assert_double_eq(b.last_sample[0].disk_ratio, 1);
        close_books();
}
END_TEST

START_TEST(a_disk_stays_full_over_a_restart_is_freed_and_new_with_a_new_instance)
{
        b.services[0].disk = (struct disk_spec){1000, 10, 500};
        begin();
        run_for(5);
        build_act(fleet, ACTION_RESTART_INSTANCE, 0, 0, 0);
        run_for(10);
        ck_assert_uint_eq(ended(CALL_OK), 100);
        build_act(fleet, ACTION_FREE_DISK, 0, 0, 0);
        run_for(5);
        ck_assert_uint_eq(ended(CALL_OK), 150);
        build_act(fleet, ACTION_REPLACE_INSTANCE, 0, 1, 0);
        run_for(30);
        ck_assert_uint_eq(ended(CALL_OK), 200);
        ck_assert(b.results[1].ok && b.results[2].ok);
        close_books();
}
END_TEST

START_TEST(there_is_nothing_to_free_without_a_disk)
{
        begin();
        build_act(fleet, ACTION_FREE_DISK, 0, 0, 0);
        run_for(7);
        ck_assert(!b.results[0].ok);
        ck_assert_str_eq(b.results[0].reason, "it has no disk of its own");
        ck_assert(isnan(b.last_sample[0].disk_ratio));
        close_books();
}
END_TEST

START_TEST(a_disk_fills_at_its_rate_and_stops_when_lifted)
{
        b.services[0].disk = (struct disk_spec){1000000, 0, 100000};
        begin();
        run_for(1);
        inject("disk_fill", false, 5000);
        run_for(100);
        ck_assert_double_eq_tol(b.last_sample[1].disk_ratio, 0.1 + 0.005 * 99, 0.02 * 0.595);
        run.ops->lift(&run);
        ck_assert_double_eq_tol(run.effects[0].measured_sum, 2 * 5000 * 100, 1);
        run_for(100);
        ck_assert_double_eq_tol(b.last_sample[1].disk_ratio, 0.6, 1e-9);
        close_books();
}
END_TEST

START_TEST(freeing_a_disk_ends_what_fills_it)
{
        b.services[0].disk = (struct disk_spec){1000000, 0, 0};
        begin();
        inject("disk_fill", false, 5000);
        run_for(100);
        build_act(fleet, ACTION_FREE_DISK, 0, 0, 0);
        run_for(50);
        ck_assert_double_eq(b.last_sample[0].disk_ratio, 0);
        ck_assert_double_gt(b.last_sample[1].disk_ratio, 0.7);
        run.ops->lift(&run);
        close_books();
}
END_TEST

START_TEST(a_full_disk_fails_nobody_who_does_not_write)
{
        b.services[0].disk = (struct disk_spec){1000, 0, 1000};
        begin();
        run_for(10);
        ck_assert_uint_eq(ended(CALL_ERROR), 0);
        close_books();
}
END_TEST

START_TEST(a_window_has_its_tokens_and_no_more)
{
        b.services[0].quota = (struct quota_spec){30, NS_PER_S, 1, false};
        begin();
        run_for(100);
        ck_assert_uint_eq(ended(CALL_OK), 3000);
        ck_assert_uint_ge(ended(CALL_ERROR), 6990);
        /* two processes say why, an interval of telemetry apart at least */
        ck_assert_uint_ge(b.event_count, 2);
        ck_assert_uint_le(b.event_count, 2 * (1 + 100 * NS_PER_S / b.spec.telemetry.interval_ns));
        ck_assert_int_eq(b.events[0].kind, FLEET_EVENT_ERROR_MESSAGE);
        ck_assert_str_eq(b.events[0].text, "429 quota exceeded");
        close_books();
}
END_TEST

START_TEST(windows_turn_in_the_warm_up_too)
{
        b.services[0].quota = (struct quota_spec){30, NS_PER_S, 1, false};
        fleet = build_fleet(&b, 1, 10 * NS_PER_S + NS_PER_S / 3);
        ck_assert(fleet_run_until(fleet, 0));
        /* ten whole windows, and a third of one in which 30 of 33 get a token */
        ck_assert_double_eq_tol((double)fleet->instances[0].requests + (double)fleet->instances[1].requests,
                                1033, 3);
        run_for(1);
        ck_assert_uint_eq(ended(CALL_OK), 30);
        close_books();
}
END_TEST

START_TEST(instances_may_have_tokens_of_their_own_and_requests_cost_more)
{
        b.services[0].quota = (struct quota_spec){30, NS_PER_S, 2, true};
        begin();
        run_for(100);
        ck_assert_uint_eq(ended(CALL_OK), 2 * 15 * 100);
        close_books();
}
END_TEST

START_TEST(a_cut_leaves_its_share)
{
        b.services[0].quota = (struct quota_spec){200, NS_PER_S, 1, false};
        begin();
        run_for(10);
        ck_assert_uint_eq(ended(CALL_ERROR), 0);
        ck_assert_double_eq_tol(b.last_sample[0].token_ratio, 0.5, 0.01);
        ck_assert_double_eq(b.last_sample[1].token_ratio, b.last_sample[0].token_ratio);
        inject("quota_cut", true, 0.75);
        run_for(10);
        ck_assert_double_eq_tol((double)ended(CALL_ERROR), 500, 2);
        ck_assert_double_eq_tol((double)run.effects[0].touched, 500, 2);
        ck_assert_double_eq(b.last_sample[0].token_ratio, 1);
        run.ops->lift(&run);
        run_for(10);
        ck_assert_double_eq_tol((double)ended(CALL_ERROR), 500, 2);
        close_books();
}
END_TEST

START_TEST(exhausted_tokens_come_back_when_the_window_turns)
{
        b.services[0].quota = (struct quota_spec){10000, 60 * NS_PER_S, 1, false};
        begin();
        run_for(10);
        inject("token_exhaustion", true, 0);
        run_for(5);
        ck_assert_double_eq_tol((double)ended(CALL_ERROR), 500, 2);
        ck_assert_double_eq(b.last_sample[0].token_ratio, 1);
        run.ops->lift(&run);
        run_for(40); /* 55 s: still the same window */
        ck_assert_double_eq_tol((double)ended(CALL_ERROR), 4500, 2);
        run_for(30);
        ck_assert_double_eq_tol((double)ended(CALL_ERROR), 5000, 2);
        close_books();
}
END_TEST

/* Or a fleet with a healer would have another world than one without. */
START_TEST(looking_at_tokens_uses_none)
{
        b.services[0].quota = (struct quota_spec){10000, 60 * NS_PER_S, 1, false};
        begin();
        run_for(10);
        inject("token_exhaustion", true, 0);
        ck_assert_double_eq(stock_token_ratio(fleet, 0), 1);
        run.ops->lift(&run);
        run_for(10);
        ck_assert_uint_eq(ended(CALL_ERROR), 0);
        close_books();
}
END_TEST

static Suite *suite(void)
{
        Suite *s = suite_create("stock");
        TCase *t = tcase_create("all");

        tcase_add_checked_fixture(t, setup, teardown);
        tcase_add_test(t, a_disk_takes_what_fits_and_fails_the_rest);
        tcase_add_test(t, a_disk_stays_full_over_a_restart_is_freed_and_new_with_a_new_instance);
        tcase_add_test(t, there_is_nothing_to_free_without_a_disk);
        tcase_add_test(t, a_disk_fills_at_its_rate_and_stops_when_lifted);
        tcase_add_test(t, freeing_a_disk_ends_what_fills_it);
        tcase_add_test(t, a_full_disk_fails_nobody_who_does_not_write);
        tcase_add_test(t, a_window_has_its_tokens_and_no_more);
        tcase_add_test(t, windows_turn_in_the_warm_up_too);
        tcase_add_test(t, instances_may_have_tokens_of_their_own_and_requests_cost_more);
        tcase_add_test(t, a_cut_leaves_its_share);
        tcase_add_test(t, exhausted_tokens_come_back_when_the_window_turns);
        tcase_add_test(t, looking_at_tokens_uses_none);
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
