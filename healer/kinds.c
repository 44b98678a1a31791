/* kinds.c - the tables behind the supervisor's words.
 *
 * Not here: which failure leads to which actions (config.c), and what an action
 * does (whoever takes the act callback).
 */
#include "healer/kinds.h"

#include <string.h>

const struct healer_failure_row healer_failures[HEALER_FAILURE_COUNT] = {
        [HEALER_FAILURE_UNKNOWN] = {"unknown", "something is wrong that no rule names"},
        [HEALER_FAILURE_AGENT_FAILED] = {"agent_failed", "an instance lives and keeps failing"},
        [HEALER_FAILURE_AGENT_DOWN] = {"agent_down", "a process ended and did not come back"},
        [HEALER_FAILURE_HEARTBEAT_FAILED] = {"heartbeat_failed", "a process lives and is silent"},
        [HEALER_FAILURE_TASK_TIMEOUT] = {"task_timeout", "work is not answered in time"},
        [HEALER_FAILURE_TASK_FAILED] = {"task_failed", "a piece of work failed"},
        [HEALER_FAILURE_EXECUTION_ERROR] = {"execution_error", "answers are errors"},
        [HEALER_FAILURE_RESOURCE_EXHAUSTION] = {"resource_exhaustion", "more work than capacity"},
        [HEALER_FAILURE_TOKEN_EXHAUSTION] = {"token_exhaustion", "tokens are used up"},
        [HEALER_FAILURE_QUOTA_EXCEEDED] = {"quota_exceeded", "a quota is used up"},
        [HEALER_FAILURE_MEMORY_EXHAUSTION] = {"memory_exhaustion", "memory is at its limit"},
        [HEALER_FAILURE_QUORUM_LOSS] = {"quorum_loss", "too few instances are left"},
        [HEALER_FAILURE_MEMORY_LEAK] = {"memory_leak", "memory grows towards its limit"},
        [HEALER_FAILURE_CPU_SPIKE] = {"cpu_spike", "an instance's cores are all busy"},
        [HEALER_FAILURE_NETWORK_TIMEOUT] = {"network_timeout", "the way to a callee is bad"},
        [HEALER_FAILURE_DATABASE_CONNECTION] = {"database_connection", "connections are broken"},
        [HEALER_FAILURE_API_FAILURE] = {"api_failure", "an interface outside fails"},
        [HEALER_FAILURE_DEPLOYMENT_FAILURE] = {"deployment_failure", "bad since a deployment"},
        [HEALER_FAILURE_CONFIGURATION_ERROR] = {"configuration_error", "bad since a change of "
                                                                       "configuration"},
        [HEALER_FAILURE_DEPENDENCY_FAILURE] = {"dependency_failure", "something it needs fails"},
        [HEALER_FAILURE_HIGH_LATENCY] = {"high_latency", "answers come late"},
        [HEALER_FAILURE_DISK_FULL] = {"disk_full", "a disk is at its limit"},
        [HEALER_FAILURE_CASCADE] = {"cascade", "sick still though its cause is gone"},
};

const struct healer_action_row healer_actions[HEALER_ACTION_COUNT] = {
        [HEALER_ACTION_RESTART_INSTANCE] = {"restart_instance", "a new process, same place",
                                            HEALER_SCOPE_INSTANCE, true, false},
        [HEALER_ACTION_RESTART_SERVICE] = {"restart_service", "new processes, one by one",
                                           HEALER_SCOPE_SERVICE, true, false},
        [HEALER_ACTION_REPLACE_INSTANCE] = {"replace_instance", "a new instance on a new host",
                                            HEALER_SCOPE_INSTANCE, true, false},
        [HEALER_ACTION_FAILOVER] = {"failover", "traffic away from an instance or zone",
                                    HEALER_SCOPE_INSTANCE, true, false},
        [HEALER_ACTION_ROLLBACK_DEPLOYMENT] = {"rollback_deployment", "the version before",
                                               HEALER_SCOPE_SERVICE, true, false},
        [HEALER_ACTION_ROLLBACK_CONFIG] = {"rollback_config", "the configuration before",
                                           HEALER_SCOPE_SERVICE, false, false},
        [HEALER_ACTION_RESTORE_STATE] = {"restore_state", "data of the last good state",
                                         HEALER_SCOPE_SERVICE, true, false},
        [HEALER_ACTION_RECONNECT] = {"reconnect", "new connections", HEALER_SCOPE_EDGE, false,
                                     false},
        [HEALER_ACTION_CLEAR_CACHE] = {"clear_cache", "an empty cache", HEALER_SCOPE_SERVICE, false,
                                       false},
        [HEALER_ACTION_CLEAN_MEMORY] = {"clean_memory", "gives back what can be",
                                        HEALER_SCOPE_INSTANCE, false, false},
        [HEALER_ACTION_SCALE_RESOURCES] = {"scale_resources", "more instances",
                                           HEALER_SCOPE_SERVICE, false, false},
        [HEALER_ACTION_INCREASE_RESOURCES] = {"increase_resources", "larger limits",
                                              HEALER_SCOPE_SERVICE, false, false},
        [HEALER_ACTION_SHED_LOAD] = {"shed_load", "refuses a share of the calls",
                                     HEALER_SCOPE_SERVICE, false, false},
        [HEALER_ACTION_SET_DEGRADATION] = {"set_degradation", "a cheaper level of service",
                                           HEALER_SCOPE_SERVICE, false, false},
        [HEALER_ACTION_ADJUST_TIMEOUT] = {"adjust_timeout", "another time limit on an edge",
                                          HEALER_SCOPE_EDGE, false, false},
        [HEALER_ACTION_FREE_DISK] = {"free_disk", "removes what can go", HEALER_SCOPE_INSTANCE,
                                     false, false},
        [HEALER_ACTION_PURGE_QUEUE] = {"purge_queue", "empties a queue, with loss",
                                       HEALER_SCOPE_SERVICE, false, false},
        [HEALER_ACTION_SKIP_MESSAGE] = {"skip_message", "sets one message aside",
                                        HEALER_SCOPE_SERVICE, false, false},
        [HEALER_ACTION_END_SESSION] = {"end_session", "ends who holds a lock",
                                       HEALER_SCOPE_SERVICE, false, false},
        [HEALER_ACTION_STOP_CONTROLLER] = {"stop_controller", "stops what undoes repairs",
                                           HEALER_SCOPE_SERVICE, false, false},
        [HEALER_ACTION_DISABLE_HEALTH_CHECK] = {"disable_health_check", "keeps ejected instances",
                                                HEALER_SCOPE_SERVICE, false, false},
        [HEALER_ACTION_ENABLE_MONITORING] = {"enable_monitoring", "shorter telemetry interval",
                                             HEALER_SCOPE_SERVICE, false, true},
        [HEALER_ACTION_HEALTH_CHECK] = {"health_check", "asks once more", HEALER_SCOPE_INSTANCE,
                                        false, true},
        [HEALER_ACTION_ESCALATE] = {"escalate", "calls a human", HEALER_SCOPE_HUMAN, false, false},
};

const struct healer_metric_row healer_metrics[HEALER_METRIC_COUNT] = {
        [HEALER_METRIC_CPU] = {"cpu", HEALER_FAILURE_CPU_SPIKE, false, true},
        [HEALER_METRIC_MEMORY] = {"memory", HEALER_FAILURE_MEMORY_EXHAUSTION, false, true},
        [HEALER_METRIC_DISK] = {"disk", HEALER_FAILURE_DISK_FULL, false, true},
        [HEALER_METRIC_FDS] = {"fds", HEALER_FAILURE_AGENT_FAILED, false, true},
        [HEALER_METRIC_POOL] = {"pool", HEALER_FAILURE_DATABASE_CONNECTION, false, true},
        [HEALER_METRIC_TOKENS] = {"tokens", HEALER_FAILURE_TOKEN_EXHAUSTION, false, true},
        [HEALER_METRIC_NETWORK] = {"network", HEALER_FAILURE_NETWORK_TIMEOUT, true, true},
        [HEALER_METRIC_ERROR_RATE] = {"error_rate", HEALER_FAILURE_EXECUTION_ERROR, true, true},
        [HEALER_METRIC_LATENCY] = {"latency", HEALER_FAILURE_HIGH_LATENCY, true, false},
        [HEALER_METRIC_QUEUE] = {"queue", HEALER_FAILURE_RESOURCE_EXHAUSTION, false, false},
        [HEALER_METRIC_HEARTBEAT] = {"heartbeat", HEALER_FAILURE_HEARTBEAT_FAILED, true, false},
        [HEALER_METRIC_DRIFT] = {"drift", HEALER_FAILURE_UNKNOWN, true, true},
};

const char *const healer_category_names[HEALER_CATEGORY_COUNT] = {
        [HEALER_CATEGORY_NETWORK] = "network",       [HEALER_CATEGORY_DATABASE] = "database",
        [HEALER_CATEGORY_SERVICE] = "service",       [HEALER_CATEGORY_RESOURCE] = "resource",
        [HEALER_CATEGORY_DEPENDENCY] = "dependency", [HEALER_CATEGORY_TIMEOUT] = "timeout",
        [HEALER_CATEGORY_UNKNOWN] = "unknown",
};

const enum healer_category healer_failure_categories[HEALER_FAILURE_COUNT] = {
        [HEALER_FAILURE_UNKNOWN] = HEALER_CATEGORY_UNKNOWN,
        [HEALER_FAILURE_AGENT_FAILED] = HEALER_CATEGORY_SERVICE,
        [HEALER_FAILURE_AGENT_DOWN] = HEALER_CATEGORY_SERVICE,
        [HEALER_FAILURE_HEARTBEAT_FAILED] = HEALER_CATEGORY_SERVICE,
        [HEALER_FAILURE_TASK_TIMEOUT] = HEALER_CATEGORY_TIMEOUT,
        [HEALER_FAILURE_TASK_FAILED] = HEALER_CATEGORY_SERVICE,
        [HEALER_FAILURE_EXECUTION_ERROR] = HEALER_CATEGORY_SERVICE,
        [HEALER_FAILURE_RESOURCE_EXHAUSTION] = HEALER_CATEGORY_RESOURCE,
        [HEALER_FAILURE_TOKEN_EXHAUSTION] = HEALER_CATEGORY_RESOURCE,
        [HEALER_FAILURE_QUOTA_EXCEEDED] = HEALER_CATEGORY_RESOURCE,
        [HEALER_FAILURE_MEMORY_EXHAUSTION] = HEALER_CATEGORY_RESOURCE,
        [HEALER_FAILURE_QUORUM_LOSS] = HEALER_CATEGORY_SERVICE,
        [HEALER_FAILURE_MEMORY_LEAK] = HEALER_CATEGORY_RESOURCE,
        [HEALER_FAILURE_CPU_SPIKE] = HEALER_CATEGORY_RESOURCE,
        [HEALER_FAILURE_NETWORK_TIMEOUT] = HEALER_CATEGORY_NETWORK,
        [HEALER_FAILURE_DATABASE_CONNECTION] = HEALER_CATEGORY_DATABASE,
        [HEALER_FAILURE_API_FAILURE] = HEALER_CATEGORY_DEPENDENCY,
        [HEALER_FAILURE_DEPLOYMENT_FAILURE] = HEALER_CATEGORY_SERVICE,
        [HEALER_FAILURE_CONFIGURATION_ERROR] = HEALER_CATEGORY_SERVICE,
        [HEALER_FAILURE_DEPENDENCY_FAILURE] = HEALER_CATEGORY_DEPENDENCY,
        [HEALER_FAILURE_HIGH_LATENCY] = HEALER_CATEGORY_TIMEOUT,
        [HEALER_FAILURE_DISK_FULL] = HEALER_CATEGORY_RESOURCE,
        [HEALER_FAILURE_CASCADE] = HEALER_CATEGORY_DEPENDENCY,
};

const char *const healer_severity_names[HEALER_SEVERITY_COUNT] = {"low", "medium", "high",
                                                                  "critical"};

/* Each table begins its rows with the name. */
static unsigned find(const void *rows, size_t row_size, unsigned count, const char *name)
{
        const char *row = rows;
        const char *known;
        unsigned i;

        for (i = 0; i < count; i++, row += row_size) {
                memcpy(&known, row, sizeof(known));
                if (name != NULL && strcmp(known, name) == 0)
                        return i;
        }
        return count;
}

enum healer_failure healer_failure_of(const char *name)
{
        return (enum healer_failure)find(healer_failures, sizeof(healer_failures[0]),
                                         HEALER_FAILURE_COUNT, name);
}

enum healer_action_kind healer_action_of(const char *name)
{
        return (enum healer_action_kind)find(healer_actions, sizeof(healer_actions[0]),
                                             HEALER_ACTION_COUNT, name);
}

enum healer_metric healer_metric_of(const char *name)
{
        return (enum healer_metric)find(healer_metrics, sizeof(healer_metrics[0]),
                                        HEALER_METRIC_COUNT, name);
}

enum healer_severity healer_severity_of(const char *name)
{
        return (enum healer_severity)find(healer_severity_names, sizeof(healer_severity_names[0]),
                                          HEALER_SEVERITY_COUNT, name);
}
