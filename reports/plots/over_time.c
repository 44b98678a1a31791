/* over_time.c - the plots with virtual time on the x axis.
 *
 * All of replication 0, as its faults and actions are those of the journal, and
 * as the clients of the fleet see it. Treated is solid and blue, untreated
 * dashed and vermillion, everywhere.
 *
 * The timeline is the one plot that everybody should look at: a lane for the
 * faults, one for users hurt without healing, one with it, and what the healer
 * did about it.
 */
#include "reports/plots/kit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PANEL_TOP_PX 44
#define PANEL_PX 140
#define PANEL_GAP_PX 22
#define PANEL_BOTTOM_PX 44
#define LANE_PX 27

/* ---- panels of one metric, treated against untreated */

struct panel {
        const char *metric, *label;
        double scale; /* of what is shown to what is stored */
        bool log_axis, from_zero;
};

static bool add_panel_data(const struct report *report, const struct panel *panel, int number,
                           const struct plot_axis *axis, struct text *script, bool has[2])
{
        char name[32];

        snprintf(name, sizeof(name), "treated%d", number);
        has[0] = plot_add_series(report, "treated", panel->metric, axis, name, script);
        snprintf(name, sizeof(name), "untreated%d", number);
        has[1] = plot_add_series(report, "untreated", panel->metric, axis, name, script);
        return has[0] || has[1];
}

static int compare_values(const void *a, const void *b)
{
        const double *x = a, *y = b;

        return (*x > *y) - (*x < *y);
}

/* Where a logarithmic axis begins: a little below what is usual with healing. A
 * request that is refused at once takes no time, and would stretch the axis by
 * decades in which nothing else is. 0: no such line. */
static double log_floor(const struct report *report, const struct panel *panel)
{
        const struct series_line *line =
                series_find(report->series, "0", "treated", "", panel->metric);
        double *values = calloc(line == NULL ? 1 : line->count + 1, sizeof(*values)), low = 0;
        size_t count = 0;

        for (size_t i = 0; values != NULL && line != NULL && i < line->count; i++)
                if (line->value[i] > 0)
                        values[count++] = line->value[i];
        if (count > 0) {
                qsort(values, count, sizeof(*values), compare_values);
                low = values[count / 4] / 4 * panel->scale;
        }
        free(values);
        return low;
}

static void add_panel(const struct report *report, const struct panel *panel, int number,
                      const bool has[2], bool first, bool last, const struct plot_axis *axis,
                      struct text *script)
{
        text_addf(script, "%s\n", panel->log_axis ? "set logscale y" : "unset logscale y");
        text_addf(script, "set format y '%s'\n", panel->log_axis ? "%g" : "%.4g");
        if (panel->log_axis && log_floor(report, panel) > 0)
                text_addf(script, "set yrange [%.3g:*]\n", log_floor(report, panel));
        else
                text_addf(script, "set yrange [%s]\n", panel->from_zero ? "0:*" : "*:*");
        text_addf(script, "set ylabel '%s'\n", panel->label);
        text_add(script, first ? "set key\n" : "unset key\n");
        if (last)
                text_addf(script, "set format x '%%g'\nset xlabel 'time (%s)'\n", axis->unit);
        else
                text_add(script, "set format x ''\nunset xlabel\n");
        text_add(script, "plot ");
        if (has[1])
                text_addf(script,
                          "$untreated%d using 1:($2*%.7g) with lines lw 1.8 dt (6,3) lc rgb "
                          "untreated title 'without healing'%s",
                          number, panel->scale, has[0] ? ", " : "");
        if (has[0])
                text_addf(script,
                          "$treated%d using 1:($2*%.7g) with lines lw 2 lc rgb treated title 'with "
                          "healing'",
                          number, panel->scale);
        if (first)
                plot_add_event_key(report, script);
        text_add(script, "\n");
}

static int draw_panels(const struct report *report, const struct panel *panels, int count,
                       struct text *script)
{
        struct plot_axis axis = plot_axis_of(report);
        bool has[4][2], any = false;
        int first = -1, last = -1, shown = 0, place = 0, height;

        for (int i = 0; i < count; i++) {
                if (!add_panel_data(report, &panels[i], i, &axis, script, has[i]))
                        continue;
                any = true;
                first = first < 0 ? i : first;
                last = i;
                shown++;
        }
        if (!any)
                return 0;
        plot_mark_events(report, &axis, script);
        height = PANEL_TOP_PX + shown * PANEL_PX + PANEL_BOTTOM_PX;
        text_add(script,
                 "set multiplot\nset lmargin at screen 0.095\nset rmargin at screen 0.975\n");
        for (int i = 0; i < count; i++) {
                double top = PANEL_TOP_PX + place * (double)PANEL_PX;

                if (!has[i][0] && !has[i][1])
                        continue;
                text_addf(script, "set tmargin at screen %.4f\nset bmargin at screen %.4f\n",
                          1 - top / height, 1 - (top + PANEL_PX - PANEL_GAP_PX) / height);
                place++;
                add_panel(report, &panels[i], i, has[i], i == first, i == last, &axis, script);
        }
        text_add(script, "unset multiplot\n");
        return height;
}

int draw_latency(const struct report *report, struct text *script)
{
        static const struct panel panels[] = {
                {"latency_p50", "p50 (ms)", 1000, true, false},
                {"latency_p95", "p95 (ms)", 1000, true, false},
                {"latency_p99", "p99 (ms)", 1000, true, false},
        };

        return draw_panels(report, panels, 3, script);
}

int draw_errors(const struct report *report, struct text *script)
{
        static const struct panel panels[] = {
                {"error_ratio", "requests in error (%)", 100, false, true}};

        return draw_panels(report, panels, 1, script);
}

int draw_goodput(const struct report *report, struct text *script)
{
        static const struct panel panels[] = {
                {"availability", "good requests (%)", 100, false, false},
                {"goodput", "goodput (requests/s)", 1, false, true},
        };

        return draw_panels(report, panels, 2, script);
}

/* ---- in words */

static void tell_worst(const struct report *report, const char *arm, const char *metric,
                       const char *unit, bool least, struct text *words)
{
        const struct series_line *line = series_find(report->series, "0", arm, "", metric);
        double worst = NAN, at = 0;

        for (size_t i = 0; line != NULL && i < line->count; i++) {
                if (!isfinite(line->value[i]))
                        continue;
                if (isnan(worst) || (least ? line->value[i] < worst : line->value[i] > worst)) {
                        worst = line->value[i];
                        at = line->t_s[i];
                }
        }
        if (isnan(worst)) {
                text_add(words, "no data");
                return;
        }
        text_value(words, worst, unit);
        text_add(words, " at ");
        text_duration(words, at);
}

static void tell_both(const struct report *report, const char *what, const char *metric,
                      const char *unit, bool least, struct text *words)
{
        text_addf(words, "%s of %s: with healing ", least ? "Least" : "Highest", what);
        tell_worst(report, "treated", metric, unit, least, words);
        text_add(words, ", without ");
        tell_worst(report, "untreated", metric, unit, least, words);
        text_add(words, ". ");
}

void tell_latency(const struct report *report, struct text *words)
{
        tell_both(report, "the median latency", "latency_p50", "s", false, words);
        tell_both(report, "the 99th percentile", "latency_p99", "s", false, words);
}

void tell_errors(const struct report *report, struct text *words)
{
        tell_both(report, "the share in error", "error_ratio", "ratio", false, words);
}

void tell_goodput(const struct report *report, struct text *words)
{
        tell_both(report, "the share of good requests", "availability", "ratio", true, words);
        tell_both(report, "the goodput", "goodput", "requests/s", true, words);
}

/* ---- lanes */

struct lanes {
        const struct report *report;
        struct plot_axis axis;
        struct text *script;
        int count, bars;
        struct text names; /* of the y axis: "'name' 3, " */
        double left; /* margin, as a share of the width */
};

static void add_lane(struct lanes *lanes, const char *name)
{
        struct text cut;

        text_init(&cut);
        text_cell(&cut, name, text_columns(name) > 26 ? 26 : text_columns(name));
        text_add(&lanes->names, lanes->count > 0 ? ", " : "");
        text_gnuplot_tick(&lanes->names, text_bytes(&cut));
        text_addf(&lanes->names, " %d", -lanes->count);
        lanes->count++;
        text_release(&cut);
}

static void add_bar(struct lanes *lanes, double start, double end, const char *color)
{
        double least = lanes->axis.end_s / 400; /* a short one is still seen */

        if (isnan(start) || lanes->bars >= 2000)
                return;
        if (isnan(end))
                end = lanes->axis.end_s;
        if (end < 0)
                return;
        if (start < 0)
                start = 0;
        if (end - start < least)
                end = start + least;
        lanes->bars++;
        text_addf(lanes->script,
                  "set object rect from %.7g, %.3g to %.7g, %.3g fc rgb %s fs solid 1 noborder "
                  "front\n",
                  start / lanes->axis.unit_s, -(lanes->count - 1) - 0.32, end / lanes->axis.unit_s,
                  -(lanes->count - 1) + 0.32, color);
}

static void add_mark(struct lanes *lanes, double at, const char *color, int point)
{
        if (isnan(at) || at < 0 || lanes->bars >= 2000)
                return;
        lanes->bars++;
        text_addf(lanes->script, "set label '' at %.7g, %d point pt %d ps 1 lc rgb %s front\n",
                  at / lanes->axis.unit_s, -(lanes->count - 1), point, color);
}

static void add_fault_lanes(struct lanes *lanes)
{
        const json_t *faults = json_object_get(lanes->report->result, "faults");
        bool one_lane = json_array_size(faults) > 6;
        size_t index, number;
        json_t *fault, *window;
        char name[32];

        if (one_lane) {
                snprintf(name, sizeof(name), "%zu faults", json_array_size(faults));
                add_lane(lanes, name);
        }
        json_array_foreach(faults, index, fault)
        {
                if (!one_lane)
                        add_lane(lanes, result_text(fault, "name"));
                json_array_foreach(json_object_get(fault, "windows"), number, window)
                        add_bar(lanes, result_number(window, "start"), result_number(window, "end"),
                                "fault");
        }
}

static void add_incident_lane(struct lanes *lanes, const char *arm, const char *name,
                              const char *color)
{
        size_t index;
        json_t *incident;

        if (!report_has_arm(lanes->report, arm))
                return;
        add_lane(lanes, name);
        json_array_foreach(plot_list(lanes->report, arm, "incidents"), index,
                           incident) if (result_number(incident, "run") == 0 &&
                                         result_true(incident, "user_visible"))
                add_bar(lanes, result_number(incident, "o"), result_number(incident, "r"), color);
}

static void add_action_lanes(struct lanes *lanes)
{
        const json_t *actions = plot_list(lanes->report, "treated", "actions");
        const char *seen[8];
        size_t seen_count = 0, index, i;
        json_t *action, *other;

        json_array_foreach(actions, index, action)
        {
                const char *name = result_text(action, "action");
                size_t number;

                if (result_number(action, "run") != 0)
                        continue;
                for (i = 0; i < seen_count; i++)
                        if (strcmp(seen[i], name) == 0)
                                break;
                if (i < seen_count || seen_count == 8)
                        continue;
                seen[seen_count++] = name;
                add_lane(lanes, name);
                json_array_foreach(actions, number,
                                   other) if (result_number(other, "run") == 0 &&
                                              strcmp(result_text(other, "action"), name) == 0)
                        add_mark(lanes, result_number(other, "t"),
                                 json_is_false(json_object_get(other, "ok")) ? "bad" : "action", 9);
        }
}

/* A line is steps: 0 closed, 0.5 half open, 1 open, until the next one. */
static void add_breaker_bars(struct lanes *lanes, const struct series_line *line)
{
        for (size_t i = 0; i < line->count; i++) {
                double end = i + 1 < line->count ? line->t_s[i + 1] : lanes->axis.end_s;

                if (line->value[i] > 0)
                        add_bar(lanes, line->t_s[i], end, line->value[i] < 1 ? "warn" : "bad");
        }
}

static bool is_breaker_line(const struct series_line *line)
{
        return strcmp(line->metric, "breaker_state") == 0 && strcmp(line->run, "0") == 0 &&
               strcmp(line->arm, "treated") == 0;
}

static void add_breaker_lanes(struct lanes *lanes, int lane_max)
{
        const struct series *series = lanes->report->series;

        for (size_t i = 0; series != NULL && i < series->count && lanes->count < lane_max; i++) {
                if (!is_breaker_line(&series->lines[i]))
                        continue;
                add_lane(lanes, series->lines[i].service);
                add_breaker_bars(lanes, &series->lines[i]);
        }
}

static int finish_lanes(struct lanes *lanes, const char *key)
{
        struct text *script = lanes->script;
        int height = 96 + LANE_PX * lanes->count;

        text_addf(script,
                  "set tmargin at screen %.4f\nset bmargin at screen %.4f\n"
                  "set lmargin at screen %.2f\nset rmargin at screen 0.975\n",
                  1 - 40.0 / height, 52.0 / height, lanes->left);
        text_addf(script,
                  "set xrange [0:%.7g]\nset yrange [%.7g:0.6]\nset xlabel 'time (%s)'\n"
                  "set format x '%%g'\nset border 1\nunset grid\nset grid x lc rgb faint\n"
                  "set ytics scale 0 noenhanced (",
                  lanes->axis.end_s / lanes->axis.unit_s, -(lanes->count - 1) - 0.6,
                  lanes->axis.unit);
        text_add_bytes(script, text_bytes(&lanes->names), lanes->names.length);
        text_addf(script, ")\nplot NaN notitle%s\n", key);
        script->failed = script->failed || lanes->names.failed;
        text_release(&lanes->names);
        return lanes->bars > 0 ? height : 0;
}

static struct lanes start_lanes(const struct report *report, struct text *script)
{
        struct lanes lanes = {.report = report,
                              .axis = plot_axis_of(report),
                              .script = script,
                              .left = 0.22};

        text_init(&lanes.names);
        return lanes;
}

int draw_timeline(const struct report *report, struct text *script)
{
        struct lanes lanes = start_lanes(report, script);
        static const char key[] =
                ", NaN with lines lw 9 lc rgb fault title 'fault', NaN with points pt 9 ps 1 lc "
                "rgb "
                "action title 'healing action', NaN with points pt 9 ps 1 lc rgb bad title 'action "
                "failed'";

        add_fault_lanes(&lanes);
        add_incident_lane(&lanes, "untreated", "users hurt: no healing", "untreated");
        add_incident_lane(&lanes, "treated", "users hurt: with healing", "treated");
        add_action_lanes(&lanes);
        lanes.left = 0.28; /* this one is narrow */
        text_add(script, "set key font ',11' samplen 1\n");
        return finish_lanes(&lanes, key);
}

int draw_breakers(const struct report *report, struct text *script)
{
        struct lanes lanes = start_lanes(report, script);

        add_breaker_lanes(&lanes, 16);
        if (lanes.count == 0)
                return 0;
        return finish_lanes(&lanes,
                            ", NaN with lines lw 9 lc rgb bad title 'open', NaN with lines lw 9 lc "
                            "rgb warn title 'half open'");
}

/* How often a stepped metric of the treated arm came to be within limits. */
static size_t count_steps(const struct report *report, const char *metric, double low, double high)
{
        const struct series *series = report->series;
        size_t count = 0;

        for (size_t i = 0; series != NULL && i < series->count; i++) {
                const struct series_line *line = &series->lines[i];

                if (strcmp(line->metric, metric) != 0 || strcmp(line->run, "0") != 0 ||
                    strcmp(line->arm, "treated") != 0)
                        continue;
                for (size_t k = 0; k < line->count; k++)
                        if (line->value[k] >= low && line->value[k] <= high)
                                count++;
        }
        return count;
}

void tell_breakers(const struct report *report, struct text *words)
{
        text_addf(words, "Breakers opened %zu times, tried again %zu times and closed %zu times.",
                  count_steps(report, "breaker_state", 1, 1),
                  count_steps(report, "breaker_state", 0.5, 0.5),
                  count_steps(report, "breaker_state", 0, 0));
}

static double hurt_seconds(const struct report *report, const char *arm, double end_s,
                           size_t *count)
{
        double seconds = 0;
        size_t index;
        json_t *incident;

        *count = 0;
        json_array_foreach(plot_list(report, arm, "incidents"), index, incident)
        {
                double o = result_number(incident, "o"), r = result_number(incident, "r");

                if (result_number(incident, "run") != 0 || !result_true(incident, "user_visible"))
                        continue;
                seconds += (isnan(r) ? end_s : r) - o;
                ++*count;
        }
        return seconds;
}

void tell_timeline(const struct report *report, struct text *words)
{
        struct plot_axis axis = plot_axis_of(report);
        size_t with, without;
        double treated_s = hurt_seconds(report, "treated", axis.end_s, &with);
        double untreated_s = hurt_seconds(report, "untreated", axis.end_s, &without);

        text_addf(words, "Replication 0: without healing users were hurt in %zu incident%s for ",
                  without, without == 1 ? "" : "s");
        text_duration(words, untreated_s);
        text_addf(words, "; with healing in %zu for ", with);
        text_duration(words, treated_s);
        text_add(words, ".");
}

/* ---- degradation */

int draw_degradation(const struct report *report, struct text *script)
{
        struct plot_axis axis = plot_axis_of(report);
        const struct series *series = report->series;
        const char *names[8];
        int count = 0;

        for (size_t i = 0; series != NULL && i < series->count && count < 8; i++) {
                const struct series_line *line = &series->lines[i];
                bool any = false;

                if (strcmp(line->metric, "degradation_level") != 0 || strcmp(line->run, "0") != 0 ||
                    strcmp(line->arm, "treated") != 0)
                        continue;
                for (size_t k = 0; k < line->count && !any; k++)
                        any = line->value[k] > 0;
                if (!any)
                        continue;
                text_addf(script, "$level%d << EOD\n0 0\n", count);
                for (size_t k = 0; k < line->count; k++) {
                        plot_number(script, line->t_s[k] / axis.unit_s);
                        text_add(script, " ");
                        plot_number(script, line->value[k]);
                        text_add(script, "\n");
                }
                plot_number(script, axis.end_s / axis.unit_s);
                text_add(script, " ");
                plot_number(script, line->value[line->count - 1]);
                text_add(script, "\nEOD\n");
                names[count++] = *line->service == '\0' ? "all" : line->service;
        }
        if (count == 0)
                return 0;
        plot_mark_events(report, &axis, script);
        text_addf(script,
                  "set yrange [0:4.3]\nset ytics 1\nset ylabel 'degradation level'\n"
                  "set xlabel 'time (%s)'\nset format x '%%g'\nplot ",
                  axis.unit);
        for (int i = 0; i < count; i++) {
                text_addf(script, "%s$level%d using 1:2 with steps lw 2 dt %d title ",
                          i > 0 ? ", " : "", i, i + 1);
                text_gnuplot(script, names[i]);
        }
        plot_add_event_key(report, script);
        text_add(script, "\n");
        return 260;
}

void tell_degradation(const struct report *report, struct text *words)
{
        text_addf(words, "The degradation level changed %zu times.",
                  count_steps(report, "degradation_level", 0, 99));
}
