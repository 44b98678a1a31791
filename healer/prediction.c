/* prediction.c - what will run out, when, and how sure that is.
 *
 * The last samples of an instance's memory are cut into eight parts; the median
 * of each is a point, so a single wild sample moves nothing. The slope is the
 * median of the slopes between all pairs of points (Theil-Sen), its interval
 * their quartiles, and "how much like a leak" is the share of rising pairs less
 * that of falling ones: a step that stays gives about a half, a sawtooth of
 * requests about nothing, a leak one. Samples may come at any rate.
 *
 * Confidence = 0.5 likeness + 0.3 accuracy so far + 0.2 recency of the
 * evidence. A prediction is said when it is certain enough and due within the
 * horizon, and scored afterwards: right when the limit was reached, wrong when
 * its time had passed half over; one that was acted on is not scored, for
 * nobody can know.
 *
 * Acting means an episode of its own kind (preventive): it takes one instance
 * of a service at a time, only while all the others are up, and calls no human.
 *
 * O(1) a sample; about 1 us an instance and tick.
 */
#include "healer/hlr_supervisor.h"

#include <string.h>

enum { POINTS = 8, SAMPLES_MIN = 16, PAIRS = POINTS * (POINTS - 1) / 2 };

#define RISE_MIN 0.02             /* over the window; less is noise */
#define RECENT_NS (60 * HLR_SECOND)
#define AGAIN_NS (60 * HLR_SECOND) /* between two tries at one instance */
#define REACHED 0.95

struct trend {
        double slope_per_s, slope_low, slope_high, value, likeness, rise;
        int64_t newest_ns;
};

void hlr_trend_add(struct hlr_instance *instance, int64_t at_ns, double value)
{
        uint32_t slot = instance->trend_count % HLR_TREND_MAX;

        instance->trend_value[slot] = value;
        instance->trend_at_ns[slot] = at_ns;
        instance->trend_count++;
}

static void sort(double *values, uint32_t count)
{
        double moved;
        uint32_t i, k;

        for (i = 1; i < count; i++) {
                moved = values[i];
                for (k = i; k > 0 && values[k - 1] > moved; k--)
                        values[k] = values[k - 1];
                values[k] = moved;
        }
}

/* Points of the trend: median value and mean time (s before the newest). */
static void points(const struct hlr_instance *instance, uint32_t count, double *at_s,
                   double *value, int64_t newest_ns)
{
        double part[HLR_TREND_MAX / POINTS];
        uint32_t size = count / POINTS;
        uint32_t first = instance->trend_count - size * POINTS;
        uint32_t i, k, slot;

        for (i = 0; i < POINTS; i++) {
                at_s[i] = 0;
                for (k = 0; k < size; k++) {
                        slot = (first + i * size + k) % HLR_TREND_MAX;
                        part[k] = instance->trend_value[slot];
                        at_s[i] += (double)(instance->trend_at_ns[slot] - newest_ns) / 1e9;
                }
                sort(part, size);
                value[i] = (part[(size - 1) / 2] + part[size / 2]) / 2;
                at_s[i] /= size;
        }
}

static bool trend_of(const struct hlr_instance *instance, struct trend *trend)
{
        uint32_t count =
                instance->trend_count < HLR_TREND_MAX ? instance->trend_count : HLR_TREND_MAX;
        double at_s[POINTS], value[POINTS], slopes[PAIRS];
        uint32_t i, k, pairs = 0;
        int up = 0;

        if (count < SAMPLES_MIN)
                return false;
        trend->newest_ns = instance->trend_at_ns[(instance->trend_count - 1) % HLR_TREND_MAX];
        points(instance, count, at_s, value, trend->newest_ns);
        for (i = 0; i < POINTS; i++) {
                for (k = i + 1; k < POINTS; k++) {
                        if (!(at_s[k] > at_s[i]))
                                return false;
                        up += (value[k] > value[i]) - (value[k] < value[i]);
                        slopes[pairs++] = (value[k] - value[i]) / (at_s[k] - at_s[i]);
                }
        }
        sort(slopes, PAIRS);
        trend->slope_per_s = (slopes[PAIRS / 2 - 1] + slopes[PAIRS / 2]) / 2;
        trend->slope_low = slopes[PAIRS / 4];
        trend->slope_high = slopes[PAIRS - 1 - PAIRS / 4];
        trend->likeness = up > 0 ? (double)up / PAIRS : 0;
        trend->value = value[POINTS - 1] - at_s[POINTS - 1] * trend->slope_per_s;
        trend->rise = value[POINTS - 1] - value[0];
        return true;
}

static double confidence_of(const struct healer *healer, const struct trend *trend)
{
        const struct healer_config *config = &healer->config;
        double right = healer->predicted_right;
        double accuracy = (right + 1) / (right + healer->predicted_wrong + 2);
        double recency = healer->now_ns - trend->newest_ns < RECENT_NS ? 1.0 : 0.2;
        double likeness = trend->likeness;

        if (!config->prediction.sources[HEALER_SOURCE_HISTORY])
                accuracy = 0.5;
        /* A slope whose quartiles lie far apart is no line. */
        if (trend->slope_low < 0.5 * trend->slope_per_s)
                likeness *= fmax(0, trend->slope_low / (0.5 * trend->slope_per_s));
        return fmin(1, 0.5 * likeness + 0.3 * accuracy + 0.2 * recency);
}

/* ---- afterwards */

static void score(struct healer *healer, struct hlr_instance *instance, const struct trend *trend)
{
        int64_t due = instance->predicted_eta_ns - instance->predicted_ns;

        if (trend->value >= REACHED) {
                healer->predicted_right++;
                instance->prediction = 0;
                instance->prevent_after_ns = hlr_add(healer->now_ns, AGAIN_NS);
        } else if (healer->now_ns - instance->predicted_eta_ns > due / 2) {
                healer->predicted_wrong++;
                instance->prediction = 0;
                instance->prevent_after_ns = hlr_add(healer->now_ns, AGAIN_NS);
        }
}

/* ---- saying and acting */

static void say_prediction(struct healer *healer, uint32_t index, const struct trend *trend,
                           double confidence, int64_t eta_ns)
{
        struct hlr_instance *instance = &healer->instances[index];
        struct healer_notice notice = hlr_notice(HEALER_NOTICE_PREDICTION);

        instance->prediction = hlr_next_id(healer);
        instance->predicted_ns = healer->now_ns;
        instance->predicted_eta_ns = eta_ns;
        healer->stats.predictions++;
        notice.id = instance->prediction;
        notice.service = instance->service;
        notice.instance = index;
        notice.failure = HEALER_FAILURE_MEMORY_LEAK;
        notice.severity = HEALER_SEVERITY_HIGH;
        notice.metric = HEALER_METRIC_MEMORY;
        notice.value = trend->value;
        notice.limit = 1;
        notice.confidence = confidence;
        notice.eta_ns = eta_ns;
        hlr_say(healer, &notice);
}

/* Whether the service has nobody away and nothing going on. */
static bool undisturbed(struct healer *healer, uint32_t service)
{
        const struct hlr_instance *instance;
        uint32_t i;

        if (hlr_episode_of_service(healer, service) != NULL ||
            healer->services[service].deploying)
                return false;
        for (i = 0; i < healer->instance_count; i++) {
                instance = &healer->instances[i];
                if (instance->service == service && instance->process != HLR_REMOVED &&
                    (instance->process != HLR_UP || instance->command != 0))
                        return false;
        }
        return true;
}

static void prevent(struct healer *healer, uint32_t index)
{
        struct hlr_instance *instance = &healer->instances[index];
        struct hlr_episode *episode;
        struct hlr_cause cause;

        if (healer->now_ns < instance->prevent_after_ns || !undisturbed(healer, instance->service))
                return;
        memset(&cause, 0, sizeof(cause));
        cause.failure = HEALER_FAILURE_MEMORY_LEAK;
        cause.service = instance->service;
        cause.edge = HEALER_NONE;
        cause.confidence = instance->predicted_confidence;
        cause.not_before_ns = INT64_MIN;
        cause.target_count = 1;
        cause.targets[0] = index;
        episode = hlr_episode_open(healer, &cause, HEALER_SEVERITY_MEDIUM, true);
        if (episode == NULL)
                return;
        episode->prediction = instance->prediction;
        instance->prevent_after_ns = hlr_add(healer->now_ns, AGAIN_NS);
}

static void predict_memory(struct healer *healer, uint32_t index)
{
        struct hlr_instance *instance = &healer->instances[index];
        const struct healer_config *config = &healer->config;
        struct trend trend;
        double confidence, left_s;
        int64_t eta_ns;

        if (instance->process != HLR_UP || instance->command != 0 || !trend_of(instance, &trend))
                return;
        if (instance->prediction != 0)
                score(healer, instance, &trend);
        if (trend.slope_per_s <= 0 || trend.rise < RISE_MIN || trend.value >= 1)
                return;
        left_s = (1 - trend.value) / trend.slope_per_s;
        eta_ns = hlr_add(trend.newest_ns, hlr_from_double(left_s * 1e9));
        if (hlr_sub(eta_ns, healer->now_ns) > config->prediction.horizon_ns)
                return;
        confidence = confidence_of(healer, &trend);
        if (confidence < config->prediction.confidence_threshold)
                return;
        instance->predicted_confidence = confidence;
        if (instance->prediction == 0)
                say_prediction(healer, index, &trend, confidence, eta_ns);
        if (confidence >= config->prediction.auto_apply)
                prevent(healer, index);
}

void hlr_predict(struct healer *healer)
{
        uint32_t i;

        if (!healer->config.prediction.enabled ||
            !healer->config.prediction.sources[HEALER_SOURCE_TRENDS])
                return;
        for (i = 0; i < healer->instance_count; i++)
                predict_memory(healer, i);
}
