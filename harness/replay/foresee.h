/* harness/replay/foresee.h - prediction over one recorded series.
 *
 * Where the metric has a limit (memory, disk, fds, pool, tokens and cpu: all of it;
 * the others: the critical threshold of the strategy), the line through the last
 * samples (healer/line.h) says when it will be reached, and the weighted rule
 * (healer/forecast.h) how sure that is: the same functions, thresholds and horizon as
 * in a live healer. A prediction stands until the limit is reached (it came true) or
 * its time has gone by half over (it did not), and only then another one is made.
 * Made from that row and earlier ones alone; 1 KiB a series.
 */
#ifndef CHAOS_REPLAY_FORESEE_H
#define CHAOS_REPLAY_FORESEE_H

#include <stdbool.h>
#include <stdint.h>

#include "healer/config.h"

enum { FORESEE_SAMPLES = 64 };

struct foresee {
        double limit; /* NaN: none, nothing is predicted */
        bool ratio;   /* values above 1.5: they are per cent */
        int64_t at_ns[FORESEE_SAMPLES];
        double value[FORESEE_SAMPLES];
        uint64_t count;
        double quick, slow;
        bool stands;
        int64_t said_ns, eta_ns;
        double confidence;
        uint64_t said, right, wrong;
};

/* `metric` as the file names it; NULL or unknown: no limit. */
void foresee_init(struct foresee *foresee, const char *metric, const struct healer_config *config);
/* True when a prediction is made at this row: see eta_ns and confidence. */
bool foresee_row(struct foresee *foresee, const struct healer_config *config, int64_t at_ns,
                 double value);

#endif
