/* fuzz_scenario.c - any bytes as a scenario file: no crash, no leak, and a
 * refusal always says why.
 *
 * The text goes into a folder in memory beside the fleets of the library, a small one, a
 * trace and a list of values, so that what names files gets somewhere. Paths may not
 * leave that folder.
 */
#include <dirent.h>
#include <stdint.h>
#include <sys/stat.h>

#include "harness/scenario/scenario.h"
#include "tests/fuzz/fuzz_folder.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define WRITE_TEXT(name, text) fuzz_write((name), (text), sizeof(text) - 1)

static void copy_fleets(void)
{
        static char bytes[1 << 20];
        DIR *folder = opendir(FUZZ_FLEETS);
        const struct dirent *entry;
        char from[512], to[300];

        if (folder == NULL || mkdir(fuzz_path("fleets"), 0700) != 0)
                abort();
        while ((entry = readdir(folder)) != NULL) {
                if (entry->d_name[0] == '.')
                        continue;
                snprintf(from, sizeof(from), "%s/%s", FUZZ_FLEETS, entry->d_name);
                snprintf(to, sizeof(to), "fleets/%s", entry->d_name);
                fuzz_write(to, bytes, fuzz_read(from, bytes, sizeof(bytes)));
        }
        closedir(folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
        (void)argc;
        (void)argv;
        fuzz_enter();
        copy_fleets();
        WRITE_TEXT("fleet.json", "{\"services\": [{\"name\": \"a\", \"service_time\": \"1ms\"}]}");
        WRITE_TEXT("trace.csv", "timestamp,value\n0,1\n60,2\n");
        WRITE_TEXT("values.txt", "1ms\n2ms\n");
        return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        struct scenario *scenario = NULL;
        struct diag_list diags;

        fuzz_write("scenario.json", bytes, size);
        diag_list_init(&diags);
        if (scenario_load(fuzz_path("scenario.json"), NULL, &scenario, &diags) !=
            (diag_total(&diags) == 0))
                abort();
        scenario_free(scenario);
        diag_list_release(&diags);
        return 0;
}
