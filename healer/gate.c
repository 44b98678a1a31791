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
        if (!healer->handing_on || !pthread_equal(healer->hands, pthread_self()))
                return true;
        (void)pthread_mutex_unlock(&healer->lock);
        return false;
}

static enum healer_err leave(struct healer *healer, enum healer_err err)
{
        (void)pthread_mutex_unlock(&healer->lock);
        return err;
}

static void call_back(struct healer *healer, uint32_t notices, uint32_t orders)
{
        uint32_t i;

        for (i = 0; healer->callbacks.note != NULL && i < notices; i++)
                healer->callbacks.note(healer->callbacks.user, &healer->notices_out[i]);
        for (i = 0; healer->callbacks.act != NULL && i < orders; i++)
                healer->callbacks.act(healer->callbacks.user, &healer->orders_out[i]);
}

/* With the lock held, which is let go meanwhile. */
static void hand_on(struct healer *healer)
{
        uint32_t notices, orders;

        if (healer->handing_on)
                return;
        healer->handing_on = true;
        healer->hands = pthread_self();
        while (healer->notice_count + healer->order_count > 0) {
                notices = healer->notice_count;
                orders = healer->order_count;
                memcpy(healer->notices_out, healer->notices, notices * sizeof(healer->notices[0]));
                memcpy(healer->orders_out, healer->orders, orders * sizeof(healer->orders[0]));
                healer->notice_count = 0;
                healer->order_count = 0;
                (void)pthread_mutex_unlock(&healer->lock);
                call_back(healer, notices, orders);
                (void)pthread_mutex_lock(&healer->lock);
        }
        healer->handing_on = false;
}

enum healer_err healer_tick(struct healer *healer, int64_t now_ns, int64_t *next_ns)
{
        enum healer_err err;

        if (!enter(healer))
                return HEALER_E_BUSY;
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

struct healer_health_report healer_health_of(const struct healer *healer, uint32_t service)
{
        struct healer_health_report report;

        (void)pthread_mutex_lock(lock_of(healer));
        report = hlr_health_of(healer, service);
        (void)pthread_mutex_unlock(lock_of(healer));
        return report;
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
