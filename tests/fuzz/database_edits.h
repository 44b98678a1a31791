/* database_edits.h - a sound SQLite file, damaged where no checksum looks: in its cells.
 *
 * Changed bytes of a file are mostly refused by SQLite before anybody else sees them. Here
 * the input is a list of edits, each of EDIT_BYTES bytes and a text:
 *
 *     column (of those of all tables that have rows), which rows, kind of value,
 *     length of the text, text...
 *
 * Tables lose a column or their name now and then, and the file gets another version.
 */
#ifndef TESTS_FUZZ_DATABASE_EDITS_H
#define TESTS_FUZZ_DATABASE_EDITS_H

#include <sqlite3.h>
#include <stdint.h>

#include "tests/fuzz/fuzz_folder.h"

enum { EDIT_BYTES = 4, EDITS_MAX = 16, EDIT_COLUMNS_MAX = 256, EDIT_FILE_MAX = 1 << 20 };

struct edit_column {
        char table[64], name[64];
};

static struct edit_column edit_columns[EDIT_COLUMNS_MAX];
static size_t edit_column_count;
static uint8_t edit_file[EDIT_FILE_MAX];
static size_t edit_file_size;

/* Takes the file into memory, and what there is in it to change. */
static inline void edits_begin(const char *path)
{
        static const char columns[] =
                "select m.name, c.name from sqlite_master m, pragma_table_info(m.name) c"
                " where m.type = 'table' and m.name not like 'sqlite%' order by 1, c.cid";
        struct edit_column *column = edit_columns;
        sqlite3_stmt *statement = NULL;
        sqlite3 *file = NULL;
        char sql[160];

        edit_file_size = fuzz_read(path, edit_file, sizeof(edit_file));
        if (edit_file_size == sizeof(edit_file) || sqlite3_open(path, &file) != SQLITE_OK ||
            sqlite3_prepare_v2(file, columns, -1, &statement, NULL) != SQLITE_OK)
                abort();
        while (sqlite3_step(statement) == SQLITE_ROW && edit_column_count < EDIT_COLUMNS_MAX) {
                sqlite3_stmt *rows = NULL;

                snprintf(column->table, sizeof(column->table), "%s",
                         (const char *)sqlite3_column_text(statement, 0));
                snprintf(column->name, sizeof(column->name), "%s",
                         (const char *)sqlite3_column_text(statement, 1));
                snprintf(sql, sizeof(sql), "select 1 from \"%s\"", column->table);
                if (sqlite3_prepare_v2(file, sql, -1, &rows, NULL) != SQLITE_OK)
                        abort();
                if (sqlite3_step(rows) == SQLITE_ROW)
                        column = &edit_columns[++edit_column_count];
                sqlite3_finalize(rows);
        }
        sqlite3_finalize(statement);
        sqlite3_close(file);
        if (edit_column_count == 0)
                abort();
}

static inline void edits_bind(sqlite3_stmt *statement, unsigned int kind, const uint8_t *text,
                              size_t length)
{
        static const int64_t integers[] = {0,         -1,         1,         2,         3,
                                           INT32_MAX, UINT32_MAX, INT64_MAX, INT64_MIN, 1LL << 53};
        static const double reals[] = {0.5, -0.5, 1e308, -1e308, 1e-308};
        enum {
                INTEGERS = sizeof(integers) / sizeof(integers[0]),
                REALS = sizeof(reals) / sizeof(reals[0])
        };

        if (kind < INTEGERS)
                sqlite3_bind_int64(statement, 1, integers[kind]);
        else if (kind < INTEGERS + REALS)
                sqlite3_bind_double(statement, 1, reals[kind - INTEGERS]);
        else if (kind % 4 == 0)
                sqlite3_bind_null(statement, 1);
        else if (kind % 4 == 1)
                sqlite3_bind_blob(statement, 1, text, (int)length, SQLITE_STATIC);
        else
                sqlite3_bind_text(statement, 1, (const char *)text, (int)length, SQLITE_STATIC);
}

static inline void edits_do(sqlite3 *file, const uint8_t *edit, const uint8_t *text, size_t length)
{
        const struct edit_column *column = &edit_columns[edit[0] % edit_column_count];
        sqlite3_stmt *statement = NULL;
        char sql[320];

        switch (edit[2]) {
        case 255:
                snprintf(sql, sizeof(sql), "alter table \"%s\" drop column \"%s\"", column->table,
                         column->name);
                break;
        case 254:
                snprintf(sql, sizeof(sql), "alter table \"%s\" rename to \"another\"", column->table);
                break;
        case 253:
                snprintf(sql, sizeof(sql), "drop table \"%s\"", column->table);
                break;
        case 252:
                snprintf(sql, sizeof(sql), "pragma user_version = %d", edit[1]);
                break;
        default:
                snprintf(sql, sizeof(sql),
                         "update \"%s\" set \"%s\" = ?1 where ?2 or length(\"%s\") %% 2",
                         column->table, column->name, column->name);
        }
        /* Some edits are none, such as no value in a key. */
        if (sqlite3_prepare_v2(file, sql, -1, &statement, NULL) == SQLITE_OK) {
                if (sqlite3_bind_parameter_count(statement) > 0) {
                        edits_bind(statement, edit[2], text, length);
                        sqlite3_bind_int(statement, 2, edit[1] % 2);
                }
                sqlite3_step(statement);
        }
        sqlite3_finalize(statement);
}

/* What edits_begin() took becomes the file `name` of the folder, changed. */
static inline void edits_apply(const char *name, const uint8_t *bytes, size_t size)
{
        sqlite3 *file = NULL;

        fuzz_write(name, edit_file, edit_file_size);
        if (sqlite3_open(fuzz_path(name), &file) != SQLITE_OK)
                abort();
        sqlite3_exec(file,
                     "pragma journal_mode = off; pragma synchronous = off; pragma foreign_keys = off;"
                     " pragma ignore_check_constraints = on; begin",
                     NULL, NULL, NULL);
        for (int i = 0; i < EDITS_MAX && size >= EDIT_BYTES; i++) {
                size_t length = bytes[3];

                if (length > size - EDIT_BYTES)
                        length = size - EDIT_BYTES;
                edits_do(file, bytes, bytes + EDIT_BYTES, length);
                bytes += EDIT_BYTES + length;
                size -= EDIT_BYTES + length;
        }
        sqlite3_exec(file, "commit", NULL, NULL, NULL);
        sqlite3_close(file);
}

#endif
