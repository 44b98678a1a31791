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
#include "tests/effort.h"
#include "tests/numbers.h"

/* ---- cheats */

/* Services of shop.json. */
enum { SHOP, BANK };

static json_t *shop(const char *strategy)
{
        struct graded_run asked = {.file = "shop.json", .strategy = strategy, .runs = EFFORT(6, 3)};

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
        struct graded_run honest = {.file = "leak.json", .sets = sets, .set_count = 1};
        char path[512], honest_path[512];
        json_t *hidden, *healed;

        /* Both without retries, which alone avert most of what a killed instance costs. */
        snprintf(path, sizeof(path), "%s/experiments/strategies/hides.json", getenv("TEST_DATA"));
        snprintf(honest_path, sizeof(honest_path), "%s/experiments/strategies/unretried.json",
                 getenv("TEST_DATA"));
        asked.strategy = path;
        honest.strategy = honest_path;
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

START_TEST(nothing_in_a_result_is_nan_infinite_or_without_its_n)
{
        const struct oddity *oddity = &oddities[_i];
        struct graded_run asked = {.file = oddity->file, .strategy = oddity->strategy,
                                   .sets = oddity->sets, .set_count = oddity->set_count,
                                   .runs = oddity->runs};
        json_t *result = graded_result(&asked);
        char *text = json_dumps(result, JSON_REAL_PRECISION(12));

        ck_assert_msg(numbers_check(oddity->name, "result", result) > 100, "%s: hardly any metric", oddity->name);
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
                ("method[2]={\"name\": \"one more\", \"fault\": \"crash\", \"target\": {\"service\": "
                 "\"notes\", \"instances\": \"one\"}, \"at\": \"1m\"}"),
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

/* ---- a repair must last */

struct played {
        int64_t started_ns[4], of_untreated_ns[4];
        uint32_t count, instance[4], of_untreated;
};

static void keep_plays(void *user, const struct scenario *scenario, const struct run_meta *meta,
                       const struct replication_record *record)
{
        struct played *played = user;

        (void)scenario;
        (void)meta;
        for (size_t i = 0; i < record->arms[ARM_TREATED]->journal_count; i++) {
                const struct journal_entry *entry = &record->arms[ARM_TREATED]->journal[i];

                if (entry->type != JOURNAL_FAULT_STARTED)
                        continue;
                ck_assert_uint_lt(played->count, 4);
                played->instance[played->count] = entry->ref;
                played->started_ns[played->count++] = entry->at_ns;
        }
        for (size_t i = 0; i < record->arms[ARM_UNTREATED]->journal_count; i++)
                if (record->arms[ARM_UNTREATED]->journal[i].type == JOURNAL_FAULT_STARTED)
                        played->of_untreated_ns[played->of_untreated++] =
                                record->arms[ARM_UNTREATED]->journal[i].at_ns;
}

START_TEST(with_replay_trigger_the_same_faults_come_once_more_in_every_arm)
{
        static const char *const sets[] = {"duration=\"14m\"",
                                           "evaluation={\"replay_trigger\": true}"};
        static const char *const skip[] = {"bank hangs"};
        struct played played = {.count = 0};
        struct graded_run asked = {.file = "shop.json", .strategy = "default", .sets = sets,
                                   .set_count = 2, .runs = 1, .user = &played, .look = keep_plays};
        json_t *once, *twice = graded_result(&asked);

        /* At 2 and 5 minutes; then, five minutes after the last began, at 10 and 13. */
        ck_assert_uint_eq(played.count, 4);
        ck_assert_uint_eq(played.of_untreated, 4);
        for (uint32_t i = 0; i < 4; i++)
                ck_assert_int_eq(played.started_ns[i], played.of_untreated_ns[i]);
        ck_assert_int_eq(played.started_ns[2], 10 * NS_PER_MIN);
        ck_assert_int_eq(played.started_ns[3], 13 * NS_PER_MIN);
        ck_assert_uint_eq(played.instance[0], played.instance[2]);
        json_decref(twice);
        /* What is slow comes as slow again; who hangs already does not hang twice. */
        asked.look = NULL;
        asked.skip = skip;
        asked.skip_count = 1;
        twice = graded_result(&asked);
        asked.set_count = 1;
        once = graded_result(&asked);
        ck_assert_double_gt(graded_value_of(twice, "untreated", "failed_requests"),
                            1.5 * graded_value_of(once, "untreated", "failed_requests"));
        ck_assert_double_gt(graded_value(twice, "failed_requests"),
                            graded_value(once, "failed_requests"));
        json_decref(once);
        json_decref(twice);
}
END_TEST

/* ---- clock points and rates, counted once more from the journals */

struct recount {
        double detection_s, recovery_s, outage_s, observed_s;
        uint64_t detected, recovered, incidents, good, judged;
};

/* Both faults of the shop are on the bank: an alarm about bank or shop is about them. */
static void count_again(void *user, const struct scenario *scenario, const struct run_meta *meta,
                        const struct replication_record *record)
{
        struct recount *sum = user;
        const struct arm_record *arm = record->arms[ARM_TREATED];

        (void)scenario;
        (void)meta;
        sum->observed_s += (double)arm->end_ns * 1e-9;
        for (int p = 0; p < PHASE_COUNT; p++) {
                sum->good += arm->services[SHOP].phase[p].good;
                sum->judged += arm->services[SHOP].phase[p].good + arm->services[SHOP].phase[p].bad;
        }
        for (size_t k = 0; k < arm->incident_count; k++) {
                const struct incident *incident = &arm->incidents[k];
                int64_t fault_ns = 0, alarm_ns = TIME_NEVER;

                sum->incidents++;
                if (incident->service == SHOP)
                        sum->outage_s += (double)(incident->restored_ns - incident->onset_ns) * 1e-9;
                for (size_t i = 0; i < arm->journal_count; i++) {
                        const struct journal_entry *entry = &arm->journal[i];

                        if (entry->type == JOURNAL_FAULT_STARTED &&
                            entry->at_ns <= incident->onset_ns)
                                fault_ns = entry->at_ns;
                }
                for (size_t i = arm->journal_count; i-- > 0;)
                        if (arm->journal[i].type == JOURNAL_ALARM &&
                            arm->journal[i].at_ns >= fault_ns &&
                            arm->journal[i].at_ns <= incident->restored_ns &&
                            arm->journal[i].service <= BANK)
                                alarm_ns = arm->journal[i].at_ns;
                sum->recovery_s += (double)(incident->restored_ns - fault_ns) * 1e-9;
                sum->recovered++;
                if (alarm_ns == TIME_NEVER)
                        continue;
                sum->detection_s += (double)(alarm_ns - fault_ns) * 1e-9;
                sum->detected++;
        }
}

START_TEST(detection_recovery_uptime_and_rates_equal_a_count_from_the_journal)
{
        static const char *const sets[] = {"fleet.telemetry={\"interval\": \"2s\"}"};
        struct recount sum = {0};
        struct graded_run asked = {.file = "shop.json", .strategy = "default", .sets = sets,
                                   .set_count = 1, .runs = 6, .user = &sum, .look = count_again};
        json_t *result = graded_result(&asked);

        ck_assert_uint_gt(sum.detected, 4);
        ck_assert_double_eq_tol(graded_value(result, "detection_from_fault"),
                                sum.detection_s / (double)sum.detected, 1);
        ck_assert_double_eq_tol(graded_value(result, "recovery_from_fault"),
                                sum.recovery_s / (double)sum.recovered, 1);
        ck_assert_double_eq_tol(graded_value(result, "availability_time"),
                                1 - sum.outage_s / sum.observed_s, 1e-9);
        ck_assert_double_eq_tol(graded_value(result, "availability"),
                                (double)sum.good / (double)sum.judged, 1e-9);
        ck_assert_double_eq_tol(graded_value(result, "incident_rate"),
                                (double)sum.incidents / (2 * sum.observed_s / 3600), 1e-9);
        ck_assert_double_eq(graded_value(result, "unrecovered"), 0);
        json_decref(result);
}
END_TEST

/* ---- prediction, against the same seeds with what it orders held back */

struct prevented {
        uint64_t preventive, held_back, incidents, prevented, in_shadow;
};

static bool is_bad_around(const struct arm_record *arm, const struct incident *of)
{
        for (size_t i = 0; i < arm->incident_count; i++)
                if (arm->incidents[i].service == of->service &&
                    arm->incidents[i].onset_ns <= of->restored_ns + 30 * NS_PER_S &&
                    arm->incidents[i].restored_ns >= of->onset_ns - 30 * NS_PER_S)
                        return true;
        return false;
}

static void count_prevented(void *user, const struct scenario *scenario, const struct run_meta *meta,
                            const struct replication_record *record)
{
        struct prevented *sum = user;

        (void)scenario;
        (void)meta;
        ck_assert_uint_eq(record->arms[ARM_SHADOW]->exogenous_hash,
                          record->arms[ARM_TREATED]->exogenous_hash);
        for (int a = ARM_TREATED; a <= ARM_SHADOW; a++)
                for (size_t i = 0; i < record->arms[a]->journal_count; i++) {
                        const struct journal_entry *entry = &record->arms[a]->journal[i];

                        if (entry->type != JOURNAL_ACTION_STARTED || entry->at_ns < 0)
                                continue;
                        sum->preventive += a == ARM_TREATED && entry->preventive;
                        sum->held_back += a == ARM_SHADOW && entry->held_back;
                }
        for (size_t i = 0; i < record->arms[ARM_UNTREATED]->incident_count; i++) {
                const struct incident *incident = &record->arms[ARM_UNTREATED]->incidents[i];

                sum->incidents++;
                if (is_bad_around(record->arms[ARM_TREATED], incident))
                        continue;
                sum->prevented++;
                sum->in_shadow += is_bad_around(record->arms[ARM_SHADOW], incident);
        }
}

START_TEST(prevention_is_counted_against_the_same_seeds_with_prediction_held_back)
{
        struct prevented sum = {0};
        struct graded_run asked = {.file = "leak.json", .strategy = "default", .user = &sum,
                                   .look = count_prevented};
        json_t *result = graded_result(&asked);

        ck_assert_uint_gt(sum.incidents, 0);
        ck_assert_uint_gt(sum.preventive, 0);
        ck_assert_uint_gt(sum.held_back, 0);
        ck_assert_double_eq(graded_value(result, "preventive_actions"),
                            (double)sum.preventive / 3);
        ck_assert_double_eq(graded_value(result, "prevention_rate"),
                            (double)sum.prevented / (double)sum.incidents);
        ck_assert_double_eq(graded_value(result, "prevention_rate_by_prediction"),
                            (double)sum.in_shadow / (double)sum.incidents);
        ck_assert_double_gt(graded_value(result, "precision"), 0);
        ck_assert_double_ge(graded_value(result, "false_positive_rate"), 0);
        json_decref(result);
}
END_TEST

/* ---- knock-out */

/* A restart is all that ends a hang here, and it is done once: it was helpful. */
START_TEST(what_ends_an_incident_is_helpful_and_what_only_restarts_is_not)
{
        struct graded_run asked = {.file = "shop.json", .strategy = "default",
                                   .runs = EFFORT(4, 1), .attribute = true};
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

        /* Hundreds of deeds, each knocked out in a run of its own: sanitizers have seen that by now. */
        if (EFFORT(false, true))
                return;
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
        tcase_add_test(tc, with_replay_trigger_the_same_faults_come_once_more_in_every_arm);
        tcase_add_test(tc, detection_recovery_uptime_and_rates_equal_a_count_from_the_journal);
        tcase_add_test(tc, prevention_is_counted_against_the_same_seeds_with_prediction_held_back);
        tcase_add_test(tc, what_ends_an_incident_is_helpful_and_what_only_restarts_is_not);
        suite_add_tcase(suite, tc);
        SRunner *runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        int failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
