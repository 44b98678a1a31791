/* test_trend_guard.c - predictions: made, acted upon within bounds, and scored. */
#include "healer/trend_guard.h"
#include "model_ops.h"
#include "policy_main.h"

#include <math.h>

enum { RATE = HEALER_TREND_RATE, P99 = HEALER_TREND_P99, QUEUE = HEALER_TREND_QUEUE };

static struct healer_trend_guard_config queue_to_100(void)
{
        struct healer_trend_guard_config c = healer_trend_guard_config_defaults();

        c.limits[QUEUE] = 100;
        return c;
}
static struct healer_trend_guard *make(const struct healer_trend_guard_config *c)
{
        struct healer_trend_guard *g;

        ck_assert_msg(!healer_trend_guard_config_check(c), "%s",
                      healer_trend_guard_config_check(c));
        ck_assert_int_eq(healer_trend_guard_create(c, &g), HEALER_OK);
        return g;
}
static void queue_is(struct healer_trend_guard *g, double value, int64_t at_s)
{
        const double values[HEALER_TREND_SIGNAL_COUNT] = {(double)NAN, (double)NAN, value};

        healer_trend_guard_observe(g, values, at_s * NS_S);
}
static struct healer_trend_view view(const struct healer_trend_guard *g, int signal)
{
        struct healer_trend_view v;

        healer_trend_guard_view(g, (enum healer_trend_signal)signal, &v);
        return v;
}
static struct healer_degrade *ladder(void)
{
        struct healer_degrade_config c = healer_degrade_config_defaults();
        struct healer_degrade *d;

        ck_assert_int_eq(healer_degrade_create(&c, 0, &d), HEALER_OK);
        return d;
}
static struct healer_bulkhead *ten_permits(void)
{
        struct healer_bulkhead_config c = healer_bulkhead_config_defaults();
        struct healer_bulkhead *b;

        ck_assert_int_eq(healer_bulkhead_create(&c, &b), HEALER_OK);
        return b;
}
static uint32_t limit_of(const struct healer_bulkhead *b)
{
        struct healer_bulkhead_counts n;

        healer_bulkhead_counts(b, &n);
        return n.limit;
}

START_TEST(slope_and_ewma_are_those_of_the_weighted_samples)
{
        struct healer_trend_guard_config c = queue_to_100();
        struct healer_trend_guard *g;
        uint64_t random = 1;
        double at[200], x[200];
        double w = 0, t = 0, tt = 0, sx = 0, xt = 0;

        c.limits[QUEUE] = 1e9;
        g = make(&c);
        for (int i = 0; i < 200; i++) {
                at[i] = i * 0.5 + (double)(model_random(&random) % 100) / 250;
                x[i] = 10 + 0.3 * i + (double)(model_random(&random) % 100) / 10;
        }
        for (int i = 0; i < 200; i++) {
                const double values[HEALER_TREND_SIGNAL_COUNT] = {(double)NAN, (double)NAN, x[i]};

                healer_trend_guard_observe(g, values, (int64_t)(at[i] * 1e9));
        }
        for (int i = 0; i < 200; i++) {
                double d = at[i] - at[199], k = pow(.5, -d / 10);

                w += k, t += k * d, tt += k * d * d, sx += k * x[i], xt += k * d * x[i];
        }
        ck_assert_double_eq_tol(view(g, QUEUE).ewma, sx / w, 1e-6);
        ck_assert_double_eq_tol(view(g, QUEUE).slope_per_s, (w * xt - t * sx) / (w * tt - t * t),
                                1e-6);
        ck_assert_double_eq(isnan(view(g, RATE).ewma), 1);
        healer_trend_guard_destroy(g);
}
END_TEST

START_TEST(predictive_a_rising_queue_lowers_the_level_and_tightens_the_limit_until_it_is_scored)
{
        struct healer_trend_guard_config c = queue_to_100();
        struct healer_event_ring_config rc = healer_event_ring_config_defaults();
        struct healer_trend_guard *g;
        struct healer_event event;
        int at = 0;

        c.degrade = ladder();
        c.bulkhead = ten_permits();
        ck_assert_int_eq(healer_event_ring_create(&rc, &c.events), HEALER_OK);
        g = make(&c);
        for (; !view(g, QUEUE).predicted; at++) /* 2 more each second: 100 at 50 s */
                queue_is(g, 2 * at, at);
        at--;
        ck_assert_int_ge(at, 19); /* not before the limit is within the horizon of 30 s */
        ck_assert_int_le(at, 21);
        ck_assert_int_ge(view(g, QUEUE).reaches_at_ns, 49 * NS_S);
        ck_assert_int_le(view(g, QUEUE).reaches_at_ns, 51 * NS_S);
        ck_assert(view(g, QUEUE).acted);
        ck_assert_uint_eq(healer_degrade_level(c.degrade), 1);
        ck_assert_uint_eq(limit_of(c.bulkhead), 8);
        for (at++; at <= 50; at++)
                queue_is(g, 2 * at, at);
        ck_assert(!view(g, QUEUE).predicted);
        ck_assert_uint_eq(view(g, QUEUE).scores[HEALER_TREND_HIT], 1);
        ck_assert_uint_eq(view(g, QUEUE).acted_scores[HEALER_TREND_HIT], 1);
        ck_assert_uint_eq(view(g, QUEUE).scores[HEALER_TREND_MISS], 0);
        ck_assert_uint_eq(healer_degrade_level(c.degrade), 0);
        ck_assert_uint_eq(limit_of(c.bulkhead), 10);
        ck_assert_int_eq(healer_event_ring_pop(c.events, &event), HEALER_OK);
        ck_assert_uint_eq(event.type, HEALER_EVENT_PREDICTION_SCORED);
        ck_assert_uint_eq(event.cause, HEALER_TREND_HIT);
        ck_assert_uint_eq(event.item, QUEUE);
        ck_assert_int_eq(healer_event_ring_pop(c.events, &event), HEALER_E_NOT_FOUND);
        healer_trend_guard_destroy(g);
        healer_event_ring_destroy(c.events);
        healer_bulkhead_destroy(c.bulkhead);
        healer_degrade_destroy(c.degrade);
}
END_TEST

START_TEST(predictive_what_does_not_come_is_a_false_alarm_and_undone)
{
        struct healer_trend_guard_config c = queue_to_100();
        struct healer_trend_guard *g;
        int at = 0;

        c.degrade = ladder();
        g = make(&c);
        for (; !view(g, QUEUE).predicted; at++)
                queue_is(g, 2 * at, at);
        ck_assert_uint_eq(healer_degrade_level(c.degrade), 1);
        for (int i = 0; i < 29; i++, at++)
                queue_is(g, 40, at);
        ck_assert(view(g, QUEUE).predicted);
        healer_trend_guard_poll(g, at * NS_S + NS_S);
        ck_assert(!view(g, QUEUE).predicted);
        ck_assert_uint_eq(view(g, QUEUE).scores[HEALER_TREND_FALSE_ALARM], 1);
        ck_assert_uint_eq(view(g, QUEUE).scores[HEALER_TREND_HIT], 0);
        ck_assert_uint_eq(healer_degrade_level(c.degrade), 0);
        for (int i = 0; i < 15; i++, at++) /* not the same again at once */
                queue_is(g, 40 + 4 * i, at);
        ck_assert(!view(g, QUEUE).predicted);
        healer_trend_guard_destroy(g);
        healer_degrade_destroy(c.degrade);
}
END_TEST

START_TEST(predictive_a_limit_reached_unannounced_is_a_miss_once)
{
        struct healer_trend_guard_config c = queue_to_100();
        struct healer_trend_guard *g = make(&c);

        for (int at = 0; at < 20; at++)
                queue_is(g, 5, at);
        for (int at = 20; at < 30; at++)
                queue_is(g, 200, at);
        ck_assert_uint_eq(view(g, QUEUE).scores[HEALER_TREND_MISS], 1);
        ck_assert_uint_eq(view(g, QUEUE).predictions, 0);
        healer_trend_guard_destroy(g);
}
END_TEST

START_TEST(predictive_noise_without_a_trend_predicts_nothing)
{
        struct healer_trend_guard_config c = queue_to_100();
        struct healer_trend_guard *g = make(&c);
        uint64_t random = 7;

        for (int at = 0; at < 3000; at++)
                queue_is(g, 40 + (double)(model_random(&random) % 50), at);
        ck_assert_uint_eq(view(g, QUEUE).predictions, 0);
        healer_trend_guard_destroy(g);
}
END_TEST

START_TEST(predictive_every_prediction_is_scored_and_no_breaker_is_ever_touched)
{
        struct healer_trend_guard_config c = queue_to_100();
        struct healer_breaker_config bc = healer_breaker_config_defaults();
        struct healer_breaker_snapshot s;
        struct healer_breaker *breaker;
        struct healer_trend_guard *g;
        uint64_t random = 3;
        double walk = 50;
        uint64_t predictions = 0, scored = 0;

        ck_assert_int_eq(healer_breaker_create(&bc, 0, &breaker), HEALER_OK);
        c.degrade = ladder();
        c.bulkhead = ten_permits();
        c.limits[RATE] = 90;
        c.limits[P99] = 80;
        c.fit_min = .2;
        g = make(&c);
        for (int64_t at = 0; at < 20000; at++) {
                double values[HEALER_TREND_SIGNAL_COUNT];
                struct healer_breaker_ticket t;

                walk += (double)(model_random(&random) % 21) - 10;
                walk = walk < 0 ? 0 : walk > 150 ? 150 : walk;
                values[RATE] = walk;
                values[P99] = 150 - walk;
                values[QUEUE] = at % 7 ? walk : (double)NAN;
                healer_trend_guard_observe(g, values, at * NS_S);
                ck_assert_uint_le(healer_degrade_level(c.degrade), 1);
                ck_assert_uint_ge(limit_of(c.bulkhead), 8);
                ck_assert_int_eq(healer_breaker_acquire(breaker, at * NS_S, &t), HEALER_BREAKER_OK);
                healer_breaker_success(breaker, &t, at * NS_S);
        }
        healer_trend_guard_poll(g, 30000 * NS_S);
        for (int i = 0; i < HEALER_TREND_SIGNAL_COUNT; i++) {
                struct healer_trend_view v = view(g, i);

                ck_assert(!v.predicted);
                predictions += v.predictions;
                scored += v.scores[HEALER_TREND_HIT] + v.scores[HEALER_TREND_FALSE_ALARM];
        }
        ck_assert_uint_gt(predictions, 50);
        ck_assert_uint_eq(predictions, scored);
        ck_assert_uint_eq(limit_of(c.bulkhead), 10);
        ck_assert_uint_eq(healer_degrade_level(c.degrade), 0);
        healer_breaker_snapshot(breaker, 30000 * NS_S, &s);
        ck_assert_uint_eq(s.generation, 1);
        healer_trend_guard_destroy(g);
        healer_breaker_destroy(breaker);
        healer_bulkhead_destroy(c.bulkhead);
        healer_degrade_destroy(c.degrade);
}
END_TEST

START_TEST(predictive_a_floor_never_weakens_usage_and_a_hand_has_the_last_word)
{
        struct healer_degrade *d = ladder();

        ck_assert_int_eq(healer_degrade_floor(d, 2, "foreseen", 100 * NS_S, 0), HEALER_OK);
        ck_assert_uint_eq(healer_degrade_level(d), 2);
        ck_assert_uint_eq(healer_degrade_update(d, 99, NS_S), 4);
        ck_assert_int_eq(healer_degrade_floor(d, 1, "foreseen", 100 * NS_S, 2 * NS_S), HEALER_OK);
        ck_assert_uint_eq(healer_degrade_level(d), 4);
        ck_assert_int_eq(healer_degrade_set(d, 0, HEALER_DEGRADE_BY_HAND, NULL, HEALER_NEVER,
                                            3 * NS_S),
                         HEALER_OK);
        ck_assert_int_eq(healer_degrade_floor(d, 3, "foreseen", 100 * NS_S, 4 * NS_S), HEALER_OK);
        ck_assert_uint_eq(healer_degrade_level(d), 0);
        healer_degrade_reset(d, 5 * NS_S);
        ck_assert_int_eq(healer_degrade_floor(d, 3, "foreseen", 100 * NS_S, 6 * NS_S), HEALER_OK);
        ck_assert_uint_eq(healer_degrade_update(d, 10, 99 * NS_S), 3);
        ck_assert_uint_eq(healer_degrade_update(d, 10, 100 * NS_S), 0); /* its time is over */
        ck_assert_int_eq(healer_degrade_floor(d, 5, NULL, 200 * NS_S, 101 * NS_S), HEALER_E_RANGE);
        ck_assert_int_eq(healer_degrade_floor(d, 1, NULL, 101 * NS_S, 101 * NS_S), HEALER_E_RANGE);
        healer_degrade_destroy(d);
}
END_TEST

START_TEST(predictive_a_limit_that_somebody_else_set_meanwhile_is_left_alone)
{
        struct healer_trend_guard_config c = queue_to_100();
        struct healer_trend_guard *g;
        int at = 0;

        c.bulkhead = ten_permits();
        g = make(&c);
        for (; !view(g, QUEUE).predicted; at++)
                queue_is(g, 2 * at, at);
        ck_assert_int_eq(healer_bulkhead_set_limit(c.bulkhead, 3), HEALER_OK);
        healer_trend_guard_poll(g, 1000 * NS_S);
        ck_assert_uint_eq(limit_of(c.bulkhead), 3);
        healer_trend_guard_destroy(g);
        healer_bulkhead_destroy(c.bulkhead);
}
END_TEST

START_TEST(bad_configurations_are_refused_by_name)
{
        struct healer_trend_guard_config c = queue_to_100();
        struct healer_trend_guard *g;

#define REFUSED(change, words)                                                                     \
        do {                                                                                       \
                c = queue_to_100();                                                                \
                change;                                                                            \
                ck_assert_str_eq(healer_trend_guard_config_check(&c), words);                      \
                ck_assert_int_eq(healer_trend_guard_create(&c, &g), HEALER_E_RANGE);               \
        } while (0)
        REFUSED(c.samples_min = 2, "samples_min: must be 3..1000");
        REFUSED(c.limits[P99] = (double)NAN, "limits: must be 0 or above, and finite");
        REFUSED(c.limits[P99] = -1, "limits: must be 0 or above, and finite");
        REFUSED(c.half_life_ns = 0, "half_life_ns: must be 1 ms..1 d");
        REFUSED(c.horizon_ns = INT64_MAX, "horizon_ns: must be 1 ms..1 d");
        REFUSED(c.fit_min = 1.1, "fit_min: must be 0..1");
        REFUSED(c.degrade_level = 0, "degrade_level: must be a level of the ladder but the first");
        REFUSED(c.tighten_ratio = 1, "tighten_ratio: must be above 0 and below 1");
}
END_TEST

POLICY_MAIN("trend_guard", slope_and_ewma_are_those_of_the_weighted_samples,
            predictive_a_rising_queue_lowers_the_level_and_tightens_the_limit_until_it_is_scored,
            predictive_what_does_not_come_is_a_false_alarm_and_undone,
            predictive_a_limit_reached_unannounced_is_a_miss_once,
            predictive_noise_without_a_trend_predicts_nothing,
            predictive_every_prediction_is_scored_and_no_breaker_is_ever_touched,
            predictive_a_floor_never_weakens_usage_and_a_hand_has_the_last_word,
            predictive_a_limit_that_somebody_else_set_meanwhile_is_left_alone,
            bad_configurations_are_refused_by_name)
