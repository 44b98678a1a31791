/* main.c - chaos-run: which command, which options.
 *
 * Not here: what commands do (one file each), what options there are
 * (options.c).
 */
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/nearest.h"
#include "harness/cli/commands.h"
#include "reports/verdict.h"

#define EXIT_CODES                                                                          \
        "exit codes\n"                                                                      \
        "  0 passed          1 failed           2 invalid input, nothing ran\n"             \
        "  3 gate failed     4 not effective    5 stopped by a stop condition\n"            \
        "  6 regression      7 inconclusive     70 broken invariant of ours\n"              \
        "  74 results could not be written      130, 143 interrupted\n"

const struct command commands[] = {
        {"", "SCENARIO.json|DIR ...", "run scenarios and grade the healing",
         "A directory stands for its own *.json. Results, plots and report go to\n"
         "chaos-results/<scenario>/; the verdict is printed, the worst exit code wins.\n",
         ON_RUN, command_run},
        {"validate", "SCENARIO.json ...", "all errors of scenarios; nothing is run", NULL, ON_VALIDATE,
         command_validate},
        {"list", "faults|metrics|actions|strategies|writers", "catalogues with units, ranges, defaults",
         NULL, ON_LIST, command_list},
        {"report", "RESULT ...", "write reports again from stored results", NULL, ON_REPORT,
         command_report},
        {"replay", "TELEMETRY.csv|DIR ...", "the healer's detectors over recorded telemetry", NULL,
         ON_REPLAY, command_replay},
        {"stats", "METHOD < numbers.json", "one statistical method by hand",
         "Without METHOD: the methods there are.\n", ON_STATS, command_stats},
};

const size_t command_count = sizeof(commands) / sizeof(commands[0]);

bool stdout_flush(void)
{
        if (fflush(stdout) == 0 && !ferror(stdout))
                return true;
        fprintf(stderr, "chaos-run: standard output could not be written\n");
        return false;
}

static int flushed(int code)
{
        return stdout_flush() ? code : exit_code_worse(code, EXIT_IO_ERROR);
}

static int print_version(void)
{
        printf("chaos-run %s\n", CHAOS_VERSION);
        printf("built with %s, %s; log, exp and pow are our own: same seed, same bytes\n",
#if defined(__clang__)
               "clang " __clang_version__,
#else
               "gcc " __VERSION__,
#endif
#if defined(__OPTIMIZE__)
               "optimised"
#else
               "not optimised"
#endif
        );
        return flushed(EXIT_PASSED);
}

static int print_help(const struct command *command)
{
        if (command->name[0] != '\0') {
                printf("usage: chaos-run %s %s\n\n%s\n", command->name, command->usage,
                       command->summary);
                if (command->more != NULL)
                        printf("%s", command->more);
                printf("\noptions\n");
                options_help(command->options, stdout);
                return flushed(EXIT_PASSED);
        }
        printf("usage: chaos-run %s\n", command->usage);
        for (size_t i = 1; i < command_count; i++)
                printf("       chaos-run %s %s\n", commands[i].name, commands[i].usage);
        printf("\nDoes the self-healing work, and which strategy works better? Injects faults into a\n"
               "simulated fleet that a healing stack drives, and measures the truth from outside.\n\n");
        for (size_t i = 0; i < command_count; i++)
                printf("  %-10s %s\n", i == 0 ? "(none)" : commands[i].name, commands[i].summary);
        printf("\noptions of a run (for those of a command: chaos-run COMMAND --help)\n");
        options_help(command->options, stdout);
        printf("\n" EXIT_CODES);
        return flushed(EXIT_PASSED);
}

static const struct command *find_command(struct options *options)
{
        const char *word = options->words.count > 0 ? options->words.items[0] : "";

        for (size_t i = 1; i < command_count; i++) {
                if (strcmp(commands[i].name, word) != 0)
                        continue;
                options->words.count--;
                memmove(options->words.items, options->words.items + 1,
                        options->words.count * sizeof(*options->words.items));
                return &commands[i];
        }
        return &commands[0];
}

int main(int argc, char **argv)
{
        const struct command *command;
        struct options options;
        int code = EXIT_INVALID;

        signal(SIGPIPE, SIG_IGN); /* a closed stdout is an error of writing: 74 */
        if (!options_parse(argc, argv, &options, stderr))
                goto done;
        command = find_command(&options);
        if (options.version) {
                code = print_version();
        } else if (options.help) {
                code = print_help(command);
        } else if (command == &commands[0] && options.words.count == 0) {
                fprintf(stderr, "chaos-run: no scenario named; try `chaos-run scenarios/latency.json` "
                                "or chaos-run --help\n");
        } else if (options_fit(&options, argc, argv, command->options,
                               command->name[0] == '\0' ? "run" : command->name, stderr)) {
                code = flushed(command->run(&options));
        }
done:
        options_release(&options);
        return code;
}
