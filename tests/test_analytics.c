/* test_analytics.c - the healer's own account of its healings, against counts by hand. */
#include "healer/analytics.h"

#include <check.h>
#include <jansson.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define S INT64_C(1000000000)

static struct healer_analytics_config config;
static struct healer_analytics *analytics;
static struct healer_analytics_report report;

static void create(void)
{
        ck_assert_int_eq(healer_analytics_create(&config, &analytics), HEALER_OK);
}

static void setup(void)
{
        config = healer_analytics_config_defaults();
        analytics = NULL;
}

static void teardown(void)
{
        healer_analytics_destroy(analytics);
}

/* Noticed at `at_s`, acted on 1 s later, over after `for_s`. */
static void add_full(double at_s, double for_s, enum healer_healing_outcome outcome,
                     const char *strategy, const char *type, const char *component,
                     enum healer_severity severity)
{
        static uint64_t id;
        const char *actions[] = {"health_check", strategy};
        const struct healer_healing healing = {
                .id = ++id,
                .noticed_ns = (int64_t)(at_s * 1e9),
                .acted_ns = outcome == HEALER_NOT_TRIED ? HEALER_NEVER
                                                        : (int64_t)(at_s * 1e9) + S,
                .ended_ns = (int64_t)((at_s + for_s) * 1e9),
                .outcome = outcome,
                .severity = severity,
                .strategy = strategy,
                .failure_type = type,
                .component = component,
                .actions = actions,
                .action_count = outcome == HEALER_NOT_TRIED ? 0 : 2,
        };

        ck_assert_int_eq(healer_analytics_add(analytics, &healing), HEALER_OK);
}

static void add(double at_s, bool success, const char *strategy)
{
        add_full(at_s, 4, success ? HEALER_HEALED : HEALER_NOT_HEALED, strategy, "agent_failed",
                 "a", HEALER_SEVERITY_LOW);
}

static void ask(double now_s, double range_s)
{
        ck_assert_int_eq(healer_analytics_report(analytics, (int64_t)(now_s * 1e9),
                                                 range_s < 0 ? HEALER_NEVER
                                                             : (int64_t)(range_s * 1e9),
                                                 &report),
                         HEALER_OK);
}

static const struct healer_analytics_row *row_of(const char *name)
{
        const struct healer_analytics_row *lists[] = {report.strategies, report.types,
                                                      report.components, report.actions};
        const uint32_t counts[] = {report.strategy_count, report.type_count,
                                   report.component_count, report.action_count};

        for (int l = 0; l < 4; l++)
                for (uint32_t i = 0; i < counts[l]; i++)
                        if (strcmp(lists[l][i].name, name) == 0)
                                return &lists[l][i];
        ck_abort_msg("no row %s", name);
        return NULL;
}

static const char *recommendation(enum healer_recommendation_kind kind)
{
        for (uint32_t i = 0; i < report.recommendation_count; i++)
                if (report.recommendations[i].kind == kind)
                        return report.recommendations[i].text;
        return NULL;
}

/* ---- S1-24 */

static struct healer_effectiveness scored(enum healer_healing_outcome outcome, double took_s,
                                          uint32_t actions, bool escalated)
{
        const struct healer_healing healing = {.noticed_ns = 5,
                                               .acted_ns = 5,
                                               .ended_ns = 5 + (int64_t)(took_s * 1e9),
                                               .outcome = outcome,
                                               .action_count = actions,
                                               .escalated = escalated};

        return healer_effectiveness_of(&healing);
}

START_TEST(s1_24_the_parts_of_effectiveness_are_those_counted_by_hand)
{
        static const struct {
                double took_s;
                uint32_t actions;
                double time, repeats;
        } cases[] = {{1, 1, 0.3, 0.2},    {150, 1, 0.3, 0.2},       {151, 1, 0.24, 0.2},
                     {300, 2, 0.24, 0.4 / 3}, {600, 3, 0.18, 0.2 / 3}, {601, 1, 0.09, 0.2},
                     {1200, 4, 0.09, 0},  {1201, 9, 0.03, 0}};
        struct healer_effectiveness score;
        size_t i;

        for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                score = scored(HEALER_HEALED, cases[i].took_s, cases[i].actions, false);
                ck_assert_double_eq(score.status, 0.4);
                ck_assert_double_eq(score.result, 0.1);
                ck_assert_double_eq_tol(score.time, cases[i].time, 1e-12);
                ck_assert_double_eq_tol(score.repeats, cases[i].repeats, 1e-12);
                ck_assert_double_eq_tol(score.score, 0.5 + cases[i].time + cases[i].repeats, 1e-12);
                ck_assert_int_eq(score.effective, cases[i].time + cases[i].repeats >= 0.1 - 1e-12);
        }
}
END_TEST

START_TEST(s1_24_what_failed_is_never_effective_however_fast)
{
        double took_s;
        uint32_t actions;

        for (took_s = 0; took_s < 2000; took_s += 37)
                for (actions = 0; actions < 8; actions++) {
                        ck_assert(!scored(HEALER_NOT_HEALED, took_s, actions, false).effective);
                        ck_assert(!scored(HEALER_NOT_HEALED, took_s, actions, true).effective);
                        ck_assert(!scored(HEALER_NOT_TRIED, took_s, actions, true).effective);
                        ck_assert_double_eq(
                                scored(HEALER_NOT_HEALED, took_s, actions, false).score, 0);
                }
        ck_assert_double_eq(scored(HEALER_NOT_HEALED, 1, 1, true).score, 0.2);
}
END_TEST

/* add() heals in 4 s by the second action; a failure has no score. */
START_TEST(s1_24_a_strategy_has_the_mean_score_of_its_attempts)
{
        create();
        add(10, true, "mixed");
        add(20, true, "mixed");
        add(30, false, "mixed");
        add(40, false, "mixed");
        add(50, false, "never");
        ask(100, -1);
        ck_assert_double_eq_tol(row_of("mixed")->effectiveness,
                                (0.8 + 0.4 / 3) / 2, 1e-12);
        ck_assert_double_eq(row_of("never")->effectiveness, 0);
}
END_TEST

/* ---- S4-01, S4-02 */

START_TEST(the_seven_figures_are_those_of_a_recount)
{
        create();
        add_full(0, 5, HEALER_HEALED, "restart", "agent_failed", "a", HEALER_SEVERITY_LOW);
        add_full(10, 9, HEALER_HEALED, "restart", "task_timeout", "b", HEALER_SEVERITY_HIGH);
        add_full(20, 3, HEALER_NOT_HEALED, "scale", "task_timeout", "b", HEALER_SEVERITY_HIGH);
        add_full(30, 1, HEALER_NOT_TRIED, NULL, "disk_full", "c", HEALER_SEVERITY_CRITICAL);
        ask(100, -1);
        ck_assert_uint_eq(report.failures, 4);
        ck_assert_uint_eq(report.attempts, 3);
        ck_assert_uint_eq(report.refused, 1);
        ck_assert_uint_eq(report.successes, 2);
        ck_assert_double_eq(report.success_rate, 2.0 / 3);
        ck_assert_double_eq(report.mean_time_s, (4.0 + 8.0) / 2);
        ck_assert_double_eq(report.mttr_s, (5.0 + 9.0) / 2);
        ck_assert_uint_eq(row_of("restart")->successes, 2);
        ck_assert_uint_eq(row_of("task_timeout")->failures, 2);
        ck_assert_double_eq(row_of("task_timeout")->mttr_s, 9);
}
END_TEST

START_TEST(strategies_stand_by_rate_and_equals_by_name)
{
        create();
        for (int i = 0; i < 4; i++) {
                add(i, true, "zeta");
                add(i, true, "alpha");
                add(i, i > 0, "middle");
        }
        add_full(9, 1, HEALER_NOT_TRIED, "never", "x", "a", HEALER_SEVERITY_LOW);
        ask(100, -1);
        ck_assert_uint_eq(report.strategy_count, 3);
        ck_assert_str_eq(report.strategies[0].name, "alpha");
        ck_assert_str_eq(report.strategies[1].name, "zeta");
        ck_assert_str_eq(report.strategies[2].name, "middle");
        ck_assert_double_eq(report.strategies[2].rate, 0.75);
        ck_assert_uint_eq(report.strategies[2].failures, 4);
        ck_assert_double_eq(report.strategies[2].mean_time_s, 3);
}
END_TEST

/* ---- S4-03, S4-04 */

/* `old` results with `old_good` successes, then `recent` with `recent_good`. */
static enum healer_trend trend_with(int old, int old_good, int recent, int recent_good)
{
        enum healer_trend trend;

        healer_analytics_destroy(analytics);
        create();
        for (int i = 0; i < old; i++)
                add(i, i < old_good, "s");
        for (int i = 0; i < recent; i++)
                add(1000 + i, i < recent_good, "s");
        ask(5000, -1);
        trend = row_of("s")->trend;
        return trend;
}

START_TEST(a_trend_wants_ten_results_and_more_than_a_twentieth)
{
        ck_assert_int_eq(trend_with(6, 6, 3, 0), HEALER_TREND_STABLE); /* nine */
        ck_assert_int_eq(trend_with(7, 7, 3, 0), HEALER_TREND_DEGRADING);
        ck_assert_int_eq(trend_with(7, 0, 3, 3), HEALER_TREND_IMPROVING);
        ck_assert_int_eq(trend_with(40, 20, 20, 11), HEALER_TREND_STABLE); /* .55 and .5: not more */
        ck_assert_int_eq(trend_with(40, 20, 20, 12), HEALER_TREND_IMPROVING);
        ck_assert_int_eq(trend_with(40, 20, 20, 9), HEALER_TREND_STABLE);
        ck_assert_int_eq(trend_with(40, 20, 20, 8), HEALER_TREND_DEGRADING);
        ck_assert_int_eq(trend_with(100, 100, 20, 18), HEALER_TREND_DEGRADING); /* 20, not a third */
}
END_TEST

START_TEST(the_order_of_arrival_is_not_the_order_of_time)
{
        create();
        for (int i = 0; i < 5; i++)
                add(1000 + i, false, "s"); /* the newest, and told first */
        for (int i = 0; i < 10; i++)
                add(i, true, "s");
        ask(5000, -1);
        ck_assert_int_eq(row_of("s")->trend, HEALER_TREND_DEGRADING);
}
END_TEST

START_TEST(advice_follows_rate_and_trend)
{
        static const struct {
                int old, old_good, recent, recent_good;
                enum healer_advice advice;
        } cases[] = {
                {20, 18, 10, 9, HEALER_ADVICE_KEEP},          /* .9 stable */
                {20, 16, 10, 10, HEALER_ADVICE_MONITOR},      /* .867 improving */
                {100, 100, 20, 18, HEALER_ADVICE_TUNE},       /* .983 degrading */
                {20, 16, 10, 5, HEALER_ADVICE_TUNE},          /* .7 degrading */
                {20, 15, 10, 5, HEALER_ADVICE_INVESTIGATE},   /* .667 degrading */
                {20, 10, 10, 5, HEALER_ADVICE_MONITOR},       /* .5 stable */
                {20, 9, 10, 5, HEALER_ADVICE_REPLACE},        /* .467 */
                {20, 10, 10, 4, HEALER_ADVICE_REPLACE},       /* .467 degrading */
                {2, 2, 2, 2, HEALER_ADVICE_NONE},             /* four results */
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
                trend_with(cases[i].old, cases[i].old_good, cases[i].recent, cases[i].recent_good);
                ck_assert_msg(row_of("s")->advice == cases[i].advice, "case %zu: %s", i,
                              healer_advice_names[row_of("s")->advice]);
        }
}
END_TEST

/* ---- S4-05, S4-06, S0-28 */

START_TEST(time_to_restore_is_by_the_exact_type_and_apart_from_action_time)
{
        create();
        add_full(0, 10, HEALER_HEALED, "s", "task", "a", HEALER_SEVERITY_LOW);
        add_full(1, 20, HEALER_HEALED, "s", "task_timeout", "a", HEALER_SEVERITY_LOW);
        ask(100, -1);
        ck_assert_double_eq(row_of("task")->mttr_s, 10);
        ck_assert_double_eq(row_of("task_timeout")->mttr_s, 20);
        ck_assert_double_eq(row_of("task")->mean_time_s, 9);
        ck_assert_double_eq(report.mttr_s, 15);
}
END_TEST

START_TEST(a_time_to_restore_that_falls_is_seen_and_a_level_one_is_not_a_trend)
{
        create();
        for (int i = 0; i < 50; i++)
                add_full(i * 100, 60 - i, HEALER_HEALED, "s", "t", "a", HEALER_SEVERITY_LOW);
        ask(10000, -1);
        ck_assert_int_eq(report.mttr_direction, -1);
        ck_assert_double_gt(report.mttr_over_time_s[0], report.mttr_over_time_s[9]);
        healer_analytics_destroy(analytics);
        create();
        for (int i = 0; i < 50; i++)
                add_full(i * 100, 30 + i % 2, HEALER_HEALED, "s", "t", "a", HEALER_SEVERITY_LOW);
        ask(10000, -1);
        ck_assert_int_eq(report.mttr_direction, 0);
}
END_TEST

static int compare_doubles(const void *a, const void *b)
{
        const double *x = a, *y = b;

        return (*x > *y) - (*x < *y);
}

START_TEST(quantiles_and_histogram_are_those_of_all_the_times)
{
        enum { COUNT = 1000 };
        double times[COUNT];
        uint32_t histogram[HEALER_ANALYTICS_TIMES] = {0};
        uint32_t chance = 1;

        create();
        for (int i = 0; i < COUNT; i++) {
                chance = chance * 1664525 + 1013904223;
                times[i] = (chance >> 8) % 400000 / 1000.0;
                add_full(i * 1000, times[i] + 1, HEALER_HEALED, "s", "t", "a", HEALER_SEVERITY_LOW);
        }
        ask(2e6, -1);
        for (int i = 0, k; i < COUNT; i++) {
                for (k = 0; k < HEALER_ANALYTICS_TIMES - 1 && times[i] >= healer_time_edges_s[k]; k++)
                        ;
                histogram[k]++;
        }
        qsort(times, COUNT, sizeof(*times), compare_doubles);
        ck_assert_double_eq_tol(report.time_s_p50, times[499], 1e-6);
        ck_assert_double_eq_tol(report.time_s_p90, times[899], 1e-6);
        ck_assert_double_eq_tol(report.time_s_p99, times[989], 1e-6);
        ck_assert_mem_eq(report.time_histogram, histogram, sizeof(histogram));
}
END_TEST

/* ---- S4-07, S4-08, S1-28 */

START_TEST(patterns_are_counted)
{
        create();
        for (int i = 0; i < 6; i++)
                add_full(600.0 * i, 4, HEALER_HEALED, "s", i < 4 ? "often" : "seldom", "a",
                         HEALER_SEVERITY_LOW);
        ask(10000, -1);
        ck_assert_str_eq(report.types[0].name, "often");
        ck_assert_uint_eq(report.types[0].failures, 4);
        ck_assert_double_eq(report.failures_per_hour, 6); /* 50 minutes count as an hour */
        ck_assert_uint_eq(report.by_hour[0], 6);
        add_full(7200, 4, HEALER_HEALED, "s", "often", "a", HEALER_SEVERITY_LOW);
        ask(10000, -1);
        ck_assert_double_eq(report.failures_per_hour, 3.5);
        ck_assert_uint_eq(report.by_hour[2], 1);
}
END_TEST

START_TEST(the_hours_of_the_day_are_those_of_the_zone)
{
        config.zone_ns = -2 * 3600 * S;
        create();
        add_full(3600, 4, HEALER_HEALED, "s", "t", "a", HEALER_SEVERITY_LOW);
        ask(10000, -1);
        ck_assert_uint_eq(report.by_hour[23], 1);
}
END_TEST

START_TEST(components_have_rates_and_tables_sum_to_the_whole)
{
        uint64_t types = 0, severities = 0, actions = 0, helped = 0;

        create();
        for (int i = 0; i < 12; i++)
                add_full(i, 4, i % 3 == 0 ? HEALER_NOT_HEALED : HEALER_HEALED, "restart",
                         i < 5 ? "t1" : "t2", i < 6 ? "a" : "b",
                         i < 4 ? HEALER_SEVERITY_LOW : HEALER_SEVERITY_HIGH);
        ask(100, -1);
        ck_assert_double_eq(row_of("a")->rate, 4.0 / 6);
        ck_assert_uint_eq(row_of("b")->attempts, 6);
        for (uint32_t i = 0; i < report.type_count; i++)
                types += report.types[i].successes;
        for (int i = 0; i < HEALER_SEVERITY_COUNT; i++)
                severities += report.severities[i].failures;
        for (uint32_t i = 0; i < report.action_count; i++) {
                actions += report.actions[i].attempts;
                helped += report.actions[i].successes;
        }
        ck_assert_uint_eq(types, report.successes);
        ck_assert_uint_eq(severities, report.failures);
        ck_assert_uint_eq(actions, 2 * report.attempts);
        ck_assert_uint_eq(helped, report.successes);
        ck_assert_uint_eq(row_of("health_check")->successes, 0); /* the one before the last */
}
END_TEST

/* ---- S4-09 to S4-12 */

static void add_rate(int good, int all, const char *strategy, const char *type, double for_s)
{
        for (int i = 0; i < all; i++)
                add_full(i, for_s, i * good / all < (i + 1) * good / all ? HEALER_HEALED
                                                                        : HEALER_NOT_HEALED,
                         strategy, type, "a", HEALER_SEVERITY_LOW);
}

START_TEST(overall_advice_begins_just_past_each_edge)
{
        static const struct {
                int good, all;
                bool says;
        } cases[] = {{69, 100, true}, {70, 100, false}, {95, 100, false}, {96, 100, true}};

        for (int i = 0; i < 4; i++) {
                healer_analytics_destroy(analytics);
                create();
                add_rate(cases[i].good, cases[i].all, "s", "agent_failed", 4);
                ask(1000, -1);
                ck_assert_int_eq(recommendation(HEALER_RECOMMEND_OVERALL) != NULL, cases[i].says);
        }
        ck_assert_ptr_nonnull(strstr(recommendation(HEALER_RECOMMEND_OVERALL), "96.0 % of 100"));
}
END_TEST

START_TEST(a_long_time_to_restore_is_said_above_the_aim_and_not_at_it)
{
        create();
        add_rate(10, 10, "s", "agent_failed", 5);
        ask(1000, -1);
        ck_assert_ptr_null(recommendation(HEALER_RECOMMEND_MTTR));
        add_full(50, 5.1, HEALER_HEALED, "s", "agent_failed", "a", HEALER_SEVERITY_LOW);
        ask(1000, -1);
        ck_assert_ptr_nonnull(strstr(recommendation(HEALER_RECOMMEND_MTTR), "5009 ms over 11"));
}
END_TEST

START_TEST(nothing_is_said_about_nothing_and_little_about_little)
{
        create();
        ask(1000, -1);
        ck_assert_uint_eq(report.recommendation_count, 0);
        ck_assert(isnan(report.success_rate) && isnan(report.mttr_s));
        add_rate(0, 4, "s", "task_timeout", 100);
        ask(1000, -1);
        ck_assert_uint_eq(report.recommendation_count, 0);
        ck_assert_int_eq(row_of("s")->advice, HEALER_ADVICE_NONE);
}
END_TEST

START_TEST(a_bad_strategy_is_named_with_its_numbers_and_one_that_did_better)
{
        const char *text;

        create();
        add_rate(2, 10, "restart", "memory_leak", 4);
        add_rate(9, 10, "replace", "memory_leak", 4);
        add_rate(10, 10, "scale", "cpu_spike", 4); /* never against a leak */
        ask(1000, -1);
        text = recommendation(HEALER_RECOMMEND_STRATEGY);
        ck_assert_str_eq(text, "replace 'restart': it healed 2 of 10 (20.0 %) and is improving; "
                               "'replace' healed 9 of 10 there");
        healer_analytics_destroy(analytics);
        create();
        add_rate(2, 10, "restart", "memory_leak", 4);
        ask(1000, -1);
        ck_assert_ptr_nonnull(strstr(recommendation(HEALER_RECOMMEND_STRATEGY), "a new one"));
}
END_TEST

START_TEST(the_most_common_failure_gets_a_concrete_measure)
{
        create();
        add_rate(8, 10, "s", "disk_full", 4);
        add_rate(3, 4, "s", "other", 4);
        ask(1000, -1);
        ck_assert_str_eq(recommendation(HEALER_RECOMMEND_PREVENTION),
                         "'disk_full' is the most common failure, 10 of 14: rotation and a "
                         "free-space alarm well before it is full");
}
END_TEST

START_TEST(resources_and_timeouts_are_said_unless_their_cure_is_on)
{
        for (int on = 0; on < 2; on++) {
                config.degradation_enabled = config.breakers_enabled = on;
                healer_analytics_destroy(analytics);
                create();
                add_rate(4, 5, "s", "resource_exhaustion", 4);
                add_rate(5, 6, "s", "task_timeout", 4);
                ask(1000, -1);
                ck_assert_int_eq(recommendation(HEALER_RECOMMEND_RESOURCES) != NULL, !on);
                ck_assert_int_eq(recommendation(HEALER_RECOMMEND_BREAKERS) != NULL, !on);
        }
        config.degradation_enabled = config.breakers_enabled = false;
        healer_analytics_destroy(analytics);
        create();
        add_rate(8, 10, "s", "agent_failed", 4);
        ask(1000, -1);
        ck_assert_ptr_null(recommendation(HEALER_RECOMMEND_RESOURCES));
        ck_assert_ptr_null(recommendation(HEALER_RECOMMEND_BREAKERS));
}
END_TEST

/* ---- S4-13 to S4-18 */

static char *json_of(uint32_t timeline_max)
{
        size_t needed;
        char *text;

        ck_assert_int_eq(healer_analytics_json(&report, timeline_max, NULL, 0, &needed),
                         HEALER_E_FULL);
        text = malloc(needed + 1);
        ck_assert_int_eq(healer_analytics_json(&report, timeline_max, text, needed, NULL),
                         HEALER_E_FULL);
        ck_assert_int_eq(healer_analytics_json(&report, timeline_max, text, needed + 1, NULL),
                         HEALER_OK);
        ck_assert_uint_eq(strlen(text), needed);
        return text;
}

static json_t *parsed(uint32_t timeline_max)
{
        char *text = json_of(timeline_max);
        json_error_t error;
        json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);

        ck_assert_msg(root != NULL, "%s at %d: %s", error.text, error.position, text);
        free(text);
        return root;
}

START_TEST(the_timeline_is_newest_first_limited_and_complete)
{
        json_t *root, *timeline, *event;

        create();
        for (int i = 0; i < 30; i++)
                add(i * 10, i % 2 == 0, "restart");
        ask(1000, -1);
        root = parsed(20);
        timeline = json_object_get(root, "timeline");
        ck_assert_uint_eq(json_array_size(timeline), 20);
        event = json_array_get(timeline, 0);
        ck_assert_double_eq(json_number_value(json_object_get(event, "time")), 294);
        ck_assert_uint_gt(json_integer_value(json_object_get(event, "id")), 0);
        ck_assert_str_eq(json_string_value(json_object_get(event, "strategy")), "restart");
        ck_assert(json_is_false(json_object_get(event, "success")));
        ck_assert_double_eq(json_number_value(json_object_get(event, "duration")), 4);
        ck_assert_uint_eq(json_array_size(json_object_get(event, "actions")), 2);
        json_decref(root);
}
END_TEST

START_TEST(the_export_has_its_six_parts_in_order_and_the_same_bytes_again)
{
        static const char *const parts[] = {"generated_at", "stats",           "effectiveness",
                                            "patterns",     "recommendations", "timeline"};
        json_t *root, *value;
        const char *name;
        size_t i = 0;
        char *one, *other;

        create();
        add_rate(3, 10, "quote \" \\ \n", "task_timeout", 7.25);
        ask(1000, -1);
        root = parsed(50);
        json_object_foreach(root, name, value)
                ck_assert_str_eq(name, parts[i++]);
        ck_assert_uint_eq(i, 6);
        ck_assert_double_eq(json_number_value(json_object_get(json_object_get(root, "stats"),
                                                              "mttr")),
                            7.25);
        json_decref(root);
        one = json_of(50);
        if (setlocale(LC_ALL, "de_DE.UTF-8") == NULL)
                setlocale(LC_ALL, "C");
        other = json_of(50);
        setlocale(LC_ALL, "C");
        ck_assert_str_eq(one, other);
        free(one);
        free(other);
}
END_TEST

START_TEST(a_range_holds_for_every_figure_and_its_edge_is_in_it)
{
        create();
        add_full(0, 10, HEALER_NOT_HEALED, "old", "old_type", "a", HEALER_SEVERITY_LOW);
        add_full(90, 10, HEALER_HEALED, "edge", "t", "a", HEALER_SEVERITY_LOW); /* ends at 100 */
        add_full(95, 6, HEALER_HEALED, "new", "t", "a", HEALER_SEVERITY_LOW);
        ask(200, 100);
        ck_assert_uint_eq(report.failures, 2);
        ck_assert_uint_eq(report.strategy_count, 2);
        ck_assert_uint_eq(report.type_count, 1);
        ck_assert_double_eq(report.mttr_s, 8);
        ck_assert_uint_eq(report.timeline_count, 2);
        ck_assert_uint_eq(report.by_hour[0], 2);
        ask(200, 99.9);
        ck_assert_uint_eq(report.failures, 1);
        ask(200, -1);
        ck_assert_uint_eq(report.failures, 3);
}
END_TEST

START_TEST(a_report_is_made_once_and_anew_when_anything_changed)
{
        create();
        add(0, true, "s");
        ask(100, -1);
        ask(159, -1);
        ck_assert_uint_eq(healer_analytics_stats(analytics).reports_made, 1);
        ck_assert_uint_eq(healer_analytics_stats(analytics).reports_from_cache, 1);
        ck_assert_int_eq(report.generated_ns, 100 * S);
        ask(160, -1); /* 60 s are over */
        ck_assert_uint_eq(healer_analytics_stats(analytics).reports_made, 2);
        ask(161, 50); /* another range */
        ck_assert_uint_eq(report.failures, 0);
        ask(162, 50);
        ck_assert_uint_eq(healer_analytics_stats(analytics).reports_made, 3);
        add(150, true, "s"); /* a new result */
        ask(163, 50);
        ck_assert_uint_eq(report.failures, 1);
        ask(10, 50); /* time went back */
        ck_assert_uint_eq(healer_analytics_stats(analytics).reports_made, 5);
        healer_analytics_destroy(analytics);
        config.cache_for_ns = 0;
        create();
        ask(1, -1);
        ask(1, -1);
        ck_assert_uint_eq(healer_analytics_stats(analytics).reports_from_cache, 0);
}
END_TEST

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void take(void *ctx)
{
        pthread_mutex_lock(ctx);
}

static void give(void *ctx)
{
        pthread_mutex_unlock(ctx);
}

/* Sums over rows are the whole only if nothing came in between. */
static void *read_on(void *unused)
{
        struct healer_analytics_report *seen = malloc(sizeof(*seen));
        bool fine = true;

        (void)unused;
        for (int i = 0; i < 200; i++) {
                uint64_t sum = 0;

                if (healer_analytics_report(analytics, (int64_t)1e18 + i, HEALER_NEVER, seen) !=
                    HEALER_OK)
                        fine = false;
                for (uint32_t k = 0; k < seen->type_count; k++)
                        sum += seen->types[k].failures;
                fine = fine && sum == seen->failures && seen->successes == seen->attempts &&
                       (seen->failures == 0) == (seen->timeline_count == 0);
        }
        free(seen);
        return fine ? NULL : (void *)1;
}

START_TEST(ten_readers_and_a_writer_see_one_moment_each)
{
        pthread_t readers[10];

        config.lock = (struct healer_lock){take, give, &mutex};
        config.healings_max = 500;
        create();
        for (int i = 0; i < 10; i++)
                ck_assert_int_eq(pthread_create(&readers[i], NULL, read_on, NULL), 0);
        for (int i = 0; i < 2000; i++)
                add_full(i, 4, HEALER_HEALED, "s", i % 2 ? "odd" : "even", "a",
                         HEALER_SEVERITY_LOW);
        for (int i = 0; i < 10; i++) {
                void *failed;

                pthread_join(readers[i], &failed);
                ck_assert_ptr_null(failed);
        }
        ck_assert_uint_eq(healer_analytics_stats(analytics).forgotten, 1500);
}
END_TEST

START_TEST(the_dashboard_has_four_sections_in_80_columns_with_the_figures_of_the_json)
{
        static const char *const sections[] = {"HEALING -", "STRATEGIES -", "PATTERNS -",
                                               "RECOMMENDATIONS -"};
        char text[16384], *line, *rest = text, rate[32];
        json_t *root;
        double value;

        create();
        add_rate(7, 11, "a strategy with a name that is far too long for any table", "task_timeout",
                 123.4567);
        add_rate(11, 12, "r\xc3\xa9start", "resource_exhaustion", 3);
        ask(1000, -1);
        ck_assert_int_eq(healer_analytics_dashboard(&report, text, sizeof(text), NULL), HEALER_OK);
        for (int i = 0; i < 4; i++)
                ck_assert_ptr_nonnull(strstr(text, sections[i]));
        root = parsed(50);
        value = json_number_value(json_object_get(json_object_get(root, "stats"), "success_rate"));
        snprintf(rate, sizeof(rate), "success rate %.4f ", value);
        ck_assert_ptr_nonnull(strstr(text, rate));
        value = json_number_value(json_object_get(json_object_get(root, "stats"), "mttr"));
        snprintf(rate, sizeof(rate), "time to restore %.3f s", value);
        ck_assert_ptr_nonnull(strstr(text, rate));
        json_decref(root);
        while ((line = strsep(&rest, "\n")) != NULL) {
                size_t columns = 0;

                for (; *line != '\0'; line++)
                        columns += ((unsigned char)*line & 0xc0) != 0x80;
                ck_assert_uint_le(columns, 80);
        }
}
END_TEST

START_TEST(memory_is_bounded_and_what_is_forgotten_is_counted)
{
        char name[16];

        config.healings_max = 10;
        create();
        for (int i = 0; i < 500; i++) {
                snprintf(name, sizeof(name), "type%d", i);
                add_full(i, 4, HEALER_HEALED, "s", name, "a", HEALER_SEVERITY_LOW);
        }
        ask(1e6, -1);
        ck_assert_uint_eq(report.failures, 10);
        ck_assert_uint_eq(healer_analytics_stats(analytics).forgotten, 490);
        ck_assert_uint_gt(healer_analytics_stats(analytics).names_dropped, 0);
        ck_assert_uint_eq(row_of("(other)")->failures, 10);
}
END_TEST

START_TEST(what_makes_no_sense_is_refused)
{
        struct healer_healing healing = {.noticed_ns = 2, .ended_ns = 1, .acted_ns = HEALER_NEVER};

        create();
        ck_assert_int_eq(healer_analytics_add(analytics, &healing), HEALER_E_RANGE);
        ck_assert_int_eq(healer_analytics_report(analytics, 0, -1, &report), HEALER_E_RANGE);
        healer_analytics_destroy(analytics);
        config.healings_max = 0;
        ck_assert_int_eq(healer_analytics_create(&config, &analytics), HEALER_E_RANGE);
        ck_assert_ptr_null(analytics);
        config.size = 1;
        ck_assert_int_eq(healer_analytics_create(&config, &analytics), HEALER_E_SIZE);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("analytics");
        TCase *tests = tcase_create("all");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tests, setup, teardown);
        tcase_add_test(tests, s1_24_the_parts_of_effectiveness_are_those_counted_by_hand);
        tcase_add_test(tests, s1_24_what_failed_is_never_effective_however_fast);
        tcase_add_test(tests, s1_24_a_strategy_has_the_mean_score_of_its_attempts);
        tcase_add_test(tests, the_seven_figures_are_those_of_a_recount);
        tcase_add_test(tests, strategies_stand_by_rate_and_equals_by_name);
        tcase_add_test(tests, a_trend_wants_ten_results_and_more_than_a_twentieth);
        tcase_add_test(tests, the_order_of_arrival_is_not_the_order_of_time);
        tcase_add_test(tests, advice_follows_rate_and_trend);
        tcase_add_test(tests, time_to_restore_is_by_the_exact_type_and_apart_from_action_time);
        tcase_add_test(tests, a_time_to_restore_that_falls_is_seen_and_a_level_one_is_not_a_trend);
        tcase_add_test(tests, quantiles_and_histogram_are_those_of_all_the_times);
        tcase_add_test(tests, patterns_are_counted);
        tcase_add_test(tests, the_hours_of_the_day_are_those_of_the_zone);
        tcase_add_test(tests, components_have_rates_and_tables_sum_to_the_whole);
        tcase_add_test(tests, overall_advice_begins_just_past_each_edge);
        tcase_add_test(tests, a_long_time_to_restore_is_said_above_the_aim_and_not_at_it);
        tcase_add_test(tests, nothing_is_said_about_nothing_and_little_about_little);
        tcase_add_test(tests, a_bad_strategy_is_named_with_its_numbers_and_one_that_did_better);
        tcase_add_test(tests, the_most_common_failure_gets_a_concrete_measure);
        tcase_add_test(tests, resources_and_timeouts_are_said_unless_their_cure_is_on);
        tcase_add_test(tests, the_timeline_is_newest_first_limited_and_complete);
        tcase_add_test(tests, the_export_has_its_six_parts_in_order_and_the_same_bytes_again);
        tcase_add_test(tests, a_range_holds_for_every_figure_and_its_edge_is_in_it);
        tcase_add_test(tests, a_report_is_made_once_and_anew_when_anything_changed);
        tcase_add_test(tests, ten_readers_and_a_writer_see_one_moment_each);
        tcase_add_test(tests, the_dashboard_has_four_sections_in_80_columns_with_the_figures_of_the_json);
        tcase_add_test(tests, memory_is_bounded_and_what_is_forgotten_is_counted);
        tcase_add_test(tests, what_makes_no_sense_is_refused);
        suite_add_tcase(suite, tests);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
