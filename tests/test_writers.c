/* Tests of reports/writer.h: what is written, where, and that hostile names stay names. */
#include <math.h>

#include "report_sample.h"
#include "reports/metric_table.h"
#include "reports/metric_words.h"
#include "reports/writer.h"

static const char hostile[] =
        "=1+1 <img src=x onerror=alert(1)> ' \" & ]]> @me {\033[2J} `id` $(id)\n| , ;";

static char folder[64];
static struct stored_report stored;
static struct out_error error;

static void setup(void)
{
        folder_make(folder);
        sample_read(&stored);
        memset(&error, 0, sizeof(error));
}

static void teardown(void)
{
        stored_report_release(&stored);
        folder_remove(folder);
}

static bool run(const char *list, bool fresh)
{
        struct writers_options options = {.folder = folder, .no_plots = true, .fresh = fresh};
        struct writers_result result;
        bool written;

        ck_assert(writers_parse(list, &options.set, &error));
        written = writers_run(&stored.report, &options, &result, &error);
        writers_result_release(&result);
        return written;
}

static char *written(const char *list, const char *file)
{
        ck_assert_msg(run(list, true), "%s", error.message);
        return folder_read(folder, file);
}

/* Lines of a file that begin with `start`. */
static int lines_starting(const char *bytes, const char *start)
{
        int count = 0;

        for (const char *line = bytes; line != NULL && *line != '\0';) {
                count += strncmp(line, start, strlen(start)) == 0;
                line = strchr(line, '\n');
                line = line == NULL ? NULL : line + 1;
        }
        return count;
}

/* ---- the table */

START_TEST(every_writer_has_a_name_a_summary_and_writes_something)
{
        for (int i = 0; i < WRITER_COUNT; i++) {
                uint32_t set;

                ck_assert_ptr_nonnull(writers[i].name);
                ck_assert_ptr_nonnull(writers[i].summary);
                ck_assert(writers_parse(writers[i].name, &set, &error));
                ck_assert_uint_eq(set, UINT32_C(1) << i);
        }
        ck_assert(run("all", true));
        for (int i = 0; i < WRITER_COUNT; i++)
                for (const struct writer_file *file = writers[i].files; file->name != NULL; file++)
                        ck_assert_msg(folder_has(folder, file->name), "%s", file->name);
}
END_TEST

START_TEST(an_unknown_format_is_named_with_those_there_are)
{
        uint32_t set;

        ck_assert(!writers_parse("json,pdf", &set, &error));
        ck_assert_str_eq(error.message,
                         "no writer named 'pdf' (there are: json, journal, "
                         "junit, html, md, csv, prom, om, svg, png, grafana, all, none)");
}
END_TEST

START_TEST(everything_can_be_made_again_from_what_was_written)
{
        struct stored_report again;
        char *first, *second;
        char other[64];
        struct writers_options options = {.folder = other, .no_plots = true, .fresh = true};
        struct writers_result result;

        ck_assert(run("all", true));
        ck_assert(stored_report_read(folder, &again, &error));
        folder_make(other);
        options.set = (UINT32_C(1) << WRITER_COUNT) - 1;
        ck_assert(writers_run(&again.report, &options, &result, &error));
        writers_result_release(&result);
        stored_report_release(&again);
        for (int i = 0; i < WRITER_COUNT; i++)
                for (const struct writer_file *file = writers[i].files; file->name != NULL;
                     file++) {
                        first = folder_read(folder, file->name);
                        second = folder_read(other, file->name);
                        ck_assert_msg(strcmp(first, second) == 0, "%s", file->name);
                        free(first);
                        free(second);
                }
        folder_remove(other);
}
END_TEST

/* ---- the folder */

START_TEST(a_folder_with_files_of_others_is_refused_and_left_alone)
{
        folder_put(folder, "thesis.tex", "years of work");
        ck_assert(!run("json", true));
        ck_assert_ptr_nonnull(
                strstr(error.message, "holds 'thesis.tex', which is not of chaos-run"));
        ck_assert(!folder_has(folder, "result.json"));
        ck_assert(folder_has(folder, "thesis.tex"));
}
END_TEST

START_TEST(a_file_that_only_has_the_name_of_ours_is_not_overwritten)
{
        folder_put(folder, "metrics.csv", "someone else's");
        ck_assert(!run("csv", true));
        ck_assert_ptr_nonnull(strstr(error.message, "no result.json or run.json of chaos-run"));
}
END_TEST

START_TEST(a_result_of_another_program_is_not_overwritten)
{
        folder_put(folder, "result.json", "{\"schema\": \"other/1\"}");
        ck_assert(!run("json", true));
}
END_TEST

START_TEST(a_second_run_may_write_to_the_folder_of_the_first)
{
        ck_assert(run("all", true));
        ck_assert_msg(run("all", true), "%s", error.message);
}
END_TEST

START_TEST(what_this_run_does_not_write_is_not_left_from_an_earlier_one)
{
        char path[128];

        ck_assert(run("all", true));
        snprintf(path, sizeof(path), "%s/plots", folder);
        ck_assert_int_eq(mkdir(path, 0777), 0);
        folder_put(path, "latency.svg", "<svg/>");
        ck_assert(run("json,junit", true));
        ck_assert(folder_has(folder, "junit.xml"));
        ck_assert(!folder_has(folder, "report.html"));
        ck_assert(!folder_has(folder, "metrics.csv"));
        ck_assert(!folder_has(folder, "plots"));
}
END_TEST

START_TEST(report_adds_to_a_folder)
{
        ck_assert(run("json,csv", true));
        ck_assert(run("md", false));
        ck_assert(folder_has(folder, "metrics.csv"));
        ck_assert(folder_has(folder, "report.md"));
}
END_TEST

START_TEST(what_a_killed_run_left_is_cleared_away)
{
        ck_assert(run("json", true));
        folder_put(folder, ".report.html.4194305-0.tmp", "<html>");
        ck_assert_msg(run("json", true), "%s", error.message);
        ck_assert(!folder_has(folder, ".report.html.4194305-0.tmp"));
}
END_TEST

START_TEST(a_file_that_is_being_written_is_left_alone)
{
        char name[64];

        ck_assert(run("json", true));
        snprintf(name, sizeof(name), ".journal.jsonl.%ld-0.tmp", (long)getpid());
        folder_put(folder, name, "{}");
        ck_assert_msg(run("json", true), "%s", error.message);
        ck_assert(folder_has(folder, name));
}
END_TEST

START_TEST(a_folder_that_may_not_be_written_is_one_message)
{
        struct writers_options options = {.folder = "/proc/nowhere", .set = 1};
        struct writers_result result;

        ck_assert(!writers_run(&stored.report, &options, &result, &error));
        ck_assert_ptr_nonnull(strstr(error.message, "/proc/nowhere: cannot create the folder"));
        writers_result_release(&result);
}
END_TEST

/* ---- stored results */

START_TEST(a_result_of_another_schema_is_refused)
{
        struct stored_report other;
        char path[128];

        folder_put(folder, "result.json", "{\"schema\": \"chaos-run/result/9\"}");
        snprintf(path, sizeof(path), "%s/result.json", folder);
        ck_assert(!stored_report_read(path, &other, &error));
        ck_assert_ptr_nonnull(strstr(error.message, "not a result of chaos-run"));
}
END_TEST

START_TEST(a_broken_result_is_named_with_its_place)
{
        struct stored_report other;

        folder_put(folder, "result.json", "{\"schema\": \n nonsense}");
        ck_assert(!stored_report_read(folder, &other, &error));
        ck_assert_ptr_nonnull(strstr(error.message, "result.json:2:"));
}
END_TEST

START_TEST(a_broken_series_is_named_with_its_line)
{
        struct stored_report other;

        ck_assert(run("json", true));
        folder_put(folder, "series.csv",
                   "run,arm,service,t,metric,value\n0,treated,,0,goodput,1\n0,treated\n");
        ck_assert(!stored_report_read(folder, &other, &error));
        ck_assert_ptr_nonnull(strstr(error.message, "series.csv:3: not a line of 6 cells"));
}
END_TEST

/* ---- csv */

START_TEST(csv_has_a_line_for_every_incident)
{
        char *bytes = written("csv,json", "incidents.csv");
        int wanted = 0;

        for (size_t i = 0; i < report_arm_count; i++)
                wanted += (int)json_array_size(json_object_get(
                        json_object_get(json_object_get(stored.result, "arms"), report_arms[i]),
                        "incidents"));
        ck_assert_int_gt(wanted, 0);
        ck_assert_int_eq(lines_starting(bytes, ""), wanted + 1);
        ck_assert_int_eq(lines_starting(bytes, "run,arm,service,o,f,d,a,r,bad_requests,faults,"
                                               "failure_type,severity,fate\n"),
                         1);
        free(bytes);
}
END_TEST

START_TEST(no_cell_of_a_hostile_name_is_a_formula)
{
        char *bytes;

        sample_rename(&stored, hostile);
        bytes = written("csv,json", "incidents.csv");
        ck_assert_ptr_null(strstr(bytes, ",=1+1"));
        ck_assert_ptr_null(strstr(bytes, ",\"=1+1"));
        ck_assert_ptr_nonnull(strstr(bytes, ",\"'=1+1"));
        free(bytes);
}
END_TEST

/* ---- junit */

START_TEST(junit_counts_what_it_holds)
{
        char *bytes = written("junit", "junit.xml");
        int cases = lines_starting(bytes, "    <testcase "), failures = 0;
        char counts[64];

        for (const char *at = bytes; (at = strstr(at, "<failure ")) != NULL; at++)
                failures++;
        snprintf(counts, sizeof(counts), "tests=\"%d\" failures=\"%d\"", cases, failures);
        ck_assert_ptr_nonnull(strstr(bytes, counts));
        ck_assert_int_eq(failures, 1); /* the sample breaks one threshold */
        ck_assert_ptr_nonnull(
                strstr(bytes, "observed: 38.5 (30.8 to 46.2), expected: mttr &lt; 30s"));
        ck_assert_ptr_nonnull(strstr(bytes, "seed: 7"));
        free(bytes);
}
END_TEST

START_TEST(a_run_that_was_stopped_is_a_failure_in_junit)
{
        char *bytes;
        json_t *threshold;
        size_t index;

        json_array_foreach(json_object_get(stored.result, "thresholds"), index, threshold)
                json_object_set_new(threshold, "outcome", json_string("passed"));
        json_object_set_new(stored.result, "outcome", json_string("stopped"));
        bytes = written("junit", "junit.xml");
        ck_assert_ptr_nonnull(
                strstr(bytes, "<failure type=\"outcome\" message=\"observed: stopped"));
        free(bytes);
}
END_TEST

START_TEST(a_fault_without_effect_is_a_failure_in_junit)
{
        char *bytes;

        json_object_set_new(json_array_get(json_object_get(stored.result, "faults"), 0),
                            "effective", json_false());
        bytes = written("junit", "junit.xml");
        ck_assert_ptr_nonnull(strstr(bytes, "<failure type=\"not_effective\""));
        free(bytes);
}
END_TEST

START_TEST(hostile_names_do_not_break_junit)
{
        char *bytes;

        sample_rename(&stored, hostile);
        bytes = written("junit", "junit.xml");
        ck_assert_ptr_null(strstr(bytes, "<img"));
        ck_assert_ptr_null(strchr(bytes, '\033'));
        free(bytes);
}
END_TEST

/* ---- metrics */

START_TEST(every_sample_follows_its_help_and_type)
{
        char *bytes = written("prom", "metrics.prom"), *save = NULL, family[256] = "";
        int samples = 0;

        for (char *line = strtok_r(bytes, "\n", &save); line != NULL;
             line = strtok_r(NULL, "\n", &save)) {
                if (strncmp(line, "# HELP ", 7) == 0) {
                        snprintf(family, sizeof(family), "%.*s", (int)strcspn(line + 7, " "),
                                 line + 7);
                } else if (strncmp(line, "# TYPE ", 7) == 0) {
                        ck_assert_int_eq(strncmp(line + 7, family, strlen(family)), 0);
                        bool total = strcmp(family + strlen(family) - 6, "_total") == 0;

                        ck_assert_str_eq(line + 7 + strlen(family), total ? " counter" : " gauge");
                } else {
                        ck_assert_uint_eq(strcspn(line, "{"), strlen(family));
                        ck_assert_int_eq(strncmp(line, family, strlen(family)), 0);
                        samples++;
                }
        }
        ck_assert_int_gt(samples, 50);
        free(bytes);
}
END_TEST

START_TEST(a_metric_is_exported_in_base_units_with_its_value)
{
        char *bytes = written("prom", "metrics.prom");

        ck_assert_ptr_nonnull(strstr(bytes,
                                     "\nchaos_run_mttr_seconds{scenario=\"Payment is slow\","
                                     "healer=\"default\",arm=\"treated\",service=\"\"} 38.5\n"));
        ck_assert_ptr_nonnull(strstr(bytes, "\nchaos_run_mttr_low_seconds{"));
        ck_assert_ptr_nonnull(strstr(bytes, "\n# TYPE chaos_run_availability_ratio gauge\n"));
        /* quiet has no incident, so no value: no sample, and not 0 */
        ck_assert_ptr_null(strstr(bytes, "chaos_run_mttr_seconds{scenario=\"Payment is slow\","
                                         "healer=\"default\",arm=\"quiet\""));
        free(bytes);
}
END_TEST

/* Every metric that there is, with all that a metric can have. */
static void measure_everything(void)
{
        json_t *metrics = json_object_get(result_at(stored.result, "arms.treated"), "metrics");

        json_object_clear(metrics);
        for (size_t i = 0; i < metric_row_count; i++)
                json_object_set_new(metrics, metric_rows[i].name,
                                    json_pack("{s:f, s:f, s:f, s:i, s:i, s:f, s:f, s:s}", "value",
                                              6.0, "low", 5.0, "high", 7.0, "n", 3, "count", 18,
                                              "numerator", 18.0, "denominator", 3.0, "unit",
                                              metric_rows[i].unit));
}

/* The line from which on two texts differ, as the first has it. */
static const char *differing(const char *one, const char *other)
{
        const char *line = one;

        for (; *one != '\0' && *one == *other; one++, other++)
                line = *one == '\n' ? one + 1 : line;
        return line;
}

/* Dashboards and alerts hold on to these names: a changed one breaks them, a
 * new one is added to the list. */
START_TEST(s3_38_names_and_types_are_those_that_were_promised)
{
        char *bytes, *wanted, *save = NULL;
        struct text names;

        measure_everything();
        bytes = written("prom", "metrics.prom");
        text_init(&names);
        for (char *line = strtok_r(bytes, "\n", &save); line != NULL;
             line = strtok_r(NULL, "\n", &save))
                if (strncmp(line, "# TYPE chaos_", 13) == 0 &&
                    strstr(line, "_low_") == NULL && strstr(line, "_high_") == NULL)
                        text_addf(&names, "%s\n", line + 7);
        wanted = folder_read(getenv("TEST_DATA"), "report/prometheus_names.txt");
        ck_assert_msg(strcmp(text_bytes(&names), wanted) == 0, "%.900s",
                      differing(text_bytes(&names), wanted));
        text_release(&names);
        free(wanted);
        free(bytes);
}
END_TEST

START_TEST(s3_38_what_is_counted_has_a_counter_of_all_replications)
{
        char *bytes;

        measure_everything();
        bytes = written("prom", "metrics.prom");
        ck_assert_ptr_nonnull(strstr(bytes, "\n# TYPE chaos_all_runs_incidents_total counter\n"));
        ck_assert_ptr_nonnull(strstr(bytes, "\nchaos_all_runs_incidents_total{scenario=\"Payment "
                                            "is slow\",healer=\"default\",arm=\"treated\","
                                            "service=\"\"} 18\n"));
        ck_assert_ptr_nonnull(strstr(bytes, "\nchaos_run_incidents{scenario=\"Payment is slow\","
                                            "healer=\"default\",arm=\"treated\",service=\"\"} "
                                            "6\n"));
        free(bytes);
        bytes = written("om", "metrics.om");
        ck_assert_ptr_nonnull(strstr(bytes, "\n# TYPE chaos_all_runs_incidents counter\n"
                                            "# UNIT chaos_all_runs_incidents incidents\n"
                                            "chaos_all_runs_incidents_total{"));
        free(bytes);
        /* a difference can fall, a share or a time is no count */
        ck_assert(!metric_is_count("averted_harm") && !metric_is_count("self_made_harm"));
        ck_assert(!metric_is_count("availability") && !metric_is_count("bad_seconds"));
        ck_assert(metric_is_count("restarts") && metric_is_count("breaker_opened"));
}
END_TEST

START_TEST(units_are_spelt_out_in_names)
{
        static const char *const wanted[][3] = {
                {"goodput", "1/s", "chaos_run_goodput_per_second"},
                {"incident_rate", "1/h", "chaos_run_incident_rate_per_hour"},
                {"false_alarms_per_week", "1/week", "chaos_run_false_alarms_per_week"},
                {"error_ratio", "ratio", "chaos_run_error_ratio"},
                {"bad_seconds", "s", "chaos_run_bad_seconds"},
                {"unrecovered", "incidents", "chaos_run_unrecovered_incidents"},
                {"failed_requests", "requests", "chaos_run_failed_requests"},
                {"incidents", "incidents", "chaos_run_incidents"},
        };

        for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
                struct text name;

                text_init(&name);
                prometheus_name(wanted[i][0], wanted[i][1], &name);
                ck_assert_str_eq(text_bytes(&name), wanted[i][2]);
                text_release(&name);
        }
}
END_TEST

START_TEST(openmetrics_ends_with_its_mark)
{
        char *bytes = written("om", "metrics.om");
        size_t length = strlen(bytes);

        ck_assert_str_eq(bytes + length - 6, "# EOF\n");
        ck_assert_ptr_nonnull(strstr(bytes, "\n# UNIT chaos_run_mttr_seconds seconds\n"));
        free(bytes);
}
END_TEST

START_TEST(the_dashboard_asks_for_metrics_that_are_exported)
{
        char *bytes = written("grafana,prom", "metrics.prom");
        char *dashboard = folder_read(folder, "grafana.json");
        json_t *root = json_loads(dashboard, 0, NULL), *panel;
        size_t index;

        ck_assert_ptr_nonnull(root);
        ck_assert_uint_gt(json_array_size(json_object_get(root, "panels")), 8);
        json_array_foreach(json_object_get(root, "panels"), index, panel)
        {
                const char *query = json_string_value(json_object_get(
                        json_array_get(json_object_get(panel, "targets"), 0), "expr"));
                char wanted[200];

                ck_assert_ptr_nonnull(query);
                snprintf(wanted, sizeof(wanted), "\n%.*s{", (int)strcspn(query, "{"), query);
                ck_assert_msg(strstr(bytes, wanted) != NULL, "%s", wanted);
        }
        json_decref(root);
        free(dashboard);
        free(bytes);
}
END_TEST

/* ---- markdown */

START_TEST(markdown_tells_the_verdict_and_escapes_names)
{
        char *bytes = written("md", "report.md");

        ck_assert_ptr_nonnull(strstr(bytes, "**✗ failed** 1 of 4 thresholds does not hold."));
        free(bytes);
        sample_rename(&stored, hostile);
        bytes = written("md", "report.md");
        /* but for the command, which is an indented block and so shown as it is */
        ck_assert_int_eq(lines_starting(bytes, "    =1+1 <img"), 1);
        *strstr(bytes, "    =1+1 <img") = '\0';
        ck_assert_ptr_null(strstr(bytes, "<img"));
        ck_assert_ptr_null(strstr(bytes, "@me {"));
        free(bytes);
}
END_TEST

START_TEST(markdown_shows_references_and_deeds_where_they_were_asked_for)
{
        char *bytes = written("md", "report.md");

        ck_assert_ptr_null(strstr(bytes, "beside the references"));
        ck_assert_ptr_null(strstr(bytes, "deeds"));
        free(bytes);
        json_object_set_new(stored.result, "floor",
                            json_pack("{s:{s:f, s:s}, s:[{s:s, s:s, s:{s:{s:f, s:s}}}]}",
                                      "averted_share", "value", 0.625, "unit", "ratio", "healers",
                                      "name", "a|b", "summary", "none", "metrics",
                                      "prevention_rate", "value", 0.125, "unit", "ratio"));
        json_object_set_new(stored.result, "attribution",
                            json_pack("{s:f, s:i, s:i, s:i, s:[]}", "noise", 7.0, "helpful", 41,
                                      "harmful", 5, "unnecessary", 6, "deeds"));
        bytes = written("md", "report.md");
        ck_assert_ptr_nonnull(strstr(bytes, "\n| a\\|b | no data | no data | no data | 12.5 % | "
                                            "no data | no data |\n"));
        ck_assert_ptr_nonnull(strstr(bytes, "Of what the oracle averts, **62.5 %** was averted."));
        ck_assert_ptr_nonnull(strstr(bytes, " | 41 | 5 | 6 |\n"));
        free(bytes);
}
END_TEST

/* ---- memory */

START_TEST(an_empty_result_makes_every_file_and_no_number)
{
        struct stored_report empty = {0};
        struct writers_options options = {.folder = folder,
                                          .no_plots = true,
                                          .fresh = true,
                                          .set = (UINT32_C(1) << WRITER_COUNT) - 1};
        struct writers_result result;
        char *bytes;

        empty.result = json_pack("{s:s}", "schema", RESULT_SCHEMA);
        empty.report.result = empty.result;
        ck_assert(writers_run(&empty.report, &options, &result, &error));
        writers_result_release(&result);
        bytes = folder_read(folder, "report.md");
        ck_assert_ptr_null(strstr(bytes, "nan"));
        ck_assert_ptr_nonnull(strstr(bytes, "no data"));
        free(bytes);
        bytes = folder_read(folder, "report.html");
        ck_assert_ptr_null(strstr(bytes, ">nan"));
        free(bytes);
        json_decref(empty.result);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("writers");
        TCase *tests = tcase_create("writers");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tests, setup, teardown);
        tcase_add_test(tests, every_writer_has_a_name_a_summary_and_writes_something);
        tcase_add_test(tests, an_unknown_format_is_named_with_those_there_are);
        tcase_add_test(tests, everything_can_be_made_again_from_what_was_written);
        tcase_add_test(tests, a_folder_with_files_of_others_is_refused_and_left_alone);
        tcase_add_test(tests, a_file_that_only_has_the_name_of_ours_is_not_overwritten);
        tcase_add_test(tests, a_result_of_another_program_is_not_overwritten);
        tcase_add_test(tests, a_second_run_may_write_to_the_folder_of_the_first);
        tcase_add_test(tests, what_this_run_does_not_write_is_not_left_from_an_earlier_one);
        tcase_add_test(tests, report_adds_to_a_folder);
        tcase_add_test(tests, what_a_killed_run_left_is_cleared_away);
        tcase_add_test(tests, a_file_that_is_being_written_is_left_alone);
        tcase_add_test(tests, a_folder_that_may_not_be_written_is_one_message);
        tcase_add_test(tests, a_result_of_another_schema_is_refused);
        tcase_add_test(tests, a_broken_result_is_named_with_its_place);
        tcase_add_test(tests, a_broken_series_is_named_with_its_line);
        tcase_add_test(tests, csv_has_a_line_for_every_incident);
        tcase_add_test(tests, no_cell_of_a_hostile_name_is_a_formula);
        tcase_add_test(tests, junit_counts_what_it_holds);
        tcase_add_test(tests, a_run_that_was_stopped_is_a_failure_in_junit);
        tcase_add_test(tests, a_fault_without_effect_is_a_failure_in_junit);
        tcase_add_test(tests, hostile_names_do_not_break_junit);
        tcase_add_test(tests, every_sample_follows_its_help_and_type);
        tcase_add_test(tests, a_metric_is_exported_in_base_units_with_its_value);
        tcase_add_test(tests, s3_38_names_and_types_are_those_that_were_promised);
        tcase_add_test(tests, s3_38_what_is_counted_has_a_counter_of_all_replications);
        tcase_add_test(tests, units_are_spelt_out_in_names);
        tcase_add_test(tests, openmetrics_ends_with_its_mark);
        tcase_add_test(tests, the_dashboard_asks_for_metrics_that_are_exported);
        tcase_add_test(tests, markdown_tells_the_verdict_and_escapes_names);
        tcase_add_test(tests, markdown_shows_references_and_deeds_where_they_were_asked_for);
        tcase_add_test(tests, an_empty_result_makes_every_file_and_no_number);
        suite_add_tcase(suite, tests);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
