/* timeline.c - rows by time, in columns. */
#include "reports/timeline.h"

#include <math.h>
#include <stdlib.h>

void timeline_init(struct timeline *timeline)
{
        *timeline = (struct timeline){0};
        text_init(&timeline->spare);
}

void timeline_release(struct timeline *timeline)
{
        for (size_t i = 0; i < timeline->count; i++)
                text_release(&timeline->rows[i].words);
        free(timeline->rows);
        text_release(&timeline->spare);
        timeline_init(timeline);
}

struct text *timeline_add(struct timeline *timeline, double at_s, const char *label)
{
        struct timeline_row *row;

        if (timeline->count == timeline->room) {
                size_t room = timeline->room * 2 + 32;
                struct timeline_row *rows = realloc(timeline->rows, room * sizeof(*rows));

                if (rows == NULL) {
                        timeline->failed = true;
                        timeline->spare.length = 0;
                        return &timeline->spare;
                }
                timeline->rows = rows;
                timeline->room = room;
        }
        row = &timeline->rows[timeline->count];
        *row = (struct timeline_row){.at_s = at_s, .order = timeline->count++, .label = label};
        text_init(&row->words);
        return &row->words;
}

static int by_time(const void *left, const void *right)
{
        const struct timeline_row *a = left, *b = right;

        if (a->at_s != b->at_s)
                return a->at_s < b->at_s ? -1 : 1;
        return a->order < b->order ? -1 : 1;
}

static void add_clock(struct text *out, double at_s, const char *sign, int columns)
{
        struct text clock;

        text_init(&clock);
        text_add(&clock, sign);
        text_clock(&clock, at_s);
        text_addf(out, "%*s", columns, text_bytes(&clock));
        out->failed = out->failed || clock.failed;
        text_release(&clock);
}

void timeline_print(struct timeline *timeline, double zero_s, struct text *out)
{
        if (timeline->count > 0)
                qsort(timeline->rows, timeline->count, sizeof(*timeline->rows), by_time);
        for (size_t i = 0; i < timeline->count; i++) {
                const struct timeline_row *row = &timeline->rows[i];
                size_t indent = 22;

                add_clock(out, row->at_s, "", 10);
                if (isfinite(zero_s)) {
                        add_clock(out, row->at_s - zero_s, row->at_s - zero_s < 0 ? "" : "+", 10);
                        indent += 10;
                }
                text_addf(out, "  %-10s", row->label);
                text_wrapped(out, text_bytes(&row->words), TIMELINE_COLUMNS, indent);
                out->failed = out->failed || row->words.failed;
        }
        out->failed = out->failed || timeline->failed;
}
