/* test_objective.c - good and bad seconds, and when an incident begins and ends.
 *
 * Single requests at given instants, each with a fate that follows from when it
 * comes: an effect makes the instance fail between two instants.
 */
#include "tests/fleet_builder.h"

#include <check.h>
#include <math.h>

#include "harness/fleet/model.h"

enum { ARRIVALS = 8000 };

static struct builder b;
static struct books books;
static struct fleet *fleet;
static int64_t at_ns[ARRIVALS];
static size_t arrivals;
static struct effect failing;

static void setup(void)
{
        struct service_spec *service;

        build_begin(&b);
        memset(&books, 0, sizeof(books));
        arrivals = 0;
        service = build_service(&b, "only", constant(NS_PER_MS));
        service->concurrency = 100;
        service->slo = (struct slo_spec){true, 0.9, NS_PER_S / 2, 1, 10 * NS_PER_S, 20};
        b.zones[0].latency_ns = 0;
        failing = (struct effect){.kind = EFFECT_ERROR, .layer = LAYER_OUTSIDE, .probability = 1,
                                  .a = 1, .retryable = true, .ramp_down_from_ns = TIME_NEVER};
}

static void teardown(void)
{
        books_free(&books);
        build_end(&b);
}

/* `count` requests, evenly over the second [s, s + 1). */
static void second_of(int64_t s, int count)
{
        for (int i = 0; i < count; i++)
                at_ns[arrivals++] = s * NS_PER_S + (2 * i + 1) * NS_PER_S / (2 * count);
}

static void seconds_of(int64_t from_s, int64_t to_s, int count)
{
        for (int64_t s = from_s; s < to_s; s++)
                second_of(s, count);
}

static void begin(void)
{
        struct load_spec *load = build_load(&b, "users", 0, 1);

        load->process = LOAD_TRACE;
        load->trace = (struct load_trace){.at_ns = at_ns, .length = arrivals,
                                          .total_ns = 24 * NS_PER_HOUR};
        fleet = build_fleet(&b, 1, 0);
}

static void fails_between(int64_t from_ns, int64_t to_ns)
{
        fleet_run_until(fleet, from_ns);
        fleet_effect_on_instance(fleet, 0, &failing);
        fleet_run_until(fleet, to_ns);
        fleet_effect_lift(fleet, &failing);
}

static void end_at(int64_t s)
{
        fleet_run_until(fleet, s * NS_PER_S);
        ck_assert(books_close(&books, &b, fleet));
}

START_TEST(an_incident_goes_from_the_first_bucket_below_target_to_the_last)
{
        seconds_of(0, 200, 10);
        begin();
        fails_between(60 * NS_PER_S, 75 * NS_PER_S);
        end_at(200);
        ck_assert_uint_eq(books.incident_count, 1);
        ck_assert_int_eq(books.incidents[0].onset_ns, 60 * NS_PER_S);
        /* 20 bad of 100 at the end of second 61 are more than a tenth */
        ck_assert_int_eq(books.incidents[0].noticed_ns, 62 * NS_PER_S);
        ck_assert_int_eq(books.incidents[0].restored_ns, 75 * NS_PER_S);
        /* The window holds [74, 84) with a share of 0.9 at 84: good. Then 30 s. */
        ck_assert_int_eq(books.incidents[0].closed_ns, (84 + 30) * NS_PER_S);
        ck_assert_uint_eq(books.incidents[0].bad_requests, 150);
        ck_assert_uint_eq(books.incidents[0].requests, 150);
        ck_assert_double_eq_tol(books.incidents[0].lowest_share, 0, 1e-12);
}
END_TEST

START_TEST(four_bad_requests_are_no_incident_and_five_are)
{
        int64_t from = 60 * NS_PER_S;

        seconds_of(0, 200, 2);
        begin();
        fails_between(from, from + (_i == 0 ? 2 : 3) * NS_PER_S); /* 4 or 6 of 20 */
        end_at(200);
        ck_assert_uint_eq(books.incident_count, (size_t)_i);
}
END_TEST

START_TEST(a_window_with_few_requests_is_widened)
{
        /* One request each 4 s: 20 of them are 80 s, not 10. */
        for (int64_t s = 0; s < 1000; s += 4)
                second_of(s, 1);
        begin();
        fails_between(400 * NS_PER_S, 416 * NS_PER_S); /* 4 of 20: share 0.8, but only four */
        fails_between(500 * NS_PER_S, 520 * NS_PER_S); /* 5 of 20 */
        end_at(1000);
        ck_assert_uint_eq(books.incident_count, 1);
        ck_assert_int_eq(books.incidents[0].onset_ns, 500 * NS_PER_S);
        ck_assert_int_eq(books.incidents[0].restored_ns, 517 * NS_PER_S);
        /* good again once the window holds two bad ones at most */
        ck_assert_int_gt(books.incidents[0].closed_ns, 580 * NS_PER_S);
}
END_TEST

START_TEST(a_gap_shorter_than_the_hold_is_one_incident_a_longer_one_two)
{
        int64_t again = _i == 0 ? 110 : 140;

        seconds_of(0, 300, 10);
        begin();
        fails_between(60 * NS_PER_S, 75 * NS_PER_S); /* good window from 84 on */
        fails_between(again * NS_PER_S, (again + 10) * NS_PER_S);
        end_at(300);
        ck_assert_uint_eq(books.incident_count, (size_t)_i + 1);
        if (_i == 0)
                ck_assert_int_eq(books.incidents[0].restored_ns, 120 * NS_PER_S);
        else
                ck_assert_int_eq(books.incidents[1].onset_ns, 140 * NS_PER_S);
}
END_TEST

START_TEST(no_traffic_keeps_the_state_and_restores_nothing)
{
        seconds_of(0, 75, 10);
        seconds_of(400, 500, 10);
        begin();
        fails_between(60 * NS_PER_S, 75 * NS_PER_S);
        fleet_run_until(fleet, 399 * NS_PER_S);
        ck_assert(fleet_incident_open(fleet, 0));
        ck_assert(!fleet_entries_good(fleet));
        end_at(500);
        ck_assert_uint_eq(books.incident_count, 1);
        ck_assert_int_eq(books.incidents[0].restored_ns, 75 * NS_PER_S);
        ck_assert_int_ge(books.incidents[0].closed_ns, 430 * NS_PER_S);
}
END_TEST

START_TEST(an_incident_at_the_end_is_open)
{
        seconds_of(0, 100, 10);
        begin();
        fails_between(60 * NS_PER_S, 99 * NS_PER_S);
        end_at(99);
        ck_assert_uint_eq(books.incident_count, 1);
        ck_assert(books.incidents[0].restored_ns == TIME_NEVER);
        ck_assert(books.incidents[0].closed_ns == TIME_NEVER);
        ck_assert_uint_eq(books.incidents[0].bad_requests, 390);
}
END_TEST

START_TEST(incidents_of_one_service_do_not_overlap)
{
        /* A window longer than the hold: it still has bad buckets of the first
         * incident when the second begins. */
        b.services[0].slo.window_ns = 120 * NS_PER_S;
        seconds_of(0, 600, 10);
        begin();
        fails_between(200 * NS_PER_S, 210 * NS_PER_S);
        fails_between(280 * NS_PER_S, 283 * NS_PER_S); /* 130 of 1200 at 283, 120 at 321 */
        fails_between(352 * NS_PER_S, 364 * NS_PER_S); /* 130 again at 362 */
        end_at(600);
        ck_assert_uint_eq(books.incident_count, 2);
        ck_assert_int_eq(books.incidents[0].onset_ns, 200 * NS_PER_S);
        ck_assert_int_eq(books.incidents[0].restored_ns, 283 * NS_PER_S);
        ck_assert_int_eq(books.incidents[0].closed_ns, 351 * NS_PER_S);
        ck_assert_int_eq(books.incidents[1].onset_ns, 352 * NS_PER_S);
}
END_TEST

START_TEST(a_late_one_is_bad_in_the_second_in_which_its_age_passed_the_limit)
{
        b.services[0].service_time = constant(5 * NS_PER_S);
        at_ns[arrivals++] = 10 * NS_PER_S + 700 * NS_PER_MS; /* passes 0.5 s at 11.2 s */
        begin();
        end_at(30);
        ck_assert_uint_eq(books.services[0].seconds[11].bad, 1);
        ck_assert_uint_eq(books.services[0].seconds[10].bad, 0);
        ck_assert_uint_eq(books.services[0].seconds[15].bad, 0);
        ck_assert_uint_eq(books_outcome(&books, 0, CALL_OK), 1);
        ck_assert_double_eq(books_good(&books, 0), 0);
}
END_TEST

START_TEST(one_that_ends_late_within_the_second_is_bad_where_it_passed_the_limit)
{
        b.services[0].service_time = constant(900 * NS_PER_MS);
        at_ns[arrivals++] = 10 * NS_PER_S + 450 * NS_PER_MS; /* 10.95, ends at 11.35 */
        begin();
        end_at(30);
        ck_assert_uint_eq(books.services[0].seconds[10].bad, 1);
        ck_assert_uint_eq(books.services[0].seconds[11].bad, 0);
}
END_TEST

START_TEST(exactly_the_limit_is_still_good)
{
        b.services[0].service_time = constant(NS_PER_S / 2 + (_i == 0 ? 0 : 1));
        at_ns[arrivals++] = 10 * NS_PER_S;
        at_ns[arrivals++] = 11 * NS_PER_S + NS_PER_S / 2; /* passes it right at 12 s */
        begin();
        end_at(30);
        ck_assert_double_eq(books_good(&books, 0), _i == 0 ? 1 : 0);
}
END_TEST

START_TEST(what_never_ends_is_bad_once_it_is_too_old_and_in_no_ratio_before)
{
        b.services[0].service_time = constant(NS_PER_HOUR);
        at_ns[arrivals++] = 28 * NS_PER_S;
        at_ns[arrivals++] = 29 * NS_PER_S + 800 * NS_PER_MS;
        begin();
        end_at(30);
        ck_assert_uint_eq(books.services[0].phase[0].bad, 1);
        ck_assert_uint_eq(books.services[0].phase[0].good, 0);
        ck_assert_uint_eq(books.services[0].unfinished, 2);
}
END_TEST

START_TEST(each_request_is_judged_once)
{
        uint64_t good = 0, bad = 0;

        b.services[0].service_time = exponential(400 * NS_PER_MS);
        build_load(&b, "users", 0, 50);
        b.loads[0].timeout_ns = 900 * NS_PER_MS;
        b.loads[0].retry = (struct retry_spec){1, 100 * NS_PER_MS, 2, NS_PER_S, 0, -1};
        fleet = build_fleet(&b, 1, 0);
        end_at(100);
        for (size_t i = 0; i < books.services[0].second_count; i++) {
                good += books.services[0].seconds[i].good;
                bad += books.services[0].seconds[i].bad;
        }
        ck_assert_uint_eq(good, books.services[0].phase[0].good);
        ck_assert_uint_eq(bad, books.services[0].phase[0].bad);
        ck_assert_uint_le(good + bad, books.services[0].calls);
        ck_assert_uint_ge(good + bad + 50, books.services[0].calls);
        /* exp(-0.5 / 0.4) are late */
        ck_assert_double_eq_tol(books_good(&books, 0), 1 - exp(-1.25), 0.03);
}
END_TEST

START_TEST(the_quality_asked_for_decides_whether_a_degraded_answer_is_good)
{
        b.services[0].slo.quality = _i == 0 ? 0.85 : 0.86;
        seconds_of(0, 60, 10);
        begin();
        build_act(fleet, ACTION_SET_DEGRADATION, 0, FLEET_NO_INDEX, 1); /* quality 0.85 */
        end_at(60);
        ck_assert_uint_eq(books.services[0].phase[0].good > 100, _i == 0);
}
END_TEST

START_TEST(a_probe_sees_all_of_its_window_also_beyond_the_start_of_measuring)
{
        static const int64_t windows_s[] = {1, 2, 10};
        int64_t window_ns = windows_s[_i] * NS_PER_S;
        struct load_spec *load = build_load(&b, "users", 0, 10);

        load->process = LOAD_CONSTANT;
        b.services[0].service_time = constant(50 * NS_PER_MS);
        b.services[0].concurrency = 1;
        fleet = build_fleet(&b, 1, 20 * NS_PER_S);
        ck_assert(fleet_watch(fleet, 0, window_ns));
        for (int64_t s = -9; s <= 12; s++) {
                ck_assert(fleet_run_until(fleet, s * NS_PER_S));
                ck_assert_double_eq_tol(fleet_probe(fleet, "utilization", 0, window_ns), 0.5, 0.02);
                ck_assert_double_eq_tol(fleet_probe(fleet, "queue_mean", 0, window_ns), 0, 1e-9);
        }
        ck_assert(books_close(&books, &b, fleet));
}
END_TEST

START_TEST(bins_hold_what_the_seconds_hold)
{
        uint64_t bins = 0, calls = 0;

        seconds_of(0, 100, 10);
        begin();
        fails_between(60 * NS_PER_S, 75 * NS_PER_S);
        end_at(100);
        ck_assert_uint_eq(books.services[0].bin_count, 9); /* the one that ends at 100 is not over */
        for (size_t i = 0; i < books.services[0].bin_count; i++) {
                bins += books.services[0].bins[i].good + books.services[0].bins[i].bad;
                calls += books.services[0].bins[i].calls;
        }
        ck_assert_uint_eq(bins, 900);
        ck_assert_uint_eq(calls, 900);
        ck_assert_uint_eq(books.services[0].bins[6].bad, 100);
        ck_assert_uint_eq(books.services[0].bins[7].bad, 50);
        ck_assert_uint_eq(books.services[0].bins[7].errors, 50);
}
END_TEST

static Suite *suite(void)
{
        Suite *s = suite_create("objective");
        TCase *t = tcase_create("all");

        tcase_add_checked_fixture(t, setup, teardown);
        tcase_add_test(t, an_incident_goes_from_the_first_bucket_below_target_to_the_last);
        tcase_add_loop_test(t, four_bad_requests_are_no_incident_and_five_are, 0, 2);
        tcase_add_test(t, a_window_with_few_requests_is_widened);
        tcase_add_loop_test(t, a_gap_shorter_than_the_hold_is_one_incident_a_longer_one_two, 0, 2);
        tcase_add_test(t, no_traffic_keeps_the_state_and_restores_nothing);
        tcase_add_test(t, an_incident_at_the_end_is_open);
        tcase_add_test(t, incidents_of_one_service_do_not_overlap);
        tcase_add_test(t, a_late_one_is_bad_in_the_second_in_which_its_age_passed_the_limit);
        tcase_add_test(t, one_that_ends_late_within_the_second_is_bad_where_it_passed_the_limit);
        tcase_add_loop_test(t, exactly_the_limit_is_still_good, 0, 2);
        tcase_add_test(t, what_never_ends_is_bad_once_it_is_too_old_and_in_no_ratio_before);
        tcase_add_test(t, each_request_is_judged_once);
        tcase_add_loop_test(t, the_quality_asked_for_decides_whether_a_degraded_answer_is_good, 0, 2);
        tcase_add_loop_test(t, a_probe_sees_all_of_its_window_also_beyond_the_start_of_measuring, 0, 3);
        tcase_add_test(t, bins_hold_what_the_seconds_hold);
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
