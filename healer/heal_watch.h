/* healer/heal_watch.h - has healing itself changed?
 *
 * Told how each healing ended and how long it took, it says when the last ones are
 * not what the ones before were: a success rate or a duration that has moved. Two
 * cumulative sums, one up and one down, collect how far each result lies from what
 * is usual less an allowance, and speak when one passes its limit; a sudden change
 * is seen within 20 results, and results that stay as they were are alarmed about
 * once in some thousand. What is usual is learned from the first 20 results and
 * then slowly; after an alarm it is learned anew.
 *
 * A plain struct of the caller's, no allocation, O(1) a result.
 */
#ifndef HEALER_HEAL_WATCH_H
#define HEALER_HEAL_WATCH_H

#include "healer/err.h"

#include <stdbool.h>
#include <stdint.h>

HEALER_BEGIN_DECLS

enum healer_heal_change {
        HEALER_HEAL_SAME,
        HEALER_HEAL_FAILS_MORE,
        HEALER_HEAL_FAILS_LESS,
        HEALER_HEAL_SLOWER,
        HEALER_HEAL_FASTER
};

struct healer_heal_watch {
        uint64_t results;        /* since the last change */
        double rate_usual;       /* share that succeeded */
        double duration_usual, duration_spread; /* of log seconds */
        uint64_t durations;
        double worse, better, slower, faster; /* the sums */
        double rate_now, duration_now_s;      /* of the last ten or so */
};

/* All zero is a fresh one. A duration of 0 or below is not known. */
HEALER_API enum healer_heal_change healer_heal_watch_result(struct healer_heal_watch *watch,
                                                            bool succeeded, double duration_s);

HEALER_END_DECLS

#endif
