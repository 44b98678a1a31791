/* fleet.c - a fleet from its declaration to its books: creation, event loop, end.
 *
 * The loop pops events and hands them to the file that knows what they mean.
 * At the end conservation (what arrived at a service has left it or is inside)
 * and Little's law (time integral of the number inside = sum of sojourns, to
 * the nanosecond) are checked for every service; a breach voids the run.
 */
#include <math.h>
#include <string.h>

#include "harness/fleet/data_layer.h"
#include "harness/fleet/request.h"

void fleet_note(struct fleet *fleet, const struct fleet_note *note)
{
        struct fleet_note stamped = *note;

        stamped.at_ns = fleet->now;
        if (fleet->options.host.note != NULL)
                fleet->options.host.note(fleet->options.host.user, &stamped);
}

void fleet_tell(struct fleet *fleet, const struct fleet_event *event)
{
        struct fleet_event stamped = *event;

        stamped.at_ns = fleet->now;
        if (fleet->healer_effects != NULL && fleet->options.telemetry &&
            channel_drops(fleet, event->service,
                          hash_mix(hash_mix(0x45u, (uint64_t)event->kind),
                                   (uint64_t)event->service << 32 | event->instance),
                          (uint32_t)((uint64_t)(fleet->now - fleet->start_ns) / NS_PER_MS)))
                return;
        if (fleet->options.telemetry && fleet->options.host.event != NULL)
                fleet->options.host.event(fleet->options.host.user, &stamped);
}

/* ---- creation */

static void mark_reached(struct fleet *fleet, uint32_t from, bool *reaches)
{
        const struct service_spec *spec = fleet->services[from].spec;

        if (reaches[from])
                return;
        reaches[from] = true;
        for (uint32_t i = 0; i < spec->edge_count; i++)
                mark_reached(fleet, fleet->spec->edges[spec->edge_first + i].to, reaches);
}

static bool create_services(struct fleet *fleet)
{
        for (uint32_t i = 0; i < fleet->service_count; i++) {
                struct service *service = &fleet->services[i];
                const struct service_spec *spec = &fleet->spec->services[i];

                service->spec = spec;
                service->name_hash = hash_text(spec->name);
                service->area_at_ns = fleet->start_ns;
                service->error_rate = spec->error_rate;
                service->cpu_cores = spec->cpu_cores;
                service->memory_limit_bytes = spec->memory_limit_bytes;
                service_memory_changed(service);
                service->admit_share = 1.0;
                service->feature_factor = 1.0;
                service->degrade_share = 1.0;
                service->concurrency = spec->concurrency;
                service->level_concurrency = UINT32_MAX;
                service->stopped_until_ns = INT64_MIN;
                service->checks_off_until_ns = INT64_MIN;
                service->scaler.quiet_until_ns = INT64_MIN;
                fleet->scaler_count += spec->autoscaler.present;
                if (!version_init(fleet, i))
                        return false;
                service->timeout_factor = 1.0;
                service->level_quality = 1.0f;
                service->level_since_ns = fleet->start_ns;
                service->reaches = ARENA_ARRAY(&fleet->arena, bool, fleet->service_count);
                if (service->reaches == NULL)
                        return false;
        }
        for (uint32_t i = 0; i < fleet->service_count; i++)
                mark_reached(fleet, i, fleet->services[i].reaches);
        for (uint32_t i = 0; i < fleet->service_count; i++) {
                const struct service_spec *spec = fleet->services[i].spec;

                for (uint32_t k = 0; k < spec->instance_count; k++)
                        if (instance_add(fleet, i, spec->zones[k % spec->zone_count], false,
                                         "at the start") == NONE)
                                return false;
        }
        return true;
}

static bool create_edges(struct fleet *fleet)
{
        const struct fleet_spec *spec = fleet->spec;

        for (uint32_t i = 0; i < spec->edge_count; i++) {
                const struct edge_spec *from = &spec->edges[i];

                fleet->edges[i] = (struct edge){
                        .from = from->from,
                        .to = from->to,
                        .name_hash = hash_text(from->name),
                        .name = from->name,
                        .spec = from,
                        .probability = from->probability,
                        .count = from->count,
                        .mode = (uint8_t)from->mode,
                        .balancing = (uint8_t)from->balancing,
                        .fallback_kind = (uint8_t)from->fallback,
                        .fallback_quality = from->fallback_quality,
                        .cancel_on_timeout = from->cancel_on_timeout,
                        .timeout_ns = from->timeout_ns,
                        .retry = from->retry,
                        .timeout_scale = 1,
                        .retry_credit = 10,
                };
        }
        for (uint32_t i = 0; i < spec->load_count; i++) {
                const struct load_spec *load = &spec->loads[i];
                const char *name = arena_printf(&fleet->arena, "%s->%s", load->name,
                                                spec->services[load->to].name);

                if (name == NULL)
                        return false;
                fleet->services[load->to].entry = true;
                fleet->edges[spec->edge_count + i] = (struct edge){
                        .from = NONE,
                        .to = load->to,
                        .name_hash = hash_text(name),
                        .name = name,
                        .probability = 1.0,
                        .count = 1,
                        .balancing = (uint8_t)load->balancing,
                        .patience = load->has_patience ? &load->patience : NULL,
                        .cancel_on_timeout = load->cancel_on_timeout,
                        .timeout_ns = load->timeout_ns,
                        .retry = load->retry,
                        .retry_credit = 10,
                };
        }
        return true;
}

static bool create_all(struct fleet *fleet)
{
        admission_init(fleet);
        fleet->services = ARENA_ARRAY(&fleet->arena, struct service, fleet->service_count);
        fleet->edges = ARENA_ARRAY(&fleet->arena, struct edge, fleet->edge_count);
        fleet->zone_effects =
                ARENA_ARRAY(&fleet->arena, struct effect_link *, fleet->spec->zone_count);
        if (fleet->services == NULL || fleet->edges == NULL || fleet->zone_effects == NULL ||
            !create_edges(fleet) ||
            !objective_init(fleet) || !stocks_init(fleet) || !data_init(fleet) || !create_services(fleet) || !operations_init(fleet) ||
            !load_init(fleet) || !lanes_init(fleet) ||
            !background_init(fleet) || !telemetry_init(fleet))
                return false;
        relays_init(fleet);
        event_queue_push(&fleet->queue, (fleet->start_s + 1) * NS_PER_S, 1,
                         event_payload(EV_SECOND, 0, 0));
        return fleet->broken == NULL && !fleet->queue.failed;
}

struct fleet *fleet_create(const struct fleet_options *options)
{
        struct fleet *fleet = calloc(1, sizeof(*fleet));

        if (fleet == NULL)
                return NULL;
        arena_init(&fleet->arena);
        event_queue_init(&fleet->queue);
        fleet->spec = options->spec;
        fleet->options = *options;
        fleet->key = options->key;
        fleet->start_ns = options->start_ns;
        /* Rounded down: a warm-up need not be of whole seconds. */
        fleet->start_s = (options->start_ns - (NS_PER_S - 1) * (options->start_ns < 0)) / NS_PER_S;
        fleet->now = options->start_ns;
        fleet->service_count = options->spec->service_count;
        fleet->edge_count = options->spec->edge_count + options->spec->load_count;
        fleet->call_free = NONE;
        fleet->relay_free = NONE;
        fleet->req_free = NONE;
        fleet->callback_free = NONE;
        fleet->action_free = NONE;
        fleet->phase = PHASE_BEFORE;
        fleet->bin_end_ns = options->bin_ns;
        if (!create_all(fleet)) {
                fleet_destroy(fleet);
                return NULL;
        }
        return fleet;
}

void fleet_destroy(struct fleet *fleet)
{
        if (fleet == NULL)
                return;
        for (uint32_t i = 0; fleet->services != NULL && i < fleet->service_count; i++) {
                free(fleet->services[i].members);
                free(fleet->services[i].routable);
                free(fleet->services[i].objective.bucket);
                free(fleet->services[i].measure.bins);
                free(fleet->services[i].watch.ring);
        }
        for (uint32_t i = 0; fleet->edges != NULL && i < fleet->edge_count; i++)
                free(fleet->edges[i].timers.slot);
        roll_release(fleet);
        lanes_release(fleet);
        relays_release(fleet);
        load_release(fleet);
        stocks_release(fleet);
        data_release(fleet);
        free(fleet->instances);
        free(fleet->calls);
        free(fleet->reqs);
        free(fleet->callbacks);
        free(fleet->actions);
        free(fleet->samples);
        free(fleet->incidents);
        event_queue_release(&fleet->queue);
        arena_release(&fleet->arena);
        free(fleet);
}

void fleet_policy_changed(struct fleet *fleet, uint32_t index)
{
        struct edge *edge = &fleet->edges[index];

        if (fleet->policy == NULL || index >= fleet->spec->edge_count)
                return;
        fleet->relay_era++;
        edge->policy = (struct policy_edge_settings){0};
        fleet->policy->settings(fleet->policy_state, index, &edge->policy);
        edge->guarded = edge->policy.guarded;
        fleet->turns = fleet->turns || edge->policy.queues;
        edge->fallback_kind = edge->policy.has_fallback &&
                                              !(edge->policy.fallback_kinds & 1u << edge->spec->fallback)
                                      ? FALLBACK_NONE
                                      : edge->spec->fallback;
        config_settle_edge(fleet, index);
        turns_come(fleet); /* who waited for the old rules asks the new ones */
}

void fleet_set_policies(struct fleet *fleet, const struct fleet_policy_ops *ops, void *state)
{
        fleet->policy = ops;
        fleet->policy_state = state;
        for (uint32_t i = 0; i < fleet->spec->edge_count; i++)
                fleet_policy_changed(fleet, i);
}

/* ---- the loop */

void fleet_schedule(struct fleet *fleet, int64_t at_ns, uint64_t ident,
                    void (*fn)(void *user, uint32_t index), void *user, uint32_t argument)
{
        uint32_t index = fleet->callback_free;

        if (index != NONE) {
                fleet->callback_free = fleet->callbacks[index].next_free;
        } else {
                if (fleet->callback_count == fleet->callback_capacity) {
                        uint32_t capacity = fleet->callback_capacity * 2 + 16;
                        struct callback *bigger =
                                realloc(fleet->callbacks, capacity * sizeof(*bigger));

                        if (bigger == NULL) {
                                fleet_break(fleet, "out of memory");
                                return;
                        }
                        fleet->callbacks = bigger;
                        fleet->callback_capacity = capacity;
                }
                index = fleet->callback_count++;
        }
        fleet->callbacks[index] = (struct callback){fn, user, argument, NONE};
        event_queue_push(&fleet->queue, at_ns < fleet->now ? fleet->now : at_ns, ident,
                         event_payload(EV_CALLBACK, 0, index));
}

static void call_back(struct fleet *fleet, uint32_t index)
{
        struct callback callback = fleet->callbacks[index];

        fleet->callbacks[index].next_free = fleet->callback_free;
        fleet->callback_free = index;
        callback.fn(callback.user, callback.index);
}

/* At t = 0 the measured part begins: integrals start from nothing. */
static void measuring_begins(struct fleet *fleet)
{
        for (uint32_t i = 0; i < fleet->service_count; i++) {
                struct service *service = &fleet->services[i];

                service_touch(fleet, service);
                watch_begins_anew(service);
                service->queue_area = 0;
                service->busy_area = 0;
                service->system_area = 0;
                service->worker_area = 0;
                service->up_area = 0;
                service->want_area = 0;
                service->sojourn_sum = 0;
                service->bin_queue_area = 0;
                service->bin_busy_area = 0;
                service->bin_worker_area = 0;
                service->measure.bin_count = 0;
                service->bin = (struct series_bin){0};
                hist_reset(service->bin_hist);
        }
        fleet->phase_since_ns = 0;
}

/* Time-driven leaks: found within a second of the limit. */
static void check_memory(struct fleet *fleet)
{
        for (uint32_t i = 0; i < fleet->instance_count; i++) {
                struct instance *instance = &fleet->instances[i];
                double limit = instance_memory_limit(&fleet->services[instance->service], instance);

                if (!instance_has_effects(fleet, instance) || limit <= 0 || instance->state == INSTANCE_DOWN ||
                    instance->state == INSTANCE_BOOTING || instance->state == INSTANCE_GONE)
                        continue;
                if (instance_memory_bytes(fleet, instance) > limit)
                        instance_exit(fleet, i, 137, true, "out of memory");
        }
}

static void second_ends(struct fleet *fleet)
{
        objective_second(fleet);
        operations_second(fleet);
        if (fleet->scaler_count > 0)
                controller_second(fleet);
        if (fleet->roll_count > 0)
                roll_second(fleet);
        if (fleet->leak_links + fleet->memory_watched > 0)
                check_memory(fleet);
        if (fleet->surge_links > 0)
                load_second(fleet);
        if (fleet->holding_links > 0)
                holdings_second(fleet);
        if (fleet->now == fleet->measured_from_ns)
                measuring_begins(fleet);
        if (fleet->now >= fleet->bin_end_ns) {
                objective_bin_end(fleet);
                fleet->bin_end_ns += fleet->options.bin_ns;
        }
        event_queue_push(&fleet->queue, fleet->now + NS_PER_S, 1, event_payload(EV_SECOND, 0, 0));
}

/* Events that are no more than a request on its way. */
static bool is_of_a_request(enum event_kind kind)
{
        const uint32_t kinds = 1u << EV_ARRIVAL | 1u << EV_WORKED | 1u << EV_REACH |
                               1u << EV_ANSWER | 1u << EV_RETRY | 1u << EV_TIMEOUT |
                               1u << EV_TIMER_RING | 1u << EV_RELAY | 1u << EV_TURN;

        return kinds >> kind & 1;
}

/* What requests in lanes and relays are to be for an event of another kind. Nobody
 * else calls where lanes are, and relays give way by themselves. */
static void leave_lanes(struct fleet *fleet, enum event_kind kind)
{
        switch (kind) {
        case EV_USER:
                if (fleet->lane_pending > 0)
                        lanes_end(fleet);
                break;
        case EV_SECOND:
                if (fleet->scaler_count + fleet->roll_count + fleet->leak_links +
                            fleet->memory_watched + fleet->surge_links + fleet->holding_links >
                    0) {
                        lanes_end(fleet);
                        break;
                }
                lanes_settle(fleet, fleet->at_ident, LANE_LOOK_SECOND);
                relays_settle(fleet, LANE_LOOK_SECOND);
                break;
        case EV_TELEMETRY:
                lanes_settle(fleet, fleet->at_ident, LANE_LOOK_TELEMETRY);
                relays_settle(fleet, LANE_LOOK_TELEMETRY);
                break;
        default:
                lanes_end(fleet);
                break;
        }
}

static void check_on_the_way(struct fleet *fleet);

bool fleet_run_until(struct fleet *fleet, int64_t until_ns)
{
        struct event event;

        fleet->until_ns = until_ns;
        fleet->relay_era++;
        while (fleet->broken == NULL && event_queue_pop_before(&fleet->queue, until_ns, &event)) {
                uint32_t index = event_index(event.payload);
                uint32_t generation = event_generation(event.payload);
                enum event_kind kind = (enum event_kind)event_type(event.payload);

                fleet->now = event.at_ns;
                fleet->at_ident = event.ident;
                fleet->events++;
                if (!is_of_a_request(kind))
                        leave_lanes(fleet, kind);
                switch (kind) {
                case EV_ARRIVAL:
                        load_arrival(fleet, index, generation);
                        break;
                case EV_WORKED:
                        request_worked(fleet, index, generation);
                        break;
                case EV_REACH:
                case EV_RESUME:
                case EV_CLOSED:
                case EV_ANSWER:
                case EV_RETRY:
                case EV_TIMEOUT:
                case EV_GRANTED:
                case EV_TURN:
                case EV_STORE:
                case EV_ROOM:
                        request_event(fleet, kind, index, generation);
                        break;
                case EV_RELAY:
                        relay_worked(fleet, index, generation);
                        break;
                case EV_TIMER_RING:
                        timer_ring_due(fleet, index);
                        break;
                case EV_USER:
                        load_user_ready(fleet, index);
                        break;
                case EV_SECOND:
                        second_ends(fleet);
                        break;
                case EV_TELEMETRY:
                        telemetry_interval_end(fleet);
                        break;
                case EV_CALLBACK:
                        call_back(fleet, index);
                        break;
                case EV_INSTANCE:
                        instance_timer(fleet, index, generation);
                        break;
                case EV_HEALTH:
                        instance_health(fleet, index);
                        break;
                case EV_HEARTBEAT:
                        instance_heartbeat(fleet, index, generation);
                        break;
                }
        }
        if (fleet->queue.failed)
                fleet_break(fleet, "out of memory");
        if (fleet->broken == NULL) {
                fleet->now = until_ns;
                fleet->at_ident = 0; /* before whatever is due then */
                lanes_end(fleet);
                check_on_the_way(fleet);
        }
        return fleet->broken == NULL;
}

void fleet_set_phase(struct fleet *fleet, enum run_phase phase)
{
        if (fleet->now > fleet->measured_from_ns) {
                double seconds = (double)(fleet->now - fleet->phase_since_ns) * 1e-9;

                for (uint32_t i = 0; i < fleet->service_count; i++)
                        fleet->services[i].measure.phase[fleet->phase].seconds += seconds;
                fleet->phase_since_ns = fleet->now;
        }
        fleet->phase = phase;
}

/* ---- looking */

int64_t fleet_now(const struct fleet *fleet)
{
        return fleet->now;
}

const char *fleet_broken(const struct fleet *fleet)
{
        return fleet->broken;
}

uint32_t fleet_edge_count(const struct fleet *fleet)
{
        return fleet->edge_count;
}

const char *fleet_edge_name(const struct fleet *fleet, uint32_t edge)
{
        return fleet->edges[edge].name;
}

uint64_t fleet_edge_refused(const struct fleet *fleet, uint32_t edge)
{
        return fleet->edges[edge].refused;
}

uint32_t fleet_instance_count(const struct fleet *fleet)
{
        return fleet->instance_count;
}

const char *fleet_instance_name(const struct fleet *fleet, uint32_t instance)
{
        return fleet->instances[instance].name;
}

enum instance_state fleet_instance_state(const struct fleet *fleet, uint32_t instance)
{
        return (enum instance_state)fleet->instances[instance].state;
}

const char *fleet_service_version(const struct fleet *fleet, uint32_t service)
{
        return fleet->services[service].stable->name;
}

const bool *fleet_reaches(const struct fleet *fleet, uint32_t service)
{
        return fleet->services[service].reaches;
}

/* ---- the end */

static void check_books(struct fleet *fleet, const struct service *service, uint64_t still_inside,
                        uint64_t still_sojourn)
{
        const struct service_measure *m = &service->measure;

        if (m->arrived != m->completed + m->dropped + m->abandoned + m->lost + m->rejected + still_inside)
                fleet_break(fleet, "conservation: what arrived at a service is not what left or is inside");
        if (service->system_area != service->sojourn_sum + still_sojourn)
                fleet_break(fleet, "Little's law: the time integral inside a service is not the sum of sojourns");
}

/* Attempts of the measured part that are inside at the end, and their time. */
static void count_inside(const struct fleet *fleet, const struct list *list, uint64_t *inside,
                         uint64_t *sojourn)
{
        for (uint32_t at = list->head; at != NONE; at = fleet->reqs[at].next) {
                int64_t from_ns = fleet->reqs[at].arrived_ns;

                if (from_ns >= fleet->measured_from_ns)
                        ++*inside;
                else
                        from_ns = fleet->measured_from_ns;
                if (fleet->now > from_ns)
                        *sojourn += (uint64_t)(fleet->now - from_ns);
        }
}

/* Of all that are inside a service: how many, and their time. */
static void count_all_inside(const struct fleet *fleet, uint32_t index, uint64_t *inside, uint64_t *sojourn)
{
        const struct service *service = &fleet->services[index];

        for (uint32_t i = 0; i < fleet->instance_count; i++) {
                if (fleet->instances[i].service != index)
                        continue;
                count_inside(fleet, &fleet->instances[i].queue, inside, sojourn);
                count_inside(fleet, &fleet->instances[i].inside, inside, sojourn);
        }
        if (service->messages != NULL) {
                count_inside(fleet, &service->messages->ready, inside, sojourn);
                count_inside(fleet, &service->messages->unacked, inside, sojourn);
        }
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LOOKS_ON_THE_WAY true
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define LOOKS_ON_THE_WAY true
#endif
#ifndef LOOKS_ON_THE_WAY
#define LOOKS_ON_THE_WAY false
#endif

/* The books are closed once, at the end. Where a sanitizer looks at everything else they are looked
 * at wherever a run pauses, too: what two mistakes would level out by then is found, and when. */
static void check_on_the_way(struct fleet *fleet)
{
        if (!LOOKS_ON_THE_WAY)
                return;
        if (data_check(fleet) != NULL)
                fleet_break(fleet, data_check(fleet));
        for (uint32_t i = 0; fleet->now > fleet->measured_from_ns && i < fleet->service_count; i++) {
                uint64_t inside = 0, sojourn = 0;

                service_touch(fleet, &fleet->services[i]);
                count_all_inside(fleet, i, &inside, &sojourn);
                check_books(fleet, &fleet->services[i], inside, sojourn);
        }
}

static bool close_service(struct fleet *fleet, uint32_t index)
{
        struct service *service = &fleet->services[index];
        struct service_measure *m = &service->measure;
        uint64_t inside = 0, sojourn = 0, ended = 0;
        size_t skip = (size_t)(-fleet->start_s);
        size_t seconds = fleet->now > 0 ? (size_t)(fleet->now / NS_PER_S) : 0;

        service_touch(fleet, service);
        count_all_inside(fleet, index, &inside, &sojourn);
        check_books(fleet, service, inside, sojourn);
        for (int p = 0; p < PHASE_COUNT; p++)
                for (int o = 0; o < CALL_OUTCOME_COUNT; o++)
                        ended += m->phase[p].outcome[o];
        m->unfinished = m->calls - ended;
        m->service_sum_s = (double)service->work_sum * 1e-9;
        m->observed_s = (double)fleet->now * 1e-9;
        m->queue_area_s = (double)service->queue_area * 1e-9;
        m->busy_area_s = (double)service->busy_area * 1e-9;
        m->worker_area_s = (double)service->worker_area * 1e-9;
        m->system_area_s = (double)service->system_area * 1e-9;
        m->sojourn_sum_s = (double)(service->sojourn_sum + sojourn) * 1e-9;
        m->up_area_s = (double)service->up_area * 1e-9;
        m->instance_area_s = (double)service->want_area * 1e-9;
        m->bin_ns = fleet->options.bin_ns;
        m->seconds = calloc(seconds + 1, sizeof(*m->seconds));
        if (m->seconds == NULL)
                return false;
        m->second_count = seconds;
        for (size_t i = 0; i < seconds && skip + i < service->objective.capacity; i++)
                m->seconds[i] = service->objective.bucket[skip + i];
        if (service->level > 0)
                service->degraded_s +=
                        (double)(fleet->now - (service->level_since_ns > 0 ? service->level_since_ns : 0)) * 1e-9;
        return true;
}

static void close_incidents(struct fleet *fleet)
{
        for (size_t i = 0; i < fleet->incident_count; i++) {
                struct incident *incident = &fleet->incidents[i];
                const struct objective *objective = &fleet->services[incident->service].objective;
                int64_t end_ns;

                if (incident->closed_ns == TIME_NEVER)
                        incident->restored_ns = TIME_NEVER;
                end_ns = incident->restored_ns == TIME_NEVER ? fleet->now : incident->restored_ns;
                for (int64_t s = incident->onset_ns / NS_PER_S; s < end_ns / NS_PER_S; s++) {
                        const struct second_bucket *bucket = &objective->bucket[s - fleet->start_s];

                        incident->bad_requests += bucket->bad;
                        incident->requests += (uint64_t)bucket->good + bucket->bad;
                }
        }
}

static int by_service_then_onset(const void *left, const void *right)
{
        const struct incident *a = left, *b = right;

        if (a->service != b->service)
                return a->service < b->service ? -1 : 1;
        return a->onset_ns < b->onset_ns ? -1 : a->onset_ns > b->onset_ns;
}

struct service_measure *fleet_finish(struct fleet *fleet, struct fleet_totals *totals,
                                     struct incident **incidents, size_t *incident_count)
{
        struct service_measure *measures = calloc(fleet->service_count, sizeof(*measures));
        uint64_t ended = 0;
        double declared_s = 0;

        *totals = (struct fleet_totals){0};
        if (measures == NULL)
                return NULL;
        if (fleet->now > fleet->measured_from_ns)
                fleet_set_phase(fleet, fleet->phase);
        else
                measuring_begins(fleet); /* ended before it began: nothing was measured */
        for (uint32_t i = 0; i < fleet->service_count; i++) {
                if (!close_service(fleet, i)) {
                        service_measures_free(measures, fleet->service_count);
                        return NULL;
                }
                measures[i] = fleet->services[i].measure;
                fleet->services[i].measure.bins = NULL;
                actuator_count_raised(fleet, &fleet->services[i]);
                totals->instance_seconds +=
                        measures[i].instance_area_s + fleet->services[i].raised_s;
                declared_s += fleet->spec->services[i].instance_count * measures[i].observed_s;
                totals->degraded_s += fleet->services[i].degraded_s;
        }
        if (data_check(fleet) != NULL)
                fleet_break(fleet, data_check(fleet));
        close_incidents(fleet);
        if (fleet->incident_count > 1)
                qsort(fleet->incidents, fleet->incident_count, sizeof(*fleet->incidents),
                      by_service_then_onset);
        totals->instance_seconds_added =
                totals->instance_seconds > declared_s ? totals->instance_seconds - declared_s : 0;
        totals->human_pages = fleet->human_pages;
        totals->failed_user_s = (double)load_failed_user_ns(fleet) * 1e-9;
        totals->root_requests = fleet->root_requests;
        for (int o = 0; o < CALL_OUTCOME_COUNT; o++) {
                totals->root_outcome[o] = fleet->root_outcome[o];
                ended += fleet->root_outcome[o];
        }
        totals->root_unfinished = fleet->root_requests - ended;
        for (uint32_t i = 0; i < fleet->spec->load_count; i++)
                if (fleet->spec->loads[i].process != LOAD_CLOSED)
                        totals->arrival_hash = hash_mix(totals->arrival_hash, fleet->sources[i].hash);
        totals->draw_hash = fleet->draw_hash;
        totals->events = fleet->events;
        *incidents = fleet->incidents;
        *incident_count = fleet->incident_count;
        fleet->incidents = NULL;
        fleet->incident_count = 0;
        return measures;
}

void service_measures_free(struct service_measure *measures, uint32_t count)
{
        for (uint32_t i = 0; measures != NULL && i < count; i++) {
                free(measures[i].seconds);
                free(measures[i].bins);
        }
        free(measures);
}
