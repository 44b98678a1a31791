/* hst.h - the inside of a store, for its files. */
#ifndef HEALER_STORE_HST_H
#define HEALER_STORE_HST_H

#include "healer/store/tables.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

enum {
        HST_TEXT_ROOM = 760,    /* bytes of text in a record */
        HST_COMMANDS_MAX = HEALER_OPEN_COMMANDS_MAX,
        HST_INCIDENTS_MAX = 128, /* remembered of a service, for its count of a day */
        HST_LINE_MAX = 256
};

/* A value in the queue. */
struct hst_value {
        uint8_t column;
        uint8_t type; /* enum healer_value_type */
        uint16_t text; /* offset */
        union {
                int64_t integer;
                double real;
        };
};

struct hst_record {
        int64_t id;
        int64_t at_ns;
        uint16_t table, count;
        uint16_t text_used;
        struct hst_value values[HST_COLUMNS_MAX];
        char text[HST_TEXT_ROOM];
};

struct hst_columns {
        uint32_t count;
        char names[HST_COLUMNS_MAX][HST_NAME_MAX];
};

/* What is counted of a service for its summary. */
struct hst_component {
        char name[64];
        uint64_t checks, failed;
        int64_t seen_ns, healthy_ns, incident_ns; /* INT64_MIN: never */
        double up_s;
        int64_t incidents_ns[HST_INCIDENTS_MAX];
        uint64_t incident_count;
};

struct hst_command {
        struct healer_command order; /* id 0: free */
        int64_t issued_ns;
};

struct healer_store {
        struct healer_store_config config;
        const struct healer_allocator *allocator;
        char *path;
        char source[64];
        struct hst_columns columns[HEALER_TABLE_COUNT];
        struct healer_threshold thresholds[HEALER_METRIC_COUNT];
        uint32_t threshold; /* failed rungs until a human is called */
        struct hst_component *components;
        uint32_t component_count;

        /* the queue */
        pthread_mutex_t queue;
        struct hst_record *ring;
        uint64_t head, tail; /* head: first that waits; only the writer moves it */
        struct healer_store_stats stats;
        int64_t now_ns;
        uint64_t ids_used;

        /* of watch; under `watching` */
        pthread_mutex_t watching;
        struct healer_open *last, *now;
        struct hst_command commands[HST_COMMANDS_MAX];
        int64_t health_ns;

        /* the file */
        pthread_mutex_t file;
        sqlite3 *db;
        sqlite3_stmt *inserts[HEALER_TABLE_COUNT];
        sqlite3_stmt *touch;
        bool ready; /* tables and session are there */
        int64_t opened_ns, written_ns, purged_ns;
        char error[HST_LINE_MAX], told[HST_LINE_MAX];
};

/* ---- file.c; with `file` held */

/* Opens, makes or upgrades, begins the session. SQLITE_OK, or why not. */
int hst_ready(struct healer_store *store);
int hst_write(struct healer_store *store, uint64_t from, uint64_t to, uint64_t *skipped);
int hst_purge(struct healer_store *store, int64_t now_ns, bool all, uint64_t *rows);
int hst_recall(struct healer_store *store, struct healer_open *out);
void hst_shut(struct healer_store *store, bool end_session);
bool hst_waits(int status); /* worth trying again: locked, full, an error of the disk */

/* The number of an incident, an action ... in the file: the session's with the
 * healer's behind it. The session may not have begun yet when a record is queued, so
 * it stands there as a mark (a time 146 years after 1970, for 4 s, looks like one)
 * and is put in when it is written. */
#define HST_ID_MARK ((int64_t)1 << 62)

static inline int64_t hst_id(const struct healer_store *store, uint64_t healer_id)
{
        (void)store;
        return HST_ID_MARK | (int64_t)(healer_id & UINT32_MAX);
}

#endif
