/* harness/cli/scenario_files.h - the scenarios that were named, and where their results go. */
#ifndef CHAOS_CLI_SCENARIO_FILES_H
#define CHAOS_CLI_SCENARIO_FILES_H

#include "harness/cli/options.h"
#include "harness/scenario/scenario.h"

struct scenario_files {
        char **paths;
        size_t count, room;
};

/* The words of the command line: a file is itself, a directory its own *.json
 * but schemas, by name. An exit code, after a message. `list` is all zero before
 * and to be released in either case. */
int scenario_files_list(const struct options *options, struct scenario_files *list);
void scenario_files_release(struct scenario_files *list);

/* What the command line says of a scenario, with one strategy (NULL: the file's)
 * and one combination of its matrix. */
struct scenario_overrides overrides_of(const struct options *options, const char *strategy,
                                       uint32_t matrix_index);

/* False where an earlier run of this command went into `folder` already: the results of one
 * would be those of the other. A message. */
bool scenario_folder_claim(const char *folder, const char *path);

/* "chaos-results/latency", "OUT/latency/aggressive", "OUT/latency/delay=1s", ...;
 * to be freed. `strategy` NULL: no folder of its own; `many`: of several
 * scenarios, each has one. --out wins over the scenario's own `outputs`. */
char *scenario_folder(const struct options *options, const struct scenario *scenario,
                      const char *strategy, bool many);

/* Names of writers in `outputs` that there are not; an exit code, after a message. */
int outputs_check(const struct scenario *scenario);

#endif
