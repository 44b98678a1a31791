/* fuzz_import.c - any bytes as an experiment of another tool: what is made of it is
 * a scenario that the loader accepts.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/scenario/import.h"
#include "harness/scenario/scenario.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* The loader reads files, so it gets one in memory. */
static void load_again(const json_t *json)
{
        char path[] = "/dev/shm/fuzz_import_XXXXXX";
        struct scenario *scenario = NULL;
        struct diag_list diags;
        int fd = mkstemp(path);

        if (fd < 0 || json_dumpfd(json, fd, JSON_REAL_PRECISION(12)) != 0)
                abort();
        close(fd);
        diag_list_init(&diags);
        if (!scenario_load(path, NULL, &scenario, &diags)) {
                diag_list_print(&diags, stderr);
                abort();
        }
        scenario_free(scenario);
        diag_list_release(&diags);
        unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        struct imported imported;
        struct diag_list diags;

        diag_list_init(&diags);
        if (import_parse((const char *)bytes, size, "file", &imported, &diags)) {
                load_again(imported.scenario);
                imported_release(&imported);
        } else if (diag_total(&diags) == 0) {
                abort();
        }
        diag_list_release(&diags);
        return 0;
}
