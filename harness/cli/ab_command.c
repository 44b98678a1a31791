/* ab_command.c - `chaos-run ab SCENARIO... --a S --b S`: strategies on the same chance.
 *
 * The scenario is read once for each strategy, since a strategy may name edges
 * and files of its own; it is run once, with all of them in each replication.
 * The results' folder gets the result of the first strategy with the comparison
 * in `ab`: everything that reads a result reads this one too.
 *
 * A loss limit (analysis.max_loss) on failed requests is watched second by second in
 * what each replication records; the one in which it is met is cut there and not counted.
 *
 * What makes a plain run invalid (gate, faults without effect, an invariant)
 * makes the comparison invalid; thresholds are not asked.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/json_plain.h"
#include "harness/base/memory.h"
#include "harness/cli/commands.h"
#include "harness/cli/healers.h"
#include "harness/cli/interrupt.h"
#include "harness/cli/ledger.h"
#include "harness/cli/progress.h"
#include "harness/cli/run_facts.h"
#include "harness/cli/scenario_files.h"
#include "harness/run/plan.h"
#include "harness/run/reference.h"
#include "harness/run/run.h"
#include "harness/scenario/capacity.h"
#include "harness/scenario/metric_value.h"
#include "reports/ab.h"
#include "reports/ab_board.h"
#include "reports/ab_screen.h"
#include "reports/grade.h"
#include "reports/metric_table.h"
#include "reports/verdict.h"
#include "reports/verdict_screen.h"
#include "reports/writer.h"

_Static_assert((int)AB_STRATEGIES_MAX <= (int)RUN_HEALERS_MAX,
               "as many as are compared can be run");

/* One scenario, all strategies. */
struct contest {
        const struct options *options;
        struct ledger *ledger;
        const char *path;
        const char *names[AB_STRATEGIES_MAX];
        uint32_t count; /* strategies */
        uint32_t matrix_index;
        struct scenario *scenarios[AB_STRATEGIES_MAX];
        struct chosen_healer chosen[AB_STRATEGIES_MAX];
        struct run_healer healers[AB_STRATEGIES_MAX];
        struct run_meta *metas[AB_STRATEGIES_MAX];
        struct grade *grades[AB_STRATEGIES_MAX];
        json_t *results[AB_STRATEGIES_MAX]; /* at the end; the first has the comparison */
        struct text_pool *texts;
        struct ab *ab;
        struct progress progress;
        struct run_facts facts;
        struct text command;
        char *folder;
        uint32_t writer_set;
        struct out_error error;
        bool failed;         /* out of memory */
        bool watches;        /* the loss limit, within each pair */
        bool unequal;        /* chance was not the same for all strategies */
        uint32_t unequal_in; /* replication */
};

/* ---- while it runs */

/* What no strategy can change must be the same for all of them. */
static void check_chance(struct contest *contest, const struct replication_record *records)
{
        for (uint32_t s = 1; s < contest->count && !contest->unequal; s++)
                for (int arm = 0; arm < ARM_COUNT; arm++) {
                        const struct arm_record *one = records[0].arms[arm];
                        const struct arm_record *other = records[s].arms[arm];

                        if (one == NULL || other == NULL ||
                            (one->exogenous_hash == other->exogenous_hash &&
                             one->timetable_hash == other->timetable_hash &&
                             one->end_ns == other->end_ns))
                                continue;
                        contest->unequal = true;
                        contest->unequal_in = records[0].replication;
                }
}

/* ---- the loss limit */

/* What all entry services may lose in a second: those that come in it, and those that wait
 * and are not too old yet; three deviations of chance above what is declared. */
static double loss_ahead(const struct run_meta *meta)
{
        double most = 0;

        for (uint32_t s = 0; s < meta->service_count; s++) {
                const struct meta_service *service = &meta->services[s];
                double waits_s = service->has_slo && service->slo_latency_ns < 60 * NS_PER_S
                                         ? (double)service->slo_latency_ns * 1e-9
                                         : 60;

                if (service->entry)
                        most += service->offered_per_s * (1 + waits_s);
        }
        return most + 3 * sqrt(most);
}

static size_t measured_seconds(const struct arm_record *arm, const struct run_meta *meta)
{
        size_t count = 0;

        for (uint32_t s = 0; s < meta->service_count; s++)
                if (arm->services[s].second_count > count)
                        count = arm->services[s].second_count;
        return count;
}

/* Whether the limit was met within this replication. */
static bool is_cut(struct contest *contest, const struct replication_record *records)
{
        const struct run_meta *meta = contest->metas[0];
        size_t seconds = measured_seconds(records[0].arms[ARM_TREATED], meta);
        double *lost;
        bool cut;

        if (!contest->watches)
                return false;
        lost = calloc(contest->count * seconds + 1, sizeof(*lost));
        if (lost == NULL) {
                contest->failed = true;
                return true;
        }
        for (uint32_t i = 0; i < contest->count; i++)
                for (uint32_t s = 0; s < meta->service_count; s++) {
                        const struct service_measure *service =
                                &records[i].arms[ARM_TREATED]->services[s];

                        for (size_t t = 0; meta->services[s].entry && t < seconds &&
                                           t < service->second_count;
                             t++)
                                lost[i * seconds + t] += service->seconds[t].bad;
                }
        cut = ab_watch(contest->ab, records[0].replication, lost, seconds);
        free(lost);
        return cut;
}

static void take_replication(void *user, const struct replication_record *records)
{
        struct contest *contest = user;
        const struct kept *kept[AB_STRATEGIES_MAX];

        check_chance(contest, records);
        if (is_cut(contest, records))
                return;
        for (uint32_t s = 0; s < contest->count && !contest->failed; s++) {
                contest->failed = !grade_add(contest->grades[s], &records[s]);
                kept[s] = grade_latest(contest->grades[s]);
        }
        if (!contest->failed)
                contest->failed = !ab_add(contest->ab, contest->metas[0], kept);
        if (!contest->failed)
                ledger_add(contest->ledger, records, kept);
        run_facts_add(&contest->facts, records, contest->count, contest->scenarios[0]->warmup_ns);
}

static bool is_enough(void *user)
{
        struct contest *contest = user;

        return contest->failed || contest->unequal || ab_enough(contest->ab);
}

static void take_progress(void *user, const struct run_progress *now)
{
        struct contest *contest = user;

        progress_show(&contest->progress, now);
}

/* ---- before it runs */

static uint32_t pairs_of(const struct contest *contest)
{
        return contest->options->runs > 0 ? contest->options->runs
                                          : contest->scenarios[0]->analysis.max_runs;
}

static bool load_all(struct contest *contest)
{
        const struct options *options = contest->options;
        bool ok = true;

        for (uint32_t s = 0; s < contest->count && ok; s++) {
                struct scenario_overrides overrides =
                        overrides_of(options, contest->names[s], contest->matrix_index);
                struct diag_list diags;

                diag_list_init(&diags);
                ok = scenario_load(contest->path, &overrides, &contest->scenarios[s], &diags) &&
                     plan_check_safety(contest->scenarios[s], 0, pairs_of(contest),
                                       options->approve ? PLAN_TO_RUN_APPROVED : PLAN_TO_RUN,
                                       &diags);
                diag_list_print(&diags, stderr);
                diag_list_release(&diags);
        }
        if (ok)
                capacity_warn(&contest->scenarios[0]->fleet, contest->path, stderr);
        return ok;
}

static bool begin_strategies(struct contest *contest)
{
        contest->texts = text_pool_create();
        if (contest->texts == NULL)
                return false;
        for (uint32_t s = 0; s < contest->count; s++) {
                struct chosen_healer *chosen = &contest->chosen[s];

                healer_choose(contest->scenarios[s], contest->options->db, chosen);
                contest->healers[s] = chosen->run;
                contest->metas[s] = run_meta_make(contest->scenarios[s], chosen->run.ops != NULL,
                                                  chosen->name, chosen->digest, CHAOS_VERSION);
                contest->grades[s] =
                        contest->metas[s] == NULL ? NULL : grade_create(contest->metas[s]);
                if (contest->grades[s] == NULL)
                        return false;
        }
        return true;
}

/* "5s" in the unit of that metric. */
static bool parse_width(const struct options *options, const char *metric, double *out)
{
        const struct metric_name *name = metric_name_find(metric);
        struct quantity_error error;

        if (metric_value_parse(options->precision, name == NULL ? METRIC_COUNT : name->unit, out,
                               &error) &&
            *out > 0)
                return true;
        fprintf(stderr,
                "chaos-run: --precision: '%s' is no width of an interval of %s (%s above 0)\n",
                options->precision, metric,
                metric_unit_wants(name == NULL ? METRIC_COUNT : name->unit));
        return false;
}

static void add_word(struct text *text, const char *option, const char *value)
{
        bool simple = value[strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                          "0123456789_-./=:,+@%")] == '\0' &&
                      *value != '\0';

        text_addf(text, "%s%s", option, simple ? "" : "'");
        for (; *value != '\0'; value++)
                text_add_bytes(text, !simple && *value == '\'' ? "'\\''" : value,
                               !simple && *value == '\'' ? 4 : 1);
        text_add(text, simple ? "" : "'");
}

static void add_words(struct text *text, const char *option, const struct text_list *values)
{
        for (size_t i = 0; i < values->count; i++)
                add_word(text, option, values->items[i]);
}

/* What repeats a replication, but for its number and the strategy. */
static void write_command(struct contest *contest)
{
        const struct options *options = contest->options;

        add_word(&contest->command, "chaos-run ", contest->path);
        text_addf(&contest->command, " --seed %llu",
                  (unsigned long long)contest->scenarios[0]->seed);
        add_words(&contest->command, " --var ", &options->vars);
        add_words(&contest->command, " --set ", &options->sets);
        add_words(&contest->command, " --only ", &options->only);
        add_words(&contest->command, " --skip ", &options->skip);
        add_words(&contest->command, " --allow-path ", &options->allow_paths);
}

static int begin_comparison(struct contest *contest)
{
        const struct options *options = contest->options;
        const struct analysis_spec *analysis = &contest->scenarios[0]->analysis;
        struct ab_metric *metrics = calloc(metric_row_count, sizeof(*metrics));
        struct ab_choice *choices = calloc(analysis->metric_count + 1, sizeof(*choices));
        struct ab_strategy strategies[AB_STRATEGIES_MAX];
        struct ab_settings settings = {
                .confidence = analysis->confidence,
                .stopping = options->runs > 0            ? AB_FIXED
                            : options->precision != NULL ? AB_PRECISION
                                                         : AB_SEQUENTIAL,
                .pairs_max = options->runs > 0 ? options->runs : analysis->max_runs,
                .max_loss = analysis->max_loss,
                .meta = contest->metas[0],
        };
        const char *problem;
        size_t metric_count = 0;
        int code = EXIT_INTERNAL;

        if (metrics == NULL || choices == NULL)
                goto done;
        for (size_t i = 0; i < analysis->metric_count; i++) {
                const struct analysis_metric *metric = &analysis->metrics[i];

                choices[i] = (struct ab_choice){
                        .name = metric->name,
                        .has_direction = metric->has_direction,
                        .direction = metric->higher_is_better ? BETTER_HIGH : BETTER_LOW,
                        .critical = metric->critical,
                        .has_margin = metric->has_margin,
                        .margin = metric->margin,
                };
        }
        problem = ab_choose_metrics(contest->metas[0], analysis->primary, choices,
                                    analysis->metric_count, metrics, &metric_count);
        if (problem != NULL) {
                fprintf(stderr, "chaos-run: %s: analysis: %s\n", contest->path, problem);
                code = EXIT_INVALID;
                goto done;
        }
        if (options->precision != NULL && !parse_width(options, metrics[0].name, &settings.width)) {
                code = EXIT_INVALID;
                goto done;
        }
        settings.pairs_min = settings.stopping == AB_FIXED || settings.pairs_max < AB_PAIRS_MIN
                                     ? settings.pairs_max
                                     : AB_PAIRS_MIN;
        contest->watches = settings.max_loss > 0 && strcmp(metrics[0].name, "failed_requests") == 0;
        if (contest->watches)
                settings.loss_ahead = loss_ahead(contest->metas[0]);
        if (settings.loss_ahead > settings.max_loss) {
                fprintf(stderr,
                        "chaos-run: %s: analysis.max_loss: a second may lose %.0f requests; with so "
                        "small a limit nothing can be run\n",
                        contest->path, ceil(settings.loss_ahead));
                code = EXIT_INVALID;
                goto done;
        }
        write_command(contest);
        settings.command = text_bytes(&contest->command);
        for (uint32_t s = 0; s < contest->count; s++)
                strategies[s] = (struct ab_strategy){
                        contest->names[s], contest->chosen[s].digest};
        contest->ab = ab_create(&settings, metrics, metric_count, strategies, contest->count);
        code = contest->ab == NULL ? EXIT_INTERNAL : EXIT_PASSED;
done:
        free(metrics);
        free(choices);
        return code;
}

/* The folder of a plain run is left alone. */
static bool begin_folder(struct contest *contest, bool many)
{
        char *folder = scenario_folder(contest->options, contest->scenarios[0], NULL, many);
        size_t size;

        if (folder == NULL)
                return false;
        size = strlen(folder) + sizeof("-ab");
        contest->folder = malloc(size);
        if (contest->folder != NULL)
                snprintf(contest->folder, size, "%s%s", folder,
                         contest->options->out == NULL ? "-ab" : "");
        free(folder);
        return contest->folder != NULL;
}

static int begin(struct contest *contest, bool many)
{
        run_facts_begin(&contest->facts);
        contest->writer_set = writers_default();
        if (contest->options->format != NULL &&
            !writers_parse(contest->options->format, &contest->writer_set, &contest->error)) {
                fprintf(stderr, "chaos-run: --format: %s\n", contest->error.message);
                return EXIT_INVALID;
        }
        if (!begin_folder(contest, many) || !begin_strategies(contest)) {
                fprintf(stderr, "chaos-run: out of memory\n");
                return EXIT_INTERNAL;
        }
        if (!scenario_folder_claim(contest->folder, contest->path))
                return EXIT_INVALID;
        if (!writers_check_folder(contest->folder, &contest->error) ||
            /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): compare_one() frees the folder's name */
            !out_folder_make(contest->folder, &contest->error)) {
                fprintf(stderr, "chaos-run: %s\n", contest->error.message);
                return EXIT_IO_ERROR;
        }
        return begin_comparison(contest);
}

/* ---- after it ran */

/* What makes a comparison worthless, of a plain run's exit code. */
static int validity_of(int code)
{
        switch (code) {
        case EXIT_PASSED:
        case EXIT_FAILED:
        case EXIT_REGRESSION:
        case EXIT_INCONCLUSIVE:
                return EXIT_PASSED;
        default:
                return code;
        }
}

/* Every strategy's result; the first with the comparison in it, which is the one
 * to write. NULL: no memory. */
static json_t *make_results(struct contest *contest)
{
        json_t *comparison, *first;
        int code;

        comparison = ab_result(contest->ab, &code);
        if (comparison == NULL)
                return NULL;
        for (uint32_t s = 0; s < contest->count; s++) {
                contest->results[s] = grade_result(contest->grades[s]);
                if (contest->results[s] == NULL) {
                        json_decref(comparison);
                        return NULL;
                }
                code = exit_code_worse(code, validity_of((int)json_integer_value(json_object_get(
                                                     contest->results[s], "exit_code"))));
        }
        first = contest->results[0];
        json_object_set_new(first, "ab", comparison);
        json_object_set_new(first, "outcome", json_string(exit_code_outcome(code)));
        json_object_set_new(first, "exit_code", json_integer(code));
        return first;
}

/* One that is not valid says nothing over all. */
static void put_on_board(const struct contest *contest, const json_t *result, int code,
                         struct ab_board *board)
{
        const char *combination = contest->scenarios[0]->matrix_name;

        if (validity_of(code) == EXIT_PASSED &&
            !ab_board_add(board, result, combination == NULL ? "" : combination))
                fprintf(stderr, "chaos-run: out of memory\n");
}

static int write_all(struct contest *contest, json_t *result, struct ab_board *board)
{
        struct series series;
        struct value_table values;
        struct writers_result written = {0};
        struct writers_options options = {
                .folder = contest->folder,
                .set = contest->writer_set & ~WRITER_BIT(WRITER_JOURNAL),
                .no_plots = contest->options->no_plots,
                .fresh = true,
        };
        struct report report = {.result = result};
        json_t *facts = run_facts_json(&contest->facts, contest->options->jobs);
        bool in_colour = screen_wants_colour(STDOUT_FILENO);
        struct text screen;
        int code = (int)json_integer_value(json_object_get(result, "exit_code"));
        bool written_ok;

        series_init(&series);
        value_table_init(&values);
        text_init(&screen);
        if (grade_series(contest->grades[0], &series))
                report.series = &series;
        if (grade_replication_values(contest->grades[0], &values))
                report.values = &values;
        report.run_facts = facts;
        written_ok = writers_run(&report, &options, &written, &contest->error);
        if (text_bytes(&written.notes)[0] != '\0')
                fprintf(stderr, "%s", text_bytes(&written.notes));
        if (!written_ok) {
                fprintf(stderr, "chaos-run: %s\n", contest->error.message);
                code = exit_code_worse(code, EXIT_IO_ERROR);
        }
        ab_screen(result, written_ok ? written.report_path : NULL, in_colour, &screen);
        if (validity_of(code) != EXIT_PASSED)
                text_addf(&screen, "the comparison is not valid: %s\n", exit_code_outcome(code));
        put_on_board(contest, result, code, board);
        screen_tell(&screen);
        ledger_end(contest->ledger, contest->results, facts,
                   interrupt_signal == 0 && written_ok);
        text_release(&screen);
        writers_result_release(&written);
        value_table_release(&values);
        series_release(&series);
        json_decref(facts);
        return code;
}

/* What was compared before, by the database: its verdict again. */
static int tell_stored(const struct contest *contest, struct ab_board *board)
{
        bool in_colour = screen_wants_colour(STDOUT_FILENO);
        struct stored_report stored;
        struct out_error error = {""};
        struct text screen;
        int code;

        if (!stored_report_read(contest->folder, &stored, &error)) {
                fprintf(stderr, "chaos-run: %s\n", error.message);
                return EXIT_IO_ERROR;
        }
        fprintf(stderr, "chaos-run: %s: was compared before, %s is left as it is\n",
                contest->path, contest->folder);
        code = (int)json_integer_value(json_object_get(stored.result, "exit_code"));
        text_init(&screen);
        ab_screen(stored.result, NULL, in_colour, &screen);
        put_on_board(contest, stored.result, code, board);
        screen_tell(&screen);
        text_release(&screen);
        stored_report_release(&stored);
        return code;
}

/* When it stops is part of what makes two comparisons the same. */
static void write_rule(const struct options *options, struct text *out)
{
        text_add(out, "ab");
        if (options->runs > 0)
                text_addf(out, " runs %u", options->runs);
        if (options->precision != NULL)
                text_addf(out, " precision %s", options->precision);
}

/* Hands over what a database holds of it; `run` is then the rest. False when all
 * of it has ended. */
static bool resume_contest(struct contest *contest, struct run_options *run)
{
        const struct run_meta *metas[AB_STRATEGIES_MAX];
        struct ledger_run entry = {.metas = metas,
                                   .strategies = contest->names,
                                   .strategy_count = contest->count,
                                   .folder = contest->folder,
                                   .count = run->count};
        struct text rule;
        uint32_t held;
        bool finished;

        for (uint32_t s = 0; s < contest->count; s++)
                metas[s] = contest->metas[s];
        text_init(&rule);
        write_rule(contest->options, &rule);
        entry.rule = text_bytes(&rule);
        finished = ledger_begin(contest->ledger, &entry);
        text_release(&rule);
        if (finished)
                return false;
        held = ledger_replay(contest->ledger, contest->texts, contest, take_replication, is_enough);
        if (held > 0)
                fprintf(stderr, "chaos-run: %s: going on after %u replications\n",
                        contest->path, held);
        run->first += held;
        run->count -= held;
        if (held > 0 && is_enough(contest))
                run->count = 0;
        return true;
}

static int run_contest(struct contest *contest, struct ab_board *board)
{
        const struct options *options = contest->options;
        struct run_options run = {
                .scenario = contest->scenarios[0],
                .healers = contest->healers,
                .healer_count = contest->count,
                .texts = contest->texts,
                .count = pairs_of(contest),
                .jobs = options->jobs,
                .stop = &interrupt_signal,
                .user = contest,
                .sink = take_replication,
                .enough = is_enough,
                .progress = take_progress,
        };
        enum run_status status = RUN_OK;
        json_t *result;

        if (!resume_contest(contest, &run))
                return tell_stored(contest, board);
        progress_begin(&contest->progress, contest->scenarios[0]->file, options->quiet);
        if (run.count > 0)
                status = run_scenario(&run);
        progress_end(&contest->progress);
        contest->facts.simulated_s = fmax(wall_s() - contest->facts.started_s, 0);
        if (contest->unequal) {
                fprintf(stderr,
                        "chaos-run: %s: seed %llu, replication %u: chance was not the same "
                        "for all strategies\n",
                        contest->path, (unsigned long long)contest->scenarios[0]->seed,
                        contest->unequal_in);
                return EXIT_INTERNAL;
        }
        if (status == RUN_INTERRUPTED)
                grade_interrupt(contest->grades[0], interrupt_exit_code());
        result = status == RUN_NO_MEMORY || contest->failed ? NULL : make_results(contest);
        if (result == NULL) {
                fprintf(stderr, "chaos-run: %s: out of memory\n", contest->path);
                return EXIT_INTERNAL;
        }
        if (options->verbose)
                fprintf(stderr, "chaos-run: %s: %.0f requests, %.0f events, %.0f virtual s in %.1f s\n",
                        contest->path, (double)contest->facts.requests,
                        (double)contest->facts.events, contest->facts.virtual_s,
                        contest->facts.simulated_s);
        return write_all(contest, result, board);
}

/* ---- the command */

static bool has_tag(const struct scenario *scenario, const struct text_list *wanted)
{
        for (size_t i = 0; i < wanted->count; i++)
                for (size_t k = 0; k < scenario->tag_count; k++)
                        if (strcmp(wanted->items[i], scenario->tags[k]) == 0)
                                return true;
        return wanted->count == 0;
}

/* One combination of the matrix; `*combinations` becomes the number of them. */
static int compare_one(const struct options *options, struct ledger *ledger, const char *path,
                       bool many, struct ab_board *board, uint32_t index, uint32_t *combinations)
{
        struct contest contest = {
                .options = options, .ledger = ledger, .path = path, .matrix_index = index};
        int code = EXIT_INVALID;

        text_init(&contest.command);
        contest.names[contest.count++] = options->a.items[0];
        contest.names[contest.count++] = options->b.items[0];
        for (size_t i = 0; i < options->c.count; i++)
                contest.names[contest.count++] = options->c.items[i];
        if (!load_all(&contest))
                goto done;
        code = EXIT_PASSED;
        *combinations = contest.scenarios[0]->matrix_count;
        if (!has_tag(contest.scenarios[0], &options->tags))
                goto done;
        code = begin(&contest, many);
        if (code == EXIT_PASSED)
                code = run_contest(&contest, board);
done:
        ledger_leave(ledger);
        ab_destroy(contest.ab);
        for (uint32_t s = 0; s < contest.count; s++) {
                json_decref(contest.results[s]);
                grade_destroy(contest.grades[s]);
                run_meta_free(contest.metas[s]);
                scenario_free(contest.scenarios[s]);
        }
        text_pool_destroy(contest.texts);
        text_release(&contest.command);
        free(contest.folder);
        return code;
}

static int compare_file(const struct options *options, struct ledger *ledger, const char *path,
                        bool many, struct ab_board *board)
{
        uint32_t count = 1;
        int code = EXIT_PASSED;

        for (uint32_t i = 0; i < count && interrupt_signal == 0; i++)
                code = exit_code_worse(code, compare_one(options, ledger, path, many, board,
                                                           i, &count));
        return code;
}

static bool is_asked_well(const struct options *options)
{
        const char *wrong = NULL;

        if (options->a.count != 1 || options->b.count != 1)
                wrong = "ab wants one --a S and one --b S, then any --c S";
        else if (options->c.count > AB_STRATEGIES_MAX - 2)
                wrong = "at most 8 strategies are compared at once";
        else if (options->words.count == 0)
                wrong = "no scenario named; try `chaos-run ab scenarios/latency.json --a default "
                        "--b reactive`";
        else if (options->runs > 0 && options->precision != NULL)
                wrong = "--runs fixes the number of pairs and --precision finds it: one of them";
        else if (options->inconclusive != NULL && strcmp(options->inconclusive, "pass") != 0 &&
                 strcmp(options->inconclusive, "fail") != 0)
                wrong = "--inconclusive is pass or fail";
        if (wrong != NULL)
                fprintf(stderr, "chaos-run: %s\n", wrong);
        return wrong == NULL;
}

static int settled(const struct options *options, int code)
{
        if (code != EXIT_INCONCLUSIVE || options->inconclusive == NULL)
                return code;
        return strcmp(options->inconclusive, "pass") == 0 ? EXIT_PASSED : EXIT_FAILED;
}

static bool write_text(const char *folder, const char *name, struct text *text,
                       struct out_error *error)
{
        bool ok = text_ok(text) && out_file_write(folder, name, text_bytes(text), text->length, error);

        text_release(text);
        return ok;
}

static bool write_board(const char *folder, const json_t *comparison, struct out_error *error)
{
        char *json = json_plain_dumps(comparison, JSON_INDENT(1) | JSON_REAL_PRECISION(12));
        struct text text, markdown;
        bool ok;

        text_init(&text);
        text_init(&markdown);
        text_add(&text, json == NULL ? "" : json);
        text_add(&text, "\n");
        free(json);
        ab_board_markdown(comparison, &markdown);
        ok = out_folder_make(folder, error);
        ok = ok && write_text(folder, "comparison.json", &text, error);
        return write_text(folder, "comparison.md", &markdown, error) && ok;
}

/* Scenario by strategy, and what holds over all of them. */
static int tell_board(const struct options *options, const struct ab_board *board, int code)
{
        const char *folder = options->out == NULL ? "chaos-results" : options->out;
        struct out_error error = {""};
        struct text screen;
        json_t *comparison;
        int overall = EXIT_PASSED;

        text_init(&screen);
        if (ab_board_count(board) > 1) {
                comparison = ab_board_json(board, &overall);
                if (comparison == NULL)
                        return EXIT_INTERNAL;
                ab_board_screen(comparison, &screen);
                if (!write_board(folder, comparison, &error)) {
                        fprintf(stderr, "chaos-run: %s\n", error.message);
                        code = exit_code_worse(code, EXIT_IO_ERROR);
                }
                json_decref(comparison);
        }
        code = exit_code_worse(code, settled(options, overall));
        screen_tell(&screen);
        if (!memory_ran_out())
                printf("%s\n", exit_code_outcome(code));
        text_release(&screen);
        return code;
}

int command_ab(const struct options *given)
{
        struct options options = *given;
        struct scenario_files files = {0};
        struct ledger ledger;
        struct ab_board *board;
        int code;

        if (!is_asked_well(&options))
                return EXIT_INVALID;
        if (options.jobs == 0) {
                long processors = sysconf(_SC_NPROCESSORS_ONLN);

                options.jobs = processors < 1 ? 1 : processors > 64 ? 64 : (uint32_t)processors;
        }
        code = ledger_open(&ledger, &options);
        if (code != EXIT_PASSED)
                return code;
        board = ab_board_create();
        if (board == NULL) {
                ledger_close(&ledger);
                return EXIT_INTERNAL;
        }
        interrupt_watch();
        code = scenario_files_list(&options, &files);
        for (size_t i = 0; i < files.count && interrupt_signal == 0; i++) {
                int one = compare_file(&options, &ledger, files.paths[i], files.count > 1,
                                       board);

                code = exit_code_worse(code, settled(&options, one));
                if (files.count > 1)
                        printf("\n");
        }
        if (healers_store_failed())
                code = exit_code_worse(code, EXIT_IO_ERROR);
        if (files.count > 1 || ab_board_count(board) > 1)
                code = tell_board(&options, board, code);
        ab_board_destroy(board);
        scenario_files_release(&files);
        code = ledger_code(&ledger, code);
        ledger_close(&ledger);
        return code;
}
