/* import_command.c - `chaos-run import FILE`: the scenario on stdout, what was left
 * out on stderr. */
#include "harness/cli/commands.h"
#include "harness/cli/printable.h"
#include "harness/scenario/import.h"
#include "reports/verdict.h"

int command_import(const struct options *options)
{
        struct imported imported = {0};
        struct diag_list diags;
        int code = EXIT_INVALID;

        if (options->words.count != 1) {
                fprintf(stderr, "chaos-run: import: one file at a time: an experiment of Chaos Toolkit "
                                "or the proxies of toxiproxy\n");
                return EXIT_INVALID;
        }
        diag_list_init(&diags);
        if (import_read(options->words.items[0], &imported, &diags)) {
                printable_json(imported.scenario, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
                printf("\n");
                for (size_t i = 0; i < json_array_size(imported.left_out); i++)
                        fprintf(stderr, "left out: %s\n",
                                json_string_value(json_array_get(imported.left_out, i)));
                code = EXIT_PASSED;
        }
        diag_list_print(&diags, stderr);
        diag_list_release(&diags);
        imported_release(&imported);
        return code;
}
