/* guards.c - the policy objects on edges, asked by the fleet for each call.
 *
 * Order on a call's way: shedding, breaker, rate limit, bulkhead; who refuses
 * further in takes the breaker's ticket back. An edge has an `epoch` that
 * changes with its rules: a ticket of an earlier one is only counted out. A
 * place in a bulkhead is the work's: it comes back when that ends, also where
 * the caller has given up before.
 *
 * A call that a rate limit paces, or that a bulkhead has no place for yet, is
 * told to come again. In a bulkhead's queue it has a slot, which keeps its
 * breaker's ticket; whose permit has come goes into a list that the fleet takes.
 *
 * Memory: what the objects of libhealer say of themselves, an edge that has
 * them, and 96 bytes a place in a queue; admit and report allocate nothing.
 */
#include "harness/run/guards.h"

#include <stdlib.h>
#include <string.h>

#include "healer/adaptive.h"
#include "healer/bulkhead.h"
#include "healer/rate_limit.h"
#include "healer/shed.h"

enum { TRANSITIONS_MAX = 4096 };

/* A place in a bulkhead's queue. */
struct slot {
        struct healer_bulkhead_waiter waiter;
        struct guarded_edge *edge;
        struct healer_breaker_ticket ticket;
        uint64_t call; /* the fleet's word for who waits */
        uint32_t next_free;
        bool used;
};

struct guarded_edge {
        struct policy_edge_settings settings;
        /* each NULL: none */
        struct healer_shed *shed;
        struct healer_adaptive *adaptive;
        struct healer_breaker *breaker;
        struct healer_rate_limit *rate_limit;
        struct healer_bulkhead *bulkhead;
        struct slot *slots; /* [slot_count], of the bulkhead's queue */
        uint32_t slot_count, slot_free;
        uint32_t shed_limit, in_flight;
        uint32_t epoch;
        uint32_t edge;
        struct guards *guards;
};

struct guards {
        struct guarded_edge *edges;
        uint32_t edge_count;
        uint64_t key;
        bool any;
        /* transitions that the run has not taken yet, a ring */
        struct policy_transition transitions[TRANSITIONS_MAX];
        uint64_t transition_put, transition_taken;
        /* whose turn has come, and the fleet has not heard it: at most one a slot */
        uint64_t *turns;
        uint32_t turn_put, turn_taken, turn_capacity;
};

#define NO_SLOT UINT32_MAX

/* ---- setting */

static const char *transition_name(uint32_t state)
{
        switch (state) {
        case HEALER_BREAKER_OPEN:
        case HEALER_BREAKER_FORCED_OPEN:
                return "open";
        case HEALER_BREAKER_HALF_OPEN:
                return "half_open";
        default:
                return "closed";
        }
}

static void put_transition(struct guarded_edge *edge, int64_t at_ns, const char *from,
                           const char *to)
{
        struct guards *guards = edge->guards;

        if (guards->transition_put - guards->transition_taken == TRANSITIONS_MAX)
                guards->transition_taken++; /* the oldest is lost */
        guards->transitions[guards->transition_put++ % TRANSITIONS_MAX] =
                (struct policy_transition){
                        .at_ns = at_ns, .edge = edge->edge, .from = from, .to = to};
}

static void keep_transition(void *ctx, const struct healer_event *event)
{
        put_transition(ctx, event->at_ns, transition_name(event->from), transition_name(event->to));
}

/* Settings that the fleet carries out without asking. */
static void set_settings(struct guarded_edge *edge, const struct edge_protection *protection)
{
        const struct strategy_rule *const *rules = protection->rules;
        struct policy_edge_settings *out = &edge->settings;

        memset(out, 0, sizeof(*out));
        out->has_timeout = rules[STRATEGY_TIMEOUT] != NULL;
        if (out->has_timeout)
                out->timeout_ns = rules[STRATEGY_TIMEOUT]->timeout.after_ns;
        out->has_retry = rules[STRATEGY_RETRY] != NULL;
        if (out->has_retry)
                out->retry = rules[STRATEGY_RETRY]->retry;
        out->has_fallback = rules[STRATEGY_FALLBACK] != NULL;
        if (out->has_fallback)
                out->fallback_kinds = rules[STRATEGY_FALLBACK]->fallback.enabled
                                              ? rules[STRATEGY_FALLBACK]->fallback.kinds
                                              : 0;
        out->guarded = rules[STRATEGY_BREAKER] != NULL || rules[STRATEGY_BULKHEAD] != NULL ||
                       rules[STRATEGY_RATE_LIMIT] != NULL || rules[STRATEGY_SHEDDING] != NULL;
        out->queues = (rules[STRATEGY_BULKHEAD] != NULL &&
                       rules[STRATEGY_BULKHEAD]->bulkhead.max_queue > 0) ||
                      (rules[STRATEGY_RATE_LIMIT] != NULL &&
                       rules[STRATEGY_RATE_LIMIT]->rate_limit.max_wait_ns > 0);
}

static bool set_breaker(struct guarded_edge *edge, const struct strategy_rule *rule, int64_t now_ns)
{
        struct healer_breaker_config breaker;

        if (rule == NULL)
                return true;
        breaker = rule->breaker;
        breaker.threads = HEALER_THREADS_ONE;
        breaker.seed = edge->guards->key ^ (UINT64_C(0x9e3779b97f4a7c15) * (edge->edge + 1));
        breaker.id = edge->edge;
        breaker.on_transition = keep_transition;
        breaker.on_transition_ctx = edge;
        return healer_breaker_create(&breaker, now_ns, &edge->breaker) == HEALER_OK;
}

/* ---- whose turn has come */

static bool make_room_for_turns(struct guards *guards, uint32_t more)
{
        uint32_t capacity = guards->turn_capacity + more;
        uint64_t *bigger = realloc(guards->turns, capacity * sizeof(*bigger));

        if (bigger == NULL)
                return false;
        guards->turns = bigger;
        guards->turn_capacity = capacity;
        return true;
}

static void put_turn(struct guards *guards, uint64_t call)
{
        guards->turns[guards->turn_put++] = call;
}

static void turn_has_come(void *ctx)
{
        const struct slot *slot = ctx;

        put_turn(slot->edge->guards, slot->call);
}

static bool policy_next_turn(void *state, uint64_t *waiter)
{
        struct guards *guards = state;

        if (guards->turn_taken == guards->turn_put) {
                guards->turn_taken = guards->turn_put = 0;
                return false;
        }
        *waiter = guards->turns[guards->turn_taken++];
        return true;
}

/* ---- limits */

static bool set_bulkhead(struct guarded_edge *edge, const struct strategy_rule *rule)
{
        struct healer_bulkhead_config config = healer_bulkhead_config_defaults();

        if (rule == NULL)
                return true;
        config.threads = HEALER_THREADS_ONE;
        config.max_concurrent = rule->bulkhead.max_concurrent;
        config.max_queue = rule->bulkhead.max_queue;
        config.max_wait_ns = rule->bulkhead.max_wait_ns;
        if (healer_bulkhead_create(&config, &edge->bulkhead) != HEALER_OK)
                return false;
        if (config.max_queue == 0)
                return true;
        edge->slots = calloc(config.max_queue, sizeof(*edge->slots));
        if (edge->slots == NULL || !make_room_for_turns(edge->guards, config.max_queue))
                return false;
        edge->slot_count = config.max_queue;
        for (uint32_t i = 0; i < edge->slot_count; i++) {
                edge->slots[i].waiter = (struct healer_bulkhead_waiter){.wake = turn_has_come,
                                                                        .ctx = &edge->slots[i]};
                edge->slots[i].edge = edge;
                edge->slots[i].next_free = i + 1 < edge->slot_count ? i + 1 : NO_SLOT;
        }
        edge->slot_free = 0;
        return true;
}

static bool set_rate_limit(struct guarded_edge *edge, const struct strategy_rule *rule,
                           int64_t now_ns)
{
        struct healer_rate_limit_config config = healer_rate_limit_config_defaults();

        if (rule == NULL)
                return true;
        config.threads = HEALER_THREADS_ONE;
        config.permits = 1;
        config.period_ns = (int64_t)(1e9 / rule->rate_limit.rate_per_s);
        config.burst = rule->rate_limit.burst;
        config.max_wait_ns = rule->rate_limit.max_wait_ns;
        return healer_rate_limit_create(&config, now_ns, &edge->rate_limit) == HEALER_OK;
}

static bool set_shedding(struct guarded_edge *edge, const struct strategy_rule *rule,
                         int64_t now_ns)
{
        struct healer_shed_config shed = healer_shed_config_defaults();
        struct healer_adaptive_config adaptive;

        if (rule == NULL)
                return true;
        if (rule->shedding.kind == STRATEGY_SHED_PRIORITY) {
                shed.threads = HEALER_THREADS_ONE;
                edge->shed_limit = rule->shedding.limit;
                return healer_shed_create(&shed, now_ns, &edge->shed) == HEALER_OK;
        }
        adaptive = healer_adaptive_config_defaults((enum healer_adaptive_kind)(
                rule->shedding.kind - STRATEGY_SHED_AIMD + HEALER_ADAPTIVE_AIMD));
        adaptive.threads = HEALER_THREADS_ONE;
        adaptive.limit_first = rule->shedding.limit;
        if (adaptive.limit_min > adaptive.limit_first)
                adaptive.limit_min = adaptive.limit_first;
        if (adaptive.limit_max < adaptive.limit_first)
                adaptive.limit_max = adaptive.limit_first;
        return healer_adaptive_create(&adaptive, now_ns, &edge->adaptive) == HEALER_OK;
}

static bool breaker_refuses(const struct guarded_edge *edge)
{
        enum healer_breaker_state state;

        if (edge->breaker == NULL)
                return false;
        state = healer_breaker_state(edge->breaker);
        return state == HEALER_BREAKER_OPEN || state == HEALER_BREAKER_HALF_OPEN ||
               state == HEALER_BREAKER_FORCED_OPEN;
}

static void clear_edge(struct guarded_edge *edge)
{
        healer_breaker_destroy(edge->breaker);
        healer_bulkhead_destroy(edge->bulkhead);
        healer_rate_limit_destroy(edge->rate_limit);
        healer_shed_destroy(edge->shed);
        healer_adaptive_destroy(edge->adaptive);
        free(edge->slots);
        edge->breaker = NULL;
        edge->bulkhead = NULL;
        edge->rate_limit = NULL;
        edge->shed = NULL;
        edge->adaptive = NULL;
        edge->slots = NULL;
        edge->slot_count = 0;
        edge->slot_free = NO_SLOT;
}

/* Those in the queue are asked again, by the rules that come. */
static void empty_queue(struct guarded_edge *edge)
{
        for (uint32_t i = 0; i < edge->slot_count; i++) {
                struct slot *slot = &edge->slots[i];

                if (!slot->used)
                        continue;
                put_turn(edge->guards, slot->call);
                if (healer_bulkhead_give_up(edge->bulkhead, &slot->waiter) == HEALER_BULKHEAD_OK)
                        healer_bulkhead_leave(edge->bulkhead);
        }
}

bool guards_set(struct guards *guards, const struct edge_protection *protection, int64_t now_ns)
{
        struct guarded_edge *edge = &guards->edges[protection->edge];

        if (breaker_refuses(edge))
                put_transition(edge, now_ns, "open", "closed"); /* it goes, so it refuses no more */
        empty_queue(edge);
        clear_edge(edge);
        edge->epoch++;
        edge->in_flight = 0;
        set_settings(edge, protection);
        if (!set_breaker(edge, protection->rules[STRATEGY_BREAKER], now_ns) ||
            !set_bulkhead(edge, protection->rules[STRATEGY_BULKHEAD]) ||
            !set_rate_limit(edge, protection->rules[STRATEGY_RATE_LIMIT], now_ns) ||
            !set_shedding(edge, protection->rules[STRATEGY_SHEDDING], now_ns)) {
                clear_edge(edge);
                edge->settings.guarded = false;
                return false;
        }
        guards->any = guards->any || edge->settings.guarded || edge->settings.has_timeout ||
                      edge->settings.has_retry || edge->settings.has_fallback;
        return true;
}

bool guards_any(const struct guards *guards)
{
        return guards->any;
}

bool guards_breaker_open(const struct guards *guards, uint32_t edge)
{
        return edge < guards->edge_count && breaker_refuses(&guards->edges[edge]);
}

/* ---- what the fleet asks */

static void policy_settings(void *state, uint32_t edge, struct policy_edge_settings *out)
{
        struct guards *guards = state;

        memset(out, 0, sizeof(*out));
        if (edge < guards->edge_count)
                *out = guards->edges[edge].settings;
}

/* A breaker's ticket has twice the room of the fleet's; what it needs of it
 * fits all the same, since the start is known again when the call ends. */
static void pack(struct policy_ticket *out, const struct healer_breaker_ticket *ticket,
                 uint32_t epoch)
{
        out->word[0] = (uint64_t)ticket->generation << 32 | ticket->serial;
        out->word[1] = (uint64_t)epoch << 32 | (uint64_t)ticket->place << 16 |
                       (uint64_t)ticket->state << 8 | ticket->live;
}

static struct healer_breaker_ticket unpack(const struct policy_ticket *in, int64_t started_at_ns)
{
        return (struct healer_breaker_ticket){
                .started_at_ns = started_at_ns,
                .generation = (uint32_t)(in->word[0] >> 32),
                .serial = (uint32_t)in->word[0],
                .place = (uint16_t)(in->word[1] >> 16),
                .state = (uint8_t)(in->word[1] >> 8 & 0x7f),
                .live = (uint8_t)(in->word[1] & 0x3f),
        };
}

/* In the ticket: its place belongs to the work and not to the call any more; it is
 * in a bulkhead's queue (word 0: its slot); a rate limit told it to come later. */
#define HANDED_OVER (UINT64_C(1) << 15)
#define IN_QUEUE (UINT64_C(1) << 7)
#define PACED (UINT64_C(1) << 6)

static uint32_t epoch_of(const struct policy_ticket *ticket)
{
        return (uint32_t)(ticket->word[1] >> 32);
}

/* From half of the limit on the lowest priorities are refused, at the limit all. */
static double room_left(const struct guarded_edge *guard)
{
        double used = (double)guard->in_flight / guard->shed_limit;

        return used <= 0.5 ? 1 : used >= 1 ? 0 : 2 * (1 - used);
}

static bool sheds(struct guarded_edge *guard, int64_t now_ns, uint32_t priority)
{
        if (guard->adaptive != NULL)
                return !healer_adaptive_acquire(guard->adaptive);
        return guard->shed != NULL &&
               !healer_shed_admit(guard->shed, priority, room_left(guard), now_ns);
}

/* What was taken further out goes back. */
static enum policy_verdict refuse(struct guarded_edge *guard, struct healer_breaker_ticket *ticket,
                                  int64_t now_ns, enum policy_verdict verdict)
{
        if (guard->breaker != NULL)
                healer_breaker_cancel(guard->breaker, ticket);
        if (guard->adaptive != NULL)
                healer_adaptive_release(guard->adaptive, HEALER_ADAPTIVE_IGNORED, 0, now_ns);
        return verdict;
}

static enum policy_verdict let_in(struct guarded_edge *guard, struct policy_ticket *out,
                                  const struct healer_breaker_ticket *ticket)
{
        guard->in_flight++;
        pack(out, ticket, guard->epoch);
        return POLICY_ADMIT;
}

static enum policy_verdict into_bulkhead(struct guarded_edge *guard, int64_t now_ns,
                                         struct healer_breaker_ticket *ticket,
                                         struct policy_ticket *out, struct policy_turn *turn)
{
        uint32_t at = guard->slot_count > 0 ? guard->slot_free : NO_SLOT;
        struct slot *slot = at != NO_SLOT ? &guard->slots[at] : NULL;

        if (guard->bulkhead == NULL)
                return let_in(guard, out, ticket);
        switch (healer_bulkhead_enter(guard->bulkhead, slot != NULL ? &slot->waiter : NULL,
                                      now_ns)) {
        case HEALER_BULKHEAD_OK:
                return let_in(guard, out, ticket);
        case HEALER_BULKHEAD_QUEUED:
                break;
        default:
                slot = NULL;
        }
        if (slot == NULL)
                return refuse(guard, ticket, now_ns, POLICY_REJECT_BULKHEAD);
        guard->slot_free = slot->next_free;
        slot->used = true;
        slot->ticket = *ticket;
        slot->call = turn->waiter;
        out->word[0] = at;
        out->word[1] = (uint64_t)guard->epoch << 32 | IN_QUEUE;
        turn->at_ns = slot->waiter.until_ns;
        turn->timed = true;
        return POLICY_LATER;
}

static enum policy_verdict policy_admit(void *state, uint32_t edge, int64_t now_ns,
                                        uint32_t priority, struct policy_ticket *ticket,
                                        struct policy_turn *turn)
{
        struct guards *guards = state;
        struct guarded_edge *guard = &guards->edges[edge];
        struct healer_breaker_ticket breaker_ticket;
        int64_t wait_ns = 0;

        if (sheds(guard, now_ns, priority))
                return POLICY_REJECT_SHED;
        memset(&breaker_ticket, 0, sizeof(breaker_ticket));
        if (guard->breaker != NULL &&
            healer_breaker_acquire(guard->breaker, now_ns, &breaker_ticket) != HEALER_BREAKER_OK) {
                if (guard->adaptive != NULL)
                        healer_adaptive_release(guard->adaptive, HEALER_ADAPTIVE_IGNORED, 0,
                                                now_ns);
                return POLICY_REJECT_BREAKER;
        }
        if (guard->rate_limit != NULL &&
            healer_rate_limit_reserve(guard->rate_limit, 1, now_ns, &wait_ns) != HEALER_RATE_OK)
                return refuse(guard, &breaker_ticket, now_ns, POLICY_REJECT_RATE);
        if (wait_ns == 0)
                return into_bulkhead(guard, now_ns, &breaker_ticket, ticket, turn);
        pack(ticket, &breaker_ticket, guard->epoch);
        ticket->word[1] |= PACED;
        turn->at_ns = now_ns + wait_ns;
        return POLICY_LATER;
}

static struct healer_breaker_ticket free_slot(struct guarded_edge *guard, uint32_t at)
{
        struct slot *slot = &guard->slots[at];

        slot->used = false;
        slot->next_free = guard->slot_free;
        guard->slot_free = at;
        return slot->ticket;
}

static enum policy_verdict policy_resume(void *state, uint32_t edge, int64_t now_ns,
                                         uint32_t priority, struct policy_ticket *ticket,
                                         struct policy_turn *turn)
{
        struct guards *guards = state;
        struct guarded_edge *guard = &guards->edges[edge];
        struct healer_breaker_ticket breaker_ticket;
        uint32_t at = (uint32_t)ticket->word[0];

        if (epoch_of(ticket) != guard->epoch) /* it waited by rules that hold no more */
                return policy_admit(state, edge, now_ns, priority, ticket, turn);
        if (ticket->word[1] & PACED) {
                breaker_ticket = unpack(ticket, now_ns);
                return into_bulkhead(guard, now_ns, &breaker_ticket, ticket, turn);
        }
        switch (healer_bulkhead_poll(guard->bulkhead, &guard->slots[at].waiter, now_ns)) {
        case HEALER_BULKHEAD_QUEUED:
                turn->at_ns = guard->slots[at].waiter.until_ns;
                turn->timed = true;
                return POLICY_LATER;
        case HEALER_BULKHEAD_OK:
                breaker_ticket = free_slot(guard, at);
                return let_in(guard, ticket, &breaker_ticket);
        default:
                breaker_ticket = free_slot(guard, at);
                return refuse(guard, &breaker_ticket, now_ns, POLICY_REJECT_BULKHEAD);
        }
}

/* It gave up before its turn: nothing was asked of the callee. */
static void left_waiting(struct guarded_edge *guard, int64_t now_ns,
                         const struct policy_ticket *ticket)
{
        struct healer_breaker_ticket breaker_ticket = unpack(ticket, now_ns);

        if (ticket->word[1] & IN_QUEUE) {
                uint32_t at = (uint32_t)ticket->word[0];

                if (healer_bulkhead_give_up(guard->bulkhead, &guard->slots[at].waiter) ==
                    HEALER_BULKHEAD_OK)
                        healer_bulkhead_leave(guard->bulkhead); /* it had just come */
                breaker_ticket = free_slot(guard, at);
        }
        (void)refuse(guard, &breaker_ticket, now_ns, POLICY_LATER);
}

static void report_to_adaptive(struct guarded_edge *guard, int64_t now_ns,
                               enum policy_outcome outcome, int64_t latency_ns)
{
        healer_adaptive_release(guard->adaptive,
                                outcome == POLICY_OK        ? HEALER_ADAPTIVE_OK
                                : outcome == POLICY_TIMEOUT ? HEALER_ADAPTIVE_DROPPED
                                                            : HEALER_ADAPTIVE_IGNORED,
                                latency_ns, now_ns);
}

static void report_to_breaker(struct guarded_edge *guard, int64_t now_ns,
                              struct policy_ticket *ticket, enum policy_outcome outcome,
                              int64_t latency_ns)
{
        struct healer_breaker_ticket breaker_ticket = unpack(ticket, now_ns - latency_ns);

        switch (outcome) {
        case POLICY_OK:
                healer_breaker_success(guard->breaker, &breaker_ticket, now_ns);
                break;
        case POLICY_FAILED:
        case POLICY_TIMEOUT:
                healer_breaker_failure(guard->breaker, &breaker_ticket, (int32_t)outcome, now_ns);
                break;
        case POLICY_IGNORED:
                healer_breaker_ignore(guard->breaker, &breaker_ticket);
                break;
        case POLICY_CANCELLED:
                healer_breaker_cancel(guard->breaker, &breaker_ticket);
                break;
        }
        pack(ticket, &breaker_ticket, guard->epoch);
}

static void leave(struct guarded_edge *guard)
{
        guard->in_flight -= guard->in_flight > 0;
        if (guard->bulkhead != NULL)
                healer_bulkhead_leave(guard->bulkhead);
}

static uint32_t policy_hand_over(void *state, uint32_t edge, struct policy_ticket *ticket)
{
        const struct guards *guards = state;
        const struct guarded_edge *guard = &guards->edges[edge];

        if (epoch_of(ticket) != guard->epoch || (guard->bulkhead == NULL && guard->shed == NULL))
                return 0;
        ticket->word[1] |= HANDED_OVER;
        return guard->epoch;
}

static void policy_give_back(void *state, uint32_t edge, uint32_t permit)
{
        struct guards *guards = state;

        if (guards->edges[edge].epoch == permit) /* else of rules that hold no more */
                leave(&guards->edges[edge]);
}

static void policy_report(void *state, uint32_t edge, int64_t now_ns, struct policy_ticket *ticket,
                          enum policy_outcome outcome, int64_t latency_ns)
{
        struct guards *guards = state;
        struct guarded_edge *guard = &guards->edges[edge];

        if (epoch_of(ticket) != guard->epoch)
                return; /* let in by rules that hold no more */
        if (ticket->word[1] & (IN_QUEUE | PACED)) {
                left_waiting(guard, now_ns, ticket);
                return;
        }
        if (guard->adaptive != NULL)
                report_to_adaptive(guard, now_ns, outcome, latency_ns);
        if ((ticket->word[1] & HANDED_OVER) == 0)
                leave(guard);
        if (guard->breaker != NULL)
                report_to_breaker(guard, now_ns, ticket, outcome, latency_ns);
}

static bool policy_next_transition(void *state, struct policy_transition *out)
{
        struct guards *guards = state;

        if (guards->transition_taken == guards->transition_put)
                return false;
        *out = guards->transitions[guards->transition_taken++ % TRANSITIONS_MAX];
        return true;
}

const struct fleet_policy_ops guards_policy_ops = {
        .settings = policy_settings,
        .admit = policy_admit,
        .resume = policy_resume,
        .next_turn = policy_next_turn,
        .report = policy_report,
        .hand_over = policy_hand_over,
        .give_back = policy_give_back,
        .next_transition = policy_next_transition,
};

/* ---- life */

struct guards *guards_create(uint32_t edge_count, uint64_t key)
{
        struct guards *guards = calloc(1, sizeof(*guards));

        if (guards == NULL)
                return NULL;
        guards->key = key;
        guards->edge_count = edge_count;
        guards->edges = calloc(edge_count + 1u, sizeof(*guards->edges));
        if (guards->edges == NULL) {
                free(guards);
                return NULL;
        }
        for (uint32_t i = 0; i < edge_count; i++) {
                guards->edges[i].edge = i;
                guards->edges[i].slot_free = NO_SLOT;
                guards->edges[i].guards = guards;
        }
        return guards;
}

void guards_destroy(struct guards *guards)
{
        if (guards == NULL)
                return;
        for (uint32_t i = 0; i < guards->edge_count; i++)
                clear_edge(&guards->edges[i]);
        free(guards->edges);
        free(guards->turns);
        free(guards);
}
