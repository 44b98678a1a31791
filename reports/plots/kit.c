/* kit.c - what several plots share: time, faults, actions, data.
 *
 * Texts from a scenario only get into a script through text_gnuplot(): single
 * quotes, in which gnuplot expands nothing, and `noenhanced` wherever they are
 * shown.
 */
#include "reports/plots/kit.h"

#include <math.h>
#include <string.h>

#define POINTS_MAX 2000
#define MARKS_MAX 200
#define NAMED_WINDOWS_MAX 8

struct plot_axis plot_axis_of(const struct report *report)
{
        double end_s = 0;
        struct plot_axis axis = {.unit_s = 1, .unit = "s"};

        for (size_t i = 0; report->series != NULL && i < report->series->count; i++) {
                const struct series_line *line = &report->series->lines[i];

                if (line->count > 1 && strcmp(line->metric, "breaker_state") != 0 &&
                    strcmp(line->metric, "degradation_level") !=
                            0) /* the last bin has a length, too */
                        end_s = fmax(end_s,
                                     2 * line->t_s[line->count - 1] - line->t_s[line->count - 2]);
        }
        if (end_s <= 0)
                end_s = result_number(report->result, "scenario.duration");
        axis.end_s = end_s > 0 ? end_s : 1;
        if (axis.end_s > 6 * 86400.0)
                axis = (struct plot_axis){86400, axis.end_s, "days"};
        else if (axis.end_s > 3 * 3600.0)
                axis = (struct plot_axis){3600, axis.end_s, "h"};
        else if (axis.end_s > 300)
                axis = (struct plot_axis){60, axis.end_s, "min"};
        return axis;
}

void plot_number(struct text *script, double value)
{
        if (isfinite(value))
                text_addf(script, "%.7g", value == 0 ? 0.0 : value);
        else
                text_add(script, "?");
}

const json_t *plot_list(const struct report *report, const char *arm, const char *list)
{
        const json_t *rows =
                json_object_get(json_object_get(result_at(report->result, "arms"), arm), list);

        return json_array_size(rows) > 0 ? rows : NULL;
}

static int shade_fault(const json_t *fault, const struct plot_axis *axis, int count,
                       struct text *script)
{
        const json_t *windows = json_object_get(fault, "windows");
        size_t index;
        json_t *window;

        json_array_foreach(windows, index, window)
        {
                double start = result_number(window, "start"), end = result_number(window, "end");

                if (isnan(start) || count >= MARKS_MAX)
                        continue;
                if (isnan(end))
                        end = axis->end_s;
                text_addf(script,
                          "set object rect from %.7g, graph 0 to %.7g, graph 1 fc rgb fault fs "
                          "transparent solid 0.22 noborder behind\n",
                          start / axis->unit_s, end / axis->unit_s);
                count++;
        }
        return count;
}

void plot_mark_events(const struct report *report, const struct plot_axis *axis,
                      struct text *script)
{
        const json_t *actions = plot_list(report, "treated", "actions");
        int windows = 0, marks = 0;
        size_t index;
        json_t *entry;

        text_addf(script, "set xrange [0:%.7g]\n", axis->end_s / axis->unit_s);
        json_array_foreach(json_object_get(report->result, "faults"), index, entry) windows =
                shade_fault(entry, axis, windows, script);
        json_array_foreach(actions, index, entry)
        {
                double t = result_number(entry, "t");

                if (result_number(entry, "run") != 0 || isnan(t) || t < 0 || marks >= MARKS_MAX)
                        continue;
                text_addf(
                        script,
                        "set label '' at %.7g, graph 0.99 point pt 11 ps 0.9 lc rgb action front\n",
                        t / axis->unit_s);
                marks++;
        }
}

void plot_add_event_key(const struct report *report, struct text *script)
{
        if (json_array_size(json_object_get(report->result, "faults")) > 0)
                text_add(script, ", NaN with lines lw 9 lc rgb '#F6DDA8' title 'fault active'");
        if (plot_list(report, "treated", "actions") != NULL)
                text_add(script,
                         ", NaN with points pt 11 ps 0.9 lc rgb action title 'healing action'");
}

/* The worst of a stretch is what a reader looks for: the largest, or for
 * shares of good the least. */
static double worst_of(const double *values, size_t count, bool least)
{
        double worst = NAN;

        for (size_t i = 0; i < count; i++)
                if (isfinite(values[i]) &&
                    (isnan(worst) || (least ? values[i] < worst : values[i] > worst)))
                        worst = values[i];
        return worst;
}

bool plot_add_series(const struct report *report, const char *arm, const char *metric,
                     const struct plot_axis *axis, const char *name, struct text *script)
{
        const struct series_line *line = series_find(report->series, "0", arm, "", metric);
        bool least = strcmp(metric, "availability") == 0 || strcmp(metric, "goodput") == 0;
        size_t stride;

        if (line == NULL || line->count == 0)
                return false;
        stride = (line->count + POINTS_MAX - 1) / POINTS_MAX;
        text_addf(script, "$%s << EOD\n", name);
        for (size_t i = 0; i < line->count; i += stride) {
                size_t count = line->count - i < stride ? line->count - i : stride;

                plot_number(script, line->t_s[i] / axis->unit_s);
                text_add(script, " ");
                plot_number(script, worst_of(line->value + i, count, least));
                text_add(script, "\n");
        }
        text_add(script, "EOD\n");
        return true;
}
