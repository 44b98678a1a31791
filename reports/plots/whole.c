/* whole.c - the plots that sum up all replications.
 *
 * Everything is taken from result.json as it stands: no statistics of its own,
 * but for the survival curve, which needs the incidents one by one.
 */
#include "reports/headline.h"
#include "reports/plots/kit.h"
#include "reports/stats/survival.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- waterfall */

int draw_waterfall(const struct report *report, struct text *script)
{
        static const char *const colors[] = {"untreated", "good", "good", "warn", "treated"};
        static const char ticks[] =
                "set xtics scale 0 (\"without\\nhealing\" 0, \"averted by\\nreaction\" 1, "
                "\"averted "
                "by\\nprediction\" 2, \"harm of\\nhealing itself\" 3, \"left\" 4)\n";
        struct waterfall_part parts[WATERFALL_COUNT];
        struct text label;
        double highest = 0;

        if (!report_waterfall(report, parts))
                return 0;
        for (int i = 0; i < WATERFALL_COUNT; i++)
                highest = fmax(highest, fmax(parts[i].top, parts[i].bottom));
        if (highest <= 0)
                return 0;
        text_add(script, "$parts << EOD\n");
        for (int i = 0; i < WATERFALL_COUNT; i++)
                text_addf(script, "%d %.7g %.7g\n", i, parts[i].bottom, parts[i].top);
        text_add(script, "EOD\n");
        for (int i = 0; i < WATERFALL_COUNT; i++) {
                text_init(&label);
                if (i == WATERFALL_REACTION || i == WATERFALL_PREDICTION)
                        text_add(&label, parts[i].amount.value > 0 ? "−" : "");
                text_count(&label, i == WATERFALL_REACTION || i == WATERFALL_PREDICTION
                                           ? fabs(round(parts[i].amount.value))
                                           : round(parts[i].amount.value));
                text_addf(script,
                          "set label '%s' at %d, %.7g center offset 0, 0.6 textcolor rgb ink "
                          "font ',15'\n",
                          text_bytes(&label), i, fmax(parts[i].top, parts[i].bottom));
                text_release(&label);
        }
        for (int i = 0; i + 1 < WATERFALL_COUNT; i++)
                if (i < 2)
                        text_addf(script,
                                  "set arrow from %d.36, %.7g to %d.64, %.7g nohead lc rgb ink "
                                  "dt 3\n",
                                  i, i == 0 ? parts[0].top : parts[i].bottom, i,
                                  i == 0 ? parts[0].top : parts[i].bottom);
        text_add(script, ticks);
        text_add(script, "set xtics font ',11'\nset bmargin 3.4\n");
        text_addf(script,
                  "set xrange [-0.6:4.6]\nset yrange [0:%.7g]\nset ylabel 'failed "
                  "requests a run'\nset format y '%%.0f'\nunset key\nplot ",
                  highest * 1.12);
        for (int i = 0; i < WATERFALL_COUNT; i++)
                text_addf(script,
                          "%s$parts every ::%d::%d using 1:2:($1-0.36):($1+0.36):2:3 with "
                          "boxxyerror lc rgb %s notitle",
                          i > 0 ? ", " : "", i, i, colors[i]);
        text_add(script, "\n");
        return 330;
}

void tell_waterfall(const struct report *report, struct text *words)
{
        struct waterfall_part parts[WATERFALL_COUNT];

        if (!report_waterfall(report, parts))
                return;
        text_add(words, "Failed requests a run: ");
        for (int i = 0; i < WATERFALL_COUNT; i++) {
                text_addf(words, "%s%s ", i == 0 ? "" : ", ", parts[i].title);
                text_count(words, round(parts[i].amount.value));
        }
        text_add(words, ".");
}

/* ---- recovery */

/* How long each user-visible incident of an arm lasted. False: none, or no
 * memory. The caller frees both arrays. */
static bool collect_recoveries(const struct report *report, const char *arm, double **times,
                               bool **ended, size_t *count)
{
        const json_t *incidents = plot_list(report, arm, "incidents");
        double end_s = plot_axis_of(report).end_s;
        size_t index;
        json_t *incident;

        *count = 0;
        *times = calloc(json_array_size(incidents) + 1, sizeof(**times));
        *ended = calloc(json_array_size(incidents) + 1, sizeof(**ended));
        if (*times == NULL || *ended == NULL)
                return false;
        json_array_foreach(incidents, index, incident)
        {
                double o = result_number(incident, "o"), r = result_number(incident, "r");
                double watched = result_number(incident, "end");

                if (isnan(o) || !result_true(incident, "user_visible"))
                        continue;
                if (isnan(watched))
                        watched = end_s;
                (*ended)[*count] = !isnan(r);
                (*times)[(*count)++] = fmax(0, (isnan(r) ? watched : r) - o);
        }
        return *count > 0;
}

static bool add_curve(const struct report *report, const char *arm, struct text *script,
                      double *longest, size_t *censored)
{
        struct stats_survival *survival = NULL;
        const struct stats_survival_step *steps;
        double *times = NULL;
        bool *ended = NULL, added = false;
        size_t count, step_count;

        *censored = 0;
        if (!collect_recoveries(report, arm, &times, &ended, &count))
                goto done;
        survival = stats_survival_create(times, ended, count);
        if (survival == NULL)
                goto done;
        steps = stats_survival_steps(survival, &step_count);
        text_addf(script, "$%s << EOD\n0 100\n", arm);
        for (size_t i = 0; i < step_count; i++)
                text_addf(script, "%.7g %.7g\n", steps[i].time, 100 * steps[i].survival);
        for (size_t i = 0; i < count; i++)
                *longest = fmax(*longest, times[i]);
        if (step_count == 0 || steps[step_count - 1].survival > 0) {
                double last = 0;

                for (size_t i = 0; i < count; i++)
                        last = fmax(last, times[i]);
                text_addf(script, "%.7g %.7g\n", last,
                          step_count == 0 ? 100 : 100 * steps[step_count - 1].survival);
        }
        text_addf(script, "EOD\n$%s_open << EOD\n", arm);
        for (size_t i = 0; i < count; i++) {
                if (ended[i])
                        continue;
                ++*censored;
                text_addf(script, "%.7g %.7g\n", times[i],
                          100 * stats_survival_at(survival, times[i], 0.95).value);
        }
        text_add(script, "EOD\n");
        added = true;
done:
        stats_survival_destroy(survival);
        free(times);
        free(ended);
        return added;
}

int draw_recovery(const struct report *report, struct text *script)
{
        static const struct {
                const char *arm, *dashes, *title;
        } curves[] = {
                {"untreated", "dt (6,3)", "without healing"},
                {"shadow", "dt (2,2)", "prediction held back"},
                {"treated", "", "with healing"},
        };
        bool has[3];
        size_t censored[3];
        double longest = 0;
        int shown = 0;

        for (int i = 0; i < 3; i++) {
                has[i] = add_curve(report, curves[i].arm, script, &longest, &censored[i]);
                shown += has[i];
        }
        if (shown == 0)
                return 0;
        text_addf(script,
                  "set xrange [0:%.7g]\nset yrange [0:104]\nset ytics 25\nset xlabel 'time since "
                  "users "
                  "were first hurt (s)'\nset ylabel 'incidents still open (%%)'\nplot ",
                  longest > 0 ? longest * 1.02 : 1);
        for (int i = 0, drawn = 0; i < 3; i++) {
                if (!has[i])
                        continue;
                text_addf(script, "%s$%s using 1:2 with steps lw 2.2 lc rgb %s %s title '%s'",
                          drawn++ > 0 ? ", " : "", curves[i].arm, curves[i].arm, curves[i].dashes,
                          curves[i].title);
                if (censored[i] > 0)
                        text_addf(script,
                                  ", $%s_open using 1:2 with points pt 1 ps 1 lw 1.5 lc rgb "
                                  "%s title 'open at the end'",
                                  curves[i].arm, curves[i].arm);
        }
        text_add(script, "\n");
        return 330;
}

void tell_recovery(const struct report *report, struct text *words)
{
        static const char *const arms[][2] = {{"treated", "With healing"},
                                              {"untreated", "Without healing"}};

        for (int i = 0; i < 2; i++) {
                struct metric_value mttr = result_metric(report, arms[i][0], "mttr");
                double *times, seconds = 0;
                bool *ended;
                size_t count, open = 0;

                if (collect_recoveries(report, arms[i][0], &times, &ended, &count)) {
                        for (size_t k = 0; k < count; k++) {
                                open += !ended[k];
                                seconds = fmax(seconds, times[k]);
                        }
                        text_addf(words, "%s %zu incidents that users saw, the longest ",
                                  arms[i][1], count);
                        text_duration(words, seconds);
                        text_addf(words, ", %zu open at the end; MTTR over all incidents ", open);
                        text_metric_value(words, &mttr);
                        text_add(words, ". ");
                }
                free(times);
                free(ended);
        }
}

/* ---- prevention and false alarms */

static const char *const fates[] = {"prevented", "postponed", "mitigated",
                                    "merged",    "unchanged", "worsened"};
static const char *const fate_colors[] = {"good",      "'#56B4E9'", "treated",
                                          "'#9A5FA8'", "calm",      "bad"};
#define FATE_SHOWN_COUNT (sizeof(fates) / sizeof(fates[0]))

/* Fates of untreated incidents by fault; an incident of several counts for each. */
static void count_fates(const struct report *report, const char *fault,
                        double counts[FATE_SHOWN_COUNT])
{
        size_t index, number, i;
        json_t *incident, *name;

        memset(counts, 0, FATE_SHOWN_COUNT * sizeof(*counts));
        json_array_foreach(plot_list(report, "untreated", "incidents"), index, incident)
        {
                json_array_foreach(json_object_get(incident, "faults"), number, name)
                {
                        const char *text = json_string_value(name);

                        if (text == NULL || strcmp(text, fault) != 0)
                                continue;
                        for (i = 0; i < FATE_SHOWN_COUNT; i++)
                                if (strcmp(result_text(incident, "fate"), fates[i]) == 0)
                                        counts[i]++;
                        break;
                }
        }
}

static int add_fates(const struct report *report, struct text *script)
{
        double counts[FATE_SHOWN_COUNT];
        struct text cut;
        size_t index;
        json_t *fault;
        int rows = 0;

        text_add(script, "$fates << EOD\n");
        json_array_foreach(json_object_get(report->result, "faults"), index, fault)
        {
                const char *name = result_text(fault, "name");
                double all = 0;

                count_fates(report, name, counts);
                for (size_t i = 0; i < FATE_SHOWN_COUNT; i++)
                        all += counts[i];
                if (all == 0 || rows >= 16)
                        continue;
                text_addf(script, "%d", -rows);
                for (size_t i = 0; i < FATE_SHOWN_COUNT; i++)
                        text_addf(script, " %.7g", 100 * counts[i] / all);
                text_addf(script, " %.0f\n", all);
                rows++;
        }
        text_add(script, "EOD\n");
        if (rows == 0)
                return 0;
        rows = 0;
        text_add(script, "set ytics scale 0 noenhanced (");
        json_array_foreach(json_object_get(report->result, "faults"), index, fault)
        {
                const char *name = result_text(fault, "name");
                double all = 0;

                count_fates(report, name, counts);
                for (size_t i = 0; i < FATE_SHOWN_COUNT; i++)
                        all += counts[i];
                if (all == 0 || rows >= 16)
                        continue;
                text_init(&cut);
                text_cell(&cut, name, text_columns(name) > 24 ? 24 : text_columns(name));
                text_add(script, rows > 0 ? ", " : "");
                text_gnuplot_tick(script, text_bytes(&cut));
                text_addf(script, " %d", -rows);
                text_release(&cut);
                rows++;
        }
        text_add(script, ")\n");
        return rows;
}

/* `highest` becomes the far end of the intervals. */
static int add_false_rows(const struct report *report, struct text *script, double *highest)
{
        static const char *const rows[][2] = {
                {"false_alarms_per_week", "false alarms"},
                {"false_actions_per_week", "false actions"},
        };
        int count = 0;

        text_add(script, "$false << EOD\n");
        for (size_t i = 0; i < 2; i++) {
                struct metric_value value = result_metric(report, "treated", rows[i][0]);

                if (!value.has_value)
                        continue;
                text_addf(script, "%d %.7g %.7g %.7g \"%s\"\n", -count, value.value,
                          value.has_low ? value.low : value.value,
                          value.has_high ? value.high : value.value, rows[i][1]);
                *highest = fmax(*highest, value.has_high ? value.high : value.value);
                count++;
        }
        text_add(script, "EOD\n");
        return count;
}

/* A step of 1, 2 or 5 times a power of ten that cuts 0 to `highest` into at
 * most three: the panel is narrow. */
static double tick_step(double highest)
{
        double step = highest > 0 ? pow(10, floor(log10(highest / 3))) : 1;

        for (int i = 0; highest / step > 3 && i < 4; i++)
                step *= i % 3 == 1 ? 2.5 : 2;
        return step;
}

int draw_prevention(const struct report *report, struct text *script)
{
        double highest = 0;
        int false_rows = add_false_rows(report, script, &highest);
        int rows = add_fates(report, script), height = 150 + 34 * (rows > 2 ? rows : 2);

        if (rows == 0 && false_rows == 0)
                return 0;
        text_addf(script,
                  "set border 1\nunset grid\nset grid x lc rgb faint\nset multiplot\n"
                  "set tmargin at screen %.4f\nset bmargin at screen %.4f\n",
                  1 - 64.0 / height, 58.0 / height);
        if (rows > 0) {
                text_addf(script,
                          "set lmargin at screen 0.20\nset rmargin at screen 0.62\n"
                          "set xrange [0:100]\nset yrange [%.2f:0.6]\nset xlabel 'untreated "
                          "incidents "
                          "(%%)'\nset key at screen 0.01, screen 0.97 left top horizontal maxrows "
                          "1\nplot ",
                          -rows + 0.4);
                for (size_t i = 0; i < FATE_SHOWN_COUNT; i++) {
                        text_addf(script, "%s$fates using (0):1:(0", i > 0 ? ", " : "");
                        for (size_t k = 0; k < i; k++)
                                text_addf(script, "+$%zu", k + 2);
                        text_add(script, "):(0");
                        for (size_t k = 0; k <= i; k++)
                                text_addf(script, "+$%zu", k + 2);
                        text_addf(script,
                                  "):($1-0.32):($1+0.32) with boxxyerror lc rgb %s title '%s'",
                                  fate_colors[i], fates[i]);
                }
                text_add(script, "\n");
        }
        if (false_rows > 0)
                text_addf(
                        script,
                        "set lmargin at screen 0.79\nset rmargin at screen 0.97\nunset key\n"
                        "set xrange [0:*]\nset yrange [%.2f:0.6]\nset xlabel 'per service and "
                        "week'\n"
                        "set xtics %.3g\nset ytics auto\nset ytics scale 0\n"
                        "plot $false using 2:1:3:4:ytic(5) with xerrorbars pt 7 ps 1.1 lw 2 lc rgb "
                        "bad\n",
                        -false_rows + 0.4, tick_step(highest));
        text_add(script, "unset multiplot\n");
        return height;
}

void tell_prevention(const struct report *report, struct text *words)
{
        struct metric_value prevented = result_metric(report, "treated", "prevention_rate");
        struct metric_value alarms = result_metric(report, "treated", "false_alarms_per_week");

        text_add(words, "Of the untreated incidents healing prevented ");
        text_metric_value(words, &prevented);
        text_add(words, "; false alarms for each service: ");
        text_metric_value(words, &alarms);
        text_add(words, ".");
}

/* ---- rows with an interval: by failure type, and how well each action works */

static bool add_interval_rows(const json_t *list, const char *key, double scale, const char *name,
                              struct text *script)
{
        size_t index;
        json_t *row;
        bool any = false;

        text_addf(script, "$%s << EOD\n", name);
        json_array_foreach(list, index, row)
        {
                struct metric_value value = metric_of(json_object_get(row, key));

                if (!value.has_value || index >= 20)
                        continue;
                any = true;
                text_addf(script, "%.7g %.7g %.7g %.7g\n", -(double)index, value.value * scale,
                          (value.has_low ? value.low : value.value) * scale,
                          (value.has_high ? value.high : value.value) * scale);
        }
        text_add(script, "EOD\n");
        return any;
}

static void add_names(const json_t *list, struct text *script)
{
        size_t index;
        json_t *row;

        text_add(script, "set ytics scale 0 noenhanced (");
        json_array_foreach(list, index, row)
        {
                struct text cut;
                const char *name = result_text(row, "name");

                if (index >= 20)
                        break;
                text_init(&cut);
                text_cell(&cut, name, text_columns(name) > 24 ? 24 : text_columns(name));
                text_add(script, index > 0 ? ", " : "");
                text_gnuplot_tick(script, text_bytes(&cut));
                text_addf(script, " %.0f", -(double)index);
                text_release(&cut);
        }
        text_add(script, ")\n");
}

static int rows_shown(const json_t *list)
{
        size_t rows = json_array_size(list);

        return (int)(rows > 20 ? 20 : rows);
}

static void add_rows_frame(const json_t *list, struct text *script)
{
        add_names(list, script);
        text_addf(script,
                  "set yrange [%.2f:0.6]\nset border 1\nunset grid\nset grid x lc rgb faint\n",
                  -rows_shown(list) + 0.4);
}

int draw_by_type(const struct report *report, struct text *script)
{
        const json_t *list = result_at(report->result, "analytics.by_failure_type");
        bool mttd = add_interval_rows(list, "mttd", 1, "mttd", script);
        bool mttr = add_interval_rows(list, "mttr", 1, "mttr", script);

        if (!mttd && !mttr)
                return 0;
        add_rows_frame(list, script);
        text_add(script, "set xrange [0:*]\nset xlabel 'seconds, with 95 % interval'\nplot ");
        if (mttd)
                text_add(script,
                         "$mttd using 2:($1+0.13):3:4 with xerrorbars pt 5 ps 0.9 lw 2 lc rgb "
                         "fault title 'time to detect (MTTD)'");
        if (mttr)
                text_addf(script,
                          "%s$mttr using 2:($1-0.13):3:4 with xerrorbars pt 7 ps 1 lw 2 lc rgb "
                          "treated title 'time to restore (MTTR)'",
                          mttd ? ", " : "");
        text_add(script, "\n");
        return 130 + 38 * rows_shown(list);
}

static void tell_rows(const json_t *list, const char *const keys[2], struct text *words)
{
        size_t index;
        json_t *row;

        json_array_foreach(list, index, row)
        {
                if (index >= 20)
                        break;
                text_plain(words, result_text(row, "name"));
                text_add(words, ":");
                for (int i = 0; i < 2; i++) {
                        struct metric_value value;

                        if (keys[i] == NULL)
                                continue;
                        value = metric_of(json_object_get(row, keys[i]));
                        text_addf(words, " %s ", keys[i]);
                        text_metric_value(words, &value);
                }
                text_add(words, ". ");
        }
}

void tell_by_type(const struct report *report, struct text *words)
{
        tell_rows(result_at(report->result, "analytics.by_failure_type"),
                  (const char *const[]){"mttd", "mttr"}, words);
}

int draw_effectiveness(const struct report *report, struct text *script)
{
        const json_t *list = result_at(report->result, "analytics.by_action");

        if (!add_interval_rows(list, "rate", 100, "rate", script))
                return 0;
        add_rows_frame(list, script);
        text_add(script,
                 "set xrange [0:100]\nset xlabel 'healings that succeeded (%), with 95 % "
                 "interval'\nunset key\nset arrow from 70, graph 0 to 70, graph 1 nohead lc "
                 "rgb ink dt 3\nplot $rate using 2:1:3:4 with xerrorbars pt 7 ps 1.1 lw 2 lc "
                 "rgb treated notitle\n");
        return 110 + 30 * rows_shown(list);
}

void tell_effectiveness(const struct report *report, struct text *words)
{
        tell_rows(result_at(report->result, "analytics.by_action"),
                  (const char *const[]){"rate", NULL}, words);
}

/* ---- predictions */

#define PREDICTION_BINS 10
#define PREDICTIONS_MIN 10

struct prediction_bin {
        double right, all, said;
};

static size_t bin_predictions(const struct report *report, struct prediction_bin *bins)
{
        const json_t *list = plot_list(report, "shadow", "predictions");
        size_t index, judged = 0;
        json_t *entry;

        memset(bins, 0, PREDICTION_BINS * sizeof(*bins));
        json_array_foreach(list, index, entry)
        {
                const char *outcome = result_text(entry, "outcome");
                double confidence = result_number(entry, "confidence");
                int bin = (int)(confidence * PREDICTION_BINS);

                if (isnan(confidence) || confidence < 0 || confidence > 1 ||
                    (strcmp(outcome, "true") != 0 && strcmp(outcome, "false") != 0))
                        continue;
                bin = bin >= PREDICTION_BINS ? PREDICTION_BINS - 1 : bin;
                bins[bin].all++;
                bins[bin].said += confidence;
                bins[bin].right += strcmp(outcome, "true") == 0;
                judged++;
        }
        return judged;
}

/* What came true, with what was said of it. */
struct hit {
        double confidence, lead_s, run, onset;
        const char *service;
};

static size_t list_hits(const struct report *report, struct hit **out)
{
        const json_t *list = plot_list(report, "shadow", "predictions");
        struct hit *hits = calloc(json_array_size(list) + 1, sizeof(*hits));
        size_t index, count = 0;
        json_t *entry;

        json_array_foreach(list, index, entry)
        {
                struct hit hit = {.confidence = result_number(entry, "confidence"),
                                  .lead_s = result_number(entry, "onset") -
                                            result_number(entry, "t"),
                                  .run = result_number(entry, "run"),
                                  .onset = result_number(entry, "onset"),
                                  .service = result_text(entry, "service")};

                if (hits != NULL && strcmp(result_text(entry, "outcome"), "true") == 0 &&
                    isfinite(hit.lead_s) && isfinite(hit.confidence))
                        hits[count++] = hit;
        }
        *out = hits;
        return count;
}

static int compare_leads(const void *a, const void *b)
{
        const struct hit *x = a, *y = b;

        return (x->lead_s > y->lead_s) - (x->lead_s < y->lead_s);
}

/* Incidents that a prediction of at least that confidence foresaw, each once. */
static double count_foreseen(const struct hit *hits, size_t count, double confidence)
{
        double foreseen = 0;

        for (size_t i = 0; i < count; i++) {
                bool again = hits[i].confidence < confidence;

                for (size_t k = 0; k < i && !again; k++)
                        again = hits[k].confidence >= confidence && hits[k].run == hits[i].run &&
                                hits[k].onset == hits[i].onset &&
                                strcmp(hits[k].service, hits[i].service) == 0;
                foreseen += !again;
        }
        return foreseen;
}

/* Precision and recall of acting only from a confidence on; recall ends at the
 * metric's value, where all count. */
static void add_precision_recall(const struct report *report, const struct prediction_bin *bins,
                                 const struct hit *hits, size_t count, struct text *script)
{
        struct metric_value recall = result_metric(report, "treated", "recall");
        double right = 0, all = 0, foreseen = count_foreseen(hits, count, 0);

        text_add(script, "$threshold << EOD\n");
        for (int i = PREDICTION_BINS; i-- > 0;) { /* all at or above a confidence count */
                double confidence = i / (double)PREDICTION_BINS;

                right += bins[i].right;
                all += bins[i].all;
                if (bins[i].all > 0 && foreseen > 0 && recall.has_value)
                        text_addf(script, "%.7g %.7g %.7g\n",
                                  100 * recall.value * count_foreseen(hits, count, confidence) /
                                          foreseen,
                                  100 * right / all, confidence);
        }
        text_add(script, "EOD\n");
}

static void add_leads(const struct hit *hits, size_t count, struct text *script)
{
        text_add(script, "$leads << EOD\n0 100\n");
        for (size_t i = 0; i < count; i++)
                text_addf(script, "%.7g %.7g\n", hits[i].lead_s,
                          100 * (double)(count - 1 - i) / (double)count);
        text_add(script, "EOD\n");
}

int draw_predictions(const struct report *report, struct text *script)
{
        struct prediction_bin bins[PREDICTION_BINS];
        struct hit *hits = NULL;
        size_t count;

        if (bin_predictions(report, bins) < PREDICTIONS_MIN)
                return 0;
        count = list_hits(report, &hits);
        if (hits == NULL) {
                script->failed = true;
                return 0;
        }
        qsort(hits, count, sizeof(*hits), compare_leads);
        text_add(script, "$calibration << EOD\n");
        for (int i = 0; i < PREDICTION_BINS; i++)
                if (bins[i].all > 0)
                        text_addf(script, "%.7g %.7g %.7g\n", bins[i].said / bins[i].all,
                                  bins[i].right / bins[i].all, bins[i].all);
        text_add(script, "EOD\n");
        add_precision_recall(report, bins, hits, count, script);
        add_leads(hits, count, script);
        free(hits);
        text_add(script,
                 "set multiplot\nset tmargin at screen 0.86\nset bmargin at screen 0.19\n"
                 "unset key\nset lmargin at screen 0.10\nset rmargin at screen 0.33\nset xrange [0:1]\n"
                 "set yrange [0:1]\nset xtics 0.5\nset xlabel 'confidence that was said'\n"
                 "set ylabel 'share that came true'\n"
                 "plot x with lines lc rgb calm dt 3 title 'perfect', $calibration using 1:2 "
                 "with linespoints pt 7 lw 2 lc rgb treated title 'said'\n"
                 "set lmargin at screen 0.42\nset rmargin at screen 0.65\n"
                 "set xrange [0:105]\nset xtics 25\nset yrange [0:105]\nset xlabel 'recall (%)'\n"
                 "set ylabel 'precision (%)'\n");
        if (count > 0)
                text_add(script,
                         "plot $threshold using 1:2 with lines lw 1.5 lc rgb treated, $threshold "
                         "using 1:2:(sprintf('%.1f', $3)) with labels point pt 7 lc rgb treated "
                         "offset 0,0.8 font ',11'\n"
                         "set lmargin at screen 0.74\nset rmargin at screen 0.98\n"
                         "set xrange [0:*]\nset xtics autofreq\nset xlabel 'lead time (s)'\n"
                         "set ylabel 'at least that long (%)'\n"
                         "plot $leads using 1:2 with steps lw 2 lc rgb treated\n");
        text_add(script, "unset multiplot\n");
        return 320;
}

void tell_predictions(const struct report *report, struct text *words)
{
        struct metric_value precision = result_metric(report, "treated", "precision");
        struct metric_value recall = result_metric(report, "treated", "recall");

        text_add(words, "Precision ");
        text_metric_value(words, &precision);
        text_add(words, ", recall ");
        text_metric_value(words, &recall);
        text_add(words, ".");
}
