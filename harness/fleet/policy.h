/* harness/fleet/policy.h - protections on a call's way, carried out by the fleet.
 *
 * The fleet knows that an edge may be guarded, not by what. Whoever configures
 * the guards (a healer, through run/guards.c) gives these calls; they
 * are asked for every attempt on a guarded edge, in order of virtual time, from
 * the thread of that world alone. None of them may allocate.
 */
#ifndef CHAOS_FLEET_POLICY_H
#define CHAOS_FLEET_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/fleet/fleet_spec.h"

enum policy_verdict {
        POLICY_ADMIT,
        POLICY_LATER, /* not yet: the attempt waits for its turn */
        POLICY_REJECT_BREAKER,
        POLICY_REJECT_BULKHEAD,
        POLICY_REJECT_RATE,
        POLICY_REJECT_SHED,
        POLICY_VERDICT_COUNT
};

enum policy_outcome { POLICY_OK, POLICY_FAILED, POLICY_TIMEOUT, POLICY_IGNORED, POLICY_CANCELLED };

/* Stays with the attempt from admit to report; the fleet does not look inside. */
struct policy_ticket {
        uint64_t word[2];
};

/* Of an attempt that may have to wait. */
struct policy_turn {
        uint64_t waiter; /* in: who it is */
        int64_t at_ns;   /* out, of POLICY_LATER: when to ask again; TIME_NEVER: when told */
        bool timed;      /* out, of POLICY_LATER: the attempt's time limit runs meanwhile */
};

/* Settings that replace the fleet's own on an edge; asked once at the start. */
struct policy_edge_settings {
        bool guarded;           /* admit and report are to be called */
        bool has_timeout, has_retry, has_fallback;
        int64_t timeout_ns;
        struct retry_spec retry;
        uint32_t fallback_kinds; /* bit per enum fleet_fallback_kind; the fleet's own acts if in it */
        bool queues;            /* admit may answer POLICY_LATER */
};

struct policy_transition {
        int64_t at_ns;
        uint32_t edge;
        const char *from, *to;  /* "closed" "open" "half_open" ...; static */
};

struct fleet_policy_ops {
        void (*settings)(void *state, uint32_t edge, struct policy_edge_settings *out);
        /* `priority` 0..499 of the request. On POLICY_ADMIT and POLICY_LATER the ticket must
         * be reported exactly once. LATER: resume is to be asked at *turn->at_ns, or when
         * next_turn names turn->waiter, which is the fleet's own word; of those who give up
         * before, report hears. */
        enum policy_verdict (*admit)(void *state, uint32_t edge, int64_t now_ns, uint32_t priority,
                                     struct policy_ticket *ticket, struct policy_turn *turn);
        /* For an attempt that was told LATER. A refusal takes the ticket back. */
        enum policy_verdict (*resume)(void *state, uint32_t edge, int64_t now_ns,
                                      uint32_t priority, struct policy_ticket *ticket,
                                      struct policy_turn *turn);
        /* Whose turn has come since the last call, in order; false when there is none. */
        bool (*next_turn)(void *state, uint64_t *waiter);
        void (*report)(void *state, uint32_t edge, int64_t now_ns, struct policy_ticket *ticket,
                       enum policy_outcome outcome, int64_t latency_ns);
        /* The caller gives up, and its work goes on: what the ticket holds belongs to the work
         * from here on, until give_back(). To be called before report(). 0: it holds nothing,
         * and nothing is to be given back. */
        uint32_t (*hand_over)(void *state, uint32_t edge, struct policy_ticket *ticket);
        void (*give_back)(void *state, uint32_t edge, uint32_t permit);
        /* Transitions since the last call, oldest first; false when there is none left. */
        bool (*next_transition)(void *state, struct policy_transition *out);
};

#endif
