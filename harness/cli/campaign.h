/* harness/cli/campaign.h - the summary of many runs: scenarios, strategies, combinations.
 *
 * A campaign is every run of one command. Each is a line of `campaign.csv` as soon
 * as it has ended, and what is kept of it in memory is a count of its outcome: ten
 * thousand cost no more than ten. The file gets its name when the command ends, by
 * a signal too; what a kill leaves is in the runs' folders and in --db, from where
 * --resume makes it anew.
 */
#ifndef CHAOS_CLI_CAMPAIGN_H
#define CHAOS_CLI_CAMPAIGN_H

#include <jansson.h>

#include "harness/base/out_file.h"
#include "harness/cli/options.h"

/* From so many on, a run is told in one line instead of a screen. */
enum { CAMPAIGN_BRIEF_FROM = 13 };

struct campaign {
        bool active, brief;
        size_t expected, runs, by_code[256];
        struct out_file file;
        struct out_error error;
        const char *folder;
};

/* `expected`: runs, as far as known; with one, nothing is begun. False when the file
 * cannot be written (told). */
bool campaign_begin(struct campaign *campaign, const struct options *options, size_t expected);

/* The same when a scenario turns out to have so many combinations. */
bool campaign_widen(struct campaign *campaign, const struct options *options, size_t combinations);

/* A run that ended with `code`. `result` NULL: it has none, as one that was refused. `variables`:
 * its combination, "" without. */
void campaign_add(struct campaign *campaign, const char *scenario, const char *strategy,
                  const char *variables, const char *folder, int code, const json_t *result);

/* Prints how many ended how and gives the file its name; the exit code, `code` or
 * worse. */
int campaign_end(struct campaign *campaign, int code);

#endif
