/* gradual.c - what runs out: room on a disk, tokens of an outside party.
 *
 * A disk fills on the instances that are the target, and freeing it or taking
 * another instance helps. Tokens are granted to a service from outside: nothing
 * that is done to its instances brings more of them.
 */
#include "faults/fault.h"

enum { FIRST };

static const struct fault_param disk_fill_params[] = {
        {.name = "rate", .summary = "written a second, besides what requests write",
         .unit = FAULT_BYTES_PER_S, .required = true, .min = 0, .max = 1e12, .ramps = true},
};

static const struct fault_param quota_cut_params[] = {
        {.name = "share", .summary = "of the limit that is taken away", .unit = FAULT_RATIO,
         .required = true, .min = 0, .max = 1, .ramps = true},
};

static void disk_fill_inject(struct fault_run *run)
{
        struct effect *effect = fault_effect(run, EFFECT_DISK_FILL, LAYER_DISK);

        effect->a = run->arguments[FIRST];
        run->measured_what = "disk filled (bytes)";
        fault_effect_on_targets(run, effect);
}

static void token_exhaustion_inject(struct fault_run *run)
{
        struct effect *effect = fault_effect(run, EFFECT_QUOTA, LAYER_OUTSIDE);

        effect->b = 1;
        run->measured_what = "requests without a token";
        fault_effect_on_targets(run, effect);
}

static void quota_cut_inject(struct fault_run *run)
{
        struct effect *effect = fault_effect(run, EFFECT_QUOTA, LAYER_OUTSIDE);

        effect->a = run->arguments[FIRST];
        run->measured_what = "requests without a token";
        fault_effect_on_targets(run, effect);
}

const struct fault_ops fault_disk_fill = {
        .name = "disk_fill",
        .family = "resources",
        .summary = "something fills the disks of instances",
        .failure_type = "disk_full",
        .effect = "the disk fills; requests that write fail when it is full",
        .lifting = "nothing more is written; what is full stays full until it is freed",
        .targets = FAULT_TARGET_INSTANCES,
        .lives_in = LAYER_DISK,
        .needs = FAULT_NEEDS_DISK,
        .chance = FAULT_CHANCE_PER_TARGET,
        .params = disk_fill_params,
        .params_count = sizeof(disk_fill_params) / sizeof(disk_fill_params[0]),
        .inject = disk_fill_inject,
        .lift = fault_lift_effects,
};

const struct fault_ops fault_token_exhaustion = {
        .name = "token_exhaustion",
        .family = "resources",
        .summary = "others have used up the tokens of a service",
        .failure_type = "token_exhaustion",
        .effect = "all its requests fail, as with status 429",
        .lifting = "tokens are granted again when the window turns",
        .targets = FAULT_TARGET_SERVICE,
        .lives_in = LAYER_OUTSIDE,
        .needs = FAULT_NEEDS_QUOTA,
        .chance = FAULT_CHANCE_PER_TARGET,
        .inject = token_exhaustion_inject,
        .lift = fault_lift_effects,
};

const struct fault_ops fault_quota_cut = {
        .name = "quota_cut",
        .family = "resources",
        .summary = "an outside party grants a service fewer tokens",
        .failure_type = "quota_exceeded",
        .effect = "requests beyond the smaller quota fail, as with status 429, until its window turns",
        .lifting = "the quota is as declared again",
        .targets = FAULT_TARGET_SERVICE,
        .lives_in = LAYER_OUTSIDE,
        .needs = FAULT_NEEDS_QUOTA,
        .chance = FAULT_CHANCE_PER_TARGET,
        .params = quota_cut_params,
        .params_count = sizeof(quota_cut_params) / sizeof(quota_cut_params[0]),
        .inject = quota_cut_inject,
        .lift = fault_lift_effects,
};
