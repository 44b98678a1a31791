/* database_file.c - opening the file of a database, and what its users share.
 *
 * Who writes makes the file and its tables where there are none. Who reads makes
 * nothing: not the file, not its tables, and nothing beside it where others could
 * trip over it. A file with a WAL wants two files at its side even from readers;
 * whoever may write makes them and takes them away again, as SQLite does. Whoever
 * may not (a read-only disk, an artifact of CI, a colleague's folder) would be
 * refused, or leave files that the owner cannot write. Where no WAL waits
 * nobody is at work on the file, so it is read as it is.
 *
 * `synchronous` is normal: after a crash of the machine the last batches may be
 * missing, the file is sound in any case.
 */
#include "reports/database_file.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "harness/base/memory.h"
#include "harness/base/patience.h"
#include "harness/sim/time.h"
#include "reports/embedded.h"
#include "reports/text.h"

enum {
        APPLICATION_ID = 0x43684c52, /* "ChLR" */
        SCHEMA_VERSION = 1,
        BUSY_MS = 20000,
};

int64_t database_now_ms(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- what went wrong */

#define READ_ONLY "it may be read only, and is to be written"

/* Why a file could not be opened; 0: not known. Where it could not be made SQLite tries once more
 * without making it, and then all it knows is that it is not there. */
static int open_error(const struct database *database)
{
        int system = sqlite3_system_errno(database->file);
        const char *slash = strrchr(database->path, '/');
        size_t length = slash == NULL             ? 0
                        : slash == database->path ? 1
                                                  : (size_t)(slash - database->path);
        struct stat status;
        char *folder;

        if (system != ENOENT ||
            (stat(database->path, &status) != 0 && lstat(database->path, &status) == 0))
                return system; /* a link that leads nowhere */
        folder = length == 0 ? strdup(".") : strndup(database->path, length);
        if (folder == NULL)
                return ENOMEM;
        system = access(folder, W_OK | X_OK) == 0 ? 0 : errno;
        free(folder);
        return system;
}

static const char *reason(const struct database *database)
{
        int why = sqlite3_errcode(database->file), system;

        if (memory_ran_out())
                return strerror(ENOMEM);
        switch (why) {
        case SQLITE_OK:
        case SQLITE_ROW:
        case SQLITE_DONE:
                return "it could not be read or written";
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
                return "another process keeps it locked (waited for 20 s)";
        case SQLITE_READONLY:
                return sqlite3_extended_errcode(database->file) == SQLITE_READONLY_DIRECTORY
                               ? "its folder may be read only, and files beside it are to be made"
                               : READ_ONLY;
        case SQLITE_CANTOPEN:
                system = open_error(database);
                return system != 0 ? strerror(system) : sqlite3_errmsg(database->file);
        default:
                return sqlite3_errmsg(database->file);
        }
}

bool database_fail(struct database *database, struct out_error *error)
{
        if (database->file == NULL || sqlite3_errcode(database->file) == SQLITE_NOMEM)
                memory_note_lack();
        return database_refuse(database,
                               database->file == NULL ? strerror(ENOMEM) : reason(database), error);
}

bool database_refuse(struct database *database, const char *why, struct out_error *error)
{
        out_error_set(error, "%s: %s", database->path, why);
        database->failed = true;
        return false;
}

/* ---- statements */

bool database_execute(struct database *database, const char *sql, struct out_error *error)
{
        return sqlite3_exec(database->file, sql, NULL, NULL, NULL) == SQLITE_OK ||
               database_fail(database, error);
}

sqlite3_stmt *database_prepare(struct database *database, const char *sql, struct out_error *error)
{
        sqlite3_stmt *statement = NULL;

        if (sqlite3_prepare_v2(database->file, sql, -1, &statement, NULL) != SQLITE_OK)
                database_fail(database, error);
        return statement;
}

bool database_step(struct database *database, sqlite3_stmt *statement, struct out_error *error)
{
        bool done = sqlite3_step(statement) == SQLITE_DONE;

        if (!done)
                database_fail(database, error);
        sqlite3_reset(statement);
        sqlite3_clear_bindings(statement);
        return done;
}

const char *database_text(sqlite3_stmt *statement, int column)
{
        const char *text = (const char *)sqlite3_column_text(statement, column);

        if (text == NULL)
                memory_note_lack();
        return text == NULL ? "" : text;
}

bool database_lock(struct database *database, struct out_error *error)
{
        return database_execute(database, "begin immediate", error);
}

bool database_settle(struct database *database, bool fine, struct out_error *error)
{
        if (fine && memory_ran_out())
                database_refuse(database, strerror(ENOMEM), error);
        else if (fine && database_execute(database, "commit", error))
                return true;
        sqlite3_exec(database->file, "rollback", NULL, NULL, NULL);
        return false;
}

/* ---- whose file it is */

/* A number that the file itself tells. */
static bool ask_number(struct database *database, const char *sql, int64_t *out,
                       struct out_error *error)
{
        sqlite3_stmt *statement = database_prepare(database, sql, error);
        bool told = false;

        if (statement == NULL)
                return false;
        told = sqlite3_step(statement) == SQLITE_ROW;
        *out = told ? sqlite3_column_int64(statement, 0) : 0;
        if (!told)
                database_fail(database, error);
        sqlite3_finalize(statement);
        return told;
}

/* Ours, or without tables. */
static bool check_owner(struct database *database, struct out_error *error)
{
        int64_t application, version, tables;

        if (!ask_number(database, "pragma application_id", &application, error) ||
            !ask_number(database, "pragma user_version", &version, error) ||
            !ask_number(database, "select count(*) from sqlite_master", &tables, error))
                return false;
        if (tables > 0 && application != APPLICATION_ID)
                return database_refuse(
                        database, "a database of something else; give --db another file", error);
        if (version > SCHEMA_VERSION)
                return database_refuse(database, "made by a newer chaos-run", error);
        database->empty = tables == 0;
        return true;
}

/* Inside a transaction, so that of two processes one makes the tables. */
static bool make_tables(struct database *database, struct out_error *error)
{
        char sql[128];

        if (!check_owner(database, error))
                return false;
        if (!database->empty)
                return true;
        snprintf(sql, sizeof(sql), "pragma application_id = %d; pragma user_version = %d;",
                 APPLICATION_ID, SCHEMA_VERSION);
        database->empty = false;
        return database_execute(database, embedded_database_sql, error) &&
               database_execute(database, sql, error);
}

/* Of a folder, a pipe or a device SQLite only says that there was an error of input or output. */
static bool check_kind(struct database *database, struct out_error *error)
{
        struct stat status;

        if (*database->path == '\0') /* SQLite would make one, and throw it away when closed */
                return database_refuse(database, "it has no name", error);
        if (stat(database->path, &status) != 0 || S_ISREG(status.st_mode))
                return true;
        return database_refuse(database,
                               S_ISDIR(status.st_mode) ? "it is a folder, not a file"
                                                       : "it is no ordinary file",
                               error);
}

/* ---- opening */

static struct database *create(const char *path, struct out_error *error)
{
        struct database *database = calloc(1, sizeof(*database));

        if (database != NULL)
                database->path = strdup(path);
        if (database != NULL && database->path != NULL)
                return database;
        out_error_set(error, "%s: %s", path, strerror(ENOMEM));
        free(database);
        return NULL;
}

static bool open_as(struct database *database, const char *name, int flags, struct out_error *error)
{
        if (sqlite3_open_v2(name, &database->file, flags | SQLITE_OPEN_FULLMUTEX, NULL) !=
            SQLITE_OK)
                return database_fail(database, error);
        sqlite3_busy_timeout(database->file, BUSY_MS);
        sqlite3_db_config(database->file, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        sqlite3_db_config(database->file, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        return true;
}

/* Two processes that make the file at once may each be told that it is busy,
 * without waiting, while one of them turns to WAL. */
static bool turn_to_wal(struct database *database, struct out_error *error)
{
        const struct timespec wait = {.tv_nsec = 20000000};

        struct patience patience = patience_begin(database_now_ms() * NS_PER_MS);

        for (int64_t slept_ns = 0;; slept_ns = wait.tv_nsec) {
                int status =
                        sqlite3_exec(database->file, "pragma journal_mode = wal", NULL, NULL, NULL);

                if (status == SQLITE_OK)
                        return true;
                if ((status != SQLITE_BUSY && status != SQLITE_LOCKED) ||
                    patience_spent_ns(&patience, database_now_ms() * NS_PER_MS, slept_ns) >
                            BUSY_MS * NS_PER_MS)
                        return database_fail(database, error);
                nanosleep(&wait, NULL);
        }
}

/* SQLite opens what it may not write to be read, and minds at the first row only. */
static bool check_writable(struct database *database, struct out_error *error)
{
        return sqlite3_db_readonly(database->file, "main") != 1 ||
               database_refuse(database, READ_ONLY, error);
}

bool database_open(const char *path, struct database **out, struct out_error *error)
{
        struct database *database = create(path, error);

        *out = NULL;
        /* No URI: a name that begins with file: is a name. */
        if (database == NULL || !check_kind(database, error) ||
            !open_as(database, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, error) ||
            !check_writable(database, error) || !turn_to_wal(database, error) ||
            !database_execute(database, "pragma synchronous = normal; pragma foreign_keys = on",
                              error) ||
            !database_lock(database, error) ||
            !database_settle(database, make_tables(database, error), error)) {
                database_close(database);
                return false;
        }
        database->flushed_ms = database_now_ms();
        *out = database;
        return true;
}

/* ---- opening to read */

/* Whether there is something in the file's WAL that is not in the file yet. */
static bool has_wal(const char *path)
{
        struct stat status;
        char *wal = NULL;
        bool has;

        if (asprintf(&wal, "%s-wal", path) < 0)
                return true; /* the careful way */
        has = stat(wal, &status) == 0 && status.st_size > 0;
        free(wal);
        return has;
}

/* The name of a file that nobody changes, as SQLite wants it. */
static void write_uri(const char *path, struct text *out)
{
        text_add(out, *path == '/' ? "file://" : "file:");
        for (; *path != '\0'; path++)
                if (isalnum((unsigned char)*path) || strchr("/._-", *path) != NULL)
                        text_addf(out, "%c", *path);
                else
                        text_addf(out, "%%%02x", (unsigned char)*path);
        text_add(out, "?immutable=1");
}

static bool open_settled(struct database *database, struct out_error *error)
{
        struct text uri;
        bool opened;

        text_init(&uri);
        write_uri(database->path, &uri);
        opened = text_ok(&uri) ? open_as(database, text_bytes(&uri),
                                         SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, error)
                               : database_refuse(database, strerror(ENOMEM), error);
        text_release(&uri);
        return opened;
}

/* Like those that write, and like them without a trace. False without a message where that may
 * not be, so that it is tried in another way. */
static bool open_beside_writers(struct database *database, bool *refused, struct out_error *error)
{
        struct out_error why = {""};
        int status = SQLITE_READONLY;

        if (access(database->path, W_OK) == 0) {
                if (open_as(database, database->path, SQLITE_OPEN_READWRITE, &why) &&
                    check_owner(database, &why))
                        return true;
                status = sqlite3_errcode(database->file);
        }
        *refused = status != SQLITE_READONLY && status != SQLITE_CANTOPEN;
        if (*refused)
                out_error_set(error, "%s", why.message);
        sqlite3_close(database->file);
        database->file = NULL;
        database->failed = *refused;
        return false;
}

/* With a WAL that waits, and without leave to make the third file that it is read with. */
static bool open_with_wal(struct database *database, struct out_error *error)
{
        struct out_error why = {""};

        if (open_as(database, database->path, SQLITE_OPEN_READONLY, &why) &&
            check_owner(database, &why))
                return true;
        if (sqlite3_errcode(database->file) == SQLITE_CANTOPEN)
                out_error_set(
                        error,
                        "%s: its last writes are in %s-wal and cannot be read here; copy both "
                        "to where you may write",
                        database->path, database->path);
        else
                out_error_set(error, "%s", why.message);
        return false;
}

bool database_open_to_read(const char *path, struct database **out, struct out_error *error)
{
        struct database *database = create(path, error);
        bool refused = false;

        *out = NULL;
        if (database == NULL || !check_kind(database, error))
                goto failed;
        if (!open_beside_writers(database, &refused, error)) {
                if (refused || !(has_wal(path) ? open_with_wal(database, error)
                                               : open_settled(database, error) &&
                                                         check_owner(database, error)))
                        goto failed;
        }
        *out = database;
        return true;
failed:
        database_close(database);
        return false;
}

/* ---- the end */

void database_forget(struct database *database)
{
        for (size_t i = 0; i < database->waiting; i++)
                free(database->batch[i].record);
        database->waiting = 0;
}

void database_close(struct database *database)
{
        if (database == NULL)
                return;
        database_forget(database);
        sqlite3_close(database->file);
        free(database->path);
        free(database);
}
