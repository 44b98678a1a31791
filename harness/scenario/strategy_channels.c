/* strategy_channels.c - whom a strategy tells when a human is called: escalation.channels.
 *
 * A URL or a token that begins with "env:" names a variable of the environment,
 * so that a file which others may read needs to hold no secret; whoever sends
 * looks it up. Nothing here, and no result, depends on a channel.
 */
#include <string.h>

#include "harness/scenario/strategy_read.h"
#include "healer/escalate.h"

const char *const strategy_channel_forms[] = {"chat", "pager", NULL};
const char *const strategy_channel_levels[] = {"warning", "critical", "emergency", NULL};

static bool is_url(const char *url)
{
        return strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0 ||
               (strncmp(url, "env:", 4) == 0 && url[4] != '\0');
}

static void read_channel(struct read_context *ctx, const json_t *json, const char *path,
                         struct strategy *strategy)
{
        struct strategy_channel *out = &strategy->channels[strategy->channel_count];
        struct read_object object;
        uint32_t i;

        if (!read_object_begin(ctx, json, path, &object))
                return;
        *out = (struct strategy_channel){.name = "", .url = "", .level = HEALER_ESCALATION_WARNING};
        (void)read_text(&object, "name", READ_REQUIRED, &out->name);
        (void)read_choice(&object, "kind", READ_OPTIONAL, strategy_channel_forms, &out->form);
        (void)read_choice(&object, "level", READ_OPTIONAL, strategy_channel_levels, &out->level);
        (void)read_text(&object, "token", READ_OPTIONAL, &out->token);
        /* what is wrong with it is said without it: it may be a secret */
        if (read_text(&object, "url", READ_REQUIRED, &out->url) && !is_url(out->url))
                read_key_error(ctx, read_path(&object, "url"),
                               "a url begins with http:// or https://, or names a variable (env:NAME)");
        if (out->name[0] == '\0' || strlen(out->name) > 47)
                read_error(ctx, path, "a channel has a name of 1 to 47 bytes");
        for (i = 0; i < strategy->channel_count; i++) {
                if (strcmp(strategy->channels[i].name, out->name) == 0)
                        read_error(ctx, path, "a second channel of that name");
        }
        strategy->channel_count++;
        read_object_end(&object);
}

void strategy_read_channels(struct read_object *escalation, struct strategy *strategy)
{
        struct read_context *ctx = escalation->ctx;
        const json_t *list = read_list(escalation, "channels", READ_OPTIONAL, STRATEGY_CHANNELS_MAX);
        const char *path = read_path(escalation, "channels");
        size_t i;

        if (list == NULL)
                return;
        strategy->channel_count = 0; /* a layer's list replaces the one before */
        for (i = 0; i < json_array_size(list); i++)
                read_channel(ctx, json_array_get(list, i),
                             json_path_index(ctx->session->arena, path, i), strategy);
}
