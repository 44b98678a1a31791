/* healer/healer.h - the supervisor: notices, finds the cause, acts, checks, learns.
 *
 *     observe --> detection --> diagnosis --> decision --> recovery --> verification --> learning
 *
 * It is told a topology once and then what a monitor sees: samples of instances
 * and edges, events, results of its own actions. healer_tick() thinks it over
 * and says, through two callbacks, what it noticed (notices) and what it wants
 * done (orders). One sick component is one *episode*, from its first alarm
 * until the violated metrics are back and have stayed so; that an
 * action reported success, that it is claimed to have healed and that this was
 * verified are kept apart (claim.c).
 *
 * It owns no clock, no thread and no file. The caller passes the time in; it
 * may stand still and must not go back (if it does, it is taken as standing
 * still, and counted).
 *
 * Any thread may call anything at any time, but destroy. Callbacks are made at
 * the end of healer_tick(), when its thinking is done, one at a time and without
 * a lock held: an action may take as long as it likes, and other threads go on
 * meanwhile. A call back into the same healer from inside one answers
 * HEALER_E_BUSY; looking (stats, health, effect) is allowed. What one thread's
 * tick finds while another one is calling back is handed on by that other one.
 *
 * Memory: a few allocations at create, one when an added instance finds no room
 * (a place for half as many more), none while observing samples or ticking; at most
 * 4 x the instances of the start + 256 are followed, later ones are counted in
 * `dropped`. It never takes more than the HEALER_BYTES_... below say: about 8.2 KiB an
 * instance, 0.7 KiB an edge, 8 KiB a service and 510 KiB besides, 2.2 KiB a service
 * with pattern prediction, and with anomaly detection 72 KiB for each of the first
 * 64 services; 6.2 KiB a service for each resource of degradation.per_resource and
 * 1.2 KiB for each of its rules. `./dev bench healer_memory` holds that over ten million events.
 * Time: O(1) a sample, some 1100 instructions or 0.15 us for one of an instance that is
 * well; a tick is O(instances + edges + services), some 0.1 us an instance (0.4 us with
 * prediction) and 1 us a service for its four anomaly detectors. `./dev bench healing_cost`
 * measures each on this machine.
 */
#ifndef HEALER_HEALER_H
#define HEALER_HEALER_H

#include "healer/alloc.h"
#include "healer/analytics.h"
#include "healer/config.h"
#include "healer/escalate.h"
#include "healer/forecast.h"
#include "healer/kinds.h"
#include "healer/learned.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

HEALER_BEGIN_DECLS

#define HEALER_NONE UINT32_MAX

/* Memory at most, in bytes: of a healer, and for each of what it follows. */
enum {
        HEALER_BYTES_BASE = 768 << 10,
        HEALER_BYTES_INSTANCE = 12 << 10,
        HEALER_BYTES_EDGE = 1 << 10,
        HEALER_BYTES_SERVICE = 12 << 10,
        HEALER_BYTES_PATTERNS = 4 << 10, /* of a service, with `patterns` or history */
        HEALER_BYTES_ANOMALY = 80 << 10, /* of each of the first 64 services, with `anomaly` */
        HEALER_BYTES_LADDER = 16 << 10,  /* of a service, for each of degradation.per_resource */
        HEALER_BYTES_RULE = 2 << 10      /* of a service, for each of degradation.rules */
};

/* ---- the declared topology; names and arrays are copied where kept */

struct healer_service_info {
        const char *name;
        uint32_t workers;        /* of one instance, >= 1 */
        bool critical;
        int64_t slo_latency_ns;  /* 0 or HEALER_NEVER: none declared */
        double slo_target;       /* share of good calls, 0: none declared */
        int64_t restart_ns;      /* what a restart and a new instance usually take */
        int64_t boot_ns;
        uint32_t queue_places;   /* of one instance; 0: unknown, or without a limit */
        uint32_t keeps; /* bit i: action kind i, of those on data, caches, queues and locks, has
                         * something to act on here; others need no bit */
};

struct healer_edge_info {
        const char *name;
        uint32_t from; /* caller, HEALER_NONE: from outside */
        uint32_t to;
};

struct healer_instance_info {
        uint32_t service;
        const char *name;
};

struct healer_topology {
        const struct healer_service_info *services;
        uint32_t service_count;
        const struct healer_edge_info *edges;
        uint32_t edge_count;
        const struct healer_instance_info *instances;
        uint32_t instance_count;
        uint32_t actions_available; /* bit i: action kind i can be carried out here */
        int64_t action_usual_ns[HEALER_ACTION_COUNT]; /* own time of each, 0: unknown */
};

/* ---- what comes in */

/* NaN where nothing is known. Ratios are 0..1. */
struct healer_instance_sample {
        uint32_t instance;
        double cpu_ratio, memory_ratio, disk_ratio, fd_ratio, pool_ratio, token_ratio;
        double queue_depth;
        double throughput_per_s;
        double error_ratio;
        double latency_p50_s, latency_p95_s, latency_p99_s;
        double connection_failures;
};

struct healer_edge_sample {
        uint32_t edge;
        uint64_t calls; /* in the interval */
        double error_ratio, timeout_ratio;
        double latency_p50_s, latency_p95_s, latency_p99_s;
};

enum healer_occurrence_kind {
        HEALER_OCCURRED_HEARTBEAT_MISSED,
        HEALER_OCCURRED_HEARTBEAT_BACK,
        HEALER_OCCURRED_PROCESS_EXITED,  /* code 0: orderly */
        HEALER_OCCURRED_PROCESS_STARTED,
        HEALER_OCCURRED_DEPLOYMENT_STARTED,
        HEALER_OCCURRED_DEPLOYMENT_FINISHED,
        HEALER_OCCURRED_CONFIG_CHANGED,
        HEALER_OCCURRED_HEALTH_CHECK,    /* code 1: passes again, 0: fails */
        HEALER_OCCURRED_ERROR_MESSAGE,
        HEALER_OCCURRED_INSTANCE_ADDED,
        HEALER_OCCURRED_INSTANCE_REMOVED,
        HEALER_OCCURRED_KIND_COUNT
};

struct healer_occurrence {
        int64_t at_ns;
        enum healer_occurrence_kind kind;
        uint32_t service, instance, edge; /* or HEALER_NONE */
        int code;
        bool oom;
        const char *text; /* read during the call only; may be NULL */
};

struct healer_result {
        uint64_t id; /* of the order */
        bool ok;
        const char *reason; /* static, or NULL */
};

/* ---- what goes out */

/* What a level of degradation is to leave, where the configuration says so. */
struct healer_level_order {
        bool given; /* false: what the level means is known to who carries it out */
        double capacity, timeout, quality;
        uint32_t concurrency; /* 0: no limit */
        uint32_t off;         /* bit i: feature i of the configuration; others of them are on */
};

struct healer_command {
        uint64_t id;
        enum healer_action_kind kind;
        uint32_t service, instance, edge;
        double amount;        /* scale: instances; shed: share; degradation: level; timeout, resources: factor */
        uint64_t episode;
        uint64_t prediction;  /* it rests on, or 0 */
        bool preventive;
        struct healer_level_order level; /* of set_degradation */
};

enum healer_notice_kind {
        HEALER_NOTICE_ALARM,
        HEALER_NOTICE_ALARM_CLEARED,
        HEALER_NOTICE_PREDICTION,
        HEALER_NOTICE_DIAGNOSIS,
        HEALER_NOTICE_EPISODE_OPENED,
        HEALER_NOTICE_EPISODE_CLAIMED,
        HEALER_NOTICE_EPISODE_VERIFIED,
        HEALER_NOTICE_EPISODE_FAILED,
        HEALER_NOTICE_EPISODE_CLOSED,
        HEALER_NOTICE_ESCALATION,
        HEALER_NOTICE_SUGGESTION,
        HEALER_NOTICE_DEGRADATION,
        HEALER_NOTICE_WARNING, /* health: nobody is hurt yet */
        HEALER_NOTICE_ANOMALY, /* metric, value, confidence: its score; evidence, no alarm */
        HEALER_NOTICE_RECURRING, /* failure, value: its period in s, rank: times; eta: the next */
        HEALER_NOTICE_HEALING_ODD, /* failure: its healing is not what it was; value: now, limit: before */
        HEALER_NOTICE_PREDICTION_OUTCOME, /* id; rank 1: came true, 0: did not */
        HEALER_NOTICE_ORDER_LATE, /* id: the order; the healer has given it up: stop it */
        HEALER_NOTICE_STATUS, /* rank: enum healer_status now, value: before; service, or of all */
        HEALER_NOTICE_KIND_COUNT
};

enum healer_status { HEALER_UNKNOWN, HEALER_HEALTHY, HEALER_DEGRADED, HEALER_UNHEALTHY };

/* What a warning is about: the `rank` of its notice. */
enum healer_warning {
        HEALER_WARNED_AVAILABILITY, /* health.thresholds, over an hour */
        HEALER_WARNED_SCORE,        /* below 80 */
        HEALER_WARNED_DECLINING,    /* the trend of the score */
        HEALER_WARNED_RISK,         /* of a failure, above 0.3 */
        HEALER_WARNED_CPU,          /* at its critical threshold */
        HEALER_WARNED_DRIFT,        /* what is usual has moved by its critical threshold */
        HEALER_WARNED_LEAK,         /* memory grows steadily */
        HEALER_WARNED_POLICY,       /* reconciler.warn_below */
        HEALER_WARNING_COUNT
};

HEALER_API extern const char *const healer_warning_names[HEALER_WARNING_COUNT];

struct healer_notice {
        enum healer_notice_kind kind;
        uint64_t id;
        uint64_t episode;
        uint32_t service, instance, edge;
        enum healer_failure failure;
        enum healer_severity severity;
        enum healer_metric metric;  /* HEALER_METRIC_COUNT: none */
        enum healer_action_kind action; /* of a suggestion; HEALER_ACTION_COUNT: none */
        double value, limit, confidence; /* NaN where they have no meaning */
        uint32_t rank;
        uint32_t monitor;           /* of the caller's own that it speaks of, or HEALER_NONE */
        int64_t eta_ns;             /* HEALER_NEVER: none */
};

struct healer_callbacks {
        void *user;
        void (*act)(void *user, const struct healer_command *command);    /* may be NULL */
        void (*note)(void *user, const struct healer_notice *notice); /* may be NULL */
};

/* ---- life */

struct healer;

/* Creates a healer at `now_ns`. Config and topology are copied. `allocator` may
 * be NULL (malloc), else it must outlive the healer. On HEALER_OK the caller
 * owns `*out`; on HEALER_E_SIZE, _RANGE (healer_config_check() says what; or a
 * topology whose indices lead nowhere) and _NOMEM it is NULL. */
HEALER_API HEALER_NODISCARD enum healer_err
healer_create(const struct healer_config *config, const struct healer_topology *topology,
              const struct healer_callbacks *callbacks, const struct healer_allocator *allocator,
              int64_t now_ns, struct healer **out);
HEALER_API void healer_destroy(struct healer *healer);

/* Samples of the interval that ended at `at_ns`. An index outside is counted, ignored
 * and answered HEALER_E_RANGE. None of these calls back. */
HEALER_API enum healer_err healer_observe_instance(struct healer *healer, int64_t at_ns,
                                                   const struct healer_instance_sample *sample);
HEALER_API enum healer_err healer_observe_edge(struct healer *healer, int64_t at_ns,
                                               const struct healer_edge_sample *sample);
/* How far something of the caller's own has moved, as a share (0: not at all; 0.1: by a
 * tenth), about a service: HEALER_METRIC_DRIFT. */
HEALER_API enum healer_err healer_observe_custom(struct healer *healer, int64_t at_ns,
                                                 uint32_t service, double value);
HEALER_API enum healer_err healer_observe_event(struct healer *healer,
                                                const struct healer_occurrence *event);
/* Whether a breaker keeps calls off an edge: then silence there is no health. */
HEALER_API enum healer_err healer_observe_breaker(struct healer *healer, uint32_t edge,
                                                  bool keeps_off);
HEALER_API enum healer_err healer_observe_result(struct healer *healer, int64_t at_ns,
                                                 const struct healer_result *result);

/* Thinks, and calls back. `*next_ns`, which must be there, is when it wants to be called
 * again at the latest, should nothing happen before; HEALER_NEVER if only then.
 * HEALER_E_BUSY from inside a callback: nothing was done. */
HEALER_API enum healer_err healer_tick(struct healer *healer, int64_t now_ns, int64_t *next_ns);

/* ---- what the caller adds: monitors, handlers, failures that were seen elsewhere */

#define HEALER_MONITORS_MAX 64u
#define HEALER_HANDLERS_MAX 8u

/* A metric of the caller's own: high is bad, from `warning` on. It joins detection
 * under its name like any built-in one (dwell, hysteresis, one alarm for each
 * service and failure). `read` is called by healer_tick() every `interval_ns`, in
 * step with the first time, before it thinks, with no lock held and never twice at
 * once; a call back into the healer from inside it answers HEALER_E_BUSY. With
 * `read` NULL the value is told by healer_observe_monitor(). */
struct healer_monitor_info {
        uint32_t size; /* sizeof(struct healer_monitor_info) */
        uint32_t service;
        const char *name;            /* 1..47 bytes, of no other monitor; copied */
        enum healer_failure failure; /* that its alarm raises */
        double warning, critical;    /* warning <= critical */
        int64_t interval_ns;         /* > 0 */
        bool (*read)(void *user, double *value); /* false: it could not be read */
        void *user;
};

struct healer_monitor_state {
        const char *name;           /* the healer's, as long as it lives */
        enum healer_status status;  /* UNKNOWN: never read, the last time in vain, or 3 intervals
                                     * ago: then its service is not called healthy either */
        double value, limit;        /* NaN: unknown */
        int64_t seen_ns;            /* INT64_MIN: never */
        uint64_t reads, failures;
};

/* `*index` is how it is spoken of from then on. HEALER_E_RANGE, _EXISTS, _FULL. */
HEALER_API HEALER_NODISCARD enum healer_err
healer_register_monitor(struct healer *healer, const struct healer_monitor_info *info,
                        uint32_t *index);
/* NaN: it could not be read. */
HEALER_API enum healer_err healer_observe_monitor(struct healer *healer, int64_t at_ns,
                                                  uint32_t index, double value);
/* HEALER_E_NOT_FOUND: no such monitor. */
HEALER_API enum healer_err healer_monitor_state(const struct healer *healer, uint32_t index,
                                                struct healer_monitor_state *out);

/* One more place that notices go to: a log, a metric system, a screen. Bit k of
 * `kinds`: notices of kind k; 0: all. Each notice is handed to each handler once, after
 * `callbacks.note`, under the same promises: one that wants to raise something of its own
 * is answered HEALER_E_BUSY, so nothing can go round. */
struct healer_handler {
        uint32_t kinds;
        void (*note)(void *user, const struct healer_notice *notice);
        void *user;
};

/* HEALER_E_FULL above 8, HEALER_E_EXISTS for one that is there (same note and user),
 * HEALER_E_RANGE for one without `note`; removing: HEALER_E_NOT_FOUND. */
HEALER_API HEALER_NODISCARD enum healer_err
healer_add_handler(struct healer *healer, const struct healer_handler *handler);
HEALER_API enum healer_err healer_remove_handler(struct healer *healer,
                                                 const struct healer_handler *handler);

/* An event in somebody else's words, and the failure that it stands for:
 *   heartbeat_failed; agent_failed in health state FAILED    agent_down, high
 *   agent_failed in any other state                          agent_failed, high
 *   task_timeout                                             task_timeout, medium
 *   resource_exhaustion, quota_exceeded                      resource_exhaustion, the event's
 *                                                            severity, else high; with its usage
 *   quorum_loss, consensus_failed                            quorum_loss, critical
 * Anything else, and an agent's event without an agent, a task's without a task: none. */
struct healer_event_seen {
        const char *type, *agent, *task, *health_state; /* NULL: not known */
        enum healer_severity severity; /* HEALER_SEVERITY_COUNT: it says none */
        double usage, limit;           /* of a resource; NaN: not known */
        uint32_t quorum;               /* 0: it says none */
};

struct healer_failure_seen {
        enum healer_failure failure;
        enum healer_severity severity;
        double usage_percent;     /* NaN: not known */
        uint32_t quorum_required; /* of quorum_loss: 3 unless the event says so; else 0 */
};

HEALER_API bool healer_failure_of_event(const struct healer_event_seen *event,
                                        struct healer_failure_seen *out);

/* Somebody knows of a failure. It is an alarm at once, needs no diagnosis, and
 * stands until healer_unreport(), until its episode is closed by hand, or until
 * `stands_ns` after the last report of it (HEALER_NEVER: not by itself). The same again
 * is the same failure. `instance` may be HEALER_NONE. HEALER_E_RANGE: no such service,
 * instance or failure. */
HEALER_API enum healer_err healer_report(struct healer *healer, int64_t at_ns, uint32_t service,
                                         uint32_t instance,
                                         const struct healer_failure_seen *failure,
                                         int64_t stands_ns);
/* HEALER_E_NOT_FOUND: no such report stands. */
HEALER_API enum healer_err healer_unreport(struct healer *healer, uint32_t service,
                                           enum healer_failure failure);

/* Stops and starts it at run time: while stopped it takes in what it is shown, and
 * says, orders and wakes nothing. Orders that are under way stay known. */
HEALER_API enum healer_err healer_set_enabled(struct healer *healer, bool enabled);

/* ---- hands on */

/* Answers to a suggestion that waits for approval. `who` must not be empty.
 * HEALER_E_NOT_FOUND when no such episode waits (also: answered or expired). */
HEALER_API enum healer_err healer_approve(struct healer *healer, uint64_t episode, const char *who);
HEALER_API enum healer_err healer_reject(struct healer *healer, uint64_t episode, const char *who);

/* A human has taken care of it: the episode ends at the next tick. HEALER_E_NOT_FOUND:
 * no such episode is open. */
HEALER_API enum healer_err healer_close_episode(struct healer *healer, uint64_t episode);

/* What a human is to know of an open episode, as healer_escalator_raise() takes it: its
 * number is the key; the context, in `text` of `size` bytes, says how many failures that
 * are open are related to it (correlate.h), what was tried, and what a decision tree
 * advises (decision_tree.h). Looking: also from inside a callback. The component's name
 * is the healer's, as long as it lives. HEALER_E_NOT_FOUND: no such episode is open. */
HEALER_API enum healer_err healer_escalation_of(const struct healer *healer, uint64_t episode,
                                                struct healer_escalation *out, char *text,
                                                size_t size);

/* Replaces what is tried against a failure type; the last call wins. The ladder is copied.
 * One of HEALER_ACTION_ESCALATE alone calls a human when escalation.timeout is over; what
 * can be tried before is tried first. HEALER_E_RANGE: no such failure or action. */
HEALER_API enum healer_err healer_register_strategy(struct healer *healer,
                                                    enum healer_failure failure,
                                                    const struct healer_ladder *ladder);

/* The failure type that a message speaks of, by its words. */
HEALER_API enum healer_failure healer_classify_text(const char *text);
/* How grave: what the text says of itself, else what its type usually is. */
HEALER_API enum healer_severity healer_severity_of_text(const char *text);

/* ---- looking */

struct healer_stats {
        uint64_t alarms, predictions, episodes, claimed, verified, failed, escalated;
        uint64_t orders, orders_ok, orders_failed, orders_late;
        uint64_t budget_refusals; /* actions not taken because too many were */
        uint64_t dropped;         /* samples, events, episodes there was no room for */
        uint64_t time_went_back;
        uint64_t no_strategy;     /* episodes for whose failure no action is written */
        uint64_t cycles;          /* of the reconciler */
        uint64_t cycles_ok;       /* of them: nothing was open, or something was done about it */
        uint64_t looks;           /* instances and edges looked at by ticks: what they cost */
        uint64_t policy_restarts; /* asked for by the reconciler's policy */
        uint32_t episodes_open, orders_open;
};

/* Share of actions that were reported as done among all that ended, were late or were
 * refused; NaN when there are none. */
HEALER_API double healer_recovery_rate(const struct healer_stats *stats);

struct healer_health_report {
        enum healer_status status;
        double score;        /* 0..100 by the penalty table, NaN: nothing known */
        double availability; /* over the last hour, NaN: nothing known */
        int trend;           /* of the score: -1 declining, 0 stable, 1 improving; the newer half of
                              * the last 10 (at least 5) against the older, by more than 5 */
        int availability_trend; /* the same of the checks of the last hour (at least 10), by more
                                 * than 0.10 */
        uint32_t warnings;   /* bit i: enum healer_warning i; SCORE, DECLINING and RISK */
};

/* One check of a service: its worst instance's readings, NaN where unknown. */
struct healer_health_point {
        int64_t at_ns;
        float score, cpu, memory, errors, latency_s;
};
enum { HEALER_HEALTH_POINTS = 120 };

/* The penalty table: 100 less 15/30 for a processor above 70/90 %, the same for memory above
 * 75/90 %, 10/25 for errors above 5/10 %, 10/20 for latency above 2/5 s; at least 0. NaN
 * is not known, and NaN when nothing is. */
HEALER_API double healer_health_score(double cpu_ratio, double memory_ratio, double error_ratio,
                                      double latency_s);

/* How many components are how; the word for the whole. */
struct healer_mix {
        uint32_t healthy, degraded, unhealthy, unknown;
        double availability; /* mean of those known, 0..1; NaN: none is */
};
struct healer_system_health {
        enum healer_status status;
        uint32_t mode;  /* enum healer_mode of healer/degrade.h that it asks for */
        double score;   /* 100 x the mean availability; NaN: nothing known */
};
/* More than half of those known unhealthy: unhealthy, emergency. One unhealthy, or more
 * than half degraded: degraded, reduced (minimal where not more are degraded than
 * unhealthy). One degraded: degraded, reduced. Else healthy; nothing known: unknown. */
HEALER_API struct healer_system_health healer_system_of(const struct healer_mix *mix);

HEALER_API struct healer_stats healer_stats(const struct healer *healer);
/* Of one service, or of all with HEALER_NONE (the worst status, the mean score). */
HEALER_API struct healer_health_report healer_health_of(const struct healer *healer, uint32_t service);

/* The checks of a service that are kept, oldest first, at most `count_max`: the newest
 * HEALER_HEALTH_POINTS, none older than health.retention. How many. */
HEALER_API uint32_t healer_health_history(const struct healer *healer, uint32_t service,
                                          struct healer_health_point *out, uint32_t count_max);

enum healer_episode_stage {
        HEALER_STAGE_WATCHING,
        HEALER_STAGE_APPROVAL,
        HEALER_STAGE_ACTING,
        HEALER_STAGE_VERIFYING,
        HEALER_STAGE_ESCALATED
};
enum { HEALER_EPISODES_MAX = 64 };

struct healer_episode_view {
        uint64_t id;
        uint32_t service;
        enum healer_failure failure;
        enum healer_severity severity;
        enum healer_episode_stage stage;
        int64_t opened_ns;
        double confidence;
        bool preventive;
        bool rung_done; /* an action of what is tried now reported success */
};

/* Everything at one moment, by one lock. */
struct healer_overview {
        int64_t now_ns;
        struct healer_stats stats;
        struct healer_health_report health; /* of all: the worst status */
        struct healer_system_health system; /* of all: by the mix */
        uint32_t episode_count;
        struct healer_episode_view episodes[HEALER_EPISODES_MAX]; /* open ones, oldest first */
};
HEALER_API void healer_overview(const struct healer *healer, struct healer_overview *out);

/* From now on every episode that ends is added to `analytics` (NULL: to none), which
 * must outlive the healer or be taken away: a strategy is the action that decided
 * it, a component the service. Prevented ones, in which nothing failed, are not. */
HEALER_API enum healer_err healer_set_analytics(struct healer *healer,
                                                struct healer_analytics *analytics);

/* How an action has done against a failure type. */
HEALER_API struct healer_effect healer_effect(const struct healer *healer,
                                              enum healer_failure failure,
                                              enum healer_action_kind action);
HEALER_API struct healer_effect healer_effect_in(const struct healer *healer,
                                                 enum healer_context context,
                                                 enum healer_failure failure,
                                                 enum healer_action_kind action);

/* ---- what is to come */

/* Beyond the horizon of predictions: how likely a failure of a service is, when,
 * and why. Nothing is done about it. */
struct healer_outlook {
        double risk;            /* 0..1, sum of the reasons' weights */
        enum healer_band band;
        uint32_t reasons;       /* enum healer_reason */
        uint32_t instance;      /* that is nearest to it, or HEALER_NONE */
        int64_t eta_ns, eta_low_ns, eta_high_ns; /* HEALER_NEVER: no line says when */
};

HEALER_API struct healer_outlook healer_outlook_of(const struct healer *healer, uint32_t service);

/* Features of an instance, for the learned predictor; all 0 for one that is not up. */
HEALER_API void healer_features_of(const struct healer *healer, uint32_t instance,
                                   double features[HEALER_FEATURE_COUNT]);

/* Somebody knows how a prediction ended that still stands. HEALER_E_NOT_FOUND when
 * none of that id does. */
HEALER_API enum healer_err healer_prediction_outcome(struct healer *healer, uint64_t prediction,
                                                     bool came_true);
/* How predictions made on the day of `at_ns` have ended so far; all 0 for a day more
 * than 30 before the newest. With HEALER_SOURCE_COUNT: of all sources. */
HEALER_API struct healer_tally healer_prediction_day(const struct healer *healer, int64_t at_ns,
                                                     enum healer_source source);

/* ---- what was learned, out and in */

HEALER_API void healer_export(const struct healer *healer, struct healer_learned *out);
/* HEALER_E_SIZE, HEALER_E_RANGE (healer_learned_check() says what): nothing changed. */
HEALER_API enum healer_err healer_import(struct healer *healer,
                                         const struct healer_learned *learned);

HEALER_END_DECLS

#endif
