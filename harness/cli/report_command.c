/* report_command.c - `chaos-run report`: reports again, from stored results; of
 * several with --out, the trend over them. */
#include <stdlib.h>
#include <string.h>

#include "harness/cli/commands.h"
#include "reports/trends.h"
#include "reports/verdict.h"
#include "reports/writer.h"

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

int command_report(const struct options *options)
{
        int code = EXIT_PASSED;

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
