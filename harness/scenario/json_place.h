/* harness/scenario/json_place.h - following a JSON path through values. */
#ifndef CHAOS_SCENARIO_JSON_PLACE_H
#define CHAOS_SCENARIO_JSON_PLACE_H

#include <jansson.h>

#include "harness/scenario/json_path.h"

/* The member or element that `part` names (of a list also by "name"), borrowed,
 * or NULL. */
json_t *json_path_step_into(const json_t *json, const struct json_path_part *part);

/* Follows `path` from `root` and puts a reference to `value` at its end;
 * objects that are missing on the way are made, and one past the end of a list
 * appends. False when the way leads into something else. */
bool json_path_put(json_t *root, const char *path, json_t *value);

#endif
