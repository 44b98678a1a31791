/* degrade_features.c - which features are on, from the level alone; and the
 * four-level scale of capabilities.
 *
 * At load the features are put into an order in which each comes after what it
 * needs (repeated removal of those with nothing left to need; what remains is
 * a cycle). An update walks that order once: a feature is on if force or level
 * allows it and everything it needs is on. So the state depends on nothing
 * that happened before.
 *
 * Changes are then told in priority order, which is another list made at load.
 */
#include "healer/degrade.h"
#include "healer/hlr_base.h"

#include <math.h>
#include <string.h>

struct feature {
        struct healer_feature f;
        const uint32_t *needs;
        _Atomic uint64_t on;
        bool wanted;
        bool forced;
        bool forced_on;
        bool touched; /* the force has just changed: how, is in `touch` */
        uint32_t touch;
        int64_t forced_until_ns;
};

struct healer_features {
        struct healer_features_config c;
        uint32_t level;
        double usage_percent;
        uint64_t changes;
        int64_t newest_ns;
        struct feature *features;
        uint32_t *order;       /* needs first */
        uint32_t *by_priority; /* lowest first, ties in the order given */
        uint32_t *needs;
};

struct healer_features_config healer_features_config_defaults(void)
{
        return (struct healer_features_config){
                .size = sizeof(struct healer_features_config),
                .level_count = HEALER_DEGRADE_DEFAULT_LEVELS,
        };
}

static uint32_t find(const struct healer_feature *features, uint32_t count, const char *name)
{
        for (uint32_t i = 0; i < count; i++)
                if (strcmp(features[i].name, name) == 0)
                        return i;
        return UINT32_MAX;
}

static const char *check_feature(const struct healer_features_config *c, uint32_t i)
{
        const struct healer_feature *f = &c->features[i];

        if (!f->name || !*f->name)
                return "features.name: every feature needs a name";
        if (find(c->features, i, f->name) != UINT32_MAX)
                return "features.name: two features have the same name";
        if (f->off_from != HEALER_FEATURE_ALWAYS && f->off_from >= c->level_count)
                return "features.off_from: no such level";
        if (f->needs_count > c->feature_count)
                return "features.needs_count: more than there are features";
        if (f->needs_count && !f->needs)
                return "features.needs: counted, but not given";
        return NULL;
}

static const char *check(const struct healer_features_config *c)
{
        if (c->feature_count < 1 || c->feature_count > 4096 || !c->features)
                return "feature_count: must be 1..4096, with features";
        if (c->level_count < 1 || c->level_count > HEALER_DEGRADE_LEVELS_MAX)
                return "level_count: must be 1..8";
        for (uint32_t i = 1; i < c->level_count; i++)
                if (c->min_priority[i] < c->min_priority[i - 1])
                        return "min_priority: must not fall from level to level";
        for (uint32_t i = 0; i < c->feature_count; i++) {
                const char *reason = check_feature(c, i);

                if (reason)
                        return reason;
        }
        for (uint32_t i = 0; i < c->feature_count; i++)
                for (uint32_t k = 0; k < c->features[i].needs_count; k++)
                        if (!c->features[i].needs[k] ||
                            find(c->features, c->feature_count, c->features[i].needs[k]) ==
                                    UINT32_MAX)
                                return "features.needs: no feature of that name";
        return NULL;
}

static size_t needs_total(const struct healer_features_config *c)
{
        size_t total = 0;

        for (uint32_t i = 0; i < c->feature_count; i++)
                total += c->features[i].needs_count;
        return total;
}

static void resolve_needs(struct healer_features *s)
{
        uint32_t *next = s->needs;

        for (uint32_t i = 0; i < s->c.feature_count; i++) {
                struct feature *feature = &s->features[i];

                feature->f = s->c.features[i];
                feature->needs = next;
                for (uint32_t k = 0; k < feature->f.needs_count; k++)
                        *next++ = find(s->c.features, s->c.feature_count, feature->f.needs[k]);
                hlr_store(&feature->on, 1);
                feature->wanted = true;
        }
}

static bool needs_are_placed(const struct healer_features *s, const struct feature *feature)
{
        for (uint32_t k = 0; k < feature->f.needs_count; k++)
                if (!s->features[feature->needs[k]].touched)
                        return false;
        return true;
}

/* `touched` marks those already in the order while it is being made. */
static bool put_needs_first(struct healer_features *s)
{
        uint32_t placed = 0, before;

        do {
                before = placed;
                for (uint32_t i = 0; i < s->c.feature_count; i++) {
                        struct feature *feature = &s->features[i];

                        if (feature->touched || !needs_are_placed(s, feature))
                                continue;
                        feature->touched = true;
                        s->order[placed++] = i;
                }
        } while (placed > before);
        for (uint32_t i = 0; i < s->c.feature_count; i++)
                s->features[i].touched = false;
        return placed == s->c.feature_count;
}

static void sort_by_priority(struct healer_features *s)
{
        for (uint32_t i = 0; i < s->c.feature_count; i++) {
                uint32_t at = i;

                while (at > 0 && s->features[s->by_priority[at - 1]].f.priority >
                                         s->features[i].f.priority) {
                        s->by_priority[at] = s->by_priority[at - 1];
                        at--;
                }
                s->by_priority[at] = i;
        }
}

enum healer_err healer_features_create(const struct healer_features_config *config,
                                       int64_t now_ns, const char **reason,
                                       struct healer_features **out)
{
        struct healer_features_config c = healer_features_config_defaults();
        struct healer_features *s;
        const char *bad;
        enum healer_err err;
        size_t bytes;

        *out = NULL;
        if (reason)
                *reason = NULL;
        err = hlr_config_copy(&c, sizeof(c), config, sizeof(c));
        if (err != HEALER_OK)
                return err;
        bad = check(&c);
        if (bad) {
                if (reason)
                        *reason = bad;
                return HEALER_E_RANGE;
        }
        bytes = sizeof(*s) + c.feature_count * (sizeof(struct feature) + 2 * sizeof(uint32_t)) +
                needs_total(&c) * sizeof(uint32_t);
        s = hlr_alloc(c.allocator, bytes);
        if (!s)
                return HEALER_E_NOMEM;
        s->c = c;
        s->newest_ns = now_ns;
        s->usage_percent = (double)NAN;
        s->features = (struct feature *)(s + 1);
        s->order = (uint32_t *)(s->features + c.feature_count);
        s->by_priority = s->order + c.feature_count;
        s->needs = s->by_priority + c.feature_count;
        resolve_needs(s);
        sort_by_priority(s);
        if (!put_needs_first(s)) {
                if (reason)
                        *reason = "features.needs: features that need one another in a circle";
                healer_features_destroy(s);
                return HEALER_E_CYCLE;
        }
        s->c.features = NULL; /* the caller's array was copied */
        healer_features_update(s, 0, (double)NAN, now_ns);
        *out = s;
        return HEALER_OK;
}

void healer_features_destroy(struct healer_features *s)
{
        if (s)
                hlr_free(s->c.allocator, s);
}

static bool level_allows(const struct healer_features *s, const struct feature *feature)
{
        return s->level < feature->f.off_from &&
               feature->f.priority >= s->c.min_priority[s->level];
}

static bool needs_are_wanted(const struct healer_features *s, const struct feature *feature)
{
        for (uint32_t k = 0; k < feature->f.needs_count; k++)
                if (!s->features[feature->needs[k]].wanted)
                        return false;
        return true;
}

static void expire_forces(struct healer_features *s, int64_t now_ns)
{
        for (uint32_t i = 0; i < s->c.feature_count; i++) {
                struct feature *feature = &s->features[i];

                if (!feature->forced || now_ns < feature->forced_until_ns)
                        continue;
                feature->forced = false;
                feature->touched = true;
                feature->touch = HEALER_FEATURE_BY_EXPIRY;
        }
}

static uint32_t cause_of(const struct healer_features *s, const struct feature *feature)
{
        if (feature->touched)
                return feature->touch;
        if (!feature->wanted && (feature->forced ? feature->forced_on : level_allows(s, feature)))
                return HEALER_FEATURE_BY_NEED;
        return HEALER_FEATURE_BY_LEVEL;
}

static void apply(struct healer_features *s, struct feature *feature, int64_t now_ns)
{
        struct healer_event event = {
                .at_ns = now_ns,
                .source_id = s->c.id,
                .type = HEALER_EVENT_FEATURE_CHANGED,
                .from = (uint32_t)hlr_load(&feature->on),
                .to = feature->wanted,
                .cause = cause_of(s, feature),
                .value = s->usage_percent,
                .item = (uint32_t)(feature - s->features),
        };

        feature->touched = false;
        if (event.from == event.to)
                return;
        event.generation = ++s->changes;
        hlr_store_rel(&feature->on, feature->wanted);
        healer_event_ring_put(s->c.events, &event);
}

static void derive(struct healer_features *s, int64_t now_ns)
{
        uint32_t count = s->c.feature_count;

        expire_forces(s, now_ns);
        for (uint32_t i = 0; i < count; i++) {
                struct feature *feature = &s->features[s->order[i]];
                bool allowed =
                        feature->forced ? feature->forced_on : level_allows(s, feature);

                feature->wanted = allowed && needs_are_wanted(s, feature);
        }
        for (uint32_t i = 0; i < count; i++)
                if (!s->features[s->by_priority[i]].wanted)
                        apply(s, &s->features[s->by_priority[i]], now_ns);
        for (uint32_t i = count; i-- > 0;)
                if (s->features[s->by_priority[i]].wanted)
                        apply(s, &s->features[s->by_priority[i]], now_ns);
}

void healer_features_update(struct healer_features *s, uint32_t level, double usage_percent,
                            int64_t now_ns)
{
        s->newest_ns = hlr_max(s->newest_ns, now_ns);
        s->level = level < s->c.level_count ? level : s->c.level_count - 1;
        s->usage_percent = usage_percent;
        derive(s, s->newest_ns);
}

uint32_t healer_features_find(const struct healer_features *s, const char *name)
{
        for (uint32_t i = 0; i < s->c.feature_count; i++)
                if (strcmp(s->features[i].f.name, name) == 0)
                        return i;
        return UINT32_MAX;
}

enum healer_err healer_features_force(struct healer_features *s, const char *name, bool on,
                                      int64_t until_ns, int64_t now_ns)
{
        uint32_t i = healer_features_find(s, name);

        s->newest_ns = hlr_max(s->newest_ns, now_ns);
        if (i == UINT32_MAX)
                return HEALER_E_NOT_FOUND;
        if (until_ns <= s->newest_ns)
                return HEALER_E_RANGE;
        s->features[i].forced = true;
        s->features[i].forced_on = on;
        s->features[i].forced_until_ns = until_ns;
        s->features[i].touched = true;
        s->features[i].touch = HEALER_FEATURE_BY_FORCE;
        derive(s, s->newest_ns);
        return HEALER_OK;
}

enum healer_err healer_features_release(struct healer_features *s, const char *name,
                                        int64_t now_ns)
{
        uint32_t i = healer_features_find(s, name);

        s->newest_ns = hlr_max(s->newest_ns, now_ns);
        if (i == UINT32_MAX)
                return HEALER_E_NOT_FOUND;
        s->features[i].touched = s->features[i].forced;
        s->features[i].touch = HEALER_FEATURE_BY_RELEASE;
        s->features[i].forced = false;
        derive(s, s->newest_ns);
        return HEALER_OK;
}

bool healer_features_is_on(const struct healer_features *s, uint32_t index)
{
        return index >= s->c.feature_count || hlr_load_acq(&s->features[index].on) != 0;
}

/* ---- the four-level scale ---- */

const struct healer_capability healer_default_capabilities[4] = {
        {"parallel-processing", {100, 50, 25, 0}},
        {"cache-size", {100, 75, 50, 25}},
        {"request-timeout", {30000, 30000, 10000, 5000}},
        {"batch-size", {100, 100, 100, 10}},
};

double healer_capability_level(const struct healer_capability *table, uint32_t count,
                               const char *name, enum healer_mode mode)
{
        for (uint32_t i = 0; i < count; i++)
                if (strcmp(table[i].name, name) == 0)
                        return table[i].values[(unsigned)mode < HEALER_MODE_COUNT
                                                       ? mode
                                                       : HEALER_MODE_EMERGENCY];
        return 100;
}

enum healer_mode healer_mode_of_level(uint32_t level, uint32_t level_count)
{
        if (level == 0 || level_count < 2)
                return HEALER_MODE_FULL;
        if (level + 1 >= level_count)
                return HEALER_MODE_EMERGENCY;
        /* the levels between: the upper half and the middle reduced, the rest minimal */
        return 2 * level <= level_count - 1 ? HEALER_MODE_REDUCED : HEALER_MODE_MINIMAL;
}

uint32_t healer_level_of_mode(enum healer_mode mode, uint32_t level_count)
{
        uint32_t level = 0;

        if ((unsigned)mode >= HEALER_MODE_COUNT || level_count == 0)
                return 0;
        while (level + 1 < level_count && healer_mode_of_level(level, level_count) < mode)
                level++;
        return level;
}

const char *healer_mode_name(enum healer_mode mode)
{
        static const char *const names[HEALER_MODE_COUNT] = {"full", "reduced", "minimal",
                                                             "emergency"};

        return (unsigned)mode < HEALER_MODE_COUNT ? names[mode] : "unknown";
}
