/* harness/run/heal_bridge_store.h - the store of a simulated libhealer.
 *
 * What `store.path` of a strategy asks for, and `--db` besides: the same store that a healer in a
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

/* Where a healer keeps records: what it may take up after a crash, and what only
 * people read, so that no result depends on whether somebody wanted a record. */
enum { HEAL_STORE_OWN, HEAL_STORE_LEDGER, HEAL_STORES };

struct heal_stores {
        struct healer_store *each[HEAL_STORES]; /* NULL: none, or (said) it could not be opened */
};

/* The next one that is there, from `at` on; NULL: none. */
struct healer_store **heal_stores_next(struct heal_stores *stores, struct healer_store **at);

#define HEAL_EACH_STORE(store, stores)                                                         \
        for (struct healer_store **store = heal_stores_next(stores, (stores)->each);           \
             store != NULL; store = heal_stores_next(stores, store + 1))

bool heal_stores_any(struct heal_stores *stores);
/* `session` of its own one that it goes on with; 0: a new one. */
void heal_stores_open(struct heal_stores *stores, const struct strategy *strategy,
                      const struct healer_world *world, const struct healer_topology *topology,
                      uint64_t session);
/* Writes what waits; or as a killed process does, not. */
void heal_stores_close(struct heal_stores *stores);
void heal_stores_abandon(struct heal_stores *stores);
uint64_t heal_store_session(struct healer_store *store);
/* How many episodes `healer` has taken up; -1 with `*why`. */
int heal_store_take_up(struct healer_store *store, struct healer *healer, int64_t now_ns,
                       const char **why);

#endif
