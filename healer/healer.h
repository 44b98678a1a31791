/* healer/healer.h - the supervisor: notices, finds the cause, acts, checks, learns.
 *
 *     observe --> detection --> diagnosis --> decision --> recovery --> verification --> learning
 *
 * It is told a topology once and then what a monitor sees: samples of instances
 * and edges, events, results of its own actions. healer_tick() thinks it over
 * and says, through two callbacks, what it noticed (notices) and what it wants
 * done (orders). One sick component is one *episode*, from its first alarm
 * until the violated metrics are back and have stayed so; what was claimed by
 * an action and what was verified are kept apart.
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
 * Memory: four allocations at create, one when an added instance finds no room,
 * none while observing samples or ticking. About 8 KiB an instance, 0.4 KiB an
 * edge, 3 KiB a service and 500 KiB besides; at most 4 x the instances of the
 * start + 256 are followed, later ones are counted in `dropped`. With pattern
 * prediction one more (2.2 KiB a service), with anomaly detection four more for
 * each of the first 64 services (18 KiB each).
 * Time: O(1) a sample; a tick is O(instances + edges + services).
 */
#ifndef HEALER_HEALER_H
#define HEALER_HEALER_H

#include "healer/alloc.h"
#include "healer/analytics.h"
#include "healer/config.h"
#include "healer/forecast.h"
#include "healer/kinds.h"
#include "healer/learned.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

HEALER_BEGIN_DECLS

#define HEALER_NONE UINT32_MAX

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

struct healer_command {
        uint64_t id;
        enum healer_action_kind kind;
        uint32_t service, instance, edge;
        double amount;        /* scale: instances; shed: share; degradation: level; timeout: factor */
        uint64_t episode;
        uint64_t prediction;  /* it rests on, or 0 */
        bool preventive;
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
        HEALER_NOTICE_KIND_COUNT
};

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

/* Samples of the interval that ended at `at_ns`; indices outside are counted
 * and ignored. None of these calls back. */
HEALER_API enum healer_err healer_observe_instance(struct healer *healer, int64_t at_ns,
                                                   const struct healer_instance_sample *sample);
HEALER_API enum healer_err healer_observe_edge(struct healer *healer, int64_t at_ns,
                                               const struct healer_edge_sample *sample);
/* A metric of the caller's own about a service: HEALER_METRIC_DRIFT. */
HEALER_API enum healer_err healer_observe_custom(struct healer *healer, int64_t at_ns,
                                                 uint32_t service, double value);
HEALER_API enum healer_err healer_observe_event(struct healer *healer,
                                                const struct healer_occurrence *event);
/* Whether a breaker keeps calls off an edge: then silence there is no health. */
HEALER_API enum healer_err healer_observe_breaker(struct healer *healer, uint32_t edge,
                                                  bool keeps_off);
HEALER_API enum healer_err healer_observe_result(struct healer *healer, int64_t at_ns,
                                                 const struct healer_result *result);

/* Thinks, and calls back. `*next_ns` is when it wants to be called again at the
 * latest, should nothing happen before; HEALER_NEVER if only then. */
HEALER_API enum healer_err healer_tick(struct healer *healer, int64_t now_ns, int64_t *next_ns);

/* ---- hands on */

/* Answers to a suggestion that waits for approval. `who` must not be empty.
 * HEALER_E_NOT_FOUND when no such episode waits (also: answered or expired). */
HEALER_API enum healer_err healer_approve(struct healer *healer, uint64_t episode, const char *who);
HEALER_API enum healer_err healer_reject(struct healer *healer, uint64_t episode, const char *who);

/* A human has taken care of it: the episode ends at the next tick. */
HEALER_API enum healer_err healer_close_episode(struct healer *healer, uint64_t episode);

/* Replaces what is tried against a failure type; the last call wins. */
HEALER_API enum healer_err healer_register_strategy(struct healer *healer,
                                                    enum healer_failure failure,
                                                    const struct healer_ladder *ladder);

/* The failure type that a message speaks of, by its words. */
HEALER_API enum healer_failure healer_classify_text(const char *text);

/* ---- looking */

struct healer_stats {
        uint64_t alarms, predictions, episodes, claimed, verified, failed, escalated;
        uint64_t orders, orders_ok, orders_failed, orders_late;
        uint64_t budget_refusals; /* actions not taken because too many were */
        uint64_t dropped;         /* samples, events, episodes there was no room for */
        uint64_t time_went_back;
        uint32_t episodes_open, orders_open;
};

enum healer_status { HEALER_UNKNOWN, HEALER_HEALTHY, HEALER_DEGRADED, HEALER_UNHEALTHY };

struct healer_health_report {
        enum healer_status status;
        double score;        /* 0..100 by the penalty table, NaN: nothing known */
        double availability; /* over the last hour, NaN: nothing known */
        int trend;           /* -1 declining, 0 stable, 1 improving */
};

HEALER_API struct healer_stats healer_stats(const struct healer *healer);
/* Of one service, or of all with HEALER_NONE (the worst status, the mean score). */
HEALER_API struct healer_health_report healer_health_of(const struct healer *healer, uint32_t service);

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
