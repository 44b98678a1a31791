/* run_command.c - `chaos-run SCENARIO...`: load, run, grade, write, say.
 *
 * Each scenario on its own, so that an invalid one does not stop the rest; the
 * worst exit code wins.
 * The results' folder is looked at before anything runs.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/cli/campaign.h"
#include "harness/cli/commands.h"
#include "harness/cli/env_overrides.h"
#include "harness/cli/healers.h"
#include "harness/cli/interrupt.h"
#include "harness/cli/ledger.h"
#include "harness/cli/notify.h"
#include "harness/cli/live.h"
#include "harness/cli/progress.h"
#include "harness/cli/run_facts.h"
#include "harness/cli/scenario_files.h"
#include "harness/run/plan.h"
#include "harness/run/reference.h"
#include "harness/run/run.h"
#include "harness/scenario/capacity.h"
#include "reports/floor.h"
#include "reports/grade.h"
#include "reports/learning.h"
#include "reports/verdict.h"
#include "reports/verdict_screen.h"
#include "reports/write_journal.h"
#include "reports/writer.h"

/* One scenario with one strategy. */
struct job {
        const struct options *options;
        struct ledger *ledger;
        struct campaign *campaign;
        const char *strategy; /* as it was asked for */
        struct scenario *scenario;
        struct run_meta *meta;
        struct text_pool *texts;
        struct grade *grade;
        struct progress progress;
        char *folder;
        uint32_t writer_set;
        bool journal_open;
        bool journal_all, journal_telemetry;
        bool grade_failed;
        struct run_meta *floor_metas[REFERENCE_COUNT]; /* with --floor, of the reference healers */
        struct grade *floor_grades[REFERENCE_COUNT];
        struct strategy cold; /* the same without what was learned, where it has that */
        bool has_cold;
        struct run_meta *cold_meta;
        struct grade *cold_grade;
        struct out_file journal;
        struct out_error error;
        struct run_facts facts;
        struct chosen_healer healer;
        struct env_overrides env;
        struct notify *notify; /* NULL: nobody is told */
};

/* The strategy, without what it learned, and the references. */
static uint32_t healer_count(const struct job *job)
{
        return 1 + job->has_cold + (job->options->floor ? REFERENCE_COUNT : 0);
}

static void take_replication(void *user, const struct replication_record *record)
{
        struct job *job = user;

        if (!grade_add(job->grade, record))
                job->grade_failed = true;
        else
                ledger_add(job->ledger, record, (const struct kept *[]){grade_latest(job->grade)});
        if (job->has_cold && !grade_add(job->cold_grade, &record[1]))
                job->grade_failed = true;
        for (size_t i = 0; job->options->floor && i < REFERENCE_COUNT; i++)
                if (!grade_add(job->floor_grades[i], &record[1 + job->has_cold + i]))
                        job->grade_failed = true;
        if (job->journal_open && (job->journal_all || record->replication == 0 ||
                                  job->options->has_replication))
                journal_add(&job->journal, job->meta, record);
        if (job->notify != NULL && (record->replication == 0 || job->options->has_replication))
                notify_add(job->notify, job->meta, record);
        run_facts_add(&job->facts, record, healer_count(job), job->scenario->warmup_ns);
}

static void take_progress(void *user, const struct run_progress *now)
{
        struct job *job = user;

        progress_show(&job->progress, now);
}

/* ---- what is written */

/* A screen, or a line where there are many. */
static void tell_verdict(const struct job *job, const struct report *report, const char *path,
                         int code)
{
        struct text screen;

        campaign_add(job->campaign, job->scenario->file, job->strategy,
                     job->scenario->matrix_name == NULL ? "" : job->scenario->matrix_name,
                     job->folder, code, report->result);
        if (job->campaign->brief)
                return;
        text_init(&screen);
        verdict_screen(report, path, screen_wants_colour(STDOUT_FILENO), &screen);
        floor_screen(report->result, &screen);
        learning_screen(report->result, &screen);
        screen_tell(&screen);
        text_release(&screen);
}

static int write_all(struct job *job, json_t *result)
{
        struct series series;
        struct value_table values;
        struct writers_result written = {0};
        struct writers_options options = {
                .folder = job->folder,
                .set = job->writer_set,
                .no_plots = job->options->no_plots ||
                            (job->scenario->outputs.has_plots && !job->scenario->outputs.plots),
                .fresh = true,
        };
        struct report report = {.result = result};
        json_t *facts = run_facts_json(&job->facts, job->options->jobs);
        int code = (int)json_integer_value(json_object_get(result, "exit_code"));
        bool written_ok;

        series_init(&series);
        value_table_init(&values);
        if (grade_series(job->grade, &series))
                report.series = &series;
        if (grade_replication_values(job->grade, &values))
                report.values = &values;
        report.run_facts = facts;
        written_ok = writers_run(&report, &options, &written, &job->error);
        if (written_ok && job->journal_open) {
                job->journal_open = false;
                written_ok = out_file_commit(&job->journal);
        }
        if (text_bytes(&written.notes)[0] != '\0')
                fprintf(stderr, "%s", text_bytes(&written.notes));
        if (!written_ok) {
                fprintf(stderr, "chaos-run: %s\n", job->error.message);
                code = exit_code_worse(code, EXIT_IO_ERROR);
        }
        tell_verdict(job, &report, written_ok ? written.report_path : NULL, code);
        ledger_end(job->ledger, &result, facts, interrupt_signal == 0 && written_ok);
        writers_result_release(&written);
        value_table_release(&values);
        series_release(&series);
        json_decref(facts);
        return code;
}

/* ---- the reference healers beside it */

static bool floor_begin(struct job *job)
{
        for (size_t i = 0; job->options->floor && i < REFERENCE_COUNT; i++) {
                const struct reference_row *row = &reference_rows[i];

                job->floor_metas[i] = run_meta_make(job->scenario, row->kind != REFERENCE_NONE,
                                                    row->title, "", CHAOS_VERSION);
                job->floor_grades[i] =
                        job->floor_metas[i] == NULL ? NULL : grade_create(job->floor_metas[i]);
                if (job->floor_grades[i] == NULL)
                        return false;
        }
        return true;
}

static bool floor_finish(struct job *job, json_t *result)
{
        struct floor_entry entries[REFERENCE_COUNT];

        if (!job->options->floor)
                return true;
        for (size_t i = 0; i < REFERENCE_COUNT; i++)
                entries[i] = (struct floor_entry){reference_rows[i].title, reference_rows[i].summary,
                                                  job->floor_grades[i],
                                                  reference_rows[i].kind == REFERENCE_ORACLE};
        return json_object_set_new(result, "floor",
                                   floor_json(job->grade, entries, REFERENCE_COUNT)) == 0;
}

/* ---- cold and warm */

/* Not with a database: it holds the records of the strategy alone, and what is
 * resumed has to end with the bytes of what was not. */
static bool cold_begin(struct job *job)
{
        const struct strategy *strategy = job->scenario->strategy;

        if (job->scenario->healer_kind == HEALER_EXEC || strategy == NULL ||
            strategy->learned == NULL || job->options->db != NULL)
                return true;
        job->cold = *strategy;
        job->cold.learned = NULL;
        job->cold.store.path = job->cold.store.ledger = NULL; /* records are kept of the strategy alone */
        job->has_cold = true;
        job->cold_meta = run_meta_make(job->scenario, job->healer.run.ops != NULL, strategy->name,
                                       "", CHAOS_VERSION);
        job->cold_grade = job->cold_meta == NULL ? NULL : grade_create(job->cold_meta);
        return job->cold_grade != NULL;
}

static bool cold_finish(struct job *job, json_t *result)
{
        return !job->has_cold ||
               json_object_set_new(result, "learning",
                                   learning_json(job->grade, job->cold_grade,
                                                 job->scenario->strategy->learned_digest)) == 0;
}

static void cold_release(struct job *job)
{
        grade_destroy(job->cold_grade);
        run_meta_free(job->cold_meta);
}

static void floor_release(struct job *job)
{
        for (size_t i = 0; i < REFERENCE_COUNT; i++) {
                grade_destroy(job->floor_grades[i]);
                run_meta_free(job->floor_metas[i]);
        }
}

/* ---- one job */

/* What was run before, by the database: its verdict again. */
static int tell_stored(const struct job *job)
{
        struct stored_report stored;
        struct out_error error = {""};
        bool read = job->campaign->brief ? stored_result_read(job->folder, &stored, &error)
                                         : stored_report_read(job->folder, &stored, &error);
        int code;

        if (!read) {
                fprintf(stderr, "chaos-run: %s\n", error.message);
                return EXIT_IO_ERROR;
        }
        fprintf(stderr, "chaos-run: %s: was run before, %s is left as it is\n",
                job->scenario->file, job->folder);
        code = (int)json_integer_value(json_object_get(stored.result, "exit_code"));
        tell_verdict(job, &stored.report, NULL, code);
        stored_report_release(&stored);
        return code;
}

/* Hands over what a database holds of it; `run` is then the rest. False when all
 * of it has ended. */
static bool resume_job(struct job *job, struct run_options *run)
{
        const struct run_meta *const metas[] = {job->meta};
        const char *const strategies[] = {job->strategy == NULL ? job->meta->healer_name
                                                                : job->strategy};
        const struct ledger_run entry = {.metas = metas,
                                         .strategies = strategies,
                                         .strategy_count = 1,
                                         .folder = job->folder,
                                         .first = run->first,
                                         .count = run->count,
                                         .rule = ""};
        uint32_t held;

        if (ledger_begin(job->ledger, &entry))
                return false;
        held = ledger_replay(job->ledger, job->texts, job, take_replication, NULL);
        if (held > 0)
                fprintf(stderr, "chaos-run: %s: going on after %u of %u replications\n",
                        job->scenario->file, held, run->count);
        run->first += held;
        run->count -= held;
        return true;
}

static int run_job(struct job *job)
{
        const struct options *options = job->options;
        struct run_healer healers[2 + REFERENCE_COUNT] = {job->healer.run};
        struct run_options run = {
                .scenario = job->scenario,
                .healers = healers,
                .healer_count = healer_count(job),
                .followers_from = 1,
                .shadows_to = 1 + job->has_cold,
                .attribute = options->attribute,
                .journal_telemetry = job->journal_telemetry,
                .texts = job->texts,
                .first = options->has_replication ? options->replication : 0,
                .count = options->has_replication ? 1 : job->scenario->replications,
                .jobs = options->jobs,
                .stop = &interrupt_signal,
                .user = job,
                .sink = take_replication,
                .progress = take_progress,
        };
        enum run_status status = RUN_OK;
        struct live *live = NULL;
        json_t *result;
        int code;

        if (!resume_job(job, &run))
                return tell_stored(job);
        if (job->has_cold)
                healers[1] = run_healer_of(&job->cold);
        for (size_t i = 0; i < REFERENCE_COUNT; i++)
                healers[1 + job->has_cold + i] = run_healer_of_reference(&reference_rows[i]);
        if (options->live) {
                live = live_create(job->scenario, options->live_speed, &interrupt_signal);
                run.watch = live_watch;
                run.watch_user = live;
                if (live == NULL) {
                        fprintf(stderr, "chaos-run: %s: out of memory\n", job->scenario->file);
                        return EXIT_INTERNAL;
                }
        }
        progress_begin(&job->progress, job->scenario->file, options->quiet || options->live);
        if (run.count > 0)
                status = run_scenario(&run);
        progress_end(&job->progress);
        live_destroy(live);
        job->facts.simulated_s = fmax(wall_s() - job->facts.started_s, 0);
        if (options->verbose)
                fprintf(stderr, "chaos-run: %s: %.0f requests, %.0f events, %.0f virtual s in %.1f s\n",
                        job->scenario->file, (double)job->facts.requests, (double)job->facts.events,
                        job->facts.virtual_s, job->facts.simulated_s);
        if (status == RUN_NO_MEMORY || job->grade_failed) {
                fprintf(stderr, "chaos-run: %s: out of memory\n", job->scenario->file);
                return EXIT_INTERNAL;
        }
        if (status == RUN_INTERRUPTED)
                grade_interrupt(job->grade, interrupt_exit_code());
        result = grade_result(job->grade);
        if (result == NULL || !floor_finish(job, result) || !cold_finish(job, result)) {
                fprintf(stderr, "chaos-run: %s: out of memory\n", job->scenario->file);
                return EXIT_INTERNAL;
        }
        code = write_all(job, result);
        if (healers_store_failed())
                code = exit_code_worse(code, EXIT_IO_ERROR);
        json_decref(result);
        return code;
}

static int job_begin(struct job *job)
{
        const struct outputs_spec *outputs = &job->scenario->outputs;
        const char *journal = job->options->journal != NULL ? job->options->journal : outputs->journal;

        run_facts_begin(&job->facts);
        job->writer_set = writers_default();
        if (job->options->format != NULL &&
            !writers_parse(job->options->format, &job->writer_set, &job->error)) {
                fprintf(stderr, "chaos-run: --format: %s\n", job->error.message);
                return EXIT_INVALID;
        }
        if (job->options->format == NULL && outputs->format != NULL &&
            !writers_parse(outputs->format, &job->writer_set, &job->error))
                return outputs_check(job->scenario);
        if (!writers_check_folder(job->folder, &job->error) ||
            !out_folder_make(job->folder, &job->error)) {
                fprintf(stderr, "chaos-run: %s\n", job->error.message);
                return EXIT_IO_ERROR;
        }
        healer_choose(job->scenario, job->options->db, &job->healer);
        job->meta = run_meta_make(job->scenario, job->healer.run.ops != NULL, job->healer.name,
                                  job->env.count > 0 ? job->env.digest : job->healer.digest,
                                  CHAOS_VERSION);
        if (job->meta != NULL) {
                job->meta->override_names = job->env.names;
                job->meta->override_values = job->env.values;
                job->meta->override_count = job->env.count;
        }
        job->grade = job->meta == NULL ? NULL : grade_create(job->meta);
        job->texts = text_pool_create();
        if (job->grade == NULL || job->texts == NULL || !floor_begin(job) || !cold_begin(job)) {
                fprintf(stderr, "chaos-run: out of memory\n");
                return EXIT_INTERNAL;
        }
        job->journal_all = journal != NULL && strcmp(journal, "all") == 0;
        job->journal_telemetry = journal != NULL && strcmp(journal, "telemetry") == 0;
        if ((job->writer_set & WRITER_BIT(WRITER_JOURNAL)) == 0 ||
            (journal != NULL && strcmp(journal, "none") == 0))
                return EXIT_PASSED;
        if (!journal_begin(&job->journal, job->folder, &job->error)) {
                fprintf(stderr, "chaos-run: %s\n", job->error.message);
                return EXIT_IO_ERROR;
        }
        job->journal_open = true;
        return EXIT_PASSED;
}

static bool has_tag(const struct scenario *scenario, const struct text_list *wanted)
{
        for (size_t i = 0; i < wanted->count; i++)
                for (size_t k = 0; k < scenario->tag_count; k++)
                        if (strcmp(wanted->items[i], scenario->tags[k]) == 0)
                                return true;
        return wanted->count == 0;
}

/* Reads one combination of the matrix and looks whether it may run. */
static int load_job(struct job *job, const char *path, const char *strategy, uint32_t index)
{
        const struct options *options = job->options;
        struct scenario_overrides overrides = overrides_of(options, strategy, index);
        struct diag_list diags;
        bool ok;

        diag_list_init(&diags);
        ok = scenario_load(path, &overrides, &job->scenario, &diags) &&
             plan_check_safety(job->scenario,
                               options->has_replication ? options->replication : 0,
                               options->has_replication ? 1 : job->scenario->replications,
                               options->approve ? PLAN_TO_RUN_APPROVED : PLAN_TO_RUN, &diags);
        diag_list_print(&diags, stderr);
        diag_list_release(&diags);
        ok = ok && (!options->env || env_overrides_take(job->scenario, &job->env, stderr));
        if (ok && (options->strategies.count == 0 || strategy == options->strategies.items[0]))
                capacity_warn(&job->scenario->fleet, path, stderr);
        return ok ? EXIT_PASSED : EXIT_INVALID;
}

/* The run, and with --notify the channels of its strategy. */
static int run_and_tell(struct job *job)
{
        bool failed = false;
        int code;

        if (job->options->notify)
                job->notify = notify_create(job->scenario->strategy, &failed);
        if (failed)
                return EXIT_INVALID;
        code = run_job(job);
        if (job->notify != NULL && !notify_send(job->notify, job->scenario->file))
                code = exit_code_worse(code, EXIT_IO_ERROR);
        notify_destroy(job->notify);
        return code;
}

/* One combination of the matrix; `*count` becomes the number of them. */
static int run_one(const struct options *options, struct ledger *ledger,
                   struct campaign *campaign, const char *path, const char *strategy,
                   uint32_t index, bool many, uint32_t *count)
{
        struct job job = {
                .options = options, .ledger = ledger, .campaign = campaign, .strategy = strategy};
        size_t told = campaign->runs;
        int code = load_job(&job, path, strategy, index);
        bool is_wanted = true;

        if (job.scenario == NULL)
                goto done;
        *count = job.scenario->matrix_count;
        if (!campaign_widen(campaign, options, job.scenario->matrix_count)) {
                code = EXIT_IO_ERROR;
                goto done;
        }
        is_wanted = code != EXIT_PASSED || has_tag(job.scenario, &options->tags);
        if (code != EXIT_PASSED || !is_wanted)
                goto done;
        job.folder = scenario_folder(options, job.scenario,
                                     options->strategies.count > 1 ? strategy : NULL, many);
        if (job.folder == NULL)
                goto done;
        code = scenario_folder_claim(job.folder, path) ? job_begin(&job) : EXIT_INVALID;
        if (code == EXIT_PASSED)
                code = run_and_tell(&job);
done:
        if (is_wanted && campaign->runs == told) /* it came to no verdict */
                campaign_add(campaign, job.scenario != NULL ? job.scenario->file : path, strategy, "",
                             "", code, NULL);
        if (job.journal_open)
                out_file_abandon(&job.journal);
        ledger_leave(ledger);
        grade_destroy(job.grade);
        floor_release(&job);
        cold_release(&job);
        text_pool_destroy(job.texts);
        run_meta_free(job.meta);
        free(job.folder);
        scenario_free(job.scenario);
        return code;
}

static int run_file(const struct options *options, struct ledger *ledger,
                    struct campaign *campaign, const char *path, const char *strategy, bool many)
{
        uint32_t count = 1;
        int code = EXIT_PASSED;

        for (uint32_t i = 0; i < count && interrupt_signal == 0; i++)
                code = exit_code_worse(
                        code, run_one(options, ledger, campaign, path, strategy, i, many, &count));
        return code;
}

static bool choices_are_known(const struct options *options)
{
        if (options->resume && (options->floor || options->attribute)) {
                fprintf(stderr, "chaos-run: --resume: a database does not hold what %s needs\n",
                        options->floor ? "--floor" : "--attribute");
                return false;
        }
        if (options->journal != NULL && strcmp(options->journal, "first") != 0 &&
            strcmp(options->journal, "all") != 0 && strcmp(options->journal, "none") != 0 &&
            strcmp(options->journal, "telemetry") != 0) {
                fprintf(stderr, "chaos-run: --journal: '%s' is none of first, all, telemetry, none\n",
                        options->journal);
                return false;
        }
        if (options->live_speed > 0 && !options->live) {
                fprintf(stderr, "chaos-run: --live-speed: is for --live\n");
                return false;
        }
        if (options->inconclusive != NULL && strcmp(options->inconclusive, "pass") != 0 &&
            strcmp(options->inconclusive, "fail") != 0) {
                fprintf(stderr, "chaos-run: --inconclusive: '%s' is neither pass nor fail\n",
                        options->inconclusive);
                return false;
        }
        return true;
}

static int settled(const struct options *options, int code)
{
        if (code != EXIT_INCONCLUSIVE || options->inconclusive == NULL)
                return code;
        return strcmp(options->inconclusive, "pass") == 0 ? EXIT_PASSED : EXIT_FAILED;
}

int command_run(const struct options *given)
{
        struct options options = *given;
        struct scenario_files files = {0};
        struct ledger ledger;
        struct campaign campaign;
        size_t strategies = given->strategies.count > 0 ? given->strategies.count : 1;
        int code;

        if (!choices_are_known(&options))
                return EXIT_INVALID;
        if (options.jobs == 0) {
                long processors = sysconf(_SC_NPROCESSORS_ONLN);

                options.jobs = processors < 1 ? 1 : processors > 64 ? 64 : (uint32_t)processors;
        }
        code = ledger_open(&ledger, &options);
        if (code != EXIT_PASSED)
                return code;
        interrupt_watch();
        code = scenario_files_list(&options, &files);
        if (!campaign_begin(&campaign, &options, files.count * strategies)) {
                scenario_files_release(&files);
                ledger_close(&ledger);
                return EXIT_IO_ERROR;
        }
        for (size_t i = 0; i < files.count && interrupt_signal == 0; i++) {
                for (size_t s = 0; s < strategies && interrupt_signal == 0; s++) {
                        const char *strategy =
                                options.strategies.count > 0 ? options.strategies.items[s] : NULL;
                        int one = settled(&options, run_file(&options, &ledger, &campaign,
                                                             files.paths[i], strategy,
                                                             files.count > 1));

                        code = exit_code_worse(code, one);
                }
        }
        scenario_files_release(&files);
        code = campaign_end(&campaign, code);
        code = ledger_code(&ledger, code);
        ledger_close(&ledger);
        return code;
}
