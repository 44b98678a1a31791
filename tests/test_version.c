/* test_version.c - versions and configurations: what is in force where, and back.
 *
 * The fleet: front calls back (3 instances, 4 workers each, timeout 1 s); 50
 * requests/s. Deployments go instance by instance: a second or so to drain, five
 * to start.
 */
#include "tests/fleet_builder.h"

#include <check.h>
#include <math.h>

#include "harness/fleet/model.h"

enum { FRONT, BACK };
enum { ROLL_S = 60 }; /* more than a roll over back takes */

static struct builder b;
static struct books books;
static struct fleet *fleet;
static struct effect effects[3];

static void setup(void)
{
        build_begin(&b);
        memset(&books, 0, sizeof(books));
        memset(effects, 0, sizeof(effects));
        b.telemetry = true;
        build_service(&b, "front", exponential(2 * NS_PER_MS))->concurrency = 64;
        build_service(&b, "back", exponential(2 * NS_PER_MS))->concurrency = 4;
        b.services[BACK].instance_count = 3;
        b.services[BACK].memory_base_bytes = 100000000;
        b.services[BACK].memory_limit_bytes = 1000000000;
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

static struct effect *effect_of(int n, enum effect_kind kind)
{
        effects[n] = (struct effect){.kind = kind,
                                     .layer = kind == EFFECT_RELEASE ? LAYER_VERSION : LAYER_CONFIG,
                                     .rank = (uint32_t)n,
                                     .stream = 7u + (uint64_t)n,
                                     .probability = 1,
                                     .ramp_down_from_ns = TIME_NEVER};
        return &effects[n];
}

static void release(int n, double error_rate, double leak, double share)
{
        struct effect *effect = effect_of(n, EFFECT_RELEASE);

        effect->release = (struct release){error_rate, 1, leak, 0, share};
        fleet_effect_on_service(fleet, BACK, effect);
}

static void configure(int n, bool edge, enum parameter_kind parameter, double value)
{
        struct effect *effect = effect_of(n, EFFECT_CONFIG);

        effect->setting = (struct setting){.parameter = parameter, .number = value};
        if (edge)
                fleet_effect_on_edge(fleet, 0, effect);
        else
                fleet_effect_on_service(fleet, BACK, effect);
}

static uint32_t count_bad(void)
{
        uint32_t bad = 0;

        for (uint32_t i = 0; i < fleet->instance_count; i++)
                bad += fleet->instances[i].state != INSTANCE_GONE &&
                       fleet->instances[i].version->defect_count > 0;
        return bad;
}

static const struct fleet_action_result *last_result(void)
{
        ck_assert_uint_gt(b.result_count, 0);
        return &b.results[b.result_count - 1];
}

/* ---- versions */

START_TEST(a_deployment_goes_instance_by_instance_and_keeps_the_others_up)
{
        uint32_t least = 3;

        begin();
        run_for(5);
        release(0, 0.5, 0, 1);
        for (int i = 0; i < 100; i++) {
                ck_assert(fleet_run_until(fleet, fleet_now(fleet) + NS_PER_S / 2));
                if (fleet->services[BACK].up < least)
                        least = fleet->services[BACK].up;
        }
        ck_assert_uint_eq(least, 2);
        ck_assert_uint_eq(count_bad(), 3);
        ck_assert_uint_eq(effects[0].touched, 3);
        close_books();
}
END_TEST

START_TEST(a_bad_version_fails_its_share_and_only_where_it_runs)
{
        double n, failed;

        begin();
        release(0, 0.3, 0, 0.34); /* two of three */
        run_for(ROLL_S);
        ck_assert_uint_eq(count_bad(), 2);
        run_for(2000);
        close_books();
        n = (double)effects[0].measured_count;
        failed = effects[0].measured_sum;
        ck_assert_double_gt(n, 60000);
        ck_assert_double_eq_tol(failed / n, 0.3, 3 * sqrt(0.21 / n));
        ck_assert_double_eq_tol((double)books_outcome(&books, BACK, CALL_ERROR) /
                                        (double)books_ended(&books, BACK),
                                0.2, 0.01);
}
END_TEST

START_TEST(a_leak_of_a_version_comes_back_after_a_restart_and_is_gone_after_a_rollback)
{
        begin();
        release(0, 0, 1e6, 1);
        run_for(ROLL_S + 100);
        ck_assert_double_gt(fleet->instances[1].leaked_bytes +
                                    version_leaked_bytes(fleet, &fleet->instances[1]), 1e8);
        build_act(fleet, ACTION_RESTART_INSTANCE, BACK, 1, 0);
        run_for(8);
        ck_assert_double_lt(instance_memory_bytes(fleet, &fleet->instances[1]), 1.1e8);
        run_for(100);
        ck_assert_double_gt(instance_memory_bytes(fleet, &fleet->instances[1]), 1.9e8);
        build_act(fleet, ACTION_ROLLBACK_DEPLOYMENT, BACK, FLEET_NO_INDEX, 0);
        run_for(ROLL_S + 300);
        ck_assert_uint_eq(count_bad(), 0);
        ck_assert(!fleet_effect_attached(fleet, &effects[0]));
        for (uint32_t i = 1; i < 4; i++)
                ck_assert_double_lt(instance_memory_bytes(fleet, &fleet->instances[i]), 1.01e8);
        ck_assert_uint_eq(fleet->memory_watched, 0);
        close_books();
}
END_TEST

START_TEST(a_leaking_version_is_killed_at_its_limit)
{
        begin();
        release(0, 0, 9e6, 1);
        run_for(150);
        close_books();
        ck_assert_int_ne(build_state_at(&b, 1, INSTANCE_DOWN, 1), TIME_NEVER); /* the roll's, then */
        for (size_t i = 0; i < b.event_count; i++)
                if (b.events[i].kind == FLEET_EVENT_PROCESS_EXITED && b.events[i].oom)
                        return;
        ck_abort_msg("nobody was killed for want of memory");
}
END_TEST

START_TEST(a_rollback_does_not_wait_for_the_bad_deployment_to_end)
{
        begin();
        release(0, 1, 0, 1);
        run_for(10);
        ck_assert_uint_ge(count_bad(), 1);
        ck_assert_uint_lt(count_bad(), 3);
        build_act(fleet, ACTION_ROLLBACK_DEPLOYMENT, BACK, FLEET_NO_INDEX, 0);
        run_for(ROLL_S);
        ck_assert_uint_eq(count_bad(), 0);
        ck_assert(last_result()->ok);
        close_books();
}
END_TEST

START_TEST(going_back_twice_does_not_lead_forward)
{
        begin();
        build_act(fleet, ACTION_ROLLBACK_DEPLOYMENT, BACK, FLEET_NO_INDEX, 0);
        run_for(5);
        ck_assert(!last_result()->ok);
        ck_assert_str_eq(last_result()->reason, "there is no version before");
        release(0, 1, 0, 1);
        run_for(ROLL_S);
        build_act(fleet, ACTION_ROLLBACK_DEPLOYMENT, BACK, FLEET_NO_INDEX, 0);
        run_for(ROLL_S);
        build_act(fleet, ACTION_ROLLBACK_DEPLOYMENT, BACK, FLEET_NO_INDEX, 0);
        run_for(ROLL_S);
        ck_assert(!last_result()->ok);
        ck_assert_uint_eq(count_bad(), 0);
        ck_assert_str_eq(fleet_service_version(fleet, BACK), "v1");
        close_books();
}
END_TEST

START_TEST(its_end_deploys_the_version_before_unless_that_is_in_force)
{
        size_t deployments = 0;

        begin();
        release(0, 1, 0, 1);
        run_for(ROLL_S);
        if (_i == 1) {
                build_act(fleet, ACTION_ROLLBACK_DEPLOYMENT, BACK, FLEET_NO_INDEX, 0);
                run_for(ROLL_S);
        }
        fleet_effect_lift(fleet, &effects[0]);
        run_for(ROLL_S);
        ck_assert_uint_eq(count_bad(), 0);
        for (size_t i = 0; i < b.note_count; i++)
                deployments += b.notes[i].kind == FLEET_NOTE_DEPLOYMENT && b.notes[i].state == 0;
        ck_assert_uint_eq(deployments, 2); /* the bad one, and one back */
        close_books();
}
END_TEST

START_TEST(two_bad_versions_are_lifted_in_either_order)
{
        begin();
        release(0, 0.2, 0, 1);
        run_for(ROLL_S);
        release(1, 0.5, 0, 1);
        run_for(ROLL_S);
        ck_assert_double_eq_tol(fleet->instances[1].params->error_rate, 0.6, 1e-9);
        fleet_effect_lift(fleet, &effects[_i]);
        run_for(ROLL_S);
        ck_assert_double_eq_tol(fleet->instances[1].params->error_rate, _i == 0 ? 0.5 : 0.2, 1e-9);
        fleet_effect_lift(fleet, &effects[1 - _i]);
        run_for(ROLL_S);
        ck_assert_uint_eq(count_bad(), 0);
        ck_assert_ptr_null(fleet->instances[1].params);
        close_books();
}
END_TEST

START_TEST(who_takes_over_runs_what_it_replaced_and_others_the_stable_one)
{
        begin();
        release(0, 0.5, 0, 0.1); /* instance 1 alone */
        run_for(ROLL_S);
        ck_assert_uint_eq(count_bad(), 1);
        build_act(fleet, ACTION_REPLACE_INSTANCE, BACK, 1, 0);
        run_for(ROLL_S);
        ck_assert_uint_eq(fleet->instances[4].version->defect_count, 1);
        build_act(fleet, ACTION_SCALE_RESOURCES, BACK, FLEET_NO_INDEX, 1);
        run_for(ROLL_S);
        ck_assert_uint_eq(fleet->instances[5].version->defect_count, 0);
        close_books();
}
END_TEST

START_TEST(what_is_deployed_is_told_and_whether_it_is_bad_only_to_the_journal)
{
        const struct fleet_note *note = NULL;

        begin();
        release(0, 0.5, 0, 1);
        run_for(ROLL_S);
        for (size_t i = 0; i < b.note_count && note == NULL; i++)
                if (b.notes[i].kind == FLEET_NOTE_DEPLOYMENT)
                        note = &b.notes[i];
        ck_assert_ptr_nonnull(note);
        ck_assert_double_eq(note->value, 1);
        ck_assert_str_eq(note->text, "v1.1");
        for (size_t i = 0; i < b.event_count; i++)
                ck_assert_ptr_null(strstr(b.events[i].text, "bad"));
        close_books();
}
END_TEST

START_TEST(a_declared_version_is_in_force_from_the_start_and_the_next_is_released)
{
        const struct setting fails = {.parameter = PARAMETER_ERROR_RATE, .number = 0.5};
        const struct setting narrow = {.parameter = PARAMETER_CONCURRENCY, .number = 1};
        const struct version_spec versions[] = {{"1.0", &fails, 1}, {"1.1", &narrow, 1}};

        b.services[BACK].versions = versions;
        b.services[BACK].version_count = 2;
        begin();
        run_for(100);
        ck_assert_str_eq(fleet_service_version(fleet, BACK), "1.0");
        ck_assert_uint_gt(fleet->services[BACK].measure.completed, 4000);
        ck_assert(version_release(fleet, BACK, "v2"));
        run_for(ROLL_S);
        ck_assert_str_eq(fleet_service_version(fleet, BACK), "1.1");
        ck_assert_double_eq(fleet->instances[1].params->error_rate, 0);
        ck_assert_uint_eq(fleet->services[BACK].workers_up, 3);
        ck_assert(version_release(fleet, BACK, "v3"));
        run_for(ROLL_S);
        ck_assert_str_eq(fleet_service_version(fleet, BACK), "v3");
        ck_assert_uint_eq(fleet->services[BACK].workers_up, 3); /* as the one before */
        close_books();
        ck_assert_double_eq_tol((double)books_outcome(&books, BACK, CALL_ERROR), 2750, 300);
}
END_TEST

START_TEST(nobody_ships_on_what_is_broken)
{
        begin();
        release(0, 0.5, 0, 1);
        run_for(ROLL_S);
        ck_assert(!version_release(fleet, BACK, "v2"));
        ck_assert(!config_routine(fleet, BACK));
        fleet_effect_lift(fleet, &effects[0]);
        run_for(ROLL_S);
        ck_assert(config_routine(fleet, BACK));
        ck_assert(version_release(fleet, BACK, "v2"));
        run_for(ROLL_S);
        close_books();
}
END_TEST

START_TEST(workers_are_those_of_each_version_under_any_level)
{
        const struct setting wide = {.parameter = PARAMETER_CONCURRENCY, .number = 20};
        const struct version_spec versions[] = {{"1.0", NULL, 0}, {"1.1", &wide, 1}};

        b.services[BACK].versions = versions;
        b.services[BACK].version_count = 2;
        begin();
        ck_assert(version_release(fleet, BACK, "v2"));
        run_for(10);
        ck_assert_uint_eq(fleet->services[BACK].workers_up, 20 + 4); /* one of them restarts */
        run_for(ROLL_S);
        ck_assert_uint_eq(fleet->services[BACK].workers_up, 60);
        build_act(fleet, ACTION_SET_DEGRADATION, BACK, FLEET_NO_INDEX, 2);
        run_for(2);
        ck_assert_uint_eq(fleet->services[BACK].workers_up, 15);
        build_act(fleet, ACTION_SET_DEGRADATION, BACK, FLEET_NO_INDEX, 0);
        run_for(2);
        ck_assert_uint_eq(fleet->services[BACK].workers_up, 60);
        close_books();
}
END_TEST

/* ---- configurations */

START_TEST(a_configuration_is_in_force_at_once_and_back_at_once)
{
        uint64_t before;

        begin();
        before = fleet_overlay_digest(fleet);
        run_for(10);
        configure(0, false, PARAMETER_ERROR_RATE, 1);
        ck_assert_uint_eq(effects[0].touched, 3);
        ck_assert_uint_ne(fleet_overlay_digest(fleet), before);
        run_for(10);
        build_act(fleet, ACTION_ROLLBACK_CONFIG, BACK, FLEET_NO_INDEX, 0);
        run_for(2);
        ck_assert(last_result()->ok);
        ck_assert_uint_eq(fleet_overlay_digest(fleet), before);
        ck_assert_ptr_null(fleet->instances[1].params);
        build_act(fleet, ACTION_ROLLBACK_CONFIG, BACK, FLEET_NO_INDEX, 0);
        run_for(2);
        ck_assert(!last_result()->ok);
        close_books();
        ck_assert_double_eq_tol((double)books_outcome(&books, BACK, CALL_ERROR), 550, 100);
}
END_TEST

START_TEST(settings_of_one_key_are_lifted_in_either_order)
{
        bool edge = _i >= 2;
        enum parameter_kind key = edge ? PARAMETER_TIMEOUT : PARAMETER_CONCURRENCY;
        int first = _i % 2;

        begin();
        configure(0, edge, key, edge ? 5e6 : 2);
        configure(1, edge, key, edge ? 7e6 : 1);
        fleet_effect_lift(fleet, &effects[first]);
        if (edge)
                ck_assert_int_eq(fleet->edges[0].timeout_ns, first == 0 ? 7000000 : 5000000);
        else
                ck_assert_uint_eq(fleet->services[BACK].workers_up, first == 0 ? 3 : 6);
        fleet_effect_lift(fleet, &effects[1 - first]);
        ck_assert_int_eq(fleet->edges[0].timeout_ns, NS_PER_S);
        ck_assert_uint_eq(fleet->services[BACK].workers_up, 12);
        run_for(5);
        close_books();
}
END_TEST

START_TEST(a_limit_below_what_is_used_kills)
{
        begin();
        configure(0, false, PARAMETER_MEMORY_LIMIT, 5e7);
        run_for(3);
        for (uint32_t i = 1; i < 4; i++)
                ck_assert_int_eq(fleet_instance_state(fleet, i), INSTANCE_DOWN);
        fleet_effect_lift(fleet, &effects[0]);
        run_for(400);
        for (uint32_t i = 1; i < 4; i++)
                ck_assert_int_eq(fleet_instance_state(fleet, i), INSTANCE_UP);
        ck_assert_uint_eq(fleet->memory_watched, 0);
        close_books();
}
END_TEST

START_TEST(a_change_is_told_with_its_key)
{
        bool told = false;

        begin();
        configure(0, true, PARAMETER_TIMEOUT, 5e6);
        for (size_t i = 0; i < b.event_count; i++)
                told = told || (b.events[i].kind == FLEET_EVENT_CONFIG_CHANGED &&
                                b.events[i].service == FRONT && b.events[i].edge == 0 &&
                                strcmp(b.events[i].text, "timeout") == 0);
        ck_assert(told);
        close_books();
}
END_TEST

START_TEST(a_human_ends_both)
{
        begin();
        release(0, 1, 0, 1);
        run_for(ROLL_S);
        configure(1, false, PARAMETER_QUEUE, 0);
        fleet_page_human(fleet, FRONT, "test");
        run_for(180 + ROLL_S);
        ck_assert_uint_eq(count_bad(), 0);
        ck_assert_ptr_null(fleet->services[BACK].config);
        close_books();
}
END_TEST

/* ---- rolls */

START_TEST(a_roll_ends_though_an_instance_cannot_start)
{
        struct effect *held = effect_of(0, EFFECT_HELD_DOWN);

        b.services[BACK].supervisor = SUPERVISOR_NEVER;
        begin();
        held->layer = LAYER_HOST;
        fleet_effect_on_instance(fleet, 1, held);
        build_act(fleet, ACTION_RESTART_SERVICE, BACK, FLEET_NO_INDEX, 0);
        run_for(300);
        ck_assert_uint_eq(b.result_count, 1);
        ck_assert(!last_result()->ok);
        ck_assert_str_eq(last_result()->reason, "an instance does not start");
        ck_assert_int_eq(fleet_instance_state(fleet, 3), INSTANCE_UP);
        ck_assert_uint_eq(fleet->instances[3].epoch, 2); /* the others had their turn */
        close_books();
}
END_TEST

static Suite *suite(void)
{
        Suite *s = suite_create("version");
        TCase *t = tcase_create("all");

        tcase_add_checked_fixture(t, setup, teardown);
        tcase_add_test(t, a_deployment_goes_instance_by_instance_and_keeps_the_others_up);
        tcase_add_test(t, a_bad_version_fails_its_share_and_only_where_it_runs);
        tcase_add_test(t, a_leak_of_a_version_comes_back_after_a_restart_and_is_gone_after_a_rollback);
        tcase_add_test(t, a_leaking_version_is_killed_at_its_limit);
        tcase_add_test(t, a_rollback_does_not_wait_for_the_bad_deployment_to_end);
        tcase_add_test(t, going_back_twice_does_not_lead_forward);
        tcase_add_loop_test(t, its_end_deploys_the_version_before_unless_that_is_in_force, 0, 2);
        tcase_add_loop_test(t, two_bad_versions_are_lifted_in_either_order, 0, 2);
        tcase_add_test(t, who_takes_over_runs_what_it_replaced_and_others_the_stable_one);
        tcase_add_test(t, what_is_deployed_is_told_and_whether_it_is_bad_only_to_the_journal);
        tcase_add_test(t, a_declared_version_is_in_force_from_the_start_and_the_next_is_released);
        tcase_add_test(t, nobody_ships_on_what_is_broken);
        tcase_add_test(t, workers_are_those_of_each_version_under_any_level);
        tcase_add_test(t, a_configuration_is_in_force_at_once_and_back_at_once);
        tcase_add_loop_test(t, settings_of_one_key_are_lifted_in_either_order, 0, 4);
        tcase_add_test(t, a_limit_below_what_is_used_kills);
        tcase_add_test(t, a_change_is_told_with_its_key);
        tcase_add_test(t, a_human_ends_both);
        tcase_add_test(t, a_roll_ends_though_an_instance_cannot_start);
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
