/* healer/retry.h - try again, but not too soon, not too often, not in vain.
 *
 * A retry policy says how long to wait before the n-th retry and when to stop.
 * It never calls, waits or sleeps itself: after a failed attempt the caller
 * asks healer_retry_next(), which answers AGAIN with the wait, or why not.
 * (healer/protect.h has the loop around a call.)
 *
 * Delay before retry n = 1, 2, ...:  base(n) = initial x multiplier^(n-1)
 * (EXPONENTIAL), initial x n (LINEAR) or initial (CONSTANT), and with u uniform
 * in [0, 1) and j = jitter_ratio:
 *   ADD           d = min(base, max / (1 + j)), wait d x (1 + j u)     (default)
 *   NONE          min(base, max)
 *   PLUS_MINUS    d = min(base, max / (1 + j)), wait d x (1 - j + 2 j u)
 *   FULL          min(base, max) x u
 *   EQUAL         min(base, max) x (1 + u) / 2
 *   DECORRELATED  min(max, initial + u x (3 x wait before - initial))
 * No wait is ever above max, and with ADD the waits of many clients stay spread
 * also at the cap. With the defaults: 1-1.1, 2-2.2, 4-4.4, 8-8.8, 16-17.6,
 * 27.27-30, 27.27-30, ... s.
 *
 * `max_attempts` counts the first call: 3 attempts are 2 retries
 * (max_retries = max_attempts - 1).
 *
 * A budget bounds retries over all callers that share it. Only one layer of a
 * call stack retries: a run begun with a context in which an outer run is under
 * way gets a single attempt, and this is counted and reported.
 *
 * A refusal by a breaker, bulkhead or limiter is not a failure of the target,
 * but may be worth a retry: pass it as `refused` with its retry_after.
 *
 * Any thread may use one policy; a run belongs to one call. No allocation after
 * create. The same seed gives the same waits to the same order of runs.
 */
#ifndef HEALER_RETRY_H
#define HEALER_RETRY_H

#include "healer/breaker.h"

HEALER_BEGIN_DECLS

enum healer_retry_backoff {
        HEALER_RETRY_EXPONENTIAL = 0,
        HEALER_RETRY_LINEAR,
        HEALER_RETRY_CONSTANT,
        HEALER_RETRY_BACKOFF_COUNT
};

enum healer_retry_jitter {
        HEALER_RETRY_JITTER_ADD = 0,
        HEALER_RETRY_JITTER_NONE,
        HEALER_RETRY_JITTER_PLUS_MINUS,
        HEALER_RETRY_JITTER_FULL,
        HEALER_RETRY_JITTER_EQUAL,
        HEALER_RETRY_JITTER_DECORRELATED,
        HEALER_RETRY_JITTER_COUNT
};

enum healer_retry_verdict {
        HEALER_RETRY_AGAIN = 0,
        HEALER_RETRY_STOP_CODE,      /* the failure is not one to retry */
        HEALER_RETRY_STOP_ATTEMPTS,  /* max_attempts are used */
        HEALER_RETRY_STOP_DEADLINE,  /* the wait would reach or pass the deadline */
        HEALER_RETRY_STOP_BUDGET,    /* the shared budget is empty */
        HEALER_RETRY_STOP_BREAKER,   /* refused, and worth asking only after the deadline */
        HEALER_RETRY_STOP_CANCELLED, /* the caller gave up */
        HEALER_RETRY_STOP_NESTED,    /* an outer layer does the retrying */
        HEALER_RETRY_VERDICT_COUNT
};

/* ---- a budget ---- */

enum healer_retry_budget_kind {
        HEALER_RETRY_BUDGET_RATIO = 0, /* so many retries per first attempt, and a reserve */
        HEALER_RETRY_BUDGET_TOKENS,    /* gRPC's: a bucket that failures drain */
};

struct healer_retry_budget_config {
        uint32_t size;
        uint32_t kind;            /* enum healer_retry_budget_kind */
        double ratio;             /* RATIO: retries earned per first attempt, 0..100; default 0.2 */
        double reserve_per_s;     /* RATIO: retries per second always allowed, 0..1e6; default 10 */
        int64_t credit_for_ns;    /* RATIO: how long a credit lives, 10 ms..1 h; default 10 s */
        double tokens_max;        /* TOKENS: 1..1000; default 10; retries need more than half */
        double tokens_per_success; /* TOKENS: (0, tokens_max]; default 0.1; a failure takes 1 */
        uint32_t threads;         /* enum healer_threads */
        uint32_t reserved;
        const struct healer_allocator *allocator;
};

struct healer_retry_budget;

HEALER_API struct healer_retry_budget_config healer_retry_budget_config_defaults(void);
HEALER_API const char *
healer_retry_budget_config_check(const struct healer_retry_budget_config *config);
HEALER_API HEALER_NODISCARD enum healer_err
healer_retry_budget_create(const struct healer_retry_budget_config *config, int64_t now_ns,
                           struct healer_retry_budget **out);
HEALER_API void healer_retry_budget_destroy(struct healer_retry_budget *budget);
/* One first attempt was made (RATIO earns; TOKENS does nothing). */
HEALER_API void healer_retry_budget_first_attempt(struct healer_retry_budget *budget,
                                                  int64_t now_ns);
/* An attempt ended (TOKENS only). */
HEALER_API void healer_retry_budget_outcome(struct healer_retry_budget *budget, bool failed);
/* Takes one retry out; false: empty. Threads asking at the very same time may
 * together take one more each than there is. */
HEALER_API HEALER_NODISCARD bool healer_retry_budget_take(struct healer_retry_budget *budget,
                                                          int64_t now_ns);
/* Retries left (RATIO) or tokens (TOKENS), for export. */
HEALER_API double healer_retry_budget_left(const struct healer_retry_budget *budget,
                                           int64_t now_ns);

/* ---- a call's context: one per request, handed down the stack ---- */

/* Zero it before the first use. Belongs to one request; cancel may be set from
 * any thread. */
struct healer_call_context {
        uint32_t retry_layers; /* runs under way above this point */
        uint32_t reserved;
        struct healer_cancel *cancel; /* may be NULL */
};

/* The caller's way to give up. */
struct healer_cancel;
/* `wake(ctx)` is called by healer_cancel_set, so that a wait ends at once; may be NULL. */
HEALER_API HEALER_NODISCARD enum healer_err
healer_cancel_create(const struct healer_allocator *allocator, void (*wake)(void *ctx), void *ctx,
                     struct healer_cancel **out);
HEALER_API void healer_cancel_destroy(struct healer_cancel *cancel);
/* Any thread, any number of times; wakes once. */
HEALER_API void healer_cancel_set(struct healer_cancel *cancel);
HEALER_API bool healer_cancel_is_set(const struct healer_cancel *cancel);

/* ---- the policy ---- */

struct healer_retry_config {
        uint32_t size;
        uint32_t max_attempts;  /* 1..2^31, the first call included; default 3 */
        uint32_t backoff;       /* enum healer_retry_backoff */
        uint32_t jitter;        /* enum healer_retry_jitter */
        int64_t initial_ns;     /* >= 0; default 1 s */
        int64_t max_ns;         /* >= initial_ns; default 30 s */
        double multiplier;      /* 1..1000; default 2 */
        double jitter_ratio;    /* 0..1; default 0.1; used by ADD and PLUS_MINUS */
        uint64_t seed;          /* of the jitter */
        /* Which failures to retry; NULL: those whose `retryable` is set. */
        bool (*retryable)(void *ctx, int32_t code);
        void *retryable_ctx;
        /* Called when a run stops for ATTEMPTS: time to escalate. May be NULL. */
        void (*on_exhausted)(void *ctx, uint32_t attempts, int32_t code);
        void *on_exhausted_ctx;
        struct healer_retry_budget *budget; /* may be NULL; must outlive the policy */
        uint64_t id;
        struct healer_event_ring *events; /* told of nested retries; may be NULL */
        uint32_t threads;                 /* enum healer_threads */
        uint32_t reserved;
        const struct healer_allocator *allocator;
};

struct healer_retry;

HEALER_API struct healer_retry_config healer_retry_config_defaults(void);
/* After a lost database connection: waits of exactly 1, 2, 4, 8, 16 s, so five
 * reconnects, the last 31 s after the loss; then on_exhausted. */
HEALER_API struct healer_retry_config healer_retry_config_db_reconnect(void);
HEALER_API const char *healer_retry_config_check(const struct healer_retry_config *config);

/* The wait before retry n (1 for the first), as a pure function of a checked
 * config and u01 in [0, 1). `before_ns` is the wait before (0: none yet), used
 * by DECORRELATED only. Saturates; n up to 2^32-1 costs at most 32 steps. */
HEALER_API int64_t healer_retry_delay_after_ns(const struct healer_retry_config *config,
                                               uint32_t n, int64_t before_ns, double u01);
/* The same for the other jitters. */
HEALER_API int64_t healer_retry_delay_ns(const struct healer_retry_config *config, uint32_t n,
                                         double u01);

HEALER_API HEALER_NODISCARD enum healer_err
healer_retry_create(const struct healer_retry_config *config, struct healer_retry **out);
HEALER_API void healer_retry_destroy(struct healer_retry *retry);

/* One call with its attempts; plain memory of the caller's. */
struct healer_retry_run {
        int64_t deadline_ns;
        int64_t last_wait_ns;
        struct healer_call_context *context;
        uint64_t random; /* 0 until the first retry */
        uint32_t attempts; /* made or under way */
        uint32_t nested;
};

struct healer_retry_failure {
        int32_t code;
        uint32_t retryable;     /* 1: worth another attempt; see config.retryable */
        int64_t hint_ns;        /* the server's "retry after", replaces the delay, clamped to
                                   [0, max]; -1: none */
        uint32_t refused;       /* 1: a breaker, bulkhead or limiter refused, nothing was called */
        uint32_t reserved;
        int64_t retry_after_ns; /* of that refusal; 0: at once */
};

/* Begins a run with its first attempt. `context` may be NULL; `deadline_ns`
 * may be HEALER_NEVER. End it with healer_retry_end(). */
HEALER_API void healer_retry_begin(struct healer_retry *retry, struct healer_retry_run *run,
                                   struct healer_call_context *context, int64_t deadline_ns,
                                   int64_t now_ns);
/* The attempt failed: AGAIN after `*wait_ns` (the attempt is then counted as
 * begun), or why to stop. */
HEALER_API HEALER_NODISCARD enum healer_retry_verdict
healer_retry_next(struct healer_retry *retry, struct healer_retry_run *run,
                  const struct healer_retry_failure *failure, int64_t now_ns, int64_t *wait_ns);
/* Ends a run; `succeeded` feeds a token budget. */
HEALER_API void healer_retry_end(struct healer_retry *retry, struct healer_retry_run *run,
                                 bool succeeded);

struct healer_retry_counts {
        uint64_t retries;                           /* answers AGAIN */
        uint64_t stops[HEALER_RETRY_VERDICT_COUNT]; /* by reason; [AGAIN] stays 0 */
        uint64_t nested;                            /* runs begun inside another */
};
HEALER_API void healer_retry_counts(const struct healer_retry *retry,
                                    struct healer_retry_counts *out);
HEALER_API const char *healer_retry_verdict_text(enum healer_retry_verdict verdict);

HEALER_END_DECLS

#endif
