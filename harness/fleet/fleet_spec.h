/* harness/fleet/fleet_spec.h - a fleet as it was declared.
 *
 * Plain data, made by the scenario loader and read by the fleet; all memory
 * belongs to the loader's arena, strings included. Indices refer to the
 * arrays here. Quantities are converted: ns, bytes, ratios, per second.
 */
#ifndef CHAOS_FLEET_SPEC_H
#define CHAOS_FLEET_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/dist.h"
#include "harness/fleet/action.h"
#include "harness/fleet/parameter.h"

#define QUEUE_UNBOUNDED UINT32_MAX

enum fleet_discipline { DISCIPLINE_FIFO, DISCIPLINE_LIFO, DISCIPLINE_CODEL };
enum fleet_hold { HOLD_CALL, HOLD_WORK };
enum fleet_call_mode { CALL_SEQUENTIAL, CALL_PARALLEL };
enum fleet_balancing {
        BALANCE_ROUND_ROBIN,
        BALANCE_RANDOM,
        BALANCE_LEAST_OUTSTANDING,
        BALANCE_POWER_OF_TWO
};
enum fleet_fallback_kind { FALLBACK_NONE, FALLBACK_STATIC, FALLBACK_CACHED };
enum fleet_supervisor { SUPERVISOR_ALWAYS, SUPERVISOR_NEVER };

struct zone_spec {
        const char *name;
        int64_t latency_ns; /* one way inside, 250 us by default */
};

struct retry_spec {
        uint32_t max; /* retries after the first attempt; 0: none */
        int64_t initial_ns;
        double factor;
        int64_t max_delay_ns;
        double jitter; /* 0..1, only adds */
        double budget; /* retries per first attempt; below 0: unlimited */
};

struct slo_spec {
        bool present;
        double target;      /* share of good requests, 0..1 */
        int64_t latency_ns; /* good ends within this; TIME_NEVER: any */
        double quality;     /* a degraded answer is good from this quality on, 0..1; 1 */
        int64_t window_ns;
        uint32_t min_requests;
};

struct health_check_spec {
        int64_t period_ns;  /* 5 s; 0: none */
        int64_t timeout_ns; /* 1 s */
        uint32_t failures;  /* 3 in a row eject */
        uint32_t successes; /* 1 in a row takes back */
};

struct disk_spec {
        int64_t size_bytes; /* 0: none */
        int64_t per_request_bytes;
        int64_t used_bytes; /* at first, and after it was freed */
};

/* Tokens that an outside party grants. */
struct quota_spec {
        double limit; /* in a window; 0: none */
        int64_t window_ns;
        double cost;       /* of a request */
        bool per_instance; /* else the service's as a whole */
};

/* What a service keeps, if it is of the data layer. */
enum fleet_data_kind { DATA_NONE, DATA_CACHE, DATA_DATABASE, DATA_QUEUE };

struct cache_spec {
        double hit_ratio;     /* of a warm cache */
        int64_t warm_up_ns;   /* from empty to warm */
        uint32_t edge;        /* its misses go over this one; belongs to the service */
};

/* The leader is one of the instances, the others follow it. */
struct database_spec {
        int64_t lag_ns;       /* until a follower has what was written */
        double read_share;    /* 0.8; the rest are writes, which the leader takes */
        double lock_share;    /* of the writes: these need the one lock */
};

struct queue_spec {
        bool ordered;          /* a message is handed out when the one before it is done */
        int64_t redelivery_ns; /* from the death of its consumer until a message is to be had again */
        uint32_t max;          /* messages held, or QUEUE_UNBOUNDED */
};

/* Something that a service does besides, and can leave out. */
struct feature_spec {
        const char *name;
        double cost;       /* share of the service time */
        double quality;    /* share of the answer's */
        uint32_t priority; /* 0..499, higher is kept longer */
        uint32_t off_at;   /* level of degradation from which it is off; 0: off by default */
};

enum { FEATURES_MAX = 32, FEATURE_NEVER_OFF = 5, PRIORITY_USUAL = 250, PRIORITY_MAX = 499 };

enum scale_metric { SCALE_BY_UTILIZATION, SCALE_BY_CPU, SCALE_BY_QUEUE };

/* The platform's own. */
struct autoscaler_spec {
        bool present;
        enum scale_metric metric;
        double target; /* share of the workers busy, of the cores; waiting for each instance */
        uint32_t min, max;
        int64_t cooldown_ns;
};

struct service_spec {
        const char *name;
        struct dist service_time;
        uint32_t instance_count;
        const uint32_t *zones; /* instances go round these */
        uint32_t zone_count;
        uint32_t concurrency; /* workers an instance */
        uint32_t queue_max;   /* waiting places an instance, or QUEUE_UNBOUNDED (with a stated cap) */
        enum fleet_discipline discipline;
        enum fleet_hold hold;
        uint32_t edge_first, edge_count; /* its calls, in order, in fleet_spec.edges */
        double error_rate;
        int64_t restart_time_ns; /* 5 s */
        int64_t boot_time_ns;    /* 15 s */
        double warm_up_factor;   /* work is this much slower at first; 1: not */
        int64_t warm_up_ns;
        bool critical;
        double cpu_cores; /* default = concurrency */
        double cpu_share; /* of a core asked by a worker in its own service time; 1 */
        int64_t memory_base_bytes, memory_per_request_bytes, memory_limit_bytes; /* limit 0: none */
        struct disk_spec disk;
        struct quota_spec quota;
        uint32_t fd_limit;    /* descriptors an instance; 0: without limit */
        uint32_t fd_per_call; /* for each request inside and each call out */
        enum fleet_data_kind data;
        struct cache_spec cache;       /* DATA_CACHE */
        struct database_spec database; /* DATA_DATABASE */
        struct queue_spec messages;    /* DATA_QUEUE */
        struct slo_spec slo;
        enum fleet_supervisor supervisor;
        struct health_check_spec health_check;
        const struct version_spec *versions; /* in order of their release; the first is in force */
        uint32_t version_count;
        struct autoscaler_spec autoscaler;
        const struct feature_spec *features;
        uint32_t feature_count;
};

struct edge_spec {
        const char *name; /* "checkout->payment" */
        uint32_t from, to; /* services */
        double probability;
        uint32_t count;
        enum fleet_call_mode mode;
        int64_t timeout_ns; /* TIME_NEVER: none */
        struct retry_spec retry;
        enum fleet_balancing balancing;
        enum fleet_fallback_kind fallback;
        double fallback_quality;
        bool cancel_on_timeout;
        uint32_t pool; /* connections of each calling instance; 0: as many as it likes */
};

struct telemetry_spec {
        int64_t interval_ns;        /* 5 s */
        int64_t detail_interval_ns; /* 1 s */
        int64_t delay_ns;           /* 1 s */
        double loss;                /* share of samples that never come */
        double noise_cv;            /* coefficient of variation of a factor on each value */
};

struct actuator_spec {
        int64_t time_ns;
        double failure_rate;
};

struct operations_spec {
        double page_burn_rate;   /* 14.4 */
        int64_t page_long_ns;    /* 1 h */
        int64_t page_short_ns;   /* 5 min */
        struct dist human_response; /* lognormal p50 15m p99 60m */
        struct dist human_fix;      /* lognormal p50 10m p99 60m */
        int64_t think_ns;        /* charged for a healer's thinking; 0 */
        bool think_wall;         /* instead: what it really took */
};

enum load_process { LOAD_POISSON, LOAD_CONSTANT, LOAD_MMPP, LOAD_TRACE, LOAD_CLOSED };
enum load_shape { SHAPE_CONSTANT, SHAPE_RAMP, SHAPE_STEPS, SHAPE_SINE, SHAPE_SURGE };

struct load_step {
        int64_t at_ns;
        double factor;
};

struct load_profile {
        enum load_shape shape;
        double from, to;    /* ramp, factors */
        int64_t over_ns;    /* ramp */
        const struct load_step *steps;
        size_t step_count;
        int64_t period_ns;  /* sine */
        double amplitude, phase; /* phase in periods */
        int64_t at_ns, for_ns;   /* surge */
        double factor;
};

struct load_class {
        const char *name;
        double share;
        uint32_t priority; /* 0..499, higher is kept longer */
        double cost;       /* factor on service time */
};

/* A trace: either counts (value per step) or single arrival instants. Both
 * start over past their end. */
struct load_trace {
        const double *count;   /* requests in step i, scale applied; NULL: instants */
        const int64_t *at_ns;  /* instants since the first, ascending */
        size_t length;
        int64_t step_ns;       /* of counts */
        int64_t total_ns;      /* after which it starts over */
        int64_t offset_ns;     /* where in it t = -warmup falls */
};

struct load_spec {
        const char *name;
        uint32_t to;
        enum load_process process;
        double rate_per_s; /* poisson, constant */
        struct load_profile profile;
        const double *mmpp_rates_per_s; /* mmpp: a rate and a mean stay a state */
        const int64_t *mmpp_means_ns;
        size_t mmpp_count;
        struct load_trace trace;
        uint32_t users; /* closed */
        struct dist think_time;
        int64_t timeout_ns; /* the client's; TIME_NEVER: none */
        bool has_patience;  /* the timeout is drawn for each attempt */
        struct dist patience;
        enum fleet_balancing balancing;
        struct retry_spec retry;
        bool cancel_on_timeout;
        const struct load_class *classes;
        size_t class_count; /* 0: one class of priority 250, cost 1 */
};

enum background_kind {
        BACKGROUND_GOOD_DEPLOYMENT,
        BACKGROUND_CONFIGURATION_CHANGE,
        BACKGROUND_INSTANCE_REPLACEMENT,
        BACKGROUND_BATCH_JOB,
        BACKGROUND_FLASH_CROWD,
        BACKGROUND_BENIGN_RESTART,
        BACKGROUND_KIND_COUNT
};

struct background_spec {
        enum background_kind kind;
        double rate_per_s;  /* Poisson */
        uint32_t service;   /* FLEET_NO_INDEX: any service, drawn each time */
        double load;        /* batch_job: share of the cores */
        double factor;      /* flash_crowd */
        int64_t for_ns;     /* batch_job, flash_crowd */
};

struct fleet_spec {
        const char *name; /* file stem or "" */
        const struct zone_spec *zones;
        uint32_t zone_count; /* >= 1 */
        int64_t zone_latency_ns; /* between zones, one way */
        const struct service_spec *services;
        uint32_t service_count;
        const struct edge_spec *edges; /* grouped by caller, in call order */
        uint32_t edge_count;
        struct telemetry_spec telemetry;
        struct actuator_spec actuators[ACTION_KIND_COUNT];
        struct operations_spec operations;
        const struct load_spec *loads;
        uint32_t load_count;
        const struct background_spec *background;
        uint32_t background_count;
};

#endif
