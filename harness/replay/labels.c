/* labels.c - the label file, checked and sorted; see labels.h.
 *
 * Not here: what is made of the windows (score.c).
 */
#include "harness/replay/labels.h"

#include "harness/base/in_file.h"
#include "harness/replay/csv.h"

#include <jansson.h>

#include <stdlib.h>
#include <string.h>

static bool read_instant(const json_t *value, int64_t *at_ns)
{
        char number[64];

        if (json_is_string(value))
                return csv_parse_time(json_string_value(value), at_ns);
        if (!json_is_number(value))
                return false;
        snprintf(number, sizeof(number), "%.9f", json_number_value(value));
        return csv_parse_time(number, at_ns);
}

static bool read_window(const json_t *pair, struct label_window *window)
{
        return json_is_array(pair) && json_array_size(pair) == 2 &&
               read_instant(json_array_get(pair, 0), &window->start_at_ns) &&
               read_instant(json_array_get(pair, 1), &window->end_at_ns) &&
               window->start_at_ns <= window->end_at_ns;
}

static int by_start(const void *a, const void *b)
{
        const struct label_window *left = a, *right = b;

        if (left->start_at_ns != right->start_at_ns)
                return left->start_at_ns < right->start_at_ns ? -1 : 1;
        return (left->end_at_ns > right->end_at_ns) - (left->end_at_ns < right->end_at_ns);
}

static bool read_entry(struct label_entry *entry, const char *path, const char *name,
                       const json_t *list, char *message, size_t message_size)
{
        size_t count = json_array_size(list);

        if (!json_is_array(list)) {
                snprintf(message, message_size,
                         "%s: \"%s\": must be a list of [start, end] windows", path, name);
                return false;
        }
        entry->name = strdup(name);
        entry->windows = calloc(count ? count : 1, sizeof(*entry->windows));
        if (!entry->name || !entry->windows) {
                snprintf(message, message_size, "%s: out of memory", path);
                return false;
        }
        for (; entry->window_count < count; entry->window_count++) {
                if (read_window(json_array_get(list, entry->window_count),
                                &entry->windows[entry->window_count]))
                        continue;
                snprintf(message, message_size,
                         "%s: \"%s\"[%zu]: must be [start, end], two instants with start <= end",
                         path, name, entry->window_count);
                return false;
        }
        qsort(entry->windows, count, sizeof(*entry->windows), by_start);
        return true;
}

bool labels_load(struct labels *labels, const char *path, char *message, size_t message_size)
{
        json_error_t error;
        json_t *root, *list;
        const char *name;
        bool ok = false;

        *labels = (struct labels){0};
        root = in_file_json(path, JSON_REJECT_DUPLICATES, &error);
        if (!root) {
                if (error.line > 0)
                        snprintf(message, message_size, "%s:%d:%d: %s", path, error.line,
                                 error.column, error.text);
                else
                        snprintf(message, message_size, "%s: cannot be read: %s", path, error.text);
                return false;
        }
        if (!json_is_object(root)) {
                snprintf(message, message_size,
                         "%s: must be an object: file name -> list of [start, end]", path);
                goto done;
        }
        labels->entries = calloc(json_object_size(root) + 1, sizeof(*labels->entries));
        if (!labels->entries) {
                snprintf(message, message_size, "%s: out of memory", path);
                goto done;
        }
        json_object_foreach(root, name, list) {
                if (!read_entry(&labels->entries[labels->count++], path, name, list, message,
                                message_size))
                        goto done;
        }
        ok = true;
done:
        json_decref(root);
        if (!ok)
                labels_release(labels);
        return ok;
}

void labels_release(struct labels *labels)
{
        for (size_t i = 0; i < labels->count; i++) {
                free(labels->entries[i].name);
                free(labels->entries[i].windows);
        }
        free(labels->entries);
        *labels = (struct labels){0};
}

const struct label_entry *labels_find(const struct labels *labels, const char *path)
{
        const struct label_entry *best = NULL;
        size_t path_length = strlen(path), best_length = 0;

        for (size_t i = 0; i < labels->count; i++) {
                const struct label_entry *entry = &labels->entries[i];
                size_t length = strlen(entry->name);

                if (length > path_length || length <= best_length ||
                    strcmp(path + path_length - length, entry->name) != 0)
                        continue;
                if (length < path_length && path[path_length - length - 1] != '/')
                        continue;
                best = entry;
                best_length = length;
        }
        return best;
}
