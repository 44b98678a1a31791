/* odd.c - anomalies of a service's metrics, and its load by the time of day.
 *
 * What the instances of a service reported at one instant becomes one row for
 * each of four metrics (processor and median latency as means by traffic, errors,
 * answers a second), and each row goes to a detector of its own (anomaly.h). An
 * anomaly is evidence, not an alarm: it says so in a notice, shortens the dwell of
 * that service's alarms for half a minute, and is a sign for the pattern learner.
 * By itself it makes nobody act, since even a good detector is wrong once in some
 * thousands of rows, and a day has many.
 *
 * The load of a day is kept as a mean for each quarter of an hour, and is believed
 * from the second day on.
 */
#include "healer/hlr_supervisor.h"

#include <string.h>

enum { ODD_SERVICES_MAX = 64 };

#define FRESH_NS (30 * HLR_SECOND)
#define SLOT_NS (900 * HLR_SECOND)
#define SLOT_RATE 0.3

static const enum healer_metric odd_metrics[HLR_ODD_COUNT] = {
        [HLR_ODD_CPU] = HEALER_METRIC_CPU,
        [HLR_ODD_ERRORS] = HEALER_METRIC_ERROR_RATE,
        [HLR_ODD_LATENCY] = HEALER_METRIC_LATENCY,
        [HLR_ODD_LOAD] = HEALER_METRIC_COUNT, /* not one that alarms */
};

enum healer_err hlr_odd_create(struct healer *healer)
{
        struct healer_anomaly_config config = healer_anomaly_config_defaults();
        uint32_t i, m;

        for (i = 0; i < healer->service_count; i++) {
                healer->services[i].odd_at_ns = INT64_MIN;
                healer->services[i].load_slot = INT64_MIN;
                for (m = 0; m < HLR_ODD_COUNT; m++)
                        healer->services[i].odd_until_ns[m] = INT64_MIN;
        }
        if (!healer->config.detection.anomaly)
                return HEALER_OK;
        config.allocator = healer->allocator;
        config.season_ns = healer->config.detection.season_ns;
        config.sensitivity = 2 * healer->config.detection.sensitivity;
        if (config.sensitivity < 0.1)
                config.sensitivity = 0.1;
        for (i = 0; i < healer->service_count && i < ODD_SERVICES_MAX; i++) {
                for (m = 0; m < HLR_ODD_COUNT; m++) {
                        if (healer_anomaly_create(&config, &healer->services[i].odd[m]) !=
                            HEALER_OK)
                                return HEALER_E_NOMEM;
                }
        }
        return HEALER_OK;
}

void hlr_odd_destroy(struct healer *healer)
{
        uint32_t i, m;

        for (i = 0; healer->services != NULL && i < healer->service_count; i++) {
                for (m = 0; m < HLR_ODD_COUNT; m++)
                        healer_anomaly_destroy(healer->services[i].odd[m]);
        }
}

static inline void add(struct hlr_service *service, int64_t at_ns, enum hlr_odd metric,
                       double value, double weight)
{
        if (isnan(value) || !(weight > 0))
                return;
        service->odd_at_ns = hlr_max(service->odd_at_ns, at_ns);
        service->odd_sum[metric] += value * weight;
        service->odd_weight[metric] += weight;
}

void hlr_odd_add(struct hlr_service *service, int64_t at_ns,
                 const struct healer_instance_sample *sample, double calls)
{
        add(service, at_ns, HLR_ODD_CPU, sample->cpu_ratio, 1);
        add(service, at_ns, HLR_ODD_ERRORS, sample->error_ratio, calls);
        add(service, at_ns, HLR_ODD_LATENCY, sample->latency_p50_s, calls);
        add(service, at_ns, HLR_ODD_LOAD, sample->throughput_per_s, 1);
}

bool hlr_odd_now(const struct healer *healer, const struct hlr_service *service,
                 enum hlr_odd metric)
{
        return service->odd_until_ns[metric] > healer->now_ns;
}

/* ---- load by the time of day */

static uint32_t slot_of(int64_t slot)
{
        return (uint32_t)((slot % HLR_HOURS_OF_LOAD + HLR_HOURS_OF_LOAD) % HLR_HOURS_OF_LOAD);
}

static void learn_load(struct hlr_service *service, int64_t at_ns, double load)
{
        int64_t slot = at_ns / SLOT_NS;
        uint32_t of_day;
        double mean, rate;

        if (slot != service->load_slot) {
                if (service->load_slot != INT64_MIN && service->load_count > 0) {
                        of_day = slot_of(service->load_slot);
                        mean = service->load_sum / service->load_count;
                        service->load_days[of_day] += service->load_days[of_day] < UINT16_MAX;
                        rate = fmax(SLOT_RATE, 1.0 / service->load_days[of_day]);
                        service->load_mean[of_day] +=
                                (float)(rate * (mean - (double)service->load_mean[of_day]));
                }
                service->load_slot = slot;
                service->load_sum = 0;
                service->load_count = 0;
        }
        service->load_sum += load;
        service->load_count++;
}

double hlr_load_at(const struct hlr_service *service, int64_t at_ns)
{
        uint32_t of_day = slot_of(at_ns / SLOT_NS);

        return service->load_days[of_day] > 0 ? (double)service->load_mean[of_day] : NAN;
}

/* ---- each tick */

static void say_anomaly(struct healer *healer, uint32_t index, enum hlr_odd metric, double value,
                        const struct healer_anomaly_result *result)
{
        struct healer_notice notice = hlr_notice(HEALER_NOTICE_ANOMALY);

        notice.service = index;
        notice.metric = odd_metrics[metric];
        notice.value = value;
        notice.confidence = result->score;
        hlr_say(healer, &notice);
}

static void judge_row(struct healer *healer, uint32_t index)
{
        struct hlr_service *service = &healer->services[index];
        struct healer_anomaly_result result;
        double value;
        uint32_t m;

        for (m = 0; m < HLR_ODD_COUNT; m++) {
                if (!(service->odd_weight[m] > 0))
                        continue;
                value = service->odd_sum[m];
                if (m != HLR_ODD_LOAD)
                        value /= service->odd_weight[m];
                else
                        learn_load(service, service->odd_at_ns, value);
                service->odd_sum[m] = 0;
                service->odd_weight[m] = 0;
                if (service->odd[m] == NULL ||
                    healer_anomaly_update(service->odd[m], service->odd_at_ns, value, &result) !=
                            HEALER_OK ||
                    !result.alarm)
                        continue;
                service->odd_until_ns[m] = hlr_add(healer->now_ns, FRESH_NS);
                say_anomaly(healer, index, (enum hlr_odd)m, value, &result);
        }
        service->odd_at_ns = INT64_MIN;
}

void hlr_odd_judge(struct healer *healer)
{
        uint32_t i;

        for (i = 0; i < healer->service_count; i++) {
                if (healer->services[i].odd_at_ns != INT64_MIN)
                        judge_row(healer, i);
        }
}
