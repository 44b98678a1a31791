/* harness/run/exec_words.h - words of the protocol that its writer and its reader share. */
#ifndef CHAOS_RUN_EXEC_WORDS_H
#define CHAOS_RUN_EXEC_WORDS_H

#include "harness/run/healer_face.h"

/* Values of a sample: NaN, and left out, where nobody measured. */
struct exec_value {
        const char *name;
        size_t offset; /* of a double */
};

double exec_value_of(const void *sample, const struct exec_value *value);

extern const struct exec_value exec_instance_values[], exec_edge_values[];
extern const size_t exec_instance_value_count, exec_edge_value_count;

extern const char *const exec_fallback_names[]; /* by fleet_fallback_kind, NULL-ended */

#endif
