/* fuzz_trace.c - any bytes as a recorded load: no crash, no leak, and a refusal always says
 * why. Read twice, as counts in a period and, without one, as whatever the file seems to be.
 */
#include <stdint.h>

#include "harness/scenario/scenario.h"
#include "tests/fuzz/fuzz_folder.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define SCENARIO(keys)                                                                             \
        "{\"version\": 1, \"title\": \"t\", \"duration\": \"1m\", \"healer\": \"none\","           \
        " \"fleet\": {\"services\": [{\"name\": \"shop\", \"service_time\": \"1ms\"}]},"           \
        " \"load\": [{\"to\": \"shop\", \"process\": \"trace\", \"file\": \"trace.csv\"" keys "}],"  \
        " \"method\": [{\"fault\": \"crash\", \"target\": {\"service\": \"shop\"}, \"at\": \"10s\"}]}"

static const char counts_text[] = SCENARIO(", \"per\": \"5m\", \"scale\": 0.5");
static const char plain_text[] = SCENARIO("");

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
        (void)argc;
        (void)argv;
        fuzz_enter();
        fuzz_write("counts.json", counts_text, sizeof(counts_text) - 1);
        fuzz_write("plain.json", plain_text, sizeof(plain_text) - 1);
        return 0;
}

static void load(const char *name)
{
        struct scenario *scenario = NULL;
        struct diag_list diags;

        diag_list_init(&diags);
        if (scenario_load(fuzz_path(name), NULL, &scenario, &diags) != (diag_total(&diags) == 0))
                abort();
        scenario_free(scenario);
        diag_list_release(&diags);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        fuzz_write("trace.csv", bytes, size);
        load("counts.json");
        load("plain.json");
        return 0;
}
