/* healer/cascade.h - where a cascade began, and whom it reached in which order.
 *
 * Failures spread along calls from callees to callers: who calls a sick service
 * becomes slow or fails a little later. Given who shows symptoms since when, and who
 * calls whom, the origin of each symptom is a sick service none of whose callees has
 * been sick for as long; the order is by the time at which symptoms began, corrected
 * along the calls: nobody falls ill of somebody who fell ill (by more than `slack_ns`,
 * for monitors look at intervals) later.
 *
 * Pure function over the caller's arrays; no allocation, O(services x edges).
 */
#ifndef HEALER_CASCADE_H
#define HEALER_CASCADE_H

#include "healer/err.h"

#include <stdint.h>

HEALER_BEGIN_DECLS

enum { HEALER_CASCADE_MAX = 256 };

struct healer_cascade_edge {
        uint32_t from, to; /* caller, callee */
};

struct healer_cascade {
        uint32_t origin;   /* UINT32_MAX: nobody is sick */
        uint32_t origins;  /* how many have no sick callee: above 1, they are several cascades */
        uint32_t count;
        uint32_t order[HEALER_CASCADE_MAX]; /* the sick ones, origin first */
        uint32_t depth[HEALER_CASCADE_MAX]; /* of each in that order: calls away from an origin */
};

/* `sick_since_ns[i]` of service i, HEALER_NEVER: it is well. HEALER_E_RANGE with more
 * than HEALER_CASCADE_MAX services or an edge that leads nowhere. */
HEALER_API enum healer_err healer_cascade_trace(const int64_t *sick_since_ns,
                                                uint32_t service_count,
                                                const struct healer_cascade_edge *edges,
                                                uint32_t edge_count, int64_t slack_ns,
                                                struct healer_cascade *out);

HEALER_END_DECLS

#endif
