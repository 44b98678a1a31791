/* model_ops.h - random timed operations against a slow, obvious model.
 *
 * A test gives a function that plays a sequence of operations on the real
 * object and on its model side by side and answers the index of the first
 * operation after which they differ, or -1. When a random sequence fails, it
 * is shrunk: pieces are left out, and times made round, as long as it goes on
 * failing. What is printed is the shortest found, ready to be replayed by eye.
 */
#ifndef MODEL_OPS_H
#define MODEL_OPS_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct model_op {
        uint32_t kind;
        uint32_t arg;
        int64_t after_ns; /* time passing before it */
};

struct model_suite {
        const char *name;
        const char *const *kinds;
        /* Plays `count` operations from the beginning; -1: all agreed. `trace`
         * not NULL: say what happens. */
        long (*play)(const void *config, const struct model_op *ops, size_t count, FILE *trace);
        /* One random operation. */
        struct model_op (*draw)(const void *config, uint64_t (*random)(uint64_t *), uint64_t *state);
};

static inline uint64_t model_random(uint64_t *state)
{
        uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);

        x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
        return x ^ (x >> 31);
}

static inline size_t model_shrink(const struct model_suite *suite, const void *config,
                                  struct model_op *ops, size_t count)
{
        struct model_op *trial = malloc(count * sizeof(*trial));
        size_t piece = count / 2;

        while (trial && piece > 0) {
                int smaller = 0;

                for (size_t at = 0; at + piece <= count;) {
                        long failed;

                        memcpy(trial, ops, at * sizeof(*ops));
                        memcpy(trial + at, ops + at + piece, (count - at - piece) * sizeof(*ops));
                        failed = suite->play(config, trial, count - piece, NULL);
                        if (failed < 0) {
                                at += piece;
                                continue;
                        }
                        count = (size_t)failed + 1;
                        memcpy(ops, trial, count * sizeof(*ops));
                        smaller = 1;
                }
                if (!smaller || piece > count)
                        piece /= 2;
        }
        free(trial);
        return count;
}

/* Runs `steps` operations in sequences of `length`; 0: all agreed. */
static inline int model_check(const struct model_suite *suite, const void *config, uint64_t seed,
                              size_t steps, size_t length)
{
        struct model_op *ops = malloc(length * sizeof(*ops));

        for (size_t done = 0; ops && done < steps; done += length) {
                uint64_t state = seed + done;
                long failed;

                for (size_t i = 0; i < length; i++)
                        ops[i] = suite->draw(config, model_random, &state);
                failed = suite->play(config, ops, length, NULL);
                if (failed >= 0) {
                        size_t count = model_shrink(suite, config, ops, (size_t)failed + 1);

                        fprintf(stderr, "# %s: seed %llu, shrunk to %zu operations:\n",
                                suite->name, (unsigned long long)(seed + done), count);
                        for (size_t i = 0; i < count; i++)
                                fprintf(stderr, "#   +%lld ns %s(%u)\n", (long long)ops[i].after_ns,
                                        suite->kinds[ops[i].kind], ops[i].arg);
                        suite->play(config, ops, count, stderr);
                        free(ops);
                        return 1;
                }
        }
        free(ops);
        return 0;
}

#endif
