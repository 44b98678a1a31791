/* healer/model.h - a small learned predictor: boosted stumps, and remembered cases.
 *
 * Both look at the same features of one instance (a short row of plain numbers,
 * named below) and say how likely a failure is within the prediction's horizon.
 *
 *   healer_model   gradient-boosted stumps: each asks one feature whether it is
 *                  above a limit and adds one of two numbers to the log odds.
 *                  Trained off line from labelled rows (`chaos-run train`), then
 *                  a constant.
 *   healer_cases   the last labelled situations, as they were: what is near to one
 *                  that ended badly, and nearer to it than to those that did not,
 *                  is like it. Learns as it goes.
 *
 * A model is a plain struct that can be copied and kept; asking it costs one
 * comparison a stump. Training sorts no rows: limits are sought among 32 steps of
 * each feature; it allocates one work space and gives it back.
 */
#ifndef HEALER_MODEL_H
#define HEALER_MODEL_H

#include "healer/alloc.h"
#include "healer/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

HEALER_BEGIN_DECLS

/* "reach": where the line through the last samples stands at the horizon, as a
 * share of the limit, weighted by how much of a line it is; 0 where unknown. */
enum healer_model_feature {
        HEALER_FEATURE_MEMORY,
        HEALER_FEATURE_MEMORY_REACH,
        HEALER_FEATURE_DISK,
        HEALER_FEATURE_DISK_REACH,
        HEALER_FEATURE_FDS,
        HEALER_FEATURE_FDS_REACH,
        HEALER_FEATURE_POOL,
        HEALER_FEATURE_POOL_REACH,
        HEALER_FEATURE_TOKENS,
        HEALER_FEATURE_TOKENS_REACH,
        HEALER_FEATURE_CPU,
        HEALER_FEATURE_CPU_REACH,
        HEALER_FEATURE_QUEUE,       /* share of what can wait */
        HEALER_FEATURE_QUEUE_REACH,
        HEALER_FEATURE_ERRORS,
        HEALER_FEATURE_ERRORS_REACH,
        HEALER_FEATURE_LATENCY,     /* over what is usual here */
        HEALER_FEATURE_LATENCY_REACH, /* over the objective */
        HEALER_FEATURE_LOAD,        /* over what is usual here */
        HEALER_FEATURE_GAPS,        /* heartbeats missed in five minutes */
        HEALER_FEATURE_EXITS,       /* processes of the service ended in ten minutes */
        HEALER_FEATURE_CHANGED,     /* 1: deployed or configured within five minutes */
        HEALER_FEATURE_PEERS,       /* share of the service's instances on the same way */
        HEALER_FEATURE_COUNT
};

HEALER_API extern const char *const healer_feature_names[HEALER_FEATURE_COUNT];

/* ---- stumps */

enum { HEALER_STUMPS_MAX = 96 };

struct healer_stump {
        uint32_t feature;
        double limit;       /* below it `low`, from it on `high`; NaN counts as below */
        double low, high;   /* added to the log odds */
};

struct healer_model {
        uint32_t count;     /* of stumps; 0: there is no model */
        double bias;        /* log odds of the base rate */
        uint64_t rows, failures; /* that it was made from */
        struct healer_stump stumps[HEALER_STUMPS_MAX];
};

HEALER_API double healer_model_probability(const struct healer_model *model,
                                           const double features[HEALER_FEATURE_COUNT]);
/* NULL for a sound model, else what is wrong with it. */
HEALER_API const char *healer_model_check(const struct healer_model *model);

struct healer_training {
        const double (*rows)[HEALER_FEATURE_COUNT];
        const bool *failed;
        size_t count;
        uint32_t stumps;    /* 1..HEALER_STUMPS_MAX */
        double rate;        /* of each stump, above 0 to 1 */
        uint32_t rows_min;  /* on either side of a limit */
        const struct healer_allocator *allocator;
};

/* The same rows give the same model. HEALER_E_RANGE when a setting is, or when the
 * rows are all of one kind: then nothing can be learned. */
HEALER_API HEALER_NODISCARD enum healer_err healer_model_train(const struct healer_training *training,
                                                               struct healer_model *out);

/* ---- cases */

enum { HEALER_CASES_MAX = 48, HEALER_CASES_MIN = 5 }; /* of each kind */

struct healer_case {
        double features[HEALER_FEATURE_COUNT];
        uint32_t failure;   /* type that followed */
        bool failed;
};

struct healer_cases {
        uint32_t count[2];  /* [0] that went well, [1] that failed; the newest are kept */
        struct healer_case kept[2][HEALER_CASES_MAX];
};

/* One that is as good as a kept one of its kind replaces it; a failed one that looks
 * like one that went well teaches nothing and is not kept. */
HEALER_API void healer_cases_add(struct healer_cases *cases, const struct healer_case *one);
/* 0..1; 0 while fewer than HEALER_CASES_MIN of either kind are known. The failure type
 * of the nearest failed case is in `*failure`. */
HEALER_API double healer_cases_likeness(const struct healer_cases *cases,
                                        const double features[HEALER_FEATURE_COUNT],
                                        uint32_t *failure);

HEALER_END_DECLS

#endif
