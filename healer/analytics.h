/* healer/analytics.h - what healing has achieved: rates, times, patterns, advice.
 *
 * A *healing* is one failure from the moment it was noticed until it was over or
 * given up. The newest `healings_max` are remembered; every question is
 * answered from those that ended within a range of time before now, all
 * figures alike. Rates are over healings that were attempted; a failure about
 * which nothing was done (refused, no strategy) counts as a failure and as no
 * attempt. Time to restore is from notice to restoration of what was healed,
 * and so what users see; how long the actions took is told apart from it.
 *
 * A trend compares the newest third (20 at most) with the rest and wants ten
 * results. Advice and recommendations want `results_min` results: nothing is
 * said about nothing.
 *
 * A report is kept for `cache_for_ns` and made anew when another healing came,
 * another range was asked for, or time went back.
 *
 * Memory: at create, about 90 bytes a healing and 40 KiB besides; none after.
 * Time: adding is O(1), a report O(n), from the cache O(1).
 * Threads: with `lock` every call holds it for its whole length, so that each
 * answer is of one moment; without, the caller takes care of that.
 */
#ifndef HEALER_ANALYTICS_H
#define HEALER_ANALYTICS_H

#include "healer/alloc.h"
#include "healer/kinds.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

HEALER_BEGIN_DECLS

enum {
        HEALER_ANALYTICS_NAMES_MAX = 96, /* strategies, types, components, actions; more: "(other)" */
        HEALER_ANALYTICS_ROWS_MAX = 32,
        HEALER_ANALYTICS_TEXT_MAX = 192,
        HEALER_ANALYTICS_ACTIONS_MAX = 6, /* of one healing; more are counted, not named */
        HEALER_ANALYTICS_TIMELINE_MAX = 50,
        HEALER_ANALYTICS_BUCKETS = 10,
        HEALER_ANALYTICS_TIMES = 8,
};

struct healer_lock {
        void (*lock)(void *ctx);
        void (*unlock)(void *ctx);
        void *ctx;
};

struct healer_analytics_config {
        uint32_t size;
        uint32_t healings_max;    /* 1..1000000; default 10000 */
        uint32_t results_min;     /* 1..1000; default 5: for advice and recommendations */
        bool degradation_enabled; /* then it is not recommended */
        bool breakers_enabled;
        int64_t cache_for_ns;     /* >= 0; default 60 s */
        int64_t zone_ns;          /* east of UTC; default 0: of the hours of the day */
        int64_t mttr_high_ns;     /* > 0; default 5 s: above it something is said */
        struct healer_lock lock;  /* functions NULL: none */
        const struct healer_allocator *allocator;
};

enum healer_healing_outcome { HEALER_HEALED, HEALER_NOT_HEALED, HEALER_NOT_TRIED };

/* Texts are copied, up to 47 bytes of each. */
struct healer_healing {
        uint64_t id;
        int64_t noticed_ns, acted_ns, ended_ns; /* acted: first action; HEALER_NEVER: none */
        enum healer_healing_outcome outcome;
        enum healer_severity severity;
        const char *strategy, *failure_type, *component;
        const char *const *actions; /* in their order */
        uint32_t action_count;
        bool escalated; /* a human was called */
};

/* How effective one healing was, 0..1, by its parts: up to 0.4 for how it ended (healed;
 * 0.2 for a human called), 0.3 for how soon after it was noticed (to 150, 300, 600, 1200 s:
 * 1, 0.8, 0.6, 0.3 of it, then 0.1), 0.2 for few repeats (none of it from the third on), 0.1
 * for a result that was verified. Soon and few are worth nothing where nothing was healed:
 * what fails fast fails, and is never effective. */
struct healer_effectiveness {
        double status, time, repeats, result, score;
        bool effective; /* 0.6 or more */
};
HEALER_API struct healer_effectiveness
healer_effectiveness_of(const struct healer_healing *healing);

struct healer_analytics;

HEALER_API struct healer_analytics_config healer_analytics_config_defaults(void);
HEALER_API const char *
healer_analytics_config_check(const struct healer_analytics_config *config);
HEALER_API HEALER_NODISCARD enum healer_err
healer_analytics_create(const struct healer_analytics_config *config,
                        struct healer_analytics **out);
HEALER_API void healer_analytics_destroy(struct healer_analytics *analytics);

/* HEALER_E_RANGE when it ended before it was noticed; it is not remembered then. */
HEALER_API enum healer_err healer_analytics_add(struct healer_analytics *analytics,
                                                const struct healer_healing *healing);

/* ---- the report */

enum healer_trend { HEALER_TREND_STABLE, HEALER_TREND_IMPROVING, HEALER_TREND_DEGRADING };
enum healer_advice {
        HEALER_ADVICE_NONE, /* too few results */
        HEALER_ADVICE_KEEP,
        HEALER_ADVICE_TUNE,
        HEALER_ADVICE_REPLACE,
        HEALER_ADVICE_INVESTIGATE,
        HEALER_ADVICE_MONITOR
};
HEALER_API extern const char *const healer_trend_names[3];
HEALER_API extern const char *const healer_advice_names[6];

/* Ratios and times are NaN where there is nothing to measure. */
struct healer_analytics_row {
        char name[48];
        uint64_t failures, attempts, successes;
        double rate;        /* successes / attempts */
        double mean_time_s; /* of the actions of successes */
        double mttr_s;      /* from notice to restoration of successes */
        double effectiveness; /* mean score of the attempts */
        enum healer_trend trend;
        enum healer_advice advice;
};

enum healer_recommendation_kind {
        HEALER_RECOMMEND_OVERALL,
        HEALER_RECOMMEND_STRATEGY,
        HEALER_RECOMMEND_MTTR,
        HEALER_RECOMMEND_PREVENTION,
        HEALER_RECOMMEND_RESOURCES,
        HEALER_RECOMMEND_BREAKERS
};
HEALER_API extern const char *const healer_recommendation_names[6];
HEALER_API extern const uint32_t healer_time_edges_s[HEALER_ANALYTICS_TIMES - 1];

struct healer_recommendation {
        enum healer_recommendation_kind kind;
        char text[HEALER_ANALYTICS_TEXT_MAX]; /* names the numbers that it rests on */
};

struct healer_analytics_event {
        int64_t at_ns;
        uint64_t id;
        char strategy[48];
        bool success;
        double duration_s;
        uint32_t action_count;
        char actions[HEALER_ANALYTICS_ACTIONS_MAX][48];
};

struct healer_analytics_report {
        int64_t generated_ns, range_ns; /* range HEALER_NEVER: all */
        /* stats */
        uint64_t failures, attempts, successes, refused;
        double success_rate, mean_time_s, mttr_s;
        double time_s_p50, time_s_p90, time_s_p99; /* of actions of successes, exact */
        /* how many of them took less than 1, 2, 5, 10, 30, 60, 300 s, or longer; each once */
        uint32_t time_histogram[HEALER_ANALYTICS_TIMES];
        enum healer_trend trend;
        /* best rate first, then by name */
        struct healer_analytics_row strategies[HEALER_ANALYTICS_ROWS_MAX];
        uint32_t strategy_count;
        /* most failures first, then by name */
        struct healer_analytics_row types[HEALER_ANALYTICS_ROWS_MAX];
        uint32_t type_count;
        struct healer_analytics_row components[HEALER_ANALYTICS_ROWS_MAX];
        uint32_t component_count;
        /* one result for each action of a healing; it helped if it was the last of a success */
        struct healer_analytics_row actions[HEALER_ANALYTICS_ROWS_MAX];
        uint32_t action_count;
        struct healer_analytics_row severities[HEALER_SEVERITY_COUNT];
        /* patterns */
        double failures_per_hour; /* over the span from first to last, an hour at least; 0: < 2 */
        uint32_t by_hour[24];
        double mttr_over_time_s[HEALER_ANALYTICS_BUCKETS]; /* of equal spans, NaN: none */
        int mttr_direction; /* -1 falling (better), 0 unclear, 1 rising */
        struct healer_recommendation recommendations[16];
        uint32_t recommendation_count;
        /* newest first */
        struct healer_analytics_event timeline[HEALER_ANALYTICS_TIMELINE_MAX];
        uint32_t timeline_count;
};

/* Of what ended in [now - range, now]; HEALER_NEVER: all. `*out` is large. */
HEALER_API enum healer_err healer_analytics_report(struct healer_analytics *analytics,
                                                   int64_t now_ns, int64_t range_ns,
                                                   struct healer_analytics_report *out);

/* The report as JSON with six parts (generated_at, stats, effectiveness, patterns,
 * recommendations, timeline), keys always in the same order; or as a dashboard of
 * four sections, 80 columns wide. Both end in a null byte; `*needed` (may be NULL)
 * is their length without it. HEALER_E_FULL when `size` does not do: the text is
 * then cut. `timeline_max` limits the timeline. */
HEALER_API enum healer_err healer_analytics_json(const struct healer_analytics_report *report,
                                                 uint32_t timeline_max, char *text, size_t size,
                                                 size_t *needed);
HEALER_API enum healer_err healer_analytics_dashboard(const struct healer_analytics_report *report,
                                                      char *text, size_t size, size_t *needed);

struct healer_analytics_stats {
        uint64_t added, forgotten; /* healings; those that made room for newer ones */
        uint64_t reports_made, reports_from_cache;
        uint64_t names_dropped;
};
HEALER_API struct healer_analytics_stats
healer_analytics_stats(struct healer_analytics *analytics);

HEALER_END_DECLS

#endif
