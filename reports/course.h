/* reports/course.h - the course of things over time: replication 0 and the mean.
 *
 * Bins of every replication are added up as they come, so that memory is that
 * of two series whatever the number of replications.
 */
#ifndef CHAOS_REPORTS_COURSE_H
#define CHAOS_REPORTS_COURSE_H

#include "harness/run/record.h"
#include "reports/report.h"

struct course;

struct course *course_create(const struct run_meta *meta); /* NULL: no memory */
void course_destroy(struct course *course);

/* False when memory is out. */
bool course_add(struct course *course, const struct replication_record *record);

/* Lines "0" and "mean"; service "": all entry services together, whose latency
 * quantiles are the largest of any. Breaker states (0 closed, 0.5 half open, 1
 * open; `service` is the edge) and degradation levels are steps of replication
 * 0 alone. */
bool course_series(const struct course *course, struct series *out);

#endif
