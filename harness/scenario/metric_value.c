/* metric_value.c - the table of metrics and values in their units. */
#include "harness/scenario/metric_value.h"

#include <stdio.h>
#include <string.h>

const struct metric_name metric_names[] = {
        {"bad_seconds", METRIC_SECONDS, false, false},
        {"failed_requests", METRIC_COUNT, false, false},
        {"failed_user_seconds", METRIC_SECONDS, false, false},
        {"averted_bad_seconds", METRIC_SECONDS, false, true},
        {"averted_user_seconds", METRIC_SECONDS, false, true},
        {"averted_failed_requests", METRIC_COUNT, false, true},
        {"cost", METRIC_COUNT, false, false},
        {"mttr", METRIC_SECONDS, true, false},
        {"mttr_median", METRIC_SECONDS, false, false},
        {"mttr_completed", METRIC_SECONDS, false, false},
        {"mttr_repair", METRIC_SECONDS, false, false},
        {"unrecovered", METRIC_COUNT, false, false},
        {"recovery_from_fault", METRIC_SECONDS, false, false},
        {"time_to_restore", METRIC_SECONDS, false, false},
        {"mttd", METRIC_SECONDS, false, false},
        {"missed_ratio", METRIC_RATIO, false, false},
        {"detection_from_fault", METRIC_SECONDS, false, false},
        {"mtta", METRIC_SECONDS, false, false},
        {"mttf", METRIC_SECONDS, false, false},
        {"mtbf", METRIC_SECONDS, false, false},
        {"incidents", METRIC_COUNT, false, false},
        {"incident_rate", METRIC_COUNT, false, false},
        {"availability", METRIC_RATIO, false, false},
        {"availability_time", METRIC_RATIO, false, false},
        {"user_availability", METRIC_RATIO, false, false},
        {"goodput", METRIC_PER_S, false, false},
        {"throughput", METRIC_PER_S, false, false},
        {"latency_mean", METRIC_SECONDS, false, false},
        {"latency_p50", METRIC_SECONDS, false, false},
        {"latency_p95", METRIC_SECONDS, false, false},
        {"latency_p99", METRIC_SECONDS, false, false},
        {"latency_p999", METRIC_SECONDS, false, false},
        {"error_ratio", METRIC_RATIO, false, false},
        {"loss_ratio", METRIC_RATIO, false, false},
        {"timeout_ratio", METRIC_RATIO, false, false},
        {"retry_amplification", METRIC_COUNT, false, false},
        {"quality", METRIC_RATIO, false, false},
        {"utilization", METRIC_RATIO, false, false},
        {"waiting_mean", METRIC_SECONDS, false, false},
        {"service_mean", METRIC_SECONDS, false, false},
        {"queue_mean", METRIC_COUNT, false, false},
        {"in_system_mean", METRIC_COUNT, false, false},
        {"abandonment_ratio", METRIC_RATIO, false, false},
        {"prevention_rate", METRIC_RATIO, false, false},
        {"prediction_gain", METRIC_RATIO, false, false},
        {"induced_incidents", METRIC_COUNT, false, false},
        {"false_alarms_per_week", METRIC_COUNT, false, false},
        {"false_actions_per_week", METRIC_COUNT, false, false},
        {"alarm_time_ratio", METRIC_RATIO, false, false},
        {"false_positive_rate", METRIC_RATIO, false, false},
        {"false_discovery_rate", METRIC_RATIO, false, false},
        {"precision", METRIC_RATIO, false, false},
        {"recall", METRIC_RATIO, false, false},
        {"f1", METRIC_RATIO, false, false},
        {"lead_time", METRIC_SECONDS, false, false},
        {"usable_lead_ratio", METRIC_RATIO, false, false},
        {"calibration_error", METRIC_RATIO, false, false},
        {"healing_success_rate", METRIC_RATIO, false, false},
        {"healing_success_verified", METRIC_RATIO, false, false},
        {"healing_success_claimed", METRIC_RATIO, false, false},
        {"root_cause_top1", METRIC_RATIO, false, false},
        {"root_cause_top3", METRIC_RATIO, false, false},
        {"right_target_ratio", METRIC_RATIO, false, false},
        {"right_action_ratio", METRIC_RATIO, false, false},
        {"harmful_actions", METRIC_COUNT, false, false},
        {"unnecessary_actions", METRIC_COUNT, false, false},
        {"collapse_ratio", METRIC_RATIO, false, false},
        {"healer_failures", METRIC_COUNT, false, false},
        {"manual_ratio", METRIC_RATIO, false, false},
        {"actions", METRIC_COUNT, false, false},
        {"preventive_actions", METRIC_COUNT, false, false},
        {"restarts", METRIC_COUNT, false, false},
        {"instance_seconds_added", METRIC_SECONDS, false, false},
        {"time_degraded", METRIC_SECONDS, false, false},
        {NULL, METRIC_COUNT, false, false},
};

const struct metric_name *metric_name_find(const char *name)
{
        for (const struct metric_name *metric = metric_names; metric->name != NULL; metric++)
                if (strcmp(metric->name, name) == 0)
                        return metric;
        return NULL;
}

const char *metric_unit_wants(enum metric_unit unit)
{
        static const char *const wants[] = {
                [METRIC_SECONDS] = quantity_duration_wants,
                [METRIC_RATIO] = "a share (0.05 or 5%)",
                [METRIC_PER_S] = quantity_rate_wants,
                [METRIC_COUNT] = "a number",
        };

        return wants[unit];
}

bool metric_value_parse(const char *text, enum metric_unit unit, double *out,
                        struct quantity_error *error)
{
        char trimmed[64];
        int64_t ns;
        size_t length;
        bool ok = false;

        text += strspn(text, " ");
        length = strlen(text);
        while (length > 0 && text[length - 1] == ' ')
                length--;
        if (length == 0 || length >= sizeof(trimmed)) {
                snprintf(error->text, sizeof(error->text), "%s is wanted", metric_unit_wants(unit));
                return false;
        }
        memcpy(trimmed, text, length);
        trimmed[length] = '\0';
        switch (unit) {
        case METRIC_SECONDS:
                ok = quantity_duration(trimmed, &ns, error);
                *out = ok ? (double)ns / 1e9 : 0;
                break;
        case METRIC_PER_S:
                ok = quantity_rate(trimmed, out, error);
                break;
        case METRIC_RATIO:
                ok = strchr(trimmed, '%') != NULL ? quantity_percent(trimmed, out, error)
                                                  : quantity_number(trimmed, out, error);
                break;
        case METRIC_COUNT:
                ok = quantity_number(trimmed, out, error);
                break;
        }
        return ok;
}
