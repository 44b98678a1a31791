/* reports/analytics.h - what the healer's record says about itself, checked by the truth.
 *
 * Overall, by action, failure type, severity and service: successes, rate with
 * interval, mean time, trend, advice; patterns, recommendations, timeline.
 */
#ifndef CHAOS_REPORTS_ANALYTICS_H
#define CHAOS_REPORTS_ANALYTICS_H

#include <jansson.h>

#include "reports/verdict.h"

/* NULL when memory is out. `timeline` is a list, whose reference is taken. */
json_t *analytics_json(const struct graded *graded, json_t *timeline);

/* The same of a stored result, of what began in [from, to] seconds of its runs:
 * incidents by their onset, episodes by when they were opened, actions and events
 * by their instant. It has `range` besides, {"from", "to"}. Faults that struck
 * several times count as one in cascades, since a result does not tell them apart.
 * NULL when memory is out, or the result lacks what it takes. */
json_t *analytics_of_range(const json_t *result, double from_s, double to_s);

/* "improving", "stable" or "degrading" of results in order of time, oldest
 * first: the newest third, at most 20, against the rest; below 10 stable. */
const char *analytics_trend(const bool *succeeded, size_t count);
/* "keep", "tune", "replace", "investigate" or "monitor". */
const char *analytics_advice(double rate, const char *trend);

#endif
