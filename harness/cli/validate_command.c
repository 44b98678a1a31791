/* validate_command.c - `chaos-run validate`: all that is wrong, nothing is run. */
#include <string.h>

#include "harness/cli/commands.h"
#include "harness/cli/scenario_files.h"
#include "harness/run/plan.h"
#include "harness/scenario/capacity.h"
#include "reports/verdict.h"

/* Whether another combination has said the same already. */
static bool is_news(const struct diag_list *before, const struct diag_list *diags)
{
        if (before->count != diags->count)
                return true;
        for (size_t i = 0; i < diags->count; i++)
                if (strcmp(before->items[i].text, diags->items[i].text) != 0 ||
                    before->items[i].line != diags->items[i].line)
                        return true;
        return false;
}

/* Reads one combination of the matrix and prints what is wrong with it, unless
 * that was said of the one before. */
static int validate_one(const struct options *options, const char *path, uint32_t index,
                        uint32_t *count, struct diag_list *said)
{
        struct scenario_overrides overrides = overrides_of(
                options, options->strategies.count > 0 ? options->strategies.items[0] : NULL, index);
        struct scenario *scenario = NULL;
        struct diag_list diags;
        int code = EXIT_INVALID;

        diag_list_init(&diags);
        if (scenario_load(path, &overrides, &scenario, &diags)) {
                *count = scenario->matrix_count;
                if (index == 0)
                        capacity_warn(&scenario->fleet, path, stderr);
                code = outputs_check(scenario);
                if (!plan_check_safety(scenario, 0, scenario->replications, PLAN_TO_READ, &diags))
                        code = EXIT_INVALID;
        }
        if (is_news(said, &diags))
                diag_list_print(&diags, stderr);
        diag_list_release(said);
        *said = diags;
        scenario_free(scenario);
        return code;
}

static int validate_file(const struct options *options, const char *path)
{
        struct diag_list said;
        uint32_t count = 1;
        int code = EXIT_PASSED;

        diag_list_init(&said);
        for (uint32_t i = 0; i < count; i++)
                code = exit_code_worse(code, validate_one(options, path, i, &count, &said));
        diag_list_release(&said);
        if (code == EXIT_PASSED && count > 1)
                printf("%s: valid, all %u combinations\n", path, count);
        else if (code == EXIT_PASSED)
                printf("%s: valid\n", path);
        return code;
}

int command_validate(const struct options *options)
{
        int code = EXIT_PASSED;

        if (options->words.count == 0) {
                fprintf(stderr, "chaos-run: validate: which scenarios?\n");
                return EXIT_INVALID;
        }
        for (size_t i = 0; i < options->words.count; i++)
                code = exit_code_worse(code, validate_file(options, options->words.items[i]));
        return code;
}
