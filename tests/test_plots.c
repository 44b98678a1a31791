/* Tests of reports/plots.h: scripts, gnuplot at work, and gnuplot that does not work. */
#include "report_sample.h"
#include "reports/plots.h"

#include <time.h>

static const char hostile[] =
        "'; system('touch /tmp/chaos-plots-owned') # `touch /tmp/chaos-plots-owned` "
        "@x </text><script>alert(1)</script> \"q\" \\n\nEOD\n";

static char folder[64];
static struct stored_report stored;
static struct out_error error;
static struct plot_set drawn;

static void setup(void)
{
        folder_make(folder);
        sample_read(&stored);
        memset(&error, 0, sizeof(error));
}

static void teardown(void)
{
        plot_set_release(&drawn);
        stored_report_release(&stored);
        folder_remove(folder);
}

static bool has_gnuplot(void)
{
        return system("command -v gnuplot >/dev/null") == 0;
}

static void draw(const char *program, bool png, int seconds_max)
{
        struct plots_options options = {
                .folder = folder, .program = program, .png = png, .seconds_max = seconds_max};

        ck_assert_msg(plots_draw(&stored.report, &options, &drawn, &error), "%s", error.message);
}

/* A program that stands in for gnuplot. */
static const char *fake(const char *script)
{
        static char path[128];
        char name[] = "fake-gnuplot";

        folder_put(folder, name, script);
        snprintf(path, sizeof(path), "%s/%s", folder, name);
        ck_assert_int_eq(chmod(path, 0755), 0);
        return path;
}

/* failed_requests: of three pairs, B has more in two; B's interval is clear of A. */
static json_t *comparison_of(const char *verdict)
{
        return json_pack("{s:s, s:s, s:[{s:s, s:s, s:s, s:{s:f}, s:{s:f, s:f, s:f, s:i}, s:f, s:s, "
                         "s:[f, f, f], s:[f, f, f], s:{s:i, s:i, s:i}}]}",
                         "verdict", verdict, "sentence", "B lost more", "metrics", "metric",
                         "failed_requests", "role", "primary", "unit", "requests", "a", "value",
                         100.0, "difference", "value", -20.0, "low", -30.0, "high", -10.0, "n", 3,
                         "margin", 5.0, "verdict", verdict, "a_values", 100.0, 90.0, 110.0,
                         "b_values", 130.0, 80.0, 150.0, "signs", "plus", 1, "zero", 0, "minus", 2);
}

static char *script_of(const char *name)
{
        struct text script;

        text_init(&script);
        for (size_t i = 0; i < plot_row_count; i++)
                if (strcmp(plot_rows[i].name, name) == 0)
                        ck_assert(plot_script(&plot_rows[i], &stored.report, &script));
        return script.bytes;
}

START_TEST(a_comparison_is_shown_from_as_side_in_shares_and_pair_by_pair)
{
        char *script;

        json_object_set_new(stored.result, "ab", comparison_of("B worse"));
        script = script_of("forest");
        /* 10 to 30 more than A's 100, in the lane of what is worse; the margin beside it */
        ck_assert_ptr_nonnull(strstr(script, "$bad << EOD\n20 0 10 30\nEOD"));
        ck_assert_ptr_nonnull(strstr(script, "$good << EOD\nEOD"));
        ck_assert_ptr_nonnull(strstr(script, "rectangle from -5, -0.36 to 5, 0.36"));
        free(script);
        script = script_of("pairs");
        ck_assert_ptr_nonnull(strstr(script, "$pairs_B << EOD\n1 -10\n2 30\n3 40\nEOD"));
        free(script);
}
END_TEST

START_TEST(three_strategies_are_two_comparisons_in_one_picture)
{
        json_t *both = comparison_of("B worse");
        char *script;

        json_object_set_new(both, "comparisons",
                            json_pack("[o, o]", comparison_of("B worse"), comparison_of("C better")));
        json_object_set_new(stored.result, "ab", both);
        script = script_of("forest");
        ck_assert_ptr_nonnull(strstr(script, "'failed requests, B (decides)' 0"));
        ck_assert_ptr_nonnull(strstr(script, "'failed requests, C (decides)' -1"));
        ck_assert_ptr_nonnull(strstr(script, "$good << EOD\n20 -1 10 30\nEOD"));
        free(script);
        script = script_of("pairs");
        ck_assert_ptr_nonnull(strstr(script, "$pairs_C << EOD"));
        free(script);
}
END_TEST

START_TEST(every_plot_of_the_sample_is_drawn)
{
        if (!has_gnuplot())
                return;
        draw("gnuplot", false, 0);
        ck_assert_str_eq(text_bytes(&drawn.notes), "");
        for (size_t i = 0; i < plot_row_count; i++) {
                struct text words;

                if (strcmp(plot_rows[i].name, "hours") == 0)
                        continue; /* the sample is shorter than a day */
                if (strcmp(plot_rows[i].name, "forest") == 0 ||
                    strcmp(plot_rows[i].name, "pairs") == 0)
                        continue; /* and compares nothing: see below */
                ck_assert_msg(drawn.svg[i] != NULL, "%s", plot_rows[i].name);
                ck_assert_ptr_nonnull(strstr(drawn.svg[i], "</svg>"));
                text_init(&words);
                plot_rows[i].tell(&stored.report, &words);
                ck_assert_msg(words.length > 20, "%s", plot_rows[i].name);
                text_release(&words);
        }
}
END_TEST

START_TEST(a_script_draws_the_same_picture_alone)
{
        char command[256], *first, *second;

        if (!has_gnuplot())
                return;
        draw("gnuplot", false, 0);
        first = folder_read(folder, "plots/latency.svg");
        snprintf(command, sizeof(command),
                 "cd %s/plots && rm latency.svg && LC_ALL=C.UTF-8 TZ=Asia/Tokyo gnuplot latency.gp",
                 folder);
        ck_assert_int_eq(system(command), 0);
        second = folder_read(folder, "plots/latency.svg");
        ck_assert_str_eq(first, second);
        free(first);
        free(second);
}
END_TEST

START_TEST(hostile_names_are_drawn_and_not_run)
{
        struct text script;

        unlink("/tmp/chaos-plots-owned");
        sample_rename(&stored, hostile);
        for (size_t i = 0; i < plot_row_count; i++) {
                text_init(&script);
                plot_script(&plot_rows[i], &stored.report, &script);
                ck_assert_ptr_null(strstr(text_bytes(&script), "\n'; system"));
                text_release(&script);
        }
        if (!has_gnuplot())
                return;
        draw("gnuplot", false, 0);
        ck_assert_str_eq(text_bytes(&drawn.notes), "");
        ck_assert_int_ne(access("/tmp/chaos-plots-owned", F_OK), 0);
        for (size_t i = 0; i < plot_row_count; i++)
                if (drawn.svg[i] != NULL)
                        ck_assert_ptr_null(strstr(drawn.svg[i], "<script"));
}
END_TEST

START_TEST(without_gnuplot_scripts_are_there_and_the_note_says_so)
{
        draw("no-such-gnuplot", false, 0);
        ck_assert(drawn.missing);
        ck_assert_ptr_nonnull(
                strstr(text_bytes(&drawn.notes), "no-such-gnuplot cannot be started"));
        ck_assert(folder_has(folder, "plots/latency.gp"));
        ck_assert(!folder_has(folder, "plots/latency.svg"));
}
END_TEST

/* Gone, or dead and its parent has not looked yet. Who was killed needs a processor to die, and
 * a busy machine may let it wait. */
static bool it_dies(long pid)
{
        const struct timespec pause = {.tv_nsec = 10000000};
        char proc[64];

        snprintf(proc, sizeof(proc), "/proc/%ld/stat", pid);
        for (int i = 0; i < 1000; i++) {
                char state[64] = "";
                FILE *status = fopen(proc, "r");
                bool there = status != NULL && fgets(state, sizeof(state), status) != NULL;

                if (status != NULL)
                        fclose(status);
                if (!there || strstr(state, ") Z") != NULL)
                        return true;
                nanosleep(&pause, NULL);
        }
        return false;
}

START_TEST(a_gnuplot_that_hangs_is_killed_with_its_children)
{
        struct timespec before, after;
        char *left;

        clock_gettime(CLOCK_MONOTONIC, &before);
        draw(fake("#!/bin/sh\necho $$ >> pids\nsleep 600 &\necho $! >> pids\nwait\n"), false, 1);
        clock_gettime(CLOCK_MONOTONIC, &after);
        ck_assert_ptr_nonnull(strstr(text_bytes(&drawn.notes), "took too long"));
        ck_assert_int_lt(after.tv_sec - before.tv_sec, 30);
        left = folder_read(folder, "plots/pids");
        for (char *at = left; *at != '\0'; at += *at == '\n')
                ck_assert(it_dies(strtol(at, &at, 10)));
        free(left);
}
END_TEST

START_TEST(after_two_that_hang_no_other_is_tried)
{
        char *log;
        int begun = 0;

        draw(fake("#!/bin/sh\necho + >> log\nexec sleep 600\n"), false, 1);
        log = folder_read(folder, "plots/log");
        for (char *at = log; *at != '\0'; at++)
                begun += *at == '+';
        ck_assert_int_le(begun, 3); /* a third may begin between the ends of the first two */
        ck_assert_ptr_nonnull(strstr(text_bytes(&drawn.notes), "more plots were not tried"));
        free(log);
}
END_TEST

START_TEST(a_gnuplot_that_is_content_and_writes_nothing_is_told)
{
        draw(fake("#!/bin/sh\nexit 0\n"), false, 0);
        ck_assert_ptr_nonnull(strstr(text_bytes(&drawn.notes),
                                     "plot waterfall.svg was not drawn: gnuplot wrote nothing"));
        ck_assert(!folder_has(folder, "plots/waterfall.svg"));
        ck_assert(folder_has(folder, "plots/waterfall.gp"));
}
END_TEST

START_TEST(a_gnuplot_that_fails_is_told_with_its_words)
{
        draw(fake("#!/bin/sh\necho 'line 3: no such \033[31mterminal' >&2\nexit 1\n"), false, 0);
        ck_assert_ptr_nonnull(
                strstr(text_bytes(&drawn.notes),
                       "plot waterfall.svg was not drawn: gnuplot failed: line 3: no such"));
        ck_assert_ptr_null(strchr(text_bytes(&drawn.notes), '\033'));
        for (size_t i = 0; i < plot_row_count; i++)
                ck_assert_ptr_null(drawn.svg[i]);
}
END_TEST

START_TEST(at_most_two_run_at_a_time)
{
        char *log;
        int running = 0, most = 0;

        draw(fake("#!/bin/sh\necho + >> log\nsleep 0.1\necho - >> log\nexit 1\n"), false, 0);
        log = folder_read(folder, "plots/log");
        for (char *at = log; *at != '\0'; at++) {
                running += *at == '+' ? 1 : *at == '-' ? -1 : 0;
                most = running > most ? running : most;
        }
        ck_assert_int_eq(running, 0);
        ck_assert_int_eq(most, 2);
        free(log);
}
END_TEST

START_TEST(a_picture_of_an_earlier_run_does_not_stay)
{
        if (!has_gnuplot())
                return;
        draw("gnuplot", false, 0);
        plot_set_release(&drawn);
        series_release(&stored.series);
        draw("gnuplot", false, 0);
        ck_assert(!folder_has(folder, "plots/latency.svg"));
        ck_assert(!folder_has(folder, "plots/latency.gp"));
        ck_assert(folder_has(folder, "plots/waterfall.svg"));
}
END_TEST

START_TEST(png_is_drawn_on_wish)
{
        if (!has_gnuplot())
                return;
        draw("gnuplot", true, 0);
        ck_assert(drawn.no_fonts || folder_has(folder, "plots/waterfall.png"));
}
END_TEST

START_TEST(long_series_are_thinned)
{
        struct series series;
        struct report report = stored.report;
        struct text script;

        series_init(&series);
        for (int i = 0; i < 100000; i++)
                series_add(&series, "0", "treated", "", "error_ratio", i, i == 54321 ? 0.75 : 0);
        report.series = &series;
        text_init(&script);
        for (size_t i = 0; i < plot_row_count; i++)
                if (strcmp(plot_rows[i].name, "errors") == 0)
                        ck_assert(plot_script(&plot_rows[i], &report, &script));
        ck_assert_uint_lt(script.length, 60000);
        ck_assert_ptr_nonnull(strstr(text_bytes(&script), " 0.75\n")); /* the peak is still there */
        text_release(&script);
        series_release(&series);
}
END_TEST

START_TEST(a_report_without_anything_draws_nothing)
{
        json_t *result = json_object();
        struct report empty = {.result = result};
        struct text script;

        for (size_t i = 0; i < plot_row_count; i++) {
                text_init(&script);
                ck_assert_msg(!plot_script(&plot_rows[i], &empty, &script), "%s",
                              plot_rows[i].name);
                text_release(&script);
        }
        json_decref(result);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("plots");
        TCase *tests = tcase_create("plots");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tests, setup, teardown);
        tcase_add_test(tests, every_plot_of_the_sample_is_drawn);
        tcase_add_test(tests, a_comparison_is_shown_from_as_side_in_shares_and_pair_by_pair);
        tcase_add_test(tests, three_strategies_are_two_comparisons_in_one_picture);
        tcase_add_test(tests, a_script_draws_the_same_picture_alone);
        tcase_add_test(tests, hostile_names_are_drawn_and_not_run);
        tcase_add_test(tests, without_gnuplot_scripts_are_there_and_the_note_says_so);
        tcase_add_test(tests, a_gnuplot_that_hangs_is_killed_with_its_children);
        tcase_add_test(tests, after_two_that_hang_no_other_is_tried);
        tcase_add_test(tests, a_gnuplot_that_is_content_and_writes_nothing_is_told);
        tcase_add_test(tests, a_gnuplot_that_fails_is_told_with_its_words);
        tcase_add_test(tests, at_most_two_run_at_a_time);
        tcase_add_test(tests, a_picture_of_an_earlier_run_does_not_stay);
        tcase_add_test(tests, png_is_drawn_on_wish);
        tcase_add_test(tests, long_series_are_thinned);
        tcase_add_test(tests, a_report_without_anything_draws_nothing);
        suite_add_tcase(suite, tests);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
