/* fuzz_database.c - any bytes as a database of results: no crash, no leak, a refusal says why,
 * and what is read of it can be reported on. The seeds are real databases, made small.
 */
#include <stdint.h>

#include "reports/database.h"
#include "tests/fuzz/fuzz_folder.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
        (void)argc;
        (void)argv;
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

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        struct out_error error = {""}, why = {""};
        struct database *database = NULL;
        json_t *results;

        fuzz_write("x.db", bytes, size);
        unlink(fuzz_path("x.db-wal"));
        unlink(fuzz_path("x.db-shm"));
        if (!database_open(fuzz_path("x.db"), &database, &error)) {
                if (error.message[0] == '\0')
                        abort();
                return 0;
        }
        results = database_results(database, &error);
        if (results == NULL && error.message[0] == '\0')
                abort();
        json_decref(results);
        go_on(database, &why);
        database_close(database);
        return 0;
}
