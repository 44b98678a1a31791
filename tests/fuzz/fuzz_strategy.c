/* fuzz_strategy.c - any bytes as a strategy file: no crash, no leak, and a refusal always
 * says why. It is the healer of a small scenario whose edges its rules may name.
 */
#include <stdint.h>

#include "harness/scenario/scenario.h"
#include "tests/fuzz/fuzz_folder.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const char scenario_text[] =
        "{\"version\": 1, \"title\": \"t\", \"duration\": \"1m\", \"healer\": \"strategy.json\","
        " \"fleet\": {\"services\": ["
        "  {\"name\": \"shop\", \"service_time\": \"1ms\", \"calls\": [{\"to\": \"bank\"}]},"
        "  {\"name\": \"bank\", \"service_time\": \"1ms\"}]},"
        " \"load\": [{\"to\": \"shop\", \"rate\": \"1/s\"}],"
        " \"method\": [{\"fault\": \"crash\", \"target\": {\"service\": \"bank\"}, \"at\": \"10s\"}]}";

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
        (void)argc;
        (void)argv;
        fuzz_enter();
        fuzz_write("scenario.json", scenario_text, sizeof(scenario_text) - 1);
        return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        struct scenario *scenario = NULL;
        struct diag_list diags;

        fuzz_write("strategy.json", bytes, size);
        diag_list_init(&diags);
        if (scenario_load(fuzz_path("scenario.json"), NULL, &scenario, &diags) !=
            (diag_total(&diags) == 0))
                abort();
        scenario_free(scenario);
        diag_list_release(&diags);
        return 0;
}
