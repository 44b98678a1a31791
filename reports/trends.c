/* trends.c - several stored results: is it getting better?
 *
 * Only what the results hold is shown; nothing is pooled over them, as their
 * scenarios may differ: a digest that changes on the way is pointed out. Each
 * scenario file with each strategy is a part of its own, as only those can be
 * compared; the parts stand in the order of their first result.
 */
#include "reports/trends.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/embedded.h"
#include "reports/headline.h"
#include "reports/metric_table.h"

#define PANELS_MAX 4
#define PANEL_PX 130
#define PARTS_DRAWN_MAX 20

struct entry {
        const struct report *report;
        const char *name;
};

struct trends {
        struct entry *entries;
        size_t count;
};

static const char *date_of(const struct report *report)
{
        return result_text(report->run_facts, "date");
}

static bool all_dated(const struct trends *trends)
{
        for (size_t i = 0; i < trends->count; i++)
                if (*date_of(trends->entries[i].report) == '\0')
                        return false;
        return true;
}

/* Stable, so that results of one second stay as given. */
static void sort_by_date(struct trends *trends)
{
        for (size_t i = 1; i < trends->count; i++) {
                struct entry entry = trends->entries[i];
                size_t at = i;

                for (; at > 0 &&
                       strcmp(date_of(trends->entries[at - 1].report), date_of(entry.report)) > 0;
                     at--)
                        trends->entries[at] = trends->entries[at - 1];
                trends->entries[at] = entry;
        }
}

enum trend trend_between(const struct report *first, const struct report *last, const char *metric)
{
        struct metric_value before = result_metric(first, "treated", metric);
        struct metric_value after = result_metric(last, "treated", metric);
        const struct metric_row *row = metric_find(metric);
        bool rose, fell;

        if (row == NULL || row->better == BETTER_NEITHER || !before.has_low || !before.has_high ||
            !after.has_low || !after.has_high)
                return TREND_UNKNOWN;
        rose = after.low > before.high;
        fell = after.high < before.low;
        if (!rose && !fell)
                return TREND_SAME;
        return rose == (row->better == BETTER_HIGH) ? TREND_BETTER : TREND_WORSE;
}

/* ---- the plot */

static bool add_panel_data(const struct trends *trends, const char *metric, size_t number,
                           struct text *script)
{
        bool any = false;

        text_addf(script, "$panel%zu << EOD\n", number);
        for (size_t i = 0; i < trends->count; i++) {
                struct metric_value value =
                        result_metric(trends->entries[i].report, "treated", metric);

                if (!value.has_value)
                        continue;
                any = true;
                text_addf(script, "%zu %.7g %.7g %.7g\n", i + 1, value.value,
                          value.has_low ? value.low : value.value,
                          value.has_high ? value.high : value.value);
        }
        text_add(script, "EOD\n");
        return any;
}

/* The height; 0: nothing to draw. */
static int draw(const struct trends *trends, struct text *script)
{
        const struct headline_row *shown[PANELS_MAX];
        size_t count = 0;
        int height;

        for (size_t i = 0; i < headline_row_count && count < PANELS_MAX; i++)
                if (headline_rows[i].on_screen &&
                    add_panel_data(trends, headline_rows[i].metric, count, script))
                        shown[count++] = &headline_rows[i];
        if (count == 0)
                return 0;
        height = (int)count * PANEL_PX + 60;
        text_addf(
                script,
                "set multiplot\nset lmargin at screen 0.12\nset rmargin at screen 0.97\nunset key\n"
                "set xrange [0.5:%zu.5]\nset xtics 1\n",
                trends->count);
        for (size_t i = 0; i < count; i++) {
                const struct metric_row *row = metric_find(shown[i]->metric);

                text_addf(script, "set tmargin at screen %.4f\nset bmargin at screen %.4f\n",
                          1 - (12 + (double)i * PANEL_PX) / height,
                          1 - (12 + (double)(i + 1) * PANEL_PX - 26) / height);
                text_addf(script,
                          "set ylabel \"%s\\n(%s)\"\nset yrange [0:*]\n%s\nplot $panel%zu using "
                          "1:2:3:4 "
                          "with yerrorlines pt 7 ps 1 lw 2 lc rgb treated\n",
                          shown[i]->title, row == NULL ? "" : row->unit,
                          i + 1 < count ? "set format x ''"
                                        : "set format x '%g'\nset xlabel 'result, oldest first'",
                          i);
        }
        text_add(script, "unset multiplot\n");
        return height;
}

/* ---- the page */

static void add_metric(const struct metric_value *value, struct text *out)
{
        struct text words;

        text_init(&words);
        text_metric_value(&words, value);
        text_add(out, "<td class=\"number\">");
        text_html(out, text_bytes(&words));
        text_release(&words);
        text_metric_interval(&words, value);
        if (words.length > 0) {
                text_add(out, "<small>");
                text_html(out, text_bytes(&words));
                text_add(out, "</small>");
        }
        text_add(out, "</td>");
        text_release(&words);
}

static void add_line(const struct trends *trends, size_t i, struct text *out)
{
        const struct report *report = trends->entries[i].report;
        const char *outcome = result_text(report->result, "outcome");

        text_addf(out, "<tr><td class=\"number\">%zu</td><th scope=\"row\">", i + 1);
        text_html(out, trends->entries[i].name);
        text_add(out, "<br><small class=\"soft\">");
        text_html(out, report_title(report));
        text_add(out, " ");
        text_html(out, date_of(report));
        text_addf(out, "</small></th><td class=\"%s\">",
                  strcmp(outcome, "passed") == 0   ? "passed"
                  : strcmp(outcome, "failed") == 0 ? "failed"
                                                   : "other");
        text_html(out, outcome);
        text_add(out, "</td>");
        for (size_t k = 0; k < headline_row_count; k++) {
                struct metric_value value =
                        result_metric(report, "treated", headline_rows[k].metric);

                add_metric(&value, out);
        }
        text_add(out, "</tr>\n");
}

static void add_change(const struct trends *trends, struct text *out)
{
        static const char *const words[] = {
                [TREND_UNKNOWN] = "–",
                [TREND_BETTER] = "<span class=\"passed\">better</span>",
                [TREND_WORSE] = "<span class=\"failed\">worse</span>",
                [TREND_SAME] = "no clear change",
        };

        text_add(out, "<tr><td></td><th scope=\"row\">first to last</th><td></td>");
        for (size_t k = 0; k < headline_row_count; k++)
                text_addf(out, "<td class=\"number\">%s</td>",
                          words[trend_between(trends->entries[0].report,
                                              trends->entries[trends->count - 1].report,
                                              headline_rows[k].metric)]);
        text_add(out, "</tr>\n");
}

static bool scenarios_differ(const struct trends *trends)
{
        for (size_t i = 1; i < trends->count; i++)
                if (strcmp(result_text(trends->entries[i].report->result, "scenario.digest"),
                           result_text(trends->entries[0].report->result, "scenario.digest")) != 0)
                        return true;
        return false;
}

static bool is_same_part(const struct report *a, const struct report *b)
{
        return strcmp(result_text(a->result, "scenario.file"),
                      result_text(b->result, "scenario.file")) == 0 &&
               strcmp(result_text(a->result, "healer.name"),
                      result_text(b->result, "healer.name")) == 0;
}

/* Moves the results of the first one's part to the front; how many there are. */
static size_t gather_part(struct entry *entries, size_t count)
{
        size_t part = 1;

        for (size_t i = 1; i < count; i++) {
                struct entry entry = entries[i];

                if (!is_same_part(entries[0].report, entry.report))
                        continue;
                memmove(&entries[part + 1], &entries[part], (i - part) * sizeof(entry));
                entries[part++] = entry;
        }
        return part;
}

static void begin_page(size_t count, struct text *out)
{
        text_add(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                      "<meta name=\"color-scheme\" content=\"light dark\">\n"
                      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                      "style-src 'unsafe-inline'\">\n<title>Trends - chaos-run</title>\n<style>\n");
        text_add(out, embedded_report_css);
        text_addf(out, "</style>\n</head>\n<body>\n<main>\n<h1>chaos-run: %zu results</h1>\n",
                  count);
        text_add(out,
                 "<p>With healing, oldest first. A change is named where the 95 % intervals of "
                 "the first and the last result do not overlap.</p>\n");
}

static void write_heading(const struct report *report, struct text *out)
{
        text_add(out, "<h2>");
        text_html(out, report_title(report));
        text_add(out, ", healer ");
        text_html(out, result_text(report->result, "healer.name"));
        text_add(out, "</h2>\n");
}

static void write_part(const struct trends *trends, const char *svg, struct text *out)
{
        if (scenarios_differ(trends))
                text_add(out, "<p class=\"other\">The scenarios differ: a change may be theirs and "
                              "not the healer's.</p>\n");
        if (svg != NULL && strstr(svg, "<svg") != NULL) {
                text_add(out,
                         "<div class=\"plot\" role=\"img\" aria-label=\"The numbers of the table "
                         "below, over the results\">\n");
                text_add(out, strstr(svg, "<svg"));
                text_add(out, "</div>\n");
        }
        text_add(out, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"results\">"
                      "<table class=\"wide\"><thead><tr><th></th><th scope=\"col\">result</th>"
                      "<th scope=\"col\">outcome</th>");
        for (size_t k = 0; k < headline_row_count; k++)
                text_addf(out, "<th scope=\"col\" class=\"number\">%s</th>",
                          headline_rows[k].title);
        text_add(out, "</tr></thead><tbody>\n");
        for (size_t i = 0; i < trends->count; i++)
                add_line(trends, i, out);
        if (trends->count > 1)
                add_change(trends, out);
        text_add(out, "</tbody></table></div>\n");
}

static bool draw_plot(const struct trends *trends, size_t number,
                      const struct writers_options *options, char **svg,
                      struct writers_result *result, struct out_error *error)
{
        struct plots_options drawing = {.folder = options->folder, .program = "gnuplot"};
        struct text body;
        char name[32] = "trends";
        bool done = true;
        int height;

        if (number > 0)
                snprintf(name, sizeof(name), "trends_%zu", number + 1);
        text_init(&body);
        height = draw(trends, &body);
        if (height > 0 && !options->no_plots && number < PARTS_DRAWN_MAX)
                done = plots_draw_script(&drawing, name, 860, height, &body, svg,
                                         &result->notes, error);
        text_release(&body);
        return done;
}

static bool write_parts(const struct trends *all, const struct writers_options *options,
                        struct writers_result *result, struct text *page,
                        struct out_error *error)
{
        struct entry *entries = all->entries;
        size_t left = all->count;

        for (size_t number = 0; left > 0; number++) {
                struct trends part = {entries, gather_part(entries, left)};
                char *svg = NULL;

                if (!draw_plot(&part, number, options, &svg, result, error))
                        return false;
                if (part.count < all->count)
                        write_heading(part.entries[0].report, page);
                write_part(&part, svg, page);
                free(svg);
                entries += part.count;
                left -= part.count;
        }
        return true;
}

bool trends_write(const struct report *const *reports, const char *const *names, size_t count,
                  const struct writers_options *options, struct writers_result *result,
                  struct out_error *error)
{
        struct trends trends = {.entries = calloc(count + 1, sizeof(*trends.entries)),
                                .count = count};
        struct text page;
        bool done = false;

        memset(result, 0, sizeof(*result));
        text_init(&result->notes);
        text_init(&page);
        if (trends.entries == NULL) {
                out_error_set(error, "%s: cannot write: %s", options->folder, strerror(ENOMEM));
                goto done;
        }
        for (size_t i = 0; i < count; i++)
                trends.entries[i] = (struct entry){reports[i], names[i]};
        if (all_dated(&trends))
                sort_by_date(&trends);
        if (!writers_check_folder(options->folder, error) ||
            !out_folder_make(options->folder, error) ||
            !writers_mark_folder(options->folder, error))
                goto done;
        begin_page(count, &page);
        if (!write_parts(&trends, options, result, &page, error))
                goto done;
        text_add(&page, "</main>\n</body>\n</html>\n");
        if (!text_ok(&page)) {
                out_error_set(error, "%s: cannot write: %s", options->folder, strerror(ENOMEM));
                goto done;
        }
        done = out_file_write(options->folder, "trends.html", text_bytes(&page), page.length,
                              error);
        if (done)
                result->report_path = out_path(options->folder, "trends.html");
done:
        text_release(&page);
        free(trends.entries);
        return done;
}
