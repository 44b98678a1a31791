/* heal_bridge.c - libhealer behind the healer face.
 *
 * Nothing is decided here. What the fleet shows is translated into the words of
 * libhealer in the order in which it happened, libhealer thinks, and what it
 * says and wants is collected into the answer. The protections on edges are said
 * in the first answer and carried out by the fleet (run/guards.h).
 *
 * An event that a command of ours brought about must be read before the
 * command's result, or it would look like a crash: events first, then samples
 * up to each time, results last.
 *
 * Not here: anything that another healer behind the face could not know.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/arena.h"
#include "harness/run/exec_process.h"
#include "harness/run/heal_bridge_store.h"
#include "harness/run/heal_train.h"
#include "harness/run/healer_face.h"
#include "harness/scenario/strategy.h"
#include "harness/sim/time.h"
#include "healer/healer.h"
#include "healer/store/store.h"

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

struct heal_bridge {
        struct healer *healer;
        const struct healer_config *config; /* the strategy's, which outlives it */
        const struct fleet_spec *spec;
        struct heal_stores stores;
        int64_t now_ns;
        const char *const *edge_names;
        bool *kept_off; /* [edge_count]: what the stores were told of breakers */
        bool watching, said; /* said: the protections, once */
        struct strategy_rule *breakers; /* [edge_count], rules of our own for some edges */
        struct edge_protection *protections;
        uint32_t protection_count;
        uint32_t edge_count;
        /* the answer */
        struct healer_answer answer;
        struct healer_note *notes;
        size_t note_count, note_room;
        struct healer_order *orders;
        size_t order_count, order_room;
        struct arena texts;
        char failure[96];
};

enum { CONTEXT_BYTES = 512 };

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
                [HEALER_NOTICE_WARNING] = NOTE_WARNING,
                [HEALER_NOTICE_ANOMALY] = NOTE_KIND_COUNT,
                [HEALER_NOTICE_RECURRING] = NOTE_KIND_COUNT,
                [HEALER_NOTICE_HEALING_ODD] = NOTE_KIND_COUNT,
                [HEALER_NOTICE_PREDICTION_OUTCOME] = NOTE_KIND_COUNT,
                [HEALER_NOTICE_ORDER_LATE] = NOTE_KIND_COUNT,
                [HEALER_NOTICE_STATUS] = NOTE_KIND_COUNT,
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

/* What the human who is called is to know; NULL: the episode is over already. */
static const char *context_of(struct heal_bridge *bridge, uint64_t episode)
{
        struct healer_escalation human;
        char text[CONTEXT_BYTES];
        const char *kept;

        if (healer_escalation_of(bridge->healer, episode, &human, text, sizeof(text)) != HEALER_OK)
                return NULL;
        kept = arena_text(&bridge->texts, human.context);
        if (kept == NULL)
                bridge->answer.failure = "out of memory";
        return kept;
}

static void take_notice(void *user, const struct healer_notice *notice)
{
        struct heal_bridge *bridge = user;
        enum healer_note_kind kind = note_kind(notice->kind);
        struct healer_note *note;

        HEAL_EACH_STORE(store, &bridge->stores)
                healer_store_notice(*store, bridge->now_ns, notice);
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
        if (notice->kind == HEALER_NOTICE_WARNING && notice->rank < HEALER_WARNING_COUNT)
                note->type = healer_warning_names[notice->rank];
        if (notice->kind == HEALER_NOTICE_ESCALATION)
                note->context = context_of(bridge, notice->episode);
}

/* The strategy's features that the service has, and which of them are to be off. */
static void name_features(const struct heal_bridge *bridge, const struct healer_command *command,
                          struct fleet_level *out)
{
        const struct service_spec *service = &bridge->spec->services[command->service];
        uint32_t i, k;

        for (k = 0; k < bridge->config->degradation.feature_count; k++) {
                for (i = 0; i < service->feature_count; i++) {
                        if (strcmp(service->features[i].name,
                                   bridge->config->degradation.features[k].name) != 0)
                                continue;
                        out->named |= UINT32_C(1) << i;
                        out->off |= (command->level.off >> k & 1) << i;
                }
        }
}

static struct fleet_level level_of(const struct heal_bridge *bridge,
                                   const struct healer_command *command)
{
        struct fleet_level level = {.given = command->level.given,
                                    .capacity = command->level.capacity,
                                    .timeout = command->level.timeout,
                                    .quality = command->level.quality,
                                    .concurrency = command->level.concurrency};

        if (level.given)
                name_features(bridge, command, &level);
        return level;
}

static void take_command(void *user, const struct healer_command *command)
{
        struct heal_bridge *bridge = user;

        HEAL_EACH_STORE(store, &bridge->stores)
                healer_store_command(*store, bridge->now_ns, command);
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
                           .amount = command->amount,
                           .level = level_of(bridge, command)},
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

static void show_breakers(struct heal_bridge *bridge, const struct healer_wake *wake)
{
        for (uint32_t i = 0; i < bridge->edge_count; i++)
                (void)healer_observe_breaker(bridge->healer, i, wake->breaker_open[i]);
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
                HEAL_EACH_STORE(store, &bridge->stores)
                        healer_store_result(*store, wake->results[i].finished_at_ns, &result);
        }
        show_breakers(bridge, wake);
}

/* ---- its own records */

static void keep_breakers(struct heal_bridge *bridge, const struct healer_wake *wake,
                          const char *const *names)
{
        for (uint32_t i = 0; i < bridge->edge_count; i++) {
                if (bridge->kept_off[i] == wake->breaker_open[i])
                        continue;
                bridge->kept_off[i] = wake->breaker_open[i];
                HEAL_EACH_STORE(store, &bridge->stores)
                        (void)healer_store_breaker(*store, wake->now_ns, names[i],
                                                   wake->breaker_open[i] ? "open" : "closed",
                                                   wake->breaker_open[i] ? "calls are refused"
                                                                         : "calls pass");
        }
}

/* Off the healing path: virtual time stands still. Failures are the store's to say. */
static void keep_records(struct heal_bridge *bridge, const struct healer_wake *wake)
{
        keep_breakers(bridge, wake, bridge->edge_names);
        HEAL_EACH_STORE(store, &bridge->stores)
        {
                healer_store_watch(*store, wake->now_ns, bridge->healer);
                (void)healer_store_pump(*store, wake->now_ns);
        }
}

static const struct healer_answer *bridge_wake(void *healer, const struct healer_wake *wake)
{
        struct heal_bridge *bridge = healer;
        int64_t from_ns = exec_clock_ns();
        enum healer_err err;

        arena_release(&bridge->texts);
        bridge->note_count = 0;
        bridge->order_count = 0;
        bridge->answer.protections = bridge->protections;
        bridge->answer.protection_count = bridge->said ? 0 : bridge->protection_count;
        bridge->said = true;
        if (!bridge->watching) {
                bridge->answer.next_wake_ns = TIME_NEVER;
                return &bridge->answer;
        }
        bridge->now_ns = wake->now_ns;
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
        bridge->answer.thought_ns = exec_thought_ns(from_ns);
        if (heal_stores_any(&bridge->stores))
                keep_records(bridge, wake);
        return &bridge->answer;
}

/* ---- protections on edges */

#define LOOK_AGAIN_NS (NS_PER_S / 2)

/* Slow calls trip a breaker only where something else can be answered. Without
 * a fallback a slow answer is better than none, and the breakers of all callers
 * above would open together with the one that helps. Nor do users gain anything
 * while such a breaker is open: it only spares the caller's workers, and each
 * second beyond the failure's end is harm, once for every breaker on the way up.
 * So it looks again soon, one call at a time. So much for the default rule; a
 * rule that names an end of the edge is taken at its word. */
static const struct strategy_rule *breaker_rule(struct heal_bridge *bridge, uint32_t edge,
                                                const struct strategy_rule *rule, bool has_fallback)
{
        struct strategy_rule *own = &bridge->breakers[edge];

        if (rule == NULL || has_fallback || strcmp(rule->from, "*") != 0 || strcmp(rule->to, "*") != 0)
                return rule;
        *own = *rule;
        own->breaker.slow_call_ns = 0;
        own->breaker.success_threshold = 1;
        own->breaker.half_open_max_calls = 1;
        if (own->breaker.open_for_ns > LOOK_AGAIN_NS)
                own->breaker.open_for_ns = LOOK_AGAIN_NS;
        if (own->breaker.open_for_max_ns > 2 * LOOK_AGAIN_NS)
                own->breaker.open_for_max_ns = 2 * LOOK_AGAIN_NS;
        return own;
}

static void protect_edge(struct heal_bridge *bridge, const struct strategy *strategy,
                         const struct fleet_spec *spec, uint32_t index)
{
        const struct edge_spec *edge = &spec->edges[index];
        struct edge_protection *protection = &bridge->protections[bridge->protection_count];
        const struct strategy_rule **rules = protection->rules;
        bool any = false;

        protection->edge = index;
        for (int policy = 0; policy < STRATEGY_POLICY_COUNT; policy++)
                rules[policy] = strategy_rule_for(strategy, (enum strategy_policy)policy,
                                                  spec->services[edge->from].name,
                                                  spec->services[edge->to].name);
        rules[STRATEGY_BREAKER] =
                breaker_rule(bridge, index, rules[STRATEGY_BREAKER],
                             edge->fallback != FALLBACK_NONE &&
                                     (rules[STRATEGY_FALLBACK] == NULL ||
                                      (rules[STRATEGY_FALLBACK]->fallback.enabled &&
                                       (rules[STRATEGY_FALLBACK]->fallback.kinds &
                                        1u << edge->fallback))));
        for (int policy = 0; policy < STRATEGY_POLICY_COUNT; policy++)
                any = any || rules[policy] != NULL;
        bridge->protection_count += any;
}

/* Clients' own protections are the load's, so only declared edges have any. */
static bool protect_edges(struct heal_bridge *bridge, const struct strategy *strategy,
                          const struct fleet_spec *spec)
{
        bridge->breakers = calloc(spec->edge_count + 1u, sizeof(*bridge->breakers));
        bridge->protections = calloc(spec->edge_count + 1u, sizeof(*bridge->protections));
        if (bridge->breakers == NULL || bridge->protections == NULL)
                return false;
        for (uint32_t i = 0; i < spec->edge_count; i++)
                protect_edge(bridge, strategy, spec, i);
        return true;
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
                        .queue_places = s->queue_max == QUEUE_UNBOUNDED ? 0 : s->queue_max,
                };
        }
        for (i = 0; i < spec->service_count; i++)
                for (uint32_t kind = 0; kind < ACTION_KIND_COUNT; kind++)
                        if (fleet_spec_service_allows(spec, i, (enum fleet_action_kind)kind))
                                memory->services[i].keeps |= UINT32_C(1) << kind;
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
                if (fleet_action_rows[i].supported && fleet_spec_allows(spec, (enum fleet_action_kind)i))
                        out->actions_available |= UINT32_C(1) << i;
                out->action_usual_ns[i] = fleet_action_rows[i].default_time_ns;
        }
}

static bool create_healer(struct heal_bridge *bridge, const struct strategy *strategy,
                          const struct healer_world *world, uint64_t session)
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
                                   &bridge->healer) == HEALER_OK &&
                     (strategy->learned == NULL ||
                      healer_import(bridge->healer, strategy->learned) == HEALER_OK);
                if (ok && strategy->healer.enabled)
                        heal_stores_open(&bridge->stores, strategy, world, &topology, session);
        }
        free(memory.services);
        free(memory.edges);
        free(memory.instances);
        return ok;
}

static void bridge_destroy(void *healer)
{
        struct heal_bridge *bridge = healer;

        if (bridge == NULL)
                return;
        heal_stores_close(&bridge->stores);
        healer_destroy(bridge->healer);
        free(bridge->kept_off);
        free(bridge->breakers);
        free(bridge->protections);
        free(bridge->notes);
        arena_release(&bridge->texts);
        free(bridge->orders);
        free(bridge);
}

static struct heal_bridge *bridge_make(const struct strategy *strategy,
                                       const struct healer_world *world, uint64_t session)
{
        struct heal_bridge *bridge = calloc(1, sizeof(*bridge));

        if (bridge == NULL)
                return NULL;
        arena_init(&bridge->texts);
        bridge->watching = strategy->healer.enabled;
        bridge->edge_count = world->edge_count;
        bridge->edge_names = world->edge_names;
        bridge->config = &strategy->healer;
        bridge->spec = world->spec;
        bridge->kept_off = calloc(world->edge_count + 1u, sizeof(*bridge->kept_off));
        if (bridge->kept_off == NULL || !create_healer(bridge, strategy, world, session) ||
            !protect_edges(bridge, strategy, world->spec)) {
                bridge_destroy(bridge);
                return NULL;
        }
        return bridge;
}

static void *bridge_create(const void *config, const struct healer_world *world, uint64_t key)
{
        (void)key; /* libhealer takes no chance; the guards' jitter has its own */
        return bridge_make(config, world, 0);
}

/* What waited for its batch dies with the process; the file stays. */
static void *bridge_restart(void *dead, const void *config, const struct healer_world *world,
                            uint64_t key, int *open, const char **why)
{
        struct heal_bridge *bridge = dead;
        uint64_t session = heal_store_session(bridge->stores.each[HEAL_STORE_OWN]);
        bool kept = bridge->stores.each[HEAL_STORE_OWN] != NULL;

        (void)key;
        heal_stores_abandon(&bridge->stores);
        bridge_destroy(bridge);
        bridge = bridge_make(config, world, session);
        if (bridge == NULL || !kept)
                return bridge;
        if (bridge->stores.each[HEAL_STORE_OWN] == NULL)
                *why = "its store could not be opened";
        else
                *open = heal_store_take_up(bridge->stores.each[HEAL_STORE_OWN], bridge->healer, world->now_ns, why);
        return bridge;
}

const struct healer_ops healer_builtin = {
        .name = "libhealer",
        .create = bridge_create,
        .restart = bridge_restart,
        .wake = bridge_wake,
        .destroy = bridge_destroy,
};

/* ---- the trainer: see heal_train.h */

#define TRAIN_EVERY_NS (15 * NS_PER_S)
#define TRAIN_LEAD_NS (20 * NS_PER_S) /* later is no prediction */
#define TRAIN_CALM_NS (60 * NS_PER_S) /* after an alarm */

struct trained_row {
        int64_t at_ns;
        uint32_t service;
        bool failed;
        double features[HEALER_FEATURE_COUNT];
};

struct trainer {
        struct heal_bridge *bridge;
        struct heal_training *training;
        struct trained_row *rows;
        size_t row_count, row_room;
        int64_t noted_ns, horizon_ns;
        uint32_t service_count, instance_count;
        uint32_t *instance_service; /* [instance_count]: of those at the start */
        uint32_t *open;             /* [service_count]: alarms */
        int64_t *ill_ns;            /* [service_count]: an alarm was open last */
};

static void trainer_destroy(void *healer)
{
        struct trainer *trainer = healer;
        struct heal_training *training;
        struct healer_learned *end;
        size_t i;

        if (trainer == NULL)
                return;
        training = trainer->training;
        end = calloc(1, sizeof(*end));
        if (end != NULL && trainer->bridge != NULL && training->end_count < HEAL_ENDS_MAX) {
                healer_export(trainer->bridge->healer, end);
                training->ends[training->end_count++] = end;
        } else {
                free(end);
        }
        for (i = 0; i < trainer->row_count && training->count < HEAL_ROWS_MAX; i++) {
                const struct trained_row *row = &trainer->rows[i];

                if (!row->failed && trainer->noted_ns - row->at_ns < trainer->horizon_ns)
                        continue; /* its end was not seen */
                if (training->count == training->room) {
                        size_t room = training->room * 2 + 4096;
                        void *rows = realloc(training->rows, room * sizeof(*training->rows));
                        bool *failed;

                        if (rows != NULL)
                                training->rows = rows;
                        failed = realloc(training->failed, room * sizeof(*failed));
                        if (failed != NULL)
                                training->failed = failed;
                        if (rows == NULL || failed == NULL) {
                                training->no_memory = true;
                                break;
                        }
                        training->room = room;
                }
                memcpy(training->rows[training->count], row->features, sizeof(row->features));
                training->failed[training->count++] = row->failed;
        }
        bridge_destroy(trainer->bridge);
        free(trainer->rows);
        free(trainer->instance_service);
        free(trainer->open);
        free(trainer->ill_ns);
        free(trainer);
}

static void *trainer_create(const void *config, const struct healer_world *world, uint64_t key)
{
        struct heal_training *training = (struct heal_training *)(uintptr_t)config;
        struct trainer *trainer = calloc(1, sizeof(*trainer));
        struct strategy tied;
        uint32_t i;

        if (trainer == NULL)
                return NULL;
        trainer->training = training;
        trainer->noted_ns = INT64_MIN / 2;
        trainer->horizon_ns = training->strategy->healer.prediction.horizon_ns;
        trainer->service_count = world->spec->service_count;
        trainer->instance_count = world->instance_count;
        tied = *training->strategy;
        tied.healer.auto_heal = false;
        tied.store.path = tied.store.ledger = NULL;
        tied.healer.prediction.preventive = HEALER_PREVENTIVE_OFF;
        tied.healer.prediction.rule = HEALER_RULE_WEIGHTED;
        trainer->bridge = bridge_create(&tied, world, key);
        if (trainer->bridge != NULL)
                trainer->bridge->config = &training->strategy->healer; /* `tied` is gone soon */
        trainer->instance_service = calloc(world->instance_count + 1, sizeof(uint32_t));
        trainer->open = calloc(trainer->service_count + 1, sizeof(*trainer->open));
        trainer->ill_ns = calloc(trainer->service_count + 1, sizeof(*trainer->ill_ns));
        if (trainer->bridge == NULL || trainer->instance_service == NULL ||
            trainer->open == NULL || trainer->ill_ns == NULL) {
                trainer_destroy(trainer);
                return NULL;
        }
        for (i = 0; i < world->instance_count; i++)
                trainer->instance_service[i] = world->instances[i].service;
        for (i = 0; i < trainer->service_count; i++)
                trainer->ill_ns[i] = INT64_MIN / 2;
        if (trainer->bridge->healer != NULL)
                (void)healer_import(trainer->bridge->healer, training->learned);
        return trainer;
}

/* Its diagnosis blames the service: victims are not taken for culprits. */
static void trainer_failed(struct trainer *trainer, uint32_t service, int64_t now_ns)
{
        size_t i;

        for (i = trainer->row_count; i > 0; i--) {
                struct trained_row *row = &trainer->rows[i - 1];

                if (now_ns - row->at_ns > trainer->horizon_ns)
                        break;
                if (row->service == service && now_ns - row->at_ns >= TRAIN_LEAD_NS)
                        row->failed = true;
        }
}

static void trainer_note(struct trainer *trainer, int64_t now_ns)
{
        uint32_t i, service;

        trainer->noted_ns = now_ns;
        for (i = 0; i < trainer->instance_count; i++) {
                service = trainer->instance_service[i];
                if (trainer->open[service] > 0 ||
                    now_ns - trainer->ill_ns[service] < TRAIN_CALM_NS || now_ns < 0)
                        continue;
                if (trainer->row_count == trainer->row_room) {
                        size_t room = trainer->row_room * 2 + 1024;
                        void *rows = realloc(trainer->rows, room * sizeof(*trainer->rows));

                        if (rows == NULL) {
                                trainer->training->no_memory = true;
                                return;
                        }
                        trainer->rows = rows;
                        trainer->row_room = room;
                }
                trainer->rows[trainer->row_count] =
                        (struct trained_row){.at_ns = now_ns, .service = service};
                healer_features_of(trainer->bridge->healer, i,
                                   trainer->rows[trainer->row_count++].features);
        }
}

static const struct healer_answer *trainer_wake(void *healer, const struct healer_wake *wake)
{
        struct trainer *trainer = healer;
        struct heal_bridge *bridge = trainer->bridge;
        const struct healer_answer *answer = bridge_wake(bridge, wake);
        uint32_t service;
        size_t i;

        for (i = 0; i < answer->note_count; i++) {
                service = answer->notes[i].service;
                if (service >= trainer->service_count)
                        continue;
                if (answer->notes[i].kind == NOTE_EPISODE_OPENED)
                        trainer_failed(trainer, service, wake->now_ns);
                else if (answer->notes[i].kind == NOTE_ALARM)
                        trainer->open[service]++;
                else if (answer->notes[i].kind == NOTE_ALARM_CLEARED) {
                        trainer->open[service] -= trainer->open[service] > 0;
                        trainer->ill_ns[service] = wake->now_ns;
                }
        }
        bridge->answer.order_count = 0; /* its hands are tied, and it has been told so */
        if (wake->now_ns - trainer->noted_ns >= TRAIN_EVERY_NS)
                trainer_note(trainer, wake->now_ns);
        return answer;
}

const struct healer_ops healer_trainer = {
        .name = "trainer",
        .create = trainer_create,
        .wake = trainer_wake,
        .destroy = trainer_destroy,
};

void heal_training_settle(struct heal_training *training)
{
        struct healer_learned *base;
        uint32_t i;

        if (training->end_count == 0)
                return;
        base = calloc(1, sizeof(*base));
        if (base == NULL)
                training->no_memory = true;
        else
                *base = *training->learned;
        for (i = 0; i < training->end_count; i++) {
                if (base != NULL)
                        healer_learned_add(training->learned, base, training->ends[i]);
                free(training->ends[i]);
        }
        training->end_count = 0;
        free(base);
}

bool heal_training_model(struct heal_training *training)
{
        const struct healer_training rows = {
                .rows = (const double(*)[HEALER_FEATURE_COUNT])training->rows,
                .failed = training->failed,
                .count = training->count,
                .stumps = HEALER_STUMPS_MAX,
                .rate = 0.2,
                .rows_min = 20,
        };

        return training->count > 0 &&
               healer_model_train(&rows, &training->learned->model) == HEALER_OK;
}

void heal_training_release(struct heal_training *training)
{
        heal_training_settle(training);
        free(training->rows);
        free(training->failed);
        training->rows = NULL;
        training->failed = NULL;
        training->count = training->room = 0;
}
