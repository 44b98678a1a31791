/* harness/scenario/reference.h - the names of the reference healers.
 *
 * A reference healer is built in and heals by no skill: it does nothing, too
 * much, always the same, or (the oracle) what it is told. It stands where a
 * strategy stands, as "reference:NAME", and is a floor or ceiling beside any
 * grade. What each does is harness/run/reference.c.
 */
#ifndef CHAOS_SCENARIO_REFERENCE_H
#define CHAOS_SCENARIO_REFERENCE_H

#include <stddef.h>

#define REFERENCE_PREFIX "reference:"

enum reference_kind {
        REFERENCE_NONE,
        REFERENCE_PLACEBO,
        REFERENCE_RESTART_ALL,
        REFERENCE_RANDOM,
        REFERENCE_ALWAYS_ALARM,
        REFERENCE_CONSTANT,
        REFERENCE_SCALE_TO_ZERO,
        REFERENCE_ORACLE,
        REFERENCE_COUNT
};

struct reference_row {
        const char *name;    /* "oracle" */
        const char *title;   /* "reference:oracle", as a strategy is named */
        const char *summary;
        enum reference_kind kind;
};

extern const struct reference_row reference_rows[REFERENCE_COUNT];

/* Of a title, with its prefix; NULL when there is none of that name. */
const struct reference_row *reference_find(const char *title);

#endif
