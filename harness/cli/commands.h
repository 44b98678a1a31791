/* harness/cli/commands.h - the words after `chaos-run`, a row each.
 *
 * A command gets what was asked for and answers with an exit code of
 * 6-outputs. Results go to stdout, everything else to stderr.
 */
#ifndef CHAOS_CLI_COMMANDS_H
#define CHAOS_CLI_COMMANDS_H

#include "harness/cli/options.h"

struct command {
        const char *name;     /* "" : no word, scenarios are run */
        const char *usage;
        const char *summary;
        const char *more;     /* for its --help; NULL: nothing */
        int options;          /* ON_... */
        int (*run)(const struct options *options);
};

extern const struct command commands[];
extern const size_t command_count;

int command_run(const struct options *options);
int command_validate(const struct options *options);
int command_list(const struct options *options);
int command_report(const struct options *options);
int command_stats(const struct options *options);
int command_replay(const struct options *options);

/* False, after a message, when stdout could not be written. */
bool stdout_flush(void);

#endif
