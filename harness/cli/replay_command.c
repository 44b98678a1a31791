/* replay_command.c - `chaos-run replay`: the healer over recorded telemetry. */
#include "harness/cli/commands.h"
#include "harness/replay/replay.h"
#include "harness/scenario/scenario.h"
#include "reports/verdict.h"

/* What of a strategy means anything without a fleet: detection and prediction. */
static bool load_strategy(const char *name, struct healer_config *out)
{
        struct strategy *strategy = NULL;
        struct read_session session;
        struct read_context ctx;
        const json_t *value = NULL;
        json_t *preset = NULL;
        struct diag_list diags;
        struct arena arena;
        size_t size;
        bool ok = false;

        arena_init(&arena);
        diag_list_init(&diags);
        read_session_begin(&session, &arena, &diags);
        if (strategy_preset(name, &size) != NULL) {
                preset = json_string(name);
                if (read_text_begin(&session, "command line", "{}", 2, JSON_PATH_ROOT, &ctx, &value))
                        value = preset;
        } else if (!read_named_file_begin(&session, name, JSON_PATH_ROOT, &ctx, &value)) {
                value = NULL;
        }
        if (value != NULL && strategy_load(&arena, &ctx, value, JSON_PATH_ROOT, &strategy)) {
                *out = strategy->healer;
                ok = true;
        }
        (void)diag_list_print(&diags, stderr);
        json_decref(preset);
        read_session_end(&session);
        diag_list_release(&diags);
        arena_release(&arena);
        return ok;
}

int command_replay(const struct options *options)
{
        struct healer_config healer;
        struct replay_options replay = {
                .paths = options->words.items,
                .path_count = options->words.count,
                .labels_path = options->labels,
                .metric = options->metric,
                .scores_path = options->scores,
                .json = options->json,
        };

        if (options->words.count == 0) {
                fprintf(stderr, "chaos-run: replay: which telemetry? (CSV files or folders of them)\n");
                return EXIT_INVALID;
        }
        if (options->strategies.count > 1) {
                fprintf(stderr, "chaos-run: replay: one strategy is wanted, not %zu\n",
                        options->strategies.count);
                return EXIT_INVALID;
        }
        if (options->strategies.count == 1) {
                if (!load_strategy(options->strategies.items[0], &healer))
                        return EXIT_INVALID;
                replay.healer = &healer;
        }
        return replay_run(&replay, stdout, stderr);
}
