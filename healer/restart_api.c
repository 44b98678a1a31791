/* restart_api.c - wait, ask, probe; and count.
 *
 * A group of one child (restart.h) keeps the waits and counts the restarts in the
 * window by when they were wanted. As waits differ, the times at which the platform
 * was asked are kept too, and it is not asked before the window has room for it. What is
 * under way is one of three: nothing, a wait, or probing.
 */
#include "healer/restart_api.h"

#include "healer/hlr_base.h"
#include "healer/restart.h"

enum doing { NOTHING, WAITING, PROBING };

struct healer_restart_api {
        struct healer_restart_api_config config;
        struct healer_restart_api_stats stats;
        struct healer_restart *group;
        enum doing doing;
        bool calling, escalated;
        int status;
        int64_t due_ns, until_ns;
        uint64_t remembered;
        int64_t asked_ns[]; /* the last restarts_max times */
};

struct healer_restart_api_config healer_restart_api_config_defaults(void)
{
        return (struct healer_restart_api_config){.size = sizeof(struct healer_restart_api_config),
                                                  .restarts_max = 5,
                                                  .window_ns = 600 * HLR_SECOND,
                                                  .wait_first_ns = 10 * HLR_SECOND,
                                                  .wait_max_ns = 300 * HLR_SECOND,
                                                  .probe_every_ns = 5 * HLR_SECOND,
                                                  .probe_timeout_ns = 60 * HLR_SECOND};
}

const char *healer_restart_api_config_check(const struct healer_restart_api_config *config)
{
        if (config->restarts_max < 1 || config->restarts_max > 1000)
                return "restarts_max: must be 1..1000";
        if (config->window_ns <= 0)
                return "window_ns: must be > 0";
        if (config->wait_first_ns <= 0)
                return "wait_first_ns: must be > 0";
        if (config->wait_max_ns < config->wait_first_ns)
                return "wait_max_ns: must be >= wait_first_ns";
        if (config->probe_every_ns <= 0)
                return "probe_every_ns: must be > 0";
        if (config->probe_timeout_ns < config->probe_every_ns)
                return "probe_timeout_ns: must be >= probe_every_ns";
        if (config->service == NULL || config->service[0] == '\0')
                return "service: needed";
        if (config->ask == NULL)
                return "ask: needed";
        if (config->probe == NULL)
                return "probe: needed";
        return NULL;
}

static enum healer_err make_group(struct healer_restart_api *api, int64_t now_ns)
{
        struct healer_restart_config group = healer_restart_config_defaults();

        group.intensity_max = api->config.restarts_max;
        group.intensity_ns = api->config.window_ns;
        group.wait_first_ns = api->config.wait_first_ns;
        group.wait_max_ns = api->config.wait_max_ns;
        group.allocator = api->config.allocator;
        return healer_restart_create(&group, now_ns, &api->group);
}

enum healer_err healer_restart_api_create(const struct healer_restart_api_config *config,
                                          int64_t now_ns, struct healer_restart_api **out)
{
        struct healer_restart_api *api;
        enum healer_err err;

        *out = NULL;
        if (config->size != sizeof(*config))
                return HEALER_E_SIZE;
        if (healer_restart_api_config_check(config) != NULL)
                return HEALER_E_RANGE;
        api = hlr_alloc(config->allocator, sizeof(*api) + config->restarts_max * sizeof(int64_t));
        if (api == NULL)
                return HEALER_E_NOMEM;
        api->config = *config;
        err = make_group(api, now_ns);
        if (err != HEALER_OK) {
                hlr_free(config->allocator, api);
                return err;
        }
        *out = api;
        return HEALER_OK;
}

void healer_restart_api_destroy(struct healer_restart_api *api)
{
        if (api == NULL)
                return;
        healer_restart_destroy(api->group);
        hlr_free(api->config.allocator, api);
}

static void end(struct healer_restart_api *api, enum healer_restart_api_end how)
{
        api->doing = NOTHING;
        api->stats.ends[how]++;
        if (api->config.on_end == NULL)
                return;
        api->calling = true;
        api->config.on_end(api->config.ctx, how, api->status);
        api->calling = false;
}

/* From when on the window has room for one more. */
static int64_t room_ns(const struct healer_restart_api *api)
{
        uint32_t most = api->config.restarts_max;

        if (api->remembered < most)
                return INT64_MIN;
        return hlr_add(hlr_add(api->asked_ns[api->remembered % most], api->config.window_ns), 1);
}

/* One more restart, unless there were too many of late. */
static enum healer_err begin(struct healer_restart_api *api, int64_t now_ns)
{
        struct healer_restart_plan plan = healer_restart_failed(api->group, 0, now_ns);

        if (plan.answer == HEALER_RESTART_ESCALATE) {
                api->escalated = true;
                end(api, HEALER_RESTART_API_ESCALATED);
                return HEALER_E_REFUSED;
        }
        api->doing = WAITING;
        api->due_ns = hlr_max(hlr_add(now_ns, plan.wait_ns), room_ns(api));
        return HEALER_OK;
}

enum healer_err healer_restart_api_failed(struct healer_restart_api *api, int64_t now_ns,
                                          int64_t *next_ns)
{
        enum healer_err err;

        *next_ns = api->doing == NOTHING ? HEALER_NEVER : api->due_ns;
        if (api->calling)
                return HEALER_E_BUSY;
        if (api->doing != NOTHING)
                return HEALER_E_EXISTS;
        if (api->escalated)
                return HEALER_E_REFUSED;
        api->status = 0;
        if (api->config.key == NULL || api->config.key[0] == '\0') {
                end(api, HEALER_RESTART_API_NO_KEY);
                return HEALER_E_NOT_FOUND;
        }
        err = begin(api, now_ns);
        *next_ns = err == HEALER_OK ? api->due_ns : HEALER_NEVER;
        return err;
}

static void ask(struct healer_restart_api *api, int64_t now_ns)
{
        api->stats.asked++;
        api->asked_ns[api->remembered++ % api->config.restarts_max] = now_ns;
        api->calling = true;
        api->status = api->config.ask(api->config.ctx, api->config.service, api->config.key);
        api->calling = false;
        if (api->status != 200 && api->status != 202) {
                api->stats.refused++;
                (void)begin(api, now_ns);
                return;
        }
        api->doing = PROBING;
        api->due_ns = hlr_add(now_ns, api->config.probe_every_ns);
        api->until_ns = hlr_add(now_ns, api->config.probe_timeout_ns);
}

static void probe(struct healer_restart_api *api, int64_t now_ns)
{
        bool well;

        api->calling = true;
        well = api->config.probe(api->config.ctx, api->config.service);
        api->calling = false;
        if (well) {
                end(api, HEALER_RESTART_API_RECOVERED);
        } else if (now_ns >= api->until_ns) {
                api->stats.not_well++;
                (void)begin(api, now_ns);
        } else {
                api->due_ns = hlr_min(hlr_add(now_ns, api->config.probe_every_ns), api->until_ns);
        }
}

enum healer_err healer_restart_api_poll(struct healer_restart_api *api, int64_t now_ns,
                                        int64_t *next_ns)
{
        *next_ns = HEALER_NEVER;
        if (api->calling)
                return HEALER_E_BUSY;
        if (api->doing == WAITING && now_ns >= api->due_ns)
                ask(api, now_ns);
        else if (api->doing == PROBING && now_ns >= api->due_ns)
                probe(api, now_ns);
        if (api->doing != NOTHING)
                *next_ns = api->due_ns;
        return HEALER_OK;
}

enum healer_err healer_restart_api_reset(struct healer_restart_api *api, int64_t now_ns)
{
        if (api->calling)
                return HEALER_E_BUSY;
        healer_restart_reset(api->group, now_ns);
        api->remembered = 0;
        api->escalated = false;
        api->doing = NOTHING;
        return HEALER_OK;
}

const char *healer_restart_api_end_name(enum healer_restart_api_end how)
{
        static const char *const names[HEALER_RESTART_API_END_COUNT] = {
                "recovered", "no API key", "restarted too often"};

        return (unsigned)how < HEALER_RESTART_API_END_COUNT ? names[how] : "?";
}

struct healer_restart_api_stats healer_restart_api_stats(const struct healer_restart_api *api)
{
        return api->stats;
}
