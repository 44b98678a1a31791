/* healer/error_rate.h - the share of failed calls over the last while, exactly.
 *
 * A monitor is told how many calls ended at an instant, and how many of them
 * failed. Its rate is that of all calls in (now - window, now]: each counts from
 * the instant it is told until exactly one window later, not until the end of
 * some interval. At `warning` and above it is a warning, at `critical` and above
 * critical (limits are inclusive), and it is fine again as soon as the rate is
 * below: whoever wants patience gives the rate to a healer, as a metric of its
 * own (healer_register_monitor(), healer_observe_monitor()), which waits its dwell
 * time and has hysteresis.
 *
 * Calls told at the same instant share an entry; there are `entries_max`. When
 * they do not suffice, the oldest entry leaves before its time. That is counted,
 * and a view says of itself whether it is exact.
 *
 * One owner, no clock, one allocation at create. Telling is O(1) on average; a
 * view likewise.
 */
#ifndef HEALER_ERROR_RATE_H
#define HEALER_ERROR_RATE_H

#include "healer/alloc.h"
#include "healer/err.h"

#include <stdint.h>

HEALER_BEGIN_DECLS

enum healer_error_level {
        HEALER_ERROR_UNKNOWN = 0, /* fewer than calls_min in the window */
        HEALER_ERROR_FINE,
        HEALER_ERROR_WARNING,
        HEALER_ERROR_CRITICAL
};

struct healer_error_rate_config {
        uint32_t size;
        uint32_t entries_max; /* instants remembered, 1..1000000; default 4096 */
        int64_t window_ns;    /* 1 ms..1 d; default 300 s */
        double warning;       /* 0 < warning <= critical; default .05 */
        double critical;      /* <= 1; default .10 */
        uint64_t calls_min;   /* in the window, fewer are no evidence; >= 1; default 1 */
        const struct healer_allocator *allocator;
};

struct healer_error_rate_view {
        enum healer_error_level level;
        uint32_t exact;         /* 0: an entry that belongs to the window had to leave */
        uint64_t calls, failed; /* in the window */
        double ratio;           /* failed / calls; NaN below calls_min */
        uint64_t calls_early;   /* ever: of entries that left before their time */
        uint64_t steps_back;    /* ever: times before the newest, which count as the newest */
};

struct healer_error_rate;

HEALER_API struct healer_error_rate_config healer_error_rate_config_defaults(void);
/* NULL for a sound configuration, else the field and what is wrong with it. */
HEALER_API const char *
healer_error_rate_config_check(const struct healer_error_rate_config *config);
/* The caller owns `*out`. HEALER_E_SIZE, _RANGE, _NOMEM: `*out` is NULL. */
HEALER_API HEALER_NODISCARD enum healer_err
healer_error_rate_create(const struct healer_error_rate_config *config,
                         struct healer_error_rate **out);
HEALER_API void healer_error_rate_destroy(struct healer_error_rate *monitor);

/* `failed` of `calls` that ended at `at_ns`. HEALER_E_RANGE, and nothing is counted:
 * more failed than ended, or more than 2^32 - 1 at once. */
HEALER_API enum healer_err healer_error_rate_add(struct healer_error_rate *monitor, int64_t at_ns,
                                                 uint64_t calls, uint64_t failed);
HEALER_API void healer_error_rate_view(struct healer_error_rate *monitor, int64_t now_ns,
                                       struct healer_error_rate_view *out);

HEALER_END_DECLS

#endif
