/* harness/cli/printable.h - what goes to a terminal cannot command it.
 *
 * Messages quote files, options and scenarios, whose text may hold escape sequences (ESC, or
 * U+0080 to U+009F) and marks that turn the direction of writing. On stderr each of these
 * becomes '?', whoever printed it; in JSON on stdout it becomes its \u escape, so that
 * whoever reads it gets the same text.
 */
#ifndef CHAOS_CLI_PRINTABLE_H
#define CHAOS_CLI_PRINTABLE_H

#include <jansson.h>

/* From here on stderr is clean; without memory it stays as it was. */
void printable_begin(void);

/* Past that, for the progress bar: `bytes` are the program's own. */
void printable_command(const char *bytes);

/* json_dumpf() to stdout. */
void printable_json(const json_t *json, size_t flags);

#endif
