/* healer/rate_limit.h - so many calls per time, and no more.
 *
 *   TOKEN_BUCKET    `permits` per `period_ns`, refilled continuously, up to
 *                   `burst` saved up (GCRA: one instant says it all). No cycle,
 *                   hence no edge at which two cycles' worth pass at once.
 *   FIXED_CYCLE     `permits` in each period counted from the first instant
 *   SLIDING_WINDOW  never more than `permits` in any stretch of `period_ns`: an
 *                   admission exactly period_ns old is gone
 *
 * A refusal says after how long to ask again. With reserve, a token bucket lets
 * a call in that waits for its turn: it answers the wait, and refuses, without
 * reserving, when that would exceed max_wait_ns.
 *
 * The interval between tokens is rounded to whole nanoseconds, so a rate may
 * be off by at most 0.05 %; that is why more than a million permits a second
 * are refused. Any thread may call; no locks, no allocation after create.
 * Memory: 128 bytes, and 8 per permit for SLIDING_WINDOW.
 */
#ifndef HEALER_RATE_LIMIT_H
#define HEALER_RATE_LIMIT_H

#include "healer/breaker.h"

HEALER_BEGIN_DECLS

enum healer_rate_limit_kind {
        HEALER_RATE_TOKEN_BUCKET = 0,
        HEALER_RATE_FIXED_CYCLE,
        HEALER_RATE_SLIDING_WINDOW,
        HEALER_RATE_KIND_COUNT
};

struct healer_rate_limit_config {
        uint32_t size;
        uint32_t kind;       /* enum healer_rate_limit_kind */
        uint32_t permits;    /* 1..1000000; default 50 */
        uint32_t burst;      /* TOKEN_BUCKET: 1..1000000; default 50 */
        int64_t period_ns;   /* permits x 1 us .. 366 d; default 1 s */
        int64_t max_wait_ns; /* of reserve, >= 0; default 0 */
        uint32_t threads;    /* enum healer_threads */
        uint32_t reserved;
        const struct healer_allocator *allocator;
};

enum healer_rate_limit_verdict {
        HEALER_RATE_OK = 0,
        HEALER_RATE_REJECT,   /* above the rate; see the time it says */
        HEALER_RATE_TOO_MANY, /* more at once than could ever pass: the caller's mistake */
        HEALER_RATE_VERDICT_COUNT
};

struct healer_rate_limit;

HEALER_API struct healer_rate_limit_config healer_rate_limit_config_defaults(void);
HEALER_API const char *
healer_rate_limit_config_check(const struct healer_rate_limit_config *config);
HEALER_API HEALER_NODISCARD enum healer_err
healer_rate_limit_create(const struct healer_rate_limit_config *config, int64_t now_ns,
                         struct healer_rate_limit **out);
HEALER_API void healer_rate_limit_destroy(struct healer_rate_limit *limit);

/* `count` permits at once (SLIDING_WINDOW: one). On REJECT `*retry_after_ns` is
 * the time until they would pass if nobody else came; else 0. May be NULL. */
HEALER_API HEALER_NODISCARD enum healer_rate_limit_verdict
healer_rate_limit_acquire(struct healer_rate_limit *limit, uint32_t count, int64_t now_ns,
                          int64_t *retry_after_ns);
/* As acquire, but on OK the caller must first wait `*wait_ns` (0..max_wait_ns).
 * The other two kinds never make one wait: there it is acquire. */
HEALER_API HEALER_NODISCARD enum healer_rate_limit_verdict
healer_rate_limit_reserve(struct healer_rate_limit *limit, uint32_t count, int64_t now_ns,
                          int64_t *wait_ns);
/* The call was not made after all: its permits go back. (SLIDING_WINDOW forgets
 * nothing: there the admission stays counted.) */
HEALER_API void healer_rate_limit_give_back(struct healer_rate_limit *limit, uint32_t count);
/* Permits to be had now. */
HEALER_API uint32_t healer_rate_limit_left(const struct healer_rate_limit *limit,
                                           int64_t now_ns);
/* Refused so far, and instants that went back. */
HEALER_API void healer_rate_limit_counts(const struct healer_rate_limit *limit,
                                         uint64_t *rejected, uint64_t *time_went_back);

HEALER_END_DECLS

#endif
