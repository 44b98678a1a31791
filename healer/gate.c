/* gate.c - who comes in when: every call on a healer from outside.
 *
 * One lock, held for as long as a call thinks and never while it calls back: what
 * a tick says and orders is moved out first, and handed on by one thread at a
 * time, in order. Another thread that ticks meanwhile leaves what it has to that
 * thread. So actions may take their time, other threads may go on feeding
 * samples, and a callback that calls back in is told HEALER_E_BUSY instead of
 * tangling the healer; it may look (stats, health, effect).
 *
 * Cost: a lock that nobody waits for, about 20 ns a call.
 */
#include "healer/healer.h"

#include "healer/hlr_supervisor.h"

#include <string.h>

/* False: from inside a callback of this very healer. */
static bool enter(struct healer *healer)
{
        (void)pthread_mutex_lock(&healer->lock);
        if ((!healer->handing_on || !pthread_equal(healer->hands, pthread_self())) &&
            (!healer->reading || !pthread_equal(healer->reader, pthread_self())))
                return true;
        (void)pthread_mutex_unlock(&healer->lock);
        return false;
}

static enum healer_err leave(struct healer *healer, enum healer_err err)
{
        (void)pthread_mutex_unlock(&healer->lock);
        return err;
}

static void hand_out(const struct healer *healer, const struct healer_handler *handlers,
                     uint32_t handler_count, const struct healer_notice *notice)
{
        uint32_t i;

        if (healer->callbacks.note != NULL)
                healer->callbacks.note(healer->callbacks.user, notice);
        for (i = 0; i < handler_count; i++) {
                if (handlers[i].kinds == 0 || (handlers[i].kinds >> notice->kind & 1) != 0)
                        handlers[i].note(handlers[i].user, notice);
        }
}

static void call_back(struct healer *healer, const struct healer_handler *handlers,
                      uint32_t handler_count, uint32_t notices, uint32_t orders)
{
        uint32_t i;

        for (i = 0; i < notices; i++)
                hand_out(healer, handlers, handler_count, &healer->notices_out[i]);
        for (i = 0; healer->callbacks.act != NULL && i < orders; i++)
                healer->callbacks.act(healer->callbacks.user, &healer->orders_out[i]);
}

/* With the lock held, which is let go meanwhile. */
static void hand_on(struct healer *healer)
{
        struct healer_handler handlers[HEALER_HANDLERS_MAX]; /* others may come and go meanwhile */
        uint32_t notices, orders, handler_count;

        if (healer->handing_on)
                return;
        healer->handing_on = true;
        healer->hands = pthread_self();
        while (healer->notice_count + healer->order_count > 0) {
                notices = healer->notice_count;
                orders = healer->order_count;
                handler_count = healer->handler_count;
                memcpy(handlers, healer->handlers, sizeof(handlers));
                memcpy(healer->notices_out, healer->notices, notices * sizeof(healer->notices[0]));
                memcpy(healer->orders_out, healer->orders, orders * sizeof(healer->orders[0]));
                healer->notice_count = 0;
                healer->order_count = 0;
                (void)pthread_mutex_unlock(&healer->lock);
                call_back(healer, handlers, handler_count, notices, orders);
                (void)pthread_mutex_lock(&healer->lock);
        }
        healer->handing_on = false;
}

/* With the lock held, which is let go while somebody reads. One thread reads at a
 * time, and a monitor that is being read is not due. */
static void read_monitors(struct healer *healer, int64_t now_ns)
{
        struct healer_monitor_info info;
        double value;
        uint32_t i;

        if (healer->reading || !healer->config.enabled)
                return;
        now_ns = hlr_max(now_ns, healer->now_ns);
        healer->reading = true;
        healer->reader = pthread_self();
        while ((i = hlr_monitor_due(healer, now_ns)) != HEALER_NONE) {
                info = healer->monitors[i].info;
                (void)pthread_mutex_unlock(&healer->lock);
                value = NAN;
                if (!info.read(info.user, &value))
                        value = NAN;
                (void)pthread_mutex_lock(&healer->lock);
                (void)hlr_observe_monitor(healer, now_ns, i, value);
        }
        healer->reading = false;
}

enum healer_err healer_tick(struct healer *healer, int64_t now_ns, int64_t *next_ns)
{
        enum healer_err err;

        if (!enter(healer))
                return HEALER_E_BUSY;
        read_monitors(healer, now_ns);
        err = hlr_tick(healer, now_ns, next_ns);
        hand_on(healer);
        return leave(healer, err);
}

/* ---- telling it */

enum healer_err healer_observe_instance(struct healer *healer, int64_t at_ns,
                                        const struct healer_instance_sample *sample)
{
        if (!enter(healer))
                return HEALER_E_BUSY;
        return leave(healer, hlr_observe_instance(healer, at_ns, sample));
}

enum healer_err healer_observe_edge(struct healer *healer, int64_t at_ns,
                                    const struct healer_edge_sample *sample)
{
        if (!enter(healer))
                return HEALER_E_BUSY;
        return leave(healer, hlr_observe_edge(healer, at_ns, sample));
}

enum healer_err healer_observe_custom(struct healer *healer, int64_t at_ns, uint32_t service,
                                      double value)
{
        if (!enter(healer))
                return HEALER_E_BUSY;
        return leave(healer, hlr_observe_custom(healer, at_ns, service, value));
}

enum healer_err healer_observe_event(struct healer *healer, const struct healer_occurrence *event)
{
        if (!enter(healer))
                return HEALER_E_BUSY;
        return leave(healer, hlr_observe_event(healer, event));
}

enum healer_err healer_observe_breaker(struct healer *healer, uint32_t edge, bool keeps_off)
{
        if (!enter(healer))
                return HEALER_E_BUSY;
        return leave(healer, hlr_observe_breaker(healer, edge, keeps_off));
}

enum healer_err healer_observe_result(struct healer *healer, int64_t at_ns,
                                      const struct healer_result *result)
{
        if (!enter(healer))
                return HEALER_E_BUSY;
        return leave(healer, hlr_observe_result(healer, at_ns, result));
}

/* ---- what the caller adds */

enum healer_err healer_register_monitor(struct healer *healer,
                                        const struct healer_monitor_info *info, uint32_t *index)
{
        if (!enter(healer))
                return HEALER_E_BUSY;
        return leave(healer, hlr_register_monitor(healer, info, index));
}

enum healer_err healer_observe_monitor(struct healer *healer, int64_t at_ns, uint32_t index,
                                       double value)
{
        if (!enter(healer))
                return HEALER_E_BUSY;
        return leave(healer, hlr_observe_monitor(healer, at_ns, index, value));
}

static uint32_t find_handler(const struct healer *healer, const struct healer_handler *handler)
{
        uint32_t i;

        for (i = 0; i < healer->handler_count; i++) {
                if (healer->handlers[i].note == handler->note &&
                    healer->handlers[i].user == handler->user)
                        break;
        }
        return i;
}

enum healer_err healer_add_handler(struct healer *healer, const struct healer_handler *handler)
{
        if (handler->note == NULL)
                return HEALER_E_RANGE;
        if (!enter(healer))
                return HEALER_E_BUSY;
        if (find_handler(healer, handler) < healer->handler_count)
                return leave(healer, HEALER_E_EXISTS);
        if (healer->handler_count == HEALER_HANDLERS_MAX)
                return leave(healer, HEALER_E_FULL);
        healer->handlers[healer->handler_count++] = *handler;
        return leave(healer, HEALER_OK);
}

enum healer_err healer_remove_handler(struct healer *healer, const struct healer_handler *handler)
{
        uint32_t i;

        if (!enter(healer))
                return HEALER_E_BUSY;
        i = find_handler(healer, handler);
        if (i == healer->handler_count)
                return leave(healer, HEALER_E_NOT_FOUND);
        healer->handler_count--;
        for (; i < healer->handler_count; i++)
                healer->handlers[i] = healer->handlers[i + 1];
        return leave(healer, HEALER_OK);
}

enum healer_err healer_report(struct healer *healer, int64_t at_ns, uint32_t service,
                              uint32_t instance, const struct healer_failure_seen *failure,
                              int64_t stands_ns)
{
        if (!enter(healer))
                return HEALER_E_BUSY;
        return leave(healer, hlr_report(healer, at_ns, service, instance, failure, stands_ns));
}

enum healer_err healer_unreport(struct healer *healer, uint32_t service,
                                enum healer_failure failure)
{
        if (!enter(healer))
                return HEALER_E_BUSY;
        return leave(healer, hlr_unreport(healer, service, failure));
}

enum healer_err healer_set_enabled(struct healer *healer, bool enabled)
{
        if (!enter(healer))
                return HEALER_E_BUSY;
        healer->config.enabled = enabled;
        healer->told = true;
        return leave(healer, HEALER_OK);
}

/* ---- hands on */

enum healer_err healer_approve(struct healer *healer, uint64_t episode, const char *who)
{
        if (!enter(healer))
                return HEALER_E_BUSY;
        return leave(healer, hlr_answer(healer, episode, who, true));
}

enum healer_err healer_reject(struct healer *healer, uint64_t episode, const char *who)
{
        if (!enter(healer))
                return HEALER_E_BUSY;
        return leave(healer, hlr_answer(healer, episode, who, false));
}

enum healer_err healer_close_episode(struct healer *healer, uint64_t episode)
{
        if (!enter(healer))
                return HEALER_E_BUSY;
        return leave(healer, hlr_close_episode(healer, episode));
}

enum healer_err healer_register_strategy(struct healer *healer, enum healer_failure failure,
                                         const struct healer_ladder *ladder)
{
        if (!enter(healer))
                return HEALER_E_BUSY;
        return leave(healer, hlr_register_strategy(healer, failure, ladder));
}

enum healer_err healer_set_analytics(struct healer *healer, struct healer_analytics *analytics)
{
        if (!enter(healer))
                return HEALER_E_BUSY;
        healer->analytics = analytics;
        return leave(healer, HEALER_OK);
}

/* ---- looking, also from inside a callback; the lock is not part of what is looked at */

static pthread_mutex_t *lock_of(const struct healer *healer)
{
        return (pthread_mutex_t *)(uintptr_t)&healer->lock;
}

struct healer_stats healer_stats(const struct healer *healer)
{
        struct healer_stats stats;

        (void)pthread_mutex_lock(lock_of(healer));
        stats = hlr_stats(healer);
        (void)pthread_mutex_unlock(lock_of(healer));
        return stats;
}

enum healer_err healer_escalation_of(const struct healer *healer, uint64_t episode,
                                     struct healer_escalation *out, char *text, size_t size)
{
        enum healer_err err;

        (void)pthread_mutex_lock(lock_of(healer));
        err = hlr_escalation_of(healer, episode, out, text, size);
        (void)pthread_mutex_unlock(lock_of(healer));
        return err;
}

struct healer_health_report healer_health_of(const struct healer *healer, uint32_t service)
{
        struct healer_health_report report;

        (void)pthread_mutex_lock(lock_of(healer));
        report = hlr_health_of(healer, service);
        (void)pthread_mutex_unlock(lock_of(healer));
        return report;
}

enum healer_err healer_monitor_state(const struct healer *healer, uint32_t index,
                                     struct healer_monitor_state *out)
{
        enum healer_err err;

        (void)pthread_mutex_lock(lock_of(healer));
        err = hlr_monitor_state(healer, index, out);
        (void)pthread_mutex_unlock(lock_of(healer));
        return err;
}

uint32_t healer_health_history(const struct healer *healer, uint32_t service,
                               struct healer_health_point *out, uint32_t count_max)
{
        uint32_t count;

        (void)pthread_mutex_lock(lock_of(healer));
        count = hlr_health_history(healer, service, out, count_max);
        (void)pthread_mutex_unlock(lock_of(healer));
        return count;
}

void healer_overview(const struct healer *healer, struct healer_overview *out)
{
        (void)pthread_mutex_lock(lock_of(healer));
        hlr_overview(healer, out);
        (void)pthread_mutex_unlock(lock_of(healer));
}

struct healer_effect healer_effect(const struct healer *healer, enum healer_failure failure,
                                   enum healer_action_kind action)
{
        struct healer_effect effect;

        (void)pthread_mutex_lock(lock_of(healer));
        effect = hlr_effect(healer, failure, action);
        (void)pthread_mutex_unlock(lock_of(healer));
        return effect;
}

struct healer_effect healer_effect_in(const struct healer *healer, enum healer_context context,
                                      enum healer_failure failure, enum healer_action_kind action)
{
        struct healer_effect effect;

        (void)pthread_mutex_lock(lock_of(healer));
        effect = hlr_effect_in(healer, context, failure, action);
        (void)pthread_mutex_unlock(lock_of(healer));
        return effect;
}

struct healer_outlook healer_outlook_of(const struct healer *healer, uint32_t service)
{
        struct healer_outlook outlook;

        (void)pthread_mutex_lock(lock_of(healer));
        outlook = hlr_outlook_of(healer, service);
        (void)pthread_mutex_unlock(lock_of(healer));
        return outlook;
}

void healer_features_of(const struct healer *healer, uint32_t instance,
                        double features[HEALER_FEATURE_COUNT])
{
        memset(features, 0, HEALER_FEATURE_COUNT * sizeof(*features));
        (void)pthread_mutex_lock(lock_of(healer));
        if (instance < healer->instance_count)
                hlr_features(healer, instance, features);
        (void)pthread_mutex_unlock(lock_of(healer));
}

struct healer_tally healer_prediction_day(const struct healer *healer, int64_t at_ns,
                                          enum healer_source source)
{
        struct healer_tally tally;

        (void)pthread_mutex_lock(lock_of(healer));
        tally = hlr_prediction_day(healer, at_ns, source);
        (void)pthread_mutex_unlock(lock_of(healer));
        return tally;
}

void healer_export(const struct healer *healer, struct healer_learned *out)
{
        (void)pthread_mutex_lock(lock_of(healer));
        hlr_export(healer, out);
        (void)pthread_mutex_unlock(lock_of(healer));
}

void healer_open_export(const struct healer *healer, struct healer_open *out)
{
        (void)pthread_mutex_lock(lock_of(healer));
        hlr_open_export(healer, out);
        (void)pthread_mutex_unlock(lock_of(healer));
}

/* ---- what is known from elsewhere */

enum healer_err healer_open_import(struct healer *healer, int64_t now_ns,
                                   const struct healer_open *open)
{
        if (!enter(healer))
                return HEALER_E_BUSY;
        return leave(healer, hlr_open_import(healer, now_ns, open));
}

enum healer_err healer_prediction_outcome(struct healer *healer, uint64_t prediction,
                                          bool came_true)
{
        if (!enter(healer))
                return HEALER_E_BUSY;
        return leave(healer, hlr_prediction_outcome(healer, prediction, came_true));
}

enum healer_err healer_import(struct healer *healer, const struct healer_learned *learned)
{
        if (!enter(healer))
                return HEALER_E_BUSY;
        return leave(healer, hlr_import(healer, learned));
}
