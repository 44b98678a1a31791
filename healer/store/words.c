/* words.c - what a supervisor says and does, as rows.
 *
 * Open episodes and commands are not put together from notices, some of which a
 * log level may hold back: after each tick what is open is compared with what
 * was open, and what has changed becomes a record. So the incidents in the file
 * are what a healer that is started anew can go on with.
 *
 * An incident's effectiveness is 0.4 for a verified end + 0.3 by its time + 0.2
 * by how few rungs failed before + 0.1 for the result; without a verified end
 * it is 0, so that nothing that failed ever looks effective.
 */
#include "healer/store/hst.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "healer/hlr_base.h"

#define PUT(store, table, id, at, ...)                                                           \
        (void)healer_store_add((store), (table), (id), (at),                                     \
                               (const struct healer_value[]){__VA_ARGS__},                       \
                               sizeof((const struct healer_value[]){__VA_ARGS__}) /              \
                                       sizeof(struct healer_value))

/* A time that may never have been. */
#define TIME(column, at_ns)                                                                      \
        {column,                                                                                 \
         (at_ns) == INT64_MIN || (at_ns) == HEALER_NEVER ? HEALER_VALUE_TEXT                     \
                                                         : HEALER_VALUE_INTEGER,                 \
         NULL, at_ns, 0}

const char *const healer_log_writers[HEALER_WRITER_COUNT] = {
        "self_healing_system", "enhanced_self_healing", "self_healing_reconciler"};

const char *const healer_log_types[HEALER_LOGGED_COUNT] = {
        "proactive_health_check", "service_restart",         "service_restart_failed",
        "automatic_rollback",     "rollback_failed",         "db_connection_recovered",
        "db_recovery_failed",     "memory_leak_cleanup",     "reconciliation_cycle",
        "remediation_approval",   "remediation_rejected"};

extern const char *const hst_state_names[HEALER_OPEN_STATE_COUNT];
const char *const hst_state_names[HEALER_OPEN_STATE_COUNT] = {"pending", "approval", "in_progress",
                                                              "verifying", "escalated"};

static const char *const status_words[] = {"unknown", "healthy", "degraded", "unhealthy"};
static const char *const level_words[] = {"full", "reduced_1", "reduced_2", "reduced_3", "minimal"};

static const char *component_name(const struct healer_store *store, uint32_t service)
{
        return service < store->component_count ? store->components[service].name : "";
}

static const char *failure_name(enum healer_failure failure)
{
        return (unsigned)failure < HEALER_FAILURE_COUNT ? healer_failures[failure].name : "unknown";
}

static const char *severity_name(enum healer_severity severity)
{
        return (unsigned)severity < HEALER_SEVERITY_COUNT ? healer_severity_names[severity] : "low";
}

static const char *action_name(enum healer_action_kind kind)
{
        return (unsigned)kind < HEALER_ACTION_COUNT ? healer_actions[kind].name : NULL;
}

/* ---- the action log */

enum healer_err healer_store_log(struct healer_store *store, int64_t at_ns,
                                 const struct healer_log_entry *entry)
{
        const struct healer_value values[] = {
                HEALER_TEXT("agent_name", healer_log_writers[entry->writer]),
                HEALER_TEXT("action_type", healer_log_types[entry->type]),
                HEALER_TEXT("input_data", entry->input),
                HEALER_TEXT("output_data", entry->output),
                HEALER_INTEGER("success", entry->success),
                HEALER_TEXT("metadata", entry->metadata),
                HEALER_INTEGER("executed_at", at_ns),
                HEALER_TEXT("component", entry->component),
        };

        return healer_store_add(store, HEALER_TABLE_UNIFIED_BRAIN, 0, at_ns, values,
                                HLR_COUNT(values));
}

enum healer_err healer_store_breaker(struct healer_store *store, int64_t at_ns, const char *name,
                                     const char *state, const char *reason)
{
        const struct healer_value values[] = {
                HEALER_TEXT("name", name),
                HEALER_TEXT("state", state),
                HEALER_TEXT("reason", reason),
                HEALER_INTEGER("last_state_change", at_ns),
                HEALER_INTEGER("created_at", at_ns),
                HEALER_INTEGER("updated_at", at_ns),
        };

        return healer_store_add(store, HEALER_TABLE_CIRCUIT_BREAKERS, 0, at_ns, values,
                                HLR_COUNT(values));
}

enum healer_err healer_store_rollback(struct healer_store *store,
                                      const struct healer_rollback_result *result)
{
        const struct healer_log_entry entry = {
                .writer = HEALER_WRITER_SELF_HEALING,
                .type = result->success ? HEALER_LOGGED_ROLLBACK : HEALER_LOGGED_ROLLBACK_FAILED,
                .component = result->component,
                .input = result->from,
                .output = result->success ? result->to : result->error,
                .metadata = healer_rollback_names[result->type],
                .success = result->success,
        };
        const struct healer_value values[] = {
                HEALER_TEXT("component", result->component),
                HEALER_TEXT("rollback_type", healer_rollback_names[result->type]),
                HEALER_TEXT("from_state", result->from),
                HEALER_TEXT("to_state", result->to),
                HEALER_INTEGER("success", result->success),
                HEALER_TEXT("error_message", result->success ? NULL : result->error),
                HEALER_INTEGER("executed_at", result->ended_ns),
        };
        enum healer_err err = healer_store_add(store, HEALER_TABLE_AI_ROLLBACK_HISTORY, 0,
                                               result->ended_ns, values, HLR_COUNT(values));

        return err == HEALER_OK ? healer_store_log(store, result->ended_ns, &entry) : err;
}

/* ---- notices */

static void note_alarm(struct healer_store *store, int64_t at_ns, const struct healer_notice *n)
{
        const char *component = component_name(store, n->service);
        const char *metric = (unsigned)n->metric < HEALER_METRIC_COUNT
                                     ? healer_metrics[n->metric].name
                                     : "event";
        bool limits = (unsigned)n->metric < HEALER_METRIC_COUNT;
        char words[160], id[24];

        snprintf(words, sizeof(words), "{\"metric\": \"%s\", \"value\": %.9g, \"limit\": %.9g}", metric,
                 n->value == n->value ? n->value : 0, n->limit == n->limit ? n->limit : 0);
        snprintf(id, sizeof(id), "%llu", (unsigned long long)n->id);
        PUT(store, HEALER_TABLE_RECOVERY_EVENTS, 0, at_ns, HEALER_TEXT("event_type", "detection"),
            HEALER_TEXT("failure_category", failure_name(n->failure)),
            HEALER_TEXT("severity", severity_name(n->severity)),
            HEALER_TEXT("component", component), HEALER_TEXT("context", words),
            HEALER_INTEGER("occurred_at", at_ns));
        PUT(store, HEALER_TABLE_AI_ERROR_LOGS, 0, at_ns, HEALER_TEXT("error_id", id),
            HEALER_TEXT("error_type", failure_name(n->failure)), HEALER_TEXT("error_message", words),
            HEALER_TEXT("component", component), HEALER_TEXT("severity", severity_name(n->severity)),
            HEALER_INTEGER("timestamp", at_ns));
        PUT(store, HEALER_TABLE_SYSTEM_HEALTH_METRICS, 0, at_ns, HEALER_TEXT("metric_name", metric),
            HEALER_REAL("current_value", n->value),
            HEALER_REAL("threshold_warning",
                        limits ? store->thresholds[n->metric].warning : n->limit),
            HEALER_REAL("threshold_critical",
                        limits ? store->thresholds[n->metric].critical : n->limit),
            HEALER_TEXT("status", n->severity >= HEALER_SEVERITY_HIGH ? "critical" : "warning"),
            HEALER_INTEGER("measured_at", at_ns), HEALER_TEXT("component", component),
            HEALER_INTEGER("created_at", at_ns));
        PUT(store, HEALER_TABLE_HEALING_METRICS_HISTORY, 0, at_ns,
            HEALER_TEXT("component_id", component), HEALER_TEXT("component_type", "service"),
            HEALER_TEXT("metrics", words), HEALER_INTEGER("recorded_at", at_ns));
        PUT(store, HEALER_TABLE_AI_COMPONENT_HEALTH, 0, at_ns,
            HEALER_TEXT("component_name", component), HEALER_INTEGER("error_count", 1),
            HEALER_TEXT("last_error_id", id), HEALER_INTEGER("updated_at", at_ns));
}

static void note_diagnosis(struct healer_store *store, int64_t at_ns, const struct healer_notice *n)
{
        const char *cause = failure_name(n->failure);

        PUT(store, HEALER_TABLE_DIAGNOSIS_RESULTS, 0, at_ns,
            HEALER_INTEGER("error_event_id", hst_id(store, n->episode)),
            HEALER_TEXT("root_cause", cause), HEALER_REAL("confidence", n->confidence),
            HEALER_INTEGER("created_at", at_ns),
            HEALER_TEXT("component", component_name(store, n->service)),
            HEALER_INTEGER("rank", n->rank));
        if (n->rank != 1)
                return;
        PUT(store, HEALER_TABLE_ERROR_INCIDENTS, hst_id(store, n->episode), at_ns,
            HEALER_TEXT("diagnosis", cause), HEALER_INTEGER("updated_at", at_ns));
        PUT(store, HEALER_TABLE_SELF_HEALING_INCIDENTS, hst_id(store, n->episode), at_ns,
            HEALER_TEXT("root_cause", cause));
}

static const struct healer_open_episode *last_of(const struct healer_store *store, uint64_t id)
{
        uint32_t i;

        for (i = 0; i < store->last->episode_count; i++) {
                if (store->last->episodes[i].id == id)
                        return &store->last->episodes[i];
        }
        return NULL;
}

static double effectiveness(const struct healer_store *store, const struct healer_open_episode *e,
                            int64_t at_ns)
{
        double s = (double)hlr_sub(at_ns, e->opened_ns) / 1e9;
        double time = s <= 150 ? 1 : s <= 300 ? 0.8 : s <= 600 ? 0.6 : s <= 1200 ? 0.3 : 0.1;
        double most = store->threshold > 0 ? store->threshold : 3;
        double failed = e->rungs_failed < most ? e->rungs_failed : most;

        return 0.4 + 0.3 * time + 0.2 * (1 - failed / most) + 0.1;
}

static void procedure_ended(struct healer_store *store, int64_t at_ns,
                            const struct healer_notice *n, bool helped)
{
        const struct healer_open_episode *e = last_of(store, n->episode);

        if (e == NULL || (unsigned)e->last_kind >= HEALER_ACTION_COUNT)
                return;
        PUT(store, HEALER_TABLE_RECOVERY_PROCEDURES, 0, at_ns,
            HEALER_TEXT("error_pattern", failure_name(n->failure)),
            HEALER_TEXT("procedure_steps", action_name(e->last_kind)),
            HEALER_REAL("success_rate", helped), HEALER_INTEGER("last_updated", at_ns),
            HEALER_INTEGER("execution_count", 1), HEALER_INTEGER("created_at", at_ns),
            HEALER_TEXT("description", healer_actions[e->last_kind].summary),
            HEALER_INTEGER("enabled", 1));
}

static void note_end(struct healer_store *store, int64_t at_ns, const struct healer_notice *n,
                     bool helped)
{
        const struct healer_open_episode *e = last_of(store, n->episode);
        const char *component = component_name(store, n->service);
        double score = helped && e != NULL ? effectiveness(store, e, at_ns) : 0;

        PUT(store, HEALER_TABLE_ERROR_INCIDENTS, hst_id(store, n->episode), at_ns,
            HEALER_REAL("effectiveness_score", score), HEALER_INTEGER("updated_at", at_ns));
        if (e != NULL)
                PUT(store, HEALER_TABLE_REMEDIATION_HISTORY, 0, at_ns,
                    HEALER_TEXT("incident_type", failure_name(n->failure)),
                    HEALER_TEXT("component", component),
                    HEALER_TEXT("action_taken", action_name(e->last_kind)),
                    HEALER_INTEGER("success", helped),
                    HEALER_REAL("recovery_time_seconds",
                                (double)hlr_sub(at_ns, e->opened_ns) / 1e9),
                    HEALER_INTEGER("created_at", at_ns));
        procedure_ended(store, at_ns, n, helped);
        PUT(store, HEALER_TABLE_AI_COMPONENT_HEALTH, 0, at_ns,
            HEALER_TEXT("component_name", component), HEALER_INTEGER("success_count", helped),
            HEALER_INTEGER("updated_at", at_ns));
}

static void note_escalation(struct healer_store *store, int64_t at_ns,
                            const struct healer_notice *n)
{
        char words[96];

        PUT(store, HEALER_TABLE_RECOVERY_EVENTS, 0, at_ns, HEALER_TEXT("event_type", "escalation"),
            HEALER_TEXT("failure_category", failure_name(n->failure)),
            HEALER_TEXT("severity", severity_name(n->severity)),
            HEALER_TEXT("component", component_name(store, n->service)),
            HEALER_INTEGER("occurred_at", at_ns));
        PUT(store, HEALER_TABLE_HEALING_INCIDENTS, hst_id(store, n->episode), at_ns,
            HEALER_INTEGER("human_escalated", 1));
        snprintf(words, sizeof(words), "[{\"at\": %lld, \"severity\": \"%s\"}]", (long long)at_ns,
                 severity_name(n->severity));
        PUT(store, HEALER_TABLE_SELF_HEALING_INCIDENTS, hst_id(store, n->episode), at_ns,
            HEALER_TEXT("escalation_history", words), HEALER_TEXT("status", "escalated"));
}

static void note_suggestion(struct healer_store *store, int64_t at_ns,
                            const struct healer_notice *n)
{
        PUT(store, HEALER_TABLE_REMEDIATION_PLANS, hst_id(store, n->episode), at_ns,
            HEALER_INTEGER("incident_id", hst_id(store, n->episode)),
            HEALER_TEXT("actions", action_name(n->action)), HEALER_REAL("confidence", n->confidence),
            HEALER_INTEGER("requires_approval", 1), HEALER_INTEGER("approved", 0),
            HEALER_INTEGER("executed", 0), HEALER_INTEGER("created_at", at_ns));
}

static void note_prediction(struct healer_store *store, int64_t at_ns,
                            const struct healer_notice *n)
{
        const char *component = component_name(store, n->service);

        PUT(store, HEALER_TABLE_HEALER_PREDICTIONS, 0, at_ns, HEALER_INTEGER("prediction", n->id),
            HEALER_TEXT("component", component),
            HEALER_TEXT("failure_type", failure_name(n->failure)),
            HEALER_REAL("confidence", n->confidence), HEALER_INTEGER("said_at", at_ns),
            TIME("expected_at", n->eta_ns));
        PUT(store, HEALER_TABLE_AI_PROACTIVE_HEALTH, 0, at_ns, HEALER_TEXT("component", component),
            HEALER_REAL("failure_probability", n->confidence),
            HEALER_TEXT("warnings", failure_name(n->failure)), HEALER_INTEGER("created_at", at_ns),
            HEALER_INTEGER("updated_at", at_ns), TIME("predicted_failure_time", n->eta_ns));
}

static void note_recurring(struct healer_store *store, int64_t at_ns, const struct healer_notice *n)
{
        char words[128];

        snprintf(words, sizeof(words), "{\"component\": \"%s\", \"failure\": \"%s\"}",
                 component_name(store, n->service), failure_name(n->failure));
        PUT(store, HEALER_TABLE_LEARNING_PATTERNS, 0, at_ns,
            HEALER_TEXT("pattern_type", "recurrence"), HEALER_TEXT("pattern_data", words),
            HEALER_INTEGER("usage_count", 1), HEALER_INTEGER("last_used", at_ns),
            HEALER_INTEGER("created_at", at_ns), HEALER_INTEGER("updated_at", at_ns));
        PUT(store, HEALER_TABLE_AI_ERROR_PATTERNS, 0, at_ns,
            HEALER_TEXT("pattern_name", failure_name(n->failure)),
            HEALER_TEXT("error_signature", component_name(store, n->service)),
            HEALER_INTEGER("occurrence_count", n->rank), HEALER_INTEGER("auto_heal_enabled", 1),
            HEALER_INTEGER("created_at", at_ns), HEALER_INTEGER("last_seen", at_ns));
}

static void note_degradation(struct healer_store *store, int64_t at_ns,
                             const struct healer_notice *n)
{
        const uint32_t count = HLR_COUNT(level_words);
        uint32_t level = n->value >= 0 && n->value < count ? (uint32_t)n->value : 0;

        PUT(store, HEALER_TABLE_DEGRADATION_STATE, 0, at_ns, HEALER_TEXT("level", level_words[level]),
            HEALER_TEXT("reason", n->episode != 0 ? failure_name(n->failure) : "calm"),
            HEALER_TEXT("triggered_by", "automatic"), HEALER_INTEGER("since", at_ns),
            HEALER_TEXT("component", component_name(store, n->service)));
}

static bool is_about_score(uint32_t warning)
{
        return warning == HEALER_WARNED_AVAILABILITY || warning == HEALER_WARNED_SCORE ||
               warning == HEALER_WARNED_DECLINING || warning == HEALER_WARNED_POLICY;
}

void healer_store_notice(struct healer_store *store, int64_t at_ns,
                         const struct healer_notice *notice)
{
        (void)pthread_mutex_lock(&store->watching);
        switch (notice->kind) {
        case HEALER_NOTICE_ALARM:
                note_alarm(store, at_ns, notice);
                break;
        case HEALER_NOTICE_DIAGNOSIS:
                note_diagnosis(store, at_ns, notice);
                break;
        case HEALER_NOTICE_EPISODE_VERIFIED:
                note_end(store, at_ns, notice, true);
                break;
        case HEALER_NOTICE_EPISODE_FAILED:
                note_end(store, at_ns, notice, false);
                break;
        case HEALER_NOTICE_ESCALATION:
                note_escalation(store, at_ns, notice);
                break;
        case HEALER_NOTICE_SUGGESTION:
                note_suggestion(store, at_ns, notice);
                break;
        case HEALER_NOTICE_PREDICTION:
                note_prediction(store, at_ns, notice);
                break;
        case HEALER_NOTICE_PREDICTION_OUTCOME:
                PUT(store, HEALER_TABLE_HEALER_PREDICTIONS, 0, at_ns,
                    HEALER_INTEGER("prediction", notice->id),
                    HEALER_INTEGER("outcome", notice->rank), HEALER_INTEGER("outcome_at", at_ns));
                break;
        case HEALER_NOTICE_RECURRING:
                note_recurring(store, at_ns, notice);
                break;
        case HEALER_NOTICE_DEGRADATION:
                note_degradation(store, at_ns, notice);
                break;
        case HEALER_NOTICE_WARNING:
                PUT(store, HEALER_TABLE_AI_PROACTIVE_HEALTH, 0, at_ns,
                    HEALER_TEXT("component", component_name(store, notice->service)),
                    HEALER_REAL("health_score", is_about_score(notice->rank) ? notice->value : NAN),
                    HEALER_TEXT("warnings", notice->rank == HEALER_WARNED_AVAILABILITY
                                                    ? "availability below its threshold"
                                                    : healer_warning_names[notice->rank]),
                    HEALER_INTEGER("created_at", at_ns), HEALER_INTEGER("updated_at", at_ns));
                break;
        default:
                break;
        }
        (void)pthread_mutex_unlock(&store->watching);
}

/* ---- orders and what became of them */

void healer_store_command(struct healer_store *store, int64_t at_ns,
                          const struct healer_command *command)
{
        struct hst_command *place = NULL;
        const char *component = component_name(store, command->service);
        uint32_t i;

        (void)pthread_mutex_lock(&store->watching);
        for (i = 0; i < HST_COMMANDS_MAX && place == NULL; i++) {
                if (store->commands[i].order.id == 0 || store->commands[i].order.id == command->id)
                        place = &store->commands[i];
        }
        if (place != NULL) {
                place->order = *command;
                place->issued_ns = at_ns;
        }
        PUT(store, HEALER_TABLE_RECOVERY_ACTIONS, hst_id(store, command->id), at_ns,
            HEALER_INTEGER("error_event_id", hst_id(store, command->episode)),
            HEALER_TEXT("action_type", action_name(command->kind)),
            HEALER_TEXT("description", healer_actions[command->kind].summary),
            HEALER_TEXT("status", "in_progress"), HEALER_INTEGER("created_at", at_ns),
            HEALER_INTEGER("started_at", at_ns), HEALER_TEXT("component", component),
            HEALER_INTEGER("service", command->service),
            HEALER_INTEGER("instance", command->instance == HEALER_NONE ? -1 : (int64_t)command->instance),
            HEALER_INTEGER("edge", command->edge == HEALER_NONE ? -1 : (int64_t)command->edge),
            HEALER_REAL("amount", command->amount), HEALER_INTEGER("preventive", command->preventive));
        PUT(store, HEALER_TABLE_REMEDIATION_PLANS, hst_id(store, command->episode), at_ns,
            HEALER_INTEGER("incident_id", hst_id(store, command->episode)),
            HEALER_TEXT("actions", action_name(command->kind)), HEALER_INTEGER("executed", 1),
            HEALER_INTEGER("created_at", at_ns));
        PUT(store, HEALER_TABLE_ERROR_INCIDENTS, hst_id(store, command->episode), at_ns,
            HEALER_TEXT("recovery_actions", action_name(command->kind)));
        PUT(store, HEALER_TABLE_HEALING_INCIDENTS, hst_id(store, command->episode), at_ns,
            HEALER_TEXT("remediation_actions", action_name(command->kind)));
        PUT(store, HEALER_TABLE_SELF_HEALING_INCIDENTS, hst_id(store, command->episode), at_ns,
            HEALER_TEXT("remediation_steps", action_name(command->kind)));
        (void)pthread_mutex_unlock(&store->watching);
}

/* Which of the eleven types an action is logged as; HEALER_LOGGED_COUNT: none of them. */
static enum healer_log_type log_type(enum healer_action_kind kind, bool ok)
{
        switch (kind) {
        case HEALER_ACTION_RESTART_INSTANCE:
        case HEALER_ACTION_RESTART_SERVICE:
        case HEALER_ACTION_REPLACE_INSTANCE:
                return ok ? HEALER_LOGGED_RESTART : HEALER_LOGGED_RESTART_FAILED;
        case HEALER_ACTION_ROLLBACK_DEPLOYMENT:
        case HEALER_ACTION_ROLLBACK_CONFIG:
        case HEALER_ACTION_RESTORE_STATE:
                return ok ? HEALER_LOGGED_ROLLBACK : HEALER_LOGGED_ROLLBACK_FAILED;
        case HEALER_ACTION_RECONNECT:
                return ok ? HEALER_LOGGED_RECONNECTED : HEALER_LOGGED_RECONNECT_FAILED;
        case HEALER_ACTION_CLEAN_MEMORY:
                return HEALER_LOGGED_LEAK_CLEANUP;
        default:
                return HEALER_LOGGED_COUNT;
        }
}

static void log_rollback(struct healer_store *store, int64_t at_ns,
                         const struct healer_command *order, const struct healer_result *result)
{
        static const struct {
                enum healer_action_kind kind;
                const char *type, *from, *to;
        } rollbacks[] = {
                {HEALER_ACTION_ROLLBACK_DEPLOYMENT, "deployment", "deployed version",
                 "version before"},
                {HEALER_ACTION_ROLLBACK_CONFIG, "config", "changed configuration",
                 "configuration before"},
                {HEALER_ACTION_RESTORE_STATE, "previous_state", "current state",
                 "last verified state"},
        };
        size_t i;

        for (i = 0; i < HLR_COUNT(rollbacks); i++) {
                if (rollbacks[i].kind != order->kind)
                        continue;
                PUT(store, HEALER_TABLE_AI_ROLLBACK_HISTORY, 0, at_ns,
                    HEALER_TEXT("component", component_name(store, order->service)),
                    HEALER_TEXT("rollback_type", rollbacks[i].type),
                    HEALER_TEXT("from_state", rollbacks[i].from),
                    HEALER_TEXT("to_state", result->ok ? rollbacks[i].to : rollbacks[i].from),
                    HEALER_INTEGER("success", result->ok),
                    HEALER_TEXT("error_message",
                                result->ok               ? NULL
                                : result->reason == NULL ? "the platform gave no reason"
                                                         : result->reason),
                    HEALER_INTEGER("executed_at", at_ns));
        }
}

static void log_result(struct healer_store *store, int64_t at_ns, const struct hst_command *command,
                       const struct healer_result *result)
{
        const struct healer_command *order = &command->order;
        const char *component = component_name(store, order->service);
        double ms = (double)hlr_sub(at_ns, command->issued_ns) / 1e6;
        enum healer_log_type type = log_type(order->kind, result->ok);
        char words[96], id[24], episode[24];

        snprintf(id, sizeof(id), "%llu", (unsigned long long)order->id);
        snprintf(episode, sizeof(episode), "%llu", (unsigned long long)order->episode);
        snprintf(words, sizeof(words), "{\"episode\": %llu, \"action\": %llu}",
                 (unsigned long long)order->episode, (unsigned long long)order->id);
        PUT(store, HEALER_TABLE_RECOVERY_EVENTS, 0, at_ns, HEALER_TEXT("event_type", "recovery"),
            HEALER_TEXT("component", component), HEALER_TEXT("strategy_name", action_name(order->kind)),
            HEALER_INTEGER("attempt_number", 1), HEALER_INTEGER("success", result->ok),
            HEALER_TEXT("error", result->ok ? NULL : result->reason), HEALER_REAL("duration_ms", ms),
            HEALER_TEXT("context", words), HEALER_INTEGER("occurred_at", at_ns));
        PUT(store, HEALER_TABLE_AI_RECOVERY_ACTIONS_LOG, 0, at_ns, HEALER_TEXT("error_id", episode),
            HEALER_TEXT("action_id", id), HEALER_TEXT("strategy", action_name(order->kind)),
            HEALER_INTEGER("success", result->ok), HEALER_REAL("recovery_time_ms", ms),
            HEALER_TEXT("action_taken", action_name(order->kind)),
            HEALER_TEXT("result_data", result->reason), HEALER_INTEGER("executed_at", at_ns),
            HEALER_TEXT("component", component));
        PUT(store, HEALER_TABLE_AI_COMPONENT_HEALTH, 0, at_ns,
            HEALER_TEXT("component_name", component), HEALER_INTEGER("last_recovery_at", at_ns),
            HEALER_INTEGER("updated_at", at_ns));
        log_rollback(store, at_ns, order, result);
        if (type != HEALER_LOGGED_COUNT) {
                const struct healer_log_entry entry = {
                        .writer = order->preventive ? HEALER_WRITER_ENHANCED
                                                    : HEALER_WRITER_SELF_HEALING,
                        .type = type,
                        .component = component,
                        .input = action_name(order->kind),
                        .output = result->ok ? "ok" : result->reason,
                        .metadata = words,
                        .success = result->ok,
                };

                (void)healer_store_log(store, at_ns, &entry);
        }
}

void healer_store_result(struct healer_store *store, int64_t at_ns,
                         const struct healer_result *result)
{
        struct hst_command *command = NULL;
        uint32_t i;

        (void)pthread_mutex_lock(&store->watching);
        for (i = 0; i < HST_COMMANDS_MAX && result->id != 0; i++) {
                if (store->commands[i].order.id == result->id)
                        command = &store->commands[i];
        }
        PUT(store, HEALER_TABLE_RECOVERY_ACTIONS, hst_id(store, result->id), at_ns,
            HEALER_TEXT("status", result->ok ? "completed" : "failed"),
            HEALER_INTEGER("completed_at", at_ns), HEALER_TEXT("result", result->ok ? "ok" : "failed"),
            HEALER_TEXT("error_message", result->ok ? NULL : result->reason));
        if (command != NULL) {
                log_result(store, at_ns, command, result);
                command->order.id = 0;
        }
        (void)pthread_mutex_unlock(&store->watching);
}

void healer_store_answer(struct healer_store *store, int64_t at_ns, uint64_t episode,
                         const char *who, bool yes)
{
        const struct healer_open_episode *e;
        char words[48];

        (void)pthread_mutex_lock(&store->watching);
        e = last_of(store, episode);
        snprintf(words, sizeof(words), "{\"episode\": %llu}", (unsigned long long)episode);
        PUT(store, HEALER_TABLE_REMEDIATION_PLANS, hst_id(store, episode), at_ns,
            HEALER_INTEGER("incident_id", hst_id(store, episode)), HEALER_INTEGER("approved", yes),
            HEALER_TEXT("approver", who), HEALER_INTEGER("decided_at", at_ns));
        (void)healer_store_log(store, at_ns,
                               &(const struct healer_log_entry){
                                       .writer = HEALER_WRITER_SELF_HEALING,
                                       .type = yes ? HEALER_LOGGED_APPROVAL
                                                   : HEALER_LOGGED_REJECTION,
                                       .component = e == NULL ? "" : component_name(store, e->service),
                                       .input = words,
                                       .output = who,
                                       .success = true,
                               });
        (void)pthread_mutex_unlock(&store->watching);
}

/* ---- what is open */

static void write_targets(const struct healer_open_episode *e, char *out, size_t room)
{
        const struct healer_open_target *target;
        size_t length = 0;
        char instance[16];
        uint32_t i;

        out[0] = '\0';
        for (i = 0; i < e->target_count && length + 32 < room; i++) {
                target = &e->targets[i];
                snprintf(instance, sizeof(instance), "%u", target->instance);
                length += (size_t)snprintf(out + length, room - length, "%s%s:%u:%s%s%s",
                                           i > 0 ? " " : "",
                                           target->instance == HEALER_NONE ? "-" : instance,
                                           target->attempts, target->moved ? "m" : "",
                                           target->done ? "d" : "", target->failed ? "f" : "");
        }
}

static void put_episode(struct healer_store *store, int64_t at_ns,
                        const struct healer_open_episode *e)
{
        char targets[384];
        int flags = e->rung_done | e->escalated << 1 | e->preventive << 2 | e->suggested << 3 |
                    e->approved << 4 | e->rejected << 5 | e->failed << 6;

        write_targets(e, targets, sizeof(targets));
        PUT(store, HEALER_TABLE_ERROR_INCIDENTS, hst_id(store, e->id), at_ns,
            HEALER_TEXT("error_type", failure_name(e->failure)),
            HEALER_TEXT("severity", severity_name(e->severity)),
            HEALER_INTEGER("detected_at", e->opened_ns),
            HEALER_TEXT("source_component", component_name(store, e->service)),
            HEALER_INTEGER("created_at", e->opened_ns), HEALER_INTEGER("updated_at", at_ns),
            HEALER_TEXT("status", hst_state_names[e->state]), HEALER_INTEGER("service", e->service),
            HEALER_INTEGER("edge", e->edge == HEALER_NONE ? -1 : (int64_t)e->edge),
            HEALER_REAL("confidence", e->confidence), TIME("acted_at", e->acted_ns),
            HEALER_INTEGER("rung", e->rung), HEALER_INTEGER("rungs_failed", e->rungs_failed),
            HEALER_TEXT("acting", action_name(e->acting)),
            HEALER_TEXT("last_action", action_name(e->last_kind)), HEALER_INTEGER("flags", flags),
            HEALER_INTEGER("prediction", e->prediction),
            HEALER_INTEGER("approval_until", e->approval_until_ns), HEALER_TEXT("targets", targets));
        PUT(store, HEALER_TABLE_SELF_HEALING_INCIDENTS, hst_id(store, e->id), at_ns,
            HEALER_TEXT("component", component_name(store, e->service)),
            HEALER_TEXT("description", healer_failures[e->failure].summary),
            HEALER_TEXT("severity", severity_name(e->severity)),
            HEALER_TEXT("status", hst_state_names[e->state]),
            HEALER_INTEGER("detected_at", e->opened_ns));
}

static void opened(struct healer_store *store, int64_t at_ns, const struct healer_open_episode *e)
{
        struct hst_component *component;

        PUT(store, HEALER_TABLE_HEALING_INCIDENTS, hst_id(store, e->id), at_ns,
            HEALER_TEXT("component_id", component_name(store, e->service)),
            HEALER_TEXT("severity", severity_name(e->severity)),
            HEALER_TEXT("incident_type", failure_name(e->failure)),
            HEALER_TEXT("description", healer_failures[e->failure].summary),
            HEALER_INTEGER("human_escalated", 0), HEALER_INTEGER("detected_at", e->opened_ns));
        if (e->service >= store->component_count)
                return;
        component = &store->components[e->service];
        component->incident_ns = e->opened_ns;
        component->incidents_ns[component->incident_count++ % HST_INCIDENTS_MAX] = e->opened_ns;
}

static void closed(struct healer_store *store, int64_t at_ns, const struct healer_open_episode *e)
{
        int64_t id = hst_id(store, e->id);

        PUT(store, HEALER_TABLE_ERROR_INCIDENTS, id, at_ns, HEALER_TEXT("status", "closed"),
            HEALER_INTEGER("resolved_at", at_ns), HEALER_INTEGER("updated_at", at_ns));
        PUT(store, HEALER_TABLE_HEALING_INCIDENTS, id, at_ns, HEALER_INTEGER("resolved_at", at_ns));
        PUT(store, HEALER_TABLE_SELF_HEALING_INCIDENTS, id, at_ns, HEALER_TEXT("status", "closed"),
            HEALER_INTEGER("resolved_at", at_ns),
            HEALER_REAL("recovery_time_seconds", (double)hlr_sub(at_ns, e->opened_ns) / 1e9),
            HEALER_INTEGER("auto_resolved", !e->escalated));
}

static const struct healer_open_episode *find(const struct healer_open *open, uint64_t id)
{
        uint32_t i;

        for (i = 0; i < open->episode_count; i++) {
                if (open->episodes[i].id == id)
                        return &open->episodes[i];
        }
        return NULL;
}

static const struct healer_open_command *find_command(const struct healer_open *open, uint64_t id)
{
        uint32_t i;

        for (i = 0; i < open->command_count; i++) {
                if (open->commands[i].id == id)
                        return &open->commands[i];
        }
        return NULL;
}

/* A command that nobody waits for any more, and no result came. */
static void forget_commands(struct healer_store *store, int64_t at_ns)
{
        const struct healer_open_command *c;
        uint32_t i, k;

        for (i = 0; i < store->last->command_count; i++) {
                c = &store->last->commands[i];
                if (find_command(store->now, c->id) != NULL)
                        continue;
                for (k = 0; k < HST_COMMANDS_MAX && store->commands[k].order.id != c->id; k++)
                        ;
                if (k == HST_COMMANDS_MAX)
                        continue; /* its result has been written */
                store->commands[k].order.id = 0;
                PUT(store, HEALER_TABLE_RECOVERY_ACTIONS, hst_id(store, c->id), at_ns,
                    HEALER_TEXT("status", "failed"), HEALER_TEXT("result", "lost"),
                    HEALER_TEXT("error_message", "no result came"),
                    HEALER_INTEGER("completed_at", at_ns));
        }
        for (i = 0; i < store->now->command_count; i++) {
                c = &store->now->commands[i];
                if (find_command(store->last, c->id) == NULL && c->due_ns != HEALER_NEVER)
                        PUT(store, HEALER_TABLE_RECOVERY_ACTIONS, hst_id(store, c->id), at_ns,
                            HEALER_INTEGER("due_at", c->due_ns));
        }
}

static void watch_open(struct healer_store *store, int64_t at_ns, const struct healer *healer)
{
        const struct healer_open_episode *before;
        struct healer_open *spare = store->last;
        uint32_t i;

        healer_open_export(healer, store->now);
        for (i = 0; i < store->now->episode_count; i++) {
                before = find(store->last, store->now->episodes[i].id);
                if (before == NULL)
                        opened(store, at_ns, &store->now->episodes[i]);
                /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): one row too many at worst */
                if (before == NULL || memcmp(before, &store->now->episodes[i], sizeof(*before)) != 0)
                        put_episode(store, at_ns, &store->now->episodes[i]);
        }
        for (i = 0; i < store->last->episode_count; i++) {
                if (find(store->now, store->last->episodes[i].id) == NULL)
                        closed(store, at_ns, &store->last->episodes[i]);
        }
        forget_commands(store, at_ns);
        (void)pthread_mutex_lock(&store->queue);
        store->ids_used = store->now->ids_used > store->ids_used ? store->now->ids_used
                                                                 : store->ids_used;
        (void)pthread_mutex_unlock(&store->queue);
        store->last = store->now;
        store->now = spare;
}

/* ---- how each service is */

static uint32_t incidents_of_a_day(const struct hst_component *component, int64_t at_ns)
{
        uint64_t known = component->incident_count < HST_INCIDENTS_MAX ? component->incident_count
                                                                       : HST_INCIDENTS_MAX;
        uint32_t count = 0;
        uint64_t i;

        for (i = 0; i < known; i++)
                count += hlr_sub(at_ns, component->incidents_ns[i]) < 86400 * HLR_SECOND;
        return count;
}

static void put_summary(struct healer_store *store, int64_t at_ns, struct hst_component *component,
                        const struct healer_health_report *health)
{
        PUT(store, HEALER_TABLE_COMPONENT_HEALTH_SUMMARY, 0, at_ns,
            HEALER_TEXT("component", component->name),
            HEALER_TEXT("current_status", status_words[health->status]),
            HEALER_INTEGER("total_checks", component->checks),
            HEALER_INTEGER("failed_checks", component->failed),
            HEALER_REAL("availability_percent", 100 * health->availability),
            TIME("last_incident_at", component->incident_ns),
            HEALER_INTEGER("incident_count_24h", incidents_of_a_day(component, at_ns)),
            HEALER_REAL("uptime_seconds", component->up_s),
            TIME("last_healthy_at", component->healthy_ns),
            HEALER_INTEGER("last_updated", at_ns));
}

static void put_health(struct healer_store *store, int64_t at_ns, struct hst_component *component,
                       const struct healer_health_report *health)
{
        static const char *const trends[] = {"declining", "stable", "improving"};
        const char *status = status_words[health->status];
        bool down = health->status == HEALER_UNHEALTHY;
        char words[96];

        component->checks++;
        component->failed += down;
        if (component->seen_ns != INT64_MIN && !down)
                component->up_s += (double)hlr_sub(at_ns, component->seen_ns) / 1e9;
        component->seen_ns = at_ns;
        if (health->status == HEALER_HEALTHY)
                component->healthy_ns = at_ns;
        PUT(store, HEALER_TABLE_HEALTH_CHECKS, 0, at_ns, HEALER_TEXT("component", component->name),
            HEALER_TEXT("check_name", "supervisor"), HEALER_TEXT("status", status),
            HEALER_INTEGER("checked_at", at_ns));
        snprintf(words, sizeof(words), "{\"availability\": %.6f}",
                 health->availability == health->availability ? health->availability : 0);
        PUT(store, HEALER_TABLE_AI_PROACTIVE_HEALTH, 0, at_ns,
            HEALER_TEXT("component", component->name), HEALER_REAL("health_score", health->score),
            HEALER_TEXT("trend", trends[health->trend + 1]), HEALER_TEXT("metrics", words),
            HEALER_INTEGER("created_at", at_ns), HEALER_INTEGER("updated_at", at_ns));
        PUT(store, HEALER_TABLE_AI_COMPONENT_HEALTH, 0, at_ns,
            HEALER_TEXT("component_name", component->name), HEALER_TEXT("current_state", status),
            HEALER_REAL("health_score", health->score), HEALER_INTEGER("updated_at", at_ns));
        put_summary(store, at_ns, component, health);
}

/* {"cart": "healthy", ...}, as far as there is room. */
static void write_statuses(const struct healer_store *store, const struct healer *healer, char *out,
                           size_t room)
{
        size_t length = (size_t)snprintf(out, room, "{");
        uint32_t i;

        for (i = 0; i < store->component_count && length + 96 < room; i++)
                length += (size_t)snprintf(out + length, room - length, "%s\"%s\": \"%s\"",
                                           i > 0 ? ", " : "", store->components[i].name,
                                           status_words[healer_health_of(healer, i).status]);
        snprintf(out + length, room - length, "}");
}

static void watch_health(struct healer_store *store, int64_t at_ns, const struct healer *healer)
{
        struct healer_health_report health = healer_health_of(healer, HEALER_NONE);
        const char *status = status_words[health.status];
        char words[48], statuses[HST_TEXT_ROOM - 32];
        uint32_t i;

        write_statuses(store, healer, statuses, sizeof(statuses));
        PUT(store, HEALER_TABLE_SYSTEM_HEALTH_SNAPSHOTS, 0, at_ns,
            HEALER_TEXT("overall_status", status), HEALER_REAL("health_score", health.score),
            HEALER_INTEGER("active_incidents", store->last->episode_count),
            HEALER_TEXT("component_statuses", statuses),
            HEALER_INTEGER("snapshot_at", at_ns));
        for (i = 0; i < store->component_count; i++) {
                struct healer_health_report one = healer_health_of(healer, i);

                put_health(store, at_ns, &store->components[i], &one);
        }
        snprintf(words, sizeof(words), "{\"components\": %u}", store->component_count);
        (void)healer_store_log(store, at_ns,
                               &(const struct healer_log_entry){
                                       .writer = HEALER_WRITER_ENHANCED,
                                       .type = HEALER_LOGGED_HEALTH_CHECK,
                                       .component = "",
                                       .input = words,
                                       .output = status,
                                       .success = health.status != HEALER_UNHEALTHY,
                               });
}

void healer_store_watch(struct healer_store *store, int64_t at_ns, const struct healer *healer)
{
        (void)pthread_mutex_lock(&store->watching);
        watch_open(store, at_ns, healer);
        if (store->health_ns == INT64_MIN ||
            hlr_sub(at_ns, store->health_ns) >= store->config.health_interval_ns) {
                store->health_ns = at_ns;
                watch_health(store, at_ns, healer);
        }
        (void)pthread_mutex_unlock(&store->watching);
}
