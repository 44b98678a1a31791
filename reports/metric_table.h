/* reports/metric_table.h - every metric there is: one row each.
 *
 * `list metrics`, thresholds, the result and the report read these rows; a new
 * metric is a row and a function in the file of its family.
 */
#ifndef CHAOS_REPORTS_METRIC_TABLE_H
#define CHAOS_REPORTS_METRIC_TABLE_H

#include "reports/metric.h"

extern const struct metric_row metric_rows[];
extern const size_t metric_row_count;

/* NULL when there is none of that name. */
const struct metric_row *metric_find(const char *name);

/* "lower", "higher" or "neither". */
const char *metric_better_name(enum metric_better better);
/* What a value over replications is: "mean of replications", "ratio of totals", ... */
const char *metric_method_name(enum metric_method method);

/* All rows as a JSON list: what `list metrics --json` prints. A new reference,
 * NULL when memory is out. */
json_t *metric_table_json(void);

#endif
