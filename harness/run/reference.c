/* reference.c - healers without skill: floors and a ceiling for the skilled.
 *
 * Each is a period and a turn: what it says and orders whenever the period is
 * over. They see what any healer sees. The oracle alone is told the plan, by
 * healer_ops.foretell and .fault_began, which no healer that is graded has.
 *
 * The oracle acts by mechanism: it asks the rows of the actions which of them
 * resets the layer that a fault lives in, and orders the narrowest at the
 * instant of the fault. Where instances will be lost it has others ready and
 * takes these out of the traffic before; where a call is going to fail and its fallback is as good as an
 * answer, it stops the call. It knows no more tricks than that, so what it
 * averts is a sober ceiling, and a strategy with good request policies may
 * come close to it or pass it.
 *
 * Chance (random) is a hash of the world's key and the turn's number.
 */
#include "harness/run/reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/rng.h"
#include "harness/run/plan.h"

enum { INSTANCES_MIN = 16, SCALE_MOST = 64 };
#define SPARE_NS (5 * NS_PER_S)  /* ready this much before a fault */
#define TAKE_BACK_NS (90 * NS_PER_S) /* after a fault */
#define NO_CALLS_PER_S 1e-6
#define RETRY_NS (10 * NS_PER_S) /* after an action that failed */

struct seen_instance {
        uint32_t service;
        uint32_t zone; /* FLEET_NO_INDEX: nobody said */
        bool gone;
};

/* What the oracle is to do about one fault. */
struct task {
        const struct planned_fault *fault;
        enum fleet_layer layer;
        int64_t ready_ns;   /* TIME_NEVER: done, or nothing to get ready */
        int64_t aside_ns;   /* when those that will be hit leave the traffic; likewise */
        int64_t foretell_ns;
        int64_t retry_ns;
        int64_t over_ns;    /* when what was made ready is taken back; TIME_NEVER: not yet */
        double *added;      /* by service */
        uint32_t *instances;
        uint32_t instance_count;
        bool active, alarmed;
};

struct reference {
        const struct reference_row *row;
        const struct fleet_spec *spec;
        uint64_t key, turns, ids;
        int64_t next_ns;
        struct seen_instance *instances;
        uint32_t instance_count, instance_room;
        struct healer_answer answer;
        struct healer_note *notes;
        struct healer_order *orders;
        size_t note_room, order_room;
        bool failed;            /* memory is out */
        struct healer_note nowhere; /* where words go then */
        /* of the oracle */
        const struct scenario *scenario;
        struct task *tasks;
        uint32_t task_count;
        bool *calls;            /* [from * service_count + to] */
        struct edge_protection *protections; /* room for all tasks, on and off, on all edges */
        struct strategy_rule no_calls;       /* lets one in and then none */
};

/* ---- words and orders */

static void *grown(struct reference *r, void *list, size_t *room, size_t count, size_t size)
{
        size_t bigger = *room;
        void *moved;

        if (count < *room)
                return list;
        bigger = bigger * 2 + 16;
        moved = realloc(list, bigger * size);
        if (moved == NULL) {
                r->failed = true;
                return list;
        }
        *room = bigger;
        return moved;
}

static struct healer_note *say(struct reference *r, enum healer_note_kind kind, uint32_t service)
{
        struct healer_note *note;

        r->notes = grown(r, r->notes, &r->note_room, r->answer.note_count, sizeof(*r->notes));
        if (r->failed)
                return &r->nowhere;
        note = &r->notes[r->answer.note_count++];
        *note = (struct healer_note){
                .kind = kind,
                .service = service,
                .instance = FLEET_NO_INDEX,
                .edge = FLEET_NO_INDEX,
                .type = "",
                .severity = "",
                .metric = "",
                .value = NAN,
                .limit = NAN,
                .confidence = NAN,
                .eta_ns = TIME_NEVER,
        };
        return note;
}

static void raise_alarm(struct reference *r, uint32_t service, uint64_t id, uint64_t episode,
                        const char *type)
{
        struct healer_note *note = say(r, NOTE_ALARM, service);

        note->id = id;
        note->episode = episode;
        note->type = type;
        note->severity = "high";
}

static void foresee(struct reference *r, uint32_t service, const char *type, int64_t eta_ns)
{
        struct healer_note *note = say(r, NOTE_PREDICTION, service);

        note->id = ++r->ids;
        note->type = type;
        note->confidence = 1;
        note->eta_ns = eta_ns;
}

static void order(struct reference *r, enum fleet_action_kind kind, uint32_t service,
                  uint32_t instance, double amount, uint64_t id, uint64_t episode)
{
        r->orders = grown(r, r->orders, &r->order_room, r->answer.order_count, sizeof(*r->orders));
        if (r->failed || !fleet_action_rows[kind].supported)
                return;
        r->orders[r->answer.order_count++] = (struct healer_order){
                .action = {.id = id,
                           .kind = kind,
                           .service = service,
                           .instance = fleet_action_rows[kind].needs_instance ? instance
                                                                              : FLEET_NO_INDEX,
                           .edge = FLEET_NO_INDEX,
                           .amount = amount},
                .episode = episode,
        };
}

/* ---- the fleet, as far as one can see it */

static void see_instance(struct reference *r, uint32_t instance, uint32_t service, uint32_t zone,
                         bool gone)
{
        if (instance >= r->instance_room) {
                uint32_t room = instance * 2 + INSTANCES_MIN;
                struct seen_instance *bigger = realloc(r->instances, room * sizeof(*bigger));

                if (bigger == NULL) {
                        r->failed = true;
                        return;
                }
                r->instances = bigger;
                r->instance_room = room;
        }
        while (r->instance_count <= instance)
                r->instances[r->instance_count++] = (struct seen_instance){FLEET_NO_INDEX,
                                                                       FLEET_NO_INDEX, true};
        r->instances[instance] = (struct seen_instance){service, zone, gone};
}

static void see_events(struct reference *r, const struct healer_wake *wake)
{
        for (size_t i = 0; i < wake->event_count; i++) {
                const struct fleet_event *event = &wake->events[i];
                bool removed = event->kind == FLEET_EVENT_INSTANCE_REMOVED;

                if ((removed || event->kind == FLEET_EVENT_INSTANCE_ADDED) &&
                    event->instance != FLEET_NO_INDEX)
                        see_instance(r, event->instance, event->service, FLEET_NO_INDEX, removed);
        }
}

/* The `number`th instance of a service; FLEET_NO_INDEX: it has not so many. */
static uint32_t instance_of(const struct reference *r, uint32_t service, uint32_t number)
{
        for (uint32_t i = 0; i < r->instance_count; i++)
                if (r->instances[i].service == service && !r->instances[i].gone && number-- == 0)
                        return i;
        return FLEET_NO_INDEX;
}

static uint32_t count_instances(const struct reference *r, uint32_t service)
{
        uint32_t count = 0;

        for (uint32_t i = 0; i < r->instance_count; i++)
                count += r->instances[i].service == service && !r->instances[i].gone;
        return count;
}

static uint32_t count_in_zone(const struct reference *r, uint32_t service, uint32_t zone)
{
        uint32_t count = 0;

        for (uint32_t i = 0; i < r->instance_count; i++)
                count += r->instances[i].service == service && !r->instances[i].gone &&
                         r->instances[i].zone == zone;
        return count;
}

/* ---- turns */

static void turn_placebo(struct reference *r, int64_t now_ns)
{
        uint32_t service = (uint32_t)(r->turns % r->spec->service_count);

        (void)now_ns;
        order(r, ACTION_HEALTH_CHECK, service, instance_of(r, service, 0), 0, ++r->ids, 0);
}

static void turn_restart_all(struct reference *r, int64_t now_ns)
{
        (void)now_ns;
        for (uint32_t s = 0; s < r->spec->service_count; s++)
                order(r, ACTION_RESTART_SERVICE, s, FLEET_NO_INDEX, 0, ++r->ids, 0);
}

static void turn_random(struct reference *r, int64_t now_ns)
{
        uint64_t chance = hash_mix(hash_mix(r->key, 0x72616e64u), r->turns);
        uint32_t service = (uint32_t)(chance % r->spec->service_count);
        enum fleet_action_kind kind =
                (enum fleet_action_kind)(hash_mix(chance, 1) % ACTION_KIND_COUNT);
        uint32_t instances = count_instances(r, service);
        uint32_t instance =
                instances > 0
                        ? instance_of(r, service, (uint32_t)(hash_mix(chance, 2) % instances))
                        : FLEET_NO_INDEX;
        double amount = kind == ACTION_SHED_LOAD ? 0.5 : (double)(hash_mix(chance, 3) % 3) - 1;

        (void)now_ns;
        if (kind == ACTION_SET_DEGRADATION || kind == ACTION_INCREASE_RESOURCES)
                amount = fabs(amount);
        order(r, kind, service, instance, amount, ++r->ids, 0);
}

static void turn_always_alarm(struct reference *r, int64_t now_ns)
{
        for (uint32_t s = 0; s < r->spec->service_count; s++) {
                uint64_t last = (r->turns - 1) * r->spec->service_count + s + 1;
                uint64_t id = r->turns * r->spec->service_count + s + 1;

                if (r->turns > 0)
                        say(r, NOTE_ALARM_CLEARED, s)->id = last;
                raise_alarm(r, s, id, id, "high_latency");
                foresee(r, s, "high_latency", now_ns + NS_PER_MIN);
        }
}

/* One alarm that never ends, and the same medicine for everything. */
static void turn_constant(struct reference *r, int64_t now_ns)
{
        struct healer_note *cause;

        (void)now_ns;
        if (r->turns == 0) {
                say(r, NOTE_EPISODE_OPENED, 0)->episode = 1;
                raise_alarm(r, 0, 1, 1, "high_latency");
        }
        cause = say(r, NOTE_DIAGNOSIS, 0);
        cause->episode = 1;
        cause->type = "high_latency";
        cause->rank = 1;
        cause->confidence = 1;
        order(r, ACTION_RESTART_INSTANCE, 0, instance_of(r, 0, 0), 0, ++r->ids, 1);
}

static void turn_scale_to_zero(struct reference *r, int64_t now_ns)
{
        (void)now_ns;
        for (uint32_t s = 0; s < r->spec->service_count; s++) {
                uint32_t instances = count_instances(r, s);

                if (instances > 1)
                        order(r, ACTION_SCALE_RESOURCES, s, FLEET_NO_INDEX,
                              -(double)(instances > SCALE_MOST ? SCALE_MOST : instances), ++r->ids,
                              0);
                if (r->turns == 0)
                        order(r, ACTION_SHED_LOAD, s, FLEET_NO_INDEX, 1, ++r->ids, 0);
        }
}

/* ---- the oracle */

static bool lives_in_instances(enum fleet_layer layer)
{
        return layer == LAYER_PROCESS || layer == LAYER_HOST || layer == LAYER_DISK ||
               layer == LAYER_POOL;
}

/* The narrowest action that resets the layer; ACTION_ESCALATE: only a human does. */
static enum fleet_action_kind cure_of(enum fleet_layer layer)
{
        static const enum fleet_action_kind narrowest_first[] = {
                ACTION_RECONNECT,        ACTION_CLEAR_CACHE,         ACTION_END_SESSION,
                ACTION_SKIP_MESSAGE,     ACTION_STOP_CONTROLLER,     ACTION_DISABLE_HEALTH_CHECK,
                ACTION_FREE_DISK,        ACTION_RESTORE_STATE,       ACTION_ROLLBACK_CONFIG,
                ACTION_RESTART_INSTANCE, ACTION_REPLACE_INSTANCE,    ACTION_ROLLBACK_DEPLOYMENT,
                ACTION_PURGE_QUEUE,
        };

        for (size_t i = 0; i < sizeof(narrowest_first) / sizeof(narrowest_first[0]); i++) {
                const struct fleet_action_row *row = &fleet_action_rows[narrowest_first[i]];

                if (row->supported && (row->resets & LAYER_BIT(layer)) != 0)
                        return narrowest_first[i];
        }
        return ACTION_ESCALATE;
}

/* The service that a fault is in, as far as it is in one; else the first entry. */
static uint32_t service_of(const struct reference *r, const struct task *task)
{
        const struct target_spec *target = &task->fault->entry->target;

        switch (target->kind) {
        case TARGET_INSTANCES:
        case TARGET_SERVICE:
                return target->service;
        case TARGET_EDGE:
                return r->spec->edges[target->edge].to;
        case TARGET_LOAD:
                return r->spec->loads[target->load].to;
        case TARGET_RANDOM:
                if (task->fault->place_count > 0)
                        return planned_service(task->fault, 0);
                break;
        case TARGET_ZONE:
        case TARGET_ZONES:
        case TARGET_NONE:
        case TARGET_HEALER:
                break;
        }
        return r->spec->load_count > 0 ? r->spec->loads[0].to : 0;
}

/* Whether `from` calls `to`, directly or not, or is it. */
static bool calls(const struct reference *r, uint32_t from, uint32_t to)
{
        return r->calls[(size_t)from * r->spec->service_count + to];
}

/* The closure of the edges; false when memory is out. */
static bool find_calls(struct reference *r)
{
        uint32_t n = r->spec->service_count;
        bool changed = true;

        r->calls = calloc((size_t)n * n + 1, sizeof(*r->calls));
        if (r->calls == NULL)
                return false;
        for (uint32_t s = 0; s < n; s++)
                r->calls[(size_t)s * n + s] = true;
        while (changed) {
                changed = false;
                for (uint32_t e = 0; e < r->spec->edge_count; e++)
                        for (uint32_t s = 0; s < n; s++) {
                                bool *known = &r->calls[(size_t)r->spec->edges[e].from * n + s];

                                if (*known || !calls(r, r->spec->edges[e].to, s))
                                        continue;
                                *known = true;
                                changed = true;
                        }
        }
        return true;
}

/* Whether it is felt there: above the fault, and below it too where all of
 * the load is another. */
static bool touches(const struct reference *r, const struct task *task, uint32_t service)
{
        enum target_kind kind = task->fault->entry->target.kind;
        uint32_t at = service_of(r, task);

        if (kind == TARGET_ZONE || kind == TARGET_NONE || service == at)
                return true;
        return task->layer == LAYER_CLIENT && calls(r, at, service);
}

static const char *type_of(const struct task *task)
{
        const char *type = task->fault->entry->fault->failure_type;

        return type != NULL ? type : "high_latency";
}

static uint64_t episode_of(const struct reference *r, const struct task *task)
{
        return (uint64_t)(task - r->tasks) + 1;
}

/* Ids of the oracle's orders carry the number of their task. */
static uint64_t order_id(struct reference *r, const struct task *task)
{
        return episode_of(r, task) << 32 | ++r->ids;
}

/* How many of a service will be lost, or will be wanted more. */
static double wanted_of(const struct reference *r, const struct task *task, uint32_t service)
{
        if (task->layer == LAYER_CLIENT)
                return r->spec->services[service].instance_count;
        if (task->layer == LAYER_ZONE)
                return count_in_zone(r, service, task->fault->entry->target.zone);
        return task->fault->place_count;
}

/* More of what will be lost or wanted; `sign` -1 takes it back. */
static void make_ready(struct reference *r, struct task *task, int sign)
{
        for (uint32_t s = 0; s < r->spec->service_count; s++) {
                double amount = sign > 0 ? wanted_of(r, task, s) : task->added[s];

                task->added[s] = amount;
                if (!touches(r, task, s) || !(amount >= 1))
                        continue;
                order(r, ACTION_SCALE_RESOURCES, s, FLEET_NO_INDEX,
                      sign * fmin(amount, SCALE_MOST), order_id(r, task), episode_of(r, task));
        }
}

/* Out of the traffic with those that will be hit, where others can take it. */
static void put_aside(struct reference *r, const struct task *task)
{
        uint32_t service = service_of(r, task);
        uint32_t zone = task->fault->entry->target.zone;

        for (uint32_t i = 0; task->layer == LAYER_ZONE && i < r->instance_count; i++)
                if (r->instances[i].zone == zone && !r->instances[i].gone &&
                    count_in_zone(r, r->instances[i].service, zone) <
                            count_instances(r, r->instances[i].service))
                        order(r, ACTION_FAILOVER, r->instances[i].service, i, 0, order_id(r, task),
                              episode_of(r, task));
        if (task->layer == LAYER_ZONE)
                return;

        if (count_instances(r, service) <= task->fault->place_count)
                return;
        for (uint32_t i = 0; i < task->fault->place_count; i++) {
                uint32_t of = planned_service(task->fault, i);

                order(r, ACTION_FAILOVER, of, instance_of(r, of, task->fault->places[i]), 0,
                      order_id(r, task), episode_of(r, task));
        }
}

static void cure_instances(struct reference *r, const struct task *task,
                           enum fleet_action_kind kind)
{
        for (uint32_t i = 0; i < task->instance_count; i++)
                order(r, kind, service_of(r, task), task->instances[i], 0, order_id(r, task),
                      episode_of(r, task));
}

static void cure(struct reference *r, const struct task *task)
{
        enum fleet_action_kind kind = cure_of(task->layer);
        uint32_t service = service_of(r, task);

        if (task->layer == LAYER_ZONE)
                kind = ACTION_REPLACE_INSTANCE; /* the platform places it in another one */
        if (!fleet_action_rows[kind].needs_instance)
                order(r, kind, service, FLEET_NO_INDEX, 0, order_id(r, task), episode_of(r, task));
        else if (task->instance_count > 0)
                cure_instances(r, task, kind);
        else
                for (uint32_t i = 0; i < count_instances(r, service); i++)
                        order(r, kind, service, instance_of(r, service, i), 0, order_id(r, task),
                              episode_of(r, task));
}

/* The best quality that an objective above that service asks for. */
static double quality_asked(const struct reference *r, uint32_t service)
{
        double asked = 0;

        for (uint32_t s = 0; s < r->spec->service_count; s++)
                if (r->spec->services[s].slo.present && calls(r, s, service))
                        asked = fmax(asked, r->spec->services[s].slo.quality);
        return asked;
}

/* Calls whose fallback is as good as an answer are not made while the fault is on. */
static void stop_calls(struct reference *r, const struct task *task, bool stop)
{
        const struct target_spec *target = &task->fault->entry->target;

        for (uint32_t e = 0; e < r->spec->edge_count; e++) {
                const struct edge_spec *edge = &r->spec->edges[e];

                if (edge->fallback == FALLBACK_NONE ||
                    edge->fallback_quality < quality_asked(r, edge->from))
                        continue;
                if (target->kind == TARGET_EDGE ? target->edge == e
                                                : edge->to == service_of(r, task))
                        r->protections[r->answer.protection_count++] = (struct edge_protection){
                                .edge = e,
                                .rules = {[STRATEGY_RATE_LIMIT] = stop ? &r->no_calls : NULL}};
        }
}

static void begin_alarm(struct reference *r, struct task *task)
{
        uint32_t service = service_of(r, task);
        struct healer_note *cause;

        say(r, NOTE_EPISODE_OPENED, service)->episode = episode_of(r, task);
        raise_alarm(r, service, episode_of(r, task), episode_of(r, task), type_of(task));
        cause = say(r, NOTE_DIAGNOSIS, service);
        cause->episode = episode_of(r, task);
        cause->type = type_of(task);
        cause->rank = 1;
        cause->confidence = 1;
        task->alarmed = true;
}

static void end_alarm(struct reference *r, struct task *task)
{
        uint32_t service = service_of(r, task);

        say(r, NOTE_ALARM_CLEARED, service)->id = episode_of(r, task);
        say(r, NOTE_EPISODE_CLOSED, service)->episode = episode_of(r, task);
        task->alarmed = false;
}

static void foretell_task(struct reference *r, struct task *task, int64_t now_ns)
{
        int64_t again_ns = r->scenario->evaluation.prediction_window_ns / 2;
        int64_t eta_ns = task->fault->start_ns > now_ns ? task->fault->start_ns : now_ns + again_ns;

        for (uint32_t s = 0; s < r->spec->service_count; s++)
                if (touches(r, task, s))
                        foresee(r, s, type_of(task), eta_ns);
        task->foretell_ns = now_ns + again_ns < task->fault->end_ns ? now_ns + again_ns : TIME_NEVER;
}

static void turn_task(struct reference *r, struct task *task, int64_t now_ns)
{
        if (task->ready_ns <= now_ns) {
                make_ready(r, task, 1);
                task->ready_ns = TIME_NEVER;
        }
        if (task->aside_ns <= now_ns) {
                put_aside(r, task);
                task->aside_ns = TIME_NEVER;
        }
        if (task->foretell_ns <= now_ns)
                foretell_task(r, task, now_ns);
        if (task->active && !task->alarmed) {
                begin_alarm(r, task);
                stop_calls(r, task, true);
                cure(r, task);
        } else if (task->active && task->retry_ns <= now_ns) {
                cure(r, task);
        }
        if (task->retry_ns <= now_ns)
                task->retry_ns = TIME_NEVER;
        if (task->active && task->fault->end_ns <= now_ns) {
                task->active = false;
                stop_calls(r, task, false);
                end_alarm(r, task);
        }
        if (task->over_ns <= now_ns) {
                make_ready(r, task, -1);
                task->over_ns = TIME_NEVER;
        }
}

/* A restart that did not help is followed by a new instance, the rest is tried again. */
static void see_results(struct reference *r, const struct healer_wake *wake)
{
        for (size_t i = 0; i < wake->result_count; i++) {
                const struct fleet_action_result *result = &wake->results[i];
                uint64_t number = result->id >> 32;

                if (result->ok || number == 0 || number > r->task_count ||
                    !r->tasks[number - 1].active || result->kind == ACTION_SCALE_RESOURCES)
                        continue;
                if (result->kind == ACTION_RESTART_INSTANCE)
                        order(r, ACTION_REPLACE_INSTANCE, result->service, result->instance, 0,
                              order_id(r, &r->tasks[number - 1]), number);
                else if (result->kind != ACTION_FAILOVER)
                        r->tasks[number - 1].retry_ns = wake->now_ns + RETRY_NS;
        }
}

static int64_t earlier(int64_t a, int64_t b)
{
        return a < b ? a : b;
}

static int64_t next_of(const struct task *task)
{
        int64_t next_ns = earlier(earlier(earlier(task->ready_ns, task->aside_ns), task->foretell_ns),
                                  earlier(task->retry_ns, task->over_ns));

        return task->active ? earlier(next_ns, task->fault->end_ns) : next_ns;
}

static void turn_oracle(struct reference *r, const struct healer_wake *wake)
{
        r->answer.next_wake_ns = TIME_NEVER;
        see_results(r, wake);
        for (uint32_t i = 0; i < r->task_count; i++)
                turn_task(r, &r->tasks[i], wake->now_ns);
        for (uint32_t i = 0; i < r->task_count; i++)
                r->answer.next_wake_ns = earlier(r->answer.next_wake_ns, next_of(&r->tasks[i]));
}

static bool is_curable(enum fleet_layer layer)
{
        return layer != LAYER_NONE && layer != LAYER_HEALER;
}

/* How long before a fault others have to be started to be warm at its onset. */
static int64_t lead_of(const struct reference *r, const struct task *task)
{
        int64_t slowest_ns = 0;

        for (uint32_t s = 0; s < r->spec->service_count; s++) {
                const struct service_spec *spec = &r->spec->services[s];

                if (touches(r, task, s) && spec->boot_time_ns + spec->warm_up_ns > slowest_ns)
                        slowest_ns = spec->boot_time_ns + spec->warm_up_ns;
        }
        return r->spec->actuators[ACTION_SCALE_RESOURCES].time_ns + slowest_ns + SPARE_NS;
}

static bool reference_foretell(void *healer, const struct scenario *scenario,
                               const struct plan *plan)
{
        struct reference *r = healer;

        if (r->row->kind != REFERENCE_ORACLE)
                return true;
        r->scenario = scenario;
        r->tasks = calloc(plan->fault_count + 1, sizeof(*r->tasks));
        r->protections = calloc(2 * (size_t)plan->fault_count * r->spec->edge_count + 1,
                                sizeof(*r->protections));
        if (r->tasks == NULL || r->protections == NULL || !find_calls(r))
                return false;
        r->task_count = plan->fault_count;
        for (uint32_t i = 0; i < plan->fault_count; i++) {
                const struct planned_fault *fault = &plan->faults[i];
                const struct fault_ops *ops = fault->entry->fault;
                struct task *task = &r->tasks[i];

                *task = (struct task){
                        .fault = fault,
                        .layer = fault->entry->target.kind == TARGET_EDGE ? ops->lives_in_edge
                                                                          : ops->lives_in,
                        .ready_ns = TIME_NEVER,
                        .aside_ns = TIME_NEVER,
                        .foretell_ns = TIME_NEVER,
                        .retry_ns = TIME_NEVER,
                        .over_ns = TIME_NEVER,
                };
                task->instances = calloc(fault->place_count + 1, sizeof(*task->instances));
                task->added = calloc(r->spec->service_count + 1, sizeof(*task->added));
                if (task->instances == NULL || task->added == NULL)
                        return false;
                if (!is_curable(task->layer) || fault->spared)
                        continue;
                task->foretell_ns = fault->start_ns - scenario->evaluation.minimum_lead_ns - RETRY_NS;
                if (lives_in_instances(task->layer) || task->layer == LAYER_ZONE)
                        task->aside_ns = fault->start_ns - SPARE_NS -
                                         r->spec->actuators[ACTION_FAILOVER].time_ns;
                if (task->layer == LAYER_CLIENT || task->layer == LAYER_ZONE ||
                    (lives_in_instances(task->layer) && fault->place_count > 0)) {
                        task->ready_ns = fault->start_ns - lead_of(r, task);
                        task->over_ns = fault->end_ns < scenario->duration_ns
                                                ? fault->end_ns + TAKE_BACK_NS
                                                : TIME_NEVER;
                }
        }
        return true;
}

static void reference_fault_began(void *healer, uint32_t number, const uint32_t *instances,
                                  uint32_t instance_count)
{
        struct reference *r = healer;
        struct task *task;

        if (number >= r->task_count || !is_curable(r->tasks[number].layer) ||
            r->tasks[number].fault->spared)
                return;
        task = &r->tasks[number];
        task->active = true;
        task->instance_count =
                instance_count < task->fault->place_count ? instance_count : task->fault->place_count;
        for (uint32_t i = 0; i < task->instance_count; i++)
                task->instances[i] = instances[i];
}

/* ---- life */

static const struct {
        int64_t period_ns;
        void (*turn)(struct reference *r, int64_t now_ns);
} behaviours[REFERENCE_COUNT] = {
        [REFERENCE_PLACEBO] = {30 * NS_PER_S, turn_placebo},
        [REFERENCE_RESTART_ALL] = {NS_PER_MIN, turn_restart_all},
        [REFERENCE_RANDOM] = {30 * NS_PER_S, turn_random},
        [REFERENCE_ALWAYS_ALARM] = {NS_PER_MIN, turn_always_alarm},
        [REFERENCE_CONSTANT] = {30 * NS_PER_S, turn_constant},
        [REFERENCE_SCALE_TO_ZERO] = {NS_PER_MIN, turn_scale_to_zero},
};

static const struct healer_answer *reference_wake(void *healer, const struct healer_wake *wake)
{
        struct reference *r = healer;

        r->answer = (struct healer_answer){.next_wake_ns = r->next_ns};
        see_events(r, wake);
        if (r->row->kind == REFERENCE_ORACLE) {
                turn_oracle(r, wake);
        } else if (wake->now_ns >= r->next_ns) {
                behaviours[r->row->kind].turn(r, wake->now_ns);
                r->turns++;
                r->next_ns = wake->now_ns + behaviours[r->row->kind].period_ns;
                r->answer.next_wake_ns = r->next_ns;
        }
        r->answer.notes = r->notes;
        r->answer.orders = r->orders;
        r->answer.protections = r->protections;
        if (r->failed)
                r->answer.failure = "out of memory";
        return &r->answer;
}

static void reference_destroy(void *healer)
{
        struct reference *r = healer;

        if (r == NULL)
                return;
        for (uint32_t i = 0; i < r->task_count; i++) {
                free(r->tasks[i].instances);
                free(r->tasks[i].added);
        }
        free(r->tasks);
        free(r->protections);
        free(r->calls);
        free(r->instances);
        free(r->notes);
        free(r->orders);
        free(r);
}

static void *reference_create(const void *config, const struct healer_world *world, uint64_t key)
{
        struct reference *r = calloc(1, sizeof(*r));

        if (r == NULL)
                return NULL;
        r->row = config;
        r->spec = world->spec;
        r->key = key;
        r->next_ns = INT64_MIN;
        r->no_calls = (struct strategy_rule){.on = true, .rate_limit = {NO_CALLS_PER_S, 1, 0}};
        for (uint32_t i = 0; i < world->instance_count; i++)
                see_instance(r, i, world->instances[i].service, world->instances[i].zone, false);
        if (r->failed) {
                reference_destroy(r);
                return NULL;
        }
        return r;
}

const struct healer_ops healer_reference = {
        .name = "reference",
        .create = reference_create,
        .wake = reference_wake,
        .destroy = reference_destroy,
        .foretell = reference_foretell,
        .fault_began = reference_fault_began,
};

struct run_healer run_healer_of_reference(const struct reference_row *row)
{
        return (struct run_healer){row->kind != REFERENCE_NONE ? &healer_reference : NULL, row};
}

struct run_healer run_healer_of(const struct strategy *strategy)
{
        if (strategy->reference != NULL)
                return run_healer_of_reference(strategy->reference);
        return (struct run_healer){strategy_acts(strategy) ? &healer_builtin : NULL, strategy};
}
