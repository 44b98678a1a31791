/* reports/invariants.h - what must hold in every run, or the run says nothing.
 *
 * Checked on each record before it is reduced, and on what was kept after. A
 * breach is ours (exit 70), never the healer's or the scenario's.
 */
#ifndef CHAOS_REPORTS_INVARIANTS_H
#define CHAOS_REPORTS_INVARIANTS_H

#include <jansson.h>

#include "reports/kept.h"

enum invariant {
        INVARIANT_CONSERVED,     /* arrived = outcomes + unfinished */
        INVARIANT_TIME,          /* uptime + downtime = observed */
        INVARIANT_PREDICTIONS,   /* true + false + during + unevaluable = predictions */
        INVARIANT_FATES,         /* fates add up to untreated's incidents */
        INVARIANT_OVERLAY,       /* restored */
        INVARIANT_ARRIVALS,      /* exogenous hashes equal over the arms */
        INVARIANT_TIMETABLE,     /* of timed faults, over the arms with faults */
        INVARIANT_FLEET,         /* nothing else that the fleet found broken */
        INVARIANT_COUNT
};

struct invariants {
        uint64_t checked[INVARIANT_COUNT], breaches[INVARIANT_COUNT];
        char first[INVARIANT_COUNT][160]; /* the first breach, in words */
};

void invariants_check(struct invariants *invariants, const struct run_meta *meta,
                      const struct replication_record *record, const struct kept *kept);
bool invariants_hold(const struct invariants *invariants);

/* [{name, holds, checked, breaches, detail}]; NULL when memory is out. */
json_t *invariants_json(const struct invariants *invariants);

#endif
