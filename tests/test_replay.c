/* test_replay.c - recorded telemetry through the detector: formats, bad rows,
 * scores files, labels, and that no score knows what comes after it. */
#include "harness/replay/csv.h"
#include "harness/replay/labels.h"
#include "harness/replay/replay.h"
#include "harness/replay/score.h"

#include <check.h>
#include <jansson.h>

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)

static char folder[] = "/tmp/test_replay_XXXXXX";

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *ftw)
{
        (void)status, (void)kind, (void)ftw;
        return remove(path);
}

static void make_folder(void)
{
        memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
        ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_folder(void)
{
        nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static const char *in_folder(char *path, const char *name)
{
        snprintf(path, 512, "%s/%s", folder, name);
        return path;
}

static void write_file(const char *name, const char *bytes, size_t length)
{
        char path[512];
        FILE *stream = fopen(in_folder(path, name), "wb");

        ck_assert_ptr_nonnull(stream);
        ck_assert_uint_eq(fwrite(bytes, 1, length, stream), length);
        ck_assert_int_eq(fclose(stream), 0);
}

static void write_text(const char *name, const char *text)
{
        write_file(name, text, strlen(text));
}

static char *read_file(const char *name)
{
        char path[512], *text = NULL;
        size_t size = 0, used = 0;
        FILE *stream = fopen(in_folder(path, name), "rb");

        ck_assert_msg(stream != NULL, "%s is missing", path);
        do {
                size += 65536;
                text = realloc(text, size + 1);
                used += fread(text + used, 1, size - used, stream);
        } while (used == size);
        text[used] = '\0';
        fclose(stream);
        return text;
}

struct outcome {
        int status;
        char *out, *errors;
};

static struct outcome run(struct replay_options options)
{
        struct outcome outcome;
        size_t out_size, errors_size;
        FILE *out = open_memstream(&outcome.out, &out_size);
        FILE *errors = open_memstream(&outcome.errors, &errors_size);

        outcome.status = replay_run(&options, out, errors);
        fclose(out);
        fclose(errors);
        return outcome;
}

static void release(struct outcome *outcome)
{
        free(outcome->out);
        free(outcome->errors);
}

/* Replays one file of the folder, scores to "scores.csv". */
static struct outcome run_file(const char *name, const char *metric)
{
        char path[512], scores[512];
        const char *paths[] = {in_folder(path, name)};

        return run((struct replay_options){.paths = paths,
                                           .path_count = 1,
                                           .metric = metric,
                                           .scores_path = in_folder(scores, "scores.csv"),
                                           .json = true});
}

static json_t *parse(const struct outcome *outcome)
{
        json_error_t error;
        json_t *root = json_loads(outcome->out, 0, &error);

        ck_assert_msg(root != NULL, "%s in: %s", error.text, outcome->out);
        return root;
}

static json_int_t file_count(const json_t *root, size_t file, const char *key)
{
        return json_integer_value(
                json_object_get(json_array_get(json_object_get(root, "files"), file), key));
}

static json_int_t bad_count(const json_t *root, const char *key)
{
        return json_integer_value(json_object_get(
                json_object_get(json_array_get(json_object_get(root, "files"), 0), "bad_rows"),
                key));
}

/* ---- instants and numbers ---- */

START_TEST(instants_are_read_in_every_promised_form)
{
        static const struct {
                const char *text;
                int64_t at_ns;
        } cases[] = {
                {"1970-01-01 00:00:00", 0},
                {"2014-04-10 16:15:00", 1397146500 * SECOND},
                {"2014-04-10T16:15:00Z", 1397146500 * SECOND},
                {"2014-04-10T16:15Z", 1397146500 * SECOND},
                {"2014-04-10T18:15:00+02:00", 1397146500 * SECOND},
                {"2014-04-10T11:45:00-0430", 1397146500 * SECOND},
                {"2014-04-10 18:15:00 +02", 1397146500 * SECOND},
                {"2014-04-10 16:15:00.000000", 1397146500 * SECOND},
                {"2014-04-10 16:15:00.25", 1397146500 * SECOND + SECOND / 4},
                {"2014-04-10", 1397088000 * SECOND},
                {"2000-02-29 24:00", 951868800 * SECOND},
                {"1969-12-31 23:59:59", -SECOND},
                {"1397146500", 1397146500 * SECOND},
                {" 1397146500.5 ", 1397146500 * SECOND + SECOND / 2},
                {"1.3971465e9", 1397146500 * SECOND},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                int64_t at_ns = 0;

                ck_assert_msg(csv_parse_time(cases[i].text, &at_ns), "%s", cases[i].text);
                ck_assert_msg(at_ns == cases[i].at_ns, "%s: %lld", cases[i].text,
                              (long long)at_ns);
        }
}
END_TEST

START_TEST(what_is_no_instant_is_refused)
{
        static const char *const texts[] = {
                "", " ", "yesterday", "2014-13-01", "2014-02-29", "2014-04-10 25:00",
                "2014-04-10 16:60", "2014-04-10T16:15:00+25:00", "2014-04-10 16:15:00 PM",
                "2014-04-10x", "20140410-1", "1397146500000", "-1e12", "nan", "inf", "0x10",
                "2014-04-10 16:15:00.", "9999-12-31 00:00:00", "2014-04-1", "2014-"};
        int64_t at_ns;

        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
                ck_assert_msg(!csv_parse_time(texts[i], &at_ns), "%s", texts[i]);
}
END_TEST

START_TEST(only_finite_decimal_numbers_are_numbers)
{
        static const char *const wrong[] = {"",    "nan", "inf", "0x1p3", "1,5", "12 34",
                                            "1e999", "--1", "1.2.3", "e5",  "abc"};
        double number;

        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
                ck_assert_msg(!csv_parse_number(wrong[i], &number), "%s", wrong[i]);
        ck_assert(csv_parse_number(" -1.5e3\t", &number) && number == -1500);
}
END_TEST

/* ---- records ---- */

static struct csv_reader reader;

static FILE *records_of(const char *bytes)
{
        FILE *stream = fmemopen((void *)(uintptr_t)bytes, strlen(bytes), "rb");

        ck_assert_ptr_nonnull(stream);
        csv_start(&reader, stream);
        return stream;
}

START_TEST(marks_line_ends_quotes_and_empty_lines_are_understood)
{
        FILE *stream = records_of("\xEF\xBB\xBFtimestamp,value\r\n\r\n  \n\"a,b\",\"say \"\"hi\"\"\"\n"
                                  "\"open,1\n,\nlast,2");

        ck_assert(csv_next(&reader));
        ck_assert_str_eq(reader.fields[0], "timestamp");
        ck_assert_str_eq(reader.fields[1], "value");
        ck_assert(csv_next(&reader));
        ck_assert_uint_eq(reader.line, 4);
        ck_assert_str_eq(reader.fields[0], "a,b");
        ck_assert_str_eq(reader.fields[1], "say \"hi\"");
        ck_assert(csv_next(&reader));
        ck_assert_uint_eq(reader.field_count, 1);
        ck_assert_str_eq(reader.fields[0], "open,1");
        ck_assert(csv_next(&reader));
        ck_assert_uint_eq(reader.field_count, 2);
        ck_assert_str_eq(reader.fields[1], "");
        ck_assert(csv_next(&reader));
        ck_assert_str_eq(reader.fields[1], "2");
        ck_assert(!csv_next(&reader));
        ck_assert(!reader.failed);
        fclose(stream);
}
END_TEST

START_TEST(an_endless_line_is_one_record_without_fields)
{
        size_t length = 3 * CSV_LINE_MAX;
        char *text = malloc(length + 6);
        FILE *stream;

        memset(text, 'x', length);
        memcpy(text + length, "\n1,2\n", 6);
        stream = records_of(text);
        ck_assert(csv_next(&reader));
        ck_assert_uint_eq(reader.field_count, 0);
        ck_assert(csv_next(&reader));
        ck_assert_uint_eq(reader.field_count, 2);
        ck_assert_str_eq(reader.fields[0], "1");
        fclose(stream);
        free(text);
}
END_TEST

/* ---- telemetry ---- */

static double noise(uint64_t *state)
{
        double sum = 0;

        for (int i = 0; i < 6; i++) {
                *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
                sum += (double)(*state >> 33) / 2147483648.0;
        }
        return sum - 3;
}

/* `rows` rows of noise around 50, an outlier every 700 rows from row 600 on. */
static char *telemetry(int rows, size_t *length)
{
        uint64_t state = 12345;
        char *text;
        FILE *stream = open_memstream(&text, length);

        fputs("timestamp,value\n", stream);
        for (int i = 0; i < rows; i++)
                fprintf(stream, "%lld,%.4f\n", 1400000000LL + 300LL * i,
                        50 + noise(&state) + (i % 700 == 600 ? 40 : 0));
        fclose(stream);
        return text;
}

START_TEST(cutting_the_input_after_any_row_changes_no_earlier_score)
{
        size_t length;
        char *text = telemetry(1500, &length), *whole;
        struct outcome outcome;
        int cuts = 0;

        write_file("t.csv", text, length);
        outcome = run_file("t.csv", NULL);
        ck_assert_int_eq(outcome.status, REPLAY_DONE);
        release(&outcome);
        whole = read_file("scores.csv");
        ck_assert_ptr_nonnull(strstr(whole, ",1\n"));
        for (size_t row = 0, at = 0; at < length; row++) {
                at += strcspn(text + at, "\n") + 1;
                if (row % 37 == 0) {
                        char *part;

                        write_file("t.csv", text, at);
                        outcome = run_file("t.csv", NULL);
                        release(&outcome);
                        part = read_file("scores.csv");
                        ck_assert_msg(strncmp(whole, part, strlen(part)) == 0, "cut after row %zu",
                                      row);
                        free(part);
                        cuts++;
                }
        }
        ck_assert_int_gt(cuts, 30);
        free(whole);
        free(text);
}
END_TEST

START_TEST(every_row_in_gives_one_row_out_and_bad_ones_score_nothing)
{
        static const char text[] = "timestamp,value\n"
                                   "1000,1\n"
                                   "1300,oops\n"
                                   "1600\n"
                                   "1900,2,3\n"
                                   "later,4\n"
                                   "2200,nan\n"
                                   "2500,\n"
                                   "900,5\n"
                                   "\n"
                                   "\"2800\",\"6\"\n";
        struct outcome outcome;
        json_t *root;
        char *scores;

        write_text("bad.csv", text);
        outcome = run_file("bad.csv", NULL);
        ck_assert_int_eq(outcome.status, REPLAY_DONE);
        root = parse(&outcome);
        ck_assert_int_eq(file_count(root, 0, "rows"), 9);
        ck_assert_int_eq(bad_count(root, "value"), 3);
        ck_assert_int_eq(bad_count(root, "columns"), 2);
        ck_assert_int_eq(bad_count(root, "timestamp"), 1);
        ck_assert_int_eq(bad_count(root, "time_back"), 1);
        scores = read_file("scores.csv");
        ck_assert_str_eq(scores, "timestamp,value,anomaly_score,alarm\n"
                                 "1000,1,0.000000,0\n"
                                 "1300,oops,0.000000,0\n"
                                 "1600,,0.000000,0\n"
                                 "1900,2,0.000000,0\n"
                                 "later,4,0.000000,0\n"
                                 "2200,nan,0.000000,0\n"
                                 "2500,,0.000000,0\n"
                                 "900,5,0.000000,0\n"
                                 "2800,6,0.000000,0\n");
        free(scores);
        json_decref(root);
        release(&outcome);
}
END_TEST

START_TEST(bad_rows_change_no_score_of_the_good_ones)
{
        size_t length, used = 0;
        char *text = telemetry(1400, &length), *spoiled = malloc(3 * length), *clean, *dirty;
        struct outcome outcome;
        int row = 0;

        write_file("t.csv", text, length);
        outcome = run_file("t.csv", NULL);
        release(&outcome);
        clean = read_file("scores.csv");
        for (size_t at = 0; at < length; row++) {
                size_t take = strcspn(text + at, "\n") + 1;

                memcpy(spoiled + used, text + at, take);
                used += take, at += take;
                if (row % 9 == 3)
                        used += (size_t)sprintf(spoiled + used, "junk,%d\n5,1e9\n", row);
        }
        write_file("t.csv", spoiled, used);
        outcome = run_file("t.csv", NULL);
        ck_assert_int_eq(outcome.status, REPLAY_DONE);
        release(&outcome);
        dirty = read_file("scores.csv");
        for (char *line = strtok(dirty, "\n"), *want = clean; line; line = strtok(NULL, "\n")) {
                if (strncmp(line, "junk", 4) == 0 || strncmp(line, "5,", 2) == 0)
                        continue;
                ck_assert_msg(strncmp(line, want, strlen(line)) == 0, "%s", line);
                want += strlen(line) + 1;
        }
        free(clean);
        free(dirty);
        free(spoiled);
        free(text);
}
END_TEST

START_TEST(a_clock_set_back_for_good_is_followed_after_sixteen_rows)
{
        struct outcome outcome;
        json_t *root;
        char *text;
        size_t length;
        FILE *stream = open_memstream(&text, &length);

        for (int i = 0; i < 100; i++)
                fprintf(stream, "%d,1\n", 1000000 + 60 * i);
        for (int i = 0; i < 100; i++)
                fprintf(stream, "%d,1\n", 500000 + 60 * i);
        fclose(stream);
        write_file("back.csv", text, length);
        outcome = run_file("back.csv", NULL);
        root = parse(&outcome);
        ck_assert_int_eq(bad_count(root, "time_back"), 15);
        json_decref(root);
        release(&outcome);
        free(text);
}
END_TEST

START_TEST(gaps_are_counted)
{
        static const char text[] = "0,1\n60,1\n120,1\n180,1\n9000,1\n9060,1\n";
        struct outcome outcome;
        json_t *root;

        write_text("gap.csv", text);
        outcome = run_file("gap.csv", NULL);
        root = parse(&outcome);
        ck_assert_int_eq(file_count(root, 0, "gaps"), 1);
        ck_assert_int_eq(file_count(root, 0, "rows"), 6);
        json_decref(root);
        release(&outcome);
}
END_TEST

/* Two components with two metrics each, interleaved. */
static void write_long_form(int rows)
{
        uint64_t state = 777;
        char *text;
        size_t length;
        FILE *stream = open_memstream(&text, &length);

        fputs("timestamp,component,metric,value\n", stream);
        for (int i = 0; i < rows; i++)
                for (int k = 0; k < 4; k++)
                        fprintf(stream, "%d,\"%s\",%s,%.4f\n", 300 * i, k & 1 ? "db,1" : "api",
                                k & 2 ? "cpu" : "latency",
                                10 * k + noise(&state) + (k == 3 && i == 900 ? 50 : 0));
        fclose(stream);
        write_file("long.csv", text, length);
        free(text);
}

START_TEST(series_of_one_file_are_watched_apart)
{
        struct outcome outcome;
        json_t *root;
        char *scores, *line;

        write_long_form(1000);
        outcome = run_file("long.csv", NULL);
        ck_assert_int_eq(outcome.status, REPLAY_DONE);
        root = parse(&outcome);
        ck_assert_int_eq(file_count(root, 0, "series"), 4);
        ck_assert_int_eq(file_count(root, 0, "rows"), 4000);
        scores = read_file("scores.csv");
        ck_assert_ptr_nonnull(
                strstr(scores, "timestamp,component,metric,value,anomaly_score,alarm\n"));
        ck_assert_ptr_nonnull(strstr(scores, "\n270000,\"db,1\",cpu,"));
        line = strstr(scores, "\n270000,\"db,1\",cpu,") + 1;
        ck_assert_int_eq(line[strcspn(line, "\n") - 1], '1');
        line = strstr(scores, "\n270000,api,cpu,") + 1;
        ck_assert_int_eq(line[strcspn(line, "\n") - 1], '0');
        free(scores);
        json_decref(root);
        release(&outcome);
}
END_TEST

START_TEST(a_metric_filter_keeps_that_metric_alone)
{
        struct outcome outcome;
        json_t *root;
        char *scores;

        write_long_form(50);
        outcome = run_file("long.csv", "cpu");
        root = parse(&outcome);
        ck_assert_int_eq(file_count(root, 0, "rows"), 100);
        ck_assert_int_eq(file_count(root, 0, "series"), 2);
        scores = read_file("scores.csv");
        ck_assert_ptr_null(strstr(scores, "latency"));
        free(scores);
        json_decref(root);
        release(&outcome);
}
END_TEST

START_TEST(a_metric_filter_on_one_nameless_series_is_refused)
{
        struct outcome outcome;

        write_text("one.csv", "1,2\n");
        outcome = run_file("one.csv", "cpu");
        ck_assert_int_eq(outcome.status, REPLAY_INVALID);
        ck_assert_ptr_nonnull(strstr(outcome.errors, "--metric needs the columns"));
        release(&outcome);
}
END_TEST

START_TEST(series_beyond_the_cap_are_counted_and_said)
{
        char path[512];
        const char *paths[] = {in_folder(path, "long.csv")};
        struct outcome outcome;
        json_t *root;

        write_long_form(50);
        outcome = run((struct replay_options){
                .paths = paths, .path_count = 1, .series_max = 3, .json = true});
        ck_assert_int_eq(outcome.status, REPLAY_INTERNAL);
        ck_assert_ptr_nonnull(strstr(outcome.errors, "more than 3 series"));
        root = parse(&outcome);
        ck_assert_int_eq(file_count(root, 0, "rows_over_series_cap"), 50);
        json_decref(root);
        release(&outcome);
}
END_TEST

START_TEST(columns_may_be_named_in_another_order)
{
        static const char text[] = "Value,host,Time\n5,a,1000\n6,a,1300\n";
        struct outcome outcome;
        char *scores;

        write_text("named.csv", text);
        outcome = run_file("named.csv", NULL);
        ck_assert_int_eq(outcome.status, REPLAY_DONE);
        scores = read_file("scores.csv");
        ck_assert_str_eq(scores, "timestamp,value,anomaly_score,alarm\n1000,5,0.000000,0\n"
                                 "1300,6,0.000000,0\n");
        free(scores);
        release(&outcome);
}
END_TEST

START_TEST(a_file_that_is_no_telemetry_is_refused_and_leaves_no_scores)
{
        char path[512];
        struct outcome outcome;

        write_text("no.csv", "hello\nworld\n");
        outcome = run_file("no.csv", NULL);
        ck_assert_int_eq(outcome.status, REPLAY_INVALID);
        ck_assert_ptr_nonnull(strstr(outcome.errors, "no.csv:1: expected the columns"));
        ck_assert_int_ne(access(in_folder(path, "scores.csv"), F_OK), 0);
        release(&outcome);
}
END_TEST

START_TEST(one_missing_file_does_not_stop_the_others)
{
        char good[512], missing[512];
        const char *paths[] = {in_folder(missing, "missing.csv"), in_folder(good, "good.csv")};
        struct outcome outcome;
        json_t *root;

        write_text("good.csv", "1,2\n3,4\n");
        outcome = run((struct replay_options){.paths = paths, .path_count = 2, .json = true});
        ck_assert_int_eq(outcome.status, REPLAY_INVALID);
        ck_assert_ptr_nonnull(strstr(outcome.errors, "missing.csv: No such file"));
        root = parse(&outcome);
        ck_assert_int_eq(file_count(root, 0, "rows"), 2);
        json_decref(root);
        release(&outcome);
}
END_TEST

/* ---- directories, labels, output ---- */

static void make_directory(const char *name)
{
        char path[512];

        ck_assert_int_eq(mkdir(in_folder(path, name), 0777), 0);
}

START_TEST(a_directory_gives_a_directory_and_a_table)
{
        char in[512], out[512], labels[512];
        const char *paths[] = {in_folder(in, "data")};
        size_t length;
        char *text = telemetry(1500, &length), *scores;
        struct outcome outcome;

        make_directory("data");
        make_directory("data/eu");
        write_file("data/b.csv", text, length);
        write_file("data/eu/a.csv", text, length);
        write_text("data/readme.txt", "no");
        write_text("labels.json", "{\"eu/a.csv\": [[1400180000, 1400181000]], \"b.csv\": []}");
        outcome = run((struct replay_options){.paths = paths,
                                              .path_count = 1,
                                              .scores_path = in_folder(out, "out"),
                                              .labels_path = in_folder(labels, "labels.json")});
        ck_assert_msg(outcome.status == REPLAY_DONE, "%s", outcome.errors);
        ck_assert_ptr_nonnull(strstr(outcome.out, "eu/a.csv"));
        ck_assert_ptr_nonnull(strstr(outcome.out, "all labelled"));
        scores = read_file("out/b.csv");
        free(scores);
        scores = read_file("out/eu/a.csv");
        free(scores);
        free(text);
        release(&outcome);
}
END_TEST

START_TEST(labels_give_precision_recall_delay_and_false_alarms)
{
        char in[512], labels[512];
        const char *paths[] = {in_folder(in, "t.csv")};
        size_t length;
        char *text = telemetry(1400, &length);
        struct outcome outcome;
        json_t *root, *score;

        /* outliers in rows 600 and 1300, at 1400180000 and 1400390000 */
        write_file("t.csv", text, length);
        write_text("labels.json",
                   "{\"t.csv\": [[1400179400, 1400185000], [1400300000, \"2014-05-17T12:00:00Z\"]]}");
        outcome = run((struct replay_options){.paths = paths,
                                              .path_count = 1,
                                              .json = true,
                                              .labels_path = in_folder(labels, "labels.json")});
        ck_assert_msg(outcome.status == REPLAY_DONE, "%s", outcome.errors);
        root = parse(&outcome);
        score = json_object_get(root, "total");
        ck_assert_int_eq(json_integer_value(json_object_get(score, "windows")), 2);
        ck_assert_int_eq(json_integer_value(json_object_get(score, "windows_found")), 1);
        ck_assert_int_eq(json_integer_value(json_object_get(score, "alarms")), 2);
        ck_assert_double_eq(json_real_value(json_object_get(score, "precision")), 0.5);
        ck_assert_double_eq(json_real_value(json_object_get(score, "recall")), 0.5);
        ck_assert_double_eq(json_real_value(json_object_get(score, "f1")), 0.5);
        ck_assert_double_eq(json_real_value(json_object_get(score, "delay_s_median")), 600);
        ck_assert_double_gt(json_real_value(json_object_get(score, "false_alarms_per_day")), 0.2);
        json_decref(root);
        release(&outcome);
        free(text);
}
END_TEST

START_TEST(wrong_labels_are_refused_with_their_place)
{
        static const struct {
                const char *text, *words;
        } cases[] = {
                {"[1]", "must be an object"},
                {"{\"a.csv\": 3}", "\"a.csv\": must be a list"},
                {"{\"a.csv\": [[1, 2], [3]]}", "\"a.csv\"[1]: must be [start, end]"},
                {"{\"a.csv\": [[5, 2]]}", "\"a.csv\"[0]: must be [start, end]"},
                {"{\"a.csv\": [[\"x\", 2]]}", "\"a.csv\"[0]: must be [start, end]"},
                {"{", "labels.json:1:"},
        };
        char path[512], message[512];

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct labels labels;

                write_text("labels.json", cases[i].text);
                ck_assert(!labels_load(&labels, in_folder(path, "labels.json"), message,
                                       sizeof(message)));
                ck_assert_msg(strstr(message, cases[i].words) != NULL, "%s", message);
                ck_assert_uint_eq(labels.count, 0);
        }
}
END_TEST

START_TEST(the_longest_tail_of_a_path_names_its_labels)
{
        char path[512], message[512];
        struct labels labels;

        write_text("labels.json", "{\"cpu.csv\": [], \"eu/cpu.csv\": [], \"pu.csv\": []}");
        ck_assert(labels_load(&labels, in_folder(path, "labels.json"), message, sizeof(message)));
        ck_assert_str_eq(labels_find(&labels, "/data/eu/cpu.csv")->name, "eu/cpu.csv");
        ck_assert_str_eq(labels_find(&labels, "us/cpu.csv")->name, "cpu.csv");
        ck_assert_str_eq(labels_find(&labels, "cpu.csv")->name, "cpu.csv");
        ck_assert_ptr_null(labels_find(&labels, "gpu.csv"));
        labels_release(&labels);
}
END_TEST

START_TEST(a_score_counts_alarms_before_inside_and_elsewhere)
{
        static const struct label_window windows[] = {{100 * SECOND, 200 * SECOND},
                                                      {150 * SECOND, 300 * SECOND}};
        struct score_card card;
        struct score_sum sum = {0};
        struct score_rates rates;

        ck_assert(score_card_init(&card, windows, 2));
        for (int64_t s = 0; s <= 86400; s += 10)
                score_card_row(&card, s * SECOND,
                               s == 0 || s == 160 || s == 180 || s == 1000 || s == 2000);
        ck_assert(score_sum_add(&sum, &card));
        rates = score_sum_rates(&sum);
        ck_assert_uint_eq(sum.alarms, 5);
        ck_assert_uint_eq(sum.alarms_inside, 2);
        ck_assert_uint_eq(sum.alarms_before, 1);
        ck_assert_uint_eq(sum.windows_found, 2);
        ck_assert_double_eq(rates.delay_s_mean, 35);
        ck_assert_double_eq_tol(rates.false_alarms_per_day, 3 / (86200 / 86400.0), 1e-9);
        ck_assert_double_eq_tol(rates.precision, 0.4, 1e-12);
        score_card_release(&card);
        score_sum_release(&sum);
}
END_TEST

START_TEST(what_cannot_be_measured_is_not_a_number)
{
        struct score_sum sum = {0};
        struct score_rates rates = score_sum_rates(&sum);

        ck_assert(isnan(rates.precision) && isnan(rates.recall) && isnan(rates.f1));
        ck_assert(isnan(rates.delay_s_median) && isnan(rates.false_alarms_per_day));
}
END_TEST

START_TEST(scores_that_would_replace_the_telemetry_are_refused)
{
        char path[512];
        const char *paths[] = {in_folder(path, "t.csv")};
        struct outcome outcome;
        char *text;

        write_text("t.csv", "1,2\n");
        outcome = run(
                (struct replay_options){.paths = paths, .path_count = 1, .scores_path = path});
        ck_assert_int_eq(outcome.status, REPLAY_INVALID);
        text = read_file("t.csv");
        ck_assert_str_eq(text, "1,2\n");
        free(text);
        release(&outcome);
}
END_TEST

static size_t files_in_folder(void)
{
        DIR *directory = opendir(folder);
        size_t count = 0;

        while (readdir(directory))
                count++;
        closedir(directory);
        return count - 2;
}

START_TEST(scores_that_cannot_be_written_end_as_io_and_leave_nothing)
{
        char path[512], scores[512];
        const char *paths[] = {in_folder(path, "t.csv")};
        struct outcome outcome;

        write_text("t.csv", "1,2\n");
        write_text("file", "");
        outcome = run((struct replay_options){.paths = paths,
                                              .path_count = 1,
                                              .scores_path = in_folder(scores, "file/x.csv")});
        ck_assert_int_eq(outcome.status, REPLAY_IO);
        ck_assert_ptr_nonnull(strstr(outcome.errors, "Not a directory"));
        ck_assert_uint_eq(files_in_folder(), 2);
        release(&outcome);
}
END_TEST

START_TEST(a_full_disk_ends_as_io)
{
        char path[512];
        const char *paths[] = {in_folder(path, "t.csv")};
        struct replay_options options = {.paths = paths, .path_count = 1};
        char *errors_text;
        size_t size;
        FILE *out = fopen("/dev/full", "w"), *errors = open_memstream(&errors_text, &size);

        write_text("t.csv", "1,2\n");
        ck_assert_ptr_nonnull(out);
        ck_assert_int_eq(replay_run(&options, out, errors), REPLAY_IO);
        fclose(out);
        fclose(errors);
        free(errors_text);
}
END_TEST

START_TEST(equal_input_gives_equal_bytes)
{
        size_t length;
        char *text = telemetry(1500, &length), *first, *second;
        struct outcome a, b;

        write_file("t.csv", text, length);
        a = run_file("t.csv", NULL);
        first = read_file("scores.csv");
        b = run_file("t.csv", NULL);
        second = read_file("scores.csv");
        ck_assert_str_eq(a.out, b.out);
        ck_assert_str_eq(first, second);
        free(first);
        free(second);
        free(text);
        release(&a);
        release(&b);
}
END_TEST

START_TEST(no_file_and_a_wrong_detector_are_refused)
{
        struct healer_anomaly_config anomaly = healer_anomaly_config_defaults();
        char path[512];
        const char *paths[] = {in_folder(path, "t.csv")};
        struct outcome outcome = run((struct replay_options){0});

        ck_assert_int_eq(outcome.status, REPLAY_INVALID);
        release(&outcome);
        anomaly.sensitivity = -1;
        outcome = run(
                (struct replay_options){.paths = paths, .path_count = 1, .anomaly = &anomaly});
        ck_assert_int_eq(outcome.status, REPLAY_INVALID);
        ck_assert_str_eq(outcome.errors, "detection.anomaly: sensitivity: must be 0.1..10\n");
        release(&outcome);
}
END_TEST

/* A memory that leaks to its end, one that rattles, and a metric nobody knows. */
static void write_leak(const char *name, int rows)
{
        size_t size = 1 << 20, used = 0;
        char *text = malloc(size);

        used += (size_t)snprintf(text, size, "timestamp,component,metric,value\n");
        for (int i = 0; i < rows; i++)
                used += (size_t)snprintf(
                        text + used, size - used,
                        "%d,cart,memory,%.4f\n%d,web,memory,%.4f\n%d,web,colour,%d\n",
                        1700000000 + 5 * i, i < 100 ? 0.3 : fmin(1, 0.3 + 0.003 * (i - 100)),
                        1700000000 + 5 * i, 0.5 + 0.01 * (i * 7 % 11), 1700000000 + 5 * i, i % 5);
        write_file(name, text, used);
        free(text);
}

static struct outcome run_with(const char *name, const struct healer_config *healer)
{
        char path[512];
        const char *paths[] = {in_folder(path, name)};

        return run((struct replay_options){
                .paths = paths, .path_count = 1, .json = true, .healer = healer});
}

START_TEST(what_runs_out_is_predicted_once_and_scored)
{
        struct outcome outcome;
        struct healer_config config;

        write_leak("leak.csv", 400);
        outcome = run_with("leak.csv", NULL);
        ck_assert_int_eq(outcome.status, REPLAY_DONE);
        ck_assert_ptr_nonnull(strstr(outcome.out, "\"said\": 1"));
        ck_assert_ptr_nonnull(strstr(outcome.out, "\"came_true\": 1"));
        ck_assert_ptr_nonnull(strstr(outcome.out, "\"series\": \"cart/memory\""));
        release(&outcome);
        healer_config_defaults(&config); /* a strategy may switch it off */
        config.prediction.enabled = false;
        outcome = run_with("leak.csv", &config);
        ck_assert_ptr_nonnull(strstr(outcome.out, "\"said\": 0"));
        release(&outcome);
}
END_TEST

START_TEST(a_strategys_anomaly_settings_are_the_detectors)
{
        struct healer_config config;
        struct outcome one, other;

        write_leak("leak.csv", 400);
        healer_config_defaults(&config);
        one = run_with("leak.csv", &config);
        ck_assert_ptr_null(strstr(one.out, "\"alarm_count\": 0"));
        config.detection.anomaly = false;
        other = run_with("leak.csv", &config);
        ck_assert_ptr_nonnull(strstr(other.out, "\"alarm_count\": 0"));
        release(&one);
        release(&other);
}
END_TEST

START_TEST(predictions_of_a_file_that_is_cut_off_are_those_made_until_then)
{
        struct outcome outcome;

        write_leak("short.csv", 110); /* the rise has hardly begun */
        outcome = run_with("short.csv", NULL);
        ck_assert_ptr_nonnull(strstr(outcome.out, "\"said\": 0"));
        release(&outcome);
        write_leak("longer.csv", 250); /* on its way, and not there yet */
        outcome = run_with("longer.csv", NULL);
        ck_assert_ptr_nonnull(strstr(outcome.out, "\"said\": 1"));
        ck_assert_ptr_nonnull(strstr(outcome.out, "\"came_true\": 0"));
        release(&outcome);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("replay");
        TCase *tests = tcase_create("replay");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tests, make_folder, remove_folder);
        tcase_add_test(tests, instants_are_read_in_every_promised_form);
        tcase_add_test(tests, what_runs_out_is_predicted_once_and_scored);
        tcase_add_test(tests, a_strategys_anomaly_settings_are_the_detectors);
        tcase_add_test(tests, predictions_of_a_file_that_is_cut_off_are_those_made_until_then);
        tcase_add_test(tests, what_is_no_instant_is_refused);
        tcase_add_test(tests, only_finite_decimal_numbers_are_numbers);
        tcase_add_test(tests, marks_line_ends_quotes_and_empty_lines_are_understood);
        tcase_add_test(tests, an_endless_line_is_one_record_without_fields);
        tcase_add_test(tests, cutting_the_input_after_any_row_changes_no_earlier_score);
        tcase_add_test(tests, every_row_in_gives_one_row_out_and_bad_ones_score_nothing);
        tcase_add_test(tests, bad_rows_change_no_score_of_the_good_ones);
        tcase_add_test(tests, a_clock_set_back_for_good_is_followed_after_sixteen_rows);
        tcase_add_test(tests, gaps_are_counted);
        tcase_add_test(tests, series_of_one_file_are_watched_apart);
        tcase_add_test(tests, a_metric_filter_keeps_that_metric_alone);
        tcase_add_test(tests, a_metric_filter_on_one_nameless_series_is_refused);
        tcase_add_test(tests, series_beyond_the_cap_are_counted_and_said);
        tcase_add_test(tests, columns_may_be_named_in_another_order);
        tcase_add_test(tests, a_file_that_is_no_telemetry_is_refused_and_leaves_no_scores);
        tcase_add_test(tests, one_missing_file_does_not_stop_the_others);
        tcase_add_test(tests, a_directory_gives_a_directory_and_a_table);
        tcase_add_test(tests, labels_give_precision_recall_delay_and_false_alarms);
        tcase_add_test(tests, wrong_labels_are_refused_with_their_place);
        tcase_add_test(tests, the_longest_tail_of_a_path_names_its_labels);
        tcase_add_test(tests, a_score_counts_alarms_before_inside_and_elsewhere);
        tcase_add_test(tests, what_cannot_be_measured_is_not_a_number);
        tcase_add_test(tests, scores_that_would_replace_the_telemetry_are_refused);
        tcase_add_test(tests, scores_that_cannot_be_written_end_as_io_and_leave_nothing);
        tcase_add_test(tests, a_full_disk_ends_as_io);
        tcase_add_test(tests, equal_input_gives_equal_bytes);
        tcase_add_test(tests, no_file_and_a_wrong_detector_are_refused);
        suite_add_tcase(suite, tests);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
