/* Tests of report.html: offline, complete, and equal to result.json. */
#include <math.h>

#include "report_sample.h"
#include "reports/writer.h"

static const char hostile[] =
        "<script>alert(1)</script><img src=http://evil/x> \" ' & --> </style>";

static char folder[64];
static struct stored_report stored;
static char *page;

static void make(void)
{
        struct out_error error = {""};
        struct writers_options options = {
                .folder = folder, .fresh = true, .set = WRITER_BIT(WRITER_HTML)};
        struct writers_result result;

        free(page);
        ck_assert_msg(writers_run(&stored.report, &options, &result, &error), "%s", error.message);
        writers_result_release(&result);
        page = folder_read(folder, "report.html");
}

static void setup(void)
{
        folder_make(folder);
        sample_read(&stored);
}

static void teardown(void)
{
        free(page);
        page = NULL;
        stored_report_release(&stored);
        folder_remove(folder);
}

static int count(const char *needle)
{
        int found = 0;

        for (const char *at = page; (at = strstr(at, needle)) != NULL; at++)
                found++;
        return found;
}

START_TEST(nothing_is_asked_of_anybody_else)
{
        make();
        ck_assert_int_eq(count("src="), 0);
        ck_assert_int_eq(count("url("), 0);
        ck_assert_int_eq(count("@import"), 0);
        ck_assert_int_eq(count("<script"), 0);
        ck_assert_int_eq(count("<link"), 0);
        /* the names of xml namespaces are the only addresses, and all links stay on the page */
        ck_assert_int_eq(count("http://"), count("http://www.w3.org/"));
        ck_assert_int_eq(count("https://"), 0);
        ck_assert_int_eq(count("href=\""), count("href=\"#"));
        ck_assert_int_eq(count("href='"), count("href='#"));
}
END_TEST

/* A number that stands in the tree, at 12 digits. */
static bool stands_in(const json_t *node, double value)
{
        json_t *child, *object;
        const char *key;
        size_t index;

        if (json_is_number(node))
                return fabs(json_number_value(node) - value) <= fabs(value) * 1e-11;
        json_array_foreach(node, index, child) if (stands_in(child, value)) return true;
        object = json_is_object(node) ? json_incref((json_t *)(uintptr_t)node) : NULL;
        json_object_foreach(object, key, child) if (stands_in(child, value))
        {
                json_decref(object);
                return true;
        }
        json_decref(object);
        return false;
}

START_TEST(every_number_stands_in_the_result)
{
        int numbers = 0;

        make();
        for (const char *at = page; (at = strstr(at, "<data value=\"")) != NULL;) {
                char *end;

                at += strlen("<data value=\"");
                for (;; at = end + 1) {
                        double value = strtod(at, &end);

                        ck_assert_msg(stands_in(stored.result, value), "%.40s", at);
                        numbers++;
                        if (*end != ' ')
                                break;
                }
                ck_assert_int_eq(*end, '"');
        }
        ck_assert_int_gt(numbers, 200);
}
END_TEST

START_TEST(every_metric_of_the_result_is_on_the_page)
{
        json_t *metrics = json_object_get(
                json_object_get(json_object_get(stored.result, "arms"), "treated"), "metrics");
        const char *name;
        json_t *metric;

        make();
        json_object_foreach(metrics, name, metric)
        {
                char wanted[128];

                snprintf(wanted, sizeof(wanted), "<code>%s</code>", name);
                ck_assert_msg(count(wanted) >= 1, "%s", name);
        }
}
END_TEST

/* The part of the page between the start of a section and its end, to be freed. */
static char *section(const char *id)
{
        char start[64];
        char *at, *end;

        snprintf(start, sizeof(start), "<section id=\"%s\">", id);
        at = strstr(page, start);
        if (at == NULL)
                return NULL;
        end = strstr(at, "</section>");
        ck_assert_ptr_nonnull(end);
        return strndup(at, (size_t)(end - at));
}

/* The next <data> of the text is `value`; moves on behind it. */
static void next_figure_is(const char **at, double value)
{
        const char *found = strstr(*at, "<data value=\"");

        ck_assert_ptr_nonnull(found);
        *at = found + strlen("<data value=\"");
        ck_assert_double_eq_tol(strtod(*at, NULL), value, 1e-9 * fabs(value));
}

START_TEST(the_references_stand_beside_the_strategy)
{
        const json_t *own = result_at(stored.result, "arms.treated.metrics");
        const char *at;
        char *part;

        make();
        ck_assert_ptr_null(section("floor"));
        json_object_set_new(
                stored.result, "floor",
                json_pack(
                        "{s:{s:f, s:f, s:f, s:s}, s:[{s:s, s:s, s:{s:{s:f, s:s}, s:{s:f, s:s}}}]}",
                        "averted_share", "value", 0.625, "low", 0.5, "high", 0.75, "unit", "ratio",
                        "healers", "name", "reference:<b>", "summary", "is \"told\" <it>",
                        "metrics", "failed_requests", "value", 321.5, "unit", "requests",
                        "prevention_rate", "value", 0.125, "unit", "ratio"));
        make();
        part = section("floor");
        ck_assert_ptr_nonnull(part);
        at = part;
        next_figure_is(&at, 0.625);
        next_figure_is(&at, 0.5);
        at = strstr(at, "<tbody>");
        ck_assert_ptr_nonnull(at);
        next_figure_is(&at, result_number(own, "failed_requests.value"));
        at = strstr(at, "<tr>");
        ck_assert_ptr_nonnull(at);
        ck_assert_ptr_nonnull(strstr(at, "reference:&lt;b&gt;"));
        ck_assert_ptr_nonnull(strstr(at, "&lt;it&gt;"));
        next_figure_is(&at, 321.5);
        ck_assert_ptr_nonnull(strstr(at, "no data")); /* the seconds, not measured */
        next_figure_is(&at, 0.125);
        ck_assert_ptr_null(strstr(at, "<data"));
        free(part);
}
END_TEST

START_TEST(deeds_stand_with_what_they_averted)
{
        const char *at;
        char *part;

        make();
        ck_assert_ptr_null(section("attribution"));
        json_object_set_new(
                stored.result, "attribution",
                json_pack("{s:f, s:i, s:i, s:i, s:[{s:i, s:i, s:s, s:s, s:n, s:f, s:s}]}", "noise",
                          7.0, "helpful", 41, "harmful", 5, "unnecessary", 6, "deeds", "run", 3,
                          "episode", 17, "action", "restart", "service", "<bank>", "instance",
                          "averted", 812.0, "verdict", "helpful"));
        make();
        part = section("attribution");
        ck_assert_ptr_nonnull(part);
        at = part;
        next_figure_is(&at, 41);
        next_figure_is(&at, 5);
        next_figure_is(&at, 6);
        next_figure_is(&at, 7);
        next_figure_is(&at, 3);
        ck_assert_ptr_nonnull(strstr(at, "&lt;bank&gt;"));
        next_figure_is(&at, 17);
        next_figure_is(&at, 812);
        ck_assert_ptr_null(strstr(at, "<data"));
        free(part);
}
END_TEST

START_TEST(hostile_names_stay_text)
{
        sample_rename(&stored, hostile);
        make();
        ck_assert_int_eq(count("<script"), 0);
        ck_assert_int_eq(count("<img"), 0);
        ck_assert_int_eq(count("</style>"), 1);
        ck_assert_int_ge(count("&lt;script&gt;"), 3);
}
END_TEST

START_TEST(ids_are_used_once)
{
        make();
        for (const char *at = page; (at = strstr(at, "id=")) != NULL; at++) {
                size_t length = 4 + strcspn(at + 4, "'\"") + 1;
                char id[128];

                if (at[-1] != ' ' || length >= sizeof(id))
                        continue;
                snprintf(id, sizeof(id), " %.*s", (int)length, at);
                ck_assert_msg(count(id) == 1, "%s", id);
        }
}
END_TEST

START_TEST(every_plot_has_words_for_those_who_cannot_see_it)
{
        make();
        ck_assert_int_ge(count("<svg"), 1);
        ck_assert_int_eq(count("<svg"), count("class=\"plot\" role=\"img\""));
        ck_assert_int_eq(count("aria-label=\"\""), 0);
}
END_TEST

START_TEST(the_contents_lead_to_sections_that_are_there)
{
        make();
        for (const char *at = page; (at = strstr(at, "<a href=\"#")) != NULL;) {
                char wanted[128];

                at += strlen("<a href=\"#");
                snprintf(wanted, sizeof(wanted), "id=\"%.*s\"", (int)strcspn(at, "\""), at);
                ck_assert_msg(count(wanted) == 1, "%s", wanted);
        }
}
END_TEST

START_TEST(the_page_is_the_same_every_time)
{
        char *first;

        make();
        first = strdup(page);
        make();
        ck_assert_str_eq(first, page);
        free(first);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("html");
        TCase *tests = tcase_create("page");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tests, setup, teardown);
        tcase_add_test(tests, nothing_is_asked_of_anybody_else);
        tcase_add_test(tests, every_number_stands_in_the_result);
        tcase_add_test(tests, every_metric_of_the_result_is_on_the_page);
        tcase_add_test(tests, the_references_stand_beside_the_strategy);
        tcase_add_test(tests, deeds_stand_with_what_they_averted);
        tcase_add_test(tests, hostile_names_stay_text);
        tcase_add_test(tests, ids_are_used_once);
        tcase_add_test(tests, every_plot_has_words_for_those_who_cannot_see_it);
        tcase_add_test(tests, the_contents_lead_to_sections_that_are_there);
        tcase_add_test(tests, the_page_is_the_same_every_time);
        suite_add_tcase(suite, tests);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
