/* healer/learned.h - what a healer has learned, as one struct that can be kept.
 *
 * healer_export() fills it, healer_import() starts another healer from it: how
 * often predictions came true by source and failure type, the patterns with their
 * own counts, remembered cases, the learned predictor, what has helped against
 * what, and tuned limits. Plain numbers throughout, about 180 KiB; writing it to a
 * file is the caller's (chaos-run writes JSON).
 *
 * Nothing in it names a service or an instance, so it can be carried from one
 * fleet to another.
 */
#ifndef HEALER_LEARNED_H
#define HEALER_LEARNED_H

#include "healer/config.h"
#include "healer/kinds.h"
#include "healer/model.h"
#include "healer/patterns.h"

HEALER_BEGIN_DECLS

/* Predictions by how they ended; `acted` ones nobody can score. */
struct healer_tally {
        uint64_t right, wrong, acted;
};

/* Of one day, by the time at which they were made. */
struct healer_day {
        int64_t day; /* number of it since the epoch */
        struct healer_tally sources[HEALER_SOURCE_COUNT];
};

/* What was going on when something was tried. */
enum healer_context {
        HEALER_CONTEXT_CALM,
        HEALER_CONTEXT_CHANGED, /* deployed or configured within the correlation window */
        HEALER_CONTEXT_LOADED,  /* the service's processors are busy */
        HEALER_CONTEXT_WIDE,    /* half of its instances or more are affected */
        HEALER_CONTEXT_COUNT
};

struct healer_effect {
        uint64_t tried, helped;
        double preference; /* 0..1, moved by outcomes; 0.5 at first */
};

/* How far the limits of a metric were moved: times 0.8 to 1.25, never further. */
struct healer_tuning {
        double factor;
        double usual_high;      /* what healthy values seldom exceed; 0: not known */
        uint64_t outcomes;
};

#define HEALER_TUNING_MIN 0.8
#define HEALER_TUNING_MAX 1.25

struct healer_learned {
        uint32_t size; /* sizeof(struct healer_learned) */
        struct healer_tally tallies[HEALER_SOURCE_COUNT][HEALER_FAILURE_COUNT];
        uint32_t pattern_count;
        struct healer_pattern patterns[HEALER_PATTERNS_MAX];
        struct healer_cases cases;
        struct healer_model model;
        struct healer_effect effects[HEALER_FAILURE_COUNT][HEALER_ACTION_COUNT];
        struct healer_effect by_context[HEALER_CONTEXT_COUNT][HEALER_FAILURE_COUNT]
                                       [HEALER_ACTION_COUNT];
        struct healer_tuning tuning[HEALER_METRIC_COUNT];
};

HEALER_API extern const char *const healer_context_names[HEALER_CONTEXT_COUNT];

/* Signs for the pattern learner: a metric's warning limit crossed (by metric), what
 * happened to processes, and messages by the failure type that they speak of. */
enum healer_sign {
        HEALER_SIGN_METRIC = 0, /* + enum healer_metric */
        HEALER_SIGN_EXIT = 16,
        HEALER_SIGN_OOM,
        HEALER_SIGN_SILENT,
        HEALER_SIGN_CHECK,
        HEALER_SIGN_DEPLOYMENT,
        HEALER_SIGN_CONFIG,
        HEALER_SIGN_MESSAGE = 32 /* + enum healer_failure */
};

/* "memory", "exit", "message:disk_full"; "" for none, and HEALER_SIGNS_MAX. */
HEALER_API const char *healer_sign_name(uint32_t sign);
HEALER_API uint32_t healer_sign_of(const char *name);

/* Nothing learned yet. */
HEALER_API void healer_learned_init(struct healer_learned *learned);
/* Adds to `sum` what `end` has learned beyond `base`, which it started from. Where
 * counts cannot be added (preferences, limits) the later one is taken. */
HEALER_API void healer_learned_add(struct healer_learned *sum, const struct healer_learned *base,
                                   const struct healer_learned *end);
/* NULL for a sound one, else what is wrong with it. */
HEALER_API const char *healer_learned_check(const struct healer_learned *learned);

HEALER_END_DECLS

#endif
