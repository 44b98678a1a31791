/* harness/cli/printable.h - what goes to a terminal cannot command it.
 *
 * What is printed quotes files, options, scenarios and telemetry, whose text may hold escape
 * sequences (ESC, or U+0080 to U+009F), marks that turn the direction of writing, and bytes that
 * are no UTF-8. On stdout and stderr each of these becomes '?', whoever printed it; in JSON it is
 * its \u escape, so that whoever reads it gets the same text.
 */
#ifndef CHAOS_CLI_PRINTABLE_H
#define CHAOS_CLI_PRINTABLE_H

#include <jansson.h>
#include <stdio.h>

/* From here on stdout and stderr are clean; without memory they stay as they were. */
void printable_begin(void);

/* stdout as it was before, for what speaks to a program and not to people. */
FILE *printable_bypass(void);

/* Past stderr's, for the progress bar: `bytes` are the program's own. */
void printable_command(const char *bytes);

/* json_dumpf() to stdout. */
void printable_json(const json_t *json, size_t flags);

#endif
