/* reports/ab_screen.h - a comparison on one screen, 80 columns wide.
 *
 * The verdict in words first, then the metrics that decide, two lines each (the
 * numbers; the tests), those of the explored ones that differ, and the design.
 * Only the command that shows the worst replication may be wider.
 */
#ifndef CHAOS_REPORTS_AB_SCREEN_H
#define CHAOS_REPORTS_AB_SCREEN_H

#include <jansson.h>
#include <stdbool.h>

#include "reports/text.h"

/* `result` is a whole result.json; without an `ab` object nothing is added.
 * `report_path` may be NULL: nothing was written. */
void ab_screen(const json_t *result, const char *report_path, bool in_colour, struct text *out);

#endif
