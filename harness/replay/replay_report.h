/* harness/replay/replay_report.h - what replay found, as tables or as JSON. */
#ifndef CHAOS_REPLAY_REPLAY_REPORT_H
#define CHAOS_REPLAY_REPLAY_REPORT_H

#include "harness/replay/replay.h"
#include "harness/replay/score.h"

enum bad_row { BAD_COLUMNS, BAD_TIME, BAD_NUMBER, BAD_TIME_BACK, BAD_ROW_COUNT };

struct alarm_note {
        char timestamp[40];      /* as the file wrote it, cut */
        char series[80];         /* component/metric, cut; empty in the short form */
        uint64_t line;
        double value, score;
        uint32_t voters, loudest;
};

struct prediction_note {
        char timestamp[40], series[80];
        uint64_t line;
        double value, limit, confidence, in_s;
};

struct file_report {
        const char *name; /* the input's */
        int status;       /* REPLAY_* */
        bool labelled;    /* the label file names it */
        uint64_t rows, bad[BAD_ROW_COUNT], gaps;
        uint64_t rows_over_cap; /* of series beyond series_max */
        uint64_t first_bad_line;
        size_t series;
        uint64_t alarms;
        struct alarm_note *notes; /* the first REPLAY_ALARMS_LISTED_MAX alarms */
        size_t note_count;
        struct prediction_note *foretold; /* the first REPLAY_ALARMS_LISTED_MAX predictions */
        size_t foretold_count;
        uint64_t predictions, came_true, did_not; /* the rest still stand at the end */
        struct score_sum score;
};

struct replay_report {
        struct file_report *files;
        size_t count;
        bool labels;      /* a label file was given */
        bool list_alarms; /* tables: also the alarms, one a line */
        struct score_sum total; /* over the labelled files */
};

uint64_t file_report_bad(const struct file_report *file);

/* False when memory is out; a failed write is left to the caller's ferror(). */
bool replay_report_json(const struct replay_report *report, FILE *out);
void replay_report_text(const struct replay_report *report, FILE *out);

#endif
