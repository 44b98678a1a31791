/* replay.c - rows in, scores out; see replay.h.
 *
 * A row is parsed, given to its series' detector, and written out before the
 * next one is read: what comes later in the file cannot reach it.
 *
 * Not here: the format (csv.c), the arithmetic of labels (score.c), tables and
 * JSON (replay_report.c), the detector (healer/anomaly.c).
 */
#include "harness/replay/replay.h"

#include "harness/base/in_file.h"
#include "harness/base/memory.h"
#include "harness/base/out_file.h"
#include "harness/replay/csv.h"
#include "harness/replay/inputs.h"
#include "harness/replay/replay_report.h"
#include "harness/replay/series_table.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define WEEK_NS (INT64_C(7) * 86400 * 1000000000)

enum { REBASE_ROWS = 16, COLUMN_NONE = -1 };

struct columns {
        int timestamp, component, metric, value;
        size_t count;
};

struct row {
        const char *timestamp, *component, *metric, *value; /* "" where there is none */
        int64_t at_ns;
        double number;
        struct healer_anomaly_result result; /* zero for a bad row */
};

struct run {
        const struct replay_options *options;
        struct healer_anomaly_config anomaly;
        struct healer_config healer;
        struct labels labels;
        FILE *errors;

        /* the file being read */
        const struct input *input;
        struct file_report *report;
        struct csv_reader *reader;
        struct columns columns;
        struct series_table table;
        struct score_card card;
        struct out_file scores;
        struct out_error scores_error;
};

static int worse(int a, int b)
{
        static const int order[] = {REPLAY_INTERNAL, REPLAY_IO, REPLAY_INVALID};

        for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
                if (a == order[i] || b == order[i])
                        return order[i];
        return REPLAY_DONE;
}

static int out_of_memory(struct run *run)
{
        fprintf(run->errors, "%s: out of memory\n", run->input->path);
        return REPLAY_INTERNAL;
}

/* ---- columns ---- */

static bool is_one_of(const char *name, const char *const *names)
{
        for (; *names; names++)
                if (strcasecmp(name, *names) == 0)
                        return true;
        return false;
}

static void name_columns(struct csv_reader *reader, struct columns *columns)
{
        static const char *const times[] = {"timestamp", "time", "date", "datetime", "ts", NULL};
        static const char *const components[] = {"component", NULL};
        static const char *const metrics[] = {"metric", NULL};
        static const char *const values[] = {"value", NULL};

        for (int i = 0; i < (int)reader->field_count && i < CSV_FIELDS_MAX; i++) {
                if (is_one_of(reader->fields[i], times))
                        columns->timestamp = i;
                else if (is_one_of(reader->fields[i], components))
                        columns->component = i;
                else if (is_one_of(reader->fields[i], metrics))
                        columns->metric = i;
                else if (is_one_of(reader->fields[i], values))
                        columns->value = i;
        }
}

static bool place_columns(size_t count, struct columns *columns)
{
        if (count == 2)
                *columns = (struct columns){0, COLUMN_NONE, COLUMN_NONE, 1, 2};
        else if (count == 4)
                *columns = (struct columns){0, 1, 2, 3, 4};
        return count == 2 || count == 4;
}

/* Looks at the first record. `*is_header` says whether it is spent: a header is
 * a line in which neither the first field is an instant nor the last a number. */
static bool learn_columns(struct csv_reader *reader, struct columns *columns, bool *is_header)
{
        size_t count = reader->field_count;
        int64_t at_ns;
        double number;

        *is_header = false;
        *columns = (struct columns){COLUMN_NONE, COLUMN_NONE, COLUMN_NONE, COLUMN_NONE, count};
        if (count < 2 || count > CSV_FIELDS_MAX)
                return false;
        if (csv_parse_time(reader->fields[0], &at_ns) ||
            csv_parse_number(reader->fields[count - 1], &number))
                return place_columns(count, columns);
        *is_header = true;
        name_columns(reader, columns);
        if (columns->timestamp == COLUMN_NONE || columns->value == COLUMN_NONE)
                return place_columns(count, columns);
        return (columns->component == COLUMN_NONE) == (columns->metric == COLUMN_NONE);
}

/* ---- rows ---- */

static const char *field(const struct csv_reader *reader, int column)
{
        if (column == COLUMN_NONE || (size_t)column >= reader->field_count ||
            column >= CSV_FIELDS_MAX)
                return "";
        return reader->fields[column];
}

static void write_score(FILE *stream, const struct healer_anomaly_result *result)
{
        /* cut, not rounded: a row below the alarm's score must not print as it */
        unsigned millionths = (unsigned)(result->score * 1e6);

        fprintf(stream, ",%u.%06u,%d\n", millionths / 1000000, millionths % 1000000,
                result->alarm);
}

static void write_row(struct run *run, const struct row *row)
{
        FILE *stream = run->scores.stream;

        if (!stream)
                return;
        csv_write_field(stream, row->timestamp);
        putc(',', stream);
        if (run->columns.metric != COLUMN_NONE) {
                csv_write_field(stream, row->component);
                putc(',', stream);
                csv_write_field(stream, row->metric);
                putc(',', stream);
        }
        csv_write_field(stream, row->value);
        write_score(stream, &row->result);
}

static void copy_cut(char *to, size_t size, const char *from)
{
        size_t length = strnlen(from, size - 1);

        for (size_t i = 0; i < length; i++)
                to[i] = (unsigned char)from[i] < 0x20 || from[i] == 0x7f ? '?' : from[i];
        to[length] = '\0';
}

static void foresee(struct run *run, struct series *series, const struct row *row,
                    int64_t fed_at_ns)
{
        struct file_report *report = run->report;
        struct prediction_note *note;
        char name[sizeof(note->series)] = "";
        uint64_t right = series->foresee.right, wrong = series->foresee.wrong;
        bool said;

        if (!series->foresees) {
                foresee_init(&series->foresee, row->metric, &run->healer);
                series->foresees = true;
        }
        said = foresee_row(&series->foresee, &run->healer, fed_at_ns, row->number);
        report->came_true += series->foresee.right - right;
        report->did_not += series->foresee.wrong - wrong;
        if (!said)
                return;
        report->predictions++;
        if (report->foretold_count >= REPLAY_ALARMS_LISTED_MAX)
                return;
        note = &report->foretold[report->foretold_count++];
        *note = (struct prediction_note){.line = run->reader->line,
                                         .value = row->number,
                                         .limit = series->foresee.limit,
                                         .confidence = series->foresee.confidence,
                                         .in_s = (double)(series->foresee.eta_ns - fed_at_ns) / 1e9};
        copy_cut(note->timestamp, sizeof(note->timestamp), row->timestamp);
        snprintf(name, sizeof(name), "%.38s/%.38s", row->component, row->metric);
        copy_cut(note->series, sizeof(note->series), name);
}

static void note_alarm(struct run *run, const struct row *row)
{
        struct file_report *report = run->report;
        struct alarm_note *note;
        char series[sizeof(note->series)] = "";

        report->alarms++;
        if (report->note_count >= REPLAY_ALARMS_LISTED_MAX)
                return;
        note = &report->notes[report->note_count++];
        *note = (struct alarm_note){.line = run->reader->line,
                                    .value = row->number,
                                    .score = row->result.score,
                                    .voters = row->result.voters,
                                    .loudest = row->result.loudest};
        copy_cut(note->timestamp, sizeof(note->timestamp), row->timestamp);
        if (run->columns.metric != COLUMN_NONE)
                snprintf(series, sizeof(series), "%.38s/%.38s", row->component, row->metric);
        copy_cut(note->series, sizeof(note->series), series);
}

/* Adds the series' shift. When time lies back for REBASE_ROWS rows in order,
 * moves the series on by whole weeks. False: the row lies back. */
static bool series_time(struct series *series, int64_t at_ns, int64_t *fed_at_ns)
{
        int64_t back_ns;

        if (__builtin_add_overflow(at_ns, series->shift_ns, fed_at_ns))
                return false;
        if (!series->any_row || *fed_at_ns >= series->last_at_ns) {
                series->back_rows = 0;
                return true;
        }
        if (series->back_rows > 0 && at_ns < series->back_at_ns)
                series->back_rows = 0;
        series->back_at_ns = at_ns;
        if (++series->back_rows < REBASE_ROWS ||
            __builtin_sub_overflow(series->last_at_ns, *fed_at_ns, &back_ns))
                return false;
        back_ns = (back_ns / WEEK_NS + 1) * WEEK_NS;
        if (__builtin_add_overflow(*fed_at_ns, back_ns, fed_at_ns))
                return false;
        series->shift_ns += back_ns;
        series->back_rows = 0;
        return true;
}

enum row_end { ROW_GOOD, ROW_BAD, ROW_OVER_CAP, ROW_NOMEM };

static enum row_end judge_row(struct run *run, struct row *row, enum bad_row *bad)
{
        struct series *series;
        int64_t fed_at_ns;

        *bad = BAD_COLUMNS;
        if (run->reader->field_count != run->columns.count)
                return ROW_BAD;
        *bad = BAD_TIME;
        if (!csv_parse_time(row->timestamp, &row->at_ns))
                return ROW_BAD;
        *bad = BAD_NUMBER;
        if (!csv_parse_number(row->value, &row->number))
                return ROW_BAD;
        switch (series_table_get(&run->table, row->component, row->metric, &run->anomaly,
                                 &series)) {
        case SERIES_FULL:
                return ROW_OVER_CAP;
        case SERIES_NOMEM:
                return ROW_NOMEM;
        case SERIES_FOUND:
                break;
        }
        *bad = BAD_TIME_BACK;
        if (!series_time(series, row->at_ns, &fed_at_ns))
                return ROW_BAD;
        series->any_row = true;
        series->last_at_ns = fed_at_ns;
        healer_anomaly_update(series->detector, fed_at_ns, row->number, &row->result);
        foresee(run, series, row, fed_at_ns);
        return ROW_GOOD;
}

static int replay_row(struct run *run)
{
        const struct csv_reader *reader = run->reader;
        struct file_report *report = run->report;
        struct row row = {.timestamp = field(reader, run->columns.timestamp),
                          .component = field(reader, run->columns.component),
                          .metric = field(reader, run->columns.metric),
                          .value = field(reader, run->columns.value)};
        enum bad_row bad;

        if (run->options->metric && strcmp(row.metric, run->options->metric) != 0 &&
            reader->field_count == run->columns.count)
                return REPLAY_DONE;
        report->rows++;
        switch (judge_row(run, &row, &bad)) {
        case ROW_GOOD:
                report->gaps += row.result.gap;
                score_card_row(&run->card, row.at_ns, row.result.alarm);
                if (row.result.alarm)
                        note_alarm(run, &row);
                break;
        case ROW_BAD:
                if (!report->first_bad_line)
                        report->first_bad_line = reader->line;
                report->bad[bad]++;
                break;
        case ROW_OVER_CAP:
                report->rows_over_cap++;
                break;
        case ROW_NOMEM:
                return out_of_memory(run);
        }
        write_row(run, &row);
        return REPLAY_DONE;
}

/* ---- files ---- */

static int not_telemetry(struct run *run)
{
        fprintf(run->errors,
                "%s:%llu: expected the columns timestamp,value or "
                "timestamp,component,metric,value\n",
                run->input->path, (unsigned long long)run->reader->line);
        return REPLAY_INVALID;
}

static int write_failed(struct run *run)
{
        fprintf(run->errors, "%s\n", run->scores_error.message);
        return REPLAY_IO;
}

static int replay_rows(struct run *run)
{
        struct csv_reader *reader = run->reader;
        bool is_header = false, first = true;
        int status = REPLAY_DONE;

        while (status == REPLAY_DONE && csv_next(reader)) {
                if (first && !learn_columns(reader, &run->columns, &is_header))
                        return not_telemetry(run);
                if (first && run->options->metric && run->columns.metric == COLUMN_NONE) {
                        fprintf(run->errors,
                                "%s: --metric needs the columns "
                                "timestamp,component,metric,value\n",
                                run->input->path);
                        return REPLAY_INVALID;
                }
                if (first && run->scores.stream)
                        fputs(run->columns.metric == COLUMN_NONE
                                      ? "timestamp,value,anomaly_score,alarm\n"
                                      : "timestamp,component,metric,value,anomaly_score,alarm\n",
                              run->scores.stream);
                if (!(first && is_header))
                        status = replay_row(run);
                first = false;
                if (run->scores.stream && ferror((FILE *)run->scores.stream)) {
                        out_error_set(&run->scores_error, "%s: %s", run->scores.path,
                                      strerror(errno));
                        return write_failed(run);
                }
        }
        if (status == REPLAY_DONE && reader->failed) {
                if (errno == ENOMEM)
                        memory_note_lack(); /* for the stream's own buffer */
                fprintf(run->errors, "%s: %s\n", run->input->path, strerror(errno));
                return REPLAY_INVALID;
        }
        return status;
}

/* The scores file's path for this input; the caller frees it. */
static char *scores_path(const struct run *run, bool many)
{
        const char *given = run->options->scores_path;
        struct stat status;
        char *path;

        if (!many && !(stat(given, &status) == 0 && S_ISDIR(status.st_mode)))
                return strdup(given);
        if (asprintf(&path, "%s/%s", given, run->input->name) < 0)
                return NULL;
        return path;
}

static bool same_file(const char *a, const char *b)
{
        struct stat first, second;

        return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev &&
               first.st_ino == second.st_ino;
}

static int open_scores(struct run *run, bool many)
{
        char *path;
        int status = REPLAY_DONE;

        if (!run->options->scores_path)
                return REPLAY_DONE;
        run->scores_error = (struct out_error){""};
        path = scores_path(run, many);
        if (!path)
                return out_of_memory(run);
        if (same_file(path, run->input->path)) {
                fprintf(run->errors, "%s: the scores would replace the telemetry itself\n", path);
                status = REPLAY_INVALID;
        } else if (!out_file_is_ours(path, ",anomaly_score,alarm\n", &run->scores_error)) {
                status = write_failed(run);
        } else {
                char *name = strrchr(path, '/');
                const char *folder = name == NULL ? "." : path;

                if (name != NULL)
                        *name = '\0';
                if (!out_folder_make(folder[0] == '\0' ? "/" : folder, &run->scores_error) ||
                    !out_file_begin(&run->scores, folder[0] == '\0' ? "/" : folder,
                                    name == NULL ? path : name + 1, &run->scores_error))
                        status = write_failed(run);
        }
        free(path);
        return status;
}

static int close_scores(struct run *run, int status)
{
        if (!run->scores.stream)
                return status;
        if (status != REPLAY_DONE)
                out_file_abandon(&run->scores);
        else if (!out_file_commit(&run->scores))
                status = write_failed(run);
        run->scores = (struct out_file){0};
        return status;
}

static int prepare_file(struct run *run)
{
        const struct label_entry *entry = labels_find(&run->labels, run->input->path);
        size_t series_max = run->options->series_max;

        run->report->labelled = entry != NULL;
        run->report->notes = calloc(REPLAY_ALARMS_LISTED_MAX, sizeof(*run->report->notes));
        series_table_init(&run->table, series_max ? series_max : REPLAY_SERIES_MAX);
        run->report->foretold = calloc(REPLAY_ALARMS_LISTED_MAX, sizeof(*run->report->foretold));
        if (!score_card_init(&run->card, entry ? entry->windows : NULL,
                             entry ? entry->window_count : 0) ||
            !run->report->notes || !run->report->foretold)
                return out_of_memory(run);
        return REPLAY_DONE;
}

static int finish_file(struct run *run, struct replay_report *report)
{
        struct file_report *file = run->report;

        file->series = run->table.count;
        if (!score_sum_add(&file->score, &run->card) ||
            (file->labelled && !score_sum_add(&report->total, &run->card)))
                return out_of_memory(run);
        if (!file->rows_over_cap)
                return REPLAY_DONE;
        fprintf(run->errors, "%s: more than %zu series: %llu rows were not watched\n",
                run->input->path, file->series, (unsigned long long)file->rows_over_cap);
        return REPLAY_INTERNAL;
}

static int replay_file(struct run *run, bool many, struct replay_report *report)
{
        const char *why = NULL;
        FILE *stream = in_file_open(run->input->path, &why);
        int status;

        run->report->name = run->input->name;
        if (!stream) {
                fprintf(run->errors, "%s: %s\n", run->input->path, why);
                return REPLAY_INVALID;
        }
        csv_start(run->reader, stream);
        status = prepare_file(run);
        if (status == REPLAY_DONE)
                status = open_scores(run, many);
        if (status == REPLAY_DONE)
                status = close_scores(run, replay_rows(run));
        if (status == REPLAY_DONE)
                status = finish_file(run, report);
        series_table_release(&run->table);
        score_card_release(&run->card);
        fclose(stream);
        return status;
}

/* ---- the whole ---- */

static int check_options(struct run *run)
{
        const struct replay_options *options = run->options;
        const char *wrong = NULL;
        char message[512];

        run->anomaly = options->anomaly ? *options->anomaly : healer_anomaly_config_defaults();
        healer_config_defaults(&run->healer);
        if (options->healer) {
                run->healer = *options->healer;
                run->anomaly.enabled = run->healer.enabled && run->healer.detection.anomaly;
                run->anomaly.season_ns = run->healer.detection.season_ns;
                /* a strategy's 0.5 is the detector's 1, as in the supervisor */
                run->anomaly.sensitivity = fmax(0.1, 2 * run->healer.detection.sensitivity);
                run->healer.prediction.enabled =
                        run->healer.enabled && run->healer.prediction.enabled;
        }
        wrong = healer_anomaly_config_check(&run->anomaly);
        if (wrong) {
                fprintf(run->errors, "detection.anomaly: %s\n", wrong);
                return REPLAY_INVALID;
        }
        if (options->path_count == 0) {
                fputs("replay: no telemetry file given\n", run->errors);
                return REPLAY_INVALID;
        }
        if (options->labels_path &&
            !labels_load(&run->labels, options->labels_path, message, sizeof(message))) {
                fprintf(run->errors, "%s\n", message);
                return REPLAY_INVALID;
        }
        return REPLAY_DONE;
}

static int print_report(struct run *run, const struct replay_report *report, FILE *out)
{
        int status = REPLAY_DONE;

        if (!run->options->json)
                replay_report_text(report, out);
        else if (!replay_report_json(report, out))
                status = REPLAY_INTERNAL;
        if (fflush(out) != 0 || ferror(out)) {
                fprintf(run->errors, "replay: the report could not be written: %s\n",
                        strerror(errno));
                status = worse(status, REPLAY_IO);
        }
        return status;
}

static void report_release(struct replay_report *report)
{
        for (size_t i = 0; report->files && i < report->count; i++) {
                free(report->files[i].notes);
                free(report->files[i].foretold);
                score_sum_release(&report->files[i].score);
        }
        free(report->files);
        score_sum_release(&report->total);
}

static int replay_inputs(struct run *run, const struct inputs *inputs, FILE *out)
{
        struct replay_report report = {.labels = run->options->labels_path != NULL,
                                       .list_alarms = !inputs->many};
        int status = REPLAY_DONE;

        report.files = calloc(inputs->count ? inputs->count : 1, sizeof(*report.files));
        run->reader = malloc(sizeof(*run->reader));
        if (!report.files || !run->reader) {
                fputs("replay: out of memory\n", run->errors);
                status = REPLAY_INTERNAL;
                goto done;
        }
        for (size_t i = 0; i < inputs->count; i++) {
                run->input = &inputs->items[i];
                run->report = &report.files[report.count++];
                run->report->status = replay_file(run, inputs->many, &report);
                status = worse(status, run->report->status);
        }
        status = worse(status, print_report(run, &report, out));
done:
        report_release(&report);
        free(run->reader);
        return status;
}

int replay_run(const struct replay_options *options, FILE *out, FILE *errors)
{
        struct run run = {.options = options, .errors = errors};
        struct inputs inputs = {0};
        int status = check_options(&run);

        if (status != REPLAY_DONE)
                goto done;
        if (!inputs_collect(&inputs, options->paths, options->path_count, errors))
                status = REPLAY_INVALID;
        if (inputs.count == 0 ||
            (options->scores_path && !inputs_names_differ(&inputs, errors))) {
                status = REPLAY_INVALID;
                goto done;
        }
        status = worse(status, replay_inputs(&run, &inputs, out));
done:
        inputs_release(&inputs);
        labels_release(&run.labels);
        return status;
}
