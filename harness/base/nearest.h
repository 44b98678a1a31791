/* harness/base/nearest.h - what somebody probably meant.
 *
 * The name with the smallest edit distance (insert, delete, replace, swap of
 * neighbours), where that is small enough to be a slip: at most a third of the
 * longer name's length, at least 1, and never all of it. Upper and lower case count as equal
 * but for ties. O(length^2) a candidate; names above 64 bytes are never near.
 */
#ifndef CHAOS_BASE_NEAREST_H
#define CHAOS_BASE_NEAREST_H

#include <stddef.h>
#include <stdint.h>

struct nearest {
        const char *wanted;
        const char *best; /* NULL: nothing is near so far */
        uint32_t distance;
};

/* `wanted` is borrowed. Offer the candidates one by one, then read `best`: the
 * first of the nearest ones, borrowed from whoever offered it. */
void nearest_begin(struct nearest *nearest, const char *wanted);
void nearest_offer(struct nearest *nearest, const char *candidate);

/* Over a NULL-ended list; NULL when nothing is near. */
const char *nearest_of(const char *wanted, const char *const *candidates);

/* " (nearest: 'x')", or "" when `best` is NULL. Gives `buffer`. */
const char *nearest_hint(char *buffer, size_t size, const char *best);

#endif
