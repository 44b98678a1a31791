/* healer/leak.h - a process's own memory against what it was at first sight.
 *
 * The first reading is the baseline. More than half above it is a leak; then (or above
 * a hard limit) four steps are taken in order: collect garbage, drop the component's
 * cache, trim the error history, renew the baseline. What was freed is what the
 * caller's allocator counts before and after, not what a step claims. Trimming keeps
 * the newest errors: they are evidence, and a cleanup that destroys what would show
 * its own cause is no cure. A step that is NULL is passed over and said so.
 *
 * A plain struct of the caller's; no allocation; O(1).
 */
#ifndef HEALER_LEAK_H
#define HEALER_LEAK_H

#include "healer/err.h"

#include <stdbool.h>
#include <stdint.h>

HEALER_BEGIN_DECLS

enum { HEALER_LEAK_STEPS = 3 }; /* of the caller; the fourth is the baseline */

struct healer_leak {
        uint64_t baseline_bytes;   /* 0: nothing seen yet */
        uint64_t limit_bytes;      /* hard limit, 0: none */
        double growth_max;         /* 0: 0.5 */
};

struct healer_leak_cleanup {
        void *user;
        uint64_t (*counted_bytes)(void *user); /* what the allocator has given out now */
        /* Each answers how many objects it let go. */
        uint64_t (*step[HEALER_LEAK_STEPS])(void *user); /* garbage, cache, error history */
};

struct healer_leak_report {
        bool leak;                /* grown by more than allowed */
        bool over_limit;
        bool cleaned;
        uint32_t steps_taken;     /* 0..4 */
        uint64_t before_bytes, after_bytes, objects;
        double freed_mb;          /* 10^6 bytes; below 0 when it grew meanwhile */
};

/* One reading. The first one becomes the baseline. */
HEALER_API struct healer_leak_report healer_leak_check(struct healer_leak *leak,
                                                       uint64_t now_bytes,
                                                       const struct healer_leak_cleanup *cleanup);

HEALER_END_DECLS

#endif
