/* write_series.c - series.csv: what happened over time, for plots and for `report`.
 *
 * Tidy: run ("0" for replication 0, "mean" for the mean of all), arm, service
 * (empty: the fleet as its clients see it), t in seconds, metric, value; no
 * value where a bin has no data. Reals have 7 digits, which no eye tells from
 * more and which keeps a long run's file small.
 */
#include "reports/writer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

bool has_series(const struct report *report)
{
        return report->series != NULL && report->series->count > 0;
}

static void write_line(const struct series_line *line, struct text *out)
{
        struct text before, after;
        char number[32];

        text_init(&before);
        text_init(&after);
        text_csv(&before, line->run);
        text_add(&before, ",");
        text_csv(&before, line->arm);
        text_add(&before, ",");
        text_csv(&before, line->service);
        text_add(&before, ",");
        text_add(&after, ",");
        text_csv(&after, line->metric);
        text_add(&after, ",");
        out->failed = out->failed || before.failed || after.failed;
        for (size_t i = 0; i < line->count; i++) {
                text_add_bytes(out, text_bytes(&before), before.length);
                text_number(out, line->t_s[i]);
                text_add_bytes(out, text_bytes(&after), after.length);
                if (isfinite(line->value[i])) {
                        snprintf(number, sizeof(number), "%.7g",
                                 line->value[i] == 0 ? 0.0 : line->value[i]);
                        text_add(out, number);
                }
                text_add(out, "\n");
        }
        text_release(&before);
        text_release(&after);
}

void write_series_csv(const struct writer_context *context, struct text *out)
{
        const struct series *series = context->report->series;

        text_add(out, "run,arm,service,t,metric,value\n");
        for (size_t i = 0; i < series->count; i++)
                write_line(&series->lines[i], out);
}
