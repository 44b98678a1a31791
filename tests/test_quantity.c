/* test_quantity.c - numbers with a unit. */
#include "harness/base/quantity.h"

#include <check.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

START_TEST(durations_are_exact)
{
        static const struct {
                const char *text;
                int64_t ns;
        } rows[] = {
                {"0s", 0},
                {"1ns", 1},
                {"250us", 250000},
                {"40ms", 40000000},
                {"1.5s", 1500000000},
                {"0.1s", 100000000},
                {"0.3s", 300000000},
                {"2m", 120000000000},
                {"4m30s", 270000000000},
                {"1h2m3s4ms5us6ns", 3723004005006},
                {"7d", 604800000000000},
                {"0.000000001s", 1},
                {"0.0000000004s", 0},
                {"0.0000000005s", 1},
                {"1.0000000000000000000000000000s", 1000000000},
                {"007s", 7000000000},
                {"50000d", 4320000000000000000},
        };
        struct quantity_error error;
        int64_t ns;

        for (size_t i = 0; i < COUNT(rows); i++) {
                ck_assert_msg(quantity_duration(rows[i].text, &ns, &error), "%s: %s", rows[i].text,
                              error.text);
                ck_assert_msg(ns == rows[i].ns, "%s: %lld", rows[i].text, (long long)ns);
        }
}
END_TEST

START_TEST(what_is_no_duration_is_refused_and_touches_nothing)
{
        static const char *const texts[] = {
                "",
                "5",
                "s",
                "-5s",
                "+5s",
                "5 s",
                " 5s",
                "5s ",
                "5sec",
                "5S",
                "1e3s",
                "1.s",
                ".5s",
                "1..5s",
                "1.5.5s",
                "30s4m",
                "5s5s",
                "5x",
                "5s/s",
                "0x5s",
                "1,5s",
                "5m-3s",
                "5\xc2\xb5s",
                "inf",
                "nan",
                "1_000s",
                "1234567890123456789012345678901234567890s",
                "0.1234567890123456789012345678901s",
                "0.0000000000000000000000000000001s",
        };
        struct quantity_error error;
        int64_t ns = 42;

        for (size_t i = 0; i < COUNT(texts); i++) {
                error.text[0] = '\0';
                ck_assert_msg(!quantity_duration(texts[i], &ns, &error), "'%s'", texts[i]);
                ck_assert_msg(strstr(error.text, "is wanted") != NULL, "'%s': %s", texts[i],
                              error.text);
                ck_assert_int_eq(ns, 42);
        }
}
END_TEST

START_TEST(too_large_is_said_and_never_wraps)
{
        static const char *const texts[] = {"60000d", "999999999999999999999d", "53375d53375d",
                                            "9223372036854775808ns", "53375d23h59m59s"};
        struct quantity_error error;
        int64_t ns;

        for (size_t i = 0; i < COUNT(texts); i++)
                ck_assert_msg(!quantity_duration(texts[i], &ns, &error), "%s: %lld", texts[i],
                              (long long)ns);
        ck_assert(!quantity_duration("60000d", &ns, &error));
        ck_assert_str_eq(error.text, "'60000d' is too large");
        ck_assert(!quantity_size("9999999999TiB", &ns, &error));
        ck_assert_str_eq(error.text, "'9999999999TiB' is too large");
}
END_TEST

START_TEST(sizes_know_both_families)
{
        static const struct {
                const char *text;
                int64_t bytes;
        } rows[] = {
                {"0B", 0},
                {"7B", 7},
                {"64KiB", 65536},
                {"512MiB", 536870912},
                {"1.5GiB", 1610612736},
                {"1TiB", 1099511627776},
                {"20MB", 20000000},
                {"1kB", 1000},
                {"3GB", 3000000000},
                {"0.5KiB", 512},
        };
        struct quantity_error error;
        int64_t bytes;

        for (size_t i = 0; i < COUNT(rows); i++) {
                ck_assert_msg(quantity_size(rows[i].text, &bytes, &error), "%s", error.text);
                ck_assert_int_eq(bytes, rows[i].bytes);
        }
        ck_assert(!quantity_size("64KB", &bytes, &error));
        ck_assert_ptr_nonnull(strstr(error.text, "(nearest: 'kB')"));
        ck_assert(!quantity_size("5MiB2KiB", &bytes, &error));
}
END_TEST

START_TEST(rates_are_per_second)
{
        struct quantity_error error;
        double rate;

        ck_assert(quantity_rate("800/s", &rate, &error));
        ck_assert_double_eq(rate, 800);
        ck_assert(quantity_rate("12/min", &rate, &error));
        ck_assert_double_eq(rate, 0.2);
        ck_assert(quantity_rate("0.25/h", &rate, &error));
        ck_assert_double_eq_tol(rate, 0.25 / 3600, 1e-20);
        ck_assert(quantity_size_rate("700KiB/s", &rate, &error));
        ck_assert_double_eq(rate, 716800);
        ck_assert(quantity_size_rate("60MB/min", &rate, &error));
        ck_assert_double_eq(rate, 1000000);
        ck_assert(!quantity_rate("800", &rate, &error));
        ck_assert(!quantity_rate("800/", &rate, &error));
        ck_assert(!quantity_rate("-1/s", &rate, &error));
        ck_assert(!quantity_rate("1/s/s", &rate, &error));
        ck_assert(!quantity_rate("9999999999999/s", &rate, &error));
        ck_assert(!quantity_size_rate("700/s", &rate, &error));
        ck_assert(quantity_share_rate("1%/min", &rate, &error));
        ck_assert_double_eq_tol(rate, 0.01 / 60, 1e-18);
        ck_assert(!quantity_share_rate("1%", &rate, &error));
        ck_assert(!quantity_share_rate("1/min", &rate, &error));
}
END_TEST

START_TEST(percentages_and_plain_numbers)
{
        struct quantity_error error;
        double value;

        ck_assert(quantity_percent("5%", &value, &error));
        ck_assert_double_eq(value, 0.05);
        ck_assert(quantity_percent("99.9%", &value, &error));
        ck_assert_double_eq_tol(value, 0.999, 1e-15);
        ck_assert(quantity_percent("130%", &value, &error));
        ck_assert(!quantity_percent("5", &value, &error));
        ck_assert(!quantity_percent("5%%", &value, &error));
        ck_assert(!quantity_percent("%", &value, &error));
        ck_assert(quantity_number("-0.5", &value, &error));
        ck_assert_double_eq(value, -0.5);
        ck_assert(!quantity_number("--1", &value, &error));
        ck_assert(!quantity_number("1s", &value, &error));
        ck_assert(!quantity_number("", &value, &error));
}
END_TEST

START_TEST(what_is_formatted_reads_back_the_same)
{
        static const int64_t values[] = {
                0, 1, 999, 1000, 1500000000, 86399999999999, 604800000000000, QUANTITY_NS_MAX};
        struct quantity_error error;
        char text[QUANTITY_TEXT_SIZE];
        int64_t ns;

        for (size_t i = 0; i < COUNT(values); i++) {
                ck_assert(
                        quantity_duration(quantity_format_duration(text, values[i]), &ns, &error));
                ck_assert_int_eq(ns, values[i]);
        }
        ck_assert_str_eq(quantity_format_duration(text, 90000000000), "1m30s");
        ck_assert_str_eq(quantity_format_duration(text, -5000000), "-5ms");
        ck_assert_str_eq(quantity_format_size(text, 536870912), "512MiB");
        quantity_format_duration(text, INT64_MIN); /* must not overflow */
}
END_TEST

START_TEST(the_locale_does_not_matter)
{
        struct quantity_error error;
        double rate;
        int64_t ns;

        if (setlocale(LC_ALL, "de_DE.UTF-8") == NULL && setlocale(LC_ALL, "fr_FR.UTF-8") == NULL)
                setlocale(LC_ALL, "C.UTF-8"); /* then at least it is not forgotten */
        ck_assert(quantity_duration("1.5s", &ns, &error));
        ck_assert_int_eq(ns, 1500000000);
        ck_assert(quantity_rate("0.25/s", &rate, &error));
        ck_assert_double_eq(rate, 0.25);
        setlocale(LC_ALL, "C");
}
END_TEST

START_TEST(the_message_names_what_is_wanted)
{
        struct quantity_error error;
        int64_t ns;

        ck_assert(!quantity_duration("250", &ns, &error));
        ck_assert_str_eq(error.text,
                         "'250' has no unit: a duration (ns, us, ms, s, m, h, d) is wanted");
        ck_assert(!quantity_duration("5min", &ns, &error));
        ck_assert_str_eq(error.text, "'5min' has an unknown unit (nearest: 'm'): "
                                     "a duration (ns, us, ms, s, m, h, d) is wanted");
        ck_assert(!quantity_duration("-1s", &ns, &error));
        ck_assert_str_eq(error.text,
                         "'-1s' is negative: a duration (ns, us, ms, s, m, h, d) is wanted");
}
END_TEST

START_TEST(a_megabyte_of_anything_is_refused_in_bounded_time)
{
        struct quantity_error error;
        char *text = malloc(1 << 20);
        static const char fill[] = "9.sx/% \x01";
        int64_t ns;
        double value;

        for (const char *c = fill; *c != '\0'; c++) {
                memset(text, *c, (1 << 20) - 1);
                text[(1 << 20) - 1] = '\0';
                ck_assert(!quantity_duration(text, &ns, &error));
                ck_assert(!quantity_size_rate(text, &value, &error));
                ck_assert(!quantity_percent(text, &value, &error));
                ck_assert(!quantity_share_rate(text, &value, &error));
                text[0] = '1';
                ck_assert(!quantity_duration(text, &ns, &error));
                ck_assert_uint_lt(strlen(error.text), sizeof(error.text));
        }
        free(text);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("quantity");
        TCase *tests = tcase_create("quantity");
        SRunner *runner;
        int failed;

        tcase_add_test(tests, durations_are_exact);
        tcase_add_test(tests, what_is_no_duration_is_refused_and_touches_nothing);
        tcase_add_test(tests, too_large_is_said_and_never_wraps);
        tcase_add_test(tests, sizes_know_both_families);
        tcase_add_test(tests, rates_are_per_second);
        tcase_add_test(tests, percentages_and_plain_numbers);
        tcase_add_test(tests, what_is_formatted_reads_back_the_same);
        tcase_add_test(tests, the_locale_does_not_matter);
        tcase_add_test(tests, the_message_names_what_is_wanted);
        tcase_add_test(tests, a_megabyte_of_anything_is_refused_in_bounded_time);
        suite_add_tcase(suite, tests);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
