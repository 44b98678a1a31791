/* guards.c - the policy objects on edges, asked by the fleet for each call.
 *
 * Order on a call's way: shedding, breaker, rate limit, bulkhead; who refuses
 * further in takes the breaker's ticket back. An edge has an `epoch` that
 * changes with its rules: a ticket of an earlier one is only counted out. A
 * place in a bulkhead is the work's: it comes back when that ends, also where
 * the caller has given up before.
 *
 * Memory: what the objects of libhealer say of themselves, an edge that has
 * them; admit and report allocate nothing.
 */
#include "harness/run/guards.h"

#include <stdlib.h>
#include <string.h>

#include "healer/bulkhead.h"
#include "healer/rate_limit.h"
#include "healer/shed.h"

enum { TRANSITIONS_MAX = 4096 };

struct guarded_edge {
        struct policy_edge_settings settings;
        /* each NULL: none */
        struct healer_shed *shed;
        struct healer_breaker *breaker;
        struct healer_rate_limit *rate_limit;
        struct healer_bulkhead *bulkhead;
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
};

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
                out->fallback_enabled = rules[STRATEGY_FALLBACK]->fallback.enabled;
        out->guarded = rules[STRATEGY_BREAKER] != NULL || rules[STRATEGY_BULKHEAD] != NULL ||
                       rules[STRATEGY_RATE_LIMIT] != NULL || rules[STRATEGY_SHEDDING] != NULL;
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

static bool set_limits(struct guarded_edge *edge, const struct strategy_rule *const *rules,
                       int64_t now_ns)
{
        struct healer_bulkhead_config bulkhead = healer_bulkhead_config_defaults();
        struct healer_rate_limit_config rate = healer_rate_limit_config_defaults();
        struct healer_shed_config shed = healer_shed_config_defaults();

        if (rules[STRATEGY_BULKHEAD] != NULL) {
                bulkhead.threads = HEALER_THREADS_ONE;
                bulkhead.max_concurrent = rules[STRATEGY_BULKHEAD]->bulkhead.max_concurrent;
                if (healer_bulkhead_create(&bulkhead, &edge->bulkhead) != HEALER_OK)
                        return false;
        }
        if (rules[STRATEGY_RATE_LIMIT] != NULL) {
                rate.threads = HEALER_THREADS_ONE;
                rate.permits = 1;
                rate.period_ns = (int64_t)(1e9 / rules[STRATEGY_RATE_LIMIT]->rate_limit.rate_per_s);
                rate.burst = rules[STRATEGY_RATE_LIMIT]->rate_limit.burst;
                if (healer_rate_limit_create(&rate, now_ns, &edge->rate_limit) != HEALER_OK)
                        return false;
        }
        if (rules[STRATEGY_SHEDDING] != NULL) {
                shed.threads = HEALER_THREADS_ONE;
                edge->shed_limit = rules[STRATEGY_SHEDDING]->shedding.limit;
                if (healer_shed_create(&shed, now_ns, &edge->shed) != HEALER_OK)
                        return false;
        }
        return true;
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
        edge->breaker = NULL;
        edge->bulkhead = NULL;
        edge->rate_limit = NULL;
        edge->shed = NULL;
}

bool guards_set(struct guards *guards, const struct edge_protection *protection, int64_t now_ns)
{
        struct guarded_edge *edge = &guards->edges[protection->edge];

        if (breaker_refuses(edge))
                put_transition(edge, now_ns, "open", "closed"); /* it goes, so it refuses no more */
        clear_edge(edge);
        edge->epoch++;
        edge->in_flight = 0;
        set_settings(edge, protection);
        if (!set_breaker(edge, protection->rules[STRATEGY_BREAKER], now_ns) ||
            !set_limits(edge, protection->rules, now_ns)) {
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
                .live = (uint8_t)in->word[1],
        };
}

/* In the ticket: its place belongs to the work and not to the call any more. */
#define HANDED_OVER (UINT64_C(1) << 15)

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

static enum policy_verdict policy_admit(void *state, uint32_t edge, int64_t now_ns,
                                        uint32_t priority, struct policy_ticket *ticket)
{
        struct guards *guards = state;
        struct guarded_edge *guard = &guards->edges[edge];
        struct healer_breaker_ticket breaker_ticket;
        enum policy_verdict verdict = POLICY_ADMIT;

        if (guard->shed != NULL && !healer_shed_admit(guard->shed, priority, room_left(guard), now_ns))
                return POLICY_REJECT_SHED;
        memset(&breaker_ticket, 0, sizeof(breaker_ticket));
        if (guard->breaker != NULL &&
            healer_breaker_acquire(guard->breaker, now_ns, &breaker_ticket) != HEALER_BREAKER_OK)
                return POLICY_REJECT_BREAKER;
        if (guard->rate_limit != NULL &&
            healer_rate_limit_acquire(guard->rate_limit, 1, now_ns, NULL) != HEALER_RATE_OK)
                verdict = POLICY_REJECT_RATE;
        else if (guard->bulkhead != NULL &&
                 healer_bulkhead_enter(guard->bulkhead, NULL, now_ns) != HEALER_BULKHEAD_OK)
                verdict = POLICY_REJECT_BULKHEAD;
        if (verdict != POLICY_ADMIT) {
                if (guard->breaker != NULL)
                        healer_breaker_cancel(guard->breaker, &breaker_ticket);
                return verdict;
        }
        guard->in_flight++;
        pack(ticket, &breaker_ticket, guard->epoch);
        return POLICY_ADMIT;
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
        free(guards);
}
