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
        const char *summary;  /* NULL: told to nobody */
        const char *more;     /* for its --help; NULL: nothing */
        int options;          /* ON_... */
        int (*run)(const struct options *options);
};

extern const struct command commands[];
extern const size_t command_count;

/* What --help says of exit codes, and in two lines what the program is for. */
extern const char help_exit_codes[], help_purpose[];

int command_run(const struct options *options);
int command_ab(const struct options *options);
int command_validate(const struct options *options);
int command_list(const struct options *options);
int command_report(const struct options *options);
int command_stats(const struct options *options);
int command_train(const struct options *options);
int command_replay(const struct options *options);
int command_healer(const struct options *options);
int command_explain(const struct options *options);
int command_plan(const struct options *options);
int command_init(const struct options *options);
int command_import(const struct options *options);
int command_words(const struct options *options);

/* False, after a message, when stdout could not be written. */
bool stdout_flush(void);

/* A verdict on stdout; not one that memory was lacking for, since a part may be missing. */
struct text;
void screen_tell(const struct text *screen);

#endif
