/* report.c - what writers read: a result, its series, its values.
 *
 * The csv files that are read back are our own, but they may have been edited
 * or cut: a line that does not have the cells we wrote is an error with its
 * number, not a guess.
 *
 * A point is added in O(1) while it belongs to the line of the one before it,
 * which is how series.csv is ordered; names are few and kept once.
 */
#include "reports/report.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_BYTES_MAX ((size_t)4 << 30)

const char *const report_arms[] = {"treated", "shadow", "untreated", "quiet", "calm"};
const size_t report_arm_count = sizeof(report_arms) / sizeof(report_arms[0]);

/* ---- names kept once */

struct name_list {
        char ***names;
        size_t *count, *room;
        bool *failed;
};

static const char *keep_name(struct name_list list, const char *name)
{
        size_t room;
        char **names, *copy;

        for (size_t i = *list.count; i-- > 0;)
                if (strcmp((*list.names)[i], name) == 0)
                        return (*list.names)[i];
        copy = strdup(name);
        if (copy == NULL)
                goto failed;
        if (*list.count == *list.room) {
                room = *list.room == 0 ? 32 : *list.room * 2;
                names = realloc(*list.names, room * sizeof(*names));
                if (names == NULL)
                        goto failed;
                *list.names = names;
                *list.room = room;
        }
        (*list.names)[(*list.count)++] = copy;
        return copy;
failed:
        free(copy);
        *list.failed = true;
        return NULL;
}

static void free_names(char **names, size_t count)
{
        for (size_t i = 0; i < count; i++)
                free(names[i]);
        free(names);
}

/* ---- series */

void series_init(struct series *series)
{
        memset(series, 0, sizeof(*series));
}

void series_release(struct series *series)
{
        for (size_t i = 0; i < series->count; i++) {
                free(series->lines[i].t_s);
                free(series->lines[i].value);
        }
        free(series->lines);
        free_names(series->names, series->name_count);
        series_init(series);
}

static bool is_line(const struct series_line *line, const char *run, const char *arm,
                    const char *service, const char *metric)
{
        return strcmp(line->metric, metric) == 0 && strcmp(line->service, service) == 0 &&
               strcmp(line->arm, arm) == 0 && strcmp(line->run, run) == 0;
}

const struct series_line *series_find(const struct series *series, const char *run, const char *arm,
                                      const char *service, const char *metric)
{
        if (series == NULL)
                return NULL;
        for (size_t i = 0; i < series->count; i++)
                if (is_line(&series->lines[i], run, arm, service, metric))
                        return &series->lines[i];
        return NULL;
}

static size_t add_line(struct series *series, const char *run, const char *arm, const char *service,
                       const char *metric)
{
        struct name_list list = {&series->names, &series->name_count, &series->name_room,
                                 &series->failed};
        struct series_line *lines, *line;
        size_t room;

        if (series->count == series->room) {
                room = series->room == 0 ? 64 : series->room * 2;
                lines = realloc(series->lines, room * sizeof(*lines));
                if (lines == NULL) {
                        series->failed = true;
                        return SIZE_MAX;
                }
                series->lines = lines;
                series->room = room;
        }
        line = &series->lines[series->count];
        memset(line, 0, sizeof(*line));
        line->run = keep_name(list, run);
        line->arm = keep_name(list, arm);
        line->service = keep_name(list, service);
        line->metric = keep_name(list, metric);
        return series->failed ? SIZE_MAX : series->count++;
}

static bool grow_line(struct series_line *line)
{
        size_t room = line->room == 0 ? 64 : line->room * 2;
        double *t_s = realloc(line->t_s, room * sizeof(*t_s)), *value;

        if (t_s == NULL)
                return false;
        line->t_s = t_s;
        value = realloc(line->value, room * sizeof(*value));
        if (value == NULL)
                return false;
        line->value = value;
        line->room = room;
        return true;
}

void series_add(struct series *series, const char *run, const char *arm, const char *service,
                const char *metric, double t_s, double value)
{
        struct series_line *line = series->last;
        size_t at;

        if (series->failed)
                return;
        if (line == NULL || !is_line(line, run, arm, service, metric)) {
                for (at = 0; at < series->count; at++)
                        if (is_line(&series->lines[at], run, arm, service, metric))
                                break;
                if (at == series->count)
                        at = add_line(series, run, arm, service, metric);
                if (at == SIZE_MAX)
                        return;
                line = series->last = &series->lines[at];
        }
        if (line->count == line->room && !grow_line(line)) {
                series->failed = true;
                return;
        }
        line->t_s[line->count] = t_s;
        line->value[line->count++] = value;
}

/* ---- values */

void value_table_init(struct value_table *table)
{
        memset(table, 0, sizeof(*table));
}

void value_table_release(struct value_table *table)
{
        free(table->rows);
        free_names(table->names, table->name_count);
        value_table_init(table);
}

void value_table_add(struct value_table *table, const char *run, const char *arm,
                     const char *service, const char *metric, const char *unit, double value)
{
        struct name_list list = {&table->names, &table->name_count, &table->name_room,
                                 &table->failed};
        struct value_row *rows;
        size_t room;

        if (table->failed)
                return;
        if (table->count == table->room) {
                room = table->room == 0 ? 256 : table->room * 2;
                rows = realloc(table->rows, room * sizeof(*rows));
                if (rows == NULL) {
                        table->failed = true;
                        return;
                }
                table->rows = rows;
                table->room = room;
        }
        rows = &table->rows[table->count++];
        rows->run = keep_name(list, run);
        rows->arm = keep_name(list, arm);
        rows->service = keep_name(list, service);
        rows->metric = keep_name(list, metric);
        rows->unit = keep_name(list, unit);
        rows->value = value;
}

/* ---- csv read back */

#define CELLS_MAX 32

/* Splits the line at *at in place; *at moves behind it. Cells that we wrote
 * with a ' against formulas get it taken off. */
static size_t split_line(char **at, char *cells[CELLS_MAX])
{
        char *read = *at, *write = *at;
        size_t count = 0;

        for (;;) {
                bool quoted = *read == '"';

                if (count < CELLS_MAX)
                        cells[count] = write;
                count++;
                if (quoted) {
                        read++;
                        if (*read == '\'' && read[1] != '\0' && strchr("=+-@", read[1]) != NULL)
                                read++;
                        while (*read != '\0' && (*read != '"' || read[1] == '"')) {
                                if (*read == '"')
                                        read++;
                                *write++ = *read++;
                        }
                        if (*read == '"')
                                read++;
                } else {
                        while (*read != '\0' && *read != ',' && *read != '\n' && *read != '\r')
                                *write++ = *read++;
                }
                if (*read != ',')
                        break;
                read++;
                *write++ = '\0';
        }
        while (*read != '\0' && *read != '\n')
                read++;
        if (*read == '\n')
                read++;
        *write = '\0';
        *at = read;
        return count;
}

/* Reads a csv whose heading is `heading`, giving each line's cells to `take`. */
static bool read_csv(const char *path, const char *heading, size_t cell_count,
                     bool (*take)(void *into, char **cells), void *into, struct out_error *error)
{
        size_t length, line = 1;
        char *cells[CELLS_MAX], *bytes = out_file_read(path, FILE_BYTES_MAX, &length, error), *at;
        bool read = false;

        if (bytes == NULL)
                return false;
        if (strlen(bytes) != length || strncmp(bytes, heading, strlen(heading)) != 0) {
                out_error_set(error, "%s:1: the first line should be '%.*s'", path,
                              (int)strcspn(heading, "\n"), heading);
                goto done;
        }
        for (at = bytes + strlen(heading); *at != '\0';) {
                line++;
                if (split_line(&at, cells) != cell_count || !take(into, cells)) {
                        out_error_set(error,
                                      "%s:%zu: not a line of %zu cells as chaos-run wrote it", path,
                                      line, cell_count);
                        goto done;
                }
        }
        read = true;
done:
        free(bytes);
        return read;
}

/* An empty cell is "none". */
static bool read_number(const char *cell, double *value)
{
        char *end;

        if (*cell == '\0') {
                *value = NAN;
                return true;
        }
        *value = strtod(cell, &end);
        return *end == '\0' && isfinite(*value);
}

static bool take_point(void *into, char **cells)
{
        double t_s, value;

        if (!read_number(cells[3], &t_s) || isnan(t_s) || !read_number(cells[5], &value))
                return false;
        series_add(into, cells[0], cells[1], cells[2], cells[4], t_s, value);
        return true;
}

static bool take_value(void *into, char **cells)
{
        double value;

        if (!read_number(cells[5], &value))
                return false;
        value_table_add(into, cells[0], cells[1], cells[2], cells[3], cells[4], value);
        return true;
}

/* ---- a stored report */

static bool has_schema(const json_t *root, const char *schema)
{
        return strcmp(result_text(root, "schema"), schema) == 0;
}

static json_t *read_json(const char *path, struct out_error *error)
{
        size_t length;
        char *bytes = out_file_read(path, FILE_BYTES_MAX, &length, error);
        json_error_t where;
        json_t *root;

        if (bytes == NULL)
                return NULL;
        root = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &where);
        if (root == NULL)
                out_error_set(error, "%s:%d:%d: %s", path, where.line, where.column, where.text);
        free(bytes);
        return root;
}

/* The folder of a result, and the path of the result in it; false: no memory. */
static bool find_result(const char *path, char **folder, char **file)
{
        struct stat status;
        const char *slash = strrchr(path, '/');

        if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
                *folder = strdup(path);
                *file = out_path(path, "result.json");
        } else {
                *folder = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);
                *file = strdup(path);
        }
        return *folder != NULL && *file != NULL;
}

/* A file beside the result that may be missing. */
static bool is_there(const char *path)
{
        struct stat status;

        return stat(path, &status) == 0;
}

static bool read_beside(struct stored_report *out, struct out_error *error)
{
        char *facts = out_path(out->folder, "run.json");
        char *series = out_path(out->folder, "series.csv");
        char *values = out_path(out->folder, "metrics.csv");
        bool read = false;

        if (facts == NULL || series == NULL || values == NULL) {
                out_error_set(error, "%s: cannot read: %s", out->folder, strerror(ENOMEM));
                goto done;
        }
        if (is_there(facts)) {
                out->run_facts = read_json(facts, error);
                if (out->run_facts == NULL)
                        goto done;
        }
        if (is_there(series) && !read_csv(series, "run,arm,service,t,metric,value\n", 6, take_point,
                                          &out->series, error))
                goto done;
        if (is_there(values) && !read_csv(values, "run,arm,service,metric,unit,value\n", 6,
                                          take_value, &out->values, error))
                goto done;
        if (out->series.failed || out->values.failed) {
                out_error_set(error, "%s: cannot read: %s", out->folder, strerror(ENOMEM));
                goto done;
        }
        read = true;
done:
        free(facts);
        free(series);
        free(values);
        return read;
}

bool stored_result_read(const char *path, struct stored_report *out, struct out_error *error)
{
        char *file = NULL;
        bool read = false;

        memset(out, 0, sizeof(*out));
        series_init(&out->series);
        value_table_init(&out->values);
        if (!find_result(path, &out->folder, &file)) {
                out_error_set(error, "%s: cannot read: %s", path, strerror(ENOMEM));
                goto done;
        }
        out->result = read_json(file, error);
        if (out->result == NULL)
                goto done;
        if (!has_schema(out->result, RESULT_SCHEMA)) {
                out_error_set(error, "%s: not a result of chaos-run (schema should be '%s')", file,
                              RESULT_SCHEMA);
                goto done;
        }
        out->report.result = out->result;
        out->report.series = &out->series;
        out->report.values = &out->values;
        read = true;
done:
        free(file);
        if (!read)
                stored_report_release(out);
        return read;
}

bool stored_report_read(const char *path, struct stored_report *out, struct out_error *error)
{
        if (!stored_result_read(path, out, error))
                return false;
        if (!read_beside(out, error)) {
                stored_report_release(out);
                return false;
        }
        out->report.run_facts = out->run_facts;
        return true;
}

void stored_report_release(struct stored_report *stored)
{
        json_decref(stored->result);
        json_decref(stored->run_facts);
        series_release(&stored->series);
        value_table_release(&stored->values);
        free(stored->folder);
        memset(stored, 0, sizeof(*stored));
}

/* ---- reading the tree */

const json_t *result_at(const json_t *node, const char *path)
{
        while (node != NULL && *path != '\0') {
                size_t length = strcspn(path, ".");
                char key[64];

                if (length >= sizeof(key))
                        return NULL;
                memcpy(key, path, length);
                key[length] = '\0';
                node = json_object_get(node, key);
                path += length + (path[length] == '.');
        }
        return node;
}

const char *result_text(const json_t *node, const char *path)
{
        const char *value = json_string_value(result_at(node, path));

        return value == NULL ? "" : value;
}

double result_number(const json_t *node, const char *path)
{
        node = result_at(node, path);
        return json_is_number(node) ? json_number_value(node) : NAN;
}

bool result_true(const json_t *node, const char *path)
{
        return json_is_true(result_at(node, path));
}

struct metric_value metric_of(const json_t *metric)
{
        struct metric_value value = {.unit = ""};

        value.numerator = value.denominator = value.n = value.count = NAN;
        if (json_is_number(metric)) {
                value.has_value = true;
                value.value = json_number_value(metric);
                return value;
        }
        if (!json_is_object(metric))
                return value;
        value.has_value = json_is_number(json_object_get(metric, "value"));
        value.has_low = json_is_number(json_object_get(metric, "low"));
        value.has_high = json_is_number(json_object_get(metric, "high"));
        value.value = result_number(metric, "value");
        value.low = result_number(metric, "low");
        value.high = result_number(metric, "high");
        value.n = result_number(metric, "n");
        value.count = result_number(metric, "count");
        value.numerator = result_number(metric, "numerator");
        value.denominator = result_number(metric, "denominator");
        value.unit = result_text(metric, "unit");
        return value;
}

bool report_has_arm(const struct report *report, const char *arm)
{
        return json_is_object(json_object_get(result_at(report->result, "arms"), arm));
}

struct metric_value result_metric(const struct report *report, const char *arm, const char *name)
{
        const json_t *metrics =
                json_object_get(json_object_get(result_at(report->result, "arms"), arm), "metrics");

        return metric_of(json_object_get(metrics, name));
}

void text_metric_value(struct text *text, const struct metric_value *metric)
{
        if (metric->has_value)
                text_value(text, metric->value, metric->unit);
        else
                text_add(text, "no data");
}

void text_metric_interval(struct text *text, const struct metric_value *metric)
{
        if (metric->has_low && metric->has_high) {
                text_range(text, metric->low, metric->high, metric->unit);
        } else if (metric->has_low) {
                text_add(text, "at least ");
                text_value(text, metric->low, metric->unit);
        } else if (metric->has_high) {
                text_add(text, "at most ");
                text_value(text, metric->high, metric->unit);
        }
}

const char *report_title(const struct report *report)
{
        const char *title = result_text(report->result, "scenario.title");

        if (*title == '\0')
                title = result_text(report->result, "scenario.file");
        return *title == '\0' ? "untitled scenario" : title;
}

/* ---- the verdict in words */

static size_t count_outcome(const json_t *list, const char *outcome)
{
        size_t index, count = 0;
        json_t *entry;

        json_array_foreach(list, index,
                           entry) if (strcmp(result_text(entry, "outcome"), outcome) == 0) count++;
        return count;
}

/* The first probe with that outcome, what it wanted and what was seen. */
static bool add_probe(const struct report *report, const char *outcome, const char *seen,
                      struct text *text)
{
        size_t index;
        json_t *probe;

        json_array_foreach(result_at(report->result, "steady_state.probes"), index, probe)
        {
                const char *metric = result_text(probe, "metric");
                double value = result_number(probe, seen);

                if (strcmp(result_text(probe, "outcome"), outcome) != 0)
                        continue;
                text_add(text, "probe '");
                text_plain(text, result_text(probe, "name"));
                text_add(text, "' wants ");
                text_plain(text, metric);
                text_add(text, " ");
                text_plain(text, result_text(probe, "tolerance"));
                text_add(text, ", seen was ");
                if (isnan(value))
                        text_add(text, "nothing");
                else
                        text_value(text, value,
                                   strncmp(metric, "latency", 7) == 0 ? "s"
                                   : strcmp(metric, "goodput") == 0 ||
                                                   strcmp(metric, "throughput") == 0
                                           ? "requests/s"
                                   : strcmp(metric, "queue_mean") == 0 ? "requests"
                                                                       : "ratio");
                return true;
        }
        return false;
}

static void add_gate(const struct report *report, struct text *text)
{
        text_add(text, "Nothing to judge: ");
        if (add_probe(report, "gate_failed", "observed", text))
                text_add(text, " before the first fault.");
        else
                text_add(text, "the fleet is bad without any fault.");
}

/* A healer that broke comes before all that it may have caused. */
static bool add_healer_failure(const struct report *report, struct text *text)
{
        const json_t *first = result_at(report->result, "healer.first_failure");

        if (!json_is_object(first))
                return false;
        text_addf(text, "The healer failed in %.0f of %.0f replications; in replication %.0f (%s): ",
                  result_number(report->result, "healer.failures"),
                  result_number(report->result, "runs"), result_number(first, "run"),
                  result_text(first, "arm"));
        text_plain(text, result_text(first, "reason"));
        text_add(text, ".");
        return true;
}

static void add_failed_reason(const struct report *report, struct text *text)
{
        const json_t *thresholds = result_at(report->result, "thresholds");
        size_t failed = count_outcome(thresholds, "failed");

        if (add_healer_failure(report, text))
                return;
        if (failed > 0)
                text_addf(text, "%zu of %zu thresholds %s not hold.", failed,
                          json_array_size(thresholds), failed == 1 ? "does" : "do");
        else if (add_probe(report, "failed", "observed_end", text))
                text_add(text, " at the end: it does not hold.");
        else
                text_add(text, "A probe does not hold.");
}

static void add_not_effective(const struct report *report, struct text *text)
{
        size_t index;
        json_t *fault;

        json_array_foreach(json_object_get(report->result, "faults"), index, fault)
        {
                if (json_is_false(json_object_get(fault, "effective"))) {
                        text_add(text, "Nothing to judge: fault '");
                        text_plain(text, result_text(fault, "name"));
                        text_add(text, "' touched nothing.");
                        return;
                }
        }
        text_add(text, "Nothing to judge: a fault touched nothing.");
}

/* What is broken, with the first replication in which it was. */
static void add_internal(const struct report *report, struct text *text)
{
        size_t index;
        json_t *invariant;

        text_add(text, "Nothing to judge: ");
        json_array_foreach(json_object_get(report->result, "invariants"), index, invariant)
        {
                if (json_is_false(json_object_get(invariant, "holds"))) {
                        text_plain(text, result_text(invariant, "detail"));
                        text_add(text, ".");
                        return;
                }
        }
        text_add(text, "an invariant of the harness itself is broken.");
}

static void add_outcome(const struct report *report, struct text *text)
{
        static const struct {
                const char *outcome, *words;
        } rows[] = {
                {"passed", "Every threshold holds."},
                {"stopped", "A stop condition ended the run."},
                {"regression", "Healing did more harm than good."},
                {"inconclusive", "The data do not decide every threshold."},
                {"interrupted", "What follows is of the replications that were done."},
                {"io_error", "Results could not be written."},
                {"invalid", "Nothing ran."},
        };
        const char *outcome = result_text(report->result, "outcome");

        if (strcmp(outcome, "failed") == 0) {
                add_failed_reason(report, text);
                return;
        }
        if (strcmp(outcome, "gate_failed") == 0) {
                add_gate(report, text);
                return;
        }
        if (strcmp(outcome, "internal") == 0) {
                add_internal(report, text);
                return;
        }
        if (strcmp(outcome, "not_effective") == 0) {
                add_not_effective(report, text);
                return;
        }
        if (strcmp(outcome, "passed") == 0 &&
            json_array_size(result_at(report->result, "thresholds")) == 0) {
                text_add(text, "Every fault took effect; no threshold was set.");
                return;
        }
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                if (strcmp(outcome, rows[i].outcome) == 0) {
                        text_add(text, rows[i].words);
                        return;
                }
        }
        text_plain(text, outcome);
}

static void add_effect(const struct report *report, struct text *text)
{
        struct metric_value treated = result_metric(report, "treated", "failed_requests");
        struct metric_value untreated = result_metric(report, "untreated", "failed_requests");
        double averted;

        if (!treated.has_value || !untreated.has_value)
                return;
        averted = untreated.value - treated.value;
        if (untreated.value <= 0 && treated.value <= 0) {
                text_add(text, " No request failed, with healing or without.");
        } else if (averted >= 0) {
                text_add(text, " Of ");
                text_count(text, round(untreated.value));
                text_add(text, " failed requests a run without healing, ");
                if (round(averted) == round(untreated.value)) {
                        text_add(text, "healing averted all");
                } else {
                        text_add(text, "healing averted ");
                        text_count(text, round(averted));
                }
                text_add(text, " (");
                text_percent(text, averted / untreated.value);
                text_add(text, ").");
        } else {
                text_add(text, " With healing ");
                text_count(text, round(-averted));
                text_add(text, " more requests a run failed than without.");
        }
}

void report_sentence(const struct report *report, struct text *text)
{
        const char *compared = result_text(report->result, "ab.sentence");

        if (*compared != '\0') {
                text_plain(text, compared);
                return;
        }
        add_outcome(report, text);
        add_effect(report, text);
}
