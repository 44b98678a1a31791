/* tests/noise.h - chance for tests that is the same everywhere. */
#ifndef TESTS_NOISE_H
#define TESTS_NOISE_H

#include <math.h>
#include <stdint.h>

struct noise {
        uint64_t state;
};

static inline double noise_unit(struct noise *noise)
{
        uint64_t x = noise->state += UINT64_C(0x9e3779b97f4a7c15);

        x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
        x ^= x >> 31;
        return ((double)(x >> 11) + 0.5) * 0x1p-53;
}

static inline double noise_normal(struct noise *noise)
{
        double u = noise_unit(noise), v = noise_unit(noise);

        return sqrt(-2 * log(u)) * cos(2 * 3.14159265358979323846 * v);
}

#endif
