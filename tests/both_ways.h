/* tests/both_ways.h - a fleet that takes its short ways leaves the same bytes behind
 * as one that takes none (lane.c, relay.c).
 *
 * Every fleet runs twice, once with the short ways closed, and everything that can be
 * seen of it is compared: books, series, histograms, telemetry, notes.
 */
#ifndef TESTS_BOTH_WAYS_H
#define TESTS_BOTH_WAYS_H

#include <check.h>

#include "harness/fleet/model.h"
#include "tests/effort.h"
#include "tests/fleet_builder.h"

static struct builder b;

static uint64_t digest;

/* On its edges, with memory that is empty at the start; NULL: none. */
static const struct fleet_policy_ops *policies;
static uint32_t policy_state[64];

static inline void mix(const void *bytes, size_t length)
{
        const unsigned char *at = bytes;

        for (size_t i = 0; i < length; i++)
                digest = hash_mix(digest, at[i]);
}

#define MIX(value) mix(&(value), sizeof(value))

static inline void mix_batch(void *user, const struct telemetry_batch *batch)
{
        (void)user;
        for (size_t i = 0; i < batch->instance_count; i++) {
                const struct instance_sample *s = &batch->instances[i];

                MIX(s->instance);
                MIX(s->cpu_ratio);
                MIX(s->queue_depth);
                MIX(s->throughput_per_s);
                MIX(s->error_ratio);
                MIX(s->latency_p50_s);
                MIX(s->latency_p99_s);
                MIX(s->requests);
        }
        for (size_t i = 0; i < batch->edge_count; i++) {
                MIX(batch->edges[i].calls);
                MIX(batch->edges[i].latency_p95_s);
        }
}

static inline void mix_books(const struct books *books)
{
        MIX(books->totals.root_requests);
        MIX(books->totals.root_outcome);
        MIX(books->totals.root_unfinished);
        MIX(books->totals.arrival_hash);
        MIX(books->totals.draw_hash);
        MIX(books->totals.events);
        MIX(books->incident_count);
        for (uint32_t i = 0; i < books->service_count; i++) {
                const struct service_measure *m = &books->services[i];

                for (int p = 0; p < PHASE_COUNT; p++) {
                        MIX(m->phase[p].good);
                        MIX(m->phase[p].bad);
                        MIX(m->phase[p].outcome);
                        MIX(m->phase[p].quality_sum);
                        MIX(m->phase[p].latency);
                }
                MIX(m->waiting);
                MIX(m->arrived);
                MIX(m->started);
                MIX(m->completed);
                MIX(m->attempts);
                MIX(m->calls);
                MIX(m->lost);
                MIX(m->unfinished);
                MIX(m->queue_area_s);
                MIX(m->busy_area_s);
                MIX(m->system_area_s);
                MIX(m->sojourn_sum_s);
                MIX(m->service_sum_s);
                MIX(m->worker_area_s);
                for (size_t k = 0; k < m->bin_count; k++) {
                        MIX(m->bins[k].good);
                        MIX(m->bins[k].bad);
                        MIX(m->bins[k].calls);
                        MIX(m->bins[k].queue_mean);
                        MIX(m->bins[k].busy_mean);
                        MIX(m->bins[k].latency_p95_s);
                }
                for (size_t k = 0; k < m->second_count; k++) {
                        MIX(m->seconds[k].good);
                        MIX(m->seconds[k].bad);
                }
        }
}

/* What happens on the way; `fleet` is at 20 s. */
typedef void happens(struct fleet *fleet);

/* Whether anything went a short way in a fleet. */
typedef bool takes(const struct fleet *fleet);

static inline uint64_t run(uint64_t seed, happens *then, takes *short_way, bool closed)
{
        struct fleet *fleet = build_fleet(&b, seed, 2 * NS_PER_S + 300);
        struct books books;

        digest = 1;
        fleet->options.host.telemetry = mix_batch;
        fleet->lanes_closed = closed;
        if (policies != NULL)
                fleet_set_policies(fleet, policies, memset(policy_state, 0, sizeof(policy_state)));
        fleet_run_until(fleet, 20 * NS_PER_S + 12345);
        if (then != NULL)
                then(fleet);
        ck_assert(fleet_run_until(fleet, 60 * NS_PER_S));
        ck_assert(short_way(fleet) != closed);
        ck_assert(books_close(&books, &b, fleet));
        for (size_t i = 0; i < b.note_count; i++) {
                MIX(b.notes[i].at_ns);
                MIX(b.notes[i].kind);
        }
        mix_books(&books);
        books_free(&books);
        return digest;
}

static inline void same_both_ways(happens *then, takes *short_way)
{
        for (uint64_t seed = 1; seed <= EFFORT(5, 1); seed++) {
                uint64_t ahead = run(seed, then, short_way, false);
                uint64_t events = run(seed, then, short_way, true);

                ck_assert_uint_eq(ahead, events);
        }
        build_end(&b);
}

#endif
