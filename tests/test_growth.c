/* test_growth.c - how the work of predicting and of statistics grows, counted and not timed.
 *
 * The parts under test are compiled once more with -fsanitize-coverage=trace-pc, so that
 * each basic block which is gone through calls the function below: the same number on any
 * machine, however busy. What grows in proportion has equal steps, and doubles with its size.
 */
#include "healer/analytics.h"
#include "healer/patterns.h"

#include "tests/policy_main.h"

static uint64_t visits;

void __sanitizer_cov_trace_pc(void);

void __sanitizer_cov_trace_pc(void)
{
        visits++;
}

/* ---- predicting: patterns x evidence */

enum { RECENT = 10 }; /* so much evidence of a place is kept (patterns.c) */

/* What a match goes through with that many patterns, and signs at the place that are not
 * theirs: each is held against each. */
static uint64_t visits_of_match(uint32_t pattern_count, uint32_t sign_count)
{
        struct healer_patterns_config config = healer_patterns_config_defaults();
        struct healer_pattern_match match[4];
        struct healer_patterns *patterns;
        uint64_t before;

        ck_assert_int_eq(healer_patterns_create(&config, 1, &patterns), HEALER_OK);
        for (uint32_t i = 0; i < pattern_count; i++) {
                const struct healer_pattern pattern = {.length = 3,
                                                       .signs = {i % 60, i / 60, 61},
                                                       .failure = 1,
                                                       .seen = 20,
                                                       .followed = 20,
                                                       .lead_mean_s = 30};

                ck_assert_int_eq(healer_patterns_add(patterns, &pattern), HEALER_OK);
        }
        for (uint32_t i = 0; i < sign_count; i++)
                healer_patterns_sign(patterns, (i + 1) * NS_S, 0, 63);
        before = visits;
        ck_assert_uint_eq(healer_patterns_match(patterns, 20 * NS_S, 0, match, 4), 0);
        before = visits - before;
        healer_patterns_destroy(patterns);
        return before;
}

START_TEST(s0_31_predicting_grows_with_patterns_times_evidence_and_no_faster)
{
        uint64_t pair = visits_of_match(2, 2) - visits_of_match(2, 1) - visits_of_match(1, 2) +
                        visits_of_match(1, 1);

        ck_assert_uint_ge(pair, 1);
        for (uint32_t p = 24; p <= HEALER_PATTERNS_MAX; p *= 2)
                for (uint32_t e = 1; e < RECENT; e++) {
                        /* One sign more costs each pattern the same, ... */
                        ck_assert_uint_eq(visits_of_match(p, e + 1) - visits_of_match(p, e),
                                          p * pair);
                        /* ... and each pattern more the same, too. */
                        ck_assert_uint_eq(visits_of_match(p, e) - visits_of_match(1, e),
                                          (p - 1) *
                                                  (visits_of_match(2, e) - visits_of_match(1, e)));
                }
        ck_assert_uint_eq(visits_of_match(HEALER_PATTERNS_MAX, 50),
                          visits_of_match(HEALER_PATTERNS_MAX, RECENT));
}
END_TEST

/* ---- statistics: history */

static struct healer_analytics_report report;

/* Healings that ended in no order, some without an action. None fails: whether a strategy is
 * advised against depends on the newest twenty, and costs one more pass if it is. */
static void add(struct healer_analytics *analytics, uint32_t i)
{
        static const char *const names[] = {"restart", "replace", "failover", "rollback"};
        uint32_t chance = (i + 1) * UINT32_C(2654435761);
        const struct healer_healing healing = {
                .id = i,
                .noticed_ns = (int64_t)chance * 1000,
                .acted_ns = i % 7 == 0 ? HEALER_NEVER : (int64_t)chance * 1000 + NS_S,
                .ended_ns = (int64_t)chance * 1000 + NS_S + (int64_t)(chance >> 3) * 997,
                .outcome = i % 7 == 0 ? HEALER_NOT_TRIED : HEALER_HEALED,
                .severity = (enum healer_severity)(i % HEALER_SEVERITY_COUNT),
                .strategy = names[i % 4],
                .failure_type = names[i % 3],
                .component = names[i % 2],
                .actions = &names[i % 4],
                .action_count = 1,
        };

        ck_assert_int_eq(healer_analytics_add(analytics, &healing), HEALER_OK);
}

struct growth {
        uint64_t last_added, reported;
};

static struct growth growth_with(uint32_t healing_count)
{
        struct healer_analytics_config config = healer_analytics_config_defaults();
        struct healer_analytics *analytics;
        struct growth growth;

        config.healings_max = healing_count;
        ck_assert_int_eq(healer_analytics_create(&config, &analytics), HEALER_OK);
        for (uint32_t i = 1; i <= healing_count; i++)
                add(analytics, i);
        growth.last_added = visits;
        add(analytics, 0); /* it is full: the oldest makes room */
        growth.last_added = visits - growth.last_added;
        growth.reported = visits;
        ck_assert_int_eq(healer_analytics_report(analytics, INT64_MAX / 2, HEALER_NEVER, &report),
                         HEALER_OK);
        growth.reported = visits - growth.reported;
        ck_assert_uint_eq(report.failures, healing_count);
        healer_analytics_destroy(analytics);
        return growth;
}

START_TEST(s0_31_statistics_grow_with_the_history_and_a_healing_is_added_in_the_same_steps)
{
        const struct growth few = growth_with(1000);
        struct growth half = few, whole;

        for (uint32_t count = 2000; count <= 32000; count *= 2, half = whole) {
                whole = growth_with(count);
                ck_assert_uint_eq(whole.last_added, few.last_added);
                /* What is sorted by comparing has 2.2 times as many steps at first, 2.13 at last.
                 */
                ck_assert_msg((double)whole.reported <= 2.03 * (double)half.reported,
                              "%u: %llu after %llu", count, (unsigned long long)whole.reported,
                              (unsigned long long)half.reported);
                ck_assert_uint_ge(whole.reported, count);
        }
}
END_TEST

POLICY_MAIN("growth", s0_31_predicting_grows_with_patterns_times_evidence_and_no_faster,
            s0_31_statistics_grow_with_the_history_and_a_healing_is_added_in_the_same_steps)
