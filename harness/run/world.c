/* world.c - one arm: who is told what, when, and what becomes of it.
 *
 * Telemetry and events wait in two queues until the channel's delay is over;
 * then the healer is woken with all that is due. Its words are journalled, its
 * orders checked and passed on.
 */
#include "harness/run/world.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/rng.h"
#include "harness/run/injector.h"
#include "harness/run/exec_words.h"
#include "harness/run/journal.h"
#include "harness/run/plan_words.h"

struct pending_batch {
        struct telemetry_batch batch; /* its arrays are behind this struct */
        int64_t visible_ns;
        struct pending_batch *next;
};

struct pending_event {
        struct fleet_event event;
        int64_t visible_ns;
};

/* A preventive order of the shadow arm, answered as if it had been done. */
struct held_back {
        struct fleet_action action;
        int64_t ordered_ns;
};

/* An alarm that the healer has not cleared. */
struct open_alarm {
        uint64_t id, episode;
        uint32_t service, instance, edge;
};

struct edge_state {
        int64_t since_ns;
        uint8_t state; /* 0 closed, 1 open, 2 half-open */
};

/* What an entry with `when` waits for. */
struct trigger {
        const struct method_spec *entry;
        enum journal_type type;
        int64_t busy_until_ns; /* end of its last play */
};

/* A stop condition that is watched. */
struct stop_watch {
        const struct stop_spec *spec;
        int64_t since_ns; /* broken since; TIME_NEVER: it holds */
        double value;
};

/* A record and what it stands on. */
struct stored_record {
        struct arm_record record;
        struct arena arena;
};

struct world {
        struct world_options options;
        struct stored_record *stored;
        struct fleet *fleet;
        struct injector injector;
        struct journal journal;
        void *healer;

        struct pending_batch *batch_first; /* by visible_ns */
        int64_t *late_ns; /* by service: how late its telemetry is now */
        struct pending_event *events;
        size_t event_first, event_count, event_capacity;
        struct fleet_action_result *results;
        size_t result_count, result_capacity;
        int64_t wake_at_ns;       /* earliest wake-up scheduled; TIME_NEVER: none */
        int64_t healer_next_ns;   /* when it asked to be woken */
        int64_t event_wake_ns;    /* wake-up scheduled for events, to schedule it once */

        struct healer_order *late; /* orders that are still being thought about */
        uint32_t late_count;
        size_t late_capacity;
        /* The healer's host may crash. A new healer counts from 1 again; its
         * numbers are put behind all that were used before it. */
        bool healer_down;
        bool ending; /* the books are being closed */
        uint64_t id_base, id_most;
        uint64_t id_base_before; /* of the life that has ended */
        uint64_t healer_lives; /* that have ended */
        uint32_t late_base; /* orders thought of before it died */
        struct open_alarm *alarms;
        size_t alarm_count, alarm_capacity;
        struct held_back *held;
        uint32_t held_count, held_capacity;
        uint64_t preventive;

        struct policy_transition transition;
        struct guards *guards;
        bool *breaker_open; /* [edges of the fleet] */
        const char *const *edge_names;
        struct edge_state *edges;
        struct healer_instance *instances; /* all that the healer knows of */
        uint32_t instance_count;
        size_t instance_capacity;

        struct trigger *triggers;
        uint32_t trigger_count;
        struct plan_counts plays;
        const struct planned_fault **coupled;
        size_t coupled_count, coupled_capacity;
        bool watches_breakers;
        struct stop_watch *stops;
        size_t stop_count;
        const struct stop_watch *stopped_by;
        int64_t stopped_ns;
        bool stop_marked, steady_was_read;

        struct probe_value *probes;
        const char *broken;
        const char *healer_failure;
        /* the wake-up that is being put together */
        struct telemetry_batch *wake_batches;
        struct fleet_event *wake_events;
        size_t wake_batch_capacity, wake_event_capacity;
};

static void world_break(struct world *world, const char *why)
{
        if (world->broken == NULL)
                world->broken = why;
}

static bool reserve(void **array, size_t *capacity, size_t wanted, size_t size)
{
        size_t bigger = *capacity;
        void *moved;

        if (wanted <= *capacity)
                return true;
        while (bigger < wanted)
                bigger = bigger * 2 + 16;
        moved = realloc(*array, bigger * size);
        if (moved == NULL)
                return false;
        *array = moved;
        *capacity = bigger;
        return true;
}

static int64_t world_now(const struct world *world)
{
        return fleet_now(world->fleet);
}

static void enter(struct world *world, const struct journal_entry *entry);

/* ---- what waits for events */

static bool add_coupled(void *user, struct planned_fault *fault)
{
        struct world *world = user;

        if (!reserve((void **)&world->coupled, &world->coupled_capacity, world->coupled_count + 1,
                     sizeof(*world->coupled)))
                return false;
        world->coupled[world->coupled_count++] = fault;
        for (uint32_t i = 0; i < world->trigger_count; i++)
                if (fault->entry == world->triggers[i].entry)
                        world->triggers[i].busy_until_ns =
                                fault->end_ns + fault->entry->ramp_down_ns;
        return injector_add(&world->injector, fault);
}

static bool is_at(const struct world *world, const struct journal_entry *entry, uint32_t service)
{
        const struct fleet_spec *fleet = &world->options.scenario->fleet;

        if (service == FLEET_NO_INDEX || entry->service == service)
                return true;
        return entry->edge < fleet->edge_count && (fleet->edges[entry->edge].to == service ||
                                                   fleet->edges[entry->edge].from == service);
}

static void pull_trigger(struct world *world, struct trigger *trigger,
                         const struct journal_entry *entry)
{
        const struct method_when *when = &trigger->entry->when;
        int64_t now_ns = world_now(world), start_ns = entry->at_ns + when->delay_ns;

        if (entry->at_ns < 0 || (when->action != FLEET_NO_INDEX && entry->action != when->action) ||
            !is_at(world, entry, when->service) || now_ns < trigger->busy_until_ns)
                return;
        if (start_ns < now_ns)
                start_ns = now_ns;
        if (start_ns > world->options.scenario->duration_ns)
                return;
        if (!plan_triggered(world->options.scenario, world->options.key, &world->stored->arena,
                            &world->plays, trigger->entry, start_ns, world, add_coupled))
                world_break(world, "out of memory");
}

static void enter(struct world *world, const struct journal_entry *entry)
{
        journal_write(&world->journal, entry);
        if (world->options.watch != NULL)
                world->options.watch(world->options.watch_user, entry);
        for (uint32_t i = 0; i < world->trigger_count; i++)
                if (world->triggers[i].type == entry->type)
                        pull_trigger(world, &world->triggers[i], entry);
}

static enum journal_type type_named(const char *name)
{
        for (int i = 0; i < JOURNAL_TYPE_COUNT; i++)
                if (strcmp(journal_type_names[i], name) == 0)
                        return (enum journal_type)i;
        return JOURNAL_TYPE_COUNT;
}

static bool triggers_begin(struct world *world)
{
        const struct scenario *scenario = world->options.scenario;
        struct arena *arena = &world->stored->arena;

        for (uint32_t i = 0; i < world->options.coupled_count; i++)
                if (!injector_add(&world->injector, world->options.coupled[i]))
                        return false;
        if (!world->options.leads)
                return true;
        world->triggers = ARENA_ARRAY(arena, struct trigger, scenario->method_count + 1);
        world->plays.plays = ARENA_ARRAY(arena, uint32_t,
                                         scenario->all_count + scenario->method_count + 1);
        if (world->triggers == NULL || world->plays.plays == NULL)
                return false;
        for (size_t i = 0; i < scenario->method_count; i++) {
                const struct method_spec *entry = &scenario->method[i];

                if (entry->kind != METHOD_FAULT || entry->timing != TIMING_WHEN)
                        continue;
                world->triggers[world->trigger_count++] =
                        (struct trigger){entry, type_named(entry->when.event), -1};
                world->watches_breakers |= strncmp(entry->when.event, "breaker_", 8) == 0;
        }
        return true;
}

static bool stops_begin(struct world *world)
{
        const struct scenario *scenario = world->options.scenario;

        if (!world->options.may_stop || scenario->stop_count == 0)
                return true;
        world->stops = ARENA_ARRAY(&world->stored->arena, struct stop_watch, scenario->stop_count);
        if (world->stops == NULL)
                return false;
        world->stop_count = scenario->stop_count;
        for (size_t i = 0; i < scenario->stop_count; i++) {
                const struct stop_spec *spec = &scenario->stops[i];

                world->stops[i] = (struct stop_watch){spec, TIME_NEVER, NAN};
                if (!fleet_watch(world->fleet, spec->probe.service, spec->probe.window_ns))
                        return false;
        }
        return true;
}

/* ---- the journal */

static void note_from_fleet(void *user, const struct fleet_note *note)
{
        struct world *world = user;
        struct journal_entry entry = journal_blank(note->at_ns, JOURNAL_RUN_STARTED);

        entry.service = note->service;
        entry.instance = note->instance;
        entry.text = note->text;
        switch (note->kind) {
        case FLEET_NOTE_INSTANCE_STATE:
                entry.type = JOURNAL_INSTANCE_STATE;
                entry.kind = instance_state_names[note->state];
                break;
        case FLEET_NOTE_DEPLOYMENT:
                entry.type = JOURNAL_DEPLOYMENT;
                entry.kind = note->state == 0 ? "started" : "finished";
                if (note->value != 0)
                        entry.value = note->value;
                break;
        case FLEET_NOTE_BACKGROUND:
                entry.type = JOURNAL_BACKGROUND;
                entry.kind = note->text;
                entry.text = "";
                break;
        case FLEET_NOTE_DEGRADATION:
                entry.type = JOURNAL_DEGRADATION_CHANGED;
                entry.value = note->value;
                break;
        case FLEET_NOTE_INCIDENT_OPENED:
        case FLEET_NOTE_INCIDENT_CLOSED:
                entry.type = note->kind == FLEET_NOTE_INCIDENT_OPENED ? JOURNAL_INCIDENT_OPENED
                                                                      : JOURNAL_INCIDENT_CLOSED;
                break;
        case FLEET_NOTE_PAGED:
        case FLEET_NOTE_RESPONDED:
        case FLEET_NOTE_FIXED:
                entry.type = JOURNAL_ESCALATION;
                entry.kind = note->kind == FLEET_NOTE_PAGED       ? "paged"
                             : note->kind == FLEET_NOTE_RESPONDED ? "responded"
                                                                  : "fixed";
                break;
        }
        enter(world, &entry);
}

static void journal_mark(struct world *world, enum journal_type type, int64_t at_ns)
{
        struct journal_entry entry = journal_blank(at_ns, type);

        enter(world, &entry);
}

/* A start comes with the entry that does the same again, to be pasted. */
static void journal_entry_words(struct world *world, struct journal_entry *entry,
                                const struct planned_fault *planned)
{
        char *words = plan_entry_text(world->options.scenario, planned);

        if (words == NULL)
                world_break(world, "out of memory");
        entry->more = words != NULL ? words : "";
        enter(world, entry);
        free(words);
}

static void journal_fault(struct world *world, enum journal_type type, uint32_t number)
{
        const struct planned_fault *planned = world->injector.faults[number]->planned;
        const struct target_spec *target = &planned->entry->target;
        const struct fault_run *run = &world->injector.faults[number]->run;
        struct journal_entry entry = journal_blank(world_now(world), type);

        entry.ref = planned->number;
        entry.kind = planned->entry->fault->name;
        entry.text = planned->name;
        if (target->kind == TARGET_EDGE) {
                entry.edge = target->edge;
                entry.service = world->options.scenario->fleet.edges[target->edge].to;
        } else if (target->kind == TARGET_SERVICE) {
                entry.service = target->service;
        } else if (target->kind == TARGET_INSTANCES ||
                   (target->kind == TARGET_RANDOM && planned->place_count > 0 &&
                    planned_service(planned, 0) ==
                            planned_service(planned, planned->place_count - 1))) {
                entry.service = planned_service(planned, 0);
                if (run->instance_count == 1)
                        entry.instance = run->instances[0];
        }
        if (type == JOURNAL_FAULT_STARTED)
                journal_entry_words(world, &entry, planned);
        else
                enter(world, &entry);
}

static void wake_at(struct world *world, int64_t at_ns);

static void fault_started(void *user, uint32_t number)
{
        struct world *world = user;
        const struct fault_run *run = &world->injector.faults[number]->run;

        journal_fault(world, JOURNAL_FAULT_STARTED, number);
        if (world->healer == NULL || world->healer_down ||
            world->options.healer->fault_began == NULL)
                return;
        world->options.healer->fault_began(world->healer, number, run->instances,
                                           run->instance_count);
        world->healer_next_ns = world_now(world);
        wake_at(world, world_now(world));
}

static void fault_ended(void *user, uint32_t number)
{
        journal_fault(user, JOURNAL_FAULT_ENDED, number);
}

static void journal_transitions(struct world *world)
{
        while (world->guards != NULL &&
               guards_policy_ops.next_transition(world->guards, &world->transition)) {
                const struct policy_transition *t = &world->transition;
                struct edge_state *edge = &world->edges[t->edge];
                struct edge_totals *totals = &world->stored->record.edges[t->edge];
                struct journal_entry entry = journal_blank(t->at_ns, JOURNAL_BREAKER_CLOSED);
                int64_t from_ns = edge->since_ns > 0 ? edge->since_ns : 0;
                double spent_s = t->at_ns > from_ns ? (double)(t->at_ns - from_ns) * 1e-9 : 0;
                bool measured = t->at_ns >= 0;

                *(edge->state == 1 ? &totals->open_s
                  : edge->state == 2 ? &totals->half_open_s
                                     : &totals->closed_s) += spent_s;
                edge->since_ns = t->at_ns;
                if (measured && edge->state == 2)
                        *(strcmp(t->to, "closed") == 0 ? &totals->trials_ok
                                                       : &totals->trials_failed) += 1;
                if (strcmp(t->to, "open") == 0 || strcmp(t->to, "forced_open") == 0) {
                        entry.type = JOURNAL_BREAKER_OPENED;
                        edge->state = 1;
                        totals->opened += measured;
                } else if (strcmp(t->to, "half_open") == 0) {
                        entry.type = JOURNAL_BREAKER_HALF_OPENED;
                        edge->state = 2;
                        totals->half_opened += measured;
                } else {
                        edge->state = 0;
                        totals->closed += measured;
                }
                entry.edge = t->edge;
                entry.kind = t->to;
                entry.text = t->from;
                enter(world, &entry);
        }
}

/* ---- what goes to the healer */

static void wake(void *user, uint32_t unused);

static void wake_at(struct world *world, int64_t at_ns)
{
        fleet_schedule(world->fleet, at_ns, 3, wake, world, 0);
}

/* A copy of the samples whose services are `late_ns` late, in line by when it
 * becomes visible: one that was sent later may overtake it. */
static void send_batch(struct world *world, const struct telemetry_batch *batch, int64_t late_ns)
{
        size_t instances = batch->instance_count * sizeof(*batch->instances);
        size_t edges = batch->edge_count * sizeof(*batch->edges);
        struct pending_batch *pending = malloc(sizeof(*pending) + instances + edges);
        struct pending_batch **at = &world->batch_first;
        struct instance_sample *instance;
        struct edge_sample *edge;

        if (pending == NULL) {
                world_break(world, "out of memory");
                return;
        }
        instance = (struct instance_sample *)(void *)(pending + 1);
        edge = (struct edge_sample *)(void *)((char *)(pending + 1) + instances);
        pending->batch = *batch;
        pending->batch.instances = instance;
        pending->batch.edges = edge;
        for (size_t i = 0; i < batch->instance_count; i++)
                if (world->late_ns[batch->instances[i].service] == late_ns)
                        *instance++ = batch->instances[i];
        for (size_t i = 0; i < batch->edge_count; i++)
                if (world->late_ns[fleet_edge_reporter(world->fleet, batch->edges[i].edge)] == late_ns)
                        *edge++ = batch->edges[i];
        pending->batch.instance_count = (size_t)(instance - pending->batch.instances);
        pending->batch.edge_count = (size_t)(edge - pending->batch.edges);
        pending->visible_ns = world_now(world) + late_ns;
        while (*at != NULL && (*at)->visible_ns <= pending->visible_ns)
                at = &(*at)->next;
        pending->next = *at;
        *at = pending;
        wake_at(world, pending->visible_ns);
}

/* Telemetry of different services may be late by different times. */
static void journal_value(struct world *world, int64_t at_ns, uint32_t service, uint32_t instance,
                          uint32_t edge, const char *metric, double value)
{
        struct journal_entry entry = journal_blank(at_ns, JOURNAL_TELEMETRY);

        if (isnan(value))
                return; /* nobody measured it */
        entry.service = service;
        entry.instance = instance;
        entry.edge = edge;
        entry.metric = metric;
        entry.value = value;
        if (world->options.journal_telemetry)
                journal_write(&world->journal, &entry);
        if (world->options.watch != NULL)
                world->options.watch(world->options.watch_user, &entry);
}

/* What the fleet's monitor saw in an interval, before the channel had its way
 * with it: a line a value, in the words of the line protocol. */
static void journal_telemetry(struct world *world, const struct telemetry_batch *batch)
{
        for (size_t i = 0; i < batch->instance_count; i++)
                for (size_t v = 0; v < exec_instance_value_count; v++) {
                        const struct instance_sample *sample = &batch->instances[i];

                        journal_value(world, batch->to_ns, sample->service, sample->instance,
                                      RECORD_NONE, exec_instance_values[v].name,
                                      exec_value_of(sample, &exec_instance_values[v]));
                }
        for (size_t i = 0; i < batch->edge_count; i++)
                for (size_t v = 0; v < exec_edge_value_count; v++) {
                        const struct edge_sample *sample = &batch->edges[i];

                        journal_value(world, batch->to_ns, RECORD_NONE, RECORD_NONE, sample->edge,
                                      exec_edge_values[v].name,
                                      exec_value_of(sample, &exec_edge_values[v]));
                }
}

static void telemetry_from_fleet(void *user, const struct telemetry_batch *batch)
{
        struct world *world = user;
        uint32_t services = world->options.scenario->fleet.service_count;
        bool varies = fleet_telemetry_delay_varies(world->fleet);

        if (world->options.journal_telemetry || world->options.watch != NULL)
                journal_telemetry(world, batch);
        if (world->options.healer == NULL)
                return;

        if (world->healer_down)
                journal_transitions(world); /* else a wake-up does */
        if (world->healer_down || !fleet_healer_hears(world->fleet))
                return;
        for (uint32_t i = 0; i < services; i++)
                world->late_ns[i] = varies || i == 0 ? fleet_telemetry_delay_ns(world->fleet, i)
                                                     : world->late_ns[0];
        for (uint32_t i = 0; i < services; i++) {
                uint32_t same = 0;

                while (same < i && world->late_ns[same] != world->late_ns[i])
                        same++;
                if (same == i)
                        send_batch(world, batch, world->late_ns[i]);
                if (!varies)
                        break;
        }
}

static void queue_event(struct world *world, const struct fleet_event *event, int64_t visible_ns)
{
        size_t at;

        if (!reserve((void **)&world->events, &world->event_capacity, world->event_count + 1,
                     sizeof(*world->events))) {
                world_break(world, "out of memory");
                return;
        }
        for (at = world->event_count++;
             at > world->event_first && world->events[at - 1].visible_ns > visible_ns; at--)
                world->events[at] = world->events[at - 1];
        world->events[at] = (struct pending_event){*event, visible_ns};
        if (visible_ns != world->event_wake_ns) {
                world->event_wake_ns = visible_ns;
                wake_at(world, visible_ns);
        }
}

static void event_from_fleet(void *user, const struct fleet_event *event)
{
        struct world *world = user;

        if (world->options.healer != NULL && !world->healer_down && fleet_healer_hears(world->fleet))
                queue_event(world, event,
                            world_now(world) + fleet_telemetry_delay_ns(world->fleet, event->service));
}

static void journal_result(struct world *world, const struct fleet_action_result *result)
{
        struct journal_entry entry = journal_blank(world_now(world), JOURNAL_ACTION_FINISHED);

        entry.id = result->id;
        entry.action = (uint32_t)result->kind;
        entry.kind = fleet_action_rows[result->kind].name;
        entry.service = result->service;
        entry.instance = result->instance;
        entry.ok = result->ok;
        entry.text = result->reason;
        enter(world, &entry);
}

static void result_from_fleet(void *user, const struct fleet_action_result *result)
{
        struct world *world = user;

        journal_result(world, result);
        if (world->healer_down || result->id <= world->id_base || !fleet_healer_hears(world->fleet))
                return; /* who ordered it is dead, or does not hear of it */
        if (!reserve((void **)&world->results, &world->result_capacity, world->result_count + 1,
                     sizeof(*world->results))) {
                world_break(world, "out of memory");
                return;
        }
        world->results[world->result_count] = *result;
        world->results[world->result_count++].id -= world->id_base;
        wake_at(world, world_now(world));
}

static size_t collect_batches(struct world *world)
{
        size_t count = 0;

        for (struct pending_batch *at = world->batch_first;
             at != NULL && at->visible_ns <= world_now(world); at = at->next) {
                if (!reserve((void **)&world->wake_batches, &world->wake_batch_capacity, count + 1,
                             sizeof(*world->wake_batches))) {
                        world_break(world, "out of memory");
                        return 0;
                }
                world->wake_batches[count++] = at->batch;
        }
        return count;
}

static void drop_batches(struct world *world, size_t count)
{
        while (count-- > 0 && world->batch_first != NULL) {
                struct pending_batch *first = world->batch_first;

                world->batch_first = first->next;
                free(first);
        }
}

static size_t collect_events(struct world *world)
{
        size_t count = 0, at;

        while (world->event_first + count < world->event_count &&
               world->events[world->event_first + count].visible_ns <= world_now(world)) {
                if (!reserve((void **)&world->wake_events, &world->wake_event_capacity, count + 1,
                             sizeof(*world->wake_events))) {
                        world_break(world, "out of memory");
                        return 0;
                }
                /* By when they happened: some may have been longer on their way. */
                for (at = count; at > 0 && world->wake_events[at - 1].at_ns >
                                                   world->events[world->event_first + count].event.at_ns;
                     at--)
                        world->wake_events[at] = world->wake_events[at - 1];
                world->wake_events[at] = world->events[world->event_first + count].event;
                count++;
        }
        world->event_first += count;
        if (world->event_first == world->event_count) {
                world->event_first = 0;
                world->event_count = 0;
        }
        return count;
}

/* ---- what comes from the healer */

static const enum journal_type note_types[NOTE_KIND_COUNT] = {
        [NOTE_ALARM] = JOURNAL_ALARM,
        [NOTE_ALARM_CLEARED] = JOURNAL_ALARM_CLEARED,
        [NOTE_PREDICTION] = JOURNAL_PREDICTION,
        [NOTE_DIAGNOSIS] = JOURNAL_DIAGNOSIS,
        [NOTE_EPISODE_OPENED] = JOURNAL_EPISODE,
        [NOTE_EPISODE_CLAIMED] = JOURNAL_EPISODE,
        [NOTE_EPISODE_VERIFIED] = JOURNAL_EPISODE,
        [NOTE_EPISODE_FAILED] = JOURNAL_EPISODE,
        [NOTE_EPISODE_CLOSED] = JOURNAL_EPISODE,
        [NOTE_ESCALATION] = JOURNAL_ESCALATION,
        [NOTE_SUGGESTION] = JOURNAL_SUGGESTION,
        [NOTE_DEGRADATION] = JOURNAL_DEGRADATION_CHANGED,
        [NOTE_WARNING] = JOURNAL_WARNING,
};

/* A number of the present healer, unlike all those of the ones before it. */
static uint64_t number_of(struct world *world, uint64_t id)
{
        if (id == 0)
                return 0;
        id += world->id_base;
        if (id > world->id_most)
                world->id_most = id;
        return id;
}

static void keep_alarm(struct world *world, const struct journal_entry *entry)
{
        if (!reserve((void **)&world->alarms, &world->alarm_capacity, world->alarm_count + 1,
                     sizeof(*world->alarms))) {
                world_break(world, "out of memory");
                return;
        }
        world->alarms[world->alarm_count++] = (struct open_alarm){
                entry->id, entry->episode, entry->service, entry->instance, entry->edge};
}

static void forget_alarm(struct world *world, uint64_t id)
{
        for (size_t i = world->alarm_count; i-- > 0;)
                if (world->alarms[i].id == id)
                        world->alarms[i] = world->alarms[--world->alarm_count];
}

static void journal_note(struct world *world, const struct healer_note *note)
{
        static const char *const episode_kinds[NOTE_KIND_COUNT] = {
                [NOTE_EPISODE_OPENED] = "opened", [NOTE_EPISODE_CLAIMED] = "claimed",
                [NOTE_EPISODE_VERIFIED] = "verified", [NOTE_EPISODE_FAILED] = "failed",
                [NOTE_EPISODE_CLOSED] = "closed",
        };
        struct journal_entry entry = journal_blank(world_now(world), note_types[note->kind]);

        if (note->kind == NOTE_DEGRADATION)
                return; /* the fleet tells when it has really changed */
        entry.id = number_of(world, note->id);
        entry.episode = number_of(world, note->episode);
        entry.service = note->service;
        entry.instance = note->instance;
        entry.edge = note->edge;
        entry.kind = note->type;
        entry.severity = note->severity;
        entry.metric = note->metric;
        entry.value = note->value;
        entry.limit = note->limit;
        entry.confidence = note->confidence;
        entry.rank = note->rank;
        entry.eta_ns = note->eta_ns;
        if (episode_kinds[note->kind] != NULL) {
                entry.text = note->type;
                entry.kind = episode_kinds[note->kind];
        } else if (note->kind == NOTE_ESCALATION) {
                entry.text = "healer";
                entry.kind = "asked";
                entry.more = note->context;
        }
        if (note->kind == NOTE_ALARM)
                keep_alarm(world, &entry);
        else if (note->kind == NOTE_ALARM_CLEARED)
                forget_alarm(world, entry.id);
        enter(world, &entry);
}

static bool state_is_down(enum instance_state state)
{
        return state == INSTANCE_DOWN || state == INSTANCE_HUNG || state == INSTANCE_ZOMBIE;
}

/* 5-experiments.md: no incident open on a service that reaches the target, and
 * the target itself is not down. */
static bool is_preventive(const struct world *world, const struct fleet_action *action)
{
        uint32_t count = world->options.scenario->fleet.service_count;

        if (action->service >= count)
                return false;
        for (uint32_t i = 0; i < count; i++)
                if (fleet_reaches(world->fleet, i)[action->service] &&
                    fleet_incident_open(world->fleet, i))
                        return false;
        if (action->instance != FLEET_NO_INDEX)
                return action->instance >= fleet_instance_count(world->fleet) ||
                       !state_is_down(fleet_instance_state(world->fleet, action->instance));
        for (uint32_t i = 0; i < fleet_instance_count(world->fleet); i++)
                if (fleet_instance_service(world->fleet, i) == action->service &&
                    state_is_down(fleet_instance_state(world->fleet, i)))
                        return false;
        return true;
}

static bool actuator_fails(struct world *world, const struct fleet_action *action)
{
        return action->service < world->options.scenario->fleet.service_count &&
               (action->instance == FLEET_NO_INDEX ||
                action->instance < fleet_instance_count(world->fleet)) &&
               fleet_actuator_fails(world->fleet, action);
}

static void pretend_finished(void *user, uint32_t index)
{
        struct world *world = user;
        const struct held_back *held = &world->held[index];
        struct fleet_action_result result = {
                .id = held->action.id,
                .kind = held->action.kind,
                .service = held->action.service,
                .instance = held->action.instance,
                .started_at_ns = held->ordered_ns,
                .finished_at_ns = world_now(world),
                .ok = !actuator_fails(world, &held->action),
                .reason = "",
        };

        if (!result.ok)
                result.reason = "the actuator failed";

        result_from_fleet(world, &result);
}

static void hold_back(struct world *world, const struct fleet_action *action)
{
        size_t capacity = world->held_capacity;

        if (!reserve((void **)&world->held, &capacity, world->held_count + 1u, sizeof(*world->held))) {
                world_break(world, "out of memory");
                return;
        }
        world->held_capacity = (uint32_t)capacity;
        world->held[world->held_count] = (struct held_back){*action, world_now(world)};
        fleet_schedule(world->fleet,
                       world_now(world) + fleet_actuator_time_ns(world->fleet, action->kind),
                       hash_mix(4, world->held_count), pretend_finished, world, world->held_count);
        world->held_count++;
}

/* Whether it is what is to be left out, or put off, in this fork. */
static bool is_without(struct world *world, const struct healer_order *order)
{
        const struct knockout *without = world->options.without;

        return without != NULL && without->episode == number_of(world, order->episode) &&
               without->action == (uint32_t)order->action.kind &&
               without->service == order->action.service &&
               without->instance == order->action.instance;
}

static void carry_out(struct world *world, const struct healer_order *order)
{
        struct journal_entry entry = journal_blank(world_now(world), JOURNAL_ACTION_STARTED);
        struct fleet_action action = order->action;
        bool preventive;

        if ((uint32_t)order->action.kind >= ACTION_KIND_COUNT) {
                world->healer_failure = "it ordered an action that does not exist";
                return;
        }
        preventive = is_preventive(world, &order->action);
        world->preventive += preventive;
        entry.id = number_of(world, order->action.id);
        entry.episode = number_of(world, order->episode);
        entry.prediction = number_of(world, order->prediction);
        entry.action = (uint32_t)order->action.kind;
        entry.kind = fleet_action_rows[order->action.kind].name;
        entry.service = order->action.service;
        entry.instance = order->action.instance;
        entry.edge = order->action.edge;
        entry.value = order->action.amount;
        entry.preventive = preventive;
        entry.held_back = (preventive && world->options.arm == ARM_SHADOW) ||
                          (is_without(world, order) && !world->options.without->placebo);
        enter(world, &entry);
        action.id = entry.id;
        if (!fleet_healer_is_heard(world->fleet))
                journal_result(world, &(struct fleet_action_result){
                                              .id = action.id,
                                              .kind = action.kind,
                                              .service = action.service,
                                              .instance = action.instance,
                                              .reason = "the order never arrived"});
        else if (entry.held_back)
                hold_back(world, &action);
        else
                fleet_act(world->fleet, &action);
}

static void thought_of(void *user, uint32_t index)
{
        struct world *world = user;
        struct healer_order order = world->late[index];

        if (index >= world->late_base)
                carry_out(world, &order);
}

/* Thinking takes time in the world (operations.think): the order comes after it. */
static void think(struct world *world, const struct healer_order *order, int64_t think_ns)
{
        if (is_without(world, order) && world->options.without->placebo)
                think_ns += PLACEBO_NS;
        if (think_ns <= 0) {
                carry_out(world, order);
                return;
        }
        if (!reserve((void **)&world->late, &world->late_capacity, world->late_count + 1u,
                     sizeof(*world->late))) {
                world_break(world, "out of memory");
                return;
        }
        world->late[world->late_count] = *order;
        fleet_schedule(world->fleet, world_now(world) + think_ns, hash_mix(6, world->late_count),
                       thought_of, world, world->late_count);
        world->late_count++;
}

/* Instances that were added since the healer last heard of them. */
static bool know_instances(struct world *world)
{
        uint32_t count = fleet_instance_count(world->fleet);

        if (!reserve((void **)&world->instances, &world->instance_capacity, count + 1u,
                     sizeof(*world->instances))) {
                world_break(world, "out of memory");
                return false;
        }
        for (uint32_t i = world->instance_count; i < count; i++)
                world->instances[i] = (struct healer_instance){
                        .service = fleet_instance_service(world->fleet, i),
                        .zone = fleet_instance_zone(world->fleet, i),
                        .name = fleet_instance_name(world->fleet, i),
                        .version = fleet_service_version(world->fleet,
                                                         fleet_instance_service(world->fleet, i)),
                };
        world->instance_count = count;
        return true;
}

static void protect(struct world *world, const struct healer_answer *answer)
{
        for (size_t i = 0; i < answer->protection_count; i++) {
                const struct edge_protection *protection = &answer->protections[i];

                if (!guards_set(world->guards, protection, world_now(world))) {
                        world_break(world, "out of memory");
                        return;
                }
                fleet_policy_changed(world->fleet, protection->edge);
        }
}

static void heed(struct world *world, const struct healer_answer *answer)
{
        const struct operations_spec *operations = &world->options.scenario->fleet.operations;
        int64_t now_ns = world_now(world), next_ns = answer->next_wake_ns;

        if (answer->failure != NULL) {
                world->healer_failure = answer->failure;
                return;
        }
        protect(world, answer);
        for (int list = 0; list < LIST_COUNT; list++)
                for (size_t i = 0; i < answer->note_count; i++)
                        if ((int)healer_note_rows[answer->notes[i].kind].list == list)
                                journal_note(world, &answer->notes[i]);
        for (size_t i = 0; i < answer->order_count && world->healer_failure == NULL; i++)
                think(world, &answer->orders[i],
                      operations->think_wall ? answer->thought_ns : operations->think_ns);
        world->healer_next_ns = next_ns;
        if (next_ns != TIME_NEVER)
                wake_at(world, next_ns > now_ns ? next_ns : now_ns + 1);
}

static void wake(void *user, uint32_t unused)
{
        struct world *world = user;
        struct healer_wake call = {.now_ns = world_now(world)};
        struct fleet_action_result *results = world->results;

        (void)unused;
        if (world->healer_failure != NULL || world->healer_down || !know_instances(world))
                return;
        call.batch_count = collect_batches(world);
        call.batches = world->wake_batches;
        call.event_count = collect_events(world);
        call.events = world->wake_events;
        call.result_count = world->result_count;
        call.results = results;
        call.instances = world->instances;
        call.instance_count = world->instance_count;
        if (call.batch_count + call.event_count + call.result_count == 0 &&
            world->healer_next_ns > call.now_ns)
                return; /* an earlier wake-up took it all */
        world->results = NULL;
        world->result_count = 0;
        world->result_capacity = 0;
        journal_transitions(world);
        for (uint32_t i = 0; i < fleet_edge_count(world->fleet); i++)
                world->breaker_open[i] = guards_breaker_open(world->guards, i);
        call.breaker_open = world->breaker_open;
        heed(world, world->options.healer->wake(world->healer, &call));
        free(results);
        drop_batches(world, call.batch_count);
}

/* ---- probes */

static void read_probe(struct world *world, const struct probe_spec *probe, double *out)
{
        *out = fleet_probe(world->fleet, probe->metric, probe->service, probe->window_ns);
}

static bool probe_holds(const struct probe_spec *probe, double value)
{
        return !isnan(value) && (probe->low_open ? value > probe->low : value >= probe->low) &&
               (probe->high_open ? value < probe->high : value <= probe->high);
}

static void steady_state_before(void *user, uint32_t unused)
{
        struct world *world = user;
        const struct scenario *scenario = world->options.scenario;

        (void)unused;
        world->steady_was_read = true;
        for (size_t i = 0; i < scenario->steady_count; i++)
                read_probe(world, &scenario->steady[i], &world->probes[i].value);
}

/* `index`: of the entry in the method. Probes follow the steady state's. */
static void method_probe(void *user, uint32_t index)
{
        struct world *world = user;
        const struct scenario *scenario = world->options.scenario;
        size_t at = scenario->steady_count;
        struct journal_entry entry = journal_blank(world_now(world), JOURNAL_PROBE);

        for (uint32_t i = 0; i < index; i++)
                at += scenario->method[i].kind == METHOD_PROBE;
        read_probe(world, &scenario->method[index].probe, &world->probes[at].value);
        entry.ref = (uint32_t)at;
        entry.value = world->probes[at].value;
        entry.text = scenario->method[index].name;
        entry.ok = probe_holds(&scenario->method[index].probe, entry.value);
        enter(world, &entry);
}

static size_t probe_count(const struct scenario *scenario)
{
        size_t count = scenario->steady_count;

        for (size_t i = 0; i < scenario->method_count; i++)
                count += scenario->method[i].kind == METHOD_PROBE;
        return count;
}

static bool probes_begin(struct world *world)
{
        const struct scenario *scenario = world->options.scenario;
        size_t count = probe_count(scenario);
        int64_t first_ns = world->options.plan->first_ns;

        for (uint32_t i = 0; i < world->options.coupled_count; i++)
                if (world->options.coupled[i]->start_ns < first_ns)
                        first_ns = world->options.coupled[i]->start_ns;
        world->probes = ARENA_ARRAY(&world->stored->arena, struct probe_value, count + 1);
        if (world->probes == NULL)
                return false;
        for (size_t i = 0; i < count; i++)
                world->probes[i] = (struct probe_value){NAN, NAN};
        for (size_t i = 0; i < scenario->steady_count; i++)
                if (!fleet_watch(world->fleet, scenario->steady[i].service,
                                 scenario->steady[i].window_ns))
                        return false;
        for (size_t i = 0; i < scenario->method_count; i++)
                if (scenario->method[i].kind == METHOD_PROBE &&
                    !fleet_watch(world->fleet, scenario->method[i].probe.service,
                                 scenario->method[i].probe.window_ns))
                        return false;
        /* Without any fault at the very end, while the run still goes. */
        fleet_schedule(world->fleet,
                       first_ns < scenario->duration_ns ? first_ns : scenario->duration_ns - 1, 0,
                       steady_state_before, world, 0);
        for (size_t i = 0; i < scenario->method_count; i++)
                if (scenario->method[i].kind == METHOD_PROBE)
                        fleet_schedule(world->fleet, world->options.plan->probes_at_ns[i],
                                       hash_mix(5, i), method_probe, world, (uint32_t)i);
        return true;
}

/* ---- life */

/* What a healer is told of where it is. */
static bool describe_world(struct world *world, struct healer_world *known)
{
        const struct knockout *without = world->options.without;
        const char *arm = arm_names[world->options.arm];

        if (!know_instances(world))
                return false;
        *known = (struct healer_world){
                .spec = &world->options.scenario->fleet,
                .instances = world->instances,
                .instance_count = world->instance_count,
                .edge_count = fleet_edge_count(world->fleet),
                .edge_names = world->edge_names,
                .now_ns = world_now(world),
                .store_name = without == NULL
                                      ? arena_printf(&world->stored->arena, "%s %016llx", arm,
                                                     (unsigned long long)world->options.key)
                                      : arena_printf(&world->stored->arena, "%s %016llx, fork %llu/%u",
                                                     arm, (unsigned long long)world->options.key,
                                                     (unsigned long long)without->episode,
                                                     without->action),
        };
        return known->store_name != NULL;
}

/* It is woken for the first time, so that its protections stand before the first
 * request comes. */
static bool healer_first_wake(struct world *world)
{
        if (world->options.healer->foretell != NULL && world->injector.acts &&
            !world->options.healer->foretell(world->healer, world->options.scenario,
                                             world->options.plan))
                return false;
        world->healer_next_ns = world_now(world);
        wake(world, 0);
        return true;
}

static bool healer_begin(struct world *world, uint64_t key)
{
        struct healer_world known;

        if (!describe_world(world, &known))
                return false;
        world->healer = world->options.healer->create(world->options.healer_config, &known, key);
        return world->healer != NULL && healer_first_wake(world);
}

static bool healer_side_begin(struct world *world)
{
        uint32_t edges = fleet_edge_count(world->fleet);
        uint64_t key = hash_mix(world->options.key, 0x6865616cu);
        const char **names = ARENA_ARRAY(&world->stored->arena, const char *, edges + 1);

        world->breaker_open = ARENA_ARRAY(&world->stored->arena, bool, edges + 1);
        world->guards = guards_create(world->options.scenario->fleet.edge_count, key);
        if (names == NULL || world->breaker_open == NULL || world->guards == NULL)
                return false;
        for (uint32_t i = 0; i < edges; i++)
                names[i] = fleet_edge_name(world->fleet, i);
        world->edge_names = names;
        fleet_set_policies(world->fleet, &guards_policy_ops, world->guards);
        return healer_begin(world, key);
}

/* ---- the healer's host */

static void journal_host(struct world *world, const char *kind, const char *text)
{
        struct journal_entry entry = journal_blank(world_now(world), JOURNAL_HEALER);

        entry.kind = kind;
        entry.text = text;
        journal_write(&world->journal, &entry);
}

/* What it knew is gone with it: messages, results, alarms that it had open. */
static void healer_died(struct world *world)
{
        journal_host(world, "crashed", "its host is down");
        for (size_t i = 0; i < world->alarm_count; i++) {
                const struct open_alarm *alarm = &world->alarms[i];
                struct journal_entry entry = journal_blank(world_now(world), JOURNAL_ALARM_CLEARED);

                entry.id = alarm->id;
                entry.episode = alarm->episode;
                entry.service = alarm->service;
                entry.instance = alarm->instance;
                entry.edge = alarm->edge;
                entry.text = "the healer crashed";
                journal_write(&world->journal, &entry);
        }
        world->alarm_count = 0;
        drop_batches(world, SIZE_MAX);
        world->event_first = 0;
        world->event_count = 0;
        world->result_count = 0;
        world->late_base = world->late_count;
        world->id_base_before = world->id_base;
        world->id_base = world->id_most;
        world->healer_next_ns = TIME_NEVER;
        world->healer_down = true;
}

/* As a platform tells whoever asks it anew: which of them are not there. */
static void tell_absences(struct world *world)
{
        for (uint32_t i = 0; i < fleet_instance_count(world->fleet); i++) {
                bool gone = fleet_instance_state(world->fleet, i) == INSTANCE_GONE;
                struct fleet_event event = {
                        .at_ns = world_now(world),
                        .kind = gone ? FLEET_EVENT_INSTANCE_REMOVED : FLEET_EVENT_HEARTBEAT_MISSED,
                        .service = fleet_instance_service(world->fleet, i),
                        .instance = i,
                        .edge = FLEET_NO_INDEX,
                        .text = "",
                };

                if (gone || fleet_instance_is_silent(world->fleet, i))
                        queue_event(world, &event, world_now(world));
        }
}

/* Another life of it, with what it finds of the one before, if anything. */
static bool healer_again(struct world *world, uint64_t key)
{
        const struct healer_ops *ops = world->options.healer;
        const char *why = NULL, *text = "starts clean, without its open episodes";
        struct healer_world known;
        int open = -1;

        if (!describe_world(world, &known))
                return false;
        if (ops->restart != NULL) {
                world->healer = ops->restart(world->healer, world->options.healer_config, &known, key,
                                             &open, &why);
        } else {
                ops->destroy(world->healer);
                world->healer = ops->create(world->options.healer_config, &known, key);
        }
        if (world->healer == NULL)
                return false;
        if (open >= 0) {
                world->id_base = world->id_base_before;
                text = open == 1 ? "takes up 1 open episode from its store"
                                 : arena_printf(&world->stored->arena,
                                                "takes up %d open episodes from its store", open);
        } else if (why != NULL) {
                text = arena_printf(&world->stored->arena, "starts clean, %s", why);
        }
        if (text == NULL)
                return false;
        journal_host(world, "restarted", text);
        tell_absences(world);
        return healer_first_wake(world);
}

static void healer_host(void *user, bool up)
{
        struct world *world = user;

        if (world->healer == NULL || world->ending || world->healer_failure != NULL)
                return;
        if (!up) {
                healer_died(world);
                return;
        }
        world->healer_down = false;
        if (!healer_again(world, hash_mix(hash_mix(world->options.key, 0x6865616cu),
                                          ++world->healer_lives)))
                world_break(world, "out of memory");
}

static bool world_begin(struct world *world)
{
        const struct scenario *scenario = world->options.scenario;
        bool faults = world->options.arm == ARM_TREATED || world->options.arm == ARM_SHADOW ||
                      world->options.arm == ARM_UNTREATED;
        struct fleet_options options = {
                .spec = &scenario->fleet,
                .key = world->options.key,
                .start_ns = -scenario->warmup_ns,
                .bin_ns = world->options.bin_ns,
                .duration_ns = scenario->duration_ns,
                .telemetry = world->options.healer != NULL || world->options.journal_telemetry,
                .people = true,
                .host = {world, note_from_fleet, event_from_fleet, telemetry_from_fleet,
                         result_from_fleet, healer_host},
        };

        world->fleet = fleet_create(&options);
        if (world->fleet == NULL)
                return false;
        world->edges = ARENA_ARRAY(&world->stored->arena, struct edge_state,
                                   fleet_edge_count(world->fleet) + 1);
        world->stored->record.edges = ARENA_ARRAY(&world->stored->arena, struct edge_totals,
                                                  fleet_edge_count(world->fleet) + 1);
        world->late_ns = ARENA_ARRAY(&world->stored->arena, int64_t, scenario->fleet.service_count + 1);
        if (world->edges == NULL || world->stored->record.edges == NULL || world->late_ns == NULL ||
            !probes_begin(world))
                return false;
        world->injector = (struct injector){
                .fleet = world->fleet,
                .scenario = scenario,
                .plan = world->options.plan,
                .acts = faults,
                .user = world,
                .started = fault_started,
                .ended = fault_ended,
        };
        if (!injector_begin(&world->injector, &world->stored->arena) || !triggers_begin(world) ||
            !stops_begin(world))
                return false;
        return world->options.healer == NULL || healer_side_begin(world);
}

struct world *world_create(const struct world_options *options)
{
        struct world *world = calloc(1, sizeof(*world));

        if (world == NULL)
                return NULL;
        world->options = *options;
        world->healer_next_ns = TIME_NEVER;
        world->event_wake_ns = TIME_NEVER;
        world->stopped_ns = TIME_NEVER;
        world->stored = calloc(1, sizeof(*world->stored));
        if (world->stored == NULL) {
                free(world);
                return NULL;
        }
        arena_init(&world->stored->arena);
        journal_init(&world->journal, options->texts);
        journal_mark(world, JOURNAL_RUN_STARTED, -options->scenario->warmup_ns);
        if (!world_begin(world)) {
                world_destroy(world);
                return NULL;
        }
        return world;
}

void world_destroy(struct world *world)
{
        if (world == NULL)
                return;
        if (world->healer != NULL)
                world->options.healer->destroy(world->healer);
        fleet_destroy(world->fleet);
        guards_destroy(world->guards);
        free(world->instances);
        drop_batches(world, SIZE_MAX);
        free(world->events);
        free(world->results);
        free(world->held);
        free(world->late);
        free(world->alarms);
        free(world->coupled);
        free(world->wake_batches);
        free(world->wake_events);
        journal_release(&world->journal);
        if (world->stored != NULL) {
                arena_release(&world->stored->arena);
                free(world->stored);
        }
        free(world);
}

/* ---- time */

/* Whether the condition has been broken long enough. */
static bool stop_is_due(struct world *world, struct stop_watch *watch)
{
        const struct probe_spec *probe = &watch->spec->probe;

        read_probe(world, probe, &watch->value);
        if (isnan(watch->value) || probe_holds(probe, watch->value)) {
                watch->since_ns = TIME_NEVER;
                return false;
        }
        if (watch->since_ns == TIME_NEVER)
                watch->since_ns = world_now(world);
        return world_now(world) - watch->since_ns >= watch->spec->for_ns;
}

static void watch_stops(struct world *world)
{
        if (world_now(world) < 0 || world_now(world) % NS_PER_S != 0)
                return;
        for (size_t i = 0; i < world->stop_count && world->stopped_by == NULL; i++)
                if (stop_is_due(world, &world->stops[i]))
                        world->stopped_by = &world->stops[i];
        if (world->stopped_by != NULL) {
                world->stopped_ns = world_now(world);
                world_mark_stopped(world, world);
        }
}

/* Where a leading world looks about on its way: breakers tell what they did only
 * when they are asked, and a second is what probes are made of. */
static int64_t next_look(const struct world *world, int64_t until_ns)
{
        int64_t step_ns = world->watches_breakers ? 100 * NS_PER_MS : NS_PER_S;
        int64_t now_ns = world_now(world);
        int64_t rest_ns = now_ns % step_ns;
        int64_t next_ns = now_ns - rest_ns + (rest_ns < 0 ? 0 : step_ns);

        return world->stop_count == 0 && !world->watches_breakers ? until_ns
               : next_ns < until_ns                               ? next_ns
                                                                  : until_ns;
}

bool world_advance(struct world *world, int64_t until_ns)
{
        while (world->broken == NULL && world->stopped_by == NULL) {
                if (!fleet_run_until(world->fleet, next_look(world, until_ns)))
                        world_break(world, fleet_broken(world->fleet));
                if (world->watches_breakers)
                        journal_transitions(world);
                watch_stops(world);
                if (world_now(world) >= until_ns)
                        break;
        }
        if (world->journal.failed || arena_failed(&world->stored->arena))
                world_break(world, "out of memory");
        return world->broken == NULL;
}

const struct planned_fault *const *world_coupled(const struct world *world, uint32_t *count)
{
        *count = (uint32_t)world->coupled_count;
        return world->coupled;
}

int64_t world_stopped_ns(const struct world *world)
{
        return world->stopped_ns;
}

void world_mark_stopped(struct world *world, const struct world *by)
{
        struct journal_entry entry = journal_blank(world_now(world), JOURNAL_STOP);

        if (world->stop_marked || by->stopped_by == NULL)
                return;
        world->stop_marked = true;
        entry.text = by->stopped_by->spec->probe.name;
        entry.metric = by->stopped_by->spec->probe.metric;
        entry.value = by->stopped_by->value;
        entry.service = by->stopped_by->spec->probe.service;
        enter(world, &entry);
}

int64_t world_time(const struct world *world)
{
        return world_now(world);
}

bool world_is_good(const struct world *world)
{
        return fleet_entries_good(world->fleet);
}

uint64_t world_preventive_count(const struct world *world)
{
        return world->preventive;
}

static bool is_a_look(uint32_t action)
{
        return action == ACTION_HEALTH_CHECK || action == ACTION_ENABLE_MONITORING;
}

static bool is_same_deed(const struct knockout *deed, const struct journal_entry *entry)
{
        return deed->episode == entry->episode && deed->action == entry->action &&
               deed->service == entry->service && deed->instance == entry->instance;
}

size_t world_deeds(const struct world *world, struct knockout *out, size_t room)
{
        size_t count = 0;

        for (size_t i = 0; i < world->journal.count; i++) {
                const struct journal_entry *entry = &world->journal.entries[i];
                bool known = false;

                if (entry->type != JOURNAL_ACTION_STARTED || entry->held_back ||
                    is_a_look(entry->action))
                        continue;
                for (size_t k = 0; k < count && k < room && !known; k++)
                        known = is_same_deed(&out[k], entry);
                if (known)
                        continue;
                if (count < room)
                        out[count] = (struct knockout){entry->episode, entry->action,
                                                       entry->service, entry->instance, false};
                count++;
        }
        return count;
}

/* ---- the record */

static uint32_t fault_count(const struct scenario *scenario)
{
        uint32_t count = 0;

        for (size_t i = 0; i < scenario->method_count; i++)
                count += scenario->method[i].kind == METHOD_FAULT;
        return count;
}

/* All plays of an entry together. */
static void record_faults(struct world *world, struct arm_record *record, uint32_t count)
{
        double *sums = ARENA_ARRAY(&world->stored->arena, double, count + 1);
        uint64_t *counts = ARENA_ARRAY(&world->stored->arena, uint64_t, count + 1);
        uint32_t services = world->options.scenario->fleet.service_count;

        bool **on = ARENA_ARRAY(&world->stored->arena, bool *, count + 1);

        for (uint32_t i = 0; on != NULL && i < count; i++) {
                on[i] = ARENA_ARRAY(&world->stored->arena, bool, services + 1);
                record->faults[i] = (struct fault_effect){
                        .started_ns = TIME_NEVER, .ended_ns = TIME_NEVER, .measured = NAN,
                        .measured_what = "", .on_service = on[i]};
        }
        if (arena_failed(&world->stored->arena))
                return;
        for (uint32_t i = 0; i < world->injector.fault_count; i++) {
                const struct injected *fault = world->injector.faults[i];
                uint32_t number = fault->planned->number;
                struct fault_effect *effect = &record->faults[number];

                if (fault->started_ns < effect->started_ns)
                        effect->started_ns = fault->started_ns;
                if (fault->started_ns != TIME_NEVER &&
                    (effect->ended_ns == TIME_NEVER || fault->ended_ns > effect->ended_ns))
                        effect->ended_ns = fault->ended_ns;
                if (fault->run.measured_what != NULL && *effect->measured_what == '\0')
                        effect->measured_what = fault->run.measured_what;
                for (uint32_t s = 0; s < services; s++)
                        on[number][s] = on[number][s] || fault->on_service[s];
                sums[number] += fault->kept_sum;
                counts[number] += fault->kept_count;
                if (fault_is_neutral(fault->planned->entry->fault, fault->planned->entry->arguments))
                        continue; /* put on, and nobody was touched */
                effect->touched += fault->run.touched;
                effect->measured = isnan(effect->measured) ? (double)fault->run.touched
                                                           : effect->measured + (double)fault->run.touched;
                for (uint32_t e = 0; e < fault->run.effect_count; e++) {
                        effect->touched += fault->run.effects[e].touched;
                        sums[number] += fault->run.effects[e].measured_sum;
                        counts[number] += fault->run.effects[e].measured_count;
                }
        }
        for (uint32_t i = 0; i < count; i++) {
                struct fault_effect *effect = &record->faults[i];

                if (counts[i] > 0)
                        effect->measured = sums[i] / (double)counts[i];
                else if (sums[i] > 0)
                        effect->measured = sums[i];
                else if (!(effect->measured > 0))
                        effect->measured = NAN;
        }
}

static bool record_instances(struct world *world, struct arm_record *record)
{
        struct arena *arena = &world->stored->arena;
        uint32_t count = fleet_instance_count(world->fleet);
        const char **names = ARENA_ARRAY(arena, const char *, count + 1);
        uint32_t *services = ARENA_ARRAY(arena, uint32_t, count + 1);

        if (names == NULL || services == NULL)
                return false;
        for (uint32_t i = 0; i < count; i++) {
                names[i] = arena_text(arena, fleet_instance_name(world->fleet, i));
                services[i] = fleet_instance_service(world->fleet, i);
        }
        record->instance_names = names;
        record->instance_service = services;
        record->instance_count = count;
        return true;
}

/* Incidents were sorted; the journal's references follow. */
static void refer_to_incidents(struct world *world, const struct arm_record *record)
{
        for (size_t i = 0; i < world->journal.count; i++) {
                struct journal_entry *entry = &world->journal.entries[i];
                bool opened = entry->type == JOURNAL_INCIDENT_OPENED;

                if (!opened && entry->type != JOURNAL_INCIDENT_CLOSED)
                        continue;
                for (size_t k = 0; k < record->incident_count; k++) {
                        const struct incident *incident = &record->incidents[k];

                        if (incident->service == entry->service &&
                            (opened ? incident->noticed_ns : incident->closed_ns) == entry->at_ns)
                                entry->ref = (uint32_t)k;
                }
        }
}

static void close_edges(struct world *world, struct arm_record *record)
{
        for (uint32_t i = 0; i < fleet_edge_count(world->fleet); i++) {
                const struct edge_state *edge = &world->edges[i];
                int64_t from_ns = edge->since_ns > 0 ? edge->since_ns : 0;
                double spent_s = (double)(record->end_ns - from_ns) * 1e-9;

                *(edge->state == 1 ? &record->edges[i].open_s
                  : edge->state == 2 ? &record->edges[i].half_open_s
                                     : &record->edges[i].closed_s) += spent_s;
                record->edges[i].refused = fleet_edge_refused(world->fleet, i);
        }
}

static bool record_make(struct world *world, struct arm_record *record)
{
        const struct scenario *scenario = world->options.scenario;
        struct fleet_totals totals;
        bool cut_short;

        record->arm = world->options.arm;
        record->end_ns = world_now(world);
        record->probes = world->probes;
        for (size_t i = 0; i < scenario->steady_count; i++)
                read_probe(world, &scenario->steady[i], &world->probes[i].value_end);
        if (world->stop_marked && !world->steady_was_read)
                steady_state_before(world, 0);
        record->overlay_before = world->injector.overlay_before;
        world->ending = true;
        injector_end(&world->injector);
        record->overlay_after = fleet_overlay_digest(world->fleet);
        if (record->overlay_after != record->overlay_before)
                world_break(world, "the overlay of faults is not what it was before");
        journal_transitions(world);
        close_edges(world, record);
        record->faults = ARENA_ARRAY(&world->stored->arena, struct fault_effect,
                                     fault_count(scenario) + 1);
        if (record->faults == NULL || !record_instances(world, record))
                return false;
        record_faults(world, record, fault_count(scenario));
        cut_short = fleet_broken(world->fleet) != NULL;
        record->services =
                fleet_finish(world->fleet, &totals, &record->incidents, &record->incident_count);
        if (record->services == NULL)
                return false;
        if (fleet_broken(world->fleet) != NULL)
                world_break(world, fleet_broken(world->fleet));
        /* A run that was cut short in the middle of an event has no books to close. */
        record->conserved = cut_short || fleet_broken(world->fleet) == NULL;
        refer_to_incidents(world, record);
        journal_mark(world, JOURNAL_RUN_ENDED, record->end_ns);
        journal_sort(&world->journal);
        record->journal = world->journal.entries;
        record->journal_count = world->journal.count;
        world->journal.entries = NULL;
        record->instance_seconds = totals.instance_seconds;
        record->instance_seconds_added = totals.instance_seconds_added;
        record->degraded_s = totals.degraded_s;
        record->human_pages = totals.human_pages;
        record->failed_user_s = totals.failed_user_s;
        record->root_requests = totals.root_requests;
        record->root_unfinished = totals.root_unfinished;
        memcpy(record->root_outcome, totals.root_outcome, sizeof(record->root_outcome));
        record->exogenous_hash = hash_mix(totals.arrival_hash, totals.draw_hash);
        record->timetable_hash = world->injector.acts ? world->injector.hash : 0;
        record->events = totals.events;
        record->broken = world->broken;
        record->healer_failure = world->healer_failure == NULL ? NULL : arena_text(&world->stored->arena, world->healer_failure);
        return true;
}

struct arm_record *world_finish(struct world *world)
{
        struct stored_record *stored = world->stored;

        if (!record_make(world, &stored->record)) {
                service_measures_free(stored->record.services,
                                      world->options.scenario->fleet.service_count);
                return NULL;
        }
        world->stored = NULL;
        return &stored->record;
}

void arm_record_free(struct arm_record *record, const struct scenario *scenario)
{
        struct stored_record *stored = (struct stored_record *)record;

        if (record == NULL)
                return;
        service_measures_free(record->services, scenario->fleet.service_count);
        free(record->incidents);
        free(record->journal);
        arena_release(&stored->arena);
        free(stored);
}
