/* test_ab_board.c - what holds over several scenarios, from values made by hand.
 *
 * Each scenario is 40 pairs of one primary and one guardrail; `good` is how much
 * better B is in the primary, in margins, on top of noise with a deviation of one.
 */
#include "reports/ab_board.h"

#include <check.h>
#include <math.h>
#include <string.h>

#include "reports/ab.h"
#include "reports/report.h"
#include "reports/verdict.h"

enum { PAIRS = 40 };

static const struct ab_metric metrics[] = {
        {.name = "failed_requests", .unit = "requests", .better = BETTER_LOW, .role = AB_PRIMARY,
         .margin = 10},
        {.name = "bad_seconds", .unit = "s", .better = BETTER_LOW, .role = AB_GUARDRAIL, .margin = 2},
};

static double noise(size_t i)
{
        double sum = 0;

        for (size_t k = 0; k < 12; k++)
                sum += fmod((double)(i * 12 + k + 1) * 0.6180339887498949, 1.0);
        return (sum - 6) * 3;
}

struct effect {
        double good;      /* in margins, of the primary */
        double bad_more;  /* seconds more with B */
        bool same;        /* no noise between A and B at all */
        double spread;    /* of that noise, in requests; 0: 10 */
};

static json_t *scenario_of(const char *file, const struct effect *effect, bool swapped)
{
        struct ab_settings settings = {.confidence = 0.95, .stopping = AB_FIXED, .pairs_min = PAIRS,
                                       .pairs_max = PAIRS};
        const struct ab_strategy strategies[] = {{"one", "1"}, {"other", "2"}};
        struct ab *ab = ab_create(&settings, metrics, 2, strategies, 2);
        json_t *tree;
        int code;

        ck_assert_ptr_nonnull(ab);
        for (size_t i = 0; i < PAIRS; i++) {
                double a[2] = {1000 + 50 * noise(i + 100), 60};
                double jitter = effect->same ? 0 : (effect->spread > 0 ? effect->spread : 10) * noise(i + 7);
                double b[2] = {a[0] - 10 * effect->good + jitter,
                               60 + effect->bad_more + (effect->same ? 0 : 0.2 * noise(i + 900))};
                double both[4];

                memcpy(both, swapped ? b : a, sizeof(a));
                memcpy(both + 2, swapped ? a : b, sizeof(b));
                ck_assert(ab_add_values(ab, (uint32_t)i, both, NULL));
        }
        tree = ab_result(ab, &code);
        ab_destroy(ab);
        ck_assert_ptr_nonnull(tree);
        return json_pack("{s:{s:s, s:s}, s:o}", "scenario", "file", file, "title", file, "ab", tree);
}

static json_t *compare(const struct effect *effects, size_t count, bool swapped, int *code)
{
        struct ab_board *board = ab_board_create();
        json_t *comparison;

        ck_assert_ptr_nonnull(board);
        for (size_t i = 0; i < count; i++) {
                char file[32];
                json_t *result;

                snprintf(file, sizeof(file), "s%zu.json", i);
                result = scenario_of(file, &effects[i], swapped);
                ck_assert(ab_board_add(board, result, ""));
                json_decref(result);
        }
        ck_assert_uint_eq(ab_board_count(board), count);
        comparison = ab_board_json(board, code);
        ck_assert_ptr_nonnull(comparison);
        ab_board_destroy(board);
        return comparison;
}

static const char *verdict_of(const json_t *comparison)
{
        return result_text(json_array_get(json_object_get(comparison, "overall"), 0), "verdict");
}

static void expect(const struct effect *effects, size_t count, const char *verdict, int code)
{
        int got;
        json_t *comparison = compare(effects, count, false, &got);

        ck_assert_msg(strncmp(verdict_of(comparison), verdict, strlen(verdict)) == 0,
                      "'%s' in place of '%s'", verdict_of(comparison), verdict);
        ck_assert_int_eq(got, code);
        json_decref(comparison);
}

START_TEST(better_everywhere_is_better)
{
        const struct effect effects[] = {{5, 0, false, 0}, {3, 0, false, 0}};

        expect(effects, 2, "B better", EXIT_PASSED);
}
END_TEST

START_TEST(better_here_and_worse_there_is_a_trade_off_with_its_places)
{
        const struct effect effects[] = {{5, 0, false, 0}, {-5, 0, false, 0}};
        int code;
        json_t *comparison = compare(effects, 2, false, &code);

        ck_assert_str_eq(verdict_of(comparison),
                         "trade-off: B better on failed requests in s0.json, worse on failed "
                         "requests in s1.json");
        ck_assert_int_eq(code, EXIT_REGRESSION);
        json_decref(comparison);
}
END_TEST

START_TEST(worse_on_a_guardrail_of_one_scenario_is_worse)
{
        const struct effect effects[] = {{0, 9, false, 0}, {0, 0, true, 0}};

        expect(effects, 2, "B worse", EXIT_REGRESSION);
}
END_TEST

START_TEST(the_same_everywhere_is_identical_and_a_little_noise_equivalent)
{
        const struct effect same[] = {{0, 0, true, 0}, {0, 0, true, 0}};
        const struct effect little[] = {{0, 0, false, 0}, {0, 0, true, 0}};

        expect(same, 2, "identical", EXIT_PASSED);
        expect(little, 2, "equivalent", EXIT_PASSED);
}
END_TEST

/* One of many scenarios looks better, as one in twenty does by chance. */
START_TEST(what_stands_alone_may_fall_among_many)
{
        struct effect effects[40];

        effects[0] = (struct effect){3, 0, false, 60};
        for (size_t i = 1; i < 40; i++)
                effects[i] = (struct effect){0, 0, false, 0};
        for (size_t count = 2; count <= 40; count += 38) {
                int code;
                json_t *comparison = compare(effects, count, false, &code);
                const json_t *first = json_array_get(json_object_get(comparison, "scenarios"), 0);

                ck_assert_str_eq(
                        result_text(json_array_get(json_object_get(first, "comparisons"), 0), "verdict"),
                        "B better");
                if (count == 40)
                        ck_assert_uint_eq(json_array_size(result_at(
                                                  json_array_get(json_object_get(comparison, "overall"),
                                                                 0),
                                                  "better")),
                                          0);
                json_decref(comparison);
        }
}
END_TEST

START_TEST(exchanging_a_and_b_turns_every_sign)
{
        const struct effect effects[] = {{5, 0, false, 0}, {1, 0, false, 0}, {-0.5, 0, false, 0}};
        int code;
        json_t *there = compare(effects, 3, false, &code), *back = compare(effects, 3, true, &code);
        const json_t *one = json_array_get(json_object_get(there, "overall"), 0);
        const json_t *other = json_array_get(json_object_get(back, "overall"), 0);

        ck_assert(result_number(one, "pooled.value") == -result_number(other, "pooled.value"));
        ck_assert(result_number(one, "pooled.low") == -result_number(other, "pooled.high"));
        ck_assert(result_number(one, "pooled.high") == -result_number(other, "pooled.low"));
        json_decref(there);
        json_decref(back);
}
END_TEST

START_TEST(the_table_fits_the_screen_and_names_every_scenario)
{
        const struct effect effects[] = {{5, 0, false, 0}, {-5, 0, false, 0}};
        int code;
        json_t *comparison = compare(effects, 2, false, &code);
        struct text screen, markdown;

        text_init(&screen);
        text_init(&markdown);
        ab_board_screen(comparison, &screen);
        ab_board_markdown(comparison, &markdown);
        ck_assert_ptr_nonnull(strstr(text_bytes(&screen), "s1.json"));
        ck_assert_ptr_nonnull(strstr(text_bytes(&screen), "over all"));
        ck_assert_ptr_nonnull(strstr(text_bytes(&markdown), "| s1.json | 40 | B worse |"));
        for (const char *line = text_bytes(&screen); *line != '\0';) {
                size_t length = strcspn(line, "\n");
                struct text one;

                text_init(&one);
                text_add_bytes(&one, line, length);
                ck_assert_uint_le(text_columns(text_bytes(&one)), 80);
                text_release(&one);
                line += length + (line[length] == '\n');
        }
        text_release(&screen);
        text_release(&markdown);
        json_decref(comparison);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("ab_board");
        TCase *tc = tcase_create("ab_board");

        tcase_add_test(tc, better_everywhere_is_better);
        tcase_add_test(tc, better_here_and_worse_there_is_a_trade_off_with_its_places);
        tcase_add_test(tc, worse_on_a_guardrail_of_one_scenario_is_worse);
        tcase_add_test(tc, the_same_everywhere_is_identical_and_a_little_noise_equivalent);
        tcase_add_test(tc, what_stands_alone_may_fall_among_many);
        tcase_add_test(tc, exchanging_a_and_b_turns_every_sign);
        tcase_add_test(tc, the_table_fits_the_screen_and_names_every_scenario);
        suite_add_tcase(suite, tc);
        SRunner *runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        int failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
