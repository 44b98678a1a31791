/* healer/trend_guard.h - act a little before it is too late, and be held to it.
 *
 * A guard watches three signals: the rate of requests, their p99 latency and a
 * queue's length. Each has a limit. From the samples, older ones weighing less
 * (half after `half_life_ns`), it keeps a moving average (EWMA), a weighted
 * straight line and how well the line fits. When a line that rises and fits will
 * reach its limit within `horizon_ns`, that is a prediction. While one stands
 *   - the degradation ladder has a floor: at least `degrade_level`,
 *   - the bulkhead's limit is tightened by `tighten_ratio`,
 * as far as they are given. That is all a guess may do: a guard knows no breaker
 * and cannot open one.
 *
 * Every prediction is scored. HIT: the limit was reached by its due time. FALSE
 * ALARM: it was not, `horizon_ns` after the prediction was made. MISS: a limit
 * was reached and nothing had been said. When a prediction is scored what was
 * done on it is undone; what somebody else has set meanwhile is left alone. A
 * prediction acted upon may prevent what it foretold and then counts as a false
 * alarm: the `acted` column keeps those apart.
 *
 * Say it again: after a score the same signal may predict anew with the next
 * sample, after a false alarm only when its horizon has passed once more.
 *
 * One owner calls observe, a few dozen additions a sample; no allocation after
 * create. No clock: the samples bring their times.
 */
#ifndef HEALER_TREND_GUARD_H
#define HEALER_TREND_GUARD_H

#include "healer/bulkhead.h"
#include "healer/degrade.h"

HEALER_BEGIN_DECLS

enum healer_trend_signal {
        HEALER_TREND_RATE = 0, /* requests per s */
        HEALER_TREND_P99,      /* s */
        HEALER_TREND_QUEUE,    /* requests waiting */
        HEALER_TREND_SIGNAL_COUNT
};

enum healer_trend_score {
        HEALER_TREND_HIT = 0,
        HEALER_TREND_MISS,
        HEALER_TREND_FALSE_ALARM,
        HEALER_TREND_SCORE_COUNT
};

struct healer_trend_guard_config {
        uint32_t size;
        uint32_t samples_min; /* no prediction from fewer, 3..1000; default 8 */
        double limits[HEALER_TREND_SIGNAL_COUNT]; /* reached at >=; > 0, or 0: not watched (default) */
        int64_t half_life_ns; /* 1 ms..1 d; default 10 s */
        int64_t horizon_ns;   /* 1 ms..1 d; default 30 s */
        double fit_min;       /* share of the variance the line must explain, 0..1; default .6 */
        struct healer_degrade *degrade; /* the caller's, may be NULL; its owner is the guard's */
        struct healer_bulkhead *bulkhead; /* may be NULL */
        uint32_t degrade_level; /* 1..7; default 1 */
        uint32_t reserved;
        double tighten_ratio;   /* 0 < r < 1, of the limit in force, at least 1 stays; default .8 */
        uint64_t id;
        struct healer_event_ring *events; /* PREDICTION_SCORED: item = signal, cause = score,
                                             value = the sample; may be NULL */
        const struct healer_allocator *allocator;
};

struct healer_trend_view {
        double ewma;         /* NaN before the first sample */
        double slope_per_s;  /* NaN before samples_min */
        double fit;          /* 0..1 */
        double at_horizon;   /* where the line will be then */
        int64_t reaches_at_ns; /* the limit, by the line; HEALER_NEVER: not */
        uint32_t predicted;  /* 1: a prediction stands */
        uint32_t acted;      /* 1: and something was done on it */
        int64_t due_at_ns;
        uint64_t predictions;
        uint64_t scores[HEALER_TREND_SCORE_COUNT];       /* all; MISS has no prediction */
        uint64_t acted_scores[HEALER_TREND_SCORE_COUNT]; /* of those acted on */
};

struct healer_trend_guard;

HEALER_API struct healer_trend_guard_config healer_trend_guard_config_defaults(void);
HEALER_API const char *
healer_trend_guard_config_check(const struct healer_trend_guard_config *config);
HEALER_API HEALER_NODISCARD enum healer_err
healer_trend_guard_create(const struct healer_trend_guard_config *config,
                          struct healer_trend_guard **out);
/* Undoes what a standing prediction has done. */
HEALER_API void healer_trend_guard_destroy(struct healer_trend_guard *guard);

/* One sample of each signal; NaN: none of that one. Time that goes back stands still. */
HEALER_API void healer_trend_guard_observe(struct healer_trend_guard *guard,
                                           const double values[HEALER_TREND_SIGNAL_COUNT],
                                           int64_t now_ns);
/* Lets predictions fall due without a sample. */
HEALER_API void healer_trend_guard_poll(struct healer_trend_guard *guard, int64_t now_ns);
HEALER_API void healer_trend_guard_view(const struct healer_trend_guard *guard,
                                        enum healer_trend_signal signal,
                                        struct healer_trend_view *out);

HEALER_END_DECLS

#endif
