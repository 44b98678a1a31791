/* reports/plots/kit.h - what several plots share: time, faults, actions, data. */
#ifndef CHAOS_REPORTS_PLOTS_KIT_H
#define CHAOS_REPORTS_PLOTS_KIT_H

#include "reports/plots.h"
#include "reports/report.h"

/* The axis of virtual time, in the unit that suits the run's length. */
struct plot_axis {
        double unit_s, end_s;
        const char *unit;
};
struct plot_axis plot_axis_of(const struct report *report);

/* Shades the fault windows of replication 0 and marks the healing actions of
 * the treated arm in every panel drawn afterwards, and sets the x axis. */
void plot_mark_events(const struct report *report, const struct plot_axis *axis,
                      struct text *script);

/* Adds `$name << EOD` with t and value of a line; at most 2 000 points: more
 * are thinned to the largest of each stretch. False when there is no such line;
 * then nothing is added. */
bool plot_add_series(const struct report *report, const char *arm, const char *metric,
                     const struct plot_axis *axis, const char *name, struct text *script);

/* Legend entries for what plot_mark_events() draws. */
void plot_add_event_key(const struct report *report, struct text *script);

/* Rows of arms.ARM.LIST. NULL when there are none. */
const json_t *plot_list(const struct report *report, const char *arm, const char *list);

void plot_number(struct text *script, double value); /* "?" when it is none */

/* ---- the drawings, by file */

int draw_timeline(const struct report *report, struct text *script);
void tell_timeline(const struct report *report, struct text *words);
int draw_latency(const struct report *report, struct text *script);
int draw_errors(const struct report *report, struct text *script);
int draw_goodput(const struct report *report, struct text *script);
int draw_breakers(const struct report *report, struct text *script);
int draw_degradation(const struct report *report, struct text *script);
void tell_latency(const struct report *report, struct text *words);
void tell_errors(const struct report *report, struct text *words);
void tell_goodput(const struct report *report, struct text *words);
void tell_breakers(const struct report *report, struct text *words);
void tell_degradation(const struct report *report, struct text *words);

int draw_waterfall(const struct report *report, struct text *script);
int draw_recovery(const struct report *report, struct text *script);
int draw_prevention(const struct report *report, struct text *script);
int draw_by_type(const struct report *report, struct text *script);
int draw_effectiveness(const struct report *report, struct text *script);
int draw_predictions(const struct report *report, struct text *script);
void tell_waterfall(const struct report *report, struct text *words);
void tell_recovery(const struct report *report, struct text *words);
void tell_prevention(const struct report *report, struct text *words);
void tell_by_type(const struct report *report, struct text *words);
void tell_effectiveness(const struct report *report, struct text *words);
void tell_predictions(const struct report *report, struct text *words);

int draw_forest(const struct report *report, struct text *script);
int draw_pairs(const struct report *report, struct text *script);
void tell_forest(const struct report *report, struct text *words);
void tell_pairs(const struct report *report, struct text *words);

int draw_trend(const struct report *report, struct text *script);
int draw_hours(const struct report *report, struct text *script);
int draw_together(const struct report *report, struct text *script);
void tell_trend(const struct report *report, struct text *words);
void tell_hours(const struct report *report, struct text *words);
void tell_together(const struct report *report, struct text *words);

#endif
