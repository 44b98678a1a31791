/* fuzz_scenario.c - any bytes as a scenario file: no crash, no leak, and a
 * refusal always says why.
 *
 * The text goes into a folder in memory beside a small fleet file, a trace and
 * a list of values, so that what names files gets somewhere. Paths may not
 * leave that folder.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/scenario/scenario.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static char folder[] = "/dev/shm/fuzz_scenario_XXXXXX";
static char scenario_path[64];

/* Absolute, since the fuzzer's own paths are relative to where it was started. */
static const char *in_folder(const char *name)
{
        static char path[64];

        snprintf(path, sizeof(path), "%s/%s", folder, name);
        return path;
}

static void leave(void)
{
        static const char *const names[] = {"scenario.json", "fleet.json", "trace.csv",
                                            "values.txt"};

        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                unlink(in_folder(names[i]));
        rmdir(folder);
}

static void write_file(const char *name, const void *bytes, size_t size)
{
        int fd = open(in_folder(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

        if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
                abort();
        close(fd);
}

#define WRITE_TEXT(name, text) write_file((name), (text), sizeof(text) - 1)

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
        (void)argc;
        (void)argv;
        if (mkdtemp(folder) == NULL)
                abort();
        snprintf(scenario_path, sizeof(scenario_path), "%s", in_folder("scenario.json"));
        atexit(leave);
        WRITE_TEXT("fleet.json", "{\"services\": [{\"name\": \"a\", \"service_time\": \"1ms\"}]}");
        WRITE_TEXT("trace.csv", "timestamp,value\n0,1\n60,2\n");
        WRITE_TEXT("values.txt", "1ms\n2ms\n");
        return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        struct scenario *scenario = NULL;
        struct diag_list diags;

        write_file("scenario.json", bytes, size);
        diag_list_init(&diags);
        if (scenario_load(scenario_path, NULL, &scenario, &diags) != (diag_total(&diags) == 0))
                abort();
        scenario_free(scenario);
        diag_list_release(&diags);
        return 0;
}
