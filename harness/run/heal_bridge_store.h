/* harness/run/heal_bridge_store.h - the store of a simulated libhealer.
 *
 * What `store.path` of a strategy asks for: the same store that a healer in a
 * service has (healer/store), written to in batches of virtual time. A simulation
 * may wait for a locked file, since its time stands still meanwhile; what cannot
 * be written is counted and said by the store, and changes no run. When the
 * healer's host crashes, what waited is lost, and the next life goes on with what
 * is in the file.
 */
#ifndef CHAOS_RUN_HEAL_BRIDGE_STORE_H
#define CHAOS_RUN_HEAL_BRIDGE_STORE_H

#include "harness/run/healer_face.h"
#include "harness/scenario/strategy.h"
#include "healer/healer.h"

struct healer_store;

/* NULL when none is wanted, or (said) it cannot be opened. `session` 0: a new one. */
struct healer_store *heal_store_open(const struct strategy *strategy,
                                     const struct healer_world *world,
                                     const struct healer_topology *topology, uint64_t session);
uint64_t heal_store_session(struct healer_store *store);
/* How many episodes `healer` has taken up; -1 with `*why`. */
int heal_store_take_up(struct healer_store *store, struct healer *healer, int64_t now_ns,
                       const char **why);

#endif
