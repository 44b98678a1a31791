/* series_table.c - open addressing with linear probing, at most half full.
 *
 * FNV-1a with no secret: a file made to collide costs its reader time, bounded
 * by count_max probes a row.
 */
#include "harness/replay/series_table.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS_FIRST = 16 };

void series_table_init(struct series_table *table, size_t count_max)
{
        *table = (struct series_table){.count_max = count_max};
}

static void series_destroy(struct series *series)
{
        if (!series)
                return;
        healer_anomaly_destroy(series->detector);
        free(series->component);
        free(series->metric);
        free(series);
}

void series_table_release(struct series_table *table)
{
        for (size_t i = 0; i < table->slot_count; i++)
                series_destroy(table->slots[i]);
        free(table->slots);
        *table = (struct series_table){0};
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
        for (; *text; text++)
                hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
        return (hash ^ 0xff) * UINT64_C(0x100000001b3);
}

static struct series **slot_of(struct series **slots, size_t slot_count, const char *component,
                               const char *metric)
{
        uint64_t hash = hash_text(UINT64_C(0xcbf29ce484222325), component);
        size_t at = (size_t)hash_text(hash, metric) & (slot_count - 1);

        while (slots[at] && (strcmp(slots[at]->metric, metric) != 0 ||
                             strcmp(slots[at]->component, component) != 0))
                at = (at + 1) & (slot_count - 1);
        return &slots[at];
}

static bool grow(struct series_table *table)
{
        size_t slot_count = table->slot_count ? 2 * table->slot_count : SLOTS_FIRST;
        struct series **slots = calloc(slot_count, sizeof(struct series *));

        if (!slots)
                return false;
        for (size_t i = 0; i < table->slot_count; i++)
                if (table->slots[i])
                        *slot_of(slots, slot_count, table->slots[i]->component,
                                 table->slots[i]->metric) = table->slots[i];
        free(table->slots);
        table->slots = slots;
        table->slot_count = slot_count;
        return true;
}

static struct series *series_create(const char *component, const char *metric,
                                    const struct healer_anomaly_config *config)
{
        struct series *series = calloc(1, sizeof(*series));

        if (!series)
                return NULL;
        series->component = strdup(component);
        series->metric = strdup(metric);
        if (series->component && series->metric &&
            healer_anomaly_create(config, &series->detector) == HEALER_OK)
                return series;
        series_destroy(series);
        return NULL;
}

enum series_found series_table_get(struct series_table *table, const char *component,
                                   const char *metric,
                                   const struct healer_anomaly_config *config,
                                   struct series **out)
{
        struct series **slot;

        if (2 * (table->count + 1) > table->slot_count && !grow(table))
                return SERIES_NOMEM;
        slot = slot_of(table->slots, table->slot_count, component, metric);
        if (!*slot) {
                if (table->count >= table->count_max)
                        return SERIES_FULL;
                *slot = series_create(component, metric, config);
                if (!*slot)
                        return SERIES_NOMEM;
                table->count++;
        }
        *out = *slot;
        return SERIES_FOUND;
}
