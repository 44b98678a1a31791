/* background_reader.c - harmless life that goes on in every arm. */
#include "harness/scenario/loader.h"

#include "harness/sim/time.h"

enum { BACKGROUND_MAX = 1000 };

static const char *const kind_names[BACKGROUND_KIND_COUNT + 1] = {
        [BACKGROUND_GOOD_DEPLOYMENT] = "good_deployment",
        [BACKGROUND_CONFIGURATION_CHANGE] = "configuration_change",
        [BACKGROUND_INSTANCE_REPLACEMENT] = "instance_replacement",
        [BACKGROUND_BATCH_JOB] = "batch_job",
        [BACKGROUND_FLASH_CROWD] = "flash_crowd",
        [BACKGROUND_BENIGN_RESTART] = "benign_restart",
};

static void load_arguments(struct read_object *entry, struct background_spec *out)
{
        struct read_object o;

        out->load = 0.3;
        out->factor = 1.3;
        out->for_ns = 2 * NS_PER_MIN;
        if (!read_child_begin(entry, "arguments", READ_OPTIONAL, &o))
                return;
        if (out->kind == BACKGROUND_BATCH_JOB)
                read_ratio(&o, "load", READ_OPTIONAL, 0, 1, &out->load);
        if (out->kind == BACKGROUND_FLASH_CROWD)
                read_number(&o, "factor", READ_OPTIONAL, 1, 100, &out->factor);
        if (out->kind == BACKGROUND_BATCH_JOB || out->kind == BACKGROUND_FLASH_CROWD)
                read_duration(&o, "for", READ_OPTIONAL, NS_PER_S, 24 * NS_PER_HOUR, &out->for_ns);
        read_object_end(&o);
}

void load_background(struct read_object *scenario, struct fleet_spec *out)
{
        const json_t *list = read_list(scenario, "background", READ_OPTIONAL, BACKGROUND_MAX);
        struct read_context *ctx = scenario->ctx;
        struct arena *arena = ctx->session->arena;
        struct background_spec *entries =
                ARENA_ARRAY(arena, struct background_spec, json_array_size(list));

        if (list == NULL || entries == NULL)
                return;
        out->background = entries;
        out->background_count = (uint32_t)json_array_size(list);
        for (uint32_t i = 0; i < out->background_count; i++) {
                const char *path = json_path_index(arena, read_path(scenario, "background"), i);
                struct read_object o, target;
                uint32_t kind = 0;

                entries[i].service = FLEET_NO_INDEX;
                if (!read_object_begin(ctx, json_array_get(list, i), path, &o))
                        continue;
                read_choice(&o, "kind", READ_REQUIRED, kind_names, &kind);
                entries[i].kind = (enum background_kind)kind;
                read_rate(&o, "rate", READ_REQUIRED, 0, 10, &entries[i].rate_per_s);
                if (read_child_begin(&o, "target", READ_OPTIONAL, &target)) {
                        read_service(&target, "service", READ_OPTIONAL, out, &entries[i].service);
                        read_object_end(&target);
                }
                load_arguments(&o, &entries[i]);
                read_object_end(&o);
        }
}
