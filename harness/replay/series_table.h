/* harness/replay/series_table.h - the series of one telemetry file.
 *
 * Found by (component, metric); a bounded hash table whose order is never seen.
 */
#ifndef CHAOS_REPLAY_SERIES_TABLE_H
#define CHAOS_REPLAY_SERIES_TABLE_H

#include "harness/replay/foresee.h"
#include "healer/anomaly.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct series {
        char *component, *metric;
        struct healer_anomaly *detector;
        struct foresee foresee;
        bool foresees;       /* foresee was begun */
        bool any_row;
        int64_t last_at_ns;  /* as fed to the detector */
        int64_t shift_ns;    /* added to the file's instants since a clock was set back */
        int64_t back_at_ns;  /* the last of `back_rows` rows that lay before last_at_ns */
        uint32_t back_rows;
};

struct series_table {
        struct series **slots; /* a power of two of them, NULL: free */
        size_t slot_count, count, count_max;
};

void series_table_init(struct series_table *table, size_t count_max);
void series_table_release(struct series_table *table);

enum series_found { SERIES_FOUND, SERIES_FULL, SERIES_NOMEM };

/* Finds or makes the series; `config` is for a new one's detector. */
enum series_found series_table_get(struct series_table *table, const char *component,
                                   const char *metric,
                                   const struct healer_anomaly_config *config,
                                   struct series **out);

#endif
