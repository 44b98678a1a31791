/* harness/replay/labels.h - when something was really wrong, as people noted it.
 *
 * A JSON object: file name -> list of [start, end] windows, both ends included,
 * each end an instant as in csv.h (a text, or a number of seconds since 1970).
 * A telemetry file is found by the longest tail of its path that is a key:
 * /data/eu/cpu.csv by "eu/cpu.csv" or, without that key, by "cpu.csv".
 */
#ifndef CHAOS_REPLAY_LABELS_H
#define CHAOS_REPLAY_LABELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct label_window {
        int64_t start_at_ns, end_at_ns;
};

struct label_entry {
        char *name;
        struct label_window *windows; /* by start */
        size_t window_count;
};

struct labels {
        struct label_entry *entries;
        size_t count;
};

/* Reads `path`. On false, `message` says where and what, and `labels` is empty. */
bool labels_load(struct labels *labels, const char *path, char *message, size_t message_size);
void labels_release(struct labels *labels);

/* NULL when the file is not named; it lives as long as `labels`. */
const struct label_entry *labels_find(const struct labels *labels, const char *path);

#endif
