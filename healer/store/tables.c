/* tables.c - every table of the store, and the views over them.
 *
 * The names and columns are those of the systems that the store speaks for; what
 * has been added stands at the end of each row. `session` says which life of
 * which healer wrote it, `component` is a service's name throughout, times are
 * nanoseconds of the healer's clock. Upgrading only ever adds, so a column that
 * is no longer written stays.
 *
 * In the views "now" is the newest time that any session has come to.
 */
#include "healer/store/tables.h"

#include <string.h>

#define WHO " session:i"

const struct hst_table hst_tables[HEALER_TABLE_COUNT] = {
        /* ---- an orchestrator's */
        [HEALER_TABLE_ERROR_INCIDENTS] =
                {"error_incidents", "id",
                 "error_type severity detected_at:i resolved_at:i diagnosis recovery_actions "
                 "effectiveness_score:r message context source_component stack_trace metrics tags "
                 "created_at:i updated_at:i status service:i edge:i confidence:r acted_at:i rung:i "
                 "rungs_failed:i acting last_action flags:i prediction:i approval_until:i targets" WHO,
                 "id", NULL, HST_HISTORY, "detected_at", "resolved_at is null"},
        [HEALER_TABLE_RECOVERY_PROCEDURES] =
                {"recovery_procedures", "id",
                 "error_pattern procedure_steps success_rate:r last_updated:i execution_count:i "
                 "created_at:i description parameters_schema conditions enabled:i",
                 "error_pattern procedure_steps",
                 "success_rate = (coalesce(success_rate, 0) * coalesce(execution_count, 0) + "
                 "coalesce(excluded.success_rate, 0)) / (coalesce(execution_count, 0) + 1), "
                 "execution_count = coalesce(execution_count, 0) + 1, "
                 "last_updated = excluded.last_updated",
                 HST_STATE, "", ""},
        [HEALER_TABLE_SYSTEM_HEALTH_METRICS] =
                {"system_health_metrics", "id",
                 "metric_name current_value:r threshold_warning:r threshold_critical:r status "
                 "measured_at:i component tags created_at:i" WHO,
                 "", NULL, HST_CHECKS, "measured_at", ""},
        [HEALER_TABLE_DIAGNOSIS_RESULTS] =
                {"diagnosis_results", "id",
                 "error_event_id:i root_cause confidence:r recommended_actions analysis_data "
                 "correlated_events created_at:i component rank:i" WHO,
                 "", NULL, HST_HISTORY, "created_at", ""},
        [HEALER_TABLE_RECOVERY_ACTIONS] =
                {"recovery_actions", "id",
                 "error_event_id:i diagnosis_id:i action_type description parameters status "
                 "created_at:i started_at:i completed_at:i result error_message retry_count:i "
                 "max_retries:i component service:i instance:i edge:i amount:r preventive:i "
                 "due_at:i" WHO,
                 "id", NULL, HST_HISTORY, "created_at", ""},
        [HEALER_TABLE_LEARNING_PATTERNS] =
                {"learning_patterns", "id",
                 "pattern_type pattern_data effectiveness_score:r usage_count:i last_used:i "
                 "created_at:i updated_at:i",
                 "pattern_type pattern_data",
                 "effectiveness_score = coalesce(excluded.effectiveness_score, "
                 "effectiveness_score), usage_count = coalesce(usage_count, 0) + 1, last_used = "
                 "excluded.last_used, updated_at = excluded.updated_at",
                 HST_STATE, "", ""},
        /* ---- an operations brain's */
        [HEALER_TABLE_UNIFIED_BRAIN] =
                {"unified_brain", "id",
                 "agent_name action_type input_data output_data success:i metadata executed_at:i "
                 "component" WHO,
                 "", NULL, HST_HISTORY, "executed_at", ""},
        [HEALER_TABLE_AI_PROACTIVE_HEALTH] =
                {"ai_proactive_health", "id",
                 "component health_score:r trend predicted_failure_time:i failure_probability:r "
                 "metrics warnings created_at:i updated_at:i" WHO,
                 "", NULL, HST_CHECKS, "created_at", ""},
        [HEALER_TABLE_AI_ROLLBACK_HISTORY] =
                {"ai_rollback_history", "id",
                 "component rollback_type from_state to_state success:i error_message "
                 "executed_at:i" WHO,
                 "", NULL, HST_HISTORY, "executed_at", ""},
        [HEALER_TABLE_AI_ERROR_LOGS] =
                {"ai_error_logs", "id",
                 "error_id error_type error_message stack_trace component function_name severity "
                 "retry_count:i metadata timestamp:i" WHO,
                 "", NULL, HST_HISTORY, "timestamp", ""},
        [HEALER_TABLE_AI_RECOVERY_ACTIONS_LOG] =
                {"ai_recovery_actions_log", "id",
                 "error_id action_id strategy success:i recovery_time_ms:r action_taken "
                 "result_data executed_at:i component" WHO,
                 "", NULL, HST_HISTORY, "executed_at", ""},
        [HEALER_TABLE_AI_COMPONENT_HEALTH] =
                {"ai_component_health", "id",
                 "component_name current_state health_score:r error_count:i success_count:i "
                 "last_error_id last_recovery_at:i metadata updated_at:i" WHO,
                 "session component_name",
                 "current_state = coalesce(excluded.current_state, current_state), health_score = "
                 "coalesce(excluded.health_score, health_score), error_count = "
                 "coalesce(error_count, 0) + coalesce(excluded.error_count, 0), success_count = "
                 "coalesce(success_count, 0) + coalesce(excluded.success_count, 0), last_error_id "
                 "= coalesce(excluded.last_error_id, last_error_id), last_recovery_at = "
                 "coalesce(excluded.last_recovery_at, last_recovery_at), metadata = "
                 "coalesce(excluded.metadata, metadata), updated_at = excluded.updated_at",
                 HST_STATE, "", ""},
        [HEALER_TABLE_AI_ERROR_PATTERNS] =
                {"ai_error_patterns", "id",
                 "pattern_name error_signature occurrence_count:i recovery_strategy "
                 "auto_heal_enabled:i healing_script success_rate:r metadata created_at:i "
                 "last_seen:i",
                 "pattern_name error_signature",
                 "occurrence_count = coalesce(occurrence_count, 0) + 1, recovery_strategy = "
                 "coalesce(excluded.recovery_strategy, recovery_strategy), last_seen = "
                 "excluded.last_seen",
                 HST_STATE, "", ""},
        [HEALER_TABLE_AI_HEALING_RULES] =
                {"ai_healing_rules", "id",
                 "rule_name condition action priority:i enabled:i success_count:i failure_count:i "
                 "metadata created_at:i",
                 "rule_name", NULL, HST_STATE, "", ""},
        [HEALER_TABLE_SELF_HEALING_INCIDENTS] =
                {"self_healing_incidents", "incident_id",
                 "component description severity status detected_at:i resolved_at:i metrics "
                 "root_cause remediation_steps escalation_history recovery_time_seconds:r "
                 "auto_resolved:i" WHO,
                 "incident_id", NULL, HST_HISTORY, "detected_at", "resolved_at is null"},
        [HEALER_TABLE_REMEDIATION_PLANS] =
                {"remediation_plans", "plan_id",
                 "incident_id:i actions confidence:r estimated_recovery_seconds:r "
                 "requires_approval:i approved:i executed:i created_at:i approver decided_at:i" WHO,
                 "plan_id", NULL, HST_HISTORY, "created_at", ""},
        [HEALER_TABLE_HEALTH_PATTERNS] =
                {"health_patterns", "pattern_id",
                 "component normal_ranges anomaly_signatures learned_from last_updated:i",
                 "component", NULL, HST_STATE, "", ""},
        [HEALER_TABLE_REMEDIATION_HISTORY] =
                {"remediation_history", "id",
                 "incident_type component action_taken success:i recovery_time_seconds:r "
                 "created_at:i" WHO,
                 "", NULL, HST_HISTORY, "created_at", ""},
        [HEALER_TABLE_HEALING_INCIDENTS] =
                {"healing_incidents", "id",
                 "component_id severity incident_type description metrics remediation_actions "
                 "human_escalated:i detected_at:i resolved_at:i" WHO,
                 "id", NULL, HST_HISTORY, "detected_at", "resolved_at is null"},
        [HEALER_TABLE_HEALING_RECONCILIATIONS] =
                {"healing_reconciliations", "id",
                 "cycle_id:i components_checked:i incidents_detected:i remediations_executed:i "
                 "success:i details started_at:i ended_at:i" WHO,
                 "", NULL, HST_HISTORY, "started_at", ""},
        [HEALER_TABLE_HEALING_METRICS_HISTORY] =
                {"healing_metrics_history", "id",
                 "component_id component_type metrics recorded_at:i" WHO, "", NULL, HST_CHECKS,
                 "recorded_at", ""},
        /* ---- an orchestration platform's */
        [HEALER_TABLE_CIRCUIT_BREAKERS] =
                {"circuit_breakers", "id",
                 "name state failures:i successes:i consecutive_failures:i "
                 "consecutive_successes:i last_failure_time:i last_success_time:i "
                 "last_state_change:i next_attempt_time:i half_open_attempts:i total_failures:i "
                 "total_successes:i total_requests:i config created_at:i updated_at:i reason" WHO,
                 "session name", NULL, HST_STATE, "", ""},
        [HEALER_TABLE_CIRCUIT_BREAKER_STATE_HISTORY] =
                {"circuit_breaker_state_history", "id",
                 "circuit_breaker_id:i circuit_name from_state to_state reason "
                 "failures_at_transition:i successes_at_transition:i transitioned_at:i" WHO,
                 "", NULL, HST_HISTORY, "transitioned_at", ""},
        [HEALER_TABLE_HEALTH_CHECKS] =
                {"health_checks", "id",
                 "component check_name status response_time:r error details checked_at:i" WHO, "",
                 NULL, HST_CHECKS, "checked_at", ""},
        [HEALER_TABLE_COMPONENT_HEALTH_SUMMARY] =
                {"component_health_summary", "id",
                 "component current_status total_checks:i failed_checks:i avg_response_time:r "
                 "availability_percent:r last_incident_at:i incident_count_24h:i uptime_seconds:r "
                 "last_healthy_at:i last_updated:i" WHO,
                 "session component", NULL, HST_STATE, "", ""},
        [HEALER_TABLE_RECOVERY_EVENTS] =
                {"recovery_events", "id",
                 "event_type failure_category severity component strategy_name attempt_number:i "
                 "success:i error duration_ms:r context occurred_at:i" WHO,
                 "", NULL, HST_HISTORY, "occurred_at", ""},
        [HEALER_TABLE_DEGRADATION_STATE] =
                {"degradation_state", "id",
                 "level disabled_features reduced_capabilities reason triggered_by since:i "
                 "recovered_at:i expected_duration:i metadata component" WHO,
                 "", NULL, HST_HISTORY, "since", "recovered_at is null"},
        [HEALER_TABLE_FEATURE_FLAGS] =
                {"feature_flags", "id",
                 "name description enabled:i degradation_levels priority:i dependencies "
                 "created_at:i updated_at:i updated_by",
                 "name", NULL, HST_STATE, "", ""},
        [HEALER_TABLE_CHAOS_EXPERIMENTS] =
                {"chaos_experiments", "id",
                 "experiment_id name description fault_type target config duration:i status "
                 "started_at:i stopped_at:i created_at:i results" WHO,
                 "session experiment_id", NULL, HST_HISTORY, "created_at", ""},
        [HEALER_TABLE_CHAOS_EXPERIMENT_EVENTS] =
                {"chaos_experiment_events", "id",
                 "experiment_id event_type message data occurred_at:i" WHO, "", NULL, HST_HISTORY,
                 "occurred_at", ""},
        [HEALER_TABLE_SYSTEM_HEALTH_SNAPSHOTS] =
                {"system_health_snapshots", "id",
                 "overall_status degradation_level health_score:r active_incidents:i "
                 "open_circuit_breakers:i component_statuses snapshot_at:i" WHO,
                 "", NULL, HST_CHECKS, "snapshot_at", ""},
        /* ---- our own: what the insight queries join */
        [HEALER_TABLE_HEALER_PREDICTIONS] =
                {"healer_predictions", "id",
                 "prediction:i component failure_type confidence:r said_at:i expected_at:i "
                 "outcome:i outcome_at:i" WHO,
                 "session prediction", NULL, HST_HISTORY, "said_at", ""},
};

#define NOW "(select max(last_at) from healer_sessions)"
#define HOUR "3600000000000"
#define DAY "86400000000000"

const char *const hst_view_names[] = {
        "active_circuit_breakers", "recent_failures",        "recovery_rate",
        "current_system_status",   "component_availability", "active_degradation",
        "top_actions",             "most_interventions",     "prediction_accuracy",
        NULL};

const char *const hst_views =
        "create view active_circuit_breakers as select name, state, failures, "
        "consecutive_failures, last_failure_time, next_attempt_time, session from "
        "circuit_breakers where state in ('open', 'half-open');"

        "create view recent_failures as select component, failure_category, severity, count(*) as "
        "failure_count, max(occurred_at) as last_at from recovery_events where event_type = "
        "'detection' and occurred_at >= " NOW " - " HOUR " group by component, failure_category, "
        "severity order by failure_count desc, component, failure_category, severity;"

        "create view recovery_rate as select strategy_name, count(*) as attempts, "
        "sum(success) as recovered, 100.0 * sum(success) / count(*) as rate_percent, "
        "avg(duration_ms) as avg_duration_ms from recovery_events where event_type = 'recovery' "
        "and success is not null and occurred_at >= " NOW " - " DAY " group by strategy_name order "
        "by attempts desc, strategy_name;"

        "create view current_system_status as select s.* from system_health_snapshots s where "
        "s.id = (select max(n.id) from system_health_snapshots n where n.session is s.session);"

        "create view component_availability as select component, count(*) as total_checks, "
        "sum(status = 'healthy') as healthy_checks, 100.0 * sum(status = 'healthy') / count(*) as "
        "availability_percent, avg(response_time) as avg_response_time from health_checks where "
        "status <> 'unknown' and checked_at >= " NOW " - " DAY " group by component order by "
        "component;"

        "create view active_degradation as select component, level, reason, triggered_by, since, "
        "session from degradation_state where recovered_at is null and level <> 'full';"

        "create view top_actions as select action_type, count(*) as times, sum(success) as "
        "succeeded from unified_brain where executed_at >= " NOW " - " DAY " group by action_type "
        "order by times desc, action_type;"

        "create view most_interventions as select component, count(*) as interventions from "
        "recovery_actions where created_at >= " NOW " - 7 * " DAY " group by component order by "
        "interventions desc, component;"

        "create view prediction_accuracy as select said_at / " DAY " as day, count(*) as said, "
        "sum(outcome is not null) as known, sum(outcome = 1) as came_true, case when sum(outcome "
        "is not null) > 0 then 1.0 * sum(outcome = 1) / sum(outcome is not null) end as accuracy "
        "from healer_predictions where said_at >= " NOW " - 30 * " DAY " group by day order by "
        "day;"

        "create trigger log_breaker_transition after update of state on circuit_breakers when "
        "old.state is not new.state begin insert into circuit_breaker_state_history "
        "(circuit_breaker_id, circuit_name, from_state, to_state, reason, failures_at_transition, "
        "successes_at_transition, transitioned_at, session) values (new.id, new.name, old.state, "
        "new.state, new.reason, new.failures, new.successes, new.last_state_change, "
        "new.session); end;"

        "create trigger end_degradation after insert on degradation_state begin update "
        "degradation_state set recovered_at = new.since where recovered_at is null and id <> "
        "new.id and component is new.component and session is new.session; update "
        "degradation_state set recovered_at = new.since where id = new.id and level = 'full'; "
        "end;"

        "create trigger count_for_snapshot after insert on system_health_snapshots when "
        "new.open_circuit_breakers is null begin update system_health_snapshots set "
        "open_circuit_breakers = (select count(*) from circuit_breakers where session is "
        "new.session and state in ('open', 'half-open')), degradation_level = "
        "coalesce(new.degradation_level, (select 'minimal' from degradation_state where "
        "session is new.session and recovered_at is null and level = 'minimal' limit 1), (select "
        "max(level) from degradation_state where session is new.session and recovered_at is null "
        "and level like 'reduced%'), 'full') where id = new.id; end;"

        "create trigger touch_feature_flag after update on feature_flags when new.updated_at is "
        "null begin update feature_flags set updated_at = " NOW " where id = new.id; end;"

        "create trigger touch_breaker after update on circuit_breakers when new.updated_at is "
        "null begin update circuit_breakers set updated_at = " NOW " where id = new.id; end;";

bool hst_next_column(const char **at, char name[HST_NAME_MAX], const char **type)
{
        const char *from = *at + strspn(*at, " ");
        size_t length = strcspn(from, " ");
        size_t word = strcspn(from, " :");

        if (length == 0 || word >= HST_NAME_MAX)
                return false;
        memcpy(name, from, word);
        name[word] = '\0';
        *type = "text";
        if (word < length && from[word + 1] == 'i')
                *type = "integer";
        else if (word < length && from[word + 1] == 'r')
                *type = "real";
        *at = from + length;
        return true;
}
