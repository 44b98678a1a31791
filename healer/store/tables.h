/* tables.h - the tables of the store, as rows of one table.
 *
 * A row here names a table, its columns, by which of them two records are the
 * same, and by which one it grows old. Making the file, upgrading an older one,
 * writing, purging and the test that every column can be written and read back
 * all go through these rows.
 */
#ifndef HEALER_STORE_TABLES_H
#define HEALER_STORE_TABLES_H

#include "healer/store/store.h"

#include <stdbool.h>

enum { HST_COLUMNS_MAX = 32, HST_NAME_MAX = 48 };

enum hst_age {
        HST_STATE,   /* says how things are now: never purged */
        HST_CHECKS,  /* kept for checks_retention_ns */
        HST_HISTORY  /* kept for retention_ns */
};

struct hst_table {
        const char *name;
        const char *id;      /* its primary key */
        const char *columns; /* of the documents, then ours; ":i" integer, ":r" real, else text */
        const char *key;     /* records equal in these are one; "": every record is a row */
        const char *merge;   /* NULL: newer values replace; else what the upsert sets */
        enum hst_age age;
        const char *aged_by; /* column; "" for HST_STATE */
        const char *keep;    /* condition under which a row never grows old; "" none */
};

extern const struct hst_table hst_tables[HEALER_TABLE_COUNT];

/* Views and triggers, made anew when their version is another one. */
extern const char *const hst_views;
extern const char *const hst_view_names[];

/* The columns one after the other: name and type ("integer", "real", "text");
 * false at the end. `*at` begins at the text. */
bool hst_next_column(const char **at, char name[HST_NAME_MAX], const char **type);

#endif
