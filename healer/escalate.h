/* healer/escalate.h - who is told, how urgently, and until when somebody answers.
 *
 * An escalator takes incidents and calls *channels*: a log, a chat, a pager, each
 * a handler of the caller's with the least level that it wants to hear of. What
 * is raised at
 *
 *     low, medium  warning     high  critical     critical  emergency, and manual
 *
 * goes to every channel of that level, once for an incident. If nobody has
 * acknowledged it when its time is over it goes one level up, once, and to the
 * channels of that level. A *manual* incident stays open until a person closes
 * it by name, whatever becomes of the failure; others end with healer_escalator_resolve().
 *
 * A channel without a handler, or whose handler answers false, is a failure and
 * counted; so is a level to which nobody listens. Handlers are called from raise
 * and poll, one at a time, and must not call back (HEALER_E_BUSY); one that may
 * take long puts what it is told into a queue (healer/notify).
 *
 * The supervisor says when it is a human's turn and gives what he is to know
 * (healer_escalation_of()); whom to tell is its embedder's to say, with one of these. In a
 * simulated run `chaos-run --notify` is that embedder.
 *
 * The time is the caller's. One owner at a time; one allocation at create, 232
 * bytes an incident; every call is O(incidents).
 */
#ifndef HEALER_ESCALATE_H
#define HEALER_ESCALATE_H

#include "healer/alloc.h"
#include "healer/kinds.h"

#include <stdbool.h>

HEALER_BEGIN_DECLS

enum { HEALER_CHANNELS_MAX = 16 };

enum healer_escalation_level {
        HEALER_ESCALATION_WARNING,
        HEALER_ESCALATION_CRITICAL,
        HEALER_ESCALATION_EMERGENCY,
        HEALER_ESCALATION_LEVEL_COUNT
};

HEALER_API extern const char *const healer_escalation_names[HEALER_ESCALATION_LEVEL_COUNT];

/* What a handler is told; the texts live during the call. */
struct healer_escalation {
        uint64_t key;          /* the incident's own number: the same key, the same incident */
        uint32_t level;        /* enum healer_escalation_level */
        uint32_t severity;     /* enum healer_severity */
        uint32_t failure;      /* enum healer_failure */
        bool manual;           /* a person has to close it */
        bool overdue;          /* nobody acknowledged it in time */
        int64_t raised_ns, at_ns;
        const char *component; /* 0..47 bytes are kept */
        const char *context;   /* what was found and tried, 0..399 bytes are kept */
};

/* True: handed on. */
typedef bool healer_channel_fn(void *ctx, const struct healer_escalation *escalation);

struct healer_escalator_config {
        uint32_t size;
        uint32_t incidents_max;  /* open at a time, 1..4096; default 64 */
        int64_t timeout_ns;      /* to acknowledge, > 0; HEALER_NEVER: no next level; default 300 s */
        const struct healer_allocator *allocator;
};

struct healer_escalator;

HEALER_API struct healer_escalator_config healer_escalator_config_defaults(void);
HEALER_API const char *healer_escalator_config_check(const struct healer_escalator_config *config);
HEALER_API HEALER_NODISCARD enum healer_err
healer_escalator_create(const struct healer_escalator_config *config, struct healer_escalator **out);
HEALER_API void healer_escalator_destroy(struct healer_escalator *escalator);

/* A channel that hears of `level_min` and above. A name twice replaces the one
 * before. `handler` may be NULL: then each message to it fails, so that a
 * forgotten handler is seen. HEALER_E_RANGE: no name (1..47 bytes), no such level;
 * HEALER_E_FULL. */
HEALER_API enum healer_err healer_escalator_channel(struct healer_escalator *escalator,
                                                    const char *name, uint32_t level_min,
                                                    healer_channel_fn *handler, void *ctx);

/* Tells the channels; `level` and `manual` follow from the severity. HEALER_E_EXISTS:
 * that incident is open, nobody is told again; HEALER_E_FULL (the channels are
 * told all the same, but it is not followed); HEALER_E_FAILED: no channel took it
 * (it is open, and goes up when its time is over). */
HEALER_API enum healer_err healer_escalator_raise(struct healer_escalator *escalator,
                                                  const struct healer_escalation *incident,
                                                  int64_t now_ns);
/* Somebody (not empty) has seen it: it goes no level up. */
HEALER_API enum healer_err healer_escalator_acknowledge(struct healer_escalator *escalator,
                                                        uint64_t key, const char *who);
/* The failure is over. HEALER_E_STATE: it is manual, and stays open. */
HEALER_API enum healer_err healer_escalator_resolve(struct healer_escalator *escalator, uint64_t key);
/* A person closes it. HEALER_E_RANGE: nobody's name. */
HEALER_API enum healer_err healer_escalator_close(struct healer_escalator *escalator, uint64_t key,
                                                  const char *who);
/* What nobody acknowledged in time goes up. `*next_ns`: when to ask again. */
HEALER_API enum healer_err healer_escalator_poll(struct healer_escalator *escalator, int64_t now_ns,
                                                 int64_t *next_ns);

struct healer_escalator_stats {
        uint64_t raised, duplicates, overdue;
        uint64_t delivered, failed; /* by channel and message */
        uint64_t unheard;           /* messages that no channel took */
        uint64_t dropped;           /* incidents without a place */
        uint32_t open, manual_open;
};

HEALER_API struct healer_escalator_stats
healer_escalator_stats(const struct healer_escalator *escalator);
/* Messages that a channel took and did not; HEALER_E_NOT_FOUND. */
HEALER_API enum healer_err healer_escalator_channel_stats(const struct healer_escalator *escalator,
                                                          const char *name, uint64_t *delivered,
                                                          uint64_t *failed);

HEALER_END_DECLS

#endif
