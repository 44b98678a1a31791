/* file.c - the SQLite side: making, upgrading, writing, purging, reading back.
 *
 * The file is in WAL mode, so readers never stop the writer and a process that is
 * killed in the middle of a batch leaves the batches before it. `synchronous` is
 * normal: after a crash of the machine the last batches may be missing, the
 * file is sound in any case.
 *
 * A record that the file refuses by itself (an older table with a rule that we
 * do not know) is skipped and counted, or it would hold up all that come after.
 * Any other failure rolls the batch back; it is tried again at the next pump.
 *
 * The statement for a table names all of its columns; those that a record does
 * not have stay NULL, which in a table with a key leaves what is there.
 */
#include "healer/store/hst.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "healer/hlr_base.h"

enum { HST_VERSION = 1, HST_SQL_MAX = 6000 };
#define HST_ID_SHIFT 32
#define HST_ID_GAP 4096 /* numbers that may have been given since the last batch */

bool hst_waits(int status)
{
        switch (status & 0xff) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
        case SQLITE_FULL:
        case SQLITE_IOERR:
        case SQLITE_NOMEM:
        case SQLITE_INTERRUPT:
        case SQLITE_PROTOCOL:
                return true;
        default:
                return false;
        }
}

/* Puts the session in place of the mark. */
static int64_t number_of(const struct healer_store *store, int64_t value)
{
        if (value >> HST_ID_SHIFT != HST_ID_MARK >> HST_ID_SHIFT)
                return value;
        return (int64_t)(store->stats.session << HST_ID_SHIFT) | (value & UINT32_MAX);
}

static int fail(struct healer_store *store, int status)
{
        int system = (status & 0xff) == SQLITE_CANTOPEN ? sqlite3_system_errno(store->db) : 0;

        snprintf(store->error, sizeof(store->error), "%s%s%s",
                 store->db == NULL || sqlite3_errcode(store->db) == SQLITE_OK
                         ? sqlite3_errstr(status) /* what failed did not tell the connection */
                         : sqlite3_errmsg(store->db),
                 system != 0 ? ": " : "", system != 0 ? strerror(system) : "");
        return status;
}

/* Of a folder, a pipe or a device SQLite only says that there was an error of input or output. */
static int check_kind(struct healer_store *store)
{
        struct stat status;

        if (stat(store->path, &status) != 0 || S_ISREG(status.st_mode))
                return SQLITE_OK;
        snprintf(store->error, sizeof(store->error), "%s",
                 S_ISDIR(status.st_mode) ? "it is a folder, not a file" : "it is no ordinary file");
        return SQLITE_CANTOPEN;
}

static int execute(struct healer_store *store, const char *sql)
{
        int status = sqlite3_exec(store->db, sql, NULL, NULL, NULL);

        return status == SQLITE_OK ? SQLITE_OK : fail(store, status);
}

static int prepare(struct healer_store *store, const char *sql, sqlite3_stmt **out)
{
        int status = sqlite3_prepare_v2(store->db, sql, -1, out, NULL);

        return status == SQLITE_OK ? SQLITE_OK : fail(store, status);
}

/* The first number of the first row, `none` without a row. */
static int ask(struct healer_store *store, const char *sql, const char *text, int64_t none,
               int64_t *out)
{
        sqlite3_stmt *statement = NULL;
        int status = prepare(store, sql, &statement);

        *out = none;
        if (status != SQLITE_OK)
                return status;
        if (text != NULL)
                status = sqlite3_bind_text(statement, 1, text, -1, SQLITE_TRANSIENT);
        if (status == SQLITE_OK)
                status = sqlite3_step(statement);
        if (status == SQLITE_ROW) {
                if (sqlite3_column_type(statement, 0) != SQLITE_NULL)
                        *out = sqlite3_column_int64(statement, 0);
                status = SQLITE_OK;
        } else if (status == SQLITE_DONE) {
                status = SQLITE_OK;
        } else {
                fail(store, status);
        }
        sqlite3_finalize(statement);
        return status;
}

/* Ends a transaction either way. */
static int settle(struct healer_store *store, int status)
{
        if (status == SQLITE_OK)
                status = execute(store, "commit");
        if (status != SQLITE_OK)
                (void)sqlite3_exec(store->db, "rollback", NULL, NULL, NULL);
        return status;
}

/* ---- tables */

static int make_table(struct healer_store *store, const struct hst_table *table)
{
        char sql[HST_SQL_MAX], name[HST_NAME_MAX];
        const char *at = table->columns, *type;
        int length = snprintf(sql, sizeof(sql),
                              "create table \"%s\" (\"%s\" integer primary key autoincrement",
                              table->name, table->id);

        while (hst_next_column(&at, name, &type))
                length += snprintf(sql + length, sizeof(sql) - (size_t)length, ", \"%s\" %s", name,
                                   type);
        snprintf(sql + length, sizeof(sql) - (size_t)length, ")");
        return execute(store, sql);
}

static int add_columns(struct healer_store *store, const struct hst_table *table)
{
        char sql[HST_SQL_MAX], name[HST_NAME_MAX];
        const char *at = table->columns, *type;
        int64_t there;
        int status;

        while (hst_next_column(&at, name, &type)) {
                snprintf(sql, sizeof(sql),
                         "select count(*) from pragma_table_info('%s') where name = ?1",
                         table->name);
                status = ask(store, sql, name, 0, &there);
                if (status == SQLITE_OK && there == 0) {
                        snprintf(sql, sizeof(sql), "alter table \"%s\" add column \"%s\" %s",
                                 table->name, name, type);
                        status = execute(store, sql);
                }
                if (status != SQLITE_OK)
                        return status;
        }
        return SQLITE_OK;
}

/* The columns of a key or such, with commas. */
static int comma(char *out, size_t room, const char *words)
{
        const char *at = words, *type;
        char name[HST_NAME_MAX];
        int length = 0;

        while (hst_next_column(&at, name, &type))
                length += snprintf(out + length, room - (size_t)length, "%s\"%s\"",
                                   length > 0 ? ", " : "", name);
        return length;
}

static int make_key(struct healer_store *store, const struct hst_table *table)
{
        char sql[HST_SQL_MAX];
        int length;

        if (table->key[0] == '\0' || strcmp(table->key, table->id) == 0)
                return SQLITE_OK;
        length = snprintf(sql, sizeof(sql), "create unique index if not exists \"%s_key\" on \"%s\" (",
                          table->name, table->name);
        length += comma(sql + length, sizeof(sql) - (size_t)length, table->key);
        snprintf(sql + length, sizeof(sql) - (size_t)length, ")");
        return execute(store, sql);
}

static int make_age(struct healer_store *store, const struct hst_table *table)
{
        char sql[HST_SQL_MAX];

        if (table->age == HST_STATE)
                return SQLITE_OK;
        snprintf(sql, sizeof(sql), "create index if not exists \"%s_age\" on \"%s\" (\"%s\")",
                 table->name, table->name, table->aged_by);
        return execute(store, sql);
}

static int make_tables(struct healer_store *store)
{
        int64_t there;
        int status = SQLITE_OK;
        int i;

        for (i = 0; i < HEALER_TABLE_COUNT && status == SQLITE_OK; i++) {
                status = ask(store,
                             "select count(*) from sqlite_master where type = 'table' and name = ?1",
                             hst_tables[i].name, 0, &there);
                if (status == SQLITE_OK)
                        status = there == 0 ? make_table(store, &hst_tables[i])
                                            : add_columns(store, &hst_tables[i]);
                if (status == SQLITE_OK)
                        status = make_key(store, &hst_tables[i]);
                if (status == SQLITE_OK)
                        status = make_age(store, &hst_tables[i]);
        }
        return status;
}

static int make_views(struct healer_store *store)
{
        static const char *const triggers[] = {"log_breaker_transition", "end_degradation",
                                               "touch_feature_flag", "touch_breaker",
                                               "count_for_snapshot"};
        char sql[128];
        int status = SQLITE_OK;
        size_t i;

        for (i = 0; hst_view_names[i] != NULL && status == SQLITE_OK; i++) {
                snprintf(sql, sizeof(sql), "drop view if exists \"%s\"", hst_view_names[i]);
                status = execute(store, sql);
        }
        for (i = 0; i < HLR_COUNT(triggers) && status == SQLITE_OK; i++) {
                snprintf(sql, sizeof(sql), "drop trigger if exists \"%s\"", triggers[i]);
                status = execute(store, sql);
        }
        return status == SQLITE_OK ? execute(store, hst_views) : status;
}

static int refuse(struct healer_store *store, const char *why)
{
        snprintf(store->error, sizeof(store->error), "%s", why);
        return SQLITE_MISMATCH;
}

/* Inside a transaction, so that of two processes one makes the tables. */
static int upgrade(struct healer_store *store)
{
        char sql[160];
        int64_t version;
        int status;

        status = execute(store, "create table if not exists healer_store (version integer not null)");
        if (status == SQLITE_OK)
                status = ask(store, "select max(version) from healer_store", NULL, 0, &version);
        if (status != SQLITE_OK)
                return status;
        if (version > HST_VERSION)
                return refuse(store, "made by a newer healer");
        if (version == HST_VERSION)
                return SQLITE_OK;
        status = execute(store, "create table if not exists healer_sessions (id integer primary key "
                                "autoincrement, source text not null, opened_at integer not null, "
                                "last_at integer not null, ids_used integer not null, lost integer "
                                "not null, closed_at integer)");
        if (status == SQLITE_OK)
                status = make_tables(store);
        if (status == SQLITE_OK)
                status = make_views(store);
        snprintf(sql, sizeof(sql), "delete from healer_store; insert into healer_store values (%d)",
                 HST_VERSION);
        return status == SQLITE_OK ? execute(store, sql) : status;
}

/* ---- sessions */

static int last_session(struct healer_store *store, int64_t *session)
{
        char sql[96];

        if (store->config.session != 0) {
                snprintf(sql, sizeof(sql), "select id from healer_sessions where id = %llu",
                         (unsigned long long)store->config.session);
                return ask(store, sql, NULL, 0, session);
        }
        return ask(store, "select max(id) from healer_sessions where source = ?1", store->source,
                   0, session);
}

static int begin_session(struct healer_store *store)
{
        sqlite3_stmt *statement = NULL;
        int64_t session = 0;
        int status = SQLITE_OK;

        if (store->config.resume != 0)
                status = last_session(store, &session);
        if (status != SQLITE_OK || session != 0)
                goto known;
        status = prepare(store,
                         "insert into healer_sessions (source, opened_at, last_at, ids_used, lost) "
                         "values (?1, ?2, ?2, 0, 0)",
                         &statement);
        if (status != SQLITE_OK)
                return status;
        status = sqlite3_bind_text(statement, 1, store->source, -1, SQLITE_STATIC);
        if (status == SQLITE_OK)
                status = sqlite3_bind_int64(statement, 2, store->opened_ns);
        if (status == SQLITE_OK)
                status = sqlite3_step(statement);
        status = status == SQLITE_DONE ? SQLITE_OK : fail(store, status);
        sqlite3_finalize(statement);
        if (status == SQLITE_OK)
                session = sqlite3_last_insert_rowid(store->db);
known:
        if (status != SQLITE_OK)
                return status;
        (void)pthread_mutex_lock(&store->queue);
        store->stats.resumed = statement == NULL;
        store->stats.session = (uint64_t)session;
        (void)pthread_mutex_unlock(&store->queue);
        return SQLITE_OK;
}

/* ---- opening */

/* Read-only, and the tables are there or not: nothing will be written, but what
 * the last session left can be read. */
static int open_to_read(struct healer_store *store)
{
        int64_t tables = 0, session = 0;
        int status = ask(store,
                         "select count(*) from sqlite_master where name = 'healer_sessions'", NULL,
                         0, &tables);

        if (status == SQLITE_OK && tables > 0 && store->config.resume != 0)
                status = last_session(store, &session);
        if (status != SQLITE_OK)
                return status;
        (void)pthread_mutex_lock(&store->queue);
        store->stats.read_only = true;
        store->stats.resumed = session != 0;
        store->stats.session = (uint64_t)session;
        (void)pthread_mutex_unlock(&store->queue);
        store->ready = true;
        return SQLITE_OK;
}

static int open_file(struct healer_store *store)
{
        int status;

        if (store->db != NULL)
                return SQLITE_OK;
        status = check_kind(store);
        if (status != SQLITE_OK)
                return status;
        /* No URI: a name that begins with file: is a name. */
        status = sqlite3_open_v2(store->path, &store->db,
                                 SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX,
                                 NULL);
        if (status != SQLITE_OK) {
                fail(store, status);
                sqlite3_close(store->db);
                store->db = NULL;
                return status;
        }
        sqlite3_busy_timeout(store->db, (int)(store->config.busy_ns / HLR_MILLISECOND));
        sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        return SQLITE_OK;
}

/* SQLite does not wait where a file becomes one with a WAL, which asks for it alone: of two
 * healers that open a new file at once one would be told that it is locked. */
static int become_wal(struct healer_store *store)
{
        int wait_ms = (int)(store->config.busy_ns / HLR_MILLISECOND);
        int status, waited_ms;

        (void)sqlite3_busy_timeout(store->db, 0);
        status = execute(store, "pragma journal_mode = wal");
        for (waited_ms = 0; (status & 0xff) == SQLITE_BUSY && waited_ms < wait_ms; waited_ms++) {
                (void)sqlite3_sleep(1);
                status = execute(store, "pragma journal_mode = wal");
        }
        (void)sqlite3_busy_timeout(store->db, wait_ms);
        return status;
}

int hst_ready(struct healer_store *store)
{
        int status;

        if (store->ready)
                return SQLITE_OK;
        status = open_file(store);
        if (status != SQLITE_OK)
                return status;
        if (sqlite3_db_readonly(store->db, "main") == 1)
                return open_to_read(store);
        status = execute(store, "pragma synchronous = normal");
        if (status == SQLITE_OK)
                status = become_wal(store);
        if (status == SQLITE_OK)
                status = execute(store, "begin immediate");
        if (status != SQLITE_OK)
                return (status & 0xff) == SQLITE_READONLY ? open_to_read(store) : status;
        status = upgrade(store);
        if (status == SQLITE_OK)
                status = begin_session(store);
        status = settle(store, status);
        if (status != SQLITE_OK) {
                (void)pthread_mutex_lock(&store->queue);
                store->stats.session = 0;
                store->stats.resumed = false;
                (void)pthread_mutex_unlock(&store->queue);
        }
        store->ready = status == SQLITE_OK;
        return status;
}

/* ---- writing */

static void write_upsert(const struct healer_store *store, enum healer_table number, char *sql,
                         size_t room, int length)
{
        const struct hst_table *table = &hst_tables[number];
        const struct hst_columns *columns = &store->columns[number];
        uint32_t i;
        bool first = true, born;

        length += snprintf(sql + length, room - (size_t)length, " on conflict (");
        length += comma(sql + length, room - (size_t)length, table->key);
        length += snprintf(sql + length, room - (size_t)length, ") do update set ");
        if (table->merge != NULL) {
                snprintf(sql + length, room - (size_t)length, "%s", table->merge);
                return;
        }
        for (i = 0; i < columns->count; i++) {
                born = strcmp(columns->names[i], "created_at") == 0;
                length += snprintf(sql + length, room - (size_t)length,
                                   "%s\"%s\" = coalesce(%s\"%s\", %s\"%s\")", first ? "" : ", ",
                                   columns->names[i], born ? "" : "excluded.", columns->names[i],
                                   born ? "excluded." : "", columns->names[i]);
                first = false;
        }
}

static int insert_of(struct healer_store *store, enum healer_table number, sqlite3_stmt **out)
{
        const struct hst_table *table = &hst_tables[number];
        char sql[HST_SQL_MAX];
        const char *at = table->columns;
        const char *type;
        char name[HST_NAME_MAX];
        int length, place = 1;

        *out = store->inserts[number];
        if (*out != NULL)
                return SQLITE_OK;
        length = snprintf(sql, sizeof(sql), "insert into \"%s\" (\"%s\", ", table->name, table->id);
        length += comma(sql + length, sizeof(sql) - (size_t)length, table->columns);
        length += snprintf(sql + length, sizeof(sql) - (size_t)length, ") values (?1");
        while (hst_next_column(&at, name, &type))
                length += snprintf(sql + length, sizeof(sql) - (size_t)length, ", ?%d", ++place);
        length += snprintf(sql + length, sizeof(sql) - (size_t)length, ")");
        if (table->key[0] != '\0')
                write_upsert(store, number, sql, sizeof(sql), length);
        if (prepare(store, sql, &store->inserts[number]) != SQLITE_OK)
                return sqlite3_errcode(store->db) != SQLITE_OK ? sqlite3_errcode(store->db)
                                                                : SQLITE_ERROR;
        *out = store->inserts[number];
        return SQLITE_OK;
}

static int bind_value(const struct healer_store *store, sqlite3_stmt *statement,
                      const struct hst_record *record, const struct hst_value *value)
{
        int at = value->column + 2;

        switch ((enum healer_value_type)value->type) {
        case HEALER_VALUE_INTEGER:
                return sqlite3_bind_int64(statement, at, number_of(store, value->integer));
        case HEALER_VALUE_REAL:
                return sqlite3_bind_double(statement, at, value->real);
        case HEALER_VALUE_TEXT:
                break;
        }
        return sqlite3_bind_text(statement, at, record->text + value->text, -1, SQLITE_STATIC);
}

static int write_record(struct healer_store *store, const struct hst_record *record)
{
        sqlite3_stmt *statement;
        int status = insert_of(store, (enum healer_table)record->table, &statement);
        uint32_t i;

        if (status != SQLITE_OK)
                return status;
        if (record->id != 0)
                status = sqlite3_bind_int64(statement, 1, number_of(store, record->id));
        for (i = 0; i < store->columns[record->table].count && status == SQLITE_OK; i++) {
                if (strcmp(store->columns[record->table].names[i], "session") == 0)
                        status = sqlite3_bind_int64(statement, (int)i + 2,
                                                    (int64_t)store->stats.session);
        }
        for (i = 0; i < record->count && status == SQLITE_OK; i++)
                status = bind_value(store, statement, record, &record->values[i]);
        if (status == SQLITE_OK) {
                status = sqlite3_step(statement);
                status = status == SQLITE_DONE ? SQLITE_OK : status;
        }
        if (status != SQLITE_OK)
                fail(store, status);
        sqlite3_reset(statement);
        sqlite3_clear_bindings(statement);
        return status;
}

static int touch_session(struct healer_store *store, uint64_t skipped, bool closed)
{
        uint64_t ids_used, lost;
        int64_t now_ns;
        int status = SQLITE_OK;

        (void)pthread_mutex_lock(&store->queue);
        ids_used = store->ids_used;
        lost = store->stats.lost + skipped;
        now_ns = store->now_ns;
        (void)pthread_mutex_unlock(&store->queue);
        if (store->touch == NULL)
                status = prepare(store,
                                 "update healer_sessions set last_at = max(last_at, ?2), ids_used = "
                                 "max(ids_used, ?3), lost = ?4, closed_at = ?5 where id = ?1",
                                 &store->touch);
        if (status != SQLITE_OK)
                return status;
        sqlite3_bind_int64(store->touch, 1, (int64_t)store->stats.session);
        sqlite3_bind_int64(store->touch, 2, now_ns);
        sqlite3_bind_int64(store->touch, 3, (int64_t)ids_used);
        sqlite3_bind_int64(store->touch, 4, (int64_t)lost);
        if (closed)
                sqlite3_bind_int64(store->touch, 5, now_ns);
        else
                sqlite3_bind_null(store->touch, 5);
        status = sqlite3_step(store->touch);
        status = status == SQLITE_DONE ? SQLITE_OK : fail(store, status);
        sqlite3_reset(store->touch);
        return status;
}

int hst_write(struct healer_store *store, uint64_t from, uint64_t to, uint64_t *skipped)
{
        int status = execute(store, "begin immediate");
        uint64_t i;

        *skipped = 0;
        if (status != SQLITE_OK)
                return status;
        for (i = from; i < to && status == SQLITE_OK; i++) {
                status = write_record(store, &store->ring[i % store->config.queue_max]);
                if ((status & 0xff) == SQLITE_CONSTRAINT || (status & 0xff) == SQLITE_MISMATCH ||
                    (status & 0xff) == SQLITE_TOOBIG) {
                        (*skipped)++;
                        status = SQLITE_OK;
                }
        }
        if (status == SQLITE_OK)
                status = touch_session(store, *skipped, false);
        return settle(store, status);
}

/* ---- purging */

static int purge_table(struct healer_store *store, const struct hst_table *table, int64_t before_ns,
                       bool all, uint64_t *rows)
{
        char sql[HST_SQL_MAX];
        int status;

        if (all)
                snprintf(sql, sizeof(sql), "delete from \"%s\"", table->name);
        else
                snprintf(sql, sizeof(sql), "delete from \"%s\" where \"%s\" < %lld and not (%s)",
                         table->name, table->aged_by, (long long)before_ns,
                         table->keep[0] != '\0' ? table->keep : "0");
        status = execute(store, sql);
        if (status == SQLITE_OK)
                *rows += (uint64_t)sqlite3_changes(store->db);
        return status;
}

int hst_purge(struct healer_store *store, int64_t now_ns, bool all, uint64_t *rows)
{
        int status = execute(store, "begin immediate");
        uint64_t gone = 0;
        int64_t kept_ns;
        int i;

        if (status != SQLITE_OK)
                return status;
        for (i = 0; i < HEALER_TABLE_COUNT && status == SQLITE_OK; i++) {
                if (hst_tables[i].age == HST_STATE)
                        continue;
                kept_ns = hst_tables[i].age == HST_CHECKS ? store->config.checks_retention_ns
                                                          : store->config.retention_ns;
                status = purge_table(store, &hst_tables[i], hlr_sub(now_ns, kept_ns), all, &gone);
        }
        status = settle(store, status);
        if (rows != NULL)
                *rows = status == SQLITE_OK ? gone : 0;
        return status;
}

/* ---- reading back */

static uint32_t word_at(sqlite3_stmt *row, int column, const char *const *names, uint32_t count)
{
        const char *word = (const char *)sqlite3_column_text(row, column);
        uint32_t i;

        for (i = 0; word != NULL && i < count; i++) {
                if (strcmp(names[i], word) == 0)
                        return i;
        }
        return count;
}

static const char *text_at(sqlite3_stmt *row, int column)
{
        const char *text = (const char *)sqlite3_column_text(row, column);

        return text == NULL ? "" : text;
}

static uint32_t index_at(sqlite3_stmt *row, int column)
{
        int64_t index = sqlite3_column_type(row, column) == SQLITE_NULL
                                ? -1
                                : sqlite3_column_int64(row, column);

        return index < 0 || index >= (int64_t)UINT32_MAX ? HEALER_NONE : (uint32_t)index;
}

static int64_t time_at(sqlite3_stmt *row, int column)
{
        return sqlite3_column_type(row, column) == SQLITE_NULL ? HEALER_NEVER
                                                              : sqlite3_column_int64(row, column);
}

/* "3:1:d 4:0: -:2:f" */
static void read_targets(const char *text, struct healer_open_episode *out)
{
        struct healer_open_target *target;
        char *end;

        while (*text != '\0' && out->target_count < HEALER_OPEN_TARGETS_MAX) {
                target = &out->targets[out->target_count++];
                memset(target, 0, sizeof(*target));
                target->instance = HEALER_NONE;
                if (*text == '-')
                        text++;
                else {
                        target->instance = (uint32_t)strtoul(text, &end, 10);
                        text = end;
                }
                if (*text == ':') {
                        target->attempts = (uint32_t)strtoul(text + 1, &end, 10);
                        text = end;
                }
                for (; *text != '\0' && *text != ' '; text++) {
                        target->moved |= *text == 'm';
                        target->done |= *text == 'd';
                        target->failed |= *text == 'f';
                }
                text += *text == ' ';
        }
}

extern const char *const hst_state_names[HEALER_OPEN_STATE_COUNT];

static void read_episode(sqlite3_stmt *row, struct healer_open_episode *out)
{
        int64_t flags = sqlite3_column_int64(row, 12);

        memset(out, 0, sizeof(*out));
        out->id = (uint64_t)sqlite3_column_int64(row, 0) & UINT32_MAX;
        out->state = (enum healer_open_state)word_at(row, 1, hst_state_names,
                                                     HEALER_OPEN_STATE_COUNT);
        out->failure = healer_failure_of(text_at(row, 2));
        out->severity = healer_severity_of(text_at(row, 3));
        out->service = index_at(row, 4);
        out->edge = index_at(row, 5);
        out->confidence = sqlite3_column_double(row, 6);
        out->opened_ns = sqlite3_column_int64(row, 7);
        out->acted_ns = time_at(row, 8);
        out->rung = (uint32_t)sqlite3_column_int64(row, 9);
        out->rungs_failed = (uint32_t)sqlite3_column_int64(row, 10);
        out->acting = healer_action_of(text_at(row, 11));
        if (out->acting == HEALER_ACTION_COUNT)
                out->acting = (enum healer_action_kind)0;
        out->rung_done = (flags & 1) != 0;
        out->escalated = (flags & 2) != 0;
        out->preventive = (flags & 4) != 0;
        out->suggested = (flags & 8) != 0;
        out->approved = (flags & 16) != 0;
        out->rejected = (flags & 32) != 0;
        out->failed = (flags & 64) != 0;
        out->last_kind = healer_action_of(text_at(row, 13));
        out->prediction = (uint64_t)sqlite3_column_int64(row, 14);
        out->approval_until_ns = sqlite3_column_int64(row, 15);
        read_targets(text_at(row, 16), out);
}

static int recall_episodes(struct healer_store *store, struct healer_open *out)
{
        sqlite3_stmt *row = NULL;
        int status = prepare(store,
                             "select id, status, error_type, severity, service, edge, confidence, "
                             "detected_at, acted_at, rung, rungs_failed, acting, flags, last_action, "
                             "prediction, approval_until, targets from error_incidents where session "
                             "= ?1 and resolved_at is null and status is not null and service is not "
                             "null order by id",
                             &row);

        if (status != SQLITE_OK)
                return status;
        sqlite3_bind_int64(row, 1, (int64_t)store->stats.session);
        while ((status = sqlite3_step(row)) == SQLITE_ROW &&
               out->episode_count < HEALER_OPEN_EPISODES_MAX)
                read_episode(row, &out->episodes[out->episode_count++]);
        status = status == SQLITE_DONE || status == SQLITE_ROW ? SQLITE_OK : fail(store, status);
        sqlite3_finalize(row);
        return status;
}

static void read_command(sqlite3_stmt *row, struct healer_open_command *out)
{
        memset(out, 0, sizeof(*out));
        out->id = (uint64_t)sqlite3_column_int64(row, 0) & UINT32_MAX;
        out->episode = (uint64_t)sqlite3_column_int64(row, 1) & UINT32_MAX;
        out->kind = healer_action_of(text_at(row, 2));
        out->service = index_at(row, 3);
        out->instance = index_at(row, 4);
        out->edge = index_at(row, 5);
        out->amount = sqlite3_column_double(row, 6);
        out->preventive = sqlite3_column_int64(row, 7) != 0;
        out->issued_ns = sqlite3_column_int64(row, 8);
        out->due_ns = time_at(row, 9);
}

static int recall_commands(struct healer_store *store, struct healer_open *out)
{
        sqlite3_stmt *row = NULL;
        int status = prepare(store,
                             "select id, error_event_id, action_type, service, instance, edge, "
                             "amount, preventive, started_at, due_at from recovery_actions where "
                             "session = ?1 and status = 'in_progress' order by id",
                             &row);

        if (status != SQLITE_OK)
                return status;
        sqlite3_bind_int64(row, 1, (int64_t)store->stats.session);
        while ((status = sqlite3_step(row)) == SQLITE_ROW &&
               out->command_count < HEALER_OPEN_COMMANDS_MAX)
                read_command(row, &out->commands[out->command_count++]);
        status = status == SQLITE_DONE || status == SQLITE_ROW ? SQLITE_OK : fail(store, status);
        sqlite3_finalize(row);
        return status;
}

int hst_recall(struct healer_store *store, struct healer_open *out)
{
        int64_t used = 0, most = 0;
        char sql[96];
        int status = recall_episodes(store, out);

        if (status == SQLITE_OK)
                status = recall_commands(store, out);
        snprintf(sql, sizeof(sql), "select ids_used from healer_sessions where id = %lld",
                 (long long)store->stats.session);
        if (status == SQLITE_OK)
                status = ask(store, sql, NULL, 0, &used);
        if (status != SQLITE_OK)
                return status;
        for (uint32_t i = 0; i < out->episode_count; i++)
                most = hlr_max(most, (int64_t)out->episodes[i].id);
        for (uint32_t i = 0; i < out->command_count; i++)
                most = hlr_max(most, (int64_t)out->commands[i].id);
        out->ids_used = (uint64_t)hlr_max(used, most) + HST_ID_GAP;
        return SQLITE_OK;
}

/* ---- the end */

void hst_shut(struct healer_store *store, bool end_session)
{
        int i;

        if (end_session && store->ready && !store->stats.read_only)
                (void)touch_session(store, 0, true);
        for (i = 0; i < HEALER_TABLE_COUNT; i++) {
                sqlite3_finalize(store->inserts[i]);
                store->inserts[i] = NULL;
        }
        sqlite3_finalize(store->touch);
        store->touch = NULL;
        sqlite3_close(store->db);
        store->db = NULL;
        store->ready = false;
}
