/* reports/report.h - what writers read: a result, its series, its values.
 *
 * A result is the tree of result.json; the series are the lines of series.csv,
 * the values the lines of metrics.csv. They come either fresh from a run or
 * from the files of an earlier one, and writers cannot tell which: everything
 * but the journal can be made again from a folder.
 *
 * Writers take from the tree what is there. A part that is missing (an arm that
 * was not run, a metric without data) is left out or shown as "no data"; it is
 * never 0.
 */
#ifndef CHAOS_REPORTS_REPORT_H
#define CHAOS_REPORTS_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "harness/base/out_file.h"
#include "reports/text.h"

#define RESULT_SCHEMA "chaos-run/result/1"
#define RUN_SCHEMA "chaos-run/run/1"

/* ---- series: one line is one metric of one service in one arm over time */

struct series_line {
        const char *run;                    /* "0" for replication 0, "mean" for the mean of all */
        const char *arm, *service, *metric; /* service "": as the clients see the fleet */
        size_t count, room;
        double *t_s, *value; /* by time; value NaN: no data in that bin */
};

struct series {
        struct series_line *lines;
        size_t count, room;
        struct series_line *last; /* where the last point went */
        char **names;             /* texts that lines point to */
        size_t name_count, name_room;
        bool failed;
};

void series_init(struct series *series);
void series_release(struct series *series);

/* Adds a point; texts are copied. Points of one line come in order of time.
 * O(1) while the line stays the same, else O(lines). */
void series_add(struct series *series, const char *run, const char *arm, const char *service,
                const char *metric, double t_s, double value);

/* NULL when there is no such line. */
const struct series_line *series_find(const struct series *series, const char *run, const char *arm,
                                      const char *service, const char *metric);

/* ---- values: what metrics.csv holds, a tidy table of every replication */

struct value_row {
        const char *run;                           /* number of the replication */
        const char *arm, *service, *metric, *unit; /* service "": the whole arm */
        double value;                              /* NaN: none */
};

struct value_table {
        struct value_row *rows;
        size_t count, room;
        char **names;
        size_t name_count, name_room;
        bool failed;
};

void value_table_init(struct value_table *table);
void value_table_release(struct value_table *table);
void value_table_add(struct value_table *table, const char *run, const char *arm,
                     const char *service, const char *metric, const char *unit, double value);

/* ---- the whole */

struct report {
        const json_t *result;             /* never NULL */
        const json_t *run_facts;          /* run.json: wall-clock facts; NULL: unknown */
        const struct series *series;      /* NULL: none, plots over time are left out */
        const struct value_table *values; /* NULL: none */
};

/* A report read from files; the caller gives it back with stored_report_release(). */
struct stored_report {
        struct report report;
        json_t *result, *run_facts;
        struct series series;
        struct value_table values;
        char *folder; /* where it lay; owned */
};

/* `path` is a result.json or the folder that holds it. False with a message
 * when it cannot be read or is not one of ours; a missing series.csv,
 * metrics.csv or run.json is none. */
bool stored_report_read(const char *path, struct stored_report *out, struct out_error *error);
/* The same without what lies beside the result: no series, values and facts. */
bool stored_result_read(const char *path, struct stored_report *out, struct out_error *error);
void stored_report_release(struct stored_report *stored);

/* ---- reading the tree: a path is "arms.treated.metrics.mttr"; keys that hold
 * names from a scenario are taken with json_object_get() */

const json_t *result_at(const json_t *node, const char *path);
const char *result_text(const json_t *node, const char *path); /* "" when it is not a text */
double result_number(const json_t *node, const char *path);    /* NaN when it is not a number */
bool result_true(const json_t *node, const char *path);

/* A metric, or a plain number as one without interval. */
struct metric_value {
        bool has_value, has_low, has_high;
        double value, low, high, numerator, denominator;
        double n, count; /* replications with data; events */
        const char *unit;
};
struct metric_value metric_of(const json_t *metric);
struct metric_value result_metric(const struct report *report, const char *arm, const char *name);

/* "12.3 s", "no data". */
void text_metric_value(struct text *text, const struct metric_value *metric);
/* "10.1 s to 14.9 s"; "" without an interval. */
void text_metric_interval(struct text *text, const struct metric_value *metric);

/* The names of the arms in the order of every table and plot. */
extern const char *const report_arms[];
extern const size_t report_arm_count;
bool report_has_arm(const struct report *report, const char *arm);

/* A title, never empty. */
const char *report_title(const struct report *report);

/* The verdict in one or two sentences, for people, as plain text. */
void report_sentence(const struct report *report, struct text *text);

#endif
