/* stats_command.c - `chaos-run stats METHOD < numbers.json`. */
#include "harness/cli/commands.h"
#include "harness/cli/printable.h"
#include "reports/stats/method_table.h"
#include "reports/verdict.h"

static int list_methods(void)
{
        for (size_t i = 0; stats_method_at(i) != NULL; i++) {
                const struct stats_method *method = stats_method_at(i);

                printf("%-22s %s\n", method->name, method->summary);
                for (size_t k = 0; method->fields[k] != NULL; k++)
                        printf("    %-18s %s%s%s\n", method->fields[k]->name, method->fields[k]->summary,
                               method->fields[k]->default_text == NULL ? "" : "; default ",
                               method->fields[k]->default_text == NULL
                                       ? ""
                                       : method->fields[k]->default_text);
        }
        return EXIT_PASSED;
}

int command_stats(const struct options *options)
{
        json_error_t wrong;
        char message[512];
        json_t *input, *answer = NULL;
        int code = EXIT_INVALID;

        if (options->words.count == 0)
                return list_methods();
        if (options->words.count > 1) {
                fprintf(stderr, "chaos-run: stats: one method at a time; numbers come on standard input\n");
                return EXIT_INVALID;
        }
        input = json_loadf(stdin, JSON_REJECT_DUPLICATES, &wrong);
        if (input == NULL) {
                fprintf(stderr, "chaos-run: stats: standard input:%d:%d: %s\n", wrong.line,
                        wrong.column, wrong.text);
                return EXIT_INVALID;
        }
        if (stats_method_run(options->words.items[0], input, &answer, message, sizeof(message)) == 0) {
                printable_json(answer, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
                printf("\n");
                code = EXIT_PASSED;
        } else {
                fprintf(stderr, "chaos-run: stats: %s\n", message);
        }
        json_decref(answer);
        json_decref(input);
        return code;
}
