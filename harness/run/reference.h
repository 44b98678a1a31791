/* harness/run/reference.h - the reference healers, behind the face of any healer.
 *
 * What a scenario names as its healer becomes something that can be run here:
 * libhealer with a strategy, a reference healer, or nothing at all.
 */
#ifndef CHAOS_RUN_REFERENCE_H
#define CHAOS_RUN_REFERENCE_H

#include "harness/run/run.h"
#include "harness/scenario/reference.h"

/* Their config is a struct reference_row. */
extern const struct healer_ops healer_reference;

/* The healer that this strategy stands for; ops NULL: none. */
struct run_healer run_healer_of(const struct strategy *strategy);

/* The same for a reference healer by itself. */
struct run_healer run_healer_of_reference(const struct reference_row *row);

#endif
