/* harness/run/record.h - the record of a run: what reports are made from.
 *
 * Facts of the fleet and the journal of what was done and said; no metric is
 * computed here. `struct run_meta` is one for a run, a `replication_record`
 * comes with each replication, in order of its number, and may be forgotten
 * once it was graded. Texts are static or belong to the meta's owner.
 *
 * Reports see this header and harness/fleet/measure.h, nothing else of the
 * harness.
 */
#ifndef CHAOS_RUN_RECORD_H
#define CHAOS_RUN_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/fleet/measure.h"
#include "harness/sim/time.h"

enum arm { ARM_TREATED, ARM_SHADOW, ARM_UNTREATED, ARM_QUIET, ARM_CALM, ARM_COUNT };

extern const char *const arm_names[ARM_COUNT];

#define RECORD_NONE UINT32_MAX

/* ---- what is the same in every replication */

struct meta_service {
        const char *name;
        bool entry;      /* a load source calls it: its incidents are user-visible */
        bool critical;
        bool has_slo;
        double slo_target, slo_quality;
        int64_t slo_latency_ns, slo_window_ns;
        uint32_t instance_count; /* at the start */
        uint32_t worker_count;   /* at the start, all instances */
        double offered_per_s;    /* expected logical calls a second by the declared load */
        uint32_t user_count;     /* closed users whose requests it gets */
        double open_per_s;       /* of `offered_per_s`: by open sources */
        const bool *reaches;     /* [service_count]: calls, directly or not; itself too */
};

struct meta_edge {
        const char *name; /* "checkout->payment", "shoppers->frontend" for a load source */
        uint32_t from, to; /* from: RECORD_NONE for a load source */
};

struct meta_fault {
        const char *name; /* of the entry */
        const char *kind;
        const char *family;
        const char *lives_in; /* layer */
        const char *failure_type; /* that it causes, as healers call it; NULL: as its family */
        uint32_t cured_by;    /* bit i: action kind i resets its layer (or acts on client faults) */
        bool harmful;         /* not a decoy, not on the healer */
        bool on_healer;
        bool policy_coupled;  /* its times are what a healer did */
        const char *monkey;   /* whose choice it is: it need not come in every run; NULL: none */
};

struct meta_probe {
        const char *name, *metric, *tolerance;
        uint32_t service; /* or RECORD_NONE: all entry services */
        int64_t at_ns;    /* TIME_NEVER: a steady-state probe */
        double low, high;
        bool low_open, high_open;
};

struct meta_threshold {
        const char *text, *metric;
        double quantile;
        const char *arm, *service, *fault, *failure_type, *severity, *phase;
        const char *op;
        double value, confidence;
        bool no_data_passes;
};

struct run_meta {
        const char *title, *description, *file, *digest;
        uint64_t seed;
        uint32_t replications;
        int64_t duration_ns, warmup_ns, cooldown_ns; /* cooldown < 0: automatic */
        const char *healer_name, *healer_digest;
        bool arm_run[ARM_COUNT];
        struct meta_service *services;
        uint32_t service_count;
        struct meta_edge *edges;
        uint32_t edge_count;
        const char *const *instance_names; /* of those at the start */
        struct meta_fault *faults;
        uint32_t fault_count;
        struct meta_probe *probes; /* steady state and in the method */
        uint32_t probe_count;
        struct meta_threshold *thresholds;
        uint32_t threshold_count;
        const char *const *variable_names, *const *variable_values;
        uint32_t variable_count;
        int64_t prediction_window_ns, minimum_lead_ns, horizon_ns;
        bool has_cost;
        double cost_failed_request, cost_human_page, cost_action, cost_instance_hour;
        const char *const *action_names; /* by action kind */
        uint32_t action_kind_count;
        const char *command; /* how to repeat the run, for people */
        const char *version; /* of the harness; NULL: unknown */
        const char *const *override_names, *const *override_values; /* of the healer, by --env */
        uint32_t override_count;
        bool policy_coupled; /* closed load, `when` faults, stop conditions */
        bool not_repeatable; /* operations.think is "wall" */
};

/* ---- the journal */

enum journal_type {
        JOURNAL_RUN_STARTED,
        JOURNAL_FAULT_STARTED,    /* ref: fault index; service, instance, edge: one target (or none) */
        JOURNAL_FAULT_ENDED,
        JOURNAL_INCIDENT_OPENED,  /* ref: index in incidents */
        JOURNAL_INCIDENT_CLOSED,
        JOURNAL_ALARM,            /* id, kind: failure type, severity, metric, value, limit, episode */
        JOURNAL_ALARM_CLEARED,    /* id of the alarm */
        JOURNAL_DIAGNOSIS,        /* episode, kind: cause, confidence, rank */
        JOURNAL_PREDICTION,       /* id, kind: failure type, confidence, eta_ns */
        JOURNAL_PREDICTION_OUTCOME,
        JOURNAL_EPISODE,          /* kind: opened claimed verified failed closed */
        JOURNAL_ACTION_STARTED,   /* id, action, episode, preventive, held_back */
        JOURNAL_ACTION_FINISHED,  /* id, ok, text: reason */
        JOURNAL_SUGGESTION,
        JOURNAL_WARNING,          /* kind: what of, metric, value, limit: nobody is hurt yet */
        JOURNAL_BREAKER_OPENED,   /* edge */
        JOURNAL_BREAKER_HALF_OPENED,
        JOURNAL_BREAKER_CLOSED,
        JOURNAL_DEGRADATION_CHANGED, /* service, value: level */
        JOURNAL_INSTANCE_STATE,   /* kind: new state, text: cause */
        JOURNAL_DEPLOYMENT,       /* kind: started finished, text: version; value: 1 when it is a bad one */
        JOURNAL_BACKGROUND,       /* kind: which benign change */
        JOURNAL_ESCALATION,       /* text: who: "healer" or "burn rate"; kind: paged, responded, fixed */
        JOURNAL_PROBE,            /* ref: probe, value, ok */
        JOURNAL_STOP,
        JOURNAL_HEALER,           /* kind: crashed, restarted; text: with what */
        JOURNAL_TELEMETRY,        /* metric, value; instance, or edge: on wish only */
        JOURNAL_RUN_ENDED,
        JOURNAL_TYPE_COUNT
};

extern const char *const journal_type_names[JOURNAL_TYPE_COUNT];

struct journal_entry {
        int64_t at_ns;
        enum journal_type type;
        uint32_t service, instance, edge, ref; /* RECORD_NONE where it has none */
        uint32_t sequence;      /* order of writing, for entries of one instant */
        uint64_t id, episode, prediction;
        uint32_t action;        /* action kind */
        uint32_t rank;
        const char *kind;       /* never NULL */
        const char *severity;   /* never NULL */
        const char *metric;     /* never NULL */
        const char *text;       /* never NULL */
        const char *more;       /* FAULT_STARTED: the entry of a method that does the same, as
                                 * JSON; ESCALATION: what the human is told; else "" or NULL */
        double value, limit, confidence; /* NaN where there is none */
        int64_t eta_ns;
        bool ok;
        bool preventive;        /* by the run's own judgement: no incident open that the target could heal */
        bool held_back;         /* shadow: a preventive action that was not carried out */
};

/* ---- one arm of one replication */

struct fault_effect {
        int64_t started_ns, ended_ns; /* TIME_NEVER: never started; not before the end */
        uint64_t touched;             /* requests or instances */
        double measured;              /* mean change in the kind's own measure, NaN: none */
        const char *measured_what;    /* "added delay (s)", "failed calls" ... */
        const bool *on_service;       /* [service_count]: services it acts on directly */
};

struct probe_value {
        double value; /* NaN: no data */
        double value_end; /* steady state: at the end of the cooldown */
};

struct edge_totals {
        double open_s, half_open_s, closed_s; /* breaker, 0 without */
        uint64_t opened, half_opened, closed;
        uint64_t trials_ok, trials_failed; /* half-open periods that ended closed, and not */
        uint64_t refused;
};

struct arm_record {
        enum arm arm;
        const char *const *instance_names; /* [instance_count]: all that ever were */
        const uint32_t *instance_service;
        uint32_t instance_count;
        int64_t end_ns;          /* duration + cooldown, or where it was cut */
        struct service_measure *services; /* [service_count] */
        struct incident *incidents; /* by service, then onset */
        size_t incident_count;
        struct journal_entry *journal; /* by time */
        size_t journal_count;
        struct fault_effect *faults; /* [fault_count] */
        struct probe_value *probes;  /* [probe_count] */
        struct edge_totals *edges;   /* [edge_count] */
        double instance_seconds_added; /* beyond the declared number, by scaling */
        double instance_seconds;
        double degraded_s;       /* service-seconds at a level above 0 */
        double failed_user_s;    /* seconds of closed users, from a bad request to the next good one */
        uint64_t human_pages;
        uint64_t root_requests, root_unfinished;
        uint64_t root_outcome[CALL_OUTCOME_COUNT];
        uint64_t exogenous_hash; /* arrivals of open sources, and the chance that a sample of them met
                                  * at the entry: the same in all arms */
        uint64_t timetable_hash; /* timed faults and their targets; 0 in quiet and calm */
        uint64_t overlay_before, overlay_after; /* digest of the injector's overlay */
        uint64_t events;         /* simulated */
        bool conserved;          /* arrived = outcomes + unfinished, at every service */
        const char *broken;      /* first invariant that did not hold, or NULL */
        const char *healer_failure; /* external healer broke, or NULL */
};

/* Treated once more, with one thing different: without what one episode did of
 * that kind to that target (or, as a placebo, with it done a second later, which
 * should make no difference: what it makes is the noise). */
struct fork_record {
        bool placebo;
        uint64_t episode;
        uint32_t action, service, instance;
        struct arm_record *arm;
};

struct replication_record {
        uint32_t replication;
        struct arm_record *arms[ARM_COUNT]; /* arms that are identical share a record; NULL: not run */
        const struct fork_record *forks; /* a knock-out and a placebo each; NULL: not asked for */
        size_t fork_count;
        bool all_good_at_end;  /* every entry service good in every arm */
        bool interrupted;
};

#endif
