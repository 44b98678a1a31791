/* harness/run/guards.h - protections that a healer sets on edges, carried out.
 *
 * A healer says which rules are to hold on an edge (struct edge_protection, in
 * the words of a strategy file); the fleet carries them out by itself, call by
 * call. Who the healer is makes no difference: libhealer and an external
 * program say the same and get the same. The objects on the edges are those of
 * libhealer's request path, one set an edge.
 *
 * A rule that changes while calls are under way replaces the object; calls that
 * the old one let in are not reported to the new one.
 */
#ifndef CHAOS_RUN_GUARDS_H
#define CHAOS_RUN_GUARDS_H

#include "harness/fleet/policy.h"
#include "harness/scenario/strategy.h"

/* What is to hold on an edge, by policy; NULL: none of it, and what the fleet
 * itself declares holds. */
struct edge_protection {
        uint32_t edge;
        const struct strategy_rule *rules[STRATEGY_POLICY_COUNT];
};

struct guards;

/* No edge is guarded at first. `key` seeds the jitter of breakers. NULL when
 * memory is out. */
struct guards *guards_create(uint32_t edge_count, uint64_t key);
void guards_destroy(struct guards *guards);

/* What is to hold on protection->edge from now on, instead of what did. The
 * rules are copied. False when memory is out, or a rule cannot be (out of the
 * range of its object). */
bool guards_set(struct guards *guards, const struct edge_protection *protection, int64_t now_ns);

/* Whether any edge has anything at all. */
bool guards_any(const struct guards *guards);

/* Whether the breaker on an edge refuses calls, or most of them. */
bool guards_breaker_open(const struct guards *guards, uint32_t edge);

/* For the fleet; the state is the guards. */
extern const struct fleet_policy_ops guards_policy_ops;

#endif
