/* replay_report.c - see replay_report.h.
 *
 * A number that does not exist (no alarm to be precise about, no window to
 * find) is "-" in a table and null in JSON, never 0.
 */
#include "harness/replay/replay_report.h"

#include <jansson.h>

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/json_plain.h"

static const char *const bad_words[BAD_ROW_COUNT] = {
        "with a wrong number of columns", "without an instant", "without a number",
        "going back in time"};
static const char *const bad_keys[BAD_ROW_COUNT] = {"columns", "timestamp", "value", "time_back"};

uint64_t file_report_bad(const struct file_report *file)
{
        uint64_t total = 0;

        for (int i = 0; i < BAD_ROW_COUNT; i++)
                total += file->bad[i];
        return total;
}

/* ---- tables ---- */

static void print_ratio(FILE *out, int width, double value)
{
        if (isfinite(value))
                fprintf(out, "  %*.3f", width, value);
        else
                fprintf(out, "  %*s", width, "-");
}

static void print_delay(FILE *out, double seconds)
{
        char text[32] = "-";

        if (seconds >= 86400)
                snprintf(text, sizeof(text), "%.1fd", seconds / 86400);
        else if (seconds >= 3600)
                snprintf(text, sizeof(text), "%.1fh", seconds / 3600);
        else if (seconds >= 60)
                snprintf(text, sizeof(text), "%.1fm", seconds / 60);
        else if (isfinite(seconds))
                snprintf(text, sizeof(text), "%.1fs", seconds);
        fprintf(out, "  %8s", text);
}

static void print_score(FILE *out, const struct score_sum *score)
{
        struct score_rates rates = score_sum_rates(score);

        fprintf(out, "  %7" PRIu64 "  %5" PRIu64, score->windows, score->windows_found);
        print_ratio(out, 9, rates.precision);
        print_ratio(out, 6, rates.recall);
        print_ratio(out, 5, rates.f1);
        print_delay(out, rates.delay_s_median);
        print_ratio(out, 9, rates.false_alarms_per_day);
        fprintf(out, "  %6" PRIu64, score->alarms_before);
}

static int name_width(const struct replay_report *report)
{
        size_t width = strlen("all labelled");

        for (size_t i = 0; i < report->count; i++)
                if (strlen(report->files[i].name) > width)
                        width = strlen(report->files[i].name);
        return width > 80 ? 80 : (int)width;
}

static void print_table(const struct replay_report *report, FILE *out)
{
        int width = name_width(report);

        fprintf(out, "%-*s  %9s  %6s  %5s  %6s  %6s", width, "file", "rows", "bad", "gaps",
                "series", "alarms");
        if (report->labels)
                fprintf(out, "  %7s  %5s  %9s  %6s  %5s  %8s  %9s  %6s", "windows", "found",
                        "precision", "recall", "F1", "delay", "false/day", "before");
        putc('\n', out);
        for (size_t i = 0; i < report->count; i++) {
                const struct file_report *file = &report->files[i];

                fprintf(out, "%-*s  %9" PRIu64 "  %6" PRIu64 "  %5" PRIu64 "  %6zu  %6" PRIu64,
                        width, file->name, file->rows, file_report_bad(file), file->gaps,
                        file->series, file->alarms);
                if (file->labelled)
                        print_score(out, &file->score);
                putc('\n', out);
        }
        if (!report->labels || report->count < 2)
                return;
        fprintf(out, "%-*s  %9s  %6s  %5s  %6s  %6" PRIu64, width, "all labelled", "", "", "", "",
                report->total.alarms);
        print_score(out, &report->total);
        putc('\n', out);
}

static void print_voters(FILE *out, uint32_t voters, uint32_t loudest)
{
        fputs(healer_anomaly_test_name(loudest), out);
        for (uint32_t test = 0; test < HEALER_ANOMALY_TEST_COUNT; test++)
                if ((voters >> test & 1) && test != loudest)
                        fprintf(out, ", %s", healer_anomaly_test_name(test));
}

static void print_alarms(const struct file_report *file, FILE *out)
{
        for (size_t i = 0; i < file->note_count; i++) {
                const struct alarm_note *note = &file->notes[i];

                fprintf(out, "%s:%" PRIu64 ": %s%s%s value %.10g, score %.3f (", file->name,
                        note->line, note->timestamp, *note->series ? " " : "", note->series,
                        note->value, note->score);
                print_voters(out, note->voters, note->loudest);
                fputs(")\n", out);
        }
        if (file->alarms > file->note_count)
                fprintf(out, "%s: and %" PRIu64 " more alarms\n", file->name,
                        file->alarms - file->note_count);
}

static void print_predictions(const struct file_report *file, FILE *out)
{
        for (size_t i = 0; i < file->foretold_count; i++) {
                const struct prediction_note *note = &file->foretold[i];

                fprintf(out, "%s:%" PRIu64 ": %s %s will reach %.6g in %.0f s (now %.6g, confidence %.3f)\n",
                        file->name, note->line, note->timestamp, note->series, note->limit,
                        note->in_s, note->value, note->confidence);
        }
        if (file->predictions > 0)
                fprintf(out, "%s: %" PRIu64 " predictions: %" PRIu64 " came true, %" PRIu64
                             " did not, %" PRIu64 " stand\n",
                        file->name, file->predictions, file->came_true, file->did_not,
                        file->predictions - file->came_true - file->did_not);
}

static void print_bad(const struct file_report *file, FILE *out)
{
        const char *between = " (";

        if (file->rows_over_cap)
                fprintf(out, "%s: %" PRIu64 " rows of series beyond the %zu kept: not watched\n",
                        file->name, file->rows_over_cap, file->series);
        if (!file_report_bad(file))
                return;
        fprintf(out, "%s: %" PRIu64 " bad rows, the first in line %" PRIu64, file->name,
                file_report_bad(file), file->first_bad_line);
        for (int i = 0; i < BAD_ROW_COUNT; i++) {
                if (!file->bad[i])
                        continue;
                fprintf(out, "%s%" PRIu64 " %s", between, file->bad[i], bad_words[i]);
                between = ", ";
        }
        fputs(")\n", out);
}

void replay_report_text(const struct replay_report *report, FILE *out)
{
        if (report->list_alarms)
                for (size_t i = 0; i < report->count; i++)
                        print_alarms(&report->files[i], out);
        if (report->list_alarms)
                for (size_t i = 0; i < report->count; i++)
                        print_predictions(&report->files[i], out);
        print_table(report, out);
        for (size_t i = 0; i < report->count; i++)
                print_bad(&report->files[i], out);
}

/* ---- JSON ---- */

static json_t *number(double value)
{
        return isfinite(value) ? json_real(value) : json_null();
}

static json_t *count(uint64_t value)
{
        return json_integer((json_int_t)value);
}

/* Takes bytes as they came: what is not UTF-8 becomes '?'. */
static json_t *text(const char *bytes)
{
        json_t *string = json_string(bytes);
        char ascii[128];
        size_t i;

        if (string)
                return string;
        for (i = 0; i < sizeof(ascii) - 1 && bytes[i]; i++)
                ascii[i] = (unsigned char)bytes[i] < 0x80 ? bytes[i] : '?';
        ascii[i] = '\0';
        return json_string(ascii);
}

static json_t *score_json(const struct score_sum *score)
{
        struct score_rates rates = score_sum_rates(score);

        return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "windows",
                         count(score->windows), "windows_found", count(score->windows_found),
                         "alarms", count(score->alarms), "alarms_inside",
                         count(score->alarms_inside), "alarms_before",
                         count(score->alarms_before), "precision", number(rates.precision),
                         "recall", number(rates.recall), "f1", number(rates.f1), "delay_s_mean",
                         number(rates.delay_s_mean), "delay_s_median",
                         number(rates.delay_s_median), "false_alarms_per_day",
                         number(rates.false_alarms_per_day));
}

static json_t *tests_json(uint32_t voters, uint32_t loudest)
{
        json_t *list = json_array();

        json_array_append_new(list, json_string(healer_anomaly_test_name(loudest)));
        for (uint32_t test = 0; test < HEALER_ANOMALY_TEST_COUNT; test++)
                if ((voters >> test & 1) && test != loudest)
                        json_array_append_new(list,
                                              json_string(healer_anomaly_test_name(test)));
        return list;
}

static json_t *alarms_json(const struct file_report *file)
{
        json_t *list = json_array();

        for (size_t i = 0; i < file->note_count; i++) {
                const struct alarm_note *note = &file->notes[i];
                json_t *alarm = json_pack("{s:o,s:o,s:o,s:o,s:o}", "line", count(note->line),
                                          "timestamp", text(note->timestamp), "value",
                                          number(note->value), "score", number(note->score),
                                          "tests", tests_json(note->voters, note->loudest));

                if (*note->series)
                        json_object_set_new(alarm, "series", text(note->series));
                json_array_append_new(list, alarm);
        }
        return list;
}

static json_t *predictions_json(const struct file_report *file)
{
        json_t *list = json_array();

        for (size_t i = 0; i < file->foretold_count; i++) {
                const struct prediction_note *note = &file->foretold[i];

                json_array_append_new(
                        list, json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "line", count(note->line),
                                        "timestamp", text(note->timestamp), "series",
                                        text(note->series), "value", number(note->value), "limit",
                                        number(note->limit), "in_s", number(note->in_s),
                                        "confidence", number(note->confidence)));
        }
        return json_pack("{s:o,s:o,s:o,s:o}", "said", count(file->predictions), "came_true",
                         count(file->came_true), "did_not", count(file->did_not), "list", list);
}

static json_t *file_json(const struct file_report *file)
{
        json_t *bad = json_object(), *object;

        for (int i = 0; i < BAD_ROW_COUNT; i++)
                json_object_set_new(bad, bad_keys[i], count(file->bad[i]));
        object = json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "file", text(file->name), "rows",
                           count(file->rows), "bad_rows", bad, "gaps", count(file->gaps),
                           "series", count(file->series), "rows_over_series_cap",
                           count(file->rows_over_cap), "alarm_count", count(file->alarms),
                           "alarms", alarms_json(file));
        json_object_set_new(object, "predictions", predictions_json(file));
        json_object_set_new(object, "score",
                            file->labelled ? score_json(&file->score) : json_null());
        return object;
}

bool replay_report_json(const struct replay_report *report, FILE *out)
{
        json_t *files = json_array(), *root;
        char *text;

        for (size_t i = 0; i < report->count; i++)
                json_array_append_new(files, file_json(&report->files[i]));
        root = json_pack("{s:s,s:o,s:o}", "schema", "chaos-run/replay/1", "files", files, "total",
                         report->labels ? score_json(&report->total) : json_null());
        text = root == NULL ? NULL : json_plain_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(10));
        if (text != NULL)
                fprintf(out, "%s\n", text);
        json_decref(root);
        free(text);
        return text != NULL;
}
