/* healer/registry.h - the same name, the same object.
 *
 * A registry gives out breakers and retry budgets by name: the first to ask for
 * a name makes the object, everybody after gets that one, from any thread. It
 * owns them all. Finding costs one hash and about one comparison, whether there
 * are ten names or a hundred thousand, and takes no lock; making one does.
 *
 * Iteration is in the order of making, so exports are stable.
 */
#ifndef HEALER_REGISTRY_H
#define HEALER_REGISTRY_H

#include "healer/retry.h"

HEALER_BEGIN_DECLS

struct healer_registry_config {
        uint32_t size;
        uint32_t capacity; /* names of each sort, 1..4194304; default 1024. A removed name keeps
                              its place, since somebody may still hold the object */
        struct healer_breaker_config breaker;      /* for new names; its `id` is replaced by the
                                                      number of the name, its seed mixed with it */
        struct healer_retry_budget_config budget;
        const struct healer_allocator *allocator;
};

struct healer_registry;

HEALER_API struct healer_registry_config healer_registry_config_defaults(void);
HEALER_API const char *healer_registry_config_check(const struct healer_registry_config *config);
HEALER_API HEALER_NODISCARD enum healer_err
healer_registry_create(const struct healer_registry_config *config, struct healer_registry **out);
/* Destroys every object too. */
HEALER_API void healer_registry_destroy(struct healer_registry *registry);

/* Get or make. The registry owns `*out`. HEALER_E_RANGE: an empty name;
 * HEALER_E_FULL: no place for another name; HEALER_E_NOMEM. */
HEALER_API HEALER_NODISCARD enum healer_err
healer_registry_breaker(struct healer_registry *registry, const char *name, int64_t now_ns,
                        struct healer_breaker **out);
/* The same with a configuration of its own. HEALER_E_EXISTS: the name is taken
 * (`*out` is then that breaker). */
HEALER_API HEALER_NODISCARD enum healer_err
healer_registry_add_breaker(struct healer_registry *registry, const char *name,
                            const struct healer_breaker_config *config, int64_t now_ns,
                            struct healer_breaker **out);
/* NULL: no such name. */
HEALER_API struct healer_breaker *
healer_registry_find_breaker(const struct healer_registry *registry, const char *name);
/* The name is free again; the object lives until the registry is destroyed. */
HEALER_API enum healer_err healer_registry_remove_breaker(struct healer_registry *registry,
                                                          const char *name);
/* The i-th name made and its breaker; false past the end. A removed one has breaker NULL. */
HEALER_API bool healer_registry_at(const struct healer_registry *registry, uint32_t index,
                                   const char **name, struct healer_breaker **breaker);
/* How many breakers are in each state now. */
HEALER_API void healer_registry_states(const struct healer_registry *registry,
                                       uint32_t by_state[HEALER_BREAKER_STATE_COUNT]);
/* Mean of the scores; 100 without any. */
HEALER_API double healer_registry_score(const struct healer_registry *registry, int64_t now_ns);
HEALER_API void healer_registry_reset_all(struct healer_registry *registry, int64_t now_ns);
/* For names made from now on. */
HEALER_API enum healer_err
healer_registry_set_default(struct healer_registry *registry,
                            const struct healer_breaker_config *config);

HEALER_API HEALER_NODISCARD enum healer_err
healer_registry_budget(struct healer_registry *registry, const char *name, int64_t now_ns,
                       struct healer_retry_budget **out);

HEALER_END_DECLS

#endif
