/* test_lane.c - requests that were worked out ahead leave the same bytes behind.
 *
 * Every fleet runs twice, once with lanes closed, and everything that can be seen
 * of it is compared: books, series, histograms, telemetry, notes.
 */
#include <check.h>

#include "harness/fleet/model.h"
#include "tests/fleet_builder.h"

static struct builder b;

static uint64_t digest;

static void mix(const void *bytes, size_t length)
{
        const unsigned char *at = bytes;

        for (size_t i = 0; i < length; i++)
                digest = hash_mix(digest, at[i]);
}

#define MIX(value) mix(&(value), sizeof(value))

static void mix_batch(void *user, const struct telemetry_batch *batch)
{
        (void)user;
        for (size_t i = 0; i < batch->instance_count; i++) {
                const struct instance_sample *s = &batch->instances[i];

                MIX(s->instance);
                MIX(s->cpu_ratio);
                MIX(s->queue_depth);
                MIX(s->throughput_per_s);
                MIX(s->error_ratio);
                MIX(s->latency_p50_s);
                MIX(s->latency_p99_s);
                MIX(s->requests);
        }
        for (size_t i = 0; i < batch->edge_count; i++) {
                MIX(batch->edges[i].calls);
                MIX(batch->edges[i].latency_p95_s);
        }
}

static void mix_books(const struct books *books)
{
        MIX(books->totals.root_requests);
        MIX(books->totals.root_outcome);
        MIX(books->totals.root_unfinished);
        MIX(books->totals.arrival_hash);
        MIX(books->totals.draw_hash);
        MIX(books->totals.events);
        MIX(books->incident_count);
        for (uint32_t i = 0; i < books->service_count; i++) {
                const struct service_measure *m = &books->services[i];

                for (int p = 0; p < PHASE_COUNT; p++) {
                        MIX(m->phase[p].good);
                        MIX(m->phase[p].bad);
                        MIX(m->phase[p].outcome);
                        MIX(m->phase[p].quality_sum);
                        MIX(m->phase[p].latency);
                }
                MIX(m->waiting);
                MIX(m->arrived);
                MIX(m->started);
                MIX(m->completed);
                MIX(m->attempts);
                MIX(m->calls);
                MIX(m->lost);
                MIX(m->unfinished);
                MIX(m->queue_area_s);
                MIX(m->busy_area_s);
                MIX(m->system_area_s);
                MIX(m->sojourn_sum_s);
                MIX(m->service_sum_s);
                MIX(m->worker_area_s);
                for (size_t k = 0; k < m->bin_count; k++) {
                        MIX(m->bins[k].good);
                        MIX(m->bins[k].bad);
                        MIX(m->bins[k].calls);
                        MIX(m->bins[k].queue_mean);
                        MIX(m->bins[k].busy_mean);
                        MIX(m->bins[k].latency_p95_s);
                }
                for (size_t k = 0; k < m->second_count; k++) {
                        MIX(m->seconds[k].good);
                        MIX(m->seconds[k].bad);
                }
        }
}

/* What happens on the way; `fleet` is at 20 s. */
typedef void happens(struct fleet *fleet);

static uint64_t taken; /* by lanes, in the last run that had them */

static uint64_t run(uint64_t seed, happens *then, bool closed)
{
        struct fleet *fleet = build_fleet(&b, seed, 2 * NS_PER_S + 300);
        struct books books;

        digest = 1;
        fleet->options.host.telemetry = mix_batch;
        fleet->lanes_closed = closed;
        fleet_run_until(fleet, 20 * NS_PER_S + 12345);
        if (then != NULL)
                then(fleet);
        ck_assert(fleet_run_until(fleet, 60 * NS_PER_S));
        taken = fleet->lane_capacity;
        ck_assert(closed == (taken == 0));
        ck_assert(books_close(&books, &b, fleet));
        for (size_t i = 0; i < b.note_count; i++) {
                MIX(b.notes[i].at_ns);
                MIX(b.notes[i].kind);
        }
        mix_books(&books);
        books_free(&books);
        return digest;
}

static void same_both_ways(happens *then)
{
        for (uint64_t seed = 1; seed <= 5; seed++) {
                uint64_t ahead = run(seed, then, false), events = run(seed, then, true);

                ck_assert_uint_eq(ahead, events);
        }
        build_end(&b);
}

static struct service_spec *leaf(uint32_t instances, double rho, struct dist work)
{
        struct service_spec *service;

        build_begin(&b);
        b.telemetry = true;
        service = build_service(&b, "leaf", work);
        service->instance_count = instances;
        service->slo = (struct slo_spec){true, 0.9, 100 * NS_PER_MS, 1, 10 * NS_PER_S, 20};
        build_load(&b, "users", 0, 100 * rho * instances);
        return service;
}

START_TEST(one_queue)
{
        leaf(1, 0.9, exponential(10 * NS_PER_MS));
        same_both_ways(NULL);
}
END_TEST

START_TEST(an_overload_that_never_empties)
{
        leaf(2, 1.2, exponential(10 * NS_PER_MS));
        same_both_ways(NULL);
}
END_TEST

START_TEST(many_queues_of_two_sources)
{
        leaf(7, 0.5, exponential(10 * NS_PER_MS));
        build_load(&b, "others", 0, 130);
        same_both_ways(NULL);
}
END_TEST

START_TEST(equal_work_and_ties)
{
        leaf(3, 0.8, constant(10 * NS_PER_MS));
        same_both_ways(NULL);
}
END_TEST

START_TEST(beside_a_chain)
{
        leaf(3, 0.8, exponential(10 * NS_PER_MS));
        build_service(&b, "front", exponential(5 * NS_PER_MS));
        build_service(&b, "back", exponential(5 * NS_PER_MS));
        build_call(&b, 1, 2)->timeout_ns = 20 * NS_PER_MS;
        build_load(&b, "guests", 1, 80);
        same_both_ways(NULL);
}
END_TEST

static void dies(struct fleet *fleet)
{
        fleet_instance_kill(fleet, 1, 137, "test");
}

START_TEST(a_process_that_dies)
{
        leaf(3, 0.9, exponential(10 * NS_PER_MS));
        same_both_ways(dies);
}
END_TEST

static void restarts(struct fleet *fleet)
{
        build_act(fleet, ACTION_RESTART_INSTANCE, 0, 2, 0);
}

START_TEST(an_action)
{
        leaf(3, 0.9, exponential(10 * NS_PER_MS));
        same_both_ways(restarts);
}
END_TEST

static struct effect slow;

static void slow_ends(void *fleet, uint32_t unused)
{
        (void)unused;
        fleet_effect_lift(fleet, &slow);
}

static void slows(struct fleet *fleet)
{
        slow = (struct effect){
                .kind = EFFECT_CPU, .probability = 1, .ramp_down_from_ns = TIME_NEVER, .a = 3};
        fleet_effect_on_instance(fleet, 0, &slow);
        fleet_schedule(fleet, 30 * NS_PER_S, 77, slow_ends, fleet, 0);
}

START_TEST(a_fault_that_comes_and_goes)
{
        leaf(2, 0.8, exponential(10 * NS_PER_MS));
        same_both_ways(slows);
}
END_TEST

static void crowd(struct fleet *fleet)
{
        load_crowd(fleet, 0, 0.5);
        fleet_load_burst(fleet, 0, 0.05, 9);
}

START_TEST(a_crowd)
{
        leaf(2, 0.6, exponential(10 * NS_PER_MS));
        same_both_ways(crowd);
}
END_TEST

static void phases(struct fleet *fleet)
{
        fleet_set_phase(fleet, PHASE_DURING);
}

START_TEST(another_phase)
{
        leaf(2, 0.9, exponential(10 * NS_PER_MS));
        same_both_ways(phases);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("lane");
        TCase *t = tcase_create("all");
        SRunner *runner;
        int failed;

        tcase_set_timeout(t, 60);
        tcase_add_test(t, one_queue);
        tcase_add_test(t, an_overload_that_never_empties);
        tcase_add_test(t, many_queues_of_two_sources);
        tcase_add_test(t, equal_work_and_ties);
        tcase_add_test(t, beside_a_chain);
        tcase_add_test(t, a_process_that_dies);
        tcase_add_test(t, an_action);
        tcase_add_test(t, a_fault_that_comes_and_goes);
        tcase_add_test(t, a_crowd);
        tcase_add_test(t, another_phase);
        suite_add_tcase(s, t);
        runner = srunner_create(s);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
