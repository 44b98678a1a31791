/* reports/plots.h - the plots of a report, drawn by gnuplot.
 *
 * A plot is a row: a name, a title, a text for those who cannot see it, and a
 * function that writes its gnuplot script with the data in it. The script ends
 * up as plots/NAME.gp, so that `gnuplot NAME.gp` in that folder draws the same
 * picture again, with nothing else needed.
 *
 * gnuplot is started without a shell, two at a time, each with a time limit.
 * Without gnuplot scripts are written all the same and `missing` says so.
 */
#ifndef CHAOS_REPORTS_PLOTS_H
#define CHAOS_REPORTS_PLOTS_H

#include <stdbool.h>
#include <stddef.h>

#include "reports/report.h"

struct plot {
        const char *name; /* plots/NAME.svg */
        int width_px;
        const char *title;   /* the question it answers, for a heading */
        const char *reading; /* how to read it, one sentence */
        /* The script without terminal and output. Returns the height of the picture in px;
         * 0: there is nothing to draw. */
        int (*draw)(const struct report *report, struct text *script);
        /* What it says in words, for a reader who does not see it. */
        void (*tell)(const struct report *report, struct text *words);
};

extern const struct plot plot_rows[];
extern const size_t plot_row_count;

/* The whole script: terminal, style, drawing. False: nothing to draw. */
bool plot_script(const struct plot *plot, const struct report *report, struct text *script);

struct plot_set {
        char **svg;        /* [plot_row_count], NULL: not drawn; owned */
        bool missing;      /* no gnuplot on this machine */
        bool no_fonts;     /* png wanted, but this machine has no font for it */
        struct text notes; /* lines on what went wrong, "" if nothing */
};

struct plots_options {
        const char *folder;  /* the output folder; plots/ is made below */
        bool png;            /* also NAME.png */
        const char *program; /* "gnuplot"; tests name another one */
        int seconds_max;     /* for one plot; 0: 60 */
};

/* Draws all that have data. What gnuplot cannot do is a note and no error; what
 * cannot be written is one, with a message. The caller releases `out` in any
 * case. */
bool plots_draw(const struct report *report, const struct plots_options *options,
                struct plot_set *out, struct out_error *error);
void plot_set_release(struct plot_set *set);

/* Removes what plots_draw() made in an earlier run. */
void plots_forget(const char *folder);

/* Draws one script that is in no row (a trend over many results) as
 * plots/NAME.gp and NAME.svg. `*svg` is the picture, to be freed, or NULL with
 * a line in `notes`. False with a message when it cannot be written. */
bool plots_draw_script(const struct plots_options *options, const char *name, int width_px,
                       int height_px, const struct text *body, char **svg, struct text *notes,
                       struct out_error *error);

/* The names of the files that plots_draw() may make, for the folder's rules. */
bool plots_own_file(const char *name);

#endif
