/* harness/cli/log.h - what is said on stderr, and `--log-json`.
 *
 * With --log-json every line on stderr is a JSON object with `time` (UTC) and
 * `type`: "message" with the text that would have been printed, or "progress"
 * with its numbers. Without it, stderr is as it is.
 */
#ifndef CHAOS_CLI_LOG_H
#define CHAOS_CLI_LOG_H

#include <jansson.h>
#include <stdbool.h>

/* From here on stderr is written as JSON lines; false when that cannot be. */
bool log_json_begin(void);
bool log_is_json(void);

/* Writes one line of `type` with the members of `fields`, whose reference it
 * takes; nothing without --log-json. */
void log_event(const char *type, json_t *fields);

#endif
