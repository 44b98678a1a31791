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
                   TARGET_SERVICE /* as a whole */,
                   TARGET_HEALER /* the line between healer and fleet */ };

/* How many instances of a service. */
enum target_pick { PICK_ALL, PICK_COUNT, PICK_SHARE, PICK_LIST };

struct target_spec {
        enum target_kind kind;
        uint32_t service;        /* INSTANCES, SERVICE */
        uint32_t zone;           /* INSTANCES: FLEET_NO_INDEX for any; ZONE */
        enum target_pick pick;
        uint32_t count;          /* PICK_COUNT ("one" is 1) */
        double share;            /* PICK_SHARE, rounded up, at least 1 */
        const uint32_t *list;    /* PICK_LIST, indices inside the service */
        uint32_t list_count;
        uint32_t edge;           /* EDGE: index in fleet.edges */
        uint32_t load;           /* LOAD */
        bool from_fleet;         /* HEALER: {from: fleet, to: healer} */
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

struct method_spec {
        enum method_kind kind;
        const char *name;
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
        uint32_t line, column; /* of the entry, for later messages */
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
        const struct method_spec *method; /* sorted by name order of the file */
        size_t method_count;
        const struct threshold_spec *thresholds;
        size_t threshold_count;
        uint32_t replications;
        struct evaluation_spec evaluation;
        struct analysis_spec analysis;
        const struct variable_spec *variables;
        size_t variable_count;
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
};

/* Reads `path`. On success the caller owns `*out` (scenario_free()); otherwise
 * `*out` is NULL and `diags` has at least one error. `overrides` may be NULL. */
bool scenario_load(const char *path, const struct scenario_overrides *overrides,
                   struct scenario **out, struct diag_list *diags);

void scenario_free(struct scenario *scenario);

#endif
