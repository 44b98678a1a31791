/* tests/fleet_builder.h - fleets made by hand, without a scenario file.
 *
 * A builder starts sane: one zone without latency, FIFO queues without bound,
 * one worker an instance, no timeouts, no health checks, actuators of a second.
 * A test adds services, calls and loads, changes what it is about, runs the
 * fleet and closes its books, which also checks conservation and Little's law.
 * What the fleet said of itself (notes, events, results) is kept by the builder.
 *
 *     build_begin(&b);
 *     front = build_service(&b, "front", exponential(10 * NS_PER_MS));
 *     load = build_load(&b, "users", 0, 50);
 *     fleet = build_fleet(&b, 1, 0);
 *     fleet_run_until(fleet, 60 * NS_PER_S);
 *     books_close(&books, &b, fleet);
 */
#ifndef TESTS_FLEET_BUILDER_H
#define TESTS_FLEET_BUILDER_H

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/arena.h"
#include "harness/base/rng.h"
#include "harness/fleet/effect.h"
#include "harness/fleet/fleet.h"

enum { BUILD_SERVICES = 12, BUILD_EDGES = 24, BUILD_LOADS = 4, BUILD_NOTES = 8192 };

struct builder {
        struct fleet_spec spec;
        struct arena arena;
        struct zone_spec zones[3];
        uint32_t zone_order[3];
        struct service_spec services[BUILD_SERVICES];
        struct edge_spec edges[BUILD_EDGES];
        struct load_spec loads[BUILD_LOADS];
        char edge_names[BUILD_EDGES][64];
        int64_t bin_ns, duration_ns;
        bool telemetry, people;
        /* what the fleet said */
        struct fleet_note notes[BUILD_NOTES];
        size_t note_count;
        struct fleet_event events[BUILD_NOTES];
        size_t event_count;
        struct fleet_action_result results[256];
        size_t result_count;
        uint64_t batches;
        struct instance_sample last_sample[64]; /* by instance, of the last batch it was in */
        struct edge_sample last_edge[BUILD_EDGES + BUILD_LOADS];
};

struct books {
        struct service_measure *services;
        uint32_t service_count;
        struct fleet_totals totals;
        struct incident *incidents;
        size_t incident_count;
};

static inline struct dist constant(int64_t ns)
{
        return dist_constant(ns);
}

static inline struct dist exponential(int64_t mean_ns)
{
        return (struct dist){.kind = DIST_EXPONENTIAL, .a_ns = (double)mean_ns};
}

static inline void build_begin(struct builder *b)
{
        memset(b, 0, sizeof(*b));
        arena_init(&b->arena);
        b->zones[0] = (struct zone_spec){"a", 0};
        b->zones[1] = (struct zone_spec){"b", 0};
        b->zones[2] = (struct zone_spec){"c", 0};
        b->zone_order[1] = 1;
        b->zone_order[2] = 2;
        b->bin_ns = 10 * NS_PER_S;
        b->duration_ns = NS_PER_HOUR;
        b->spec = (struct fleet_spec){
                .name = "hand made",
                .zones = b->zones,
                .zone_count = 3,
                .services = b->services,
                .edges = b->edges,
                .loads = b->loads,
                .telemetry = {5 * NS_PER_S, NS_PER_S, NS_PER_S, 0, 0},
                .operations = {.page_burn_rate = 14.4,
                               .page_long_ns = NS_PER_HOUR,
                               .page_short_ns = 5 * NS_PER_MIN},
        };
        b->spec.operations.human_response = constant(60 * NS_PER_S);
        b->spec.operations.human_fix = constant(120 * NS_PER_S);
        for (int kind = 0; kind < ACTION_KIND_COUNT; kind++)
                b->spec.actuators[kind].time_ns = NS_PER_S;
}

static inline void build_end(struct builder *b)
{
        arena_release(&b->arena);
}

static inline struct service_spec *build_service(struct builder *b, const char *name,
                                                 struct dist service_time)
{
        struct service_spec *service = &b->services[b->spec.service_count++];

        assert(b->spec.service_count <= BUILD_SERVICES);
        *service = (struct service_spec){
                .name = name,
                .service_time = service_time,
                .instance_count = 1,
                .zones = b->zone_order,
                .zone_count = 1,
                .concurrency = 1,
                .queue_max = QUEUE_UNBOUNDED,
                .restart_time_ns = 5 * NS_PER_S,
                .boot_time_ns = 15 * NS_PER_S,
                .warm_up_factor = 1,
                .cpu_share = 1,
                .slo = {false, 0.99, TIME_NEVER, 1, 10 * NS_PER_S, 20},
        };
        return service;
}

/* Calls of one service must be added together. */
static inline struct edge_spec *build_call(struct builder *b, uint32_t from, uint32_t to)
{
        uint32_t index = b->spec.edge_count++;
        struct edge_spec *edge = &b->edges[index];

        assert(b->spec.edge_count <= BUILD_EDGES);
        snprintf(b->edge_names[index], sizeof(b->edge_names[index]), "%s->%s#%u",
                 b->services[from].name, b->services[to].name, index);
        *edge = (struct edge_spec){
                .name = b->edge_names[index],
                .from = from,
                .to = to,
                .probability = 1,
                .count = 1,
                .timeout_ns = TIME_NEVER,
                .retry = {0, 0, 2, NS_PER_S, 0, -1},
        };
        if (b->services[from].edge_count++ == 0)
                b->services[from].edge_first = index;
        assert(b->services[from].edge_first + b->services[from].edge_count == index + 1);
        return edge;
}

static inline struct load_spec *build_load(struct builder *b, const char *name, uint32_t to,
                                           double rate_per_s)
{
        struct load_spec *load = &b->loads[b->spec.load_count++];

        assert(b->spec.load_count <= BUILD_LOADS);
        *load = (struct load_spec){
                .name = name,
                .to = to,
                .process = LOAD_POISSON,
                .rate_per_s = rate_per_s,
                .timeout_ns = TIME_NEVER,
                .retry = {0, 0, 2, NS_PER_S, 0, -1},
        };
        return load;
}

static inline void build_note(void *user, const struct fleet_note *note)
{
        struct builder *b = user;

        if (b->note_count < BUILD_NOTES)
                b->notes[b->note_count++] = *note;
}

static inline void build_event(void *user, const struct fleet_event *event)
{
        struct builder *b = user;

        if (b->event_count < BUILD_NOTES)
                b->events[b->event_count++] = *event;
}

static inline void build_telemetry(void *user, const struct telemetry_batch *batch)
{
        struct builder *b = user;

        b->batches++;
        for (size_t i = 0; i < batch->instance_count; i++)
                if (batch->instances[i].instance < 64)
                        b->last_sample[batch->instances[i].instance] = batch->instances[i];
        for (size_t i = 0; i < batch->edge_count; i++)
                b->last_edge[batch->edges[i].edge] = batch->edges[i];
}

static inline void build_result(void *user, const struct fleet_action_result *result)
{
        struct builder *b = user;

        if (b->result_count < sizeof(b->results) / sizeof(b->results[0]))
                b->results[b->result_count++] = *result;
}

/* Gives the third service on, `keeper`, what is kept behind service `at`: pools,
 * descriptors and one kind of data, so that faults on them find it. */
static inline void build_data(struct builder *b, uint32_t at, enum fleet_data_kind data)
{
        uint32_t keeper = b->spec.service_count;

        build_service(b, "keeper", dist_constant(NS_PER_MS))->concurrency = 8;
        build_call(b, at, keeper)->timeout_ns = NS_PER_S;
        for (uint32_t i = 0; i < b->spec.edge_count; i++)
                b->edges[i].pool = 20;
        b->services[at].fd_limit = 100;
        b->services[at].fd_per_call = 1;
        b->services[at].data = data;
        b->services[at].cache = (struct cache_spec){0.8, 20 * NS_PER_S, b->spec.edge_count - 1};
        b->services[at].database = (struct database_spec){0, 0.8, 0.1};
        b->services[at].messages = (struct queue_spec){false, 5 * NS_PER_S, QUEUE_UNBOUNDED};
}

/* Makes what distributions need and what follows from other fields. */
static inline void build_prepare(struct builder *b)
{
        for (uint32_t i = 0; i < b->spec.service_count; i++) {
                if (b->services[i].cpu_cores == 0)
                        b->services[i].cpu_cores = b->services[i].concurrency;
                if (!dist_prepare(&b->services[i].service_time, &b->arena))
                        abort();
        }
        for (uint32_t i = 0; i < b->spec.load_count; i++)
                if (b->loads[i].process == LOAD_CLOSED &&
                    !dist_prepare(&b->loads[i].think_time, &b->arena))
                        abort();
        if (!dist_prepare(&b->spec.operations.human_response, &b->arena) ||
            !dist_prepare(&b->spec.operations.human_fix, &b->arena))
                abort();
}

static inline struct fleet *build_fleet(struct builder *b, uint64_t seed, int64_t warmup_ns)
{
        struct fleet_options options = {
                .spec = &b->spec,
                .key = rng_key(seed, 0),
                .start_ns = -warmup_ns,
                .bin_ns = b->bin_ns,
                .duration_ns = b->duration_ns,
                .telemetry = b->telemetry,
                .people = b->people,
                .host = {b, build_note, build_event, build_telemetry, build_result, NULL},
        };
        struct fleet *fleet;

        build_prepare(b);
        b->note_count = 0;
        b->event_count = 0;
        b->result_count = 0;
        fleet = fleet_create(&options);
        if (fleet == NULL)
                abort();
        return fleet;
}

/* Orders an action now; `instance` and `edge` may be FLEET_NO_INDEX. */
static inline void build_act(struct fleet *fleet, enum fleet_action_kind kind, uint32_t service,
                             uint32_t instance, double amount)
{
        fleet_act(fleet, &(struct fleet_action){.id = 1,
                                                .kind = kind,
                                                .service = service,
                                                .instance = instance,
                                                .edge = FLEET_NO_INDEX,
                                                .amount = amount});
}

/* Closes the books and ends the fleet; false, with a word, when a law is broken. */
static inline bool books_close(struct books *books, const struct builder *b, struct fleet *fleet)
{
        const char *broken;

        books->service_count = b->spec.service_count;
        books->services =
                fleet_finish(fleet, &books->totals, &books->incidents, &books->incident_count);
        broken = fleet_broken(fleet);
        if (broken != NULL)
                fprintf(stderr, "fleet broken: %s\n", broken);
        fleet_destroy(fleet);
        return broken == NULL && books->services != NULL;
}

static inline void books_free(struct books *books)
{
        service_measures_free(books->services, books->service_count);
        free(books->incidents);
        memset(books, 0, sizeof(*books));
}

/* Calls of a service that ended so, over all phases. */
static inline uint64_t books_outcome(const struct books *books, uint32_t service,
                                     enum call_outcome outcome)
{
        uint64_t sum = 0;

        for (int p = 0; p < PHASE_COUNT; p++)
                sum += books->services[service].phase[p].outcome[outcome];
        return sum;
}

static inline uint64_t books_ended(const struct books *books, uint32_t service)
{
        uint64_t sum = 0;

        for (int o = 0; o < CALL_OUTCOME_COUNT; o++)
                sum += books_outcome(books, service, (enum call_outcome)o);
        return sum;
}

static inline double books_good(const struct books *books, uint32_t service)
{
        double good = 0, bad = 0;

        for (int p = 0; p < PHASE_COUNT; p++) {
                good += (double)books->services[service].phase[p].good;
                bad += (double)books->services[service].phase[p].bad;
        }
        return good / (good + bad);
}

/* Mean age at the end, seconds, over all outcomes. */
static inline double books_latency_s(const struct books *books, uint32_t service)
{
        double sum = 0, count = 0;

        for (int p = 0; p < PHASE_COUNT; p++) {
                sum += (double)books->services[service].phase[p].latency.sum_ns;
                count += (double)books->services[service].phase[p].latency.count;
        }
        return sum / count * 1e-9;
}

/* Instant of the `n`-th (from 0) entry of an instance into a state; TIME_NEVER: never. */
static inline int64_t build_state_at(const struct builder *b, uint32_t instance,
                                     enum instance_state state, uint32_t n)
{
        for (size_t i = 0; i < b->note_count; i++)
                if (b->notes[i].kind == FLEET_NOTE_INSTANCE_STATE &&
                    b->notes[i].instance == instance && b->notes[i].state == (int)state && n-- == 0)
                        return b->notes[i].at_ns;
        return TIME_NEVER;
}

#endif
