/* test_degrade.c - the ladder, admission by capacity, features, rules, scales. */
#include "healer/degrade.h"
#include "model_ops.h"
#include "policy_main.h"

#include <math.h>

static struct healer_degrade *make(const struct healer_degrade_config *c)
{
        struct healer_degrade *d;

        ck_assert_msg(!healer_degrade_config_check(c), "%s", healer_degrade_config_check(c));
        ck_assert_int_eq(healer_degrade_create(c, 0, &d), HEALER_OK);
        return d;
}

static struct healer_degrade *make_default(void)
{
        struct healer_degrade_config c = healer_degrade_config_defaults();

        return make(&c);
}

START_TEST(rule_1_s0_11_cut_offs_are_inclusive)
{
        static const struct {
                double usage;
                uint32_t level;
        } want[] = {{0, 0},      {89.999, 0}, {90, 1},     {94.999, 1}, {95, 2},
                    {97.999, 2}, {98, 3},     {98.999, 3}, {99, 4},     {150, 4}};

        for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
                struct healer_degrade *d = make_default();

                ck_assert_uint_eq(healer_degrade_update(d, want[i].usage, 0), want[i].level);
                healer_degrade_destroy(d);
        }
}
END_TEST

START_TEST(rule_1_s0_12_memory_reacts_at_85_tokens_at_90_quota_and_latency_by_their_share)
{
        struct healer_degrade_config memory = healer_degrade_config_memory();
        struct healer_degrade *m = make(&memory), *t = make_default();

        ck_assert_uint_eq(healer_degrade_update(m, 84.999, 0), 0);
        ck_assert_uint_eq(healer_degrade_update(m, 85, 0), 1);
        ck_assert_uint_eq(healer_degrade_update(m, 95, 0), 2);
        ck_assert_uint_eq(healer_degrade_update(t, 85, 0), 0);
        ck_assert_uint_eq(healer_degrade_update(t, 90, 0), 1);
        healer_degrade_reset(t, 1);
        ck_assert_uint_eq(healer_degrade_update(t, healer_degrade_usage_percent(96, 100), 2), 2);
        healer_degrade_reset(t, 3);
        ck_assert_uint_eq(healer_degrade_update(t, healer_degrade_usage_percent(4.96, 5.0), 4), 4);
        ck_assert(isnan(healer_degrade_usage_percent(1, 0)));
        healer_degrade_destroy(m);
        healer_degrade_destroy(t);
}
END_TEST

static const struct healer_degrade_level good_rows[3] = {
        {"all", 100, 0, 1, 1, 0, 0, NULL},
        {"half", 50, 60, .5, .8, 8, 0, NULL},
        {"none", 1, 80, .1, .1, 4, 0, NULL},
};

START_TEST(rule_1_s0_16_s0_41_custom_tables_work_and_two_resources_use_different_ladders)
{
        struct healer_degrade_config c = healer_degrade_config_defaults();
        struct healer_degrade *cpu, *tokens = make_default();

        c.levels = good_rows;
        c.level_count = 3;
        cpu = make(&c);
        ck_assert_uint_eq(healer_degrade_update(cpu, 85, 0), 2);
        ck_assert_uint_eq(healer_degrade_update(tokens, 85, 0), 0);
        ck_assert_int_eq(healer_degrade_timeout_ns(cpu, 1000), 100);
        ck_assert_uint_eq(healer_degrade_concurrency(cpu, 100), 4);
        healer_degrade_destroy(cpu);
        healer_degrade_destroy(tokens);
}
END_TEST

START_TEST(rule_1_s0_16_incomplete_or_not_strictly_monotone_tables_are_refused_by_name)
{
        struct healer_degrade_level rows[3];
        struct healer_degrade_config c = healer_degrade_config_defaults();
        struct healer_degrade *d;

        c.levels = rows;
        c.level_count = 3;
#define REFUSED(row, field, value, words)                                                          \
        do {                                                                                       \
                memcpy(rows, good_rows, sizeof(rows));                                             \
                rows[row].field = (value);                                                         \
                ck_assert_ptr_nonnull(healer_degrade_config_check(&c));                            \
                ck_assert_ptr_nonnull(strstr(healer_degrade_config_check(&c), words));             \
                ck_assert_int_eq(healer_degrade_create(&c, 0, &d), HEALER_E_RANGE);                \
        } while (0)
        REFUSED(0, usage_percent, 5, "begin at usage 0");
        REFUSED(0, capacity_percent, 90, "all the capacity");
        REFUSED(1, capacity_percent, 100, "capacity_percent");
        REFUSED(2, capacity_percent, 50, "capacity_percent");
        REFUSED(2, capacity_percent, NAN, "capacity_percent");
        REFUSED(2, usage_percent, 60, "usage_percent");
        REFUSED(1, timeout_ratio, 1, "timeout_ratio");
        REFUSED(1, timeout_ratio, 0, "timeout_ratio");
        REFUSED(2, quality_ratio, .8, "quality_ratio");
        REFUSED(2, concurrency, 8, "concurrency");
        REFUSED(2, concurrency, 0, "concurrency");
        REFUSED(1, name, NULL, "name");
        c.level_count = 1;
        ck_assert_ptr_nonnull(strstr(healer_degrade_config_check(&c), "level_count"));
}
END_TEST

START_TEST(rule_1_missing_usage_keeps_the_level_and_is_counted)
{
        struct healer_degrade *d = make_default();
        struct healer_degrade_snapshot s;

        healer_degrade_update(d, 95, 0);
        for (int i = 1; i < 100; i++)
                ck_assert_uint_eq(healer_degrade_update(d, NAN, i * NS_S), 2);
        healer_degrade_snapshot(d, 100 * NS_S, &s);
        ck_assert_uint_eq(s.usage_missing, 99);
        healer_degrade_destroy(d);
}
END_TEST

START_TEST(rule_2_s0_17_after_relief_one_level_per_dwell_back_to_full)
{
        struct healer_degrade *d = make_default();
        uint32_t level = healer_degrade_update(d, 99, 0);

        ck_assert_uint_eq(level, 4); /* skipping levels on the way down */
        for (int64_t t = NS_S; t <= 1 + 121 * NS_S; t += NS_S) {
                uint32_t next = healer_degrade_update(d, 10, t);

                ck_assert_uint_ge(next + 1, level);
                if (next != level)
                        ck_assert_int_eq((t - NS_S) % (30 * NS_S), 0);
                level = next;
        }
        ck_assert_uint_eq(level, 0);
        healer_degrade_destroy(d);
}
END_TEST

START_TEST(rule_2_s0_17_oscillating_around_a_cut_off_changes_the_level_at_most_twice)
{
        struct healer_degrade *d = make_default();
        struct healer_degrade_snapshot s;

        for (int i = 0; i < 600; i++)
                healer_degrade_update(d, i & 1 ? 91 : 89, i * NS_S);
        healer_degrade_snapshot(d, 600 * NS_S, &s);
        ck_assert_uint_le(s.downs + s.ups, 2);
        healer_degrade_destroy(d);
}
END_TEST

START_TEST(rule_2_back_needs_usage_strictly_below_cut_off_less_margin)
{
        struct healer_degrade *d = make_default();

        healer_degrade_update(d, 90, 0);
        for (int i = 1; i < 100; i++)
                ck_assert_uint_eq(healer_degrade_update(d, 88, i * NS_S), 1);
        healer_degrade_update(d, 87.99, 100 * NS_S);
        ck_assert_uint_eq(healer_degrade_update(d, 87.99, 130 * NS_S - 1), 1);
        ck_assert_uint_eq(healer_degrade_update(d, 87.99, 130 * NS_S), 0);
        healer_degrade_destroy(d);
}
END_TEST

START_TEST(rule_2_s3_23_a_manual_level_survives_recovery_and_expires_or_is_released)
{
        struct healer_degrade *d = make_default();
        struct healer_degrade_snapshot s;

        ck_assert_int_eq(healer_degrade_set(d, 3, HEALER_DEGRADE_BY_HAND, "disk swap", HEALER_NEVER,
                                            0),
                         HEALER_OK);
        for (int i = 1; i < 200; i++)
                ck_assert_uint_eq(healer_degrade_update(d, 10, i * NS_S), 3);
        healer_degrade_release(d, 200 * NS_S);
        ck_assert_uint_eq(healer_degrade_level(d), 0);
        ck_assert_int_eq(healer_degrade_set(d, 2, HEALER_DEGRADE_BY_HEALTH, NULL, 210 * NS_S,
                                            200 * NS_S),
                         HEALER_OK);
        ck_assert_uint_eq(healer_degrade_update(d, 90, 210 * NS_S - 1), 2);
        ck_assert_uint_eq(healer_degrade_update(d, 90, 210 * NS_S), 1); /* what usage implies */
        ck_assert_int_eq(healer_degrade_set(d, 5, HEALER_DEGRADE_BY_HAND, NULL, HEALER_NEVER, 0),
                         HEALER_E_RANGE);
        healer_degrade_snapshot(d, 300 * NS_S, &s);
        ck_assert_uint_eq(s.changes_count, 4);
        ck_assert_str_eq(s.changes[0].reason, "disk swap");
        ck_assert_uint_eq(s.changes[1].cause, HEALER_DEGRADE_BY_RELEASE);
        ck_assert_uint_eq(s.changes[3].cause, HEALER_DEGRADE_BY_EXPIRY);
        healer_degrade_destroy(d);
}
END_TEST

START_TEST(s0_07_reset_restores_full_at_once_and_is_logged)
{
        struct healer_degrade *d = make_default();
        struct healer_degrade_snapshot s;
        int64_t sum = 0;

        healer_degrade_update(d, 99, 0);
        ck_assert_int_eq(healer_degrade_set(d, 4, HEALER_DEGRADE_BY_HAND, "x", HEALER_NEVER, NS_S),
                         HEALER_OK);
        healer_degrade_reset(d, 2 * NS_S);
        ck_assert_uint_eq(healer_degrade_level(d), 0);
        healer_degrade_reset(d, 3 * NS_S);
        healer_degrade_snapshot(d, 10 * NS_S, &s);
        ck_assert_uint_eq(s.changes[s.changes_count - 1].cause, HEALER_DEGRADE_BY_RESET);
        ck_assert_uint_eq(s.changes_count, 3);
        for (int i = 0; i < 8; i++)
                sum += s.at_level_ns[i];
        ck_assert_int_eq(sum, 10 * NS_S);
        ck_assert_int_eq(s.at_level_ns[4], 2 * NS_S);
        healer_degrade_destroy(d);
}
END_TEST

START_TEST(rule_3_s0_10_the_admitted_load_is_within_2_percent_of_capacity_for_any_mix)
{
        static const double capacity[5] = {1, .75, .5, .25, .1};
        uint64_t state = 3;

        for (int mix = 0; mix < 60; mix++) {
                double weights[5], total = 0;

                for (int k = 0; k < 5; k++) {
                        uint64_t w = model_random(&state);

                        weights[k] = mix < 5 ? k == mix : w % 4 ? (double)(w >> 40) : 0;
                        total += weights[k];
                }
                if (total == 0)
                        continue;
                for (uint32_t level = 0; level < 5; level++) {
                        struct healer_degrade *d = make_default();
                        int admitted = 0, high_shed = 0, low_in = 0;

                        ck_assert_int_eq(healer_degrade_set(d, level, HEALER_DEGRADE_BY_HAND, NULL,
                                                            HEALER_NEVER, 0),
                                         HEALER_OK);
                        for (int i = 0; i < 20000; i++) {
                                double pick = (double)(model_random(&state) >> 11) * 0x1p-53 * total;
                                uint32_t k = 0;

                                while (k < 4 && pick >= weights[k])
                                        pick -= weights[k++];
                                if (healer_degrade_admit(d, 100 * k + 7, i * 5 * NS_MS)) {
                                        admitted++;
                                        low_in += k == 0;
                                } else {
                                        high_shed += k == 4;
                                }
                        }
                        ck_assert_double_eq_tol(admitted / 20000.0, capacity[level], .02);
                        if (weights[4] / total < capacity[level] - .05)
                                ck_assert_int_lt(high_shed, 100);
                        if (1 - weights[0] / total > capacity[level] + .05)
                                ck_assert_int_lt(low_in, 100);
                        healer_degrade_destroy(d);
                }
        }
}
END_TEST

START_TEST(rule_4_s0_13_timeout_and_quality_follow_the_level_and_saturate)
{
        static const int64_t ms[5] = {1000, 800, 600, 400, 200};
        static const double quality[5] = {.95, .85, .75, .6, .5};
        struct healer_degrade *d = make_default();

        for (uint32_t i = 0; i < 5; i++) {
                ck_assert_int_eq(
                        healer_degrade_set(d, i, HEALER_DEGRADE_BY_HAND, NULL, HEALER_NEVER, 0),
                        HEALER_OK);
                ck_assert_int_eq(healer_degrade_timeout_ns(d, NS_S), ms[i] * NS_MS);
                ck_assert_double_eq(healer_degrade_quality_ratio(d), quality[i]);
                ck_assert_int_eq(healer_degrade_timeout_ns(d, HEALER_NEVER), HEALER_NEVER);
                ck_assert_int_ge(healer_degrade_timeout_ns(d, 1), 1);
                ck_assert_int_gt(healer_degrade_timeout_ns(d, INT64_MAX - 1), 0);
        }
        healer_degrade_destroy(d);
}
END_TEST

START_TEST(rule_4_s0_15_concurrency_is_the_smaller_limit_and_at_least_one)
{
        static const uint32_t want[5] = {0, 10, 5, 2, 1};
        struct healer_degrade *d = make_default();

        for (uint32_t i = 0; i < 5; i++) {
                ck_assert_int_eq(
                        healer_degrade_set(d, i, HEALER_DEGRADE_BY_HAND, NULL, HEALER_NEVER, 0),
                        HEALER_OK);
                ck_assert_uint_eq(healer_degrade_concurrency(d, 0), want[i]);
                ck_assert_uint_eq(healer_degrade_concurrency(d, 1), 1);
                ck_assert_uint_eq(healer_degrade_concurrency(d, 3),
                                  want[i] && want[i] < 3 ? want[i] : 3);
        }
        healer_degrade_destroy(d);
}
END_TEST

START_TEST(rule_5_s0_14_exactly_the_listed_features_are_off_at_each_level)
{
        static const char *const names[5] = {"detailed_metrics", "verbose_logging",
                                             "pattern_learning", "analytics", "optimization"};
        static const int off_from[5] = {1, 1, 2, 3, 4};
        struct healer_degrade *d = make_default();

        for (int i = 4; i >= 0; i--) {
                ck_assert_int_eq(healer_degrade_set(d, (uint32_t)i, HEALER_DEGRADE_BY_HAND, NULL,
                                                    HEALER_NEVER, 0),
                                 HEALER_OK);
                for (int k = 0; k < 5; k++)
                        ck_assert_int_eq(healer_degrade_has(d, names[k]), i < off_from[k]);
                ck_assert(healer_degrade_has(d, "anything else"));
        }
        healer_degrade_destroy(d);
}
END_TEST

static const char *const needs_base[] = {"base"}, *const needs_mid[] = {"mid", "base"};
static const struct healer_feature features[4] = {
        {"leaf", HEALER_FEATURE_ALWAYS, 80, 2, 0, needs_mid},
        {"mid", 3, 60, 1, 0, needs_base},
        {"base", 2, 40, 0, 0, NULL},
        {"alone", HEALER_FEATURE_ALWAYS, 10, 0, 0, NULL},
};

static struct healer_features *make_features(struct healer_event_ring *ring)
{
        struct healer_features_config c = healer_features_config_defaults();
        struct healer_features *f;
        const char *reason;

        c.feature_count = 4;
        c.features = features;
        c.events = ring;
        for (int i = 4; i < 8; i++)
                c.min_priority[i] = 20;
        ck_assert_int_eq(healer_features_create(&c, 0, &reason, &f), HEALER_OK);
        return f;
}

START_TEST(rule_5_s3_20_random_ladders_end_in_the_state_implied_by_the_level)
{
        struct healer_features *f = make_features(NULL);
        uint64_t state = 1;

        for (int i = 0; i < 10000; i++) {
                uint32_t level = (uint32_t)(model_random(&state) % 5);

                healer_features_update(f, level, 50, i);
                ck_assert_int_eq(healer_features_is_on(f, 2), level < 2);
                ck_assert_int_eq(healer_features_is_on(f, 1), level < 2); /* needs base */
                ck_assert_int_eq(healer_features_is_on(f, 0), level < 2); /* needs mid */
                ck_assert_int_eq(healer_features_is_on(f, 3), level < 4); /* by priority */
        }
        ck_assert(healer_features_is_on(f, 99));
        ck_assert_uint_eq(healer_features_find(f, "nobody"), UINT32_MAX);
        healer_features_destroy(f);
}
END_TEST

START_TEST(rule_5_forces_expire_and_every_change_is_an_event_lowest_priority_off_first)
{
        struct healer_event_ring_config rc = healer_event_ring_config_defaults();
        static const uint32_t order_off[3] = {2, 1, 0}, order_on[3] = {0, 1, 2};
        struct healer_event_ring *ring;
        struct healer_features *f;
        struct healer_event e;

        ck_assert_int_eq(healer_event_ring_create(&rc, &ring), HEALER_OK);
        f = make_features(ring);
        healer_features_update(f, 2, 95.5, NS_S);
        for (int i = 0; i < 3; i++) {
                ck_assert_int_eq(healer_event_ring_pop(ring, &e), HEALER_OK);
                ck_assert_uint_eq(e.item, order_off[i]);
                ck_assert_uint_eq(e.from, 1);
                ck_assert_uint_eq(e.to, 0);
                ck_assert_uint_eq(e.cause, i ? HEALER_FEATURE_BY_NEED : HEALER_FEATURE_BY_LEVEL);
                ck_assert_double_eq(e.value, 95.5);
        }
        ck_assert_int_eq(healer_features_force(f, "base", true, 10 * NS_S, 2 * NS_S), HEALER_OK);
        for (int i = 0; i < 3; i++) {
                ck_assert_int_eq(healer_event_ring_pop(ring, &e), HEALER_OK);
                ck_assert_uint_eq(e.item, order_on[i]);
        }
        ck_assert_uint_eq(e.cause, HEALER_FEATURE_BY_FORCE);
        healer_features_update(f, 2, 95, 10 * NS_S - 1);
        ck_assert(healer_features_is_on(f, 2));
        healer_features_update(f, 2, 95, 10 * NS_S);
        ck_assert(!healer_features_is_on(f, 2));
        ck_assert_int_eq(healer_event_ring_pop(ring, &e), HEALER_OK);
        ck_assert_uint_eq(e.cause, HEALER_FEATURE_BY_EXPIRY);
        ck_assert_int_eq(healer_features_force(f, "mid", true, HEALER_NEVER, 11 * NS_S), HEALER_OK);
        ck_assert(!healer_features_is_on(f, 1)); /* forced on, but base is off */
        ck_assert_int_eq(healer_features_release(f, "mid", 12 * NS_S), HEALER_OK);
        ck_assert_int_eq(healer_features_force(f, "no", true, HEALER_NEVER, 0), HEALER_E_NOT_FOUND);
        healer_features_destroy(f);
        healer_event_ring_destroy(ring);
}
END_TEST

START_TEST(rule_5_cycles_and_unknown_needs_are_refused_at_load)
{
        static const char *const a[] = {"a"}, *const b[] = {"b"}, *const zz[] = {"zz"};
        struct healer_feature circle[2] = {{"a", 1, 0, 1, 0, b}, {"b", 1, 0, 1, 0, a}};
        struct healer_features_config c = healer_features_config_defaults();
        struct healer_features *f;
        const char *reason;

        c.features = circle;
        c.feature_count = 2;
        ck_assert_int_eq(healer_features_create(&c, 0, &reason, &f), HEALER_E_CYCLE);
        ck_assert_ptr_null(f);
        ck_assert_ptr_nonnull(reason);
        circle[0].needs = zz;
        ck_assert_int_eq(healer_features_create(&c, 0, &reason, &f), HEALER_E_RANGE);
        ck_assert_ptr_nonnull(strstr(reason, "needs"));
        circle[0].needs_count = 0;
        circle[1].name = "a";
        ck_assert_int_eq(healer_features_create(&c, 0, &reason, &f), HEALER_E_RANGE);
        ck_assert_ptr_nonnull(strstr(reason, "name"));
}
END_TEST

START_TEST(s3_22_all_capability_values_are_exact_and_0_stays_0)
{
        static const double want[4][4] = {{100, 50, 25, 0},
                                          {100, 75, 50, 25},
                                          {30000, 30000, 10000, 5000},
                                          {100, 100, 100, 10}};
        static const uint32_t mode[5] = {0, 1, 1, 2, 3};

        for (int i = 0; i < 4; i++)
                for (int m = 0; m < 4; m++)
                        ck_assert_double_eq(
                                healer_capability_level(healer_default_capabilities, 4,
                                                        healer_default_capabilities[i].name,
                                                        (enum healer_mode)m),
                                want[i][m]);
        ck_assert_double_eq(healer_capability_level(healer_default_capabilities, 4, "new",
                                                    HEALER_MODE_EMERGENCY),
                            100);
        for (uint32_t i = 0; i < 5; i++)
                ck_assert_uint_eq(healer_mode_of_level(i, 5), mode[i]);
        ck_assert_uint_eq(healer_level_of_mode(HEALER_MODE_EMERGENCY, 5), 4);
        ck_assert_uint_eq(healer_level_of_mode(HEALER_MODE_MINIMAL, 5), 3);
}
END_TEST

static struct healer_rules *make_rules(const struct healer_rule *rules, uint32_t n)
{
        struct healer_rules_config c = healer_rules_config_defaults();
        struct healer_rules *r;

        c.rules = rules;
        c.rule_count = n;
        c.metric_count = 2;
        c.check_ns = NS_S;
        ck_assert_msg(!healer_rules_config_check(&c), "%s", healer_rules_config_check(&c));
        ck_assert_int_eq(healer_rules_create(&c, &r), HEALER_OK);
        return r;
}

static uint32_t level_at(struct healer_rules *r, double a, double b, int64_t s)
{
        double values[2] = {a, b};

        return healer_rules_evaluate(r, values, 90, 0, s * NS_S).level;
}

START_TEST(s3_21_score_below_50_asks_for_emergency_and_recovery_needs_80_and_no_unhealthy)
{
        struct healer_rule rule = healer_rule_low_score(5);
        struct healer_rules *r = make_rules(&rule, 1);
        double values[2] = {50, 0};

        ck_assert_uint_eq(level_at(r, 50, 0, 0), 0);
        ck_assert_uint_eq(level_at(r, 49.9, 0, 1), 4);
        ck_assert_uint_eq(healer_rules_evaluate(r, values, 79.9, 0, 2 * NS_S).may_recover, 0);
        ck_assert_uint_eq(healer_rules_evaluate(r, values, 80, 1, 3 * NS_S).may_recover, 0);
        ck_assert_uint_eq(healer_rules_evaluate(r, values, 80, 0, 4 * NS_S).may_recover, 1);
        values[0] = 0; /* not yet time to look again */
        ck_assert_uint_eq(healer_rules_evaluate(r, values, 80, 0, 4 * NS_S + 1).looked, 0);
        healer_rules_destroy(r);
}
END_TEST

START_TEST(s3_21_duration_grace_trend_and_composite_are_honoured_with_one_timer_per_rule)
{
        struct healer_rule rules[4] = {
                {.name = "long", .op = HEALER_RULE_GE, .value = 10, .level = 1,
                 .duration_ns = 5 * NS_S},
                {.name = "grace", .metric = 1, .op = HEALER_RULE_GE, .value = 10, .level = 2,
                 .grace_ns = 5 * NS_S},
                {.name = "trend", .kind = HEALER_RULE_TREND, .metric = 1, .op = HEALER_RULE_GT,
                 .value = 100, .over_ns = 10 * NS_S, .level = 3},
                {.name = "both", .kind = HEALER_RULE_ALL, .level = 4, .parts_count = 2,
                 .parts = {0, 1}},
        };
        struct healer_rules *r = make_rules(rules, 1);

        for (int s = 0; s < 5; s++)
                ck_assert_uint_eq(level_at(r, 10, 0, s), 0);
        ck_assert_uint_eq(level_at(r, 9, 0, 5), 0); /* broken: starts over */
        for (int s = 6; s < 11; s++)
                ck_assert_uint_eq(level_at(r, 10, 0, s), 0);
        ck_assert_uint_eq(level_at(r, 10, 0, 11), 1);
        ck_assert_uint_eq(level_at(r, NAN, 0, 12), 0);
        healer_rules_destroy(r);

        r = make_rules(&rules[1], 1);
        ck_assert_uint_eq(level_at(r, 0, 10, 0), 0);
        ck_assert_uint_eq(level_at(r, 0, 0, 3), 0);
        ck_assert_uint_eq(level_at(r, 0, 0, 5), 0); /* looked at once more: not true */
        ck_assert_uint_eq(level_at(r, 0, 10, 6), 0);
        ck_assert_uint_eq(level_at(r, 0, 0, 8), 0);
        ck_assert_uint_eq(level_at(r, 0, 10, 11), 2);
        healer_rules_destroy(r);

        r = make_rules(&rules[2], 1);
        for (int s = 0; s < 10; s++)
                ck_assert_uint_eq(level_at(r, 0, 11 * s, s), 0); /* too short a history */
        ck_assert_uint_eq(level_at(r, 0, 110, 10), 3);
        for (int s = 11; s < 40; s++)
                level_at(r, 0, 110, s);
        ck_assert_uint_eq(level_at(r, 0, 110, 40), 0);
        healer_rules_destroy(r);

        r = make_rules(rules, 4);
        rules[3].parts[1] = 3;
        ck_assert_uint_eq(level_at(r, 10, 10, 0), 4);
        ck_assert_uint_eq(level_at(r, 10, 0, 1), 0);
        healer_rules_destroy(r);
        {
                struct healer_rules_config c = healer_rules_config_defaults();

                c.rules = rules;
                c.rule_count = 4;
                c.metric_count = 2;
                ck_assert_ptr_nonnull(strstr(healer_rules_config_check(&c), "parts"));
        }
}
END_TEST

/* ---- rule 2 against a slow model: the whole history, looked through each time ---- */

enum { HISTORY = 400 };
static const char *const ladder_kinds[] = {"usage", "no usage", "set", "release", "reset", "floor"};

static struct model_op draw_ladder(const void *config, uint64_t (*random)(uint64_t *),
                                   uint64_t *state)
{
        uint32_t kind = (uint32_t)(random(state) % 40);
        /* mostly a usage near a cut-off or well below all */
        uint32_t usage = random(state) % 2 ? 870 + (uint32_t)(random(state) % 140)
                                           : (uint32_t)(random(state) % 880);

        (void)config;
        return (struct model_op){
                .kind = kind < 35 ? 0 : kind - 34,
                .arg = kind < 35 ? usage : (uint32_t)(random(state) % 5),
                .after_ns = (int64_t)(random(state) % 20 - 2) * NS_S, /* sometimes back */
        };
}

struct slow_ladder {
        int64_t now_ns, at_ns[HISTORY], manual_until_ns, floor_until_ns;
        double usage[HISTORY];
        int count, since; /* samples; the first that may count for the dwell under way */
        int level, manual, floor; /* manual: -1 none */
};

static int slow_wanted(double usage)
{
        return usage >= 99 ? 4 : usage >= 98 ? 3 : usage >= 95 ? 2 : usage >= 90 ? 1 : 0;
}

static void slow_usage(struct slow_ladder *m, double usage)
{
        static const double cut[5] = {0, 90, 95, 98, 99};
        int first;

        m->at_ns[m->count] = m->now_ns;
        m->usage[m->count++] = usage;
        if (slow_wanted(usage) > m->level) {
                m->level = slow_wanted(usage);
                m->since = m->count;
                return;
        }
        /* the unbroken run of samples below the level's cut-off less two points */
        for (first = m->count; first > m->since && m->usage[first - 1] < cut[m->level] - 2; first--)
                ;
        if (m->level == 0 || first == m->count || m->now_ns - m->at_ns[first] < 30 * NS_S)
                return;
        m->level--;
        m->since = m->count - 1; /* the dwell starts again, with this sample */
}

static int slow_level(const struct slow_ladder *m)
{
        int automatic = m->level > m->floor ? m->level : m->floor;

        return m->manual >= 0 ? m->manual : automatic;
}

static long play_ladder(const void *config, const struct model_op *ops, size_t count, FILE *trace)
{
        struct slow_ladder m = {.manual = -1};
        struct healer_degrade *d = make_default();
        int64_t clock_ns = 0;
        long failed = -1;

        (void)config;
        for (size_t i = 0; i < count && failed < 0; i++) {
                uint32_t arg = ops[i].arg;
                uint32_t got;

                clock_ns += ops[i].after_ns;
                m.now_ns = clock_ns > m.now_ns ? clock_ns : m.now_ns;
                if (ops[i].kind < 2) {
                        if (ops[i].kind == 0)
                                slow_usage(&m, arg / 10.0);
                        if (m.manual >= 0 && m.now_ns >= m.manual_until_ns)
                                m.manual = -1;
                        if (m.now_ns >= m.floor_until_ns)
                                m.floor = 0;
                        healer_degrade_update(d, ops[i].kind ? (double)NAN : arg / 10.0, clock_ns);
                } else if (ops[i].kind == 2) {
                        m.manual = (int)arg;
                        m.manual_until_ns = m.now_ns + 50 * NS_S;
                        ck_assert(!healer_degrade_set(d, arg, HEALER_DEGRADE_BY_HAND, NULL,
                                                      m.manual_until_ns, clock_ns));
                } else if (ops[i].kind == 3) {
                        m.manual = -1;
                        healer_degrade_release(d, clock_ns);
                } else if (ops[i].kind == 4) {
                        m.manual = -1;
                        m.floor = m.level = 0;
                        m.since = m.count;
                        healer_degrade_reset(d, clock_ns);
                } else {
                        m.floor = (int)arg;
                        m.floor_until_ns = m.now_ns + 70 * NS_S;
                        ck_assert(!healer_degrade_floor(d, arg, NULL, m.floor_until_ns, clock_ns));
                }
                got = healer_degrade_level(d);
                if (trace)
                        fprintf(trace, "#   %s(%u) at %lld: %u/%d\n", ladder_kinds[ops[i].kind], arg,
                                (long long)m.now_ns, got, slow_level(&m));
                if ((int)got != slow_level(&m))
                        failed = (long)i;
        }
        healer_degrade_destroy(d);
        return failed;
}

START_TEST(rule_2_a_million_random_steps_agree_with_the_slow_model)
{
        struct model_suite suite = {"degrade", ladder_kinds, play_ladder, draw_ladder};

        ck_assert_int_eq(model_check(&suite, NULL, 23, 1000000, HISTORY), 0);
}
END_TEST

POLICY_MAIN("degrade", rule_2_a_million_random_steps_agree_with_the_slow_model,
            rule_1_s0_11_cut_offs_are_inclusive,
            rule_1_s0_12_memory_reacts_at_85_tokens_at_90_quota_and_latency_by_their_share,
            rule_1_s0_16_s0_41_custom_tables_work_and_two_resources_use_different_ladders,
            rule_1_s0_16_incomplete_or_not_strictly_monotone_tables_are_refused_by_name,
            rule_1_missing_usage_keeps_the_level_and_is_counted,
            rule_2_s0_17_after_relief_one_level_per_dwell_back_to_full,
            rule_2_s0_17_oscillating_around_a_cut_off_changes_the_level_at_most_twice,
            rule_2_back_needs_usage_strictly_below_cut_off_less_margin,
            rule_2_s3_23_a_manual_level_survives_recovery_and_expires_or_is_released,
            s0_07_reset_restores_full_at_once_and_is_logged,
            rule_3_s0_10_the_admitted_load_is_within_2_percent_of_capacity_for_any_mix,
            rule_4_s0_13_timeout_and_quality_follow_the_level_and_saturate,
            rule_4_s0_15_concurrency_is_the_smaller_limit_and_at_least_one,
            rule_5_s0_14_exactly_the_listed_features_are_off_at_each_level,
            rule_5_s3_20_random_ladders_end_in_the_state_implied_by_the_level,
            rule_5_forces_expire_and_every_change_is_an_event_lowest_priority_off_first,
            rule_5_cycles_and_unknown_needs_are_refused_at_load,
            s3_22_all_capability_values_are_exact_and_0_stays_0,
            s3_21_score_below_50_asks_for_emergency_and_recovery_needs_80_and_no_unhealthy,
            s3_21_duration_grace_trend_and_composite_are_honoured_with_one_timer_per_rule)
