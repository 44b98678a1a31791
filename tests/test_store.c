/* test_store.c - the healer's store: what is written, what survives, what is said.
 *
 * The file is read with plain SQL, as people do. Calls of SQLite are failed one
 * after the other (the linker's --wrap), and a process of our own is killed in
 * the middle of writing.
 */
#include <errno.h>
#include <fcntl.h>
#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "healer/store/hst.h"
#include "tests/effort.h"
#include "tests/healer_rig.h"

#define DAY_NS (86400 * RIG_SECOND)

static char folder[64], path[96], said[4096], reason[256];
static uint32_t says;
static struct healer_store_config config;
static struct healer_store *store;

/* ---- SQLite, failing on wish */

static int calls, fail_call, fail_status;

static bool fails(void)
{
        return fail_call > 0 && ++calls == fail_call;
}

int __real_sqlite3_step(sqlite3_stmt *statement);
int __real_sqlite3_exec(sqlite3 *db, const char *sql, int (*each)(void *, int, char **, char **),
                        void *user, char **error);
int __real_sqlite3_prepare_v2(sqlite3 *db, const char *sql, int bytes, sqlite3_stmt **out,
                              const char **tail);
int __real_sqlite3_open_v2(const char *name, sqlite3 **out, int flags, const char *vfs);
int __wrap_sqlite3_step(sqlite3_stmt *statement);
int __wrap_sqlite3_exec(sqlite3 *db, const char *sql, int (*each)(void *, int, char **, char **),
                        void *user, char **error);
int __wrap_sqlite3_prepare_v2(sqlite3 *db, const char *sql, int bytes, sqlite3_stmt **out,
                              const char **tail);
int __wrap_sqlite3_open_v2(const char *name, sqlite3 **out, int flags, const char *vfs);

int __wrap_sqlite3_step(sqlite3_stmt *statement)
{
        return fails() ? fail_status : __real_sqlite3_step(statement);
}

int __wrap_sqlite3_exec(sqlite3 *db, const char *sql, int (*each)(void *, int, char **, char **),
                        void *user, char **error)
{
        return fails() ? fail_status : __real_sqlite3_exec(db, sql, each, user, error);
}

int __wrap_sqlite3_prepare_v2(sqlite3 *db, const char *sql, int bytes, sqlite3_stmt **out,
                              const char **tail)
{
        *out = NULL;
        return fails() ? fail_status : __real_sqlite3_prepare_v2(db, sql, bytes, out, tail);
}

int __wrap_sqlite3_open_v2(const char *name, sqlite3 **out, int flags, const char *vfs)
{
        *out = NULL;
        return fails() ? fail_status : __real_sqlite3_open_v2(name, out, flags, vfs);
}

/* ---- the file as people see it */

static void keep_saying(void *ctx, const char *line)
{
        (void)ctx;
        says++;
        snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s\n", line);
}

static void setup(void)
{
        /* in memory where that is to be had: what is tested are processes, not disks */
        snprintf(folder, sizeof(folder), "/dev/shm/chaos-store-XXXXXX");
        if (mkdtemp(folder) == NULL) {
                snprintf(folder, sizeof(folder), "/tmp/chaos-store-XXXXXX");
                ck_assert_ptr_nonnull(mkdtemp(folder));
        }
        snprintf(path, sizeof(path), "%s/healer.db", folder);
        config = healer_store_config_defaults();
        config.path = path;
        config.say = keep_saying;
        config.busy_ns = 0;
        store = NULL;
        says = 0;
        said[0] = '\0';
        fail_call = calls = 0;
}

static void teardown(void)
{
        static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
        char name[128];

        fail_call = 0;
        healer_store_abandon(store);
        for (size_t i = 0; i < 4; i++) {
                snprintf(name, sizeof(name), "%s%s", path, ends[i]);
                unlink(name);
        }
        rmdir(folder);
}

static void open_store(void)
{
        ck_assert_msg(healer_store_open(&config, 0, reason, sizeof(reason), &store) == HEALER_OK,
                      "%s", reason);
}

static void sql(const char *text)
{
        sqlite3 *db;
        char *error = NULL;

        ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
        sqlite3_busy_timeout(db, 5000);
        ck_assert_msg(sqlite3_exec(db, text, NULL, NULL, &error) == SQLITE_OK, "%s: %s", text, error);
        sqlite3_close(db);
}

/* The first value of the first row as text; "-" without a row or value. */
static const char *ask(const char *text)
{
        static char answers[8][512];
        static int next;
        char *answer = answers[next++ % 8];
        sqlite3_stmt *row;
        sqlite3 *db;

        ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
        sqlite3_busy_timeout(db, 5000);
        ck_assert_msg(sqlite3_prepare_v2(db, text, -1, &row, NULL) == SQLITE_OK, "%s: %s", text,
                      sqlite3_errmsg(db));
        snprintf(answer, 512, "-");
        if (sqlite3_step(row) == SQLITE_ROW && sqlite3_column_type(row, 0) != SQLITE_NULL)
                snprintf(answer, 512, "%s", (const char *)sqlite3_column_text(row, 0));
        sqlite3_finalize(row);
        sqlite3_close(db);
        return answer;
}

static long number(const char *text)
{
        return strtol(ask(text), NULL, 10);
}

static enum healer_err add_check(int64_t at_ns, const char *component)
{
        const struct healer_value values[] = {
                HEALER_TEXT("component", component), HEALER_TEXT("status", "healthy"),
                HEALER_INTEGER("checked_at", at_ns), HEALER_REAL("response_time", 1.5)};

        return healer_store_add(store, HEALER_TABLE_HEALTH_CHECKS, 0, at_ns, values, 4);
}

/* ---- tables */

/* A value that names its table and column. */
static size_t value_for(int table, size_t column, const char *name, const char *type, char *text,
                        struct healer_value *out)
{
        snprintf(text, 64, "%.40s of %d", name, table);
        memset(out, 0, sizeof(*out));
        out->column = name;
        out->text = text;
        out->type = strcmp(type, "integer") == 0 ? HEALER_VALUE_INTEGER
                    : strcmp(type, "real") == 0  ? HEALER_VALUE_REAL
                                                 : HEALER_VALUE_TEXT;
        out->integer = (int64_t)(table * 1000 + (int)column);
        out->real = table + (double)column / 64;
        return 1;
}

static void fill_every_table(void)
{
        struct healer_value values[HST_COLUMNS_MAX];
        char names[HST_COLUMNS_MAX][HST_NAME_MAX], texts[HST_COLUMNS_MAX][64];
        const char *at, *type;
        size_t count;

        for (int table = 0; table < HEALER_TABLE_COUNT; table++) {
                at = hst_tables[table].columns;
                for (count = 0; hst_next_column(&at, names[count], &type); count++)
                        (void)value_for(table, count, names[count], type, texts[count],
                                        &values[count]);
                ck_assert_int_eq(healer_store_add(store, (enum healer_table)table, 0, 5, values,
                                                  count),
                                 HEALER_OK);
        }
}

static void check_every_table(void)
{
        char name[HST_NAME_MAX], query[256], expected[64];
        const char *at, *type;
        struct healer_value value;
        char text[64];

        for (int table = 0; table < HEALER_TABLE_COUNT; table++) {
                at = hst_tables[table].columns;
                for (size_t column = 0; hst_next_column(&at, name, &type); column++) {
                        (void)value_for(table, column, name, type, text, &value);
                        snprintf(query, sizeof(query), "select \"%s\" from \"%s\" order by \"%s\" desc",
                                 name, hst_tables[table].name, hst_tables[table].id);
                        if (value.type == HEALER_VALUE_TEXT)
                                snprintf(expected, sizeof(expected), "%s", text);
                        else if (value.type == HEALER_VALUE_INTEGER)
                                snprintf(expected, sizeof(expected), "%lld", (long long)value.integer);
                        else
                                snprintf(expected, sizeof(expected), "%.15g", value.real);
                        if (value.type == HEALER_VALUE_REAL)
                                ck_assert_msg(fabs(strtod(ask(query), NULL) - value.real) < 1e-9,
                                              "%s: %s", query, ask(query));
                        else
                                ck_assert_msg(strcmp(ask(query), expected) == 0, "%s: %s is not %s",
                                              query, ask(query), expected);
                }
        }
}

START_TEST(s1_30_s3_36_every_column_of_every_table_is_read_back_after_a_crash)
{
        pid_t child = fork();
        int status;

        if (child == 0) {
                open_store();
                fill_every_table();
                if (healer_store_flush(store, 10) != HEALER_OK)
                        _exit(1);
                (void)kill(getpid(), SIGKILL);
                _exit(2);
        }
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        check_every_table();
        ck_assert_str_eq(ask("pragma integrity_check"), "ok");
}
END_TEST

/* The names stand in the documents; ours are only added to them. */
START_TEST(the_tables_of_the_documents_are_there_with_their_columns)
{
        static const char *const documented[][2] = {
                {"error_incidents", "id error_type severity detected_at resolved_at diagnosis "
                                    "recovery_actions effectiveness_score message context "
                                    "source_component stack_trace metrics tags created_at updated_at"},
                {"recovery_procedures", "id error_pattern procedure_steps success_rate last_updated "
                                        "execution_count created_at description parameters_schema "
                                        "conditions enabled"},
                {"system_health_metrics", "id metric_name current_value threshold_warning "
                                          "threshold_critical status measured_at component tags "
                                          "created_at"},
                {"unified_brain", "id agent_name action_type input_data output_data success metadata "
                                  "executed_at"},
                {"ai_proactive_health", "id component health_score trend predicted_failure_time "
                                        "failure_probability metrics warnings created_at updated_at"},
                {"ai_rollback_history", "id component rollback_type from_state to_state success "
                                        "error_message executed_at"},
                {"circuit_breakers",
                 "id name state failures successes consecutive_failures consecutive_successes "
                 "last_failure_time last_success_time last_state_change next_attempt_time "
                 "half_open_attempts total_failures total_successes total_requests config created_at "
                 "updated_at"},
                {"circuit_breaker_state_history",
                 "id circuit_breaker_id circuit_name from_state to_state reason "
                 "failures_at_transition successes_at_transition transitioned_at"},
                {"health_checks", "id component check_name status response_time error details "
                                  "checked_at"},
                {"component_health_summary",
                 "id component current_status total_checks failed_checks avg_response_time "
                 "availability_percent last_incident_at incident_count_24h uptime_seconds "
                 "last_healthy_at last_updated"},
                {"recovery_events", "id event_type failure_category severity component strategy_name "
                                    "attempt_number success error duration_ms context occurred_at"},
                {"degradation_state", "id level disabled_features reduced_capabilities reason "
                                      "triggered_by since recovered_at expected_duration metadata"},
                {"feature_flags", "id name description enabled degradation_levels priority "
                                  "dependencies created_at updated_at updated_by"},
                {"chaos_experiments", "id experiment_id name description fault_type target config "
                                      "duration status started_at stopped_at created_at results"},
                {"chaos_experiment_events", "id experiment_id event_type message data occurred_at"},
                {"system_health_snapshots", "id overall_status degradation_level health_score "
                                            "active_incidents open_circuit_breakers "
                                            "component_statuses snapshot_at"},
                {"remediation_plans", "plan_id incident_id actions confidence "
                                      "estimated_recovery_seconds requires_approval approved executed "
                                      "created_at"},
                {"self_healing_incidents",
                 "incident_id component description severity status detected_at resolved_at metrics "
                 "root_cause remediation_steps escalation_history recovery_time_seconds "
                 "auto_resolved"},
        };
        char query[160], name[HST_NAME_MAX];
        const char *at, *type;

        open_store();
        for (size_t i = 0; i < sizeof(documented) / sizeof(documented[0]); i++) {
                at = documented[i][1];
                while (hst_next_column(&at, name, &type)) {
                        snprintf(query, sizeof(query),
                                 "select count(*) from pragma_table_info('%s') where name = '%s'",
                                 documented[i][0], name);
                        ck_assert_msg(number(query) == 1, "%s has no %s", documented[i][0], name);
                }
        }
        for (size_t i = 0; hst_view_names[i] != NULL; i++) {
                snprintf(query, sizeof(query), "select count(*) from \"%s\"", hst_view_names[i]);
                (void)number(query);
        }
}
END_TEST

START_TEST(s2_16_an_empty_file_and_an_older_one_open_without_loss)
{
        sql("create table error_incidents (id integer primary key, error_type text, severity text);"
            "insert into error_incidents values (7, 'memory_leak', 'high');"
            "create table unified_brain (key text, value text);"
            "insert into unified_brain values ('k', 'v');"
            "create table somebody_elses (x)");
        open_store();
        ck_assert_str_eq(ask("select error_type from error_incidents where id = 7"), "memory_leak");
        ck_assert_str_eq(ask("select value from unified_brain where key = 'k'"), "v");
        ck_assert_int_eq(number("select count(*) from sqlite_master where name = 'somebody_elses'"), 1);
        ck_assert_int_eq(number("select count(*) from pragma_table_info('error_incidents') where name "
                                "= 'effectiveness_score'"),
                         1);
        ck_assert_int_eq(add_check(1, "cart"), HEALER_OK);
        ck_assert_int_eq(healer_store_flush(store, 2), HEALER_OK);
        ck_assert_int_eq(number("select count(*) from health_checks"), 1);
        healer_store_close(store);
        open_store(); /* once more: nothing changes */
        ck_assert_int_eq(number("select count(*) from error_incidents"), 1);
        ck_assert_int_eq(number("select count(*) from health_checks"), 1);
}
END_TEST

START_TEST(what_cannot_be_a_store_is_refused_with_its_reason)
{
        char name[1000];
        FILE *file = fopen(path, "w");

        fputs("this is a text, and a long one, so that it cannot be taken for an empty file", file);
        for (int i = 0; i < 100; i++)
                fputs("this is a text, and a long one, so that it cannot be taken for a file", file);
        fclose(file);
        ck_assert_int_eq(healer_store_open(&config, 0, reason, sizeof(reason), &store), HEALER_E_IO);
        ck_assert_ptr_null(store);
        ck_assert_ptr_nonnull(strstr(reason, "not a database"));
        unlink(path);
        sql("create table healer_store (version integer); insert into healer_store values (99)");
        ck_assert_int_eq(healer_store_open(&config, 0, reason, sizeof(reason), &store), HEALER_E_IO);
        ck_assert_ptr_nonnull(strstr(reason, "made by a newer healer"));
        config.path = "/nowhere/at/all.db";
        ck_assert_int_eq(healer_store_open(&config, 0, reason, sizeof(reason), &store), HEALER_E_IO);
        ck_assert_ptr_nonnull(strstr(reason, "/nowhere/at/all.db: unable to open"));
        ck_assert_ptr_nonnull(strstr(reason, strerror(ENOENT)));
        config.path = "/dev";
        ck_assert_int_eq(healer_store_open(&config, 0, reason, sizeof(reason), &store), HEALER_E_IO);
        ck_assert_str_eq(reason, "/dev: it is a folder, not a file");
        memset(name, '/', sizeof(name) - 1);
        name[sizeof(name) - 1] = '\0';
        memcpy(name + sizeof(name) - sizeof("nowhere/x"), "nowhere/x", sizeof("nowhere/x"));
        config.path = name;
        ck_assert_int_eq(healer_store_open(&config, 0, reason, sizeof(reason), &store), HEALER_E_IO);
        ck_assert_ptr_nonnull(strstr(reason, "nowhere/x: unable to open"));
        snprintf(name, sizeof(name), "%s.pipe", path);
        ck_assert_int_eq(mkfifo(name, 0600), 0);
        ck_assert_int_eq(healer_store_open(&config, 0, reason, sizeof(reason), &store), HEALER_E_IO);
        ck_assert_ptr_nonnull(strstr(reason, ".pipe: it is no ordinary file"));
        unlink(name);
        config.path = path;
        config.batch_size = 0;
        ck_assert_int_eq(healer_store_open(&config, 0, reason, sizeof(reason), &store),
                         HEALER_E_RANGE);
        ck_assert_str_eq(reason, "batch_size: must be 1..10000");
}
END_TEST

/* ---- batches */

START_TEST(s3_36_a_batch_is_written_when_full_or_after_the_interval)
{
        config.batch_size = 10;
        open_store();
        for (int i = 0; i < 9; i++)
                (void)add_check(i, "cart");
        ck_assert_int_eq(healer_store_pump(store, RIG_SECOND), HEALER_OK);
        ck_assert_int_eq(number("select count(*) from health_checks"), 0);
        (void)add_check(9, "cart");
        (void)add_check(10, "cart");
        ck_assert_int_eq(healer_store_pump(store, RIG_SECOND), HEALER_OK);
        ck_assert_int_eq(number("select count(*) from health_checks"), 10);
        ck_assert_uint_eq(healer_store_stats(store).batches, 1);
        ck_assert_int_eq(healer_store_pump(store, 6 * RIG_SECOND - 1), HEALER_OK);
        ck_assert_int_eq(number("select count(*) from health_checks"), 10);
        ck_assert_int_eq(healer_store_pump(store, 6 * RIG_SECOND), HEALER_OK);
        ck_assert_int_eq(number("select count(*) from health_checks"), 11);
}
END_TEST

/* Writes for ever, a record's number as its component, until it is killed. The
 * pipe says how far the queue has been handed over to pump. */
static void write_until_killed(int out)
{
        char name[24];
        struct timespec pause = {.tv_nsec = 200000};

        config.batch_size = 10;
        open_store();
        for (uint32_t i = 1;; i++) {
                snprintf(name, sizeof(name), "%u", i);
                if (add_check(i, name) != HEALER_OK)
                        _exit(1);
                if (write(out, &i, sizeof(i)) != sizeof(i))
                        _exit(1);
                (void)healer_store_pump(store, (int64_t)i);
                if (i % 7 == 0)
                        nanosleep(&pause, NULL);
        }
}

START_TEST(s3_36_kill_in_the_middle_loses_one_batch_at_most_and_never_the_file)
{
        int ends[2], status;
        uint32_t added = 0, read_number;
        struct timespec wait = {.tv_nsec = 15000000L + 7000000L * _i};
        pid_t child;

        ck_assert_int_eq(pipe(ends), 0);
        child = fork();
        if (child == 0) {
                close(ends[0]);
                write_until_killed(ends[1]);
        }
        close(ends[1]);
        ck_assert_int_eq(read(ends[0], &added, sizeof(added)), sizeof(added));
        nanosleep(&wait, NULL);
        ck_assert_int_eq(kill(child, SIGKILL), 0);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFSIGNALED(status));
        while (read(ends[0], &read_number, sizeof(read_number)) == sizeof(read_number))
                added = read_number;
        close(ends[0]);
        ck_assert_str_eq(ask("pragma integrity_check"), "ok");
        ck_assert_int_ge(number("select count(*) from health_checks"), (long)added - 10);
        /* without a gap, and whole batches */
        ck_assert_int_eq(number("select count(*) - coalesce(max(cast(component as integer)), 0) from "
                                "health_checks"),
                         0);
        ck_assert_int_eq(number("select count(*) % 10 from health_checks"), 0);
        open_store();
        ck_assert_int_eq(add_check(5, "after"), HEALER_OK);
        ck_assert_int_eq(healer_store_flush(store, 6), HEALER_OK);
        ck_assert_int_eq(number("select count(*) from health_checks where component = 'after'"), 1);
}
END_TEST

START_TEST(s3_36_purge_is_exact_and_clear_history_leaves_what_is)
{
        const struct healer_value flag[] = {HEALER_TEXT("name", "telemetry"),
                                            HEALER_INTEGER("enabled", 1)};
        const struct healer_value open_one[] = {HEALER_INTEGER("detected_at", 0),
                                                HEALER_TEXT("error_type", "open")};
        const struct healer_value ended[] = {HEALER_INTEGER("detected_at", 0),
                                             HEALER_TEXT("error_type", "ended"),
                                             HEALER_INTEGER("resolved_at", 5)};
        uint64_t rows;

        open_store();
        for (int day = 0; day < 10; day++)
                (void)add_check(day * DAY_NS, "cart");
        (void)healer_store_add(store, HEALER_TABLE_FEATURE_FLAGS, 0, 0, flag, 2);
        (void)healer_store_add(store, HEALER_TABLE_ERROR_INCIDENTS, 1, 0, open_one, 2);
        (void)healer_store_add(store, HEALER_TABLE_ERROR_INCIDENTS, 2, 0, ended, 3);
        ck_assert_int_eq(healer_store_flush(store, 0), HEALER_OK);
        /* checks are kept for 7 days: exactly as old stays */
        ck_assert_int_eq(healer_store_purge(store, 9 * DAY_NS, &rows), HEALER_OK);
        ck_assert_uint_eq(rows, 2);
        ck_assert_int_eq(number("select min(checked_at) from health_checks"), 2 * DAY_NS);
        ck_assert_int_eq(healer_store_purge(store, 30 * DAY_NS, &rows), HEALER_OK);
        ck_assert_int_eq(number("select count(*) from error_incidents"), 2);
        ck_assert_int_eq(healer_store_purge(store, 30 * DAY_NS + 1, &rows), HEALER_OK);
        ck_assert_str_eq(ask("select group_concat(error_type) from error_incidents"), "open");
        /* an hour after the last time pump does it by itself */
        (void)add_check(40 * DAY_NS, "cart");
        ck_assert_int_eq(healer_store_flush(store, 40 * DAY_NS), HEALER_OK);
        ck_assert_int_eq(number("select count(*) from health_checks"), 1);
        ck_assert_int_eq(healer_store_clear_history(store), HEALER_OK);
        ck_assert_int_eq(number("select count(*) from error_incidents"), 0);
        ck_assert_int_eq(number("select count(*) from health_checks"), 0);
        ck_assert_int_eq(number("select count(*) from feature_flags"), 1);
        ck_assert_int_eq(healer_store_config_defaults().retention_ns, 30 * DAY_NS);
        ck_assert_int_eq(healer_store_config_production().retention_ns, 90 * DAY_NS);
        ck_assert_uint_eq(healer_store_config_defaults().batch_size, 100);
        ck_assert_int_eq(healer_store_config_defaults().flush_interval_ns, 5 * RIG_SECOND);
}
END_TEST

/* ---- trouble */

START_TEST(s2_13_two_records_of_one_moment_both_survive_and_a_store_that_is_down_is_counted)
{
        const struct healer_log_entry entry = {.writer = HEALER_WRITER_RECONCILER,
                                               .type = HEALER_LOGGED_RECONCILIATION,
                                               .component = "cart",
                                               .success = true};
        sqlite3 *other;

        config.queue_max = 100;
        open_store();
        ck_assert_int_eq(healer_store_log(store, 1000000, &entry), HEALER_OK);
        ck_assert_int_eq(healer_store_log(store, 1000000, &entry), HEALER_OK);
        ck_assert_int_eq(healer_store_flush(store, 2000000), HEALER_OK);
        ck_assert_int_eq(number("select count(*) from unified_brain where executed_at = 1000000"), 2);
        ck_assert_int_eq(number("select count(distinct id) from unified_brain"), 2);
        ck_assert_int_eq(number("select count(*) from unified_brain where agent_name = "
                                "'self_healing_reconciler'"),
                         2);

        ck_assert_int_eq(sqlite3_open(path, &other), SQLITE_OK);
        ck_assert_int_eq(sqlite3_exec(other, "begin exclusive", NULL, NULL, NULL), SQLITE_OK);
        for (int i = 0; i < 120; i++)
                (void)healer_store_log(store, 3000000, &entry);
        ck_assert_int_eq(healer_store_pump(store, 3000000), HEALER_E_IO);
        ck_assert_int_eq(healer_store_pump(store, 4000000), HEALER_E_IO);
        ck_assert(healer_store_stats(store).failing);
        ck_assert_uint_eq(healer_store_stats(store).lost, 20);
        ck_assert_uint_eq(says, 1);
        ck_assert_ptr_nonnull(strstr(said, "locked; healing goes on, records wait"));
        sqlite3_exec(other, "commit", NULL, NULL, NULL);
        sqlite3_close(other);
        ck_assert_int_eq(healer_store_flush(store, 5000000), HEALER_OK);
        ck_assert_uint_eq(says, 2);
        ck_assert_ptr_nonnull(strstr(said, "written again; 20 records were lost"));
        ck_assert_int_eq(number("select count(*) from unified_brain"), 102);
        ck_assert_int_eq(number("select lost from healer_sessions"), 20);
}
END_TEST

START_TEST(s2_16_a_read_only_file_degrades_with_one_warning)
{
        open_store();
        (void)add_check(1, "cart");
        healer_store_close(store);
        store = NULL;
        sql("pragma journal_mode = delete");
        ck_assert_int_eq(chmod(path, 0400), 0);
        ck_assert_int_eq(chmod(folder, 0500), 0);
        if (geteuid() == 0) { /* to whom nothing is read-only: SQLite says it is */
                fail_status = SQLITE_READONLY;
                fail_call = 2; /* the open, then the first statement */
                calls = 0;
        }
        ck_assert_int_eq(healer_store_open(&config, 0, reason, sizeof(reason), &store), HEALER_OK);
        fail_call = 0;
        ck_assert_uint_eq(says, 1);
        ck_assert_ptr_nonnull(strstr(said, "read-only; healing goes on, nothing is written"));
        for (int i = 0; i < 300; i++) {
                ck_assert_int_eq(add_check(i, "cart"), HEALER_E_FULL);
                (void)healer_store_pump(store, i * RIG_SECOND);
        }
        ck_assert_uint_eq(says, 1);
        ck_assert_uint_eq(healer_store_stats(store).lost, 300);
        ck_assert(healer_store_stats(store).read_only);
        ck_assert_int_eq(chmod(folder, 0700), 0);
        ck_assert_int_eq(chmod(path, 0600), 0);
        ck_assert_int_eq(number("select count(*) from health_checks"), 1);
}
END_TEST

START_TEST(a_full_disk_costs_records_and_nothing_else)
{
        struct rlimit limit, small = {.rlim_cur = 400 * 1024};

        open_store();
        ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
        small.rlim_max = limit.rlim_max;
        signal(SIGXFSZ, SIG_IGN);
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
        for (int i = 0; i < 20000 && !healer_store_stats(store).failing; i++) {
                (void)add_check(i, "a component with a rather long name, so that the file grows");
                (void)healer_store_pump(store, i);
        }
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
        ck_assert(healer_store_stats(store).failing);
        ck_assert_uint_eq(says, 1);
        ck_assert_str_eq(ask("pragma integrity_check"), "ok");
        ck_assert_int_eq(healer_store_flush(store, 30000), HEALER_OK); /* there is room again */
        ck_assert_uint_eq(number("select count(*) from health_checks"),
                          healer_store_stats(store).added);
        ck_assert_uint_eq(healer_store_stats(store).lost, 0);
}
END_TEST

/* Every call of SQLite, while opening, writing, purging and reading, fails once. */
START_TEST(every_step_of_sqlite_may_fail_and_nothing_is_lost_but_time)
{
        static const int statuses[] = {SQLITE_IOERR, SQLITE_FULL, SQLITE_BUSY};
        struct healer_open *open = malloc(sizeof(*open));
        enum healer_err err;
        int at = 0;
        bool reached = true;

        fail_status = statuses[_i];
        config.resume = 1;
        for (at = 1; reached && at < 3000; at += _i == 0 ? at < 40 ? 1 : 3 : 17) {
                unlink(path);
                calls = 0;
                fail_call = at;
                err = healer_store_open(&config, 0, reason, sizeof(reason), &store);
                ck_assert_msg(err == HEALER_OK, "call %d: %s", at, reason);
                (void)healer_store_recall(store, open);
                fill_every_table();
                for (int i = 1; i <= 4; i++)
                        (void)healer_store_flush(store, i);
                (void)healer_store_purge(store, 6, NULL);
                reached = calls >= at;
                fail_call = 0;
                ck_assert_int_eq(healer_store_flush(store, 9), HEALER_OK);
                ck_assert(!healer_store_stats(store).failing);
                ck_assert_uint_eq(healer_store_stats(store).lost, 0);
                ck_assert_uint_eq(healer_store_stats(store).waiting, 0);
                ck_assert_int_ge(number("select count(*) from unified_brain"), 1);
                healer_store_close(store);
                store = NULL;
        }
        ck_assert(!reached);
        ck_assert_int_gt(at, 100);
        free(open);
}
END_TEST

START_TEST(a_record_that_the_file_refuses_does_not_hold_up_the_others)
{
        open_store();
        sql("create trigger no before insert on health_checks when new.component = 'bad' begin "
            "select raise(abort, 'no'); end");
        (void)add_check(1, "good");
        (void)add_check(2, "bad");
        (void)add_check(3, "good");
        ck_assert_int_eq(healer_store_flush(store, 4), HEALER_OK);
        ck_assert_int_eq(number("select count(*) from health_checks"), 2);
        ck_assert_uint_eq(healer_store_stats(store).lost, 1);
        ck_assert_uint_eq(healer_store_stats(store).written, 2);
}
END_TEST

START_TEST(texts_that_are_too_long_are_cut_between_letters_and_unknown_columns_refused)
{
        char text[2000];
        const struct healer_value values[] = {HEALER_TEXT("component", "cart"),
                                              HEALER_TEXT("details", text)};
        const struct healer_value wrong[] = {HEALER_TEXT("componentt", "cart")};

        for (size_t i = 0; i + 2 < sizeof(text); i += 2)
                memcpy(text + i, "\xc3\xa9", 2);
        text[sizeof(text) - 2] = '\0';
        open_store();
        ck_assert_int_eq(healer_store_add(store, HEALER_TABLE_HEALTH_CHECKS, 0, 1, values, 2),
                         HEALER_OK);
        ck_assert_int_eq(healer_store_add(store, HEALER_TABLE_HEALTH_CHECKS, 0, 1, wrong, 1),
                         HEALER_E_NOT_FOUND);
        ck_assert_int_eq(healer_store_flush(store, 2), HEALER_OK);
        ck_assert_uint_eq(healer_store_stats(store).cut, 1);
        ck_assert_int_gt(number("select length(details) from health_checks"), 350);
        ck_assert_int_eq(number("select length(cast(details as blob)) - 2 * length(details) from "
                                "health_checks"),
                         0);
}
END_TEST

/* ---- threads */

static void *add_many(void *name)
{
        const struct timespec pause = {.tv_nsec = 100000};

        for (int i = 0; i < 500; i++)
                while (add_check(i, name) != HEALER_OK)
                        nanosleep(&pause, NULL);
        return NULL;
}

START_TEST(several_threads_add_while_another_writes)
{
        pthread_t threads[4];
        static char names[4][8] = {"a", "b", "c", "d"};

        config.queue_max = 200;
        open_store();
        for (int i = 0; i < 4; i++)
                ck_assert_int_eq(pthread_create(&threads[i], NULL, add_many, names[i]), 0);
        for (int64_t i = 1; healer_store_stats(store).written < 2000 && i < 100000; i++)
                (void)healer_store_flush(store, i);
        for (int i = 0; i < 4; i++)
                pthread_join(threads[i], NULL);
        ck_assert_int_eq(healer_store_flush(store, 1000000), HEALER_OK);
        ck_assert_int_eq(number("select count(*) from health_checks"), 2000);
        ck_assert_int_eq(number("select count(*) from (select component from health_checks group by "
                                "component having count(*) = 500)"),
                         4);
}
END_TEST

static pthread_barrier_t all_here;

/* NULL: it opened the file and has a session in it. */
static void *open_with_others(void *unused)
{
        struct healer_store_config own = config;
        struct healer_store *opened = NULL;
        char why[128];
        bool there;

        (void)unused;
        own.say = NULL;
        (void)pthread_barrier_wait(&all_here);
        there = healer_store_open(&own, 0, why, sizeof(why), &opened) == HEALER_OK &&
                healer_store_stats(opened).session != 0;
        healer_store_close(opened);
        return there ? NULL : &all_here;
}

START_TEST(several_that_open_a_new_file_at_once_all_write_to_it)
{
        pthread_t threads[4];
        void *failed;

        config.busy_ns = 20 * RIG_SECOND;
        ck_assert_int_eq(pthread_barrier_init(&all_here, NULL, 4), 0);
        for (int round = 0; round < EFFORT(200, 30); round++) {
                for (int i = 0; i < 4; i++)
                        ck_assert_int_eq(
                                pthread_create(&threads[i], NULL, open_with_others, NULL), 0);
                for (int i = 0; i < 4; i++) {
                        ck_assert_int_eq(pthread_join(threads[i], &failed), 0);
                        ck_assert_ptr_null(failed);
                }
                ck_assert_int_eq(number("select count(*) from healer_sessions"), 4);
                ck_assert_int_eq(unlink(path), 0);
        }
        (void)pthread_barrier_destroy(&all_here);
}
END_TEST

/* ---- with a healer */

static struct rig *rig;
static uint32_t noted, ordered, answered;

static void start_rig(void)
{
        noted = ordered = answered = 0;
        rig = rig_create();
        config.topology = &rig->topology;
        config.healer = &rig->config;
}

/* What the healer said since the last time goes to the store, as callbacks would. */
static void tell_store(void)
{
        for (; noted < rig->notice_count; noted++)
                healer_store_notice(store, rig->now_ns, &rig->notices[noted]);
        for (; ordered < rig->order_count; ordered++)
                healer_store_command(store, rig->now_ns, &rig->orders[ordered]);
        healer_store_watch(store, rig->now_ns, rig->healer);
        ck_assert_int_eq(healer_store_pump(store, rig->now_ns), HEALER_OK);
}

static void run_and_tell(int64_t seconds, bool answer)
{
        int64_t end = rig->now_ns + seconds * RIG_SECOND;

        while (rig->now_ns < end) {
                rig_step(rig);
                tell_store();
                for (; answer && answered < rig->order_count; answered++) {
                        const struct healer_result result = {rig->orders[answered].id, true, NULL};

                        rig_answer(rig, answered, true);
                        healer_store_result(store, rig->now_ns, &result);
                        tell_store();
                }
        }
}

static void slow_payment(void)
{
        for (uint32_t i = 0; i < 1; i++)
                rig_slow_instance(rig, INSTANCE(PAYMENT, i), 9);
        rig_slow_edge(rig, TO_PAYMENT, 3, 9);
}

START_TEST(s1_30_s2_15_an_episode_from_alarm_to_verified_is_in_the_tables)
{
        start_rig();
        rig_start(rig);
        open_store();
        run_and_tell(600, true);
        slow_payment();
        for (int i = 0; i < 40 && rig->order_count == 0; i++)
                run_and_tell(5, false);
        ck_assert_uint_gt(rig->order_count, 0);
        run_and_tell(5, true);
        rig->edge[TO_PAYMENT] = (struct healer_edge_sample){TO_PAYMENT, 150, 0, 0, 0.011, 0.032, 0.043};
        run_and_tell(400, true);
        ck_assert_uint_gt(rig_count(rig, HEALER_NOTICE_EPISODE_VERIFIED), 0);
        ck_assert_int_eq(healer_store_flush(store, rig->now_ns), HEALER_OK);

        ck_assert_str_eq(ask("select source_component from error_incidents"), "payment");
        ck_assert_str_eq(ask("select status from error_incidents"), "closed");
        ck_assert_int_gt(number("select resolved_at - detected_at from error_incidents"), RIG_SECOND);
        ck_assert_str_ne(ask("select diagnosis from error_incidents"), "-");
        ck_assert_str_ne(ask("select recovery_actions from error_incidents"), "-");
        ck_assert(strtod(ask("select effectiveness_score from error_incidents"), NULL) >= 0.6);
        ck_assert_str_eq(ask("select success_rate from recovery_procedures"), "1.0");
        ck_assert_int_eq(number("select execution_count from recovery_procedures"), 1);
        ck_assert_int_gt(number("select count(*) from system_health_metrics where threshold_warning < "
                                "threshold_critical and current_value > threshold_warning"),
                         0);
        ck_assert_int_eq(number("select count(*) from recovery_actions where status <> 'completed' and "
                                "action_type <> 'escalate'"),
                         0);
        ck_assert_int_gt(number("select count(*) from ai_proactive_health where health_score is not "
                                "null and trend is not null"),
                         0);
        ck_assert_int_gt(number("select count(*) from system_health_snapshots where overall_status = "
                                "'healthy' and open_circuit_breakers = 0 and degradation_level = "
                                "'full'"),
                         0);
        ck_assert_int_eq(number("select count(*) from component_health_summary"), RIG_SERVICES);
        ck_assert_int_eq(number("select incident_count_24h from component_health_summary where "
                                "component = 'payment'"),
                         1);
        ck_assert_str_eq(ask("select component from most_interventions"), "payment");
        ck_assert_int_eq(number("select count(*) from healing_incidents where resolved_at is not null "
                                "and human_escalated = 0"),
                         1);
        rig_free(rig);
}
END_TEST

START_TEST(the_success_rate_of_a_procedure_follows_its_outcomes)
{
        const struct healer_value ok[] = {HEALER_TEXT("error_pattern", "memory_leak"),
                                          HEALER_TEXT("procedure_steps", "restart_instance"),
                                          HEALER_REAL("success_rate", 1),
                                          HEALER_INTEGER("execution_count", 1),
                                          HEALER_INTEGER("last_updated", 1)};
        struct healer_value no[5];

        memcpy(no, ok, sizeof(no));
        no[2].real = 0;
        open_store();
        for (int i = 0; i < 3; i++)
                (void)healer_store_add(store, HEALER_TABLE_RECOVERY_PROCEDURES, 0, 1, ok, 5);
        (void)healer_store_add(store, HEALER_TABLE_RECOVERY_PROCEDURES, 0, 1, no, 5);
        ck_assert_int_eq(healer_store_flush(store, 2), HEALER_OK);
        ck_assert_int_eq(number("select count(*) from recovery_procedures"), 1);
        ck_assert_int_eq(number("select execution_count from recovery_procedures"), 4);
        ck_assert_str_eq(ask("select success_rate from recovery_procedures"), "0.75");
}
END_TEST

/* ---- the action log */

static void act(enum healer_action_kind kind, bool ok, const char *why)
{
        static uint64_t id = 1000;
        const struct healer_command command = {.id = ++id,
                                               .kind = kind,
                                               .service = PAYMENT,
                                               .instance = HEALER_NONE,
                                               .edge = HEALER_NONE,
                                               .episode = 7};
        const struct healer_result result = {id, ok, why};

        healer_store_command(store, 10, &command);
        healer_store_result(store, 20, &result);
}

START_TEST(s2_14_each_of_the_eleven_types_is_one_row)
{
        static const struct {
                const char *type;
                int success;
        } rows[] = {{"service_restart", 1},        {"service_restart_failed", 0},
                    {"automatic_rollback", 1},     {"rollback_failed", 0},
                    {"db_connection_recovered", 1}, {"db_recovery_failed", 0},
                    {"memory_leak_cleanup", 1},    {"remediation_approval", 1},
                    {"remediation_rejected", 1},   {"proactive_health_check", 1},
                    {"reconciliation_cycle", 1}};
        char query[256];

        start_rig();
        rig_start(rig);
        config.health_interval_ns = DAY_NS;
        open_store();
        act(HEALER_ACTION_RESTART_SERVICE, true, NULL);
        act(HEALER_ACTION_RESTART_INSTANCE, false, "no such host");
        act(HEALER_ACTION_ROLLBACK_DEPLOYMENT, true, NULL);
        act(HEALER_ACTION_ROLLBACK_CONFIG, false, "no version before");
        act(HEALER_ACTION_RECONNECT, true, NULL);
        act(HEALER_ACTION_RECONNECT, false, "refused");
        act(HEALER_ACTION_CLEAN_MEMORY, true, NULL);
        healer_store_answer(store, 30, 7, "ada", true);
        healer_store_answer(store, 31, 8, "bob", false);
        rig_run(rig, 10);
        healer_store_watch(store, rig->now_ns, rig->healer);
        (void)healer_store_log(store, 40,
                               &(const struct healer_log_entry){.writer = HEALER_WRITER_RECONCILER,
                                                                .type = HEALER_LOGGED_RECONCILIATION,
                                                                .component = "",
                                                                .input = "4 components",
                                                                .output = "0 incidents",
                                                                .success = true});
        ck_assert_int_eq(healer_store_flush(store, rig->now_ns), HEALER_OK);
        ck_assert_int_eq(number("select count(*) from unified_brain"), 11);
        for (size_t i = 0; i < 11; i++) {
                snprintf(query, sizeof(query),
                         "select count(*) from unified_brain where action_type = '%s' and success = %d "
                         "and component is not null and input_data is not null and output_data is not "
                         "null",
                         rows[i].type, rows[i].success);
                ck_assert_msg(number(query) == 1, "%s: %ld rows", rows[i].type, number(query));
        }
        /* a rollback that failed says why */
        ck_assert_int_eq(number("select count(*) from ai_rollback_history"), 2);
        ck_assert_str_eq(ask("select error_message from ai_rollback_history where success = 0 and "
                             "rollback_type = 'config' and component = 'payment'"),
                         "no version before");
        ck_assert_str_eq(ask("select error_message from ai_rollback_history where success = 1"), "-");
        ck_assert_str_eq(ask("select to_state from ai_rollback_history where rollback_type = "
                             "'deployment'"),
                         "version before");
        rig_free(rig);
}
END_TEST

START_TEST(s2_08_the_history_of_rollbacks_agrees_with_what_a_manager_says)
{
        struct healer_rollback_result result = {.type = HEALER_ROLLBACK_DEPLOYMENT,
                                                .component = "cart",
                                                .from = "v8",
                                                .to = "v7",
                                                .success = true,
                                                .ended_ns = 5};

        open_store();
        ck_assert_int_eq(healer_store_rollback(store, &result), HEALER_OK);
        result.success = false;
        strcpy(result.error, "build of v7 is gone");
        ck_assert_int_eq(healer_store_rollback(store, &result), HEALER_OK);
        ck_assert_int_eq(healer_store_flush(store, 6), HEALER_OK);
        ck_assert_str_eq(ask("select group_concat(from_state || '>' || to_state || ' ' || success || "
                             "' ' || coalesce(error_message, ''), ',') from ai_rollback_history"),
                         "v8>v7 1 ,v8>v7 0 build of v7 is gone");
        ck_assert_str_eq(ask("select group_concat(action_type) from unified_brain"),
                         "automatic_rollback,rollback_failed");
}
END_TEST

START_TEST(s2_15_a_prediction_has_its_time_and_is_joined_with_its_outcome)
{
        struct healer_notice notice = {.kind = HEALER_NOTICE_PREDICTION,
                                       .service = CART,
                                       .failure = HEALER_FAILURE_MEMORY_EXHAUSTION,
                                       .metric = HEALER_METRIC_COUNT,
                                       .action = HEALER_ACTION_COUNT,
                                       .confidence = 0.8,
                                       .eta_ns = 77};

        start_rig();
        open_store();
        for (notice.id = 1; notice.id <= 4; notice.id++)
                healer_store_notice(store, 5 * DAY_NS, &notice);
        notice.kind = HEALER_NOTICE_PREDICTION_OUTCOME;
        for (notice.id = 1; notice.id <= 3; notice.id++) {
                notice.rank = notice.id != 2;
                healer_store_notice(store, 5 * DAY_NS + 9, &notice);
        }
        ck_assert_int_eq(healer_store_flush(store, 5 * DAY_NS + 10), HEALER_OK);
        ck_assert_int_eq(number("select predicted_failure_time from ai_proactive_health"), 77);
        ck_assert_str_eq(ask("select failure_probability from ai_proactive_health"), "0.8");
        ck_assert_int_eq(number("select day from prediction_accuracy"), 5);
        ck_assert_int_eq(number("select said from prediction_accuracy"), 4);
        ck_assert_int_eq(number("select known from prediction_accuracy"), 3);
        ck_assert_int_eq(number("select came_true from prediction_accuracy"), 2);
        rig_free(rig);
}
END_TEST

/* ---- views */

START_TEST(s2_26_the_insight_queries_give_what_a_count_by_hand_gives)
{
        uint32_t by_type[4] = {0}, by_service[RIG_SERVICES] = {0}, draw = 1;
        static const enum healer_action_kind kinds[4] = {
                HEALER_ACTION_RESTART_INSTANCE, HEALER_ACTION_ROLLBACK_CONFIG,
                HEALER_ACTION_RECONNECT, HEALER_ACTION_CLEAN_MEMORY};
        static const char *const names[4] = {"service_restart", "automatic_rollback",
                                             "db_connection_recovered", "memory_leak_cleanup"};
        char query[160];
        int64_t now_ns = 20 * DAY_NS;

        start_rig();
        config.queue_max = 20000;
        open_store();
        for (uint64_t i = 1; i <= 400; i++) {
                struct healer_command command = {.id = i, .edge = HEALER_NONE, .instance = HEALER_NONE};
                const struct healer_result result = {i, true, NULL};
                int64_t at_ns;

                draw = draw * 1664525u + 1013904223u;
                at_ns = now_ns - (int64_t)(draw >> 8) % (10 * 86400) * RIG_SECOND;
                command.kind = kinds[draw >> 30];
                command.service = draw >> 28 & 3;
                by_type[draw >> 30] += at_ns >= now_ns - DAY_NS;
                by_service[command.service] += at_ns >= now_ns - 7 * DAY_NS;
                healer_store_command(store, at_ns, &command);
                healer_store_result(store, at_ns, &result);
        }
        (void)add_check(now_ns, "cart"); /* it is now */
        ck_assert_int_eq(healer_store_flush(store, now_ns), HEALER_OK);
        for (int i = 0; i < 4; i++) {
                snprintf(query, sizeof(query), "select times from top_actions where action_type = '%s'",
                         names[i]);
                ck_assert_int_eq(number(query), by_type[i]);
                ck_assert_uint_gt(by_type[i], 0);
        }
        for (int i = 0; i < RIG_SERVICES; i++) {
                snprintf(query, sizeof(query),
                         "select interventions from most_interventions where component = '%s'",
                         rig_services[i].name);
                ck_assert_int_eq(number(query), by_service[i]);
        }
        ck_assert_int_eq(number("select count(*) from (select times, lag(times) over () as before from "
                                "top_actions) where before < times"),
                         0);
        rig_free(rig);
}
END_TEST

START_TEST(views_show_what_is_and_triggers_keep_the_past)
{
        struct healer_notice notice = {.kind = HEALER_NOTICE_DEGRADATION,
                                       .service = CART,
                                       .metric = HEALER_METRIC_COUNT,
                                       .action = HEALER_ACTION_COUNT,
                                       .value = 2};

        start_rig();
        open_store();
        (void)healer_store_breaker(store, 10, "a->b", "closed", NULL);
        (void)healer_store_breaker(store, 20, "a->b", "open", "failures in a row");
        (void)healer_store_breaker(store, 20, "a->c", "closed", NULL);
        healer_store_notice(store, 30, &notice);
        ck_assert_int_eq(healer_store_flush(store, 30), HEALER_OK);
        ck_assert_str_eq(ask("select group_concat(name) from active_circuit_breakers"), "a->b");
        ck_assert_str_eq(ask("select from_state || '>' || to_state || ' ' || reason || ' ' || "
                             "transitioned_at from circuit_breaker_state_history"),
                         "closed>open failures in a row 20");
        ck_assert_str_eq(ask("select level from active_degradation where component = 'cart'"),
                         "reduced_2");
        notice.value = 0;
        healer_store_notice(store, 40, &notice);
        (void)healer_store_breaker(store, 50, "a->b", "half-open", NULL);
        (void)healer_store_breaker(store, 60, "a->b", "closed", NULL);
        ck_assert_int_eq(healer_store_flush(store, 60), HEALER_OK);
        ck_assert_int_eq(number("select count(*) from active_circuit_breakers"), 0);
        ck_assert_int_eq(number("select count(*) from circuit_breaker_state_history"), 3);
        ck_assert_int_eq(number("select created_at from circuit_breakers where name = 'a->b'"), 10);
        ck_assert_int_eq(number("select count(*) from active_degradation"), 0);
        ck_assert_int_eq(number("select recovered_at from degradation_state where level = 'reduced_2'"),
                         40);
        rig_free(rig);
}
END_TEST

/* ---- a healer that is started anew */

START_TEST(a_restarted_healer_goes_on_with_what_the_store_says_was_open)
{
        struct healer_open *before = malloc(sizeof(*before)), *after = malloc(sizeof(*after));
        struct healer *dead;
        uint64_t session;

        start_rig();
        rig_start(rig);
        config.source = "this one";
        open_store();
        run_and_tell(600, true);
        slow_payment();
        for (int i = 0; i < 40 && rig->order_count == 0; i++)
                run_and_tell(5, false); /* ordered, and no answer yet */
        ck_assert_uint_gt(rig->order_count, 0);
        run_and_tell(10, false);
        session = healer_store_stats(store).session;
        healer_open_export(rig->healer, before);
        healer_store_abandon(store);
        dead = rig->healer;

        config.resume = 1;
        open_store();
        ck_assert(healer_store_stats(store).resumed);
        ck_assert_uint_eq(healer_store_stats(store).session, session);
        ck_assert_int_eq(healer_store_recall(store, after), HEALER_OK);
        ck_assert_uint_eq(after->episode_count, before->episode_count);
        ck_assert_uint_gt(after->episode_count, 0);
        ck_assert_uint_eq(after->command_count, before->command_count);
        for (uint32_t i = 0; i < after->episode_count; i++)
                ck_assert_mem_eq(&after->episodes[i], &before->episodes[i],
                                 sizeof(after->episodes[i]));
        for (uint32_t i = 0; i < after->command_count; i++)
                ck_assert_mem_eq(&after->commands[i], &before->commands[i],
                                 sizeof(after->commands[i]));
        ck_assert_uint_ge(after->ids_used, before->ids_used);

        rig_start(rig); /* a new healer in the same shop */
        ck_assert_int_eq(healer_open_import(rig->healer, rig->now_ns, after), HEALER_OK);
        ck_assert_uint_eq(healer_stats(rig->healer).episodes_open, before->episode_count);
        healer_open_export(rig->healer, after);
        ck_assert_mem_eq(&after->episodes[0], &before->episodes[0], sizeof(after->episodes[0]));
        /* it does not order again what is under way, and hears its result */
        noted = rig->notice_count;
        ordered = rig->order_count;
        run_and_tell(10, false);
        ck_assert_uint_eq(rig->order_count, ordered);
        rig->edge[TO_PAYMENT] = (struct healer_edge_sample){TO_PAYMENT, 150, 0, 0, 0.011, 0.032, 0.043};
        run_and_tell(400, true);
        ck_assert_uint_ge(healer_stats(rig->healer).orders_ok, before->command_count);
        ck_assert_uint_gt(rig_count(rig, HEALER_NOTICE_EPISODE_VERIFIED), 0);
        ck_assert_int_eq(healer_store_flush(store, rig->now_ns), HEALER_OK);
        ck_assert_int_eq(number("select count(*) from error_incidents"), 1);
        ck_assert_str_eq(ask("select status from error_incidents"), "closed");
        ck_assert_int_eq(number("select count(*) from healer_sessions"), 1);
        healer_destroy(dead);
        rig_free(rig);
        free(before);
        free(after);
}
END_TEST

START_TEST(without_a_session_before_it_there_is_nothing_to_take_up)
{
        struct healer_open *open = malloc(sizeof(*open));

        config.resume = 1;
        open_store();
        ck_assert(!healer_store_stats(store).resumed);
        ck_assert_int_eq(healer_store_recall(store, open), HEALER_OK);
        ck_assert_uint_eq(open->episode_count, 0);
        ck_assert_uint_eq(open->ids_used, 0);
        free(open);
}
END_TEST

START_TEST(open_work_that_fits_no_healer_is_refused_whole)
{
        struct healer_open *open = calloc(1, sizeof(*open));
        struct healer_open_episode *e = &open->episodes[0];

        start_rig();
        rig_start(rig);
        open->size = sizeof(*open);
        open->ids_used = 10;
        open->episode_count = 1;
        *e = (struct healer_open_episode){.id = 3,
                                          .service = PAYMENT,
                                          .edge = HEALER_NONE,
                                          .last_kind = HEALER_ACTION_COUNT,
                                          .acted_ns = HEALER_NEVER};
        e->service = RIG_SERVICES;
        ck_assert_int_eq(healer_open_import(rig->healer, 0, open), HEALER_E_RANGE);
        ck_assert_str_eq(healer_open_check(rig->healer, open),
                         "episodes: of services and edges that exist");
        e->service = PAYMENT;
        e->id = 11;
        ck_assert_int_eq(healer_open_import(rig->healer, 0, open), HEALER_E_RANGE);
        e->id = 3;
        e->target_count = 1;
        e->targets[0].instance = RIG_INSTANCES;
        ck_assert_int_eq(healer_open_import(rig->healer, 0, open), HEALER_E_RANGE);
        e->target_count = 0;
        open->command_count = 1;
        open->commands[0] = (struct healer_open_command){.id = 4,
                                                         .kind = HEALER_ACTION_FAILOVER,
                                                         .instance = HEALER_NONE,
                                                         .edge = HEALER_NONE};
        ck_assert_int_eq(healer_open_import(rig->healer, 0, open), HEALER_E_RANGE);
        ck_assert_uint_eq(healer_stats(rig->healer).episodes_open, 0);
        open->command_count = 0;
        open->size--;
        ck_assert_int_eq(healer_open_import(rig->healer, 0, open), HEALER_E_SIZE);
        open->size++;
        ck_assert_int_eq(healer_open_import(rig->healer, 0, open), HEALER_OK);
        ck_assert_int_eq(healer_open_import(rig->healer, 0, open), HEALER_E_STATE);
        rig_free(rig);
        free(open);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("store");
        TCase *tcase = tcase_create("store");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_set_tags(tcase, "one_thread");
        tcase_add_test(tcase, s1_30_s3_36_every_column_of_every_table_is_read_back_after_a_crash);
        tcase_add_test(tcase, the_tables_of_the_documents_are_there_with_their_columns);
        tcase_add_test(tcase, s2_16_an_empty_file_and_an_older_one_open_without_loss);
        tcase_add_test(tcase, what_cannot_be_a_store_is_refused_with_its_reason);
        tcase_add_test(tcase, s3_36_a_batch_is_written_when_full_or_after_the_interval);
        tcase_add_loop_test(tcase, s3_36_kill_in_the_middle_loses_one_batch_at_most_and_never_the_file,
                            0, 8);
        tcase_add_test(tcase, s3_36_purge_is_exact_and_clear_history_leaves_what_is);
        tcase_add_test(tcase,
                       s2_13_two_records_of_one_moment_both_survive_and_a_store_that_is_down_is_counted);
        tcase_add_test(tcase, s2_16_a_read_only_file_degrades_with_one_warning);
        tcase_add_test(tcase, a_full_disk_costs_records_and_nothing_else);
        tcase_add_loop_test(tcase, every_step_of_sqlite_may_fail_and_nothing_is_lost_but_time, 0, 3);
        tcase_add_test(tcase, a_record_that_the_file_refuses_does_not_hold_up_the_others);
        tcase_add_test(tcase, texts_that_are_too_long_are_cut_between_letters_and_unknown_columns_refused);
        tcase_add_test(tcase, s1_30_s2_15_an_episode_from_alarm_to_verified_is_in_the_tables);
        tcase_add_test(tcase, the_success_rate_of_a_procedure_follows_its_outcomes);
        tcase_add_test(tcase, s2_14_each_of_the_eleven_types_is_one_row);
        tcase_add_test(tcase, s2_08_the_history_of_rollbacks_agrees_with_what_a_manager_says);
        tcase_add_test(tcase, s2_15_a_prediction_has_its_time_and_is_joined_with_its_outcome);
        tcase_add_test(tcase, s2_26_the_insight_queries_give_what_a_count_by_hand_gives);
        tcase_add_test(tcase, views_show_what_is_and_triggers_keep_the_past);
        tcase_add_test(tcase, a_restarted_healer_goes_on_with_what_the_store_says_was_open);
        tcase_add_test(tcase, without_a_session_before_it_there_is_nothing_to_take_up);
        tcase_add_test(tcase, open_work_that_fits_no_healer_is_refused_whole);
        suite_add_tcase(suite, tcase);
        tcase = tcase_create("threads");
        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, several_threads_add_while_another_writes);
        tcase_add_test(tcase, several_that_open_a_new_file_at_once_all_write_to_it);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
