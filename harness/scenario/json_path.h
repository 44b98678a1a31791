/* harness/scenario/json_path.h - how a place in a JSON file is written.
 *
 *     fleet.services[2].calls[0].to      "$" is the document itself
 *     strategy["a.b"].x                  a key that is not a plain word is quoted
 *
 * Made while reading, to stand in messages; taken apart to find the place in
 * the text again and for `--set path=value`, where a list's element may also
 * be named: services[cart].instances.
 */
#ifndef CHAOS_SCENARIO_JSON_PATH_H
#define CHAOS_SCENARIO_JSON_PATH_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

#define JSON_PATH_ROOT "$"
enum { JSON_KEY_MAX_BYTES = 256 };

/* The path of a member or element of `parent`, in `arena`; "" when memory is out. */
const char *json_path_key(struct arena *arena, const char *parent, const char *key);
const char *json_path_index(struct arena *arena, const char *parent, size_t index);

enum json_path_step {
        JSON_PATH_KEY,
        JSON_PATH_INDEX,
        JSON_PATH_NAME,
        JSON_PATH_END,
        JSON_PATH_BAD
};

struct json_path_part {
        enum json_path_step step;
        char key[JSON_KEY_MAX_BYTES + 1]; /* KEY: the member; NAME: the element's "name" */
        size_t index;                     /* INDEX */
};

/* Takes the next part off `*cursor`. A path that begins with "$" may go on with
 * ".key" or "[index]". */
enum json_path_step json_path_next(const char **cursor, struct json_path_part *part);

/* Whether `path` is `ancestor` or lies below it. */
bool json_path_is_below(const char *path, const char *ancestor);

/* `path` as seen from below `mount` (both as above): "" when they are equal,
 * NULL when it does not lie below. */
const char *json_path_below(const char *path, const char *mount);

#endif
