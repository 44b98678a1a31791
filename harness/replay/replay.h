/* harness/replay/replay.h - the healer's detectors over recorded telemetry.
 *
 * Reads CSV, `timestamp,value` or `timestamp,component,metric,value` (see
 * csv.h; a header line is optional and may name the columns in another order),
 * row by row through the detection that heals a live system, and says where it
 * would have raised alarms. With labels it says how good they were (score.h).
 * A directory stands for every *.csv below it, in the order of their names.
 *
 * Metrics with a limit are predicted, too (foresee.h): the report says when a row
 * made a prediction, and how many came true.
 *
 * Bad rows are counted by kind and said, never fatal, and teach the detector
 * nothing: a wrong number of columns, no instant, no number (NaN and an empty
 * field too), time going back within a series. When time has gone back for 16
 * rows in order the series is taken to go on from there (a clock was set), in
 * the same phase of its week. Gaps, more than ten usual intervals, are counted;
 * their rows are good ones.
 *
 * Memory does not grow with the rows: one detector and one name per series, at
 * most `series_max` of them in a file; rows of further series are counted, and
 * the run then ends as REPLAY_INTERNAL (a stated cap).
 *
 * The scores file has one row for each row read: `timestamp,value,anomaly_score,
 * alarm`, the long form `timestamp,component,metric,value,anomaly_score,alarm`;
 * a bad row 0 and 0. It appears under its name only when it is complete.
 */
#ifndef CHAOS_REPLAY_REPLAY_H
#define CHAOS_REPLAY_REPLAY_H

#include "healer/anomaly.h"
#include "healer/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
        REPLAY_DONE = 0,
        REPLAY_INVALID = 2,   /* a file cannot be read or is no telemetry; a wrong option */
        REPLAY_INTERNAL = 70, /* more series in one file than series_max, or out of memory */
        REPLAY_IO = 74,       /* scores or report could not be written */
};

enum { REPLAY_SERIES_MAX = 4096, REPLAY_ALARMS_LISTED_MAX = 100 };

struct replay_options {
        const char *const *paths; /* files and directories, at least one */
        size_t path_count;
        const char *labels_path; /* NULL: none */
        const char *metric;      /* only rows of this metric; NULL: all. Files without a metric
                                    column are refused with it */
        const char *scores_path; /* NULL: none. One file gives a file; a directory or several
                                    files give a directory */
        bool json;               /* one JSON document instead of tables */
        size_t series_max;       /* per file; 0: REPLAY_SERIES_MAX */
        const struct healer_anomaly_config *anomaly; /* NULL: the library's defaults */
        const struct healer_config *healer; /* of the strategy, NULL: the library's defaults:
                                             * anomaly detection on or off and how sensitive,
                                             * prediction, thresholds */
};

/* Runs everything; the report goes to `out`, one line per error to `errors`.
 * Files that can be read are, also after one that cannot. Returns the worst of
 * the codes above, in the order INTERNAL, IO, INVALID, DONE. */
int replay_run(const struct replay_options *options, FILE *out, FILE *errors);

#endif
