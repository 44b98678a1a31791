/* reports/writer.h - the formats a report is written in, a row each.
 *
 * A writer is one file and one row in writer.c: it turns a report into the
 * bytes of one file. The plots are a row too, with a folder instead of a file.
 * writers_run() does everything around it: which were asked for, the folder,
 * complete files or none, what is left from an earlier run.
 */
#ifndef CHAOS_REPORTS_WRITER_H
#define CHAOS_REPORTS_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "reports/plots.h"
#include "reports/report.h"

enum writer_id {
        WRITER_JSON,
        WRITER_JOURNAL,
        WRITER_JUNIT,
        WRITER_HTML,
        WRITER_MARKDOWN,
        WRITER_CSV,
        WRITER_PROM,
        WRITER_OM,
        WRITER_SVG,
        WRITER_PNG,
        WRITER_GRAFANA,
        WRITER_COUNT
};
#define WRITER_BIT(id) (UINT32_C(1) << (id))

/* What writers may read beside the report: plots that were made before. */
struct writer_context {
        const struct report *report;
        const struct plot_set *plots; /* NULL: none were made */
};

struct writer_file {
        const char *name; /* of the file, in the output folder */
        void (*write)(const struct writer_context *context, struct text *out);
        /* NULL, or: false when there is nothing to write (no series) */
        bool (*has_data)(const struct report *report);
};

struct writer {
        const char *name; /* as in --format */
        const char *summary;
        const struct writer_file *files; /* ended by a NULL name; none for plots and journal */
        bool needs_plots;
        bool by_default;
};

extern const struct writer writers[WRITER_COUNT];

/* "json,html": a set of bits; "all" is every writer, "none" is 0. False with a
 * message that names the writers there are. */
bool writers_parse(const char *list, uint32_t *set, struct out_error *error);

/* What is written when nothing was asked for. */
uint32_t writers_default(void);

struct writers_options {
        const char *folder; /* made when missing */
        uint32_t set;       /* WRITER_BITs */
        bool no_plots;      /* no gnuplot at all, --no-plots */
        bool fresh;         /* a run: our files of an earlier one that this one does not
                             * write are removed; false: `report` adds to a folder */
};

/* What came of it, for the verdict screen and for stderr. */
struct writers_result {
        char *report_path; /* of the file to open: html, md or result.json; owned; or NULL */
        struct text notes; /* lines for stderr, such as that gnuplot is missing */
};
void writers_result_release(struct writers_result *result);

/* Whether `folder` may be written to: it is missing, empty, or holds only our
 * own files and one of result.json and run.json with our schema. False with a
 * message (exit 74). Call it before a long run, too. */
bool writers_check_folder(const char *folder, struct out_error *error);

/* Hidden files of ours that a killed process left there; a living one's stay. */
void writers_remove_remnants(const char *folder);

/* Makes a folder recognisable as ours, unless it is already. */
bool writers_mark_folder(const char *folder, struct out_error *error);

/* Writes everything. The journal is not in here (write_journal.h), as it is made
 * from the record; it is one of our files nevertheless. False with one message
 * (exit 74) at the first failure; files written before it are whole. */
bool writers_run(const struct report *report, const struct writers_options *options,
                 struct writers_result *result, struct out_error *error);

/* ---- the writers' functions, one file each */

void write_result_json(const struct writer_context *context, struct text *out);
void write_run_json(const struct writer_context *context, struct text *out);
void write_series_csv(const struct writer_context *context, struct text *out);
bool has_series(const struct report *report);
void write_metrics_csv(const struct writer_context *context, struct text *out);
void write_incidents_csv(const struct writer_context *context, struct text *out);
void write_junit(const struct writer_context *context, struct text *out);
void write_markdown(const struct writer_context *context, struct text *out);
void write_html(const struct writer_context *context, struct text *out);
void write_prom(const struct writer_context *context, struct text *out);
void write_openmetrics(const struct writer_context *context, struct text *out);
void write_grafana(const struct writer_context *context, struct text *out);

#endif
