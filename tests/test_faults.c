/* test_faults.c - what every kind of fault promises, by looping over the catalogue.
 *
 * Arguments are made from the row alone: a value inside the range that does
 * something. Each kind is injected into a fleet on every target that it takes.
 */
#include "faults/fault.h"
#include "tests/effort.h"
#include "tests/fleet_builder.h"

#include <check.h>
#include <math.h>

static const struct feature_spec some_features[] = {{"ranking", 0.5, 0.2, 250, 3}};

static struct builder b;
static struct books books;
static struct fleet *fleet;
static struct fault_run runs[2];
static double arguments[2][FAULT_ARGUMENT_MAX];
static uint32_t instances[2];

static void setup(void)
{
        build_begin(&b);
        memset(&books, 0, sizeof(books));
        build_service(&b, "front", exponential(2 * NS_PER_MS))->concurrency = 4;
        build_service(&b, "back", exponential(2 * NS_PER_MS))->concurrency = 4;
        b.services[1].instance_count = 3;
        b.services[1].memory_base_bytes = 100000000;
        b.services[1].memory_limit_bytes = 1000000000;
        for (int i = 0; i < 2; i++) {
                b.services[i].features = some_features;
                b.services[i].feature_count = 1;
        }
        b.services[1].disk = (struct disk_spec){1000000000, 0, 0};
        build_call(&b, 0, 1)->timeout_ns = NS_PER_S;
        build_load(&b, "users", 0, 50);
        fleet = build_fleet(&b, 1, 0);
}

/* A fleet that has what a kind acts on; the plain one for most. */
static void fit(const struct fault_ops *ops)
{
        static const enum fleet_data_kind kept[] = {
                [FAULT_NEEDS_CACHE] = DATA_CACHE,
                [FAULT_NEEDS_DATABASE] = DATA_DATABASE,
                [FAULT_NEEDS_REPLICA] = DATA_DATABASE,
                [FAULT_NEEDS_QUEUE] = DATA_QUEUE,
        };

        if (ops->needs < FAULT_NEEDS_FDS || ops->needs > FAULT_NEEDS_QUEUE)
                return;
        fleet_destroy(fleet);
        build_data(&b, 1, kept[ops->needs]);
        fleet = build_fleet(&b, 1, 0);
}

static void teardown(void)
{
        books_free(&books);
        build_end(&b);
}

/* Something between neutral and a second, a half, a megabyte, as it fits. */
static double some_value(const struct fault_param *param)
{
        double wanted = param->unit == FAULT_DURATION           ? 50e6
                        : param->unit == FAULT_KINDS
                                ? fault_kinds_add(fault_kinds_add(0, 0, fault_find("error")), 1,
                                                  fault_find("hang"))
                        : param->unit == FAULT_BYTES_PER_S ||
                                        param->unit == FAULT_BYTES ? 1e5
                        : param->unit == FAULT_BOOL ||
                                        param->unit == FAULT_CHOICE ? param->fallback
                        : param->unit == FAULT_RATIO              ? 0.5
                                                                  : 2;

        return wanted < param->min ? param->min : wanted > param->max ? param->max : wanted;
}

static struct fault_run *prepare(const struct fault_ops *ops, bool edge, bool has_end, uint32_t n)
{
        for (size_t i = 0; i < ops->params_count; i++)
                arguments[n][i] = ops->params[i].required || ops->one_of != NULL || i == 0
                                          ? some_value(&ops->params[i])
                                          : ops->params[i].fallback;
        for (size_t i = 0; i < ops->params_count; i++)
                if (strcmp(ops->family, "time") == 0) /* a minute is not enough */
                        arguments[n][i] = ops->params[i].unit == FAULT_DURATION ? 120e9 : 20;
                else if (ops->params[i].unit == FAULT_PARAMETER)
                        arguments[n][i] = edge ? PARAMETER_TIMEOUT : PARAMETER_ERROR_RATE;
                else if (ops->params[i].unit == FAULT_VALUE)
                        arguments[n][i] = edge ? 1e6 : 0.5;
        instances[0] = 1;
        instances[1] = 3;
        runs[n] = (struct fault_run){
                .ops = ops,
                .fleet = fleet,
                .arguments = arguments[n],
                .probability = 1,
                .rank = n,
                .stream = 77 + n,
                .now_ns = fleet_now(fleet),
                .has_end = has_end,
                .edge = edge ? 0 : FLEET_NO_INDEX,
                .load = FLEET_NO_INDEX,
                .instances = instances,
                .instance_count = edge ? 0 : 2,
        };
        return &runs[n];
}

static bool takes(const struct fault_ops *ops, bool edge)
{
        return ops->targets & (edge ? FAULT_TARGET_EDGE : FAULT_TARGET_INSTANCES);
}

START_TEST(a_row_is_whole)
{
        const struct fault_ops *ops = fault_catalogue[_i];

        ck_assert_str_ne(ops->name, "");
        ck_assert_ptr_nonnull(ops->family);
        ck_assert_ptr_nonnull(ops->summary);
        ck_assert_ptr_nonnull(ops->effect);
        ck_assert_ptr_nonnull(ops->lifting);
        ck_assert(ops->inject != NULL);
        ck_assert(ops->lift != NULL);
        ck_assert_uint_ne(ops->targets, 0);
        ck_assert_uint_le(ops->params_count, FAULT_ARGUMENT_MAX);
        ck_assert_ptr_eq(fault_find(ops->name), ops);
        if (ops->targets & FAULT_TARGET_EDGE)
                ck_assert_int_ne(ops->lives_in_edge, LAYER_NONE);
        if (ops->targets & FAULT_TARGET_INSTANCES)
                ck_assert_int_ne(ops->lives_in, LAYER_NONE);
}
END_TEST

START_TEST(names_are_unique)
{
        for (int i = 0; i < _i; i++)
                ck_assert_str_ne(fault_catalogue[i]->name, fault_catalogue[_i]->name);
        ck_assert_ptr_null(fault_find("no such fault"));
}
END_TEST

START_TEST(parameters_have_ranges_that_hold_their_own_defaults)
{
        const struct fault_ops *ops = fault_catalogue[_i];

        for (size_t i = 0; i < ops->params_count; i++) {
                const struct fault_param *param = &ops->params[i];

                ck_assert_int_eq(fault_param_index(ops, param->name), (int)i);
                ck_assert_ptr_nonnull(param->summary);
                ck_assert_double_le(param->min, param->max);
                if (!param->required) {
                        ck_assert_double_ge(param->fallback, param->min);
                        ck_assert_double_le(param->fallback, param->max);
                }
                if (param->ramps) {
                        ck_assert_double_ge(param->neutral, param->min);
                        ck_assert_double_le(param->neutral, param->max);
                }
                ck_assert_int_eq(param->choices != NULL, param->unit == FAULT_CHOICE);
                if (param->choices != NULL)
                        ck_assert_ptr_null(param->choices[(size_t)param->max + 1]);
        }
        if (ops->one_of != NULL) {
                char names[128];
                int found = 0;

                snprintf(names, sizeof(names), "%s", ops->one_of);
                for (char *name = strtok(names, " "); name != NULL; name = strtok(NULL, " "))
                        found += fault_param_index(ops, name) >= 0 ? 1 : -100;
                ck_assert_int_ge(found, 2);
        }
        ck_assert_int_eq(fault_param_index(ops, "no such parameter"), -1);
}
END_TEST

START_TEST(it_does_something_and_says_how_much)
{
        const struct fault_ops *ops = fault_catalogue[_i];

        fit(ops);
        for (int edge = 0; edge < 2; edge++) {
                struct fault_run *run;
                uint64_t touched;

                if (!takes(ops, edge))
                        continue;
                run = prepare(ops, edge, true, 0);
                ops->inject(run);
                fleet_run_until(fleet, fleet_now(fleet) + 10 * NS_PER_S);
                touched = run->touched;
                for (uint32_t i = 0; i < run->effect_count; i++)
                        touched += run->effects[i].touched;
                ck_assert_uint_gt(touched, 0);
                ck_assert_ptr_nonnull(run->measured_what);
                ck_assert_str_ne(run->measured_what, "");
                ops->lift(run);
        }
        fleet_destroy(fleet);
}
END_TEST

START_TEST(lifting_undoes_it_exactly)
{
        const struct fault_ops *ops = fault_catalogue[_i];
        uint64_t before;

        fit(ops);
        before = fleet_overlay_digest(fleet);
        for (int edge = 0; edge < 2; edge++)
                for (int has_end = 0; has_end < 2; has_end++) {
                        struct fault_run *run;

                        if (!takes(ops, edge))
                                continue;
                        run = prepare(ops, edge, has_end, 0);
                        ops->inject(run);
                        fleet_run_until(fleet, fleet_now(fleet) + 10 * NS_PER_S);
                        ops->lift(run);
                        ck_assert_uint_eq(fleet_overlay_digest(fleet), before);
                        ops->lift(run); /* harmless to do again */
                        ck_assert_uint_eq(fleet_overlay_digest(fleet), before);
                        fleet_run_until(fleet, fleet_now(fleet) + EFFORT(400, 100) * NS_PER_S);
                        for (uint32_t i = 0; i < 4; i++)
                                ck_assert_int_eq(fleet_instance_state(fleet, i), INSTANCE_UP);
                }
        ck_assert(books_close(&books, &b, fleet));
}
END_TEST

START_TEST(two_that_overlap_are_lifted_in_either_order)
{
        const struct fault_ops *ops = fault_catalogue[_i / 2];
        const struct fault_ops *other = fault_catalogue[(size_t)_i / 2 + 1 < fault_catalogue_count
                                                                ? _i / 2 + 1 : 0];
        uint64_t before, with_one;
        bool edge = !takes(ops, false);

        fit(ops);
        before = fleet_overlay_digest(fleet);
        ops->inject(prepare(ops, edge, true, 0));
        with_one = fleet_overlay_digest(fleet);
        /* itself once more, then another kind */
        for (int again = 0; again < 2; again++) {
                const struct fault_ops *second = again == 0 ? ops : other;

                second->inject(prepare(second, !takes(second, false), true, 1));
                fleet_run_until(fleet, fleet_now(fleet) + 20 * NS_PER_S);
                if (_i % 2 == 0 || again == 0) {
                        second->lift(&runs[1]);
                        if (ops->lives_in != LAYER_PROCESS && other->lives_in != LAYER_PROCESS)
                                ck_assert_uint_eq(fleet_overlay_digest(fleet), with_one);
                } else {
                        ops->lift(&runs[0]);
                        second->lift(&runs[1]);
                }
        }
        ops->lift(&runs[0]);
        ck_assert_uint_eq(fleet_overlay_digest(fleet), before);
        ck_assert(books_close(&books, &b, fleet));
}
END_TEST

START_TEST(a_target_that_dies_or_is_replaced_leaves_no_trace)
{
        const struct fault_ops *ops = fault_catalogue[_i];
        uint64_t before;

        fit(ops);
        before = fleet_overlay_digest(fleet);
        if (takes(ops, false)) {
                ops->inject(prepare(ops, false, true, 0));
                fleet_run_until(fleet, 5 * NS_PER_S);
                fleet_instance_kill(fleet, 1, 139, "test");
                build_act(fleet, ACTION_REPLACE_INSTANCE, 1, 3, 0);
                fleet_run_until(fleet, 200 * NS_PER_S);
                ck_assert_int_eq(fleet_instance_state(fleet, 3), INSTANCE_GONE);
                ops->lift(&runs[0]);
        }
        ck_assert_uint_eq(fleet_overlay_digest(fleet), before);
        ck_assert(books_close(&books, &b, fleet));
}
END_TEST

START_TEST(what_resets_its_layer_cures_it)
{
        const struct fault_ops *ops = fault_catalogue[_i];

        /* A chain goes on elsewhere; here it is cured as its parts are. */
        if (takes(ops, false) && strcmp(ops->name, "cascade") != 0) {
                uint64_t before;

                fit(ops);
                before = fleet_overlay_digest(fleet);
                ops->inject(prepare(ops, false, true, 0));
                fleet_run_until(fleet, 5 * NS_PER_S);
                for (uint32_t i = 0; i < 2; i++)
                        build_act(fleet,
                                  ops->lives_in == LAYER_PROCESS && runs[0].effect_count > 0 &&
                                                  runs[0].effects[0].layer == LAYER_PROCESS
                                          ? ACTION_RESTART_INSTANCE : ACTION_REPLACE_INSTANCE,
                                  1, instances[i], 0);
                fleet_run_until(fleet, 200 * NS_PER_S);
                for (uint32_t i = 0; i < runs[0].effect_count; i++)
                        ck_assert(!fleet_effect_attached(fleet, &runs[0].effects[i]));
                ck_assert_uint_eq(fleet_overlay_digest(fleet), before);
        }
        ck_assert(books_close(&books, &b, fleet));
}
END_TEST

static Suite *suite(void)
{
        Suite *s = suite_create("faults");
        TCase *t = tcase_create("contract");
        int kinds = (int)fault_catalogue_count;

        tcase_add_checked_fixture(t, setup, teardown);
        tcase_add_loop_test(t, a_row_is_whole, 0, kinds);
        tcase_add_loop_test(t, names_are_unique, 0, kinds);
        tcase_add_loop_test(t, parameters_have_ranges_that_hold_their_own_defaults, 0, kinds);
        tcase_add_loop_test(t, it_does_something_and_says_how_much, 0, kinds);
        tcase_add_loop_test(t, lifting_undoes_it_exactly, 0, kinds);
        tcase_add_loop_test(t, two_that_overlap_are_lifted_in_either_order, 0, 2 * kinds);
        tcase_add_loop_test(t, a_target_that_dies_or_is_replaced_leaves_no_trace, 0, kinds);
        tcase_add_loop_test(t, what_resets_its_layer_cures_it, 0, kinds);
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
