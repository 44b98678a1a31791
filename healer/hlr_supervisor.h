/* hlr_supervisor.h - what the stages of the supervisor share.
 *
 * A tick runs the stages in the order of the picture in healer.h, each in its
 * own file: detection turns samples into alarms, diagnosis alarms into causes
 * and these into episodes, decision picks the next rung for an episode,
 * recovery carries it out, verification says whether it helped, learning
 * remembers. Stages speak through the structs here and through nothing else;
 * notices and commands are collected in `out` and given away at the end.
 */
#ifndef HLR_SUPERVISOR_H
#define HLR_SUPERVISOR_H

#include "healer/healer.h"
#include "healer/hlr_base.h"

#include <math.h>
#include <pthread.h>

enum {
        HLR_TREND_MAX = 64,     /* samples of memory kept for an instance */
        HLR_EXITS_MAX = 8,
        HLR_TARGETS_MAX = 32,   /* instances of one episode */
        HLR_EPISODES_MAX = 64,
        HLR_COMMANDS_MAX = 128,
        HLR_HISTORY_MAX = 1024, /* commands remembered for the budget */
        HLR_CAUSES_MAX = 3,
        HLR_NOTICES_MAX = 512,
        HLR_RECALL_MAX = 64,    /* closed episodes remembered for recurrence */
        HLR_SCORES_MAX = 10,
        HLR_BINS = 60           /* of availability, a minute each */
};

/* Monitors of an instance, by metric; and of an edge. */
enum { HLR_INSTANCE_METRICS = HEALER_METRIC_QUEUE + 1, HLR_EDGE_METRICS = 3 };

enum hlr_level { HLR_FINE, HLR_WARNING, HLR_CRITICAL };

/* One metric at one place. */
struct hlr_monitor {
        int64_t broken_since_ns;   /* above the warning limit since; HEALER_NEVER: not */
        int64_t critical_since_ns;
        int64_t good_since_ns;     /* below the limit less hysteresis since; HEALER_NEVER: not */
        int64_t seen_ns;           /* of the last value; INT64_MIN: none yet */
        double value, limit;
        double calls, bad_calls;   /* seen since it broke */
        double usual[2];           /* log of what is usual: median, 95 % (latency only) */
        uint32_t usual_count[2];
        enum hlr_level level;      /* after dwell: what an alarm rests on */
};

enum hlr_process {
        HLR_UP,
        HLR_BOOTING, /* added, not started yet */
        HLR_EXITED,
        HLR_REMOVED
};

struct hlr_instance {
        uint32_t service;
        enum hlr_process process;
        bool silent;            /* heartbeats are missing */
        bool check_failing;     /* the platform's health check says no */
        bool planned;           /* ended in order, or by a command of ours */
        bool oom;
        int exit_code;
        int64_t changed_ns;     /* into this process state */
        int64_t silent_since_ns, check_since_ns;
        int64_t started_ns;
        int64_t exits_ns[HLR_EXITS_MAX]; /* unplanned ones, a ring */
        uint32_t exit_count;
        uint64_t command;       /* of ours that is under way on it, or 0 */
        int64_t command_from_ns, commanded_ns; /* the last one's time, INT64_MIN: never */
        struct hlr_monitor monitors[HLR_INSTANCE_METRICS];
        /* prediction */
        double trend_value[HLR_TREND_MAX];
        int64_t trend_at_ns[HLR_TREND_MAX];
        uint32_t trend_count;   /* ever since the process began */
        uint64_t prediction;    /* that stands, or 0 */
        int64_t predicted_ns, predicted_eta_ns;
        double predicted_confidence;
        int64_t prevent_after_ns; /* not before, after a try */
};

struct hlr_edge {
        uint32_t from, to;
        bool kept_off;          /* a breaker keeps calls away */
        int64_t kept_off_ns;    /* last time it did; INT64_MIN: never */
        struct hlr_monitor monitors[HLR_EDGE_METRICS]; /* network, error rate, latency */
};

struct hlr_alarm {
        uint64_t id;            /* 0: not active */
        uint64_t episode;       /* it was explained by, or 0 */
        int64_t opened_ns;
        enum hlr_level level;
        enum healer_metric metric;
        uint32_t instance, edge;
        double value, limit;
};

struct hlr_service {
        struct healer_service_info info; /* name is not kept */
        char name[64];
        struct hlr_alarm alarms[HEALER_FAILURE_COUNT];
        struct hlr_monitor custom;
        bool deploying;
        int64_t deploy_started_ns, deploy_ended_ns; /* INT64_MIN: never */
        int64_t config_ns;
        /* what our own actions left in force, to be taken back when all is calm */
        uint32_t level;         /* of degradation */
        double shed;            /* share refused */
        int32_t scaled;         /* instances added */
        int64_t eased_ns;       /* last change of these */
        uint64_t eased_episode; /* on whose behalf */
        /* health */
        double scores[HLR_SCORES_MAX];
        uint32_t score_count;
        uint32_t bin_good[HLR_BINS], bin_all[HLR_BINS];
        int64_t bin_at;         /* number of the newest minute */
        int warned;             /* 0 none, 1 warning, 2 critical, 3 fatal */
};

/* What diagnosis found. */
struct hlr_cause {
        enum healer_failure failure;
        uint32_t service, edge;
        double confidence;
        int64_t not_before_ns;  /* the platform may still mend it by itself */
        uint32_t target_count;
        uint32_t targets[HLR_TARGETS_MAX];
};

enum hlr_episode_state {
        HLR_EPISODE_FREE,
        HLR_EPISODE_WATCHING,  /* not certain, not due, or nothing to be done */
        HLR_EPISODE_APPROVAL,
        HLR_EPISODE_ACTING,
        HLR_EPISODE_VERIFYING,
        HLR_EPISODE_ESCALATED  /* somebody else's now */
};

struct hlr_target {
        uint32_t instance;
        uint32_t attempts;
        bool moved; /* its traffic is gone; a replacement follows */
        bool done;
        bool failed;
        int64_t not_before_ns; /* a repeat waits */
};

struct hlr_episode {
        uint64_t id;
        enum hlr_episode_state state;
        enum healer_failure failure;
        enum healer_severity severity;
        uint32_t service, edge;
        double confidence;
        int64_t opened_ns, state_ns, not_before_ns;
        int64_t quiet_since_ns; /* only victims have alarms since; HEALER_NEVER: not */
        int64_t well_since_ns; /* no alarm of it is active since; HEALER_NEVER: one is */
        uint32_t rung, rungs_failed;
        enum healer_action_kind acting; /* the kind of the present rung */
        enum healer_action_kind last_kind; /* that was carried out; HEALER_ACTION_COUNT: none */
        enum healer_action_kind tried[HEALER_ANALYTICS_ACTIONS_MAX]; /* kinds, in their order */
        uint32_t tried_count;   /* may be more than have room */
        int64_t acted_ns;       /* first command; HEALER_NEVER: none */
        struct hlr_target targets[HLR_TARGETS_MAX];
        uint32_t target_count;
        uint32_t commands_open, commands_ok;
        bool claimed, escalated, preventive, suggested, approved, rejected, closing, failed;
        uint64_t prediction;
        int64_t approval_until_ns;
};

struct hlr_command {
        struct healer_command order; /* id 0: free */
        int64_t issued_ns, due_ns;
        bool late;
};

struct hlr_past_command {
        int64_t at_ns;
        uint32_t instance;
        enum healer_action_kind kind;
};

struct hlr_recall {
        int64_t closed_ns;
        uint32_t service;
        enum healer_failure failure;
        uint32_t rung;
};

struct healer {
        struct healer_config config;
        struct healer_callbacks callbacks;
        const struct healer_allocator *allocator;
        struct healer_analytics *analytics; /* of the caller, or NULL */
        uint32_t actions_available;
        int64_t action_usual_ns[HEALER_ACTION_COUNT];

        struct hlr_service *services;
        uint32_t service_count;
        struct hlr_edge *edges;
        uint32_t edge_count;
        struct hlr_instance *instances;
        uint32_t instance_count, instance_room, instance_max;

        struct hlr_episode episodes[HLR_EPISODES_MAX];
        struct hlr_command commands[HLR_COMMANDS_MAX];
        struct hlr_past_command history[HLR_HISTORY_MAX];
        uint64_t history_count;
        struct hlr_recall recalls[HLR_RECALL_MAX];
        uint64_t recall_count;
        struct healer_effect effects[HEALER_FAILURE_COUNT][HEALER_ACTION_COUNT];
        /* of predictions, by source: how many came true */
        uint32_t predicted_right, predicted_wrong;

        int64_t now_ns;
        int64_t judged_ns;      /* last tick that judged samples */
        int64_t health_ns;
        int64_t interval_seen_ns; /* between samples, as they come */
        int64_t sample_ns;      /* of the newest sample */
        uint64_t next_id;
        bool sampled;           /* samples came since they were last judged */
        bool told;              /* something else did */
        struct healer_stats stats;

        struct healer_notice notices[HLR_NOTICES_MAX];
        uint32_t notice_count;
        struct healer_command orders[HLR_COMMANDS_MAX];
        uint32_t order_count;

        /* of gate.c */
        pthread_mutex_t lock;   /* on all of the above, but while calling back */
        bool handing_on;        /* `hands` is calling back */
        pthread_t hands;
        struct healer_notice notices_out[HLR_NOTICES_MAX];
        struct healer_command orders_out[HLR_COMMANDS_MAX];
};

/* ---- what gate.c lets in; with the lock held */

enum healer_err hlr_tick(struct healer *healer, int64_t now_ns, int64_t *next_ns);
enum healer_err hlr_observe_instance(struct healer *healer, int64_t at_ns,
                                     const struct healer_instance_sample *sample);
enum healer_err hlr_observe_edge(struct healer *healer, int64_t at_ns,
                                 const struct healer_edge_sample *sample);
enum healer_err hlr_observe_custom(struct healer *healer, int64_t at_ns, uint32_t service,
                                   double value);
enum healer_err hlr_observe_event(struct healer *healer, const struct healer_occurrence *event);
enum healer_err hlr_observe_breaker(struct healer *healer, uint32_t edge, bool keeps_off);
enum healer_err hlr_observe_result(struct healer *healer, int64_t at_ns,
                                   const struct healer_result *result);
enum healer_err hlr_answer(struct healer *healer, uint64_t id, const char *who, bool yes);
enum healer_err hlr_close_episode(struct healer *healer, uint64_t id);
enum healer_err hlr_register_strategy(struct healer *healer, enum healer_failure failure,
                                      const struct healer_ladder *ladder);
struct healer_stats hlr_stats(const struct healer *healer);
struct healer_health_report hlr_health_of(const struct healer *healer, uint32_t service);
struct healer_effect hlr_effect(const struct healer *healer, enum healer_failure failure,
                                enum healer_action_kind action);

/* ---- out (healer.c) */

uint64_t hlr_next_id(struct healer *healer);
struct healer_notice hlr_notice(enum healer_notice_kind kind);
void hlr_say(struct healer *healer, const struct healer_notice *notice);
/* A notice about an episode, with its service, failure and severity. */
void hlr_say_episode(struct healer *healer, const struct hlr_episode *episode,
                     enum healer_notice_kind kind);

/* ---- detection.c */

void hlr_monitor_clear(struct hlr_monitor *monitor);
void hlr_detect(struct healer *healer);
/* Fresh evidence only, after what was measured has been replaced. */
void hlr_instance_forget(struct hlr_instance *instance);
/* An edge monitor is broken now, alarmed or not yet, or silenced by a breaker. */
bool hlr_edge_suspicious(const struct healer *healer, const struct hlr_edge *edge);
bool hlr_service_changing(const struct healer *healer, const struct hlr_service *service);

/* ---- events.c: what happened to processes, deployments, configurations */

void hlr_take_event(struct healer *healer, const struct healer_occurrence *event);

/* ---- classify.c */

/* (healer_classify_text() is public: healer.h) */
enum healer_severity hlr_severity(const struct healer *healer, const struct hlr_alarm *alarm,
                                  const struct hlr_service *service);

/* ---- diagnosis.c: ranked causes of the alarms of a service; how many */

uint32_t hlr_diagnose(const struct healer *healer, uint32_t service, struct hlr_cause *causes);

/* ---- episodes.c */

void hlr_episodes_update(struct healer *healer);
struct hlr_episode *hlr_episode_find(struct healer *healer, uint64_t id);
struct hlr_episode *hlr_episode_of_service(struct healer *healer, uint32_t service);
/* NULL when there is no place left (counted). */
struct hlr_episode *hlr_episode_open(struct healer *healer, const struct hlr_cause *cause,
                                     enum healer_severity severity, bool preventive);
void hlr_episode_set(struct healer *healer, struct hlr_episode *episode,
                     enum hlr_episode_state state);
void hlr_episode_close(struct healer *healer, struct hlr_episode *episode);
bool hlr_episode_has_alarm(const struct healer *healer, const struct hlr_episode *episode);

/* ---- decision.c */

void hlr_decide(struct healer *healer);
/* The kind at that rung now, HEALER_ACTION_COUNT when the ladder has ended. */
enum healer_action_kind hlr_rung(const struct healer *healer, const struct hlr_episode *episode,
                                 uint32_t *rung);

/* ---- recovery.c */

void hlr_recover(struct healer *healer, struct hlr_episode *episode);
void hlr_take_result(struct healer *healer, int64_t at_ns, const struct healer_result *result);
void hlr_commands_check(struct healer *healer);
uint32_t hlr_commands_open(const struct healer *healer);
void hlr_degradation_step(struct healer *healer);
/* Puts a command out; false when budget or room forbid. */
bool hlr_command(struct healer *healer, struct hlr_episode *episode, enum healer_action_kind kind,
                 uint32_t instance, double amount);

/* ---- verification.c, escalation.c, learning.c, prediction.c, health.c */

/* The episode goes into the caller's analytics, if there are any. */
void hlr_account(struct healer *healer, const struct hlr_episode *episode);
/* A command of that kind was given for the episode. */
void hlr_tried(struct healer *healer, struct hlr_episode *episode, enum healer_action_kind kind);

void hlr_verify(struct healer *healer);
void hlr_escalate(struct healer *healer, struct hlr_episode *episode);
void hlr_escalation_deadlines(struct healer *healer);
void hlr_learn(struct healer *healer, const struct hlr_episode *episode, bool helped);
void hlr_trend_add(struct hlr_instance *instance, int64_t at_ns, double value);
void hlr_predict(struct healer *healer);
void hlr_health_update(struct healer *healer);

#endif
