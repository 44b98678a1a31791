/* test_experiments.c - cheats that must not pay, and results that are always numbers.
 *
 * A known way to look good to a grader is to do nothing, to take the service
 * away, to restart all the time, to act where nothing is wrong and call it
 * healing, to hide a fault behind a higher limit, or to say the same always.
 * Each goes through a whole run here, and the figures that a reader looks at
 * first must say so. What a bad strategy costs is compared with `default`, which
 * heals by the same means.
 */
#include <string.h>

#include "reports/grade.h"
#include "tests/graded.h"
#include "tests/hand_made.h"

/* ---- cheats */

static json_t *shop(const char *strategy)
{
        struct graded_run asked = {.file = "shop.json", .strategy = strategy, .runs = 6};

        return graded_result(&asked);
}

/* What an honest strategy averts there. */
static double averted_by_default(void)
{
        json_t *result = shop("default");
        double averted = graded_value(result, "averted_harm");

        ck_assert_double_gt(averted, 0.2 * graded_value_of(result, "untreated", "failed_requests"));
        json_decref(result);
        return averted;
}

START_TEST(doing_nothing_averts_nothing)
{
        json_t *result = shop("reference:none");

        ck_assert_double_eq(graded_value(result, "averted_harm"), 0);
        ck_assert_double_eq(graded_value(result, "prevention_rate"), 0);
        ck_assert_double_eq(graded_value(result, "failed_requests"),
                            graded_value_of(result, "untreated", "failed_requests"));
        /* No alarm is no false one, but neither was anything noticed or healed. */
        ck_assert(!(graded_value(result, "healing_success_rate") > 0));
        ck_assert(!(graded_value(result, "missed_ratio") < 1));
        json_decref(result);
}
END_TEST

START_TEST(scaling_to_zero_is_a_regression_and_prevents_nothing)
{
        json_t *result = shop("reference:scale-to-zero");

        ck_assert_double_eq(graded_value(result, "prevention_rate"), 0);
        ck_assert_double_lt(graded_value(result, "averted_harm"), 0);
        ck_assert_double_gt(graded_value(result, "self_made_harm"), 0);
        ck_assert_double_lt(graded_value(result, "availability"), 0.1);
        ck_assert_str_eq(result_text(result, "outcome"), "regression");
        json_decref(result);
}
END_TEST

START_TEST(restart_spam_is_false_action_upon_false_action)
{
        json_t *spam = shop("reference:restart-all"), *honest = shop("default");

        ck_assert_double_gt(graded_value(spam, "false_actions_per_week"),
                            graded_value(honest, "false_actions_per_week"));
        ck_assert_double_gt(graded_value_of(spam, "quiet", "false_actions_per_week"), 1000);
        ck_assert_double_lt(graded_value(spam, "healing_success_rate"), 0.5);
        ck_assert_double_gt(graded_value(spam, "restarts"), 3 * graded_value(honest, "restarts"));
        json_decref(spam);
        json_decref(honest);
}
END_TEST

START_TEST(a_constant_answer_is_mostly_wrong)
{
        json_t *result = shop("reference:constant");

        ck_assert_double_lt(graded_value(result, "averted_harm"), 0.5 * averted_by_default());
        ck_assert_double_gt(graded_value_of(result, "quiet", "false_alarms_per_week"), 0);
        ck_assert_double_gt(graded_value(result, "alarm_time_ratio"), 0.3);
        ck_assert_double_eq(graded_value(result, "root_cause_top1"), 0);
        json_decref(result);
}
END_TEST

START_TEST(raising_limits_that_only_hide_is_found_out)
{
        static const char *const sets[] = {"replications=2"};
        struct graded_run asked = {.file = "leak.json", .strategy = "strategies/hides.json",
                                   .sets = sets, .set_count = 1};
        struct graded_run honest = {.file = "leak.json", .strategy = "default", .sets = sets,
                                    .set_count = 1};
        char path[512];
        json_t *hidden, *healed;

        snprintf(path, sizeof(path), "%s/experiments/strategies/hides.json", getenv("TEST_DATA"));
        asked.strategy = path;
        hidden = graded_result(&asked);
        healed = graded_result(&honest);
        ck_assert_double_gt(graded_value_of(hidden, "untreated", "failed_requests"), 0);
        ck_assert_double_lt(graded_value(hidden, "averted_harm"),
                            0.2 * graded_value(healed, "averted_harm"));
        ck_assert_double_ge(graded_value(hidden, "induced_incidents"), 1);
        ck_assert_double_gt(graded_value(hidden, "instance_seconds_added"), 100);
        json_decref(hidden);
        json_decref(healed);
}
END_TEST

/* Two incidents of front with a minute's quiet, and a restart in between, of an
 * episode that claims and verifies; the same crashes hurt untreated as much. */
START_TEST(acting_between_two_crashes_heals_neither)
{
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);
        struct journal_entry *said;
        json_t *result;

        for (unsigned a = ARM_TREATED; a <= ARM_UNTREATED; a++) {
                world_incident(world, (enum arm)a, FRONT, 100, 130, 50);
                world_incident(world, (enum arm)a, FRONT, 400, 430, 50);
        }
        world_action(world, ARM_TREATED, RESTART, FRONT, 250, 252, 1);
        said = world_entry(world, ARM_TREATED, JOURNAL_EPISODE, 250, FRONT);
        said->episode = 1;
        said->kind = "opened";
        said = world_entry(world, ARM_TREATED, JOURNAL_EPISODE, 255, FRONT);
        said->episode = 1;
        said->kind = "verified";
        result = grade_world(&meta, world);
        ck_assert(!(field_of(metric_in(result, "treated", "healing_success_rate"), "value") > 0));
        ck_assert_double_eq(field_of(metric_in(result, "treated", "averted_harm"), "value"), 0);
        ck_assert_double_eq(field_of(metric_in(result, "treated", "prevention_rate"), "value"), 0);
        ck_assert_double_eq(field_of(metric_in(result, "treated", "mttr"), "value"), 30);
        json_decref(result);
}
END_TEST

/* ---- pathologies (the others are in test_grade.c and test_fates.c) */

static void traffic(struct world *world, enum arm arm, struct second_bucket *seconds,
                    uint32_t good_per_s)
{
        for (size_t i = 0; i < HOUR_S; i++)
                seconds[i] = (struct second_bucket){good_per_s, 0};
        world->services[arm][PAY].seconds = seconds;
        world->services[arm][PAY].second_count = HOUR_S;
}

static double prevention_with_traffic(uint32_t treated_per_s)
{
        static struct second_bucket treated[HOUR_S], calm[HOUR_S];
        struct run_meta meta = hand_meta();
        struct world *world = world_new(0);
        json_t *result;
        double rate;

        traffic(world, ARM_TREATED, treated, treated_per_s);
        traffic(world, ARM_CALM, calm, 50);
        world_incident(world, ARM_UNTREATED, PAY, 100, 200, 50);
        result = grade_world(&meta, world);
        rate = field_of(metric_in(result, "treated", "prevention_rate"), "value");
        json_decref(result);
        return rate;
}

START_TEST(a_callee_that_is_starved_was_not_saved)
{
        ck_assert_double_eq(prevention_with_traffic(50), 1);
        ck_assert_double_eq(prevention_with_traffic(30), 1);
        ck_assert_double_eq(prevention_with_traffic(20), 0);
        ck_assert_double_eq(prevention_with_traffic(0), 0);
}
END_TEST

/* Calls that a breaker refuses are bad for the callee, so it is in an incident. */
START_TEST(a_breaker_that_starves_its_callee_does_not_prevent_its_incidents)
{
        static const char *const sets[] = {
                "fleet.services[0].calls[0].fallback={\"kind\": \"static\", \"quality\": 1}",
                "healer={\"extends\": \"none\", \"circuit_breaker\": {\"default\": {\"mode\": "
                "\"time_rate\", \"window\": \"5s\", \"min_calls\": 5, \"failure_rate\": \"20%\", "
                "\"slow_call\": \"300ms\", \"slow_call_rate\": \"20%\", \"open_for\": \"2m\"}}}"};
        struct graded_run asked = {.file = "shop.json", .sets = sets, .set_count = 2, .runs = 4};
        json_t *result = graded_result(&asked);
        double shop_averted = result_number(result, "arms.treated.services.shop.metrics."
                                                    "averted_harm.value");
        double bank = result_number(result,
                                    "arms.treated.services.bank.metrics.prevention_rate.value");

        ck_assert_double_gt(graded_value(result, "breaker_refused"), 100);
        ck_assert_double_gt(shop_averted, 0);
        ck_assert_double_eq(bank, 0);
        ck_assert_double_lt(result_number(result,
                                          "arms.treated.services.bank.metrics.averted_harm.value"),
                            0);
        json_decref(result);
}
END_TEST

/* ---- results are numbers, whatever happened */

struct oddity {
        const char *name, *file, *strategy;
        const char *sets[3];
        size_t set_count;
        uint32_t runs;
};

static const struct oddity oddities[] = {
        {"no traffic to speak of", "shop.json", "default",
         {"load=[{\"name\": \"nobody\", \"to\": \"shop\", \"process\": \"poisson\", \"rate\": \"0.1/h\"}]"}, 1, 2},
        {"no faults", "shop.json", "default", {"method=[]"}, 1, 2},
        {"no healer", "shop.json", "none", {NULL}, 0, 2},
        {"one replication", "shop.json", "aggressive", {NULL}, 0, 1},
        {"nothing at all", "shop.json", "none",
         {"method=[]", "load=[{\"name\": \"nobody\", \"to\": \"shop\", \"process\": \"poisson\", \"rate\": \"0.1/h\"}]"}, 2, 1},
        {"total outage", "shop.json", "reference:scale-to-zero", {NULL}, 0, 2},
        {"an outage that never ends", "storm.json", "none", {NULL}, 0, 2},
        {"alarms all the time", "shop.json", "reference:always-alarm", {NULL}, 0, 2},
        {"everything prevented", "shop.json", "reference:oracle", {NULL}, 0, 2},
        {"priced", "shop.json", "default",
         {"evaluation={\"cost\": {\"failed_request\": 0.5, \"human_page\": 100, \"action\": 1, \"instance_hour\": 0.1}}"}, 1, 2},
        {"only a second", "shop.json", "default", {"duration=\"1s\"", "method=[]", "cooldown=\"0s\""}, 3, 2},
};

static bool is_metric(const json_t *node)
{
        return json_is_object(node) && json_object_get(node, "value") != NULL &&
               json_object_get(node, "n") != NULL && json_object_get(node, "unit") != NULL;
}

static void check_metric(const struct oddity *oddity, const char *name, const json_t *metric)
{
        static const char *const keys[] = {"value",     "low",         "high", "n", "count",
                                           "numerator", "denominator", "unit"};
        double value = result_number(metric, "value"), low = result_number(metric, "low"),
               high = result_number(metric, "high");

        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
                ck_assert_msg(json_object_get(metric, keys[i]) != NULL, "%s: %s has no %s",
                              oddity->name, name, keys[i]);
        ck_assert_msg(!(result_number(metric, "n") == 0 && !isnan(value)),
                      "%s: %s is %g with n 0", oddity->name, name, value);
        ck_assert_msg(isnan(value) || result_number(metric, "n") > 0, "%s: %s has no n",
                      oddity->name, name);
        ck_assert_msg(isnan(value) || isfinite(value), "%s: %s is not finite", oddity->name, name);
        ck_assert_msg(isnan(low) || low <= value + 1e-9, "%s: %s: low %g above %g", oddity->name,
                      name, low, value);
        ck_assert_msg(isnan(high) || high >= value - 1e-9, "%s: %s: high %g below %g", oddity->name,
                      name, high, value);
}

static size_t walk(const struct oddity *oddity, const char *name, const json_t *node)
{
        size_t seen = 0, i;
        const char *key;
        json_t *child;

        if (is_metric(node)) {
                check_metric(oddity, name, node);
                seen = 1;
        }
        json_object_foreach((json_t *)(uintptr_t)node, key, child)
                seen += walk(oddity, key, child);
        json_array_foreach((json_t *)(uintptr_t)node, i, child)
                seen += walk(oddity, name, child);
        if (json_is_real(node))
                ck_assert_msg(isfinite(json_real_value(node)), "%s: %s is not finite", oddity->name,
                              name);
        return seen;
}

START_TEST(nothing_in_a_result_is_nan_infinite_or_without_its_n)
{
        const struct oddity *oddity = &oddities[_i];
        struct graded_run asked = {.file = oddity->file, .strategy = oddity->strategy,
                                   .sets = oddity->sets, .set_count = oddity->set_count,
                                   .runs = oddity->runs};
        json_t *result = graded_result(&asked);
        char *text = json_dumps(result, JSON_REAL_PRECISION(12));

        ck_assert_msg(walk(oddity, "result", result) > 100, "%s: hardly any metric", oddity->name);
        ck_assert_ptr_nonnull(text);
        free(text);
        json_decref(result);
}
END_TEST

/* ---- common random numbers: the exogenous log */

struct chance {
        uint64_t arrivals[8], timetable[8];
        uint32_t count;
};

static void keep_chance(void *user, const struct scenario *scenario, const struct run_meta *meta,
                        const struct replication_record *record)
{
        struct chance *chance = user;

        (void)scenario;
        (void)meta;
        chance->arrivals[chance->count] = record->arms[ARM_TREATED]->exogenous_hash;
        chance->timetable[chance->count++] = record->arms[ARM_TREATED]->timetable_hash;
}

static struct chance chance_with(const char *set, const char *strategy, uint64_t seed)
{
        struct chance chance = {.count = 0};
        struct graded_run asked = {.file = "shop.json", .strategy = strategy, .sets = &set,
                                   .set_count = set != NULL, .runs = 2, .seed = seed,
                                   .user = &chance, .look = keep_chance};

        json_decref(graded_result(&asked));
        ck_assert_uint_eq(chance.count, 2);
        return chance;
}

/* Arrivals, and the chance that one in 256 of them met at the entry. */
START_TEST(a_service_a_fault_or_a_retry_more_moves_no_other_draw)
{
        static const char *const more[] = {
                "fleet.services[3]={\"name\": \"more\", \"service_time\": \"1ms\"}",
                "fleet.services[0].calls[0].retries={\"max\": 3}",
                "method[2]={\"name\": \"one more\", \"fault\": \"crash\", \"target\": {\"service\": "
                "\"notes\", \"instances\": \"one\"}, \"at\": \"1m\"}",
        };
        struct chance plain = chance_with(NULL, "none", 0);
        struct chance other = chance_with(NULL, "none", 99);

        ck_assert_uint_ne(plain.arrivals[0], plain.arrivals[1]);
        ck_assert_uint_ne(plain.arrivals[0], other.arrivals[0]);
        for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
                struct chance changed = chance_with(more[i], "none", 0);

                for (uint32_t r = 0; r < 2; r++) {
                        ck_assert_msg(changed.arrivals[r] == plain.arrivals[r], "%s", more[i]);
                        if (i < 2)
                                ck_assert_uint_eq(changed.timetable[r], plain.timetable[r]);
                }
        }
        struct chance healed = chance_with(NULL, "aggressive", 0);
        ck_assert_uint_eq(healed.arrivals[0], plain.arrivals[0]);
        ck_assert_uint_eq(healed.timetable[1], plain.timetable[1]);
}
END_TEST

/* ---- knock-out */

/* A restart is all that ends a hang here, and it is done once: it was helpful. */
START_TEST(what_ends_an_incident_is_helpful_and_what_only_restarts_is_not)
{
        struct graded_run asked = {.file = "shop.json", .strategy = "default", .runs = 4,
                                   .attribute = true};
        json_t *result = graded_result(&asked);
        const json_t *attribution = json_object_get(result, "attribution");
        json_t *spam, *deed;
        double averted = 0;
        size_t i;

        ck_assert_double_gt(result_number(attribution, "helpful"), 0);
        json_array_foreach(json_object_get(attribution, "deeds"), i, deed)
                averted = fmax(averted, result_number(deed, "averted"));
        ck_assert_double_gt(averted, 5 * result_number(attribution, "noise"));
        json_decref(result);

        asked.strategy = "reference:random";
        asked.runs = 2;
        spam = graded_result(&asked);
        attribution = json_object_get(spam, "attribution");
        ck_assert_double_gt(result_number(attribution, "harmful") +
                                    result_number(attribution, "unnecessary"),
                            result_number(attribution, "helpful"));
        json_decref(spam);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("experiments");
        TCase *tc = tcase_create("experiments");

        tcase_set_timeout(tc, 200);
        tcase_add_test(tc, doing_nothing_averts_nothing);
        tcase_add_test(tc, scaling_to_zero_is_a_regression_and_prevents_nothing);
        tcase_add_test(tc, restart_spam_is_false_action_upon_false_action);
        tcase_add_test(tc, a_constant_answer_is_mostly_wrong);
        tcase_add_test(tc, raising_limits_that_only_hide_is_found_out);
        tcase_add_test(tc, acting_between_two_crashes_heals_neither);
        tcase_add_test(tc, a_callee_that_is_starved_was_not_saved);
        tcase_add_test(tc, a_breaker_that_starves_its_callee_does_not_prevent_its_incidents);
        tcase_add_loop_test(tc, nothing_in_a_result_is_nan_infinite_or_without_its_n, 0,
                            (int)(sizeof(oddities) / sizeof(oddities[0])));
        tcase_add_test(tc, a_service_a_fault_or_a_retry_more_moves_no_other_draw);
        tcase_add_test(tc, what_ends_an_incident_is_helpful_and_what_only_restarts_is_not);
        suite_add_tcase(suite, tc);
        SRunner *runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        int failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
