/* healer/notify/notify.h - escalations to a chat or a pager, as an HTTP POST.
 *
 *     escalator --> handler: a queue ... pump (another thread) --> POST, again if need be
 *
 * A library beside libhealer (pkg-config healer-notify, libcurl). A channel has a
 * URL and a form; healer_notifier_handler() is the handler that an escalator
 * (healer/escalate.h) calls, and only puts the message into a bounded queue. The
 * posting is done by healer_notifier_pump(), from a thread that may wait: one try
 * takes at most `timeout_ns`, a message at most `attempts_max` tries with waits
 * that double, and all channels together at most `per_minute_max` tries a minute.
 *
 * An incident is told once on a channel, and once more when it goes a level up;
 * whoever raises it again is told that it was taken, and nothing is sent. What is
 * given up is counted, and `say` is told why. Neither the words nor the counts
 * ever hold a URL or a token, redirects are not followed, and no proxy, cookie or
 * password file is looked for.
 *
 *     chat    {"text": "[critical] orders: disk_full: free_disk failed twice (incident 7)"}
 *     pager   {"event_action": "trigger", "dedup_key": "healer-7", "payload": {"summary": ...,
 *              "severity": ..., "source": "orders", "custom_details": {...}}}
 *
 * Names and words may be any bytes: what is not UTF-8, controls, and marks that turn the direction of
 * writing are '?'. In a chat '@', '<' and '>' are characters that only look like them, so that no
 * text mentions a person or hides where a link leads.
 *
 * The time is the caller's, and is not part of a message but as it was raised.
 * Threads: handlers from any, pump from one at a time.
 */
#ifndef HEALER_NOTIFY_NOTIFY_H
#define HEALER_NOTIFY_NOTIFY_H

#include "healer/escalate.h"

HEALER_BEGIN_DECLS

enum healer_notify_form { HEALER_NOTIFY_CHAT, HEALER_NOTIFY_PAGER, HEALER_NOTIFY_FORM_COUNT };

HEALER_API extern const char *const healer_notify_forms[HEALER_NOTIFY_FORM_COUNT];

struct healer_notifier_config {
        uint32_t size;
        uint32_t queue_max;      /* messages that may wait, 1..4096; default 64 */
        uint32_t attempts_max;   /* of one message, 1..10; default 3 */
        uint32_t per_minute_max; /* tries of all channels, 1..10000; default 30 */
        int64_t timeout_ns;      /* of a try, 1 ms..60 s; default 5 s */
        int64_t wait_first_ns;   /* before the second try, > 0; doubles; default 2 s */
        void (*say)(void *ctx, const char *line); /* what was given up, and why; may be NULL */
        void *say_ctx;
        const struct healer_allocator *allocator;
};

struct healer_notifier;
struct healer_notify_channel; /* a handler's ctx */

HEALER_API struct healer_notifier_config healer_notifier_config_defaults(void);
HEALER_API const char *healer_notifier_config_check(const struct healer_notifier_config *config);
HEALER_API HEALER_NODISCARD enum healer_err
healer_notifier_create(const struct healer_notifier_config *config, struct healer_notifier **out);
/* What waits is not sent. */
HEALER_API void healer_notifier_destroy(struct healer_notifier *notifier);

/* A channel (at most HEALER_CHANNELS_MAX). `url` (http or https, up to 1023 bytes)
 * and `token` (sent as a bearer's; may be NULL, up to 255 bytes) are copied.
 * HEALER_E_RANGE: a name, form, url or token that cannot be. */
HEALER_API enum healer_err healer_notifier_channel(struct healer_notifier *notifier,
                                                   const char *name, enum healer_notify_form form,
                                                   const char *url, const char *token,
                                                   struct healer_notify_channel **out);

/* The handler for healer_escalator_channel(), with a channel as its ctx. False: the queue
 * is full. */
HEALER_API bool healer_notifier_handler(void *channel, const struct healer_escalation *escalation);

/* Sends what is due. `*next_ns`: when to call again; HEALER_NEVER: nothing waits. */
HEALER_API enum healer_err healer_notifier_pump(struct healer_notifier *notifier, int64_t now_ns,
                                                int64_t *next_ns);

struct healer_notifier_stats {
        uint64_t queued, delivered, failed; /* messages; failed: given up */
        uint64_t duplicates, dropped;       /* dropped: the queue was full */
        uint64_t tries, limited;            /* limited: a try that waited for its minute */
        uint32_t waiting;
};

HEALER_API struct healer_notifier_stats healer_notifier_stats(struct healer_notifier *notifier);

HEALER_END_DECLS

#endif
