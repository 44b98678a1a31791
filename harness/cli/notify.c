/* notify.c - from a journal to channels. */
#include "harness/cli/notify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/cli/interrupt.h"
#include "harness/cli/progress.h"
#include "healer/notify/notify.h"

struct notify {
        struct healer_notifier *notifier;
        struct healer_escalator *escalator;
};

static void say(void *ctx, const char *line)
{
        (void)ctx;
        fprintf(stderr, "chaos-run: --notify: %s\n", line);
}

/* A text, or what stands in the variable that it names; NULL: there is none. */
static const char *looked_up(const char *text)
{
        return text != NULL && strncmp(text, "env:", 4) == 0 ? getenv(text + 4) : text;
}

static bool add_channel(struct notify *notify, const struct strategy_channel *channel)
{
        const char *url = looked_up(channel->url), *token = looked_up(channel->token);
        struct healer_notify_channel *out;

        if (url == NULL || (channel->token != NULL && token == NULL)) {
                fprintf(stderr, "chaos-run: --notify: channel %s: no variable %s\n", channel->name,
                        (url == NULL ? channel->url : channel->token) + 4);
                return false;
        }
        if (healer_notifier_channel(notify->notifier, channel->name,
                                    (enum healer_notify_form)channel->form, url, token,
                                    &out) != HEALER_OK ||
            healer_escalator_channel(notify->escalator, channel->name, channel->level,
                                     healer_notifier_handler, out) != HEALER_OK) {
                fprintf(stderr, "chaos-run: --notify: channel %s: its url or token cannot be used\n",
                        channel->name);
                return false;
        }
        return true;
}

struct notify *notify_create(const struct strategy *strategy, bool *failed)
{
        struct healer_notifier_config notifier = healer_notifier_config_defaults();
        struct healer_escalator_config escalator = healer_escalator_config_defaults();
        struct notify *notify;

        *failed = false;
        if (strategy == NULL || strategy->channel_count == 0)
                return NULL;
        notifier.say = say;
        notifier.queue_max = 4096;
        escalator.incidents_max = 4096;
        escalator.timeout_ns = strategy->healer.escalation.timeout_ns;
        notify = calloc(1, sizeof(*notify));
        *failed = notify == NULL ||
                  healer_notifier_create(&notifier, &notify->notifier) != HEALER_OK ||
                  healer_escalator_create(&escalator, &notify->escalator) != HEALER_OK;
        for (uint32_t i = 0; !*failed && i < strategy->channel_count; i++)
                *failed = !add_channel(notify, &strategy->channels[i]);
        if (!*failed)
                return notify;
        notify_destroy(notify);
        return NULL;
}

void notify_destroy(struct notify *notify)
{
        if (notify == NULL)
                return;
        healer_escalator_destroy(notify->escalator);
        healer_notifier_destroy(notify->notifier);
        free(notify);
}

/* What was found of it; and what had been tried ("tried: restart_instance, failover"), for
 * a healer that gives no context of its own. */
static enum healer_failure story_of(const struct arm_record *arm, size_t until, uint64_t episode,
                                    char *out, size_t room)
{
        enum healer_failure failure = HEALER_FAILURE_COUNT;
        size_t length = (size_t)snprintf(out, room, "tried: ");
        size_t tried = 0;

        for (size_t i = 0; i < until; i++) {
                const struct journal_entry *entry = &arm->journal[i];

                if (entry->episode != episode)
                        continue;
                if (entry->type == JOURNAL_EPISODE)
                        failure = healer_failure_of(entry->text);
                if (entry->type == JOURNAL_ACTION_STARTED && length < room)
                        length += (size_t)snprintf(out + length, room - length, "%s%s",
                                                   tried++ > 0 ? ", " : "", entry->kind);
        }
        if (tried == 0)
                snprintf(out, room, "nothing was tried");
        return failure;
}

static void raise_incident(struct notify *notify, const struct run_meta *meta,
                           const struct arm_record *arm, size_t at)
{
        const struct journal_entry *entry = &arm->journal[at];
        char story[96];
        enum healer_severity severity = healer_severity_of(entry->severity);
        enum healer_failure failure = story_of(arm, at, entry->episode, story, sizeof(story));
        struct healer_escalation incident = {
                .key = entry->episode,
                .severity = severity == HEALER_SEVERITY_COUNT ? HEALER_SEVERITY_HIGH : severity,
                .failure = failure == HEALER_FAILURE_COUNT ? HEALER_FAILURE_UNKNOWN : failure,
                .component = entry->service < meta->service_count
                                     ? meta->services[entry->service].name
                                     : "",
                .context = entry->more != NULL && *entry->more != '\0' ? entry->more : story,
        };

        (void)healer_escalator_raise(notify->escalator, &incident, entry->at_ns);
}

void notify_add(struct notify *notify, const struct run_meta *meta,
                const struct replication_record *record)
{
        const struct arm_record *arm = record->arms[ARM_TREATED];
        int64_t next_ns;

        for (size_t i = 0; arm != NULL && i < arm->journal_count; i++) {
                const struct journal_entry *entry = &arm->journal[i];

                (void)healer_escalator_poll(notify->escalator, entry->at_ns, &next_ns);
                if (entry->type == JOURNAL_ESCALATION && strcmp(entry->text, "healer") == 0)
                        raise_incident(notify, meta, arm, i);
                else if (entry->type == JOURNAL_EPISODE && strcmp(entry->kind, "closed") == 0)
                        (void)healer_escalator_resolve(notify->escalator, entry->episode);
        }
}

bool notify_send(struct notify *notify, const char *file)
{
        struct healer_notifier_stats stats;
        const int64_t began_ns = wall_ns();
        struct patience patience = patience_begin(began_ns);
        int64_t next_ns = 0, now_ns, slept_ns = 0;

        while (next_ns != HEALER_NEVER && interrupt_signal == 0) {
                double wait_s;

                now_ns = began_ns + patience_spent_ns(&patience, wall_ns(), slept_ns);
                (void)healer_notifier_pump(notify->notifier, now_ns, &next_ns);
                slept_ns = 0;
                wait_s = (double)(next_ns - now_ns) * 1e-9;
                if (next_ns != HEALER_NEVER && wait_s > 0) {
                        const struct timespec wait = {.tv_nsec = 50000000};

                        if (nanosleep(&wait, NULL) == 0) /* short, so that a signal is heard */
                                slept_ns = wait.tv_nsec;
                }
        }
        stats = healer_notifier_stats(notify->notifier);
        fprintf(stderr, "chaos-run: --notify: %s: %" PRIu64 " of %" PRIu64 " messages delivered\n", file,
                stats.delivered, stats.queued + stats.dropped);
        return stats.delivered == stats.queued && stats.dropped == 0;
}
