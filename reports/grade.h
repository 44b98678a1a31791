/* reports/grade.h - the grade of one strategy: from records to the result.
 *
 * Give it every replication in order; each is judged against its twins at
 * once, reduced to what metrics are made of (kept.h), and may then be
 * forgotten. At the end, or at any time before, it makes the result document,
 * the series and the table of every replication's values. What it says depends
 * on nothing but the meta and the records.
 *
 * An A/B run has one grade a strategy; what compares them works on the values.
 *
 * Memory: about 1 KiB a service and arm and replication, 100 bytes an incident,
 * alarm or action, one series of replication 0 and one of running means.
 */
#ifndef CHAOS_REPORTS_GRADE_H
#define CHAOS_REPORTS_GRADE_H

#include <jansson.h>

#include "harness/run/record.h"
#include "reports/report.h"

struct grade;

/* `meta` is not copied and must outlive the grade and its results. NULL when
 * memory is out. */
struct grade *grade_create(const struct run_meta *meta);
void grade_destroy(struct grade *grade);

/* Judges and reduces one replication; the record is the caller's and no longer
 * needed after: words of the healer are copied. False when memory
 * is out: the replication does not count, its part of the mean series may; the
 * grade is then good for grade_destroy() alone. */
bool grade_add(struct grade *grade, const struct replication_record *record);

/* What was kept of the replication that was added last; NULL before the first.
 * It lives as long as the grade. For comparisons of several grades (ab.h). */
struct kept;
const struct kept *grade_latest(const struct grade *grade);

/* One metric of the whole treated arm, as the result has it, and its difference to another grade's
 * of the same replications, `other` less `grade`, paired; n counts those where both have data. New
 * references, NULL when memory is out. */
json_t *grade_metric_json(const struct grade *grade, const char *metric);
json_t *grade_difference_json(const struct grade *grade, const struct grade *other,
                              const char *metric);

/* All of it, to be read, until the next grade_add(). */
struct graded;
void grade_look(const struct grade *grade, struct graded *out);

/* The run was interrupted: the result is of what was added, and says so.
 * `exit_code` is 130 or 143. */
void grade_interrupt(struct grade *grade, int exit_code);

/* The whole tree of result.json, with stable order of keys; reals are to be
 * printed with JSON_REAL_PRECISION(12). A new reference; NULL when memory is
 * out. */
json_t *grade_result(const struct grade *grade);

/* The lines of series.csv and metrics.csv, added to `out` that the caller made
 * with series_init() or value_table_init() and releases. False when memory is
 * out. */
bool grade_series(const struct grade *grade, struct series *out);
bool grade_replication_values(const struct grade *grade, struct value_table *out);

/* Whether thresholds can be evaluated at all: NULL, or why this one never
 * could (an unknown metric, a label that the metric does not have), as static
 * text. For the loader's messages, before anything runs. */
const char *grade_threshold_problem(const struct meta_threshold *threshold);

#endif
