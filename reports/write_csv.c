/* write_csv.c - metrics.csv and incidents.csv: tidy tables for any other tool.
 *
 * One observation a line, one header line, comma, point, \n, UTF-8: what
 * read.csv() and pandas take without an option. An empty cell is "no data".
 * Texts from a scenario go through text_csv(), which keeps a spreadsheet from
 * running them as formulas.
 */
#include "reports/writer.h"

#include <math.h>

void write_metrics_csv(const struct writer_context *context, struct text *out)
{
        const struct value_table *table = context->report->values;

        text_add(out, "run,arm,service,metric,unit,value\n");
        for (size_t i = 0; table != NULL && i < table->count; i++) {
                const struct value_row *row = &table->rows[i];

                text_csv(out, row->run);
                text_add(out, ",");
                text_csv(out, row->arm);
                text_add(out, ",");
                text_csv(out, row->service);
                text_add(out, ",");
                text_csv(out, row->metric);
                text_add(out, ",");
                text_csv(out, row->unit);
                text_add(out, ",");
                text_number(out, row->value);
                text_add(out, "\n");
        }
}

/* A number, a text, a list of texts joined by ';', or nothing. */
static void write_cell(const json_t *value, struct text *out)
{
        struct text joined;
        size_t index;
        json_t *part;

        if (json_is_number(value)) {
                text_number(out, json_number_value(value));
        } else if (json_is_string(value)) {
                text_csv(out, json_string_value(value));
        } else if (json_is_boolean(value)) {
                text_add(out, json_is_true(value) ? "true" : "false");
        } else if (json_is_array(value)) {
                text_init(&joined);
                json_array_foreach(value, index, part)
                {
                        if (index > 0)
                                text_add(&joined, ";");
                        text_plain(&joined, json_string_value(part));
                }
                text_csv(out, text_bytes(&joined));
                out->failed = out->failed || joined.failed;
                text_release(&joined);
        }
}

void write_incidents_csv(const struct writer_context *context, struct text *out)
{
        static const char *const columns[] = {
                "run",          "arm",    "service",      "o",        "f",   "d", "a", "r",
                "bad_requests", "faults", "failure_type", "severity", "fate"};
        const size_t column_count = sizeof(columns) / sizeof(columns[0]);
        size_t index;
        json_t *incident;

        for (size_t i = 0; i < column_count; i++)
                text_addf(out, "%s%s", columns[i], i + 1 < column_count ? "," : "\n");
        for (size_t arm = 0; arm < report_arm_count; arm++) {
                const json_t *incidents =
                        json_object_get(json_object_get(result_at(context->report->result, "arms"),
                                                        report_arms[arm]),
                                        "incidents");

                json_array_foreach(incidents, index, incident)
                {
                        for (size_t i = 0; i < column_count; i++) {
                                const json_t *cell = json_object_get(incident, columns[i]);

                                if (i == 1 && cell == NULL)
                                        text_add(out, report_arms[arm]);
                                else
                                        write_cell(cell, out);
                                text_add(out, i + 1 < column_count ? "," : "\n");
                        }
                }
        }
}
