/* test_reference.c - the reference healers give what 5-experiments.md says they must.
 *
 * Whole runs of a small shop in which one bank instance is slow for a while and
 * one hangs later.
 */
#include "harness/run/reference.h"

#include "harness/base/rng.h"
#include "tests/graded.h"

/* ---- looking at records */

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size)
{
        const unsigned char *at = bytes;

        for (size_t i = 0; i < size; i++)
                hash = (hash ^ at[i]) * 0x100000001b3u;
        return hash_mix(hash, size);
}

/* Every request that was judged, by service, second and outcome, every latency,
 * and every incident. */
static uint64_t hash_of(const struct run_meta *meta, const struct arm_record *arm)
{
        uint64_t hash = (uint64_t)arm->end_ns;

        for (uint32_t s = 0; s < meta->service_count; s++) {
                const struct service_measure *m = &arm->services[s];

                hash = hash_bytes(hash, m->seconds, m->second_count * sizeof(*m->seconds));
                for (int p = 0; p < PHASE_COUNT; p++) {
                        hash = hash_bytes(hash, m->phase[p].outcome, sizeof(m->phase[p].outcome));
                        hash = hash_bytes(hash, m->phase[p].latency.bucket,
                                          sizeof(m->phase[p].latency.bucket));
                        hash = hash_mix(hash, m->phase[p].latency.sum_ns);
                }
                hash = hash_mix(hash_mix(hash, m->calls), m->attempts);
        }
        for (size_t i = 0; i < arm->incident_count; i++)
                hash = hash_mix(hash_mix(hash, (uint64_t)arm->incidents[i].onset_ns),
                                (uint64_t)arm->incidents[i].restored_ns);
        return hash;
}

struct same {
        size_t compared, actions;
        bool same;
};

static void compare_with_twins(void *user, const struct scenario *scenario,
                               const struct run_meta *meta, const struct replication_record *record)
{
        struct same *same = user;
        uint64_t untreated = hash_of(meta, record->arms[ARM_UNTREATED]);

        (void)scenario;
        same->same = same->same && hash_of(meta, record->arms[ARM_TREATED]) == untreated &&
                     hash_of(meta, record->arms[ARM_SHADOW]) == untreated &&
                     hash_of(meta, record->arms[ARM_QUIET]) == hash_of(meta, record->arms[ARM_CALM]);
        same->compared++;
        for (size_t i = 0; i < record->arms[ARM_TREATED]->journal_count; i++)
                same->actions +=
                        record->arms[ARM_TREATED]->journal[i].type == JOURNAL_ACTION_STARTED;
}

/* ---- claims */

static void expect_untreated(const char *strategy, bool acts)
{
        static const char *const zero[] = {"prevention_rate", "averted_harm", "averted_bad_seconds",
                                           "self_made_harm", "self_made_bad_seconds",
                                           "induced_incidents"};
        struct same same = {.same = true};
        struct graded_run asked = {.file = "shop.json", .strategy = strategy, .user = &same,
                                   .look = compare_with_twins};
        json_t *result = graded_result(&asked);
        const json_t *metrics = result_at(result, "arms.untreated.metrics");
        json_t *metric;
        const char *name;

        ck_assert_uint_eq(same.compared, 4);
        ck_assert_msg(same.same, "%s: another request log than untreated's", strategy);
        ck_assert_uint_eq(same.actions > 0, acts);
        ck_assert_double_gt(graded_value_of(result, "untreated", "incidents"), 0);
        for (size_t i = 0; i < sizeof(zero) / sizeof(zero[0]); i++)
                ck_assert_msg(graded_value(result, zero[i]) == 0, "%s: %s is %g", strategy, zero[i],
                              graded_value(result, zero[i]));
        json_object_foreach((json_t *)(uintptr_t)metrics, name, metric)
        {
                const char *unit = result_text(metric, "unit");
                double treated = graded_value(result, name), value = result_number(metric, "value");

                /* What is said and done may differ, what happened may not. */
                if (strcmp(unit, "requests") == 0 || strstr(name, "latency") != NULL ||
                    strstr(name, "mttr") != NULL || strstr(name, "availab") != NULL)
                        ck_assert_msg((isnan(treated) && isnan(value)) || treated == value,
                                      "%s of %s: %g, untreated has %g", name, strategy, treated,
                                      value);
        }
        json_decref(result);
}

START_TEST(placebo_has_untreateds_requests_incidents_and_metrics)
{
        expect_untreated("reference:placebo", true);
}
END_TEST

START_TEST(none_and_always_alarm_change_nothing_either)
{
        expect_untreated("reference:none", false);
        expect_untreated("reference:always-alarm", false);
}
END_TEST

START_TEST(quiet_with_the_healer_off_is_calm)
{
        expect_untreated("none", false);
}
END_TEST

/* How often a prediction made at that minute about that service comes true, of
 * those that can be judged: counted from the incidents alone. */
struct rate {
        uint64_t right, wrong;
};

enum { SHOP, BANK, NOTES };

/* Of this fleet: the faults are all on the bank, so that an incident of the shop
 * is the bank's as well, and never one of notes. */
static bool is_about(uint32_t incident, uint32_t named)
{
        return incident == named || (incident == SHOP && named == BANK);
}

struct when {
        int64_t now_ns, lead_ns, window_ns;
        bool right, during;
};

static void see(struct when *when, int64_t start_ns, int64_t end_ns)
{
        when->right |= start_ns >= when->now_ns + when->lead_ns &&
                       start_ns <= when->now_ns + when->window_ns;
        when->during |= start_ns < when->now_ns + when->lead_ns && end_ns > when->now_ns;
}

/* An instance that hangs is a failure of its service too, whoever feels it. */
static void see_hangs(struct when *when, const struct arm_record *arm, uint32_t named)
{
        for (size_t i = 0; i < arm->journal_count; i++) {
                const struct journal_entry *from = &arm->journal[i];
                int64_t end_ns = arm->end_ns;

                if (from->type != JOURNAL_INSTANCE_STATE || strcmp(from->kind, "hung") != 0 ||
                    from->service != named)
                        continue;
                for (size_t k = arm->journal_count; k-- > i + 1;)
                        if (arm->journal[k].type == JOURNAL_INSTANCE_STATE &&
                            arm->journal[k].instance == from->instance)
                                end_ns = arm->journal[k].at_ns;
                see(when, from->at_ns, end_ns);
        }
}

static void count_base_rate(void *user, const struct scenario *scenario, const struct run_meta *meta,
                            const struct replication_record *record)
{
        struct rate *rate = user;
        const struct arm_record *arm = record->arms[ARM_SHADOW];

        (void)scenario;
        for (size_t k = 0; k < arm->journal_count; k++) {
                const struct journal_entry *said = &arm->journal[k];
                struct when when = {said->at_ns, meta->minimum_lead_ns, meta->prediction_window_ns,
                                    false, false};

                if (said->type != JOURNAL_PREDICTION || said->at_ns < 0)
                        continue;
                for (size_t i = 0; i < arm->incident_count; i++)
                        if (is_about(arm->incidents[i].service, said->service))
                                see(&when, arm->incidents[i].onset_ns, arm->incidents[i].restored_ns);
                see_hangs(&when, arm, said->service);
                if (!when.right &&
                    (when.during || said->at_ns + meta->prediction_window_ns > arm->end_ns))
                        continue;
                rate->right += when.right;
                rate->wrong += !when.right;
        }
}

START_TEST(always_alarming_has_the_base_rate_as_precision)
{
        static const char *const sets[] = {"evaluation={\"prediction_window\": \"90s\"}"};
        struct rate rate = {0};
        struct graded_run asked = {.file = "shop.json", .strategy = "reference:always-alarm",
                                   .sets = sets, .set_count = 1, .user = &rate,
                                   .look = count_base_rate};
        json_t *result = graded_result(&asked);
        double precision = graded_value(result, "precision");

        ck_assert_uint_gt(rate.right, 0);
        ck_assert_uint_gt(rate.wrong, 0);
        ck_assert_msg(fabs(precision - (double)rate.right / (double)(rate.right + rate.wrong)) < 1e-9,
                      "precision %g, base rate %llu of %llu", precision,
                      (unsigned long long)rate.right, (unsigned long long)(rate.right + rate.wrong));
        json_decref(result);
}
END_TEST

START_TEST(the_oracle_has_recall_1_and_averts_what_can_be)
{
        json_t *result = graded_plain("shop.json", "reference:oracle");

        ck_assert_double_gt(graded_value_of(result, "shadow", "incidents"), 0);
        ck_assert_double_eq(graded_value(result, "recall"), 1);
        ck_assert_double_eq(graded_value_of(result, "shadow", "missed_ratio"), 0);
        ck_assert_double_eq(graded_value(result, "false_alarms_per_week"), 0);
        ck_assert_double_gt(graded_value(result, "averted_harm"),
                            0.95 * graded_value_of(result, "untreated", "failed_requests"));
        json_decref(result);
}
END_TEST

START_TEST(the_oracle_is_told_nothing_where_nothing_will_happen)
{
        json_t *result = graded_plain("shop.json", "reference:oracle");

        ck_assert_double_eq(graded_value_of(result, "quiet", "actions"), 0);
        ck_assert_double_eq(graded_value(result, "self_made_harm"), 0);
        json_decref(result);
}
END_TEST

START_TEST(a_reference_healer_is_repeatable)
{
        json_t *once = graded_plain("shop.json", "reference:random");
        json_t *again = graded_plain("shop.json", "reference:random");

        ck_assert_double_gt(graded_value(once, "actions"), 5);
        ck_assert(json_equal(once, again));
        json_decref(once);
        json_decref(again);
}
END_TEST

START_TEST(every_name_is_found_and_only_those)
{
        for (size_t i = 0; i < REFERENCE_COUNT; i++) {
                ck_assert_ptr_eq(reference_find(reference_rows[i].title), &reference_rows[i]);
                ck_assert_int_eq(reference_rows[i].kind, i);
        }
        ck_assert_ptr_null(reference_find("oracle"));
        ck_assert_ptr_null(reference_find("reference:oracles"));
        ck_assert_ptr_null(reference_find(""));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("reference");
        TCase *tc = tcase_create("reference");

        tcase_set_timeout(tc, 120);
        tcase_add_test(tc, placebo_has_untreateds_requests_incidents_and_metrics);
        tcase_add_test(tc, none_and_always_alarm_change_nothing_either);
        tcase_add_test(tc, quiet_with_the_healer_off_is_calm);
        tcase_add_test(tc, always_alarming_has_the_base_rate_as_precision);
        tcase_add_test(tc, the_oracle_has_recall_1_and_averts_what_can_be);
        tcase_add_test(tc, the_oracle_is_told_nothing_where_nothing_will_happen);
        tcase_add_test(tc, a_reference_healer_is_repeatable);
        tcase_add_test(tc, every_name_is_found_and_only_those);
        suite_add_tcase(suite, tc);
        SRunner *runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        int failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
