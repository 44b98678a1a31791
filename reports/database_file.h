/* reports/database_file.h - the file of a database, for database*.c alone.
 *
 * Opening, statements, transactions. Each call that fails leaves one message and
 * marks the database as failed; what it is used for is in database.c (writing
 * runs) and database_read.c.
 */
#ifndef CHAOS_REPORTS_DATABASE_FILE_H
#define CHAOS_REPORTS_DATABASE_FILE_H

#include <sqlite3.h>

#include "reports/database.h"

enum { DATABASE_BATCH_MAX = 32 };

struct waiting {
        int64_t id;
        const struct run_meta *meta;
        const struct kept *kept;
        unsigned char *record;
        size_t record_bytes;
};

struct database {
        sqlite3 *file;
        char *path;
        bool failed; /* said once; does nothing more */
        bool empty;  /* opened to be read, and there are no tables */
        struct waiting batch[DATABASE_BATCH_MAX];
        size_t waiting;
        int64_t flushed_ms;
};

int64_t database_now_ms(void);

/* False, always: with what SQLite says of its last call, or with words of ours. */
bool database_fail(struct database *database, struct out_error *error);
bool database_refuse(struct database *database, const char *why, struct out_error *error);

bool database_execute(struct database *database, const char *sql, struct out_error *error);
/* To be finalized; NULL with a message. */
sqlite3_stmt *database_prepare(struct database *database, const char *sql, struct out_error *error);
/* Runs a statement without rows and makes it ready for the next. */
bool database_step(struct database *database, sqlite3_stmt *statement, struct out_error *error);
/* Text of a column that has some; "" where SQLite had no memory for it. */
const char *database_text(sqlite3_stmt *statement, int column);

/* A transaction: lock() waits for whoever writes; settle() ends it either way. */
bool database_lock(struct database *database, struct out_error *error);
bool database_settle(struct database *database, bool fine, struct out_error *error);

/* What waits is not written any more. */
void database_forget(struct database *database);

#endif
