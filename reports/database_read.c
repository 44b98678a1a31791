/* database_read.c - what is told of the runs in a database: results, as much of them as a trend
 * needs. */
#include "reports/database_file.h"

#include <stdio.h>

#include "reports/report.h"

enum { ROWS_READ_MAX = 10000 }; /* runs in a trend */

static json_t *column_json(sqlite3_stmt *statement, int column)
{
        switch (sqlite3_column_type(statement, column)) {
        case SQLITE_INTEGER:
                return json_integer(sqlite3_column_int64(statement, column));
        case SQLITE_FLOAT:
                return json_real(sqlite3_column_double(statement, column));
        case SQLITE_TEXT:
                return json_string(database_text(statement, column));
        default:
                return json_null();
        }
}

/* "arms" of a run: metrics alone. */
static json_t *metrics_of(struct database *database, int64_t id, struct out_error *error)
{
        static const char *const keys[] = {"value", "low",       "high",        "n",
                                           "count", "numerator", "denominator", "unit"};
        sqlite3_stmt *statement = database_prepare(
                database,
                "select arm, metric, value, low, high, n, count, numerator, denominator, unit from "
                "metrics where run_id = ?1",
                error);
        json_t *arms = json_object();
        int status = SQLITE_DONE;

        if (statement == NULL || arms == NULL)
                goto done;
        sqlite3_bind_int64(statement, 1, id);
        while ((status = sqlite3_step(statement)) == SQLITE_ROW) {
                const char *arm = database_text(statement, 0);
                const char *metric = database_text(statement, 1);
                json_t *value = json_object();

                if (json_object_get(arms, arm) == NULL)
                        json_object_set_new(arms, arm, json_pack("{s:{}}", "metrics"));
                for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
                        json_object_set_new(value, keys[i], column_json(statement, 2 + (int)i));
                json_object_set_new(json_object_get(json_object_get(arms, arm), "metrics"), metric,
                                    value);
        }
        if (status != SQLITE_DONE)
                database_fail(database, error);
done:
        sqlite3_finalize(statement);
        if (!database->failed)
                return arms;
        json_decref(arms);
        return NULL;
}

static json_t *result_of(struct database *database, sqlite3_stmt *statement,
                         struct out_error *error)
{
        json_t *arms = metrics_of(database, sqlite3_column_int64(statement, 0), error);
        json_t *result;

        if (arms == NULL)
                return NULL;
        result = json_pack("{s:s, s:{}, s:{}, s:{}, s:o}", "schema", RESULT_SCHEMA, "scenario",
                           "healer", "run_facts", "arms", arms);
        if (result == NULL)
                return NULL;
        static const struct {
                int column;
                const char *parent, *key;
        } texts[] = {
                {1, "scenario", "file"}, {2, "scenario", "title"}, {3, "scenario", "digest"},
                {4, "healer", "name"},   {5, "healer", "digest"},  {6, "run_facts", "date"},
                {7, NULL, "outcome"},    {8, NULL, "exit_code"},   {9, NULL, "seed"},
                {10, NULL, "runs"},      {0, NULL, "id"},
        };
        for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
                json_object_set_new(
                        texts[i].parent == NULL ? result : json_object_get(result, texts[i].parent),
                        texts[i].key, column_json(statement, texts[i].column));
        return result;
}

json_t *database_results(struct database *database, struct out_error *error)
{
        sqlite3_stmt *statement;
        json_t *results = json_array();
        int status = SQLITE_DONE;

        if (database->empty)
                return results;
        statement = database_prepare(
                database,
                "select id, scenario, title, scenario_digest, strategy, strategy_digest, "
                "started_at, outcome, exit_code, seed, replications from (select * from runs where "
                "state = 'finished' order by id desc limit ?1) order by started_at, id",
                error);
        if (statement == NULL)
                goto done;
        sqlite3_bind_int(statement, 1, ROWS_READ_MAX);
        while (!database->failed && (status = sqlite3_step(statement)) == SQLITE_ROW) {
                json_t *result = result_of(database, statement, error);
                char name[32];

                if (result == NULL)
                        break;
                snprintf(name, sizeof(name), "run %lld",
                         (long long)sqlite3_column_int64(statement, 0));
                json_object_set_new(result, "name", json_string(name));
                json_array_append_new(results, result);
        }
        if (!database->failed && status != SQLITE_DONE)
                database_fail(database, error);
done:
        sqlite3_finalize(statement);
        if (!database->failed)
                return results;
        json_decref(results);
        return NULL;
}
