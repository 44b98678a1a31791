/* store.c - the queue, and when it is written.
 *
 * Those who add hold one lock for a copy of at most 1.3 KiB; the writer takes it
 * to learn how much waits, and once more when that is in the file. In between
 * records lie still in the ring, so nothing is copied twice and a batch that
 * failed is simply written again. When the ring is full the newest is refused:
 * what came first explains what came then.
 *
 * Not here: SQL (file.c, tables.c) and what a notice means (words.c).
 */
#include "healer/store/hst.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "healer/hlr_base.h"

#define DAY (86400 * HLR_SECOND)
#define PURGE_NS (3600 * HLR_SECOND)

/* ---- config */

struct healer_store_config healer_store_config_defaults(void)
{
        return (struct healer_store_config){
                .size = sizeof(struct healer_store_config),
                .batch_size = 100,
                .queue_max = 1024,
                .source = "healer",
                .flush_interval_ns = 5 * HLR_SECOND,
                .retention_ns = 30 * DAY,
                .checks_retention_ns = 7 * DAY,
                .busy_ns = HLR_SECOND,
                .health_interval_ns = 60 * HLR_SECOND,
        };
}

struct healer_store_config healer_store_config_production(void)
{
        struct healer_store_config config = healer_store_config_defaults();

        config.retention_ns = 90 * DAY;
        return config;
}

const char *healer_store_config_check(const struct healer_store_config *config)
{
        if (config->path == NULL || config->path[0] == '\0')
                return "path: a file's name";
        if (config->source == NULL || config->source[0] == '\0' || strlen(config->source) > 63)
                return "source: 1..63 bytes";
        if (config->batch_size < 1 || config->batch_size > 10000)
                return "batch_size: must be 1..10000";
        if (config->queue_max < config->batch_size || config->queue_max > 100000)
                return "queue_max: must be batch_size..100000";
        if (config->flush_interval_ns <= 0)
                return "flush_interval_ns: must be > 0";
        if (config->retention_ns <= 0)
                return "retention_ns: must be > 0";
        if (config->checks_retention_ns <= 0)
                return "checks_retention_ns: must be > 0";
        if (config->busy_ns < 0 || config->busy_ns > 60 * HLR_SECOND)
                return "busy_ns: must be 0..60 s";
        if (config->health_interval_ns <= 0)
                return "health_interval_ns: must be > 0";
        return NULL;
}

const char *healer_table_name(enum healer_table table)
{
        return (unsigned)table < HEALER_TABLE_COUNT ? hst_tables[table].name : "";
}

/* ---- memory */

static void *take(struct healer_store *store, size_t count, size_t size)
{
        size_t bytes = count * size > 0 ? count * size : 1;
        void *memory = store->allocator == NULL
                               ? malloc(bytes)
                               : store->allocator->alloc(store->allocator->ctx, bytes);

        if (memory != NULL)
                memset(memory, 0, bytes);
        return memory;
}

static void give(const struct healer_allocator *allocator, void *memory)
{
        if (memory == NULL)
                return;
        if (allocator == NULL)
                free(memory);
        else
                allocator->release(allocator->ctx, memory);
}

static void read_columns(struct healer_store *store)
{
        const char *at, *type;
        struct hst_columns *columns;
        int table;

        for (table = 0; table < HEALER_TABLE_COUNT; table++) {
                columns = &store->columns[table];
                at = hst_tables[table].columns;
                while (columns->count < HST_COLUMNS_MAX &&
                       hst_next_column(&at, columns->names[columns->count], &type))
                        columns->count++;
        }
}

static void name_components(struct healer_store *store)
{
        const struct healer_topology *topology = store->config.topology;
        struct hst_component *component;
        uint32_t i;

        for (i = 0; i < store->component_count; i++) {
                component = &store->components[i];
                snprintf(component->name, sizeof(component->name), "%s",
                         topology->services[i].name);
                component->seen_ns = component->healthy_ns = component->incident_ns = INT64_MIN;
        }
}

static void release(struct healer_store *store)
{
        const struct healer_allocator *allocator = store->allocator;

        (void)pthread_mutex_destroy(&store->queue);
        (void)pthread_mutex_destroy(&store->watching);
        (void)pthread_mutex_destroy(&store->file);
        give(allocator, store->path);
        give(allocator, store->ring);
        give(allocator, store->components);
        give(allocator, store->last);
        give(allocator, store->now);
        give(allocator, store);
}

static bool allocate(struct healer_store *store, const struct healer_store_config *config)
{
        size_t path = strlen(config->path) + 1;

        store->component_count = config->topology == NULL ? 0 : config->topology->service_count;
        store->path = take(store, path, 1);
        store->ring = take(store, config->queue_max, sizeof(*store->ring));
        store->components = take(store, store->component_count, sizeof(*store->components));
        store->last = take(store, 1, sizeof(*store->last));
        store->now = take(store, 1, sizeof(*store->now));
        if (store->path == NULL || store->ring == NULL || store->components == NULL ||
            store->last == NULL || store->now == NULL)
                return false;
        memcpy(store->path, config->path, path);
        return true;
}

/* ---- trouble */

/* Of a long path the end alone, or there is no room for what is wrong. */
static void write_line(const struct healer_store *store, const char *what, char *out, size_t size)
{
        enum { SHOWN_MAX = 120 };
        size_t length = strlen(store->path), left_out = length > SHOWN_MAX ? length - SHOWN_MAX : 0;

        snprintf(out, size, "%s%s: %s", left_out > 0 ? "..." : "", store->path + left_out, what);
}

static void say(struct healer_store *store, const char *what)
{
        char line[2 * HST_LINE_MAX];

        if (store->config.say == NULL)
                return;
        write_line(store, what, line, sizeof(line));
        store->config.say(store->config.say_ctx, line);
}

/* Once when it begins, once when it is over. With `file` held. */
static void note_trouble(struct healer_store *store, int status)
{
        char words[HST_LINE_MAX];
        bool before, now = status != SQLITE_OK;
        uint64_t lost;

        (void)pthread_mutex_lock(&store->queue);
        before = store->stats.failing;
        lost = store->stats.lost;
        store->stats.failing = now;
        store->stats.failures += now;
        (void)pthread_mutex_unlock(&store->queue);
        if (now && !before) {
                snprintf(words, sizeof(words), "%.150s; healing goes on, records wait",
                         store->error);
                say(store, words);
        } else if (!now && before) {
                snprintf(words, sizeof(words), "written again; %llu records were lost",
                         (unsigned long long)lost);
                say(store, words);
        }
}

/* ---- life */

enum healer_err healer_store_open(const struct healer_store_config *config, int64_t now_ns,
                                  char *reason, size_t reason_size, struct healer_store **out)
{
        struct healer_store first = {.allocator = config->allocator};
        struct healer_store *store;
        int status;

        *out = NULL;
        if (reason_size > 0)
                reason[0] = '\0';
        if (config->size != sizeof(*config))
                return HEALER_E_SIZE;
        if (healer_store_config_check(config) != NULL) {
                snprintf(reason, reason_size, "%s", healer_store_config_check(config));
                return HEALER_E_RANGE;
        }
        store = take(&first, 1, sizeof(*store));
        if (store == NULL)
                return HEALER_E_NOMEM;
        store->config = *config;
        store->allocator = config->allocator;
        (void)pthread_mutex_init(&store->queue, NULL);
        (void)pthread_mutex_init(&store->watching, NULL);
        (void)pthread_mutex_init(&store->file, NULL);
        if (!allocate(store, config)) {
                release(store);
                return HEALER_E_NOMEM;
        }
        snprintf(store->source, sizeof(store->source), "%s", config->source);
        read_columns(store);
        name_components(store);
        if (config->healer != NULL) {
                memcpy(store->thresholds, config->healer->detection.thresholds,
                       sizeof(store->thresholds));
                store->threshold = config->healer->escalation.threshold;
        }
        store->config.path = store->config.source = NULL;
        store->config.topology = NULL;
        store->config.healer = NULL;
        store->opened_ns = store->now_ns = store->written_ns = now_ns;
        store->purged_ns = store->health_ns = INT64_MIN;
        status = hst_ready(store);
        if (status != SQLITE_OK && !hst_waits(status)) {
                write_line(store, store->error, reason, reason_size);
                hst_shut(store, false);
                release(store);
                return HEALER_E_IO;
        }
        if (status != SQLITE_OK)
                note_trouble(store, status);
        else if (store->stats.read_only)
                say(store, "read-only; healing goes on, nothing is written");
        *out = store;
        return HEALER_OK;
}

void healer_store_abandon(struct healer_store *store)
{
        if (store == NULL)
                return;
        hst_shut(store, false);
        release(store);
}

void healer_store_close(struct healer_store *store)
{
        char words[HST_LINE_MAX];
        uint64_t lost;

        if (store == NULL)
                return;
        (void)healer_store_flush(store, store->now_ns);
        lost = store->tail - store->head;
        if (lost > 0 && !store->stats.read_only) {
                snprintf(words, sizeof(words), "closed with %llu records unwritten: %.150s",
                         (unsigned long long)lost, store->error);
                say(store, words);
        }
        hst_shut(store, lost == 0);
        release(store);
}

/* ---- adding */

static int column_of(const struct healer_store *store, enum healer_table table, const char *name)
{
        const struct hst_columns *columns = &store->columns[table];
        uint32_t i;

        for (i = 0; i < columns->count; i++) {
                if (strcmp(columns->names[i], name) == 0)
                        return (int)i;
        }
        return -1;
}

static bool put_text(struct hst_record *record, struct hst_value *value, const char *text)
{
        size_t length = strlen(text);
        size_t room = sizeof(record->text) - record->text_used;
        bool whole = length < room;

        value->text = record->text_used;
        if (!whole) {
                if (room == 0) { /* its place is the end of the one before: an empty text */
                        value->text = (uint16_t)(sizeof(record->text) - 1);
                        return false;
                }
                length = room - 1;
                while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
                        length--; /* not within a letter */
        }
        memcpy(record->text + record->text_used, text, length);
        record->text[record->text_used + length] = '\0';
        record->text_used = (uint16_t)(record->text_used + length + 1);
        return whole;
}

static void fill(struct healer_store *store, struct hst_record *record, enum healer_table table,
                 const struct healer_value *values, size_t count)
{
        struct hst_value *value;
        size_t i;

        for (i = 0; i < count && record->count < HST_COLUMNS_MAX; i++) {
                if ((values[i].type == HEALER_VALUE_TEXT && values[i].text == NULL) ||
                    (values[i].type == HEALER_VALUE_REAL && values[i].real != values[i].real))
                        continue;
                value = &record->values[record->count++];
                value->column = (uint8_t)column_of(store, table, values[i].column);
                value->type = (uint8_t)values[i].type;
                if (values[i].type == HEALER_VALUE_TEXT)
                        store->stats.cut += !put_text(record, value, values[i].text);
                else if (values[i].type == HEALER_VALUE_INTEGER)
                        value->integer = values[i].integer;
                else
                        value->real = values[i].real;
        }
}

enum healer_err healer_store_add(struct healer_store *store, enum healer_table table, int64_t id,
                                 int64_t at_ns, const struct healer_value *values, size_t count)
{
        enum healer_err err = HEALER_OK;
        struct hst_record *record;
        size_t i;

        if ((unsigned)table >= HEALER_TABLE_COUNT)
                return HEALER_E_NOT_FOUND;
        for (i = 0; i < count; i++) {
                if (column_of(store, table, values[i].column) < 0)
                        return HEALER_E_NOT_FOUND;
        }
        (void)pthread_mutex_lock(&store->queue);
        store->now_ns = hlr_max(store->now_ns, at_ns);
        store->stats.added++;
        if (store->tail - store->head >= store->config.queue_max || store->stats.read_only) {
                store->stats.lost++;
                err = HEALER_E_FULL;
        } else {
                record = &store->ring[store->tail % store->config.queue_max];
                record->id = id;
                record->at_ns = at_ns;
                record->table = (uint16_t)table;
                record->count = 0;
                record->text_used = 0;
                fill(store, record, table, values, count);
                store->tail++;
        }
        (void)pthread_mutex_unlock(&store->queue);
        return err;
}

/* ---- into the file */

/* With `file` held. Batch by batch, until less than one waits or `all` is done. */
static int write_batches(struct healer_store *store, bool all)
{
        uint64_t head, tail, end, skipped;
        int status = hst_ready(store);

        if (status != SQLITE_OK || store->stats.read_only)
                return status;
        (void)pthread_mutex_lock(&store->queue);
        head = store->head;
        tail = store->tail;
        (void)pthread_mutex_unlock(&store->queue);
        while (status == SQLITE_OK && (tail - head >= store->config.batch_size || (all && tail > head))) {
                end = tail - head > store->config.batch_size ? head + store->config.batch_size : tail;
                status = hst_write(store, head, end, &skipped);
                if (status != SQLITE_OK)
                        break;
                (void)pthread_mutex_lock(&store->queue);
                store->stats.batches++;
                store->stats.written += end - head - skipped;
                store->stats.lost += skipped;
                store->head = head = end;
                (void)pthread_mutex_unlock(&store->queue);
        }
        return status;
}

static enum healer_err pump(struct healer_store *store, int64_t now_ns, bool at_once)
{
        uint64_t waiting;
        bool due;
        int status = SQLITE_OK;

        if (pthread_mutex_trylock(&store->file) != 0)
                return HEALER_E_BUSY;
        (void)pthread_mutex_lock(&store->queue);
        store->now_ns = hlr_max(store->now_ns, now_ns);
        waiting = store->tail - store->head;
        (void)pthread_mutex_unlock(&store->queue);
        due = at_once || hlr_sub(now_ns, store->written_ns) >= store->config.flush_interval_ns;
        if ((due || waiting >= store->config.batch_size) && waiting > 0) {
                status = write_batches(store, due);
                store->written_ns = now_ns;
                note_trouble(store, status);
        }
        if (status == SQLITE_OK && store->ready && !store->stats.read_only &&
            (store->purged_ns == INT64_MIN || hlr_sub(now_ns, store->purged_ns) >= PURGE_NS)) {
                status = hst_purge(store, now_ns, false, NULL);
                if (status == SQLITE_OK)
                        store->purged_ns = now_ns;
                note_trouble(store, status);
        }
        (void)pthread_mutex_unlock(&store->file);
        return status == SQLITE_OK ? HEALER_OK : HEALER_E_IO;
}

enum healer_err healer_store_pump(struct healer_store *store, int64_t now_ns)
{
        return pump(store, now_ns, false);
}

enum healer_err healer_store_flush(struct healer_store *store, int64_t now_ns)
{
        return pump(store, now_ns, true);
}

static enum healer_err take_out(struct healer_store *store, int64_t now_ns, bool all,
                                uint64_t *rows)
{
        uint64_t count = 0;
        int status;

        (void)pthread_mutex_lock(&store->file);
        status = hst_ready(store);
        if (status == SQLITE_OK && store->stats.read_only)
                status = SQLITE_READONLY;
        if (status == SQLITE_OK)
                status = hst_purge(store, now_ns, all, &count);
        (void)pthread_mutex_unlock(&store->file);
        if (rows != NULL)
                *rows = count;
        return status == SQLITE_OK ? HEALER_OK : HEALER_E_IO;
}

enum healer_err healer_store_purge(struct healer_store *store, int64_t now_ns, uint64_t *rows)
{
        return take_out(store, now_ns, false, rows);
}

enum healer_err healer_store_clear_history(struct healer_store *store)
{
        return take_out(store, 0, true, NULL);
}

/* ---- out of it */

enum healer_err healer_store_recall(struct healer_store *store, struct healer_open *out)
{
        int status;

        memset(out, 0, sizeof(*out));
        out->size = sizeof(*out);
        (void)pthread_mutex_lock(&store->file);
        status = hst_ready(store);
        if (status == SQLITE_OK && store->stats.resumed)
                status = hst_recall(store, out);
        (void)pthread_mutex_unlock(&store->file);
        if (status == SQLITE_OK)
                return HEALER_OK;
        memset(out, 0, sizeof(*out));
        out->size = sizeof(*out);
        return HEALER_E_IO;
}

struct healer_store_stats healer_store_stats(struct healer_store *store)
{
        struct healer_store_stats stats;

        (void)pthread_mutex_lock(&store->queue);
        stats = store->stats;
        stats.waiting = store->tail - store->head;
        (void)pthread_mutex_unlock(&store->queue);
        return stats;
}

const char *healer_store_error(struct healer_store *store)
{
        (void)pthread_mutex_lock(&store->file);
        memcpy(store->told, store->error, sizeof(store->told));
        (void)pthread_mutex_unlock(&store->file);
        return store->told;
}
