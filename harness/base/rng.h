/* harness/base/rng.h - random numbers by identity instead of by order.
 *
 * A draw is a pure function of (key, identity, purpose, index): philox2x64-10
 * (Salmon et al., SC'11; Random123). The key is made from seed and
 * replication, the identity says whose draw it is (a request, an instance, an
 * arrival process), the purpose what it is for. Nothing is consumed, so one
 * more draw somewhere moves no draw elsewhere: arms and strategies share their
 * chance request by request.
 *
 * One block is two words, enough for a hop: 52 bits for the service time, and
 * two 32-bit uniforms besides. About 3 ns a word when nothing waits for it.
 */
#ifndef CHAOS_BASE_RNG_H
#define CHAOS_BASE_RNG_H

#include <stdint.h>

#include <Random123/philox.h>

/* What a draw is for. New purposes go to the end: the numbers are part of
 * what makes equal seeds give equal bytes between releases. */
enum rng_purpose {
        RNG_ARRIVAL = 1,     /* gap to the next arrival of a source */
        RNG_HOP,             /* service time, routing, own errors of one attempt */
        RNG_CALL,            /* whether a call is made, back-off jitter */
        RNG_CLASS,           /* request class of a root request */
        RNG_THINK,           /* think time of a closed user */
        RNG_BALANCE,         /* a balancer's random choice */
        RNG_NETWORK,         /* delay and loss of one message */
        RNG_FAULT,           /* a fault's effect on one request */
        RNG_FAULT_TARGET,    /* which instances a fault takes */
        RNG_FAULT_TIME,      /* when a random fault begins and how long it lasts */
        RNG_TELEMETRY,       /* noise and loss of one sample */
        RNG_ACTUATOR,        /* whether an action fails */
        RNG_OPERATIONS,      /* how long a human takes */
        RNG_BACKGROUND,      /* benign life */
        RNG_ADMISSION,       /* protections that draw */
        RNG_CACHE,           /* hit or miss */
        RNG_DATA,            /* reads, writes, redelivery */
        RNG_MODULATION,      /* state changes of a modulated source */
};

struct rng_block {
        uint64_t word[2];
};

/* Mixes two words into one; a bijection in each argument while the other
 * stands still, so the children of one parent never share an identity: an odd
 * multiple of a plus b, through splitmix64's finaliser, each step of which can
 * be undone. For identities: hash_mix(parent, which child). */
static inline uint64_t hash_mix(uint64_t a, uint64_t b)
{
        uint64_t x = (a + 1) * 0x9e3779b97f4a7c15u + b;

        x ^= x >> 30;
        x *= 0xbf58476d1ce4e5b9u;
        x ^= x >> 27;
        x *= 0x94d049bb133111ebu;
        x ^= x >> 31;
        return x;
}

/* FNV-1a, finished by a mix: a stable 64-bit hash of a name. */
uint64_t hash_text(const char *text);

/* The key of one replication of a seed. */
static inline uint64_t rng_key(uint64_t seed, uint64_t replication)
{
        return hash_mix(hash_mix(0x63686173u, seed), replication);
}

static inline struct rng_block rng_draw(uint64_t key, uint64_t identity, enum rng_purpose purpose,
                                        uint32_t index)
{
        philox2x64_ctr_t counter = {{identity, ((uint64_t)purpose << 32) | index}};
        philox2x64_key_t k = {{key}};
        philox2x64_ctr_t out = philox2x64(counter, k);

        return (struct rng_block){{out.v[0], out.v[1]}};
}

/* A uniform in the open interval (0, 1) from the upper 52 bits: the odd
 * multiples of 2^-53, so that 1 - u is exact too and neither end is reached
 * (with 53 bits the half would be rounded away, and up to 1). */
static inline double rng_u01(uint64_t word)
{
        return ((double)(word >> 12) + 0.5) * 0x1p-52;
}

/* A uniform in (0, 1) from 32 bits; for choices, not for tails. */
static inline double rng_u01_32(uint32_t bits)
{
        return ((double)bits + 0.5) * 0x1p-32;
}

/* A whole number in [0, count) from 32 bits (Lemire's multiply; count >= 1). */
static inline uint32_t rng_below(uint32_t bits, uint32_t count)
{
        return (uint32_t)(((uint64_t)bits * count) >> 32);
}

#endif
