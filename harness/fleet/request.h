/* harness/fleet/request.h - what a request's ways share: request.c, where it is a call
 * and a req, and relay.c, where it is a relay.
 *
 * Inline, since each is a few instructions on the hot path.
 */
#ifndef CHAOS_FLEET_REQUEST_H
#define CHAOS_FLEET_REQUEST_H

#include "harness/fleet/model.h"

/* Counts one more in flight; false: they are too many, and the run is over. */
static inline bool request_comes_in(struct fleet *fleet)
{
        if (++fleet->in_flight <= FLEET_IN_FLIGHT_MAX)
                return true;
        fleet_break(fleet, "more than 2 million requests in flight: an unbounded queue is "
                           "overloaded (give the service a `queue`)");
        return false;
}

/* A call begins: its edge may make so many retries more. */
static inline void edge_earns_retries(struct edge *edge)
{
        if (edge->retry.budget >= 0 && edge->retry.max > 0) {
                edge->retry_credit += edge->retry.budget;
                if (edge->retry_credit > 100)
                        edge->retry_credit = 100;
        }
}

static inline uint32_t instance_outstanding(const struct fleet *fleet, uint32_t instance)
{
        return fleet->instances[instance].queue.length + fleet->instances[instance].inside.length;
}

/* Where the balancer of an edge sends a call whose draw has these bits; NONE: nowhere. */
static inline uint32_t pick_instance(struct fleet *fleet, struct edge *edge, uint32_t bits)
{
        const struct service *service = &fleet->services[edge->to];
        uint32_t count = service->routable_count;
        uint32_t best, other;

        if (count == 0)
                return NONE;
        switch ((enum fleet_balancing)edge->balancing) {
        case BALANCE_RANDOM:
                return service->routable[rng_below(bits, count)];
        case BALANCE_POWER_OF_TWO:
                best = service->routable[rng_below(bits, count)];
                other = service->routable[rng_below((uint32_t)hash_mix(bits, 2), count)];
                return instance_outstanding(fleet, other) < instance_outstanding(fleet, best)
                               ? other
                               : best;
        case BALANCE_LEAST_OUTSTANDING:
                edge->turn = edge->turn + 1 >= count ? 0 : edge->turn + 1;
                best = service->routable[edge->turn];
                for (uint32_t i = 1; i < count; i++) {
                        uint32_t at = edge->turn + i;

                        other = service->routable[at >= count ? at - count : at];
                        if (instance_outstanding(fleet, other) < instance_outstanding(fleet, best))
                                best = other;
                }
                return best;
        case BALANCE_ROUND_ROBIN:
        default:
                edge->turn = edge->turn + 1 >= count ? 0 : edge->turn + 1;
                return service->routable[edge->turn];
        }
}

/* `ahead`: of this attempt, or NULL. */
static inline int64_t draw_work_ns(const struct fleet *fleet, uint32_t instance, float cost,
                                   struct rng_block block, const struct drawn_ahead *ahead)
{
        const struct instance *i = &fleet->instances[instance];
        const struct dist *dist = i->params == NULL
                                          ? &fleet->services[i->service].spec->service_time
                                          : i->params->service_time;
        int64_t work_ns = ahead != NULL && dist->kind == DIST_EXPONENTIAL
                                  ? dist_exponential_ns(dist, ahead->hop_log)
                                  : dist_sample_ns(dist, rng_u01(block.word[0]));

        return cost == 1.0f ? work_ns : (int64_t)((double)work_ns * (double)cost);
}

/* ---- request.c */

/* Makes the next calls of a req whose own work is done, or answers it. */
void req_continue(struct fleet *fleet, uint32_t index);
/* Begins a call that its guard has just turned away. */
void call_begin_refused(struct fleet *fleet, uint32_t index);
/* A good answer at no distance to the attempt `token` of a call, if it still waits. */
void call_answered_well(struct fleet *fleet, uint32_t index, uint32_t token);

/* ---- relay.c */

enum { FLEET_RELAY_HOPS = 4 }; /* services that one record passes through at most */

/* Takes over an attempt that goes to `instance` now; false: it cannot. */
bool relay_takes(struct fleet *fleet, uint32_t call, uint64_t uid, uint32_t instance,
                 int64_t work_ns);
/* Its own work at its present hop is done. */
void relay_worked(struct fleet *fleet, uint32_t index, uint32_t generation); /* EV_RELAY */

#endif
