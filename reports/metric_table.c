/* metric_table.c - the definitions of all metrics.
 *
 * The order is that of the result, the table and `list metrics`: what counts
 * first, what explains it after. A definition is one sentence that can stand
 * in a review; the clock points in it are f fault injected, o onset, d first
 * attributed alarm, a first action, r restored.
 */
#include "reports/metric_table.h"

#include <string.h>

#include "reports/metric_families.h"

#define ALL_SCOPES (SCOPE_ARM | SCOPE_SERVICE | SCOPE_INCIDENT)
#define REQUEST_SCOPES (SCOPE_ARM | SCOPE_SERVICE | SCOPE_PHASE)

const struct metric_row metric_rows[] = {
        /* ---- the headline */
        { .name = "bad_seconds", .unit = "s", .better = BETTER_LOW, .method = METHOD_MEAN,
          .scopes = SCOPE_ARM | SCOPE_SERVICE, .sample = sample_bad_seconds,
          .definition = "time in user-visible incidents (of an entry service), per replication; of a "
                        "service: time in its own" },
        { .name = "failed_requests", .unit = "requests", .better = BETTER_LOW, .method = METHOD_MEAN,
          .scopes = REQUEST_SCOPES, .sample = sample_failed_requests,
          .definition = "requests judged bad at the entry services, per replication; of a service: "
                        "bad calls as its callers see them" },
        { .name = "failed_user_seconds", .unit = "s", .better = BETTER_LOW, .method = METHOD_MEAN,
          .scopes = SCOPE_ARM, .sample = sample_failed_users,
          .definition = "seconds of the declared users of closed load, each from when a request of "
                        "theirs turns bad until one is good, per replication: who waits long asks "
                        "seldom, so that requests would count a slow failure less than a quick one; "
                        "null without closed load" },
        { .name = "cost", .unit = "price", .better = BETTER_LOW, .method = METHOD_MEAN,
          .scopes = SCOPE_ARM, .sample = sample_cost,
          .definition = "the scenario's prices on failed requests, human pages, actions and "
                        "instance-hours, per replication; null when nothing is priced" },
        { .name = "averted_harm", .unit = "requests", .better = BETTER_HIGH, .method = METHOD_MEAN,
          .scopes = REQUEST_SCOPES | SCOPE_TWINS, .sample = sample_averted_requests,
          .is_signed = true,
          .definition = "failed requests of untreated less those of treated, paired by replication" },
        { .name = "averted_failed_requests", .unit = "requests", .better = BETTER_HIGH,
          .method = METHOD_MEAN, .scopes = REQUEST_SCOPES | SCOPE_TWINS,
          .sample = sample_averted_requests, .is_signed = true,
          .definition = "the same as averted_harm" },
        { .name = "averted_bad_seconds", .unit = "s", .better = BETTER_HIGH, .method = METHOD_MEAN,
          .scopes = SCOPE_ARM | SCOPE_SERVICE | SCOPE_TWINS, .sample = sample_averted_seconds,
          .is_signed = true,
          .definition = "bad seconds of untreated less those of treated, paired by replication" },
        { .name = "averted_user_seconds", .unit = "s", .better = BETTER_HIGH, .method = METHOD_MEAN,
          .scopes = SCOPE_ARM | SCOPE_TWINS, .sample = sample_averted_users, .is_signed = true,
          .definition = "failed_user_seconds of untreated less those of treated, paired by "
                        "replication" },
        { .name = "self_made_harm", .unit = "requests", .better = BETTER_LOW, .method = METHOD_MEAN,
          .scopes = REQUEST_SCOPES | SCOPE_TWINS, .sample = sample_self_made_requests,
          .is_signed = true,
          .definition = "failed requests of quiet less those of calm: what the healer costs when "
                        "there is nothing to heal" },
        { .name = "self_made_bad_seconds", .unit = "s", .better = BETTER_LOW, .method = METHOD_MEAN,
          .scopes = SCOPE_ARM | SCOPE_SERVICE | SCOPE_TWINS, .sample = sample_self_made_seconds,
          .is_signed = true,
          .definition = "bad seconds of quiet less those of calm" },

        /* ---- recovery and detection */
        { .name = "mttr", .unit = "s", .better = BETTER_LOW, .method = METHOD_SURVIVAL,
          .scopes = ALL_SCOPES, .observe = observe_recovery,
          .definition = "mean of r - o over all incidents, restricted to evaluation.horizon by Kaplan "
                        "and Meier: one still open at the end counts as at least that long" },
        { .name = "mttr_median", .unit = "s", .better = BETTER_LOW, .method = METHOD_QUANTILE,
          .scopes = ALL_SCOPES, .observe = observe_recovery, .quantile = 0.5,
          .definition = "time by which half of the incidents were restored; null below 20 incidents "
                        "or when half were not" },
        { .name = "mttr_p50", .unit = "s", .better = BETTER_LOW, .method = METHOD_QUANTILE,
          .scopes = ALL_SCOPES, .observe = observe_recovery, .quantile = 0.5,
          .definition = "the same as mttr_median" },
        { .name = "mttr_p90", .unit = "s", .better = BETTER_LOW, .method = METHOD_QUANTILE,
          .scopes = ALL_SCOPES, .observe = observe_recovery, .quantile = 0.9,
          .definition = "time by which 90 % of the incidents were restored; null below 100 incidents" },
        { .name = "mttr_p95", .unit = "s", .better = BETTER_LOW, .method = METHOD_QUANTILE,
          .scopes = ALL_SCOPES, .observe = observe_recovery, .quantile = 0.95,
          .definition = "time by which 95 % of the incidents were restored; null below 200 incidents" },
        { .name = "mttr_p99", .unit = "s", .better = BETTER_LOW, .method = METHOD_QUANTILE,
          .scopes = ALL_SCOPES, .observe = observe_recovery, .quantile = 0.99,
          .definition = "time by which 99 % of the incidents were restored; null below 1000 incidents" },
        { .name = "mttr_completed", .unit = "s", .better = BETTER_LOW, .method = METHOD_PLAIN,
          .scopes = ALL_SCOPES, .sample = sample_recovery_completed,
          .definition = "mean of r - o over restored incidents alone; flatters a healer that leaves "
                        "some unrestored" },
        { .name = "mttr_repair", .unit = "s", .better = BETTER_LOW, .method = METHOD_SURVIVAL,
          .scopes = ALL_SCOPES | SCOPE_HEALER, .observe = observe_repair,
          .definition = "mean of r - d over detected incidents, restricted like mttr; an alarm before "
                        "o counts from o" },
        { .name = "recovery_from_fault", .unit = "s", .better = BETTER_LOW, .method = METHOD_SURVIVAL,
          .scopes = ALL_SCOPES, .observe = observe_recovery_from_fault,
          .definition = "mean of r - f over incidents with an attributed fault, restricted like mttr" },
        { .name = "unrecovered", .unit = "incidents", .better = BETTER_LOW, .method = METHOD_MEAN,
          .scopes = ALL_SCOPES, .sample = sample_unrecovered,
          .definition = "incidents still open at the end, per replication" },
        { .name = "time_to_restore", .unit = "s", .better = BETTER_LOW, .method = METHOD_PLAIN,
          .scopes = ALL_SCOPES, .sample = sample_time_to_restore,
          .definition = "per fault that hurts users in untreated: how long it hurt them in this arm "
                        "(prevented: 0; at most evaluation.horizon)" },
        { .name = "mttd", .unit = "s", .better = BETTER_LOW, .method = METHOD_PLAIN,
          .scopes = ALL_SCOPES | SCOPE_HEALER, .sample = sample_detection,
          .definition = "mean of d - o over detected incidents; an alarm before o counts 0" },
        { .name = "missed_ratio", .unit = "ratio", .better = BETTER_LOW, .method = METHOD_PROPORTION,
          .scopes = ALL_SCOPES | SCOPE_HEALER, .sample = sample_missed,
          .definition = "share of incidents without any attributed alarm" },
        { .name = "detection_from_fault", .unit = "s", .better = BETTER_LOW, .method = METHOD_PLAIN,
          .scopes = ALL_SCOPES | SCOPE_HEALER, .sample = sample_detection_from_fault,
          .definition = "mean of d - f over detected incidents with an attributed fault" },
        { .name = "mtta", .unit = "s", .better = BETTER_LOW, .method = METHOD_PLAIN,
          .scopes = ALL_SCOPES | SCOPE_HEALER, .sample = sample_action_delay,
          .definition = "mean of a - d over incidents with an alarm and an action" },
        { .name = "mttf", .unit = "s", .better = BETTER_HIGH, .method = METHOD_PLAIN,
          .scopes = ALL_SCOPES, .sample = sample_time_between, .which = 0,
          .definition = "mean time from a restoration to the next onset on the same service" },
        { .name = "mtbf", .unit = "s", .better = BETTER_HIGH, .method = METHOD_PLAIN,
          .scopes = ALL_SCOPES, .sample = sample_time_between, .which = 1,
          .definition = "mean time from an onset to the next on the same service" },
        { .name = "incidents", .unit = "incidents", .better = BETTER_LOW, .method = METHOD_MEAN,
          .scopes = ALL_SCOPES, .sample = sample_incidents,
          .definition = "incidents of services with an objective, per replication" },
        { .name = "incident_rate", .unit = "1/h", .better = BETTER_LOW, .method = METHOD_RATE,
          .scopes = ALL_SCOPES, .sample = sample_incident_rate,
          .definition = "incidents per hour and service with an objective" },
        { .name = "collapse_ratio", .unit = "ratio", .better = BETTER_LOW,
          .method = METHOD_PROPORTION, .scopes = SCOPE_ARM | SCOPE_SERVICE, .sample = sample_collapse,
          .definition = "share of replications that end with a user-visible incident open" },

        /* ---- requests */
        { .name = "availability", .unit = "ratio", .better = BETTER_HIGH,
          .method = METHOD_PROPORTION, .scopes = REQUEST_SCOPES, .sample = sample_availability,
          .definition = "good requests of all judged: ok, or degraded with at least slo.quality, within "
                        "slo.latency" },
        { .name = "availability_time", .unit = "ratio", .better = BETTER_HIGH,
          .method = METHOD_SHARE, .scopes = SCOPE_ARM | SCOPE_SERVICE,
          .sample = sample_availability_time,
          .definition = "share of time in no incident; of the fleet: with all entry services up" },
        { .name = "user_availability", .unit = "ratio", .better = BETTER_HIGH,
          .method = METHOD_SHARE, .scopes = SCOPE_ARM, .sample = sample_user_availability,
          .definition = "share of the seconds of closed users that are not failed_user_seconds" },
        { .name = "goodput", .unit = "1/s", .better = BETTER_HIGH, .method = METHOD_RATE,
          .scopes = REQUEST_SCOPES, .sample = sample_goodput,
          .definition = "good requests per second" },
        { .name = "latency_mean", .unit = "s", .better = BETTER_LOW, .method = METHOD_PLAIN,
          .scopes = REQUEST_SCOPES, .sample = sample_latency_mean,
          .definition = "mean age of requests at their end, whatever the outcome" },
        { .name = "latency_p50", .unit = "s", .better = BETTER_LOW, .method = METHOD_MEAN,
          .scopes = REQUEST_SCOPES, .sample = sample_latency_quantile, .which = LATENCY_P50,
          .definition = "median age of requests at their end, mean over replications; null below 20 "
                        "requests" },
        { .name = "latency_p95", .unit = "s", .better = BETTER_LOW, .method = METHOD_MEAN,
          .scopes = REQUEST_SCOPES, .sample = sample_latency_quantile, .which = LATENCY_P95,
          .definition = "95th percentile of the same; null below 200 requests" },
        { .name = "latency_p99", .unit = "s", .better = BETTER_LOW, .method = METHOD_MEAN,
          .scopes = REQUEST_SCOPES, .sample = sample_latency_quantile, .which = LATENCY_P99,
          .definition = "99th percentile of the same; null below 1000 requests" },
        { .name = "latency_p999", .unit = "s", .better = BETTER_LOW, .method = METHOD_MEAN,
          .scopes = REQUEST_SCOPES, .sample = sample_latency_quantile, .which = LATENCY_P999,
          .definition = "99.9th percentile of the same; null below 10000 requests" },
        { .name = "error_ratio", .unit = "ratio", .better = BETTER_LOW, .method = METHOD_PROPORTION,
          .scopes = REQUEST_SCOPES, .sample = sample_error_ratio,
          .definition = "share of ended requests that got no answer that is ok or degraded: errors, "
                        "timeouts, rejected, dropped, lost" },
        { .name = "loss_ratio", .unit = "ratio", .better = BETTER_LOW, .method = METHOD_PROPORTION,
          .scopes = REQUEST_SCOPES, .sample = sample_loss_ratio,
          .definition = "share of ended requests that were dropped by a full queue or lost" },
        { .name = "timeout_ratio", .unit = "ratio", .better = BETTER_LOW,
          .method = METHOD_PROPORTION, .scopes = REQUEST_SCOPES, .sample = sample_timeout_ratio,
          .definition = "share of ended requests that timed out" },
        { .name = "retry_amplification", .unit = "ratio", .better = BETTER_LOW,
          .method = METHOD_PLAIN, .scopes = SCOPE_ARM | SCOPE_SERVICE,
          .sample = sample_retry_amplification,
          .definition = "attempts per logical call, retries included" },
        { .name = "quality", .unit = "ratio", .better = BETTER_HIGH, .method = METHOD_SHARE,
          .scopes = REQUEST_SCOPES, .sample = sample_quality,
          .definition = "mean quality of answers, an ok one counting 1" },
        { .name = "error_budget_burn", .unit = "ratio", .better = BETTER_LOW, .method = METHOD_MEAN,
          .scopes = SCOPE_ARM | SCOPE_SERVICE, .sample = sample_burn, .which = 0,
          .definition = "highest burn rate of the error budget that held over both 1 h and 5 min (in "
                        "shorter runs 5 min alone); pages at 14.4" },
        { .name = "error_budget_burn_6h", .unit = "ratio", .better = BETTER_LOW,
          .method = METHOD_MEAN, .scopes = SCOPE_ARM | SCOPE_SERVICE, .sample = sample_burn,
          .which = 1, .definition = "the same over 6 h and 30 min; pages at 6" },
        { .name = "error_budget_burn_1d", .unit = "ratio", .better = BETTER_LOW,
          .method = METHOD_MEAN, .scopes = SCOPE_ARM | SCOPE_SERVICE, .sample = sample_burn,
          .which = 2, .definition = "the same over 1 d and 2 h; pages at 3" },
        { .name = "error_budget_burn_3d", .unit = "ratio", .better = BETTER_LOW,
          .method = METHOD_MEAN, .scopes = SCOPE_ARM | SCOPE_SERVICE, .sample = sample_burn,
          .which = 3, .definition = "the same over 3 d and 6 h; pages at 1" },

        /* ---- prevention */
        { .name = "prevention_rate", .unit = "ratio", .better = BETTER_HIGH,
          .method = METHOD_PROPORTION, .scopes = ALL_SCOPES | SCOPE_TWINS,
          .sample = sample_prevention, .which = PREVENTION_ANY,
          .definition = "share of untreated's incidents during which, within 30 s around, the service "
                        "is never bad in treated" },
        { .name = "prevention_rate_by_reaction", .unit = "ratio", .better = BETTER_HIGH,
          .method = METHOD_PROPORTION, .scopes = ALL_SCOPES | SCOPE_TWINS,
          .sample = sample_prevention, .which = PREVENTION_BY_REACTION,
          .definition = "share of untreated's incidents that are prevented in shadow too" },
        { .name = "prevention_rate_by_prediction", .unit = "ratio", .better = BETTER_HIGH,
          .method = METHOD_PROPORTION, .scopes = ALL_SCOPES | SCOPE_TWINS,
          .sample = sample_prevention, .which = PREVENTION_BY_PREDICTION,
          .definition = "share of untreated's incidents that are prevented in treated and not in "
                        "shadow" },
        { .name = "prediction_gain", .unit = "ratio", .better = BETTER_HIGH,
          .method = METHOD_PROPORTION, .scopes = ALL_SCOPES | SCOPE_TWINS,
          .sample = sample_prediction_gain,
          .definition = "share of shadow's incidents that treated does not have; its denominator "
                        "depends on the strategy, so never rank strategies by it" },
        { .name = "induced_incidents", .unit = "incidents", .better = BETTER_LOW,
          .method = METHOD_MEAN, .scopes = ALL_SCOPES | SCOPE_HEALER, .sample = sample_induced,
          .definition = "incidents of treated around which untreated is never bad, per replication; "
                        "of quiet against calm" },

        /* ---- alarms and predictions */
        { .name = "alarms", .unit = "episodes", .better = BETTER_NEITHER, .method = METHOD_MEAN,
          .scopes = SCOPE_ARM | SCOPE_SERVICE | SCOPE_HEALER, .sample = sample_alarms,
          .definition = "alarm episodes, per replication" },
        { .name = "false_alarms_per_week", .unit = "1/week", .better = BETTER_LOW,
          .method = METHOD_RATE, .scopes = SCOPE_ARM | SCOPE_SERVICE | SCOPE_HEALER,
          .sample = sample_false_alarms,
          .definition = "alarm episodes per service-week with neither user impact (in this arm, shadow "
                        "or untreated) nor a fault state on the named service or its callee" },
        { .name = "false_actions_per_week", .unit = "1/week", .better = BETTER_LOW,
          .method = METHOD_RATE, .scopes = SCOPE_ARM | SCOPE_SERVICE | SCOPE_HEALER,
          .sample = sample_false_actions,
          .definition = "actions per service-week of episodes whose alarms are all false" },
        { .name = "alarm_time_ratio", .unit = "ratio", .better = BETTER_LOW, .method = METHOD_SHARE,
          .scopes = SCOPE_ARM | SCOPE_SERVICE | SCOPE_HEALER, .sample = sample_alarm_time,
          .definition = "share of service-time under at least one alarm" },
        { .name = "false_positive_rate", .unit = "ratio", .better = BETTER_LOW,
          .method = METHOD_PROPORTION, .scopes = SCOPE_ARM | SCOPE_SERVICE | SCOPE_HEALER,
          .sample = sample_false_positive_rate,
          .definition = "FP / (FP + TN) over service-minutes in which nothing was wrong; FP: a false "
                        "alarm or prediction was active" },
        { .name = "false_discovery_rate", .unit = "ratio", .better = BETTER_LOW,
          .method = METHOD_PROPORTION, .scopes = SCOPE_ARM | SCOPE_SERVICE | SCOPE_HEALER,
          .sample = sample_false_discovery_rate,
          .definition = "share of alarm episodes that are false" },
        { .name = "precision", .unit = "ratio", .better = BETTER_HIGH, .method = METHOD_PROPORTION,
          .scopes = SCOPE_ARM | SCOPE_SERVICE | SCOPE_HEALER, .sample = sample_precision,
          .definition = "true / (true + false) predictions, judged in shadow: true when an attributed "
                        "incident or a failure of the named component begins within "
                        "evaluation.prediction_window and at least minimum_lead later" },
        { .name = "recall", .unit = "ratio", .better = BETTER_HIGH, .method = METHOD_PROPORTION,
          .scopes = ALL_SCOPES | SCOPE_HEALER, .sample = sample_recall,
          .definition = "share of shadow's incidents that were predicted at least minimum_lead and at "
                        "most prediction_window before" },
        { .name = "f1", .unit = "ratio", .better = BETTER_HIGH, .method = METHOD_POOLED,
          .scopes = SCOPE_ARM | SCOPE_SERVICE | SCOPE_HEALER, .pool = pool_f1,
          .definition = "harmonic mean of precision and recall" },
        { .name = "lead_time", .unit = "s", .better = BETTER_HIGH, .method = METHOD_PLAIN,
          .scopes = ALL_SCOPES | SCOPE_HEALER, .sample = sample_lead_time,
          .definition = "mean time from the first prediction of an incident of shadow to its onset" },
        { .name = "usable_lead_ratio", .unit = "ratio", .better = BETTER_HIGH,
          .method = METHOD_PROPORTION, .scopes = ALL_SCOPES | SCOPE_HEALER,
          .sample = sample_usable_lead,
          .definition = "share of predicted incidents whose lead is at least minimum_lead" },
        { .name = "calibration_error", .unit = "ratio", .better = BETTER_LOW,
          .method = METHOD_POOLED, .scopes = SCOPE_ARM | SCOPE_SERVICE | SCOPE_HEALER,
          .pool = pool_calibration_error,
          .definition = "mean distance of stated confidence and share that came true, over ten bins" },
        { .name = "prediction_true", .unit = "predictions", .better = BETTER_NEITHER,
          .method = METHOD_MEAN, .scopes = SCOPE_ARM | SCOPE_SERVICE | SCOPE_HEALER,
          .sample = sample_predictions, .which = PREDICTION_TRUE,
          .definition = "predictions that came true in shadow, per replication" },
        { .name = "prediction_false", .unit = "predictions", .better = BETTER_LOW,
          .method = METHOD_MEAN, .scopes = SCOPE_ARM | SCOPE_SERVICE | SCOPE_HEALER,
          .sample = sample_predictions, .which = PREDICTION_FALSE,
          .definition = "predictions that did not, per replication" },
        { .name = "prediction_during", .unit = "predictions", .better = BETTER_NEITHER,
          .method = METHOD_MEAN, .scopes = SCOPE_ARM | SCOPE_SERVICE | SCOPE_HEALER,
          .sample = sample_predictions, .which = PREDICTION_DURING,
          .definition = "predictions of what was already there, or came before minimum_lead, per "
                        "replication; in no ratio" },
        { .name = "prediction_unevaluable", .unit = "predictions", .better = BETTER_NEITHER,
          .method = METHOD_MEAN, .scopes = SCOPE_ARM | SCOPE_SERVICE | SCOPE_HEALER,
          .sample = sample_predictions, .which = PREDICTION_UNEVALUABLE,
          .definition = "predictions whose window goes beyond the end, per replication; in no ratio" },

        /* ---- healing */
        { .name = "healing_success_rate", .unit = "ratio", .better = BETTER_HIGH,
          .method = METHOD_PROPORTION, .scopes = SCOPE_ARM | SCOPE_SERVICE | SCOPE_HEALER,
          .sample = sample_healing, .which = HEALING_TRUE,
          .definition = "share of episodes with an action whose incident ended within the horizon after "
                        "the last action, did not come back for 30 s, and was worse in untreated (or is "
                        "in untreated alone), for users where they felt it; an episode about nothing "
                        "fails, one about a fault that hurt nobody is left out" },
        { .name = "healing_success_verified", .unit = "ratio", .better = BETTER_NEITHER,
          .method = METHOD_PROPORTION, .scopes = SCOPE_ARM | SCOPE_SERVICE | SCOPE_HEALER,
          .sample = sample_healing, .which = HEALING_VERIFIED,
          .definition = "share of the same episodes that the healer checked and found healed" },
        { .name = "healing_success_claimed", .unit = "ratio", .better = BETTER_NEITHER,
          .method = METHOD_PROPORTION, .scopes = SCOPE_ARM | SCOPE_SERVICE | SCOPE_HEALER,
          .sample = sample_healing, .which = HEALING_CLAIMED,
          .definition = "share of the same episodes that the healer called healed" },
        { .name = "root_cause_top1", .unit = "ratio", .better = BETTER_HIGH,
          .method = METHOD_PROPORTION, .scopes = SCOPE_ARM | SCOPE_SERVICE | SCOPE_HEALER,
          .sample = sample_root_cause, .which = 1,
          .definition = "share of diagnosed episodes about an injected fault whose first cause names a "
                        "service that the fault acts on" },
        { .name = "root_cause_top3", .unit = "ratio", .better = BETTER_HIGH,
          .method = METHOD_PROPORTION, .scopes = SCOPE_ARM | SCOPE_SERVICE | SCOPE_HEALER,
          .sample = sample_root_cause, .which = 3,
          .definition = "the same for one of the first three causes" },
        { .name = "right_target_ratio", .unit = "ratio", .better = BETTER_HIGH,
          .method = METHOD_PROPORTION, .scopes = SCOPE_ARM | SCOPE_SERVICE | SCOPE_HEALER,
          .sample = sample_right_target,
          .definition = "share of actions taken under a harmful fault, or within 60 s after, that name "
                        "a service that it acts on" },
        { .name = "right_action_ratio", .unit = "ratio", .better = BETTER_HIGH,
          .method = METHOD_PROPORTION, .scopes = SCOPE_ARM | SCOPE_SERVICE | SCOPE_HEALER,
          .sample = sample_right_action,
          .definition = "share of the same actions whose kind by mechanism cures the fault; left out "
                        "where only a human does" },
        { .name = "harmful_actions", .unit = "actions", .better = BETTER_LOW, .method = METHOD_MEAN,
          .scopes = SCOPE_ARM | SCOPE_HEALER, .sample = sample_deeds, .which = DEED_HARMFUL,
          .definition = "deeds (an episode's actions of one kind on one target) without which fewer "
                        "requests failed, by more than the noise of placebo forks, per replication: "
                        "known by knock-out (--attribute), else null" },
        { .name = "unnecessary_actions", .unit = "actions", .better = BETTER_LOW,
          .method = METHOD_MEAN, .scopes = SCOPE_ARM | SCOPE_HEALER, .sample = sample_deeds, .which = DEED_UNNECESSARY,
          .definition = "deeds without which as few requests failed, within the noise of placebo forks, "
                        "per replication: known by knock-out (--attribute), else null" },
        { .name = "healer_failures", .unit = "ratio", .better = BETTER_LOW,
          .method = METHOD_PROPORTION, .scopes = SCOPE_ARM | SCOPE_HEALER,
          .sample = sample_healer_failures,
          .definition = "share of replications that an external healer broke" },
        { .name = "manual_ratio", .unit = "ratio", .better = BETTER_LOW,
          .method = METHOD_PROPORTION, .scopes = ALL_SCOPES, .sample = sample_manual,
          .definition = "share of incidents that a human touched" },

        /* ---- the price */
        { .name = "actions", .unit = "actions", .better = BETTER_NEITHER, .method = METHOD_MEAN,
          .scopes = SCOPE_ARM | SCOPE_SERVICE | SCOPE_HEALER, .sample = sample_actions,
          .definition = "actions carried out, per replication" },
        { .name = "preventive_actions", .unit = "actions", .better = BETTER_NEITHER,
          .method = METHOD_MEAN, .scopes = SCOPE_ARM | SCOPE_SERVICE | SCOPE_HEALER,
          .sample = sample_preventive_actions,
          .definition = "actions carried out while no incident was open that they could heal and "
                        "their target was not down, per replication" },
        { .name = "restarts", .unit = "actions", .better = BETTER_NEITHER, .method = METHOD_MEAN,
          .scopes = SCOPE_ARM | SCOPE_SERVICE | SCOPE_HEALER, .sample = sample_restarts,
          .definition = "restarts among them, per replication" },
        { .name = "human_pages", .unit = "pages", .better = BETTER_LOW, .method = METHOD_MEAN,
          .scopes = SCOPE_ARM, .sample = sample_human_pages,
          .definition = "times that a human was called, per replication" },
        { .name = "instance_seconds_added", .unit = "s", .better = BETTER_LOW, .method = METHOD_MEAN,
          .scopes = SCOPE_ARM, .sample = sample_instance_seconds_added,
          .definition = "instance-seconds beyond the declared number, per replication" },
        { .name = "time_degraded", .unit = "s", .better = BETTER_LOW, .method = METHOD_MEAN,
          .scopes = SCOPE_ARM | SCOPE_HEALER, .sample = sample_time_degraded,
          .definition = "service-seconds at a degradation level above 0, per replication" },
        { .name = "degradation_changes", .unit = "changes", .better = BETTER_NEITHER,
          .method = METHOD_MEAN, .scopes = SCOPE_ARM | SCOPE_HEALER,
          .sample = sample_degradation_changes,
          .definition = "changes of a degradation level, per replication" },
        { .name = "degradation_level_at_end", .unit = "level", .better = BETTER_LOW,
          .method = METHOD_MEAN, .scopes = SCOPE_ARM | SCOPE_HEALER,
          .sample = sample_degradation_at_end,
          .definition = "highest degradation level of a service in force at the end, mean over "
                        "replications; 0 is full service" },
        { .name = "degradation_recovery_rate", .unit = "1/min", .better = BETTER_HIGH,
          .method = METHOD_RATE, .scopes = SCOPE_ARM | SCOPE_HEALER,
          .sample = sample_degradation_recovery,
          .definition = "falls of a degradation level (changes to a lesser one) per minute of "
                        "service time at a level above 0; null when there was none" },
        { .name = "degradation_time_level0", .unit = "s", .better = BETTER_NEITHER,
          .method = METHOD_MEAN, .scopes = SCOPE_ARM | SCOPE_HEALER,
          .sample = sample_degradation_level, .which = 0,
          .definition = "service-seconds at level 0, full service, per replication: with those at "
                        "levels 1 to 4 the length of the run times the services" },
        { .name = "degradation_time_level1", .unit = "s", .better = BETTER_NEITHER,
          .method = METHOD_MEAN, .scopes = SCOPE_ARM | SCOPE_HEALER,
          .sample = sample_degradation_level, .which = 1,
          .definition = "service-seconds at level 1, per replication" },
        { .name = "degradation_time_level2", .unit = "s", .better = BETTER_NEITHER,
          .method = METHOD_MEAN, .scopes = SCOPE_ARM | SCOPE_HEALER,
          .sample = sample_degradation_level, .which = 2,
          .definition = "service-seconds at level 2, per replication" },
        { .name = "degradation_time_level3", .unit = "s", .better = BETTER_NEITHER,
          .method = METHOD_MEAN, .scopes = SCOPE_ARM | SCOPE_HEALER,
          .sample = sample_degradation_level, .which = 3,
          .definition = "service-seconds at level 3, per replication" },
        { .name = "degradation_time_level4", .unit = "s", .better = BETTER_NEITHER,
          .method = METHOD_MEAN, .scopes = SCOPE_ARM | SCOPE_HEALER,
          .sample = sample_degradation_level, .which = 4,
          .definition = "service-seconds at level 4, per replication" },
        { .name = "breaker_opened", .unit = "transitions", .better = BETTER_NEITHER,
          .method = METHOD_MEAN, .scopes = SCOPE_ARM | SCOPE_HEALER, .sample = sample_breaker_opened,
          .definition = "times that a circuit breaker opened, over all edges, per replication" },
        { .name = "breaker_open_time", .unit = "s", .better = BETTER_NEITHER, .method = METHOD_MEAN,
          .scopes = SCOPE_ARM | SCOPE_HEALER, .sample = sample_breaker_open_time,
          .definition = "edge-seconds with the breaker open, per replication" },
        { .name = "breaker_half_open_time", .unit = "s", .better = BETTER_NEITHER,
          .method = METHOD_MEAN, .scopes = SCOPE_ARM | SCOPE_HEALER,
          .sample = sample_breaker_half_open_time,
          .definition = "edge-seconds with the breaker half open, per replication" },
        { .name = "breaker_half_open_success", .unit = "ratio", .better = BETTER_HIGH,
          .method = METHOD_PROPORTION, .scopes = SCOPE_ARM | SCOPE_HEALER,
          .sample = sample_breaker_trials,
          .definition = "share of the half-open periods of breakers that ended closed" },
        { .name = "breaker_refused", .unit = "calls", .better = BETTER_NEITHER,
          .method = METHOD_MEAN, .scopes = SCOPE_ARM | SCOPE_HEALER, .sample = sample_breaker_refused,
          .definition = "calls that a protection of an edge refused, per replication" },

        /* ---- a service's inside */
        { .name = "throughput", .unit = "1/s", .better = BETTER_NEITHER, .method = METHOD_RATE,
          .scopes = SCOPE_SERVICE, .sample = sample_throughput,
          .definition = "attempts completed at the service's workers per second" },
        { .name = "utilization", .unit = "ratio", .better = BETTER_NEITHER, .method = METHOD_SHARE,
          .scopes = SCOPE_SERVICE, .sample = sample_utilization,
          .definition = "busy worker-seconds of all worker-seconds of instances that are up" },
        { .name = "waiting_mean", .unit = "s", .better = BETTER_LOW, .method = METHOD_PLAIN,
          .scopes = SCOPE_SERVICE, .sample = sample_waiting_mean,
          .definition = "mean time in the queue of those that came to be served" },
        { .name = "waiting_p50", .unit = "s", .better = BETTER_LOW, .method = METHOD_MEAN,
          .scopes = SCOPE_SERVICE, .sample = sample_waiting_quantile, .which = LATENCY_P50,
          .definition = "median of the same, mean over replications" },
        { .name = "waiting_p95", .unit = "s", .better = BETTER_LOW, .method = METHOD_MEAN,
          .scopes = SCOPE_SERVICE, .sample = sample_waiting_quantile, .which = LATENCY_P95,
          .definition = "95th percentile of the same" },
        { .name = "waiting_p99", .unit = "s", .better = BETTER_LOW, .method = METHOD_MEAN,
          .scopes = SCOPE_SERVICE, .sample = sample_waiting_quantile, .which = LATENCY_P99,
          .definition = "99th percentile of the same" },
        { .name = "service_mean", .unit = "s", .better = BETTER_NEITHER, .method = METHOD_PLAIN,
          .scopes = SCOPE_SERVICE, .sample = sample_service_mean,
          .definition = "mean own work of those completed" },
        { .name = "queue_mean", .unit = "requests", .better = BETTER_LOW, .method = METHOD_PLAIN,
          .scopes = SCOPE_SERVICE, .sample = sample_queue_mean,
          .definition = "time average of the number waiting" },
        { .name = "in_system_mean", .unit = "requests", .better = BETTER_NEITHER,
          .method = METHOD_PLAIN, .scopes = SCOPE_SERVICE, .sample = sample_in_system_mean,
          .definition = "time average of the number waiting or in work" },
        { .name = "abandonment_ratio", .unit = "ratio", .better = BETTER_LOW,
          .method = METHOD_PROPORTION, .scopes = SCOPE_SERVICE, .sample = sample_abandonment,
          .definition = "share of arrived attempts that gave up while waiting" },
        { .name = "instances_up_ratio", .unit = "ratio", .better = BETTER_HIGH,
          .method = METHOD_PLAIN, .scopes = SCOPE_SERVICE, .sample = sample_instances_up,
          .definition = "instance-seconds up of instance-seconds wanted" },
};
const size_t metric_row_count = sizeof(metric_rows) / sizeof(*metric_rows);

const struct metric_row *metric_find(const char *name)
{
        for (size_t i = 0; i < metric_row_count; i++)
                if (!strcmp(metric_rows[i].name, name))
                        return &metric_rows[i];
        return NULL;
}

const char *metric_better_name(enum metric_better better)
{
        static const char *const names[] = { "lower", "higher", "neither" };

        return names[better];
}

const char *metric_method_name(enum metric_method method)
{
        static const char *const names[] = {
                [METHOD_MEAN] = "mean of replications",
                [METHOD_PROPORTION] = "ratio of totals",
                [METHOD_RATE] = "rate of totals",
                [METHOD_SHARE] = "share of totals",
                [METHOD_PLAIN] = "ratio of totals",
                [METHOD_SURVIVAL] = "restricted mean (Kaplan-Meier)",
                [METHOD_QUANTILE] = "quantile (Kaplan-Meier)",
                [METHOD_POOLED] = "all replications together",
        };

        return names[method];
}

json_t *metric_table_json(void)
{
        json_t *list = json_array();

        for (size_t i = 0; list && i < metric_row_count; i++) {
                const struct metric_row *row = &metric_rows[i];
                json_t *labels = json_array();
                if (row->scopes & SCOPE_SERVICE)
                        json_array_append_new(labels, json_string("service"));
                if (row->scopes & SCOPE_PHASE)
                        json_array_append_new(labels, json_string("phase"));
                if (row->scopes & SCOPE_INCIDENT) {
                        json_array_append_new(labels, json_string("fault"));
                        json_array_append_new(labels, json_string("failure_type"));
                        json_array_append_new(labels, json_string("severity"));
                }
                json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:o, s:s}",
                                                      "name", row->name,
                                                      "unit", row->unit,
                                                      "better", metric_better_name(row->better),
                                                      "method", metric_method_name(row->method),
                                                      "labels", labels,
                                                      "definition", row->definition));
        }
        return list;
}
