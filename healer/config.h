/* healer/config.h - everything that can be set about the supervisor.
 *
 * One struct with a typed field for each option, and one table that names each
 * field by its path ("prediction.confidence_threshold"), unit, range and
 * default. Readers of files, help texts and the test that every option takes
 * effect go through the table, so none of them can forget an option. Lists are
 * not in the table: the actions by failure type, and what levels of degradation are.
 */
#ifndef HEALER_CONFIG_H
#define HEALER_CONFIG_H

#include "healer/kinds.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

HEALER_BEGIN_DECLS

enum { HEALER_RUNGS_MAX = 8 };

enum healer_log_level { HEALER_LOG_DEBUG, HEALER_LOG_INFO, HEALER_LOG_WARNING, HEALER_LOG_ERROR };

/* Where a prediction comes from. */
enum healer_source {
        HEALER_SOURCE_PATTERNS, /* signs that came before failures */
        HEALER_SOURCE_TRENDS,   /* resources that run out */
        HEALER_SOURCE_HISTORY,  /* situations like those that ended badly; what recurs */
        HEALER_SOURCE_HEALTH,   /* instances that fail or slow down, and miss heartbeats */
        HEALER_SOURCE_QUEUE,    /* backlogs that grow */
        HEALER_SOURCE_COUNT
};

/* What is done about a prediction that is certain enough. */
enum healer_preventive { HEALER_PREVENTIVE_OFF, HEALER_PREVENTIVE_QUEUED, HEALER_PREVENTIVE_AUTOMATIC };

/* What makes its confidence. */
enum healer_confidence_rule { HEALER_RULE_WEIGHTED, HEALER_RULE_LEARNED };

/* What is tried against a failure, in this order, until one of them helps. */
struct healer_ladder {
        uint32_t count; /* 0..HEALER_RUNGS_MAX; 0: nothing is done */
        enum healer_action_kind rungs[HEALER_RUNGS_MAX];
};

struct healer_threshold {
        double warning, critical; /* shares 0..1; seconds; or plain numbers, as the metric is */
};

/* What a level of degradation leaves of a service. */
enum {
        HEALER_LEVELS_MAX = 5,
        HEALER_LEVEL_FEATURES_MAX = 32,
        HEALER_LEVEL_RULES_MAX = 16,
        HEALER_LEVEL_NAME_MAX = 31
};

struct healer_level {
        char name[HEALER_LEVEL_NAME_MAX + 1];
        double capacity;      /* share of the calls that are let in, 0..1 */
        double usage;         /* of the resource, from which on it holds; share, inclusive */
        double timeout;       /* of calls, as a share of what they are without it */
        double quality;       /* an answer is to be worth as much, 0..1 */
        uint32_t concurrency; /* calls at once in an instance; 0: no limit */
        uint32_t off;         /* bit i: feature i of the configuration is off from here on */
        uint32_t min_priority; /* features of a lower one are off, too */
};

struct healer_levels {
        uint32_t count; /* 0: those of degrade.h, which are the default */
        struct healer_level rows[HEALER_LEVELS_MAX];
};

/* Something that services do besides; off from a level on, and with what it needs. */
struct healer_level_feature {
        char name[HEALER_LEVEL_NAME_MAX + 1];
        uint32_t off_at;   /* level; 0: only where a level names it */
        uint32_t priority; /* the lowest goes first */
        uint32_t needs;    /* bit i: needs feature i, which stands before it */
};

/* A condition that asks for a level: a row of degrade.h, on the metrics of a service.
 * `metric` is enum healer_metric, or HEALER_METRIC_COUNT for the health score. */
struct healer_level_rule {
        char name[HEALER_LEVEL_NAME_MAX + 1];
        uint32_t kind, op, metric, level;
        double value;
        int64_t over_ns, duration_ns, grace_ns;
        uint32_t parts_count, parts[8];
};

/* A rule that people wrote: heal_rules.h says what its texts may be. */
enum { HEALER_WRITTEN_RULES_MAX = 32 };

struct healer_written_rule {
        char name[48], condition[256], action[24];
        int32_t priority;
        bool enabled;
};

struct healer_config {
        uint32_t size; /* sizeof(struct healer_config) */

        bool enabled;   /* false: nothing is noticed and nothing done */
        bool auto_heal; /* false: suggestions instead of actions */
        uint32_t log_level; /* enum healer_log_level: notices below it are not given */

        struct {
                int64_t interval_ns; /* samples are judged at most this often */
                int64_t dwell_ns;    /* a threshold is broken this long before an alarm */
                double hysteresis;   /* an alarm ends below threshold * (1 - this) */
                uint32_t min_calls;  /* calls seen while broken before it counts as evidence */
                int64_t heartbeat_timeout_ns;
                int64_t change_grace_ns; /* after a planned change, latency gets twice the dwell */
                struct healer_threshold thresholds[HEALER_METRIC_COUNT];
                bool anomaly;         /* also judge against what is usual there */
                double sensitivity;   /* 0..1, of the above */
                int64_t season_ns;    /* length of its day; 0: none */
                bool patterns;        /* what comes back again goes one rung further up */
                double load_max;      /* samples a second; above it, judged less often. 0: never */
        } detection;

        struct {
                int64_t check_interval_ns;
                double warning, critical, fatal; /* availability over an hour */
                bool alert_on_degradation; /* false: no warnings, no changes of status */
                int64_t retention_ns;      /* checks older than this are forgotten */
        } health;

        struct {
                bool enabled; /* false: whoever shows the symptom is to blame */
                double confidence_threshold;   /* no action below it */
                int64_t correlation_window_ns; /* how far back a change may be the cause */
        } diagnosis;

        struct {
                struct healer_ladder strategies[HEALER_FAILURE_COUNT];
                uint32_t max_retry_attempts; /* of one action that failed */
                int64_t timeout_ns;   /* an action has this long beside its own known time */
                uint32_t max_concurrent;
                int64_t grace_ns;     /* the platform's supervisor has this beyond its usual time */
                double quorum;        /* share of a service's instances never taken away at once */
                bool rollback;
                bool auto_scaling;
                int64_t verify_dwell_ns;   /* all is well this long before it counts as healed */
                int64_t verify_timeout_ns; /* not well by then: next rung */
                uint32_t budget_actions;   /* at most these many actions ... */
                int64_t budget_window_ns;  /* ... in any window of this length */
                uint32_t restarts_max;     /* of one instance, or service, in the same window */
                uint32_t approval_above;   /* enum healer_severity; HEALER_SEVERITY_COUNT: never */
                int64_t approval_expiry_ns;
                bool procedures;           /* those of procedure.h, before the ladder */
                uint32_t rule_count;       /* and before them: what people wrote down */
                struct healer_written_rule rules[HEALER_WRITTEN_RULES_MAX];
        } recovery;

        struct {
                bool enabled;
                int64_t dwell_ns;        /* calm this long before one level back */
                uint32_t level_max;      /* 1..4 */
                int64_t interval_ns;     /* usage and rules are looked at this often */
                struct healer_levels levels;
                struct {
                        bool watched;    /* its usage asks for levels */
                        double first_usage; /* of level 1, instead of the table's; 0: not */
                        struct healer_levels levels; /* of its own; count 0: those above */
                } per_resource[HEALER_METRIC_COUNT];
                uint32_t feature_count;
                struct healer_level_feature features[HEALER_LEVEL_FEATURES_MAX];
                uint32_t rule_count;
                struct healer_level_rule rules[HEALER_LEVEL_RULES_MAX];
        } degradation;

        struct {
                bool enabled;
                double confidence_threshold; /* said from here on */
                double auto_apply;           /* acted on from here on */
                uint32_t preventive;         /* enum healer_preventive */
                uint32_t rule;               /* enum healer_confidence_rule */
                int64_t horizon_ns;          /* failures later than this are nobody's business yet */
                bool sources[HEALER_SOURCE_COUNT];
        } prediction;

        struct {
                bool enabled;
                double rate;
                uint32_t min_samples;
                bool continuous_improvement; /* false: what was learned is not used */
        } learning;

        struct {
                uint32_t threshold;  /* failed rungs of one episode before a human is called */
                int64_t timeout_ns;  /* an episode open this long calls a human */
        } escalation;

        int64_t reconcile_interval_ns;
        struct {
                bool enabled;
                double restart_above;     /* risk of a failure, above which is restarted */
                double warn_below;        /* health score */
                int64_t leak_interval_ns; /* how often leaks are looked for; 0: never */
        } policy; /* of the reconciler */
};

enum healer_option_kind {
        HEALER_OPTION_BOOL,     /* bool */
        HEALER_OPTION_DURATION, /* int64_t ns */
        HEALER_OPTION_SECONDS,  /* double, written as a duration */
        HEALER_OPTION_RATIO,    /* double 0..1 */
        HEALER_OPTION_NUMBER,   /* double */
        HEALER_OPTION_COUNT,    /* uint32_t */
        HEALER_OPTION_CHOICE    /* uint32_t, index in choices */
};

struct healer_option {
        const char *path;
        enum healer_option_kind kind;
        size_t offset;       /* in struct healer_config */
        double min, max;     /* inclusive; of durations in seconds */
        double fallback;     /* the default; of durations in seconds */
        const char *const *choices; /* NULL-ended, for CHOICE */
        const char *summary;
};

HEALER_API extern const struct healer_option healer_options[];
HEALER_API extern const size_t healer_option_count;

/* The option of that path, or NULL. */
HEALER_API const struct healer_option *healer_option_find(const char *path);

/* Sets or gets one option as a number (durations in seconds, flags 0 or 1,
 * choices by index). Setting does not check the range: *_check() does. */
HEALER_API void healer_option_set(struct healer_config *config, const struct healer_option *option,
                                  double value);
HEALER_API double healer_option_get(const struct healer_config *config,
                                    const struct healer_option *option);

/* All defaults, ladders included. */
HEALER_API void healer_config_defaults(struct healer_config *config);

/* NULL for a sound configuration, else the first reason against it in `text`
 * (of `size` bytes, cut if need be), which it returns. */
HEALER_API const char *healer_config_check(const struct healer_config *config, char *text,
                                           size_t size);

HEALER_END_DECLS

#endif
