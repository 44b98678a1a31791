/* patterns.c - plots of what repeats: over the run, over the day, and together.
 *
 * All from `analytics` of the result, as it was counted there over all
 * replications. A run that is too short or too calm for a pattern has no plot:
 * one bar of a histogram says nothing.
 */
#include "reports/plots/kit.h"

#include <math.h>
#include <string.h>

#define HOURS 24
#define SERVICES_MAX 24

/* ---- time to restore over the run */

int draw_trend(const struct report *report, struct text *script)
{
        const json_t *buckets = result_at(report->result, "analytics.mttr_over_time");
        struct plot_axis axis = plot_axis_of(report);
        size_t index, points = 0;
        json_t *bucket;

        text_add(script, "$mttr << EOD\n");
        json_array_foreach(buckets, index, bucket)
        {
                double value = result_number(bucket, "value");

                if (isnan(value))
                        continue;
                text_addf(script, "%.7g %.7g %.0f\n", result_number(bucket, "t") / axis.unit_s,
                          value, result_number(bucket, "n"));
                points++;
        }
        if (points < 3)
                return 0;
        text_addf(script,
                  "EOD\nset xrange [0:%.7g]\nset yrange [0:*]\nset xlabel 'when the incident began "
                  "(%s)'\nset ylabel 'time to restore (s)'\nunset key\nplot $mttr using 1:2 with "
                  "linespoints pt 7 ps 1 lw 2 lc rgb treated, $mttr using 1:2:(sprintf('%%d', $3)) "
                  "with labels offset 0,0.8 tc rgb ink font ',11'\n",
                  axis.end_s / axis.unit_s, axis.unit);
        return 260;
}

void tell_trend(const struct report *report, struct text *words)
{
        const json_t *buckets = result_at(report->result, "analytics.mttr_over_time");
        double first = NAN, last = NAN;
        size_t index;
        json_t *bucket;

        json_array_foreach(buckets, index, bucket)
        {
                double value = result_number(bucket, "value");

                if (isnan(value))
                        continue;
                first = isnan(first) ? value : first;
                last = value;
        }
        if (isnan(first))
                return;
        text_add(words, "Early incidents took ");
        text_duration(words, first);
        text_add(words, " to restore, late ones ");
        text_duration(words, last);
        text_add(words, ". The numbers are how many incidents a point stands for.");
}

/* ---- hours of the day */

int draw_hours(const struct report *report, struct text *script)
{
        const json_t *hours = result_at(report->result, "analytics.patterns.by_hour_of_day");

        if (json_array_size(hours) != HOURS || plot_axis_of(report).end_s < 24 * 3600.0)
                return 0;
        text_add(script, "$hours << EOD\n");
        for (size_t hour = 0; hour < HOURS; hour++)
                text_addf(script, "%zu %.0f\n", hour,
                          json_number_value(json_array_get(hours, hour)));
        text_add(script,
                 "EOD\nset xrange [-0.6:23.6]\nset yrange [0:*]\nset xtics 2\nset xlabel 'hour "
                 "of the day, as the run counts'\nset ylabel 'incidents'\nunset key\nplot "
                 "$hours using 1:2 with boxes lc rgb treated\n");
        return 240;
}

void tell_hours(const struct report *report, struct text *words)
{
        const json_t *hours = result_at(report->result, "analytics.patterns.by_hour_of_day");
        size_t most = 0;

        for (size_t hour = 1; hour < HOURS; hour++)
                if (json_number_value(json_array_get(hours, hour)) >
                    json_number_value(json_array_get(hours, most)))
                        most = hour;
        text_addf(words, "Most incidents, %.0f, began in hour %zu.",
                  json_number_value(json_array_get(hours, most)), most);
}

/* ---- who failed with whom */

static size_t name_index(const char *names[SERVICES_MAX], size_t *count, const char *name)
{
        for (size_t i = 0; i < *count; i++)
                if (strcmp(names[i], name) == 0)
                        return i;
        if (*count == SERVICES_MAX)
                return SERVICES_MAX;
        names[*count] = name;
        return (*count)++;
}

static void add_ticks(const char *const *names, size_t count, const char *axis, struct text *script)
{
        text_addf(script, "set %stics scale 0 noenhanced (", axis);
        for (size_t i = 0; i < count; i++) {
                struct text cut;

                text_init(&cut);
                text_cell(&cut, names[i],
                          text_columns(names[i]) > 18 ? 18 : text_columns(names[i]));
                text_add(script, i > 0 ? ", " : "");
                text_gnuplot_tick(script, text_bytes(&cut));
                text_addf(script, " %zu", i);
                text_release(&cut);
        }
        text_add(script, ")\n");
}

int draw_together(const struct report *report, struct text *script)
{
        const json_t *pairs = result_at(report->result, "analytics.patterns.pairs");
        const char *names[SERVICES_MAX];
        size_t count = 0, index;
        double most = 1;
        json_t *pair;

        text_add(script, "$pairs << EOD\n");
        json_array_foreach(pairs, index, pair)
        {
                size_t a = name_index(names, &count, result_text(pair, "a"));
                size_t b = name_index(names, &count, result_text(pair, "b"));
                double together = result_number(pair, "count");

                if (a == SERVICES_MAX || b == SERVICES_MAX || isnan(together))
                        continue;
                most = fmax(most, together);
                text_addf(script, "%zu %zu %.0f\n%zu %zu %.0f\n", a, b, together, b, a, together);
        }
        text_add(script, "EOD\n");
        if (count < 3)
                return 0;
        add_ticks(names, count, "x", script);
        add_ticks(names, count, "y", script);
        text_addf(script,
                  "set xtics rotate by 40 right offset 0,0\nset lmargin at screen 0.22\n"
                  "set bmargin 7\nset xrange [-0.5:%zu.5]\nset yrange [%zu.5:-0.5]\nunset grid\n"
                  "unset key\nset border 0\nset palette defined (0 '#DCE9F3', 1 '#0072B2')\n"
                  "set cbrange [0:%.7g]\nunset colorbox\n"
                  "plot $pairs using 1:2:($1-0.46):($1+0.46):($2-0.46):($2+0.46):3 with boxxyerror "
                  "lc "
                  "palette, $pairs using 1:2:(sprintf('%%d', $3)) with labels tc rgb '#000000'\n",
                  count - 1, count - 1, most * 1.6);
        return 160 + 30 * (int)count;
}

void tell_together(const struct report *report, struct text *words)
{
        const json_t *pairs = result_at(report->result, "analytics.patterns.pairs");
        const json_t *most = NULL;
        size_t index;
        json_t *pair;

        json_array_foreach(pairs, index,
                           pair) if (most == NULL ||
                                     result_number(pair, "count") > result_number(most, "count"))
                most = pair;
        if (most == NULL)
                return;
        text_plain(words, result_text(most, "a"));
        text_add(words, " and ");
        text_plain(words, result_text(most, "b"));
        text_addf(words, " failed together most often, %.0f times.", result_number(most, "count"));
}
