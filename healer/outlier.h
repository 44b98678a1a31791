/* healer/outlier.h - take a bad member out of a pool for a while.
 *
 * A member is ejected after `failures_in_row` failures in a row, or when in one
 * sweep interval at least calls_min of its calls ended and failure_percent of
 * them failed. It stays out for base x (how often it has been ejected), at most
 * out_for_max. The count falls by one with each sweep in which the member is in
 * and had no failure. At most ejected_max_percent of the pool, but at least one
 * member, is out at a time. And when less than panic_percent of the pool would
 * be left, everybody is asked again: a bad member is better than none.
 *
 * Reports and allows are for any thread and cost a few atomics; sweep belongs
 * to one owner at a time and also returns members whose time is over.
 */
#ifndef HEALER_OUTLIER_H
#define HEALER_OUTLIER_H

#include "healer/breaker.h"

HEALER_BEGIN_DECLS

struct healer_outlier_config {
        uint32_t size;
        uint32_t members;           /* 1..100000 */
        uint32_t failures_in_row;   /* >= 1; default 5 */
        uint32_t calls_min;         /* >= 1; default 50 */
        double failure_percent;     /* (0, 100]; default 85 */
        double ejected_max_percent; /* (0, 100]; default 10 */
        double panic_percent;       /* 0..100; default 50; 0: never */
        int64_t sweep_ns;           /* > 0; default 10 s */
        int64_t out_for_ns;         /* > 0; default 30 s */
        int64_t out_for_max_ns;     /* >= out_for_ns; default 300 s */
        uint32_t threads;           /* enum healer_threads */
        uint32_t reserved;
        uint64_t id;
        struct healer_event_ring *events; /* MEMBER_EJECTED, MEMBER_RETURNED; item = member */
        const struct healer_allocator *allocator;
};

struct healer_outlier;

HEALER_API struct healer_outlier_config healer_outlier_config_defaults(void);
HEALER_API const char *healer_outlier_config_check(const struct healer_outlier_config *config);
HEALER_API HEALER_NODISCARD enum healer_err
healer_outlier_create(const struct healer_outlier_config *config, int64_t now_ns,
                      struct healer_outlier **out);
HEALER_API void healer_outlier_destroy(struct healer_outlier *outlier);
/* One call to `member` has ended. May eject it. */
HEALER_API void healer_outlier_report(struct healer_outlier *outlier, uint32_t member, bool ok,
                                      int64_t now_ns);
/* May `member` be asked? An unknown member may not. */
HEALER_API bool healer_outlier_allows(const struct healer_outlier *outlier, uint32_t member,
                                      int64_t now_ns);
/* Once per sweep_ns (earlier calls only return members); the next instant to call it. */
HEALER_API int64_t healer_outlier_sweep(struct healer_outlier *outlier, int64_t now_ns);
HEALER_API uint32_t healer_outlier_ejected(const struct healer_outlier *outlier);
/* How often in a row a member has been ejected, less the good sweeps since. */
HEALER_API uint32_t healer_outlier_multiplier(const struct healer_outlier *outlier,
                                              uint32_t member);
HEALER_API bool healer_outlier_panics(const struct healer_outlier *outlier);

HEALER_END_DECLS

#endif
