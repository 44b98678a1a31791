/* healer/fallback.h - another way to answer when the first one does not.
 *
 * A chain has handlers, asked in ascending priority (ties in the order given).
 * Each has a bulkhead of its own, so that a fallback cannot become the next
 * overload, and a time limit. A handler that is there and can handle the call
 * gives one of two outcomes: SUCCESS - an empty value is a success - or FAILED.
 * It is REFUSED when its bulkhead is full, MISSING when it has no function or
 * says that it cannot handle the call, and FAILED when it came back after its
 * time limit.
 *
 * With `cascade` the chain goes on until a handler succeeds; without it stops
 * after the first that was tried (refused and failed are tried, missing is
 * not). There is at most one pass, ever. The result tells which handler
 * answered and the degradation level it was asked at.
 *
 * The library has no clock: time limits need `now`. Handlers run on the
 * caller's thread, outside all locks. Any thread may run one chain.
 */
#ifndef HEALER_FALLBACK_H
#define HEALER_FALLBACK_H

#include "healer/bulkhead.h"

HEALER_BEGIN_DECLS

#define HEALER_FALLBACKS_MAX 32u

enum healer_fallback_outcome {
        HEALER_FALLBACK_SUCCESS = 0,
        HEALER_FALLBACK_FAILED,
        HEALER_FALLBACK_REFUSED,
        HEALER_FALLBACK_MISSING,
        HEALER_FALLBACK_OUTCOME_COUNT
};

/* What a handler is told. */
struct healer_fallback_call {
        void *request;       /* the caller's */
        int32_t code;        /* of the failure that led here */
        uint32_t level;      /* degradation level, as the caller gave it */
        int64_t deadline_ns; /* by then it must be back; HEALER_NEVER: no limit */
};

/* Puts its answer into `*value` (NULL is an empty value) and answers true. */
typedef bool healer_fallback_fn(void *ctx, const struct healer_fallback_call *call, void **value);

struct healer_fallback_handler {
        const char *name;        /* must outlive the chain */
        int32_t priority;        /* lower is asked first */
        uint32_t max_concurrent; /* 0..1000000; default by the defaults: 10 */
        int64_t time_limit_ns;   /* > 0; HEALER_NEVER: none */
        healer_fallback_fn *call; /* NULL: missing */
        bool (*can_handle)(void *ctx, const struct healer_fallback_call *call); /* NULL: can */
        void *ctx;
};

struct healer_fallback_config {
        uint32_t size;
        uint32_t handler_count; /* 1..32 */
        const struct healer_fallback_handler *handlers; /* copied */
        uint32_t cascade;       /* 1: on to the next after a failure (default); 0: stop */
        uint32_t threads;       /* enum healer_threads */
        int64_t (*now)(void *ctx); /* needed if any handler has a time limit */
        void *now_ctx;
        const struct healer_allocator *allocator;
};

struct healer_fallback_result {
        enum healer_fallback_outcome outcome; /* SUCCESS, or of the last handler asked */
        uint32_t handler;                     /* index in the config; UINT32_MAX: none was there */
        const char *name;                     /* its name, or "" */
        uint32_t level;
        uint32_t tried;
        void *value;
};

struct healer_fallback;

HEALER_API struct healer_fallback_handler healer_fallback_handler_defaults(void);
HEALER_API struct healer_fallback_config healer_fallback_config_defaults(void);
HEALER_API const char *healer_fallback_config_check(const struct healer_fallback_config *config);
HEALER_API HEALER_NODISCARD enum healer_err
healer_fallback_create(const struct healer_fallback_config *config, struct healer_fallback **out);
HEALER_API void healer_fallback_destroy(struct healer_fallback *fallback);
/* One pass over the chain. `call->deadline_ns` bounds all of it. */
HEALER_API struct healer_fallback_result
healer_fallback_run(struct healer_fallback *fallback, const struct healer_fallback_call *call);
/* By handler (index in the config) and outcome; 0 for an unknown one. */
HEALER_API uint64_t healer_fallback_count(const struct healer_fallback *fallback,
                                          uint32_t handler, enum healer_fallback_outcome outcome);

HEALER_END_DECLS

#endif
