/* learning_curve.c - all states of a campaign on all of its scenarios. */
#include "harness/cli/learning_curve.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/json_plain.h"
#include "harness/base/out_file.h"
#include "harness/cli/commands.h"
#include "harness/cli/interrupt.h"
#include "harness/cli/progress.h"
#include "harness/run/reference.h"
#include "reports/learning.h"
#include "reports/verdict.h"

enum { STATES_MAX = LEARNING_STEPS_MAX + 1 };

/* One scenario, graded with each state. */
struct trial {
        struct scenario *scenario;
        struct strategy strategies[STATES_MAX]; /* [0]: cold */
        struct run_healer healers[STATES_MAX];
        struct run_meta *metas[STATES_MAX];
        struct grade *grades[STATES_MAX];
        struct text_pool *texts;
        struct progress progress;
        uint32_t count;
        bool failed;
};

static const char *base_name(const char *path)
{
        const char *slash = strrchr(path, '/');

        return slash == NULL ? path : slash + 1;
}

bool learning_curve_add(struct learning_curve *curve, const struct healer_learned *learned,
                        size_t situations, const char *from)
{
        struct healer_learned *copy = malloc(sizeof(*copy));

        if (copy == NULL || curve->count == LEARNING_STEPS_MAX) {
                free(copy);
                fprintf(stderr, "chaos-run: out of memory\n");
                return false;
        }
        *copy = *learned;
        curve->states[curve->count] = copy;
        curve->situations[curve->count] = situations;
        curve->from[curve->count++] = base_name(from);
        return true;
}

void learning_curve_release(struct learning_curve *curve)
{
        for (size_t i = 0; i < curve->count; i++)
                free(curve->states[i]);
        curve->count = 0;
}

/* ---- one scenario */

static void take(void *user, const struct replication_record *records)
{
        struct trial *trial = user;

        for (uint32_t i = 0; i < trial->count && !trial->failed; i++)
                trial->failed = !grade_add(trial->grades[i], &records[i]);
}

static void show(void *user, const struct run_progress *now)
{
        progress_show(&((struct trial *)user)->progress, now);
}

static bool load(const struct options *options, const char *path, struct trial *trial)
{
        struct options plain = *options;
        struct scenario_overrides overrides;
        struct diag_list diags;
        bool ok;

        plain.has_seed = false; /* that one was learned from */
        plain.runs = 0;         /* and so many were for learning */
        overrides = overrides_of(&plain,
                                 options->strategies.count > 0 ? options->strategies.items[0] : NULL,
                                 0);
        diag_list_init(&diags);
        ok = scenario_load(path, &overrides, &trial->scenario, &diags);
        diag_list_print(&diags, stderr);
        diag_list_release(&diags);
        if (ok && options->has_seed && trial->scenario->seed == options->seed) {
                fprintf(stderr, "chaos-run: train: --seed: %s is graded on that seed; learn from another\n",
                        path);
                ok = false;
        }
        if (!ok)
                scenario_free(trial->scenario);
        return ok;
}

static bool begin(struct trial *trial, const struct learning_curve *curve)
{
        trial->texts = text_pool_create();
        trial->count = (uint32_t)curve->count + 1;
        for (uint32_t i = 0; i < trial->count; i++) {
                trial->strategies[i] = *trial->scenario->strategy;
                trial->strategies[i].store.path = trial->strategies[i].store.ledger = NULL;
                trial->strategies[i].learned = i == 0 ? NULL : curve->states[i - 1];
                trial->healers[i] = run_healer_of(&trial->strategies[i]);
                trial->metas[i] = run_meta_make(trial->scenario, trial->healers[i].ops != NULL,
                                                trial->strategies[i].name, "", CHAOS_VERSION);
                trial->grades[i] = trial->metas[i] == NULL ? NULL : grade_create(trial->metas[i]);
                if (trial->grades[i] == NULL)
                        return false;
        }
        return trial->texts != NULL;
}

static int run(struct trial *trial, const struct options *options)
{
        long processors = sysconf(_SC_NPROCESSORS_ONLN);
        struct run_options run = {
                .scenario = trial->scenario,
                .healers = trial->healers,
                .healer_count = trial->count,
                .texts = trial->texts,
                .count = trial->scenario->replications,
                .jobs = processors < 1 ? 1 : processors > 64 ? 64 : (uint32_t)processors,
                .stop = &interrupt_signal,
                .user = trial,
                .sink = take,
                .progress = show,
        };
        enum run_status status;

        progress_begin(&trial->progress, trial->scenario->file, options->quiet);
        status = run_scenario(&run);
        progress_end(&trial->progress);
        if (status == RUN_INTERRUPTED)
                return interrupt_exit_code();
        if (status == RUN_NO_MEMORY || trial->failed) {
                fprintf(stderr, "chaos-run: out of memory\n");
                return EXIT_INTERNAL;
        }
        return EXIT_PASSED;
}

static json_t *points_of(const struct trial *trial, const struct learning_curve *curve)
{
        struct learning_point points[STATES_MAX];

        for (uint32_t i = 0; i < trial->count; i++)
                points[i] = (struct learning_point){
                        .scenario = trial->scenario->file,
                        .learned_from = i == 0 ? "" : curve->from[i - 1],
                        .step = i,
                        .situations = i == 0 ? 0 : curve->situations[i - 1],
                        .grade = trial->grades[i],
                        .cold = trial->grades[0],
                };
        return learning_curve_json(points, trial->count);
}

static void release(struct trial *trial)
{
        for (uint32_t i = 0; i < trial->count; i++) {
                grade_destroy(trial->grades[i]);
                run_meta_free(trial->metas[i]);
        }
        text_pool_destroy(trial->texts);
        scenario_free(trial->scenario);
}

/* Adds its points to `all`. */
static int grade_scenario(const struct learning_curve *curve, const struct options *options,
                          const char *path, json_t *all)
{
        struct trial *trial = calloc(1, sizeof(*trial));
        json_t *points = NULL;
        int code = EXIT_INTERNAL;

        if (trial == NULL || !load(options, path, trial)) {
                free(trial);
                return trial == NULL ? EXIT_INTERNAL : EXIT_INVALID;
        }
        if (begin(trial, curve))
                code = run(trial, options);
        if (code == EXIT_PASSED) {
                points = points_of(trial, curve);
                if (points == NULL ||
                    json_array_extend(json_object_get(all, "points"),
                                      json_object_get(points, "points")) < 0)
                        code = EXIT_INTERNAL;
                json_decref(points);
        }
        release(trial);
        free(trial);
        return code;
}

/* ---- all of them */

static bool write_one(const char *folder, const char *name, struct text *text,
                      struct out_error *error)
{
        bool ok = text_ok(text) &&
                  out_file_write(folder, name, text_bytes(text), text->length, error);

        text_release(text);
        return ok;
}

static const struct {
        const char *name, *mark;
} curve_files[] = {{"curve.json", "\"points\""},
                   {"curve.csv", "scenario,step,learned_from,"},
                   {"curve.md", "# Learning curve\n"}};

bool learning_curve_may_draw(const char *folder, struct out_error *error)
{
        bool ours = true;

        for (size_t i = 0; ours && i < sizeof(curve_files) / sizeof(curve_files[0]); i++) {
                char *path = out_path(folder, curve_files[i].name);

                ours = path != NULL && out_file_is_ours(path, curve_files[i].mark, error);
                if (path == NULL)
                        out_error_set(error, "%s: out of memory", curve_files[i].name);
                free(path);
        }
        return ours;
}

static int write_all(const char *folder, const json_t *curve)
{
        char *json = json_plain_dumps(curve, JSON_INDENT(1) | JSON_REAL_PRECISION(12));
        struct out_error error = {""};
        struct text texts[3];
        bool ok;

        for (int i = 0; i < 3; i++)
                text_init(&texts[i]);
        text_add(&texts[0], json == NULL ? "" : json);
        text_add(&texts[0], "\n");
        free(json);
        learning_curve_csv(curve, &texts[1]);
        learning_curve_markdown(curve, &texts[2]);
        ok = out_folder_make(folder, &error);
        for (int i = 0; i < 3; i++)
                ok = write_one(folder, curve_files[i].name, &texts[i], &error) && ok;
        if (!ok)
                fprintf(stderr, "chaos-run: %s\n",
                        error.message[0] != '\0' ? error.message : "out of memory");
        return ok ? EXIT_PASSED : EXIT_IO_ERROR;
}

int learning_curve_draw(const struct learning_curve *curve, const struct options *options,
                        const struct scenario_files *files)
{
        json_t *all = json_pack("{s:[]}", "points");
        struct text screen;
        int code = all == NULL ? EXIT_INTERNAL : EXIT_PASSED;

        for (size_t i = 0; i < files->count && code == EXIT_PASSED; i++)
                code = grade_scenario(curve, options, files->paths[i], all);
        if (code == EXIT_PASSED)
                code = write_all(options->curve, all);
        if (code == EXIT_PASSED) {
                text_init(&screen);
                learning_curve_screen(all, &screen);
                screen_tell(&screen);
                text_release(&screen);
        }
        json_decref(all);
        return code;
}
