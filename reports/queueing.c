/* queueing.c - exact time averages of a service's inside: what queueing theory is compared with. */
#include "reports/metric_families.h"

#include <math.h>

METRIC_SAMPLE(sample_throughput)
{
        const struct kept_service *service = query_service(query, kept);

        (void)row;
        sample_set(out, (double)service->completed, service->observed_s, service->completed);
}

METRIC_SAMPLE(sample_utilization)
{
        const struct kept_service *service = query_service(query, kept);

        (void)row;
        sample_set(out, service->busy_area_s, service->worker_area_s, service->completed);
}

METRIC_SAMPLE(sample_waiting_mean)
{
        const struct kept_service *service = query_service(query, kept);

        (void)row;
        sample_set(out, service->waiting_sum_s, (double)service->started, service->started);
}

METRIC_SAMPLE(sample_waiting_quantile)
{
        const struct kept_service *service = query_service(query, kept);

        if (isfinite(service->waiting_s[row->which]))
                sample_set(out, service->waiting_s[row->which], 1, service->started);
}

METRIC_SAMPLE(sample_service_mean)
{
        const struct kept_service *service = query_service(query, kept);

        (void)row;
        sample_set(out, service->service_sum_s, (double)service->completed, service->completed);
}

METRIC_SAMPLE(sample_queue_mean)
{
        const struct kept_service *service = query_service(query, kept);

        (void)row;
        sample_set(out, service->queue_area_s, service->observed_s, service->arrived);
}

METRIC_SAMPLE(sample_in_system_mean)
{
        const struct kept_service *service = query_service(query, kept);

        (void)row;
        sample_set(out, service->system_area_s, service->observed_s, service->arrived);
}

METRIC_SAMPLE(sample_abandonment)
{
        const struct kept_service *service = query_service(query, kept);

        (void)row;
        sample_set(out, (double)service->abandoned, (double)service->arrived, service->abandoned);
}

METRIC_SAMPLE(sample_instances_up)
{
        const struct kept_service *service = query_service(query, kept);

        (void)row;
        sample_set(out, service->up_area_s, service->instance_area_s, 0);
}
