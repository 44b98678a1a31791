/* requests.c - what callers got: good and bad, how fast, how often in vain.
 *
 * Of the fleet as its clients see it (the entry services together), or of one
 * service as its callers do.
 */
#include "reports/metric_families.h"

#include <math.h>

static const struct kept_requests *requests_of(const struct metric_query *query,
                                               const struct kept *kept)
{
        return &query_service(query, kept)->phase[query->phase];
}

METRIC_SAMPLE(sample_bad_seconds)
{
        (void)row;
        sample_set(out, query_service(query, kept)->bad_s, 1, 0);
        for (size_t i = 0; i < kept->arms[query->arm].incident_count; i++) {
                const struct kept_incident *incident = &kept->arms[query->arm].incidents[i];
                out->count += query->service == RECORD_NONE ? incident->user_visible
                                                            : incident->service == query->service;
        }
}

METRIC_SAMPLE(sample_failed_requests)
{
        const struct kept_requests *requests = requests_of(query, kept);

        (void)row;
        sample_set(out, (double)requests->bad, 1, requests->bad);
}

METRIC_SAMPLE(sample_availability)
{
        const struct kept_requests *requests = requests_of(query, kept);

        (void)row;
        sample_set(out, (double)requests->good, (double)(requests->good + requests->bad),
                   requests->good + requests->bad);
}

METRIC_SAMPLE(sample_availability_time)
{
        double seconds = seconds_of(kept->arms[query->arm].end_ns);

        (void)row;
        sample_set(out, fmax(seconds - query_service(query, kept)->bad_s, 0), seconds, 0);
}

METRIC_SAMPLE(sample_goodput)
{
        const struct kept_requests *requests = requests_of(query, kept);

        (void)row;
        sample_set(out, (double)requests->good, requests->seconds, requests->good);
}

METRIC_SAMPLE(sample_latency_mean)
{
        const struct kept_requests *requests = requests_of(query, kept);

        (void)row;
        sample_set(out, requests->latency_sum_s, (double)requests->ended, requests->ended);
}

METRIC_SAMPLE(sample_latency_quantile)
{
        const struct kept_requests *requests = requests_of(query, kept);

        if (isfinite(requests->latency_s[row->which]))
                sample_set(out, requests->latency_s[row->which], 1, requests->ended);
}

METRIC_SAMPLE(sample_error_ratio)
{
        const struct kept_requests *requests = requests_of(query, kept);
        uint64_t answered = requests->outcome[CALL_OK] + requests->outcome[CALL_DEGRADED];

        (void)row;
        sample_set(out, (double)(requests->ended - answered), (double)requests->ended,
                   requests->ended - answered);
}

METRIC_SAMPLE(sample_loss_ratio)
{
        const struct kept_requests *requests = requests_of(query, kept);
        uint64_t lost = requests->outcome[CALL_DROPPED] + requests->outcome[CALL_LOST];

        (void)row;
        sample_set(out, (double)lost, (double)requests->ended, lost);
}

METRIC_SAMPLE(sample_timeout_ratio)
{
        const struct kept_requests *requests = requests_of(query, kept);

        (void)row;
        sample_set(out, (double)requests->outcome[CALL_TIMEOUT], (double)requests->ended,
                   requests->outcome[CALL_TIMEOUT]);
}

METRIC_SAMPLE(sample_retry_amplification)
{
        const struct kept_service *service = query_service(query, kept);

        (void)row;
        sample_set(out, (double)service->attempts, (double)service->calls, service->attempts);
}

METRIC_SAMPLE(sample_quality)
{
        const struct kept_requests *requests = requests_of(query, kept);
        uint64_t answered = requests->outcome[CALL_OK] + requests->outcome[CALL_DEGRADED];

        (void)row;
        sample_set(out, requests->quality_sum, (double)answered, answered);
}

METRIC_SAMPLE(sample_burn)
{
        const struct kept_service *service = query_service(query, kept);

        if (isfinite(service->burn[row->which]))
                sample_set(out, service->burn[row->which], 1,
                           service->paged_at_ns[row->which] != TIME_NEVER);
}
