/* json_place.c - following a JSON path through values, and putting one in. */
#include "harness/scenario/json_place.h"

#include <stdint.h>
#include <string.h>

static size_t element_named(const json_t *list, const char *name)
{
        size_t index;
        json_t *element;

        json_array_foreach((json_t *)(uintptr_t)list, index, element)
        {
                const char *its = json_string_value(json_object_get(element, "name"));

                if (its != NULL && strcmp(its, name) == 0)
                        return index;
        }
        return SIZE_MAX;
}

json_t *json_path_step_into(const json_t *json, const struct json_path_part *part)
{
        if (part->step == JSON_PATH_KEY)
                return json_object_get(json, part->key);
        if (part->step == JSON_PATH_NAME)
                return json_array_get(json, element_named(json, part->key));
        return json_array_get(json, part->index);
}

/* Puts `value` where `part` says in `json`; one past the end of a list appends. */
static bool put_value(json_t *json, const struct json_path_part *part, json_t *value)
{
        if (part->step == JSON_PATH_KEY)
                return json_is_object(json) && json_object_set(json, part->key, value) == 0;
        if (!json_is_array(json))
                return false;
        if (part->step == JSON_PATH_INDEX && part->index == json_array_size(json))
                return json_array_append(json, value) == 0;
        return json_array_set(json,
                              part->step == JSON_PATH_NAME ? element_named(json, part->key)
                                                           : part->index,
                              value) == 0;
}

bool json_path_put(json_t *root, const char *path, json_t *value)
{
        struct json_path_part part, next;
        json_t *json = root;

        json_path_next(&path, &part);
        while (part.step != JSON_PATH_END && part.step != JSON_PATH_BAD) {
                json_t *child;

                if (json_path_next(&path, &next) == JSON_PATH_END)
                        return put_value(json, &part, value);
                child = json_path_step_into(json, &part);
                if (child == NULL && part.step == JSON_PATH_KEY && json_is_object(json)) {
                        child = json_object();
                        json_object_set_new(json, part.key, child);
                }
                if (child == NULL)
                        return false;
                json = child;
                part = next;
        }
        return false;
}
