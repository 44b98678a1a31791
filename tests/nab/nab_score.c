/* nab_score.c - the anomaly detector on the Numenta Anomaly Benchmark's files.
 *
 *     nab_score [FOLDER]     default: $CHAOS_NAB_DIR; without either: skipped (77)
 *
 * FOLDER holds data/<category>/<file>.csv and labels/combined_windows.json.
 * Each file is run from a cold start; one threshold T serves all files. Rows
 * from T up are detections. The first min(15 %, 750) rows do not count. With
 * s(x) = 2 / (1 + exp(5 x)) - 1 a window is worth its best detection,
 * s(-(rows to its end) / width) / s(-1), or -A_fn without one; each detection
 * outside costs A_fp * s(distance behind the last window / width), all of A_fp
 * before the first or three widths behind. 100 is the perfect detector, 0 one
 * that says nothing.
 *
 * Printed: standard score by T, all profiles at the alarm's own threshold and
 * at the best, by category, and what is to be expected of files not seen: each
 * file at the T that is best for the others, and the score's standard error over
 * files (jackknife). Fails when the standard score at the alarm's
 * threshold is below NAB_SCORE_MIN.
 */
#include "harness/replay/csv.h"
#include "harness/replay/inputs.h"
#include "harness/replay/labels.h"
#include "healer/anomaly.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SKIPPED = 77 };

#define NAB_SCORE_MIN 60.0

struct profile {
        const char *name;
        double false_alarm, missed;
};

static const struct profile profiles[] = {{"standard", 0.11, 1},
                                          {"reward_low_FP_rate", 0.22, 1},
                                          {"reward_low_FN_rate", 0.11, 2}};

struct series {
        const char *name;
        int64_t *at_ns;
        double *score;
        size_t count, probation;
        const struct label_entry *labels;
        size_t *first, *last; /* rows of each window */
};

static void *must(void *memory)
{
        if (!memory) {
                fputs("out of memory\n", stderr);
                exit(1);
        }
        return memory;
}

static double sigmoid(double x)
{
        return 2 / (1 + exp(5 * x)) - 1;
}

/* ---- running the detector ---- */

static void load(struct series *series, const struct input *input, const struct labels *labels)
{
        struct healer_anomaly_config config = healer_anomaly_config_defaults();
        struct csv_reader *reader = must(malloc(sizeof(*reader)));
        struct healer_anomaly_result result;
        struct healer_anomaly *anomaly;
        FILE *stream = must(fopen(input->path, "rbe"));
        size_t room = 0;
        int64_t at_ns;
        double value;

        *series = (struct series){.name = input->name,
                                  .labels = labels_find(labels, input->name)};
        if (healer_anomaly_create(&config, &anomaly) != HEALER_OK)
                exit(1);
        csv_start(reader, stream);
        while (csv_next(reader)) {
                if (reader->field_count != 2 || !csv_parse_time(reader->fields[0], &at_ns) ||
                    !csv_parse_number(reader->fields[1], &value))
                        continue;
                if (series->count == room) {
                        room = room ? 2 * room : 4096;
                        series->at_ns = must(realloc(series->at_ns, room * sizeof(at_ns)));
                        series->score = must(realloc(series->score, room * sizeof(value)));
                }
                (void)healer_anomaly_update(anomaly, at_ns, value, &result);
                series->at_ns[series->count] = at_ns;
                series->score[series->count++] = result.score;
        }
        healer_anomaly_destroy(anomaly);
        fclose(stream);
        free(reader);
}

static void place_windows(struct series *series)
{
        size_t windows = series->labels ? series->labels->window_count : 0;

        series->probation = (size_t)fmin(floor(0.15 * (double)series->count), 750);
        series->first = must(calloc(windows + 1, sizeof(size_t)));
        series->last = must(calloc(windows + 1, sizeof(size_t)));
        for (size_t w = 0; w < windows; w++) {
                const struct label_window *window = &series->labels->windows[w];
                size_t row = 0;

                while (row < series->count && series->at_ns[row] < window->start_at_ns)
                        row++;
                series->first[w] = row;
                while (row + 1 < series->count && series->at_ns[row + 1] <= window->end_at_ns)
                        row++;
                series->last[w] = row;
        }
}

/* ---- scoring ---- */

struct tally {
        double sum;
        size_t windows, found, false_alarms;
};

static double outside_worth(const struct series *series, size_t row, size_t windows)
{
        double width, behind;

        while (windows > 0 && series->last[windows - 1] >= row)
                windows--;
        if (windows == 0)
                return -1;
        width = (double)(series->last[windows - 1] - series->first[windows - 1]);
        behind = (double)(row - series->last[windows - 1]) / width;
        return behind > 3 ? -1 : sigmoid(behind);
}

static size_t first_detection(const struct series *series, size_t w, double threshold)
{
        size_t row = series->first[w] > series->probation ? series->first[w] : series->probation;

        while (row <= series->last[w] && series->score[row] < threshold)
                row++;
        return row;
}

static void tally_series(struct tally *tally, const struct series *series, double threshold,
                         const struct profile *profile)
{
        size_t windows = series->labels ? series->labels->window_count : 0;

        for (size_t w = 0; w < windows; w++) {
                size_t row = first_detection(series, w, threshold);
                double width = (double)(series->last[w] - series->first[w] + 1);
                bool found = row <= series->last[w];

                tally->sum += found ? sigmoid(-(double)(series->last[w] - row + 1) / width) /
                                              sigmoid(-1)
                                    : -profile->missed;
                tally->found += found;
        }
        tally->windows += windows;
        for (size_t row = series->probation; row < series->count; row++) {
                bool inside = false;

                if (series->score[row] < threshold)
                        continue;
                for (size_t w = 0; w < windows; w++)
                        inside = inside || (row >= series->first[w] && row <= series->last[w]);
                if (inside)
                        continue;
                tally->sum += profile->false_alarm * outside_worth(series, row, windows);
                tally->false_alarms++;
        }
}

static double normalised(const struct tally *tally, const struct profile *profile)
{
        double windows = (double)tally->windows;

        return windows > 0 ? 100 * (tally->sum + profile->missed * windows) /
                                     ((1 + profile->missed) * windows)
                           : (double)NAN;
}

static struct tally tally_all(const struct series *all, size_t count, double threshold,
                              const struct profile *profile)
{
        struct tally tally = {0};

        for (size_t i = 0; i < count; i++)
                tally_series(&tally, &all[i], threshold, profile);
        return tally;
}

/* ---- files not seen ---- */

static struct tally tally_without(const struct series *all, size_t count, size_t left_out,
                                  double threshold)
{
        struct tally tally = {0};

        for (size_t i = 0; i < count; i++)
                if (i != left_out)
                        tally_series(&tally, &all[i], threshold, &profiles[0]);
        return tally;
}

static double best_without(const struct series *all, size_t count, size_t left_out)
{
        double best = HEALER_ANOMALY_ALARM_SCORE, best_score = -1e300;

        for (int step = 40; step <= 62; step++) {
                struct tally tally = tally_without(all, count, left_out, step / 100.0);
                double score = normalised(&tally, &profiles[0]);

                if (score > best_score) {
                        best_score = score;
                        best = step / 100.0;
                }
        }
        return best;
}

static void print_unseen(const struct series *all, size_t count)
{
        struct tally unseen = {0}, others;
        double sum = 0, squares = 0, score, mean;

        for (size_t i = 0; i < count; i++) {
                tally_series(&unseen, &all[i], best_without(all, count, i), &profiles[0]);
                others = tally_without(all, count, i, HEALER_ANOMALY_ALARM_SCORE);
                score = normalised(&others, &profiles[0]);
                sum += score;
                squares += score * score;
        }
        mean = sum / (double)count;
        printf("each file at the T best for the others: standard %.2f\n",
               normalised(&unseen, &profiles[0]));
        printf("standard error over files at T %.3f: %.1f\n", HEALER_ANOMALY_ALARM_SCORE,
               sqrt(fmax(0, squares / (double)count - mean * mean) * (double)(count - 1)));
}

/* ---- printing ---- */

static double print_sweep(const struct series *all, size_t count)
{
        double best = HEALER_ANOMALY_ALARM_SCORE, best_score = -1e300;

        puts("    T  standard  found  false");
        for (int step = 40; step <= 62; step++) {
                double threshold = step / 100.0;
                struct tally tally = tally_all(all, count, threshold, &profiles[0]);
                double score = normalised(&tally, &profiles[0]);

                printf("%.3f  %8.2f  %5zu  %5zu\n", threshold, score, tally.found,
                       tally.false_alarms);
                if (score > best_score) {
                        best_score = score;
                        best = threshold;
                }
        }
        return best;
}

static void print_profiles(const struct series *all, size_t count, double threshold)
{
        for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++) {
                struct tally tally = tally_all(all, count, threshold, &profiles[i]);

                printf("T %.3f  %-18s  %6.2f\n", threshold, profiles[i].name,
                       normalised(&tally, &profiles[i]));
        }
}

static void print_files(const struct series *all, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                size_t length = strcspn(all[i].name, "/");
                struct tally category = {0}, one = {0};

                tally_series(&one, &all[i], HEALER_ANOMALY_ALARM_SCORE, &profiles[0]);
                printf("%-58s rows %6zu windows %zu found %zu false %3zu points %6.2f\n",
                       all[i].name, all[i].count, one.windows, one.found, one.false_alarms,
                       one.sum);
                if (i + 1 < count && strncmp(all[i].name, all[i + 1].name, length + 1) == 0)
                        continue;
                for (size_t j = 0; j <= i; j++)
                        if (strncmp(all[i].name, all[j].name, length + 1) == 0)
                                tally_series(&category, &all[j], HEALER_ANOMALY_ALARM_SCORE,
                                             &profiles[0]);
                printf("  %.*s: windows %zu found %zu false %zu", (int)length, all[i].name,
                       category.windows, category.found, category.false_alarms);
                if (category.windows)
                        printf(" score %.2f", normalised(&category, &profiles[0]));
                putchar('\n');
        }
}

static int run(const char *folder)
{
        char data[4096], labels_path[4096], message[512];
        const char *paths[] = {data};
        struct inputs inputs;
        struct labels labels;
        struct series *all;
        struct tally tally;
        double best;

        snprintf(data, sizeof(data), "%s/data", folder);
        snprintf(labels_path, sizeof(labels_path), "%s/labels/combined_windows.json", folder);
        if (!labels_load(&labels, labels_path, message, sizeof(message))) {
                fprintf(stderr, "%s\n", message);
                return 1;
        }
        if (!inputs_collect(&inputs, paths, 1, stderr))
                return 1;
        all = must(calloc(inputs.count, sizeof(*all)));
        for (size_t i = 0; i < inputs.count; i++) {
                load(&all[i], &inputs.items[i], &labels);
                place_windows(&all[i]);
        }
        print_files(all, inputs.count);
        best = print_sweep(all, inputs.count);
        print_profiles(all, inputs.count, HEALER_ANOMALY_ALARM_SCORE);
        print_profiles(all, inputs.count, best);
        print_unseen(all, inputs.count);
        tally = tally_all(all, inputs.count, HEALER_ANOMALY_ALARM_SCORE, &profiles[0]);
        for (size_t i = 0; i < inputs.count; i++) {
                free(all[i].at_ns);
                free(all[i].score);
                free(all[i].first);
                free(all[i].last);
        }
        free(all);
        inputs_release(&inputs);
        labels_release(&labels);
        if (normalised(&tally, &profiles[0]) >= NAB_SCORE_MIN)
                return 0;
        fprintf(stderr, "the standard score is below %.0f\n", NAB_SCORE_MIN);
        return 1;
}

int main(int argc, char **argv)
{
        const char *folder = argc > 1 ? argv[1] : getenv("CHAOS_NAB_DIR");

        if (!folder || !*folder) {
                puts("skipped: set CHAOS_NAB_DIR to the benchmark's folder");
                return SKIPPED;
        }
        return run(folder);
}
