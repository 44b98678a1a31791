/* harness/cli/progress.h - how far a run is, on stderr.
 *
 * A bar that is drawn over where stderr is a terminal, a line every five
 * seconds where it is not (with --log-json an object), nothing when quiet. Uses the wall clock, as the one
 * place beside run.json that does.
 */
#ifndef CHAOS_CLI_PROGRESS_H
#define CHAOS_CLI_PROGRESS_H

#include <stdbool.h>

#include "harness/base/patience.h"
#include "harness/run/run.h"

struct progress {
        const char *what;
        bool quiet, terminal, drawn;
        struct patience patience;
        double cpu_s, shown_s; /* of the processor, at the last look; of the patience */
};

void progress_begin(struct progress *progress, const char *what, bool quiet);
void progress_show(struct progress *progress, const struct run_progress *now);
void progress_end(struct progress *progress);

/* A clock that should only go forward, and evenly. */
double wall_s(void);
int64_t wall_ns(void);

#endif
