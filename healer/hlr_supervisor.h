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

#include "healer/anomaly.h"
#include "healer/degrade.h"
#include "healer/forecast.h"
#include "healer/heal_rules.h"
#include "healer/heal_watch.h"
#include "healer/healer.h"
#include "healer/hlr_base.h"
#include "healer/patterns.h"
#include "healer/procedure.h"
#include "healer/resume.h"

#include <math.h>
#include <pthread.h>

enum {
        HLR_TRACK = 64,         /* samples of each signal kept for an instance, twice: */
        HLR_COARSE = 8,         /* the newest ones, and means of so many */
        HLR_GAPS_MAX = 8,
        HLR_FORECASTS_MAX = 128, /* predictions that stand */
        HLR_CANDIDATES_MAX = 24, /* of one instance in one tick */
        HLR_PENDING_MAX = 128,  /* situations whose end is not known yet */
        HLR_DAYS = 31,
        HLR_HOURS_OF_LOAD = 96, /* a quarter of an hour each */
        HLR_EXITS_MAX = 8,
        HLR_TARGETS_MAX = 32,   /* instances of one episode */
        HLR_EPISODES_MAX = HEALER_EPISODES_MAX,
        HLR_COMMANDS_MAX = 128,
        HLR_HISTORY_MAX = 1024, /* commands remembered for the budget */
        HLR_CAUSES_MAX = 3,
        HLR_NOTICES_MAX = 512,
        HLR_RECALL_MAX = 64,    /* closed episodes remembered for recurrence */
        HLR_SCORES_MAX = 10,
        HLR_HARM = 16,          /* samples of harm kept for an edge */
        HLR_BINS = 60,          /* of availability, a minute each */
        HLR_CHECKS = 1024       /* of which each is one bit */
};

/* Monitors of an instance, by metric; and of an edge. */
enum { HLR_INSTANCE_METRICS = HEALER_METRIC_QUEUE + 1, HLR_EDGE_METRICS = 3 };

/* What is followed over time, for an instance. */
enum hlr_signal {
        HLR_SIGNAL_MEMORY,
        HLR_SIGNAL_DISK,
        HLR_SIGNAL_FDS,
        HLR_SIGNAL_POOL,
        HLR_SIGNAL_TOKENS,
        HLR_SIGNAL_CPU,
        HLR_SIGNAL_ERRORS,
        HLR_SIGNAL_LATENCY, /* median, s */
        HLR_SIGNAL_QUEUE,   /* waiting */
        HLR_SIGNAL_LOAD,    /* answers a second */
        HLR_SIGNAL_BUSY,    /* share of the workers, by Little: load * latency / workers */
        HLR_SIGNAL_COUNT
};

/* The last samples, a ring; NaN where one was missing. What came in one sample lies side
 * by side, since each sample writes and few are read back. */
struct hlr_track {
        int64_t at_ns[HLR_TRACK];
        float value[HLR_TRACK][HLR_SIGNAL_COUNT];
        uint32_t count; /* ever since the process began */
};

/* Detectors of a service, one a metric. */
enum hlr_odd { HLR_ODD_CPU, HLR_ODD_ERRORS, HLR_ODD_LATENCY, HLR_ODD_LOAD, HLR_ODD_COUNT };

enum hlr_level { HLR_FINE, HLR_WARNING, HLR_CRITICAL };

/* One metric at one place. What each sample touches comes first. */
struct hlr_monitor {
        int64_t seen_ns;           /* of the last value; INT64_MIN: none yet */
        double value;
        double limit;              /* that was held against it; of a latency that is below
                                      half of it, maybe a lower one (usual_low) */
        int64_t broken_since_ns;   /* above the warning limit since; HEALER_NEVER: not */
        int64_t critical_since_ns;
        enum hlr_level level;      /* after dwell: what an alarm rests on */
        uint32_t usual_count[2];
        int64_t good_since_ns;     /* below the limit less hysteresis since; HEALER_NEVER: not */
        double calls, bad_calls;   /* seen since it broke */
        double usual[2];           /* log of what is usual: median, 95 % (latency only) */
        double usual_low[2];       /* what is usual is at least that: detection.c */
};

enum hlr_process {
        HLR_UP,
        HLR_BOOTING, /* added, not started yet */
        HLR_EXITED,
        HLR_REMOVED
};

struct hlr_instance {
        uint32_t service;
        uint32_t next;          /* of the same service, by index; HEALER_NONE: the last */
        enum hlr_process process;
        bool silent;            /* heartbeats are missing */
        bool check_failing;     /* the platform's health check says no */
        bool planned;           /* ended in order, or by a command of ours */
        bool oom;
        int exit_code;
        int64_t sampled_ns;     /* of the newest sample; INT64_MIN: none */
        int64_t changed_ns;     /* into this process state */
        int64_t silent_since_ns, check_since_ns;
        int64_t started_ns;
        int64_t exits_ns[HLR_EXITS_MAX]; /* unplanned ones, a ring */
        uint32_t exit_count;
        uint64_t command;       /* of ours that is under way on it, or 0 */
        int64_t command_from_ns, commanded_ns; /* the last one's time, INT64_MIN: never */
        bool unsure;            /* false: every monitor is fine and unbroken */
        struct hlr_monitor monitors[HLR_INSTANCE_METRICS];
        /* prediction */
        struct hlr_track fine, coarse;
        double coarse_sum[HLR_SIGNAL_COUNT], coarse_at_s;
        uint32_t coarse_known[HLR_SIGNAL_COUNT], coarse_pending;
        double quick[HLR_SIGNAL_COUNT], slow[HLR_SIGNAL_COUNT]; /* means; NaN: none yet */
        double load_usual;      /* much slower; survives a restart. NaN: none yet */
        int64_t gaps_ns[HLR_GAPS_MAX]; /* heartbeats missed, a ring */
        uint32_t gap_count;
        uint32_t slow_after_change; /* samples in order that were slower than before it */
        int64_t prevent_after_ns; /* not before, after a try */
        double usual_first[2];  /* log of the usual latency when it was first known; NaN */
};

struct hlr_edge {
        uint32_t from, to;
        uint32_t next_to;       /* to the same service, by index; HEALER_NONE: the last */
        bool kept_off;          /* a breaker keeps calls away */
        int64_t kept_off_ns;    /* last time it did; INT64_MIN: never */
        bool unsure;            /* false: every monitor is fine and unbroken */
        struct hlr_monitor monitors[HLR_EDGE_METRICS]; /* network, error rate, latency */
        /* what its callers suffered, a ring: harm.c */
        int64_t harm_at_ns[HLR_HARM];
        float harm_calls[HLR_HARM], harm_bad[HLR_HARM];
        uint32_t harm_count;
        /* calls a sample, lately and usually: cold_cache.c */
        double calls_quick, calls_usual;
        uint32_t calls_seen;    /* samples, as far as it matters */
};

/* Shares of bad calls in a stretch of time; NaN: too few to say. */
struct hlr_harm {
        double users; /* of those who need the service, near or far */
        double own;   /* of those who call it */
};

/* A metric of the caller's own. */
struct hlr_own_monitor {
        struct healer_monitor_info info; /* name: that below */
        char name[48];
        struct hlr_monitor state;
        int64_t next_ns;        /* read then; INT64_MIN: at once */
        bool known;
        uint64_t reads, failures;
};

/* A failure that somebody knows of. */
struct hlr_report {
        int64_t at_ns, until_ns; /* until INT64_MIN: none stands */
        uint32_t instance;
        enum healer_severity severity;
        double value;           /* its usage in percent, or NaN */
};

struct hlr_alarm {
        uint64_t id;            /* 0: not active */
        uint64_t episode;       /* it was explained by, or 0 */
        int64_t opened_ns;
        enum hlr_level level;
        enum healer_metric metric;
        uint32_t instance, edge;
        uint32_t monitor;       /* of the caller's own, and one; 0: none */
        bool reported;          /* by somebody who knows of it */
        double value, limit;
};

struct hlr_service {
        struct healer_service_info info; /* name is not kept */
        double objective_s;     /* of its latency; infinite: none declared */
        char name[64];
        uint32_t first_instance, first_edge; /* HEALER_NONE: none */
        struct hlr_alarm alarms[HEALER_FAILURE_COUNT];
        struct hlr_monitor custom;
        bool deploying;
        int64_t deploy_started_ns, deploy_ended_ns; /* INT64_MIN: never */
        int64_t config_ns;
        int64_t outside_ns;     /* its processes last said that somebody else failed them, */
        enum healer_failure outside; /* and how; INT64_MIN: never */
        /* what our own actions left in force, to be taken back when all is calm */
        uint32_t level;         /* of degradation */
        uint32_t level_usage;   /* that usage and rules last asked for: levels.c */
        uint32_t level_by;      /* whose usage; HEALER_METRIC_COUNT: a rule */
        int64_t level_back_ns;  /* when it was last given back; INT64_MIN: never */
        int64_t level_wait_ns;  /* it stays at least so long */
        uint32_t level_tried;   /* and that was last ordered for them */
        struct healer_degrade *ladders[HLR_INSTANCE_METRICS]; /* NULL: not watched */
        struct healer_rules *rules;                           /* NULL: none */
        double shed;            /* share refused */
        int32_t scaled;         /* instances added */
        int64_t eased_ns;       /* last change of these */
        uint64_t eased_episode; /* on whose behalf */
        int64_t sick_ns;        /* last time that it had an episode */
        bool undo;              /* none of these helped: back at once */
        struct {
                int64_t at_ns;  /* INT64_MIN: never */
                enum healer_failure failure;
        } useless[HEALER_ACTION_COUNT]; /* what was tried last and did not help */
        struct {
                int64_t at_ns;      /* INT64_MIN: never */
                int64_t process_ns; /* when the process had begun that was to fail */
        } prevented[HEALER_FAILURE_COUNT]; /* the first time within the correlation window */
        /* a step back on trial, while its failure still lasts */
        bool probing;
        uint32_t probe_level;   /* what was in force before it */
        double probe_shed;
        int64_t probe_wait_ns;  /* the next trial is so long after the last change */
        struct hlr_harm probe_before;
        /* who else changes it */
        int64_t rolled_back_ns; /* our last rollback of its configuration; INT64_MIN: never */
        int64_t shrunk_ns;      /* somebody took an instance away; INT64_MIN: never */
        uint32_t standing_first; /* instances that it had at the start */
        bool reached;           /* scratch of harm.c */
        /* health */
        double score_now;       /* scratch of health.c */
        double scores[HLR_SCORES_MAX];
        uint32_t score_count;
        uint32_t bin_good[HLR_BINS], bin_all[HLR_BINS];
        int64_t bin_at;         /* number of the newest minute */
        int warned;             /* 0 none, 1 warning, 2 critical, 3 fatal */
        uint32_t early;         /* bit i: enum healer_warning i was said and still holds */
        enum healer_status status; /* that was last told */
        struct healer_health_point points[HEALER_HEALTH_POINTS]; /* a ring */
        uint64_t point_count;
        uint64_t check_bits[HLR_CHECKS / 64]; /* a ring: 1 was good */
        uint64_t check_count;
        struct hlr_report reports[HEALER_FAILURE_COUNT];
        bool reported;          /* one of them ever was made */
        /* anomalies: what the batch said so far, and until when one is fresh */
        double odd_sum[HLR_ODD_COUNT], odd_weight[HLR_ODD_COUNT];
        int64_t odd_at_ns;      /* of the batch; INT64_MIN: nothing pending */
        struct healer_anomaly *odd[HLR_ODD_COUNT]; /* NULL: not watched */
        int64_t odd_until_ns[HLR_ODD_COUNT];
        /* load by the time of day: means, and days seen */
        float load_mean[HLR_HOURS_OF_LOAD];
        uint16_t load_days[HLR_HOURS_OF_LOAD];
        double load_sum;        /* of the slot under way */
        uint32_t load_count;
        int64_t load_slot;      /* number of it since the epoch; INT64_MIN: none */
        int64_t cased_ns;       /* when its situation was last remembered */
};

/* One sign of a failure to come, before it is decided whether it is said. */
struct hlr_candidate {
        enum healer_source source;
        enum healer_failure failure;
        enum healer_metric metric;
        uint32_t service, instance; /* instance HEALER_NONE: the service as a whole */
        uint32_t pattern;       /* it rests on, or HEALER_NONE */
        double similarity, value, limit;
        int64_t seen_ns;        /* newest evidence */
        int64_t eta_ns, eta_low_ns, eta_high_ns;
        uint32_t reasons;       /* enum healer_reason */
        bool only_said;         /* users feel it already: acting is for an alarm */
};

/* A prediction that was said and is not scored yet. */
struct hlr_forecast {
        struct hlr_candidate what;
        uint64_t id;            /* 0: free */
        double confidence;
        int64_t said_ns;
        bool acted;             /* nobody can know any more */
        bool scored;            /* it came true, and is not said again while it lasts */
};

/* A situation that may or may not end badly. */
struct hlr_pending {
        int64_t at_ns;          /* INT64_MIN: free */
        uint32_t service;
        double features[HEALER_FEATURE_COUNT];
};



/* What diagnosis found. */
struct hlr_cause {
        enum healer_failure failure;
        uint32_t service, edge;
        double confidence;
        int64_t not_before_ns;  /* the platform may still mend it by itself */
        bool checks_lie;        /* its health checks fail, and nothing else does */
        bool cold_cache;        /* its cache spares its backend nothing */
        bool dies_again;        /* a new process on the same host is no cure */
        bool reported;          /* by the caller, and stands until it is taken back */
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
        int64_t rung_ns;                /* first command of the present rung */
        struct hlr_harm before;         /* that rung */
        bool checks_lie;                /* health checks fail where all else is well */
        bool cold_cache;                /* what it cached is lost */
        bool dies_again;                /* a new process on the same host is no cure */
        bool useless;                   /* what it renewed is bad again */
        uint32_t skips;                 /* messages set aside */
        int64_t last_skip_ns;           /* INT64_MIN: none */
        bool rung_done;                 /* an action of it reported success: claim.c */
        int64_t done_first_ns, done_last_ns; /* ... then; HEALER_NEVER: none */
        struct hlr_harm at_done;        /* just before the first of them */
        int64_t hurt_ns;                /* when it was last seen broken */
        bool helped;                    /* callers suffered less soon after the last of them */
        enum healer_action_kind acting; /* the kind of the present rung */
        enum healer_action_kind last_kind; /* that was carried out; HEALER_ACTION_COUNT: none */
        enum healer_action_kind tried[HEALER_ANALYTICS_ACTIONS_MAX]; /* kinds, in their order */
        uint32_t tried_count;   /* may be more than have room */
        int64_t acted_ns;       /* first command; HEALER_NEVER: none */
        struct hlr_target targets[HLR_TARGETS_MAX];
        uint32_t target_count;
        uint32_t commands_open, commands_ok;
        bool written;           /* the present action is one that people wrote: written.c */
        bool by_rule;           /* a rule did, and not a procedure */
        enum healer_action_kind rule_kind; /* which is then this */
        bool written_done;      /* and nothing of it is left */
        bool left_alone;        /* by a rule */
        uint32_t written_step;  /* of its procedure */
        bool without;           /* no action is written against it: counted */
        bool claimed, verified, escalated, preventive, suggested, approved, rejected, closing,
                failed;
        uint64_t prediction;
        enum healer_metric foreseen;    /* preventive: what was to run out, and how far it was */
        enum healer_metric alarmed;     /* else: what alarmed first */
        double foreseen_value;
        enum healer_context context;
        int64_t approval_until_ns;
};

struct hlr_command {
        struct healer_command order; /* id 0: free */
        int64_t issued_ns, due_ns;
        bool late;
};

struct hlr_past_command {
        int64_t at_ns;
        uint32_t service, instance;
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
        /* the same by what was going on */
        struct healer_effect by_context[HEALER_CONTEXT_COUNT][HEALER_FAILURE_COUNT]
                                       [HEALER_ACTION_COUNT];

        struct hlr_forecast forecasts[HLR_FORECASTS_MAX];
        struct healer_tally tallies[HEALER_SOURCE_COUNT][HEALER_FAILURE_COUNT];
        struct healer_day days[HLR_DAYS];
        struct healer_patterns *patterns; /* NULL: the source is off */
        struct healer_model model;
        struct healer_cases cases;
        uint32_t
                case_moments; /* times at which something failed, the parts of one failure as one */
        int64_t case_failed_ns;
        struct hlr_pending pending[HLR_PENDING_MAX];
        uint32_t pending_next;
        int64_t cased_ns;
        struct healer_tuning tuning[HEALER_METRIC_COUNT];
        struct healer_threshold limits[HEALER_METRIC_COUNT]; /* in force: hlr_limits() */
        bool limits_known;      /* and they are still those */
        struct healer_heal_rules *rules;      /* that people wrote; NULL: none */
        struct healer_procedures *procedures; /* NULL: they are not gone through */
        struct healer_features *features; /* of the configuration; NULL: none */
        int64_t levels_ns;      /* when levels were last looked at; INT64_MIN: never */
        struct healer_heal_watch watches[HEALER_FAILURE_COUNT];

        int64_t now_ns;
        int64_t judged_ns;      /* last tick that judged samples */
        int64_t health_ns;
        int64_t dwell_ns;       /* of the sample that is judged: half where an anomaly is fresh */
        int64_t interval_seen_ns; /* between samples, as they come */
        double interval_s;      /* the same, or what is configured while none was seen */
        int64_t sample_ns;      /* of the newest sample */
        uint64_t next_id;
        bool sampled;           /* samples came since they were last judged */
        bool told;              /* something else did */
        bool troubled;          /* users or callers felt something when last looked at */
        uint32_t work;          /* samples since they were last judged */
        uint32_t stretch;       /* of the interval between judgements, >= 1 */
        int64_t reconciled_ns, leak_checked_ns; /* when each was last due; INT64_MIN: never */
        uint64_t orders_at_cycle;
        enum healer_status status; /* of all, that was last told */
        struct hlr_own_monitor monitors[HEALER_MONITORS_MAX];
        uint32_t monitor_count;
        struct healer_stats stats;

        struct healer_notice notices[HLR_NOTICES_MAX];
        uint32_t notice_count;
        struct healer_command orders[HLR_COMMANDS_MAX];
        uint32_t order_count;

        /* of gate.c */
        pthread_mutex_t lock;   /* on all of the above, but while calling back */
        bool handing_on;        /* `hands` is calling back */
        pthread_t hands;
        bool reading;           /* `reader` is reading monitors */
        pthread_t reader;
        struct healer_handler handlers[HEALER_HANDLERS_MAX];
        uint32_t handler_count;
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
enum healer_err hlr_escalation_of(const struct healer *healer, uint64_t id,
                                  struct healer_escalation *out, char *text, size_t size);
enum healer_err hlr_close_episode(struct healer *healer, uint64_t id);
enum healer_err hlr_register_strategy(struct healer *healer, enum healer_failure failure,
                                      const struct healer_ladder *ladder);
struct healer_stats hlr_stats(const struct healer *healer);
struct healer_health_report hlr_health_of(const struct healer *healer, uint32_t service);
struct healer_effect hlr_effect(const struct healer *healer, enum healer_failure failure,
                                enum healer_action_kind action);

struct healer_effect hlr_effect_in(const struct healer *healer, enum healer_context context,
                                   enum healer_failure failure, enum healer_action_kind action);
enum healer_err hlr_prediction_outcome(struct healer *healer, uint64_t prediction,
                                       bool came_true);
struct healer_tally hlr_prediction_day(const struct healer *healer, int64_t at_ns,
                                       enum healer_source source);
struct healer_outlook hlr_outlook_of(const struct healer *healer, uint32_t service);
void hlr_export(const struct healer *healer, struct healer_learned *out);
enum healer_err hlr_import(struct healer *healer, const struct healer_learned *learned);
void hlr_open_export(const struct healer *healer, struct healer_open *out);
enum healer_err hlr_open_import(struct healer *healer, int64_t now_ns,
                                const struct healer_open *open);

uint32_t hlr_health_history(const struct healer *healer, uint32_t service,
                            struct healer_health_point *out, uint32_t count_max);
void hlr_overview(const struct healer *healer, struct healer_overview *out);
enum healer_err hlr_register_monitor(struct healer *healer, const struct healer_monitor_info *info,
                                     uint32_t *index);
enum healer_err hlr_observe_monitor(struct healer *healer, int64_t at_ns, uint32_t index,
                                    double value);
enum healer_err hlr_monitor_state(const struct healer *healer, uint32_t index,
                                  struct healer_monitor_state *out);
/* The next monitor to read, which is then no longer due; or HEALER_NONE. */
uint32_t hlr_monitor_due(struct healer *healer, int64_t now_ns);
enum healer_err hlr_report(struct healer *healer, int64_t at_ns, uint32_t service,
                           uint32_t instance, const struct healer_failure_seen *failure,
                           int64_t stands_ns);
enum healer_err hlr_unreport(struct healer *healer, uint32_t service, enum healer_failure failure);

/* ---- out (healer.c) */

uint64_t hlr_next_id(struct healer *healer);
struct healer_notice hlr_notice(enum healer_notice_kind kind);
void hlr_say(struct healer *healer, const struct healer_notice *notice);
/* A notice about an episode, with its service, failure and severity. */
void hlr_say_episode(struct healer *healer, const struct hlr_episode *episode,
                     enum healer_notice_kind kind);

/* Makes the lists of each service's instances and of the edges to it anew. */
void hlr_index(struct healer *healer);

/* ---- detection.c */

void hlr_monitor_clear(struct hlr_monitor *monitor);
/* One value of a metric that needs no traffic, by limits of its own. */
void hlr_judge(const struct healer *healer, struct hlr_monitor *monitor, double value,
               double warning, double critical, int64_t at_ns);
/* Fresh evidence only, after what was measured has been replaced. */
void hlr_instance_forget(struct hlr_instance *instance);
bool hlr_service_changing(const struct healer *healer, const struct hlr_service *service);

/* ---- alarms.c */

void hlr_detect(struct healer *healer);
/* An edge monitor is broken now, alarmed or not yet, or silenced by a breaker. */
bool hlr_edge_suspicious(const struct healer *healer, const struct hlr_edge *edge);
/* How long a heartbeat may be missing: less where something is felt already. */
int64_t hlr_patience(const struct healer *healer);

/* ---- events.c: what happened to processes, deployments, configurations */

void hlr_take_event(struct healer *healer, const struct healer_occurrence *event);
/* It has answered in the interval up to then: if it was said to be gone, the word that
 * it is back was lost. */
void hlr_sign_of_life(const struct healer *healer, struct hlr_instance *instance, int64_t at_ns);

/* ---- classify.c */

/* (healer_classify_text() is public: healer.h) */
enum healer_severity hlr_severity(const struct healer *healer, const struct hlr_alarm *alarm,
                                  const struct hlr_service *service);

/* ---- monitors.c, reports.c: what the caller adds */

enum healer_status hlr_monitor_status(const struct healer *healer,
                                      const struct hlr_own_monitor *monitor);
int64_t hlr_monitors_next(const struct healer *healer);
bool hlr_report_stands(const struct healer *healer, const struct hlr_report *report);
/* What was reported of the service needs no diagnosis; false: nothing was. */
bool hlr_reported_cause(const struct healer *healer, uint32_t service, struct hlr_cause *out);
void hlr_reports_close(struct healer *healer, const struct hlr_episode *episode);

/* ---- reconcile.c: the look at everything, at its interval */

void hlr_reconcile(struct healer *healer);
int64_t hlr_reconcile_next(const struct healer *healer);

/* ---- diagnosis.c: ranked causes of the alarms of a service; how many */

/* Whatever there is to see of it was good in its last sample. */
bool hlr_recovering(const struct healer *healer, uint32_t service);
uint32_t hlr_diagnose(const struct healer *healer, uint32_t service, struct hlr_cause *causes);

/* ---- survey.c; the rest of it is in hlr_survey.h */

/* What began at `first_ns` began after the last deployment of the service, and that is
 * less than `within_ns` ago. */
bool hlr_since_deployment(const struct healer *healer, uint32_t service, int64_t first_ns,
                          int64_t within_ns);

/* ---- cold_cache.c */

void hlr_calls_add(struct hlr_edge *edge, double calls);
/* Who asks the service many times as much as usual since its cache holds nothing any
 * more; HEALER_NONE: nobody. */
uint32_t hlr_cold_cache(const struct healer *healer, uint32_t service);

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

/* ---- config.c */

/* As built in, and not somebody's own. */
bool hlr_ladder_is_default(enum healer_failure failure, const struct healer_ladder *ladder);

/* ---- decision.c */

void hlr_decide(struct healer *healer);
/* The kind at that rung now, HEALER_ACTION_COUNT when the ladder has ended. */
enum healer_action_kind hlr_rung(const struct healer *healer, const struct hlr_episode *episode,
                                 uint32_t *rung);

/* Whether this place can carry that out now, and it makes sense. */
bool hlr_possible(const struct healer *healer, const struct hlr_episode *episode,
                  enum healer_action_kind kind);
/* No alarm of it is active any more, or all of them are about to end. */
bool hlr_passes(const struct healer *healer, const struct hlr_episode *episode);

/* ---- recovery.c */

void hlr_recover(struct healer *healer, struct hlr_episode *episode);
void hlr_take_result(struct healer *healer, int64_t at_ns, const struct healer_result *result);
void hlr_commands_check(struct healer *healer);
uint32_t hlr_commands_open(const struct healer *healer);
void hlr_degradation_step(struct healer *healer);
/* Puts a command out; false when budget or room forbid. */
bool hlr_command(struct healer *healer, struct hlr_episode *episode, enum healer_action_kind kind,
                 uint32_t instance, double amount);

/* What callers suffer since the present rung has been carried out. */
struct hlr_harm hlr_harm_since(struct healer *healer, const struct hlr_episode *episode);
/* Takes the next rung: this one did not help. What it put in force goes back. */
void hlr_rung_failed(struct healer *healer, struct hlr_episode *episode);

/* In its own name and that of the episode, if any, that put something in force there. */
bool hlr_set_in_force(struct healer *healer, uint32_t service, uint64_t episode,
                      enum healer_action_kind kind, double amount);
bool hlr_service_busy(const struct healer *healer, uint32_t service);

/* ---- levels.c: what usage and rules ask for */

void hlr_levels_default(struct healer_levels *out);
/* Why the table of that metric (of all, HEALER_METRIC_COUNT) is refused, or NULL. */
const char *hlr_levels_wrong(const struct healer_config *config, uint32_t metric);
const char *hlr_level_rules_wrong(const struct healer_config *config);
enum healer_err hlr_levels_create(struct healer *healer);
void hlr_levels_destroy(struct healer *healer);
void hlr_levels_watch(struct healer *healer);
/* When to look again; HEALER_NEVER: nothing is watched. */
int64_t hlr_levels_next(const struct healer *healer);
/* The lowest level that there is. */
uint32_t hlr_levels_last(const struct healer *healer);
/* What the level leaves, into an order for it. */
void hlr_level_describe(struct healer *healer, struct healer_command *order);

/* ---- harm.c: what callers suffer */

void hlr_harm_add(const struct healer *healer, struct hlr_edge *edge,
                  const struct healer_edge_sample *sample, int64_t at_ns);
/* Of the last samples, without those from before anybody suffered: what raises an alarm
 * at once has only begun. */
struct hlr_harm hlr_harm_before(struct healer *healer, uint32_t service);
/* Of the last two samples. */
struct hlr_harm hlr_harm_lately(struct healer *healer, uint32_t service);
/* Of samples in (from, to]. */
struct hlr_harm hlr_harm_of(struct healer *healer, uint32_t service, int64_t from_ns,
                            int64_t to_ns);
/* There was harm enough to see it end. */
bool hlr_harm_felt(struct hlr_harm before, struct hlr_harm after);
/* Less harm, by a fifth at least; clearly more. What is not known is neither. */
bool hlr_harm_less(struct hlr_harm before, struct hlr_harm after);
bool hlr_harm_more(struct hlr_harm before, struct hlr_harm after);

/* ---- written.c: rules and procedures, before the ladder */

enum hlr_written {
        HLR_WRITTEN_NOTHING, /* the ladder's turn */
        HLR_WRITTEN_STEP,
        HLR_WRITTEN_LEAVE    /* a rule says to leave it alone */
};

const char *hlr_written_wrong(const struct healer_config *config);
enum healer_err hlr_written_create(struct healer *healer);
void hlr_written_destroy(struct healer *healer);
enum hlr_written hlr_written_next(struct healer *healer, struct hlr_episode *episode,
                                  enum healer_action_kind *kind);
/* The present step is done; true: there is another before it is looked whether they
 * helped, and that is the present one now. */
bool hlr_written_goes_on(const struct healer *healer, struct hlr_episode *episode);
/* What the present step says; 0: nothing. */
double hlr_written_amount(const struct healer *healer, const struct hlr_episode *episode);

/* ---- claim.c: may it be said that an action has healed it? */

/* A rung begins; an action of it has reported success; each tick. */
void hlr_claim_begin(struct hlr_episode *episode);
void hlr_claim_done(struct healer *healer, struct hlr_episode *episode);
void hlr_claim_look(struct healer *healer, struct hlr_episode *episode);
/* What is well now may be so because of the present rung; and its callers say so too. */
bool hlr_claimable(const struct healer *healer, const struct hlr_episode *episode);
bool hlr_callers_agree(struct healer *healer, const struct hlr_episode *episode);

/* ---- verification.c, escalation.c, learning.c, prediction.c, health.c */

/* The episode goes into the caller's analytics, if there are any. */
void hlr_account(struct healer *healer, const struct hlr_episode *episode);
/* A command of that kind was given for the episode. */
void hlr_tried(struct healer *healer, struct hlr_episode *episode, enum healer_action_kind kind);

void hlr_verify(struct healer *healer);
void hlr_escalate(struct healer *healer, struct hlr_episode *episode);
void hlr_escalation_deadlines(struct healer *healer);
void hlr_learn(struct healer *healer, const struct hlr_episode *episode, bool helped);
enum healer_context hlr_context_of(const struct healer *healer, const struct hlr_episode *episode);
/* Counts the limits in force anew: as written, or tuned. */
void hlr_limits(struct healer *healer);
void hlr_tune(struct healer *healer, enum healer_metric metric, bool false_alarm);
void hlr_predict(struct healer *healer);
void hlr_predictions_acted(struct healer *healer, uint64_t prediction);
/* A failure is there: what was predicted of it has come true. */
void hlr_predictions_meet(struct healer *healer, uint32_t service, enum healer_failure failure);
void hlr_health_update(struct healer *healer);

/* ---- track.c: the signals of an instance over time */

void hlr_track_clear(struct hlr_instance *instance);
void hlr_track_add(struct hlr_instance *instance, int64_t at_ns,
                   const double values[HLR_SIGNAL_COUNT]);
/* The newest `count_max` values, oldest first; how many. */
uint32_t hlr_track_last(const struct hlr_instance *instance, enum hlr_signal signal, double *out,
                        uint32_t count_max);
/* Whether a fit is worth its time: at three times its present pace it gets there
 * within the horizon. */
bool hlr_track_rises(const struct hlr_instance *instance, enum hlr_signal signal, double limit,
                     double horizon_s, double interval_s);
/* Over the newest samples, or, `coarse`, over the means; what the load explains is
 * taken out where `beside_load`. */
bool hlr_track_fit(const struct hlr_instance *instance, enum hlr_signal signal, bool coarse,
                   bool beside_load, struct healer_line *out);
void hlr_features(const struct healer *healer, uint32_t index,
                  double out[HEALER_FEATURE_COUNT]);

/* ---- evidence.c: the sources */

/* Signs of failure at one instance, and at a service as a whole; how many. */
uint32_t hlr_evidence_instance(struct healer *healer, uint32_t index, struct hlr_candidate *out);
uint32_t hlr_evidence_service(struct healer *healer, uint32_t index, struct hlr_candidate *out);

/* ---- odd.c: anomalies of a service's metrics, and its load by the time of day */

enum healer_err hlr_odd_create(struct healer *healer);
void hlr_odd_destroy(struct healer *healer);
void hlr_odd_add(struct hlr_service *service, int64_t at_ns,
                 const struct healer_instance_sample *sample, double calls);
void hlr_odd_judge(struct healer *healer);
bool hlr_odd_now(const struct healer *healer, const struct hlr_service *service,
                 enum hlr_odd metric);
/* Answers a second expected at that time, by the days before; NaN: not known. */
double hlr_load_at(const struct hlr_service *service, int64_t at_ns);

#endif
