/* Tests of reports/text.h: what a hostile text can do to each format, and numbers for people. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "reports/text.h"

static void expect(void (*escape)(struct text *, const char *), const char *raw, const char *wanted)
{
        struct text text;

        text_init(&text);
        escape(&text, raw);
        ck_assert_str_eq(text_bytes(&text), wanted);
        text_release(&text);
}

START_TEST(markup_is_only_text_in_html)
{
        expect(text_html, "<script>alert('x' & \"y\")</script>",
               "&lt;script&gt;alert(&#39;x&#39; &amp; &quot;y&quot;)&lt;/script&gt;");
}
END_TEST

START_TEST(a_formula_is_only_text_in_csv)
{
        expect(text_csv, "=cmd|' /C calc'!A0", "\"'=cmd|' /C calc'!A0\"");
        expect(text_csv, "+1", "\"'+1\"");
        expect(text_csv, "-1", "\"'-1\"");
        expect(text_csv, "@SUM(1)", "\"'@SUM(1)\"");
        expect(text_csv, "\t=1", "\"' =1\"");
}
END_TEST

START_TEST(csv_quotes_only_what_needs_it)
{
        expect(text_csv, "plain", "plain");
        expect(text_csv, "a,b", "\"a,b\"");
        expect(text_csv, "say \"hi\"\nnow", "\"say \"\"hi\"\" now\"");
        expect(text_csv, "", "");
}
END_TEST

START_TEST(gnuplot_gets_a_string_in_which_nothing_is_expanded)
{
        expect(text_gnuplot, "it's `rm -rf` @x $(y) \\n", "'it’s `rm -rf` @x $(y) \\n'");
        expect(text_gnuplot, "two\nlines", "'two lines'");
        expect(text_gnuplot, "50% a]]>b]>", "'50% a]]›b]>'"); /* as XML cannot have it */
        expect(text_gnuplot_tick, "50% %n", "'50%% %%n'"); /* ticks are formats */
}
END_TEST

START_TEST(terminal_escapes_do_not_reach_the_terminal)
{
        expect(text_plain, "a\033[31mred\007", "a\xEF\xBF\xBD[31mred\xEF\xBF\xBD");
        expect(text_plain,
               "\xE2\x80\xAE"
               "evil",
               "\xEF\xBF\xBD"
               "evil"); /* right-to-left override */
        expect(text_plain,
               "\xC2\x9B"
               "31m",
               "\xEF\xBF\xBD"
               "31m"); /* one-byte CSI */
        expect(text_plain, "\xD8\x9C\xF3\xA0\x81\x81", "\xEF\xBF\xBD\xEF\xBF\xBD"); /* Arabic mark, tag */
}
END_TEST

START_TEST(invalid_utf8_becomes_replacement_characters)
{
        expect(text_plain, "\xFF", "\xEF\xBF\xBD");
        expect(text_plain, "\xC0\xAF", "\xEF\xBF\xBD\xEF\xBF\xBD"); /* overlong '/' */
        expect(text_plain, "\xED\xA0\x80x",
               "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDx");            /* a surrogate */
        expect(text_plain, "\xE2\x82", "\xEF\xBF\xBD\xEF\xBF\xBD"); /* cut off */
}
END_TEST

START_TEST(markdown_cannot_mention_link_or_break_a_table)
{
        expect(text_markdown, "@all [x](http://y) | <b>",
               "&#64;all \\[x\\]\\(http://y\\) \\| &lt;b&gt;");
}
END_TEST

START_TEST(a_label_value_escapes_quote_backslash_and_line)
{
        expect(text_prom_label, "a\"b\\c\nd", "a\\\"b\\\\c\\nd");
}
END_TEST

START_TEST(a_cell_has_the_columns_it_was_given)
{
        static const char *const samples[] = {"",
                                              "short",
                                              "exactly ten",
                                              "日本語の名前です",
                                              "e\xCC\x81t\xC3\xA9",
                                              "a much longer text than fits"};

        for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
                struct text text;

                text_init(&text);
                text_cell(&text, samples[i], 10);
                /* A wide character that would be cut in half leaves a space. */
                ck_assert_uint_eq(text_columns(text_bytes(&text)), 10);
                text_release(&text);
        }
}
END_TEST

static void expect_value(double value, const char *unit, const char *wanted)
{
        struct text text;

        text_init(&text);
        text_value(&text, value, unit);
        ck_assert_str_eq(text_bytes(&text), wanted);
        text_release(&text);
}

START_TEST(numbers_take_the_unit_that_suits_them)
{
        expect_value(0, "s", "0 s");
        expect_value(0.0000124, "s", "12.4 µs");
        expect_value(0.35, "s", "350 ms");
        expect_value(42.13, "s", "42.1 s");
        expect_value(185, "s", "3 min 05 s");
        expect_value(119.7, "s", "2 min");
        expect_value(7800, "s", "2 h 10 min");
        expect_value(356400, "s", "4 d 3 h");
        expect_value(-42, "s", "-42 s");
        expect_value(0.5, "ratio", "50.0 %");
        expect_value(0.99998, "ratio", "99.998 %");
        expect_value(1, "ratio", "100 %");
        expect_value(0, "ratio", "0 %");
        expect_value(1234567, "requests", "1 234 567 requests");
        expect_value(0.8, "1/week", "0.8 per week");
        expect_value(1078.5, "", "1 079"); /* as 23 019 - 21 940.5 does beside it */
        expect_value(-1230, "", "-1 230");
        expect_value(-0.0, "", "0");
}
END_TEST

START_TEST(a_range_names_its_unit_once)
{
        struct text text;

        text_init(&text);
        text_range(&text, 0.2, 0.44, "ratio");
        ck_assert_str_eq(text_bytes(&text), "20.0 to 44.0 %");
        text_release(&text);
        text_range(&text, 59, 61, "s");
        ck_assert_str_eq(text_bytes(&text), "59 s to 61 s");
        text_release(&text);
}
END_TEST

START_TEST(numbers_in_files_read_back)
{
        static const double values[] = {0.1, 1e300, -123456789.125, 5e-324, 12345678901.0};

        for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
                struct text text;
                double error;

                text_init(&text);
                text_number(&text, values[i]);
                error = fabs(strtod(text_bytes(&text), NULL) - values[i]);
                ck_assert(error <= fabs(values[i]) * 1e-11);
                text_release(&text);
        }
}
END_TEST

START_TEST(what_is_no_number_is_nothing)
{
        struct text text;

        text_init(&text);
        text_number(&text, NAN);
        text_number(&text, INFINITY);
        ck_assert_str_eq(text_bytes(&text), "");
        text_release(&text);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("report_text");
        TCase *tests = tcase_create("text");
        SRunner *runner;
        int failed;

        tcase_add_test(tests, markup_is_only_text_in_html);
        tcase_add_test(tests, a_formula_is_only_text_in_csv);
        tcase_add_test(tests, csv_quotes_only_what_needs_it);
        tcase_add_test(tests, gnuplot_gets_a_string_in_which_nothing_is_expanded);
        tcase_add_test(tests, terminal_escapes_do_not_reach_the_terminal);
        tcase_add_test(tests, invalid_utf8_becomes_replacement_characters);
        tcase_add_test(tests, markdown_cannot_mention_link_or_break_a_table);
        tcase_add_test(tests, a_label_value_escapes_quote_backslash_and_line);
        tcase_add_test(tests, a_cell_has_the_columns_it_was_given);
        tcase_add_test(tests, numbers_take_the_unit_that_suits_them);
        tcase_add_test(tests, a_range_names_its_unit_once);
        tcase_add_test(tests, numbers_in_files_read_back);
        tcase_add_test(tests, what_is_no_number_is_nothing);
        suite_add_tcase(suite, tests);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
