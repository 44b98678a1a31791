/* pool.c - connections and file descriptors: what a call needs besides a callee.
 *
 * A pool belongs to one edge in one calling instance. A call takes a connection
 * when its attempt begins and gives it back when the attempt has ended for the
 * caller; without a free one it waits in line, and its timeout runs. With the
 * callee's time as service time a pool of c connections is so a station of c
 * servers. Which of the idle connections it gets is chance: one that was dropped
 * fails the call at once and goes back, for nobody looks at it before.
 *
 * Descriptors belong to the instance: `per_call` for each request inside and for
 * each call out. Requests wait in the instance's queue for theirs, calls in a
 * line of their own, which goes first: what is inside has to get out.
 *
 * A claim remembers whose connection a call has. A renewed pool has another
 * epoch and a new process another life: what comes back later is thrown away.
 *
 * Cost: nothing for edges without; else one claim (12 bytes) a call and O(1).
 */
#include "harness/fleet/data_layer.h"

/* ---- lines */

bool line_push(struct fleet *fleet, struct line *line, uint32_t index, uint32_t token)
{
        if (line->count == line->capacity) {
                uint32_t capacity = line->capacity == 0 ? 16 : line->capacity * 2;
                struct line_place *place = malloc(capacity * sizeof(*place));

                if (place == NULL) {
                        fleet_break(fleet, "out of memory");
                        return false;
                }
                for (uint32_t i = 0; i < line->count; i++)
                        place[i] = line->place[(line->first + i) & (line->capacity - 1)];
                free(line->place);
                line->place = place;
                line->first = 0;
                line->capacity = capacity;
        }
        line->place[(line->first + line->count++) & (line->capacity - 1)] =
                (struct line_place){index, token};
        return true;
}

bool line_pop(struct line *line, struct line_place *out)
{
        if (line->count == 0)
                return false;
        *out = line->place[line->first];
        line->first = (line->first + 1) & (line->capacity - 1);
        line->count--;
        return true;
}

/* Calls that gave up leave the front as the line is used. */
static void line_trim(const struct fleet *fleet, struct line *line)
{
        while (line->count > 0) {
                const struct line_place *place = &line->place[line->first];

                if (fleet->calls[place->index].token == place->token &&
                    fleet->calls[place->index].state == CALL_WAITING)
                        return;
                line->first = (line->first + 1) & (line->capacity - 1);
                line->count--;
        }
}

/* ---- what is there */

static uint32_t pool_free(struct fleet *fleet, const struct instance *instance, uint32_t edge,
                          const struct pool *pool)
{
        uint32_t taken = instance_has_effects(fleet, instance)
                                 ? effect_connections_taken(fleet, instance, edge, pool->size)
                                 : 0;

        return pool->in_use + taken >= pool->size ? 0 : pool->size - taken - pool->in_use;
}

static double descriptors_used(struct fleet *fleet, const struct instance *instance)
{
        const struct service_spec *spec = fleet->services[instance->service].spec;
        double taken = instance_has_effects(fleet, instance)
                               ? effect_descriptors_taken(fleet, instance) * spec->fd_limit
                               : 0;

        return taken + (double)spec->fd_per_call *
                               (instance->inside.length + (double)instance->holdings->calls_out);
}

static bool descriptor_free(struct fleet *fleet, const struct instance *instance)
{
        const struct service_spec *spec = fleet->services[instance->service].spec;

        return spec->fd_limit == 0 ||
               descriptors_used(fleet, instance) + spec->fd_per_call <= spec->fd_limit + 1e-9;
}

bool descriptors_left(struct fleet *fleet, const struct instance *instance)
{
        return instance->holdings->waiting == 0 && descriptor_free(fleet, instance);
}

double descriptors_ratio(struct fleet *fleet, const struct instance *instance)
{
        double limit = fleet->services[instance->service].spec->fd_limit;

        return descriptors_used(fleet, instance) / limit;
}

double pools_ratio(struct fleet *fleet, const struct instance *instance)
{
        const struct service_spec *spec = fleet->services[instance->service].spec;
        double highest = 0;

        for (uint32_t i = 0; i < spec->edge_count; i++) {
                const struct pool *pool = &instance->holdings->pools[i];
                double ratio;

                if (pool->size == 0)
                        continue;
                ratio = 1.0 - (double)pool_free(fleet, instance, spec->edge_first + i, pool) /
                                      pool->size;
                if (ratio > highest)
                        highest = ratio;
        }
        return highest;
}

/* ---- claims */

static struct claim *claim_of(struct fleet *fleet, uint32_t call)
{
        if (call >= fleet->claim_capacity) {
                uint32_t capacity = fleet->call_capacity;
                struct claim *bigger = realloc(fleet->claims, capacity * sizeof(*bigger));

                if (bigger == NULL) {
                        fleet_break(fleet, "out of memory");
                        return NULL;
                }
                fleet->claims = bigger;
                fleet->claim_capacity = capacity;
        }
        return &fleet->claims[call];
}

static struct pool *pool_of(struct fleet *fleet, uint32_t instance, uint32_t edge)
{
        const struct instance *i = &fleet->instances[instance];

        return &i->holdings->pools[edge - fleet->services[i->service].spec->edge_first];
}

static void wait_in(struct fleet *fleet, uint32_t index, struct line *line, uint8_t flag)
{
        struct call *call = &fleet->calls[index];

        call_start_timer(fleet, index);
        call->holds |= flag | CALL_IS_TIMED;
        line_trim(fleet, line);
        line_push(fleet, line, index, call->token);
}

/* Of the idle connections each is as likely as the other. */
static bool connection_is_dead(struct fleet *fleet, const struct call *call,
                               const struct pool *pool)
{
        uint32_t idle = pool->size - pool->in_use + 1; /* it was idle until now */
        struct rng_block block;

        if (pool->dead == 0)
                return false;
        block = rng_draw(fleet->key, hash_mix(call->uid, call->attempt + 1u), RNG_DATA, 0);
        return rng_u01(block.word[0]) * idle < pool->dead;
}

static bool claim_connection(struct fleet *fleet, uint32_t index, struct claim *claim)
{
        struct call *call = &fleet->calls[index];
        struct instance *instance = &fleet->instances[claim->instance];
        struct pool *pool = pool_of(fleet, claim->instance, call->edge);

        if (pool->size == 0)
                return true;
        if (!(call->holds & CALL_HAS_CONNECTION)) {
                if (pool->waiting > 0 || pool_free(fleet, instance, call->edge, pool) == 0) {
                        pool->waiting++;
                        claim->epoch = pool->epoch;
                        wait_in(fleet, index, &pool->line, CALL_WAITS_CONNECTION);
                        return false;
                }
                pool->in_use++;
                claim->epoch = pool->epoch;
                call->holds |= CALL_HAS_CONNECTION;
        }
        if (call->holds & CALL_IS_CHECKED)
                return true;
        call->holds |= CALL_IS_CHECKED;
        if (!connection_is_dead(fleet, call, pool))
                return true;
        instance->refused++;
        data_says(fleet, claim->instance, "database connection lost");
        call_refused(fleet, index, hash_mix(call->uid, call->attempt + 1u), CALL_ERROR);
        return false;
}

static bool claim_descriptor(struct fleet *fleet, uint32_t index, struct claim *claim)
{
        struct call *call = &fleet->calls[index];
        struct instance *instance = &fleet->instances[claim->instance];
        struct holdings *holdings = instance->holdings;

        if (fleet->services[instance->service].spec->fd_limit == 0 ||
            (call->holds & CALL_HAS_DESCRIPTOR))
                return true;
        if (!descriptors_left(fleet, instance)) {
                holdings->waiting++;
                data_says(fleet, claim->instance, "too many open files");
                wait_in(fleet, index, &holdings->line, CALL_WAITS_DESCRIPTOR);
                return false;
        }
        holdings->calls_out++;
        call->holds |= CALL_HAS_DESCRIPTOR;
        return true;
}

bool call_claims(struct fleet *fleet, uint32_t index)
{
        struct claim *claim = claim_of(fleet, index);

        if (claim == NULL)
                return false;
        claim->instance = call_caller_instance(fleet, &fleet->calls[index]);
        claim->life = fleet->instances[claim->instance].holdings->life;
        return claim_connection(fleet, index, claim) && claim_descriptor(fleet, index, claim);
}

void call_granted(struct fleet *fleet, uint32_t index)
{
        struct claim *claim = &fleet->claims[index];

        if (fleet->instances[claim->instance].holdings->life != claim->life)
                call_refused(fleet, index, fleet->calls[index].uid, CALL_LOST); /* died meanwhile */
        else if (claim_connection(fleet, index, claim) && claim_descriptor(fleet, index, claim))
                call_dispatch(fleet, index);
}

void call_lets_go(struct fleet *fleet, uint32_t index)
{
        struct call *call = &fleet->calls[index];
        const struct claim *claim = &fleet->claims[index];
        struct instance *instance = &fleet->instances[claim->instance];
        struct holdings *holdings = instance->holdings;
        struct pool *pool = pool_of(fleet, claim->instance, call->edge);
        uint8_t holds = call->holds;

        call->holds = 0;
        if (holdings->life != claim->life)
                return;
        if (holds & (CALL_WAITS_CONNECTION | CALL_WAITS_DESCRIPTOR)) {
                instance->refused++;
                data_says(fleet, claim->instance,
                          holds & CALL_WAITS_CONNECTION ? "connection pool exhausted"
                                                        : "too many open files");
        }
        if (holds & CALL_WAITS_CONNECTION)
                pool->waiting--;
        if (holds & CALL_WAITS_DESCRIPTOR)
                holdings->waiting--;
        if ((holds & CALL_HAS_CONNECTION) && pool->epoch == claim->epoch)
                pool->in_use--;
        if (holds & CALL_HAS_DESCRIPTOR)
                holdings->calls_out--;
        if (holds & (CALL_HAS_CONNECTION | CALL_HAS_DESCRIPTOR))
                holdings_wake(fleet, claim->instance);
}

/* ---- who waits gets */

/* The first in line that still waits, or NONE. */
static uint32_t next_in_line(const struct fleet *fleet, struct line *line)
{
        struct line_place place;

        line_trim(fleet, line);
        return line_pop(line, &place) ? place.index : NONE;
}

static void grant(struct fleet *fleet, uint32_t index, uint8_t waits, uint8_t has)
{
        struct call *call = &fleet->calls[index];

        call->holds = (uint8_t)((call->holds & ~waits) | has);
        event_queue_push(&fleet->queue, fleet->now, hash_mix(call->uid, 0x4752u),
                         event_payload(EV_GRANTED, call->token, index));
}

static void wake_pool(struct fleet *fleet, struct instance *instance, uint32_t edge,
                      struct pool *pool)
{
        while (pool->waiting > 0 && pool_free(fleet, instance, edge, pool) > 0) {
                uint32_t call = next_in_line(fleet, &pool->line);

                if (call == NONE)
                        return;
                pool->waiting--;
                pool->in_use++;
                fleet->claims[call].epoch = pool->epoch;
                grant(fleet, call, CALL_WAITS_CONNECTION, CALL_HAS_CONNECTION);
        }
}

void holdings_grant(struct fleet *fleet, uint32_t index)
{
        struct instance *instance = &fleet->instances[index];
        struct holdings *holdings = instance->holdings;
        const struct service_spec *spec = fleet->services[instance->service].spec;

        for (uint32_t i = 0; i < spec->edge_count; i++)
                if (holdings->pools[i].waiting > 0)
                        wake_pool(fleet, instance, spec->edge_first + i, &holdings->pools[i]);
        while (holdings->waiting > 0 && descriptor_free(fleet, instance)) {
                uint32_t call = next_in_line(fleet, &holdings->line);

                if (call == NONE)
                        break;
                holdings->waiting--;
                holdings->calls_out++;
                grant(fleet, call, CALL_WAITS_DESCRIPTOR, CALL_HAS_DESCRIPTOR);
        }
}

void holdings_wake(struct fleet *fleet, uint32_t index)
{
        const struct instance *instance = &fleet->instances[index];
        const struct service_spec *spec = fleet->services[instance->service].spec;

        holdings_grant(fleet, index);
        if (spec->fd_limit > 0 && instance->queue.length > 0 && descriptors_left(fleet, instance))
                event_queue_push(&fleet->queue, fleet->now, hash_mix(0x524fu, index),
                                 event_payload(EV_ROOM, 0, index));
}

void holdings_second(struct fleet *fleet)
{
        for (uint32_t i = 0; i < fleet->instance_count; i++)
                if (fleet->instances[i].holdings != NULL &&
                    fleet->instances[i].state != INSTANCE_GONE)
                        holdings_wake(fleet, i);
}

void pools_renew(struct fleet *fleet, uint32_t index, uint32_t edge)
{
        struct instance *instance = &fleet->instances[index];
        const struct service_spec *spec = fleet->services[instance->service].spec;

        for (uint32_t i = 0; instance->holdings != NULL && i < spec->edge_count; i++) {
                struct pool *pool = &instance->holdings->pools[i];

                if (edge != FLEET_NO_INDEX && edge != spec->edge_first + i)
                        continue;
                pool->epoch++;
                pool->in_use = 0;
                pool->dead = 0;
        }
        if (instance->holdings != NULL)
                holdings_wake(fleet, index);
}

/* Calls of a dead process that were never sent hear of it a moment later. */
static void send_home(struct fleet *fleet, struct line *line)
{
        for (;;) {
                uint32_t index = next_in_line(fleet, line);
                struct call *call;

                if (index == NONE)
                        return;
                call = &fleet->calls[index];
                call->holds = 0;
                call->answer = CALL_LOST;
                call->answer_quality = 0;
                call->final_error = false;
                event_queue_push(&fleet->queue, fleet->now + NS_PER_US,
                                 hash_mix(call->uid, 0x484fu),
                                 event_payload(EV_ANSWER, call->token, index));
        }
}

void holdings_process_ended(struct fleet *fleet, uint32_t index)
{
        struct instance *instance = &fleet->instances[index];
        struct holdings *holdings = instance->holdings;
        const struct service_spec *spec = fleet->services[instance->service].spec;

        holdings->life++;
        for (uint32_t i = 0; i < spec->edge_count; i++) {
                struct pool *pool = &holdings->pools[i];

                send_home(fleet, &pool->line);
                *pool = (struct pool){.size = pool->size, .epoch = pool->epoch + 1,
                                      .line = pool->line};
        }
        send_home(fleet, &holdings->line);
        holdings->waiting = 0;
        holdings->calls_out = 0;
}

void data_says(struct fleet *fleet, uint32_t index, const char *text)
{
        if (fleet->instances[index].holdings != NULL)
                instance_says(fleet, index, text);
}

/* ---- dropped connections */

static uint64_t drop_of(struct fleet *fleet, uint32_t index, uint32_t edge, double share,
                        uint64_t stream)
{
        struct instance *instance = &fleet->instances[index];
        const struct service_spec *spec = fleet->services[instance->service].spec;
        uint64_t dropped = 0;

        if (instance->holdings == NULL || instance->state == INSTANCE_DOWN ||
            instance->state == INSTANCE_BOOTING || instance->state == INSTANCE_GONE)
                return 0;
        for (uint32_t i = 0; i < spec->edge_count; i++) {
                struct pool *pool = &instance->holdings->pools[i];
                uint32_t dead;

                if (pool->size == 0 || (edge != FLEET_NO_INDEX && edge != spec->edge_first + i))
                        continue;
                /* A share of what is alive: several of them combine. */
                dead = (uint32_t)(share * (pool->size - pool->dead) + 0.5);
                pool->dead += dead;
                dropped += dead;
        }
        /* Calls on a connection that is dropped hear of it at once. */
        for (uint32_t c = 0; dropped > 0 && c < fleet->call_count && c < fleet->claim_capacity; c++) {
                struct call *call = &fleet->calls[c];
                const struct claim *claim = &fleet->claims[c];
                struct rng_block block;

                if (call->state != CALL_WAITING || !(call->holds & CALL_HAS_CONNECTION) ||
                    claim->instance != index || claim->life != instance->holdings->life ||
                    (edge != FLEET_NO_INDEX && call->edge != edge) || call->req == NONE)
                        continue;
                block = rng_draw(fleet->key, hash_mix(call->uid, stream), RNG_FAULT, 0);
                if (rng_u01(block.word[0]) >= share)
                        continue;
                instance->refused++;
                call_refused(fleet, c, hash_mix(call->uid, call->attempt + 1u), CALL_ERROR);
        }
        if (dropped > 0)
                data_says(fleet, index, "database connection lost");
        return dropped;
}

uint64_t fleet_pool_drop(struct fleet *fleet, uint32_t instance, uint32_t edge, double share,
                         uint64_t stream)
{
        const struct service *caller;
        uint64_t dropped = 0;

        if (instance != FLEET_NO_INDEX)
                return drop_of(fleet, instance, edge, share, stream);
        caller = &fleet->services[fleet->edges[edge].from];
        for (uint32_t i = 0; i < caller->member_count; i++)
                dropped += drop_of(fleet, caller->members[i], edge, share, stream);
        return dropped;
}

/* ---- life */

static bool needs_holdings(const struct fleet *fleet, const struct service_spec *spec)
{
        bool needs = spec->fd_limit > 0 || spec->data != DATA_NONE;

        for (uint32_t i = 0; i < spec->edge_count; i++)
                needs = needs || fleet->spec->edges[spec->edge_first + i].pool > 0;
        return needs;
}

bool holdings_add(struct fleet *fleet, uint32_t index)
{
        struct instance *instance = &fleet->instances[index];
        const struct service_spec *spec = fleet->services[instance->service].spec;
        struct holdings *holdings;

        if (!needs_holdings(fleet, spec))
                return true;
        holdings = ARENA_NEW(&fleet->arena, struct holdings);
        if (holdings == NULL)
                return false;
        holdings->pools = ARENA_ARRAY(&fleet->arena, struct pool, spec->edge_count + 1);
        if (holdings->pools == NULL)
                return false;
        for (uint32_t i = 0; i < spec->edge_count; i++)
                holdings->pools[i].size = fleet->spec->edges[spec->edge_first + i].pool;
        holdings->cold_at_ns = TIME_NEVER / -2; /* long since warm when the run begins */
        instance->holdings = holdings;
        if (fleet->services[instance->service].database != NULL &&
            fleet->services[instance->service].database->leader == NONE &&
            instance->state == INSTANCE_BOOTING && fleet->now == fleet->start_ns)
                fleet->services[instance->service].database->leader = index;
        return true;
}

static void mark_edge(struct fleet *fleet, struct edge *edge)
{
        const struct service_spec *to = fleet->services[edge->to].spec;

        edge->special = 0;
        if (to->data == DATA_DATABASE)
                edge->special |= EDGE_DATABASE;
        if (to->data == DATA_QUEUE)
                edge->special |= EDGE_QUEUE;
        if (edge->from == NONE)
                return;
        if (edge->spec->pool > 0 || fleet->services[edge->from].spec->fd_limit > 0)
                edge->special |= EDGE_CLAIMS;
}

bool data_init(struct fleet *fleet)
{
        for (uint32_t i = 0; i < fleet->service_count; i++) {
                struct service *service = &fleet->services[i];
                const struct service_spec *spec = &fleet->spec->services[i];

                service->spec = spec;
                if ((spec->data == DATA_DATABASE && !database_init(fleet, i)) ||
                    (spec->data == DATA_QUEUE && !messages_init(fleet, i)))
                        return false;
        }
        for (uint32_t i = 0; i < fleet->edge_count; i++)
                mark_edge(fleet, &fleet->edges[i]);
        for (uint32_t i = 0; i < fleet->service_count; i++)
                if (fleet->spec->services[i].data == DATA_CACHE)
                        fleet->edges[fleet->spec->services[i].cache.edge].special |= EDGE_CACHE;
        return true;
}

void data_release(struct fleet *fleet)
{
        for (uint32_t i = 0; i < fleet->instance_count; i++) {
                struct holdings *holdings = fleet->instances[i].holdings;
                uint32_t edges = fleet->services[fleet->instances[i].service].spec->edge_count;

                if (holdings == NULL)
                        continue;
                for (uint32_t e = 0; e < edges; e++)
                        free(holdings->pools[e].line.place);
                free(holdings->line.place);
        }
        for (uint32_t i = 0; fleet->services != NULL && i < fleet->service_count; i++)
                if (fleet->services[i].database != NULL) {
                        free(fleet->services[i].database->lock_line.place);
                        free(fleet->services[i].database->session_line.place);
                }
        free(fleet->claims);
}

void data_mended(struct fleet *fleet, uint32_t index)
{
        struct service *service = &fleet->services[index];

        for (uint32_t i = 0; i < service->member_count; i++) {
                struct holdings *holdings = fleet->instances[service->members[i]].holdings;

                for (uint32_t e = 0; holdings != NULL && e < service->spec->edge_count; e++)
                        if (holdings->pools[e].dead > 0)
                                pools_renew(fleet, service->members[i],
                                            service->spec->edge_first + e);
        }
        if (service->messages != NULL)
                messages_purge(fleet, index, MARK_POISON);
        database_restore(fleet, index);
}

/* ---- books */

const char *data_check(struct fleet *fleet)
{
        uint64_t counted = 0, had = 0;

        for (uint32_t c = 0; c < fleet->call_count && c < fleet->claim_capacity; c++) {
                const struct call *call = &fleet->calls[c];
                const struct claim *claim = &fleet->claims[c];
                const struct holdings *holdings;

                if (call->state != CALL_WAITING || (call->holds & ~CALL_IS_TIMED) == 0)
                        continue; /* in line before a policy it has a timer and no claim yet */
                holdings = fleet->instances[claim->instance].holdings;
                if (holdings->life != claim->life)
                        continue;
                had += (call->holds & CALL_HAS_CONNECTION) &&
                       pool_of(fleet, claim->instance, call->edge)->epoch == claim->epoch;
                had += (call->holds & CALL_HAS_DESCRIPTOR) != 0;
                had += (call->holds & (CALL_WAITS_CONNECTION | CALL_WAITS_DESCRIPTOR)) != 0;
        }
        for (uint32_t i = 0; i < fleet->instance_count; i++) {
                const struct instance *instance = &fleet->instances[i];
                const struct service_spec *spec = fleet->services[instance->service].spec;

                if (instance->holdings == NULL)
                        continue;
                counted += instance->holdings->calls_out + instance->holdings->waiting;
                for (uint32_t e = 0; e < spec->edge_count; e++)
                        counted += instance->holdings->pools[e].in_use +
                                   instance->holdings->pools[e].waiting;
        }
        return counted == had ? NULL
                              : "connections: what pools and descriptors count is not what calls have";
}
