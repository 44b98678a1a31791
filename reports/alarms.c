/* alarms.c - what the healer said, against what was there.
 *
 * Alarms are counted as episodes, so that ten messages about one thing are one
 * alarm. Predictions of every arm with faults are judged by what happens in
 * shadow; the metrics of treated are those of shadow's predictions, since
 * what treated prevented could not come true there.
 */
#include "reports/metric_families.h"

#include <math.h>

enum { WEEK_S = 7 * 24 * 3600 };

static bool is_of(const struct metric_query *query, uint32_t service)
{
        return query->service == RECORD_NONE || query->service == service;
}

static double service_seconds(const struct metric_query *query, const struct kept *kept)
{
        double services = query->service == RECORD_NONE ? query->meta->service_count : 1;

        return services * seconds_of(kept->arms[query->arm].end_ns);
}

struct alarm_count {
        uint64_t all, false_ones;
};

static struct alarm_count count_alarms(const struct metric_query *query, const struct kept *kept)
{
        const struct kept_arm *arm = &kept->arms[query->arm];
        struct alarm_count count = { 0, 0 };

        for (size_t i = 0; i < arm->episode_count; i++) {
                const struct kept_episode *episode = &arm->episodes[i];
                if (!episode->alarm_count || !is_of(query, episode->service))
                        continue;
                count.all += 1 + episode->later_claims;
                count.false_ones += (episode->truth == TRUTH_NOTHING) + episode->later_false;
        }
        return count;
}

METRIC_SAMPLE(sample_alarms)
{
        struct alarm_count count = count_alarms(query, kept);

        (void)row;
        sample_set(out, (double)count.all, 1, count.all);
}

METRIC_SAMPLE(sample_false_alarms)
{
        struct alarm_count count = count_alarms(query, kept);

        (void)row;
        sample_set(out, (double)count.false_ones, service_seconds(query, kept) / WEEK_S,
                   count.false_ones);
}

METRIC_SAMPLE(sample_false_actions)
{
        const struct kept_arm *arm = &kept->arms[query->arm];
        uint64_t count = 0;

        (void)row;
        for (size_t i = 0; i < arm->action_count; i++)
                count += arm->actions[i].false_action && is_of(query, arm->actions[i].service);
        sample_set(out, (double)count, service_seconds(query, kept) / WEEK_S, count);
}

METRIC_SAMPLE(sample_alarm_time)
{
        (void)row;
        sample_set(out, query_service(query, kept)->alarm_s, service_seconds(query, kept),
                   count_alarms(query, kept).all);
}

METRIC_SAMPLE(sample_false_positive_rate)
{
        const struct kept_service *service = query_service(query, kept);

        (void)row;
        sample_set(out, (double)service->cells_false,
                   (double)(service->cells_false + service->cells_right), service->cells_false);
}

METRIC_SAMPLE(sample_false_discovery_rate)
{
        struct alarm_count count = count_alarms(query, kept);

        (void)row;
        sample_set(out, (double)count.false_ones, (double)count.all, count.false_ones);
}

/* ---- predictions */

static const struct kept_arm *predicting_arm(const struct metric_query *query,
                                             const struct kept *kept)
{
        return &kept->arms[query->arm == ARM_TREATED ? ARM_SHADOW : query->arm];
}

static uint64_t count_predictions(const struct metric_query *query, const struct kept *kept,
                                  enum prediction_verdict verdict)
{
        const struct kept_arm *arm = predicting_arm(query, kept);
        uint64_t count = 0;

        for (size_t i = 0; i < arm->prediction_count; i++)
                count += arm->predictions[i].verdict == verdict &&
                         is_of(query, arm->predictions[i].service);
        return count;
}

METRIC_SAMPLE(sample_predictions)
{
        uint64_t count = count_predictions(query, kept, (enum prediction_verdict)row->which);

        if (predicting_arm(query, kept)->run)
                sample_set(out, (double)count, 1, count);
}

METRIC_SAMPLE(sample_precision)
{
        uint64_t right = count_predictions(query, kept, PREDICTION_TRUE);
        uint64_t wrong = count_predictions(query, kept, PREDICTION_FALSE);

        (void)row;
        sample_set(out, (double)right, (double)(right + wrong), right + wrong);
}

/* Incidents that could have been foreseen, and those that were: early enough,
 * and not too early. */
static void count_foreseen(const struct metric_query *query, const struct kept *kept,
                           uint64_t *foreseen, uint64_t *all)
{
        const struct kept_arm *arm = predicting_arm(query, kept);

        for (size_t i = 0; i < arm->incident_count; i++) {
                const struct kept_incident *incident = &arm->incidents[i];
                if (!query_takes(query, arm, incident))
                        continue;
                (*all)++;
                *foreseen += incident->predicted_ns != TIME_NEVER &&
                             incident->onset_ns - incident->predicted_ns >=
                                     query->meta->minimum_lead_ns;
        }
}

METRIC_SAMPLE(sample_recall)
{
        uint64_t foreseen = 0;
        uint64_t all = 0;

        (void)row;
        count_foreseen(query, kept, &foreseen, &all);
        sample_set(out, (double)foreseen, (double)all, foreseen);
}

METRIC_SAMPLE(sample_lead_time)
{
        const struct kept_arm *arm = predicting_arm(query, kept);
        int64_t sum = 0;
        uint64_t count = 0;

        (void)row;
        for (size_t i = 0; i < arm->incident_count; i++) {
                const struct kept_incident *incident = &arm->incidents[i];
                if (incident->predicted_ns == TIME_NEVER || !query_takes(query, arm, incident))
                        continue;
                sum += incident->onset_ns - incident->predicted_ns;
                count++;
        }
        sample_set(out, seconds_of(sum), (double)count, count);
}

METRIC_SAMPLE(sample_usable_lead)
{
        const struct kept_arm *arm = predicting_arm(query, kept);
        uint64_t usable = 0;
        uint64_t count = 0;

        (void)row;
        for (size_t i = 0; i < arm->incident_count; i++) {
                const struct kept_incident *incident = &arm->incidents[i];
                if (incident->predicted_ns == TIME_NEVER || !query_takes(query, arm, incident))
                        continue;
                count++;
                usable += incident->onset_ns - incident->predicted_ns >=
                          query->meta->minimum_lead_ns;
        }
        sample_set(out, (double)usable, (double)count, usable);
}

METRIC_POOL(pool_f1)
{
        uint64_t right = 0, wrong = 0, foreseen = 0, all_incidents = 0;

        (void)row;
        for (size_t r = 0; r < count; r++) {
                right += count_predictions(query, all[r], PREDICTION_TRUE);
                wrong += count_predictions(query, all[r], PREDICTION_FALSE);
                count_foreseen(query, all[r], &foreseen, &all_incidents);
        }
        if (!(right + wrong) || !all_incidents)
                return true;
        double precision = (double)right / (double)(right + wrong);
        double recall = (double)foreseen / (double)all_incidents;
        sample_set(out, 2 * precision * recall, precision + recall, right + wrong);
        return true;
}

/* Expected calibration error over ten bins of confidence. */
METRIC_POOL(pool_calibration_error)
{
        double confidence[10] = { 0 };
        double right[10] = { 0 };
        double error = 0;
        uint64_t judged = 0;

        (void)row;
        for (size_t r = 0; r < count; r++) {
                const struct kept_arm *arm = predicting_arm(query, all[r]);
                for (size_t i = 0; i < arm->prediction_count; i++) {
                        const struct kept_prediction *prediction = &arm->predictions[i];
                        if (prediction->verdict > PREDICTION_FALSE ||
                            !is_of(query, prediction->service) ||
                            !(prediction->confidence >= 0 && prediction->confidence <= 1))
                                continue;
                        unsigned bin = prediction->confidence < 1
                                               ? (unsigned)(prediction->confidence * 10)
                                               : 9;
                        confidence[bin] += prediction->confidence;
                        right[bin] += prediction->verdict == PREDICTION_TRUE;
                        judged++;
                }
        }
        for (unsigned bin = 0; bin < 10; bin++)
                error += fabs(confidence[bin] - right[bin]);
        sample_set(out, error, (double)judged, judged);
        return true;
}
