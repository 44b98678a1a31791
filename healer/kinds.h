/* healer/kinds.h - the words of the supervisor: failures, severities, actions, metrics.
 *
 * Each is an enum with a table of rows; files, logs and stores use the names.
 */
#ifndef HEALER_KINDS_H
#define HEALER_KINDS_H

#include "healer/err.h"

#include <stdbool.h>
#include <stddef.h>

HEALER_BEGIN_DECLS

/* Failure types, what an alarm, a cause and an episode are named by. */
enum healer_failure {
        HEALER_FAILURE_UNKNOWN,
        HEALER_FAILURE_AGENT_FAILED,      /* alive, and fails its work again and again */
        HEALER_FAILURE_AGENT_DOWN,        /* the process is gone and does not come back */
        HEALER_FAILURE_HEARTBEAT_FAILED,  /* the process is there and says nothing */
        HEALER_FAILURE_TASK_TIMEOUT,
        HEALER_FAILURE_TASK_FAILED,
        HEALER_FAILURE_EXECUTION_ERROR,   /* answers are errors */
        HEALER_FAILURE_RESOURCE_EXHAUSTION, /* more work than capacity */
        HEALER_FAILURE_TOKEN_EXHAUSTION,
        HEALER_FAILURE_QUOTA_EXCEEDED,
        HEALER_FAILURE_MEMORY_EXHAUSTION, /* at its limit, or killed for it */
        HEALER_FAILURE_QUORUM_LOSS,
        HEALER_FAILURE_MEMORY_LEAK,       /* grows and will reach its limit */
        HEALER_FAILURE_CPU_SPIKE,         /* an instance's cores are busy with something else */
        HEALER_FAILURE_NETWORK_TIMEOUT,   /* the way to a callee, not the callee */
        HEALER_FAILURE_DATABASE_CONNECTION,
        HEALER_FAILURE_API_FAILURE,
        HEALER_FAILURE_DEPLOYMENT_FAILURE,
        HEALER_FAILURE_CONFIGURATION_ERROR,
        HEALER_FAILURE_DEPENDENCY_FAILURE,
        HEALER_FAILURE_HIGH_LATENCY,      /* answers come late */
        HEALER_FAILURE_DISK_FULL,
        HEALER_FAILURE_CASCADE,           /* a victim that stays sick when its cause is gone */
        HEALER_FAILURE_COUNT
};

/* Kinds of failure types, for those who choose a strategy by them. */
enum healer_category {
        HEALER_CATEGORY_NETWORK,
        HEALER_CATEGORY_DATABASE,
        HEALER_CATEGORY_SERVICE,
        HEALER_CATEGORY_RESOURCE,
        HEALER_CATEGORY_DEPENDENCY,
        HEALER_CATEGORY_TIMEOUT,
        HEALER_CATEGORY_UNKNOWN,
        HEALER_CATEGORY_COUNT
};

enum healer_severity {
        HEALER_SEVERITY_LOW,
        HEALER_SEVERITY_MEDIUM,
        HEALER_SEVERITY_HIGH,
        HEALER_SEVERITY_CRITICAL,
        HEALER_SEVERITY_COUNT
};

/* What a strategy can ask for. The names are those of the action catalogue. */
enum healer_action_kind {
        HEALER_ACTION_RESTART_INSTANCE,
        HEALER_ACTION_RESTART_SERVICE,
        HEALER_ACTION_REPLACE_INSTANCE,
        HEALER_ACTION_FAILOVER,
        HEALER_ACTION_ROLLBACK_DEPLOYMENT,
        HEALER_ACTION_ROLLBACK_CONFIG,
        HEALER_ACTION_RESTORE_STATE,
        HEALER_ACTION_RECONNECT,
        HEALER_ACTION_CLEAR_CACHE,
        HEALER_ACTION_CLEAN_MEMORY,
        HEALER_ACTION_SCALE_RESOURCES,
        HEALER_ACTION_INCREASE_RESOURCES,
        HEALER_ACTION_SHED_LOAD,
        HEALER_ACTION_SET_DEGRADATION,
        HEALER_ACTION_ADJUST_TIMEOUT,
        HEALER_ACTION_FREE_DISK,
        HEALER_ACTION_PURGE_QUEUE,
        HEALER_ACTION_SKIP_MESSAGE,
        HEALER_ACTION_END_SESSION,
        HEALER_ACTION_STOP_CONTROLLER,
        HEALER_ACTION_DISABLE_HEALTH_CHECK,
        HEALER_ACTION_ENABLE_MONITORING,
        HEALER_ACTION_HEALTH_CHECK,
        HEALER_ACTION_ESCALATE,
        HEALER_ACTION_COUNT
};

/* What is measured. */
enum healer_metric {
        HEALER_METRIC_CPU,
        HEALER_METRIC_MEMORY,
        HEALER_METRIC_DISK,
        HEALER_METRIC_FDS,
        HEALER_METRIC_POOL,
        HEALER_METRIC_TOKENS,
        HEALER_METRIC_NETWORK,    /* share of calls that timed out or found nobody */
        HEALER_METRIC_ERROR_RATE,
        HEALER_METRIC_LATENCY,
        HEALER_METRIC_QUEUE,      /* waiting, in multiples of the workers */
        HEALER_METRIC_HEARTBEAT,  /* seconds of silence */
        HEALER_METRIC_DRIFT,      /* a caller's own */
        HEALER_METRIC_COUNT
};

/* Who an action of this kind is carried out on. */
enum healer_scope {
        HEALER_SCOPE_INSTANCE, /* one after the other, never below the quorum */
        HEALER_SCOPE_SERVICE,
        HEALER_SCOPE_EDGE,
        HEALER_SCOPE_HUMAN
};

struct healer_failure_row {
        const char *name;
        const char *summary;
};

struct healer_action_row {
        const char *name;
        const char *summary;
        enum healer_scope scope;
        bool disruptive; /* takes capacity away while it runs */
        bool shows_only; /* changes nothing, so a rung of it is never a cure */
};

struct healer_metric_row {
        const char *name;
        enum healer_failure failure; /* the alarm it raises */
        bool symptom; /* users feel it; else it is a cause, and an alarm only when critical */
        bool ratio;   /* thresholds are shares 0..1, seconds or plain numbers otherwise */
};

HEALER_API extern const struct healer_failure_row healer_failures[HEALER_FAILURE_COUNT];
HEALER_API extern const struct healer_action_row healer_actions[HEALER_ACTION_COUNT];
HEALER_API extern const struct healer_metric_row healer_metrics[HEALER_METRIC_COUNT];
HEALER_API extern const char *const healer_severity_names[HEALER_SEVERITY_COUNT];
HEALER_API extern const char *const healer_category_names[HEALER_CATEGORY_COUNT];
HEALER_API extern const enum healer_category healer_failure_categories[HEALER_FAILURE_COUNT];

/* The *_COUNT value when there is none of that name. */
HEALER_API enum healer_failure healer_failure_of(const char *name);
HEALER_API enum healer_action_kind healer_action_of(const char *name);
HEALER_API enum healer_metric healer_metric_of(const char *name);
HEALER_API enum healer_severity healer_severity_of(const char *name);

HEALER_END_DECLS

#endif
