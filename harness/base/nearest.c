/* nearest.c - edit distance with three rows on the stack.
 *
 * Optimal string alignment: the distance that counts a swap of two neighbours
 * as one step, as a typing slip is. Costs are doubled so that a difference in
 * case alone can weigh a half.
 */
#include "harness/base/nearest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { NAME_MAX_BYTES = 64, STEP = 2, CASE_STEP = 1 };

static uint32_t min3(uint32_t a, uint32_t b, uint32_t c)
{
        uint32_t least = a < b ? a : b;

        return least < c ? least : c;
}

static uint32_t replace_cost(char a, char b)
{
        if (a == b)
                return 0;
        return tolower((unsigned char)a) == tolower((unsigned char)b) ? CASE_STEP : STEP;
}

static uint32_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
        uint32_t rows[3][NAME_MAX_BYTES + 1];
        uint32_t *before = rows[0], *above = rows[1], *row = rows[2];

        for (size_t j = 0; j <= b_length; j++)
                above[j] = (uint32_t)j * STEP;
        for (size_t i = 1; i <= a_length; i++) {
                uint32_t *recycled = before;

                row[0] = (uint32_t)i * STEP;
                for (size_t j = 1; j <= b_length; j++) {
                        row[j] = min3(above[j] + STEP, row[j - 1] + STEP,
                                      above[j - 1] + replace_cost(a[i - 1], b[j - 1]));
                        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                            before[j - 2] + STEP < row[j])
                                row[j] = before[j - 2] + STEP;
                }
                before = above;
                above = row;
                row = recycled;
        }
        return above[b_length];
}

void nearest_begin(struct nearest *nearest, const char *wanted)
{
        *nearest = (struct nearest){.wanted = wanted, .distance = UINT32_MAX};
}

void nearest_offer(struct nearest *nearest, const char *candidate)
{
        size_t a = strlen(nearest->wanted), b = strlen(candidate);
        size_t longer = a > b ? a : b;
        size_t allowed = longer / 3 > 1 ? longer / 3 : 1;
        uint32_t found;

        if (a == 0 || b == 0 || longer > NAME_MAX_BYTES || (a > b ? a - b : b - a) > allowed)
                return;
        found = distance(nearest->wanted, a, candidate, b);
        if (found > allowed * STEP || found >= longer * STEP || found >= nearest->distance)
                return;
        nearest->distance = found;
        nearest->best = candidate;
}

const char *nearest_of(const char *wanted, const char *const *candidates)
{
        struct nearest nearest;

        nearest_begin(&nearest, wanted);
        for (; *candidates != NULL; candidates++)
                nearest_offer(&nearest, *candidates);
        return nearest.best;
}

const char *nearest_hint(char *buffer, size_t size, const char *best)
{
        if (best == NULL)
                buffer[0] = '\0';
        else
                snprintf(buffer, size, " (nearest: '%s')", best);
        return buffer;
}
