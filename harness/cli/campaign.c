/* campaign.c - a line a run, and how many ended how. */
#include "harness/cli/campaign.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/report.h"
#include "reports/text.h"
#include "reports/verdict.h"
#include "reports/writer.h"

/* Columns beside names and outcome: metric of the treated arm, and of the untreated one. */
static const struct {
        const char *column, *path;
} columns[] = {
        {"replications", "runs"},
        {"failed_requests", "arms.treated.metrics.failed_requests.value"},
        {"failed_requests_untreated", "arms.untreated.metrics.failed_requests.value"},
        {"bad_seconds", "arms.treated.metrics.bad_seconds.value"},
        {"bad_seconds_untreated", "arms.untreated.metrics.bad_seconds.value"},
        {"time_to_restore", "arms.treated.metrics.time_to_restore.value"},
        {"prevention_rate", "arms.treated.metrics.prevention_rate.value"},
        {"false_actions_per_week", "arms.treated.metrics.false_actions_per_week.value"},
};
enum { COLUMN_COUNT = sizeof(columns) / sizeof(columns[0]) };

/* The table of an earlier campaign is replaced, somebody's own file of that name is not. */
static bool may_begin(struct campaign *campaign)
{
        char *path = out_path(campaign->folder, "campaign.csv");
        bool ours;

        if (path == NULL) {
                out_error_set(&campaign->error, "campaign.csv: cannot write: %s", strerror(ENOMEM));
                return false;
        }
        ours = out_file_is_ours(path, "scenario,strategy,variables,outcome,", &campaign->error);
        free(path);
        return ours;
}

bool campaign_begin(struct campaign *campaign, const struct options *options, size_t expected)
{
        struct text head;

        *campaign = (struct campaign){
                .folder = options->out == NULL ? "chaos-results" : options->out,
                .expected = expected,
                .active = expected > 1,
                .brief = expected >= CAMPAIGN_BRIEF_FROM,
        };
        if (!campaign->active)
                return true;
        writers_remove_remnants(campaign->folder);
        if (!out_folder_make(campaign->folder, &campaign->error) || !may_begin(campaign) ||
            !out_file_begin(&campaign->file, campaign->folder, "campaign.csv", &campaign->error)) {
                fprintf(stderr, "chaos-run: %s\n", campaign->error.message);
                campaign->active = false;
                return false;
        }
        text_init(&head);
        text_add(&head, "scenario,strategy,variables,outcome,exit_code");
        for (size_t i = 0; i < COLUMN_COUNT; i++)
                text_addf(&head, ",%s", columns[i].column);
        text_add(&head, ",folder\n");
        out_file_add(&campaign->file, text_bytes(&head), head.length);
        text_release(&head);
        return true;
}

bool campaign_widen(struct campaign *campaign, const struct options *options, size_t combinations)
{
        if (!campaign->active)
                return campaign_begin(campaign, options, campaign->expected * combinations);
        if (campaign->expected * combinations >= CAMPAIGN_BRIEF_FROM)
                campaign->brief = true;
        return true;
}

static void add_line(struct campaign *campaign, const char *const names[3], const char *folder,
                     int code, const json_t *result)
{
        struct text line;

        text_init(&line);
        for (int i = 0; i < 3; i++) {
                text_csv(&line, names[i]);
                text_add(&line, ",");
        }
        text_addf(&line, "%s,%d", exit_code_outcome(code), code);
        for (size_t i = 0; i < COLUMN_COUNT; i++) {
                double value = result == NULL ? NAN : result_number(result, columns[i].path);

                text_add(&line, ",");
                if (!isnan(value))
                        text_number(&line, value);
        }
        text_add(&line, ",");
        text_csv(&line, folder);
        text_add(&line, "\n");
        out_file_add(&campaign->file, text_bytes(&line), line.length);
        text_release(&line);
}

/* "✓ passed  latency.json, aggressive: 12 failed requests a run (340 without healing)" */
static void tell(const char *const names[3], int code, const json_t *result)
{
        double failed = result_number(result, "arms.treated.metrics.failed_requests.value");
        double without = result_number(result, "arms.untreated.metrics.failed_requests.value");
        struct text line;

        text_init(&line);
        text_addf(&line, "%s %s  ", code == 0 ? "✓" : code == 1 ? "✗" : "?", exit_code_outcome(code));
        text_plain(&line, names[0]);
        for (int i = 1; i < 3; i++)
                if (*names[i] != '\0') {
                        text_add(&line, ", ");
                        text_plain(&line, names[i]);
                }
        if (!isnan(failed)) {
                text_add(&line, ": ");
                text_count(&line, round(failed));
                text_add(&line, " failed requests a run");
        }
        if (!isnan(without)) {
                text_add(&line, " (");
                text_count(&line, round(without));
                text_add(&line, " without healing)");
        }
        printf("%s\n", text_bytes(&line));
        text_release(&line);
}

void campaign_add(struct campaign *campaign, const char *scenario, const char *strategy,
                  const char *variables, const char *folder, int code, const json_t *result)
{
        const char *const names[3] = {scenario, strategy == NULL ? "" : strategy, variables};

        if (!campaign->active)
                return;
        campaign->runs++;
        campaign->by_code[code & 255]++;
        add_line(campaign, names, folder == NULL ? "" : folder, code, result);
        if (campaign->brief && result != NULL)
                tell(names, code, result);
}

int campaign_end(struct campaign *campaign, int code)
{
        const char *between = "";

        if (!campaign->active)
                return code;
        printf("\n%zu runs: ", campaign->runs);
        for (int i = 0; i < 256; i++)
                if (campaign->by_code[i] > 0) {
                        printf("%s%zu %s", between, campaign->by_code[i], exit_code_outcome(i));
                        between = ", ";
                }
        if (out_file_commit(&campaign->file)) {
                printf("; %s/campaign.csv\n", campaign->folder);
                return code;
        }
        printf("\n");
        fprintf(stderr, "chaos-run: %s\n", campaign->error.message);
        return exit_code_worse(code, EXIT_IO_ERROR);
}
