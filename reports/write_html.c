/* write_html.c - report.html: one offline page that tells what happened.
 *
 * First screen: the verdict in a sentence, the four numbers that matter with
 * their intervals, the waterfall. Then the story, from what happened to how to
 * repeat it. No script, no reference to anything outside; plots are inlined as
 * SVG and take the page's colours by CSS.
 *
 * Every number is a <data> element whose value is the one of result.json, so
 * that the page can be checked against it. All texts go through text_html().
 *
 * A section is a row in `sections`; one with nothing to show is left out, with
 * its entry in the contents.
 */
#include "reports/explain.h"
#include "reports/headline.h"
#include "reports/metric_words.h"
#include "reports/writer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/embedded.h"

#define ROWS_MAX 200
#define STORIES_MAX 3

/* ---- pieces */

/* Words in which a number must not be broken at the space between its thousands
 * or before its unit. */
static void add_words(struct text *out, const char *raw)
{
        struct text whole;

        text_init(&whole);
        for (const char *at = raw; *at != '\0'; at++) {
                bool between = at > raw && *at == ' ' && at[-1] >= '0' && at[-1] <= '9' &&
                               ((at[1] >= '0' && at[1] <= '9') || at[1] == '%');

                text_add_bytes(&whole, between ? "\u00a0" : at, between ? 2 : 1);
        }
        text_html(out, text_bytes(&whole));
        out->failed = out->failed || whole.failed;
        text_release(&whole);
}

static void add_data(struct text *out, double value, const char *unit)
{
        struct text words;

        if (!isfinite(value)) {
                text_add(out, "no data");
                return;
        }
        text_init(&words);
        text_value(&words, value, unit);
        text_add(out, "<data value=\"");
        text_number(out, value);
        text_add(out, "\">");
        add_words(out, text_bytes(&words));
        text_add(out, "</data>");
        out->failed = out->failed || words.failed;
        text_release(&words);
}

static void add_metric(struct text *out, const struct metric_value *metric)
{
        if (metric->has_value)
                add_data(out, metric->value, metric->unit);
        else
                text_add(out, "<span class=\"soft\">no data</span>");
}

static void add_interval(struct text *out, const struct metric_value *metric)
{
        struct text words;

        if (metric->has_low && metric->has_high) {
                text_init(&words);
                text_range(&words, metric->low, metric->high, metric->unit);
                text_add(out, "<data value=\"");
                text_number(out, metric->low);
                text_add(out, " ");
                text_number(out, metric->high);
                text_add(out, "\">");
                add_words(out, text_bytes(&words));
                text_add(out, "</data>");
                text_release(&words);
        } else if (metric->has_low || metric->has_high) {
                text_add(out, metric->has_low ? "at least " : "at most ");
                add_data(out, metric->has_low ? metric->low : metric->high, metric->unit);
        }
}

static void add_metric_cell(struct text *out, const struct metric_value *metric)
{
        text_add(out, "<td class=\"number\">");
        add_metric(out, metric);
        if (metric->has_value && (metric->has_low || metric->has_high)) {
                text_add(out, "<small>");
                add_interval(out, metric);
                text_add(out, "</small>");
        }
        text_add(out, "</td>");
}

static void add_text_cell(struct text *out, const char *raw)
{
        text_add(out, "<td class=\"text\">");
        text_html(out, raw);
        text_add(out, "</td>");
}

/* A text or a whole number, as it is: a name or an index. */
static void add_name_cell(struct text *out, const json_t *value)
{
        text_add(out, "<td class=\"text\">");
        if (json_is_integer(value))
                text_addf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        else
                text_html(out, json_string_value(value));
        text_add(out, "</td>");
}

/* A number of the tree with its unit, or an empty cell. */
/* More digits of a small p say nothing. */
static void add_p_cell(struct text *out, const json_t *row, const char *key)
{
        double p = result_number(row, key);

        text_add(out, "<td class=\"number\">");
        if (!isnan(p)) {
                text_add(out, "<data value=\"");
                text_number(out, p);
                if (p < 0.001)
                        text_add(out, "\">&lt; 0.001</data>");
                else
                        text_addf(out, "\">%.3f</data>", p);
        }
        text_add(out, "</td>");
}

static void add_number_cell(struct text *out, const json_t *row, const char *key, const char *unit)
{
        double value = result_number(row, key);

        text_add(out, "<td class=\"number\">");
        if (!isnan(value))
                add_data(out, value, unit);
        text_add(out, "</td>");
}

static void open_table(struct text *out, const char *label, const char *const *heads,
                       const char *class)
{
        text_addf(out,
                  "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"%s\">"
                  "<table class=\"%s\"><thead><tr>",
                  label, class);
        for (; *heads != NULL; heads++) {
                bool number = **heads == '#';

                text_addf(out, "<th scope=\"col\"%s>%s</th>", number ? " class=\"number\"" : "",
                          *heads + number);
        }
        text_add(out, "</tr></thead><tbody>\n");
}

static void close_table(struct text *out)
{
        text_add(out, "</tbody></table></div>\n");
}

static const char *class_of(const char *outcome)
{
        if (strcmp(outcome, "passed") == 0)
                return "passed";
        return strcmp(outcome, "failed") == 0 || strcmp(outcome, "regression") == 0 ? "failed"
                                                                                    : "other";
}

static const char *mark_of(const char *outcome)
{
        if (strcmp(outcome, "passed") == 0)
                return "✓ ";
        return strcmp(outcome, "failed") == 0 ? "✗ " : "? ";
}

static void add_outcome_cell(struct text *out, const char *outcome)
{
        text_addf(out, "<td class=\"%s\">%s", class_of(outcome), mark_of(outcome));
        text_html(out, outcome);
        text_add(out, "</td>");
}

/* ---- plots */

/* Copies an svg without its prologue; ids get a prefix, as several are on one
 * page. */
static void inline_svg(struct text *out, const char *svg, const char *name)
{
        static const char *const marks[] = {
                "id='gp",      "#gp",      "id='textbox",         "#textbox",
                "id='greybox", "#greybox", "id=\"gnuplot_canvas", "<title>",
                "<desc>"};
        const char *at = strstr(svg, "<svg");

        while (at != NULL && *at != '\0') {
                const char *next = NULL;
                size_t which = 0;

                for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
                        const char *found = strstr(at, marks[i]);

                        if (found != NULL && (next == NULL || found < next)) {
                                next = found;
                                which = i;
                        }
                }
                if (next == NULL) {
                        text_add(out, at);
                        return;
                }
                text_add_bytes(out, at, (size_t)(next - at));
                if (which >= 7) { /* a title would pop up under the pointer everywhere */
                        const char *end = strstr(next, which == 7 ? "</title>" : "</desc>");

                        if (end == NULL)
                                return;
                        at = strchr(end, '>') + 1;
                        continue;
                }
                text_addf(out, "%.*s%s-", marks[which][0] == '#' ? 1 : 4, marks[which], name);
                at = next + (marks[which][0] == '#' ? 1 : 4);
        }
}

static size_t plot_named(const char *name)
{
        size_t i = 0;

        while (i < plot_row_count && strcmp(plot_rows[i].name, name) != 0)
                i++;
        return i;
}

/* Those that stand elsewhere than among the plots. */
static bool stands_elsewhere(const char *name)
{
        return strcmp(name, "waterfall") == 0 || strcmp(name, "timeline") == 0 ||
               strcmp(name, "forest") == 0 || strcmp(name, "pairs") == 0;
}

static bool has_plot(const struct writer_context *context, size_t i)
{
        return i < plot_row_count && context->plots != NULL && context->plots->svg != NULL &&
               context->plots->svg[i] != NULL;
}

static void add_plot(const struct writer_context *context, size_t i, const char *heading,
                     struct text *out)
{
        const struct plot *plot = &plot_rows[i];
        struct text words, svg;

        if (!has_plot(context, i))
                return;
        text_init(&words);
        text_init(&svg);
        plot->tell(context->report, &words);
        inline_svg(&svg, context->plots->svg[i], plot->name);
        text_addf(out,
                  "<figure id=\"plot-%s\"><%s>%s</%s>\n<p class=\"soft\">%s</p>\n"
                  "<div class=\"plot\" role=\"img\" tabindex=\"0\" aria-label=\"",
                  plot->name, heading, plot->title, heading, plot->reading);
        text_html(out, plot->title);
        text_add(out, ". ");
        text_html(out, text_bytes(&words));
        text_add(out, "\">\n");
        text_add_bytes(out, text_bytes(&svg), svg.length);
        text_add(out, "</div>\n<figcaption>");
        add_words(out, text_bytes(&words));
        text_add(out, "</figcaption></figure>\n");
        out->failed = out->failed || words.failed || svg.failed;
        text_release(&words);
        text_release(&svg);
}

/* ---- first screen */

static void add_verdict(const struct report *report, struct text *out)
{
        const char *outcome = result_text(report->result, "outcome");
        struct text sentence;
        const char *rest;

        text_init(&sentence);
        report_sentence(report, &sentence);
        rest = text_bytes(&sentence);
        text_addf(out, "<p class=\"verdict\"><strong class=\"badge %s\">", class_of(outcome));
        text_add(out, mark_of(outcome));
        text_html(out, outcome);
        text_add(out, "</strong> ");
        add_words(out, rest);
        text_add(out, "</p>\n");
        out->failed = out->failed || sentence.failed;
        text_release(&sentence);
}

static void add_meta(const struct report *report, struct text *out)
{
        const json_t *result = report->result, *seed = result_at(result, "seed");
        double duration = result_number(result, "scenario.duration");

        text_add(out, "<p class=\"meta\">healer <b>");
        text_html(out, result_text(result, "healer.name"));
        text_add(out, "</b> · ");
        add_data(out, result_number(result, "runs"), "");
        text_add(out, " replications · seed ");
        if (json_is_string(seed))
                text_html(out, json_string_value(seed));
        else
                text_addf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(seed));
        if (!isnan(duration)) {
                text_add(out, " · ");
                add_data(out, duration, "s");
                text_add(out, " of virtual time each");
        }
        text_add(out, " · in brackets: 95 % intervals</p>\n");
}

static void add_card(const struct report *report, const char *title, const char *metric,
                     const char *meaning, struct text *out)
{
        struct metric_value treated = result_metric(report, "treated", metric);

        text_addf(out, "<li><h2>%s</h2><p class=\"big\">", title);
        if (strcmp(treated.unit, "requests") == 0)
                treated.unit = ""; /* the meaning says it, and it would not fit */
        add_metric(out, &treated);
        text_add(out, "</p><p>");
        if (treated.has_low || treated.has_high) {
                text_add(out, "(");
                add_interval(out, &treated);
                text_add(out, ")");
        }
        text_addf(out, "</p><p>%s</p>", meaning);
}

static void add_compared(const struct report *report, const char *words, const char *arm,
                         const char *metric, struct text *out)
{
        struct metric_value value = result_metric(report, arm, metric);

        if (!value.has_value)
                return;
        text_addf(out, "<p>%s <b>", words);
        add_metric(out, &value);
        text_add(out, "</b>");
        if (value.has_low || value.has_high) {
                text_add(out, " (");
                add_interval(out, &value);
                text_add(out, ")");
        }
        text_add(out, "</p>");
}

static void add_cards(const struct report *report, struct text *out)
{
        text_add(out, "<ul class=\"cards\">\n");
        add_card(report, "Time to restore", "time_to_restore",
                 "users hurt by one fault, prevented counts 0", out);
        add_compared(report, "without healing", "untreated", "time_to_restore", out);
        add_compared(report, "MTTR", "treated", "mttr", out);
        add_compared(report, "MTTR without healing", "untreated", "mttr", out);
        text_add(out, "</li>\n");
        add_card(report, "Prevention", "prevention_rate", "of the untreated incidents never came",
                 out);
        add_compared(report, "by reacting in time", "treated", "prevention_rate_by_reaction", out);
        add_compared(report, "by prediction", "treated", "prevention_rate_by_prediction", out);
        text_add(out, "</li>\n");
        add_card(report, "False alarms", "false_alarms_per_week",
                 "for each service, about nothing at all", out);
        add_compared(report, "false actions", "treated", "false_actions_per_week", out);
        add_compared(report, "minutes with one", "treated", "false_positive_rate", out);
        text_add(out, "</li>\n");
        add_card(report, "Averted harm", "averted_harm",
                 "failed requests a run that healing averted", out);
        add_compared(report, "failed with healing", "treated", "failed_requests", out);
        add_compared(report, "failed without", "untreated", "failed_requests", out);
        text_add(out, "</li>\n</ul>\n");
}

/* The waterfall in words, for when there is no picture of it. */
static void add_waterfall_table(const struct report *report, struct text *out)
{
        static const char *const heads[] = {"failed requests a run", "#value", "meaning", NULL};
        struct waterfall_part parts[WATERFALL_COUNT];

        if (!report_waterfall(report, parts))
                return;
        open_table(out, "waterfall", heads, "");
        for (int i = 0; i < WATERFALL_COUNT; i++) {
                text_addf(out, "<tr><th scope=\"row\">%s</th>", parts[i].title);
                add_metric_cell(out, &parts[i].amount);
                add_text_cell(out, parts[i].meaning);
                text_add(out, "</tr>\n");
        }
        close_table(out);
}

/* ---- sections; each returns whether it had anything to show */

static bool add_thresholds(const struct writer_context *context, struct text *out)
{
        static const char *const heads[] = {"threshold", "#observed", "outcome", NULL};
        static const char *const probe_heads[] = {"steady state", "tolerance", "#before",
                                                  "#at the end",  "outcome",   NULL};
        const json_t *thresholds = result_at(context->report->result, "thresholds");
        const json_t *steady = result_at(context->report->result, "steady_state");
        size_t index;
        json_t *row;

        if (!json_is_array(steady))
                steady = result_at(steady, "probes");
        if (json_array_size(thresholds) + json_array_size(steady) == 0)
                return false;
        if (json_array_size(thresholds) > 0) {
                open_table(out, "thresholds", heads, "");
                json_array_foreach(thresholds, index, row)
                {
                        struct metric_value observed = metric_of(row);

                        observed.value = result_number(row, "observed");
                        observed.has_value = !isnan(observed.value);
                        text_add(out, "<tr><th scope=\"row\"><code>");
                        text_html(out, result_text(row, "check"));
                        text_add(out, "</code></th>");
                        add_metric_cell(out, &observed);
                        add_outcome_cell(out, result_text(row, "outcome"));
                        text_add(out, "</tr>\n");
                }
                close_table(out);
        }
        if (json_array_size(steady) > 0) {
                open_table(out, "steady state", probe_heads, "");
                json_array_foreach(steady, index, row)
                {
                        const char *unit = metric_unit(result_text(row, "metric"));

                        text_add(out, "<tr><th scope=\"row\">");
                        text_html(out, result_text(row, "name"));
                        text_add(out, "</th>");
                        add_text_cell(out, result_text(row, "tolerance"));
                        add_number_cell(out, row, "observed", unit);
                        add_number_cell(out, row, "observed_end", unit);
                        add_outcome_cell(out, result_text(row, "outcome"));
                        text_add(out, "</tr>\n");
                }
                close_table(out);
        }
        return true;
}

static bool add_plots(const struct writer_context *context, struct text *out)
{
        bool any = false;

        for (size_t i = 0; i < plot_row_count; i++) {
                if (stands_elsewhere(plot_rows[i].name) || !has_plot(context, i))
                        continue;
                add_plot(context, i, "h3", out);
                any = true;
        }
        if (context->plots != NULL && context->plots->missing) {
                text_add(out,
                         "<p class=\"note\">Plots are missing: gnuplot was not there when this "
                         "page was made. The scripts are in <code>plots/</code>; install "
                         "gnuplot and run <code>chaos-run report</code> on this folder.</p>\n");
                any = true;
        }
        return any;
}

static bool add_faults(const struct writer_context *context, struct text *out)
{
        static const char *const heads[] = {"fault",     "kind", "took effect", "#touched",
                                            "#measured", "what", NULL};
        const json_t *faults = result_at(context->report->result, "faults");
        size_t index;
        json_t *row;

        if (json_array_size(faults) == 0)
                return false;
        open_table(out, "faults", heads, "");
        json_array_foreach(faults, index, row)
        {
                bool effective = !json_is_false(json_object_get(row, "effective"));
                const json_t *measured = json_object_get(row, "measured");

                text_add(out, "<tr><th scope=\"row\">");
                text_html(out, result_text(row, "name"));
                text_add(out, "</th>");
                add_text_cell(out, result_text(row, "fault"));
                text_addf(out, "<td class=\"%s\">%s</td>", effective ? "passed" : "failed",
                          effective ? "✓ yes" : "✗ no");
                add_number_cell(out, row, "touched", "");
                if (json_is_object(measured)) {
                        add_number_cell(out, measured, "value", "");
                        add_text_cell(out, result_text(measured, "what"));
                } else {
                        add_number_cell(out, row, "measured", "");
                        add_text_cell(out, result_text(row, "measured_what"));
                }
                text_add(out, "</tr>\n");
        }
        close_table(out);
        return true;
}

static void add_names_cell(struct text *out, const json_t *names)
{
        size_t index;
        json_t *name;

        text_add(out, "<td class=\"text\">");
        json_array_foreach(names, index, name)
        {
                text_add(out, index > 0 ? ", " : "");
                text_html(out, json_string_value(name));
        }
        text_add(out, "</td>");
}

static void add_incident_row(const json_t *row, struct text *out)
{
        double onset = result_number(row, "o"), restored = result_number(row, "r");
        double detected = result_number(row, "d"), acted = result_number(row, "a");

        text_add(out, "<tr><th scope=\"row\">");
        text_html(out, result_text(row, "service"));
        text_add(out, "</th>");
        add_number_cell(out, row, "o", "s");
        text_add(out, "<td class=\"number\">");
        if (!isnan(detected)) {
                text_value(out, detected - onset, "s");
        }
        text_add(out, "</td><td class=\"number\">");
        if (!isnan(acted))
                text_value(out, acted - onset, "s");
        text_add(out, "</td><td class=\"number\">");
        if (isnan(restored))
                text_add(out, "<span class=\"failed\">open at the end</span>");
        else
                text_value(out, restored - onset, "s");
        text_add(out, "</td>");
        add_number_cell(out, row, "bad_requests", "");
        add_text_cell(out, result_text(row, "failure_type"));
        add_names_cell(out, json_object_get(row, "faults"));
        add_text_cell(out, result_text(row, "fate"));
        text_add(out, "</tr>\n");
}

static size_t add_incidents_of(const struct report *report, const char *arm, const char *title,
                               struct text *out)
{
        static const char *const heads[] = {"service",           "#began",
                                            "#detected after",   "#first action after",
                                            "#good again after", "#bad requests",
                                            "failure type",      "faults",
                                            "with healing",      NULL};
        const json_t *list = json_object_get(
                json_object_get(result_at(report->result, "arms"), arm), "incidents");
        size_t index, shown = 0;
        json_t *row;

        json_array_foreach(list, index, row)
        {
                if (result_number(row, "run") != 0 || shown == ROWS_MAX)
                        continue;
                if (shown++ == 0) {
                        text_addf(out, "<h3>%s</h3>\n", title);
                        open_table(out, title, heads, "wide");
                }
                add_incident_row(row, out);
        }
        if (shown > 0)
                close_table(out);
        return shown;
}

/* The worst incidents of replication 0, each told as a story. */
static void add_stories(const struct report *report, struct text *out)
{
        const json_t *list = result_at(report->result, "arms.treated.incidents");
        double below = INFINITY;

        for (int told = 0; told < STORIES_MAX; told++) {
                struct out_error error = {""};
                size_t index, worst = SIZE_MAX;
                double bad_worst = 0;
                struct text story;
                json_t *row;
                char *end;

                json_array_foreach(list, index, row)
                {
                        double bad = result_number(row, "bad_requests");

                        if (result_number(row, "run") == 0 && bad < below && bad > bad_worst) {
                                bad_worst = bad;
                                worst = index;
                        }
                }
                if (worst == SIZE_MAX)
                        return;
                below = bad_worst;
                text_init(&story);
                if (explain(report, NULL, worst + 1, &story, &error)) {
                        end = strstr(text_bytes(&story), "\nno journal ");
                        if (end != NULL)
                                *end = '\0';
                        text_addf(out, "<details%s><summary>The story of ", told == 0 ? " open" : "");
                        text_html(out, result_text(json_array_get(list, worst), "service"));
                        text_add(out, ", ");
                        add_data(out, bad_worst, "");
                        text_add(out, " bad requests</summary>\n<pre class=\"story\">");
                        text_html(out, text_bytes(&story));
                        text_add(out, "</pre></details>\n");
                }
                text_release(&story);
        }
}

static bool add_incidents(const struct writer_context *context, struct text *out)
{
        const struct report *report = context->report;
        size_t shown;

        text_add(out, "<p class=\"soft\">Of replication 0; those of all are in <code>incidents.csv"
                      "</code>. <code>chaos-run explain</code> tells one as a story.</p>\n");
        shown = add_incidents_of(report, "treated", "With healing", out);
        shown += add_incidents_of(report, "untreated", "The same run without healing", out);
        if (shown == 0)
                text_add(out, "<p>No incident in replication 0.</p>\n");
        add_stories(report, out);
        return report_has_arm(report, "treated");
}

static bool add_actions(const struct writer_context *context, struct text *out)
{
        static const char *const heads[] = {"#when", "action", "service", "instance",
                                            "#took", "result", "kind",    NULL};
        const json_t *list = result_at(context->report->result, "arms.treated.actions");
        size_t index, shown = 0;
        json_t *row;

        json_array_foreach(list, index, row)
        {
                double t = result_number(row, "t"), finished = result_number(row, "finished");
                const json_t *ok = json_object_get(row, "ok");
                const char *word = json_is_false(ok)  ? "✗ failed"
                                   : json_is_true(ok) ? "✓ done"
                                                      : "not finished";

                if (result_number(row, "run") != 0 || shown == ROWS_MAX || !(t >= 0))
                        continue;
                if (shown++ == 0) {
                        text_add(out,
                                 "<p class=\"soft\">Of replication 0, in the treated arm.</p>\n");
                        open_table(out, "actions", heads, "wide");
                }
                text_add(out, "<tr>");
                add_number_cell(out, row, "t", "s");
                text_add(out, "<th scope=\"row\">");
                text_html(out, result_text(row, "action"));
                text_add(out, "</th>");
                add_text_cell(out, result_text(row, "service"));
                add_name_cell(out, json_object_get(row, "instance"));
                text_add(out, "<td class=\"number\">");
                if (!isnan(finished))
                        text_value(out, finished - t, "s");
                text_addf(out, "</td><td class=\"%s\">%s", json_is_false(ok) ? "failed" : "passed",
                          word);
                text_addf(out, "</td><td>%s%s</td></tr>\n",
                          result_true(row, "preventive") ? "preventive" : "reaction",
                          result_true(row, "false_action") ? ", false" : "");
        }
        if (shown > 0)
                close_table(out);
        return shown > 0;
}

static bool add_timeline(const struct writer_context *context, struct text *out)
{
        static const char *const heads[] = {"#when", "event", "what", "where", NULL};
        const json_t *list = result_at(context->report->result, "analytics.timeline");
        size_t index, shown = 0;
        json_t *row;

        json_array_foreach(list, index, row)
        {
                const char *place = result_text(row, "edge");

                if (strcmp(result_text(row, "arm"), "treated") != 0 || shown == ROWS_MAX)
                        continue;
                if (shown++ == 0) {
                        text_addf(out,
                                  "<p class=\"soft\">Replication 0, treated arm, the first %d "
                                  "events; all of them are in <code>journal.jsonl</code>.</p>\n"
                                  "<details><summary>Event by event</summary>\n",
                                  ROWS_MAX);
                        open_table(out, "timeline", heads, "");
                }
                text_add(out, "<tr>");
                add_number_cell(out, row, "t", "s");
                text_add(out, "<th scope=\"row\">");
                text_html(out, result_text(row, "type"));
                text_add(out, "</th>");
                add_text_cell(out, result_text(row, "text"));
                add_text_cell(out, *place != '\0' ? place : result_text(row, "service"));
                text_add(out, "</tr>\n");
        }
        if (shown > 0) {
                close_table(out);
                text_add(out, "</details>\n");
        }
        return shown > 0;
}

static bool add_effect_table(const struct report *report, const char *path, const char *what,
                             struct text *out)
{
        const char *heads[] = {what,         "#attempts", "#successes", "#rate",
                               "#mean time", "trend",     "advice",     NULL};
        const json_t *list = result_at(report->result, path);
        size_t index;
        json_t *row;

        if (json_array_size(list) == 0)
                return false;
        open_table(out, what, heads, "");
        json_array_foreach(list, index, row)
        {
                struct metric_value rate = metric_of(json_object_get(row, "rate"));
                struct metric_value time = metric_of(json_object_get(row, "mean_time"));

                text_add(out, "<tr><th scope=\"row\">");
                text_html(out, result_text(row, "name"));
                text_add(out, "</th>");
                add_number_cell(out, row, "attempts", "");
                add_number_cell(out, row, "successes", "");
                add_metric_cell(out, &rate);
                add_metric_cell(out, &time);
                add_text_cell(out, result_text(row, "trend"));
                add_text_cell(out, result_text(row, "advice"));
                text_add(out, "</tr>\n");
        }
        close_table(out);
        return true;
}

static void add_overall(const struct report *report, struct text *out)
{
        static const char *const heads[] = {"healing, overall", "#", NULL};
        static const char *const rows[][3] = {
                {"failures", "failures", ""},
                {"episodes that were acted on", "healings", ""},
                {"healed, by the truth", "successes", ""},
                {"success rate", "success_rate", NULL},
                {"as the healer claimed", "success_rate_claimed", NULL},
                {"as the healer verified", "success_rate_verified", NULL},
                {"mean time of a healing", "mean_healing_time", NULL},
                {"MTTD", "mttd", NULL},
                {"MTTR", "mttr", NULL},
                {"MTTR, median", "mttr_median", NULL},
                {"MTTR, 90 %", "mttr_p90", NULL},
                {"MTTR, 99 %", "mttr_p99", NULL},
        };
        const json_t *overall = result_at(report->result, "analytics.overall");

        if (overall == NULL)
                return;
        open_table(out, "overall", heads, "");
        for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
                struct metric_value value = metric_of(json_object_get(overall, rows[i][1]));

                text_addf(out, "<tr><th scope=\"row\">%s</th>", rows[i][0]);
                if (rows[i][2] != NULL)
                        value.unit = rows[i][2];
                add_metric_cell(out, &value);
                text_add(out, "</tr>\n");
        }
        close_table(out);
}

/* Analytics may be of a part of the time: then say so. */
static void add_range(const struct report *report, struct text *out)
{
        const json_t *range = result_at(report->result, "analytics.range");

        if (range == NULL)
                return;
        text_add(out, "<p class=\"note\">Only of what began between ");
        add_data(out, result_number(range, "from"), "s");
        text_add(out, " and ");
        add_data(out, result_number(range, "to"), "s");
        text_add(out, " of the runs.</p>\n");
}

static bool add_effectiveness(const struct writer_context *context, struct text *out)
{
        static const char *const groups[][2] = {
                {"analytics.by_strategy", "ladder of actions"},
                {"analytics.by_action", "action"},
                {"analytics.by_severity", "severity, as the healer saw it"},
                {"analytics.by_service", "service"},
        };
        bool any = false;

        add_range(context->report, out);
        add_overall(context->report, out);
        for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++)
                any = add_effect_table(context->report, groups[i][0], groups[i][1], out) || any;
        return any;
}

static void add_floor_row(const char *name, const char *summary, const json_t *metrics,
                          struct text *out)
{
        text_add(out, "<tr><th scope=\"row\">");
        text_html(out, name);
        if (*summary != '\0') {
                text_add(out, "<br><small class=\"soft\">");
                text_html(out, summary);
                text_add(out, "</small>");
        }
        text_add(out, "</th>");
        for (size_t i = 0; i < floor_column_count; i++) {
                struct metric_value value =
                        metric_of(json_object_get(metrics, floor_columns[i].metric));

                add_metric_cell(out, &value);
        }
        text_add(out, "</tr>\n");
}

static bool add_learning(const struct writer_context *context, struct text *out)
{
        static const char *const columns[] = {"cold", "warm", "cold_less_warm"};
        const json_t *learning = result_at(context->report->result, "learning");

        if (!json_is_object(learning))
                return false;
        text_add(out,
                 "<p>This strategy starts from what it has learned on other seeds (warm). The same "
                 "strategy without it went through the same replications (cold).</p>\n"
                 "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\""
                 "learning\"><table class=\"wide\"><thead><tr><th scope=\"col\">metric</th>"
                 "<th scope=\"col\" class=\"number\">cold</th>"
                 "<th scope=\"col\" class=\"number\">warm</th>"
                 "<th scope=\"col\" class=\"number\">cold less warm</th></tr></thead><tbody>\n");
        for (size_t i = 0; i < learning_row_count; i++) {
                text_addf(out, "<tr><th scope=\"row\">%s</th>", learning_rows[i].title);
                for (size_t c = 0; c < sizeof(columns) / sizeof(columns[0]); c++) {
                        struct metric_value value = metric_of(
                                json_object_get(json_object_get(learning, columns[c]),
                                                learning_rows[i].metric));

                        add_metric_cell(out, &value);
                }
                text_add(out, "</tr>\n");
        }
        close_table(out);
        return true;
}

static bool add_floor(const struct writer_context *context, struct text *out)
{
        const json_t *result = context->report->result, *floor = result_at(result, "floor");
        struct metric_value share = metric_of(json_object_get(floor, "averted_share"));
        size_t index;
        json_t *healer;

        if (!json_is_object(floor))
                return false;
        text_add(out,
                 "<p>Healers without skill went through the same replications, and an oracle "
                 "that is told what is broken. A grade is worth what it is above the former. ");
        if (share.has_value) {
                text_add(out, "Of what the oracle averts, <b>");
                add_metric(out, &share);
                text_add(out, "</b> was averted");
                if (share.has_low || share.has_high) {
                        text_add(out, " (");
                        add_interval(out, &share);
                        text_add(out, ")");
                }
                text_add(out, ".</p>\n");
        } else {
                text_add(out, "There was nothing that the oracle could avert.</p>\n");
        }
        text_add(out,
                 "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\""
                 "references\"><table class=\"wide\"><thead><tr><th scope=\"col\">healer</th>");
        for (size_t i = 0; i < floor_column_count; i++)
                text_addf(out, "<th scope=\"col\" class=\"number\">%s</th>",
                          floor_columns[i].title);
        text_add(out, "</tr></thead><tbody>\n");
        add_floor_row(result_text(result, "healer.name"), "",
                      result_at(result, "arms.treated.metrics"), out);
        json_array_foreach(json_object_get(floor, "healers"), index, healer)
                add_floor_row(result_text(healer, "name"), result_text(healer, "summary"),
                              json_object_get(healer, "metrics"), out);
        close_table(out);
        return true;
}

static void add_deeds(const json_t *deeds, struct text *out)
{
        static const char *const heads[] = {"#replication", "action",   "service",
                                            "instance",     "#episode", "#averted requests",
                                            "worth",        NULL};
        size_t index;
        json_t *deed;

        if (json_array_size(deeds) == 0)
                return;
        open_table(out, "deeds", heads, "wide");
        json_array_foreach(deeds, index, deed)
        {
                if (index == ROWS_MAX)
                        break;
                text_add(out, "<tr>");
                add_number_cell(out, deed, "run", "");
                text_add(out, "<th scope=\"row\">");
                text_html(out, result_text(deed, "action"));
                text_add(out, "</th>");
                add_text_cell(out, result_text(deed, "service"));
                add_name_cell(out, json_object_get(deed, "instance"));
                add_number_cell(out, deed, "episode", "");
                add_number_cell(out, deed, "averted", "");
                add_text_cell(out, result_text(deed, "verdict"));
                text_add(out, "</tr>\n");
        }
        close_table(out);
        if (json_array_size(deeds) > ROWS_MAX)
                text_addf(out,
                          "<p class=\"soft\">The first %d; more are in <code>result.json</code>."
                          "</p>\n",
                          ROWS_MAX);
}

static bool add_attribution(const struct writer_context *context, struct text *out)
{
        const json_t *attribution = result_at(context->report->result, "attribution");

        if (!json_is_object(attribution))
                return false;
        text_add(out,
                 "<p>The runs again without what one episode did of one kind to one target: <b>");
        add_data(out, result_number(attribution, "helpful"), "");
        text_add(out, "</b> helpful deeds, <b>");
        add_data(out, result_number(attribution, "harmful"), "");
        text_add(out, "</b> harmful, <b>");
        add_data(out, result_number(attribution, "unnecessary"), "");
        text_add(out, "</b> unnecessary. A deed put off by a second, which should change nothing, "
                      "changed up to ");
        add_data(out, result_number(attribution, "noise"), "requests");
        text_add(out, ": less than that of its replication is noise.</p>\n");
        add_deeds(json_object_get(attribution, "deeds"), out);
        return true;
}

static void add_type_table(const json_t *list, struct text *out)
{
        static const char *const heads[] = {"failure type", "#incidents", "#MTTD", "#MTTR",
                                            "#healings", "#rate", "trend", NULL};
        size_t index;
        json_t *row;

        open_table(out, "failure types", heads, "");
        json_array_foreach(list, index, row)
        {
                struct metric_value mttd = metric_of(json_object_get(row, "mttd"));
                struct metric_value mttr = metric_of(json_object_get(row, "mttr"));
                struct metric_value rate = metric_of(json_object_get(row, "rate"));

                text_add(out, "<tr><th scope=\"row\">");
                text_html(out, result_text(row, "name"));
                text_add(out, "</th>");
                add_number_cell(out, row, "count", "");
                add_metric_cell(out, &mttd);
                add_metric_cell(out, &mttr);
                add_number_cell(out, row, "attempts", "");
                add_metric_cell(out, &rate);
                add_text_cell(out, result_text(row, "trend"));
                text_add(out, "</tr>\n");
        }
        close_table(out);
}

/* "frontend 43, payment 20". */
static void add_counts(const json_t *counts, struct text *out)
{
        json_t *count;
        const char *name;
        bool first = true;

        json_object_foreach((json_t *)(uintptr_t)counts, name, count)
        {
                text_add(out, first ? "" : ", ");
                text_html(out, name);
                text_add(out, " ");
                add_data(out, json_number_value(count), "");
                first = false;
        }
}

static bool add_patterns(const struct writer_context *context, struct text *out)
{
        const json_t *analytics = result_at(context->report->result, "analytics");
        const json_t *types = json_object_get(analytics, "by_failure_type");
        const json_t *patterns = json_object_get(analytics, "patterns");
        const json_t *cascades = json_object_get(patterns, "cascades");
        struct metric_value rate = metric_of(json_object_get(patterns, "per_service_hour"));
        size_t index;
        json_t *row;

        if (json_array_size(types) == 0)
                return false;
        text_add(out, "<p class=\"soft\">Of the incidents with healing, all replications.</p>\n");
        add_range(context->report, out);
        add_type_table(types, out);
        text_add(out, "<p>Incidents a service and hour: <b>");
        add_metric(out, &rate);
        text_add(out, "</b>. By service: ");
        add_counts(json_object_get(patterns, "per_service"), out);
        text_add(out, ".</p>\n");
        json_array_foreach(json_object_get(patterns, "per_instance"), index, row)
        {
                if (index >= 8)
                        break;
                text_add(out, index == 0 ? "<p>Instances that were acted on most: " : ", ");
                text_html(out, result_text(row, "name"));
                text_add(out, " ");
                add_data(out, result_number(row, "actions"), "");
                text_add(out, " times, in vain ");
                add_data(out, result_number(row, "failures"), "");
        }
        text_add(out, index > 0 ? ".</p>\n" : "");
        if (json_array_size(cascades) > 0) {
                text_add(out, "<p>Cascades, by where they began: ");
                json_array_foreach(cascades, index, row)
                {
                        text_add(out, index > 0 ? ", " : "");
                        text_html(out, result_text(row, "origin"));
                        text_add(out, " ");
                        add_data(out, result_number(row, "count"), "");
                }
                text_add(out, ".</p>\n");
        }
        return true;
}

static bool add_recommendations(const struct writer_context *context, struct text *out)
{
        json_t *list = json_object_get(json_object_get(context->report->result, "analytics"),
                                       "recommendations");
        size_t index;
        json_t *row, *number;
        const char *name;

        if (json_array_size(list) == 0)
                return false;
        add_range(context->report, out);
        text_add(out, "<ul>\n");
        json_array_foreach(list, index, row)
        {
                json_t *numbers = json_object_get(row, "numbers");
                bool first = true;

                text_add(out, "<li>");
                text_html(out, result_text(row, "text"));
                json_object_foreach(numbers, name, number)
                {
                        struct metric_value value = metric_of(number);

                        if (!value.has_value)
                                continue;
                        text_add(out, first ? "<br><small class=\"soft\">" : " · ");
                        first = false;
                        text_html(out, name);
                        text_add(out, ": ");
                        add_metric(out, &value);
                }
                text_add(out, first ? "</li>\n" : "</small></li>\n");
        }
        text_add(out, "</ul>\n");
        return true;
}

static bool add_services(const struct writer_context *context, struct text *out)
{
        static const char *const metrics[] = {
                "availability", "failed_requests", "bad_seconds", "latency_p99", "mttd", "mttr"};
        static const char *const heads[] = {"service",
                                            "arm",
                                            "#availability",
                                            "#failed requests",
                                            "#bad seconds",
                                            "#p99 latency",
                                            "#MTTD",
                                            "#MTTR",
                                            NULL};
        static const char *const arms[] = {"treated", "untreated"};
        json_t *all = json_object_get(context->report->result, "arms"), *entry;
        json_t *services = json_object_get(json_object_get(all, "treated"), "services");
        const char *name;

        if (json_object_size(services) == 0)
                return false;
        open_table(out, "services", heads, "wide");
        json_object_foreach(services, name, entry)
        {
                for (size_t arm = 0; arm < 2; arm++) {
                        const json_t *values = json_object_get(
                                json_object_get(json_object_get(json_object_get(all, arms[arm]),
                                                                "services"),
                                                name),
                                "metrics");

                        if (values == NULL)
                                continue;
                        text_add(out, "<tr><th scope=\"row\">");
                        text_html(out, name);
                        text_addf(out, "</th><td>%s</td>", arms[arm]);
                        for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++) {
                                struct metric_value value =
                                        metric_of(json_object_get(values, metrics[i]));

                                add_metric_cell(out, &value);
                        }
                        text_add(out, "</tr>\n");
                }
        }
        close_table(out);
        return true;
}

static bool first_arm_with(const json_t *arms, const char *metric, size_t arm)
{
        for (size_t i = 0; i < arm; i++)
                if (json_object_get(
                            json_object_get(json_object_get(arms, report_arms[i]), "metrics"),
                            metric) != NULL)
                        return false;
        return true;
}

static void add_metric_row(const struct report *report, const char *name, struct text *out)
{
        text_add(out, "<tr><th scope=\"row\"><code>");
        text_html(out, name);
        text_add(out, "</code></th>");
        for (size_t arm = 0; arm < report_arm_count; arm++) {
                struct metric_value value = result_metric(report, report_arms[arm], name);

                if (value.has_value)
                        add_metric_cell(out, &value);
                else
                        text_add(out, "<td class=\"number soft\">–</td>");
        }
        text_add(out, "</tr>\n");
}

static bool add_metrics(const struct writer_context *context, struct text *out)
{
        static const char *const heads[] = {"metric", "#treated", "#shadow", "#untreated",
                                            "#quiet", "#calm",    NULL};
        json_t *arms = json_object_get(context->report->result, "arms"), *value;
        const char *name;
        bool any = false;

        open_table(out, "all metrics", heads, "wide");
        for (size_t arm = 0; arm < report_arm_count; arm++) {
                json_t *metrics =
                        json_object_get(json_object_get(arms, report_arms[arm]), "metrics");

                json_object_foreach(metrics, name, value)
                {
                        if (!first_arm_with(arms, name, arm))
                                continue;
                        add_metric_row(context->report, name, out);
                        any = true;
                }
        }
        close_table(out);
        return any;
}

/* ---- comparison of strategies */

static bool is_explored(const json_t *metric)
{
        return strcmp(result_text(metric, "role"), "exploratory") == 0;
}

/* "B better" is good, "B worse" is not, all else is neither. */
static void add_verdict_cell(const json_t *metric, struct text *out)
{
        const char *verdict = result_text(metric, "verdict");
        const char *class = strstr(verdict, "better") != NULL  ? " passed"
                            : strstr(verdict, "worse") != NULL ? " failed"
                                                               : "";
        double needed = result_number(metric, "pairs_needed");

        text_addf(out, "<td class=\"text%s\">", class);
        text_html(out, verdict);
        if (!isnan(needed)) {
                text_add(out, "<small>would take ");
                add_data(out, needed, "");
                text_add(out, " pairs</small>");
        }
        if (*result_text(metric, "note") != '\0') {
                text_add(out, "<small>");
                text_html(out, result_text(metric, "note"));
                text_add(out, "</small>");
        }
        text_add(out, "</td>");
}

static void add_signs_cell(const json_t *signs, struct text *out)
{
        static const char *const keys[] = {"plus", "zero", "minus"};

        text_add(out, "<td class=\"number\">");
        for (size_t i = 0; i < 3; i++) {
                text_add(out, i > 0 ? " / " : "");
                if (!isnan(result_number(signs, keys[i])))
                        add_data(out, result_number(signs, keys[i]), "");
        }
        text_add(out, "</td>");
}

static void add_margin_cell(const json_t *metric, struct text *out)
{
        double margin = result_number(metric, "margin");

        text_add(out, "<td class=\"number\">");
        if (!isnan(margin)) {
                text_add(out, "±");
                add_data(out, margin, result_text(metric, "unit"));
        }
        text_add(out, "</td>");
}

static void add_compared_row(const json_t *metric, struct text *out)
{
        struct metric_value a = metric_of(json_object_get(metric, "a"));
        struct metric_value b = metric_of(json_object_get(metric, "b"));
        struct metric_value difference = metric_of(json_object_get(metric, "difference"));

        text_add(out, "<tr><th scope=\"row\"><code>");
        text_html(out, result_text(metric, "metric"));
        text_add(out, "</code>");
        if (!is_explored(metric)) {
                text_add(out, "<br><small class=\"soft\">");
                text_html(out, result_text(metric, "role"));
                text_add(out, "</small>");
        }
        text_add(out, "</th>");
        add_verdict_cell(metric, out);
        add_metric_cell(out, &a);
        add_metric_cell(out, &b);
        add_metric_cell(out, &difference);
        add_number_cell(out, metric, "relative", "ratio");
        add_p_cell(out, metric, "p");
        add_p_cell(out, metric, "p_adjusted");
        add_p_cell(out, json_object_get(metric, "wilcoxon"), "p");
        add_signs_cell(json_object_get(metric, "signs"), out);
        add_number_cell(out, metric, "detectable", result_text(metric, "unit"));
        add_margin_cell(metric, out);
        text_add(out, "</tr>\n");
}

static void add_compared_rows(const json_t *metrics, char letter, bool explored, struct text *out)
{
        char heads[3][24];
        const char *const columns[] = {"metric",     "verdict",      heads[0],  heads[1],
                                       heads[2],     "#relative",    "#p",      "#adjusted p",
                                       "#p of ranks", "#+ / 0 / −", "#smallest detectable",
                                       "#margin",    NULL};
        size_t index;
        json_t *metric;

        snprintf(heads[0], sizeof(heads[0]), "#A");
        snprintf(heads[1], sizeof(heads[1]), "#%c", letter);
        snprintf(heads[2], sizeof(heads[2]), "#A − %c", letter);
        open_table(out, explored ? "explored metrics" : "metrics that decide", columns, "wide");
        json_array_foreach(metrics, index, metric) if (is_explored(metric) == explored)
                add_compared_row(metric, out);
        close_table(out);
}

static void add_comparison(const json_t *comparison, char letter, bool with_heading,
                           struct text *out)
{
        const json_t *worst = json_object_get(comparison, "worst");

        if (with_heading) {
                text_addf(out, "<h3>%c against A: ", letter);
                text_html(out, result_text(comparison, "verdict"));
                text_add(out, "</h3>\n<p>");
                add_words(out, result_text(comparison, "sentence"));
                text_add(out, "</p>\n");
        }
        add_compared_rows(json_object_get(comparison, "metrics"), letter, false, out);
        text_add(out, "<details><summary>All other metrics, explored only</summary>\n");
        add_compared_rows(json_object_get(comparison, "metrics"), letter, true, out);
        text_add(out, "</details>\n");
        if (*result_text(worst, "command") != '\0') {
                text_addf(out, "<p class=\"soft\">Where %c did worst, replication ", letter);
                add_data(out, result_number(worst, "replication"), "");
                text_add(out, ":</p>\n<pre>");
                text_html(out, result_text(worst, "command"));
                text_add(out, "</pre>\n");
        }
}

static void add_ranking(const json_t *ab, struct text *out)
{
        static const char *const heads[] = {"#rank",         "strategy", "#the metric that decides",
                                            "#less than without healing", NULL};
        const json_t *list = json_object_get(ab, "ranking");
        size_t index;
        json_t *row;

        if (json_array_size(list) == 0)
                return;
        open_table(out, "ranking", heads, "");
        json_array_foreach(list, index, row)
        {
                struct metric_value value = metric_of(json_object_get(row, "value"));
                struct metric_value less = metric_of(json_object_get(row, "untreated_less"));

                text_add(out, "<tr>");
                add_number_cell(out, row, "rank", "");
                text_add(out, "<th scope=\"row\">");
                text_html(out, result_text(row, "strategy"));
                text_add(out, "</th>");
                add_metric_cell(out, &value);
                add_metric_cell(out, &less);
                text_add(out, "</tr>\n");
        }
        close_table(out);
}

static void add_design(const json_t *ab, struct text *out)
{
        const json_t *design = json_object_get(ab, "design");
        double variance = result_number(design, "variance_ratio");

        text_add(out, "<p class=\"soft\">");
        add_data(out, result_number(design, "pairs"), "");
        text_add(out, " pairs (");
        text_html(out, result_text(design, "stopping"));
        text_add(out, " design), the same requests and faults in both of a pair");
        if (!isnan(variance)) {
                text_add(out, ", which made the variance ");
                add_data(out, variance, "");
                text_add(out, " times smaller");
        }
        text_add(out, ". Intervals of what decides hold together at 95 %. A difference in the "
                      "metric that decides of ");
        add_data(out, result_number(design, "detectable"), "");
        text_add(out, " would have been seen.</p>\n");
}

static bool add_ab(const struct writer_context *context, struct text *out)
{
        const json_t *ab = result_at(context->report->result, "ab");
        const json_t *list = json_object_get(ab, "comparisons");
        size_t index;
        json_t *row;

        if (json_array_size(json_object_get(ab, "metrics")) == 0)
                return false;
        text_add(out, "<p class=\"verdict\">");
        if (json_array_size(list) == 1) { /* the sentence of several says it of each */
                text_add(out, "<strong>");
                text_html(out, result_text(ab, "verdict"));
                text_add(out, ".</strong> ");
        }
        add_words(out, result_text(ab, "sentence"));
        text_add(out, "</p>\n<p>");
        json_array_foreach(json_object_get(ab, "strategies"), index, row)
        {
                text_add(out, index > 0 ? ", " : "");
                text_html(out, result_text(row, "letter"));
                text_add(out, " is <b>");
                text_html(out, result_text(row, "name"));
                text_add(out, "</b>");
        }
        text_add(out, ". The rest of this page is about A.</p>\n");
        add_plot(context, plot_named("forest"), "h3", out);
        add_plot(context, plot_named("pairs"), "h3", out);
        add_ranking(ab, out);
        json_array_foreach(list, index, row)
                add_comparison(row, (char)('B' + index), true, out);
        if (json_array_size(list) == 0)
                add_comparison(ab, 'B', false, out);
        add_design(ab, out);
        return true;
}

static bool add_method(const struct writer_context *context, struct text *out)
{
        static const char *const arms[][2] = {
                {"treated", "the healer at work, with faults: what happened"},
                {"shadow", "the same, with preventive actions held back: what prediction changed"},
                {"untreated", "no healer, with faults: what today's practice would have given"},
                {"quiet", "the healer at work, without faults: its false alarms and false actions"},
                {"calm", "no healer, no faults: the fleet's own noise"},
        };
        json_t *all = json_object_get(context->report->result, "arms"), *value;
        const char *name;

        text_add(out,
                 "<p>Every replication is run in several worlds that share one seed: the same "
                 "requests arrive and the same faults strike. What was prevented, what was a "
                 "false alarm and what harm healing did by itself is therefore seen, not "
                 "estimated. All numbers are of the simulated fleet and its users, none is what "
                 "the healer says of itself. Intervals are 95 % over replications.</p>\n<dl>\n");
        for (size_t i = 0; i < sizeof(arms) / sizeof(arms[0]); i++)
                text_addf(out, "<dt>%s</dt><dd>%s%s</dd>\n", arms[i][0], arms[i][1],
                          report_has_arm(context->report, arms[i][0]) ? "" : " (not run)");
        text_addf(out, "</dl>\n<h3>Definitions</h3>\n<p>%s</p>\n<dl>\n", metric_limits_words);
        for (size_t arm = 0; arm < report_arm_count; arm++) {
                json_t *metrics =
                        json_object_get(json_object_get(all, report_arms[arm]), "metrics");

                json_object_foreach(metrics, name, value)
                {
                        const char *words = metric_words(name);

                        if (!first_arm_with(all, name, arm) || strcmp(words, name) == 0)
                                continue;
                        text_addf(out, "<dt><code>%s</code></dt><dd>", name);
                        text_html(out, words);
                        text_add(out, "</dd>\n");
                }
        }
        text_add(out, "</dl>\n");
        return true;
}

static void add_fact(struct text *out, const char *name, const char *value)
{
        if (*value == '\0')
                return;
        text_addf(out, "<dt>%s</dt><dd>", name);
        text_html(out, value);
        text_add(out, "</dd>\n");
}

static bool add_repeat(const struct writer_context *context, struct text *out)
{
        const json_t *result = context->report->result;
        const char *name;
        json_t *variables = json_object_get(result, "variables"), *value;

        text_add(out, "<p>The same scenario, seed and version give the same bytes, on any machine."
                      "</p>\n<pre>");
        text_html(out, result_text(result, "command"));
        text_add(out, "</pre>\n<dl>\n");
        add_fact(out, "scenario", result_text(result, "scenario.file"));
        add_fact(out, "scenario digest", result_text(result, "scenario.digest"));
        add_fact(out, "healer digest", result_text(result, "healer.digest"));
        add_fact(out, "chaos-run", result_text(result, "harness.version"));
        json_object_foreach(variables, name, value)
        {
                text_add(out, "<dt>variable ");
                text_html(out, name);
                text_add(out, "</dt><dd>");
                if (json_is_string(value)) {
                        text_html(out, json_string_value(value));
                } else if (json_is_number(value)) {
                        text_number(out, json_number_value(value));
                }
                text_add(out, "</dd>\n");
        }
        text_add(out, "</dl>\n");
        return true;
}

static const struct section {
        const char *id, *title;
        bool (*add)(const struct writer_context *context, struct text *out);
} sections[] = {
        {"thresholds", "Thresholds", add_thresholds},
        {"comparison", "Comparison of strategies", add_ab},
        {"plots", "What happened", add_plots},
        {"recommendations", "Recommendations", add_recommendations},
        {"incidents", "Incidents", add_incidents},
        {"actions", "Healing actions", add_actions},
        {"timeline", "Timeline", add_timeline},
        {"effectiveness", "Effectiveness", add_effectiveness},
        {"attribution", "What each deed was worth", add_attribution},
        {"floor", "Beside the reference healers", add_floor},
        {"learning", "Cold and warm", add_learning},
        {"patterns", "Failure patterns", add_patterns},
        {"services", "Services", add_services},
        {"faults", "Faults", add_faults},
        {"metrics", "All metrics", add_metrics},
        {"method", "Method and definitions", add_method},
        {"repeat", "How to repeat it", add_repeat},
};
#define SECTION_COUNT (sizeof(sections) / sizeof(sections[0]))

/* ---- the page */

static void add_head(const struct report *report, struct text *out)
{
        text_add(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                      "<meta name=\"color-scheme\" content=\"light dark\">\n"
                      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                      "style-src 'unsafe-inline'\">\n<title>");
        text_html(out, report_title(report));
        text_add(out, " - chaos-run</title>\n<style>\n");
        text_add(out, embedded_report_css);
        text_add(out, "</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#story\">To the "
                      "story</a>\n");
}

static void add_first_screen(const struct writer_context *context, struct text *out)
{
        text_add(out, "<header>\n<h1>chaos-run: ");
        text_html(out, report_title(context->report));
        text_add(out, "</h1>\n");
        add_verdict(context->report, out);
        add_meta(context->report, out);
        text_add(out, "</header>\n<main>\n");
        add_cards(context->report, out);
        text_add(out, "<div class=\"first\">\n");
        if (has_plot(context, plot_named("waterfall")))
                add_plot(context, plot_named("waterfall"), "h2", out);
        else
                add_waterfall_table(context->report, out);
        if (has_plot(context, plot_named("timeline")))
                add_plot(context, plot_named("timeline"), "h2", out);
        text_add(out, "</div>\n");
}

void write_html(const struct writer_context *context, struct text *out)
{
        struct text bodies[SECTION_COUNT];
        bool shown[SECTION_COUNT];

        add_head(context->report, out);
        add_first_screen(context, out);
        text_add(out, "<nav id=\"story\" aria-label=\"contents\"><ul>\n");
        for (size_t i = 0; i < SECTION_COUNT; i++) {
                text_init(&bodies[i]);
                shown[i] = sections[i].add(context, &bodies[i]);
                if (shown[i])
                        text_addf(out, "<li><a href=\"#%s\">%s</a></li>\n", sections[i].id,
                                  sections[i].title);
        }
        text_add(out, "</ul></nav>\n");
        for (size_t i = 0; i < SECTION_COUNT; i++) {
                if (shown[i]) {
                        text_addf(out, "<section id=\"%s\">\n<h2>%s</h2>\n", sections[i].id,
                                  sections[i].title);
                        text_add_bytes(out, text_bytes(&bodies[i]), bodies[i].length);
                        text_add(out, "</section>\n");
                }
                out->failed = out->failed || bodies[i].failed;
                text_release(&bodies[i]);
        }
        text_add(out, "</main>\n</body>\n</html>\n");
}
