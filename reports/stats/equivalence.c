/* equivalence.c - one-sided t tests against a margin, once or from both sides. */
#include "reports/stats/equivalence.h"

#include <assert.h>
#include <math.h>

#include "reports/stats/distribution.h"
#include "reports/stats/paired.h"

/* p of "the mean is at or above `margin`"; `direction` -1 turns both signs round. */
static double p_above_margin(const struct stats_paired_t *paired, double direction, double margin)
{
        double t = (margin - direction * paired->difference.value) / paired->standard_error;

        return stats_t_upper_tail(t, (double)(paired->difference.n - 1));
}

/* Everything but p. False when the answer needs no p or cannot have one. */
static bool start(const double *differences, size_t n, double alpha, struct stats_margin_test *out,
                  struct stats_paired_t *paired)
{
        assert(alpha > 0 && alpha < 0.5);
        *paired = stats_paired_t(differences, n, 1 - 2 * alpha);
        *out = (struct stats_margin_test){.difference = paired->difference};
        out->holds = paired->identical && paired->has_test;
        out->has_p = paired->has_test && !paired->identical;
        return out->has_p;
}

struct stats_margin_test stats_noninferiority(const double *differences, size_t n, double margin,
                                              enum stats_worse worse, double alpha)
{
        struct stats_margin_test out;
        struct stats_paired_t paired;

        assert(margin >= 0);
        if (!start(differences, n, alpha, &out, &paired))
                return out;
        out.p = p_above_margin(&paired, worse == STATS_WORSE_IF_POSITIVE ? 1 : -1, margin);
        out.holds = out.p <= alpha;
        return out;
}

struct stats_margin_test stats_equivalence(const double *differences, size_t n, double margin,
                                           double alpha)
{
        struct stats_margin_test out;
        struct stats_paired_t paired;

        assert(margin > 0);
        if (!start(differences, n, alpha, &out, &paired))
                return out;
        out.p = fmax(p_above_margin(&paired, 1, margin), p_above_margin(&paired, -1, margin));
        out.holds = out.p <= alpha;
        return out;
}
