/* reports/metric_families.h - the functions that the rows of metric_table.c name.
 *
 * One file a family; `row->which` picks among rows that share a function.
 */
#ifndef CHAOS_REPORTS_METRIC_FAMILIES_H
#define CHAOS_REPORTS_METRIC_FAMILIES_H

#include "reports/metric.h"

#define METRIC_SAMPLE(name)                                                                        \
        void name(const struct metric_row *row, const struct metric_query *query,                  \
                  const struct kept *kept, struct metric_sample *out)
#define METRIC_OBSERVE(name)                                                                       \
        bool name(const struct metric_row *row, const struct kept_incident *incident,              \
                  int64_t *time_ns)
#define METRIC_POOL(name)                                                                          \
        bool name(const struct metric_row *row, const struct metric_query *query,                  \
                  struct kept *const *all, size_t count, struct metric_sample *out)

/* requests.c */
METRIC_SAMPLE(sample_bad_seconds);
METRIC_SAMPLE(sample_failed_requests);
METRIC_SAMPLE(sample_availability);
METRIC_SAMPLE(sample_availability_time);
METRIC_SAMPLE(sample_goodput);
METRIC_SAMPLE(sample_latency_mean);
METRIC_SAMPLE(sample_latency_quantile); /* which: enum kept_latency */
METRIC_SAMPLE(sample_error_ratio);
METRIC_SAMPLE(sample_loss_ratio);
METRIC_SAMPLE(sample_timeout_ratio);
METRIC_SAMPLE(sample_retry_amplification);
METRIC_SAMPLE(sample_quality);
METRIC_SAMPLE(sample_burn); /* which: pair of windows */

/* recovery.c */
METRIC_OBSERVE(observe_recovery);
METRIC_OBSERVE(observe_repair);
METRIC_OBSERVE(observe_recovery_from_fault);
METRIC_SAMPLE(sample_recovery_completed);
METRIC_SAMPLE(sample_unrecovered);
METRIC_SAMPLE(sample_time_to_restore);
METRIC_SAMPLE(sample_detection);
METRIC_SAMPLE(sample_missed);
METRIC_SAMPLE(sample_detection_from_fault);
METRIC_SAMPLE(sample_action_delay);
METRIC_SAMPLE(sample_time_between); /* which: 0 from restoration, 1 from onset */
METRIC_SAMPLE(sample_incidents);
METRIC_SAMPLE(sample_incident_rate);
METRIC_SAMPLE(sample_collapse);

/* prevention.c */
METRIC_SAMPLE(sample_deeds); /* which: enum deed_verdict */
METRIC_SAMPLE(sample_failed_users);
METRIC_SAMPLE(sample_averted_users);
METRIC_SAMPLE(sample_user_availability);
METRIC_SAMPLE(sample_averted_requests);
METRIC_SAMPLE(sample_averted_seconds);
METRIC_SAMPLE(sample_self_made_requests);
METRIC_SAMPLE(sample_self_made_seconds);
enum prevention_how { PREVENTION_ANY, PREVENTION_BY_REACTION, PREVENTION_BY_PREDICTION };
METRIC_SAMPLE(sample_prevention); /* which: enum prevention_how */
METRIC_SAMPLE(sample_prediction_gain);
METRIC_SAMPLE(sample_induced);

/* alarms.c */
METRIC_SAMPLE(sample_alarms);
METRIC_SAMPLE(sample_false_alarms);
METRIC_SAMPLE(sample_false_actions);
METRIC_SAMPLE(sample_alarm_time);
METRIC_SAMPLE(sample_false_positive_rate);
METRIC_SAMPLE(sample_false_discovery_rate);
METRIC_SAMPLE(sample_predictions); /* which: enum prediction_verdict */
METRIC_SAMPLE(sample_precision);
METRIC_SAMPLE(sample_recall);
METRIC_SAMPLE(sample_lead_time);
METRIC_SAMPLE(sample_usable_lead);
METRIC_POOL(pool_f1);
METRIC_POOL(pool_calibration_error);

/* healing.c */
enum healing_view { HEALING_TRUE, HEALING_VERIFIED, HEALING_CLAIMED };
METRIC_SAMPLE(sample_healing); /* which: enum healing_view */
METRIC_SAMPLE(sample_root_cause); /* which: 1 or 3 */
METRIC_SAMPLE(sample_right_target);
METRIC_SAMPLE(sample_right_action);
METRIC_SAMPLE(sample_healer_failures);
METRIC_SAMPLE(sample_manual);

/* queueing.c */
METRIC_SAMPLE(sample_throughput);
METRIC_SAMPLE(sample_utilization);
METRIC_SAMPLE(sample_waiting_mean);
METRIC_SAMPLE(sample_waiting_quantile); /* which: enum kept_latency */
METRIC_SAMPLE(sample_service_mean);
METRIC_SAMPLE(sample_queue_mean);
METRIC_SAMPLE(sample_in_system_mean);
METRIC_SAMPLE(sample_abandonment);
METRIC_SAMPLE(sample_instances_up);

/* cost.c */
METRIC_SAMPLE(sample_cost);
METRIC_SAMPLE(sample_actions);
METRIC_SAMPLE(sample_preventive_actions);
METRIC_SAMPLE(sample_restarts);
METRIC_SAMPLE(sample_instance_seconds_added);
METRIC_SAMPLE(sample_time_degraded);
METRIC_SAMPLE(sample_human_pages);
METRIC_SAMPLE(sample_breaker_opened);
METRIC_SAMPLE(sample_breaker_open_time);
METRIC_SAMPLE(sample_breaker_half_open_time);
METRIC_SAMPLE(sample_breaker_refused);
METRIC_SAMPLE(sample_breaker_trials);
METRIC_SAMPLE(sample_degradation_changes);
METRIC_SAMPLE(sample_degradation_level); /* which: level */
METRIC_SAMPLE(sample_degradation_at_end);
METRIC_SAMPLE(sample_degradation_recovery);

#endif
