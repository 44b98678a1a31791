/* test_ab.c - verdicts of comparisons whose values are made by hand. */
#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/ab.h"
#include "reports/ab_screen.h"
#include "reports/metric_table.h"
#include "reports/report.h"
#include "reports/verdict.h"
#include "tests/numbers.h"

enum { LOST, BAD_S, COLLAPSE, GOODPUT, ACTIONS, METRICS, PAIRS = 40 };

static const struct ab_metric metrics[METRICS] = {
        {.name = "failed_requests", .unit = "requests", .better = BETTER_LOW, .role = AB_PRIMARY,
         .margin = 10},
        {.name = "bad_seconds", .unit = "s", .better = BETTER_LOW, .role = AB_GUARDRAIL, .margin = 2},
        {.name = "collapse_ratio", .unit = "ratio", .better = BETTER_LOW, .role = AB_GUARDRAIL,
         .margin = 0.05, .is_event = true},
        {.name = "goodput", .unit = "1/s", .better = BETTER_HIGH, .role = AB_EXPLORATORY},
        {.name = "actions", .unit = "actions", .better = BETTER_NEITHER, .role = AB_EXPLORATORY},
};
static const struct ab_strategy two[] = {{"one", "1"}, {"other", "2"}};

/* A bell of noise, mean 0 and deviation near 1, the same each time. */
static double noise(size_t i)
{
        double sum = 0;

        for (size_t k = 0; k < 12; k++)
                sum += fmod((double)(i * 12 + k + 1) * 0.6180339887498949, 1.0);
        return (sum - 6) * 3;
}

struct values {
        double a[METRICS], b[METRICS];
};

/* Both strategies the same, at `i`. */
static struct values same_values(size_t i)
{
        struct values v = {.a = {1000 + 50 * noise(i + 100), 60 + 5 * noise(i + 300), 0, 99, 4}};

        memcpy(v.b, v.a, sizeof(v.b));
        return v;
}

static struct ab_settings fixed_settings(size_t pairs)
{
        return (struct ab_settings){.confidence = 0.95, .stopping = AB_FIXED, .pairs_min = pairs,
                                    .pairs_max = pairs, .command = "chaos-run f.json --seed 1"};
}

typedef void change(struct values *v, size_t i);

static struct ab *fill(const struct ab_settings *settings, size_t pairs, change *edit, bool swapped)
{
        struct ab *ab = ab_create(settings, metrics, METRICS, two, 2);

        ck_assert_ptr_nonnull(ab);
        for (size_t i = 0; i < pairs; i++) {
                struct values v = same_values(i);
                double both[2 * METRICS];

                edit(&v, i);
                memcpy(both, swapped ? v.b : v.a, sizeof(v.a));
                memcpy(both + METRICS, swapped ? v.a : v.b, sizeof(v.b));
                ck_assert(ab_add_values(ab, (uint32_t)i, both, NULL));
        }
        return ab;
}

/* A new reference: the `ab` object of `pairs` pairs, with a fixed number. */
static json_t *compare(size_t pairs, change *edit, bool swapped, int *code)
{
        struct ab_settings settings = fixed_settings(pairs);
        struct ab *ab = fill(&settings, pairs, edit, swapped);
        json_t *json = ab_result(ab, code);

        ck_assert_ptr_nonnull(json);
        ck_assert_int_eq(*code, (int)json_integer_value(json_object_get(json, "exit_code")));
        ab_destroy(ab);
        return json;
}

static const json_t *row_of(const json_t *ab, int metric)
{
        return json_array_get(json_object_get(ab, "metrics"), (size_t)metric);
}

static const char *verdict_of(const json_t *ab, int metric)
{
        return result_text(row_of(ab, metric), "verdict");
}

static void ck_verdict(json_t *ab, int metric, const char *verdict)
{
        ck_assert_str_eq(verdict_of(ab, metric), verdict);
}

/* ---- what is done to B */

static void nothing(struct values *v, size_t i)
{
        (void)v;
        (void)i;
}

static void b_loses_fewer(struct values *v, size_t i)
{
        v->b[LOST] -= 100 + 20 * noise(i);
}

static void b_a_little_fewer(struct values *v, size_t i)
{
        v->b[LOST] -= 1 + noise(i);
}

static void b_much_noise(struct values *v, size_t i)
{
        v->b[LOST] -= 5 + 100 * noise(i);
}

static void b_fewer_but_slower(struct values *v, size_t i)
{
        b_loses_fewer(v, i);
        v->b[BAD_S] += 10 + noise(i + 50);
}

static void b_fewer_but_unclear_guard(struct values *v, size_t i)
{
        b_loses_fewer(v, i);
        v->b[BAD_S] += 20 * noise(i + 50);
}

static void b_rarely_more(struct values *v, size_t i)
{
        if (i % 4 == 0)
                v->b[LOST] += 50 + noise(i);
}

static void b_collapses_often(struct values *v, size_t i)
{
        b_loses_fewer(v, i);
        v->b[COLLAPSE] = i % 3 == 0;
}

static void b_one_catastrophe(struct values *v, size_t i)
{
        v->b[LOST] -= 30 + 5 * noise(i);
        if (i == 7)
                v->b[LOST] += 40000;
}

/* The mean is carried by one pair out of the others' reach. */
static void b_one_lucky_strike(struct values *v, size_t i)
{
        v->b[LOST] += 12 + 2 * noise(i);
        if (i % 8 == 0)
                v->b[LOST] -= 900;
}

static void b_goodput_up_actions_up(struct values *v, size_t i)
{
        b_loses_fewer(v, i);
        v->b[GOODPUT] += 1 + 0.1 * noise(i);
        v->b[ACTIONS] += 2 + 0.1 * noise(i + 9);
}

static void b_has_gaps(struct values *v, size_t i)
{
        b_loses_fewer(v, i);
        if (i % 2 == 0)
                v->b[GOODPUT] = NAN;
}

/* ---- the verdict */

START_TEST(a_strategy_is_identical_to_itself)
{
        int code;
        json_t *ab = compare(PAIRS, nothing, false, &code);

        ck_assert_str_eq(result_text(ab, "verdict"), "identical");
        ck_assert_int_eq(code, EXIT_PASSED);
        for (int m = 0; m < METRICS; m++) {
                ck_verdict(ab, m, "identical");
                ck_assert_double_eq(result_number(row_of(ab, m), "difference.value"), 0);
        }
        ck_assert(json_is_null(json_object_get(ab, "worst")));
        json_decref(ab);
}
END_TEST

START_TEST(two_pairs_of_the_same_are_identical_too)
{
        int code;
        json_t *ab = compare(2, nothing, false, &code);

        ck_assert_str_eq(result_text(ab, "verdict"), "identical");
        ck_assert_int_eq(code, EXIT_PASSED);
        json_decref(ab);
}
END_TEST

START_TEST(fewer_lost_requests_are_better)
{
        int code;
        json_t *ab = compare(PAIRS, b_loses_fewer, false, &code);

        ck_assert_str_eq(result_text(ab, "verdict"), "B better");
        ck_assert_int_eq(code, EXIT_PASSED);
        ck_verdict(ab, LOST, "B better");
        ck_assert_double_eq_tol(result_number(row_of(ab, LOST), "difference.value"), 100, 15);
        ck_assert_ptr_nonnull(strstr(result_text(ab, "sentence"), "fewer requests per run"));
        ck_assert_ptr_nonnull(strstr(result_text(ab, "sentence"), "better in 40 of 40"));
        json_decref(ab);
}
END_TEST

START_TEST(the_other_way_round_it_is_a_regression)
{
        int code;
        json_t *ab = compare(PAIRS, b_loses_fewer, true, &code);

        ck_assert_str_eq(result_text(ab, "verdict"), "B worse");
        ck_assert_int_eq(code, EXIT_REGRESSION);
        json_decref(ab);
}
END_TEST

START_TEST(a_difference_below_the_margin_is_equivalent)
{
        int code;
        json_t *ab = compare(PAIRS, b_a_little_fewer, false, &code);

        ck_verdict(ab, LOST, "equivalent");
        ck_assert_str_eq(result_text(ab, "verdict"), "equivalent");
        ck_assert_int_eq(code, EXIT_PASSED);
        json_decref(ab);
}
END_TEST

START_TEST(much_noise_is_inconclusive_and_says_how_many_would_decide)
{
        int code;
        json_t *ab = compare(PAIRS, b_much_noise, false, &code);

        ck_assert_str_eq(result_text(ab, "verdict"), "inconclusive");
        ck_assert_int_eq(code, EXIT_INCONCLUSIVE);
        ck_assert_double_gt(result_number(row_of(ab, LOST), "pairs_needed"), PAIRS);
        ck_assert_double_gt(result_number(row_of(ab, LOST), "detectable"), 10);
        json_decref(ab);
}
END_TEST

START_TEST(two_pairs_never_decide)
{
        int code;
        json_t *ab = compare(2, b_loses_fewer, false, &code);

        ck_assert_str_eq(result_text(ab, "verdict"), "inconclusive");
        ck_assert_int_eq(code, EXIT_INCONCLUSIVE);
        ck_verdict(ab, LOST, "inconclusive");
        json_decref(ab);
}
END_TEST

START_TEST(better_on_one_and_worse_on_another_is_a_trade_off)
{
        int code;
        json_t *ab = compare(PAIRS, b_fewer_but_slower, false, &code);

        ck_assert_str_eq(result_text(ab, "verdict"),
                         "trade-off: B better on failed requests, worse on bad seconds");
        ck_assert_int_eq(code, EXIT_REGRESSION);
        json_decref(ab);
}
END_TEST

START_TEST(an_undecided_guardrail_keeps_the_verdict_open)
{
        int code;
        json_t *ab = compare(PAIRS, b_fewer_but_unclear_guard, false, &code);

        ck_verdict(ab, LOST, "B better");
        ck_verdict(ab, BAD_S, "inconclusive");
        ck_assert(json_is_false(result_at(row_of(ab, BAD_S), "within_margin")));
        ck_assert_str_eq(result_text(ab, "verdict"), "inconclusive");
        ck_assert_int_eq(code, EXIT_INCONCLUSIVE);
        json_decref(ab);
}
END_TEST

START_TEST(pairs_that_mostly_agree_exactly_are_tested_by_signs)
{
        int code;
        json_t *ab = compare(PAIRS, b_rarely_more, false, &code);
        const json_t *row = row_of(ab, LOST);

        ck_assert_str_eq(result_text(row, "test"), "sign");
        ck_assert_double_eq(result_number(row, "signs.zero"), 30);
        ck_assert_double_eq_tol(result_number(row, "p"), 2 * pow(0.5, 10), 1e-12);
        ck_assert_double_eq_tol(result_number(row, "signs.nonzero.value"), -50, 3);
        ck_verdict(ab, LOST, "B worse");
        ck_assert_int_eq(code, EXIT_REGRESSION);
        json_decref(ab);
}
END_TEST

START_TEST(collapse_is_compared_by_mcnemar)
{
        int code;
        json_t *ab = compare(PAIRS, b_collapses_often, false, &code);
        const json_t *row = row_of(ab, COLLAPSE);

        ck_assert_str_eq(result_text(row, "test"), "mcnemar");
        ck_assert_double_eq(result_number(row, "events.b"), 14);
        ck_assert_double_eq_tol(result_number(row, "p"), 2 * pow(0.5, 14), 1e-12);
        ck_verdict(ab, COLLAPSE, "B worse");
        ck_assert_str_eq(result_text(ab, "verdict"),
                         "trade-off: B better on failed requests, worse on collapse ratio");
        json_decref(ab);
}
END_TEST

START_TEST(no_collapse_seen_is_not_no_collapse)
{
        int code;
        json_t *ab = compare(30, b_loses_fewer, false, &code);
        const json_t *row = row_of(ab, COLLAPSE);

        ck_assert_str_eq(result_text(row, "note"), "0 of 30 still allows 12 %");
        ck_assert_double_gt(result_number(row, "difference.high"), 0.1);
        json_decref(ab);
}
END_TEST

START_TEST(one_catastrophe_does_not_make_a_verdict)
{
        int code;
        json_t *ab = compare(PAIRS, b_one_catastrophe, false, &code);

        ck_verdict(ab, LOST, "inconclusive");
        ck_assert_int_eq(code, EXIT_INCONCLUSIVE);
        json_decref(ab);
}
END_TEST

START_TEST(ranks_that_say_the_opposite_dispute_the_mean)
{
        struct ab_settings settings = fixed_settings(240);
        struct ab *ab = fill(&settings, 240, b_one_lucky_strike, false);
        int code;
        json_t *json = ab_result(ab, &code);

        ck_assert_double_lt(result_number(row_of(json, LOST), "p_adjusted"), 0.05);
        ck_assert_double_gt(result_number(row_of(json, LOST), "difference.value"), 0);
        ck_assert_double_lt(result_number(row_of(json, LOST), "wilcoxon.shift.value"), 0);
        ck_verdict(json, LOST, "inconclusive");
        ck_assert_str_eq(result_text(row_of(json, LOST), "disputed_by"), "ranks");
        ck_assert_int_eq(code, EXIT_INCONCLUSIVE);
        json_decref(json);
        ab_destroy(ab);
}
END_TEST

START_TEST(more_is_better_where_it_is_and_neither_where_it_is_not)
{
        int code;
        json_t *ab = compare(PAIRS, b_goodput_up_actions_up, false, &code);

        ck_verdict(ab, GOODPUT, "B better");
        ck_verdict(ab, ACTIONS, "B higher");
        json_decref(ab);
}
END_TEST

START_TEST(pairs_without_data_are_left_out_and_counted)
{
        int code;
        json_t *ab = compare(PAIRS, b_has_gaps, false, &code);

        ck_assert_double_eq(result_number(row_of(ab, GOODPUT), "n"), PAIRS / 2.0);
        ck_assert_double_eq(result_number(row_of(ab, LOST), "n"), PAIRS);
        json_decref(ab);
}
END_TEST

START_TEST(without_any_pair_there_is_no_verdict_and_no_number)
{
        int code;
        json_t *ab = compare(0, nothing, false, &code);

        ck_assert_int_eq(code, EXIT_INCONCLUSIVE);
        ck_assert(json_is_null(result_at(row_of(ab, LOST), "difference.value")));
        ck_assert_double_eq(result_number(row_of(ab, LOST), "n"), 0);
        json_decref(ab);
}
END_TEST

/* ---- exchange of A and B */

static const char *mirrored(const char *verdict)
{
        static const char *const pairs[][2] = {{"B better", "B worse"}, {"B higher", "B lower"}};

        for (size_t i = 0; i < 2; i++)
                for (size_t k = 0; k < 2; k++)
                        if (strcmp(verdict, pairs[i][k]) == 0)
                                return pairs[i][1 - k];
        return verdict;
}

static void ck_opposite(const json_t *one, const json_t *other, const char *path, const char *back)
{
        double x = result_number(one, path), y = result_number(other, back);

        ck_assert_msg(isnan(x) ? isnan(y) : x == -y, "%s: %.17g, %s: %.17g", path, x, back, y);
}

static void ck_same(const json_t *one, const json_t *other, const char *path)
{
        double x = result_number(one, path), y = result_number(other, path);

        ck_assert_msg(isnan(x) ? isnan(y) : x == y, "%s: %.17g and %.17g", path, x, y);
}

START_TEST(exchanging_a_and_b_mirrors_every_sign_exactly)
{
        static change *const edits[] = {nothing, b_loses_fewer, b_a_little_fewer, b_much_noise,
                                        b_fewer_but_slower, b_rarely_more, b_collapses_often,
                                        b_one_catastrophe, b_goodput_up_actions_up, b_has_gaps};
        static const enum ab_stopping rules[] = {AB_FIXED, AB_SEQUENTIAL};

        for (size_t e = 0; e < sizeof(edits) / sizeof(*edits); e++)
                for (size_t r = 0; r < 2; r++) {
                        struct ab_settings settings = fixed_settings(60);
                        struct ab *one, *other;
                        json_t *x, *y;
                        int code;

                        settings.stopping = rules[r];
                        one = fill(&settings, 60, edits[e], false);
                        other = fill(&settings, 60, edits[e], true);
                        x = ab_result(one, &code);
                        y = ab_result(other, &code);
                        for (int m = 0; m < METRICS; m++) {
                                const json_t *p = row_of(x, m), *q = row_of(y, m);

                                ck_opposite(p, q, "difference.value", "difference.value");
                                ck_opposite(p, q, "difference.low", "difference.high");
                                ck_opposite(p, q, "difference.high", "difference.low");
                                ck_opposite(p, q, "wilcoxon.shift.low", "wilcoxon.shift.high");
                                ck_opposite(p, q, "bca.low", "bca.high");
                                ck_same(p, q, "p");
                                ck_same(p, q, "p_adjusted");
                                ck_same(p, q, "wilcoxon.p");
                                ck_same(p, q, "detectable");
                                ck_assert_str_eq(verdict_of(x, m), mirrored(verdict_of(y, m)));
                        }
                        json_decref(x);
                        json_decref(y);
                        ab_destroy(one);
                        ab_destroy(other);
                }
}
END_TEST

/* ---- when to stop */

/* Pairs after which the rule stops, at most 300. */
static size_t stops_after(enum ab_stopping stopping, double width, change *edit, bool swapped)
{
        struct ab_settings settings = {.confidence = 0.95, .stopping = stopping,
                                       .pairs_min = AB_PAIRS_MIN, .pairs_max = AB_PAIRS_MAX,
                                       .width = width};
        struct ab *ab = ab_create(&settings, metrics, METRICS, two, 2);
        size_t pairs = 0;

        do {
                struct values v = same_values(pairs);
                double both[2 * METRICS];

                edit(&v, pairs);
                memcpy(both, swapped ? v.b : v.a, sizeof(v.a));
                memcpy(both + METRICS, swapped ? v.a : v.b, sizeof(v.b));
                ck_assert(ab_add_values(ab, (uint32_t)pairs, both, NULL));
                pairs++;
        } while (!ab_enough(ab));
        ab_destroy(ab);
        return pairs;
}

START_TEST(a_clear_difference_is_decided_at_the_first_look)
{
        ck_assert_uint_eq(stops_after(AB_SEQUENTIAL, 0, b_loses_fewer, false), AB_PAIRS_MIN);
}
END_TEST

START_TEST(what_noise_hides_goes_on_to_the_end)
{
        ck_assert_uint_eq(stops_after(AB_SEQUENTIAL, 0, b_much_noise, false), AB_PAIRS_MAX);
}
END_TEST

START_TEST(the_rule_that_stops_does_not_see_which_is_which)
{
        static change *const edits[] = {b_loses_fewer, b_a_little_fewer, b_fewer_but_slower,
                                        b_rarely_more, b_collapses_often};

        for (size_t e = 0; e < sizeof(edits) / sizeof(*edits); e++)
                ck_assert_uint_eq(stops_after(AB_SEQUENTIAL, 0, edits[e], false),
                                  stops_after(AB_SEQUENTIAL, 0, edits[e], true));
}
END_TEST

START_TEST(a_narrower_interval_takes_more_pairs)
{
        size_t wide = stops_after(AB_PRECISION, 60, b_loses_fewer, false);
        size_t narrow = stops_after(AB_PRECISION, 25, b_loses_fewer, false);

        ck_assert_uint_lt(wide, narrow);
        ck_assert_uint_lt(narrow, AB_PAIRS_MAX);
}
END_TEST

/* Pairs until the loss limit, with the worse arm's loss then. */
static size_t limited(enum ab_stopping stopping, double max_loss, change *edit, bool swapped,
                      double *loss, json_t **result)
{
        struct ab_settings settings = {.confidence = 0.95, .stopping = stopping,
                                       .pairs_min = AB_PAIRS_MIN, .pairs_max = AB_PAIRS_MAX,
                                       .width = 1e-9, .max_loss = max_loss};
        struct ab *ab = ab_create(&settings, metrics, METRICS, two, 2);
        size_t pairs = 0;
        int code;

        do {
                struct values v = same_values(pairs);
                double both[2 * METRICS];

                edit(&v, pairs);
                memcpy(both, swapped ? v.b : v.a, sizeof(v.a));
                memcpy(both + METRICS, swapped ? v.a : v.b, sizeof(v.b));
                ck_assert(ab_add_values(ab, (uint32_t)pairs, both, NULL));
                pairs++;
        } while (!ab_enough(ab));
        *loss = ab_loss(ab);
        *result = ab_result(ab, &code);
        ab_destroy(ab);
        return pairs;
}

START_TEST(the_worse_arm_never_loses_more_than_the_limit)
{
        static const enum ab_stopping rules[] = {AB_SEQUENTIAL, AB_PRECISION, AB_FIXED};

        for (int r = 0; r < 3; r++)
                for (int swapped = 0; swapped < 2; swapped++) {
                        double loss;
                        json_t *result;
                        size_t pairs = limited(rules[r], 1500, b_loses_fewer, swapped, &loss,
                                               &result);
                        const json_t *design = json_object_get(result, "design");

                        /* some 100 a pair */
                        ck_assert_uint_ge(pairs, 10);
                        ck_assert_uint_le(pairs, 15);
                        ck_assert_double_le(loss, 1500);
                        ck_assert_double_gt(loss, 1000);
                        ck_assert(json_is_true(json_object_get(design, "stopped_by_loss")));
                        ck_assert_double_eq(result_number(design, "loss"), loss);
                        ck_assert_str_eq(verdict_of(result, LOST), swapped ? "B worse" : "B better");
                        json_decref(result);
                }
}
END_TEST

/* Loses 10 a second more than the other, 20 in every tenth. */
static void lose(double *lost, size_t seconds, bool swapped)
{
        for (size_t t = 0; t < seconds; t++) {
                lost[(swapped ? seconds : 0) + t] = 5;
                lost[(swapped ? 0 : seconds) + t] = t % 10 == 0 ? 25 : 15;
        }
}

START_TEST(a_watched_pair_is_cut_before_the_limit_even_if_it_is_the_first)
{
        for (int swapped = 0; swapped < 2; swapped++)
                for (size_t before = 0; before < 9; before += 8) {
                        struct ab_settings settings = fixed_settings(PAIRS);
                        struct ab *ab;
                        double lost[2 * 300], had;
                        json_t *result;
                        int code;

                        settings.max_loss = 2000;
                        settings.loss_ahead = 50;
                        ab = fill(&settings, before, b_loses_fewer, swapped);
                        had = ab_loss(ab);
                        ck_assert(!ab_enough(ab));
                        /* the same direction as those before */
                        lose(lost, 300, !swapped);
                        ck_assert(ab_watch(ab, 77, lost, 300));
                        ck_assert_double_le(ab_loss(ab), 1950 + 20);
                        ck_assert_double_gt(ab_loss(ab), 1950);
                        ck_assert(ab_enough(ab));
                        result = ab_result(ab, &code);
                        ck_assert_double_eq(result_number(result, "design.pairs"), (double)before);
                        ck_assert_double_eq(result_number(result, "design.cut.replication"), 77);
                        ck_assert_double_eq_tol(result_number(result, "design.cut.at"),
                                                (1950 - had) / 11, 3);
                        ck_assert(json_is_true(
                                (json_t *)(uintptr_t)result_at(result, "design.stopped_by_loss")));
                        json_decref(result);
                        ab_destroy(ab);
                }
}
END_TEST

START_TEST(a_watched_pair_that_stays_below_is_not_cut)
{
        struct ab_settings settings = fixed_settings(PAIRS);
        struct ab *ab = NULL;
        double lost[2 * 170];

        settings.max_loss = 2000;
        settings.loss_ahead = 50;
        ab = fill(&settings, 0, nothing, false);
        lose(lost, 170, false); /* 1870 in all */
        ck_assert(!ab_watch(ab, 0, lost, 170));
        ck_assert(!ab_enough(ab));
        ab_destroy(ab);
}
END_TEST

START_TEST(a_limit_that_is_far_away_changes_nothing)
{
        double loss;
        json_t *result;

        ck_assert_uint_eq(limited(AB_SEQUENTIAL, 1e9, b_loses_fewer, false, &loss, &result),
                          stops_after(AB_SEQUENTIAL, 0, b_loses_fewer, false));
        ck_assert(json_is_false(
                json_object_get(json_object_get(result, "design"), "stopped_by_loss")));
        json_decref(result);
}
END_TEST

/* ---- numbers, whatever comes */

static void all_missing(struct values *v, size_t i)
{
        (void)i;
        for (int m = 0; m < METRICS; m++)
                v->a[m] = v->b[m] = NAN;
}

static void b_missing(struct values *v, size_t i)
{
        (void)i;
        for (int m = 0; m < METRICS; m++)
                v->b[m] = NAN;
}

static void all_zero(struct values *v, size_t i)
{
        (void)i;
        *v = (struct values){.a = {0}};
}

static void always_the_same_apart(struct values *v, size_t i)
{
        (void)i;
        *v = (struct values){.a = {7, 7, 0, 7, 7}, .b = {9, 9, 1, 9, 9}};
}

static void wide_of_0(struct values *v, size_t i)
{
        for (int m = 0; m < METRICS; m++) {
                v->a[m] = m == COLLAPSE ? i % 2 : i % 2 == 0 ? 0 : 1000;
                v->b[m] = m == COLLAPSE ? i % 3 == 0 : i % 3 == 0 ? 500 : 0;
        }
}

static void huge(struct values *v, size_t i)
{
        wide_of_0(v, i);
        for (int m = 0; m < METRICS; m++) {
                v->a[m] *= m == COLLAPSE ? 1 : 1e300;
                v->b[m] *= m == COLLAPSE ? 1 : 1e300;
        }
}

static void tiny(struct values *v, size_t i)
{
        wide_of_0(v, i);
        for (int m = 0; m < METRICS; m++) {
                v->a[m] *= m == COLLAPSE ? 1 : 1e-300;
                v->b[m] *= m == COLLAPSE ? 1 : 1e-300;
        }
}

static const struct {
        const char *name;
        change *edit;
} oddities[] = {{"the same", nothing},          {"noise", b_much_noise},
                {"all missing", all_missing},   {"B missing", b_missing},
                {"gaps", b_has_gaps},           {"all zero", all_zero},
                {"apart", always_the_same_apart}, {"wide of 0", wide_of_0},
                {"huge", huge},                 {"tiny", tiny}};

/* A and B of a row are values of its metric, and cut as it is. */
static void check_sides(const char *name, const json_t *row)
{
        static const char *const sides[] = {"a", "b"};

        for (int i = 0; i < 2; i++)
                numbers_check_metric(name, result_text(row, "metric"), json_object_get(row, sides[i]));
}

START_TEST(whatever_comes_no_number_is_nan_infinite_impossible_or_without_its_n)
{
        static const size_t counts[] = {0, 1, 2, 3, 6, 7, 50};
        static const enum ab_stopping rules[] = {AB_SEQUENTIAL, AB_PRECISION, AB_FIXED};
        struct ab_metric known[METRICS];
        const char *name = oddities[_i].name;

        memcpy(known, metrics, sizeof(known));
        for (int m = 0; m < METRICS; m++)
                known[m].row = metric_find(known[m].name);
        for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++)
                for (int r = 0; r < 3; r++) {
                        struct ab_settings settings = fixed_settings(counts[c]);
                        struct ab *ab;
                        json_t *json, *row;
                        char *text;
                        size_t i;
                        int code;

                        settings.stopping = rules[r];
                        settings.width = 1;
                        settings.max_loss = 1e12;
                        ab = ab_create(&settings, known, METRICS, two, 2);
                        for (i = 0; i < counts[c]; i++) {
                                struct values v = same_values(i);
                                double both[2 * METRICS];

                                oddities[_i].edit(&v, i);
                                memcpy(both, v.a, sizeof(v.a));
                                memcpy(both + METRICS, v.b, sizeof(v.b));
                                ck_assert(ab_add_values(ab, (uint32_t)i, both, v.a));
                                (void)ab_enough(ab);
                        }
                        json = ab_result(ab, &code);
                        ck_assert_ptr_nonnull(json);
                        ck_assert_uint_gt(numbers_check(name, "ab", json), 3 * METRICS);
                        json_array_foreach(json_object_get(json, "metrics"), i, row)
                                check_sides(name, row);
                        text = json_dumps(json, JSON_REAL_PRECISION(12));
                        ck_assert_ptr_nonnull(text); /* jansson refuses NaN and infinity */
                        free(text);
                        json_decref(json);
                        ab_destroy(ab);
                }
}
END_TEST

/* ---- more than two */

START_TEST(each_further_strategy_is_compared_with_the_first)
{
        static const struct ab_strategy three[] = {{"one", "1"}, {"other", "2"}, {"third", "3"}};
        struct ab_settings settings = fixed_settings(PAIRS);
        struct ab *ab = ab_create(&settings, metrics, METRICS, three, 3);
        const json_t *comparisons, *ranking;
        json_t *json;
        int code;

        for (size_t i = 0; i < PAIRS; i++) {
                struct values v = same_values(i);
                double all[3 * METRICS];

                b_loses_fewer(&v, i);
                memcpy(all, v.a, sizeof(v.a));
                memcpy(all + METRICS, v.b, sizeof(v.b));
                memcpy(all + 2 * METRICS, v.a, sizeof(v.a));
                all[2 * METRICS + LOST] += 200 + noise(i + 7);
                ck_assert(ab_add_values(ab, (uint32_t)i, all, v.a));
        }
        json = ab_result(ab, &code);
        comparisons = json_object_get(json, "comparisons");
        ranking = json_object_get(json, "ranking");
        ck_assert_str_eq(result_text(json_array_get(comparisons, 0), "verdict"), "B better");
        ck_assert_str_eq(result_text(json_array_get(comparisons, 1), "verdict"), "C worse");
        ck_assert_int_eq(code, EXIT_REGRESSION);
        ck_assert_str_eq(result_text(json_array_get(ranking, 0), "strategy"), "other");
        ck_assert_str_eq(result_text(json_array_get(ranking, 2), "strategy"), "third");
        ck_assert_double_eq(result_number(json_array_get(ranking, 1), "untreated_less.value"), 0);
        ck_assert_double_eq(result_number(json, "design.simultaneous"), 6);
        json_decref(json);
        ab_destroy(ab);
}
END_TEST

/* ---- which metrics decide */

static struct meta_service shop = {.name = "shop", .entry = true, .has_slo = true,
                                   .slo_target = 0.99, .offered_per_s = 100};

static struct run_meta shop_meta(void)
{
        return (struct run_meta){.duration_ns = 3600 * NS_PER_S, .cooldown_ns = -1,
                                 .services = &shop, .service_count = 1};
}

START_TEST(margins_are_facts_of_the_scenario)
{
        struct run_meta meta = shop_meta();
        struct ab_metric *chosen = calloc(metric_row_count, sizeof(*chosen));
        size_t count;

        ck_assert_ptr_null(ab_choose_metrics(&meta, NULL, NULL, 0, chosen, &count));
        ck_assert_str_eq(chosen[0].name, "failed_requests");
        ck_assert_int_eq(chosen[0].role, AB_PRIMARY);
        ck_assert_double_eq_tol(chosen[0].margin, 0.01 * 100 * 3600 * 0.05, 1e-9);
        ck_assert_str_eq(chosen[1].name, "bad_seconds");
        ck_assert_double_eq_tol(chosen[1].margin, 5, 1e-12);
        ck_assert_int_eq(chosen[5].role, AB_GUARDRAIL);
        ck_assert_int_eq(chosen[6].role, AB_EXPLORATORY);
        free(chosen);
}
END_TEST

START_TEST(closed_load_is_compared_in_seconds_of_its_users)
{
        struct meta_service closed = {.name = "shop", .entry = true, .has_slo = true,
                                      .slo_target = 0.99, .offered_per_s = 50, .user_count = 200};
        struct run_meta meta = shop_meta();
        struct ab_metric *chosen = calloc(metric_row_count, sizeof(*chosen));
        size_t count;

        meta.services = &closed;
        ck_assert_ptr_null(ab_choose_metrics(&meta, NULL, NULL, 0, chosen, &count));
        ck_assert_str_eq(chosen[0].name, "failed_user_seconds");
        ck_assert_double_eq_tol(chosen[0].margin, 0.01 * 200 * 3600 * 0.05, 1e-9);
        /* beside an open load it guards */
        closed.open_per_s = 100;
        ck_assert_ptr_null(ab_choose_metrics(&meta, NULL, NULL, 0, chosen, &count));
        ck_assert_str_eq(chosen[0].name, "failed_requests");
        for (size_t i = 1; i < 7; i++)
                ck_assert_int_eq(chosen[i].role, AB_GUARDRAIL);
        ck_assert_int_eq(chosen[7].role, AB_EXPLORATORY);
        free(chosen);
}
END_TEST

START_TEST(prices_make_cost_the_primary)
{
        struct run_meta meta = shop_meta();
        struct ab_metric *chosen = calloc(metric_row_count, sizeof(*chosen));
        size_t count;

        meta.has_cost = true;
        meta.cost_failed_request = 2;
        ck_assert_ptr_null(ab_choose_metrics(&meta, NULL, NULL, 0, chosen, &count));
        ck_assert_str_eq(chosen[0].name, "cost");
        ck_assert_double_eq_tol(chosen[0].margin, 360, 1e-9);
        free(chosen);
}
END_TEST

START_TEST(a_critical_metric_becomes_a_guardrail_and_needs_a_margin)
{
        struct run_meta meta = shop_meta();
        struct ab_metric *chosen = calloc(metric_row_count, sizeof(*chosen));
        struct ab_choice choice = {.name = "latency_p99", .critical = true};
        bool found = false;
        size_t count;

        ck_assert_ptr_nonnull(ab_choose_metrics(&meta, NULL, &choice, 1, chosen, &count));
        choice.has_margin = true;
        choice.margin = 0.02;
        ck_assert_ptr_null(ab_choose_metrics(&meta, "bad_seconds", &choice, 1, chosen, &count));
        ck_assert_str_eq(chosen[0].name, "bad_seconds");
        for (size_t i = 1; i < 7; i++)
                found = found || (strcmp(chosen[i].name, "latency_p99") == 0 &&
                                  chosen[i].role == AB_GUARDRAIL && chosen[i].margin == 0.02);
        ck_assert(found);
        choice.name = "f1";
        ck_assert_ptr_nonnull(ab_choose_metrics(&meta, NULL, &choice, 1, chosen, &count));
        ck_assert_ptr_nonnull(ab_choose_metrics(&meta, "mttr_p99", NULL, 0, chosen, &count));
        free(chosen);
}
END_TEST

/* ---- the screen */

START_TEST(no_line_of_the_screen_is_wider_than_eighty_columns)
{
        static change *const edits[] = {nothing, b_fewer_but_slower, b_much_noise, b_collapses_often,
                                        b_one_catastrophe};

        for (size_t e = 0; e < sizeof(edits) / sizeof(*edits); e++) {
                int code;
                json_t *result = json_pack("{s:{s:s}, s:o}", "scenario", "title",
                                           "a shop with a name that is rather long, too long for one "
                                           "line of a terminal", "ab",
                                           compare(PAIRS, edits[e], false, &code));
                struct text screen;

                text_init(&screen);
                ab_screen(result, NULL, false, &screen);
                ck_assert(text_ok(&screen));
                ck_assert_ptr_null(strstr(text_bytes(&screen), "nan"));
                ck_assert_ptr_null(strstr(text_bytes(&screen), "inf"));
                for (char *line = strtok(screen.bytes, "\n"); line; line = strtok(NULL, "\n"))
                        ck_assert_msg(text_columns(line) <= 80, "%zu: %s", text_columns(line), line);
                text_release(&screen);
                json_decref(result);
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("ab");
        TCase *tcase = tcase_create("ab");
        SRunner *runner;
        int failed;

        tcase_set_timeout(tcase, 60);
        tcase_add_test(tcase, a_strategy_is_identical_to_itself);
        tcase_add_test(tcase, two_pairs_of_the_same_are_identical_too);
        tcase_add_test(tcase, fewer_lost_requests_are_better);
        tcase_add_test(tcase, the_other_way_round_it_is_a_regression);
        tcase_add_test(tcase, a_difference_below_the_margin_is_equivalent);
        tcase_add_test(tcase, much_noise_is_inconclusive_and_says_how_many_would_decide);
        tcase_add_test(tcase, two_pairs_never_decide);
        tcase_add_test(tcase, better_on_one_and_worse_on_another_is_a_trade_off);
        tcase_add_test(tcase, an_undecided_guardrail_keeps_the_verdict_open);
        tcase_add_test(tcase, pairs_that_mostly_agree_exactly_are_tested_by_signs);
        tcase_add_test(tcase, collapse_is_compared_by_mcnemar);
        tcase_add_test(tcase, no_collapse_seen_is_not_no_collapse);
        tcase_add_test(tcase, one_catastrophe_does_not_make_a_verdict);
        tcase_add_test(tcase, ranks_that_say_the_opposite_dispute_the_mean);
        tcase_add_test(tcase, more_is_better_where_it_is_and_neither_where_it_is_not);
        tcase_add_test(tcase, pairs_without_data_are_left_out_and_counted);
        tcase_add_test(tcase, without_any_pair_there_is_no_verdict_and_no_number);
        tcase_add_test(tcase, exchanging_a_and_b_mirrors_every_sign_exactly);
        tcase_add_test(tcase, a_clear_difference_is_decided_at_the_first_look);
        tcase_add_test(tcase, what_noise_hides_goes_on_to_the_end);
        tcase_add_test(tcase, the_rule_that_stops_does_not_see_which_is_which);
        tcase_add_test(tcase, a_narrower_interval_takes_more_pairs);
        tcase_add_test(tcase, the_worse_arm_never_loses_more_than_the_limit);
        tcase_add_test(tcase, a_watched_pair_is_cut_before_the_limit_even_if_it_is_the_first);
        tcase_add_test(tcase, a_watched_pair_that_stays_below_is_not_cut);
        tcase_add_test(tcase, a_limit_that_is_far_away_changes_nothing);
        tcase_add_loop_test(
                tcase, whatever_comes_no_number_is_nan_infinite_impossible_or_without_its_n, 0,
                (int)(sizeof(oddities) / sizeof(oddities[0])));
        tcase_add_test(tcase, each_further_strategy_is_compared_with_the_first);
        tcase_add_test(tcase, margins_are_facts_of_the_scenario);
        tcase_add_test(tcase, closed_load_is_compared_in_seconds_of_its_users);
        tcase_add_test(tcase, prices_make_cost_the_primary);
        tcase_add_test(tcase, a_critical_metric_becomes_a_guardrail_and_needs_a_margin);
        tcase_add_test(tcase, no_line_of_the_screen_is_wider_than_eighty_columns);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
