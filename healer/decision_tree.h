/* healer/decision_tree.h - a decision tree: what to do about a failure, how sure one may be.
 *
 * The type of the failure picks a topic, the confidence in its cause a list: from 0.8
 * on *act*, from 0.5 on *prepare* and watch, below *investigate*. What else is known
 * is laid over it and goes before the list, in this order: it is critical (on-call and
 * incident response first), three failures or more are related (it is system-wide), a
 * processor or memory is above 90 % (scale first).
 *
 * A step is a sentence, and in a list to act possibly an action that an actuator
 * may carry out. A step of any other list never is one: preparing a restart is not
 * restarting, so there is nothing in it to execute.
 *
 * A pure function; texts are static. The supervisor (healer.h) gives its advice along when
 * a human is called (healer_escalation_of(); in a run: journal, explain, --notify), and keeps
 * to the same bands: below `diagnosis.confidence_threshold` it orders nothing.
 */
#ifndef HEALER_DECISION_TREE_H
#define HEALER_DECISION_TREE_H

#include "healer/kinds.h"

#include <stdint.h>

HEALER_BEGIN_DECLS

enum healer_tree_band {
        HEALER_TREE_ACT,
        HEALER_TREE_PREPARE,
        HEALER_TREE_INVESTIGATE,
        HEALER_TREE_BAND_COUNT
};

/* Bits of `overlays`. */
enum {
        HEALER_TREE_OVERLAY_CRITICAL = 1 << 0,
        HEALER_TREE_OVERLAY_SYSTEM_WIDE = 1 << 1,
        HEALER_TREE_OVERLAY_SATURATED = 1 << 2,
        HEALER_TREE_OVERLAYS = 1 << 3 /* combinations of them */
};

enum { HEALER_TREE_STEPS_MAX = 8 };

struct healer_tree_step {
        enum healer_action_kind action; /* HEALER_ACTION_COUNT: nothing to carry out */
        const char *text;
};

struct healer_tree_advice {
        enum healer_tree_band band;
        uint32_t count;
        struct healer_tree_step steps[HEALER_TREE_STEPS_MAX];
};

/* Of the confidence in a cause, 0..1; NaN is none. */
HEALER_API enum healer_tree_band healer_tree_band_of(double confidence);

/* From readings (0..1, NaN: unknown), how many failures are related to it
 * (healer_related_count()) and how grave it is. */
HEALER_API uint32_t healer_tree_overlays(double cpu_ratio, double memory_ratio,
                                         uint32_t related_count, enum healer_severity severity);

/* HEALER_E_RANGE for a failure or overlays that do not exist; then `out` is empty. */
HEALER_API enum healer_err healer_tree_advise(enum healer_failure failure, double confidence,
                                              uint32_t overlays, struct healer_tree_advice *out);

HEALER_END_DECLS

#endif
