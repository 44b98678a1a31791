/* test_database.c - what `--db` writes, on worlds made by hand.
 *
 * Beside the database's own calls the file is read with plain SQL, as people do.
 */
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/run/record_codec.h"
#include "reports/database.h"
#include "tests/hand_made.h"

static char folder[64], path[96];
static struct run_meta meta;
static struct grade *grade;
static struct database *database;
static struct out_error error;

static void setup(void)
{
        snprintf(folder, sizeof(folder), "/tmp/chaos-db-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(folder));
        snprintf(path, sizeof(path), "%s/x.db", folder);
        meta = hand_meta();
        grade = grade_create(&meta);
        memset(&error, 0, sizeof(error));
        ck_assert_msg(database_open(path, &database, &error), "%s", error.message);
}

static void teardown(void)
{
        static const char *const ends[] = {"", "-wal", "-shm"};
        char name[128];

        database_close(database);
        grade_destroy(grade);
        for (size_t i = 0; i < 3; i++) {
                snprintf(name, sizeof(name), "%s%s", path, ends[i]);
                unlink(name);
        }
        rmdir(folder);
}

static int64_t begin_run(struct database_past *past)
{
        const struct database_run run = {.meta = &meta,
                                         .strategy = "default",
                                         .circumstances = "",
                                         .folder = "results",
                                         .date = "2026-01-02T03:04:05Z",
                                         .count = 3};
        int64_t id;

        ck_assert_msg(database_begin(database, &run, past, &id, &error), "%s", error.message);
        return id;
}

/* One replication with two incidents, of which the healer heals one. */
static void add_replication(int64_t id, uint32_t replication)
{
        struct world *world = world_new(replication);
        struct record_bytes bytes = {0};

        world_fault(world, SLOW_PAY, 600, 900);
        for (int arm = ARM_TREATED; arm <= ARM_UNTREATED; arm++) {
                world_incident(world, (enum arm)arm, FRONT, 610, arm == ARM_UNTREATED ? 930 : 660,
                               arm == ARM_UNTREATED ? 400 : 50);
                world_incident(world, (enum arm)arm, PAY, 605, 900, 100);
        }
        for (int arm = ARM_TREATED; arm <= ARM_SHADOW; arm++) {
                world_alarm(world, (enum arm)arm, PAY, 620, 670, 1);
                world_action(world, (enum arm)arm, RESTART, PAY, 630, 640, 1);
        }
        ck_assert(record_encode(&meta, &world->record, &bytes));
        ck_assert(grade_add(grade, &world->record));
        ck_assert_msg(database_add(database, id, &meta, grade_latest(grade), bytes.bytes,
                                   bytes.count, &error),
                      "%s", error.message);
        free(world);
}

static void end_run(int64_t id, bool whole)
{
        json_t *result = grade_result(grade), *facts = json_pack("{s:s, s:f}", "date",
                                                                 "2026-01-02T03:04:06Z",
                                                                 "wall_seconds", 1.5);

        ck_assert_msg(database_end(database, id, result, facts, whole, &error), "%s",
                      error.message);
        json_decref(result);
        json_decref(facts);
}

/* The first column of the first row, by another connection; NaN: null or none. */
static double ask(const char *sql)
{
        sqlite3 *file;
        sqlite3_stmt *statement;
        double value = NAN;

        ck_assert_int_eq(sqlite3_open_v2(path, &file, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
        ck_assert_msg(sqlite3_prepare_v2(file, sql, -1, &statement, NULL) == SQLITE_OK, "%s: %s",
                      sql, sqlite3_errmsg(file));
        if (sqlite3_step(statement) == SQLITE_ROW &&
            sqlite3_column_type(statement, 0) != SQLITE_NULL)
                value = sqlite3_column_double(statement, 0);
        sqlite3_finalize(statement);
        sqlite3_close(file);
        return value;
}

START_TEST(every_table_says_what_the_result_says)
{
        int64_t id = begin_run(NULL);
        json_t *result;

        add_replication(id, 0);
        add_replication(id, 1);
        end_run(id, true);
        result = grade_result(grade);
        ck_assert_double_eq(ask("select count(*) from replications"), 2);
        ck_assert_double_eq(ask("select count(*) from arms"), 10);
        ck_assert_double_eq(ask("select bad_seconds from arms where arm = 'untreated'"), 320);
        ck_assert_double_eq(ask("select failed_requests from arms where arm = 'treated'"), 50);
        ck_assert_double_eq(ask("select count(*) from incidents where arm = 'treated'"), 4);
        ck_assert_double_eq(ask("select restored - onset from incidents where arm = 'treated' and "
                                "service = 'front'"),
                            50);
        ck_assert_double_eq(ask("select count(*) from incidents where faults = '[\"slow pay\"]'"),
                            12);
        ck_assert_double_eq(ask("select alarms from episodes where arm = 'treated'"), 1);
        ck_assert_double_eq(ask("select finished - started from actions where action = "
                                "'restart_instance' and service = 'pay' and arm = 'shadow'"),
                            10);
        ck_assert_double_eq(ask("select value from metrics where arm = 'treated' and metric = "
                                "'failed_requests'"),
                            field_of(metric_in(result, "treated", "failed_requests"), "value"));
        ck_assert_double_eq(ask("select count(*) from runs where state = 'finished' and seed = '7' "
                                "and wall_seconds = 1.5 and strategy = 'default'"),
                            1);
        json_decref(result);
}
END_TEST

START_TEST(what_waits_is_in_no_file_and_what_was_written_is_whole)
{
        int64_t id = begin_run(NULL);

        add_replication(id, 0);
        ck_assert_double_eq(ask("select count(*) from replications"), 0);
        ck_assert(database_flush(database, &error));
        ck_assert_double_eq(ask("select count(*) from replications"), 1);
        ck_assert_double_eq(ask("select count(*) from arms"), 5);
}
END_TEST

START_TEST(an_interrupted_run_keeps_its_records_and_a_whole_one_none)
{
        struct database_past past;
        int64_t id = begin_run(NULL);

        add_replication(id, 0);
        add_replication(id, 1);
        end_run(id, false);
        ck_assert_double_eq(ask("select count(*) from replications where record is not null"), 2);
        ck_assert_int_eq(begin_run(&past), id);
        ck_assert(!past.finished);
        ck_assert_uint_eq(past.held, 2);
        add_replication(id, 2);
        end_run(id, true);
        ck_assert_double_eq(ask("select count(*) from replications where record is null"), 3);
        ck_assert_int_eq(begin_run(&past), id);
        ck_assert(past.finished);
}
END_TEST

START_TEST(a_record_comes_back_as_it_was)
{
        int64_t id = begin_run(NULL);
        struct text_pool *texts = text_pool_create();
        struct replication_record record;
        unsigned char *bytes;
        struct arena arena;
        size_t count;

        add_replication(id, 0);
        ck_assert(database_flush(database, &error));
        bytes = database_record(database, id, 0, &count, &error);
        ck_assert_ptr_nonnull(bytes);
        arena_init(&arena);
        ck_assert(record_decode(&meta, bytes, count, &arena, texts, &record));
        ck_assert_uint_eq(record.arms[ARM_UNTREATED]->incident_count, 2);
        arena_release(&arena);
        text_pool_destroy(texts);
        free(bytes);
}
END_TEST

START_TEST(a_gap_ends_what_is_held)
{
        struct database_past past;
        int64_t id = begin_run(NULL);

        add_replication(id, 0);
        add_replication(id, 2);
        ck_assert(database_flush(database, &error));
        begin_run(&past);
        ck_assert_uint_eq(past.held, 1);
        ck_assert_double_eq(ask("select count(*) from replications"), 1);
}
END_TEST

START_TEST(another_seed_or_strategy_is_another_run)
{
        struct database_past past;
        int64_t id = begin_run(NULL);

        add_replication(id, 0);
        ck_assert(database_flush(database, &error));
        meta.seed = UINT64_MAX;
        ck_assert_int_ne(begin_run(&past), id);
        ck_assert_uint_eq(past.held, 0);
        ck_assert_double_eq(ask("select count(*) from runs where seed = '18446744073709551615'"),
                            1);
        meta.seed = 7;
        meta.healer_digest = "11";
        ck_assert_int_ne(begin_run(&past), id);
}
END_TEST

START_TEST(hostile_names_are_only_names)
{
        static const char hostile[] = "x'); drop table runs; --\" \\ \xe2\x80\xae <b>";
        struct meta_service *named = hand_services;
        const char *name = named[PAY].name;
        int64_t id;

        meta.title = hostile;
        meta.file = hostile;
        named[PAY].name = hostile;
        id = begin_run(NULL);
        add_replication(id, 0);
        end_run(id, true);
        named[PAY].name = name;
        ck_assert_double_eq(ask("select count(*) from runs"), 1);
        ck_assert_double_eq(
                ask("select count(*) from incidents where service like 'x''); drop table%'"), 3);
}
END_TEST

START_TEST(trends_read_what_has_ended)
{
        int64_t id = begin_run(NULL);
        json_t *results, *first;

        add_replication(id, 0);
        ck_assert(database_flush(database, &error));
        results = database_results(database, &error);
        ck_assert_uint_eq(json_array_size(results), 0);
        json_decref(results);
        end_run(id, true);
        results = database_results(database, &error);
        ck_assert_uint_eq(json_array_size(results), 1);
        first = json_array_get(results, 0);
        ck_metric(first, "treated", "failed_requests", 50);
        ck_assert_str_eq(result_text(first, "run_facts.date"), "2026-01-02T03:04:05Z");
        ck_assert_str_eq(result_text(first, "healer.name"), "default");
        json_decref(results);
}
END_TEST

START_TEST(a_file_of_somebody_else_is_refused)
{
        struct database *other;
        char name[128];
        sqlite3 *file;
        int handle;

        snprintf(name, sizeof(name), "%s/other", folder);
        sqlite3_open(name, &file);
        sqlite3_exec(file, "create table theirs (x)", NULL, NULL, NULL);
        sqlite3_close(file);
        ck_assert(!database_open(name, &other, &error));
        ck_assert_ptr_nonnull(strstr(error.message, "a database of something else"));
        unlink(name);
        handle = open(name, O_CREAT | O_WRONLY, 0600);
        ck_assert_int_eq(write(handle, "no database at all, but long enough to look at", 46), 46);
        close(handle);
        memset(&error, 0, sizeof(error));
        ck_assert(!database_open(name, &other, &error));
        ck_assert_ptr_nonnull(strstr(error.message, "not a database"));
        unlink(name);
}
END_TEST

static size_t runs_read(const char *name)
{
        struct database *reader;
        json_t *results;
        size_t count;

        memset(&error, 0, sizeof(error));
        ck_assert_msg(database_open_to_read(name, &reader, &error), "%s", error.message);
        results = database_results(reader, &error);
        ck_assert_msg(results != NULL, "%s", error.message);
        count = json_array_size(results);
        json_decref(results);
        database_close(reader);
        return count;
}

START_TEST(a_reader_sees_what_is_in_the_wal_and_leaves_nothing)
{
        int64_t id = begin_run(NULL);
        char name[128];

        add_replication(id, 0);
        end_run(id, true);
        ck_assert_uint_eq(runs_read(path), 1); /* still open for writing */
        database_close(database);
        database = NULL;
        ck_assert_uint_eq(runs_read(path), 1);
        snprintf(name, sizeof(name), "%s-wal", path);
        ck_assert_int_ne(access(name, F_OK), 0);
        snprintf(name, sizeof(name), "%s-shm", path);
        ck_assert_int_ne(access(name, F_OK), 0);
}
END_TEST

START_TEST(a_reader_makes_neither_file_nor_tables)
{
        struct database *reader;
        struct stat status;
        char name[128];

        snprintf(name, sizeof(name), "%s/empty", folder);
        close(open(name, O_CREAT | O_WRONLY, 0600));
        ck_assert_uint_eq(runs_read(name), 0);
        ck_assert_int_eq(stat(name, &status), 0);
        ck_assert_int_eq(status.st_size, 0);
        unlink(name);
        ck_assert(!database_open_to_read(name, &reader, &error));
        ck_assert_int_ne(access(name, F_OK), 0);
}
END_TEST

START_TEST(what_is_no_file_is_said_to_be_none)
{
        struct database *other;
        char name[128];

        snprintf(name, sizeof(name), "%s/pipe", folder);
        ck_assert_int_eq(mkfifo(name, 0600), 0);
        ck_assert(!database_open(name, &other, &error));
        ck_assert_ptr_nonnull(strstr(error.message, "/pipe: it is no ordinary file"));
        memset(&error, 0, sizeof(error));
        ck_assert(!database_open_to_read(name, &other, &error));
        ck_assert_ptr_nonnull(strstr(error.message, "/pipe: it is no ordinary file"));
        unlink(name);
        memset(&error, 0, sizeof(error));
        ck_assert(!database_open(folder, &other, &error));
        ck_assert_ptr_nonnull(strstr(error.message, "it is a folder, not a file"));
        memset(&error, 0, sizeof(error));
        ck_assert(!database_open("", &other, &error)); /* SQLite would make one and throw it away */
        ck_assert_ptr_nonnull(strstr(error.message, "it has no name"));
}
END_TEST

START_TEST(a_full_file_is_said_once_and_then_nothing_more_is_done)
{
        struct out_error again = {""};
        int64_t id = begin_run(NULL);
        sqlite3 *file;

        ck_assert_int_eq(sqlite3_open(path, &file), SQLITE_OK);
        sqlite3_exec(file, "create trigger full before insert on arms begin select "
                           "raise(abort, 'database or disk is full'); end",
                     NULL, NULL, NULL);
        sqlite3_close(file);
        add_replication(id, 0);
        ck_assert(!database_flush(database, &error));
        ck_assert_ptr_nonnull(strstr(error.message, "full"));
        ck_assert_ptr_nonnull(strstr(error.message, path));
        ck_assert(!database_flush(database, &again));
        ck_assert_str_eq(again.message, "");
        ck_assert_double_eq(ask("select count(*) from replications"), 0);
}
END_TEST

START_TEST(two_processes_write_to_one_file)
{
        enum { RUNS = 20 };
        pid_t children[2];

        database_close(database);
        database = NULL;
        for (int c = 0; c < 2; c++) {
                children[c] = fork();
                if (children[c] != 0)
                        continue;
                meta.seed = (uint64_t)c;
                if (!database_open(path, &database, &error))
                        _exit(1);
                for (uint32_t i = 0; i < RUNS; i++) {
                        int64_t id = begin_run(NULL);

                        add_replication(id, 0);
                        if (!database_flush(database, &error))
                                _exit(2);
                }
                database_close(database);
                _exit(0);
        }
        for (int c = 0; c < 2; c++) {
                int status;

                ck_assert_int_eq(waitpid(children[c], &status, 0), children[c]);
                ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %d", status);
        }
        ck_assert_double_eq(ask("select count(*) from replications"), 2 * RUNS);
        ck_assert_double_eq(ask("select count(distinct run_id) from arms"), 2 * RUNS);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("database");
        TCase *tests = tcase_create("all");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tests, setup, teardown);
        tcase_add_test(tests, every_table_says_what_the_result_says);
        tcase_add_test(tests, what_waits_is_in_no_file_and_what_was_written_is_whole);
        tcase_add_test(tests, an_interrupted_run_keeps_its_records_and_a_whole_one_none);
        tcase_add_test(tests, a_record_comes_back_as_it_was);
        tcase_add_test(tests, a_gap_ends_what_is_held);
        tcase_add_test(tests, another_seed_or_strategy_is_another_run);
        tcase_add_test(tests, hostile_names_are_only_names);
        tcase_add_test(tests, trends_read_what_has_ended);
        tcase_add_test(tests, a_file_of_somebody_else_is_refused);
        tcase_add_test(tests, a_reader_sees_what_is_in_the_wal_and_leaves_nothing);
        tcase_add_test(tests, a_reader_makes_neither_file_nor_tables);
        tcase_add_test(tests, what_is_no_file_is_said_to_be_none);
        tcase_add_test(tests, a_full_file_is_said_once_and_then_nothing_more_is_done);
        tcase_add_test(tests, two_processes_write_to_one_file);
        suite_add_tcase(suite, tests);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
