/* reports/trends.h - several stored results: is it getting better?
 *
 * trends.html and plots/trends.svg in one folder: a line a result with its
 * outcome and the numbers that come first, and what changed from the first to
 * the last. Results are in the order of their date (run.json) when all have
 * one, else as given.
 *
 * A change is called one only when the two 95 % intervals do not overlap: two
 * runs are no experiment. To compare strategies, use `chaos-run ab`.
 */
#ifndef CHAOS_REPORTS_TRENDS_H
#define CHAOS_REPORTS_TRENDS_H

#include "reports/writer.h"

enum trend { TREND_UNKNOWN, TREND_BETTER, TREND_WORSE, TREND_SAME };

/* How `metric` went from one report to another; TREND_UNKNOWN without both
 * intervals. */
enum trend trend_between(const struct report *first, const struct report *last, const char *metric);

/* Writes both files; `options` as for writers_run(), of which `set` is not
 * used. `names` say what each report is, such as its path. False with a message
 * (exit 74). The caller releases `result`. */
bool trends_write(const struct report *const *reports, const char *const *names, size_t count,
                  const struct writers_options *options, struct writers_result *result,
                  struct out_error *error);

#endif
