/* Prediction: a leak and what only looks like one. */
#include <check.h>

#include "tests/healer_rig.h"
#include "tests/noise.h"

#define CASE INSTANCE(CART, 1)

static uint32_t predictions(const struct rig *rig)
{
        return rig_count(rig, HEALER_NOTICE_PREDICTION);
}

/* Cheap noise of a fixed seed. */
static double noise(uint32_t *state)
{
        *state = *state * 1664525u + 1013904223u;
        return (double)(*state >> 8) / 16777216.0 - 0.5;
}

START_TEST(the_time_of_the_end_is_foreseen_within_a_tenth)
{
        struct rig *rig = rig_started();
        const struct healer_notice *p;
        double rate_per_s = 0.0008, expected_s;

        rig_run(rig, 300);
        while (predictions(rig) == 0 && rig->now_ns < 3600 * RIG_SECOND) {
                rig->instance[CASE].memory_ratio += rate_per_s * 5;
                rig_step(rig);
        }
        p = rig_first(rig, HEALER_NOTICE_PREDICTION);
        ck_assert_ptr_nonnull(p);
        expected_s = (1 - rig->instance[CASE].memory_ratio) / rate_per_s;
        ck_assert_double_eq_tol((double)(p->eta_ns - rig->now_ns) / 1e9, expected_s,
                                expected_s / 10);
        ck_assert_double_ge(p->confidence, 0.7);
        ck_assert_uint_eq(p->instance, CASE);
        rig_free(rig);
}
END_TEST

START_TEST(noise_is_no_leak)
{
        struct rig *rig = rig_started();
        uint32_t state = 7;
        int i;

        for (i = 0; i < 17280; i++) {
                rig->instance[CASE].memory_ratio = 0.7 + 0.2 * noise(&state);
                rig_step(rig);
        }
        ck_assert_uint_eq(predictions(rig), 0);
        rig_free(rig);
}
END_TEST

START_TEST(a_step_is_no_leak)
{
        struct rig *rig = rig_started();
        uint32_t state = 3;
        int i;

        for (i = 0; i < 1000; i++) {
                rig->instance[CASE].memory_ratio =
                        (i > 200 && i < 260 ? 0.7 : 0.5) + 0.01 * noise(&state);
                rig_step(rig);
        }
        ck_assert_uint_eq(predictions(rig), 0);
        rig_free(rig);
}
END_TEST

START_TEST(a_slow_precursor_that_stops_is_not_believed)
{
        struct rig *rig = rig_started();
        int i;

        for (i = 0; i < 2000; i++) { /* 1 % a minute, ending at 80 % */
                rig->instance[CASE].memory_ratio = fmin(0.8, 0.4 + 0.01 * i * 5 / 60);
                rig_step(rig);
        }
        ck_assert_uint_eq(predictions(rig), 0);
        ck_assert_uint_eq(rig->order_count, 0);
        rig_free(rig);
}
END_TEST

START_TEST(a_sawtooth_that_climbs_is_a_leak)
{
        struct rig *rig = rig_started();
        int i;

        rig_run(rig, 300);
        for (i = 0; i < 120 && predictions(rig) == 0; i++) {
                rig->instance[CASE].memory_ratio = 0.45 + 0.004 * i + 0.02 * (i % 5);
                rig_step(rig);
        }
        ck_assert_uint_eq(predictions(rig), 1);
        rig_free(rig);
}
END_TEST

/* At 96 % it has come true, and nothing is over yet. */
START_TEST(what_came_true_is_said_and_scored_once)
{
        struct rig *rig = rig_create();
        int i;

        rig->config.auto_heal = false;
        rig->config.detection.thresholds[HEALER_METRIC_MEMORY].warning = 1;
        rig->config.detection.thresholds[HEALER_METRIC_MEMORY].critical = 1;
        rig_start(rig);
        rig_run(rig, 300);
        for (i = 0; i < 300; i++) {
                if (rig->instance[CASE].memory_ratio < 0.999)
                        rig->instance[CASE].memory_ratio +=
                                rig->instance[CASE].memory_ratio < 0.96 ? 0.004 : 0.0002;
                rig_step(rig);
        }
        ck_assert_double_ge(rig->instance[CASE].memory_ratio, 0.97);
        ck_assert_uint_eq(predictions(rig), 1);
        ck_assert_uint_eq(
                healer_prediction_day(rig->healer, rig->now_ns, HEALER_SOURCE_COUNT).right, 1);
        ck_assert_uint_eq(
                healer_prediction_day(rig->healer, rig->now_ns, HEALER_SOURCE_COUNT).wrong, 0);
        rig_free(rig);
}
END_TEST

/* The line through what lay still and what climbs says two hours where it is one half. */
START_TEST(a_short_look_says_nothing_of_what_is_hours_away)
{
        struct rig *rig = rig_create();
        struct noise wobble = {(uint64_t)_i + 1};
        double level = 0.4, step = 0.6 / (30 * 12); /* full in half an hour */
        double said_s, left_s;
        int i;

        rig->config.prediction.horizon_ns = 86400 * RIG_SECOND;
        rig->config.prediction.preventive = HEALER_PREVENTIVE_OFF;
        rig_start(rig);
        for (i = 0; i < 480 && predictions(rig) == 0; i++) {
                level += i < 120 ? 0 : step;
                rig->instance[CASE].memory_ratio = level * (1 + 0.02 * noise_normal(&wobble));
                rig_step(rig);
        }
        ck_assert_uint_eq(predictions(rig), 1);
        said_s = (double)(rig_first(rig, HEALER_NOTICE_PREDICTION)->eta_ns - rig->now_ns) / 1e9;
        left_s = (1 - level) / step * 5;
        ck_assert_double_gt(left_s, 600);
        ck_assert_double_lt(said_s, 3 * left_s);
        rig_free(rig);
}
END_TEST

static void at_level(struct rig *rig, double memory, int64_t seconds)
{
        uint32_t i;

        for (i = 0; i < RIG_INSTANCES; i++)
                rig->instance[i].memory_ratio = memory + 0.03 * (i / RIG_EACH);
        rig_run(rig, seconds);
}

/* Three services are changed and crash together, five processes: a single failure, from which
 * it does not follow that the fourth, which is changed, too, will fail. */
START_TEST(one_failure_of_many_parts_makes_nothing_familiar)
{
        struct rig *rig = rig_create();
        const uint32_t crashed[] = {INSTANCE(CART, 0), INSTANCE(CART, 1), INSTANCE(CHECKOUT, 0),
                                    INSTANCE(CHECKOUT, 1), INSTANCE(PAYMENT, 0)};
        uint32_t i;

        rig->config.auto_heal = false;
        rig_start(rig);
        for (i = 0; i < 16; i++)
                at_level(rig, 0.2 + (i % 2) * 0.03 * (16 - i), 100);
        at_level(rig, 0.4, 600);
        for (i = 0; i < 4; i++)
                rig_event(rig, HEALER_OCCURRED_CONFIG_CHANGED, i, HEALER_NONE, 0);
        for (i = 0; i < 6; i++)
                at_level(rig, 0.2 + (i % 2) * 0.05 * (7 - i), 45);
        for (i = 0; i < 5; i++)
                rig_crash(rig, crashed[i]);
        rig_run(rig, 60);
        ck_assert_uint_gt(rig_count(rig, HEALER_NOTICE_ALARM), 1);
        for (i = 0; i < rig->notice_count; i++)
                ck_assert(rig->notices[i].kind != HEALER_NOTICE_PREDICTION ||
                          rig->notices[i].service != FRONTEND);
        rig_free(rig);
}
END_TEST

static void leak_everywhere(struct rig *rig, int steps)
{
        int i, k;

        for (i = 0; i < steps; i++) {
                for (k = 0; k < RIG_EACH; k++)
                        rig->instance[INSTANCE(CART, k)].memory_ratio += 0.0045;
                rig_step(rig);
        }
}

START_TEST(a_service_that_leaks_everywhere_is_restarted_one_by_one)
{
        struct rig *rig = rig_started();
        bool seen[RIG_EACH] = {false, false, false};
        uint32_t i;

        rig_run(rig, 300);
        leak_everywhere(rig, 90);
        for (i = 0; i < 3; i++) {
                ck_assert_uint_eq(rig->order_count, i + 1);
                ck_assert_uint_eq(healer_stats(rig->healer).orders_open, 1);
                ck_assert(rig->orders[i].preventive);
                seen[rig->orders[i].instance % RIG_EACH] = true;
                rig_answer(rig, i, true);
                leak_everywhere(rig, 6);
        }
        ck_assert(seen[0] && seen[1] && seen[2]);
        rig_free(rig);
}
END_TEST

static void renew(struct rig *rig, uint32_t instance)
{
        rig_event(rig, HEALER_OCCURRED_PROCESS_EXITED, instance / RIG_EACH, instance, 0);
        rig_comes_back(rig, instance);
}

static void deploy_cart(struct rig *rig)
{
        uint32_t k;

        rig_event(rig, HEALER_OCCURRED_DEPLOYMENT_STARTED, CART, HEALER_NONE, 0);
        for (k = 0; k < RIG_EACH; k++) {
                rig_step(rig);
                renew(rig, INSTANCE(CART, k));
        }
        rig_event(rig, HEALER_OCCURRED_DEPLOYMENT_FINISHED, CART, HEALER_NONE, 0);
}

/* Until the healer orders something, which is then done. */
static void leak_until_order(struct rig *rig, uint32_t instance)
{
        uint32_t before = rig->order_count;
        int i;

        for (i = 0; i < 120 && rig->order_count == before; i++) {
                rig->instance[instance].memory_ratio += 0.0045;
                rig_step(rig);
        }
        ck_assert_uint_eq(rig->order_count, before + 1);
        ck_assert(rig->orders[before].preventive);
        rig_answer(rig, before, true);
        rig_run(rig, 120);
}

enum leak { OF_VERSION, OF_RENEWED_PEER, OF_PEER, OF_PROCESS, BEFORE_DEPLOYMENT, LONG_AFTER,
            MUCH_LATER, NO_ROLLBACK, NO_RUNG, LEAKS };

/* As leaks come back: since a deployment or not, at once or once more by chance; and a peer
 * whose turn comes has not been renewed yet. */
START_TEST(a_leak_that_comes_back_since_a_deployment_is_rolled_back_and_no_other)
{
        static const struct healer_ladder restart = {1, {HEALER_ACTION_RESTART_INSTANCE}};
        struct rig *rig = rig_create();
        bool since = _i == OF_VERSION || _i == OF_RENEWED_PEER;
        uint32_t again = _i == OF_PEER || _i == OF_RENEWED_PEER ? INSTANCE(CART, 2) : CASE;

        rig->config.recovery.rollback = _i != NO_ROLLBACK;
        if (_i == LONG_AFTER)
                rig->config.diagnosis.correlation_window_ns = 600 * RIG_SECOND;
        if (_i == NO_RUNG)
                rig->config.recovery.strategies[HEALER_FAILURE_MEMORY_LEAK] = restart;
        rig_start(rig);
        rig_run(rig, 300);
        if (_i != OF_PROCESS && _i != BEFORE_DEPLOYMENT)
                deploy_cart(rig);
        else
                renew(rig, CASE);
        rig_run(rig, _i == LONG_AFTER ? 400 : 200);
        leak_until_order(rig, CASE);
        ck_assert_int_eq(rig->orders[0].kind, HEALER_ACTION_RESTART_INSTANCE);
        if (_i == BEFORE_DEPLOYMENT)
                deploy_cart(rig);
        if (_i == OF_RENEWED_PEER)
                renew(rig, again); /* by somebody else */
        rig_run(rig, _i == MUCH_LATER ? 1800 : 0);
        leak_until_order(rig, again);
        ck_assert_int_eq(rig->orders[1].kind, since ? HEALER_ACTION_ROLLBACK_DEPLOYMENT
                                                    : HEALER_ACTION_RESTART_INSTANCE);
        ck_assert_uint_eq(rig->orders[1].service, CART);
        rig_free(rig);
}
END_TEST

START_TEST(off_means_off)
{
        struct rig *rig = rig_create();

        if (_i == 0)
                rig->config.prediction.enabled = false;
        else if (_i == 1)
                rig->config.prediction.sources[HEALER_SOURCE_TRENDS] = false;
        else
                rig->config.prediction.confidence_threshold =
                        rig->config.prediction.auto_apply = 0.99;
        rig_start(rig);
        rig_run(rig, 300);
        leak_everywhere(rig, 90);
        ck_assert_uint_eq(predictions(rig), 0);
        ck_assert_uint_eq(rig->order_count, 0);
        rig_free(rig);
}
END_TEST

START_TEST(below_auto_apply_it_is_said_and_not_done)
{
        struct rig *rig = rig_create();

        rig->config.prediction.auto_apply = 0.95;
        rig_start(rig);
        rig_run(rig, 300);
        leak_everywhere(rig, 90);
        ck_assert_uint_eq(predictions(rig), 3);
        ck_assert_uint_eq(rig->order_count, 0);
        rig_free(rig);
}
END_TEST

START_TEST(a_preventive_action_that_did_nothing_is_not_verified_and_calls_nobody)
{
        const struct healer_result ok = {0, true, ""};
        struct rig *rig = rig_started();
        struct healer_result result = ok;
        uint32_t i;

        rig_run(rig, 300);
        for (i = 0; i < 115; i++) {
                rig->instance[CASE].memory_ratio += 0.0045;
                rig_step(rig);
                for (; rig->answered < rig->order_count; rig->answered++) {
                        result.id = rig->orders[rig->answered].id; /* held back: nothing done */
                        (void)healer_observe_result(rig->healer, rig->now_ns, &result);
                }
        }
        ck_assert_uint_ge(rig->order_count, 1);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_EPISODE_VERIFIED), 0);
        ck_assert_uint_ge(rig_count(rig, HEALER_NOTICE_EPISODE_FAILED), 1);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_ESCALATION), 0);
        rig_free(rig);
}
END_TEST

/* ---- the five sources, each with a story of its own */

static const struct healer_notice *foreseen(const struct rig *rig)
{
        return rig_first(rig, HEALER_NOTICE_PREDICTION);
}

static void tell_leak(struct rig *rig, int i)
{
        (void)i;
        rig->instance[CASE].memory_ratio = fmin(0.99, rig->instance[CASE].memory_ratio + 0.0045);
}

static void tell_backlog(struct rig *rig, int i)
{
        rig->instance[CASE].queue_depth = i / 4.0;
}

static void tell_slowing(struct rig *rig, int i)
{
        rig_slow_instance(rig, CASE, 0.010 + 0.02 * i);
}

static void tell_gaps(struct rig *rig, int i)
{
        if (i % 4 == 0)
                rig_event(rig, HEALER_OCCURRED_HEARTBEAT_MISSED, CART, CASE, 0);
        else if (i % 4 == 1)
                rig_event(rig, HEALER_OCCURRED_HEARTBEAT_BACK, CART, CASE, 0);
}

static void tell_sign(struct rig *rig, int i)
{
        if (i == 3)
                rig_event(rig, HEALER_OCCURRED_HEALTH_CHECK, CART, CASE, 0);
}

static void tell_recurring(struct rig *rig, int i)
{
        if (i % 40 < 8)
                rig->instance[CASE].error_ratio = 0.5;
        else
                rig->instance[CASE].error_ratio = 0;
}

static const struct {
        enum healer_source source;
        void (*tell)(struct rig *rig, int i);
} stories[] = {
        {HEALER_SOURCE_TRENDS, tell_leak},    {HEALER_SOURCE_QUEUE, tell_backlog},
        {HEALER_SOURCE_HEALTH, tell_slowing}, {HEALER_SOURCE_PATTERNS, tell_sign},
        {HEALER_SOURCE_HISTORY, tell_recurring},
};

/* A check that fails came before agent_failed ten times of ten, two minutes ahead. */
static void teach(struct rig *rig)
{
        struct healer_learned *learned = calloc(1, sizeof(*learned));

        healer_learned_init(learned);
        learned->pattern_count = 1;
        learned->patterns[0] = (struct healer_pattern){.length = 1,
                                                       .signs = {HEALER_SIGN_CHECK, 0, 0},
                                                       .failure = HEALER_FAILURE_AGENT_FAILED,
                                                       .seen = 10,
                                                       .followed = 10,
                                                       .lead_mean_s = 120};
        ck_assert_int_eq(healer_import(rig->healer, learned), HEALER_OK);
        free(learned);
}

/* Tells a story with only its own source on; the first prediction, or NULL. */
static struct rig *told(int story, double threshold, int *step)
{
        struct rig *rig = rig_create();
        int s, i;

        for (s = 0; s < HEALER_SOURCE_COUNT; s++)
                rig->config.prediction.sources[s] = s == (int)stories[story].source;
        rig->config.prediction.confidence_threshold = threshold;
        rig->config.prediction.auto_apply = 1;
        rig->config.auto_heal = false;
        rig_start(rig);
        teach(rig);
        rig_run(rig, 300);
        for (i = 0; i < 240 && foreseen(rig) == NULL; i++) {
                stories[story].tell(rig, i);
                rig_step(rig);
        }
        *step = i;
        return rig;
}

START_TEST(s0_24_equal_to_the_threshold_passes_and_just_below_does_not)
{
        struct rig *rig;
        double confidence;
        int at, equal_at, below_at;

        rig = told(_i, 0.6, &at);
        ck_assert_ptr_nonnull(foreseen(rig));
        confidence = foreseen(rig)->confidence;
        rig_free(rig);
        rig = told(_i, confidence, &equal_at);
        ck_assert_int_eq(equal_at, at);
        ck_assert_ptr_nonnull(foreseen(rig));
        rig_free(rig);
        rig = told(_i, nextafter(confidence, 1), &below_at);
        ck_assert(foreseen(rig) == NULL || below_at > at);
        rig_free(rig);
}
END_TEST

START_TEST(a_source_that_is_off_says_nothing)
{
        struct rig *rig = rig_create();
        int i;

        rig->config.prediction.sources[stories[_i].source] = false;
        rig->config.auto_heal = false;
        rig_start(rig);
        teach(rig);
        rig_run(rig, 300);
        for (i = 0; i < 60; i++) {
                stories[_i].tell(rig, i);
                rig_step(rig);
        }
        ck_assert_uint_eq(predictions(rig), 0);
        rig_free(rig);
}
END_TEST

START_TEST(s0_24_a_threshold_outside_0_to_1_is_refused)
{
        struct healer_config config;
        char reason[160];

        healer_config_defaults(&config);
        config.prediction.auto_apply = 1;
        config.prediction.confidence_threshold = 0.85; /* the strict preset's */
        ck_assert_ptr_null(healer_config_check(&config, reason, sizeof(reason)));
        config.prediction.confidence_threshold = 1.01;
        config.prediction.auto_apply = 1.01;
        ck_assert_ptr_nonnull(healer_config_check(&config, reason, sizeof(reason)));
        healer_config_defaults(&config);
        config.prediction.confidence_threshold = -0.01;
        ck_assert_ptr_nonnull(healer_config_check(&config, reason, sizeof(reason)));
}
END_TEST

START_TEST(s0_18_signs_that_came_before_failures_are_predicted_from_and_nothing_without_them)
{
        struct rig *rig = rig_started();
        const struct healer_notice *p;
        int64_t at_ns;

        teach(rig);
        rig_run(rig, 1200);
        ck_assert_uint_eq(predictions(rig), 0);
        at_ns = rig->now_ns;
        rig_event(rig, HEALER_OCCURRED_HEALTH_CHECK, CART, CASE, 0);
        p = foreseen(rig);
        ck_assert_ptr_nonnull(p);
        ck_assert_int_eq(p->failure, HEALER_FAILURE_AGENT_FAILED);
        ck_assert_uint_eq(p->service, CART);
        ck_assert_int_eq(p->eta_ns, at_ns + 120 * RIG_SECOND);
        /* ten of now eleven, always two minutes ahead, nothing predicted yet, just seen */
        ck_assert_double_eq_tol(p->confidence,
                                0.5 * (0.7 * 10 / 11 + 0.3) + 0.3 * 0.5 + 0.2, 1e-9);
        rig_free(rig);
}
END_TEST

START_TEST(s0_21_an_instance_that_fails_slows_down_or_falls_silent_is_flagged)
{
        void (*const tell[])(struct rig *, int) = {tell_slowing, tell_gaps};
        struct rig *rig = rig_create();
        int i;

        rig->config.auto_heal = false; /* or it would be mended before it is out */
        rig_start(rig);
        rig_run(rig, 300);
        for (i = 0; i < 60 && foreseen(rig) == NULL; i++) {
                if (_i == 2)
                        rig->instance[CASE].error_ratio = 0.35; /* success below 70 % */
                else
                        tell[_i](rig, i);
                rig_step(rig);
        }
        ck_assert_ptr_nonnull(foreseen(rig));
        ck_assert_uint_eq(foreseen(rig)->instance, CASE);
        ck_assert_uint_eq(foreseen(rig)->service, CART);
        rig_free(rig);
}
END_TEST

START_TEST(s0_22_a_backlog_is_foreseen_within_a_fifth_and_a_stable_deep_one_is_not)
{
        struct rig *rig = rig_create();
        struct noise noise = {9};
        const struct healer_notice *p;
        double limit = 32, left_s; /* 10 answers a second and 2 s: late from 20 on; at least 4 x 8 */
        int i;

        rig->config.auto_heal = false;
        rig_start(rig);
        rig_run(rig, 300);
        for (i = 0; i < 128 && foreseen(rig) == NULL; i++) {
                tell_backlog(rig, i);
                rig_step(rig);
        }
        p = foreseen(rig);
        ck_assert_ptr_nonnull(p);
        ck_assert_int_eq(p->metric, HEALER_METRIC_QUEUE);
        ck_assert_double_lt(rig->instance[CASE].queue_depth, limit);
        left_s = (limit - rig->instance[CASE].queue_depth) * 4 * 5;
        ck_assert_double_eq_tol((double)(p->eta_ns - rig->now_ns) / 1e9, left_s, 0.2 * left_s);
        rig_free(rig);

        rig = rig_started();
        rig_run(rig, 300);
        for (i = 0; i < 2000; i++) {
                rig->instance[CASE].queue_depth = 26 + 2 * noise_normal(&noise);
                rig_step(rig);
        }
        ck_assert_uint_eq(predictions(rig), 0);
        rig_free(rig);
}
END_TEST

START_TEST(s0_25_queued_it_waits_for_approval_and_acts_once)
{
        struct rig *rig = rig_create();
        const struct healer_notice *suggestion;

        rig->config.prediction.preventive = HEALER_PREVENTIVE_QUEUED;
        rig_start(rig);
        rig_run(rig, 300);
        while (rig_count(rig, HEALER_NOTICE_SUGGESTION) == 0 && rig->now_ns < 1200 * RIG_SECOND) {
                tell_leak(rig, 0);
                rig_step(rig);
        }
        suggestion = rig_first(rig, HEALER_NOTICE_SUGGESTION);
        ck_assert_ptr_nonnull(suggestion);
        rig_run(rig, 60);
        ck_assert_uint_eq(rig->order_count, 0);
        ck_assert_int_eq(healer_approve(rig->healer, suggestion->episode, "ann"), HEALER_OK);
        rig_step(rig);
        ck_assert_uint_eq(rig->order_count, 1);
        ck_assert(rig->orders[0].preventive);
        ck_assert_int_eq(healer_approve(rig->healer, suggestion->episode, "ann"),
                         HEALER_E_NOT_FOUND);
        rig_answer_all(rig, true);
        rig_run(rig, 120);
        ck_assert_uint_eq(rig->order_count, 1);
        rig_free(rig);
}
END_TEST

START_TEST(s0_25_a_queued_one_that_nobody_approves_lapses_and_calls_nobody)
{
        struct rig *rig = rig_create();
        int i;

        rig->config.prediction.preventive = HEALER_PREVENTIVE_QUEUED;
        rig->config.recovery.approval_expiry_ns = 60 * RIG_SECOND;
        rig_start(rig);
        rig_run(rig, 300);
        for (i = 0; i < 80; i++) {
                tell_leak(rig, 0);
                rig_step(rig);
        }
        ck_assert_uint_ge(rig_count(rig, HEALER_NOTICE_SUGGESTION), 1);
        ck_assert_uint_eq(rig->order_count, 0);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_ESCALATION), 0);
        rig_free(rig);
}
END_TEST

/* ---- how they ended */

static double said_with(struct healer_learned *learned)
{
        struct rig *rig = rig_create();
        double confidence;

        rig->config.auto_heal = false;
        rig->config.prediction.auto_apply = 1;
        rig->config.prediction.confidence_threshold = 0.5;
        rig_start(rig);
        ck_assert_int_eq(healer_import(rig->healer, learned), HEALER_OK);
        rig_run(rig, 300);
        while (foreseen(rig) == NULL && rig->now_ns < 2000 * RIG_SECOND) {
                tell_leak(rig, 0);
                rig_step(rig);
        }
        ck_assert_ptr_nonnull(foreseen(rig));
        confidence = foreseen(rig)->confidence;
        ck_assert_int_eq(healer_prediction_outcome(rig->healer, foreseen(rig)->id, false),
                         HEALER_OK);
        ck_assert_int_eq(healer_prediction_outcome(rig->healer, foreseen(rig)->id, false),
                         HEALER_E_NOT_FOUND);
        ck_assert_uint_eq(
                healer_prediction_day(rig->healer, rig->now_ns, HEALER_SOURCE_TRENDS).wrong, 1);
        ck_assert_uint_eq(
                healer_prediction_day(rig->healer, rig->now_ns, HEALER_SOURCE_COUNT).right, 0);
        healer_export(rig->healer, learned);
        rig_free(rig);
        return confidence;
}

START_TEST(s0_26_false_alarms_survive_a_restart_and_lower_later_confidence)
{
        struct healer_learned *learned = calloc(1, sizeof(*learned));
        double first, second, third;

        healer_learned_init(learned);
        first = said_with(learned);
        second = said_with(learned);
        third = said_with(learned);
        ck_assert_double_lt(second, first);
        ck_assert_double_lt(third, second);
        ck_assert_uint_eq(learned->tallies[HEALER_SOURCE_TRENDS][HEALER_FAILURE_MEMORY_LEAK].wrong,
                          3);
        free(learned);
}
END_TEST

START_TEST(s2_27_outcomes_are_joined_with_the_day_of_their_prediction)
{
        const int64_t day_ns = 86400 * RIG_SECOND;
        struct rig *rig = rig_create();
        int day, i;

        rig->config.auto_heal = false;
        rig->config.prediction.auto_apply = 1;
        rig_start(rig);
        for (day = 0; day < 3; day++) {
                rig->now_ns = day * day_ns + 1000 * RIG_SECOND;
                rig->instance[CASE].memory_ratio = 0.4;
                rig_event(rig, HEALER_OCCURRED_PROCESS_EXITED, CART, CASE, 0);
                rig_comes_back(rig, CASE);
                rig_run(rig, 100);
                for (i = 0; i < 140; i++) { /* it comes true on even days */
                        if (day % 2 == 0 || i < 60)
                                tell_leak(rig, 0);
                        else
                                rig->instance[CASE].memory_ratio = 0.4;
                        rig_step(rig);
                }
                rig_run(rig, 1200);
        }
        for (day = 0; day < 3; day++) {
                struct healer_tally tally =
                        healer_prediction_day(rig->healer, day * day_ns, HEALER_SOURCE_TRENDS);

                ck_assert_uint_eq(tally.right > 0, day % 2 == 0);
                ck_assert_uint_eq(tally.wrong > 0, day % 2 == 1);
        }
        ck_assert_uint_eq(healer_prediction_day(rig->healer, -day_ns, HEALER_SOURCE_COUNT).right, 0);
        rig_free(rig);
}
END_TEST

/* ---- the outlook */

START_TEST(s2_06_failures_fall_into_the_announced_band)
{
        struct noise noise = {21};
        int round, inside = 0, announced = 0;

        for (round = 0; round < 200; round++) {
                struct rig *rig = rig_create();
                double hours = 0.5 * exp(3.8 * noise_unit(&noise)); /* half an hour to 22 h */
                double memory = 0.3, step, end_s;
                struct healer_outlook outlook = {0};
                int i;

                rig->config.prediction.enabled = false;
                rig_start(rig);
                rig->step_ns = 30 * RIG_SECOND;
                step = 0.7 / (hours * 120);
                for (i = 0; i < 600 && outlook.band == HEALER_BAND_NONE && memory < 1; i++) {
                        memory += step;
                        rig->instance[CASE].memory_ratio =
                                fmin(1, memory * (1 + 0.01 * noise_normal(&noise)));
                        rig_step(rig);
                        outlook = healer_outlook_of(rig->healer, CART);
                }
                end_s = (1 - memory) / step * 30;
                if (outlook.band != HEALER_BAND_NONE) {
                        announced++;
                        inside += healer_band_of_time(end_s) == outlook.band;
                        ck_assert_uint_ne(outlook.reasons & HEALER_REASON_LEAK, 0);
                }
                rig_free(rig);
        }
        ck_assert_int_ge(announced, 180);
        ck_assert_int_ge(inside * 10, announced * 6);
}
END_TEST

/* ---- anomalies */

static uint32_t anomalies(const struct rig *rig)
{
        return rig_count(rig, HEALER_NOTICE_ANOMALY);
}

static void rattle(struct rig *rig, struct noise *noise, double sigmas)
{
        uint32_t i;

        for (i = 0; i < RIG_EACH; i++)
                rig->instance[INSTANCE(CART, i)].cpu_ratio =
                        fmax(0, 0.4 + 0.05 * noise_normal(noise) + 0.05 * sigmas / sqrt(RIG_EACH));
}

START_TEST(s1_08_a_step_of_four_sigmas_is_caught_within_three_samples_and_off_is_silent)
{
        struct rig *rig = rig_create();
        struct noise noise = {(uint64_t)_i + 1};
        uint32_t before;
        int i;

        rig->config.detection.anomaly = _i % 2 == 0;
        rig_start(rig);
        for (i = 0; i < 10000; i++) {
                rattle(rig, &noise, 0);
                rig_step(rig);
        }
        before = anomalies(rig);
        ck_assert_uint_le(before, 1);
        for (i = 0; i < 3; i++) {
                rattle(rig, &noise, 4);
                rig_step(rig);
        }
        if (_i % 2 == 0)
                ck_assert_uint_gt(anomalies(rig), before);
        else
                ck_assert_uint_eq(anomalies(rig), 0);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_ALARM), 0);
        rig_free(rig);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("prediction");
        TCase *tcase = tcase_create("prediction");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_test(tcase, the_time_of_the_end_is_foreseen_within_a_tenth);
        tcase_add_test(tcase, noise_is_no_leak);
        tcase_add_test(tcase, a_step_is_no_leak);
        tcase_add_test(tcase, a_slow_precursor_that_stops_is_not_believed);
        tcase_add_test(tcase, a_sawtooth_that_climbs_is_a_leak);
        tcase_add_test(tcase, what_came_true_is_said_and_scored_once);
        tcase_add_loop_test(tcase, a_short_look_says_nothing_of_what_is_hours_away, 0, 20);
        tcase_add_test(tcase, one_failure_of_many_parts_makes_nothing_familiar);
        tcase_add_test(tcase, a_service_that_leaks_everywhere_is_restarted_one_by_one);
        tcase_add_loop_test(
                tcase, a_leak_that_comes_back_since_a_deployment_is_rolled_back_and_no_other, 0,
                LEAKS);
        tcase_add_loop_test(tcase, off_means_off, 0, 3);
        tcase_add_test(tcase, below_auto_apply_it_is_said_and_not_done);
        tcase_add_test(tcase, a_preventive_action_that_did_nothing_is_not_verified_and_calls_nobody);
        tcase_add_loop_test(tcase, s0_24_equal_to_the_threshold_passes_and_just_below_does_not, 0,
                            5);
        tcase_add_loop_test(tcase, a_source_that_is_off_says_nothing, 0, 4);
        tcase_add_test(tcase, s0_24_a_threshold_outside_0_to_1_is_refused);
        tcase_add_test(
                tcase,
                s0_18_signs_that_came_before_failures_are_predicted_from_and_nothing_without_them);
        tcase_add_loop_test(
                tcase, s0_21_an_instance_that_fails_slows_down_or_falls_silent_is_flagged, 0, 3);
        tcase_add_test(
                tcase, s0_22_a_backlog_is_foreseen_within_a_fifth_and_a_stable_deep_one_is_not);
        tcase_add_test(tcase, s0_25_queued_it_waits_for_approval_and_acts_once);
        tcase_add_test(tcase, s0_25_a_queued_one_that_nobody_approves_lapses_and_calls_nobody);
        tcase_add_test(tcase, s0_26_false_alarms_survive_a_restart_and_lower_later_confidence);
        tcase_add_test(tcase, s2_27_outcomes_are_joined_with_the_day_of_their_prediction);
        tcase_add_test(tcase, s2_06_failures_fall_into_the_announced_band);
        tcase_add_loop_test(
                tcase,
                s1_08_a_step_of_four_sigmas_is_caught_within_three_samples_and_off_is_silent, 0,
                4);
        suite_add_tcase(suite, tcase);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
