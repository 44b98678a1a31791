/* progress.c - see progress.h. */
#include "harness/cli/progress.h"

#include <math.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "harness/cli/log.h"
#include "harness/cli/printable.h"
#include "harness/cli/run_facts.h"

enum { BAR_WIDTH = 24 };

double wall_s(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

int64_t wall_ns(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* What has passed, as far as it is to be believed: between two looks as much as the processor
 * has worked for us, and a minute more in which others may have kept us waiting. */
static double spent_s(struct progress *progress)
{
        double cpu_now_s = cpu_s(), worked_s = cpu_now_s - progress->cpu_s;

        progress->cpu_s = cpu_now_s;
        return 1e-9 * (double)patience_spent_within_ns(
                              &progress->patience, wall_ns(), 0,
                              60 * PATIENCE_LEAP_NS + (int64_t)(fmax(worked_s, 0) * 1e9));
}

void progress_begin(struct progress *progress, const char *what, bool quiet)
{
        *progress = (struct progress){
                .what = what,
                .quiet = quiet,
                .terminal = isatty(STDERR_FILENO) != 0 && !log_is_json(),
                .patience = patience_begin(wall_ns()),
                .cpu_s = cpu_s(),
        };
}

void progress_show(struct progress *progress, const struct run_progress *now)
{
        double passed_s = spent_s(progress);
        double share = now->replications > 0 ? (double)now->replications_done / now->replications : 0;
        double rate = passed_s > 0 ? now->virtual_s_done / passed_s : 0;
        char left[32] = "";
        int filled = (int)(share * BAR_WIDTH);

        if (progress->quiet || passed_s - progress->shown_s < (progress->terminal ? 0.1 : 5.0))
                return;
        progress->shown_s = passed_s;
        if (log_is_json()) {
                log_event("progress",
                          json_pack("{s:s, s:I, s:I, s:f, s:o}", "scenario", progress->what,
                                    "replications_done", (json_int_t)now->replications_done,
                                    "replications", (json_int_t)now->replications,
                                    "virtual_seconds_per_second", rate, "seconds_left",
                                    share > 0 ? json_real(passed_s / share - passed_s)
                                              : json_null()));
                return;
        }
        if (share > 0)
                snprintf(left, sizeof(left), ", %.0f s left", passed_s / share - passed_s);
        if (!progress->terminal) {
                fprintf(stderr, "chaos-run: %s: %u of %u replications, %.0f virtual s/s%s\n",
                        progress->what, now->replications_done, now->replications, rate, left);
                return;
        }
        progress->drawn = true;
        printable_command("\r");
        fprintf(stderr, "%s [%.*s%.*s] %u/%u  %.0f virtual s/s%s", progress->what, filled,
                "########################", BAR_WIDTH - filled, "........................",
                now->replications_done, now->replications, rate, left);
        printable_command("\033[K");
}

void progress_end(struct progress *progress)
{
        if (progress->drawn)
                printable_command("\r\033[K");
        progress->drawn = false;
}
