/* write_markdown.c - report.md: the verdict for a pull request.
 *
 * Short on purpose: sentence, thresholds, the numbers that come first, the
 * waterfall, how to repeat it. Everything else is in report.html. Texts from a
 * scenario are escaped so that they cannot mention a person, link or break a
 * table.
 */
#include "reports/headline.h"
#include "reports/writer.h"

#include <math.h>
#include <string.h>

static const char *mark_of(const char *outcome)
{
        if (strcmp(outcome, "passed") == 0)
                return "✓";
        return strcmp(outcome, "failed") == 0 ? "✗" : "?";
}

static void write_thresholds(const struct report *report, struct text *out)
{
        const json_t *thresholds = result_at(report->result, "thresholds");
        size_t index;
        json_t *entry;

        if (json_array_size(thresholds) == 0)
                return;
        text_add(out, "\n| | threshold | observed | 95 % interval |\n|---|---|---|---|\n");
        json_array_foreach(thresholds, index, entry)
        {
                struct metric_value observed = metric_of(entry);

                observed.has_value = json_is_number(json_object_get(entry, "observed"));
                observed.value = result_number(entry, "observed");
                text_addf(out, "| %s | ", mark_of(result_text(entry, "outcome")));
                text_markdown(out, result_text(entry, "check"));
                text_add(out, " | ");
                text_metric_value(out, &observed);
                text_add(out, " | ");
                text_metric_interval(out, &observed);
                text_add(out, " |\n");
        }
}

static void write_headline(const struct report *report, struct text *out)
{
        text_add(out, "\n| | with healing | 95 % interval | without |\n|---|---:|---|---:|\n");
        for (size_t i = 0; i < headline_row_count; i++) {
                const struct headline_row *row = &headline_rows[i];
                struct metric_value treated = result_metric(report, "treated", row->metric);
                struct metric_value untreated = result_metric(report, "untreated", row->metric);

                text_addf(out, "| %s | ", row->title);
                text_metric_value(out, &treated);
                text_add(out, " | ");
                text_metric_interval(out, &treated);
                text_add(out, " | ");
                if (row->compared && untreated.has_value)
                        text_metric_value(out, &untreated);
                text_add(out, " |\n");
        }
}

static void write_waterfall(const struct report *report, struct text *out)
{
        struct waterfall_part parts[WATERFALL_COUNT];

        if (!report_waterfall(report, parts))
                return;
        text_add(out, "\nFailed requests a run:");
        for (int i = 0; i < WATERFALL_COUNT; i++) {
                text_addf(out, "%s %s **", i == 0 ? "" : " →", parts[i].title);
                text_count(out, round(parts[i].amount.value));
                text_add(out, "**");
        }
        text_add(out, "\n");
}

static void write_floor_row(struct text *out, const char *name, const json_t *metrics)
{
        text_add(out, "| ");
        text_markdown(out, name);
        for (size_t i = 0; i < floor_column_count; i++) {
                struct metric_value value =
                        metric_of(json_object_get(metrics, floor_columns[i].metric));

                text_add(out, " | ");
                text_metric_value(out, &value);
        }
        text_add(out, " |\n");
}

/* The strategy beside the reference healers, where they were run. */
static void write_learning(const struct report *report, struct text *out)
{
        static const char *const columns[] = {"cold", "warm", "cold_less_warm"};
        const json_t *learning = result_at(report->result, "learning");

        if (!json_is_object(learning))
                return;
        text_add(out, "\n| learned beforehand | cold | warm | cold less warm |\n|---|---:|---:|---:|\n");
        for (size_t i = 0; i < learning_row_count; i++) {
                text_addf(out, "| %s", learning_rows[i].title);
                for (size_t c = 0; c < sizeof(columns) / sizeof(columns[0]); c++) {
                        struct metric_value value = metric_of(
                                json_object_get(json_object_get(learning, columns[c]),
                                                learning_rows[i].metric));

                        text_add(out, " | ");
                        if (c == 2)
                                learning_difference(out, &value);
                        else
                                text_metric_value(out, &value);
                }
                text_add(out, " |\n");
        }
}

static void write_floor(const struct report *report, struct text *out)
{
        const json_t *floor = result_at(report->result, "floor");
        struct metric_value share = metric_of(json_object_get(floor, "averted_share"));
        size_t index;
        json_t *healer;

        if (!json_is_object(floor))
                return;
        text_add(out, "\n| beside the references");
        for (size_t i = 0; i < floor_column_count; i++)
                text_addf(out, " | %s", floor_columns[i].title);
        text_add(out, " |\n|---");
        for (size_t i = 0; i < floor_column_count; i++)
                text_add(out, "|---:");
        text_add(out, "|\n");
        write_floor_row(out, result_text(report->result, "healer.name"),
                        result_at(report->result, "arms.treated.metrics"));
        json_array_foreach(json_object_get(floor, "healers"), index, healer) write_floor_row(
                out, result_text(healer, "name"), json_object_get(healer, "metrics"));
        if (!share.has_value) {
                text_add(out, "\nNothing that the oracle could avert.\n");
                return;
        }
        text_add(out, "\nOf what the oracle averts, **");
        text_metric_value(out, &share);
        text_add(out, "** was averted.\n");
}

static void write_difference(struct text *out, const json_t *row)
{
        struct metric_value difference = metric_of(json_object_get(row, "difference"));

        learning_difference(out, &difference);
}

/* The metrics that decide, a table a strategy. */
static void write_comparisons(const struct report *report, struct text *out)
{
        const json_t *list = result_at(report->result, "ab.comparisons");
        json_t *comparison, *row;
        size_t c, m;

        json_array_foreach(list, c, comparison)
        {
                char letter = (char)('B' + c);

                text_add(out, "\n**");
                text_markdown(out, result_text(comparison, "verdict"));
                text_add(out, "**: A is ");
                text_markdown(out, result_text(comparison, "a"));
                text_addf(out, ", %c is ", letter);
                text_markdown(out, result_text(comparison, "b"));
                text_add(out, ". ");
                text_markdown(out, result_text(comparison, "sentence"));
                text_addf(out,
                          "\n\n| metric | A | %c | A − %c | adjusted p | verdict |\n"
                          "|---|---:|---:|---:|---:|---|\n",
                          letter, letter);
                json_array_foreach(json_object_get(comparison, "metrics"), m, row)
                {
                        struct metric_value a = metric_of(json_object_get(row, "a"));
                        struct metric_value b = metric_of(json_object_get(row, "b"));
                        double p = result_number(row, "p_adjusted");

                        if (strcmp(result_text(row, "role"), "exploratory") == 0)
                                continue;
                        text_addf(out, "| %s | ", result_text(row, "metric"));
                        text_metric_value(out, &a);
                        text_add(out, " | ");
                        text_metric_value(out, &b);
                        text_add(out, " | ");
                        write_difference(out, row);
                        if (isnan(p))
                                text_add(out, " |  | ");
                        else if (p < 0.001)
                                text_add(out, " | < 0.001 | ");
                        else
                                text_addf(out, " | %.3f | ", p);
                        text_markdown(out, result_text(row, "verdict"));
                        text_add(out, " |\n");
                }
        }
}

/* How many deeds were worth anything, where that was asked. */
static void write_attribution(const struct report *report, struct text *out)
{
        static const char *const counts[] = {"helpful", "harmful", "unnecessary"};
        const json_t *attribution = result_at(report->result, "attribution");

        if (!json_is_object(attribution))
                return;
        text_add(out, "\n| deeds, by leaving each out | helpful | harmful | unnecessary |\n"
                      "|---|---:|---:|---:|\n| noise up to ");
        text_value(out, result_number(attribution, "noise"), "requests");
        for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
                text_addf(out, " | %.0f", result_number(attribution, counts[i]));
        text_add(out, " |\n");
}

void write_markdown(const struct writer_context *context, struct text *out)
{
        const struct report *report = context->report;
        struct text sentence;

        text_init(&sentence);
        report_sentence(report, &sentence);
        text_add(out, "## chaos-run: ");
        text_markdown(out, report_title(report));
        text_addf(out, "\n\n**%s ", mark_of(result_text(report->result, "outcome")));
        text_markdown(out, result_text(report->result, "outcome"));
        text_add(out, "** ");
        text_markdown(out, text_bytes(&sentence));
        text_add(out, "\n");
        write_thresholds(report, out);
        write_headline(report, out);
        write_waterfall(report, out);
        write_comparisons(report, out);
        write_floor(report, out);
        write_learning(report, out);
        write_attribution(report, out);
        text_add(out, "\nHealer ");
        text_markdown(out, result_text(report->result, "healer.name"));
        text_addf(out, ", %lld replications. Repeat it:\n\n    ",
                  (long long)json_integer_value(result_at(report->result, "runs")));
        text_plain(out, result_text(report->result, "command"));
        text_add(out, "\n");
        out->failed = out->failed || sentence.failed;
        text_release(&sentence);
}
