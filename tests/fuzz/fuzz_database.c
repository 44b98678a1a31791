/* fuzz_database.c - any bytes as a database of results: no crash, no leak, a refusal says why,
 * and what is read of it can be reported on.
 *
 * An input that begins as SQLite's files do is the file; any other is a list of edits
 * (database_edits.h) to the first file of the corpus.
 */
#include <stdint.h>

#include "reports/database.h"
#include "reports/trends.h"
#include "tests/fuzz/database_edits.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const char magic[] = "SQLite format 3";

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
        (void)argc;
        (void)argv;
        edits_begin(FUZZ_DATABASE);
        fuzz_enter();
        return 0;
}

/* Going on with whatever run is first, if there is one. */
static void go_on(struct database *database, struct out_error *error)
{
        for (int64_t id = 1; id <= 2; id++) {
                size_t count = 0;

                free(database_record(database, id, 0, &count, error));
        }
}

static void report(const json_t *results, struct out_error *error)
{
        size_t count = json_array_size(results);
        struct report *entries = calloc(count + 1, sizeof(*entries));
        const struct report **reports = calloc(count + 1, sizeof(*reports));
        const char **names = calloc(count + 1, sizeof(*names));
        struct writers_result written = {0};
        char folder[128];

        if (entries == NULL || reports == NULL || names == NULL)
                abort();
        for (size_t i = 0; i < count; i++) {
                entries[i].result = json_array_get(results, i);
                entries[i].run_facts = json_object_get(entries[i].result, "run_facts");
                reports[i] = &entries[i];
                names[i] = result_text(entries[i].result, "name");
        }
        snprintf(folder, sizeof(folder), "%s", fuzz_path("trends"));
        if (count > 0 && !trends_write(reports, names, count,
                                       &(struct writers_options){.folder = folder, .no_plots = true},
                                       &written, error))
                abort();
        writers_result_release(&written);
        free(entries);
        free(reports);
        free(names);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        bool whole = size >= sizeof(magic) && memcmp(bytes, magic, sizeof(magic)) == 0;
        struct out_error error = {""}, why = {""};
        struct database *database = NULL;
        json_t *results;

        unlink(fuzz_path("x.db-wal"));
        unlink(fuzz_path("x.db-shm"));
        if (whole)
                fuzz_write("x.db", bytes, size);
        else
                edits_apply("x.db", bytes, size);
        if (!database_open(fuzz_path("x.db"), &database, &error)) {
                if (error.message[0] == '\0')
                        abort();
                return 0;
        }
        results = database_results(database, &error);
        if (results == NULL && error.message[0] == '\0')
                abort();
        if (results != NULL)
                report(results, &why);
        json_decref(results);
        go_on(database, &why);
        database_close(database);
        return 0;
}
