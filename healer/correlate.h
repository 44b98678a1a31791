/* healer/correlate.h - which of many failures belong together, and make one incident.
 *
 * Two failures at most an hour apart have a score:
 *
 *     the same type 0.3 + the same component 0.2 + severities at most one apart 0.1
 *     + 0.2 x tags in common / tags of both + 0.2 when less than 5 min apart, 0.1 when
 *     less than 15 min
 *
 * and are related above 0.5. Unknown failures are not of the same type, and nobody
 * is not a component.
 *
 * An incident is what is joined, one to the next: failures that are related, and
 * those that came up the call graph: who calls a sick component falls ill of it
 * within 5 minutes, whatever its symptoms are. Where a call graph is given,
 * components that do not call one another are not joined by their score: two faults
 * of one kind in two places are two incidents.
 *
 * A supervisor counts with it what is related to a failure that a human is called for; its
 * own episodes are made by blame along calls (diagnosis.c), not by score.
 *
 * Pure functions over the caller's arrays; no allocation. A pair is O(edges).
 */
#ifndef HEALER_CORRELATE_H
#define HEALER_CORRELATE_H

#include "healer/cascade.h"
#include "healer/kinds.h"

HEALER_BEGIN_DECLS

#define HEALER_RELATED_ABOVE 0.5
#define HEALER_CORRELATED_FOR_NS (3600 * INT64_C(1000000000))

struct healer_happening {
        int64_t at_ns;
        enum healer_failure failure;
        enum healer_severity severity;
        uint32_t component; /* UINT32_MAX: of none that is known */
        uint64_t tags;      /* bit i: the caller's tag i */
};

/* 0..1, the same both ways. */
HEALER_API double healer_correlation(const struct healer_happening *one,
                                     const struct healer_happening *other);

/* How many of the others are related to the one at `index`, by the score alone. */
HEALER_API uint32_t healer_related_count(const struct healer_happening *happenings, uint32_t count,
                                         uint32_t index);

/* `incident[i]` becomes the lowest index of those that happening i is in one incident
 * with. A caller that was seen ill up to `slack_ns` before its callee may still have it from
 * there, for monitors look at intervals. Without edges the score decides alone.
 * Answers how many incidents there are. */
HEALER_API uint32_t healer_correlate(const struct healer_happening *happenings, uint32_t count,
                                     const struct healer_cascade_edge *edges, uint32_t edge_count,
                                     int64_t slack_ns, uint32_t *incident);

HEALER_END_DECLS

#endif
