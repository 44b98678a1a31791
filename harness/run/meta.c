/* meta.c - what reports need to know of a scenario, without knowing scenarios. */
#include <math.h>
#include <stdlib.h>

#include "harness/base/rng.h"
#include "harness/run/plan.h"
#include "harness/run/run.h"

/* A meta and its memory. */
struct stored_meta {
        struct run_meta meta;
        struct arena arena;
};

static enum fleet_layer layer_of(const struct method_spec *entry)
{
        switch (entry->target.kind) {
        case TARGET_EDGE:
                return entry->fault->lives_in_edge;
        case TARGET_ZONES:
                return LAYER_ZONE;
        case TARGET_HEALER:
                return LAYER_HEALER;
        default:
                return entry->fault->lives_in;
        }
}

/* Which actions are right for a fault, by mechanism alone. */
static uint32_t cured_by(const struct method_spec *entry)
{
        enum fleet_layer layer = layer_of(entry);
        uint32_t mask = 0;

        if (layer == LAYER_HEALER)
                return 0; /* no action on the fleet mends its healer */

        for (uint32_t kind = 0; kind < ACTION_KIND_COUNT; kind++)
                if (kind != ACTION_ESCALATE && (fleet_action_rows[kind].resets & LAYER_BIT(layer)))
                        mask |= UINT32_C(1) << kind;
        /* Where nothing resets it, or at the client or in a zone, taking load
         * off is what can be done (1a-keys.md). */
        if (mask == 0 || layer == LAYER_CLIENT || layer == LAYER_ZONE)
                mask |= UINT32_C(1) << ACTION_SCALE_RESOURCES | UINT32_C(1) << ACTION_SHED_LOAD |
                        UINT32_C(1) << ACTION_SET_DEGRADATION;
        return mask;
}

static void reach(const struct fleet_spec *fleet, uint32_t from, bool *reaches)
{
        const struct service_spec *spec = &fleet->services[from];

        if (reaches[from])
                return;
        reaches[from] = true;
        for (uint32_t i = 0; i < spec->edge_count; i++)
                reach(fleet, fleet->edges[spec->edge_first + i].to, reaches);
}

/* Expected calls a second: what a load source offers, or what a trace holds. */
static double offered_per_s(const struct load_spec *load)
{
        double sum = 0;

        switch (load->process) {
        case LOAD_TRACE:
                if (load->trace.count == NULL)
                        return (double)load->trace.length / ((double)load->trace.total_ns * 1e-9);
                for (size_t i = 0; i < load->trace.length; i++)
                        sum += load->trace.count[i];
                return sum / ((double)load->trace.total_ns * 1e-9);
        case LOAD_MMPP: {
                double time = 0;

                for (size_t i = 0; i < load->mmpp_count; i++) {
                        sum += load->mmpp_rates_per_s[i] * (double)load->mmpp_means_ns[i];
                        time += (double)load->mmpp_means_ns[i];
                }
                return time > 0 ? sum / time : 0;
        }
        case LOAD_CLOSED:
                return load->users / (dist_mean_ns(&load->think_time) * 1e-9 + 0.1);
        case LOAD_POISSON:
        case LOAD_CONSTANT:
        default:
                return load->rate_per_s;
        }
}

static bool meta_services(const struct scenario *scenario, struct arena *arena, struct run_meta *meta)
{
        const struct fleet_spec *fleet = &scenario->fleet;

        meta->services = ARENA_ARRAY(arena, struct meta_service, fleet->service_count + 1);
        if (meta->services == NULL)
                return false;
        meta->service_count = fleet->service_count;
        for (uint32_t i = 0; i < fleet->service_count; i++) {
                const struct service_spec *spec = &fleet->services[i];
                bool *reaches = ARENA_ARRAY(arena, bool, fleet->service_count + 1);

                if (reaches == NULL)
                        return false;
                reach(fleet, i, reaches);
                meta->services[i] = (struct meta_service){
                        .name = spec->name,
                        .critical = spec->critical,
                        .has_slo = spec->slo.present,
                        .slo_target = spec->slo.target,
                        .slo_quality = spec->slo.quality,
                        .slo_latency_ns = spec->slo.latency_ns,
                        .slo_window_ns = spec->slo.window_ns,
                        .instance_count = spec->instance_count,
                        .worker_count = spec->instance_count * spec->concurrency,
                        .reaches = reaches,
                };
        }
        for (uint32_t i = 0; i < fleet->load_count; i++) {
                meta->services[fleet->loads[i].to].entry = true;
                meta->services[fleet->loads[i].to].offered_per_s += offered_per_s(&fleet->loads[i]);
                if (fleet->loads[i].process == LOAD_CLOSED)
                        meta->services[fleet->loads[i].to].user_count += fleet->loads[i].users;
                else
                        meta->services[fleet->loads[i].to].open_per_s +=
                                offered_per_s(&fleet->loads[i]);
        }
        return true;
}

static bool meta_edges(const struct scenario *scenario, struct arena *arena, struct run_meta *meta)
{
        const struct fleet_spec *fleet = &scenario->fleet;

        meta->edge_count = fleet->edge_count + fleet->load_count;
        meta->edges = ARENA_ARRAY(arena, struct meta_edge, meta->edge_count + 1);
        if (meta->edges == NULL)
                return false;
        for (uint32_t i = 0; i < fleet->edge_count; i++)
                meta->edges[i] = (struct meta_edge){fleet->edges[i].name, fleet->edges[i].from,
                                                    fleet->edges[i].to};
        for (uint32_t i = 0; i < fleet->load_count; i++) {
                const char *name = arena_printf(arena, "%s->%s", fleet->loads[i].name,
                                                fleet->services[fleet->loads[i].to].name);

                if (name == NULL)
                        return false;
                meta->edges[fleet->edge_count + i] =
                        (struct meta_edge){name, RECORD_NONE, fleet->loads[i].to};
        }
        return true;
}

static struct meta_probe probe_of(const struct probe_spec *spec, int64_t at_ns)
{
        return (struct meta_probe){
                .name = spec->name,
                .metric = spec->metric,
                .tolerance = spec->tolerance_text,
                .service = spec->service,
                .at_ns = at_ns,
                .low = spec->low,
                .high = spec->high,
                .low_open = spec->low_open,
                .high_open = spec->high_open,
        };
}

static bool meta_method(const struct scenario *scenario, struct arena *arena, struct run_meta *meta)
{
        struct plan plan;

        meta->faults = ARENA_ARRAY(arena, struct meta_fault, scenario->method_count + 1);
        meta->probes = ARENA_ARRAY(arena, struct meta_probe,
                                   scenario->method_count + scenario->steady_count + 1);
        /* When a probe comes after something of random length: as in the first replication. */
        if (meta->faults == NULL || meta->probes == NULL ||
            !plan_make(scenario, rng_key(scenario->seed, 0), arena, &plan))
                return false;
        for (size_t i = 0; i < scenario->steady_count; i++)
                meta->probes[meta->probe_count++] = probe_of(&scenario->steady[i], TIME_NEVER);
        for (size_t i = 0; i < scenario->method_count; i++) {
                const struct method_spec *entry = &scenario->method[i];

                if (entry->kind == METHOD_PROBE) {
                        meta->probes[meta->probe_count] =
                                probe_of(&entry->probe, plan.probes_at_ns[i]);
                        meta->probes[meta->probe_count++].name = entry->name;
                        continue;
                }
                meta->faults[meta->fault_count++] = (struct meta_fault){
                        .name = entry->name,
                        .kind = entry->fault->name,
                        .family = entry->fault->family,
                        .failure_type = entry->fault->failure_type,
                        .lives_in = fleet_layer_name(layer_of(entry)),
                        .cured_by = cured_by(entry),
                        .harmful = layer_of(entry) != LAYER_HEALER,
                        .on_healer = layer_of(entry) == LAYER_HEALER,
                        .policy_coupled = entry->coupled,
                        .monkey = entry->timing == TIMING_MONKEY ? entry->group->name : NULL,
                };
        }
        return true;
}

static bool meta_thresholds(const struct scenario *scenario, struct arena *arena,
                            struct run_meta *meta)
{
        meta->thresholds = ARENA_ARRAY(arena, struct meta_threshold, scenario->threshold_count + 1);
        if (meta->thresholds == NULL)
                return false;
        meta->threshold_count = (uint32_t)scenario->threshold_count;
        for (size_t i = 0; i < scenario->threshold_count; i++) {
                const struct threshold_spec *spec = &scenario->thresholds[i];

                meta->thresholds[i] = (struct meta_threshold){
                        .text = spec->text,
                        .metric = spec->metric,
                        .quantile = spec->quantile,
                        .arm = spec->arm,
                        .service = spec->service,
                        .fault = spec->fault,
                        .failure_type = spec->failure_type,
                        .severity = spec->severity,
                        .phase = spec->phase,
                        .op = spec->op,
                        .value = spec->value,
                        .confidence = spec->confidence,
                        .no_data_passes = spec->no_data_passes,
                };
        }
        return true;
}

static bool meta_names(const struct scenario *scenario, struct arena *arena, struct run_meta *meta)
{
        const struct fleet_spec *fleet = &scenario->fleet;
        uint32_t count = 0, at = 0;
        const char **instances;
        const char **names = ARENA_ARRAY(arena, const char *, scenario->variable_count + 1);
        const char **values = ARENA_ARRAY(arena, const char *, scenario->variable_count + 1);
        const char **actions = ARENA_ARRAY(arena, const char *, ACTION_KIND_COUNT);

        for (uint32_t i = 0; i < fleet->service_count; i++)
                count += fleet->services[i].instance_count;
        instances = ARENA_ARRAY(arena, const char *, count + 1);
        if (names == NULL || values == NULL || actions == NULL || instances == NULL)
                return false;
        for (uint32_t i = 0; i < fleet->service_count; i++)
                for (uint32_t k = 0; k < fleet->services[i].instance_count; k++) {
                        instances[at] = arena_printf(arena, "%s-%u", fleet->services[i].name, k);
                        if (instances[at++] == NULL)
                                return false;
                }
        for (size_t i = 0; i < scenario->variable_count; i++) {
                names[i] = scenario->variables[i].name;
                values[i] = scenario->variables[i].value;
        }
        for (uint32_t i = 0; i < ACTION_KIND_COUNT; i++)
                actions[i] = fleet_action_rows[i].name;
        meta->instance_names = instances;
        meta->variable_names = names;
        meta->variable_values = values;
        meta->variable_count = (uint32_t)scenario->variable_count;
        meta->action_names = actions;
        meta->action_kind_count = ACTION_KIND_COUNT;
        return true;
}

static bool has_closed_load(const struct fleet_spec *fleet)
{
        for (uint32_t i = 0; i < fleet->load_count; i++)
                if (fleet->loads[i].process == LOAD_CLOSED)
                        return true;
        return false;
}

struct run_meta *run_meta_make(const struct scenario *scenario, bool healer_acts,
                               const char *healer_name, const char *healer_digest,
                               const char *version)
{
        struct stored_meta *stored = calloc(1, sizeof(*stored));
        struct run_meta *meta;

        if (stored == NULL)
                return NULL;
        arena_init(&stored->arena);
        meta = &stored->meta;
        *meta = (struct run_meta){
                .title = scenario->title,
                .description = scenario->description == NULL ? "" : scenario->description,
                .file = scenario->file,
                .digest = scenario->digest,
                .seed = scenario->seed,
                .replications = scenario->replications,
                .duration_ns = scenario->duration_ns,
                .warmup_ns = scenario->warmup_ns,
                .cooldown_ns = scenario->cooldown_ns,
                .healer_name = healer_name,
                .healer_digest = healer_digest,
                .arm_run = {true, healer_acts, true, true, true},
                .prediction_window_ns = scenario->evaluation.prediction_window_ns,
                .minimum_lead_ns = scenario->evaluation.minimum_lead_ns,
                .horizon_ns = scenario->evaluation.horizon_ns,
                .has_cost = scenario->evaluation.has_cost,
                .cost_failed_request = scenario->evaluation.cost_failed_request,
                .cost_human_page = scenario->evaluation.cost_human_page,
                .cost_action = scenario->evaluation.cost_action,
                .cost_instance_hour = scenario->evaluation.cost_instance_hour,
                .command = "",
                .version = version,
                .policy_coupled = has_closed_load(&scenario->fleet) || plan_is_coupled(scenario) ||
                                  scenario->stop_count > 0,
                .not_repeatable = scenario->fleet.operations.think_wall,
        };
        if (meta_services(scenario, &stored->arena, meta) &&
            meta_edges(scenario, &stored->arena, meta) &&
            meta_method(scenario, &stored->arena, meta) &&
            meta_thresholds(scenario, &stored->arena, meta) &&
            meta_names(scenario, &stored->arena, meta))
                return meta;
        run_meta_free(meta);
        return NULL;
}

void run_meta_free(struct run_meta *meta)
{
        struct stored_meta *stored = (struct stored_meta *)meta;

        if (meta == NULL)
                return;
        arena_release(&stored->arena);
        free(stored);
}
