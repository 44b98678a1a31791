/* harness/base/json_plain.h - JSON that may be shown on a terminal.
 *
 * JSON must escape controls below U+0020 only; the others that code_point.h calls unwanted
 * (U+009B begins a command to a terminal) would be left as they are. Here each of them is its \u
 * escape, so that `cat` shows no more than text and whoever reads it gets the same strings.
 */
#ifndef CHAOS_BASE_JSON_PLAIN_H
#define CHAOS_BASE_JSON_PLAIN_H

#include <jansson.h>

/* json_dumps(); to be freed. NULL: no memory, or no JSON. */
char *json_plain_dumps(const json_t *json, size_t flags);

/* The escape of an unwanted character, "\u009b" or a pair of them; returns its length. */
enum { JSON_PLAIN_ESCAPE_SIZE = 13 };
size_t json_plain_escape(unsigned long point, char out[JSON_PLAIN_ESCAPE_SIZE]);

#endif
