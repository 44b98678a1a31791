/* detection.c - from samples to what each monitor says.
 *
 * A monitor is one metric at one place (an instance or an edge). A value at or
 * above the warning limit breaks it; it is an alarm only after it has been
 * broken for the dwell time (half of it above the critical limit) and, where
 * users feel the metric, after enough calls were seen broken. The dwell is there
 * to tell failures from chance: many calls of one sample, far above the critical
 * limit, cannot be chance, and are an alarm at once. A value below
 * the limit less the hysteresis for the same dwell time ends it. What silence says, and
 * which alarms follow, is in alarms.c.
 *
 * The limit of a latency is the smallest of the configured one, the declared
 * objective, and what is usual at this place times a factor. "Usual" is a slow
 * mean of the logarithm of values that did not break the limit, learned after
 * the value was judged: no value stands in its own baseline. With few calls in
 * an interval the median is judged, with many the 95 % quantile: one late
 * answer among four says nothing.
 *
 * O(1) a sample.
 */
#include "healer/hlr_math.h"
#include "healer/hlr_supervisor.h"

#include <string.h>

#define USUAL_SAMPLES 12
#define USUAL_RATE 0.02
#define FIRST_SAMPLES 60 /* until what is usual is known well enough to be held against later */
#define BAD_CALLS_MIN 5.0 /* fewer errors are chance */
#define QUANTILE_CALLS 20.0
#define USUAL_DWELL_NS (10 * HLR_SECOND)
#define BEYOND_DOUBT 2.0        /* times the critical limit, ... */
#define BAD_CALLS_MANY 20.0     /* ... with so many bad calls in one sample */

enum { EDGE_NETWORK, EDGE_ERROR_RATE, EDGE_LATENCY };

void hlr_monitor_clear(struct hlr_monitor *monitor)
{
        monitor->broken_since_ns = HEALER_NEVER;
        monitor->critical_since_ns = HEALER_NEVER;
        monitor->good_since_ns = HEALER_NEVER;
        monitor->seen_ns = INT64_MIN;
        monitor->calls = 0;
        monitor->bad_calls = 0;
        monitor->level = HLR_FINE;
}

void hlr_instance_forget(struct hlr_instance *instance)
{
        int metric;

        for (metric = 0; metric < HLR_INSTANCE_METRICS; metric++)
                hlr_monitor_clear(&instance->monitors[metric]);
        hlr_track_clear(instance);
        instance->slow_after_change = 0;
}

bool hlr_service_changing(const struct healer *healer, const struct hlr_service *service)
{
        return service->deploying ||
               (service->deploy_ended_ns != INT64_MIN &&
                hlr_sub(healer->now_ns, service->deploy_ended_ns) <
                        healer->config.detection.change_grace_ns);
}

/* ---- one value */

struct judgement {
        enum healer_metric metric;
        double value, warning, critical;
        double calls, bad_calls; /* in this sample; NaN: the metric needs no traffic */
        int64_t dwell_ns;
        bool changing; /* a change explains much: nothing is beyond doubt */
};

static bool beyond_doubt(const struct judgement *j)
{
        double many = j->metric == HEALER_METRIC_LATENCY ? BAD_CALLS_MIN : BAD_CALLS_MANY;

        return !j->changing && j->bad_calls >= many && /* false for NaN */
               j->value >= BEYOND_DOUBT * j->critical;
}

/* What is beyond doubt needs no dwell of the usual length; of a longer one that was asked
 * for, the rest holds. */
static int64_t least_dwell(const struct healer *healer)
{
        return hlr_max(0, (healer->config.detection.dwell_ns - USUAL_DWELL_NS) / 2);
}

static void judge_broken(const struct healer *healer, struct hlr_monitor *monitor,
                         const struct judgement *j, int64_t at_ns, double calls_min)
{
        bool evidence;

        monitor->good_since_ns = HEALER_NEVER;
        if (monitor->broken_since_ns == HEALER_NEVER) {
                monitor->broken_since_ns = at_ns;
                monitor->calls = 0;
                monitor->bad_calls = 0;
        }
        if (j->value < j->critical)
                monitor->critical_since_ns = HEALER_NEVER;
        else if (monitor->critical_since_ns == HEALER_NEVER)
                monitor->critical_since_ns = at_ns;
        evidence = isnan(j->calls);
        if (!evidence) {
                monitor->calls += j->calls;
                monitor->bad_calls += j->bad_calls;
                evidence = monitor->calls >= calls_min && monitor->bad_calls >= BAD_CALLS_MIN;
        }
        if (!evidence)
                return;
        if (at_ns - monitor->broken_since_ns >= j->dwell_ns && monitor->level < HLR_WARNING)
                monitor->level = HLR_WARNING;
        if (monitor->critical_since_ns != HEALER_NEVER &&
            (at_ns - monitor->critical_since_ns >= j->dwell_ns / 2 ||
             (beyond_doubt(j) && at_ns - monitor->critical_since_ns >= least_dwell(healer))))
                monitor->level = HLR_CRITICAL;
}

static void judge(const struct healer *healer, struct hlr_monitor *monitor,
                  const struct judgement *j, int64_t at_ns)
{
        if (isnan(j->value) || at_ns < monitor->seen_ns)
                return; /* nothing, or overtaken on its way by what is newer */
        monitor->seen_ns = at_ns;
        monitor->value = j->value;
        monitor->limit = j->warning;
        if (j->value >= j->warning) {
                judge_broken(healer, monitor, j, at_ns, healer->config.detection.min_calls);
                return;
        }
        if (monitor->level == HLR_FINE) {
                monitor->broken_since_ns = HEALER_NEVER;
                monitor->critical_since_ns = HEALER_NEVER;
                return;
        }
        if (j->value >= j->warning * (1 - healer->config.detection.hysteresis)) {
                monitor->good_since_ns = HEALER_NEVER;
                return;
        }
        if (monitor->good_since_ns == HEALER_NEVER)
                monitor->good_since_ns = at_ns;
        if (at_ns - monitor->good_since_ns < healer->config.detection.dwell_ns)
                return;
        monitor->level = HLR_FINE;
        monitor->broken_since_ns = HEALER_NEVER;
        monitor->critical_since_ns = HEALER_NEVER;
}

static void judge_ratio(const struct healer *healer, struct hlr_monitor *monitor,
                        enum healer_metric metric, double value, double calls, int64_t at_ns)
{
        const struct healer_threshold *limit = &healer->config.detection.thresholds[metric];
        struct judgement j = {
                .metric = metric,
                .value = value,
                .warning = hlr_tuned(healer, metric, limit->warning),
                .critical = hlr_tuned(healer, metric, limit->critical),
                .calls = calls,
                .bad_calls = calls * value,
                .dwell_ns = healer->dwell_ns,
        };

        judge(healer, monitor, &j, at_ns);
}

void hlr_judge(const struct healer *healer, struct hlr_monitor *monitor, double value,
               double warning, double critical, int64_t at_ns)
{
        const struct judgement j = {
                .metric = HEALER_METRIC_DRIFT,
                .value = value,
                .warning = warning,
                .critical = critical,
                .calls = NAN,
                .bad_calls = NAN,
                .dwell_ns = healer->config.detection.dwell_ns,
        };

        judge(healer, monitor, &j, at_ns);
}

/* ---- latency: against limit, objective and usual */

static double latency_limit(const struct healer *healer, const struct hlr_service *service,
                            const struct hlr_monitor *monitor, int quantile)
{
        double limit = hlr_tuned(healer, HEALER_METRIC_LATENCY,
                                 healer->config.detection.thresholds[HEALER_METRIC_LATENCY].warning);
        double sensitivity = healer->config.detection.sensitivity;
        double usual;

        if (service->info.slo_latency_ns > 0 && service->info.slo_latency_ns < HEALER_NEVER &&
            limit > (double)service->info.slo_latency_ns / 1e9)
                limit = (double)service->info.slo_latency_ns / 1e9;
        if (!healer->config.detection.anomaly || monitor->usual_count[quantile] < USUAL_SAMPLES)
                return limit;
        usual = hlr_exp(monitor->usual[quantile]);
        /* A place that is slow by nature is not sick by a limit made for others. */
        if (limit < 2 * usual)
                limit = 2 * usual;
        usual = usual * (2 + 4 * (1 - sensitivity)) + 0.05 + 0.1 * (1 - sensitivity);
        return usual < limit ? usual : limit;
}

static void learn_usual(struct hlr_monitor *monitor, int quantile, double value)
{
        uint32_t count = monitor->usual_count[quantile];
        double step = hlr_log(value > 1e-6 ? value : 1e-6) - monitor->usual[quantile];

        if (count < USUAL_SAMPLES)
                step /= count + 1;
        else
                step = USUAL_RATE * fmax(-0.5, fmin(0.5, step));
        monitor->usual[quantile] += step;
        monitor->usual_count[quantile]++;
}

static void judge_latency(const struct healer *healer, const struct hlr_service *service,
                          struct hlr_monitor *monitor, double p50_s, double p95_s, double calls,
                          int64_t at_ns)
{
        const struct healer_threshold *limits =
                &healer->config.detection.thresholds[HEALER_METRIC_LATENCY];
        int quantile = calls >= QUANTILE_CALLS ? 1 : 0;
        struct judgement j = {.metric = HEALER_METRIC_LATENCY};

        j.value = quantile == 1 ? p95_s : p50_s;
        if (isnan(j.value) || !(calls > 0))
                return;
        j.warning = latency_limit(healer, service, monitor, quantile);
        j.critical = limits->critical / limits->warning * j.warning;
        j.calls = calls;
        j.bad_calls = quantile == 1 && !(p50_s >= j.warning) ? fmax(1, 0.05 * calls)
                                                             : 0.5 * calls;
        if (j.bad_calls * 3 < BAD_CALLS_MIN)
                j.bad_calls = BAD_CALLS_MIN / 3;
        j.dwell_ns = healer->dwell_ns;
        j.changing = hlr_service_changing(healer, service);
        if (j.changing)
                j.dwell_ns = hlr_mul(j.dwell_ns, 2);
        judge(healer, monitor, &j, at_ns);
        if (!(j.value < j.warning) || monitor->level != HLR_FINE)
                return;
        learn_usual(monitor, quantile, j.value);
        /* A new version is compared with the old one by the median, however many call. */
        if (quantile != 0 && !isnan(p50_s))
                learn_usual(monitor, 0, p50_s);
}

/* ---- samples */

static void note_sample_time(struct healer *healer, int64_t at_ns)
{
        if (at_ns > healer->sample_ns && healer->sample_ns != INT64_MIN)
                healer->interval_seen_ns = at_ns - healer->sample_ns;
        if (at_ns > healer->sample_ns)
                healer->sample_ns = at_ns;
        healer->sampled = true;
        healer->work += healer->work < UINT32_MAX;
}

static double interval_s(const struct healer *healer)
{
        int64_t interval = healer->interval_seen_ns;

        if (interval <= 0)
                interval = healer->config.detection.interval_ns;
        return (double)interval / 1e9;
}

/* What is unusual by itself needs less time to convince. */
static int64_t dwell_for(const struct healer *healer, const struct hlr_service *service)
{
        int64_t dwell = healer->config.detection.dwell_ns;

        return hlr_odd_now(healer, service, HLR_ODD_LATENCY) ||
                               hlr_odd_now(healer, service, HLR_ODD_ERRORS)
                       ? dwell / 2
                       : dwell;
}

#define SLOWER_RATIO 1.6 /* than the process before it at the same place */

/* Into the tracks that prediction looks at, and the service's anomaly row. */
static void follow(struct hlr_service *service, struct hlr_instance *instance,
                   const struct healer_instance_sample *sample, double calls, int64_t at_ns)
{
        const struct hlr_monitor *latency = &instance->monitors[HEALER_METRIC_LATENCY];
        const double values[HLR_SIGNAL_COUNT] = {
                [HLR_SIGNAL_MEMORY] = sample->memory_ratio,
                [HLR_SIGNAL_DISK] = sample->disk_ratio,
                [HLR_SIGNAL_FDS] = sample->fd_ratio,
                [HLR_SIGNAL_POOL] = sample->pool_ratio,
                [HLR_SIGNAL_TOKENS] = sample->token_ratio,
                [HLR_SIGNAL_CPU] = sample->cpu_ratio,
                [HLR_SIGNAL_ERRORS] = calls > 0 ? sample->error_ratio : NAN,
                [HLR_SIGNAL_LATENCY] = calls > 0 ? sample->latency_p50_s : NAN,
                [HLR_SIGNAL_QUEUE] = sample->queue_depth,
                [HLR_SIGNAL_LOAD] = sample->throughput_per_s,
                [HLR_SIGNAL_BUSY] = calls > 0 && service->info.workers > 0
                                            ? sample->throughput_per_s * sample->latency_p50_s /
                                                      service->info.workers
                                            : NAN,
        };
        int quantile;

        hlr_track_add(instance, at_ns, values);
        for (quantile = 0; quantile < 2; quantile++) {
                if (isnan(instance->usual_first[quantile]) &&
                    latency->usual_count[quantile] >= FIRST_SAMPLES)
                        instance->usual_first[quantile] = latency->usual[quantile];
        }
        if (calls > 0 && latency->usual_count[0] >= USUAL_SAMPLES)
                instance->slow_after_change =
                        sample->latency_p50_s > SLOWER_RATIO * hlr_exp(latency->usual[0])
                                ? instance->slow_after_change + 1
                                : 0;
        hlr_odd_add(service, at_ns, HLR_ODD_CPU, sample->cpu_ratio, 1);
        hlr_odd_add(service, at_ns, HLR_ODD_ERRORS, sample->error_ratio, calls);
        hlr_odd_add(service, at_ns, HLR_ODD_LATENCY, sample->latency_p50_s, calls);
        hlr_odd_add(service, at_ns, HLR_ODD_LOAD, sample->throughput_per_s, 1);
}

/* A metric that has just crossed its warning limit is a sign. */
static void tell_signs(struct healer *healer, const struct hlr_instance *instance,
                       const enum hlr_level *before, int64_t at_ns)
{
        int metric;

        for (metric = 0; metric < HLR_INSTANCE_METRICS; metric++) {
                if (instance->monitors[metric].level == HLR_FINE &&
                    instance->monitors[metric].seen_ns == at_ns &&
                    instance->monitors[metric].broken_since_ns == HEALER_NEVER)
                        hlr_tune_healthy(healer, (enum healer_metric)metric,
                                         instance->monitors[metric].value);
                if (before[metric] == HLR_FINE && instance->monitors[metric].level > HLR_FINE &&
                    healer->patterns != NULL)
                        healer_patterns_sign(healer->patterns, at_ns, instance->service,
                                             HEALER_SIGN_METRIC + (uint32_t)metric);
        }
}

enum healer_err hlr_observe_instance(struct healer *healer, int64_t at_ns,
                                     const struct healer_instance_sample *sample)
{
        struct hlr_instance *instance;
        struct hlr_service *service;
        enum hlr_level levels[HLR_INSTANCE_METRICS];
        struct hlr_monitor *m;
        double calls, failed;
        int metric;

        if (sample->instance >= healer->instance_count) {
                healer->stats.dropped++;
                return HEALER_E_RANGE;
        }
        instance = &healer->instances[sample->instance];
        if (instance->process == HLR_REMOVED || at_ns < instance->started_ns)
                return HEALER_OK; /* late: it speaks of what is gone */
        note_sample_time(healer, at_ns);
        if (sample->throughput_per_s > 0) /* false for NaN */
                hlr_sign_of_life(healer, instance, at_ns);
        service = &healer->services[instance->service];
        m = instance->monitors;
        for (metric = 0; metric < HLR_INSTANCE_METRICS; metric++)
                levels[metric] = m[metric].level;
        calls = sample->throughput_per_s * interval_s(healer);
        if (isnan(calls) || calls < 0)
                calls = 0;
        failed = sample->connection_failures;
        if (isnan(failed) || failed < 0)
                failed = 0;

        healer->dwell_ns = dwell_for(healer, service);
        judge_ratio(healer, &m[HEALER_METRIC_CPU], HEALER_METRIC_CPU, sample->cpu_ratio, NAN, at_ns);
        judge_ratio(healer, &m[HEALER_METRIC_MEMORY], HEALER_METRIC_MEMORY, sample->memory_ratio,
                    NAN, at_ns);
        judge_ratio(healer, &m[HEALER_METRIC_DISK], HEALER_METRIC_DISK, sample->disk_ratio, NAN,
                    at_ns);
        judge_ratio(healer, &m[HEALER_METRIC_FDS], HEALER_METRIC_FDS, sample->fd_ratio, NAN, at_ns);
        judge_ratio(healer, &m[HEALER_METRIC_POOL], HEALER_METRIC_POOL, sample->pool_ratio, NAN,
                    at_ns);
        judge_ratio(healer, &m[HEALER_METRIC_TOKENS], HEALER_METRIC_TOKENS, sample->token_ratio,
                    NAN, at_ns);
        judge_ratio(healer, &m[HEALER_METRIC_QUEUE], HEALER_METRIC_QUEUE,
                    sample->queue_depth / service->info.workers, NAN, at_ns);
        if (calls + failed > 0)
                judge_ratio(healer, &m[HEALER_METRIC_NETWORK], HEALER_METRIC_NETWORK,
                            failed / (calls + failed), calls + failed, at_ns);
        if (calls > 0)
                judge_ratio(healer, &m[HEALER_METRIC_ERROR_RATE], HEALER_METRIC_ERROR_RATE,
                            sample->error_ratio, calls, at_ns);
        judge_latency(healer, service, &m[HEALER_METRIC_LATENCY], sample->latency_p50_s,
                      sample->latency_p95_s, calls, at_ns);
        follow(service, instance, sample, calls, at_ns);
        tell_signs(healer, instance, levels, at_ns);
        return HEALER_OK;
}

enum healer_err hlr_observe_edge(struct healer *healer, int64_t at_ns,
                                 const struct healer_edge_sample *sample)
{
        struct hlr_edge *edge;
        double calls;

        if (sample->edge >= healer->edge_count) {
                healer->stats.dropped++;
                return HEALER_E_RANGE;
        }
        edge = &healer->edges[sample->edge];
        note_sample_time(healer, at_ns);
        calls = (double)sample->calls;
        if (!(calls > 0))
                return HEALER_OK;
        hlr_harm_add(healer, edge, sample, at_ns);
        healer->dwell_ns = dwell_for(healer, &healer->services[edge->to]);
        judge_ratio(healer, &edge->monitors[EDGE_NETWORK], HEALER_METRIC_NETWORK,
                    sample->timeout_ratio, calls, at_ns);
        judge_ratio(healer, &edge->monitors[EDGE_ERROR_RATE], HEALER_METRIC_ERROR_RATE,
                    sample->error_ratio, calls, at_ns);
        judge_latency(healer, &healer->services[edge->to], &edge->monitors[EDGE_LATENCY],
                      sample->latency_p50_s, sample->latency_p95_s, calls, at_ns);
        return HEALER_OK;
}

enum healer_err hlr_observe_custom(struct healer *healer, int64_t at_ns, uint32_t service,
                                   double value)
{
        if (service >= healer->service_count) {
                healer->stats.dropped++;
                return HEALER_E_RANGE;
        }
        note_sample_time(healer, at_ns);
        healer->dwell_ns = healer->config.detection.dwell_ns;
        judge_ratio(healer, &healer->services[service].custom, HEALER_METRIC_DRIFT, value, NAN,
                    at_ns);
        return HEALER_OK;
}

enum healer_err hlr_observe_breaker(struct healer *healer, uint32_t edge, bool keeps_off)
{
        if (edge >= healer->edge_count)
                return HEALER_E_RANGE;
        if (healer->edges[edge].kept_off != keeps_off)
                healer->told = true;
        healer->edges[edge].kept_off = keeps_off;
        return HEALER_OK;
}
