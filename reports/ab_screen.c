/* ab_screen.c - a comparison for people at a terminal.
 *
 * Read from the tree, so that a stored result gives the same screen. Cells have
 * fixed widths, counted as the terminal counts them.
 */
#include "reports/ab_screen.h"

#include <math.h>
#include <string.h>

#include "reports/report.h"
#include "reports/verdict_screen.h"

enum { NAME_COLUMNS = 22, VALUE_COLUMNS = 12, RELATIVE_COLUMNS = 8, EXPLORED_MAX = 6 };

struct screen {
        struct text *out;
        bool in_colour;
};

static void ink(struct screen *screen, const char *code)
{
        if (screen->in_colour)
                text_addf(screen->out, "\033[%sm", code);
}

static void plain(struct screen *screen)
{
        ink(screen, "0");
}

static void end_line(struct screen *screen)
{
        struct text *out = screen->out;

        while (out->length > 0 && out->bytes[out->length - 1] == ' ')
                out->bytes[--out->length] = '\0';
        text_add(out, "\n");
}

static void add_right(struct screen *screen, const char *words, size_t columns)
{
        size_t width = text_columns(words), padding = width < columns ? columns - width : 0;

        for (size_t i = 0; i < padding; i++)
                text_add(screen->out, " ");
        text_cell(screen->out, words, columns - padding);
}

static const char *ink_of(const char *verdict)
{
        if (strstr(verdict, "worse") != NULL)
                return "31";
        if (strstr(verdict, "inconclusive") != NULL)
                return "33";
        return "32";
}

/* Lines of words, broken at spaces, not within a number. */
static void add_wrapped(struct screen *screen, const char *words)
{
        while (*words != '\0') {
                size_t fits = 0, length = 0;

                do {
                        struct text part;

                        length += strspn(words + length, " ");
                        length += text_word_length(words + length);
                        text_init(&part);
                        text_add_bytes(&part, words, length);
                        if (text_columns(text_bytes(&part)) <= SCREEN_COLUMNS - 2 || fits == 0)
                                fits = length;
                        else
                                length = strlen(words);
                        text_release(&part);
                } while (words[length] != '\0');
                struct text line;
                text_init(&line);
                text_add_bytes(&line, words, fits);
                text_plain(screen->out, text_bytes(&line));
                text_release(&line);
                end_line(screen);
                words += fits;
                words += strspn(words, " ");
        }
}

/* A value without its unit where that is a count; a minus sign in front. */
static void add_short(struct text *text, double value, const char *unit)
{
        bool known = strcmp(unit, "s") == 0 || strcmp(unit, "ratio") == 0;

        if (isnan(value)) {
                text_add(text, "no data");
                return;
        }
        if (value < 0)
                text_add(text, "−");
        value = fabs(value);
        if (known)
                text_value(text, value, unit);
        else if (value >= 100)
                text_count(text, round(value));
        else
                text_addf(text, "%.3g", value);
}

static void add_value_cell(struct screen *screen, const json_t *row, const char *path)
{
        struct text value;

        text_init(&value);
        add_short(&value, result_number(row, path), result_text(row, "unit"));
        add_right(screen, text_bytes(&value), VALUE_COLUMNS);
        text_release(&value);
}

static void add_name(struct screen *screen, const char *metric)
{
        struct text name;

        text_init(&name);
        for (const char *at = metric; *at != '\0'; at++)
                text_add_bytes(&name, *at == '_' ? " " : at, 1);
        text_cell(screen->out, text_bytes(&name), NAME_COLUMNS);
        text_release(&name);
}

static void add_numbers(struct screen *screen, const json_t *row)
{
        const char *verdict = result_text(row, "verdict");
        double relative = result_number(row, "relative");
        struct text value;

        add_name(screen, result_text(row, "metric"));
        add_value_cell(screen, row, "a.value");
        add_value_cell(screen, row, "b.value");
        add_value_cell(screen, row, "difference.value");
        text_init(&value);
        if (!isnan(relative) && relative != 0 && fabs(relative) < 10)
                text_addf(&value, "%s%.0f %%", relative < 0 ? "−" : "+", 100 * fabs(relative));
        add_right(screen, text_bytes(&value), RELATIVE_COLUMNS);
        text_release(&value);
        text_add(screen->out, "  ");
        ink(screen, ink_of(verdict));
        text_cell(screen->out, verdict,
                  SCREEN_COLUMNS - NAME_COLUMNS - 3 * VALUE_COLUMNS - RELATIVE_COLUMNS - 2);
        plain(screen);
        end_line(screen);
}

static void add_p(struct text *text, const char *title, double p)
{
        if (isnan(p))
                return;
        if (p < 0.001)
                text_addf(text, ", %s<.001", title);
        else
                text_addf(text, ", %s%.3f", title, p);
}

/* Interval, tests, signs, what could have been found, what is allowed. */
static void add_tests(struct screen *screen, const json_t *row)
{
        const char *unit = result_text(row, "unit");
        double low = result_number(row, "difference.low"),
               high = result_number(row, "difference.high");
        double margin = result_number(row, "margin"), mde = result_number(row, "detectable");
        const char *note = result_text(row, "note"), *disputed = result_text(row, "disputed_by");
        struct text line;

        text_init(&line);
        text_add(&line, "  ");
        if (!isnan(low) && !isnan(high)) {
                add_short(&line, low, unit);
                text_add(&line, " to ");
                add_short(&line, high, unit);
        } else {
                text_add(&line, "no interval");
        }
        if (strcmp(result_text(row, "verdict"), "identical") != 0) {
                add_p(&line, "p ", result_number(row, "p"));
                add_p(&line, "adj ", result_number(row, "p_adjusted"));
                add_p(&line, "ranks ", result_number(row, "wilcoxon.p"));
        }
        text_addf(&line, ", %.0f/%.0f/%.0f", result_number(row, "signs.plus"),
                  result_number(row, "signs.zero"), result_number(row, "signs.minus"));
        if (!isnan(mde)) {
                text_add(&line, ", MDE ");
                add_short(&line, mde, unit);
        }
        if (!isnan(margin)) {
                text_add(&line, ", ±");
                add_short(&line, margin, unit);
        }
        if (*note != '\0')
                text_addf(&line, ", %s", note);
        if (*disputed != '\0')
                text_addf(&line, ", disputed by %s", disputed);
        ink(screen, "2");
        text_cell(screen->out, text_bytes(&line), SCREEN_COLUMNS);
        plain(screen);
        end_line(screen);
        text_release(&line);
}

static bool is_explored(const json_t *row)
{
        return strcmp(result_text(row, "role"), "exploratory") == 0;
}

static void add_head(struct screen *screen, char letter)
{
        const char name[2] = {letter, '\0'}, difference[] = {'A', ' ', '-', ' ', letter, '\0'};

        ink(screen, "2");
        text_cell(screen->out, "", NAME_COLUMNS);
        add_right(screen, "A", VALUE_COLUMNS);
        add_right(screen, name, VALUE_COLUMNS);
        add_right(screen, difference, VALUE_COLUMNS);
        end_line(screen);
        text_addf(
                screen->out,
                "  interval, p, adjusted p, p of ranks, pairs with A above/equal/below %c, margin",
                letter);
        plain(screen);
        end_line(screen);
}

static void add_explored(struct screen *screen, const json_t *rows)
{
        size_t index, all = 0, differ = 0;
        json_t *row;

        json_array_foreach(rows, index, row)
        {
                const char *verdict = result_text(row, "verdict");

                all += is_explored(row) && result_number(row, "n") > 0;
                differ += is_explored(row) && strcmp(verdict, "inconclusive") != 0 &&
                          strcmp(verdict, "identical") != 0;
        }
        if (all == 0)
                return;
        ink(screen, "2");
        text_addf(screen->out, "explored: %zu of %zu further metrics differ", differ, all);
        plain(screen);
        end_line(screen);
        differ = 0;
        json_array_foreach(rows, index, row)
        {
                const char *verdict = result_text(row, "verdict");

                if (is_explored(row) && strcmp(verdict, "inconclusive") != 0 &&
                    strcmp(verdict, "identical") != 0 && differ++ < EXPLORED_MAX)
                        add_numbers(screen, row);
        }
}

static void add_comparison(struct screen *screen, const json_t *comparison, size_t number)
{
        const char *verdict = result_text(comparison, "verdict");
        const char *command = result_text(comparison, "worst.command");
        const json_t *rows = result_at(comparison, "metrics");
        struct text names;
        size_t index;
        json_t *row;

        ink(screen, ink_of(verdict));
        ink(screen, "1");
        text_plain(screen->out, verdict);
        plain(screen);
        end_line(screen);
        text_init(&names);
        text_addf(&names, "A: %s, %c: %s", result_text(comparison, "a"), (char)('B' + number),
                  result_text(comparison, "b"));
        ink(screen, "2");
        add_wrapped(screen, text_bytes(&names));
        plain(screen);
        text_release(&names);
        add_wrapped(screen, result_text(comparison, "sentence"));
        end_line(screen);
        add_head(screen, (char)('B' + number));
        json_array_foreach(rows, index, row)
        {
                if (is_explored(row))
                        continue;
                add_numbers(screen, row);
                add_tests(screen, row);
        }
        add_explored(screen, rows);
        end_line(screen);
        if (*command != '\0') {
                text_addf(screen->out, "worst for %c: replication %.0f\n  ", (char)('B' + number),
                          result_number(comparison, "worst.replication"));
                text_plain(screen->out, command);
                end_line(screen);
        }
}

static void add_ranking(struct screen *screen, const json_t *ab)
{
        const json_t *ranking = result_at(ab, "ranking");
        size_t index;
        json_t *entry;

        if (json_array_size(ranking) < 3)
                return;
        json_array_foreach(ranking, index, entry)
        {
                struct text line;

                text_init(&line);
                text_addf(&line, "%zu. ", index + 1);
                text_plain(&line, result_text(entry, "strategy"));
                text_add(&line, ": ");
                add_short(&line, result_number(entry, "value.value"),
                          result_text(entry, "value.unit"));
                text_add(&line, " (");
                add_short(&line, result_number(entry, "value.low"),
                          result_text(entry, "value.unit"));
                text_add(&line, " to ");
                add_short(&line, result_number(entry, "value.high"),
                          result_text(entry, "value.unit"));
                text_add(&line, ")");
                text_cell(screen->out, text_bytes(&line), SCREEN_COLUMNS);
                text_release(&line);
                end_line(screen);
        }
        end_line(screen);
}

static void add_design(struct screen *screen, const json_t *ab)
{
        const json_t *design = result_at(ab, "design");
        double ratio = result_number(design, "variance_ratio");
        double warmup = result_number(design, "warmup"),
               duration = result_number(design, "duration");
        double horizon = result_number(design, "horizon");
        double censored_a = result_number(design, "censored.a");
        struct text line;

        text_init(&line);
        text_addf(&line, "%.0f pairs (%s, %.0f to %.0f)", result_number(design, "pairs"),
                  result_text(design, "stopping"), result_number(design, "pairs_min"),
                  result_number(design, "pairs_max"));
        text_addf(&line, ", limits at %.3g %% over %.0f questions that decide",
                  100 * result_number(design, "confidence"), result_number(design, "simultaneous"));
        if (result_true(design, "stopped_by_loss"))
                text_addf(&line, "; stopped at a loss of %.4g, another %s might exceed %.4g",
                          result_number(design, "loss"),
                          isnan(result_number(design, "cut.at")) ? "pair" : "second",
                          result_number(design, "max_loss"));
        if (!isnan(result_number(design, "cut.at")))
                text_addf(&line, " (%.0f s into replication %.0f, which is not among the pairs)",
                          result_number(design, "cut.at"), result_number(design, "cut.replication"));
        if (!isnan(ratio)) {
                text_add(&line, "; common random numbers were worth ");
                text_addf(&line, "%.3g times the pairs", ratio);
        }
        if (!isnan(warmup)) {
                text_add(&line, "; warm-up ");
                text_duration(&line, warmup);
                text_add(&line, ", measured ");
                text_duration(&line, duration);
                text_add(&line, ", horizon ");
                text_duration(&line, horizon);
        }
        if (!isnan(censored_a))
                text_addf(&line, "; ended unrecovered: %.0f of A, %.0f of B", censored_a,
                          result_number(design, "censored.b"));
        text_add(&line, ".");
        ink(screen, "2");
        add_wrapped(screen, text_bytes(&line));
        plain(screen);
        text_release(&line);
}

void ab_screen(const json_t *result, const char *report_path, bool in_colour, struct text *out)
{
        struct screen screen = {out, in_colour};
        const json_t *ab = result_at(result, "ab");
        size_t index;
        json_t *comparison;

        if (!json_is_object(ab))
                return;
        ink(&screen, "1");
        text_cell(out, result_text(result, "scenario.title"), SCREEN_COLUMNS);
        plain(&screen);
        end_line(&screen);
        json_array_foreach(result_at(ab, "comparisons"), index, comparison)
                add_comparison(&screen, comparison, index);
        add_ranking(&screen, ab);
        add_design(&screen, ab);
        if (report_path != NULL) {
                text_add(out, "report: ");
                text_plain(out, report_path);
                end_line(&screen);
        }
}
