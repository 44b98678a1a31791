/* reports/verdict_screen.h - the verdict on one screen of 80 x 24.
 *
 * Sentence, the numbers that come first with healing and without, where the
 * failed requests went, thresholds (those that do not hold first), where the
 * report is. Lines are at most 80 columns wide but for the path, which is never
 * cut; there are at most 24.
 */
#ifndef CHAOS_REPORTS_VERDICT_SCREEN_H
#define CHAOS_REPORTS_VERDICT_SCREEN_H

#include <stdbool.h>

#include "reports/report.h"

#define SCREEN_COLUMNS 80
#define SCREEN_LINES 24

/* `report_path` may be NULL: nothing was written. */
void verdict_screen(const struct report *report, const char *report_path, bool in_colour,
                    struct text *out);

/* Whether colours are wanted on that file: a terminal that is not dumb, and no
 * NO_COLOR in the environment. */
bool screen_wants_colour(int fd);

#endif
