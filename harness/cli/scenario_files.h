/* harness/cli/scenario_files.h - the scenarios that were named, and where their results go. */
#ifndef CHAOS_CLI_SCENARIO_FILES_H
#define CHAOS_CLI_SCENARIO_FILES_H

#include "harness/cli/options.h"

struct scenario_files {
        char **paths;
        size_t count, room;
};

/* The words of the command line: a file is itself, a directory its own *.json
 * but schemas, by name. An exit code, after a message. `list` is all zero before
 * and to be released in either case. */
int scenario_files_list(const struct options *options, struct scenario_files *list);
void scenario_files_release(struct scenario_files *list);

/* "chaos-results/latency", "OUT/latency/aggressive", ...; to be freed. `strategy`
 * NULL: no folder of its own; `many`: of several scenarios, each has one. */
char *scenario_folder(const struct options *options, const char *path, const char *strategy,
                      bool many);

#endif
