/* explain_command.c - `chaos-run explain RESULT`: an incident as a story. */
#include <stdlib.h>

#include "harness/cli/commands.h"
#include "reports/explain.h"
#include "reports/verdict.h"

int command_explain(const struct options *options)
{
        struct stored_report stored;
        struct out_error error = {""};
        struct text story;
        char *journal;
        int code = EXIT_PASSED;

        if (options->words.count != 1) {
                fprintf(stderr,
                        "chaos-run: explain: which result? (a result.json or its folder)\n");
                return EXIT_INVALID;
        }
        if (!stored_report_read(options->words.items[0], &stored, &error)) {
                fprintf(stderr, "chaos-run: %s\n", error.message);
                return EXIT_INVALID;
        }
        text_init(&story);
        journal = out_path(stored.folder, "journal.jsonl");
        if (explain(&stored.report, journal, options->incident, &story, &error)) {
                printf("%s", text_bytes(&story));
        } else {
                fprintf(stderr, "chaos-run: explain: %s: %s\n", options->words.items[0],
                        error.message);
                code = EXIT_INVALID;
        }
        free(journal);
        text_release(&story);
        stored_report_release(&stored);
        return code;
}
