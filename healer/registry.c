/* registry.c - a hash table that is read without a lock and only ever grows.
 *
 * Open addressing with twice as many places as names; a place goes from empty
 * to a node once, by a release store under the latch, and never back, so a
 * reader walking the places needs nothing but acquire loads. A removed node
 * stays where it is and is passed over. The hash is FNV-1a over the name:
 * nothing depends on addresses.
 */
#include "healer/registry.h"
#include "healer/hlr_base.h"

#include <string.h>

struct node {
        uint64_t hash;
        _Atomic uint64_t removed;
        void *object;
        struct node *next; /* all nodes, for destroying */
        char name[];
};

typedef enum healer_err make_fn(void *ctx, uint64_t number, int64_t now_ns, void **object);

struct table {
        _Atomic(struct node *) *places;
        _Atomic(struct node *) *order;
        void *memory; /* of both */
        _Atomic uint64_t count;
        uint64_t mask;
        uint32_t capacity;
};

struct healer_registry {
        struct healer_registry_config c;
        _Atomic uint64_t latch;
        struct table breakers;
        struct table budgets;
};

struct healer_registry_config healer_registry_config_defaults(void)
{
        return (struct healer_registry_config){
                .size = sizeof(struct healer_registry_config),
                .capacity = 1024,
                .breaker = healer_breaker_config_defaults(),
                .budget = healer_retry_budget_config_defaults(),
        };
}

const char *healer_registry_config_check(const struct healer_registry_config *c)
{
        const char *reason;

        if (c->capacity < 1 || c->capacity > 4194304)
                return "capacity: must be 1..4194304";
        reason = healer_breaker_config_check(&c->breaker);
        return reason ? reason : healer_retry_budget_config_check(&c->budget);
}

static bool table_init(struct table *t, const struct healer_allocator *allocator,
                       uint32_t capacity)
{
        uint64_t places = 4;

        while (places < 2 * (uint64_t)capacity)
                places *= 2;
        t->mask = places - 1;
        t->capacity = capacity;
        t->memory = hlr_alloc(allocator, (places + capacity) * sizeof(struct node *));
        t->places = t->memory;
        t->order = t->places ? t->places + places : NULL;
        return t->places != NULL;
}

enum healer_err healer_registry_create(const struct healer_registry_config *config,
                                       struct healer_registry **out)
{
        struct healer_registry_config c = healer_registry_config_defaults();
        struct healer_registry *r;
        enum healer_err err;

        *out = NULL;
        err = hlr_config_copy(&c, sizeof(c), config, sizeof(c));
        if (err != HEALER_OK)
                return err;
        if (healer_registry_config_check(&c))
                return HEALER_E_RANGE;
        r = hlr_alloc(c.allocator, sizeof(*r));
        if (!r)
                return HEALER_E_NOMEM;
        r->c = c;
        if (!table_init(&r->breakers, c.allocator, c.capacity) ||
            !table_init(&r->budgets, c.allocator, c.capacity)) {
                healer_registry_destroy(r);
                return HEALER_E_NOMEM;
        }
        *out = r;
        return HEALER_OK;
}

static void table_release(struct table *t, const struct healer_allocator *allocator,
                          void (*destroy)(void *object))
{
        for (uint64_t i = 0; t->places && i < hlr_load(&t->count); i++) {
                struct node *node = hlr_load(&t->order[i]);

                destroy(node->object);
                hlr_free(allocator, node);
        }
        hlr_free(allocator, t->memory);
}

static void destroy_breaker(void *object)
{
        healer_breaker_destroy(object);
}

static void destroy_budget(void *object)
{
        healer_retry_budget_destroy(object);
}

void healer_registry_destroy(struct healer_registry *r)
{
        if (!r)
                return;
        table_release(&r->breakers, r->c.allocator, destroy_breaker);
        table_release(&r->budgets, r->c.allocator, destroy_budget);
        hlr_free(r->c.allocator, r);
}

static uint64_t hash_of(const char *name)
{
        uint64_t hash = UINT64_C(0xcbf29ce484222325);

        for (; *name; name++)
                hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
        return hlr_mix(hash);
}

/* The node of a name, or NULL; `*at` is then the empty place it would take. */
static struct node *find(const struct table *t, const char *name, uint64_t hash, uint64_t *at)
{
        for (*at = hash & t->mask;; *at = (*at + 1) & t->mask) {
                struct node *node = hlr_load_acq(&t->places[*at]);

                if (!node)
                        return NULL;
                if (node->hash == hash && !hlr_load(&node->removed) &&
                    strcmp(node->name, name) == 0)
                        return node;
        }
}

static enum healer_err add(struct healer_registry *r, struct table *t, const char *name,
                           uint64_t hash, uint64_t at, make_fn *make, void *ctx, int64_t now_ns,
                           void **object)
{
        uint64_t number = hlr_load(&t->count);
        size_t length = strlen(name) + 1;
        struct node *node;
        enum healer_err err;

        if (number >= t->capacity)
                return HEALER_E_FULL;
        node = hlr_alloc(r->c.allocator, sizeof(*node) + length);
        if (!node)
                return HEALER_E_NOMEM;
        err = make(ctx, number, now_ns, &node->object);
        if (err != HEALER_OK) {
                hlr_free(r->c.allocator, node);
                return err;
        }
        node->hash = hash;
        memcpy(node->name, name, length);
        *object = node->object;
        hlr_store_rel(&t->order[number], node);
        hlr_store_rel(&t->places[at], node);
        hlr_store_rel(&t->count, number + 1);
        return HEALER_OK;
}

static void take_latch(struct healer_registry *r)
{
        uint64_t free_now = 0;

        while (!hlr_cas(&r->latch, &free_now, 1, true))
                free_now = 0;
}

/* `*made`: by this call. */
static enum healer_err get_or_make(struct healer_registry *r, struct table *t, const char *name,
                                   make_fn *make, void *ctx, int64_t now_ns, void **object,
                                   bool *made)
{
        uint64_t hash, at;
        struct node *node;
        enum healer_err err = HEALER_OK;

        *object = NULL;
        *made = false;
        if (!name || !*name)
                return HEALER_E_RANGE;
        hash = hash_of(name);
        node = find(t, name, hash, &at);
        if (node) {
                *object = node->object;
                return HEALER_OK;
        }
        take_latch(r);
        node = find(t, name, hash, &at);
        if (node) {
                *object = node->object;
        } else {
                err = add(r, t, name, hash, at, make, ctx, now_ns, object);
                *made = err == HEALER_OK;
        }
        hlr_store_rel(&r->latch, 0);
        return err;
}

static enum healer_err make_breaker(void *ctx, uint64_t number, int64_t now_ns, void **object)
{
        struct healer_breaker_config c = *(const struct healer_breaker_config *)ctx;
        struct healer_breaker *breaker;
        enum healer_err err;

        c.id = number;
        c.seed = hlr_mix(c.seed ^ number); /* many names, spread trials */
        err = healer_breaker_create(&c, now_ns, &breaker);
        *object = breaker;
        return err;
}

static enum healer_err make_budget(void *ctx, uint64_t number, int64_t now_ns, void **object)
{
        struct healer_retry_budget *budget;
        enum healer_err err = healer_retry_budget_create(ctx, now_ns, &budget);

        (void)number;
        *object = budget;
        return err;
}

enum healer_err healer_registry_breaker(struct healer_registry *r, const char *name,
                                        int64_t now_ns, struct healer_breaker **out)
{
        void *object;
        bool made;
        enum healer_err err = get_or_make(r, &r->breakers, name, make_breaker, &r->c.breaker,
                                          now_ns, &object, &made);

        *out = object;
        return err;
}

enum healer_err healer_registry_add_breaker(struct healer_registry *r, const char *name,
                                            const struct healer_breaker_config *config,
                                            int64_t now_ns, struct healer_breaker **out)
{
        struct healer_breaker_config c = healer_breaker_config_defaults();
        void *object;
        bool made;
        enum healer_err err = hlr_config_copy(&c, sizeof(c), config, sizeof(c));

        *out = NULL;
        if (err != HEALER_OK)
                return err;
        err = get_or_make(r, &r->breakers, name, make_breaker, &c, now_ns, &object, &made);
        *out = object;
        return err == HEALER_OK && !made ? HEALER_E_EXISTS : err;
}

struct healer_breaker *healer_registry_find_breaker(const struct healer_registry *r,
                                                    const char *name)
{
        uint64_t at;
        struct node *node = name ? find(&r->breakers, name, hash_of(name), &at) : NULL;

        return node ? node->object : NULL;
}

enum healer_err healer_registry_remove_breaker(struct healer_registry *r, const char *name)
{
        uint64_t at;
        struct node *node;

        take_latch(r);
        node = name ? find(&r->breakers, name, hash_of(name), &at) : NULL;
        if (node)
                hlr_store_rel(&node->removed, 1);
        hlr_store_rel(&r->latch, 0);
        return node ? HEALER_OK : HEALER_E_NOT_FOUND;
}

bool healer_registry_at(const struct healer_registry *r, uint32_t index, const char **name,
                        struct healer_breaker **breaker)
{
        struct node *node;

        if (index >= hlr_load_acq(&r->breakers.count))
                return false;
        node = hlr_load_acq(&r->breakers.order[index]);
        *name = node->name;
        *breaker = hlr_load(&node->removed) ? NULL : node->object;
        return true;
}

void healer_registry_states(const struct healer_registry *r,
                            uint32_t by_state[HEALER_BREAKER_STATE_COUNT])
{
        const char *name;
        struct healer_breaker *breaker;

        memset(by_state, 0, HEALER_BREAKER_STATE_COUNT * sizeof(by_state[0]));
        for (uint32_t i = 0; healer_registry_at(r, i, &name, &breaker); i++)
                if (breaker)
                        by_state[healer_breaker_state(breaker)]++;
}

double healer_registry_score(const struct healer_registry *r, int64_t now_ns)
{
        struct healer_breaker_snapshot snapshot;
        struct healer_breaker *breaker;
        const char *name;
        double sum = 0;
        uint32_t count = 0;

        for (uint32_t i = 0; healer_registry_at(r, i, &name, &breaker); i++) {
                if (!breaker)
                        continue;
                healer_breaker_snapshot(breaker, now_ns, &snapshot);
                sum += snapshot.score;
                count++;
        }
        return count ? sum / count : 100;
}

void healer_registry_reset_all(struct healer_registry *r, int64_t now_ns)
{
        struct healer_breaker *breaker;
        const char *name;

        for (uint32_t i = 0; healer_registry_at(r, i, &name, &breaker); i++)
                if (breaker)
                        healer_breaker_reset(breaker, now_ns);
}

enum healer_err healer_registry_set_default(struct healer_registry *r,
                                            const struct healer_breaker_config *config)
{
        struct healer_breaker_config c = healer_breaker_config_defaults();
        enum healer_err err = hlr_config_copy(&c, sizeof(c), config, sizeof(c));

        if (err != HEALER_OK)
                return err;
        if (healer_breaker_config_check(&c))
                return HEALER_E_RANGE;
        take_latch(r);
        r->c.breaker = c;
        hlr_store_rel(&r->latch, 0);
        return HEALER_OK;
}

enum healer_err healer_registry_budget(struct healer_registry *r, const char *name,
                                       int64_t now_ns, struct healer_retry_budget **out)
{
        void *object;
        bool made;
        enum healer_err err = get_or_make(r, &r->budgets, name, make_budget, &r->c.budget, now_ns,
                                          &object, &made);

        *out = object;
        return err;
}
