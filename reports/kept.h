/* reports/kept.h - what is kept of a replication once it was graded.
 *
 * A replication_record is large and goes away; this is what metrics are made
 * of afterwards: counts and sums by arm, service and phase, and the lists of
 * incidents, episodes, actions and predictions with what the truth says of
 * each. The order of work is keep (kept.c), judge (truth.c), compare the arms
 * (fates.c); nothing here is changed after that.
 *
 * Instants are in ns; TIME_NEVER where there is none. Everything lies in one
 * arena: about 0.5 KiB a service, arm and phase, and 100 bytes an incident,
 * alarm or action.
 */
#ifndef CHAOS_REPORTS_KEPT_H
#define CHAOS_REPORTS_KEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/arena.h"
#include "harness/run/record.h"

/* 5-experiments.md: the hold of a recovery, and "around" an incident. */
#define AROUND_NS (30 * NS_PER_S)
/* A fault this long before an onset may have caused it; so may an alarm. */
#define CAUSE_REACH_NS (60 * NS_PER_S)

enum { KEPT_WHOLE = PHASE_COUNT, KEPT_PHASE_COUNT };
enum { KEPT_TEXT_MAX = 64 };
enum kept_latency { LATENCY_P50, LATENCY_P95, LATENCY_P99, LATENCY_P999, LATENCY_COUNT };

struct kept_requests {
        uint64_t outcome[CALL_OUTCOME_COUNT];
        uint64_t ended, good, bad;
        double quality_sum, seconds, latency_sum_s;
        double latency_s[LATENCY_COUNT]; /* NaN: too few calls for it */
};

struct kept_service {
        struct kept_requests phase[KEPT_PHASE_COUNT];
        uint64_t calls, unfinished, attempts, fallbacks;
        uint64_t arrived, started, completed, dropped, abandoned, lost, rejected;
        double waiting_sum_s;
        double waiting_s[LATENCY_COUNT]; /* NaN: too few */
        double service_sum_s, observed_s;
        double queue_area_s, busy_area_s, worker_area_s, system_area_s, sojourn_sum_s;
        double up_area_s, instance_area_s;
        double bad_s;   /* in incidents; of the fleet: an entry service is in one */
        double alarm_s; /* under at least one alarm; of the fleet: summed over services */
        /* one-minute cells in which nothing was wrong: with a false alarm or
         * prediction, and without */
        uint64_t cells_false, cells_right;
        double burn[4]; /* highest burn rate over each pair of windows, NaN: none */
        int64_t paged_at_ns[4]; /* when it first reached the pair's rate */
};

/* One period in which one fault was active; a repeated fault has several. */
struct fault_window {
        uint32_t fault, number; /* number: 0, 1, ... of this fault */
        int64_t start_ns, end_ns;
};

enum fate {
        FATE_NONE, /* of a treated incident that has a twin */
        FATE_PREVENTED,
        FATE_POSTPONED,
        FATE_MITIGATED,
        FATE_UNCHANGED,
        FATE_WORSENED,
        FATE_MERGED,
        FATE_EXPOSED,
        FATE_INDUCED,
        FATE_COUNT
};
extern const char *const fate_names[FATE_COUNT];

enum severity { SEVERITY_LOW, SEVERITY_MEDIUM, SEVERITY_HIGH, SEVERITY_CRITICAL, SEVERITY_COUNT };
extern const char *const severity_names[SEVERITY_COUNT];

struct kept_incident {
        uint32_t service;
        bool user_visible, open; /* open: not restored at the end; `restored` is then the end */
        bool touched_by_human;
        int64_t fault_ns, onset_ns, detected_ns, acted_ns, restored_ns;
        uint64_t bad_requests, requests;
        const bool *windows;      /* [window_count of the arm]: attributed */
        const char *failure_type; /* of the fault that hit first; "spontaneous" */
        enum severity severity;
        enum fate fate;
        bool starved;             /* of untreated: treated sent less than half of calm's calls then */
        bool by_prediction;       /* prevented, and bad in shadow */
        int64_t predicted_ns;     /* earliest prediction that foresaw it */
};

/* What was really there when an alarm was raised. */
enum alarm_truth { TRUTH_NOTHING, TRUTH_LATENT, TRUTH_IMPACT, TRUTH_COUNT };
extern const char *const alarm_truth_names[TRUTH_COUNT];

struct kept_alarm {
        uint64_t episode;
        uint32_t service;
        int64_t at_ns, cleared_ns;
        const char *failure_type, *severity;
        enum alarm_truth truth;
};

enum episode_stage { STAGE_OPENED = 1, STAGE_CLAIMED = 2, STAGE_VERIFIED = 4, STAGE_FAILED = 8,
                     STAGE_CLOSED = 16 };

/* -1: nothing to judge; 0: no; 1: yes */
struct kept_episode {
        uint64_t id;
        uint32_t service;
        int64_t opened_ns, ended_ns;       /* ended: last alarm cleared or closed */
        int64_t acted_ns, last_action_ns;  /* first started, last finished */
        const char *failure_type, *severity;
        uint32_t alarm_count, action_count, last_action;
        uint32_t later_claims, later_false; /* truth.h: alarms that stay on */
        unsigned stages;
        enum alarm_truth truth;
        int8_t healed, cause_top1, cause_top3;
        size_t incident; /* of this arm that it was about; SIZE_MAX: none */
};

struct kept_action {
        uint64_t id, episode;
        uint32_t action, service, instance;
        int64_t at_ns, finished_ns;
        bool ok, preventive, held_back;
        bool false_action;
        int8_t right_target, right_action; /* as above */
};

enum prediction_verdict { PREDICTION_TRUE, PREDICTION_FALSE, PREDICTION_DURING,
                          PREDICTION_UNEVALUABLE, PREDICTION_VERDICT_COUNT };
extern const char *const prediction_verdict_names[PREDICTION_VERDICT_COUNT];

struct kept_prediction {
        uint64_t id;
        uint32_t service;
        int64_t at_ns, eta_ns;
        double confidence;
        const char *failure_type;
        enum prediction_verdict verdict;
        int64_t onset_ns; /* of what came true */
};

/* A stretch in which something was really wrong with a service's insides. */
struct fault_state {
        uint32_t service;
        int64_t start_ns, end_ns;
        bool component_failed; /* an instance down, hung, zombie or paused */
};

struct kept_arm {
        bool run;
        int64_t end_ns;
        struct kept_service *services; /* [service_count], then the fleet */
        struct fault_window *windows;
        size_t window_count;
        struct fault_state *states;
        size_t state_count;
        struct kept_incident *incidents;
        size_t incident_count;
        struct kept_alarm *alarms;
        size_t alarm_count;
        struct kept_episode *episodes;
        size_t episode_count;
        struct kept_action *actions;
        size_t action_count;
        struct kept_prediction *predictions;
        size_t prediction_count;
        double instance_seconds, instance_seconds_added, degraded_s, failed_user_s;
        double level_s[8];       /* service-seconds at each degradation level */
        unsigned level_at_end;   /* the highest of all services */
        uint64_t degradation_changes, degradation_falls, human_pages;
        uint64_t breaker_opened, breaker_refused, trials_ok, trials_failed;
        double breaker_open_s, breaker_half_open_s;
        uint64_t root_requests, events;
        double cost; /* NaN: nothing is priced */
        bool healer_failed;
        const char *healer_failure; /* why; NULL: it did not */
        uint64_t *touched; /* [fault_count] */
        double *measured;  /* [fault_count], NaN: none */
        const char **measured_what; /* [fault_count], NULL: nothing */
        bool *on_service;  /* [fault_count * service_count]: acts on it directly */
        struct probe_value *probes; /* [probe_count] */
};

/* attribution.h: what an action was worth. */
enum deed_verdict { DEED_HELPFUL, DEED_HARMFUL, DEED_UNNECESSARY, DEED_COUNT };

struct kept_deed {
        uint64_t episode;
        uint32_t action, service, instance;
        double averted; /* requests that fail without it and not with it */
        enum deed_verdict verdict;
};

struct kept {
        uint32_t replication;
        bool interrupted, stopped;
        bool attributed; /* else nobody asked */
        struct kept_deed *deeds;
        size_t deed_count;
        double deed_noise; /* requests */
        struct kept_arm arms[ARM_COUNT];
        const char *texts[KEPT_TEXT_MAX]; /* the healer's words, copied once each */
        size_t text_count;
        struct arena arena;
};

/* The facts of a record, without judgement: counts, and lists from the
 * journal. NULL when memory is out; kept_destroy() gives it back. */
struct kept *kept_create(const struct run_meta *meta, const struct replication_record *record);
void kept_destroy(struct kept *kept);

/* Takes incidents that were over when the warm-up ended out of all arms; one that
 * was still on begins at 0. Only when everything is judged, since an alarm about
 * such an incident may last into the part that is measured. */
void kept_forget_warmup(struct kept *kept);

/* Index of the fleet as a whole among an arm's services. */
static inline uint32_t kept_fleet_index(const struct run_meta *meta)
{
        return meta->service_count;
}

static inline int64_t min_ns(int64_t a, int64_t b)
{
        return a < b ? a : b;
}

static inline int64_t max_ns(int64_t a, int64_t b)
{
        return a > b ? a : b;
}

static inline double seconds_of(int64_t ns)
{
        return (double)ns / 1e9;
}

/* Whether [start, end] and [from, to] share an instant. */
static inline bool overlaps(int64_t start, int64_t end, int64_t from, int64_t to)
{
        return start <= to && from <= end;
}

/* Closed users, over all services. */
static inline double kept_user_count(const struct run_meta *meta)
{
        double count = 0;

        for (uint32_t s = 0; s < meta->service_count; s++)
                count += meta->services[s].user_count;
        return count;
}

/* All load is closed: harm is then counted in seconds of users (failed_user_seconds), since how
 * many requests there are depends on how they fare. */
static inline bool kept_is_all_closed(const struct run_meta *meta)
{
        for (uint32_t s = 0; s < meta->service_count; s++)
                if (meta->services[s].open_per_s > 0)
                        return false;
        return kept_user_count(meta) > 0;
}

#endif
