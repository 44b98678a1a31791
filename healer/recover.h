/* healer/recover.h - what to do about a failure, by its type.
 *
 * A recoverer runs a call; when the call fails, it names the failure's type,
 * looks up the strategy registered for that type, and carries it out:
 *
 *   retry               again, `wait_ns` apart (default at once)
 *   exponential_backoff again, after wait_ns, 2 wait_ns, 4 wait_ns .. (healer/retry.h)
 *   circuit_breaker     counts in a breaker of the strategy's own, which refuses all
 *                       calls while it is open; attempts > 1: again, as far as it admits
 *   fallback            the handler's value is the answer
 *   compensate          the handler undoes what the call had half done; the
 *                       failure is returned, `handled` says that it is undone
 *   ignore              no failure: OK with an empty value
 *   escalate            tells the handler; if that says it is resolved, again, else the
 *                       failure is returned
 *   restart, rollback, heal   the handler does so, then the call runs again
 *                       after wait_ns
 *
 * A type that nobody registered falls back on its category (healer/kinds.h: network,
 * database, service, resource, dependency, timeout, unknown), registered under that
 * name, and then on the default strategy, registered as HEALER_RECOVER_DEFAULT.
 *
 * It is always the call itself that runs again, and its own value that comes
 * back; only fallback and ignore answer otherwise, and the result says so. A
 * type without a strategy is an answer of its own, and counted. A strategy whose
 * handler is missing cannot be registered. The call may itself be a protected
 * one (healer/protect.h); then only one of the two should retry.
 *
 * Registering is not for while calls are under way; calls may come from any
 * thread. No allocation in a call.
 */
#ifndef HEALER_RECOVER_H
#define HEALER_RECOVER_H

#include "healer/protect.h"

HEALER_BEGIN_DECLS

#define HEALER_RECOVER_TYPES_MAX 64u
#define HEALER_RECOVER_DEFAULT "*"

enum healer_recover_kind {
        HEALER_RECOVER_RETRY = 0,
        HEALER_RECOVER_EXPONENTIAL_BACKOFF,
        HEALER_RECOVER_CIRCUIT_BREAKER,
        HEALER_RECOVER_FALLBACK,
        HEALER_RECOVER_COMPENSATE,
        HEALER_RECOVER_IGNORE,
        HEALER_RECOVER_ESCALATE,
        HEALER_RECOVER_RESTART,
        HEALER_RECOVER_ROLLBACK,
        HEALER_RECOVER_HEAL,
        HEALER_RECOVER_KIND_COUNT /* in a result: no failure, or no strategy for its type */
};

/* What a handler is told. */
struct healer_recover_failure {
        const char *type;
        int32_t code;
        uint32_t attempts; /* made so far */
        void *request;     /* the caller's */
};

/* True: done. FALLBACK puts its answer into `*value`; the others leave it. */
typedef bool healer_recover_fn(void *ctx, const struct healer_recover_failure *failure,
                               void **value);

struct healer_recover_strategy {
        uint32_t kind;     /* enum healer_recover_kind */
        uint32_t attempts; /* of the call, the first included, 1..1000; not used by FALLBACK,
                              COMPENSATE and IGNORE, which make one */
        int64_t wait_ns;   /* before running again, >= 0; EXPONENTIAL_BACKOFF: the first wait, > 0 */
        uint32_t failure_threshold; /* CIRCUIT_BREAKER: failures in a row that open it, 1..65535 */
        uint32_t reserved;
        int64_t open_for_ns;        /* CIRCUIT_BREAKER: > 0 */
};

struct healer_recover_config {
        uint32_t size;
        uint32_t builtins; /* 1 (default): register those below as far as their handlers exist */
        /* The type of a failure; NULL: of category unknown. Needed. */
        const char *(*type_of)(void *ctx, int32_t code);
        int64_t (*now)(void *ctx);                     /* needed */
        void (*wait)(void *ctx, int64_t until_ns);     /* needed */
        healer_recover_fn *handlers[HEALER_RECOVER_KIND_COUNT]; /* by kind; may be NULL */
        void *ctx;                                     /* of all of these */
        int64_t deadline_ns; /* for a call with all its waits, > 0; default HEALER_NEVER: no wait
                                that would reach it is begun */
        uint64_t seed;       /* of the jitter of backoffs */
        const struct healer_allocator *allocator;
};

struct healer_recover_result {
        enum healer_err err; /* OK, FAILED, REFUSED (its breaker is open) */
        int32_t code;        /* of the last failed attempt; 0: none failed */
        uint32_t attempts;
        uint32_t kind;       /* of the strategy that was used, else HEALER_RECOVER_KIND_COUNT */
        bool no_strategy;    /* it failed with a type nobody registered */
        bool handled;        /* the strategy's handler was asked and did its part */
        void *value;
        int64_t retry_after_ns; /* REFUSED: for so long */
};

struct healer_recover;

/* Built in, each replaced by registering its type: database_connection,
 * backoff, 5 attempts from 1 s; api_timeout, breaker of 5 failures, 3 attempts
 * 2 s apart; memory_overflow, heal; agent_failure, restart, 2 restarts, 5 s. */
HEALER_API struct healer_recover_config healer_recover_config_defaults(void);
HEALER_API const char *healer_recover_config_check(const struct healer_recover_config *config);
HEALER_API HEALER_NODISCARD enum healer_err
healer_recover_create(const struct healer_recover_config *config,
                      struct healer_recover **out);
HEALER_API void healer_recover_destroy(struct healer_recover *recover);

/* A strategy of this kind with its usual numbers: retry 3 attempts, backoff 3
 * from 1 s, breaker 1 (threshold 5, open 60 s), the rest 2. */
HEALER_API struct healer_recover_strategy
healer_recover_strategy_defaults(enum healer_recover_kind kind);
/* For `type` only (1..47 bytes, copied); replaces the one before. HEALER_E_RANGE: a
 * value out of its range, or no handler for this kind (`*reason`, if given,
 * says which); HEALER_E_FULL; HEALER_E_NOMEM. */
HEALER_API HEALER_NODISCARD enum healer_err
healer_recover_register(struct healer_recover *recover, const char *type,
                        const struct healer_recover_strategy *strategy, const char **reason);

/* Runs `call(ctx, ..)`; `request` is handed to handlers. */
HEALER_API struct healer_recover_result healer_recover_call(struct healer_recover *recover,
                                                            healer_call_fn *call, void *ctx,
                                                            void *request);
/* Failures whose type had no strategy; strategies carried out, by kind. */
HEALER_API uint64_t healer_recover_no_strategy_count(const struct healer_recover *recover);
HEALER_API uint64_t healer_recover_count(const struct healer_recover *recover,
                                         enum healer_recover_kind kind);

/* "exponential_backoff"; and back, in capitals or small letters, KIND_COUNT if unknown. */
HEALER_API const char *healer_recover_kind_name(enum healer_recover_kind kind);
HEALER_API enum healer_recover_kind healer_recover_kind_of(const char *name);

HEALER_END_DECLS

#endif
