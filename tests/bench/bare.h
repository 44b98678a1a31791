/* tests/bench/bare.h - the ruler: the same work in bare C, as fast as it goes.
 *
 * What an engine is measured with: no policies, no telemetry, no identities;
 * a 4-ary heap of 16-byte keys (time, what) whose popped root is a hole for the
 * next push, xoshiro256** and a ziggurat, servers' queues in rings, timers of one constant
 * delay in a ring with a generation. Times are doubles in service times.
 */
#ifndef TESTS_BENCH_BARE_H
#define TESTS_BENCH_BARE_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "harness/base/detmath.h"

struct bare_result {
        uint64_t completed;
        double sojourn_mean; /* in service times */
        uint64_t timeouts;
};

/* ---- chance */

struct bare_rng {
        uint64_t s[4];
};

static inline uint64_t bare_rotl(uint64_t x, int k)
{
        return x << k | x >> (64 - k);
}

static inline uint64_t bare_next(struct bare_rng *r)
{
        uint64_t result = bare_rotl(r->s[1] * 5, 7) * 9, t = r->s[1] << 17;

        r->s[2] ^= r->s[0];
        r->s[3] ^= r->s[1];
        r->s[1] ^= r->s[2];
        r->s[0] ^= r->s[3];
        r->s[2] ^= t;
        r->s[3] = bare_rotl(r->s[3], 45);
        return result;
}

/* Exponential by ziggurat (Marsaglia and Tsang 2000, 256 layers): one word and no
 * logarithm in 98.9 of 100. */
enum { BARE_LAYERS = 256 };

struct bare_ziggurat {
        double x[BARE_LAYERS + 1], f[BARE_LAYERS + 1];
        uint64_t inside[BARE_LAYERS];
        double step[BARE_LAYERS];
};

static struct bare_ziggurat bare_ziggurat;

static inline void bare_begin(void)
{
        const double right = 7.69711747013104972, area = 3.949659822581572e-3;
        struct bare_ziggurat *z = &bare_ziggurat;

        z->x[0] = area / exp(-right);
        z->x[1] = right;
        for (int i = 2; i < BARE_LAYERS; i++)
                z->x[i] = -log(area / z->x[i - 1] + exp(-z->x[i - 1]));
        z->x[BARE_LAYERS] = 0;
        for (int i = 0; i <= BARE_LAYERS; i++)
                z->f[i] = exp(-z->x[i]);
        for (int i = 0; i < BARE_LAYERS; i++) {
                z->step[i] = z->x[i] * 0x1p-52;
                z->inside[i] = (uint64_t)(z->x[i + 1] / z->x[i] * 0x1p52);
        }
}

static double bare_exp_rest(struct bare_rng *r, unsigned layer, double x)
{
        const struct bare_ziggurat *z = &bare_ziggurat;

        for (;;) {
                uint64_t word;

                if (layer == 0)
                        return z->x[1] - log(((double)(bare_next(r) >> 12) + 0.5) * 0x1p-52);
                if (z->f[layer] + (double)(bare_next(r) >> 11) * 0x1p-53 * (z->f[layer + 1] - z->f[layer]) <
                    exp(-x))
                        return x;
                word = bare_next(r);
                layer = (unsigned)(word & (BARE_LAYERS - 1));
                x = (double)(word >> 12) * z->step[layer];
                if (word >> 12 < z->inside[layer])
                        return x;
        }
}

static inline double bare_exp(struct bare_rng *r)
{
        uint64_t word = bare_next(r);
        unsigned layer = (unsigned)(word & (BARE_LAYERS - 1));
        double x = (double)(word >> 12) * bare_ziggurat.step[layer];

        if (__builtin_expect(word >> 12 < bare_ziggurat.inside[layer], 1))
                return x;
        return bare_exp_rest(r, layer, x);
}

static inline struct bare_rng bare_seed(uint64_t seed)
{
        struct bare_rng r;

        for (int i = 0; i < 4; i++) {
                uint64_t z = seed += 0x9e3779b97f4a7c15u;

                z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
                z = (z ^ z >> 27) * 0x94d049bb133111ebu;
                r.s[i] = z ^ z >> 31;
        }
        return r;
}

/* ---- heap; positive doubles order as their bits do */

struct bare_key {
        uint64_t at, what;
};

struct bare_heap {
        struct bare_key *key;
        size_t count;
        bool hole;
};

static inline uint64_t bare_bits(double at)
{
        uint64_t bits;

        __builtin_memcpy(&bits, &at, sizeof(bits));
        return bits;
}

static inline double bare_time(uint64_t bits)
{
        double at;

        __builtin_memcpy(&at, &bits, sizeof(at));
        return at;
}

static inline void bare_sift_down(struct bare_heap *heap, size_t at, struct bare_key key)
{
        struct bare_key *k = heap->key;

        for (;;) {
                size_t child = 4 * at + 1, best;

                if (child + 4 <= heap->count) {
                        /* by masks: gcc makes branches of ?: */
                        uint64_t a = k[child].at, b = k[child + 1].at;
                        uint64_t c = k[child + 2].at, d = k[child + 3].at;
                        size_t odd_left = b < a, odd_right = d < c;
                        uint64_t left = a ^ ((a ^ b) & (0 - (uint64_t)odd_left));
                        uint64_t right = c ^ ((c ^ d) & (0 - (uint64_t)odd_right));

                        best = child + (odd_left ^ ((odd_left ^ (2 + odd_right)) & (0 - (size_t)(right < left))));
                } else {
                        if (child >= heap->count)
                                break;
                        best = child;
                        for (size_t i = child + 1; i < heap->count; i++)
                                best = k[i].at < k[best].at ? i : best;
                }
                if (k[best].at >= key.at)
                        break;
                k[at] = k[best];
                at = best;
        }
        k[at] = key;
}

static inline void bare_push(struct bare_heap *heap, double at, uint64_t what)
{
        struct bare_key key = {bare_bits(at), what};
        size_t i;

        if (heap->hole) {
                heap->hole = false;
                bare_sift_down(heap, 0, key);
                return;
        }
        i = heap->count++;
        while (i > 0 && key.at < heap->key[(i - 1) / 4].at) {
                heap->key[i] = heap->key[(i - 1) / 4];
                i = (i - 1) / 4;
        }
        heap->key[i] = key;
}

static inline struct bare_key bare_pop(struct bare_heap *heap)
{
        if (heap->hole) {
                heap->hole = false;
                heap->count--;
                if (heap->count > 0)
                        bare_sift_down(heap, 0, heap->key[heap->count]);
        }
        heap->hole = true;
        return heap->key[0];
}

/* ---- servers */

enum { BARE_RING = 1024 }; /* waiting places that are enough at rho 0.9, checked */

struct bare_server {
        uint32_t first, count;
        bool busy;
        double *since; /* or request ids, in chain */
};

/* `servers` M/M/1 queues under one Poisson stream with random routing. */
static inline struct bare_result bare_servers(uint32_t servers, double rho, uint64_t wanted,
                                              uint64_t seed)
{
        struct bare_rng rng = bare_seed(seed);
        struct bare_key keys[512];
        struct bare_heap heap = {keys, 0, false};
        double *since = malloc((size_t)servers * BARE_RING * sizeof(*since));
        uint32_t *first = calloc(servers, sizeof(*first)), *count = calloc(servers, sizeof(*count));
        struct bare_result result = {0};
        double sum = 0, gap = 1 / (rho * servers);

        if (since == NULL || first == NULL || count == NULL || servers > 500)
                abort();
        bare_push(&heap, bare_exp(&rng) * gap, servers);
        while (result.completed < wanted) {
                struct bare_key event = bare_pop(&heap);
                double now = bare_time(event.at);
                uint32_t s = (uint32_t)event.what;

                if (s == servers) {
                        s = (uint32_t)((bare_next(&rng) >> 32) * servers >> 32);
                        bare_push(&heap, now + bare_exp(&rng) * gap, servers);
                        if (count[s] == BARE_RING)
                                abort();
                        since[s * BARE_RING + ((first[s] + count[s]++) & (BARE_RING - 1))] = now;
                        if (count[s] == 1)
                                bare_push(&heap, now + bare_exp(&rng), s);
                } else {
                        sum += now - since[s * BARE_RING + (first[s] & (BARE_RING - 1))];
                        first[s]++;
                        result.completed++;
                        if (--count[s] > 0)
                                bare_push(&heap, now + bare_exp(&rng), s);
                }
        }
        result.sojourn_mean = sum / (double)result.completed;
        free(since);
        free(first);
        free(count);
        return result;
}

/* Three tiers of ten servers, a client that gives up after 15 and tries once
 * more; what it gave up is served all the same. */
enum { BARE_TIERS = 3, BARE_WIDTH = 10, BARE_SERVERS = BARE_TIERS * BARE_WIDTH,
       BARE_REQUESTS = 1 << 16, BARE_ARRIVAL = BARE_SERVERS, BARE_TIMER = BARE_SERVERS + 1 };

struct bare_request {
        double began;
        uint32_t attempt, next; /* attempt: generation of the client's call */
};

struct bare_attempt {
        uint32_t request, generation;
};

struct bare_timer {
        double at;
        uint32_t request, generation;
};

static inline struct bare_result bare_chain(double rho, double timeout, uint64_t wanted, uint64_t seed)
{
        struct bare_rng rng = bare_seed(seed);
        struct bare_key keys[64];
        struct bare_heap heap = {keys, 0, false};
        struct bare_attempt *queue = malloc(sizeof(*queue) * BARE_SERVERS * BARE_RING);
        uint32_t first[BARE_SERVERS] = {0}, count[BARE_SERVERS] = {0};
        struct bare_request *request = calloc(BARE_REQUESTS, sizeof(*request));
        struct bare_timer *timer = malloc(sizeof(*timer) * BARE_REQUESTS);
        uint32_t timer_first = 0, timer_count = 0, free_head = 0;
        struct bare_result result = {0};
        bool timer_set = false;
        double sum = 0, gap = 1 / (rho * BARE_WIDTH);

        if (queue == NULL || request == NULL || timer == NULL)
                abort();
        for (uint32_t i = 0; i < BARE_REQUESTS; i++)
                request[i].next = i + 1;
        bare_push(&heap, bare_exp(&rng) * gap, BARE_ARRIVAL);
        while (result.completed < wanted) {
                struct bare_key event = bare_pop(&heap);
                double now = bare_time(event.at);
                uint32_t s = (uint32_t)event.what, tier;
                struct bare_attempt attempt;

                if (s == BARE_TIMER) {
                        uint32_t due = UINT32_MAX;

                        while (timer_count > 0) {
                                struct bare_timer *t = &timer[timer_first & (BARE_REQUESTS - 1)];
                                bool live = request[t->request].attempt == t->generation;

                                if (live && t->at > now)
                                        break;
                                timer_first++;
                                timer_count--;
                                if (live) {
                                        due = t->request;
                                        break;
                                }
                        }
                        timer_set = timer_count > 0;
                        if (timer_set) {
                                double at = timer[timer_first & (BARE_REQUESTS - 1)].at;

                                bare_push(&heap, at > now ? at : now, BARE_TIMER);
                        }
                        if (due == UINT32_MAX)
                                continue;
                        result.timeouts++;
                        if (++request[due].attempt & 1) { /* even: first attempts */
                                attempt = (struct bare_attempt){due, request[due].attempt};
                        } else {
                                sum += now - request[due].began;
                                result.completed++;
                                request[due].next = free_head;
                                free_head = due;
                                continue;
                        }
                        tier = 0;
                } else if (s == BARE_ARRIVAL) {
                        uint32_t r = free_head;

                        bare_push(&heap, now + bare_exp(&rng) * gap, BARE_ARRIVAL);
                        if (r >= BARE_REQUESTS)
                                abort();
                        free_head = request[r].next;
                        request[r].began = now;
                        attempt = (struct bare_attempt){r, request[r].attempt};
                        tier = 0;
                } else {
                        attempt = queue[s * BARE_RING + (first[s]++ & (BARE_RING - 1))];
                        if (--count[s] > 0)
                                bare_push(&heap, now + bare_exp(&rng), s);
                        tier = s / BARE_WIDTH + 1;
                        if (tier == BARE_TIERS) {
                                struct bare_request *r = &request[attempt.request];

                                if (r->attempt != attempt.generation)
                                        continue; /* for nobody */
                                sum += now - r->began;
                                result.completed++;
                                r->attempt = (r->attempt | 1) + 1;
                                r->next = free_head;
                                free_head = attempt.request;
                                continue;
                        }
                }
                if (tier == 0 && timeout < 1e6) {
                        timer[(timer_first + timer_count++) & (BARE_REQUESTS - 1)] =
                                (struct bare_timer){now + timeout, attempt.request, attempt.generation};
                        if (!timer_set) {
                                timer_set = true;
                                bare_push(&heap, now + timeout, BARE_TIMER);
                        }
                }
                s = tier * BARE_WIDTH + (uint32_t)((bare_next(&rng) >> 32) * BARE_WIDTH >> 32);
                if (count[s] == BARE_RING || timer_count == BARE_REQUESTS)
                        abort();
                queue[s * BARE_RING + ((first[s] + count[s]++) & (BARE_RING - 1))] = attempt;
                if (count[s] == 1)
                        bare_push(&heap, now + bare_exp(&rng), s);
        }
        result.sojourn_mean = sum / (double)result.completed;
        free(queue);
        free(request);
        free(timer);
        return result;
}

#endif
