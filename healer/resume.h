/* healer/resume.h - what a healer has open, out of one that dies and into the next.
 *
 * A supervisor that is killed leaves episodes open and commands under way. Who
 * keeps a copy of both outside of the process (healer/store does) can hand it to
 * the healer that is started next: it goes on where the other stopped, on the
 * same rung, under the same numbers, and does not order again what is still
 * being carried out.
 *
 * What was measured is not part of it. The new healer looks with fresh eyes: an
 * episode whose alarms do not come back within the dwell of verification ends
 * as any other that is well.
 */
#ifndef HEALER_RESUME_H
#define HEALER_RESUME_H

#include "healer/kinds.h"

#include <stdbool.h>
#include <stdint.h>

HEALER_BEGIN_DECLS

enum { HEALER_OPEN_EPISODES_MAX = 64, HEALER_OPEN_COMMANDS_MAX = 128, HEALER_OPEN_TARGETS_MAX = 32 };

/* Where an open episode stands. */
enum healer_open_state {
        HEALER_OPEN_WATCHING,  /* not certain, not due, or nothing to be done */
        HEALER_OPEN_APPROVAL,  /* waits for a yes or a no */
        HEALER_OPEN_ACTING,
        HEALER_OPEN_VERIFYING,
        HEALER_OPEN_ESCALATED, /* a human's, until it is well or closed by hand */
        HEALER_OPEN_STATE_COUNT
};

struct healer_open_target {
        uint32_t instance; /* HEALER_NONE: the service as a whole */
        uint32_t attempts;
        bool moved, done, failed;
};

struct healer_open_episode {
        uint64_t id;
        enum healer_open_state state;
        enum healer_failure failure;
        enum healer_severity severity;
        uint32_t service, edge; /* edge: or HEALER_NONE */
        double confidence;
        int64_t opened_ns;
        int64_t acted_ns;       /* first command; HEALER_NEVER: none */
        uint32_t rung, rungs_failed;
        enum healer_action_kind acting, last_kind; /* last: HEALER_ACTION_COUNT: none */
        bool rung_done; /* an action of the present rung reported success */
        bool escalated, preventive, suggested, approved, rejected, failed;
        uint64_t prediction;
        int64_t approval_until_ns;
        uint32_t target_count;
        struct healer_open_target targets[HEALER_OPEN_TARGETS_MAX];
};

struct healer_open_command {
        uint64_t id, episode;
        enum healer_action_kind kind;
        uint32_t service, instance, edge; /* or HEALER_NONE */
        double amount;
        bool preventive;
        int64_t issued_ns, due_ns;
};

struct healer_open {
        uint32_t size;          /* sizeof(struct healer_open) */
        uint64_t ids_used;      /* no number up to this one is given again */
        uint32_t episode_count, command_count;
        struct healer_open_episode episodes[HEALER_OPEN_EPISODES_MAX];
        struct healer_open_command commands[HEALER_OPEN_COMMANDS_MAX];
};

struct healer;

/* What is open now; also from inside a callback. About 60 KiB: not for a small stack. */
HEALER_API void healer_open_export(const struct healer *healer, struct healer_open *out);

/* Into a healer that has not ticked yet. Its numbers go on behind `ids_used`.
 * HEALER_E_SIZE; HEALER_E_STATE: it has episodes or commands of its own;
 * HEALER_E_RANGE: a service, instance or kind that is not there, or a number
 * twice. In each of these nothing changed. */
HEALER_API enum healer_err healer_open_import(struct healer *healer, int64_t now_ns,
                                              const struct healer_open *open);

/* NULL when `open` fits the topology of `healer`, else what does not. */
HEALER_API const char *healer_open_check(const struct healer *healer,
                                         const struct healer_open *open);

HEALER_END_DECLS

#endif
