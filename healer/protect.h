/* healer/protect.h - one call with everything around it, in the right order.
 *
 *   fallback > deadline > retry > breaker > rate limit > timeout > bulkhead > call
 *
 * outermost first; any of them may be absent. The operation itself is what is
 * run again, and its own value is what comes back: never a null in its place.
 * A refusal further in cancels the tickets taken further out: a call that the
 * bulkhead refuses gives back its tokens and cancels its breaker ticket, so it
 * counts as no outcome of the target. A degradation ladder, if given, decides
 * by priority before everything but the fallback, and shortens the timeout.
 *
 * The library has no clock and cannot sleep: `now` and, for retries and queues,
 * `wait` come from the host. A C function cannot be stopped from outside: it is
 * told its deadline and is expected to keep it. A call that can be stopped - by
 * closing its socket, say - really ends there with `limit`: the host sets a
 * timer that does so. If a call comes back later than its deadline all the same,
 * the attempt has timed out and its value is not used - but its permit was held
 * until then, as it should be.
 *
 * With a ladder and a bulkhead the level's concurrency is the bulkhead's cap.
 *
 * Any thread may call through one protector; no allocation after create.
 */
#ifndef HEALER_PROTECT_H
#define HEALER_PROTECT_H

#include "healer/breaker.h"
#include "healer/bulkhead.h"
#include "healer/degrade.h"
#include "healer/fallback.h"
#include "healer/rate_limit.h"
#include "healer/retry.h"

HEALER_BEGIN_DECLS

/* What an attempt is told. */
struct healer_attempt {
        uint32_t number;      /* 1, 2, ... */
        uint32_t level;       /* of degradation, 0: full */
        double quality_ratio; /* how good the answer must be, 1 without a ladder */
        int64_t deadline_ns;  /* be back by then; HEALER_NEVER: no limit */
        struct healer_call_context *context; /* to hand on to nested protected calls */
};

/* The call. 0: success, with its value in `*value`; else a code of the caller's. */
typedef int32_t healer_call_fn(void *ctx, const struct healer_attempt *attempt, void **value);

/* What a failure's code means to the policies. */
enum healer_failure_kind {
        HEALER_FAILURE_RETRYABLE = 0,
        HEALER_FAILURE_FINAL,   /* the target failed, and would again */
        HEALER_FAILURE_IGNORED, /* the caller's own mistake: no failure of the target, no retry */
};

struct healer_protect_config {
        uint32_t size;
        uint32_t reserved;
        struct healer_fallback *fallback; /* all of these are the caller's, may be NULL, */
        struct healer_retry *retry;       /* and must outlive the protector */
        struct healer_breaker *breaker;
        struct healer_rate_limit *rate_limit;
        struct healer_bulkhead *bulkhead;
        struct healer_degrade *degrade;
        int64_t deadline_ns; /* for the whole call, > 0; default HEALER_NEVER */
        int64_t timeout_ns;  /* for each attempt, > 0; default HEALER_NEVER */
        int64_t (*now)(void *ctx); /* needed */
        /* Returns at `until_ns`, or at once when `cancel` (may be NULL) is set or the
         * waiter of a bulkhead was woken. Needed with retry; without it nothing queues. */
        void (*wait)(void *ctx, int64_t until_ns, struct healer_cancel *cancel);
        /* NULL: every failure is retryable. */
        enum healer_failure_kind (*kind_of)(void *ctx, int32_t code);
        /* The waiter's wake in the bulkhead's queue; may be NULL, then `wait` must poll. */
        void (*wake)(void *ctx);
        /* Called just before each call with its deadline (if it has one), and with
         * HEALER_NEVER when it is back, on the same thread and with the same `attempt`. NULL:
         * the call watches its deadline itself. */
        void (*limit)(void *ctx, const struct healer_attempt *attempt, int64_t deadline_ns);
        void *ctx; /* of all five */
        const struct healer_allocator *allocator;
};

enum healer_protect_layer {
        HEALER_LAYER_NONE = 0,
        HEALER_LAYER_DEGRADE,
        HEALER_LAYER_DEADLINE,
        HEALER_LAYER_RETRY,
        HEALER_LAYER_BREAKER,
        HEALER_LAYER_RATE_LIMIT,
        HEALER_LAYER_TIMEOUT,
        HEALER_LAYER_BULKHEAD,
        HEALER_LAYER_CALL,
};

struct healer_protect_result {
        enum healer_err err;     /* OK (also by fallback), FAILED, REFUSED, TIMEOUT, CANCELLED */
        int32_t code;            /* of the last failed attempt, 0 if none was made */
        void *value;             /* of the call, or of the fallback */
        uint32_t attempts;       /* really made */
        enum healer_protect_layer layer; /* which one ended it, if err or a fallback says so */
        enum healer_breaker_verdict breaker_verdict;
        enum healer_retry_verdict retry_verdict;
        int64_t retry_after_ns;  /* of the last refusal; 0: at once or unknown */
        bool from_fallback;
        struct healer_fallback_result fallback; /* if one was asked */
};

struct healer_protect;

HEALER_API struct healer_protect_config healer_protect_config_defaults(void);
HEALER_API const char *healer_protect_config_check(const struct healer_protect_config *config);
HEALER_API HEALER_NODISCARD enum healer_err
healer_protect_create(const struct healer_protect_config *config, struct healer_protect **out);
HEALER_API void healer_protect_destroy(struct healer_protect *protect);

/* What one call brings along; zero it for none. */
struct healer_protect_request {
        void *request;   /* handed to fallbacks */
        uint32_t priority; /* 0..499; default 0 is the least important */
        uint32_t reserved;
        struct healer_call_context *context; /* of the request, may be NULL */
};

/* Runs `call(ctx, ...)` protected. `request` may be NULL. */
HEALER_API struct healer_protect_result
healer_protect_call(struct healer_protect *protect, healer_call_fn *call, void *ctx,
                    const struct healer_protect_request *request);

HEALER_END_DECLS

#endif
