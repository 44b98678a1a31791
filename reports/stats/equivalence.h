/* equivalence.h - "no worse by more than this" and "no different by more than this".
 *
 * A difference that was not found is not a difference that is not there. These tests turn it
 * round: the margin, in the metric's own unit and fixed beforehand, is what must be ruled out.
 * d[i] = A - B as in paired.h.
 *
 * All d exactly 0 (n >= 2): holds, without p, since nothing differed. All equal but not 0, or
 * n < 2: does not hold, without p, since there is no spread to judge by.
 */
#ifndef CHAOS_STATS_EQUIVALENCE_H
#define CHAOS_STATS_EQUIVALENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "reports/stats/interval.h"

/* Which sign of A - B is bad news for the one under test. */
enum stats_worse {
        STATS_WORSE_IF_POSITIVE,
        STATS_WORSE_IF_NEGATIVE,
};

struct stats_margin_test {
        struct stats_interval difference; /* mean of d; each call says which limits */
        double p;                         /* of the hypothesis that the margin is passed */
        bool has_p;
        bool holds; /* the margin is ruled out at alpha */
};

/* One-sided paired t test against `margin` >= 0: holds when the mean difference is shown to be
 * below margin (worse if positive) or above -margin. 0 < alpha < 0.5. The limits are two-sided at
 * 1 - 2 alpha, so that the test holds just when the limit on the bad side is within the margin. */
struct stats_margin_test stats_noninferiority(const double *differences, size_t n, double margin,
                                              enum stats_worse worse, double alpha);

/* Two one-sided tests: holds when the mean difference is shown to lie within -margin..margin,
 * margin > 0, each side at alpha. Limits at 1 - 2 alpha as above. */
struct stats_margin_test stats_equivalence(const double *differences, size_t n, double margin,
                                           double alpha);

#endif
