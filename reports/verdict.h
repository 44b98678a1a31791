/* reports/verdict.h - passed or not, and why.
 *
 * Reads the kept replications of a grade and decides everything that leads to
 * an exit code: thresholds, steady state at both ends, the calm gate, whether
 * faults took effect, regression, invariants. The worst wins in the order of
 * 6-outputs.md, validity first.
 */
#ifndef CHAOS_REPORTS_VERDICT_H
#define CHAOS_REPORTS_VERDICT_H

#include <jansson.h>

#include "reports/kept.h"

enum exit_code {
        EXIT_PASSED = 0,
        EXIT_FAILED = 1,
        EXIT_INVALID = 2,
        EXIT_GATE_FAILED = 3,
        EXIT_NOT_EFFECTIVE = 4,
        EXIT_STOPPED = 5,
        EXIT_REGRESSION = 6,
        EXIT_INCONCLUSIVE = 7,
        EXIT_INTERNAL = 70,
        EXIT_IO_ERROR = 74,
        EXIT_INTERRUPTED = 130,
        EXIT_TERMINATED = 143,
};

/* "passed", "failed", ...; "internal" for what is no exit code of ours. */
const char *exit_code_outcome(int code);
/* The one that wins of two. */
int exit_code_worse(int a, int b);

struct graded {
        const struct run_meta *meta;
        struct kept *const *all;
        size_t count;
        bool invariants_hold;
        int interrupted; /* 0, or the exit code */
        int64_t from_ns; /* where the time that is looked at begins; 0 but for a range */
};

struct verdict {
        int exit_code;
        /* new references, the caller's; NULL when memory was out */
        json_t *thresholds, *steady_state, *faults;
};

struct verdict verdict_reach(const struct graded *graded);

/* What grade_threshold_problem() says. */
const char *verdict_threshold_problem(const struct meta_threshold *threshold);

/* One check of a measured value: "passed", "failed" or "inconclusive".
 * `confidence` 0: the value alone decides. For tests and other comparisons. */
struct measured;
const char *verdict_check(const struct meta_threshold *threshold, const struct measured *measured);

#endif
