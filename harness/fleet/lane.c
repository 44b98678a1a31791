/* lane.c - requests of a quiet leaf, worked out ahead.
 *
 * One worker, first come first served, no calls, no fault, no limit: when such a
 * request comes, its start is the later of now and the end of the one before, and
 * its end is known (Lindley's recursion). It needs no call, no req and no event:
 * it stands in its instance's lane until somebody could see that it ended. And the
 * next arrival of its source, if it is due before every event in the queue, is
 * handled at once.
 *
 * Exact, to the byte. What is counted are whole numbers, so it does not matter
 * that one instance is counted up before the other; sums of doubles belong to
 * one instance and are made in its order. Looks (a second's end, telemetry) first
 * let everything end that would have ended (lanes_settle). Everything else that is
 * no request, and whoever acts on the fleet, finds ordinary calls and reqs in
 * their places (lanes_end): an instance takes the lane again when it is empty.
 * tests/test_lane.c runs fleets both ways.
 *
 * What may go this way is decided in source_may() (what cannot change),
 * lanes_open() (what can, for the service) and instance_is_plain(). A new
 * mechanism that touches a request at a leaf is to be asked for there.
 *
 * 32 bytes a request; a request costs its two draws, two logarithms and its counts.
 */
#include <string.h>

#include "harness/fleet/model.h"

struct lane_entry {
        int64_t arrived_ns, started_ns, end_ns;
        uint32_t drawn;  /* number of the arrival */
        uint32_t source; /* index x 2 + judged already */
};

struct lane {
        struct lane_entry *slot;
        uint32_t first, count, capacity; /* capacity: a power of two */
};

static struct lane_entry *lane_at(const struct lane *lane, uint32_t i)
{
        return &lane->slot[(lane->first + i) & (lane->capacity - 1)];
}

static uint64_t entry_call_uid(const struct fleet *fleet, const struct lane_entry *entry)
{
        return hash_mix(fleet->sources[entry->source >> 1].name_hash, entry->drawn);
}

static int64_t later(int64_t a_ns, int64_t b_ns)
{
        return a_ns > b_ns ? a_ns : b_ns;
}

/* ---- who may */

static bool source_may(const struct fleet_spec *spec, const struct load_spec *load)
{
        const struct service_spec *service = &spec->services[load->to];

        return load->process == LOAD_POISSON && load->profile.shape == SHAPE_CONSTANT &&
               load->class_count == 0 && load->timeout_ns == TIME_NEVER && !load->has_patience &&
               service->edge_count == 0 && service->concurrency == 1 &&
               service->discipline == DISCIPLINE_FIFO && service->queue_max == QUEUE_UNBOUNDED &&
               service->memory_limit_bytes == 0 && service->fd_limit == 0 &&
               service->data == DATA_NONE && !service->autoscaler.present && service->cpu_share <= service->cpu_cores &&
               (service->warm_up_ns <= 0 || service->warm_up_factor <= 1.0);
}

bool lanes_init(struct fleet *fleet)
{
        const struct fleet_spec *spec = fleet->spec;

        fleet->lanes = NULL;
        for (uint32_t i = 0; i < spec->load_count; i++)
                fleet->sources[i].lane = source_may(spec, &spec->loads[i]);
        /* Nobody else calls there: loads of another kind, services. */
        for (uint32_t i = 0; i < spec->load_count; i++)
                for (uint32_t k = 0; k < spec->load_count; k++)
                        if (spec->loads[k].to == spec->loads[i].to &&
                            !source_may(spec, &spec->loads[k]))
                                fleet->sources[i].lane = false;
        for (uint32_t i = 0; i < spec->load_count; i++)
                for (uint32_t k = 0; k < spec->edge_count; k++)
                        if (spec->edges[k].to == spec->loads[i].to)
                                fleet->sources[i].lane = false;
        return true;
}

void lanes_release(struct fleet *fleet)
{
        for (uint32_t i = 0; i < fleet->lane_capacity; i++)
                free(fleet->lanes[i].slot);
        free(fleet->lanes);
}

/* One lane for every instance that there is. */
static bool lanes_reserve(struct fleet *fleet)
{
        struct lane *bigger;

        if (fleet->lane_capacity >= fleet->instance_count)
                return true;
        bigger = realloc(fleet->lanes, fleet->instance_count * sizeof(*bigger));
        if (bigger == NULL) {
                fleet_break(fleet, "out of memory");
                return false;
        }
        memset(bigger + fleet->lane_capacity, 0,
               (fleet->instance_count - fleet->lane_capacity) * sizeof(*bigger));
        fleet->lanes = bigger;
        fleet->lane_capacity = fleet->instance_count;
        return true;
}

/* Whether nothing is on the edge and the service that a request would meet. */
static bool lanes_open(const struct fleet *fleet, const struct edge *edge,
                       const struct service *service)
{
        return edge->effects == NULL && !edge->guarded && edge->special == 0 &&
               (edge->balancing == BALANCE_RANDOM || edge->balancing == BALANCE_ROUND_ROBIN) &&
               edge->timeout_ns == TIME_NEVER && service->effects == NULL &&
               service->error_rate <= 0 && service->admit_share >= 1.0 && service->level == 0 &&
               service->level_quality >= 1.0f && service->spec->feature_count == 0 &&
               service->watch.length == 0 && service->concurrency == 1 &&
               service->config == NULL && fleet->zone_links == 0 && fleet->way_links == 0 &&
               fleet->clock_links == 0 && fleet->stocks == NULL &&
               !fleet->lanes_closed;
}

/* Whether a request there meets nothing but its own work and those in its lane. */
static bool instance_is_plain(const struct instance *instance)
{
        return instance->state == INSTANCE_UP && instance->effects == NULL &&
               instance->params == NULL && instance->holdings == NULL && instance->stopped == 0 &&
               instance->stood_still_ns == 0 && instance->batch_load <= 0 &&
               instance->queue.length + instance->inside.length + instance->coming == 0;
}

/* ---- the end of a request */

static void cpu_until(struct fleet *fleet, const struct service *service, struct instance *instance,
                      int64_t from_ns, int64_t to_ns)
{
        if (!fleet->options.telemetry)
                return;
        from_ns = later(from_ns, instance->cpu_at_ns);
        if (to_ns > from_ns)
                instance->cpu_area_s +=
                        service->spec->cpu_share * (double)(to_ns - from_ns) * 1e-9;
        instance->cpu_at_ns = to_ns;
}

/* Counts what it did to the integrals since they were last brought up to date. */
static void integrate(const struct fleet *fleet, struct service *service,
                      const struct lane_entry *entry, int64_t until_ns)
{
        int64_t came_ns = later(entry->arrived_ns, fleet->lanes_settled_ns);
        int64_t began_ns = later(entry->started_ns, fleet->lanes_settled_ns);

        service->system_area += (uint64_t)(until_ns - came_ns);
        if (until_ns <= began_ns) {
                service->queue_area += (uint64_t)(until_ns - came_ns);
                return;
        }
        service->queue_area += (uint64_t)(began_ns - came_ns);
        service->busy_area += (uint64_t)(until_ns - began_ns);
}

static void count_start(struct service *service, const struct lane_entry *entry)
{
        service->measure.started++;
        hist_add(&service->measure.waiting, entry->started_ns - entry->arrived_ns);
}

static void entry_ends(struct fleet *fleet, struct service *service, struct instance *instance,
                       const struct lane_entry *entry)
{
        struct edge *edge = &fleet->edges[fleet->sources[entry->source >> 1].edge];
        bool measured = entry->arrived_ns >= fleet->measured_from_ns;
        int64_t from_ns = later(entry->arrived_ns, fleet->measured_from_ns);
        int64_t sojourn_ns = entry->end_ns - entry->arrived_ns;
        uint32_t index = hist_index(sojourn_ns);

        fleet->events++;
        fleet->in_flight--;
        integrate(fleet, service, entry, entry->end_ns);
        cpu_until(fleet, service, instance, entry->started_ns, entry->end_ns);
        if (entry->end_ns > from_ns)
                service->sojourn_sum += (uint64_t)(entry->end_ns - from_ns);
        if (measured) {
                count_start(service, entry);
                service->work_sum += (uint64_t)(entry->end_ns - entry->started_ns);
                service->measure.completed++;
                fleet->root_outcome[CALL_OK]++;
        }
        instance->requests++;
        instance->answers++;
        edge->calls++;
        if (fleet->options.telemetry) {
                sketch_add_at(instance->sketch, index);
                sketch_add_at(&edge->sketch, index);
        }
        objective_plain_ended(fleet, service, entry->arrived_ns, entry->end_ns, index,
                              entry->source & 1);
}

/* Lets end in one lane what ends before (until_ns, until_ident). */
static inline void lane_drain(struct fleet *fleet, struct service *service, uint32_t index,
                              int64_t until_ns, uint64_t until_ident)
{
        struct lane *lane = &fleet->lanes[index];

        while (lane->count > 0) {
                const struct lane_entry *entry = lane_at(lane, 0);

                if (entry->end_ns > until_ns ||
                    (entry->end_ns == until_ns &&
                     hash_mix(entry_call_uid(fleet, entry), 1) >= until_ident))
                        return;
                entry_ends(fleet, service, &fleet->instances[index], entry);
                lane->first++;
                lane->count--;
                fleet->lane_pending--;
        }
}

/* ---- looks */

static void judge_overdue(struct fleet *fleet, struct service *service, struct lane *lane)
{
        const struct slo_spec *slo = &service->spec->slo;

        if (!slo->present || slo->latency_ns == TIME_NEVER)
                return;
        for (uint32_t i = 0; i < lane->count; i++) {
                struct lane_entry *entry = lane_at(lane, i);

                if (entry->arrived_ns + slo->latency_ns >= fleet->now)
                        return;
                if (!(entry->source & 1))
                        objective_plain_late(fleet, service, entry->arrived_ns);
                entry->source |= 1;
        }
}

static void settle(struct fleet *fleet, uint64_t ident, enum lane_look look)
{
        for (uint32_t i = 0; i < fleet->lane_capacity; i++) {
                struct lane *lane = &fleet->lanes[i];
                struct instance *instance = &fleet->instances[i];
                struct service *service = &fleet->services[instance->service];

                if (lane->count == 0)
                        continue;
                lane_drain(fleet, service, i, fleet->now, ident);
                for (uint32_t k = 0; k < lane->count; k++)
                        integrate(fleet, service, lane_at(lane, k), fleet->now);
                if (lane->count == 0)
                        continue;
                if (look == LANE_LOOK_TELEMETRY)
                        cpu_until(fleet, service, instance, lane_at(lane, 0)->started_ns, fleet->now);
                if (look == LANE_LOOK_SECOND)
                        judge_overdue(fleet, service, lane);
        }
        fleet->lanes_settled_ns = fleet->now;
}

void lanes_settle(struct fleet *fleet, uint64_t ident, enum lane_look look)
{
        if (fleet->lane_pending > 0)
                settle(fleet, ident, look);
}

uint32_t lane_waiting(const struct fleet *fleet, uint32_t instance)
{
        if (fleet->lane_pending == 0 || instance >= fleet->lane_capacity ||
            fleet->lanes[instance].count == 0)
                return 0;
        return fleet->lanes[instance].count - 1; /* the first works */
}

/* ---- back to calls and reqs */

struct pending {
        struct lane_entry entry;
        uint32_t instance;
        bool works; /* the first of its lane */
};

static int by_arrival(const void *left, const void *right)
{
        const struct pending *a = left, *b = right;

        if (a->entry.arrived_ns != b->entry.arrived_ns)
                return a->entry.arrived_ns < b->entry.arrived_ns ? -1 : 1;
        if (a->entry.source >> 1 != b->entry.source >> 1)
                return a->entry.source >> 1 < b->entry.source >> 1 ? -1 : 1;
        return a->entry.drawn < b->entry.drawn ? -1 : a->entry.drawn > b->entry.drawn;
}

static void materialise(struct fleet *fleet, const struct pending *pending)
{
        const struct lane_entry *entry = &pending->entry;
        struct instance *instance = &fleet->instances[pending->instance];
        struct service *service = &fleet->services[instance->service];

        fleet->in_flight--; /* the req counts it again */
        if (pending->works) {
                if (entry->arrived_ns >= fleet->measured_from_ns)
                        count_start(service, entry);
                if (fleet->options.telemetry)
                        instance->cpu_at_ns = later(instance->cpu_at_ns, entry->started_ns);
        }
        request_resurrect(fleet,
                          &(struct resurrection){.source = entry->source >> 1,
                                                 .uid = entry_call_uid(fleet, entry),
                                                 .instance = pending->instance,
                                                 .arrived_ns = entry->arrived_ns,
                                                 .started_ns = entry->started_ns,
                                                 .end_ns = entry->end_ns,
                                                 .works = pending->works,
                                                 .judged = entry->source & 1});
}

void lanes_end(struct fleet *fleet)
{
        struct pending *pending;
        uint32_t count = 0;

        relays_end(fleet);
        if (fleet->lane_pending == 0)
                return;
        settle(fleet, fleet->at_ident, LANE_LOOK_NONE);
        pending = malloc((fleet->lane_pending + 1) * sizeof(*pending));
        if (pending == NULL) {
                fleet_break(fleet, "out of memory");
                return;
        }
        for (uint32_t i = 0; i < fleet->lane_capacity; i++) {
                struct lane *lane = &fleet->lanes[i];

                for (uint32_t k = 0; k < lane->count; k++)
                        pending[count++] = (struct pending){*lane_at(lane, k), i, k == 0};
                lane->count = 0;
        }
        fleet->lane_pending = 0;
        qsort(pending, count, sizeof(*pending), by_arrival);
        for (uint32_t i = 0; i < count && fleet->broken == NULL; i++)
                materialise(fleet, &pending[i]);
        free(pending);
}

/* ---- arrivals */

static bool lane_append(struct fleet *fleet, struct lane *lane, struct lane_entry entry)
{
        if (lane->count == lane->capacity) {
                uint32_t capacity = lane->capacity == 0 ? 8 : lane->capacity * 2;
                struct lane_entry *slot = malloc(capacity * sizeof(*slot));

                if (slot == NULL) {
                        fleet_break(fleet, "out of memory");
                        return false;
                }
                for (uint32_t i = 0; i < lane->count; i++)
                        slot[i] = *lane_at(lane, i);
                free(lane->slot);
                lane->slot = slot;
                lane->first = 0;
                lane->capacity = capacity;
        }
        *lane_at(lane, lane->count++) = entry;
        fleet->lane_pending++;
        fleet->in_flight++;
        return true;
}

/* The request of the arrival that is due now goes into a lane; false: it cannot. */
static inline bool take(struct fleet *fleet, const struct source *source, struct edge *edge,
                        struct service *service)
{
        const struct drawn_ahead *ahead = drawn_ahead_of(source, source->drawn - 1);
        const struct dist *work = &service->spec->service_time;
        bool measured = fleet->now >= fleet->measured_from_ns;
        uint32_t turn = edge->turn, count = service->routable_count, index;
        struct lane_entry entry;
        struct lane *lane;

        if (count == 0 || source->drawn > UINT32_MAX || fleet->in_flight >= FLEET_IN_FLIGHT_MAX)
                return false;
        if (edge->balancing == BALANCE_RANDOM) {
                index = service->routable[rng_below((uint32_t)ahead->hop.word[1], count)];
        } else {
                turn = turn + 1 >= count ? 0 : turn + 1;
                index = service->routable[turn];
        }
        if (!instance_is_plain(&fleet->instances[index]))
                return false;
        lane = &fleet->lanes[index];
        lane_drain(fleet, service, index, fleet->now, source->name_hash);
        entry.arrived_ns = fleet->now;
        entry.started_ns =
                lane->count > 0 ? lane_at(lane, lane->count - 1)->end_ns : fleet->now;
        entry.end_ns = entry.started_ns +
                       (work->kind == DIST_EXPONENTIAL
                                ? dist_exponential_ns(work, ahead->hop_log)
                                : dist_sample_ns(work, rng_u01(ahead->hop.word[0])));
        entry.drawn = (uint32_t)source->drawn;
        entry.source = (uint32_t)(source - fleet->sources) * 2;
        if (!lane_append(fleet, lane, entry))
                return false;
        edge->turn = turn;
        if (edge->retry.budget >= 0 && edge->retry.max > 0) {
                edge->retry_credit += edge->retry.budget;
                if (edge->retry_credit > 100)
                        edge->retry_credit = 100;
        }
        if (measured) {
                fleet->root_requests++;
                service->measure.calls++;
                service->measure.attempts++;
                service->measure.arrived++;
                if ((ahead->uid & 0xff) == 0)
                        fleet->draw_hash += hash_mix(ahead->uid, ahead->hop.word[0]);
        }
        return true;
}

bool lanes_arrival(struct fleet *fleet, uint32_t index)
{
        struct source *source = &fleet->sources[index];
        struct edge *edge = &fleet->edges[source->edge];
        struct service *service = &fleet->services[edge->to];

        if (!lanes_open(fleet, edge, service) || !lanes_reserve(fleet))
                return false;
        if (fleet->lane_pending == 0)
                fleet->lanes_settled_ns = fleet->now;
        while (take(fleet, source, edge, service)) {
                int64_t at_ns = load_arrived(fleet, index);

                if (at_ns >= fleet->until_ns || at_ns >= event_queue_next_at(&fleet->queue) ||
                    fleet->broken != NULL) {
                        if (at_ns != TIME_NEVER)
                                event_queue_push(&fleet->queue, at_ns, source->name_hash,
                                                 event_payload(EV_ARRIVAL, source->generation, index));
                        return true;
                }
                fleet->now = at_ns;
                fleet->at_ident = source->name_hash;
                fleet->events++;
        }
        return false;
}
