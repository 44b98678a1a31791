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
 * Nearly every sample is of something that is well, so that is what is made cheap: a
 * value below its limit at a monitor that is fine is a comparison and a few stores
 * (calm()), and only what is left over is judged step by step. The limit of a latency
 * needs an exponential; instead, a bound below it is moved with what is learned, and
 * the exponential is taken only for a value that is not far below that bound.
 *
 * O(1) a sample: `./dev bench healing_cost` says how many nanoseconds and instructions.
 */
#include "healer/hlr_math.h"
#include "healer/hlr_supervisor.h"

#include <string.h>

#define USUAL_SAMPLES 12
#define USUAL_RATE 0.02
#define STAYS_LOW (1 - 1e-14)   /* far more than what rounding moves */
#define CALM_SHARE 0.5          /* of the limit: less than anybody asks about */
#define FIRST_SAMPLES 60 /* until what is usual is known well enough to be held against later */
#define BAD_CALLS_MIN 5.0 /* fewer errors are chance */
#define QUANTILE_CALLS 20.0
#define USUAL_DWELL_NS (10 * HLR_SECOND)
#define SLOWER_RATIO 1.6        /* than the process before it at the same place */
#define HIGH_RATE_UP 0.1        /* towards a healthy value above the usual high ... */
#define HIGH_RATE_DOWN 0.0005   /* ... and below: what one in 200 exceeds */
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

/* What is unusual by itself needs less time to convince. */
static int64_t dwell_for(const struct healer *healer, const struct hlr_service *service)
{
        int64_t dwell = healer->config.detection.dwell_ns;

        return hlr_odd_now(healer, service, HLR_ODD_LATENCY) ||
                               hlr_odd_now(healer, service, HLR_ODD_ERRORS)
                       ? dwell / 2
                       : dwell;
}

static void judge_ratio(const struct healer *healer, struct hlr_monitor *monitor,
                        enum healer_metric metric, double value, double calls, int64_t at_ns)
{
        const struct judgement j = {
                .metric = metric,
                .value = value,
                .warning = healer->limits[metric].warning,
                .critical = healer->limits[metric].critical,
                .calls = calls,
                .bad_calls = calls * value,
                .dwell_ns = healer->dwell_ns,
        };

        judge(healer, monitor, &j, at_ns);
}

/* Nearly every value: below the limit at a monitor that is fine. All that judge() would
 * do then; false: it is to be asked (NaN is never calm). */
static inline bool calm(struct hlr_monitor *monitor, double value, double warning, int64_t at_ns)
{
        if (!(value < warning) || monitor->level != HLR_FINE)
                return false;
        monitor->seen_ns = at_ns;
        monitor->value = value;
        monitor->limit = warning;
        monitor->broken_since_ns = HEALER_NEVER;
        monitor->critical_since_ns = HEALER_NEVER;
        return true;
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

static bool usual_known(const struct healer *healer, const struct hlr_monitor *monitor,
                        int quantile)
{
        return healer->config.detection.anomaly && monitor->usual_count[quantile] >= USUAL_SAMPLES;
}

/* Never falls while `usual`, in seconds, rises. */
static double limit_beside(const struct healer *healer, const struct hlr_service *service,
                           double usual)
{
        double limit = healer->limits[HEALER_METRIC_LATENCY].warning;
        double sensitivity = healer->config.detection.sensitivity;

        if (limit > service->objective_s)
                limit = service->objective_s;
        /* A place that is slow by nature is not sick by a limit made for others. */
        if (limit < 2 * usual)
                limit = 2 * usual;
        usual = usual * (2 + 4 * (1 - sensitivity)) + 0.05 + 0.1 * (1 - sensitivity);
        return usual < limit ? usual : limit;
}

static double usual_exactly(struct hlr_monitor *monitor, int quantile)
{
        double usual = hlr_exp(monitor->usual[quantile]);

        monitor->usual_low[quantile] = usual * STAYS_LOW;
        return usual;
}

static double latency_limit(const struct healer *healer, const struct hlr_service *service,
                            struct hlr_monitor *monitor, int quantile)
{
        if (!usual_known(healer, monitor, quantile))
                return fmin(healer->limits[HEALER_METRIC_LATENCY].warning, service->objective_s);
        return limit_beside(healer, service, usual_exactly(monitor, quantile));
}

static void learn_usual(struct hlr_monitor *monitor, int quantile, double value)
{
        uint32_t count = monitor->usual_count[quantile];
        double step = hlr_log(value > 1e-6 ? value : 1e-6) - monitor->usual[quantile];

        if (count < USUAL_SAMPLES)
                step /= count + 1;
        else
                step = USUAL_RATE * (step < 0.5 ? step > -0.5 ? step : -0.5 : 0.5);
        monitor->usual[quantile] += step;
        monitor->usual_low[quantile] *= (1 + step) * STAYS_LOW;
        monitor->usual_count[quantile]++;
}

/* A latency far below what could be its limit needs no exponential to be judged. */
static bool calm_latency(const struct healer *healer, const struct hlr_service *service,
                         struct hlr_monitor *monitor, int quantile, double value, int64_t at_ns)
{
        double least = usual_known(healer, monitor, quantile)
                               ? limit_beside(healer, service, monitor->usual_low[quantile])
                               : latency_limit(healer, service, monitor, quantile);

        return value < CALM_SHARE * least && at_ns >= monitor->seen_ns &&
               calm(monitor, value, least, at_ns);
}

static bool judge_latency_closely(const struct healer *healer, const struct hlr_service *service,
                                  struct hlr_monitor *monitor, int quantile, double value,
                                  double p50_s, double calls, int64_t at_ns)
{
        const struct healer_threshold *limits =
                &healer->config.detection.thresholds[HEALER_METRIC_LATENCY];
        struct judgement j = {.metric = HEALER_METRIC_LATENCY, .value = value};

        j.warning = latency_limit(healer, service, monitor, quantile);
        j.critical = limits->critical / limits->warning * j.warning;
        j.calls = calls;
        j.bad_calls = quantile == 1 && !(p50_s >= j.warning)
                              ? fmax(1, 0.05 * calls)
                              : 0.5 * calls;
        if (j.bad_calls * 3 < BAD_CALLS_MIN)
                j.bad_calls = BAD_CALLS_MIN / 3;
        j.dwell_ns = dwell_for(healer, service);
        j.changing = hlr_service_changing(healer, service);
        if (j.changing)
                j.dwell_ns = hlr_mul(j.dwell_ns, 2);
        judge(healer, monitor, &j, at_ns);
        return j.value < j.warning && monitor->level == HLR_FINE;
}

/* True: it was calm, and nothing else has to look at it. */
static bool judge_latency(const struct healer *healer, const struct hlr_service *service,
                          struct hlr_monitor *monitor, double p50_s, double p95_s, double calls,
                          int64_t at_ns)
{
        int quantile = calls >= QUANTILE_CALLS ? 1 : 0;
        double value = quantile == 1 ? p95_s : p50_s;
        bool is_calm;

        if (isnan(value) || !(calls > 0))
                return false;
        is_calm = calm_latency(healer, service, monitor, quantile, value, at_ns);
        if (!is_calm && !judge_latency_closely(healer, service, monitor, quantile, value, p50_s,
                                               calls, at_ns))
                return false;
        learn_usual(monitor, quantile, value);
        /* A new version is compared with the old one by the median, however many call. */
        if (quantile != 0 && !isnan(p50_s))
                learn_usual(monitor, 0, p50_s);
        return is_calm;
}

/* ---- samples */

static void note_sample_time(struct healer *healer, int64_t at_ns)
{
        if (at_ns > healer->sample_ns) {
                if (healer->sample_ns != INT64_MIN) {
                        healer->interval_seen_ns = at_ns - healer->sample_ns;
                        healer->interval_s = (double)healer->interval_seen_ns / 1e9;
                }
                healer->sample_ns = at_ns;
        }
        healer->sampled = true;
        healer->work += healer->work < UINT32_MAX;
        if (HLR_UNLIKELY(!healer->limits_known))
                hlr_limits(healer);
}

static inline void learn_high(struct healer_tuning *tuning, double healthy)
{
        double step = healthy - tuning->usual_high;

        if (healthy >= 0)
                tuning->usual_high += step * (step > 0 ? HIGH_RATE_UP : HIGH_RATE_DOWN);
}

/* Than what is usual there. */
static bool is_slower(struct hlr_monitor *latency, double p50_s)
{
        if (p50_s <= SLOWER_RATIO * latency->usual_low[0])
                return false;
        return p50_s > SLOWER_RATIO * usual_exactly(latency, 0);
}

/* Into the tracks that prediction looks at, and the service's anomaly row. */
static void follow(struct hlr_service *service, struct hlr_instance *instance,
                   const struct healer_instance_sample *sample, double calls, int64_t at_ns)
{
        struct hlr_monitor *latency = &instance->monitors[HEALER_METRIC_LATENCY];
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
                instance->slow_after_change = is_slower(latency, sample->latency_p50_s)
                                                      ? instance->slow_after_change + 1
                                                      : 0;
        hlr_odd_add(service, at_ns, sample, calls);
}

/* A value that is healthy moves what is usual there; a metric that has just crossed its
 * warning limit is a sign. */
static void tell_signs(struct healer *healer, const struct hlr_instance *instance,
                       const enum hlr_level *before, uint32_t unsure, int64_t at_ns)
{
        const struct hlr_monitor *m;
        int metric;

        for (metric = 0; metric < HLR_INSTANCE_METRICS; metric++) {
                m = &instance->monitors[metric];
                if ((unsure >> metric & 1) == 0)
                        continue;
                if (m->level == HLR_FINE && m->seen_ns == at_ns &&
                    m->broken_since_ns == HEALER_NEVER && healer->config.learning.enabled)
                        learn_high(&healer->tuning[metric], m->value);
                if (before[metric] == HLR_FINE && m->level > HLR_FINE && healer->patterns != NULL)
                        healer_patterns_sign(healer->patterns, at_ns, instance->service,
                                             HEALER_SIGN_METRIC + (uint32_t)metric);
        }
}

/* What the sample says of each metric but latency; NaN: nothing. */
static void read_metrics(const struct healer_instance_sample *sample, uint32_t workers,
                         double calls, double failed, double values[HLR_INSTANCE_METRICS])
{
        values[HEALER_METRIC_CPU] = sample->cpu_ratio;
        values[HEALER_METRIC_MEMORY] = sample->memory_ratio;
        values[HEALER_METRIC_DISK] = sample->disk_ratio;
        values[HEALER_METRIC_FDS] = sample->fd_ratio;
        values[HEALER_METRIC_POOL] = sample->pool_ratio;
        values[HEALER_METRIC_TOKENS] = sample->token_ratio;
        values[HEALER_METRIC_NETWORK] = calls + failed > 0 ? failed / (calls + failed) : NAN;
        values[HEALER_METRIC_ERROR_RATE] = calls > 0 ? sample->error_ratio : NAN;
        values[HEALER_METRIC_LATENCY] = NAN;
        values[HEALER_METRIC_QUEUE] = sample->queue_depth / workers;
}

/* Bit by bit which metrics are to be looked at closely. A sample that is not newer than
 * all before it is none that can be passed over. */
static uint32_t judge_calm(struct healer *healer, struct hlr_instance *instance,
                           const double *values, int64_t at_ns)
{
        const bool learns = healer->config.learning.enabled;
        uint32_t unsure = 0;
        int metric;

        if (HLR_UNLIKELY(at_ns <= instance->sampled_ns))
                return ((1U << HLR_INSTANCE_METRICS) - 1) & ~(1U << HEALER_METRIC_LATENCY);
        for (metric = 0; metric < HLR_INSTANCE_METRICS; metric++) {
                if (!calm(&instance->monitors[metric], values[metric],
                          healer->limits[metric].warning, at_ns))
                        unsure |= (uint32_t)!isnan(values[metric]) << metric;
                else if (learns)
                        learn_high(&healer->tuning[metric], values[metric]);
        }
        return unsure;
}

static void judge_closely(struct healer *healer, const struct hlr_service *service,
                          struct hlr_instance *instance, const double *values, uint32_t unsure,
                          double calls, double failed, int64_t at_ns)
{
        double of[HLR_INSTANCE_METRICS];
        int metric;

        for (metric = 0; metric < HLR_INSTANCE_METRICS; metric++)
                of[metric] = NAN;
        of[HEALER_METRIC_NETWORK] = calls + failed;
        of[HEALER_METRIC_ERROR_RATE] = calls;
        healer->dwell_ns = dwell_for(healer, service);
        for (metric = 0; metric < HLR_INSTANCE_METRICS; metric++) {
                if ((unsure >> metric & 1) != 0)
                        judge_ratio(healer, &instance->monitors[metric],
                                    (enum healer_metric)metric, values[metric], of[metric], at_ns);
        }
}

static void keep_levels(const struct hlr_instance *instance,
                        enum hlr_level levels[HLR_INSTANCE_METRICS])
{
        int metric;

        for (metric = 0; metric < HLR_INSTANCE_METRICS; metric++)
                levels[metric] = instance->monitors[metric].level;
}

static double or_none(double count)
{
        return count > 0 ? count : 0; /* also NaN */
}

enum healer_err hlr_observe_instance(struct healer *healer, int64_t at_ns,
                                     const struct healer_instance_sample *sample)
{
        struct hlr_instance *instance;
        struct hlr_service *service;
        struct hlr_monitor *latency;
        enum hlr_level before[HLR_INSTANCE_METRICS];
        double values[HLR_INSTANCE_METRICS], calls, failed;
        uint32_t unsure;

        if (sample->instance >= healer->instance_count) {
                healer->stats.dropped++;
                return HEALER_E_RANGE;
        }
        instance = &healer->instances[sample->instance];
        if (instance->process == HLR_REMOVED || at_ns < instance->started_ns)
                return HEALER_OK; /* late: it speaks of what is gone */
        note_sample_time(healer, at_ns);
        if ((instance->process != HLR_UP || instance->silent) &&
            sample->throughput_per_s > 0) /* false for NaN */
                hlr_sign_of_life(healer, instance, at_ns);
        service = &healer->services[instance->service];
        latency = &instance->monitors[HEALER_METRIC_LATENCY];
        calls = or_none(sample->throughput_per_s * healer->interval_s);
        failed = or_none(sample->connection_failures);

        read_metrics(sample, service->info.workers, calls, failed, values);
        unsure = judge_calm(healer, instance, values, at_ns);
        if (unsure != 0) {
                instance->unsure = true;
                keep_levels(instance, before);
                judge_closely(healer, service, instance, values, unsure, calls, failed, at_ns);
        }
        before[HEALER_METRIC_LATENCY] = latency->level;
        if (!judge_latency(healer, service, latency, sample->latency_p50_s, sample->latency_p95_s,
                           calls, at_ns)) {
                unsure |= 1U << HEALER_METRIC_LATENCY;
                instance->unsure = true;
        }
        else if (healer->config.learning.enabled)
                learn_high(&healer->tuning[HEALER_METRIC_LATENCY], latency->value);
        instance->sampled_ns = hlr_max(instance->sampled_ns, at_ns);
        follow(service, instance, sample, calls, at_ns);
        if (unsure != 0)
                tell_signs(healer, instance, before, unsure, at_ns);
        return HEALER_OK;
}

static void judge_edge_ratio(struct healer *healer, struct hlr_edge *edge, int which, double value,
                             double calls, int64_t at_ns)
{
        struct hlr_monitor *monitor = &edge->monitors[which];
        enum healer_metric metric = which == EDGE_NETWORK ? HEALER_METRIC_NETWORK
                                                          : HEALER_METRIC_ERROR_RATE;

        if (at_ns >= monitor->seen_ns &&
            calm(monitor, value, healer->limits[metric].warning, at_ns))
                return;
        edge->unsure = true;
        healer->dwell_ns = dwell_for(healer, &healer->services[edge->to]);
        judge_ratio(healer, monitor, metric, value, calls, at_ns);
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
        hlr_calls_add(edge, calls);
        judge_edge_ratio(healer, edge, EDGE_NETWORK, sample->timeout_ratio, calls, at_ns);
        judge_edge_ratio(healer, edge, EDGE_ERROR_RATE, sample->error_ratio, calls, at_ns);
        if (!judge_latency(healer, &healer->services[edge->to], &edge->monitors[EDGE_LATENCY],
                           sample->latency_p50_s, sample->latency_p95_s, calls, at_ns))
                edge->unsure = true;
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
