/* request.c - one request's way: call, door, queue, worker, calls, answer.
 *
 * The hot path. Everything that happens to a request is decided from draws
 * keyed by its identity, so that the same request meets the same chance in
 * every arm. A hop is one block of random words, taken when the attempt is
 * sent: service time, balancer's choice and own error.
 *
 * Pools may move when they grow: a `struct call *` or `struct req *` is not
 * used after anything that could make a new one.
 *
 * Not here: who begins calls (load.c), whether an answer was good
 * (objective.c), what becomes of the instance (instance.c).
 */
#include <math.h>
#include <string.h>

#include "harness/fleet/data_layer.h"
#include "harness/fleet/request.h"

/* ---- pools */

static bool grow(void **array, uint32_t *capacity, size_t size)
{
        uint32_t wanted = *capacity == 0 ? 64 : *capacity * 2;
        void *bigger = realloc(*array, wanted * size);

        if (bigger == NULL)
                return false;
        *array = bigger;
        *capacity = wanted;
        return true;
}

uint32_t call_new(struct fleet *fleet)
{
        uint32_t index = fleet->call_free;

        if (index != NONE) {
                fleet->call_free = fleet->calls[index].older;
                return index;
        }
        if (fleet->call_count == fleet->call_capacity &&
            !grow((void **)&fleet->calls, &fleet->call_capacity, sizeof(struct call))) {
                fleet_break(fleet, "out of memory");
                return NONE;
        }
        /* Only now, so that memory that was never used is never touched. */
        memset(&fleet->calls[fleet->call_count], 0, sizeof(struct call));
        return fleet->call_count++;
}

static void call_free(struct fleet *fleet, uint32_t index)
{
        struct call *call = &fleet->calls[index];

        call->state = CALL_FREE;
        call->token++;
        call->older = fleet->call_free;
        fleet->call_free = index;
}

void call_drop(struct fleet *fleet, uint32_t index)
{
        call_free(fleet, index);
}

static uint32_t req_new(struct fleet *fleet)
{
        uint32_t index = fleet->req_free;

        if (!request_comes_in(fleet))
                return NONE;
        if (index != NONE) {
                fleet->req_free = fleet->reqs[index].next;
                return index;
        }
        if (fleet->req_count == fleet->req_capacity &&
            !grow((void **)&fleet->reqs, &fleet->req_capacity, sizeof(struct req))) {
                fleet_break(fleet, "out of memory");
                return NONE;
        }
        memset(&fleet->reqs[fleet->req_count], 0, sizeof(struct req));
        return fleet->req_count++;
}

static void req_free(struct fleet *fleet, uint32_t index)
{
        struct req *req = &fleet->reqs[index];

        if (req->permit != 0) {
                permit_comes_back(fleet, req->edge, req->permit);
                req->permit = 0;
        }
        req->state = REQ_FREE;
        req->generation++;
        req->next = fleet->req_free;
        fleet->req_free = index;
        fleet->in_flight--;
}

void req_release(struct fleet *fleet, uint32_t index)
{
        req_free(fleet, index);
}

/* ---- latency sketch of telemetry: see sketch_add_at() */

double sketch_quantile_s(const struct sketch *sketch, double q)
{
        double rank = q * sketch->count;
        uint32_t seen = 0;

        if (sketch->count == 0)
                return NAN;
        for (uint32_t i = 0; i < SKETCH_BUCKETS; i++) {
                seen += sketch->bucket[i];
                if ((double)seen >= rank) {
                        uint64_t low = ((uint64_t)4 + (i & 3)) << (SKETCH_LOW_OCTAVE + (i >> 2) - 2);

                        return ((double)low + 0.5 * (double)((uint64_t)1 << (SKETCH_LOW_OCTAVE + (i >> 2) - 2))) * 1e-9;
                }
        }
        return NAN;
}

/* ---- timers: one ring an edge, since nearly all of them never go off */

static bool timer_is_stale(const struct fleet *fleet, const struct timer *timer)
{
        const struct call *call = &fleet->calls[timer->call];

        return call->state != CALL_WAITING || call->token != timer->token;
}

static void timer_push(struct fleet *fleet, uint32_t edge_index, int64_t at_ns, uint32_t call)
{
        struct edge *edge = &fleet->edges[edge_index];
        struct timer_ring *ring = &edge->timers;
        uint32_t token = fleet->calls[call].token;

        /* Nearly all at the front are of calls long answered: the ring stays as
         * short as there are calls out, and its memory warm. */
        while (ring->count > 0 && timer_is_stale(fleet, &ring->slot[ring->first])) {
                ring->first = (ring->first + 1) & (ring->capacity - 1);
                ring->count--;
        }
        if ((ring->scheduled && at_ns < ring->due_ns) ||
            (ring->count > 0 &&
             at_ns < ring->slot[(ring->first + ring->count - 1) & (ring->capacity - 1)].at_ns)) {
                /* The delay was changed under way; this one is not last. */
                event_queue_push(&fleet->queue, at_ns, fleet->calls[call].uid,
                                 event_payload(EV_TIMEOUT, token, call));
                return;
        }
        if (ring->count == ring->capacity) {
                uint32_t capacity = ring->capacity == 0 ? 16 : ring->capacity * 2;
                struct timer *slot = malloc(capacity * sizeof(*slot));

                if (slot == NULL) {
                        fleet_break(fleet, "out of memory");
                        return;
                }
                for (uint32_t i = 0; i < ring->count; i++)
                        slot[i] = ring->slot[(ring->first + i) & (ring->capacity - 1)];
                free(ring->slot);
                ring->slot = slot;
                ring->first = 0;
                ring->capacity = capacity;
        }
        ring->slot[(ring->first + ring->count) & (ring->capacity - 1)] =
                (struct timer){at_ns, call, token};
        ring->count++;
        if (!ring->scheduled) {
                ring->scheduled = true;
                ring->due_ns = at_ns;
                event_queue_push(&fleet->queue, at_ns, edge->name_hash,
                                 event_payload(EV_TIMER_RING, 0, edge_index));
        }
}

static void call_timed_out(struct fleet *fleet, uint32_t index);

void timer_ring_due(struct fleet *fleet, uint32_t edge_index)
{
        struct timer_ring *ring = &fleet->edges[edge_index].timers;

        while (ring->count > 0) {
                struct timer timer = ring->slot[ring->first];

                if (timer.at_ns > fleet->now && !timer_is_stale(fleet, &timer))
                        break;
                ring->first = (ring->first + 1) & (ring->capacity - 1);
                ring->count--;
                if (!timer_is_stale(fleet, &timer))
                        call_timed_out(fleet, timer.call);
        }
        ring->scheduled = ring->count > 0;
        if (!ring->scheduled)
                return;
        ring->due_ns = ring->slot[ring->first].at_ns;
        event_queue_push(&fleet->queue, ring->due_ns, fleet->edges[edge_index].name_hash,
                         event_payload(EV_TIMER_RING, 0, edge_index));
}

static int64_t network_ns(const struct fleet *fleet, uint32_t caller, uint32_t instance)
{
        uint32_t to = fleet->instances[instance].zone;
        uint32_t from;

        if (caller == NONE) /* a client sits in the target's zone at distance 0 */
                return 0;
        from = fleet->instances[caller].zone;
        return from == to ? fleet->spec->zones[to].latency_ns : fleet->spec->zone_latency_ns;
}

bool call_parent_lives(const struct fleet *fleet, const struct call *call)
{
        return call->parent == NONE ||
               fleet->reqs[call->parent].generation == call->parent_generation;
}

/* A record is used again: of a caller that is gone, nothing is known any more. */
uint32_t call_caller_instance(const struct fleet *fleet, const struct call *call)
{
        return call->parent == NONE || !call_parent_lives(fleet, call)
                       ? NONE
                       : fleet->reqs[call->parent].instance;
}

/* ---- a call and its attempts */

static void req_reach(struct fleet *fleet, uint32_t index);

void call_finish(struct fleet *fleet, uint32_t index, enum call_outcome outcome, float quality,
                 bool good_for_callee)
{
        struct call *call = &fleet->calls[index];
        uint32_t parent = call->parent;
        bool parent_lives = call_parent_lives(fleet, call);
        uint32_t edge = call->edge;
        uint32_t user = call->parent_generation;
        int64_t first_at_ns = call->first_at_ns;
        bool good = objective_call_ended(fleet, index, outcome, quality, good_for_callee);

        call_free(fleet, index);
        if (parent == NONE) {
                if (first_at_ns >= fleet->measured_from_ns)
                        fleet->root_outcome[outcome]++;
                load_root_finished(fleet, edge - fleet->spec->edge_count, user, first_at_ns, good);
        } else if (parent_lives) {
                req_call_done(fleet, parent, outcome, quality);
        }
}

/* The attempt fails at once: its caller hears it a millisecond later. */
void call_refused(struct fleet *fleet, uint32_t index, uint64_t uid, enum call_outcome outcome)
{
        struct call *call = &fleet->calls[index];

        call->answer = (uint8_t)outcome;
        call->final_error = false;
        call->answer_quality = 0;
        event_queue_push(&fleet->queue, fleet->now + NS_PER_MS, uid,
                         event_payload(EV_ANSWER, call->token, index));
}

/* A message of the attempt is lost: the timeout will tell, or in the end the
 * connection gives up, as real ones do after some two minutes of trying again. */
void call_never_answered(struct fleet *fleet, uint32_t index, uint64_t uid)
{
        const int64_t give_up_ns = 127 * NS_PER_S;
        struct call *call = &fleet->calls[index];
        int64_t at_ns = call->sent_at_ns + give_up_ns;

        call->answer = CALL_LOST;
        call->final_error = false;
        call->answer_quality = 0;
        event_queue_push(&fleet->queue, at_ns > fleet->now ? at_ns : fleet->now + NS_PER_MS, uid,
                         event_payload(EV_ANSWER, call->token, index));
}

static bool request_is_lost(struct fleet *fleet, const struct edge *edge, uint32_t caller,
                            uint32_t instance, uint64_t uid)
{
        uint32_t to = fleet->instances[instance].zone;

        return effect_request_lost(fleet, edge, caller == NONE ? to : fleet->instances[caller].zone,
                                   to, uid);
}

void call_start_timer(struct fleet *fleet, uint32_t index)
{
        uint32_t edge_index = fleet->calls[index].edge;
        const struct edge *edge = &fleet->edges[edge_index];
        int64_t timeout_ns = edge->timeout_ns;

        if (edge->patience != NULL && !(fleet->calls[index].holds & CALL_IS_TIMED)) { /* any length: no ring */
                const struct call *call = &fleet->calls[index];
                struct rng_block block =
                        rng_draw(fleet->key, call->uid, RNG_CALL, 0x40000000u | call->attempt);

                event_queue_push(&fleet->queue,
                                 fleet->now + dist_sample_ns(edge->patience, rng_u01(block.word[0])),
                                 call->uid, event_payload(EV_TIMEOUT, call->token, index));
                return;
        }
        if (timeout_ns == TIME_NEVER || (fleet->calls[index].holds & CALL_IS_TIMED))
                return;
        if (edge->from != NONE && fleet->services[edge->from].timeout_factor < 1.0)
                timeout_ns = (int64_t)((double)timeout_ns *
                                       fleet->services[edge->from].timeout_factor);
        if (fleet->clock_links > 0)
                timeout_ns = clock_timeout_ns(
                        fleet, call_caller_instance(fleet, &fleet->calls[index]), timeout_ns);
        timer_push(fleet, edge_index, fleet->now + timeout_ns, index);
}

void req_draw_work(struct fleet *fleet, uint32_t index)
{
        struct req *req = &fleet->reqs[index];

        req->work_ns = draw_work_ns(fleet, req->instance, req->cost,
                                    rng_draw(fleet->key, req->uid, RNG_HOP, 0), NULL);
}

static inline uint32_t make_req(struct fleet *fleet, uint32_t index, uint64_t uid,
                                struct rng_block block)
{
        const struct call *call = &fleet->calls[index];
        uint32_t ri = req_new(fleet);
        struct req *req;

        if (ri == NONE)
                return NONE;
        req = &fleet->reqs[ri];
        req->uid = uid;
        req->call = index;
        req->call_token = call->token;
        req->edge = call->edge;
        req->priority = call->priority;
        req->cost = call->cost;
        req->error_bits = (uint32_t)(block.word[1] >> 32);
        req->quality = 1.0f;
        req->call_at = 0;
        req->call_done = 0;
        req->pending = 0;
        req->outcome = CALL_OK;
        req->has_worker = false;
        req->error_final = false;
        req->marks = 0;
        req->doom = DOOM_NONE;
        req->state = REQ_COMING;
        return ri;
}

uint32_t req_make(struct fleet *fleet, uint32_t index, uint64_t uid, struct rng_block block)
{
        return make_req(fleet, index, uid, block);
}

/* An attempt that has all it needs goes out. */
static void dispatch(struct fleet *fleet, uint32_t index)
{
        struct call *call = &fleet->calls[index];
        struct edge *edge = &fleet->edges[call->edge];
        struct service *service = &fleet->services[edge->to];
        uint64_t uid = hash_mix(call->uid, call->attempt + 1u);
        const struct drawn_ahead *ahead =
                fleet->ahead != NULL && fleet->ahead->uid == uid ? fleet->ahead : NULL;
        struct rng_block block =
                ahead != NULL ? ahead->hop : rng_draw(fleet->key, uid, RNG_HOP, 0);
        uint32_t instance, caller, ri;
        uint16_t row = 0;
        uint8_t marks = 0;
        int64_t delay_ns, work_ns;
        struct req *req;

        if (call->parent == NONE && call->attempt == 0 && (uid & 0xff) == 0 &&
            call->first_at_ns >= fleet->measured_from_ns && call->parent_generation == NONE)
                fleet->draw_hash += hash_mix(uid, block.word[0]); /* any order: a sum */
        if (edge->special & EDGE_QUEUE) {
                message_send(fleet, index);
                return;
        }
        caller = call_caller_instance(fleet, call);
        instance = pick_instance(fleet, edge, (uint32_t)block.word[1]);
        if (edge->special & EDGE_DATABASE)
                instance = database_route(fleet, call, instance, &marks, &row);
        if (instance == NONE) {
                call_refused(fleet, index, uid, CALL_LOST); /* nobody to connect to */
                return;
        }
        if ((edge->effects != NULL || service->effects != NULL) &&
            effect_refused(fleet, edge, uid)) {
                call_refused(fleet, index, uid, CALL_ERROR);
                return;
        }
        if ((edge->effects != NULL || fleet->zone_links > 0) &&
            request_is_lost(fleet, edge, caller, instance, uid)) {
                call_start_timer(fleet, index);
                call_never_answered(fleet, index, uid);
                return;
        }
        work_ns = draw_work_ns(fleet, instance, call->cost, block, ahead);
        if (service->relay_depth > 0 && relay_takes(fleet, index, uid, instance, work_ns))
                return;
        ri = make_req(fleet, index, uid, block);
        if (ri == NONE)
                return;
        req = &fleet->reqs[ri];
        req->instance = instance;
        req->work_ns = work_ns;
        req->marks = marks;
        req->row = row;
        call->req = ri;
        call->req_generation = req->generation;
        call_start_timer(fleet, index);
        delay_ns = network_ns(fleet, caller, instance);
        if (edge->effects != NULL)
                delay_ns += effect_edge_delay_ns(fleet, edge, uid);
        if (fleet->way_links > 0)
                delay_ns += way_sent(fleet, ri, caller);
        if (delay_ns > 0) {
                fleet->instances[instance].coming++;
                event_queue_push(&fleet->queue, fleet->now + delay_ns, uid,
                                 event_payload(EV_REACH, fleet->reqs[ri].generation, ri));
        } else {
                req_reach(fleet, ri);
        }
}

void req_repeat(struct fleet *fleet, uint32_t index, int64_t after_ns)
{
        uint32_t copy = req_new(fleet), generation;
        struct req *req;

        if (copy == NONE)
                return;
        req = &fleet->reqs[copy];
        generation = req->generation;
        *req = fleet->reqs[index];
        req->generation = generation;
        req->uid = hash_mix(req->uid, 0x647570u);
        req->call_token--; /* of an attempt that is over: nobody waits for it */
        fleet->instances[req->instance].coming++;
        event_queue_push(&fleet->queue, fleet->now + after_ns, req->uid,
                         event_payload(EV_REACH, generation, copy));
}

void call_dispatch(struct fleet *fleet, uint32_t index)
{
        dispatch(fleet, index);
}

/* An attempt begins; its guard is to be asked. */
static void call_tries(struct fleet *fleet, struct call *call)
{
        call->token++;
        call->state = CALL_WAITING;
        call->sent_at_ns = fleet->now;
        call->ticket_state = TICKET_NONE;
        call->holds = 0;
        call->req = NONE;
        if (call->first_at_ns >= fleet->measured_from_ns)
                fleet->services[fleet->edges[call->edge].to].measure.attempts++;
}

static void call_send(struct fleet *fleet, uint32_t index)
{
        struct call *call = &fleet->calls[index];

        call_tries(fleet, call);
        if (fleet->edges[call->edge].guarded && !call_admitted(fleet, index))
                return;
        call_goes(fleet, index);
}

/* Its edge's guards let it through. */
void call_goes(struct fleet *fleet, uint32_t index)
{
        const struct edge *edge = &fleet->edges[fleet->calls[index].edge];

        if ((edge->special & EDGE_CLAIMS) && !call_claims(fleet, index))
                return;
        dispatch(fleet, index);
}

static void call_opens(struct fleet *fleet, uint32_t index)
{
        struct call *call = &fleet->calls[index];
        struct edge *edge = &fleet->edges[call->edge];

        call->attempt = 0;
        call->judged = false;
        call->first_at_ns = fleet->now;
        edge_earns_retries(edge);
        if (fleet->now >= fleet->measured_from_ns)
                fleet->services[edge->to].measure.calls++;
        objective_call_begun(fleet, index);
}

void call_begin(struct fleet *fleet, uint32_t index)
{
        call_opens(fleet, index);
        call_send(fleet, index);
}

void call_begin_refused(struct fleet *fleet, uint32_t index)
{
        call_opens(fleet, index);
        call_tries(fleet, &fleet->calls[index]);
        call_refused_by_guard(fleet, index);
}

static int64_t retry_delay_ns(struct fleet *fleet, const struct call *call,
                              const struct retry_spec *retry)
{
        double delay = (double)retry->initial_ns;
        /* Jitter only adds, and the longest wait is never passed: spread at the cap. */
        double most = (double)retry->max_delay_ns / (1.0 + retry->jitter);

        for (uint32_t i = 1; i < call->attempt && delay < most; i++)
                delay *= retry->factor;
        if (delay > most)
                delay = most;
        if (retry->jitter > 0) {
                struct rng_block block =
                        rng_draw(fleet->key, call->uid, RNG_CALL, 0x80000000u | call->attempt);

                delay *= 1.0 + retry->jitter * rng_u01(block.word[0]);
        }
        return (int64_t)delay;
}

/* What people do to a page that does not come: without patience or budget. */
static void retry_soon(struct fleet *fleet, uint32_t index)
{
        struct call *call = &fleet->calls[index];
        struct rng_block block;

        call->attempt++;
        call->state = CALL_BACKOFF;
        call->token++;
        block = rng_draw(fleet->key, call->uid, RNG_CALL, 0x80000000u | call->attempt);
        event_queue_push(&fleet->queue,
                         fleet->now + (int64_t)((double)(100 * NS_PER_MS) *
                                                (0.5 + rng_u01(block.word[0]))),
                         call->uid, event_payload(EV_RETRY, call->token, index));
}

void call_attempt_failed(struct fleet *fleet, uint32_t index, enum call_outcome outcome, bool final)
{
        struct call *call = &fleet->calls[index];
        struct edge *edge = &fleet->edges[call->edge];
        bool client = edge->from == NONE && edge->effects != NULL;

        if (client && call->attempt >= edge->retry.max &&
            call->attempt < effect_retries(fleet, edge, false)) {
                effect_retries(fleet, edge, true);
                retry_soon(fleet, index);
                return;
        }
        if (!final && call->attempt < edge->retry.max && call_parent_lives(fleet, call) &&
            (edge->retry.budget < 0 || edge->retry_credit >= 1)) {
                int64_t delay_ns;

                if (edge->retry.budget >= 0)
                        edge->retry_credit -= 1;
                call->attempt++;
                delay_ns = retry_delay_ns(fleet, call, &edge->retry);
                call->state = CALL_BACKOFF;
                call->token++;
                event_queue_push(&fleet->queue, fleet->now + delay_ns, call->uid,
                                 event_payload(EV_RETRY, call->token, index));
                return;
        }
        if (edge->fallback_kind != FALLBACK_NONE) {
                if (call->first_at_ns >= fleet->measured_from_ns)
                        fleet->services[edge->to].measure.fallbacks++;
                call_finish(fleet, index, CALL_DEGRADED, (float)edge->fallback_quality, false);
                return;
        }
        call_finish(fleet, index, outcome, 0.0f, true);
}

/* An attempt ended: telemetry of the edge and its guard hear of it. */
void call_attempt_ended(struct fleet *fleet, struct call *call, enum call_outcome outcome)
{
        struct edge *edge = &fleet->edges[call->edge];
        int64_t latency_ns = fleet->now - call->sent_at_ns;
        bool good = outcome == CALL_OK || outcome == CALL_DEGRADED;

        edge->calls++;
        edge->failures += !good;
        edge->timeouts += outcome == CALL_TIMEOUT;
        if (fleet->options.telemetry)
                sketch_add_at(&edge->sketch, hist_index(latency_ns));
        if ((call->holds & ~CALL_IS_TIMED) != 0)
                call_lets_go(fleet, (uint32_t)(call - fleet->calls));
        if (call->ticket_state != TICKET_NONE)
                call_reports(fleet, call,
                             good                      ? POLICY_OK
                             : outcome == CALL_TIMEOUT ? POLICY_TIMEOUT
                                                       : POLICY_FAILED,
                             latency_ns);
}

static void call_answered(struct fleet *fleet, uint32_t index)
{
        struct call *call = &fleet->calls[index];
        enum call_outcome outcome = (enum call_outcome)call->answer;
        float quality = call->answer_quality;

        call_attempt_ended(fleet, call, outcome);
        call->token++;
        if (outcome == CALL_OK || outcome == CALL_DEGRADED)
                call_finish(fleet, index, outcome, quality, true);
        else
                call_attempt_failed(fleet, index, outcome, call->final_error);
}

void call_answered_well(struct fleet *fleet, uint32_t index, uint32_t token)
{
        struct call *call = &fleet->calls[index];

        if (call->token != token || call->state != CALL_WAITING)
                return;
        call->answer = CALL_OK;
        call->answer_quality = 1.0f;
        call->final_error = false;
        call_answered(fleet, index);
}

static void req_cancel(struct fleet *fleet, uint32_t index);

static void call_timed_out(struct fleet *fleet, uint32_t index)
{
        struct call *call = &fleet->calls[index];
        bool cancel = fleet->edges[call->edge].cancel_on_timeout;
        uint32_t ri = call->req;
        bool there = ri != NONE && fleet->reqs[ri].generation == call->req_generation &&
                     fleet->reqs[ri].state != REQ_FREE;

        if (call->ticket_state == TICKET_IN && there && !cancel) /* a permit is the work's, not its caller's */
                fleet->reqs[ri].permit =
                        fleet->policy->hand_over(fleet->policy_state, call->edge, &call->ticket);
        call_attempt_ended(fleet, call, CALL_TIMEOUT);
        call->token++; /* whatever it still does, it does for nobody */
        call->req = NONE;
        if (cancel && there)
                req_cancel(fleet, ri);
        call_attempt_failed(fleet, index, CALL_TIMEOUT, false);
}

/* ---- an attempt at the callee */

static void worker_release(struct fleet *fleet, struct service *service, struct instance *instance)
{
        (void)fleet;
        instance->busy--;
        service->busy--;
}

static double slowness(struct fleet *fleet, struct service *service, struct instance *instance)
{
        const struct service_spec *spec = service->spec;
        double cores = instance_cores(service, instance);
        double demand = instance->working * spec->cpu_share + instance->batch_load;
        double factor = service->feature_factor;

        if (instance->params != NULL)
                factor *= version_slowness(service, instance->params);
        if (instance_has_effects(fleet, instance))
                demand += effect_cpu_load(fleet, instance) * cores;
        if (demand > cores)
                factor *= demand / cores;
        if (instance_has_effects(fleet, instance))
                factor *= effect_slowdown(fleet, instance);
        if (!memory_is_calm(service, instance) && service->memory_limit_bytes > 0) {
                double used = instance_memory_bytes(fleet, instance) /
                              instance_memory_limit(service, instance);

                if (used > 0.85) /* paging: up to three times slower at the limit */
                        factor *= 1.0 + 2.0 * (used < 1.0 ? (used - 0.85) / 0.15 : 1.0);
        }
        if (spec->warm_up_ns > 0 && spec->warm_up_factor > 1.0) {
                int64_t age_ns = fleet->now - instance->up_since_ns;

                if (age_ns < spec->warm_up_ns)
                        factor *= spec->warm_up_factor - (spec->warm_up_factor - 1.0) *
                                                                 (double)age_ns /
                                                                 (double)spec->warm_up_ns;
        }
        return factor;
}

static inline void begin_work(struct fleet *fleet, uint32_t index)
{
        struct req *req = &fleet->reqs[index];
        struct instance *instance = &fleet->instances[req->instance];
        struct service *service = &fleet->services[instance->service];
        double factor;
        int64_t work_ns;

        instance_cpu_touch(fleet, instance);
        instance->working++;
        req->state = REQ_WORKING;
        req->started_ns = fleet->now;
        factor = slowness(fleet, service, instance);
        work_ns = factor == 1.0 ? req->work_ns /* slowdowns multiply: at most a century */
                                : (int64_t)fmin((double)req->work_ns * factor, 3e18);
        if (instance_has_effects(fleet, instance))
                work_ns += effect_io_delay_ns(fleet, instance, req->uid);
        req->work_ns = instance_time_ns(fleet, instance) + work_ns;
        event_queue_push(&fleet->queue, fleet->now + work_ns, req->uid,
                         event_payload(EV_WORKED, req->generation, index));
}

void req_work(struct fleet *fleet, uint32_t index)
{
        begin_work(fleet, index);
}

/* Takes a worker. */
static inline void start_req(struct fleet *fleet, uint32_t index)
{
        struct req *req = &fleet->reqs[index];
        struct instance *instance = &fleet->instances[req->instance];
        struct service *service = &fleet->services[instance->service];

        instance->busy++;
        service->busy++;
        req->has_worker = true;
        list_append(fleet, &instance->inside, index);
        if (req->arrived_ns >= fleet->measured_from_ns) {
                service->measure.started++;
                hist_add(&service->measure.waiting, fleet->now - req->arrived_ns);
        }
        if ((req->marks & MARK_WRITE) && !database_lets_work(fleet, index))
                req->state = REQ_LOCKED;
        else
                begin_work(fleet, index);
}

void req_start(struct fleet *fleet, uint32_t index)
{
        start_req(fleet, index);
}

static void req_drop_waiting(struct fleet *fleet, uint32_t index);

/* Controlled delay (RFC 8289): when waits have been above the target for an
 * interval, drop at dequeue, ever faster, until they are below it again. */
static bool codel_drops(struct fleet *fleet, struct instance *instance, const struct req *req)
{
        const int64_t target_ns = 5 * NS_PER_MS, interval_ns = 100 * NS_PER_MS;

        if (fleet->now - req->arrived_ns < target_ns || instance->queue.length <= 1) {
                instance->codel_above_ns = 0;
                instance->codel_drops = 0;
                return false;
        }
        if (instance->codel_above_ns == 0) {
                instance->codel_above_ns = fleet->now + interval_ns;
                return false;
        }
        if (fleet->now < instance->codel_above_ns ||
            (instance->codel_drops > 0 && fleet->now < instance->codel_next_ns))
                return false;
        instance->codel_drops++;
        instance->codel_next_ns =
                fleet->now + (int64_t)((double)interval_ns / sqrt(instance->codel_drops));
        return true;
}

static uint32_t workers_of(struct fleet *fleet, const struct service *service,
                           const struct instance *instance)
{
        return instance_has_effects(fleet, instance)
                       ? effect_workers(fleet, instance, instance_workers(service, instance))
                       : service->concurrency;
}

/* Whether its descriptors allow one more inside. */
static bool has_room(struct fleet *fleet, const struct instance *instance)
{
        return instance->holdings == NULL || descriptors_left(fleet, instance);
}

bool instance_is_free(struct fleet *fleet, const struct instance *instance)
{
        return instance->stopped == 0 && instance->state == INSTANCE_UP &&
               instance->busy < workers_of(fleet, &fleet->services[instance->service], instance) &&
               has_room(fleet, instance);
}

void instance_start_waiting(struct fleet *fleet, uint32_t index)
{
        if (fleet->services[fleet->instances[index].service].messages != NULL) {
                messages_dispatch(fleet, fleet->instances[index].service);
                return;
        }
        if (fleet->instances[index].holdings != NULL)
                holdings_grant(fleet, index);
        for (;;) {
                struct instance *instance = &fleet->instances[index];
                struct service *service = &fleet->services[instance->service];
                uint32_t ri;

                if (instance->queue.length == 0 || instance->stopped > 0 ||
                    instance->busy >= workers_of(fleet, service, instance) ||
                    !has_room(fleet, instance) ||
                    (instance->state != INSTANCE_UP && instance->state != INSTANCE_DRAINING))
                        return;
                ri = service->spec->discipline == DISCIPLINE_LIFO ? instance->queue.tail
                                                                  : instance->queue.head;
                if (service->spec->discipline == DISCIPLINE_CODEL &&
                    codel_drops(fleet, instance, &fleet->reqs[ri])) {
                        req_drop_waiting(fleet, ri);
                        continue;
                }
                service_touch(fleet, service);
                service->waiting--;
                list_remove(fleet, &instance->queue, ri);
                start_req(fleet, ri);
        }
}

/* How much later than it was made an answer leaves the instance's host. */
static int64_t host_delay_ns(struct fleet *fleet, uint32_t instance, uint64_t uid)
{
        if (!instance_has_effects(fleet, &fleet->instances[instance]))
                return 0;
        return effect_host_delay_ns(fleet, &fleet->instances[instance], uid);
}

static bool answer_is_lost(struct fleet *fleet, const struct call *call, uint32_t instance,
                           uint64_t uid)
{
        const struct edge *edge = &fleet->edges[call->edge];
        uint32_t caller, from = fleet->instances[instance].zone;

        if (edge->effects == NULL && fleet->zone_links == 0 &&
            !instance_has_effects(fleet, &fleet->instances[instance]))
                return false;
        caller = call_caller_instance(fleet, call);
        return effect_answer_lost(fleet, edge, &fleet->instances[instance], from,
                                  caller == NONE ? from : fleet->instances[caller].zone, uid);
}

/* Tells the caller, if it still waits; the answer leaves `late_ns` from now. */
static void answer_caller(struct fleet *fleet, uint32_t call_index, uint32_t call_token,
                          enum call_outcome outcome, float quality, bool final, uint32_t instance,
                          uint64_t uid, int64_t late_ns)
{
        struct call *call = &fleet->calls[call_index];
        int64_t delay_ns;

        if (call->token != call_token || call->state != CALL_WAITING)
                return;
        if (answer_is_lost(fleet, call, instance, uid)) {
                call_never_answered(fleet, call_index, uid);
                return;
        }
        call->answer = (uint8_t)outcome;
        call->answer_quality = quality;
        call->final_error = final;
        delay_ns = late_ns + network_ns(fleet, call_caller_instance(fleet, call), instance);
        if (delay_ns > 0)
                event_queue_push(&fleet->queue, fleet->now + delay_ns, uid,
                                 event_payload(EV_ANSWER, call_token, call_index));
        else
                call_answered(fleet, call_index);
}

/* Out of the service: integrals and sums. The req is in no list any more. */
void req_leave(struct fleet *fleet, struct service *service, const struct req *req)
{
        int64_t from_ns = req->arrived_ns > fleet->measured_from_ns ? req->arrived_ns
                                                                    : fleet->measured_from_ns;

        service->inside--;
        if (fleet->now > from_ns)
                service->sojourn_sum += (uint64_t)(fleet->now - from_ns);
}

/* Bad data is bad at the second attempt as well: drawn by the call. */
static bool is_corrupt(struct fleet *fleet, const struct instance *instance, uint32_t call,
                       uint32_t token)
{
        return fleet->calls[call].token == token &&
               effect_corrupts(fleet, instance, fleet->calls[call].uid);
}

/* Answered, but the connection is not closed yet and keeps the worker. */
static bool req_lingers(struct fleet *fleet, uint32_t index, enum call_outcome outcome)
{
        struct req *req = &fleet->reqs[index];
        uint32_t call = req->call, token = req->call_token, instance = req->instance;
        int64_t close_ns;

        if (req->state == REQ_CLOSING || !req->has_worker)
                return false;
        close_ns = way_close_ns(fleet, req->edge, req->uid);
        if (close_ns <= 0)
                return false;
        req->state = REQ_CLOSING;
        req->outcome = (uint8_t)outcome;
        req->call_token--; /* the answer is given once */
        if (instance_has_effects(fleet, &fleet->instances[instance]) &&
            is_corrupt(fleet, &fleet->instances[instance], call, token)) {
                outcome = CALL_ERROR;
                req->error_final = true;
        }
        event_queue_push(&fleet->queue, fleet->now + close_ns, req->uid,
                         event_payload(EV_CLOSED, req->generation, index));
        answer_caller(fleet, call, token, outcome, req->quality, req->error_final, instance,
                      req->uid, host_delay_ns(fleet, instance, req->uid));
        return true;
}

/* Ends an attempt that was inside (not waiting) and answers it. */
static void req_answer(struct fleet *fleet, uint32_t index, enum call_outcome outcome)
{
        struct req *req = &fleet->reqs[index];
        uint32_t instance_index = req->instance;
        struct instance *instance = &fleet->instances[instance_index];
        struct service *service = &fleet->services[instance->service];
        uint32_t call = req->call, token = req->call_token;
        uint64_t uid = req->uid;
        float quality = req->quality;
        bool final = req->error_final;
        bool message = req->marks & MARK_MESSAGE;
        int64_t late_ns;

        if (fleet->way_links > 0 && req_lingers(fleet, index, outcome))
                return;
        late_ns = host_delay_ns(fleet, instance_index, uid);

        service_touch(fleet, service);
        req_leave(fleet, service, req);
        list_remove(fleet, &instance->inside, index);
        if (req->has_worker)
                worker_release(fleet, service, instance);
        instance->requests++;
        instance->answers++;
        instance->errors += outcome != CALL_OK && outcome != CALL_DEGRADED;
        if (instance->sketch != NULL)
                sketch_add_at(instance->sketch,
                              hist_index(fleet->now + late_ns - req->arrived_ns));
        if (req->arrived_ns >= fleet->measured_from_ns)
                service->measure.completed++;
        req_free(fleet, index);
        if (instance->state == INSTANCE_DRAINING)
                instance_drained_check(fleet, instance_index);
        if (message) {
                message_done(fleet, instance->service, call, token, outcome, quality);
                return;
        }
        if (instance_has_effects(fleet, instance) && is_corrupt(fleet, instance, call, token)) {
                outcome = CALL_ERROR; /* the caller's validation finds it; the callee does not */
                final = true;
        }
        instance_start_waiting(fleet, instance_index);
        answer_caller(fleet, call, token, outcome, quality, final, instance_index, uid, late_ns);
}

/* Turned away at the door: never inside. */
static void req_turn_away(struct fleet *fleet, uint32_t index, enum call_outcome outcome,
                          bool final)
{
        struct req *req = &fleet->reqs[index];
        uint32_t call = req->call, token = req->call_token, instance = req->instance;
        uint64_t uid = req->uid;

        req_free(fleet, index);
        if (fleet->instances[instance].state == INSTANCE_DRAINING)
                instance_drained_check(fleet, instance);
        answer_caller(fleet, call, token, outcome, 0.0f, final, instance, uid,
                      host_delay_ns(fleet, instance, uid));
}

/* Out of the queue without having been served. */
static void req_drop_waiting(struct fleet *fleet, uint32_t index)
{
        struct req *req = &fleet->reqs[index];
        struct instance *instance = &fleet->instances[req->instance];
        struct service *service = &fleet->services[instance->service];

        service_touch(fleet, service);
        req_leave(fleet, service, req);
        service->waiting--;
        service->measure.dropped += req->arrived_ns >= fleet->measured_from_ns;
        list_remove(fleet, &instance->queue, index);
        req_turn_away(fleet, index, CALL_DROPPED, false);
}

/* Whether the callee takes the token that the call came with; nobody waits for
 * the answer of a caller that has gone. */
static bool token_is_bad(struct fleet *fleet, uint32_t index)
{
        const struct req *req = &fleet->reqs[index];
        const struct call *call = &fleet->calls[req->call];

        return call->token == req->call_token && call_parent_lives(fleet, call) &&
               clock_refuses(fleet, call_caller_instance(fleet, call), req->instance);
}

static void req_reach(struct fleet *fleet, uint32_t index)
{
        struct req *req = &fleet->reqs[index];
        uint32_t instance_index = req->instance;
        struct instance *instance = &fleet->instances[instance_index];
        struct service *service = &fleet->services[instance->service];
        bool measured = fleet->now >= fleet->measured_from_ns;

        if (fleet->relays_out > 0) {
                relay_instance_ends(fleet, instance_index);
                req = &fleet->reqs[index];
        }
        req->arrived_ns = fleet->now;
        service->measure.arrived += measured;
        if (instance->state == INSTANCE_DOWN || instance->state == INSTANCE_BOOTING ||
            instance->state == INSTANCE_GONE) {
                instance->refused++;
                service->measure.lost += measured;
                req_turn_away(fleet, index, CALL_LOST, false);
                return;
        }
        if (service->admit_share < 1.0 && !admission_lets_in(fleet, service, req->priority)) {
                service->measure.rejected += measured;
                req_turn_away(fleet, index, CALL_REJECTED, true);
                return;
        }
        if (instance->state == INSTANCE_ZOMBIE ||
            (fleet->clock_links > 0 && token_is_bad(fleet, index))) {
                bool final = instance->state != INSTANCE_ZOMBIE;

                instance->requests++;
                instance->answers++;
                instance->errors++;
                service->measure.completed += measured;
                req_turn_away(fleet, index, CALL_ERROR, final);
                return;
        }
        if (instance->stopped == 0 && instance->state != INSTANCE_HUNG &&
            instance->busy < workers_of(fleet, service, instance) && has_room(fleet, instance)) {
                service_touch(fleet, service);
                service->inside++;
                start_req(fleet, index);
        } else if (instance->queue.length < (instance->params == NULL ? service->spec->queue_max
                                                                      : instance->params->queue_max)) {
                service_touch(fleet, service);
                service->inside++;
                service->waiting++;
                req->state = REQ_QUEUED;
                list_append(fleet, &instance->queue, index);
        } else {
                service->measure.dropped += measured;
                req_turn_away(fleet, index, CALL_DROPPED, false);
                return;
        }
        if (!memory_is_calm(service, instance) && service->memory_limit_bytes > 0 &&
            instance_memory_bytes(fleet, instance) > instance_memory_limit(service, instance))
                instance_exit(fleet, instance_index, 137, true, "out of memory");
}

void req_continue(struct fleet *fleet, uint32_t index)
{
        uint32_t service_index = fleet->instances[fleet->reqs[index].instance].service;
        const struct service_spec *spec = fleet->services[service_index].spec;
        uint32_t generation = fleet->reqs[index].generation;

        fleet->reqs[index].state = REQ_CALLING;
        for (;;) {
                struct req *req = &fleet->reqs[index];
                const struct edge *edge;
                uint32_t at = req->call_at, done = req->call_done, edge_index, ci;
                struct call *call;

                /* What runs in parallel has to come back before what follows. */
                if (req->pending > 0 && (at >= spec->edge_count ||
                                         fleet->edges[spec->edge_first + at].mode == CALL_SEQUENTIAL))
                        return;
                if (req->outcome != CALL_OK && req->outcome != CALL_DEGRADED) {
                        if (req->pending == 0)
                                req_answer(fleet, index, (enum call_outcome)req->outcome);
                        return;
                }
                if (at >= spec->edge_count) {
                        req_answer(fleet, index, req->quality < 1.0f ? CALL_DEGRADED : CALL_OK);
                        return;
                }
                edge_index = spec->edge_first + at;
                edge = &fleet->edges[edge_index];
                if (done >= edge->count) {
                        req->call_at++;
                        req->call_done = 0;
                        continue;
                }
                req->call_done++;
                if (edge->probability < 1.0) {
                        struct rng_block block =
                                rng_draw(fleet->key, req->uid, RNG_CALL, at << 16 | done);

                        if (rng_u01(block.word[0]) >= edge->probability)
                                continue;
                }
                if ((edge->special & EDGE_CACHE) && cache_hits(fleet, req, at, done))
                        continue;
                req->pending++;
                ci = call_new(fleet);
                if (ci == NONE)
                        return;
                req = &fleet->reqs[index];
                call = &fleet->calls[ci];
                call->uid = hash_mix(hash_mix(req->uid, edge->name_hash), done);
                call->edge = edge_index;
                call->parent = index;
                call->parent_generation = generation;
                call->priority = req->priority;
                call->cost = req->cost;
                if (edge->mode == CALL_SEQUENTIAL) {
                        call_begin(fleet, ci); /* may have ended it, and this req, already */
                        return;
                }
                /* A parallel call that ends at once must not go on from inside. */
                req->pending++;
                call_begin(fleet, ci);
                if (fleet->reqs[index].generation != generation)
                        return;
                fleet->reqs[index].pending--;
        }
}

/* A call that a req made came back. */
void req_call_done(struct fleet *fleet, uint32_t index, enum call_outcome outcome, float quality)
{
        struct req *req = &fleet->reqs[index];

        req->pending--;
        if (outcome != CALL_OK && outcome != CALL_DEGRADED) {
                if (req->outcome == CALL_OK) {
                        req->outcome = CALL_ERROR;
                        req->error_final = false;
                }
        } else if (quality < req->quality) {
                req->quality = quality; /* an answer is as good as its worst part */
        }
        if (req->pending > 0)
                return;
        if (fleet->instances[req->instance].stopped > 0) {
                req->state = REQ_STUCK_CALLING;
                return;
        }
        req_continue(fleet, index);
}

static void req_worked(struct fleet *fleet, uint32_t index)
{
        struct req *req = &fleet->reqs[index];
        uint32_t instance_index = req->instance;
        struct instance *instance = &fleet->instances[instance_index];
        struct service *service = &fleet->services[instance->service];
        bool failed;

        if (instance->stopped > 0) {
                req->state = REQ_STUCK;
                return;
        }
        if (instance->stood_still_ns > 0 && instance_time_ns(fleet, instance) < req->work_ns) {
                /* It stood still meanwhile: the rest of the work is to be done. */
                event_queue_push(&fleet->queue,
                                 fleet->now + req->work_ns - instance_time_ns(fleet, instance),
                                 req->uid, event_payload(EV_WORKED, req->generation, index));
                return;
        }
        if (req->doom == DOOM_KILLS) {
                instance_exit(fleet, instance_index, 139, false, "killed by a request");
                return;
        }
        instance_cpu_touch(fleet, instance);
        instance->working--;
        if (req->arrived_ns >= fleet->measured_from_ns)
                service->work_sum += (uint64_t)(fleet->now - req->started_ns);
        failed = instance->params == NULL
                         ? service->error_rate > 0 && rng_u01_32(req->error_bits) < service->error_rate
                         : version_error(instance->params, rng_u01_32(req->error_bits));
        if (instance_has_effects(fleet, instance)) {
                bool final = req->error_final;

                if (!failed)
                        failed = effect_error(fleet, instance, req->uid, &final);
                req->error_final = final;
                effect_leak_request(fleet, instance);
        }
        failed = failed || req->doom == DOOM_FAILS;
        if (fleet->stocks != NULL && !failed)
                failed = stock_fails(fleet, instance_index);
        if (req->marks != 0) {
                if (req->marks & MARK_POISON) {
                        instance_exit(fleet, instance_index, 139, false, "poison message");
                        return;
                }
                database_unlock(fleet, req);
                failed = failed || database_worked(fleet, index);
        }
        if (failed || instance->state == INSTANCE_ZOMBIE) {
                req->outcome = CALL_ERROR;
                req_answer(fleet, index, CALL_ERROR);
                return;
        }
        if (service->level_quality < req->quality)
                req->quality = service->level_quality;
        if (service->spec->hold == HOLD_WORK && req->has_worker) {
                service_touch(fleet, service);
                req->has_worker = false;
                worker_release(fleet, service, instance);
                instance_start_waiting(fleet, instance_index);
        }
        req_continue(fleet, index);
}

/* Its caller called it off. */
static void req_cancel(struct fleet *fleet, uint32_t index)
{
        struct req *req = &fleet->reqs[index];
        uint32_t instance_index = req->instance;
        struct instance *instance = &fleet->instances[instance_index];
        struct service *service = &fleet->services[instance->service];
        bool inside = req->state != REQ_COMING;
        bool freed_worker = req->has_worker;

        if (inside) {
                service_touch(fleet, service);
                req_leave(fleet, service, req);
                service->measure.abandoned += req->arrived_ns >= fleet->measured_from_ns;
        }
        if (req->marks != 0)
                database_unlock(fleet, req);
        if (req->state == REQ_QUEUED) {
                service->waiting--;
                list_remove(fleet, &instance->queue, index);
        } else if (inside) {
                if (req->state == REQ_WORKING || req->state == REQ_STUCK) {
                        instance_cpu_touch(fleet, instance);
                        instance->working--;
                }
                list_remove(fleet, &instance->inside, index);
                if (req->has_worker)
                        worker_release(fleet, service, instance);
        } else {
                instance->coming--;
        }
        req_free(fleet, index);
        if (instance->state == INSTANCE_DRAINING)
                instance_drained_check(fleet, instance_index);
        if (freed_worker || instance->holdings != NULL)
                instance_start_waiting(fleet, instance_index);
}

void instance_resume_requests(struct fleet *fleet, uint32_t index)
{
        struct instance *instance = &fleet->instances[index];

        for (uint32_t ri = instance->inside.head; ri != NONE; ri = fleet->reqs[ri].next) {
                struct req *req = &fleet->reqs[ri];
                int64_t left_ns = req->work_ns - instance_time_ns(fleet, instance);

                if (req->state == REQ_STUCK) {
                        req->state = REQ_WORKING;
                        event_queue_push(&fleet->queue, fleet->now + (left_ns > 0 ? left_ns : 0),
                                         req->uid, event_payload(EV_WORKED, req->generation, ri));
                } else if (req->state == REQ_STUCK_CALLING) {
                        event_queue_push(&fleet->queue, fleet->now, req->uid,
                                         event_payload(EV_RESUME, req->generation, ri));
                }
        }
        instance_start_waiting(fleet, index);
}

static void lose(struct fleet *fleet, struct instance *instance, struct list *list)
{
        struct service *service = &fleet->services[instance->service];

        while (list->head != NONE) {
                uint32_t index = list->head;
                struct req *req = &fleet->reqs[index];
                uint32_t call = req->call, token = req->call_token, at = req->instance;
                uint64_t uid = req->uid;

                if (req->marks & MARK_MESSAGE) {
                        service->busy -= req->has_worker;
                        list_remove(fleet, list, index);
                        message_return(fleet, index);
                        continue;
                }
                if (req->marks != 0)
                        database_unlock(fleet, req);
                req_leave(fleet, service, req);
                service->measure.lost += req->arrived_ns >= fleet->measured_from_ns;
                service->waiting -= req->state == REQ_QUEUED;
                service->busy -= req->has_worker;
                list_remove(fleet, list, index);
                req_free(fleet, index);
                if (fleet->calls[call].token == token && fleet->calls[call].state == CALL_WAITING) {
                        /* The connection breaks: heard a moment later, so that
                         * nothing is sent while this instance is half gone. */
                        struct call *c = &fleet->calls[call];
                        int64_t delay_ns = network_ns(fleet, call_caller_instance(fleet, c), at);

                        c->answer = CALL_LOST;
                        c->answer_quality = 0;
                        c->final_error = false;
                        event_queue_push(&fleet->queue,
                                         fleet->now + (delay_ns > 0 ? delay_ns : 1000), uid,
                                         event_payload(EV_ANSWER, token, call));
                }
        }
}

void instance_lose_requests(struct fleet *fleet, uint32_t index)
{
        struct instance *instance = &fleet->instances[index];
        struct service *service = &fleet->services[instance->service];

        service_touch(fleet, service);
        instance_cpu_touch(fleet, instance);
        lose(fleet, instance, &instance->queue);
        lose(fleet, instance, &instance->inside);
        instance->busy = 0;
        instance->working = 0;
        if (instance->holdings != NULL)
                holdings_process_ended(fleet, index);
}

void request_resurrect(struct fleet *fleet, const struct resurrection *of)
{
        struct instance *instance = &fleet->instances[of->instance];
        struct service *service = &fleet->services[instance->service];
        uint64_t uid = hash_mix(of->uid, 1);
        struct rng_block block = rng_draw(fleet->key, uid, RNG_HOP, 0);
        uint32_t index = call_new(fleet), ri;
        struct call *call;
        struct req *req;

        if (index == NONE)
                return;
        call = &fleet->calls[index];
        call->uid = of->uid;
        call->edge = fleet->sources[of->source].edge;
        call->parent = NONE;
        call->parent_generation = NONE;
        call->priority = 250;
        call->cost = 1.0f;
        call->attempt = 0;
        call->judged = of->judged;
        call->first_at_ns = of->arrived_ns;
        call->sent_at_ns = of->arrived_ns;
        call->state = CALL_WAITING;
        call->token++;
        call->ticket_state = TICKET_NONE;
        call->holds = 0;
        if (!of->judged)
                objective_call_began(fleet, index);
        ri = make_req(fleet, index, uid, block);
        if (ri == NONE)
                return;
        call = &fleet->calls[index];
        req = &fleet->reqs[ri];
        call->req = ri;
        call->req_generation = req->generation;
        req->instance = of->instance;
        req->row = 0;
        req->arrived_ns = of->arrived_ns;
        req->work_ns = draw_work_ns(fleet, of->instance, 1.0f, block, NULL);
        service_touch(fleet, service);
        service->inside++;
        if (!of->works) {
                service->waiting++;
                req->state = REQ_QUEUED;
                list_append(fleet, &instance->queue, ri);
                return;
        }
        service->busy++;
        instance->busy++;
        instance->working++;
        req->has_worker = true;
        req->state = REQ_WORKING;
        req->started_ns = of->started_ns;
        req->work_ns = of->end_ns; /* it never stood still */
        list_append(fleet, &instance->inside, ri);
        event_queue_push(&fleet->queue, of->end_ns, uid,
                         event_payload(EV_WORKED, req->generation, ri));
}

/* Half of all events: past the table of the others. */
void request_worked(struct fleet *fleet, uint32_t index, uint32_t generation)
{
        if (fleet->reqs[index].state == REQ_WORKING &&
            (fleet->reqs[index].generation & 0xffffffu) == generation)
                req_worked(fleet, index);
}

void request_event(struct fleet *fleet, enum event_kind kind, uint32_t index, uint32_t generation)
{
        switch (kind) {
        case EV_REACH:
                if (fleet->reqs[index].state == REQ_COMING &&
                    (fleet->reqs[index].generation & 0xffffffu) == generation) {
                        fleet->instances[fleet->reqs[index].instance].coming--;
                        req_reach(fleet, index);
                }
                break;
        case EV_CLOSED:
                if (fleet->reqs[index].state == REQ_CLOSING &&
                    (fleet->reqs[index].generation & 0xffffffu) == generation)
                        req_answer(fleet, index, (enum call_outcome)fleet->reqs[index].outcome);
                break;
        case EV_RESUME:
                if (fleet->reqs[index].state == REQ_STUCK_CALLING &&
                    (fleet->reqs[index].generation & 0xffffffu) == generation &&
                    fleet->instances[fleet->reqs[index].instance].stopped == 0)
                        req_continue(fleet, index);
                break;
        case EV_ANSWER:
                if (fleet->calls[index].state == CALL_WAITING &&
                    (fleet->calls[index].token & 0xffffffu) == generation)
                        call_answered(fleet, index);
                break;
        case EV_RETRY:
                if (fleet->calls[index].state == CALL_BACKOFF &&
                    (fleet->calls[index].token & 0xffffffu) == generation) {
                        if (!call_parent_lives(fleet, &fleet->calls[index]))
                                call_finish(fleet, index, CALL_LOST, 0.0f, true);
                        else
                                call_send(fleet, index);
                }
                break;
        case EV_TURN:
                if (fleet->calls[index].state == CALL_WAITING &&
                    (fleet->calls[index].token & 0xffffffu) == generation)
                        call_turn(fleet, index);
                break;
        case EV_GRANTED:
                if (fleet->calls[index].state == CALL_WAITING &&
                    (fleet->calls[index].token & 0xffffffu) == generation)
                        call_granted(fleet, index);
                break;
        case EV_STORE:
                if (fleet->reqs[index].state == REQ_COMING &&
                    (fleet->reqs[index].generation & 0xffffffu) == generation)
                        message_store(fleet, index);
                break;
        case EV_ROOM:
                instance_start_waiting(fleet, index);
                break;
        case EV_TIMEOUT:
                if (fleet->calls[index].state == CALL_WAITING &&
                    (fleet->calls[index].token & 0xffffffu) == generation)
                        call_timed_out(fleet, index);
                break;
        default:
                break;
        }
}
