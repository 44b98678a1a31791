/* fuzz_labels.c - any bytes as a label file: refused with a message, or windows in
 * order that are found by the names they were given.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/replay/labels.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_entry(const struct labels *labels, const struct label_entry *entry)
{
        const struct label_entry *found = labels_find(labels, entry->name);
        size_t i;

        /* An empty name is no tail of a path. */
        if (entry->name[0] != '\0' && found != entry)
                abort();
        for (i = 0; i < entry->window_count; i++) {
                if (entry->windows[i].end_at_ns < entry->windows[i].start_at_ns ||
                    (i > 0 && entry->windows[i].start_at_ns < entry->windows[i - 1].start_at_ns))
                        abort();
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        char path[] = "/dev/shm/fuzz_labels_XXXXXX", message[512] = "";
        struct labels labels;
        int fd = mkstemp(path);
        size_t i;

        if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
                abort();
        close(fd);
        if (labels_load(&labels, path, message, sizeof(message))) {
                for (i = 0; i < labels.count; i++)
                        check_entry(&labels, &labels.entries[i]);
        } else if (message[0] == '\0' || labels.count != 0) {
                abort();
        }
        labels_release(&labels);
        unlink(path);
        return 0;
}
