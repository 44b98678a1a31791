/* turn.c - an attempt before the guards of its edge: let in, sent away, or told to wait.
 *
 * Who is to wait keeps its call record and has one event: the time at which it
 * may ask again (a rate limit's pace, the end of a bulkhead's patience), or at
 * once when its turn has come before. An event that finds the attempt gone on,
 * given up or over is stale: the call's token or its ticket says so.
 *
 * The time limit of an attempt runs while it waits for a bulkhead, which stands
 * inside of it, and not while a rate limit paces it, which stands outside.
 */
#include "harness/fleet/data_layer.h"

static uint64_t waiter_of(const struct fleet *fleet, uint32_t index)
{
        return (uint64_t)fleet->calls[index].token << 32 | index;
}

static void ask_again_at(struct fleet *fleet, uint32_t index, int64_t at_ns)
{
        const struct call *call = &fleet->calls[index];

        event_queue_push(&fleet->queue, at_ns, call->uid,
                         event_payload(EV_TURN, call->token, index));
}

void call_refused_by_guard(struct fleet *fleet, uint32_t index)
{
        struct call *call = &fleet->calls[index];

        call->ticket_state = TICKET_NONE;
        fleet->edges[call->edge].refused += call->first_at_ns >= fleet->measured_from_ns;
        call_attempt_failed(fleet, index, CALL_REJECTED, true);
}

/* True: it may go. Else it waits, or has been refused. */
static bool take_verdict(struct fleet *fleet, uint32_t index, enum policy_verdict verdict,
                         const struct policy_turn *turn)
{
        struct call *call = &fleet->calls[index];

        if (verdict == POLICY_ADMIT) {
                call->ticket_state = TICKET_IN;
                return true;
        }
        if (verdict == POLICY_LATER) {
                call->ticket_state = TICKET_WAITS;
                if (turn->timed && !(call->holds & CALL_IS_TIMED)) {
                        call_start_timer(fleet, index);
                        call->holds |= CALL_IS_TIMED;
                }
                if (turn->at_ns != TIME_NEVER)
                        ask_again_at(fleet, index, turn->at_ns);
                return false;
        }
        call_refused_by_guard(fleet, index);
        return false;
}

bool call_admitted(struct fleet *fleet, uint32_t index)
{
        struct call *call = &fleet->calls[index];
        struct policy_turn turn = {.waiter = waiter_of(fleet, index), .at_ns = TIME_NEVER};
        enum policy_verdict verdict = fleet->policy->admit(
                fleet->policy_state, call->edge, fleet->now, call->priority, &call->ticket, &turn);

        return take_verdict(fleet, index, verdict, &turn);
}

void call_turn(struct fleet *fleet, uint32_t index)
{
        struct call *call = &fleet->calls[index];
        struct policy_turn turn = {.waiter = waiter_of(fleet, index), .at_ns = TIME_NEVER};
        enum policy_verdict verdict;

        if (call->ticket_state != TICKET_WAITS)
                return;
        if (!call_parent_lives(fleet, call)) {
                call_reports(fleet, call, POLICY_CANCELLED, 0);
                call_finish(fleet, index, CALL_LOST, 0.0f, true);
                return;
        }
        verdict = fleet->policy->resume(fleet->policy_state, call->edge, fleet->now, call->priority,
                                        &call->ticket, &turn);
        if (take_verdict(fleet, index, verdict, &turn))
                call_goes(fleet, index);
}

void turns_come(struct fleet *fleet)
{
        uint64_t waiter;

        if (!fleet->turns)
                return;
        while (fleet->policy->next_turn(fleet->policy_state, &waiter)) {
                uint32_t index = (uint32_t)waiter;

                if (fleet->calls[index].token == waiter >> 32)
                        ask_again_at(fleet, index, fleet->now);
        }
}

void call_reports(struct fleet *fleet, struct call *call, enum policy_outcome outcome,
                  int64_t latency_ns)
{
        call->ticket_state = TICKET_NONE;
        fleet->policy->report(fleet->policy_state, call->edge, fleet->now, &call->ticket, outcome,
                              latency_ns);
        turns_come(fleet);
}

void permit_comes_back(struct fleet *fleet, uint32_t edge, uint32_t permit)
{
        fleet->policy->give_back(fleet->policy_state, edge, permit);
        turns_come(fleet);
}
