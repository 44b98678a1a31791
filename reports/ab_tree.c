/* ab_tree.c - a comparison in words and as the `ab` object of result.json.
 *
 * Keys of a row: a, b and difference are metric objects (difference is A - B);
 * tests stand beside it by name. What cannot be computed is null. The values of
 * every pair are there for the metrics that decide, so that a reader can draw
 * or test them again.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/ab_state.h"
#include "reports/stats/interval.h"
#include "reports/text.h"
#include "reports/verdict.h"

static const char *const role_names[] = {"primary", "guardrail", "exploratory"};
static const char *const stopping_names[] = {"sequential", "precision", "fixed"};

static json_t *number_json(bool has, double value)
{
        return has && isfinite(value) ? json_real(value + 0.0) : json_null(); /* no -0 */
}

static json_t *interval_json(const struct stats_interval *interval, const char *unit)
{
        return json_pack("{s:o, s:o, s:o, s:I, s:I, s:n, s:n, s:s}", "value",
                         number_json(interval->has_value, interval->value), "low",
                         number_json(interval->has_low, interval->low), "high",
                         number_json(interval->has_high, interval->high), "n",
                         (json_int_t)interval->n, "count", (json_int_t)interval->n, "numerator",
                         "denominator", "unit", unit);
}

/* "failed requests" for failed_requests. */
static void add_title(struct text *text, const char *metric)
{
        for (; *metric != '\0'; metric++)
                text_add_bytes(text, *metric == '_' ? " " : metric, 1);
}

/* Verdicts name the strategy by its letter. */
static json_t *verdict_json(enum ab_verdict verdict, char letter)
{
        char words[32];

        snprintf(words, sizeof(words), "%s", ab_verdict_names[verdict]);
        if (words[0] == 'B')
                words[0] = letter;
        return json_string(words);
}

/* ---- one row */

static json_t *ranks_json(const struct ab_row *row)
{
        const struct stats_wilcoxon *ranks = &row->wilcoxon;

        if (!row->has_ranks || !ranks->has_p)
                return json_null();
        return json_pack("{s:o, s:b, s:o}", "p", number_json(true, ranks->p), "exact", ranks->exact,
                         "shift", interval_json(&ranks->shift, row->metric->unit));
}

static json_t *values_json(const struct ab *ab, size_t s, size_t m)
{
        json_t *list = json_array();
        const double *values = ab_values(ab, s, m);

        for (size_t i = 0; i < ab->pairs; i++)
                json_array_append_new(list, number_json(true, values[i]));
        return list;
}

/* "0 of 30 still allows 12 %". */
static json_t *note_json(const struct ab_row *row)
{
        struct stats_interval unseen = stats_clopper_pearson(0, row->n, 0.95);
        char words[96];

        if (!row->metric->is_event || row->n == 0 || row->events_a + row->events_b > 0)
                return json_null();
        snprintf(words, sizeof(words), "0 of %zu still allows %.0f %%", row->n, 100 * unseen.high);
        return json_string(words);
}

static json_t *row_json(const struct ab *ab, size_t comparison, size_t m)
{
        const struct ab_row *row = &ab->comparisons[comparison].rows[m];
        const struct ab_metric *metric = row->metric;
        bool has_relative = row->a.has_value && row->a.value != 0 && row->difference.has_value;
        json_t *json = json_pack(
                "{s:s, s:s, s:s, s:s, s:I, s:o, s:o, s:o, s:f, s:o, s:o, s:o, s:o, s:s}", "metric",
                metric->name, "role", role_names[metric->role], "unit", metric->unit, "better",
                metric->better == BETTER_LOW    ? "lower"
                : metric->better == BETTER_HIGH ? "higher"
                                                : "neither",
                "n", (json_int_t)row->n, "a", interval_json(&row->a, metric->unit), "b",
                interval_json(&row->b, metric->unit), "difference",
                interval_json(&row->difference, metric->unit), "confidence", row->confidence,
                "relative",
                number_json(has_relative,
                            has_relative ? row->difference.value / fabs(row->a.value) : 0),
                "log_ratio", interval_json(&row->log_ratio, "1"), "p",
                number_json(row->has_p, row->p), "p_adjusted",
                number_json(row->has_p, row->p_adjusted), "test", row->test);

        if (json == NULL)
                return NULL;
        json_object_set_new(json, "wilcoxon", ranks_json(row));
        json_object_set_new(json, "signs",
                            json_pack("{s:I, s:I, s:I, s:o}", "plus", (json_int_t)row->plus, "zero",
                                      (json_int_t)row->zero, "minus", (json_int_t)row->minus,
                                      "nonzero", interval_json(&row->nonzero_mean, metric->unit)));
        json_object_set_new(json, "bca",
                            row->has_bca ? interval_json(&row->bca, metric->unit) : json_null());
        if (metric->is_event)
                json_object_set_new(json, "events",
                                    json_pack("{s:I, s:I}", "a", (json_int_t)row->events_a, "b",
                                              (json_int_t)row->events_b));
        json_object_set_new(json, "detectable", number_json(row->has_mde, row->mde));
        json_object_set_new(json, "margin", number_json(metric->margin > 0, metric->margin));
        json_object_set_new(json, "within_margin",
                            metric->margin > 0 ? json_boolean(row->is_within) : json_null());
        json_object_set_new(json, "verdict", verdict_json(row->verdict, ab_letter(comparison)));
        json_object_set_new(json, "disputed_by",
                            row->disputed_by != NULL ? json_string(row->disputed_by) : json_null());
        json_object_set_new(json, "pairs_needed",
                            row->verdict == AB_INCONCLUSIVE && row->has_pairs_needed
                                    ? json_integer((json_int_t)row->pairs_needed)
                                    : json_null());
        json_object_set_new(json, "note", note_json(row));
        if (m < ab->decider_count) {
                json_object_set_new(json, "a_values", values_json(ab, 0, m));
                json_object_set_new(json, "b_values", values_json(ab, comparison + 1, m));
        }
        return json;
}

static json_t *rows_json(const struct ab *ab, size_t comparison)
{
        json_t *list = json_array();

        for (size_t m = 0; m < ab->metric_count; m++)
                json_array_append_new(list, row_json(ab, comparison, m));
        return list;
}

/* ---- words */

/* Titles of the deciding rows for which `test` holds, "x, y and z"; how many. */
static size_t add_names(struct text *text, const struct ab *ab, const struct ab_row *rows,
                        bool (*test)(const struct ab_row *row))
{
        size_t all = 0, at = 0;

        for (size_t m = 0; m < ab->decider_count; m++)
                all += test(&rows[m]);
        for (size_t m = 0; m < ab->decider_count; m++) {
                if (!test(&rows[m]))
                        continue;
                text_add(text, at == 0 ? "" : at + 1 == all ? " and " : ", ");
                add_title(text, rows[m].metric->name);
                at++;
        }
        return all;
}

static bool is_better(const struct ab_row *row)
{
        return row->verdict == AB_BETTER;
}

static bool is_worse(const struct ab_row *row)
{
        return row->verdict == AB_WORSE;
}

static bool is_open_guardrail(const struct ab_row *row)
{
        return row->metric->role == AB_GUARDRAIL && row->verdict == AB_INCONCLUSIVE && row->n > 0 &&
               (!row->is_within || row->disputed_by != NULL);
}

static bool is_worse_guardrail(const struct ab_row *row)
{
        return row->metric->role == AB_GUARDRAIL && is_worse(row);
}

static bool is_better_guardrail(const struct ab_row *row)
{
        return row->metric->role == AB_GUARDRAIL && is_better(row);
}

static void overall_words(const struct ab *ab, size_t comparison, struct text *text)
{
        const struct ab_comparison *c = &ab->comparisons[comparison];
        char letter = ab_letter(comparison);

        switch (c->overall) {
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
                add_names(text, ab, c->rows, is_better);
                text_add(text, ", worse on ");
                add_names(text, ab, c->rows, is_worse);
                break;
        case OVERALL_INCONCLUSIVE:
                text_add(text, "inconclusive");
                break;
        }
}

/* "1 230 fewer requests per run (950 to 1 510)": the difference as seen from B,
 * its size and its limits with the sign turned to that size. */
static void add_difference(struct text *text, const struct ab_row *row, bool b_is_less)
{
        double value = fabs(row->difference.value);
        bool requests = strcmp(row->metric->unit, "requests") == 0;

        if (requests) {
                text_count(text, round(value));
                text_addf(text, " %s requests per run", b_is_less ? "fewer" : "more");
        } else {
                text_value(text, value, row->metric->unit);
                text_add(text, b_is_less ? " less" : " more");
        }
        if (row->difference.has_low && row->difference.has_high) {
                double low = b_is_less ? row->difference.low : -row->difference.high;
                double high = b_is_less ? row->difference.high : -row->difference.low;

                text_add(text, " (");
                text_range(text, low, high, requests ? "" : row->metric->unit);
                text_add(text, ")");
        }
}

static void add_primary(struct text *text, const struct ab *ab, size_t comparison)
{
        const struct ab_row *row = &ab->comparisons[comparison].rows[0];
        char letter = ab_letter(comparison);
        bool b_is_less = row->difference.value > 0;
        bool b_is_good = ab_benefit(row->metric, row->difference.value) > 0;
        size_t good = row->metric->better == BETTER_HIGH ? row->minus : row->plus;
        size_t bad = row->metric->better == BETTER_HIGH ? row->plus : row->minus;

        if (row->n == 0) {
                text_add(text, "There is no data on ");
                add_title(text, row->metric->name);
                return;
        }
        if (row->identical) {
                text_addf(text, "A and %c agree exactly in ", letter);
                add_title(text, row->metric->name);
                text_addf(text, " in all of %zu pairs", row->n);
                return;
        }
        if (row->verdict == AB_INCONCLUSIVE)
                text_add(text, "Not decided: ");
        else if (row->verdict == AB_EQUIVALENT)
                text_add(text, "Too small to matter: ");
        text_addf(text, "%c %s ", letter,
                  strcmp(row->metric->unit, "requests") == 0 ? "lost" : "had");
        add_difference(text, row, b_is_less);
        if (strcmp(row->metric->unit, "requests") != 0) {
                text_add(text, " of ");
                add_title(text, row->metric->name);
        }
        text_addf(text, ", %s in %zu of %zu", b_is_good ? "better" : "worse",
                  b_is_good ? good : bad, row->n);
        if (row->verdict == AB_INCONCLUSIVE && row->disputed_by != NULL)
                text_addf(text, ", which the %s dispute%s", row->disputed_by,
                          row->disputed_by[strlen(row->disputed_by) - 1] == 's' ? "" : "s");
        else if (row->verdict == AB_INCONCLUSIVE && row->has_pairs_needed) {
                text_add(text, "; about ");
                text_count(text, (double)row->pairs_needed);
                text_add(text, " pairs would decide");
        }
}

static void sentence(const struct ab *ab, size_t comparison, struct text *text)
{
        const struct ab_row *rows = ab->comparisons[comparison].rows;
        size_t guardrails = ab->decider_count - 1, open = 0, worse = 0;

        if (ab->comparisons[comparison].overall == OVERALL_IDENTICAL) {
                text_addf(text,
                          "A and %c are identical: they agree exactly, in every metric and all "
                          "of %zu pairs.",
                          ab_letter(comparison), ab->pairs);
                return;
        }
        add_primary(text, ab, comparison);
        for (size_t m = 1; m < ab->decider_count; m++) {
                open += is_open_guardrail(&rows[m]);
                worse += is_worse_guardrail(&rows[m]);
        }
        for (size_t m = 1; m < ab->decider_count; m++)
                if (is_better_guardrail(&rows[m])) {
                        text_add(text, is_better(&rows[0]) ? "; also better on " : "; better on ");
                        add_names(text, ab, rows, is_better_guardrail);
                        break;
                }
        if (worse > 0) {
                text_add(text, "; worse on ");
                add_names(text, ab, rows, is_worse_guardrail);
        }
        if (open > 0) {
                text_add(text, "; not shown to be within the allowed margin: ");
                add_names(text, ab, rows, is_open_guardrail);
        } else if (worse == 0 && guardrails > 0 && rows[0].n >= AB_PAIRS_TO_DECIDE) {
                text_add(text, "; all guardrails within the allowed margins");
        }
        text_add(text, ".");
}

static json_t *text_json(struct text *text)
{
        json_t *json = text_ok(text) ? json_string(text_bytes(text)) : NULL;

        text_release(text);
        return json;
}

static json_t *overall_json(const struct ab *ab, size_t comparison)
{
        struct text text;

        text_init(&text);
        overall_words(ab, comparison, &text);
        return text_json(&text);
}

static json_t *sentence_json(const struct ab *ab, size_t comparison)
{
        struct text text;

        text_init(&text);
        sentence(ab, comparison, &text);
        return text_json(&text);
}

/* ---- the rest */

/* The replication in which B did worst against A by the primary. */
static json_t *worst_json(const struct ab *ab, size_t comparison)
{
        const double *a = ab_values(ab, 0, 0), *b = ab_values(ab, comparison + 1, 0);
        const struct ab_metric *primary = &ab->metrics[0];
        size_t worst = SIZE_MAX;
        char *command;
        json_t *json;
        int length;

        for (size_t i = 0; i < ab->pairs; i++)
                if (isfinite(a[i]) && isfinite(b[i]) &&
                    (worst == SIZE_MAX ||
                     ab_benefit(primary, a[i] - b[i]) < ab_benefit(primary, a[worst] - b[worst])))
                        worst = i;
        if (worst == SIZE_MAX || ab->comparisons[comparison].overall == OVERALL_IDENTICAL)
                return json_null();
        json = json_pack("{s:I, s:o, s:o, s:o, s:n}", "replication",
                         (json_int_t)ab->replications[worst], "a", number_json(true, a[worst]), "b",
                         number_json(true, b[worst]), "difference",
                         number_json(true, a[worst] - b[worst]), "command");
        if (json == NULL || ab->settings.command == NULL)
                return json;
        length = snprintf(NULL, 0, "%s --replication %u --strategy %s", ab->settings.command,
                          ab->replications[worst], ab->strategies[comparison + 1].name);
        command = malloc((size_t)length + 1);
        if (command != NULL) {
                snprintf(command, (size_t)length + 1, "%s --replication %u --strategy %s",
                         ab->settings.command, ab->replications[worst],
                         ab->strategies[comparison + 1].name);
                json_object_set_new(json, "command", json_string(command));
        }
        free(command);
        return json;
}

static json_t *strategies_json(const struct ab *ab)
{
        json_t *list = json_array();

        for (size_t s = 0; s < ab->strategy_count; s++) {
                const char letter[2] = {(char)('A' + s), '\0'};

                json_array_append_new(list, json_pack("{s:s, s:s, s:s?}", "letter", letter, "name",
                                                      ab->strategies[s].name, "digest",
                                                      ab->strategies[s].digest));
        }
        return list;
}

static json_t *comparisons_json(const struct ab *ab)
{
        json_t *list = json_array();

        for (size_t c = 0; c + 1 < ab->strategy_count; c++)
                json_array_append_new(
                        list, json_pack("{s:s, s:s, s:o, s:s, s:i, s:o, s:o, s:o}", "a",
                                        ab->strategies[0].name, "b", ab->strategies[c + 1].name,
                                        "verdict", overall_json(ab, c), "outcome",
                                        exit_code_outcome(ab_exit_code(ab->comparisons[c].overall)),
                                        "exit_code", ab_exit_code(ab->comparisons[c].overall),
                                        "sentence", sentence_json(ab, c), "worst",
                                        worst_json(ab, c), "metrics", rows_json(ab, c)));
        return list;
}

/* Mean difference of two lists of primary values, without those that miss. */
static struct stats_paired_t paired(const double *a, const double *b, size_t n, double confidence)
{
        struct stats_paired_t result = {0};
        double *d = calloc(n + 1, sizeof(*d));
        size_t kept = 0;

        if (d == NULL)
                return result;
        for (size_t i = 0; i < n; i++)
                if (isfinite(a[i]) && isfinite(b[i]))
                        d[kept++] = a[i] - b[i];
        result = stats_paired_t(d, kept, confidence);
        free(d);
        return result;
}

/* Strategies by their primary, the best first; equal ones keep their order. */
static json_t *ranking_json(const struct ab *ab)
{
        const struct ab_metric *primary = &ab->metrics[0];
        json_t *list = json_array();
        struct stats_interval means[AB_STRATEGIES_MAX];
        bool taken[AB_STRATEGIES_MAX] = {false};

        for (size_t s = 0; s < ab->strategy_count; s++)
                means[s] = s == 0 ? ab->comparisons[0].rows[0].a : ab->comparisons[s - 1].rows[0].b;
        for (size_t rank = 1; rank <= ab->strategy_count; rank++) {
                size_t best = SIZE_MAX;

                for (size_t s = 0; s < ab->strategy_count; s++)
                        if (!taken[s] &&
                            (best == SIZE_MAX ||
                             ab_benefit(primary, means[best].value - means[s].value) > 0))
                                best = s;
                taken[best] = true;
                struct stats_paired_t against =
                        paired(ab_values(ab, ab->strategy_count, 0), ab_values(ab, best, 0),
                               ab->pairs, ab->settings.confidence);
                json_array_append_new(
                        list,
                        json_pack("{s:I, s:s, s:o, s:o, s:o}", "rank", (json_int_t)rank, "strategy",
                                  ab->strategies[best].name, "value",
                                  interval_json(&means[best], primary->unit), "untreated_less",
                                  interval_json(&against.difference, primary->unit), "p",
                                  number_json(against.has_test, against.p)));
        }
        return list;
}

static json_t *design_json(const struct ab *ab)
{
        const struct run_meta *meta = ab->settings.meta;
        const struct ab_row *primary = &ab->comparisons[0].rows[0];
        struct stats_interval gained = {0};
        json_t *json;
        bool finite = true;

        for (size_t i = 0; i < ab->pairs; i++)
                finite = finite && isfinite(ab_values(ab, 0, 0)[i]) &&
                         isfinite(ab_values(ab, 1, 0)[i]);
        if (finite && ab->pairs > 0 &&
            !stats_variance_ratio(ab_values(ab, 0, 0), ab_values(ab, 1, 0), ab->pairs, &gained))
                return NULL;
        json = json_pack("{s:I, s:s, s:I, s:I, s:o, s:f, s:I, s:o, s:o, s:o}", "pairs",
                         (json_int_t)ab->pairs, "stopping", stopping_names[ab->settings.stopping],
                         "pairs_min", (json_int_t)ab->settings.pairs_min, "pairs_max",
                         (json_int_t)ab->settings.pairs_max, "width",
                         number_json(ab->settings.stopping == AB_PRECISION, ab->settings.width),
                         "confidence", ab->settings.confidence, "simultaneous",
                         (json_int_t)ab->decider_count * (json_int_t)(ab->strategy_count - 1),
                         "variance_ratio", number_json(gained.has_value, gained.value),
                         "detectable", number_json(primary->has_mde, primary->mde), "replications",
                         ab->pairs > 0 ? json_pack("[i, i]", (int)ab->replications[0],
                                                   (int)ab->replications[ab->pairs - 1])
                                       : json_null());
        if (json != NULL && ab->settings.max_loss > 0) {
                json_object_set_new(json, "max_loss", json_real(ab->settings.max_loss));
                json_object_set_new(json, "loss", json_real(ab_loss(ab)));
                json_object_set_new(json, "stopped_by_loss",
                                    json_boolean(ab_may_lose_too_much(ab)));
                json_object_set_new(json, "cut",
                                    !ab->cut.is ? json_null()
                                                : json_pack("{s:I, s:I}", "replication",
                                                            (json_int_t)ab->cut.replication, "at",
                                                            (json_int_t)ab->cut.at_s));
        }
        if (json != NULL && meta != NULL) {
                json_object_set_new(json, "warmup", json_real(seconds_of(meta->warmup_ns)));
                json_object_set_new(json, "duration", json_real(seconds_of(meta->duration_ns)));
                json_object_set_new(json, "horizon", json_real(seconds_of(meta->horizon_ns)));
        }
        for (size_t m = 0; json != NULL && m < ab->decider_count; m++)
                if (ab->metrics[m].is_event) {
                        const struct ab_row *row = &ab->comparisons[0].rows[m];

                        json_object_set_new(json, "censored",
                                            json_pack("{s:I, s:I}", "a", (json_int_t)row->events_a,
                                                      "b", (json_int_t)row->events_b));
                }
        return json;
}

/* Of all comparisons: "B worse; C better". */
static void all_verdicts(const struct ab *ab, struct text *text)
{
        for (size_t c = 0; c + 1 < ab->strategy_count; c++) {
                text_add(text, c == 0 ? "" : "; ");
                if (ab->comparisons[c].overall == OVERALL_INCONCLUSIVE ||
                    ab->comparisons[c].overall == OVERALL_IDENTICAL ||
                    ab->comparisons[c].overall == OVERALL_EQUIVALENT)
                        text_addf(text, "%c ", ab_letter(c));
                overall_words(ab, c, text);
        }
}

static json_t *verdict_of_all(const struct ab *ab)
{
        struct text text;

        if (ab->strategy_count == 2)
                return overall_json(ab, 0);
        text_init(&text);
        all_verdicts(ab, &text);
        return text_json(&text);
}

/* Of more than two: each against the first, who is best, and the pairs it rests on. */
static json_t *sentence_of_all(const struct ab *ab, const json_t *ranking)
{
        const json_t *best = json_array_get(ranking, 0);
        struct text text;

        if (ab->strategy_count == 2)
                return sentence_json(ab, 0);
        text_init(&text);
        text_add(&text, "Against A: ");
        all_verdicts(ab, &text);
        if (ab->pairs > 0) {
                text_addf(&text, ", in %zu replications; %s ", ab->pairs,
                          ab->metrics[0].better == BETTER_HIGH ? "most" : "least");
                add_title(&text, ab->metrics[0].name);
                text_addf(&text, " with %s", json_string_value(json_object_get(best, "strategy")));
        }
        text_add(&text, ".");
        return text_json(&text);
}

json_t *ab_tree(const struct ab *ab, int exit_code)
{
        json_t *ranking = ranking_json(ab);

        return json_pack("{s:o, s:s, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "verdict",
                         verdict_of_all(ab), "outcome", exit_code_outcome(exit_code), "exit_code",
                         exit_code, "sentence", sentence_of_all(ab, ranking), "strategies",
                         strategies_json(ab), "design", design_json(ab), "worst", worst_json(ab, 0),
                         "metrics", rows_json(ab, 0), "comparisons", comparisons_json(ab),
                         "ranking", ranking);
}
