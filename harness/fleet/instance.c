/* instance.c - the life of processes: boot, run, drain, die, come back.
 *
 * A process that exits is started again by the platform's supervisor (if the
 * service has one), at once the first time and then after 10 s, doubling to
 * 300 s, until it has stayed up for ten minutes. Balancers learn of a death
 * by their health checks alone; an orderly stop is told to them beforehand.
 *
 * Health checks and heartbeats are simulated only while they can change
 * something: a passing check of a healthy instance is no event.
 */
#include "harness/fleet/data_layer.h"
#include "harness/fleet/model.h"

const char *const instance_state_names[INSTANCE_STATE_COUNT] = {
        "booting", "up", "draining", "hung", "zombie", "down", "gone",
};

enum { STABLE_AFTER_S = 600, DRAIN_LIMIT_S = 30, HEARTBEAT_MISSED_AFTER_S = 3 };

static bool state_works(uint8_t state)
{
        return state == INSTANCE_UP || state == INSTANCE_DRAINING;
}

static bool state_answers_checks(uint8_t state)
{
        return state_works(state) || state == INSTANCE_ZOMBIE;
}

void service_routes_changed(struct fleet *fleet, uint32_t index)
{
        struct service *service = &fleet->services[index];

        service->routable_count = 0;
        for (uint32_t i = 0; i < service->member_count; i++) {
                const struct instance *instance = &fleet->instances[service->members[i]];

                if (instance->registered && !instance->ejected &&
                    instance->state != INSTANCE_DRAINING)
                        service->routable[service->routable_count++] = service->members[i];
        }
}

bool service_can_spare(struct fleet *fleet, uint32_t index)
{
        const struct service *service = &fleet->services[index];
        uint32_t working = 0, others;

        for (uint32_t i = 0; i < service->routable_count; i++)
                working += fleet->instances[service->routable[i]].state == INSTANCE_UP;
        if (working < 2 || service->workers_up == 0)
                return false;
        others = service->workers_up * (working - 1) / working;
        return (double)(service->busy + service->waiting) < 0.8 * (double)others;
}

/* ---- health checks and heartbeats */

/* What a check of it says: that of an instance which is well can be made to fail. */
static bool check_passes(const struct fleet *fleet, const struct instance *instance)
{
        return state_answers_checks(instance->state) &&
               fleet->services[instance->service].unready == 0;
}

void instance_health_consider(struct fleet *fleet, uint32_t index)
{
        struct instance *instance = &fleet->instances[index];
        const struct health_check_spec *check =
                &fleet->services[instance->service].spec->health_check;
        bool passes = check_passes(fleet, instance);
        int64_t phase_ns, since_ns;

        if (check->period_ns <= 0 || instance->health_scheduled || !instance->registered ||
            instance->state == INSTANCE_GONE || passes != instance->ejected ||
            fleet->now < fleet->services[instance->service].checks_off_until_ns)
                return;
        phase_ns = (int64_t)(hash_mix(fleet->services[instance->service].name_hash,
                                      instance->number) %
                             (uint64_t)check->period_ns);
        since_ns = fleet->now - fleet->start_ns - phase_ns;
        /* A dead process refuses at once; one that hangs is waited for. */
        instance->health_scheduled = true;
        instance->health_failures = 0;
        instance->health_successes = 0;
        event_queue_push(&fleet->queue,
                         fleet->now + check->period_ns -
                                 (since_ns % check->period_ns + check->period_ns) % check->period_ns +
                                 (instance->state == INSTANCE_HUNG ? check->timeout_ns : 0),
                         hash_mix(0x4843u, index), event_payload(EV_HEALTH, 0, index));
}

void instance_health(struct fleet *fleet, uint32_t index)
{
        struct instance *instance = &fleet->instances[index];
        const struct health_check_spec *check =
                &fleet->services[instance->service].spec->health_check;
        bool passes = check_passes(fleet, instance);
        bool was_ejected = instance->ejected;

        if (!instance->registered || instance->state == INSTANCE_GONE || passes != was_ejected ||
            fleet->now < fleet->services[instance->service].checks_off_until_ns) {
                instance->health_scheduled = false;
                return;
        }
        if (passes)
                instance->ejected = ++instance->health_successes < check->successes;
        else
                instance->ejected = ++instance->health_failures >= check->failures;
        if (instance->ejected == was_ejected) {
                event_queue_push(&fleet->queue, fleet->now + check->period_ns,
                                 hash_mix(0x4843u, index), event_payload(EV_HEALTH, 0, index));
                return;
        }
        instance->health_scheduled = false;
        if (!passes && state_answers_checks(instance->state))
                controller_ejected(fleet, instance->service);
        fleet_tell(fleet, &(struct fleet_event){.kind = FLEET_EVENT_HEALTH_CHECK,
                                                .service = instance->service,
                                                .instance = index,
                                                .edge = NONE,
                                                .code = passes,
                                                .text = passes ? "passing again" : "failing"});
        service_routes_changed(fleet, instance->service);
}

void instance_heartbeat(struct fleet *fleet, uint32_t index, uint32_t epoch)
{
        struct instance *instance = &fleet->instances[index];

        if (!instance->beating || instance->state == INSTANCE_GONE ||
            (instance->epoch & 0xffffffu) != epoch ||
            (instance->state != INSTANCE_DOWN && instance->state != INSTANCE_HUNG))
                return;
        instance->beating = false;
        fleet_tell(fleet, &(struct fleet_event){.kind = FLEET_EVENT_HEARTBEAT_MISSED,
                                                .service = instance->service,
                                                .instance = index,
                                                .edge = NONE,
                                                .text = "no heartbeat for 3 s"});
}

/* ---- states */

void instance_count_workers(struct fleet *fleet, uint32_t index)
{
        struct instance *instance = &fleet->instances[index];
        struct service *service = &fleet->services[instance->service];
        uint32_t workers = state_works(instance->state) ? instance_workers(service, instance) : 0;

        service->workers_up += workers;
        service->workers_up -= instance->workers;
        instance->workers = workers;
}

static void set_state(struct fleet *fleet, uint32_t index, enum instance_state state,
                      const char *cause)
{
        struct instance *instance = &fleet->instances[index];
        struct service *service = &fleet->services[instance->service];
        bool worked = state_works(instance->state), works = state_works((uint8_t)state);

        lanes_end(fleet);
        service_touch(fleet, service);
        instance_cpu_touch(fleet, instance);
        service->up += works;
        service->up -= worked;
        instance->state = (uint8_t)state;
        instance_count_workers(fleet, index);
        instance->state_since_ns = fleet->now;
        instance->cause = cause;
        instance->timer_generation++;
        instance->timer = TIMER_NONE;
        fleet_note(fleet, &(struct fleet_note){.kind = FLEET_NOTE_INSTANCE_STATE,
                                               .service = instance->service,
                                               .instance = index,
                                               .state = (int)state,
                                               .text = cause});
        if (state == INSTANCE_DOWN || state == INSTANCE_HUNG)
                event_queue_push(&fleet->queue, fleet->now + HEARTBEAT_MISSED_AFTER_S * NS_PER_S,
                                 hash_mix(0x4842u, index),
                                 event_payload(EV_HEARTBEAT, instance->epoch, index));
        service_routes_changed(fleet, instance->service);
        if (service->database != NULL)
                database_state_changed(fleet, index);
        instance_health_consider(fleet, index);
}

static void set_timer(struct fleet *fleet, uint32_t index, enum instance_timer_kind kind,
                      int64_t for_ns)
{
        struct instance *instance = &fleet->instances[index];

        instance->timer = (uint8_t)kind;
        event_queue_push(&fleet->queue, fleet->now + for_ns, hash_mix(0x494eu, index),
                         event_payload(EV_INSTANCE, ++instance->timer_generation, index));
}

/* How long the process needs to start. */
static int64_t start_time_ns(struct fleet *fleet, uint32_t index)
{
        const struct instance *instance = &fleet->instances[index];
        const struct service_spec *spec = fleet->services[instance->service].spec;
        const struct parameters *params = instance->wanted->plain ? NULL : &instance->wanted->params;
        int64_t boot_ns = params == NULL ? spec->boot_time_ns : params->boot_time_ns;
        int64_t restart_ns = params == NULL ? spec->restart_time_ns : params->restart_time_ns;
        int64_t time_ns = instance->state == INSTANCE_BOOTING ? boot_ns : restart_ns;

        return instance->effects == NULL
                       ? time_ns
                       : (int64_t)((double)time_ns * effect_start_factor(fleet, instance));
}

static void heartbeat_back(struct fleet *fleet, uint32_t index)
{
        if (fleet->instances[index].beating)
                return;
        fleet->instances[index].beating = true;
        fleet_tell(fleet, &(struct fleet_event){.kind = FLEET_EVENT_HEARTBEAT_BACK,
                                                .service = fleet->instances[index].service,
                                                .instance = index,
                                                .edge = NONE,
                                                .text = "heartbeat is back"});
}

int64_t instance_time_ns(const struct fleet *fleet, const struct instance *instance)
{
        return (instance->stopped > 0 ? instance->stopped_at_ns : fleet->now) -
               instance->stood_still_ns;
}

void instance_stand_still(struct fleet *fleet, uint32_t index)
{
        struct instance *instance = &fleet->instances[index];

        instance_cpu_touch(fleet, instance);
        if (instance->stopped++ == 0)
                instance->stopped_at_ns = fleet->now;
}

void instance_go_on(struct fleet *fleet, uint32_t index)
{
        struct instance *instance = &fleet->instances[index];

        instance_cpu_touch(fleet, instance);
        if (--instance->stopped > 0)
                return;
        instance->stood_still_ns += fleet->now - instance->stopped_at_ns;
        if (!instance->ending)
                instance_resume_requests(fleet, index);
}

/* Hung wins over zombie; a process that drains, starts or is down stays so. */
void instance_mood(struct fleet *fleet, uint32_t index)
{
        struct instance *instance = &fleet->instances[index];
        enum instance_state wanted = instance->hung > 0      ? INSTANCE_HUNG
                                     : instance->zombies > 0 ? INSTANCE_ZOMBIE
                                                             : INSTANCE_UP;

        if (instance->ending || instance->state == wanted ||
            (instance->state != INSTANCE_UP && instance->state != INSTANCE_HUNG &&
             instance->state != INSTANCE_ZOMBIE))
                return;
        set_state(fleet, index, wanted, wanted == INSTANCE_UP ? "works again" : "fault");
        if (wanted != INSTANCE_HUNG)
                heartbeat_back(fleet, index);
        instance_start_waiting(fleet, index);
}

static void become_up(struct fleet *fleet, uint32_t index)
{
        struct instance *instance = &fleet->instances[index];

        instance->epoch++;
        instance->owed_start = false;
        instance->up_since_ns = fleet->now;
        instance->leaked_bytes = 0;
        instance->leak_at_ns = fleet->now;
        instance->registered = true;
        instance->requests = 0;
        version_started(fleet, index);
        set_state(fleet, index, INSTANCE_UP, "started");
        fleet_tell(fleet, &(struct fleet_event){.kind = FLEET_EVENT_PROCESS_STARTED,
                                                .service = instance->service,
                                                .instance = index,
                                                .edge = NONE,
                                                .text = instance->version->name});
        heartbeat_back(fleet, index);
        if (fleet->instances[index].effects != NULL)
                effect_instance_up(fleet, index);
        if (fleet->instances[index].holdings != NULL)
                cache_empty(fleet, &fleet->instances[index], 1);
        if (fleet->services[fleet->instances[index].service].messages != NULL)
                messages_dispatch(fleet, fleet->instances[index].service);
        controller_instance_up(fleet, index);
        actuator_instance_up(fleet, index);
}

uint32_t instance_add(struct fleet *fleet, uint32_t service_index, uint32_t zone, bool booting,
                      const char *cause)
{
        struct service *service = &fleet->services[service_index];
        struct instance *instance;
        uint32_t index = fleet->instance_count;

        if (fleet->instance_count == fleet->instance_capacity) {
                uint32_t capacity = fleet->instance_capacity * 2 + 8;
                struct instance *bigger =
                        realloc(fleet->instances, capacity * sizeof(*fleet->instances));

                if (bigger == NULL) {
                        fleet_break(fleet, "out of memory");
                        return NONE;
                }
                fleet->instances = bigger;
                fleet->instance_capacity = capacity;
        }
        if (service->member_count == service->member_capacity) {
                uint32_t capacity = service->member_capacity * 2 + 4;
                uint32_t *members = realloc(service->members, capacity * sizeof(*members));
                uint32_t *routable = realloc(service->routable, capacity * sizeof(*routable));

                if (members != NULL)
                        service->members = members;
                if (routable != NULL)
                        service->routable = routable;
                if (members == NULL || routable == NULL) {
                        fleet_break(fleet, "out of memory");
                        return NONE;
                }
                service->member_capacity = capacity;
        }
        instance = &fleet->instances[index];
        *instance = (struct instance){
                .queue = {NONE, NONE, 0},
                .inside = {NONE, NONE, 0},
                .service = service_index,
                .zone = zone,
                .number = service->numbered++,
                .state = INSTANCE_BOOTING,
                .in_service = true,
                .beating = true,
                .successor = NONE,
                .up_since_ns = fleet->now,
                .state_since_ns = fleet->now,
                .leak_at_ns = fleet->now,
                .cpu_at_ns = fleet->now,
                .said_at_ns = TIME_NEVER / -2,
                .version = service->stable,
                .wanted = service->stable,
                .params = service->stable->plain ? NULL : &service->stable->params,
                .cause = cause,
        };
        instance->name = arena_printf(&fleet->arena, "%s-%u", service->spec->name, instance->number);
        if (fleet->options.telemetry)
                instance->sketch = ARENA_NEW(&fleet->arena, struct sketch);
        if (instance->name == NULL || (fleet->options.telemetry && instance->sketch == NULL)) {
                fleet_break(fleet, "out of memory");
                return NONE;
        }
        if (!holdings_add(fleet, index) ||
            (fleet->stocks != NULL && !stock_instance_added(fleet, index))) {
                fleet_break(fleet, "out of memory");
                return NONE;
        }
        service_touch(fleet, service);
        fleet->instance_count++;
        service->members[service->member_count++] = index;
        if (!booting) {
                instance->state = INSTANCE_UP;
                instance->registered = true;
                instance->epoch = 1;
                /* Long since warm when the run begins. */
                instance->up_since_ns = fleet->now - 24 * NS_PER_HOUR;
                service->up++;
                instance_count_workers(fleet, index);
                service->routable[service->routable_count++] = index;
                return index;
        }
        fleet_note(fleet, &(struct fleet_note){.kind = FLEET_NOTE_INSTANCE_STATE,
                                               .service = service_index,
                                               .instance = index,
                                               .state = INSTANCE_BOOTING,
                                               .text = cause});
        fleet_tell(fleet, &(struct fleet_event){.kind = FLEET_EVENT_INSTANCE_ADDED,
                                                .service = service_index,
                                                .instance = index,
                                                .edge = NONE,
                                                .text = instance->name});
        if (controller_may_start(fleet, index))
                set_timer(fleet, index, TIMER_UP, start_time_ns(fleet, index));
        else
                controller_start_refused(fleet, index);
        for (struct effect_link *link = fleet->zone_effects[zone]; link != NULL; link = link->next)
                if (link->effect->kind == EFFECT_HELD_DOWN)
                        fleet_effect_on_instance(fleet, index, link->effect);
        return index;
}

/* The process is no more: what was in it is lost, what lived in it is gone. */
static void process_ends(struct fleet *fleet, uint32_t index, int code, bool oom, bool by_itself,
                         const char *cause)
{
        struct instance *instance = &fleet->instances[index];

        instance->exited_ns = fleet->now;
        instance_lose_requests(fleet, index);
        instance->ending = true;
        if (by_itself)
                effect_process_exited(fleet, instance);
        else
                effect_reset_layers(fleet, instance,
                                    LAYER_BIT(LAYER_PROCESS) | LAYER_BIT(LAYER_POOL));
        instance->ending = false;
        instance->leaked_bytes = 0;
        instance->leak_at_ns = fleet->now;
        fleet_tell(fleet, &(struct fleet_event){.kind = FLEET_EVENT_PROCESS_EXITED,
                                                .service = instance->service,
                                                .instance = index,
                                                .edge = NONE,
                                                .code = code,
                                                .oom = oom,
                                                .text = cause});
}

void instance_try_start(struct fleet *fleet, uint32_t index)
{
        struct instance *instance = &fleet->instances[index];

        if ((instance->state != INSTANCE_DOWN && instance->state != INSTANCE_BOOTING) ||
            !controller_may_start(fleet, index) || instance->timer == TIMER_UP)
                return;
        if (instance->state == INSTANCE_BOOTING || instance->owed_start ||
            fleet->services[instance->service].spec->supervisor == SUPERVISOR_ALWAYS)
                set_timer(fleet, index, TIMER_UP, start_time_ns(fleet, index));
}

bool instance_cancel_start(struct fleet *fleet, uint32_t index)
{
        struct instance *instance = &fleet->instances[index];

        if (instance->timer != TIMER_UP)
                return false;
        instance->timer = TIMER_NONE;
        instance->timer_generation++;
        return true;
}

void instance_says(struct fleet *fleet, uint32_t index, const char *text)
{
        struct instance *instance = &fleet->instances[index];

        if (fleet->now < instance->said_at_ns + fleet->spec->telemetry.interval_ns)
                return;
        instance->said_at_ns = fleet->now;
        fleet_tell(fleet, &(struct fleet_event){.kind = FLEET_EVENT_ERROR_MESSAGE,
                                                .service = instance->service,
                                                .instance = index,
                                                .edge = NONE,
                                                .text = text});
}

void instance_exit(struct fleet *fleet, uint32_t index, int code, bool oom, const char *cause)
{
        struct instance *instance = &fleet->instances[index];
        const struct service_spec *spec = fleet->services[instance->service].spec;
        bool stable = fleet->now - instance->up_since_ns >= STABLE_AFTER_S * NS_PER_S;
        int64_t wait_ns = 0;

        if (instance->state == INSTANCE_GONE || instance->state == INSTANCE_DOWN)
                return;
        if (instance->state == INSTANCE_DRAINING && instance->goes_after_drain) {
                instance_stop(fleet, index, cause);
                return;
        }
        process_ends(fleet, index, code, oom, true, cause);
        instance->exits_in_row = stable ? 0 : instance->exits_in_row;
        set_state(fleet, index, INSTANCE_DOWN, cause);
        if (spec->supervisor != SUPERVISOR_ALWAYS)
                return;
        instance = &fleet->instances[index];
        if (instance->exits_in_row > 0) {
                uint32_t doublings = instance->exits_in_row - 1u;

                wait_ns = doublings >= 5 ? 300 * NS_PER_S : (10 * NS_PER_S) << doublings;
                if (wait_ns > 300 * NS_PER_S)
                        wait_ns = 300 * NS_PER_S;
        }
        if (instance->exits_in_row < UINT8_MAX)
                instance->exits_in_row++;
        if (controller_may_start(fleet, index))
                set_timer(fleet, index, TIMER_UP, wait_ns + start_time_ns(fleet, index));
        else
                controller_start_refused(fleet, index);
}

void instance_restart(struct fleet *fleet, uint32_t index, const char *cause)
{
        struct instance *instance = &fleet->instances[index];

        if (instance->state == INSTANCE_GONE)
                return;
        instance->registered = false;
        if (instance->state != INSTANCE_DOWN && instance->state != INSTANCE_BOOTING)
                process_ends(fleet, index, 0, false, false, cause);
        else
                effect_reset_layers(fleet, instance, LAYER_BIT(LAYER_PROCESS));
        instance->exits_in_row = 0;
        instance->ejected = false;
        set_state(fleet, index, INSTANCE_DOWN, cause);
        instance->owed_start = !controller_may_start(fleet, index);
        if (instance->owed_start)
                controller_start_refused(fleet, index);
        else
                set_timer(fleet, index, TIMER_UP, start_time_ns(fleet, index));
}

void instance_stop(struct fleet *fleet, uint32_t index, const char *cause)
{
        struct instance *instance = &fleet->instances[index];
        struct service *service = &fleet->services[instance->service];

        if (instance->state == INSTANCE_GONE)
                return;
        instance_lose_requests(fleet, index);
        instance->ending = true;
        effect_reset_layers(fleet, instance, UINT32_MAX);
        instance->ending = false;
        service_touch(fleet, service);
        for (uint32_t i = 0; i < service->member_count; i++) {
                if (service->members[i] != index)
                        continue;
                for (uint32_t k = i + 1; k < service->member_count; k++)
                        service->members[k - 1] = service->members[k];
                service->member_count--;
                break;
        }
        instance->in_service = false;
        instance->registered = false;
        set_state(fleet, index, INSTANCE_GONE, cause);
        version_apply(fleet, index);
        fleet_tell(fleet, &(struct fleet_event){.kind = FLEET_EVENT_INSTANCE_REMOVED,
                                                .service = instance->service,
                                                .instance = index,
                                                .edge = NONE,
                                                .text = instance->name});
        actuator_instance_gone(fleet, index);
}

void instance_drain(struct fleet *fleet, uint32_t index, bool goes, const char *cause)
{
        struct instance *instance = &fleet->instances[index];

        if (instance->state == INSTANCE_GONE)
                return;
        instance->goes_after_drain = goes;
        if (instance->state != INSTANCE_UP && instance->state != INSTANCE_DRAINING) {
                /* Nothing to wait for. */
                if (goes)
                        instance_stop(fleet, index, cause);
                else
                        instance_restart(fleet, index, cause);
                return;
        }
        set_state(fleet, index, INSTANCE_DRAINING, cause);
        set_timer(fleet, index, TIMER_DRAINED, DRAIN_LIMIT_S * NS_PER_S);
        instance_drained_check(fleet, index);
}

/* Nothing waits, is inside or is on its way there. */
static bool is_empty(const struct instance *instance)
{
        return instance->queue.length == 0 && instance->inside.length == 0 && instance->coming == 0;
}

static void drained(struct fleet *fleet, uint32_t index)
{
        if (fleet->instances[index].goes_after_drain)
                instance_stop(fleet, index, fleet->instances[index].cause);
        else
                instance_restart(fleet, index, fleet->instances[index].cause);
}

void instance_drained_check(struct fleet *fleet, uint32_t index)
{
        struct instance *instance = &fleet->instances[index];

        /* Not from inside the answer that emptied it: a moment later. */
        if (instance->state == INSTANCE_DRAINING && is_empty(instance))
                set_timer(fleet, index, TIMER_DRAINED, NS_PER_MS);
}

void instance_timer(struct fleet *fleet, uint32_t index, uint32_t generation)
{
        struct instance *instance = &fleet->instances[index];
        int64_t limit_ns;

        if ((instance->timer_generation & 0xffffffu) != generation)
                return;
        switch ((enum instance_timer_kind)instance->timer) {
        case TIMER_UP:
                instance->timer = TIMER_NONE;
                if (controller_may_start(fleet, index) &&
                    (instance->state == INSTANCE_DOWN || instance->state == INSTANCE_BOOTING))
                        become_up(fleet, index);
                break;
        case TIMER_DRAINED:
                if (instance->state != INSTANCE_DRAINING)
                        break;
                limit_ns = instance->state_since_ns + DRAIN_LIMIT_S * NS_PER_S;
                /* Something came after all: it is not lost before the limit. */
                if (!is_empty(instance) && fleet->now < limit_ns)
                        set_timer(fleet, index, TIMER_DRAINED, limit_ns - fleet->now);
                else
                        drained(fleet, index);
                break;
        case TIMER_NONE:
                break;
        }
}

/* ---- memory */

void instance_leak_now(struct fleet *fleet, struct instance *instance)
{
        if (instance->state != INSTANCE_DOWN && instance->state != INSTANCE_BOOTING)
                instance->leaked_bytes +=
                        effect_leaked_bytes(fleet, instance, instance->leak_at_ns) +
                        version_leaked_bytes(fleet, instance);
        instance->leak_at_ns = fleet->now;
}

void service_memory_changed(struct service *service)
{
        double room = 0.85 * (double)service->memory_limit_bytes -
                      (double)service->spec->memory_base_bytes;
        double each = (double)service->spec->memory_per_request_bytes;

        if (service->memory_limit_bytes <= 0 || (each <= 0 && room > 0))
                service->memory_calm = UINT32_MAX;
        else
                service->memory_calm = room <= 0 ? 0 : room / each > 4e9 ? UINT32_MAX
                                                                       : (uint32_t)(room / each);
}

double instance_memory_bytes(struct fleet *fleet, struct instance *instance)
{
        const struct service_spec *spec = fleet->services[instance->service].spec;
        const struct parameters *params = instance->params;
        int64_t base_bytes = params == NULL ? spec->memory_base_bytes : params->memory_base_bytes;
        int64_t each_bytes =
                params == NULL ? spec->memory_per_request_bytes : params->memory_per_request_bytes;
        double taken = 0;

        if (instance_has_effects(fleet, instance)) {
                instance_leak_now(fleet, instance);
                taken = effect_memory_bytes(fleet, instance);
        }
        return taken + (double)base_bytes +
               (double)each_bytes *
                       (instance->inside.length + instance->queue.length) +
               instance->leaked_bytes;
}

/* ---- public */

void fleet_instance_kill(struct fleet *fleet, uint32_t instance, int code, const char *text)
{
        instance_exit(fleet, instance, code, false, text);
}

void fleet_instance_oom(struct fleet *fleet, uint32_t instance)
{
        instance_exit(fleet, instance, 137, true, "out of memory");
}
