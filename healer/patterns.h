/* healer/patterns.h - what tends to come before a failure, what keeps coming
 * back, and who falls ill together.
 *
 * Signs (a limit crossed, a process ended, a heartbeat missed ...: small numbers
 * of the caller's own) and failures are told with place and time. Learned are
 *
 *   sequences    one to three signs in order within `window_ns` at one place, and
 *                how often a failure of a type followed there in that time;
 *                similarity = 0.7 share followed + 0.3 regularity of the lead
 *   recurrences  a failure type at a place that comes back at even intervals:
 *                regularity = 1 - deviation / mean of the intervals
 *   couples      places whose events fall within 10 s of each other oftener than
 *                two that know nothing of one another would
 *   hours        hours of the day with more than twice the usual number
 *
 * A match needs the signs to be there now: a pattern whose signs are not among
 * the present ones predicts nothing, however well it has done. Sequences are
 * known for all places together, so that what was learned at one serves another.
 *
 * One allocation at create, none afterwards, about 11 KiB + 2.2 KiB a place;
 * HEALER_PATTERNS_MAX sequences, the least useful makes room; couples among the
 * first HEALER_COUPLES_MAX places. O(patterns) an event, O(patterns) a match.
 */
#ifndef HEALER_PATTERNS_H
#define HEALER_PATTERNS_H

#include "healer/alloc.h"
#include "healer/err.h"

#include <stdbool.h>
#include <stdint.h>

HEALER_BEGIN_DECLS

enum {
        HEALER_PATTERN_SIGNS_MAX = 3,
        HEALER_PATTERNS_MAX = 192,
        HEALER_SIGNS_MAX = 64,   /* signs and failure types are numbers below this */
        HEALER_COUPLES_MAX = 64
};

struct healer_patterns_config {
        uint32_t size;
        uint32_t occurrences_min; /* before a pattern is one, 2..1000; default 5 */
        double similarity_min;    /* 0..1; default 0.7 */
        int64_t window_ns;        /* from the first sign to the failure, 1 s..1 d; default 10 min */
        bool frozen;              /* what is known is matched, and nothing is learned */
        const struct healer_allocator *allocator;
};

/* A sequence, as it is kept; also what a state file holds. */
struct healer_pattern {
        uint32_t length, signs[HEALER_PATTERN_SIGNS_MAX];
        uint32_t failure;
        uint64_t seen, followed;  /* times complete; of these, with a failure afterwards */
        double lead_mean_s, lead_m2; /* from the last sign to the failure; sum of squares about it */
        uint64_t right, wrong;    /* predictions that rested on it */
};

struct healer_pattern_match {
        uint32_t index;           /* of the pattern, until the next sign or failure is told */
        uint32_t failure;
        double similarity;
        int64_t sign_ns;          /* of its last sign */
        int64_t due_ns;           /* by its usual lead */
};

struct healer_recurrence {
        uint32_t times;           /* remembered, at most 8 */
        double period_s, regularity;
        int64_t last_ns, next_ns;
};

struct healer_patterns;

HEALER_API struct healer_patterns_config healer_patterns_config_defaults(void);
HEALER_API const char *
healer_patterns_config_check(const struct healer_patterns_config *config);
HEALER_API HEALER_NODISCARD enum healer_err
healer_patterns_create(const struct healer_patterns_config *config, uint32_t places,
                       struct healer_patterns **out);
HEALER_API void healer_patterns_destroy(struct healer_patterns *patterns);

/* Numbers out of range are passed over. Time may not go back at one place. */
HEALER_API void healer_patterns_sign(struct healer_patterns *patterns, int64_t at_ns,
                                     uint32_t place, uint32_t sign);
HEALER_API void healer_patterns_failure(struct healer_patterns *patterns, int64_t at_ns,
                                        uint32_t place, uint32_t failure);

/* The best match for each failure type among the present signs, best first; how
 * many there are, at most `room`. */
HEALER_API uint32_t healer_patterns_match(const struct healer_patterns *patterns, int64_t now_ns,
                                          uint32_t place, struct healer_pattern_match *out,
                                          uint32_t room);
HEALER_API void healer_patterns_outcome(struct healer_patterns *patterns, uint32_t index,
                                        bool right);

/* True when it has happened three times or more at even intervals (0.6). */
HEALER_API bool healer_patterns_recurs(const struct healer_patterns *patterns, uint32_t place,
                                       uint32_t failure, struct healer_recurrence *out);
/* True when two places fall ill together: five times or more, half as often again
 * as chance would have it, and by three deviations. `lift` may be NULL. */
HEALER_API bool healer_patterns_coupled(const struct healer_patterns *patterns, uint32_t a,
                                        uint32_t b, double *lift);
/* Bit h: hour h of the day (of the caller's time) has twice the mean of events or
 * more; 0 before two days have passed. */
HEALER_API uint32_t healer_patterns_hours(const struct healer_patterns *patterns);

/* What was learned of sequences, out and in again. */
HEALER_API uint32_t healer_patterns_count(const struct healer_patterns *patterns);
HEALER_API const struct healer_pattern *healer_patterns_at(const struct healer_patterns *patterns,
                                                           uint32_t index);
/* HEALER_E_RANGE for a row that cannot be, or when there is no room. */
HEALER_API enum healer_err healer_patterns_add(struct healer_patterns *patterns,
                                               const struct healer_pattern *pattern);

HEALER_END_DECLS

#endif
