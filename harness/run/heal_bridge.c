/* heal_bridge.c - libhealer behind the healer face.
 *
 * Nothing is decided here. What the fleet shows is translated into the words of
 * libhealer in the order in which it happened, libhealer thinks, and what it
 * says and wants is collected into the answer. The protections on edges are
 * libhealer's policies, one object an edge; the fleet asks them for each call.
 *
 * An event that a command of ours brought about must be read before the
 * command's result, or it would look like a crash: events first, then samples
 * up to each time, results last.
 *
 * Not here: anything that another healer behind the face could not know.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/run/healer_face.h"
#include "harness/scenario/strategy.h"
#include "harness/sim/time.h"
#include "healer/bulkhead.h"
#include "healer/healer.h"
#include "healer/rate_limit.h"
#include "healer/shed.h"

_Static_assert((int)HEALER_ACTION_COUNT == (int)ACTION_KIND_COUNT &&
                       (int)HEALER_ACTION_ESCALATE == (int)ACTION_ESCALATE &&
                       (int)HEALER_ACTION_SET_DEGRADATION == (int)ACTION_SET_DEGRADATION &&
                       (int)HEALER_ACTION_RECONNECT == (int)ACTION_RECONNECT,
               "both lists of actions go in step");
_Static_assert((int)HEALER_OCCURRED_KIND_COUNT == (int)FLEET_EVENT_KIND_COUNT &&
                       (int)HEALER_OCCURRED_HEALTH_CHECK == (int)FLEET_EVENT_HEALTH_CHECK &&
                       (int)HEALER_OCCURRED_CONFIG_CHANGED == (int)FLEET_EVENT_CONFIG_CHANGED,
               "both lists of events go in step");
_Static_assert(HEALER_NONE == FLEET_NO_INDEX && HEALER_NEVER == TIME_NEVER, "same words");

enum { TRANSITIONS_MAX = 4096 };

struct guarded_edge {
        struct policy_edge_settings settings;
        /* each NULL: none */
        struct healer_shed *shed;
        struct healer_breaker *breaker;
        struct healer_rate_limit *rate_limit;
        struct healer_bulkhead *bulkhead;
        uint32_t shed_limit, in_flight;
        struct heal_bridge *bridge;
        uint32_t edge;
};

struct heal_bridge {
        struct healer *healer;
        struct guarded_edge *edges;
        uint32_t edge_count;
        bool any_policy, watching;
        /* transitions that the run has not taken yet, a ring */
        struct policy_transition transitions[TRANSITIONS_MAX];
        uint64_t transition_put, transition_taken;
        /* the answer */
        struct healer_answer answer;
        struct healer_note *notes;
        size_t note_count, note_room;
        struct healer_order *orders;
        size_t order_count, order_room;
        char failure[96];
};

/* ---- what libhealer says and wants */

static const char *notice_metric(enum healer_metric metric)
{
        return metric < HEALER_METRIC_COUNT ? healer_metrics[metric].name : "";
}

/* The kind of note for a notice, or NOTE_KIND_COUNT: not for the journal. */
static enum healer_note_kind note_kind(enum healer_notice_kind kind)
{
        static const enum healer_note_kind kinds[HEALER_NOTICE_KIND_COUNT] = {
                [HEALER_NOTICE_ALARM] = NOTE_ALARM,
                [HEALER_NOTICE_ALARM_CLEARED] = NOTE_ALARM_CLEARED,
                [HEALER_NOTICE_PREDICTION] = NOTE_PREDICTION,
                [HEALER_NOTICE_DIAGNOSIS] = NOTE_DIAGNOSIS,
                [HEALER_NOTICE_EPISODE_OPENED] = NOTE_EPISODE_OPENED,
                [HEALER_NOTICE_EPISODE_CLAIMED] = NOTE_EPISODE_CLAIMED,
                [HEALER_NOTICE_EPISODE_VERIFIED] = NOTE_EPISODE_VERIFIED,
                [HEALER_NOTICE_EPISODE_FAILED] = NOTE_EPISODE_FAILED,
                [HEALER_NOTICE_EPISODE_CLOSED] = NOTE_EPISODE_CLOSED,
                [HEALER_NOTICE_ESCALATION] = NOTE_ESCALATION,
                [HEALER_NOTICE_SUGGESTION] = NOTE_SUGGESTION,
                [HEALER_NOTICE_DEGRADATION] = NOTE_DEGRADATION,
                [HEALER_NOTICE_WARNING] = NOTE_KIND_COUNT,
        };

        return kinds[kind];
}

static bool grow(void **items, size_t *room, size_t count, size_t size)
{
        size_t wanted = *room * 2 + 64;
        void *grown;

        if (count < *room)
                return true;
        grown = realloc(*items, wanted * size);
        if (grown == NULL)
                return false;
        *items = grown;
        *room = wanted;
        return true;
}

static void take_notice(void *user, const struct healer_notice *notice)
{
        struct heal_bridge *bridge = user;
        enum healer_note_kind kind = note_kind(notice->kind);
        struct healer_note *note;

        if (kind == NOTE_KIND_COUNT)
                return;
        if (!grow((void **)&bridge->notes, &bridge->note_room, bridge->note_count,
                  sizeof(*bridge->notes))) {
                bridge->answer.failure = "out of memory";
                return;
        }
        note = &bridge->notes[bridge->note_count++];
        *note = (struct healer_note){
                .kind = kind,
                .id = notice->id,
                .episode = notice->episode,
                .service = notice->service,
                .instance = notice->instance,
                .edge = notice->edge,
                .type = healer_failures[notice->failure].name,
                .severity = healer_severity_names[notice->severity],
                .metric = notice_metric(notice->metric),
                .value = notice->value,
                .limit = notice->limit,
                .confidence = notice->confidence,
                .rank = notice->rank,
                .eta_ns = notice->eta_ns,
        };
        if (notice->kind == HEALER_NOTICE_SUGGESTION && notice->action < HEALER_ACTION_COUNT)
                note->type = healer_actions[notice->action].name;
}

static void take_command(void *user, const struct healer_command *command)
{
        struct heal_bridge *bridge = user;

        if (!grow((void **)&bridge->orders, &bridge->order_room, bridge->order_count,
                  sizeof(*bridge->orders))) {
                bridge->answer.failure = "out of memory";
                return;
        }
        bridge->orders[bridge->order_count++] = (struct healer_order){
                .action = {.id = command->id,
                           .kind = (enum fleet_action_kind)command->kind,
                           .service = command->service,
                           .instance = command->instance,
                           .edge = command->edge,
                           .amount = command->amount},
                .episode = command->episode,
                .prediction = command->prediction,
                .preventive = command->preventive,
        };
}

/* ---- what the fleet shows */

static void show_event(struct heal_bridge *bridge, const struct fleet_event *event)
{
        const struct healer_occurrence occurrence = {
                .at_ns = event->at_ns,
                .kind = (enum healer_occurrence_kind)event->kind,
                .service = event->service,
                .instance = event->instance,
                .edge = event->edge,
                .code = event->code,
                .oom = event->oom,
                .text = event->text,
        };

        (void)healer_observe_event(bridge->healer, &occurrence);
}

static void show_batch(struct heal_bridge *bridge, const struct telemetry_batch *batch)
{
        struct healer_instance_sample instance;
        struct healer_edge_sample edge;
        size_t i;

        for (i = 0; i < batch->instance_count; i++) {
                const struct instance_sample *s = &batch->instances[i];

                instance = (struct healer_instance_sample){
                        .instance = s->instance,
                        .cpu_ratio = s->cpu_ratio,
                        .memory_ratio = s->memory_ratio,
                        .disk_ratio = s->disk_ratio,
                        .fd_ratio = s->fd_ratio,
                        .pool_ratio = s->pool_ratio,
                        .token_ratio = s->token_ratio,
                        .queue_depth = s->queue_depth,
                        .throughput_per_s = s->throughput_per_s,
                        .error_ratio = s->error_ratio,
                        .latency_p50_s = s->latency_p50_s,
                        .latency_p95_s = s->latency_p95_s,
                        .latency_p99_s = s->latency_p99_s,
                        .connection_failures = s->connection_failures,
                };
                (void)healer_observe_instance(bridge->healer, batch->to_ns, &instance);
        }
        for (i = 0; i < batch->edge_count; i++) {
                const struct edge_sample *s = &batch->edges[i];

                edge = (struct healer_edge_sample){
                        .edge = s->edge,
                        .calls = s->calls,
                        .error_ratio = s->error_ratio,
                        .timeout_ratio = s->timeout_ratio,
                        .latency_p50_s = s->latency_p50_s,
                        .latency_p95_s = s->latency_p95_s,
                        .latency_p99_s = s->latency_p99_s,
                };
                (void)healer_observe_edge(bridge->healer, batch->to_ns, &edge);
        }
}

static void show_breakers(struct heal_bridge *bridge)
{
        enum healer_breaker_state state;
        uint32_t i;

        for (i = 0; i < bridge->edge_count; i++) {
                if (bridge->edges[i].breaker == NULL)
                        continue;
                state = healer_breaker_state(bridge->edges[i].breaker);
                (void)healer_observe_breaker(bridge->healer, i,
                                             state == HEALER_BREAKER_OPEN ||
                                                     state == HEALER_BREAKER_HALF_OPEN ||
                                                     state == HEALER_BREAKER_FORCED_OPEN);
        }
}

static void show_all(struct heal_bridge *bridge, const struct healer_wake *wake)
{
        size_t event = 0, i;

        for (i = 0; i < wake->batch_count; i++) {
                for (; event < wake->event_count &&
                       wake->events[event].at_ns <= wake->batches[i].to_ns;
                     event++)
                        show_event(bridge, &wake->events[event]);
                show_batch(bridge, &wake->batches[i]);
        }
        for (; event < wake->event_count; event++)
                show_event(bridge, &wake->events[event]);
        for (i = 0; i < wake->result_count; i++) {
                const struct healer_result result = {.id = wake->results[i].id,
                                                     .ok = wake->results[i].ok,
                                                     .reason = wake->results[i].reason};

                (void)healer_observe_result(bridge->healer, wake->results[i].finished_at_ns,
                                            &result);
        }
        show_breakers(bridge);
}

static const struct healer_answer *bridge_wake(void *healer, const struct healer_wake *wake)
{
        struct heal_bridge *bridge = healer;
        enum healer_err err;

        bridge->note_count = 0;
        bridge->order_count = 0;
        if (!bridge->watching) {
                bridge->answer.next_wake_ns = TIME_NEVER;
                return &bridge->answer;
        }
        show_all(bridge, wake);
        err = healer_tick(bridge->healer, wake->now_ns, &bridge->answer.next_wake_ns);
        if (err != HEALER_OK) {
                snprintf(bridge->failure, sizeof(bridge->failure), "tick: %s",
                         healer_err_text(err));
                bridge->answer.failure = bridge->failure;
        }
        bridge->answer.notes = bridge->notes;
        bridge->answer.note_count = bridge->note_count;
        bridge->answer.orders = bridge->orders;
        bridge->answer.order_count = bridge->order_count;
        return &bridge->answer;
}

/* ---- protections on edges */

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

static void keep_transition(void *ctx, const struct healer_event *event)
{
        struct guarded_edge *edge = ctx;
        struct heal_bridge *bridge = edge->bridge;
        struct policy_transition *t =
                &bridge->transitions[bridge->transition_put % TRANSITIONS_MAX];

        if (bridge->transition_put - bridge->transition_taken == TRANSITIONS_MAX)
                bridge->transition_taken++; /* the oldest is lost */
        bridge->transition_put++;
        *t = (struct policy_transition){.at_ns = event->at_ns,
                                        .edge = edge->edge,
                                        .from = transition_name(event->from),
                                        .to = transition_name(event->to)};
}

/* Settings that the fleet carries out by itself. */
static void edge_settings(struct guarded_edge *edge, const struct strategy *strategy,
                          const char *from, const char *to)
{
        const struct strategy_rule *rule;

        rule = strategy_rule_for(strategy, STRATEGY_TIMEOUT, from, to);
        edge->settings.has_timeout = rule != NULL;
        if (rule != NULL)
                edge->settings.timeout_ns = rule->timeout.after_ns;
        rule = strategy_rule_for(strategy, STRATEGY_RETRY, from, to);
        edge->settings.has_retry = rule != NULL;
        if (rule != NULL)
                edge->settings.retry = rule->retry;
        rule = strategy_rule_for(strategy, STRATEGY_FALLBACK, from, to);
        edge->settings.has_fallback = rule != NULL;
        if (rule != NULL)
                edge->settings.fallback_enabled = rule->fallback.enabled;
}

/* Slow calls trip a breaker only where something else can be answered. Without
 * a fallback a slow answer is better than none, and the breakers of all callers
 * above would open together with the one that helps. So much for the default
 * rule; a rule that names an end of the edge is taken at its word. */
static bool guard_breaker(struct guarded_edge *edge, const struct strategy_rule *rule, uint64_t key,
                          bool has_fallback, int64_t now_ns)
{
        struct healer_breaker_config breaker;

        if (rule == NULL)
                return true;
        breaker = rule->breaker;
        if (!has_fallback && strcmp(rule->from, "*") == 0 && strcmp(rule->to, "*") == 0)
                breaker.slow_call_ns = 0;
        breaker.seed = key ^ (UINT64_C(0x9e3779b97f4a7c15) * (edge->edge + 1));
        breaker.id = edge->edge;
        breaker.on_transition = keep_transition;
        breaker.on_transition_ctx = edge;
        return healer_breaker_create(&breaker, now_ns, &edge->breaker) == HEALER_OK;
}

static bool guard_limits(struct guarded_edge *edge, const struct strategy *strategy,
                         const char *from, const char *to, int64_t now_ns)
{
        struct healer_bulkhead_config bulkhead = healer_bulkhead_config_defaults();
        struct healer_rate_limit_config rate = healer_rate_limit_config_defaults();
        struct healer_shed_config shed = healer_shed_config_defaults();
        const struct strategy_rule *rule;

        rule = strategy_rule_for(strategy, STRATEGY_BULKHEAD, from, to);
        if (rule != NULL) {
                bulkhead.threads = HEALER_THREADS_ONE;
                bulkhead.max_concurrent = rule->bulkhead.max_concurrent;
                if (healer_bulkhead_create(&bulkhead, &edge->bulkhead) != HEALER_OK)
                        return false;
        }
        rule = strategy_rule_for(strategy, STRATEGY_RATE_LIMIT, from, to);
        if (rule != NULL) {
                rate.threads = HEALER_THREADS_ONE;
                rate.permits = 1;
                rate.period_ns = (int64_t)(1e9 / rule->rate_limit.rate_per_s);
                rate.burst = rule->rate_limit.burst;
                if (healer_rate_limit_create(&rate, now_ns, &edge->rate_limit) != HEALER_OK)
                        return false;
        }
        rule = strategy_rule_for(strategy, STRATEGY_SHEDDING, from, to);
        if (rule != NULL) {
                shed.threads = HEALER_THREADS_ONE;
                edge->shed_limit = rule->shedding.limit;
                if (healer_shed_create(&shed, now_ns, &edge->shed) != HEALER_OK)
                        return false;
        }
        return true;
}

static bool guard_edge(struct heal_bridge *bridge, uint32_t index, const struct strategy *strategy,
                       const char *from, const char *to, enum fleet_fallback_kind fallback,
                       uint64_t key, int64_t now_ns)
{
        struct guarded_edge *edge = &bridge->edges[index];

        edge->bridge = bridge;
        edge->edge = index;
        if (from == NULL)
                return true; /* the client's own protections are the load's */
        edge_settings(edge, strategy, from, to);
        if (!guard_breaker(edge, strategy_rule_for(strategy, STRATEGY_BREAKER, from, to), key,
                           fallback != FALLBACK_NONE &&
                                   (!edge->settings.has_fallback || edge->settings.fallback_enabled),
                           now_ns) ||
            !guard_limits(edge, strategy, from, to, now_ns))
                return false;
        edge->settings.guarded = edge->breaker != NULL || edge->bulkhead != NULL ||
                                 edge->rate_limit != NULL || edge->shed != NULL;
        bridge->any_policy = bridge->any_policy || edge->settings.guarded ||
                             edge->settings.has_timeout || edge->settings.has_retry ||
                             edge->settings.has_fallback;
        return true;
}

static void policy_settings(void *state, uint32_t edge, struct policy_edge_settings *out)
{
        struct heal_bridge *bridge = state;

        memset(out, 0, sizeof(*out));
        if (edge < bridge->edge_count)
                *out = bridge->edges[edge].settings;
}

/* A breaker's ticket has twice the room of the fleet's; what it needs of it
 * fits all the same, since the start is known again when the call ends. */
static void pack(struct policy_ticket *out, const struct healer_breaker_ticket *ticket)
{
        out->word[0] = (uint64_t)ticket->generation << 32 | ticket->serial;
        out->word[1] = (uint64_t)ticket->place << 16 | (uint64_t)ticket->state << 8 | ticket->live;
}

static struct healer_breaker_ticket unpack(const struct policy_ticket *in, int64_t started_at_ns)
{
        return (struct healer_breaker_ticket){
                .started_at_ns = started_at_ns,
                .generation = (uint32_t)(in->word[0] >> 32),
                .serial = (uint32_t)in->word[0],
                .place = (uint16_t)(in->word[1] >> 16),
                .state = (uint8_t)(in->word[1] >> 8),
                .live = (uint8_t)in->word[1],
        };
}

/* From half of the limit on the lowest priorities are refused, at the limit all. */
static double room_left(const struct guarded_edge *guard)
{
        double used = (double)guard->in_flight / guard->shed_limit;

        return used <= 0.5 ? 1 : used >= 1 ? 0 : 2 * (1 - used);
}

/* Outermost first; who refuses further in takes the breaker's ticket back. */
static enum policy_verdict policy_admit(void *state, uint32_t edge, int64_t now_ns,
                                        uint32_t priority, struct policy_ticket *ticket)
{
        struct heal_bridge *bridge = state;
        struct guarded_edge *guard = &bridge->edges[edge];
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
        pack(ticket, &breaker_ticket);
        return POLICY_ADMIT;
}

static void report_to_breaker(struct healer_breaker *breaker, int64_t now_ns,
                              struct policy_ticket *ticket, enum policy_outcome outcome,
                              int64_t latency_ns)
{
        struct healer_breaker_ticket breaker_ticket = unpack(ticket, now_ns - latency_ns);

        switch (outcome) {
        case POLICY_OK:
                healer_breaker_success(breaker, &breaker_ticket, now_ns);
                break;
        case POLICY_FAILED:
        case POLICY_TIMEOUT:
                healer_breaker_failure(breaker, &breaker_ticket, (int32_t)outcome, now_ns);
                break;
        case POLICY_IGNORED:
                healer_breaker_ignore(breaker, &breaker_ticket);
                break;
        case POLICY_CANCELLED:
                healer_breaker_cancel(breaker, &breaker_ticket);
                break;
        }
        pack(ticket, &breaker_ticket);
}

static void policy_report(void *state, uint32_t edge, int64_t now_ns, struct policy_ticket *ticket,
                          enum policy_outcome outcome, int64_t latency_ns)
{
        struct heal_bridge *bridge = state;
        struct guarded_edge *guard = &bridge->edges[edge];

        guard->in_flight -= guard->in_flight > 0;
        if (guard->bulkhead != NULL)
                healer_bulkhead_leave(guard->bulkhead);
        if (guard->breaker != NULL)
                report_to_breaker(guard->breaker, now_ns, ticket, outcome, latency_ns);
}

static bool policy_next_transition(void *state, struct policy_transition *out)
{
        struct heal_bridge *bridge = state;

        if (bridge->transition_taken == bridge->transition_put)
                return false;
        *out = bridge->transitions[bridge->transition_taken++ % TRANSITIONS_MAX];
        return true;
}

static const struct fleet_policy_ops policy_ops = {
        .settings = policy_settings,
        .admit = policy_admit,
        .report = policy_report,
        .next_transition = policy_next_transition,
};

static const struct fleet_policy_ops *bridge_policies(void *healer, void **state)
{
        struct heal_bridge *bridge = healer;

        *state = bridge;
        return bridge->any_policy ? &policy_ops : NULL;
}

/* ---- life */

struct topology_memory {
        struct healer_service_info *services;
        struct healer_edge_info *edges;
        struct healer_instance_info *instances;
};

static void describe(const struct healer_world *world, struct topology_memory *memory,
                     struct healer_topology *out)
{
        const struct fleet_spec *spec = world->spec;
        uint32_t i;

        memset(out, 0, sizeof(*out));
        for (i = 0; i < spec->service_count; i++) {
                const struct service_spec *s = &spec->services[i];

                memory->services[i] = (struct healer_service_info){
                        .name = s->name,
                        .workers = s->concurrency,
                        .critical = s->critical,
                        .slo_latency_ns = s->slo.present ? s->slo.latency_ns : 0,
                        .slo_target = s->slo.present ? s->slo.target : 0,
                        .restart_ns = s->restart_time_ns,
                        .boot_ns = s->boot_time_ns,
                };
        }
        for (i = 0; i < world->edge_count; i++)
                memory->edges[i] = (struct healer_edge_info){
                        .name = world->edge_names[i],
                        .from = i < spec->edge_count ? spec->edges[i].from : HEALER_NONE,
                        .to = i < spec->edge_count ? spec->edges[i].to
                                                   : spec->loads[i - spec->edge_count].to,
                };
        for (i = 0; i < world->instance_count; i++)
                memory->instances[i] = (struct healer_instance_info){
                        .service = world->instances[i].service, .name = world->instances[i].name};
        out->services = memory->services;
        out->service_count = spec->service_count;
        out->edges = memory->edges;
        out->edge_count = world->edge_count;
        out->instances = memory->instances;
        out->instance_count = world->instance_count;
        for (i = 0; i < ACTION_KIND_COUNT; i++) {
                if (fleet_action_rows[i].supported)
                        out->actions_available |= UINT32_C(1) << i;
                out->action_usual_ns[i] = fleet_action_rows[i].default_time_ns;
        }
}

static bool create_healer(struct heal_bridge *bridge, const struct strategy *strategy,
                          const struct healer_world *world)
{
        const struct healer_callbacks callbacks = {bridge, take_command, take_notice};
        struct topology_memory memory;
        struct healer_topology topology;
        bool ok = false;

        memory.services = calloc(world->spec->service_count + 1, sizeof(*memory.services));
        memory.edges = calloc(world->edge_count + 1, sizeof(*memory.edges));
        memory.instances = calloc(world->instance_count + 1, sizeof(*memory.instances));
        if (memory.services != NULL && memory.edges != NULL && memory.instances != NULL) {
                describe(world, &memory, &topology);
                ok = healer_create(&strategy->healer, &topology, &callbacks, NULL, INT64_MIN / 2,
                                   &bridge->healer) == HEALER_OK;
        }
        free(memory.services);
        free(memory.edges);
        free(memory.instances);
        return ok;
}

static bool create_guards(struct heal_bridge *bridge, const struct strategy *strategy,
                          const struct healer_world *world, uint64_t key)
{
        const struct fleet_spec *spec = world->spec;
        uint32_t i;

        bridge->edges = calloc(world->edge_count + 1, sizeof(*bridge->edges));
        if (bridge->edges == NULL)
                return false;
        bridge->edge_count = world->edge_count;
        for (i = 0; i < world->edge_count; i++) {
                bool declared = i < spec->edge_count;

                if (!guard_edge(bridge, i, strategy,
                                declared ? spec->services[spec->edges[i].from].name : NULL,
                                declared ? spec->services[spec->edges[i].to].name : "",
                                declared ? spec->edges[i].fallback : FALLBACK_NONE, key,
                                INT64_MIN / 2))
                        return false;
        }
        return true;
}

static void bridge_destroy(void *healer)
{
        struct heal_bridge *bridge = healer;
        uint32_t i;

        if (bridge == NULL)
                return;
        for (i = 0; i < bridge->edge_count; i++) {
                healer_breaker_destroy(bridge->edges[i].breaker);
                healer_bulkhead_destroy(bridge->edges[i].bulkhead);
                healer_rate_limit_destroy(bridge->edges[i].rate_limit);
                healer_shed_destroy(bridge->edges[i].shed);
        }
        healer_destroy(bridge->healer);
        free(bridge->edges);
        free(bridge->notes);
        free(bridge->orders);
        free(bridge);
}

static void *bridge_create(const void *config, const struct healer_world *world, uint64_t key)
{
        const struct strategy *strategy = config;
        struct heal_bridge *bridge = calloc(1, sizeof(*bridge));

        if (bridge == NULL)
                return NULL;
        bridge->watching = strategy->healer.enabled;
        if (!create_healer(bridge, strategy, world) ||
            !create_guards(bridge, strategy, world, key)) {
                bridge_destroy(bridge);
                return NULL;
        }
        return bridge;
}

const struct healer_ops healer_builtin = {
        .name = "libhealer",
        .create = bridge_create,
        .wake = bridge_wake,
        .policies = bridge_policies,
        .destroy = bridge_destroy,
};
