/* Tests of reports/trends.h: several results side by side. */
#include "report_sample.h"
#include "reports/trends.h"

static char folder[64];
static struct stored_report first, last;
static struct out_error error;

static void setup(void)
{
        folder_make(folder);
        sample_read(&first);
        sample_read(&last);
        memset(&error, 0, sizeof(error));
}

static void teardown(void)
{
        stored_report_release(&first);
        stored_report_release(&last);
        folder_remove(folder);
}

static void set_metric(struct stored_report *stored, const char *name, double low, double high)
{
        json_object_set_new(
                json_object_get(json_object_get(json_object_get(stored->result, "arms"), "treated"),
                                "metrics"),
                name,
                json_pack("{s:f,s:f,s:f,s:i,s:s}", "value", (low + high) / 2, "low", low, "high",
                          high, "n", 20, "unit", "s"));
}

static char *page_of(const char *first_date, const char *last_date)
{
        const struct report *reports[] = {&first.report, &last.report};
        const char *const names[] = {"the-first", "the-last"};
        struct writers_options options = {.folder = folder, .no_plots = true};
        struct writers_result result;

        json_object_set_new(first.run_facts, "date", json_string(first_date));
        json_object_set_new(last.run_facts, "date", json_string(last_date));
        ck_assert_msg(trends_write(reports, names, 2, &options, &result, &error), "%s",
                      error.message);
        writers_result_release(&result);
        return folder_read(folder, "trends.html");
}

START_TEST(a_change_needs_intervals_that_are_apart)
{
        set_metric(&first, "mttr", 10, 20);
        set_metric(&last, "mttr", 19, 30);
        ck_assert_int_eq(trend_between(&first.report, &last.report, "mttr"), TREND_SAME);
        set_metric(&last, "mttr", 21, 30);
        ck_assert_int_eq(trend_between(&first.report, &last.report, "mttr"), TREND_WORSE);
        set_metric(&last, "mttr", 5, 9);
        ck_assert_int_eq(trend_between(&first.report, &last.report, "mttr"), TREND_BETTER);
}
END_TEST

START_TEST(which_way_is_better_is_the_metrics)
{
        set_metric(&first, "availability", 0.90, 0.91);
        set_metric(&last, "availability", 0.98, 0.99);
        ck_assert_int_eq(trend_between(&first.report, &last.report, "availability"), TREND_BETTER);
}
END_TEST

START_TEST(without_an_interval_nothing_is_said)
{
        json_object_del(
                json_object_get(
                        json_object_get(
                                json_object_get(json_object_get(first.result, "arms"), "treated"),
                                "metrics"),
                        "mttr"),
                "low");
        ck_assert_int_eq(trend_between(&first.report, &last.report, "mttr"), TREND_UNKNOWN);
}
END_TEST

START_TEST(results_stand_in_the_order_of_their_dates)
{
        char *page = page_of("2026-02-01T00:00:00Z", "2026-01-01T00:00:00Z");

        ck_assert(strstr(page, "the-last") < strstr(page, "the-first"));
        free(page);
        page = page_of("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z");
        ck_assert(strstr(page, "the-first") < strstr(page, "the-last"));
        free(page);
}
END_TEST

START_TEST(a_changed_scenario_is_pointed_out)
{
        char *page = page_of("", "");

        ck_assert_ptr_null(strstr(page, "The scenarios differ"));
        free(page);
        json_object_set_new(json_object_get(last.result, "scenario"), "digest", json_string("00"));
        page = page_of("", "");
        ck_assert_ptr_nonnull(strstr(page, "The scenarios differ"));
        free(page);
}
END_TEST

START_TEST(hostile_names_stay_text)
{
        char *page;

        sample_rename(&first, "<script>alert(1)</script>");
        page = page_of("<b>", "<b>");
        ck_assert_ptr_null(strstr(page, "<script"));
        ck_assert_ptr_null(strstr(page, "<b>"));
        free(page);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("trends");
        TCase *tests = tcase_create("trends");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tests, setup, teardown);
        tcase_add_test(tests, a_change_needs_intervals_that_are_apart);
        tcase_add_test(tests, which_way_is_better_is_the_metrics);
        tcase_add_test(tests, without_an_interval_nothing_is_said);
        tcase_add_test(tests, results_stand_in_the_order_of_their_dates);
        tcase_add_test(tests, a_changed_scenario_is_pointed_out);
        tcase_add_test(tests, hostile_names_stay_text);
        suite_add_tcase(suite, tests);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
