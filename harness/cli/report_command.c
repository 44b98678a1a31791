/* report_command.c - `chaos-run report`: reports again, from stored results; of
 * several with --out, the trend over them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/quantity.h"
#include "harness/cli/commands.h"
#include "reports/analytics.h"
#include "reports/database.h"
#include "reports/trends.h"
#include "reports/verdict.h"
#include "reports/writer.h"

static bool parse_time(const char *option, const char *text, double fallback_s, double *out)
{
        struct quantity_error error;
        int64_t ns;

        *out = fallback_s;
        if (text == NULL)
                return true;
        if (!quantity_duration(text, &ns, &error)) {
                fprintf(stderr, "chaos-run: --%s: '%s' is no time like \"2m30s\"\n", option, text);
                return false;
        }
        *out = (double)ns / 1e9;
        return true;
}

/* Replaces the analytics by those of the time that was asked for. */
static int narrow(const struct options *options, struct stored_report *stored)
{
        double from_s, to_s;
        json_t *analytics;

        if (options->from == NULL && options->to == NULL)
                return EXIT_PASSED;
        if (options->out == NULL) {
                fprintf(stderr, "chaos-run: --from and --to want --out DIR, as the result they are "
                                "taken from is left as it is\n");
                return EXIT_INVALID;
        }
        if (!parse_time("from", options->from, 0, &from_s) ||
            !parse_time("to", options->to, result_number(stored->result, "scenario.duration"),
                        &to_s))
                return EXIT_INVALID;
        if (!(to_s > from_s)) {
                fprintf(stderr, "chaos-run: --to is not after --from\n");
                return EXIT_INVALID;
        }
        analytics = analytics_of_range(stored->result, from_s, to_s);
        if (analytics == NULL) {
                fprintf(stderr, "chaos-run: %s: no analytics can be made of this result\n",
                        stored->folder);
                return EXIT_INVALID;
        }
        json_object_set_new(stored->result, "analytics", analytics);
        return EXIT_PASSED;
}

static int report_one(const struct options *options, const char *path)
{
        struct stored_report stored;
        struct out_error error = {""};
        struct writers_result written = {0};
        struct writers_options how = {.set = writers_default(), .no_plots = options->no_plots};
        int code = EXIT_PASSED;

        if (options->format != NULL && !writers_parse(options->format, &how.set, &error)) {
                fprintf(stderr, "chaos-run: --format: %s\n", error.message);
                return EXIT_INVALID;
        }
        if (!stored_report_read(path, &stored, &error)) {
                fprintf(stderr, "chaos-run: %s\n", error.message);
                return EXIT_INVALID;
        }
        code = narrow(options, &stored);
        if (code != EXIT_PASSED) {
                stored_report_release(&stored);
                return code;
        }
        how.folder = options->out != NULL ? options->out : stored.folder;
        if (!writers_check_folder(how.folder, &error) ||
            !writers_run(&stored.report, &how, &written, &error)) {
                fprintf(stderr, "chaos-run: %s\n", error.message);
                code = EXIT_IO_ERROR;
        } else {
                fprintf(stderr, "%s", text_bytes(&written.notes));
                if (written.report_path != NULL)
                        printf("%s\n", written.report_path);
        }
        writers_result_release(&written);
        stored_report_release(&stored);
        return code;
}

/* Several results: each again where it lies, and the trend over all of them. */
static int report_trends(const struct options *options)
{
        size_t count = options->words.count, read = 0;
        struct stored_report *stored = calloc(count, sizeof(*stored));
        const struct report **reports = calloc(count, sizeof(*reports));
        struct writers_options how = {.folder = options->out, .no_plots = options->no_plots};
        struct writers_result written = {0};
        struct out_error error = {""};
        int code = EXIT_INVALID;

        if (stored == NULL || reports == NULL) {
                fprintf(stderr, "chaos-run: out of memory\n");
                code = EXIT_INTERNAL;
                goto done;
        }
        for (; read < count; read++) {
                if (!stored_report_read(options->words.items[read], &stored[read], &error)) {
                        fprintf(stderr, "chaos-run: %s\n", error.message);
                        goto done;
                }
                reports[read] = &stored[read].report;
        }
        if (!out_folder_make(how.folder, &error) ||
            !trends_write(reports, options->words.items, count, &how, &written, &error)) {
                fprintf(stderr, "chaos-run: %s\n", error.message);
                code = EXIT_IO_ERROR;
                goto done;
        }
        fprintf(stderr, "%s", text_bytes(&written.notes));
        if (written.report_path != NULL)
                printf("%s\n", written.report_path);
        code = EXIT_PASSED;
done:
        writers_result_release(&written);
        for (size_t i = 0; i < read; i++)
                stored_report_release(&stored[i]);
        free(reports);
        free(stored);
        return code;
}

/* The trend over all runs in a database. */
static int report_database(const struct options *options)
{
        struct writers_options how = {.folder = options->out == NULL ? "chaos-results/trends"
                                                                     : options->out,
                                      .no_plots = options->no_plots};
        struct writers_result written = {0};
        struct database *database = NULL;
        struct out_error error = {""};
        struct report *entries = NULL;
        const struct report **reports = NULL;
        const char **names = NULL;
        json_t *results = NULL;
        size_t count = 0;
        int code = EXIT_IO_ERROR;

        if (access(options->db, F_OK) != 0) {
                fprintf(stderr, "chaos-run: --db: %s: %s\n", options->db, strerror(errno));
                return EXIT_INVALID;
        }
        if (database_open_to_read(options->db, &database, &error))
                results = database_results(database, &error);
        if (results == NULL)
                goto done;
        count = json_array_size(results);
        if (count == 0) {
                fprintf(stderr, "chaos-run: --db: %s: no run in it has ended\n", options->db);
                code = EXIT_INVALID;
                goto done;
        }
        entries = calloc(count, sizeof(*entries));
        reports = calloc(count, sizeof(*reports));
        names = calloc(count, sizeof(*names));
        if (entries == NULL || reports == NULL || names == NULL) {
                out_error_set(&error, "out of memory");
                goto done;
        }
        for (size_t i = 0; i < count; i++) {
                entries[i].result = json_array_get(results, i);
                entries[i].run_facts = json_object_get(entries[i].result, "run_facts");
                reports[i] = &entries[i];
                names[i] = result_text(entries[i].result, "name");
        }
        if (!out_folder_make(how.folder, &error) ||
            !trends_write(reports, names, count, &how, &written, &error))
                goto done;
        fprintf(stderr, "%s", text_bytes(&written.notes));
        if (written.report_path != NULL)
                printf("%s\n", written.report_path);
        code = EXIT_PASSED;
done:
        if (code == EXIT_IO_ERROR)
                fprintf(stderr, "chaos-run: %s\n", error.message);
        writers_result_release(&written);
        free(entries);
        free(reports);
        free(names);
        json_decref(results);
        database_close(database);
        return code;
}

int command_report(const struct options *options)
{
        int code = EXIT_PASSED;

        if (options->db != NULL && options->words.count > 0) {
                fprintf(stderr, "chaos-run: report: results or --db, not both\n");
                return EXIT_INVALID;
        }
        if (options->db != NULL)
                return report_database(options);
        if (options->words.count == 0) {
                fprintf(stderr, "chaos-run: report: which result? (a result.json or its folder)\n");
                return EXIT_INVALID;
        }
        if (options->words.count > 1 && options->out != NULL)
                return report_trends(options);
        for (size_t i = 0; i < options->words.count; i++)
                code = exit_code_worse(code, report_one(options, options->words.items[i]));
        return code;
}
