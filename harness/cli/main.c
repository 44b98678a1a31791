/* main.c - chaos-run: which command, which options.
 *
 * Not here: what commands do (one file each), what options there are
 * (options.c).
 */
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/memory.h"
#include "harness/base/nearest.h"
#include "harness/cli/commands.h"
#include "harness/cli/env_overrides.h"
#include "harness/cli/log.h"
#include "harness/cli/printable.h"
#include "reports/text.h"
#include "reports/verdict.h"

const char help_exit_codes[] =
        "  0 passed          1 failed           2 invalid input, nothing ran\n"
        "  3 gate failed     4 not effective    5 stopped by a stop condition\n"
        "  6 regression      7 inconclusive     70 internal, or out of memory\n"
        "  74 results could not be written      130, 143 interrupted\n";

const char help_purpose[] =
        "Does the self-healing work, and which strategy works better? Injects faults into a\n"
        "simulated fleet that a healing stack drives, and measures the truth from outside.\n";

const struct command commands[] = {
        {"", "SCENARIO.json|DIR ...", "run scenarios and grade the healing",
         "A directory stands for its own *.json. Results, plots and report go to\n"
         "chaos-results/<scenario>/; the verdict is printed, the worst exit code wins. Several runs\n"
         "end in campaign.csv, a line a run; an invalid scenario does not stop the others.\n",
         ON_RUN, command_run},
        {"ab", "SCENARIO.json|DIR ... --a S --b S [--c S ...]", "is strategy B better than A?",
         "All strategies on the same replications, until it is decided or at analysis.max_runs\n"
         "(300). Exit 6: B is worse on the primary metric or a guardrail; 7: not decided.\n"
         "Results go to chaos-results/<scenario>-ab/: those of A, with the comparison in `ab`.\n",
         ON_AB, command_ab},
        {"validate", "SCENARIO.json ...", "all errors of scenarios; nothing is run", NULL, ON_VALIDATE,
         command_validate},
        {"plan", "SCENARIO.json", "what will happen and to whom; nothing is run",
         "Everything that the seed decides, for one replication (the first). With --json the\n"
         "faults are entries of a `method` with their chance settled, ready to paste.\n",
         ON_PLAN, command_plan},
        {"init", "[NAME]", "a small scenario to start from, with notes",
         "Writes NAME.json (scenario.json); a file that is there is left alone.\n", ON_INIT,
         command_init},
        {"import", "FILE", "an experiment of Chaos Toolkit or proxies of toxiproxy as a scenario",
         "The scenario goes to stdout, what has no meaning here and was left out to stderr.\n",
         ON_IMPORT, command_import},
        {"list", "faults|metrics|actions|strategies|writers|scenarios [DIR]",
         "catalogues with units, ranges, defaults",
         "Scenarios are those of DIR, else those that were installed.\n", ON_LIST, command_list},
        {"report", "RESULT ...|--db FILE", "write reports again from stored results",
         "Several results with --out, or --db: trends.html, how the figures went from run to run.\n", ON_REPORT,
         command_report},
        {"explain", "RESULT [--incident N]", "one incident told in order, with times",
         "RESULT is a result.json or its folder. Without --incident: a list of incidents, and\n"
         "the worst of them. Alarms and diagnoses are in the journal beside the result.\n",
         ON_EXPLAIN, command_explain},
        {"replay", "TELEMETRY.csv|DIR ...", "the healer's detectors over recorded telemetry", NULL,
         ON_REPLAY, command_replay},
        {"train", "SCENARIO.json|DIR ... --out STATE.json", "learns from simulated runs",
         "A healer watches and does nothing; what it learns (patterns, how far predictions come\n"
         "true, situations, a small model) is the `initial_state` of a strategy. 20 runs of each\n"
         "scenario on other seeds than those of a plain run, unless --seed or --runs. With\n"
         "--curve DIR what is known after each scenario, in this order, is graded on all of them\n"
         "beside the same healer cold: the learning curve (curve.json, curve.csv, curve.md).\n",
         ON_TRAIN, command_train},
        {"healer", "[STRATEGY]", "libhealer as a program, spoken to a line at a time",
         "Reads what happened on stdin and answers on stdout, as any healer does that is run by\n"
         "--strategy \"exec:CMD ARG ...\": README.md, \"Bring your own healer\".\n",
         ON_HEALER, command_healer},
        {"stats", "METHOD < numbers.json", "one statistical method by hand",
         "Without METHOD: the methods there are.\n", ON_STATS, command_stats},
        {"__words", "", NULL, NULL, ON_WORDS, command_words},
};

const size_t command_count = sizeof(commands) / sizeof(commands[0]);

bool stdout_flush(void)
{
        static bool said;
        FILE *past = printable_bypass();

        if (fflush(stdout) == 0 && !ferror(stdout) && fflush(past) == 0 && !ferror(past))
                return true;
        if (!said)
                fprintf(stderr, "chaos-run: standard output could not be written\n");
        said = true;
        return false;
}

/* Its colours are our own; all else in it was made plain when it was written. */
void screen_tell(const struct text *screen)
{
        if (memory_ran_out() || !stdout_flush())
                return;
        fputs(text_bytes(screen), printable_bypass());
        (void)stdout_flush();
}

static int flushed(int code)
{
        return stdout_flush() ? code : exit_code_worse(code, EXIT_IO_ERROR);
}

#if defined(__clang__)
#define BUILT_WITH "clang " __clang_version__
#else
#define BUILT_WITH "gcc " __VERSION__
#endif
#if defined(__OPTIMIZE__)
#define BUILT_HOW "optimised"
#else
#define BUILT_HOW "not optimised"
#endif

static int print_version(void)
{
        printf("chaos-run %s\n", CHAOS_VERSION);
        printf("built with " BUILT_WITH ", " BUILT_HOW
               "; log, exp and pow are our own: same seed, same bytes\n");
        return flushed(EXIT_PASSED);
}

static int print_help(const struct command *command)
{
        if (command->name[0] != '\0' && command->summary != NULL) {
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
                if (commands[i].summary != NULL)
                        printf("       chaos-run %s %s\n", commands[i].name, commands[i].usage);
        printf("\n%s\n", help_purpose);
        for (size_t i = 0; i < command_count; i++)
                if (commands[i].summary != NULL)
                        printf("  %-10s %s\n", i == 0 ? "(none)" : commands[i].name, commands[i].summary);
        printf("\noptions of a run (for those of a command: chaos-run COMMAND --help)\n");
        options_help(command->options, stdout);
        printf("\nenvironment\n%s", env_overrides_help);
        printf("\nexit codes\n%s", help_exit_codes);
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

/* Of a machine on which no fault may ever be started. It comes from outside, so that
 * nothing in a scenario, and no option, goes around it. */
static bool is_switched_off(const struct command *command)
{
        const char *value = getenv("CHAOS_RUN_OFF");

        if (value == NULL || *value == '\0' || strcmp(value, "0") == 0 ||
            (command->options & (ON_RUN | ON_AB | ON_TRAIN)) == 0)
                return false;
        fprintf(stderr, "chaos-run: CHAOS_RUN_OFF is set: no fault is started on this machine, whatever "
                        "a scenario or an option says; `plan` and `validate` work\n");
        return true;
}

/* Nothing that was made since can be trusted, whatever the command says. */
static int with_memory(int code)
{
        if (!memory_ran_out())
                return code;
        fprintf(stderr, "chaos-run: out of memory; what was not finished is not written\n");
        return exit_code_worse(code, EXIT_INTERNAL);
}

/* A file of ours would get the number of a standard stream that is closed, and what is printed
 * would go into it. What stands there instead can only be used the wrong way: an error as before. */
static void fill_closed_streams(void)
{
        for (int fd = 0; fd <= STDERR_FILENO; fd++)
                if (fcntl(fd, F_GETFD) < 0)
                        (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

int main(int argc, char **argv)
{
        const struct command *command;
        struct options options;
        int code = EXIT_INVALID;

        fill_closed_streams();
        memory_watch_json();
        printable_begin();
        signal(SIGPIPE, SIG_IGN); /* a closed stdout is an error of writing: 74 */
        signal(SIGXFSZ, SIG_IGN); /* and so is a file that may not grow */
        if (!options_parse(argc, argv, &options, stderr))
                goto done;
        if (options.log_json && !log_json_begin()) {
                fprintf(stderr, "chaos-run: --log-json: out of memory\n");
                code = EXIT_INTERNAL;
                goto done;
        }
        command = find_command(&options);
        if (options.version) {
                code = print_version();
        } else if (options.help) {
                code = print_help(command);
        } else if (command == &commands[0] && options.words.count == 0) {
                fprintf(stderr, "chaos-run: no scenario named; try `chaos-run scenarios/latency.json` "
                                "or chaos-run --help\n");
        } else if (!is_switched_off(command) &&
                   options_fit(&options, argc, argv, command->options,
                               command->name[0] == '\0' ? "run" : command->name, stderr)) {
                code = flushed(command->run(&options));
        }
done:
        options_release(&options);
        return with_memory(code);
}
