/* Tests of reports/explain.h and reports/timeline.h: the story of an incident. */
#include <math.h>

#include "report_sample.h"
#include "reports/explain.h"
#include "reports/timeline.h"

static char folder[64];
static struct stored_report stored;
static struct out_error error;
static struct text story;

static void setup(void)
{
        folder_make(folder);
        sample_read(&stored);
        memset(&error, 0, sizeof(error));
        text_init(&story);
}

static void teardown(void)
{
        text_release(&story);
        stored_report_release(&stored);
        folder_remove(folder);
}

static json_t *incidents(const char *arm)
{
        return json_object_get(json_object_get(json_object_get(stored.result, "arms"), arm),
                               "incidents");
}

/* Writes journal.jsonl and gives its path. */
static const char *journal(const char *lines)
{
        static char path[128];
        FILE *file;

        snprintf(path, sizeof(path), "%s/journal.jsonl", folder);
        file = fopen(path, "w");
        ck_assert_ptr_nonnull(file);
        fputs(lines, file);
        fclose(file);
        return path;
}

static const char *tell(const char *journal_path, size_t number)
{
        story.length = 0;
        ck_assert_msg(explain(&stored.report, journal_path, number, &story, &error), "%s",
                      error.message);
        return text_bytes(&story);
}

static void has(const char *words)
{
        ck_assert_msg(strstr(text_bytes(&story), words) != NULL, "no '%s' in\n%s", words,
                      text_bytes(&story));
}

static void has_not(const char *words)
{
        ck_assert_msg(strstr(text_bytes(&story), words) == NULL, "'%s' in\n%s", words,
                      text_bytes(&story));
}

/* `first` comes on an earlier line than `then`. */
static void in_order(const char *first, const char *then)
{
        const char *a = strstr(text_bytes(&story), first), *b = strstr(text_bytes(&story), then);

        ck_assert_msg(a != NULL && b != NULL && a < b, "'%s' before '%s' in\n%s", first, then,
                      text_bytes(&story));
}

#define LINE(t, run, rest) "{\"t\":" t ",\"run\":" run ",\"arm\":\"treated\"," rest "}\n"
#define ALARM(t, run)                                                                              \
        LINE(t, run,                                                                               \
             "\"type\":\"alarm\",\"service\":\"payment\",\"kind\":\"high_latency\","               \
             "\"metric\":\"latency\",\"value\":2,\"limit\":0.5")

START_TEST(the_course_is_told_in_order_with_times)
{
        tell(journal(ALARM("912",
                           "1") LINE("900", "1",
                                     "\"type\":\"fault_started\",\"fault\":\"slow cart answers\","
                                     "\"fault_kind\":\"latency\",\"service\":\"cart\"")
                             LINE("913", "1",
                                  "\"type\":\"diagnosis\",\"service\":\"payment\",\"rank\":1,"
                                  "\"kind\":\"high_latency\",\"confidence\":0.9")),
             1);
        in_order("15:00.0   -0:08.0  fault", "15:08.0   +0:00.0  onset");
        in_order("onset", "15:12.0   +0:04.0  alarm");
        in_order("alarm", "15:13.0   +0:05.0  diagnosis");
        in_order("diagnosis", "15:26.0   +0:18.0  restored");
        has("latency 2 s");
        has("500 ms");
}
END_TEST

START_TEST(only_the_incidents_own_replication_and_time_are_told)
{
        tell(journal(ALARM("912", "2") ALARM("100", "1")), 1);
        has_not("alarm  ");
        tell(journal(ALARM("912", "1")), 1);
        has("alarm  ");
}
END_TEST

START_TEST(without_a_journal_the_rest_is_told_and_the_lack_is_said)
{
        tell(NULL, 1);
        has("onset");
        has("restored");
        has("no journal of run 1");
        tell(journal(ALARM("912", "1")), 1);
        has_not("no journal");
}
END_TEST

START_TEST(broken_and_endless_lines_are_counted_and_left_out)
{
        char *lines = malloc(300000);

        memset(lines, 'x', 200000);
        strcpy(lines + 200000, "\n{\"arm\": \"treated\" broken\n" ALARM("912", "1"));
        tell(journal(lines), 1);
        free(lines);
        has("alarm  ");
        has("2 lines of the journal could not be read");
}
END_TEST

START_TEST(the_twins_are_told_with_how_long_and_how_bad)
{
        tell(NULL, 1);
        has("treated    with healing           15:08.0 to 15:26.0, 18 s: 226 bad\n");
        has("untreated  without healing        15:08.0 to 19:12.0, 4 min 04 s: 2 707 bad\n");
        has("quiet      healing, but no faults no such incident");
        has("226");
        has("Without healing it lasted 4 min 04 s, 3 min 46 s longer, with 2 481 more");
}
END_TEST

START_TEST(what_only_healing_brought_is_said_to_be_its_own)
{
        json_array_clear(incidents("untreated"));
        tell(NULL, 1);
        has("untreated  without healing        no such incident");
        has("Without healing there was no such incident");
}
END_TEST

START_TEST(a_prevented_incident_is_told_from_the_twin_that_had_it)
{
        size_t treated = json_array_size(incidents("treated"));

        tell(NULL, treated + 1);
        has("prevented");
        has("5:05.0   +0:00.0  (onset)");
        has("was never bad in that time: 4 954 bad requests were\naverted");
        has("treated    with healing           no such incident");
}
END_TEST

START_TEST(an_incident_that_is_not_over_is_open)
{
        json_t *one = json_array_get(incidents("treated"), 0);

        json_object_set_new(one, "r", json_null());
        tell(NULL, 1);
        has("30:00.0");
        has("still bad when the run ends");
        has_not("meets its objective again");
}
END_TEST

START_TEST(the_worst_that_users_felt_is_told_first)
{
        json_t *worst = json_array_get(incidents("treated"), 4);

        json_object_set_new(worst, "bad_requests", json_integer(999999));
        tell(NULL, 0);
        has("the worst 15 of them");
        has("incident 5 of ");
        json_object_set_new(worst, "user_visible", json_false());
        tell(NULL, 0);
        has_not("incident 5 of ");
}
END_TEST

START_TEST(a_breaker_that_flaps_is_told_once)
{
#define BREAKER(t, what) LINE(t, "1", "\"type\":\"breaker_" what "\",\"edge\":\"a->b\"")
        tell(journal(BREAKER("909", "opened") BREAKER("911", "half_opened") BREAKER("912", "opened")
                             BREAKER("915", "closed")),
             1);
        has("15:09.0   +0:01.0  breaker   a->b opens: calls are refused at once; 2 times\n");
        has("15:15.0   +0:07.0  breaker   a->b closes");
}
END_TEST

START_TEST(there_is_no_incident_beyond_the_last)
{
        ck_assert(
                !explain(&stored.report, NULL, explain_count(&stored.report) + 1, &story, &error));
        ck_assert_ptr_nonnull(strstr(error.message, "they are 1 to"));
}
END_TEST

START_TEST(a_result_without_incidents_says_so)
{
        json_array_clear(incidents("treated"));
        json_array_clear(incidents("untreated"));
        ck_assert_uint_eq(explain_count(&stored.report), 0);
        ck_assert_str_eq(tell(NULL, 0), "no incident, neither with healing nor prevented by it\n");
        ck_assert(!explain(&stored.report, NULL, 1, &story, &error));
}
END_TEST

START_TEST(hostile_names_reach_no_terminal_and_no_line_is_wider_than_80)
{
        char name[600];

        memset(name, 'n', sizeof(name) - 1);
        name[sizeof(name) - 1] = '\0';
        memcpy(name, "\033[31m", 5);
        sample_rename(&stored, name);
        for (size_t number = 0; number <= explain_count(&stored.report); number++) {
                tell(NULL, number);
                ck_assert_ptr_null(strchr(text_bytes(&story), '\033'));
                for (const char *at = text_bytes(&story); *at != '\0';) {
                        size_t length = strcspn(at, "\n");
                        char *line = strndup(at, length);

                        ck_assert_msg(text_columns(line) <= 80, "%s", line);
                        free(line);
                        at += length + (at[length] == '\n');
                }
        }
}
END_TEST

START_TEST(anything_may_be_missing)
{
        const char *const keys[] = {
                "run",    "service",      "o",        "f",           "r", "end", "bad_requests",
                "faults", "failure_type", "severity", "user_visible"};

        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
                json_object_del(json_array_get(incidents("treated"), 0), keys[i]);
                ck_assert_uint_gt(strlen(tell(NULL, 1)), 100);
        }
        json_object_clear(stored.result);
        ck_assert_str_eq(tell(NULL, 0), "no incident, neither with healing nor prevented by it\n");
}
END_TEST

/* ---- the timeline */

START_TEST(rows_stand_by_time_and_equals_as_they_came)
{
        struct timeline timeline;

        timeline_init(&timeline);
        text_add(timeline_add(&timeline, 61.25, "b"), "second");
        text_add(timeline_add(&timeline, -3, "a"), "first");
        text_add(timeline_add(&timeline, 61.25, "c"), "third");
        timeline_print(&timeline, NAN, &story);
        ck_assert_str_eq(text_bytes(&story), "   -0:03.0  a         first\n"
                                             "    1:01.3  b         second\n"
                                             "    1:01.3  c         third\n");
        timeline_release(&timeline);
}
END_TEST

START_TEST(a_clock_shows_hours_only_when_there_are_some)
{
        static const struct {
                double seconds;
                const char *shown;
        } rows[] = {{0, "0:00.0"},       {59.96, "1:00.0"},   {-0.01, "0:00.0"},
                    {3599.9, "59:59.9"}, {3600, "1:00:00.0"}, {-125.5, "-2:05.5"},
                    {NAN, "?"},          {INFINITY, "?"}};

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                story.length = 0;
                text_clock(&story, rows[i].seconds);
                ck_assert_str_eq(text_bytes(&story), rows[i].shown);
        }
}
END_TEST

START_TEST(lines_break_at_spaces_but_not_inside_a_number)
{
        text_wrapped(&story, "it took 12 345 s to end", 12, 2);
        ck_assert_str_eq(text_bytes(&story), "it took\n  12 345 s\n  to end\n");
        story.length = 0;
        text_wrapped(&story, "abcdefghijklmnop", 6, 2);
        ck_assert_str_eq(text_bytes(&story), "abcdef\n  ghij\n  klmn\n  op\n");
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("explain");
        TCase *tests = tcase_create("explain");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tests, setup, teardown);
        tcase_add_test(tests, the_course_is_told_in_order_with_times);
        tcase_add_test(tests, only_the_incidents_own_replication_and_time_are_told);
        tcase_add_test(tests, without_a_journal_the_rest_is_told_and_the_lack_is_said);
        tcase_add_test(tests, broken_and_endless_lines_are_counted_and_left_out);
        tcase_add_test(tests, the_twins_are_told_with_how_long_and_how_bad);
        tcase_add_test(tests, what_only_healing_brought_is_said_to_be_its_own);
        tcase_add_test(tests, a_prevented_incident_is_told_from_the_twin_that_had_it);
        tcase_add_test(tests, an_incident_that_is_not_over_is_open);
        tcase_add_test(tests, the_worst_that_users_felt_is_told_first);
        tcase_add_test(tests, a_breaker_that_flaps_is_told_once);
        tcase_add_test(tests, there_is_no_incident_beyond_the_last);
        tcase_add_test(tests, a_result_without_incidents_says_so);
        tcase_add_test(tests, hostile_names_reach_no_terminal_and_no_line_is_wider_than_80);
        tcase_add_test(tests, anything_may_be_missing);
        tcase_add_test(tests, rows_stand_by_time_and_equals_as_they_came);
        tcase_add_test(tests, a_clock_shows_hours_only_when_there_are_some);
        tcase_add_test(tests, lines_break_at_spaces_but_not_inside_a_number);
        suite_add_tcase(suite, tests);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
