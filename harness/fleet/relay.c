/* relay.c - requests that pass through a chain of quiet services in one record.
 *
 * Where every service on the way has one worker, first come first served, frees it
 * for its calls (`hold: "work"`), calls one other at most, and the network takes no
 * time, an attempt has one thing to wait for at a time: the end of its work at the
 * place where it is, which is known when it comes there (the later of now and the end
 * of the one before it, and its own work: Lindley's recursion). So one record goes
 * from place to place instead of a call and a req for each, with one event a place,
 * and the answer runs back through all of them at once.
 *
 * The first call, with its timer, retries and outcome, is an ordinary one: only what
 * it sent out is a relay. A stay is counted when it ends, in whole numbers, so it does
 * not matter that this is later than it began; sums of doubles belong to one instance
 * and are made in its order. Looks (a second's end, telemetry) first count what was
 * so far (relays_settle). Whoever wants single requests, or changes what they meet,
 * finds ordinary calls and reqs in their places: relays_end() before disturbances,
 * relay_instance_ends() where an ordinary one comes to a place, and by itself where
 * the way ahead is not quiet.
 *
 * What may go this way is decided in service_may() (what cannot change),
 * way_is_quiet() and line_is_plain() (what can; looked at again in each `era`,
 * which ends with every event that is no request). A new mechanism that touches a
 * request is to be asked for there. tests/test_relay.c runs fleets both ways.
 *
 * 176 bytes an attempt, for all of its hops; at most LINE_MAX of them a place.
 */
#include <string.h>

#include "harness/fleet/data_layer.h"
#include "harness/fleet/request.h"

/* A longer line is of ordinary requests: they are smaller while they wait, and have
 * no event before they work. */
enum { HOPS = FLEET_RELAY_HOPS, LINE_MAX = 64 };

struct relay {
        uint64_t uid, first_uid;    /* of the present hop's attempt; of the first */
        int64_t started_ns, end_ns; /* of its work at the present hop */
        int64_t arrived_ns[HOPS];
        uint32_t instance[HOPS];
        uint32_t call, call_token, edge; /* whose attempt it is */
        uint32_t generation;
        uint32_t next; /* behind it at its place, or free */
        float cost;
        uint16_t priority;
        uint8_t hop;
        uint8_t ticketed; /* a bit a hop: its guard waits for a report */
        struct policy_ticket ticket[HOPS];
};

/* Relays at an instance, in order: the first works, the others wait. */
struct relay_line {
        int64_t end_ns; /* of the last one */
        uint32_t head, tail, count;
        uint32_t era; /* in which `plain` was looked at */
        bool plain;
};

static int64_t later(int64_t a_ns, int64_t b_ns)
{
        return a_ns > b_ns ? a_ns : b_ns;
}

/* ---- who may */

static bool service_may(const struct fleet *fleet, uint32_t index)
{
        const struct fleet_spec *spec = fleet->spec;
        const struct service_spec *service = &spec->services[index];

        for (uint32_t i = 0; i < spec->load_count; i++)
                if (spec->loads[i].to == index && fleet->sources[i].lane)
                        return false; /* lanes are faster still */
        for (uint32_t i = 0; i < fleet->edge_count; i++)
                if (fleet->edges[i].to == index && fleet->edges[i].balancing != BALANCE_RANDOM &&
                    fleet->edges[i].balancing != BALANCE_ROUND_ROBIN)
                        return false; /* somebody looks how many are there */
        return service->concurrency == 1 && service->discipline == DISCIPLINE_FIFO &&
               service->queue_max == QUEUE_UNBOUNDED && service->memory_limit_bytes == 0 &&
               service->fd_limit == 0 && service->data == DATA_NONE &&
               !service->autoscaler.present && service->cpu_share <= service->cpu_cores &&
               (service->warm_up_ns <= 0 || service->warm_up_factor <= 1.0) &&
               service->feature_count == 0 && service->edge_count <= 1 &&
               (service->edge_count == 0 || service->hold == HOLD_WORK);
}

/* Calls from here on are judged when they end and at no age before. */
static bool inner_may(const struct fleet_spec *spec, const struct edge_spec *edge)
{
        const struct slo_spec *slo = &spec->services[edge->to].slo;

        return edge->mode == CALL_SEQUENTIAL && (!slo->present || slo->latency_ns == TIME_NEVER);
}

/* Services from `index` on, itself included; 0: its requests are ordinary ones. */
static uint8_t depth_of(const struct fleet *fleet, uint32_t index)
{
        const struct fleet_spec *spec = fleet->spec;

        for (uint32_t depth = 1; depth <= HOPS; depth++) {
                const struct edge_spec *edge = &spec->edges[spec->services[index].edge_first];

                if (!service_may(fleet, index))
                        return 0;
                if (spec->services[index].edge_count == 0)
                        return (uint8_t)depth;
                if (!inner_may(spec, edge))
                        return 0;
                index = edge->to;
        }
        return 0;
}

void relays_init(struct fleet *fleet)
{
        const struct fleet_spec *spec = fleet->spec;

        if (spec->zone_count > 1 && spec->zone_latency_ns > 0)
                return;
        for (uint32_t i = 0; i < spec->zone_count; i++)
                if (spec->zones[i].latency_ns > 0)
                        return;
        for (uint32_t i = 0; i < fleet->service_count; i++)
                fleet->services[i].relay_depth = depth_of(fleet, i);
}

void relays_release(struct fleet *fleet)
{
        free(fleet->relays);
        free(fleet->relay_lines);
}

static bool edge_is_quiet(const struct edge *edge)
{
        return edge->effects == NULL && edge->special == 0 && edge->probability >= 1 &&
               edge->count == 1 && edge->timeout_ns == TIME_NEVER && edge->patience == NULL &&
               !(edge->guarded && edge->policy.queues);
}

static bool service_is_quiet(const struct fleet *fleet, const struct service *service)
{
        return service->effects == NULL && service->error_rate <= 0 &&
               service->admit_share >= 1.0 && service->level == 0 &&
               service->level_quality >= 1.0f && service->feature_factor == 1.0 &&
               service->watch.length == 0 && service->concurrency == 1 && service->config == NULL &&
               fleet->zone_links == 0 && fleet->way_links == 0 && fleet->clock_links == 0 &&
               fleet->stocks == NULL && !fleet->lanes_closed;
}

/* The service, the call that it makes, and the services behind that. */
static bool way_is_quiet(const struct fleet *fleet, const struct service *service)
{
        for (uint8_t depth = service->relay_depth; depth > 0; depth--) {
                const struct edge *edge = &fleet->edges[service->spec->edge_first];

                if (!service_is_quiet(fleet, service))
                        return false;
                if (depth == 1)
                        return true;
                if (!edge_is_quiet(edge))
                        return false;
                service = &fleet->services[edge->to];
        }
        return false;
}

static inline bool way_is_open(const struct fleet *fleet, struct service *service)
{
        if (service->relay_era != fleet->relay_era) {
                service->relay_era = fleet->relay_era;
                service->relay_open = way_is_quiet(fleet, service);
        }
        return service->relay_open;
}

static bool line_is_plain(const struct instance *instance)
{
        return instance->state == INSTANCE_UP && instance->effects == NULL &&
               instance->params == NULL && instance->holdings == NULL && instance->stopped == 0 &&
               instance->stood_still_ns == 0 && instance->batch_load <= 0;
}

/* One line for every instance that there is. */
static bool lines_reserve(struct fleet *fleet)
{
        struct relay_line *bigger =
                realloc(fleet->relay_lines, fleet->instance_count * sizeof(*bigger));

        if (bigger == NULL) {
                fleet_break(fleet, "out of memory");
                return false;
        }
        for (uint32_t i = fleet->relay_line_count; i < fleet->instance_count; i++)
                bigger[i] = (struct relay_line){.head = NONE};
        fleet->relay_lines = bigger;
        fleet->relay_line_count = fleet->instance_count;
        return true;
}

/* Whether all who wait or work at an instance are relays, and nothing befalls them. */
static inline bool line_is_open(struct fleet *fleet, uint32_t index)
{
        const struct instance *instance = &fleet->instances[index];
        struct relay_line *line;

        if (index >= fleet->relay_line_count && !lines_reserve(fleet))
                return false;
        line = &fleet->relay_lines[index];
        if (line->era != fleet->relay_era) {
                line->era = fleet->relay_era;
                line->plain = line_is_plain(instance);
        }
        return line->plain && line->count < LINE_MAX &&
               instance->coming + instance->queue.length + instance->busy == 0;
}

/* ---- the pool */

static uint32_t relay_new(struct fleet *fleet)
{
        uint32_t index = fleet->relay_free;

        if (index != NONE) {
                fleet->relay_free = fleet->relays[index].next;
                return index;
        }
        if (fleet->relay_count == fleet->relay_capacity) {
                uint32_t capacity = fleet->relay_capacity == 0 ? 64 : fleet->relay_capacity * 2;
                struct relay *bigger = realloc(fleet->relays, capacity * sizeof(*bigger));

                if (bigger == NULL) {
                        fleet_break(fleet, "out of memory");
                        return NONE;
                }
                fleet->relays = bigger;
                fleet->relay_capacity = capacity;
        }
        fleet->relays[fleet->relay_count].generation = 0;
        return fleet->relay_count++;
}

static void relay_drop(struct fleet *fleet, uint32_t index)
{
        struct relay *relay = &fleet->relays[index];

        relay->generation++;
        relay->next = fleet->relay_free;
        fleet->relay_free = index;
}

/* ---- counting a stay */

static void cpu_until(const struct fleet *fleet, const struct service *service,
                      struct instance *instance, int64_t from_ns, int64_t to_ns)
{
        if (!fleet->options.telemetry)
                return;
        from_ns = later(from_ns, instance->cpu_at_ns);
        if (to_ns > from_ns)
                instance->cpu_area_s += service->spec->cpu_share * (double)(to_ns - from_ns) * 1e-9;
        instance->cpu_at_ns = to_ns;
}

/* Its wait and work at the present hop, up to now, in the integrals. */
static void integrate(const struct fleet *fleet, struct service *service, const struct relay *relay)
{
        int64_t came_ns = later(relay->arrived_ns[relay->hop], fleet->relays_settled_ns);
        int64_t began_ns = later(relay->started_ns, fleet->relays_settled_ns);

        if (fleet->now <= began_ns) {
                service->queue_area += (uint64_t)(fleet->now - came_ns);
                return;
        }
        service->queue_area += (uint64_t)(began_ns - came_ns);
        service->busy_area += (uint64_t)(fleet->now - began_ns);
}

/* The same of its being at all places from the first to here. */
static void integrate_inside(const struct fleet *fleet, const struct relay *relay)
{
        for (uint8_t hop = 0; hop <= relay->hop; hop++)
                fleet->services[fleet->instances[relay->instance[hop]].service].system_area +=
                        (uint64_t)(fleet->now -
                                   later(relay->arrived_ns[hop], fleet->relays_settled_ns));
}

static void count_start(const struct fleet *fleet, struct service *service,
                        const struct relay *relay)
{
        int64_t arrived_ns = relay->arrived_ns[relay->hop];

        if (arrived_ns < fleet->measured_from_ns)
                return;
        service->measure.started++;
        hist_add(&service->measure.waiting, relay->started_ns - arrived_ns);
}

static void settle_line(struct fleet *fleet, uint32_t index, enum lane_look look)
{
        const struct relay_line *line = &fleet->relay_lines[index];
        struct instance *instance = &fleet->instances[index];
        struct service *service = &fleet->services[instance->service];
        uint32_t at = line->head;

        for (uint32_t i = 0; i < line->count; i++, at = fleet->relays[at].next) {
                integrate(fleet, service, &fleet->relays[at]);
                integrate_inside(fleet, &fleet->relays[at]);
        }
        if (line->count > 0 && look == LANE_LOOK_TELEMETRY)
                cpu_until(fleet, service, instance, fleet->relays[line->head].started_ns,
                          fleet->now);
}

void relays_settle(struct fleet *fleet, enum lane_look look)
{
        fleet->relay_era++;
        for (uint32_t i = 0; i < fleet->relay_line_count && fleet->relays_out > 0; i++)
                settle_line(fleet, i, look);
        fleet->relays_settled_ns = fleet->now;
}

uint32_t relay_waiting(const struct fleet *fleet, uint32_t instance)
{
        if (instance >= fleet->relay_line_count || fleet->relay_lines[instance].count == 0)
                return 0;
        return fleet->relay_lines[instance].count - 1;
}

/* ---- back to calls and reqs */

static void place_queued(struct fleet *fleet, struct service *service, struct instance *instance,
                         uint32_t ri)
{
        service->waiting++;
        fleet->reqs[ri].state = REQ_QUEUED;
        list_append(fleet, &instance->queue, ri);
}

static void place_working(struct fleet *fleet, const struct relay *relay, struct service *service,
                          struct instance *instance, uint32_t ri)
{
        struct req *req = &fleet->reqs[ri];

        count_start(fleet, service, relay);
        if (fleet->options.telemetry)
                instance->cpu_at_ns = later(instance->cpu_at_ns, relay->started_ns);
        service->busy++;
        instance->busy++;
        instance->working++;
        req->state = REQ_WORKING;
        req->has_worker = true;
        req->started_ns = relay->started_ns;
        req->work_ns = relay->end_ns; /* it never stood still */
        list_append(fleet, &instance->inside, ri);
        event_queue_push(&fleet->queue, relay->end_ns, req->uid,
                         event_payload(EV_WORKED, req->generation, ri));
}

/* It has done its own work there; the call that it makes is there or not yet. */
static void place_calling(struct fleet *fleet, struct instance *instance, uint32_t ri, bool called)
{
        struct req *req = &fleet->reqs[ri];

        req->state = REQ_CALLING;
        req->call_done = called;
        req->pending = called;
        list_append(fleet, &instance->inside, ri);
}

/* The call that req `parent` makes from hop to hop; its token is in `*token`. */
static uint32_t inner_call(struct fleet *fleet, const struct relay *relay, uint8_t hop,
                           uint32_t edge, uint64_t uid, uint32_t parent)
{
        uint32_t index = call_new(fleet);
        struct call *call;

        if (index == NONE)
                return NONE;
        call = &fleet->calls[index];
        call->uid = uid;
        call->edge = edge;
        call->parent = parent;
        call->parent_generation = fleet->reqs[parent].generation;
        call->priority = relay->priority;
        call->cost = relay->cost;
        call->attempt = 0;
        call->judged = false;
        call->first_at_ns = relay->arrived_ns[hop];
        call->sent_at_ns = relay->arrived_ns[hop];
        call->state = CALL_WAITING;
        call->token++;
        call->ticket_state = relay->ticketed >> hop & 1 ? TICKET_IN : TICKET_NONE;
        call->ticket = relay->ticket[hop];
        call->holds = 0;
        call->req = NONE;
        return index;
}

static uint32_t hop_req(struct fleet *fleet, const struct relay *relay, uint8_t hop, uint32_t call,
                        uint32_t token, uint32_t edge, uint64_t uid)
{
        uint32_t ri = req_make(fleet, call, uid, rng_draw(fleet->key, uid, RNG_HOP, 0));
        struct req *req;

        if (ri == NONE)
                return NONE;
        req = &fleet->reqs[ri];
        req->call_token = token; /* the first call may be another by now */
        req->edge = edge;
        req->priority = relay->priority;
        req->cost = relay->cost;
        req->row = 0;
        req->instance = relay->instance[hop];
        req->arrived_ns = relay->arrived_ns[hop];
        req->started_ns = relay->arrived_ns[hop];
        req->work_ns =
                relay->end_ns - relay->started_ns; /* of the present hop: others have worked */
        if (fleet->calls[call].token == token && fleet->calls[call].state == CALL_WAITING) {
                fleet->calls[call].req = ri;
                fleet->calls[call].req_generation = req->generation;
        }
        return ri;
}

/* Ordinary calls and reqs in place of a relay that is in no line; its last req. */
static uint32_t become(struct fleet *fleet, uint32_t index, enum req_state last)
{
        const struct relay relay = fleet->relays[index];
        uint32_t call = relay.call, token = relay.call_token, edge = relay.edge, ri = NONE;
        uint64_t uid = relay.first_uid;

        integrate_inside(fleet, &relay);
        fleet->in_flight -= relay.hop + 1u; /* the reqs count themselves */
        relay_drop(fleet, index);
        for (uint8_t hop = 0; hop <= relay.hop; hop++) {
                struct instance *instance = &fleet->instances[relay.instance[hop]];
                struct service *service;

                if (hop > 0) {
                        edge = fleet->edges[edge].to;
                        edge = fleet->services[edge].spec->edge_first;
                        uid = hash_mix(hash_mix(uid, fleet->edges[edge].name_hash), 0);
                        call = inner_call(fleet, &relay, hop, edge, uid, ri);
                        if (call == NONE)
                                return NONE;
                        token = fleet->calls[call].token;
                        uid = hash_mix(uid, 1);
                }
                ri = hop_req(fleet, &relay, hop, call, token, edge, uid);
                if (ri == NONE)
                        return NONE;
                service = &fleet->services[instance->service];
                service_touch(fleet, service);
                service->inside++;
                if (hop < relay.hop || last == REQ_CALLING)
                        place_calling(fleet, instance, ri, hop < relay.hop);
                else if (last == REQ_WORKING)
                        place_working(fleet, &relay, service, instance, ri);
                else
                        place_queued(fleet, service, instance, ri);
        }
        return ri;
}

void relay_instance_ends(struct fleet *fleet, uint32_t index)
{
        struct service *service = &fleet->services[fleet->instances[index].service];
        struct relay_line line;

        if (index >= fleet->relay_line_count || fleet->relay_lines[index].count == 0)
                return;
        line = fleet->relay_lines[index];
        fleet->relay_lines[index] = (struct relay_line){.head = NONE};
        fleet->relays_out -= line.count;
        for (uint32_t i = 0; i < line.count && fleet->broken == NULL; i++) {
                uint32_t at = line.head;

                line.head = fleet->relays[at].next;
                integrate(fleet, service, &fleet->relays[at]);
                become(fleet, at, i == 0 ? REQ_WORKING : REQ_QUEUED);
        }
}

void relays_end(struct fleet *fleet)
{
        fleet->relay_era++;
        for (uint32_t i = 0; i < fleet->relay_line_count && fleet->relays_out > 0; i++)
                relay_instance_ends(fleet, i);
}

/* ---- on its way */

static inline void relay_reach(struct fleet *fleet, uint32_t index, uint32_t at,
                               struct service *service, int64_t work_ns)
{
        struct relay *relay = &fleet->relays[index];
        struct relay_line *line = &fleet->relay_lines[at];

        relay->arrived_ns[relay->hop] = fleet->now;
        relay->instance[relay->hop] = at;
        relay->started_ns = line->count > 0 ? line->end_ns : fleet->now;
        relay->end_ns = relay->started_ns + work_ns;
        line->end_ns = relay->end_ns;
        if (line->count++ == 0)
                line->head = index;
        else
                fleet->relays[line->tail].next = index;
        line->tail = index;
        fleet->relays_out++;
        service->measure.arrived += fleet->now >= fleet->measured_from_ns;
        event_queue_push(&fleet->queue, relay->end_ns, relay->uid,
                         event_payload(EV_RELAY, relay->generation, index));
}

bool relay_takes(struct fleet *fleet, uint32_t call_index, uint64_t uid, uint32_t at,
                 int64_t work_ns)
{
        struct call *call = &fleet->calls[call_index];
        const struct edge *edge = &fleet->edges[call->edge];
        struct service *service = &fleet->services[edge->to];
        struct relay *relay;
        uint32_t index;

        if (!way_is_open(fleet, service) || edge->effects != NULL || edge->special != 0 ||
            call->ticket_state != TICKET_NONE || call->holds != 0 || edge->cancel_on_timeout ||
            !line_is_open(fleet, at))
                return false;
        index = relay_new(fleet);
        if (index == NONE || !request_comes_in(fleet))
                return true; /* and the run is over */
        relay = &fleet->relays[index];
        relay->uid = uid;
        relay->first_uid = uid;
        relay->call = call_index;
        relay->call_token = call->token;
        relay->edge = call->edge;
        relay->cost = call->cost;
        relay->priority = call->priority;
        relay->hop = 0;
        relay->ticketed = 0;
        call_start_timer(fleet, call_index);
        relay_reach(fleet, index, at, service, work_ns);
        return true;
}

/* Goes on as an ordinary request that is about to make its call. */
static void hop_off(struct fleet *fleet, uint32_t index)
{
        uint32_t ri = become(fleet, index, REQ_CALLING);

        if (ri != NONE)
                req_continue(fleet, ri);
}

/* Its guard turned the next hop away: an ordinary request hears of it. */
static void hop_refused(struct fleet *fleet, uint32_t index, uint32_t edge)
{
        struct relay relay = fleet->relays[index];
        uint64_t uid = hash_mix(hash_mix(relay.uid, fleet->edges[edge].name_hash), 0);
        uint32_t ri = become(fleet, index, REQ_CALLING), call;

        if (ri == NONE)
                return;
        fleet->reqs[ri].call_done = 1;
        fleet->reqs[ri].pending = 1;
        call = inner_call(fleet, &relay, 0, edge, uid, ri);
        if (call != NONE)
                call_begin_refused(fleet, call);
}

/* Its own work at a service is done, and the service calls one more. */
static void hop_on(struct fleet *fleet, uint32_t index, struct service *service)
{
        struct relay *relay = &fleet->relays[index];
        uint32_t edge_index = service->spec->edge_first, at, turn;
        struct edge *edge = &fleet->edges[edge_index];
        struct service *next = &fleet->services[edge->to];
        uint64_t uid = hash_mix(hash_mix(hash_mix(relay->uid, edge->name_hash), 0), 1);
        struct rng_block block = rng_draw(fleet->key, uid, RNG_HOP, 0);
        bool measured = fleet->now >= fleet->measured_from_ns;

        turn = edge->turn;
        at = pick_instance(fleet, edge, (uint32_t)block.word[1]);
        if (!way_is_open(fleet, service) || at == NONE || !line_is_open(fleet, at)) {
                edge->turn = turn; /* it is asked again */
                hop_off(fleet, index);
                return;
        }
        relay->hop++;
        if (edge->guarded) {
                struct policy_turn turns = {.at_ns = TIME_NEVER}; /* of guards with a line */

                if (fleet->policy->admit(fleet->policy_state, edge_index, fleet->now,
                                         relay->priority, &relay->ticket[relay->hop],
                                         &turns) != POLICY_ADMIT) {
                        relay->hop--;
                        edge->turn = turn;
                        hop_refused(fleet, index, edge_index);
                        return;
                }
                relay->ticketed |= (uint8_t)(1u << relay->hop);
        }
        if (!request_comes_in(fleet))
                return;
        edge_earns_retries(edge);
        next->measure.calls += measured;
        next->measure.attempts += measured;
        relay->uid = uid;
        relay_reach(fleet, index, at, next, draw_work_ns(fleet, at, relay->cost, block, NULL));
}

/* The inner call of a hop ends well. */
static void hop_call_ended(struct fleet *fleet, struct relay *relay, uint8_t hop,
                           struct service *service, uint32_t edge_index, uint32_t age_index)
{
        struct edge *edge = &fleet->edges[edge_index];
        int64_t age_ns = fleet->now - relay->arrived_ns[hop];

        edge->calls++;
        if (fleet->options.telemetry)
                sketch_add_at(&edge->sketch, age_index);
        if (relay->ticketed >> hop & 1) {
                fleet->policy->report(fleet->policy_state, edge_index, fleet->now,
                                      &relay->ticket[hop], POLICY_OK, age_ns);
                turns_come(fleet);
        }
        objective_plain_ended(fleet, service, relay->arrived_ns[hop], fleet->now, age_index, false);
}

static void hop_answers(struct fleet *fleet, int64_t arrived_ns, struct instance *instance,
                        struct service *service, uint32_t age_index)
{
        int64_t from_ns = later(arrived_ns, fleet->measured_from_ns);

        service->system_area +=
                (uint64_t)(fleet->now - later(arrived_ns, fleet->relays_settled_ns));
        if (fleet->now > from_ns)
                service->sojourn_sum += (uint64_t)(fleet->now - from_ns);
        service->measure.completed += arrived_ns >= fleet->measured_from_ns;
        instance->requests++;
        instance->answers++;
        if (instance->sketch != NULL)
                sketch_add_at(instance->sketch, age_index);
}

/* The last one answers, and all before it in turn. */
static void answer_all(struct fleet *fleet, uint32_t index)
{
        struct relay *relay = &fleet->relays[index];
        uint32_t call = relay->call, token = relay->call_token;

        fleet->in_flight -= relay->hop + 1u;
        for (uint8_t hop = relay->hop;; hop--) {
                struct instance *instance = &fleet->instances[relay->instance[hop]];
                struct service *service = &fleet->services[instance->service];
                uint32_t age_index = hist_index(fleet->now - relay->arrived_ns[hop]);
                uint32_t before;

                hop_answers(fleet, relay->arrived_ns[hop], instance, service, age_index);
                if (hop == 0)
                        break;
                before = fleet->instances[relay->instance[hop - 1]].service;
                hop_call_ended(fleet, relay, hop, service, fleet->services[before].spec->edge_first,
                               age_index);
        }
        relay_drop(fleet, index);
        call_answered_well(fleet, call, token);
}

void relay_worked(struct fleet *fleet, uint32_t index, uint32_t generation)
{
        struct relay *relay = &fleet->relays[index];
        struct instance *instance;
        struct service *service;
        struct relay_line *line;
        uint32_t at;

        if ((relay->generation & 0xffffffu) != generation) {
                fleet->events--; /* its req has an event of its own */
                return;
        }
        at = relay->instance[relay->hop];
        instance = &fleet->instances[at];
        service = &fleet->services[instance->service];
        line = &fleet->relay_lines[at];
        line->head = relay->next;
        line->count--;
        fleet->relays_out--;
        integrate(fleet, service, relay);
        count_start(fleet, service, relay);
        cpu_until(fleet, service, instance, relay->started_ns, fleet->now);
        if (relay->arrived_ns[relay->hop] >= fleet->measured_from_ns)
                service->work_sum += (uint64_t)(fleet->now - relay->started_ns);
        if (service->relay_depth > 1)
                hop_on(fleet, index, service);
        else
                answer_all(fleet, index);
}
