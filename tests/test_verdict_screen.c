/* Tests of reports/verdict_screen.h: one screen, whatever the names are made of. */
#include "report_sample.h"
#include "reports/verdict_screen.h"

static struct stored_report stored;
static struct text screen;

static void setup(void)
{
        sample_read(&stored);
        text_init(&screen);
}

static void teardown(void)
{
        text_release(&screen);
        stored_report_release(&stored);
}

static void check_size(void)
{
        char *lines = strdup(text_bytes(&screen)), *save = lines, *line;
        int count = 0;

        while ((line = strsep(&save, "\n")) != NULL) {
                if (save == NULL)
                        break; /* behind the last new line */
                count++;
                ck_assert_msg(text_columns(line) <= SCREEN_COLUMNS, "%zu columns: %s",
                              text_columns(line), line);
        }
        ck_assert_msg(count <= SCREEN_LINES, "%d lines:\n%s", count, text_bytes(&screen));
        free(lines);
}

START_TEST(the_verdict_fits_one_screen)
{
        verdict_screen(&stored.report, "chaos-results/latency/report.html", false, &screen);
        check_size();
        ck_assert_ptr_nonnull(strstr(text_bytes(&screen), "✗ failed  Payment is slow"));
        ck_assert_ptr_nonnull(strstr(text_bytes(&screen), "averted 7 988 (85.9 %)"));
        ck_assert_ptr_nonnull(
                strstr(text_bytes(&screen), "report: chaos-results/latency/report.html"));
}
END_TEST

/* Over all widths, so that the end of a line comes to every place of the number once. */
START_TEST(a_line_never_ends_within_a_number)
{
        for (int width = 1; width <= SCREEN_COLUMNS - 2; width++) {
                char sentence[256];

                snprintf(sentence, sizeof(sentence),
                         "%0*d of 1 270 345 failed requests 58 s were averted", width, 0);
                json_object_set_new(stored.result, "ab", json_pack("{s:s}", "sentence", sentence));
                text_release(&screen);
                text_init(&screen);
                verdict_screen(&stored.report, "r", false, &screen);
                check_size();
                ck_assert_msg(strstr(text_bytes(&screen), "1 270 345") != NULL, "%s",
                              text_bytes(&screen));
                ck_assert_msg(strstr(text_bytes(&screen), "58 s") != NULL, "%s",
                              text_bytes(&screen));
        }
}
END_TEST

START_TEST(many_thresholds_fit_and_those_that_fail_come_first)
{
        json_t *list = json_array();

        for (int i = 0; i < 50; i++)
                json_array_append_new(list,
                                      json_pack("{s:s,s:f,s:s}", "check",
                                                i == 49 ? "the bad one" : "a good one", "observed",
                                                1.0, "outcome", i == 49 ? "failed" : "passed"));
        json_object_set_new(stored.result, "thresholds", list);
        verdict_screen(&stored.report, "r", false, &screen);
        check_size();
        ck_assert_ptr_nonnull(strstr(text_bytes(&screen), "✗ the bad one"));
        ck_assert_ptr_nonnull(strstr(text_bytes(&screen), "more\n"));
}
END_TEST

START_TEST(long_wide_and_hostile_names_fit)
{
        static const char *const names[] = {
                "a title that goes on and on, longer than any terminal is wide, until nobody reads "
                "it",
                "日本語の長い長い長い長い長い長い長い長い長い長い長い長い長い長い長い長い長い長い長"
                "い題名",
                "\033[2J\033]0;owned\007 =1+1 \xE2\x80\xAE evil\r\n",
        };

        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                sample_rename(&stored, names[i]);
                text_release(&screen);
                verdict_screen(&stored.report, "r", false, &screen);
                check_size();
                ck_assert_ptr_null(strchr(text_bytes(&screen), '\033'));
        }
}
END_TEST

START_TEST(colour_adds_only_escapes)
{
        struct text coloured;
        char *plain, *to;

        verdict_screen(&stored.report, "r", false, &screen);
        text_init(&coloured);
        verdict_screen(&stored.report, "r", true, &coloured);
        ck_assert_ptr_nonnull(strstr(text_bytes(&coloured), "\033[31m"));
        plain = to = strdup(text_bytes(&coloured));
        for (const char *at = text_bytes(&coloured); *at != '\0';)
                if (*at == '\033')
                        at = strchr(at, 'm') + 1;
                else
                        *to++ = *at++;
        *to = '\0';
        /* Spaces at the end of a line may stay before an escape. */
        for (char *a = plain, *line; (line = strsep(&a, "\n")) != NULL;) {
                size_t length = strlen(line);

                while (length > 0 && line[length - 1] == ' ')
                        line[--length] = '\0';
                ck_assert_ptr_nonnull(strstr(text_bytes(&screen), line));
        }
        free(plain);
        text_release(&coloured);
}
END_TEST

START_TEST(no_data_is_said_and_not_zero)
{
        json_t *metrics = json_object_get(
                json_object_get(json_object_get(stored.result, "arms"), "treated"), "metrics");

        char wanted[64];

        snprintf(wanted, sizeof(wanted), "\n%-18s%17s\n", "MTTR", "no data");
        json_object_set_new(
                metrics, "mttr",
                json_pack("{s:n,s:n,s:n,s:i,s:s}", "value", "low", "high", "n", 0, "unit", "s"));
        json_object_del(json_object_get(json_object_get(json_object_get(stored.result, "arms"),
                                                        "untreated"),
                                        "metrics"),
                        "mttr");
        verdict_screen(&stored.report, "r", false, &screen);
        ck_assert_ptr_nonnull(strstr(text_bytes(&screen), wanted));
}
END_TEST

START_TEST(no_colour_without_a_terminal)
{
        ck_assert(!screen_wants_colour(-1));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("verdict_screen");
        TCase *tests = tcase_create("screen");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tests, setup, teardown);
        tcase_add_test(tests, the_verdict_fits_one_screen);
        tcase_add_test(tests, a_line_never_ends_within_a_number);
        tcase_add_test(tests, many_thresholds_fit_and_those_that_fail_come_first);
        tcase_add_test(tests, long_wide_and_hostile_names_fit);
        tcase_add_test(tests, colour_adds_only_escapes);
        tcase_add_test(tests, no_data_is_said_and_not_zero);
        tcase_add_test(tests, no_colour_without_a_terminal);
        suite_add_tcase(suite, tests);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
