/* notify.c - a queue of messages, and posting them with libcurl.
 *
 * One easy handle is made for each try and given back, so that nothing of one
 * message (a header with a token) can reach another. A try that the server may
 * not have understood (no connection, 408, 429, 5xx) is made again, one that it
 * refused (other 4xx, a redirect) is not: it would be refused again.
 *
 * The queue is locked for a copy, never while posting. Messages of a channel may
 * overtake one another when one of them has to wait; each says when it was
 * raised.
 */
#include "healer/notify/notify.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000000)
#define MILLISECOND INT64_C(1000000)

enum { SEEN_MAX = 1024, BODY_MAX = 1536, MINUTE_MAX = 10000 };

struct healer_notify_channel {
        struct healer_notifier *notifier;
        char name[48], url[1024], token[256];
        enum healer_notify_form form;
};

struct message {
        bool used;
        uint32_t channel, attempts;
        int64_t due_ns;
        char body[BODY_MAX];
};

struct seen {
        uint64_t key;
        uint32_t channel;
        bool overdue, used;
};

struct healer_notifier {
        struct healer_notifier_config config;
        pthread_mutex_t lock;
        struct healer_notify_channel channels[HEALER_CHANNELS_MAX];
        uint32_t channel_count;
        struct seen seen[SEEN_MAX]; /* a ring: the oldest is forgotten */
        uint64_t seen_count;
        struct healer_notifier_stats stats;
        int64_t tried_ns[MINUTE_MAX]; /* a ring of the last tries */
        uint64_t tried_count;
        struct message queue[];
};

const char *const healer_notify_forms[HEALER_NOTIFY_FORM_COUNT] = {"chat", "pager"};

/* ---- life */

struct healer_notifier_config healer_notifier_config_defaults(void)
{
        return (struct healer_notifier_config){.size = sizeof(struct healer_notifier_config),
                                               .queue_max = 64,
                                               .attempts_max = 3,
                                               .per_minute_max = 30,
                                               .timeout_ns = 5 * SECOND,
                                               .wait_first_ns = 2 * SECOND};
}

const char *healer_notifier_config_check(const struct healer_notifier_config *config)
{
        if (config->queue_max < 1 || config->queue_max > 4096)
                return "queue_max: must be 1..4096";
        if (config->attempts_max < 1 || config->attempts_max > 10)
                return "attempts_max: must be 1..10";
        if (config->per_minute_max < 1 || config->per_minute_max > MINUTE_MAX)
                return "per_minute_max: must be 1..10000";
        if (config->timeout_ns < MILLISECOND || config->timeout_ns > 60 * SECOND)
                return "timeout_ns: must be 1 ms..60 s";
        if (config->wait_first_ns <= 0 || config->wait_first_ns > 3600 * SECOND)
                return "wait_first_ns: must be > 0 and at most 3600 s";
        return NULL;
}

enum healer_err healer_notifier_create(const struct healer_notifier_config *config,
                                       struct healer_notifier **out)
{
        struct healer_notifier *notifier;
        size_t bytes;

        *out = NULL;
        if (config->size != sizeof(*config))
                return HEALER_E_SIZE;
        if (healer_notifier_config_check(config) != NULL)
                return HEALER_E_RANGE;
        if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
                return HEALER_E_NOMEM;
        bytes = sizeof(*notifier) + config->queue_max * sizeof(struct message);
        notifier = config->allocator == NULL
                           ? malloc(bytes)
                           : config->allocator->alloc(config->allocator->ctx, bytes);
        if (notifier == NULL) {
                curl_global_cleanup();
                return HEALER_E_NOMEM;
        }
        memset(notifier, 0, bytes);
        notifier->config = *config;
        (void)pthread_mutex_init(&notifier->lock, NULL);
        *out = notifier;
        return HEALER_OK;
}

void healer_notifier_destroy(struct healer_notifier *notifier)
{
        const struct healer_allocator *allocator;

        if (notifier == NULL)
                return;
        allocator = notifier->config.allocator;
        (void)pthread_mutex_destroy(&notifier->lock);
        memset(notifier->channels, 0, sizeof(notifier->channels));
        if (allocator == NULL)
                free(notifier);
        else
                allocator->release(allocator->ctx, notifier);
        curl_global_cleanup();
}

/* Printable ASCII without spaces: nothing that could end a header or a line. */
static bool is_plain(const char *text)
{
        for (; *text != '\0'; text++) {
                if (*text <= ' ' || *text > '~')
                        return false;
        }
        return true;
}

enum healer_err healer_notifier_channel(struct healer_notifier *notifier, const char *name,
                                        enum healer_notify_form form, const char *url,
                                        const char *token, struct healer_notify_channel **out)
{
        struct healer_notify_channel *channel;

        *out = NULL;
        if (name == NULL || name[0] == '\0' || strlen(name) >= sizeof(channel->name) ||
            (unsigned)form >= HEALER_NOTIFY_FORM_COUNT || url == NULL ||
            strlen(url) >= sizeof(channel->url) || !is_plain(url) ||
            (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0) ||
            (token != NULL && (strlen(token) >= sizeof(channel->token) || !is_plain(token))))
                return HEALER_E_RANGE;
        (void)pthread_mutex_lock(&notifier->lock);
        if (notifier->channel_count < HEALER_CHANNELS_MAX) {
                channel = &notifier->channels[notifier->channel_count++];
                channel->notifier = notifier;
                channel->form = form;
                strcpy(channel->name, name);
                strcpy(channel->url, url);
                strcpy(channel->token, token == NULL ? "" : token);
                *out = channel;
        }
        (void)pthread_mutex_unlock(&notifier->lock);
        return *out == NULL ? HEALER_E_FULL : HEALER_OK;
}

/* ---- words */

/* The bytes of the character at `at`, 0 when it is none (RFC 3629) or should be in no message:
 * controls (also U+0080 to U+009F), and marks that turn the direction of writing. */
static size_t character_length(const unsigned char *at)
{
        size_t length = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : at[0] >= 0x80 ? 2 : 1;
        size_t i;

        if (length == 1)
                return at[0] >= 0x20 && at[0] != 0x7f;
        if (at[0] < 0xc2 || at[0] > 0xf4)
                return 0;
        for (i = 1; i < length; i++) {
                if ((at[i] & 0xc0) != 0x80)
                        return 0;
        }
        switch (at[0]) {
        case 0xc2:
                return at[1] >= 0xa0 ? length : 0;
        case 0xd8:
                return at[1] != 0x9c ? length : 0;
        case 0xe0:
                return at[1] >= 0xa0 ? length : 0;
        case 0xe2:
                if (at[1] == 0x80 && (at[2] == 0x8e || at[2] == 0x8f || (at[2] >= 0xa8 && at[2] <= 0xae)))
                        return 0;
                return at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9 ? 0 : length;
        case 0xed:
                return at[1] < 0xa0 ? length : 0;
        case 0xef: /* no width, notes between lines, and no character at all */
                return (at[1] == 0xbb && at[2] == 0xbf) || (at[1] == 0xbf && at[2] >= 0xb9) ? 0 : length;
        case 0xf3: /* tags, which nobody sees */
                return at[1] == 0xa0 && at[2] <= 0x81 ? 0 : length;
        case 0xf0:
                return at[1] >= 0x90 ? length : 0;
        case 0xf4:
                return at[1] < 0x90 ? length : 0;
        default:
                return length;
        }
}

/* What chats take for a mention of everybody ("@here", "<!channel>") or a link with words of its
 * own, as what looks the same and is neither; else NULL. */
static const char *disarmed(const char *at, char before)
{
        switch (*at) {
        case '@':
                return "\xef\xbc\xa0";
        case '<':
                return "\xe2\x80\xb9";
        case '>':
                return "\xe2\x80\xba";
        case '(':
                return before == ']' ? " (" : NULL;
        default:
                return NULL;
        }
}

/* Text as the inside of a JSON string. Where there is no room it ends at a whole character. */
static void add_json(char *out, size_t room, enum healer_notify_form form, const char *text)
{
        size_t used = strlen(out), count, length;
        char before = '\0', escaped[2] = {'\\', '\0'};
        const char *as;

        for (; text != NULL && *text != '\0'; text += count == 0 ? 1 : count) {
                count = character_length((const unsigned char *)text);
                length = count == 0 ? 1 : count;
                as = count == 0 ? (*text == '\n' || *text == '\t' ? " " : "?") : text;
                if (form == HEALER_NOTIFY_CHAT && disarmed(text, before) != NULL) {
                        as = disarmed(text, before);
                        length = strlen(as);
                } else if (*text == '"' || *text == '\\') {
                        escaped[1] = *text;
                        as = escaped;
                        length = 2;
                }
                if (used + length >= room)
                        break;
                memcpy(out + used, as, length);
                used += length;
                before = *text;
        }
        out[used] = '\0';
}

static void write_body(enum healer_notify_form form, const struct healer_escalation *e, char *body)
{
        const char *level = healer_escalation_names[e->level];
        char component[301] = "", source[101] = "", words[600] = "", summary[1100];

        add_json(component, sizeof(component), form, e->component);
        add_json(source, sizeof(source), form, e->component);
        add_json(words, sizeof(words), form, e->context);
        snprintf(summary, sizeof(summary), "[%s] %s: %s%s%s (incident %llu%s)", level, component,
                 healer_failures[e->failure].name, words[0] != '\0' ? ": " : "", words,
                 (unsigned long long)e->key, e->overdue ? ", nobody has answered" : "");
        if (form == HEALER_NOTIFY_CHAT)
                snprintf(body, BODY_MAX, "{\"text\": \"%s\"}", summary);
        else
                snprintf(body, BODY_MAX,
                         "{\"event_action\": \"trigger\", \"dedup_key\": \"healer-%llu\", \"payload\": "
                         "{\"summary\": \"%s\", \"severity\": \"%s\", \"source\": \"%s\", "
                         "\"custom_details\": {\"raised_ns\": %lld, \"manual\": %s}}}",
                         (unsigned long long)e->key, summary,
                         e->level == HEALER_ESCALATION_WARNING ? "warning" : "critical", source,
                         (long long)e->raised_ns, e->manual ? "true" : "false");
}

/* ---- into the queue */

static bool was_told(struct healer_notifier *notifier, uint32_t channel,
                     const struct healer_escalation *e)
{
        uint32_t i;

        for (i = 0; i < SEEN_MAX; i++) {
                if (notifier->seen[i].used && notifier->seen[i].key == e->key &&
                    notifier->seen[i].channel == channel && notifier->seen[i].overdue == e->overdue)
                        return true;
        }
        return false;
}

static struct message *a_place(struct healer_notifier *notifier)
{
        uint32_t i;

        for (i = 0; i < notifier->config.queue_max; i++) {
                if (!notifier->queue[i].used)
                        return &notifier->queue[i];
        }
        return NULL;
}

static bool enqueue(struct healer_notifier *notifier, uint32_t number,
                    const struct healer_escalation *e)
{
        struct message *message;

        if (was_told(notifier, number, e)) {
                notifier->stats.duplicates++;
                return true;
        }
        message = a_place(notifier);
        if (message == NULL) {
                notifier->stats.dropped++;
                return false;
        }
        message->used = true;
        message->channel = number;
        message->attempts = 0;
        message->due_ns = INT64_MIN;
        write_body(notifier->channels[number].form, e, message->body);
        notifier->stats.queued++;
        notifier->seen[notifier->seen_count++ % SEEN_MAX] =
                (struct seen){.key = e->key, .channel = number, .overdue = e->overdue, .used = true};
        return true;
}

bool healer_notifier_handler(void *ctx, const struct healer_escalation *escalation)
{
        struct healer_notify_channel *channel = ctx;
        struct healer_notifier *notifier = channel->notifier;
        bool taken;

        if (escalation->level >= HEALER_ESCALATION_LEVEL_COUNT ||
            escalation->failure >= HEALER_FAILURE_COUNT)
                return false;
        (void)pthread_mutex_lock(&notifier->lock);
        taken = enqueue(notifier, (uint32_t)(channel - notifier->channels), escalation);
        (void)pthread_mutex_unlock(&notifier->lock);
        return taken;
}

/* ---- posting */

static size_t swallow(char *bytes, size_t size, size_t count, void *user)
{
        (void)bytes;
        (void)user;
        return size * count;
}

static CURLcode set_up(CURL *curl, const struct healer_notifier *notifier,
                       const struct healer_notify_channel *channel, struct curl_slist *headers,
                       const char *body)
{
        long timeout_ms = (long)(notifier->config.timeout_ns / MILLISECOND);
        CURLcode code = curl_easy_setopt(curl, CURLOPT_URL, channel->url);

#define SET(option, value)                                                                       \
        do {                                                                                     \
                if (code == CURLE_OK)                                                            \
                        code = curl_easy_setopt(curl, option, value);                            \
        } while (0)
        SET(CURLOPT_PROTOCOLS_STR, "http,https");
        SET(CURLOPT_POSTFIELDS, body);
        SET(CURLOPT_HTTPHEADER, headers);
        SET(CURLOPT_TIMEOUT_MS, timeout_ms);
        SET(CURLOPT_CONNECTTIMEOUT_MS, timeout_ms);
        SET(CURLOPT_NOSIGNAL, 1L);
        SET(CURLOPT_FOLLOWLOCATION, 0L);
        SET(CURLOPT_PROXY, "");
        SET(CURLOPT_WRITEFUNCTION, swallow);
#undef SET
        return code;
}

static bool add_header(struct curl_slist **headers, const char *line)
{
        struct curl_slist *longer = curl_slist_append(*headers, line);

        if (longer != NULL)
                *headers = longer;
        return longer != NULL;
}

/* NULL: delivered. Else why not; `*again`: worth another try. */
static const char *post(const struct healer_notifier *notifier,
                        const struct healer_notify_channel *channel, const char *body, bool *again,
                        char why[80])
{
        struct curl_slist *headers = NULL;
        char line[320];
        CURL *curl = curl_easy_init();
        CURLcode code = CURLE_OUT_OF_MEMORY;
        long status = 0;

        *again = true;
        snprintf(line, sizeof(line), "Authorization: Bearer %s", channel->token);
        if (curl != NULL && add_header(&headers, "Content-Type: application/json") &&
            add_header(&headers, "Expect:") &&
            (channel->token[0] == '\0' || add_header(&headers, line)))
                code = set_up(curl, notifier, channel, headers, body);
        if (code == CURLE_OK)
                code = curl_easy_perform(curl);
        if (code == CURLE_OK)
                code = curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
        curl_slist_free_all(headers);
        curl_easy_cleanup(curl);
        memset(line, 0, sizeof(line));
        if (code != CURLE_OK) {
                snprintf(why, 80, "%.79s", curl_easy_strerror(code));
                return why;
        }
        if (status >= 200 && status < 300)
                return NULL;
        *again = status == 408 || status == 429 || status >= 500;
        snprintf(why, 80, "HTTP %ld", status);
        return why;
}

/* Within the limit of the last minute; else when. */
static bool may_try(struct healer_notifier *notifier, int64_t now_ns, int64_t *when_ns)
{
        uint32_t most = notifier->config.per_minute_max;
        int64_t oldest;

        if (notifier->tried_count < most)
                return true;
        oldest = notifier->tried_ns[(notifier->tried_count - most) % MINUTE_MAX];
        *when_ns = oldest + 60 * SECOND;
        return now_ns >= *when_ns;
}

static void give_up(struct healer_notifier *notifier, uint32_t channel, uint32_t attempts,
                    const char *why)
{
        char line[192];

        snprintf(line, sizeof(line), "channel %s: given up after %u %s: %s",
                 notifier->channels[channel].name, attempts, attempts == 1 ? "try" : "tries", why);
        if (notifier->config.say != NULL)
                notifier->config.say(notifier->config.say_ctx, line);
}

/* With the lock held, which is let go while posting. Only pump touches a message
 * that is in use, so it stays where it is. */
static void try_one(struct healer_notifier *notifier, struct message *message, int64_t now_ns)
{
        const char *wrong;
        char why[80];
        bool again, over;

        notifier->tried_ns[notifier->tried_count++ % MINUTE_MAX] = now_ns;
        notifier->stats.tries++;
        message->attempts++;
        (void)pthread_mutex_unlock(&notifier->lock);
        wrong = post(notifier, &notifier->channels[message->channel], message->body, &again, why);
        over = wrong != NULL && (!again || message->attempts >= notifier->config.attempts_max);
        if (over)
                give_up(notifier, message->channel, message->attempts, wrong);
        (void)pthread_mutex_lock(&notifier->lock);
        if (wrong == NULL)
                notifier->stats.delivered++;
        else if (over)
                notifier->stats.failed++;
        else
                message->due_ns = now_ns + (notifier->config.wait_first_ns << (message->attempts - 1));
        message->used = wrong != NULL && !over;
}

enum healer_err healer_notifier_pump(struct healer_notifier *notifier, int64_t now_ns,
                                     int64_t *next_ns)
{
        struct message *message;
        int64_t when_ns;
        uint32_t i;

        *next_ns = HEALER_NEVER;
        (void)pthread_mutex_lock(&notifier->lock);
        for (i = 0; i < notifier->config.queue_max; i++) {
                message = &notifier->queue[i];
                if (!message->used)
                        continue;
                when_ns = message->due_ns;
                if (now_ns >= when_ns && !may_try(notifier, now_ns, &when_ns))
                        notifier->stats.limited++;
                else if (now_ns >= message->due_ns)
                        try_one(notifier, message, now_ns);
                if (message->used && when_ns <= now_ns)
                        when_ns = message->due_ns;
                if (message->used && when_ns < *next_ns)
                        *next_ns = when_ns;
        }
        (void)pthread_mutex_unlock(&notifier->lock);
        return HEALER_OK;
}

struct healer_notifier_stats healer_notifier_stats(struct healer_notifier *notifier)
{
        struct healer_notifier_stats stats;
        uint32_t i;

        (void)pthread_mutex_lock(&notifier->lock);
        stats = notifier->stats;
        for (i = 0; i < notifier->config.queue_max; i++)
                stats.waiting += notifier->queue[i].used;
        (void)pthread_mutex_unlock(&notifier->lock);
        return stats;
}
