/* alarms.c - from what the monitors say to alarms.
 *
 * Alarms are one for each (service, failure type), whatever number of monitors
 * speak for it. What an edge measures is told of the callee. Resources that
 * run short hurt nobody by themselves: only memory, disk and tokens at their
 * critical limit raise an alarm, since what follows is sudden. Silence ends an
 * alarm only after a minute and never behind a breaker.
 *
 * They are counted anew in each tick, O(monitors).
 */
#include "healer/hlr_supervisor.h"

#include <string.h>

#define SILENCE_NS (60 * HLR_SECOND)
#define FLAP_NS (30 * HLR_SECOND)

static const enum healer_metric edge_metrics[HLR_EDGE_METRICS] = {
        HEALER_METRIC_NETWORK, HEALER_METRIC_ERROR_RATE, HEALER_METRIC_LATENCY};

int64_t hlr_patience(const struct healer *healer)
{
        int64_t patience = healer->config.detection.heartbeat_timeout_ns;

        return healer->troubled ? patience / 3 : patience;
}

bool hlr_edge_suspicious(const struct healer *healer, const struct hlr_edge *edge)
{
        const struct hlr_monitor *monitor;
        int i;

        /* A breaker that has just closed may only have tried its luck. */
        if (edge->kept_off || (edge->kept_off_ns != INT64_MIN &&
                               healer->now_ns - edge->kept_off_ns < FLAP_NS))
                return true;
        for (i = 0; edge->unsure && i < HLR_EDGE_METRICS; i++) {
                monitor = &edge->monitors[i];
                if (monitor->level > HLR_FINE)
                        return true;
                if (monitor->broken_since_ns != HEALER_NEVER &&
                    healer->now_ns - monitor->seen_ns < SILENCE_NS)
                        return true;
        }
        return false;
}

/* What the monitors say of one (service, failure) at this tick. */
struct claim {
        enum hlr_level level;
        enum healer_metric metric;
        uint32_t instance, edge;
        uint32_t monitor; /* of the caller's own, and one; 0: none */
        bool reported;
        double value, limit;
};

static void claim_raise(struct claim *claim, enum hlr_level level, enum healer_metric metric,
                        uint32_t instance, uint32_t edge, double value, double limit)
{
        if (level <= claim->level)
                return;
        claim->level = level;
        claim->metric = metric;
        claim->instance = instance;
        claim->edge = edge;
        claim->monitor = 0;
        claim->reported = false;
        claim->value = value;
        claim->limit = limit;
}

static void forget_silent(const struct healer *healer, struct hlr_monitor *monitor)
{
        if (monitor->seen_ns != INT64_MIN && healer->now_ns - monitor->seen_ns >= SILENCE_NS &&
            monitor->broken_since_ns != HEALER_NEVER)
                hlr_monitor_clear(monitor);
}

static bool is_unsure(const struct hlr_monitor *monitors, int count)
{
        int i;

        for (i = 0; i < count; i++) {
                if (monitors[i].level != HLR_FINE || monitors[i].broken_since_ns != HEALER_NEVER)
                        return true;
        }
        return false;
}

static bool alarms_alone(enum healer_metric metric, enum hlr_level level)
{
        if (healer_metrics[metric].symptom)
                return level > HLR_FINE;
        return level == HLR_CRITICAL && (metric == HEALER_METRIC_MEMORY ||
                                         metric == HEALER_METRIC_DISK ||
                                         metric == HEALER_METRIC_TOKENS);
}

static void claim_processes(const struct healer *healer, uint32_t index, struct claim *claims)
{
        const struct hlr_instance *instance = &healer->instances[index];
        const struct hlr_service *service = &healer->services[instance->service];
        int64_t patience = hlr_patience(healer);
        int64_t since = hlr_sub(healer->now_ns, instance->changed_ns);
        enum healer_failure failure;

        if (instance->process == HLR_REMOVED || instance->command != 0)
                return;
        if (instance->process == HLR_EXITED && !instance->planned) {
                failure = instance->oom ? HEALER_FAILURE_MEMORY_EXHAUSTION
                                        : HEALER_FAILURE_AGENT_DOWN;
                claim_raise(&claims[failure], HLR_CRITICAL, HEALER_METRIC_HEARTBEAT, index,
                            HEALER_NONE, (double)since / 1e9, 0);
                return;
        }
        if (instance->process != HLR_UP) {
                /* In order, but it ought to be back by now. */
                patience = 60 * HLR_SECOND +
                           2 * (service->info.restart_ns + service->info.boot_ns);
                if (since > patience && !hlr_service_changing(healer, service))
                        claim_raise(&claims[HEALER_FAILURE_AGENT_DOWN], HLR_WARNING,
                                    HEALER_METRIC_HEARTBEAT, index, HEALER_NONE,
                                    (double)since / 1e9, (double)patience / 1e9);
                return;
        }
        if (instance->silent && healer->now_ns - instance->silent_since_ns >= patience)
                claim_raise(&claims[HEALER_FAILURE_HEARTBEAT_FAILED], HLR_CRITICAL,
                            HEALER_METRIC_HEARTBEAT, index, HEALER_NONE,
                            (double)(healer->now_ns - instance->silent_since_ns) / 1e9,
                            (double)patience / 1e9);
        else if (instance->check_failing && healer->now_ns - instance->check_since_ns >= patience &&
                 !hlr_service_changing(healer, service))
                claim_raise(&claims[HEALER_FAILURE_AGENT_FAILED], HLR_WARNING,
                            HEALER_METRIC_HEARTBEAT, index, HEALER_NONE,
                            (double)(healer->now_ns - instance->check_since_ns) / 1e9,
                            (double)patience / 1e9);
}

static void claim_instances(struct healer *healer, uint32_t service, struct claim *claims)
{
        struct hlr_instance *instance;
        struct hlr_monitor *monitor;
        uint32_t i;
        int metric;

        for (i = healer->services[service].first_instance; i != HEALER_NONE; i = instance->next) {
                instance = &healer->instances[i];
                healer->stats.looks++;
                claim_processes(healer, i, claims);
                if (instance->process == HLR_REMOVED || !instance->unsure)
                        continue;
                for (metric = 0; metric < HLR_INSTANCE_METRICS; metric++) {
                        monitor = &instance->monitors[metric];
                        forget_silent(healer, monitor);
                        if (alarms_alone((enum healer_metric)metric, monitor->level))
                                claim_raise(&claims[healer_metrics[metric].failure], monitor->level,
                                            (enum healer_metric)metric, i, HEALER_NONE,
                                            monitor->value, monitor->limit);
                }
                instance->unsure = is_unsure(instance->monitors, HLR_INSTANCE_METRICS);
        }
}

static void claim_edges(struct healer *healer, uint32_t service, struct claim *claims)
{
        struct hlr_edge *edge;
        struct hlr_monitor *monitor;
        uint32_t i;
        int m;

        for (i = healer->services[service].first_edge; i != HEALER_NONE; i = edge->next_to) {
                edge = &healer->edges[i];
                healer->stats.looks++;
                if (!edge->unsure)
                        continue;
                for (m = 0; m < HLR_EDGE_METRICS; m++) {
                        monitor = &edge->monitors[m];
                        if (!edge->kept_off)
                                forget_silent(healer, monitor);
                        if (monitor->level > HLR_FINE)
                                claim_raise(&claims[healer_metrics[edge_metrics[m]].failure],
                                            monitor->level, edge_metrics[m], HEALER_NONE, i,
                                            monitor->value, monitor->limit);
                }
                edge->unsure = is_unsure(edge->monitors, HLR_EDGE_METRICS);
        }
}

static void claim_own(struct healer *healer, uint32_t service, struct claim *claims)
{
        struct hlr_own_monitor *monitor;
        struct claim *claim;
        enum hlr_level before;
        uint32_t i;

        for (i = 0; i < healer->monitor_count; i++) {
                monitor = &healer->monitors[i];
                if (monitor->info.service != service)
                        continue;
                if (hlr_monitor_status(healer, monitor) == HEALER_UNKNOWN)
                        forget_silent(healer, &monitor->state);
                claim = &claims[monitor->info.failure];
                before = claim->level;
                claim_raise(claim, monitor->state.level, HEALER_METRIC_DRIFT, HEALER_NONE,
                            HEALER_NONE, monitor->state.value, monitor->info.warning);
                if (claim->level > before)
                        claim->monitor = i + 1;
        }
}

static void claim_reports(const struct healer *healer, uint32_t service, struct claim *claims)
{
        const struct hlr_report *report;
        int failure;

        for (failure = 0; healer->services[service].reported && failure < HEALER_FAILURE_COUNT;
             failure++) {
                report = &healer->services[service].reports[failure];
                if (!hlr_report_stands(healer, report))
                        continue;
                claims[failure] = (struct claim){
                        .level = report->severity >= HEALER_SEVERITY_HIGH ? HLR_CRITICAL
                                                                          : HLR_WARNING,
                        .metric = HEALER_METRIC_COUNT,
                        .instance = report->instance,
                        .edge = HEALER_NONE,
                        .reported = true,
                        .value = report->value,
                        .limit = NAN,
                };
        }
}

static void say_alarm(struct healer *healer, uint32_t service, enum healer_failure failure,
                      const struct hlr_alarm *alarm, enum healer_notice_kind kind)
{
        struct healer_notice notice = hlr_notice(kind);

        notice.id = alarm->id;
        notice.episode = alarm->episode;
        notice.service = service;
        notice.instance = alarm->instance;
        notice.edge = alarm->edge;
        notice.failure = failure;
        notice.severity = hlr_severity(healer, alarm, &healer->services[service]);
        notice.metric = alarm->metric;
        notice.value = alarm->value;
        notice.limit = alarm->limit;
        if (alarm->monitor > 0)
                notice.monitor = alarm->monitor - 1;
        hlr_say(healer, &notice);
}

/* What was predicted of the service is there; and has it been there before? */
static void remember_failure(struct healer *healer, uint32_t service, enum healer_failure failure)
{
        struct healer_notice notice = hlr_notice(HEALER_NOTICE_RECURRING);
        struct healer_recurrence recurrence;

        hlr_predictions_meet(healer, service, failure);
        if (healer->patterns == NULL)
                return;
        healer_patterns_failure(healer->patterns, healer->now_ns, service, failure);
        if (!healer->config.detection.patterns ||
            !healer_patterns_recurs(healer->patterns, service, failure, &recurrence))
                return;
        notice.service = service;
        notice.failure = failure;
        notice.value = recurrence.period_s;
        notice.confidence = recurrence.regularity;
        notice.rank = recurrence.times;
        notice.eta_ns = recurrence.next_ns;
        hlr_say(healer, &notice);
}

static void settle_alarm(struct healer *healer, uint32_t service, enum healer_failure failure,
                         const struct claim *claim)
{
        struct hlr_alarm *alarm = &healer->services[service].alarms[failure];

        if (claim->level == HLR_FINE) {
                say_alarm(healer, service, failure, alarm, HEALER_NOTICE_ALARM_CLEARED);
                memset(alarm, 0, sizeof(*alarm));
                return;
        }
        alarm->level = claim->level;
        alarm->metric = claim->metric;
        alarm->instance = claim->instance;
        alarm->edge = claim->edge;
        alarm->monitor = claim->monitor;
        alarm->reported = claim->reported;
        alarm->value = claim->value;
        alarm->limit = claim->limit;
        if (alarm->id != 0)
                return;
        alarm->id = hlr_next_id(healer);
        alarm->opened_ns = healer->now_ns;
        alarm->episode = 0;
        healer->stats.alarms++;
        say_alarm(healer, service, failure, alarm, HEALER_NOTICE_ALARM);
        remember_failure(healer, service, failure);
}

static bool answers_badly(const struct hlr_instance *instance)
{
        return instance->unsure && instance->process == HLR_UP &&
               (instance->monitors[HEALER_METRIC_LATENCY].broken_since_ns != HEALER_NEVER ||
                instance->monitors[HEALER_METRIC_ERROR_RATE].broken_since_ns != HEALER_NEVER);
}

/* Some call is answered badly, for whatever reason: two kinds of evidence together
 * need less time than one. */
static bool is_troubled(const struct healer *healer)
{
        uint32_t i;

        for (i = 0; i < healer->instance_count; i++) {
                if (answers_badly(&healer->instances[i]))
                        return true;
        }

        for (i = 0; i < healer->edge_count; i++) {
                if (hlr_edge_suspicious(healer, &healer->edges[i]))
                        return true;
        }
        return false;
}

void hlr_detect(struct healer *healer)
{
        struct claim claims[HEALER_FAILURE_COUNT];
        const struct hlr_monitor *custom;
        uint32_t service;
        int failure;

        hlr_odd_judge(healer);
        healer->troubled = is_troubled(healer);
        for (service = 0; service < healer->service_count; service++) {
                memset(claims, 0, sizeof(claims));
                claim_instances(healer, service, claims);
                claim_edges(healer, service, claims);
                custom = &healer->services[service].custom;
                claim_raise(&claims[HEALER_FAILURE_UNKNOWN], custom->level, HEALER_METRIC_DRIFT,
                            HEALER_NONE, HEALER_NONE, custom->value, custom->limit);
                claim_own(healer, service, claims);
                claim_reports(healer, service, claims);
                for (failure = 0; failure < HEALER_FAILURE_COUNT; failure++) {
                        if (claims[failure].level != HLR_FINE ||
                            healer->services[service].alarms[failure].id != 0)
                                settle_alarm(healer, service, (enum healer_failure)failure,
                                             &claims[failure]);
                }
        }
}
