/* What was learned leaves one healer and starts another, by way of a file; and what
 * learning does to preferences and limits. */
#include <check.h>

#include <stdlib.h>
#include <string.h>

#include "harness/scenario/strategy_learned.h"
#include "tests/healer_rig.h"
#include "tests/noise.h"

static struct healer_learned *made_up(void)
{
        struct healer_learned *learned = calloc(1, sizeof(*learned));
        int i;

        healer_learned_init(learned);
        learned->tallies[HEALER_SOURCE_TRENDS][HEALER_FAILURE_DISK_FULL] =
                (struct healer_tally){7, 2, 3};
        learned->pattern_count = 1;
        learned->patterns[0] = (struct healer_pattern){.length = 2,
                                                       .signs = {HEALER_SIGN_OOM,
                                                                 HEALER_SIGN_MESSAGE +
                                                                         HEALER_FAILURE_DISK_FULL,
                                                                 0},
                                                       .failure = HEALER_FAILURE_CASCADE,
                                                       .seen = 9,
                                                       .followed = 8,
                                                       .lead_mean_s = 33.3,
                                                       .lead_m2 = 0.1,
                                                       .right = 1,
                                                       .wrong = 2};
        learned->model.count = 1;
        learned->model.bias = -1.0 / 3;
        learned->model.rows = 100;
        learned->model.failures = 12;
        learned->model.stumps[0] =
                (struct healer_stump){HEALER_FEATURE_QUEUE_REACH, 0.7, -0.1, 1.0 / 7};
        for (i = 0; i < 6; i++) {
                struct healer_case one = {.failed = i % 2, .failure = HEALER_FAILURE_AGENT_DOWN};

                one.features[HEALER_FEATURE_CPU] = i / 3.0;
                if (!one.failed)
                        one.failure = HEALER_FAILURE_UNKNOWN;
                learned->cases.kept[one.failed][learned->cases.count[one.failed]++] = one;
        }
        learned->effects[3][4] = (struct healer_effect){5, 2, 0.41};
        learned->by_context[HEALER_CONTEXT_WIDE][3][4] = (struct healer_effect){2, 2, 0.7};
        learned->tuning[HEALER_METRIC_CPU] = (struct healer_tuning){1.1, 0.77, 12};
        return learned;
}

static bool read_text_of(const char *text, struct healer_learned *out, char *message, size_t size)
{
        struct read_session session;
        struct read_context ctx;
        struct diag_list diags;
        struct arena arena;
        const json_t *root;
        bool ok;

        arena_init(&arena);
        diag_list_init(&diags);
        read_session_begin(&session, &arena, &diags);
        ok = read_text_begin(&session, "state", text, strlen(text), JSON_PATH_ROOT, &ctx, &root) &&
             learned_state_read(&ctx, root, JSON_PATH_ROOT, out);
        message[0] = '\0';
        if (diags.count > 0)
                snprintf(message, size, "%s", diags.items[0].text);
        read_session_end(&session);
        diag_list_release(&diags);
        arena_release(&arena);
        return ok;
}

START_TEST(s0_26_what_was_learned_comes_back_from_its_file_bit_for_bit)
{
        struct healer_learned *learned = made_up(), *back = calloc(1, sizeof(*back));
        json_t *json = learned_state_json(learned);
        char *text = json_dumps(json, JSON_REAL_PRECISION(17)), message[256];

        ck_assert_ptr_null(healer_learned_check(learned));
        ck_assert_msg(read_text_of(text, back, message, sizeof(message)), "%s", message);
        ck_assert_int_eq(memcmp(learned->tallies, back->tallies, sizeof(back->tallies)), 0);
        ck_assert_uint_eq(back->pattern_count, 1);
        ck_assert_uint_eq(back->patterns[0].length, 2);
        ck_assert_int_eq(memcmp(learned->patterns[0].signs, back->patterns[0].signs,
                                sizeof(back->patterns[0].signs)), 0);
        ck_assert_double_eq(back->patterns[0].lead_mean_s, 33.3);
        ck_assert_double_eq(back->patterns[0].lead_m2, 0.1);
        ck_assert_uint_eq(back->patterns[0].seen, 9);
        ck_assert_uint_eq(back->patterns[0].wrong, 2);
        ck_assert_uint_eq(back->model.count, 1);
        ck_assert_double_eq(back->model.bias, -1.0 / 3);
        ck_assert_uint_eq(back->model.stumps[0].feature, HEALER_FEATURE_QUEUE_REACH);
        ck_assert_double_eq(back->model.stumps[0].limit, 0.7);
        ck_assert_double_eq(back->model.stumps[0].high, 1.0 / 7);
        ck_assert_int_eq(memcmp(learned->effects, back->effects, sizeof(back->effects)), 0);
        ck_assert_int_eq(memcmp(learned->by_context, back->by_context, sizeof(back->by_context)),
                         0);
        ck_assert_double_eq(back->cases.kept[1][2].features[HEALER_FEATURE_CPU], 5 / 3.0);
        ck_assert_double_eq(back->tuning[HEALER_METRIC_CPU].usual_high, 0.77);
        free(text);
        json_decref(json);
        free(learned);
        free(back);
}
END_TEST

static const struct {
        const char *text, *words;
} refusals[] = {
        {"{}", "learned_state"},
        {"{\"learned_state\": 2}", "1"},
        {"{\"learned_state\": 1, \"pattern\": []}", "unknown key"},
        {"{\"learned_state\": 1, \"tallies\": [{\"source\": \"stars\", \"failure\": "
         "\"cascade\", \"right\": 1, \"wrong\": 0, \"acted\": 0}]}",
         "no source named 'stars'"},
        {"{\"learned_state\": 1, \"model\": {\"bias\": 0, \"rows\": 1, \"failures\": 1, "
         "\"stumps\": [{\"feature\": \"mood\", \"limit\": 1, \"low\": 0, \"high\": 1}]}}",
         "no feature named 'mood'"},
        {"{\"learned_state\": 1, \"patterns\": [{\"signs\": [\"oom\"], \"failure\": "
         "\"cascade\", \"seen\": 1, \"followed\": 2, \"lead_s\": 1, \"lead_squares\": 0, "
         "\"right\": 0, \"wrong\": 0}]}",
         "patterns"},
        {"{\"learned_state\": 1, \"tuning\": [{\"metric\": \"cpu\", \"factor\": 3, "
         "\"usual_high\": 0, \"outcomes\": 1}]}",
         "1.25"},
};

START_TEST(a_file_that_cannot_be_is_refused_with_the_reason)
{
        struct healer_learned *out = calloc(1, sizeof(*out));
        char message[256];

        ck_assert(!read_text_of(refusals[_i].text, out, message, sizeof(message)));
        ck_assert_msg(strstr(message, refusals[_i].words) != NULL, "%s", message);
        free(out);
}
END_TEST

START_TEST(an_unsound_state_changes_nothing)
{
        struct healer_learned *learned = made_up();
        struct rig *rig = rig_started();

        learned->effects[3][4].helped = 6; /* of 5 */
        ck_assert_int_eq(healer_import(rig->healer, learned), HEALER_E_RANGE);
        ck_assert_uint_eq(healer_effect(rig->healer, 3, 4).tried, 0);
        learned->effects[3][4].helped = 2;
        ck_assert_int_eq(healer_import(rig->healer, learned), HEALER_OK);
        ck_assert_uint_eq(healer_effect(rig->healer, 3, 4).tried, 5);
        ck_assert_double_eq(healer_effect_in(rig->healer, HEALER_CONTEXT_WIDE, 3, 4).preference,
                            0.7);
        learned->size = 8;
        ck_assert_int_eq(healer_import(rig->healer, learned), HEALER_E_SIZE);
        rig_free(rig);
        free(learned);
}
END_TEST

/* One payment instance fails until an action of `cure` comes; the actions taken. */
static void one_story(struct rig *rig, enum healer_action_kind cure)
{
        uint32_t first = rig->order_count, i;
        int step;

        rig->instance[INSTANCE(PAYMENT, 1)].error_ratio = 0.9;
        for (step = 0; step < 120; step++) {
                for (; rig->answered < rig->order_count; rig->answered++) {
                        const struct healer_result ok = {rig->orders[rig->answered].id, true, ""};

                        if (rig->orders[rig->answered].kind == cure) {
                                rig_answer(rig, rig->answered, true);
                                rig->instance[INSTANCE(PAYMENT, 1)] =
                                        rig_well(INSTANCE(PAYMENT, 1));
                        } else {
                                (void)healer_observe_result(rig->healer, rig->now_ns, &ok);
                        }
                }
                rig_step(rig);
        }
        for (i = first; i < rig->order_count; i++)
                ck_assert_uint_eq(rig->orders[i].service, PAYMENT);
        rig->instance[INSTANCE(PAYMENT, 1)] = rig_well(INSTANCE(PAYMENT, 1));
        rig_run(rig, 4000);
}

START_TEST(s1_25_preference_moves_by_the_set_rate_and_frozen_it_does_not)
{
        struct rig *rig = rig_create();
        struct healer_effect effect;

        rig->config.learning.enabled = _i == 0;
        rig->config.learning.rate = 0.25;
        rig->config.detection.patterns = false;
        rig_without_failover(rig);
        rig_start(rig);
        rig_run(rig, 300);
        one_story(rig, HEALER_ACTION_RESTART_INSTANCE);
        effect = healer_effect(rig->healer, HEALER_FAILURE_EXECUTION_ERROR,
                               HEALER_ACTION_RESTART_INSTANCE);
        if (effect.tried == 0)
                effect = healer_effect(rig->healer, HEALER_FAILURE_AGENT_FAILED,
                                       HEALER_ACTION_RESTART_INSTANCE);
        ck_assert_uint_eq(effect.tried, _i == 0 ? 1 : 0);
        ck_assert_double_eq_tol(effect.preference, _i == 0 ? 0.5 + 0.25 * 0.5 : 0.5, 1e-12);
        rig_free(rig);
}
END_TEST

static uint32_t restarts(const struct rig *rig, uint32_t from)
{
        uint32_t i, count = 0;

        for (i = from; i < rig->order_count; i++)
                count += rig->orders[i].kind == HEALER_ACTION_RESTART_INSTANCE;
        return count;
}

START_TEST(s4_20_what_never_helped_here_is_left_out_and_frozen_it_is_tried_for_ever)
{
        struct rig *rig = rig_create();
        uint32_t from;
        int i;

        rig->config.learning.continuous_improvement = _i == 0;
        rig->config.learning.min_samples = 4;
        rig->config.learning.rate = 0.3;
        rig->config.detection.patterns = false;
        rig->config.recovery.restarts_max = 100;
        rig->config.recovery.budget_actions = 1000;
        rig->config.escalation.timeout_ns = 86400 * RIG_SECOND;
        rig_without_failover(rig);
        rig_start(rig);
        rig_run(rig, 300);
        for (i = 0; i < 6; i++)
                one_story(rig, HEALER_ACTION_REPLACE_INSTANCE);
        from = rig->order_count;
        one_story(rig, HEALER_ACTION_REPLACE_INSTANCE);
        ck_assert_uint_gt(rig->order_count, from);
        if (_i == 0)
                ck_assert_uint_eq(restarts(rig, from), 0);
        else
                ck_assert_uint_gt(restarts(rig, from), 0);
        rig_free(rig);
}
END_TEST

/* ---- frozen */

static char *state_text(const struct healer *healer)
{
        struct healer_learned *state = calloc(1, sizeof(*state));
        json_t *json;
        char *text;

        healer_export(healer, state);
        json = learned_state_json(state);
        text = json_dumps(json, JSON_REAL_PRECISION(17));
        json_decref(json);
        free(state);
        return text;
}

/* Failures, healings, false alarms, a leak and crashes: all that teaches. */
static void eventful(struct rig *rig)
{
        int i;

        one_story(rig, HEALER_ACTION_RESTART_INSTANCE);
        for (i = 0; i < 3; i++) {
                rig->instance[INSTANCE(CART, 0)].error_ratio = 0.3;
                rig_run(rig, 15);
                rig->instance[INSTANCE(CART, 0)].error_ratio = 0;
                rig_run(rig, 300);
                rig_crash(rig, INSTANCE(FRONTEND, 2));
                rig_run(rig, 10);
                rig_comes_back(rig, INSTANCE(FRONTEND, 2));
                rig_run(rig, 100);
        }
        for (i = 0; i < 100; i++) {
                rig->instance[INSTANCE(CHECKOUT, 1)].memory_ratio = 0.4 + 0.006 * i;
                rig_step(rig);
        }
}

START_TEST(learning_enabled_false_leaves_all_that_was_learned_as_it_is)
{
        struct healer_learned *learned = made_up();
        struct rig *rig = rig_create();
        char *before, *after;

        rig->config.learning.enabled = _i == 0;
        rig_start(rig);
        ck_assert_int_eq(healer_import(rig->healer, learned), HEALER_OK);
        before = state_text(rig->healer);
        rig_run(rig, 300);
        eventful(rig);
        after = state_text(rig->healer);
        ck_assert_int_eq(strcmp(before, after) != 0, _i == 0);
        free(before);
        free(after);
        free(learned);
        rig_free(rig);
}
END_TEST

/* ---- S4-20: what was learned, against always doing the same */

enum { INCIDENTS = 24, DEADLINE_STEPS = 12, LESSON_STEPS = 48 };

/* What cures an incident lies in its host, or in the version that came just before it. */
static bool cures(enum healer_action_kind kind, bool of_version)
{
        return kind == (of_version ? HEALER_ACTION_ROLLBACK_DEPLOYMENT
                                   : HEALER_ACTION_REPLACE_INSTANCE);
}

/* Whether it was over within so many steps; then somebody ends it. */
static bool one_incident(struct rig *rig, struct noise *noise, bool of_version, int steps)
{
        uint32_t sick = INSTANCE(PAYMENT, noise_unit(noise) < 0.5), k;
        bool over = false;
        int step;

        if (of_version) {
                rig_event(rig, HEALER_OCCURRED_DEPLOYMENT_STARTED, PAYMENT, HEALER_NONE, 0);
                rig_event(rig, HEALER_OCCURRED_DEPLOYMENT_FINISHED, PAYMENT, HEALER_NONE, 0);
                rig_run(rig, 150); /* long enough that nothing else points at it */
        }
        rig->instance[sick].error_ratio = 0.5 + 0.4 * noise_unit(noise);
        for (step = 0; step < steps; step++) {
                for (; rig->answered < rig->order_count; rig->answered++) {
                        const struct healer_result ok = {rig->orders[rig->answered].id, true, ""};

                        k = rig->answered;
                        if (rig->orders[k].kind == HEALER_ACTION_REPLACE_INSTANCE && !of_version)
                                rig_answer(rig, k, true);
                        else
                                (void)healer_observe_result(rig->healer, rig->now_ns, &ok);
                        if (cures(rig->orders[k].kind, of_version)) {
                                over = true;
                                rig->instance[sick] = rig_well(sick);
                        }
                }
                rig_step(rig);
        }
        rig->instance[sick] = rig_well(sick);
        rig_answer_all(rig, true);
        rig_run(rig, 700); /* what was in vain is left alone for ten minutes */
        return over;
}

/* How many of INCIDENTS were over in a minute, by doing `only` that (HEALER_ACTION_COUNT:
 * the ladder). To learn, `end`, there is time to find out what helps. */
static uint32_t recovered(enum healer_action_kind only, struct healer_learned *start,
                          struct healer_learned *end, uint64_t seed)
{
        const struct healer_ladder fixed = {1, {only}};
        struct noise noise = {seed};
        struct rig *rig = rig_create();
        uint32_t i, count = 0;
        int f;

        rig->config.prediction.enabled = false;
        rig->config.detection.patterns = false;
        rig->config.learning.min_samples = 3;
        rig->config.learning.rate = 0.3;
        rig->config.recovery.restarts_max = 1000;
        rig->config.recovery.budget_actions = 1000;
        rig->config.escalation.timeout_ns = 86400 * RIG_SECOND;
        for (f = 0; only != HEALER_ACTION_COUNT && f < HEALER_FAILURE_COUNT; f++)
                rig->config.recovery.strategies[f] = fixed;
        rig_without_failover(rig);
        rig_start(rig);
        if (start != NULL)
                ck_assert_int_eq(healer_import(rig->healer, start), HEALER_OK);
        rig_run(rig, 300);
        for (i = 0; i < INCIDENTS; i++)
                count += one_incident(rig, &noise, noise_unit(&noise) < 0.4,
                                      end != NULL ? LESSON_STEPS : DEADLINE_STEPS);
        if (end != NULL)
                healer_export(rig->healer, end);
        rig_free(rig);
        return count;
}

START_TEST(s4_20_the_learned_choice_recovers_as_many_held_out_incidents_as_the_best_fixed_one)
{
        static const enum healer_action_kind fixed[] = {HEALER_ACTION_RESTART_INSTANCE,
                                                        HEALER_ACTION_REPLACE_INSTANCE,
                                                        HEALER_ACTION_ROLLBACK_DEPLOYMENT};
        struct healer_learned *learned = calloc(1, sizeof(*learned));
        uint32_t best = 0, by_ladder, by_learned, i, count;

        (void)recovered(HEALER_ACTION_COUNT, NULL, learned, 1);
        by_ladder = recovered(HEALER_ACTION_COUNT, NULL, NULL, 2);
        by_learned = recovered(HEALER_ACTION_COUNT, learned, NULL, 2);
        for (i = 0; i < 3; i++) {
                count = recovered(fixed[i], NULL, NULL, 2);
                best = count > best ? count : best;
        }
        ck_assert_uint_gt(best, 0);
        ck_assert_msg(by_learned >= best && by_learned > by_ladder,
                      "of %d: learned %u, the ladder as written %u, the best fixed choice %u",
                      INCIDENTS, by_learned, by_ladder, best);
        free(learned);
}
END_TEST

/* ---- S0-38: limits that were learned, on faults that they were not learned from */

struct trips {
        uint32_t false_ones, missed, faults;
        int64_t delay_ns;
};

/* Goes on for some time; alarms about payment are counted, and when the first came. */
static uint32_t alarms_in(struct rig *rig, int64_t seconds, int64_t *first_ns)
{
        int64_t end_ns = rig->now_ns + seconds * RIG_SECOND;
        uint32_t i, count = 0;

        while (rig->now_ns < end_ns) {
                rig->notice_count = 0;
                rig_step(rig);
                for (i = 0; i < rig->notice_count; i++) {
                        if (rig->notices[i].kind == HEALER_NOTICE_ALARM &&
                            rig->notices[i].service == PAYMENT && count++ == 0)
                                *first_ns = rig->now_ns;
                }
        }
        return count;
}

/* Spells of a few errors that pass by themselves in a quarter of a minute (`spells`), and steps of
 * many that last two minutes (`faults`), in turns and at levels that chance says. */
static struct trips live(struct rig *rig, uint64_t seed, bool spells, bool faults)
{
        struct noise noise = {seed};
        struct trips trips = {0, 0, 0, 0};
        int64_t began_ns, first_ns = 0, rest_s, ignored_ns;
        uint32_t found;
        bool fault;
        int i;

        for (i = 0; i < 40; i++) {
                fault = faults && (!spells || noise_unit(&noise) < 0.4);
                began_ns = rig->now_ns;
                rig->instance[INSTANCE(PAYMENT, 1)].error_ratio =
                        fault ? 0.15 + 0.8 * noise_unit(&noise)
                              : 0.052 + 0.008 * noise_unit(&noise);
                found = alarms_in(rig, fault ? 120 : 15, &first_ns);
                rig->instance[INSTANCE(PAYMENT, 1)].error_ratio = 0.01 * noise_unit(&noise);
                rest_s = 200 + (int64_t)(100 * noise_unit(&noise));
                if (!fault) {
                        trips.false_ones += found + alarms_in(rig, rest_s, &ignored_ns);
                        continue;
                }
                trips.faults++;
                trips.missed += found == 0;
                trips.delay_ns += found == 0 ? 120 * RIG_SECOND : first_ns - began_ns;
                rig_run(rig, rest_s);
        }
        return trips;
}

static struct rig *watcher(const struct healer_learned *learned, uint32_t min_samples)
{
        struct rig *rig = rig_create();
        uint32_t i;

        rig->config.auto_heal = false; /* only alarms are looked at */
        rig->config.learning.min_samples = min_samples;
        rig->config.prediction.enabled = false;
        rig->config.escalation.timeout_ns = 86400 * RIG_SECOND;
        for (i = 0; i < RIG_INSTANCES; i++)
                rig->instance[i].throughput_per_s = 200;
        rig_start(rig);
        if (learned != NULL)
                ck_assert_int_eq(healer_import(rig->healer, learned), HEALER_OK);
        return rig;
}

START_TEST(s0_38_tuned_limits_trip_falsely_less_and_detect_no_later_on_held_out_faults)
{
        struct healer_learned *learned = calloc(1, sizeof(*learned));
        struct rig *rig = watcher(NULL, 10);
        const struct healer_tuning *tuning = &learned->tuning[HEALER_METRIC_ERROR_RATE];
        struct trips as_written, tuned;

        (void)live(rig, 1, true, true);
        healer_export(rig->healer, learned);
        rig_free(rig);
        ck_assert_uint_ge(tuning->outcomes, 10);
        ck_assert_double_gt(tuning->factor, 1);
        ck_assert_double_le(tuning->factor, HEALER_TUNING_MAX);

        rig = watcher(learned, 1000000); /* never enough: as written */
        as_written = live(rig, 2, true, true);
        rig_free(rig);
        rig = watcher(learned, 10);
        tuned = live(rig, 2, true, true);
        rig_free(rig);
        ck_assert_uint_gt(as_written.faults, 10);
        ck_assert_uint_eq(as_written.faults, tuned.faults);
        ck_assert_uint_gt(as_written.false_ones, 10);
        ck_assert_uint_lt(tuned.false_ones, as_written.false_ones);
        ck_assert_uint_le(tuned.missed, as_written.missed);
        ck_assert_int_le(tuned.delay_ns, as_written.delay_ns);
        free(learned);
}
END_TEST

START_TEST(s0_38_limits_stay_within_their_bounds_however_long_they_are_wrong)
{
        struct healer_learned *learned = calloc(1, sizeof(*learned));
        struct rig *rig = watcher(NULL, 10);
        uint64_t seed;
        size_t m;

        for (seed = 1; seed < 6; seed++)
                (void)live(rig, seed, true, false);
        healer_export(rig->healer, learned);
        for (m = 0; m < HEALER_METRIC_COUNT; m++) {
                ck_assert_double_ge(learned->tuning[m].factor, HEALER_TUNING_MIN);
                ck_assert_double_le(learned->tuning[m].factor, HEALER_TUNING_MAX);
        }
        rig_free(rig);
        free(learned);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("learned");
        TCase *tests = tcase_create("learned");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_test(tests, s0_26_what_was_learned_comes_back_from_its_file_bit_for_bit);
        tcase_add_loop_test(tests, a_file_that_cannot_be_is_refused_with_the_reason, 0, 7);
        tcase_add_test(tests, an_unsound_state_changes_nothing);
        tcase_add_loop_test(tests, s1_25_preference_moves_by_the_set_rate_and_frozen_it_does_not, 0,
                            2);
        tcase_add_loop_test(
                tests, s4_20_what_never_helped_here_is_left_out_and_frozen_it_is_tried_for_ever, 0,
                2);
        tcase_add_test(
                tests, s0_38_tuned_limits_trip_falsely_less_and_detect_no_later_on_held_out_faults);
        tcase_add_test(tests, s0_38_limits_stay_within_their_bounds_however_long_they_are_wrong);
        tcase_add_loop_test(tests, learning_enabled_false_leaves_all_that_was_learned_as_it_is, 0,
                            2);
        tcase_add_test(
                tests,
                s4_20_the_learned_choice_recovers_as_many_held_out_incidents_as_the_best_fixed_one);
        suite_add_tcase(suite, tests);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
