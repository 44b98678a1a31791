/* harness/scenario/embedded.h - files that are built into the program.
 *
 * The rows are made by embed.py when the program is built.
 */
#ifndef CHAOS_SCENARIO_EMBEDDED_H
#define CHAOS_SCENARIO_EMBEDDED_H

#include <stddef.h>

struct embedded_text {
        const char *name; /* of the file, without ending; NULL ends the list */
        const char *text; /* ended by a 0 that `size` does not count */
        size_t size;
};

/* scenarios/strategies: none, reactive, default, conservative, aggressive. */
extern const struct embedded_text embedded_strategies[];

#endif
