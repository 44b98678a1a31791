/* reports/explain.h - one incident told as a story, with times.
 *
 * Facts come from the result; what telemetry showed (alarms, diagnoses,
 * breakers) is in the journal only, which by default holds replication 0. A
 * story without a journal says so and tells the rest.
 *
 * Incidents are numbered: first those of the arm `treated` in the order of
 * result.json, then those of `untreated` that healing prevented.
 */
#ifndef CHAOS_REPORTS_EXPLAIN_H
#define CHAOS_REPORTS_EXPLAIN_H

#include "reports/report.h"

/* How many there are. */
size_t explain_count(const struct report *report);

/* Adds the story of incident `number` (from 1); 0: a list of the worst, and the
 * story of the very worst. `journal_path` may be NULL or name no file. Lines
 * are at most 80 columns wide. False with a message when there is no such
 * incident, or memory is out. */
bool explain(const struct report *report, const char *journal_path, size_t number, struct text *out,
             struct out_error *error);

#endif
