/* harness/scenario/scenario.h - a scenario file, checked and converted.
 *
 * scenario_load() reads a file, checks all of it, and either gives a scenario
 * in which every reference is resolved and every quantity converted, or a list
 * of everything that is wrong with it. Nothing is run and nothing written.
 */
#ifndef CHAOS_SCENARIO_H
#define CHAOS_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "faults/fault.h"
#include "harness/base/arena.h"
#include "harness/base/diag.h"
#include "harness/fleet/fleet_spec.h"
#include "harness/scenario/strategy.h"

enum method_kind { METHOD_FAULT, METHOD_PROBE };

enum target_kind { TARGET_NONE, TARGET_INSTANCES, TARGET_EDGE, TARGET_LOAD, TARGET_ZONE,
                   TARGET_SERVICE, /* as a whole */
                   TARGET_ZONES,   /* calls from one to another */
                   TARGET_HEALER,  /* the line between healer and fleet */
                   TARGET_RANDOM   /* some of a set of instances, of any services */ };

/* How many instances of a service. */
enum target_pick { PICK_ALL, PICK_COUNT, PICK_SHARE, PICK_LIST };

/* The n-th instance of a service. */
struct target_place {
        uint32_t service, place;
};

struct target_spec {
        enum target_kind kind;
        uint32_t service;        /* INSTANCES, SERVICE */
        uint32_t zone;           /* INSTANCES: FLEET_NO_INDEX for any; ZONE; ZONES: from */
        uint32_t to_zone;        /* ZONES */
        enum target_pick pick;
        uint32_t count;          /* PICK_COUNT ("one" is 1) */
        double share;            /* PICK_SHARE, rounded up, at least 1 */
        const uint32_t *list;    /* PICK_LIST, indices inside the service */
        uint32_t list_count;
        uint32_t edge;           /* EDGE: index in fleet.edges */
        uint32_t load;           /* LOAD */
        bool from_fleet;         /* HEALER: {from: fleet, to: healer} */
        const struct target_place *drawn_from; /* RANDOM: `count` of these, ascending */
        uint32_t drawn_from_count;
};

/* What probes, gates and stop conditions watch. */
struct probe_spec {
        const char *name;
        const char *metric;   /* one of scenario_probe_metrics */
        uint32_t service;     /* FLEET_NO_INDEX: all entry services, as the client sees them */
        int64_t window_ns;
        double low, high;     /* acceptable: low <= value <= high; +-infinity where open */
        bool low_open, high_open; /* "<" and ">" instead of "<=" and ">=" */
        const char *tolerance_text; /* as written */
};

extern const char *const scenario_probe_metrics[]; /* NULL-ended */

/* When an entry is played, all times counted from its base: the end of the last
 * of the entries in `after`, or 0 when there are none. */
enum method_timing {
        TIMING_AT,     /* once, at_ns after its base */
        TIMING_REPEAT, /* at_ns + every, at_ns + 2 every ..., each shifted by up to the jitter */
        TIMING_RATE,   /* a Poisson process from at_ns on */
        TIMING_WHEN,   /* `delay` after each event of the treated arm that fits, while none of
                        * its own is waiting or in force */
        TIMING_MONKEY, /* by its monkey's draws */
};

/* Entries under one name: a group or a monkey. */
struct method_group {
        const char *name; /* NULL: none */
        const struct method_group *parent;
};

struct method_when {
        const char *event;   /* one of scenario_when_events */
        uint32_t action;     /* action kind, or FLEET_NO_INDEX: any */
        uint32_t service;    /* or FLEET_NO_INDEX: any */
        int64_t delay_ns;
};

/* Names of journal events that an entry may wait for; NULL-ended. */
extern const char *const scenario_when_events[];

/* An entry may be played so often in one replication, on average. */
enum { METHOD_PLAYS_MAX = 10000 };

struct method_spec {
        enum method_kind kind;
        const char *name;
        uint32_t ordinal;                 /* among all entries of the file */
        const struct method_group *group; /* NULL: none */
        enum method_timing timing;
        const struct method_spec *const *after; /* of scenario.all */
        uint32_t after_count;
        int64_t every_ns, jitter_ns;      /* REPEAT */
        uint32_t repeat_count;            /* REPEAT; 0: as often as there is time for */
        double rate_per_s;                /* RATE */
        struct method_when when;          /* WHEN */
        bool coupled;                     /* WHEN, or after one that is: its times are the healer's */
        /* fault */
        const struct fault_ops *fault;
        struct target_spec target;
        double arguments[FAULT_ARGUMENT_MAX]; /* by index of the parameter, converted */
        const char *texts[FAULT_ARGUMENT_MAX]; /* of those that are names, or NULL */
        struct dist argument_dist[1];         /* where a kind takes a distribution */
        int64_t at_ns;
        struct dist duration;  /* constant TIME_NEVER: until the end of `duration` */
        bool has_duration;
        int64_t ramp_ns, ramp_down_ns;
        double probability;
        /* probe */
        struct probe_spec probe;
        const char *path;      /* of the entry in the file, for later messages */
        uint32_t line, column;
};

/* Random faults: arrivals by a Poisson process, each of a kind and then of a
 * target of it that are drawn evenly, if the budget allows it. The options are
 * entries of the method, kind by kind. */
struct monkey_spec {
        const char *name;
        struct method_group group;
        const struct method_spec *const *after; /* as of an entry */
        uint32_t after_count;
        int64_t at_ns;
        double rate_per_s;
        const struct method_spec *options; /* in scenario.all */
        const uint32_t *option_count;      /* of each kind */
        uint32_t kind_count;
        uint32_t fault_max;      /* in all; UINT32_MAX: any */
        uint32_t concurrent_max; /* at a time */
        int64_t time_max_ns;     /* sum of their durations */
};

/* What ends a run: `tolerance` broken for `for_ns` without a break, in treated. */
struct stop_spec {
        struct probe_spec probe;
        int64_t for_ns;
};

/* Where a scenario is. In production chaos is off: it may be read and planned, and
 * is never started, with approval or without. */
enum safety_profile { SAFETY_DEVELOPMENT, SAFETY_PRODUCTION };
extern const char *const safety_profiles[];

/* What a scenario may not do; violations were refused by the loader, as far as
 * chance has no part in them (plan_check_safety()). */
struct safety_spec {
        bool safe_mode;
        bool require_approval;
        uint32_t profile;        /* enum safety_profile */
        bool has_allowed_faults; /* false: any */
        const char *const *allowed_faults;
        size_t allowed_fault_count;
        const char *const *protected_services;
        size_t protected_count;
        uint32_t max_targets;           /* instances an entry may take; UINT32_MAX: any */
        uint32_t max_concurrent_faults; /* UINT32_MAX: any */
        uint32_t line, column;
};

/* Which writers run and where, unless the command line says otherwise. */
struct outputs_spec {
        const char *format;  /* comma-separated, or NULL */
        const char *folder;  /* or NULL */
        const char *journal; /* or NULL */
        bool has_plots, plots;
};

struct threshold_spec {
        const char *text;    /* as written */
        const char *metric;  /* base name */
        double quantile;     /* p99(mttr): 0.99; else 0 */
        const char *arm;     /* label, or "treated" */
        const char *service, *fault, *failure_type, *severity, *phase; /* labels or NULL */
        const char *op;      /* "<" "<=" ">" ">=" "==" */
        double value;        /* in the metric's base unit: seconds, ratio, count */
        double confidence;   /* 0: none asked */
        bool no_data_passes;
};

enum healer_kind { HEALER_STRATEGY, HEALER_EXEC };

struct evaluation_spec {
        int64_t prediction_window_ns; /* 10 min */
        int64_t minimum_lead_ns;      /* 30 s */
        int64_t horizon_ns;           /* 1 h */
        bool replay_trigger;          /* the same faults once more after recovery */
        double cost_failed_request, cost_human_page, cost_action, cost_instance_hour;
        bool has_cost;
};

/* How strategies are compared (chaos-run ab); defaults where nothing is said. */
struct analysis_metric {
        const char *name;
        bool has_direction, higher_is_better, critical, has_margin;
        double margin; /* in the metric's base unit */
};

struct analysis_spec {
        double confidence;   /* 0.95 */
        const char *primary; /* NULL: what the comparison itself chooses */
        const struct analysis_metric *metrics;
        size_t metric_count;
        uint32_t max_runs;   /* 300 */
        double max_loss;     /* of the primary, in its base unit; 0: no limit */
};

struct variable_spec {
        const char *name, *value; /* as text, for the result */
};

struct scenario {
        struct arena arena; /* owns everything below */
        const char *path;   /* as given */
        const char *file;   /* base name */
        char digest[65];    /* SHA-256 of the effective scenario, in hex: all files it read and all overrides */
        const char *title, *description;
        const char *const *tags;
        size_t tag_count;
        uint64_t seed;
        int64_t duration_ns, warmup_ns;
        int64_t cooldown_ns; /* below 0: until all is well, 30 min at most */
        struct fleet_spec fleet;
        enum healer_kind healer_kind;
        struct strategy *strategy;     /* HEALER_STRATEGY */
        const char *const *exec_argv;  /* HEALER_EXEC, NULL-ended */
        const char *exec_folder;       /* where it is started; NULL: the current directory */
        const char *steady_title;
        const struct probe_spec *steady; /* steady_state probes */
        size_t steady_count;
        const struct method_spec *method; /* that take part, in the order of the file */
        size_t method_count;
        const struct method_spec *all;    /* the same before --only and --skip: times may depend
                                           * on an entry that takes no part */
        size_t all_count;
        const struct monkey_spec *monkeys;
        size_t monkey_count;
        const struct stop_spec *stops;
        size_t stop_count;
        struct safety_spec safety;
        struct outputs_spec outputs;
        const struct threshold_spec *thresholds;
        size_t threshold_count;
        uint32_t replications;
        struct evaluation_spec evaluation;
        struct analysis_spec analysis;
        const struct variable_spec *variables;
        size_t variable_count;
        uint32_t matrix_count;     /* combinations of configuration.matrix; 1 without one */
        const char *matrix_name;   /* of this one: "delay=1s,share=0.5"; NULL without a matrix */
};

/* What the command line overrides. */
struct scenario_overrides {
        const char *const *vars; /* "name=value" */
        size_t var_count;
        const char *const *sets; /* "path=value" */
        size_t set_count;
        const char *strategy;    /* path, preset; NULL: the file's */
        const char *const *only, *const *skip; /* names of method entries */
        size_t only_count, skip_count;
        bool has_seed;
        uint64_t seed;
        uint32_t runs; /* 0: the file's */
        const char *const *allow_paths;
        size_t allow_path_count;
        uint32_t matrix_index; /* which combination of configuration.matrix */
};

/* Reads `path`. On success the caller owns `*out` (scenario_free()); otherwise
 * `*out` is NULL and `diags` has at least one error. `overrides` may be NULL. */
bool scenario_load(const char *path, const struct scenario_overrides *overrides,
                   struct scenario **out, struct diag_list *diags);

void scenario_free(struct scenario *scenario);

#endif
