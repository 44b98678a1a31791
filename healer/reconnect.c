/* reconnect.c - close the pool once, probe with waits that double, give up in the end.
 *
 * Waits are counted from the probe before, not from when it was polled last, so
 * that a caller who is late once does not shift all that follow.
 */
#include "healer/reconnect.h"

#include "healer/hlr_base.h"

struct healer_reconnect {
        struct healer_reconnect_config config;
        struct healer_reconnect_stats stats;
        uint64_t generation;
        bool working, calling;
        uint32_t tries;
        int64_t wait_ns, due_ns;
};

struct healer_reconnect_config healer_reconnect_config_defaults(void)
{
        return (struct healer_reconnect_config){.size = sizeof(struct healer_reconnect_config),
                                                .tries_max = 5,
                                                .wait_first_ns = HLR_SECOND,
                                                .wait_max_ns = 16 * HLR_SECOND};
}

const char *healer_reconnect_config_check(const struct healer_reconnect_config *config)
{
        if (config->tries_max < 1 || config->tries_max > HEALER_RECONNECT_TRIES_MAX)
                return "tries_max: must be 1..16";
        if (config->wait_first_ns <= 0)
                return "wait_first_ns: must be > 0";
        if (config->wait_max_ns < config->wait_first_ns)
                return "wait_max_ns: must be >= wait_first_ns";
        if (config->close_pool == NULL)
                return "close_pool: needed";
        if (config->probe == NULL)
                return "probe: needed";
        return NULL;
}

enum healer_err healer_reconnect_create(const struct healer_reconnect_config *config,
                                        struct healer_reconnect **out)
{
        struct healer_reconnect *reconnect;

        *out = NULL;
        if (config->size != sizeof(*config))
                return HEALER_E_SIZE;
        if (healer_reconnect_config_check(config) != NULL)
                return HEALER_E_RANGE;
        reconnect = hlr_alloc(config->allocator, sizeof(*reconnect));
        if (reconnect == NULL)
                return HEALER_E_NOMEM;
        reconnect->config = *config;
        reconnect->generation = 1;
        *out = reconnect;
        return HEALER_OK;
}

void healer_reconnect_destroy(struct healer_reconnect *reconnect)
{
        if (reconnect != NULL)
                hlr_free(reconnect->config.allocator, reconnect);
}

bool healer_reconnect_error(struct healer_reconnect *reconnect, uint64_t generation,
                            int64_t now_ns, int64_t *next_ns)
{
        reconnect->stats.errors++;
        *next_ns = reconnect->working ? reconnect->due_ns : HEALER_NEVER;
        if (reconnect->working || reconnect->calling || generation != reconnect->generation)
                return false;
        reconnect->working = true;
        reconnect->tries = 0;
        reconnect->generation++;
        reconnect->stats.recoveries++;
        reconnect->calling = true;
        reconnect->stats.closed += reconnect->config.close_pool(reconnect->config.ctx);
        reconnect->calling = false;
        reconnect->wait_ns = reconnect->config.wait_first_ns;
        reconnect->due_ns = hlr_add(now_ns, reconnect->wait_ns);
        *next_ns = reconnect->due_ns;
        return true;
}

static void end(struct healer_reconnect *reconnect, bool recovered)
{
        reconnect->working = false;
        reconnect->stats.last_tries = reconnect->tries;
        if (recovered)
                reconnect->stats.recovered++;
        else
                reconnect->stats.given_up++;
        reconnect->calling = true;
        if (reconnect->config.on_end != NULL)
                reconnect->config.on_end(reconnect->config.ctx, recovered, reconnect->tries);
        reconnect->calling = false;
}

enum healer_err healer_reconnect_poll(struct healer_reconnect *reconnect, int64_t now_ns,
                                      int64_t *next_ns)
{
        bool back;

        if (reconnect->calling)
                return HEALER_E_BUSY;
        *next_ns = reconnect->working ? reconnect->due_ns : HEALER_NEVER;
        if (!reconnect->working || now_ns < reconnect->due_ns)
                return HEALER_OK;
        reconnect->tries++;
        reconnect->stats.probes++;
        reconnect->calling = true;
        back = reconnect->config.probe(reconnect->config.ctx);
        reconnect->calling = false;
        if (back || reconnect->tries >= reconnect->config.tries_max) {
                end(reconnect, back);
                *next_ns = HEALER_NEVER;
                return HEALER_OK;
        }
        reconnect->wait_ns = hlr_min(hlr_mul(reconnect->wait_ns, 2), reconnect->config.wait_max_ns);
        reconnect->due_ns = hlr_add(reconnect->due_ns, reconnect->wait_ns);
        *next_ns = reconnect->due_ns;
        return HEALER_OK;
}

uint64_t healer_reconnect_generation(const struct healer_reconnect *reconnect)
{
        return reconnect->generation;
}

bool healer_reconnect_usable(const struct healer_reconnect *reconnect, uint64_t generation)
{
        return !reconnect->working && generation == reconnect->generation;
}

struct healer_reconnect_stats healer_reconnect_stats(const struct healer_reconnect *reconnect)
{
        return reconnect->stats;
}
