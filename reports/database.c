/* database.c - runs are entered into an SQLite file.
 *
 * Rows of incidents, episodes, actions and predictions are made of the same JSON
 * rows that result.json has (arm_tree.h), so a column means what the key means.
 *
 * A batch is what came within a second, or 32 replications. It waits as pointers
 * to what was kept, so that nothing is written, and nothing locked, while a
 * simulation runs; the transaction takes some milliseconds.
 *
 * Not here: the file (database_file.c), what is read of it (database_read.c).
 */
#include "reports/database_file.h"

#include <errno.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/memory.h"
#include "reports/arm_tree.h"
#include "reports/metric_table.h"
#include "reports/report.h"

enum {
        BATCH_MAX = DATABASE_BATCH_MAX,
        BATCH_MS = 1000,
};

/* ---- the lists of an arm: which keys of a row go where */

static const struct list_table {
        const char *list, *insert, *keys; /* keys: of ?4 and on */
} list_tables[] = {
        {"incidents",
         "insert into incidents (run_id, replication, arm, service, user_visible, fault, onset, "
         "detected, acted, restored, bad_requests, requests, faults, failure_type, severity, fate) "
         "values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
         "service user_visible f o d a r bad_requests requests faults failure_type severity fate"},
        {"episodes",
         "insert into episodes (run_id, replication, arm, episode, service, failure_type, severity, "
         "opened, acted, ended, alarms, actions, truth, claimed, verified, failed, healed, "
         "root_cause_right) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, "
         "?15, ?16, ?17, ?18)",
         "episode service failure_type severity opened acted ended alarms actions truth claimed "
         "verified failed healed root_cause_right"},
        {"actions",
         "insert into actions (run_id, replication, arm, episode, action, service, instance, "
         "started, finished, ok, preventive, held_back, false_action, right_target, right_action) "
         "values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
         "episode action service instance t finished ok preventive held_back false_action "
         "right_target right_action"},
        {"predictions",
         "insert into predictions (run_id, replication, arm, service, failure_type, said, "
         "confidence, expected, onset, outcome) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
         "service failure_type t confidence eta onset outcome"},
};
enum { LIST_TABLE_COUNT = sizeof(list_tables) / sizeof(*list_tables) };

static const char *const arm_metrics[] = {"failed_requests", "bad_seconds",     "availability",
                                          "incidents",       "time_to_restore", "human_pages",
                                          "cost"};
#define INSERT_ARM                                                                              \
        "insert into arms (run_id, replication, arm, ended, requests, failed_requests, "        \
        "bad_seconds, availability, incidents, time_to_restore, human_pages, cost) values (?1, " \
        "?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"

/* ---- binding */

static void bind_text(sqlite3_stmt *statement, int at, const char *text)
{
        if (sqlite3_bind_text(statement, at, text == NULL ? "" : text, -1, SQLITE_TRANSIENT) !=
            SQLITE_OK)
                memory_note_lack(); /* it would be NULL, and nobody would know */
}

static void bind_real(sqlite3_stmt *statement, int at, double value)
{
        if (isfinite(value))
                sqlite3_bind_double(statement, at, value);
        else
                sqlite3_bind_null(statement, at);
}

static void bind_json(sqlite3_stmt *statement, int at, const json_t *value)
{
        char *list;

        switch (value == NULL ? JSON_NULL : json_typeof(value)) {
        case JSON_STRING:
                bind_text(statement, at, json_string_value(value));
                break;
        case JSON_INTEGER:
                sqlite3_bind_int64(statement, at, json_integer_value(value));
                break;
        case JSON_REAL:
                bind_real(statement, at, json_real_value(value));
                break;
        case JSON_TRUE:
        case JSON_FALSE:
                sqlite3_bind_int(statement, at, json_is_true(value));
                break;
        case JSON_ARRAY:
        case JSON_OBJECT:
                list = json_dumps(value, JSON_COMPACT);
                bind_text(statement, at, list);
                free(list);
                break;
        case JSON_NULL:
                sqlite3_bind_null(statement, at);
        }
}

static void bind_place(sqlite3_stmt *statement, int64_t id, uint32_t replication, const char *arm)
{
        sqlite3_bind_int64(statement, 1, id);
        sqlite3_bind_int64(statement, 2, replication);
        bind_text(statement, 3, arm);
}

/* ---- a run */

/* Equal for runs of which each replication has the same bytes. */
static char *key_of(const struct database_run *run)
{
        const struct run_meta *meta = run->meta;
        struct text key;

        text_init(&key);
        text_addf(&key, "%s|%s|%llu|%s|%u|", meta->version == NULL ? "" : meta->version,
                  meta->digest == NULL ? "" : meta->digest, (unsigned long long)meta->seed,
                  meta->healer_digest == NULL ? "" : meta->healer_digest, run->first);
        for (uint32_t i = 0; i < meta->override_count; i++)
                text_addf(&key, "%s=%s|", meta->override_names[i], meta->override_values[i]);
        text_add(&key, run->circumstances);
        if (!text_ok(&key)) {
                text_release(&key);
                return NULL;
        }
        return key.bytes;
}

/* Replications from `first` on without a gap, whose records are there. */
static bool count_held(struct database *database, int64_t id, uint32_t first, uint32_t *held,
                       struct out_error *error)
{
        sqlite3_stmt *statement =
                database_prepare(database,
                                 "select replication from replications where run_id = ?1 "
                                 "and replication >= ?2 and record is not null and not "
                                 "interrupted order by replication",
                                 error);
        int status = SQLITE_DONE;

        if (statement == NULL)
                return false;
        *held = 0;
        sqlite3_bind_int64(statement, 1, id);
        sqlite3_bind_int64(statement, 2, first);
        while ((status = sqlite3_step(statement)) == SQLITE_ROW &&
               sqlite3_column_int64(statement, 0) == (int64_t)first + *held)
                ++*held;
        if (status != SQLITE_ROW && status != SQLITE_DONE)
                database_fail(database, error);
        sqlite3_finalize(statement);
        return !database->failed;
}

/* The newest run of that key; *id 0: none. A shorter one that has ended is none,
 * as its records are gone. */
static bool find_past(struct database *database, const char *key, const struct database_run *run,
                      struct database_past *past, int64_t *id, struct out_error *error)
{
        sqlite3_stmt *statement = database_prepare(
                database,
                "select id, state, exit_code from runs where key = ?1 and (state <> 'finished' or "
                "replications = ?2) order by (state = 'finished') desc, id desc limit 1",
                error);
        bool finished = false;

        if (statement == NULL)
                return false;
        bind_text(statement, 1, key);
        sqlite3_bind_int64(statement, 2, run->count);
        switch (sqlite3_step(statement)) {
        case SQLITE_ROW:
                *id = sqlite3_column_int64(statement, 0);
                finished = strcmp(database_text(statement, 1), "finished") == 0;
                past->finished = finished;
                past->exit_code = sqlite3_column_int(statement, 2);
                break;
        case SQLITE_DONE:
                break;
        default:
                database_fail(database, error);
        }
        sqlite3_finalize(statement);
        if (database->failed)
                return false;
        return finished || *id == 0 || count_held(database, *id, run->first, &past->held, error);
}

static bool insert_run(struct database *database, const char *key, const struct database_run *run,
                       int64_t *id, struct out_error *error)
{
        const struct run_meta *meta = run->meta;
        sqlite3_stmt *statement = database_prepare(
                database,
                "insert into runs (key, scenario, title, scenario_digest, seed, strategy, "
                "strategy_digest, comparison, first_replication, replications, version, command, "
                "folder, started_at, state) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, "
                "?12, ?13, ?14, 'running')",
                error);
        char seed[24];
        bool done;

        if (statement == NULL)
                return false;
        snprintf(seed, sizeof(seed), "%llu", (unsigned long long)meta->seed);
        bind_text(statement, 1, key);
        bind_text(statement, 2, meta->file);
        bind_text(statement, 3, meta->title);
        bind_text(statement, 4, meta->digest);
        bind_text(statement, 5, seed);
        bind_text(statement, 6, run->strategy);
        bind_text(statement, 7, meta->healer_digest);
        if (run->comparison != 0)
                sqlite3_bind_int64(statement, 8, run->comparison);
        sqlite3_bind_int64(statement, 9, run->first);
        sqlite3_bind_int64(statement, 10, run->count);
        bind_text(statement, 11, meta->version);
        bind_text(statement, 12, meta->command);
        bind_text(statement, 13, run->folder);
        bind_text(statement, 14, run->date);
        done = database_step(database, statement, error);
        *id = sqlite3_last_insert_rowid(database->file);
        sqlite3_finalize(statement);
        return done;
}

/* What an interrupted run has beyond the part without a gap is run again. */
static bool go_on(struct database *database, int64_t id, const struct database_run *run,
                  uint32_t held, struct out_error *error)
{
        sqlite3_stmt *statement = database_prepare(
                database, "delete from replications where run_id = ?1 and replication >= ?2",
                error);
        bool done;

        if (statement == NULL)
                return false;
        sqlite3_bind_int64(statement, 1, id);
        sqlite3_bind_int64(statement, 2, (int64_t)run->first + held);
        done = database_step(database, statement, error);
        sqlite3_finalize(statement);
        if (!done)
                return false;
        statement = database_prepare(
                database,
                "update runs set state = 'running', replications = ?2, folder = ?3 "
                "where id = ?1",
                error);
        if (statement == NULL)
                return false;
        sqlite3_bind_int64(statement, 1, id);
        sqlite3_bind_int64(statement, 2, run->count);
        bind_text(statement, 3, run->folder);
        done = database_step(database, statement, error);
        sqlite3_finalize(statement);
        return done;
}

bool database_begin(struct database *database, const struct database_run *run,
                    struct database_past *past, int64_t *id, struct out_error *error)
{
        char *key = key_of(run);
        bool done = false;

        *id = 0;
        if (past != NULL)
                *past = (struct database_past){0};
        if (key == NULL)
                return database_refuse(database, strerror(ENOMEM), error);
        if (!database_lock(database, error))
                goto done;
        done = past == NULL || find_past(database, key, run, past, id, error);
        if (done && *id == 0)
                done = insert_run(database, key, run, id, error);
        else if (done && !past->finished)
                done = go_on(database, *id, run, past->held, error);
        done = database_settle(database, done, error);
done:
        free(key);
        return done;
}

unsigned char *database_record(struct database *database, int64_t id, uint32_t replication,
                               size_t *count, struct out_error *error)
{
        sqlite3_stmt *statement = database_prepare(
                database, "select record from replications where run_id = ?1 and replication = ?2",
                error);
        unsigned char *copy = NULL;

        if (statement == NULL)
                return NULL;
        sqlite3_bind_int64(statement, 1, id);
        sqlite3_bind_int64(statement, 2, replication);
        if (sqlite3_step(statement) == SQLITE_ROW) {
                *count = (size_t)sqlite3_column_bytes(statement, 0);
                copy = malloc(*count + 1);
                if (copy != NULL && *count > 0)
                        memcpy(copy, sqlite3_column_blob(statement, 0), *count);
        }
        sqlite3_finalize(statement);
        if (copy == NULL)
                database_refuse(database, "a replication that was there cannot be read", error);
        return copy;
}

/* ---- replications */

static double arm_value(const struct waiting *from, enum arm arm, const char *name)
{
        const struct metric_row *row = metric_find(name);
        const struct metric_query query = {.meta = from->meta,
                                           .arm = arm,
                                           .service = RECORD_NONE,
                                           .phase = KEPT_WHOLE,
                                           .confidence = 0.95};

        /* The same conditions as metrics.csv: what only the grade of the treated
         * arm has, is null elsewhere. */
        if (row == NULL || (row->scopes & SCOPE_ARM) == 0 ||
            ((row->scopes & SCOPE_TWINS) != 0 && arm != ARM_TREATED) ||
            ((row->scopes & SCOPE_HEALER) != 0 && !arm_has_healer(arm)))
                return NAN;
        return metric_value_of(row, &query, from->kept);
}

static bool add_arm(struct database *database, sqlite3_stmt *statement, const struct waiting *from,
                    enum arm arm, struct out_error *error)
{
        const struct kept_arm *kept = &from->kept->arms[arm];

        bind_place(statement, from->id, from->kept->replication, arm_names[arm]);
        bind_real(statement, 4, seconds_of(kept->end_ns));
        sqlite3_bind_int64(statement, 5, (sqlite3_int64)kept->root_requests);
        for (size_t i = 0; i < sizeof(arm_metrics) / sizeof(*arm_metrics); i++)
                bind_real(statement, 6 + (int)i, arm_value(from, arm, arm_metrics[i]));
        return database_step(database, statement, error);
}

static bool add_list(struct database *database, sqlite3_stmt *statement, const struct waiting *from,
                     enum arm arm, const struct list_table *table, struct out_error *error)
{
        json_t *rows = arm_list_rows(from->meta, from->kept, arm, table->list), *row;
        bool done = true;
        size_t index;

        if (rows == NULL)
                return database_refuse(database, strerror(ENOMEM), error);
        json_array_foreach(rows, index, row)
        {
                const char *key = table->keys;

                bind_place(statement, from->id, from->kept->replication, arm_names[arm]);
                for (int at = 4; *key != '\0'; at++) {
                        size_t length = strcspn(key, " ");
                        char name[32];

                        snprintf(name, sizeof(name), "%.*s", (int)length, key);
                        bind_json(statement, at, json_object_get(row, name));
                        key += length + (key[length] == ' ');
                }
                done = database_step(database, statement, error);
                if (!done)
                        break;
        }
        json_decref(rows);
        return done;
}

struct inserts {
        sqlite3_stmt *replication, *arm, *lists[LIST_TABLE_COUNT];
};

static bool prepare_inserts(struct database *database, struct inserts *inserts,
                            struct out_error *error)
{
        inserts->replication =
                database_prepare(database,
                                 "insert into replications (run_id, replication, interrupted, "
                                 "record) values (?1, ?2, ?3, ?4)",
                                 error);
        inserts->arm = database_prepare(database, INSERT_ARM, error);
        for (size_t i = 0; i < LIST_TABLE_COUNT; i++)
                inserts->lists[i] = database_prepare(database, list_tables[i].insert, error);
        return !database->failed;
}

static void release_inserts(struct inserts *inserts)
{
        sqlite3_finalize(inserts->replication);
        sqlite3_finalize(inserts->arm);
        for (size_t i = 0; i < LIST_TABLE_COUNT; i++)
                sqlite3_finalize(inserts->lists[i]);
}

/* Whether somebody else, who went on with the same run, was faster; what it wrote
 * is the same. */
static bool is_there(struct database *database, const struct waiting *from, struct out_error *error)
{
        sqlite3_stmt *statement = database_prepare(
                database, "select 1 from replications where run_id = ?1 and replication = ?2",
                error);
        bool found = false;

        if (statement == NULL)
                return false;
        sqlite3_bind_int64(statement, 1, from->id);
        sqlite3_bind_int64(statement, 2, from->kept->replication);
        found = sqlite3_step(statement) == SQLITE_ROW;
        sqlite3_finalize(statement);
        return found;
}

static bool add_replication(struct database *database, struct inserts *inserts,
                            const struct waiting *from, struct out_error *error)
{
        if (is_there(database, from, error) || database->failed)
                return !database->failed;
        sqlite3_bind_int64(inserts->replication, 1, from->id);
        sqlite3_bind_int64(inserts->replication, 2, from->kept->replication);
        sqlite3_bind_int(inserts->replication, 3, from->kept->interrupted);
        if (from->record != NULL)
                sqlite3_bind_blob64(inserts->replication, 4, from->record, from->record_bytes,
                                    SQLITE_STATIC);
        if (!database_step(database, inserts->replication, error))
                return false;
        for (int a = 0; a < ARM_COUNT; a++) {
                if (!from->kept->arms[a].run)
                        continue;
                if (!add_arm(database, inserts->arm, from, (enum arm)a, error))
                        return false;
                for (size_t i = 0; i < LIST_TABLE_COUNT; i++)
                        if (!add_list(database, inserts->lists[i], from, (enum arm)a,
                                      &list_tables[i], error))
                                return false;
        }
        return true;
}

bool database_flush(struct database *database, struct out_error *error)
{
        struct inserts inserts = {0};
        bool done;

        if (database->failed || database->waiting == 0)
                return !database->failed;
        if (!database_lock(database, error))
                return false;
        done = prepare_inserts(database, &inserts, error);
        for (size_t i = 0; done && i < database->waiting; i++)
                done = add_replication(database, &inserts, &database->batch[i], error);
        release_inserts(&inserts);
        done = database_settle(database, done, error);
        database_forget(database);
        database->flushed_ms = database_now_ms();
        return done;
}

bool database_add(struct database *database, int64_t id, const struct run_meta *meta,
                  const struct kept *kept, unsigned char *record, size_t record_bytes,
                  struct out_error *error)
{
        if (database->failed) {
                free(record);
                return false;
        }
        database->batch[database->waiting++] =
                (struct waiting){id, meta, kept, record, record_bytes};
        return (database->waiting < BATCH_MAX &&
                database_now_ms() - database->flushed_ms < BATCH_MS) ||
               database_flush(database, error);
}

/* ---- the end of a run */

static bool add_metrics(struct database *database, int64_t id, const json_t *result,
                        struct out_error *error)
{
        sqlite3_stmt *statement = database_prepare(
                database,
                "insert or replace into metrics (run_id, arm, metric, value, low, high, n, count, "
                "numerator, denominator, unit) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, "
                "?11)",
                error);
        json_t *arms = json_object_get(result, "arms"), *arm, *metric;
        const char *arm_name, *name;
        bool done = statement != NULL;

        json_object_foreach(arms, arm_name, arm)
        {
                json_object_foreach(json_object_get(arm, "metrics"), name, metric)
                {
                        static const char *const keys[] = {"value", "low",       "high",       "n",
                                                           "count", "numerator", "denominator"};

                        if (!done)
                                break;
                        sqlite3_bind_int64(statement, 1, id);
                        bind_text(statement, 2, arm_name);
                        bind_text(statement, 3, name);
                        for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
                                bind_json(statement, 4 + (int)i, json_object_get(metric, keys[i]));
                        bind_text(statement, 11, result_text(metric, "unit"));
                        done = database_step(database, statement, error);
                }
        }
        sqlite3_finalize(statement);
        return done;
}

static bool add_thresholds(struct database *database, int64_t id, const json_t *result,
                           struct out_error *error)
{
        static const char *const keys[] = {"check", "observed", "low", "high", "unit", "outcome"};
        sqlite3_stmt *statement =
                database_prepare(database,
                                 "insert into thresholds (run_id, \"check\", observed, "
                                 "low, high, unit, outcome) values (?1, ?2, ?3, ?4, ?5, "
                                 "?6, ?7)",
                                 error);
        bool done = statement != NULL;
        size_t index;
        json_t *row;

        json_array_foreach(json_object_get(result, "thresholds"), index, row)
        {
                if (!done)
                        break;
                sqlite3_bind_int64(statement, 1, id);
                for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
                        bind_json(statement, 2 + (int)i, json_object_get(row, keys[i]));
                done = database_step(database, statement, error);
        }
        sqlite3_finalize(statement);
        return done;
}

static bool end_run(struct database *database, int64_t id, const json_t *result,
                    const json_t *run_facts, bool whole, struct out_error *error)
{
        sqlite3_stmt *statement = database_prepare(
                database,
                "update runs set state = ?2, outcome = ?3, exit_code = ?4, ended_at = ?5, "
                "wall_seconds = ?6, virtual_seconds = ?7, requests = ?8, events = ?9 where id = ?1",
                error);
        bool done;

        if (statement == NULL)
                return false;
        sqlite3_bind_int64(statement, 1, id);
        bind_text(statement, 2, whole ? "finished" : "interrupted");
        bind_text(statement, 3, result_text(result, "outcome"));
        bind_json(statement, 4, json_object_get(result, "exit_code"));
        bind_json(statement, 5, json_object_get(run_facts, "date"));
        bind_json(statement, 6, json_object_get(run_facts, "wall_seconds"));
        bind_json(statement, 7, result_at(result, "harness.virtual_seconds"));
        bind_json(statement, 8, result_at(result, "harness.requests"));
        bind_json(statement, 9, result_at(result, "harness.events"));
        done = database_step(database, statement, error);
        sqlite3_finalize(statement);
        return done;
}

/* Thresholds of an earlier end, and the records when nobody needs them any more. */
static bool clear_rows(struct database *database, int64_t id, const char *sql,
                       struct out_error *error)
{
        sqlite3_stmt *statement = database_prepare(database, sql, error);
        bool done;

        if (statement == NULL)
                return false;
        sqlite3_bind_int64(statement, 1, id);
        done = database_step(database, statement, error);
        sqlite3_finalize(statement);
        return done;
}

bool database_end(struct database *database, int64_t id, const json_t *result,
                  const json_t *run_facts, bool whole, struct out_error *error)
{
        bool done;

        if (!database_flush(database, error) || !database_lock(database, error))
                return false;
        done = clear_rows(database, id, "delete from thresholds where run_id = ?1", error) &&
               add_metrics(database, id, result, error) &&
               add_thresholds(database, id, result, error) &&
               end_run(database, id, result, run_facts, whole, error) &&
               (!whole ||
                clear_rows(database, id, "update replications set record = null where run_id = ?1",
                           error));
        return database_settle(database, done, error);
}
