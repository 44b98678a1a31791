/* verdict_screen.c - the verdict on one screen of 80 x 24.
 *
 * Every part is made of cells of a fixed number of columns, counted as the
 * terminal counts them, so that what stands below one another lines up
 * whatever a scenario's names are made of.
 */
#include "reports/verdict_screen.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reports/headline.h"

#define BAR_COLUMNS 78

struct screen {
        const struct report *report;
        struct text *out;
        bool in_colour;
        int lines;
};

enum ink { INK_GOOD, INK_BAD, INK_WARN, INK_DIM, INK_BOLD };

static void ink(struct screen *screen, enum ink which)
{
        static const char *const codes[] = {"\033[32m", "\033[31m", "\033[33m", "\033[2m",
                                            "\033[1m"};

        if (screen->in_colour)
                text_add(screen->out, codes[which]);
}

static void plain(struct screen *screen)
{
        if (screen->in_colour)
                text_add(screen->out, "\033[0m");
}

static void end_line(struct screen *screen)
{
        struct text *out = screen->out;

        while (out->length > 0 && out->bytes[out->length - 1] == ' ')
                out->bytes[--out->length] = '\0';
        text_add(out, "\n");
        screen->lines++;
}

/* Right-aligned in `columns`. */
static void add_right(struct screen *screen, const char *words, size_t columns)
{
        size_t width = text_columns(words), padding = width < columns ? columns - width : 0;

        for (size_t i = 0; i < padding; i++)
                text_add(screen->out, " ");
        text_cell(screen->out, words, columns - padding);
}

static enum ink ink_of(const char *outcome)
{
        if (strcmp(outcome, "passed") == 0)
                return INK_GOOD;
        return strcmp(outcome, "failed") == 0 || strcmp(outcome, "regression") == 0 ? INK_BAD
                                                                                    : INK_WARN;
}

static const char *mark_of(const char *outcome)
{
        if (strcmp(outcome, "passed") == 0)
                return "✓";
        return strcmp(outcome, "failed") == 0 ? "✗" : "?";
}

static void add_title(struct screen *screen)
{
        const char *outcome = result_text(screen->report->result, "outcome");

        ink(screen, ink_of(outcome));
        ink(screen, INK_BOLD);
        text_addf(screen->out, "%s ", mark_of(outcome));
        text_plain(screen->out, outcome);
        plain(screen);
        text_add(screen->out, "  ");
        ink(screen, INK_BOLD);
        text_cell(screen->out, report_title(screen->report),
                  SCREEN_COLUMNS - 5 - text_columns(outcome));
        plain(screen);
        end_line(screen);
}

/* Breaks words at spaces, not within a number ("1 270"); at most three lines. */
static void add_wrapped(struct screen *screen, const char *words)
{
        for (int line = 0; line < 3 && *words != '\0'; line++) {
                size_t length = 0, fits = 0;
                struct text part;

                for (;;) {
                        size_t word = length + text_word_length(words + length);

                        text_init(&part);
                        text_add_bytes(&part, words, word);
                        if (text_columns(text_bytes(&part)) > SCREEN_COLUMNS - 2) {
                                text_release(&part);
                                break;
                        }
                        text_release(&part);
                        fits = word;
                        if (words[word] == '\0')
                                break;
                        length = word + 1;
                }
                if (fits == 0) /* one word wider than the screen */
                        fits = strlen(words);
                text_init(&part);
                text_add_bytes(&part, words, fits);
                text_cell(screen->out, text_bytes(&part), SCREEN_COLUMNS - 2);
                text_release(&part);
                end_line(screen);
                words += fits;
                words += strspn(words, " ");
        }
}

static void add_sentence(struct screen *screen)
{
        struct text sentence;

        text_init(&sentence);
        report_sentence(screen->report, &sentence);
        add_wrapped(screen, text_bytes(&sentence));
        text_release(&sentence);
}

/* "35.0 s to 49.4 s" as it is; an interval too wide for its column is cut. */
static void add_row(struct screen *screen, const struct headline_row *row)
{
        struct metric_value treated = result_metric(screen->report, "treated", row->metric);
        struct metric_value untreated = result_metric(screen->report, "untreated", row->metric);
        struct text value;

        text_cell(screen->out, row->title, 18);
        text_init(&value);
        text_metric_value(&value, &treated);
        ink(screen, treated.has_value ? INK_BOLD : INK_DIM);
        add_right(screen, text_bytes(&value), 17);
        plain(screen);
        text_release(&value);
        text_metric_interval(&value, &treated);
        ink(screen, INK_DIM);
        add_right(screen, text_bytes(&value), 28);
        plain(screen);
        text_release(&value);
        if (row->compared && untreated.has_value) {
                text_metric_value(&value, &untreated);
                add_right(screen, text_bytes(&value), 16);
        }
        text_release(&value);
        end_line(screen);
}

static void add_rows(struct screen *screen)
{
        ink(screen, INK_DIM);
        text_cell(screen->out, "", 18);
        add_right(screen, "with healing", 17);
        add_right(screen, "95 % interval", 28);
        add_right(screen, "without", 16);
        plain(screen);
        end_line(screen);
        for (size_t i = 0; i < headline_row_count; i++)
                if (headline_rows[i].on_screen)
                        add_row(screen, &headline_rows[i]);
}

static void add_bar(struct screen *screen, const char *block, double share, int *used)
{
        int columns = (int)lround(share * BAR_COLUMNS);

        for (; columns > 0 && *used < BAR_COLUMNS; columns--, ++*used)
                text_add(screen->out, block);
}

/* One bar as long as the untreated harm, cut into what became of it. */
static void add_waterfall(struct screen *screen)
{
        static const int order[] = {WATERFALL_REACTION, WATERFALL_PREDICTION, WATERFALL_LEFT};
        static const char *const blocks[] = {"░", "▒", "█"};
        static const char *const names[] = {"averted by reaction", "by prediction", "left"};
        static const enum ink inks[] = {INK_GOOD, INK_GOOD, INK_BAD};
        struct waterfall_part parts[WATERFALL_COUNT];
        struct text line;
        double all = 0;
        int used = 0;

        if (!report_waterfall(screen->report, parts))
                return;
        for (int i = 0; i < 3; i++)
                all += fmax(0, parts[order[i]].amount.value);
        if (all <= 0)
                return;
        for (int i = 0; i < 3; i++) {
                ink(screen, inks[i]);
                add_bar(screen, blocks[i], fmax(0, parts[order[i]].amount.value) / all, &used);
                plain(screen);
        }
        end_line(screen);
        text_init(&line);
        for (int i = 0; i < 3; i++) {
                text_addf(&line, "%s%s ", i == 0 ? "" : ", ", blocks[i]);
                text_count(&line, round(parts[order[i]].amount.value));
                text_addf(&line, " %s", names[i]);
        }
        text_add(&line, " (");
        text_count(&line, round(parts[WATERFALL_SELF_MADE].amount.value));
        text_add(&line, " self-made)");
        text_cell(screen->out, text_bytes(&line), SCREEN_COLUMNS);
        text_release(&line);
        end_line(screen);
}

static void add_threshold(struct screen *screen, const json_t *entry)
{
        const char *outcome = result_text(entry, "outcome");
        struct metric_value observed = metric_of(entry);
        struct text value;

        observed.value = result_number(entry, "observed");
        observed.has_value = !isnan(observed.value);
        text_init(&value);
        text_metric_value(&value, &observed);
        ink(screen, ink_of(outcome));
        text_addf(screen->out, "%s ", mark_of(outcome));
        plain(screen);
        text_cell(screen->out, result_text(entry, "check"), 44);
        add_right(screen, text_bytes(&value), 18);
        text_release(&value);
        if (strcmp(outcome, "inconclusive") == 0)
                text_add(screen->out, "  inconclusive");
        end_line(screen);
}

static void add_thresholds(struct screen *screen, int lines_max)
{
        static const char *const order[] = {"failed", "inconclusive", "passed"};
        const json_t *thresholds = result_at(screen->report->result, "thresholds");
        int shown = 0, all = (int)json_array_size(thresholds);
        size_t index;
        json_t *entry;

        for (int i = 0; i < 3; i++) {
                json_array_foreach(thresholds, index, entry)
                {
                        if (strcmp(result_text(entry, "outcome"), order[i]) != 0)
                                continue;
                        if (shown == lines_max - 1 && all > lines_max)
                                break;
                        add_threshold(screen, entry);
                        shown++;
                }
        }
        if (shown < all) {
                ink(screen, INK_DIM);
                text_addf(screen->out, "  and %d more", all - shown);
                plain(screen);
                end_line(screen);
        }
}

static void add_foot(struct screen *screen, const char *report_path)
{
        const struct report *report = screen->report;
        const json_t *seed = result_at(report->result, "seed");
        double runs = result_number(report->result, "runs");
        double wall_s = result_number(report->run_facts, "wall_seconds");

        ink(screen, INK_DIM);
        if (report_path != NULL) {
                text_add(screen->out, "report: ");
                text_plain(screen->out, report_path);
                text_add(screen->out, "  ");
        }
        text_addf(screen->out, "(%.0f runs, seed ", isnan(runs) ? 0 : runs);
        if (json_is_string(seed))
                text_plain(screen->out, json_string_value(seed));
        else
                text_addf(screen->out, "%" JSON_INTEGER_FORMAT, json_integer_value(seed));
        if (!isnan(wall_s))
                text_addf(screen->out, ", %.1f s", wall_s);
        text_add(screen->out, ")");
        plain(screen);
        end_line(screen);
}

void verdict_screen(const struct report *report, const char *report_path, bool in_colour,
                    struct text *out)
{
        struct screen screen = {.report = report, .out = out, .in_colour = in_colour};

        add_title(&screen);
        add_sentence(&screen);
        end_line(&screen);
        add_rows(&screen);
        end_line(&screen);
        add_waterfall(&screen);
        end_line(&screen);
        if (json_array_size(result_at(report->result, "thresholds")) > 0) {
                add_thresholds(&screen, SCREEN_LINES - screen.lines - 2);
                end_line(&screen);
        }
        add_foot(&screen, report_path);
}

bool screen_wants_colour(int fd)
{
        const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

        return isatty(fd) && (no_color == NULL || *no_color == '\0') && term != NULL &&
               strcmp(term, "dumb") != 0;
}
