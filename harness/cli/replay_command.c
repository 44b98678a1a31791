/* replay_command.c - `chaos-run replay`: the detectors over recorded telemetry. */
#include "harness/cli/commands.h"
#include "harness/replay/replay.h"
#include "reports/verdict.h"

int command_replay(const struct options *options)
{
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
        return replay_run(&replay, stdout, stderr);
}
