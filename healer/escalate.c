/* escalate.c - levels, channels and the time until somebody answers.
 *
 * An incident goes up once and no more: above emergency there is nobody left to
 * tell, and a page that repeats itself is switched off. Handlers are called while
 * nothing of the escalator is half changed, so that one which fails, or calls
 * back in, leaves everything as it was.
 */
#include "healer/escalate.h"

#include "healer/hlr_base.h"

#include <string.h>

struct hlr_channel {
        char name[48];
        uint32_t level_min;
        healer_channel_fn *handler;
        void *ctx;
        uint64_t delivered, failed;
};

struct hlr_incident {
        bool open, acknowledged, overdue;
        struct healer_escalation what; /* texts point into this row */
        char component[48], context[400];
};

struct healer_escalator {
        const struct healer_allocator *allocator;
        int64_t timeout_ns;
        struct hlr_channel channels[HEALER_CHANNELS_MAX];
        uint32_t channel_count;
        uint32_t room;
        bool calling;
        struct healer_escalator_stats stats;
        struct hlr_incident incidents[];
};

const char *const healer_escalation_names[HEALER_ESCALATION_LEVEL_COUNT] = {"warning", "critical",
                                                                            "emergency"};

/* ---- life */

struct healer_escalator_config healer_escalator_config_defaults(void)
{
        return (struct healer_escalator_config){.size = sizeof(struct healer_escalator_config),
                                                .incidents_max = 64,
                                                .timeout_ns = 300 * HLR_SECOND};
}

const char *healer_escalator_config_check(const struct healer_escalator_config *config)
{
        if (config->incidents_max < 1 || config->incidents_max > 4096)
                return "incidents_max: must be 1..4096";
        if (config->timeout_ns <= 0)
                return "timeout_ns: must be > 0";
        return NULL;
}

enum healer_err healer_escalator_create(const struct healer_escalator_config *config,
                                        struct healer_escalator **out)
{
        struct healer_escalator *escalator;

        *out = NULL;
        if (config->size != sizeof(*config))
                return HEALER_E_SIZE;
        if (healer_escalator_config_check(config) != NULL)
                return HEALER_E_RANGE;
        escalator = hlr_alloc(config->allocator,
                              hlr_bytes(sizeof(*escalator), config->incidents_max,
                                        sizeof(struct hlr_incident)));
        if (escalator == NULL)
                return HEALER_E_NOMEM;
        escalator->allocator = config->allocator;
        escalator->timeout_ns = config->timeout_ns;
        escalator->room = config->incidents_max;
        *out = escalator;
        return HEALER_OK;
}

void healer_escalator_destroy(struct healer_escalator *escalator)
{
        if (escalator != NULL)
                hlr_free(escalator->allocator, escalator);
}

/* ---- channels */

static struct hlr_channel *channel_of(struct healer_escalator *escalator, const char *name)
{
        uint32_t i;

        for (i = 0; i < escalator->channel_count; i++) {
                if (strcmp(escalator->channels[i].name, name) == 0)
                        return &escalator->channels[i];
        }
        return NULL;
}

enum healer_err healer_escalator_channel(struct healer_escalator *escalator, const char *name,
                                         uint32_t level_min, healer_channel_fn *handler, void *ctx)
{
        struct hlr_channel *channel;

        if (escalator->calling)
                return HEALER_E_BUSY;
        if (name == NULL || name[0] == '\0' || strlen(name) > 47 ||
            level_min >= HEALER_ESCALATION_LEVEL_COUNT)
                return HEALER_E_RANGE;
        channel = channel_of(escalator, name);
        if (channel == NULL) {
                if (escalator->channel_count == HEALER_CHANNELS_MAX)
                        return HEALER_E_FULL;
                channel = &escalator->channels[escalator->channel_count++];
                memcpy(channel->name, name, strlen(name) + 1);
        }
        channel->level_min = level_min;
        channel->handler = handler;
        channel->ctx = ctx;
        return HEALER_OK;
}

/* Everybody who listens at that level; false when nobody took it. */
static bool tell(struct healer_escalator *escalator, const struct healer_escalation *what)
{
        struct hlr_channel *channel;
        bool taken = false;
        uint32_t i;

        for (i = 0; i < escalator->channel_count; i++) {
                channel = &escalator->channels[i];
                if (channel->level_min > what->level)
                        continue;
                escalator->calling = true;
                if (channel->handler != NULL && channel->handler(channel->ctx, what)) {
                        channel->delivered++;
                        escalator->stats.delivered++;
                        taken = true;
                } else {
                        channel->failed++;
                        escalator->stats.failed++;
                }
                escalator->calling = false;
        }
        escalator->stats.unheard += !taken;
        return taken;
}

/* ---- incidents */

static struct hlr_incident *find(struct healer_escalator *escalator, uint64_t key)
{
        uint32_t i;

        for (i = 0; i < escalator->room; i++) {
                if (escalator->incidents[i].open && escalator->incidents[i].what.key == key)
                        return &escalator->incidents[i];
        }
        return NULL;
}

static struct hlr_incident *a_place(struct healer_escalator *escalator)
{
        uint32_t i;

        for (i = 0; i < escalator->room; i++) {
                if (!escalator->incidents[i].open)
                        return &escalator->incidents[i];
        }
        return NULL;
}

static void keep_text(char *out, size_t room, const char *text)
{
        size_t length = text == NULL ? 0 : strlen(text);

        if (length >= room)
                length = room - 1;
        if (length > 0)
                memcpy(out, text, length);
        out[length] = '\0';
}

static void fill(struct hlr_incident *incident, const struct healer_escalation *from, int64_t now_ns)
{
        memset(incident, 0, sizeof(*incident));
        keep_text(incident->component, sizeof(incident->component), from->component);
        keep_text(incident->context, sizeof(incident->context), from->context);
        incident->what = *from;
        incident->what.component = incident->component;
        incident->what.context = incident->context;
        incident->what.level = from->severity >= HEALER_SEVERITY_CRITICAL ? HEALER_ESCALATION_EMERGENCY
                               : from->severity >= HEALER_SEVERITY_HIGH   ? HEALER_ESCALATION_CRITICAL
                                                                          : HEALER_ESCALATION_WARNING;
        incident->what.manual = incident->what.level == HEALER_ESCALATION_EMERGENCY;
        incident->what.overdue = false;
        incident->what.raised_ns = incident->what.at_ns = now_ns;
}

enum healer_err healer_escalator_raise(struct healer_escalator *escalator,
                                       const struct healer_escalation *incident, int64_t now_ns)
{
        struct hlr_incident *place, passing;
        bool followed;

        if (escalator->calling)
                return HEALER_E_BUSY;
        if (incident->severity >= HEALER_SEVERITY_COUNT || incident->failure >= HEALER_FAILURE_COUNT)
                return HEALER_E_RANGE;
        if (find(escalator, incident->key) != NULL) {
                escalator->stats.duplicates++;
                return HEALER_E_EXISTS;
        }
        place = a_place(escalator);
        followed = place != NULL;
        if (!followed)
                place = &passing;
        fill(place, incident, now_ns);
        place->open = followed;
        escalator->stats.raised++;
        escalator->stats.dropped += !followed;
        if (!tell(escalator, &place->what))
                return HEALER_E_FAILED;
        return followed ? HEALER_OK : HEALER_E_FULL;
}

static bool named(const char *who)
{
        return who != NULL && who[0] != '\0';
}

enum healer_err healer_escalator_acknowledge(struct healer_escalator *escalator, uint64_t key,
                                             const char *who)
{
        struct hlr_incident *incident = find(escalator, key);

        if (escalator->calling)
                return HEALER_E_BUSY;
        if (!named(who))
                return HEALER_E_RANGE;
        if (incident == NULL)
                return HEALER_E_NOT_FOUND;
        incident->acknowledged = true;
        return HEALER_OK;
}

enum healer_err healer_escalator_resolve(struct healer_escalator *escalator, uint64_t key)
{
        struct hlr_incident *incident = find(escalator, key);

        if (escalator->calling)
                return HEALER_E_BUSY;
        if (incident == NULL)
                return HEALER_E_NOT_FOUND;
        if (incident->what.manual)
                return HEALER_E_STATE;
        incident->open = false;
        return HEALER_OK;
}

enum healer_err healer_escalator_close(struct healer_escalator *escalator, uint64_t key,
                                       const char *who)
{
        struct hlr_incident *incident = find(escalator, key);

        if (escalator->calling)
                return HEALER_E_BUSY;
        if (!named(who))
                return HEALER_E_RANGE;
        if (incident == NULL)
                return HEALER_E_NOT_FOUND;
        incident->open = false;
        return HEALER_OK;
}

/* ---- time */

static int64_t due(const struct healer_escalator *escalator, const struct hlr_incident *incident)
{
        if (!incident->open || incident->acknowledged || incident->overdue ||
            incident->what.level + 1 >= HEALER_ESCALATION_LEVEL_COUNT)
                return HEALER_NEVER;
        return hlr_add(incident->what.raised_ns, escalator->timeout_ns);
}

enum healer_err healer_escalator_poll(struct healer_escalator *escalator, int64_t now_ns,
                                      int64_t *next_ns)
{
        struct hlr_incident *incident;
        int64_t at_ns;
        uint32_t i;

        if (escalator->calling)
                return HEALER_E_BUSY;
        *next_ns = HEALER_NEVER;
        for (i = 0; i < escalator->room; i++) {
                incident = &escalator->incidents[i];
                at_ns = due(escalator, incident);
                if (at_ns == HEALER_NEVER || now_ns < at_ns) {
                        *next_ns = hlr_min(*next_ns, at_ns);
                        continue;
                }
                incident->overdue = true;
                incident->what.overdue = true;
                incident->what.level++;
                incident->what.manual = incident->what.level == HEALER_ESCALATION_EMERGENCY;
                incident->what.at_ns = now_ns;
                escalator->stats.overdue++;
                (void)tell(escalator, &incident->what);
        }
        return HEALER_OK;
}

/* ---- looking */

struct healer_escalator_stats healer_escalator_stats(const struct healer_escalator *escalator)
{
        struct healer_escalator_stats stats = escalator->stats;
        uint32_t i;

        for (i = 0; i < escalator->room; i++) {
                stats.open += escalator->incidents[i].open;
                stats.manual_open += escalator->incidents[i].open && escalator->incidents[i].what.manual;
        }
        return stats;
}

enum healer_err healer_escalator_channel_stats(const struct healer_escalator *escalator,
                                               const char *name, uint64_t *delivered,
                                               uint64_t *failed)
{
        const struct hlr_channel *channel =
                channel_of((struct healer_escalator *)(uintptr_t)escalator, name);

        if (channel == NULL)
                return HEALER_E_NOT_FOUND;
        *delivered = channel->delivered;
        *failed = channel->failed;
        return HEALER_OK;
}
