/* train_command.c - `chaos-run train SCENARIO... --out STATE.json`.
 *
 * Runs scenarios with a healer that only watches (run/heal_train.h), replication by
 * replication, and writes what it has learned: the file that a strategy names as its
 * `initial_state`. Seeds are moved away from those of a plain run (the top bit of
 * the seed is turned over), so that what is learned is never graded on the chance
 * it was learned from; --seed says another one.
 *
 * With --curve, what is known after each scenario, in their order, is kept and then
 * graded on the scenarios' own seeds (learning_curve.h).
 */
#include "harness/cli/commands.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/base/in_file.h"
#include "harness/base/json_plain.h"
#include "harness/base/out_file.h"
#include "harness/cli/interrupt.h"
#include "harness/cli/learning_curve.h"
#include "harness/cli/scenario_files.h"
#include "harness/run/heal_train.h"
#include "harness/run/plan.h"
#include "harness/run/run.h"
#include "harness/scenario/strategy_learned.h"
#include "reports/verdict.h"

#define OTHER_SEEDS (UINT64_C(1) << 63)

static void nothing(void *user, const struct replication_record *records)
{
        (void)user;
        (void)records;
}

static uint32_t runs_of(const struct options *options)
{
        return options->runs > 0 ? options->runs : 20;
}

static struct scenario *load(const struct options *options, const char *path)
{
        const struct scenario_overrides overrides = {
                .vars = options->vars.items,
                .var_count = options->vars.count,
                .sets = options->sets.items,
                .set_count = options->sets.count,
                .strategy = options->strategies.count > 0 ? options->strategies.items[0] : NULL,
                .allow_paths = options->allow_paths.items,
                .allow_path_count = options->allow_paths.count,
                .has_seed = options->has_seed,
                .seed = options->seed,
        };
        struct diag_list diags;
        struct scenario *scenario = NULL;
        bool ok;

        diag_list_init(&diags);
        ok = scenario_load(path, &overrides, &scenario, &diags);
        if (ok && !options->has_seed)
                scenario->seed ^= OTHER_SEEDS;
        ok = ok && plan_check_safety(scenario, 0, runs_of(options),
                                     options->approve ? PLAN_TO_RUN_APPROVED : PLAN_TO_RUN, &diags);
        (void)diag_list_print(&diags, stderr);
        diag_list_release(&diags);
        if (!ok) {
                scenario_free(scenario);
                return NULL;
        }
        return scenario;
}

static int train_on(const struct options *options, const char *path,
                    struct heal_training *training, uint32_t runs)
{
        struct scenario *scenario = load(options, path);
        struct text_pool *texts = NULL;
        size_t rows = training->count;
        uint32_t run;
        int code = EXIT_INVALID;

        if (scenario == NULL)
                return code;
        if (scenario->strategy == NULL || !scenario->strategy->healer.enabled) {
                fprintf(stderr, "chaos-run: %s: its healer does not watch: nothing to learn\n", path);
                goto done;
        }
        if (!scenario->strategy->healer.learning.enabled) {
                fprintf(stderr, "chaos-run: %s: its healer does not learn (learning.enabled is "
                                "false): nothing to learn\n", path);
                goto done;
        }
        training->strategy = scenario->strategy;
        for (run = 0; run < runs && interrupt_signal == 0; run++) {
                struct run_options one = {.scenario = scenario,
                                          .healer = &healer_trainer,
                                          .healer_config = training,
                                          .first = run,
                                          .count = 1,
                                          .jobs = 1,
                                          .stop = &interrupt_signal,
                                          .sink = nothing};

                text_pool_destroy(texts);
                texts = text_pool_create();
                one.texts = texts;
                if (texts == NULL || run_scenario(&one) == RUN_NO_MEMORY ||
                    training->no_memory) {
                        fprintf(stderr, "chaos-run: out of memory\n");
                        code = EXIT_INTERNAL;
                        goto done;
                }
                heal_training_settle(training);
        }
        code = interrupt_signal != 0 ? interrupt_exit_code() : EXIT_PASSED;
        fprintf(stderr, "chaos-run: %s: %u runs, %zu situations\n", path, run,
                training->count - rows);
done:
        text_pool_destroy(texts);
        scenario_free(scenario);
        return code;
}

/* Nothing, an empty file, or what an earlier training left. */
static bool is_free(const char *path)
{
        struct stat status;
        json_t *old;
        bool ours;

        if (lstat(path, &status) != 0 || (S_ISREG(status.st_mode) && status.st_size == 0))
                return true;
        if (stat(path, &status) != 0 || !S_ISREG(status.st_mode)) /* a pipe of our own would never end */
                return false;
        old = in_file_json(path, 0, NULL);
        ours = json_object_get(old, "learned_state") != NULL;
        json_decref(old);
        return ours;
}

/* The folder of a path, to be freed, and the name in it. */
static char *split_path(const char *path, const char **name)
{
        const char *slash = strrchr(path, '/');

        *name = slash == NULL ? path : slash + 1;
        return slash == NULL ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

/* Hours of learning are not to end at a name that cannot be used, nor in the place of something
 * that is not ours. */
static int check_place(const char *path)
{
        struct out_error error = {""};
        struct out_file probe;
        const char *name;
        char *folder = split_path(path, &name);

        if (folder == NULL)
                out_error_set(&error, "out of memory");
        else if (*name == '\0')
                out_error_set(&error, "%s: a file is wanted, to write what was learned into", path);
        else if (!is_free(path))
                out_error_set(&error, "%s: it is no learned state, and is left as it is; give another file",
                              path);
        else if (out_file_begin(&probe, folder, name, &error))
                out_file_abandon(&probe);
        if (error.message[0] != '\0')
                fprintf(stderr, "chaos-run: train: --out: %s\n", error.message);
        free(folder);
        return error.message[0] == '\0' ? EXIT_PASSED : EXIT_IO_ERROR;
}

static int write_state(const char *path, const struct healer_learned *learned)
{
        json_t *json = learned_state_json(learned);
        char *text = json != NULL ? json_plain_dumps(json, JSON_INDENT(1) | JSON_REAL_PRECISION(17))
                                  : NULL;
        struct out_error error = {""};
        const char *name;
        char *folder = split_path(path, &name);
        int code = EXIT_PASSED;

        if (text == NULL || folder == NULL) {
                fprintf(stderr, "chaos-run: out of memory\n");
                code = EXIT_INTERNAL;
        } else if (!out_file_write(folder, name, text, strlen(text), &error)) {
                fprintf(stderr, "chaos-run: %s\n", error.message);
                code = EXIT_IO_ERROR;
        }
        free(folder);
        free(text);
        json_decref(json);
        return code;
}

static void tell(const struct heal_training *training)
{
        const struct healer_learned *learned = training->learned;
        size_t failures = 0, i;

        for (i = 0; i < training->count; i++)
                failures += training->failed[i];
        printf("situations %zu, before a failure %zu\n", training->count, failures);
        printf("patterns %u, cases %u and %u, stumps %u\n", learned->pattern_count,
               learned->cases.count[0], learned->cases.count[1], learned->model.count);
}

/* What is known by now, as a step of the curve. */
static bool keep_step(struct learning_curve *curve, struct heal_training *training, const char *path)
{
        (void)heal_training_model(training); /* none: all ended alike so far */
        return learning_curve_add(curve, training->learned, training->count, path);
}

int command_train(const struct options *options)
{
        struct scenario_files files = {0};
        struct heal_training training;
        struct healer_learned *learned = calloc(1, sizeof(*learned));
        struct learning_curve curve = {.count = 0};
        uint32_t runs = runs_of(options);
        struct out_error error = {""};
        int code = EXIT_INTERNAL;
        size_t i;

        memset(&training, 0, sizeof(training));
        if (learned == NULL) {
                fprintf(stderr, "chaos-run: out of memory\n");
                goto done;
        }
        code = EXIT_INVALID;
        if (options->words.count == 0 || options->out == NULL) {
                fprintf(stderr, "chaos-run: train: on which scenarios, and into which file? "
                                "(SCENARIO.json ... --out STATE.json)\n");
                goto done;
        }
        code = check_place(options->out);
        if (code != EXIT_PASSED)
                goto done;
        healer_learned_init(learned);
        training.learned = learned;
        code = scenario_files_list(options, &files);
        interrupt_watch();
        if (options->curve != NULL && !learning_curve_may_draw(options->curve, &error)) {
                fprintf(stderr, "chaos-run: %s\n", error.message);
                code = exit_code_worse(code, EXIT_IO_ERROR);
        }
        if (options->curve != NULL && files.count > LEARNING_STEPS_MAX) {
                fprintf(stderr, "chaos-run: train: a curve has at most %d steps, here are %zu scenarios\n",
                        (int)LEARNING_STEPS_MAX, files.count);
                code = EXIT_INVALID;
        }
        for (i = 0; i < files.count && code == EXIT_PASSED; i++) {
                code = train_on(options, files.paths[i], &training, runs);
                if (code == EXIT_PASSED && options->curve != NULL &&
                    !keep_step(&curve, &training, files.paths[i]))
                        code = EXIT_INTERNAL;
        }
        if (code != EXIT_PASSED)
                goto done;
        if (!heal_training_model(&training))
                fprintf(stderr, "chaos-run: train: all situations ended alike: no model\n");
        code = write_state(options->out, learned);
        if (code == EXIT_PASSED)
                tell(&training);
        if (code == EXIT_PASSED && options->curve != NULL)
                code = learning_curve_draw(&curve, options, &files);
done:
        learning_curve_release(&curve);
        heal_training_release(&training);
        scenario_files_release(&files);
        free(learned);
        return code;
}
