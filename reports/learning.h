/* reports/learning.h - what was learned beforehand, and what it is worth.
 *
 * A strategy with an `initial_state` starts every replication warm. The same
 * strategy without that state goes through the same replications, for as long:
 * cold. Both grades stand side by side, with the paired difference, cold less
 * warm. A campaign (`chaos-run train --curve`) makes the same comparison after
 * each of its steps: the learning curve.
 */
#ifndef CHAOS_REPORTS_LEARNING_H
#define CHAOS_REPORTS_LEARNING_H

#include "reports/grade.h"
#include "reports/text.h"

/* The `learning` object of result.json; NULL when memory is out. */
json_t *learning_json(const struct grade *warm, const struct grade *cold, const char *digest);

/* As a table of 80 columns; nothing where the result has no such object. */
void learning_screen(const json_t *result, struct text *out);

/* One step of a campaign on one scenario. */
struct learning_point {
        const char *scenario, *learned_from; /* learned_from: "" before the first */
        size_t step, situations;
        const struct grade *grade, *cold;
};

/* {"points": [...]}; NULL when memory is out. */
json_t *learning_curve_json(const struct learning_point *points, size_t count);
/* The same as tidy CSV, as Markdown and as a table of 80 columns. */
void learning_curve_csv(const json_t *curve, struct text *out);
void learning_curve_markdown(const json_t *curve, struct text *out);
void learning_curve_screen(const json_t *curve, struct text *out);

#endif
