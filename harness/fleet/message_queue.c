/* message_queue.c - a service that is called by messages: nobody waits for the work.
 *
 * For the producer a call ends when the message is stored, a round trip after it
 * was sent. The call's record lives on as the message's: what the books of the
 * service count, and its objective judges, is the message until its work is done.
 * Its latency is so the lag of the queue.
 *
 * Instances are consumers and pull: whoever has a free worker takes the message
 * that is longest in line. A consumer that dies gives back what it had, to the
 * front, after the redelivery time; nothing limits how often, as nothing does in
 * brokers that are set up that way. Where order is kept a message is handed out
 * only when the one before it is done, given back ones included.
 *
 * A producer that gave up, or did not hear that the message was stored, sends it
 * again: such a double is worked on and counts for nobody.
 *
 * Messages are lost by purging and skipping alone, and counted. O(consumers) each.
 */
#include "harness/fleet/data_layer.h"

bool messages_init(struct fleet *fleet, uint32_t service)
{
        struct message_queue *queue = ARENA_NEW(&fleet->arena, struct message_queue);

        if (queue == NULL)
                return false;
        *queue = (struct message_queue){.ready = {NONE, NONE, 0}, .unacked = {NONE, NONE, 0}};
        fleet->services[service].messages = queue;
        return true;
}

uint32_t messages_depth(const struct message_queue *queue)
{
        return queue->ready.length + queue->unacked.length;
}

/* ---- to the queue */

/* The broker stands where the sender does. */
static uint32_t zone_of(const struct fleet *fleet, uint32_t caller, const struct edge *edge)
{
        return caller != NONE ? fleet->instances[caller].zone
                              : fleet->services[edge->to].spec->zones[0];
}

void message_send(struct fleet *fleet, uint32_t index)
{
        struct call *call = &fleet->calls[index];
        struct edge *edge = &fleet->edges[call->edge];
        uint64_t uid = hash_mix(call->uid, call->attempt + 1u);
        uint32_t caller = call_caller_instance(fleet, call);
        uint32_t zone = zone_of(fleet, caller, edge), ri;
        int64_t delay_ns = caller == NONE ? 0 : 2 * fleet->spec->zones[zone].latency_ns;

        if (effect_refused(fleet, edge, uid)) {
                call_refused(fleet, index, uid, CALL_ERROR);
                return;
        }
        if (effect_request_lost(fleet, edge, zone, zone, uid)) {
                call_start_timer(fleet, index);
                call_never_answered(fleet, index, uid);
                return;
        }
        ri = req_make(fleet, index, uid, rng_draw(fleet->key, uid, RNG_HOP, 0));
        if (ri == NONE)
                return;
        fleet->reqs[ri].instance = NONE;
        call_start_timer(fleet, index);
        delay_ns += effect_edge_delay_ns(fleet, edge, uid);
        event_queue_push(&fleet->queue, fleet->now + delay_ns, uid,
                         event_payload(EV_STORE, fleet->reqs[ri].generation, ri));
}

static bool is_waited_for(const struct fleet *fleet, const struct req *req)
{
        return fleet->calls[req->call].token == req->call_token &&
               fleet->calls[req->call].state == CALL_WAITING;
}

static void refuse(struct fleet *fleet, uint32_t ri)
{
        struct req *req = &fleet->reqs[ri];
        struct call *call = &fleet->calls[req->call];

        fleet->services[fleet->edges[req->edge].to].measure.dropped +=
                fleet->now >= fleet->measured_from_ns;
        if (is_waited_for(fleet, req)) {
                call->answer = CALL_DROPPED;
                call->answer_quality = 0;
                call->final_error = false;
                event_queue_push(&fleet->queue, fleet->now, req->uid,
                                 event_payload(EV_ANSWER, call->token, req->call));
        }
        req_release(fleet, ri);
}

/* The producer hears that the message is stored, and goes on; the call's record
 * is the message's from now on and has no caller any more. */
static void producer_goes_on(struct fleet *fleet, uint32_t ri)
{
        struct req *req = &fleet->reqs[ri];
        struct call *call = &fleet->calls[req->call];
        uint32_t parent = call->parent, generation = call->parent_generation, edge = call->edge;
        const struct slo_spec *slo = &fleet->spec->services[fleet->edges[edge].to].slo;
        int64_t first_at_ns = call->first_at_ns;

        call_attempt_ended(fleet, call, CALL_OK);
        req->call_token = ++call->token; /* its timer is void */
        call->req = NONE;
        call->parent = ri;
        call->parent_generation = req->generation - 1;
        if (parent == NONE) {
                if (first_at_ns >= fleet->measured_from_ns)
                        fleet->root_outcome[CALL_OK]++;
                load_root_finished(fleet, edge - fleet->spec->edge_count, generation, first_at_ns,
                                   !slo->present || fleet->now - first_at_ns <= slo->latency_ns);
        } else if (fleet->reqs[parent].generation == generation) {
                req_call_done(fleet, parent, CALL_OK, 1.0f);
        }
}

void message_store(struct fleet *fleet, uint32_t ri)
{
        struct req *req = &fleet->reqs[ri];
        struct edge *edge = &fleet->edges[req->edge];
        uint32_t service_index = edge->to, call = req->call;
        struct service *service = &fleet->services[service_index];
        bool waited_for = is_waited_for(fleet, req);
        uint64_t uid = req->uid;

        req->arrived_ns = fleet->now;
        service->measure.arrived += fleet->now >= fleet->measured_from_ns;
        if (messages_depth(service->messages) >= service->spec->messages.max) {
                refuse(fleet, ri);
                return;
        }
        service_touch(fleet, service);
        service->inside++;
        service->waiting++;
        req->marks = MARK_MESSAGE;
        if (service->effects != NULL && effect_poisons(fleet, service_index, uid))
                req->marks |= MARK_POISON;
        req->state = REQ_QUEUED;
        list_append(fleet, &service->messages->ready, ri);
        if (waited_for && effect_edge_answer_lost(fleet, edge, uid)) {
                call_never_answered(fleet, call, uid);
                req->call_token--; /* for all that the producer knows it is not stored */
                waited_for = false;
        }
        messages_dispatch(fleet, service_index);
        if (waited_for)
                producer_goes_on(fleet, ri);
}

/* ---- to the consumers */

static uint32_t free_consumer(struct fleet *fleet, struct service *service)
{
        struct message_queue *queue = service->messages;

        for (uint32_t i = 0; i < service->member_count; i++) {
                uint32_t at = (queue->turn + i) % service->member_count;

                if (instance_is_free(fleet, &fleet->instances[service->members[at]])) {
                        queue->turn = (at + 1) % service->member_count;
                        return service->members[at];
                }
        }
        return NONE;
}

void messages_dispatch(struct fleet *fleet, uint32_t service_index)
{
        struct service *service = &fleet->services[service_index];
        struct message_queue *queue = service->messages;

        while (queue->ready.length > 0) {
                uint32_t ri = queue->ready.head, consumer;

                if (service->spec->messages.ordered && queue->in_work + queue->unacked.length > 0)
                        return;
                consumer = free_consumer(fleet, service);
                if (consumer == NONE)
                        return;
                service_touch(fleet, service);
                service->waiting--;
                list_remove(fleet, &queue->ready, ri);
                queue->in_work++;
                fleet->reqs[ri].instance = consumer;
                req_draw_work(fleet, ri);
                req_start(fleet, ri);
        }
}

void message_done(struct fleet *fleet, uint32_t service, uint32_t call, uint32_t token,
                  enum call_outcome outcome, float quality)
{
        fleet->services[service].messages->in_work--;
        messages_dispatch(fleet, service);
        if (fleet->calls[call].token == token && fleet->calls[call].state == CALL_WAITING)
                call_finish(fleet, call, outcome, quality, true);
}

/* ---- back in line */

static void redeliver(void *user, uint32_t service_index)
{
        struct fleet *fleet = user;
        struct message_queue *queue = fleet->services[service_index].messages;
        uint32_t last = NONE;

        for (uint32_t at = queue->unacked.head;
             at != NONE && fleet->reqs[at].started_ns <= fleet->now; at = fleet->reqs[at].next)
                last = at;
        while (last != NONE) { /* from behind, so that the first comes to the front */
                uint32_t before = fleet->reqs[last].prev;

                list_remove(fleet, &queue->unacked, last);
                list_prepend(fleet, &queue->ready, last);
                last = before;
        }
        messages_dispatch(fleet, service_index);
}

void message_return(struct fleet *fleet, uint32_t ri)
{
        struct req *req = &fleet->reqs[ri];
        uint32_t service_index = fleet->edges[req->edge].to;
        struct service *service = &fleet->services[service_index];
        int64_t after_ns = service->spec->messages.redelivery_ns;

        req->generation++; /* what it was waiting for is not for the next consumer */
        req->quality = 1.0f;
        req->call_at = 0;
        req->call_done = 0;
        req->pending = 0;
        req->outcome = CALL_OK;
        req->error_final = false;
        req->has_worker = false;
        req->state = REQ_QUEUED;
        req->instance = NONE;
        req->started_ns = fleet->now + after_ns; /* when it is to be had again */
        service->messages->in_work--;
        service->waiting++;
        list_append(fleet, &service->messages->unacked, ri);
        fleet_schedule(fleet, fleet->now + after_ns, hash_mix(0x5245u, req->uid), redeliver, fleet,
                       service_index);
}

/* ---- thrown away */

static void drop(struct fleet *fleet, struct service *service, struct list *list, uint32_t ri)
{
        struct req *req = &fleet->reqs[ri];
        uint32_t call = req->call;
        bool waited_for = is_waited_for(fleet, req);

        service_touch(fleet, service);
        req_leave(fleet, service, req);
        service->waiting--;
        service->measure.lost += req->arrived_ns >= fleet->measured_from_ns;
        list_remove(fleet, list, ri);
        req_release(fleet, ri);
        if (waited_for)
                call_finish(fleet, call, CALL_LOST, 0.0f, true);
}

uint32_t messages_skip(struct fleet *fleet, uint32_t service_index)
{
        struct service *service = &fleet->services[service_index];
        struct message_queue *queue = service->messages;
        struct list *list = queue->unacked.length > 0 ? &queue->unacked : &queue->ready;

        if (list->length == 0)
                return 0;
        drop(fleet, service, list, list->head);
        messages_dispatch(fleet, service_index);
        return 1;
}

static uint32_t drop_all(struct fleet *fleet, struct service *service, struct list *list,
                         uint8_t marks)
{
        uint32_t count = 0;

        for (uint32_t at = list->head; at != NONE;) {
                uint32_t next = fleet->reqs[at].next;

                if (fleet->reqs[at].marks & marks) {
                        drop(fleet, service, list, at);
                        count++;
                }
                at = next;
        }
        return count;
}

uint32_t messages_purge(struct fleet *fleet, uint32_t service_index, uint8_t marks)
{
        struct service *service = &fleet->services[service_index];
        uint32_t count = drop_all(fleet, service, &service->messages->unacked, marks);

        count += drop_all(fleet, service, &service->messages->ready, marks);
        messages_dispatch(fleet, service_index);
        return count;
}
