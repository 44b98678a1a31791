/* fuzz_record.c - a replication's stored record, damaged in any way: refused, or taken
 * without an index that points outside, and then it can be written again.
 *
 * The input is a list of edits to a true record (which a run at the start makes): 3 bytes
 * of place, 1 of what (set, add, cut the rest off), 1 of value.
 */
#include <signal.h>
#include <stdint.h>

#include "harness/run/record_codec.h"
#include "harness/run/run.h"
#include "harness/scenario/scenario.h"
#include "harness/scenario/strategy.h"
#include "tests/fuzz/fuzz_folder.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const char scenario_text[] =
        "{\"version\": 1, \"title\": \"t\", \"duration\": \"30s\", \"warmup\": \"5s\","
        " \"healer\": \"default\", \"fleet\": {\"services\": ["
        "  {\"name\": \"shop\", \"service_time\": \"1ms\", \"calls\": [{\"to\": \"bank\"}]},"
        "  {\"name\": \"bank\", \"instances\": 2, \"service_time\": \"1ms\"}]},"
        " \"load\": [{\"to\": \"shop\", \"rate\": \"20/s\"}],"
        " \"method\": [{\"fault\": \"crash\", \"target\": {\"service\": \"bank\"}, \"at\": \"10s\"}]}";

static struct scenario *scenario;
static struct run_meta *meta;
static struct record_bytes whole;
static volatile sig_atomic_t stop;

static void keep(void *user, const struct replication_record *record)
{
        (void)user;
        if (!record_encode(meta, record, &whole))
                abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
        struct text_pool *texts = text_pool_create();
        struct diag_list diags;

        (void)argc;
        (void)argv;
        fuzz_enter();
        fuzz_write("scenario.json", scenario_text, sizeof(scenario_text) - 1);
        diag_list_init(&diags);
        if (!scenario_load(fuzz_path("scenario.json"), NULL, &scenario, &diags)) {
                diag_list_print(&diags, stderr);
                abort();
        }
        diag_list_release(&diags);
        meta = run_meta_make(scenario, true, "default", "", "fuzz");
        if (run_scenario(&(struct run_options){.scenario = scenario,
                                               .healer = &healer_builtin,
                                               .healer_config = scenario->strategy,
                                               .texts = texts,
                                               .count = 1,
                                               .jobs = 1,
                                               .stop = &stop,
                                               .sink = keep}) != RUN_OK)
                abort();
        text_pool_destroy(texts);
        return 0;
}

static size_t damage(unsigned char *copy, const uint8_t *bytes, size_t size)
{
        size_t count = whole.count;

        memcpy(copy, whole.bytes, count);
        for (; size >= 5 && count > 0; bytes += 5, size -= 5) {
                size_t place = ((size_t)bytes[0] << 16 | (size_t)bytes[1] << 8 | bytes[2]) % count;

                switch (bytes[3] % 3) {
                case 0:
                        copy[place] = bytes[4];
                        break;
                case 1:
                        copy[place] = (unsigned char)(copy[place] + bytes[4]);
                        break;
                default:
                        count = bytes[4] == 0 ? place : count;
                }
        }
        return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        unsigned char *copy = malloc(whole.count);
        struct text_pool *texts = text_pool_create();
        struct replication_record record;
        struct record_bytes again = {0};
        struct arena arena;
        size_t count;

        if (copy == NULL || texts == NULL)
                abort();
        arena_init(&arena);
        count = damage(copy, bytes, size);
        if (record_decode(meta, copy, count, &arena, texts, &record) &&
            !record_encode(meta, &record, &again))
                abort();
        record_bytes_release(&again);
        arena_release(&arena);
        text_pool_destroy(texts);
        free(copy);
        return 0;
}
