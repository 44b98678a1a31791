/* reference.c - the reference healers by name. */
#include "harness/scenario/reference.h"

#include <string.h>

#define ROW(kind, name, summary)                                                                  \
        [REFERENCE_##kind] = {name, REFERENCE_PREFIX name, summary, REFERENCE_##kind}

const struct reference_row reference_rows[REFERENCE_COUNT] = {
        ROW(NONE, "none", "nothing: what the platform and the on-call human do by themselves"),
        ROW(PLACEBO, "placebo", "looks and asks for health checks; changes nothing"),
        ROW(RESTART_ALL, "restart-all", "restarts every service, every minute"),
        ROW(RANDOM, "random", "any action on any target, every half a minute"),
        ROW(ALWAYS_ALARM, "always-alarm", "alarms and predicts for every service at all times, and "
                                          "does nothing"),
        ROW(CONSTANT, "constant", "the same alarm, diagnosis and restart at every wake-up"),
        ROW(SCALE_TO_ZERO, "scale-to-zero", "takes all instances away that it can, and refuses the "
                                            "rest: no traffic, no incident"),
        ROW(ORACLE, "oracle", "is told every fault before it comes and cures it by its mechanism at "
                              "once: how much was avertable"),
};

const struct reference_row *reference_find(const char *title)
{
        for (size_t i = 0; i < REFERENCE_COUNT; i++)
                if (strcmp(reference_rows[i].title, title) == 0)
                        return &reference_rows[i];
        return NULL;
}
