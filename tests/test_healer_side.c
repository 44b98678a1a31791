/* test_healer_side.c - faults on the healer's eyes, hands and host, at the fleet's face.
 *
 * Back has 3 instances behind front, 50 requests a second, a telemetry interval
 * of 5 s. What samples say is compared with what they say without the fault, and
 * the requests with those of a fleet in which nothing happened. What the run makes
 * of a healer that is gone is tested in test_run.c.
 */
#include "faults/fault.h"
#include "tests/fleet_builder.h"

#include <check.h>
#include <math.h>

enum { FRONT, BACK };
enum { SAMPLES_MAX = 20000 };

static struct builder b;
static struct books books;
static struct fleet *fleet;
static struct fault_run run;

/* Every sample of an instance of back, in order. */
static struct instance_sample samples[SAMPLES_MAX];
static size_t sample_count;
static bool host_up;
static uint32_t host_changes;

static void keep_samples(void *user, const struct telemetry_batch *batch)
{
        build_telemetry(user, batch);
        for (size_t i = 0; i < batch->instance_count && sample_count < SAMPLES_MAX; i++)
                if (batch->instances[i].service == BACK)
                        samples[sample_count++] = batch->instances[i];
}

static void keep_host(void *user, bool up)
{
        (void)user;
        host_up = up;
        host_changes++;
}

static void begin(void)
{
        struct fleet_options options = {
                .spec = &b.spec,
                .key = rng_key(1, 0),
                .bin_ns = b.bin_ns,
                .duration_ns = b.duration_ns,
                .telemetry = true,
                .host = {&b, build_note, build_event, keep_samples, build_result, keep_host},
        };

        build_prepare(&b);
        b.note_count = b.event_count = b.result_count = 0;
        sample_count = 0;
        host_up = true;
        host_changes = 0;
        fleet = fleet_create(&options);
        ck_assert_ptr_nonnull(fleet);
}

static void setup(void)
{
        build_begin(&b);
        memset(&books, 0, sizeof(books));
        build_service(&b, "front", exponential(2 * NS_PER_MS))->concurrency = 64;
        build_service(&b, "back", exponential(2 * NS_PER_MS))->concurrency = 4;
        b.services[BACK].instance_count = 3;
        b.services[BACK].memory_base_bytes = 300000000;
        b.services[BACK].memory_limit_bytes = 1000000000;
        build_call(&b, FRONT, BACK)->timeout_ns = NS_PER_S;
        build_load(&b, "users", FRONT, 50);
        begin();
}

static void teardown(void)
{
        books_free(&books);
        build_end(&b);
}

static void inject(const char *kind, uint32_t service, const double *arguments)
{
        run = (struct fault_run){
                .ops = fault_find(kind),
                .fleet = fleet,
                .arguments = arguments,
                .probability = 1,
                .stream = 77,
                .now_ns = fleet_now(fleet),
                .has_end = true,
                .edge = FLEET_NO_INDEX,
                .load = FLEET_NO_INDEX,
                .service = service,
                .zone = FLEET_NO_INDEX,
        };
        ck_assert_ptr_nonnull(run.ops);
        run.ops->inject(&run);
}

static void run_for(int64_t seconds)
{
        ck_assert(fleet_run_until(fleet, fleet_now(fleet) + seconds * NS_PER_S));
}

static void close_books(void)
{
        ck_assert(books_close(&books, &b, fleet));
}

static double measured(void)
{
        return run.effects[0].measured_sum / (double)run.effects[0].measured_count;
}

START_TEST(a_drop_takes_its_share_of_samples)
{
        const double all = 3 * 10000 / 5;

        inject("telemetry_drop", BACK, (const double[]){0.3});
        run_for(10000);
        ck_assert_double_eq_tol((double)sample_count / all, 0.7, 3 * sqrt(0.21 / all));
        ck_assert_double_eq_tol(measured(), 0.3, 3 * sqrt(0.21 / all));
        close_books();
}
END_TEST

START_TEST(a_drop_of_one_service_leaves_the_others)
{
        inject("telemetry_drop", FRONT, (const double[]){1});
        run_for(100);
        ck_assert_uint_eq(sample_count, 3 * 19); /* the interval at 100 s is not over */
        ck_assert_uint_eq(b.last_sample[0].instance + b.last_sample[0].requests, 0);
        /* Front's monitor also looks at its calls of back, and at its clients. */
        ck_assert_uint_eq(b.last_edge[0].calls + b.last_edge[1].calls, 0);
        close_books();
}
END_TEST

START_TEST(a_drop_takes_events_too)
{
        inject("telemetry_drop", FLEET_NO_INDEX, (const double[]){1});
        fleet_instance_kill(fleet, 1, 139, "test");
        run_for(60);
        ck_assert_uint_eq(b.event_count, 0);
        run.ops->lift(&run);
        fleet_instance_kill(fleet, 1, 139, "test");
        run_for(60);
        ck_assert_uint_gt(b.event_count, 0);
        close_books();
}
END_TEST

START_TEST(a_delay_is_added_to_the_channels_own)
{
        ck_assert_int_eq(fleet_telemetry_delay_ns(fleet, BACK), NS_PER_S);
        inject("telemetry_delay", BACK, (const double[]){60e9});
        ck_assert_int_eq(fleet_telemetry_delay_ns(fleet, BACK), 61 * NS_PER_S);
        ck_assert_int_eq(fleet_telemetry_delay_ns(fleet, FRONT), NS_PER_S);
        ck_assert(fleet_telemetry_delay_varies(fleet));
        run.ops->lift(&run);
        ck_assert(!fleet_telemetry_delay_varies(fleet));
        ck_assert_int_eq(fleet_telemetry_delay_ns(fleet, BACK), NS_PER_S);
        close_books();
}
END_TEST

START_TEST(noise_has_its_coefficient_of_variation)
{
        double sum = 0, square = 0;

        b.services[BACK].memory_per_request_bytes = 0; /* 30 % of its limit, always */
        inject("telemetry_noise", FLEET_NO_INDEX, (const double[]){0.2});
        run_for(10000);
        for (size_t i = 0; i < sample_count; i++) {
                sum += samples[i].memory_ratio / 0.3;
                square += pow(samples[i].memory_ratio / 0.3 - 1, 2);
        }
        ck_assert_double_eq_tol(sum / (double)sample_count, 1, 0.2 * 4 / sqrt((double)sample_count));
        ck_assert_double_eq_tol(sqrt(square / (double)sample_count), 0.2, 0.2 * 0.05);
        close_books();
}
END_TEST

START_TEST(a_lie_is_what_is_read_and_only_where_somebody_measures)
{
        inject("telemetry_lie", BACK, (const double[]){CHANNEL_CPU + 1, 0.97});
        run_for(20);
        run.ops->lift(&run);
        ck_assert_uint_eq(sample_count, 9);
        for (size_t i = 0; i < sample_count; i++) {
                ck_assert_double_eq(samples[i].cpu_ratio, 0.97);
                ck_assert_double_eq_tol(samples[i].memory_ratio, 0.3, 1e-9);
                ck_assert(isnan(samples[i].disk_ratio)); /* nobody has such a sensor */
        }
        inject("telemetry_lie", FLEET_NO_INDEX, (const double[]){0, 0.25});
        sample_count = 0;
        run_for(20);
        for (size_t i = 0; i < sample_count; i++) {
                ck_assert_double_eq(samples[i].memory_ratio, 0.25);
                ck_assert_double_eq(samples[i].error_ratio, 0.25);
        }
        ck_assert_double_eq(b.last_edge[0].error_ratio, 0.25);
        close_books();
}
END_TEST

START_TEST(a_decoy_rises_as_told_stops_and_begins_anew_in_a_new_process)
{
        run_for(1);
        /* 30 % and 6 % a minute, up to 80 %: after 500 s. */
        inject("decoy_precursor", BACK, (const double[]){CHANNEL_MEMORY, 0.001, 0.8});
        run_for(600);
        for (size_t i = 0; i < sample_count; i++) {
                double seconds = 5.0 * (double)(i / 3 + 1) - 1;
                double told = 0.3 + 0.001 * seconds;

                ck_assert_double_eq_tol(samples[i].memory_ratio, told < 0.8 ? told : 0.8, 1e-6);
        }
        fleet_instance_kill(fleet, 1, 139, "test");
        run_for(20);
        ck_assert_double_lt(b.last_sample[1].memory_ratio, 0.33);
        ck_assert_double_eq_tol(b.last_sample[2].memory_ratio, 0.8, 1e-6);
        run.ops->lift(&run);
        run_for(10);
        ck_assert_double_eq_tol(b.last_sample[2].memory_ratio, 0.3, 1e-6);
        close_books();
}
END_TEST

START_TEST(a_failing_actuator_fails_its_share_of_its_actions)
{
        uint32_t failed = 0;

        inject("actuator_fail", FLEET_NO_INDEX,
               (const double[]){0.3, ACTION_ENABLE_MONITORING + 1});
        for (int i = 0; i < 200; i++) {
                build_act(fleet, ACTION_ENABLE_MONITORING, BACK, FLEET_NO_INDEX, 0);
                run_for(2);
                failed += !b.results[b.result_count - 1].ok;
        }
        ck_assert_double_eq_tol(failed / 200.0, 0.3, 3 * sqrt(0.21 / 200));
        build_act(fleet, ACTION_SHED_LOAD, BACK, FLEET_NO_INDEX, 0);
        run_for(2);
        ck_assert(b.results[200].ok); /* another kind is as good as ever */
        close_books();
}
END_TEST

START_TEST(a_failing_actuator_leaves_the_fleet_as_it_was)
{
        inject("actuator_fail", FLEET_NO_INDEX, (const double[]){1, 0});
        build_act(fleet, ACTION_RESTART_INSTANCE, BACK, 1, 0);
        run_for(5);
        ck_assert_int_eq(fleet_instance_state(fleet, 1), INSTANCE_UP);
        ck_assert(!b.results[0].ok);
        ck_assert_str_eq(b.results[0].reason, "the actuator failed");
        close_books();
}
END_TEST

START_TEST(a_slow_actuator_takes_its_factor)
{
        inject("actuator_slow", FLEET_NO_INDEX, (const double[]){5, 0});
        build_act(fleet, ACTION_ENABLE_MONITORING, BACK, FLEET_NO_INDEX, 0);
        run_for(20);
        ck_assert_uint_eq(b.result_count, 1);
        ck_assert_int_eq(b.results[0].finished_at_ns, 5 * NS_PER_S);
        run.ops->lift(&run);
        build_act(fleet, ACTION_ENABLE_MONITORING, BACK, FLEET_NO_INDEX, 0);
        run_for(20);
        ck_assert_int_eq(b.results[1].finished_at_ns, 21 * NS_PER_S);
        close_books();
}
END_TEST

START_TEST(a_crash_takes_the_host_down_until_it_is_lifted)
{
        inject("healer_crash", FLEET_NO_INDEX, (const double[]){60e9});
        ck_assert(!host_up);
        run.ops->lift(&run);
        ck_assert(host_up);
        ck_assert_uint_eq(host_changes, 2);
        close_books();
}
END_TEST

START_TEST(a_cut_line_is_cut_in_its_direction)
{
        static const struct {
                double direction; /* both from to */
                bool from_fleet, hears, is_heard;
        } cases[] = {{0, false, false, false}, {1, false, false, true}, {2, false, true, false},
                     {1, true, true, false},    {2, true, false, true}};

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                double direction = cases[i].direction;

                run = (struct fault_run){.ops = fault_find("partition"), .fleet = fleet,
                                         .arguments = &direction, .probability = 1, .stream = 7,
                                         .edge = FLEET_NO_INDEX, .service = FLEET_NO_INDEX,
                                         .zone = FLEET_NO_INDEX, .on_healer = true,
                                         .from_fleet = cases[i].from_fleet};
                run.ops->inject(&run);
                ck_assert_int_eq(fleet_healer_hears(fleet), cases[i].hears);
                ck_assert_int_eq(fleet_healer_is_heard(fleet), cases[i].is_heard);
                run.ops->lift(&run);
                ck_assert(fleet_healer_hears(fleet) && fleet_healer_is_heard(fleet));
        }
        close_books();
}
END_TEST

START_TEST(no_request_is_touched)
{
        static const struct {
                const char *kind;
                double arguments[3];
        } kinds[] = {{"telemetry_drop", {1}},       {"telemetry_delay", {60e9}},
                     {"telemetry_noise", {0.5}},    {"telemetry_lie", {0, 0.5}},
                     {"decoy_precursor", {1, 0.01, 0.8}}, {"actuator_fail", {1, 0}},
                     {"actuator_slow", {5, 0}},     {"healer_crash", {60e9}}};
        uint64_t sum_ns, events;

        run_for(100);
        close_books();
        sum_ns = books.services[BACK].phase[0].latency.sum_ns;
        events = books.totals.events;
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
                books_free(&books);
                begin();
                run_for(10);
                inject(kinds[i].kind, FLEET_NO_INDEX, kinds[i].arguments);
                run_for(50);
                run.ops->lift(&run);
                run_for(40);
                close_books();
                ck_assert_uint_eq(books.services[BACK].phase[0].latency.sum_ns, sum_ns);
                ck_assert_uint_eq(books.totals.events, events);
        }
}
END_TEST

/* The choices of `action` are the fleet's actions, in their order. */
START_TEST(choices_and_actions_go_in_step)
{
        static const char *const kinds[] = {"actuator_fail", "actuator_slow"};

        for (size_t k = 0; k < 2; k++) {
                const char *const *names = fault_find(kinds[k])->params[1].choices;

                ck_assert_str_eq(names[0], "all");
                for (int i = 0; i < ACTION_KIND_COUNT; i++)
                        ck_assert_str_eq(names[i + 1], fleet_action_rows[i].name);
                ck_assert_ptr_null(names[ACTION_KIND_COUNT + 1]);
        }
        close_books();
}
END_TEST

static Suite *suite(void)
{
        Suite *s = suite_create("healer_side");
        TCase *t = tcase_create("all");

        tcase_set_timeout(t, 60);
        tcase_add_checked_fixture(t, setup, teardown);
        tcase_add_test(t, a_drop_takes_its_share_of_samples);
        tcase_add_test(t, a_drop_of_one_service_leaves_the_others);
        tcase_add_test(t, a_drop_takes_events_too);
        tcase_add_test(t, a_delay_is_added_to_the_channels_own);
        tcase_add_test(t, noise_has_its_coefficient_of_variation);
        tcase_add_test(t, a_lie_is_what_is_read_and_only_where_somebody_measures);
        tcase_add_test(t, a_decoy_rises_as_told_stops_and_begins_anew_in_a_new_process);
        tcase_add_test(t, a_failing_actuator_fails_its_share_of_its_actions);
        tcase_add_test(t, a_failing_actuator_leaves_the_fleet_as_it_was);
        tcase_add_test(t, a_slow_actuator_takes_its_factor);
        tcase_add_test(t, a_crash_takes_the_host_down_until_it_is_lifted);
        tcase_add_test(t, a_cut_line_is_cut_in_its_direction);
        tcase_add_test(t, no_request_is_touched);
        tcase_add_test(t, choices_and_actions_go_in_step);
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
