/* ab_board.c - scenarios by strategies, and what holds over all of them.
 *
 * Works on the trees of the comparisons alone, so that a stored one will do.
 */
#include "reports/ab_board.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/ab_state.h"
#include "reports/report.h"
#include "reports/stats/multiple.h"
#include "reports/stats/sequential.h"
#include "reports/verdict.h"

enum { NAME_COLUMNS = 26, CELL_COLUMNS = 18 };

struct ab_board {
        json_t *entries; /* [{file, title, label, ab}] */
};

struct ab_board *ab_board_create(void)
{
        struct ab_board *board = calloc(1, sizeof(*board));

        if (board == NULL)
                return NULL;
        board->entries = json_array();
        if (board->entries == NULL) {
                free(board);
                return NULL;
        }
        return board;
}

void ab_board_destroy(struct ab_board *board)
{
        if (board == NULL)
                return;
        json_decref(board->entries);
        free(board);
}

bool ab_board_add(struct ab_board *board, const json_t *result, const char *label)
{
        return json_array_append_new(
                       board->entries,
                       json_pack("{s:s, s:s, s:s, s:O}", "file", result_text(result, "scenario.file"),
                                 "title", result_text(result, "scenario.title"), "label", label, "ab",
                                 json_object_get(result, "ab"))) == 0;
}

size_t ab_board_count(const struct ab_board *board)
{
        return json_array_size(board->entries);
}

/* ---- questions */

static const json_t *comparison_of(const struct ab_board *board, size_t entry, size_t comparison)
{
        return json_array_get(result_at(json_array_get(board->entries, entry), "ab.comparisons"),
                              comparison);
}

static size_t comparison_count(const struct ab_board *board)
{
        return json_array_size(result_at(json_array_get(board->entries, 0), "ab.comparisons"));
}

static bool decides(const json_t *row)
{
        return strcmp(result_text(row, "role"), "exploratory") != 0 && result_number(row, "n") > 0;
}

/* "B better" says "better" whatever the letter. */
static bool says(const json_t *row, const char *word)
{
        const char *verdict = result_text(row, "verdict");
        size_t length = strlen(verdict), tail = strlen(word);

        return length >= tail && strcmp(verdict + length - tail, word) == 0;
}

/* All p that decide, in order of entry, comparison, row. */
static double *adjusted_p(const struct ab_board *board, size_t *out_count)
{
        size_t count = 0, at = 0;
        double *p;

        for (int pass = 0; pass < 2; pass++) {
                p = pass == 0 ? NULL : calloc(count + 1, sizeof(*p));
                if (pass == 1 && p == NULL)
                        return NULL;
                for (size_t e = 0; e < ab_board_count(board); e++)
                        for (size_t c = 0; c < comparison_count(board); c++) {
                                const json_t *rows = result_at(comparison_of(board, e, c), "metrics");
                                size_t i;
                                json_t *row;

                                json_array_foreach((json_t *)(uintptr_t)rows, i, row)
                                {
                                        if (!decides(row))
                                                continue;
                                        if (pass == 0)
                                                count++;
                                        else
                                                p[at++] = result_number(row, "p");
                                }
                        }
        }
        *out_count = count;
        if (count > 0 && !stats_holm(p, count, p)) {
                free(p);
                return NULL;
        }
        return p;
}

/* ---- the pooled primary */

/* Benefits for B in margins, pair by pair; how many. `out` has room for n. */
static size_t benefits_of(const json_t *row, double *out)
{
        const json_t *a = result_at(row, "a_values"), *b = result_at(row, "b_values");
        double margin = result_number(row, "margin");
        bool higher = strcmp(result_text(row, "better"), "higher") == 0;
        size_t n = 0;

        for (size_t i = 0; i < json_array_size(a) && i < json_array_size(b); i++) {
                const json_t *one = json_array_get(a, i), *other = json_array_get(b, i);
                double d;

                if (!json_is_number(one) || !json_is_number(other))
                        continue;
                d = json_number_value(one) - json_number_value(other);
                out[n++] = (higher ? -d : d) / (margin > 0 ? margin : 1);
        }
        return n;
}

static bool is_fixed(const struct ab_board *board, size_t entry)
{
        return strcmp(result_text(json_array_get(board->entries, entry), "ab.design.stopping"),
                      "fixed") == 0;
}

/* One scenario's mean benefit at limits of `confidence`. No spread at all is a
 * limit of its own: every pair says the same. */
static bool benefit_in(const struct ab_board *board, size_t entry, size_t comparison,
                       double confidence, struct stats_interval *out)
{
        const json_t *row = json_array_get(result_at(comparison_of(board, entry, comparison), "metrics"),
                                           0);
        double *values = calloc(json_array_size(result_at(row, "a_values")) + 1, sizeof(*values));
        struct stats_sequence sequence = {0};
        size_t n;

        if (values == NULL)
                return false;
        n = benefits_of(row, values);
        for (size_t i = 0; i < n; i++)
                stats_sequence_add(&sequence, values[i]);
        *out = is_fixed(board, entry) ? stats_mean_t(values, n, confidence)
                                      : stats_sequence_interval(&sequence, confidence);
        if (out->has_value && !out->has_low && n >= AB_PAIRS_TO_DECIDE && !(sequence.squares > 0)) {
                out->low = out->high = out->value;
                out->has_low = out->has_high = true;
        }
        free(values);
        return true;
}

/* Limits that hold together in all scenarios hold for their mean. */
static bool pool(const struct ab_board *board, size_t comparison, struct stats_interval *out)
{
        size_t count = ab_board_count(board);
        double level = result_number(json_array_get(board->entries, 0), "ab.design.confidence");
        size_t questions = count * comparison_count(board);

        *out = (struct stats_interval){.has_value = count > 0, .has_low = count > 0,
                                       .has_high = count > 0, .n = count};
        for (size_t e = 0; e < count; e++) {
                struct stats_interval one;

                if (!benefit_in(board, e, comparison,
                                stats_simultaneous_confidence(isnan(level) ? 0.95 : level, questions),
                                &one))
                        return false;
                out->value += one.value / (double)count;
                out->low += one.low / (double)count;
                out->high += one.high / (double)count;
                out->has_value = out->has_value && one.has_value;
                out->has_low = out->has_low && one.has_low;
                out->has_high = out->has_high && one.has_high;
        }
        return true;
}

/* ---- the verdict over all */

struct overall {
        enum ab_overall verdict;
        struct stats_interval pooled; /* benefit for B in margins */
        json_t *better, *worse, *open; /* "failed requests in latency.json" */
};

static void add_place(json_t *list, const json_t *entry, const json_t *row)
{
        const char *label = result_text(entry, "label");
        struct text words;

        text_init(&words);
        for (const char *at = result_text(row, "metric"); *at != '\0'; at++)
                text_add_bytes(&words, *at == '_' ? " " : at, 1);
        text_addf(&words, " in %s%s%s", result_text(entry, "file"), *label != '\0' ? " " : "", label);
        json_array_append_new(list, json_string(text_bytes(&words)));
        text_release(&words);
}

/* Puts the rows of a comparison into lists; `p` are the adjusted ones of it. */
static size_t sort_rows(const json_t *entry, const json_t *comparison, const double *p, double alpha,
                        struct overall *out)
{
        const json_t *rows = result_at(comparison, "metrics");
        size_t i, at = 0;
        json_t *row;

        json_array_foreach((json_t *)(uintptr_t)rows, i, row)
        {
                bool claimed, within;

                if (!decides(row))
                        continue;
                claimed = p[at++] <= alpha;
                within = json_is_true(result_at(row, "within_margin")) || says(row, "identical") ||
                         says(row, "equivalent");
                if (says(row, "better") && claimed)
                        add_place(out->better, entry, row);
                else if (says(row, "worse") && claimed)
                        add_place(out->worse, entry, row);
                else if (strcmp(result_text(row, "role"), "guardrail") == 0 &&
                         !says(row, "better") && !within)
                        add_place(out->open, entry, row);
        }
        return at;
}

/* Whether every scenario says one of the two. */
static bool everywhere(const struct ab_board *board, size_t comparison, const char *one,
                       const char *other)
{
        for (size_t e = 0; e < ab_board_count(board); e++) {
                const char *verdict = result_text(comparison_of(board, e, comparison), "verdict");

                if (strcmp(verdict, one) != 0 && strcmp(verdict, other) != 0)
                        return false;
        }
        return true;
}

static enum ab_overall reach(const struct ab_board *board, size_t comparison,
                             const struct overall *overall)
{
        if (everywhere(board, comparison, "identical", "identical"))
                return OVERALL_IDENTICAL;
        if (json_array_size(overall->worse) > 0)
                return json_array_size(overall->better) > 0 ? OVERALL_TRADE_OFF : OVERALL_WORSE;
        if (everywhere(board, comparison, "equivalent", "identical"))
                return OVERALL_EQUIVALENT;
        if (json_array_size(overall->open) == 0 && json_array_size(overall->better) > 0 &&
            overall->pooled.has_low && overall->pooled.low > 0)
                return OVERALL_BETTER;
        return OVERALL_INCONCLUSIVE;
}

static void add_list(struct text *text, const json_t *places)
{
        for (size_t i = 0; i < json_array_size(places); i++)
                text_addf(text, "%s%s", i == 0 ? "" : i + 1 == json_array_size(places) ? " and " : ", ",
                          json_string_value(json_array_get(places, i)));
}

static void add_verdict(struct text *text, char letter, const struct overall *overall)
{
        switch (overall->verdict) {
        case OVERALL_IDENTICAL:
                text_add(text, "identical");
                break;
        case OVERALL_EQUIVALENT:
                text_add(text, "equivalent");
                break;
        case OVERALL_BETTER:
                text_addf(text, "%c better", letter);
                break;
        case OVERALL_WORSE:
                text_addf(text, "%c worse", letter);
                break;
        case OVERALL_TRADE_OFF:
                text_addf(text, "trade-off: %c better on ", letter);
                add_list(text, overall->better);
                text_add(text, ", worse on ");
                add_list(text, overall->worse);
                break;
        case OVERALL_INCONCLUSIVE:
                text_add(text, "inconclusive");
                break;
        }
}

static void add_sentence(struct text *text, char letter, const char *primary, size_t scenarios,
                         const struct overall *overall)
{
        if (overall->verdict == OVERALL_IDENTICAL) {
                text_addf(text, "A and %c agree exactly, in all of %zu scenarios.", letter, scenarios);
                return;
        }
        text_addf(text, "Over %zu scenarios, ", scenarios);
        for (; *primary != '\0'; primary++)
                text_add_bytes(text, *primary == '_' ? " " : primary, 1);
        if (overall->pooled.has_value)
                text_addf(text, " were on average %.3g allowed margins %s with %c",
                          fabs(overall->pooled.value), overall->pooled.value < 0 ? "worse" : "better",
                          letter);
        if (overall->pooled.has_low && overall->pooled.has_high)
                text_addf(text, " (%.3g to %.3g)",
                          overall->pooled.value < 0 ? -overall->pooled.high : overall->pooled.low,
                          overall->pooled.value < 0 ? -overall->pooled.low : overall->pooled.high);
        if (json_array_size(overall->better) > 0) {
                text_addf(text, "; %c is better on ", letter);
                add_list(text, overall->better);
        }
        if (json_array_size(overall->worse) > 0) {
                text_addf(text, "; worse on ");
                add_list(text, overall->worse);
        }
        if (json_array_size(overall->open) > 0) {
                text_add(text, "; not shown to be within the allowed margin: ");
                add_list(text, overall->open);
        }
        text_add(text, ".");
}

static json_t *limit(bool has, double value)
{
        return has && isfinite(value) ? json_real(value + 0.0) : json_null();
}

static json_t *overall_json(const struct ab_board *board, size_t c, const struct overall *overall)
{
        const json_t *comparison = comparison_of(board, 0, c);
        const char *primary = result_text(json_array_get(result_at(comparison, "metrics"), 0),
                                          "metric");
        char letter = (char)('B' + c);
        struct text verdict, sentence;
        json_t *json;

        text_init(&verdict);
        text_init(&sentence);
        add_verdict(&verdict, letter, overall);
        add_sentence(&sentence, letter, primary, ab_board_count(board), overall);
        json = json_pack("{s:s, s:s, s:s, s:i, s:s, s:{s:o, s:o, s:o, s:I, s:s}, s:O, s:O, s:O}",
                         "a", result_text(comparison, "a"), "b", result_text(comparison, "b"),
                         "verdict", text_bytes(&verdict), "exit_code",
                         ab_exit_code(overall->verdict), "sentence", text_bytes(&sentence), "pooled",
                         "value", limit(overall->pooled.has_value, overall->pooled.value), "low",
                         limit(overall->pooled.has_low, overall->pooled.low), "high",
                         limit(overall->pooled.has_high, overall->pooled.high), "n",
                         (json_int_t)overall->pooled.n, "unit", "margins", "better", overall->better,
                         "worse", overall->worse, "open", overall->open);
        text_release(&verdict);
        text_release(&sentence);
        return json;
}

static json_t *judge(const struct ab_board *board, size_t c, const double *p, int *exit_code)
{
        double confidence = result_number(json_array_get(board->entries, 0), "ab.design.confidence");
        struct overall overall = {.better = json_array(), .worse = json_array(), .open = json_array()};
        size_t at = 0;
        json_t *json = NULL;

        if (overall.better == NULL || overall.worse == NULL || overall.open == NULL ||
            !pool(board, c, &overall.pooled))
                goto done;
        for (size_t e = 0; e < ab_board_count(board); e++)
                for (size_t k = 0; k < comparison_count(board); k++) {
                        struct overall nowhere = {.better = NULL};

                        at += sort_rows(json_array_get(board->entries, e), comparison_of(board, e, k),
                                        p + at, 1 - (isnan(confidence) ? 0.95 : confidence),
                                        k == c ? &overall : &nowhere);
                }
        overall.verdict = reach(board, c, &overall);
        *exit_code = exit_code_worse(*exit_code, ab_exit_code(overall.verdict));
        json = overall_json(board, c, &overall);
done:
        json_decref(overall.better);
        json_decref(overall.worse);
        json_decref(overall.open);
        return json;
}

static json_t *scenario_json(const json_t *entry)
{
        json_t *cells = json_array(), *comparison;
        const json_t *comparisons = result_at(entry, "ab.comparisons");
        size_t i;

        json_array_foreach((json_t *)(uintptr_t)comparisons, i, comparison)
        {
                const json_t *primary = json_array_get(result_at(comparison, "metrics"), 0);

                json_array_append_new(
                        cells, json_pack("{s:s, s:s, s:s, s:s, s:O?, s:O?}", "b",
                                         result_text(comparison, "b"), "verdict",
                                         result_text(comparison, "verdict"), "sentence",
                                         result_text(comparison, "sentence"), "metric",
                                         result_text(primary, "metric"), "difference",
                                         result_at(primary, "difference"), "margin",
                                         result_at(primary, "margin")));
        }
        return json_pack("{s:s, s:s, s:s, s:O?, s:o}", "file", result_text(entry, "file"), "title",
                         result_text(entry, "title"), "variables", result_text(entry, "label"),
                         "pairs", result_at(entry, "ab.design.pairs"), "comparisons", cells);
}

json_t *ab_board_json(const struct ab_board *board, int *exit_code)
{
        json_t *scenarios = json_array(), *overall = json_array();
        size_t count = 0;
        double *p = adjusted_p(board, &count);

        *exit_code = EXIT_PASSED;
        if (p == NULL) {
                json_decref(scenarios);
                json_decref(overall);
                return NULL;
        }
        for (size_t e = 0; e < ab_board_count(board); e++)
                json_array_append_new(scenarios, scenario_json(json_array_get(board->entries, e)));
        for (size_t c = 0; c < comparison_count(board); c++)
                json_array_append_new(overall, judge(board, c, p, exit_code));
        free(p);
        return json_pack("{s:s, s:I, s:o, s:o}", "schema", AB_BOARD_SCHEMA, "questions",
                         (json_int_t)count, "scenarios", scenarios, "overall", overall);
}

/* ---- for people */

static void scenario_name(struct text *text, const json_t *scenario)
{
        const char *label = result_text(scenario, "variables");

        text_plain(text, result_text(scenario, "file"));
        if (*label != '\0') {
                text_add(text, " ");
                text_plain(text, label);
        }
}

void ab_board_screen(const json_t *comparison, struct text *out)
{
        const json_t *scenarios = result_at(comparison, "scenarios");
        const json_t *overall = result_at(comparison, "overall");
        size_t i, k;
        json_t *scenario, *cell;

        text_cell(out, "", NAME_COLUMNS);
        json_array_foreach((json_t *)(uintptr_t)overall, i, cell)
        {
                text_add(out, " ");
                text_cell(out, result_text(cell, "b"), CELL_COLUMNS - 1);
        }
        text_add(out, "\n");
        json_array_foreach((json_t *)(uintptr_t)scenarios, i, scenario)
        {
                struct text name;

                text_init(&name);
                scenario_name(&name, scenario);
                text_cell(out, text_bytes(&name), NAME_COLUMNS);
                text_release(&name);
                json_array_foreach(json_object_get(scenario, "comparisons"), k, cell)
                {
                        text_add(out, " ");
                        text_cell(out, result_text(cell, "verdict"), CELL_COLUMNS - 1);
                }
                text_add(out, "\n");
        }
        text_cell(out, "over all", NAME_COLUMNS);
        json_array_foreach((json_t *)(uintptr_t)overall, i, cell)
        {
                text_add(out, " ");
                text_cell(out, result_text(cell, "verdict"), CELL_COLUMNS - 1);
        }
        text_add(out, "\n");
        json_array_foreach((json_t *)(uintptr_t)overall, i, cell)
                text_wrapped(out, result_text(cell, "sentence"), 80, 0);
}

void ab_board_markdown(const json_t *comparison, struct text *out)
{
        const json_t *scenarios = result_at(comparison, "scenarios");
        const json_t *overall = result_at(comparison, "overall");
        size_t i, k;
        json_t *scenario, *cell;

        text_add(out, "Each against ");
        text_markdown(out, result_text(json_array_get(overall, 0), "a"));
        text_add(out, " (A).\n\n| scenario | pairs |");
        json_array_foreach((json_t *)(uintptr_t)overall, i, cell)
        {
                text_add(out, " ");
                text_markdown(out, result_text(cell, "b"));
                text_add(out, " |");
        }
        text_add(out, "\n|---|---:|");
        for (i = 0; i < json_array_size(overall); i++)
                text_add(out, "---|");
        json_array_foreach((json_t *)(uintptr_t)scenarios, i, scenario)
        {
                struct text name;

                text_init(&name);
                scenario_name(&name, scenario);
                text_add(out, "\n| ");
                text_markdown(out, text_bytes(&name));
                text_release(&name);
                text_addf(out, " | %.0f |", result_number(scenario, "pairs"));
                json_array_foreach(json_object_get(scenario, "comparisons"), k, cell)
                {
                        text_add(out, " ");
                        text_markdown(out, result_text(cell, "verdict"));
                        text_add(out, " |");
                }
        }
        text_add(out, "\n| **over all** | |");
        json_array_foreach((json_t *)(uintptr_t)overall, i, cell)
        {
                text_add(out, " **");
                text_markdown(out, result_text(cell, "verdict"));
                text_add(out, "** |");
        }
        text_add(out, "\n");
        json_array_foreach((json_t *)(uintptr_t)overall, i, cell)
        {
                text_add(out, "\n");
                text_markdown(out, result_text(cell, "sentence"));
                text_add(out, "\n");
        }
}
