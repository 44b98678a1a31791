/* test_capacity.c - what is said of overload beforehand is what a run then shows. */
#include <check.h>
#include <math.h>

#include "harness/scenario/capacity.h"
#include "tests/fleet_builder.h"

enum { END_S = 400 };

static struct builder b;
static struct service_capacity all[BUILD_SERVICES];

static struct service_spec *service_of(const char *name, int64_t mean_ns, uint32_t instances)
{
        struct service_spec *service = build_service(&b, name, exponential(mean_ns));

        service->instance_count = instances;
        service->cpu_cores = service->concurrency;
        return service;
}

static void run_and_compare(void)
{
        struct books books;
        struct fleet *fleet;

        ck_assert(capacity_of(&b.spec, all));
        fleet = build_fleet(&b, 7, 0);
        fleet_run_until(fleet, END_S * NS_PER_S);
        ck_assert(books_close(&books, &b, fleet));
        for (uint32_t i = 0; i < books.service_count; i++) {
                double expected = all[i].offered_per_s * END_S;

                /* Requests of one root come together, so their count spreads more than a
                 * Poisson one: 5 sigma with 4 times its variance. */
                ck_assert_msg(fabs((double)books.services[i].arrived - expected) <
                                      5 * sqrt(4 * expected),
                              "%s: %.0f expected, %llu arrived", b.spec.services[i].name, expected,
                              (unsigned long long)books.services[i].arrived);
        }
        books_free(&books);
        build_end(&b);
}

START_TEST(what_is_offered_is_what_arrives_over_any_paths_of_calls)
{
        build_begin(&b);
        service_of("front", NS_PER_MS, 2);
        service_of("cart", NS_PER_MS, 2);
        service_of("stock", NS_PER_MS, 4);
        build_call(&b, 0, 1)->probability = 0.6;
        build_call(&b, 0, 2)->count = 2;
        build_call(&b, 1, 2);
        build_load(&b, "users", 0, 100);
        build_load(&b, "others", 1, 20);
        run_and_compare();
        ck_assert_double_eq_tol(all[2].offered_per_s, 100 * 2 + 80, 1e-6);
}
END_TEST

START_TEST(what_is_offered_is_what_arrives_round_a_cycle)
{
        build_begin(&b);
        service_of("page", NS_PER_MS, 2)->hold = HOLD_WORK; /* else they wait for one another */
        service_of("part", NS_PER_MS, 2)->hold = HOLD_WORK;
        build_call(&b, 0, 1)->probability = 0.5;
        build_call(&b, 1, 0)->probability = 0.8;
        build_load(&b, "users", 0, 60);
        run_and_compare();
        ck_assert_double_eq_tol(all[0].offered_per_s, 60 / (1 - 0.4), 1e-6);
}
END_TEST

static unsigned lines_of_warnings(char *text, size_t size)
{
        FILE *stream = fmemopen(text, size, "w");
        unsigned count = capacity_warn(&b.spec, "shop.json", stream);

        fclose(stream);
        return count;
}

START_TEST(only_a_service_that_cannot_serve_what_it_is_offered_is_named)
{
        char text[1000] = "";

        build_begin(&b);
        service_of("front", NS_PER_MS, 4);
        service_of("slow", 50 * NS_PER_MS, 4);
        build_call(&b, 0, 1)->mode = CALL_PARALLEL;
        b.services[0].hold = HOLD_WORK;
        build_load(&b, "users", 0, 79);
        ck_assert_uint_eq(lines_of_warnings(text, sizeof(text)), 0);
        b.loads[0].rate_per_s = 80;
        ck_assert_uint_eq(lines_of_warnings(text, sizeof(text)), 1);
        ck_assert_str_eq(text, "chaos-run: warning: shop.json: service 'slow' is offered 80 requests a "
                               "second and can serve 80 at most (instances x workers 4 x 1, each "
                               "held 50ms a request): it is overloaded without any fault\n");
        build_end(&b);
}
END_TEST

START_TEST(workers_that_wait_for_their_calls_are_held_for_these_too)
{
        build_begin(&b);
        service_of("front", 10 * NS_PER_MS, 1);
        service_of("back", 30 * NS_PER_MS, 10);
        build_call(&b, 0, 1);
        build_load(&b, "users", 0, 20);
        ck_assert(capacity_of(&b.spec, all));
        ck_assert_double_eq_tol(all[0].most_per_s, 25, 1e-9);
        b.services[0].hold = HOLD_WORK;
        ck_assert(capacity_of(&b.spec, all));
        ck_assert_double_eq_tol(all[0].most_per_s, 100, 1e-9);
        build_end(&b);
}
END_TEST

START_TEST(a_cache_keeps_what_it_has_from_its_backend)
{
        build_begin(&b);
        service_of("cache", NS_PER_MS, 2);
        service_of("store", NS_PER_MS, 2);
        build_call(&b, 0, 1);
        b.services[0].data = DATA_CACHE;
        b.services[0].cache = (struct cache_spec){.hit_ratio = 0.9, .edge = 0};
        build_load(&b, "users", 0, 100);
        ck_assert(capacity_of(&b.spec, all));
        ck_assert_double_eq_tol(all[1].offered_per_s, 10, 1e-9);
        build_end(&b);
}
END_TEST

START_TEST(fewer_cores_than_workers_are_the_limit)
{
        build_begin(&b);
        service_of("front", 10 * NS_PER_MS, 1)->concurrency = 8;
        b.services[0].cpu_cores = 2;
        build_load(&b, "users", 0, 100);
        ck_assert(capacity_of(&b.spec, all));
        ck_assert_double_eq_tol(all[0].most_per_s, 200, 1e-9);
        build_end(&b);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("capacity");
        TCase *t = tcase_create("all");
        SRunner *runner;
        int failed;

        tcase_add_test(t, what_is_offered_is_what_arrives_over_any_paths_of_calls);
        tcase_add_test(t, what_is_offered_is_what_arrives_round_a_cycle);
        tcase_add_test(t, only_a_service_that_cannot_serve_what_it_is_offered_is_named);
        tcase_add_test(t, workers_that_wait_for_their_calls_are_held_for_these_too);
        tcase_add_test(t, a_cache_keeps_what_it_has_from_its_backend);
        tcase_add_test(t, fewer_cores_than_workers_are_the_limit);
        suite_add_tcase(s, t);
        runner = srunner_create(s);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
