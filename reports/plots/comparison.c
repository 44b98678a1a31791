/* comparison.c - the plots of `chaos-run ab`: effects with intervals, and the pairs.
 *
 * Effects of metrics of different units stand on one axis, as shares of A's
 * value: the difference and its interval, and the allowed margin with them. A
 * metric that A has at 0 has no such share and is left to the table.
 */
#include "reports/plots/kit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FOREST_ROWS_MAX = 24, EXPLORED_MAX = 6, COMPARED_MAX = 7 };

/* ---- which comparisons there are */

struct compared {
        const json_t *metrics;
        char letter; /* of what is compared with A */
};

static size_t list_compared(const struct report *report, struct compared out[COMPARED_MAX])
{
        const json_t *ab = result_at(report->result, "ab");
        const json_t *list = json_object_get(ab, "comparisons");
        size_t count = 0, index;
        json_t *comparison;

        json_array_foreach(list, index, comparison)
        {
                if (count == COMPARED_MAX)
                        break;
                out[count++] = (struct compared){json_object_get(comparison, "metrics"),
                                                 (char)('B' + index)};
        }
        if (count == 0 && json_array_size(json_object_get(ab, "metrics")) > 0)
                out[count++] = (struct compared){json_object_get(ab, "metrics"), 'B'};
        return count;
}

static bool decides(const json_t *metric)
{
        return strcmp(result_text(metric, "role"), "exploratory") != 0;
}

static bool is_primary(const json_t *metric)
{
        return strcmp(result_text(metric, "role"), "primary") == 0;
}

/* ---- the forest plot */

struct forest_row {
        const json_t *metric;
        char letter;
        double low, value, high, margin; /* shares of A, %; margin NaN: none */
};

/* As shares of A; false when A has none of it. */
static bool measure_row(const json_t *metric, char letter, struct forest_row *row)
{
        struct metric_value difference = metric_of(json_object_get(metric, "difference"));
        double a = result_number(result_at(metric, "a"), "value");
        double scale = 100 / fabs(a);

        if (!difference.has_value || !difference.has_low || !difference.has_high || !(fabs(a) > 0))
                return false;
        /* B against A, so that what B has less of lies to the left. */
        *row = (struct forest_row){metric,
                                   letter,
                                   -difference.high * scale,
                                   -difference.value * scale,
                                   -difference.low * scale,
                                   result_number(metric, "margin") * scale};
        return isfinite(row->low) && isfinite(row->high);
}

static bool is_clear(const json_t *metric)
{
        const char *verdict = result_text(metric, "verdict");

        return strlen(verdict) > 2 && verdict[1] == ' ';
}

static size_t list_rows(const struct report *report, struct forest_row rows[FOREST_ROWS_MAX])
{
        struct compared compared[COMPARED_MAX];
        size_t comparisons = list_compared(report, compared), count = 0, index;
        json_t *metric;

        for (size_t c = 0; c < comparisons; c++) {
                size_t explored = 0;

                json_array_foreach(compared[c].metrics, index, metric)
                {
                        bool wanted = decides(metric) || (comparisons == 1 && is_clear(metric) &&
                                                          explored < EXPLORED_MAX);

                        if (!wanted || count == FOREST_ROWS_MAX ||
                            !measure_row(metric, compared[c].letter, &rows[count]))
                                continue;
                        explored += !decides(metric);
                        count++;
                }
        }
        return count;
}

static const char *color_of(const json_t *metric)
{
        const char *verdict = result_text(metric, "verdict");

        if (!is_clear(metric))
                return "calm";
        return strstr(verdict, "better") != NULL ? "good" : "bad";
}

static void add_label(const struct forest_row *row, bool with_letter, struct text *script)
{
        struct text label;

        text_init(&label);
        for (const char *at = result_text(row->metric, "metric"); *at != '\0'; at++)
                text_add_bytes(&label, *at == '_' ? " " : at, 1);
        if (with_letter)
                text_addf(&label, ", %c", row->letter);
        if (is_primary(row->metric))
                text_add(&label, " (decides)");
        text_gnuplot(script, text_bytes(&label));
        text_release(&label);
}

/* The widest interval that the axis follows: one that is far wider than the
 * effects would flatten all others, and runs out of the picture. */
static double reach_of(const struct forest_row *rows, size_t count)
{
        double reach = 5;

        for (size_t i = 0; i < count; i++) {
                double far = fmax(fabs(rows[i].low), fabs(rows[i].high));

                reach = fmax(reach, fmin(far, fmax(2 * fabs(rows[i].value), 100)));
        }
        return reach * 1.08;
}

int draw_forest(const struct report *report, struct text *script)
{
        static const char *const colors[] = {"good", "bad", "calm"};
        static const char *const titles[] = {"better than A", "worse than A", "no clear difference"};
        struct forest_row rows[FOREST_ROWS_MAX];
        size_t count = list_rows(report, rows);
        bool many = false;
        double reach;

        if (count == 0)
                return 0;
        for (size_t i = 0; i < count; i++)
                many = many || rows[i].letter != rows[0].letter;
        reach = reach_of(rows, count);
        for (size_t c = 0; c < 3; c++) {
                text_addf(script, "$%s << EOD\n", colors[c]);
                for (size_t i = 0; i < count; i++)
                        if (strcmp(color_of(rows[i].metric), colors[c]) == 0)
                                text_addf(script, "%.7g %d %.7g %.7g\n", rows[i].value, -(int)i,
                                          fmax(rows[i].low, -reach), fmin(rows[i].high, reach));
                text_add(script, "EOD\n");
        }
        text_add(script, "set ytics scale 0 noenhanced (");
        for (size_t i = 0; i < count; i++) {
                text_add(script, i > 0 ? ", " : "");
                add_label(&rows[i], many, script);
                text_addf(script, " %d", -(int)i);
        }
        text_add(script, ")\n");
        for (size_t i = 0; i < count; i++)
                if (isfinite(rows[i].margin) && rows[i].margin > 0)
                        text_addf(script,
                                  "set object rectangle from %.7g, %.2f to %.7g, %.2f fc rgb faint "
                                  "fs solid noborder behind\n",
                                  -fmin(rows[i].margin, reach), -(double)i - 0.36,
                                  fmin(rows[i].margin, reach), -(double)i + 0.36);
        text_addf(script,
                  "set lmargin at screen 0.27\nset rmargin at screen 0.97\nset grid x noy\n"
                  "set xrange [%.7g:%.7g]\nset yrange [%.1f:0.7]\n"
                  "set arrow from 0, graph 0 to 0, graph 1 nohead lc rgb ink lw 1\n"
                  "set format x '%%+g %%%%'\nset xlabel 'more or less than A, in %% of what A has'\nplot ",
                  -reach, reach, -(double)count + 0.3);
        for (size_t c = 0; c < 3; c++)
                text_addf(script,
                          "%s$%s using 1:2:3:4 with xerrorbars pt 7 ps 1.1 lw 2 lc rgb %s title '%s'",
                          c > 0 ? ", " : "", colors[c], colors[c], titles[c]);
        text_add(script, ", NaN with boxes lc rgb faint title 'allowed margin'\n");
        return 90 + 27 * (int)count;
}

void tell_forest(const struct report *report, struct text *words)
{
        const json_t *ab = result_at(report->result, "ab");

        text_plain(words, result_text(ab, "sentence"));
}

/* ---- the pairs */

static const json_t *primary_of(const json_t *metrics)
{
        size_t index;
        json_t *metric;

        json_array_foreach(metrics, index, metric) if (is_primary(metric)) return metric;
        return NULL;
}

static int compare_doubles(const void *a, const void *b)
{
        const double *x = a, *y = b;

        return (*x > *y) - (*x < *y);
}

/* Differences of the pairs, smallest first; the caller frees. */
static double *sort_pairs(const json_t *metric, size_t *count)
{
        const json_t *a = json_object_get(metric, "a_values");
        const json_t *b = json_object_get(metric, "b_values");
        double *differences = calloc(json_array_size(a) + 1, sizeof(*differences));

        *count = 0;
        for (size_t i = 0; differences != NULL && i < json_array_size(a); i++) {
                const json_t *x = json_array_get(a, i), *y = json_array_get(b, i);

                if (json_is_number(x) && json_is_number(y))
                        differences[(*count)++] = json_number_value(y) - json_number_value(x);
        }
        if (differences != NULL)
                qsort(differences, *count, sizeof(*differences), compare_doubles);
        return differences;
}

static size_t add_pairs(const struct compared *compared, struct text *script)
{
        size_t count = 0;
        double *differences = sort_pairs(primary_of(compared->metrics), &count);

        if (count > 0) {
                text_addf(script, "$pairs_%c << EOD\n", compared->letter);
                for (size_t i = 0; i < count; i++)
                        text_addf(script, "%zu %.7g\n", i + 1, differences[i]);
                text_add(script, "EOD\n");
        }
        free(differences);
        return count;
}

int draw_pairs(const struct report *report, struct text *script)
{
        static const char *const colors[COMPARED_MAX] = {"treated", "untreated", "good", "shadow",
                                                         "warn",    "calm",      "ink"};
        struct compared compared[COMPARED_MAX];
        size_t comparisons = list_compared(report, compared), most = 0, counts[COMPARED_MAX];
        const json_t *primary = comparisons > 0 ? primary_of(compared[0].metrics) : NULL;
        struct text label;
        bool first = true;

        if (primary == NULL)
                return 0;
        for (size_t c = 0; c < comparisons; c++) {
                counts[c] = add_pairs(&compared[c], script);
                most = counts[c] > most ? counts[c] : most;
        }
        if (most == 0)
                return 0;
        text_init(&label);
        for (const char *at = result_text(primary, "metric"); *at != '\0'; at++)
                text_add_bytes(&label, *at == '_' ? " " : at, 1);
        text_addf(&label, ", more than A (%s)", result_text(primary, "unit"));
        text_addf(script, "set xrange [0:%zu]\nset xlabel 'pairs, by their difference'\nset ylabel ",
                  most + 1);
        text_gnuplot(script, text_bytes(&label));
        text_release(&label);
        text_add(script, "\nset xzeroaxis lt 1 lc rgb ink lw 1\nset format y '%+g'\n");
        for (size_t c = 0; c < comparisons; c++) {
                struct metric_value difference =
                        metric_of(json_object_get(primary_of(compared[c].metrics), "difference"));

                if (counts[c] > 0 && difference.has_low && difference.has_high)
                        text_addf(script,
                                  "set object rectangle from graph 0, first %.7g to graph 1, first "
                                  "%.7g fc rgb %s fs transparent solid 0.18 noborder behind\n",
                                  -difference.high, -difference.low, colors[c]);
        }
        text_add(script, "plot ");
        for (size_t c = 0; c < comparisons; c++) {
                if (counts[c] == 0)
                        continue;
                text_addf(script, "%s$pairs_%c using 1:2 with impulses lw 1.5 lc rgb %s notitle, "
                                  "$pairs_%c using 1:2 with points pt 7 ps 0.7 lc rgb %s title '%c "
                                  "against A, a dot a pair'",
                          first ? "" : ", ", compared[c].letter, colors[c], compared[c].letter,
                          colors[c], compared[c].letter);
                first = false;
        }
        text_add(script, ", NaN with boxes lc rgb faint title 'interval of the mean'\n");
        return 300;
}

void tell_pairs(const struct report *report, struct text *words)
{
        struct compared compared[COMPARED_MAX];
        size_t comparisons = list_compared(report, compared);

        for (size_t c = 0; c < comparisons; c++) {
                const json_t *primary = primary_of(compared[c].metrics);
                double above = result_number(result_at(primary, "signs"), "minus");
                double below = result_number(result_at(primary, "signs"), "plus");
                double equal = result_number(result_at(primary, "signs"), "zero");

                if (primary == NULL || isnan(above))
                        continue;
                text_addf(words, "%c had more of it than A in %.0f pairs, as much in %.0f, less in "
                                 "%.0f. ",
                          compared[c].letter, above, equal, below);
        }
}
