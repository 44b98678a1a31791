/* No key of a strategy moves the world or the truth: whatever a strategy says,
 * the arms without a healer, the timetable and what is asserted stay as they are.
 *
 * Every option of the supervisor and every key of the protections is set to
 * another value than its default, one at a time. */
#include "graded.h"

#include <stdio.h>
#include <string.h>

#include "healer/config.h"
#include "tests/effort.h"

enum { TEXT_MAX = 512, OPTION_STEP = EFFORT(1, 8), POLICY_STEP = EFFORT(1, 3) };

static const char file[] = "shop.json";

/* A value as a strategy file has it. */
static void value_text(const struct healer_option *option, double value, char *out, size_t size)
{
        switch (option->kind) {
        case HEALER_OPTION_BOOL:
                snprintf(out, size, "%s", value != 0 ? "true" : "false");
                break;
        case HEALER_OPTION_DURATION:
        case HEALER_OPTION_SECONDS:
                snprintf(out, size, "\"%.0fms\"", value * 1e3);
                break;
        case HEALER_OPTION_CHOICE:
                snprintf(out, size, "\"%s\"", option->choices[(size_t)value]);
                break;
        case HEALER_OPTION_COUNT:
                snprintf(out, size, "%.0f", value);
                break;
        default:
                snprintf(out, size, "%.6g", value);
                break;
        }
}

/* "a.b.c" and a value as nested objects. */
static void nested(const char *path, const char *value, char *out, size_t size)
{
        size_t used = 0, depth = 0;

        for (size_t length; *path != '\0'; path += length + (path[length] == '.')) {
                length = strcspn(path, ".");
                used += (size_t)snprintf(out + used, size - used, "{\"%.*s\":", (int)length, path);
                depth++;
        }
        used += (size_t)snprintf(out + used, size - used, "%s", value);
        for (; depth > 0; depth--)
                used += (size_t)snprintf(out + used, size - used, "}");
        ck_assert_uint_lt(used, size);
}

static bool loads(const char *setting)
{
        struct scenario_overrides overrides = {.sets = &setting, .set_count = 1, .runs = 1};
        struct scenario *scenario = NULL;
        struct diag_list diags;
        char path[TEXT_MAX];
        bool ok;

        snprintf(path, sizeof(path), "%s/experiments/%s", getenv("TEST_DATA"), file);
        diag_list_init(&diags);
        ok = scenario_load(path, &overrides, &scenario, &diags);
        diag_list_release(&diags);
        if (ok)
                scenario_free(scenario);
        return ok;
}

static json_t *result_with(const char *setting)
{
        /* of one length: how long an automatic one lasts depends on the healer's arms too */
        const char *const sets[] = {"cooldown=\"2m\"", setting};
        const struct graded_run asked = {.file = file, .sets = sets, .set_count = 2, .runs = 1};

        return graded_result(&asked);
}

/* An arm without a healer; not what became of its incidents in treated. */
static json_t *arm_of(const json_t *result, const char *name)
{
        const json_t *arm = json_object_get(json_object_get(result, "arms"), name);
        json_t *incidents = json_deep_copy(json_object_get(arm, "incidents")), *incident;
        size_t i;

        ck_assert(json_is_object(arm) && json_is_array(incidents));
        json_array_foreach(incidents, i, incident)
                json_object_del(incident, "fate");
        return json_pack("{s:O, s:O, s:o}", "metrics", json_object_get(arm, "metrics"), "services",
                         json_object_get(arm, "services"), "incidents", incidents);
}

/* What belongs to the world, and to what decides truth. */
static json_t *world_of(const json_t *result)
{
        json_t *faults = json_array(), *fault;
        size_t i;

        json_array_foreach(json_object_get(result, "faults"), i, fault)
                json_array_append_new(faults, json_pack("{s:O, s:O}", "name",
                                                        json_object_get(fault, "name"), "fault",
                                                        json_object_get(fault, "fault")));
        return json_pack("{s:o, s:o, s:o, s:O, s:O, s:O}", "untreated", arm_of(result, "untreated"),
                         "calm", arm_of(result, "calm"), "faults", faults, "seed",
                         json_object_get(result, "seed"), "thresholds",
                         json_object_get(result, "thresholds"), "services",
                         json_object_get(result, "services"));
}

static json_t *base;

static void make_base(void)
{
        json_t *result = result_with("healer=\"default\"");

        base = world_of(result);
        json_decref(result);
        ck_assert_ptr_nonnull(base);
}

static void free_base(void)
{
        json_decref(base);
}

static void check_setting(const char *setting)
{
        json_t *result = result_with(setting), *world = world_of(result);

        ck_assert_msg(json_equal(base, world), "%s moves the world", setting);
        json_decref(world);
        json_decref(result);
}

/* The first other value that the strategy takes; alone, since a warning may not
 * pass its critical. */
START_TEST(no_option_of_the_supervisor_moves_the_world)
{
        const struct healer_option *option = &healer_options[_i * OPTION_STEP];
        const double candidates[] = {option->fallback != 0 ? 0 : 1, option->fallback * 0.5,
                                     option->fallback * 1.05,       option->fallback * 2,
                                     option->fallback + 1,          (option->min + option->max) / 2,
                                     option->min,                   option->max};
        char value[TEXT_MAX], strategy[TEXT_MAX], setting[TEXT_MAX + 8];

        for (size_t i = 0; i < sizeof(candidates) / sizeof(candidates[0]); i++) {
                if (candidates[i] < option->min || candidates[i] > option->max ||
                    candidates[i] == option->fallback)
                        continue;
                value_text(option, candidates[i], value, sizeof(value));
                nested(option->path, value, strategy, sizeof(strategy));
                snprintf(setting, sizeof(setting), "healer=%s", strategy);
                if (!loads(setting))
                        continue;
                check_setting(setting);
                return;
        }
        ck_abort_msg("%s takes no other value", option->path);
}
END_TEST

/* With values that bite: tight limits, early trips, a retry that never waits. */
static const char *const policies[] = {
        "\"recovery\":{\"rules\":[{\"name\":\"a\",\"when\":\"severity_gte=low\",\"do\":\"restart_component\"}]}",
        "\"degradation\":{\"per_resource\":{\"cpu\":{\"first_usage\":0.01},\"queue\":true}}",
        "\"degradation\":{\"levels\":[{\"name\":\"A\",\"capacity\":1,\"usage\":0,\"timeout\":1,"
        "\"quality\":1},{\"name\":\"B\",\"capacity\":0.5,\"usage\":0.01,\"timeout\":0.5,"
        "\"quality\":0.5,\"concurrency\":1}],\"per_resource\":{\"cpu\":true}}",
        "\"degradation\":{\"rules\":[{\"metric\":\"cpu\",\"operator\":\">=\",\"value\":0.01,"
        "\"level\":\"minimal\"}]}",
        "\"circuit_breaker\":{\"default\":{\"mode\":\"time_rate\",\"window\":\"5s\",\"min_calls\":1}}",
        "\"circuit_breaker\":{\"default\":{\"failure_threshold\":1,\"open_for\":\"60s\"}}",
        "\"circuit_breaker\":{\"default\":{\"failure_threshold\":1,\"success_threshold\":1,"
        "\"half_open_max_calls\":1,\"backoff\":{\"multiplier\":2,\"max\":\"5m\",\"jitter\":0.5}}}",
        "\"circuit_breaker\":{\"default\":{\"mode\":\"count_rate\",\"slow_call\":\"1ms\","
        "\"slow_call_rate\":0.1,\"failure_rate\":0.1}}",
        "\"circuit_breaker\":{\"default\":{\"failure_threshold\":1,\"fast_failure\":\"1s\"}}",
        "\"circuit_breaker\":null",
        "\"retry\":{\"default\":{\"max\":5,\"initial\":\"1ms\",\"factor\":1,\"max_delay\":\"1ms\","
        "\"jitter\":1,\"budget\":1}}",
        "\"retry\":{\"default\":null}",
        "\"timeout\":{\"default\":{\"after\":\"20ms\"}}",
        "\"bulkhead\":{\"default\":{\"max_concurrent\":1}}",
        "\"bulkhead\":{\"default\":{\"max_concurrent\":1,\"max_queue\":5,\"max_wait\":\"50ms\"}}",
        "\"rate_limit\":{\"default\":{\"rate\":\"5/s\",\"burst\":1}}",
        "\"rate_limit\":{\"default\":{\"rate\":\"5/s\",\"burst\":1,\"max_wait\":\"1s\"}}",
        "\"fallback\":{\"default\":{\"enabled\":false}}",
        "\"fallback\":{\"default\":{\"order\":[\"static\"]}}",
        "\"shedding\":{\"default\":{\"limit\":1}}",
        "\"shedding\":{\"default\":{\"kind\":\"vegas\",\"limit\":1}}",
        "\"recovery\":{\"strategies\":{\"high_latency\":[\"scale_resources\"],"
        "\"agent_down\":[\"failover\",\"escalate\"]}}",
};

START_TEST(no_protection_on_an_edge_moves_the_world)
{
        char setting[TEXT_MAX];

        snprintf(setting, sizeof(setting), "healer={%s}", policies[_i * POLICY_STEP]);
        ck_assert_msg(loads(setting), "%s does not load", setting);
        check_setting(setting);
}
END_TEST

/* The comparison would see it: a fleet that differs has another world. */
START_TEST(a_fact_of_the_world_does_move_it)
{
        json_t *result = result_with("load[0].rate=\"21/s\""), *world = world_of(result);

        ck_assert(!json_equal(base, world));
        json_decref(world);
        json_decref(result);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("strategy_keys");
        TCase *tcase = tcase_create("strategy_keys");
        SRunner *runner;
        int failed;

        tcase_set_timeout(tcase, 120);
        tcase_add_unchecked_fixture(tcase, make_base, free_base);
        tcase_add_loop_test(tcase, no_option_of_the_supervisor_moves_the_world, 0,
                            ((int)healer_option_count + OPTION_STEP - 1) / OPTION_STEP);
        tcase_add_loop_test(tcase, no_protection_on_an_edge_moves_the_world, 0,
                            (int)(sizeof(policies) / sizeof(policies[0]) + POLICY_STEP - 1) / POLICY_STEP);
        tcase_add_test(tcase, a_fact_of_the_world_does_move_it);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed != 0;
}
