/* config.c - the table of options, their defaults, and what is refused.
 *
 * Every field of struct healer_config that a user may set is one row here;
 * defaults are written by walking the rows, so a field without one stays 0 and
 * the test over all rows finds it. Ladders (failure type -> actions) have a
 * table of their own below: adding an answer to a failure is one line there.
 */
#include "healer/config.h"
#include "healer/hlr_supervisor.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const log_levels[] = {"debug", "info", "warning", "error", NULL};
static const char *const preventive_ways[] = {"off", "queued", "automatic", NULL};
static const char *const prediction_rules[] = {"weighted", "learned", NULL};
static const char *const approval_levels[] = {"low", "medium", "high", "critical", "never", NULL};

#define AT(field) offsetof(struct healer_config, field)
#define DAY 86400.0

#define BOOL(path, field, fallback, summary) \
        {path, HEALER_OPTION_BOOL, AT(field), 0, 1, fallback, NULL, summary}
#define TIME(path, field, min, max, fallback, summary) \
        {path, HEALER_OPTION_DURATION, AT(field), min, max, fallback, NULL, summary}
#define RATIO(path, field, min, max, fallback, summary) \
        {path, HEALER_OPTION_RATIO, AT(field), min, max, fallback, NULL, summary}
#define COUNT(path, field, min, max, fallback, summary) \
        {path, HEALER_OPTION_COUNT, AT(field), min, max, fallback, NULL, summary}
#define CHOICE(path, field, count, fallback, choices, summary) \
        {path, HEALER_OPTION_CHOICE, AT(field), 0, (count) - 1, fallback, choices, summary}
#define LIMITS(name, metric, kind, min, max, warning_at, critical_at) \
        {"detection.thresholds." name ".warning", kind, \
         AT(detection.thresholds[metric].warning), min, max, warning_at, NULL, \
         name ": from here on a warning"}, \
        {"detection.thresholds." name ".critical", kind, \
         AT(detection.thresholds[metric].critical), min, max, critical_at, NULL, \
         name ": from here on critical"}

const struct healer_option healer_options[] = {
        BOOL("enabled", enabled, 1, "whether there is a healer at all"),
        BOOL("auto_heal", auto_heal, 1, "false: suggest instead of act"),
        CHOICE("log_level", log_level, 4, 1, log_levels, "what is said, from this weight on"),

        TIME("detection.interval", detection.interval_ns, 0.001, DAY, 5,
             "samples are judged at most this often"),
        TIME("detection.dwell", detection.dwell_ns, 0, 3600, 10,
             "a threshold is broken this long before there is an alarm"),
        RATIO("detection.hysteresis", detection.hysteresis, 0, 0.9, 0.1,
              "an alarm ends below its threshold less this share"),
        COUNT("detection.min_calls", detection.min_calls, 1, 1000000, 20,
              "calls seen while broken before an alarm"),
        TIME("detection.heartbeat_timeout", detection.heartbeat_timeout_ns, 1, 3600, 15,
             "silence of an instance before an alarm"),
        TIME("detection.change_grace", detection.change_grace_ns, 0, 3600, 60,
             "after a planned change, latency has twice the dwell"),
        LIMITS("cpu", HEALER_METRIC_CPU, HEALER_OPTION_RATIO, 0, 1, 0.80, 0.90),
        LIMITS("memory", HEALER_METRIC_MEMORY, HEALER_OPTION_RATIO, 0, 1, 0.85, 0.95),
        LIMITS("disk", HEALER_METRIC_DISK, HEALER_OPTION_RATIO, 0, 1, 0.85, 0.95),
        LIMITS("fds", HEALER_METRIC_FDS, HEALER_OPTION_RATIO, 0, 1, 0.85, 0.95),
        LIMITS("pool", HEALER_METRIC_POOL, HEALER_OPTION_RATIO, 0, 1, 0.90, 0.98),
        LIMITS("tokens", HEALER_METRIC_TOKENS, HEALER_OPTION_RATIO, 0, 1, 0.80, 0.95),
        LIMITS("network", HEALER_METRIC_NETWORK, HEALER_OPTION_RATIO, 0, 1, 0.05, 0.10),
        LIMITS("error_rate", HEALER_METRIC_ERROR_RATE, HEALER_OPTION_RATIO, 0, 1, 0.05, 0.10),
        LIMITS("latency", HEALER_METRIC_LATENCY, HEALER_OPTION_SECONDS, 0.000001, 3600, 2, 5),
        LIMITS("queue", HEALER_METRIC_QUEUE, HEALER_OPTION_NUMBER, 0, 1e9, 4, 16),
        LIMITS("drift", HEALER_METRIC_DRIFT, HEALER_OPTION_RATIO, 0, 1, 0.10, 0.20),
        BOOL("detection.anomaly.enabled", detection.anomaly, 1,
             "also judge metrics against what is usual there"),
        RATIO("detection.anomaly.sensitivity", detection.sensitivity, 0.01, 1, 0.5,
              "how small a deviation counts, 1 the smallest"),
        TIME("detection.anomaly.seasonality", detection.season_ns, 0, 7 * DAY, DAY,
             "length of the day that comes again, 0s: none"),
        BOOL("detection.patterns", detection.patterns, 1,
             "a failure that keeps coming back starts one rung further up"),
        {"detection.load_max", HEALER_OPTION_NUMBER, AT(detection.load_max), 0, 1e9, 0, NULL,
         "above so many samples a second they are judged up to 8 x less often, 0: never"},

        TIME("health.check_interval", health.check_interval_ns, 0.1, 3600, 5,
             "how often health is counted"),
        RATIO("health.thresholds.warning", health.warning, 0, 1, 0.95,
              "availability over an hour below which a warning is given"),
        RATIO("health.thresholds.critical", health.critical, 0, 1, 0.80, "the same, critical"),
        RATIO("health.thresholds.fatal", health.fatal, 0, 1, 0.50, "the same, fatal"),
        BOOL("health.alert_on_degradation", health.alert_on_degradation, 1,
             "whether warnings are given and changes of status told"),
        TIME("health.retention", health.retention_ns, 1, 365 * DAY, 7 * DAY,
             "checks older than this are forgotten"),

        BOOL("diagnosis.enabled", diagnosis.enabled, 1,
             "false: whoever shows the symptom is to blame"),
        RATIO("diagnosis.confidence_threshold", diagnosis.confidence_threshold, 0, 1, 0.8,
              "no action on a cause less certain than this"),
        TIME("diagnosis.correlation_window", diagnosis.correlation_window_ns, 1, 7 * DAY, 3600,
             "how far back a change may be the cause"),

        COUNT("recovery.max_retry_attempts", recovery.max_retry_attempts, 0, 20, 3,
              "repeats of an action that failed, after 2, 4, 8 ... s"),
        TIME("recovery.timeout", recovery.timeout_ns, 0.1, DAY, 30,
             "how late beyond its usual time an action may be"),
        COUNT("recovery.max_concurrent", recovery.max_concurrent, 1, HLR_COMMANDS_MAX, 10,
              "actions under way at once; the rest wait by severity"),
        TIME("recovery.grace", recovery.grace_ns, 0, 3600, 6,
             "how late beyond its usual time the platform may bring a dead process back"),
        RATIO("recovery.quorum", recovery.quorum, 0, 1, 0.5,
              "share of a service's instances that are never taken away at once"),
        BOOL("recovery.rollback", recovery.rollback, 1, "whether rolling back is allowed"),
        BOOL("recovery.auto_scaling", recovery.auto_scaling, 1, "whether scaling is allowed"),
        TIME("recovery.verify.dwell", recovery.verify_dwell_ns, 0, 3600, 15,
             "all is well this long before it counts as healed"),
        TIME("recovery.verify.timeout", recovery.verify_timeout_ns, 1, DAY, 60,
             "not well by then: the next rung"),
        COUNT("recovery.budget.actions", recovery.budget_actions, 0, HLR_HISTORY_MAX, 30,
              "actions in a window, then a human is called"),
        TIME("recovery.budget.window", recovery.budget_window_ns, 1, 30 * DAY, 3600,
             "length of that window"),
        COUNT("recovery.budget.restarts", recovery.restarts_max, 1, HLR_HISTORY_MAX, 5,
              "of one instance, or of one service, in that window"),
        CHOICE("recovery.approval.required_above", recovery.approval_above, 5, 4, approval_levels,
               "from this severity on, somebody has to approve"),
        TIME("recovery.approval.expiry", recovery.approval_expiry_ns, 1, 30 * DAY, 900,
             "an approval not given by then is refused"),
        BOOL("recovery.procedures", recovery.procedures, 0,
             "the procedures of procedure.h are gone through before the ladder"),

        BOOL("degradation.enabled", degradation.enabled, 1, "whether levels are used"),
        TIME("degradation.dwell", degradation.dwell_ns, 1, DAY, 30,
             "calm this long before one level back"),
        TIME("degradation.check_interval", degradation.interval_ns, 0.1, 3600, 5,
             "how often usage and rules are looked at"),
        COUNT("degradation.max_level", degradation.level_max, 1, 4, 3, "the lowest level used"),

        BOOL("prediction.enabled", prediction.enabled, 1, "whether anything is predicted"),
        RATIO("prediction.confidence_threshold", prediction.confidence_threshold, 0, 1, 0.7,
              "predictions are said from here on"),
        RATIO("prediction.auto_apply", prediction.auto_apply, 0, 1, 0.8,
              "predictions are acted on from here on"),
        CHOICE("prediction.preventive", prediction.preventive, 3, 2, preventive_ways,
               "what is done about them: nothing, wait for approval, act"),
        CHOICE("prediction.rule", prediction.rule, 2, 0, prediction_rules,
               "confidence by 50/30/20, or by the model of the initial state"),
        TIME("prediction.horizon", prediction.horizon_ns, 1, 7 * DAY, 480,
             "failures later than this are not predicted yet"),
        BOOL("prediction.sources.patterns", prediction.sources[HEALER_SOURCE_PATTERNS], 1,
             "signs that came before failures"),
        BOOL("prediction.sources.trends", prediction.sources[HEALER_SOURCE_TRENDS], 1,
             "resources that run out"),
        BOOL("prediction.sources.history", prediction.sources[HEALER_SOURCE_HISTORY], 1,
             "situations like those that ended badly, and what recurs"),
        BOOL("prediction.sources.health", prediction.sources[HEALER_SOURCE_HEALTH], 1,
             "instances that fail, slow down or miss heartbeats"),
        BOOL("prediction.sources.queue", prediction.sources[HEALER_SOURCE_QUEUE], 1,
             "backlogs that grow"),

        BOOL("learning.enabled", learning.enabled, 1, "whether outcomes are remembered"),
        RATIO("learning.rate", learning.rate, 0, 1, 0.1, "how fast preference moves"),
        COUNT("learning.min_samples", learning.min_samples, 1, 1000000, 10,
              "outcomes before preference counts"),
        BOOL("learning.continuous_improvement", learning.continuous_improvement, 1,
             "false: the order of the rungs stays as written"),

        COUNT("escalation.threshold", escalation.threshold, 1, 1000, 3,
              "rungs that did not help before a human is called"),
        TIME("escalation.timeout", escalation.timeout_ns, 1, 7 * DAY, 300,
             "an episode open this long calls a human"),

        TIME("reconciler.interval", reconcile_interval_ns, 1, DAY, 60,
             "everything is looked at again this often"),
        BOOL("reconciler.policy", policy.enabled, 0,
             "whether it restarts what is about to fail and warns of low scores"),
        RATIO("reconciler.restart_above", policy.restart_above, 0, 1, 0.5,
              "risk of a failure above which an instance is restarted"),
        {"reconciler.warn_below", HEALER_OPTION_NUMBER, AT(policy.warn_below), 0, 100, 60, NULL,
         "health score below which each look warns"},
        TIME("reconciler.leak_check", policy.leak_interval_ns, 0, 7 * DAY, 900,
             "how often growing memory is looked for, 0s: never"),
};

const size_t healer_option_count = sizeof(healer_options) / sizeof(healer_options[0]);

/* ---- what is done against what */

#define RESTART HEALER_ACTION_RESTART_INSTANCE
#define REPLACE HEALER_ACTION_REPLACE_INSTANCE
#define AWAY HEALER_ACTION_FAILOVER
#define ROLLBACK HEALER_ACTION_ROLLBACK_DEPLOYMENT
#define HUMAN HEALER_ACTION_ESCALATE
/* These are passed over where a service has no such thing. */
#define SKIP HEALER_ACTION_SKIP_MESSAGE
#define SESSION HEALER_ACTION_END_SESSION
#define RESTORE HEALER_ACTION_RESTORE_STATE
#define CACHE HEALER_ACTION_CLEAR_CACHE
/* And these where nothing says that the platform works against us, unless somebody
 * wrote a ladder of his own. */
#define STOP HEALER_ACTION_STOP_CONTROLLER
#define NO_CHECKS HEALER_ACTION_DISABLE_HEALTH_CHECK
#define LADDER(...) \
        {sizeof((enum healer_action_kind[]){__VA_ARGS__}) / sizeof(enum healer_action_kind), \
         {__VA_ARGS__}}

/* Quickest first that can cure by mechanism: where some are bad, moving the traffic
 * away from them ends what users feel at once, whatever the cause, and a replacement
 * follows behind it; where all are, a restart resets the process, a replacement the
 * host; a rollback resets the version; a human ends the rest. */
static const struct healer_ladder default_ladders[HEALER_FAILURE_COUNT] = {
        [HEALER_FAILURE_UNKNOWN] = LADDER(HUMAN),
        [HEALER_FAILURE_AGENT_FAILED] = LADDER(NO_CHECKS, SKIP, RESTART, REPLACE, ROLLBACK, HUMAN),
        [HEALER_FAILURE_AGENT_DOWN] = LADDER(REPLACE, SKIP, ROLLBACK, HUMAN),
        [HEALER_FAILURE_HEARTBEAT_FAILED] = LADDER(RESTART, REPLACE, HUMAN),
        [HEALER_FAILURE_TASK_TIMEOUT] = LADDER(AWAY, RESTART, REPLACE, HUMAN),
        [HEALER_FAILURE_TASK_FAILED] = LADDER(RESTART, REPLACE, HUMAN),
        [HEALER_FAILURE_EXECUTION_ERROR] =
                LADDER(AWAY, RESTART, REPLACE, RESTORE, ROLLBACK, HUMAN),
        [HEALER_FAILURE_RESOURCE_EXHAUSTION] =
                LADDER(STOP, CACHE, SESSION, HEALER_ACTION_SCALE_RESOURCES, HEALER_ACTION_SHED_LOAD,
                       HEALER_ACTION_SET_DEGRADATION, HUMAN),
        [HEALER_FAILURE_TOKEN_EXHAUSTION] = LADDER(HUMAN),
        [HEALER_FAILURE_QUOTA_EXCEEDED] = LADDER(HUMAN),
        [HEALER_FAILURE_MEMORY_EXHAUSTION] = LADDER(RESTART, REPLACE, ROLLBACK, HUMAN),
        [HEALER_FAILURE_QUORUM_LOSS] = LADDER(REPLACE, HUMAN),
        [HEALER_FAILURE_MEMORY_LEAK] = LADDER(RESTART, ROLLBACK, HUMAN),
        [HEALER_FAILURE_CPU_SPIKE] = LADDER(AWAY, REPLACE, HUMAN),
        [HEALER_FAILURE_NETWORK_TIMEOUT] = LADDER(HUMAN),
        [HEALER_FAILURE_DATABASE_CONNECTION] = LADDER(HEALER_ACTION_RECONNECT, RESTART, HUMAN),
        [HEALER_FAILURE_API_FAILURE] = LADDER(HUMAN),
        [HEALER_FAILURE_DEPLOYMENT_FAILURE] = LADDER(ROLLBACK, REPLACE, HUMAN),
        [HEALER_FAILURE_CONFIGURATION_ERROR] = LADDER(STOP, HEALER_ACTION_ROLLBACK_CONFIG, HUMAN),
        [HEALER_FAILURE_DEPENDENCY_FAILURE] = LADDER(HUMAN),
        [HEALER_FAILURE_HIGH_LATENCY] = LADDER(SESSION, AWAY, RESTART, REPLACE, ROLLBACK, HUMAN),
        [HEALER_FAILURE_DISK_FULL] = LADDER(HEALER_ACTION_FREE_DISK, REPLACE, HUMAN),
        [HEALER_FAILURE_CASCADE] =
                LADDER(HEALER_ACTION_SHED_LOAD, HEALER_ACTION_SET_DEGRADATION, HUMAN),
};

bool hlr_ladder_is_default(enum healer_failure failure, const struct healer_ladder *ladder)
{
        const struct healer_ladder *written = &default_ladders[failure];
        uint32_t i;

        for (i = 0; i < ladder->count && i < written->count; i++)
                if (ladder->rungs[i] != written->rungs[i])
                        return false;
        return ladder->count == written->count;
}

const struct healer_option *healer_option_find(const char *path)
{
        size_t i;

        for (i = 0; i < healer_option_count; i++) {
                if (path != NULL && strcmp(healer_options[i].path, path) == 0)
                        return &healer_options[i];
        }
        return NULL;
}

void healer_option_set(struct healer_config *config, const struct healer_option *option,
                       double value)
{
        char *field = (char *)config + option->offset;

        switch (option->kind) {
        case HEALER_OPTION_BOOL:
                *(bool *)field = value != 0;
                break;
        case HEALER_OPTION_DURATION:
                *(int64_t *)(void *)field = llround(value * 1e9);
                break;
        case HEALER_OPTION_SECONDS:
        case HEALER_OPTION_RATIO:
        case HEALER_OPTION_NUMBER:
                *(double *)(void *)field = value;
                break;
        case HEALER_OPTION_COUNT:
        case HEALER_OPTION_CHOICE:
                *(uint32_t *)(void *)field = (uint32_t)value;
                break;
        }
}

double healer_option_get(const struct healer_config *config, const struct healer_option *option)
{
        const char *field = (const char *)config + option->offset;

        switch (option->kind) {
        case HEALER_OPTION_BOOL:
                return *(const bool *)field ? 1 : 0;
        case HEALER_OPTION_DURATION:
                return (double)*(const int64_t *)(const void *)field / 1e9;
        case HEALER_OPTION_SECONDS:
        case HEALER_OPTION_RATIO:
        case HEALER_OPTION_NUMBER:
                return *(const double *)(const void *)field;
        case HEALER_OPTION_COUNT:
        case HEALER_OPTION_CHOICE:
                return *(const uint32_t *)(const void *)field;
        }
        return NAN;
}

void healer_config_defaults(struct healer_config *config)
{
        size_t i;

        memset(config, 0, sizeof(*config));
        config->size = sizeof(*config);
        for (i = 0; i < healer_option_count; i++)
                healer_option_set(config, &healer_options[i], healer_options[i].fallback);
        memcpy(config->recovery.strategies, default_ladders, sizeof(default_ladders));
        hlr_levels_default(&config->degradation.levels);
        config->detection.thresholds[HEALER_METRIC_HEARTBEAT].warning = 1;
        config->detection.thresholds[HEALER_METRIC_HEARTBEAT].critical = 1;
}

/* ---- what is refused */

static const char *check_ranges(const struct healer_config *config, char *text, size_t size)
{
        const struct healer_option *option;
        double value;
        size_t i;

        for (i = 0; i < healer_option_count; i++) {
                option = &healer_options[i];
                value = healer_option_get(config, option);
                if (value >= option->min && value <= option->max) /* false for NaN */
                        continue;
                snprintf(text, size, "%s: must be %.15g..%.15g%s", option->path, option->min,
                         option->max,
                         option->kind == HEALER_OPTION_DURATION ||
                                         option->kind == HEALER_OPTION_SECONDS
                                 ? " s"
                                 : "");
                return text;
        }
        return NULL;
}

static const char *check_order(const struct healer_config *config, char *text, size_t size)
{
        const struct healer_threshold *limit;
        int metric;

        for (metric = 0; metric < HEALER_METRIC_COUNT; metric++) {
                limit = &config->detection.thresholds[metric];
                if (limit->warning <= limit->critical)
                        continue;
                snprintf(text, size, "detection.thresholds.%s: warning is above critical",
                         healer_metrics[metric].name);
                return text;
        }
        if (config->health.fatal > config->health.critical ||
            config->health.critical > config->health.warning) {
                snprintf(text, size, "health.thresholds: must be fatal <= critical <= warning");
                return text;
        }
        if (config->prediction.auto_apply < config->prediction.confidence_threshold) {
                snprintf(text, size, "prediction.auto_apply: is below "
                                     "prediction.confidence_threshold, so it would act on what it "
                                     "does not say");
                return text;
        }
        return NULL;
}

static const char *check_ladders(const struct healer_config *config, char *text, size_t size)
{
        const struct healer_ladder *ladder;
        uint32_t i, failure;

        for (failure = 0; failure < HEALER_FAILURE_COUNT; failure++) {
                ladder = &config->recovery.strategies[failure];
                if (ladder->count > HEALER_RUNGS_MAX) {
                        snprintf(text, size, "recovery.strategies.%s: more than %d actions",
                                 healer_failures[failure].name, HEALER_RUNGS_MAX);
                        return text;
                }
                for (i = 0; i < ladder->count; i++) {
                        if ((unsigned)ladder->rungs[i] < HEALER_ACTION_COUNT)
                                continue;
                        snprintf(text, size, "recovery.strategies.%s[%u]: no such action",
                                 healer_failures[failure].name, i);
                        return text;
                }
        }
        return NULL;
}

static const char *check_lists(const struct healer_config *config, char *text, size_t size)
{
        uint32_t metric, i;

        if (hlr_levels_wrong(config, HEALER_METRIC_COUNT) != NULL) {
                snprintf(text, size, "degradation.levels: %s",
                         hlr_levels_wrong(config, HEALER_METRIC_COUNT));
                return text;
        }
        for (metric = 0; metric < HEALER_METRIC_COUNT; metric++) {
                if (!config->degradation.per_resource[metric].watched ||
                    hlr_levels_wrong(config, metric) == NULL)
                        continue;
                snprintf(text, size, "degradation.per_resource.%s: %s",
                         healer_metrics[metric].name, hlr_levels_wrong(config, metric));
                return text;
        }
        if (config->degradation.feature_count > HEALER_LEVEL_FEATURES_MAX) {
                snprintf(text, size, "degradation.features: more than %d",
                         HEALER_LEVEL_FEATURES_MAX);
                return text;
        }
        for (i = 0; i < config->degradation.feature_count; i++) {
                if (config->degradation.features[i].needs >> i == 0)
                        continue;
                snprintf(text, size, "degradation.features[%u].needs: features before it only", i);
                return text;
        }
        if (hlr_written_wrong(config) != NULL) {
                snprintf(text, size, "recovery.rules: %s", hlr_written_wrong(config));
                return text;
        }
        if (hlr_level_rules_wrong(config) != NULL) {
                snprintf(text, size, "degradation.rules: %s", hlr_level_rules_wrong(config));
                return text;
        }
        return NULL;
}

const char *healer_config_check(const struct healer_config *config, char *text, size_t size)
{
        const char *reason;

        if (config->size != sizeof(*config)) {
                snprintf(text, size, "size: must be %zu", sizeof(*config));
                return text;
        }
        reason = check_ranges(config, text, size);
        if (reason == NULL)
                reason = check_order(config, text, size);
        if (reason == NULL)
                reason = check_ladders(config, text, size);
        if (reason == NULL)
                reason = check_lists(config, text, size);
        return reason;
}
