/* progress.c - see progress.h. */
#include "harness/cli/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "harness/cli/log.h"
#include "harness/cli/printable.h"

enum { BAR_WIDTH = 24 };

double wall_s(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void progress_begin(struct progress *progress, const char *what, bool quiet)
{
        *progress = (struct progress){
                .what = what,
                .quiet = quiet,
                .terminal = isatty(STDERR_FILENO) != 0 && !log_is_json(),
                .started_s = wall_s(),
        };
        progress->shown_s = progress->started_s;
}

void progress_show(struct progress *progress, const struct run_progress *now)
{
        double at_s = wall_s(), spent_s = at_s - progress->started_s;
        double share = now->replications > 0 ? (double)now->replications_done / now->replications : 0;
        double rate = spent_s > 0 ? now->virtual_s_done / spent_s : 0;
        char left[32] = "";
        int filled = (int)(share * BAR_WIDTH);

        if (progress->quiet || at_s - progress->shown_s < (progress->terminal ? 0.1 : 5.0))
                return;
        progress->shown_s = at_s;
        if (log_is_json()) {
                log_event("progress",
                          json_pack("{s:s, s:I, s:I, s:f, s:o}", "scenario", progress->what,
                                    "replications_done", (json_int_t)now->replications_done,
                                    "replications", (json_int_t)now->replications,
                                    "virtual_seconds_per_second", rate, "seconds_left",
                                    share > 0 ? json_real(spent_s / share - spent_s)
                                              : json_null()));
                return;
        }
        if (share > 0)
                snprintf(left, sizeof(left), ", %.0f s left", spent_s / share - spent_s);
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
