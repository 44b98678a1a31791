/* fuzz_store.c - the file of a healer's store, damaged in any way: the next healer starts
 * with it or says why not, and what it is told was open it can take or refuse.
 *
 * The input is the file, if it begins as SQLite's files do; else a list of edits
 * (database_edits.h) to what a healer leaves that is killed while a service is slow.
 */
#include <stdint.h>

#include "healer/store/store.h"
#include "tests/fuzz/database_edits.h"
#include "tests/healer_rig.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const char magic[] = "SQLite format 3";
static struct healer_store_config config;
static struct healer_open open_now; /* large: not for the stack */
static struct rig *rig;

static void step(struct healer_store *store)
{
        uint32_t noted = rig->notice_count, ordered = rig->order_count;

        rig_step(rig);
        for (; noted < rig->notice_count; noted++)
                healer_store_notice(store, rig->now_ns, &rig->notices[noted]);
        for (; ordered < rig->order_count; ordered++)
                healer_store_command(store, rig->now_ns, &rig->orders[ordered]);
        healer_store_watch(store, rig->now_ns, rig->healer);
        if (healer_store_flush(store, rig->now_ns) != HEALER_OK)
                abort();
}

/* Leaves a file with episodes and commands that are open, and rules. */
static void make_file(void)
{
        static const struct healer_heal_rule rules[] = {
                {"slow", "error_type_contains=timeout and severity_gte=high", "restart_component", 50, true, 1, 2},
                {"known", "component_equals=payment", "log_and_continue", -3, false, 0, 0},
        };
        struct healer_store *store;
        char reason[256];

        if (healer_store_open(&config, 0, reason, sizeof(reason), &store) != HEALER_OK)
                abort();
        for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
                if (healer_store_heal_rule(store, 0, &rules[i]) != HEALER_OK)
                        abort();
        while (rig->now_ns < 600 * RIG_SECOND)
                step(store);
        for (uint32_t i = 0; i < RIG_EACH; i++)
                rig_slow_instance(rig, INSTANCE(PAYMENT, i), 2);
        rig_slow_edge(rig, TO_PAYMENT, 2, 2.2);
        while (rig->order_count == 0)
                step(store);
        step(store);
        (void)healer_store_breaker(store, rig->now_ns, "checkout->payment", "open", "slow");
        if (healer_store_flush(store, rig->now_ns) != HEALER_OK)
                abort();
        healer_store_abandon(store);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
        static char path[128];

        (void)argc;
        (void)argv;
        fuzz_enter();
        snprintf(path, sizeof(path), "%s", fuzz_path("healer.db"));
        rig = rig_started();
        config = healer_store_config_defaults();
        config.path = path;
        config.busy_ns = 0;
        config.topology = &rig->topology;
        config.healer = &rig->config;
        make_file();
        edits_begin(path);
        config.resume = 1;
        return 0;
}

static void remember(struct healer_store *store)
{
        struct healer_heal_rules_config rules_config = healer_heal_rules_config_defaults();
        struct healer_heal_rules *rules;
        char reason[256] = "";
        uint32_t refused = 0;

        if (healer_heal_rules_create(&rules_config, &rules) != HEALER_OK)
                abort();
        if (healer_store_recall_heal_rules(store, rules, &refused, reason, sizeof(reason)) == HEALER_OK &&
            refused > 0 && reason[0] == '\0')
                abort();
        healer_heal_rules_destroy(rules);
        if (healer_store_recall(store, &open_now) == HEALER_OK) {
                struct rig *next = rig_started();

                (void)healer_open_import(next->healer, rig->now_ns, &open_now);
                rig_free(next);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        struct healer_store *store = NULL;
        char reason[256] = "";

        unlink(fuzz_path("healer.db-wal"));
        unlink(fuzz_path("healer.db-shm"));
        if (size >= sizeof(magic) && memcmp(bytes, magic, sizeof(magic)) == 0)
                fuzz_write("healer.db", bytes, size);
        else
                edits_apply("healer.db", bytes, size);
        if (healer_store_open(&config, rig->now_ns, reason, sizeof(reason), &store) != HEALER_OK) {
                if (reason[0] == '\0')
                        abort();
                return 0;
        }
        remember(store);
        healer_store_watch(store, rig->now_ns, rig->healer);
        (void)healer_store_flush(store, rig->now_ns);
        (void)healer_store_purge(store, rig->now_ns + 40 * 86400 * RIG_SECOND, NULL);
        healer_store_close(store);
        return 0;
}
