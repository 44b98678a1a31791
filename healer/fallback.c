/* fallback.c - one pass over the handlers, in order.
 *
 * The order is made at load. Each handler has a real bulkhead without a queue:
 * a fallback is asked now or not at all.
 */
#include "healer/fallback.h"
#include "healer/hlr_base.h"

#include <string.h>

struct handler {
        struct healer_fallback_handler h;
        uint32_t index; /* in the config */
        struct healer_bulkhead *bulkhead;
        _Atomic uint64_t outcomes[HEALER_FALLBACK_OUTCOME_COUNT];
};

struct healer_fallback {
        struct healer_fallback_config c;
        bool shared;
        struct handler handlers[];
};

struct healer_fallback_handler healer_fallback_handler_defaults(void)
{
        return (struct healer_fallback_handler){
                .name = "fallback",
                .max_concurrent = 10,
                .time_limit_ns = HEALER_NEVER,
        };
}

struct healer_fallback_config healer_fallback_config_defaults(void)
{
        return (struct healer_fallback_config){
                .size = sizeof(struct healer_fallback_config),
                .cascade = 1,
        };
}

const char *healer_fallback_config_check(const struct healer_fallback_config *c)
{
        if (c->handler_count < 1 || c->handler_count > HEALER_FALLBACKS_MAX || !c->handlers)
                return "handler_count: must be 1..32, with handlers";
        if (c->cascade > 1)
                return "cascade: must be 0 or 1";
        if (c->threads > HEALER_THREADS_ONE)
                return "threads: no such choice";
        for (uint32_t i = 0; i < c->handler_count; i++) {
                if (!c->handlers[i].name)
                        return "handlers.name: every handler needs a name";
                if (c->handlers[i].max_concurrent > 1000000)
                        return "handlers.max_concurrent: must be 0..1000000";
                if (c->handlers[i].time_limit_ns <= 0)
                        return "handlers.time_limit_ns: must be above 0";
                if (c->handlers[i].time_limit_ns != HEALER_NEVER && !c->now)
                        return "handlers.time_limit_ns: cannot be held without `now`";
        }
        return NULL;
}

static void sort_in(struct healer_fallback *f, const struct healer_fallback_config *c)
{
        for (uint32_t i = 0; i < c->handler_count; i++) {
                uint32_t at = i;

                while (at > 0 && f->handlers[at - 1].h.priority > c->handlers[i].priority) {
                        f->handlers[at].h = f->handlers[at - 1].h;
                        f->handlers[at].index = f->handlers[at - 1].index;
                        at--;
                }
                f->handlers[at].h = c->handlers[i];
                f->handlers[at].index = i;
        }
}

enum healer_err healer_fallback_create(const struct healer_fallback_config *config,
                                       struct healer_fallback **out)
{
        struct healer_fallback_config c = healer_fallback_config_defaults();
        struct healer_bulkhead_config bulkhead = healer_bulkhead_config_defaults();
        struct healer_fallback *f;
        enum healer_err err;

        *out = NULL;
        err = hlr_config_copy(&c, sizeof(c), config, sizeof(c));
        if (err != HEALER_OK)
                return err;
        if (healer_fallback_config_check(&c))
                return HEALER_E_RANGE;
        f = hlr_alloc(c.allocator, sizeof(*f) + c.handler_count * sizeof(struct handler));
        if (!f)
                return HEALER_E_NOMEM;
        f->c = c;
        f->shared = c.threads == HEALER_THREADS_MANY;
        sort_in(f, &c);
        f->c.handlers = NULL;
        bulkhead.threads = c.threads;
        bulkhead.allocator = c.allocator;
        for (uint32_t i = 0; i < c.handler_count && err == HEALER_OK; i++) {
                bulkhead.max_concurrent = f->handlers[i].h.max_concurrent;
                err = healer_bulkhead_create(&bulkhead, &f->handlers[i].bulkhead);
        }
        if (err != HEALER_OK) {
                healer_fallback_destroy(f);
                return err;
        }
        *out = f;
        return HEALER_OK;
}

void healer_fallback_destroy(struct healer_fallback *f)
{
        if (!f)
                return;
        for (uint32_t i = 0; i < f->c.handler_count; i++)
                healer_bulkhead_destroy(f->handlers[i].bulkhead);
        hlr_free(f->c.allocator, f);
}

static enum healer_fallback_outcome ask(struct healer_fallback *f, struct handler *handler,
                                        const struct healer_fallback_call *outer, void **value)
{
        struct healer_fallback_call call = *outer;
        int64_t started = f->c.now ? f->c.now(f->c.now_ctx) : 0;
        bool ok;

        if (!handler->h.call ||
            (handler->h.can_handle && !handler->h.can_handle(handler->h.ctx, &call)))
                return HEALER_FALLBACK_MISSING;
        if (f->c.now) {
                if (started >= call.deadline_ns)
                        return HEALER_FALLBACK_FAILED;
                call.deadline_ns = hlr_min(call.deadline_ns,
                                           hlr_add(started, handler->h.time_limit_ns));
        }
        if (healer_bulkhead_enter(handler->bulkhead, NULL, started) != HEALER_BULKHEAD_OK)
                return HEALER_FALLBACK_REFUSED;
        ok = handler->h.call(handler->h.ctx, &call, value);
        healer_bulkhead_leave(handler->bulkhead);
        if (!ok || (f->c.now && f->c.now(f->c.now_ctx) > call.deadline_ns)) {
                *value = NULL;
                return HEALER_FALLBACK_FAILED;
        }
        return HEALER_FALLBACK_SUCCESS;
}

struct healer_fallback_result healer_fallback_run(struct healer_fallback *f,
                                                  const struct healer_fallback_call *call)
{
        struct healer_fallback_result result = {
                .outcome = HEALER_FALLBACK_MISSING,
                .handler = UINT32_MAX,
                .name = "",
                .level = call->level,
        };

        for (uint32_t i = 0; i < f->c.handler_count; i++) {
                struct handler *handler = &f->handlers[i];
                enum healer_fallback_outcome outcome = ask(f, handler, call, &result.value);

                hlr_count(&handler->outcomes[outcome], 1, f->shared);
                if (outcome == HEALER_FALLBACK_MISSING)
                        continue;
                result.outcome = outcome;
                result.handler = handler->index;
                result.name = handler->h.name;
                result.tried++;
                if (outcome == HEALER_FALLBACK_SUCCESS || !f->c.cascade)
                        break;
        }
        return result;
}

uint64_t healer_fallback_count(const struct healer_fallback *f, uint32_t index,
                               enum healer_fallback_outcome outcome)
{
        for (uint32_t i = 0; i < f->c.handler_count; i++)
                if (f->handlers[i].index == index &&
                    (unsigned)outcome < HEALER_FALLBACK_OUTCOME_COUNT)
                        return hlr_load(&f->handlers[i].outcomes[outcome]);
        return 0;
}
