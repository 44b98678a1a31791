/* actuator.c - a healer's actions: they take time, may fail, and have effects.
 *
 * An action is a slot from order to result. After the actuator's own time it
 * either fails or is done to the fleet; what then takes time by itself (a boot,
 * a rolling restart) keeps the slot until it has ended.
 *
 * What an action resets stands in its row and nowhere else.
 */
#include <math.h>
#include <string.h>

#include "harness/fleet/data_layer.h"
#include "harness/fleet/model.h"

#define INSTANCE_LAYERS (LAYER_BIT(LAYER_PROCESS) | LAYER_BIT(LAYER_POOL))
#define MACHINE_LAYERS (INSTANCE_LAYERS | LAYER_BIT(LAYER_HOST) | LAYER_BIT(LAYER_DISK))

/* A quarter more where no factor is asked for, up to twice what was declared: a
 * host has no more. */
#define RAISE_DEFAULT 1.25
#define RAISE_MOST 2.0

enum { DETAIL_FOR_S = 600, CORDON_FOR_S = 600, SCALE_MAX = 64 };

const struct fleet_action_row fleet_action_rows[ACTION_KIND_COUNT] = {
        [ACTION_RESTART_INSTANCE] = {"restart_instance", "kills and starts one process; what it had in flight is lost",
                                     INSTANCE_LAYERS, true, true, NS_PER_S},
        [ACTION_RESTART_SERVICE] = {"restart_service", "rolling restart, instance by instance, drained first",
                                    INSTANCE_LAYERS, false, true, NS_PER_S},
        [ACTION_REPLACE_INSTANCE] = {"replace_instance", "boots a new instance on another host and takes the old one away",
                                     MACHINE_LAYERS, true, true, 30 * NS_PER_S},
        [ACTION_FAILOVER] = {"failover", "takes an instance out of the traffic for ten minutes",
                             MACHINE_LAYERS | LAYER_BIT(LAYER_ZONE), true, true, NS_PER_S},
        [ACTION_ROLLBACK_DEPLOYMENT] = {"rollback_deployment", "deploys the version before",
                                        LAYER_BIT(LAYER_VERSION) | INSTANCE_LAYERS, false, true, 60 * NS_PER_S},
        [ACTION_ROLLBACK_CONFIG] = {"rollback_config", "puts the configuration before in force",
                                    LAYER_BIT(LAYER_CONFIG), false, true, 60 * NS_PER_S},
        [ACTION_RESTORE_STATE] = {"restore_state", "restores data from a checkpoint",
                                  LAYER_BIT(LAYER_DATA), false, true, NS_PER_S},
        [ACTION_RECONNECT] = {"reconnect", "renews a connection pool", LAYER_BIT(LAYER_POOL), false, true, NS_PER_S},
        [ACTION_CLEAR_CACHE] = {"clear_cache", "empties a cache", LAYER_BIT(LAYER_CACHE), false, true, NS_PER_S},
        [ACTION_CLEAN_MEMORY] = {"clean_memory", "frees half of what an instance leaked", 0, true, true, NS_PER_S},
        [ACTION_SCALE_RESOURCES] = {"scale_resources", "adds instances, or takes some away",
                                    0, false, true, 30 * NS_PER_S},
        [ACTION_INCREASE_RESOURCES] = {"increase_resources", "more memory and cores by a factor (1.25), to twice the declared at most",
                                       0, false, true, NS_PER_S},
        [ACTION_SHED_LOAD] = {"shed_load", "refuses a share of what comes", 0, false, true, NS_PER_S},
        [ACTION_SET_DEGRADATION] = {"set_degradation", "sets the degradation level, 0 to 4",
                                    0, false, true, NS_PER_S},
        [ACTION_ADJUST_TIMEOUT] = {"adjust_timeout", "multiplies the timeout of an edge", 0, false, true, NS_PER_S},
        [ACTION_FREE_DISK] = {"free_disk", "deletes what may be deleted", LAYER_BIT(LAYER_DISK), true, true, NS_PER_S},
        [ACTION_PURGE_QUEUE] = {"purge_queue", "throws a queue away", LAYER_BIT(LAYER_QUEUE), false, true, NS_PER_S},
        [ACTION_SKIP_MESSAGE] = {"skip_message", "passes over one record", LAYER_BIT(LAYER_QUEUE), false, true, NS_PER_S},
        [ACTION_END_SESSION] = {"end_session", "ends the session that holds a lock", LAYER_BIT(LAYER_LOCK), false, true, NS_PER_S},
        [ACTION_STOP_CONTROLLER] = {"stop_controller", "stops an actor of the platform",
                                    LAYER_BIT(LAYER_CONTROLLER), false, true, NS_PER_S},
        [ACTION_DISABLE_HEALTH_CHECK] = {"disable_health_check", "balancers stop ejecting",
                                         LAYER_BIT(LAYER_CONTROLLER), false, true, NS_PER_S},
        [ACTION_ENABLE_MONITORING] = {"enable_monitoring", "denser telemetry for ten minutes", 0, false, true, NS_PER_S},
        [ACTION_HEALTH_CHECK] = {"health_check", "asks an instance whether it is well", 0, true, true, NS_PER_S},
        [ACTION_ESCALATE] = {"escalate", "calls a human", ~LAYER_BIT(LAYER_HEALER), false, true, NS_PER_S},
};

enum fleet_action_kind fleet_action_kind_of(const char *name)
{
        uint32_t kind = 0;

        while (kind < ACTION_KIND_COUNT && strcmp(fleet_action_rows[kind].name, name) != 0)
                kind++;
        return (enum fleet_action_kind)kind;
}

static bool has_pool(const struct fleet_spec *spec, uint32_t service)
{
        for (uint32_t i = 0; i < spec->edge_count; i++)
                if (spec->edges[i].pool > 0 &&
                    (spec->edges[i].from == service || spec->edges[i].to == service))
                        return true;
        return false;
}

bool fleet_spec_service_allows(const struct fleet_spec *spec, uint32_t service,
                               enum fleet_action_kind kind)
{
        enum fleet_data_kind data = spec->services[service].data;

        switch (kind) {
        case ACTION_RECONNECT:
                return has_pool(spec, service);
        case ACTION_CLEAR_CACHE:
                return data == DATA_CACHE;
        case ACTION_RESTORE_STATE:
                return data != DATA_NONE;
        case ACTION_PURGE_QUEUE:
        case ACTION_SKIP_MESSAGE:
                return data == DATA_QUEUE;
        case ACTION_END_SESSION:
                return data == DATA_DATABASE;
        default:
                return true;
        }
}

bool fleet_spec_allows(const struct fleet_spec *spec, enum fleet_action_kind kind)
{
        for (uint32_t i = 0; i < spec->service_count; i++)
                if (fleet_spec_service_allows(spec, i, kind))
                        return true;
        return false;
}

const char *fleet_layer_name(enum fleet_layer layer)
{
        static const char *const names[LAYER_COUNT] = {
                "none",  "process", "host", "disk",   "pool",     "cache",      "queue",
                "lock",  "version", "config", "data", "edge",     "zone",       "leader",
                "platform", "controller", "outside", "client", "healer",
        };

        return names[layer];
}

/* What the levels of degradation do; 4a-policies.md. */
static const struct degradation_level {
        double capacity, timeout;
        float quality;
        uint32_t concurrency;
} levels[] = {
        {1.00, 1.0, 1.00f, UINT32_MAX}, {0.75, 0.8, 0.85f, 10}, {0.50, 0.6, 0.75f, 5},
        {0.25, 0.4, 0.60f, 2},          {0.10, 0.2, 0.50f, 1},
};

void actuator_finish(struct fleet *fleet, uint32_t index, bool ok, const char *reason)
{
        struct action_run *run = &fleet->actions[index];
        struct fleet_action_result result = {
                .id = run->action.id,
                .kind = run->action.kind,
                .service = run->action.service,
                .instance = run->action.instance,
                .started_at_ns = run->started_ns,
                .finished_at_ns = fleet->now,
                .ok = ok,
                .reason = ok ? "" : reason,
        };

        run->in_use = false;
        run->waits_up = false;
        run->next_free = fleet->action_free;
        fleet->action_free = index;
        if (fleet->options.host.action_finished != NULL)
                fleet->options.host.action_finished(fleet->options.host.user, &result);
}

static void wait_for_up(struct fleet *fleet, uint32_t index, uint32_t instance)
{
        fleet->actions[index].target = instance;
        fleet->actions[index].waits_up = true;
}

void actuator_instance_up(struct fleet *fleet, uint32_t instance)
{
        roll_instance_up(fleet, instance);
        for (uint32_t i = 0; i < fleet->action_count; i++) {
                struct action_run *run = &fleet->actions[i];

                if (!run->in_use || !run->waits_up || run->target != instance)
                        continue;
                if (run->action.kind == ACTION_REPLACE_INSTANCE)
                        instance_drain(fleet, run->action.instance, true, "replaced");
                actuator_finish(fleet, i, true, "");
        }
}

void actuator_instance_gone(struct fleet *fleet, uint32_t instance)
{
        roll_instance_gone(fleet, instance);
        for (uint32_t i = 0; i < fleet->action_count; i++)
                if (fleet->actions[i].in_use && fleet->actions[i].waits_up &&
                    fleet->actions[i].target == instance)
                        actuator_finish(fleet, i, false, "the instance is gone");
}

/* ---- what each kind does */

/* Where the platform places a new instance: not in a zone that is out. */
static uint32_t place(const struct fleet *fleet, uint32_t service, uint32_t zone)
{
        const struct service_spec *spec = fleet->services[service].spec;

        if (!effect_zone_is_out(fleet, zone))
                return zone;
        for (uint32_t i = 0; i < spec->zone_count; i++)
                if (!effect_zone_is_out(fleet, spec->zones[i]))
                        return spec->zones[i];
        return zone;
}

static void replace_instance(struct fleet *fleet, uint32_t index)
{
        uint32_t old = fleet->actions[index].action.instance;
        uint32_t service = fleet->instances[old].service;
        bool room = service_can_spare(fleet, service);
        uint32_t fresh = instance_add(fleet, service, place(fleet, service, fleet->instances[old].zone), true,
                                      "replacement");

        if (fresh == NONE)
                return;
        fleet->instances[fresh].wanted = fleet->instances[old].wanted;
        wait_for_up(fleet, index, fresh);
        /* Where the others can carry it, the old one goes at once. */
        if (fleet->instances[old].state != INSTANCE_UP || room)
                instance_drain(fleet, old, true, "replaced");
}

static void cordon_ends(void *user, uint32_t instance)
{
        struct fleet *fleet = user;

        if (fleet->instances[instance].state == INSTANCE_UP) {
                fleet->instances[instance].registered = true;
                service_routes_changed(fleet, fleet->instances[instance].service);
        }
}

static void cordon(struct fleet *fleet, uint32_t index)
{
        uint32_t instance = fleet->actions[index].action.instance;
        uint32_t service = fleet->instances[instance].service;

        if (fleet->services[service].routable_count < 2) {
                actuator_finish(fleet, index, false, "no other instance to take the traffic");
                return;
        }
        fleet->instances[instance].registered = false;
        service_routes_changed(fleet, service);
        if (fleet->services[service].database != NULL)
                database_step_down(fleet, instance);
        fleet_schedule(fleet, fleet->now + CORDON_FOR_S * NS_PER_S, hash_mix(0x434fu, instance),
                       cordon_ends, fleet, instance);
        actuator_finish(fleet, index, true, "");
}

static bool leaves(const struct fleet *fleet, uint32_t instance)
{
        return fleet->instances[instance].state == INSTANCE_DRAINING &&
               fleet->instances[instance].goes_after_drain;
}

uint32_t service_staying(const struct fleet *fleet, uint32_t index)
{
        const struct service *service = &fleet->services[index];
        uint32_t staying = 0;

        for (uint32_t i = 0; i < service->member_count; i++)
                staying += !leaves(fleet, service->members[i]);
        return staying;
}

uint32_t service_grow(struct fleet *fleet, uint32_t index, uint32_t count, const char *cause)
{
        struct service *service = &fleet->services[index];
        uint32_t last = NONE;

        for (; count > 0; count--) {
                uint32_t zone = service->spec->zones[service->numbered % service->spec->zone_count];

                last = instance_add(fleet, index, place(fleet, index, zone), true, cause);
                if (last == NONE)
                        return NONE;
        }
        return last;
}

/* One that is down goes at once and moves the others up, so from the end on. */
void service_shrink(struct fleet *fleet, uint32_t index, uint32_t count, const char *cause)
{
        struct service *service = &fleet->services[index];
        uint32_t staying = service_staying(fleet, index);

        for (uint32_t i = service->member_count; count > 0 && staying > 1 && i-- > 0;) {
                if (leaves(fleet, service->members[i]))
                        continue;
                instance_drain(fleet, service->members[i], true, cause);
                staying--;
                count--;
        }
}

static void scale(struct fleet *fleet, uint32_t index)
{
        struct fleet_action action = fleet->actions[index].action;
        uint32_t last;

        if (!(fabs(action.amount) >= 1 && fabs(action.amount) <= SCALE_MAX)) {
                actuator_finish(fleet, index, false, "an amount of instances from 1 to 64 is needed");
                return;
        }
        if (action.amount > 0) {
                last = service_grow(fleet, action.service, (uint32_t)action.amount, "scaled out");
                if (last != NONE)
                        wait_for_up(fleet, index, last);
                return;
        }
        service_shrink(fleet, action.service, (uint32_t)-action.amount, "scaled in");
        actuator_finish(fleet, index, true, "");
}

static void admission_changed(struct service *service)
{
        service->admit_share = service->degrade_share < 1.0 - service->shed_share
                                       ? service->degrade_share
                                       : 1.0 - service->shed_share;
}

/* What that level leaves: the asker's word, or that of the table above; at full
 * service all. An answer is never worth more than the level's is by itself. */
static struct degradation_level left_by(uint32_t level, const struct fleet_level *asked)
{
        struct degradation_level left = levels[level];

        if (level == 0 || !asked->given)
                return left;
        left.capacity = asked->capacity;
        left.timeout = asked->timeout;
        left.concurrency = asked->concurrency == 0 ? UINT32_MAX : asked->concurrency;
        if ((float)asked->quality < left.quality)
                left.quality = (float)asked->quality;
        return left;
}

static bool is_share(double value)
{
        return value > 0 && value <= 1;
}

static const char *level_wrong(const struct fleet_action *action)
{
        if (!(action->amount >= 0 && action->amount <= 4))
                return "levels are 0 to 4";
        if (action->level.given && !(is_share(action->level.capacity) &&
                                     is_share(action->level.timeout) &&
                                     is_share(action->level.quality)))
                return "what a level leaves are shares above 0, to 1";
        return NULL;
}

static void set_degradation(struct fleet *fleet, uint32_t service_index, uint32_t level,
                            const struct fleet_level *asked)
{
        struct service *service = &fleet->services[service_index];
        const struct degradation_level left = left_by(level, asked);
        uint32_t limit = left.concurrency;

        service_touch(fleet, service);
        if (service->level > 0 && fleet->now > fleet->measured_from_ns)
                service->degraded_s += (double)(fleet->now - (service->level_since_ns > fleet->measured_from_ns
                                                                      ? service->level_since_ns
                                                                      : fleet->measured_from_ns)) *
                                       1e-9;
        service->level = level;
        service->level_since_ns = fleet->now;
        service->level_left = *asked;
        service->level_left.given = asked->given && level > 0;
        service->degrade_share = left.capacity;
        service->timeout_factor = left.timeout;
        service->level_quality = left.quality;
        feature_settle(service);
        service->level_concurrency = limit;
        service->concurrency =
                service->spec->concurrency < limit ? service->spec->concurrency : limit;
        for (uint32_t i = 0; i < service->member_count; i++)
                instance_count_workers(fleet, service->members[i]);
        admission_changed(service);
        fleet_note(fleet, &(struct fleet_note){.kind = FLEET_NOTE_DEGRADATION,
                                               .service = service_index,
                                               .instance = NONE,
                                               .value = level,
                                               .text = ""});
        for (uint32_t i = 0; i < service->member_count; i++)
                instance_start_waiting(fleet, service->members[i]);
}

static void act_on_instance(struct fleet *fleet, uint32_t index)
{
        struct fleet_action action = fleet->actions[index].action;
        struct instance *instance = &fleet->instances[action.instance];

        if (instance->state == INSTANCE_GONE) {
                actuator_finish(fleet, index, false, "the instance is gone");
                return;
        }
        switch (action.kind) {
        case ACTION_RESTART_INSTANCE:
                wait_for_up(fleet, index, action.instance);
                instance_restart(fleet, action.instance, "restarted");
                if (!controller_may_start(fleet, action.instance))
                        actuator_finish(fleet, index, false, "the process does not start");
                break;
        case ACTION_REPLACE_INSTANCE:
                replace_instance(fleet, index);
                break;
        case ACTION_FAILOVER:
                cordon(fleet, index);
                break;
        case ACTION_CLEAN_MEMORY:
                instance_leak_now(fleet, instance);
                instance->leaked_bytes *= 0.5;
                actuator_finish(fleet, index, true, "");
                break;
        case ACTION_FREE_DISK: {
                bool freed = stock_free_disk(fleet, action.instance);

                if (freed)
                        effect_reset_layers(fleet, instance, LAYER_BIT(LAYER_DISK));
                actuator_finish(fleet, index, freed, "it has no disk of its own");
                break;
        }
        case ACTION_HEALTH_CHECK: {
                bool well = instance->state == INSTANCE_UP || instance->state == INSTANCE_DRAINING ||
                            instance->state == INSTANCE_ZOMBIE;

                actuator_finish(fleet, index, well, "the check failed");
                break;
        }
        default:
                actuator_finish(fleet, index, false, "not an action of this fleet");
                break;
        }
}

/* Pools of one edge, or all that a service has and all that lead to it. */
static bool reconnect(struct fleet *fleet, const struct fleet_action *action)
{
        bool any = false;

        for (uint32_t e = 0; e < fleet->spec->edge_count; e++) {
                const struct edge *edge = &fleet->edges[e];
                const struct service *caller = &fleet->services[edge->from];

                if (edge->spec->pool == 0 ||
                    (action->edge < fleet->spec->edge_count
                             ? action->edge != e
                             : edge->from != action->service && edge->to != action->service))
                        continue;
                any = true;
                for (uint32_t i = 0; i < caller->member_count; i++) {
                        effect_reset_pool(fleet, caller->members[i], e);
                        pools_renew(fleet, caller->members[i], e);
                }
        }
        return any;
}

/* What is done to the data layer; NULL, or why it cannot be. */
static const char *act_on_data(struct fleet *fleet, const struct fleet_action *action)
{
        struct service *service = &fleet->services[action->service];
        uint32_t resets = fleet_action_rows[action->kind].resets;

        switch (action->kind) {
        case ACTION_RECONNECT:
                return reconnect(fleet, action) ? NULL : "no connection pool there";
        case ACTION_CLEAR_CACHE:
                if (service->spec->data != DATA_CACHE)
                        return "no cache there";
                effect_reset_on_service(fleet, action->service, resets);
                for (uint32_t i = 0; i < service->member_count; i++)
                        cache_empty(fleet, &fleet->instances[service->members[i]], 1);
                return NULL;
        case ACTION_RESTORE_STATE:
                effect_reset_on_service(fleet, action->service, resets);
                database_restore(fleet, action->service);
                return NULL;
        case ACTION_PURGE_QUEUE:
        case ACTION_SKIP_MESSAGE:
                if (service->messages == NULL)
                        return "no queue there";
                effect_reset_on_service(fleet, action->service, resets);
                if (action->kind == ACTION_PURGE_QUEUE)
                        messages_purge(fleet, action->service, MARK_MESSAGE);
                else if (messages_skip(fleet, action->service) == 0)
                        return "the queue is empty";
                return NULL;
        case ACTION_END_SESSION:
        default:
                if (service->database == NULL)
                        return "no lock there";
                effect_reset_on_service(fleet, action->service, resets);
                database_end_session(fleet, action->service);
                return NULL;
        }
}

/* What it had beyond what was declared costs as much as a share of an instance. */
void actuator_count_raised(const struct fleet *fleet, struct service *service)
{
        double share = service->cpu_cores / service->spec->cpu_cores - 1;
        int64_t since_ns = service->raised_since_ns > fleet->measured_from_ns
                                   ? service->raised_since_ns
                                   : fleet->measured_from_ns;

        if (share > 0 && fleet->now > since_ns)
                service->raised_s += share * service->spec->instance_count *
                                     (double)(fleet->now - since_ns) * 1e-9;
        service->raised_since_ns = fleet->now;
}

/* Memory and cores times `factor` (0: RAISE_DEFAULT), as far as the hosts have
 * them. Returns NULL, or why nothing was done. */
static const char *raise_resources(struct fleet *fleet, struct service *service, double factor)
{
        double had = service->cpu_cores / service->spec->cpu_cores;
        double has;

        if (factor == 0)
                factor = RAISE_DEFAULT;
        if (!(factor > 1 && factor <= RAISE_MOST))
                return "a factor above 1, to 2, is needed";
        if (had >= RAISE_MOST)
                return "the hosts have no more";
        has = fmin(had * factor, RAISE_MOST);
        actuator_count_raised(fleet, service);
        for (uint32_t i = 0; i < service->member_count; i++)
                instance_cpu_touch(fleet, &fleet->instances[service->members[i]]);
        service->memory_limit_bytes = llround(has * (double)service->spec->memory_limit_bytes);
        service_memory_changed(service);
        service->cpu_cores = has * service->spec->cpu_cores;
        return NULL;
}

static void act_on_service(struct fleet *fleet, uint32_t index)
{
        struct fleet_action action = fleet->actions[index].action;
        struct service *service = &fleet->services[action.service];
        const char *wrong;

        switch (action.kind) {
        case ACTION_RESTART_SERVICE:
                if (!roll_service(fleet, action.service, "restarted", index))
                        actuator_finish(fleet, index, false, "another change is going on");
                return;
        case ACTION_ROLLBACK_DEPLOYMENT:
                wrong = version_roll_back(fleet, action.service, "rolled back", index);
                if (wrong != NULL)
                        actuator_finish(fleet, index, false, wrong);
                return;
        case ACTION_ROLLBACK_CONFIG:
                wrong = config_roll_back(fleet, action.service);
                actuator_finish(fleet, index, wrong == NULL, wrong);
                return;
        case ACTION_STOP_CONTROLLER:
                wrong = controller_stop(fleet, action.service);
                actuator_finish(fleet, index, wrong == NULL, wrong);
                return;
        case ACTION_DISABLE_HEALTH_CHECK:
                wrong = controller_stop_checks(fleet, action.service);
                actuator_finish(fleet, index, wrong == NULL, wrong);
                return;
        case ACTION_SCALE_RESOURCES:
                scale(fleet, index);
                return;
        case ACTION_INCREASE_RESOURCES:
                wrong = raise_resources(fleet, service, action.amount);
                if (wrong != NULL) {
                        actuator_finish(fleet, index, false, wrong);
                        return;
                }
                break;
        case ACTION_SHED_LOAD:
                service->shed_share = action.amount < 0 ? 0 : action.amount > 1 ? 1 : action.amount;
                admission_changed(service);
                break;
        case ACTION_SET_DEGRADATION:
                wrong = level_wrong(&action);
                if (wrong != NULL) {
                        actuator_finish(fleet, index, false, wrong);
                        return;
                }
                set_degradation(fleet, action.service, (uint32_t)action.amount, &action.level);
                break;
        case ACTION_ADJUST_TIMEOUT:
                if (action.edge >= fleet->spec->edge_count ||
                    !(action.amount > 0 && action.amount <= 1000) ||
                    fleet->edges[action.edge].timeout_ns == TIME_NEVER ||
                    fleet->edges[action.edge].timeout_ns > 1000 * NS_PER_HOUR) {
                        actuator_finish(fleet, index, false, "no such timeout");
                        return;
                }
                fleet->edges[action.edge].timeout_scale *= action.amount;
                config_settle_edge(fleet, action.edge);
                break;
        case ACTION_ENABLE_MONITORING:
                fleet->detail_until_ns = fleet->now + DETAIL_FOR_S * NS_PER_S;
                break;
        case ACTION_RECONNECT:
        case ACTION_CLEAR_CACHE:
        case ACTION_RESTORE_STATE:
        case ACTION_PURGE_QUEUE:
        case ACTION_SKIP_MESSAGE:
        case ACTION_END_SESSION: {
                const char *why = act_on_data(fleet, &action);

                actuator_finish(fleet, index, why == NULL, why);
                return;
        }
        case ACTION_ESCALATE:
                fleet_page_human(fleet, action.service, "healer");
                break;
        default:
                actuator_finish(fleet, index, false, "not an action of this fleet");
                return;
        }
        actuator_finish(fleet, index, true, "");
}

/* The actuator's time is over. */
static void actuate(void *user, uint32_t index)
{
        struct fleet *fleet = user;
        struct fleet_action action = fleet->actions[index].action;

        if (fleet_actuator_fails(fleet, &action)) {
                actuator_finish(fleet, index, false, "the actuator failed");
                return;
        }
        if (fleet_action_rows[action.kind].needs_instance)
                act_on_instance(fleet, index);
        else
                act_on_service(fleet, index);
}

static bool is_no_instance(const struct fleet *fleet, const struct fleet_action *action)
{
        bool needed = fleet_action_rows[action->kind].needs_instance;

        if (action->instance >= fleet->instance_count)
                return needed || action->instance != FLEET_NO_INDEX;
        return needed && fleet->instances[action->instance].service != action->service;
}

void fleet_act(struct fleet *fleet, const struct fleet_action *action)
{
        uint32_t index = fleet->action_free;
        const char *wrong = NULL;

        lanes_end(fleet);
        if (index != NONE) {
                fleet->action_free = fleet->actions[index].next_free;
        } else {
                if (fleet->action_count == fleet->action_capacity) {
                        uint32_t capacity = fleet->action_capacity * 2 + 16;
                        struct action_run *bigger =
                                realloc(fleet->actions, capacity * sizeof(*bigger));

                        if (bigger == NULL) {
                                fleet_break(fleet, "out of memory");
                                return;
                        }
                        fleet->actions = bigger;
                        fleet->action_capacity = capacity;
                }
                index = fleet->action_count++;
        }
        fleet->actions[index] = (struct action_run){
                .action = *action, .started_ns = fleet->now, .target = NONE, .in_use = true};
        if ((uint32_t)action->kind >= ACTION_KIND_COUNT || action->service >= fleet->service_count)
                wrong = "no such target";
        else if (is_no_instance(fleet, action))
                wrong = "no such instance";
        else if (isnan(action->amount))
                wrong = "the amount is not a number";
        if (wrong != NULL) {
                actuator_finish(fleet, index, false, wrong);
                return;
        }
        fleet_schedule(fleet, fleet->now + fleet_actuator_time_ns(fleet, action->kind),
                       hash_mix(hash_mix(0x414354u, (uint64_t)action->kind),
                                (uint64_t)action->service << 32 | action->instance),
                       actuate, fleet, index);
}
