/* validate_command.c - `chaos-run validate`: all that is wrong, nothing is run. */
#include "harness/cli/commands.h"
#include "harness/scenario/scenario.h"
#include "reports/verdict.h"

int command_validate(const struct options *options)
{
        struct scenario_overrides overrides = {
                .vars = options->vars.items, .var_count = options->vars.count,
                .sets = options->sets.items, .set_count = options->sets.count,
                .strategy = options->strategies.count > 0 ? options->strategies.items[0] : NULL,
                .only = options->only.items, .only_count = options->only.count,
                .skip = options->skip.items, .skip_count = options->skip.count,
                .allow_paths = options->allow_paths.items,
                .allow_path_count = options->allow_paths.count,
        };
        int code = EXIT_PASSED;

        if (options->words.count == 0) {
                fprintf(stderr, "chaos-run: validate: which scenarios?\n");
                return EXIT_INVALID;
        }
        for (size_t i = 0; i < options->words.count; i++) {
                struct scenario *scenario = NULL;
                struct diag_list diags;

                diag_list_init(&diags);
                if (scenario_load(options->words.items[i], &overrides, &scenario, &diags))
                        printf("%s: valid\n", options->words.items[i]);
                else
                        code = EXIT_INVALID;
                diag_list_print(&diags, stderr);
                diag_list_release(&diags);
                scenario_free(scenario);
        }
        return code;
}
