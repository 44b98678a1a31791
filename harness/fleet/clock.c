/* clock.c - clocks that are wrong, and what depends on them.
 *
 * Every instance has a clock: fleet time, plus what is wrong with its host's
 * (offsets add, a drift grows). Clients' clocks are right. What misbehaves:
 *
 *   tokens      a call carries a token that was stamped by its caller's clock and
 *               is good for a minute around; a callee whose clock is further away
 *               refuses it, and trying again does not help. Certificates and
 *               leases are good for far longer, so tokens always fail first.
 *   timeouts    are counted by the caller's clock: where it runs fast they come
 *               early. One that jumps forward makes all those due that end within
 *               the jump.
 *
 * Quotas, leases of leaders and health checks go by their own keeper's clock, and
 * that is fleet time. Without an effect on any clock the hot path pays for one
 * compare.
 */
#include <math.h>

#include "harness/fleet/model.h"

static const double token_good_for_s = 60;

static double offset_s(const struct fleet *fleet, uint32_t index)
{
        return index == NONE ? 0 : effect_clock_offset_s(fleet, &fleet->instances[index]);
}

bool clock_refuses(struct fleet *fleet, uint32_t caller, uint32_t callee)
{
        double apart_s = fabs(offset_s(fleet, caller) - offset_s(fleet, callee));

        if (apart_s <= token_good_for_s)
                return false;
        if (caller != NONE)
                effect_clock_told(&fleet->instances[caller]);
        effect_clock_told(&fleet->instances[callee]);
        return true;
}

int64_t clock_timeout_ns(const struct fleet *fleet, uint32_t caller, int64_t timeout_ns)
{
        double rate = caller == NONE ? 0 : effect_clock_rate(fleet, &fleet->instances[caller]);

        return rate == 0 ? timeout_ns : (int64_t)((double)timeout_ns / (1 + rate));
}

/* Calls that the instance waits for, and whose time is over by its new clock. */
void clock_jumped(struct fleet *fleet, uint32_t index, struct effect *effect)
{
        int64_t by_ns = (int64_t)(effect->a * 1e9);

        for (uint32_t i = 0; i < fleet->call_count; i++) {
                const struct call *call = &fleet->calls[i];
                const struct edge *edge = &fleet->edges[call->edge];

                if (call->state != CALL_WAITING || call->parent == NONE ||
                    fleet->reqs[call->parent].generation != call->parent_generation ||
                    fleet->reqs[call->parent].instance != index ||
                    edge->timeout_ns == TIME_NEVER ||
                    edge->timeout_ns - (fleet->now - call->sent_at_ns) > by_ns)
                        continue;
                effect->touched++;
                event_queue_push(&fleet->queue, fleet->now, call->uid,
                                 event_payload(EV_TIMEOUT, call->token, i));
        }
}
